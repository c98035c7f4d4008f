/* redis-erase: what Redis holds of one person. Layer: store, private to redis*.c.
 *
 * All keys under our prefix are gone through (SCAN), for which incidents there have been is nowhere listed. Keys of a wrong type are passed
 * over: they are not ours. */
#include <string.h>

#include "base/error.h"
#include "store/redis-private.h"

#define SCAN_COUNT "1000"
#define VALUE_MAX 65536 /* what is longer, no node has written */

typedef struct {
	RedisStore *store;
	const ErasePerson *person;
	GPtrArray *parts;
} Walk;

/* Runs one command; NULL without error where Redis says no to it (a key of another type), NULL with error where it cannot be asked. Takes
 * command over. */
static redisReply *ask(RedisStore *store, GPtrArray *command, bool writes, GError **error)
{
	g_autoptr(GPtrArray) words = command;
	g_autoptr(GError) refusal = NULL;
	redisReply *reply = redis_ask(store, words, writes, &refusal);

	if (reply == NULL && link_is_broken(store->link))
		g_propagate_error(error, g_steal_pointer(&refusal));
	return reply;
}

/* size and get: the commands that tell a value's length and the value (taken over). Returns the text, or NULL without error where there is
 * none, or one too long. Caller frees. */
static char *read_value(RedisStore *store, GPtrArray *size, GPtrArray *get, GError **error)
{
	g_autoptr(redisReply) length = ask(store, size, false, error), value = NULL;

	if (length == NULL || length->type != REDIS_REPLY_INTEGER || length->integer == 0 || length->integer > VALUE_MAX) {
		g_ptr_array_unref(get);
		return NULL;
	}
	value = ask(store, get, false, error);
	return value != NULL && redis_text(value) != NULL ? g_strdup(redis_text(value)) : NULL;
}

static char *read_string(RedisStore *store, const char *key, GError **error)
{
	return read_value(store, command_new("STRLEN", key, NULL), command_new("GET", key, NULL), error);
}

static char *read_field(RedisStore *store, const char *key, const char *field, GError **error)
{
	return read_value(store, command_new("HSTRLEN", key, field, NULL), command_new("HGET", key, field, NULL), error);
}

/* Takes command over. */
static bool take_away(RedisStore *store, GPtrArray *command, GError **error)
{
	g_autoptr(GError) inner = NULL;
	g_autoptr(redisReply) reply = ask(store, command, true, &inner);

	if (inner != NULL)
		g_propagate_error(error, g_steal_pointer(&inner));
	return reply != NULL || !link_is_broken(store->link);
}

/* --- by kind of key. Each returns false with error where Redis cannot be asked. --- */

/* A mark: "TOKEN SECONDS" or "TOKEN SECONDS sent". rest: ID:KIND:HASH. */
static bool visit_mark(const Walk *walk, const char *key, const char *rest, GError **error)
{
	g_auto(GStrv) parts = g_strsplit(rest, ":", 3);
	g_autoptr(GError) inner = NULL;
	g_autofree char *mark = NULL;
	const char *space;
	bool stays;

	if (g_strv_length(parts) != 3 || strcmp(parts[2], walk->person->hash) != 0)
		return true;
	mark = read_string(walk->store, key, &inner);
	if (inner != NULL) {
		g_propagate_error(error, g_steal_pointer(&inner));
		return false;
	}
	space = mark != NULL ? strchr(mark, ' ') : NULL;
	stays = erase_is_on(walk->person, parts[0]);
	erase_add(walk->parts, g_strdup_printf("acknowledgement %s %s", parts[0], parts[1]),
	    space != NULL ? g_ascii_strtoll(space, NULL, 10) : 0, mark != NULL && g_str_has_suffix(mark, " sent") ? "sent" : "", stays);
	return stays || !walk->person->drop || take_away(walk->store, command_new("DEL", key, NULL), error);
}

/* A note: AT SP PAGES SP PAGED_AT SP APART SP MAC SP PAYLOAD (lua/notes.lua). */
static bool visit_contacts(const Walk *walk, const char *key, const char *id, GError **error)
{
	g_autoptr(GError) inner = NULL;
	g_autofree char *note = read_field(walk->store, key, walk->person->hash, &inner), *at_key = g_strconcat(key, ":at", NULL);
	const char *payload = note != NULL ? strchr(note, '{') : NULL;

	if (note == NULL) {
		if (inner != NULL)
			g_propagate_error(error, g_steal_pointer(&inner));
		return !link_is_broken(walk->store->link);
	}
	erase_add(walk->parts, g_strdup_printf("wrote in %s", id), g_ascii_strtoll(note, NULL, 10), payload != NULL ? payload : "", false);
	return !walk->person->drop || (take_away(walk->store, command_new("HDEL", key, walk->person->hash, NULL), error) &&
	    take_away(walk->store, command_new("ZREM", at_key, walk->person->hash, NULL), error));
}

