/* test-settle-life: what a store has forgotten is told again, once in a life of it; and a node knows whether that has been done. */
#include <sqlite3.h>

#include "base/clock.h"
#include "settle-fixture.h"

/* --- a store without its memory --- */

static void a_store_that_forgot_is_told_letters_first_then_claims(gconstpointer kind)
{
	g_autoptr(Node) node = node_new(kind);
	IncidentState again = { .id = NULL };
	SettleCounts counts;

	show_life(node, "first");
	start(node);
	await_sql(node, "SELECT value FROM meta WHERE name = 'life'", life_of(node, "first"));
	g_assert_cmpint(claims_ask(node->store, &node->state, false, "aa", "t1"), ==, CLAIM_WON);
	spool_took(node->spool, &node->state, "aa", "t1");
	g_assert_cmpint(claims_ask(node->store, &node->state, false, "bb", "t2"), ==, CLAIM_WON);
	spool_took(node->spool, &node->state, "bb", "t2");
	note_sent(node, "bb", "t2");
	g_assert_cmpint(claims_ask(node->store, &node->state, false, "cc", "t3"), ==, CLAIM_WON);
	spool_took(node->spool, &node->state, "cc", "t3");
	g_free(spool_sql(node->base, "UPDATE acks SET at = at - 7200 WHERE token = 't3'"));
	await_sql(node, "SELECT count(*) FROM acks WHERE state = 'sent' AND life LIKE 'first%'", "1");

	/* The operator, or a node, puts the incident back under its id. */
	stop(node);
	fixture_lose_all(node->base);
	store_close(node->store);
	node->store = fixture_open(node->base, "other");
	claims_set_word(node->store, "default", WORD_P1, &again);
	if (node->base->redis) {
		g_free(fixture_redis("HSET", "outage:state:default", "id", node->state.id, "epoch", "0", NULL));
	} else {
		g_autofree char *path = g_build_filename(node->base->dir, "store.db", NULL);
		sqlite3 *db;

		g_assert_cmpint(sqlite3_open(path, &db), ==, SQLITE_OK);
		sqlite3_busy_timeout(db, 5000);
		g_autofree char *text = g_strdup_printf("UPDATE state SET id = '%s', epoch = 0", node->state.id);
		g_assert_cmpint(sqlite3_exec(db, text, NULL, NULL, NULL), ==, SQLITE_OK);
		sqlite3_close(db);
	}
	incident_state_clear(&again);
	show_life(node, "second");
	start(node);
	await_sql(node, "SELECT count(*) FROM acks WHERE state = 'sent' AND life LIKE 'second%'", "1");
	g_assert_cmpint(standing_of(node, "bb", "t2"), ==, JOB_SENT);
	g_assert_cmpint(standing_of(node, "aa", "t1"), ==, JOB_UNMARKED); /* other nodes have some seconds to tell of their letters */
	await_sql(node, "SELECT value FROM meta WHERE name = 'life'", life_of(node, "second"));
	g_assert_cmpint(standing_of(node, "aa", "t1"), ==, JOB_STANDS);
	g_assert_cmpint(standing_of(node, "cc", "t3"), ==, JOB_SENT); /* too old to be sent again */
	claims_check_counts(node->store, 1, 0, 0, 2, 0);
	counts = stop(node);
	g_assert_cmpuint(counts.told_again, ==, 3);
	/* Once. */
	start(node);
	g_assert_cmpuint(stop(node).told_again, ==, 0);
}

