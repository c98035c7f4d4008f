/* replay-html: a replay as one page, for those who decide whether to go live. Layer: program. Pure. */
#include "base/clock.h"
#include "base/log.h"
#include "outagectl/html.h"
#include "outagectl/reason-words.h"
#include "outagectl/replay.h"

#define SHOWN 200 /* rows of a table: more nobody reads, and the page stays one that can be mailed */

static void figure(GString *page, const char *label, guint value, const char *note)
{
	g_autofree char *shown = g_strdup_printf("%u", value);

	html_figure(page, label, shown, note);
}

static void summary(GString *page, const Replay *replay)
{
	g_autofree char *from = clock_format(replay->from), *to = clock_format(replay->to);
	guint people = replay->fates[FATE_PEOPLE] + replay->fates[FATE_SILENT];
	guint matched = people + replay->fates[FATE_ANSWERED] + replay->fates[FATE_AGAIN] + replay->fates[FATE_VOUCH] +
	    replay->fates[FATE_VOUCH_AGAIN];
	bool dated = replay->from != 0;
	g_autofree char *lead = g_strdup_printf("%u mails%s%s%s%s were put through today's rules as if a %s incident had been on. %u of them are"
	    " outage mail of persons: those who wrote %u would have had an acknowledgement at once, and those of %u more if somebody had vouched"
	    " for them. %u mails would have been taken out of the flood for people. Nothing was sent.",
	    replay_count(replay), dated ? " from " : "", dated ? from : "", dated ? " to " : "", dated ? to : "", word_name(replay->word), matched,
	    replay->fates[FATE_ANSWERED] + replay->fates[FATE_AGAIN], replay->fates[FATE_VOUCH] + replay->fates[FATE_VOUCH_AGAIN],
	    replay->lifted);

	html_paragraph(page, "lead", lead);
	html_figures_begin(page);
	figure(page, "Acknowledged", replay->fates[FATE_ANSWERED], "one letter a person");
	figure(page, "If vouched for", replay->fates[FATE_VOUCH], "hang on SPF, DKIM or DMARC");
	figure(page, "The same people again", replay->fates[FATE_AGAIN] + replay->fates[FATE_VOUCH_AGAIN], "not written to twice");
	figure(page, "Taken out for people", replay->lifted, "accounts, escalations, secrets");
	figure(page, "Silent", replay->fates[FATE_SILENT], "outage mail that nobody would answer");
	figure(page, "Left alone", replay->fates[FATE_OTHER], "no outage mail");
	figure(page, "Machine mail", replay->fates[FATE_MACHINE], "never answered");
	html_figures_end(page);
}

static void chart(GString *page, const Replay *replay)
{
	g_autofree double *outage = NULL, *all = NULL;
	g_autofree char *every = NULL, *ours = NULL, *any = NULL;
	const HtmlMark mark = { replay->resolved_at, "resolved" };
	gint64 from, step;
	guint n;

	replay_series(replay, &from, &step, &outage, &all, &n);
	if (n < 2)
		return;
	every = clock_format_duration(step * 1000);
	ours = g_strdup_printf("Outage mail of persons, every %s, in UTC", every);
	any = g_strdup_printf("All mail, every %s, in UTC", every);
	html_chart(page, ours, "How much outage mail of persons came, over time", from, step, outage, NULL, n, &mark, replay->resolved_at != 0);
	html_chart(page, any, "How much mail came in all, over time", from, step, all, NULL, n, &mark, replay->resolved_at != 0);
}

static void bars(GString *page, const char *caption, const char *head, GHashTable *table)
{
	g_autoptr(GArray) counts = replay_counts(table);
	g_autofree HtmlBar *rows = g_new0(HtmlBar, counts->len + 1);
	guint n = MIN(counts->len, 20);

	for (guint i = 0; i < n; i++)
		rows[i] = (HtmlBar){ g_array_index(counts, ReplayCount, i).name, g_array_index(counts, ReplayCount, i).count };
	if (n > 0)
		html_bars(page, caption, head, "Mails", rows, n);
}

