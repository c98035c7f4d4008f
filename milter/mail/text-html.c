/* text-html: the words a reader of HTML sees. Layer: mail.
 *
 * libxml2's HTML parser calls back for each element; no tree is built, so memory follows the words and not the tags, and
 * reading stops the moment enough is read. Quoted parts come out as "> " lines: one splitter then serves HTML and text. */
#include "mail/text-private.h"

#include <libxml/HTMLparser.h>
#include <string.h>

/* Real mail nests some 150 deep (tables in replies to replies). libxml2's cost grows with depth times tags. */
#define DEPTH_MAX 256
/* libxml2 holds each attribute of a tag against all before it. */
#define ATTRIBUTES_MAX 300

typedef enum {
	HIDE_WHOLE = 1,  /* not shown, whatever is inside */
	HIDE_SIZE = 2,   /* font-size:0: something inside may have a size again (frameworks do this to kill gaps) */
	HIDE_SIGHT = 4,  /* visibility:hidden: something inside may be visible again */
	STATE_QUOTE = 8, /* an earlier mail, or a signature */
	STATE_PRE = 16   /* white space counts */
} StateFlag;

#define HIDE_MASK (HIDE_WHOLE | HIDE_SIZE | HIDE_SIGHT)

typedef struct {
	htmlParserCtxtPtr parser;
	GString *out;
	gsize max;
	GByteArray *states; /* StateFlag bits, one byte for each open element */
	guint breaks;       /* line ends due before the next word */
	bool space;         /* a space is due before the next word */
	bool line_open;     /* something stands on the current line */
	bool below;         /* behind a mark after which all is an earlier mail */
	bool left_out;
	bool stopped;
} Html;

static guint8 current_state(const Html *html)
{
	return html->states->len > 0 ? html->states->data[html->states->len - 1] : 0;
}

static void stop(Html *html)
{
	html->left_out = true;
	html->stopped = true;
	xmlStopParser(html->parser);
}

static void append(Html *html, const char *text, gsize size)
{
	if (!text_append_clean(html->out, text, size, html->max))
		stop(html);
}

/* A new line waits until there is a word for it, so that nested blocks do not pile up empty lines. */
static void want_breaks(Html *html, guint count)
{
	html->breaks = MAX(html->breaks, count);
	html->space = false;
}

static void open_line(Html *html, guint8 state)
{
	if (html->line_open && html->breaks > 0) {
		for (guint i = 0; i < html->breaks; i++)
			append(html, "\n", 1);
		html->line_open = false;
	}
	html->breaks = 0;
	if (!html->line_open) {
		if ((state & STATE_QUOTE) != 0 || html->below)
			append(html, "> ", 2);
		html->line_open = true;
		html->space = false;
	}
	if (html->space)
		append(html, " ", 1);
	html->space = false;
}

static bool name_in(const char *name, const char *const *names)
{
	for (; *names != NULL; names++)
		if (strcmp(name, *names) == 0)
			return true;
	return false;
}

/* Returns the line ends an element makes: 0 inline, 1 a new line, 2 a paragraph. */
static guint element_breaks(const char *name)
{
	static const char *const PARAGRAPHS[] = { "p", "h1", "h2", "h3", "h4", "h5", "h6", "ul", "ol", "dl", "table", "pre",
		                                      "blockquote", "hr", NULL };
	static const char *const BLOCKS[] = { "div", "tr", "li", "dt", "dd", "body", "html", "center", "form", "fieldset",
		                                  "section", "article", "header", "footer", "main", "aside", "nav", "address",
		                                  "caption", "thead", "tbody", "tfoot", "figure", "option", NULL };

	if (name_in(name, PARAGRAPHS))
		return 2;
	return name_in(name, BLOCKS) ? 1 : 0;
}

/* Elements whose content nobody reads. */
static bool element_hidden(const char *name)
{
	static const char *const HIDDEN[] = { "head", "script", "style", "title", "template", "object", "iframe", "applet",
		                                  "svg", "math", "noframes", "audio", "video", "canvas", "map", NULL };

	return name_in(name, HIDDEN);
}

