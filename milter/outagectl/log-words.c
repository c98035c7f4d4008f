/* log-words: see log.h. Layer: program. Pure.
 *
 * An event names its incident, not the incident's id; a transition's detail does ("P1 20261121T151000Z-default"). So whoever reads the
 * history in order knows under which id each incident was on. */
#include "outagectl/log.h"

#include <string.h>

#include "base/clock.h"
#include "base/log.h"

#define ID_TIME_CHARS 16 /* of an incident's id: 20261121T151000Z */
#define HASH_SHOWN 12    /* of the hash of an address: enough to tell one from another */

/* --- which incident --- */

typedef struct { char *id; bool on; } Known;

struct LogReader {
	GHashTable *known;     /* name -> Known * */
};

static void known_free(Known *known)
{
	g_free(known->id);
	g_free(known);
}

LogReader *log_reader_new(void)
{
	LogReader *reader = g_new0(LogReader, 1);

	reader->known = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, (GDestroyNotify)known_free);
	return reader;
}

void log_reader_free(LogReader *reader)
{
	g_hash_table_unref(reader->known);
	g_free(reader);
}

/*     id = 8DIGIT "T" 6DIGIT "Z" "-" name */
const char *log_read_incident(const char *text, char **name)
{
	gint64 time;
	const char *rest = strlen(text) > ID_TIME_CHARS + 1 ? text + ID_TIME_CHARS + 1 : "";

	*name = NULL;
	if (strcmp(text, "default") == 0 || incident_name_valid(text)) {
		*name = g_strdup(text);
		return NULL;
	}
	if (!clock_parse_compact(text, &time) || *rest == '\0' || rest[-1] != '-' ||
	    !(strcmp(rest, "default") == 0 || incident_name_valid(rest)))
		return NULL;
	*name = g_strdup(rest);
	return text;
}

static bool is_one_of(const char *what, const char *const *kinds)
{
	return g_strv_contains(kinds, what);
}

static bool is_transition(const StoreEvent *event)
{
	static const char *const kinds[] = { "opened", "reopened", "severity", "resolved", "ended", "continued", NULL };

	return is_one_of(event->what, kinds);
}

/* A transition says under which id its incident is on. */
static void learn(LogReader *reader, const StoreEvent *event)
{
	const char *id = event->detail != NULL ? strchr(event->detail, ' ') : NULL;
	Known *known;

	if (!is_transition(event) || event->name == NULL || id == NULL)
		return;
	known = g_new0(Known, 1);
	known->id = g_strdup(id + 1);
	known->on = strcmp(event->what, "ended") != 0;
	g_hash_table_replace(reader->known, g_strdup(event->name), known);
}

/* The key of an alarm is "KIND" or "KIND:ID". */
static void find_incident(const LogReader *reader, const StoreEvent *event, char **name, char **id)
{
	static const char *const alarms[] = { "alarm", "all-clear", NULL };
	static const char *const of_addresses[] = { "bounced", "unblocked", "forgot", "exported", NULL };
	const char *colon = event->name != NULL ? strchr(event->name, ':') : NULL, *of_alarm;
	const Known *known;

	*name = *id = NULL;
	if (event->name == NULL)
		return;
	if (is_one_of(event->what, alarms)) {
		of_alarm = colon != NULL ? log_read_incident(colon + 1, name) : NULL;
		*id = g_strdup(of_alarm);
		return;
	}
	/* A hash reads like a name. */
	if (is_one_of(event->what, of_addresses) || (strcmp(event->name, "default") != 0 && !incident_name_valid(event->name)))
		return;
	known = g_hash_table_lookup(reader->known, event->name);
	*name = g_strdup(event->name);
	/* What was prepared after the end of one belongs to the next. */
	if (known != NULL && (known->on || is_transition(event)))
		*id = g_strdup(known->id);
}

/* Pauses concern every incident that is on. */
static bool concerns(const LogReader *reader, const LogFilter *filter, const StoreEvent *event, const char *name, const char *id)
{
	static const char *const pauses[] = { "pause", "resume", NULL };
	const Known *known = g_hash_table_lookup(reader->known, filter->name);

	if (is_one_of(event->what, pauses))
		return known != NULL && known->on && (filter->id == NULL || strcmp(known->id, filter->id) == 0);
	return g_strcmp0(name, filter->name) == 0 && (filter->id == NULL || g_strcmp0(id, filter->id) == 0);
}

static bool is_by(const StoreEvent *event, const char *by)
{
	gsize size = strlen(by);

	return event->by != NULL && strncmp(event->by, by, size) == 0 &&
	    (event->by[size] == '\0' || event->by[size] == '@' || event->by[size] == ' ');
}

bool log_reader_take(LogReader *reader, const LogFilter *filter, const StoreEvent *event, char **name, char **id)
{
	learn(reader, event);
	find_incident(reader, event, name, id);
	if (filter->name != NULL && !concerns(reader, filter, event, *name, *id))
		return false;
	if (event->at < filter->since || (filter->until != 0 && event->at > filter->until))
		return false;
	if (filter->by != NULL && !is_by(event, filter->by))
		return false;
	if (filter->what != NULL)
		return g_strv_contains((const char *const *)filter->what, event->what);
	return filter->all || !log_is_routine(event);
}

bool log_is_routine(const StoreEvent *event)
{
	static const char *const kinds[] = { "bounced", "answered", NULL };

	return is_one_of(event->what, kinds);
}

bool log_is_outside(const StoreEvent *event)
{
	return event->by != NULL && g_str_has_prefix(event->by, "outside");
}

