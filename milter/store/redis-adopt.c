/* redis-adopt: letters that have left without Redis. Layer: store, private to redis*.c. */
#include "store/redis-private.h"

bool redis_adopt(Store *base, const StoreAdoption *letter, bool *own, GError **error)
{
	RedisStore *store = (RedisStore *)base;
	const Config *config = store->base.config;
	g_autofree char *mark = g_strdup_printf("%s:%s:%s", letter->id, letter->kind, letter->hash);
	g_autoptr(GPtrArray) keys = g_ptr_array_new_with_free_func(g_free), args = command_new(letter->token, NULL);
	g_autoptr(redisReply) reply = NULL;

	g_ptr_array_add(keys, redis_key(store, "acked:", mark));
	g_ptr_array_add(keys, redis_key(store, "affected:", letter->id));
	g_ptr_array_add(keys, redis_key(store, "stats:", letter->id));
	g_ptr_array_add(keys, redis_key(store, "stats:", "all"));
	command_add_int(args, letter->at);
	command_add(args, letter->hash);
	command_add_int(args, MARK_TTL_SECONDS(config));
	command_add_int(args, MAX(config->retention / 1000, 1));
	reply = redis_script(store, SCRIPT_ADOPT, keys, args, true, error);
	if (!reply)
		return false;
	if (reply->type != REDIS_REPLY_INTEGER)
		return redis_unexpected("an adoption", error);
	*own = reply->integer == 1;
	return true;
}
