/* sent: the tokens of the letters that this process has sent, the newest so many. Layer: program.
 *
 * The marks in the store say the same of all repliers; but whoever can put an old job into the store can take its mark
 * away as well. */
#ifndef OUTAGE_REPLIER_SENT_H
#define OUTAGE_REPLIER_SENT_H

#include <glib.h>

typedef struct SentLog SentLog;

typedef enum {
	SENT_NOT,   /* not by this process, or too long ago */
	SENT_TAKEN, /* the MTA took it, and the store has not been told yet: the job comes again */
	SENT_ENDED  /* its job has ended */
} SentState;

/* limit: how many tokens are kept; the oldest go first. */
SentLog *sent_log_new(guint limit);
void sent_log_free(SentLog *log);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(SentLog, sent_log_free)

/* The MTA took the letter of token. */
void sent_log_add(SentLog *log, const char *token);
/* Its job has ended; nothing happens where token is not there. */
void sent_log_end(SentLog *log, const char *token);
SentState sent_log_state(const SentLog *log, const char *token);

#endif
