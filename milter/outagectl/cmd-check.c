/* cmd-check: what would happen to these mails? The daemon's own deciding code over files, without DNS and without a store. Layer:
 * program. doc/contract.md 10 fixes the JSON's keys. */
#include <stdio.h>
#include <string.h>

#include "base/address.h"
#include "base/clock.h"
#include "base/log.h"
#include "inspect/verdict.h"
#include "mail/text.h"
#include "outagectl/cli.h"
#include "outagectl/offline.h"

typedef struct {
	gboolean json;
	char *incident, *sender, *rcpt, *client, *helo, *now, *accounts_file;
	Engine *engine;
	Accounts *accounts;
	Snapshot *snapshot;
	gint64 at;
	bool failed;          /* a file could not be read */
} Check;

static void json_account(JsonBuilder *builder, const Verdict *verdict)
{
	const Account *account = verdict->account;

	json_builder_set_member_name(builder, "account");
	if (account == NULL) {
		json_builder_add_null_value(builder);
		return;
	}
	json_builder_begin_object(builder);
	cli_json_string(builder, "account", account->name);
	cli_json_string(builder, "level", account->level);
	cli_json_string(builder, "manager", account->manager);
	cli_json_string(builder, "verified", verified_name(verdict->verified));
	json_builder_end_object(builder);
}

static void json_number(JsonBuilder *builder, const char *name, double value)
{
	json_builder_set_member_name(builder, name);
	json_builder_add_double_value(builder, value);
}

static const char *ack_name(const Verdict *verdict)
{
	if (!verdict->inspected || verdict->reasons != 0)
		return "none";
	return verdict->queued ? "queued" : "shadow";
}

/* An object has each name once: where several headers bear it (RT's commands), their values stand one a line, in order. */
static void json_header(JsonBuilder *builder, const Verdict *verdict, guint index)
{
	const VerdictHeader *first = g_ptr_array_index(verdict->headers, index);
	g_autoptr(GString) values = g_string_new(NULL);

	for (guint i = 0; i < verdict->headers->len; i++) {
		const VerdictHeader *header = g_ptr_array_index(verdict->headers, i);

		if (g_ascii_strcasecmp(header->name, first->name) != 0)
			continue;
		if (i < index)
			return;
		g_string_append_printf(values, "%s%s", i > index ? "\n" : "", header->value);
	}
	cli_json_string(builder, first->name, values->str);
}

static void print_json(const char *file, const Verdict *verdict)
{
	g_autoptr(JsonBuilder) builder = json_builder_new();
	g_autoptr(GPtrArray) reasons = offline_reasons(verdict->reasons);
	g_autofree char *shown = log_escape(file, 0);
	const Incident *incident = verdict->incident;

	json_builder_begin_object(builder);
	cli_json_string(builder, "file", shown);
	cli_json_string(builder, "incident", incident != NULL ? incident->name : NULL);
	cli_json_string(builder, "severity", incident != NULL ? word_name(incident->state.word) : NULL);
	json_builder_set_member_name(builder, "match");
	json_builder_add_boolean_value(builder, verdict->match);
	json_number(builder, "score", verdict->score);
	json_number(builder, "threshold", verdict->threshold);
	cli_json_list(builder, "rules", verdict->rules);
	cli_json_string(builder, "language", verdict->language);
	json_account(builder, verdict);
	cli_json_list(builder, "escalate", verdict->escalate);
	cli_json_list(builder, "sensitive", verdict->sensitive);
	cli_json_string(builder, "tier", verdict->tier);
	cli_json_string(builder, "queue", verdict->queue);
	cli_json_time(builder, "respond_by", verdict->respond_by);
	cli_json_string(builder, "ack", ack_name(verdict));
	cli_json_list(builder, "reasons", reasons);
	json_builder_set_member_name(builder, "headers");
	json_builder_begin_object(builder);
	for (guint i = 0; i < verdict->headers->len; i++)
		json_header(builder, verdict, i);
	json_builder_end_object(builder);
	json_number(builder, "rules_score", verdict->rules_score);
	json_number(builder, "model_score", verdict->model_score);
	cli_json_list(builder, "words", verdict->words);
	json_builder_end_object(builder);
	cli_print_json(builder, false);
}

