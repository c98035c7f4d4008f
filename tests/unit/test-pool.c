/* The pool, on both stores: it lends what works, as the configuration says now, and a store that is away holds nobody up. */
#include "base/clock.h"
#include "base/error.h"
#include "store-fixture.h"
#include "store/pool.h"
#include "store/watch.h"

static Store *borrow(StorePool *pool, gint64 wait_ms)
{
	return store_pool_borrow(pool, clock_mono_us() + wait_ms * 1000, false);
}

/* The same once the breaker has closed again. */
static Store *borrow_once_back(StorePool *pool)
{
	gint64 until = clock_mono_us() + 30 * G_USEC_PER_SEC;

	while (store_pool_is_away(pool) && clock_mono_us() < until)
		g_usleep(1000);
	return borrow(pool, 30000);
}

static void return_lost(StorePool *pool, Store *store)
{
	g_autoptr(GError) error = g_error_new_literal(OUTAGE_ERROR, OUTAGE_ERROR_UNAVAILABLE, "lost");

	store_pool_return(pool, store, error);
}

static void test_a_store_that_is_away_holds_nobody_up(gconstpointer kind)
{
	g_autoptr(Fixture) fixture = fixture_new(kind);
	g_autoptr(Snapshot) none = NULL;
	g_autoptr(Accounts) accounts = NULL;
	StorePool *pool;
	gint64 began;
	Watch *watch;

	fixture_point_nowhere(fixture);
	pool = store_pool_new(fixture->config, "node1");
	/* Returns as soon as the first attempt has failed, and at once from then on. */
	g_assert_null(borrow(pool, 60000));
	began = clock_mono_us();
	for (int i = 0; i < 1000; i++)
		g_assert_null(borrow(pool, 60000));
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
	a = borrow(pool, 30000);
	b = borrow(pool, 30000);
	g_assert_nonnull(a);
	g_assert_nonnull(b);
	g_assert_null(borrow(pool, 20));
	store_pool_return(pool, a, NULL);
	c = borrow(pool, 30000);
	g_assert_true(c == a);
	/* A broken one is replaced by one that works. */
	return_lost(pool, c);
	a = borrow_once_back(pool);
	g_assert_nonnull(a);
	g_assert_true(store_add_event(a, "works", NULL, "tester", NULL, &error));
	store_pool_return(pool, a, NULL);
	store_pool_return(pool, b, NULL);
	store_pool_free(pool);
}

/* Claims for a new customer and returns whether the job was held back. */
static bool claim_is_delayed(Store *store, const IncidentState *state, const char *hash)
{
	ClaimRequest request = { .incident = (char *)"default", .id = state->id, .epoch = state->epoch, .word = state->word };
	StoreClaim claim = { .request = &request, .hash = hash, .token = hash, .payload = "{}", .mac = "mac", .domain = "a.example" };
	g_autoptr(StoredJob) job = NULL;
	g_autoptr(GError) error = NULL;
	ClaimAnswer answer;

	g_assert_true(store_claim(store, &claim, &answer, &error));
	g_assert_cmpint(answer, ==, CLAIM_WON);
	job = store_job_take(store, 0, 3600000, &error);
	g_assert_no_error(error);
	if (job != NULL)
		g_assert_true(store_job_done(store, job, hash, &error));
	return job == NULL;
}

static void test_claims_follow_a_new_configuration(gconstpointer kind)
{
	g_autoptr(Fixture) fixture = fixture_new(kind);
	g_autoptr(Config) config = fixture_other_config(fixture);
	g_autoptr(Store) store = fixture_open(fixture, "operator");
	IncidentState state = { .id = NULL };
	g_autoptr(GError) error = NULL;
	StorePool *pool;
	Store *a, *b;

	g_assert_true(store_set_word(store, "default", WORD_P1, NULL, "tester", &state, &error));
	fixture->config->store_pool = 2;
	config->store_pool = 2;
	config->ack_delay = 3600000;
	pool = store_pool_new(fixture->config, "node1");
	a = borrow(pool, 30000);
	b = borrow(pool, 30000);
	g_assert_nonnull(b);
	g_assert_false(claim_is_delayed(a, &state, "hash1"));
	store_pool_return(pool, b, NULL);
	/* One lies idle and one is out: neither may come back as it was. */
	store_pool_reconfigure(pool, config);
	store_pool_return(pool, a, NULL);
	a = borrow(pool, 30000);
	b = borrow(pool, 30000);
	g_assert_true(claim_is_delayed(a, &state, "hash2"));
	g_assert_true(claim_is_delayed(b, &state, "hash3"));
	store_pool_return(pool, a, NULL);
	store_pool_return(pool, b, NULL);
	store_pool_free(pool);
	incident_state_clear(&state);
}

/* A pool that is in its back-off does not sit that out once it is told where the store really is. */
static void test_a_new_configuration_is_tried_at_once(gconstpointer kind)
{
	g_autoptr(Fixture) fixture = fixture_new(kind);
	g_autoptr(Config) config = fixture_other_config(fixture);
	StorePool *pool;
	Store *store;

	fixture_point_nowhere(fixture);
	pool = store_pool_new(fixture->config, "node1");
	g_assert_null(borrow(pool, 60000));
	store_pool_reconfigure(pool, config);
	store = borrow(pool, 60000);
	g_assert_nonnull(store);
	store_pool_return(pool, store, NULL);
	store_pool_free(pool);
}

/* After a restart of Redis every connection is dead: one failed claim is enough to learn that. */
static void test_one_broken_connection_condemns_the_idle_ones(void)
{
	g_autoptr(Fixture) fixture = fixture_new("redis");
	g_autoptr(GError) error = NULL;
	g_autofree char *killed = NULL;
	StorePool *pool;
	Store *a, *b;

	fixture->config->store_pool = 2;
	pool = store_pool_new(fixture->config, "node1");
	a = borrow(pool, 30000);
	b = borrow(pool, 30000);
	g_assert_nonnull(b);
	store_pool_return(pool, b, NULL);
	killed = fixture_redis("CLIENT", "KILL", "TYPE", "normal", NULL);
	g_assert_cmpstr(killed, ==, "2");
	g_assert_false(store_add_event(a, "lost", NULL, "tester", NULL, &error));
	g_clear_error(&error);
	return_lost(pool, a);
	a = borrow_once_back(pool);
	b = borrow(pool, 30000);
	g_assert_true(store_add_event(a, "works", NULL, "tester", NULL, &error));
	g_assert_true(store_add_event(b, "works", NULL, "tester", NULL, &error));
	store_pool_return(pool, a, NULL);
	store_pool_return(pool, b, NULL);
	store_pool_free(pool);
}

int main(int argc, char **argv)
{
	int result;

	g_test_init(&argc, &argv, NULL);
	fixture_add_test("watch/a-store-that-is-away-holds-nobody-up", test_a_store_that_is_away_holds_nobody_up);
	fixture_add_test("pool/lends-at-most-its-size", test_the_pool_lends_at_most_its_size);
	fixture_add_test("pool/claims-follow-a-new-configuration", test_claims_follow_a_new_configuration);
	fixture_add_test("pool/a-new-configuration-is-tried-at-once", test_a_new_configuration_is_tried_at_once);
	g_test_add_func("/store/redis/pool/one-broken-connection-condemns-the-idle-ones",
	    test_one_broken_connection_condemns_the_idle_ones);
	result = g_test_run();
	fixture_shut_down();
	return result;
}
