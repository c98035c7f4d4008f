/* test-spool-store: the spool as the store of a replier's worker while the shared one is away. */
#include <string.h>

#include "base/clock.h"
#include "base/error.h"
#include "spool-fixture.h"
#include "store/keep.h"
#include "store/notes.h"

#define IDLE_MS 60000

typedef struct {
	Fixture *base;
	Spool *spool;  /* the milter's */
	Store *store;  /* the replier's */
	IncidentState state;
} Node;

static void node_set_up(Node *node, gconstpointer data)
{
	g_autoptr(GError) error = NULL;

	(void)data;
	node->base = spool_fixture_new("sqlite");
	node->spool = spool_fixture_open(node->base);
	node->store = spool_store_open(node->base->config, "node/replier", &error);
	g_assert_no_error(error);
	node->state = spool_fixture_state(WORD_P1);
}

static void node_tear_down(Node *node, gconstpointer data)
{
	(void)data;
	store_close(node->store);
	spool_free(node->spool);
	incident_state_clear(&node->state);
	spool_fixture_free(node->base);
}

static void expect(Node *node, const char *rows)
{
	g_autofree char *now = spool_rows(node->spool);

	g_assert_cmpstr(now, ==, rows);
}

static void record(Node *node, const char *hash, const char *token, SpoolState as)
{
	g_assert_cmpint(spool_ask(node->spool, &node->state, hash, token, as), ==, CLAIM_WON);
}

static StoredJob *take(Node *node, gint64 idle_ms)
{
	g_autoptr(GError) error = NULL;
	StoredJob *job = store_job_take(node->store, 0, idle_ms, &error);

	g_assert_no_error(error);
	return job;
}

static JobStanding standing_of(Node *node, const StoredJob *stored, const char *hash)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(Job) job = job_open(claims_secret(), stored, &error);
	JobStanding standing;

	g_assert_no_error(error);
	store_job_standing(node->store, job, hash, &standing, &error);
	g_assert_no_error(error);
	return standing;
}

/* What the milter keeps: an incident of this id and epoch. id NULL: none. */
static void keep(Node *node, const char *id, guint64 epoch, gint64 taken_at)
{
	g_autofree char *path = keep_path(node->base->config), *text = NULL;
	g_autoptr(Snapshot) snapshot = snapshot_new();
	Incident *incident = incident_new("default");
	g_autoptr(GError) error = NULL;

	incident->state.id = g_strdup(id);
	incident->state.epoch = epoch;
	incident->state.word = incident->state.flip = id != NULL ? WORD_P1 : WORD_NONE;
	g_ptr_array_add(snapshot->incidents, incident);
	text = keep_format(snapshot);
	keep_save(path, text, taken_at, &error);
	g_assert_no_error(error);
}

static void a_letter_goes_its_way(Node *node, gconstpointer data)
{
	g_autoptr(StoredJob) job = NULL;

	(void)data;
	record(node, "aa", "t1", SPOOL_LOCAL);
	record(node, "bb", "t2", SPOOL_HELD);
	record(node, "cc", "t3", SPOOL_ASKED);
	spool_took(node->spool, &node->state, "dd", "t4");
	job = take(node, IDLE_MS);
	g_assert_cmpstr(job->handle, ==, "local:t1");
	g_assert_null(take(node, IDLE_MS));
	g_assert_cmpint(standing_of(node, job, "aa"), ==, JOB_STANDS);
	g_assert_true(store_job_done(node->store, job, "aa", NULL));
	g_assert_cmpint(standing_of(node, job, "aa"), ==, JOB_SENT);
	expect(node, "held=1 asked=1 mirror=1 sent=1");
	/* It is told to the store, and nothing of what it said is left. */
	g_autofree char *left = spool_sql(node->base, "SELECT payload || mac || ifnull(life, 'untold') FROM acks WHERE token = 't1'");
	g_assert_cmpstr(left, ==, "untold");
}

static void a_job_of_a_dead_replier_is_taken_over(Node *node, gconstpointer data)
{
	g_autoptr(StoredJob) first = NULL, second = NULL;

	(void)data;
	record(node, "aa", "t1", SPOOL_LOCAL);
	first = take(node, IDLE_MS);
	clock_set_for_test(86400); /* the wall clock takes it from nobody */
	g_assert_null(take(node, IDLE_MS));
	second = take(node, 0);
	g_assert_cmpstr(second->handle, ==, first->handle);
}

