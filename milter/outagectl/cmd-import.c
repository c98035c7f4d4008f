/* cmd-import: brings in what a status page, or another program, says of an incident. Layer: program.
 *
 * It may be run again and again, by cron or by whatever receives a webhook, and does a thing once: who did what stands in outage:events and
 * as the author of each update, and behind the name of the user there stands what was brought in:
 *
 *     by = user SP "(" source SP incident [ "/" update "/" digest ] ")"             (the keys of import.h)
 *
 * What the store holds is then compared with what the source says. Only a run at the same moment could do a thing twice. */
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "outagectl/import.h"
#include "outagectl/json-text.h"
#include "outagectl/texts.h"
#include "store/feed.h"

#define EVENTS_MAX 2000  /* that are looked through for what was done before */
#define FEED_MAX 1000    /* what a feed holds at most */

typedef struct {
	Cli *cli;
	/* as given */
	const char *source, *file, *given;
	char *incident;
	gboolean resolve, declare;
	Word word;             /* to be declared; WORD_NONE: by the source */
	/* what is here */
	char *name;
	Snapshot *snapshot;
	const Incident *here;  /* or NULL: there has never been one of this name */
	char *texts[TEXT_FIELDS], *texts_id;
	GPtrArray *feed, *events;
	/* what the source says */
	GPtrArray *page;       /* Imported * */
	/* what came of it */
	GString *done;
	bool refused;
} Import;

static void import_clear(Import *import)
{
	g_free(import->incident);
	g_free(import->name);
	snapshot_unref(import->snapshot);
	for (TextField field = 0; field < TEXT_FIELDS; field++)
		g_free(import->texts[field]);
	g_free(import->texts_id);
	g_clear_pointer(&import->feed, g_ptr_array_unref);
	g_clear_pointer(&import->events, g_ptr_array_unref);
	g_clear_pointer(&import->page, g_ptr_array_unref);
	g_string_free(import->done, TRUE);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Import, import_clear)

static void did(Import *import, const char *format, ...) G_GNUC_PRINTF(2, 3);

static void did(Import *import, const char *format, ...)
{
	va_list args;

	if (import->done->len > 0)
		g_string_append(import->done, ", ");
	va_start(args, format);
	g_string_append_vprintf(import->done, format, args);
	va_end(args);
}

/* ---- who did what ---- */

/* more: "/UPDATE/DIGEST" or "". Caller frees. */
static char *by_line(const Import *import, const char *key, const char *more)
{
	return g_strdup_printf("%s (%s %s%s)", import->cli->by, import->source, key, more);
}

/* Returns what stands behind the source in the mark of `by`, NULL where it has none of this source; caller frees. */
static char *mark_of(const Import *import, const char *by)
{
	g_autofree char *before = g_strconcat(" (", import->source, " ", NULL);
	const char *start = by != NULL ? g_strrstr(by, before) : NULL;

	if (start == NULL || !g_str_has_suffix(start, ")"))
		return NULL;
	start += strlen(before);
	return g_strndup(start, strlen(start) - 1);
}

/* The same, as far as the incident's key. */
static char *key_in(const Import *import, const char *by)
{
	char *mark = mark_of(import, by);

	if (mark != NULL)
		mark[strcspn(mark, "/")] = '\0';
	return mark;
}

static bool is_open_here(const Import *import)
{
	return import->here != NULL && word_is_open(import->here->state.word);
}

static bool is_active_here(const Import *import)
{
	return import->here != NULL && incident_is_active(import->here, clock_now(), import->cli->config->resolved_for / 1000);
}

static bool is_ours(const Import *import, const StoreEvent *event)
{
	return g_strcmp0(event->name, import->name) == 0;
}

/* Returns the key of the source's incident that what is on here, or was last, had something from; NULL for none. Caller frees. */
static char *key_here(const Import *import)
{
	for (guint i = 0; import->here != NULL && import->here->state.declared_at != 0 && i < import->events->len; i++) {
		const StoreEvent *event = g_ptr_array_index(import->events, i);
		char *key = is_ours(import, event) ? key_in(import, event->by) : NULL;

		if (event->at < import->here->state.declared_at) {
			g_free(key);
			return NULL;
		}
		if (key != NULL)
			return key;
	}
	return NULL;
}

