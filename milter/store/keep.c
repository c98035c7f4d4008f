/* keep: see keep.h. Layer: store.
 *
 *     file = taken_at (RFC 3339) LF json LF
 *     json = { "life": ..., "pause": ..., "store_empty": ..., "incidents": [ { "name": ..., "word": ..., "texts": { ... }, ... } ] }
 *
 * The file is ours, but a disk may fill and an editor may slip: it is read as strictly as what comes from Redis. */
#include "store/keep.h"

#include <json-glib/json-glib.h>
#include <string.h>

#include "base/clock.h"
#include "base/error.h"
#include "store/json-fields.h"

#define FILE_NAME "snapshot.json"

char *keep_path(const Config *config)
{
	return g_build_filename(config->state_dir, FILE_NAME, NULL);
}

static void put_text(JsonBuilder *builder, const char *name, const char *value)
{
	if (value == NULL)
		return;
	json_builder_set_member_name(builder, name);
	json_builder_add_string_value(builder, value);
}

static void put_time(JsonBuilder *builder, const char *name, gint64 value)
{
	g_autofree char *text = value != 0 ? clock_format(value) : NULL;

	put_text(builder, name, text);
}

static void put_incident(JsonBuilder *builder, const Incident *incident)
{
	const IncidentState *state = &incident->state;

	json_builder_begin_object(builder);
	put_text(builder, "name", incident->name);
	put_text(builder, "flip", word_name(state->flip));
	put_text(builder, "word", word_name(state->word));
	put_text(builder, "id", state->id);
	put_time(builder, "declared_at", state->declared_at);
	put_time(builder, "reopened_at", state->reopened_at);
	put_time(builder, "resolved_at", state->resolved_at);
	put_time(builder, "ended_at", state->ended_at);
	fields_add_number(builder, "epoch", (gint64)state->epoch);
	fields_add_number(builder, "changed_ms", state->changed_ms);
	put_text(builder, "update", incident->update_text);
	put_time(builder, "update_at", incident->update_at);
	json_builder_set_member_name(builder, "texts");
	json_builder_begin_object(builder);
	for (int i = 0; i < TEXT_FIELDS; i++)
		put_text(builder, text_field_name(i), incident->texts[i]);
	json_builder_end_object(builder);
	json_builder_end_object(builder);
}

char *keep_format(const Snapshot *snapshot)
{
	g_autoptr(JsonBuilder) builder = json_builder_new();
	g_autoptr(JsonNode) root = NULL;

	json_builder_begin_object(builder);
	put_text(builder, "life", snapshot->life);
	put_text(builder, "pause", snapshot->pause);
	json_builder_set_member_name(builder, "store_empty");
	json_builder_add_boolean_value(builder, snapshot->store_empty);
	json_builder_set_member_name(builder, "incidents");
	json_builder_begin_array(builder);
	for (guint i = 0; i < snapshot->incidents->len; i++)
		put_incident(builder, g_ptr_array_index(snapshot->incidents, i));
	json_builder_end_array(builder);
	json_builder_end_object(builder);
	root = json_builder_get_root(builder);
	return json_to_string(root, FALSE);
}

bool keep_save(const char *path, const char *text, gint64 taken_at, GError **error)
{
	g_autofree char *time = clock_format(taken_at);
	g_autofree char *bytes = g_strconcat(time, "\n", text, "\n", NULL);
	g_autoptr(GError) inner = NULL;

	if (g_file_set_contents_full(path, bytes, -1, G_FILE_SET_CONTENTS_CONSISTENT, 0640, &inner))
		return true;
	g_set_error(error, OUTAGE_ERROR, OUTAGE_ERROR_SYSTEM, "%s", inner->message);
	return false;
}

/* Returns the member where it is a string, else NULL. */
static const char *get_text(JsonObject *object, const char *name)
{
	JsonNode *node = json_object_get_member(object, name);

	return node != NULL && JSON_NODE_HOLDS_VALUE(node) && json_node_get_value_type(node) == G_TYPE_STRING
	    ? json_node_get_string(node)
	    : NULL;
}

static gint64 get_time(JsonObject *object, const char *name)
{
	gint64 time = 0;

	(void)clock_parse(get_text(object, name), &time);
	return time;
}

/* Returns the member where it is a whole number that is not negative, else 0. */
static gint64 get_number(JsonObject *object, const char *name)
{
	JsonNode *node = json_object_get_member(object, name);

	return node != NULL && JSON_NODE_HOLDS_VALUE(node) && json_node_get_value_type(node) == G_TYPE_INT64 ? MAX(0, json_node_get_int(node))
	                                                                                                   : 0;
}

