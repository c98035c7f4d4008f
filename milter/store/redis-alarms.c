/* redis-alarms: which alarms stand, and whose turn it is to look, in one hash that lua/alarms.lua reads and writes. Layer: store, private
 * to redis*.c. */
#include "base/error.h"
#include "store/redis-private.h"

/* args: what alarms.lua takes. */
static redisReply *run_alarms(RedisStore *store, const GPtrArray *args, bool writes, GError **error)
{
	g_autoptr(GPtrArray) keys = g_ptr_array_new_with_free_func(g_free);

	g_ptr_array_add(keys, redis_key(store, "alarms", NULL));
	g_ptr_array_add(keys, redis_key(store, "events", NULL));
	return redis_script(store, SCRIPT_ALARMS, keys, args, writes, error);
}

bool redis_alarm_raise(Store *base, const char *key, const char *text, const char *by, gint64 repeat_seconds, AlarmTell *tell, GError **error)
{
	g_autoptr(GPtrArray) args = command_new("raise", key, text, by, NULL);
	g_autoptr(redisReply) reply = NULL;

	command_add_int(args, repeat_seconds);
	reply = run_alarms((RedisStore *)base, args, true, error);
	if (!reply)
		return false;
	if (reply->type != REDIS_REPLY_INTEGER)
		return redis_unexpected("raising an alarm", error);
	if (reply->integer < 0)
		return alarms_are_full(error);
	*tell = reply->integer == 1 ? ALARM_RAISED : reply->integer == 2 ? ALARM_REPEATED : ALARM_QUIET;
	return true;
}

bool redis_alarm_clear(Store *base, const char *key, const char *by, bool *was, gint64 *since, GError **error)
{
	g_autoptr(GPtrArray) args = command_new("clear", key, by, NULL);
	g_autoptr(redisReply) reply = run_alarms((RedisStore *)base, args, true, error);

	if (!reply)
		return false;
	if (reply->type != REDIS_REPLY_INTEGER)
		return redis_unexpected("clearing an alarm", error);
	*was = reply->integer > 0;
	*since = reply->integer;
	return true;
}

/* words: key, since, told_at, by, text. NULL where a node has not written them. */
static StoredAlarm *read_alarm(const redisReply *words)
{
	const char *text[5] = { NULL };
	StoredAlarm *alarm;

	if (words->type != REDIS_REPLY_ARRAY || words->elements != G_N_ELEMENTS(text))
		return NULL;
	for (gsize i = 0; i < G_N_ELEMENTS(text); i++)
		if (!(text[i] = redis_text(words->element[i])))
			return NULL;
	if (!alarm_key_valid(text[0]))
		return NULL;
	alarm = g_new0(StoredAlarm, 1);
	alarm->key = g_strdup(text[0]);
	alarm->since = g_ascii_strtoll(text[1], NULL, 10);
	alarm->told_at = g_ascii_strtoll(text[2], NULL, 10);
	alarm->by = g_utf8_make_valid(text[3], -1);
	alarm->text = g_utf8_make_valid(text[4], -1);
	return alarm;
}

GPtrArray *redis_alarms(Store *base, GError **error)
{
	g_autoptr(GPtrArray) args = command_new("list", NULL);
	g_autoptr(GPtrArray) alarms = g_ptr_array_new_with_free_func((GDestroyNotify)stored_alarm_free);
	g_autoptr(redisReply) reply = run_alarms((RedisStore *)base, args, false, error);

	if (!reply)
		return NULL;
	if (reply->type == REDIS_REPLY_INTEGER) {
		g_set_error(error, OUTAGE_ERROR, OUTAGE_ERROR_INVALID, "Redis: %salarms holds more than alarms: remove it with DEL",
		    base->config->store_prefix);
		return NULL;
	}
	for (gsize i = 0; i < reply->elements; i++) {
		StoredAlarm *alarm = read_alarm(reply->element[i]);

		if (alarm)
			g_ptr_array_add(alarms, alarm);
	}
	return g_steal_pointer(&alarms);
}

bool redis_alarm_duty(Store *base, gint64 seconds, bool *mine, GError **error)
{
	g_autoptr(GPtrArray) args = command_new("duty", base->consumer, NULL);
	g_autoptr(redisReply) reply = NULL;

	command_add_int(args, seconds);
	reply = run_alarms((RedisStore *)base, args, true, error);
	if (reply)
		*mine = reply->integer == 1;
	return reply != NULL;
}
