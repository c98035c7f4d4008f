/* cmd-notify: notices to those who wrote in (see notify.h), and the command that lists them. Layer: program.
 *
 * outagectl sends nothing itself. It leaves a signed order in the store; a replier takes it up and spreads it at notice.rate. */
#include "outagectl/notify.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "outagectl/ask.h"
#include "outagectl/texts.h"
#include "outagectl/whom.h"
#include "reply/sample.h"
#include "store/notes.h"

static const char *const what_names[] = {
	[NOTIFY_UPDATE] = "update", [NOTIFY_RESOLVED] = "resolved", [NOTIFY_POSTMORTEM] = "postmortem"
};

void notify_clear(Notify *notify)
{
	g_free(notify->include);
	secret_free(notify->secret);
	notice_free(notify->notice);
}

/*     LIST = kind *( "," kind )     kind = "legal" / "media" / "accounts" */
int notify_check(Notify *notify)
{
	g_auto(GStrv) kinds = g_strsplit(notify->include != NULL ? notify->include : "", ",", -1);

	if (!notify->notify && (notify->include != NULL || notify->contacts || notify->yes))
		return cli_usage("--include, --accounts and --yes go with --notify");
	for (char **kind = kinds; *kind != NULL; kind++) {
		const char *name = g_strstrip(*kind);

		if (strcmp(name, "legal") == 0)
			notify->legal = true;
		else if (strcmp(name, "media") == 0)
			notify->media = true;
		else if (strcmp(name, "accounts") == 0)
			notify->accounts = true;
		else
			return cli_usage("--include takes a list of legal, media and accounts, not \"%s\"", name);
	}
	return CLI_DONE;
}

int notify_read_files(const Config *config, Templates **templates, Secret **secret)
{
	g_autoptr(GPtrArray) mistakes = g_ptr_array_new_with_free_func(g_free);
	g_autofree char *path = config_secret_path(config);
	GError *error = NULL;
	int status;

	if (templates != NULL) {
		*templates = templates_load(config->template_dir, config->language, mistakes);
		for (guint i = 0; i < mistakes->len; i++)
			(void)cli_failed("%s", (const char *)g_ptr_array_index(mistakes, i));
		if (*templates == NULL || mistakes->len > 0)
			return mistakes->len > 0 ? CLI_FAILED : cli_failed("the templates in %s cannot be read", config->template_dir);
	}
	if (secret == NULL || (*secret = secret_load(path, false, &error)) != NULL)
		return CLI_DONE;
	status = cli_failed("what is to be sent has to be signed with the site's secret, as the user who may read it: %s", error->message);
	g_error_free(error);
	return status;
}

void notify_print_letter(const Composed *composed)
{
	g_autofree char *to = log_escape(composed->to, 0);

	printf("--- %s, %s\nSubject: %s\nTo: %s\n\n%s%s---\n", composed->kind, composed->language, composed->subject, to, composed->text,
	    g_str_has_suffix(composed->text, "\n") ? "" : "\n");
}

/* --- what is shown --- */

static int show_letter(Cli *cli, const Notify *notify, const Templates *templates, const Incident *incident)
{
	const Notice *notice = notify->notice;
	g_autofree char *kind = g_strdup_printf("notice-%.*s", (int)strcspn(notice->name, "-"), notice->name);
	g_autoptr(Job) job = sample_job(cli->config, incident, kind, cli->config->language, SAMPLE_BARE, notice->ordered_at);
	GError *error = NULL;
	g_autoptr(Composed) composed = NULL;

	g_free(job->request->letter);
	g_free(job->request->text);
	job->request->letter = g_strdup(notice->name);
	job->request->text = g_strdup(notice->text);
	composed = compose_letter(cli->config, templates, notify->secret, incident, job, notice->ordered_at, &error);
	if (composed == NULL)
		return cli_error(error);
	notify_print_letter(composed);
	return CLI_DONE;
}

static Notice *make_notice(const Cli *cli, const Notify *notify, const Incident *incident, NotifyWhat what, const char *text)
{
	Notice *notice = g_new0(Notice, 1);
	g_autofree char *stamp = NULL, *lower = NULL;

	notice->ordered_at = clock_now();
	stamp = clock_format_compact(notice->ordered_at);
	lower = g_ascii_strdown(stamp, -1);
	notice->name = g_strdup_printf("%s-%s", what_names[what], lower);
	notice->incident = g_strdup(incident->name);
	notice->id = g_strdup(incident->state.id);
	notice->epoch = incident->state.epoch;
	notice->text = g_strdup(text);
	notice->by = g_strdup(cli->by);
	notice->legal = notify->legal;
	notice->media = notify->media;
	notice->accounts = notify->accounts;
	notice->contacts = notify->contacts;
	return notice;
}

