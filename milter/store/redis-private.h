/* redis-private: what the files redis*.c share. Layer: store, private. */
#ifndef OUTAGE_STORE_REDIS_PRIVATE_H
#define OUTAGE_STORE_REDIS_PRIVATE_H

#include "store/backend.h"
#include "store/link.h"

/* One of each file of milter/store/lua that is run by itself. */
typedef enum {
	SCRIPT_TRANSITION, SCRIPT_SET_WORD, SCRIPT_SET_TEXTS, SCRIPT_ADD_UPDATE, SCRIPT_SET_PAUSE, SCRIPT_ACCOUNT,
	SCRIPT_HEARTBEAT, SCRIPT_CLAIM, SCRIPT_JOB_TAKE, SCRIPT_JOB_END, SCRIPT_JOB_PROMOTE, SCRIPT_QUEUE_MOVE,
	SCRIPT_QUEUE_LIST, SCRIPT_QUEUE_COUNTS, SCRIPT_BLOCK, SCRIPT_ADOPT, SCRIPT_SNAPSHOT, SCRIPT_ACCOUNTS, SCRIPT_NOTES,
	SCRIPT_NOTICES, SCRIPT_PAST, SCRIPT_ADD_EVENT, SCRIPT_EVENTS, SCRIPT_ALARMS, SCRIPT_ERASE, SCRIPT_STATS_WRITE,
	SCRIPT_STATS_READ, SCRIPT_BASELINE, SCRIPTS,
} ScriptName;

typedef struct {
	Store base;
	Link *link;                /* for commands */
	Link *tracker;             /* for invalidations, made by the first wait; NULL before */
	gint64 tracker_heard;      /* when the tracker last said anything (monotonic, us) */
	gint64 tracker_pinged;     /* when it was last asked and has not answered since, or 0 */
	char *script[SCRIPTS];     /* text with its prelude */
	char *digest[SCRIPTS];     /* SHA-1 of it, as EVALSHA wants it */
	gint64 next_autoclaim;     /* monotonic, us */
	gint64 next_tidy;          /* of what is past its time in the queue; monotonic, us */
	gint64 consumer_kept;      /* ms: how long a consumer that holds nothing is kept after it was last heard */
	bool replicas_short;       /* the last claim had to wait for replicas in vain */
	char *autoclaim_cursor;
} RedisStore;

/* Returns the key of that name under the site's prefix: name, or name followed by more where more is not NULL; caller
 * frees. */
char *redis_key(const RedisStore *store, const char *name, const char *more);

/* Runs one command on the store's link. writes: as link_run. An error reply is a GError. */
redisReply *redis_ask(RedisStore *store, const GPtrArray *command, bool writes, GError **error);

/* Runs a script. keys and args are left to the caller. */
redisReply *redis_script(RedisStore *store, ScriptName script, const GPtrArray *keys, const GPtrArray *args,
    bool writes, GError **error);

/* The same with further commands (arrays of words) in the same round trip, which must do no harm when they are asked
 * twice. Returns all replies, the script's first; only that one has been looked at for errors. */
GPtrArray *redis_script_and(RedisStore *store, ScriptName script, const GPtrArray *keys, const GPtrArray *args,
    const GPtrArray *more, bool writes, GError **error);

/* The same by a deadline (clock_mono_us) for all of it, also where the script has to be loaded first. */
GPtrArray *redis_script_until(RedisStore *store, ScriptName script, const GPtrArray *keys, const GPtrArray *args,
    const GPtrArray *more, gint64 until, bool writes, GError **error);

/* Returns the command that runs a script the server knows. */
GPtrArray *redis_script_command(const RedisStore *store, ScriptName script, const GPtrArray *keys, const GPtrArray *args);

/* Makes a store of a link that is ready for use, which it takes over. */
Store *redis_store_adopt(const Config *config, const char *node, Link *link);

/* Returns the text of a reply that is a string free of NUL (owned by the reply), or NULL. */
const char *redis_text(const redisReply *reply);

/* Returns the value of a field in a flat list of field, value, ...; NULL where there is none or it is no text. */
const char *redis_field(const redisReply *list, const char *field);

/* Returns a number as it is written in text or as an integer reply; 0 for anything else. */
gint64 redis_number(const redisReply *reply);

/* Sets OUTAGE_ERROR_INVALID: what came back is not what was asked for. Returns false. */
bool redis_unexpected(const char *what, GError **error);