static void print_words(const char *file, const Verdict *verdict)
{
	g_autofree char *shown = log_escape(file, 0);
	g_autofree char *reasons = reason_list(verdict->reasons);

	printf("%s: %s (score %.1f of %.1f), queue %s, acknowledgement %s%s%s\n", shown,
	    verdict->match ? "outage mail" : "no outage mail", verdict->score, verdict->threshold,
	    verdict->queue != NULL ? verdict->queue : "-", ack_name(verdict), *reasons != '\0' ? ": " : "", reasons);
	for (guint i = 0; i < verdict->headers->len; i++) {
		const VerdictHeader *header = g_ptr_array_index(verdict->headers, i);
		g_autofree char *safe = log_escape(header->value, 0);

		printf("    %s: %s\n", header->name, safe);
	}
}

static void check_bytes(Check *check, const char *file, const char *bytes, gsize size)
{
	g_autoptr(Message) message = message_from_bytes(bytes, size, (gsize)check->engine->config->body_limit);
	VerdictContext context = {
		.engine = check->engine,
		.accounts = check->accounts,
		.snapshot = check->snapshot,
		.now = check->at,
	};
	g_autoptr(Verdict) verdict = NULL;

	offline_envelope(check->engine->config, message, check->sender, check->rcpt);
	offline_undeliver(message);
	message->client_addr = g_strdup(check->client);
	message->helo = g_strdup(check->helo);
	verdict = verdict_decide(&context, message);
	verdict_fold(verdict, &context, CLAIM_WON);
	if (check->json)
		print_json(file, verdict);
	else
		print_words(file, verdict);
}

static void unreadable(Check *check, const char *file, const char *why)
{
	(void)cli_failed("%s: %s", file, why);
	check->failed = true;
}

static void check_stdin(Check *check)
{
	g_autoptr(GByteArray) all = g_byte_array_new();
	g_autofree char *chunk = g_malloc(65536);
	gsize got;

	while ((got = fread(chunk, 1, 65536, stdin)) > 0)
		g_byte_array_append(all, (const guint8 *)chunk, (guint)got);
	if (ferror(stdin) != 0)
		unreadable(check, "-", "cannot read standard input");
	else
		check_bytes(check, "-", (const char *)all->data, all->len);
}

static void check_path(Check *check, const char *path, bool named);

