/* status-waiting: who waits for a person, and which notices are under way, as `outagectl status` shows them. Layer: program. */
#include <stdio.h>

#include "base/log.h"
#include "outagectl/status.h"
#include "outagectl/waiting.h"

#define LINES_MAX 20
#define JSON_MAX 1000

void status_notice_free(StatusNotice *notice)
{
	g_free(notice->incident);
	g_free(notice->id);
	stored_notice_free(notice->stored);
	g_free(notice);
}

/* The newest incident of each name, on or over: notices of its end and its post-mortem go on after that. */
static void read_notices(Cli *cli, Status *status)
{
	for (guint i = 0; i < status->snapshot->incidents->len && status->waiting_trouble == NULL; i++) {
		const Incident *incident = g_ptr_array_index(status->snapshot->incidents, i);
		g_autoptr(GError) error = NULL;
		g_autoptr(GPtrArray) notices = NULL;

		if (incident->state.id == NULL || incident->state.word == WORD_NONE)
			continue;
		notices = store_notices(cli->store, incident->state.id, &error);
		if (notices == NULL) {
			status->waiting_trouble = g_strdup(error->message);
			return;
		}
		g_ptr_array_set_free_func(notices, NULL);
		for (guint k = 0; k < notices->len; k++) {
			StatusNotice *notice = g_new0(StatusNotice, 1);

			notice->incident = g_strdup(incident->name);
			notice->id = g_strdup(incident->state.id);
			notice->stored = g_ptr_array_index(notices, k);
			g_ptr_array_add(status->notices, notice);
		}
	}
}

void status_read_waiting(Cli *cli, Status *status)
{
	g_autofree char *path = config_secret_path(cli->config);
	g_autoptr(Secret) secret = secret_load(path, false, NULL);
	g_autoptr(GError) error = NULL;

	status->notices = g_ptr_array_new_with_free_func((GDestroyNotify)status_notice_free);
	status->waiting = waiting_read(cli->store, secret, status->snapshot, &status->waiting_count, &error);
	if (status->waiting == NULL)
		status->waiting_trouble = g_strdup(error->message);
	else
		read_notices(cli, status);
}

guint status_overdue(const Status *status, const Waiting **first)
{
	guint count = 0;

	*first = NULL;
	for (guint i = 0; status->waiting != NULL && i < status->waiting->len; i++) {
		const Waiting *waiting = g_ptr_array_index(status->waiting, i);

		if (!waiting_is_overdue(waiting, status->now))
			continue;
		if (count++ == 0)
			*first = waiting;
	}
	return count;
}

void status_print_waiting(const Status *status)
{
	guint count = status->waiting != NULL ? status->waiting->len : 0;

	if (count > 0)
		printf("%u wait for a person, the largest accounts first:\n", status->waiting_count);
	for (guint i = 0; i < MIN(count, LINES_MAX); i++) {
		g_autofree char *line = waiting_line(g_ptr_array_index(status->waiting, i), status->now);

		printf("    %s\n", line);
	}
	if (count > LINES_MAX)
		printf("    and %u more\n", status->waiting_count - LINES_MAX);
	for (guint i = 0; status->notices != NULL && i < status->notices->len; i++) {
		const StatusNotice *notice = g_ptr_array_index(status->notices, i);
		g_autofree char *name = log_escape(notice->stored->name, 64);

		if (!notice->stored->done)
			printf("notice %s of %s is under way: %" G_GUINT64_FORMAT " told, %" G_GUINT64_FORMAT " left out so far\n", name,
			    notice->incident, notice->stored->told, notice->stored->left_out);
	}
}

static void json_number(JsonBuilder *builder, const char *name, guint64 value)
{
	json_builder_set_member_name(builder, name);
	json_builder_add_int_value(builder, (gint64)value);
}

static void json_bool(JsonBuilder *builder, const char *name, bool value)
{
	json_builder_set_member_name(builder, name);
	json_builder_add_boolean_value(builder, value);
}

static void json_one(JsonBuilder *builder, const Waiting *waiting, gint64 now)
{
	json_builder_begin_object(builder);
	cli_json_time(builder, "since", waiting->since);
	json_number(builder, "minutes", (guint64)(MAX(0, now - waiting->since) / 60));
	cli_json_string(builder, "account", waiting->account);
	cli_json_string(builder, "level", waiting->level);
	cli_json_string(builder, "kinds", waiting->kinds);
	cli_json_string(builder, "sender", waiting->sender);
	cli_json_string(builder, "subject", waiting->subject);
	cli_json_string(builder, "incident", waiting->incident);
	cli_json_string(builder, "queue", waiting->queue);
	cli_json_time(builder, "respond_by", waiting->respond_by);
	json_bool(builder, "overdue", waiting_is_overdue(waiting, now));
	json_number(builder, "calls", waiting->calls);
	cli_json_time(builder, "called_at", waiting->called_at);
	json_bool(builder, "signed", waiting->verified);
	json_builder_end_object(builder);
}

void status_json_waiting(JsonBuilder *builder, const Status *status)
{
	guint count = status->waiting != NULL ? status->waiting->len : 0;

	json_number(builder, "waiting_count", status->waiting != NULL ? status->waiting_count : 0);
	json_builder_set_member_name(builder, "waiting");
	json_builder_begin_array(builder);
	for (guint i = 0; i < MIN(count, JSON_MAX); i++)
		json_one(builder, g_ptr_array_index(status->waiting, i), status->now);
	json_builder_end_array(builder);
	json_builder_set_member_name(builder, "notices");
	json_builder_begin_array(builder);
	for (guint i = 0; status->notices != NULL && i < status->notices->len; i++) {
		const StatusNotice *notice = g_ptr_array_index(status->notices, i);

		json_builder_begin_object(builder);
		cli_json_string(builder, "incident", notice->incident);
		cli_json_string(builder, "id", notice->id);
		cli_json_string(builder, "name", notice->stored->name);
		json_bool(builder, "done", notice->stored->done);
		json_number(builder, "told", notice->stored->told);
		json_number(builder, "left_out", notice->stored->left_out);
		json_builder_end_object(builder);
	}
	json_builder_end_array(builder);
}
