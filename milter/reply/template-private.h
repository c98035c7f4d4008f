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
} Node;

typedef struct {
	GArray *subject; /* Node */
	GArray *body;    /* Node */
} Template;

/* Parses a file's content. label names it in mistakes ("label:line: what"). Returns NULL where there was a mistake. */
Template *template_parse(const char *text, gsize size, const char *label, GPtrArray *mistakes);
void template_free(Template *template);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Template, template_free)

/* Renders one template as templates_render does. */
void template_expand(const Template *template, GHashTable *values, char **subject, char **body);

/* Lays a rendered body out: prose wrapped at 72 columns, empty paragraphs gone, no line over 998 bytes. Caller frees. */
char *template_layout(const char *text);

/* Returns the static name of a field, or NULL where there is none of that name. */
const char *template_field(const char *name, gsize length);

/* Returns true where a field is set in every letter, so that it may stand outside a section of its own. */
bool template_field_is_always_set(const char *field);

#endif
