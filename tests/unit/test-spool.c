/* test-spool: what a node keeps by itself: recorded once, in nobody's hands twice, and thrown away when its time is over. */
#include <string.h>

#include "base/clock.h"
#include "spool-node-fixture.h"

/* Another process's connection to the same file. */
static void open_again(Node *node)
{
	spool_free(node->spool);
	node->spool = spool_fixture_open(node->base);
}

/* The tokens taken to tell the store, in order, with what each was; caller frees. */
static char *take(Node *node, guint count, gint64 idle_ms)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(GPtrArray) rows = spool_take_unsettled(node->spool, count, idle_ms, &error);
	GString *text = g_string_new(NULL);

	g_assert_no_error(error);
	for (guint i = 0; i < rows->len; i++) {
		const SpoolRow *row = g_ptr_array_index(rows, i);

		g_string_append_printf(text, "%s%s:%s", i > 0 ? " " : "", row->token, spool_state_name(row->state));
	}
	return g_string_free(text, FALSE);
}

static void expect_taken(Node *node, guint count, gint64 idle_ms, const char *tokens)
{
	g_autofree char *now = take(node, count, idle_ms);

	g_assert_cmpstr(now, ==, tokens);
}

static void settled(Node *node, const char *token, SpoolState as, const char *life)
{
	g_autoptr(GError) error = NULL;

	spool_settled(node->spool, token, as, life, &error);
	g_assert_no_error(error);
}

static void give_back(Node *node, const char *token, gint64 delay)
{
	g_autoptr(GError) error = NULL;

	spool_give_back(node->spool, token, delay, &error);
	g_assert_no_error(error);
}

static void note_sent(Node *node, const char *hash, const char *token)
{
	ClaimRequest request = { .id = node->state.id };
	Job job = { .token = (char *)token, .request = &request };
	g_autoptr(GError) error = NULL;

	spool_note_sent(node->spool, &job, hash, &error);
	g_assert_no_error(error);
}

static void nobody_is_answered_again_whatever_became_of_his_first(Node *node, gconstpointer data)
{
	static const char *const states[] = { "local", "held", "asked", "mirror", "theirs", "sent", "dead" };
	ClaimAnswer answer;

	(void)data;
	g_assert_cmpint(spool_ask(node->spool, &node->state, "aa", "t1", SPOOL_LOCAL), ==, CLAIM_WON);
	for (gsize i = 0; i < G_N_ELEMENTS(states); i++) {
		g_autofree char *text = g_strdup_printf("UPDATE acks SET state = '%s'", states[i]);

		sql(node, text);
		g_assert_cmpint(spool_ask(node->spool, &node->state, "aa", "t2", SPOOL_LOCAL), ==, CLAIM_ALREADY);
		g_assert_cmpint(spool_ask(node->spool, &node->state, "aa", "t2", SPOOL_HELD), ==, CLAIM_ALREADY);
	}
	/* The other kind, another incident, another customer. */
	g_assert_true(spool_try(node->spool, &node->state, true, "aa", "t3", SPOOL_LOCAL, &answer, NULL));
	g_assert_cmpint(answer, ==, CLAIM_WON);
	g_assert_cmpint(spool_ask(node->spool, &node->state, "bb", "t4", SPOOL_LOCAL), ==, CLAIM_WON);
	g_free(node->state.id);
	node->state.id = g_strdup("20261122T151000Z-default");
	g_assert_cmpint(spool_ask(node->spool, &node->state, "aa", "t5", SPOOL_LOCAL), ==, CLAIM_WON);
}

static void a_claim_without_an_answer_is_kept_whatever_stands(Node *node, gconstpointer data)
{
	(void)data;
	spool_took(node->spool, &node->state, "aa", "t1");
	g_assert_cmpint(spool_ask(node->spool, &node->state, "aa", "t2", SPOOL_ASKED), ==, CLAIM_WON);
	expect(node, "asked=1 mirror=1");
}

static void a_token_is_recorded_once(Node *node, gconstpointer data)
{
	(void)data;
	g_assert_cmpint(spool_ask(node->spool, &node->state, "aa", "t1", SPOOL_LOCAL), ==, CLAIM_WON);
	g_assert_cmpint(spool_ask(node->spool, &node->state, "aa", "t1", SPOOL_LOCAL), ==, CLAIM_WON);
	g_assert_cmpint(spool_ask(node->spool, &node->state, "aa", "t1", SPOOL_ASKED), ==, CLAIM_WON);
	expect(node, "local=1");
	/* The second try was answered. */
	spool_took(node->spool, &node->state, "aa", "t1");
	spool_took(node->spool, &node->state, "aa", "t1");
	expect(node, "mirror=1");
	note_sent(node, "aa", "t1");
	spool_took(node->spool, &node->state, "aa", "t1");
	expect(node, "sent=1");
}

