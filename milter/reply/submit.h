/* submit: hands one finished message to the MTA over SMTP (libcurl). Layer: reply. RFC 5321. */
#ifndef OUTAGE_REPLY_SUBMIT_H
#define OUTAGE_REPLY_SUBMIT_H

#include <glib.h>
#include <stdbool.h>

#include "config/config.h"
#include "reply/compose.h"

typedef struct Submitter Submitter;

/* One connection, reused between messages, to config->relay; one thread. */
Submitter *submitter_new(const Config *config);
void submitter_free(Submitter *submitter);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Submitter, submitter_free)

/* Sends. True once the server took it (250 after the final dot). OUTAGE_ERROR_UNAVAILABLE: try later (4xx, no
 * connection); OUTAGE_ERROR_UNKNOWN: it was sent whole and not answered in time, so it may have been taken;
 * OUTAGE_ERROR_RECIPIENT: 5xx to RCPT TO, so it is this address that is wrong; OUTAGE_ERROR_REFUSED: any other 5xx, or
 * the recipient needs SMTPUTF8 and the server has none; the message has the server's words. */
bool submitter_send(Submitter *submitter, const Composed *message, GError **error);

/* Returns true where the last message had left whole when the relay broke the connection off: mostly it has not taken it then, but it
 * may have. */
bool submitter_broke_off(const Submitter *submitter);

#endif
