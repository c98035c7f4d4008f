/* redis-tables: events, accounts, nodes, and who has jobs in hand. Layer: store, private to redis*.c.
 *
 * Accounts and nodes are hashes that people and other tools write too, and of any size: they are read through a script (accounts.lua)
 * that hands out a slice at a time and leaves out what is too long, so that no field and no number of them holds Redis or us up. */
#include <string.h>

#include "base/clock.h"
#include "base/error.h"
#include "store/redis-private.h"

#define SLICE 64            /* fields a slice looks at: Redis has it done in a fraction of a millisecond */
#define CHANGES_MAX 100     /* slices of events read at once: more than Redis keeps of them */
#define NODE_GONE 86400     /* seconds: a node silent for longer is gone */
#define EVENTS_SLICE 200    /* events read at once */

/* --- events --- */

bool redis_add_event(Store *base, const char *what, const char *name, const char *by, const char *detail,
    GError **error)
{
	RedisStore *store = (RedisStore *)base;
	g_autoptr(GPtrArray) keys = g_ptr_array_new_with_free_func(g_free);
	g_autoptr(GPtrArray) args = command_new(what, name ? name : "", by ? by : base->node, detail ? detail : "", NULL);
	g_autoptr(redisReply) reply = NULL;

	g_ptr_array_add(keys, redis_key(store, "events", NULL));
	reply = redis_script(store, SCRIPT_ADD_EVENT, keys, args, true, error);
	return reply != NULL;
}

static char *event_field(const redisReply *list, const char *field)
{
	const char *text = redis_field(list, field);

	return text && *text ? g_strdup(text) : NULL;
}

GPtrArray *redis_events(Store *base, guint count, GError **error)
{
	RedisStore *store = (RedisStore *)base;
	g_autofree char *key = redis_key(store, "events", NULL);
	g_autoptr(GPtrArray) command = command_new("XREVRANGE", key, "+", "-", "COUNT", NULL);
	g_autoptr(GPtrArray) events = g_ptr_array_new_with_free_func((GDestroyNotify)store_event_free);
	g_autoptr(redisReply) reply = NULL;

	command_add_int(command, count);
	reply = redis_ask(store, command, false, error);
	if (!reply)
		return NULL;
	for (gsize i = 0; i < reply->elements; i++) {
		const redisReply *entry = reply->element[i];
		StoreEvent *event;

		if (entry->type != REDIS_REPLY_ARRAY || entry->elements != 2)
			continue;
		event = g_new0(StoreEvent, 1);
		event->at = redis_number(entry->element[0]) / 1000;
		event->what = event_field(entry->element[1], "what");
		event->name = event_field(entry->element[1], "name");
		event->by = event_field(entry->element[1], "by");
		event->detail = event_field(entry->element[1], "detail");
		if (!event->what)
			event->what = g_strdup("");
		g_ptr_array_add(events, event);
	}
	return g_steal_pointer(&events);
}

static char *event_text(const redisReply *reply)
{
	const char *text = redis_text(reply);

	return text && *text ? g_strdup(text) : NULL;
}

/* ms, what, name, by, detail as events.lua answers them. */
static StoreEvent *read_event(const redisReply *entry)
{
	StoreEvent *event;

	if (entry->type != REDIS_REPLY_ARRAY || entry->elements != 5)
		return NULL;
	event = g_new0(StoreEvent, 1);
	event->at = redis_number(entry->element[0]) / 1000;
	event->what = event_text(entry->element[1]);
	event->name = event_text(entry->element[2]);
	event->by = event_text(entry->element[3]);
	event->detail = event_text(entry->element[4]);
	if (!event->what)
		event->what = g_strdup("");
	return event;
}

