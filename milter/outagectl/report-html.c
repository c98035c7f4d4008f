/* report-html: the debrief as one self-contained page (html.h). Layer: program. See report.h. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "outagectl/html.h"
#include "outagectl/reason-words.h"
#include "outagectl/report.h"

#define BARS_MAX 15    /* of a list of counts */

/* "14 Nov 15:10", which stays on one line; "" for 0. */
static char *short_time(gint64 seconds)
{
	g_autoptr(GDateTime) time = seconds != 0 ? g_date_time_new_from_unix_utc(seconds) : NULL;

	return time != NULL ? g_date_time_format(time, "%-d\xc2\xa0%b\xc2\xa0%H:%M") : g_strdup("");
}

/* --- the beginning --- */

static void figure(GString *page, const char *label, bool known, const char *value, const char *note)
{
	html_figure(page, label, known ? value : "unknown", note);
}

static void add_surge(GString *page, const Report *report)
{
	g_autofree char *factor = report_mean(report->factor), *peak = report_mean(report->peak), *expected = report_expected(report);
	g_autofree char *value = g_strdup_printf("%s\xc3\x97", factor);
	g_autofree char *note = g_strdup_printf("peak of %s mails a minute; usual at that hour: %s", peak, expected);

	figure(page, "Surge", !isnan(report->factor), value, isnan(report->peak) ? NULL : note);
}

static void add_first_answer(GString *page, const Report *report)
{
	const StatsResponses *responses = &report->responses;
	bool known = report->threads != NULL && report->observable;
	g_autofree char *median = report_span(responses->median), *p90 = report_span(responses->p90), *p99 = report_span(responses->p99);
	g_autofree char *note = g_strdup_printf("median; 90 %% within %s, 99 %% within %s", p90, p99);
	g_autofree char *unanswered = report_number(true, responses->unanswered);
	g_autofree char *of = g_strdup_printf("of %u customers; %u wrote again meanwhile", responses->customers, responses->wrote_again);

	if (!known) {
		html_figure(page, "First response of a person", report->threads == NULL ? "unknown" : "not observable",
		    report->threads == NULL ? NULL : "no mail of the support team was seen going out");
		return;
	}
	html_figure(page, "First response of a person", responses->answered > 0 ? median : "none yet", responses->answered > 0 ? note : NULL);
	html_figure(page, "Without a person's answer", unanswered, of);
}

static void add_accounts_waiting(GString *page, const Report *report)
{
	guint waiting = 0;

	for (guint i = 0; i < report->accounts->len; i++)
		waiting += ((const ReportAccount *)g_ptr_array_index(report->accounts, i))->waiting > 0;
	g_autofree char *value = g_strdup_printf("%u of %u", waiting, report->accounts->len);

	html_figure(page, "Accounts still waiting", !report_accounts_known(report) ? "unknown" : report->accounts->len == 0 ? "none wrote"
	    : report->observable ? value : "not observable", "for a person to answer");
}

static void add_figures(GString *page, const Report *report)
{
	g_autofree char *open = report_open_span(report), *customers = report_number(report->threads != NULL, report->responses.customers);
	g_autofree char *matched = report_number(true, report->matched), *sent = report_number(true, report->sent);
	g_autofree char *of = g_strdup_printf("of %" G_GUINT64_FORMAT " support mails; customers: %s", report->mail, customers);
	g_autofree char *queued = g_strdup_printf("automatic, no responses; %" G_GUINT64_FORMAT " queued, %" G_GUINT64_FORMAT " withdrawn",
	    report->queued, report->withdrawn);
	guint late, due = report_due(report, &late);
	g_autofree char *on_time = g_strdup_printf("%u of %u", due - late, due);

	html_figures_begin(page);
	html_figure(page, report->open ? "Open so far" : "Open for", open, word_is_open(report->severity) ? word_name(report->severity) : NULL);
	figure(page, "Outage mail", report->minutes != NULL && report->all != NULL, matched, report->all != NULL ? of : NULL);
	add_surge(page, report);
	add_first_answer(page, report);
	add_accounts_waiting(page, report);
	figure(page, "Receipts sent", report->counters != NULL, sent, report->counters != NULL ? queued : NULL);
	html_figure(page, "Words on time", !report->events_known ? "unknown" : due > 0 ? on_time : "none was due",
	    "updates and the end, against what was promised");
	html_figures_end(page);
}

