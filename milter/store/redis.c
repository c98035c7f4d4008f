/* redis: the store as a Redis server that all nodes share. Layer: store.
 *
 * What has to happen at once is a Lua script (store/lua, built in as text and run by its digest). This file opens the
 * store and runs scripts; the incidents, the snapshot, the waiting, the jobs, the queue, the notes and the small tables
 * (accounts, nodes, events) stand in the siblings redis-*.c. */
#include <string.h>

#include "base/clock.h"
#include "base/error.h"
#include "lua-scripts.h"
#include "store/redis-private.h"

#define CONSUMER_KEPT_MS 86400000

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
	[SCRIPT_JOB_TAKE] = { lua_job_take, false },
	[SCRIPT_JOB_END] = { lua_job_end, false },
	[SCRIPT_JOB_PROMOTE] = { lua_job_promote, false },
	[SCRIPT_QUEUE_MOVE] = { lua_queue_move, false },
	[SCRIPT_QUEUE_LIST] = { lua_queue_list, false },
	[SCRIPT_QUEUE_COUNTS] = { lua_queue_counts, false },
	[SCRIPT_BLOCK] = { lua_block, false },
	[SCRIPT_ADOPT] = { lua_adopt, false },
	[SCRIPT_SNAPSHOT] = { lua_snapshot, true },
	[SCRIPT_ACCOUNTS] = { lua_accounts, false },
	[SCRIPT_NOTES] = { lua_notes, false },
	[SCRIPT_NOTICES] = { lua_notices, false },
	[SCRIPT_PAST] = { lua_past, false },
	[SCRIPT_ADD_EVENT] = { lua_add_event, false },
	[SCRIPT_EVENTS] = { lua_events, false },
	[SCRIPT_ALARMS] = { lua_alarms, false },
	[SCRIPT_BASELINE] = { lua_baseline, false },
	[SCRIPT_ERASE] = { lua_erase, false },
	[SCRIPT_STATS_READ] = { lua_stats_read, false },
	[SCRIPT_STATS_WRITE] = { lua_stats_write, false },
};

char *redis_key(const RedisStore *store, const char *name, const char *more)
{
	return g_strconcat(store->base.config->store_prefix, name, more, NULL);
}

redisReply *redis_ask(RedisStore *store, const GPtrArray *command, bool writes, GError **error)
{
	return link_ask(store->link, command, store->base.config->store_timeout, writes, error);
}

/* whole: with its text, which the server then keeps. */
static GPtrArray *script_command(const RedisStore *store, ScriptName script, bool whole, const GPtrArray *keys, const GPtrArray *args)
{
	GPtrArray *command = command_new(whole ? "EVAL" : "EVALSHA", whole ? store->script[script] : store->digest[script], NULL);

	command_add_int(command, keys->len);
	for (guint i = 0; i < keys->len; i++)
		command_add(command, keys->pdata[i]);
	for (guint i = 0; i < args->len; i++)
		command_add(command, args->pdata[i]);
	return command;
}

GPtrArray *redis_script_command(const RedisStore *store, ScriptName script, const GPtrArray *keys, const GPtrArray *args)
{
	return script_command(store, script, false, keys, args);
}

GPtrArray *redis_script_until(RedisStore *store, ScriptName script, const GPtrArray *keys, const GPtrArray *args,
    const GPtrArray *more, gint64 until, bool writes, GError **error)
{
	for (bool whole = false;; whole = true) {
		gint64 left = (until - clock_mono_us() + 999) / 1000;
		g_autoptr(GPtrArray) command = NULL, replies = NULL;
		const redisReply *first;

		if (left <= 0) {
			g_set_error(error, OUTAGE_ERROR, OUTAGE_ERROR_UNAVAILABLE, "Redis at %s: no time left to ask", link_where(store->link));
			return NULL;
		}
		command = script_command(store, script, whole, keys, args);
		link_push(store->link, command);
		for (guint i = 0; more && i < more->len; i++)
			link_push(store->link, more->pdata[i]);
		replies = link_run(store->link, left, writes, error);
		if (!replies)
			return NULL;
		/* A server that is new or was flushed does not know the script yet: one more round trip. */
		first = replies->pdata[0];
		if (!whole && first->type == REDIS_REPLY_ERROR && g_str_has_prefix(first->str, "NOSCRIPT"))
			continue;
		return link_reply_failed(store->link, first, error) ? NULL : g_steal_pointer(&replies);
	}
}

