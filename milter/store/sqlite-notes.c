/* sqlite-notes: notes on mails, notices and who wants none of them, as rows. Layer: store, private to sqlite*.c.
 *
 * A row past its time is as good as none, although the sweep (sqlite-schema.c) has not come by yet. Leases are counted on the clock that
 * never jumps, which all processes that share the file share: one from the future is of an earlier boot. */
#include <string.h>

#include "base/clock.h"
#include "store/sqlite-private.h"

#define SLICE 500
#define SLICE_BYTES (1024 * 1024)
#define NOTICES_MAX 256

/* --- notes --- */

static const char *const list_names[] = { [NOTES_RECENT] = "recent", [NOTES_CONTACTS] = "contacts", [NOTES_WAITING] = "waiting" };

/* What came then or before is past its time. */
static gint64 past_of(const SqliteStore *store, NoteList list)
{
	gint64 keep = note_keep(store->base.config, list);

	return keep > 0 ? clock_now() - keep : G_MININT64;
}

/* Which rows: those of a list that can be a node's. The last key is the cursor of a slice, so it has to be what it reads as. */
#define ROWS_OF(condition) "FROM notes WHERE list = ?1 AND id = ?2 AND at > ?3 AND " condition \
	" AND typeof(key) = 'text' AND instr(key, char(0)) = 0 AND length(key) <= 64 AND length(apart) <= 64 AND length(mac) <= 256" \
	" AND length(CAST(payload AS BLOB)) <= " G_STRINGIFY(NOTE_PAYLOAD_MAX)
#define COLUMNS "SELECT key, at, pages, paged_at, apart, mac, payload "

static StoredNote *read_note(sqlite3_stmt *row)
{
	StoredNote *note = g_new0(StoredNote, 1);

	note->key = g_strdup(sqlite_text(row, 0));
	note->at = sqlite3_column_int64(row, 1);
	note->pages = (guint)CLAMP(sqlite3_column_int64(row, 2), 0, G_MAXINT);
	note->paged_at = sqlite3_column_int64(row, 3);
	note->apart = g_strdup(sqlite_text(row, 4));
	note->mac = g_strdup(sqlite_text(row, 5));
	note->payload = g_strdup(sqlite_text(row, 6));
	return note;
}

static void take_note(sqlite3_stmt *row, gpointer into)
{
	StoredNote **note = into;

	*note = read_note(row);
}

/* *note is NULL where there is none; caller frees. */
static bool find_note(SqliteStore *store, NoteList list, const char *id, const char *key, StoredNote **note, GError **error)
{
	*note = NULL;
	return sqlite_one_row(store, COLUMNS ROWS_OF("key = ?4"),
	    SQL_VALUES(SQL_TEXT(list_names[list]), SQL_TEXT(id), SQL_INT(past_of(store, list)), SQL_TEXT(key)), take_note, note, error);
}

/* Whether one more has room. Of those who wrote lately the oldest go; where people wait, none does. */
static bool make_room(SqliteStore *store, NoteList list, bool *room, GError **error)
{
	const char *name = list_names[list];
	gint64 n = 0;

	*room = true;
	if (list == NOTES_CONTACTS)
		return true;
	if (!sqlite_run(store, "DELETE FROM notes WHERE n IN (SELECT n FROM notes WHERE list = ?1 AND at <= ?2 ORDER BY at LIMIT 100)",
	        SQL_VALUES(SQL_TEXT(name), SQL_INT(past_of(store, list))), error) ||
	    !sqlite_number(store, "SELECT n FROM note_counts WHERE list = ?", SQL_VALUES(SQL_TEXT(name)), 0, &n, error))
		return false;
	if (n < NOTES_MAX)
		return true;
	*room = list != NOTES_WAITING;
	return !*room || sqlite_run(store, "DELETE FROM notes WHERE n IN (SELECT n FROM notes WHERE list = ?1 ORDER BY at LIMIT ?2)",
	    SQL_VALUES(SQL_TEXT(name), SQL_INT(MIN(n - NOTES_MAX + 1, 100))), error);
}

