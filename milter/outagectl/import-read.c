/* import-read: the JSON of status pages and of our own (see import.h). Layer: program. Pure. */
#include <string.h>

#include <json-glib/json-glib.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/log.h"
#include "outagectl/import.h"
#include "outagectl/json-text.h"
#include "reply/clean.h"

#define INCIDENTS_MAX 500
#define COMPONENTS_MAX 50
#define TEXT_BYTES_MAX 4096 /* what the store takes */
#define TITLE_CHARS 200

static void import_update_free(gpointer data)
{
	ImportUpdate *update = data;

	g_free(update->key);
	g_free(update->digest);
	g_free(update->text);
	g_free(update);
}

static Imported *imported_new(void)
{
	Imported *imported = g_new0(Imported, 1);

	imported->word = WORD_NONE;
	imported->updates = g_ptr_array_new_with_free_func(import_update_free);
	return imported;
}

void imported_free(Imported *imported)
{
	if (imported == NULL)
		return;
	g_free(imported->key);
	for (TextField field = 0; field < TEXT_FIELDS; field++)
		g_free(imported->texts[field]);
	for (guint i = 0; i < G_N_ELEMENTS(imported->links); i++)
		g_free(imported->links[i]);
	g_ptr_array_unref(imported->updates);
	g_free(imported);
}

/* ---- members ---- */

static bool wrong(GError **error, const char *where, const char *what)
{
	g_set_error(error, OUTAGE_ERROR, OUTAGE_ERROR_INVALID, "%s: %s", where, what);
	return false;
}

/* *text: the member's text, owned by object; NULL where it is absent or null. where: the path of object, for errors. */
static bool read_text(JsonObject *object, const char *where, const char *name, bool required, const char **text, GError **error)
{
	JsonNode *node = json_object_get_member(object, name);
	g_autofree char *path = g_strconcat(where, *where != '\0' ? "." : "", name, NULL);

	*text = NULL;
	if (node == NULL || JSON_NODE_HOLDS_NULL(node))
		return !required || wrong(error, path, "is missing");
	if (!JSON_NODE_HOLDS_VALUE(node) || json_node_get_value_type(node) != G_TYPE_STRING)
		return wrong(error, path, "is no text");
	*text = json_node_get_string(node);
	return true;
}

/* *array: owned by object; NULL where it is absent or null. */
static bool read_array(JsonObject *object, const char *where, const char *name, JsonArray **array, GError **error)
{
	JsonNode *node = json_object_get_member(object, name);
	g_autofree char *path = g_strconcat(where, *where != '\0' ? "." : "", name, NULL);

	*array = NULL;
	if (node == NULL || JSON_NODE_HOLDS_NULL(node))
		return true;
	if (!JSON_NODE_HOLDS_ARRAY(node))
		return wrong(error, path, "is no list");
	*array = json_node_get_array(node);
	return true;
}

/* Returns the object at index of array, or NULL with error. */
static JsonObject *object_at(JsonArray *array, const char *path, guint index, GError **error)
{
	JsonNode *node = json_array_get_element(array, index);
	g_autofree char *where = g_strdup_printf("%s[%u]", path, index);

	if (JSON_NODE_HOLDS_OBJECT(node))
		return json_node_get_object(node);
	wrong(error, where, "is no object");
	return NULL;
}

/* ---- texts ---- */

/* Entities of the few characters that have to be written so. */
static const struct { const char *name; const char *is; } entities[] = {
	{ "&lt;", "<" }, { "&gt;", ">" }, { "&quot;", "\"" }, { "&#39;", "'" }, { "&nbsp;", " " }, { "&amp;", "&" },
};

static bool is_tag(const char *p, const char *name)
{
	gsize size = strlen(name);

	return g_ascii_strncasecmp(p, name, size) == 0 && !g_ascii_isalnum(p[size]);
}

/* Bodies on status pages may hold some HTML: line ends are kept, other tags go. Caller frees. */
static char *without_markup(const char *text)
{
	GString *plain = g_string_sized_new(strlen(text));

	while (*text != '\0') {
		const char *end = *text == '<' && (g_ascii_isalpha(text[1]) || text[1] == '/') ? strchr(text, '>') : NULL;
		gsize i = 0;

		if (end != NULL) {
			if (is_tag(text, "<br") || is_tag(text, "</p") || is_tag(text, "</li") || is_tag(text, "</div"))
				g_string_append_c(plain, '\n');
			text = end + 1;
			continue;
		}
		while (*text == '&' && i < G_N_ELEMENTS(entities) && !g_str_has_prefix(text, entities[i].name))
			i++;
		if (*text == '&' && i < G_N_ELEMENTS(entities)) {
			g_string_append(plain, entities[i].is);
			text += strlen(entities[i].name);
		} else {
			g_string_append_c(plain, *text++);
		}
	}
	return g_string_free(plain, FALSE);
}