static void a_job_that_settle_has_in_hand_does_not_leave_from_here(Node *node, gconstpointer data)
{
	g_autoptr(StoredJob) job = NULL;
	g_autoptr(SpoolRow) row = NULL;
	guint moved;

	(void)data;
	record(node, "aa", "t1", SPOOL_LOCAL);
	keep(node, node->state.id, 0, clock_now());
	job = take(node, IDLE_MS);
	g_assert_null(spool_next_unsettled(node->spool, IDLE_MS, NULL));
	row = spool_next_unsettled(node->spool, 0, NULL);
	g_assert_cmpint(standing_of(node, job, "aa"), ==, JOB_REPLACED);
	/* Whatever the replier makes of that: the row is settle's. */
	g_assert_true(store_job_withdraw(node->store, job, "aa", NULL));
	g_assert_true(store_job_bury(node->store, job, "no", NULL));
	g_assert_true(store_job_retry(node->store, job, 0, true, "no", NULL));
	expect(node, "asked=1");
	/* But for a letter that has left: it is told. */
	g_assert_true(store_job_done(node->store, job, "aa", NULL));
	expect(node, "sent=1");
	g_assert_true(spool_bury(node->spool, "local:t1", "no", &moved, NULL));
	g_assert_cmpuint(moved, ==, 0);
}

static void what_nobody_recorded_is_not_owed(Node *node, gconstpointer data)
{
	g_autoptr(StoredJob) stranger = claims_sign("default", &node->state, false, "t9");

	(void)data;
	stranger->handle = g_strdup("local:t9");
	g_assert_cmpint(standing_of(node, stranger, "aa"), ==, JOB_UNMARKED);
	spool_took(node->spool, &node->state, "aa", "t1");
	g_assert_cmpint(standing_of(node, stranger, "aa"), ==, JOB_REPLACED);
	g_assert_true(store_job_withdraw(node->store, stranger, "aa", NULL));
	expect(node, "mirror=1");
}

static void a_later_claim_replaces_the_first(Node *node, gconstpointer data)
{
	g_autoptr(StoredJob) job = NULL;

	(void)data;
	node->base->config->ack_again_after = 600000;
	record(node, "aa", "t1", SPOOL_LOCAL);
	clock_set_for_test(700);
	record(node, "aa", "t2", SPOOL_LOCAL);
	job = take(node, IDLE_MS);
	g_assert_cmpstr(job->handle, ==, "local:t1");
	g_assert_cmpint(standing_of(node, job, "aa"), ==, JOB_REPLACED);
}

static void a_failed_try_comes_again_after_its_time(Node *node, gconstpointer data)
{
	g_autoptr(StoredJob) job = NULL, again = NULL;

	(void)data;
	record(node, "aa", "t1", SPOOL_LOCAL);
	job = take(node, IDLE_MS);
	g_assert_true(store_job_retry(node->store, job, 3600, true, "451 later", NULL));
	g_assert_null(take(node, IDLE_MS));
	clock_set_for_test(-7200);
	g_assert_null(take(node, IDLE_MS));
	g_free(spool_sql(node->base, "UPDATE acks SET due_us = due_us - 3600000000"));
	again = take(node, IDLE_MS);
	g_assert_cmpuint(again->tries, ==, 1);
	g_assert_cmpstr(again->why, ==, "451 later");
	g_assert_true(store_job_bury(node->store, again, "given up", NULL));
	expect(node, "dead=1");
}

static void how_often_it_was_taken_without_an_end_is_counted(Node *node, gconstpointer data)
{
	guint moved;

	(void)data;
	record(node, "aa", "t1", SPOOL_LOCAL);
	for (guint i = 0; i < 3; i++) {
		g_autoptr(StoredJob) job = take(node, 0);

		g_assert_cmpuint(job->takes, ==, i);
		if (i == 2)
			g_assert_true(store_job_retry(node->store, job, 0, true, "no", NULL));
	}
	for (guint i = 0; i < 2; i++) {
		g_autoptr(StoredJob) job = take(node, 0);

		g_assert_cmpuint(job->takes, ==, i); /* the retry was an end */
		if (i == 1)
			g_assert_true(store_job_bury(node->store, job, "no", NULL));
	}
	g_assert_true(store_queue_retry(node->store, NULL, &moved, NULL));
	g_assert_cmpuint(moved, ==, 1);
	g_autoptr(StoredJob) again = take(node, 0);
	g_assert_cmpuint(again->takes, ==, 0);
}

