/* sqlite-private: what the sqlite-*.c share: the struct, statements, transactions. Layer: store, private to sqlite*.c. */
#ifndef OUTAGE_STORE_SQLITE_PRIVATE_H
#define OUTAGE_STORE_SQLITE_PRIVATE_H

#include <sqlite3.h>
#include <sys/types.h>

#include "store/backend.h"

typedef struct {
	Store base;
	sqlite3 *db;
	char *path;
	dev_t device;            /* of the file we opened: tells when another one took its place */
	ino_t inode;
	GHashTable *statements;  /* SQL text, by address -> sqlite3_stmt, prepared once */
	gint64 busy_until;       /* clock_mono_us: until then a lock held by others is waited for */
	gint64 wait_ms;        /* how long a lock is waited for: store.timeout, more while opening */
	gint64 data_version;     /* last seen; changes when another connection has committed */
	gint64 seen_incidents;   /* generation.n of 'incidents' and 'accounts' at the last reading */
	gint64 seen_accounts;
	gint64 purged_at;
} SqliteStore;

/* A value to bind, and a list of them: SQL_VALUES(SQL_TEXT(name), SQL_INT(n)). NULL is a text too. */
typedef struct {
	enum { SQL_KIND_END, SQL_KIND_TEXT, SQL_KIND_INT } kind;
	const char *text;
	gint64 number;
} SqlValue;
#define SQL_TEXT(value) { .kind = SQL_KIND_TEXT, .text = (value) }
#define SQL_INT(value) { .kind = SQL_KIND_INT, .number = (gint64)(value) }
#define SQL_VALUES(...) ((const SqlValue[]){ __VA_ARGS__, { .kind = SQL_KIND_END } })

/* sqlite.c: opens (makes) a file of ours at path, whose tables migrate brings up; for the store itself and for what else a node keeps
 * in a file of this kind. NULL with error. */
Store *sqlite_open_file(const Config *config, const char *node, const char *path, const StoreBackend *methods,
    bool (*migrate)(SqliteStore *store, GError **error), GError **error);
void sqlite_close_file(Store *base);

/* Sets error from the connection's last failure; what: what we were doing. */
void sqlite_fail(SqliteStore *store, const char *what, GError **error);

/* sql must be a string literal: statements are kept by its address. values may be NULL; their texts must live until the
 * statement is finished. Returns NULL with error; the caller steps and then calls sqlite_finish. */
sqlite3_stmt *sqlite_start(SqliteStore *store, const char *sql, const SqlValue *values, GError **error);
/* *row: there is one. False with error. */
bool sqlite_step(SqliteStore *store, sqlite3_stmt *statement, bool *row, GError **error);
void sqlite_finish(sqlite3_stmt *statement);
/* Returns the column as text, "" for NULL; valid until the next step. */
const char *sqlite_text(sqlite3_stmt *statement, int column);
/* Returns a copy of the column, NULL for NULL; caller frees. */
char *sqlite_copy(sqlite3_stmt *statement, int column);

/* Runs a statement that returns nothing. */
bool sqlite_run(SqliteStore *store, const char *sql, const SqlValue *values, GError **error);
/* What is done with a row; into: where what it says goes. */
typedef void (*SqlTake)(sqlite3_stmt *row, gpointer into);
/* Runs a statement that returns one row or none; take is not called where there is none. */
bool sqlite_one_row(SqliteStore *store, const char *sql, const SqlValue *values, SqlTake take, gpointer into, GError **error);
/* Reads one number; fallback where there is no row. */
bool sqlite_number(SqliteStore *store, const char *sql, const SqlValue *values, gint64 fallback, gint64 *number,
    GError **error);
/* Reads one text (*text NULL where there is no row); caller frees. */
bool sqlite_one_text(SqliteStore *store, const char *sql, const SqlValue *values, char **text, GError **error);

/* A write begins at once as one: a transaction that turns from reading to writing fails in spite of every waiting. */
bool sqlite_begin_write(SqliteStore *store, GError **error);
/* A read of several tables that have to fit together. */
bool sqlite_begin_read(SqliteStore *store, GError **error);
/* Whether a commit survives a power cut (the rule), or only the end of this process: for what may be lost. Outside transactions. */
bool sqlite_set_durable(SqliteStore *store, bool durable, GError **error);
/* Commits where ok, else rolls back; returns ok and committed. error is set only by the commit. */
bool sqlite_end(SqliteStore *store, bool ok, GError **error);

/* Returns false with error where the file was replaced or removed under us. */
bool sqlite_file_is_ours(SqliteStore *store, GError **error);
/* Returns true where another connection has committed since the last call; -1 on error. */
int sqlite_changed(SqliteStore *store, GError **error);

