/* redis-queue: the operator's look at the queue, and statistics. Layer: store, private to redis*.c. */
#include <string.h>

#include "base/clock.h"
#include "base/error.h"
#include "store/job-private.h"
#include "store/redis-private.h"

static void push(RedisStore *store, GPtrArray *command)
{
	link_push(store->link, command);
	g_ptr_array_unref(command);
}

/* Runs what was pushed; an error reply anywhere is the error of all. */
static GPtrArray *run(RedisStore *store, bool writes, GError **error)
{
	g_autoptr(GPtrArray) replies = link_run(store->link, store->base.config->store_timeout, writes, error);

	for (guint i = 0; replies && i < replies->len; i++) {
		if (link_reply_failed(store->link, replies->pdata[i], error))
			return NULL;
	}
	return g_steal_pointer(&replies);
}

/* Seconds of a stream's first entry, 0 where it is empty. */
static gint64 entry_time(const redisReply *entries)
{
	const redisReply *entry = entries->elements > 0 ? entries->element[0] : NULL;

	return entry && entry->elements > 0 ? redis_number(entry->element[0]) / 1000 : 0;
}

bool redis_queue_counts(Store *base, QueueCounts *counts, GError **error)
{
	RedisStore *store = (RedisStore *)base;
	g_autofree char *acks = redis_key(store, "acks", NULL), *retry = redis_key(store, "acks:retry", NULL);
	g_autofree char *dead = redis_key(store, "acks:dead", NULL), *stats = redis_key(store, "stats:", "all");
	g_autofree char *now = g_strdup_printf("%" G_GINT64_FORMAT, clock_now());
	g_autoptr(GPtrArray) replies = NULL;
	guint64 due;

	push(store, command_new("XLEN", acks, NULL));
	push(store, command_new("ZCARD", retry, NULL));
	push(store, command_new("ZCOUNT", retry, "-inf", now, NULL));
	push(store, command_new("XLEN", dead, NULL));
	push(store, command_new("HMGET", stats, "sent", "withdrawn", NULL));
	push(store, command_new("XRANGE", acks, "-", "+", "COUNT", "1", NULL));
	replies = run(store, false, error);
	if (!replies)
		return false;
	due = (guint64)redis_number(replies->pdata[2]);
	counts->pending = (guint64)redis_number(replies->pdata[0]) + due;
	counts->delayed = (guint64)redis_number(replies->pdata[1]) - due;
	counts->dead = (guint64)redis_number(replies->pdata[3]);
	counts->sent = (guint64)redis_number(((redisReply *)replies->pdata[4])->element[0]);
	counts->withdrawn = (guint64)redis_number(((redisReply *)replies->pdata[4])->element[1]);
	counts->oldest = entry_time(replies->pdata[5]);
	return true;
}

/* --- listing --- */

static const char *json_text(JsonArray *array, guint index)
{
	JsonNode *node = index < json_array_get_length(array) ? json_array_get_element(array, index) : NULL;

	return node && json_node_get_value_type(node) == G_TYPE_STRING ? json_node_get_string(node) : "";
}

/* Returns "r:TOKEN", the handle of a delayed job; caller frees. */
static char *delayed_handle(const StoredJob *job)
{
	g_autofree char *token = job_peek(job, "token");

	return g_strconcat("r:", token ? token : "", NULL);
}

/* member: JSON [payload, mac, tries, why] as claim.lua and job-end.lua write it. NULL where it is not. */
static StoredJob *parse_delayed(const redisReply *member, const redisReply *score)
{
	const char *text = redis_text(member);
	g_autoptr(JsonNode) node = text ? job_parse_json(text) : NULL;
	JsonArray *array = node && JSON_NODE_HOLDS_ARRAY(node) ? json_node_get_array(node) : NULL;
	const char *why;
	StoredJob *job;

	if (!array)
		return NULL;
	why = json_text(array, 3);
	job = g_new0(StoredJob, 1);
	job->payload = g_strdup(json_text(array, 0));
	job->mac = g_strdup(json_text(array, 1));
	job->handle = delayed_handle(job);
	job->tries = (guint)MIN(g_ascii_strtoull(json_text(array, 2), NULL, 10), G_MAXUINT);
	job->why = *why ? g_strdup(why) : NULL;
	job->due = redis_number(score);
	return job;
}

GPtrArray *redis_queue_list(Store *base, QueueList list, guint count, GError **error)
{
	RedisStore *store = (RedisStore *)base;
	g_autofree char *stream = redis_key(store, list == QUEUE_DEAD ? "acks:dead" : "acks", NULL);
	g_autofree char *retry = redis_key(store, "acks:retry", NULL), *limit = g_strdup_printf("%u", count);
	g_autoptr(GPtrArray) jobs = g_ptr_array_new_with_free_func((GDestroyNotify)stored_job_free), replies = NULL;
	const redisReply *entries, *delayed;

	if (count == 0)
		return g_steal_pointer(&jobs);
	push(store, command_new("XRANGE", stream, "-", "+", "COUNT", limit, NULL));
	if (list == QUEUE_PENDING)
		push(store, command_new("ZRANGEBYSCORE", retry, "-inf", "+inf", "WITHSCORES", "LIMIT", "0", limit, NULL));
	replies = run(store, false, error);
	if (!replies)
		return NULL;
	entries = replies->pdata[0];
	for (gsize i = 0; i < entries->elements; i++) {
		StoredJob *job = redis_job_parse(entries->element[i]);

		if (job)
			g_ptr_array_add(jobs, job);
	}
	delayed = list == QUEUE_PENDING ? replies->pdata[1] : NULL;
	for (gsize i = 0; delayed && i + 1 < delayed->elements && jobs->len < count; i += 2) {
		StoredJob *job = parse_delayed(delayed->element[i], delayed->element[i + 1]);

		if (job)
			g_ptr_array_add(jobs, job);
	}
	return g_steal_pointer(&jobs);
}

