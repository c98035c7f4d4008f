/* What is counted of support mail, run against SQLite and against a real Redis by one suite: sums over nodes, distinct senders, accounts,
 * who was answered and when, the usual week. */
#include <string.h>

#include "base/clock.h"
#include "figures-fixture.h"

#define NOON (clock_now() / 3600 * 3600) /* the beginning of this hour */

/* --- minutes --- */

static void test_the_counts_of_all_nodes_add_up(gconstpointer kind)
{
	g_autoptr(Fixture) fixture = fixture_new(kind);
	g_autoptr(Store) a = fixture_open(fixture, "a"), b = fixture_open(fixture, "b");
	g_autoptr(GPtrArray) minutes = NULL, others = NULL;
	gint64 hour = NOON;
	StatsMinute *minute;

	figures_write_minute(a, ID, hour + 60, "mail=2 matched=1 held:rate=1 rule:http_5xx=1", NULL, NULL);
	figures_write_minute(b, ID, hour + 60, "mail=3 matched=2", NULL, NULL);
	figures_write_minute(a, ID, hour - 60, "mail=7", NULL, NULL);
	figures_write_minute(a, ID, hour + 119, "mail=10 us=123456789012", NULL, NULL);
	figures_write_minute(a, STATS_ALL, hour + 60, "mail=100", NULL, NULL);
	minutes = figures_minutes_of(b, ID, hour - 3600, hour + 3600);
	g_assert_cmpuint(minutes->len, ==, 2);
	minute = minutes->pdata[0];
	g_assert_cmpint(minute->minute, ==, hour - 60);
	g_assert_cmpuint(stats_minute_get(minute, "mail"), ==, 7);
	minute = minutes->pdata[1];
	g_assert_cmpstr(minute->id, ==, ID);
	g_assert_cmpint(minute->minute, ==, hour + 60);
	g_assert_cmpuint(stats_minute_get(minute, "mail"), ==, 15);
	g_assert_cmpuint(stats_minute_get(minute, "matched"), ==, 3);
	g_assert_cmpuint(stats_minute_get(minute, "held:rate"), ==, 1);
	g_assert_cmpuint(stats_minute_get(minute, "rule:http_5xx"), ==, 1);
	g_assert_cmpuint(stats_minute_get(minute, "us"), ==, G_GUINT64_CONSTANT(123456789012));
	g_assert_cmpuint(stats_minute_get(minute, "queued"), ==, 0);
	others = figures_minutes_of(a, OTHER_ID, hour - 3600, hour + 3600);
	g_assert_cmpuint(others->len, ==, 0);
}

static void test_a_span_has_the_minutes_that_begin_in_it(gconstpointer kind)
{
	static const struct { gint64 from, to; guint minutes; } spans[] = {
		{ 0, 180, 3 }, { 0, 121, 3 }, { 0, 120, 2 }, { 1, 180, 2 }, { 60, 61, 1 }, { 60, 60, 0 }, { 120, 60, 0 }, { -7200, 7200, 3 },
	};
	g_autoptr(Fixture) fixture = fixture_new(kind);
	g_autoptr(Store) store = fixture_open(fixture, "a");
	gint64 hour = NOON;

	for (int i = 0; i < 3; i++)
		figures_write_minute(store, ID, hour + i * 60, "mail=1", NULL, NULL);
	for (gsize i = 0; i < G_N_ELEMENTS(spans); i++) {
		g_autoptr(GPtrArray) minutes = figures_minutes_of(store, ID, hour + spans[i].from, hour + spans[i].to);

		g_assert_cmpuint(minutes->len, ==, spans[i].minutes);
	}
}

