/* What a job's mark says of it, and addresses that are left alone, run against SQLite and against a real Redis by one suite: a signed
 * job that somebody puts into the queue again goes nowhere, and nothing is sent to an address whose mail came back. */
#include <string.h>

#include "base/clock.h"
#include "base/error.h"
#include "claim-fixture.h"

/* How the job in the queue stands, as a replier would ask. */
static JobStanding standing_of(Store *store, const StoredJob *stored, const char *hash)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(Job) job = job_open(claims_secret(), stored, &error);
	JobStanding standing;

	g_assert_no_error(error);
	g_assert_true(store_job_standing(store, job, hash, &standing, &error));
	g_assert_no_error(error);
	return standing;
}

static StoredJob *replay(const Fixture *fixture, Store *store, const StoredJob *job)
{
	StoredJob *again;

	fixture_put_job(fixture, job);
	again = claims_take(store);
	g_assert_nonnull(again);
	g_assert_cmpstr(again->payload, ==, job->payload);
	return again;
}

static void done(Store *store, const StoredJob *job, const char *hash)
{
	g_autoptr(GError) error = NULL;

	g_assert_true(store_job_done(store, job, hash, &error));
	g_assert_no_error(error);
}

static void test_a_sent_letter_is_not_sent_again(gconstpointer kind)
{
	g_autoptr(Outage) outage = outage_new(kind);
	Store *store = outage->store;
	g_autoptr(StoredJob) job = NULL, again = NULL, third = NULL;

	claims_ask(store, &outage->state, false, "hash1", "token1");
	job = claims_take(store);
	g_assert_cmpint(standing_of(store, job, "hash1"), ==, JOB_STANDS);
	g_assert_cmpuint(fixture_count_sent_marks(outage->fixture), ==, 0);
	done(store, job, "hash1");
	g_assert_cmpuint(fixture_count_sent_marks(outage->fixture), ==, 1);
	again = replay(outage->fixture, store, job);
	g_assert_cmpint(standing_of(store, again, "hash1"), ==, JOB_SENT);
	done(store, again, "hash1");
	third = replay(outage->fixture, store, job);
	g_assert_cmpint(standing_of(store, third, "hash1"), ==, JOB_SENT);
	/* The mark does its other work as before. */
	g_assert_cmpint(claims_ask(store, &outage->state, false, "hash1", "token1"), ==, CLAIM_WON);
	g_assert_cmpint(claims_ask(store, &outage->state, false, "hash1", "token2"), ==, CLAIM_ALREADY);
}

static void test_nobody_sends_what_was_never_claimed(gconstpointer kind)
{
	g_autoptr(Outage) outage = outage_new(kind);
	Store *store = outage->store;
	g_autoptr(StoredJob) made = NULL, job = NULL, withdrawn = NULL, again = NULL;
	g_autoptr(GError) error = NULL;

	made = claims_sign("default", &outage->state, false, "token0");
	job = replay(outage->fixture, store, made);
	g_assert_cmpint(standing_of(store, job, "hash1"), ==, JOB_UNMARKED);
	/* Ending it makes no mark. */
	done(store, job, "hash1");
	g_assert_cmpint(standing_of(store, job, "hash1"), ==, JOB_UNMARKED);
	g_assert_cmpint(claims_ask(store, &outage->state, false, "hash1", "token1"), ==, CLAIM_WON);
	g_assert_cmpint(standing_of(store, job, "hash1"), ==, JOB_REPLACED);
	/* Another customer's mark is none of his. */
	withdrawn = claims_take(store);
	g_assert_cmpint(standing_of(store, withdrawn, "hash2"), ==, JOB_UNMARKED);
	g_assert_true(store_job_withdraw(store, withdrawn, "hash1", &error));
	again = replay(outage->fixture, store, withdrawn);
	g_assert_cmpint(standing_of(store, again, "hash1"), ==, JOB_UNMARKED);
}