/* As much of text as the store takes, clean. Caller frees. */
static char *bounded(const char *text)
{
	gsize chars = TEXT_BYTES_MAX;
	char *clean = clean_text(text, chars);

	while (strlen(clean) > TEXT_BYTES_MAX) {
		g_free(clean);
		chars = chars / 4 * 3;
		clean = clean_text(text, chars);
	}
	return clean;
}

static char *digest_of(const char *text, gsize digits)
{
	char *digest = g_compute_checksum_for_string(G_CHECKSUM_SHA256, text, -1);

	digest[digits] = '\0';
	return digest;
}

/* id where it can stand in an author's name and be told from others, else a digest of `other`. */
static char *key_of(const char *id, const char *other)
{
	gsize size = id != NULL ? strspn(id, G_CSET_a_2_z G_CSET_A_2_Z G_CSET_DIGITS "_-") : 0;

	if (size > 0 && size <= 64 && id[size] == '\0')
		return g_strdup(id);
	return digest_of(id != NULL && *id != '\0' ? id : other, 16);
}

/* Adds an update, unless nothing is left of its text. at: as it stands there, or NULL. */
static void add_update(Imported *imported, const char *id, const char *at, const char *body)
{
	ImportUpdate *update = g_new0(ImportUpdate, 1);
	g_autofree char *plain = without_markup(body);
	g_autofree char *both = NULL;

	update->text = bounded(plain);
	both = g_strconcat(at != NULL ? at : "", "\n", update->text, NULL);
	update->key = key_of(id, both);
	update->digest = digest_of(update->text, 8);
	(void)clock_parse(at, &update->at);
	if (*update->text != '\0')
		g_ptr_array_add(imported->updates, update);
	else
		import_update_free(update);
}

static int by_time(gconstpointer a, gconstpointer b)
{
	const ImportUpdate *x = *(ImportUpdate *const *)a, *y = *(ImportUpdate *const *)b;

	return (x->at > y->at) - (x->at < y->at);
}

/* Puts them in order, the newest last. newest_first: how they stand where no time tells. */
static void sort_updates(Imported *imported, bool newest_first)
{
	GPtrArray *updates = imported->updates;

	for (guint i = 0, j = updates->len; newest_first && i + 1 < j; i++) {
		gpointer last = updates->pdata[--j];

		updates->pdata[j] = updates->pdata[i];
		updates->pdata[i] = last;
	}
	g_ptr_array_sort(updates, by_time); /* stable: it is a merge sort */
	if (updates->len > IMPORT_UPDATES_MAX)
		g_ptr_array_remove_range(updates, 0, updates->len - IMPORT_UPDATES_MAX);
}

/* ---- a status page ---- */

static bool read_components(Imported *imported, JsonObject *incident, const char *where, GError **error)
{
	g_autofree char *path = g_strconcat(where, ".components", NULL);
	g_autoptr(GString) names = g_string_new(NULL);
	JsonArray *array;

	if (!read_array(incident, where, "components", &array, error))
		return false;
	for (guint i = 0; array != NULL && i < MIN(json_array_get_length(array), COMPONENTS_MAX); i++) {
		JsonObject *component = object_at(array, path, i, error);
		g_autofree char *here = g_strdup_printf("%s[%u]", path, i), *clean = NULL;
		const char *name;

		if (component == NULL || !read_text(component, here, "name", true, &name, error))
			return false;
		clean = clean_line(name, TITLE_CHARS);
		if (*clean != '\0')
			g_string_append_printf(names, "%s%s", names->len > 0 ? ", " : "", clean);
	}
	if (names->len > 0)
		imported->texts[TEXT_COMPONENTS] = bounded(names->str);
	return true;
}

static bool read_updates(Imported *imported, JsonObject *incident, const char *where, GError **error)
{
	g_autofree char *path = g_strconcat(where, ".incident_updates", NULL);
	JsonArray *array;

	if (!read_array(incident, where, "incident_updates", &array, error))
		return false;
	for (guint i = 0; array != NULL && i < json_array_get_length(array); i++) {
		JsonObject *update = object_at(array, path, i, error);
		g_autofree char *here = g_strdup_printf("%s[%u]", path, i);
		const char *id, *at, *body;

		if (update == NULL || !read_text(update, here, "id", false, &id, error) ||
		    !read_text(update, here, "created_at", false, &at, error) || !read_text(update, here, "body", false, &body, error))
			return false;
		if (body != NULL)
			add_update(imported, id, at, body);
	}
	sort_updates(imported, true);
	return true;
}

