/* header: what goes into a header field, and which forged ones go out. Layer: mail.
 * Everything the milter puts into a mail passes through here, so that nothing from outside can start a line of its own. */
#include "mail/header.h"

#include <string.h>

#define PARAM_VALUE_MAX 400 /* bytes */
#define FIELD_NAME_MAX 77   /* RFC 5322 section 2.1.1 leaves 78 with the colon */
#define LINE_WISHED 78
#define LINE_MOST 998

/* Nearly every value is: then there is nothing to do. */
static bool is_printable(const char *value)
{
	for (; *value != '\0'; value++)
		if ((guchar)*value < 0x20 || (guchar)*value >= 0x7f)
			return false;
	return true;
}

char *header_sanitise(const char *value)
{
	GString *clean;
	bool folded = false;

	if (value == NULL)
		value = "";
	if (is_printable(value))
		return g_strdup(value);
	clean = g_string_new(NULL);
	while (*value != '\0') {
		gunichar c = g_utf8_get_char_validated(value, -1);

		if (c == (gunichar)-1 || c == (gunichar)-2) {
			g_string_append_c(clean, '?');
			value++;
			continue;
		}
		/* Folding is white space; without it two words, or two message ids, would become one. */
		if (c == '\n' || c == '\t' || c == '\r') {
			if (clean->len > 0 && clean->str[clean->len - 1] != ' ')
				g_string_append_c(clean, ' ');
		} else if (c >= 0x20 && !(c >= 0x7f && c < 0xa0) && !(c == ' ' && folded)) {
			g_string_append_unichar(clean, c);
		}
		folded = c == '\n' || c == '\t' || c == '\r' || (folded && c == ' ');
		value = g_utf8_next_char(value);
	}
	return g_string_free(clean, FALSE);
}

/* Cuts text (valid UTF-8) at the last character boundary within max bytes. */
static void cut_at(char *text, gsize max)
{
	if (strlen(text) <= max)
		return;
	while (max > 0 && ((guchar)text[max] & 0xc0) == 0x80)
		max--;
	text[max] = '\0';
}

/* token = 1*<any CHAR except SPACE, CTLs, or tspecials>, RFC 2045 section 5.1; and "@", so that an address stands bare as in
 * Authentication-Results (RFC 8601 pvalue), which every reader of such parameters takes. */
static bool is_token(const char *text)
{
	static const char TSPECIALS[] = "()<>,;:\\\"/[]?=";

	for (; *text != '\0'; text++)
		if (*text <= ' ' || *text >= 0x7f || strchr(TSPECIALS, *text) != NULL)
			return false;
	return true;
}

static bool is_ascii(const char *text)
{
	for (; *text != '\0'; text++)
		if ((guchar)*text >= 0x80)
			return false;
	return true;
}

static void append_quoted(GString *out, const char *text)
{
	g_string_append_c(out, '"');
	for (; *text != '\0'; text++) {
		if (*text == '"' || *text == '\\')
			g_string_append_c(out, '\\');
		g_string_append_c(out, *text);
	}
	g_string_append_c(out, '"');
}

/* ext-value = charset "'" [ language ] "'" *( "%" 2HEX / attribute-char ), RFC 2231 section 7 */
static void append_extended(GString *out, const char *text)
{
	static const char UNSAFE[] = "*'%()<>@,;:\\\"/[]?=";

	g_string_append(out, "UTF-8''");
	for (; *text != '\0'; text++) {
		guchar c = (guchar)*text;

		if (c <= ' ' || c >= 0x7f || strchr(UNSAFE, c) != NULL)
			g_string_append_printf(out, "%%%02X", c);
		else
			g_string_append_c(out, (char)c);
	}
}

/* Returns the value as it may be written, or NULL where there is nothing to write. */
static char *param_value(const char *value)
{
	g_autofree char *clean = header_sanitise(value);

	cut_at(clean, PARAM_VALUE_MAX);
	return *clean != '\0' ? g_steal_pointer(&clean) : NULL;
}

void header_append_param(GString *out, const char *name, const char *value)
{
	g_autofree char *clean = param_value(value);

	if (clean == NULL)
		return;
	if (out->len > 0)
		g_string_append(out, "; ");
	g_string_append(out, name);
	if (!is_ascii(clean)) {
		g_string_append(out, "*=");
		append_extended(out, clean);
		return;
	}
	g_string_append_c(out, '=');
	if (is_token(clean))
		g_string_append(out, clean);
	else
		append_quoted(out, clean);
}

void header_append_item(GString *out, const char *fallback_name, const char *value)
{
	g_autofree char *clean = param_value(value);

	if (clean == NULL)
		return;
	if (!is_ascii(clean)) {
		header_append_param(out, fallback_name, clean);
		return;
	}
	if (out->len > 0)
		g_string_append(out, "; ");
	append_quoted(out, clean);
}

/* encoded-word = "=?UTF-8?B?" base64 "?="          RFC 2047 section 2: at most 75 characters each, and of whole characters */
#define ENCODED_WORD_BYTES 45

