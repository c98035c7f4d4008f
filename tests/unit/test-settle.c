/* test-settle: what a node recorded by itself comes to the store, once. */
#include "base/clock.h"
#include "settle-fixture.h"

/* --- adopting --- */

static bool adopt(Node *node, const char *hash, const char *token, gint64 at)
{
	StoreAdoption letter = { .id = node->state.id, .kind = "active", .hash = hash, .token = token, .at = at };
	g_autoptr(GError) error = NULL;
	bool own;

	store_adopt(node->store, &letter, &own, &error);
	g_assert_no_error(error);
	return own;
}

static void an_adopted_letter_is_counted_once_and_keeps_others_from_answering(gconstpointer kind)
{
	g_autoptr(Node) node = node_new(kind);

	for (int i = 0; i < 3; i++)
		g_assert_true(adopt(node, "aa", "t1", clock_now()));
	g_assert_cmpint(standing_of(node, "aa", "t1"), ==, JOB_SENT);
	g_assert_cmpint(claims_ask(node->store, &node->state, false, "aa", "t2"), ==, CLAIM_ALREADY);
	g_assert_false(adopt(node, "aa", "t3", clock_now()));
	g_assert_cmpuint(claims_counter(node->store, node->state.id, "queued"), ==, 1);
	g_assert_cmpuint(claims_counter(node->store, node->state.id, "sent"), ==, 1);
	g_assert_cmpuint(claims_counter(node->store, node->state.id, "affected"), ==, 1);
	g_assert_cmpuint(claims_counter(node->store, "all", "sent"), ==, 1);
}

static void an_adopted_letter_of_a_claim_counts_nothing_twice(gconstpointer kind)
{
	g_autoptr(Node) node = node_new(kind);

	g_assert_cmpint(claims_ask(node->store, &node->state, false, "aa", "t1"), ==, CLAIM_WON);
	g_assert_cmpint(standing_of(node, "aa", "t1"), ==, JOB_STANDS);
	g_assert_true(adopt(node, "aa", "t1", clock_now()));
	g_assert_cmpint(standing_of(node, "aa", "t1"), ==, JOB_SENT);
	g_assert_cmpuint(claims_counter(node->store, node->state.id, "queued"), ==, 1);
	g_assert_cmpuint(claims_counter(node->store, node->state.id, "affected"), ==, 1);
	g_assert_cmpuint(claims_counter(node->store, node->state.id, "sent"), ==, 0);
}

static void an_adopted_mark_lives_as_long_as_a_claimed_one(gconstpointer kind)
{
	g_autoptr(Node) node = node_new(kind);

	g_assert_true(adopt(node, "aa", "t1", clock_now() + 99999)); /* by a clock that is ahead */
	if (node->base->redis) {
		g_autofree char *key = g_strdup_printf("outage:acked:%s:active:aa", node->state.id);
		g_autofree char *life = fixture_redis("TTL", key, NULL), *mark = fixture_redis("GET", key, NULL);
		g_auto(GStrv) parts = g_strsplit(mark, " ", 3);

		g_assert_cmpint(g_ascii_strtoll(life, NULL, 10), >, 38 * 86400);
		g_assert_cmpstr(parts[2], ==, "sent");
		g_assert_cmpint(g_ascii_strtoll(parts[1], NULL, 10), <=, clock_now());
	}
	g_assert_cmpint(standing_of(node, "aa", "t1"), ==, JOB_SENT);
}

/* --- back again --- */

