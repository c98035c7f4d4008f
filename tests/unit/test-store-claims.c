/* Claims, run against SQLite and against a real Redis by one suite: at most one acknowledgement per customer, incident and kind;
 * the caps; what is held back is counted. Who asks at the same time is in test-store-races.c. */
#include <string.h>

#include "base/clock.h"
#include "base/error.h"
#include "claim-fixture.h"

static void test_one_claim_per_customer_incident_and_kind(gconstpointer kind)
{
	g_autoptr(Fixture) fixture = fixture_new(kind);
	g_autoptr(Store) a = NULL, b = NULL;
	IncidentState state = { .id = NULL };
	g_autoptr(GHashTable) counters = NULL;
	g_autoptr(GError) error = NULL;

	fixture->config->reopen_within = 0;
	a = fixture_open(fixture, "a");
	b = fixture_open(fixture, "b");
	claims_set_word(a, "default", WORD_P1, &state);
	g_assert_cmpint(claims_ask(a, &state, false, "hash1", "token1"), ==, CLAIM_WON);
	g_assert_cmpint(claims_ask(b, &state, false, "hash1", "token2"), ==, CLAIM_ALREADY);
	/* Asked again after an unknown outcome: won, and not queued twice. */
	g_assert_cmpint(claims_ask(b, &state, false, "hash1", "token1"), ==, CLAIM_WON);
	g_assert_cmpint(claims_ask(b, &state, false, "hash2", "token3"), ==, CLAIM_WON);
	claims_check_counts(a, 2, 0, 0, 0, 0);
	counters = store_counters(a, state.id, &error);
	g_assert_cmpstr(g_hash_table_lookup(counters, "queued"), ==, "2");
	g_assert_cmpstr(g_hash_table_lookup(counters, "affected"), ==, "2");
	/* Another severity is the same incident; the fix is another kind; the next outage is another incident. */
	claims_set_word(a, "default", WORD_P3, &state);
	g_assert_cmpint(claims_ask(a, &state, false, "hash1", "token4"), ==, CLAIM_ALREADY);
	claims_set_word(a, "default", WORD_RESOLVED, &state);
	g_assert_cmpint(claims_ask(a, &state, true, "hash1", "token5"), ==, CLAIM_WON);
	g_assert_cmpint(claims_ask(a, &state, true, "hash1", "token6"), ==, CLAIM_ALREADY);
	claims_set_word(a, "default", WORD_P1, &state);
	g_assert_cmpint(claims_ask(a, &state, false, "hash1", "token7"), ==, CLAIM_WON);
	incident_state_clear(&state);
}

static void test_claim_on_what_is_over(gconstpointer kind)
{
	g_autoptr(Fixture) fixture = fixture_new(kind);
	g_autoptr(Store) store = fixture_open(fixture, "a");
	IncidentState before = { .id = NULL }, state = { .id = NULL };

	claims_set_word(store, "default", WORD_P1, &before);
	g_assert_cmpint(claims_ask(store, &before, true, "hash1", "token1"), ==, CLAIM_ENDED);
	claims_set_word(store, "default", WORD_RESOLVED, &state);
	g_assert_cmpint(claims_ask(store, &before, false, "hash1", "token1"), ==, CLAIM_ENDED);
	claims_set_word(store, "default", WORD_NONE, &state);
	g_assert_cmpint(claims_ask(store, &state, false, "hash1", "token1"), ==, CLAIM_ENDED);
	g_assert_cmpint(claims_ask(store, &state, true, "hash1", "token1"), ==, CLAIM_ENDED);
	/* Reopened under the same id, but what was decided before the withdrawal stays withdrawn. */
	claims_set_word(store, "default", WORD_P1, &state);
	g_assert_cmpstr(state.id, ==, before.id);
	g_assert_cmpint(claims_ask(store, &before, false, "hash1", "token1"), ==, CLAIM_ENDED);
	g_assert_cmpint(claims_ask(store, &state, false, "hash1", "token1"), ==, CLAIM_WON);
	claims_check_counts(store, 1, 0, 0, 0, 0);
	incident_state_clear(&before);
	incident_state_clear(&state);
}