static void test_a_later_claim_replaces_the_job(gconstpointer kind)
{
	g_autoptr(Fixture) fixture = fixture_new(kind);
	g_autoptr(Store) store = NULL;
	g_autoptr(StoredJob) first = NULL, second = NULL, third = NULL;
	IncidentState state = { .id = NULL };

	fixture->config->ack_again_after = 1800000;
	store = fixture_open(fixture, "a");
	claims_set_word(store, "default", WORD_P1, &state);
	claims_ask(store, &state, false, "hash1", "token1");
	first = claims_take(store);
	fixture_age_marks(fixture);
	g_assert_cmpint(claims_ask(store, &state, false, "hash1", "token2"), ==, CLAIM_WON);
	second = claims_take(store);
	g_assert_cmpint(standing_of(store, first, "hash1"), ==, JOB_REPLACED);
	g_assert_cmpint(standing_of(store, second, "hash1"), ==, JOB_STANDS);
	/* It was on its way already: that says nothing of the other one. */
	done(store, first, "hash1");
	g_assert_cmpint(standing_of(store, second, "hash1"), ==, JOB_STANDS);
	done(store, second, "hash1");
	g_assert_cmpint(standing_of(store, second, "hash1"), ==, JOB_SENT);
	/* The time counts from the claim, sent or not. */
	g_assert_cmpint(claims_ask(store, &state, false, "hash1", "token3"), ==, CLAIM_ALREADY);
	fixture_age_marks(fixture);
	g_assert_cmpint(standing_of(store, second, "hash1"), ==, JOB_SENT);
	g_assert_cmpint(claims_ask(store, &state, false, "hash1", "token3"), ==, CLAIM_WON);
	third = claims_take(store);
	g_assert_cmpint(standing_of(store, third, "hash1"), ==, JOB_STANDS);
	g_assert_cmpint(standing_of(store, second, "hash1"), ==, JOB_REPLACED);
	incident_state_clear(&state);
}

static void test_a_promoted_job_stands_until_it_is_sent(gconstpointer kind)
{
	g_autoptr(Outage) outage = outage_new(kind);
	Store *store = outage->store;
	g_autoptr(StoredJob) job = NULL, beaten = NULL, winner = NULL, again = NULL;
	g_autoptr(GError) error = NULL;
	bool won;

	claims_ask(store, &outage->state, false, "hash1", "token1");
	claims_ask(store, &outage->state, false, "hash2", "token2");
	job = claims_take(store);
	beaten = claims_take(store);
	claims_set_word(store, "default", WORD_RESOLVED, &outage->state);
	g_assert_cmpint(standing_of(store, job, "hash1"), ==, JOB_STANDS);
	g_assert_true(store_job_promote(store, job, "hash1", &won, &error));
	g_assert_true(won);
	g_assert_cmpint(standing_of(store, job, "hash1"), ==, JOB_STANDS);
	done(store, job, "hash1");
	g_assert_cmpuint(fixture_count_sent_marks(outage->fixture), ==, 2);
	again = replay(outage->fixture, store, job);
	g_assert_cmpint(standing_of(store, again, "hash1"), ==, JOB_SENT);
	/* hash2 has the resolution by a later mail: the promotion is lost, its own mark stands until it is withdrawn. */
	g_assert_cmpint(claims_ask(store, &outage->state, true, "hash2", "token3"), ==, CLAIM_WON);
	winner = claims_take(store);
	done(store, winner, "hash2");
	g_assert_cmpint(standing_of(store, winner, "hash2"), ==, JOB_SENT);
	g_assert_cmpint(standing_of(store, beaten, "hash2"), ==, JOB_STANDS);
	g_assert_true(store_job_promote(store, beaten, "hash2", &won, &error));
	g_assert_false(won);
	g_assert_true(store_job_withdraw(store, beaten, "hash2", &error));
	g_assert_cmpint(standing_of(store, beaten, "hash2"), ==, JOB_REPLACED);
	g_assert_cmpint(standing_of(store, winner, "hash2"), ==, JOB_SENT);
}

static void test_withdrawing_a_replay_frees_nobody(gconstpointer kind)
{
	g_autoptr(Outage) outage = outage_new(kind);
	Store *store = outage->store;
	g_autoptr(StoredJob) job = NULL, again = NULL, third = NULL;
	g_autoptr(GError) error = NULL;

	claims_ask(store, &outage->state, false, "hash1", "token1");
	job = claims_take(store);
	done(store, job, "hash1");
	again = replay(outage->fixture, store, job);
	g_assert_true(store_job_withdraw(store, again, "hash1", &error));
	g_assert_cmpint(claims_ask(store, &outage->state, false, "hash1", "token2"), ==, CLAIM_ALREADY);
	third = replay(outage->fixture, store, job);
	g_assert_cmpint(standing_of(store, third, "hash1"), ==, JOB_SENT);
}