static void add_opening(GString *page, const Report *report)
{
	g_autoptr(GPtrArray) sentences = report_sentences(report);

	html_raw(page, "<p class=\"lead\">");
	for (guint i = 0; i < sentences->len; i++) {
		html_text(page, g_ptr_array_index(sentences, i));
		html_raw(page, i + 1 < sentences->len ? " " : "</p>\n");
	}
	for (guint i = 0; i < report->unread->len; i++) {
		g_autofree char *line = g_strdup_printf("Could not be read: %s", (const char *)g_ptr_array_index(report->unread, i));

		html_paragraph(page, "warn", line);
	}
	add_figures(page, report);
}

/* --- what was said --- */

static const struct { TextField field; const char *label; } told[] = {
	{ TEXT_SCOPE, "Who was affected" }, { TEXT_COMPONENTS, "Components" }, { TEXT_WORKAROUND, "Workaround" }, { TEXT_CAUSE, "Cause" },
	{ TEXT_FIX, "Fix" }, { TEXT_PREVENTION, "Prevention" }, { TEXT_STATUS_URL, "Status page" }, { TEXT_POSTMORTEM_URL, "Post-mortem" },
	{ TEXT_POSTMORTEM_DUE, "Post-mortem due" },
};

static void add_texts(GString *page, const Report *report)
{
	bool any = false;

	for (gsize i = 0; i < G_N_ELEMENTS(told); i++)
		any = any || report->texts[told[i].field] != NULL;
	if (!any)
		return;
	html_section_begin(page, "texts", "What customers were told");
	html_raw(page, "<dl class=\"terms\">\n");
	for (gsize i = 0; i < G_N_ELEMENTS(told); i++) {
		const char *text = report->texts[told[i].field];

		if (text == NULL)
			continue;
		html_raw(page, "<dt>%s</dt><dd class=\"pre\">", told[i].label);
		html_link(page, text, text);
		html_raw(page, "</dd>\n");
	}
	html_raw(page, "</dl>\n");
	html_section_end(page);
}

static void add_timeline(GString *page, const Report *report)
{
	html_section_begin(page, "timeline", "Timeline");
	html_table_begin(page, "All that was said and done, in UTC");
	html_row(page, TRUE, 0, "When", "What", "By", NULL);
	for (guint i = 0; i < report->events->len; i++) {
		const StoreEvent *event = g_ptr_array_index(report->events, i);
		g_autofree char *at = short_time(event->at), *what = report_event(event);
		if (!report_event_is_told(event))
			continue;
		g_autofree char *all = report_event_has_text(event) ? g_strdup_printf("%s: %s", what, event->detail) : g_strdup(what);

		html_row(page, FALSE, 0, at, all, event->by != NULL ? event->by : "", NULL);
	}
	if (report->events->len == 0)
		html_row(page, FALSE, 0, "unknown", "what was said is no longer kept", "", NULL);
	html_table_end(page);
	html_section_end(page);
}

static void add_promises(GString *page, const Report *report)
{
	html_section_begin(page, "promises", "Updates against promise");
	html_table_begin(page, "Each word of ours, and when it had been promised; in UTC");
	html_row(page, TRUE, 8, "Word before", "Next promised for", "Came", "Minutes overdue", "Promise", NULL);
	for (guint i = 0; i < report->gaps->len; i++) {
		const ReportGap *gap = &g_array_index(report->gaps, ReportGap, i);
		g_autofree char *from = short_time(gap->from), *promised = short_time(gap->promised), *said = short_time(gap->said);
		g_autofree char *outcome = report_gap(gap, report->now);
		g_autofree char *overdue = gap->promised != 0 ? g_strdup_printf("%" G_GINT64_FORMAT, gap->overdue / 60) : g_strdup("unknown");
		g_autofree char *of = g_strdup_printf("%s%s", promised, gap->by_rule ? " (playbook)" : "");

		html_row(page, FALSE, 8, from, gap->promised != 0 ? of : "nothing", gap->said != 0 ? said : "not yet", overdue, outcome, NULL);
	}
	if (report->gaps->len == 0)
		html_row(page, FALSE, 8, "unknown", "unknown", "unknown", "unknown", "what was said could not be read", NULL);
	html_table_end(page);
	html_section_end(page);
}

/* --- volume --- */

