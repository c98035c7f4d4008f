/* sqlite-erase: what the file holds of one person. Layer: store, private to sqlite*.c.
 *
 * A row that is deleted stays in the file's free pages and in its log until others take their place: after forgetting, both are cleared
 * (secure_delete, and the log cut). */
#include "base/clock.h"
#include "store/sqlite-private.h"

typedef struct {
	SqliteStore *store;
	const ErasePerson *person;
	GPtrArray *parts;
} Walk;

/* One place: a query for what is there, with columns id, kind, at, text, and how it goes. What is on (its id) stays where keep is set. */
typedef struct {
	const char *place;     /* before id and kind */
	const char *find;      /* ?1: the hash or tag */
	const char *drop;      /* ?1 the same, ?2 the id, ?3 the kind */
	bool by_tag, keep;
} Place;

static const Place places[] = {
	{ "acknowledgement", "SELECT id, kind, at, CASE WHEN sent THEN 'sent' ELSE '' END FROM marks WHERE hash = ?1",
	    "DELETE FROM marks WHERE hash = ?1 AND id = ?2 AND kind = ?3", false, true },
	{ "wrote in", "SELECT id, '', at, payload FROM notes WHERE list = 'contacts' AND key = ?1",
	    "DELETE FROM notes WHERE list = 'contacts' AND key = ?1 AND id = ?2 AND '' = ?3", false, false },
	{ "mails and answers", "SELECT id, '', first_at, first_at || ' ' || last_at || ' ' || answered_at || ' ' || mails || ' ' || again"
	    " || CASE account WHEN '' THEN '' ELSE ' ' || account END FROM stats_threads WHERE hash = ?1",
	    "DELETE FROM stats_threads WHERE hash = ?1 AND id = ?2 AND '' = ?3", false, false },
	{ "affected", "SELECT id, '', at, '' FROM affected WHERE hash = ?1",
	    "DELETE FROM affected WHERE hash = ?1 AND id = ?2 AND '' = ?3", false, false },
	{ "wants no notices", "SELECT id, '', 0, '' FROM optout WHERE tag = ?1",
	    "DELETE FROM optout WHERE tag = ?1 AND id = ?2 AND '' = ?3", true, true },
	{ "bounced", "SELECT '', '', 0, why FROM bounced WHERE hash = ?1",
	    "DELETE FROM bounced WHERE hash = ?1 AND '' = ?2 AND '' = ?3", false, false },
	{ "letters of today", "SELECT '', '', 0, '' FROM rate WHERE kind = 'address' AND key = ?1",
	    "DELETE FROM rate WHERE kind = 'address' AND key = ?1 AND '' = ?2 AND '' = ?3", false, false },
	/* Its words may name him. That somebody has looked or let go stays: it names him by a keyed hash alone. */
	{ "event", "SELECT '', what, at, coalesce(detail, '') FROM events WHERE name = ?1 AND what = 'bounced'",
	    "DELETE FROM events WHERE name = ?1 AND '' = ?2 AND what = ?3", false, false },
};

typedef struct { char *id, *kind; } Found;

static void found_free(gpointer data)
{
	Found *found = data;

	g_free(found->id);
	g_free(found->kind);
	g_free(found);
}

static char *place_name(const char *place, const char *id, const char *kind)
{
	return g_strdup_printf("%s%s%s%s%s", place, *id != '\0' ? " " : "", id, *kind != '\0' ? " " : "", kind);
}

/* Names what is there, and puts what is to go into gone (Found *). */
static bool find(const Walk *walk, const Place *place, const char *key, GPtrArray *gone, GError **error)
{
	sqlite3_stmt *statement = sqlite_start(walk->store, place->find, SQL_VALUES(SQL_TEXT(key)), error);
	bool row = false, ok = statement != NULL;

	while (ok && (ok = sqlite_step(walk->store, statement, &row, error)) && row) {
		const char *id = sqlite_text(statement, 0), *kind = sqlite_text(statement, 1);
		bool stays = place->keep && erase_is_on(walk->person, id);

		erase_add(walk->parts, place_name(place->place, id, kind), sqlite3_column_int64(statement, 2), sqlite_text(statement, 3), stays);
		if (!stays) {
			Found *found = g_new0(Found, 1);

			found->id = g_strdup(id);
			found->kind = g_strdup(kind);
			g_ptr_array_add(gone, found);
		}
	}
	if (statement != NULL)
		sqlite_finish(statement);
	return ok;
}

static bool visit(const Walk *walk, const Place *place, GError **error)
{
	const char *key = place->by_tag ? walk->person->tag : walk->person->hash;
	g_autoptr(GPtrArray) gone = g_ptr_array_new_with_free_func(found_free);

	if (!find(walk, place, key, gone, error))
		return false;
	for (guint i = 0; walk->person->drop && i < gone->len; i++) {
		const Found *found = gone->pdata[i];

		if (!sqlite_run(walk->store, place->drop, SQL_VALUES(SQL_TEXT(key), SQL_TEXT(found->id), SQL_TEXT(found->kind)), error))
			return false;
	}
	return true;
}

static bool visit_all(const Walk *walk, GError **error)
{
	for (gsize i = 0; i < G_N_ELEMENTS(places); i++)
		if (!visit(walk, &places[i], error))
			return false;
	return true;
}

static bool empty_log(SqliteStore *store, GError **error)
{
	gint64 busy;

	/* A reader may be in the way: then the next checkpoint does it. */
	return sqlite_number(store, "PRAGMA wal_checkpoint(TRUNCATE)", NULL, 0, &busy, error);
}

bool sqlite_erase_keyed(Store *base, const ErasePerson *person, GPtrArray *parts, GError **error)
{
	SqliteStore *store = (SqliteStore *)base;
	const Walk walk = { .store = store, .person = person, .parts = parts };

	if (!person->drop)
		return visit_all(&walk, error);
	return sqlite_begin_write(store, error) && sqlite_end(store, visit_all(&walk, error), error) && empty_log(store, error);
}

static bool visit_jobs(const Walk *walk, GError **error)
{
	sqlite3_stmt *statement = sqlite_start(walk->store, "SELECT state, queued_at, payload FROM jobs WHERE instr(payload, ?) > 0"
	    " AND length(payload) <= 65536 ORDER BY n", SQL_VALUES(SQL_TEXT(walk->person->needle)), error);
	bool row = false, ok = statement != NULL;

	while (ok && (ok = sqlite_step(walk->store, statement, &row, error)) && row)
		erase_add(walk->parts, g_strdup(g_str_equal(sqlite_text(statement, 0), "dead") ? "letter that could not be sent" : "letter waiting"),
		    sqlite3_column_int64(statement, 1), sqlite_text(statement, 2), false);
	if (statement != NULL)
		sqlite_finish(statement);
	return ok && (!walk->person->drop || sqlite_run(walk->store, "DELETE FROM jobs WHERE instr(payload, ?) > 0 AND length(payload) <= 65536",
	                                         SQL_VALUES(SQL_TEXT(walk->person->needle)), error));
}

/* The first to be called: from here on what is deleted is overwritten. */
bool sqlite_erase_jobs(Store *base, const ErasePerson *person, GPtrArray *parts, GError **error)
{
	SqliteStore *store = (SqliteStore *)base;
	const Walk walk = { .store = store, .person = person, .parts = parts };
	gint64 on;

	if (!person->drop)
		return visit_jobs(&walk, error);
	return sqlite_number(store, "PRAGMA secure_delete = ON", NULL, 0, &on, error) && sqlite_begin_write(store, error) &&
	    sqlite_end(store, visit_jobs(&walk, error), error);
}
