/* Figures of support mail with arguments that make no key, in keys of a wrong type, beside values of any size; and what becomes of them in
 * the end: SQLite's sweep and its older files, the end of each key in Redis. */
#include <string.h>

#include "base/clock.h"
#include "base/error.h"
#include "figures-fixture.h"
#include "store/alarms.h"

static void test_what_can_be_no_part_of_a_key_is_refused(gconstpointer kind)
{
	static const char *const wrong[] = { "", "a b", "a:b", "\xc3\xa4", "a\nb",
		"0123456789012345678901234567890123456789012345678901234567890123x" };
	g_autoptr(Fixture) fixture = fixture_new(kind);
	g_autoptr(Store) store = fixture_open(fixture, "a");
	gint64 now = clock_now();

	for (gsize i = 0; i < G_N_ELEMENTS(wrong); i++) {
		g_autoptr(GPtrArray) minutes = figures_minutes(), senders = figures_minutes(), threads = g_ptr_array_new();
		g_autofree char *cursor = NULL;
		guint64 n, m;

		g_ptr_array_add(minutes, stats_minute_new(wrong[i], now));
		g_ptr_array_add(senders, stats_minute_new(ID, now));
		g_hash_table_add(((StatsMinute *)senders->pdata[0])->senders, g_strdup(wrong[i]));
		g_assert_false(store_stats_write(store, &(StatsBatch){ .minutes = minutes }, NULL, NULL));
		g_assert_false(store_stats_write(store, &(StatsBatch){ .minutes = senders }, NULL, NULL));
		g_assert_false(figures_try_mail(store, wrong[i], "h", "k", NULL, now, NULL, NULL));
		g_assert_false(figures_try_mail(store, ID, wrong[i], "k", NULL, now, NULL, NULL));
		g_assert_false(figures_try_mail(store, ID, "h", wrong[i], NULL, now, NULL, NULL));
		g_assert_null(store_stats_minutes(store, wrong[i], now, now, NULL));
		g_assert_false(store_stats_distinct(store, wrong[i], now, &n, &m, NULL));
		g_assert_null(store_stats_accounts(store, wrong[i], NULL));
		g_assert_false(store_stats_threads_slice(store, wrong[i], &cursor, threads, NULL));
	}
	g_assert_false(figures_try_mail(store, ID, "h", "k", NULL, -1, NULL, NULL));
	g_assert_false(figures_try_answer(store, "a:b", now, NULL, NULL));
	g_assert_false(figures_try_answer(store, "k", G_MAXINT64, NULL, NULL));
	g_assert_false(store_baseline_learn(store, 1, 1, 1, &(bool){ false }, NULL));
	g_assert_false(store_baseline_learn(store, 3600, -1, 1, &(bool){ false }, NULL));
	g_assert_false(store_baseline_learn(store, 3600, 1, G_MAXDOUBLE * 2, &(bool){ false }, NULL));
}

/* Every operation once, at that time; they may fail, but in words, which name what is wrong. Returns how many did. */
static guint use_everything(Store *store, gint64 now, const char *named)
{
	guint failed = 0;

	for (int step = 0; step < 10; step++) {
		g_autoptr(GPtrArray) minutes = figures_minutes(), read = NULL, threads = NULL;
		g_autoptr(GHashTable) totals = NULL;
		g_autoptr(GError) error = NULL;
		BaselineHour hours[BASELINE_HOURS];
		guint64 n, m;
		gint64 at;
		bool ok;

		switch (step) {
		case 0:
			g_ptr_array_add(minutes, stats_minute_new(ID, now));
			stats_minute_add(minutes->pdata[0], "mail", 1);
			stats_minute_add_account(minutes->pdata[0], "Acme", 1);
			g_hash_table_add(((StatsMinute *)minutes->pdata[0])->senders, g_strdup("h1"));
			ok = store_stats_write(store, &(StatsBatch){ .minutes = minutes }, NULL, &error);
			break;
		case 1:
			ok = figures_try_mail(store, ID, "h1", "k1", "Acme", now, NULL, &error);
			break;
		case 2:
			ok = figures_try_answer(store, "k1", now, NULL, &error);
			break;
		case 3:
			ok = (read = store_stats_minutes(store, ID, now - 3600, now + 60, &error)) != NULL;
			break;
		case 4:
			ok = store_stats_distinct(store, ID, now, &n, &m, &error);
			break;
		case 5:
			ok = store_stats_distinct(store, ID, 0, &n, &m, &error);
			break;
		case 6:
			ok = (totals = store_stats_accounts(store, ID, &error)) != NULL;
			break;
		case 7:
			ok = (threads = store_stats_threads(store, ID, &error)) != NULL;
			break;
		case 8:
			ok = store_stats_outbound_seen(store, &at, &error);
			break;
		default:
			ok = store_baseline_learn(store, now / 3600 * 3600, 1, 1, &(bool){ false }, &error) && store_baseline(store, hours, &error);
		}
		g_assert_cmpint(ok, ==, error == NULL);
		failed += !ok;
		if (!ok) {
			g_assert_error(error, OUTAGE_ERROR, OUTAGE_ERROR_INVALID);
			g_assert_nonnull(named);
			g_assert_nonnull(strstr(error->message, named));
		}
	}
	return failed;
}

