/* template-parse: from a template file to a list of nodes. Layer: reply. Pure.
 *
 *     template    = *( header-line LF ) LF body
 *     header-line = "Subject:" text / comment
 *     body        = *( line LF )
 *     line        = *( text / tag )                              a tag stands within one line
 *     tag         = "{{" [ "#" / "^" / "/" / "!" ] name "}}"     white space around the name is allowed; after "!" anything
 *     name        = one of template_fields()
 *
 * A KIND.html has no headers: the whole file is the body.
 *
 * A field that may be unset has to stand inside its own section: outside it, the sentence around it would dangle in the one
 * letter where it counts. So that is a mistake of the file and not something to find out during an outage. */
#include "reply/template-private.h"

#include <string.h>

#define MAX_NESTING 16

typedef struct {
	guint node;        /* index of the section's opening node */
	guint line;
} Open;

typedef struct {
	const char *label;
	GPtrArray *mistakes;
	guint line;
	GArray *nodes;     /* Node, being filled */
	GArray *open;      /* Open, innermost last */
} Parser;

typedef struct {
	char sign;         /* '#', '^', '/', '!' or 0 for a placeholder */
	const char *name;
	gsize length;
	gsize size;        /* of the whole tag */
} Tag;

static void clear_node(gpointer data)
{
	g_free(((Node *)data)->text);
}

static GArray *nodes_new(void)
{
	GArray *nodes = g_array_new(FALSE, TRUE, sizeof(Node));
	g_array_set_clear_func(nodes, clear_node);
	return nodes;
}

void template_free(Template *template)
{
	if (template == NULL)
		return;
	g_array_unref(template->subject);
	g_array_unref(template->body);
	g_free(template);
}

static void mistake(Parser *parser, guint line, const char *format, ...) G_GNUC_PRINTF(3, 4);
static void mistake(Parser *parser, guint line, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	g_autofree char *what = g_strdup_vprintf(format, args);
	va_end(args);
	g_ptr_array_add(parser->mistakes, g_strdup_printf("%s:%u: %s", parser->label, line, what));
}

/* Reads the tag that text (which starts with "{{") begins with; false where it is not closed on this line. */
static bool read_tag(const char *text, gsize size, Tag *tag)
{
	const char *close = g_strstr_len(text, (gssize)size, "}}");
	if (close == NULL)
		return false;
	const char *name = text + 2;
	tag->sign = '\0';
	if (name < close && strchr("#^/!", *name) != NULL)
		tag->sign = *name++;
	const char *end = close;
	while (name < end && (*name == ' ' || *name == '\t'))
		name++;
	while (end > name && (end[-1] == ' ' || end[-1] == '\t'))
		end--;
	tag->name = name;
	tag->length = (gsize)(end - name);
	tag->size = (gsize)(close + 2 - text);
	return true;
}

static void add_text(Parser *parser, const char *text, gsize size)
{
	if (size == 0)
		return;
	Node node = { .type = NODE_TEXT, .text = g_strndup(text, size), .line = parser->line };
	g_array_append_val(parser->nodes, node);
}

/* Returns true where field stands inside a section of its own. */
static bool is_sheltered(const Parser *parser, const char *field)
{
	for (guint i = 0; i < parser->open->len; i++) {
		const Node *node = &g_array_index(parser->nodes, Node, g_array_index(parser->open, Open, i).node);
		if (node->type == NODE_SECTION && node->field == field)
			return true;
	}
	return template_field_is_always_set(field);
}

static void close_section(Parser *parser, const char *field)
{
	if (parser->open->len == 0) {
		mistake(parser, parser->line, "{{/%s}} closes a section that is not open", field);
		return;
	}
	Open last = g_array_index(parser->open, Open, parser->open->len - 1);
	g_array_set_size(parser->open, parser->open->len - 1);
	Node *opening = &g_array_index(parser->nodes, Node, last.node);
	if (opening->field != field)
		mistake(parser, parser->line, "{{/%s}} stands where the section '%s' of line %u has to be closed first", field,
		    opening->field, last.line);
	opening->end = parser->nodes->len;
	Node node = { .type = NODE_END, .field = field, .line = parser->line };
	g_array_append_val(parser->nodes, node);
}

static void add_tag(Parser *parser, const Tag *tag)
{
	if (tag->sign == '!')
		return;
	const char *field = template_field(tag->name, tag->length);
	if (field == NULL) {
		g_autofree char *name = g_strndup(tag->name, MIN(tag->length, 40));
		g_autofree char *shown = g_strescape(name, NULL);
		mistake(parser, parser->line, "there is no placeholder '%s'", shown);
		return;
	}
	if (tag->sign == '/') {
		close_section(parser, field);
		return;
	}
	if (tag->sign == '\0' && !is_sheltered(parser, field))
		mistake(parser, parser->line, "{{%s}} may be unset: put it and its sentence between {{#%s}} and {{/%s}}", field, field,
		    field);
	Node node = { .type = tag->sign == '#' ? NODE_SECTION : tag->sign == '^' ? NODE_INVERSE : NODE_FIELD, .field = field,
		.line = parser->line };
	if (node.type != NODE_FIELD) {
		if (parser->open->len >= MAX_NESTING) {
			mistake(parser, parser->line, "more than %d sections within each other", MAX_NESTING);
			return;
		}
		Open open = { .node = parser->nodes->len, .line = parser->line };
		g_array_append_val(parser->open, open);
	}
	g_array_append_val(parser->nodes, node);
}

