/* redis: the store as a Redis server that all nodes share. Layer: store.
 *
 * What has to happen at once is a Lua script (store/lua, built in as text and run by its digest); what is only read
 * is a pipeline of one round trip. This file opens the store, runs scripts, and holds the operator's writes and the
 * small tables (accounts, nodes, events); the snapshot, the waiting, the jobs and the queue stand in the siblings
 * redis-*.c. */
#include <string.h>

#include "base/clock.h"
#include "base/error.h"
#include "lua-scripts.h"
#include "store/redis-private.h"

#define ACCOUNTS_SLICE "200" /* fields a HSCAN looks at: a slice takes Redis well under a millisecond */

const char *const redis_state_fields[STATE_FIELDS] = {
	"word", "flip", "id", "declared_at", "reopened_at", "resolved_at", "ended_at", "epoch", "updates_after",
};

static const struct {
	const char *text;
	bool incident; /* stands on incident.lua */
} scripts[SCRIPTS] = {
	[SCRIPT_TRANSITION] = { lua_transition, true },
	[SCRIPT_SET_WORD] = { lua_set_word, true },
	[SCRIPT_SET_TEXTS] = { lua_set_texts, true },
	[SCRIPT_ADD_UPDATE] = { lua_add_update, false },
	[SCRIPT_SET_PAUSE] = { lua_set_pause, false },
	[SCRIPT_ACCOUNT] = { lua_account, false },
	[SCRIPT_HEARTBEAT] = { lua_heartbeat, false },
	[SCRIPT_CLAIM] = { lua_claim, false },
	[SCRIPT_JOB_DUE] = { lua_job_due, false },
	[SCRIPT_JOB_END] = { lua_job_end, false },
	[SCRIPT_JOB_PROMOTE] = { lua_job_promote, false },
	[SCRIPT_QUEUE_MOVE] = { lua_queue_move, false },
	[SCRIPT_BLOCK] = { lua_block, false },
};

char *redis_key(const RedisStore *store, const char *name, const char *more)
{
	return g_strconcat(store->base.config->store_prefix, name, more, NULL);
}

redisReply *redis_ask(RedisStore *store, const GPtrArray *command, bool writes, GError **error)
{
	return link_ask(store->link, command, store->base.config->store_timeout, writes, error);
}

static void push_script(RedisStore *store, ScriptName script, const GPtrArray *keys, const GPtrArray *args)
{
	g_autoptr(GPtrArray) command = command_new("EVALSHA", store->digest[script], NULL);

	command_add_int(command, keys->len);
	for (guint i = 0; i < keys->len; i++)
		command_add(command, keys->pdata[i]);
	for (guint i = 0; i < args->len; i++)
		command_add(command, args->pdata[i]);
	link_push(store->link, command);
}

/* A server that is new or was flushed does not know the script yet. */
static bool load_if_missing(RedisStore *store, ScriptName script, const redisReply *reply, bool *missing,
    GError **error)
{
	g_autoptr(GPtrArray) command = NULL;
	g_autoptr(redisReply) loaded = NULL;

	*missing = reply->type == REDIS_REPLY_ERROR && g_str_has_prefix(reply->str, "NOSCRIPT");
	if (!*missing)
		return true;
	command = command_new("SCRIPT", "LOAD", store->script[script], NULL);
	loaded = redis_ask(store, command, false, error);
	return loaded != NULL;
}

GPtrArray *redis_script_and(RedisStore *store, ScriptName script, const GPtrArray *keys, const GPtrArray *args,
    const GPtrArray *more, bool writes, GError **error)
{
	for (int attempt = 0;; attempt++) {
		g_autoptr(GPtrArray) replies = NULL;
		bool missing;

		push_script(store, script, keys, args);
		for (guint i = 0; more && i < more->len; i++)
			link_push(store->link, more->pdata[i]);
		replies = link_run(store->link, store->base.config->store_timeout, writes, error);
		if (!replies || !load_if_missing(store, script, replies->pdata[0], &missing, error))
			return NULL;
		if (missing && attempt == 0)
			continue;
		if (link_reply_failed(store->link, replies->pdata[0], error))
			return NULL;
		return g_steal_pointer(&replies);
	}
}

redisReply *redis_script(RedisStore *store, ScriptName script, const GPtrArray *keys, const GPtrArray *args,
    bool writes, GError **error)
{
	g_autoptr(GPtrArray) replies = redis_script_and(store, script, keys, args, NULL, writes, error);

	return replies ? g_ptr_array_steal_index(replies, 0) : NULL;
}

