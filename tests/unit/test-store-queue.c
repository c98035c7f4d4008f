/* The queue of acknowledgements, run against SQLite and against a real Redis by one suite: none lost once queued, none taken by
 * two at a time. */
#include <string.h>

#include "base/clock.h"
#include "base/error.h"
#include "claim-fixture.h"

static void test_a_job_is_taken_once_and_ends(gconstpointer kind)
{
	g_autoptr(Fixture) fixture = fixture_new(kind);
	g_autoptr(Store) a = fixture_open(fixture, "a"), b = fixture_open(fixture, "b");
	g_autoptr(StoredJob) first = NULL, second = NULL, none = NULL;
	IncidentState state = { .id = NULL };
	g_autoptr(Job) job = NULL;
	g_autoptr(GError) error = NULL;

	claims_set_word(a, "default", WORD_P1, &state);
	g_assert_null(claims_take(a));
	g_assert_cmpint(claims_ask(a, &state, false, "hash1", "token1"), ==, CLAIM_WON);
	g_assert_cmpint(claims_ask(a, &state, false, "hash2", "token2"), ==, CLAIM_WON);
	first = claims_take(a);
	job = job_open(claims_secret(), first, &error);
	g_assert_no_error(error);
	g_assert_cmpstr(job->token, ==, "token1");
	g_assert_cmpstr(job->request->id, ==, state.id);
	g_assert_cmpuint(first->tries, ==, 0);
	g_assert_null(first->why);
	second = claims_take(b);
	g_assert_cmpstr(second->handle, !=, first->handle);
	none = claims_take(b);
	g_assert_null(none);
	claims_check_counts(a, 2, 0, 0, 0, 0);
	g_assert_true(store_job_done(a, first, "hash1", &error));
	/* Told twice, counted once. */
	g_assert_true(store_job_done(a, first, "hash1", &error));
	claims_check_counts(a, 1, 0, 0, 1, 0);
	g_assert_true(store_job_done(b, second, "hash2", &error));
	claims_check_counts(a, 0, 0, 0, 2, 0);
	incident_state_clear(&state);
}

static void test_retry_and_bury(gconstpointer kind)
{
	g_autoptr(Outage) outage = outage_new(kind);
	Store *store = outage->store;
	g_autoptr(StoredJob) first = NULL, again = NULL, held = NULL, later = NULL;
	g_autoptr(GPtrArray) dead = NULL;
	g_autoptr(GError) error = NULL;
	guint moved;

	claims_ask(store, &outage->state, false, "hash1", "token1");
	first = claims_take(store);
	/* Due already: it comes back at once, one try older. */
	g_assert_true(store_job_retry(store, first, 0, true, "451 later", &error));
	again = claims_take(store);
	g_assert_nonnull(again);
	g_assert_cmpuint(again->tries, ==, 1);
	g_assert_cmpstr(again->why, ==, "451 later");
	g_assert_cmpstr(again->payload, ==, first->payload);
	g_assert_cmpstr(again->mac, ==, first->mac);
	/* Held without failing: no try is counted, and it rests until it is due. */
	g_assert_true(store_job_retry(store, again, 3600, false, "paused", &error));
	g_assert_null(claims_take(store));
	claims_check_counts(store, 0, 1, 0, 0, 0);
	/* The operator may bury what rests, and call it back with all its tries. */
	g_assert_true(store_queue_bury(store, NULL, "operator", &moved, &error));
	g_assert_cmpuint(moved, ==, 1);
	claims_check_counts(store, 0, 0, 1, 0, 0);
	dead = store_queue_list(store, QUEUE_DEAD, 10, &error);
	g_assert_cmpuint(dead->len, ==, 1);
	g_assert_cmpstr(((StoredJob *)g_ptr_array_index(dead, 0))->why, ==, "operator");
	g_assert_true(store_queue_retry(store, "no such job", &moved, &error));
	g_assert_cmpuint(moved, ==, 0);
	g_assert_true(store_queue_retry(store, ((StoredJob *)g_ptr_array_index(dead, 0))->handle, &moved, &error));
	g_assert_cmpuint(moved, ==, 1);
	held = claims_take(store);
	g_assert_nonnull(held);
	g_assert_cmpuint(held->tries, ==, 0);
	g_assert_true(store_job_bury(store, held, "550 no such user", &error));
	g_clear_pointer(&dead, g_ptr_array_unref);
	dead = store_queue_list(store, QUEUE_DEAD, 10, &error);
	g_assert_cmpuint(dead->len, ==, 1);
	g_assert_cmpstr(((StoredJob *)g_ptr_array_index(dead, 0))->why, ==, "550 no such user");
	g_assert_null(claims_take(store));
	claims_check_counts(store, 0, 0, 1, 0, 0);
	g_assert_true(store_queue_retry(store, NULL, &moved, &error));
	g_assert_cmpuint(moved, ==, 1);
	later = claims_take(store);
	g_assert_nonnull(later);
	g_assert_true(store_job_done(store, later, "hash1", &error));
	claims_check_counts(store, 0, 0, 0, 1, 0);
}

