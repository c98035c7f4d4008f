/* cmd-preview: shows the acknowledgements as customers would get them. Layer: program. The replier's own composing code. */
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/secret.h"
#include "outagectl/cli.h"
#include "reply/compose.h"

typedef struct {
	char *incident, *kind, *language, *account;
	char *account_template; /* what the account named wants, or NULL */
	Config *config;
	Templates *templates;
	Secret *secret;
	gint64 now;
	guint shown;
	bool account_found;
} Preview;

/* An incident with nothing but a word, as after a bare SET. */
static Incident *bare_incident(Word word, gint64 now)
{
	Incident *incident = incident_new("default");

	(void)incident_transition(&incident->state, "default", word == WORD_RESOLVED ? WORD_P1 : word, now, 0);
	(void)incident_transition(&incident->state, "default", word, now, 0);
	return incident;
}

/* A customer who does not exist wrote a mail that was not sent. */
static Job *sample_job(const Preview *preview, const Incident *incident, const char *kind, const char *language)
{
	const SupportAddress *support = preview->config->support[0];
	Job *job = g_new0(Job, 1);
	ClaimRequest *request = g_new0(ClaimRequest, 1);

	job->token = g_strdup("preview");
	job->request = request;
	request->incident = g_strdup(incident->name);
	request->id = g_strdup(incident->state.id);
	request->word = incident->state.word;
	request->resolved = incident->state.word == WORD_RESOLVED;
	request->sender = g_strdup("customer@example.com");
	request->to = g_strdup("customer@example.com");
	if (support != NULL && support->address != NULL)
		request->support = g_strdup(support->address);
	else
		request->support = g_strconcat("support@", support != NULL ? support->domain : "example.com", NULL);
	request->template_name = g_strdup(kind != NULL ? kind : preview->account_template);
	request->language = g_strdup(language);
	request->account = g_strdup(preview->account);
	request->subject = g_strdup("Your service does not answer");
	request->message_id = g_strdup("<question@example.com>");
	request->written_at = preview->now;
	return job;
}

static bool show(Preview *preview, const Incident *incident, const char *kind, const char *language)
{
	g_autoptr(Job) job = sample_job(preview, incident, kind, language);
	g_autoptr(GError) error = NULL;
	g_autoptr(Composed) composed =
	    compose_ack(preview->config, preview->templates, preview->secret, incident, job, preview->now, &error);

	if (composed == NULL) {
		(void)cli_failed("%s in %s: %s", kind != NULL ? kind : word_name(incident->state.word), language, error->message);
		return false;
	}
	printf("%s--- %s, %s, %s (%s)\n", preview->shown++ > 0 ? "\n" : "", composed->kind, composed->language,
	    word_name(incident->state.word), incident->name);
	printf("Subject: %s\nTo: %s\n\n%s", composed->subject, composed->to, composed->text);
	return true;
}

/* In which languages: the one asked for, or all there are. */
static bool show_languages(Preview *preview, const Incident *incident, const char *kind)
{
	g_autoptr(GPtrArray) all = templates_languages(preview->templates);
	bool ok = true;

	if (preview->language != NULL)
		return show(preview, incident, kind, preview->language);
	for (guint i = 0; i < all->len; i++)
		ok = show(preview, incident, kind, g_ptr_array_index(all, i)) && ok;
	return ok;
}

/* What is on now; without a reachable store or an incident, every word as after a bare SET. */
static bool show_current(Preview *preview, Cli *cli)
{
	g_autoptr(Store) store = store_open(cli->config, g_get_host_name(), NULL);
	g_autoptr(Snapshot) snapshot = store != NULL ? store_snapshot(store, NULL, NULL) : NULL;
	bool ok = true, any = false;

	for (guint i = 0; snapshot != NULL && i < snapshot->incidents->len; i++) {
		const Incident *incident = g_ptr_array_index(snapshot->incidents, i);

		if (!incident_is_active(incident, preview->now, cli->config->resolved_for / 1000))
			continue;
		any = true;
		ok = show_languages(preview, incident, preview->kind) && ok;
	}
	for (Word word = WORD_P1; !any && word <= WORD_RESOLVED; word++) {
		g_autoptr(Incident) incident = bare_incident(word, preview->now);

		ok = show_languages(preview, incident, preview->kind) && ok;
	}
	return ok;
}

