/* sqlite-incident: flip words, states, texts and updates in SQLite. Layer: store, private to sqlite*.c.
 *
 * The rules of doc/contract.md 4 are incident_transition()'s; here it runs inside the transaction that also moves the texts, so that
 * no reader ever sees a new incident with the texts of the one before.
 *
 * A file that was put back from an old copy is told from changed_ms, as in Redis (incident_state_went_back). An incident that lost its row
 * does not go on under its old id when it is declared again, as it does there (recall() in lua/incident.lua): whoever lost the rows of
 * `state` lost those of `marks` in the same file, and the id alone would keep nobody from being answered again. */
#include <string.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/log.h"
#include "store/sqlite-private.h"

static void fill_state(sqlite3_stmt *row, IncidentState *state)
{
	/* Columns: flip, word, id, declared_at, resolved_at, ended_at, epoch, reopened_at, changed_ms. What is no word was not written by us: none. */
	if (!word_parse(sqlite_text(row, 0), -1, &state->flip))
		state->flip = WORD_NONE;
	if (!word_parse(sqlite_text(row, 1), -1, &state->word))
		state->word = WORD_NONE;
	g_free(state->id);
	state->id = sqlite_copy(row, 2);
	state->declared_at = sqlite3_column_int64(row, 3);
	state->resolved_at = sqlite3_column_int64(row, 4);
	state->ended_at = sqlite3_column_int64(row, 5);
	state->epoch = (guint64)sqlite3_column_int64(row, 6);
	state->reopened_at = sqlite3_column_int64(row, 7);
	state->changed_ms = sqlite3_column_int64(row, 8);
}

bool sqlite_read_state(SqliteStore *store, const char *name, IncidentState *state, bool *found, GError **error)
{
	sqlite3_stmt *statement = sqlite_start(store,
	    "SELECT flip, word, id, declared_at, resolved_at, ended_at, epoch, reopened_at, changed_ms FROM state WHERE name = ?",
	    SQL_VALUES(SQL_TEXT(name)), error);
	bool ok;

	incident_state_clear(state);
	if (statement == NULL)
		return false;
	ok = sqlite_step(store, statement, found, error);
	if (ok && *found)
		fill_state(statement, state);
	sqlite_finish(statement);
	return ok;
}

/* begins: it opens or comes back, and what the feed holds by now was said before that, even in this very second. */
static bool write_state(SqliteStore *store, const char *name, const IncidentState *state, bool begins, GError **error)
{
	return sqlite_run(store, "INSERT OR REPLACE INTO state(name, flip, word, id, declared_at, resolved_at, ended_at, epoch,"
	    " reopened_at, changed_ms, updates_after) VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10,"
	    " ifnull(CASE WHEN ?11 THEN (SELECT max(n) FROM updates WHERE name = ?1)"
	    " ELSE (SELECT updates_after FROM state WHERE name = ?1) END, 0))",
	    SQL_VALUES(SQL_TEXT(name), SQL_TEXT(word_name(state->flip)), SQL_TEXT(word_name(state->word)), SQL_TEXT(state->id),
	    SQL_INT(state->declared_at), SQL_INT(state->resolved_at), SQL_INT(state->ended_at), SQL_INT(state->epoch),
	    SQL_INT(state->reopened_at), SQL_INT(state->changed_ms), SQL_INT(begins)), error);
}

static bool texts_id(SqliteStore *store, const char *name, char **id, GError **error)
{
	return sqlite_one_text(store, "SELECT value FROM texts WHERE name = ? AND field = 'id'", SQL_VALUES(SQL_TEXT(name)), id,
	    error);
}