static void a_failover_that_lost_nothing_changes_nothing(gconstpointer kind)
{
	g_autoptr(Node) node = node_new(kind);

	show_life(node, "first");
	g_assert_cmpint(claims_ask(node->store, &node->state, false, "aa", "t1"), ==, CLAIM_WON);
	spool_took(node->spool, &node->state, "aa", "t1");
	g_assert_cmpint(claims_ask(node->store, &node->state, false, "cc", "t3"), ==, CLAIM_WON);
	spool_took(node->spool, &node->state, "cc", "t3");
	g_free(spool_sql(node->base, "UPDATE acks SET at = at - 7200, payload = '' WHERE token = 't3'"));
	start(node);
	await_sql(node, "SELECT value FROM meta WHERE name = 'life'", life_of(node, "first"));
	/* A claim that waits for longer than an hour, behind a pause, say, still waits. */
	g_assert_cmpint(standing_of(node, "cc", "t3"), ==, JOB_STANDS);
	g_assert_cmpint(standing_of(node, "aa", "t1"), ==, JOB_STANDS);
	claims_check_counts(node->store, 2, 0, 0, 0, 0);
	g_assert_cmpuint(claims_counter(node->store, node->state.id, "queued"), ==, 2);
}

static void of_an_incident_that_is_gone_nothing_is_told(gconstpointer kind)
{
	g_autoptr(Node) node = node_new(kind);

	spool_took(node->spool, &node->state, "aa", "t1");
	note_sent(node, "bb", "t2");
	g_assert_true(spool_settled(node->spool, "t2", SPOOL_SENT, "first", NULL));
	g_free(spool_sql(node->base, "UPDATE acks SET id = '20200101T000000Z-default'"));
	show_life(node, "second");
	start(node);
	await_sql(node, "SELECT value FROM meta WHERE name = 'life'", life_of(node, "second"));
	g_assert_cmpuint(stop(node).told_again, ==, 0);
}

/* The node's job of the store is answered by another node's replier. */
static void answer_elsewhere(Node *node, const char *hash)
{
	g_autoptr(StoredJob) job = claims_take(node->store);

	g_assert_true(store_job_done(node->store, job, hash, NULL));
}

static void what_the_store_has_is_not_claimed_again_as_a_resolution(gconstpointer kind)
{
	g_autoptr(Node) node = node_new(kind);

	show_life(node, "first");
	start(node);
	await_sql(node, "SELECT value FROM meta WHERE name = 'life'", life_of(node, "first"));
	g_assert_cmpint(claims_ask(node->store, &node->state, false, "aa", "t1"), ==, CLAIM_WON);
	answer_elsewhere(node, "aa");
	spool_took(node->spool, &node->state, "aa", "t1");
	g_assert_cmpint(claims_ask(node->store, &node->state, false, "bb", "t2"), ==, CLAIM_WON);
	spool_took(node->spool, &node->state, "bb", "t2");
	stop(node);
	g_assert_cmpint(claims_ask(node->store, &node->state, false, "cc", "t3"), ==, CLAIM_WON);
	record(node, "cc", "t3", SPOOL_ASKED); /* it was taken, and the answer got lost */
	g_assert_cmpint(claims_ask(node->store, &node->state, false, "dd", "t9"), ==, CLAIM_WON);
	record(node, "dd", "t4", SPOOL_LOCAL); /* whom another node has answered */
	resolve(node);
	show_life(node, "second");
	start(node);
	await_sql(node, "SELECT value FROM meta WHERE name = 'life'", life_of(node, "second"));
	await(node, "mirror=4");
	g_assert_cmpuint(stop(node).told_again, ==, 0);
	g_assert_cmpuint(claims_counter(node->store, node->state.id, "queued"), ==, 4);
	claims_check_counts(node->store, 3, 0, 0, 1, 0);
	g_assert_cmpint(standing_of(node, "aa", "t1"), ==, JOB_SENT);
	/* No mark of a resolution: who asks again gets his. */
	g_assert_cmpint(claims_ask(node->store, &node->state, true, "aa", "t5"), ==, CLAIM_WON);
}

/* --- which store has been told --- */

static void await_knowledge(Node *node, const char *life)
{
	gint64 until = clock_mono_us() + 15 * G_USEC_PER_SEC;

	while (!settle_knows(node->settle, life) && clock_mono_us() < until)
		g_usleep(1000);
	g_assert_true(settle_knows(node->settle, life));
}

static void a_new_node_knows_a_store_at_once(gconstpointer kind)
{
	g_autoptr(Node) node = node_new(kind);
	gint64 begin = clock_mono_us();

	show_life(node, "first");
	start(node);
	await_knowledge(node, life_of(node, "first"));
	await_sql(node, "SELECT value FROM meta WHERE name = 'life'", life_of(node, "first"));
	g_assert_cmpint(clock_mono_us() - begin, <, 2 * G_USEC_PER_SEC);
}