/* Returns true where line holds at least one tag, no placeholder, and nothing else but white space: it vanishes whole. */
static bool is_tag_line(const char *line, gsize size)
{
	bool any = false;
	for (gsize at = 0; at < size;) {
		Tag tag;
		if (line[at] == ' ' || line[at] == '\t') {
			at++;
			continue;
		}
		if (size - at < 2 || strncmp(line + at, "{{", 2) != 0 || !read_tag(line + at, size - at, &tag) || tag.sign == '\0')
			return false;
		any = true;
		at += tag.size;
	}
	return any;
}

/* Parses one line (without its LF) into nodes. */
static void parse_line(Parser *parser, const char *line, gsize size, bool keep_text)
{
	while (size > 0) {
		const char *brace = g_strstr_len(line, (gssize)size, "{{");
		gsize plain = brace != NULL ? (gsize)(brace - line) : size;
		if (keep_text)
			add_text(parser, line, plain);
		line += plain;
		size -= plain;
		if (size == 0)
			return;
		Tag tag;
		if (!read_tag(line, size, &tag)) {
			mistake(parser, parser->line, "'{{' without '}}' on the same line");
			return;
		}
		add_tag(parser, &tag);
		line += tag.size;
		size -= tag.size;
	}
}

static void close_all(Parser *parser)
{
	for (guint i = 0; i < parser->open->len; i++) {
		Open open = g_array_index(parser->open, Open, i);
		mistake(parser, open.line, "the section '%s' is never closed", g_array_index(parser->nodes, Node, open.node).field);
	}
	g_array_set_size(parser->open, 0);
}

/* Takes the next line off *text; returns its length without LF and CR. */
static gsize next_line(const char **text, gsize *size, const char **line)
{
	const char *newline = memchr(*text, '\n', *size);
	gsize length = newline != NULL ? (gsize)(newline - *text) : *size;
	gsize taken = newline != NULL ? length + 1 : length;
	*line = *text;
	*text += taken;
	*size -= taken;
	return length > 0 && (*line)[length - 1] == '\r' ? length - 1 : length;
}

static void parse_headers(Parser *parser, const char **text, gsize *size, GArray *subject)
{
	bool have_subject = false, blank = false;
	while (*size > 0 && !blank) {
		const char *line;
		gsize length = next_line(text, size, &line);
		parser->line++;
		blank = length == 0;
		if (blank || is_tag_line(line, length))
			continue;
		const char *colon = memchr(line, ':', length);
		gsize name = colon != NULL ? (gsize)(colon - line) : 0;
		if (name != strlen("Subject") || g_ascii_strncasecmp(line, "Subject", name) != 0) {
			mistake(parser, parser->line, "unknown header: only 'Subject:' may stand above the first empty line");
			continue;
		}
		if (have_subject)
			mistake(parser, parser->line, "a second Subject");
		have_subject = true;
		parser->nodes = subject;
		parse_line(parser, colon + 1, length - name - 1, true);
		close_all(parser);
	}
	if (!have_subject)
		mistake(parser, 1, "no Subject");
}

static void parse_body(Parser *parser, const char *text, gsize size, GArray *body)
{
	parser->nodes = body;
	bool any = false;
	while (size > 0) {
		const char *line;
		gsize length = next_line(&text, &size, &line);
		parser->line++;
		bool tags_only = is_tag_line(line, length);
		any = any || (length > 0 && !tags_only);
		parse_line(parser, line, length, !tags_only);
		if (!tags_only)
			add_text(parser, "\n", 1);
	}
	close_all(parser);
	if (!any)
		mistake(parser, parser->line, "no text below the headers");
}

/* Returns true where nothing but printable text, tabs and line ends stands in the file. */
static bool check_characters(Parser *parser, const char *text, gsize size)
{
	if (!g_utf8_validate(text, (gssize)size, NULL)) {
		mistake(parser, 1, "not UTF-8");
		return false;
	}
	guint line = 1;
	for (const char *p = text; p < text + size; p = g_utf8_next_char(p)) {
		bool line_end = *p == '\n' || (*p == '\r' && p + 1 < text + size && p[1] == '\n');
		if (*p != '\t' && !line_end && g_unichar_iscntrl(g_utf8_get_char(p))) {
			mistake(parser, line, "a control character");
			return false;
		}
		line += *p == '\n';
	}
	return true;
}

/* Parses a whole file, with headers or without. */
static Template *parse_file(const char *text, gsize size, const char *label, GPtrArray *mistakes, bool headers)
{
	guint before = mistakes->len;
	g_autoptr(GArray) open = g_array_new(FALSE, FALSE, sizeof(Open));
	Parser parser = { .label = label, .mistakes = mistakes, .open = open };
	if (!check_characters(&parser, text, size))
		return NULL;
	g_autoptr(Template) template = g_new0(Template, 1);
	template->subject = nodes_new();
	template->body = nodes_new();
	if (headers)
		parse_headers(&parser, &text, &size, template->subject);
	parse_body(&parser, text, size, template->body);
	if (!headers && mistakes->len == before)
		template_find_places(template->body, label, mistakes);
	return mistakes->len == before ? g_steal_pointer(&template) : NULL;
}

Template *template_parse(const char *text, gsize size, const char *label, GPtrArray *mistakes)
{
	return parse_file(text, size, label, mistakes, true);
}

Template *template_parse_html(const char *text, gsize size, const char *label, GPtrArray *mistakes)
{
	return parse_file(text, size, label, mistakes, false);
}
