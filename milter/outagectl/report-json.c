/* report-json: the debrief as one JSON object; every key is always there, and what is unknown is null. Layer: program. See report.h. */
#include <math.h>

#include "outagectl/report.h"

static void add_mean(JsonBuilder *builder, double mean)
{
	if (isnan(mean))
		json_builder_add_null_value(builder);
	else
		json_builder_add_double_value(builder, mean);
}

static void mean(JsonBuilder *builder, const char *name, double value)
{
	json_builder_set_member_name(builder, name);
	add_mean(builder, value);
}

static void truth(JsonBuilder *builder, const char *name, bool value)
{
	json_builder_set_member_name(builder, name);
	json_builder_add_boolean_value(builder, value);
}

static void begin(JsonBuilder *builder, const char *name)
{
	json_builder_set_member_name(builder, name);
	json_builder_begin_object(builder);
}

static void begin_list(JsonBuilder *builder, const char *name)
{
	json_builder_set_member_name(builder, name);
	json_builder_begin_array(builder);
}

static void add_incident(JsonBuilder *builder, const Report *report)
{
	cli_json_string(builder, "incident", report->name);
	cli_json_string(builder, "id", report->id);
	cli_json_time(builder, "at", report->now);
	truth(builder, "open", report->open);
	cli_json_string(builder, "severity", word_is_open(report->severity) ? word_name(report->severity) : NULL);
	cli_json_time(builder, "declared_at", report->begin);
	cli_json_time(builder, "reopened_at", report->state.reopened_at);
	cli_json_time(builder, "resolved_at", report->state.resolved_at);
	cli_json_time(builder, "ended_at", report->state.ended_at);
	cli_json_known(builder, "open_seconds", report->open || report->end != 0,
	    (gint64)((report->end != 0 ? report->end : report->now) - report->begin));
	begin(builder, "texts");
	for (TextField field = 0; field < TEXT_FIELDS; field++)
		cli_json_string(builder, text_field_name(field), report->texts[field]);
	json_builder_end_object(builder);
}

static void add_summary(JsonBuilder *builder, const Report *report)
{
	g_autoptr(GPtrArray) sentences = report_sentences(report);

	cli_json_list(builder, "summary", sentences);
	cli_json_list(builder, "unread", report->unread);
}

static void add_timeline(JsonBuilder *builder, const Report *report)
{
	begin_list(builder, "timeline");
	for (guint i = 0; i < report->events->len; i++) {
		const StoreEvent *event = g_ptr_array_index(report->events, i);
		g_autofree char *words = report_event(event);

		json_builder_begin_object(builder);
		cli_json_time(builder, "at", event->at);
		cli_json_string(builder, "what", event->what);
		cli_json_string(builder, "words", words);
		cli_json_string(builder, "by", event->by);
		cli_json_string(builder, "detail", event->detail);
		json_builder_end_object(builder);
	}
	json_builder_end_array(builder);
}

static void add_promises(JsonBuilder *builder, const Report *report)
{
	begin_list(builder, "promises");
	for (guint i = 0; i < report->gaps->len; i++) {
		const ReportGap *gap = &g_array_index(report->gaps, ReportGap, i);

		json_builder_begin_object(builder);
		cli_json_time(builder, "from", gap->from);
		cli_json_time(builder, "promised", gap->promised);
		cli_json_string(builder, "promised_by", gap->promised == 0 ? NULL : gap->by_rule ? "playbook" : "next_update_at");
		cli_json_time(builder, "said", gap->said);
		cli_json_known(builder, "overdue_minutes", gap->promised != 0, gap->overdue / 60);
		json_builder_end_object(builder);
	}
	json_builder_end_array(builder);
}

static void add_mail(JsonBuilder *builder, const Report *report)
{
	const ReportVolume *volume = &report->volume;

	begin(builder, "mail");
	cli_json_known(builder, "support", report->all != NULL, report->mail);
	cli_json_known(builder, "matched", report->minutes != NULL, report->matched);
	cli_json_known(builder, "customers", report->threads != NULL, report->responses.customers);
	cli_json_known(builder, "senders", report->distinct_known, report->senders);
	cli_json_known(builder, "accounts", report->distinct_known, report->distinct_accounts);
	json_builder_end_object(builder);
	begin(builder, "surge");
	mean(builder, "peak_a_minute", report->peak);
	cli_json_time(builder, "peak_at", report->peak_at);
	mean(builder, "expected_a_minute", report->expected);
	mean(builder, "factor", report->factor);
	json_builder_end_object(builder);
	begin(builder, "volume");
	cli_json_time(builder, "from", volume->from);
	cli_json_int(builder, "step_seconds", volume->step);
	begin_list(builder, "steps");
	for (guint i = 0; i < volume->n; i++) {
		json_builder_begin_object(builder);
		mean(builder, "mail", volume->mail[i]);
		mean(builder, "matched", volume->matched[i]);
		mean(builder, "expected", volume->expected[i]);
		json_builder_end_object(builder);
	}
	json_builder_end_array(builder);
	json_builder_end_object(builder);
}