static void a_job_waits_for_what_comes(Node *node, gconstpointer data)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(StoredJob) job = NULL;

	(void)data;
	record(node, "aa", "t1", SPOOL_LOCAL);
	g_free(spool_sql(node->base, "UPDATE acks SET due_us = due_us + 1500000"));
	job = store_job_take(node->store, 10000, IDLE_MS, &error);
	g_assert_no_error(error);
	g_assert_nonnull(job);
}

static void what_was_ended_is_withdrawn_and_what_is_news_is_not(Node *node, gconstpointer data)
{
	static const struct { const char *id; guint64 epoch; const char *rows; } cases[] = {
		{ "20261121T151000Z-default", 1, "" },        /* ended, as this file says */
		{ "20261122T000000Z-default", 0, "" },        /* and another has begun */
		{ "20261121T151000Z-default", 0, "" },        /* replaced, promoted in vain: the worker knows */
		{ "20261120T000000Z-default", 7, "local=1" }, /* the file is older than the incident */
		{ NULL, 0, "local=1" },
	};

	(void)data;
	for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
		g_autoptr(StoredJob) job = NULL;

		record(node, "aa", "t1", SPOOL_LOCAL);
		keep(node, cases[i].id, cases[i].epoch, clock_now());
		job = take(node, IDLE_MS);
		g_assert_true(store_job_withdraw(node->store, job, "aa", NULL));
		expect(node, cases[i].rows);
		g_assert_null(take(node, IDLE_MS));
		g_free(spool_sql(node->base, "DELETE FROM acks"));
	}
}

static void an_epoch_that_the_file_does_not_know_is_news(Node *node, gconstpointer data)
{
	g_autoptr(StoredJob) job = NULL;

	(void)data;
	node->state.epoch = 2;
	record(node, "aa", "t1", SPOOL_LOCAL);
	keep(node, node->state.id, 1, clock_now());
	job = take(node, IDLE_MS);
	g_assert_true(store_job_withdraw(node->store, job, "aa", NULL));
	expect(node, "local=1");
}

static void one_resolution_goes_to_a_customer(Node *node, gconstpointer data)
{
	g_autoptr(StoredJob) first = NULL, second = NULL;
	ClaimAnswer answer;
	bool won;

	(void)data;
	record(node, "aa", "t1", SPOOL_LOCAL);
	record(node, "bb", "t2", SPOOL_LOCAL);
	g_assert_true(spool_try(node->spool, &node->state, true, "bb", "t3", SPOOL_HELD, &answer, NULL));
	first = take(node, IDLE_MS);
	second = take(node, IDLE_MS);
	g_assert_true(store_job_promote(node->store, first, "aa", &won, NULL));
	g_assert_true(won);
	g_assert_true(store_job_promote(node->store, first, "aa", &won, NULL));
	g_assert_true(won);
	g_assert_true(store_job_promote(node->store, second, "bb", &won, NULL));
	g_assert_false(won);
	g_assert_true(spool_try(node->spool, &node->state, true, "aa", "t4", SPOOL_LOCAL, &answer, NULL));
	g_assert_cmpint(answer, ==, CLAIM_ALREADY);
	g_assert_true(store_job_done(node->store, first, "aa", NULL));
	g_autofree char *kind = spool_sql(node->base, "SELECT kind FROM acks WHERE token = 't1'");
	g_assert_cmpstr(kind, ==, "resolved");
}

static void who_takes_no_mail_is_left_alone(Node *node, gconstpointer data)
{
	(void)data;
	g_assert_true(store_block(node->store, "aa", 3600, "550 no such user", "node", NULL));
	g_assert_cmpint(spool_ask(node->spool, &node->state, "aa", "t1", SPOOL_LOCAL), ==, CLAIM_BOUNCED);
	g_assert_cmpint(spool_ask(node->spool, &node->state, "bb", "t2", SPOOL_LOCAL), ==, CLAIM_WON);
	clock_set_for_test(3700);
	g_assert_cmpint(spool_ask(node->spool, &node->state, "aa", "t1", SPOOL_LOCAL), ==, CLAIM_WON);
}