static void test_list_and_bury_one(gconstpointer kind)
{
	g_autoptr(Outage) outage = outage_new(kind);
	Store *store = outage->store;
	g_autoptr(GPtrArray) jobs = NULL, some = NULL;
	g_autoptr(GError) error = NULL;
	QueueCounts counts;
	guint moved;

	for (int i = 0; i < 4; i++) {
		g_autofree char *name = g_strdup_printf("n%d", i);

		claims_ask(store, &outage->state, false, name, name);
	}
	jobs = store_queue_list(store, QUEUE_PENDING, 10, &error);
	g_assert_cmpuint(jobs->len, ==, 4);
	for (guint i = 0; i < jobs->len; i++) {
		g_autoptr(Job) job = job_open(claims_secret(), g_ptr_array_index(jobs, i), &error);
		g_autofree char *name = g_strdup_printf("n%u", i);

		g_assert_no_error(error);
		g_assert_cmpstr(job->token, ==, name);
	}
	some = store_queue_list(store, QUEUE_PENDING, 2, &error);
	g_assert_cmpuint(some->len, ==, 2);
	g_assert_true(store_queue_bury(store, ((StoredJob *)g_ptr_array_index(jobs, 1))->handle, "this one", &moved, &error));
	g_assert_cmpuint(moved, ==, 1);
	claims_check_counts(store, 3, 0, 1, 0, 0);
	g_assert_true(store_queue_counts(store, &counts, &error));
	g_assert_cmpint(counts.oldest, >, clock_now() - 600);
	g_assert_cmpint(counts.oldest, <=, clock_now() + 1);
}

static void test_withdrawn_customers_may_be_answered_later(gconstpointer kind)
{
	g_autoptr(Outage) outage = outage_new(kind);
	Store *store = outage->store;
	g_autoptr(StoredJob) job = NULL, other = NULL;
	g_autoptr(GError) error = NULL;

	claims_ask(store, &outage->state, false, "hash1", "token1");
	job = claims_take(store);
	/* A mark that carries somebody else's token stays. */
	claims_ask(store, &outage->state, false, "hash2", "token2");
	other = claims_take(store);
	g_assert_true(store_job_withdraw(store, other, "hash1", &error));
	g_assert_cmpint(claims_ask(store, &outage->state, false, "hash1", "token3"), ==, CLAIM_ALREADY);
	g_assert_true(store_job_withdraw(store, job, "hash1", &error));
	claims_check_counts(store, 0, 0, 0, 0, 2);
	g_assert_cmpint(claims_ask(store, &outage->state, false, "hash1", "token3"), ==, CLAIM_WON);
}

