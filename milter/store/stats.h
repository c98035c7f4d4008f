/* stats: what is counted of support mail, by minute and incident, and how soon persons answered. Layer: store. As store.h: one thread at a
 * time, every call within config.store_timeout, the same errors. doc/contract.md 5 (outage:stats:*, outage:baseline) and 9.
 *
 * The milter counts in memory and writes what has come together every few seconds (outage-milter/counts.h): no message waits for it. What
 * is lost with a node or with an answer of the store (OUTAGE_ERROR_UNKNOWN: it is not written again, so that nothing counts twice) is at
 * most that. The sums are over all nodes. Kept for privacy.retention, totals of accounts for privacy.account_totals.
 *
 * Counters of a minute, of an incident's id and of STATS_ALL (which counts each mail once, whether or not anything is on):
 *     mail                    support mail, whoever wrote it; of an id, while that incident was the one it was held against
 *     us                      microseconds spent on it all
 *     matched                 of it, outage mail of this incident; of STATS_ALL of any, and while nothing is on of one that could be
 *                             (facts_is_likely; not known where recent.keep is 0)
 * and of what matched:
 *     queued, shadow          acknowledgements
 *     held:REASON             those held back, once for each reason
 *     language:TAG, rule:NAME, escalate:NAME, sensitive:NAME, severity:P1
 *     account                 mail of verified accounts
 *     senders                 authenticated senders, distinct in this minute at each node; of STATS_ALL, of all mail
 * and of STATS_ALL only:
 *     outbound                answers of persons that passed
 *     persons                 mail of persons of whom is known whether somebody vouches for them; of it, unauthenticated: nobody does; of that,
 *                             unauthenticated:IP: by the client it came from (not all of them are named)
 *     up                      nodes that were at work: a minute that has none was not counted, and says nothing
 *     on                      of those, nodes by which an incident was on (or in its resolved window)
 *
 * Errors: UNAVAILABLE: nothing was done. UNKNOWN: it may have been. INVALID: an argument is none, and nothing was done; or something in the
 * store is not what it should be (its key is named): what does not need it was done. */
#ifndef OUTAGE_STORE_STATS_H
#define OUTAGE_STORE_STATS_H

#include "store/store.h"

#define STATS_ALL "all"           /* id of the counters of all support mail, whether or not an incident is on */
#define STATS_PERSONS "persons"
#define STATS_UNAUTHENTICATED "unauthenticated"
#define STATS_SENDERS_MAX 1000    /* distinct senders of one minute that a node tells of; more count as this many */

typedef struct {
	char *id;              /* of an incident, or STATS_ALL */
	gint64 minute;         /* seconds since the epoch, a multiple of 60 */
	GHashTable *counters;  /* char * -> guint64 * */
	GHashTable *senders;   /* set of char *: secret_address_hash of authenticated senders; of what is read back empty */
	GHashTable *accounts;  /* char * (name) -> guint64 *: mails; of what is read back empty */
} StatsMinute;
StatsMinute *stats_minute_new(const char *id, gint64 minute);
void stats_minute_free(StatsMinute *minute);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(StatsMinute, stats_minute_free)
/* counter: 1 to 96 printable ASCII characters without a space; anything else is not counted (log_bug). */
void stats_minute_add(StatsMinute *minute, const char *counter, guint64 n);
/* One account's mails; the name is cut at 256 bytes. */
void stats_minute_add_account(StatsMinute *minute, const char *account, guint64 n);
guint64 stats_minute_get(const StatsMinute *minute, const char *counter);
/* Of STATS_ALL: whether any node counted in that minute; of one in which none did nothing is known. */
bool stats_minute_is_counted(const StatsMinute *minute);

/* One matched mail of a person: the beginning of, or more in, what he and we have to say to each other in one incident. */
typedef struct {
	char *id;              /* the incident's */
	char *hash;            /* secret_address_hash of whom an answer would go to (correspondent.h): a form's From is nobody's */
	char *key;             /* facts_key: by which a person's answer finds it */
	char *account;         /* of a verified account, or NULL */
	gint64 at;             /* seconds: when it came */
} StatsMail;
/* Copies all; account may be NULL, and is cut at 256 bytes. */
StatsMail *stats_mail_new(const char *id, const char *hash, const char *key, const char *account, gint64 at);
void stats_mail_free(StatsMail *mail);

