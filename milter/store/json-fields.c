/* json-fields: single members of signed JSON, written and read back (see json-fields.h). Layer: store. */
#include "store/json-fields.h"

#include <string.h>

#include "base/address.h"
#include "base/clock.h"
#include "base/error.h"
#include "incident/incident.h"

#define DEPTH_MAX 8 /* a job or a note has two levels, a delayed job two */

/* Text that comes from a mail may hold anything: what a reader would have to refuse is replaced here already, or one tab in a
 * subject would cost the customer the acknowledgement. Bounded to max bytes. */
static char *tame(const char *text, gsize max)
{
	char *valid = g_utf8_make_valid(text, -1);

	if (strlen(valid) > max)
		*g_utf8_find_prev_char(valid, valid + max + 1) = '\0';
	for (char *p = valid; *p != '\0'; p = g_utf8_next_char(p)) {
		if (!g_unichar_iscntrl(g_utf8_get_char(p)))
			continue;
		for (char *end = g_utf8_next_char(p), *q = p; q < end; q++)
			*q = ' ';
	}
	return valid;
}

static void add_tamed(JsonBuilder *builder, const char *name, const char *text, gsize max)
{
	g_autofree char *tamed = NULL;

	if (text == NULL || *text == '\0')
		return;
	tamed = tame(text, max);
	json_builder_set_member_name(builder, name);
	json_builder_add_string_value(builder, tamed);
}

void fields_add_text(JsonBuilder *builder, const char *name, const char *text)
{
	add_tamed(builder, name, text, FIELDS_TEXT_MAX);
}

void fields_add_short(JsonBuilder *builder, const char *name, const char *text)
{
	add_tamed(builder, name, text, FIELDS_SHORT_MAX);
}

void fields_add_checked(JsonBuilder *builder, const char *name, const char *text, bool (*fits)(const char *text))
{
	if (text != NULL && g_utf8_validate(text, -1, NULL) && fits(text))
		fields_add_text(builder, name, text);
}

void fields_add_flag(JsonBuilder *builder, const char *name, bool flag)
{
	json_builder_set_member_name(builder, name);
	json_builder_add_boolean_value(builder, flag);
}

void fields_add_lines(JsonBuilder *builder, const char *name, const char *text)
{
	g_auto(GStrv) lines = text != NULL && *text != '\0' ? g_strsplit(text, "\n", -1) : NULL;
	g_autofree char *joined = NULL;

	if (lines == NULL)
		return;
	for (char **line = lines; *line != NULL; line++) {
		char *tamed = tame(*line, FIELDS_TEXT_MAX);

		g_free(*line);
		*line = tamed;
	}
	joined = g_strjoinv("\n", lines);
	if (strlen(joined) > FIELDS_TEXT_MAX)
		*g_utf8_find_prev_char(joined, joined + FIELDS_TEXT_MAX + 1) = '\0';
	json_builder_set_member_name(builder, name);
	json_builder_add_string_value(builder, joined);
}

void fields_add_number(JsonBuilder *builder, const char *name, gint64 number)
{
	json_builder_set_member_name(builder, name);
	json_builder_add_int_value(builder, number);
}

void fields_add_count(JsonBuilder *builder, const char *name, guint64 count)
{
	if (count != 0)
		fields_add_number(builder, name, (gint64)count);
}

/* RFC 5322 section 3.6.4 asks for the first reference and the last ones; a chain that is too long keeps the last ones. */
static const char *bounded_references(const char *references, gsize max)
{
	gsize size = strlen(references);
	const char *start;

	if (size <= max)
		return references;
	start = strchr(references + size - max, ' ');
	return start != NULL ? start + 1 : "";
}

bool fields_is_message_id(const char *id)
{
	gsize size = strlen(id);

	if (size < 3 || size > 998 || id[0] != '<' || id[size - 1] != '>')
		return false;
	for (gsize i = 1; i < size - 1; i++)
		if (!g_ascii_isgraph(id[i]) || id[i] == '<' || id[i] == '>')
			return false;
	return true;
}

/* Ids that a reader would refuse are left out: threading suffers, the letter does not. */
void fields_add_ids(JsonBuilder *builder, const char *name, const char *text, gsize max)
{
	g_auto(GStrv) ids = NULL;
	GString *kept;

	if (text == NULL)
		return;
	ids = g_strsplit_set(bounded_references(text, max), " \t\r\n", -1);
	kept = g_string_new(NULL);
	for (char **id = ids; *id != NULL; id++)
		if (fields_is_message_id(*id))
			g_string_append_printf(kept, "%s%s", kept->len > 0 ? " " : "", *id);
	if (kept->len > 0) {
		json_builder_set_member_name(builder, name);
		json_builder_add_string_value(builder, kept->str);
	}
	g_string_free(kept, TRUE);
}

