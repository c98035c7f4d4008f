/* template: the texts to customers: loading the files and rendering them (see template.h for the grammar). Layer: reply.
 *
 * A Templates is built whole, never changed after templates_load, and shared by reference, so a reload swaps one pointer. Values
 * are cleaned here once more and written behind the parsed text, never parsed themselves. */
#include "reply/template.h"

#include <string.h>

#include "base/error.h"
#include "reply/clean.h"
#include "reply/template-private.h"

#define FILE_BYTES 65536
#define VALUE_CHARS 4096
#define SUBJECT_CHARS 160

struct Templates {
	gatomicrefcount references;
	char *default_language;
	GHashTable *languages; /* lower-case tag -> Language */
};

typedef struct {
	char *name;        /* as the folder spells it */
	GHashTable *kinds; /* kind -> Template, NULL where the file has mistakes */
	GHashTable *htmls; /* the same of KIND.html */
} Language;

static const char *const fields[] = { "site", "team", "title", "scope", "components", "workaround", "status_url", "next_update_at",
	"update_every", "eta", "cause", "fix", "prevention", "postmortem_url", "postmortem_due", "contact", "update", "update_at",
	"declared_at", "resolved_at", "severity", "phase", "subject", "support", "text", "offer", "texts_language", "stop", "account",
	"what", "what_at", "incident", "incident_id", NULL };

/* Every letter may be one of these; without them an incident would have nothing to say. */
static const char *const required_kinds[] = { "ack-P1", "ack-P2", "ack-P3", "ack-resolved" };

const char *const *template_fields(void)
{
	return fields;
}

const char *template_field(const char *name, gsize length)
{
	for (const char *const *field = fields; *field != NULL; field++)
		if (strlen(*field) == length && strncmp(*field, name, length) == 0)
			return *field;
	return NULL;
}

bool template_field_is_always_set(const char *field)
{
	return strcmp(field, "severity") == 0 || strcmp(field, "phase") == 0;
}

static void language_free(gpointer data)
{
	Language *language = data;
	g_free(language->name);
	g_hash_table_unref(language->kinds);
	g_hash_table_unref(language->htmls);
	g_free(language);
}

static void free_template(gpointer data)
{
	template_free(data);
}

Templates *templates_ref(Templates *templates)
{
	g_atomic_ref_count_inc(&templates->references);
	return templates;
}

void templates_unref(Templates *templates)
{
	if (templates == NULL || !g_atomic_ref_count_dec(&templates->references))
		return;
	g_hash_table_unref(templates->languages);
	g_free(templates->default_language);
	g_free(templates);
}

/* Returns true where name is made of letters, digits and '-' only, begins with a letter and is at most 40 bytes long. */
static bool name_usable(const char *name)
{
	return g_ascii_isalpha(*name) && strlen(name) <= 40 &&
	    strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-") == strlen(name);
}

