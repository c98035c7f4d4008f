/* outagectl: the operator's hand. Finds the command and runs it. Layer: program. */
#include <locale.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "mail/text.h"
#include "outagectl/cli.h"
#include "reply/compose.h"

/* As help shows them: what is needed while it burns first. */
typedef enum { GROUP_INCIDENT, GROUP_LOOK, GROUP_BEFORE, GROUP_KEEP, GROUPS } Group;

static const char *const groups[GROUPS] = {
	[GROUP_INCIDENT] = "In an incident:",
	[GROUP_LOOK] = "Looking closer, and afterwards:",
	[GROUP_BEFORE] = "Before going live, and to make it better:",
	[GROUP_KEEP] = "Accounts, the queue, and what is kept of people:",
};

static const struct {
	const char *name;
	CliCommand run;
	const char *usage;   /* the command line, and two spaces or more before what it does */
	Group group;         /* --help shows the first, `help admin` all */
	const char *example; /* under --help of the command: whole command lines */
} commands[] = {
	{ "declare", command_declare, "declare [NAME] P1|P2|P3 [--title T] [--scope T] [--next-update 30m] [--since 2h] ...",
	  GROUP_INCIDENT, "  outagectl declare P1 --title \"Sign-in fails\" --scope \"EU\" --next-update 30m --since 2h" },
	{ "update", command_update, "update [NAME] TEXT [--phase P] [--next-update 30m] [--notify]", GROUP_INCIDENT,
	  "  outagectl update \"We found the cause.\" --phase identified --next-update 1h --notify" },
	{ "resolve", command_resolve, "resolve [NAME] [--cause T] [--fix T] [--prevention T] [--notify] ...", GROUP_INCIDENT,
	  "  outagectl resolve --cause \"An expired certificate.\" --fix \"It was renewed.\" --notify" },
	{ "clear", command_clear, "clear [NAME]            a false alarm: end it, withdraw what is queued", GROUP_INCIDENT,
	  "  outagectl clear" },
	{ "pause", command_pause, "pause [REASON]          nothing leaves until resume", GROUP_INCIDENT,
	  "  outagectl pause \"the text names the wrong region\"" },
	{ "resume", command_resume, "resume                  acknowledgements leave again", GROUP_INCIDENT,
	  "  outagectl resume" },
	{ "status", command_status, "status [--watch] [--json]   what is on, since when, who waits, what is wrong", GROUP_INCIDENT,
	  "  outagectl status --watch" },
	{ "import", command_import, "import statuspage|json FILE|- [--declare] [--resolve]   texts, phase and updates from a status page",
	  GROUP_LOOK, "  curl -sf https://status.example.com/api/v2/summary.json | outagectl import statuspage - --resolve" },
	{ "notices", command_notices, "notices [NAME] [--json]   what those who wrote in have been told", GROUP_LOOK,
	  "  outagectl notices" },
	{ "explain", command_explain, "explain QUEUEID|MESSAGE-ID [--log FILE] [--json]   why one mail was treated as it was",
	  GROUP_LOOK, "  outagectl explain 4cPqX01Wz2z9rxK\n"
	  "  journalctl -u outage-milter -o short-unix | outagectl explain --log - '<a1@customer.example>'" },
	{ "log", command_log, "log [NAME|ID] [--since 24h] [--by WHO] [--what KIND] [--json]   who declared, changed, paused, and when", GROUP_LOOK,
	  "  outagectl log --since 24h" },
	{ "report", command_report, "report [NAME|ID] [--html FILE | --json | --csv]   the debrief", GROUP_LOOK,
	  "  outagectl report --html debrief.html\n  outagectl report 20261121T151000Z-default --csv > accounts.csv" },
	{ "replay", command_replay, "replay [--html FILE] PATH...   a past outage's mail by today's rules", GROUP_BEFORE,
	  "  outagectl replay --html replay.html --resolved 2026-11-21T18:00:00Z /var/mail/outage-2026-11-21" },
	{ "doctor", command_doctor, "doctor [--json] [--postfix DIR]...   what is missing or wrong, and the line that cures it",
	  GROUP_BEFORE, "  outagectl doctor\n  outagectl doctor --postfix /etc/postfix-in" },
	{ "check", command_check, "check [--json] [--incident P1] [--sender A] [--rcpt A] FILE|DIR|-...   what would happen to these mails",
	  GROUP_BEFORE, "  outagectl check --incident P1 mail.eml" },
	{ "preview", command_preview, "preview [--incident P1 | --all] [--kind K] [--language de] [--account NAME]   the letters",
	  GROUP_BEFORE, "  outagectl preview --incident P1 --language de" },
	{ "evaluate", command_evaluate, "evaluate [--json] [--outage PATH] [--other PATH] [--tsv FILE] [PATH...]   how good is the detection",
	  GROUP_BEFORE, "  outagectl evaluate --outage ~/mail/outage --other ~/mail/other" },
	{ "learn", command_learn, "learn -o FILE [--outage PATH] [--other PATH] [--tsv FILE] [--only] [PATH...]   train the model",
	  GROUP_BEFORE, "  outagectl learn -o /etc/outage-milter/model/outage.model --outage ~/mail/outage --other ~/mail/other" },
	{ "accounts", command_accounts, "accounts list | set KEY JSON | remove KEY | import FILE   the large customers", GROUP_KEEP,
	  "  outagectl accounts set acme.example '{\"account\":\"Acme\",\"level\":\"gold\",\"respond_within\":\"30m\",\"ack\":\"none\"}'" },
	{ "acks", command_acks, "acks pending | dead | retry ID|--all | bury ID|--all   acknowledgements to be sent", GROUP_KEEP,
	  "  outagectl acks dead\n  outagectl acks retry --all" },
	{ "bounced", command_bounced, "bounced ADDRESS [--clear]   whether mail to it has come back", GROUP_KEEP,
	  "  outagectl bounced jane@customer.example --clear" },
	{ "export", command_export, "export ADDRESS          what is held of one person", GROUP_KEEP,
	  "  outagectl export jane@customer.example > jane.json" },
	{ "forget", command_forget, "forget ADDRESS          erase it", GROUP_KEEP,
	  "  outagectl forget jane@customer.example" },
};