/* --- in words --- */

typedef enum {
	SAY_ALL,               /* the detail */
	SAY_WORD,              /* its first word */
	SAY_ID,                /* what stands behind that */
	SAY_LIST,              /* its words, with commas */
	SAY_KIND,              /* the event's name, of an alarm; its incident stands before the line */
	SAY_HASH,              /* the beginning of that */
	SAY_NOTHING
} Say;

static const struct {
	const char *what;
	const char *before;
	Say say;
	const char *between;   /* before `then`, where that says anything; NULL = there is no more */
	Say then;
} phrases[] = {
	{ "opened", "declared ", SAY_WORD, " as ", SAY_ID },
	{ "reopened", "declared again ", SAY_WORD, " as ", SAY_ID },
	{ "severity", "changed the severity to ", SAY_WORD, NULL, SAY_NOTHING },
	{ "resolved", "declared it resolved", SAY_NOTHING, NULL, SAY_NOTHING },
	{ "ended", "ended it; what was queued is withdrawn", SAY_NOTHING, NULL, SAY_NOTHING },
	{ "resolved-nothing", "said resolved while nothing was open", SAY_NOTHING, NULL, SAY_NOTHING },
	{ "continued", "it goes on after the store had lost it: ", SAY_WORD, " as ", SAY_ID },
	{ "word", "said once more: ", SAY_ALL, NULL, SAY_NOTHING },
	{ "texts", "set ", SAY_LIST, NULL, SAY_NOTHING },
	{ "promise", "promised the next update for ", SAY_ALL, NULL, SAY_NOTHING },
	{ "update", "update: ", SAY_ALL, NULL, SAY_NOTHING },
	{ "notice", "ordered the notice ", SAY_ALL, NULL, SAY_NOTHING },
	{ "notice-done", "the notice is done: ", SAY_ALL, NULL, SAY_NOTHING },
	{ "since", "answered who wrote before: ", SAY_ALL, NULL, SAY_NOTHING },
	{ "pause", "PAUSED: ", SAY_ALL, NULL, SAY_NOTHING },
	{ "resume", "resumed", SAY_NOTHING, NULL, SAY_NOTHING },
	{ "account", "set the account ", SAY_ALL, NULL, SAY_NOTHING },
	{ "account-removed", "removed the account ", SAY_ALL, NULL, SAY_NOTHING },
	{ "accounts-imported", "imported accounts: ", SAY_ALL, NULL, SAY_NOTHING },
	{ "queue-retry", "tried buried acknowledgements again: ", SAY_ALL, NULL, SAY_NOTHING },
	{ "queue-bury", "buried acknowledgements: ", SAY_ALL, NULL, SAY_NOTHING },
	{ "bounced", "mail to the address ", SAY_HASH, " came back: ", SAY_ALL },
	{ "unblocked", "let the address ", SAY_HASH, " be written to again", SAY_NOTHING },
	{ "forgot", "erased what was kept of the address ", SAY_HASH, NULL, SAY_NOTHING },
	{ "exported", "exported what is kept of the address ", SAY_HASH, NULL, SAY_NOTHING },
	{ "alarm", "ALARM ", SAY_KIND, ": ", SAY_ALL },
	{ "all-clear", "all clear of ", SAY_KIND, ": ", SAY_ALL },
	{ "answered", "a person answered one who had waited (seconds): ", SAY_ALL, NULL, SAY_NOTHING },
};

/* Caller frees. */
static char *say(const StoreEvent *event, Say what)
{
	const char *detail = event->detail != NULL ? event->detail : "", *space = strchr(detail, ' ');
	g_auto(GStrv) words = NULL;
	g_autofree char *list = NULL;

	switch (what) {
	case SAY_ALL:
		return log_escape(detail, 0);
	case SAY_WORD:
		return space == detail ? g_strdup("") : log_escape(detail, space != NULL ? (gsize)(space - detail) : 0);
	case SAY_ID:
		return log_escape(space != NULL ? space + 1 : "", 0);
	case SAY_LIST:
		words = g_strsplit(detail, " ", -1);
		list = g_strjoinv(", ", words);
		return log_escape(list, 0);
	case SAY_KIND:
		list = event->name != NULL ? g_strndup(event->name, strcspn(event->name, ":")) : NULL;
		return log_escape(list, 0);
	case SAY_HASH:
		return log_escape(event->name, HASH_SHOWN);
	default:
		return g_strdup("");
	}
}

/* Of a kind that another version or another program leaves. */
static char *unknown_phrase(const StoreEvent *event)
{
	g_autofree char *what = log_escape(event->what, 80), *name = log_escape(event->name, 0), *detail = log_escape(event->detail, 0);

	return g_strconcat(what, *name != '\0' ? " " : "", name, *detail != '\0' ? ": " : "", detail, NULL);
}

char *log_phrase(const StoreEvent *event)
{
	for (gsize i = 0; i < G_N_ELEMENTS(phrases); i++) {
		g_autofree char *first = NULL, *second = NULL;

		if (strcmp(event->what, phrases[i].what) != 0)
			continue;
		first = say(event, phrases[i].say);
		second = say(event, phrases[i].then);
		if (phrases[i].between == NULL || (phrases[i].then != SAY_NOTHING && *second == '\0'))
			return g_strconcat(phrases[i].before, first, NULL);
		return g_strconcat(phrases[i].before, first, phrases[i].between, second, NULL);
	}
	return unknown_phrase(event);
}