static void test_a_long_incident_is_read_whole(gconstpointer kind)
{
	g_autoptr(Fixture) fixture = fixture_new(kind);
	g_autoptr(Store) store = fixture_open(fixture, "a");
	g_autoptr(GPtrArray) minutes = NULL;
	gint64 hour = NOON;
	guint64 mails = 0;

	for (int i = 0; i < 60; i++)
		figures_write_minute(store, ID, hour - i * 7200, "mail=1", NULL, NULL);
	minutes = figures_minutes_of(store, ID, hour - 60 * 7200, hour + 60);
	g_assert_cmpuint(minutes->len, ==, 60);
	for (guint i = 0; i < minutes->len; i++) {
		mails += stats_minute_get(minutes->pdata[i], "mail");
		g_assert_true(i == 0 || ((StatsMinute *)minutes->pdata[i - 1])->minute < ((StatsMinute *)minutes->pdata[i])->minute);
	}
	g_assert_cmpuint(mails, ==, 60);
}

/* --- who wrote --- */

static void test_who_writes_to_two_nodes_is_one_sender(gconstpointer kind)
{
	g_autoptr(Fixture) fixture = fixture_new(kind);
	g_autoptr(Store) a = fixture_open(fixture, "a"), b = fixture_open(fixture, "b");
	gint64 now = clock_now();

	figures_check_distinct(a, ID, 0, 0, 0);
	figures_check_distinct(a, STATS_ALL, 0, 0, 0);
	figures_write_minute(a, ID, now, NULL, "h1 h2", "Acme");
	figures_write_minute(b, ID, now, NULL, "h2 h3", "Acme Globex");
	figures_write_minute(a, ID, now - 3600, NULL, "h3 h4", "Acme Old");
	figures_write_minute(a, ID, now - 5 * 3600, NULL, "h1 h5", "Older");
	figures_write_minute(a, STATS_ALL, now, NULL, "h1 h2 h9", "Acme");
	figures_write_minute(a, STATS_ALL, now - 5 * 3600, NULL, "h10", "Older");
	figures_check_distinct(b, ID, 0, 5, 4);
	figures_check_distinct(b, ID, now, 3, 2);
	figures_check_distinct(b, ID, now - 3600, 4, 3);
	/* Longer ago than two hours is two hours. */
	figures_check_distinct(b, ID, 1, 4, 3);
	figures_check_distinct(b, STATS_ALL, now, 3, 1);
	figures_check_distinct(b, STATS_ALL, 0, 3, 1);
	figures_check_distinct(b, OTHER_ID, 0, 0, 0);
}

static void test_the_mails_of_accounts_add_up_by_incident_and_over_the_year(gconstpointer kind)
{
	g_autoptr(Fixture) fixture = fixture_new(kind);
	g_autoptr(Store) a = fixture_open(fixture, "a"), b = fixture_open(fixture, "b");
	gint64 now = clock_now();
	g_autoptr(GPtrArray) minutes = figures_minutes();
	g_autofree char *long_name = g_strnfill(254, 'x'), *longer_name = g_strconcat(long_name, "\xc3\xa4\xc3\xa4", NULL);
	g_autofree char *cut = g_strconcat(long_name, "\xc3\xa4", NULL);

	figures_write_minute(a, ID, now, NULL, NULL, "Acme");
	figures_write_minute(b, ID, now, NULL, NULL, "Acme Globex");
	figures_write_minute(a, OTHER_ID, now, NULL, NULL, "Acme");
	for (int week = 0; week < 50; week += 10)
		figures_write_minute(a, STATS_ALL, now - week * 7 * 86400, NULL, NULL, "Acme");
	g_ptr_array_add(minutes, stats_minute_new(ID, now));
	stats_minute_add_account(minutes->pdata[0], "M\xc3\xbcller & S\xc3\xb6hne GmbH", 3);
	stats_minute_add_account(minutes->pdata[0], longer_name, 1);
	g_assert_true(store_stats_write(a, &(StatsBatch){ .minutes = minutes }, NULL, NULL));
	g_assert_cmpuint(figures_account_total(a, ID, "Acme"), ==, 2);
	g_assert_cmpuint(figures_account_total(a, ID, "Globex"), ==, 1);
	g_assert_cmpuint(figures_account_total(a, ID, "M\xc3\xbcller & S\xc3\xb6hne GmbH"), ==, 3);
	g_assert_cmpuint(figures_account_total(a, ID, cut), ==, 1);
	g_assert_cmpuint(figures_account_total(a, OTHER_ID, "Acme"), ==, 1);
	g_assert_cmpuint(figures_account_total(b, STATS_ALL, "Acme"), ==, 5);
	g_assert_cmpuint(figures_account_total(b, STATS_ALL, "Globex"), ==, 0);
}