static void what_was_not_sent_claims_and_is_queued(gconstpointer kind)
{
	g_autoptr(Node) node = node_new(kind);
	SettleCounts counts;

	record(node, "aa", "t1", SPOOL_LOCAL);
	record(node, "bb", "t2", SPOOL_HELD);
	record(node, "cc", "t3", SPOOL_ASKED);
	g_assert_cmpint(claims_ask(node->store, &node->state, false, "dd", "t4"), ==, CLAIM_WON);
	record(node, "dd", "t4", SPOOL_ASKED); /* it was taken, and the answer got lost */
	start(node);
	await(node, "mirror=4");
	claims_check_counts(node->store, 4, 0, 0, 0, 0);
	g_assert_cmpint(standing_of(node, "aa", "t1"), ==, JOB_STANDS);
	g_assert_cmpuint(claims_counter(node->store, node->state.id, "queued"), ==, 4);
	counts = stop(node);
	g_assert_cmpuint(counts.claimed, ==, 4);
	g_assert_cmpuint(counts.lost + counts.ended + counts.adopted + counts.twice, ==, 0);
}

static void what_comes_later_is_brought_too(gconstpointer kind)
{
	g_autoptr(Node) node = node_new(kind);

	start(node);
	record(node, "aa", "t1", SPOOL_LOCAL);
	settle_wake(node->settle);
	await(node, "mirror=1");
	record(node, "bb", "t2", SPOOL_HELD); /* by nobody who would wake it */
	await_rows(node, "mirror=2", false);
}

static void who_was_answered_elsewhere_is_not_answered_here(gconstpointer kind)
{
	g_autoptr(Node) node = node_new(kind);

	record(node, "aa", "t1", SPOOL_LOCAL);
	g_assert_cmpint(claims_ask(node->store, &node->state, false, "aa", "t9"), ==, CLAIM_WON);
	start(node);
	await(node, "mirror=1");
	claims_check_counts(node->store, 1, 0, 0, 0, 0);
	g_assert_cmpuint(stop(node).lost, ==, 1);
	/* Nor the next time that the store is away. */
	g_assert_cmpint(spool_ask(node->spool, &node->state, "aa", "t2", SPOOL_LOCAL), ==, CLAIM_ALREADY);
}

static void a_letter_that_left_is_told(gconstpointer kind)
{
	g_autoptr(Node) node = node_new(kind);

	note_sent(node, "aa", "t1");
	start(node);
	await_sql(node, "SELECT count(*) FROM acks WHERE state = 'sent' AND life IS NOT NULL", "1");
	g_assert_cmpint(standing_of(node, "aa", "t1"), ==, JOB_SENT);
	g_assert_cmpint(claims_ask(node->store, &node->state, false, "aa", "t9"), ==, CLAIM_ALREADY);
	claims_check_counts(node->store, 0, 0, 0, 1, 0);
	g_assert_cmpuint(stop(node).adopted, ==, 1);
}

static void a_customer_with_two_letters_is_counted_once(gconstpointer kind)
{
	g_autoptr(Node) node = node_new(kind);

	note_sent(node, "aa", "t1");
	g_assert_cmpint(claims_ask(node->store, &node->state, false, "aa", "t9"), ==, CLAIM_WON);
	start(node);
	await(node, "mirror=1");
	g_assert_cmpuint(stop(node).twice, ==, 1);
	g_assert_cmpuint(claims_counter(node->store, node->state.id, "twice"), ==, 1);
	show_life(node, "another");
	start(node);
	await_sql(node, "SELECT value FROM meta WHERE name = 'life'", life_of(node, "another"));
	g_assert_cmpuint(stop(node).twice, ==, 0);
	g_assert_cmpuint(claims_counter(node->store, node->state.id, "twice"), ==, 1);
}

static void a_store_that_is_not_heard_is_not_asked(gconstpointer kind)
{
	g_autoptr(Node) node = node_new(kind);

	show_that(&shown.silent, true);
	record(node, "aa", "t1", SPOOL_LOCAL);
	start(node);
	await_rounds(node);
	expect(node, "local=1");
	show_that(&shown.silent, false);
	settle_wake(node->settle);
	await(node, "mirror=1");
}

