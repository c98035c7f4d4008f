/* What a store says of itself that puts marks and letters at risk: each is named with what to do, and nothing is where all is well. */
#include <locale.h>
#include <string.h>

#include "base/clock.h"
#include "store-fixture.h"
#include "store/redis-private.h"
#include "store/risks.h"

#define WELL "aof_enabled:1\r\naof_last_write_status:ok\r\nrdb_last_bgsave_status:ok\r\n"

/* What INFO persistence, INFO memory and CONFIG GET save (NULL = not asked) say; "@N" stands for the time N seconds ago. */
typedef struct { const char *what, *version, *persistence, *memory, *save, *risks, *says; } Case;
static const Case cases[] = {
	{ "a log of appends", "7.0.15", WELL, "maxmemory:0\r\nmaxmemory_policy:noeviction\r\n", "", "", NULL },
	{ "save points alone", "7.0.15", "aof_enabled:0\r\n", "", "3600 1 300 100", "", NULL },
	{ "nothing on disk", "7.0.15", "aof_enabled:0\r\n", "", "", "volatile", "appendonly yes" },
	{ "nothing is known of save points, and all is saved", "7.0.15",
	    "aof_enabled:0\r\nrdb_changes_since_last_save:0\r\nrdb_last_save_time:@90000\r\n", "", NULL, "", NULL },
	{ "changes of just now", "7.0.15", "aof_enabled:0\r\nrdb_changes_since_last_save:7\r\nrdb_last_save_time:@600\r\n", "", NULL, "", NULL },
	{ "changes of long ago", "7.0.15", "aof_enabled:0\r\nrdb_changes_since_last_save:7\r\nrdb_last_save_time:@10800\r\n", "", NULL, "unsaved",
	    "for 3h" },
	{ "no disk at all is said once", "7.0.15", "aof_enabled:0\r\nrdb_changes_since_last_save:7\r\nrdb_last_save_time:@10800\r\n", "", "",
	    "volatile", NULL },
	{ "with a log of appends dumps do not matter", "7.0.15",
	    WELL "rdb_changes_since_last_save:7\r\nrdb_last_save_time:@90000\r\n", "", "", "", NULL },
	{ "a full disk under the log", "7.0.15", "aof_enabled:1\r\naof_last_write_status:err\r\n", "", "", "disk", "its disk is full" },
	{ "a full disk under the dumps", "7.0.15", "aof_enabled:0\r\nrdb_last_bgsave_status:err\r\n", "", "60 1", "disk", "its disk is full" },
	{ "a cache", "7.0.15", WELL, "used_memory:5\r\nmaxmemory:100\r\nmaxmemory_policy:allkeys-lru\r\n", "", "evicts", "allkeys-lru" },
	{ "a cache without a limit throws nothing away", "7.0.15", WELL, "maxmemory:0\r\nmaxmemory_policy:volatile-ttl\r\n", "", "", NULL },
	{ "a full memory", "7.0.15", WELL, "used_memory:100\r\nmaxmemory:100\r\nmaxmemory_policy:noeviction\r\n", "", "full", "raise maxmemory" },
	{ "the oldest that will do", "6.2.0", WELL, "", "", "", NULL },
	{ "one that is too old", "6.0.16", WELL, "", "", "old", "6.0.16, older than 6.2" },
	{ "one that is far too old", "5.0", WELL, "", "", "old", "upgrade" },
	{ "a version that is none", "unstable", WELL, "", "", "", NULL },
	{ "a version like a terminal's command", "6.0\x1b[2J", WELL, "", "", "old", "6.0\\x1b[2J" },
	{ "all at once", "4.0.1", "aof_enabled:0\r\n", "maxmemory:1\r\nmaxmemory_policy:allkeys-random\r\n", "", "evicts volatile old", NULL },
	{ "a user who may not ask", NULL, NULL, NULL, NULL, "", NULL },
};

/* Caller frees. */
static char *with_times(const char *text)
{
	const char *at = text != NULL ? strchr(text, '@') : NULL;
	char *end;
	gint64 ago;

	if (at == NULL)
		return g_strconcat("# Persistence\r\n", text, NULL);
	ago = g_ascii_strtoll(at + 1, &end, 10);
	return g_strdup_printf("# Persistence\r\n%.*s%" G_GINT64_FORMAT "%s", (int)(at - text), text, clock_now() - ago, end);
}

