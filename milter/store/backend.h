/* backend: what a store has to bring; internal to milter/store. Each function is store.h's of the same name, with the backend's own
 * struct (which begins with Store) as first argument. Layer: store. */
#ifndef OUTAGE_STORE_BACKEND_H
#define OUTAGE_STORE_BACKEND_H

#include "store/alarms.h"
#include "store/erase.h"
#include "store/feed.h"
#include "store/notes.h"
#include "store/past.h"
#include "store/stats.h"
#include "store/store.h"

/* For a word that is set only while the incident is as it was at changed_ms (store_set_word_unmoved). moved: it is not, and nothing was done. */
typedef struct { gint64 changed_ms; bool moved; } WordCondition;

/* Whom a walk through all that is kept looks for (erase.c), and what becomes of what it finds. */
typedef struct {
	const char *hash;
	const char *address;   /* normalised */
	const char *tag;       /* optout_tag */
	const char *needle;    /* how the payload of a job names him */
	GHashTable *on;        /* set of ids of incidents that are on or just resolved */
	bool drop;             /* it goes, but for what erase_is_on keeps */
} ErasePerson;
bool erase_is_on(const ErasePerson *person, const char *id);
/* Adds a part; place is taken over. */
void erase_add(GPtrArray *parts, char *place, gint64 at, const char *text, bool stays);

