/* test-report: what the debrief says of promises, waits and surges, and that it says so where something is not known. */
#include <math.h>
#include <string.h>

#include "base/clock.h"
#include "inspect/answerable.h"
#include "outagectl/reason-words.h"
#include "outagectl/report.h"

#define BEGIN G_GINT64_CONSTANT(1795273800) /* Saturday 2026-11-21T15:10:00Z */
#define MINUTE 60

/* --- a report by hand --- */

static Report *new_report(gint64 resolved_after)
{
	Report *report = g_new0(Report, 1);

	report->now = BEGIN + 1000 * MINUTE;
	report->name = g_strdup("default");
	report->id = g_strdup("20261121T151000Z-default");
	report->state.declared_at = BEGIN;
	report->state.word = resolved_after > 0 ? WORD_RESOLVED : WORD_P2;
	report->state.resolved_at = resolved_after > 0 ? BEGIN + resolved_after * MINUTE : 0;
	report->word_known = report->events_known = true;
	report->severity = WORD_P2;
	report->resolved_for = 48 * 3600;
	report->events = g_ptr_array_new_with_free_func((GDestroyNotify)store_event_free);
	report->unread = g_ptr_array_new_with_free_func(g_free);
	return report;
}

static void say(Report *report, gint64 minute, const char *what, const char *detail)
{
	StoreEvent *event = g_new0(StoreEvent, 1);

	event->at = BEGIN + minute * MINUTE;
	event->what = g_strdup(what);
	event->name = g_strdup("default");
	event->by = g_strdup("ann");
	event->detail = g_strdup(detail);
	g_ptr_array_add(report->events, event);
}

static void promise(Report *report, gint64 minute, gint64 for_minute)
{
	g_autofree char *time = clock_format(BEGIN + for_minute * MINUTE);

	say(report, minute, "promise", time);
}

static void count(Report *report, gint64 minute, guint64 mails, guint64 matched)
{
	StatsMinute *all = stats_minute_new(STATS_ALL, BEGIN + minute * MINUTE);
	StatsMinute *own = stats_minute_new(report->id, BEGIN + minute * MINUTE);

	if (report->all == NULL) {
		report->all = g_ptr_array_new_with_free_func((GDestroyNotify)stats_minute_free);
		report->minutes = g_ptr_array_new_with_free_func((GDestroyNotify)stats_minute_free);
	}
	stats_minute_add(all, "up", 1);
	stats_minute_add(all, "mail", mails);
	stats_minute_add(own, "matched", matched);
	g_ptr_array_add(report->all, all);
	g_ptr_array_add(report->minutes, own);
}

static void customer(Report *report, const char *account, gint64 first, gint64 answered)
{
	StatsThread *thread = g_new0(StatsThread, 1);

	if (report->threads == NULL)
		report->threads = g_ptr_array_new_with_free_func((GDestroyNotify)stats_thread_free);
	thread->hash = g_strdup_printf("%u", report->threads->len);
	thread->account = g_strdup(account);
	thread->first_at = thread->last_at = BEGIN + first * MINUTE;
	thread->answered_at = answered > 0 ? BEGIN + answered * MINUTE : 0;
	thread->mails = 1;
	g_ptr_array_add(report->threads, thread);
}

/* --- promises --- */

typedef struct { gint64 promised, said, overdue; bool by_rule; } Gap; /* minutes; -1 = none */

static void check_gaps(Report *report, const Gap *expected, guint n)
{
	report_judge(report);
	g_assert_cmpuint(report->gaps->len, ==, n);
	for (guint i = 0; i < n; i++) {
		const ReportGap *gap = &g_array_index(report->gaps, ReportGap, i);

		g_test_message("gap %u", i);
		g_assert_cmpint(gap->promised != 0 ? (gap->promised - BEGIN) / MINUTE : -1, ==, expected[i].promised);
		g_assert_cmpint(gap->said != 0 ? (gap->said - BEGIN) / MINUTE : -1, ==, expected[i].said);
		g_assert_cmpint(gap->overdue / MINUTE, ==, expected[i].overdue);
		g_assert_cmpint(gap->by_rule, ==, expected[i].by_rule);
	}
}

