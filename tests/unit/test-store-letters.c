/* Letters that are no acknowledgement (notices, pages, the feed), run against SQLite and against a real Redis by one suite: what holds
 * them, and that their marks and those of acknowledgements never touch each other. */
#include <glib/gstdio.h>

#include "base/error.h"
#include "claim-fixture.h"
#include "store/spool.h"

#define NOTICE "update-20261122t080000z"
#define PAGE "page-0-0123abcd"

static Job *opened(const StoredJob *stored)
{
	g_autoptr(GError) error = NULL;
	Job *job = job_open(claims_secret(), stored, &error);

	g_assert_no_error(error);
	return job;
}

static JobStanding standing_of(Store *store, const StoredJob *stored, const char *hash)
{
	g_autoptr(Job) job = opened(stored);
	g_autoptr(GError) error = NULL;
	JobStanding standing;

	store_job_standing(store, job, hash, &standing, &error);
	g_assert_no_error(error);
	return standing;
}

/* Takes the job of that token, which has to be the next. */
static StoredJob *take_next(Store *store, const char *token)
{
	StoredJob *stored = claims_take(store);
	g_autofree char *found = NULL;

	g_assert_nonnull(stored);
	found = job_peek(stored, "token");
	g_assert_cmpstr(found, ==, token);
	return stored;
}

static void finish(Store *store, const StoredJob *stored, const char *hash)
{
	g_autoptr(GError) error = NULL;

	store_job_done(store, stored, hash, &error);
	g_assert_no_error(error);
}

static void test_each_letter_reaches_a_person_once(gconstpointer kind)
{
	g_autoptr(Outage) outage = outage_new(kind);
	g_autoptr(Store) other = fixture_open(outage->fixture, "b");
	Store *store = outage->store;
	const IncidentState *state = &outage->state;

	g_assert_cmpint(claims_ask(store, state, false, "hash1", "ack1"), ==, CLAIM_WON);
	g_assert_cmpint(claims_ask_letter(store, state, LETTER_NOTICE, NOTICE, "hash1", "notice1"), ==, CLAIM_WON);
	/* A spreader that begins again. */
	g_assert_cmpint(claims_ask_letter(other, state, LETTER_NOTICE, NOTICE, "hash1", "notice2"), ==, CLAIM_ALREADY);
	g_assert_cmpint(claims_ask_letter(store, state, LETTER_NOTICE, NOTICE, "hash1", "notice1"), ==, CLAIM_WON);
	g_assert_cmpint(claims_ask_letter(store, state, LETTER_NOTICE, NOTICE, "hash2", "notice3"), ==, CLAIM_WON);
	g_assert_cmpint(claims_ask_letter(store, state, LETTER_NOTICE, "update-20261122t090000z", "hash1", "notice4"), ==, CLAIM_WON);
	g_assert_cmpint(claims_ask_letter(store, state, LETTER_STAFF, PAGE, "hash1", "page1"), ==, CLAIM_WON);
	g_assert_cmpint(claims_ask_letter(other, state, LETTER_STAFF, PAGE, "hash1", "page2"), ==, CLAIM_ALREADY);
	claims_check_counts(store, 5, 0, 0, 0, 0);
}

/* Statistics of acknowledgements speak of customers who got one. */
static void test_each_class_is_counted_for_itself(gconstpointer kind)
{
	g_autoptr(Outage) outage = outage_new(kind);
	const char *id = outage->state.id;

	g_assert_cmpint(claims_ask_letter(outage->store, &outage->state, LETTER_NOTICE, NOTICE, "hash1", "t1"), ==, CLAIM_WON);
	g_assert_cmpint(claims_ask_letter(outage->store, &outage->state, LETTER_NOTICE, NOTICE, "hash2", "t2"), ==, CLAIM_WON);
	g_assert_cmpint(claims_ask_letter(outage->store, &outage->state, LETTER_NOTICE, NOTICE, "hash2", "t3"), ==, CLAIM_ALREADY);
	g_assert_cmpint(claims_ask_letter(outage->store, &outage->state, LETTER_STAFF, PAGE, "hash1", "t4"), ==, CLAIM_WON);
	g_assert_cmpuint(claims_counter(outage->store, id, "queued:notice"), ==, 2);
	g_assert_cmpuint(claims_counter(outage->store, id, "queued:staff"), ==, 1);
	g_assert_cmpuint(claims_counter(outage->store, id, "queued"), ==, 0);
	g_assert_cmpuint(claims_counter(outage->store, id, "affected"), ==, 0);
	g_assert_cmpuint(claims_counter(outage->store, id, "held:already-acked"), ==, 0);
	g_assert_cmpint(claims_ask(outage->store, &outage->state, false, "hash1", "t5"), ==, CLAIM_WON);
	g_assert_cmpuint(claims_counter(outage->store, id, "queued"), ==, 1);
	g_assert_cmpuint(claims_counter(outage->store, id, "affected"), ==, 1);
}

