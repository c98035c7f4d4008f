/* rules-load: reads the rules files and names every mistake by file and line. Layer: inspect.
 *
 * Grammar (libconfig; a backslash of a pattern is written twice there):
 *
 *     file     = [ "language" = TAG ; ] [ "words" = { *( WORD = PATTERN ; ) } ; ] [ "rules" = ( *rule ) ; ]
 *     rule     = { name = NAME ; class = CLASS ; [ field = "subject" | "body" | "both" ; ]
 *                  [ weight = NUMBER ; ] [ language = TAG ; ] pattern = PATTERN ; }
 *     NAME     = lower-case letters, digits, "_" and "-", at most 48; unique over all files
 *     CLASS    = "outage" | "evidence" | "escalate." kind | "sensitive." kind | "still-affected" | "recovered"
 *     TAG      = "*" or a language tag of BCP 47
 *     PATTERN  = PCRE2; "{{WORD}}" stands for a word defined above in the same file, as a group
 *
 * outage needs a weight from -20 to 20; escalate.NAME may have one, 1 where none is given; the other classes have none. */
#include "inspect/normal.h"
#include "inspect/rules-private.h"

#include <libconfig.h>
#include <math.h>
#include <string.h>

#define FILE_MAX_BYTES (1024 * 1024)
#define PATTERN_MAX_BYTES (32 * 1024) /* with its words expanded */
#define NAME_MAX_BYTES 48
#define WEIGHT_MAX 20.0
#define ESCALATE_WEIGHT 1.0 /* where none is given: such a rule is enough on its own */

typedef struct {
	const char *path;
	Rules *rules;
	GHashTable *names; /* name -> "file:line" of its first use */
	GHashTable *words; /* of this file: word -> pattern */
	const char *language;
	GPtrArray *mistakes;
} Load;

typedef struct {
	const char *text;
	RuleKind kind;
	const char *label;
} ClassName;

static const ClassName class_names[] = {
	{ "outage", RULE_OUTAGE, NULL },
	{ "evidence", RULE_EVIDENCE, NULL },
	{ "still-affected", RULE_STILL_AFFECTED, NULL },
	{ "recovered", RULE_RECOVERED, NULL },
	{ "escalate.legal", RULE_ESCALATE, "legal" },
	{ "escalate.media", RULE_ESCALATE, "media" },
	{ "escalate.refund", RULE_ESCALATE, "refund" },
	{ "escalate.security", RULE_ESCALATE, "security" },
	{ "escalate.data-loss", RULE_ESCALATE, "data-loss" },
	{ "escalate.privacy", RULE_ESCALATE, "privacy" },
	{ "escalate.churn", RULE_ESCALATE, "churn" },
	{ "sensitive.api-key", RULE_SENSITIVE, "api-key" },
	{ "sensitive.private-key", RULE_SENSITIVE, "private-key" },
	{ "sensitive.password", RULE_SENSITIVE, "password" },
	{ "sensitive.card-number", RULE_SENSITIVE, "card-number" },
};

G_GNUC_PRINTF(3, 4)
static void mistake(const Load *load, int line, const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	g_autofree char *what = g_strdup_vprintf(format, arguments);
	va_end(arguments);
	g_ptr_array_add(load->mistakes, line > 0 ? g_strdup_printf("%s:%d: %s", load->path, line, what)
	                                         : g_strdup_printf("%s: %s", load->path, what));
}

static int line_of(const config_setting_t *setting)
{
	return (int)config_setting_source_line(setting);
}

static bool is_name(const char *text)
{
	return *text && strlen(text) <= NAME_MAX_BYTES && strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789_-") == strlen(text);
}

/* Only the shape of a tag: a language of 2 or 3 letters, then subtags of up to 8 letters or digits. */
static bool is_language(const char *text)
{
	if (strcmp(text, "*") == 0)
		return true;
	g_auto(GStrv) parts = g_strsplit(text, "-", -1);
	for (guint i = 0; parts[i]; i++) {
		gsize length = strlen(parts[i]);
		if (length < (i == 0 ? 2 : 1) || length > (i == 0 ? 3 : 8))
			return false;
		for (const char *c = parts[i]; *c; c++) {
			if (i == 0 ? !g_ascii_islower(*c) : !g_ascii_isalnum(*c))
				return false;
		}
	}
	return parts[0] != NULL;
}

