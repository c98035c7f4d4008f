/* The watch, on both stores: a flip is seen soon by everybody, a store that is away costs nothing of what was known. */
#include <string.h>

#include "base/clock.h"
#include "inspect/rules.h"
#include "store-fixture.h"
#include "store/watch.h"

#define FLIPS 20

/* What on_change saw last. */
typedef struct {
	GMutex lock;
	GCond changed;
	Word word;
	gint64 generation;
	gint64 seen_at;
} Seen;

static void on_change(const Snapshot *snapshot, gpointer data)
{
	const Incident *incident = snapshot_find(snapshot, "default");
	Seen *seen = data;

	g_mutex_lock(&seen->lock);
	seen->word = incident != NULL ? incident->state.word : WORD_NONE;
	seen->generation = snapshot->generation;
	seen->seen_at = clock_mono_us();
	g_cond_broadcast(&seen->changed);
	g_mutex_unlock(&seen->lock);
}

/* Returns when it was seen. */
static gint64 wait_for_word(Seen *seen, Word word)
{
	gint64 until = clock_mono_us() + 30 * G_USEC_PER_SEC, at;

	g_mutex_lock(&seen->lock);
	while (seen->word != word && g_cond_wait_until(&seen->changed, &seen->lock, until))
		;
	g_assert_cmpint(seen->word, ==, word);
	at = seen->seen_at;
	g_mutex_unlock(&seen->lock);
	return at;
}

static void wait_for_heartbeat(Store *store, const char *part, gint64 seconds)
{
	gint64 until = clock_mono_us() + seconds * G_USEC_PER_SEC;
	bool found = false;

	while (!found) {
		g_autoptr(GError) error = NULL;
		g_autoptr(GPtrArray) nodes = store_nodes(store, &error);

		g_assert_no_error(error);
		for (guint i = 0; i < nodes->len; i++)
			found = found || strstr(((StoreNode *)g_ptr_array_index(nodes, i))->json, part) != NULL;
		g_assert_cmpint(clock_mono_us(), <, until);
		g_thread_yield();
	}
}

static void seen_init(Seen *seen)
{
	g_mutex_init(&seen->lock);
	g_cond_init(&seen->changed);
	seen->word = WORD_NONE;
}

static int compare_times(gconstpointer a, gconstpointer b)
{
	return *(const gint64 *)a < *(const gint64 *)b ? -1 : 1;
}

static void expect_quick_flips(Store *store, Seen *seen)
{
	g_autoptr(GError) error = NULL;
	gint64 times[FLIPS];

	for (int i = 0; i < FLIPS; i++) {
		Word word = i % 2 == 0 ? WORD_P1 : WORD_P2;
		gint64 began;

		g_assert_true(store_set_word(store, "default", word, NULL, "tester", NULL, &error));
		began = clock_mono_us();
		times[i] = MAX(wait_for_word(seen, word) - began, 0);
	}
	qsort(times, FLIPS, sizeof times[0], compare_times);
	g_test_message("flip to seen: median %" G_GINT64_FORMAT " us, worst %" G_GINT64_FORMAT " us", times[FLIPS / 2],
	    times[FLIPS - 1]);
	/* The median: one flip may meet a machine that is busy with other things. */
	g_assert_cmpint(times[FLIPS / 2], <, 100000);
}

static void test_a_flip_is_seen_within_100_ms(gconstpointer kind)
{
	g_autoptr(Fixture) fixture = fixture_new(kind);
	g_autoptr(Store) store = fixture_open(fixture, "operator");
	g_autoptr(Snapshot) last = NULL;
	Seen seen = { .word = WORD_NONE };
	Watch *watch;

	seen_init(&seen);
	watch = watch_start(fixture->config, "node1", on_change, &seen);
	g_assert_true(watch_wait_ready(watch, 30000));
	expect_quick_flips(store, &seen);
	last = watch_snapshot(watch);
	g_assert_cmpint(snapshot_find(last, "default")->state.word, ==, WORD_P2);
	g_assert_cmpint(last->generation, >=, 2);
	watch_stop(watch);
	g_mutex_clear(&seen.lock);
	g_cond_clear(&seen.changed);
}