/* Returns what stands behind "property:" in a style without white space, or NULL. */
static const char *style_value(const char *style, const char *property)
{
	gsize length = strlen(property);

	for (const char *at = style; (at = strstr(at, property)) != NULL; at += length)
		if ((at == style || at[-1] == ';') && at[length] == ':')
			return at + length + 1;
	return NULL;
}

static bool style_is(const char *style, const char *property, const char *value)
{
	const char *is = style_value(style, property);

	return is != NULL && g_str_has_prefix(is, value);
}

/* Returns true for "0", "0px", "0.0em", "0%"; not for "0.9em". */
static bool is_zero_size(const char *value)
{
	return *value == '0' && g_ascii_strtod(value, NULL) == 0.0;
}

/* The line that Outlook for Windows draws above the header of the mail it quotes, in the greys it has had over the years, and the one
 * it draws to the left of the mail. */
static bool style_is_header_line(const char *style)
{
	return (strstr(style, "border-top:solid#e1e1e1") != NULL || strstr(style, "border-top:solid#b5c4df") != NULL) &&
	       strstr(style, "padding:3.0pt") != NULL;
}

static bool style_is_quote_line(const char *style)
{
	return strstr(style, "border-left:solid") != NULL && strstr(style, "4.0pt") != NULL;
}

static guint8 style_state(Html *html, const char *attribute, guint8 state)
{
	g_autoptr(GString) style = g_string_new(NULL);
	const char *value;

	for (; *attribute != '\0'; attribute++)
		if (!g_ascii_isspace(*attribute))
			g_string_append_c(style, g_ascii_tolower(*attribute));
	if (style_is_header_line(style->str))
		html->below = true;
	if (style_is_quote_line(style->str))
		state |= STATE_QUOTE;
	if (style_is(style->str, "display", "none") || style_is(style->str, "mso-hide", "all"))
		state |= HIDE_WHOLE;
	value = style_value(style->str, "visibility");
	if (value != NULL)
		state = g_str_has_prefix(value, "hidden") ? state | HIDE_SIGHT : state & (guint8)~HIDE_SIGHT;
	value = style_value(style->str, "font-size");
	if (value != NULL)
		state = is_zero_size(value) ? state | HIDE_SIZE : state & (guint8)~HIDE_SIZE;
	if (g_str_has_prefix(style->str, "white-space:pre") || strstr(style->str, ";white-space:pre") != NULL)
		state |= STATE_PRE;
	return state;
}

/* Outlook on the web puts "x_" in front of names in what it quotes, Yahoo "ydp" and a number. */
static const char *plain_name(const char *name)
{
	while (g_str_has_prefix(name, "x_"))
		name += 2;
	if (g_str_has_prefix(name, "ydp")) {
		const char *at = name + 3;

		while (g_ascii_isxdigit(*at))
			at++;
		if (*at != '\0')
			name = at;
	}
	return name;
}

/* Names, as class or id, by which mailers mark the mail they quote, or a signature. Gmail and Proton put theirs around the answers between
 * quotations, too, and what they quote into <blockquote>. */
static bool is_quote_name(const char *name)
{
	static const char *const QUOTES[] = {
		"gmail_signature", "yahoo_quoted", "yahoo-signature", "moz-cite-prefix",
		"moz-signature", "moz-forward-container", "protonmail_signature_block", "tutanota_quote", "zmail_extra",
		"zmail_signature", "OutlookMessageHeader", "Signature", "AppleMailSignature", "ms-outlook-mobile-signature", "OLK_SRC_BODY_SECTION",
		"messageReplySection", "messageSignatureSection", "front-blockquote", "front-signature", "nylas-quote", "GroupWiseReplyHeader",
		"composer_signature", "sh-signature", "zimbra_quote", NULL };

	name = plain_name(name);
	return name_in(name, QUOTES) || g_str_has_prefix(name, "yahoo_quoted") || g_str_has_prefix(name, "AppleMailSignature");
}

