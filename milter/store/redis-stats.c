/* redis-stats: what is counted of support mail, as it lies in Redis. Layer: store, private to redis*.c.
 *
 * The keys are those of lua/stats-write.lua, which writes a batch as one; lua/stats-read.lua leaves out what is larger than nodes write,
 * and lua/baseline.lua keeps the usual week. Distinct senders are counted in HyperLogLogs, so that a surge of a million costs as little
 * as one of ten. */
#include <string.h>

#include "base/clock.h"
#include "base/error.h"
#include "store/redis-private.h"

#define HOURS_AT_ONCE 24 /* of minutes asked for in one round trip */
#define WEEKS_AT_ONCE 60

static GPtrArray *key_list(char *first)
{
	GPtrArray *keys = g_ptr_array_new_with_free_func(g_free);

	if (first != NULL)
		g_ptr_array_add(keys, first);
	return keys;
}

/* PREFIX NAME ID ":" NUMBER; caller frees. */
static char *numbered_key(const RedisStore *store, const char *name, const char *id, gint64 number)
{
	return g_strdup_printf("%s%s%s:%" G_GINT64_FORMAT, store->base.config->store_prefix, name, id, number);
}

/* --- writing --- */

static void add_numbers(GPtrArray *args, GHashTable *numbers)
{
	GHashTableIter iter;
	gpointer name, value;

	command_add_int(args, g_hash_table_size(numbers));
	g_hash_table_iter_init(&iter, numbers);
	while (g_hash_table_iter_next(&iter, &name, &value)) {
		command_add(args, name);
		command_add_int(args, (gint64)MIN(*(const guint64 *)value, G_GUINT64_CONSTANT(1) << 53));
	}
}

static void add_minute(GPtrArray *args, const StatsMinute *minute)
{
	GHashTableIter iter;
	gpointer hash;

	command_add(args, "minute");
	command_add(args, minute->id);
	command_add_int(args, minute->minute);
	add_numbers(args, minute->counters);
	command_add_int(args, g_hash_table_size(minute->senders));
	g_hash_table_iter_init(&iter, minute->senders);
	while (g_hash_table_iter_next(&iter, &hash, NULL))
		command_add(args, hash);
	add_numbers(args, minute->accounts);
}

static void add_mail(GPtrArray *args, const StatsMail *mail)
{
	command_add(args, "mail");
	command_add(args, mail->id);
	command_add(args, mail->hash);
	command_add(args, mail->key);
	command_add(args, mail->account != NULL ? mail->account : "");
	command_add_int(args, mail->at);
}

static void add_answer(GPtrArray *args, const StatsAnswer *answer)
{
	command_add(args, "answer");
	command_add_int(args, answer->at);
	command_add_int(args, answer->keys->len);
	for (guint i = 0; i < answer->keys->len; i++)
		command_add(args, answer->keys->pdata[i]);
}

bool redis_stats_write(Store *base, const StatsBatch *batch, guint *replies, GError **error)
{
	RedisStore *store = (RedisStore *)base;
	g_autoptr(GPtrArray) keys = key_list(redis_key(store, "stats:outbound", NULL));
	g_autoptr(GPtrArray) args = command_new(base->config->store_prefix, NULL);
	g_autoptr(redisReply) reply = NULL;

	command_add_int(args, MAX(base->config->retention / 1000, 1));
	command_add_int(args, MAX(base->config->account_totals / 1000, 1));
	for (guint i = 0; batch->minutes != NULL && i < batch->minutes->len; i++)
		add_minute(args, batch->minutes->pdata[i]);
	for (guint i = 0; batch->mails != NULL && i < batch->mails->len; i++)
		add_mail(args, batch->mails->pdata[i]);
	for (guint i = 0; batch->answers != NULL && i < batch->answers->len; i++)
		add_answer(args, batch->answers->pdata[i]);
	reply = redis_script(store, SCRIPT_STATS_WRITE, keys, args, true, error);
	if (reply == NULL)
		return false;
	*replies = (guint)CLAMP(redis_number(reply), 0, G_MAXINT);
	return true;
}

/* --- reading --- */

static redisReply *read_with(RedisStore *store, const GPtrArray *keys, const char *how, const char *more, GError **error)
{
	g_autoptr(GPtrArray) args = command_new(how, more, NULL);

	return redis_script(store, SCRIPT_STATS_READ, keys, args, false, error);
}

/* Whole numbers that nodes add up: anything else counts as none. */
static bool read_number(const redisReply *reply, guint64 *number)
{
	const char *text = redis_text(reply);

	return text != NULL && g_ascii_string_to_unsigned(text, 10, 0, G_MAXINT64, number, NULL);
}

