/* alarm-gather: what the store says of all that alarms are judged by (see alarm.h). Layer: ops.
 *
 * A part that cannot be read is unknown, and the others are read all the same. What costs is read only where it can matter: minutes while
 * nothing is on, or of what was resolved; events where a letter has come back since; the mail of a long time where nobody has said a word
 * for that long. */
#include "ops/alarm-private.h"

#include <json-glib/json-glib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "ops/heard.h"
#include "store/job.h"

#define REGRESSION_SECONDS 1860           /* half an hour and the minute at hand */
#define RECENT_SECONDS 7200
#define HISTORY_SECONDS (59 * 86400)      /* store_stats_minutes reads 60 days at most */
#define BASELINE_SECONDS 600              /* how long one that was read is used */
#define JOBS_LOOKED_AT 50

/* What the store has counted of an incident. */
typedef struct { guint64 held, full, delayed; AlarmCaps caps; } Counted;

struct Gatherer {
	gint64 joined;                 /* seconds since the epoch */
	gint64 looked_at;              /* when it last did; 0 = never */
	Snapshot *snapshot;            /* the last good one: the store needs it to know what it has lost */
	GHashTable *matched_at;        /* id -> gint64 * */
	GHashTable *counted;           /* id -> Counted * */
	BaselineHour baseline[BASELINE_HOURS];
	gint64 baseline_at;            /* seconds; 0 = never read */
	GPtrArray *events;             /* the newest when `bounced` was this; NULL = not read */
	guint64 bounced;
	/* of this look */
	QueueCounts queue;
	GPtrArray *nodes, *minutes, *caps;
	GHashTable *incident_minutes;  /* id -> GPtrArray * */
};

static void counted_free(gpointer data)
{
	Counted *counted = data;

	g_free(counted->caps.id);
	g_free(counted);
}

Gatherer *gatherer_new(void)
{
	Gatherer *gatherer = g_new0(Gatherer, 1);

	gatherer->matched_at = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
	gatherer->counted = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, counted_free);
	return gatherer;
}

void gatherer_join(Gatherer *gatherer)
{
	gatherer->joined = clock_now();
	gatherer->baseline_at = 0;
	g_clear_pointer(&gatherer->events, g_ptr_array_unref);
}

static void forget_look(Gatherer *gatherer)
{
	g_clear_pointer(&gatherer->nodes, g_ptr_array_unref);
	g_clear_pointer(&gatherer->minutes, g_ptr_array_unref);
	g_clear_pointer(&gatherer->caps, g_ptr_array_unref);
	g_clear_pointer(&gatherer->incident_minutes, g_hash_table_unref);
}

void gatherer_free(Gatherer *gatherer)
{
	forget_look(gatherer);
	g_clear_pointer(&gatherer->events, g_ptr_array_unref);
	g_hash_table_unref(gatherer->matched_at);
	g_hash_table_unref(gatherer->counted);
	snapshot_unref(gatherer->snapshot);
	g_free(gatherer);
}

/* After a part that could not be read: whether to go on without it. Takes inner over. */
static bool goes_on(Store *store, const char *what, GError *inner, GError **error)
{
	if (store_is_lost(store)) {
		g_propagate_error(error, inner);
		return false;
	}
	log_debug("alarms are judged without %s: %s", what, inner != NULL ? inner->message : "unknown");
	g_clear_error(&inner);
	return true;
}

static bool read_snapshot(Gatherer *gatherer, Store *store, AlarmFacts *facts, GError **error)
{
	GError *inner = NULL;
	Snapshot *fresh = store_snapshot(store, gatherer->snapshot, &inner);

	if (fresh == NULL)
		return goes_on(store, "the incidents", inner, error);
	snapshot_unref(gatherer->snapshot);
	facts->snapshot = gatherer->snapshot = fresh;
	return true;
}

/* --- the queue --- */

/* When the mail was written that the job answers; 0 where that cannot be read. */
static gint64 written_at(const StoredJob *job)
{
	g_autoptr(JsonParser) parser = json_parser_new();
	JsonNode *root, *node;

	if (job->payload == NULL || !heard_is_flat(job->payload) || !json_parser_load_from_data(parser, job->payload, -1, NULL))
		return 0;
	root = json_parser_get_root(parser);
	node = root != NULL && JSON_NODE_HOLDS_OBJECT(root) ? json_object_get_member(json_node_get_object(root), "written_at") : NULL;
	return node != NULL && JSON_NODE_HOLDS_VALUE(node) && json_node_get_value_type(node) == G_TYPE_INT64 ? MAX(json_node_get_int(node), 0) : 0;
}

