/* cmd-explain: why one mail was treated as it was, from the log. Layer: program. */
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "outagectl/cli.h"
#include "outagectl/explain.h"
#include "outagectl/logsource.h"
#include "outagectl/reason-words.h"

/* A journal of years is long. */
#define JOURNAL_MS 60000
/* Places that are named where nothing is found. */
#define LOOKED_SHOWN 6

typedef struct {
	char **logs;          /* --log */
	gboolean json;
	ExplainSearch *search;
	GPtrArray *looked;    /* char *: where, for whom nothing is found */
	bool any_read;
} Explain;

static void explain_clear(Explain *explain)
{
	g_strfreev(explain->logs);
	g_clear_pointer(&explain->search, explain_search_free);
	g_clear_pointer(&explain->looked, g_ptr_array_unref);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Explain, explain_clear)

/* Whatever cannot be read is told once, where nothing is found. */
static void note(Explain *explain, const char *where, const GError *error)
{
	g_ptr_array_add(explain->looked, error != NULL ? g_strdup(error->message) : g_strdup(where));
}

static void read_one(Explain *explain, const char *path)
{
	g_autoptr(GError) error = NULL;
	bool ok = logsource_read(path, explain_visit, explain->search, &error);

	explain->any_read |= ok;
	note(explain, strcmp(path, "-") == 0 ? "standard input" : path, error);
}

static void read_files(Explain *explain, char *const *paths)
{
	for (char *const *path = paths; *path != NULL; path++) {
		g_autoptr(GPtrArray) copies = strcmp(*path, "-") != 0 ? logsource_copies(*path) : NULL;

		if (copies == NULL || copies->len == 0)
			read_one(explain, *path);
		for (guint i = 0; copies != NULL && i < copies->len; i++)
			read_one(explain, copies->pdata[i]);
	}
}

static void read_journal(Explain *explain)
{
	g_autoptr(GError) error = NULL;

	explain->any_read |= logsource_journal(NULL, JOURNAL_MS, explain_visit, explain->search, &error);
	note(explain, "the journal", error);
}

/* Reads all there is; once more where only then it is known which lines of the replier belong to the mail. */
static void search_all(Explain *explain, char *const *paths, bool journal_too)
{
	do {
		g_ptr_array_set_size(explain->looked, 0);
		read_files(explain, paths);
		if (journal_too && explain_found(explain->search)->len == 0)
			read_journal(explain);
	} while (!g_strv_contains((const char *const *)paths, "-") && explain_wants_more(explain->search));
}

static void json_line(JsonBuilder *builder, const LogLine *line)
{
	json_builder_begin_object(builder);
	cli_json_string(builder, "time", line->time);
	cli_json_string(builder, "program", line->program);
	cli_json_string(builder, "event", line->event);
	for (guint i = 0; i + 1 < line->pairs->len; i += 2)
		cli_json_string(builder, line->pairs->pdata[i], line->pairs->pdata[i + 1]);
	json_builder_end_object(builder);
}

static void json_reasons(JsonBuilder *builder, const LogLine *decision)
{
	const char *list = decision != NULL ? logline_get(decision, "reason") : NULL;
	g_auto(GStrv) codes = g_strsplit(list != NULL ? list : "", ",", -1);

	json_builder_set_member_name(builder, "reasons");
	json_builder_begin_array(builder);
	for (char **code = codes; *code != NULL; code++) {
		if (**code == '\0')
			continue;
		json_builder_begin_object(builder);
		cli_json_string(builder, "code", *code);
		cli_json_string(builder, "text", reason_advice(*code));
		json_builder_end_object(builder);
	}
	json_builder_end_array(builder);
}

static void print_json(const GPtrArray *found)
{
	g_autoptr(JsonBuilder) builder = json_builder_new();

	json_builder_begin_array(builder);
	for (guint i = 0; i < found->len; i++) {
		const Explained *one = found->pdata[i];

		json_builder_begin_object(builder);
		json_builder_set_member_name(builder, "decision");
		if (one->decision != NULL)
			json_line(builder, one->decision);
		else
			json_builder_add_null_value(builder);
		json_reasons(builder, one->decision);
		json_builder_set_member_name(builder, "after");
		json_builder_begin_array(builder);
		for (guint j = 0; j < one->after->len; j++)
			json_line(builder, one->after->pdata[j]);
		json_builder_end_array(builder);
		json_builder_end_object(builder);
	}
	json_builder_end_array(builder);
	cli_print_json(builder, true);
}

static void print_words(const GPtrArray *found)
{
	for (guint i = 0; i < found->len; i++) {
		g_autofree char *words = explain_words(found->pdata[i]);

		printf("%s%s", i > 0 ? "\n" : "", words);
	}
}

static int nothing_found(const Explain *explain, const char *id)
{
	g_autoptr(GString) looked = g_string_new(NULL);
	guint shown = MIN(explain->looked->len, LOOKED_SHOWN);

	for (guint i = 0; i < shown; i++)
		g_string_append_printf(looked, "%s%s", i > 0 ? ", " : "", (const char *)explain->looked->pdata[i]);
	if (explain->looked->len > shown)
		g_string_append_printf(looked, " and %u more", explain->looked->len - shown);
	return cli_failed("nothing is found of %s (looked into %s); only mail to a support address in an incident is logged, at log.level info: try "
	    "the log of the node that took it (--log FILE, or --log - for standard input), or name that file in log.files%s", id,
	    looked->len > 0 ? looked->str : "no log", explain->any_read ? "" : "; reading logs may need the group adm, or root");
}

int command_explain(Cli *cli, int argc, char **argv)
{
	g_auto(Explain) explain = { .looked = g_ptr_array_new_with_free_func(g_free) };
	const GOptionEntry entries[] = {
		{ "log", 0, 0, G_OPTION_ARG_FILENAME_ARRAY, &explain.logs, "Look into this file and its rotated copies (- is standard input) instead of log.files",
		  "FILE" },
		{ "json", 0, 0, G_OPTION_ARG_NONE, &explain.json, "As JSON: what the log has, with each reason in words", NULL },
		G_OPTION_ENTRY_NULL,
	};
	const GPtrArray *found;

	if (!cli_options(cli, entries, "QUEUEID|MESSAGE-ID - why this mail was treated as it was", &argc, &argv))
		return CLI_USAGE;
	if (argc != 2 || *argv[1] == '\0')
		return cli_usage("explain takes one QUEUEID or MESSAGE-ID");
	/* With --log it works where the configuration is not, too. */
	if (explain.logs == NULL && !cli_config(cli))
		return CLI_FAILED;
	explain.search = explain_search_new(argv[1]);
	search_all(&explain, explain.logs != NULL ? explain.logs : cli->config->log_files, explain.logs == NULL);
	found = explain_found(explain.search);
	if (found->len == 0)
		return nothing_found(&explain, argv[1]);
	if (explain.json)
		print_json(found);
	else
		print_words(found);
	return CLI_DONE;
}