/* The operator buries everything while one letter is just leaving. */
static void test_a_job_buried_while_it_was_sent(gconstpointer kind)
{
	g_autoptr(Outage) outage = outage_new(kind);
	Store *store = outage->store;
	g_autoptr(StoredJob) job = NULL, again = NULL;
	g_autoptr(GError) error = NULL;

	claims_ask(store, &outage->state, false, "hash1", "token1");
	job = claims_take(store);
	g_assert_true(store_queue_bury(store, NULL, "operator", NULL, &error));
	done(store, job, "hash1");
	g_assert_cmpint(standing_of(store, job, "hash1"), ==, JOB_SENT);
	g_assert_true(store_queue_retry(store, NULL, NULL, &error));
	again = claims_take(store);
	if (again != NULL)
		g_assert_cmpint(standing_of(store, again, "hash1"), ==, JOB_SENT);
}

/* What is no job of ours has to leave the queue all the same. */
static void test_strange_jobs_leave_the_queue(gconstpointer kind)
{
	static const char *const payloads[] = { "", "{}", "17", "[[]]", "{\"id\":5,\"token\":[]}", "{\"id\":\"x:*\",\"token\":\"a b\"}" };
	g_autoptr(Fixture) fixture = fixture_new(kind);
	g_autoptr(Store) store = fixture_open(fixture, "a");
	g_autoptr(GError) error = NULL;
	bool won;

	for (gsize i = 0; i < G_N_ELEMENTS(payloads); i++) {
		StoredJob strange = { .payload = (char *)payloads[i], .mac = (char *)"x" };
		g_autoptr(StoredJob) first = replay(fixture, store, &strange), second = NULL;

		g_assert_false(store_job_promote(store, first, "hash1", &won, &error));
		g_assert_error(error, OUTAGE_ERROR, OUTAGE_ERROR_INVALID);
		g_clear_error(&error);
		done(store, first, "hash1");
		second = replay(fixture, store, &strange);
		g_assert_true(store_job_withdraw(store, second, "hash1", &error));
		claims_check_counts(store, 0, 0, 0, i + 1, i + 1);
	}
}

static const StoreEvent *newest(GPtrArray **events, Store *store)
{
	g_autoptr(GError) error = NULL;

	g_clear_pointer(events, g_ptr_array_unref);
	*events = store_events(store, 1, &error);
	g_assert_no_error(error);
	g_assert_cmpuint((*events)->len, ==, 1);
	return g_ptr_array_index(*events, 0);
}

static void check_blocked(Store *store, const char *hash, const char *expected, gint64 from, gint64 to)
{
	g_autoptr(GError) error = NULL;
	g_autofree char *why = NULL;
	gint64 until = -1;

	g_assert_true(store_blocked(store, hash, &why, &until, &error));
	g_assert_no_error(error);
	g_assert_cmpstr(why, ==, expected);
	g_assert_cmpint(until, >=, from);
	g_assert_cmpint(until, <=, to);
	g_clear_pointer(&why, g_free);
	g_assert_true(store_blocked(store, hash, &why, NULL, &error));
	g_assert_cmpstr(why, ==, expected);
}

static void test_a_blocked_address_gets_nothing(gconstpointer kind)
{
	g_autoptr(Outage) outage = outage_new(kind);
	Store *store = outage->store;
	g_autoptr(GPtrArray) events = NULL;
	g_autoptr(GError) error = NULL;
	gint64 began = clock_now();
	bool found;

	check_blocked(store, "hash1", NULL, 0, 0);
	g_assert_true(store_block(store, "hash1", 3600, "550 5.1.1 no such user", "outage-milter", &error));
	check_blocked(store, "hash1", "550 5.1.1 no such user", began + 3600, clock_now() + 3601);
	g_assert_cmpstr(newest(&events, store)->what, ==, "bounced");
	g_assert_cmpstr(newest(&events, store)->name, ==, "hash1");
	g_assert_cmpstr(newest(&events, store)->by, ==, "outage-milter");
	g_assert_cmpstr(newest(&events, store)->detail, ==, "550 5.1.1 no such user");
	g_assert_cmpint(claims_ask(store, &outage->state, false, "hash1", "token1"), ==, CLAIM_BOUNCED);
	g_assert_cmpint(claims_ask(store, &outage->state, false, "hash2", "token2"), ==, CLAIM_WON);
	/* The next one counts too, and holds for longer. */
	g_assert_true(store_block(store, "hash1", 86400, NULL, "outage-milter", &error));
	check_blocked(store, "hash1", "", began + 86400, clock_now() + 86401);
	g_assert_cmpuint(claims_counter(store, "all", "bounced"), ==, 2);
	g_assert_true(store_unblock(store, "hash1", "jane", &found, &error));
	g_assert_true(found);
	g_assert_cmpstr(newest(&events, store)->what, ==, "unblocked");
	g_assert_cmpstr(newest(&events, store)->name, ==, "hash1");
	g_assert_cmpstr(newest(&events, store)->by, ==, "jane");
	check_blocked(store, "hash1", NULL, 0, 0);
	g_assert_cmpint(claims_ask(store, &outage->state, false, "hash1", "token1"), ==, CLAIM_WON);
	g_assert_true(store_unblock(store, "hash1", "jim", &found, &error));
	g_assert_false(found);
	g_assert_cmpstr(newest(&events, store)->by, ==, "jane");
	g_assert_true(store_unblock(store, "hash1", "jim", NULL, &error));
}