typedef struct {
	const char *name; /* "sqlite", "redis" */
	void (*close)(Store *store);
	Snapshot *(*snapshot)(Store *store, const Snapshot *last, GError **error);
	int (*wait)(Store *store, int wake_fd, gint64 timeout_ms, GError **error);
	bool (*set_word)(Store *store, const char *name, Word word, char *const texts[TEXT_FIELDS], WordCondition *condition, const char *by,
	    IncidentState *out, GError **error);
	bool (*set_texts)(Store *store, const char *name, char *const texts[TEXT_FIELDS], const char *by, GError **error);
	bool (*add_update)(Store *store, const char *name, const char *text, const char *by, GError **error);
	bool (*set_pause)(Store *store, const char *reason, const char *by, GError **error);
	bool (*add_event)(Store *store, const char *what, const char *name, const char *by, const char *detail, GError **error);
	GPtrArray *(*events)(Store *store, guint count, GError **error);
	bool (*events_slice)(Store *store, gint64 since, char **cursor, GPtrArray *events, GError **error);
	bool (*claim)(Store *store, const StoreClaim *claim, ClaimAnswer *answer, GError **error);
	bool (*adopt)(Store *store, const StoreAdoption *letter, bool *own, GError **error);
	StoredJob *(*job_take)(Store *store, gint64 wait_ms, gint64 idle_ms, GError **error);
	StoredJob *(*job_missed)(Store *store, const char *after, GError **error); /* NULL: no answer can be lost */
	bool (*job_done)(Store *store, const StoredJob *job, const char *hash, GError **error);
	bool (*job_standing)(Store *store, const Job *job, const char *hash, JobStanding *standing, GError **error);
	bool (*job_retry)(Store *store, const StoredJob *job, gint64 delay, bool failed, const char *why, GError **error);
	bool (*job_bury)(Store *store, const StoredJob *job, const char *why, GError **error);
	bool (*job_withdraw)(Store *store, const StoredJob *job, const char *hash, GError **error);
	bool (*job_promote)(Store *store, const StoredJob *job, const char *hash, bool *won, GError **error);
	bool (*queue_counts)(Store *store, QueueCounts *counts, GError **error);
	GPtrArray *(*queue_list)(Store *store, QueueList list, guint count, GError **error);
	bool (*queue_retry)(Store *store, const char *handle, guint *moved, GError **error);
	bool (*queue_bury)(Store *store, const char *handle, const char *why, guint *moved, GError **error);
	bool (*block)(Store *store, const char *hash, gint64 seconds, const char *why, const char *by, GError **error);
	bool (*unblock)(Store *store, const char *hash, const char *by, bool *found, GError **error);
	bool (*blocked)(Store *store, const char *hash, char **why, gint64 *until, GError **error);
	bool (*accounts_slice)(Store *store, char **cursor, GPtrArray *entries, GError **error);
	bool (*accounts_get)(Store *store, const GPtrArray *keys, GPtrArray *entries, GError **error);
	bool (*account_changes)(Store *store, char **since, GPtrArray *keys, bool *lost, GError **error);
	bool (*account_put)(Store *store, const char *key, const char *json, const char *by, GError **error);
	bool (*account_remove)(Store *store, const char *key, const char *by, bool *found, GError **error);
	bool (*is_lost)(const Store *store);
	bool (*confirm)(Store *store, GError **error);
	StoreInfo *(*describe)(Store *store, GError **error);
	bool (*heartbeat)(Store *store, const char *json, GError **error);
	GPtrArray *(*nodes)(Store *store, GError **error);
	bool (*count)(Store *store, const char *id, const char *counter, guint n, GError **error);
	GHashTable *(*counters)(Store *store, const char *id, GError **error);
	GPtrArray *(*queue_shares)(Store *store, GError **error);
	bool (*note_add)(Store *store, NoteList list, const char *id, const StoredNote *note, bool *fresh, GError **error);
	bool (*notes_slice)(Store *store, NoteList list, const char *id, char **cursor, GPtrArray *notes, GError **error);
	bool (*waiting_end)(Store *store, const GPtrArray *keys, GPtrArray *ended, GError **error);
	bool (*waiting_page)(Store *store, const char *key, guint pages, gint64 now, bool *mine, GError **error);
	bool (*optout_add)(Store *store, const char *id, const char *tag, GError **error);
	bool (*optout_has)(Store *store, const char *id, const char *tag, bool *has, GError **error);
	bool (*notice_add)(Store *store, const char *id, const StoredNotice *notice, const char *by, GError **error);
	GPtrArray *(*notices)(Store *store, const char *id, GError **error);
	bool (*notice_lease)(Store *store, const char *id, const char *name, gint64 seconds, bool *mine, GError **error);
	bool (*notice_progress)(Store *store, const char *id, const char *name, guint64 told, guint64 left_out, bool done,
	    GError **error);
	/* NULL in a spool, as what follows */
	bool (*stats_write)(Store *store, const StatsBatch *batch, guint *replies, GError **error);
	GPtrArray *(*stats_minutes)(Store *store, const char *id, gint64 from, gint64 to, GError **error);
	bool (*stats_distinct)(Store *store, const char *id, gint64 from, guint64 *senders, guint64 *accounts, GError **error);
	GHashTable *(*stats_accounts)(Store *store, const char *id, GError **error);
	bool (*stats_threads_slice)(Store *store, const char *id, char **cursor, GPtrArray *threads, GError **error);
	bool (*stats_outbound_seen)(Store *store, gint64 *at, GError **error);
	bool (*baseline)(Store *store, BaselineHour hours[BASELINE_HOURS], GError **error);
	bool (*baseline_learn)(Store *store, gint64 hour_start, double mails, double senders, bool *learned, GError **error);
	bool (*alarm_raise)(Store *store, const char *key, const char *text, const char *by, gint64 repeat_seconds, AlarmTell *tell, GError **error);
	bool (*alarm_clear)(Store *store, const char *key, const char *by, bool *was, gint64 *since, GError **error);
	GPtrArray *(*alarms)(Store *store, GError **error);
	bool (*alarm_duty)(Store *store, gint64 seconds, bool *mine, GError **error);
	GPtrArray *(*feed)(Store *store, const char *name, guint count, GError **error);
	bool (*texts)(Store *store, const char *name, char *texts[TEXT_FIELDS], char **id, GError **error);
	bool (*past_texts)(Store *store, const char *id, char *texts[TEXT_FIELDS], bool *found, GError **error);
	/* erase.c; in this order */
	bool (*erase_jobs)(Store *store, const ErasePerson *person, GPtrArray *parts, GError **error);
	bool (*notes_drop)(Store *store, NoteList list, const GPtrArray *keys, GError **error);
	bool (*erase_keyed)(Store *store, const ErasePerson *person, GPtrArray *parts, GError **error);
} StoreBackend;

struct Store {
	const StoreBackend *backend;
	Config *config;  /* referenced */
	char *node;
	char *server;    /* store_server, or NULL */
	char *consumer;  /* under which jobs are taken: store_consumer */
	bool accounts_changed; /* set by wait where the accounts may have changed; reset by the watch once it has read them */
};

/* Open the store at config->store_url. */
Store *redis_store_open(const Config *config, const char *node, GError **error);
Store *sqlite_store_open(const Config *config, const char *node, GError **error);

/* Sets OUTAGE_ERROR_UNAVAILABLE and returns false where not there: it was asked of a spool. what: "which alarms stand", ... */
bool store_keeps(bool there, const char *what, GError **error);