static StoreInfo *read_case(const Case *one)
{
	g_autofree char *server = g_strconcat("# Server\r\nredis_version:", one->version, "\r\n", NULL), *persistence = with_times(one->persistence);
	g_autofree char *memory = g_strconcat("# Memory\r\n", one->memory, NULL);
	const char *const text[REDIS_INFO_SECTIONS] = { "# Replication\r\nrole:master\r\n", one->version ? server : NULL,
		one->persistence ? persistence : NULL, one->memory ? memory : NULL };
	redisReply name = { .type = REDIS_REPLY_STRING }, points = { .type = REDIS_REPLY_STRING };
	redisReply *both[] = { &name, &points };
	redisReply save = { .type = REDIS_REPLY_ARRAY, .elements = 2, .element = both };
	g_autofree char *word = g_strdup("save"), *value = g_strdup(one->save);

	name.str = word;
	name.len = strlen(word);
	points.str = value;
	points.len = value ? strlen(value) : 0;
	return redis_info_read(text, one->save ? &save : NULL);
}

static void test_each_risk_is_named_with_what_to_do(gconstpointer data)
{
	const Case *one = data;
	g_autoptr(StoreInfo) info = read_case(one);
	g_autoptr(GString) risks = g_string_new(NULL), texts = g_string_new(NULL);

	for (StoreRisk risk = 0; risk < STORE_RISKS; risk++) {
		g_autofree char *text = store_risk_text(info, risk);

		if (text == NULL)
			continue;
		g_string_append_printf(risks, "%s%s", risks->len > 0 ? " " : "", store_risk_name(risk));
		g_string_append_printf(texts, "%s\n", text);
		g_assert_null(strchr(text, '\n'));
	}
	g_assert_cmpstr(risks->str, ==, one->risks);
	if (one->says != NULL)
		g_assert_nonnull(strstr(texts->str, one->says));
}

/* A server that is changed under way. */
static void test_what_a_server_says_is_followed(void)
{
	g_autoptr(Fixture) fixture = fixture_new("redis");
	g_autoptr(Store) store = fixture_open(fixture, "node1");
	guint risks;

	g_free(fixture_redis("CONFIG", "SET", "save", "", NULL));
	g_free(fixture_redis("CONFIG", "SET", "appendonly", "no", NULL));
	risks = store_risks_look(store, 0);
	g_assert_cmpuint(risks, ==, 1u << STORE_RISK_VOLATILE);
	g_free(fixture_redis("CONFIG", "SET", "save", "3600 1", NULL));
	g_free(fixture_redis("CONFIG", "SET", "maxmemory", "1gb", NULL));
	g_free(fixture_redis("CONFIG", "SET", "maxmemory-policy", "volatile-lru", NULL));
	risks = store_risks_look(store, risks);
	g_assert_cmpuint(risks, ==, 1u << STORE_RISK_EVICTS);
	g_free(fixture_redis("CONFIG", "SET", "maxmemory-policy", "noeviction", NULL));
	g_free(fixture_redis("CONFIG", "SET", "maxmemory", "0", NULL));
	risks = store_risks_look(store, risks);
	g_assert_cmpuint(risks, ==, 0);
}

static void test_the_embedded_store_has_none(void)
{
	g_autoptr(Fixture) fixture = fixture_new("sqlite");
	g_autoptr(Store) store = fixture_open(fixture, "node1");

	g_assert_cmpuint(store_risks_look(store, 0), ==, 0);
}

int main(int argc, char **argv)
{
	int status;

	setlocale(LC_ALL, "C.UTF-8");
	g_test_init(&argc, &argv, NULL);
	for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
		g_autofree char *path = g_strdup_printf("/store-risks/%s", cases[i].what);

		g_test_add_data_func(path, &cases[i], test_each_risk_is_named_with_what_to_do);
	}
	g_test_add_func("/store-risks/a server that is changed", test_what_a_server_says_is_followed);
	g_test_add_func("/store-risks/the embedded store", test_the_embedded_store_has_none);
	status = g_test_run();
	fixture_shut_down();
	return status;
}
