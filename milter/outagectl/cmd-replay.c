/* cmd-replay: a past outage's mail by today's rules and configuration, so that a site can judge before it goes live. Decides by the daemon's
 * own code, without a store, DNS or any effect. Layer: program.
 *
 * Each mail is decided at its own time, as if the incident had just been declared or said something of: hours of silence, a pause and caps
 * are the day's, and not the rules'. */
#include <glib/gstdio.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "outagectl/cli.h"
#include "outagectl/offline.h"
#include "outagectl/replay.h"
#include "outagectl/sources.h"

#define PROGRESS_EVERY 250

typedef struct {
	/* as given */
	char *html, *incident, *since, *until, *resolved, *accounts_file, *rcpt;
	gboolean json;
	/* made of it */
	Word word;
	gint64 since_at, until_at, resolved_at, now;
	Engine *engine;
	Accounts *accounts;
	Replay *replay;
	guint read;
	bool terminal;
} Run;

static void run_clear(Run *run)
{
	g_free(run->html);
	g_free(run->incident);
	g_free(run->since);
	g_free(run->until);
	g_free(run->resolved);
	g_free(run->accounts_file);
	g_free(run->rcpt);
	engine_unref(run->engine);
	accounts_unref(run->accounts);
	replay_free(run->replay);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Run, run_clear)

/* Somebody who waits sees that it goes on. */
static void show_progress(const Run *run, bool last)
{
	if (!run->terminal || (!last && run->read % PROGRESS_EVERY != 0))
		return;
	fprintf(stderr, last ? "\r                    \r" : "\r%u mails ...", run->read);
	(void)fflush(stderr);
}

static bool is_outside(const Run *run, gint64 at)
{
	return (run->since_at != 0 && (at == 0 || at < run->since_at)) || (run->until_at != 0 && (at == 0 || at >= run->until_at));
}

static Snapshot *supposed(const Run *run, gint64 at)
{
	bool over = run->resolved_at != 0 && at >= run->resolved_at;

	return offline_snapshot(over ? WORD_RESOLVED : run->word, over ? run->resolved_at : at);
}

static void replay_one(const Sample *sample, gpointer data)
{
	Run *run = data;
	const Config *config = run->engine->config;
	gint64 dated = offline_time(sample->message, run->now), at = dated != 0 ? dated : run->now;
	g_autofree char *found = run->rcpt == NULL ? offline_recipient(config, sample->message) : NULL;
	g_autoptr(Verdict) verdict = NULL;
	VerdictContext context = { .engine = run->engine, .accounts = run->accounts, .now = at };

	run->read++;
	show_progress(run, false);
	if (is_outside(run, dated)) {
		run->replay->outside++;
		return;
	}
	offline_envelope(config, sample->message, NULL, run->rcpt != NULL ? run->rcpt : found);
	offline_undeliver(sample->message);
	context.snapshot = supposed(run, at);
	verdict = verdict_decide(&context, sample->message);
	replay_add(run->replay, sample->message, verdict, dated, sample->id);
	snapshot_unref((Snapshot *)context.snapshot);
}

static int read_time(const char *option, const char *text, gint64 *at)
{
	if (text == NULL || clock_parse(text, at))
		return CLI_DONE;
	return cli_usage("--%s takes an RFC 3339 time such as 2026-11-21T15:10:00Z, not \"%s\"", option, text);
}

