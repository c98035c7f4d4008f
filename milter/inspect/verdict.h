/* verdict: the one decision about a mail, as a pure function, and a second one that folds in the claim's answer.
 * Layer: inspect. The daemon, `outagectl check`, tests, fuzzers and benchmarks run this very code. doc/contract.md 7 to 9. */
#ifndef OUTAGE_INSPECT_VERDICT_H
#define OUTAGE_INSPECT_VERDICT_H

#include <glib.h>
#include <stdbool.h>

#include "base/secret.h"
#include "config/config.h"
#include "incident/incident.h"
#include "inspect/accounts.h"
#include "inspect/answerable.h"
#include "inspect/authentic.h"
#include "inspect/correspondent.h"
#include "inspect/engine.h"
#include "mail/message.h"

typedef struct {
	const Engine *engine;
	const Accounts *accounts;
	const Snapshot *snapshot;
	gint64 now;           /* seconds */
	gint64 age;           /* seconds since the store was last heard (snapshot_age) */
	bool any_words;       /* each incident's own words count as found: it is only supposed, and nobody knows them yet (facts_suppose) */
} VerdictContext;

/* Whose letter it is: what may hold it back, and which caps count it. */
typedef enum {
	LETTER_ACK,           /* an acknowledgement: one for each customer, incident and kind */
	LETTER_NOTICE,        /* what the operator tells those who wrote in (outagectl update --notify, ...) */
	LETTER_STAFF          /* to our own people: a page, or an entry of the feed. A pause does not hold it, nor an incident's end */
} LetterClass;

/* What goes to the store to claim a letter, in most cases an acknowledgement. */
typedef struct {
	char *incident;       /* name */
	char *id;
	guint64 epoch;
	bool resolved;        /* KIND: active or resolved */
	Word word;
	char *sender;         /* whom it goes to (correspondent.h), normalised address */
	char *to;             /* the same as written */
	char *support;        /* the support address that was written to, as in RCPT */
	char *template_name;  /* or NULL: by severity */
	char *language;       /* BCP 47 or NULL */
	char *account;        /* name or NULL */
	char *subject;        /* decoded, bounded */
	char *message_id;     /* of the mail, "<...>" or NULL */
	char *references;     /* space-separated message ids or NULL */
	char *queue_id;
	gint64 written_at;
	char *level;          /* of the account, or NULL: for offers */
	LetterClass class;
	char *letter;         /* [a-z0-9.-]{1,48}: the KIND of a letter that is no acknowledgement, which the mark is kept under, and what its
	                       * template goes by: "update-STAMP", "resolved-STAMP", "postmortem-STAMP" (notices), "feed-..." and "page-..."
	                       * (staff); NULL for an acknowledgement */
	char *text;           /* what such a letter is to say besides the newest state: approved when it was ordered. May have line ends; or NULL */
} ClaimRequest;

/* Returns the KIND that the mark is kept under: "active", "resolved", or request->letter. Owned by the request. */
const char *claim_request_kind(const ClaimRequest *request);

void claim_request_free(ClaimRequest *request);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ClaimRequest, claim_request_free)

typedef enum {
	CLAIM_WON,            /* marked and queued by this call or by an earlier one with the same token */
	CLAIM_ALREADY,        /* somebody else's mark stands */
	CLAIM_BOUNCED,        /* the address has bounced lately */
	CLAIM_RATE,           /* the domain's cap */
	CLAIM_PAUSED,         /* outage:pause is set in the store */
	CLAIM_ENDED,          /* the incident of that id and epoch is no longer on */
	CLAIM_FULL,           /* the queue is full: nothing was claimed */
	CLAIM_AWAY            /* the store could not be asked: nothing was claimed as far as we know */
} ClaimAnswer;

/* What was found in the mail; private to verdict*.c. */
typedef struct Signals Signals;

/* One header to insert. */
typedef struct {
	char *name;
	char *value;          /* unfolded, sanitised */
} VerdictHeader;

typedef struct {
	bool inspected;       /* a support address is among the recipients */
	const SupportAddress *support; /* owned by the configuration */
	char *rcpt;           /* the first support recipient, as in RCPT */
	const Incident *incident; /* owned by the snapshot, NULL = none */
	bool match;
	double score, threshold;
	double rules_score, model_score; /* what each gave to score */
	GPtrArray *rules;     /* char * */
	GPtrArray *words;     /* char *: those that moved the model most (model_score) */
	bool rules_given_up;  /* one took too long, and counts as no match */
	char *language;       /* or NULL */
	const Account *account;
	Verified verified;    /* who vouches for From */
	Correspondent correspondent; /* whom an acknowledgement would go to */
	bool asks_spf;        /* SPF would change this verdict: ask spf_question, then verdict_add_spf */
	bool spf_unasked;     /* SPF might vouch for the sender, and has not been asked, be it that it changes nothing here */
	SpfAnswer spf;        /* what was answered; SPF_UNASKED where nobody asked, or only whether the policy is broad */
	GPtrArray *escalate, *sensitive; /* char * */
	const Route *route;
	char *tier, *queue;
	gint64 respond_by;    /* 0 = unset */
	bool qa;
	bool shadow;          /* decided, not acted on */
	ReasonSet reasons;    /* all known, in order */
	ClaimRequest *claim;  /* wanted, or NULL */
	int ack;              /* AckPolicy: the strictest of all routes that match, and the account's */
	bool page;            /* a person is to be called (Route.page of any route that matches) */
	bool queued;          /* after verdict_fold */
	GPtrArray *headers;   /* VerdictHeader *, in the order of insertion; filled by verdict_fold */
	GPtrArray *add_rcpts; /* char * */
	bool replace_rcpts;
	char *subject;        /* new Subject value or NULL */
	Signals *signals;     /* private; NULL after verdict_fold */
} Verdict;

/* Decides, with the settings of the first support recipient in RCPT order. message is complete. Never fails. The
 * verdict points into context and message, which must outlive it. Where it says asks_spf it stands as if SPF had no
 * answer. Caller frees. */
Verdict *verdict_decide(const VerdictContext *context, const Message *message);

/* What to ask where asks_spf is set; owned by the verdict. */
const SpfQuestion *verdict_spf_question(const Verdict *verdict);

/* Decides anew, with what SPF answered. Only where asks_spf is set, at most once, before verdict_fold. */
void verdict_add_spf(Verdict *verdict, const VerdictContext *context, SpfAnswer answer);

/* Folds the claim's answer in and builds the headers and other edits. Without a claim wanted, answer is
 * ignored. Must be called exactly once. */
void verdict_fold(Verdict *verdict, const VerdictContext *context, ClaimAnswer answer);

void verdict_free(Verdict *verdict);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Verdict, verdict_free)

/* Returns true where a header of that name has to go from this mail: our prefix always, a helpdesk's private names only from
 * mail to a support address. */
bool verdict_header_is_forged(const Config *config, const char *name, bool to_support);

/* Returns true where the headers alone say that no person wrote this mail, or a filter of ours calls it spam: it would get no answer, whatever its body
 * says. */
bool verdict_is_machine_made(const Engine *engine, const Message *message);

/* Returns true where nothing but forged headers concerns us: nothing is active and route.always is off. */
bool verdict_is_idle(const VerdictContext *context);

#endif