static void take_account(const Account *account, gpointer data)
{
	Preview *preview = data;

	if (strcmp(account->name, preview->account) != 0)
		return;
	preview->account_found = true;
	if (preview->language == NULL)
		preview->language = g_strdup(account->language);
	if (preview->account_template == NULL)
		preview->account_template = g_strdup(account->template_name);
}

/* The account named by --account brings its language and its template. */
static int find_account(Cli *cli, Preview *preview)
{
	g_autoptr(Accounts) accounts = NULL;
	GError *error = NULL;

	if (preview->account == NULL)
		return CLI_DONE;
	if (!cli_store(cli))
		return CLI_FAILED;
	accounts = store_accounts(cli->store, NULL, &error);
	if (accounts == NULL)
		return cli_error(error);
	accounts_foreach(accounts, take_account, preview);
	return preview->account_found ? CLI_DONE : cli_failed("there is no account \"%s\"", preview->account);
}

static int prepare(Cli *cli, Preview *preview)
{
	g_autoptr(GPtrArray) mistakes = g_ptr_array_new_with_free_func(g_free);
	g_autofree char *path = NULL;

	if (!cli_config(cli))
		return CLI_FAILED;
	preview->config = cli->config;
	preview->now = clock_now();
	preview->templates = templates_load(cli->config->template_dir, cli->config->language, mistakes);
	for (guint i = 0; i < mistakes->len; i++)
		(void)cli_failed("%s", (const char *)g_ptr_array_index(mistakes, i));
	if (preview->templates == NULL || mistakes->len > 0)
		return CLI_FAILED;
	if (preview->kind != NULL && !templates_have(preview->templates, preview->kind, cli->config->language))
		return cli_usage("there is no template \"%s\"", preview->kind);
	if (preview->language != NULL && !templates_have(preview->templates, "ack-P1", preview->language))
		(void)cli_failed("there are no templates in \"%s\": shown in %s", preview->language, cli->config->language);
	path = config_secret_path(cli->config);
	/* Nobody gets this mail: without the site's secret any other makes its Message-ID. */
	preview->secret = secret_load(path, false, NULL);
	if (preview->secret == NULL)
		preview->secret = secret_generate();
	return CLI_DONE;
}

static void preview_clear(Preview *preview)
{
	templates_unref(preview->templates);
	secret_free(preview->secret);
	g_free(preview->incident);
	g_free(preview->kind);
	g_free(preview->language);
	g_free(preview->account);
	g_free(preview->account_template);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Preview, preview_clear)

int command_preview(Cli *cli, int argc, char **argv)
{
	g_auto(Preview) preview = { 0 };
	const GOptionEntry entries[] = {
		{ "incident", 0, 0, G_OPTION_ARG_STRING, &preview.incident, "As after a bare SET of this word", "P1|P2|P3|resolved" },
		{ "kind", 0, 0, G_OPTION_ARG_STRING, &preview.kind, "This template", "KIND" },
		{ "language", 0, 0, G_OPTION_ARG_STRING, &preview.language, "Only this language", "TAG" },
		{ "account", 0, 0, G_OPTION_ARG_STRING, &preview.account, "As for this account", "NAME" },
		G_OPTION_ENTRY_NULL,
	};
	g_autoptr(Incident) incident = NULL;
	Word word;
	int status;

	if (!cli_options(cli, entries, "- the acknowledgements as customers would get them", &argc, &argv))
		return CLI_USAGE;
	if (argc > 1)
		return cli_usage("preview takes no argument");
	if (preview.incident != NULL && (!word_parse(preview.incident, -1, &word) || word == WORD_NONE))
		return cli_usage("--incident takes P1, P2, P3 or resolved, not \"%s\"", preview.incident);
	if ((status = prepare(cli, &preview)) != CLI_DONE || (status = find_account(cli, &preview)) != CLI_DONE)
		return status;
	if (preview.incident == NULL)
		return show_current(&preview, cli) ? CLI_DONE : CLI_FAILED;
	incident = bare_incident(word, preview.now);
	return show_languages(&preview, incident, preview.kind) ? CLI_DONE : CLI_FAILED;
}