static int compare_names(gconstpointer a, gconstpointer b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Returns the entries of a folder in byte order, or NULL with error. */
static GPtrArray *list_folder(const char *dir, GError **error)
{
	g_autoptr(GDir) open = g_dir_open(dir, 0, error);
	if (open == NULL)
		return NULL;
	GPtrArray *names = g_ptr_array_new_with_free_func(g_free);
	for (const char *name = g_dir_read_name(open); name != NULL; name = g_dir_read_name(open))
		g_ptr_array_add(names, g_strdup(name));
	g_ptr_array_sort(names, compare_names);
	return names;
}

static Template *load_file(const char *path, bool html, GPtrArray *mistakes)
{
	g_autofree char *text = NULL;
	gsize size = 0;
	g_autoptr(GError) error = NULL;
	if (!g_file_get_contents(path, &text, &size, &error)) {
		g_ptr_array_add(mistakes, g_strdup_printf("%s:1: %s", path, error->message));
		return NULL;
	}
	if (size > FILE_BYTES) {
		g_ptr_array_add(mistakes, g_strdup_printf("%s:1: longer than %d bytes", path, FILE_BYTES));
		return NULL;
	}
	return html ? template_parse_html(text, size, path, mistakes) : template_parse(text, size, path, mistakes);
}

/* Reads one file of a language's folder; one that is no template is left alone. */
static void load_kind(Language *language, const char *dir, const char *file, GPtrArray *mistakes)
{
	bool html = g_str_has_suffix(file, ".html");
	if (!html && !g_str_has_suffix(file, ".txt"))
		return;
	g_autofree char *kind = g_strndup(file, (gsize)(strrchr(file, '.') - file));
	if (!name_usable(kind))
		return;
	g_autofree char *path = g_build_filename(dir, file, NULL);
	Template *template = load_file(path, html, mistakes);
	g_hash_table_insert(html ? language->htmls : language->kinds, g_steal_pointer(&kind), template);
}

/* HTML goes along with the text of the same letter and never alone: the text has the subject, too. */
static void check_htmls(const Language *language, const char *dir, GPtrArray *mistakes)
{
	GHashTableIter iter;
	gpointer kind;
	g_hash_table_iter_init(&iter, language->htmls);
	while (g_hash_table_iter_next(&iter, &kind, NULL))
		if (!g_hash_table_contains(language->kinds, kind))
			g_ptr_array_add(mistakes, g_strdup_printf("%s/%s.html:1: there is no %s.txt beside it", dir, (char *)kind,
			    (char *)kind));
}

static void load_language(Templates *templates, const char *dir, const char *name, GPtrArray *mistakes)
{
	g_autofree char *path = g_build_filename(dir, name, NULL);
	g_autoptr(GError) error = NULL;
	g_autoptr(GPtrArray) files = list_folder(path, &error);
	if (files == NULL) {
		g_ptr_array_add(mistakes, g_strdup_printf("%s:1: %s", path, error->message));
		return;
	}
	Language *language = g_new0(Language, 1);
	language->name = g_strdup(name);
	language->kinds = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, free_template);
	language->htmls = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, free_template);
	for (guint i = 0; i < files->len; i++)
		load_kind(language, path, g_ptr_array_index(files, i), mistakes);
	check_htmls(language, path, mistakes);
	g_hash_table_insert(templates->languages, g_ascii_strdown(name, -1), language);
}

/* Returns the entry of a language tag: itself, else with its last subtags dropped; NULL where there is none. */
static Language *find_language(const Templates *templates, const char *tag)
{
	if (tag == NULL)
		return NULL;
	g_autofree char *lower = g_ascii_strdown(tag, -1);
	for (;;) {
		Language *language = g_hash_table_lookup(templates->languages, lower);
		if (language != NULL)
			return language;
		char *dash = strrchr(lower, '-');
		if (dash == NULL)
			return NULL;
		*dash = '\0';
	}
}

/* Every kind that any language has, and those that any incident needs, must be there in the default language. */
static void check_default(const Templates *templates, const char *dir, GPtrArray *mistakes)
{
	const Language *language = find_language(templates, templates->default_language);
	if (language == NULL) {
		g_ptr_array_add(mistakes, g_strdup_printf("%s:1: no templates in the default language '%s'", dir,
		    templates->default_language));
		return;
	}
	g_autoptr(GPtrArray) kinds = templates_kinds(templates);
	for (gsize i = 0; i < G_N_ELEMENTS(required_kinds); i++)
		if (!g_ptr_array_find_with_equal_func(kinds, required_kinds[i], g_str_equal, NULL))
			g_ptr_array_add(kinds, g_strdup(required_kinds[i]));
	for (guint i = 0; i < kinds->len; i++) {
		const char *kind = g_ptr_array_index(kinds, i);
		if (!g_hash_table_contains(language->kinds, kind))
			g_ptr_array_add(mistakes, g_strdup_printf("%s/%s/%s.txt:1: missing, and '%s' is the default language", dir,
			    language->name, kind, language->name));
	}
}