static bool class_is_quote(const char *attribute)
{
	g_auto(GStrv) classes = g_strsplit_set(attribute, " \t\r\n", 20);

	for (guint i = 0; classes[i] != NULL; i++)
		if (is_quote_name(classes[i]))
			return true;
	return false;
}

/* Outlook puts a mark and leaves what it quotes unmarked behind it. */
static bool is_quote_mark(const char *class, const char *id)
{
	static const char *const IDS[] = { "divRplyFwdMsg", "appendonsend", "stopSpelling", "mail-editor-reference-message-container",
		                               "ms-outlook-mobile-reference-message", NULL };

	return (id != NULL && name_in(plain_name(id), IDS)) || (class != NULL && strstr(class, "OutlookMessageHeader") != NULL);
}

static const char *attribute_value(const xmlChar **attributes, const char *name)
{
	for (guint i = 0; attributes != NULL && attributes[i] != NULL; i += 2)
		if (g_ascii_strcasecmp((const char *)attributes[i], name) == 0)
			return attributes[i + 1] != NULL ? (const char *)attributes[i + 1] : "";
	return NULL;
}

/* <blockquote> is also what Gmail's indent button makes, without a mark of quoting but with this very margin. */
static bool is_indent(const char *class, const char *style)
{
	return class == NULL && style != NULL && strstr(style, "0 0 0 40px") != NULL && strstr(style, "none") != NULL;
}

static guint8 element_state(Html *html, const char *name, const xmlChar **attributes)
{
	guint8 state = current_state(html);
	const char *style = attribute_value(attributes, "style");
	const char *class = attribute_value(attributes, "class");
	const char *id = attribute_value(attributes, "id");

	if (element_hidden(name) || attribute_value(attributes, "hidden") != NULL)
		state |= HIDE_WHOLE;
	if (style != NULL)
		state = style_state(html, style, state);
	if (strcmp(name, "blockquote") == 0 && !is_indent(class, style))
		state |= STATE_QUOTE;
	if ((class != NULL && class_is_quote(class)) || (id != NULL && is_quote_name(id)))
		state |= STATE_QUOTE;
	if (is_quote_mark(class, id))
		html->below = true;
	if (strcmp(name, "pre") == 0 || strcmp(name, "textarea") == 0)
		state |= STATE_PRE;
	return state;
}

static void on_start(void *data, const xmlChar *element, const xmlChar **attributes)
{
	Html *html = data;
	const char *name = (const char *)element;
	guint8 before = current_state(html);
	guint8 state = element_state(html, name, attributes);

	if (html->states->len >= DEPTH_MAX) {
		stop(html);
		return;
	}
	g_byte_array_append(html->states, &state, 1);
	if (((before ^ state) & STATE_QUOTE) != 0)
		want_breaks(html, 1);
	if (strcmp(name, "br") == 0 && (state & HIDE_MASK) == 0) {
		/* A second <br> is an empty line. */
		html->breaks = html->breaks == 0 ? 1 : 2;
		html->space = false;
	} else if (strcmp(name, "td") == 0 || strcmp(name, "th") == 0) {
		html->space = true;
	} else {
		guint breaks = element_breaks(name);

		if (breaks > 0)
			want_breaks(html, breaks);
	}
}

static void on_end(void *data, const xmlChar *element)
{
	Html *html = data;
	guint8 state = current_state(html);
	guint breaks = element_breaks((const char *)element);

	if (html->states->len > 0)
		g_byte_array_set_size(html->states, html->states->len - 1);
	if (breaks > 0)
		want_breaks(html, breaks);
	else if (((current_state(html) ^ state) & STATE_QUOTE) != 0)
		want_breaks(html, 1);
}

static void append_preformatted(Html *html, const char *text, const char *end, guint8 state)
{
	while (text < end && !html->stopped) {
		const char *eol = memchr(text, '\n', (gsize)(end - text));
		const char *stop_at = eol != NULL ? eol : end;

		if (stop_at > text) {
			open_line(html, state);
			append(html, text, (gsize)(stop_at - text));
		}
		if (eol != NULL)
			html->breaks = MIN(html->breaks + 1, 2);
		text = stop_at + 1;
	}
}

