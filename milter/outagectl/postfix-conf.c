/* postfix-conf: see postfix-conf.h. Layer: program. Pure.
 *
 * postconf has read the files already: comments are gone, lines are joined, $names are replaced (-x).
 *
 *     settings  = *( name *SP "=" *SP value LF )                                          ; postconf -x
 *     services  = *( service LF )                                                         ; postconf -Mx
 *     service   = name 1*SP type 1*SP private 1*SP unpriv 1*SP chroot 1*SP wakeup 1*SP maxproc 1*SP command *( 1*SP argument )
 *     chroot    = "y" / "n" / "-"
 *     argument  = "-o" 1*SP override / "-o" override / word
 *     override  = name "=" word / "{" *SP name *SP "=" *SP text "}"
 *     word      = 1*( any but SP ) / group                     ; a group counts as one word wherever SP would end it
 *     group     = "{" *( any but braces / group ) "}"
 *     milters   = [ milter *( 1*( SP / "," ) milter ) ]                                   ; smtpd_milters
 *     milter    = endpoint / "{" *SP endpoint *( 1*( SP / "," ) parameter ) *SP "}"
 *     parameter = name *SP "=" *SP value / "{" *SP name *SP "=" *SP text "}"              ; postconf(5), "advanced" milter syntax
 */
#include "outagectl/postfix-conf.h"

#include <string.h>

#define COLUMNS 8 /* of a service, up to its command */
enum { COLUMN_NAME, COLUMN_TYPE, COLUMN_CHROOT = 4, COLUMN_COMMAND = 7 };

void postfix_service_free(PostfixService *service)
{
	g_free(service->name);
	g_free(service->type);
	g_free(service->command);
	g_hash_table_unref(service->options);
	g_free(service);
}

void postfix_milter_free(PostfixMilter *milter)
{
	g_free(milter->endpoint);
	g_free(milter->text);
	g_hash_table_unref(milter->options);
	g_free(milter);
}

static GHashTable *pairs_new(void)
{
	return g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
}

/* Puts NAME = VALUE into pairs; text that is none is passed over. */
static void add_pair(GHashTable *pairs, const char *text)
{
	const char *equals = strchr(text, '=');
	g_autofree char *name = equals != NULL ? g_strstrip(g_strndup(text, (gsize)(equals - text))) : NULL;

	if (name != NULL && *name != '\0' && strpbrk(name, " \t{}") == NULL)
		g_hash_table_replace(pairs, g_steal_pointer(&name), g_strstrip(g_strdup(equals + 1)));
}

/* Returns the next word of *at, which moves behind it, or NULL at the end. separators end it outside of braces. Caller frees. */
static char *next_word(const char **at, const char *separators)
{
	const char *start = *at + strspn(*at, separators), *end = start;
	guint depth = 0;

	for (; *end != '\0' && (depth > 0 || strchr(separators, *end) == NULL); end++) {
		depth += *end == '{';
		depth -= *end == '}' && depth > 0;
	}
	*at = end;
	return end > start ? g_strndup(start, (gsize)(end - start)) : NULL;
}

/* Returns what stands between the braces of word, or word itself; caller frees. */
static char *without_braces(const char *word)
{
	gsize size = strlen(word);

	if (*word != '{')
		return g_strdup(word);
	return g_strstrip(g_strndup(word + 1, size > 1 && word[size - 1] == '}' ? size - 2 : size - 1));
}

GHashTable *postfix_read_settings(const char *text)
{
	GHashTable *settings = pairs_new();
	g_auto(GStrv) lines = g_strsplit(text, "\n", -1);

	for (char **line = lines; *line != NULL; line++)
		add_pair(settings, *line);
	return settings;
}

/* at: behind the command. */
static void read_arguments(GHashTable *options, const char *at)
{
	char *word;

	while ((word = next_word(&at, " \t")) != NULL) {
		g_autofree char *argument = word, *value = NULL, *bare = NULL;

		if (!g_str_has_prefix(argument, "-o"))
			continue;
		value = argument[2] != '\0' ? g_strdup(argument + 2) : next_word(&at, " \t");
		bare = value != NULL ? without_braces(value) : NULL;
		if (bare != NULL)
			add_pair(options, bare);
	}
}

