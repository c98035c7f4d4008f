/* verdict-private: what verdict.c, verdict-route.c and verdict-headers.c share. Layer: inspect. */
#ifndef OUTAGE_INSPECT_VERDICT_PRIVATE_H
#define OUTAGE_INSPECT_VERDICT_PRIVATE_H

#include "inspect/verdict.h"
#include "mail/text.h"

/* What was found in the mail, before anything is decided. */
struct Signals {
	const Message *message;
	Text *text;
	GPtrArray *from, *reply_to;  /* char *, addr-specs of all From and Reply-To headers; at least two where there are more */
	RulesResult *rules;
	Authentic auth;
	ReasonSet message_reasons;   /* those that the mail itself gives */
};

/* Picks route, queue, tier, answer time and the strictest acknowledgement policy of all routes that match; adds vip, escalated,
 * sensitive or route to verdict->reasons where that policy is none. template_name (owned by the configuration or account)
 * receives the acknowledgement's template or NULL. */
void verdict_route(Verdict *verdict, const VerdictContext *context, const Signals *signals, const char **template_name);

/* Fills verdict->headers with all but Ack and suppression, and the other edits of the mail. */
void verdict_build_headers(Verdict *verdict, const VerdictContext *context, const Signals *signals);
void signals_free(Signals *signals);

#endif
