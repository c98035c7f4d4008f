/* fuzz-header: any bytes as what goes into a header field. Nothing that is built from them has a CR, a control character or a
 * line of its own; parameters stay within their quotes; and the plan for removing forged fields deletes each once, from the
 * last one of its name on. The input is split at NUL: name, value, further field names. */
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "mail/header.h"

#define LINE_MOST 998

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void assert_one_line(const char *text)
{
	for (; *text; text++)
		g_assert((guchar)*text >= 0x20 && *text != 0x7f);
}

static void assert_folded(const char *value, gsize name_length)
{
	g_autofree char *folded = header_fold(value, name_length);
	gsize used = name_length + 2;

	g_assert(g_utf8_validate(folded, -1, NULL));
	for (const char *line = folded; line; used = 0) {
		gsize length = strcspn(line, "\n");

		g_assert(length + used <= LINE_MOST);
		g_assert(line == folded || *line == ' ');
		/* A line of nothing but white space would end the header for some readers. */
		g_assert(line == folded || strspn(line, " ") < length);
		for (gsize i = 0; i < length; i++)
			g_assert((guchar)line[i] >= 0x20 && line[i] != 0x7f);
		line = line[length] ? line + length + 1 : NULL;
	}
}

/* parameters = value *( "; " value ); value = token / quoted-string / ext-value: reads what was built by the grammar alone. */
static guint count_values(const char *text)
{
	guint count = *text != '\0';
	bool quoted = false;

	for (; *text; text++) {
		if (quoted && *text == '\\') {
			text++;
			g_assert(*text);
		} else if (*text == '"') {
			quoted = !quoted;
		} else if (!quoted && *text == ';') {
			count++;
		}
	}
	g_assert(!quoted);
	return count;
}

static void assert_parameters(const char *name, const char *value)
{
	g_autoptr(GString) out = g_string_new(NULL);
	g_autofree char *clean = header_sanitise(value);
	guint wanted = *clean ? 4 : 2;

	assert_one_line(clean);
	g_assert(g_utf8_validate(clean, -1, NULL));
	header_append_item(out, "item", value);
	header_append_param(out, "first", value);
	header_append_param(out, "second", name && *name ? "x y" : "z");
	header_append_param(out, "third", "a@b");
	assert_one_line(out->str);
	g_assert_cmpuint(count_values(out->str), ==, wanted);
	g_assert(g_str_is_ascii(out->str));
}

static gint compare_names(gconstpointer a, gconstpointer b)
{
	return g_ascii_strcasecmp(((const HeaderRemoval *)a)->name, ((const HeaderRemoval *)b)->name);
}

/* names: from the third piece on, as they stand in the mail. */
static void assert_plan(char **names, guint count)
{
	g_autoptr(HeaderForged) forged = header_forged_new();
	g_autoptr(GPtrArray) plan = NULL;

	for (guint i = 0; i < count; i++)
		header_forged_add(forged, names[i]);
	plan = header_forged_plan(forged);
	g_assert_cmpuint(plan->len, ==, count);
	for (guint i = 0; i + 1 < plan->len; i++) {
		const HeaderRemoval *removal = g_ptr_array_index(plan, i);
		const HeaderRemoval *next = g_ptr_array_index(plan, i + 1);

		g_assert_cmpuint(removal->instance, >, 0);
		if (compare_names(removal, next) == 0)
			g_assert_cmpuint(removal->instance, ==, next->instance + 1);
		else
			g_assert_cmpuint(removal->instance, ==, 1);
	}
	header_forged_reset(forged);
	g_ptr_array_unref(plan);
	plan = header_forged_plan(forged);
	g_assert_cmpuint(plan->len, ==, 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	g_autoptr(GPtrArray) pieces = g_ptr_array_new_with_free_func(g_free);
	const char *at = (const char *)data;
	const char *end = at + size;
	const char *name;
	const char *value;

	do {
		const char *nul = at < end ? memchr(at, '\0', (gsize)(end - at)) : NULL;

		g_ptr_array_add(pieces, g_strndup(at, (gsize)((nul ? nul : end) - at)));
		at = nul ? nul + 1 : NULL;
	} while (at);
	name = g_ptr_array_index(pieces, 0);
	value = g_ptr_array_index(pieces, MIN(1, pieces->len - 1));
	if (header_name_valid(name)) {
		assert_one_line(name);
		g_assert(!strchr(name, ':') && !strchr(name, ' '));
		assert_folded(value, strlen(name));
	}
	assert_folded(value, 0);
	assert_parameters(name, value);
	if (pieces->len > 2)
		assert_plan((char **)pieces->pdata + 2, pieces->len - 2);
	return 0;
}
