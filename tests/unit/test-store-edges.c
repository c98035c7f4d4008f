/* What store.h promises beside the main road, run against SQLite and against a real Redis by one suite: results that may be NULL, names
 * and handles that are none, things done twice or to what is not there, and the events that each of them leaves. */
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/error.h"
#include "claim-fixture.h"

#define NO_SUCH_ID "20200101T000000Z-default"

/* The newest event has to be this one. */
static void expect_event(Store *store, const char *what, const char *name, const char *detail)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(GPtrArray) events = store_events(store, 1, &error);
	const StoreEvent *event;

	g_assert_no_error(error);
	g_assert_cmpuint(events->len, ==, 1);
	event = g_ptr_array_index(events, 0);
	g_assert_cmpstr(event->what, ==, what);
	g_assert_cmpstr(event->name, ==, name);
	g_assert_cmpstr(event->detail, ==, detail);
}

static guint count_events(Store *store)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(GPtrArray) events = store_events(store, 1000, &error);

	g_assert_no_error(error);
	return events->len;
}

static void expect_invalid(bool done, GError **error)
{
	g_assert_false(done);
	g_assert_error(*error, OUTAGE_ERROR, OUTAGE_ERROR_INVALID);
	g_clear_error(error);
}

static void test_an_empty_store(gconstpointer kind)
{
	g_autoptr(Fixture) fixture = fixture_new(kind);
	g_autoptr(Store) store = fixture_open(fixture, "a");
	g_autoptr(Snapshot) seen = NULL;
	g_autoptr(GPtrArray) nodes = NULL, pending = NULL, dead = NULL, events = NULL;
	g_autoptr(GHashTable) counters = NULL;
	g_autoptr(Accounts) accounts = NULL;
	g_autoptr(GError) error = NULL;
	QueueCounts counts;

	seen = store_snapshot(store, NULL, &error);
	g_assert_no_error(error);
	g_assert_cmpuint(seen->problems->len, ==, 0);
	g_assert_null(seen->pause);
	g_assert_false(seen->store_empty);
	nodes = store_nodes(store, &error);
	g_assert_cmpuint(nodes->len, ==, 0);
	pending = store_queue_list(store, QUEUE_PENDING, 10, &error);
	g_assert_cmpuint(pending->len, ==, 0);
	dead = store_queue_list(store, QUEUE_DEAD, 10, &error);
	g_assert_cmpuint(dead->len, ==, 0);
	events = store_events(store, 10, &error);
	g_assert_cmpuint(events->len, ==, 0);
	counters = store_counters(store, "all", &error);
	g_assert_cmpuint(g_hash_table_size(counters), ==, 0);
	accounts = store_accounts(store, NULL, &error);
	g_assert_cmpuint(accounts_count(accounts), ==, 0);
	g_assert_true(store_queue_counts(store, &counts, &error));
	g_assert_cmpuint(counts.pending + counts.taken + counts.delayed + counts.dead + counts.sent + counts.withdrawn, ==, 0);
	g_assert_cmpint(counts.oldest, ==, 0);
	g_assert_null(claims_take(store));
	g_assert_no_error(error);
}

static void test_results_nobody_wants(gconstpointer kind)
{
	g_autoptr(Outage) outage = outage_new(kind);
	Store *store = outage->store;
	char *nothing[TEXT_FIELDS] = { NULL };
	g_autoptr(GError) error = NULL;

	g_assert_true(store_set_word(store, "default", WORD_P2, nothing, NULL, NULL, &error));
	g_assert_true(store_set_texts(store, "default", nothing, NULL, &error));
	g_assert_true(store_add_update(store, "default", "news", NULL, &error));
	expect_event(store, "update", "default", "news");
	g_assert_true(store_account_remove(store, "nobody.example", NULL, NULL, &error));
	claims_ask(store, &outage->state, false, "hash1", "token1");
	g_assert_true(store_queue_bury(store, NULL, NULL, NULL, &error));
	g_assert_true(store_queue_retry(store, NULL, NULL, &error));
	g_assert_true(store_unblock(store, "hash1", NULL, NULL, &error));
	g_assert_no_error(error);
}

