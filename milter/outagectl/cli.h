/* cli: what every command of outagectl needs: options, configuration, store, messages, exit status. Layer: program.
 * Exit status: 0 done, 1 it could not be done (one line on stderr says why), 2 usage. */
#ifndef OUTAGECTL_CLI_H
#define OUTAGECTL_CLI_H

#include <glib.h>
#include <json-glib/json-glib.h>
#include <stdbool.h>

#include "config/config.h"
#include "inspect/engine.h"
#include "store/store.h"

enum { CLI_DONE = 0, CLI_FAILED = 1, CLI_USAGE = 2 };

typedef struct {
	char *config_path;   /* -c or NULL */
	char *by;            /* who runs this, USER@HOST, for outage:events */
	const char *example; /* of the command that runs, for its --help */
	Config *config;      /* after cli_config */
	Store *store;        /* after cli_store */
} Cli;

/* Parses options of one command; rest of argv holds its arguments behind argv[0]. summary: the argument line for --help. Returns
 * false after the mistake was told: the command returns CLI_USAGE. */
bool cli_options(Cli *cli, const GOptionEntry *entries, const char *summary, int *argc, char ***argv);

/* Reads the configuration; every mistake goes to stderr. False: return CLI_FAILED. */
bool cli_config(Cli *cli);
/* Reads the configuration and opens the store. */
bool cli_store(Cli *cli);

/* Loads rules and model, after cli_config. Every mistake goes to stderr; a model that cannot be used is told there, too, and done without.
 * NULL: return CLI_FAILED. */
Engine *cli_engine(Cli *cli);

/* One line on stderr; returns CLI_FAILED or CLI_USAGE. */
int cli_failed(const char *format, ...) G_GNUC_PRINTF(1, 2);
int cli_usage(const char *format, ...) G_GNUC_PRINTF(1, 2);
/* As cli_failed with error's message, which is freed. */
int cli_error(GError *error);

/* Says on stderr what keeps customers from being answered: shadow mode, no support address, no trusted id. */
void cli_warn_silent(const Config *config);

/* Returns "person" for one, else "people". */
const char *cli_people(guint count);

/* Returns the builder's root on one line, or indented. Strings that were added to it may hold anything: bytes that are no UTF-8 become U+FFFD,
 * control, format and direction characters escapes. Frees nothing; caller frees. */
char *cli_json_text(JsonBuilder *builder, bool pretty);
/* Prints that, and a line end. */
void cli_print_json(JsonBuilder *builder, bool pretty);

/* Writes a page of --html, all of it or nothing, for who ordered it alone: customers and accounts stand in it. CLI_DONE, or CLI_FAILED after
 * it was told. */
int cli_write_page(const char *path, const GString *page);

/* Adds member name with value, null where it is NULL. */
void cli_json_string(JsonBuilder *builder, const char *name, const char *value);
void cli_json_int(JsonBuilder *builder, const char *name, gint64 value);
/* A number, null where it is not known. */
void cli_json_known(JsonBuilder *builder, const char *name, bool known, gint64 value);
/* As RFC 3339, null for 0. */
void cli_json_time(JsonBuilder *builder, const char *name, gint64 value);
/* An array of the strings (char *). */
void cli_json_list(JsonBuilder *builder, const char *name, const GPtrArray *items);

typedef int (*CliCommand)(Cli *cli, int argc, char **argv);

int command_declare(Cli *cli, int argc, char **argv);
int command_update(Cli *cli, int argc, char **argv);
int command_resolve(Cli *cli, int argc, char **argv);
int command_clear(Cli *cli, int argc, char **argv);
int command_pause(Cli *cli, int argc, char **argv);
int command_resume(Cli *cli, int argc, char **argv);
int command_status(Cli *cli, int argc, char **argv);
int command_check(Cli *cli, int argc, char **argv);
int command_doctor(Cli *cli, int argc, char **argv);
int command_evaluate(Cli *cli, int argc, char **argv);
int command_learn(Cli *cli, int argc, char **argv);
int command_preview(Cli *cli, int argc, char **argv);
int command_notices(Cli *cli, int argc, char **argv);
int command_accounts(Cli *cli, int argc, char **argv);
int command_acks(Cli *cli, int argc, char **argv);
int command_bounced(Cli *cli, int argc, char **argv);
int command_explain(Cli *cli, int argc, char **argv);
int command_export(Cli *cli, int argc, char **argv);
int command_forget(Cli *cli, int argc, char **argv);
int command_import(Cli *cli, int argc, char **argv);
int command_log(Cli *cli, int argc, char **argv);
int command_replay(Cli *cli, int argc, char **argv);
int command_report(Cli *cli, int argc, char **argv);

#endif
