/* Jobs in a replier's hand, run against SQLite and against a real Redis by one suite: how often one was taken before, what another's
 * stale hand may still do, what the operator buries from it, and what is no job at all. */
#include <string.h>

#include "base/error.h"
#include "claim-fixture.h"

static StoredJob *take_over(Store *store)
{
	g_autoptr(GError) error = NULL;
	StoredJob *job = store_job_take(store, 10000, 0, &error);

	g_assert_no_error(error);
	g_assert_nonnull(job);
	return job;
}

static JobStanding standing_of(Store *store, const StoredJob *stored, const char *hash)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(Job) job = job_open(claims_secret(), stored, &error);
	JobStanding standing;

	g_assert_no_error(error);
	g_assert_true(store_job_standing(store, job, hash, &standing, &error));
	return standing;
}

static void test_how_often_a_job_was_taken(gconstpointer kind)
{
	g_autoptr(Outage) outage = outage_new(kind);
	g_autoptr(GError) error = NULL;
	g_autoptr(GPtrArray) dead = NULL;
	g_autoptr(StoredJob) again = NULL, revived = NULL;

	claims_ask(outage->store, &outage->state, false, "hash1", "token1");
	/* Each replier dies of it. */
	for (guint i = 0; i < 5; i++) {
		g_autofree char *node = g_strdup_printf("replier%u", i);
		g_autoptr(Store) store = fixture_open(outage->fixture, node);
		g_autoptr(StoredJob) job = take_over(store);

		g_assert_cmpuint(job->takes, ==, i);
		g_assert_cmpuint(job->tries, ==, 0);
		if (i == 4)
			g_assert_true(store_job_retry(store, job, 0, true, "451", &error));
	}
	/* It was ended: whatever comes next begins anew. */
	again = claims_take(outage->store);
	g_assert_cmpuint(again->takes, ==, 0);
	g_assert_cmpuint(again->tries, ==, 1);
	g_assert_true(store_job_bury(outage->store, again, "550", &error));
	dead = store_queue_list(outage->store, QUEUE_DEAD, 10, &error);
	g_assert_cmpuint(dead->len, ==, 1);
	g_assert_true(store_queue_retry(outage->store, NULL, NULL, &error));
	revived = claims_take(outage->store);
	g_assert_cmpuint(revived->takes, ==, 0);
}

static void check_taken(Store *store, guint64 pending, guint64 taken)
{
	g_autoptr(GError) error = NULL;
	QueueCounts counts;

	g_assert_true(store_queue_counts(store, &counts, &error));
	g_assert_cmpuint(counts.pending, ==, pending);
	g_assert_cmpuint(counts.taken, ==, taken);
}

/* Redis gave two jobs to this process with answers that were lost with their connection: a customer would wait for his letter until
 * the time for taking over has come. */
static void test_what_was_given_with_a_lost_answer(gconstpointer kind)
{
	g_autoptr(Outage) outage = outage_new(kind);
	g_autoptr(GError) error = NULL;
	g_autoptr(Store) later = NULL;
	g_autoptr(StoredJob) first = NULL, second = NULL, seen = NULL, next = NULL, none = NULL;

	for (int i = 0; i < 3; i++) {
		g_autofree char *hash = g_strdup_printf("hash%d", i), *token = g_strdup_printf("token%d", i);

		claims_ask(outage->store, &outage->state, false, hash, token);
	}
	first = claims_take(outage->store);
	second = claims_take(outage->store);
	later = fixture_open(outage->fixture, "a");
	seen = store_job_missed(later, "0", &error);
	g_assert_no_error(error);
	if (g_strcmp0(kind, "redis") != 0) {
		g_assert_null(seen);
		return;
	}
	g_assert_cmpstr(seen->handle, ==, first->handle);
	g_assert_cmpstr(seen->payload, ==, first->payload);
	g_assert_cmpuint(seen->takes, ==, 1);
	g_assert_true(store_job_done(later, seen, "hash0", &error));
	next = store_job_missed(later, seen->handle, &error);
	g_assert_cmpstr(next->handle, ==, second->handle);
	none = store_job_missed(later, next->handle, &error);
	g_assert_no_error(error);
	g_assert_null(none);
	check_taken(later, 2, 1);
}