/* Inside a transaction. */
static bool put_note(SqliteStore *store, NoteList list, const char *id, const StoredNote *note, bool *fresh, GError **error)
{
	/* A node's clock may be ahead: none is younger than now. */
	gint64 at = MIN(note->at, clock_now());
	g_autoptr(StoredNote) old = NULL;
	g_autofree char *apart = NULL;
	const StoredNote *newest = note;
	bool room = true;

	if (!find_note(store, list, id, note->key, &old, error))
		return false;
	*fresh = old == NULL;
	if (old != NULL && list != NOTES_CONTACTS)
		return true;
	apart = notes_join_apart(old != NULL ? old->apart : "", note->apart);
	if (old != NULL && old->at > at) {
		newest = old;
		at = old->at;
	}
	if (old == NULL && !make_room(store, list, &room, error))
		return false;
	if (!room)
		return notes_are_full(error);
	/* What stands there may also be past its time, or not written by a node. */
	return sqlite_run(store, "INSERT INTO notes(list, id, key, at, apart, mac, payload) VALUES(?, ?, ?, ?, ?, ?, ?)"
	    " ON CONFLICT(list, id, key) DO UPDATE SET at = excluded.at, pages = 0, paged_at = 0, apart = excluded.apart,"
	    " mac = excluded.mac, payload = excluded.payload",
	    SQL_VALUES(SQL_TEXT(list_names[list]), SQL_TEXT(id), SQL_TEXT(note->key), SQL_INT(at), SQL_TEXT(apart),
	    SQL_TEXT(newest->mac), SQL_TEXT(newest->payload)), error);
}

bool sqlite_note_add(Store *base, NoteList list, const char *id, const StoredNote *note, bool *fresh, GError **error)
{
	SqliteStore *store = (SqliteStore *)base;
	/* A mail that could matter is not worth a sync of the disk each: one that is lost with the power is in the mailbox all the same. */
	bool durable = list == NOTES_WAITING, ok;

	if (!durable && !sqlite_set_durable(store, false, error))
		return false;
	ok = sqlite_begin_write(store, error) &&
	    sqlite_end(store, put_note(store, list, id != NULL ? id : "", note, fresh, error), error);
	return (durable || sqlite_set_durable(store, true, ok ? error : NULL)) && ok;
}

bool sqlite_notes_slice(Store *base, NoteList list, const char *id, char **cursor, GPtrArray *notes, GError **error)
{
	SqliteStore *store = (SqliteStore *)base;
	sqlite3_stmt *statement = sqlite_start(store, COLUMNS ROWS_OF("key > ?4") " ORDER BY key LIMIT " G_STRINGIFY(SLICE),
	    SQL_VALUES(SQL_TEXT(list_names[list]), SQL_TEXT(id != NULL ? id : ""), SQL_INT(past_of(store, list)),
	    SQL_TEXT(*cursor != NULL ? *cursor : "")), error);
	guint count = 0;
	gsize bytes = 0;
	bool row = true, ok = true;

	if (statement == NULL)
		return false;
	while (bytes < SLICE_BYTES && (ok = sqlite_step(store, statement, &row, error)) && row) {
		StoredNote *note = read_note(statement);

		bytes += strlen(note->payload);
		count++;
		g_ptr_array_add(notes, note);
	}
	sqlite_finish(statement);
	if (!ok)
		return false;
	g_free(*cursor);
	*cursor = row || count == SLICE ? g_strdup(((StoredNote *)notes->pdata[notes->len - 1])->key) : NULL;
	return true;
}

static bool drop_notes(SqliteStore *store, NoteList list, const GPtrArray *keys, GError **error)
{
	for (guint i = 0; i < keys->len; i++)
		if (!sqlite_run(store, "DELETE FROM notes WHERE list = ? AND id = '' AND key = ?",
		        SQL_VALUES(SQL_TEXT(list_names[list]), SQL_TEXT(keys->pdata[i])), error))
			return false;
	return true;
}

