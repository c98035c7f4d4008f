/* status-nodes: what the nodes say of themselves (the heartbeats of store/watch-beat.c and of the replier), held against what the
 * store says. Layer: program.
 *
 * A heartbeat comes out of the store, where anybody may have written it: what is not as expected in it is left out. */
#include <string.h>

#include "base/clock.h"
#include "outagectl/status.h"

#define TEXT_MAX 400      /* bytes of a text that are shown */
/* Heartbeats follow a change at once, but not in the same second. */
#define FOLLOWS_SECONDS 2
#define FOLLOWS_AT_LAST 15

static void seen_state_free(gpointer data)
{
	SeenState *state = data;

	g_free(state->id);
	g_free(state->word);
	g_free(state);
}

void status_node_free(StatusNode *node)
{
	if (node == NULL)
		return;
	g_free(node->name);
	g_free(node->program);
	g_free(node->version);
	g_free(node->last_error);
	g_free(node->differs);
	g_free(node->secret);
	g_ptr_array_unref(node->state);
	g_free(node);
}

static JsonNode *member(JsonObject *object, const char *name, GType type)
{
	JsonNode *node = json_object_get_member(object, name);

	return node != NULL && JSON_NODE_HOLDS_VALUE(node) && json_node_get_value_type(node) == type ? node : NULL;
}

static char *get_text(JsonObject *object, const char *name)
{
	JsonNode *node = member(object, name, G_TYPE_STRING);
	g_autofree char *valid = node != NULL ? g_utf8_make_valid(json_node_get_string(node), -1) : NULL;
	gsize size = valid != NULL ? MIN(strlen(valid), TEXT_MAX) : 0;

	while (size > 0 && ((guchar)valid[size] & 0xc0) == 0x80)
		size--;
	return valid != NULL ? g_strndup(valid, size) : NULL;
}

static gint64 get_number(JsonObject *object, const char *name, gint64 fallback)
{
	JsonNode *node = member(object, name, G_TYPE_INT64);
	gint64 number = node != NULL ? json_node_get_int(node) : fallback;

	return number >= 0 ? number : fallback;
}

static void read_state(StatusNode *node, JsonObject *object)
{
	JsonNode *list = json_object_get_member(object, "state");
	JsonArray *array = list != NULL && JSON_NODE_HOLDS_ARRAY(list) ? json_node_get_array(list) : NULL;

	/* More than it could list: what it left out is not known. */
	node->has_state = array != NULL && get_number(object, "more", 0) == 0;
	for (guint i = 0; array != NULL && i < json_array_get_length(array); i++) {
		JsonNode *element = json_array_get_element(array, i);
		JsonObject *incident = JSON_NODE_HOLDS_OBJECT(element) ? json_node_get_object(element) : NULL;
		SeenState *state;

		if (incident == NULL)
			continue;
		state = g_new0(SeenState, 1);
		state->id = get_text(incident, "id");
		state->word = get_text(incident, "word");
		g_ptr_array_add(node->state, state);
	}
}

static void read_members(StatusNode *node, JsonObject *object)
{
	JsonNode *empty = member(object, "store_empty", G_TYPE_BOOLEAN);
	JsonNode *without = member(object, "without_model", G_TYPE_BOOLEAN);
	JsonNode *shadow = member(object, "shadow", G_TYPE_BOOLEAN);

	node->program = get_text(object, "program");
	node->version = get_text(object, "version");
	node->last_error = get_text(object, "last_error");
	node->last_error_at = get_number(object, "last_error_at", 0);
	node->pid = get_number(object, "pid", -1);
	node->generation = get_number(object, "generation", -1);
	node->age = get_number(object, "age", -1);
	node->losses = get_number(object, "losses", -1);
	node->problems = get_number(object, "problems", -1);
	node->problems_seen = get_number(object, "problems_seen", -1);
	node->accounts = get_number(object, "accounts", -1);
	node->accounts_broken = get_number(object, "accounts_broken", -1);
	node->sent = get_number(object, "sent", -1);
	node->secret = get_text(object, "secret");
	node->clock = get_number(object, "clock", -1);
	node->spool_local = get_number(object, "spool_local", 0);
	node->spool_held = get_number(object, "spool_held", 0);
	node->spool_asked = get_number(object, "spool_asked", 0);
	node->spool_dead = get_number(object, "spool_dead", 0);
	node->store_empty = empty != NULL && json_node_get_boolean(empty);
	node->without_model = without != NULL && json_node_get_boolean(without);
	node->shadow = shadow != NULL && json_node_get_boolean(shadow);
	read_state(node, object);
}

static StatusNode *node_new(const Status *status, const char *name, gint64 at, const char *json)
{
	g_autoptr(JsonParser) parser = json_parser_new();
	StatusNode *node = g_new0(StatusNode, 1);

	node->name = g_strdup(name);
	node->at = at;
	node->silent = status->now - at > HEARD_ALIVE_SECONDS;
	node->state = g_ptr_array_new_with_free_func(seen_state_free);
	node->pid = node->generation = node->age = node->losses = node->problems = node->problems_seen = -1;
	node->accounts = node->accounts_broken = node->sent = node->clock = -1;
	if (json != NULL && heard_is_flat(json) && json_parser_load_from_data(parser, json, -1, NULL) &&
	    json_parser_get_root(parser) != NULL && JSON_NODE_HOLDS_OBJECT(json_parser_get_root(parser)))
		read_members(node, json_node_get_object(json_parser_get_root(parser)));
	return node;
}