/* fields: of one hour, "MM NAME" -> value. What no node has written is left out. */
static void read_hour(const redisReply *fields, const char *id, gint64 hour, gint64 from, gint64 to, GPtrArray *minutes)
{
	for (gsize i = 0; i + 1 < fields->elements; i += 2) {
		const char *name = redis_text(fields->element[i]);
		gint64 minute;
		guint64 value;

		if (name == NULL || !g_ascii_isdigit(name[0]) || !g_ascii_isdigit(name[1]) || name[2] != ' ' ||
		    !stats_counter_valid(name + 3) || !read_number(fields->element[i + 1], &value))
			continue;
		minute = hour * 3600 + ((name[0] - '0') * 10 + name[1] - '0') * 60;
		if (minute >= from && minute < to && minute < (hour + 1) * 3600)
			stats_minute_add(stats_minute_of(minutes, id, minute), name + 3, value);
	}
}

GPtrArray *redis_stats_minutes(Store *base, const char *id, gint64 from, gint64 to, GError **error)
{
	RedisStore *store = (RedisStore *)base;
	g_autoptr(GPtrArray) minutes = g_ptr_array_new_with_free_func((GDestroyNotify)stats_minute_free);
	gint64 end = (to + 3599) / 3600;

	for (gint64 hour = from / 3600; hour < end; hour += HOURS_AT_ONCE) {
		g_autoptr(GPtrArray) keys = key_list(NULL);
		g_autoptr(redisReply) reply = NULL;

		for (gint64 next = hour; next < MIN(hour + HOURS_AT_ONCE, end); next++)
			g_ptr_array_add(keys, numbered_key(store, "stats:minute:", id, next));
		reply = read_with(store, keys, "hashes", NULL, error);
		if (reply == NULL)
			return NULL;
		for (gsize i = 0; i < reply->elements; i++)
			read_hour(reply->element[i], id, hour + (gint64)i, from, to, minutes);
	}
	return g_steal_pointer(&minutes);
}

bool redis_stats_distinct(Store *base, const char *id, gint64 from, guint64 *senders, guint64 *accounts, GError **error)
{
	RedisStore *store = (RedisStore *)base;
	g_autoptr(GPtrArray) keys = key_list(redis_key(store, "stats:account:", id));
	g_autofree char *since = g_strdup_printf("%" G_GINT64_FORMAT, from);
	g_autoptr(redisReply) reply = NULL;
	gint64 now = clock_now() / STATS_SLOT;

	if (from == 0) {
		g_ptr_array_add(keys, redis_key(store, "stats:senders:", id));
		reply = read_with(store, keys, "whole", NULL, error);
	} else {
		g_ptr_array_remove_index(keys, 0);
		g_ptr_array_add(keys, g_strdup_printf("%sstats:account:%s:at", base->config->store_prefix, id));
		/* One more: the clock of another node may be ahead. */
		for (gint64 slot = MIN(from / STATS_SLOT, now); slot <= now + 1; slot++)
			g_ptr_array_add(keys, numbered_key(store, "stats:senders:", id, slot));
		reply = read_with(store, keys, "distinct", since, error);
	}
	if (reply == NULL)
		return false;
	if (reply->type != REDIS_REPLY_ARRAY || reply->elements != 2)
		return redis_unexpected("counting senders", error);
	*senders = (guint64)MAX(redis_number(reply->element[0]), 0);
	*accounts = (guint64)MAX(redis_number(reply->element[1]), 0);
	return true;
}

static void add_totals(GHashTable *totals, const redisReply *fields)
{
	for (gsize i = 0; i + 1 < fields->elements; i += 2) {
		const char *name = redis_text(fields->element[i]);
		guint64 n, *sum = name != NULL ? g_hash_table_lookup(totals, name) : NULL;

		if (name == NULL || *name == '\0' || strlen(name) > STATS_ACCOUNT_MAX || !g_utf8_validate(name, -1, NULL) ||
		    !read_number(fields->element[i + 1], &n))
			continue;
		if (sum == NULL)
			g_hash_table_insert(totals, g_strdup(name), sum = g_new0(guint64, 1));
		*sum += n;
	}
}

GHashTable *redis_stats_accounts(Store *base, const char *id, GError **error)
{
	RedisStore *store = (RedisStore *)base;
	g_autoptr(GHashTable) totals = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
	g_autoptr(GPtrArray) keys = key_list(NULL);

	if (strcmp(id, STATS_ALL) != 0) {
		g_ptr_array_add(keys, redis_key(store, "stats:account:", id));
	} else {
		gint64 now = clock_now();

		for (gint64 week = (now - base->config->account_totals / 1000) / STATS_WEEK; week <= now / STATS_WEEK; week++)
			g_ptr_array_add(keys, numbered_key(store, "stats:account:", id, week));
	}
	while (keys->len > 0) {
		g_autoptr(GPtrArray) some = key_list(NULL);
		g_autoptr(redisReply) reply = NULL;

		while (keys->len > 0 && some->len < WEEKS_AT_ONCE)
			g_ptr_array_add(some, g_ptr_array_steal_index_fast(keys, keys->len - 1));
		reply = read_with(store, some, "hashes", NULL, error);
		if (reply == NULL)
			return NULL;
		for (gsize i = 0; i < reply->elements; i++)
			add_totals(totals, reply->element[i]);
	}
	return g_steal_pointer(&totals);
}

