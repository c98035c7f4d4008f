/* cli: shared by the commands (see cli.h). Layer: program. */
#include "outagectl/cli.h"

#include <pwd.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/log.h"

#define PATIENCE_MS 5000 /* with a store that is slow or busy */

/* GLib leaves the "--" in where the argument behind it begins with a dash. */
static void drop_separator(int *argc, char **argv)
{
	int i = 1;

	while (i < *argc && strcmp(argv[i], "--") != 0)
		i++;
	if (i == *argc)
		return;
	for (; i < *argc; i++)
		argv[i] = argv[i + 1];
	(*argc)--;
}

bool cli_options(Cli *cli, const GOptionEntry *entries, const char *summary, int *argc, char ***argv)
{
	const GOptionEntry common[] = {
		{ "config", 'c', 0, G_OPTION_ARG_FILENAME, &cli->config_path, "Configuration (" CONFIG_DEFAULT_PATH ")", "FILE" },
		G_OPTION_ENTRY_NULL,
	};
	g_autofree char *called = g_strconcat("outagectl ", (*argv)[0], NULL);
	g_autofree char *example = cli->example != NULL ? g_strconcat("Example:\n", cli->example, "\n", NULL) : NULL;
	g_autoptr(GOptionContext) context = g_option_context_new(summary);
	g_autoptr(GError) error = NULL;

	if (entries != NULL)
		g_option_context_add_main_entries(context, entries, NULL);
	g_option_context_add_main_entries(context, common, NULL);
	g_set_prgname(called); /* what the usage line begins with */
	g_option_context_set_description(context, example);
	if (g_option_context_parse(context, argc, argv, &error)) {
		drop_separator(argc, *argv);
		return true;
	}
	(void)cli_usage("%s", error->message);
	return false;
}

static void print_line(const char *format, va_list args)
{
	g_autofree char *text = g_strdup_vprintf(format, args);
	g_autofree char *safe = log_escape(text, 0);

	fprintf(stderr, "outagectl: %s\n", safe);
}

int cli_failed(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	print_line(format, args);
	va_end(args);
	return CLI_FAILED;
}

int cli_usage(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	print_line(format, args);
	va_end(args);
	fprintf(stderr, "outagectl: see %s --help\n", g_get_prgname());
	return CLI_USAGE;
}

int cli_error(GError *error)
{
	int status = cli_failed("%s", error->message);

	g_error_free(error);
	return status;
}

bool cli_config(Cli *cli)
{
	g_autoptr(GPtrArray) mistakes = g_ptr_array_new_with_free_func(g_free);

	if (cli->config != NULL)
		return true;
	cli->config = config_load(cli->config_path, mistakes);
	for (guint i = 0; i < mistakes->len; i++)
		fprintf(stderr, "outagectl: %s\n", (const char *)g_ptr_array_index(mistakes, i));
	if (cli->config == NULL && cli->config_path == NULL)
		fprintf(stderr, "outagectl: -c FILE names another configuration\n");
	return cli->config != NULL && mistakes->len == 0;
}

Engine *cli_engine(Cli *cli)
{
	g_autoptr(GPtrArray) mistakes = g_ptr_array_new_with_free_func(g_free);
	g_autofree char *model_wrong = NULL;
	Engine *engine = engine_load(cli->config, mistakes, &model_wrong);

	for (guint i = 0; i < mistakes->len; i++)
		(void)cli_failed("%s", (const char *)g_ptr_array_index(mistakes, i));
	if (model_wrong != NULL)
		(void)cli_failed("%s; the rules go on alone", model_wrong);
	return engine;
}

bool cli_store(Cli *cli)
{
	GError *error = NULL;

	if (!cli_config(cli))
		return false;
	/* No mail waits for us, and a command that gave up in the midst of an incident would be given again. */
	cli->config->store_timeout = MAX(cli->config->store_timeout, PATIENCE_MS);
	/* What the store notes of its own accord is the operator's doing, too. */
	cli->store = store_open(cli->config, cli->by, &error);
	if (cli->store != NULL)
		return true;
	if (g_error_matches(error, OUTAGE_ERROR, OUTAGE_ERROR_UNAVAILABLE))
		g_prefix_error(&error, "the store of store.url (%s) cannot be reached; does it run? ", cli->config->path);
	(void)cli_error(error);
	return false;
}

