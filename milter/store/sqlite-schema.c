/* sqlite-schema: the tables of the SQLite store, their version (user_version), and the removal of what is past its time.
 * Layer: store, private to sqlite*.c.
 *
 * The tables mirror the Redis keys of doc/contract.md 4 and 5. Triggers count changes in `generation`, so that the watch reads
 * again only where incidents or accounts changed and not after every claim; being triggers, they also see a hand at the
 * sqlite3 shell. */
#include "base/clock.h"
#include "base/error.h"
#include "store/sqlite-private.h"

#define SCHEMA_VERSION 6
#define PURGE_EVERY 600 /* seconds */
#define RATE_KEEP 86400 /* seconds: well past the longest window of a cap */

static const char *const tables[] = {
	"CREATE TABLE flip(name TEXT PRIMARY KEY, word TEXT) WITHOUT ROWID",
	"CREATE TABLE pause(one INTEGER PRIMARY KEY CHECK(one = 1), reason TEXT NOT NULL)",
	/* updates_after: the newest row of updates when the incident opened or came back. */
	"CREATE TABLE state(name TEXT PRIMARY KEY, flip TEXT NOT NULL, word TEXT NOT NULL, id TEXT, declared_at INTEGER NOT NULL,"
	" reopened_at INTEGER NOT NULL, resolved_at INTEGER NOT NULL, ended_at INTEGER NOT NULL, epoch INTEGER NOT NULL,"
	" updates_after INTEGER NOT NULL, changed_ms INTEGER NOT NULL DEFAULT 0) WITHOUT ROWID",
	/* texts: of the incident that is open or prepared; the row with field 'id' says whose they are. */
	"CREATE TABLE texts(name TEXT NOT NULL, field TEXT NOT NULL, value TEXT NOT NULL, PRIMARY KEY(name, field)) WITHOUT ROWID",
	"CREATE TABLE past(id TEXT NOT NULL, field TEXT NOT NULL, value TEXT NOT NULL, at INTEGER NOT NULL,"
	" PRIMARY KEY(id, field)) WITHOUT ROWID",
	/* updates: AUTOINCREMENT, for updates_after counts on the order. */
	"CREATE TABLE updates(n INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL, id TEXT, at INTEGER NOT NULL,"
	" text TEXT NOT NULL, author TEXT)",
	"CREATE INDEX updates_name ON updates(name, n)",
	"CREATE TABLE marks(id TEXT NOT NULL, kind TEXT NOT NULL, hash TEXT NOT NULL, token TEXT NOT NULL, at INTEGER NOT NULL,"
	" expires INTEGER NOT NULL, sent INTEGER NOT NULL DEFAULT 0, PRIMARY KEY(id, kind, hash)) WITHOUT ROWID",
	"CREATE INDEX marks_expires ON marks(expires)",
	"CREATE TABLE affected(id TEXT NOT NULL, hash TEXT NOT NULL, at INTEGER NOT NULL, PRIMARY KEY(id, hash)) WITHOUT ROWID",
	"CREATE TABLE bounced(hash TEXT PRIMARY KEY, expires INTEGER NOT NULL, why TEXT NOT NULL DEFAULT '') WITHOUT ROWID",
	"CREATE TABLE rate(kind TEXT NOT NULL, key TEXT NOT NULL, window INTEGER NOT NULL, ends INTEGER NOT NULL,"
	" n INTEGER NOT NULL, PRIMARY KEY(kind, key, window)) WITHOUT ROWID",
	/* jobs: AUTOINCREMENT, for a handle must never come to mean another job. set_at: when due was set. taken_at in milliseconds of the
	 * clock that never jumps: one that is in the future is of an earlier boot. takes: how often it was, without an end. */
	"CREATE TABLE jobs(n INTEGER PRIMARY KEY AUTOINCREMENT, payload TEXT NOT NULL, mac TEXT NOT NULL, id TEXT NOT NULL,"
	" kind TEXT NOT NULL, token TEXT NOT NULL, tries INTEGER NOT NULL DEFAULT 0, queued_at INTEGER NOT NULL,"
	" due INTEGER NOT NULL, state TEXT NOT NULL DEFAULT 'waiting', taken_by TEXT, taken_at INTEGER, why TEXT,"
	" takes INTEGER NOT NULL DEFAULT 0, set_at INTEGER NOT NULL DEFAULT 0)",
	"CREATE INDEX jobs_due ON jobs(state, due, n)",
	"CREATE TABLE accounts(key TEXT PRIMARY KEY, json TEXT NOT NULL) WITHOUT ROWID",
	"CREATE TABLE events(n INTEGER PRIMARY KEY, at INTEGER NOT NULL, what TEXT NOT NULL, name TEXT, by TEXT, detail TEXT)",
	"CREATE TABLE stats(id TEXT NOT NULL, counter TEXT NOT NULL, n INTEGER NOT NULL, PRIMARY KEY(id, counter)) WITHOUT ROWID",
	"CREATE TABLE nodes(node TEXT PRIMARY KEY, at INTEGER NOT NULL, json TEXT NOT NULL) WITHOUT ROWID",
	"CREATE TABLE generation(what TEXT PRIMARY KEY, n INTEGER NOT NULL) WITHOUT ROWID",
	"INSERT INTO generation(what, n) VALUES('incidents', 1), ('accounts', 1)",
};