static PostfixService *read_service(const char *line, bool chroot_default)
{
	char *columns[COLUMNS] = { NULL };
	const char *at = line;
	PostfixService *service = NULL;
	guint found = 0;

	while (found < COLUMNS && (columns[found] = next_word(&at, " \t")) != NULL)
		found++;
	if (found == COLUMNS && strlen(columns[COLUMN_CHROOT]) == 1 && strchr("yn-", *columns[COLUMN_CHROOT]) != NULL) {
		service = g_new0(PostfixService, 1);
		service->name = g_strdup(columns[COLUMN_NAME]);
		service->type = g_strdup(columns[COLUMN_TYPE]);
		service->command = g_strdup(columns[COLUMN_COMMAND]);
		service->chroot = *columns[COLUMN_CHROOT] == 'y' || (*columns[COLUMN_CHROOT] == '-' && chroot_default);
		service->options = pairs_new();
		read_arguments(service->options, at);
	}
	for (guint i = 0; i < found; i++)
		g_free(columns[i]);
	return service;
}

GPtrArray *postfix_read_services(const char *text, bool chroot_default)
{
	GPtrArray *services = g_ptr_array_new_with_free_func((GDestroyNotify)postfix_service_free);
	g_auto(GStrv) lines = g_strsplit(text, "\n", -1);

	for (char **line = lines; *line != NULL; line++) {
		PostfixService *service = read_service(*line, chroot_default);

		if (service != NULL)
			g_ptr_array_add(services, service);
	}
	return services;
}

/* A parameter's name, "=" and value may stand apart: each is put together again before it is read. */
static void read_parameters(GHashTable *options, const char *at)
{
	g_autoptr(GString) pair = g_string_new(NULL);
	char *word;

	while ((word = next_word(&at, " \t\r\n,")) != NULL) {
		g_autofree char *part = word, *bare = without_braces(part);
		const char *next = at + strspn(at, " \t\r\n");

		g_string_append(pair, bare);
		if (*next == '=' || g_str_has_suffix(pair->str, "="))
			continue;
		add_pair(options, pair->str);
		g_string_truncate(pair, 0);
	}
}

GPtrArray *postfix_read_milters(const char *text)
{
	GPtrArray *milters = g_ptr_array_new_with_free_func((GDestroyNotify)postfix_milter_free);
	const char *at = text != NULL ? text : "";
	char *word;

	while ((word = next_word(&at, " \t\r\n,")) != NULL) {
		g_autofree char *inside = without_braces(word), *endpoint = NULL;
		const char *within = inside;
		PostfixMilter *milter;

		endpoint = *word == '{' ? next_word(&within, " \t\r\n,") : g_strdup(word);
		if (endpoint == NULL) {
			g_free(word);
			continue;
		}
		milter = g_new0(PostfixMilter, 1);
		milter->endpoint = g_steal_pointer(&endpoint);
		milter->text = word;
		milter->options = pairs_new();
		if (*word == '{')
			read_parameters(milter->options, within);
		g_ptr_array_add(milters, milter);
	}
	return milters;
}

const char *postfix_effective(GHashTable *settings, const PostfixService *service, const char *name)
{
	const char *value = service != NULL ? g_hash_table_lookup(service->options, name) : NULL;

	if (value == NULL)
		value = g_hash_table_lookup(settings, name);
	return value != NULL ? value : "";
}

guint postfix_service_port(const PostfixService *service, char **host)
{
	static const struct { const char *name; guint port; } known[] = {
		{ "smtp", 25 }, { "smtps", 465 }, { "submissions", 465 }, { "submission", 587 },
	};
	const char *colon = strrchr(service->name, ':'), *port = colon != NULL ? colon + 1 : service->name;
	guint64 number = 0;

	*host = NULL;
	if (strcmp(service->type, "inet") != 0)
		return 0;
	for (gsize i = 0; i < G_N_ELEMENTS(known); i++)
		if (strcmp(port, known[i].name) == 0)
			number = known[i].port;
	if (number == 0 && !g_ascii_string_to_unsigned(port, 10, 1, 65535, &number, NULL))
		return 0;
	*host = colon != NULL ? g_strndup(service->name, (gsize)(colon - service->name)) : g_strdup("");
	return (guint)number;
}
