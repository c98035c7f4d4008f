/* cmd-status: what is on, since when, what waits, what is wrong; in plain words or as JSON. Layer: program.
 *
 * Its first line says in one what is wrong most. Where the store is away, what this node kept of it is shown instead. */
#include "outagectl/status.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "outagectl/watch.h"
#include "store/keep.h"

void status_clear(Status *status)
{
	snapshot_unref(status->snapshot);
	store_info_free(status->info);
	g_clear_pointer(&status->nodes, g_ptr_array_unref);
	g_clear_pointer(&status->wrong, g_ptr_array_unref);
	g_clear_pointer(&status->counts, g_ptr_array_unref);
	g_clear_pointer(&status->alarms, g_ptr_array_unref);
	g_clear_pointer(&status->waiting, g_ptr_array_unref);
	g_clear_pointer(&status->notices, g_ptr_array_unref);
	g_free(status->waiting_trouble);
	g_free(status->away);
	g_free(status->nodes_trouble);
	g_free(status->summary);
}

static void print_text(const char *label, const char *value)
{
	g_autofree char *safe = log_escape(value, 0);

	if (*safe != '\0')
		printf("    %-12s %s\n", label, safe);
}

static void print_counters(GHashTable *counters)
{
	g_autoptr(GPtrArray) names = status_counter_names(counters);
	g_autoptr(GString) held = g_string_new(NULL);

	for (guint i = 0; i < names->len; i++) {
		const char *name = g_ptr_array_index(names, i);
		g_autofree char *label = log_escape(name, 40);

		if (g_str_has_prefix(name, HELD))
			g_string_append_printf(held, "%s%s %s", held->len > 0 ? ", " : "", (const char *)g_hash_table_lookup(counters, name),
			    label + strlen(HELD));
		else
			print_text(label, g_hash_table_lookup(counters, name));
	}
	print_text("held back", held->str);
}

static void print_incident(const Status *status, const Incident *incident)
{
	const IncidentState *state = &incident->state;
	g_autofree char *since = status_ago(status->now, state->word == WORD_RESOLVED ? state->resolved_at : state->declared_at);
	g_autofree char *id = log_escape(state->id, 0);
	const StatusCounts *counts = status_counts_find(status, state->id);
	g_autofree char *responses = counts != NULL ? status_responses_text(status, counts) : NULL;

	printf("%s: %s, %s, for %s (%s)\n", incident->name, word_name(state->word), incident_phase(incident), since, id);
	print_text("title", incident->texts[TEXT_TITLE]);
	print_text("scope", incident->texts[TEXT_SCOPE]);
	print_text("next update", incident->texts[TEXT_NEXT_UPDATE_AT]);
	print_text("last update", incident->update_text);
	if (counts != NULL && counts->counters != NULL)
		print_counters(counts->counters);
	print_text("people", responses);
}

static bool goes_on_from_memory(const Status *status)
{
	for (guint i = 0; i < status->nodes->len; i++) {
		const StatusNode *node = g_ptr_array_index(status->nodes, i);

		if (node->store_empty && !node->silent)
			return true;
	}
	return false;
}

static void print_incidents(Cli *cli, const Status *status)
{
	guint active = 0;

	if (status->snapshot == NULL) {
		printf("this node has kept nothing that says what is on\n");
		return;
	}
	if (status->away != NULL) {
		g_autofree char *since = status_ago(status->now, status->snapshot->taken_at);

		printf("as this node last heard it, %s ago:\n", since);
	}
	for (guint i = 0; i < status->snapshot->incidents->len; i++) {
		const Incident *incident = g_ptr_array_index(status->snapshot->incidents, i);

		if (!incident_is_active(incident, status->now, cli->config->resolved_for / 1000))
			continue;
		active++;
		print_incident(status, incident);
	}
	if (active == 0)
		printf(goes_on_from_memory(status) ? "the store knows of no incident; the nodes go on with what they remember\n"
		                                   : "no incident is on\n");
}

