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

static const struct {
	const char *name;
	CliCommand run;
	const char *usage;
	bool everyday;  /* shown by --help; the rest under `help admin` */
} commands[] = {
	{ "declare", command_declare, "declare [NAME] P1|P2|P3 [--title T] [--scope T] [--next-update 30m] [--since 2h] ...", true },
	{ "update", command_update, "update [NAME] TEXT [--phase P] [--next-update 30m] [--notify]", true },
	{ "resolve", command_resolve, "resolve [NAME] [--cause T] [--fix T] [--prevention T] [--notify] ...", true },
	{ "clear", command_clear, "clear [NAME]            a false alarm: end it, withdraw what is queued", true },
	{ "pause", command_pause, "pause [REASON]          nothing leaves until resume", true },
	{ "resume", command_resume, "resume", true },
	{ "status", command_status, "status [--json]         what is on, since when, what is wrong", true },
	{ "check", command_check, "check [--json] [--incident P1] [--sender A] [--rcpt A] FILE|DIR|-...", false },
	{ "evaluate", command_evaluate, "evaluate [--json] [--outage PATH] [--other PATH] [--tsv FILE] [PATH...]   how good is the detection", false },
	{ "learn", command_learn, "learn -o FILE [--outage PATH] [--other PATH] [--tsv FILE] [--only] [PATH...]   train the model", false },
	{ "preview", command_preview, "preview [--incident P1 | --all] [--kind K] [--language de] [--account NAME]", false },
	{ "notices", command_notices, "notices [NAME] [--json]   what those who wrote in have been told", false },
	{ "accounts", command_accounts, "accounts list | set KEY JSON | remove KEY | import FILE", false },
	{ "acks", command_acks, "acks pending | dead | retry ID|--all | bury ID|--all", false },
	{ "bounced", command_bounced, "bounced ADDRESS [--clear]", false },
};

static void print_help(bool admin)
{
	printf("usage: outagectl [-c FILE] COMMAND ...\n\n");
	for (gsize i = 0; i < G_N_ELEMENTS(commands); i++)
		if (commands[i].everyday != admin)
			printf("  %s\n", commands[i].usage);
	printf(admin ? "\n" : "\n  help admin              the commands for setting up and looking closer\n\n");
	printf("outagectl COMMAND --help lists a command's options. Without -c, %s is read.\n", CONFIG_DEFAULT_PATH);
}

static char *who(void)
{
	const char *sudo = g_getenv("SUDO_USER");
	const struct passwd *user = getpwuid(getuid());

	if (sudo != NULL && *sudo != '\0')
		return g_strdup(sudo);
	return g_strdup(user != NULL ? user->pw_name : "unknown");
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
	if (version)
		printf("outagectl %s\n", PACKAGE_VERSION);
	else if (help || (*argc > 1 && strcmp((*argv)[1], "help") == 0))
		print_help(*argc > 2 && strcmp((*argv)[2], "admin") == 0);
	else
		return -1;
	return CLI_DONE;
}

int main(int argc, char **argv)
{
	Cli cli = { 0 };
	int status = read_global(&cli, &argc, &argv);

	(void)setlocale(LC_CTYPE, "C.UTF-8");
	log_open("outagectl", LOG_TO_STDERR, LOG_LEVEL_WARNING);
	if (status < 0 && argc < 2)
		status = cli_usage("which command?");
	cli.by = who();
	for (gsize i = 0; i < G_N_ELEMENTS(commands) && status < 0; i++) {
		if (strcmp(argv[1], commands[i].name) == 0) {
			text_init();
			compose_init();
			status = commands[i].run(&cli, argc - 1, argv + 1);
		}
	}
	if (status < 0)
		status = cli_usage("there is no command \"%s\"", argv[1]);
	if ((fflush(stdout) != 0 || ferror(stdout) != 0) && status == CLI_DONE)
		status = cli_failed("the output could not be written whole");
	store_close(cli.store);
	config_unref(cli.config);
	g_free(cli.config_path);
	g_free(cli.by);
	return status;
}
