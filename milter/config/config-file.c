/* config-file: parses the file with libconfig and walks it against a table of settings, recording every mistake with its
 * line. Layer: config.
 *
 *     file = *( setting )                                         libconfig's grammar
 *     setting = name ( "=" / ":" ) value [ ";" / "," ]
 *     value = scalar / "[" scalars "]" / "(" values ")" / "{" *setting "}"
 *
 * A dotted name of the table is a setting within groups: reply.tries is reply = { tries = ...; }. */
#include "config/config-private.h"

#include <string.h>

#include "base/error.h"
#include "base/log.h"

/* Far above any real configuration; a guard against being pointed at something else. */
#define FILE_MAX_BYTES (1024 * 1024)

typedef struct {
	guint line;
	guint order;
	char *text;
} Mistake;

static void mistake_free(gpointer data)
{
	Mistake *mistake = data;

	g_free(mistake->text);
	g_free(mistake);
}

static int mistake_compare(gconstpointer a, gconstpointer b)
{
	const Mistake *one = *(Mistake *const *)a, *other = *(Mistake *const *)b;

	if (one->line != other->line)
		return one->line < other->line ? -1 : 1;
	return one->order < other->order ? -1 : one->order > other->order;
}

void reader_init(Reader *reader, const char *file, const char *dir)
{
	reader->file = file;
	reader->dir = dir;
	reader->mistakes = g_ptr_array_new_with_free_func(mistake_free);
}

void reader_finish(Reader *reader, GPtrArray *mistakes)
{
	g_ptr_array_sort(reader->mistakes, mistake_compare);
	for (guint i = 0; i < reader->mistakes->len; i++) {
		const Mistake *mistake = g_ptr_array_index(reader->mistakes, i);
		if (mistake->line > 0)
			g_ptr_array_add(mistakes, g_strdup_printf("%s:%u: %s", reader->file, mistake->line, mistake->text));
		else
			g_ptr_array_add(mistakes, g_strdup_printf("%s: %s", reader->file, mistake->text));
	}
	g_clear_pointer(&reader->mistakes, g_ptr_array_unref);
}

static void record(const Reader *reader, guint line, const char *format, va_list arguments) G_GNUC_PRINTF(3, 0);

static void record(const Reader *reader, guint line, const char *format, va_list arguments)
{
	Mistake *mistake = g_new0(Mistake, 1);
	g_autofree char *text = g_strdup_vprintf(format, arguments);

	mistake->line = line;
	mistake->order = reader->mistakes->len;
	mistake->text = log_escape(text, 0);
	g_ptr_array_add(reader->mistakes, mistake);
}

void reader_mistake_line(const Reader *reader, guint line, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	record(reader, line, format, arguments);
	va_end(arguments);
}

void reader_mistake(const Reader *reader, const config_setting_t *node, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	record(reader, config_setting_source_line(node), format, arguments);
	va_end(arguments);
}

/* Skips a comment or a string that starts at p; returns p itself where there is neither. */
static const char *skip_quoted(const char *p, guint *line)
{
	const char *end;

	if (*p == '#' || (p[0] == '/' && p[1] == '/'))
		return p + strcspn(p, "\n");
	if (p[0] == '/' && p[1] == '*') {
		end = strstr(p + 2, "*/");
		end = end != NULL ? end + 2 : p + strlen(p);
	} else if (*p == '"') {
		for (end = p + 1; *end != '\0' && *end != '"'; end++)
			if (*end == '\\' && end[1] != '\0')
				end++;
		if (*end == '"')
			end++;
	} else {
		return p;
	}
	for (; p < end; p++)
		if (*p == '\n')
			(*line)++;
	return end;
}

/* Skips the word or number at p; a whole number that libconfig would cut to 32 bits is a mistake. */
static const char *skip_word(const Reader *reader, const char *p, guint line)
{
	const char *end = p;
	bool hex = p[0] == '0' && (p[1] == 'x' || p[1] == 'X');
	gsize size;
	g_autofree char *number = NULL;

	while (g_ascii_isalnum(*end) || (*end != '\0' && strchr("_.-*", *end) != NULL))
		end++;
	size = (gsize)(end - p);
	number = g_strndup(p, size);
	if (g_ascii_isdigit(*p) && (hex ? strspn(number + 2, "0123456789abcdefABCDEF") + 2 : strspn(number, "0123456789")) == size &&
	    g_ascii_strtoull(number, NULL, hex ? 16 : 10) > (hex ? G_MAXUINT32 : G_MAXINT32))
		reader_mistake_line(reader, line, "%s is too large a number", number);
	return end;
}

/* Finds what libconfig would take silently or die of: a number beyond 32 bits, and @include, which ends the process where
 * it names a folder (and one file is what a reload can take over as a whole). */