/* Two notices of a kind are mostly one too many. */
static void tell_of_earlier(Cli *cli, const Notice *notice, NotifyWhat what)
{
	g_autoptr(GPtrArray) notices = store_notices(cli->store, notice->id, NULL);
	g_autofree char *prefix = g_strconcat(what_names[what], "-", NULL);

	for (guint i = 0; notices != NULL && what != NOTIFY_UPDATE && i < notices->len; i++) {
		const StoredNotice *stored = g_ptr_array_index(notices, i);
		g_autofree char *name = log_escape(stored->name, 64);

		if (g_str_has_prefix(name, prefix))
			printf("ALREADY ORDERED: %s, which %" G_GUINT64_FORMAT " have been told so far; they would be told again\n", name,
			    stored->told);
	}
}

static void tell_whom(const Config *config, const Snapshot *snapshot, const Notice *notice, const Whom *whom)
{
	g_autofree char *left_out = whom_left_out(whom), *duration = whom_duration(whom->told, config->notice_rate);
	g_autofree char *pause = log_escape(snapshot->pause, 200);

	printf("goes to %u %s", whom->told, cli_people(whom->told));
	if (notice->contacts)
		printf(" (%u of them contacts of accounts who did not write)", whom->contacts);
	if (whom->told > 0)
		printf(", at most %" G_GINT64_FORMAT " a minute: %s", config->notice_rate, duration);
	printf("\n");
	if (*left_out != '\0')
		printf("left out are %u: %s\n", whom_left_out_count(whom), left_out);
	if (snapshot->pause != NULL)
		printf("PAUSED (%s): it waits, and leaves after outagectl resume\n", pause);
	if (config->mode != MODE_LIVE)
		printf("mode is SHADOW: NOBODY BUT CANARIES IS TOLD\n");
}

int notify_ask(Cli *cli, Notify *notify, const Snapshot *snapshot, const Incident *incident, NotifyWhat what, const char *text)
{
	g_autoptr(Templates) templates = NULL;
	g_autofree char *question = NULL;
	GError *error = NULL;
	Whom whom;
	int status = notify_read_files(cli->config, &templates, &notify->secret);

	if (status != CLI_DONE)
		return status;
	notify->notice = make_notice(cli, notify, incident, what, text);
	if ((status = show_letter(cli, notify, templates, incident)) != CLI_DONE)
		return status;
	if (!whom_count(cli->store, cli->config, notify->secret, notify->notice, &whom, &error))
		return cli_error(error);
	tell_of_earlier(cli, notify->notice, what);
	tell_whom(cli->config, snapshot, notify->notice, &whom);
	question = g_strdup_printf("Send to %u %s?", whom.told, cli_people(whom.told));
	return ask(question, notify->yes);
}

/* The state that the notice was shown for has to be the one that holds now. */
static int check_unchanged(Cli *cli, const Notice *notice)
{
	GError *error = NULL;
	g_autoptr(Snapshot) snapshot = store_snapshot(cli->store, NULL, &error);
	const Incident *incident;

	if (snapshot == NULL)
		return cli_error(error);
	incident = snapshot_find(snapshot, notice->incident);
	if (incident != NULL && g_strcmp0(incident->state.id, notice->id) == 0 && incident->state.epoch == notice->epoch &&
	    incident->state.word != WORD_NONE)
		return CLI_DONE;
	return cli_failed("%s has been ended or declared anew by somebody else meanwhile: NOBODY IS TOLD", notice->incident);
}

int notify_order(Cli *cli, Notify *notify)
{
	const Notice *notice = notify->notice;
	StoredNotice stored = { .name = notice->name };
	GError *error = NULL;
	int status = check_unchanged(cli, notice);
	bool ok;

	if (status != CLI_DONE)
		return status;
	stored.payload = notice_sign(notify->secret, notice, &stored.mac);
	ok = store_notice_add(cli->store, notice->id, &stored, cli->by, &error);
	g_free(stored.payload);
	g_free(stored.mac);
	if (!ok)
		return cli_error(error);
	printf("%s: %s is ordered; outagectl notices shows how far it has come\n", notice->incident, notice->name);
	return CLI_DONE;
}