/* Returns true where the texts that are prepared here are the source's, and nobody else touched them since. */
static bool prepared_by_us(const Import *import)
{
	if (import->texts_id != NULL)
		return false;
	for (guint i = 0; i < import->events->len; i++) {
		const StoreEvent *event = g_ptr_array_index(import->events, i);
		g_autofree char *key = NULL;

		if (!is_ours(import, event) || strcmp(event->what, "texts") != 0)
			continue;
		key = key_in(import, event->by);
		return key != NULL;
	}
	return false;
}

/* It was on here, and somebody has ended it: that stands, whatever the source says. */
static bool was_ended_here(const Import *import, const Imported *imported)
{
	g_autofree char *key = is_open_here(import) ? NULL : key_here(import);
	const IncidentState *state = import->here != NULL ? &import->here->state : NULL;

	/* What came after its end was prepared for the next. */
	for (guint i = 0; key != NULL && strcmp(key, imported->key) == 0 && i < import->events->len; i++) {
		const StoreEvent *event = g_ptr_array_index(import->events, i);
		g_autofree char *its = is_ours(import, event) ? key_in(import, event->by) : NULL;

		if (its != NULL && strcmp(its, key) == 0 && event->at >= state->declared_at &&
		    event->at <= MAX(state->ended_at, state->resolved_at))
			return true;
	}
	return false;
}

/* ---- which of the source's incidents ---- */

static const Imported *find(const Import *import, const char *key)
{
	for (guint i = 0; key != NULL && i < import->page->len; i++) {
		const Imported *imported = g_ptr_array_index(import->page, i);

		if (strcmp(imported->key, key) == 0)
			return imported;
	}
	return NULL;
}

/* "ID (title), ID (title)" of those that are not over. */
static char *open_ones(const Import *import, guint *count, const Imported **one)
{
	GString *list = g_string_new(NULL);

	*count = 0;
	for (guint i = 0; i < import->page->len; i++) {
		const Imported *imported = g_ptr_array_index(import->page, i);
		const char *title = imported->texts[TEXT_TITLE];

		if (imported->resolved)
			continue;
		*one = imported;
		if ((*count)++ < 10)
			g_string_append_printf(list, "%s%s (%s)", list->len > 0 ? ", " : "", imported->key, title != NULL ? title : "");
	}
	return g_string_free(list, FALSE);
}

/* *imported: the one to bring in; NULL: there is none. *gone: the one that is on here is not on the page any more. */
static int choose(const Import *import, const Imported **imported, bool *gone)
{
	g_autofree char *here = is_active_here(import) ? key_here(import) : NULL;
	const char *wanted = import->incident != NULL ? import->incident : here;
	const Imported *one = NULL;
	g_autofree char *list = NULL;
	guint count;

	*gone = false;
	*imported = strcmp(import->source, "json") == 0 ? g_ptr_array_index(import->page, 0) : find(import, wanted);
	if (*imported != NULL)
		return CLI_DONE;
	list = open_ones(import, &count, &one);
	*gone = here != NULL && strcmp(wanted, here) == 0 && is_open_here(import);
	if (*gone)
		return CLI_DONE;
	if (import->incident != NULL)
		return count > 0 ? cli_failed("the page has no incident %s, only: %s", import->incident, list)
		                 : cli_failed("the page has no incident %s, and no other that is not over", import->incident);
	if (count > 1)
		return cli_failed("%u incidents are open on the page: say with --incident ID which is meant: %s", count, list);
	*imported = one;
	return CLI_DONE;
}

/* ---- texts and updates ---- */

/* True where text may not be said; it has been told. */
static bool promises(Import *import, const char *what, const char *text)
{
	g_autofree char *word = texts_promise(import->cli->config, text);

	if (word == NULL)
		return false;
	(void)cli_failed("%s: \"%s\" is a word of promise: this text was not imported. Say it differently there, or give your own by outagectl"
	    " update", what, word);
	import->refused = true;
	return true;
}

static bool is_past(TextField field, const char *text)
{
	gint64 at;

	return (field == TEXT_NEXT_UPDATE_AT || field == TEXT_ETA || field == TEXT_POSTMORTEM_DUE) && clock_parse(text, &at) && at < clock_now();
}

static bool may_be_said(Import *import, TextField field, const char *text)
{
	bool link = field == TEXT_STATUS_URL || field == TEXT_POSTMORTEM_URL;

	if (is_past(field, text))
		return false;
	if (link && *text != '\0' && !texts_link_allowed(import->cli->config, text)) {
		(void)cli_failed("%s: replies carry only https links to hosts in reply.url_domains (%s); this one was not imported",
		    text_field_name(field), import->cli->config->path);
		import->refused = true;
		return false;
	}
	return link || !promises(import, text_field_name(field), text);
}

