/* sqlite-tables: events, accounts, nodes, who has jobs in hand, and what the file says of itself. Layer: store, private to sqlite*.c. */
#include <string.h>

#include "base/clock.h"
#include "store/sqlite-private.h"

#define SLICE 500
#define CHANGES_MAX 20000   /* keys read at once from the events; beyond, everything is read again */
#define NODE_GONE 86400     /* seconds: a node silent for longer is gone */

bool sqlite_add_event(Store *base, const char *what, const char *name, const char *by, const char *detail,
    GError **error)
{
	SqliteStore *store = (SqliteStore *)base;

	return sqlite_begin_write(store, error) && sqlite_end(store, sqlite_event(store, what, name, by, detail, error), error);
}

static char *text_or_null(sqlite3_stmt *row, int column)
{
	const char *text = sqlite_text(row, column);

	return *text != '\0' ? g_strdup(text) : NULL;
}

/* at, what, name, by, detail from the first column on. */
static StoreEvent *read_event(sqlite3_stmt *row, int first)
{
	StoreEvent *event = g_new0(StoreEvent, 1);

	event->at = sqlite3_column_int64(row, first);
	event->what = g_strdup(sqlite_text(row, first + 1));
	event->name = text_or_null(row, first + 2);
	event->by = text_or_null(row, first + 3);
	event->detail = text_or_null(row, first + 4);
	return event;
}

GPtrArray *sqlite_events(Store *base, guint count, GError **error)
{
	SqliteStore *store = (SqliteStore *)base;
	g_autoptr(GPtrArray) events = g_ptr_array_new_with_free_func((GDestroyNotify)store_event_free);
	sqlite3_stmt *statement = sqlite_start(store, "SELECT at, what, name, by, detail FROM events ORDER BY n DESC LIMIT ?",
	    SQL_VALUES(SQL_INT(count)), error);
	bool row, ok;

	if (statement == NULL)
		return NULL;
	while ((ok = sqlite_step(store, statement, &row, error)) && row)
		g_ptr_array_add(events, read_event(statement, 0));
	sqlite_finish(statement);
	return ok ? g_steal_pointer(&events) : NULL;
}

/* The cursor is the row last read. */
bool sqlite_events_slice(Store *base, gint64 since, char **cursor, GPtrArray *events, GError **error)
{
	SqliteStore *store = (SqliteStore *)base;
	gint64 last = *cursor != NULL ? g_ascii_strtoll(*cursor, NULL, 10) : 0;
	sqlite3_stmt *statement = sqlite_start(store, "SELECT n, at, what, name, by, detail FROM events WHERE n > ? AND at >= ?"
	    " ORDER BY n LIMIT ?", SQL_VALUES(SQL_INT(last), SQL_INT(since), SQL_INT(SLICE)), error);
	guint before = events->len;
	bool row, ok;

	if (statement == NULL)
		return false;
	while ((ok = sqlite_step(store, statement, &row, error)) && row) {
		last = sqlite3_column_int64(statement, 0);
		g_ptr_array_add(events, read_event(statement, 1));
	}
	sqlite_finish(statement);
	if (!ok)
		return false;
	g_free(*cursor);
	*cursor = events->len - before == SLICE ? g_strdup_printf("%" G_GINT64_FORMAT, last) : NULL;
	return true;
}

/* --- accounts --- */

/* Columns: key, json (NULL where it is too long), its size. */
static StoredAccount *read_entry(sqlite3_stmt *row)
{
	StoredAccount *entry = g_new0(StoredAccount, 1);

	entry->key = g_strdup(sqlite_text(row, 0));
	entry->json = sqlite_copy(row, 1);
	if (entry->json == NULL)
		entry->trouble = g_strdup_printf("the entry is longer than 16 KB (%lld bytes)", (long long)sqlite3_column_int64(row, 2));
	return entry;
}

static bool read_rows(SqliteStore *store, sqlite3_stmt *statement, GPtrArray *entries, GError **error)
{
	bool row, ok;

	if (statement == NULL)
		return false;
	while ((ok = sqlite_step(store, statement, &row, error)) && row)
		g_ptr_array_add(entries, read_entry(statement));
	sqlite_finish(statement);
	return ok;
}

