/* answerable: may this mail be answered by a machine at all? Every reason against it, in the fixed order. Layer: inspect.
 * Pure. RFC 3834 section 2, RFC 5230 section 4.6, MS-OXCMAIL 2.2.3.2.14, and what ten other systems check; doc/contract.md 8. */
#ifndef OUTAGE_INSPECT_ANSWERABLE_H
#define OUTAGE_INSPECT_ANSWERABLE_H

#include <glib.h>
#include <stdbool.h>

#include "inspect/correspondent.h"
#include "mail/message.h"
#include "mail/text.h"

/* In the order in which they are reported; the names are those of X-Outage-Ack. */
typedef enum {
	REASON_NULL_SENDER, REASON_OWN_ADDRESS, REASON_AUTO_SUBMITTED, REASON_LIST_MAIL, REASON_PRECEDENCE,
	REASON_AUTO_RESPONSE_SUPPRESS, REASON_VENDOR_AUTO, REASON_LOOP, REASON_REPORT, REASON_SYSTEM_SENDER, REASON_AUTO_SUBJECT,
	REASON_SPAM, REASON_NOT_ADDRESSED,
	REASON_NO_INCIDENT, REASON_NO_MATCH, REASON_VIP, REASON_ESCALATED, REASON_SENSITIVE, REASON_ROUTE, REASON_STALE,
	REASON_PAUSED, REASON_UNAUTHENTICATED,
	REASON_BOUNCED, REASON_ALREADY_ACKED, REASON_RATE, REASON_STORE,
	REASONS
} Reason;

/* A set of reasons: bit 1 << Reason. */
typedef guint32 ReasonSet;
#define REASON_BIT(reason) ((ReasonSet)1u << (reason))

/* Returns e.g. "null-sender" (static). */
const char *reason_name(Reason reason);

/* Returns "code,code" in order; "" for none; caller frees. */
char *reason_list(ReasonSet set);

/* Our acknowledgements' Message-IDs are <outage-ack.HEX@DOMAIN>, HEX = 32 lower-case hex digits. */
#define OUR_MESSAGE_ID_PREFIX "outage-ack."

/* Returns true where message_id (with or without angle brackets; NULL = false) has that form. */
bool answerable_is_our_message_id(const char *message_id);

/* Returns true where the mail says of itself that a machine sent it: an Auto-Submitted other than "no" (RFC 3834 section 5). */
bool answerable_says_automatic(const Message *message);

typedef struct {
	const char *const *own_addresses;   /* normalised addresses and "@domain": support addresses, aliases, reply From */
	const char *const *addressed;       /* as above: what counts as addressed to us (support addresses and aliases) */
	const char *const *spam_headers;    /* names of the site's own filter's headers, e.g. "X-Spam-Flag" */
	const char *const *list_ids;        /* List-Ids of group aliases in front of the support box */
	guint received_max;                 /* Received headers above this are a loop */
} AnswerableSettings;

/* Returns the message codes that hold (bits up to REASON_NOT_ADDRESSED). from, reply_to: addr-specs of the only ones, or NULL.
 * Where correspondent is a form's or a list's writer, null-sender, own-address and system-sender are judged on him alone: the
 * addresses that form and list put in by themselves say nothing of who wrote. A correspondent without an address is null-sender. */
ReasonSet answerable_check(const AnswerableSettings *settings, const Message *message, const Text *text, const char *from,
    const char *reply_to, const Correspondent *correspondent);

#endif