static void each_word_is_held_to_the_promise_before_it(void)
{
	static const Gap expected[] = { { 30, 25, 0, false }, { 55, 70, 15, false }, { 100, 120, 20, true } };
	const Playbook playbook = { .update_every = 30 * MINUTE };
	g_autoptr(Report) report = new_report(120);

	report->playbook = &playbook;
	say(report, 0, "opened", "P2 20261121T151000Z-default");
	say(report, 0, "texts", "title next_update_at");
	promise(report, 0, 30);
	/* What comes with an update is for the word after it, also where the order within a second has texts first. */
	say(report, 25, "texts", "next_update_at");
	promise(report, 25, 55);
	say(report, 25, "update", "looking");
	say(report, 70, "update", "found");
	say(report, 120, "resolved", "resolved 20261121T151000Z-default");
	check_gaps(report, expected, G_N_ELEMENTS(expected));
}

static void a_promise_that_was_moved_in_between_counts_as_moved(void)
{
	static const Gap expected[] = { { 60, 50, 0, false }, { 60, 62, 2, false } };
	g_autoptr(Report) report = new_report(62);

	say(report, 0, "opened", "P2 20261121T151000Z-default");
	promise(report, 0, 30);
	promise(report, 20, 60);
	say(report, 50, "update", "found");
	say(report, 62, "resolved", "resolved 20261121T151000Z-default");
	check_gaps(report, expected, G_N_ELEMENTS(expected));
}

static void what_has_not_come_is_overdue_by_now(void)
{
	static const Gap expected[] = { { 30, -1, 970, false } };
	g_autoptr(Report) report = new_report(0);
	g_autofree char *words = NULL;

	promise(report, 0, 30);
	check_gaps(report, expected, G_N_ELEMENTS(expected));
	words = report_gap(&g_array_index(report->gaps, ReportGap, 0), report->now);
	g_assert_cmpstr(words, ==, "OVERDUE by 16 h 10 min");
}

static void a_reopened_incident_begins_anew_and_the_time_between_is_no_gap(void)
{
	static const Gap expected[] = { { -1, 10, 0, false }, { -1, -1, 0, false } };
	g_autoptr(Report) report = new_report(0);

	say(report, 0, "opened", "P2 20261121T151000Z-default");
	say(report, 10, "resolved", "resolved 20261121T151000Z-default");
	say(report, 40, "update", "said after the fix: nobody waits for the next");
	say(report, 90, "reopened", "P2 20261121T151000Z-default");
	check_gaps(report, expected, G_N_ELEMENTS(expected));
}

static void a_time_set_by_a_strange_hand_counts_where_there_is_no_other(void)
{
	static const Gap expected[] = { { 20, 45, 25, false } };
	g_autoptr(Report) report = new_report(45);

	report->texts[TEXT_NEXT_UPDATE_AT] = clock_format(BEGIN + 20 * MINUTE);
	say(report, 45, "resolved", "resolved 20261121T151000Z-default");
	check_gaps(report, expected, G_N_ELEMENTS(expected));
}

/* --- mail --- */

static void the_surge_is_the_worst_ten_minutes_over_the_usual(void)
{
	g_autoptr(Report) report = new_report(60);
	const guint saturday_afternoon = 5 * 24 + 15;

	for (gint64 minute = 0; minute < 40; minute++)
		count(report, minute, minute >= 20 && minute < 30 ? 12 : 2, 1);
	report->baseline_known = true;
	report->baseline[saturday_afternoon] = (BaselineHour){ .mails = 1.5, .weeks = 4 };
	report_judge(report);
	g_assert_cmpfloat(report->peak, ==, 12);
	g_assert_cmpint(report->peak_at, ==, BEGIN + 20 * MINUTE);
	g_assert_cmpfloat(report->factor, ==, 8);
	g_assert_cmpuint(report->matched, ==, 40);
}

static void what_is_not_known_is_not_zero(void)
{
	g_autoptr(Report) report = new_report(60);
	g_autoptr(GPtrArray) sentences = NULL;
	g_autofree char *mean = NULL;

	report->baseline_known = true; /* and nothing in it yet */
	count(report, 0, 5, 5);
	customer(report, "Acme", 0, 0);
	report_judge(report);
	g_assert_true(isnan(report->factor) && isnan(report->expected));
	/* Of the hour before nothing was counted: no bar, rather than none in it. */
	g_assert_true(isnan(report->volume.mail[0]) && isnan(report->volume.expected[0]));
	g_assert_cmpint(((ReportAccount *)report->accounts->pdata[0])->waited, ==, -1);
	sentences = report_sentences(report);
	g_assert_cmpuint(sentences->len, ==, 3);
	g_assert_nonnull(strstr(g_ptr_array_index(sentences, 1), "no baseline"));
	g_assert_nonnull(strstr(g_ptr_array_index(sentences, 2), "not observable"));
	mean = report_mean((double)NAN);
	g_assert_cmpstr(mean, ==, "unknown");
}