static void print_group(Group group)
{
	for (gsize i = 0; i < G_N_ELEMENTS(commands); i++)
		if (commands[i].group == group)
			printf("  %s\n", commands[i].usage);
	printf("\n");
}

static void print_help(bool admin)
{
	printf("usage: outagectl [-c FILE] COMMAND ...\n\n");
	for (Group group = 0; admin && group < GROUPS; group++) {
		printf("%s\n", groups[group]);
		print_group(group);
	}
	if (!admin) {
		print_group(GROUP_INCIDENT);
		printf("  help admin              all commands: for setting up, looking closer, and afterwards\n\n");
	}
	printf("outagectl COMMAND --help lists a command's options, with an example. Without -c, %s is read.\n", CONFIG_DEFAULT_PATH);
}

/* USER@HOST; behind sudo the person who called it. Neither name may bring what would read as more than a name. */
static char *who(void)
{
	const char *sudo = g_getenv("SUDO_USER");
	const struct passwd *user = getpwuid(getuid());
	const char *name = sudo != NULL && *sudo != '\0' ? sudo : user != NULL ? user->pw_name : "unknown";
	char *both = g_strdup_printf("%s@%s", name, g_get_host_name());

	return g_strcanon(both, G_CSET_a_2_z G_CSET_A_2_Z G_CSET_DIGITS "-_.@+\\$", '_');
}