/* The marks of a chart; their labels are freed with the list. */
static GArray *marks_of(const Report *report)
{
	GArray *marks = g_array_new(FALSE, FALSE, sizeof(HtmlMark));

	for (guint i = 0; i < report->events->len; i++) {
		const StoreEvent *event = g_ptr_array_index(report->events, i);
		bool shown = strcmp(event->what, "opened") == 0 || strcmp(event->what, "reopened") == 0 || strcmp(event->what, "severity") == 0 ||
		    strcmp(event->what, "update") == 0 || strcmp(event->what, "resolved") == 0 || strcmp(event->what, "ended") == 0;
		HtmlMark mark = { event->at, NULL };

		if (!shown)
			continue;
		mark.label = report_event(event);
		g_array_append_val(marks, mark);
	}
	return marks;
}

static void free_marks(GArray *marks)
{
	for (guint i = 0; i < marks->len; i++)
		g_free((gpointer)g_array_index(marks, HtmlMark, i).label);
	g_array_unref(marks);
}

static void add_chart(GString *page, const Report *report, const char *what, const double *values, const double *expected, const GArray *marks)
{
	const ReportVolume *volume = &report->volume;
	g_autofree char *step = report_span(volume->step), *from = report_time(volume->from);
	g_autofree char *title = volume->step > 60 ? g_strdup_printf("%s a minute, mean of each %s, in UTC", what, step)
	                                           : g_strdup_printf("%s a minute, in UTC", what);
	double most = 0;
	guint at = 0;

	for (guint i = 0; i < volume->n; i++) {
		if (values[i] > most) {
			most = values[i];
			at = i;
		}
	}
	g_autofree char *peak = report_mean(most), *when = report_time(volume->from + (gint64)at * volume->step);
	g_autofree char *description = g_strdup_printf("Bars from %s on, each of %s. The highest is %s a minute, at %s.%s", from, step, peak,
	    when, expected != NULL ? " A line shows what is usual at that hour of the week." : "");

	html_chart(page, title, description, volume->from, volume->step, values, expected, volume->n, (const HtmlMark *)(const void *)marks->data,
	    marks->len);
}

static void add_volume(GString *page, const Report *report)
{
	const ReportVolume *volume = &report->volume;
	GArray *marks = marks_of(report);
	bool usual = false, any = false;

	for (guint i = 0; i < volume->n; i++) {
		usual = usual || !isnan(volume->expected[i]);
		any = any || !isnan(volume->mail[i]);
	}
	html_section_begin(page, "volume", "Volume");
	if (any) {
		add_chart(page, report, "All support mail", volume->mail, usual ? volume->expected : NULL, marks);
		if (!usual && report->baseline_known)
			html_paragraph(page, "note", "There is no baseline yet: it takes a week in which nothing is declared to learn what is usual at which hour.");
		add_chart(page, report, "Mail about this incident", volume->matched, NULL, marks);
	} else {
		html_paragraph(page, "note", "No mail was counted in this time: the volume is unknown.");
	}
	html_section_end(page);
	free_marks(marks);
}

/* --- who --- */

static void add_account(GString *page, const Report *report, const ReportAccount *account)
{
	bool known = report->observable && account->first_at != 0;
	g_autofree char *mails = report_number(true, account->mails), *first = account->first_at != 0 ? short_time(account->first_at) : g_strdup("unknown");
	g_autofree char *answer = account->answered_at != 0 ? short_time(account->answered_at) : g_strdup(known ? "none" : "not observable");
	g_autofree char *waited = account->waited >= 0 ? g_strdup_printf("%" G_GINT64_FORMAT, account->waited / 60) : g_strdup("unknown");
	g_autofree char *waiting = report_number(known, account->waiting), *again = report_number(known, account->again);

	html_row(page, FALSE, 2 | 16 | 32 | 64, account->name, mails, first, answer, waited, waiting, again, NULL);
}

static void add_accounts(GString *page, const Report *report)
{
	html_section_begin(page, "accounts", "Accounts, and how long they waited for a person");
	if (report->accounts->len == 0)
		html_paragraph(page, NULL, report_accounts_known(report) ? "No verified account wrote in." : "Which accounts wrote in is unknown.");
	else {
		html_table_begin(page, "Who still waits comes first, then who has waited longest; in UTC");
		html_row(page, TRUE, 2 | 16 | 32 | 64, "Account", "Mails", "First mail", "First answer of a person", "Minutes waited", "People still waiting",
		    "Wrote again", NULL);
		for (guint i = 0; i < report->accounts->len; i++)
			add_account(page, report, g_ptr_array_index(report->accounts, i));
		html_table_end(page);
	}
	html_section_end(page);
}