static int prepare(Cli *cli, Run *run)
{
	GError *error = NULL;
	bool no_support;
	int status;

	run->now = clock_now();
	run->word = WORD_P1;
	if (run->incident != NULL && (!word_parse(run->incident, -1, &run->word) || !word_is_open(run->word)))
		return cli_usage("--incident takes P1, P2 or P3, not \"%s\" (--resolved TIME says when it was over)", run->incident);
	if ((status = read_time("since", run->since, &run->since_at)) != CLI_DONE ||
	    (status = read_time("until", run->until, &run->until_at)) != CLI_DONE ||
	    (status = read_time("resolved", run->resolved, &run->resolved_at)) != CLI_DONE)
		return status;
	if (!cli_config(cli))
		return CLI_FAILED;
	no_support = cli->config->support[0] == NULL && run->rcpt == NULL;
	offline_prepare(cli->config, run->rcpt);
	run->accounts = offline_accounts(run->accounts_file, &error);
	if (run->accounts == NULL)
		return cli_error(error);
	run->engine = cli_engine(cli);
	if (run->engine == NULL)
		return CLI_FAILED;
	run->replay = replay_new(run->engine, run->word);
	run->replay->resolved_at = run->resolved_at;
	run->replay->accounts = accounts_count(run->accounts) > 0;
	run->replay->no_support = no_support;
	run->terminal = isatty(STDERR_FILENO) == 1;
	return CLI_DONE;
}

static int write_page(const Run *run)
{
	g_autoptr(GString) page = replay_page(run->replay);

	return cli_write_page(run->html, page);
}

/* Before an hour's work it is known that its result can be written. */
static int check_page(const char *path)
{
	g_autofree char *dir = path != NULL ? g_path_get_dirname(path) : NULL;

	if (path == NULL)
		return CLI_DONE;
	if (strcmp(path, "-") == 0)
		return cli_usage("--html takes a file: standard output has the summary");
	if (g_file_test(path, G_FILE_TEST_IS_DIR))
		return cli_usage("--html takes a file, and %s is a folder", path);
	if (g_access(dir, W_OK | X_OK) != 0)
		return cli_failed("--html: nothing can be written into %s: make that folder, or name another", dir);
	return CLI_DONE;
}

static int replay(Run *run, char **paths)
{
	Sources sources = { .other = paths };
	int status = CLI_DONE;

	(void)sources_read(&sources, NULL, (gsize)run->engine->config->body_limit, replay_one, run);
	show_progress(run, true);
	if (run->read == 0)
		return sources.mistakes > 0 ? CLI_FAILED : cli_failed("there is no mail in what was given: name a maildir, an mbox file, a folder or"
		                                              " single mails");
	replay_settle(run->replay);
	if (run->json)
		replay_print_json(run->replay);
	else
		replay_print_text(run->replay);
	if (run->html != NULL)
		status = write_page(run);
	return status == CLI_DONE && sources.mistakes > 0 ? CLI_FAILED : status;
}

int command_replay(Cli *cli, int argc, char **argv)
{
	g_auto(Run) run = { 0 };
	const GOptionEntry entries[] = {
		{ "html", 0, 0, G_OPTION_ARG_FILENAME, &run.html, "Write a page that stands by itself", "FILE" },
		{ "json", 0, 0, G_OPTION_ARG_NONE, &run.json, "One JSON object", NULL },
		{ "incident", 0, 0, G_OPTION_ARG_STRING, &run.incident, "As if this had been on (P1)", "P1|P2|P3" },
		{ "resolved", 0, 0, G_OPTION_ARG_STRING, &run.resolved, "From then on as after the fix", "TIME" },
		{ "since", 0, 0, G_OPTION_ARG_STRING, &run.since, "Only mail from then on", "TIME" },
		{ "until", 0, 0, G_OPTION_ARG_STRING, &run.until, "Only mail before then", "TIME" },
		{ "rcpt", 0, 0, G_OPTION_ARG_STRING, &run.rcpt, "Recipient (the support address in the headers, else the first)", "ADDRESS" },
		{ "accounts", 0, 0, G_OPTION_ARG_FILENAME, &run.accounts_file, "Accounts: one JSON object, key -> account", "FILE" },
		G_OPTION_ENTRY_NULL,
	};
	int status;

	if (!cli_options(cli, entries, "PATH... - what today's rules would have done with a past outage's mail", &argc, &argv))
		return CLI_USAGE;
	if (argc < 2)
		return cli_usage("replay takes at least one PATH: a maildir, an mbox file, a folder or single mails");
	if ((status = check_page(run.html)) != CLI_DONE || (status = prepare(cli, &run)) != CLI_DONE)
		return status;
	return replay(&run, argv + 1);
}
