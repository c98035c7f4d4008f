/* cli: shared by the commands (see cli.h). Layer: program. */
#include "outagectl/cli.h"

#include <pwd.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"

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
	g_autoptr(GOptionContext) context = g_option_context_new(summary);
	g_autoptr(GError) error = NULL;

	if (entries != NULL)
		g_option_context_add_main_entries(context, entries, NULL);
	g_option_context_add_main_entries(context, common, NULL);
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
	fprintf(stderr, "outagectl: see outagectl --help\n");
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
	cli->store = store_open(cli->config, g_get_host_name(), &error);
	if (cli->store == NULL)
		(void)cli_error(error);
	return cli->store != NULL;
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

void cli_print_json(JsonBuilder *builder, bool pretty)
{
	g_autoptr(JsonNode) root = json_builder_get_root(builder);
	g_autofree char *text = json_to_string(root, pretty);

	printf("%s\n", text);
}

void cli_json_string(JsonBuilder *builder, const char *name, const char *value)
{
	json_builder_set_member_name(builder, name);
	if (value != NULL)
		json_builder_add_string_value(builder, value);
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
