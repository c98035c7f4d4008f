/* redis-notes: notes on mails, notices and who wants none of them, as they lie in Redis. Layer: store, private to redis*.c.
 *
 * A list of notes is a hash with a sorted set beside it, NAME:at, which tells what is past its time without reading a note; both end by
 * themselves when nothing is added any more. All that is read comes through lua/notes.lua and lua/notices.lua, which leave out what is
 * longer than a node would have written. */
#include <string.h>

#include "base/error.h"
#include "store/redis-private.h"

#define END_SLICE 32 /* keys asked for at once: what they may hold together is little more than a slice */

/* --- notes --- */

static const struct {
	const char *name;
	const char *stays;    /* what becomes of one that is there */
	gint64 max;           /* 0 = any number */
	const char *overfull; /* what becomes of too many */
} lists[] = {
	[NOTES_RECENT] = { "recent", "first", NOTES_MAX, "drop" },
	[NOTES_CONTACTS] = { "contacts:", "newest", 0, "" },
	[NOTES_WAITING] = { "waiting", "first", NOTES_MAX, "refuse" },
};

static GPtrArray *note_keys(const RedisStore *store, NoteList list, const char *id)
{
	GPtrArray *keys = g_ptr_array_new_with_free_func(g_free);
	char *name = redis_key(store, lists[list].name, id);

	g_ptr_array_add(keys, name);
	g_ptr_array_add(keys, g_strconcat(name, ":at", NULL));
	return keys;
}

/* What notes.lua is told first. */
static GPtrArray *note_args(const RedisStore *store, NoteList list, const char *how)
{
	GPtrArray *args = command_new(how, NULL);

	command_add_int(args, note_keep(store->base.config, list));
	return args;
}

static redisReply *run_notes(RedisStore *store, NoteList list, const char *id, const GPtrArray *args, bool writes, GError **error)
{
	g_autoptr(GPtrArray) keys = note_keys(store, list, id);

	return redis_script(store, SCRIPT_NOTES, keys, args, writes, error);
}

bool redis_note_add(Store *base, NoteList list, const char *id, const StoredNote *note, bool *fresh, GError **error)
{
	RedisStore *store = (RedisStore *)base;
	gint64 keep = note_keep(base->config, list);
	g_autoptr(GPtrArray) args = note_args(store, list, "add");
	g_autoptr(redisReply) reply = NULL;

	command_add(args, lists[list].stays);
	command_add(args, note->key);
	command_add_int(args, note->at);
	command_add(args, note->apart ? note->apart : "");
	command_add(args, note->mac);
	command_add(args, note->payload);
	command_add_int(args, lists[list].max);
	command_add(args, lists[list].overfull);
	command_add_int(args, keep > 0 ? keep : CONTACTS_TTL_SECONDS(base->config));
	reply = run_notes(store, list, id, args, true, error);
	if (!reply)
		return false;
	if (reply->type != REDIS_REPLY_INTEGER)
		return redis_unexpected("adding a note", error);
	*fresh = reply->integer == 1;
	return reply->integer >= 0 || notes_are_full(error);
}

/* Appends those of a slice (list of: key, at, pages, paged_at, apart, mac, payload). What holds a NUL was not written by a node. */
static void append_notes(const redisReply *list, GPtrArray *notes)
{
	for (gsize i = 0; i < list->elements; i++) {
		const redisReply *words = list->element[i];
		const char *text[7] = { NULL };
		bool whole = words->type == REDIS_REPLY_ARRAY && words->elements == G_N_ELEMENTS(text);
		StoredNote *note;

		for (gsize k = 0; whole && k < G_N_ELEMENTS(text); k++)
			whole = (text[k] = redis_text(words->element[k])) != NULL;
		if (!whole)
			continue;
		note = g_new0(StoredNote, 1);
		note->key = g_strdup(text[0]);
		note->at = g_ascii_strtoll(text[1], NULL, 10);
		note->pages = (guint)MIN(g_ascii_strtoull(text[2], NULL, 10), G_MAXUINT);
		note->paged_at = g_ascii_strtoll(text[3], NULL, 10);
		note->apart = g_strdup(text[4]);
		note->mac = g_strdup(text[5]);
		note->payload = g_strdup(text[6]);
		g_ptr_array_add(notes, note);
	}
}

/* Takes an answer of notes.lua apart: appends its notes, and the keys there was no room for to rest. Returns its cursor (owned by reply),
 * or NULL with error. */