/* redis-incident.c */
/* The state's fields in the order of STATE_FIELDS in incident.lua. */
enum {
	STATE_WORD, STATE_FLIP, STATE_ID, STATE_DECLARED_AT, STATE_REOPENED_AT, STATE_RESOLVED_AT, STATE_ENDED_AT,
	STATE_EPOCH, STATE_UPDATES_AFTER, STATE_CHANGED_AT, STATE_FIELDS
};
extern const char *const redis_state_fields[STATE_FIELDS];

/* Fills state from STATE_FIELDS replies, for the incident of that name; false with *why in words (caller frees) where they are no state
 * that a node has written whole, or one from the future: then state is cleared. now: seconds, by the store's clock. updates_after may be
 * NULL; caller frees. */
bool redis_state_parse(redisReply *const values[STATE_FIELDS], const char *name, gint64 now, IncidentState *state,
    char **updates_after, char **why);

/* Returns the keys that store/lua/incident.lua takes, and the arguments it begins with. hint: the incident as it was last known, for a store
 * that has forgotten it, or NULL; age: how long ago that was, in seconds. */
GPtrArray *redis_incident_keys(const RedisStore *store, const char *name);
GPtrArray *redis_incident_args(const RedisStore *store, const char *name, const char *by, const Incident *hint, gint64 age);

/* Returns what the milter on this machine last knew, for a program without a memory of its own; NULL where that cannot be read. */
Snapshot *redis_kept(const RedisStore *store);
/* Returns how long ago what memory says was known to be so, in seconds. */
gint64 redis_memory_age(const Snapshot *memory);

bool redis_set_word(Store *base, const char *name, Word word, char *const texts[TEXT_FIELDS], WordCondition *condition,
    const char *by, IncidentState *out, GError **error);
bool redis_set_texts(Store *base, const char *name, char *const texts[TEXT_FIELDS], const char *by, GError **error);
bool redis_add_update(Store *base, const char *name, const char *text, const char *by, GError **error);
bool redis_set_pause(Store *base, const char *reason, const char *by, GError **error);

/* redis-snapshot.c */
Snapshot *redis_snapshot(Store *base, const Snapshot *last, GError **error);
/* redis-wait.c */
int redis_wait(Store *base, int wake_fd, gint64 timeout_ms, GError **error);
/* redis-job.c */
bool redis_claim(Store *base, const StoreClaim *claim, ClaimAnswer *answer, GError **error);
StoredJob *redis_job_take(Store *base, gint64 wait_ms, gint64 idle_ms, GError **error);
StoredJob *redis_job_missed(Store *base, const char *after, GError **error);
bool redis_job_done(Store *base, const StoredJob *job, const char *hash, GError **error);
bool redis_job_standing(Store *base, const Job *job, const char *hash, JobStanding *standing, GError **error);
bool redis_job_retry(Store *base, const StoredJob *job, gint64 delay, bool failed, const char *why, GError **error);
bool redis_job_bury(Store *base, const StoredJob *job, const char *why, GError **error);
bool redis_job_withdraw(Store *base, const StoredJob *job, const char *hash, GError **error);
bool redis_job_promote(Store *base, const StoredJob *job, const char *hash, bool *won, GError **error);
/* redis-adopt.c */
bool redis_adopt(Store *base, const StoreAdoption *letter, bool *own, GError **error);
/* redis-queue.c */
bool redis_queue_counts(Store *base, QueueCounts *counts, GError **error);
GPtrArray *redis_queue_list(Store *base, QueueList list, guint count, GError **error);
bool redis_queue_retry(Store *base, const char *handle, guint *moved, GError **error);
bool redis_queue_bury(Store *base, const char *handle, const char *why, guint *moved, GError **error);
bool redis_count(Store *base, const char *id, const char *counter, guint n, GError **error);
GHashTable *redis_counters(Store *base, const char *id, GError **error);
/* A job from the words of a script: handle, payload, mac, tries, why. NULL where they are fewer. Caller frees. */
StoredJob *redis_job_new(redisReply *const *words, gsize count);
/* redis-tables.c */
bool redis_add_event(Store *base, const char *what, const char *name, const char *by, const char *detail, GError **error);
GPtrArray *redis_events(Store *base, guint count, GError **error);
bool redis_events_slice(Store *base, gint64 since, char **cursor, GPtrArray *events, GError **error);
bool redis_accounts_slice(Store *base, char **cursor, GPtrArray *entries, GError **error);
bool redis_accounts_get(Store *base, const GPtrArray *keys, GPtrArray *entries, GError **error);
bool redis_account_changes(Store *base, char **since, GPtrArray *keys, bool *lost, GError **error);
bool redis_account_put(Store *base, const char *key, const char *json, const char *by, GError **error);
bool redis_account_remove(Store *base, const char *key, const char *by, bool *found, GError **error);
bool redis_heartbeat(Store *base, const char *json, GError **error);
GPtrArray *redis_nodes(Store *base, GError **error);
GPtrArray *redis_queue_shares(Store *base, GError **error);
/* redis-describe.c */
#define REDIS_INFO_SECTIONS 4
/* Reads what INFO replication, server, persistence and memory said (NULL where one was refused), and CONFIG GET save (NULL where that was not
 * asked). where is left NULL. Caller frees. */