/* --- answers --- */

/* Steps: "m HASH KEY AT" a mail, "a KEY[,KEY] AT" an answer, "r N": so many first answers by the step before. What is known of h1 then. */
static const struct {
	const char *name;
	const char *steps[8];
	gint64 first, last, answered;
	guint mails, again;
} stories[] = {
	{ "one mail", { "m h1 k1 100" }, 100, 100, 0, 1, 0 },
	{ "answered", { "m h1 k1 100", "a k1 400", "r 1" }, 100, 100, 400, 1, 0 },
	{ "wrote again", { "m h1 k1 100", "m h1 k2 200", "m h1 k3 300", "a k2 400", "r 1" }, 100, 300, 400, 3, 2 },
	{ "answered twice", { "m h1 k1 100", "a k1 400", "r 1", "a k1 500", "r 0" }, 100, 100, 400, 1, 0 },
	{ "thanked", { "m h1 k1 100", "a k1 400", "m h1 k2 500" }, 100, 500, 400, 2, 0 },
	{ "told of late", { "m h1 k2 500", "a k2 700", "m h1 k1 100" }, 100, 500, 700, 2, 1 },
	{ "told of twice", { "m h1 k1 100", "m h1 k1 100", "m h1 k1 100" }, 100, 100, 0, 1, 0 },
	{ "all his mails answered by one", { "m h1 k1 100", "m h1 k2 200", "a k1,k2 400", "r 1" }, 100, 200, 400, 2, 1 },
	{ "two customers by one", { "m h1 k1 100", "m h2 k2 200", "a k1,k2 400", "r 2" }, 100, 100, 400, 1, 0 },
	{ "another's answer", { "m h1 k1 100", "m h2 k2 200", "a k2 400", "r 1" }, 100, 100, 0, 1, 0 },
	{ "answer to a stranger", { "m h1 k1 100", "a k9 400", "r 0" }, 100, 100, 0, 1, 0 },
	{ "answered before it was told of", { "a k1 400", "r 0", "m h1 k1 100", "r 1" }, 100, 100, 400, 1, 0 },
	{ "second mail answered before it was told of", { "m h1 k1 100", "a k2 400", "m h1 k2 300", "r 1" }, 100, 300, 400, 2, 1 },
	{ "an earlier answer told of later", { "m h1 k1 100", "a k1 400", "a k1 300", "r 0" }, 100, 100, 300, 1, 0 },
};

static void play_story(Store *store, const char *const *steps, gint64 start)
{
	guint replies = 0;

	for (gsize i = 0; i < 8 && steps[i] != NULL; i++) {
		g_auto(GStrv) words = g_strsplit(steps[i], " ", 0);

		if (*words[0] == 'm')
			replies = figures_write_mail(store, ID, words[1], words[2], NULL, start + g_ascii_strtoll(words[3], NULL, 10));
		else if (*words[0] == 'a')
			replies = figures_write_answer(store, g_strdelimit(words[1], ",", ' '), start + g_ascii_strtoll(words[2], NULL, 10));
		else
			g_assert_cmpuint(replies, ==, g_ascii_strtoull(words[1], NULL, 10));
	}
}

