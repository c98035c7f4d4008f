/* spool-untold: what the store has to be told of, taken, settled and given back. Layer: store, private to spool*.c and settle*.c. */
#include "base/clock.h"
#include "store/spool-private.h"

#define COLUMNS "token, id, kind, hash, payload, mac, domain, domain_capped, state, at, asks"

static SpoolState state_of(const char *name)
{
	for (int i = 0; i < SPOOL_STATES; i++)
		if (g_strcmp0(name, spool_state_name(i)) == 0)
			return (SpoolState)i;
	return SPOOL_MIRROR; /* "theirs" */
}

static SpoolRow *read_row(sqlite3_stmt *statement)
{
	SpoolRow *row = g_new0(SpoolRow, 1);

	row->token = sqlite_copy(statement, 0);
	row->id = sqlite_copy(statement, 1);
	row->kind = sqlite_copy(statement, 2);
	row->hash = sqlite_copy(statement, 3);
	row->payload = sqlite_copy(statement, 4);
	row->mac = sqlite_copy(statement, 5);
	row->domain = sqlite_copy(statement, 6);
	row->domain_capped = sqlite3_column_int64(statement, 7) != 0;
	row->state = state_of(sqlite_text(statement, 8));
	row->at = sqlite3_column_int64(statement, 9);
	row->asks = (guint)sqlite3_column_int64(statement, 10);
	return row;
}

/* Appends what sql selects to rows. */
static bool read_rows(SqliteStore *file, const char *sql, const SqlValue *values, GPtrArray *rows, GError **error)
{
	sqlite3_stmt *statement = sqlite_start(file, sql, values, error);
	bool row, ok;

	if (statement == NULL)
		return false;
	while ((ok = sqlite_step(file, statement, &row, error)) && row)
		g_ptr_array_add(rows, read_row(statement));
	sqlite_finish(statement);
	return ok;
}

/* Letters that left come first: until the store knows of them, another node may answer. */
static bool find_unsettled(SqliteStore *file, bool letters_only, guint count, gint64 idle_ms, GPtrArray *rows, GError **error)
{
	static const SpoolState order[] = { SPOOL_SENT, SPOOL_ASKED, SPOOL_LOCAL, SPOOL_HELD };
	gint64 now = clock_mono_us();
	bool ok = true;

	for (gsize i = 0; ok && rows->len < count && i < (letters_only ? 1 : G_N_ELEMENTS(order)); i++)
		ok = read_rows(file, "SELECT " COLUMNS " FROM acks WHERE state = ? AND life IS NULL AND ask_us <= ? AND"
		    " (taken_us IS NULL OR taken_us <= ?) ORDER BY n LIMIT ?",
		    SQL_VALUES(SQL_TEXT(spool_state_name(order[i])), SQL_INT(now), SQL_INT(now - idle_ms * 1000), SQL_INT(count - rows->len)),
		    rows, error);
	return ok;
}

/* What was asked for by somebody who did not live to hear the answer (asked, and taken over) is never given back as local. */
static bool take_rows(SqliteStore *file, GPtrArray *rows, GError **error)
{
	bool ok = true;

	for (guint i = 0; ok && i < rows->len; i++) {
		SpoolRow *row = g_ptr_array_index(rows, i);

		row->asks++;
		ok = sqlite_run(file, "UPDATE acks SET was = CASE WHEN state IN ('local', 'held') THEN state ELSE '' END,"
		    " state = CASE WHEN state IN ('local', 'held') THEN 'asked' ELSE state END, asks = asks + 1, set_us = ?2, taken_us = ?2,"
		    " taken_by = ?3 WHERE token = ?1",
		    SQL_VALUES(SQL_TEXT(row->token), SQL_INT(clock_mono_us()), SQL_TEXT(file->base.node)), error);
	}
	return ok;
}

bool spool_has_unsettled(Spool *spool, bool letters_only, gint64 idle_ms, bool *any, GError **error)
{
	g_autoptr(GPtrArray) rows = g_ptr_array_new_with_free_func((GDestroyNotify)spool_row_free);

	if (!sqlite_file_is_ours(spool->file, error) || !find_unsettled(spool->file, letters_only, 1, idle_ms, rows, error))
		return false;
	*any = rows->len > 0;
	return true;
}