static void test_the_match_is_compiled_and_accounts_are_read(gconstpointer kind)
{
	g_autoptr(Fixture) fixture = fixture_new(kind);
	g_autoptr(Store) store = fixture_open(fixture, "operator");
	char *good[TEXT_FIELDS] = { [TEXT_MATCH] = (char *)"check ?out" }, *bad[TEXT_FIELDS] = { [TEXT_MATCH] = (char *)"(" };
	g_autoptr(GError) error = NULL;
	g_autoptr(Snapshot) first = NULL, second = NULL;
	g_autoptr(Accounts) accounts = NULL;
	Seen seen = { .word = WORD_NONE };
	gint64 until = clock_mono_us() + 60 * G_USEC_PER_SEC;
	Watch *watch;

	seen_init(&seen);
	g_assert_true(store_account_put(store, "acme.example", "{\"account\":\"Acme\"}", "tester", &error));
	g_assert_true(store_set_word(store, "default", WORD_P1, good, "tester", NULL, &error));
	watch = watch_start(fixture->config, "node1", on_change, &seen);
	wait_for_word(&seen, WORD_P1);
	first = watch_snapshot(watch);
	g_assert_nonnull(snapshot_find(first, "default")->match);
	g_assert_true(rules_pattern_matches(snapshot_find(first, "default")->match, "", "the Checkout is broken"));
	g_assert_cmpuint(first->problems->len, ==, 0);
	g_assert_true(store_set_word(store, "default", WORD_P2, bad, "tester", NULL, &error));
	wait_for_word(&seen, WORD_P2);
	second = watch_snapshot(watch);
	g_assert_null(snapshot_find(second, "default")->match);
	g_assert_cmpuint(second->problems->len, ==, 1);
	/* An account that comes later is seen too. */
	g_assert_true(store_account_put(store, "b.example", "{\"account\":\"B\"}", "tester", &error));
	g_assert_true(store_set_word(store, "default", WORD_P3, NULL, "tester", NULL, &error));
	wait_for_word(&seen, WORD_P3);
	do {
		g_clear_pointer(&accounts, accounts_unref);
		accounts = watch_accounts(watch);
		g_assert_cmpint(clock_mono_us(), <, until);
		g_thread_yield();
	} while (accounts_count(accounts) < 2);
	g_assert_nonnull(accounts_find(accounts, "x@b.example"));
	watch_stop(watch);
	g_mutex_clear(&seen.lock);
	g_cond_clear(&seen.changed);
}

static void test_a_new_configuration_is_taken_over(gconstpointer kind)
{
	g_autoptr(Fixture) fixture = fixture_new(kind);
	g_autoptr(Store) store = fixture_open(fixture, "operator");
	g_autoptr(Config) config = fixture_other_config(fixture);
	g_autoptr(GError) error = NULL;
	g_autoptr(Snapshot) before = NULL, after = NULL;
	Seen seen = { .word = WORD_NONE };
	Watch *watch;

	fixture->config->reopen_within = 3600000;
	config->reopen_within = 0;
	seen_init(&seen);
	watch = watch_start(fixture->config, "node1", on_change, &seen);
	g_assert_true(watch_wait_ready(watch, 30000));
	g_assert_true(store_set_word(store, "default", WORD_P1, NULL, "tester", NULL, &error));
	g_assert_true(store_set_word(store, "default", WORD_RESOLVED, NULL, "tester", NULL, &error));
	wait_for_word(&seen, WORD_RESOLVED);
	before = watch_snapshot(watch);
	watch_reconfigure(watch, config);
	/* Set by hand, the word is acted on by the watch, which by now opens a new incident where it would have reopened the old one. */
	fixture_set_raw_flip(fixture, "P1");
	wait_for_word(&seen, WORD_P1);
	after = watch_snapshot(watch);
	g_assert_cmpstr(snapshot_find(after, "default")->state.id, >, snapshot_find(before, "default")->state.id);
	watch_stop(watch);
	g_mutex_clear(&seen.lock);
	g_cond_clear(&seen.changed);
}