static void the_state_is_as_old_as_the_file_says(Node *node, gconstpointer data)
{
	static const struct { gint64 ago, least, most; } cases[] = { { 0, 0, 5 }, { 600, 600, 605 }, { -3600, 0, 5 } };
	g_autofree char *path = keep_path(node->base->config);
	g_autoptr(GError) error = NULL;

	(void)data;
	g_assert_null(store_snapshot(node->store, NULL, &error));
	g_assert_error(error, OUTAGE_ERROR, OUTAGE_ERROR_UNAVAILABLE);
	for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
		gint64 taken_at = clock_now() - cases[i].ago;
		g_autoptr(Snapshot) snapshot = NULL;

		keep(node, node->state.id, 0, taken_at);
		snapshot = store_snapshot(node->store, NULL, NULL);
		g_assert_cmpint(snapshot->taken_at, ==, taken_at);
		g_assert_cmpint(snapshot_age(snapshot, clock_mono_us()), >=, cases[i].least);
		g_assert_cmpint(snapshot_age(snapshot, clock_mono_us()), <=, cases[i].most);
		g_assert_cmpstr(snapshot_find(snapshot, "default")->state.id, ==, node->state.id);
	}
	g_assert_true(g_file_set_contents(path, "damaged", -1, NULL));
	g_clear_error(&error);
	g_assert_null(store_snapshot(node->store, NULL, &error));
	g_assert_error(error, OUTAGE_ERROR, OUTAGE_ERROR_UNAVAILABLE);
}

static void an_incident_that_cannot_be_read_in_the_file_is_no_ending(Node *node, gconstpointer data)
{
	g_autofree char *path = keep_path(node->base->config);
	g_autoptr(Snapshot) snapshot = NULL;

	(void)data;
	g_assert_true(g_file_set_contents(path, "2026-11-21T15:10:00Z\n{\"incidents\":[{\"name\":\"default\",\"word\":\"P9\"}]}\n", -1, NULL));
	snapshot = store_snapshot(node->store, NULL, NULL);
	g_assert_cmpuint(snapshot->problems->len, >, 0);
}

static void the_queue_can_be_counted_and_steered(Node *node, gconstpointer data)
{
	g_autoptr(GError) error = NULL;
	QueueCounts counts;
	guint moved;

	(void)data;
	record(node, "aa", "t1", SPOOL_LOCAL);
	record(node, "bb", "t2", SPOOL_HELD);
	record(node, "cc", "t3", SPOOL_ASKED);
	g_assert_true(store_queue_bury(node->store, "local:t3", "by hand", &moved, &error));
	g_assert_true(store_queue_counts(node->store, &counts, &error));
	g_assert_cmpuint(counts.pending, ==, 1);
	g_assert_cmpuint(counts.delayed, ==, 1);
	g_assert_cmpuint(counts.dead, ==, 1);
	g_assert_cmpint(counts.oldest, !=, 0);
	g_autoptr(GPtrArray) dead = store_queue_list(node->store, QUEUE_DEAD, 10, &error);
	g_assert_cmpuint(dead->len, ==, 1);
	g_assert_true(store_queue_retry(node->store, NULL, &moved, &error));
	g_assert_cmpuint(moved, ==, 1);
	g_assert_no_error(error);
}

#define EXPECT_AWAY(call) \
	G_STMT_START { \
		g_autoptr(GError) away = NULL; \
		GError **error = &away; \
		call; \
		g_assert_error(away, OUTAGE_ERROR, OUTAGE_ERROR_UNAVAILABLE); \
	} G_STMT_END

