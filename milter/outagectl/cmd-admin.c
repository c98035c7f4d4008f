/* cmd-admin: accounts, acks and bounced addresses, what an admin looks after in the store. Layer: program. */
#include <stdio.h>
#include <string.h>

#include "base/address.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/secret.h"
#include "outagectl/cli.h"
#include "outagectl/spool-view.h"

#define LIST_MAX 1000 /* acknowledgements that are listed */

static void print_account(const Account *account, gpointer unused)
{
	g_autofree char *json = account_to_json(account);
	g_autofree char *safe = log_escape(json, 0);

	(void)unused;
	printf("%s\t%s\n", account->key, safe);
}

static int accounts_list(Cli *cli)
{
	g_autoptr(GPtrArray) problems = g_ptr_array_new_with_free_func(g_free);
	g_autoptr(Accounts) accounts = NULL;
	GError *error = NULL;

	accounts = store_accounts(cli->store, problems, &error);
	if (accounts == NULL)
		return cli_error(error);
	accounts_foreach(accounts, print_account, NULL);
	for (guint i = 0; i < problems->len; i++)
		(void)cli_failed("%s", (const char *)g_ptr_array_index(problems, i));
	return problems->len == 0 ? CLI_DONE : CLI_FAILED;
}

static int accounts_set(Cli *cli, const char *key, const char *json)
{
	GError *error = NULL;
	g_autoptr(Account) account = account_parse(key, json, &error);
	g_autofree char *normal = account != NULL ? account_to_json(account) : NULL;

	if (account == NULL || !store_account_put(cli->store, account->key, normal, cli->by, &error))
		return cli_error(error);
	printf("%s: %s\n", account->key, account->name);
	return CLI_DONE;
}

static int accounts_remove(Cli *cli, const char *key)
{
	GError *error = NULL;
	bool found = false;

	if (!store_account_remove(cli->store, key, cli->by, &found, &error))
		return cli_error(error);
	return found ? CLI_DONE : cli_failed("there is no account under %s: outagectl accounts list shows those there are", key);
}

/* That it is not in the history is told, and is no failure of what was done. */
static void note(Cli *cli, const char *what, const char *detail)
{
	g_autoptr(GError) error = NULL;

	if (cli->store == NULL)
		cli->store = store_open(cli->config, cli->by, &error);
	if (cli->store == NULL || !store_add_event(cli->store, what, NULL, cli->by, detail, &error))
		(void)cli_failed("done, but the log does not say so: %s", error->message);
}

/* FILE holds one object: key -> account object. All is checked before anything is written. */
static int accounts_import(Cli *cli, const char *path)
{
	g_autoptr(JsonParser) parser = json_parser_new();
	g_autoptr(GPtrArray) parsed = g_ptr_array_new_with_free_func((GDestroyNotify)account_free);
	g_autofree char *base = NULL, *summary = NULL;
	GError *error = NULL;
	JsonObjectIter iter;
	const char *key;
	JsonNode *node;

	if (!json_parser_load_from_file(parser, path, &error))
		return cli_error(error);
	if (!JSON_NODE_HOLDS_OBJECT(json_parser_get_root(parser)))
		return cli_failed("%s: must be one JSON object: key -> account", path);
	json_object_iter_init(&iter, json_node_get_object(json_parser_get_root(parser)));
	while (json_object_iter_next(&iter, &key, &node)) {
		g_autofree char *json = json_to_string(node, FALSE);
		Account *account = account_parse(key, json, &error);

		if (account == NULL)
			return cli_error(error);
		g_ptr_array_add(parsed, account);
	}
	for (guint i = 0; i < parsed->len; i++) {
		const Account *account = g_ptr_array_index(parsed, i);
		g_autofree char *json = account_to_json(account);

		if (!store_account_put(cli->store, account->key, json, cli->by, &error))
			return cli_error(error);
	}
	base = g_path_get_basename(path);
	summary = g_strdup_printf("%u from %s", parsed->len, base);
	note(cli, "accounts-imported", summary);
	printf("%u account(s) imported\n", parsed->len);
	return CLI_DONE;
}

