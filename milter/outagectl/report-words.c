/* report-words: how the debrief's times, numbers and findings read in words. Layer: program. Pure. See report.h. */
#include <math.h>
#include <string.h>

#include "base/clock.h"
#include "outagectl/report.h"

char *report_span(gint64 seconds)
{
	gint64 minutes = seconds / 60, hours = minutes / 60, days = hours / 24;

	if (seconds < 60)
		return g_strdup_printf("%" G_GINT64_FORMAT " s", MAX(0, seconds));
	if (minutes < 60)
		return g_strdup_printf("%" G_GINT64_FORMAT " min", minutes);
	if (hours < 24)
		return minutes % 60 == 0 ? g_strdup_printf("%" G_GINT64_FORMAT " h", hours)
		                         : g_strdup_printf("%" G_GINT64_FORMAT " h %" G_GINT64_FORMAT " min", hours, minutes % 60);
	return hours % 24 == 0 ? g_strdup_printf("%" G_GINT64_FORMAT " d", days)
	                       : g_strdup_printf("%" G_GINT64_FORMAT " d %" G_GINT64_FORMAT " h", days, hours % 24);
}

char *report_time(gint64 seconds)
{
	g_autoptr(GDateTime) time = seconds != 0 ? g_date_time_new_from_unix_utc(seconds) : NULL;

	return time != NULL ? g_date_time_format(time, "%Y-%m-%d %H:%M UTC") : g_strdup("unknown");
}

char *report_title(const Report *report)
{
	return report->texts[TEXT_TITLE] != NULL ? g_strdup(report->texts[TEXT_TITLE]) : g_strdup_printf("Incident %s", report->name);
}

char *report_number(bool known, guint64 n)
{
	return known ? g_strdup_printf("%" G_GUINT64_FORMAT, n) : g_strdup("unknown");
}

char *report_mean(double mean)
{
	if (isnan(mean))
		return g_strdup("unknown");
	return mean >= 10 ? g_strdup_printf("%.0f", mean) : mean >= 1 ? g_strdup_printf("%.1f", mean) : g_strdup_printf("%.2g", mean);
}

char *report_open_span(const Report *report)
{
	return report->open || report->end != 0 ? report_span((report->open ? report->now : report->end) - report->begin) : g_strdup("unknown");
}

guint report_due(const Report *report, guint *late)
{
	guint due = 0;

	*late = 0;
	for (guint i = 0; i < report->gaps->len; i++) {
		const ReportGap *gap = &g_array_index(report->gaps, ReportGap, i);

		due += gap->promised != 0 && (gap->said != 0 || gap->promised <= report->now);
		*late += gap->overdue > 0;
	}
	return due;
}

/* Nothing was learned yet, rather than not read. */
static bool has_no_baseline(const Report *report)
{
	return !isnan(report->peak) && report->baseline_known && isnan(report->expected);
}

char *report_expected(const Report *report)
{
	return has_no_baseline(report) ? g_strdup("unknown: no baseline yet") : report_mean(report->expected);
}

char *report_factor(const Report *report)
{
	if (has_no_baseline(report))
		return g_strdup("unknown: no baseline yet");
	return report->expected <= 0 ? g_strdup("no mail is usual at that hour") : report_mean(report->factor);
}

bool report_accounts_known(const Report *report)
{
	return report->threads != NULL && report->account_mails != NULL;
}

/* --- events --- */

static const struct { const char *what, *words; bool text; } events[] = {
	{ "resolved", "resolved", false },
	{ "ended", "ended", false },
	{ "texts", "texts changed", true },
	{ "update", "update", true },
	{ "pause", "acknowledgements paused", true },
	{ "resume", "acknowledgements resumed", false },
	{ "notice", "notice ordered", true },
	{ "notice-done", "notice told to all", true },
	{ "alarm", "alarm", true },
	{ "all-clear", "all-clear", true },
	{ "continued", "went on after the store had lost it", false },
};

/* The detail of a transition is "WORD ID". */
static char *with_word(const char *before, const StoreEvent *event)
{
	const char *detail = event->detail != NULL ? event->detail : "";

	return g_strdup_printf("%s %.*s", before, (int)strcspn(detail, " "), detail);
}

char *report_event(const StoreEvent *event)
{
	gint64 at = 0;

	if (strcmp(event->what, "opened") == 0)
		return with_word("declared", event);
	if (strcmp(event->what, "reopened") == 0)
		return with_word("back again as", event);
	if (strcmp(event->what, "severity") == 0)
		return with_word("now", event);
	if (strcmp(event->what, "word") == 0)
		return with_word("said once more:", event);
	if (strcmp(event->what, "promise") == 0 && clock_parse(event->detail, &at)) {
		g_autofree char *time = report_time(at);

		return g_strdup_printf("next update promised for %s", time);
	}
	for (gsize i = 0; i < G_N_ELEMENTS(events); i++)
		if (strcmp(event->what, events[i].what) == 0)
			return g_strdup(events[i].words);
	return g_strdup(event->what);
}