static void while_all_is_paused_claims_wait_and_letters_are_told(gconstpointer kind)
{
	g_autoptr(Node) node = node_new(kind);

	record(node, "aa", "t1", SPOOL_LOCAL);
	note_sent(node, "bb", "t2");
	g_assert_true(store_set_pause(node->store, "wording", "me", NULL));
	start(node); /* which has not heard of the pause */
	await_sql(node, "SELECT count(*) FROM acks WHERE state = 'sent' AND life IS NOT NULL", "1");
	await_sql(node, "SELECT count(*) FROM acks WHERE state = 'local' AND ask_us > set_us", "1");
	g_assert_cmpuint(claims_counter(node->store, node->state.id, "held:paused"), ==, 1);
	stop(node);
	show(&shown.pause, "wording");
	g_free(spool_sql(node->base, "UPDATE acks SET ask_us = 0"));
	start(node);
	await_rounds(node);
	expect(node, "local=1 sent=1");
	show(&shown.pause, NULL);
	g_assert_true(store_set_pause(node->store, NULL, "me", NULL));
	settle_wake(node->settle);
	await(node, "mirror=1 sent=1");
}

static void what_is_over_is_dropped_where_both_say_so(gconstpointer kind)
{
	g_autoptr(Node) node = node_new(kind);

	record(node, "aa", "t1", SPOOL_LOCAL);
	claims_set_word(node->store, "default", WORD_NONE, NULL);
	start(node);
	/* The node knows it as on: the store may have lost it. */
	await_sql(node, "SELECT count(*) FROM acks WHERE state = 'local' AND ask_us > set_us", "1");
	show_that(&shown.nothing_on, true);
	g_free(spool_sql(node->base, "UPDATE acks SET ask_us = 0"));
	await(node, "");
	g_assert_cmpuint(stop(node).ended, ==, 1);
	claims_check_counts(node->store, 0, 0, 0, 0, 0);
}

static void after_the_fix_it_is_the_resolution_that_is_claimed(gconstpointer kind)
{
	g_autoptr(Node) node = node_new(kind);
	g_autoptr(StoredJob) job = NULL;
	bool won;

	record(node, "aa", "t1", SPOOL_LOCAL);
	claims_set_word(node->store, "default", WORD_RESOLVED, &node->state);
	incident_state_copy(&shown.state, &node->state);
	start(node);
	await(node, "mirror=1");
	g_assert_cmpint(claims_ask(node->store, &node->state, true, "aa", "t9"), ==, CLAIM_ALREADY);
	/* The replier makes the resolution of it. */
	job = claims_take(node->store);
	g_assert_cmpint(standing_of(node, "aa", "t1"), ==, JOB_STANDS);
	g_assert_true(store_job_promote(node->store, job, "aa", &won, NULL));
	g_assert_true(won);
}

static void an_address_that_bounced_meanwhile_is_blocked(gconstpointer kind)
{
	g_autoptr(Node) node = node_new(kind);
	Store *local = spool_store_open(node->base->config, "node/replier", NULL);
	g_autofree char *why = NULL;
	gint64 until;

	g_assert_true(store_block(local, "aa", 3600, "550 no such user", "node", NULL));
	store_close(local);
	start(node);
	await_sql(node, "SELECT told FROM blocked", "1");
	g_assert_true(store_blocked(node->store, "aa", &why, &until, NULL));
	g_assert_cmpstr(why, ==, "550 no such user");
	g_assert_cmpint(until - clock_now(), <=, 3600);
	g_assert_cmpint(spool_ask(node->spool, &node->state, "aa", "t1", SPOOL_LOCAL), ==, CLAIM_BOUNCED);
}

static void a_row_that_cannot_be_read_keeps_nobody_waiting(gconstpointer kind)
{
	g_autoptr(Node) node = node_new(kind);

	record(node, "aa", "t1", SPOOL_LOCAL);
	record(node, "bb", "t2", SPOOL_LOCAL);
	g_free(spool_sql(node->base, "UPDATE acks SET payload = '{' WHERE token = 't1'"));
	start(node);
	await(node, "mirror=1 dead=1");
}