/*     text = FIRST SP LAST SP ANSWERED SP MAILS SP AGAIN [SP ACCOUNT]         NULL where it is none */
static StatsThread *read_thread(const char *hash, const char *text)
{
	g_auto(GStrv) words = g_strsplit(text, " ", 6);
	guint64 numbers[5];
	StatsThread *thread;

	if (g_strv_length(words) < G_N_ELEMENTS(numbers))
		return NULL;
	for (gsize i = 0; i < G_N_ELEMENTS(numbers); i++)
		if (!g_ascii_string_to_unsigned(words[i], 10, 0, i < 3 ? G_MAXINT64 : G_MAXINT, &numbers[i], NULL))
			return NULL;
	if (words[5] != NULL && !g_utf8_validate(words[5], -1, NULL))
		return NULL;
	thread = g_new0(StatsThread, 1);
	thread->hash = g_strdup(hash);
	thread->account = g_strdup(words[5]);
	thread->first_at = (gint64)numbers[0];
	thread->last_at = (gint64)numbers[1];
	thread->answered_at = (gint64)numbers[2];
	thread->mails = (guint)numbers[3];
	thread->again = (guint)numbers[4];
	return thread;
}

bool redis_stats_threads_slice(Store *base, const char *id, char **cursor, GPtrArray *threads, GError **error)
{
	RedisStore *store = (RedisStore *)base;
	g_autoptr(GPtrArray) keys = key_list(redis_key(store, "stats:threads:", id));
	g_autoptr(redisReply) reply = NULL;
	const char *next;

	g_ptr_array_add(keys, g_strdup_printf("%sstats:threads:%s:at", base->config->store_prefix, id));
	reply = read_with(store, keys, "threads", *cursor != NULL ? *cursor : "0", error);
	if (reply == NULL)
		return false;
	if (reply->type != REDIS_REPLY_ARRAY || reply->elements == 0 || (next = redis_text(reply->element[0])) == NULL)
		return redis_unexpected("reading who wrote in", error);
	for (gsize i = 1; i + 1 < reply->elements; i += 2) {
		const char *hash = redis_text(reply->element[i]), *text = redis_text(reply->element[i + 1]);
		StatsThread *thread = hash != NULL && text != NULL ? read_thread(hash, text) : NULL;

		if (thread != NULL)
			g_ptr_array_add(threads, thread);
	}
	g_free(*cursor);
	*cursor = strcmp(next, "0") != 0 ? g_strdup(next) : NULL;
	return true;
}

bool redis_stats_outbound_seen(Store *base, gint64 *at, GError **error)
{
	RedisStore *store = (RedisStore *)base;
	g_autoptr(GPtrArray) keys = key_list(redis_key(store, "stats:outbound", NULL));
	g_autoptr(redisReply) reply = read_with(store, keys, "outbound", NULL, error);

	if (reply != NULL)
		*at = MAX(redis_number(reply), 0);
	return reply != NULL;
}

/* --- the baseline --- */

bool redis_baseline(Store *base, BaselineHour hours[BASELINE_HOURS], GError **error)
{
	RedisStore *store = (RedisStore *)base;
	g_autoptr(GPtrArray) keys = key_list(redis_key(store, "baseline", NULL)), args = command_new("get", NULL);
	g_autoptr(redisReply) reply = redis_script(store, SCRIPT_BASELINE, keys, args, false, error);

	if (reply == NULL)
		return false;
	if (reply->type != REDIS_REPLY_ARRAY || reply->elements != BASELINE_HOURS)
		return redis_unexpected("reading the baseline", error);
	for (gsize i = 0; i < BASELINE_HOURS; i++) {
		const char *text = redis_text(reply->element[i]);
		g_auto(GStrv) words = g_strsplit(text != NULL ? text : "", " ", 0);

		hours[i] = (BaselineHour){ .weeks = 0 };
		if (g_strv_length(words) == 3)
			hours[i] = (BaselineHour){ .mails = g_ascii_strtod(words[0], NULL), .senders = g_ascii_strtod(words[1], NULL),
				.weeks = (guint)MIN(g_ascii_strtoull(words[2], NULL, 10), G_MAXINT) };
	}
	return true;
}

static void add_double(GPtrArray *args, double number)
{
	char text[G_ASCII_DTOSTR_BUF_SIZE];

	command_add(args, g_ascii_dtostr(text, sizeof text, number));
}

bool redis_baseline_learn(Store *base, gint64 hour_start, double mails, double senders, bool *learned, GError **error)
{
	RedisStore *store = (RedisStore *)base;
	g_autoptr(GPtrArray) keys = key_list(redis_key(store, "baseline", NULL)), args = command_new("learn", NULL);
	g_autoptr(redisReply) reply = NULL;

	command_add_int(args, hour_start);
	command_add_int(args, baseline_hour(hour_start));
	add_double(args, mails);
	add_double(args, senders);
	command_add_int(args, BASELINE_WEEKS);
	reply = redis_script(store, SCRIPT_BASELINE, keys, args, true, error);
	if (reply != NULL)
		*learned = redis_number(reply) == 1;
	return reply != NULL;
}
