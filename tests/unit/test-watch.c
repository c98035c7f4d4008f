/* The watch and the pool, on both stores: a flip is seen soon by everybody, a store that is away holds nobody up and costs nothing of
 * what was known. */
#include <glib/gstdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/error.h"
#include "inspect/rules.h"
#include "store-fixture.h"
#include "store/pool.h"
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

static void test_a_flip_is_seen_within_100_ms(gconstpointer kind)
{
	g_autoptr(Fixture) fixture = fixture_new(kind);
	g_autoptr(Store) store = fixture_open(fixture, "operator");
	g_autoptr(GError) error = NULL;
	g_autoptr(Snapshot) last = NULL;
	gint64 times[FLIPS];
	Seen seen = { .word = WORD_NONE };
	Watch *watch;

	seen_init(&seen);
	watch = watch_start(fixture->config, "node1", on_change, &seen);
	g_assert_true(watch_wait_ready(watch, 30000));
	for (int i = 0; i < FLIPS; i++) {
		Word word = i % 2 == 0 ? WORD_P1 : WORD_P2;
		gint64 began;

		g_assert_true(store_set_word(store, "default", word, NULL, "tester", NULL, &error));
		began = clock_mono_us();
		times[i] = MAX(wait_for_word(&seen, word) - began, 0);
	}
	qsort(times, FLIPS, sizeof times[0], compare_times);
	g_test_message("flip to seen: median %" G_GINT64_FORMAT " us, worst %" G_GINT64_FORMAT " us", times[FLIPS / 2],
	    times[FLIPS - 1]);
	/* The median: one flip may meet a machine that is busy with other things. */
	g_assert_cmpint(times[FLIPS / 2], <, 100000);
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
	g_autoptr(Config) config = config_defaults();
	g_autoptr(GError) error = NULL;
	Seen seen = { .word = WORD_NONE };
	Watch *watch;

	seen_init(&seen);
	watch = watch_start(fixture->config, "node1", on_change, &seen);
	g_assert_true(watch_wait_ready(watch, 30000));
	g_free(config->store_url);
	config->store_url = g_strdup(fixture->config->store_url);
	watch_reconfigure(watch, config);
	g_assert_true(store_set_word(store, "default", WORD_P1, NULL, "tester", NULL, &error));
	wait_for_word(&seen, WORD_P1);
	watch_stop(watch);
	g_mutex_clear(&seen.lock);
	g_cond_clear(&seen.changed);
}

/* A URL at which nothing answers. */
static void point_nowhere(Fixture *fixture)
{
	g_free(fixture->config->store_url);
	fixture->config->store_url = fixture->redis ? g_strdup("redis://127.0.0.1:1/0") :
	    g_strconcat("sqlite:", fixture->dir, "/missing/store.db", NULL);
}

static void test_a_store_that_is_away_holds_nobody_up(gconstpointer kind)
{
	g_autoptr(Fixture) fixture = fixture_new(kind);
	g_autoptr(Snapshot) none = NULL;
	g_autoptr(Accounts) accounts = NULL;
	StorePool *pool;
	gint64 began;
	Watch *watch;

	point_nowhere(fixture);
	pool = store_pool_new(fixture->config, "node1");
	/* Returns as soon as the first attempt has failed, and at once from then on. */
	g_assert_null(store_pool_borrow(pool, 60000));
	began = clock_mono_us();
	for (int i = 0; i < 1000; i++)
		g_assert_null(store_pool_borrow(pool, 60000));
	g_assert_cmpint(clock_mono_us() - began, <, G_USEC_PER_SEC);
	store_pool_free(pool);
	watch = watch_start(fixture->config, "node1", NULL, NULL);
	g_assert_false(watch_wait_ready(watch, 50));
	none = watch_snapshot(watch);
	g_assert_cmpuint(none->incidents->len, ==, 0);
	g_assert_cmpint(none->taken_at, ==, 0);
	accounts = watch_accounts(watch);
	g_assert_cmpuint(accounts_count(accounts), ==, 0);
	began = clock_mono_us();
	watch_stop(watch);
	g_assert_cmpint(clock_mono_us() - began, <, 8 * G_USEC_PER_SEC);
}

static void test_the_pool_lends_at_most_its_size(gconstpointer kind)
{
	g_autoptr(Fixture) fixture = fixture_new(kind);
	g_autoptr(GError) error = NULL;
	StorePool *pool;
	Store *a, *b, *c;

	fixture->config->store_pool = 2;
	pool = store_pool_new(fixture->config, "node1");
	a = store_pool_borrow(pool, 30000);
	b = store_pool_borrow(pool, 30000);
	g_assert_nonnull(a);
	g_assert_nonnull(b);
	g_assert_null(store_pool_borrow(pool, 20));
	store_pool_return(pool, a, false);
	c = store_pool_borrow(pool, 30000);
	g_assert_true(c == a);
	/* A broken one is replaced by one that works. */
	store_pool_return(pool, c, true);
	a = store_pool_borrow(pool, 30000);
	g_assert_nonnull(a);
	g_assert_true(store_add_event(a, "works", NULL, "tester", NULL, &error));
	store_pool_return(pool, a, false);
	store_pool_return(pool, b, false);
	store_pool_free(pool);
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

int main(int argc, char **argv)
{
	int result;

	g_test_init(&argc, &argv, NULL);
	fixture_add_test("watch/a-flip-is-seen-within-100-ms", test_a_flip_is_seen_within_100_ms);
	fixture_add_test("watch/the-match-is-compiled-and-accounts-are-read", test_the_match_is_compiled_and_accounts_are_read);
	fixture_add_test("watch/a-new-configuration-is-taken-over", test_a_new_configuration_is_taken_over);
	fixture_add_test("watch/a-store-that-is-away-holds-nobody-up", test_a_store_that_is_away_holds_nobody_up);
	fixture_add_test("pool/lends-at-most-its-size", test_the_pool_lends_at_most_its_size);
	g_test_add_func("/store/sqlite/watch/outlives-the-loss-of-its-file", test_the_watch_outlives_the_loss_of_its_file);
	result = g_test_run();
	fixture_shut_down();
	return result;
}
