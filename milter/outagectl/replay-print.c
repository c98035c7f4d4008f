/* replay-print: a replay for a terminal and for programs. Layer: program. */
#include <stdio.h>

#include "base/clock.h"
#include "base/log.h"
#include "outagectl/cli.h"
#include "outagectl/replay.h"

#define SHOWN 10 /* lines of a list on a terminal */

/* 1234567 as "1,234,567"; caller frees. */
static char *number(guint value)
{
	GString *text = g_string_new(NULL);

	g_string_printf(text, "%u", value);
	for (gssize at = (gssize)text->len - 3; at > 0; at -= 3)
		g_string_insert_c(text, at, ',');
	return g_string_free(text, FALSE);
}

static void print_number(guint value, const char *words)
{
	g_autofree char *shown = number(value);

	printf("%10s  %s\n", shown, words);
}

/* "a 12, b 3", and how many more. Caller frees. */
static char *list_of(GHashTable *table, guint max)
{
	g_autoptr(GArray) counts = replay_counts(table);
	GString *list = g_string_new(NULL);

	for (guint i = 0; i < counts->len && i < max; i++) {
		const ReplayCount *one = &g_array_index(counts, ReplayCount, i);
		g_autofree char *shown = log_escape(one->name, 100), *n = number(one->count);

		g_string_append_printf(list, "%s%s %s", i > 0 ? ", " : "", shown, n);
	}
	if (counts->len > max)
		g_string_append_printf(list, " and %u more", counts->len - max);
	return g_string_free(list, FALSE);
}

static void print_counts(const char *title, GHashTable *table)
{
	g_autofree char *list = list_of(table, 12);

	if (*list != '\0')
		printf("%s: %s\n", title, list);
}

static void print_reasons(const Replay *replay)
{
	const char *between = "Against an acknowledgement of outage mail (a mail counts under each): ";

	for (guint reason = 0; reason < REASONS; reason++) {
		g_autofree char *n = number(replay->reasons[reason]);

		if (replay->reasons[reason] == 0)
			continue;
		printf("%s%s %s", between, reason_name(reason), n);
		between = ", ";
	}
	printf("%s", *between == ',' ? "\n" : "");
}

static void print_line(const ReplayLine *line)
{
	g_autofree char *at = line->at != 0 ? clock_format(line->at) : g_strdup("(no date)");

	printf("  %s  %s  \"%s\"\n      %.2f of %.2f%s%s%s%s  %s\n", at, line->from, line->subject, line->score, line->threshold,
	    *line->why != '\0' ? "  " : "", line->why, *line->rules != '\0' ? "  rules: " : "", line->rules, line->file);
}

/* total: how many there are, of which lines holds some. */
static void print_lines(const char *title, const GPtrArray *lines, guint total)
{
	if (lines->len == 0)
		return;
	printf("\n%s\n", title);
	for (guint i = 0; i < lines->len && i < SHOWN; i++)
		print_line(g_ptr_array_index(lines, i));
	if (total > SHOWN)
		printf("  and %u more%s\n", total - SHOWN, lines->len > SHOWN ? " (--json and --html list them)" : "");
}

static void print_head(const Replay *replay)
{
	g_autofree char *n = number(replay_count(replay)), *from = clock_format(replay->from), *to = clock_format(replay->to);

	printf("%s mails", n);
	if (replay->from != 0)
		printf(", %s to %s", from, to);
	printf(", as if a %s were on\n", word_name(replay->word));
	if (replay->outside > 0)
		printf("(%u more were not of the time that was asked for)\n", replay->outside);
	printf("\n");
}

static void print_fates(const Replay *replay)
{
	for (Fate fate = 0; fate < FATES; fate++) {
		g_autofree char *people = NULL;

		if (fate == FATE_ANSWERED || fate == FATE_VOUCH)
			people = g_strdup_printf("%s, one letter a person", fate_words(fate));
		print_number(replay->fates[fate], people != NULL ? people : fate_words(fate));
	}
	printf("\n");
	print_number(replay->lifted, "of these taken out of the flood for people");
	printf("\n");
}