static void test_names_that_are_none(gconstpointer kind)
{
	static const char *const names[] = { "", "P1", "resolved", "Big Name", "-x", "a:b", "x*", "0123456789012345678901234567890123" };
	g_autoptr(Outage) outage = outage_new(kind);
	char *texts[TEXT_FIELDS] = { [TEXT_TITLE] = (char *)"t" };
	g_autoptr(GError) error = NULL;
	guint before = count_events(outage->store);

	for (gsize i = 0; i < G_N_ELEMENTS(names); i++) {
		expect_invalid(store_set_word(outage->store, names[i], WORD_P1, NULL, "me", NULL, &error), &error);
		expect_invalid(store_set_texts(outage->store, names[i], texts, "me", &error), &error);
		expect_invalid(store_add_update(outage->store, names[i], "news", "me", &error), &error);
	}
	expect_invalid(store_add_update(outage->store, "default", "", "me", &error), &error);
	expect_invalid(store_set_pause(outage->store, " 0 ", "me", &error), &error);
	expect_invalid(store_account_put(outage->store, "co.uk", "{\"account\":\"x\"}", "me", &error), &error);
	g_assert_cmpuint(count_events(outage->store), ==, before);
}

static void test_events_of_what_an_operator_does(gconstpointer kind)
{
	g_autoptr(Outage) outage = outage_new(kind);
	Store *store = outage->store;
	g_autoptr(GPtrArray) jobs = NULL, dead = NULL, none = NULL;
	g_autoptr(GError) error = NULL;
	const char *handle;
	guint before, moved;

	g_assert_true(store_set_pause(store, "legal asked", "me", &error));
	expect_event(store, "pause", NULL, "legal asked");
	g_assert_true(store_set_pause(store, "legal asked twice", "me", &error));
	expect_event(store, "pause", NULL, "legal asked twice");
	g_assert_true(store_set_pause(store, NULL, "me", &error));
	expect_event(store, "resume", NULL, NULL);
	g_assert_true(store_account_put(store, "acme.example", "{\"account\":\"Acme\"}", "me", &error));
	g_assert_true(store_account_remove(store, "acme.example", "me", NULL, &error));
	expect_event(store, "account-removed", NULL, "acme.example");
	claims_ask(store, &outage->state, false, "hash1", "token1");
	claims_ask(store, &outage->state, false, "hash2", "token2");
	jobs = store_queue_list(store, QUEUE_PENDING, 10, &error);
	handle = ((StoredJob *)g_ptr_array_index(jobs, 1))->handle;
	g_assert_true(store_queue_bury(store, handle, "why", &moved, &error));
	g_assert_cmpuint(moved, ==, 1);
	expect_event(store, "queue-bury", NULL, handle);
	dead = store_queue_list(store, QUEUE_DEAD, 10, &error);
	handle = ((StoredJob *)g_ptr_array_index(dead, 0))->handle;
	g_assert_true(store_queue_retry(store, handle, &moved, &error));
	g_assert_cmpuint(moved, ==, 1);
	expect_event(store, "queue-retry", NULL, handle);
	g_assert_true(store_queue_bury(store, NULL, "why", &moved, &error));
	g_assert_cmpuint(moved, ==, 2);
	expect_event(store, "queue-bury", NULL, "all");
	/* What moves nothing leaves no event. */
	before = count_events(store);
	g_assert_true(store_queue_bury(store, NULL, "why", &moved, &error));
	g_assert_cmpuint(moved, ==, 0);
	g_assert_true(store_account_remove(store, "acme.example", "me", NULL, &error));
	none = store_events(store, 0, &error);
	g_assert_cmpuint(none->len, ==, 0);
	g_assert_cmpuint(count_events(store), ==, before);
}

static void test_handles_that_name_no_job(gconstpointer kind)
{
	static const char *const handles[] = { "", "0", "-1", "999999", "1-1", "18446744073709551615-1", "99999999999999999999", "x", "-", "+",
		"1-1-1", "r:", "r:token9", "*" };
	g_autoptr(Outage) outage = outage_new(kind);
	Store *store = outage->store;
	g_autoptr(StoredJob) buried = NULL;
	g_autoptr(GError) error = NULL;
	guint moved;

	claims_ask(store, &outage->state, false, "hash1", "token1");
	claims_ask(store, &outage->state, false, "hash2", "token2");
	buried = claims_take(store);
	g_assert_true(store_job_bury(store, buried, "550", &error));
	for (gsize i = 0; i < G_N_ELEMENTS(handles); i++) {
		g_test_message("%s", handles[i]);
		g_assert_true(store_queue_bury(store, handles[i], "x", &moved, &error));
		g_assert_cmpuint(moved, ==, 0);
		g_assert_true(store_queue_retry(store, handles[i], &moved, &error));
		g_assert_cmpuint(moved, ==, 0);
		g_assert_no_error(error);
	}
	claims_check_counts(store, 1, 0, 1, 0, 0);
}

