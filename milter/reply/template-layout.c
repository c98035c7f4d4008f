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

/* A small part of UAX #14, for scripts that are written without spaces: a line may end between two characters of which one is an
 * ideograph (kana count as such), but not before what closes or goes on with the first, nor behind what opens. */
static bool breaks_between(gunichar a, gunichar b)
{
	GUnicodeBreakType before = g_unichar_break_type(a), after = g_unichar_break_type(b);
	if (before != G_UNICODE_BREAK_IDEOGRAPHIC && after != G_UNICODE_BREAK_IDEOGRAPHIC &&
	    before != G_UNICODE_BREAK_CONDITIONAL_JAPANESE_STARTER && !(g_unichar_iswide(a) && g_unichar_iswide(b)))
		return false;
	switch (after) {
	case G_UNICODE_BREAK_CLOSE_PUNCTUATION:
	case G_UNICODE_BREAK_CLOSE_PARANTHESIS:
	case G_UNICODE_BREAK_NON_STARTER:
	case G_UNICODE_BREAK_CONDITIONAL_JAPANESE_STARTER:
	case G_UNICODE_BREAK_EXCLAMATION:
	case G_UNICODE_BREAK_INFIX_SEPARATOR:
	case G_UNICODE_BREAK_COMBINING_MARK:
	case G_UNICODE_BREAK_ZERO_WIDTH_JOINER:
	case G_UNICODE_BREAK_WORD_JOINER:
	case G_UNICODE_BREAK_NON_BREAKING_GLUE:
	case G_UNICODE_BREAK_POSTFIX:
	case G_UNICODE_BREAK_INSEPARABLE:
	case G_UNICODE_BREAK_EMOJI_MODIFIER:
	case G_UNICODE_BREAK_QUOTATION:
		return false;
	default:
		return before != G_UNICODE_BREAK_OPEN_PUNCTUATION && before != G_UNICODE_BREAK_NON_BREAKING_GLUE &&
		    before != G_UNICODE_BREAK_WORD_JOINER && before != G_UNICODE_BREAK_ZERO_WIDTH_JOINER &&
		    before != G_UNICODE_BREAK_QUOTATION && before != G_UNICODE_BREAK_PREFIX;
	}
}

/* Hangul is as wide, but has spaces. */
static bool is_spaceless(gunichar c)
{
	GUnicodeBreakType type = g_unichar_break_type(c);
	return g_unichar_iswide(c) && type != G_UNICODE_BREAK_HANGUL_LV_SYLLABLE && type != G_UNICODE_BREAK_HANGUL_LVT_SYLLABLE &&
	    type != G_UNICODE_BREAK_HANGUL_L_JAMO;
}

bool template_joins(gunichar a, gunichar b)
{
	return is_spaceless(a) && is_spaceless(b);
}

/* Returns the length of what has to stay together at the start of text: up to white space or to where a line may end. */
static gsize piece_length(const char *text, const char *end)
{
	const char *p = text;
	gunichar last = 0;
	for (; p < end && !is_blank(*p); p = g_utf8_next_char(p)) {
		gunichar c = g_utf8_get_char(p);
		if (last != 0 && breaks_between(last, c))
			break;
		last = c;
	}
	return bounded_piece(text, (gsize)(p - text), LINE_BYTES);
}

/* Appends the words of text as lines of at most WRAP_COLUMNS, the first behind `first`, the others behind `rest`. */
static void append_wrapped(GString *out, const char *text, gsize size, const char *first, const char *rest)
{
	const char *end = text + size;
	gsize used = columns(first, strlen(first)), start = out->len;
	bool fresh = true; /* nothing but the indent stands on this line */
	g_string_append(out, first);
	while (text < end) {
		bool space = is_blank(*text);
		while (text < end && is_blank(*text))
			text++;
		gsize length = piece_length(text, end);
		if (length == 0)
			break;
		gsize width = columns(text, length);
		if (!fresh && (used + space + width > WRAP_COLUMNS || out->len - start + length > LINE_BYTES)) {
			g_string_append_c(out, '\n');
			start = out->len;
			g_string_append(out, rest);
			used = columns(rest, strlen(rest));
			fresh = true;
		}
		if (!fresh && space) {
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

gsize template_link_scheme(const char *text, gsize size)
{
	static const char *const schemes[] = { "https://", "http://" };
	for (gsize i = 0; i < G_N_ELEMENTS(schemes); i++)
		if (size > strlen(schemes[i]) && g_ascii_strncasecmp(text, schemes[i], strlen(schemes[i])) == 0)
			return strlen(schemes[i]);
	return 0;
}

gsize template_trimmed(const char *line, gsize length)
{
	while (length > 0 && (is_blank(line[length - 1]) || line[length - 1] == '\r'))
		length--;
	return length;
}

LineKind template_line_kind(const char *line, gsize size)
{
	if (size == 0)
		return LINE_BLANK;
	if (is_blank(*line))
		return LINE_INDENTED;
	if (*line == '-' || *line == '*')
		return size > 2 && is_blank(line[1]) ? LINE_ITEM : LINE_FIXED;
	return template_link_scheme(line, size) > 0 ? LINE_LINK : LINE_PROSE;
}

static void append_fixed(Layout *layout, const char *line, gsize size)
{
	flush_prose(layout);
	open_gap(layout);
	if (size <= LINE_BYTES && (template_link_scheme(line, size) > 0 || columns(line, size) <= FIXED_COLUMNS)) {
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

/* Adds a line to the paragraph that is being collected. */
static void append_prose(GString *prose, const char *line, gsize size)
{
	if (prose->len > 0) {
		gunichar last = g_utf8_get_char(g_utf8_prev_char(prose->str + prose->len));
		if (!template_joins(last, g_utf8_get_char(line)))
			g_string_append_c(prose, ' ');
	}
	g_string_append_len(prose, line, (gssize)size);
}

char *template_layout(const char *text)
{
	g_autoptr(GString) prose = g_string_new(NULL);
	Layout layout = { .out = g_string_new(NULL), .prose = prose };
	while (*text != '\0') {
		gsize length = strcspn(text, "\n");
		gsize size = template_trimmed(text, length);
		LineKind kind = template_line_kind(text, size);
		if (kind == LINE_BLANK) {
			flush_prose(&layout);
			layout.blank = true;
		} else if (kind == LINE_PROSE) {
			append_prose(prose, text, size);
		} else {
			append_fixed(&layout, text, size);
		}
		text += text[length] == '\n' ? length + 1 : length;
	}
	flush_prose(&layout);
	return g_string_free(layout.out, FALSE);
}
