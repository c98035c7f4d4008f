/* report-text: the debrief for a terminal. Layer: program. All text from outside is escaped. See report.h. */
#include <math.h>
#include <stdio.h>

#include "base/log.h"
#include "outagectl/reason-words.h"
#include "outagectl/report.h"

#define RULES_MAX 12   /* of a list of counts */

static void heading(const char *text)
{
	printf("\n%s\n", text);
}

static void line(const char *label, const char *value)
{
	g_autofree char *safe = log_escape(value, 0);

	printf("  %-34s %s\n", label, safe);
}

static void number(const char *label, bool known, guint64 n)
{
	g_autofree char *text = report_number(known, n);

	line(label, text);
}

static void span(const char *label, bool known, gint64 seconds)
{
	g_autofree char *text = known && seconds >= 0 ? report_span(seconds) : g_strdup("unknown");

	line(label, text);
}

static void print_sentences(const Report *report)
{
	g_autoptr(GPtrArray) sentences = report_sentences(report);

	for (guint i = 0; i < sentences->len; i++) {
		g_autofree char *safe = log_escape(g_ptr_array_index(sentences, i), 0);

		printf("%s\n", safe);
	}
	for (guint i = 0; i < report->unread->len; i++) {
		g_autofree char *safe = log_escape(g_ptr_array_index(report->unread, i), 0);

		printf("! could not be read: %s\n", safe);
	}
}

static void print_timeline(const Report *report)
{
	heading("Timeline (UTC)");
	for (guint i = 0; i < report->events->len; i++) {
		const StoreEvent *event = g_ptr_array_index(report->events, i);
		g_autofree char *at = report_time(event->at), *what = report_event(event), *safe = log_escape(what, 0);
		g_autofree char *by = log_escape(event->by, 80);
		g_autofree char *text = report_event_has_text(event) ? log_escape(event->detail, 0) : NULL;

		if (!report_event_is_told(event))
			continue;
		printf("  %.16s  %s%s%s%s%s%s\n", at, safe, text != NULL ? ": " : "", text != NULL ? text : "", *by != '\0' ? " (" : "", by,
		    *by != '\0' ? ")" : "");
	}
	if (report->events->len == 0)
		printf("  nothing is known of what was said\n");
}

static void print_promises(const Report *report)
{
	heading("Updates against promise");
	for (guint i = 0; i < report->gaps->len; i++) {
		const ReportGap *gap = &g_array_index(report->gaps, ReportGap, i);
		g_autofree char *from = report_time(gap->from), *promised = report_time(gap->promised), *said = report_time(gap->said);
		g_autofree char *outcome = report_gap(gap, report->now);

		printf("  after %.16s: promised %s%s, came %s: %s\n", from, gap->promised != 0 ? promised : "nothing", gap->by_rule ? " (playbook)" : "",
		    gap->said != 0 ? said : "not yet", outcome);
	}
	if (report->gaps->len == 0)
		printf("  nothing is known of them\n");
}

static void print_volume(const Report *report)
{
	bool known = report->minutes != NULL && report->all != NULL;
	g_autofree char *peak = report_mean(report->peak), *expected = report_expected(report), *factor = report_factor(report);

	heading("Mail");
	number("support mail since the declaration", known, report->mail);
	number("of it about this incident", known, report->matched);
	number("customers", report->threads != NULL, report->responses.customers);
	number("authenticated senders", report->distinct_known, report->senders);
	line("peak, mails a minute (10 minutes)", peak);
	line("usual at that hour", expected);
	line("surge factor", factor);
}

static void print_receipts(const Report *report)
{
	bool known = report->counters != NULL;

	heading("Receipts (automatic acknowledgements; none of them is a response)");
	number("queued", known, report->queued);
	number("sent", known, report->sent);
	number("withdrawn", known, report->withdrawn);
	number("only shown (shadow mode)", report->minutes != NULL, report->shadow);
	number("notices sent", known, report->told);
}

static void print_responses(const Report *report)
{
	const StatsResponses *responses = &report->responses;
	bool known = report->threads != NULL && report->observable;

	heading("First responses of persons");
	if (!known) {
		printf("  %s\n", report->threads == NULL ? "unknown" : "not observable: no mail of the support team has been seen going out");
		return;
	}
	number("customers answered", true, responses->answered);
	number("unanswered", true, responses->unanswered);
	number("wrote again before an answer", true, responses->wrote_again);
	span("median", true, responses->median);
	span("90 % within", true, responses->p90);
	span("99 % within", true, responses->p99);
	number("wait for a person now", report->waiting_known, report->waiting);
}

static void print_counts(const char *title, bool known, const GPtrArray *counts, bool reasons)
{
	heading(title);
	for (guint i = 0; i < MIN(counts->len, RULES_MAX); i++) {
		const ReportCount *count = g_ptr_array_index(counts, i);
		g_autofree char *safe = log_escape(reasons ? reason_words(count->name) : count->name, 0);

		printf("  %6" G_GUINT64_FORMAT "  %s\n", count->n, safe);
	}
	if (counts->len > RULES_MAX)
		printf("          and %u more (--json has them all)\n", counts->len - RULES_MAX);
	if (counts->len == 0)
		printf("  %s\n", known ? "none" : "unknown");
}

static void print_accounts(const Report *report)
{
	heading("Accounts");
	for (guint i = 0; i < report->accounts->len; i++) {
		const ReportAccount *account = g_ptr_array_index(report->accounts, i);
		g_autofree char *name = log_escape(account->name, 120);
		g_autofree char *waited = account->waited >= 0 ? report_span(account->waited) : g_strdup("unknown");

		printf("  %s: %" G_GUINT64_FORMAT " mail%s, waited %s", name, account->mails, account->mails == 1 ? "" : "s", waited);
		if (account->waiting > 0)
			printf(", %u STILL WAITING", account->waiting);
		printf("\n");
	}
	if (report->accounts->len == 0)
		printf("  %s\n", report_accounts_known(report) ? "none wrote in" : "unknown");
}

static void print_wave(const Report *report)
{
	if (report->wave_from == 0)
		return;
	heading("Second wave, after the fix");
	number("support mail", report->all != NULL, report->wave_mail);
	number("of it about this incident", report->minutes != NULL, report->wave_matched);
	number("customers who wrote after the fix", report->threads != NULL, report->wave_people);
	number("say that it is not fixed", report->minutes != NULL, report->wave_affected);
}

void report_print_text(const Report *report)
{
	bool counted = report->minutes != NULL;

	print_sentences(report);
	print_timeline(report);
	print_promises(report);
	print_volume(report);
	print_receipts(report);
	print_responses(report);
	print_accounts(report);
	print_counts("Held back: no receipt, because", counted || report->counters != NULL, report->held, true);
	print_counts("Escalations", counted, report->escalated, false);
	print_counts("With something sensitive in it", counted, report->sensitive, false);
	print_counts("Languages", counted, report->languages, false);
	print_counts("Rules that spoke", counted, report->rules, false);
	print_wave(report);
}
