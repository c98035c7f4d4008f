/* sqlite-db: statements, transactions and errors on one SQLite connection. Layer: store, private to sqlite*.c.
 *
 * Errors are OUTAGE_ERROR_UNAVAILABLE: whatever fails inside a transaction is rolled back, so nothing was done. */
#include <sys/stat.h>

#include "base/clock.h"
#include "base/error.h"
#include "store/sqlite-private.h"

void sqlite_fail(SqliteStore *store, const char *what, GError **error)
{
	int code = sqlite3_errcode(store->db);
	const char *why = sqlite3_errmsg(store->db);

	switch (code & 0xff) {
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
		why = "another process held it for longer than store.timeout";
		break;
	case SQLITE_FULL:
		why = "the disk is full";
		break;
	case SQLITE_READONLY:
		why = "the file, its -wal or -shm, or its folder cannot be written by this user";
		break;
	case SQLITE_CORRUPT:
	case SQLITE_NOTADB:
		why = "the file is damaged or no SQLite database";
		break;
	default:
		break;
	}
	g_set_error(error, OUTAGE_ERROR, OUTAGE_ERROR_UNAVAILABLE, "store %s: %s: %s (SQLite code %d)", store->path, what, why,
	    sqlite3_extended_errcode(store->db));
}

static sqlite3_stmt *prepared(SqliteStore *store, const char *sql, GError **error)
{
	sqlite3_stmt *statement = g_hash_table_lookup(store->statements, sql);

	if (statement != NULL)
		return statement;
	if (sqlite3_prepare_v3(store->db, sql, -1, SQLITE_PREPARE_PERSISTENT, &statement, NULL) != SQLITE_OK) {
		sqlite_fail(store, "preparing a statement", error);
		return NULL;
	}
	g_hash_table_insert(store->statements, (gpointer)sql, statement);
	return statement;
}

sqlite3_stmt *sqlite_start(SqliteStore *store, const char *sql, const SqlValue *values, GError **error)
{
	sqlite3_stmt *statement;
	int rc = SQLITE_OK;

	/* The deadline covers a whole transaction: only what stands outside one, BEGIN among it, starts it anew. Preparing reads the
	 * schema and may have to wait too. */
	if (sqlite3_get_autocommit(store->db))
		store->busy_until = clock_mono_us() + store->wait_ms * 1000;
	statement = prepared(store, sql, error);
	if (statement == NULL)
		return NULL;
	for (int i = 0; values != NULL && values[i].kind != SQL_KIND_END && rc == SQLITE_OK; i++)
		rc = values[i].kind == SQL_KIND_INT ? sqlite3_bind_int64(statement, i + 1, values[i].number) :
		    sqlite3_bind_text(statement, i + 1, values[i].text, -1, SQLITE_STATIC);
	if (rc != SQLITE_OK) {
		sqlite_fail(store, "binding a value", error);
		sqlite_finish(statement);
		return NULL;
	}
	return statement;
}

bool sqlite_step(SqliteStore *store, sqlite3_stmt *statement, bool *row, GError **error)
{
	int rc = sqlite3_step(statement);

	*row = rc == SQLITE_ROW;
	if (rc == SQLITE_ROW || rc == SQLITE_DONE)
		return true;
	sqlite_fail(store, sqlite3_stmt_readonly(statement) ? "reading" : "writing", error);
	return false;
}

void sqlite_finish(sqlite3_stmt *statement)
{
	sqlite3_reset(statement);
	sqlite3_clear_bindings(statement);
}

const char *sqlite_text(sqlite3_stmt *statement, int column)
{
	const char *text = (const char *)sqlite3_column_text(statement, column);

	return text != NULL ? text : "";
}

char *sqlite_copy(sqlite3_stmt *statement, int column)
{
	return g_strdup((const char *)sqlite3_column_text(statement, column));
}

bool sqlite_run(SqliteStore *store, const char *sql, const SqlValue *values, GError **error)
{
	sqlite3_stmt *statement = sqlite_start(store, sql, values, error);
	bool row = true, ok = statement != NULL;

	while (ok && row)
		ok = sqlite_step(store, statement, &row, error);
	if (statement != NULL)
		sqlite_finish(statement);
	return ok;
}