static void take_links(Imported *imported, const char *shortlink, const char *page, const char *id)
{
	g_autofree char *base = g_strdup(page != NULL ? page : "");
	guint n = 0;

	while (*base != '\0' && g_str_has_suffix(base, "/"))
		base[strlen(base) - 1] = '\0';
	if (*base != '\0')
		imported->links[n++] = g_strconcat(base, "/incidents/", id, NULL);
	if (shortlink != NULL)
		imported->links[n++] = g_strdup(shortlink);
	if (*base != '\0')
		imported->links[n++] = g_strdup(base);
}

static Word word_of_impact(const char *impact)
{
	static const char *const impacts[] = { "critical", "major", "minor" };

	for (guint i = 0; impact != NULL && i < G_N_ELEMENTS(impacts); i++)
		if (strcmp(impact, impacts[i]) == 0)
			return WORD_P1 + i;
	return WORD_NONE;
}

/* index: its place on the page. */
static Imported *read_incident(JsonObject *object, guint index, const char *page, GError **error)
{
	g_autofree char *where = g_strdup_printf("incidents[%u]", index);
	g_autoptr(Imported) imported = imported_new();
	const char *id, *name, *status, *impact, *link;

	if (!read_text(object, where, "id", true, &id, error) || !read_text(object, where, "name", true, &name, error) ||
	    !read_text(object, where, "status", true, &status, error) || !read_text(object, where, "impact", false, &impact, error) ||
	    !read_text(object, where, "shortlink", false, &link, error) || !read_components(imported, object, where, error) ||
	    !read_updates(imported, object, where, error))
		return NULL;
	imported->key = key_of(id, name);
	imported->texts[TEXT_TITLE] = clean_line(name, TITLE_CHARS);
	if (*imported->texts[TEXT_TITLE] == '\0')
		g_clear_pointer(&imported->texts[TEXT_TITLE], g_free);
	imported->word = word_of_impact(impact);
	imported->resolved = strcmp(status, "resolved") == 0 || strcmp(status, "postmortem") == 0 || strcmp(status, "completed") == 0;
	if (!imported->resolved && incident_phase_valid(status))
		imported->texts[TEXT_PHASE] = g_strdup(status);
	take_links(imported, link, page, imported->key);
	return g_steal_pointer(&imported);
}

GPtrArray *import_read_statuspage(const char *text, gsize size, GError **error)
{
	g_autoptr(GPtrArray) incidents = g_ptr_array_new_with_free_func((GDestroyNotify)imported_free);
	g_autoptr(JsonNode) root = json_text_object(text, size, error);
	JsonNode *about;
	JsonArray *array;
	const char *page = NULL;

	if (root == NULL || !read_array(json_node_get_object(root), "", "incidents", &array, error))
		return NULL;
	if (array == NULL) {
		wrong(error, "incidents", "is missing: this is not what a status page says at /api/v2/summary.json");
		return NULL;
	}
	about = json_object_get_member(json_node_get_object(root), "page");
	if (about != NULL && JSON_NODE_HOLDS_OBJECT(about) && !read_text(json_node_get_object(about), "page", "url", false, &page, error))
		return NULL;
	for (guint i = 0; i < MIN(json_array_get_length(array), INCIDENTS_MAX); i++) {
		JsonObject *object = object_at(array, "incidents", i, error);
		Imported *imported = object != NULL ? read_incident(object, i, page, error) : NULL;

		if (imported == NULL)
			return NULL;
		g_ptr_array_add(incidents, imported);
	}
	return g_steal_pointer(&incidents);
}

/* ---- JSON of our own ---- */

/* A list of texts, or one. */
static bool read_own_components(Imported *imported, JsonNode *node, GError **error)
{
	g_autoptr(GString) names = g_string_new(NULL);

	if (JSON_NODE_HOLDS_VALUE(node) && json_node_get_value_type(node) == G_TYPE_STRING)
		g_string_append(names, json_node_get_string(node));
	else if (!JSON_NODE_HOLDS_ARRAY(node))
		return wrong(error, "components", "is neither a text nor a list of texts");
	for (guint i = 0; JSON_NODE_HOLDS_ARRAY(node) && i < MIN(json_array_get_length(json_node_get_array(node)), COMPONENTS_MAX); i++) {
		JsonNode *one = json_array_get_element(json_node_get_array(node), i);

		if (!JSON_NODE_HOLDS_VALUE(one) || json_node_get_value_type(one) != G_TYPE_STRING)
			return wrong(error, "components", "is neither a text nor a list of texts");
		g_string_append_printf(names, "%s%s", names->len > 0 ? ", " : "", json_node_get_string(one));
	}
	imported->texts[TEXT_COMPONENTS] = bounded(names->str);
	return true;
}