static void after_the_time_that_the_site_set_he_is_answered_again(Node *node, gconstpointer data)
{
	(void)data;
	node->base->config->ack_again_after = 600000;
	open_again(node);
	spool_took(node->spool, &node->state, "aa", "t1");
	clock_set_for_test(590);
	g_assert_cmpint(spool_ask(node->spool, &node->state, "aa", "t2", SPOOL_LOCAL), ==, CLAIM_ALREADY);
	clock_set_for_test(610);
	g_assert_cmpint(spool_ask(node->spool, &node->state, "aa", "t2", SPOOL_LOCAL), ==, CLAIM_WON);
	g_assert_cmpint(spool_ask(node->spool, &node->state, "aa", "t3", SPOOL_LOCAL), ==, CLAIM_ALREADY);
}

static void another_nodes_answer_is_remembered_and_not_told(Node *node, gconstpointer data)
{
	ClaimRequest request = { .id = node->state.id };
	StoreClaim claim = { .request = &request, .hash = "aa", .token = "t1", .payload = "{}", .mac = "m" };
	g_autoptr(GError) error = NULL;
	g_autoptr(GPtrArray) rows = NULL;

	(void)data;
	for (int i = 0; i < 3; i++)
		g_assert_true(spool_note_answered(node->spool, &claim, &error));
	g_assert_cmpint(spool_ask(node->spool, &node->state, "aa", "t2", SPOOL_LOCAL), ==, CLAIM_ALREADY);
	expect(node, "mirror=1");
	rows = spool_untold(node->spool, SPOOL_MIRROR, "L", 10, &error);
	g_assert_no_error(error);
	g_assert_cmpuint(rows->len, ==, 0);
	g_autofree char *payload = spool_sql(node->base, "SELECT payload FROM acks");
	g_assert_cmpstr(payload, ==, "");
}

static void the_caps_hold_over_what_this_node_did(Node *node, gconstpointer data)
{
	gint64 noon = 86400 / 2 - clock_now() % 86400; /* far from where hours and days end */

	(void)data;
	clock_set_for_test(noon);
	node->base->config->ack_domain_cap = 2;
	node->base->config->ack_address_cap = 0;
	open_again(node);
	g_assert_cmpint(spool_ask(node->spool, &node->state, "aa", "t1", SPOOL_LOCAL), ==, CLAIM_WON);
	g_assert_cmpint(spool_ask(node->spool, &node->state, "bb", "t2", SPOOL_HELD), ==, CLAIM_WON);
	g_assert_cmpint(spool_ask(node->spool, &node->state, "cc", "t3", SPOOL_LOCAL), ==, CLAIM_RATE);
	clock_set_for_test(noon + 3600);
	g_assert_cmpint(spool_ask(node->spool, &node->state, "cc", "t3", SPOOL_LOCAL), ==, CLAIM_WON);
	node->base->config->ack_domain_cap = 0;
	node->base->config->ack_address_cap = 1;
	open_again(node);
	g_free(node->state.id);
	node->state.id = g_strdup("20261122T151000Z-default");
	g_assert_cmpint(spool_ask(node->spool, &node->state, "aa", "t4", SPOOL_LOCAL), ==, CLAIM_RATE);
	g_assert_cmpint(spool_ask(node->spool, &node->state, "dd", "t5", SPOOL_LOCAL), ==, CLAIM_WON);
	expect(node, "local=3 held=1");
}

static void the_sites_cap_delays_and_drops_nothing(Node *node, gconstpointer data)
{
	(void)data;
	node->base->config->ack_site_cap = 2;
	node->base->config->ack_delay = 90000;
	open_again(node);
	for (int i = 0; i < 5; i++) {
		g_autofree char *name = g_strdup_printf("%02x", 0x10 + i);

		g_assert_cmpint(spool_ask(node->spool, &node->state, name, name, SPOOL_LOCAL), ==, CLAIM_WON);
	}
	g_autofree char *spread = spool_sql(node->base, "SELECT group_concat(c) FROM (SELECT count(*) AS c FROM acks GROUP BY due_us / 60000000"
	    " ORDER BY due_us / 60000000)");
	g_assert_cmpstr(spread, ==, "2,2,1");
	g_autofree char *early = spool_sql(node->base, "SELECT count(*) FROM acks WHERE due_us < set_us + 89000000");
	g_assert_cmpstr(early, ==, "0");
}

