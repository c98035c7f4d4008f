/* sqlite-past: the table `past`, where texts of an earlier incident lie. Layer: store, private to sqlite*.c. */
#include "store/sqlite-private.h"

bool sqlite_past_texts(Store *base, const char *id, char *texts[TEXT_FIELDS], bool *found, GError **error)
{
	SqliteStore *store = (SqliteStore *)base;
	sqlite3_stmt *statement = sqlite_start(store, "SELECT field, value FROM past WHERE id = ?", SQL_VALUES(SQL_TEXT(id)), error);
	bool row, ok;

	if (statement == NULL)
		return false;
	while ((ok = sqlite_step(store, statement, &row, error)) && row) {
		TextField field = text_field_find(sqlite_text(statement, 0));

		*found = true;
		if (field < TEXT_FIELDS && texts[field] == NULL && text_field_check(field, sqlite_text(statement, 1), NULL))
			texts[field] = sqlite_copy(statement, 1);
	}
	sqlite_finish(statement);
	return ok;
}
