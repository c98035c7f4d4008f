/* evaluate-print: the tables of `outagectl evaluate` (see cmd-evaluate.c), for people and as JSON. Layer: program. */
#include <stdio.h>

#include "outagectl/cli.h"
#include "outagectl/evaluate.h"

/* Of each kind. */
#define WORST 10
/* Lines of a table for people. */
#define PARTS 100

static const char *const by_names[MEASURES] = { "rules + model", "rules alone", "model alone" };
static const char *const by_keys[MEASURES] = { "both", "rules", "model" };

/* ---- for people ---- */

/* of: how many mails it is a share of; of none there is no share. */
static void print_share(int width, guint of, double share)
{
	if (of > 0)
		printf(" %*.3f", width, share);
	else
		printf(" %*s", width, "-");
}

static void print_counts(const char *name, Counts counts)
{
	guint outage = counts.hits + counts.missed;

	printf("%-16s %7u %7u", name, outage, counts.alarms + counts.passed);
	print_share(9, counts.hits + counts.alarms, counts_precision(counts));
	print_share(7, outage, counts_recall(counts));
	print_share(7, outage, counts_f1(counts));
	printf(" %8.2f %%", 100 * counts_false_alarms(counts));
}

static void print_head(const char *name)
{
	printf("\n%-16s %7s %7s %9s %7s %7s %10s", name, "outage", "other", "precision", "recall", "F1", "alarms");
}

static void print_parts(const GPtrArray *mails, const char *name, MeasureKey of)
{
	g_autoptr(GArray) parts = measure_parts(mails, of);

	print_head(name);
	printf("\n");
	for (guint i = 0; i < MIN(parts->len, PARTS); i++) {
		const MeasurePart *part = &g_array_index(parts, MeasurePart, i);

		print_counts(part->key, part->counts);
		printf("\n");
	}
	if (parts->len > PARTS)
		printf("... and %u more (all with --json)\n", parts->len - PARTS);
}

static void print_escalation(const GPtrArray *mails, const char *name)
{
	Counts counts = measure_escalation(mails, name);

	if (counts.hits + counts.missed + counts.alarms == 0)
		return;
	printf("%-16s %7u %7u", name != NULL ? name : "any of them", counts.hits + counts.missed, counts.hits + counts.alarms);
	print_share(9, counts.hits + counts.alarms, counts_precision(counts));
	print_share(7, counts.hits + counts.missed, counts_recall(counts));
	if (name != NULL)
		printf(" %15u", measure_escalation_elsewhere(mails, name));
	printf("\n");
}

static void print_escalations(const GPtrArray *mails)
{
	Counts any = measure_escalation(mails, NULL);
	guint known = any.hits + any.missed + any.alarms + any.passed;

	if (known == 0)
		return;
	printf("\n%-16s %7s %7s %9s %7s %15s\n", "escalation", "wanted", "found", "precision", "recall", "for another");
	for (const char *const *name = measure_escalations; *name != NULL; name++)
		print_escalation(mails, *name);
	print_escalation(mails, NULL);
	printf("Over the %u mails whose escalation is known; %u of them have none. \"For another\": wrong alarms on mails of which another\n"
	       "class is known.\n",
	       known, any.alarms + any.passed);
}

static void print_worst(const GPtrArray *mails, bool alarms)
{
	g_autoptr(GPtrArray) worst = measure_worst(mails, alarms, WORST);

	if (worst->len > 0)
		printf("\n%s\n", alarms ? "Worst false alarms" : "Worst missed");
	for (guint i = 0; i < worst->len; i++) {
		const Measured *mail = g_ptr_array_index(worst, i);

		printf("%5.1f = %.1f + %.1f  %s\n    rules: %s; words: %s\n    %s\n", mail->points[MEASURE_BOTH], mail->points[MEASURE_RULES],
		    mail->points[MEASURE_MODEL], mail->id, mail->rules, mail->words, mail->text);
	}
}

void evaluate_print_text(const GPtrArray *mails, const char *model)
{
	printf("%u mails; model: %s\n", mails->len, model != NULL ? model : "none");
	print_head("");
	printf(" %15s %15s %10s\n", "recall at 1 %", "at 1.5 % alarms", "best F1");
	for (MeasureBy by = 0; by < MEASURES; by++) {
		print_counts(by_names[by], measure_count(mails, by));
		printf(" %15.3f %15.3f %10.3f\n", measure_recall_at(mails, by, 0.01), measure_recall_at(mails, by, 0.015),
		    measure_best_f1(mails, by));
	}
	print_parts(mails, "language", measure_language);
	print_parts(mails, "source", measure_source);
	print_escalations(mails);
	print_worst(mails, true);
	print_worst(mails, false);
}