/* A node that has no claims to tell of leaves the others the time to tell of their letters, and one that starts remembers. */
static void a_store_that_changed_is_not_known_before_all_have_told_it(gconstpointer kind)
{
	g_autoptr(Node) node = node_new(kind);
	gint64 begin;

	show_life(node, "first");
	start(node);
	await_sql(node, "SELECT value FROM meta WHERE name = 'life'", life_of(node, "first"));
	stop(node);
	show_life(node, "second");
	begin = clock_mono_us();
	start(node);
	do
		g_assert_false(settle_knows(node->settle, life_of(node, "second")));
	while (clock_mono_us() - begin < 2 * G_USEC_PER_SEC);
	await_knowledge(node, life_of(node, "second"));
	g_assert_cmpint(clock_mono_us() - begin, >=, 3 * G_USEC_PER_SEC);
}

static void without_a_spool_there_is_nothing_to_tell(gconstpointer kind)
{
	g_autoptr(Node) node = node_new(kind);

	g_free(spool_sql(node->base, "PRAGMA user_version = 99"));
	show_life(node, "first");
	start(node);
	await_knowledge(node, "whatever");
}

static void halted_it_still_says_what_it_knew(gconstpointer kind)
{
	g_autoptr(Node) node = node_new(kind);
	SpoolCounts counts;

	record(node, "aa", "t1", SPOOL_HELD);
	show_that(&shown.silent, true);
	start(node);
	await_rounds(node);
	settle_halt(node->settle);
	settle_wake(node->settle);
	settle_spooled(node->settle, &counts);
	g_assert_cmpuint(counts.rows[SPOOL_HELD], ==, 1);
	g_assert_true(settle_knows(node->settle, NULL));
	g_assert_cmpuint(settle_counts(node->settle).claimed, ==, 0);
}

static void another_server_than_the_watch_reads_gets_no_claims(gconstpointer kind)
{
	g_autoptr(Node) node = node_new(kind);

	record(node, "aa", "t1", SPOOL_LOCAL);
	show(&shown.life, "first/of-another-server");
	start(node);
	await_rounds(node);
	g_usleep(300000);
	expect(node, "local=1");
	show_life(node, "first");
	await(node, "mirror=1");
}

int main(int argc, char **argv)
{
	int status;

	g_test_init(&argc, &argv, NULL);
	fixture_add_test("a-store-that-forgot-is-told-letters-first-then-claims", a_store_that_forgot_is_told_letters_first_then_claims);
	fixture_add_test("a-failover-that-lost-nothing-changes-nothing", a_failover_that_lost_nothing_changes_nothing);
	fixture_add_test("what-the-store-has-is-not-claimed-again-as-a-resolution", what_the_store_has_is_not_claimed_again_as_a_resolution);
	fixture_add_test("a-new-node-knows-a-store-at-once", a_new_node_knows_a_store_at_once);
	g_test_add_data_func("/store/sqlite/a-store-that-changed-is-not-known-before-all-have-told-it", "sqlite",
	    a_store_that_changed_is_not_known_before_all_have_told_it);
	g_test_add_data_func("/store/sqlite/without-a-spool-there-is-nothing-to-tell", "sqlite", without_a_spool_there_is_nothing_to_tell);
	g_test_add_data_func("/store/sqlite/halted-it-still-says-what-it-knew", "sqlite", halted_it_still_says_what_it_knew);
	g_test_add_data_func("/store/redis/another-server-than-the-watch-reads-gets-no-claims", "redis",
	    another_server_than_the_watch_reads_gets_no_claims);
	g_test_add_data_func("/store/sqlite/of-an-incident-that-is-gone-nothing-is-told", "sqlite",
	    of_an_incident_that_is_gone_nothing_is_told);
	status = g_test_run();
	fixture_shut_down();
	claims_shut_down();
	return status;
}