static void test_claim_while_paused_or_bounced(gconstpointer kind)
{
	g_autoptr(Fixture) fixture = fixture_new(kind);
	g_autoptr(Store) store = fixture_open(fixture, "a");
	IncidentState state = { .id = NULL };
	g_autoptr(GError) error = NULL;

	claims_set_word(store, "default", WORD_P1, &state);
	g_assert_true(store_set_pause(store, "legal asked", "tester", &error));
	g_assert_cmpint(claims_ask(store, &state, false, "hash1", "token1"), ==, CLAIM_PAUSED);
	fixture_set_raw_pause(fixture, "off");
	g_assert_cmpint(claims_ask(store, &state, false, "hash1", "token1"), ==, CLAIM_WON);
	fixture_add_bounce(fixture, "hash2");
	g_assert_cmpint(claims_ask(store, &state, false, "hash2", "token2"), ==, CLAIM_BOUNCED);
	claims_check_counts(store, 1, 0, 0, 0, 0);
	incident_state_clear(&state);
}

static void test_caps(gconstpointer kind)
{
	g_autoptr(Fixture) fixture = fixture_new(kind);
	g_autoptr(Store) store = NULL;
	g_autoptr(GPtrArray) jobs = NULL;
	g_autoptr(GError) error = NULL;
	IncidentState state = { .id = NULL };
	QueueCounts counts;
	guint won = 0;
	gint64 last = 0;

	fixture->config->ack_domain_cap = 2;
	fixture->config->ack_site_cap = 2;
	store = fixture_open(fixture, "a");
	claims_set_word(store, "default", WORD_P1, &state);
	for (int i = 0; i < 5; i++) {
		g_autofree char *name = g_strdup_printf("capped%d", i);
		ClaimAnswer answer;

		g_assert_true(claims_try(store, "default", &state, false, name, name, true, &answer, &error));
		g_assert_true(answer == CLAIM_WON || answer == CLAIM_RATE);
		won += answer == CLAIM_WON;
	}
	/* Two an hour; up to four where the hour changes while this runs. */
	g_assert_cmpuint(won, >=, 2);
	g_assert_cmpuint(won, <=, 4);
	/* A mailbox provider's domain has no cap; the site's cap drops nothing but puts off, two to a minute. */
	for (int i = 0; i < 5; i++) {
		g_autofree char *name = g_strdup_printf("free%d", i);

		g_assert_cmpint(claims_ask(store, &state, false, name, name), ==, CLAIM_WON);
	}
	g_assert_true(store_queue_counts(store, &counts, &error));
	g_assert_cmpuint(counts.pending + counts.delayed, ==, won + 5);
	g_assert_cmpuint(counts.delayed, >=, 3);
	jobs = store_queue_list(store, QUEUE_PENDING, 100, &error);
	g_assert_cmpuint(jobs->len, ==, won + 5);
	for (guint i = 0, same = 0; i < jobs->len; i++) {
		const StoredJob *job = g_ptr_array_index(jobs, i);

		if (job->due == 0)
			continue;
		g_assert_cmpint(job->due % 60, ==, 0);
		g_assert_cmpint(job->due, >=, last);
		same = job->due == last ? same + 1 : 1;
		g_assert_cmpuint(same, <=, 2);
		last = job->due;
	}
	incident_state_clear(&state);
}

static void test_delay_and_again_after(gconstpointer kind)
{
	g_autoptr(Fixture) fixture = fixture_new(kind);
	g_autoptr(Store) store = NULL;
	g_autoptr(GPtrArray) jobs = NULL;
	g_autoptr(GError) error = NULL;
	IncidentState state = { .id = NULL };
	gint64 now = clock_now();

	fixture->config->ack_delay = 600000;
	fixture->config->ack_again_after = 1800000;
	store = fixture_open(fixture, "a");
	claims_set_word(store, "default", WORD_P1, &state);
	g_assert_cmpint(claims_ask(store, &state, false, "hash1", "token1"), ==, CLAIM_WON);
	claims_check_counts(store, 0, 1, 0, 0, 0);
	g_assert_null(claims_take(store));
	jobs = store_queue_list(store, QUEUE_PENDING, 10, &error);
	g_assert_cmpint(((StoredJob *)g_ptr_array_index(jobs, 0))->due, >=, now + 600);
	g_assert_cmpint(claims_ask(store, &state, false, "hash1", "token2"), ==, CLAIM_ALREADY);
	fixture_age_marks(fixture);
	g_assert_cmpint(claims_ask(store, &state, false, "hash1", "token2"), ==, CLAIM_WON);
	g_assert_cmpint(claims_ask(store, &state, false, "hash1", "token3"), ==, CLAIM_ALREADY);
	claims_check_counts(store, 0, 2, 0, 0, 0);
	incident_state_clear(&state);
}