bool sqlite_notes_drop(Store *base, NoteList list, const GPtrArray *keys, GError **error)
{
	SqliteStore *store = (SqliteStore *)base;

	return sqlite_begin_write(store, error) && sqlite_end(store, drop_notes(store, list, keys, error), error);
}

/* --- who waits --- */

static bool end_waiting(SqliteStore *store, const GPtrArray *keys, GPtrArray *ended, GError **error)
{
	for (guint i = 0; i < keys->len; i++) {
		StoredNote *note;

		if (!find_note(store, NOTES_WAITING, "", keys->pdata[i], &note, error))
			return false;
		if (note == NULL)
			continue;
		g_ptr_array_add(ended, note);
		if (!sqlite_run(store, "DELETE FROM notes WHERE list = 'waiting' AND id = '' AND key = ?", SQL_VALUES(SQL_TEXT(note->key)),
		        error))
			return false;
	}
	return true;
}

bool sqlite_waiting_end(Store *base, const GPtrArray *keys, GPtrArray *ended, GError **error)
{
	SqliteStore *store = (SqliteStore *)base;
	g_autoptr(GPtrArray) out = g_ptr_array_new_with_free_func((GDestroyNotify)stored_note_free);

	if (!sqlite_begin_write(store, error) || !sqlite_end(store, end_waiting(store, keys, out, error), error))
		return false;
	while (ended != NULL && out->len > 0)
		g_ptr_array_add(ended, g_ptr_array_steal_index(out, 0));
	return true;
}

bool sqlite_waiting_page(Store *base, const char *key, guint pages, gint64 now, bool *mine, GError **error)
{
	SqliteStore *store = (SqliteStore *)base;
	int changed = 0;
	bool ok;

	if (!sqlite_begin_write(store, error))
		return false;
	ok = sqlite_run(store, "UPDATE notes SET pages = pages + 1, paged_at = ?1 WHERE list = 'waiting' AND id = '' AND key = ?2"
	    " AND pages = ?3 AND at > ?4", SQL_VALUES(SQL_INT(MAX(now, 0)), SQL_TEXT(key), SQL_INT(pages),
	    SQL_INT(past_of(store, NOTES_WAITING))), error);
	if (ok)
		changed = sqlite3_changes(store->db);
	if (!sqlite_end(store, ok, error))
		return false;
	*mine = changed > 0;
	return true;
}

/* --- who wants no notices --- */

bool sqlite_optout_add(Store *base, const char *id, const char *tag, GError **error)
{
	SqliteStore *store = (SqliteStore *)base;

	return sqlite_begin_write(store, error) && sqlite_end(store, sqlite_run(store,
	    "INSERT OR REPLACE INTO optout(id, tag, expires) VALUES(?, ?, ?)",
	    SQL_VALUES(SQL_TEXT(id), SQL_TEXT(tag), SQL_INT(clock_now() + MARK_TTL_SECONDS(base->config))), error), error);
}

bool sqlite_optout_has(Store *base, const char *id, const char *tag, bool *has, GError **error)
{
	gint64 found = 0;

	if (!sqlite_number((SqliteStore *)base, "SELECT 1 FROM optout WHERE id = ? AND tag = ?", SQL_VALUES(SQL_TEXT(id), SQL_TEXT(tag)), 0,
	        &found, error))
		return false;
	*has = found != 0;
	return true;
}

/* --- notices --- */

static bool add_notice(SqliteStore *store, const char *id, const StoredNotice *notice, const char *by, GError **error)
{
	gint64 there = 0, n = 0;

	if (!sqlite_number(store, "SELECT 1 FROM notices WHERE id = ? AND name = ?", SQL_VALUES(SQL_TEXT(id), SQL_TEXT(notice->name)), 0,
	        &there, error) ||
	    !sqlite_number(store, "SELECT count(*) FROM notices WHERE id = ?", SQL_VALUES(SQL_TEXT(id)), 0, &n, error))
		return false;
	if (there != 0 || n >= NOTICES_MAX)
		return notice_is_refused(notice->name, there != 0, error);
	return sqlite_run(store, "INSERT INTO notices(id, name, at, mac, payload) VALUES(?, ?, ?, ?, ?)",
	           SQL_VALUES(SQL_TEXT(id), SQL_TEXT(notice->name), SQL_INT(clock_now()), SQL_TEXT(notice->mac),
	           SQL_TEXT(notice->payload)), error) &&
	    sqlite_event(store, "notice", notice_incident(id), by, notice->name, error);
}