static void print_store(const Config *config, const Status *status)
{
	g_autofree char *url = status_shown_url(config->store_url);
	const StoreInfo *info = status->info;
	g_autofree char *role = log_escape(info != NULL ? info->role : NULL, 40), *where = log_escape(info != NULL ? info->where : NULL, 0);
	g_autofree char *version = log_escape(info != NULL ? info->version : NULL, 40);

	printf("mode %s, store %s", config->mode == MODE_LIVE ? "live" : "SHADOW", url);
	if (*role != '\0')
		printf(": %s", role);
	if (*where != '\0')
		printf(" at %s", where);
	if (*version != '\0')
		printf(", version %s", version);
	if (info != NULL && info->replicas > 0)
		printf(", %u replica(s)", info->replicas);
	if (info != NULL && info->lag >= 0)
		printf(", lag %" G_GINT64_FORMAT " s, %" G_GUINT64_FORMAT " bytes", info->lag, info->lag_bytes);
	printf("\n");
}

static void print_queue(const Status *status)
{
	if (status->away == NULL)
		printf("acknowledgements: %" G_GUINT64_FORMAT " waiting, %" G_GUINT64_FORMAT " for later, %" G_GUINT64_FORMAT
		       " sent, %" G_GUINT64_FORMAT " withdrawn, %" G_GUINT64_FORMAT " dead\n",
		    status->queue.pending, status->queue.delayed, status->queue.sent, status->queue.withdrawn, status->queue.dead);
	if (status->away == NULL && status->queue.oldest != 0) {
		g_autofree char *since = status_ago(status->now, status->queue.oldest);

		printf("the oldest of them has waited for %s\n", since);
	}
	if (status->spool.known)
		printf("in this node's own keeping: %" G_GUINT64_FORMAT " to be answered by itself, %" G_GUINT64_FORMAT " held, %" G_GUINT64_FORMAT
		       " with unknown outcome, %" G_GUINT64_FORMAT " dead\n",
		    status->spool.local, status->spool.held, status->spool.asked, status->spool.dead);
}

/* --- nodes --- */

static void print_seen(const StatusNode *node)
{
	printf("    %-12s ", "sees");
	for (guint i = 0; i < node->state->len; i++) {
		const SeenState *seen = g_ptr_array_index(node->state, i);
		g_autofree char *id = log_escape(seen->id, 80), *word = log_escape(seen->word, 20);

		printf("%s%s (%s)", i > 0 ? ", " : "", word, id);
	}
	printf("%s\n", node->state->len == 0 ? "no incident" : "");
}

/* " 3 NAME", where there are any. */
static void print_count(gint64 count, const char *name)
{
	if (count > 0)
		printf(", %" G_GINT64_FORMAT " %s", count, name);
}

static void print_node(const Status *status, const StatusNode *node)
{
	g_autofree char *name = log_escape(node->name, 120), *program = log_escape(node->program, 40);
	g_autofree char *version = log_escape(node->version, 40), *since = status_ago(status->now, node->at);
	g_autofree char *error_ago = status_ago(status->now, node->last_error_at), *error = NULL;

	printf("node %s:", name);
	if (*program != '\0')
		printf(" %s %s,", program, version);
	if (node->at == 0)
		printf(" never heard");
	else
		printf(node->silent ? " silent for %s" : " seen %s ago", since);
	if (node->age >= 0)
		printf(", knowledge %" G_GINT64_FORMAT " s old", node->age + MAX(0, status->now - node->at));
	print_count((gint64)node->jobs, "job(s) in hand");
	if (node->sent >= 0)
		printf(", %" G_GINT64_FORMAT " sent since its start", node->sent);
	print_count(node->spool_local, "answered by itself");
	print_count(node->spool_held, "held for the store");
	print_count(node->spool_asked, "with unknown outcome");
	print_count(node->spool_dead, "dead in its own keeping");
	print_count(node->problems, "value(s) it cannot read");
	print_count(node->losses, "time(s) without the store");
	printf("\n");
	if (node->has_state)
		print_seen(node);
	print_text("but", node->differs);
	if (node->last_error != NULL) {
		g_autofree char *both = g_strdup_printf("%s (%s ago)", node->last_error, error_ago);

		print_text("last error", both);
	}
}

static void print_figures(const Status *status)
{
	g_autofree char *volume = status_volume_text(status);

	if (volume != NULL)
		printf("%s\n", volume);
}