static void add_counts(GString *page, const char *caption, const char *head, const GPtrArray *counts, bool reasons)
{
	guint shown = MIN(counts->len, BARS_MAX);
	g_autofree HtmlBar *bars = g_new(HtmlBar, shown + 1);

	for (guint i = 0; i < shown; i++) {
		const ReportCount *count = g_ptr_array_index(counts, i);

		bars[i] = (HtmlBar){ reasons ? reason_words(count->name) : count->name, count->n };
	}
	if (shown > 0)
		html_bars(page, caption, head, "Mails", bars, shown);
	if (counts->len > shown) {
		g_autofree char *more = g_strdup_printf("And %u more, which --json lists.", counts->len - shown);

		html_paragraph(page, "note", more);
	}
}

static void add_mail(GString *page, const Report *report)
{
	html_section_begin(page, "mail", "What the mail was");
	add_counts(page, "No receipt was sent, because", "Reason", report->held, true);
	add_counts(page, "Escalated to people", "Matter", report->escalated, false);
	add_counts(page, "With something in it that must not leave the house", "What", report->sensitive, false);
	add_counts(page, "Languages", "Language", report->languages, false);
	add_counts(page, "Rules that spoke", "Rule", report->rules, false);
	if (report->held->len + report->escalated->len + report->sensitive->len + report->languages->len + report->rules->len == 0)
		html_paragraph(page, NULL, report->minutes != NULL ? "Nothing was counted." : "What was counted is unknown.");
	html_section_end(page);
}

static void add_wave(GString *page, const Report *report)
{
	bool known = report->minutes != NULL && report->all != NULL;
	g_autofree char *mail = report_number(known, report->wave_mail), *matched = report_number(known, report->wave_matched);
	g_autofree char *people = report_number(report->threads != NULL, report->wave_people), *affected = report_number(known, report->wave_affected);
	g_autofree char *from = report_time(report->wave_from), *to = report_time(report->wave_to), *line = NULL;

	if (report->wave_from == 0)
		return;
	line = g_strdup_printf("From the fix at %s to %s.", from, to);
	html_section_begin(page, "wave", "The second wave, after the fix");
	html_paragraph(page, "note", line);
	html_figures_begin(page);
	html_figure(page, "Support mail", mail, NULL);
	html_figure(page, "About this incident", matched, NULL);
	html_figure(page, "Customers who wrote", people, NULL);
	html_figure(page, "Say it is not fixed", affected, NULL);
	html_figures_end(page);
	html_section_end(page);
}

static void add_notices(GString *page, const Report *report)
{
	if (report->notices == NULL || report->notices->len == 0)
		return;
	html_section_begin(page, "notices", "Notices to those who wrote in");
	html_table_begin(page, "What was ordered, and how far it came");
	html_row(page, TRUE, 2 | 4, "Notice", "Told", "Left out", "State", NULL);
	for (guint i = 0; i < report->notices->len; i++) {
		const StoredNotice *notice = g_ptr_array_index(report->notices, i);
		g_autofree char *told_to = report_number(true, notice->told), *left_out = report_number(true, notice->left_out);

		html_row(page, FALSE, 2 | 4, notice->name, told_to, left_out, notice->done ? "done" : "under way", NULL);
	}
	html_table_end(page);
	html_section_end(page);
}

GString *report_html(const Report *report, const char *site)
{
	g_autofree char *title = report_title(report), *at = report_time(report->now);
	GString *page = html_begin(title);

	html_raw(page, "<p class=\"note\">Debrief");
	if (site != NULL && *site != '\0') {
		html_raw(page, " of ");
		html_text(page, site);
	}
	html_raw(page, ", incident ");
	html_text(page, report->id);
	html_raw(page, ", as of %s</p>\n", at);
	add_opening(page, report);
	add_volume(page, report);
	add_accounts(page, report);
	add_promises(page, report);
	add_timeline(page, report);
	add_texts(page, report);
	add_mail(page, report);
	add_wave(page, report);
	add_notices(page, report);
	html_raw(page, "<footer>Made by outagectl " PACKAGE_VERSION ". A receipt is an automatic acknowledgement and never counts as a response; accounts"
	               " are named, persons are not.</footer>\n");
	html_end(page);
	return page;
}