static void scan(const Reader *reader, const char *text)
{
	guint line = 1;
	const char *p = text;

	while (*p != '\0') {
		const char *next = skip_quoted(p, &line);

		if (next != p) {
			p = next;
		} else if (*p == '@') {
			reader_mistake_line(reader, line, "@include is not supported: the configuration is one file");
			p++;
		} else if (g_ascii_isalnum(*p) || *p == '_') {
			p = skip_word(reader, p, line);
		} else {
			if (*p == '\n')
				line++;
			p++;
		}
	}
}

static guint line_of(const char *text, const char *position)
{
	guint line = 1;

	for (const char *p = text; p < position; p++)
		if (*p == '\n')
			line++;
	return line;
}

bool reader_parse(const Reader *reader, const char *text, gsize size, config_t *parsed)
{
	const char *bad = NULL;
	guint before = reader->mistakes->len;

	if (size > FILE_MAX_BYTES) {
		reader_mistake_line(reader, 0, "the file is larger than %d bytes", FILE_MAX_BYTES);
		return false;
	}
	if (!g_utf8_validate_len(text, size, &bad)) {
		reader_mistake_line(reader, line_of(text, bad), "not UTF-8 (or a NUL byte)");
		return false;
	}
	scan(reader, text);
	if (reader->mistakes->len > before)
		return false;
	config_init(parsed);
	if (!config_read_string(parsed, text)) {
		reader_mistake_line(reader, (guint)MAX(config_error_line(parsed), 0), "%s", config_error_text(parsed));
		config_destroy(parsed);
		return false;
	}
	return true;
}

static const char *found_name(const config_setting_t *node)
{
	switch (config_setting_type(node)) {
	case CONFIG_TYPE_GROUP:
		return "a group { ... }";
	case CONFIG_TYPE_LIST:
	case CONFIG_TYPE_ARRAY:
		return "a list";
	case CONFIG_TYPE_STRING:
		return "a text in quotes";
	case CONFIG_TYPE_BOOL:
		return "true or false";
	case CONFIG_TYPE_FLOAT:
		return "a number with a fraction";
	default:
		return "a whole number";
	}
}

/* Returns the scalar at node as text where its type is one that form takes; NULL otherwise; caller frees. */
static char *scalar_text(const config_setting_t *node, int takes)
{
	char buffer[G_ASCII_DTOSTR_BUF_SIZE];

	switch (config_setting_type(node)) {
	case CONFIG_TYPE_BOOL:
		return takes & TAKES_BOOL ? g_strdup(config_setting_get_bool(node) ? "true" : "false") : NULL;
	case CONFIG_TYPE_INT:
	case CONFIG_TYPE_INT64:
		if (!(takes & (TAKES_INTEGER | TAKES_FLOAT)))
			return NULL;
		return g_strdup_printf("%lld", config_setting_get_int64(node));
	case CONFIG_TYPE_FLOAT:
		return takes & TAKES_FLOAT ? g_strdup(g_ascii_dtostr(buffer, sizeof buffer, config_setting_get_float(node))) : NULL;
	case CONFIG_TYPE_STRING:
		return takes & TAKES_STRING ? g_strdup(config_setting_get_string(node)) : NULL;
	default:
		return NULL;
	}
}

static void read_list(const Reader *reader, const config_setting_t *node, const char *shown, const Setting *setting,
    gpointer base)
{
	g_autoptr(GStrvBuilder) values = g_strv_builder_new();
	bool single = config_setting_type(node) == CONFIG_TYPE_STRING;
	int count = single ? 1 : config_setting_length(node);

	if (!single && config_setting_type(node) != CONFIG_TYPE_LIST && config_setting_type(node) != CONFIG_TYPE_ARRAY) {
		reader_mistake(reader, node, "%s: a list ( ... ) is wanted, not %s", shown, found_name(node));
		return;
	}
	for (int i = 0; i < count; i++) {
		const config_setting_t *element = single ? node : config_setting_get_elem(node, (unsigned)i);
		g_autofree char *text = scalar_text(element, form_info(setting->form)->takes);
		g_autoptr(GError) error = NULL;
		g_autofree char *normal = NULL;

		if (text == NULL) {
			reader_mistake(reader, element, "%s: entry %d: %s is wanted, not %s", shown, i + 1,
			    form_info(setting->form)->wanted, found_name(element));
			continue;
		}
		normal = setting_normal_text(setting, text, reader->dir, &error);
		if (normal == NULL)
			reader_mistake(reader, element, "%s: entry %d: %s", shown, i + 1, error->message);
		else
			g_strv_builder_add(values, normal);
	}
	setting_set_list(setting, base, g_strv_builder_end(values));
}

