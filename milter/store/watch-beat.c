/* watch-beat: a node's heartbeat, a line of JSON about itself for `outagectl status`. Layer: store, private to watch*.c.
 *
 *     beat = { "program", "version", "pid", "generation", "state": [ { "id", "word" } ], "more", "age", "losses", "last_error",
 *              "last_error_at", "problems", "problems_seen", "store_empty", "accounts", "accounts_broken", EXTRA... }
 *
 * state: the incidents that are on, as this node sees them; age: seconds since it heard the store (left out where it never did);
 * accounts is left out until they have been read. Every node's beat lies in one hash of the store, so its length is bounded. */
#include <json-glib/json-glib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "store/watch-private.h"

#define BEAT_MAX 4096
#define STATES_MAX 16
#define ERROR_MAX 300

static void put_int(JsonBuilder *builder, const char *name, gint64 value)
{
	json_builder_set_member_name(builder, name);
	json_builder_add_int_value(builder, value);
}

static void put_text(JsonBuilder *builder, const char *name, const char *text)
{
	g_autofree char *valid = text != NULL ? g_utf8_make_valid(text, -1) : NULL;

	if (valid == NULL)
		return;
	json_builder_set_member_name(builder, name);
	json_builder_add_string_value(builder, valid);
}

static void put_state(JsonBuilder *builder, const Snapshot *snapshot, gint64 resolved_for)
{
	gint64 now = clock_now();
	guint active = 0;

	json_builder_set_member_name(builder, "state");
	json_builder_begin_array(builder);
	for (guint i = 0; i < snapshot->incidents->len; i++) {
		const Incident *incident = g_ptr_array_index(snapshot->incidents, i);

		if (!incident_is_active(incident, now, resolved_for) || active++ >= STATES_MAX)
			continue;
		json_builder_begin_object(builder);
		put_text(builder, "id", incident->state.id);
		put_text(builder, "word", word_name(incident->state.word));
		json_builder_end_object(builder);
	}
	json_builder_end_array(builder);
	if (active > STATES_MAX)
		put_int(builder, "more", active - STATES_MAX);
}

static void put_stats(JsonBuilder *builder, const WatchStats *stats)
{
	g_autofree char *error = stats->last_error != NULL ? log_escape(stats->last_error, ERROR_MAX) : NULL;

	if (stats->age >= 0)
		put_int(builder, "age", stats->age);
	put_int(builder, "losses", (gint64)stats->losses);
	put_text(builder, "last_error", error);
	if (error != NULL)
		put_int(builder, "last_error_at", stats->last_error_at);
	put_int(builder, "problems", stats->problems);
	put_int(builder, "problems_seen", (gint64)stats->problems_seen);
	if (stats->accounts_read)
		put_int(builder, "accounts", stats->accounts);
	put_int(builder, "accounts_broken", stats->accounts_broken);
}

/* Copies the program's own members. */
static void put_extra(JsonBuilder *builder, JsonParser *extra)
{
	JsonObjectIter iter;
	const char *name;
	JsonNode *node;

	json_object_iter_init(&iter, json_node_get_object(json_parser_get_root(extra)));
	while (json_object_iter_next(&iter, &name, &node)) {
		json_builder_set_member_name(builder, name);
		json_builder_add_value(builder, json_node_copy(node));
	}
}

static char *format(const Snapshot *snapshot, const WatchStats *stats, gint64 resolved_for, JsonParser *extra)
{
	g_autoptr(JsonBuilder) builder = json_builder_new();
	g_autoptr(JsonNode) root = NULL;
	const char *program = g_get_prgname();

	json_builder_begin_object(builder);
	put_text(builder, "program", program != NULL ? program : "");
	put_text(builder, "version", PACKAGE_VERSION);
	put_int(builder, "pid", getpid());
	put_int(builder, "generation", snapshot->generation);
	put_state(builder, snapshot, resolved_for);
	put_stats(builder, stats);
	json_builder_set_member_name(builder, "store_empty");
	json_builder_add_boolean_value(builder, snapshot->store_empty);
	if (extra != NULL)
		put_extra(builder, extra);
	json_builder_end_object(builder);
	root = json_builder_get_root(builder);
	return json_to_string(root, FALSE);
}

/* Returns the members of extra as an object, or NULL where they are none. */
static JsonParser *parse_extra(const char *extra)
{
	g_autofree char *object = g_strconcat("{", extra, "}", NULL);
	g_autoptr(JsonParser) parser = json_parser_new_immutable();
	g_autoptr(GError) error = NULL;

	if (json_parser_load_from_data(parser, object, -1, &error) && JSON_NODE_HOLDS_OBJECT(json_parser_get_root(parser)))
		return g_steal_pointer(&parser);
	log_bug("heartbeat: the program's members are no JSON: %s", error != NULL ? error->message : "no object");
	return NULL;
}

char *beat_format(const Snapshot *snapshot, const WatchStats *stats, gint64 resolved_for, const char *extra)
{
	g_autoptr(JsonParser) parser = extra != NULL ? parse_extra(extra) : NULL;
	char *json = format(snapshot, stats, resolved_for, parser);

	if (strlen(json) <= BEAT_MAX)
		return json;
	log_bug("heartbeat: %zu bytes are too many; the program's members are left out", strlen(json));
	g_free(json);
	return format(snapshot, stats, resolved_for, NULL);
}