static const char *first_allowed(const Import *import, const Imported *imported)
{
	for (guint i = 0; i < G_N_ELEMENTS(imported->links) && imported->links[i] != NULL; i++)
		if (texts_link_allowed(import->cli->config, imported->links[i]))
			return imported->links[i];
	return NULL;
}

/* What is different here goes into texts. anew: nothing that stands here holds. Returns their names; caller frees. */
static char *new_texts(Import *import, const Imported *imported, bool anew, Texts *texts)
{
	GString *names = g_string_new(NULL);

	for (TextField field = 0; field < TEXT_FIELDS; field++) {
		const char *text = imported->texts[field], *here = anew ? NULL : import->texts[field];

		if (field == TEXT_STATUS_URL && text == NULL)
			text = first_allowed(import, imported);
		if (text == NULL || strcmp(text, here != NULL ? here : "") == 0 || !may_be_said(import, field, text))
			continue;
		texts->texts[field] = g_strdup(text);
		g_string_append_printf(names, "%s%s", names->len > 0 ? ", " : "", text_field_name(field));
	}
	return g_string_free(names, FALSE);
}

/* The texts that stand here are another incident's, and the store puts them away before it takes new ones. */
static bool texts_are_old(const Import *import)
{
	const char *id = is_active_here(import) ? import->here->state.id : NULL;

	return import->texts_id != NULL && g_strcmp0(import->texts_id, id) != 0;
}

static int set_texts(Import *import, const Imported *imported, const char *how)
{
	g_auto(Texts) texts = { { NULL } };
	g_autofree char *names = new_texts(import, imported, texts_are_old(import), &texts);
	g_autofree char *by = by_line(import, imported->key, "");
	GError *error = NULL;

	if (*names == '\0')
		return CLI_DONE;
	if (!store_set_texts(import->cli->store, import->name, texts.texts, by, &error))
		return cli_error(error);
	did(import, "%s %s", names, how);
	return CLI_DONE;
}

/* Returns "UPDATE/DIGEST" of what the feed holds of this incident of the source (char *); caller unrefs. */
static GPtrArray *known_updates(const Import *import, const Imported *imported)
{
	GPtrArray *known = g_ptr_array_new_with_free_func(g_free);
	g_autofree char *prefix = g_strconcat(imported->key, "/", NULL);

	for (guint i = 0; i < import->feed->len; i++) {
		const FeedEntry *entry = g_ptr_array_index(import->feed, i);
		g_autofree char *mark = mark_of(import, entry->author);

		/* What was said before it began does not count as said. */
		if (mark != NULL && g_str_has_prefix(mark, prefix) && entry->at >= incident_on_since(&import->here->state))
			g_ptr_array_add(known, g_strdup(mark + strlen(prefix)));
	}
	return known;
}

/* When our own people last said something here; 0 = they have not. */
static gint64 own_word(const Import *import)
{
	gint64 newest = 0;

	for (guint i = 0; i < import->feed->len; i++) {
		const FeedEntry *entry = g_ptr_array_index(import->feed, i);
		g_autofree char *mark = mark_of(import, entry->author);

		if (mark == NULL && entry->at >= incident_on_since(&import->here->state))
			newest = MAX(newest, entry->at);
	}
	return newest;
}

/* Whatever is added is the newest word from then on, which replies quote: what the page said before our people spoke is not. */
static int add_updates(Import *import, const Imported *imported)
{
	g_autoptr(GPtrArray) known = known_updates(import, imported);
	gint64 own = own_word(import);
	g_autoptr(GPtrArray) wanted = import_new_updates(imported, known);
	guint added = 0;

	for (guint i = 0; i < wanted->len; i++) {
		const ImportUpdate *update = g_ptr_array_index(wanted, i);
		g_autofree char *mark = g_strdup_printf("/%s/%s", update->key, update->digest);
		g_autofree char *by = by_line(import, imported->key, mark), *what = g_strdup_printf("update %s", update->key);
		GError *error = NULL;

		if ((update->at != 0 && update->at < own) || promises(import, what, update->text))
			continue;
		if (!store_add_update(import->cli->store, import->name, update->text, by, &error))
			return cli_error(error);
		added++;
	}
	if (added > 0)
		did(import, "%u %s added", added, added == 1 ? "update" : "updates");
	return CLI_DONE;
}

/* ---- the word ---- */