/* Puts the texts that carry the id of another incident away. */
static bool archive_texts(SqliteStore *store, const char *name, const char *id, GError **error)
{
	return sqlite_run(store, "INSERT OR REPLACE INTO past(id, field, value, at) SELECT ?, field, value, ? FROM texts"
	           " WHERE name = ? AND field <> 'id'", SQL_VALUES(SQL_TEXT(id), SQL_INT(clock_now()), SQL_TEXT(name)), error) &&
	    sqlite_run(store, "DELETE FROM texts WHERE name = ?", SQL_VALUES(SQL_TEXT(name)), error);
}

static bool put_text(SqliteStore *store, const char *name, const char *field, const char *value, GError **error)
{
	if (*value == '\0')
		return sqlite_run(store, "DELETE FROM texts WHERE name = ? AND field = ?", SQL_VALUES(SQL_TEXT(name), SQL_TEXT(field)),
		    error);
	return sqlite_run(store, "INSERT OR REPLACE INTO texts(name, field, value) VALUES(?, ?, ?)",
	    SQL_VALUES(SQL_TEXT(name), SQL_TEXT(field), SQL_TEXT(value)), error);
}

/* After a step of the incident: texts of an older id go, texts without one were prepared for this one (or came while it was open)
 * and become its own, so that the next incident cannot inherit them. */
static bool settle_texts(SqliteStore *store, const char *name, const char *id, GError **error)
{
	g_autofree char *theirs = NULL;

	if (!texts_id(store, name, &theirs, error))
		return false;
	if (theirs != NULL && g_strcmp0(theirs, id) != 0)
		return archive_texts(store, name, theirs, error);
	return theirs != NULL || id == NULL ||
	    sqlite_run(store, "INSERT INTO texts(name, field, value) SELECT ?1, 'id', ?2 WHERE EXISTS"
	        " (SELECT 1 FROM texts WHERE name = ?1)", SQL_VALUES(SQL_TEXT(name), SQL_TEXT(id)), error);
}

/* Applies the flip word to the state; the caller's transaction. */
static bool transition(SqliteStore *store, const char *name, Word word, const char *by, IncidentState *state,
    Transition *what, GError **error)
{
	gint64 now_ms = g_get_real_time() / 1000;
	g_autofree char *detail = NULL;
	bool found;

	if (!sqlite_read_state(store, name, state, &found, error))
		return false;
	*what = incident_transition(state, name, word, clock_now(), store->base.config->reopen_within / 1000);
	/* Later than the last one, whatever the clock says, unless that came from a clock far ahead. */
	if (state->changed_ms > now_ms + INCIDENT_AHEAD_MAX * 1000)
		state->changed_ms = 0;
	state->changed_ms = MAX(now_ms, state->changed_ms + 1);
	if (!write_state(store, name, state, *what == TRANSITION_OPENED || *what == TRANSITION_REOPENED, error))
		return false;
	if (*what == TRANSITION_NOTHING)
		return true;
	if (*what != TRANSITION_RESOLVED_NOTHING && !settle_texts(store, name, state->id, error))
		return false;
	detail = g_strdup_printf("%s%s%s", word_name(word), state->id != NULL ? " " : "", state->id != NULL ? state->id : "");
	return sqlite_event(store, transition_name(*what), name, by, detail, error);
}

static bool put_texts(SqliteStore *store, const char *name, char *const texts[TEXT_FIELDS], GError **error)
{
	bool ok = true;

	for (TextField field = 0; ok && texts != NULL && field < TEXT_FIELDS; field++)
		if (texts[field] != NULL)
			ok = put_text(store, name, text_field_name(field), texts[field], error);
	return ok;
}

/* Before texts are written outside a transition: makes room for them and says whose they are. With nothing open they are
 * prepared for the next incident, which the mark of an ended one would have put away with its own. */
static bool claim_texts(SqliteStore *store, const char *name, const IncidentState *state, GError **error)
{
	g_autofree char *theirs = NULL;
	const char *id = state->word != WORD_NONE ? state->id : NULL;

	if (!texts_id(store, name, &theirs, error) ||
	    (theirs != NULL && g_strcmp0(theirs, id) != 0 && !archive_texts(store, name, theirs, error)))
		return false;
	return id == NULL || put_text(store, name, "id", id, error);
}