/* Returns the text of a setting, or NULL after naming the mistake. */
static const char *string_of(const Load *load, const config_setting_t *setting)
{
	const char *text = config_setting_type(setting) == CONFIG_TYPE_STRING ? config_setting_get_string(setting) : NULL;
	if (!text)
		mistake(load, line_of(setting), "\"%s\" must be a text in quotes", config_setting_name(setting));
	return text;
}

/* Returns pattern with every {{word}} replaced, or NULL after naming the mistake. */
static char *expand(const Load *load, int line, const char *pattern)
{
	for (const char *c = pattern; *c; c++) {
		if ((guchar)*c < 0x20) {
			mistake(load, line, "the pattern holds a control character; a backslash is written twice here, as in \"\\\\b\"");
			return NULL;
		}
	}
	g_autoptr(GString) out = g_string_new(NULL);
	for (const char *rest = pattern;;) {
		const char *open = strstr(rest, "{{");
		const char *close = open ? strstr(open, "}}") : NULL;
		if (!close) {
			g_string_append(out, rest);
			break;
		}
		g_autofree char *word = g_strndup(open + 2, (gsize)(close - open - 2));
		const char *meaning = g_hash_table_lookup(load->words, word);
		if (!meaning) {
			mistake(load, line, "the word \"{{%s}}\" is not defined above", word);
			return NULL;
		}
		g_string_append_len(out, rest, open - rest);
		g_string_append_printf(out, "(?:%s)", meaning);
		rest = close + 2;
		if (out->len > PATTERN_MAX_BYTES)
			break;
	}
	if (out->len > PATTERN_MAX_BYTES) {
		mistake(load, line, "the pattern is longer than %d bytes with its words", PATTERN_MAX_BYTES);
		return NULL;
	}
	return g_string_free(g_steal_pointer(&out), FALSE);
}

static void load_words(Load *load, const config_setting_t *group)
{
	if (!config_setting_is_group(group)) {
		mistake(load, line_of(group), "\"words\" must be a group: words = { name = \"pattern\"; };");
		return;
	}
	for (int i = 0; i < config_setting_length(group); i++) {
		const config_setting_t *setting = config_setting_get_elem(group, (unsigned)i);
		const char *text = string_of(load, setting);
		char *pattern = text ? expand(load, line_of(setting), text) : NULL;
		/* A word that is wrong stands for an empty one, so that it is not reported again for every rule that uses it. */
		g_hash_table_replace(load->words, g_strdup(config_setting_name(setting)), pattern ? pattern : g_strdup("(?!)"));
	}
}

static bool read_name(Load *load, const config_setting_t *setting, Rule *rule)
{
	const char *text = string_of(load, setting);
	if (!text)
		return false;
	if (!is_name(text)) {
		mistake(load, line_of(setting), "\"%s\" is no name of a rule: use lower-case letters, digits, \"_\" and \"-\", at most %d", text,
		        NAME_MAX_BYTES);
		return false;
	}
	const char *first = g_hash_table_lookup(load->names, text);
	if (first) {
		mistake(load, line_of(setting), "there is already a rule \"%s\" at %s", text, first);
		return false;
	}
	g_hash_table_insert(load->names, g_strdup(text), g_strdup_printf("%s:%d", load->path, line_of(setting)));
	rule->name = g_intern_string(text);
	return true;
}

static bool read_class(Load *load, const config_setting_t *setting, Rule *rule)
{
	const char *text = string_of(load, setting);
	if (!text)
		return false;
	for (guint i = 0; i < G_N_ELEMENTS(class_names); i++) {
		if (strcmp(text, class_names[i].text) != 0)
			continue;
		rule->kind = class_names[i].kind;
		rule->label = class_names[i].label;
		rule->luhn = g_strcmp0(rule->label, "card-number") == 0;
		return true;
	}
	mistake(load, line_of(setting), "unknown class \"%s\"", text);
	return false;
}