static void test_promotion(gconstpointer kind)
{
	g_autoptr(Outage) outage = outage_new(kind);
	Store *store = outage->store;
	g_autoptr(StoredJob) first = NULL, second = NULL;
	g_autoptr(GError) error = NULL;
	bool won;

	claims_ask(store, &outage->state, false, "hash1", "token1");
	claims_ask(store, &outage->state, false, "hash2", "token2");
	first = claims_take(store);
	second = claims_take(store);
	claims_set_word(store, "default", WORD_RESOLVED, &outage->state);
	/* hash2 wrote again after the fix: the later mail's acknowledgement stands, the waiting one is not sent besides. */
	g_assert_cmpint(claims_ask(store, &outage->state, true, "hash2", "token3"), ==, CLAIM_WON);
	g_assert_true(store_job_promote(store, second, "hash2", &won, &error));
	g_assert_false(won);
	g_assert_true(store_job_promote(store, first, "hash1", &won, &error));
	g_assert_true(won);
	/* Asked again after a crash: still ours. */
	g_assert_true(store_job_promote(store, first, "hash1", &won, &error));
	g_assert_true(won);
	g_assert_cmpint(claims_ask(store, &outage->state, true, "hash1", "token4"), ==, CLAIM_ALREADY);
}

static void test_a_dead_repliers_job_is_taken_over(gconstpointer kind)
{
	g_autoptr(Fixture) fixture = fixture_new(kind);
	g_autoptr(Store) dead = fixture_open(fixture, "dead"), patient = fixture_open(fixture, "patient");
	g_autoptr(Store) heir = fixture_open(fixture, "heir");
	g_autoptr(StoredJob) first = NULL, none = NULL, second = NULL;
	IncidentState state = { .id = NULL };
	g_autoptr(GError) error = NULL;

	claims_set_word(dead, "default", WORD_P1, &state);
	claims_ask(dead, &state, false, "hash1", "token1");
	first = claims_take(dead);
	g_assert_nonnull(first);
	none = claims_take(patient);
	g_assert_null(none);
	second = store_job_take(heir, 5000, 0, &error);
	g_assert_no_error(error);
	g_assert_cmpstr(second->payload, ==, first->payload);
	g_assert_true(store_job_done(heir, second, "hash1", &error));
	claims_check_counts(heir, 0, 0, 0, 1, 0);
	incident_state_clear(&state);
}

typedef struct { const Fixture *fixture; IncidentState state; } Waiting;

static gpointer take_in_thread(gpointer data)
{
	Waiting *waiting = data;
	g_autoptr(Store) store = fixture_open(waiting->fixture, "replier");
	g_autoptr(GError) error = NULL;
	g_autoptr(StoredJob) job = store_job_take(store, 30000, 3600000, &error);

	g_assert_no_error(error);
	g_assert_nonnull(job);
	return NULL;
}

static void test_a_waiting_replier_gets_a_new_job(gconstpointer kind)
{
	g_autoptr(Fixture) fixture = fixture_new(kind);
	g_autoptr(Store) store = fixture_open(fixture, "a");
	Waiting waiting = { .fixture = fixture };
	GThread *thread;
	gint64 began = clock_mono_us();

	claims_set_word(store, "default", WORD_P1, &waiting.state);
	thread = g_thread_new("replier", take_in_thread, &waiting);
	claims_ask(store, &waiting.state, false, "hash1", "token1");
	g_thread_join(thread);
	g_assert_cmpint(clock_mono_us() - began, <, 20 * G_USEC_PER_SEC);
	incident_state_clear(&waiting.state);
}

int main(int argc, char **argv)
{
	int result;

	g_test_init(&argc, &argv, NULL);
	fixture_add_test("a-job-is-taken-once-and-ends", test_a_job_is_taken_once_and_ends);
	fixture_add_test("retry-and-bury", test_retry_and_bury);
	fixture_add_test("list-and-bury-one", test_list_and_bury_one);
	fixture_add_test("withdrawn-customers-may-be-answered-later", test_withdrawn_customers_may_be_answered_later);
	fixture_add_test("promotion", test_promotion);
	fixture_add_test("a-dead-repliers-job-is-taken-over", test_a_dead_repliers_job_is_taken_over);
	fixture_add_test("a-waiting-replier-gets-a-new-job", test_a_waiting_replier_gets_a_new_job);
	result = g_test_run();
	fixture_shut_down();
	claims_shut_down();
	return result;
}