static bool read_queue(Gatherer *gatherer, Store *store, AlarmFacts *facts, GError **error)
{
	g_autoptr(GPtrArray) jobs = NULL;
	GError *inner = NULL;

	if (!store_queue_counts(store, &gatherer->queue, &inner))
		return goes_on(store, "the queue", inner, error);
	facts->queue = &gatherer->queue;
	facts->oldest_failed = 0;
	if (gatherer->queue.pending + gatherer->queue.delayed == 0)
		return true;
	jobs = store_queue_list(store, QUEUE_PENDING, JOBS_LOOKED_AT, &inner);
	if (jobs == NULL) {
		facts->oldest_failed = -1;
		return goes_on(store, "what waits in the queue", inner, error);
	}
	for (guint i = 0; i < jobs->len; i++) {
		const StoredJob *job = jobs->pdata[i];
		gint64 at = job->tries > 0 ? written_at(job) : 0;

		if (at > 0 && (facts->oldest_failed == 0 || at < facts->oldest_failed))
			facts->oldest_failed = at;
	}
	return true;
}

static bool read_nodes(Gatherer *gatherer, Store *store, AlarmFacts *facts, GError **error)
{
	GError *inner = NULL;

	gatherer->nodes = store_nodes(store, &inner);
	facts->nodes = gatherer->nodes;
	return gatherer->nodes != NULL || goes_on(store, "who is running", inner, error);
}

/* --- what was counted --- */

static guint64 counter_of(GHashTable *counters, const char *name)
{
	const char *text = g_hash_table_lookup(counters, name);

	return text != NULL ? g_ascii_strtoull(text, NULL, 10) : 0;
}

static void note_growth(guint64 *before, guint64 now_is, bool first, gint64 *at, gint64 now)
{
	if (!first && now_is > *before)
		*at = now;
	*before = now_is;
}

static bool read_caps_of(Gatherer *gatherer, Store *store, const char *id, const AlarmFacts *facts, GError **error)
{
	GError *inner = NULL;
	g_autoptr(GHashTable) counters = store_counters(store, id, &inner);
	Counted *counted = g_hash_table_lookup(gatherer->counted, id);
	bool first = counted == NULL;

	if (counters == NULL)
		return goes_on(store, "the counters of an incident", inner, error);
	if (first) {
		counted = g_new0(Counted, 1);
		counted->caps.id = g_strdup(id);
		counted->caps.since = facts->now;
		g_hash_table_insert(gatherer->counted, g_strdup(id), counted);
	}
	note_growth(&counted->held, counter_of(counters, "held:rate"), first, &counted->caps.held_at, facts->now);
	note_growth(&counted->full, counter_of(counters, "held:queue-full"), first, &counted->caps.full_at, facts->now);
	note_growth(&counted->delayed, counter_of(counters, "delayed"), first, &counted->caps.delayed_at, facts->now);
	g_ptr_array_add(gatherer->caps, &counted->caps);
	return true;
}

/* Of one that is resolved. */
static bool read_minutes_of(Gatherer *gatherer, Store *store, const char *id, const AlarmFacts *facts, GError **error)
{
	GError *inner = NULL;
	GPtrArray *minutes = store_stats_minutes(store, id, facts->now - REGRESSION_SECONDS, facts->now + 60, &inner);

	if (minutes == NULL)
		return goes_on(store, "the minutes of an incident", inner, error);
	g_hash_table_insert(gatherer->incident_minutes, g_strdup(id), minutes);
	return true;
}

/* Of one that nobody has said a word of for alarm.forgotten. The first reading goes back as far as that. */
static bool read_matched_of(Gatherer *gatherer, Store *store, const char *id, const AlarmFacts *facts, GError **error)
{
	gint64 *known = g_hash_table_lookup(gatherer->matched_at, id);
	gint64 back = known != NULL ? RECENT_SECONDS : MIN(facts->config->alarm_forgotten / 1000, HISTORY_SECONDS);
	GError *inner = NULL;
	g_autoptr(GPtrArray) minutes = store_stats_minutes(store, id, facts->now - back, facts->now + 60, &inner);

	if (minutes == NULL) {
		g_hash_table_remove(gatherer->matched_at, id);
		return goes_on(store, "when mail of an incident last came", inner, error);
	}
	if (known == NULL) {
		known = g_new0(gint64, 1);
		g_hash_table_insert(gatherer->matched_at, g_strdup(id), known);
	}
	for (guint i = 0; i < minutes->len; i++)
		if (stats_minute_get(minutes->pdata[i], "matched") > 0)
			*known = MAX(*known, ((const StatsMinute *)minutes->pdata[i])->minute);
	return true;
}