static void it_stops_soon_and_gives_back_what_it_had(gconstpointer kind)
{
	g_autoptr(Node) node = node_new(kind);
	gint64 begin;

	for (int i = 0; i < 300; i++) {
		g_autofree char *name = g_strdup_printf("t%d", i);

		record(node, name, name, SPOOL_LOCAL);
	}
	start(node);
	await_sql(node, "SELECT count(*) > 0 FROM acks WHERE state = 'mirror'", "1");
	begin = clock_mono_us();
	g_clear_pointer(&node->settle, settle_stop);
	g_assert_cmpint(clock_mono_us() - begin, <, 5 * G_USEC_PER_SEC);
	g_autofree char *taken = spool_sql(node->base, "SELECT count(*) FROM acks WHERE state = 'asked' OR taken_us IS NOT NULL");
	g_assert_cmpstr(taken, ==, "0");
	start(node);
	await(node, "mirror=300");
	claims_check_counts(node->store, 300, 0, 0, 0, 0);
}

static void what_a_milter_that_died_had_in_hand_is_asked_for_at_once(gconstpointer kind)
{
	g_autoptr(Node) node = node_new(kind);
	g_autoptr(SpoolRow) row = NULL;

	record(node, "aa", "t1", SPOOL_LOCAL);
	row = spool_next_unsettled(node->spool, 3600000, NULL);
	g_assert_nonnull(row);
	start(node);
	await(node, "mirror=1");
}

static void who_was_answered_before_the_fix_gets_his_resolution(gconstpointer kind)
{
	g_autoptr(Node) node = node_new(kind);
	ClaimAnswer answer;

	g_assert_cmpint(claims_ask(node->store, &node->state, false, "aa", "t9"), ==, CLAIM_WON);
	resolve(node);
	g_assert_true(spool_try(node->spool, &node->state, true, "aa", "t1", SPOOL_LOCAL, &answer, NULL));
	start(node);
	await_sql(node, "SELECT count(*) FROM acks WHERE state = 'mirror' AND token = 't1'", "1");
	g_assert_cmpuint(stop(node).claimed, ==, 1);
	g_assert_cmpint(standing_of(node, "aa", "t1"), ==, JOB_STANDS);
}

static void a_store_that_the_watch_has_lost_is_not_asked(gconstpointer kind)
{
	g_autoptr(Node) node = node_new(kind);

	show_that(&shown.away, true);
	record(node, "aa", "t1", SPOOL_LOCAL);
	start(node);
	await_rounds(node);
	expect(node, "local=1");
	show_that(&shown.away, false);
	await(node, "mirror=1");
}

/* --- Redis alone --- */

static void a_claim_whose_answer_is_lost_is_asked_again_and_queued_once(gconstpointer kind)
{
	g_autoptr(Node) node = node_new(kind);

	node->base->config->store_timeout = 200;
	start(node);
	await_rounds(node); /* it knows whom it is to forget, and has no other question than the claim */
	/* Commands that write wait; the claim is written to the socket and not answered in time. */
	g_free(fixture_redis("CLIENT", "PAUSE", "1500", "WRITE", NULL));
	record(node, "aa", "t1", SPOOL_LOCAL);
	await_sql(node, "SELECT count(*) FROM acks WHERE state = 'asked' AND was = '' AND taken_us IS NULL", "1");
	await(node, "mirror=1");
	claims_check_counts(node->store, 1, 0, 0, 0, 0);
	g_assert_cmpuint(claims_counter(node->store, node->state.id, "queued"), ==, 1);
}

static void a_mark_of_a_wrong_type_keeps_nobody_waiting(gconstpointer kind)
{
	g_autoptr(Node) node = node_new(kind);
	g_autofree char *key = g_strdup_printf("outage:acked:%s:active:aa", node->state.id);

	g_free(fixture_redis("RPUSH", key, "x", NULL));
	record(node, "aa", "t1", SPOOL_LOCAL);
	record(node, "bb", "t2", SPOOL_LOCAL);
	start(node);
	await(node, "local=1 mirror=1");
}