static char *text_names(char *const texts[TEXT_FIELDS])
{
	GString *names = g_string_new(NULL);

	for (TextField field = 0; texts != NULL && field < TEXT_FIELDS; field++)
		if (texts[field] != NULL)
			g_string_append_printf(names, "%s%s", names->len > 0 ? " " : "", text_field_name(field));
	return g_string_free(names, FALSE);
}

/* An event for the texts, where there are any, and one for what was promised. */
static bool texts_event(SqliteStore *store, const char *name, char *const texts[TEXT_FIELDS], const char *by, GError **error)
{
	g_autofree char *names = text_names(texts);
	const char *promised = texts != NULL ? texts[TEXT_NEXT_UPDATE_AT] : NULL;

	return (*names == '\0' || sqlite_event(store, "texts", name, by, names, error)) &&
	    (promised == NULL || *promised == '\0' || sqlite_event(store, "promise", name, by, promised, error));
}

/* Whether somebody has said something of the incident since it was as condition has it. */
static bool look_whether_moved(SqliteStore *store, const char *name, WordCondition *condition, GError **error)
{
	IncidentState state = { .id = NULL };
	g_autofree char *flip = NULL;
	Word word = WORD_NONE;
	bool found;
	bool ok = sqlite_read_state(store, name, &state, &found, error) &&
	    sqlite_one_text(store, "SELECT word FROM flip WHERE name = ?", SQL_VALUES(SQL_TEXT(name)), &flip, error);

	/* What cannot be read is somebody's word all the same. */
	condition->moved = ok &&
	    (state.changed_ms != condition->changed_ms || (flip != NULL && !word_parse(flip, -1, &word)) || word_is_open(word));
	incident_state_clear(&state);
	return ok;
}

bool sqlite_set_word(Store *base, const char *name, Word word, char *const texts[TEXT_FIELDS], WordCondition *condition,
    const char *by, IncidentState *out, GError **error)
{
	SqliteStore *store = (SqliteStore *)base;
	IncidentState state = { .id = NULL };
	Transition what = TRANSITION_NOTHING;
	bool ok;

	if (!sqlite_begin_write(store, error))
		return false;
	if (condition != NULL && (!look_whether_moved(store, name, condition, error) || condition->moved))
		return sqlite_end(store, false, error) || condition->moved;
	/* Texts that come where nothing is on afterwards speak of what is over: the next incident would take them for its own. */
	ok = sqlite_run(store, "INSERT OR REPLACE INTO flip(name, word) VALUES(?, ?)",
	         SQL_VALUES(SQL_TEXT(name), SQL_TEXT(word_name(word))), error) &&
	    transition(store, name, word, by, &state, &what, error) &&
	    (what != TRANSITION_NOTHING || sqlite_event(store, "word", name, by, word_name(word), error)) &&
	    (texts == NULL || state.word == WORD_NONE || (claim_texts(store, name, &state, error) &&
	    put_texts(store, name, texts, error) && texts_event(store, name, texts, by, error)));
	ok = sqlite_end(store, ok, error);
	if (ok && out != NULL)
		incident_state_copy(out, &state);
	incident_state_clear(&state);
	return ok;
}

bool sqlite_set_texts(Store *base, const char *name, char *const texts[TEXT_FIELDS], const char *by, GError **error)
{
	SqliteStore *store = (SqliteStore *)base;
	IncidentState state = { .id = NULL };
	bool found, ok;

	if (!sqlite_begin_write(store, error))
		return false;
	ok = sqlite_read_state(store, name, &state, &found, error) && claim_texts(store, name, &state, error) &&
	    put_texts(store, name, texts, error) && texts_event(store, name, texts, by, error);
	incident_state_clear(&state);
	return sqlite_end(store, ok, error);
}