/* --- the command notices --- */

static void print_notice(const Secret *secret, const StoredNotice *stored)
{
	g_autoptr(Notice) notice = secret != NULL ? notice_open(secret, stored, NULL) : NULL;
	g_autofree char *name = log_escape(stored->name, 64), *text = log_escape(notice != NULL ? notice->text : NULL, 200);
	g_autofree char *by = log_escape(notice != NULL ? notice->by : NULL, 64);
	g_autofree char *at = notice != NULL ? clock_format(notice->ordered_at) : NULL;

	printf("%s: %s, %" G_GUINT64_FORMAT " told, %" G_GUINT64_FORMAT " left out\n", name, stored->done ? "done" : "UNDER WAY",
	    stored->told, stored->left_out);
	if (notice != NULL)
		printf("    ordered %s by %s\n", at, by);
	else if (secret != NULL)
		printf("    NOT SIGNED with this site's secret: it is not sent\n");
	if (*text != '\0')
		printf("    %s\n", text);
}

static void print_notice_json(JsonBuilder *builder, const Secret *secret, const char *incident, const StoredNotice *stored)
{
	g_autoptr(Notice) notice = secret != NULL ? notice_open(secret, stored, NULL) : NULL;

	json_builder_begin_object(builder);
	cli_json_string(builder, "incident", incident);
	cli_json_string(builder, "name", stored->name);
	json_builder_set_member_name(builder, "done");
	json_builder_add_boolean_value(builder, stored->done);
	json_builder_set_member_name(builder, "told");
	json_builder_add_int_value(builder, (gint64)stored->told);
	json_builder_set_member_name(builder, "left_out");
	json_builder_add_int_value(builder, (gint64)stored->left_out);
	cli_json_time(builder, "ordered_at", notice != NULL ? notice->ordered_at : 0);
	cli_json_string(builder, "by", notice != NULL ? notice->by : NULL);
	cli_json_string(builder, "text", notice != NULL ? notice->text : NULL);
	json_builder_end_object(builder);
}

static void print_notices(const GPtrArray *notices, const Secret *secret, const char *name, bool json)
{
	g_autoptr(JsonBuilder) builder = json_builder_new();

	json_builder_begin_array(builder);
	for (guint i = 0; i < notices->len; i++) {
		if (json)
			print_notice_json(builder, secret, name, g_ptr_array_index(notices, i));
		else
			print_notice(secret, g_ptr_array_index(notices, i));
	}
	json_builder_end_array(builder);
	if (json)
		cli_print_json(builder, false);
	else if (notices->len == 0)
		printf("%s: no notice has been ordered\n", name);
}

int command_notices(Cli *cli, int argc, char **argv)
{
	gboolean json = FALSE;
	const GOptionEntry entries[] = {
		{ "json", 0, 0, G_OPTION_ARG_NONE, &json, "One JSON array", NULL },
		G_OPTION_ENTRY_NULL,
	};
	g_autoptr(Snapshot) snapshot = NULL;
	g_autoptr(GPtrArray) notices = NULL;
	g_autoptr(Secret) secret = NULL;
	g_autofree char *name = NULL, *path = NULL;
	const Incident *incident;
	GError *error = NULL;
	int status;

	if (!cli_options(cli, entries, "[NAME] - what those who wrote in have been told", &argc, &argv))
		return CLI_USAGE;
	if (argc > 2)
		return cli_usage("notices takes at most a NAME");
	if (!cli_store(cli))
		return CLI_FAILED;
	if ((snapshot = store_snapshot(cli->store, NULL, &error)) == NULL)
		return cli_error(error);
	if ((status = texts_pick_incident(cli->config, snapshot, argc == 2 ? argv[1] : NULL, true, clock_now(), &name)) != CLI_DONE)
		return status;
	incident = snapshot_find(snapshot, name);
	if (incident == NULL || incident->state.id == NULL)
		return cli_failed("there has been no incident of the name %s: outagectl log lists those there were", name);
	if ((notices = store_notices(cli->store, incident->state.id, &error)) == NULL)
		return cli_error(error);
	/* Whoever may not read the secret still sees how far they have come. */
	path = config_secret_path(cli->config);
	secret = secret_load(path, false, NULL);
	print_notices(notices, secret, name, json);
	return CLI_DONE;
}
