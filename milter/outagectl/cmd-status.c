/* cmd-status: what is on, since when, what waits, what is wrong; in plain words or as JSON. Layer: program. */
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "outagectl/cli.h"

typedef struct {
	Snapshot *snapshot;
	QueueCounts queue;
	GPtrArray *nodes;      /* StoreNode * */
	GPtrArray *warnings;   /* char *: why customers are not being answered, what is wrong */
	gint64 now;
} Status;

static void status_clear(Status *status)
{
	snapshot_unref(status->snapshot);
	if (status->nodes != NULL)
		g_ptr_array_unref(status->nodes);
	if (status->warnings != NULL)
		g_ptr_array_unref(status->warnings);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Status, status_clear)

/* A node that has said nothing for a minute is not running. */
#define NODE_ALIVE_SECONDS 60
#define PROMISE_EARLY_SECONDS 900
/* In the heartbeat of a node that goes on from memory. */
#define STORE_EMPTY_MARK "\"store_empty\":true"

static bool have_node(const Status *status, const char *program)
{
	for (guint i = 0; i < status->nodes->len; i++) {
		const StoreNode *node = g_ptr_array_index(status->nodes, i);

		if (status->now - node->at <= NODE_ALIVE_SECONDS && strstr(node->json, program) != NULL)
			return true;
	}
	return false;
}

static void warn(Status *status, const char *text)
{
	g_ptr_array_add(status->warnings, g_strdup(text));
}

static void warn_incident(Status *status, const Config *config, const Incident *incident)
{
	gint64 next;

	if (!word_is_open(incident->state.word))
		return;
	if (status->now - incident_last_word(incident) > config->max_silence / 1000)
		g_ptr_array_add(status->warnings,
		    g_strdup_printf("%s has had no update for longer than incident.max_silence: ACKNOWLEDGEMENTS ARE HELD BACK "
		                    "(outagectl update)",
		        incident->name));
	/* An update shortly before the time was the promised one. */
	if (clock_parse(incident->texts[TEXT_NEXT_UPDATE_AT], &next) && next < status->now &&
	    incident->update_at < next - PROMISE_EARLY_SECONDS)
		g_ptr_array_add(status->warnings, g_strdup_printf("%s: the update promised for %s is overdue", incident->name,
		                                      incident->texts[TEXT_NEXT_UPDATE_AT]));
}

static void find_warnings(Status *status, const Config *config)
{
	status->warnings = g_ptr_array_new_with_free_func(g_free);
	if (config->mode != MODE_LIVE)
		warn(status, "mode is shadow: NO CUSTOMER IS BEING ANSWERED");
	if (config->support[0] == NULL)
		warn(status, "no support address is configured: NO MAIL IS INSPECTED");
	if (!config_authenticates(config))
		warn(status, "auth.trusted_ids is empty and spf.enabled is off: no sender counts as authenticated, so NO CUSTOMER IS BEING "
		             "ANSWERED");
	if (status->snapshot->pause != NULL)
		g_ptr_array_add(status->warnings, g_strdup_printf("PAUSED: %s", status->snapshot->pause));
	for (guint i = 0; i < status->snapshot->problems->len; i++)
		warn(status, g_ptr_array_index(status->snapshot->problems, i));
	for (guint i = 0; i < status->snapshot->incidents->len; i++)
		warn_incident(status, config, g_ptr_array_index(status->snapshot->incidents, i));
	if (have_node(status, STORE_EMPTY_MARK))
		warn(status, "STORE EMPTY: the flip key and all states vanished at once. Nodes go on tagging from memory and hold "
		             "acknowledgements back; declare the incident again, or clear it");
	if (!have_node(status, "outage-milter"))
		warn(status, "no outage-milter has been seen for a minute");
	if (!have_node(status, "outage-replier"))
		warn(status, "no outage-replier has been seen for a minute: acknowledgements wait");
	if (status->queue.dead > 0)
		g_ptr_array_add(status->warnings, g_strdup_printf("%" G_GUINT64_FORMAT " acknowledgement(s) could not be sent "
		                                                  "(outagectl acks dead)", status->queue.dead));
}

/* The URL without its password. */
static char *shown_url(const char *url)
{
	const char *start = strstr(url, "://");
	const char *at = start != NULL ? strrchr(start, '@') : NULL;
	const char *colon;

	if (at == NULL)
		return g_strdup(url);
	start += 3;
	colon = memchr(start, ':', (gsize)(at - start));
	return colon != NULL ? g_strdup_printf("%.*s:***%s", (int)(colon - url), url, at) : g_strdup(url);
}

