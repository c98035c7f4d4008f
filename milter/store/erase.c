/* erase: see erase.h. Layer: store.
 *
 * The walk over all places is the same for showing and for forgetting, so that neither finds what the other does not. */
#include "store/erase.h"

#include <string.h>

#include "base/address.h"
#include "mail/optout.h"
#include "store/backend.h"
#include "store/json-fields.h"

void erase_part_free(ErasePart *part)
{
	if (part == NULL)
		return;
	g_free(part->place);
	g_free(part->text);
	g_free(part);
}

void erase_add(GPtrArray *parts, char *place, gint64 at, const char *text, bool stays)
{
	ErasePart *part = g_new0(ErasePart, 1);

	part->place = place;
	part->at = at;
	part->text = g_utf8_make_valid(text, -1);
	part->stays = stays;
	g_ptr_array_add(parts, part);
}

bool erase_is_on(const ErasePerson *person, const char *id)
{
	return g_hash_table_contains(person->on, id);
}

/* --- notes, which are kept under their mails --- */

/* From as it was written, and whom an answer goes to. */
static bool is_his(const StoredNote *note, const char *address)
{
	static const char *const members[] = { "sender", "from" };
	g_autoptr(JsonNode) root = json_from_string(note->payload, NULL);
	JsonObject *object = root != NULL && JSON_NODE_HOLDS_OBJECT(root) ? json_node_get_object(root) : NULL;

	for (gsize i = 0; object != NULL && i < G_N_ELEMENTS(members); i++) {
		const char *text = json_object_get_string_member_with_default(object, members[i], NULL);
		g_autofree char *normal = text != NULL ? address_normal_text(text) : NULL;

		if (g_strcmp0(normal, address) == 0)
			return true;
	}
	return false;
}

static bool walk_notes(Store *store, NoteList list, const char *place, const ErasePerson *person, GPtrArray *parts, GError **error)
{
	g_autoptr(GPtrArray) keys = g_ptr_array_new_with_free_func(g_free);
	char *cursor = NULL;
	bool ok;

	do {
		g_autoptr(GPtrArray) notes = g_ptr_array_new_with_free_func((GDestroyNotify)stored_note_free);

		ok = store_notes_slice(store, list, NULL, &cursor, notes, error);
		for (guint i = 0; ok && i < notes->len; i++) {
			const StoredNote *note = notes->pdata[i];

			if (!is_his(note, person->address) || g_ptr_array_find_with_equal_func(keys, note->key, g_str_equal, NULL))
				continue;
			g_ptr_array_add(keys, g_strdup(note->key));
			erase_add(parts, g_strdup(place), note->at, note->payload, false);
		}
	} while (ok && cursor != NULL);
	g_free(cursor);
	return ok && (!person->drop || keys->len == 0 || store->backend->notes_drop(store, list, keys, error));
}

/* --- all places --- */

/* Whom it would be wrong to write to again. */
static GHashTable *ids_on(Store *store, GError **error)
{
	g_autoptr(Snapshot) snapshot = store_snapshot(store, NULL, error);
	GHashTable *ids;

	if (snapshot == NULL)
		return NULL;
	ids = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	for (guint i = 0; i < snapshot->incidents->len; i++) {
		const Incident *one = g_ptr_array_index(snapshot->incidents, i);

		if (one->state.id != NULL && one->state.word != WORD_NONE)
			g_hash_table_add(ids, g_strdup(one->state.id));
	}
	return ids;
}

/* How the payload of a job names him: as fields_add_text writes it. No text within a payload can look so, for its quotes are escaped. */
static char *needle_of(const char *address)
{
	g_autoptr(JsonBuilder) builder = json_builder_new_immutable();
	g_autoptr(JsonNode) root = NULL;
	g_autofree char *text = NULL;

	json_builder_begin_object(builder);
	fields_add_text(builder, "sender", address);
	json_builder_end_object(builder);
	root = json_builder_get_root(builder);
	text = json_to_string(root, FALSE);
	return g_strndup(text + 1, strlen(text) - 2);
}

static GPtrArray *walk(Store *store, const char *hash, const char *address, bool drop, GError **error)
{
	g_autoptr(GPtrArray) parts = g_ptr_array_new_with_free_func((GDestroyNotify)erase_part_free);
	g_autoptr(GHashTable) on = NULL;
	g_autofree char *tag = NULL, *needle = NULL;
	ErasePerson person;

	if (!store_keeps(store->backend->erase_keyed != NULL, "what it holds of a person", error))
		return NULL;
	on = ids_on(store, error);
	if (on == NULL)
		return NULL;
	tag = optout_tag(hash);
	needle = needle_of(address);
	person = (ErasePerson){ .hash = hash, .address = address, .tag = tag, .needle = needle, .on = on, .drop = drop };
	if (!store->backend->erase_jobs(store, &person, parts, error) ||
	    !walk_notes(store, NOTES_WAITING, "waits", &person, parts, error) ||
	    !walk_notes(store, NOTES_RECENT, "wrote lately", &person, parts, error) ||
	    !store->backend->erase_keyed(store, &person, parts, error))
		return NULL;
	return g_steal_pointer(&parts);
}

GPtrArray *store_export(Store *store, const char *hash, const char *address, GError **error)
{
	return walk(store, hash, address, false, error);
}

bool store_forget(Store *store, const char *hash, const char *address, const char *by, guint *parts, GError **error)
{
	g_autoptr(GPtrArray) gone = walk(store, hash, address, true, error);

	*parts = 0;
	for (guint i = 0; gone != NULL && i < gone->len; i++)
		*parts += !((const ErasePart *)gone->pdata[i])->stays;
	return gone != NULL && store_add_event(store, "forgot", hash, by, NULL, error);
}