const char *redis_text(const redisReply *reply)
{
	if (reply->type != REDIS_REPLY_STRING && reply->type != REDIS_REPLY_STATUS)
		return NULL;
	return memchr(reply->str, '\0', reply->len) ? NULL : reply->str;
}

const char *redis_field(const redisReply *list, const char *field)
{
	for (gsize i = 0; list->type == REDIS_REPLY_ARRAY && i + 1 < list->elements; i += 2) {
		if (g_strcmp0(redis_text(list->element[i]), field) == 0)
			return redis_text(list->element[i + 1]);
	}
	return NULL;
}

gint64 redis_number(const redisReply *reply)
{
	const char *text;

	if (reply->type == REDIS_REPLY_INTEGER)
		return reply->integer;
	text = redis_text(reply);
	return text ? g_ascii_strtoll(text, NULL, 10) : 0;
}

bool redis_unexpected(const char *what, GError **error)
{
	g_set_error(error, OUTAGE_ERROR, OUTAGE_ERROR_INVALID, "Redis: an answer to %s that makes no sense", what);
	return false;
}

/* --- incidents: the operator's writes --- */

static gint64 parse_time(const redisReply *value)
{
	gint64 seconds = 0;

	(void)clock_parse(redis_text(value), &seconds); /* what is no time was not written by us: unset */
	return seconds;
}

bool redis_state_parse(redisReply *const values[STATE_FIELDS], IncidentState *state, char **updates_after)
{
	const char *id = redis_text(values[STATE_ID]);
	const char *after = redis_text(values[STATE_UPDATES_AFTER]);
	bool any = false;

	for (guint i = 0; i < STATE_FIELDS; i++)
		any = any || values[i]->type != REDIS_REPLY_NIL;
	incident_state_clear(state);
	if (!word_parse(redis_text(values[STATE_WORD]), -1, &state->word))
		state->word = WORD_NONE;
	if (!word_parse(redis_text(values[STATE_FLIP]), -1, &state->flip))
		state->flip = WORD_NONE;
	state->id = id && *id ? g_strdup(id) : NULL;
	state->declared_at = parse_time(values[STATE_DECLARED_AT]);
	state->reopened_at = parse_time(values[STATE_REOPENED_AT]);
	state->resolved_at = parse_time(values[STATE_RESOLVED_AT]);
	state->ended_at = parse_time(values[STATE_ENDED_AT]);
	state->epoch = (guint64)MAX(redis_number(values[STATE_EPOCH]), 0);
	if (updates_after)
		*updates_after = after && *after ? g_strdup(after) : NULL;
	return any;
}

GPtrArray *redis_incident_keys(const RedisStore *store, const char *name)
{
	GPtrArray *keys = g_ptr_array_new_with_free_func(g_free);

	g_ptr_array_add(keys, redis_key(store, strcmp(name, "default") == 0 ? "incident" : "incidents", NULL));
	g_ptr_array_add(keys, redis_key(store, "state:", name));
	g_ptr_array_add(keys, redis_key(store, "incident:", name));
	g_ptr_array_add(keys, redis_key(store, "events", NULL));
	g_ptr_array_add(keys, redis_key(store, "known", NULL));
	g_ptr_array_add(keys, redis_key(store, "updates:", name));
	return keys;
}

GPtrArray *redis_incident_args(const RedisStore *store, const char *name, const char *by)
{
	const Config *config = store->base.config;
	GPtrArray *args = command_new(config->store_prefix, name, by ? by : "", NULL);

	command_add_int(args, config->reopen_within / 1000);
	command_add_int(args, MAX(config->retention / 1000, 1));
	return args;
}

static void add_texts(GPtrArray *args, char *const texts[TEXT_FIELDS])
{
	for (TextField field = 0; texts && field < TEXT_FIELDS; field++) {
		if (texts[field]) {
			command_add(args, text_field_name(field));
			command_add(args, texts[field]);
		}
	}
}

static bool redis_set_word(Store *base, const char *name, Word word, char *const texts[TEXT_FIELDS], const char *by,
    IncidentState *out, GError **error)
{
	RedisStore *store = (RedisStore *)base;
	g_autoptr(GPtrArray) keys = redis_incident_keys(store, name), args = redis_incident_args(store, name, by);
	g_autoptr(redisReply) reply = NULL;

	command_add(args, word_name(word));
	add_texts(args, texts);
	reply = redis_script(store, SCRIPT_SET_WORD, keys, args, true, error);
	if (!reply)
		return false;
	if (reply->type != REDIS_REPLY_ARRAY || reply->elements != 2 + STATE_FIELDS)
		return redis_unexpected("setting the word", error);
	if (out)
		redis_state_parse(reply->element + 2, out, NULL);
	return true;
}