static void print_status(Cli *cli, const Status *status)
{
	g_autofree char *summary = log_escape(status->summary, 0);

	printf("%s\n", summary);
	for (guint i = 1; i < status->wrong->len; i++) {
		g_autofree char *safe = log_escape(((const Wrong *)g_ptr_array_index(status->wrong, i))->text, 0);

		printf("! %s\n", safe);
	}
	print_incidents(cli, status);
	print_figures(status);
	status_print_waiting(status);
	print_store(cli->config, status);
	print_queue(status);
	for (guint i = 0; i < status->nodes->len; i++)
		print_node(status, g_ptr_array_index(status->nodes, i));
}

/* --- gathering --- */

/* Reads what no status can do without. */
static bool read_store(Cli *cli, Status *status, GError **error)
{
	if (cli->store == NULL)
		cli->store = store_open(cli->config, config_node(cli->config), error);
	if (cli->store == NULL)
		return false;
	status->snapshot = store_snapshot(cli->store, NULL, error);
	return status->snapshot != NULL && store_queue_counts(cli->store, &status->queue, error);
}

/* Who is alive and what the store says of itself is good to know; without it the rest still holds. */
static void read_more(Cli *cli, Status *status)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(GPtrArray) heartbeats = store_nodes(cli->store, &error), shares = store_queue_shares(cli->store, NULL);

	if (heartbeats != NULL)
		status_read_nodes(status, heartbeats, shares);
	else
		status->nodes_trouble = g_strdup(error->message);
	status->info = store_describe(cli->store, NULL);
	status_read_waiting(cli, status);
}

void status_gather(Cli *cli, Status *status, const Status *before)
{
	g_autoptr(GError) error = NULL;
	g_autofree char *path = NULL;

	status->nodes = g_ptr_array_new_with_free_func((GDestroyNotify)status_node_free);
	status->wrong = g_ptr_array_new_with_free_func((GDestroyNotify)wrong_free);
	status->counts = g_ptr_array_new_with_free_func((GDestroyNotify)status_counts_free);
	if (read_store(cli, status, &error)) {
		read_more(cli, status);
		status_read_figures(cli, status, before);
	} else {
		if (cli->store != NULL && store_is_lost(cli->store))
			g_clear_pointer(&cli->store, store_close);
		status->away = g_strdup(error->message);
		g_clear_pointer(&status->snapshot, snapshot_unref);
		path = keep_path(cli->config);
		status->snapshot = keep_load(path, NULL);
	}
	spool_view_read(cli->config, &status->spool);
	status_judge(status, cli->config);
}

int command_status(Cli *cli, int argc, char **argv)
{
	g_auto(Status) status = { .now = clock_now() };
	g_autofree char *interval = NULL;
	gboolean json = FALSE, watch = FALSE, no_color = FALSE;
	gint64 milliseconds = 2000;
	const GOptionEntry entries[] = {
		{ "json", 0, 0, G_OPTION_ARG_NONE, &json, "One JSON object", NULL },
		{ "watch", 0, 0, G_OPTION_ARG_NONE, &watch, "Stay, and show every change (q quits)", NULL },
		{ "interval", 0, 0, G_OPTION_ARG_STRING, &interval, "With --watch: look at least this often (2s)", "TIME" },
		{ "no-color", 0, 0, G_OPTION_ARG_NONE, &no_color, "With --watch: no colour", NULL },
		G_OPTION_ENTRY_NULL,
	};

	if (!cli_options(cli, entries, "- what is on, since when, what is wrong", &argc, &argv))
		return CLI_USAGE;
	if (argc > 1)
		return cli_usage("status takes no argument");
	if ((interval != NULL || no_color) && !watch)
		return cli_usage("--interval and --no-color go with --watch");
	if (watch && json)
		return cli_usage("--watch is for people: for a program, call status --json as often as it is wanted");
	if (interval != NULL && (!clock_parse_duration(interval, &milliseconds) || milliseconds < WATCH_INTERVAL_MIN_MS ||
	        milliseconds > WATCH_INTERVAL_MAX_MS))
		return cli_usage("--interval takes a time from 200ms to 1h, such as 2s");
	if (!cli_config(cli))
		return CLI_FAILED;
	if (watch)
		return watch_run(cli, milliseconds, !no_color);
	status_gather(cli, &status, NULL);
	if (json)
		status_print_json(cli, &status);
	else
		print_status(cli, &status);
	if (status.away == NULL)
		return CLI_DONE;
	/* The summary comes first wherever the two are read as one. */
	fflush(stdout);
	return cli_failed("%s", status.away);
}
