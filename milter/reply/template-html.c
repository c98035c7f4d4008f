/* template-html: a letter as HTML: values escaped for the place they stand in, and the document that is made of a rendered text where
 * the site has no KIND.html of its own. Layer: reply. Pure.
 *
 * The document repeats the structure that template-layout.c sees in the text: paragraphs, lists, quotes (indented lines) and links. It
 * has to look right in clients that drop style sheets, block whatever lies elsewhere and turn colours around for a dark screen: so
 * styles stand in the elements, nothing is fetched, and no colour is set but a grey that shows on both black and white. */
#include "reply/template-private.h"

#include <string.h>

#define SOURCE_COLUMNS 120
#define STYLE_PAGE "margin:0;padding:16px;font-family:-apple-system,'Segoe UI',Roboto,'Helvetica Neue',Arial,sans-serif;" \
	"font-size:16px;line-height:1.5"
#define STYLE_COLUMN "max-width:40em;overflow-wrap:break-word;word-wrap:break-word"
#define STYLE_PARAGRAPH "margin:0 0 1em 0"
#define STYLE_LIST "margin:0 0 1em 0;padding:0 0 0 1.5em"
#define STYLE_QUOTE "margin:0 0 1em 0;padding:0 0 0 1em;border-left:3px solid #888888"

typedef enum { BLOCK_NONE, BLOCK_PARAGRAPH, BLOCK_LIST, BLOCK_QUOTE } Block;

typedef struct {
	GString *out;
	Block block;
	bool gap;          /* an empty line stands between this quote and what follows */
	bool fixed;        /* the line before stays a line */
	gunichar last;     /* last character of the block so far, 0 at its beginning */
} Builder;

static void append_escaped(GString *out, const char *text, gsize size)
{
	for (const char *p = text; p < text + size; p++) {
		switch (*p) {
		case '&': g_string_append(out, "&amp;"); break;
		case '<': g_string_append(out, "&lt;"); break;
		case '>': g_string_append(out, "&gt;"); break;
		case '"': g_string_append(out, "&quot;"); break;
		case '\'': g_string_append(out, "&#39;"); break;
		default: g_string_append_c(out, *p);
		}
	}
}

void template_append_html(GString *out, const char *value, bool attribute)
{
	while (*value != '\0') {
		gsize length = strcspn(value, "\n");
		append_escaped(out, value, length);
		value += length;
		if (*value == '\n') {
			g_string_append(out, attribute ? " " : "<br>\n");
			value++;
		}
	}
}

/* Returns the length of the link at the start of text; 0 where there is none. Punctuation behind it belongs to the sentence. */
static gsize link_length(const char *text, gsize size)
{
	gsize scheme = template_link_scheme(text, size);
	gsize length = scheme;
	while (scheme > 0 && length < size && text[length] > ' ' && text[length] < 0x7F && strchr("<>\"\\^`{|}", text[length]) == NULL)
		length++;
	while (length > scheme && strchr(".,;:!?)]'", text[length - 1]) != NULL)
		length--;
	return length > scheme ? length : 0;
}

/* Long lines of the file are parted where the text has a space: HTML makes no difference between that and a line end. */
static void append_inline(GString *out, const char *text, gsize size)
{
	gsize start = out->len;
	for (gsize at = 0; at < size;) {
		if (text[at] == ' ' && out->len - start > SOURCE_COLUMNS) {
			g_string_append_c(out, '\n');
			start = out->len;
			at++;
			continue;
		}
		gsize length = at > 0 && g_ascii_isalnum(text[at - 1]) ? 0 : link_length(text + at, size - at);
		if (length == 0) {
			append_escaped(out, text + at++, 1);
			continue;
		}
		g_string_append(out, "<a href=\"");
		append_escaped(out, text + at, length);
		g_string_append(out, "\">");
		append_escaped(out, text + at, length);
		g_string_append(out, "</a>");
		at += length;
	}
}