/* Runs the test's steps again where the window of a cap ended meanwhile; it cannot end twice within a test. */
typedef void (*Steps)(gconstpointer kind, int *seen);

static void run_within(gint64 seconds, Steps steps, gconstpointer kind, int *seen)
{
	gint64 window;

	do {
		window = clock_now() / seconds;
		steps(kind, seen);
	} while (clock_now() / seconds != window);
}

static const struct { const char *name, *hash; ClaimAnswer expected; } address_steps[] = {
	{ "default", "hash1", CLAIM_WON }, { "api", "hash1", CLAIM_WON }, { "payments", "hash1", CLAIM_RATE },
	{ "payments", "hash2", CLAIM_WON }, { "default", "hash1", CLAIM_ALREADY },
};

static void ask_for_three_incidents(gconstpointer kind, int *seen)
{
	g_autoptr(Fixture) fixture = fixture_new(kind);
	g_autoptr(Store) store = NULL;
	g_autoptr(GError) error = NULL;

	fixture->config->ack_address_cap = 2;
	store = fixture_open(fixture, "a");
	for (gsize i = 0; i < G_N_ELEMENTS(address_steps); i++) {
		g_autofree char *token = g_strdup_printf("token%" G_GSIZE_FORMAT, i);
		IncidentState state = { .id = NULL };
		ClaimAnswer answer;

		claims_set_word(store, address_steps[i].name, WORD_P1, &state);
		claims_try(store, address_steps[i].name, &state, false, address_steps[i].hash, token, false, &answer, &error);
		g_assert_no_error(error);
		seen[i] = (int)answer;
		incident_state_clear(&state);
	}
}

static void test_an_address_has_a_cap_over_all_incidents(gconstpointer kind)
{
	int answers[G_N_ELEMENTS(address_steps)];

	run_within(86400, ask_for_three_incidents, kind, answers);
	for (gsize i = 0; i < G_N_ELEMENTS(answers); i++)
		g_assert_cmpint(answers[i], ==, address_steps[i].expected);
}

static void ask_today_and_tomorrow(gconstpointer kind, int *seen)
{
	g_autoptr(Fixture) fixture = fixture_new(kind);
	g_autoptr(Store) store = NULL;
	IncidentState state = { .id = NULL };

	fixture->config->ack_address_cap = 1;
	fixture->config->ack_again_after = 1800000;
	store = fixture_open(fixture, "a");
	claims_set_word(store, "default", WORD_P1, &state);
	seen[0] = (int)claims_ask(store, &state, false, "hash1", "token1");
	fixture_age_marks(fixture);
	seen[1] = (int)claims_ask(store, &state, false, "hash1", "token2");
	fixture_age_address_rates(fixture);
	seen[2] = (int)claims_ask(store, &state, false, "hash1", "token2");
	incident_state_clear(&state);
}

static void test_the_next_day_lifts_the_address_cap(gconstpointer kind)
{
	int answers[3];

	run_within(86400, ask_today_and_tomorrow, kind, answers);
	g_assert_cmpint(answers[0], ==, CLAIM_WON);
	g_assert_cmpint(answers[1], ==, CLAIM_RATE);
	g_assert_cmpint(answers[2], ==, CLAIM_WON);
}

static void test_no_address_cap(gconstpointer kind)
{
	g_autoptr(Fixture) fixture = fixture_new(kind);
	g_autoptr(Store) store = NULL;
	IncidentState state = { .id = NULL };

	fixture->config->ack_address_cap = 0;
	fixture->config->ack_again_after = 1800000;
	store = fixture_open(fixture, "a");
	claims_set_word(store, "default", WORD_P1, &state);
	for (int i = 0; i < 20; i++) {
		g_autofree char *token = g_strdup_printf("token%d", i);

		g_assert_cmpint(claims_ask(store, &state, false, "hash1", token), ==, CLAIM_WON);
		fixture_age_marks(fixture);
	}
	incident_state_clear(&state);
}