static bool read_field(Load *load, const config_setting_t *setting, Rule *rule)
{
	const char *text = string_of(load, setting);
	if (!text)
		return false;
	if (strcmp(text, "subject") == 0)
		rule->fields = RULE_IN_SUBJECT;
	else if (strcmp(text, "body") == 0)
		rule->fields = RULE_IN_BODY;
	else if (strcmp(text, "both") == 0)
		rule->fields = RULE_IN_BOTH;
	else {
		mistake(load, line_of(setting), "unknown field \"%s\": it is subject, body or both", text);
		return false;
	}
	return true;
}

static bool read_weight(Load *load, const config_setting_t *setting, Rule *rule)
{
	switch (config_setting_type(setting)) {
	case CONFIG_TYPE_INT:
	case CONFIG_TYPE_INT64:
		rule->weight = (double)config_setting_get_int64(setting);
		break;
	case CONFIG_TYPE_FLOAT:
		rule->weight = config_setting_get_float(setting);
		break;
	default:
		mistake(load, line_of(setting), "\"weight\" must be a number");
		return false;
	}
	if (isfinite(rule->weight) && fabs(rule->weight) <= WEIGHT_MAX)
		return true;
	mistake(load, line_of(setting), "weight %g is out of range: -20 to 20", rule->weight);
	return false;
}

static bool read_language(const Load *load, const config_setting_t *setting, const char **language)
{
	const char *text = string_of(load, setting);
	if (!text)
		return false;
	if (is_language(text)) {
		*language = text;
		return true;
	}
	mistake(load, line_of(setting), "\"%s\" is no language: write a tag such as \"en\", or \"*\" for any", text);
	return false;
}

static bool read_pattern(Load *load, const config_setting_t *setting, Rule *rule)
{
	const char *text = string_of(load, setting);
	g_autofree char *expanded = text ? expand(load, line_of(setting), text) : NULL;
	if (!expanded)
		return false;
	rule->pattern = normal_pattern(expanded);
	rule->place = g_strdup_printf("%s:%d", load->path, line_of(setting));
	g_autoptr(GError) error = NULL;
	rule->regex = regex_new(rule->pattern, &error);
	if (!rule->regex)
		mistake(load, line_of(setting), "the pattern cannot be used: %s", error->message);
	return rule->regex != NULL;
}

/* Reads one key of a rule. Returns false where it is wrong. */
static bool read_key(Load *load, const config_setting_t *setting, Rule *rule, const char **language)
{
	const char *key = config_setting_name(setting);
	if (strcmp(key, "name") == 0)
		return read_name(load, setting, rule);
	if (strcmp(key, "class") == 0)
		return read_class(load, setting, rule);
	if (strcmp(key, "field") == 0)
		return read_field(load, setting, rule);
	if (strcmp(key, "weight") == 0)
		return read_weight(load, setting, rule);
	if (strcmp(key, "language") == 0)
		return read_language(load, setting, language);
	if (strcmp(key, "pattern") == 0)
		return read_pattern(load, setting, rule);
	mistake(load, line_of(setting), "unknown key \"%s\"", key);
	return false;
}

/* Names what a rule lacks. Returns false where it lacks something. */
static bool check_complete(const Load *load, const config_setting_t *group)
{
	static const char *const needed[] = { "name", "class", "pattern" };
	bool good = true;
	for (guint i = 0; i < G_N_ELEMENTS(needed); i++) {
		if (config_setting_get_member(group, needed[i]))
			continue;
		mistake(load, line_of(group), "the rule has no \"%s\"", needed[i]);
		good = false;
	}
	const char *class = NULL;
	const config_setting_t *weight = config_setting_get_member(group, "weight");
	if (!config_setting_lookup_string(group, "class", &class))
		return good;
	if (strcmp(class, "outage") == 0 && !weight) {
		mistake(load, line_of(group), "the rule has no \"weight\", which class outage needs");
		good = false;
	} else if (strcmp(class, "outage") != 0 && !g_str_has_prefix(class, "escalate.") && weight) {
		mistake(load, line_of(weight), "\"weight\" means nothing for class %s", class);
		good = false;
	}
	return good;
}