GPtrArray *spool_take_some(Spool *spool, bool letters_only, guint count, gint64 idle_ms, GError **error)
{
	SqliteStore *file = spool->file;
	g_autoptr(GPtrArray) rows = g_ptr_array_new_with_free_func((GDestroyNotify)spool_row_free);
	bool any = false, ok;

	/* Looking first keeps an idle node from taking the lock for nothing. */
	if (!spool_has_unsettled(spool, letters_only, idle_ms, &any, error))
		return NULL;
	if (!any)
		return g_steal_pointer(&rows);
	if (!spool_begin(file, true, error))
		return NULL;
	ok = find_unsettled(file, letters_only, count, idle_ms, rows, error) && take_rows(file, rows, error);
	return sqlite_end(file, ok, error) ? g_steal_pointer(&rows) : NULL;
}

GPtrArray *spool_take_unsettled(Spool *spool, guint count, gint64 idle_ms, GError **error)
{
	return spool_take_some(spool, false, count, idle_ms, error);
}

bool spool_release(Spool *spool, GError **error)
{
	return spool_write(spool->file, false, "UPDATE acks SET was = '', taken_us = NULL, taken_by = NULL WHERE state IN ('asked', 'sent') AND"
	    " life IS NULL AND taken_us IS NOT NULL", NULL, error);
}

SpoolRow *spool_next_unsettled(Spool *spool, gint64 idle_ms, GError **error)
{
	g_autoptr(GPtrArray) rows = spool_take_unsettled(spool, 1, idle_ms, error);

	return rows != NULL && rows->len > 0 ? g_ptr_array_steal_index(rows, 0) : NULL;
}

GPtrArray *spool_untold(Spool *spool, SpoolState state, const char *life, guint count, GError **error)
{
	/* One range of the index each: what is told is not gone through again with every slice. */
	static const char *const ranges[] = {
		"SELECT " COLUMNS " FROM acks WHERE state = ?1 AND life IS NULL ORDER BY n LIMIT ?3",
		"SELECT " COLUMNS " FROM acks WHERE state = ?1 AND life < ?2 LIMIT ?3",
		"SELECT " COLUMNS " FROM acks WHERE state = ?1 AND life > ?2 LIMIT ?3",
	};
	g_autoptr(GPtrArray) rows = g_ptr_array_new_with_free_func((GDestroyNotify)spool_row_free);
	bool ok = true;

	for (gsize i = 0; ok && rows->len < count && i < G_N_ELEMENTS(ranges); i++)
		ok = read_rows(spool->file, ranges[i], SQL_VALUES(SQL_TEXT(spool_state_name(state)), SQL_TEXT(life), SQL_INT(count - rows->len)),
		    rows, error);
	return ok ? g_steal_pointer(&rows) : NULL;
}

/* Within the caller's transaction. */
static bool put_settled(SqliteStore *file, const char *token, SpoolState as, const char *life, GError **error)
{
	return sqlite_run(file, "UPDATE acks SET state = ?2, was = '', set_us = ?3, taken_us = NULL, taken_by = NULL,"
	    " life = CASE WHEN ?2 = 'asked' THEN NULL ELSE ?4 END, payload = CASE WHEN ?2 = 'sent' THEN '' ELSE payload END,"
	    " mac = CASE WHEN ?2 = 'sent' THEN '' ELSE mac END WHERE token = ?1 AND state <> '" SPOOL_THEIRS "' AND"
	    " (state <> 'sent' OR ?2 = 'sent')",
	    SQL_VALUES(SQL_TEXT(token), SQL_TEXT(spool_state_name(as)), SQL_INT(clock_mono_us()), SQL_TEXT(life != NULL ? life : "")), error);
}

bool spool_settled(Spool *spool, const char *token, SpoolState as, const char *life, GError **error)
{
	/* ASKED is what keeps a letter from leaving twice: it survives a power cut, as the taking did. */
	return spool_begin(spool->file, as == SPOOL_ASKED, error) &&
	    sqlite_end(spool->file, put_settled(spool->file, token, as, life, error), error);
}