/* FIRST LAST ANSWERED MAILS AGAIN [ACCOUNT] (lua/stats-write.lua). Which of his mails these were is kept beside, by their keys, and ends by
 * itself. */
static bool visit_threads(const Walk *walk, const char *key, const char *id, GError **error)
{
	g_autoptr(GError) inner = NULL;
	g_autofree char *thread = read_field(walk->store, key, walk->person->hash, &inner), *at_key = g_strconcat(key, ":at", NULL);

	if (thread == NULL) {
		if (inner != NULL)
			g_propagate_error(error, g_steal_pointer(&inner));
		return !link_is_broken(walk->store->link);
	}
	erase_add(walk->parts, g_strdup_printf("mails and answers %s", id), g_ascii_strtoll(thread, NULL, 10), thread, false);
	return !walk->person->drop || (take_away(walk->store, command_new("HDEL", key, walk->person->hash, NULL), error) &&
	    take_away(walk->store, command_new("ZREM", at_key, walk->person->hash, NULL), error));
}

/* what: "affected", "wants no notices". */
static bool visit_set(const Walk *walk, const char *key, const char *what, const char *id, const char *member, bool stays, GError **error)
{
	g_autoptr(GError) inner = NULL;
	g_autoptr(redisReply) reply = ask(walk->store, command_new("SISMEMBER", key, member, NULL), false, &inner);

	if (inner != NULL) {
		g_propagate_error(error, g_steal_pointer(&inner));
		return false;
	}
	if (reply == NULL || reply->type != REDIS_REPLY_INTEGER || reply->integer != 1)
		return true;
	erase_add(walk->parts, g_strdup_printf("%s %s", what, id), 0, "", stays);
	return stays || !walk->person->drop || take_away(walk->store, command_new("SREM", key, member, NULL), error);
}

/* A key of his own: bounced:HASH, rate:address:HASH:DAY. */
static bool visit_own(const Walk *walk, const char *key, const char *what, GError **error)
{
	g_autoptr(GError) inner = NULL;
	g_autofree char *text = read_string(walk->store, key, &inner);

	if (inner != NULL) {
		g_propagate_error(error, g_steal_pointer(&inner));
		return false;
	}
	erase_add(walk->parts, g_strdup(what), 0, text != NULL ? text : "", false);
	return !walk->person->drop || take_away(walk->store, command_new("DEL", key, NULL), error);
}

/* Returns what follows prefix in name, or NULL. */
static const char *after(const char *name, const char *prefix)
{
	return g_str_has_prefix(name, prefix) ? name + strlen(prefix) : NULL;
}

/* name: key without the site's prefix. */
static bool visit(const Walk *walk, const char *key, const char *name, GError **error)
{
	const ErasePerson *person = walk->person;
	const char *rest;

	if ((rest = after(name, "acked:")) != NULL)
		return visit_mark(walk, key, rest, error);
	if ((rest = after(name, "contacts:")) != NULL)
		return g_str_has_suffix(rest, ":at") || visit_contacts(walk, key, rest, error);
	if ((rest = after(name, "stats:threads:")) != NULL)
		return g_str_has_suffix(rest, ":at") || visit_threads(walk, key, rest, error);
	if ((rest = after(name, "affected:")) != NULL)
		return visit_set(walk, key, "affected", rest, person->hash, false, error);
	if ((rest = after(name, "optout:")) != NULL)
		return visit_set(walk, key, "wants no notices", rest, person->tag, erase_is_on(person, rest), error);
	if ((rest = after(name, "bounced:")) != NULL)
		return strcmp(rest, person->hash) != 0 || visit_own(walk, key, "bounced", error);
	if ((rest = after(name, "rate:address:")) != NULL)
		return !g_str_has_prefix(rest, person->hash) || visit_own(walk, key, "letters of today", error);
	return true;
}

/* A pattern of SCAN that stands for nothing but itself, and what follows it. */
static char *pattern_of(const char *prefix)
{
	GString *pattern = g_string_new(NULL);

	for (const char *p = prefix; *p != '\0'; p++) {
		if (strchr("*?[]\\", *p) != NULL)
			g_string_append_c(pattern, '\\');
		g_string_append_c(pattern, *p);
	}
	return g_string_free(g_string_append_c(pattern, '*'), FALSE);
}

static bool visit_all(const Walk *walk, const redisReply *keys, GHashTable *seen, GError **error)
{
	gsize prefix = strlen(walk->store->base.config->store_prefix);

	for (gsize i = 0; i < keys->elements; i++) {
		const char *key = redis_text(keys->element[i]);

		/* SCAN may name one twice. */
		if (key == NULL || strlen(key) < prefix || !g_hash_table_add(seen, g_strdup(key)))
			continue;
		if (!visit(walk, key, key + prefix, error))
			return false;
	}
	return true;
}

