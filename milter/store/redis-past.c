/* redis-past: outage:past:ID, a hash that snapshot and transition have moved out of the way. Layer: store, private to redis*.c. */
#include "base/error.h"
#include "store/redis-private.h"

bool redis_past_texts(Store *base, const char *id, char *texts[TEXT_FIELDS], bool *found, GError **error)
{
	RedisStore *store = (RedisStore *)base;
	g_autoptr(GPtrArray) keys = g_ptr_array_new_with_free_func(g_free);
	g_autoptr(GPtrArray) args = command_new(NULL, NULL);
	g_autoptr(redisReply) reply = NULL;

	g_ptr_array_add(keys, redis_key(store, "past:", id));
	for (TextField field = 0; field < TEXT_FIELDS; field++)
		command_add(args, text_field_name(field));
	reply = redis_script(store, SCRIPT_PAST, keys, args, false, error);
	if (!reply)
		return false;
	if (reply->type != REDIS_REPLY_ARRAY || reply->elements != TEXT_FIELDS)
		return redis_unexpected("reading the texts of a past incident", error);
	for (TextField field = 0; field < TEXT_FIELDS; field++) {
		const char *text = redis_text(reply->element[field]);

		*found = *found || reply->element[field]->type != REDIS_REPLY_NIL;
		if (text && text_field_check(field, text, NULL))
			texts[field] = g_strdup(text);
	}
	return true;
}