static void test_what_is_in_hand_is_counted(gconstpointer kind)
{
	g_autoptr(Outage) outage = outage_new(kind);
	Store *store = outage->store;
	g_autoptr(StoredJob) first = NULL, second = NULL;
	g_autoptr(GError) error = NULL;

	check_taken(store, 0, 0);
	for (int i = 0; i < 3; i++) {
		g_autofree char *name = g_strdup_printf("n%d", i);

		claims_ask(store, &outage->state, false, name, name);
	}
	check_taken(store, 3, 0);
	first = claims_take(store);
	second = claims_take(store);
	check_taken(store, 3, 2);
	g_assert_true(store_job_done(store, first, "n0", &error));
	g_assert_true(store_job_retry(store, second, 0, true, "451", &error));
	check_taken(store, 2, 0);
}

/* Slow, not dead: its job was taken over, and then it wants to put it back, bury it or let the customer go. */
static void test_a_stale_hand_ends_nothing_but_by_sending(gconstpointer kind)
{
	g_autoptr(Outage) outage = outage_new(kind);
	g_autoptr(Store) slow = fixture_open(outage->fixture, "slow"), heir = fixture_open(outage->fixture, "heir");
	g_autoptr(StoredJob) before = NULL, job = NULL, none = NULL;
	g_autoptr(GError) error = NULL;

	claims_ask(slow, &outage->state, false, "hash1", "token1");
	before = claims_take(slow);
	job = take_over(heir);
	g_assert_cmpuint(job->takes, ==, 1);
	g_assert_true(store_job_retry(slow, before, 0, true, "451", &error));
	g_assert_true(store_job_bury(slow, before, "550", &error));
	g_assert_true(store_job_withdraw(slow, before, "hash1", &error));
	none = claims_take(outage->store);
	g_assert_null(none);
	claims_check_counts(outage->store, 1, 0, 0, 0, 0);
	g_assert_cmpint(standing_of(heir, job, "hash1"), ==, JOB_STANDS);
	/* Its letter has left: that is so, whoever has the job. */
	g_assert_true(store_job_done(slow, before, "hash1", &error));
	claims_check_counts(outage->store, 0, 0, 0, 1, 0);
	g_assert_cmpint(standing_of(heir, job, "hash1"), ==, JOB_SENT);
	g_assert_true(store_job_retry(heir, job, 0, true, "451", &error));
	g_assert_true(store_job_done(heir, job, "hash1", &error));
	claims_check_counts(outage->store, 0, 0, 0, 1, 0);
}

/* A replier that loses the store and opens it again holds its job still. */
static void test_a_store_opened_again_keeps_the_job(gconstpointer kind)
{
	g_autoptr(Outage) outage = outage_new(kind);
	g_autoptr(Store) store = fixture_open(outage->fixture, "replier");
	g_autoptr(StoredJob) job = NULL;
	g_autoptr(GError) error = NULL;

	claims_ask(store, &outage->state, false, "hash1", "token1");
	job = claims_take(store);
	g_clear_pointer(&store, store_close);
	store = fixture_open(outage->fixture, "replier");
	g_assert_true(store_job_retry(store, job, 3600, true, "451", &error));
	claims_check_counts(store, 0, 1, 0, 0, 0);
}

static void test_buried_while_its_letter_was_leaving(gconstpointer kind)
{
	g_autoptr(Outage) outage = outage_new(kind);
	Store *store = outage->store;
	g_autoptr(StoredJob) job = NULL, none = NULL;
	g_autoptr(GError) error = NULL;
	guint moved;

	claims_ask(store, &outage->state, false, "hash1", "token1");
	claims_ask(store, &outage->state, false, "hash2", "token2");
	job = claims_take(store);
	g_assert_true(store_queue_bury(store, NULL, "operator", &moved, &error));
	g_assert_cmpuint(moved, ==, 2);
	claims_check_counts(store, 0, 0, 2, 0, 0);
	/* It has left: it is no longer among those that could be called back, and it counts. */
	g_assert_true(store_job_done(store, job, "hash1", &error));
	claims_check_counts(store, 0, 0, 1, 1, 0);
	g_assert_true(store_job_done(store, job, "hash1", &error));
	claims_check_counts(store, 0, 0, 1, 1, 0);
	g_assert_cmpint(standing_of(store, job, "hash1"), ==, JOB_SENT);
	none = claims_take(store);
	g_assert_null(none);
}

