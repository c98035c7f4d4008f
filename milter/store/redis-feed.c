/* redis-feed: updates and texts of one incident, read back from Redis. Layer: store, private to redis*.c. Anybody with access to Redis may
 * have written them. */
#include "store/redis-private.h"

static FeedEntry *read_entry(const redisReply *entry)
{
	const char *text, *author;
	FeedEntry *update;

	if (entry->type != REDIS_REPLY_ARRAY || entry->elements != 2)
		return NULL;
	text = redis_field(entry->element[1], "text");
	author = redis_field(entry->element[1], "author");
	update = g_new0(FeedEntry, 1);
	update->at = redis_number(entry->element[0]) / 1000;
	update->text = g_strdup(text ? text : "");
	update->author = g_strdup(author ? author : "");
	return update;
}

GPtrArray *redis_feed(Store *base, const char *name, guint count, GError **error)
{
	RedisStore *store = (RedisStore *)base;
	g_autofree char *key = redis_key(store, "updates:", name);
	g_autoptr(GPtrArray) command = command_new("XREVRANGE", key, "+", "-", "COUNT", NULL);
	GPtrArray *updates;
	g_autoptr(redisReply) reply = NULL;

	command_add_int(command, count);
	reply = redis_ask(store, command, false, error);
	if (!reply)
		return NULL;
	updates = g_ptr_array_new_with_free_func((GDestroyNotify)feed_entry_free);
	for (gsize i = 0; i < reply->elements; i++) {
		FeedEntry *update = read_entry(reply->element[i]);

		if (update)
			g_ptr_array_add(updates, update);
	}
	return updates;
}

bool redis_texts(Store *base, const char *name, char *texts[TEXT_FIELDS], char **id, GError **error)
{
	RedisStore *store = (RedisStore *)base;
	g_autofree char *key = redis_key(store, "incident:", name);
	g_autoptr(GPtrArray) command = command_new("HMGET", key, "id", NULL);
	g_autoptr(redisReply) reply = NULL;

	for (TextField field = 0; field < TEXT_FIELDS; field++)
		command_add(command, text_field_name(field));
	reply = redis_ask(store, command, false, error);
	if (!reply)
		return false;
	if (reply->type != REDIS_REPLY_ARRAY || reply->elements != 1 + TEXT_FIELDS)
		return redis_unexpected("reading the texts", error);
	*id = g_strdup(redis_text(reply->element[0]));
	for (TextField field = 0; field < TEXT_FIELDS; field++)
		texts[field] = g_strdup(redis_text(reply->element[1 + field]));
	return true;
}
