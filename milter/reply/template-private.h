/* template-private: what template.c and its siblings share; the fuzzer and the unit tests come in here as well. Layer: reply. */
#ifndef OUTAGE_REPLY_TEMPLATE_PRIVATE_H
#define OUTAGE_REPLY_TEMPLATE_PRIVATE_H

#include <glib.h>
#include <stdbool.h>

typedef enum { NODE_TEXT, NODE_FIELD, NODE_SECTION, NODE_INVERSE, NODE_END } NodeType;

/* A template is a flat list of these; `end` of a section is the index of its NODE_END. */
typedef struct {
	NodeType type;
	char *text;        /* NODE_TEXT only; owned */
	const char *field; /* the others; static */
	guint end;
	guint line;        /* in the file */
	bool attribute;    /* NODE_FIELD of a KIND.html: it stands in the value of an attribute */
} Node;

typedef struct {
	GArray *subject; /* Node; empty in a KIND.html */
	GArray *body;    /* Node */
} Template;

/* Parses a file's content. label names it in mistakes ("label:line: what"). Returns NULL where there was a mistake. */
Template *template_parse(const char *text, gsize size, const char *label, GPtrArray *mistakes);

/* The same for a KIND.html: it has no headers, and every placeholder has to stand where a value can be escaped. */
Template *template_parse_html(const char *text, gsize size, const char *label, GPtrArray *mistakes);
void template_free(Template *template);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Template, template_free)

/* Renders one template as templates_render does. */
void template_expand(const Template *template, GHashTable *values, char **subject, char **body);

/* The same as HTML: by html (a KIND.html) where that is not NULL, else made of what template's body says. Caller frees. */
char *template_expand_html(const Template *template, const Template *html, GHashTable *values, const char *language);

/* Marks the fields of a KIND.html that stand in attributes. Says where no value may stand as mistakes. */
void template_find_places(GArray *nodes, const char *label, GPtrArray *mistakes);

/* Appends a value to HTML, escaped for its place. */
void template_append_html(GString *out, const char *value, bool attribute);

/* Returns a rendered body that is not laid out yet as a whole HTML document. Caller frees. */
char *template_html(const char *text, const char *subject, const char *language);

/* Lays a rendered body out: prose wrapped at 72 columns, empty paragraphs gone, no line over 998 bytes. Caller frees. */
char *template_layout(const char *text);

/* What a line of a rendered body is; size: without white space at its end. LINE_FIXED: it stays a line though it is no list item. */
typedef enum { LINE_BLANK, LINE_PROSE, LINE_LINK, LINE_ITEM, LINE_INDENTED, LINE_FIXED } LineKind;
LineKind template_line_kind(const char *line, gsize size);

/* Returns the size of a line of length bytes without the white space at its end. */
gsize template_trimmed(const char *line, gsize length);

/* Returns the length of "https://" or "http://" at the start of text, or 0. */
gsize template_link_scheme(const char *text, gsize size);

/* Returns true where two lines, of which one ends in a and the next begins with b, are joined without a space: Japanese and Chinese
 * have none. */
bool template_joins(gunichar a, gunichar b);

/* Returns the static name of a field, or NULL where there is none of that name. */
const char *template_field(const char *name, gsize length);

/* Returns true where a field is set in every letter, so that it may stand outside a section of its own. */
bool template_field_is_always_set(const char *field);

#endif
