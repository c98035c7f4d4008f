/* template-place: where in a KIND.html a placeholder stands, and whether a value may stand there at all. Layer: reply. Pure.
 *
 *     text      = what stands between tags                       a value there: & < > " ' as entities, a line end as <br>
 *     attribute = "..." / '...' within a tag                     a value there: the same, a line end as a space
 * Anywhere else (a bare tag, a comment, a style sheet, a handler's script) no escape makes a foreign text harmless, and neither at the
 * beginning of a link, which it could make lead anywhere: that is a mistake of the file. This is no parser of HTML: it follows tags,
 * quotes, comments and <style>, which is all that a letter is made of. <script> is refused. */
#include "reply/template-private.h"

#include <string.h>

typedef enum { AT_TEXT, AT_TAG, AT_VALUE, AT_COMMENT, AT_STYLE } State;

typedef struct {
	State state;
	char quote;           /* of AT_VALUE */
	bool fresh;           /* nothing stands in the value yet */
	GString *element;     /* name of the tag, lower case */
	GString *word;        /* the tag's words: at a value its attribute's name, lower case */
	bool named;           /* the element's name is complete */
	bool gap;             /* white space stands behind the word */
	bool equals;          /* "=" does: a quote here opens a value */
} Scanner;

static bool starts_with(const char *text, const char *what)
{
	return g_ascii_strncasecmp(text, what, strlen(what)) == 0;
}

static void enter_tag(Scanner *scanner)
{
	scanner->state = AT_TAG;
	scanner->named = scanner->gap = scanner->equals = false;
	g_string_truncate(scanner->element, 0);
	g_string_truncate(scanner->word, 0);
}

/* One character within a tag. A quote that stands elsewhere than behind "=" is a character like any other, to browsers as well. */
static void scan_tag(Scanner *scanner, char c)
{
	if ((c == '"' || c == '\'') && scanner->equals) {
		scanner->state = AT_VALUE;
		scanner->quote = c;
		scanner->fresh = true;
	} else if (c == '>') {
		scanner->state = strcmp(scanner->element->str, "style") == 0 ? AT_STYLE : AT_TEXT;
	} else if (g_ascii_isspace(c) || (c == '/' && scanner->element->len > 0)) {
		scanner->named = scanner->gap = true;
	} else if (!scanner->named) {
		g_string_append_c(scanner->element, g_ascii_tolower(c));
	} else if (c == '=') {
		scanner->equals = true;
		scanner->gap = false;
	} else {
		if (scanner->gap || scanner->equals)
			g_string_truncate(scanner->word, 0);
		scanner->gap = scanner->equals = false;
		g_string_append_c(scanner->word, g_ascii_tolower(c));
	}
}

/* Follows text, which starts at p, by one step; returns how many bytes that were. */
static gsize scan_step(Scanner *scanner, const char *p)
{
	switch (scanner->state) {
	case AT_TEXT:
		if (g_str_has_prefix(p, "<!--")) {
			scanner->state = AT_COMMENT;
			return 4;
		}
		if (*p == '<')
			enter_tag(scanner);
		return 1;
	case AT_COMMENT:
		if (!g_str_has_prefix(p, "-->"))
			return 1;
		scanner->state = AT_TEXT;
		return 3;
	case AT_STYLE:
		if (!starts_with(p, "</style"))
			return 1;
		enter_tag(scanner);
		return 1;
	case AT_TAG:
		scan_tag(scanner, *p);
		return 1;
	case AT_VALUE:
		scanner->fresh = scanner->fresh && g_ascii_isspace(*p);
		if (*p == scanner->quote) {
			scanner->state = AT_TAG;
			scanner->gap = true;
			scanner->equals = false;
		}
		return 1;
	}
	return 1;
}

/* Returns why no value of field may stand here, or NULL. */
static const char *objection(const Scanner *scanner, const char *field)
{
	static const char *const leads[] = { "href", "src", "action", "formaction", "background", "cite", "srcset" };
	if (scanner->state == AT_TEXT)
		return NULL;
	if (scanner->state != AT_VALUE)
		return "it may stand in the text or between the quotes of an attribute, and not in a tag, a comment or a style sheet";
	if (g_str_has_prefix(scanner->word->str, "on") || strcmp(scanner->word->str, "style") == 0)
		return "a script or a style is no place for it";
	if (!scanner->fresh || strcmp(field, "status_url") == 0 || strcmp(field, "postmortem_url") == 0)
		return NULL;
	for (gsize i = 0; i < G_N_ELEMENTS(leads); i++)
		if (strcmp(scanner->word->str, leads[i]) == 0)
			return "a link may begin with status_url or postmortem_url only: nothing else is known to lead where it should";
	return NULL;
}

void template_find_places(GArray *nodes, const char *label, GPtrArray *mistakes)
{
	g_autoptr(GString) element = g_string_new(NULL);
	g_autoptr(GString) word = g_string_new(NULL);
	Scanner scanner = { .element = element, .word = word };
	guint line = 1;
	for (guint i = 0; i < nodes->len; i++) {
		Node *node = &g_array_index(nodes, Node, i);
		line = node->line;
		for (const char *p = node->type == NODE_TEXT ? node->text : ""; *p != '\0';) {
			p += scan_step(&scanner, p);
			if (scanner.state == AT_TAG && strcmp(element->str, "script") == 0 && !scanner.named) {
				g_ptr_array_add(mistakes, g_strdup_printf("%s:%u: <script> has no place in a letter", label, line));
				scanner.named = true;
			}
		}
		if (node->type != NODE_FIELD)
			continue;
		const char *why = objection(&scanner, node->field);
		node->attribute = scanner.state == AT_VALUE;
		scanner.fresh = false;
		if (why != NULL)
			g_ptr_array_add(mistakes, g_strdup_printf("%s:%u: {{%s}}: %s", label, line, node->field, why));
	}
	if (scanner.state != AT_TEXT)
		g_ptr_array_add(mistakes, g_strdup_printf("%s:%u: a tag, comment or style sheet is never closed", label, line));
}