static const char *read_slice(const redisReply *reply, GPtrArray *notes, GPtrArray *rest, GError **error)
{
	const redisReply *const *parts = (const redisReply *const *)reply->element;

	if (reply->type != REDIS_REPLY_ARRAY || reply->elements != 3 || !redis_text(parts[0]) || parts[1]->type != REDIS_REPLY_ARRAY ||
	    parts[2]->type != REDIS_REPLY_ARRAY) {
		redis_unexpected("reading notes", error);
		return NULL;
	}
	append_notes(parts[1], notes);
	for (gsize i = 0; i < parts[2]->elements; i++)
		if (redis_text(parts[2]->element[i]))
			g_ptr_array_add(rest, g_strdup(redis_text(parts[2]->element[i])));
	return redis_text(parts[0]);
}

/* Asks for keys, and for those there was no room for again; how: "get", or "end" to take them out. */
static bool ask_for_keys(RedisStore *store, NoteList list, const char *id, const char *how, GPtrArray *keys, GPtrArray *notes,
    GError **error)
{
	while (keys->len > 0) {
		g_autoptr(GPtrArray) args = note_args(store, list, how), rest = g_ptr_array_new_with_free_func(g_free);
		guint count = MIN(keys->len, END_SLICE);
		g_autoptr(redisReply) reply = NULL;

		for (guint i = 0; i < count; i++)
			command_add(args, keys->pdata[i]);
		reply = run_notes(store, list, id, args, strcmp(how, "end") == 0, error);
		if (!reply || !read_slice(reply, notes, rest, error))
			return false;
		g_ptr_array_remove_range(keys, 0, count);
		/* Each answer holds one at least, so this comes to an end. */
		while (rest->len > 0 && rest->len < count)
			g_ptr_array_add(keys, g_ptr_array_steal_index(rest, rest->len - 1));
	}
	return true;
}

bool redis_notes_slice(Store *base, NoteList list, const char *id, char **cursor, GPtrArray *notes, GError **error)
{
	RedisStore *store = (RedisStore *)base;
	g_autoptr(GPtrArray) args = note_args(store, list, "slice"), rest = g_ptr_array_new_with_free_func(g_free);
	g_autoptr(redisReply) reply = NULL;
	const char *next;

	command_add(args, *cursor ? *cursor : "0");
	reply = run_notes(store, list, id, args, false, error);
	next = reply ? read_slice(reply, notes, rest, error) : NULL;
	if (!next || !ask_for_keys(store, list, id, "get", rest, notes, error))
		return false;
	g_free(*cursor);
	*cursor = strcmp(next, "0") != 0 ? g_strdup(next) : NULL;
	return true;
}

bool redis_notes_drop(Store *base, NoteList list, const GPtrArray *keys, GError **error)
{
	g_autoptr(GPtrArray) left = g_ptr_array_new_with_free_func(g_free);
	g_autoptr(GPtrArray) ignored = g_ptr_array_new_with_free_func((GDestroyNotify)stored_note_free);

	for (guint i = 0; i < keys->len; i++)
		g_ptr_array_add(left, g_strdup(keys->pdata[i]));
	return ask_for_keys((RedisStore *)base, list, NULL, "end", left, ignored, error);
}

bool redis_waiting_end(Store *base, const GPtrArray *keys, GPtrArray *ended, GError **error)
{
	g_autoptr(GPtrArray) left = g_ptr_array_new_with_free_func(g_free);
	g_autoptr(GPtrArray) ignored = g_ptr_array_new_with_free_func((GDestroyNotify)stored_note_free);

	for (guint i = 0; i < keys->len; i++)
		g_ptr_array_add(left, g_strdup(keys->pdata[i]));
	return ask_for_keys((RedisStore *)base, NOTES_WAITING, NULL, "end", left, ended ? ended : ignored, error);
}

bool redis_waiting_page(Store *base, const char *key, guint pages, gint64 now, bool *mine, GError **error)
{
	RedisStore *store = (RedisStore *)base;
	g_autoptr(GPtrArray) args = note_args(store, NOTES_WAITING, "page");
	g_autoptr(redisReply) reply = NULL;

	command_add(args, key);
	command_add_int(args, pages);
	command_add_int(args, MAX(now, 0));
	reply = run_notes(store, NOTES_WAITING, NULL, args, true, error);
	if (reply)
		*mine = reply->integer == 1;
	return reply != NULL;
}

/* --- who wants no notices --- */

bool redis_optout_add(Store *base, const char *id, const char *tag, GError **error)
{
	RedisStore *store = (RedisStore *)base;
	g_autofree char *key = redis_key(store, "optout:", id);
	g_autoptr(GPtrArray) add = command_new("SADD", key, tag, NULL), expire = command_new("EXPIRE", key, NULL), replies = NULL;

	command_add_int(expire, MARK_TTL_SECONDS(base->config));
	link_push(store->link, add);
	link_push(store->link, expire);
	replies = link_run(store->link, base->config->store_timeout, true, error);
	return replies && !link_reply_failed(store->link, replies->pdata[0], error) &&
	    !link_reply_failed(store->link, replies->pdata[1], error);
}