/* Whether text may become part of a key: [A-Za-z0-9._-]{1,64}; else OUTAGE_ERROR_INVALID. area, what: "notes", "the key of a note", for the
 * message. text may be NULL, which fits nowhere. */
#define KEY_PART_MAX 64
bool store_check_part(const char *area, const char *what, const char *text, GError **error);

/* What the marks of both kinds say of one job: there is any, one carries the job's token, one of those is sent. */
typedef struct { bool any, own, sent; } MarksSeen;
JobStanding marks_standing(const MarksSeen *seen);

/* How long events without personal data are kept (seconds). */
#define EVENTS_KEEP (365 * 86400)

/* Returns who a change is put down to that no program of ours made ("outside (seen by NODE)"); caller frees. */
char *store_outside(const Store *store);

/* Returns the name under which this process takes jobs, NODE/PID.WORD: several repliers on one host must not pass for each other, and one
 * that opens its store again must still be itself. Caller frees. */
char *store_consumer(const char *node);

/* Sets OUTAGE_ERROR_INVALID: a job whose payload names neither incident nor token; one that is no acknowledgement, where only those can
 * be. Return false. */
bool store_job_is_nameless(GError **error);
bool store_job_is_no_ack(GError **error);

/* Which limits a claim obeys, in the units of config: an acknowledgement all, any other letter only the queue's, and one to our own people
 * none. 0 = no such limit. */
typedef struct { gint64 again_after, delay, site_cap, domain_cap, address_cap, queue_limit; } ClaimRules;
ClaimRules claim_rules(const Config *config, const StoreClaim *claim);
/* Returns "ack", "notice" or "staff" (static): what claim.lua goes by, and the counter `queued:` of the last two. */
const char *claim_class_name(const ClaimRequest *request);

/* notes.c: what both backends hold notes to. */
#define NOTES_MAX 20000        /* in one list that has a bound */
#define NOTE_PAYLOAD_MAX 32768 /* bytes; note.h */
/* How long a note of this list is kept (seconds), counted from when its mail came; 0 = as long as the whole list. */
gint64 note_keep(const Config *config, NoteList list);
/* Joins two comma lists of facts_apart, in its order. Caller frees. */
char *notes_join_apart(const char *one, const char *other);
/* Returns the name of the incident id, a part of it. */
const char *notice_incident(const char *id);
/* Set OUTAGE_ERROR_INVALID: as many people wait as there may be; a notice of that name is there, or else there are too many. Return
 * false. */
bool notes_are_full(GError **error);
bool notice_is_refused(const char *name, bool there, GError **error);

/* alarms.c: what both backends hold alarms to. */
bool alarm_key_valid(const char *key);
/* Sets OUTAGE_ERROR_INVALID: as many stand as there may be. Returns false. */
bool alarms_are_full(GError **error);

/* stats.c: what both backends hold figures to. */
#define STATS_SLOT 300           /* seconds: over which distinct senders are told apart */
#define STATS_RECENT (3 * 3600)  /* seconds: how long those of a slot are kept, so that two hours are always there */
#define STATS_EARLY (2 * 3600)   /* seconds: how long an answer waits for its mail to be told of */
#define STATS_WEEK (7 * 86400)   /* seconds: over which totals of accounts of all incidents are kept together */
#define STATS_HASH_MAX 64        /* bytes: of an id, hash or key */
#define STATS_ACCOUNT_MAX 256
#define BASELINE_WEEKS 4         /* a new hour weighs a quarter once so many are known */
/* Whether it can be the name of a counter. */
bool stats_counter_valid(const char *counter);
/* The minute of that time in minutes, which are in order; made where there is none. Owned by minutes. */
StatsMinute *stats_minute_of(GPtrArray *minutes, const char *id, gint64 minute);

/* How long a mark lives once its incident is gone (seconds): resolved_for + 7 days. While an incident is open its marks do not
 * expire; the transition to resolved or none does not touch them, so marks carry this plus the longest incident we plan for. */
#define MARK_TTL_SECONDS(config) ((config)->resolved_for / 1000 + 7 * 86400 + 30 * 86400)

/* How long who wrote in is known after the last of them did (seconds): as long as the incident may be in its resolved window, and
 * privacy.retention after that. */
#define CONTACTS_TTL_SECONDS(config) (MAX((config)->retention / 1000, 1) + (config)->resolved_for / 1000)

#endif
