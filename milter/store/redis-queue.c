/* redis-queue: the operator's look at the queue, and statistics. Layer: store, private to redis*.c. */
#include <string.h>

#include "base/clock.h"
#include "base/error.h"
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

bool redis_queue_counts(Store *base, QueueCounts *counts, GError **error)
{
	RedisStore *store = (RedisStore *)base;
	g_autoptr(GPtrArray) keys = g_ptr_array_new_with_free_func(g_free), args = g_ptr_array_new();
	g_autoptr(redisReply) reply = NULL;
	guint64 numbers[8];

	g_ptr_array_add(keys, redis_key(store, "acks", NULL));
	g_ptr_array_add(keys, redis_key(store, "acks:retry", NULL));
	g_ptr_array_add(keys, redis_key(store, "acks:dead", NULL));
	g_ptr_array_add(keys, redis_key(store, "stats:", "all"));
	reply = redis_script(store, SCRIPT_QUEUE_COUNTS, keys, args, false, error);
	if (!reply)
		return false;
	if (reply->type != REDIS_REPLY_ARRAY || reply->elements != G_N_ELEMENTS(numbers))
		return redis_unexpected("counting the queue", error);
	for (gsize i = 0; i < G_N_ELEMENTS(numbers); i++)
		numbers[i] = (guint64)MAX(redis_number(reply->element[i]), 0);
	counts->pending = numbers[0] + numbers[2];
	counts->delayed = numbers[1] - numbers[2];
	counts->dead = numbers[3];
	counts->sent = numbers[4];
	counts->withdrawn = numbers[5];
	counts->oldest = (gint64)numbers[6] / 1000;
	counts->taken = numbers[7];
	return true;
}

GPtrArray *redis_queue_list(Store *base, QueueList list, guint count, GError **error)
{
	RedisStore *store = (RedisStore *)base;
	g_autoptr(GPtrArray) jobs = g_ptr_array_new_with_free_func((GDestroyNotify)stored_job_free);
	g_autoptr(GPtrArray) keys = g_ptr_array_new_with_free_func(g_free), args = g_ptr_array_new_with_free_func(g_free);
	g_autoptr(redisReply) reply = NULL;

	if (count == 0)
		return g_steal_pointer(&jobs);
	g_ptr_array_add(keys, redis_key(store, list == QUEUE_DEAD ? "acks:dead" : "acks", NULL));
	if (list == QUEUE_PENDING)
		g_ptr_array_add(keys, redis_key(store, "acks:retry", NULL));
	command_add_int(args, count);
	reply = redis_script(store, SCRIPT_QUEUE_LIST, keys, args, false, error);
	if (!reply)
		return NULL;
	for (gsize i = 0; i < reply->elements; i++) {
		const redisReply *words = reply->element[i];
		StoredJob *job = words->elements == 6 ? redis_job_new(words->element, words->elements) : NULL;

		if (!job)
			continue;
		job->due = redis_number(words->element[5]);
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
