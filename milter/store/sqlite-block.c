/* sqlite-block: addresses whose mail came back, as rows of bounced. Layer: store, private to sqlite*.c. */
#include "base/clock.h"
#include "store/sqlite-private.h"

bool sqlite_block(Store *base, const char *hash, gint64 seconds, const char *why, const char *by, GError **error)
{
	SqliteStore *store = (SqliteStore *)base;
	bool ok;

	if (!sqlite_begin_write(store, error))
		return false;
	ok = sqlite_run(store, "INSERT OR REPLACE INTO bounced(hash, expires, why) VALUES(?, ?, ?)",
	         SQL_VALUES(SQL_TEXT(hash), SQL_INT(clock_now() + seconds), SQL_TEXT(why)), error) &&
	    sqlite_add_count(store, "all", "bounced", 1, error) && sqlite_event(store, "bounced", hash, by, why, error);
	return sqlite_end(store, ok, error);
}

bool sqlite_unblock(Store *base, const char *hash, const char *by, bool *found, GError **error)
{
	SqliteStore *store = (SqliteStore *)base;
	gint64 there = 0;
	bool ok;

	if (!sqlite_begin_write(store, error))
		return false;
	/* One that is over was none any more, whether the sweep has come by or not. */
	ok = sqlite_number(store, "SELECT 1 FROM bounced WHERE hash = ? AND expires > ?",
	         SQL_VALUES(SQL_TEXT(hash), SQL_INT(clock_now())), 0, &there, error) &&
	    sqlite_run(store, "DELETE FROM bounced WHERE hash = ?", SQL_VALUES(SQL_TEXT(hash)), error) &&
	    (there == 0 || sqlite_event(store, "unblocked", hash, by, NULL, error));
	if (!sqlite_end(store, ok, error))
		return false;
	*found = there != 0;
	return true;
}

bool sqlite_blocked(Store *base, const char *hash, char **why, gint64 *until, GError **error)
{
	SqliteStore *store = (SqliteStore *)base;
	sqlite3_stmt *statement = sqlite_start(store, "SELECT why, expires FROM bounced WHERE hash = ? AND expires > ?",
	    SQL_VALUES(SQL_TEXT(hash), SQL_INT(clock_now())), error);
	bool row, ok;

	if (statement == NULL)
		return false;
	ok = sqlite_step(store, statement, &row, error);
	if (ok && row) {
		*why = sqlite_copy(statement, 0);
		*until = sqlite3_column_int64(statement, 1);
	}
	sqlite_finish(statement);
	return ok;
}
