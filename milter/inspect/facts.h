/* facts: what is kept of one mail after it has passed: enough to decide on it again, and none of its text but the subject. Layer:
 * inspect. Pure.
 *
 * They serve `declare --since` (who wrote before the flip), notices (who wrote in), and who waits for a person. */
#ifndef OUTAGE_INSPECT_FACTS_H
#define OUTAGE_INSPECT_FACTS_H

#include "inspect/verdict.h"

typedef struct {
	/* the mail */
	char *rcpt;            /* the support address, as in RCPT */
	char *from;            /* addr-spec of the only From, or NULL */
	char *sender;          /* whom an answer goes to, normalised; NULL: nobody */
	char *to;              /* the same as written */
	Verified verified;     /* who vouches for him */
	Verified from_verified;
	double score;
	GPtrArray *rules;      /* char *: names; never NULL, as the two below */
	GPtrArray *escalate;   /* char *: as the rules found them, without still-affected */
	GPtrArray *sensitive;  /* char * */
	bool evidence, still_affected, recovered;
	char *language;        /* what the mail says of itself, or its words; BCP 47 or NULL */
	ReasonSet message_reasons; /* those that the mail itself gives */
	char *subject;         /* decoded, bounded; "" for none */
	char *message_id, *references, *queue_id; /* or NULL */
	gint64 written_at;     /* seconds */
	/* what became of it */
	char *incident, *id;   /* the incident it was matched to, or NULL */
	char *account, *level, *manager; /* of a verified account, or NULL */
	char *account_language; /* what is known of it; outranks language. BCP 47 or NULL */
	gint64 respond_by;     /* 0 = unset */
	char *queue;           /* the route's */
	ReasonSet reasons;
	bool queued;           /* an acknowledgement was queued */
	bool page;             /* a person is to be called */
} Facts;

/* Returns what is to be kept; now: when it came. After verdict_decide (and verdict_add_spf) and before verdict_fold; queued: what the
 * claim gave. NULL where the mail was not inspected. Caller frees. */
Facts *facts_new(const Verdict *verdict, bool queued, gint64 now);
void facts_free(Facts *facts);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Facts, facts_free)

/* Decides as verdict_decide would have if the mail came now (context), with these facts: an incident's `match` is tried on the subject
 * alone. The claim, where one is wanted, is dated context->now; no SPF is asked. Points into context and facts. Caller frees with
 * verdict_free, without verdict_fold. */
Verdict *facts_decide(const VerdictContext *context, const Facts *facts);

/* What a mail is kept for. */
enum {
	FACTS_CONTACT = 1,     /* he who wrote it may be told how it goes on */
	FACTS_WAITING = 2      /* a person has to answer it */
};
/* Returns a set of these, after verdict_decide and before verdict_fold. Mail of machines is kept for neither. Who is only waiting need not
 * be vouched for: nothing is sent to him. */
guint facts_uses(const Verdict *verdict);

/* Returns a snapshot, begun at `now`, in which all that a support address may concern is on: a mail that matches by it, in a context with
 * any_words, could match some incident yet to be declared. To be decided by at that `now` (taken_at), as if just heard. Shared by
 * reference; released with snapshot_unref. */
Snapshot *facts_suppose(const Config *config, gint64 now);

/* Returns the score from which on a mail to support could match some incident, with that one's own words. */
double facts_least_score(const Config *config, const SupportAddress *support);

/* Returns what is to be kept of a mail that was decided by facts_suppose, in case an incident is declared that it belongs to; NULL where it
 * could match none, or a machine wrote it. Before verdict_fold. now: when it came. Caller frees. */
Facts *facts_new_recent(const Verdict *verdict, gint64 now);

/* Returns true where a mail that was decided by facts_suppose would be outage mail even without an incident's own words, and a person wrote
 * it. Before verdict_fold. */
bool facts_is_likely(const Verdict *verdict);

/* Returns the key that the mail is kept under: 32 hex digits of a digest of its Message-ID (of its queue id and time where it has none).
 * Caller frees. */
char *facts_key(const Facts *facts);
/* The same for a Message-ID as it stands in In-Reply-To or References ("<...>"). Caller frees. */
char *facts_key_of(const char *message_id);

/* Why this person gets no notice unless the operator names his kind: a comma list of legal, media, account, in this order; "" for none.
 * Caller frees. */
char *facts_apart(const Facts *facts);

/* Returns true where the mail, which came at `since`, says that an incident is not fixed which was resolved by then: before, it is no news.
 * state: of the incident of that name, as it is now; NULL: there is none. */
bool facts_still_affected(const Facts *facts, const IncidentState *state, gint64 since);

#endif