/* What the operator sees of those who got nothing. */
static void test_what_is_held_back_is_counted(gconstpointer kind)
{
	g_autoptr(Fixture) fixture = fixture_new(kind);
	g_autoptr(Store) store = NULL;
	g_autoptr(GError) error = NULL;
	IncidentState state = { .id = NULL }, over = { .id = NULL };
	ClaimAnswer answer;

	fixture->config->ack_domain_cap = 1;
	store = fixture_open(fixture, "a");
	claims_set_word(store, "default", WORD_P1, &state);
	g_assert_cmpint(claims_ask(store, &state, false, "hash1", "token1"), ==, CLAIM_WON);
	g_assert_cmpint(claims_ask(store, &state, false, "hash1", "token1"), ==, CLAIM_WON);
	g_assert_cmpint(claims_ask(store, &state, false, "hash1", "token2"), ==, CLAIM_ALREADY);
	g_assert_cmpint(claims_ask(store, &state, false, "hash1", "token3"), ==, CLAIM_ALREADY);
	fixture_add_bounce(fixture, "hash2");
	g_assert_cmpint(claims_ask(store, &state, false, "hash2", "token4"), ==, CLAIM_BOUNCED);
	/* One an hour: the second or, where the hour ends right now, the third. */
	for (int i = 0, refused = 0; refused == 0; i++) {
		g_autofree char *name = g_strdup_printf("capped%d", i);

		g_assert_true(claims_try(store, "default", &state, false, name, name, true, &answer, &error));
		refused = answer == CLAIM_RATE;
		g_assert_cmpint(i, <, 4);
	}
	g_assert_true(store_set_pause(store, "wait", "tester", &error));
	for (int i = 0; i < 3; i++)
		g_assert_cmpint(claims_ask(store, &state, false, "hash3", "token5"), ==, CLAIM_PAUSED);
	incident_state_copy(&over, &state);
	over.epoch++;
	g_assert_cmpint(claims_ask(store, &over, false, "hash3", "token5"), ==, CLAIM_ENDED);
	g_assert_cmpuint(claims_counter(store, state.id, "held:already-acked"), ==, 2);
	g_assert_cmpuint(claims_counter(store, state.id, "held:bounced"), ==, 1);
	g_assert_cmpuint(claims_counter(store, state.id, "held:rate"), ==, 1);
	g_assert_cmpuint(claims_counter(store, state.id, "held:paused"), ==, 3);
	g_assert_cmpuint(claims_counter(store, state.id, "delayed"), ==, 0);
	incident_state_clear(&state);
	incident_state_clear(&over);
}

static void test_counters_that_cannot_be_kept_change_no_answer(gconstpointer kind)
{
	g_autoptr(Fixture) fixture = fixture_new(kind);
	g_autoptr(Store) store = fixture_open(fixture, "a");
	IncidentState state = { .id = NULL };

	claims_set_word(store, "default", WORD_P1, &state);
	g_assert_cmpint(claims_ask(store, &state, false, "hash1", "token1"), ==, CLAIM_WON);
	fixture_break_counters(fixture, state.id);
	g_assert_cmpint(claims_ask(store, &state, false, "hash1", "token2"), ==, CLAIM_ALREADY);
	fixture_add_bounce(fixture, "hash2");
	g_assert_cmpint(claims_ask(store, &state, false, "hash2", "token3"), ==, CLAIM_BOUNCED);
	claims_check_counts(store, 1, 0, 0, 0, 0);
	incident_state_clear(&state);
}

/* seen: how many have been counted as put off after five in a minute that takes two, and after one more that only ack.delay
 * holds. */
static void ask_more_than_a_minute_takes(gconstpointer kind, int *seen)
{
	g_autoptr(Fixture) fixture = fixture_new(kind);
	g_autoptr(Store) capped = NULL, late = NULL;
	IncidentState state = { .id = NULL };

	fixture->config->ack_site_cap = 2;
	capped = fixture_open(fixture, "a");
	claims_set_word(capped, "default", WORD_P1, &state);
	for (int i = 0; i < 5; i++) {
		g_autofree char *name = g_strdup_printf("hash%d", i);

		g_assert_cmpint(claims_ask(capped, &state, false, name, name), ==, CLAIM_WON);
	}
	seen[0] = (int)claims_counter(capped, state.id, "delayed");
	fixture->config->ack_site_cap = 600;
	fixture->config->ack_delay = 86400000;
	late = fixture_open(fixture, "b");
	g_assert_cmpint(claims_ask(late, &state, false, "late", "late"), ==, CLAIM_WON);
	seen[1] = (int)claims_counter(late, state.id, "delayed");
	incident_state_clear(&state);
}

