/* backend: what a store has to bring; internal to milter/store. Each function is store.h's of the same name, with the backend's own
 * struct (which begins with Store) as first argument. Layer: store. */
#ifndef OUTAGE_STORE_BACKEND_H
#define OUTAGE_STORE_BACKEND_H

#include "store/notes.h"
#include "store/store.h"

typedef struct {
	const char *name; /* "sqlite", "redis" */
	void (*close)(Store *store);
	Snapshot *(*snapshot)(Store *store, const Snapshot *last, GError **error);
	int (*wait)(Store *store, int wake_fd, gint64 timeout_ms, GError **error);
	bool (*set_word)(Store *store, const char *name, Word word, char *const texts[TEXT_FIELDS], const char *by,
	    IncidentState *out, GError **error);
	bool (*set_texts)(Store *store, const char *name, char *const texts[TEXT_FIELDS], const char *by, GError **error);
	bool (*add_update)(Store *store, const char *name, const char *text, const char *by, GError **error);
	bool (*set_pause)(Store *store, const char *reason, const char *by, GError **error);
	bool (*add_event)(Store *store, const char *what, const char *name, const char *by, const char *detail, GError **error);
	GPtrArray *(*events)(Store *store, guint count, GError **error);
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

/* What the marks of both kinds say of one job: there is any, one carries the job's token, one of those is sent. */
typedef struct { bool any, own, sent; } MarksSeen;
JobStanding marks_standing(const MarksSeen *seen);

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

/* How long a mark lives once its incident is gone (seconds): resolved_for + 7 days. While an incident is open its marks do not
 * expire; the transition to resolved or none does not touch them, so marks carry this plus the longest incident we plan for. */
#define MARK_TTL_SECONDS(config) ((config)->resolved_for / 1000 + 7 * 86400 + 30 * 86400)

#endif