static int by_bytes(gconstpointer a, gconstpointer b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* In the byte order of whole paths: a folder sorts as its name and the slash that follows. */
static void check_dir(Check *check, const char *path)
{
	g_autoptr(GPtrArray) names = g_ptr_array_new_with_free_func(g_free);
	g_autoptr(GError) error = NULL;
	g_autoptr(GDir) dir = g_dir_open(path, 0, &error);
	const char *name;

	if (dir == NULL) {
		unreadable(check, path, error->message);
		return;
	}
	while ((name = g_dir_read_name(dir)) != NULL) {
		g_autofree char *full = g_build_filename(path, name, NULL);
		bool folder = g_file_test(full, G_FILE_TEST_IS_DIR) && !g_file_test(full, G_FILE_TEST_IS_SYMLINK);

		g_ptr_array_add(names, g_strconcat(full, folder ? "/" : "", NULL));
	}
	g_ptr_array_sort(names, by_bytes);
	for (guint i = 0; i < names->len; i++)
		check_path(check, g_ptr_array_index(names, i), false);
}

/* named: given on the command line; links and special files found in a folder are passed over, named ones are followed. */
static void check_path(Check *check, const char *path, bool named)
{
	g_autofree char *bytes = NULL;
	g_autoptr(GError) error = NULL;
	gsize size;

	if (!named && g_file_test(path, G_FILE_TEST_IS_SYMLINK))
		return;
	if (g_file_test(path, G_FILE_TEST_IS_DIR)) {
		check_dir(check, path);
		return;
	}
	if (!named && !g_file_test(path, G_FILE_TEST_IS_REGULAR))
		return;
	if (g_file_get_contents(path, &bytes, &size, &error))
		check_bytes(check, path, bytes, size);
	else
		unreadable(check, path, error->message);
}

/* A slip of the finger here would look like a verdict. "" and "<>" are the null sender. */
static int check_addresses(const Check *check)
{
	g_autofree char *sender = address_normal_text(check->sender);
	g_autofree char *rcpt = address_normal_text(check->rcpt);

	if (check->sender != NULL && sender == NULL && *check->sender != '\0' && strcmp(check->sender, "<>") != 0)
		return cli_usage("--sender: \"%s\" is no mail address", check->sender);
	if (check->rcpt != NULL && rcpt == NULL)
		return cli_usage("--rcpt: \"%s\" is no mail address", check->rcpt);
	if (check->client != NULL && !g_hostname_is_ip_address(check->client))
		return cli_usage("--client: \"%s\" is no IP address", check->client);
	return CLI_DONE;
}

static int prepare(Cli *cli, Check *check)
{
	GError *error = NULL;
	Word word = WORD_NONE;
	int status;

	check->at = clock_now();
	if (check->incident != NULL && !word_parse(check->incident, -1, &word))
		return cli_usage("--incident takes P1, P2, P3, resolved or none, not \"%s\"", check->incident);
	if (check->now != NULL && !clock_parse(check->now, &check->at))
		return cli_usage("--now takes an RFC 3339 time, not \"%s\"", check->now);
	if ((status = check_addresses(check)) != CLI_DONE)
		return status;
	if (!cli_config(cli))
		return CLI_FAILED;
	offline_prepare(cli->config, check->rcpt);
	check->accounts = offline_accounts(check->accounts_file, &error);
	if (check->accounts == NULL)
		return cli_error(error);
	check->engine = cli_engine(cli);
	if (check->engine == NULL)
		return CLI_FAILED;
	check->snapshot = offline_snapshot(word, check->at);
	return CLI_DONE;
}

static void check_clear(Check *check)
{
	engine_unref(check->engine);
	accounts_unref(check->accounts);
	snapshot_unref(check->snapshot);
	g_free(check->incident);
	g_free(check->sender);
	g_free(check->rcpt);
	g_free(check->client);
	g_free(check->helo);
	g_free(check->now);
	g_free(check->accounts_file);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Check, check_clear)

int command_check(Cli *cli, int argc, char **argv)
{
	g_auto(Check) check = { 0 };
	const GOptionEntry entries[] = {
		{ "json", 0, 0, G_OPTION_ARG_NONE, &check.json, "One JSON object a message, one line each", NULL },
		{ "incident", 0, 0, G_OPTION_ARG_STRING, &check.incident, "As if this were declared", "P1|P2|P3|resolved" },
		{ "sender", 0, 0, G_OPTION_ARG_STRING, &check.sender, "Envelope sender (Return-Path, else From)", "ADDRESS" },
		{ "rcpt", 0, 0, G_OPTION_ARG_STRING, &check.rcpt, "Recipient (the first support address)", "ADDRESS" },
		{ "client", 0, 0, G_OPTION_ARG_STRING, &check.client, "Address of the SMTP client", "IP" },
		{ "helo", 0, 0, G_OPTION_ARG_STRING, &check.helo, "Its HELO name", "NAME" },
		{ "now", 0, 0, G_OPTION_ARG_STRING, &check.now, "As if it were this time", "TIME" },
		{ "accounts", 0, 0, G_OPTION_ARG_FILENAME, &check.accounts_file, "Accounts: one JSON object, key -> account", "FILE" },
		G_OPTION_ENTRY_NULL,
	};
	int status;

	if (!cli_options(cli, entries, "FILE|DIR|-... - what would happen to these mails", &argc, &argv))
		return CLI_USAGE;
	if (argc < 2)
		return cli_usage("check takes at least one FILE, DIR or -");
	if ((status = prepare(cli, &check)) != CLI_DONE)
		return status;
	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "-") == 0)
			check_stdin(&check);
		else
			check_path(&check, argv[i], true);
	}
	return check.failed ? CLI_FAILED : CLI_DONE;
}
