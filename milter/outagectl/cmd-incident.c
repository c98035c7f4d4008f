/* cmd-incident: declare, update, resolve, clear, pause, resume. Layer: program. They write through the same script that nodes run
 * when somebody flips the key by hand. */
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "inspect/rules.h"
#include "outagectl/cli.h"
#include "reply/clean.h"

/* The texts given as options; owned. */
typedef struct {
	char *texts[TEXT_FIELDS];
} Texts;

static void texts_clear(Texts *texts)
{
	for (int i = 0; i < TEXT_FIELDS; i++)
		g_free(texts->texts[i]);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Texts, texts_clear)

/* "30m" from now, or an RFC 3339 time, becomes RFC 3339. False for anything else. */
static bool resolve_time(char **value)
{
	gint64 milliseconds, seconds;

	if (*value == NULL || **value == '\0' || clock_parse(*value, &seconds))
		return true;
	if (!clock_parse_duration(*value, &milliseconds))
		return false;
	g_free(*value);
	*value = clock_format(clock_now() + milliseconds / 1000);
	return true;
}

/* A pattern that does not compile would be left out by every node with a line in its log only. */
static int match_check(const char *pattern)
{
	g_autoptr(GError) error = NULL;
	RulesPattern *compiled = pattern != NULL && *pattern != '\0' ? rules_pattern_new(pattern, &error) : NULL;

	rules_pattern_free(compiled);
	return error != NULL ? cli_usage("match: %s", error->message) : CLI_DONE;
}

/* Makes relative times absolute and checks every text; CLI_DONE or CLI_USAGE. */
static int texts_check(Texts *texts)
{
	static const TextField times[] = { TEXT_NEXT_UPDATE_AT, TEXT_ETA, TEXT_POSTMORTEM_DUE };
	gint64 at;

	for (gsize i = 0; i < G_N_ELEMENTS(times); i++)
		if (!resolve_time(&texts->texts[times[i]]))
			return cli_usage("%s: \"%s\" is neither a duration such as 30m nor an RFC 3339 time", text_field_name(times[i]),
			    texts->texts[times[i]]);
	for (int i = 0; i < TEXT_FIELDS; i++) {
		g_autoptr(GError) error = NULL;

		if (texts->texts[i] != NULL && !text_field_check(i, texts->texts[i], &error))
			return cli_usage("%s", error->message);
	}
	for (gsize i = 0; i < G_N_ELEMENTS(times); i++)
		if (clock_parse(texts->texts[times[i]], &at) && at < clock_now())
			return cli_usage("%s: %s is gone already", text_field_name(times[i]), texts->texts[times[i]]);
	return match_check(texts->texts[TEXT_MATCH]);
}

/* A link that replies may not carry would vanish from them without a word: said now, while somebody looks. */
static int links_check(const Config *config, const Texts *texts)
{
	static const TextField links[] = { TEXT_STATUS_URL, TEXT_POSTMORTEM_URL };

	for (gsize i = 0; i < G_N_ELEMENTS(links); i++) {
		const char *url = texts->texts[links[i]];

		if (url != NULL && *url != '\0' &&
		    (config->url_domains == NULL || config->url_domains[0] == NULL || !clean_url_allowed(url, config->url_domains)))
			return cli_failed("%s: replies carry only https links to hosts in reply.url_domains (%s); this one would be left out",
			    text_field_name(links[i]), config->path);
	}
	return CLI_DONE;
}

/* Which incident is meant: the one named, else the only one that is on, else default. `resolved_too`: those in their resolved
 * window count as on. *name is owned by the caller. */
static int pick_name(Cli *cli, const char *given, bool resolved_too, char **name)
{
	g_autoptr(Snapshot) snapshot = NULL;
	GError *error = NULL;
	const char *only = NULL;
	guint count = 0;

	if (given != NULL) {
		if (strcmp(given, "default") != 0 && !incident_name_valid(given))
			return cli_usage("\"%s\" cannot be an incident's name: [a-z0-9][a-z0-9_-]{0,31}, no severity word", given);
		*name = g_strdup(given);
		return CLI_DONE;
	}
	snapshot = store_snapshot(cli->store, NULL, &error);
	if (snapshot == NULL)
		return cli_error(error);
	for (guint i = 0; i < snapshot->incidents->len; i++) {
		const Incident *incident = g_ptr_array_index(snapshot->incidents, i);

		if (word_is_open(incident->state.word) ||
		    (resolved_too && incident_is_active(incident, clock_now(), cli->config->resolved_for / 1000))) {
			only = incident->name;
			count++;
		}
	}
	if (count > 1)
		return cli_usage("%u incidents are on: say which (outagectl status lists them)", count);
	*name = g_strdup(count == 1 ? only : "default");
	return CLI_DONE;
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
		status = cli_failed("nothing is open under the name %s: nothing was changed", name);
	incident_state_clear(&state);
	return status;
}