StoreInfo *redis_info_read(const char *const text[REDIS_INFO_SECTIONS], const redisReply *save);
StoreInfo *redis_describe(Store *base, GError **error);
/* redis-block.c */
bool redis_block(Store *base, const char *hash, gint64 seconds, const char *why, const char *by, GError **error);
bool redis_unblock(Store *base, const char *hash, const char *by, bool *found, GError **error);
bool redis_blocked(Store *base, const char *hash, char **why, gint64 *until, GError **error);
/* redis-notes.c */
bool redis_note_add(Store *base, NoteList list, const char *id, const StoredNote *note, bool *fresh, GError **error);
bool redis_notes_slice(Store *base, NoteList list, const char *id, char **cursor, GPtrArray *notes, GError **error);
bool redis_notes_drop(Store *base, NoteList list, const GPtrArray *keys, GError **error);
bool redis_waiting_end(Store *base, const GPtrArray *keys, GPtrArray *ended, GError **error);
bool redis_waiting_page(Store *base, const char *key, guint pages, gint64 now, bool *mine, GError **error);
bool redis_optout_add(Store *base, const char *id, const char *tag, GError **error);
bool redis_optout_has(Store *base, const char *id, const char *tag, bool *has, GError **error);
bool redis_notice_add(Store *base, const char *id, const StoredNotice *notice, const char *by, GError **error);
GPtrArray *redis_notices(Store *base, const char *id, GError **error);
bool redis_notice_lease(Store *base, const char *id, const char *name, gint64 seconds, bool *mine, GError **error);
bool redis_notice_progress(Store *base, const char *id, const char *name, guint64 told, guint64 left_out, bool done, GError **error);

/* redis-stats.c */
bool redis_stats_write(Store *base, const StatsBatch *batch, guint *replies, GError **error);
GPtrArray *redis_stats_minutes(Store *base, const char *id, gint64 from, gint64 to, GError **error);
bool redis_stats_distinct(Store *base, const char *id, gint64 from, guint64 *senders, guint64 *accounts, GError **error);
GHashTable *redis_stats_accounts(Store *base, const char *id, GError **error);
bool redis_stats_threads_slice(Store *base, const char *id, char **cursor, GPtrArray *threads, GError **error);
bool redis_stats_outbound_seen(Store *base, gint64 *at, GError **error);
bool redis_baseline(Store *base, BaselineHour hours[BASELINE_HOURS], GError **error);
bool redis_baseline_learn(Store *base, gint64 hour_start, double mails, double senders, bool *learned, GError **error);

/* redis-alarms.c */
bool redis_alarm_raise(Store *base, const char *key, const char *text, const char *by, gint64 repeat_seconds, AlarmTell *tell, GError **error);
bool redis_alarm_clear(Store *base, const char *key, const char *by, bool *was, gint64 *since, GError **error);
GPtrArray *redis_alarms(Store *base, GError **error);
bool redis_alarm_duty(Store *base, gint64 seconds, bool *mine, GError **error);

/* redis-feed.c */
GPtrArray *redis_feed(Store *base, const char *name, guint count, GError **error);
bool redis_texts(Store *base, const char *name, char *texts[TEXT_FIELDS], char **id, GError **error);
/* redis-past.c */
bool redis_past_texts(Store *base, const char *id, char *texts[TEXT_FIELDS], bool *found, GError **error);

/* redis-erase.c */
bool redis_erase_jobs(Store *base, const ErasePerson *person, GPtrArray *parts, GError **error);
bool redis_erase_keyed(Store *base, const ErasePerson *person, GPtrArray *parts, GError **error);

#endif
