/* cmd-preview: shows the letters as customers and our own people would get them, and what is wrong with their texts. Layer: program. The
 * replier's own composing code. */
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/secret.h"
#include "outagectl/cli.h"
#include "reply/compose.h"
#include "reply/lint.h"
#include "reply/sample.h"

typedef struct {
	char *incident, *kind, *language, *account;
	char *account_template; /* what the account named wants, or NULL */
	char *account_level;    /* or NULL */
	gboolean all;
	Config *config;
	Templates *templates;
	Secret *secret;
	gint64 now;
	guint shown;
	bool account_found;
} Preview;

/* Who writes is the account named. */
static void take_over(ClaimRequest *request, const Preview *preview, const char *kind)
{
	g_free(request->account);
	g_free(request->level);
	request->account = g_strdup(preview->account);
	request->level = g_strdup(preview->account_level);
	if (kind == NULL) {
		g_free(request->template_name);
		request->template_name = g_strdup(preview->account_template);
	}
}

static bool show(Preview *preview, const Incident *incident, const char *kind, const char *language, SampleFill fill)
{
	g_autoptr(Job) job = sample_job(preview->config, incident, kind, language, fill, preview->now);
	g_autoptr(GError) error = NULL;
	g_autoptr(Composed) composed = NULL;

	if (preview->account != NULL)
		take_over(job->request, preview, kind);
	composed = compose_letter(preview->config, preview->templates, preview->secret, incident, job, preview->now, &error);
	if (composed == NULL) {
		(void)cli_failed("%s in %s: %s", kind != NULL ? kind : word_name(incident->state.word), language, error->message);
		return false;
	}
	printf("%s--- %s, %s, %s (%s)%s\n", preview->shown++ > 0 ? "\n" : "", composed->kind, composed->language,
	    word_name(incident->state.word), incident->name, fill == SAMPLE_FULL ? ", everything set" : "");
	printf("Subject: %s\n%s%s%s\n%s", composed->subject, preview->all ? "" : "To: ", preview->all ? "" : composed->to,
	    preview->all ? "" : "\n", composed->text);
	if (composed->html != NULL)
		printf("\n%s\n", composed->html);
	return true;
}

/* In which languages: the one asked for, or all there are. */
static bool show_languages(Preview *preview, const Incident *incident, const char *kind)
{
	g_autoptr(GPtrArray) all = templates_languages(preview->templates);
	bool ok = true;

	if (preview->language != NULL)
		return show(preview, incident, kind, preview->language, SAMPLE_BARE);
	for (guint i = 0; i < all->len; i++)
		ok = show(preview, incident, kind, g_ptr_array_index(all, i), SAMPLE_BARE) && ok;
	return ok;
}

static bool show_kind(Preview *preview, const char *kind, const char *language)
{
	bool ok = true;

	for (SampleFill fill = SAMPLE_BARE; fill <= SAMPLE_FULL; fill++) {
		g_autoptr(Incident) incident = sample_incident(preview->config, sample_word(kind), fill, preview->now);

		ok = show(preview, incident, kind, language, fill) && ok;
	}
	return ok;
}

/* Every kind there is, or the one asked for. */
static bool show_kinds(Preview *preview, const char *language)
{
	g_autoptr(GPtrArray) kinds = templates_kinds(preview->templates);
	bool ok = true;

	if (preview->kind != NULL)
		return show_kind(preview, preview->kind, language);
	for (guint i = 0; i < kinds->len; i++)
		ok = show_kind(preview, g_ptr_array_index(kinds, i), language) && ok;
	return ok;
}

/* In every language, or the one asked for: after a bare SET, and with everything set. */
static bool show_all(Preview *preview)
{
	g_autoptr(GPtrArray) languages = templates_languages(preview->templates);
	bool ok = true;

	preview->all = true;
	if (preview->language != NULL)
		return show_kinds(preview, preview->language);
	for (guint i = 0; i < languages->len; i++)
		ok = show_kinds(preview, g_ptr_array_index(languages, i)) && ok;
	return ok;
}

/* What an account gets, by the template that it has. */
static bool show_words(Preview *preview)
{
	bool ok = true;

	for (Word word = WORD_P1; word <= WORD_RESOLVED; word++) {
		g_autoptr(Incident) incident = sample_incident(preview->config, word, SAMPLE_BARE, preview->now);

		ok = show_languages(preview, incident, preview->kind) && ok;
	}
	return ok;
}

/* What is on now; without a reachable store or an incident, all that there may be. */
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
	if (any)
		return ok;
	return preview->account != NULL ? show_words(preview) : show_all(preview);
}

/* The mistakes that `outage-milter -t` would find in the texts. */
static bool show_mistakes(const Preview *preview)
{
	g_autoptr(GPtrArray) mistakes = g_ptr_array_new_with_free_func(g_free);

	lint_texts(preview->config, preview->templates, mistakes);
	for (guint i = 0; i < mistakes->len; i++)
		(void)cli_failed("%s", (const char *)g_ptr_array_index(mistakes, i));
	return mistakes->len == 0;
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
	if (preview->account_level == NULL)
		preview->account_level = g_strdup(account->level);
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
	return preview->account_found ? CLI_DONE : cli_failed("there is no account \"%s\": outagectl accounts list shows those there are", preview->account);
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
		return cli_usage("there is no template \"%s\" in template.dir; the shipped ones are ack-P1, ack-technical, notice-update, page and so on", preview->kind);
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
	g_free(preview->account_level);
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
		{ "all", 0, 0, G_OPTION_ARG_NONE, &preview.all, "Every kind, after a bare SET and with everything set", NULL },
		G_OPTION_ENTRY_NULL,
	};
	Word word = WORD_NONE;
	int status;
	bool ok;

	if (!cli_options(cli, entries, "- the letters as customers would get them, and mistakes in their texts", &argc, &argv))
		return CLI_USAGE;
	if (argc > 1)
		return cli_usage("preview takes no argument");
	if (preview.incident != NULL && preview.all)
		return cli_usage("--all and --incident do not go together");
	if (preview.incident != NULL && (!word_parse(preview.incident, -1, &word) || word == WORD_NONE))
		return cli_usage("--incident takes P1, P2, P3 or resolved, not \"%s\"", preview.incident);
	if ((status = prepare(cli, &preview)) != CLI_DONE || (status = find_account(cli, &preview)) != CLI_DONE)
		return status;
	if (preview.incident != NULL) {
		g_autoptr(Incident) incident = sample_incident(preview.config, word, SAMPLE_BARE, preview.now);

		ok = show_languages(&preview, incident, preview.kind);
	} else {
		ok = preview.all ? show_all(&preview) : show_current(&preview, cli);
	}
	return show_mistakes(&preview) && ok ? CLI_DONE : CLI_FAILED;
}
