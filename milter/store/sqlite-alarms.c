/* sqlite-alarms: which alarms stand, and whose turn it is to look, as rows. Layer: store, private to sqlite*.c.
 *
 * The duty is counted on the clock that never jumps, which all processes that share the file share: one from the future is of an earlier
 * boot. */
#include "base/clock.h"
#include "store/sqlite-private.h"

#define ALARMS_MAX 512
#define TEXT_BYTES 4096

/* New in version 6. */
static const char *const tables[] = {
	"CREATE TABLE IF NOT EXISTS alarms(key TEXT PRIMARY KEY, since INTEGER NOT NULL, told_at INTEGER NOT NULL, by TEXT NOT NULL,"
	" text TEXT NOT NULL) WITHOUT ROWID",
	"CREATE TABLE IF NOT EXISTS alarm_duty(one INTEGER PRIMARY KEY CHECK(one = 1), owner TEXT NOT NULL, at INTEGER NOT NULL,"
	" ms INTEGER NOT NULL)",
};

bool sqlite_create_alarms(SqliteStore *store, GError **error)
{
	return sqlite_execute_all(store, tables, G_N_ELEMENTS(tables), error);
}

/* Those that a node has written. */
#define ROWS "FROM alarms WHERE typeof(key) = 'text' AND length(CAST(by AS BLOB)) + length(CAST(text AS BLOB)) <= " \
	G_STRINGIFY(TEXT_BYTES)
#define COLUMNS "SELECT key, since, told_at, by, text "

static StoredAlarm *read_alarm(sqlite3_stmt *row)
{
	StoredAlarm *alarm = g_new0(StoredAlarm, 1);

	alarm->key = g_strdup(sqlite_text(row, 0));
	alarm->since = sqlite3_column_int64(row, 1);
	alarm->told_at = sqlite3_column_int64(row, 2);
	alarm->by = g_utf8_make_valid(sqlite_text(row, 3), -1);
	alarm->text = g_utf8_make_valid(sqlite_text(row, 4), -1);
	return alarm;
}

static void take_alarm(sqlite3_stmt *row, gpointer into)
{
	StoredAlarm **alarm = into;

	*alarm = read_alarm(row);
}

/* *alarm is NULL where it does not stand; caller frees. */
static bool find_alarm(SqliteStore *store, const char *key, StoredAlarm **alarm, GError **error)
{
	*alarm = NULL;
	return sqlite_one_row(store, COLUMNS ROWS " AND key = ?", SQL_VALUES(SQL_TEXT(key)), take_alarm, alarm, error);
}

static bool put_new(SqliteStore *store, const char *key, const char *text, const char *by, gint64 now, GError **error)
{
	gint64 count = 0;

	if (!sqlite_number(store, "SELECT count(*) FROM alarms", NULL, 0, &count, error))
		return false;
	if (count >= ALARMS_MAX)
		return alarms_are_full(error);
	return sqlite_run(store, "INSERT OR REPLACE INTO alarms(key, since, told_at, by, text) VALUES(?1, ?2, ?2, ?3, ?4)",
	           SQL_VALUES(SQL_TEXT(key), SQL_INT(now), SQL_TEXT(by), SQL_TEXT(text)), error) &&
	    sqlite_event(store, "alarm", key, by, text, error);
}

/* Inside a transaction. */
static bool raise_alarm(SqliteStore *store, const char *key, const char *text, const char *by, gint64 repeat_seconds, AlarmTell *tell,
    GError **error)
{
	g_autoptr(StoredAlarm) old = NULL;
	gint64 now = clock_now();
	bool again;

	if (!find_alarm(store, key, &old, error))
		return false;
	if (old == NULL) {
		*tell = ALARM_RAISED;
		return put_new(store, key, text, by, now, error);
	}
	/* One that was told of in the future was told of before the clock was set back. */
	again = repeat_seconds > 0 && (now - old->told_at >= repeat_seconds || old->told_at > now);
	*tell = again ? ALARM_REPEATED : ALARM_QUIET;
	return sqlite_run(store, "UPDATE alarms SET told_at = ?1, text = ?2 WHERE key = ?3 AND (told_at <> ?1 OR text <> ?2)",
	    SQL_VALUES(SQL_INT(again ? now : old->told_at), SQL_TEXT(text), SQL_TEXT(key)), error);
}

bool sqlite_alarm_raise(Store *base, const char *key, const char *text, const char *by, gint64 repeat_seconds, AlarmTell *tell, GError **error)
{
	SqliteStore *store = (SqliteStore *)base;

	return sqlite_begin_write(store, error) &&
	    sqlite_end(store, raise_alarm(store, key, text, by, repeat_seconds, tell, error), error);
}

bool sqlite_alarm_clear(Store *base, const char *key, const char *by, bool *was, gint64 *since, GError **error)
{
	SqliteStore *store = (SqliteStore *)base;
	g_autoptr(StoredAlarm) old = NULL;
	bool ok;

	if (!sqlite_begin_write(store, error))
		return false;
	ok = find_alarm(store, key, &old, error) &&
	    (old == NULL || (sqlite_run(store, "DELETE FROM alarms WHERE key = ?", SQL_VALUES(SQL_TEXT(key)), error) &&
	        sqlite_event(store, "all-clear", key, by, old->text, error)));
	if (!sqlite_end(store, ok, error))
		return false;
	*was = old != NULL;
	*since = old != NULL ? old->since : 0;
	return true;
}

GPtrArray *sqlite_alarms(Store *base, GError **error)
{
	SqliteStore *store = (SqliteStore *)base;
	g_autoptr(GPtrArray) alarms = g_ptr_array_new_with_free_func((GDestroyNotify)stored_alarm_free);
	sqlite3_stmt *statement = sqlite_start(store, COLUMNS ROWS " LIMIT " G_STRINGIFY(ALARMS_MAX), NULL, error);
	bool row, ok;

	if (statement == NULL)
		return NULL;
	while ((ok = sqlite_step(store, statement, &row, error)) && row) {
		StoredAlarm *alarm = read_alarm(statement);

		if (alarm_key_valid(alarm->key))
			g_ptr_array_add(alarms, alarm);
		else
			stored_alarm_free(alarm);
	}
	sqlite_finish(statement);
	return ok ? g_steal_pointer(&alarms) : NULL;
}

bool sqlite_alarm_duty(Store *base, gint64 seconds, bool *mine, GError **error)
{
	SqliteStore *store = (SqliteStore *)base;
	int changed = 0;
	bool ok;

	if (!sqlite_begin_write(store, error))
		return false;
	ok = sqlite_run(store, "INSERT INTO alarm_duty(one, owner, at, ms) VALUES(1, ?1, ?2, ?3) ON CONFLICT(one) DO UPDATE"
	    " SET owner = excluded.owner, at = excluded.at, ms = excluded.ms WHERE owner = ?1 OR at > ?2 OR at <= ?2 - ms",
	    SQL_VALUES(SQL_TEXT(base->consumer), SQL_INT(clock_mono_us() / 1000), SQL_INT(seconds * 1000)), error);
	if (ok)
		changed = sqlite3_changes(store->db);
	if (!sqlite_end(store, ok, error))
		return false;
	*mine = changed > 0;
	return true;
}