/* Letters and digits and those of others. */
static bool is_made_of(const char *text, gsize max, const char *others)
{
	gsize size = strlen(text);

	for (gsize i = 0; i < size; i++)
		if (!g_ascii_isalnum(text[i]) && strchr(others, text[i]) == NULL)
			return false;
	return size >= 1 && size <= max;
}

bool fields_is_token(const char *text)
{
	return is_made_of(text, 64, "._-");
}

bool fields_is_incident(const char *text)
{
	return strcmp(text, "default") == 0 || incident_name_valid(text);
}

/*     ID = YYYYMMDD "T" HHMMSS "Z-" NAME */
bool fields_is_incident_id(const char *text)
{
	gint64 seconds;

	return clock_parse_compact(text, &seconds) && strlen(text) > FIELDS_ID_NAME && text[FIELDS_ID_NAME - 1] == '-' &&
	    fields_is_incident(text + FIELDS_ID_NAME);
}

bool fields_is_address(const char *text)
{
	g_autoptr(Address) address = address_parse(text, NULL);

	return address != NULL;
}

bool fields_is_recipient(const char *text)
{
	g_autoptr(Address) address = address_parse(text, NULL);
	gsize size = strlen(text);

	return address != NULL && *text != '<' && !g_ascii_isspace(*text) && !g_ascii_isspace(text[size - 1]) &&
	    address_may_be_answered(address);
}

bool fields_is_sender(const char *text)
{
	g_autofree char *normal = fields_is_recipient(text) ? address_normal_text(text) : NULL;

	/* The mark is kept under its hash: another spelling would be another customer. */
	return g_strcmp0(normal, text) == 0;
}

bool fields_is_small_name(const char *text, gsize max, const char *others)
{
	for (const char *p = text; *p != '\0'; p++)
		if (g_ascii_isupper(*p))
			return false;
	return is_made_of(text, max, others);
}

bool fields_is_lines(const char *text)
{
	for (const char *p = text; *p != '\0'; p = g_utf8_next_char(p))
		if (*p != '\n' && g_unichar_iscntrl(g_utf8_get_char(p)))
			return false;
	return strlen(text) <= FIELDS_TEXT_MAX;
}

bool fields_is_language(const char *text)
{
	return is_made_of(text, 35, "-");
}

bool fields_is_plain_text(const char *text)
{
	for (const char *p = text; *p != '\0'; p = g_utf8_next_char(p))
		if (g_unichar_iscntrl(g_utf8_get_char(p)))
			return false;
	return strlen(text) <= FIELDS_TEXT_MAX;
}

bool fields_is_references(const char *text)
{
	g_auto(GStrv) ids = g_strsplit(text, " ", -1);

	for (char **id = ids; *id != NULL; id++)
		if (!fields_is_message_id(*id))
			return false;
	return ids[0] != NULL && strlen(text) <= FIELDS_IDS_MAX;
}

bool fields_is_queue_id(const char *text)
{
	return is_made_of(text, 64, "._-");
}

bool fields_unusable(GError **error, const char *what, const char *member, const char *why)
{
	g_set_error(error, OUTAGE_ERROR, OUTAGE_ERROR_INVALID, "%s: %s: %s", what, member, why);
	return false;
}

bool fields_read_text(JsonObject *object, const char *what, const char *name, bool required, const char **text, GError **error)
{
	JsonNode *node = json_object_get_member(object, name);

	*text = NULL;
	if (node == NULL)
		return !required || fields_unusable(error, what, name, "is missing");
	if (!JSON_NODE_HOLDS_VALUE(node) || json_node_get_value_type(node) != G_TYPE_STRING)
		return fields_unusable(error, what, name, "is no string");
	*text = json_node_get_string(node);
	return g_utf8_validate(*text, -1, NULL) || fields_unusable(error, what, name, "is not valid UTF-8");
}

bool fields_read_number(JsonObject *object, const char *what, const char *name, gint64 *number, GError **error)
{
	JsonNode *node = json_object_get_member(object, name);

	if (node == NULL)
		return fields_unusable(error, what, name, "is missing");
	if (!JSON_NODE_HOLDS_VALUE(node) || json_node_get_value_type(node) != G_TYPE_INT64)
		return fields_unusable(error, what, name, "is no whole number");
	*number = json_node_get_int(node);
	return *number >= 0 || fields_unusable(error, what, name, "is negative");
}

bool fields_read_time(JsonObject *object, const char *what, const char *name, gint64 *seconds, GError **error)
{
	return fields_read_number(object, what, name, seconds, error) &&
	    (*seconds <= FIELDS_TIME_MAX || fields_unusable(error, what, name, "is no time"));
}

bool fields_read_flag(JsonObject *object, const char *what, const char *name, bool *flag, GError **error)
{
	JsonNode *node = json_object_get_member(object, name);

	if (node == NULL)
		return fields_unusable(error, what, name, "is missing");
	if (!JSON_NODE_HOLDS_VALUE(node) || json_node_get_value_type(node) != G_TYPE_BOOLEAN)
		return fields_unusable(error, what, name, "is neither true nor false");
	*flag = json_node_get_boolean(node);
	return true;
}