bool sqlite_add_update(Store *base, const char *name, const char *text, const char *by, GError **error)
{
	SqliteStore *store = (SqliteStore *)base;
	bool ok;

	if (!sqlite_begin_write(store, error))
		return false;
	ok = sqlite_run(store, "INSERT INTO updates(name, id, at, text, author)"
	         " VALUES(?1, (SELECT id FROM state WHERE name = ?1), ?2, ?3, ?4)",
	         SQL_VALUES(SQL_TEXT(name), SQL_INT(clock_now()), SQL_TEXT(text), SQL_TEXT(by)), error) &&
	    sqlite_event(store, "update", name, by, text, error);
	return sqlite_end(store, ok, error);
}

bool sqlite_read_pause(SqliteStore *store, char **reason, GError **error)
{
	g_autofree char *text = NULL;

	*reason = NULL;
	if (!sqlite_one_text(store, "SELECT reason FROM pause", NULL, &text, error))
		return false;
	if (text != NULL)
		g_strstrip(text);
	if (text != NULL && *text != '\0' && strcmp(text, "0") != 0 && g_ascii_strcasecmp(text, "off") != 0)
		*reason = g_steal_pointer(&text);
	return true;
}

bool sqlite_pause_is_noted(SqliteStore *store, bool paused, GError **error)
{
	return sqlite_run(store, "INSERT OR REPLACE INTO generation(what, n) VALUES('paused', ?)", SQL_VALUES(SQL_INT(paused)), error);
}

/* *unnoted: somebody paused or resumed by hand, and the events do not say so yet. */
static bool look_at_pause(SqliteStore *store, char **reason, bool *unnoted, GError **error)
{
	gint64 noted;

	if (!sqlite_read_pause(store, reason, error) ||
	    !sqlite_number(store, "SELECT n FROM generation WHERE what = 'paused'", NULL, 0, &noted, error))
		return false;
	*unnoted = *unnoted || (noted != 0) != (*reason != NULL);
	return true;
}

static void problem(Snapshot *snapshot, const char *format, ...) G_GNUC_PRINTF(2, 3);

static void problem(Snapshot *snapshot, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	g_ptr_array_add(snapshot->problems, g_strdup_vprintf(format, arguments));
	va_end(arguments);
}

/* Reads one row of flip and state; *pending: the flip word has not been acted on yet. */
static void read_incident(sqlite3_stmt *row, Snapshot *snapshot, bool *pending)
{
	const char *name = sqlite_text(row, 9), *text = sqlite_text(row, 10);
	Incident *incident;
	Word word;

	if (strcmp(name, "default") != 0 && !incident_name_valid(name)) {
		g_autofree char *shown = log_escape(name, 64);

		problem(snapshot, "flip: \"%s\" is no name for an incident", shown);
		return;
	}
	incident = incident_new(name);
	fill_state(row, &incident->state);
	if (!word_parse(text, -1, &word)) {
		g_autofree char *shown = log_escape(text, 64);

		problem(snapshot, "flip of %s: \"%s\" is none of P1, P2, P3, resolved, none; the last good state stays", name, shown);
	} else if (word != incident->state.flip) {
		*pending = true;
	}
	g_ptr_array_add(snapshot->incidents, incident);
}

static bool read_texts(SqliteStore *store, Snapshot *snapshot, Incident *incident, GError **error)
{
	sqlite3_stmt *statement = sqlite_start(store, "SELECT field, value FROM texts WHERE name = ?1 AND field <> 'id' AND"
	    " ifnull((SELECT value FROM texts WHERE name = ?1 AND field = 'id'), ?2) IS ?2",
	    SQL_VALUES(SQL_TEXT(incident->name), SQL_TEXT(incident->state.id)), error);
	bool row, ok;

	if (statement == NULL)
		return false;
	while ((ok = sqlite_step(store, statement, &row, error)) && row) {
		TextField field = text_field_find(sqlite_text(statement, 0));
		g_autoptr(GError) bad = NULL;

		if (field == TEXT_FIELDS)
			continue;
		if (text_field_check(field, sqlite_text(statement, 1), &bad))
			incident->texts[field] = sqlite_copy(statement, 1);
		else
			problem(snapshot, "texts of %s: %s", incident->name, bad->message);
	}
	sqlite_finish(statement);
	return ok;
}

