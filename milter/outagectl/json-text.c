/* json-text: see json-text.h. Layer: program. */
#include "outagectl/json-text.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/log.h"

#define DEPTH_MAX 32 /* a status page has seven levels */

GString *json_text_read(const char *file, GError **error)
{
	FILE *in = strcmp(file, "-") == 0 ? stdin : fopen(file, "re");
	g_autofree char *piece = g_malloc(65536);
	GString *text = NULL;
	gsize got;

	if (in != NULL) {
		text = g_string_new(NULL);
		while (text->len <= JSON_TEXT_MAX && (got = fread(piece, 1, 65536, in)) > 0)
			g_string_append_len(text, piece, (gssize)got);
	}
	if (in == NULL || ferror(in)) {
		g_set_error(error, OUTAGE_ERROR, OUTAGE_ERROR_SYSTEM, "%s: %s", file, g_strerror(errno));
		if (text != NULL)
			g_string_free(text, TRUE);
		text = NULL;
	}
	if (in != NULL && in != stdin)
		(void)fclose(in);
	return text;
}

/*     escape = "\" ( DQUOTE / "\" / "/" / "b" / "f" / "n" / "r" / "t" / "u" 4HEXDIG )          RFC 8259 section 7
 * A character above U+FFFF takes two of the last kind, a high surrogate and a low one.
 * Returns how many bytes the escape at p has, or 0 where it is none; unit: what the last kind says. */
static gsize escape_size(const char *p, guint *unit)
{
	*unit = 0;
	if (p[1] == '\0' || strchr("\"\\/bfnrtu", p[1]) == NULL)
		return 0;
	if (p[1] != 'u')
		return 2;
	for (int i = 2; i < 6; i++) {
		if (!g_ascii_isxdigit(p[i]))
			return 0;
		*unit = *unit * 16 + (guint)g_ascii_xdigit_value(p[i]);
	}
	return 6;
}

static gsize character_size(const char *p)
{
	guint unit, next;
	gsize size = escape_size(p, &unit);

	if (size == 0 || unit < 0xd800 || unit > 0xdfff)
		return size;
	if (unit >= 0xdc00 || p[6] != '\\' || escape_size(p + 6, &next) != 6 || next < 0xdc00 || next > 0xdfff)
		return 0;
	return 12;
}

/* json-glib reads nested values by recursion, so that a stranger's brackets could exhaust the stack; it takes comments, in which they could
 * hide; and of a broken string, or of text behind the value, it never gives back what it had read. Returns the first such place in text, with
 * what is wrong there; NULL where there is none. */
static const char *unsound_at(const char *text, const char **what)
{
	guint depth = 0;
	bool quoted = false, ended = false;
	const char *p;

	for (p = text; *p != '\0'; p++) {
		if (quoted && *p == '\\') {
			gsize size = character_size(p);

			*what = "a backslash with nothing that it could stand for";
			if (size == 0)
				return p;
			p += size - 1;
		} else if (*p == '"') {
			quoted = !quoted;
		} else if (!quoted) {
			*what = ended ? "more text behind the end of the object" : "a character that JSON does not have here";
			if (ended ? !g_ascii_isspace(*p) : !g_ascii_isalnum(*p) && strchr("[]{} \t\r\n:,+-.", *p) == NULL)
				return p;
			depth += *p == '[' || *p == '{';
			if ((*p == ']' || *p == '}') && (depth == 0 || --depth == 0))
				ended = true;
		}
		*what = "brackets nested deeper than any status page has them";
		if (depth > DEPTH_MAX)
			return p;
		*what = "more text behind the end of the object";
		if (ended && quoted)
			return p;
	}
	*what = quoted ? "the end comes within a string" : "the end comes before the object is closed: was it read whole?";
	return quoted || depth != 0 || !ended ? p : NULL;
}

static guint line_of(const char *text, const char *place)
{
	guint line = 1;

	for (; text < place; text++)
		line += *text == '\n';
	return line;
}

static bool wrong(GError **error, const char *where, const char *what)
{
	g_set_error(error, OUTAGE_ERROR, OUTAGE_ERROR_INVALID, "%s: %s", where, what);
	return false;
}

JsonNode *json_text_object(const char *bytes, gsize size, GError **error)
{
	g_autoptr(JsonParser) parser = json_parser_new_immutable();
	g_autoptr(GError) bad = NULL;
	g_autofree char *text = NULL, *where = NULL;
	const char *end, *place, *what = NULL;

	if (size > JSON_TEXT_MAX) {
		wrong(error, "JSON", "larger than 4 MB: this is no status page's summary");
		return NULL;
	}
	if (size >= 3 && memcmp(bytes, "\xef\xbb\xbf", 3) == 0) {
		bytes += 3;
		size -= 3;
	}
	text = g_strndup(bytes, size);
	if (!g_utf8_validate_len(bytes, size, &end)) {
		where = g_strdup_printf("JSON, line %u", line_of(text, text + (end - bytes)));
		wrong(error, where, "not UTF-8, or a NUL byte");
		return NULL;
	}
	if (g_strstrip(text)[0] != '{') {
		wrong(error, "JSON, line 1", *text == '<' ? "this is HTML or XML: is the address right?" : "an object in braces is expected");
		return NULL;
	}
	if ((place = unsound_at(text, &what)) != NULL) {
		where = g_strdup_printf("JSON, line %u", line_of(text, place));
		wrong(error, where, what);
		return NULL;
	}
	if (!json_parser_load_from_data(parser, text, -1, &bad)) {
		g_autofree char *shown = log_escape(bad->message, 200);

		wrong(error, "JSON", shown);
		return NULL;
	}
	return json_parser_steal_root(parser);
}
