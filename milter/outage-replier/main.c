/* outage-replier: command line, start and stop. Layer: program. The work is in work.c (sending) and spread.c (finding what is to be
 * told). */
#include <locale.h>
#include <stdio.h>

#include "base/daemon.h"
#include "base/log.h"
#include "outage-replier/figures.h"
#include "outage-replier/spread.h"
#include "outage-replier/work.h"
#include "reply/compose.h"

typedef struct {
	char *config;
	gboolean foreground, verbose, version, once;
} Options;

static bool read_options(int argc, char **argv, Options *options)
{
	const GOptionEntry entries[] = {
		{ "config", 'c', 0, G_OPTION_ARG_FILENAME, &options->config, "Configuration (" CONFIG_DEFAULT_PATH ")", "FILE" },
		{ "foreground", 'f', 0, G_OPTION_ARG_NONE, &options->foreground, "Stay in the foreground", NULL },
		{ "once", 0, 0, G_OPTION_ARG_NONE, &options->once, "Send what is due, then exit", NULL },
		{ "verbose", 'v', 0, G_OPTION_ARG_NONE, &options->verbose, "Log everything", NULL },
		{ "version", 0, 0, G_OPTION_ARG_NONE, &options->version, "Print the version", NULL },
		G_OPTION_ENTRY_NULL,
	};
	g_autoptr(GOptionContext) context = g_option_context_new("- sends the acknowledgements that outage-milter recorded");
	g_autoptr(GError) error = NULL;

	g_option_context_add_main_entries(context, entries, NULL);
	if (!g_option_context_parse(context, &argc, &argv, &error)) {
		fprintf(stderr, "outage-replier: %s (--help lists the options)\n", error->message);
		return false;
	}
	if (argc > 1) {
		fprintf(stderr, "outage-replier: unexpected argument \"%s\" (--help lists the options)\n", argv[1]);
		return false;
	}
	return true;
}

/* Returns the configuration and its templates, or NULL with every mistake in mistakes. */
static Config *load(const char *path, Templates **templates, GPtrArray *mistakes)
{
	g_autoptr(Config) config = config_load(path, mistakes);

	*templates = config != NULL ? worker_check(config, mistakes) : NULL;
	if (mistakes->len == 0 && *templates != NULL)
		return g_steal_pointer(&config);
	g_clear_pointer(templates, templates_unref);
	return NULL;
}

/* For on_reload. */
static struct {
	Worker *worker;
	Worker *spool;     /* over this node's spool; NULL where the store is no shared one, or with --once */
	Spread *spread;
	Figures *figures;  /* or NULL */
	Alarms *alarms;
	char *path;
	bool verbose;
} running;

static bool on_reload(void)
{
	g_autoptr(GPtrArray) mistakes = g_ptr_array_new_with_free_func(g_free);
	g_autoptr(Templates) templates = NULL;
	g_autoptr(Config) before = worker_config(running.worker);
	g_autoptr(Config) config = load(running.path, &templates, mistakes);
	g_autoptr(GPtrArray) restart = NULL;

	if (config == NULL) {
		for (guint i = 0; i < mistakes->len; i++)
			log_warning("%s", (const char *)g_ptr_array_index(mistakes, i));
		log_warning("the configuration was not reloaded: %u mistake(s), the one in force stays", mistakes->len);
		figures_note_reload(running.figures, false);
		return false;
	}
	restart = config_keep_running(before, config);
	for (guint i = 0; i < restart->len; i++)
		log_warning("%s has changed and takes effect at the next restart", (const char *)g_ptr_array_index(restart, i));
	worker_reconfigure(running.worker, config, templates);
	if (running.spool != NULL)
		worker_reconfigure(running.spool, config, templates);
	spread_reconfigure(running.spread, config);
	alarms_reconfigure(running.alarms, config);
	figures_reconfigure(running.figures, config);
	figures_note_reload(running.figures, true);
	if (!running.verbose)
		log_set_level(config->log_level);
	log_set_json(config->log_format == LOG_JSON);
	log_event("reloaded", "config", config->path, NULL);
	return true;
}

static gpointer work(gpointer worker)
{
	return GINT_TO_POINTER(worker_run(worker, false));
}

static gpointer spread(gpointer data)
{
	spread_run(data, false);
	return NULL;
}

/* For how long the store has not been heard, in seconds. */
static gint64 store_away(gpointer worker)
{
	WorkerFigures figures;

	worker_figures(worker, &figures);
	return figures.away;
}

