/* status-json: `outagectl status --json`, one object with all that is known. Layer: program. */
#include <string.h>

#include "outagectl/status.h"

/* counters NULL: none; where they could not be read (known) there are not none. */
static void json_counters(JsonBuilder *builder, GHashTable *counters, bool known)
{
	g_autoptr(GPtrArray) names = counters != NULL ? status_counter_names(counters) : g_ptr_array_new();

	for (int held = 0; held <= 1; held++) {
		json_builder_set_member_name(builder, held ? "held" : "counters");
		if (!known) {
			json_builder_add_null_value(builder);
			continue;
		}
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

/* Only where the node said it. */
static void said_number(JsonBuilder *builder, const char *name, gint64 value)
{
	if (value >= 0)
		cli_json_int(builder, name, value);
}

static void json_bool(JsonBuilder *builder, const char *name, bool value)
{
	json_builder_set_member_name(builder, name);
	json_builder_add_boolean_value(builder, value);
}

static void json_incident(Cli *cli, JsonBuilder *builder, const Status *status, const Incident *incident)
{
	const IncidentState *state = &incident->state;
	const StatusCounts *counts = status_counts_find(status, state->id);

	json_builder_begin_object(builder);
	cli_json_string(builder, "name", incident->name);
	cli_json_string(builder, "id", state->id);
	cli_json_string(builder, "word", word_name(state->word));
	cli_json_string(builder, "phase", state->word == WORD_NONE ? NULL : incident_phase(incident));
	json_bool(builder, "active", incident_is_active(incident, status->now, cli->config->resolved_for / 1000));
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
	json_counters(builder, counts != NULL ? counts->counters : NULL, counts != NULL ? counts->counters != NULL : status->away == NULL);
	status_json_responses(builder, status, counts);
	json_builder_end_object(builder);
}

static void json_incidents(Cli *cli, JsonBuilder *builder, const Status *status)
{
	json_builder_set_member_name(builder, "incidents");
	json_builder_begin_array(builder);
	for (guint i = 0; status->snapshot != NULL && i < status->snapshot->incidents->len; i++)
		json_incident(cli, builder, status, g_ptr_array_index(status->snapshot->incidents, i));
	json_builder_end_array(builder);
}

static void json_acks(JsonBuilder *builder, const Status *status)
{
	json_builder_set_member_name(builder, "acks");
	json_builder_begin_object(builder);
	cli_json_int(builder, "pending", status->queue.pending);
	cli_json_int(builder, "delayed", status->queue.delayed);
	cli_json_int(builder, "sent", status->queue.sent);
	cli_json_int(builder, "withdrawn", status->queue.withdrawn);
	cli_json_int(builder, "dead", status->queue.dead);
	cli_json_time(builder, "oldest", status->queue.oldest);
	json_builder_end_object(builder);
}

static void json_spool(JsonBuilder *builder, guint64 local, guint64 held, guint64 asked, guint64 dead)
{
	json_builder_set_member_name(builder, "spool");
	json_builder_begin_object(builder);
	cli_json_int(builder, "local", local);
	cli_json_int(builder, "held", held);
	cli_json_int(builder, "asked", asked);
	cli_json_int(builder, "dead", dead);
	json_builder_end_object(builder);
}

static void json_state(JsonBuilder *builder, const StatusNode *node)
{
	json_builder_set_member_name(builder, "state");
	json_builder_begin_array(builder);
	for (guint i = 0; i < node->state->len; i++) {
		const SeenState *seen = g_ptr_array_index(node->state, i);

		json_builder_begin_object(builder);
		cli_json_string(builder, "id", seen->id);
		cli_json_string(builder, "word", seen->word);
		json_builder_end_object(builder);
	}
	json_builder_end_array(builder);
}

static void json_node(JsonBuilder *builder, const StatusNode *node)
{
	json_builder_begin_object(builder);
	cli_json_string(builder, "node", node->name);
	cli_json_string(builder, "program", node->program);
	cli_json_string(builder, "version", node->version);
	cli_json_time(builder, "seen_at", node->at);
	json_bool(builder, "silent", node->silent);
	said_number(builder, "pid", node->pid);
	said_number(builder, "generation", node->generation);
	said_number(builder, "age", node->age);
	if (node->has_state)
		json_state(builder, node);
	cli_json_string(builder, "differs", node->differs);
	json_bool(builder, "store_empty", node->store_empty);
	json_bool(builder, "without_model", node->without_model);
	json_bool(builder, "shadow", node->shadow);
	said_number(builder, "losses", node->losses);
	cli_json_string(builder, "last_error", node->last_error);
	cli_json_time(builder, "last_error_at", node->last_error_at);
	said_number(builder, "problems", node->problems);
	said_number(builder, "problems_seen", node->problems_seen);
	said_number(builder, "accounts", node->accounts);
	said_number(builder, "accounts_broken", node->accounts_broken);
	said_number(builder, "sent", node->sent);
	cli_json_int(builder, "queue_share", node->jobs);
	json_spool(builder, (guint64)node->spool_local, (guint64)node->spool_held, (guint64)node->spool_asked, (guint64)node->spool_dead);
	json_builder_end_object(builder);
}

static void json_nodes(JsonBuilder *builder, const Status *status)
{
	json_builder_set_member_name(builder, "nodes");
	json_builder_begin_array(builder);
	for (guint i = 0; i < status->nodes->len; i++)
		json_node(builder, g_ptr_array_index(status->nodes, i));
	json_builder_end_array(builder);
}

static void json_store(JsonBuilder *builder, const Config *config, const Status *status)
{
	g_autofree char *url = status_shown_url(config->store_url);
	const StoreInfo *info = status->info;

	json_builder_set_member_name(builder, "store");
	json_builder_begin_object(builder);
	cli_json_string(builder, "url", url);
	json_bool(builder, "reached", status->away == NULL);
	cli_json_string(builder, "error", status->away);
	cli_json_string(builder, "role", info != NULL ? info->role : NULL);
	cli_json_string(builder, "where", info != NULL ? info->where : NULL);
	cli_json_string(builder, "version", info != NULL ? info->version : NULL);
	if (info != NULL) {
		cli_json_int(builder, "replicas", info->replicas);
		said_number(builder, "lag", info->lag);
		cli_json_int(builder, "lag_bytes", info->lag_bytes);
		json_bool(builder, "persistent", info->persistent);
	}
	cli_json_string(builder, "evicts", info != NULL ? info->evicts : NULL);
	json_builder_end_object(builder);
}

void status_print_json(Cli *cli, const Status *status)
{
	g_autoptr(JsonBuilder) builder = json_builder_new();
	g_autoptr(GPtrArray) warnings = g_ptr_array_new();

	for (guint i = 0; i < status->wrong->len; i++)
		g_ptr_array_add(warnings, ((const Wrong *)g_ptr_array_index(status->wrong, i))->text);
	json_builder_begin_object(builder);
	cli_json_string(builder, "summary", status->summary);
	cli_json_string(builder, "mode", cli->config->mode == MODE_LIVE ? "live" : "shadow");
	json_store(builder, cli->config, status);
	cli_json_string(builder, "pause", status->snapshot != NULL ? status->snapshot->pause : NULL);
	cli_json_time(builder, "heard_at", status->snapshot != NULL ? status->snapshot->taken_at : 0);
	json_incidents(cli, builder, status);
	status_json_figures(builder, status);
	if (status->away == NULL) {
		json_acks(builder, status);
		status_json_waiting(builder, status);
	}
	if (status->spool.known)
		json_spool(builder, status->spool.local, status->spool.held, status->spool.asked, status->spool.dead);
	json_nodes(builder, status);
	cli_json_list(builder, "warnings", warnings);
	json_builder_end_object(builder);
	cli_print_json(builder, false);
}
