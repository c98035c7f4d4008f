/* spool-schema: the tables of the spool and their version (user_version). Layer: store, private to spool*.c. */
#include "base/clock.h"
#include "base/error.h"
#include "store/spool-private.h"

#define SCHEMA_VERSION 1

/* Rows that something is still to be done with, at times of the monotonic clock. */
#define PENDING "(state IN ('local', 'held', 'asked') OR (state = 'sent' AND life IS NULL))"

static const char *const tables[] = {
	/* was: what an asked row is given back as, or ''. life: of the store that knows of it; '' = one that does not say, NULL = none.
	 * takes: how often a replier has had it in hand without an end. */
	"CREATE TABLE acks(n INTEGER PRIMARY KEY, token TEXT NOT NULL UNIQUE, id TEXT NOT NULL, kind TEXT NOT NULL, hash TEXT NOT NULL,"
	" domain TEXT NOT NULL DEFAULT '', domain_capped INTEGER NOT NULL DEFAULT 0, state TEXT NOT NULL, was TEXT NOT NULL DEFAULT '',"
	" at INTEGER NOT NULL, payload TEXT NOT NULL DEFAULT '', mac TEXT NOT NULL DEFAULT '', set_us INTEGER NOT NULL,"
	" due_us INTEGER NOT NULL, ask_us INTEGER NOT NULL, taken_us INTEGER, taken_by TEXT, tries INTEGER NOT NULL DEFAULT 0,"
	" takes INTEGER NOT NULL DEFAULT 0, asks INTEGER NOT NULL DEFAULT 0, why TEXT, life TEXT)",
	"CREATE INDEX acks_mark ON acks(hash, id, kind)",
	"CREATE INDEX acks_told ON acks(state, life)",
	"CREATE INDEX acks_at ON acks(state, at)",
	"CREATE INDEX acks_domain ON acks(domain, at) WHERE domain_capped = 1",
	/* SQLite takes the next two only where it is told to (INDEXED BY). */
	"CREATE INDEX acks_due ON acks(due_us) WHERE state = 'local'",
	"CREATE INDEX acks_payload ON acks(at) WHERE state = 'mirror' AND payload <> ''",
	/* site: letters that may leave in a minute of the monotonic clock. */
	"CREATE TABLE site(minute INTEGER PRIMARY KEY, n INTEGER NOT NULL)",
	"CREATE TABLE blocked(hash TEXT PRIMARY KEY, ends INTEGER NOT NULL, why TEXT NOT NULL, by TEXT, told INTEGER NOT NULL DEFAULT 0)"
	" WITHOUT ROWID",
	"CREATE TABLE meta(name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID",
	"PRAGMA user_version = " G_STRINGIFY(SCHEMA_VERSION),
};

static bool bring_up(SqliteStore *file, GError **error)
{
	gint64 version;

	if (!sqlite_number(file, "PRAGMA user_version", NULL, 0, &version, error))
		return false;
	if (version == 0)
		return sqlite_execute_all(file, tables, G_N_ELEMENTS(tables), error);
	if (version == SCHEMA_VERSION)
		return true;
	g_set_error(error, OUTAGE_ERROR, OUTAGE_ERROR_INVALID, "store %s: made by a newer version of this program (tables of version %"
	    G_GINT64_FORMAT ", this one knows %d)", file->path, version, SCHEMA_VERSION);
	return false;
}

/* The newest time at which a wait began, and the last minute that the site's cap has counted in. */
static bool read_times(SqliteStore *file, gint64 *newest, gint64 *last_minute, gint64 *last_due, GError **error)
{
	return sqlite_number(file, "SELECT max(set_us) FROM acks WHERE " PENDING, NULL, 0, newest, error) &&
	    sqlite_number(file, "SELECT max(minute) FROM site", NULL, 0, last_minute, error) &&
	    sqlite_number(file, "SELECT max(due_us) FROM acks INDEXED BY acks_due WHERE state = 'local'", NULL, 0, last_due, error);
}

/* Times from ahead of now are of a run of the machine that has ended: all are moved back alike, so that the newest is now, and who had
 * taken a row is no more. */
static bool move_times(SqliteStore *file, gint64 now, GError **error)
{
	gint64 newest, last_minute, last_due;

	if (!read_times(file, &newest, &last_minute, &last_due, error))
		return false;
	if (newest > now && !sqlite_run(file, "UPDATE acks SET set_us = set_us - ?1, due_us = due_us - ?1, ask_us = ask_us - ?1,"
	    " taken_us = NULL, taken_by = NULL WHERE " PENDING, SQL_VALUES(SQL_INT(newest - now)), error))
		return false;
	return sqlite_run(file, "DELETE FROM site", NULL, error) &&
	    sqlite_run(file, "INSERT INTO site(minute, n) SELECT due_us / ?1, count(*) FROM acks WHERE state = 'local' AND due_us > ?2 GROUP BY 1",
	        SQL_VALUES(SQL_INT(SPOOL_MINUTE_US), SQL_INT(now)), error);
}

bool spool_migrate(SqliteStore *file, GError **error)
{
	gint64 version, newest, last_minute, last_due, now;

	if (!sqlite_number(file, "PRAGMA user_version", NULL, 0, &version, error))
		return false;
	if (version != SCHEMA_VERSION && (!sqlite_begin_write(file, error) || !sqlite_end(file, bring_up(file, error), error)))
		return false;
	if (!read_times(file, &newest, &last_minute, &last_due, error))
		return false;
	/* After reading: what another process writes meanwhile is not from ahead of now. */
	now = clock_mono_us();
	if (newest <= now && (last_minute <= now / SPOOL_MINUTE_US || last_minute <= last_due / SPOOL_MINUTE_US))
		return true;
	if (!sqlite_begin_write(file, error))
		return false;
	/* Now that nobody writes: clock_mono_us is behind none of the rows of this run. */
	return sqlite_end(file, move_times(file, clock_mono_us(), error), error);
}
