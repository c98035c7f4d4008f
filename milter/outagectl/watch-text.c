/* watch-text: how wide text is in a terminal, and how it is made to fit (see watch.h). Layer: program. Pure.
 *
 * All text of a frame goes through watch_fit last: whatever an incident's title or a customer's subject holds, no escape sequence, line
 * break or change of direction gets through. */
#include <string.h>

#include "outagectl/watch.h"

#define MARKS_MAX 3 /* combining marks on one character: no script needs more, and a tower of them covers the lines above */

/* Returns how many columns it takes: 0, 1 or 2; -1 where it must not be shown. */
static int cells_of(gunichar c)
{
	switch (g_unichar_type(c)) {
	case G_UNICODE_CONTROL:
	case G_UNICODE_FORMAT:
	case G_UNICODE_UNASSIGNED:
	case G_UNICODE_PRIVATE_USE:
	case G_UNICODE_SURROGATE:
	case G_UNICODE_LINE_SEPARATOR:
	case G_UNICODE_PARAGRAPH_SEPARATOR:
		return -1;
	default:
		return g_unichar_iszerowidth(c) ? 0 : g_unichar_iswide(c) ? 2 : 1;
	}
}

/* Appends c as it may be shown; returns the columns that takes, or -1 where it would take more than are left. */
static int put_char(GString *line, gunichar c, guint left, bool utf8, guint *marks)
{
	int cells;

	/* White space of any kind, line breaks included, is a space. */
	if (g_unichar_isspace(c))
		c = ' ';
	cells = cells_of(c);
	if (cells < 0 || (cells == 0 && (line->len == 0 || !utf8 || ++*marks > MARKS_MAX)))
		return 0;
	if (cells > 0)
		*marks = 0;
	if (!utf8 && c >= 0x80) {
		c = '?';
		cells = 1;
	}
	if ((guint)cells > left)
		return -1;
	g_string_append_unichar(line, c);
	return cells;
}

/* Takes characters off the end of line until it has at most `cells` columns. */
static void cut_to(GString *line, guint cells)
{
	guint have = watch_cells(line->str);

	while (have > cells) {
		const char *last = g_utf8_find_prev_char(line->str, line->str + line->len);

		have -= (guint)MAX(0, cells_of(g_utf8_get_char(last)));
		g_string_truncate(line, (gsize)(last - line->str));
	}
}

static const char *ellipsis(guint cells, bool utf8)
{
	return utf8 ? "\u2026" : cells >= 2 ? ".." : ".";
}

char *watch_fit(const char *text, guint cells, bool utf8)
{
	g_autofree char *valid = g_utf8_make_valid(text != NULL ? text : "", -1);
	GString *line = g_string_new(NULL);
	guint used = 0, marks = 0;

	for (const char *c = valid; *c != '\0'; c = g_utf8_next_char(c)) {
		int took = put_char(line, g_utf8_get_char(c), cells - used, utf8, &marks);

		if (took < 0) {
			const char *end = ellipsis(cells, utf8);

			if (cells == 0)
				break;
			cut_to(line, cells - watch_cells(end));
			g_string_append(line, end);
			break;
		}
		used += (guint)took;
	}
	return g_string_free(line, FALSE);
}

guint watch_cells(const char *text)
{
	guint cells = 0;

	for (const char *c = text; *c != '\0'; c = g_utf8_next_char(c))
		cells += (guint)MAX(0, cells_of(g_utf8_get_char(c)));
	return cells;
}

char *watch_spark(const double *values, guint count, guint cells, double top, bool utf8)
{
	static const char *const blocks[] = { " ", "\u2581", "\u2582", "\u2583", "\u2584", "\u2585", "\u2586", "\u2587", "\u2588" };
	static const char *const ascii[] = { " ", ".", ":", "-", "=", "+", "*", "#", "@" };
	GString *line = g_string_new(NULL);

	for (guint i = count > cells ? count - cells : 0; i < count; i++) {
		guint level = 0;

		if (values[i] > 0)
			level = top > 0 ? (guint)CLAMP(values[i] / top * 8 + 0.5, 1, 8) : 8;
		g_string_append(line, utf8 ? blocks[level] : ascii[level]);
	}
	return g_string_free(line, FALSE);
}