#define ENTRY "SELECT key, CASE WHEN length(CAST(json AS BLOB)) <= " G_STRINGIFY(ACCOUNT_JSON_MAX) \
	" THEN json END, length(CAST(json AS BLOB)) FROM accounts "

bool sqlite_accounts_slice(Store *base, char **cursor, GPtrArray *entries, GError **error)
{
	SqliteStore *store = (SqliteStore *)base;
	guint before = entries->len;
	/* The last key is the cursor, so it has to be what it reads as: no bytes, no text with a NUL. */
	sqlite3_stmt *statement = sqlite_start(store, ENTRY "WHERE key > ? AND typeof(key) = 'text' AND instr(key, char(0)) = 0"
	    " ORDER BY key LIMIT " G_STRINGIFY(SLICE), SQL_VALUES(SQL_TEXT(*cursor != NULL ? *cursor : "")), error);
	char *last;

	if (!read_rows(store, statement, entries, error))
		return false;
	last = entries->len - before == SLICE ? g_strdup(((StoredAccount *)entries->pdata[entries->len - 1])->key) : NULL;
	g_free(*cursor);
	*cursor = last;
	return true;
}

bool sqlite_accounts_get(Store *base, const GPtrArray *keys, GPtrArray *entries, GError **error)
{
	SqliteStore *store = (SqliteStore *)base;

	for (guint i = 0; i < keys->len; i++) {
		guint before = entries->len;

		if (!read_rows(store, sqlite_start(store, ENTRY "WHERE key = ?", SQL_VALUES(SQL_TEXT(keys->pdata[i])), error), entries, error))
			return false;
		if (entries->len == before) {
			StoredAccount *none = g_new0(StoredAccount, 1);

			none->key = g_strdup(keys->pdata[i]);
			g_ptr_array_add(entries, none);
		}
	}
	return true;
}

/* An event as store_account_changes knows it: "N AT WHAT", for another file counts from 1 too. "0-0" where there is none. */
#define EVENT_ID "SELECT n || ' ' || at || ' ' || what FROM events "

/* Appends the keys of account events after *since, which becomes the newest event of all. */
static bool read_changes(SqliteStore *store, char **since, GPtrArray *keys, bool *lost, GError **error)
{
	gint64 n = *since != NULL ? g_ascii_strtoll(*since, NULL, 10) : 0;
	g_autofree char *newest = NULL, *anchor = NULL;
	sqlite3_stmt *statement;
	bool row, ok;

	if (!sqlite_one_text(store, EVENT_ID "ORDER BY n DESC LIMIT 1", NULL, &newest, error) ||
	    !sqlite_one_text(store, EVENT_ID "WHERE n = ?", SQL_VALUES(SQL_INT(n)), &anchor, error))
		return false;
	*lost = n > 0 && g_strcmp0(anchor, *since) != 0;
	if (*since != NULL && !*lost) {
		statement = sqlite_start(store, "SELECT detail FROM events WHERE n > ? AND what IN ('account', 'account-removed')"
		    " ORDER BY n LIMIT " G_STRINGIFY(CHANGES_MAX), SQL_VALUES(SQL_INT(n)), error);
		if (statement == NULL)
			return false;
		while ((ok = sqlite_step(store, statement, &row, error)) && row)
			g_ptr_array_add(keys, g_strdup(sqlite_text(statement, 0)));
		sqlite_finish(statement);
		if (!ok)
			return false;
		*lost = keys->len >= CHANGES_MAX;
	}
	g_free(*since);
	*since = newest != NULL ? g_steal_pointer(&newest) : g_strdup("0-0");
	return true;
}

bool sqlite_account_changes(Store *base, char **since, GPtrArray *keys, bool *lost, GError **error)
{
	SqliteStore *store = (SqliteStore *)base;

	return sqlite_file_is_ours(store, error) && sqlite_begin_read(store, error) &&
	    sqlite_end(store, read_changes(store, since, keys, lost, error), error);
}