int command_accounts(Cli *cli, int argc, char **argv)
{
	const char *verb;

	if (!cli_options(cli, NULL, "list | set KEY JSON | remove KEY | import FILE - the large customers", &argc, &argv))
		return CLI_USAGE;
	verb = argc > 1 ? argv[1] : "list";
	if (!((strcmp(verb, "list") == 0 && argc <= 2) || (strcmp(verb, "set") == 0 && argc == 4) ||
	        (strcmp(verb, "remove") == 0 && argc == 3) || (strcmp(verb, "import") == 0 && argc == 3)))
		return cli_usage("accounts takes: list | set KEY JSON | remove KEY | import FILE");
	if (!cli_store(cli))
		return CLI_FAILED;
	if (strcmp(verb, "list") == 0)
		return accounts_list(cli);
	if (strcmp(verb, "set") == 0)
		return accounts_set(cli, argv[2], argv[3]);
	if (strcmp(verb, "remove") == 0)
		return accounts_remove(cli, argv[2]);
	return accounts_import(cli, argv[2]);
}

/* One member of a job's payload as text, or "-"; nothing here trusts it. */
static char *payload_member(const StoredJob *job, const char *name)
{
	g_autofree char *text = job_peek(job, name);

	return text != NULL ? log_escape(text, 200) : g_strdup("-");
}

static void print_jobs(const GPtrArray *jobs, QueueList list)
{
	for (guint i = 0; i < jobs->len; i++) {
		const StoredJob *job = g_ptr_array_index(jobs, i);
		g_autofree char *id = payload_member(job, "id");
		g_autofree char *sender = payload_member(job, "sender");
		g_autofree char *due = job->due != 0 ? clock_format(job->due) : g_strdup("now");
		g_autofree char *why = log_escape(job->why, 300);
		g_autofree char *handle = log_escape(job->handle, 0);

		printf("%s\t%s\t%s\t", handle, id, sender);
		/* What is buried is due no more. */
		if (list == QUEUE_PENDING)
			printf("due %s\t", due);
		printf("tries %u%s%s\n", job->tries, *why != '\0' ? "\t" : "", why);
	}
}

/* What this node keeps by itself is listed too, also where the store is away. */
static int acks_list(Cli *cli, QueueList list)
{
	g_autoptr(GPtrArray) own = g_ptr_array_new_with_free_func((GDestroyNotify)stored_job_free), jobs = NULL;
	GError *error = NULL;

	if (!cli_config(cli))
		return CLI_FAILED;
	if (!spool_view_list(cli->config, list, LIST_MAX, own, &error))
		return cli_error(error);
	print_jobs(own, list);
	if (!cli_store(cli))
		return CLI_FAILED;
	jobs = store_queue_list(cli->store, list, LIST_MAX, &error);
	if (jobs == NULL)
		return cli_error(error);
	print_jobs(jobs, list);
	return CLI_DONE;
}

/* handle NULL = all, of the store and of this node. */
static int acks_move(Cli *cli, bool retry, const char *handle)
{
	static const char why[] = "buried by the operator";
	bool own = handle != NULL && g_str_has_prefix(handle, SPOOL_HANDLE);
	GError *error = NULL;
	guint moved = 0, here = 0;

	if (!cli_config(cli))
		return CLI_FAILED;
	if ((handle == NULL || own) && !spool_view_move(cli->config, retry, handle, why, &here, &error))
		return cli_error(error);
	if (here > 0) {
		g_autofree char *which = g_strdup_printf("%s in the keeping of %s", handle != NULL ? handle : "all", config_node(cli->config));

		printf("%u acknowledgement(s) in this node's own keeping %s\n", here, retry ? "are tried again" : "buried");
		note(cli, retry ? "queue-retry" : "queue-bury", which);
	}
	if (own && here > 0)
		return CLI_DONE;
	if (!own && cli->store == NULL && !cli_store(cli))
		return CLI_FAILED;
	if (!own && !(retry ? store_queue_retry(cli->store, handle, &moved, &error)
	                    : store_queue_bury(cli->store, handle, why, &moved, &error)))
		return cli_error(error);
	if (moved == 0 && handle != NULL)
		return cli_failed("there is no such acknowledgement: %s (outagectl acks pending and acks dead list them)", handle);
	printf("%u acknowledgement(s) %s\n", moved, retry ? "are tried again" : "buried");
	return CLI_DONE;
}