int command_declare(Cli *cli, int argc, char **argv)
{
	g_auto(Texts) texts = { { NULL } };
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
		G_OPTION_ENTRY_NULL,
	};
	Word word;
	int status;

	if (!cli_options(cli, entries, "[NAME] P1|P2|P3 - open an incident or change its severity", &argc, &argv))
		return CLI_USAGE;
	if (argc < 2 || argc > 3 || !word_parse(argv[argc - 1], -1, &word) || !word_is_open(word))
		return cli_usage("declare takes [NAME] and one of P1, P2, P3");
	if ((status = texts_check(&texts)) != CLI_DONE)
		return status;
	if (!cli_store(cli))
		return CLI_FAILED;
	if ((status = links_check(cli->config, &texts)) != CLI_DONE ||
	    (status = pick_name(cli, argc == 3 ? argv[1] : NULL, false, &name)) != CLI_DONE)
		return status;
	cli_warn_silent(cli->config);
	return set_word(cli, name, word, &texts, word_name(word));
}

int command_update(Cli *cli, int argc, char **argv)
{
	g_auto(Texts) texts = { { NULL } };
	g_autofree char *name = NULL;
	g_autoptr(Snapshot) snapshot = NULL;
	const Incident *incident;
	GError *error = NULL;
	const GOptionEntry entries[] = {
		{ "phase", 0, 0, G_OPTION_ARG_STRING, &texts.texts[TEXT_PHASE], "investigating, identified, monitoring", "PHASE" },
		{ "next-update", 0, 0, G_OPTION_ARG_STRING, &texts.texts[TEXT_NEXT_UPDATE_AT], "When the next word comes", "30m|TIME" },
		{ "eta", 0, 0, G_OPTION_ARG_STRING, &texts.texts[TEXT_ETA], "When it is expected to work", "2h|TIME" },
		{ "workaround", 0, 0, G_OPTION_ARG_STRING, &texts.texts[TEXT_WORKAROUND], "What customers can do meanwhile", "TEXT" },
		G_OPTION_ENTRY_NULL,
	};
	int status;

	if (!cli_options(cli, entries, "[NAME] TEXT - say how it stands; replies quote the newest", &argc, &argv))
		return CLI_USAGE;
	if (argc < 2 || argc > 3 || *g_strstrip(argv[argc - 1]) == '\0')
		return cli_usage("update takes [NAME] and one TEXT (in quotes)");
	if ((status = texts_check(&texts)) != CLI_DONE)
		return status;
	if (!cli_store(cli))
		return CLI_FAILED;
	if ((status = pick_name(cli, argc == 3 ? argv[1] : NULL, true, &name)) != CLI_DONE)
		return status;
	snapshot = store_snapshot(cli->store, NULL, &error);
	if (snapshot == NULL)
		return cli_error(error);
	incident = snapshot_find(snapshot, name);
	if (incident == NULL || !incident_is_active(incident, clock_now(), cli->config->resolved_for / 1000))
		return cli_failed("nothing is on under the name %s: declare it first", name);
	if (!store_set_texts(cli->store, name, texts.texts, cli->by, &error) ||
	    !store_add_update(cli->store, name, argv[argc - 1], cli->by, &error))
		return cli_error(error);
	printf("%s: updated (%s)\n", name, incident->state.id);
	return CLI_DONE;
}

int command_resolve(Cli *cli, int argc, char **argv)
{
	g_auto(Texts) texts = { { NULL } };
	g_autofree char *name = NULL;
	const GOptionEntry entries[] = {
		{ "cause", 0, 0, G_OPTION_ARG_STRING, &texts.texts[TEXT_CAUSE], "What happened", "TEXT" },
		{ "fix", 0, 0, G_OPTION_ARG_STRING, &texts.texts[TEXT_FIX], "What was done", "TEXT" },
		{ "prevention", 0, 0, G_OPTION_ARG_STRING, &texts.texts[TEXT_PREVENTION], "What keeps it from coming back", "TEXT" },
		{ "postmortem", 0, 0, G_OPTION_ARG_STRING, &texts.texts[TEXT_POSTMORTEM_URL], "Where the post-mortem stands", "URL" },
		{ "postmortem-due", 0, 0, G_OPTION_ARG_STRING, &texts.texts[TEXT_POSTMORTEM_DUE], "When it will", "72h|TIME" },
		G_OPTION_ENTRY_NULL,
	};
	int status;

	if (!cli_options(cli, entries, "[NAME] - the outage is over; later mail gets the resolution", &argc, &argv))
		return CLI_USAGE;
	if (argc > 2)
		return cli_usage("resolve takes at most a NAME");
	if ((status = texts_check(&texts)) != CLI_DONE)
		return status;
	if (!cli_store(cli))
		return CLI_FAILED;
	if ((status = links_check(cli->config, &texts)) != CLI_DONE ||
	    (status = pick_name(cli, argc == 2 ? argv[1] : NULL, false, &name)) != CLI_DONE)
		return status;
	return set_word(cli, name, WORD_RESOLVED, &texts, "resolved");
}

int command_clear(Cli *cli, int argc, char **argv)
{
	g_autofree char *name = NULL;
	int status;

	if (!cli_options(cli, NULL, "[NAME] - a false alarm: end it, withdraw what is queued", &argc, &argv))
		return CLI_USAGE;
	if (argc > 2)
		return cli_usage("clear takes at most a NAME");
	if (!cli_store(cli))
		return CLI_FAILED;
	if ((status = pick_name(cli, argc == 2 ? argv[1] : NULL, true, &name)) != CLI_DONE)
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