/* %HOUR and %SLOT stand for those of that time. Caller frees. */
static char *key_at(const char *key, gint64 now)
{
	g_autoptr(GString) text = g_string_new(key);
	g_autofree char *hour = g_strdup_printf("%" G_GINT64_FORMAT, now / 3600), *slot = g_strdup_printf("%" G_GINT64_FORMAT, now / 300);

	g_string_replace(text, "%HOUR", hour, 0);
	g_string_replace(text, "%SLOT", slot, 0);
	return g_string_free(g_steal_pointer(&text), FALSE);
}

static const char *const keys_of_figures[] = {
	"outage:stats:minute:" ID ":%HOUR", "outage:stats:senders:" ID, "outage:stats:senders:" ID ":%SLOT", "outage:stats:account:" ID,
	"outage:stats:account:" ID ":at", "outage:stats:threads:" ID, "outage:stats:threads:" ID ":at", "outage:stats:mail:k1",
	"outage:stats:outbound", "outage:baseline",
};

static void test_a_key_of_a_wrong_type_is_named_and_harms_nothing_else(void)
{
	g_autoptr(Fixture) fixture = fixture_new("redis");
	g_autoptr(Store) store = fixture_open(fixture, "a");

	for (gsize i = 0; i < G_N_ELEMENTS(keys_of_figures); i++) {
		gint64 now = clock_now();
		g_autofree char *key = key_at(keys_of_figures[i], now);

		g_free(fixture_redis("FLUSHALL", NULL));
		g_free(fixture_redis("RPUSH", key, "strange", NULL));
		g_assert_cmpuint(use_everything(store, now, key), >, 0);
		g_assert_false(store_is_lost(store));
		g_free(fixture_redis("DEL", key, NULL));
		g_assert_cmpuint(use_everything(store, now, NULL), ==, 0);
	}
}

/* What is sound of a batch is written although a key of it is not. */
static void test_one_wrong_key_costs_the_rest_of_a_batch_nothing(void)
{
	g_autoptr(Fixture) fixture = fixture_new("redis");
	g_autoptr(Store) store = fixture_open(fixture, "a");
	g_autoptr(GPtrArray) minutes = figures_minutes(), read = NULL;
	g_autoptr(GError) error = NULL;

	g_free(fixture_redis("SET", "outage:stats:account:" ID, "strange", NULL));
	g_ptr_array_add(minutes, stats_minute_new(ID, clock_now()));
	stats_minute_add(minutes->pdata[0], "mail", 4);
	stats_minute_add_account(minutes->pdata[0], "Acme", 1);
	g_hash_table_add(((StatsMinute *)minutes->pdata[0])->senders, g_strdup("h1"));
	g_assert_false(store_stats_write(store, &(StatsBatch){ .minutes = minutes }, NULL, &error));
	g_assert_error(error, OUTAGE_ERROR, OUTAGE_ERROR_INVALID);
	read = figures_minutes_of(store, ID, clock_now() - 3600, clock_now() + 3600);
	g_assert_cmpuint(read->len, ==, 1);
	g_assert_cmpuint(stats_minute_get(read->pdata[0], "mail"), ==, 4);
}

#define HUGE "string.rep(string.rep('x', 4096), 2304)" /* 9 MB: more than a hash of figures may weigh */
#define LARGE "string.rep('x', 70000)"                 /* more than any single value may have */