static void read_scalar(const Reader *reader, const config_setting_t *node, const char *shown, const Setting *setting,
    gpointer base)
{
	const FormInfo *form = form_info(setting->form);
	g_autofree char *text = scalar_text(node, form->takes);
	g_autofree char *normal = NULL;
	g_autoptr(GError) error = NULL;

	if (text == NULL) {
		reader_mistake(reader, node, "%s: %s is wanted, not %s", shown, form->wanted, found_name(node));
		return;
	}
	if (!form_is_text(setting->form)) {
		if (!setting_set_number(setting, base, text, &error))
			reader_mistake(reader, node, "%s: %s", shown, error->message);
		return;
	}
	normal = setting_normal_text(setting, text, reader->dir, &error);
	if (normal == NULL)
		reader_mistake(reader, node, "%s: %s", shown, error->message);
	else
		setting_set_text(setting, base, g_steal_pointer(&normal));
}

static const Setting *find(const SettingTable *table, const char *name)
{
	for (gsize i = 0; i < table->count; i++)
		if (strcmp(table->rows[i].name, name) == 0)
			return &table->rows[i];
	return NULL;
}

static bool is_group_of(const SettingTable *table, const char *name)
{
	gsize size = strlen(name);

	for (gsize i = 0; i < table->count; i++)
		if (strncmp(table->rows[i].name, name, size) == 0 && table->rows[i].name[size] == '.')
			return true;
	return false;
}

/* Edit distance, case ignored: insert, delete, replace, and two neighbours swapped. */
static guint distance(const char *a, const char *b)
{
	gsize height = strlen(a) + 1, width = strlen(b) + 1;
	g_autofree guint *cells = g_new(guint, height * width);

	for (gsize i = 0; i < height; i++)
		for (gsize j = 0; j < width; j++) {
			guint *cell = cells + i * width + j;
			if (i == 0 || j == 0) {
				*cell = (guint)MAX(i, j);
				continue;
			}
			bool same = g_ascii_tolower(a[i - 1]) == g_ascii_tolower(b[j - 1]);
			*cell = MIN(MIN(*(cell - width), *(cell - 1)) + 1, *(cell - width - 1) + !same);
			if (i > 1 && j > 1 && g_ascii_tolower(a[i - 1]) == g_ascii_tolower(b[j - 2]) &&
			    g_ascii_tolower(a[i - 2]) == g_ascii_tolower(b[j - 1]))
				*cell = MIN(*cell, *(cell - 2 * width - 2) + 1);
		}
	return cells[height * width - 1];
}

/* Returns the name that was probably meant: the nearest one, or one whose last part is the same; NULL = none near. */
static const char *suggestion(const SettingTable *table, const char *name)
{
	const char *leaf = strrchr(name, '.') != NULL ? strrchr(name, '.') + 1 : name;
	const char *best = NULL;
	guint best_distance = (guint)MIN(strlen(name) / 3, 3) + 1;

	/* A name this long is no slip of the finger, and the distance costs its length for each row. */
	if (strlen(name) > 64)
		return NULL;
	for (gsize i = 0; i < table->count; i++) {
		guint d = distance(name, table->rows[i].name);
		if (d < best_distance) {
			best = table->rows[i].name;
			best_distance = d;
		}
	}
	for (gsize i = 0; best == NULL && i < table->count; i++) {
		const char *dot = strrchr(table->rows[i].name, '.');
		if (dot != NULL && g_ascii_strcasecmp(dot + 1, leaf) == 0)
			best = table->rows[i].name;
	}
	return best;
}

static void unknown(const Reader *reader, const config_setting_t *node, const char *label, const SettingTable *table,
    const char *name)
{
	const char *near = suggestion(table, name);

	if (near != NULL)
		reader_mistake(reader, node, "unknown setting %s%s; did you mean %s%s?", label, name, label, near);
	else
		reader_mistake(reader, node, "unknown setting %s%s", label, name);
}

/* label: before all names of table; prefix: the groups within the table that lead here, "" or ending in ".". */
static void walk(const Reader *reader, config_setting_t *group, const char *label, const char *prefix,
    const SettingTable *table, gpointer base)
{
	for (int i = 0; i < config_setting_length(group); i++) {
		config_setting_t *node = config_setting_get_elem(group, (unsigned)i);
		g_autofree char *name = g_strconcat(prefix, config_setting_name(node), NULL);
		g_autofree char *shown = g_strconcat(label, name, NULL);
		const Setting *setting = find(table, name);

		if (setting == NULL && is_group_of(table, name)) {
			g_autofree char *inner = g_strconcat(name, ".", NULL);
			if (config_setting_is_group(node))
				walk(reader, node, label, inner, table, base);
			else
				reader_mistake(reader, node, "%s: a group { ... } is wanted, not %s", shown, found_name(node));
		} else if (setting == NULL) {
			unknown(reader, node, label, table, name);
		} else if (setting->form == FORM_GROUPS) {
			setting->read(reader, node, base);
		} else if (setting->list) {
			read_list(reader, node, shown, setting, base);
		} else {
			read_scalar(reader, node, shown, setting, base);
		}
	}
}

void reader_walk(const Reader *reader, config_setting_t *group, const char *label, const SettingTable *table, gpointer base)
{
	walk(reader, group, label, "", table, base);
}