/* What is known of the queue as a whole. n: how many jobs are not dead, kept by triggers, for counting them would take a claim the
 * longer the more wait. clock: the latest time that something was set to wait from. */
static const char *const queue_table[] = {
	"CREATE TABLE queue(one INTEGER PRIMARY KEY CHECK(one = 1), n INTEGER NOT NULL, clock INTEGER NOT NULL)",
	"INSERT INTO queue(one, n, clock) SELECT 1, count(*), 0 FROM jobs WHERE state <> 'dead'",
	"CREATE TRIGGER queue_grows AFTER INSERT ON jobs WHEN new.state <> 'dead' BEGIN UPDATE queue SET n = n + 1; END",
	"CREATE TRIGGER queue_shrinks AFTER DELETE ON jobs WHEN old.state <> 'dead' BEGIN UPDATE queue SET n = n - 1; END",
	"CREATE TRIGGER queue_buries AFTER UPDATE OF state ON jobs WHEN old.state <> 'dead' AND new.state = 'dead'"
	" BEGIN UPDATE queue SET n = n - 1; END",
	"CREATE TRIGGER queue_revives AFTER UPDATE OF state ON jobs WHEN old.state = 'dead' AND new.state <> 'dead'"
	" BEGIN UPDATE queue SET n = n + 1; END",
};

/* New in version 5: notes on mails, notices, and who wants none (store/notes.h). How many notes a list has is kept by triggers, for each
 * new one asks. leased_at as taken_at of jobs. */
static const char *const notes_tables[] = {
	"CREATE TABLE notes(n INTEGER PRIMARY KEY, list TEXT NOT NULL, id TEXT NOT NULL, key TEXT NOT NULL, at INTEGER NOT NULL,"
	" apart TEXT NOT NULL, pages INTEGER NOT NULL DEFAULT 0, paged_at INTEGER NOT NULL DEFAULT 0, mac TEXT NOT NULL,"
	" payload TEXT NOT NULL, UNIQUE(list, id, key))",
	"CREATE INDEX notes_at ON notes(list, at)",
	"CREATE TABLE note_counts(list TEXT PRIMARY KEY, n INTEGER NOT NULL) WITHOUT ROWID",
	"INSERT INTO note_counts(list, n) VALUES('recent', 0), ('contacts', 0), ('waiting', 0)",
	"CREATE TRIGGER notes_grow AFTER INSERT ON notes BEGIN UPDATE note_counts SET n = n + 1 WHERE list = new.list; END",
	"CREATE TRIGGER notes_shrink AFTER DELETE ON notes BEGIN UPDATE note_counts SET n = n - 1 WHERE list = old.list; END",
	"CREATE TABLE optout(id TEXT NOT NULL, tag TEXT NOT NULL, expires INTEGER NOT NULL, PRIMARY KEY(id, tag)) WITHOUT ROWID",
	"CREATE TABLE notices(id TEXT NOT NULL, name TEXT NOT NULL, at INTEGER NOT NULL, mac TEXT NOT NULL, payload TEXT NOT NULL,"
	" done INTEGER NOT NULL DEFAULT 0, told INTEGER NOT NULL DEFAULT 0, left_out INTEGER NOT NULL DEFAULT 0, leased_by TEXT,"
	" leased_at INTEGER NOT NULL DEFAULT 0, lease_ms INTEGER NOT NULL DEFAULT 0, PRIMARY KEY(id, name))",
};

/* From version 2. What has a mark and is in no queue was sent, or buried too long ago to be called back. */
static const char *const from_2[] = {
	"ALTER TABLE marks ADD COLUMN sent INTEGER NOT NULL DEFAULT 0",
	"UPDATE marks SET sent = 1 WHERE token NOT IN (SELECT token FROM jobs)",
	"ALTER TABLE bounced ADD COLUMN why TEXT NOT NULL DEFAULT ''",
};