static void test_a_customers_story(gconstpointer kind)
{
	for (gsize i = 0; i < G_N_ELEMENTS(stories); i++) {
		g_autoptr(Fixture) fixture = fixture_new(kind);
		g_autoptr(Store) store = fixture_open(fixture, "a");
		g_autoptr(GPtrArray) threads = NULL;
		gint64 start = clock_now() - 1000;
		const StatsThread *one;

		g_test_message("%s", stories[i].name);
		play_story(store, stories[i].steps, start);
		threads = figures_threads_of(store, ID);
		one = threads->pdata[0];
		g_assert_cmpstr(one->hash, ==, "h1");
		g_assert_null(one->account);
		g_assert_cmpint(one->first_at - start, ==, stories[i].first);
		g_assert_cmpint(one->last_at - start, ==, stories[i].last);
		g_assert_cmpint(one->answered_at > 0 ? one->answered_at - start : 0, ==, stories[i].answered);
		g_assert_cmpuint(one->mails, ==, stories[i].mails);
		g_assert_cmpuint(one->again, ==, stories[i].again);
	}
}

static void test_one_customer_has_a_story_in_each_incident(gconstpointer kind)
{
	g_autoptr(Fixture) fixture = fixture_new(kind);
	g_autoptr(Store) a = fixture_open(fixture, "a"), b = fixture_open(fixture, "b");
	g_autoptr(GPtrArray) threads = NULL, others = NULL;
	gint64 now = clock_now();
	const StatsThread *one;

	g_assert_cmpuint(figures_write_mail(a, ID, "h1", "k1", "M\xc3\xbcller & Co", now - 60), ==, 0);
	g_assert_cmpuint(figures_write_mail(b, OTHER_ID, "h1", "k2", NULL, now - 50), ==, 0);
	g_assert_cmpuint(figures_write_mail(b, ID, "h1", "k3", NULL, now - 40), ==, 0);
	g_assert_cmpuint(figures_write_answer(b, "k1", now), ==, 1);
	threads = figures_threads_of(a, ID);
	others = figures_threads_of(a, OTHER_ID);
	g_assert_cmpuint(threads->len, ==, 1);
	g_assert_cmpuint(others->len, ==, 1);
	one = threads->pdata[0];
	g_assert_cmpstr(one->account, ==, "M\xc3\xbcller & Co");
	g_assert_cmpuint(one->mails, ==, 2);
	g_assert_cmpint(one->answered_at, ==, now);
	one = others->pdata[0];
	g_assert_cmpint(one->answered_at, ==, 0);
}

static void test_answers_are_not_observable_until_one_was_seen(gconstpointer kind)
{
	g_autoptr(Fixture) fixture = fixture_new(kind);
	g_autoptr(Store) store = fixture_open(fixture, "a");
	gint64 now = clock_now(), at = -1;

	g_assert_true(store_stats_outbound_seen(store, &at, NULL));
	g_assert_cmpint(at, ==, 0);
	g_assert_cmpuint(figures_write_answer(store, "unknown", now - 10), ==, 0);
	g_assert_cmpuint(figures_write_answer(store, "unknown", now - 20), ==, 0);
	g_assert_true(store_stats_outbound_seen(store, &at, NULL));
	g_assert_cmpint(at, ==, now - 10);
}

static void test_each_of_many_customers_is_read_once(gconstpointer kind)
{
	enum { MANY = 3000 };
	g_autoptr(Fixture) fixture = fixture_new(kind);
	g_autoptr(Store) store = fixture_open(fixture, "a");
	g_autoptr(GPtrArray) mails = g_ptr_array_new_with_free_func((GDestroyNotify)stats_mail_free), threads = NULL;
	g_autoptr(GError) error = NULL;
	gint64 now = clock_now();

	for (guint i = 0; i < MANY; i++) {
		g_autofree char *hash = g_strdup_printf("h%u", i), *key = g_strdup_printf("k%u", i);

		g_ptr_array_add(mails, stats_mail_new(ID, hash, key, NULL, now - i));
	}
	store_stats_write(store, &(StatsBatch){ .mails = mails }, NULL, &error);
	g_assert_no_error(error);
	threads = figures_threads_of(store, ID);
	g_assert_cmpuint(threads->len, ==, MANY);
	for (guint i = 0; i < MANY; i++)
		g_assert_cmpint(((StatsThread *)threads->pdata[i])->first_at, ==, now - MANY + 1 + i);
}