static void test_a_notice_is_bound_to_its_incident_and_not_to_the_word(gconstpointer kind)
{
	static const Word words[] = { WORD_P3, WORD_RESOLVED, WORD_NONE };
	g_autoptr(Outage) outage = outage_new(kind);
	IncidentState before = { .id = NULL }, now = { .id = NULL };

	incident_state_copy(&before, &outage->state);
	for (gsize i = 0; i < G_N_ELEMENTS(words); i++) {
		g_autofree char *token = g_strdup_printf("token%" G_GSIZE_FORMAT, i), *hash = g_strdup_printf("hash%" G_GSIZE_FORMAT, i);

		claims_set_word(outage->store, "default", words[i], &now);
		g_assert_cmpstr(now.id, ==, before.id);
		g_assert_cmpint(claims_ask_letter(outage->store, &now, LETTER_NOTICE, NOTICE, hash, token), ==, CLAIM_WON);
	}
	/* The end has another epoch than what was ordered before it. */
	g_assert_cmpuint(now.epoch, !=, before.epoch);
	g_assert_cmpint(claims_ask_letter(outage->store, &before, LETTER_NOTICE, NOTICE, "hash9", "token9"), ==, CLAIM_ENDED);
	g_assert_cmpint(claims_ask_letter(outage->store, &before, LETTER_STAFF, PAGE, "hash9", "token9"), ==, CLAIM_WON);
	g_free(now.id);
	now.id = g_strdup("20200101T000000Z-default");
	g_assert_cmpint(claims_ask_letter(outage->store, &now, LETTER_NOTICE, NOTICE, "hash8", "token8"), ==, CLAIM_ENDED);
	g_assert_cmpint(claims_ask_letter(outage->store, &now, LETTER_STAFF, PAGE, "hash8", "token8"), ==, CLAIM_WON);
	incident_state_clear(&before);
	incident_state_clear(&now);
}

static void test_pause_and_bounces_hold_notices_and_not_pages(gconstpointer kind)
{
	g_autoptr(Outage) outage = outage_new(kind);
	g_autoptr(GError) error = NULL;
	const IncidentState *state = &outage->state;

	g_assert_true(store_set_pause(outage->store, "wait", "tester", &error));
	g_assert_cmpint(claims_ask_letter(outage->store, state, LETTER_NOTICE, NOTICE, "hash1", "t1"), ==, CLAIM_PAUSED);
	g_assert_cmpint(claims_ask_letter(outage->store, state, LETTER_STAFF, PAGE, "hash1", "t2"), ==, CLAIM_WON);
	g_assert_true(store_set_pause(outage->store, NULL, "tester", &error));
	g_assert_cmpint(claims_ask_letter(outage->store, state, LETTER_NOTICE, NOTICE, "hash1", "t1"), ==, CLAIM_WON);
	fixture_add_bounce(outage->fixture, "hash2");
	g_assert_cmpint(claims_ask_letter(outage->store, state, LETTER_NOTICE, NOTICE, "hash2", "t3"), ==, CLAIM_BOUNCED);
	g_assert_cmpint(claims_ask_letter(outage->store, state, LETTER_STAFF, PAGE, "hash2", "t4"), ==, CLAIM_WON);
}