static void add_answers(JsonBuilder *builder, const Report *report)
{
	const StatsResponses *responses = &report->responses;
	bool known = report->threads != NULL && report->observable, any = known && responses->answered > 0;

	begin(builder, "receipts");
	cli_json_known(builder, "queued", report->counters != NULL, report->queued);
	cli_json_known(builder, "sent", report->counters != NULL, report->sent);
	cli_json_known(builder, "withdrawn", report->counters != NULL, report->withdrawn);
	cli_json_known(builder, "shadow", report->minutes != NULL, report->shadow);
	cli_json_known(builder, "notices_sent", report->counters != NULL, report->told);
	json_builder_end_object(builder);
	begin(builder, "first_responses");
	truth(builder, "observable", known);
	cli_json_known(builder, "answered", known, responses->answered);
	cli_json_known(builder, "unanswered", known, responses->unanswered);
	cli_json_known(builder, "wrote_again", known, responses->wrote_again);
	cli_json_known(builder, "mails_again", known, responses->again);
	cli_json_known(builder, "median_seconds", any, responses->median);
	cli_json_known(builder, "p90_seconds", any, responses->p90);
	cli_json_known(builder, "p99_seconds", any, responses->p99);
	cli_json_known(builder, "waiting_now", report->waiting_known, report->waiting);
	json_builder_end_object(builder);
}

static void add_counts(JsonBuilder *builder, const char *name, bool known, const GPtrArray *counts)
{
	json_builder_set_member_name(builder, name);
	if (!known) {
		json_builder_add_null_value(builder);
		return;
	}
	json_builder_begin_object(builder);
	for (guint i = 0; i < counts->len; i++) {
		const ReportCount *count = g_ptr_array_index(counts, i);

		cli_json_int(builder, count->name, count->n);
	}
	json_builder_end_object(builder);
}

static void add_accounts(JsonBuilder *builder, const Report *report)
{
	json_builder_set_member_name(builder, "accounts");
	if (!report_accounts_known(report) && report->accounts->len == 0) {
		json_builder_add_null_value(builder);
		return;
	}
	json_builder_begin_array(builder);
	for (guint i = 0; i < report->accounts->len; i++) {
		const ReportAccount *account = g_ptr_array_index(report->accounts, i);

		json_builder_begin_object(builder);
		cli_json_string(builder, "account", account->name);
		cli_json_int(builder, "mails", account->mails);
		cli_json_known(builder, "people", account->first_at != 0, account->people);
		cli_json_time(builder, "first_mail", account->first_at);
		cli_json_time(builder, "first_answer", account->answered_at);
		cli_json_known(builder, "minutes_waited", account->waited >= 0, (gint64)MAX(0, account->waited) / 60);
		cli_json_known(builder, "still_waiting", report->observable && account->first_at != 0, account->waiting);
		cli_json_known(builder, "mails_again", report->observable && account->first_at != 0, account->again);
		json_builder_end_object(builder);
	}
	json_builder_end_array(builder);
}

static void add_rest(JsonBuilder *builder, const Report *report)
{
	bool wave = report->wave_from != 0;

	begin(builder, "second_wave");
	cli_json_time(builder, "from", report->wave_from);
	cli_json_time(builder, "to", report->wave_to);
	cli_json_known(builder, "support", wave && report->all != NULL, report->wave_mail);
	cli_json_known(builder, "matched", wave && report->minutes != NULL, report->wave_matched);
	cli_json_known(builder, "customers", wave && report->threads != NULL, report->wave_people);
	cli_json_known(builder, "still_affected", wave && report->minutes != NULL, report->wave_affected);
	json_builder_end_object(builder);
	begin_list(builder, "notices");
	for (guint i = 0; report->notices != NULL && i < report->notices->len; i++) {
		const StoredNotice *notice = g_ptr_array_index(report->notices, i);

		json_builder_begin_object(builder);
		cli_json_string(builder, "name", notice->name);
		truth(builder, "done", notice->done);
		cli_json_int(builder, "told", notice->told);
		cli_json_int(builder, "left_out", notice->left_out);
		json_builder_end_object(builder);
	}
	json_builder_end_array(builder);
}

void report_print_json(const Report *report)
{
	g_autoptr(JsonBuilder) builder = json_builder_new();
	bool counted = report->minutes != NULL;

	json_builder_begin_object(builder);
	add_incident(builder, report);
	add_summary(builder, report);
	add_timeline(builder, report);
	add_promises(builder, report);
	add_mail(builder, report);
	add_answers(builder, report);
	add_counts(builder, "held_back", counted || report->counters != NULL, report->held);
	add_counts(builder, "escalations", counted, report->escalated);
	add_counts(builder, "sensitive", counted, report->sensitive);
	add_counts(builder, "languages", counted, report->languages);
	add_counts(builder, "rules", counted, report->rules);
	add_accounts(builder, report);
	add_rest(builder, report);
	json_builder_end_object(builder);
	cli_print_json(builder, true);
}
