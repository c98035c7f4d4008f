/* cmd-log: `outagectl log`, who did what and when, out of outage:events. Layer: program. */
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "outagectl/cli.h"
#include "outagectl/log.h"

typedef struct {
	StoreEvent *event;
	char *name, *id;       /* of its incident, or NULL */
} Entry;

static void entry_free(Entry *entry)
{
	store_event_free(entry->event);
	g_free(entry->name);
	g_free(entry->id);
	g_free(entry);
}

static void take_slice(GPtrArray *slice, LogReader *reader, const LogFilter *filter, GPtrArray *entries)
{
	for (guint i = 0; i < slice->len; i++) {
		Entry *entry = g_new0(Entry, 1);

		entry->event = g_ptr_array_index(slice, i);
		if (log_reader_take(reader, filter, entry->event, &entry->name, &entry->id))
			g_ptr_array_add(entries, entry);
		else
			entry_free(entry);
	}
	g_ptr_array_set_free_func(slice, NULL);
}

/* Returns the entries (Entry *) that are wanted, oldest first, of them the newest `most`. NULL with error. */
static GPtrArray *read_entries(Store *store, const LogFilter *filter, guint most, GError **error)
{
	g_autoptr(GPtrArray) entries = g_ptr_array_new_with_free_func((GDestroyNotify)entry_free);
	g_autoptr(LogReader) reader = log_reader_new();
	g_autofree char *cursor = NULL;
	/* To which incident something belongs is told by what came before. */
	gint64 from = filter->name != NULL ? 0 : filter->since;

	do {
		g_autoptr(GPtrArray) slice = g_ptr_array_new_with_free_func((GDestroyNotify)store_event_free);

		if (!store_events_slice(store, from, &cursor, slice, error))
			return NULL;
		take_slice(slice, reader, filter, entries);
		if (entries->len > most)
			g_ptr_array_remove_range(entries, 0, entries->len - most);
	} while (cursor != NULL);
	return g_steal_pointer(&entries);
}

static void print_entry(const Entry *entry)
{
	g_autofree char *time = clock_format(entry->event->at), *by = log_escape(entry->event->by, 0);
	g_autofree char *name = log_escape(entry->name, 0), *phrase = log_phrase(entry->event);

	printf("%s  %-20s  %s%s%s\n", time, *by != '\0' ? by : "-", name, *name != '\0' ? ": " : "", phrase);
}

/* One object a line; all keys always there. */
static void print_json(const Entry *entry)
{
	g_autoptr(JsonBuilder) builder = json_builder_new();
	g_autofree char *phrase = log_phrase(entry->event);

	json_builder_begin_object(builder);
	cli_json_time(builder, "at", entry->event->at);
	cli_json_string(builder, "by", entry->event->by);
	json_builder_set_member_name(builder, "outside");
	json_builder_add_boolean_value(builder, log_is_outside(entry->event));
	cli_json_string(builder, "what", entry->event->what);
	cli_json_string(builder, "incident", entry->name);
	cli_json_string(builder, "id", entry->id);
	cli_json_string(builder, "name", entry->event->name);
	cli_json_string(builder, "detail", entry->event->detail);
	cli_json_string(builder, "text", phrase);
	json_builder_end_object(builder);
	cli_print_json(builder, false);
}

/*     TIME = duration (so long ago) / RFC 3339 date-time */
static bool read_time(const char *text, gint64 *seconds)
{
	gint64 milliseconds;

	if (text == NULL || clock_parse(text, seconds))
		return true;
	if (!clock_parse_duration(text, &milliseconds))
		return false;
	*seconds = clock_now() - milliseconds / 1000;
	return true;
}

int command_log(Cli *cli, int argc, char **argv)
{
	LogFilter filter = { .name = NULL };
	g_autofree char *since = NULL, *until = NULL, *by = NULL, *name = NULL;
	g_auto(GStrv) what = NULL;
	g_autoptr(GPtrArray) entries = NULL;
	gboolean json = FALSE, all = FALSE;
	int most = 0;
	GError *error = NULL;
	const GOptionEntry options[] = {
		{ "since", 0, 0, G_OPTION_ARG_STRING, &since, "Not what happened before", "24h|TIME" },
		{ "until", 0, 0, G_OPTION_ARG_STRING, &until, "Not what happened later", "1h|TIME" },
		{ "by", 0, 0, G_OPTION_ARG_STRING, &by, "What this person, node or \"outside\" did", "WHO" },
		{ "what", 0, 0, G_OPTION_ARG_STRING_ARRAY, &what, "Of this kind (opened, pause, update, alarm, ...); may be repeated", "KIND" },
		{ "all", 'a', 0, G_OPTION_ARG_NONE, &all, "Also each letter that came back, and each answer of a person", NULL },
		{ "lines", 'n', 0, G_OPTION_ARG_INT, &most, "The newest N of them", "N" },
		{ "json", 0, 0, G_OPTION_ARG_NONE, &json, "One JSON object a line", NULL },
		G_OPTION_ENTRY_NULL,
	};

	if (!cli_options(cli, options, "[NAME|ID] - who did what, and when", &argc, &argv))
		return CLI_USAGE;
	if (argc > 2)
		return cli_usage("log takes at most one NAME or ID of an incident");
	if (argc == 2) {
		filter.id = log_read_incident(argv[1], &name);
		if ((filter.name = name) == NULL)
			return cli_usage("\"%s\" is no NAME and no ID of an incident (status shows those that are on)", argv[1]);
	}
	if (!read_time(since, &filter.since) || !read_time(until, &filter.until))
		return cli_usage("--since and --until take a time such as 24h (so long ago) or 2026-11-21T15:10:00Z");
	if (most < 0)
		return cli_usage("-n takes a number above 0");
	filter.by = by;
	filter.what = what;
	filter.all = all;
	if (!cli_store(cli))
		return CLI_FAILED;
	entries = read_entries(cli->store, &filter, most > 0 ? (guint)most : G_MAXUINT, &error);
	if (entries == NULL)
		return cli_error(error);
	for (guint i = 0; i < entries->len; i++) {
		if (json)
			print_json(g_ptr_array_index(entries, i));
		else
			print_entry(g_ptr_array_index(entries, i));
	}
	if (entries->len == 0 && !json)
		fprintf(stderr, "nothing of that kind is in the log\n");
	return CLI_DONE;
}