/* Told again after an answer got lost, by whatever way the job has gone. */
static void test_ends_of_what_has_ended(gconstpointer kind)
{
	g_autoptr(Outage) outage = outage_new(kind);
	Store *store = outage->store;
	g_autoptr(StoredJob) put_back = NULL, again = NULL, withdrawn = NULL;
	g_autoptr(GError) error = NULL;

	claims_ask(store, &outage->state, false, "hash1", "token1");
	put_back = claims_take(store);
	for (int i = 0; i < 2; i++)
		g_assert_true(store_job_retry(store, put_back, 0, true, "451", &error));
	again = claims_take(store);
	g_assert_cmpuint(again->tries, ==, 1);
	for (int i = 0; i < 2; i++)
		g_assert_true(store_job_bury(store, again, "550", &error));
	claims_check_counts(store, 0, 0, 1, 0, 0);
	claims_ask(store, &outage->state, false, "hash2", "token2");
	withdrawn = claims_take(store);
	for (int i = 0; i < 2; i++)
		g_assert_true(store_job_withdraw(store, withdrawn, "hash2", &error));
	claims_check_counts(store, 0, 0, 1, 0, 1);
	g_assert_true(store_job_retry(store, withdrawn, 0, true, "451", &error));
	g_assert_null(claims_take(store));
	/* The reason of before stays where none is given. */
	g_assert_true(store_queue_retry(store, NULL, NULL, &error));
	g_clear_pointer(&again, stored_job_free);
	again = claims_take(store);
	g_assert_true(store_job_retry(store, again, 0, true, "first", &error));
	g_clear_pointer(&again, stored_job_free);
	again = claims_take(store);
	g_assert_true(store_job_retry(store, again, 0, false, NULL, &error));
	g_clear_pointer(&again, stored_job_free);
	again = claims_take(store);
	g_assert_cmpstr(again->why, ==, "first");
	g_assert_cmpuint(again->tries, ==, 1);
}

static void test_lists_are_bounded_and_in_order(gconstpointer kind)
{
	g_autoptr(Outage) outage = outage_new(kind);
	Store *store = outage->store;
	g_autoptr(StoredJob) first = NULL;
	g_autoptr(GPtrArray) none = NULL, three = NULL, all = NULL;
	g_autoptr(GError) error = NULL;

	for (int i = 0; i < 5; i++) {
		g_autofree char *name = g_strdup_printf("n%d", i);

		claims_ask(store, &outage->state, false, name, name);
	}
	first = claims_take(store);
	g_assert_true(store_job_retry(store, first, 3600, true, "451", &error));
	none = store_queue_list(store, QUEUE_PENDING, 0, &error);
	g_assert_cmpuint(none->len, ==, 0);
	three = store_queue_list(store, QUEUE_PENDING, 3, &error);
	g_assert_cmpuint(three->len, ==, 3);
	all = store_queue_list(store, QUEUE_PENDING, 100, &error);
	g_assert_cmpuint(all->len, ==, 5);
	for (guint i = 0, delayed = 0; i < all->len; i++) {
		const StoredJob *job = g_ptr_array_index(all, i);

		delayed += job->due > 0;
		g_assert_cmpuint(delayed, <=, 1);
		g_assert_cmpint(job->due, <=, clock_now() + 3601);
	}
}

static void test_counters(gconstpointer kind)
{
	g_autoptr(Fixture) fixture = fixture_new(kind);
	g_autoptr(Store) store = fixture_open(fixture, "a");
	g_autoptr(GHashTable) counters = NULL;
	g_autoptr(GError) error = NULL;

	g_assert_true(store_count(store, NO_SUCH_ID, "matched", 1, &error));
	g_assert_true(store_count(store, NO_SUCH_ID, "matched", G_MAXUINT, &error));
	g_assert_true(store_count(store, NO_SUCH_ID, "held:rate", 2, &error));
	g_assert_true(store_count(store, "all", "matched", 7, &error));
	counters = store_counters(store, NO_SUCH_ID, &error);
	g_assert_cmpuint(g_hash_table_size(counters), ==, 2);
	g_assert_cmpstr(g_hash_table_lookup(counters, "matched"), ==, "4294967296");
	g_assert_cmpuint(claims_counter(store, "all", "matched"), ==, 7);
}