/* Waits until the watch has an account of this name for address; NULL = none. */
static void wait_for_account(Watch *watch, const char *address, const char *name)
{
	gint64 until = clock_mono_us() + 60 * G_USEC_PER_SEC;
	bool found = false;

	while (!found) {
		g_autoptr(Accounts) accounts = watch_accounts(watch);
		const Account *account = accounts_find(accounts, address);

		found = g_strcmp0(account != NULL ? account->name : NULL, name) == 0;
		g_assert_cmpint(clock_mono_us(), <, until);
		g_usleep(1000);
	}
}

/* SET where HSET was meant must not cost the sight of the flip key. */
static void test_keys_of_a_wrong_type_do_not_blind_the_watch(void)
{
	g_autoptr(Fixture) fixture = fixture_new("redis");
	g_autoptr(Store) store = fixture_open(fixture, "operator");
	g_autofree char *accounts_set = NULL, *nodes_set = NULL;
	g_autoptr(Accounts) kept = NULL;
	g_autoptr(GError) error = NULL;
	Seen seen = { .word = WORD_NONE };
	Watch *watch;

	seen_init(&seen);
	g_assert_true(store_account_put(store, "acme.example", "{\"account\":\"Acme\"}", "tester", &error));
	watch = watch_start(fixture->config, "node1", on_change, &seen);
	g_assert_true(store_set_word(store, "default", WORD_P3, NULL, "tester", NULL, &error));
	wait_for_word(&seen, WORD_P3);
	wait_for_heartbeat(store, "\"pid\":", 30);
	wait_for_account(watch, "x@acme.example", "Acme");
	accounts_set = fixture_redis("SET", "outage:accounts", "foo", NULL);
	nodes_set = fixture_redis("SET", "outage:nodes", "foo", NULL);
	g_assert_cmpstr(accounts_set, ==, "OK");
	g_assert_cmpstr(nodes_set, ==, "OK");
	expect_quick_flips(store, &seen);
	kept = watch_accounts(watch);
	g_assert_nonnull(accounts_find(kept, "x@acme.example"));
	watch_stop(watch);
	/* And one that starts with them so sees as much, from its first moment on. */
	watch = watch_start(fixture->config, "node2", on_change, &seen);
	g_assert_true(watch_wait_ready(watch, 30000));
	expect_quick_flips(store, &seen);
	watch_stop(watch);
	g_mutex_clear(&seen.lock);
	g_cond_clear(&seen.changed);
}

static void test_the_heartbeat_tells_of_trouble(gconstpointer kind)
{
	g_autoptr(Fixture) fixture = fixture_new(kind);
	g_autoptr(Store) store = fixture_open(fixture, "operator");
	g_autoptr(GError) error = NULL;
	Seen seen = { .word = WORD_NONE };
	Watch *watch;

	seen_init(&seen);
	g_assert_true(store_set_word(store, "default", WORD_P1, NULL, "tester", NULL, &error));
	watch = watch_start(fixture->config, "node1", on_change, &seen);
	wait_for_heartbeat(store, "\"problems\":0,", 30);
	/* What changes is told at once, not with the next beat ten seconds later. */
	fixture_set_raw_flip(fixture, "P1 please");
	wait_for_heartbeat(store, "\"problems\":1,", 8);
	fixture_lose_all(fixture);
	g_clear_pointer(&store, store_close);
	store = fixture_open(fixture, "operator");
	wait_for_heartbeat(store, "\"store_empty\":true", 8);
	watch_stop(watch);
	g_mutex_clear(&seen.lock);
	g_cond_clear(&seen.changed);
}

static void test_the_watch_outlives_the_loss_of_its_file(void)
{
	g_autoptr(Fixture) fixture = fixture_new("sqlite");
	g_autoptr(Store) store = fixture_open(fixture, "operator");
	g_autoptr(GError) error = NULL;
	Seen seen = { .word = WORD_NONE };
	g_autoptr(Snapshot) snapshot = NULL;
	bool empty = false;
	Watch *watch;

	seen_init(&seen);
	g_assert_true(store_set_word(store, "default", WORD_P1, NULL, "tester", NULL, &error));
	watch = watch_start(fixture->config, "node1", on_change, &seen);
	wait_for_word(&seen, WORD_P1);
	fixture_lose_all(fixture);
	while (!empty) {
		gint64 until = clock_mono_us() + 30 * G_USEC_PER_SEC, before;

		g_clear_pointer(&snapshot, snapshot_unref);
		snapshot = watch_snapshot(watch);
		empty = snapshot->store_empty;
		before = snapshot->generation;
		g_mutex_lock(&seen.lock);
		while (!empty && seen.generation <= before)
			g_assert_true(g_cond_wait_until(&seen.changed, &seen.lock, until));
		g_mutex_unlock(&seen.lock);
	}
	g_assert_cmpint(snapshot_find(snapshot, "default")->state.word, ==, WORD_P1);
	watch_stop(watch);
	g_mutex_clear(&seen.lock);
	g_cond_clear(&seen.changed);
}

