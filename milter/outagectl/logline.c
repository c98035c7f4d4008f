/* logline: see logline.h. Layer: program.
 *
 *     line     = text / [where] object / object
 *     text     = [where] tag [tag] [level] (event / 1*CHAR)        twice the tag where the journal adds its own
 *     where    = time SP [HOST SP]                                 rsyslog, syslog-ng, journalctl -o short, short-unix, short-iso
 *     time     = "Nov 22 13:05:36" / DATE "T" TIME [FRACTION] [ZONE] / SECONDS "." FRACTION
 *     tag      = ("outage-milter" / "outage-replier") ["[" PID "]"] ": "
 *     level    = "error: " / "warning: " / "debug: "               none: info
 *     event    = "event=" value *(SP key "=" value)
 *     value    = *VCHAR / DQUOTE *(CHAR / "\" DQUOTE / "\\") DQUOTE
 *     object   = a JSON object of strings and numbers, with "program" where no tag stands in front of it, "level", and "event" or "message"
 *
 * In a value \xNN is the byte and \uNNNN the character that the log does not let through. A line that does not begin like this is not ours,
 * whatever stands further on in it: other programs log what strangers wrote. */
#include "outagectl/logline.h"

#include <json-glib/json-glib.h>
#include <stdbool.h>
#include <string.h>

static const char *const programs[] = { "outage-milter", "outage-replier" };

void logline_free(LogLine *line)
{
	if (line == NULL)
		return;
	g_free(line->time);
	g_free(line->program);
	g_free(line->level);
	g_free(line->event);
	g_free(line->message);
	g_ptr_array_unref(line->pairs);
	g_free(line);
}

const char *logline_get(const LogLine *line, const char *key)
{
	for (guint i = 0; i + 1 < line->pairs->len; i += 2)
		if (strcmp(line->pairs->pdata[i], key) == 0)
			return line->pairs->pdata[i + 1];
	return NULL;
}

/* --- where a line comes from --- */

/* "Nov 22 13:05:36 " */
static bool is_old_time(const char *p)
{
	static const char form[] = "Aaa dd dd:dd:dd ";

	for (gsize i = 0; form[i] != '\0'; i++) {
		bool digit = g_ascii_isdigit(p[i]) || (i == 4 && p[i] == ' ');

		if (form[i] == 'd' ? !digit : g_ascii_isalpha(form[i]) ? !g_ascii_isalpha(p[i]) : p[i] != form[i])
			return false;
	}
	return true;
}

/* Returns the length of the time at p with the space behind it, 0 where there is none. */
static gsize time_length(const char *p)
{
	gsize length = strcspn(p, " ");

	if (is_old_time(p))
		return strlen("Nov 22 13:05:36 ");
	if (p[length] != ' ' || length < 10)
		return 0;
	/* A date, or seconds since the epoch. */
	if (strspn(p, "0123456789.") == length || (g_ascii_isdigit(p[0]) && g_ascii_isdigit(p[3]) && p[4] == '-' && p[7] == '-'))
		return length + 1;
	return 0;
}

/* Returns what stands behind the tag at p, or NULL where none is; *program is set. */
static const char *skip_tag(const char *p, const char **program)
{
	for (gsize i = 0; i < G_N_ELEMENTS(programs); i++) {
		gsize length = strlen(programs[i]);
		const char *end = p + length;

		if (strncmp(p, programs[i], length) != 0)
			continue;
		if (*end == '[') {
			end += 1 + strspn(end + 1, "0123456789");
			if (*end++ != ']')
				continue;
		}
		if (end[0] != ':' || end[1] != ' ')
			continue;
		*program = programs[i];
		return end + 2;
	}
	return NULL;
}

/* Returns the line behind time, host and tags, *program (NULL: no tag) and *time (NULL: none) set; NULL where it is not ours. */
static const char *skip_where(const char *text, const char **program, char **time)
{
	const char *p = skip_tag(text, program);
	gsize length = p == NULL ? time_length(text) : 0;

	if (p == NULL && length > 0) {
		const char *host = text + length;

		*time = g_strndup(text, length - 1);
		p = skip_tag(host, program);
		if (p == NULL && strchr(host, ' ') != NULL)
			p = skip_tag(strchr(host, ' ') + 1, program);
	}
	if (p == NULL)
		return *text == '{' ? text : NULL;
	text = skip_tag(p, program);
	return text != NULL ? text : p;
}

/* --- text --- */

static bool read_hex(const char *p, gsize digits, guint *value)
{
	*value = 0;
	for (gsize i = 0; i < digits; i++) {
		if (!g_ascii_isxdigit(p[i]))
			return false;
		*value = *value * 16 + (guint)g_ascii_xdigit_value(p[i]);
	}
	return true;
}

/* Appends the character at p, which may be escaped; returns what stands behind it. A NUL cannot be in what we wrote. */
static const char *read_char(const char *p, GString *out)
{
	guint code;

	if (p[0] == '\\' && p[1] == 'x' && read_hex(p + 2, 2, &code) && code != 0) {
		g_string_append_c(out, (char)code);
		return p + 4;
	}
	if (p[0] == '\\' && p[1] == 'u' && read_hex(p + 2, 4, &code) && code != 0) {
		g_string_append_unichar(out, code);
		return p + 6;
	}
	if (p[0] == '\\' && (p[1] == '"' || p[1] == '\\'))
		p++;
	g_string_append_c(out, *p);
	return p + 1;
}