/* Reads again what is here. */
static int look(Import *import)
{
	GError *error = NULL;

	snapshot_unref(import->snapshot);
	import->snapshot = store_snapshot(import->cli->store, NULL, &error);
	if (import->snapshot == NULL)
		return cli_error(error);
	import->here = snapshot_find(import->snapshot, import->name);
	return CLI_DONE;
}

static int set_word(Import *import, const char *key, Word word, Texts *texts)
{
	g_autofree char *by = by_line(import, key, "");
	GError *error = NULL;

	if (!store_set_word(import->cli->store, import->name, word, texts != NULL ? texts->texts : NULL, by, NULL, &error))
		return cli_error(error);
	return look(import);
}

/* Opens it, with the texts at once. */
static int declare(Import *import, const Imported *imported)
{
	g_auto(Texts) texts = { { NULL } };
	Word word = import->word != WORD_NONE ? import->word : imported->word;
	g_autofree char *names = NULL;
	int status;

	if (word == WORD_NONE) {
		did(import, "not declared, for the source names no severity (--declare=P2 sets one)");
		return CLI_DONE;
	}
	names = new_texts(import, imported, true, &texts);
	cli_warn_silent(import->cli->config);
	if ((status = set_word(import, imported->key, word, &texts)) != CLI_DONE)
		return status;
	did(import, "declared %s (%s)%s%s", word_name(word), import->here != NULL ? import->here->state.id : "", *names != '\0' ? " with " : "",
	    names);
	return CLI_DONE;
}

/* The mark says that the source ended it: where the source opens it again, so may we. */
static int finish(Import *import)
{
	int status;

	if (!is_open_here(import))
		return CLI_DONE;
	if (!import->resolve) {
		did(import, "over at the source: outagectl resolve ends it here, too (--resolve does so by itself)");
		return CLI_DONE;
	}
	if ((status = set_word(import, "over", WORD_RESOLVED, NULL)) == CLI_DONE)
		did(import, "resolved");
	return status;
}

/* What was prepared for an incident that is over at the source must not be said of the next one. */
static int withdraw_prepared(Import *import)
{
	g_auto(Texts) texts = { { NULL } };
	g_autofree char *by = by_line(import, "over", "");
	GError *error = NULL;
	bool any = false;

	if (is_active_here(import) || !prepared_by_us(import))
		return CLI_DONE;
	for (TextField field = 0; field < TEXT_FIELDS; field++) {
		texts.texts[field] = import->texts[field] != NULL ? g_strdup("") : NULL;
		any = any || import->texts[field] != NULL;
	}
	if (!any)
		return CLI_DONE;
	if (!store_set_texts(import->cli->store, import->name, texts.texts, by, &error))
		return cli_error(error);
	did(import, "prepared texts withdrawn, for it is over at the source");
	return CLI_DONE;
}

/* ---- all of it ---- */

static int bring_in(Import *import, const Imported *imported)
{
	int status = CLI_DONE;

	if (imported->resolved) {
		if (!is_active_here(import))
			return withdraw_prepared(import);
		status = add_updates(import, imported);
		return status == CLI_DONE ? finish(import) : status;
	}
	if (was_ended_here(import, imported)) {
		did(import, "left alone, for it was ended here: outagectl declare opens it again");
		return CLI_DONE;
	}
	if (!is_open_here(import) && import->declare)
		status = declare(import, imported);
	else if (is_open_here(import))
		status = set_texts(import, imported, "set");
	else
		return set_texts(import, imported, "prepared");
	return status == CLI_DONE && is_open_here(import) ? add_updates(import, imported) : status;
}

static int begin(Import *import)
{
	GError *error = NULL;
	int status;

	if (!cli_store(import->cli))
		return CLI_FAILED;
	import->snapshot = store_snapshot(import->cli->store, NULL, &error);
	if (import->snapshot == NULL)
		return cli_error(error);
	status = texts_pick_incident(import->cli->config, import->snapshot, import->given, true, clock_now(), &import->name);
	if (status != CLI_DONE)
		return status;
	import->here = snapshot_find(import->snapshot, import->name);
	import->events = store_events(import->cli->store, EVENTS_MAX, &error);
	import->feed = import->events != NULL ? store_feed(import->cli->store, import->name, FEED_MAX, &error) : NULL;
	if (import->feed == NULL || !store_texts(import->cli->store, import->name, import->texts, &import->texts_id, &error))
		return cli_error(error);
	return CLI_DONE;
}