/* Adds n to a counter of the incident id (or "all"); inside a transaction. */
bool sqlite_add_count(SqliteStore *store, const char *id, const char *counter, gint64 n, GError **error);
/* Adds an event; inside a transaction. by NULL = this node. */
bool sqlite_event(SqliteStore *store, const char *what, const char *name, const char *by, const char *detail, GError **error);

/* sqlite-schema.c */
bool sqlite_migrate(SqliteStore *store, GError **error);
/* Runs statements that set up tables, which are not kept; the caller's transaction. */
bool sqlite_execute_all(SqliteStore *store, const char *const *statements, gsize count, GError **error);
/* Removes what is past its time; does so at most every few minutes. */
bool sqlite_purge(SqliteStore *store, GError **error);

/* sqlite-incident.c */
Snapshot *sqlite_snapshot(Store *base, const Snapshot *last, GError **error);
bool sqlite_set_word(Store *base, const char *name, Word word, char *const texts[TEXT_FIELDS], WordCondition *condition,
    const char *by, IncidentState *out, GError **error);
bool sqlite_set_texts(Store *base, const char *name, char *const texts[TEXT_FIELDS], const char *by, GError **error);
bool sqlite_add_update(Store *base, const char *name, const char *text, const char *by, GError **error);
/* Reads outage:state of name; *found false leaves *state cleared. */
bool sqlite_read_state(SqliteStore *store, const char *name, IncidentState *state, bool *found, GError **error);
/* Returns the pause's reason in *reason, or NULL where not paused; caller frees. */
bool sqlite_read_pause(SqliteStore *store, char **reason, GError **error);
/* Notes whether the events say that it is paused. */
bool sqlite_pause_is_noted(SqliteStore *store, bool paused, GError **error);

/* The condition that a row of marks counts (?N or ?: now). Its time is not believed while its incident is on: a clock that jumps ahead
 * must not answer everybody again. */
#define IDS_THAT_ARE_ON "(SELECT id FROM state WHERE word <> 'none' AND id IS NOT NULL)"
#define MARK_COUNTS(now) "(expires > " now " OR id IN " IDS_THAT_ARE_ON ")"

/* sqlite-claim.c */
bool sqlite_claim(Store *base, const StoreClaim *claim, ClaimAnswer *answer, GError **error);

/* sqlite-adopt.c */
bool sqlite_adopt(Store *base, const StoreAdoption *letter, bool *own, GError **error);

/* sqlite-queue.c */
/* Waits up to wait_ms until take gives a job: it is asked whenever another connection has committed, and every second for what becomes due
 * without that. NULL with error, or without where there is none. */
StoredJob *sqlite_await_job(SqliteStore *store, gint64 wait_ms, gint64 idle_ms,
    bool (*take)(SqliteStore *store, gint64 idle_ms, StoredJob **job, GError **error), GError **error);
/* Comes before a time is written that something waits for, inside the write: where the clock has been set back since the last such time,
 * what waits moves back with it. */
bool sqlite_keep_time(SqliteStore *store, gint64 now, GError **error);
StoredJob *sqlite_job_take(Store *base, gint64 wait_ms, gint64 idle_ms, GError **error);
bool sqlite_job_done(Store *base, const StoredJob *job, const char *hash, GError **error);
bool sqlite_job_standing(Store *base, const Job *job, const char *hash, JobStanding *standing, GError **error);
bool sqlite_job_retry(Store *base, const StoredJob *job, gint64 delay, bool failed, const char *why, GError **error);
bool sqlite_job_bury(Store *base, const StoredJob *job, const char *why, GError **error);
bool sqlite_job_withdraw(Store *base, const StoredJob *job, const char *hash, GError **error);
bool sqlite_job_promote(Store *base, const StoredJob *job, const char *hash, bool *won, GError **error);
bool sqlite_queue_counts(Store *base, QueueCounts *counts, GError **error);
GPtrArray *sqlite_queue_list(Store *base, QueueList list, guint count, GError **error);
bool sqlite_queue_retry(Store *base, const char *handle, guint *moved, GError **error);
bool sqlite_queue_bury(Store *base, const char *handle, const char *why, guint *moved, GError **error);