GPtrArray *redis_script_and(RedisStore *store, ScriptName script, const GPtrArray *keys, const GPtrArray *args,
    const GPtrArray *more, bool writes, GError **error)
{
	return redis_script_until(store, script, keys, args, more,
	    clock_mono_us() + store->base.config->store_timeout * 1000, writes, error);
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

/* --- opening and closing --- */

static bool redis_confirm(Store *base, GError **error)
{
	RedisStore *store = (RedisStore *)base;

	if (link_confirm(store->link, base->config, error))
		return true;
	/* Neither connection has a future where one has none: the wait ends at once. */
	if (link_is_broken(store->link) && store->tracker)
		link_break(store->tracker, "the store has moved to another server");
	return false;
}

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
	g_free(base->server);
	g_free(base->consumer);
	g_free(store);
}

static bool redis_is_lost(const Store *base)
{
	return link_is_broken(((const RedisStore *)base)->link);
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
	.events_slice = redis_events_slice,
	.claim = redis_claim,
	.adopt = redis_adopt,
	.job_take = redis_job_take,
	.job_missed = redis_job_missed,
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
	.accounts_slice = redis_accounts_slice,
	.accounts_get = redis_accounts_get,
	.account_changes = redis_account_changes,
	.account_put = redis_account_put,
	.account_remove = redis_account_remove,
	.is_lost = redis_is_lost,
	.confirm = redis_confirm,
	.describe = redis_describe,
	.heartbeat = redis_heartbeat,
	.nodes = redis_nodes,
	.count = redis_count,
	.counters = redis_counters,
	.queue_shares = redis_queue_shares,
	.note_add = redis_note_add,
	.notes_slice = redis_notes_slice,
	.waiting_end = redis_waiting_end,
	.waiting_page = redis_waiting_page,
	.optout_add = redis_optout_add,
	.optout_has = redis_optout_has,
	.notice_add = redis_notice_add,
	.notices = redis_notices,
	.notice_lease = redis_notice_lease,
	.notice_progress = redis_notice_progress,
	.stats_write = redis_stats_write,
	.stats_minutes = redis_stats_minutes,
	.stats_distinct = redis_stats_distinct,
	.stats_accounts = redis_stats_accounts,
	.stats_threads_slice = redis_stats_threads_slice,
	.stats_outbound_seen = redis_stats_outbound_seen,
	.baseline = redis_baseline,
	.baseline_learn = redis_baseline_learn,
	.alarm_raise = redis_alarm_raise,
	.alarm_clear = redis_alarm_clear,
	.alarms = redis_alarms,
	.alarm_duty = redis_alarm_duty,
	.feed = redis_feed,
	.texts = redis_texts,
	.past_texts = redis_past_texts,
	.erase_jobs = redis_erase_jobs,
	.notes_drop = redis_notes_drop,
	.erase_keyed = redis_erase_keyed,
};

static void load_script(RedisStore *store, ScriptName script)
{
	g_autoptr(GPtrArray) command = command_new("SCRIPT", "LOAD", store->script[script], NULL);
	redisReply *reply = redis_ask(store, command, false, NULL);

	if (reply)
		freeReplyObject(reply);
}

Store *redis_store_adopt(const Config *config, const char *node, Link *link)
{
	RedisStore *store = g_new0(RedisStore, 1);

	store->base.backend = &backend;
	store->base.config = config_ref((Config *)config);
	store->base.node = g_strdup(node);
	store->base.server = g_strdup(link_server_id(link));
	store->base.consumer = store_consumer(node);
	store->link = link;
	store->autoclaim_cursor = g_strdup("0-0");
	store->consumer_kept = CONSUMER_KEPT_MS;
	for (guint i = 0; i < SCRIPTS; i++) {
		store->script[i] = g_strconcat(lua_prelude, scripts[i].incident ? lua_incident : "", scripts[i].text, NULL);
		store->digest[i] = g_compute_checksum_for_string(G_CHECKSUM_SHA1, store->script[i], -1);
	}
	return &store->base;
}

Store *redis_store_open(const Config *config, const char *node, GError **error)
{
	Link *link = link_open(config, node, error);
	Store *store = link ? redis_store_adopt(config, node, link) : NULL;

	/* A claim that finds its script missing waits for replicas twice. Where this fails, the claim will tell. */
	if (store && config->min_replicas > 0)
		load_script((RedisStore *)store, SCRIPT_CLAIM);
	return store;
}