bool report_event_is_told(const StoreEvent *event)
{
	return strcmp(event->what, "texts") != 0 || g_strcmp0(event->detail, text_field_name(TEXT_NEXT_UPDATE_AT)) != 0;
}

bool report_event_has_text(const StoreEvent *event)
{
	for (gsize i = 0; i < G_N_ELEMENTS(events); i++)
		if (strcmp(event->what, events[i].what) == 0)
			return events[i].text && event->detail != NULL;
	return false;
}

char *report_gap(const ReportGap *gap, gint64 now)
{
	g_autofree char *late = report_span(gap->overdue), *left = report_span(MAX(0, gap->promised - now));

	if (gap->promised == 0)
		return g_strdup("no time was promised");
	if (gap->overdue > 0)
		return g_strdup_printf(gap->said != 0 ? "%s late" : "OVERDUE by %s", late);
	return gap->said != 0 ? g_strdup("kept") : gap->promised > now ? g_strdup_printf("due in %s", left) : g_strdup("due now");
}

/* --- the three sentences --- */

static char *sentence_of_time(const Report *report)
{
	g_autofree char *title = report_title(report), *begin = report_time(report->begin), *end = report_time(report->end);
	g_autofree char *span = report_open_span(report);
	const char *severity = word_is_open(report->severity) ? word_name(report->severity) : NULL;

	if (!report->open && report->end == 0)
		return g_strdup_printf("\"%s\" (%s) was declared at %s and is over; when it ended is not known.", title,
		    severity != NULL ? severity : "severity unknown", begin);
	if (report->open)
		return g_strdup_printf("\"%s\" was declared at %s and is still open%s%s, for %s so far.", title, begin,
		    severity != NULL ? " as " : "", severity != NULL ? severity : "", span);
	return g_strdup_printf("\"%s\" (%s) was declared at %s and %s %s later, at %s.", title,
	    severity != NULL ? severity : "severity unknown", begin, report->state.resolved_at != 0 ? "resolved" : "ended", span, end);
}

static char *sentence_of_mail(const Report *report)
{
	guint people = report->threads != NULL ? report->threads->len : 0;
	g_autofree char *factor = report_mean(report->factor), *surge = NULL;

	if (report->minutes == NULL || report->threads == NULL)
		return g_strdup("How much mail it caused is unknown: what was counted could not be read.");
	if (!isnan(report->factor))
		surge = g_strdup_printf("at its peak support mail came %s times as fast as is usual at that hour", factor);
	else
		surge = g_strdup(has_no_baseline(report) ? "how much more than usual that is, no baseline tells yet"
		                                 : "how much more than usual that is, is unknown");
	return g_strdup_printf("%" G_GUINT64_FORMAT " mail%s of %u customer%s %s about it; %s.", report->matched, report->matched == 1 ? "" : "s",
	    people, people == 1 ? "" : "s", report->matched == 1 ? "was" : "were", surge);
}

static char *sentence_of_answers(const Report *report)
{
	const StatsResponses *responses = &report->responses;
	g_autofree char *median = report_span(responses->median), *p90 = report_span(responses->p90);
	guint waiting = 0;

	for (guint i = 0; i < report->accounts->len; i++)
		waiting += ((const ReportAccount *)g_ptr_array_index(report->accounts, i))->waiting > 0;
	g_autofree char *among = waiting == 0 ? g_strdup("none of them an account's")
	                                      : g_strdup_printf("%u account%s among them", waiting, waiting == 1 ? "" : "s");

	if (report->threads == NULL)
		return g_strdup("How soon people answered is unknown.");
	if (!report->observable)
		return g_strdup("How soon people answered is not observable: no mail of the support team has been seen going out through this server.");
	if (responses->customers == 0)
		return g_strdup("Nobody had to be answered.");
	if (responses->answered == 0)
		return g_strdup_printf("None of the %u customer%s has had an answer from a person yet, %s.", responses->customers,
		    responses->customers == 1 ? "" : "s", among);
	if (responses->unanswered == 0)
		return g_strdup_printf("A person first answered after %s (median; nine of ten within %s), and nobody is without an answer.", median, p90);
	return g_strdup_printf("A person first answered after %s (median; nine of ten within %s), and %u of %u customers ha%s had no answer from a"
	    " person, %s.", median, p90, responses->unanswered, responses->customers, responses->unanswered == 1 ? "s" : "ve", among);
}

GPtrArray *report_sentences(const Report *report)
{
	GPtrArray *sentences = g_ptr_array_new_with_free_func(g_free);

	g_ptr_array_add(sentences, sentence_of_time(report));
	g_ptr_array_add(sentences, sentence_of_mail(report));
	g_ptr_array_add(sentences, sentence_of_answers(report));
	return sentences;
}