static void what_only_the_shared_store_can_do_is_said_to_be_away(Node *node, gconstpointer data)
{
	Store *store = node->store;
	ClaimRequest request = { .id = node->state.id };
	StoreClaim claim = { .request = &request, .hash = "aa", .token = "t" };
	StoreAdoption letter = { .id = node->state.id, .kind = "active" };
	g_autoptr(GPtrArray) keys = g_ptr_array_new();
	g_autofree char *cursor = NULL;
	ClaimAnswer answer;
	bool own;

	(void)data;
	EXPECT_AWAY(g_assert_cmpint(store_wait(store, -1, 0, error), ==, -1));
	EXPECT_AWAY(g_assert_false(store_set_word(store, "default", WORD_P1, NULL, "me", NULL, error)));
	EXPECT_AWAY(g_assert_false(store_set_texts(store, "default", NULL, "me", error)));
	EXPECT_AWAY(g_assert_false(store_add_update(store, "default", "text", "me", error)));
	EXPECT_AWAY(g_assert_false(store_set_pause(store, "why", "me", error)));
	EXPECT_AWAY(g_assert_null(store_events(store, 1, error)));
	EXPECT_AWAY(g_assert_false(store_claim(store, &claim, &answer, error)));
	EXPECT_AWAY(g_assert_false(store_adopt(store, &letter, &own, error)));
	EXPECT_AWAY(g_assert_false(store_unblock(store, "aa", "me", NULL, error)));
	EXPECT_AWAY({ char *why; g_assert_false(store_blocked(store, "aa", &why, NULL, error)); });
	EXPECT_AWAY(g_assert_null(store_accounts(store, NULL, error)));
	EXPECT_AWAY(g_assert_false(store_account_put(store, "example.com", "{\"account\":\"A\"}", "me", error)));
	EXPECT_AWAY(g_assert_false(store_account_remove(store, "example.com", "me", NULL, error)));
	EXPECT_AWAY(g_assert_null(store_describe(store, error)));
	EXPECT_AWAY(g_assert_null(store_nodes(store, error)));
	EXPECT_AWAY(g_assert_null(store_counters(store, "all", error)));
	EXPECT_AWAY(g_assert_false(store_notes_slice(store, NOTES_RECENT, NULL, &cursor, keys, error)));
	EXPECT_AWAY(g_assert_false(store_waiting_end(store, keys, NULL, error)));
	EXPECT_AWAY(g_assert_false(store_waiting_page(store, "aa", 0, 1, &own, error)));
	EXPECT_AWAY(g_assert_false(store_optout_add(store, node->state.id, "aa", error)));
	EXPECT_AWAY(g_assert_null(store_notices(store, node->state.id, error)));
	EXPECT_AWAY(g_assert_false(store_notice_lease(store, node->state.id, "aa", 1, &own, error)));
	/* There is only this one. */
	g_assert_true(store_confirm(store, NULL));
	/* What a worker says on its way has no reader here, and is no reason to stop. */
	g_assert_true(store_heartbeat(store, "{}", NULL));
	g_assert_true(store_count(store, "all", "sent", 1, NULL));
	g_assert_true(store_add_event(store, "what", "name", "by", "detail", NULL));
}

static void add(const char *name, void (*test)(Node *node, gconstpointer data))
{
	g_autofree char *path = g_strconcat("/spool-store/", name, NULL);

	g_test_add(path, Node, NULL, node_set_up, test, node_tear_down);
}

int main(int argc, char **argv)
{
	int status;

	g_test_init(&argc, &argv, NULL);
	add("a-letter-goes-its-way", a_letter_goes_its_way);
	add("a-job-of-a-dead-replier-is-taken-over", a_job_of_a_dead_replier_is_taken_over);
	add("a-job-that-settle-has-in-hand-does-not-leave-from-here", a_job_that_settle_has_in_hand_does_not_leave_from_here);
	add("what-nobody-recorded-is-not-owed", what_nobody_recorded_is_not_owed);
	add("a-later-claim-replaces-the-first", a_later_claim_replaces_the_first);
	add("a-failed-try-comes-again-after-its-time", a_failed_try_comes_again_after_its_time);
	add("how-often-it-was-taken-without-an-end-is-counted", how_often_it_was_taken_without_an_end_is_counted);
	add("a-job-waits-for-what-comes", a_job_waits_for_what_comes);
	add("what-was-ended-is-withdrawn-and-what-is-news-is-not", what_was_ended_is_withdrawn_and_what_is_news_is_not);
	add("an-epoch-that-the-file-does-not-know-is-news", an_epoch_that_the_file_does_not_know_is_news);
	add("one-resolution-goes-to-a-customer", one_resolution_goes_to_a_customer);
	add("who-takes-no-mail-is-left-alone", who_takes_no_mail_is_left_alone);
	add("the-state-is-as-old-as-the-file-says", the_state_is_as_old_as_the_file_says);
	add("an-incident-that-cannot-be-read-in-the-file-is-no-ending", an_incident_that_cannot_be_read_in_the_file_is_no_ending);
	add("the-queue-can-be-counted-and-steered", the_queue_can_be_counted_and_steered);
	add("what-only-the-shared-store-can-do-is-said-to-be-away", what_only_the_shared_store_can_do_is_said_to_be_away);
	status = g_test_run();
	claims_shut_down();
	return status;
}