static void letters_come_first_and_what_is_taken_is_nobody_elses(Node *node, gconstpointer data)
{
	(void)data;
	spool_ask(node->spool, &node->state, "aa", "held", SPOOL_HELD);
	spool_ask(node->spool, &node->state, "bb", "local", SPOOL_LOCAL);
	spool_ask(node->spool, &node->state, "cc", "asked", SPOOL_ASKED);
	note_sent(node, "dd", "sent");
	sql(node, "UPDATE acks SET ask_us = 0 WHERE state = 'sent'");
	spool_took(node->spool, &node->state, "ee", "mirror");
	expect_taken(node, 10, IDLE_MS, "sent:sent asked:asked local:local held:held");
	expect_taken(node, 10, IDLE_MS, "");
	/* What was taken may be in the store by now: until there is an answer it must not leave from here. */
	expect(node, "asked=3 mirror=1 sent=1");
}

static void what_is_given_back_is_what_it_was(Node *node, gconstpointer data)
{
	(void)data;
	spool_ask(node->spool, &node->state, "aa", "t1", SPOOL_LOCAL);
	spool_ask(node->spool, &node->state, "bb", "t2", SPOOL_HELD);
	spool_ask(node->spool, &node->state, "cc", "t3", SPOOL_LOCAL);
	expect_taken(node, 10, IDLE_MS, "t1:local t3:local t2:held");
	give_back(node, "t1", 0);
	give_back(node, "t2", 3600);
	settled(node, "t3", SPOOL_ASKED, NULL); /* no answer came */
	give_back(node, "t3", 0);
	expect(node, "local=1 held=1 asked=1");
	expect_taken(node, 10, IDLE_MS, "t3:asked t1:local");
}

static void a_row_whose_taker_died_is_asked_for_and_never_sent_from_here(Node *node, gconstpointer data)
{
	(void)data;
	spool_ask(node->spool, &node->state, "aa", "t1", SPOOL_LOCAL);
	expect_taken(node, 1, IDLE_MS, "t1:local");
	/* The claim may have been written before he died. */
	expect_taken(node, 1, 0, "t1:asked");
	give_back(node, "t1", 0);
	expect(node, "asked=1");
	settled(node, "t1", SPOOL_MIRROR, "L");
	expect(node, "mirror=1");
}

static void a_letter_that_left_meanwhile_stays_one(Node *node, gconstpointer data)
{
	(void)data;
	spool_ask(node->spool, &node->state, "aa", "t1", SPOOL_LOCAL);
	expect_taken(node, 1, IDLE_MS, "t1:local");
	note_sent(node, "aa", "t1");
	settled(node, "t1", SPOOL_MIRROR, "L");
	g_assert_true(spool_lost(node->spool, "t1", NULL));
	g_assert_true(spool_drop(node->spool, "t1", NULL));
	give_back(node, "t1", 0);
	expect(node, "sent=1");
	expect_taken(node, 1, IDLE_MS, "t1:sent");
	settled(node, "t1", SPOOL_SENT, "L");
	expect_taken(node, 1, 0, "");
}

static void a_store_is_told_once_in_a_life(Node *node, gconstpointer data)
{
	static const struct { const char *life; guint untold; } cases[] = { { "A", 3 }, { "B", 2 }, { "C", 3 } };
	g_autoptr(GError) error = NULL;

	(void)data;
	spool_took(node->spool, &node->state, "aa", "t1");
	spool_took(node->spool, &node->state, "bb", "t2");
	spool_took(node->spool, &node->state, "cc", "t3");
	for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
		g_autoptr(GPtrArray) rows = spool_untold(node->spool, SPOOL_MIRROR, cases[i].life, 10, &error);

		g_assert_no_error(error);
		g_assert_cmpuint(rows->len, ==, cases[i].untold);
		settled(node, "t1", SPOOL_MIRROR, "B");
		settled(node, "t2", SPOOL_MIRROR, NULL);
	}
	g_autoptr(GPtrArray) two = spool_untold(node->spool, SPOOL_MIRROR, "C", 2, &error);
	g_assert_cmpuint(two->len, ==, 2);
}