static void test_letters_put_off_by_the_site_cap_are_counted(gconstpointer kind)
{
	int put_off[2];

	run_within(60, ask_more_than_a_minute_takes, kind, put_off);
	g_assert_cmpint(put_off[0], ==, 3);
	g_assert_cmpint(put_off[1], ==, 3);
}

static void test_a_full_queue_refuses_and_keeps_what_waits(gconstpointer kind)
{
	g_autoptr(Fixture) fixture = fixture_new(kind);
	g_autoptr(Store) store = NULL;
	IncidentState state = { .id = NULL };
	g_autoptr(StoredJob) job = NULL, buried = NULL;
	g_autoptr(GError) error = NULL;

	fixture->config->ack_queue_limit = 3;
	store = fixture_open(fixture, "a");
	claims_set_word(store, "default", WORD_P1, &state);
	for (int i = 0; i < 3; i++) {
		g_autofree char *name = g_strdup_printf("n%d", i);

		g_assert_cmpint(claims_ask(store, &state, false, name, name), ==, CLAIM_WON);
	}
	g_assert_cmpint(claims_ask(store, &state, false, "late", "late"), ==, CLAIM_FULL);
	g_assert_cmpint(claims_ask(store, &state, false, "late", "late"), ==, CLAIM_FULL);
	/* Who is in it already is told so, by whatever token. */
	g_assert_cmpint(claims_ask(store, &state, false, "n1", "n1"), ==, CLAIM_WON);
	g_assert_cmpint(claims_ask(store, &state, false, "n1", "other"), ==, CLAIM_ALREADY);
	g_assert_cmpuint(claims_counter(store, state.id, "held:queue-full"), ==, 2);
	claims_check_counts(store, 3, 0, 0, 0, 0);
	/* In a replier's hand, or put off, it still waits; what has left or is dead does not. */
	job = claims_take(store);
	g_assert_cmpint(claims_ask(store, &state, false, "late", "late"), ==, CLAIM_FULL);
	g_assert_true(store_job_retry(store, job, 3600, false, "paused", &error));
	g_assert_cmpint(claims_ask(store, &state, false, "late", "late"), ==, CLAIM_FULL);
	buried = claims_take(store);
	g_assert_true(store_job_bury(store, buried, "550 no", &error));
	g_assert_cmpint(claims_ask(store, &state, false, "late", "late"), ==, CLAIM_WON);
	g_assert_cmpint(claims_ask(store, &state, false, "later", "later"), ==, CLAIM_FULL);
	/* The operator's hand may fill it over the limit. */
	g_assert_true(store_queue_retry(store, NULL, NULL, &error));
	g_assert_cmpint(claims_ask(store, &state, false, "later", "later"), ==, CLAIM_FULL);
	claims_check_counts(store, 3, 1, 0, 0, 0);
	incident_state_clear(&state);
}

int main(int argc, char **argv)
{
	int result;

	g_test_init(&argc, &argv, NULL);
	fixture_add_test("one-claim-per-customer-incident-and-kind", test_one_claim_per_customer_incident_and_kind);
	fixture_add_test("claim-on-what-is-over", test_claim_on_what_is_over);
	fixture_add_test("claim-while-paused-or-bounced", test_claim_while_paused_or_bounced);
	fixture_add_test("caps", test_caps);
	fixture_add_test("delay-and-again-after", test_delay_and_again_after);
	fixture_add_test("an-address-has-a-cap-over-all-incidents", test_an_address_has_a_cap_over_all_incidents);
	fixture_add_test("the-next-day-lifts-the-address-cap", test_the_next_day_lifts_the_address_cap);
	fixture_add_test("no-address-cap", test_no_address_cap);
	fixture_add_test("what-is-held-back-is-counted", test_what_is_held_back_is_counted);
	fixture_add_test("counters-that-cannot-be-kept-change-no-answer", test_counters_that_cannot_be_kept_change_no_answer);
	fixture_add_test("letters-put-off-by-the-site-cap-are-counted", test_letters_put_off_by_the_site_cap_are_counted);
	fixture_add_test("a-full-queue-refuses-and-keeps-what-waits", test_a_full_queue_refuses_and_keeps_what_waits);
	result = g_test_run();
	fixture_shut_down();
	claims_shut_down();
	return result;
}
