/* cmd-incident: declare, update, resolve, clear, pause, resume. Layer: program. They write through the same script that nodes run
 * when somebody flips the key by hand.
 *
 * Where many people would get mail (--since, --notify), the question comes before anything is changed. */
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "outagectl/notify.h"
#include "outagectl/since.h"
#include "outagectl/texts.h"

/* Opens the store, reads what is on and finds which incident is meant. given: the name or NULL. */
static int begin(Cli *cli, const Texts *texts, const char *update, const char *given, bool resolved_too, Snapshot **snapshot, char **name)
{
	GError *error = NULL;
	int status;

	if (!cli_store(cli))
		return CLI_FAILED;
	if ((status = texts_check_config(cli->config, texts, update)) != CLI_DONE)
		return status;
	*snapshot = store_snapshot(cli->store, NULL, &error);
	if (*snapshot == NULL)
		return cli_error(error);
	return texts_pick_incident(cli->config, *snapshot, given, resolved_too, clock_now(), name);
}

/* Sets the word and the texts, says what holds now. */
static int set_word(Cli *cli, const char *name, Word word, Texts *texts, const char *verb)
{
	IncidentState state = { .word = WORD_NONE };
	GError *error = NULL;
	int status = CLI_DONE;

	if (!store_set_word(cli->store, name, word, texts != NULL ? texts->texts : NULL, cli->by, &state, &error))
		return cli_error(error);
	if (state.id != NULL && state.word == word)
		printf("%s: %s (%s)\n", name, verb, state.id);
	else if (word == WORD_NONE)
		printf("%s: %s\n", name, verb); /* nothing is on now, which is what was asked for, also after the store lost its state */
	else
		status = cli_failed("nothing is open under the name %s: nothing was changed (outagectl status lists what is on)", name);
	incident_state_clear(&state);
	return status;
}

int command_declare(Cli *cli, int argc, char **argv)
{
	g_auto(Texts) texts = { { NULL } };
	g_auto(Since) since = { 0 };
	g_autoptr(Snapshot) snapshot = NULL;
	g_autofree char *name = NULL;
	const GOptionEntry entries[] = {
		{ "title", 0, 0, G_OPTION_ARG_STRING, &texts.texts[TEXT_TITLE], "What is broken, in the customer's words", "TEXT" },
		{ "scope", 0, 0, G_OPTION_ARG_STRING, &texts.texts[TEXT_SCOPE], "Who is affected", "TEXT" },
		{ "components", 0, 0, G_OPTION_ARG_STRING, &texts.texts[TEXT_COMPONENTS], "Affected components", "TEXT" },
		{ "match", 0, 0, G_OPTION_ARG_STRING, &texts.texts[TEXT_MATCH], "Words that speak of this incident", "REGEX" },
		{ "workaround", 0, 0, G_OPTION_ARG_STRING, &texts.texts[TEXT_WORKAROUND], "What customers can do meanwhile", "TEXT" },
		{ "status-url", 0, 0, G_OPTION_ARG_STRING, &texts.texts[TEXT_STATUS_URL], "Status page", "URL" },
		{ "next-update", 0, 0, G_OPTION_ARG_STRING, &texts.texts[TEXT_NEXT_UPDATE_AT], "When the next word comes", "30m|TIME" },
		{ "eta", 0, 0, G_OPTION_ARG_STRING, &texts.texts[TEXT_ETA], "When it is expected to work", "2h|TIME" },
		{ "contact", 0, 0, G_OPTION_ARG_STRING, &texts.texts[TEXT_CONTACT], "Whom to turn to", "TEXT" },
		{ "phase", 0, 0, G_OPTION_ARG_STRING, &texts.texts[TEXT_PHASE], "investigating, identified, monitoring", "PHASE" },
		OFFER_OPTION(texts),
		SINCE_OPTIONS(since),
		G_OPTION_ENTRY_NULL,
	};
	Word word;
	int status;

	if (!cli_options(cli, entries, "[NAME] P1|P2|P3 - open an incident or change its severity", &argc, &argv))
		return CLI_USAGE;
	if (argc < 2 || argc > 3 || !word_parse(argv[argc - 1], -1, &word) || !word_is_open(word))
		return cli_usage("declare takes [NAME] and one of P1, P2, P3");
	if ((status = texts_check(&texts)) != CLI_DONE || (status = since_check(&since)) != CLI_DONE ||
	    (status = begin(cli, &texts, NULL, argc == 3 ? argv[1] : NULL, false, &snapshot, &name)) != CLI_DONE)
		return status;
	cli_warn_silent(cli->config);
	if (since.since != NULL && (status = since_ask(cli, &since, snapshot, name, word, &texts)) != CLI_DONE)
		return status;
	status = set_word(cli, name, word, &texts, word_name(word));
	return status == CLI_DONE && since.since != NULL ? since_answer(cli, &since, name) : status;
}