static void the_wall_clock_makes_nothing_late_and_takes_nothing_early(Node *node, gconstpointer data)
{
	static const gint64 jumps[] = { -7200, -5, 5, 7200, 400 * 86400 };

	(void)data;
	spool_ask(node->spool, &node->state, "aa", "due", SPOOL_HELD);
	spool_ask(node->spool, &node->state, "bb", "delayed", SPOOL_HELD);
	spool_ask(node->spool, &node->state, "cc", "in-hand", SPOOL_HELD);
	give_back(node, "delayed", 300);
	sql(node, "UPDATE acks SET taken_us = set_us WHERE token = 'in-hand'");
	for (gsize i = 0; i < G_N_ELEMENTS(jumps); i++) {
		clock_set_for_test(jumps[i]);
		expect_taken(node, 10, IDLE_MS, i == 0 ? "due:held" : "due:asked");
		give_back(node, "due", 0);
		if (i == 0)
			settled(node, "due", SPOOL_ASKED, NULL);
	}
}

static void a_machine_that_came_back_makes_nothing_wait_for_its_old_clock(Node *node, gconstpointer data)
{
	(void)data;
	node->base->config->ack_site_cap = 1;
	node->base->config->ack_delay = 120000;
	open_again(node);
	spool_ask(node->spool, &node->state, "aa", "t1", SPOOL_LOCAL);
	spool_ask(node->spool, &node->state, "bb", "t2", SPOOL_LOCAL);
	spool_ask(node->spool, &node->state, "cc", "t3", SPOOL_HELD);
	expect_taken(node, 1, IDLE_MS, "t1:local");
	/* Before the restart it had run for a year longer. */
	sql(node, "UPDATE acks SET set_us = set_us + 31536000000000, due_us = due_us + 31536000000000, ask_us = ask_us + 31536000000000,"
	    " taken_us = taken_us + 31536000000000");
	sql(node, "UPDATE site SET minute = minute + 525600");
	open_again(node);
	g_autofree char *late = spool_sql(node->base, "SELECT max(due_us) - max(set_us) <= 240000000 FROM acks");
	g_assert_cmpstr(late, ==, "1");
	g_autofree char *minutes = spool_sql(node->base, "SELECT count(*) FROM site WHERE minute > (SELECT max(due_us) / 60000000 FROM acks)");
	g_assert_cmpstr(minutes, ==, "0");
	/* In nobody's hands any more; and what was asked for stays so. */
	expect_taken(node, 10, IDLE_MS, "t1:asked t2:local t3:held");
}

static void nothing_unsettled_is_thrown_away(Node *node, gconstpointer data)
{
	(void)data;
	spool_ask(node->spool, &node->state, "aa", "t1", SPOOL_LOCAL);
	spool_ask(node->spool, &node->state, "bb", "t2", SPOOL_HELD);
	spool_ask(node->spool, &node->state, "cc", "t3", SPOOL_ASKED);
	note_sent(node, "dd", "t4");
	clock_set_for_test(400 * 86400);
	g_assert_true(spool_purge(node->spool, NULL));
	expect(node, "local=1 held=1 asked=1 sent=1");
}

static void what_is_past_its_time_goes(Node *node, gconstpointer data)
{
	static const struct { gint64 after; const char *rows, *payloads; } cases[] = {
		{ 0, "mirror=2 sent=1 dead=1", "2" },
		{ 3700, "mirror=2 sent=1 dead=1", "1" },
		{ 31 * 86400, "mirror=2 sent=1", "0" },
		{ 40 * 86400, "", "0" },
	};

	(void)data;
	spool_took(node->spool, &node->state, "aa", "t1");
	spool_took(node->spool, &node->state, "bb", "t2");
	g_assert_true(spool_lost(node->spool, "t2", NULL));
	spool_ask(node->spool, &node->state, "cc", "t3", SPOOL_LOCAL);
	g_assert_true(spool_bury(node->spool, "local:t3", "no", NULL, NULL));
	note_sent(node, "dd", "t4");
	settled(node, "t4", SPOOL_SENT, "L");
	for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
		clock_set_for_test(cases[i].after);
		g_assert_true(spool_purge(node->spool, NULL));
		expect(node, cases[i].rows);
		g_autofree char *payloads = spool_sql(node->base, "SELECT count(*) FROM acks WHERE payload <> ''");
		g_assert_cmpstr(payloads, ==, cases[i].payloads);
	}
}