/* --- against the store --- */

static const SeenState *find_seen(const StatusNode *node, const char *id)
{
	for (guint i = 0; i < node->state->len; i++) {
		const SeenState *state = g_ptr_array_index(node->state, i);

		if (g_strcmp0(state->id, id) == 0)
			return state;
	}
	return NULL;
}

static const Incident *find_id(const Snapshot *snapshot, const char *id)
{
	for (guint i = 0; i < snapshot->incidents->len; i++) {
		const Incident *incident = g_ptr_array_index(snapshot->incidents, i);

		if (g_strcmp0(incident->state.id, id) == 0)
			return incident;
	}
	return NULL;
}

static void say(GString *words, const char *format, ...) G_GNUC_PRINTF(2, 3);
static void say(GString *words, const char *format, ...)
{
	va_list args;

	if (words->len > 0)
		g_string_append(words, ", ");
	va_start(args, format);
	g_string_append_vprintf(words, format, args);
	va_end(args);
}

/* Returns in words where the node sees another state than the store has, or NULL; caller frees. */
static char *find_difference(const StatusNode *node, const Snapshot *snapshot)
{
	g_autoptr(GString) words = g_string_new(NULL);

	for (guint i = 0; i < snapshot->incidents->len; i++) {
		const Incident *incident = g_ptr_array_index(snapshot->incidents, i);
		const SeenState *seen = find_seen(node, incident->state.id);

		if (seen != NULL && g_strcmp0(seen->word, word_name(incident->state.word)) != 0)
			say(words, "sees %s as %s, the store has %s", incident->state.id, seen->word, word_name(incident->state.word));
		else if (seen == NULL && word_is_open(incident->state.word))
			say(words, "does not see %s (%s)", incident->state.id, word_name(incident->state.word));
	}
	for (guint i = 0; i < node->state->len; i++) {
		const SeenState *seen = g_ptr_array_index(node->state, i);

		if (find_id(snapshot, seen->id) == NULL)
			say(words, "sees %s (%s), which the store does not have", seen->id, seen->word);
	}
	return words->len > 0 ? g_string_free(g_steal_pointer(&words), FALSE) : NULL;
}

static gint64 last_change(const Snapshot *snapshot)
{
	gint64 last = 0;

	for (guint i = 0; i < snapshot->incidents->len; i++) {
		const IncidentState *state = &((const Incident *)g_ptr_array_index(snapshot->incidents, i))->state;

		last = MAX(last, MAX(MAX(state->declared_at, state->reopened_at), MAX(state->resolved_at, state->ended_at)));
		last = MAX(last, state->changed_ms / 1000);
	}
	return last;
}

/* A node that says that the store is empty goes on from memory: of course it sees what the store does not have. */
static void compare_nodes(Status *status)
{
	gint64 changed = last_change(status->snapshot);

	for (guint i = 0; i < status->nodes->len; i++) {
		StatusNode *node = g_ptr_array_index(status->nodes, i);
		bool had_time = node->at > changed + FOLLOWS_SECONDS || status->now > changed + FOLLOWS_AT_LAST;

		if (node->has_state && !node->silent && !node->store_empty && had_time)
			node->differs = find_difference(node, status->snapshot);
	}
}

/* --- who has which jobs --- */

/* Repliers open the store as NAME or NAME/MORE; the longest name fits best. */
static StatusNode *find_owner(const Status *status, const char *consumer)
{
	StatusNode *best = NULL;

	for (guint i = 0; i < status->nodes->len; i++) {
		StatusNode *node = g_ptr_array_index(status->nodes, i);
		gsize size = strlen(node->name);

		if (strncmp(consumer, node->name, size) == 0 && (consumer[size] == '\0' || consumer[size] == '/') &&
		    (best == NULL || size > strlen(best->name)))
			best = node;
	}
	return best;
}

static void hand_out(Status *status, const GPtrArray *shares)
{
	for (guint i = 0; i < shares->len; i++) {
		const StoreShare *share = g_ptr_array_index(shares, i);
		StatusNode *owner;

		if (share->jobs == 0)
			continue;
		owner = find_owner(status, share->name);
		if (owner == NULL) {
			owner = node_new(status, share->name, 0, NULL);
			g_ptr_array_add(status->nodes, owner);
		}
		owner->jobs += share->jobs;
	}
}

void status_read_nodes(Status *status, const GPtrArray *heartbeats, const GPtrArray *shares)
{
	for (guint i = 0; i < heartbeats->len; i++) {
		const StoreNode *beat = g_ptr_array_index(heartbeats, i);

		g_ptr_array_add(status->nodes, node_new(status, beat->node, beat->at, beat->json));
	}
	compare_nodes(status);
	if (shares != NULL)
		hand_out(status, shares);
}