bool redis_events_slice(Store *base, gint64 since, char **cursor, GPtrArray *events, GError **error)
{
	RedisStore *store = (RedisStore *)base;
	g_autofree char *from = g_strdup_printf("%" G_GINT64_FORMAT, MAX(since, 0) * 1000);
	g_autoptr(GPtrArray) keys = g_ptr_array_new_with_free_func(g_free);
	g_autoptr(GPtrArray) args = command_new(*cursor ? *cursor : from, G_STRINGIFY(EVENTS_SLICE), NULL);
	g_autoptr(redisReply) reply = NULL;
	const char *next;

	g_ptr_array_add(keys, redis_key(store, "events", NULL));
	reply = redis_script(store, SCRIPT_EVENTS, keys, args, false, error);
	if (!reply)
		return false;
	next = reply->type == REDIS_REPLY_ARRAY && reply->elements == 2 ? redis_text(reply->element[0]) : NULL;
	if (!next || reply->element[1]->type != REDIS_REPLY_ARRAY)
		return redis_unexpected("the reading of events", error);
	for (gsize i = 0; i < reply->element[1]->elements; i++) {
		StoreEvent *event = read_event(reply->element[1]->element[i]);

		if (event)
			g_ptr_array_add(events, event);
	}
	g_free(*cursor);
	*cursor = *next ? g_strdup(next) : NULL;
	return true;
}

/* --- accounts --- */

static GPtrArray *hash_keys(const RedisStore *store, const char *name)
{
	GPtrArray *keys = g_ptr_array_new_with_free_func(g_free);

	g_ptr_array_add(keys, redis_key(store, name, NULL));
	g_ptr_array_add(keys, redis_key(store, "events", NULL));
	return keys;
}

/* Runs accounts.lua over the hash called name. */
static redisReply *read_hash(RedisStore *store, const char *name, const GPtrArray *args, GError **error)
{
	g_autoptr(GPtrArray) keys = hash_keys(store, name);

	return redis_script(store, SCRIPT_ACCOUNTS, keys, args, false, error);
}

/* key, value as accounts.lua answers them. */
static StoredAccount *read_entry(const redisReply *key, const redisReply *value)
{
	StoredAccount *entry = g_new0(StoredAccount, 1);

	/* What is cut at a NUL is not the key, but tells a person which one it is. */
	entry->key = key->type == REDIS_REPLY_STRING ? g_strdup(key->str) : g_strdup_printf("(%lld bytes)", key->integer);
	if (key->type == REDIS_REPLY_INTEGER)
		entry->trouble = g_strdup("the key is longer than 512 bytes");
	else if (!redis_text(key))
		entry->trouble = g_strdup("the key has a NUL byte in it");
	else if (value->type == REDIS_REPLY_INTEGER)
		entry->trouble = g_strdup_printf("the entry is longer than 16 KB (%lld bytes)", value->integer);
	else if (value->type == REDIS_REPLY_STRING && !redis_text(value))
		entry->trouble = g_strdup("the entry has a NUL byte in it");
	else if (value->type == REDIS_REPLY_STRING)
		entry->json = g_strdup(value->str);
	return entry;
}

/* Appends those of keys that are there to entries; with `all` the others too, without json. */
static bool read_fields(RedisStore *store, const char *name, const GPtrArray *keys, bool all, GPtrArray *entries, GError **error)
{
	for (guint at = 0; at < keys->len; at += SLICE) {
		g_autoptr(GPtrArray) args = command_new("get", NULL);
		g_autoptr(redisReply) reply = NULL;

		for (guint i = at; i < MIN(at + SLICE, keys->len); i++)
			command_add(args, keys->pdata[i]);
		reply = read_hash(store, name, args, error);
		if (!reply)
			return false;
		for (gsize i = 0; i + 1 < reply->elements; i += 2)
			if (all || reply->element[i + 1]->type != REDIS_REPLY_NIL)
				g_ptr_array_add(entries, read_entry(reply->element[i], reply->element[i + 1]));
	}
	return true;
}

/* Reads a small hash by its names: *done false where it is large. */
static bool read_by_name(RedisStore *store, const char *name, bool *done, GPtrArray *entries, GError **error)
{
	g_autoptr(GPtrArray) args = command_new("names", NULL), keys = g_ptr_array_new();
	g_autoptr(redisReply) reply = read_hash(store, name, args, error);

	if (!reply)
		return false;
	*done = reply->type == REDIS_REPLY_ARRAY;
	for (gsize i = 0; *done && i < reply->elements; i++) {
		const redisReply *key = reply->element[i];

		if (redis_text(key))
			g_ptr_array_add(keys, key->str);
		else
			g_ptr_array_add(entries, read_entry(key, key));
	}
	return read_fields(store, name, keys, false, entries, error);
}