static bool redis_set_texts(Store *base, const char *name, char *const texts[TEXT_FIELDS], const char *by, GError **error)
{
	RedisStore *store = (RedisStore *)base;
	g_autoptr(GPtrArray) keys = redis_incident_keys(store, name), args = redis_incident_args(store, name, by);
	g_autoptr(redisReply) reply = NULL;

	add_texts(args, texts);
	reply = redis_script(store, SCRIPT_SET_TEXTS, keys, args, true, error);
	return reply != NULL;
}

static bool redis_add_update(Store *base, const char *name, const char *text, const char *by, GError **error)
{
	RedisStore *store = (RedisStore *)base;
	g_autoptr(GPtrArray) keys = g_ptr_array_new_with_free_func(g_free);
	g_autoptr(GPtrArray) args = command_new(name, text, by ? by : "", NULL);
	g_autoptr(redisReply) reply = NULL;

	g_ptr_array_add(keys, redis_key(store, "updates:", name));
	g_ptr_array_add(keys, redis_key(store, "events", NULL));
	g_ptr_array_add(keys, redis_key(store, "state:", name));
	reply = redis_script(store, SCRIPT_ADD_UPDATE, keys, args, true, error);
	return reply != NULL;
}

static bool redis_set_pause(Store *base, const char *reason, const char *by, GError **error)
{
	RedisStore *store = (RedisStore *)base;
	g_autoptr(GPtrArray) keys = g_ptr_array_new_with_free_func(g_free);
	g_autoptr(GPtrArray) args = command_new(reason ? reason : "", by ? by : "", NULL);
	g_autoptr(redisReply) reply = NULL;

	g_ptr_array_add(keys, redis_key(store, "pause", NULL));
	g_ptr_array_add(keys, redis_key(store, "events", NULL));
	reply = redis_script(store, SCRIPT_SET_PAUSE, keys, args, true, error);
	return reply != NULL;
}

/* --- events --- */

static bool redis_add_event(Store *base, const char *what, const char *name, const char *by, const char *detail,
    GError **error)
{
	RedisStore *store = (RedisStore *)base;
	g_autofree char *key = redis_key(store, "events", NULL);
	g_autoptr(GPtrArray) command = command_new("XADD", key, "MAXLEN", "~", "10000", "*", "what", what, "name",
	    name ? name : "", "by", by ? by : "", "detail", detail ? detail : "", NULL);
	g_autoptr(redisReply) reply = redis_ask(store, command, true, error);

	return reply != NULL;
}

static char *event_field(const redisReply *list, const char *field)
{
	const char *text = redis_field(list, field);

	return text && *text ? g_strdup(text) : NULL;
}

static GPtrArray *redis_events(Store *base, guint count, GError **error)
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

/* --- accounts --- */

static void add_account(Accounts *accounts, const redisReply *key, const redisReply *json, GPtrArray *problems)
{
	const char *key_text = redis_text(key), *json_text = redis_text(json);
	g_autoptr(GError) broken = NULL;
	Account *account = NULL;

	if (key_text && json_text)
		account = account_parse(key_text, json_text, &broken);
	if (account)
		accounts_add(accounts, account);
	else if (problems)
		g_ptr_array_add(problems, g_strdup(broken ? broken->message : "an account with a NUL byte in it"));
}