/* From version 3. Its taken_at were of another clock and lie far in the future of ours: the repliers of that version are gone. */
static const char *const from_3[] = {
	"ALTER TABLE jobs ADD COLUMN takes INTEGER NOT NULL DEFAULT 0",
	"ALTER TABLE jobs ADD COLUMN set_at INTEGER NOT NULL DEFAULT 0",
	"ALTER TABLE state ADD COLUMN changed_ms INTEGER NOT NULL DEFAULT 0",
};

static const struct {
	const char *table;
	const char *counts_as;
} watched[] = {
	{ "flip", "incidents" }, { "pause", "incidents" }, { "state", "incidents" }, { "texts", "incidents" },
	{ "updates", "incidents" }, { "accounts", "accounts" },
};

/* For statements that run once in the life of a file: not kept. */
static bool execute(SqliteStore *store, const char *sql, GError **error)
{
	if (sqlite3_exec(store->db, sql, NULL, NULL, NULL) == SQLITE_OK)
		return true;
	sqlite_fail(store, "setting up its tables", error);
	return false;
}

static bool create_triggers(SqliteStore *store, GError **error)
{
	static const char *const verbs[] = { "INSERT", "UPDATE", "DELETE" };
	bool ok = true;

	for (gsize i = 0; ok && i < G_N_ELEMENTS(watched); i++) {
		for (gsize verb = 0; ok && verb < G_N_ELEMENTS(verbs); verb++) {
			g_autofree char *sql = g_strdup_printf("CREATE TRIGGER %s_%s AFTER %s ON %s BEGIN"
			    " UPDATE generation SET n = n + 1 WHERE what = '%s'; END", watched[i].table, verbs[verb], verbs[verb],
			    watched[i].table, watched[i].counts_as);

			ok = execute(store, sql, error);
		}
	}
	return ok;
}

bool sqlite_execute_all(SqliteStore *store, const char *const *statements, gsize count, GError **error)
{
	bool ok = true;

	for (gsize i = 0; ok && i < count; i++)
		ok = execute(store, statements[i], error);
	return ok;
}

static bool set_version(SqliteStore *store, GError **error)
{
	return execute(store, "PRAGMA user_version = " G_STRINGIFY(SCHEMA_VERSION), error);
}

/* What is new in version 6. A pause that stands has been told of. */
static bool create_of_6(SqliteStore *store, GError **error)
{
	g_autofree char *reason = NULL;

	return sqlite_create_alarms(store, error) &&
	    sqlite_execute_all(store, sqlite_stats_tables, sqlite_stats_tables_count, error) &&
	    sqlite_read_pause(store, &reason, error) && sqlite_pause_is_noted(store, reason != NULL, error);
}

/* Brings the tables from version to ours; the caller's transaction. */
static bool bring_up(SqliteStore *store, gint64 version, GError **error)
{
	if (version == SCHEMA_VERSION)
		return true;
	if (version == 0)
		return sqlite_execute_all(store, tables, G_N_ELEMENTS(tables), error) && create_triggers(store, error) &&
		    sqlite_execute_all(store, queue_table, G_N_ELEMENTS(queue_table), error) &&
		    sqlite_execute_all(store, notes_tables, G_N_ELEMENTS(notes_tables), error) && create_of_6(store, error) &&
		    set_version(store, error);
	if (version >= 2 && version < SCHEMA_VERSION)
		return (version > 2 || sqlite_execute_all(store, from_2, G_N_ELEMENTS(from_2), error)) &&
		    (version > 3 || (sqlite_execute_all(store, from_3, G_N_ELEMENTS(from_3), error) &&
		        sqlite_execute_all(store, queue_table, G_N_ELEMENTS(queue_table), error))) &&
		    (version > 4 || sqlite_execute_all(store, notes_tables, G_N_ELEMENTS(notes_tables), error)) &&
		    create_of_6(store, error) && set_version(store, error);
	g_set_error(error, OUTAGE_ERROR, OUTAGE_ERROR_INVALID, "store %s: made by %s version of this program (tables of"
	    " version %" G_GINT64_FORMAT ", this one knows %d)", store->path, version > SCHEMA_VERSION ? "a newer" : "an older",
	    version, SCHEMA_VERSION);
	return false;
}