int command_acks(Cli *cli, int argc, char **argv)
{
	gboolean all = FALSE;
	const GOptionEntry entries[] = {
		{ "all", 0, 0, G_OPTION_ARG_NONE, &all, "retry or bury every one", NULL },
		G_OPTION_ENTRY_NULL,
	};
	const char *verb;
	bool list, move;

	if (!cli_options(cli, entries, "pending | dead | retry ID|--all | bury ID|--all - acknowledgements to be sent", &argc, &argv))
		return CLI_USAGE;
	verb = argc > 1 ? argv[1] : "";
	list = strcmp(verb, "pending") == 0 || strcmp(verb, "dead") == 0;
	move = strcmp(verb, "retry") == 0 || strcmp(verb, "bury") == 0;
	if (!((list && argc == 2 && !all) || (move && argc == (all ? 2 : 3))))
		return cli_usage("acks takes: pending | dead | retry ID|--all | bury ID|--all");
	if (list)
		return acks_list(cli, strcmp(verb, "dead") == 0 ? QUEUE_DEAD : QUEUE_PENDING);
	return acks_move(cli, strcmp(verb, "retry") == 0, all ? NULL : argv[2]);
}

/* Addresses are kept as keyed hashes, so the site secret is needed to look for one. */
static char *address_hash(Cli *cli, const char *text, GError **error)
{
	g_autofree char *path = config_secret_path(cli->config);
	g_autofree char *normal = address_normal_text(text);
	g_autoptr(Secret) secret = secret_load(path, false, error);

	return secret != NULL ? secret_address_hash(secret, normal) : NULL;
}

static int bounced_show(Cli *cli, const char *address, const char *hash)
{
	g_autofree char *why = NULL, *time = NULL, *safe = NULL;
	GError *error = NULL;
	gint64 until = 0;

	if (!store_blocked(cli->store, hash, &why, &until, &error))
		return cli_error(error);
	if (why == NULL) {
		printf("%s: no mail to it has come back\n", address);
		return CLI_DONE;
	}
	time = clock_format(until);
	safe = log_escape(why, 300);
	printf("%s: mail to it came back; nothing is sent to it until %s%s%s\n", address, time, *safe != '\0' ? ": " : "", safe);
	return CLI_DONE;
}

static int bounced_clear(Cli *cli, const char *address, const char *hash)
{
	GError *error = NULL;
	bool found = false;

	if (!store_unblock(cli->store, hash, cli->by, &found, &error))
		return cli_error(error);
	printf("%s: %s\n", address, found ? "is written to again" : "was not held back");
	return CLI_DONE;
}

int command_bounced(Cli *cli, int argc, char **argv)
{
	gboolean clear = FALSE;
	const GOptionEntry entries[] = {
		{ "clear", 0, 0, G_OPTION_ARG_NONE, &clear, "write to it again", NULL },
		G_OPTION_ENTRY_NULL,
	};
	g_autofree char *normal = NULL, *hash = NULL;
	GError *error = NULL;

	if (!cli_options(cli, entries, "ADDRESS - whether mail to it has come back", &argc, &argv))
		return CLI_USAGE;
	if (argc != 2)
		return cli_usage("bounced takes one ADDRESS");
	normal = address_normal_text(argv[1]);
	if (normal == NULL)
		return cli_usage("\"%s\" is no mail address", argv[1]);
	if (!cli_store(cli))
		return CLI_FAILED;
	hash = address_hash(cli, normal, &error);
	if (hash == NULL)
		return cli_error(error);
	return clear ? bounced_clear(cli, normal, hash) : bounced_show(cli, normal, hash);
}