static void wait_for_accounts_read(Watch *watch)
{
	gint64 until = clock_mono_us() + 60 * G_USEC_PER_SEC;
	bool done = false;

	while (!done) {
		g_auto(WatchStats) stats = { .away = false };

		watch_stats(watch, &stats);
		done = stats.accounts_read;
		g_assert_cmpint(clock_mono_us(), <, until);
		g_usleep(1000);
	}
}

/* How often Redis has run a command, by its own count. */
static guint64 calls_of(const char *command)
{
	g_autofree char *stats = fixture_redis("INFO", "commandstats", NULL), *line = g_strdup_printf("cmdstat_%s:calls=", command);
	const char *at = strstr(stats, line);

	return at != NULL ? g_ascii_strtoull(at + strlen(line), NULL, 10) : 0;
}

static void test_accounts_are_followed(gconstpointer kind)
{
	g_autoptr(Fixture) fixture = fixture_new(kind);
	g_autoptr(Store) store = fixture_open(fixture, "operator");
	g_autoptr(GError) error = NULL;
	Watch *watch;
	bool found;

	g_assert_true(store_account_put(store, "a.example", "{\"account\":\"A\"}", "tester", &error));
	watch = watch_start(fixture->config, "node1", NULL, NULL);
	wait_for_account(watch, "x@a.example", "A");
	g_assert_true(store_account_put(store, "a.example", "{\"account\":\"A2\"}", "tester", &error));
	wait_for_account(watch, "x@a.example", "A2");
	g_assert_true(store_account_put(store, "B@b.example", "{\"account\":\"B\"}", "tester", &error));
	wait_for_account(watch, "b@b.example", "B");
	g_assert_true(store_account_remove(store, "a.example", "tester", &found, &error));
	wait_for_account(watch, "x@a.example", NULL);
	/* Nobody tells of what is written by hand. */
	fixture_add_raw_account(fixture, "hand.example", "{\"account\":\"Hand\"}");
	wait_for_account(watch, "x@hand.example", "Hand");
	wait_for_account(watch, "b@b.example", "B");
	watch_stop(watch);
}

static void test_a_broken_entry_leaves_the_last_good_one(void)
{
	g_autoptr(Fixture) fixture = fixture_new("redis");
	g_autoptr(Store) store = fixture_open(fixture, "operator");
	g_autofree char *broken = NULL, *large = NULL;
	g_autoptr(GError) error = NULL;
	g_auto(WatchStats) stats = { .away = false };
	Watch *watch;

	g_assert_true(store_account_put(store, "a.example", "{\"account\":\"A\"}", "tester", &error));
	g_assert_true(store_account_put(store, "b.example", "{\"account\":\"B\"}", "tester", &error));
	watch = watch_start(fixture->config, "node1", NULL, NULL);
	wait_for_account(watch, "x@b.example", "B");
	broken = fixture_redis("HSET", "outage:accounts", "a.example", "{no json", "strange key", "{}", NULL);
	large = fixture_redis("EVAL", "return redis.call('HSET', 'outage:accounts', 'b.example', string.rep('x', 20000))", "0", NULL);
	fixture_add_raw_account(fixture, "c.example", "{\"account\":\"C\"}");
	wait_for_account(watch, "x@c.example", "C");
	wait_for_account(watch, "x@a.example", "A");
	wait_for_account(watch, "x@b.example", "B");
	watch_stats(watch, &stats);
	g_assert_cmpuint(stats.accounts_broken, ==, 3);
	watch_stop(watch);
}