/* sqlite-tables.c */
bool sqlite_add_event(Store *base, const char *what, const char *name, const char *by, const char *detail, GError **error);
GPtrArray *sqlite_events(Store *base, guint count, GError **error);
bool sqlite_events_slice(Store *base, gint64 since, char **cursor, GPtrArray *events, GError **error);
bool sqlite_accounts_slice(Store *base, char **cursor, GPtrArray *entries, GError **error);
bool sqlite_accounts_get(Store *base, const GPtrArray *keys, GPtrArray *entries, GError **error);
bool sqlite_account_changes(Store *base, char **since, GPtrArray *keys, bool *lost, GError **error);
bool sqlite_account_put(Store *base, const char *key, const char *json, const char *by, GError **error);
bool sqlite_account_remove(Store *base, const char *key, const char *by, bool *found, GError **error);
bool sqlite_heartbeat(Store *base, const char *json, GError **error);
GPtrArray *sqlite_nodes(Store *base, GError **error);
GPtrArray *sqlite_queue_shares(Store *base, GError **error);
StoreInfo *sqlite_describe(Store *base, GError **error);

/* sqlite-block.c */
bool sqlite_block(Store *base, const char *hash, gint64 seconds, const char *why, const char *by, GError **error);
bool sqlite_unblock(Store *base, const char *hash, const char *by, bool *found, GError **error);
bool sqlite_blocked(Store *base, const char *hash, char **why, gint64 *until, GError **error);

/* sqlite-notes.c */
bool sqlite_note_add(Store *base, NoteList list, const char *id, const StoredNote *note, bool *fresh, GError **error);
bool sqlite_notes_slice(Store *base, NoteList list, const char *id, char **cursor, GPtrArray *notes, GError **error);
bool sqlite_notes_drop(Store *base, NoteList list, const GPtrArray *keys, GError **error);
bool sqlite_waiting_end(Store *base, const GPtrArray *keys, GPtrArray *ended, GError **error);
bool sqlite_waiting_page(Store *base, const char *key, guint pages, gint64 now, bool *mine, GError **error);
bool sqlite_optout_add(Store *base, const char *id, const char *tag, GError **error);
bool sqlite_optout_has(Store *base, const char *id, const char *tag, bool *has, GError **error);
bool sqlite_notice_add(Store *base, const char *id, const StoredNotice *notice, const char *by, GError **error);
GPtrArray *sqlite_notices(Store *base, const char *id, GError **error);
bool sqlite_notice_lease(Store *base, const char *id, const char *name, gint64 seconds, bool *mine, GError **error);
bool sqlite_notice_progress(Store *base, const char *id, const char *name, guint64 told, guint64 left_out, bool done, GError **error);

/* sqlite-stats.c */
/* Its tables, for sqlite-schema.c; new in version 6. */
extern const char *const sqlite_stats_tables[];
extern const gsize sqlite_stats_tables_count;
/* Removes what is past its time; kept_since: personal data older than that goes. The caller's transaction. */
bool sqlite_stats_purge(SqliteStore *store, gint64 now, gint64 kept_since, GError **error);
bool sqlite_stats_write(Store *base, const StatsBatch *batch, guint *replies, GError **error);
GPtrArray *sqlite_stats_minutes(Store *base, const char *id, gint64 from, gint64 to, GError **error);
bool sqlite_stats_distinct(Store *base, const char *id, gint64 from, guint64 *senders, guint64 *accounts, GError **error);
GHashTable *sqlite_stats_accounts(Store *base, const char *id, GError **error);
bool sqlite_stats_threads_slice(Store *base, const char *id, char **cursor, GPtrArray *threads, GError **error);
bool sqlite_stats_outbound_seen(Store *base, gint64 *at, GError **error);
bool sqlite_baseline(Store *base, BaselineHour hours[BASELINE_HOURS], GError **error);
bool sqlite_baseline_learn(Store *base, gint64 hour_start, double mails, double senders, bool *learned, GError **error);

/* sqlite-alarms.c */
bool sqlite_create_alarms(SqliteStore *store, GError **error);
bool sqlite_alarm_raise(Store *base, const char *key, const char *text, const char *by, gint64 repeat_seconds, AlarmTell *tell, GError **error);
bool sqlite_alarm_clear(Store *base, const char *key, const char *by, bool *was, gint64 *since, GError **error);
GPtrArray *sqlite_alarms(Store *base, GError **error);
bool sqlite_alarm_duty(Store *base, gint64 seconds, bool *mine, GError **error);

/* sqlite-feed.c */
GPtrArray *sqlite_feed(Store *base, const char *name, guint count, GError **error);
bool sqlite_texts(Store *base, const char *name, char *texts[TEXT_FIELDS], char **id, GError **error);
/* sqlite-past.c */
bool sqlite_past_texts(Store *base, const char *id, char *texts[TEXT_FIELDS], bool *found, GError **error);

/* sqlite-erase.c */
bool sqlite_erase_jobs(Store *base, const ErasePerson *person, GPtrArray *parts, GError **error);
bool sqlite_erase_keyed(Store *base, const ErasePerson *person, GPtrArray *parts, GError **error);

#endif