static char *ago(gint64 now, gint64 then)
{
	gint64 seconds = MAX(1, now - then);

	/* Whole minutes are enough for a person once there are any. */
	return clock_format_duration((seconds >= 60 ? seconds - seconds % 60 : seconds) * 1000);
}

static void print_text(const char *label, const char *value)
{
	g_autofree char *safe = log_escape(value, 0);

	if (*safe != '\0')
		printf("    %-12s %s\n", label, safe);
}

/* What the store counts as held back stands under this and a reason code. */
#define HELD "held:"

static int by_name(gconstpointer a, gconstpointer b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Names of counters, in order. */
static GPtrArray *counter_names(GHashTable *counters)
{
	GPtrArray *names = g_ptr_array_new();
	GHashTableIter iter;
	gpointer name;

	g_hash_table_iter_init(&iter, counters);
	while (g_hash_table_iter_next(&iter, &name, NULL))
		g_ptr_array_add(names, name);
	g_ptr_array_sort(names, by_name);
	return names;
}

static void print_counters(GHashTable *counters)
{
	g_autoptr(GPtrArray) names = counter_names(counters);
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

static void print_incident(Cli *cli, const Status *status, const Incident *incident)
{
	const IncidentState *state = &incident->state;
	g_autofree char *since = ago(status->now, state->word == WORD_RESOLVED ? state->resolved_at : state->declared_at);
	g_autofree char *id = log_escape(state->id, 0);
	g_autoptr(GHashTable) counters = NULL;

	printf("%s: %s, %s, for %s (%s)\n", incident->name, word_name(state->word), incident_phase(incident), since, id);
	print_text("title", incident->texts[TEXT_TITLE]);
	print_text("scope", incident->texts[TEXT_SCOPE]);
	print_text("next update", incident->texts[TEXT_NEXT_UPDATE_AT]);
	print_text("last update", incident->update_text);
	counters = store_counters(cli->store, state->id, NULL);
	if (counters != NULL)
		print_counters(counters);
}

static void print_status(Cli *cli, const Status *status)
{
	g_autofree char *url = shown_url(cli->config->store_url);
	guint active = 0;

	for (guint i = 0; i < status->warnings->len; i++) {
		g_autofree char *safe = log_escape(g_ptr_array_index(status->warnings, i), 0);

		printf("! %s\n", safe);
	}
	for (guint i = 0; i < status->snapshot->incidents->len; i++) {
		const Incident *incident = g_ptr_array_index(status->snapshot->incidents, i);

		if (!incident_is_active(incident, status->now, cli->config->resolved_for / 1000))
			continue;
		active++;
		print_incident(cli, status, incident);
	}
	if (active == 0)
		printf(have_node(status, STORE_EMPTY_MARK) ? "the store knows of no incident; the nodes go on with what they remember\n"
		                                           : "no incident is on\n");
	printf("mode %s, store %s\n", cli->config->mode == MODE_LIVE ? "live" : "SHADOW", url);
	printf("acknowledgements: %" G_GUINT64_FORMAT " waiting, %" G_GUINT64_FORMAT " for later, %" G_GUINT64_FORMAT
	       " sent, %" G_GUINT64_FORMAT " withdrawn, %" G_GUINT64_FORMAT " dead\n",
	    status->queue.pending, status->queue.delayed, status->queue.sent, status->queue.withdrawn, status->queue.dead);
	for (guint i = 0; i < status->nodes->len; i++) {
		const StoreNode *node = g_ptr_array_index(status->nodes, i);
		g_autofree char *safe = log_escape(node->node, 0);
		g_autofree char *since = ago(status->now, node->at);

		printf("node %s: seen %s ago\n", safe, since);
	}
}

static void json_counters(JsonBuilder *builder, GHashTable *counters)
{
	g_autoptr(GPtrArray) names = counters != NULL ? counter_names(counters) : g_ptr_array_new();

	for (int held = 0; held <= 1; held++) {
		json_builder_set_member_name(builder, held ? "held" : "counters");
		json_builder_begin_object(builder);
		for (guint i = 0; i < names->len; i++) {
			const char *name = g_ptr_array_index(names, i);

			if (g_str_has_prefix(name, HELD) != (held == 1))
				continue;
			json_builder_set_member_name(builder, held ? name + strlen(HELD) : name);
			json_builder_add_int_value(builder, g_ascii_strtoll(g_hash_table_lookup(counters, name), NULL, 10));
		}
		json_builder_end_object(builder);
	}
}

static void json_incident(Cli *cli, JsonBuilder *builder, const Status *status, const Incident *incident)
{
	const IncidentState *state = &incident->state;
	g_autoptr(GHashTable) counters = state->id != NULL ? store_counters(cli->store, state->id, NULL) : NULL;

	json_builder_begin_object(builder);
	cli_json_string(builder, "name", incident->name);
	cli_json_string(builder, "id", state->id);
	cli_json_string(builder, "word", word_name(state->word));
	cli_json_string(builder, "phase", state->word == WORD_NONE ? NULL : incident_phase(incident));
	json_builder_set_member_name(builder, "active");
	json_builder_add_boolean_value(builder, incident_is_active(incident, status->now, cli->config->resolved_for / 1000));
	cli_json_time(builder, "declared_at", state->declared_at);
	cli_json_time(builder, "resolved_at", state->resolved_at);
	cli_json_time(builder, "ended_at", state->ended_at);
	json_builder_set_member_name(builder, "texts");
	json_builder_begin_object(builder);
	for (int i = 0; i < TEXT_FIELDS; i++)
		if (incident->texts[i] != NULL)
			cli_json_string(builder, text_field_name(i), incident->texts[i]);
	json_builder_end_object(builder);
	cli_json_string(builder, "update", incident->update_text);
	cli_json_time(builder, "update_at", incident->update_at);
	json_counters(builder, counters);
	json_builder_end_object(builder);
}

static void json_number(JsonBuilder *builder, const char *name, guint64 value)
{
	json_builder_set_member_name(builder, name);
	json_builder_add_int_value(builder, (gint64)value);
}

static void json_nodes(JsonBuilder *builder, const Status *status)
{
	json_builder_set_member_name(builder, "nodes");
	json_builder_begin_array(builder);
	for (guint i = 0; i < status->nodes->len; i++) {
		const StoreNode *node = g_ptr_array_index(status->nodes, i);

		json_builder_begin_object(builder);
		cli_json_string(builder, "node", node->node);
		cli_json_time(builder, "seen_at", node->at);
		json_builder_end_object(builder);
	}
	json_builder_end_array(builder);
}

static void print_json(Cli *cli, const Status *status)
{
	g_autoptr(JsonBuilder) builder = json_builder_new();
	g_autofree char *url = shown_url(cli->config->store_url);

	json_builder_begin_object(builder);
	cli_json_string(builder, "mode", cli->config->mode == MODE_LIVE ? "live" : "shadow");
	cli_json_string(builder, "store", url);
	cli_json_string(builder, "pause", status->snapshot->pause);
	json_builder_set_member_name(builder, "incidents");
	json_builder_begin_array(builder);
	for (guint i = 0; i < status->snapshot->incidents->len; i++)
		json_incident(cli, builder, status, g_ptr_array_index(status->snapshot->incidents, i));
	json_builder_end_array(builder);
	json_builder_set_member_name(builder, "acks");
	json_builder_begin_object(builder);
	json_number(builder, "pending", status->queue.pending);
	json_number(builder, "delayed", status->queue.delayed);
	json_number(builder, "sent", status->queue.sent);
	json_number(builder, "withdrawn", status->queue.withdrawn);
	json_number(builder, "dead", status->queue.dead);
	cli_json_time(builder, "oldest", status->queue.oldest);
	json_builder_end_object(builder);
	json_nodes(builder, status);
	cli_json_list(builder, "warnings", status->warnings);
	json_builder_end_object(builder);
	cli_print_json(builder, false);
}

int command_status(Cli *cli, int argc, char **argv)
{
	g_auto(Status) status = { .now = clock_now() };
	gboolean json = FALSE;
	GError *error = NULL;
	const GOptionEntry entries[] = {
		{ "json", 0, 0, G_OPTION_ARG_NONE, &json, "One JSON object", NULL },
		G_OPTION_ENTRY_NULL,
	};

	if (!cli_options(cli, entries, "- what is on, since when, what is wrong", &argc, &argv))
		return CLI_USAGE;
	if (argc > 1)
		return cli_usage("status takes no argument");
	if (!cli_store(cli))
		return CLI_FAILED;
	status.snapshot = store_snapshot(cli->store, NULL, &error);
	if (status.snapshot == NULL || !store_queue_counts(cli->store, &status.queue, &error))
		return cli_error(error);
	/* Who is alive is good to know; without it the rest still holds. */
	status.nodes = store_nodes(cli->store, NULL);
	if (status.nodes == NULL)
		status.nodes = g_ptr_array_new();
	find_warnings(&status, cli->config);
	if (json)
		print_json(cli, &status);
	else
		print_status(cli, &status);
	return CLI_DONE;
}
