/* template-layout: the last step from a rendered template to a letter: prose wrapped, empty paragraphs gone. Layer: reply. Pure.
 *
 * Lines that start with white space, "-", "*" or a link are layout of the author's own: they stay lines. Where a value has made
 * one of them longer than a screen's width it is folded under its own indent, which is how quoted updates and list items read. A
 * word is broken only where it alone would pass the limit of RFC 5322 section 2.1.1; links are bounded below that by clean.c. */
#include "reply/template-private.h"

#include <string.h>

#define WRAP_COLUMNS 72
#define FIXED_COLUMNS 78
#define LINE_BYTES 900 /* well below 998, so that no transfer encoding comes near it */
#define INDENT_MAX 40

typedef struct {
	GString *out;
	GString *prose;    /* the paragraph being collected */
	bool blank;        /* an empty line is due before the next text */
} Layout;

static gsize columns(const char *text, gsize size)
{
	gsize count = 0;
	for (const char *p = text; p < text + size; p = g_utf8_next_char(p)) {
		gunichar c = g_utf8_get_char(p);
		if (!g_unichar_iszerowidth(c))
			count += g_unichar_iswide(c) ? 2 : 1;
	}
	return count;
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

/* Returns how much of a word of size bytes fits into limit bytes, on a character boundary. */
static gsize bounded_piece(const char *word, gsize size, gsize limit)
{
	if (size <= limit)
		return size;
	const char *end = g_utf8_find_prev_char(word, word + limit + 1);
	return end != NULL && end > word ? (gsize)(end - word) : limit;
}

/* Appends the words of text as lines of at most WRAP_COLUMNS, the first behind `first`, the others behind `rest`. */
static void append_wrapped(GString *out, const char *text, gsize size, const char *first, const char *rest)
{
	const char *end = text + size;
	gsize used = columns(first, strlen(first));
	bool fresh = true; /* nothing but the indent stands on this line */
	g_string_append(out, first);
	while (text < end) {
		if (is_blank(*text)) {
			text++;
			continue;
		}
		gsize length = 0;
		while (text + length < end && !is_blank(text[length]))
			length++;
		length = bounded_piece(text, length, LINE_BYTES);
		gsize width = columns(text, length);
		if (!fresh && used + 1 + width > WRAP_COLUMNS) {
			g_string_append_printf(out, "\n%s", rest);
			used = columns(rest, strlen(rest));
			fresh = true;
		}
		if (!fresh) {
			g_string_append_c(out, ' ');
			used++;
		}
		g_string_append_len(out, text, (gssize)length);
		used += width;
		fresh = false;
		text += length;
	}
	g_string_append_c(out, '\n');
}

static void open_gap(Layout *layout)
{
	if (layout->blank && layout->out->len > 0)
		g_string_append_c(layout->out, '\n');
	layout->blank = false;
}

static void flush_prose(Layout *layout)
{
	if (layout->prose->len == 0)
		return;
	open_gap(layout);
	append_wrapped(layout->out, layout->prose->str, layout->prose->len, "", "");
	g_string_truncate(layout->prose, 0);
}

static bool is_link(const char *line, gsize size)
{
	return (size > 8 && g_ascii_strncasecmp(line, "https://", 8) == 0) ||
	    (size > 7 && g_ascii_strncasecmp(line, "http://", 7) == 0);
}

static bool is_fixed(const char *line, gsize size)
{
	return is_blank(*line) || *line == '-' || *line == '*' || is_link(line, size);
}

static void append_fixed(Layout *layout, const char *line, gsize size)
{
	flush_prose(layout);
	open_gap(layout);
	if (size <= LINE_BYTES && (is_link(line, size) || columns(line, size) <= FIXED_COLUMNS)) {
		g_string_append_len(layout->out, line, (gssize)size);
		g_string_append_c(layout->out, '\n');
		return;
	}
	gsize indent = 0;
	while (indent < size && is_blank(line[indent]))
		indent++;
	bool bullet = size - indent > 2 && strchr("-*", line[indent]) != NULL && line[indent + 1] == ' ';
	g_autofree char *first = g_strndup(line, MIN(indent, INDENT_MAX));
	g_autofree char *rest = g_strconcat(first, bullet ? "  " : "", NULL);
	append_wrapped(layout->out, line + indent, size - indent, first, rest);
}

char *template_layout(const char *text)
{
	g_autoptr(GString) prose = g_string_new(NULL);
	Layout layout = { .out = g_string_new(NULL), .prose = prose };
	while (*text != '\0') {
		gsize length = strcspn(text, "\n");
		gsize size = length;
		while (size > 0 && (is_blank(text[size - 1]) || text[size - 1] == '\r'))
			size--;
		if (size == 0) {
			flush_prose(&layout);
			layout.blank = true;
		} else if (is_fixed(text, size)) {
			append_fixed(&layout, text, size);
		} else {
			g_string_append_c(prose, ' ');
			g_string_append_len(prose, text, (gssize)size);
		}
		text += text[length] == '\n' ? length + 1 : length;
	}
	flush_prose(&layout);
	return g_string_free(layout.out, FALSE);
}