static void nothing_at_all_is_a_report_too(void)
{
	g_autoptr(Report) report = new_report(0);
	g_autoptr(GPtrArray) sentences = NULL;
	GString *page;

	report_judge(report);
	sentences = report_sentences(report);
	g_assert_nonnull(strstr(g_ptr_array_index(sentences, 1), "unknown"));
	page = report_html(report, "");
	g_assert_nonnull(strstr(page->str, "the volume is unknown"));
	g_assert_nonnull(strstr(page->str, "Which accounts wrote in is unknown."));
	g_assert_nonnull(strstr(page->str, "What was counted is unknown."));
	g_assert_null(strstr(page->str, "none wrote"));
	g_assert_null(strstr(page->str, "no baseline"));
	g_string_free(page, TRUE);
}

static void an_end_that_nobody_knows_is_no_incident_that_goes_on(void)
{
	g_autoptr(Report) report = new_report(0);
	g_autoptr(GPtrArray) sentences = NULL;
	g_autofree char *span = NULL;

	report->state.word = WORD_NONE;
	count(report, 0, 5, 5);
	promise(report, 0, 30);
	report_judge(report);
	sentences = report_sentences(report);
	g_assert_nonnull(strstr(g_ptr_array_index(sentences, 0), "is over; when it ended is not known"));
	span = report_open_span(report);
	g_assert_cmpstr(span, ==, "unknown");
	g_assert_cmpuint(report->gaps->len, ==, 0);
	/* The charts end where the mail did: with what is shown before and after, three hours. */
	g_assert_cmpint(report->volume.n * report->volume.step, <=, 4 * 3600);
}

static void a_history_that_was_not_read_whole_blames_nobody(void)
{
	g_autoptr(Report) report = new_report(0);
	GString *page;

	promise(report, 0, 30);
	report->events_known = false;
	report_judge(report);
	g_assert_cmpuint(report->gaps->len, ==, 0);
	page = report_html(report, "");
	g_assert_nonnull(strstr(page->str, "what was said could not be read"));
	g_assert_null(strstr(page->str, "OVERDUE"));
	g_string_free(page, TRUE);
}

static void only_what_was_promised_can_be_on_time(void)
{
	g_autoptr(Report) report = new_report(62);
	guint late;

	say(report, 10, "update", "nothing had been promised");
	promise(report, 20, 30);
	say(report, 25, "update", "kept");
	promise(report, 26, 50);
	say(report, 62, "resolved", "resolved 20261121T151000Z-default");
	report_judge(report);
	g_assert_cmpuint(report->gaps->len, ==, 3);
	g_assert_cmpuint(report_due(report, &late), ==, 2);
	g_assert_cmpuint(late, ==, 1);
}

/* A state that a strange hand has written. */
static void a_time_before_all_times_is_survived(void)
{
	g_autoptr(Report) report = new_report(0);

	report->state.declared_at = -300 * G_GINT64_CONSTANT(86400);
	report->baseline_known = true;
	report_judge(report);
	g_assert_cmpuint(report->volume.n, >, 0);
	g_assert_true(isnan(report->volume.expected[0]));
}

static void accounts_that_wait_come_first(void)
{
	static const struct { const char *name; guint waiting; gint64 waited; } expected[] = {
		{ "Two of them", 1, 20 * MINUTE }, { "Slow", 0, 300 * MINUTE }, { "Quick", 0, 5 * MINUTE },
	};
	g_autoptr(Report) report = new_report(60);

	report->observable = true;
	customer(report, "Quick", 10, 15);
	customer(report, "Two of them", 30, 0);
	customer(report, NULL, 0, 0);
	customer(report, "Slow", 0, 300);
	customer(report, "Two of them", 20, 40);
	report_judge(report);
	g_assert_cmpuint(report->accounts->len, ==, G_N_ELEMENTS(expected));
	for (guint i = 0; i < G_N_ELEMENTS(expected); i++) {
		const ReportAccount *account = g_ptr_array_index(report->accounts, i);

		g_assert_cmpstr(account->name, ==, expected[i].name);
		g_assert_cmpuint(account->waiting, ==, expected[i].waiting);
		g_assert_cmpint(account->waited, ==, expected[i].waited);
	}
}

/* --- words --- */

