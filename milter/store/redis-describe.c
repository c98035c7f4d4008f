/* redis-describe: what a Redis server says of itself. Layer: store, private to redis*.c.
 *
 * INFO answers lines NAME:VALUE; of a replica `slave0:ip=...,port=...,state=online,offset=N,lag=SECONDS`. A user who may not ask
 * (ACL) learns nothing, and that is no error: what is not known is not complained of.
 *
 * Whether there are save points only CONFIG says, which shows the server's passwords too: a user of our own (conf/redis/users.acl) has no
 * right to it, and asking all the same would fill the server's ACL LOG. For him there is only how long nothing was saved. */
#include <string.h>

#include "base/clock.h"
#include "store/redis-private.h"

static const char *const sections[REDIS_INFO_SECTIONS] = { "replication", "server", "persistence", "memory" };

/* Returns the value of NAME in the text of INFO (may be NULL), or NULL; caller frees. */
static char *info_value(const char *info, const char *name)
{
	g_autofree char *start = g_strconcat("\n", name, ":", NULL);
	const char *at = info ? strstr(info, start) : NULL;

	if (!at)
		return NULL;
	at += strlen(start);
	return g_strndup(at, strcspn(at, "\r\n"));
}

static gint64 info_number(const char *info, const char *name)
{
	g_autofree char *value = info_value(info, name);

	return value ? g_ascii_strtoll(value, NULL, 10) : 0;
}

/* The number behind name= in a replica's line; fallback where it is not there. */
static gint64 member(char *const *members, const char *name, gint64 fallback)
{
	for (; *members; members++)
		if (g_str_has_prefix(*members, name) && (*members)[strlen(name)] == '=')
			return g_ascii_strtoll(*members + strlen(name) + 1, NULL, 10);
	return fallback;
}

static void read_replicas(StoreInfo *info, const char *text)
{
	gint64 offset = info_number(text, "master_repl_offset");

	info->replicas = (guint)CLAMP(info_number(text, "connected_slaves"), 0, G_MAXINT);
	for (guint i = 0; i < info->replicas; i++) {
		g_autofree char *name = g_strdup_printf("slave%u", i), *line = info_value(text, name);
		g_auto(GStrv) members = line ? g_strsplit(line, ",", -1) : NULL;

		if (!members)
			break;
		info->lag = MAX(info->lag, member(members, "lag", -1));
		info->lag_bytes = MAX(info->lag_bytes, (guint64)MAX(offset - member(members, "offset", offset), 0));
	}
}

/* policy = noeviction | (allkeys | volatile)-WORD. It bites only where there is a limit. */
static char *evicting_policy(const char *text)
{
	g_autofree char *policy = info_value(text, "maxmemory_policy");

	if (!policy || strcmp(policy, "noeviction") == 0 || info_number(text, "maxmemory") == 0)
		return NULL;
	return g_steal_pointer(&policy);
}

/* With a limit, reached, and nothing that it may throw away. */
static bool is_full(const char *text)
{
	gint64 limit = info_number(text, "maxmemory");

	return limit > 0 && info_number(text, "used_memory") >= limit;
}

/* save: the reply to CONFIG GET save, a list of name and value; an error where the user may not ask, NULL where he was not to. */
static void read_persistence(StoreInfo *info, const char *text, const redisReply *save)
{
	const char *points = save ? redis_field(save, "save") : NULL;
	g_autofree char *log_status = info_value(text, "aof_last_write_status"), *save_status = info_value(text, "rdb_last_bgsave_status");
	bool appends = info_number(text, "aof_enabled") != 0;
	gint64 saved = info_number(text, "rdb_last_save_time");

	info->persistent = !text || appends || !points || *points;
	info->disk_failed = appends ? g_strcmp0(log_status, "err") == 0 : info->persistent && g_strcmp0(save_status, "err") == 0;
	if (!appends && saved > 0 && info_number(text, "rdb_changes_since_last_save") > 0)
		info->unsaved = MAX(clock_now() - saved, 0);
}

/* Returns replies to INFO of each section and, where we are nobody in particular, to CONFIG GET save. */
static GPtrArray *ask(RedisStore *store, GError **error)
{
	g_autoptr(GPtrArray) save = command_new("CONFIG", "GET", "save", NULL);

	for (gsize i = 0; i < REDIS_INFO_SECTIONS; i++) {
		g_autoptr(GPtrArray) command = command_new("INFO", sections[i], NULL);

		link_push(store->link, command);
	}
	if (!link_has_user(store->link))
		link_push(store->link, save);
	return link_run(store->link, store->base.config->store_timeout, false, error);
}

StoreInfo *redis_info_read(const char *const text[REDIS_INFO_SECTIONS], const redisReply *save)
{
	StoreInfo *info = g_new0(StoreInfo, 1);

	info->role = info_value(text[0], "role");
	info->lag = -1;
	read_replicas(info, text[0]);
	info->version = info_value(text[1], "redis_version");
	read_persistence(info, text[2], save);
	info->evicts = evicting_policy(text[3]);
	info->full = info->evicts == NULL && is_full(text[3]);
	return info;
}

StoreInfo *redis_describe(Store *base, GError **error)
{
	RedisStore *store = (RedisStore *)base;
	g_autoptr(GPtrArray) replies = ask(store, error);
	const char *text[REDIS_INFO_SECTIONS] = { NULL };
	StoreInfo *info;

	if (!replies)
		return NULL;
	for (gsize i = 0; i < REDIS_INFO_SECTIONS; i++) {
		const redisReply *reply = replies->pdata[i];

		text[i] = reply->type == REDIS_REPLY_ERROR ? NULL : redis_text(reply);
	}
	info = redis_info_read(text, replies->len > REDIS_INFO_SECTIONS ? replies->pdata[REDIS_INFO_SECTIONS] : NULL);
	info->where = g_strdup(link_where(store->link));
	return info;
}