/* One slice of the hash called name; cursor as store_accounts_slice. */
static bool read_slice(RedisStore *store, const char *name, char **cursor, GPtrArray *entries, GError **error)
{
	g_autoptr(GPtrArray) args = command_new("slice", *cursor ? *cursor : "0", G_STRINGIFY(SLICE), NULL);
	g_autoptr(redisReply) reply = NULL;
	bool done = false;
	const char *next;

	if (!*cursor && !read_by_name(store, name, &done, entries, error))
		return false;
	if (done)
		return true;
	reply = read_hash(store, name, args, error);
	if (!reply)
		return false;
	next = reply->type == REDIS_REPLY_ARRAY && reply->elements == 2 ? redis_text(reply->element[0]) : NULL;
	if (!next || reply->element[1]->type != REDIS_REPLY_ARRAY)
		return redis_unexpected("HSCAN", error);
	for (gsize i = 0; i + 1 < reply->element[1]->elements; i += 2)
		g_ptr_array_add(entries, read_entry(reply->element[1]->element[i], reply->element[1]->element[i + 1]));
	g_free(*cursor);
	*cursor = strcmp(next, "0") != 0 ? g_strdup(next) : NULL;
	return true;
}

bool redis_accounts_slice(Store *base, char **cursor, GPtrArray *entries, GError **error)
{
	return read_slice((RedisStore *)base, "accounts", cursor, entries, error);
}

bool redis_accounts_get(Store *base, const GPtrArray *keys, GPtrArray *entries, GError **error)
{
	return read_fields((RedisStore *)base, "accounts", keys, true, entries, error);
}

bool redis_account_changes(Store *base, char **since, GPtrArray *keys, bool *lost, GError **error)
{
	for (guint slices = 0; slices < CHANGES_MAX; slices++) {
		g_autoptr(GPtrArray) args = command_new("changes", *since ? *since : "", NULL);
		g_autoptr(redisReply) reply = read_hash((RedisStore *)base, "accounts", args, error);

		if (!reply)
			return false;
		if (reply->type != REDIS_REPLY_ARRAY || reply->elements < 3 || !redis_text(reply->element[0]))
			return redis_unexpected("the reading of events", error);
		g_free(*since);
		*since = g_strdup(redis_text(reply->element[0]));
		*lost = redis_number(reply->element[1]) != 0;
		for (gsize i = 3; i < reply->elements; i++) {
			const char *key = redis_text(reply->element[i]);

			if (key)
				g_ptr_array_add(keys, g_strdup(key));
		}
		if (*lost || redis_number(reply->element[2]) == 0)
			return true;
	}
	/* They come faster than they can be read. */
	*lost = true;
	return true;
}

static bool write_account(RedisStore *store, const char *key, const char *json, const char *by, bool *found,
    GError **error)
{
	g_autoptr(GPtrArray) keys = g_ptr_array_new_with_free_func(g_free);
	g_autoptr(GPtrArray) args = command_new(key, by ? by : "", json, NULL);
	g_autoptr(redisReply) reply = NULL;

	g_ptr_array_add(keys, redis_key(store, "accounts", NULL));
	g_ptr_array_add(keys, redis_key(store, "events", NULL));
	reply = redis_script(store, SCRIPT_ACCOUNT, keys, args, true, error);
	if (reply)
		*found = reply->integer == 1;
	return reply != NULL;
}

bool redis_account_put(Store *base, const char *key, const char *json, const char *by, GError **error)
{
	bool found;

	return write_account((RedisStore *)base, key, json, by, &found, error);
}

bool redis_account_remove(Store *base, const char *key, const char *by, bool *found, GError **error)
{
	return write_account((RedisStore *)base, key, "", by, found, error);
}