bool sqlite_account_put(Store *base, const char *key, const char *json, const char *by, GError **error)
{
	SqliteStore *store = (SqliteStore *)base;
	bool ok;

	if (!sqlite_begin_write(store, error))
		return false;
	ok = sqlite_run(store, "INSERT OR REPLACE INTO accounts(key, json) VALUES(?, ?)", SQL_VALUES(SQL_TEXT(key), SQL_TEXT(json)),
	         error) &&
	    sqlite_event(store, "account", NULL, by, key, error);
	return sqlite_end(store, ok, error);
}

bool sqlite_account_remove(Store *base, const char *key, const char *by, bool *found, GError **error)
{
	SqliteStore *store = (SqliteStore *)base;
	bool ok;

	if (!sqlite_begin_write(store, error))
		return false;
	ok = sqlite_run(store, "DELETE FROM accounts WHERE key = ?", SQL_VALUES(SQL_TEXT(key)), error);
	*found = ok && sqlite3_changes(store->db) > 0;
	if (*found)
		ok = sqlite_event(store, "account-removed", NULL, by, key, error);
	return sqlite_end(store, ok, error);
}

bool sqlite_heartbeat(Store *base, const char *json, GError **error)
{
	SqliteStore *store = (SqliteStore *)base;
	bool ok;

	if (!sqlite_begin_write(store, error))
		return false;
	ok = sqlite_run(store, "INSERT OR REPLACE INTO nodes(node, at, json) VALUES(?, ?, ?)",
	    SQL_VALUES(SQL_TEXT(store->base.node), SQL_INT(clock_now()), SQL_TEXT(json)), error);
	/* The heartbeat comes from a thread that has time: it also sweeps. */
	return sqlite_end(store, ok, error) && sqlite_purge(store, error);
}

GPtrArray *sqlite_nodes(Store *base, GError **error)
{
	SqliteStore *store = (SqliteStore *)base;
	g_autoptr(GPtrArray) nodes = g_ptr_array_new_with_free_func((GDestroyNotify)store_node_free);
	sqlite3_stmt *statement = sqlite_start(store, "SELECT node, at, json FROM nodes WHERE at >= ? ORDER BY node",
	    SQL_VALUES(SQL_INT(clock_now() - NODE_GONE)), error);
	bool row, ok;

	if (statement == NULL)
		return NULL;
	while ((ok = sqlite_step(store, statement, &row, error)) && row) {
		StoreNode *node = g_new0(StoreNode, 1);

		node->node = g_strdup(sqlite_text(statement, 0));
		node->at = sqlite3_column_int64(statement, 1);
		node->json = g_strdup(sqlite_text(statement, 2));
		g_ptr_array_add(nodes, node);
	}
	sqlite_finish(statement);
	return ok ? g_steal_pointer(&nodes) : NULL;
}

/* --- jobs in hand --- */

GPtrArray *sqlite_queue_shares(Store *base, GError **error)
{
	SqliteStore *store = (SqliteStore *)base;
	g_autoptr(GPtrArray) shares = g_ptr_array_new_with_free_func((GDestroyNotify)store_share_free);
	sqlite3_stmt *statement = sqlite_start(store, "SELECT taken_by, count(*) FROM jobs WHERE state = 'taken' GROUP BY taken_by",
	    NULL, error);
	bool row, ok;

	if (statement == NULL)
		return NULL;
	while ((ok = sqlite_step(store, statement, &row, error)) && row) {
		StoreShare *share = g_new0(StoreShare, 1);

		share->name = g_strdup(sqlite_text(statement, 0));
		share->jobs = (guint64)sqlite3_column_int64(statement, 1);
		g_ptr_array_add(shares, share);
	}
	sqlite_finish(statement);
	return ok ? g_steal_pointer(&shares) : NULL;
}

/* --- itself --- */

StoreInfo *sqlite_describe(Store *base, GError **error)
{
	SqliteStore *store = (SqliteStore *)base;
	StoreInfo *info;

	if (!sqlite_file_is_ours(store, error))
		return NULL;
	info = g_new0(StoreInfo, 1);
	info->role = g_strdup("local");
	info->where = g_strdup(store->path);
	info->version = g_strdup(sqlite3_libversion());
	info->lag = -1;
	info->persistent = true;
	return info;
}