void cli_warn_silent(const Config *config)
{
	if (config->mode != MODE_LIVE)
		fprintf(stderr, "mode is shadow: NO CUSTOMER IS BEING ANSWERED (set mode = \"live\" in %s)\n", config->path);
	if (config->support[0] == NULL)
		fprintf(stderr, "no support address is configured: NO MAIL IS INSPECTED (set support in %s)\n", config->path);
	if (!config_authenticates(config))
		fprintf(stderr, "auth.trusted_ids is empty and spf.enabled is off: no sender counts as authenticated, NO CUSTOMER IS BEING "
		                "ANSWERED\n");
}

const char *cli_people(guint count)
{
	return count == 1 ? "person" : "people";
}

/* Whether a terminal might act upon it, or turn what a person reads around. */
static bool is_hidden(gunichar c)
{
	GUnicodeType type = g_unichar_type(c);

	return c >= 0x7f && (type == G_UNICODE_CONTROL || type == G_UNICODE_FORMAT || type == G_UNICODE_LINE_SEPARATOR ||
	    type == G_UNICODE_PARAGRAPH_SEPARATOR);
}

/*     escape = "\" "u" 4HEXDIG, two of them above U+FFFF          RFC 8259 section 7 */
static void append_escape(GString *text, gunichar c)
{
	if (c > 0xffff)
		g_string_append_printf(text, "\\u%04x\\u%04x", 0xd800 + ((c - 0x10000) >> 10), 0xdc00 + ((c - 0x10000) & 0x3ff));
	else
		g_string_append_printf(text, "\\u%04x", c);
}

char *cli_json_text(JsonBuilder *builder, bool pretty)
{
	g_autoptr(JsonNode) root = json_builder_get_root(builder);
	g_autofree char *raw = json_to_string(root, pretty), *valid = g_utf8_make_valid(raw, -1);
	GString *text = g_string_sized_new(strlen(valid));

	/* Outside of strings there is nothing but ASCII. */
	for (const char *c = valid; *c != '\0'; c = g_utf8_next_char(c)) {
		if (is_hidden(g_utf8_get_char(c)))
			append_escape(text, g_utf8_get_char(c));
		else
			g_string_append_len(text, c, g_utf8_next_char(c) - c);
	}
	return g_string_free(text, FALSE);
}

void cli_print_json(JsonBuilder *builder, bool pretty)
{
	g_autofree char *text = cli_json_text(builder, pretty);

	printf("%s\n", text);
}

int cli_write_page(const char *path, const GString *page)
{
	GError *error = NULL;

	if (g_file_set_contents_full(path, page->str, (gssize)page->len, G_FILE_SET_CONTENTS_CONSISTENT, 0600, &error))
		return CLI_DONE;
	g_prefix_error(&error, "--html %s could not be written (does its folder exist?): ", path);
	return cli_error(error);
}

void cli_json_string(JsonBuilder *builder, const char *name, const char *value)
{
	json_builder_set_member_name(builder, name);
	if (value != NULL)
		json_builder_add_string_value(builder, value);
	else
		json_builder_add_null_value(builder);
}

void cli_json_int(JsonBuilder *builder, const char *name, gint64 value)
{
	json_builder_set_member_name(builder, name);
	json_builder_add_int_value(builder, value);
}

void cli_json_known(JsonBuilder *builder, const char *name, bool known, gint64 value)
{
	json_builder_set_member_name(builder, name);
	if (known)
		json_builder_add_int_value(builder, value);
	else
		json_builder_add_null_value(builder);
}

void cli_json_time(JsonBuilder *builder, const char *name, gint64 value)
{
	g_autofree char *text = value != 0 ? clock_format(value) : NULL;

	cli_json_string(builder, name, text);
}

void cli_json_list(JsonBuilder *builder, const char *name, const GPtrArray *items)
{
	json_builder_set_member_name(builder, name);
	json_builder_begin_array(builder);
	for (guint i = 0; i < items->len; i++)
		json_builder_add_string_value(builder, g_ptr_array_index(items, i));
	json_builder_end_array(builder);
}