/* --- moving --- */

/* What every stream id is held against: digits, or digits "-" digits. */
static bool handle_is_known(const char *handle)
{
	g_auto(GStrv) parts = NULL;

	if (g_str_has_prefix(handle, "r:"))
		return true;
	parts = g_strsplit(handle, "-", -1);
	return g_strv_length(parts) == 2 && g_ascii_string_to_unsigned(parts[0], 10, 0, G_MAXUINT64, NULL, NULL) &&
	    g_ascii_string_to_unsigned(parts[1], 10, 0, G_MAXUINT64, NULL, NULL);
}

/* Returns the newest stream id of this moment by the clock of Redis, which is what ids are made of; NULL with error. */
static char *newest_id(RedisStore *store, GError **error)
{
	g_autoptr(GPtrArray) command = command_new("TIME", NULL);
	g_autoptr(redisReply) reply = redis_ask(store, command, false, error);

	if (!reply)
		return NULL;
	if (reply->elements != 2) {
		redis_unexpected("TIME", error);
		return NULL;
	}
	return g_strdup_printf("%" G_GINT64_FORMAT,
	    redis_number(reply->element[0]) * 1000 + redis_number(reply->element[1]) / 1000);
}

/* Moves slice by slice, so that Redis serves others in between. Jobs that arrive while this runs stay where they are:
 * newest bounds it. */
static bool move_jobs(RedisStore *store, const char *how, const char *handle, const char *why, guint *moved,
    GError **error)
{
	g_autofree char *newest = newest_id(store, error);
	g_autoptr(GPtrArray) keys = g_ptr_array_new_with_free_func(g_free);
	g_autoptr(GPtrArray) args = command_new(how, handle ? handle : "", why ? why : "", newest ? newest : "", NULL);
	gint64 slice;

	if (!newest)
		return false;
	g_ptr_array_add(keys, redis_key(store, "acks", NULL));
	g_ptr_array_add(keys, redis_key(store, "acks:retry", NULL));
	g_ptr_array_add(keys, redis_key(store, "acks:dead", NULL));
	do {
		g_autoptr(redisReply) reply = redis_script(store, SCRIPT_QUEUE_MOVE, keys, args, true, error);

		if (!reply)
			return false;
		slice = reply->integer;
		*moved += (guint)slice;
	} while (slice > 0 && !handle);
	return true;
}

static bool move_and_note(Store *base, const char *how, const char *event, const char *handle, const char *why,
    guint *moved, GError **error)
{
	*moved = 0;
	/* What is no handle names no job. */
	if (handle && !handle_is_known(handle))
		return true;
	return move_jobs((RedisStore *)base, how, handle, why, moved, error) &&
	    (*moved == 0 || base->backend->add_event(base, event, NULL, NULL, handle ? handle : "all", error));
}

bool redis_queue_retry(Store *base, const char *handle, guint *moved, GError **error)
{
	return move_and_note(base, "retry", "queue-retry", handle, NULL, moved, error);
}

bool redis_queue_bury(Store *base, const char *handle, const char *why, guint *moved, GError **error)
{
	return move_and_note(base, "bury", "queue-bury", handle, why, moved, error);
}

/* --- statistics --- */

bool redis_count(Store *base, const char *id, const char *counter, guint n, GError **error)
{
	RedisStore *store = (RedisStore *)base;
	g_autofree char *key = redis_key(store, "stats:", id), *by = g_strdup_printf("%u", n);
	g_autofree char *life = g_strdup_printf("%" G_GINT64_FORMAT, MAX(store->base.config->retention / 1000, 1));
	g_autoptr(GPtrArray) replies = NULL;

	push(store, command_new("HINCRBY", key, counter, by, NULL));
	if (strcmp(id, "all") != 0)
		push(store, command_new("EXPIRE", key, life, NULL));
	replies = run(store, true, error);
	return replies != NULL;
}

GHashTable *redis_counters(Store *base, const char *id, GError **error)
{
	RedisStore *store = (RedisStore *)base;
	g_autofree char *key = redis_key(store, "stats:", id);
	g_autoptr(GHashTable) counters = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
	g_autoptr(GPtrArray) command = command_new("HGETALL", key, NULL);
	g_autoptr(redisReply) reply = redis_ask(store, command, false, error);

	if (!reply)
		return NULL;
	for (gsize i = 0; i + 1 < reply->elements; i += 2) {
		const char *name = redis_text(reply->element[i]), *value = redis_text(reply->element[i + 1]);

		if (name && value)
			g_hash_table_insert(counters, g_strdup(name), g_strdup(value));
	}
	return g_steal_pointer(&counters);
}
