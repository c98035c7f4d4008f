/* verdict-private: what verdict.c, its siblings and facts.c share. Layer: inspect. */
#ifndef OUTAGE_INSPECT_VERDICT_PRIVATE_H
#define OUTAGE_INSPECT_VERDICT_PRIVATE_H

#include "inspect/verdict.h"
#include "mail/text.h"

/* Of what goes into a job or a note. */
#define VERDICT_SUBJECT_MAX 400

/* What was found in the mail, before anything is decided. */
struct Signals {
	const Message *message;      /* NULL where the mail has passed and its facts are all there is: text is then the subject alone */
	Text *text;
	GPtrArray *from, *reply_to;  /* char *, addr-specs of all From and Reply-To headers; at least two where there are more */
	const char *subject, *own;   /* of text, as normal_text leaves them */
	char *normal_subject, *normal_own; /* behind these, where they are not the text's own; or NULL */
	RulesResult *rules;
	double model_score;          /* the model's points */
	GPtrArray *words;            /* char *: those that moved it most */
	double score;                /* of rules and model */
	Authentic auth;
	ReasonSet message_reasons;   /* those that the mail itself gives */
	char *message_id, *references, *queue_id; /* as they stand, on one line; or NULL */
};

/* Returns an empty verdict. */
Verdict *verdict_new(void);

/* Finds the incident and the account that verdict->signals speak of, and takes over what the rules found. First of two steps, for a mail
 * and for facts alike. */
void verdict_weigh(Verdict *verdict, const VerdictContext *context);

/* Everything that depends on who wrote (verdict->correspondent, verdict->verified); may run again once more is known of that. */
void verdict_conclude(Verdict *verdict, const VerdictContext *context);

/* Returns true where whoever wrote may be told how it goes on: his mail matched, passed as a person's, and somebody vouches for him. */
bool verdict_makes_contact(const Verdict *verdict);

/* Returns the claim of an acknowledgement, dated context->now; verdict has an incident. Caller frees. */
ClaimRequest *verdict_claim_new(const Verdict *verdict, const VerdictContext *context, const Signals *signals,
    const char *template_name);

/* Cuts text at max bytes on a character boundary; NULL stays NULL. Caller frees. */
char *verdict_bounded(const char *text, gsize max);

/* Picks route, queue, tier, answer time and the strictest acknowledgement policy of all routes that match; adds vip, escalated,
 * sensitive or route to verdict->reasons where that policy is none. template_name (owned by the configuration or account)
 * receives the acknowledgement's template or NULL. */
void verdict_route(Verdict *verdict, const VerdictContext *context, const Signals *signals, const char **template_name);

/* Fills verdict->headers with all but Ack and suppression, and the other edits of the mail. */
void verdict_build_headers(Verdict *verdict, const VerdictContext *context, const Signals *signals);
void signals_free(Signals *signals);

/* Appends a header to verdict->headers, sanitised. */
void verdict_add_header(Verdict *verdict, const char *name, const char *value);

/* Appends what the helpdesk is to do with the mail: the route's own headers, and what the helpdesk's profile makes of the route. Only
 * where the mail is routed: verdict->route is set, and not in shadow. */
void helpdesk_order(Verdict *verdict, const Config *config);

/* Appends what keeps the helpdesk's own automatic reply back. Only where ours is queued: the customer gets one. */
void helpdesk_silence(Verdict *verdict, const Config *config);

/* Sets subject and own from text. */
void signals_normalise(Signals *signals);

/* Returns the only one of from or reply_to, or NULL. Owned by the array. */
const char *signals_only(const GPtrArray *addresses);

#endif