/* What events say of him: that his mail came back, in words that may name him. That somebody has looked or let go stays: who did it is told
 * by a keyed hash alone. */
static bool visit_events(const Walk *walk, GError **error)
{
	g_autofree char *key = redis_key(walk->store, "events", NULL);
	g_autoptr(GError) inner = NULL;
	g_autoptr(redisReply) reply = ask(walk->store, command_new("XRANGE", key, "-", "+", NULL), false, &inner);
	bool ok = inner == NULL;

	if (inner != NULL)
		g_propagate_error(error, g_steal_pointer(&inner));
	for (gsize i = 0; ok && reply != NULL && i < reply->elements; i++) {
		const redisReply *entry = reply->element[i];
		bool whole = entry->type == REDIS_REPLY_ARRAY && entry->elements == 2 && redis_text(entry->element[0]) != NULL;
		const char *detail;

		if (!whole || g_strcmp0(redis_field(entry->element[1], "what"), "bounced") != 0 ||
		    g_strcmp0(redis_field(entry->element[1], "name"), walk->person->hash) != 0)
			continue;
		detail = redis_field(entry->element[1], "detail");
		erase_add(walk->parts, g_strdup("event bounced"),
		    g_ascii_strtoll(redis_text(entry->element[0]), NULL, 10) / 1000, detail != NULL ? detail : "", false);
		if (walk->person->drop)
			ok = take_away(walk->store, command_new("XDEL", key, redis_text(entry->element[0]), NULL), error);
	}
	return ok;
}

bool redis_erase_keyed(Store *base, const ErasePerson *person, GPtrArray *parts, GError **error)
{
	const Walk walk = { .store = (RedisStore *)base, .person = person, .parts = parts };
	g_autoptr(GHashTable) seen = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	g_autofree char *pattern = pattern_of(base->config->store_prefix), *cursor = g_strdup("0");

	do {
		g_autoptr(GPtrArray) command = command_new("SCAN", cursor, "MATCH", pattern, "COUNT", SCAN_COUNT, NULL);
		g_autoptr(redisReply) reply = redis_ask(walk.store, command, false, error);

		if (reply == NULL)
			return false;
		if (reply->type != REDIS_REPLY_ARRAY || reply->elements != 2 || redis_text(reply->element[0]) == NULL ||
		    reply->element[1]->type != REDIS_REPLY_ARRAY)
			return redis_unexpected("SCAN", error);
		g_free(cursor);
		cursor = g_strdup(redis_text(reply->element[0]));
		if (!visit_all(&walk, reply->element[1], seen, error))
			return false;
	} while (strcmp(cursor, "0") != 0);
	return visit_events(&walk, error);
}

/* --- letters --- */

static bool walk_queue(const Walk *walk, const char *what, const char *place, GError **error)
{
	g_autoptr(GPtrArray) keys = g_ptr_array_new_with_free_func(g_free);
	g_autofree char *cursor = g_strdup("");

	g_ptr_array_add(keys, redis_key(walk->store, "acks", NULL));
	g_ptr_array_add(keys, redis_key(walk->store, "acks:retry", NULL));
	g_ptr_array_add(keys, redis_key(walk->store, "acks:dead", NULL));
	do {
		g_autoptr(GPtrArray) args = command_new(what, cursor, walk->person->needle, walk->person->drop ? "1" : "0", NULL);
		g_autoptr(redisReply) reply = redis_script(walk->store, SCRIPT_ERASE, keys, args, walk->person->drop, error);

		if (reply == NULL)
			return false;
		if (reply->type != REDIS_REPLY_ARRAY || reply->elements != 2 || redis_text(reply->element[0]) == NULL)
			return redis_unexpected("the letters to one person", error);
		for (gsize i = 0; i < reply->element[1]->elements; i++) {
			const char *payload = redis_text(reply->element[1]->element[i]);

			if (payload != NULL)
				erase_add(walk->parts, g_strdup(place), 0, payload, false);
		}
		g_free(cursor);
		cursor = g_strdup(redis_text(reply->element[0]));
	} while (*cursor != '\0');
	return true;
}

bool redis_erase_jobs(Store *base, const ErasePerson *person, GPtrArray *parts, GError **error)
{
	const Walk walk = { .store = (RedisStore *)base, .person = person, .parts = parts };

	return walk_queue(&walk, "pending", "letter waiting", error) && walk_queue(&walk, "delayed", "letter waiting", error) &&
	    walk_queue(&walk, "dead", "letter that could not be sent", error);
}