void replay_print_text(const Replay *replay)
{
	g_autoptr(GPtrArray) advice = replay_advice(replay);

	print_head(replay);
	print_fates(replay);
	print_counts("Taken out for", replay->kinds);
	print_reasons(replay);
	print_counts("Queues", replay->queues);
	print_counts("Languages of outage mail", replay->languages);
	print_counts("Rules of outage mail", replay->rules);
	printf("Hanging on who vouches for the sender: %u mails. Trusted Authentication-Results: in %u of %u mails.\n",
	    replay->fates[FATE_VOUCH] + replay->fates[FATE_VOUCH_AGAIN], replay->trusted, replay_count(replay));
	print_lines("Taken out of the flood:", replay->lifted_lines, replay->lifted);
	print_lines("Outage mail to whom nobody would say anything:", replay->lines[FATE_SILENT], replay->fates[FATE_SILENT]);
	print_lines("Taken for outage mail, the closest calls:", replay->just_over, replay->just_over->len);
	print_lines("Not taken for outage mail, the closest calls:", replay->just_under, replay->just_under->len);
	if (advice->len > 0)
		printf("\nWorth doing:\n");
	for (guint i = 0; i < advice->len; i++)
		printf("  - %s\n", (const char *)g_ptr_array_index(advice, i));
	printf("\nNot to be known from mail in files:\n");
	for (const char *const *limit = replay_limits(); *limit != NULL; limit++)
		printf("  - %s\n", *limit);
}

/* ---- JSON ---- */

static void json_table(JsonBuilder *builder, const char *name, GHashTable *table)
{
	g_autoptr(GArray) counts = replay_counts(table);

	json_builder_set_member_name(builder, name);
	json_builder_begin_object(builder);
	for (guint i = 0; i < counts->len; i++) {
		const ReplayCount *one = &g_array_index(counts, ReplayCount, i);
		g_autofree char *shown = log_escape(one->name, 0);

		cli_json_int(builder, shown, one->count);
	}
	json_builder_end_object(builder);
}

static void json_line(JsonBuilder *builder, const ReplayLine *line)
{
	json_builder_begin_object(builder);
	cli_json_string(builder, "file", line->file);
	cli_json_time(builder, "at", line->at);
	cli_json_string(builder, "from", line->from);
	cli_json_string(builder, "subject", line->subject);
	cli_json_string(builder, "why", line->why);
	cli_json_string(builder, "rules", line->rules);
	json_builder_set_member_name(builder, "score");
	json_builder_add_double_value(builder, line->score);
	json_builder_set_member_name(builder, "threshold");
	json_builder_add_double_value(builder, line->threshold);
	json_builder_end_object(builder);
}

static void json_lines(JsonBuilder *builder, const char *name, const GPtrArray *lines)
{
	json_builder_set_member_name(builder, name);
	json_builder_begin_array(builder);
	for (guint i = 0; i < lines->len; i++)
		json_line(builder, g_ptr_array_index(lines, i));
	json_builder_end_array(builder);
}

static void json_counts(JsonBuilder *builder, const Replay *replay)
{
	json_builder_set_member_name(builder, "fates");
	json_builder_begin_object(builder);
	for (Fate fate = 0; fate < FATES; fate++)
		cli_json_int(builder, fate_name(fate), replay->fates[fate]);
	json_builder_end_object(builder);
	cli_json_int(builder, "people_answered", replay->people[0]);
	cli_json_int(builder, "people_if_vouched", replay->people[1]);
	cli_json_int(builder, "lifted", replay->lifted);
	json_builder_set_member_name(builder, "reasons");
	json_builder_begin_object(builder);
	for (guint reason = 0; reason < REASONS; reason++)
		if (replay->reasons[reason] > 0)
			cli_json_int(builder, reason_name(reason), replay->reasons[reason]);
	json_builder_end_object(builder);
	json_table(builder, "kinds", replay->kinds);
	json_table(builder, "queues", replay->queues);
	json_table(builder, "languages", replay->languages);
	json_table(builder, "rules", replay->rules);
	cli_json_int(builder, "authentication_results", replay->authres);
	cli_json_int(builder, "authentication_results_trusted", replay->trusted);
	json_table(builder, "authentication_ids_not_trusted", replay->ids);
}

void replay_print_json(const Replay *replay)
{
	g_autoptr(JsonBuilder) builder = json_builder_new();
	g_autoptr(GPtrArray) advice = replay_advice(replay);

	json_builder_begin_object(builder);
	cli_json_int(builder, "mails", replay_count(replay));
	cli_json_int(builder, "outside", replay->outside);
	cli_json_int(builder, "undated", replay->undated);
	cli_json_time(builder, "from", replay->from);
	cli_json_time(builder, "to", replay->to);
	cli_json_string(builder, "severity", word_name(replay->word));
	cli_json_time(builder, "resolved_at", replay->resolved_at);
	json_counts(builder, replay);
	json_builder_set_member_name(builder, "lists");
	json_builder_begin_object(builder);
	for (Fate fate = 0; fate < FATES; fate++)
		json_lines(builder, fate_name(fate), replay->lines[fate]);
	json_lines(builder, "lifted", replay->lifted_lines);
	json_lines(builder, "just_over", replay->just_over);
	json_lines(builder, "just_under", replay->just_under);
	json_builder_end_object(builder);
	cli_json_list(builder, "advice", advice);
	json_builder_end_object(builder);
	cli_print_json(builder, true);
}