static void every_reason_has_words(void)
{
	for (guint i = 0; i < REASONS; i++)
		g_assert_cmpstr(reason_words(reason_name(i)), !=, reason_name(i));
	g_assert_cmpstr(reason_words("queue-full"), ==, "the queue was full");
	g_assert_cmpstr(reason_words("of-another-version"), ==, "of-another-version");
}

static void the_second_wave_begins_with_the_last_fix(void)
{
	Report *report = new_report(60);

	for (gint64 minute = 20; minute <= 70; minute += 50) { /* after a fix that was none, and after the one that was */
		StatsMinute *own;

		count(report, minute, 3, 2);
		own = g_ptr_array_index(report->minutes, report->minutes->len - 1);
		stats_minute_add(own, "severity:resolved", 2);
		stats_minute_add(own, "escalate:still-affected", 1);
	}
	report_judge(report);
	g_assert_cmpuint(report->wave_matched, ==, 2);
	g_assert_cmpuint(report->wave_affected, ==, 1);
	report_free(report);
}

static void spans_read_well(void)
{
	static const struct { gint64 seconds; const char *text; } cases[] = {
		{ -5, "0 s" }, { 0, "0 s" }, { 59, "59 s" }, { 60, "1 min" }, { 3599, "59 min" }, { 3600, "1 h" }, { 12000, "3 h 20 min" },
		{ 86400, "1 d" }, { 90000, "1 d 1 h" },
	};

	for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
		g_autofree char *text = report_span(cases[i].seconds);

		g_assert_cmpstr(text, ==, cases[i].text);
	}
}

static void no_cell_is_a_formula_or_breaks_its_row(void)
{
	static const struct { const char *text, *cell; } cases[] = {
		{ "Acme", "Acme" }, { "Acme, Inc.", "\"Acme, Inc.\"" }, { "say \"so\"", "\"say \"\"so\"\"\"" }, { "=1+1", "\"'=1+1\"" },
		{ "+49", "\"'+49\"" }, { "-1", "\"'-1\"" }, { "@SUM(A1)", "\"'@SUM(A1)\"" }, { "a=b", "a=b" }, { "", "" },
		{ "two\r\nlines", "two\\x0d\\x0alines" }, { "\t=1", "\\x09=1" }, { "caf\xe9", "caf\\xe9" }, { "S\xc3\xb6hne", "S\xc3\xb6hne" },
	};

	for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
		g_autoptr(GString) row = g_string_new(NULL);

		report_csv_cell(row, cases[i].text);
		g_assert_cmpstr(row->str, ==, cases[i].cell);
	}
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/report/each-word-is-held-to-the-promise-before-it", each_word_is_held_to_the_promise_before_it);
	g_test_add_func("/report/a-promise-that-was-moved", a_promise_that_was_moved_in_between_counts_as_moved);
	g_test_add_func("/report/what-has-not-come-is-overdue-by-now", what_has_not_come_is_overdue_by_now);
	g_test_add_func("/report/a-reopened-incident-begins-anew", a_reopened_incident_begins_anew_and_the_time_between_is_no_gap);
	g_test_add_func("/report/a-time-set-by-a-strange-hand", a_time_set_by_a_strange_hand_counts_where_there_is_no_other);
	g_test_add_func("/report/the-surge-is-the-worst-ten-minutes", the_surge_is_the_worst_ten_minutes_over_the_usual);
	g_test_add_func("/report/what-is-not-known-is-not-zero", what_is_not_known_is_not_zero);
	g_test_add_func("/report/nothing-at-all", nothing_at_all_is_a_report_too);
	g_test_add_func("/report/an-end-that-nobody-knows", an_end_that_nobody_knows_is_no_incident_that_goes_on);
	g_test_add_func("/report/a-history-that-was-not-read-whole", a_history_that_was_not_read_whole_blames_nobody);
	g_test_add_func("/report/only-what-was-promised-can-be-on-time", only_what_was_promised_can_be_on_time);
	g_test_add_func("/report/a-time-before-all-times", a_time_before_all_times_is_survived);
	g_test_add_func("/report/every-reason-has-words", every_reason_has_words);
	g_test_add_func("/report/accounts-that-wait-come-first", accounts_that_wait_come_first);
	g_test_add_func("/report/the-second-wave-begins-with-the-last-fix", the_second_wave_begins_with_the_last_fix);
	g_test_add_func("/report/spans-read-well", spans_read_well);
	g_test_add_func("/report/no-cell-is-a-formula", no_cell_is_a_formula_or_breaks_its_row);
	return g_test_run();
}