Templates *templates_load(const char *dir, const char *default_language, GPtrArray *mistakes)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(GPtrArray) names = list_folder(dir, &error);
	if (names == NULL) {
		g_ptr_array_add(mistakes, g_strdup_printf("%s:1: %s", dir, error->message));
		return NULL;
	}
	Templates *templates = g_new0(Templates, 1);
	g_atomic_ref_count_init(&templates->references);
	templates->default_language = g_strdup(default_language);
	templates->languages = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, language_free);
	for (guint i = 0; i < names->len; i++) {
		const char *name = g_ptr_array_index(names, i);
		g_autofree char *path = g_build_filename(dir, name, NULL);
		if (name_usable(name) && g_file_test(path, G_FILE_TEST_IS_DIR))
			load_language(templates, dir, name, mistakes);
	}
	check_default(templates, dir, mistakes);
	return templates;
}

static const Template *find_template(const Templates *templates, const char *kind, const char *tag, const char **used)
{
	const Language *language = find_language(templates, tag != NULL ? tag : templates->default_language);
	const Template *template = language != NULL ? g_hash_table_lookup(language->kinds, kind) : NULL;
	if (template != NULL && used != NULL)
		*used = language->name;
	return template;
}

bool templates_have(const Templates *templates, const char *kind, const char *language)
{
	return find_template(templates, kind, language, NULL) != NULL;
}

GPtrArray *templates_kinds(const Templates *templates)
{
	GPtrArray *kinds = g_ptr_array_new_with_free_func(g_free);
	GHashTableIter languages;
	gpointer value;
	g_hash_table_iter_init(&languages, templates->languages);
	while (g_hash_table_iter_next(&languages, NULL, &value)) {
		GHashTableIter names;
		gpointer kind;
		g_hash_table_iter_init(&names, ((Language *)value)->kinds);
		while (g_hash_table_iter_next(&names, &kind, NULL))
			if (!g_ptr_array_find_with_equal_func(kinds, kind, g_str_equal, NULL))
				g_ptr_array_add(kinds, g_strdup(kind));
	}
	g_ptr_array_sort(kinds, compare_names);
	return kinds;
}

GPtrArray *templates_languages(const Templates *templates)
{
	GPtrArray *languages = g_ptr_array_new_with_free_func(g_free);
	GHashTableIter iter;
	gpointer value;
	g_hash_table_iter_init(&iter, templates->languages);
	while (g_hash_table_iter_next(&iter, NULL, &value))
		g_ptr_array_add(languages, g_strdup(((Language *)value)->name));
	g_ptr_array_sort(languages, compare_names);
	return languages;
}

/* Appends value; where it stands behind nothing but an indent, its further lines get the same indent. */
static void append_value(GString *out, const char *value)
{
	const char *newline = strrchr(out->str, '\n');
	const char *line = newline != NULL ? newline + 1 : out->str;
	bool indented = *line != '\0' && line[strspn(line, " \t")] == '\0';
	g_autofree char *indent = indented ? g_strdup(line) : g_strdup("");
	for (const char *p = value; *p != '\0'; p++) {
		g_string_append_c(out, *p);
		if (*p == '\n')
			g_string_append(out, indent);
	}
}

static void expand_nodes(const GArray *nodes, GHashTable *values, bool html, GString *out)
{
	for (guint i = 0; i < nodes->len; i++) {
		const Node *node = &g_array_index(nodes, Node, i);
		const char *value = node->field != NULL ? g_hash_table_lookup(values, node->field) : NULL;
		if (node->type == NODE_TEXT)
			g_string_append(out, node->text);
		else if (node->type == NODE_FIELD && value != NULL && html)
			template_append_html(out, value, node->attribute);
		else if (node->type == NODE_FIELD && value != NULL)
			append_value(out, value);
		else if ((node->type == NODE_SECTION && value == NULL) || (node->type == NODE_INVERSE && value != NULL))
			i = node->end;
	}
}