/* The id ties an update to its incident, updates_after to the time since it came back. */
static bool read_update(SqliteStore *store, Snapshot *snapshot, Incident *incident, GError **error)
{
	sqlite3_stmt *statement = sqlite_start(store, "SELECT text, at FROM updates WHERE name = ?1 AND id IS ?2 AND at >= ?3 AND"
	    " n > ifnull((SELECT updates_after FROM state WHERE name = ?1), 0) ORDER BY n DESC LIMIT 1",
	    SQL_VALUES(SQL_TEXT(incident->name), SQL_TEXT(incident->state.id), SQL_INT(incident_on_since(&incident->state))),
	    error);
	bool row, ok;

	if (statement == NULL)
		return false;
	ok = sqlite_step(store, statement, &row, error);
	if (ok && row && text_field_check(TEXT_SCOPE, sqlite_text(statement, 0), NULL)) {
		incident->update_text = sqlite_copy(statement, 0);
		incident->update_at = sqlite3_column_int64(statement, 1);
	} else if (ok && row) {
		problem(snapshot, "update of %s: its text cannot be used", incident->name);
	}
	sqlite_finish(statement);
	return ok;
}

/* Reads everything, inside the caller's transaction; *pending: some flip word has to be acted on first. *empty: neither flip
 * nor state is there. */
static bool read_all(SqliteStore *store, Snapshot *snapshot, bool *pending, bool *empty, GError **error)
{
	sqlite3_stmt *statement = sqlite_start(store, "SELECT s.flip, s.word, s.id, s.declared_at, s.resolved_at, s.ended_at,"
	    " s.epoch, s.reopened_at, s.changed_ms, names.name, f.word FROM (SELECT name FROM flip UNION SELECT name FROM state) AS names"
	    " LEFT JOIN state AS s ON s.name = names.name LEFT JOIN flip AS f ON f.name = names.name"
	    " ORDER BY names.name <> 'default', names.name", NULL, error);
	bool row, ok;

	if (statement == NULL)
		return false;
	*empty = true;
	while ((ok = sqlite_step(store, statement, &row, error)) && row) {
		read_incident(statement, snapshot, pending);
		*empty = false;
	}
	sqlite_finish(statement);
	for (guint i = 0; ok && i < snapshot->incidents->len; i++) {
		Incident *incident = g_ptr_array_index(snapshot->incidents, i);

		ok = read_texts(store, snapshot, incident, error) && read_update(store, snapshot, incident, error);
	}
	return ok && look_at_pause(store, &snapshot->pause, pending, error) &&
	    sqlite_number(store, "SELECT n FROM generation WHERE what = 'incidents'", NULL, 0, &store->seen_incidents, error);
}

static bool note_pause(SqliteStore *store, const char *by, GError **error)
{
	g_autofree char *reason = NULL;
	bool unnoted = false;

	if (!look_at_pause(store, &reason, &unnoted, error))
		return false;
	return !unnoted || (sqlite_pause_is_noted(store, reason != NULL, error) &&
	    sqlite_event(store, reason != NULL ? "pause" : "resume", NULL, by, reason, error));
}