bool spool_settled_some(Spool *spool, const GPtrArray *rows, guint count, SpoolState as, const char *life, GError **error)
{
	bool ok = true;

	if (count == 0)
		return true;
	if (!spool_begin(spool->file, as == SPOOL_ASKED, error))
		return false;
	for (guint i = 0; ok && i < count; i++) {
		const SpoolRow *row = g_ptr_array_index(rows, i);

		ok = put_settled(spool->file, row->token, as, life, error);
	}
	return sqlite_end(spool->file, ok, error);
}

bool spool_is_empty(Spool *spool, bool *empty, GError **error)
{
	gint64 any = 0;

	if (!sqlite_number(spool->file, "SELECT 1 FROM acks LIMIT 1", NULL, 0, &any, error))
		return false;
	*empty = any == 0;
	return true;
}

bool spool_give_back(Spool *spool, const char *token, gint64 delay_seconds, GError **error)
{
	gint64 now = clock_mono_us();

	return spool_write(spool->file, false, "UPDATE acks SET state = CASE WHEN was <> '' THEN was ELSE state END, was = '', set_us = ?2,"
	    " ask_us = ?3, taken_us = NULL, taken_by = NULL WHERE token = ?1",
	    SQL_VALUES(SQL_TEXT(token), SQL_INT(now), SQL_INT(now + delay_seconds * G_USEC_PER_SEC)), error);
}

bool spool_lost(Spool *spool, const char *token, GError **error)
{
	return spool_write(spool->file, false, "UPDATE acks SET state = '" SPOOL_THEIRS "', was = '', payload = '', mac = '', taken_us = NULL,"
	    " taken_by = NULL WHERE token = ? AND state <> 'sent'", SQL_VALUES(SQL_TEXT(token)), error);
}

bool spool_twice(Spool *spool, const char *token, GError **error)
{
	return spool_write(spool->file, false, "UPDATE acks SET state = '" SPOOL_THEIRS "', taken_us = NULL, taken_by = NULL WHERE token = ?",
	    SQL_VALUES(SQL_TEXT(token)), error);
}

bool spool_drop(Spool *spool, const char *token, GError **error)
{
	return spool_write(spool->file, false, "DELETE FROM acks WHERE token = ? AND state <> 'sent'", SQL_VALUES(SQL_TEXT(token)), error);
}

static void block_free(gpointer data)
{
	SpoolBlock *block = data;

	g_free(block->hash);
	g_free(block->why);
	g_free(block->by);
	g_free(block);
}

GPtrArray *spool_untold_blocks(Spool *spool, GError **error)
{
	g_autoptr(GPtrArray) blocks = g_ptr_array_new_with_free_func(block_free);
	sqlite3_stmt *statement = sqlite_start(spool->file, "SELECT hash, why, by, ends FROM blocked WHERE told = 0", NULL, error);
	bool row, ok;

	if (statement == NULL)
		return NULL;
	while ((ok = sqlite_step(spool->file, statement, &row, error)) && row) {
		SpoolBlock *block = g_new0(SpoolBlock, 1);

		block->hash = sqlite_copy(statement, 0);
		block->why = sqlite_copy(statement, 1);
		block->by = sqlite_copy(statement, 2);
		block->ends = sqlite3_column_int64(statement, 3);
		g_ptr_array_add(blocks, block);
	}
	sqlite_finish(statement);
	return ok ? g_steal_pointer(&blocks) : NULL;
}

bool spool_block_told(Spool *spool, const char *hash, GError **error)
{
	return spool_write(spool->file, false, "UPDATE blocked SET told = 1 WHERE hash = ?", SQL_VALUES(SQL_TEXT(hash)), error);
}

bool spool_life(Spool *spool, char **life, GError **error)
{
	return sqlite_one_text(spool->file, "SELECT value FROM meta WHERE name = 'life'", NULL, life, error);
}

bool spool_set_life(Spool *spool, const char *life, GError **error)
{
	return spool_write(spool->file, false, "INSERT OR REPLACE INTO meta(name, value) VALUES('life', ?)", SQL_VALUES(SQL_TEXT(life)), error);
}