/* Twenty thousand accounts are there: one more costs Redis the reading of that one. */
static void test_one_change_reads_one_field(void)
{
	g_autoptr(Fixture) fixture = fixture_new("redis");
	g_autoptr(Store) store = fixture_open(fixture, "operator");
	g_autofree char *filled = fixture_redis("EVAL", "for i = 1, 20000 do redis.call('HSET', 'outage:accounts', 'c' .. i .. '.example',"
	    " '{\"account\":\"C' .. i .. '\"}') end return 1", "0", NULL);
	g_autoptr(GError) error = NULL;
	guint64 scans, fields;
	Watch *watch;

	g_assert_cmpstr(filled, ==, "1");
	g_assert_true(store_add_event(store, "opened", "default", "tester", NULL, &error));
	watch = watch_start(fixture->config, "node1", NULL, NULL);
	wait_for_account(watch, "x@c20000.example", "C20000");
	wait_for_accounts_read(watch);
	scans = calls_of("hscan");
	fields = calls_of("hget");
	g_assert_cmpuint(scans, >=, 200);
	for (guint i = 0; i < 20; i++) {
		g_autofree char *key = g_strdup_printf("c%u.example", i * 100 + 1), *json = g_strdup_printf("{\"account\":\"New%u\"}", i);
		g_autofree char *address = g_strdup_printf("x@c%u.example", i * 100 + 1), *name = g_strdup_printf("New%u", i);

		g_assert_true(store_account_put(store, key, json, "tester", &error));
		wait_for_account(watch, address, name);
	}
	g_assert_cmpuint(calls_of("hscan"), ==, scans);
	/* The transitions of the watch's own polls read a field of the flip keys each. */
	g_assert_cmpuint(calls_of("hget") - fields, <, 100);
	wait_for_account(watch, "x@c4999.example", "C4999");
	watch_stop(watch);
}

/* FLUSHALL takes the accounts with it: whom to treat with care is not to be forgotten in the middle of that. */
static void test_a_store_without_memory_does_not_take_the_accounts(void)
{
	g_autoptr(Fixture) fixture = fixture_new("redis");
	g_autoptr(Store) store = fixture_open(fixture, "operator");
	gint64 until = clock_mono_us() + 60 * G_USEC_PER_SEC;
	g_autoptr(GError) error = NULL;
	guint64 scans;
	Watch *watch;

	g_assert_true(store_account_put(store, "a.example", "{\"account\":\"A\"}", "tester", &error));
	watch = watch_start(fixture->config, "node1", NULL, NULL);
	wait_for_account(watch, "x@a.example", "A");
	scans = calls_of("hkeys");
	fixture_lose_all(fixture);
	g_assert_true(store_set_word(store, "default", WORD_P3, NULL, "tester", NULL, &error));
	while (calls_of("hkeys") == scans)
		g_assert_cmpint(clock_mono_us(), <, until);
	wait_for_account(watch, "x@a.example", "A");
	/* Changes go on from there. */
	g_assert_true(store_account_put(store, "b.example", "{\"account\":\"B\"}", "tester", &error));
	wait_for_account(watch, "x@b.example", "B");
	watch_stop(watch);
	/* One that starts now knows only what there is. */
	watch = watch_start(fixture->config, "node2", NULL, NULL);
	wait_for_accounts_read(watch);
	wait_for_account(watch, "x@a.example", NULL);
	watch_stop(watch);
}

static char *two_members(gpointer data)
{
	(void)data;
	return g_strdup("\"spool_local\": 3, \"breaker\": \"open\"");
}

static char *no_members(gpointer data)
{
	(void)data;
	return g_strdup("\"spool_local\": ");
}

static char *too_many_members(gpointer data)
{
	g_autofree char *filler = g_strnfill(8000, 'x');

	(void)data;
	return g_strdup_printf("\"much\": \"%s\"", filler);
}