/* --- nodes --- */

bool redis_heartbeat(Store *base, const char *json, GError **error)
{
	RedisStore *store = (RedisStore *)base;
	g_autoptr(GPtrArray) keys = g_ptr_array_new_with_free_func(g_free), args = command_new(base->node, json, NULL);
	g_autoptr(redisReply) reply = NULL;

	g_ptr_array_add(keys, redis_key(store, "nodes", NULL));
	g_ptr_array_add(keys, redis_key(store, "events", NULL));
	command_add_int(args, MAX(base->config->retention / 1000, 1));
	command_add_int(args, EVENTS_KEEP);
	reply = redis_script(store, SCRIPT_HEARTBEAT, keys, args, true, error);
	return reply != NULL;
}

static int compare_nodes(gconstpointer a, gconstpointer b)
{
	return strcmp((*(StoreNode *const *)a)->node, (*(StoreNode *const *)b)->node);
}

/* value = seconds SP json. NULL where it is something else, or of a node long gone. */
static StoreNode *read_node(const StoredAccount *entry, gint64 now)
{
	const char *json = entry->json ? strchr(entry->json, ' ') : NULL;
	gint64 at = json ? g_ascii_strtoll(entry->json, NULL, 10) : 0;
	StoreNode *node;

	if (!json || at < now - NODE_GONE)
		return NULL;
	node = g_new0(StoreNode, 1);
	node->node = g_strdup(entry->key);
	node->at = at;
	node->json = g_strdup(json + 1);
	return node;
}

GPtrArray *redis_nodes(Store *base, GError **error)
{
	g_autoptr(GPtrArray) nodes = g_ptr_array_new_with_free_func((GDestroyNotify)store_node_free);
	g_autoptr(GHashTable) seen = g_hash_table_new(g_str_hash, g_str_equal);
	g_autofree char *cursor = NULL;
	gint64 now = clock_now();

	do {
		g_autoptr(GPtrArray) entries = g_ptr_array_new_with_free_func((GDestroyNotify)stored_account_free);

		if (!read_slice((RedisStore *)base, "nodes", &cursor, entries, error))
			return NULL;
		for (guint i = 0; i < entries->len; i++) {
			StoreNode *node = read_node(entries->pdata[i], now);

			if (node && g_hash_table_add(seen, node->node))
				g_ptr_array_add(nodes, node);
			else
				store_node_free(node);
		}
	} while (cursor);
	g_ptr_array_sort(nodes, compare_nodes);
	return g_steal_pointer(&nodes);
}

/* --- jobs in hand --- */

GPtrArray *redis_queue_shares(Store *base, GError **error)
{
	RedisStore *store = (RedisStore *)base;
	g_autofree char *acks = redis_key(store, "acks", NULL);
	g_autoptr(GPtrArray) command = command_new("XINFO", "CONSUMERS", acks, "replier", NULL);
	g_autoptr(GPtrArray) shares = g_ptr_array_new_with_free_func((GDestroyNotify)store_share_free);
	g_autoptr(GError) inner = NULL;
	g_autoptr(redisReply) reply = redis_ask(store, command, false, &inner);

	/* Before the first job there is neither queue nor group. */
	if (!reply && (strstr(inner->message, "no such key") || strstr(inner->message, "NOGROUP")))
		return g_steal_pointer(&shares);
	if (!reply) {
		g_propagate_error(error, g_steal_pointer(&inner));
		return NULL;
	}
	for (gsize i = 0; i < reply->elements; i++) {
		const redisReply *consumer = reply->element[i];
		const char *name = redis_field(consumer, "name");
		StoreShare *share;

		if (!name)
			continue;
		share = g_new0(StoreShare, 1);
		share->name = g_strdup(name);
		for (gsize at = 0; at + 1 < consumer->elements; at += 2)
			if (g_strcmp0(redis_text(consumer->element[at]), "pending") == 0)
				share->jobs = (guint64)MAX(redis_number(consumer->element[at + 1]), 0);
		g_ptr_array_add(shares, share);
	}
	return g_steal_pointer(&shares);
}