bool sqlite_one_row(SqliteStore *store, const char *sql, const SqlValue *values, SqlTake take, gpointer into, GError **error)
{
	sqlite3_stmt *statement = sqlite_start(store, sql, values, error);
	bool row, ok;

	if (statement == NULL)
		return false;
	ok = sqlite_step(store, statement, &row, error);
	if (ok && row)
		take(statement, into);
	sqlite_finish(statement);
	return ok;
}

static void take_number(sqlite3_stmt *row, gpointer into)
{
	gint64 *number = into;

	*number = sqlite3_column_int64(row, 0);
}

bool sqlite_number(SqliteStore *store, const char *sql, const SqlValue *values, gint64 fallback, gint64 *number,
    GError **error)
{
	gint64 found = fallback;

	if (!sqlite_one_row(store, sql, values, take_number, &found, error))
		return false;
	*number = found;
	return true;
}

static void take_text(sqlite3_stmt *row, gpointer into)
{
	char **text = into;

	*text = sqlite_copy(row, 0);
}

bool sqlite_one_text(SqliteStore *store, const char *sql, const SqlValue *values, char **text, GError **error)
{
	*text = NULL;
	return sqlite_one_row(store, sql, values, take_text, text, error);
}

bool sqlite_file_is_ours(SqliteStore *store, GError **error)
{
	struct stat now;

	if (stat(store->path, &now) == 0 && now.st_dev == store->device && now.st_ino == store->inode)
		return true;
	g_set_error(error, OUTAGE_ERROR, OUTAGE_ERROR_UNAVAILABLE, "store %s: the file was replaced or removed; it is opened again",
	    store->path);
	return false;
}

bool sqlite_begin_write(SqliteStore *store, GError **error)
{
	/* What is written into a file that has no name any more would be lost without a word. */
	return sqlite_file_is_ours(store, error) && sqlite_run(store, "BEGIN IMMEDIATE", NULL, error);
}

bool sqlite_begin_read(SqliteStore *store, GError **error)
{
	return sqlite_run(store, "BEGIN", NULL, error);
}

bool sqlite_set_durable(SqliteStore *store, bool durable, GError **error)
{
	/* Never a kept statement: this pragma acts while it is prepared, and only then. */
	if (sqlite3_exec(store->db, durable ? "PRAGMA synchronous = FULL" : "PRAGMA synchronous = NORMAL", NULL, NULL, NULL) == SQLITE_OK)
		return true;
	sqlite_fail(store, "setting how writes are kept", error);
	return false;
}

bool sqlite_end(SqliteStore *store, bool ok, GError **error)
{
	if (ok && sqlite_run(store, "COMMIT", NULL, error))
		return true;
	/* A full disk may have ended the transaction already; asking avoids a second error over the first. */
	if (!sqlite3_get_autocommit(store->db))
		sqlite_run(store, "ROLLBACK", NULL, NULL);
	return false;
}

int sqlite_changed(SqliteStore *store, GError **error)
{
	gint64 version;

	if (!sqlite_number(store, "PRAGMA data_version", NULL, 0, &version, error))
		return -1;
	if (version == store->data_version)
		return 0;
	store->data_version = version;
	return 1;
}

bool sqlite_add_count(SqliteStore *store, const char *id, const char *counter, gint64 n, GError **error)
{
	return sqlite_run(store,
	    "INSERT INTO stats(id, counter, n) VALUES(?, ?, ?) ON CONFLICT(id, counter) DO UPDATE SET n = n + excluded.n",
	    SQL_VALUES(SQL_TEXT(id), SQL_TEXT(counter), SQL_INT(n)), error);
}

bool sqlite_event(SqliteStore *store, const char *what, const char *name, const char *by, const char *detail, GError **error)
{
	return sqlite_run(store, "INSERT INTO events(at, what, name, by, detail) VALUES(?, ?, ?, ?, ?)",
	    SQL_VALUES(SQL_INT(clock_now()), SQL_TEXT(what), SQL_TEXT(name), SQL_TEXT(by != NULL ? by : store->base.node),
	    SQL_TEXT(detail)), error);
}