bool redis_optout_has(Store *base, const char *id, const char *tag, bool *has, GError **error)
{
	RedisStore *store = (RedisStore *)base;
	g_autofree char *key = redis_key(store, "optout:", id);
	g_autoptr(GPtrArray) command = command_new("SISMEMBER", key, tag, NULL);
	g_autoptr(redisReply) reply = redis_ask(store, command, false, error);

	if (reply)
		*has = reply->integer == 1;
	return reply != NULL;
}

/* --- notices --- */

/* args: what notices.lua takes. */
static redisReply *run_notices(RedisStore *store, const char *id, const GPtrArray *args, bool writes, GError **error)
{
	g_autoptr(GPtrArray) keys = g_ptr_array_new_with_free_func(g_free);

	g_ptr_array_add(keys, redis_key(store, "notices:", id));
	g_ptr_array_add(keys, redis_key(store, "events", NULL));
	return redis_script(store, SCRIPT_NOTICES, keys, args, writes, error);
}

bool redis_notice_add(Store *base, const char *id, const StoredNotice *notice, const char *by, GError **error)
{
	g_autoptr(GPtrArray) args = command_new("add", notice->name, notice->mac, notice->payload, notice_incident(id), id,
	    by ? by : "", NULL);
	g_autoptr(redisReply) reply = NULL;

	command_add_int(args, MARK_TTL_SECONDS(base->config));
	reply = run_notices((RedisStore *)base, id, args, true, error);
	if (!reply)
		return false;
	return reply->integer == 1 || notice_is_refused(notice->name, reply->integer == 0, error);
}

/* words: name, done, told, left_out, mac, payload. NULL where a node has not written them. */
static StoredNotice *read_notice(const redisReply *words)
{
	const char *text[6] = { NULL };
	StoredNotice *notice;

	if (words->type != REDIS_REPLY_ARRAY || words->elements != G_N_ELEMENTS(text))
		return NULL;
	for (gsize i = 0; i < G_N_ELEMENTS(text); i++)
		if (!(text[i] = redis_text(words->element[i])))
			return NULL;
	notice = g_new0(StoredNotice, 1);
	notice->name = g_strdup(text[0]);
	notice->done = strcmp(text[1], "1") == 0;
	notice->told = g_ascii_strtoull(text[2], NULL, 10);
	notice->left_out = g_ascii_strtoull(text[3], NULL, 10);
	notice->mac = g_strdup(text[4]);
	notice->payload = g_strdup(text[5]);
	return notice;
}

static int compare_notices(gconstpointer a, gconstpointer b)
{
	return strcmp((*(StoredNotice *const *)a)->name, (*(StoredNotice *const *)b)->name);
}

GPtrArray *redis_notices(Store *base, const char *id, GError **error)
{
	RedisStore *store = (RedisStore *)base;
	g_autoptr(GPtrArray) args = command_new("list", "", NULL);
	g_autoptr(GPtrArray) notices = g_ptr_array_new_with_free_func((GDestroyNotify)stored_notice_free);
	g_autoptr(redisReply) reply = run_notices(store, id, args, false, error);

	if (!reply)
		return NULL;
	if (reply->type == REDIS_REPLY_INTEGER) {
		g_set_error(error, OUTAGE_ERROR, OUTAGE_ERROR_INVALID, "Redis: %snotices:%s holds more than its notices: remove it with DEL",
		    base->config->store_prefix, id);
		return NULL;
	}
	for (gsize i = 0; i < reply->elements; i++) {
		StoredNotice *notice = read_notice(reply->element[i]);

		if (notice)
			g_ptr_array_add(notices, notice);
	}
	g_ptr_array_sort(notices, compare_notices);
	return g_steal_pointer(&notices);
}

bool redis_notice_lease(Store *base, const char *id, const char *name, gint64 seconds, bool *mine, GError **error)
{
	g_autoptr(GPtrArray) args = command_new("lease", name, base->consumer, NULL);
	g_autoptr(redisReply) reply = NULL;

	command_add_int(args, seconds);
	reply = run_notices((RedisStore *)base, id, args, true, error);
	if (reply)
		*mine = reply->integer == 1;
	return reply != NULL;
}

bool redis_notice_progress(Store *base, const char *id, const char *name, guint64 told, guint64 left_out, bool done, GError **error)
{
	g_autofree char *so_far = g_strdup_printf("%" G_GUINT64_FORMAT, told);
	g_autofree char *others = g_strdup_printf("%" G_GUINT64_FORMAT, left_out);
	g_autoptr(GPtrArray) args = command_new("progress", name, base->consumer, so_far, others, done ? "1" : "0", NULL);
	g_autoptr(redisReply) reply = run_notices((RedisStore *)base, id, args, true, error);

	return reply != NULL;
}
