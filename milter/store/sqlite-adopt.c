/* sqlite-adopt: letters that have left without this store. Layer: store, private to sqlite*.c. */
#include <string.h>

#include "base/clock.h"
#include "store/sqlite-private.h"

static bool add_mark(SqliteStore *store, const StoreAdoption *letter, gint64 now, GError **error)
{
	/* REPLACE: what stands there is past its time. */
	if (!sqlite_run(store, "INSERT OR REPLACE INTO marks(id, kind, hash, token, at, expires, sent) VALUES(?, ?, ?, ?, ?, ?, 1)",
	        SQL_VALUES(SQL_TEXT(letter->id), SQL_TEXT(letter->kind), SQL_TEXT(letter->hash), SQL_TEXT(letter->token),
	        SQL_INT(MIN(letter->at, now)), SQL_INT(now + MARK_TTL_SECONDS(store->base.config))), error) ||
	    !sqlite_run(store, "INSERT OR IGNORE INTO affected(id, hash, at) VALUES(?, ?, ?)",
	        SQL_VALUES(SQL_TEXT(letter->id), SQL_TEXT(letter->hash), SQL_INT(now)), error))
		return false;
	return (sqlite3_changes(store->db) == 0 || sqlite_add_count(store, letter->id, "affected", 1, error)) &&
	    sqlite_add_count(store, letter->id, "queued", 1, error) && sqlite_add_count(store, letter->id, "sent", 1, error) &&
	    sqlite_add_count(store, "all", "sent", 1, error);
}

static bool adopt(SqliteStore *store, const StoreAdoption *letter, bool *own, GError **error)
{
	g_autofree char *owner = NULL;
	gint64 now = clock_now();

	if (!sqlite_one_text(store, "SELECT token FROM marks WHERE id = ? AND kind = ? AND hash = ? AND " MARK_COUNTS("?"),
	        SQL_VALUES(SQL_TEXT(letter->id), SQL_TEXT(letter->kind), SQL_TEXT(letter->hash), SQL_INT(now)), &owner, error))
		return false;
	*own = owner == NULL || strcmp(owner, letter->token) == 0;
	if (owner == NULL)
		return add_mark(store, letter, now, error);
	return !*own || sqlite_run(store, "UPDATE marks SET sent = 1 WHERE id = ? AND kind = ? AND hash = ? AND NOT sent",
	    SQL_VALUES(SQL_TEXT(letter->id), SQL_TEXT(letter->kind), SQL_TEXT(letter->hash)), error);
}

bool sqlite_adopt(Store *base, const StoreAdoption *letter, bool *own, GError **error)
{
	SqliteStore *store = (SqliteStore *)base;
	bool ours = false;

	if (!sqlite_begin_write(store, error) || !sqlite_end(store, adopt(store, letter, &ours, error), error))
		return false;
	*own = ours;
	return true;
}
