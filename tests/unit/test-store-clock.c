/* A clock that jumps, on SQLite, which waits by the clock of its machine (Redis has one of its own): nothing is put off by it, no mark
 * goes while its incident is on, and no job is taken from a replier that lives. */
#include "base/clock.h"
#include "base/error.h"
#include "claim-fixture.h"

#define HOUR 3600
#define YEAR (365 * 86400)

static void expect_mark(const Outage *outage, Store *store, const StoredJob *stored, JobStanding expected)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(Job) job = job_open(claims_secret(), stored, &error);
	JobStanding standing;

	g_assert_no_error(error);
	g_assert_true(store_job_standing(store, job, "hash1", &standing, &error));
	g_assert_cmpint(standing, ==, expected);
	g_assert_cmpint(claims_ask(store, &outage->state, false, "hash1", "another"), ==, CLAIM_ALREADY);
}

static void test_marks_outlive_a_jump_ahead(void)
{
	g_autoptr(Outage) outage = outage_new("sqlite");
	g_autoptr(StoredJob) job = NULL;
	g_autoptr(GError) error = NULL;

	claims_ask(outage->store, &outage->state, false, "hash1", "token1");
	job = claims_take(outage->store);
	expect_mark(outage, outage->store, job, JOB_STANDS);
	clock_set_for_test(YEAR);
	expect_mark(outage, outage->store, job, JOB_STANDS);
	g_assert_true(store_job_done(outage->store, job, "hash1", &error));
	/* The sweep comes with it. */
	g_assert_true(store_heartbeat(outage->store, "{}", &error));
	expect_mark(outage, outage->store, job, JOB_SENT);
	clock_set_for_test(0);
	expect_mark(outage, outage->store, job, JOB_SENT);
	g_assert_cmpuint(fixture_count_sent_marks(outage->fixture), ==, 1);
	/* Once it is over, its marks end by their time. */
	claims_set_word(outage->store, "default", WORD_NONE, NULL);
	clock_set_for_test(YEAR + HOUR);
	g_assert_true(store_heartbeat(outage->store, "{}", &error));
	clock_set_for_test(0);
	g_assert_cmpuint(fixture_count_sent_marks(outage->fixture), ==, 0);
}

static void test_a_clock_set_back_puts_nothing_off(void)
{
	g_autoptr(Outage) outage = outage_new("sqlite");
	g_autoptr(StoredJob) now = NULL, later = NULL, none = NULL, put_off = NULL;
	g_autoptr(GPtrArray) jobs = NULL;
	g_autoptr(GError) error = NULL;

	clock_set_for_test(HOUR);
	claims_ask(outage->store, &outage->state, false, "hash1", "token1");
	claims_ask(outage->store, &outage->state, false, "hash2", "token2");
	later = claims_take(outage->store);
	g_assert_true(store_job_retry(outage->store, later, 600, true, "451", &error));
	clock_set_for_test(0);
	/* What was due is due, and what has to wait waits as long as it was to. */
	now = claims_take(outage->store);
	g_assert_nonnull(now);
	none = claims_take(outage->store);
	g_assert_null(none);
	jobs = store_queue_list(outage->store, QUEUE_PENDING, 10, &error);
	for (guint i = 0; i < jobs->len; i++)
		g_assert_cmpint(((StoredJob *)g_ptr_array_index(jobs, i))->due, <=, clock_now() + 600);
	clock_set_for_test(601);
	put_off = claims_take(outage->store);
	g_assert_nonnull(put_off);
	clock_set_for_test(0);
}

/* Minutes that the site's cap had filled by a clock that was ahead say nothing of those that come. */
static void test_a_clock_set_back_frees_the_sites_minutes(void)
{
	g_autoptr(Fixture) fixture = fixture_new("sqlite");
	IncidentState state = { .id = NULL };
	g_autoptr(GPtrArray) jobs = NULL;
	g_autoptr(Store) store = NULL;
	g_autoptr(GError) error = NULL;

	fixture->config->ack_site_cap = 1;
	store = fixture_open(fixture, "a");
	claims_set_word(store, "default", WORD_P1, &state);
	clock_set_for_test(HOUR);
	for (int i = 0; i < 3; i++) {
		g_autofree char *name = g_strdup_printf("n%d", i);

		claims_ask(store, &state, false, name, name);
	}
	clock_set_for_test(0);
	claims_ask(store, &state, false, "after", "after");
	jobs = store_queue_list(store, QUEUE_PENDING, 10, &error);
	g_assert_cmpuint(jobs->len, ==, 4);
	for (guint i = 0; i < jobs->len; i++)
		g_assert_cmpint(((StoredJob *)g_ptr_array_index(jobs, i))->due, <, clock_now() + 300);
	incident_state_clear(&state);
}

static void test_no_jump_takes_a_job_from_a_live_replier(void)
{
	static const gint64 jumps[] = { HOUR, -HOUR, YEAR, -YEAR };
	g_autoptr(Outage) outage = outage_new("sqlite");
	g_autoptr(Store) other = fixture_open(outage->fixture, "b");
	g_autoptr(StoredJob) job = NULL;
	g_autoptr(GError) error = NULL;

	claims_ask(outage->store, &outage->state, false, "hash1", "token1");
	job = store_job_take(outage->store, 0, 600000, &error);
	g_assert_nonnull(job);
	for (gsize i = 0; i < G_N_ELEMENTS(jumps); i++) {
		clock_set_for_test(jumps[i]);
		g_assert_null(store_job_take(other, 0, 600000, &error));
		g_assert_no_error(error);
	}
	clock_set_for_test(0);
	g_assert_true(store_job_done(outage->store, job, "hash1", &error));
	claims_check_counts(outage->store, 0, 0, 0, 1, 0);
}

int main(int argc, char **argv)
{
	int result;

	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/store-clock/marks-outlive-a-jump-ahead", test_marks_outlive_a_jump_ahead);
	g_test_add_func("/store-clock/a-clock-set-back-puts-nothing-off", test_a_clock_set_back_puts_nothing_off);
	g_test_add_func("/store-clock/a-clock-set-back-frees-the-sites-minutes", test_a_clock_set_back_frees_the_sites_minutes);
	g_test_add_func("/store-clock/no-jump-takes-a-job-from-a-live-replier", test_no_jump_takes_a_job_from_a_live_replier);
	result = g_test_run();
	claims_shut_down();
	return result;
}