static void test_no_value_is_too_large_in_redis(void)
{
	static const struct { const char *key, *call; bool fails; } sizes[] = {
		{ "outage:stats:minute:" ID ":%HOUR", "redis.call('HSET', '%s', '00 mail', " HUGE ", '01 mail', 'many', 'x', '7', '99 mail', '8')", true },
		{ "outage:stats:minute:" ID ":%HOUR", "for i = 1, 128 do redis.call('HSET', '%s', " LARGE " .. i, '1') end", true },
		{ "outage:stats:minute:" ID ":%HOUR", "for i = 1, 50001 do redis.call('HSET', '%s', '00 n' .. i, '1') end", true },
		{ "outage:stats:minute:" ID ":%HOUR", "redis.call('HSET', '%s', '01 mail', '-5', '02 a b', '1', '03 \\n', '1', '7', '', '', 'x')", false },
		{ "outage:stats:account:" ID, "for i = 1, 128 do redis.call('HSET', '%s', 'n' .. i, " LARGE ") end", true },
		{ "outage:stats:account:" ID, "redis.call('HSET', '%s', 'a\\0b', '1', '', '1', '\\255', '1', 'Minus', '-1')", false },
		{ "outage:stats:threads:" ID, "redis.call('HSET', '%s', 'h1', " LARGE ") redis.call('ZADD', '%s:at', 1, 'h1')", false },
		{ "outage:stats:threads:" ID, "redis.call('HSET', '%s', 'h1', 'no thread') redis.call('ZADD', '%s:at', 1, 'h1', 2, 'h2')", false },
		{ "outage:stats:threads:" ID, "redis.call('ZADD', '%s:at', 1, " LARGE ")", false },
		{ "outage:stats:threads:" ID, "redis.call('HSET', '%s', 'h2', '1 2 3 99999999999 0') redis.call('ZADD', '%s:at', 1, 'h2')", false },
		{ "outage:stats:mail:k1", "redis.call('SET', '%s', " LARGE ")", false },
		{ "outage:stats:mail:k1", "redis.call('SET', '%s', '- 99999999999999999999999')", false },
		{ "outage:stats:outbound", "redis.call('SET', '%s', " LARGE ")", false },
		{ "outage:baseline", "redis.call('HSET', '%s', '9', " LARGE ", '10', 'nan nan 3', '11', '1 2 3 4', 'last', " LARGE ")", false },
	};
	g_autoptr(Fixture) fixture = fixture_new("redis");
	g_autoptr(Store) store = fixture_open(fixture, "a");

	for (gsize i = 0; i < G_N_ELEMENTS(sizes); i++) {
		g_autoptr(GString) script = g_string_new(sizes[i].call);
		gint64 now = clock_now();
		g_autofree char *key = key_at(sizes[i].key, now);
		guint failed;

		g_string_replace(script, "%s", key, 0);
		g_free(fixture_redis("FLUSHALL", NULL));
		fixture_run(fixture, script->str, NULL);
		failed = use_everything(store, now, sizes[i].fails ? key : NULL);
		g_assert_cmpint(failed > 0, ==, sizes[i].fails);
		g_assert_false(store_is_lost(store));
	}
}

static void test_no_row_is_too_strange_in_sqlite(void)
{
	static const char *const rows[] = {
		"INSERT INTO stats_minutes(id, minute, counter, n) VALUES('" ID "', strftime('%s') / 60 * 60, 'mail', 'many')",
		"INSERT INTO stats_minutes(id, minute, counter, n) VALUES('" ID "', strftime('%s') / 60 * 60, 'mail', 9223372036854775807)",
		"INSERT INTO stats_minutes(id, minute, counter, n) VALUES('" ID "', strftime('%s') / 60 * 60, hex(zeroblob(999999)), 1)",
		"INSERT INTO stats_minutes(id, minute, counter, n) VALUES('" ID "', strftime('%s') / 60 * 60, x'00ff', x'00')",
		"INSERT INTO stats_minutes(id, minute, counter, n) VALUES('" ID "', 'noon', 'mail', 1)",
		"INSERT INTO stats_accounts(id, week, account, n, at) VALUES('" ID "', 0, hex(zeroblob(999999)), 1, 9999999999)",
		"INSERT INTO stats_accounts(id, week, account, n, at) VALUES('" ID "', 0, 'Acme', 9223372036854775807, 'x')",
		"INSERT INTO stats_accounts(id, week, account, n, at) VALUES('" ID "', 0, x'ff', 1, 1)",
		"INSERT INTO stats_threads VALUES('" ID "', 'h1', hex(zeroblob(999999)), 1, 1, 1, 1, 1)",
		"INSERT INTO stats_threads VALUES('" ID "', 'h1', x'ff', 'x', -1, 'y', -5, 99999999999)",
		"INSERT INTO stats_threads VALUES('" ID "', x'00ff', '', 1, 1, 1, 1, 1)",
		"INSERT INTO stats_threads VALUES('" ID "', 'a' || char(0), '', 1, 1, 1, 1, 1)",
		"INSERT INTO stats_mails VALUES('k1', hex(zeroblob(999999)), 'x', 1)",
		"INSERT INTO stats_mails VALUES('k1', x'00', x'00', 'never')",
		"INSERT INTO stats_outbound VALUES(1, 'never')",
		"INSERT INTO baseline VALUES(9, 'nan', hex(zeroblob(999999)), 'x'), (999, 1, 1, 1), (-1, 0, 0, 'x')",
	};

	g_autoptr(Fixture) fixture = fixture_new("sqlite");
	g_autoptr(Store) store = fixture_open(fixture, "a");

	for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
		g_autofree char *alone = g_strconcat("DELETE FROM stats_minutes; DELETE FROM stats_senders; DELETE FROM stats_accounts;"
		    " DELETE FROM stats_threads; DELETE FROM stats_mails; DELETE FROM stats_outbound; DELETE FROM baseline; ", rows[i], NULL);

		fixture_run(fixture, NULL, alone);
		g_assert_cmpuint(use_everything(store, clock_now(), NULL), ==, 0);
	}
}

