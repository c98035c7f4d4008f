/* sqlite-feed: updates and texts of one incident, read back from SQLite. Layer: store, private to sqlite*.c. */
#include <string.h>

#include "store/sqlite-private.h"

GPtrArray *sqlite_feed(Store *base, const char *name, guint count, GError **error)
{
	SqliteStore *store = (SqliteStore *)base;
	g_autoptr(GPtrArray) updates = g_ptr_array_new_with_free_func((GDestroyNotify)feed_entry_free);
	sqlite3_stmt *statement = sqlite_start(store, "SELECT at, text, author FROM updates WHERE name = ? ORDER BY n DESC LIMIT ?",
	    SQL_VALUES(SQL_TEXT(name), SQL_INT(count)), error);
	bool row, ok;

	if (statement == NULL)
		return NULL;
	while ((ok = sqlite_step(store, statement, &row, error)) && row) {
		FeedEntry *update = g_new0(FeedEntry, 1);

		update->at = sqlite3_column_int64(statement, 0);
		update->text = g_strdup(sqlite_text(statement, 1));
		update->author = g_strdup(sqlite_text(statement, 2));
		g_ptr_array_add(updates, update);
	}
	sqlite_finish(statement);
	return ok ? g_steal_pointer(&updates) : NULL;
}

static void take(sqlite3_stmt *row, char *texts[TEXT_FIELDS], char **id)
{
	const char *name = sqlite_text(row, 0);
	TextField field = text_field_find(name);
	char **to = strcmp(name, "id") == 0 ? id : field < TEXT_FIELDS ? &texts[field] : NULL;

	if (to == NULL)
		return;
	g_free(*to);
	*to = sqlite_copy(row, 1);
}

bool sqlite_texts(Store *base, const char *name, char *texts[TEXT_FIELDS], char **id, GError **error)
{
	SqliteStore *store = (SqliteStore *)base;
	sqlite3_stmt *statement = sqlite_start(store, "SELECT field, value FROM texts WHERE name = ?", SQL_VALUES(SQL_TEXT(name)), error);
	bool row, ok;

	if (statement == NULL)
		return false;
	while ((ok = sqlite_step(store, statement, &row, error)) && row)
		take(statement, texts, id);
	sqlite_finish(statement);
	return ok;
}