/* Returns the values as they may be written, without those that are empty then. */
static GHashTable *clean_values(GHashTable *values)
{
	GHashTable *clean = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, g_free);
	for (const char *const *field = fields; *field != NULL; field++) {
		g_autofree char *value = clean_text(g_hash_table_lookup(values, *field), VALUE_CHARS);
		if (*value != '\0')
			g_hash_table_insert(clean, (gpointer)*field, g_steal_pointer(&value));
	}
	return clean;
}

/* values are clean. Sets *subject and *text, which is not laid out yet. */
static void expand_text(const Template *template, GHashTable *values, char **subject, char **text)
{
	g_autoptr(GString) head = g_string_new(NULL);
	GString *body = g_string_new(NULL);
	expand_nodes(template->subject, values, false, head);
	expand_nodes(template->body, values, false, body);
	*subject = clean_line(head->str, SUBJECT_CHARS);
	*text = g_string_free(body, FALSE);
}

void template_expand(const Template *template, GHashTable *values, char **subject, char **body)
{
	g_autoptr(GHashTable) clean = clean_values(values);
	g_autofree char *text = NULL;
	expand_text(template, clean, subject, &text);
	*body = template_layout(text);
}

char *template_expand_html(const Template *template, const Template *html, GHashTable *values, const char *language)
{
	g_autoptr(GHashTable) clean = clean_values(values);
	if (html != NULL) {
		GString *out = g_string_new(NULL);
		expand_nodes(html->body, clean, true, out);
		return g_string_free(out, FALSE);
	}
	g_autofree char *subject = NULL, *text = NULL;
	expand_text(template, clean, &subject, &text);
	return template_html(text, subject, language);
}

/* Returns the template that kind and language lead to, that of the default language where there is no other; NULL with error. */
static const Template *choose_template(const Templates *templates, const char *kind, const char *language, const char **used,
    GError **error)
{
	const Template *template = find_template(templates, kind, language, used);
	if (template == NULL)
		template = find_template(templates, kind, templates->default_language, used);
	if (template == NULL)
		g_set_error(error, OUTAGE_ERROR, OUTAGE_ERROR_NOT_FOUND, "there is no template '%s' in '%s' or in '%s'", kind,
		    language != NULL ? language : "", templates->default_language);
	return template;
}

const char *templates_language(const Templates *templates, const char *kind, const char *language)
{
	const char *used = NULL;
	return choose_template(templates, kind, language, &used, NULL) != NULL ? used : NULL;
}

bool templates_show(const Templates *templates, const char *kind, const char *language, const char *field)
{
	const Template *template = choose_template(templates, kind, language, NULL, NULL);
	for (guint i = 0; template != NULL && i < template->body->len; i++) {
		const Node *node = &g_array_index(template->body, Node, i);
		if (node->type == NODE_FIELD && strcmp(node->field, field) == 0)
			return true;
	}
	return false;
}

bool templates_render(const Templates *templates, const char *kind, const char *language, GHashTable *values, char **subject,
    char **body, const char **used_language, GError **error)
{
	const char *used = NULL;
	const Template *template = choose_template(templates, kind, language, &used, error);
	if (template == NULL)
		return false;
	template_expand(template, values, subject, body);
	if (used_language != NULL)
		*used_language = used;
	return true;
}

bool templates_render_html(const Templates *templates, const char *kind, const char *language, GHashTable *values, char **html,
    GError **error)
{
	const char *used = NULL;
	const Template *template = choose_template(templates, kind, language, &used, error);
	if (template == NULL)
		return false;
	const Language *folder = find_language(templates, used);
	*html = template_expand_html(template, g_hash_table_lookup(folder->htmls, kind), values, used);
	return true;
}