/* Acts on every flip word that differs from its state, comparing again under the lock, and notes what was done by hand. */
static bool act_on_flips(SqliteStore *store, const Snapshot *seen, GError **error)
{
	g_autofree char *outside = store_outside(&store->base);
	bool ok;

	if (!sqlite_begin_write(store, error))
		return false;
	ok = note_pause(store, outside, error);
	for (guint i = 0; ok && i < seen->incidents->len; i++) {
		const char *name = ((Incident *)g_ptr_array_index(seen->incidents, i))->name;
		IncidentState state = { .id = NULL };
		g_autofree char *text = NULL;
		Transition what;
		bool found;
		Word word;

		ok = sqlite_one_text(store, "SELECT word FROM flip WHERE name = ?", SQL_VALUES(SQL_TEXT(name)), &text, error) &&
		    sqlite_read_state(store, name, &state, &found, error);
		if (ok && word_parse(text, -1, &word) && word != state.flip)
			ok = transition(store, name, word, outside, &state, &what, error);
		incident_state_clear(&state);
	}
	return sqlite_end(store, ok, error);
}

static void copy_incidents(Snapshot *to, const Snapshot *from)
{
	g_ptr_array_set_size(to->incidents, 0);
	for (guint i = 0; i < from->incidents->len; i++)
		g_ptr_array_add(to->incidents, incident_copy(g_ptr_array_index(from->incidents, i)));
}

/* What this node knew better than a file that was put back stands. */
static void mistrust(Snapshot *snapshot, const Snapshot *last)
{
	gint64 now_ms = g_get_real_time() / 1000;

	for (guint i = 0; i < snapshot->incidents->len; i++) {
		Incident *incident = g_ptr_array_index(snapshot->incidents, i);
		const Incident *before = snapshot_find(last, incident->name);
		g_autofree char *where = g_strdup_printf("the state of %s", incident->name);
		g_autofree char *why = incident_state_went_back(where, &incident->state, before != NULL ? &before->state : NULL, now_ms);

		if (why == NULL)
			continue;
		problem(snapshot, "%s", why);
		snapshot->incidents->pdata[i] = incident_copy(before);
		incident_free(incident);
	}
	for (guint i = 0; i < last->incidents->len; i++) {
		const Incident *before = g_ptr_array_index(last->incidents, i);

		if (before->state.word == WORD_NONE || snapshot_find(snapshot, before->name) != NULL)
			continue;
		problem(snapshot, "state and flip word of incident %s vanished at once: what was last known stands until it is declared or"
		    " cleared", before->name);
		g_ptr_array_insert(snapshot->incidents, strcmp(before->name, "default") == 0 ? 0 : -1, incident_copy(before));
	}
}

static bool had_incident(const Snapshot *last)
{
	for (guint i = 0; last != NULL && i < last->incidents->len; i++)
		if (((Incident *)g_ptr_array_index(last->incidents, i))->state.id != NULL)
			return true;
	return false;
}

Snapshot *sqlite_snapshot(Store *base, const Snapshot *last, GError **error)
{
	SqliteStore *store = (SqliteStore *)base;
	bool pending = true, empty = false;
	g_autoptr(Snapshot) snapshot = NULL;

	/* Twice at most: what another one flips after we have acted is told by the next change. */
	for (int round = 0; round < 2 && pending; round++) {
		g_clear_pointer(&snapshot, snapshot_unref);
		snapshot = snapshot_new();
		pending = false;
		if (!sqlite_file_is_ours(store, error) || !sqlite_begin_read(store, error) ||
		    !sqlite_end(store, read_all(store, snapshot, &pending, &empty, error), error))
			return NULL;
		if (pending && round == 0 && !act_on_flips(store, snapshot, error))
			return NULL;
	}
	/* Everything gone at once is an accident (another file, a restore), not the end of an incident. */
	if (empty && had_incident(last)) {
		copy_incidents(snapshot, last);
		snapshot->store_empty = true;
		problem(snapshot, "the store lost all its incidents at once (store-empty); the last known ones stay until one is"
		    " declared or cleared");
	} else if (last != NULL) {
		mistrust(snapshot, last);
	}
	return g_steal_pointer(&snapshot);
}