/* Asks before an update is told. After the fix a replier would withdraw it. */
static int ask_of_update(Cli *cli, Notify *notify, const Snapshot *snapshot, const Incident *incident, const Texts *texts,
    const char *text)
{
	g_autoptr(Incident) then = NULL;

	if (!word_is_open(incident->state.word))
		return cli_usage("%s is resolved: of its end those who wrote in are told by resolve --notify", incident->name);
	then = texts_apply(snapshot, incident->name, incident->state.flip, texts, text, clock_now(), cli->config->reopen_within / 1000);
	return notify_ask(cli, notify, snapshot, then, NOTIFY_UPDATE, text);
}

int command_update(Cli *cli, int argc, char **argv)
{
	g_auto(Texts) texts = { { NULL } };
	g_auto(Notify) notify = { 0 };
	g_autofree char *name = NULL;
	g_autoptr(Snapshot) snapshot = NULL;
	const Incident *incident;
	const char *text;
	GError *error = NULL;
	const GOptionEntry entries[] = {
		{ "phase", 0, 0, G_OPTION_ARG_STRING, &texts.texts[TEXT_PHASE], "investigating, identified, monitoring", "PHASE" },
		{ "next-update", 0, 0, G_OPTION_ARG_STRING, &texts.texts[TEXT_NEXT_UPDATE_AT], "When the next word comes", "30m|TIME" },
		{ "eta", 0, 0, G_OPTION_ARG_STRING, &texts.texts[TEXT_ETA], "When it is expected to work", "2h|TIME" },
		{ "workaround", 0, 0, G_OPTION_ARG_STRING, &texts.texts[TEXT_WORKAROUND], "What customers can do meanwhile", "TEXT" },
		OFFER_OPTION(texts),
		NOTIFY_OPTIONS(notify),
		G_OPTION_ENTRY_NULL,
	};
	int status;

	if (!cli_options(cli, entries, "[NAME] TEXT - say how it stands; replies quote the newest", &argc, &argv))
		return CLI_USAGE;
	if (argc < 2 || argc > 3 || *g_strstrip(argv[argc - 1]) == '\0')
		return cli_usage("update takes [NAME] and one TEXT (in quotes)");
	text = argv[argc - 1];
	if ((status = texts_check(&texts)) != CLI_DONE || (status = texts_check_update(text)) != CLI_DONE ||
	    (status = notify_check(&notify)) != CLI_DONE ||
	    (status = begin(cli, &texts, text, argc == 3 ? argv[1] : NULL, true, &snapshot, &name)) != CLI_DONE)
		return status;
	incident = snapshot_find(snapshot, name);
	if (incident == NULL || !incident_is_active(incident, clock_now(), cli->config->resolved_for / 1000))
		return cli_failed("nothing is on under the name %s: declare it first", name);
	if (notify.notify && (status = ask_of_update(cli, &notify, snapshot, incident, &texts, text)) != CLI_DONE)
		return status;
	if (!store_set_texts(cli->store, name, texts.texts, cli->by, &error) ||
	    !store_add_update(cli->store, name, text, cli->by, &error))
		return cli_error(error);
	printf("%s: updated (%s)\n", name, incident->state.id);
	return notify.notify ? notify_order(cli, &notify) : CLI_DONE;
}

/* Asks before the end of the incident, or its post-mortem, is told. */
static int ask_of_end(Cli *cli, Notify *notify, const Snapshot *snapshot, const char *name, const Texts *texts)
{
	const Incident *now = snapshot_find(snapshot, name);
	bool over = now != NULL && now->state.word == WORD_RESOLVED;
	bool postmortem = over && texts->texts[TEXT_POSTMORTEM_URL] != NULL;
	g_autoptr(Incident) then = NULL;

	/* A post-mortem comes days after the fix, when late mail is not answered any more. */
	if (now == NULL || !(postmortem || incident_is_active(now, clock_now(), cli->config->resolved_for / 1000)))
		return cli_failed("nothing is open under the name %s, so there is nobody to tell", name);
	then = texts_apply(snapshot, name, WORD_RESOLVED, texts, NULL, clock_now(), cli->config->reopen_within / 1000);
	return notify_ask(cli, notify, snapshot, then, postmortem ? NOTIFY_POSTMORTEM : NOTIFY_RESOLVED, NULL);
}

