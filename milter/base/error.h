/* error: the one GError domain of this project. Layer: base.
 *
 * A caller needs to tell apart only what it would do next, so the codes say that and not where the error arose;
 * the message says what and where, in one line that an operator can act on. */
#ifndef OUTAGE_BASE_ERROR_H
#define OUTAGE_BASE_ERROR_H

#include <glib.h>

typedef enum {
	OUTAGE_ERROR_INVALID,     /* what came in is wrong (mail, configuration, store value, argument): fix the input */
	OUTAGE_ERROR_UNAVAILABLE, /* something outside is away and certainly did nothing: log, go on, try later */
	OUTAGE_ERROR_UNKNOWN,     /* the outcome is not known: it may have happened; ask again with the same token */
	OUTAGE_ERROR_NOT_FOUND,   /* asked for something that is not there */
	OUTAGE_ERROR_REFUSED,     /* something outside said no for good: do not try again */
	OUTAGE_ERROR_RECIPIENT,   /* the same, and it is the recipient's address that was refused: do not write there again */
	OUTAGE_ERROR_SYSTEM       /* the operating system said no (errno text is in the message) */
} OutageError;

#define OUTAGE_ERROR (outage_error_quark())

/* Returns the quark of the domain; never fails. */
GQuark outage_error_quark(void);

#endif