/* However much the store has had to tell of since. */
static void whom_the_store_was_told_to_forget_is_forgotten_here_too(gconstpointer kind)
{
	g_autoptr(Node) node = node_new(kind);

	show(&shown.pause, "for now");
	record(node, "aa", "t1", SPOOL_LOCAL);
	record(node, "bb", "t2", SPOOL_LOCAL);
	g_assert_true(store_add_event(node->store, "forgot", "aa", "anna", NULL, NULL));
	fixture_run(node->base, "for i = 1, 12000 do redis.call('XADD', 'outage:events', 'MAXLEN', '~', 10000, '*', 'what', 'bounced') end",
	    "WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c WHERE n < 3000)"
	    " INSERT INTO events(at, what) SELECT strftime('%s', 'now'), 'bounced' FROM c");
	start(node);
	await(node, "local=1");
	await_sql(node, "SELECT hash FROM acks", "bb");
}

int main(int argc, char **argv)
{
	int status;

	g_test_init(&argc, &argv, NULL);
	fixture_add_test("an-adopted-letter-is-counted-once-and-keeps-others-from-answering",
	    an_adopted_letter_is_counted_once_and_keeps_others_from_answering);
	fixture_add_test("an-adopted-letter-of-a-claim-counts-nothing-twice", an_adopted_letter_of_a_claim_counts_nothing_twice);
	fixture_add_test("an-adopted-mark-lives-as-long-as-a-claimed-one", an_adopted_mark_lives_as_long_as_a_claimed_one);
	fixture_add_test("what-was-not-sent-claims-and-is-queued", what_was_not_sent_claims_and_is_queued);
	fixture_add_test("what-comes-later-is-brought-too", what_comes_later_is_brought_too);
	fixture_add_test("who-was-answered-elsewhere-is-not-answered-here", who_was_answered_elsewhere_is_not_answered_here);
	fixture_add_test("a-letter-that-left-is-told", a_letter_that_left_is_told);
	fixture_add_test("a-customer-with-two-letters-is-counted-once", a_customer_with_two_letters_is_counted_once);
	fixture_add_test("a-store-that-is-not-heard-is-not-asked", a_store_that_is_not_heard_is_not_asked);
	fixture_add_test("while-all-is-paused-claims-wait-and-letters-are-told", while_all_is_paused_claims_wait_and_letters_are_told);
	fixture_add_test("what-is-over-is-dropped-where-both-say-so", what_is_over_is_dropped_where_both_say_so);
	fixture_add_test("after-the-fix-it-is-the-resolution-that-is-claimed", after_the_fix_it_is_the_resolution_that_is_claimed);
	fixture_add_test("an-address-that-bounced-meanwhile-is-blocked", an_address_that_bounced_meanwhile_is_blocked);
	fixture_add_test("a-row-that-cannot-be-read-keeps-nobody-waiting", a_row_that_cannot_be_read_keeps_nobody_waiting);
	fixture_add_test("it-stops-soon-and-gives-back-what-it-had", it_stops_soon_and_gives_back_what_it_had);
	fixture_add_test("what-a-milter-that-died-had-in-hand-is-asked-for-at-once",
	    what_a_milter_that_died_had_in_hand_is_asked_for_at_once);
	fixture_add_test("who-was-answered-before-the-fix-gets-his-resolution", who_was_answered_before_the_fix_gets_his_resolution);
	fixture_add_test("whom-the-store-was-told-to-forget-is-forgotten-here-too", whom_the_store_was_told_to_forget_is_forgotten_here_too);
	fixture_add_test("a-store-that-the-watch-has-lost-is-not-asked", a_store_that_the_watch_has_lost_is_not_asked);
	g_test_add_data_func("/store/redis/a-claim-whose-answer-is-lost-is-asked-again-and-queued-once", "redis",
	    a_claim_whose_answer_is_lost_is_asked_again_and_queued_once);
	g_test_add_data_func("/store/redis/a-mark-of-a-wrong-type-keeps-nobody-waiting", "redis",
	    a_mark_of_a_wrong_type_keeps_nobody_waiting);
	status = g_test_run();
	fixture_shut_down();
	claims_shut_down();
	return status;
}