static Accounts *redis_accounts(Store *base, GPtrArray *problems, GError **error)
{
	RedisStore *store = (RedisStore *)base;
	g_autofree char *key = redis_key(store, "accounts", NULL), *cursor = g_strdup("0");
	g_autoptr(Accounts) accounts = accounts_new();

	do {
		g_autoptr(GPtrArray) command = command_new("HSCAN", key, cursor, "COUNT", ACCOUNTS_SLICE, NULL);
		g_autoptr(redisReply) reply = redis_ask(store, command, false, error);

		if (!reply)
			return NULL;
		if (reply->type != REDIS_REPLY_ARRAY || reply->elements != 2 || !redis_text(reply->element[0])) {
			redis_unexpected("HSCAN", error);
			return NULL;
		}
		for (gsize i = 0; i + 1 < reply->element[1]->elements; i += 2)
			add_account(accounts, reply->element[1]->element[i], reply->element[1]->element[i + 1], problems);
		g_free(cursor);
		cursor = g_strdup(redis_text(reply->element[0]));
	} while (strcmp(cursor, "0") != 0);
	return g_steal_pointer(&accounts);
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

static bool redis_account_put(Store *base, const char *key, const char *json, const char *by, GError **error)
{
	bool found;

	return write_account((RedisStore *)base, key, json, by, &found, error);
}

static bool redis_account_remove(Store *base, const char *key, const char *by, bool *found, GError **error)
{
	return write_account((RedisStore *)base, key, "", by, found, error);
}

/* --- nodes --- */

static bool redis_heartbeat(Store *base, const char *json, GError **error)
{
	RedisStore *store = (RedisStore *)base;
	g_autoptr(GPtrArray) keys = g_ptr_array_new_with_free_func(g_free), args = command_new(base->node, json, NULL);
	g_autoptr(redisReply) reply = NULL;

	g_ptr_array_add(keys, redis_key(store, "nodes", NULL));
	reply = redis_script(store, SCRIPT_HEARTBEAT, keys, args, true, error);
	return reply != NULL;
}

static int compare_nodes(gconstpointer a, gconstpointer b)
{
	return strcmp((*(StoreNode *const *)a)->node, (*(StoreNode *const *)b)->node);
}

static GPtrArray *redis_nodes(Store *base, GError **error)
{
	RedisStore *store = (RedisStore *)base;
	g_autofree char *key = redis_key(store, "nodes", NULL);
	g_autoptr(GPtrArray) nodes = g_ptr_array_new_with_free_func((GDestroyNotify)store_node_free);
	g_autoptr(GPtrArray) command = command_new("HGETALL", key, NULL);
	g_autoptr(redisReply) reply = redis_ask(store, command, false, error);

	if (!reply)
		return NULL;
	for (gsize i = 0; i + 1 < reply->elements; i += 2) {
		const char *name = redis_text(reply->element[i]), *value = redis_text(reply->element[i + 1]);
		const char *json = value ? strchr(value, ' ') : NULL;
		gint64 at = value ? g_ascii_strtoll(value, NULL, 10) : 0;
		StoreNode *node;

		if (!name || !json || at < clock_now() - 86400)
			continue;
		node = g_new0(StoreNode, 1);
		node->node = g_strdup(name);
		node->at = at;
		node->json = g_strdup(json + 1);
		g_ptr_array_add(nodes, node);
	}
	g_ptr_array_sort(nodes, compare_nodes);
	return g_steal_pointer(&nodes);
}

/* --- opening and closing --- */

static void redis_close(Store *base)
{
	RedisStore *store = (RedisStore *)base;

	link_free(store->link);
	link_free(store->tracker);
	for (guint i = 0; i < SCRIPTS; i++) {
		g_free(store->script[i]);
		g_free(store->digest[i]);
	}
	g_free(store->autoclaim_cursor);
	config_unref(base->config);
	g_free(base->node);
	g_free(store);
}

static const StoreBackend backend = {
	.name = "redis",
	.close = redis_close,
	.snapshot = redis_snapshot,
	.wait = redis_wait,
	.set_word = redis_set_word,
	.set_texts = redis_set_texts,
	.add_update = redis_add_update,
	.set_pause = redis_set_pause,
	.add_event = redis_add_event,
	.events = redis_events,
	.claim = redis_claim,
	.job_take = redis_job_take,
	.job_done = redis_job_done,
	.job_standing = redis_job_standing,
	.job_retry = redis_job_retry,
	.job_bury = redis_job_bury,
	.job_withdraw = redis_job_withdraw,
	.job_promote = redis_job_promote,
	.queue_counts = redis_queue_counts,
	.queue_list = redis_queue_list,
	.queue_retry = redis_queue_retry,
	.queue_bury = redis_queue_bury,
	.block = redis_block,
	.unblock = redis_unblock,
	.blocked = redis_blocked,
	.accounts = redis_accounts,
	.account_put = redis_account_put,
	.account_remove = redis_account_remove,
	.heartbeat = redis_heartbeat,
	.nodes = redis_nodes,
	.count = redis_count,
	.counters = redis_counters,
};

Store *redis_store_open(const Config *config, const char *node, GError **error)
{
	RedisStore *store;
	Link *link = link_open(config, node, error);

	if (!link)
		return NULL;
	store = g_new0(RedisStore, 1);
	store->base.backend = &backend;
	store->base.config = config_ref((Config *)config);
	store->base.node = g_strdup(node);
	store->link = link;
	store->autoclaim_cursor = g_strdup("0-0");
	for (guint i = 0; i < SCRIPTS; i++) {
		store->script[i] = g_strconcat(lua_prelude, scripts[i].incident ? lua_incident : "", scripts[i].text, NULL);
		store->digest[i] = g_compute_checksum_for_string(G_CHECKSUM_SHA1, store->script[i], -1);
	}
	return &store->base;
}