static void test_only_acknowledgements_obey_caps_delay_and_again_after(gconstpointer kind)
{
	g_autoptr(Fixture) fixture = fixture_new(kind);
	g_autoptr(Store) store = NULL;
	IncidentState state = { .id = NULL };

	fixture->config->ack_domain_cap = fixture->config->ack_address_cap = fixture->config->ack_site_cap = 1;
	fixture->config->ack_again_after = 60000;
	fixture->config->ack_delay = 3600000;
	store = fixture_open(fixture, "a");
	claims_set_word(store, "default", WORD_P1, &state);
	for (int i = 0; i < 5; i++) {
		g_autofree char *token = g_strdup_printf("t%d", i), *letter = g_strdup_printf("update-%d", i);
		g_autofree char *page = g_strdup_printf("page-%d-0123abcd", i), *other = g_strdup_printf("p%d", i);

		g_assert_cmpint(claims_ask_letter(store, &state, LETTER_NOTICE, letter, "hash1", token), ==, CLAIM_WON);
		g_assert_cmpint(claims_ask_letter(store, &state, LETTER_STAFF, page, "hash1", other), ==, CLAIM_WON);
	}
	claims_check_counts(store, 10, 0, 0, 0, 0);
	fixture_age_marks(fixture);
	g_assert_cmpint(claims_ask_letter(store, &state, LETTER_NOTICE, "update-0", "hash1", "t9"), ==, CLAIM_ALREADY);
	/* They have used up nothing either. */
	g_assert_cmpint(claims_ask(store, &state, false, "hash1", "ack"), ==, CLAIM_WON);
	claims_check_counts(store, 10, 1, 0, 0, 0);
	incident_state_clear(&state);
}

static void test_a_full_queue_holds_notices_and_not_pages(gconstpointer kind)
{
	g_autoptr(Fixture) fixture = fixture_new(kind);
	g_autoptr(Store) store = NULL;
	IncidentState state = { .id = NULL };

	fixture->config->ack_queue_limit = 1;
	store = fixture_open(fixture, "a");
	claims_set_word(store, "default", WORD_P1, &state);
	g_assert_cmpint(claims_ask_letter(store, &state, LETTER_NOTICE, NOTICE, "hash1", "t1"), ==, CLAIM_WON);
	g_assert_cmpint(claims_ask_letter(store, &state, LETTER_NOTICE, NOTICE, "hash2", "t2"), ==, CLAIM_FULL);
	g_assert_cmpint(claims_ask_letter(store, &state, LETTER_STAFF, PAGE, "hash2", "t3"), ==, CLAIM_WON);
	incident_state_clear(&state);
}

/* A notice and an acknowledgement of one person: what happens to the one is not said of the other. */
static void test_the_sent_mark_is_the_letters_own(gconstpointer kind)
{
	g_autoptr(Outage) outage = outage_new(kind);
	g_autoptr(StoredJob) ack = NULL, notice = NULL;
	Store *store = outage->store;

	g_assert_cmpint(claims_ask(store, &outage->state, false, "hash1", "same"), ==, CLAIM_WON);
	g_assert_cmpint(claims_ask_letter(store, &outage->state, LETTER_NOTICE, NOTICE, "hash1", "same"), ==, CLAIM_WON);
	ack = take_next(store, "same");
	notice = take_next(store, "same");
	g_assert_cmpint(standing_of(store, ack, "hash1"), ==, JOB_STANDS);
	g_assert_cmpint(standing_of(store, notice, "hash1"), ==, JOB_STANDS);
	finish(store, notice, "hash1");
	g_assert_cmpint(standing_of(store, notice, "hash1"), ==, JOB_SENT);
	g_assert_cmpint(standing_of(store, ack, "hash1"), ==, JOB_STANDS);
	g_assert_cmpuint(fixture_count_sent_marks(outage->fixture), ==, 1);
	finish(store, ack, "hash1");
	g_assert_cmpint(standing_of(store, ack, "hash1"), ==, JOB_SENT);
	g_assert_cmpuint(fixture_count_sent_marks(outage->fixture), ==, 2);
	/* Sent, and never again. */
	g_assert_cmpint(claims_ask_letter(store, &outage->state, LETTER_NOTICE, NOTICE, "hash1", "again"), ==, CLAIM_ALREADY);
}