static void test_buried_while_its_letter_did_not_leave(gconstpointer kind)
{
	g_autoptr(Outage) outage = outage_new(kind);
	Store *store = outage->store;
	g_autoptr(StoredJob) job = NULL, none = NULL;
	g_autoptr(GPtrArray) dead = NULL;
	g_autoptr(GError) error = NULL;

	claims_ask(store, &outage->state, false, "hash1", "token1");
	job = claims_take(store);
	g_assert_true(store_queue_bury(store, job->handle, "operator", NULL, &error));
	g_assert_true(store_job_retry(store, job, 0, true, "451 later", &error));
	none = claims_take(store);
	g_assert_null(none);
	g_assert_true(store_job_withdraw(store, job, "hash1", &error));
	g_assert_true(store_job_bury(store, job, "550", &error));
	claims_check_counts(store, 0, 0, 1, 0, 0);
	dead = store_queue_list(store, QUEUE_DEAD, 10, &error);
	g_assert_cmpstr(((StoredJob *)g_ptr_array_index(dead, 0))->why, ==, "operator");
	g_assert_cmpint(standing_of(store, job, "hash1"), ==, JOB_STANDS);
}

/* What somebody's hand has put there, of any size, is taken once, shown, and buried; and what comes behind it leaves. */
static void test_what_is_far_too_large_is_no_job(gconstpointer kind)
{
	static const gsize sizes[] = { 65538, 1000000, 80000000 };
	g_autoptr(Outage) outage = outage_new(kind);
	Store *store = outage->store;
	g_autoptr(GPtrArray) pending = NULL;
	g_autoptr(StoredJob) good = NULL;
	g_autoptr(GError) error = NULL;

	for (gsize i = 0; i < G_N_ELEMENTS(sizes); i++)
		fixture_put_raw_payload(outage->fixture, sizes[i]);
	claims_ask(store, &outage->state, false, "hash1", "token1");
	pending = store_queue_list(store, QUEUE_PENDING, 10, &error);
	g_assert_no_error(error);
	g_assert_cmpuint(pending->len, ==, G_N_ELEMENTS(sizes) + 1);
	for (gsize i = 0; i < G_N_ELEMENTS(sizes); i++) {
		g_autoptr(StoredJob) strange = claims_take(store);

		g_assert_nonnull(strange);
		g_assert_cmpuint(strange->takes, ==, 0);
		g_assert_cmpuint(strlen(strange->payload), ==, 65537);
		g_assert_null(job_open(claims_secret(), strange, NULL));
		g_assert_true(store_job_bury(store, strange, "no job", &error));
	}
	g_assert_cmpuint(fixture_longest_dead(outage->fixture), ==, 1024);
	good = claims_take(store);
	g_assert_true(store_job_done(store, good, "hash1", &error));
	claims_check_counts(store, 0, 0, G_N_ELEMENTS(sizes), 1, 0);
	/* The operator's hand is no different. */
	fixture_put_raw_payload(outage->fixture, 1000000);
	g_assert_true(store_queue_bury(store, NULL, "x", NULL, &error));
	g_assert_cmpuint(fixture_longest_dead(outage->fixture), ==, 1024);
}

int main(int argc, char **argv)
{
	int result;

	g_test_init(&argc, &argv, NULL);
	fixture_add_test("what-was-given-with-a-lost-answer", test_what_was_given_with_a_lost_answer);
	fixture_add_test("how-often-a-job-was-taken", test_how_often_a_job_was_taken);
	fixture_add_test("what-is-in-hand-is-counted", test_what_is_in_hand_is_counted);
	fixture_add_test("a-stale-hand-ends-nothing-but-by-sending", test_a_stale_hand_ends_nothing_but_by_sending);
	fixture_add_test("a-store-opened-again-keeps-the-job", test_a_store_opened_again_keeps_the_job);
	fixture_add_test("buried-while-its-letter-was-leaving", test_buried_while_its_letter_was_leaving);
	fixture_add_test("buried-while-its-letter-did-not-leave", test_buried_while_its_letter_did_not_leave);
	fixture_add_test("what-is-far-too-large-is-no-job", test_what_is_far_too_large_is_no_job);
	result = g_test_run();
	fixture_shut_down();
	claims_shut_down();
	return result;
}