bool sqlite_notice_add(Store *base, const char *id, const StoredNotice *notice, const char *by, GError **error)
{
	SqliteStore *store = (SqliteStore *)base;

	return sqlite_begin_write(store, error) && sqlite_end(store, add_notice(store, id, notice, by, error), error);
}

GPtrArray *sqlite_notices(Store *base, const char *id, GError **error)
{
	SqliteStore *store = (SqliteStore *)base;
	g_autoptr(GPtrArray) notices = g_ptr_array_new_with_free_func((GDestroyNotify)stored_notice_free);
	sqlite3_stmt *statement = sqlite_start(store, "SELECT name, mac, payload, done, told, left_out FROM notices WHERE id = ?"
	    " AND length(CAST(payload AS BLOB)) <= " G_STRINGIFY(NOTE_PAYLOAD_MAX) " ORDER BY name LIMIT " G_STRINGIFY(NOTICES_MAX),
	    SQL_VALUES(SQL_TEXT(id)), error);
	bool row, ok;

	if (statement == NULL)
		return NULL;
	while ((ok = sqlite_step(store, statement, &row, error)) && row) {
		StoredNotice *notice = g_new0(StoredNotice, 1);

		notice->name = g_strdup(sqlite_text(statement, 0));
		notice->mac = g_strdup(sqlite_text(statement, 1));
		notice->payload = g_strdup(sqlite_text(statement, 2));
		notice->done = sqlite3_column_int64(statement, 3) != 0;
		notice->told = (guint64)MAX(sqlite3_column_int64(statement, 4), 0);
		notice->left_out = (guint64)MAX(sqlite3_column_int64(statement, 5), 0);
		g_ptr_array_add(notices, notice);
	}
	sqlite_finish(statement);
	return ok ? g_steal_pointer(&notices) : NULL;
}

bool sqlite_notice_lease(Store *base, const char *id, const char *name, gint64 seconds, bool *mine, GError **error)
{
	SqliteStore *store = (SqliteStore *)base;
	int changed = 0;
	bool ok;

	if (!sqlite_begin_write(store, error))
		return false;
	ok = sqlite_run(store, "UPDATE notices SET leased_by = ?1, leased_at = ?2, lease_ms = ?3 WHERE id = ?4 AND name = ?5 AND NOT done"
	    " AND (leased_by IS NULL OR leased_by = ?1 OR leased_at > ?2 OR leased_at <= ?2 - lease_ms)",
	    SQL_VALUES(SQL_TEXT(base->consumer), SQL_INT(clock_mono_us() / 1000), SQL_INT(seconds * 1000), SQL_TEXT(id), SQL_TEXT(name)),
	    error);
	if (ok)
		changed = sqlite3_changes(store->db);
	if (!sqlite_end(store, ok, error))
		return false;
	*mine = changed > 0;
	return true;
}

bool sqlite_notice_progress(Store *base, const char *id, const char *name, guint64 told, guint64 left_out, bool done, GError **error)
{
	SqliteStore *store = (SqliteStore *)base;

	return sqlite_begin_write(store, error) && sqlite_end(store, sqlite_run(store,
	    "UPDATE notices SET told = ?1, left_out = ?2, done = ?3, leased_by = CASE WHEN ?3 THEN NULL ELSE leased_by END"
	    " WHERE id = ?4 AND name = ?5 AND leased_by = ?6",
	    SQL_VALUES(SQL_INT(told), SQL_INT(left_out), SQL_INT(done), SQL_TEXT(id), SQL_TEXT(name), SQL_TEXT(base->consumer)), error),
	    error);
}