bool sqlite_migrate(SqliteStore *store, GError **error)
{
	gint64 version;

	if (!sqlite_number(store, "PRAGMA user_version", NULL, 0, &version, error))
		return false;
	if (version == SCHEMA_VERSION)
		return true;
	if (!sqlite_begin_write(store, error))
		return false;
	/* Another process may have been quicker while we waited for the lock. */
	return sqlite_end(store, sqlite_number(store, "PRAGMA user_version", NULL, 0, &version, error) &&
	    bring_up(store, version, error), error);
}

/* Whom an incident that is on concerns is not forgotten, however long it lasts. */
static bool purge_notes(SqliteStore *store, gint64 now, gint64 kept_since, GError **error)
{
	return sqlite_run(store, "DELETE FROM notes WHERE list = 'recent' AND at <= ?",
	           SQL_VALUES(SQL_INT(now - note_keep(store->base.config, NOTES_RECENT))), error) &&
	    sqlite_run(store, "DELETE FROM notes WHERE list = 'waiting' AND at <= ?",
	        SQL_VALUES(SQL_INT(now - note_keep(store->base.config, NOTES_WAITING))), error) &&
	    sqlite_run(store, "DELETE FROM notes WHERE list = 'contacts' AND at <= ? AND id NOT IN " IDS_THAT_ARE_ON,
	        SQL_VALUES(SQL_INT(kept_since)), error) &&
	    sqlite_run(store, "DELETE FROM notices WHERE at <= ? AND id NOT IN " IDS_THAT_ARE_ON, SQL_VALUES(SQL_INT(kept_since)), error) &&
	    sqlite_run(store, "DELETE FROM optout WHERE expires <= ?1 AND NOT " MARK_COUNTS("?1"), SQL_VALUES(SQL_INT(now)), error);
}

static bool purge_rows(SqliteStore *store, gint64 now, GError **error)
{
	gint64 kept_since = now - store->base.config->retention / 1000;
	g_autofree char *first_id = clock_format_compact(kept_since);

	return sqlite_run(store, "DELETE FROM marks WHERE expires <= ?1 AND NOT " MARK_COUNTS("?1"),
	           SQL_VALUES(SQL_INT(now)), error) &&
	    sqlite_run(store, "DELETE FROM bounced WHERE expires <= ?", SQL_VALUES(SQL_INT(now)), error) &&
	    sqlite_run(store, "DELETE FROM rate WHERE ends <= ?", SQL_VALUES(SQL_INT(now - RATE_KEEP)), error) &&
	    sqlite_run(store, "DELETE FROM past WHERE at <= ?", SQL_VALUES(SQL_INT(kept_since)), error) &&
	    sqlite_run(store, "DELETE FROM affected WHERE at <= ?", SQL_VALUES(SQL_INT(kept_since)), error) &&
	    sqlite_run(store, "DELETE FROM updates WHERE at <= ? AND id IS NOT (SELECT id FROM state WHERE name = updates.name)",
	        SQL_VALUES(SQL_INT(kept_since)), error) &&
	    /* A buried job carries an address. */
	    sqlite_run(store, "DELETE FROM jobs WHERE state = 'dead' AND queued_at <= ?", SQL_VALUES(SQL_INT(kept_since)), error) &&
	    /* An id begins with its time; that of the totals ("all") sorts behind every time. */
	    sqlite_run(store, "DELETE FROM stats WHERE id < ? AND id NOT IN (SELECT id FROM state WHERE id IS NOT NULL)",
	        SQL_VALUES(SQL_TEXT(first_id)), error) &&
	    sqlite_run(store, "DELETE FROM events WHERE at <= ?", SQL_VALUES(SQL_INT(now - EVENTS_KEEP)), error) &&
	    /* These carry the hash of an address, and what was said of it. */
	    sqlite_run(store, "DELETE FROM events WHERE at <= ? AND what IN ('bounced', 'answered', 'unblocked', 'forgot', 'exported')",
	        SQL_VALUES(SQL_INT(kept_since)), error) &&
	    sqlite_run(store, "DELETE FROM nodes WHERE at <= ?", SQL_VALUES(SQL_INT(kept_since)), error) &&
	    purge_notes(store, now, kept_since, error) && sqlite_stats_purge(store, now, kept_since, error);
}

bool sqlite_purge(SqliteStore *store, GError **error)
{
	gint64 now = clock_now();

	if (store->purged_at != 0 && now - store->purged_at < PURGE_EVERY && now >= store->purged_at)
		return true;
	if (!sqlite_begin_write(store, error) || !sqlite_end(store, purge_rows(store, now, error), error))
		return false;
	store->purged_at = now;
	return true;
}