/* Returns the value at *p, which moves behind it; caller frees. */
static char *read_value(const char **p)
{
	GString *out = g_string_new(NULL);
	bool quoted = **p == '"';

	*p += quoted;
	while (**p != '\0' && **p != (quoted ? '"' : ' '))
		*p = read_char(*p, out);
	if (quoted && **p == '"')
		(*p)++;
	return g_string_free(out, FALSE);
}

static void read_pairs(LogLine *line, const char *p)
{
	p += strlen("event=");
	line->event = read_value(&p);
	while (*p == ' ') {
		gsize length = strspn(++p, "abcdefghijklmnopqrstuvwxyz0123456789_-");

		if (length == 0 || p[length] != '=')
			return;
		g_ptr_array_add(line->pairs, g_strndup(p, length));
		p += length + 1;
		g_ptr_array_add(line->pairs, read_value(&p));
	}
}

static void read_text(LogLine *line, const char *p)
{
	static const char *const levels[] = { "error", "warning", "debug" };

	for (gsize i = 0; i < G_N_ELEMENTS(levels); i++) {
		gsize length = strlen(levels[i]);

		if (strncmp(p, levels[i], length) == 0 && p[length] == ':' && p[length + 1] == ' ') {
			line->level = g_strdup(levels[i]);
			p += length + 2;
			break;
		}
	}
	if (line->level == NULL)
		line->level = g_strdup("info");
	if (g_str_has_prefix(p, "event="))
		read_pairs(line, p);
	else
		line->message = g_strdup(p);
}

/* --- objects --- */

/* Ours hold no other; whatever is nested deeper is not worth a parser's stack. */
static bool is_flat(const char *p)
{
	bool quoted = false;

	for (p++; *p != '\0'; p++) {
		if (quoted && *p == '\\' && p[1] != '\0')
			p++;
		else if (*p == '"')
			quoted = !quoted;
		else if (!quoted && (*p == '{' || *p == '['))
			return false;
	}
	return true;
}

static void take(char **to, const char *value)
{
	g_free(*to);
	*to = g_strdup(value);
}

static bool read_member(LogLine *line, const char *name, const char *value)
{
	if (strcmp(name, "time") == 0)
		take(&line->time, value);
	else if (strcmp(name, "program") == 0)
		take(&line->program, value);
	else if (strcmp(name, "level") == 0)
		take(&line->level, value);
	else if (strcmp(name, "event") == 0)
		take(&line->event, value);
	else if (strcmp(name, "message") == 0)
		take(&line->message, value);
	else
		return false;
	return true;
}

/* A string or a number as text; NULL for anything else. Caller frees. */
static char *value_text(JsonNode *node)
{
	char number[G_ASCII_DTOSTR_BUF_SIZE];

	if (!JSON_NODE_HOLDS_VALUE(node))
		return NULL;
	switch (json_node_get_value_type(node)) {
	case G_TYPE_STRING:
		return json_node_dup_string(node);
	case G_TYPE_INT64:
		return g_strdup_printf("%" G_GINT64_FORMAT, json_node_get_int(node));
	case G_TYPE_DOUBLE:
		/* Ours have one place at most. */
		return g_strdup(g_ascii_formatd(number, sizeof number, "%.1f", json_node_get_double(node)));
	default:
		return NULL;
	}
}

static bool read_object(LogLine *line, const char *text)
{
	g_autoptr(JsonParser) parser = json_parser_new();
	g_autoptr(GList) names = NULL;
	JsonObject *object;

	if (!is_flat(text) || !json_parser_load_from_data(parser, text, -1, NULL) || !JSON_NODE_HOLDS_OBJECT(json_parser_get_root(parser)))
		return false;
	object = json_node_get_object(json_parser_get_root(parser));
	names = json_object_get_members(object);
	for (const GList *one = names; one != NULL; one = one->next) {
		g_autofree char *value = value_text(json_object_get_member(object, one->data));

		if (value == NULL || read_member(line, one->data, value))
			continue;
		g_ptr_array_add(line->pairs, g_strdup(one->data));
		g_ptr_array_add(line->pairs, g_strdup(value));
	}
	if (line->event != NULL)
		g_clear_pointer(&line->message, g_free);
	return line->level != NULL && (line->event != NULL || line->message != NULL) && line->program != NULL &&
	    (strcmp(line->program, programs[0]) == 0 || strcmp(line->program, programs[1]) == 0);
}

LogLine *logline_parse(const char *text)
{
	g_autoptr(LogLine) line = NULL;
	g_autofree char *valid = NULL, *time = NULL;
	const char *program = NULL, *p;

	if (strlen(text) > LOGLINE_MAX)
		return NULL;
	valid = g_utf8_make_valid(text, -1);
	p = skip_where(valid, &program, &time);
	if (p == NULL)
		return NULL;
	line = g_new0(LogLine, 1);
	line->pairs = g_ptr_array_new_with_free_func(g_free);
	line->time = g_steal_pointer(&time);
	line->program = g_strdup(program);
	if (*p != '{' && program != NULL)
		read_text(line, p);
	else if (!read_object(line, p))
		return NULL;
	return g_steal_pointer(&line);
}
