/* redis-block: addresses whose mail came back, each a key of its own that ends by itself. Layer: store, private to redis*.c. */
#include "store/redis-private.h"

/* seconds NULL = let go. */
static redisReply *run_block(RedisStore *store, const char *hash, const char *by, const char *seconds, const char *why,
    GError **error)
{
	g_autoptr(GPtrArray) keys = g_ptr_array_new_with_free_func(g_free);
	g_autoptr(GPtrArray) args = command_new(hash, by ? by : "", seconds ? seconds : "", why ? why : "", NULL);

	g_ptr_array_add(keys, redis_key(store, "bounced:", hash));
	g_ptr_array_add(keys, redis_key(store, "events", NULL));
	g_ptr_array_add(keys, redis_key(store, "stats:", "all"));
	return redis_script(store, SCRIPT_BLOCK, keys, args, true, error);
}

bool redis_block(Store *base, const char *hash, gint64 seconds, const char *why, const char *by, GError **error)
{
	g_autofree char *life = g_strdup_printf("%" G_GINT64_FORMAT, seconds);
	g_autoptr(redisReply) reply = run_block((RedisStore *)base, hash, by, life, why, error);

	return reply != NULL;
}

bool redis_unblock(Store *base, const char *hash, const char *by, bool *found, GError **error)
{
	g_autoptr(redisReply) reply = run_block((RedisStore *)base, hash, by, NULL, NULL, error);

	if (reply)
		*found = reply->integer == 1;
	return reply != NULL;
}

bool redis_blocked(Store *base, const char *hash, char **why, gint64 *until, GError **error)
{
	RedisStore *store = (RedisStore *)base;
	g_autofree char *key = redis_key(store, "bounced:", hash);
	g_autoptr(GPtrArray) get = command_new("GET", key, NULL), life = command_new("TTL", key, NULL);
	g_autoptr(GPtrArray) time = command_new("TIME", NULL), replies = NULL;
	const redisReply *value, *left, *now;
	const char *text;

	link_push(store->link, get);
	link_push(store->link, life);
	link_push(store->link, time);
	replies = link_run(store->link, store->base.config->store_timeout, false, error);
	if (!replies)
		return false;
	value = replies->pdata[0];
	left = replies->pdata[1];
	now = replies->pdata[2];
	if (link_reply_failed(store->link, left, error) || link_reply_failed(store->link, now, error))
		return false;
	if (left->type != REDIS_REPLY_INTEGER || now->type != REDIS_REPLY_ARRAY || now->elements != 2)
		return redis_unexpected("TTL and TIME", error);
	/* -2: no such key. A key that GET cannot read blocks all the same, as claim.lua has it. */
	if (left->integer == -2 || value->type == REDIS_REPLY_NIL)
		return true;
	text = redis_text(value);
	*why = g_strdup(text ? text : "");
	*until = left->integer >= 0 ? redis_number(now->element[0]) + left->integer : 0;
	return true;
}
