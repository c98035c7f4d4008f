/* spool: opens the file that spool.h describes, counts what is in it, and removes what is past its time. Layer: store.
 *
 * The file is opened and shared as the SQLite store's is (sqlite.c): the write-ahead log, mode 0660, the owner of the state directory.
 * spool-claim.c records, spool-queue.c is the replier's side, spool-untold.c is what settle.c asks and ends. */
#include "store/spool-private.h"

#include <string.h>

#include "base/clock.h"

#define FILE_NAME "spool.db"
#define PURGE_SLICE 200       /* rows in one transaction: claims wait for none longer than some milliseconds */
/* Named for the index, which begins with it. */
#define ANY_STATE "state IN ('local', 'held', 'asked', 'mirror', 'theirs', 'sent', 'dead')"
#define CLOCK_TOLERANCE 60    /* seconds: a row from ahead of now by more was written before the clock went back */

static const char *const state_names[SPOOL_STATES] = { "local", "held", "asked", "mirror", "sent", "dead" };

const char *spool_state_name(SpoolState state)
{
	return state_names[state];
}

Store *spool_file_open(const Config *config, const char *node, const StoreBackend *methods, GError **error)
{
	g_autofree char *path = g_build_filename(config->state_dir, FILE_NAME, NULL);

	return sqlite_open_file(config, node, path, methods, spool_migrate, error);
}

Spool *spool_open(const Config *config, GError **error)
{
	Store *file = spool_file_open(config, config_node(config), NULL, error);
	Spool *spool;

	if (file == NULL)
		return NULL;
	spool = g_new0(Spool, 1);
	spool->file = (SqliteStore *)file;
	return spool;
}

void spool_free(Spool *spool)
{
	if (spool == NULL)
		return;
	sqlite_close_file(&spool->file->base);
	g_free(spool);
}

bool spool_begin(SqliteStore *file, bool durable, GError **error)
{
	return sqlite_set_durable(file, durable, error) && sqlite_begin_write(file, error);
}

bool spool_write(SqliteStore *file, bool durable, const char *sql, const SqlValue *values, GError **error)
{
	return spool_begin(file, durable, error) && sqlite_end(file, sqlite_run(file, sql, values, error), error);
}

void spool_row_free(SpoolRow *row)
{
	if (row == NULL)
		return;
	g_free(row->token);
	g_free(row->id);
	g_free(row->kind);
	g_free(row->hash);
	g_free(row->payload);
	g_free(row->mac);
	g_free(row->domain);
	g_free(row);
}

static void add_count(SpoolCounts *counts, const char *state, guint64 n)
{
	if (strcmp(state, SPOOL_THEIRS) == 0)
		counts->rows[SPOOL_MIRROR] += n;
	for (int i = 0; i < SPOOL_STATES; i++)
		if (strcmp(state, state_names[i]) == 0)
			counts->rows[i] += n;
}

bool spool_counts(Spool *spool, SpoolCounts *counts, GError **error)
{
	sqlite3_stmt *statement;
	bool row, ok;

	memset(counts, 0, sizeof *counts);
	statement = sqlite_start(spool->file, "SELECT state, count(*), min(at) FROM acks GROUP BY state", NULL, error);
	if (statement == NULL)
		return false;
	while ((ok = sqlite_step(spool->file, statement, &row, error)) && row) {
		const char *state = sqlite_text(statement, 0);
		gint64 oldest = sqlite3_column_int64(statement, 2);

		add_count(counts, state, (guint64)sqlite3_column_int64(statement, 1));
		if ((strcmp(state, "local") == 0 || strcmp(state, "held") == 0 || strcmp(state, "asked") == 0) &&
		    (counts->oldest == 0 || oldest < counts->oldest))
			counts->oldest = oldest;
	}
	sqlite_finish(statement);
	return ok;
}

/* Runs sql, which has a last parameter that bounds what it changes, until it changes less. */
static bool sweep(SqliteStore *file, const char *sql, gint64 before, GError **error)
{
	for (;;) {
		if (!spool_write(file, false, sql, SQL_VALUES(SQL_INT(before), SQL_INT(PURGE_SLICE)), error))
			return false;
		if (sqlite3_changes(file->db) < PURGE_SLICE)
			return true;
	}
}

bool spool_purge(Spool *spool, GError **error)
{
	SqliteStore *file = spool->file;
	const Config *config = file->base.config;
	gint64 now = clock_now(), marks = now - MARK_TTL_SECONDS(config);

	/* After the wall clock has gone back, what is from ahead of it begins its time anew. */
	return sweep(file, "UPDATE acks SET at = ?1 WHERE n IN (SELECT n FROM acks WHERE " ANY_STATE " AND at > ?1 + "
	        G_STRINGIFY(CLOCK_TOLERANCE) " LIMIT ?2)", now, error) &&
	    sweep(file, "DELETE FROM acks WHERE n IN (SELECT n FROM acks WHERE state IN ('mirror', 'theirs') AND at <= ? LIMIT ?)", marks,
	        error) &&
	    sweep(file, "DELETE FROM acks WHERE n IN (SELECT n FROM acks WHERE state = 'sent' AND at <= ? AND life IS NOT NULL LIMIT ?)", marks,
	        error) &&
	    sweep(file, "DELETE FROM acks WHERE n IN (SELECT n FROM acks WHERE state = 'dead' AND at <= ? LIMIT ?)",
	        now - config->retention / 1000, error) &&
	    sweep(file, "UPDATE acks SET payload = '', mac = '' WHERE n IN (SELECT n FROM acks INDEXED BY acks_payload WHERE state = 'mirror'"
	        " AND payload <> '' AND at <= ? LIMIT ?)", now - SPOOL_PAYLOAD_SECONDS, error) &&
	    spool_write(file, false, "DELETE FROM blocked WHERE ends <= ?", SQL_VALUES(SQL_INT(now)), error) &&
	    spool_write(file, false, "DELETE FROM site WHERE minute < ?", SQL_VALUES(SQL_INT(clock_mono_us() / SPOOL_MINUTE_US)), error);
}

static bool run_counted(SqliteStore *file, const char *sql, const SqlValue *values, guint *rows, GError **error)
{
	if (!sqlite_run(file, sql, values, error))
		return false;
	*rows += (guint)sqlite3_changes(file->db);
	return true;
}

bool spool_forget(Spool *spool, const char *hash, gint64 until, guint *rows, GError **error)
{
	SqliteStore *file = spool->file;
	const SqlValue values[] = { SQL_TEXT(hash), SQL_INT(until), { .kind = SQL_KIND_END } };
	gint64 ignored;

	*rows = 0;
	/* What is deleted is overwritten, and does not stay in the log. */
	return sqlite_number(file, "PRAGMA secure_delete = ON", NULL, 0, &ignored, error) && spool_begin(file, true, error) &&
	    sqlite_end(file,
	        run_counted(file, "DELETE FROM acks WHERE hash = ? AND at <= ? AND state IN ('local', 'held', 'asked', 'dead')", values, rows,
	            error) &&
	            run_counted(file, "UPDATE acks SET payload = '', mac = '' WHERE hash = ? AND at <= ? AND payload <> ''", values, rows, error) &&
	            run_counted(file, "DELETE FROM blocked WHERE hash = ?", SQL_VALUES(SQL_TEXT(hash)), rows, error),
	        error) &&
	    sqlite_number(file, "PRAGMA wal_checkpoint(TRUNCATE)", NULL, 0, &ignored, error);
}