static void test_a_withdrawn_notice_leaves_the_acknowledgements_mark(gconstpointer kind)
{
	g_autoptr(Outage) outage = outage_new(kind);
	g_autoptr(StoredJob) ack = NULL, notice = NULL;
	g_autoptr(GError) error = NULL;
	Store *store = outage->store;

	g_assert_cmpint(claims_ask(store, &outage->state, false, "hash1", "same"), ==, CLAIM_WON);
	g_assert_cmpint(claims_ask_letter(store, &outage->state, LETTER_NOTICE, NOTICE, "hash1", "same"), ==, CLAIM_WON);
	ack = take_next(store, "same");
	notice = take_next(store, "same");
	g_assert_true(store_job_withdraw(store, notice, "hash1", &error));
	g_assert_cmpint(standing_of(store, notice, "hash1"), ==, JOB_UNMARKED);
	g_assert_cmpint(standing_of(store, ack, "hash1"), ==, JOB_STANDS);
	/* It may be claimed again, and the acknowledgement may not. */
	g_assert_cmpint(claims_ask_letter(store, &outage->state, LETTER_NOTICE, NOTICE, "hash1", "other"), ==, CLAIM_WON);
	g_assert_cmpint(claims_ask(store, &outage->state, false, "hash1", "other"), ==, CLAIM_ALREADY);
	g_assert_true(store_job_withdraw(store, ack, "hash1", &error));
	g_assert_cmpint(standing_of(store, ack, "hash1"), ==, JOB_UNMARKED);
	g_assert_cmpint(claims_ask_letter(store, &outage->state, LETTER_NOTICE, NOTICE, "hash1", "third"), ==, CLAIM_ALREADY);
}

static void test_a_notice_is_put_back_and_buried_as_any_job(gconstpointer kind)
{
	g_autoptr(Outage) outage = outage_new(kind);
	g_autoptr(StoredJob) once = NULL, twice = NULL, last = NULL;
	g_autoptr(GError) error = NULL;
	Store *store = outage->store;
	guint moved;

	g_assert_cmpint(claims_ask_letter(store, &outage->state, LETTER_NOTICE, NOTICE, "hash1", "t1"), ==, CLAIM_WON);
	once = take_next(store, "t1");
	g_assert_true(store_job_retry(store, once, 0, true, "later", &error));
	twice = take_next(store, "t1");
	g_assert_cmpuint(twice->tries, ==, 1);
	g_assert_cmpint(standing_of(store, twice, "hash1"), ==, JOB_STANDS);
	g_assert_true(store_job_bury(store, twice, "no", &error));
	g_assert_cmpint(standing_of(store, twice, "hash1"), ==, JOB_STANDS);
	g_assert_true(store_queue_retry(store, NULL, &moved, &error));
	g_assert_cmpuint(moved, ==, 1);
	last = take_next(store, "t1");
	finish(store, last, "hash1");
	g_assert_cmpint(standing_of(store, last, "hash1"), ==, JOB_SENT);
}

/* What is only for acknowledgements says so, instead of marking something else. */
static void test_other_letters_are_refused_where_only_acknowledgements_can_be(gconstpointer kind)
{
	g_autoptr(Outage) outage = outage_new(kind);
	ClaimRequest torn = { .incident = (char *)"default", .id = outage->state.id, .class = LETTER_NOTICE };
	StoreClaim claim = { .request = &torn, .hash = "hash1", .token = "t1", .payload = "{}", .mac = "m", .domain = "example.com" };
	StoreAdoption letter = { .id = outage->state.id, .kind = NOTICE, .hash = "hash1", .token = "t1", .at = 1 };
	g_autoptr(StoredJob) notice = NULL;
	g_autoptr(GError) error = NULL;
	ClaimAnswer answer;
	bool yes;

	g_assert_false(store_adopt(outage->store, &letter, &yes, &error));
	g_assert_error(error, OUTAGE_ERROR, OUTAGE_ERROR_INVALID);
	g_clear_error(&error);
	g_assert_false(store_claim(outage->store, &claim, &answer, &error));
	g_assert_error(error, OUTAGE_ERROR, OUTAGE_ERROR_INVALID);
	g_clear_error(&error);
	torn.class = LETTER_ACK;
	torn.letter = (char *)NOTICE;
	g_assert_false(store_claim(outage->store, &claim, &answer, &error));
	g_assert_error(error, OUTAGE_ERROR, OUTAGE_ERROR_INVALID);
	g_clear_error(&error);
	g_assert_cmpint(claims_ask_letter(outage->store, &outage->state, LETTER_NOTICE, NOTICE, "hash1", "t1"), ==, CLAIM_WON);
	notice = take_next(outage->store, "t1");
	g_assert_false(store_job_promote(outage->store, notice, "hash1", &yes, &error));
	g_assert_error(error, OUTAGE_ERROR, OUTAGE_ERROR_INVALID);
}

