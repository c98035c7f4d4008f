/* notes-fixture: see notes-fixture.h. */
#include "notes-fixture.h"

#include <string.h>

#define SLICE_MOST 1000        /* notes: far more than either store hands out at once */
#define SLICE_BYTES_MOST (6 * 1024 * 1024)

const NoteList notes_lists[NOTES_LISTS] = { NOTES_RECENT, NOTES_CONTACTS, NOTES_WAITING };

const char *notes_id_of(NoteList list)
{
	return list == NOTES_CONTACTS ? NOTES_ID : NULL;
}

bool notes_add(Store *store, NoteList list, const char *key, const char *payload, gint64 at, const char *apart)
{
	StoredNote note = { .key = (char *)key, .payload = (char *)payload, .mac = (char *)"0123abcd", .at = at, .apart = (char *)apart };
	g_autoptr(GError) error = NULL;
	bool fresh;

	store_note_add(store, list, notes_id_of(list), &note, &fresh, &error);
	g_assert_no_error(error);
	return fresh;
}

guint64 notes_count(Store *store, NoteList list)
{
	return fixture_count_notes(store, list, notes_id_of(list));
}

GHashTable *notes_read_all(Store *store, NoteList list)
{
	GHashTable *all = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, (GDestroyNotify)stored_note_free);
	g_autofree char *cursor = NULL;

	do {
		g_autoptr(GPtrArray) notes = g_ptr_array_new();
		g_autoptr(GError) error = NULL;
		gsize bytes = 0;

		store_notes_slice(store, list, notes_id_of(list), &cursor, notes, &error);
		g_assert_no_error(error);
		g_assert_cmpuint(notes->len, <=, SLICE_MOST);
		for (guint i = 0; i < notes->len; i++) {
			StoredNote *note = notes->pdata[i];

			bytes += strlen(note->payload);
			g_hash_table_replace(all, note->key, note);
		}
		g_assert_cmpuint(bytes, <=, SLICE_BYTES_MOST);
	} while (cursor != NULL);
	return all;
}

StoredNote *notes_find(Store *store, NoteList list, const char *key)
{
	g_autoptr(GHashTable) all = notes_read_all(store, list);
	gpointer found = NULL;

	g_hash_table_steal_extended(all, key, NULL, &found);
	return found;
}

void notes_order(Store *store, const char *id, const char *name, const char *payload)
{
	StoredNotice notice = { .name = (char *)name, .payload = (char *)payload, .mac = (char *)"0123abcd" };
	g_autoptr(GError) error = NULL;

	store_notice_add(store, id, &notice, "anna", &error);
	g_assert_no_error(error);
}

GPtrArray *notes_ordered(Store *store, const char *id)
{
	g_autoptr(GError) error = NULL;
	GPtrArray *notices = store_notices(store, id, &error);

	g_assert_no_error(error);
	return notices;
}

Store *notes_open(const char *url, const char *who)
{
	g_autoptr(GError) error = NULL;
	Config *config = config_defaults();
	Store *store;

	g_free(config->store_url);
	config->store_url = g_strdup(url);
	config->store_timeout = config->store_connect_timeout = 30000;
	store = store_open(config, who, &error);
	g_assert_no_error(error);
	config_unref(config);
	return store;
}

GSubprocess *notes_start(const char *role, const Fixture *fixture, const char *a, const char *b)
{
	g_autofree char *self = g_file_read_link("/proc/self/exe", NULL);
	g_autoptr(GError) error = NULL;
	GSubprocess *other = g_subprocess_new(G_SUBPROCESS_FLAGS_STDOUT_PIPE, &error, self, role, fixture->config->store_url, a, b, NULL);

	g_assert_no_error(error);
	return other;
}

/* Runs so many of a role at once; returns the sum of what they print. */