char *header_encode(const char *value)
{
	g_autofree char *clean = header_sanitise(value);
	GString *out;

	if (is_ascii(clean) && strstr(clean, "=?") == NULL)
		return g_steal_pointer(&clean);
	out = g_string_new(NULL);
	for (const char *rest = clean; *rest != '\0';) {
		g_autofree char *piece = g_strndup(rest, ENCODED_WORD_BYTES + 1);
		g_autofree char *base64 = NULL;

		cut_at(piece, ENCODED_WORD_BYTES);
		base64 = g_base64_encode((const guchar *)piece, strlen(piece));
		g_string_append_printf(out, "%s=?UTF-8?B?%s?=", out->len > 0 ? " " : "", base64);
		rest += strlen(piece);
	}
	return g_string_free(out, FALSE);
}

/* Returns how many bytes of text (length bytes) go on a line that has room for wished, at most for most, bytes. A break
 * is only made in front of a space, which then is the folding white space; text[0] is never the break. Where the wished
 * length has no space the next one will do, and only past most the line is torn on a character boundary. */
static gsize line_length(const char *text, gsize length, gsize wished, gsize most)
{
	gsize at;

	if (length <= wished)
		return length;
	for (at = wished; at > 0; at--)
		if (text[at] == ' ')
			return at;
	for (at = wished + 1; at < length && at <= most; at++)
		if (text[at] == ' ')
			return at;
	if (length <= most)
		return length;
	for (at = most; at > 0 && ((guchar)text[at] & 0xc0) == 0x80; at--)
		;
	return at > 0 ? at : most;
}

char *header_fold(const char *value, gsize name_length)
{
	g_autofree char *clean = header_sanitise(value);
	GString *out = g_string_new(NULL);
	const char *text = g_strchug(g_strchomp(clean));
	gsize length = strlen(text);
	gsize used = name_length + 2; /* ": " */

	while (length > 0) {
		gsize wished = used < LINE_WISHED ? LINE_WISHED - used : 0;
		gsize most = used < LINE_MOST ? LINE_MOST - used : 1;
		gsize take = line_length(text, length, wished, most);

		g_string_append_len(out, text, (gssize)take);
		text += take;
		length -= take;
		while (length > 0 && *text == ' ') {
			text++;
			length--;
		}
		if (length > 0)
			g_string_append(out, "\n ");
		used = 1;
	}
	return g_string_free(out, FALSE);
}

/* field-name = 1*%d33-57 / %d59-126, RFC 5322 section 2.2 */
bool header_name_valid(const char *name)
{
	gsize length = strlen(name);

	if (length == 0 || length > FIELD_NAME_MAX)
		return false;
	for (; *name != '\0'; name++)
		if (*name <= ' ' || *name >= 0x7f || *name == ':')
			return false;
	return true;
}

typedef struct {
	char *name;
	guint count;
} ForgedName;

/* Both stay NULL until the first field is added, since most mail has none. The hash keeps a mail with thousands of
 * different forged names from costing the square of them. */
struct HeaderForged {
	GPtrArray *names;    /* ForgedName *, in the order they were first seen */
	GHashTable *by_name; /* lower-case name -> ForgedName * of names */
};

static void forged_name_free(gpointer data)
{
	ForgedName *entry = data;

	g_free(entry->name);
	g_free(entry);
}

static void removal_free(gpointer data)
{
	HeaderRemoval *removal = data;

	g_free(removal->name);
	g_free(removal);
}

HeaderForged *header_forged_new(void)
{
	return g_new0(HeaderForged, 1);
}

void header_forged_free(HeaderForged *forged)
{
	if (forged == NULL)
		return;
	header_forged_reset(forged);
	g_free(forged);
}

void header_forged_reset(HeaderForged *forged)
{
	g_clear_pointer(&forged->by_name, g_hash_table_unref);
	g_clear_pointer(&forged->names, g_ptr_array_unref);
}

void header_forged_add(HeaderForged *forged, const char *name)
{
	g_autofree char *key = g_ascii_strdown(name, -1);
	ForgedName *entry;

	if (forged->names == NULL) {
		forged->names = g_ptr_array_new_with_free_func(forged_name_free);
		forged->by_name = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	}
	entry = g_hash_table_lookup(forged->by_name, key);
	if (entry == NULL) {
		entry = g_new0(ForgedName, 1);
		entry->name = g_strdup(name);
		g_ptr_array_add(forged->names, entry);
		g_hash_table_insert(forged->by_name, g_steal_pointer(&key), entry);
	}
	entry->count++;
}

GPtrArray *header_forged_plan(const HeaderForged *forged)
{
	GPtrArray *plan = g_ptr_array_new_with_free_func(removal_free);

	for (guint i = 0; forged->names != NULL && i < forged->names->len; i++) {
		const ForgedName *entry = g_ptr_array_index(forged->names, i);

		for (guint instance = entry->count; instance > 0; instance--) {
			HeaderRemoval *removal = g_new(HeaderRemoval, 1);

			removal->name = g_strdup(entry->name);
			removal->instance = instance;
			g_ptr_array_add(plan, removal);
		}
	}
	return plan;
}