static void test_the_spool_takes_no_other_letter(void)
{
	g_autoptr(Fixture) fixture = fixture_new("sqlite");
	g_autofree char *path = g_build_filename(fixture->dir, "spool.db", NULL);
	ClaimRequest request = { .incident = (char *)"default", .id = (char *)"20261122T080000Z-default", .class = LETTER_NOTICE,
		.letter = (char *)NOTICE };
	StoreClaim claim = { .request = &request, .hash = "hash1", .token = "t1", .payload = "{}", .mac = "m", .domain = "example.com" };
	const Job job = { .token = (char *)"t1", .request = &request };
	g_autoptr(GError) error = NULL;
	ClaimAnswer answer;
	bool sent, told;
	Spool *spool = spool_open(fixture->config, &error);

	g_assert_no_error(error);
	g_assert_false(spool_claim(spool, &claim, SPOOL_LOCAL, &answer, &error));
	g_assert_error(error, OUTAGE_ERROR, OUTAGE_ERROR_INVALID);
	g_clear_error(&error);
	g_assert_false(spool_mirror(spool, &claim, &error));
	g_assert_error(error, OUTAGE_ERROR, OUTAGE_ERROR_INVALID);
	g_clear_error(&error);
	g_assert_false(spool_note_answered(spool, &claim, &error));
	g_assert_error(error, OUTAGE_ERROR, OUTAGE_ERROR_INVALID);
	g_clear_error(&error);
	/* Sent it may be: the shared store keeps that. */
	g_assert_true(spool_note_sent(spool, &job, "hash1", &error));
	g_assert_true(spool_was_sent(spool, "t1", &sent, &told, &error));
	g_assert_false(sent);
	spool_free(spool);
	for (gsize i = 0; i < 3; i++) {
		static const char *const suffixes[] = { "", "-wal", "-shm" };
		g_autofree char *file = g_strconcat(path, suffixes[i], NULL);

		g_unlink(file);
	}
}

int main(int argc, char **argv)
{
	int result;

	g_test_init(&argc, &argv, NULL);
	fixture_add_test("each-letter-reaches-a-person-once", test_each_letter_reaches_a_person_once);
	fixture_add_test("each-class-is-counted-for-itself", test_each_class_is_counted_for_itself);
	fixture_add_test("a-notice-is-bound-to-its-incident-and-not-to-the-word", test_a_notice_is_bound_to_its_incident_and_not_to_the_word);
	fixture_add_test("pause-and-bounces-hold-notices-and-not-pages", test_pause_and_bounces_hold_notices_and_not_pages);
	fixture_add_test("only-acknowledgements-obey-caps-delay-and-again-after",
	    test_only_acknowledgements_obey_caps_delay_and_again_after);
	fixture_add_test("a-full-queue-holds-notices-and-not-pages", test_a_full_queue_holds_notices_and_not_pages);
	fixture_add_test("the-sent-mark-is-the-letters-own", test_the_sent_mark_is_the_letters_own);
	fixture_add_test("a-withdrawn-notice-leaves-the-acknowledgements-mark", test_a_withdrawn_notice_leaves_the_acknowledgements_mark);
	fixture_add_test("a-notice-is-put-back-and-buried-as-any-job", test_a_notice_is_put_back_and_buried_as_any_job);
	fixture_add_test("other-letters-are-refused-where-only-acknowledgements-can-be",
	    test_other_letters_are_refused_where_only_acknowledgements_can_be);
	g_test_add_func("/store-letters/the-spool-takes-no-other-letter", test_the_spool_takes_no_other_letter);
	result = g_test_run();
	fixture_shut_down();
	claims_shut_down();
	return result;
}