static bool read_own_updates(Imported *imported, JsonObject *object, GError **error)
{
	JsonArray *array;

	if (!read_array(object, "", "updates", &array, error))
		return false;
	for (guint i = 0; array != NULL && i < json_array_get_length(array); i++) {
		JsonObject *update = object_at(array, "updates", i, error);
		g_autofree char *here = g_strdup_printf("updates[%u]", i), *place = g_strconcat(here, ".at", NULL);
		const char *id, *at, *text;
		gint64 seconds;

		if (update == NULL || !read_text(update, here, "id", false, &id, error) || !read_text(update, here, "at", false, &at, error) ||
		    !read_text(update, here, "text", true, &text, error))
			return false;
		if (at != NULL && !clock_parse(at, &seconds))
			return wrong(error, place, "is no RFC 3339 time");
		add_update(imported, id, at, text);
	}
	sort_updates(imported, false);
	return true;
}

/* One text of the incident, as it stands there. */
static bool read_field(Imported *imported, JsonObject *object, const char *name, TextField field, GError **error)
{
	const char *text;
	g_autoptr(GError) bad = NULL;

	if (!read_text(object, "", name, false, &text, error))
		return false;
	if (text == NULL)
		return true;
	imported->texts[field] = bounded(text);
	if (*imported->texts[field] != '\0' && !text_field_check(field, imported->texts[field], &bad))
		return wrong(error, name, bad->message);
	return true;
}

static bool read_severity(Imported *imported, JsonObject *object, GError **error)
{
	const char *text;

	if (!read_text(object, "", "severity", false, &text, error))
		return false;
	if (text != NULL && (!word_parse(text, -1, &imported->word) || !word_is_open(imported->word)))
		return wrong(error, "severity", "is none of P1, P2, P3");
	return true;
}

static bool read_member(Imported *imported, JsonObject *object, const char *name, JsonNode *node, GError **error)
{
	TextField field = text_field_find(name);

	if (strcmp(name, "severity") == 0)
		return read_severity(imported, object, error);
	if (strcmp(name, "updates") == 0)
		return read_own_updates(imported, object, error);
	if (strcmp(name, "resolved") == 0) {
		if (!JSON_NODE_HOLDS_VALUE(node) || json_node_get_value_type(node) != G_TYPE_BOOLEAN)
			return wrong(error, name, "is neither true nor false");
		imported->resolved = json_node_get_boolean(node);
		return true;
	}
	if (field == TEXT_MATCH || field == TEXT_OFFER)
		return wrong(error, name, "cannot be imported: outagectl declare takes it");
	if (field == TEXT_COMPONENTS && !JSON_NODE_HOLDS_NULL(node))
		return read_own_components(imported, node, error);
	if (field < TEXT_FIELDS)
		return read_field(imported, object, name, field, error);
	if (strcmp(name, "id") != 0) {
		g_autofree char *shown = log_escape(name, 64);

		return wrong(error, shown, "is no member that is known (outagectl(1) lists them under import)");
	}
	return true;
}

Imported *import_read_json(const char *text, gsize size, GError **error)
{
	g_autoptr(Imported) imported = imported_new();
	g_autoptr(JsonNode) root = json_text_object(text, size, error);
	JsonObjectIter iter;
	const char *name, *id;
	JsonNode *node;

	if (root == NULL || !read_text(json_node_get_object(root), "", "id", false, &id, error))
		return NULL;
	json_object_iter_init(&iter, json_node_get_object(root));
	while (json_object_iter_next(&iter, &name, &node))
		if (!read_member(imported, json_node_get_object(root), name, node, error))
			return NULL;
	imported->key = key_of(id, imported->texts[TEXT_TITLE] != NULL ? imported->texts[TEXT_TITLE] : "");
	/* That it is over the word says. */
	if (g_strcmp0(imported->texts[TEXT_PHASE], "resolved") == 0) {
		imported->resolved = true;
		g_clear_pointer(&imported->texts[TEXT_PHASE], g_free);
	}
	return g_steal_pointer(&imported);
}

/* ---- what is new ---- */

static bool holds(const GPtrArray *known, const char *key, const char *digest)
{
	g_autofree char *prefix = g_strconcat(key, "/", digest, NULL);

	for (guint i = 0; i < known->len; i++)
		if (digest != NULL ? strcmp(g_ptr_array_index(known, i), prefix) == 0
		                   : g_str_has_prefix(g_ptr_array_index(known, i), prefix))
			return true;
	return false;
}

GPtrArray *import_new_updates(const Imported *imported, const GPtrArray *known)
{
	GPtrArray *wanted = g_ptr_array_new();
	guint from = imported->updates->len;

	while (from > 0) {
		const ImportUpdate *update = g_ptr_array_index(imported->updates, from - 1);

		if (holds(known, update->key, NULL)) {
			/* Only of the newest of all an edited text is news: what came after it is what holds. */
			if (from == imported->updates->len && !holds(known, update->key, update->digest))
				from--;
			break;
		}
		from--;
	}
	for (; from < imported->updates->len; from++)
		g_ptr_array_add(wanted, g_ptr_array_index(imported->updates, from));
	return wanted;
}