static void test_a_block_ends_by_itself(gconstpointer kind)
{
	g_autoptr(Outage) outage = outage_new(kind);
	gint64 until = clock_mono_us() + 60 * G_USEC_PER_SEC;
	g_autoptr(GError) error = NULL;
	bool blocked = true, found;

	g_assert_true(store_block(outage->store, "hash1", 1, "550", "me", &error));
	while (blocked) {
		g_autofree char *why = NULL;

		g_assert_true(store_blocked(outage->store, "hash1", &why, NULL, &error));
		blocked = why != NULL;
		g_assert_cmpint(clock_mono_us(), <, until);
	}
	g_assert_cmpint(claims_ask(outage->store, &outage->state, false, "hash1", "token1"), ==, CLAIM_WON);
	g_assert_true(store_unblock(outage->store, "hash1", "me", &found, &error));
	g_assert_false(found);
}

static void test_a_take_waits_only_so_long(gconstpointer kind)
{
	g_autoptr(Outage) outage = outage_new(kind);
	g_autoptr(GError) error = NULL;
	gint64 began = clock_mono_us();

	g_assert_null(store_job_take(outage->store, 300, 3600000, &error));
	g_assert_no_error(error);
	g_assert_cmpint(clock_mono_us() - began, >, 250000);
}

/* What is put off becomes due while a replier waits for it. */
static void test_a_waiting_replier_gets_what_becomes_due(gconstpointer kind)
{
	g_autoptr(Outage) outage = outage_new(kind);
	g_autoptr(StoredJob) job = NULL, due = NULL;
	g_autoptr(GError) error = NULL;

	claims_ask(outage->store, &outage->state, false, "hash1", "token1");
	job = claims_take(outage->store);
	g_assert_true(store_job_retry(outage->store, job, 1, true, "451", &error));
	due = store_job_take(outage->store, 60000, 3600000, &error);
	g_assert_no_error(error);
	g_assert_nonnull(due);
	g_assert_cmpuint(due->tries, ==, 1);
	g_assert_cmpuint(due->takes, ==, 0);
}

static void test_promotion_after_the_end(gconstpointer kind)
{
	g_autoptr(Outage) outage = outage_new(kind);
	Store *store = outage->store;
	g_autoptr(StoredJob) job = NULL;
	g_autoptr(GError) error = NULL;
	bool won;

	claims_ask(store, &outage->state, false, "hash1", "token1");
	job = claims_take(store);
	g_assert_true(store_job_promote(store, job, "hash1", &won, &error));
	g_assert_true(won);
	/* Withdrawn, it gives both marks back. */
	g_assert_true(store_job_withdraw(store, job, "hash1", &error));
	g_assert_cmpint(claims_ask(store, &outage->state, false, "hash1", "token2"), ==, CLAIM_WON);
	claims_set_word(store, "default", WORD_RESOLVED, &outage->state);
	g_assert_cmpint(claims_ask(store, &outage->state, true, "hash1", "token3"), ==, CLAIM_WON);
}

static void test_a_wait_that_is_woken_before_it_begins(gconstpointer kind)
{
	g_autoptr(Fixture) fixture = fixture_new(kind);
	g_autoptr(Store) store = fixture_open(fixture, "a");
	g_autoptr(GError) error = NULL;
	guint64 one = 1;
	int wake = eventfd(0, EFD_CLOEXEC);

	while (store_wait(store, -1, 50, &error) == 1)
		continue;
	g_assert_no_error(error);
	g_assert_cmpint(write(wake, &one, sizeof one), ==, sizeof one);
	g_assert_cmpint(store_wait(store, wake, 60000, &error), ==, 0);
	g_assert_cmpint(store_wait(store, -1, 0, &error), ==, 0);
	g_assert_no_error(error);
	close(wake);
}

#define MEGABYTE_OF(c) "string.rep('" c "', 1048576)"
#define MARK "'outage:acked:' .. redis.call('HGET', 'outage:state:default', 'id') .. ':active:hash1'"