static JsonObject *get_object(JsonObject *object, const char *name)
{
	JsonNode *node = json_object_get_member(object, name);

	return node != NULL && JSON_NODE_HOLDS_OBJECT(node) ? json_node_get_object(node) : NULL;
}

/* Returns the incident, or NULL where its name, word or id cannot be used. */
static Incident *get_incident(JsonObject *object)
{
	const char *name = get_text(object, "name"), *id = get_text(object, "id");
	JsonObject *texts = get_object(object, "texts");
	g_autoptr(Incident) incident = NULL;
	gint64 started;

	if (name == NULL || (strcmp(name, "default") != 0 && !incident_name_valid(name)))
		return NULL;
	incident = incident_new(name);
	if (!word_parse(get_text(object, "word"), -1, &incident->state.word) ||
	    !word_parse(get_text(object, "flip"), -1, &incident->state.flip) || (id != NULL && !clock_parse_compact(id, &started)) ||
	    (id == NULL && incident->state.word != WORD_NONE))
		return NULL;
	incident->state.id = g_strdup(id);
	incident->state.declared_at = get_time(object, "declared_at");
	incident->state.reopened_at = get_time(object, "reopened_at");
	incident->state.resolved_at = get_time(object, "resolved_at");
	incident->state.ended_at = get_time(object, "ended_at");
	incident->state.epoch = (guint64)get_number(object, "epoch");
	incident->state.changed_ms = get_number(object, "changed_ms");
	incident->update_text = g_strdup(get_text(object, "update"));
	incident->update_at = get_time(object, "update_at");
	for (int i = 0; texts != NULL && i < TEXT_FIELDS; i++) {
		const char *value = get_text(texts, text_field_name(i));

		if (value != NULL && text_field_check(i, value, NULL))
			incident->texts[i] = g_strdup(value);
	}
	return g_steal_pointer(&incident);
}

static void get_incidents(Snapshot *snapshot, JsonNode *node)
{
	JsonArray *array = node != NULL && JSON_NODE_HOLDS_ARRAY(node) ? json_node_get_array(node) : NULL;

	for (guint i = 0; array != NULL && i < json_array_get_length(array); i++) {
		JsonNode *element = json_array_get_element(array, i);
		Incident *incident = JSON_NODE_HOLDS_OBJECT(element) ? get_incident(json_node_get_object(element)) : NULL;

		if (incident != NULL)
			g_ptr_array_add(snapshot->incidents, incident);
		else
			g_ptr_array_add(snapshot->problems, g_strdup("the kept snapshot: an incident in it cannot be read"));
	}
}

/* When the store was heard, by the clock that does not jump. The other may have: from ahead of now counts as just now. */
static gint64 heard_us(gint64 taken_at)
{
	return MAX(clock_mono_us() - MAX(clock_now() - taken_at, 0) * G_USEC_PER_SEC, 1);
}

Snapshot *keep_load(const char *path, GError **error)
{
	g_autoptr(Snapshot) snapshot = snapshot_new();
	g_autoptr(JsonParser) parser = json_parser_new();
	g_autoptr(GError) inner = NULL;
	g_autofree char *bytes = NULL;
	JsonNode *empty;
	JsonObject *root;
	char *json;

	if (!g_file_get_contents(path, &bytes, NULL, &inner)) {
		g_set_error(error, OUTAGE_ERROR,
		    g_error_matches(inner, G_FILE_ERROR, G_FILE_ERROR_NOENT) ? OUTAGE_ERROR_NOT_FOUND : OUTAGE_ERROR_SYSTEM, "%s",
		    inner->message);
		return NULL;
	}
	json = strchr(bytes, '\n');
	if (json != NULL)
		*json++ = '\0';
	if (json == NULL || !clock_parse(bytes, &snapshot->taken_at) || !json_parser_load_from_data(parser, json, -1, NULL) ||
	    json_parser_get_root(parser) == NULL || !JSON_NODE_HOLDS_OBJECT(json_parser_get_root(parser))) {
		g_set_error(error, OUTAGE_ERROR, OUTAGE_ERROR_INVALID, "%s is no snapshot", path);
		return NULL;
	}
	snapshot->heard_us = heard_us(snapshot->taken_at);
	root = json_node_get_object(json_parser_get_root(parser));
	snapshot->life = g_strdup(get_text(root, "life"));
	snapshot->pause = g_strdup(get_text(root, "pause"));
	empty = json_object_get_member(root, "store_empty");
	snapshot->store_empty = empty != NULL && JSON_NODE_HOLDS_VALUE(empty) &&
	    json_node_get_value_type(empty) == G_TYPE_BOOLEAN && json_node_get_boolean(empty);
	get_incidents(snapshot, json_object_get_member(root, "incidents"));
	return g_steal_pointer(&snapshot);
}
