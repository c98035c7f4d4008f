/* heard: see heard.h. Layer: ops. */
#include "ops/heard.h"

#include <string.h>

#include "base/clock.h"

#define BRACKETS_MAX 64 /* of "[" and "{" */

bool heard_is_flat(const char *json)
{
	guint brackets = 0;

	for (const char *at = json; *at != '\0'; at++)
		brackets += *at == '[' || *at == '{';
	return brackets <= BRACKETS_MAX;
}

void heard_add_identity(JsonBuilder *builder, const Secret *secret)
{
	g_autofree char *fingerprint = secret_fingerprint(secret);

	json_builder_set_member_name(builder, "secret");
	json_builder_add_string_value(builder, fingerprint);
	json_builder_set_member_name(builder, "clock");
	json_builder_add_int_value(builder, clock_now());
}

/* Returns a parser whose root is an object, or NULL; caller frees. */
static JsonParser *read_beat(const StoreNode *node)
{
	g_autoptr(JsonParser) parser = json_parser_new();
	JsonNode *root;

	if (node->json == NULL || !heard_is_flat(node->json) || !json_parser_load_from_data(parser, node->json, -1, NULL))
		return NULL;
	root = json_parser_get_root(parser);
	return root != NULL && JSON_NODE_HOLDS_OBJECT(root) ? g_steal_pointer(&parser) : NULL;
}

static JsonNode *member(JsonParser *beat, const char *name, GType type)
{
	JsonNode *node = json_object_get_member(json_node_get_object(json_parser_get_root(beat)), name);

	return node != NULL && JSON_NODE_HOLDS_VALUE(node) && json_node_get_value_type(node) == type ? node : NULL;
}

static bool is_program(JsonParser *beat, const char *program)
{
	JsonNode *node = member(beat, "program", G_TYPE_STRING);

	return node != NULL && strcmp(json_node_get_string(node), program) == 0;
}

static bool says_empty(JsonParser *beat, const char *unused)
{
	JsonNode *node = member(beat, "store_empty", G_TYPE_BOOLEAN);

	(void)unused;
	return node != NULL && json_node_get_boolean(node);
}

static bool any(const GPtrArray *nodes, gint64 now, bool (*fits)(JsonParser *beat, const char *program), const char *program)
{
	for (guint i = 0; i < nodes->len; i++) {
		const StoreNode *node = g_ptr_array_index(nodes, i);
		g_autoptr(JsonParser) beat = now - node->at <= HEARD_ALIVE_SECONDS ? read_beat(node) : NULL;

		if (beat != NULL && fits(beat, program))
			return true;
	}
	return false;
}

bool heard_program(const GPtrArray *nodes, const char *program, gint64 now)
{
	return any(nodes, now, is_program, program);
}

bool heard_empty(const GPtrArray *nodes, gint64 now)
{
	return any(nodes, now, says_empty, NULL);
}