static void on_text(void *data, const xmlChar *chars, int length)
{
	Html *html = data;
	const char *text = (const char *)chars;
	const char *end = text + length;
	guint8 state = current_state(html);

	if ((state & HIDE_MASK) != 0 || length <= 0)
		return;
	if ((state & STATE_PRE) != 0) {
		append_preformatted(html, text, end, state);
		return;
	}
	while (text < end && !html->stopped) {
		const char *word = text;

		while (text < end && !g_ascii_isspace(*text))
			text++;
		if (text > word) {
			open_line(html, state);
			append(html, word, (gsize)(text - word));
		}
		if (text < end)
			html->space = true;
		while (text < end && g_ascii_isspace(*text))
			text++;
	}
}

/* Passes one attribute as libxml2 reads it and returns what is behind.
 *
 *     attribute = name [ blank "=" blank ( DQUOTE *any DQUOTE / "'" *any "'" / *( any but blank and ">" ) ) ]
 */
static const char *skip_attribute(const char *at, const char *end)
{
	char quote;

	while (at < end && !g_ascii_isspace(*at) && *at != '=' && *at != '>')
		at++;
	while (at < end && g_ascii_isspace(*at))
		at++;
	if (at == end || *at != '=')
		return at;
	at++;
	while (at < end && g_ascii_isspace(*at))
		at++;
	quote = at < end && (*at == '"' || *at == '\'') ? *at : '\0';
	if (quote != '\0') {
		at = memchr(at + 1, quote, (gsize)(end - at - 1));
		return at != NULL ? at + 1 : end;
	}
	while (at < end && !g_ascii_isspace(*at) && *at != '>')
		at++;
	return at;
}

/* Returns how much of the HTML may be parsed: all, or what is in front of a tag with attributes without end. */
static gsize parsed_size(const char *html, gsize size)
{
	const char *end = html + size;
	const char *tag = html;

	while ((tag = memchr(tag, '<', (gsize)(end - tag))) != NULL) {
		const char *at = tag + 1;
		guint attributes = 0;

		while (at < end && g_ascii_isalnum(*at))
			at++;
		while (at < end && at > tag + 1 && *at != '>' && ++attributes <= ATTRIBUTES_MAX) {
			while (at < end && g_ascii_isspace(*at))
				at++;
			if (at < end && *at != '>')
				at = skip_attribute(at, end);
		}
		if (attributes > ATTRIBUTES_MAX)
			return (gsize)(tag - html);
		tag = at;
	}
	return size;
}

bool text_append_html(GString *out, const char *html_text, gsize size, gsize max)
{
	Html html = { .out = out, .max = max };
	htmlSAXHandler handler = { .startElement = on_start, .endElement = on_end, .characters = on_text,
		                       .ignorableWhitespace = on_text };
	htmlDocPtr document;
	gsize parsed = parsed_size(html_text, size);

	html.left_out = parsed < size;
	if (parsed == 0 || parsed > G_MAXINT)
		return size == 0;
	html.parser = htmlNewParserCtxt();
	if (html.parser == NULL)
		return false;
	html.states = g_byte_array_new();
	html.line_open = out->len > 0 && out->str[out->len - 1] != '\n';
	html.breaks = html.line_open ? 1 : 0;
	*html.parser->sax = handler;
	html.parser->userData = &html;
	document = htmlCtxtReadMemory(html.parser, html_text, (int)parsed, NULL, "UTF-8",
	                              HTML_PARSE_RECOVER | HTML_PARSE_NOERROR | HTML_PARSE_NOWARNING | HTML_PARSE_NONET |
	                                  HTML_PARSE_IGNORE_ENC);
	xmlFreeDoc(document);
	htmlFreeParserCtxt(html.parser);
	g_byte_array_unref(html.states);
	return !html.left_out;
}