/* One answer of a person that passed. */
typedef struct {
	GPtrArray *keys;       /* char *: of the mails that it answers (outbound_keys) */
	gint64 at;
} StatsAnswer;
void stats_answer_free(StatsAnswer *answer);

/* What one write brings. Any list may be NULL. */
typedef struct {
	GPtrArray *minutes;    /* StatsMinute * */
	GPtrArray *mails;      /* StatsMail * */
	GPtrArray *answers;    /* StatsAnswer * */
} StatsBatch;
/* One round trip. A mail that is told of twice counts once. An answer may be told of before its mail (by another node), for two hours.
 * *replies (may be NULL): how many customers had their first answer of a person by it. */
bool store_stats_write(Store *store, const StatsBatch *batch, guint *replies, GError **error);

/* Returns the minutes of id from `from` (included) to `to` (not) that have anything, in order (StatsMinute *). At most 60 days. */
GPtrArray *store_stats_minutes(Store *store, const char *id, gint64 from, gint64 to, GError **error);

/* Distinct authenticated senders, and accounts, of id since `from` (seconds; rounded down to five minutes; not longer ago than two hours;
 * 0 = of the whole incident; of STATS_ALL, two hours). Redis counts senders to within a percent (HyperLogLog). */
bool store_stats_distinct(Store *store, const char *id, gint64 from, guint64 *senders, guint64 *accounts, GError **error);

/* Mails by account of id (STATS_ALL: of all incidents within privacy.account_totals): char * -> guint64 *. */
GHashTable *store_stats_accounts(Store *store, const char *id, GError **error);

/* One customer in one incident. */
typedef struct {
	char *hash, *account;  /* account NULL: none */
	gint64 first_at, last_at;
	gint64 answered_at;    /* a person's first answer; 0 = none was seen */
	guint mails;           /* in all */
	guint again;           /* after the first and before the answer */
} StatsThread;
void stats_thread_free(StatsThread *thread);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(StatsThread, stats_thread_free)
/* Appends one slice (StatsThread *) in no order; *cursor is NULL before the first and moves on to NULL after the last; caller frees. One
 * may come twice. */
bool store_stats_threads_slice(Store *store, const char *id, char **cursor, GPtrArray *threads, GError **error);
/* Reads them all, each once (StatsThread *, oldest first). */
GPtrArray *store_stats_threads(Store *store, const char *id, GError **error);
/* *at: when the last answer of a person was seen going out, whatever it answered; 0 = never: first responses are not observable. */
bool store_stats_outbound_seen(Store *store, gint64 *at, GError **error);

/* How soon persons answered. The three times are in seconds from a customer's first mail to the first answer of a person, by nearest rank
 * among those who had one; -1 where nobody had. */
typedef struct {
	guint customers, answered, unanswered;
	guint mails;                   /* of all customers */
	guint wrote_again, again;      /* customers who wrote again before they had an answer; their further mails */
	gint64 median, p90, p99;
	gint64 oldest_unanswered;      /* first_at of who waits longest; 0 = nobody waits */
} StatsResponses;
/* threads: StatsThread *, each customer once (store_stats_threads). Without store_stats_outbound_seen it says nothing of answers. */
StatsResponses stats_first_responses(const GPtrArray *threads);

/* The baseline: how much support mail an hour of the week usually has (hour 0 = Monday 00:00 to 01:00 UTC), while nothing is declared. */
#define BASELINE_HOURS 168
typedef struct {
	double mails, senders; /* a minute: mails; authenticated senders as the counter of that name has them */
	guint weeks;           /* that went into it; 0 = unknown */
} BaselineHour;
/* Returns in which of them a time lies (seconds since the epoch; before it counts as its beginning). */
guint baseline_hour(gint64 at);
bool store_baseline(Store *store, BaselineHour hours[BASELINE_HOURS], GError **error);
/* Learns from the hour that began at `hour_start`, once whoever calls: one that has been learned, or is older than the last learned,
 * changes nothing (*learned false). Later weeks count more: a new hour moves the mean by a quarter once four are known. Hours of silence
 * in between (no node was up) teach nothing. */
bool store_baseline_learn(Store *store, gint64 hour_start, double mails, double senders, bool *learned, GError **error);

#endif
