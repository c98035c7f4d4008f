/* notes: checks what becomes part of a key, and hands each question on to the backend (see notes.h). Layer: store.
 *
 * A store that a node keeps by itself (the spool) has no notes: there is nobody there to read them. */
#include "store/notes.h"

#include <string.h>

#include "base/error.h"
#include "store/backend.h"

#define MAC_MAX 256
#define ID_NAME 17 /* where the name begins in an incident's id */

/* --- what both backends share --- */

gint64 note_keep(const Config *config, NoteList list)
{
	switch (list) {
	case NOTES_RECENT:
		return (config->recent_keep + 999) / 1000;
	case NOTES_WAITING:
		return MAX(config->retention / 1000, 1);
	default:
		return 0;
	}
}

char *notes_join_apart(const char *one, const char *other)
{
	static const char *const kinds[] = { "legal", "media", "account" };
	g_autofree char *both = g_strconcat(one != NULL ? one : "", ",", other != NULL ? other : "", NULL);
	g_auto(GStrv) found = g_strsplit(both, ",", -1);
	GString *joined = g_string_new(NULL);

	for (gsize i = 0; i < G_N_ELEMENTS(kinds); i++)
		if (g_strv_contains((const char *const *)found, kinds[i]))
			g_string_append_printf(joined, "%s%s", joined->len > 0 ? "," : "", kinds[i]);
	return g_string_free(joined, FALSE);
}

const char *notice_incident(const char *id)
{
	return strlen(id) > ID_NAME ? id + ID_NAME : "";
}

bool notes_are_full(GError **error)
{
	g_set_error(error, OUTAGE_ERROR, OUTAGE_ERROR_INVALID, "waiting: %d mails wait for a person already, and no more are kept",
	    NOTES_MAX);
	return false;
}

bool notice_is_refused(const char *name, bool there, GError **error)
{
	if (there)
		g_set_error(error, OUTAGE_ERROR, OUTAGE_ERROR_INVALID, "notice: %s has been ordered already", name);
	else
		g_set_error(error, OUTAGE_ERROR, OUTAGE_ERROR_INVALID, "notice: there are too many of this incident to take %s too", name);
	return false;
}

/* --- checks --- */

static bool has_notes(const Store *store, GError **error)
{
	return store_keeps(store->backend->note_add != NULL, "what is remembered of mails", error);
}

static bool check_part(const char *what, const char *text, GError **error)
{
	return store_check_part("notes", what, text, error);
}

static bool check_list(const Store *store, NoteList list, const char *id, GError **error)
{
	return has_notes(store, error) && (list != NOTES_CONTACTS || check_part("the id of an incident", id, error));
}

static bool check_signed(const char *payload, const char *mac, GError **error)
{
	if (payload != NULL && strlen(payload) <= NOTE_PAYLOAD_MAX && mac != NULL && strlen(mac) <= MAC_MAX && strpbrk(mac, " \r\n") == NULL)
		return true;
	g_set_error_literal(error, OUTAGE_ERROR, OUTAGE_ERROR_INVALID, "notes: nothing signed, or longer than 32 KB");
	return false;
}

/* --- notes.h --- */

static bool keeps_none(const Store *store, NoteList list)
{
	return list == NOTES_RECENT && note_keep(store->config, list) <= 0;
}

bool store_note_add(Store *store, NoteList list, const char *id, const StoredNote *note, bool *fresh, GError **error)
{
	bool ignored;

	fresh = fresh != NULL ? fresh : &ignored;
	*fresh = false;
	if (!check_list(store, list, id, error) || !check_part("the key of a note", note->key, error) ||
	    !check_signed(note->payload, note->mac, error))
		return false;
	if (keeps_none(store, list))
		return true;
	return store->backend->note_add(store, list, list == NOTES_CONTACTS ? id : NULL, note, fresh, error);
}

bool store_note_facts(Store *store, const Secret *secret, NoteList list, const Facts *facts, GError **error)
{
	g_autofree char *key = list == NOTES_CONTACTS ? secret_address_hash(secret, facts->sender) : facts_key(facts);
	g_autofree char *mac = NULL, *payload = note_sign(secret, facts, &mac), *apart = facts_apart(facts);
	const StoredNote note = { .key = key, .payload = payload, .mac = mac, .at = facts->written_at, .apart = apart };

	return store_note_add(store, list, facts->id, &note, NULL, error);
}

bool store_notes_slice(Store *store, NoteList list, const char *id, char **cursor, GPtrArray *notes, GError **error)
{
	if (!check_list(store, list, id, error))
		return false;
	if (keeps_none(store, list)) {
		g_clear_pointer(cursor, g_free);
		return true;
	}
	return store->backend->notes_slice(store, list, list == NOTES_CONTACTS ? id : NULL, cursor, notes, error);
}

bool store_waiting_end(Store *store, const GPtrArray *keys, GPtrArray *ended, GError **error)
{
	if (!has_notes(store, error))
		return false;
	for (guint i = 0; i < keys->len; i++)
		if (!check_part("the key of a note", keys->pdata[i], error))
			return false;
	return keys->len == 0 || store->backend->waiting_end(store, keys, ended, error);
}

bool store_waiting_page(Store *store, const char *key, guint pages, gint64 now, bool *mine, GError **error)
{
	*mine = false;
	return has_notes(store, error) && check_part("the key of a note", key, error) &&
	    store->backend->waiting_page(store, key, pages, now, mine, error);
}

/* An id, and a tag or name of something that belongs to it. */
static bool check_pair(const Store *store, const char *id, const char *what, const char *name, GError **error)
{
	return has_notes(store, error) && check_part("the id of an incident", id, error) && check_part(what, name, error);
}

bool store_optout_add(Store *store, const char *id, const char *tag, GError **error)
{
	return check_pair(store, id, "a tag", tag, error) && store->backend->optout_add(store, id, tag, error);
}

bool store_optout_has(Store *store, const char *id, const char *tag, bool *has, GError **error)
{
	*has = false;
	return check_pair(store, id, "a tag", tag, error) && store->backend->optout_has(store, id, tag, has, error);
}

bool store_notice_add(Store *store, const char *id, const StoredNotice *notice, const char *by, GError **error)
{
	return check_pair(store, id, "the name of a notice", notice->name, error) &&
	    check_signed(notice->payload, notice->mac, error) && store->backend->notice_add(store, id, notice, by, error);
}

GPtrArray *store_notices(Store *store, const char *id, GError **error)
{
	if (!has_notes(store, error) || !check_part("the id of an incident", id, error))
		return NULL;
	return store->backend->notices(store, id, error);
}

bool store_notice_lease(Store *store, const char *id, const char *name, gint64 seconds, bool *mine, GError **error)
{
	*mine = false;
	return check_pair(store, id, "the name of a notice", name, error) &&
	    store->backend->notice_lease(store, id, name, MAX(seconds, 0), mine, error);
}

bool store_notice_progress(Store *store, const char *id, const char *name, guint64 told, guint64 left_out, bool done,
    GError **error)
{
	return check_pair(store, id, "the name of a notice", name, error) &&
	    store->backend->notice_progress(store, id, name, told, left_out, done, error);
}