/* --- what becomes of it --- */

static void test_every_key_ends(void)
{
	g_autoptr(Fixture) fixture = fixture_new("redis");
	g_autoptr(Store) store = fixture_open(fixture, "a");
	g_autofree char *all = NULL;
	g_auto(GStrv) keys = NULL;

	g_assert_cmpuint(use_everything(store, clock_now(), NULL), ==, 0);
	figures_write_minute(store, STATS_ALL, clock_now(), "mail=1", "h1", "Acme");
	figures_write_answer(store, "early", clock_now());
	all = fixture_redis("KEYS", "outage:stats:*", NULL);
	keys = g_strsplit(all, "\n", 0);
	g_assert_cmpuint(g_strv_length(keys), >=, 14);
	for (char **key = keys; *key; key++) {
		g_autofree char *left = fixture_redis("TTL", *key, NULL);

		g_test_message("%s: %s", *key, left);
		g_assert_cmpint(g_ascii_strtoll(left, NULL, 10), >, 0);
	}
}

static void test_the_sweep_takes_what_is_past_its_time(void)
{
	g_autoptr(Fixture) fixture = fixture_new("sqlite");
	g_autoptr(Store) store = fixture_open(fixture, "a");
	g_autoptr(GPtrArray) minutes = NULL, old = NULL, kept = NULL;
	g_autoptr(GHashTable) counters = NULL;
	IncidentState state = { .id = NULL };
	gint64 now = clock_now(), past = now - 40 * 86400, long_past = now - 400 * 86400;
	g_autoptr(GError) error = NULL;

	store_set_word(store, "default", WORD_P1, NULL, "anna", &state, &error);
	g_assert_no_error(error);
	figures_write_minute(store, ID, past, "mail=1", "h1", "Acme");
	figures_write_minute(store, ID, long_past, "mail=1", "h1", "Old");
	figures_write_minute(store, STATS_ALL, long_past, "mail=1", "h1", "Old");
	figures_write_minute(store, ID, now, "mail=1", "h2", NULL);
	figures_write_mail(store, ID, "h1", "k1", NULL, past);
	figures_write_mail(store, ID, "h2", "k2", NULL, now);
	figures_write_mail(store, state.id, "h1", "k3", NULL, past);
	g_assert_true(store_count(store, ID, "queued", 1, NULL));
	g_assert_true(store_heartbeat(store, "{}", &error));
	minutes = figures_minutes_of(store, ID, 0, now + 60);
	g_assert_cmpuint(minutes->len, ==, 1);
	figures_check_distinct(store, ID, 0, 1, 1);
	g_assert_cmpuint(figures_account_total(store, ID, "Acme"), ==, 1);
	g_assert_cmpuint(figures_account_total(store, ID, "Old"), ==, 0);
	g_assert_cmpuint(figures_account_total(store, STATS_ALL, "Old"), ==, 0);
	old = figures_threads_of(store, ID);
	g_assert_cmpuint(old->len, ==, 1);
	/* What belongs to an incident that is on stays, and so do the sums of the store. */
	kept = figures_threads_of(store, state.id);
	g_assert_cmpuint(kept->len, ==, 1);
	counters = store_counters(store, ID, NULL);
	g_assert_cmpuint(g_hash_table_size(counters), ==, 1);
	incident_state_clear(&state);
}