/* Works in threads of their own until it is time to stop: this one waits for signals. */
static bool run_workers(Config *config)
{
	GThread *queue = g_thread_new("queue", work, running.worker);
	GThread *spool = running.spool != NULL ? g_thread_new("spool", work, running.spool) : NULL;
	GThread *spreading = g_thread_new("spread", spread, running.spread);
	g_autofree char *name = g_strdup_printf("%s/replier", config_node(config));
	bool ok;

	running.alarms = alarms_start(config, name, store_away, running.worker);
	running.figures = figures_start(config,
	    &(FiguresSource){ .worker = running.worker, .spool = running.spool, .alarms = running.alarms });
	daemon_ready();
	daemon_wait_for_stop(on_reload, config->reply_timeout);
	/* All are told first and waited for then: with a store that hangs, each may take its time limit. */
	spread_stop(running.spread);
	worker_stop(running.worker);
	if (running.spool != NULL)
		worker_stop(running.spool);
	figures_stop(running.figures);
	alarms_stop(running.alarms);
	ok = g_thread_join(queue) != NULL;
	if (spool != NULL)
		(void)g_thread_join(spool);
	(void)g_thread_join(spreading);
	return ok;
}

/* With --once: what is to be told now is claimed first, so that it is sent too. Nobody has to wait for signals. */
static bool run_once(void)
{
	spread_run(running.spread, true);
	return worker_run(running.worker, true);
}

static bool make_workers(Config *config, Templates *templates, bool once, GError **error)
{
	running.worker = worker_new(config, templates, NULL, error);
	running.spread = running.worker != NULL ? spread_new(config, running.worker, error) : NULL;
	if (running.spread == NULL || once || !config_store_is_shared(config))
		return running.spread != NULL;
	running.spool = worker_new(config, templates, running.worker, error);
	return running.spool != NULL;
}

static bool serve(Config *config, Templates *templates, const Options *options, GError **error)
{
	bool ok;

	if (!daemon_make_dir(config->state_dir, 0750, true, config->user, config->group, error) ||
	    !daemon_drop_privileges(config->user, config->group, config->harden, error))
		return false;
	compose_init();
	if (!options->once)
		daemon_block_signals();
	if (!make_workers(config, templates, options->once, error))
		return false;
	running.verbose = options->verbose;
	log_event("ready", "version", PACKAGE_VERSION, "relay", config->relay, NULL);
	ok = options->once ? run_once() : run_workers(config);
	g_clear_pointer(&running.spread, spread_free);
	g_clear_pointer(&running.spool, worker_free);
	g_clear_pointer(&running.worker, worker_free);
	if (!ok)
		g_set_error(error, G_FILE_ERROR, G_FILE_ERROR_FAILED, "the store could not be reached: see the log above");
	log_event("stopped", NULL);
	return ok;
}

static void open_log(const Options *options, const Config *config)
{
	LogDestination destination = config->log_destination;

	if (options->foreground || options->once)
		destination = LOG_TO_STDERR;
	else if (destination == LOG_TO_AUTO)
		destination = LOG_TO_SYSLOG;
	log_open("outage-replier", destination, options->verbose ? LOG_LEVEL_DEBUG : (LogLevel)config->log_level);
	log_set_json(config->log_format == LOG_JSON);
}

int main(int argc, char **argv)
{
	g_autoptr(GPtrArray) mistakes = g_ptr_array_new_with_free_func(g_free);
	g_autoptr(Templates) templates = NULL;
	g_autoptr(Config) config = NULL;
	g_autoptr(GError) error = NULL;
	Options options = { 0 };

	(void)setlocale(LC_CTYPE, "C.UTF-8");
	if (!read_options(argc, argv, &options))
		return 2;
	if (options.version) {
		printf("outage-replier %s\n", PACKAGE_VERSION);
		return 0;
	}
	running.path = options.config != NULL ? g_canonicalize_filename(options.config, NULL) : NULL;
	g_free(options.config);
	config = load(running.path, &templates, mistakes);
	if (config == NULL) {
		for (guint i = 0; i < mistakes->len; i++)
			fprintf(stderr, "%s\n", (const char *)g_ptr_array_index(mistakes, i));
		return 1;
	}
	open_log(&options, config);
	if ((!options.foreground && !options.once && !daemon_start(&error)) || !serve(config, templates, &options, &error)) {
		log_error("%s", error->message);
		if (!options.foreground)
			fprintf(stderr, "outage-replier: %s\n", error->message);
		return 1;
	}
	return 0;
}