static int read_source(Import *import)
{
	GError *error = NULL;
	GString *text = json_text_read(import->file, &error);

	if (text == NULL)
		return cli_error(error);
	if (strcmp(import->source, "statuspage") == 0) {
		import->page = import_read_statuspage(text->str, text->len, &error);
	} else {
		Imported *imported = import_read_json(text->str, text->len, &error);

		import->page = g_ptr_array_new_with_free_func((GDestroyNotify)imported_free);
		if (imported != NULL)
			g_ptr_array_add(import->page, imported);
	}
	g_string_free(text, TRUE);
	if (error == NULL)
		return CLI_DONE;
	g_prefix_error(&error, "%s: ", strcmp(import->file, "-") == 0 ? "standard input" : import->file);
	return cli_error(error);
}

/* "--declare=P2" becomes "--declare": GLib has no options whose value may be left out that leave the next argument alone. */
static int take_declare(Import *import, int argc, char **argv)
{
	for (int i = 1; i < argc && strcmp(argv[i], "--") != 0; i++) {
		char *value = g_str_has_prefix(argv[i], "--declare=") ? strchr(argv[i], '=') : NULL;

		if (value == NULL)
			continue;
		if (!word_parse(value + 1, -1, &import->word) || !word_is_open(import->word))
			return cli_usage("--declare takes P1, P2 or P3, not \"%s\"", value + 1);
		*value = '\0';
	}
	return CLI_DONE;
}

/* The rest of the command line: SOURCE FILE [NAME], and where "--declare P2" was written with a space, the word wherever it stands. */
static int read_arguments(Import *import, int argc, char **argv)
{
	const char *rest[3] = { NULL };
	guint n = 0;

	for (int i = 1; i < argc; i++) {
		Word word;

		if (import->declare && import->word == WORD_NONE && word_parse(argv[i], -1, &word) && word_is_open(word))
			import->word = word;
		else if (n < G_N_ELEMENTS(rest))
			rest[n++] = argv[i];
		else
			return cli_usage("import: \"%s\" is one argument too many", argv[i]);
	}
	import->source = rest[0];
	import->file = rest[1];
	import->given = rest[2];
	if (n < 2 || (strcmp(rest[0], "statuspage") != 0 && strcmp(rest[0], "json") != 0))
		return cli_usage("import takes statuspage or json, then a FILE, or - for standard input");
	if (import->incident != NULL && strcmp(rest[0], "json") == 0)
		return cli_usage("--incident chooses among those of a status page; JSON of your own holds one");
	return CLI_DONE;
}

static int read_options(Import *import, int argc, char **argv)
{
	const GOptionEntry entries[] = {
		{ "incident", 0, 0, G_OPTION_ARG_STRING, &import->incident, "Which of the page's, where several are open", "ID" },
		{ "resolve", 0, 0, G_OPTION_ARG_NONE, &import->resolve, "Resolve it here, too, when it is over there", NULL },
		{ "declare", 0, 0, G_OPTION_ARG_NONE, &import->declare, "Open it here, too, by the source's severity; --declare=P2 sets one", NULL },
		G_OPTION_ENTRY_NULL,
	};

	int status;

	import->word = WORD_NONE;
	if ((status = take_declare(import, argc, argv)) != CLI_DONE)
		return status;
	if (!cli_options(import->cli, entries, "statuspage|json FILE|- [NAME] - texts, phase and updates from elsewhere", &argc, &argv))
		return CLI_USAGE;
	return read_arguments(import, argc, argv);
}

int command_import(Cli *cli, int argc, char **argv)
{
	g_auto(Import) import = { .cli = cli, .done = g_string_new(NULL) };
	const Imported *imported = NULL;
	bool gone = false;
	int status;

	if ((status = read_options(&import, argc, argv)) != CLI_DONE || (status = read_source(&import)) != CLI_DONE ||
	    (status = begin(&import)) != CLI_DONE || (status = choose(&import, &imported, &gone)) != CLI_DONE)
		return status;
	if (imported != NULL)
		status = bring_in(&import, imported);
	else if (gone)
		status = finish(&import);
	else
		status = withdraw_prepared(&import);
	if (status == CLI_DONE || import.done->len > 0) {
		g_autofree char *shown = log_escape(import.done->len > 0 ? import.done->str : "nothing new", 0);

		printf("%s: %s\n", import.name, shown);
	}
	return status == CLI_DONE && import.refused ? CLI_FAILED : status;
}