static void test_a_file_of_version_5_goes_on(void)
{
	g_autoptr(Fixture) fixture = fixture_new("sqlite");
	g_autoptr(Store) first = fixture_open(fixture, "a"), store = NULL;
	g_autoptr(Snapshot) snapshot = NULL;
	g_autoptr(GPtrArray) events = NULL;

	g_assert_true(store_count(first, ID, "queued", 3, NULL));
	g_assert_true(store_set_pause(first, "wrong text", "anna", NULL));
	fixture_run(fixture, NULL, "DROP TABLE stats_minutes; DROP TABLE stats_senders; DROP TABLE stats_accounts; DROP TABLE stats_threads;"
	    " DROP TABLE stats_mails; DROP TABLE stats_outbound; DROP TABLE baseline; DROP TABLE alarms; DROP TABLE alarm_duty;"
	    " DELETE FROM generation WHERE what = 'paused'; PRAGMA user_version = 5");
	store = fixture_open(fixture, "b");
	g_assert_cmpuint(use_everything(store, clock_now(), NULL), ==, 0);
	{
		g_autoptr(GHashTable) counters = store_counters(store, ID, NULL);

		g_assert_cmpstr(g_hash_table_lookup(counters, "queued"), ==, "3");
	}
	g_assert_true(store_alarm_duty(store, 60, &(bool){ false }, NULL));
	/* A pause of before is put down to who made it, and to nobody else. */
	snapshot = store_snapshot(store, NULL, NULL);
	g_assert_nonnull(snapshot);
	g_assert_cmpstr(snapshot->pause, ==, "wrong text");
	events = store_events(store, 10, NULL);
	g_assert_cmpuint(events->len, ==, 1);
	g_assert_cmpstr(((StoreEvent *)events->pdata[0])->by, ==, "anna");
}

/* However much it brings: nobody else in the store has to wait for a conversation. */
static void test_a_write_is_one_round_trip(void)
{
	g_autoptr(Fixture) fixture = fixture_new("redis");
	g_autoptr(Store) store = fixture_open(fixture, "a");
	g_autofree char *stats = NULL;

	figures_write_minute(store, ID, clock_now(), "mail=1", NULL, NULL);
	g_free(fixture_redis("CONFIG", "RESETSTAT", NULL));
	figures_write_minute(store, ID, clock_now(), "mail=1 matched=1 held:rate=1 queued=1", "h1 h2 h3", "Acme Globex");
	stats = fixture_redis("INFO", "commandstats", NULL);
	g_assert_nonnull(strstr(stats, "cmdstat_evalsha:calls=1,"));
	g_assert_null(strstr(stats, "cmdstat_eval:"));
}

int main(int argc, char **argv)
{
	int result;

	g_test_init(&argc, &argv, NULL);
	fixture_add_test("what-can-be-no-part-of-a-key-is-refused", test_what_can_be_no_part_of_a_key_is_refused);
	g_test_add_func("/stats-wrong/a-key-of-a-wrong-type-is-named-and-harms-nothing-else",
	    test_a_key_of_a_wrong_type_is_named_and_harms_nothing_else);
	g_test_add_func("/stats-wrong/one-wrong-key-costs-the-rest-of-a-batch-nothing", test_one_wrong_key_costs_the_rest_of_a_batch_nothing);
	g_test_add_func("/stats-wrong/no-value-is-too-large-in-redis", test_no_value_is_too_large_in_redis);
	g_test_add_func("/stats-wrong/no-row-is-too-strange-in-sqlite", test_no_row_is_too_strange_in_sqlite);
	g_test_add_func("/stats-wrong/every-key-ends", test_every_key_ends);
	g_test_add_func("/stats-wrong/the-sweep-takes-what-is-past-its-time", test_the_sweep_takes_what_is_past_its_time);
	g_test_add_func("/stats-wrong/a-file-of-version-5-goes-on", test_a_file_of_version_5_goes_on);
	g_test_add_func("/stats-wrong/a-write-is-one-round-trip", test_a_write_is_one_round_trip);
	result = g_test_run();
	fixture_shut_down();
	return result;
}