static void test_first_responses_by_nearest_rank(void)
{
	/* took: seconds to the answer of each customer, -1 = none. */
	static const struct { const char *took; guint answered, unanswered; gint64 median, p90, p99; } cases[] = {
		{ "", 0, 0, -1, -1, -1 },
		{ "-1 -1", 0, 2, -1, -1, -1 },
		{ "30", 1, 0, 30, 30, 30 },
		{ "30 -1 10", 2, 1, 10, 30, 30 },
		{ "5 1 4 2 3", 5, 0, 3, 5, 5 },
		{ "1 2 3 4 5 6 7 8 9 10", 10, 0, 5, 9, 10 },
		/* The clock of the node that saw the answer is behind. */
		{ "-50", 1, 0, 0, 0, 0 },
	};

	for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
		g_autoptr(GPtrArray) threads = g_ptr_array_new_with_free_func((GDestroyNotify)stats_thread_free);
		g_auto(GStrv) took = g_strsplit(cases[i].took, " ", 0);
		StatsResponses sums;

		for (char **word = took; *word; word++) {
			StatsThread *thread = g_new0(StatsThread, 1);
			gint64 seconds = g_ascii_strtoll(*word, NULL, 10);

			thread->first_at = 1000;
			thread->answered_at = seconds == -1 ? 0 : 1000 + seconds;
			thread->mails = 2;
			thread->again = 1;
			g_ptr_array_add(threads, thread);
		}
		sums = stats_first_responses(threads);
		g_assert_cmpuint(sums.customers, ==, threads->len);
		g_assert_cmpuint(sums.answered, ==, cases[i].answered);
		g_assert_cmpuint(sums.unanswered, ==, cases[i].unanswered);
		g_assert_cmpint(sums.median, ==, cases[i].median);
		g_assert_cmpint(sums.p90, ==, cases[i].p90);
		g_assert_cmpint(sums.p99, ==, cases[i].p99);
		g_assert_cmpuint(sums.mails, ==, 2 * threads->len);
		g_assert_cmpuint(sums.again, ==, threads->len);
		g_assert_cmpuint(sums.wrote_again, ==, threads->len);
		g_assert_cmpint(sums.oldest_unanswered, ==, cases[i].unanswered > 0 ? 1000 : 0);
	}
}

/* --- the usual week --- */

#define WEEK (7 * 86400)

static bool learn(Store *store, gint64 hour_start, double mails, double senders)
{
	g_autoptr(GError) error = NULL;
	bool learned = false;

	store_baseline_learn(store, hour_start, mails, senders, &learned, &error);
	g_assert_no_error(error);
	return learned;
}

static BaselineHour read_baseline(Store *store, guint hour, guint *known)
{
	BaselineHour hours[BASELINE_HOURS];
	g_autoptr(GError) error = NULL;

	store_baseline(store, hours, &error);
	g_assert_no_error(error);
	*known = 0;
	for (guint i = 0; i < BASELINE_HOURS; i++)
		*known += hours[i].weeks > 0;
	return hours[hour];
}