static bool read_incident(Gatherer *gatherer, Store *store, const Incident *incident, const AlarmFacts *facts, GError **error)
{
	const Config *config = facts->config;
	const char *id = incident->state.id;

	if (id == NULL || !incident_is_active(incident, facts->now, config->resolved_for / 1000))
		return true;
	if (!read_caps_of(gatherer, store, id, facts, error))
		return false;
	if (!config->stats_enabled)
		return true;
	if (!word_is_open(incident->state.word))
		return config->alarm_still_affected == 0 || read_minutes_of(gatherer, store, id, facts, error);
	if (facts->now - incident_last_word(incident) >= config->alarm_forgotten / 1000)
		return read_matched_of(gatherer, store, id, facts, error);
	g_hash_table_remove(gatherer->matched_at, id);
	return true;
}

static bool read_incidents(Gatherer *gatherer, Store *store, AlarmFacts *facts, GError **error)
{
	const GPtrArray *incidents = facts->snapshot != NULL ? facts->snapshot->incidents : NULL;

	gatherer->incident_minutes = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, (GDestroyNotify)g_ptr_array_unref);
	gatherer->caps = g_ptr_array_new();
	facts->incident_minutes = gatherer->incident_minutes;
	facts->matched_at = gatherer->matched_at;
	facts->caps = gatherer->caps;
	for (guint i = 0; incidents != NULL && i < incidents->len; i++)
		if (!read_incident(gatherer, store, g_ptr_array_index(incidents, i), facts, error))
			return false;
	return true;
}

/* --- a surge --- */

static bool read_baseline(Gatherer *gatherer, Store *store, AlarmFacts *facts, GError **error)
{
	GError *inner = NULL;

	if (gatherer->baseline_at == 0 || ABS(facts->now - gatherer->baseline_at) >= BASELINE_SECONDS) {
		gatherer->baseline_at = 0;
		if (!store_baseline(store, gatherer->baseline, &inner))
			return goes_on(store, "the baseline", inner, error);
		gatherer->baseline_at = facts->now;
	}
	facts->baseline = gatherer->baseline;
	return true;
}

static bool read_surge(Gatherer *gatherer, Store *store, AlarmFacts *facts, GError **error)
{
	gint64 from = facts->now - facts->config->surge_window / 1000;
	guint64 senders, accounts;
	GError *inner = NULL;

	if (!facts->config->stats_enabled || facts->snapshot == NULL || !alarm_is_quiet(facts->config, facts->snapshot, facts->now))
		return true;
	if (!store_stats_distinct(store, STATS_ALL, from, &senders, &accounts, &inner))
		return goes_on(store, "how many wrote", inner, error);
	facts->senders = (gint64)MIN(senders, G_MAXINT64);
	gatherer->minutes = store_stats_minutes(store, STATS_ALL, from - from % 60, facts->now + 60, &inner);
	facts->minutes = gatherer->minutes;
	if (gatherer->minutes == NULL)
		return goes_on(store, "the minutes", inner, error);
	return read_baseline(gatherer, store, facts, error);
}

/* --- bounces --- */

static bool read_bounces(Gatherer *gatherer, Store *store, AlarmFacts *facts, GError **error)
{
	g_autoptr(GHashTable) counters = NULL;
	GError *inner = NULL;
	guint64 bounced;

	if (facts->config->alarm_bounces == 0)
		return true;
	counters = store_counters(store, STATS_ALL, &inner);
	if (counters == NULL)
		return goes_on(store, "how many letters came back", inner, error);
	bounced = counter_of(counters, "bounced");
	if (gatherer->events == NULL || bounced != gatherer->bounced) {
		g_clear_pointer(&gatherer->events, g_ptr_array_unref);
		gatherer->events = store_events(store, ALARM_EVENTS, &inner);
		gatherer->bounced = bounced;
	}
	facts->events = gatherer->events;
	return gatherer->events != NULL || goes_on(store, "the events", inner, error);
}

/* Between two turns on duty: what has happened meanwhile has been seen by another process. */
static void forget_the_past(Gatherer *gatherer, gint64 now)
{
	if (ABS(now - gatherer->looked_at) > ALARM_CAPS_KEPT) {
		g_hash_table_remove_all(gatherer->matched_at);
		g_hash_table_remove_all(gatherer->counted);
	}
	gatherer->looked_at = now;
}

bool gatherer_look(Gatherer *gatherer, Store *store, const Config *config, const GPtrArray *standing, AlarmFacts *facts, GError **error)
{
	forget_look(gatherer);
	forget_the_past(gatherer, clock_now());
	*facts = (AlarmFacts){ .config = config, .now = clock_now(), .joined = gatherer->joined, .standing = standing, .senders = -1,
		.oldest_failed = -1 };
	return read_snapshot(gatherer, store, facts, error) && read_queue(gatherer, store, facts, error) &&
	    read_nodes(gatherer, store, facts, error) && read_incidents(gatherer, store, facts, error) &&
	    read_surge(gatherer, store, facts, error) && read_bounces(gatherer, store, facts, error);
}