/* Returns how many letters have to be put in, taken out or changed to make b of a (Levenshtein); both are short. */
static guint distance(const char *a, const char *b)
{
	gsize n = strlen(b);
	g_autofree guint *row = g_new(guint, n + 1);

	for (gsize j = 0; j <= n; j++)
		row[j] = (guint)j;
	for (gsize i = 1; a[i - 1] != '\0'; i++) {
		guint diagonal = row[0];

		row[0] = (guint)i;
		for (gsize j = 1; j <= n; j++) {
			guint changed = diagonal + (a[i - 1] != b[j - 1]);

			diagonal = row[j];
			row[j] = MIN(changed, MIN(row[j], row[j - 1]) + 1);
		}
	}
	return row[n];
}

static int unknown_command(const char *name)
{
	const char *nearest = NULL;
	guint least = 3; /* letters: more is another word */

	for (gsize i = 0; strlen(name) < 32 && i < G_N_ELEMENTS(commands); i++) {
		guint away = distance(name, commands[i].name);

		if (away < least && away * 2 <= strlen(name)) {
			nearest = commands[i].name;
			least = away;
		}
	}
	return nearest != NULL ? cli_usage("there is no command \"%s\"; is it %s?", name, nearest)
	                       : cli_usage("there is no command \"%s\": outagectl help admin lists all", name);
}

/* Options in front of the command; GLib stops at the first argument that is none. */
static int read_global(Cli *cli, int *argc, char ***argv)
{
	gboolean version = FALSE, help = FALSE;
	const GOptionEntry entries[] = {
		{ "config", 'c', 0, G_OPTION_ARG_FILENAME, &cli->config_path, NULL, "FILE" },
		{ "version", 0, 0, G_OPTION_ARG_NONE, &version, NULL, NULL },
		{ "help", 'h', 0, G_OPTION_ARG_NONE, &help, NULL, NULL },
		G_OPTION_ENTRY_NULL,
	};
	g_autoptr(GOptionContext) context = g_option_context_new(NULL);
	g_autoptr(GError) error = NULL;

	g_option_context_add_main_entries(context, entries, NULL);
	g_option_context_set_strict_posix(context, TRUE);
	g_option_context_set_help_enabled(context, FALSE);
	if (!g_option_context_parse(context, argc, argv, &error))
		return cli_usage("%s", error->message);
	if (version) {
		printf("outagectl %s\n", PACKAGE_VERSION);
		return CLI_DONE;
	}
	if (!help && (*argc < 2 || strcmp((*argv)[1], "help") != 0))
		return -1;
	if (!help && *argc > 2 && strcmp((*argv)[2], "admin") != 0) {
		/* "help declare" is "declare --help". */
		(*argv)[1] = (*argv)[2];
		(*argv)[2] = (char *)"--help";
		return -1;
	}
	print_help(*argc > 2);
	return CLI_DONE;
}

int main(int argc, char **argv)
{
	Cli cli = { 0 };
	int status;

	g_set_prgname("outagectl"); /* whatever it was called by: the usage lines begin with it */
	status = read_global(&cli, &argc, &argv);

	(void)setlocale(LC_CTYPE, "C.UTF-8");
	log_open("outagectl", LOG_TO_STDERR, LOG_LEVEL_WARNING);
	if (status < 0 && argc < 2)
		status = cli_usage("which command? outagectl status says what is on");
	cli.by = who();
	for (gsize i = 0; i < G_N_ELEMENTS(commands) && status < 0; i++) {
		if (strcmp(argv[1], commands[i].name) == 0) {
			text_init();
			compose_init();
			cli.example = commands[i].example;
			status = commands[i].run(&cli, argc - 1, argv + 1);
		}
	}
	if (status < 0)
		status = unknown_command(argv[1]);
	if ((fflush(stdout) != 0 || ferror(stdout) != 0) && status == CLI_DONE)
		status = cli_failed("the output could not be written whole");
	store_close(cli.store);
	config_unref(cli.config);
	g_free(cli.config_path);
	g_free(cli.by);
	return status;
}