bool fields_read_texts(JsonObject *object, const char *what, const FieldText *table, gsize count, gpointer into, GError **error)
{
	for (gsize i = 0; i < count; i++) {
		const char *text;

		if (!fields_read_text(object, what, table[i].name, table[i].required, &text, error))
			return false;
		if (text != NULL && !table[i].fits(text))
			return fields_unusable(error, what, table[i].name, "cannot be used");
		if (table[i].offset >= 0)
			G_STRUCT_MEMBER(char *, into, table[i].offset) = g_strdup(text);
	}
	return true;
}

/*     escape = "\" ( DQUOTE / "\" / "/" / "b" / "f" / "n" / "r" / "t" / "u" 4HEXDIG )          RFC 8259 section 7
 * Returns how many bytes the escape at p has, or 0 where it is none. Nothing of ours escapes a surrogate. */
static gsize escape_size(const char *p)
{
	if (p[1] == '\0' || strchr("\"\\/bfnrtu", p[1]) == NULL)
		return 0;
	if (p[1] != 'u')
		return 2;
	for (int i = 2; i < 6; i++)
		if (!g_ascii_isxdigit(p[i]))
			return 0;
	return g_ascii_tolower(p[2]) == 'd' && g_ascii_xdigit_value(p[3]) >= 8 ? 0 : 6;
}

/* json-glib reads nested values by recursion, so that a stranger's brackets could exhaust the stack; it takes comments, in which they
 * could hide; and of a broken string or of text behind the value it never gives back what it had read. False where text nests deeper
 * than any of ours, or is broken in one of these ways. */
static bool is_sound(const char *text)
{
	guint depth = 0;
	bool quoted = false, ended = false;

	for (const char *p = text; *p != '\0'; p++) {
		if (quoted && *p == '\\') {
			gsize size = escape_size(p);

			if (size == 0)
				return false;
			p += size - 1;
		} else if (*p == '"') {
			quoted = !quoted;
		} else if (!quoted) {
			if (ended ? !g_ascii_isspace(*p) : !g_ascii_isalnum(*p) && strchr("[]{} \t\r\n:,+-.", *p) == NULL)
				return false;
			depth += *p == '[' || *p == '{';
			if ((*p == ']' || *p == '}') && (depth == 0 || --depth == 0))
				ended = true;
		}
		if (depth > DEPTH_MAX || (ended && quoted))
			return false;
	}
	return !quoted && depth == 0;
}

JsonNode *fields_parse(const char *text)
{
	g_autoptr(JsonParser) parser = json_parser_new_immutable();

	/* json-glib's messages quote what they read; callers say where to look without it. */
	return is_sound(text) && json_parser_load_from_data(parser, text, -1, NULL) ? json_parser_steal_root(parser) : NULL;
}

/* json-glib is lenient: of two members of one name it keeps the last, a string it ends at an escaped NUL, "0x10" and what stands
 * behind the object it takes too. Two readers could take such a text for two letters; what we write reads in one way only. */
bool fields_check_written(JsonNode *root, const char *what, const char *payload, GError **error)
{
	g_autofree char *written = json_to_string(root, FALSE);

	return strcmp(written, payload) == 0 || fields_unusable(error, what, "payload", "is not written as this program writes it");
}

JsonNode *fields_parse_object(const char *what, const char *payload, gsize max, GError **error)
{
	g_autoptr(JsonNode) root = NULL;

	if (payload == NULL || strlen(payload) > max) {
		g_autofree char *longer = g_strdup_printf("is longer than %" G_GSIZE_FORMAT " KB", max / 1024);

		fields_unusable(error, what, "payload", payload == NULL ? "is missing" : longer);
		return NULL;
	}
	root = fields_parse(payload);
	if (root == NULL || !JSON_NODE_HOLDS_OBJECT(root)) {
		fields_unusable(error, what, "payload", root == NULL ? "is no JSON, or too deep or broken" : "is no JSON object");
		return NULL;
	}
	return g_steal_pointer(&root);
}

char *fields_sign(const Secret *secret, JsonBuilder *builder, char **mac)
{
	g_autoptr(JsonNode) root = json_builder_get_root(builder);
	char *payload = json_to_string(root, FALSE);

	*mac = secret_hmac(secret, payload, -1);
	return payload;
}

bool fields_check_mac(const Secret *secret, const char *what, const char *payload, gsize max, const char *mac, GError **error)
{
	/* What is too long is not even hashed. */
	if (payload == NULL || strlen(payload) > max || secret_verify(secret, payload, -1, mac))
		return true;
	g_set_error(error, OUTAGE_ERROR, OUTAGE_ERROR_REFUSED, "%s: not signed with this site's secret", what);
	return false;
}