static void expect_beat(char *(*extra)(gpointer data), const char *expected, const char *unexpected)
{
	g_autoptr(Fixture) fixture = fixture_new("sqlite");
	g_autoptr(Store) store = fixture_open(fixture, "operator");
	g_autoptr(GError) error = NULL;
	g_autoptr(GPtrArray) nodes = NULL;
	const char *json;
	Watch *watch;

	g_assert_true(store_set_word(store, "default", WORD_P1, NULL, "tester", NULL, &error));
	watch = watch_start(fixture->config, "node1", NULL, NULL);
	watch_set_extra(watch, extra, NULL);
	g_assert_true(watch_wait_ready(watch, 30000));
	/* The beat with the members follows at the next change, whatever the first one said. */
	g_assert_true(store_set_word(store, "default", WORD_P2, NULL, "tester", NULL, &error));
	wait_for_heartbeat(store, "-default\",\"word\":\"P2\"}]", 30);
	nodes = store_nodes(store, &error);
	g_assert_cmpuint(nodes->len, ==, 1);
	json = ((StoreNode *)g_ptr_array_index(nodes, 0))->json;
	g_test_message("%s", json);
	g_assert_cmpuint(strlen(json), <=, 4096);
	g_assert_true(strstr(json, expected) != NULL);
	g_assert_true(unexpected == NULL || strstr(json, unexpected) == NULL);
	watch_stop(watch);
}

static void test_a_heartbeat_carries_what_the_program_adds(void)
{
	expect_beat(two_members, "\"spool_local\":3,\"breaker\":\"open\"}", NULL);
}

static void test_a_heartbeat_stays_json_and_short(void)
{
	expect_beat(no_members, "\"losses\":0", "spool_local");
	expect_beat(too_many_members, "\"losses\":0", "much");
}

static void test_a_loss_is_told(void)
{
	g_autoptr(Fixture) fixture = fixture_new("sqlite");
	g_auto(WatchStats) stats = { .away = false };
	gint64 until = clock_mono_us() + 30 * G_USEC_PER_SEC;
	Watch *watch;

	fixture_point_nowhere(fixture);
	watch = watch_start(fixture->config, "node1", NULL, NULL);
	while (!watch_is_away(watch)) {
		g_assert_cmpint(clock_mono_us(), <, until);
		g_usleep(1000);
	}
	watch_stats(watch, &stats);
	g_assert_true(stats.away);
	g_assert_cmpuint(stats.losses, ==, 1);
	g_assert_cmpint(stats.age, ==, -1);
	g_assert_nonnull(strstr(stats.last_error, "missing"));
	g_assert_cmpint(stats.last_error_at, >, 1700000000);
	watch_stop(watch);
}

int main(int argc, char **argv)
{
	int result;

	g_test_init(&argc, &argv, NULL);
	fixture_add_test("watch/a-flip-is-seen-within-100-ms", test_a_flip_is_seen_within_100_ms);
	fixture_add_test("watch/the-match-is-compiled-and-accounts-are-read", test_the_match_is_compiled_and_accounts_are_read);
	fixture_add_test("watch/a-new-configuration-is-taken-over", test_a_new_configuration_is_taken_over);
	fixture_add_test("watch/the-heartbeat-tells-of-trouble", test_the_heartbeat_tells_of_trouble);
	fixture_add_test("watch/accounts-are-followed", test_accounts_are_followed);
	g_test_add_func("/store/redis/watch/a-broken-entry-leaves-the-last-good-one", test_a_broken_entry_leaves_the_last_good_one);
	g_test_add_func("/store/redis/watch/a-store-without-memory-does-not-take-the-accounts",
	    test_a_store_without_memory_does_not_take_the_accounts);
	g_test_add_func("/store/redis/watch/one-change-reads-one-field", test_one_change_reads_one_field);
	g_test_add_func("/store/sqlite/watch/a-heartbeat-carries-what-the-program-adds", test_a_heartbeat_carries_what_the_program_adds);
	g_test_add_func("/store/sqlite/watch/a-heartbeat-stays-json-and-short", test_a_heartbeat_stays_json_and_short);
	g_test_add_func("/store/sqlite/watch/a-loss-is-told", test_a_loss_is_told);
	g_test_add_func("/store/redis/watch/keys-of-a-wrong-type-do-not-blind-it", test_keys_of_a_wrong_type_do_not_blind_the_watch);
	g_test_add_func("/store/sqlite/watch/outlives-the-loss-of-its-file", test_the_watch_outlives_the_loss_of_its_file);
	result = g_test_run();
	fixture_shut_down();
	return result;
}