static void test_a_block_by_hand_is_seen_and_undone(gconstpointer kind)
{
	g_autoptr(Fixture) fixture = fixture_new(kind);
	g_autoptr(Store) store = fixture_open(fixture, "a");
	g_autoptr(GError) error = NULL;
	g_autofree char *why = NULL;
	bool found;

	fixture_add_bounce(fixture, "hash1");
	g_assert_true(store_blocked(store, "hash1", &why, NULL, &error));
	g_assert_nonnull(why);
	g_assert_true(store_unblock(store, "hash1", "jane", &found, &error));
	g_assert_true(found);
	check_blocked(store, "hash1", NULL, 0, 0);
}

static void test_what_cannot_be_blocked(gconstpointer kind)
{
	static const char *const hashes[] = { "", "*", "a:b", "a b", "h\xc3\xa4sh",
		"0123456789012345678901234567890123456789012345678901234567890123456789" };
	g_autoptr(Fixture) fixture = fixture_new(kind);
	g_autoptr(Store) store = fixture_open(fixture, "a");
	g_autoptr(GError) error = NULL;
	char *why;

	for (gsize i = 0; i < G_N_ELEMENTS(hashes); i++) {
		g_assert_false(store_block(store, hashes[i], 60, "x", "me", &error));
		g_assert_error(error, OUTAGE_ERROR, OUTAGE_ERROR_INVALID);
		g_clear_error(&error);
		g_assert_false(store_unblock(store, hashes[i], "me", NULL, &error));
		g_assert_error(error, OUTAGE_ERROR, OUTAGE_ERROR_INVALID);
		g_clear_error(&error);
		g_assert_false(store_blocked(store, hashes[i], &why, NULL, &error));
		g_assert_error(error, OUTAGE_ERROR, OUTAGE_ERROR_INVALID);
		g_clear_error(&error);
	}
	g_assert_false(store_block(store, "hash1", 0, "x", "me", &error));
	g_assert_error(error, OUTAGE_ERROR, OUTAGE_ERROR_INVALID);
	g_clear_error(&error);
	/* For ever is a hundred years. */
	g_assert_true(store_block(store, "hash1", G_MAXINT64, "x", "me", &error));
	check_blocked(store, "hash1", "x", clock_now() + (gint64)99 * 365 * 86400, clock_now() + (gint64)101 * 366 * 86400);
}

int main(int argc, char **argv)
{
	int result;

	g_test_init(&argc, &argv, NULL);
	fixture_add_test("a-sent-letter-is-not-sent-again", test_a_sent_letter_is_not_sent_again);
	fixture_add_test("nobody-sends-what-was-never-claimed", test_nobody_sends_what_was_never_claimed);
	fixture_add_test("a-later-claim-replaces-the-job", test_a_later_claim_replaces_the_job);
	fixture_add_test("a-promoted-job-stands-until-it-is-sent", test_a_promoted_job_stands_until_it_is_sent);
	fixture_add_test("withdrawing-a-replay-frees-nobody", test_withdrawing_a_replay_frees_nobody);
	fixture_add_test("a-job-buried-while-it-was-sent", test_a_job_buried_while_it_was_sent);
	fixture_add_test("strange-jobs-leave-the-queue", test_strange_jobs_leave_the_queue);
	fixture_add_test("a-blocked-address-gets-nothing", test_a_blocked_address_gets_nothing);
	fixture_add_test("a-block-by-hand-is-seen-and-undone", test_a_block_by_hand_is_seen_and_undone);
	fixture_add_test("what-cannot-be-blocked", test_what_cannot_be_blocked);
	result = g_test_run();
	fixture_shut_down();
	claims_shut_down();
	return result;
}