static void close_block(Builder *builder)
{
	static const char *const ends[] = { "", "</p>\n", "</li>\n</ul>\n", "</blockquote>\n" };
	g_string_append(builder->out, ends[builder->block]);
	builder->block = BLOCK_NONE;
	builder->gap = builder->fixed = false;
	builder->last = 0;
}

/* Opens a block of that sort unless one is open. */
static void open_block(Builder *builder, Block block)
{
	static const char *const starts[] = { "", "<p style=\"" STYLE_PARAGRAPH "\">", "<ul style=\"" STYLE_LIST "\">\n",
		"<blockquote style=\"" STYLE_QUOTE "\">" };
	if (builder->block == block)
		return;
	close_block(builder);
	builder->block = block;
	g_string_append(builder->out, starts[block]);
}

/* Appends one line to the open block: on a line of its own where one of the two stays a line, else behind what is there. */
static void append_line(Builder *builder, const char *line, gsize size, bool fixed)
{
	if (builder->last != 0 && (fixed || builder->fixed))
		g_string_append(builder->out, builder->gap ? "<br>\n<br>\n" : "<br>\n");
	else if (builder->last != 0 && !template_joins(builder->last, g_utf8_get_char(line)))
		g_string_append_c(builder->out, '\n');
	append_inline(builder->out, line, size);
	builder->last = g_utf8_get_char(g_utf8_prev_char(line + size));
	builder->fixed = fixed;
	builder->gap = false;
}

static void append_item(Builder *builder, const char *line, gsize size)
{
	bool another = builder->block == BLOCK_LIST;
	open_block(builder, BLOCK_LIST);
	g_string_append(builder->out, another ? "</li>\n<li>" : "<li>");
	builder->last = 0;
	builder->fixed = false;
	append_line(builder, line, size, false);
}

static void add_line(Builder *builder, const char *line, gsize size)
{
	LineKind kind = template_line_kind(line, size);
	gsize indent = 0;
	while (indent < size && (line[indent] == ' ' || line[indent] == '\t'))
		indent++;
	switch (kind) {
	case LINE_BLANK:
		if (builder->block == BLOCK_QUOTE)
			builder->gap = true;
		else
			close_block(builder);
		break;
	case LINE_ITEM:
		append_item(builder, line + 2 + strspn(line + 2, " \t"), size - 2 - strspn(line + 2, " \t"));
		break;
	case LINE_INDENTED:
		if (builder->block != BLOCK_LIST)
			open_block(builder, BLOCK_QUOTE);
		append_line(builder, line + indent, size - indent, builder->block == BLOCK_QUOTE);
		break;
	case LINE_LINK:
	case LINE_FIXED:
	case LINE_PROSE:
		open_block(builder, BLOCK_PARAGRAPH);
		append_line(builder, line, size, kind != LINE_PROSE);
		break;
	}
}

char *template_html(const char *text, const char *subject, const char *language)
{
	g_autoptr(GString) page = g_string_new("<!DOCTYPE html>\n<html lang=\"");
	append_escaped(page, language, strlen(language));
	g_string_append(page, "\">\n<head>\n<meta charset=\"utf-8\">\n"
	    "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
	    "<meta name=\"color-scheme\" content=\"light dark\">\n<meta name=\"supported-color-schemes\" content=\"light dark\">\n<title>");
	append_escaped(page, subject, strlen(subject));
	g_string_append(page, "</title>\n</head>\n<body style=\"" STYLE_PAGE "\">\n<div dir=\"auto\" style=\"" STYLE_COLUMN "\">\n");
	Builder builder = { .out = page };
	while (*text != '\0') {
		gsize length = strcspn(text, "\n");
		gsize size = template_trimmed(text, length);
		add_line(&builder, text, size);
		text += text[length] == '\n' ? length + 1 : length;
	}
	close_block(&builder);
	g_string_append(page, "</div>\n</body>\n</html>\n");
	return g_strdup(page->str);
}