static void reasons(GString *page, const Replay *replay)
{
	HtmlBar rows[REASONS];
	guint n = 0;

	for (guint reason = 0; reason < REASONS; reason++)
		if (replay->reasons[reason] > 0)
			rows[n++] = (HtmlBar){ reason_words(reason_name(reason)), replay->reasons[reason] };
	if (n > 0)
		html_bars(page, "Why outage mail would have had no acknowledgement (a mail counts under each reason)", "Reason", "Mails", rows, n);
}

static void table(GString *page, const char *caption, const char *why, const GPtrArray *lines, guint total)
{
	if (lines->len == 0)
		return;
	html_table_begin(page, caption);
	html_row(page, TRUE, 1u << 4, "Date", "From", "Subject", why, "Score", "Rules", "File", NULL);
	for (guint i = 0; i < lines->len && i < SHOWN; i++) {
		const ReplayLine *line = g_ptr_array_index(lines, i);
		g_autofree char *at = line->at != 0 ? clock_format(line->at) : g_strdup("no date");
		g_autofree char *score = g_strdup_printf("%.2f of %.2f", line->score, line->threshold);

		html_row(page, FALSE, 1u << 4, at, line->from, line->subject, line->why, score, line->rules, line->file, NULL);
	}
	html_table_end(page);
	if (total > SHOWN || total > lines->len) {
		g_autofree char *more = g_strdup_printf("and %u more", total - MIN(lines->len, SHOWN));

		html_paragraph(page, "note", more);
	}
}

static void fate_table(GString *page, const Replay *replay, const char *caption, Fate fate)
{
	table(page, caption, "Reasons", replay->lines[fate], replay->fates[fate]);
}

static void list(GString *page, const char *const *items)
{
	html_raw(page, "<ul>\n");
	for (; *items != NULL; items++) {
		html_raw(page, "<li>");
		html_text(page, *items);
		html_raw(page, "</li>\n");
	}
	html_raw(page, "</ul>\n");
}

static void advice(GString *page, const Replay *replay)
{
	g_autoptr(GPtrArray) items = replay_advice(replay);

	if (items->len == 0)
		return;
	g_ptr_array_add(items, NULL);
	html_section_begin(page, "advice", "Worth doing");
	list(page, (const char *const *)items->pdata);
	html_section_end(page);
}

static void lists(GString *page, const Replay *replay)
{
	html_section_begin(page, "lifted", "Taken out of the flood");
	table(page, "Mail for people, with what it was taken out for and its queue", "For", replay->lifted_lines, replay->lifted);
	if (replay->lifted == 0)
		html_paragraph(page, NULL, "None.");
	html_section_end(page);
	html_section_begin(page, "answered", "Acknowledged");
	fate_table(page, replay, "At once", FATE_ANSWERED);
	fate_table(page, replay, "If somebody vouches for the sender on arrival", FATE_VOUCH);
	html_section_end(page);
	html_section_begin(page, "left", "Left alone");
	fate_table(page, replay, "Outage mail of persons to whom nobody would say anything", FATE_SILENT);
	fate_table(page, replay, "Outage mail left to people", FATE_PEOPLE);
	fate_table(page, replay, "No outage mail", FATE_OTHER);
	fate_table(page, replay, "Machine mail", FATE_MACHINE);
	html_section_end(page);
	html_section_begin(page, "near", "Worth a look: near the threshold");
	table(page, "Taken for outage mail, the closest calls", "Reasons", replay->just_over, replay->just_over->len);
	table(page, "Not taken for outage mail, the closest calls", "Reasons", replay->just_under, replay->just_under->len);
	html_section_end(page);
}

GString *replay_page(const Replay *replay)
{
	GString *page = html_begin("A past outage by today's rules");

	html_section_begin(page, "summary", "Summary");
	summary(page, replay);
	chart(page, replay);
	html_section_end(page);
	advice(page, replay);
	html_section_begin(page, "figures", "Figures");
	reasons(page, replay);
	bars(page, "What mail was taken out of the flood for", "For", replay->kinds);
	bars(page, "Queues", "Queue", replay->queues);
	bars(page, "Languages of outage mail", "Language", replay->languages);
	bars(page, "Rules that outage mail was found by", "Rule", replay->rules);
	html_section_end(page);
	lists(page, replay);
	html_section_begin(page, "limits", "Not to be known from mail in files");
	list(page, replay_limits());
	html_section_end(page);
	html_end(page);
	return page;
}
