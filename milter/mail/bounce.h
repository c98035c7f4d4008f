/* bounce: the tagged envelope sender of our replies, and what comes back to it. Layer: mail. RFC 3464, RFC 5321 section 4.5.5.
 *
 *     tagged = local "+" HASH "." TAG "@" domain      local "@" domain: reply.bounce_address
 *     HASH   = 32 lower-case hex digits, secret_address_hash() of whom the reply went to
 *     TAG    = the first 16 hex digits of the HMAC of "bounce" LF HASH under the site secret
 *
 * Whoever does not know the secret cannot make a tag, so a forged bounce blocks nobody; whoever got a reply knows only his own. */
#ifndef OUTAGE_MAIL_BOUNCE_H
#define OUTAGE_MAIL_BOUNCE_H

#include <glib.h>
#include <stdbool.h>

#include "base/secret.h"
#include "mail/message.h"

/* The local part of reply.bounce_address may have this many bytes: RFC 5321 section 4.5.3.1.1 allows 64 in all. */
#define BOUNCE_LOCAL_MAX 14

/* Returns the tagged address for a reply to the address with that hash. base: a parsed, normalised address. Caller frees. */
char *bounce_address_make(const Secret *secret, const char *base, const char *hash);

/* Returns true where rcpt has the form of a tagged address of base, whatever its tag: worth looking at its mail. NULLs
 * give false. */
bool bounce_address_is(const char *base, const char *rcpt);

/* Returns the HASH of rcpt where it is a tagged address of base with the right tag, else NULL; any case; caller frees. */
char *bounce_address_read(const Secret *secret, const char *base, const char *rcpt);

/* Returns true where message is a bounce that says for good that it could not be delivered: from the null sender, and
 * either a multipart/report of type delivery-status with a recipient whose Action is failed and whose Status is 5.1.x,
 * 5.2.x or 5.6.7 (the address or its mailbox; not 5.1.7 and 5.1.8, which speak of the sender) or 5.0.x with no
 * Diagnostic-Code of an SMTP server that says otherwise, or, from MTAs that write none, an X-Failed-Recipients field. A
 * delay, a refusal by policy, a vacation note or a receipt is none. *why (may be NULL) receives the status and the
 * remote MTA's words, bounded and sanitised for the log; caller frees. */
bool bounce_is_failure(const Message *message, char **why);

/* Returns true where refusal, a 5xx reply of an SMTP server (its lines one below the other), says that the recipient's
 * address is wrong or its mailbox closed; false where it may speak of us, of the content or of the server. */
bool bounce_refusal_is_of_address(const char *refusal);

/* Returns what another server said (text, may be NULL) as it may be logged and kept: one line, bounded, sanitised,
 * without addresses. Caller frees. */
char *bounce_words(const char *text);

#endif