static void test_the_usual_week_is_learned_hour_by_hour(gconstpointer kind)
{
	/* What the mean of mails is after each week. */
	static const struct { double mails, mean; } weeks[] = { { 8, 8 }, { 4, 6 }, { 0, 4 }, { 8, 5 }, { 9, 6 }, { 2, 5 }, { 5, 5 } };
	g_autoptr(Fixture) fixture = fixture_new(kind);
	g_autoptr(Store) a = fixture_open(fixture, "a"), b = fixture_open(fixture, "b");
	/* Monday 2023-11-13, 09:00 UTC */
	gint64 start = G_GINT64_CONSTANT(1699866000);
	BaselineHour hour;
	guint known;

	hour = read_baseline(a, 9, &known);
	g_assert_cmpuint(known, ==, 0);
	g_assert_cmpuint(hour.weeks, ==, 0);
	for (gsize i = 0; i < G_N_ELEMENTS(weeks); i++) {
		gint64 at = start + (gint64)i * WEEK;

		g_assert_true(learn(i % 2 ? a : b, at, weeks[i].mails, weeks[i].mails / 2));
		/* Another node, and one that comes late. */
		g_assert_false(learn(b, at, 1000, 1000));
		g_assert_false(learn(a, at - 3600, 1000, 1000));
		hour = read_baseline(a, 9, &known);
		g_assert_cmpuint(known, ==, 1);
		g_assert_cmpuint(hour.weeks, ==, i + 1);
		g_assert_cmpfloat_with_epsilon(hour.mails, weeks[i].mean, 1e-6);
		g_assert_cmpfloat_with_epsilon(hour.senders, weeks[i].mean / 2, 1e-6);
	}
	/* Sunday, 23:00: the last hour of the week */
	g_assert_true(learn(a, start + (gint64)G_N_ELEMENTS(weeks) * WEEK - 10 * 3600, 0.25, 0));
	hour = read_baseline(b, 167, &known);
	g_assert_cmpuint(known, ==, 2);
	g_assert_cmpuint(hour.weeks, ==, 1);
	g_assert_cmpfloat_with_epsilon(hour.mails, 0.25, 1e-9);
}

static void test_a_clock_that_was_ahead_stops_no_learning(gconstpointer kind)
{
	g_autoptr(Fixture) fixture = fixture_new(kind);
	g_autoptr(Store) store = fixture_open(fixture, "a");
	gint64 hour = NOON - 3600;

	g_assert_true(learn(store, hour + 52 * WEEK, 100, 1));
	g_assert_true(learn(store, hour, 1, 1));
	g_assert_false(learn(store, hour, 1, 1));
}

int main(int argc, char **argv)
{
	int result;

	g_test_init(&argc, &argv, NULL);
	fixture_add_test("the-counts-of-all-nodes-add-up", test_the_counts_of_all_nodes_add_up);
	fixture_add_test("a-span-has-the-minutes-that-begin-in-it", test_a_span_has_the_minutes_that_begin_in_it);
	fixture_add_test("a-long-incident-is-read-whole", test_a_long_incident_is_read_whole);
	fixture_add_test("who-writes-to-two-nodes-is-one-sender", test_who_writes_to_two_nodes_is_one_sender);
	fixture_add_test("the-mails-of-accounts-add-up-by-incident-and-over-the-year",
	    test_the_mails_of_accounts_add_up_by_incident_and_over_the_year);
	fixture_add_test("a-customers-story", test_a_customers_story);
	fixture_add_test("one-customer-has-a-story-in-each-incident", test_one_customer_has_a_story_in_each_incident);
	fixture_add_test("answers-are-not-observable-until-one-was-seen", test_answers_are_not_observable_until_one_was_seen);
	fixture_add_test("each-of-many-customers-is-read-once", test_each_of_many_customers_is_read_once);
	fixture_add_test("the-usual-week-is-learned-hour-by-hour", test_the_usual_week_is_learned_hour_by_hour);
	fixture_add_test("a-clock-that-was-ahead-stops-no-learning", test_a_clock_that_was_ahead_stops_no_learning);
	g_test_add_func("/stats/first-responses-by-nearest-rank", test_first_responses_by_nearest_rank);
	result = g_test_run();
	fixture_shut_down();
	return result;
}
