/* cmd-person: `outagectl export` and `outagectl forget`: what is held of one person. Layer: program.
 * Promise 6 of doc/contract.md. */
#include <stdio.h>
#include <string.h>

#include "base/address.h"
#include "base/log.h"
#include "outagectl/ask.h"
#include "outagectl/cli.h"
#include "outagectl/spool-view.h"
#include "store/erase.h"

/* --- export --- */

/* What stands there may be JSON of ours, or anything that a strange hand has put there. */
static void add_text(JsonBuilder *builder, const char *text)
{
	g_autoptr(JsonNode) node = *text == '{' ? json_from_string(text, NULL) : NULL;

	json_builder_set_member_name(builder, "content");
	if (node != NULL)
		json_builder_add_value(builder, g_steal_pointer(&node));
	else
		json_builder_add_string_value(builder, text);
}

static void print_json(const char *address, const GPtrArray *parts)
{
	g_autoptr(JsonBuilder) builder = json_builder_new();

	json_builder_begin_object(builder);
	cli_json_string(builder, "address", address);
	json_builder_set_member_name(builder, "held");
	json_builder_begin_array(builder);
	for (guint i = 0; i < parts->len; i++) {
		const ErasePart *part = parts->pdata[i];

		json_builder_begin_object(builder);
		cli_json_string(builder, "place", part->place);
		cli_json_time(builder, "at", part->at);
		add_text(builder, part->text);
		json_builder_end_object(builder);
	}
	json_builder_end_array(builder);
	json_builder_end_object(builder);
	cli_print_json(builder, true);
}

static GPtrArray *find(Cli *cli, const char *text, char **normal, char **hash, GError **error)
{
	g_autofree char *path = config_secret_path(cli->config);
	g_autoptr(Secret) secret = secret_load(path, false, error);

	if (secret == NULL)
		return NULL;
	*normal = address_normal_text(text);
	*hash = secret_address_hash(secret, *normal);
	return store_export(cli->store, *hash, *normal, error);
}

/* The one argument of both commands; NULL after the mistake was told. */
static const char *the_address(const char *command, int argc, char **argv)
{
	g_autofree char *normal = argc == 2 ? address_normal_text(argv[1]) : NULL;

	if (argc != 2)
		(void)cli_usage("%s takes one ADDRESS", command);
	else if (normal == NULL)
		(void)cli_usage("\"%s\" is no mail address", argv[1]);
	return normal != NULL ? argv[1] : NULL;
}

int command_export(Cli *cli, int argc, char **argv)
{
	g_autoptr(GPtrArray) parts = NULL;
	g_autofree char *normal = NULL, *hash = NULL;
	const char *address;
	GError *error = NULL;

	if (!cli_options(cli, NULL, "ADDRESS - everything that the store holds of one person, as JSON", &argc, &argv))
		return CLI_USAGE;
	address = the_address("export", argc, argv);
	if (address == NULL)
		return CLI_USAGE;
	if (!cli_store(cli))
		return CLI_FAILED;
	parts = find(cli, address, &normal, &hash, &error);
	/* Who has looked at somebody's data is written down as who has changed something is. */
	if (parts == NULL || !store_add_event(cli->store, "exported", hash, cli->by, NULL, &error))
		return cli_error(error);
	print_json(normal, parts);
	return CLI_DONE;
}

/* --- forget --- */

static void print_parts(const GPtrArray *parts)
{
	for (guint i = 0; i < parts->len; i++) {
		const ErasePart *part = parts->pdata[i];
		g_autofree char *place = log_escape(part->place, 200);

		printf("  %s%s\n", place, part->stays ? " (stays: without it, he would be written to again)" : "");
	}
}

static guint count_going(const GPtrArray *parts)
{
	guint going = 0;

	for (guint i = 0; i < parts->len; i++)
		going += !((const ErasePart *)parts->pdata[i])->stays;
	return going;
}

static int forget(Cli *cli, const char *normal, const char *hash)
{
	GError *error = NULL;
	guint gone = 0, here = 0;

	if (!store_forget(cli->store, hash, normal, cli->by, &gone, &error) || !spool_view_forget(cli->config, hash, &here, &error))
		return cli_error(error);
	printf("%s: forgotten, %u thing(s) in the store", normal, gone);
	if (here > 0)
		printf(" and %u that this node kept by itself", here);
	printf("; other nodes follow within minutes. The logs of the mail server and of this program are not touched.\n");
	return CLI_DONE;
}

int command_forget(Cli *cli, int argc, char **argv)
{
	gboolean yes = FALSE;
	const GOptionEntry entries[] = {
		{ "yes", 'y', 0, G_OPTION_ARG_NONE, &yes, "do not ask", NULL },
		G_OPTION_ENTRY_NULL,
	};
	g_autoptr(GPtrArray) parts = NULL;
	g_autofree char *normal = NULL, *hash = NULL;
	const char *address;
	GError *error = NULL;
	int answer;

	if (!cli_options(cli, entries, "ADDRESS - take away what the store holds of one person", &argc, &argv))
		return CLI_USAGE;
	address = the_address("forget", argc, argv);
	if (address == NULL)
		return CLI_USAGE;
	if (!cli_store(cli))
		return CLI_FAILED;
	parts = find(cli, address, &normal, &hash, &error);
	if (parts == NULL)
		return cli_error(error);
	printf("%s: the store holds %u thing(s)%s\n", normal, parts->len, parts->len > 0 ? ":" : "");
	print_parts(parts);
	/* Even where there is nothing in the store: another node may keep something. */
	answer = ask(count_going(parts) > 0 ? "Take them away?" : "Tell all nodes to forget this address?", yes);
	return answer == CLI_DONE ? forget(cli, normal, hash) : answer;
}