int command_resolve(Cli *cli, int argc, char **argv)
{
	g_auto(Texts) texts = { { NULL } };
	g_auto(Notify) notify = { 0 };
	g_autoptr(Snapshot) snapshot = NULL;
	g_autofree char *name = NULL;
	const GOptionEntry entries[] = {
		{ "cause", 0, 0, G_OPTION_ARG_STRING, &texts.texts[TEXT_CAUSE], "What happened", "TEXT" },
		{ "fix", 0, 0, G_OPTION_ARG_STRING, &texts.texts[TEXT_FIX], "What was done", "TEXT" },
		{ "prevention", 0, 0, G_OPTION_ARG_STRING, &texts.texts[TEXT_PREVENTION], "What keeps it from coming back", "TEXT" },
		{ "postmortem", 0, 0, G_OPTION_ARG_STRING, &texts.texts[TEXT_POSTMORTEM_URL], "Where the post-mortem stands", "URL" },
		{ "postmortem-due", 0, 0, G_OPTION_ARG_STRING, &texts.texts[TEXT_POSTMORTEM_DUE], "When it will", "72h|TIME" },
		OFFER_OPTION(texts),
		NOTIFY_OPTIONS(notify),
		G_OPTION_ENTRY_NULL,
	};
	int status;

	if (!cli_options(cli, entries, "[NAME] - the outage is over; later mail gets the resolution", &argc, &argv))
		return CLI_USAGE;
	if (argc > 2)
		return cli_usage("resolve takes at most a NAME");
	if ((status = texts_check(&texts)) != CLI_DONE || (status = notify_check(&notify)) != CLI_DONE ||
	    (status = begin(cli, &texts, NULL, argc == 2 ? argv[1] : NULL, true, &snapshot, &name)) != CLI_DONE)
		return status;
	if (notify.notify && (status = ask_of_end(cli, &notify, snapshot, name, &texts)) != CLI_DONE)
		return status;
	status = set_word(cli, name, WORD_RESOLVED, &texts, "resolved");
	return status == CLI_DONE && notify.notify ? notify_order(cli, &notify) : status;
}

int command_clear(Cli *cli, int argc, char **argv)
{
	g_autoptr(Snapshot) snapshot = NULL;
	g_autofree char *name = NULL;
	int status;

	if (!cli_options(cli, NULL, "[NAME] - a false alarm: end it, withdraw what is queued", &argc, &argv))
		return CLI_USAGE;
	if (argc > 2)
		return cli_usage("clear takes at most a NAME");
	if ((status = begin(cli, NULL, NULL, argc == 2 ? argv[1] : NULL, true, &snapshot, &name)) != CLI_DONE)
		return status;
	return set_word(cli, name, WORD_NONE, NULL, "ended; what is queued is withdrawn");
}

int command_pause(Cli *cli, int argc, char **argv)
{
	GError *error = NULL;
	g_autofree char *reason = NULL;

	if (!cli_options(cli, NULL, "[REASON] - no acknowledgement leaves until resume; routing goes on", &argc, &argv))
		return CLI_USAGE;
	reason = argc > 1 ? g_strjoinv(" ", argv + 1) : g_strdup("paused");
	g_strstrip(reason);
	if (*reason == '\0' || strcmp(reason, "0") == 0 || g_ascii_strcasecmp(reason, "off") == 0)
		return cli_usage("\"%s\" as a reason would mean: not paused", reason);
	if (!g_utf8_validate(reason, -1, NULL) || strlen(reason) > 1024)
		return cli_usage("the reason must be UTF-8 and at most 1 KB");
	if (!cli_store(cli))
		return CLI_FAILED;
	if (!store_set_pause(cli->store, reason, cli->by, &error))
		return cli_error(error);
	printf("PAUSED: no acknowledgement leaves until outagectl resume\n");
	return CLI_DONE;
}

int command_resume(Cli *cli, int argc, char **argv)
{
	GError *error = NULL;

	if (!cli_options(cli, NULL, "- acknowledgements leave again", &argc, &argv))
		return CLI_USAGE;
	if (argc > 1)
		return cli_usage("resume takes no argument");
	if (!cli_store(cli))
		return CLI_FAILED;
	if (!store_set_pause(cli->store, NULL, cli->by, &error))
		return cli_error(error);
	printf("resumed\n");
	return CLI_DONE;
}