static const struct { const char *script; ClaimAnswer answer; guint64 queued; } strange[] = {
	{ "return redis.call('SET', 'outage:pause', string.rep(' ', 32768) .. 'off' .. string.rep(' ', 32768))", CLAIM_PAUSED, 0 },
	{ "return redis.call('SET', 'outage:pause', string.rep(' ', 2000) .. 'wait' .. string.rep(' ', 2000))", CLAIM_PAUSED, 0 },
	{ "return redis.call('SET', 'outage:pause', string.rep(' ', 2000) .. 'off wait' .. string.rep(' ', 2000))", CLAIM_PAUSED, 0 },
	{ "return redis.call('SET', 'outage:pause', string.rep(' ', 2000) .. 'OFF' .. string.rep(' ', 2000))", CLAIM_WON, 1 },
	{ "return redis.call('SET', 'outage:pause', string.rep(' ', 4000))", CLAIM_WON, 1 },
	{ "return redis.call('SET', 'outage:pause', ' 0 ')", CLAIM_WON, 1 },
	{ "return redis.call('SET', 'outage:pause', '')", CLAIM_WON, 1 },
	{ "return redis.call('SET', 'outage:pause', " MEGABYTE_OF("x") ")", CLAIM_PAUSED, 0 },
	{ "return redis.call('SET', 'outage:pause', " MEGABYTE_OF(" ") ")", CLAIM_PAUSED, 0 },
	{ "return redis.call('SET', " MARK ", " MEGABYTE_OF("1") ")", CLAIM_ALREADY, 0 },
	{ "return redis.call('SET', " MARK ", 'token1 ' .. " MEGABYTE_OF("1") ")", CLAIM_ALREADY, 0 },
	/* No answer. */
	{ "return redis.call('HSET', 'outage:state:default', 'word', " MEGABYTE_OF("x") ")", CLAIM_AWAY, 0 },
	{ "return redis.call('HSET', 'outage:state:default', 'id', " MEGABYTE_OF("x") ")", CLAIM_AWAY, 0 },
	{ "return redis.call('HSET', 'outage:state:default', 'epoch', " MEGABYTE_OF("1") ")", CLAIM_AWAY, 0 },
	{ "return redis.call('HSET', 'outage:state:default', 'unheard_of', " MEGABYTE_OF("x") ")", CLAIM_WON, 1 },
};

/* What a strange hand has written costs a claim no more than its time, and gets nobody a letter. */
static void test_a_claim_among_strange_values(void)
{
	for (gsize i = 0; i < G_N_ELEMENTS(strange); i++) {
		g_autoptr(Outage) outage = outage_new("redis");
		g_autofree char *said = fixture_redis("EVAL", strange[i].script, "0", NULL);
		g_autoptr(GError) error = NULL;
		ClaimAnswer answer = CLAIM_AWAY;
		bool answered = claims_try_for(outage->store, &outage->state, "hash1", "token1", 1000, &answer, &error);

		g_test_message("%s: %s", strange[i].script, said);
		if (strange[i].answer != CLAIM_AWAY) {
			g_assert_no_error(error);
		} else {
			g_assert_error(error, OUTAGE_ERROR, OUTAGE_ERROR_INVALID);
			g_assert_nonnull(strstr(error->message, "outage:state:default"));
		}
		g_assert_cmpint(answered, ==, strange[i].answer != CLAIM_AWAY);
		g_assert_cmpint(answer, ==, strange[i].answer);
		claims_check_counts(outage->store, strange[i].queued, 0, 0, 0, 0);
	}
}

int main(int argc, char **argv)
{
	int result;

	g_test_init(&argc, &argv, NULL);
	fixture_add_test("an-empty-store", test_an_empty_store);
	fixture_add_test("results-nobody-wants", test_results_nobody_wants);
	fixture_add_test("names-that-are-none", test_names_that_are_none);
	fixture_add_test("events-of-what-an-operator-does", test_events_of_what_an_operator_does);
	fixture_add_test("handles-that-name-no-job", test_handles_that_name_no_job);
	fixture_add_test("ends-of-what-has-ended", test_ends_of_what_has_ended);
	fixture_add_test("lists-are-bounded-and-in-order", test_lists_are_bounded_and_in_order);
	fixture_add_test("counters", test_counters);
	fixture_add_test("a-block-ends-by-itself", test_a_block_ends_by_itself);
	fixture_add_test("a-take-waits-only-so-long", test_a_take_waits_only_so_long);
	fixture_add_test("a-waiting-replier-gets-what-becomes-due", test_a_waiting_replier_gets_what_becomes_due);
	fixture_add_test("promotion-after-the-end", test_promotion_after_the_end);
	fixture_add_test("a-wait-that-is-woken-before-it-begins", test_a_wait_that_is_woken_before_it_begins);
	g_test_add_func("/store/redis/a-claim-among-strange-values", test_a_claim_among_strange_values);
	result = g_test_run();
	fixture_shut_down();
	claims_shut_down();
	return result;
}