static void a_mark_from_ahead_of_now_begins_its_time_anew(Node *node, gconstpointer data)
{
	(void)data;
	clock_set_for_test(400 * 86400);
	spool_took(node->spool, &node->state, "aa", "t1");
	clock_set_for_test(0);
	g_assert_true(spool_purge(node->spool, NULL));
	clock_set_for_test(40 * 86400);
	g_assert_true(spool_purge(node->spool, NULL));
	expect(node, "");
}

static void the_operator_sees_and_steers_what_lies_here(Node *node, gconstpointer data)
{
	g_autoptr(GError) error = NULL;
	guint moved;

	(void)data;
	spool_ask(node->spool, &node->state, "aa", "t1", SPOOL_LOCAL);
	spool_ask(node->spool, &node->state, "bb", "t2", SPOOL_ASKED);
	g_autoptr(GPtrArray) pending = spool_list(node->spool, QUEUE_PENDING, 10, &error);
	g_assert_cmpuint(pending->len, ==, 2);
	g_assert_cmpstr(((StoredJob *)pending->pdata[0])->handle, ==, "local:t1");
	g_assert_nonnull(strstr(((StoredJob *)pending->pdata[1])->why, "the store"));
	g_assert_true(spool_bury(node->spool, "1795-0", "by hand", &moved, &error));
	g_assert_cmpuint(moved, ==, 0);
	g_assert_true(spool_bury(node->spool, "local:t1", "by hand", &moved, &error));
	g_assert_cmpuint(moved, ==, 1);
	expect(node, "asked=1 dead=1");
	g_assert_true(spool_bury(node->spool, NULL, "by hand", &moved, &error));
	g_assert_cmpuint(moved, ==, 1);
	g_autoptr(GPtrArray) dead = spool_list(node->spool, QUEUE_DEAD, 10, &error);
	g_assert_cmpuint(dead->len, ==, 2);
	g_assert_cmpstr(((StoredJob *)dead->pdata[0])->why, ==, "by hand");
	/* What the store may have is asked for again, not sent from here. */
	g_assert_true(spool_retry(node->spool, NULL, &moved, &error));
	g_assert_cmpuint(moved, ==, 2);
	expect(node, "local=1 asked=1");
	g_assert_no_error(error);
}

int main(int argc, char **argv)
{
	int status;

	g_test_init(&argc, &argv, NULL);
	add("nobody-is-answered-again-whatever-became-of-his-first", nobody_is_answered_again_whatever_became_of_his_first);
	add("a-claim-without-an-answer-is-kept-whatever-stands", a_claim_without_an_answer_is_kept_whatever_stands);
	add("a-token-is-recorded-once", a_token_is_recorded_once);
	add("after-the-time-that-the-site-set-he-is-answered-again", after_the_time_that_the_site_set_he_is_answered_again);
	add("another-nodes-answer-is-remembered-and-not-told", another_nodes_answer_is_remembered_and_not_told);
	add("the-caps-hold-over-what-this-node-did", the_caps_hold_over_what_this_node_did);
	add("the-sites-cap-delays-and-drops-nothing", the_sites_cap_delays_and_drops_nothing);
	add("letters-come-first-and-what-is-taken-is-nobody-elses", letters_come_first_and_what_is_taken_is_nobody_elses);
	add("what-is-given-back-is-what-it-was", what_is_given_back_is_what_it_was);
	add("a-row-whose-taker-died-is-asked-for-and-never-sent-from-here", a_row_whose_taker_died_is_asked_for_and_never_sent_from_here);
	add("a-letter-that-left-meanwhile-stays-one", a_letter_that_left_meanwhile_stays_one);
	add("a-store-is-told-once-in-a-life", a_store_is_told_once_in_a_life);
	add("the-wall-clock-makes-nothing-late-and-takes-nothing-early", the_wall_clock_makes_nothing_late_and_takes_nothing_early);
	add("a-machine-that-came-back-makes-nothing-wait-for-its-old-clock", a_machine_that_came_back_makes_nothing_wait_for_its_old_clock);
	add("nothing-unsettled-is-thrown-away", nothing_unsettled_is_thrown_away);
	add("what-is-past-its-time-goes", what_is_past_its_time_goes);
	add("a-mark-from-ahead-of-now-begins-its-time-anew", a_mark_from_ahead_of_now_begins_its_time_anew);
	add("the-operator-sees-and-steers-what-lies-here", the_operator_sees_and_steers_what_lies_here);
	status = g_test_run();
	claims_shut_down();
	return status;
}
