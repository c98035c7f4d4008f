/* outage-milter: command line, start and stop of the daemon. Layer: program.
 *
 * The order matters: configuration, background, socket (with the privileges we were given), privileges, threads. */
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/daemon.h"
#include "base/log.h"
#include "base/privileges.h"
#include "mail/text.h"
#include "outage-milter/callbacks.h"
#include "outage-milter/service.h"

typedef struct {
	char *config;
	gboolean test, foreground, verbose, version;
} Options;

static bool read_options(int argc, char **argv, Options *options)
{
	const GOptionEntry entries[] = {
		{ "config", 'c', 0, G_OPTION_ARG_FILENAME, &options->config, "Configuration (" CONFIG_DEFAULT_PATH ")", "FILE" },
		{ "test", 't', 0, G_OPTION_ARG_NONE, &options->test, "Check the configuration and all it names, then exit", NULL },
		{ "foreground", 'f', 0, G_OPTION_ARG_NONE, &options->foreground, "Stay in the foreground", NULL },
		{ "verbose", 'v', 0, G_OPTION_ARG_NONE, &options->verbose, "Log everything", NULL },
		{ "version", 0, 0, G_OPTION_ARG_NONE, &options->version, "Print the version", NULL },
		G_OPTION_ENTRY_NULL,
	};
	g_autoptr(GOptionContext) context = g_option_context_new("- tags and acknowledges outage mail inside the mail server");
	g_autoptr(GError) error = NULL;

	g_option_context_add_main_entries(context, entries, NULL);
	if (!g_option_context_parse(context, &argc, &argv, &error)) {
		fprintf(stderr, "outage-milter: %s (--help lists the options)\n", error->message);
		return false;
	}
	if (argc > 1) {
		fprintf(stderr, "outage-milter: unexpected argument \"%s\" (--help lists the options)\n", argv[1]);
		return false;
	}
	return true;
}

/* The site's own command may be right, and yet do nothing where it runs. */
static void warn_of_command(const Config *config, const char *setting, char *const *command, GPtrArray *warnings)
{
	g_autofree char *missed = config->harden && command != NULL && command[0] != NULL ? privileges_missed_by(command[0]) : NULL;

	if (missed != NULL)
		g_ptr_array_add(warnings, g_strdup_printf("%s: warning: %s: %s (see harden)", config->path, setting, missed));
}

/* What works, but not on every mail, or not in every place. */
static void print_warnings(const Engine *engine)
{
	g_autoptr(GPtrArray) warnings = g_ptr_array_new_with_free_func(g_free);

	rules_warnings(engine->rules, warnings);
	warn_of_command(engine->config, "page.command", engine->config->page_command, warnings);
	warn_of_command(engine->config, "alarm.command", engine->config->alarm_command, warnings);
	for (guint i = 0; i < warnings->len; i++)
		fprintf(stderr, "%s\n", (const char *)g_ptr_array_index(warnings, i));
}

/* In the background standard error leads nowhere, so AUTO can only mean syslog there. */
static void open_log(const Options *options, const Config *config)
{
	LogDestination destination = config->log_destination;

	if (options->foreground)
		destination = LOG_TO_STDERR;
	else if (destination == LOG_TO_AUTO)
		destination = LOG_TO_SYSLOG;
	log_open("outage-milter", destination, options->verbose ? LOG_LEVEL_DEBUG : (LogLevel)config->log_level);
	log_set_json(config->log_format == LOG_JSON);
}

/* Returns the engine, or NULL after every mistake was printed. Of a test: those in the letters and in the model too, and warnings;
 * else the log is open then, so that what is only a warning gets there. */
static Engine *load(const char *path, const Options *options)
{
	bool thorough = options->test;
	g_autoptr(GPtrArray) mistakes = g_ptr_array_new_with_free_func(g_free);
	g_autoptr(Config) config = config_load(path, mistakes);
	Engine *engine = NULL;

	if (config != NULL) {
		if (!thorough)
			open_log(options, config);
		engine = service_check(config, NULL, thorough, mistakes);
		if (mistakes->len > 0)
			g_clear_pointer(&engine, engine_unref);
	}
	for (guint i = 0; i < mistakes->len; i++)
		fprintf(stderr, "%s\n", (const char *)g_ptr_array_index(mistakes, i));
	if (thorough && engine != NULL)
		print_warnings(engine);
	return engine;
}

/* For on_reload. */
static struct {
	Service *service;
	bool verbose;
} running;

static bool on_reload(void)
{
	g_autoptr(Engine) engine = NULL;

	if (!service_reload(running.service))
		return false;
	engine = service_engine(running.service);
	if (!running.verbose)
		log_set_level(engine->config->log_level);
	return true;
}

static void log_start(const Engine *engine)
{
	const Config *config = engine->config;
	g_autofree char *rules = g_strdup_printf("%u", rules_count(engine->rules));

	log_event("ready", "version", PACKAGE_VERSION, "mode", config->mode == MODE_LIVE ? "live" : "shadow", "socket", config->socket,
	    "#rules", rules, NULL);
	if (config->mode != MODE_LIVE)
		log_warning("mode is shadow: NO CUSTOMER IS BEING ANSWERED");
	if (config->support[0] == NULL)
		log_warning("no support address is configured: nothing is inspected");
	else if (!config_authenticates(config))
		log_warning("auth.trusted_ids is empty and spf.enabled is off: no sender counts as authenticated, so nobody is answered");
}

static bool serve(Engine *engine, bool verbose, GError **error)
{
	g_autoptr(Config) config = config_ref(engine->config);
	Service *service;
	bool ok;

	if (!daemon_make_dir(config->state_dir, 0750, true, config->user, config->group, error) || !callbacks_open(config, error) ||
	    !daemon_drop_privileges(config->user, config->group, config->harden, error)) {
		engine_unref(engine);
		return false;
	}
	text_init();
	daemon_block_signals();
	service = service_start(engine, error);
	if (service == NULL)
		return false;
	running.service = service;
	running.verbose = verbose;
	callbacks_start(service);
	service_set_listening(service, true);
	log_start(engine);
	daemon_ready();
	daemon_wait_for_stop(on_reload, config->drain);
	service_set_listening(service, false);
	ok = callbacks_stop(config, config->drain);
	service_stop(service);
	log_event("stopped", NULL);
	/* The service is not taken apart: a session that outlived the drain may still use it. */
	if (!ok)
		g_set_error(error, G_FILE_ERROR, G_FILE_ERROR_FAILED, "libmilter ended in error");
	return ok;
}

int main(int argc, char **argv)
{
	g_autofree char *config_path = NULL;
	g_autoptr(GError) error = NULL;
	Options options = { 0 };
	Engine *engine;

	(void)setlocale(LC_CTYPE, "C.UTF-8");
	if (!read_options(argc, argv, &options))
		return 2;
	/* Absolute, for the background's folder is / and a reload reads it again. */
	config_path = options.config != NULL ? g_canonicalize_filename(options.config, NULL) : NULL;
	g_free(options.config);
	if (options.version) {
		printf("outage-milter %s\n", PACKAGE_VERSION);
		return 0;
	}
	engine = load(config_path, &options);
	if (engine == NULL)
		return 1;
	if (options.test) {
		printf("%s: the configuration is good\n", engine->config->path);
		engine_unref(engine);
		return 0;
	}
	if ((!options.foreground && !daemon_start(&error)) || !serve(engine, options.verbose, &error)) {
		log_error("%s", error->message);
		if (!options.foreground)
			fprintf(stderr, "outage-milter: %s\n", error->message);
		return 1;
	}
	return 0;
}