static void load_rule(Load *load, const config_setting_t *group)
{
	if (!config_setting_is_group(group)) {
		mistake(load, line_of(group), "a rule must be a group: { name = ...; class = ...; pattern = ...; }");
		return;
	}
	Rule *rule = g_new0(Rule, 1);
	rule->fields = RULE_IN_BOTH;
	const char *language = load->language;
	bool good = check_complete(load, group);
	for (int i = 0; i < config_setting_length(group); i++)
		good &= read_key(load, config_setting_get_elem(group, (unsigned)i), rule, &language);
	rule->language = g_strdup(language);
	if (rule->kind == RULE_ESCALATE && !config_setting_get_member(group, "weight"))
		rule->weight = ESCALATE_WEIGHT;
	if (good)
		g_ptr_array_add(load->rules->all, rule);
	else
		rule_free(rule);
}

static void load_rules(Load *load, const config_setting_t *list)
{
	if (!config_setting_is_list(list)) {
		mistake(load, line_of(list), "\"rules\" must be a list: rules = ( { ... }, { ... } );");
		return;
	}
	for (int i = 0; i < config_setting_length(list); i++)
		load_rule(load, config_setting_get_elem(list, (unsigned)i));
}

/* The language and the words are read first, wherever they stand. */
static void load_settings(Load *load, const config_setting_t *root)
{
	const config_setting_t *language = config_setting_get_member(root, "language");
	const config_setting_t *words = config_setting_get_member(root, "words");
	if (language)
		read_language(load, language, &load->language);
	if (words)
		load_words(load, words);
	for (int i = 0; i < config_setting_length(root); i++) {
		const config_setting_t *setting = config_setting_get_elem(root, (unsigned)i);
		if (strcmp(config_setting_name(setting), "rules") == 0)
			load_rules(load, setting);
		else if (setting != language && setting != words)
			mistake(load, line_of(setting), "unknown key \"%s\"", config_setting_name(setting));
	}
}

static void load_text(Load *load, const char *text, gsize size)
{
	if (size > FILE_MAX_BYTES) {
		mistake(load, 0, "larger than %d bytes", FILE_MAX_BYTES);
		return;
	}
	const char *end = NULL;
	if (!g_utf8_validate(text, (gssize)size, &end)) {
		int line = 1;
		for (const char *c = text; c < end; c++)
			line += *c == '\n';
		mistake(load, line, "not UTF-8");
		return;
	}
	config_t config;
	config_init(&config);
	if (config_read_string(&config, text)) {
		load->language = "*";
		load->words = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
		load_settings(load, config_root_setting(&config));
		g_hash_table_unref(load->words);
	} else {
		mistake(load, config_error_line(&config), "%s", config_error_text(&config));
	}
	config_destroy(&config);
}

static int compare_names(gconstpointer a, gconstpointer b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

Rules *rules_load(const char *dir, GPtrArray *mistakes)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(GDir) listing = g_dir_open(dir, 0, &error);
	if (!listing) {
		g_ptr_array_add(mistakes, g_strdup_printf("%s: %s", dir, error->message));
		return NULL;
	}
	g_autoptr(GPtrArray) names = g_ptr_array_new_with_free_func(g_free);
	for (const char *name = g_dir_read_name(listing); name; name = g_dir_read_name(listing)) {
		if (g_str_has_suffix(name, ".conf") && name[0] != '.')
			g_ptr_array_add(names, g_strdup(name));
	}
	g_ptr_array_sort(names, compare_names);
	if (names->len == 0)
		g_ptr_array_add(mistakes, g_strdup_printf("%s: no rules file (*.conf) in it", dir));

	g_autoptr(GHashTable) seen = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
	g_autoptr(Rules) rules = rules_new();
	for (guint i = 0; i < names->len; i++) {
		g_autofree char *path = g_build_filename(dir, g_ptr_array_index(names, i), NULL);
		g_autofree char *text = NULL;
		gsize size = 0;
		g_autoptr(GError) unread = NULL;
		Load load = { .path = path, .rules = rules, .names = seen, .mistakes = mistakes };
		if (g_file_get_contents(path, &text, &size, &unread))
			load_text(&load, text, size);
		else
			g_ptr_array_add(mistakes, g_strdup(unread->message));
	}
	rules_seal(rules);
	return g_steal_pointer(&rules);
}