/* ---- as JSON ---- */

static void json_number(JsonBuilder *builder, const char *name, double value)
{
	json_builder_set_member_name(builder, name);
	json_builder_add_double_value(builder, value);
}

static void json_whole(JsonBuilder *builder, const char *name, guint value)
{
	json_builder_set_member_name(builder, name);
	json_builder_add_int_value(builder, value);
}

static void begin_named(JsonBuilder *builder, const char *name)
{
	json_builder_set_member_name(builder, name);
	json_builder_begin_object(builder);
}

static void json_counts(JsonBuilder *builder, Counts counts)
{
	json_whole(builder, "outage", counts.hits + counts.missed);
	json_whole(builder, "other", counts.alarms + counts.passed);
	json_number(builder, "precision", counts_precision(counts));
	json_number(builder, "recall", counts_recall(counts));
	json_number(builder, "f1", counts_f1(counts));
	json_number(builder, "false_alarms", counts_false_alarms(counts));
}

static void json_parts(JsonBuilder *builder, const GPtrArray *mails, const char *name, MeasureKey of)
{
	g_autoptr(GArray) parts = measure_parts(mails, of);

	begin_named(builder, name);
	for (guint i = 0; i < parts->len; i++) {
		const MeasurePart *part = &g_array_index(parts, MeasurePart, i);

		begin_named(builder, part->key);
		json_counts(builder, part->counts);
		json_builder_end_object(builder);
	}
	json_builder_end_object(builder);
}

static void json_escalation(JsonBuilder *builder, const GPtrArray *mails, const char *name)
{
	Counts counts = measure_escalation(mails, name);

	begin_named(builder, name != NULL ? name : "any");
	json_whole(builder, "wanted", counts.hits + counts.missed);
	json_whole(builder, "found", counts.hits + counts.alarms);
	json_number(builder, "precision", counts_precision(counts));
	json_number(builder, "recall", counts_recall(counts));
	if (name != NULL)
		json_whole(builder, "for_another", measure_escalation_elsewhere(mails, name));
	else
		json_whole(builder, "known", counts.hits + counts.missed + counts.alarms + counts.passed);
	json_builder_end_object(builder);
}

static void json_escalations(JsonBuilder *builder, const GPtrArray *mails)
{
	begin_named(builder, "escalation");
	for (const char *const *name = measure_escalations; *name != NULL; name++)
		json_escalation(builder, mails, *name);
	json_escalation(builder, mails, NULL);
	json_builder_end_object(builder);
}

static void json_worst(JsonBuilder *builder, const GPtrArray *mails, const char *name, bool alarms)
{
	g_autoptr(GPtrArray) worst = measure_worst(mails, alarms, WORST);

	json_builder_set_member_name(builder, name);
	json_builder_begin_array(builder);
	for (guint i = 0; i < worst->len; i++) {
		const Measured *mail = g_ptr_array_index(worst, i);

		json_builder_begin_object(builder);
		cli_json_string(builder, "id", mail->id);
		json_number(builder, "score", mail->points[MEASURE_BOTH]);
		json_number(builder, "rules_score", mail->points[MEASURE_RULES]);
		json_number(builder, "model_score", mail->points[MEASURE_MODEL]);
		cli_json_string(builder, "rules", mail->rules);
		cli_json_string(builder, "words", mail->words);
		cli_json_string(builder, "text", mail->text);
		json_builder_end_object(builder);
	}
	json_builder_end_array(builder);
}

void evaluate_print_json(const GPtrArray *mails, const char *model)
{
	g_autoptr(JsonBuilder) builder = json_builder_new();

	json_builder_begin_object(builder);
	json_whole(builder, "mails", mails->len);
	cli_json_string(builder, "model", model);
	for (MeasureBy by = 0; by < MEASURES; by++) {
		begin_named(builder, by_keys[by]);
		json_counts(builder, measure_count(mails, by));
		json_number(builder, "recall_at_1_percent", measure_recall_at(mails, by, 0.01));
		json_number(builder, "recall_at_1_5_percent", measure_recall_at(mails, by, 0.015));
		json_number(builder, "best_f1", measure_best_f1(mails, by));
		json_builder_end_object(builder);
	}
	json_parts(builder, mails, "language", measure_language);
	json_parts(builder, mails, "source", measure_source);
	json_escalations(builder, mails);
	json_worst(builder, mails, "worst_false_alarms", true);
	json_worst(builder, mails, "worst_missed", false);
	json_builder_end_object(builder);
	cli_print_json(builder, true);
}
