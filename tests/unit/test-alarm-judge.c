/* test-alarm-judge: which alarms stand by what is known of a site: each kind at its edge, and never by what is not known. */
#include <string.h>

#include "base/clock.h"
#include "incident/incident.h"
#include "ops/alarm.h"
#include "ops/heard.h"

#define NOW G_GINT64_CONSTANT(1795273800) /* a Saturday, 15:10 UTC */
#define ID "20261121T141000Z-default"
#define REPLIER "{\"program\":\"outage-replier\",\"state\":[]}"

/* A site where all is known and nothing is wrong: one incident `default`, in whatever state a case wants. */
typedef struct {
	Config *config;
	Snapshot *snapshot;
	Incident *incident;
	QueueCounts queue;
	GPtrArray *nodes, *minutes, *events, *caps, *standing, *own_minutes;
	GHashTable *incident_minutes, *matched_at;
	BaselineHour baseline[BASELINE_HOURS];
	AlarmFacts facts;
	bool unknown[ALARMS];
	gint64 next;
} Site;

static void add_node(Site *site, const char *json, gint64 ago)
{
	StoreNode *node = g_new0(StoreNode, 1);

	node->node = g_strdup("node1");
	node->at = NOW - ago;
	node->json = g_strdup(json);
	g_ptr_array_add(site->nodes, node);
}

static void add_minute(GPtrArray *minutes, const char *counter, guint64 n, gint64 ago)
{
	StatsMinute *minute = stats_minute_new(STATS_ALL, (NOW - ago) / 60 * 60);

	stats_minute_add(minute, counter, n);
	g_ptr_array_add(minutes, minute);
}

static void add_events(Site *site, const char *what, guint count, gint64 ago)
{
	for (guint i = 0; i < count; i++) {
		StoreEvent *event = g_new0(StoreEvent, 1);

		event->what = g_strdup(what);
		event->at = NOW - ago;
		g_ptr_array_add(site->events, event);
	}
}

static void set_standing(Site *site, const char *key)
{
	StoredAlarm *stored = g_new0(StoredAlarm, 1);

	stored->key = g_strdup(key);
	g_ptr_array_add(site->standing, stored);
}

static void set_matched(Site *site, gint64 at)
{
	gint64 *value = g_new(gint64, 1);

	*value = at;
	g_hash_table_insert(site->matched_at, g_strdup(ID), value);
}

static void set_text(Site *site, TextField field, gint64 at)
{
	g_free(site->incident->texts[field]);
	site->incident->texts[field] = clock_format(at);
}

/* On since so many seconds. */
static void set_open(Site *site, gint64 ago)
{
	site->incident->state.flip = site->incident->state.word = WORD_P1;
	g_free(site->incident->state.id);
	site->incident->state.id = g_strdup(ID);
	site->incident->state.declared_at = NOW - ago;
}

static void set_resolved(Site *site, gint64 ago)
{
	set_open(site, ago + 3600);
	site->incident->state.flip = site->incident->state.word = WORD_RESOLVED;
	site->incident->state.resolved_at = NOW - ago;
	g_hash_table_insert(site->incident_minutes, g_strdup(ID), g_ptr_array_ref(site->own_minutes));
}

static Site *site_new(void)
{
	Site *site = g_new0(Site, 1);
	AlarmCaps *caps = g_new0(AlarmCaps, 1);

	site->config = config_defaults();
	site->snapshot = snapshot_new();
	site->incident = incident_new("default");
	g_ptr_array_add(site->snapshot->incidents, site->incident);
	site->nodes = g_ptr_array_new_with_free_func((GDestroyNotify)store_node_free);
	site->minutes = g_ptr_array_new_with_free_func((GDestroyNotify)stats_minute_free);
	site->own_minutes = g_ptr_array_new_with_free_func((GDestroyNotify)stats_minute_free);
	site->events = g_ptr_array_new_with_free_func((GDestroyNotify)store_event_free);
	site->caps = g_ptr_array_new_with_free_func((GDestroyNotify)alarm_caps_free);
	site->standing = g_ptr_array_new_with_free_func((GDestroyNotify)stored_alarm_free);
	site->incident_minutes = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, (GDestroyNotify)g_ptr_array_unref);
	site->matched_at = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
	caps->id = g_strdup(ID);
	caps->since = NOW - 86400;
	g_ptr_array_add(site->caps, caps);
	add_node(site, REPLIER, 5);
	site->facts = (AlarmFacts){ .config = site->config, .now = NOW, .joined = NOW - 3600, .snapshot = site->snapshot, .queue = &site->queue,
		.nodes = site->nodes, .minutes = site->minutes, .incident_minutes = site->incident_minutes, .matched_at = site->matched_at,
		.baseline = site->baseline, .caps = site->caps, .events = site->events, .standing = site->standing };
	return site;
}

static void site_free(Site *site)
{
	config_unref(site->config);
	snapshot_unref(site->snapshot);
	g_ptr_array_unref(site->nodes);
	g_ptr_array_unref(site->minutes);
	g_ptr_array_unref(site->own_minutes);
	g_ptr_array_unref(site->events);
	g_ptr_array_unref(site->caps);
	g_ptr_array_unref(site->standing);
	g_hash_table_unref(site->incident_minutes);
	g_hash_table_unref(site->matched_at);
	g_free(site);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Site, site_free)

static AlarmCaps *caps_of(Site *site)
{
	return site->caps->pdata[0];
}

/* The keys of what stands, in the order of judging, joined by a space. Every text is a line that the store takes. Caller frees. */
static char *judge(Site *site)
{
	g_autoptr(GPtrArray) alarms = alarm_judge(&site->facts, site->unknown, &site->next);
	g_autoptr(GString) keys = g_string_new(NULL);

	for (guint i = 0; i < alarms->len; i++) {
		const Alarm *alarm = alarms->pdata[i];
		g_autofree char *key = alarm_key(alarm);

		g_assert_cmpint(alarm_kind_of(key), ==, alarm->kind);
		g_assert_cmpuint(strlen(alarm->text), <=, 1024);
		g_assert_null(strpbrk(alarm->text, "\n\t"));
		g_string_append_printf(keys, "%s%s", keys->len > 0 ? " " : "", key);
	}
	return g_string_free(g_steal_pointer(&keys), FALSE);
}

/* --- one case after another: what is set up, and what stands then --- */

static void nothing(Site *site) { (void)site; }
static void just_opened(Site *site) { set_open(site, 60); }
static void promise_now(Site *site) { set_open(site, 60); set_text(site, TEXT_NEXT_UPDATE_AT, NOW); }
static void promise_past(Site *site) { set_open(site, 60); set_text(site, TEXT_NEXT_UPDATE_AT, NOW - 1); }
static void promise_kept(Site *site) { set_open(site, 1500); set_text(site, TEXT_NEXT_UPDATE_AT, NOW - 1); site->incident->update_at = NOW - 121; }
static void promise_kept_too_early(Site *site) { set_open(site, 1500); set_text(site, TEXT_NEXT_UPDATE_AT, NOW - 1); site->incident->update_at = NOW - 301; }
static void promise_nonsense(Site *site) { set_open(site, 60); site->incident->texts[TEXT_NEXT_UPDATE_AT] = g_strdup("soon"); }
static void promise_of_resolved(Site *site) { set_resolved(site, 60); set_text(site, TEXT_NEXT_UPDATE_AT, NOW - 1); }
static void cadence_kept(Site *site) { set_open(site, 600); site->config->playbook[SEVERITY_P1].update_every = 600; }
static void cadence_broken(Site *site) { set_open(site, 601); site->config->playbook[SEVERITY_P1].update_every = 600; }
static void cadence_of_another(Site *site) { set_open(site, 601); site->config->playbook[SEVERITY_P2].update_every = 600; }
static void cadence_but_later_promise(Site *site) { cadence_broken(site); set_text(site, TEXT_NEXT_UPDATE_AT, NOW + 600); }
static void cadence_after_kept_promise(Site *site)
{
	cadence_broken(site);
	set_open(site, 1500);
	set_text(site, TEXT_NEXT_UPDATE_AT, NOW - 700);
	site->incident->update_at = NOW - 700;
}
static void silent_just_not(Site *site) { set_open(site, 1799); }
static void silent(Site *site) { set_open(site, 1800); }
static void silent_never(Site *site) { set_open(site, 40000); site->config->silence = 0; set_matched(site, NOW - 60); }
static void silent_but_updated(Site *site) { set_open(site, 3600); site->incident->update_at = NOW - 60; }
static void silent_reopened(Site *site) { set_open(site, 36000); site->incident->state.reopened_at = NOW - 60; }
static void forgotten(Site *site) { set_open(site, 43200); site->config->silence = 0; set_matched(site, 0); }
static void forgotten_not_yet(Site *site) { set_open(site, 43199); site->config->silence = 0; set_matched(site, 0); }
static void forgotten_but_mail(Site *site) { set_open(site, 90000); site->config->silence = 0; set_matched(site, NOW - 43199); }
static void forgotten_old_mail(Site *site) { set_open(site, 90000); site->config->silence = 0; set_matched(site, NOW - 43200); }
static void postmortem_due(Site *site) { set_resolved(site, 300000); set_text(site, TEXT_POSTMORTEM_DUE, NOW); }
static void postmortem_later(Site *site) { set_resolved(site, 300000); set_text(site, TEXT_POSTMORTEM_DUE, NOW + 1); }
static void postmortem_there(Site *site) { postmortem_due(site); site->incident->texts[TEXT_POSTMORTEM_URL] = g_strdup("https://x.example/"); }
static void postmortem_empty_url(Site *site) { postmortem_due(site); site->incident->texts[TEXT_POSTMORTEM_URL] = g_strdup(""); }
static void postmortem_ended(Site *site) { postmortem_due(site); site->incident->state.word = WORD_NONE; }
static void postmortem_false_alarm(Site *site) { postmortem_ended(site); site->incident->state.resolved_at = 0; }
static void postmortem_open(Site *site) { set_open(site, 60); set_text(site, TEXT_POSTMORTEM_DUE, NOW - 60); }
static void regression(Site *site) { set_resolved(site, 3600); add_minute(site->own_minutes, "escalate:still-affected", 3, 60); add_minute(site->own_minutes, "escalate:still-affected", 2, 1740); }
static void regression_less(Site *site) { set_resolved(site, 3600); add_minute(site->own_minutes, "escalate:still-affected", 4, 60); }
static void regression_old(Site *site) { set_resolved(site, 9000); add_minute(site->own_minutes, "escalate:still-affected", 50, 1900); }
static void regression_before_the_fix(Site *site) { set_resolved(site, 300); add_minute(site->own_minutes, "escalate:still-affected", 50, 600); }
static void regression_never(Site *site) { regression(site); site->config->alarm_still_affected = 0; }
static void regression_stands(Site *site) { set_resolved(site, 3600); set_standing(site, "regression:" ID); add_minute(site->own_minutes, "escalate:still-affected", 3, 60); }
static void regression_fades(Site *site) { set_resolved(site, 3600); set_standing(site, "regression:" ID); add_minute(site->own_minutes, "escalate:still-affected", 2, 60); }
static void queue_waits(Site *site) { site->queue.pending = 1; site->queue.oldest = NOW - 600; }
static void queue_waits_less(Site *site) { site->queue.pending = 1; site->queue.oldest = NOW - 599; }
static void queue_fails(Site *site) { site->queue.delayed = 1; site->facts.oldest_failed = NOW - 600; }
static void queue_delayed(Site *site) { queue_waits(site); site->config->ack_delay = 60000; }
static void queue_paused(Site *site) { queue_waits(site); site->snapshot->pause = g_strdup("wait"); }
static void queue_in_shadow(Site *site) { queue_waits(site); site->config->mode = MODE_SHADOW; }
static void empty(Site *site) { site->snapshot->store_empty = true; }
static void empty_by_a_node(Site *site) { add_node(site, "{\"program\":\"outage-milter\",\"store_empty\":true}", 5); }
static void empty_by_a_dead_node(Site *site) { add_node(site, "{\"program\":\"outage-milter\",\"store_empty\":true}", 61); }
static void replier_gone(Site *site) { g_ptr_array_set_size(site->nodes, 0); add_node(site, REPLIER, 61); add_node(site, "{\"program\":\"outage-milter\"}", 1); }
static void replier_gone_in_outage(Site *site) { replier_gone(site); set_open(site, 60); }
static void replier_gone_letters(Site *site) { replier_gone(site); site->queue.delayed = 1; }
static void replier_just_heard(Site *site) { g_ptr_array_set_size(site->nodes, 0); add_node(site, REPLIER, 60); set_open(site, 60); }
static void replier_nonsense(Site *site)
{
	static const char *const beats[] = { "", "[]", "{", "{\"program\":7}", "{\"program\":{}}", "\"outage-replier\"" };
	g_autofree char *deep = g_strnfill(5000, '[');

	g_ptr_array_set_size(site->nodes, 0);
	for (gsize i = 0; i < G_N_ELEMENTS(beats); i++)
		add_node(site, beats[i], 1);
	add_node(site, deep, 1);
	add_node(site, NULL, 1);
	set_open(site, 60);
}
static void capped(Site *site) { set_open(site, 60); caps_of(site)->held_at = NOW - 599; }
static void capped_before(Site *site) { set_open(site, 60); caps_of(site)->held_at = NOW - 600; }
static void capped_delayed(Site *site) { set_open(site, 60); caps_of(site)->delayed_at = NOW; }
static void capped_all(Site *site) { capped(site); capped_delayed(site); caps_of(site)->full_at = NOW; }
static void capped_and_over(Site *site) { capped(site); site->incident->state.word = WORD_NONE; }
static void bounced(Site *site) { add_events(site, "bounced", 20, 3599); }
static void bounced_less(Site *site) { add_events(site, "bounced", 19, 3599); add_events(site, "account", 50, 3599); }
static void bounced_before(Site *site) { add_events(site, "bounced", 50, 3600); }
static void bounced_never(Site *site) { bounced(site); site->config->alarm_bounces = 0; }
static void bounced_stands(Site *site) { set_standing(site, "bounces"); add_events(site, "bounced", 10, 60); }
static void bounced_fades(Site *site) { set_standing(site, "bounces"); add_events(site, "bounced", 9, 60); }

/* Ten senders within ten minutes, by the counters that the store keeps. */
static void write_in(Site *site, guint senders)
{
	site->facts.senders = senders;
	add_minute(site->minutes, "matched", senders, 300);
	add_minute(site->minutes, "senders", senders, 300);
}
static void surge(Site *site) { write_in(site, 10); }
static void surge_less(Site *site) { write_in(site, 9); }
static void surge_of_other_mail(Site *site) { site->facts.senders = 50; add_minute(site->minutes, "senders", 50, 300); add_minute(site->minutes, "matched", 9, 300); }
static void surge_declared(Site *site) { surge(site); set_open(site, 60); }
static void surge_just_resolved(Site *site) { surge(site); set_resolved(site, 21599); }
static void surge_long_resolved(Site *site) { surge(site); set_resolved(site, 21600); }
static void surge_without_stats(Site *site) { surge(site); site->config->stats_enabled = false; }
static void set_usual(Site *site, gint64 hour, double senders) { site->baseline[hour] = (BaselineHour){ .senders = senders, .mails = senders, .weeks = 1 }; }
/* Saturday, 15:00 to 16:00. */
static void surge_threefold(Site *site) { set_usual(site, 5 * 24 + 15, 1.0); write_in(site, 30); }
static void surge_not_threefold(Site *site) { set_usual(site, 5 * 24 + 15, 1.0); write_in(site, 29); }
static void surge_of_few_among_many(Site *site)
{
	set_usual(site, 5 * 24 + 15, 1.0);
	site->facts.senders = 300;
	add_minute(site->minutes, "senders", 300, 300);
	add_minute(site->minutes, "matched", 29, 300);
}
static void surge_of_one_sender(Site *site) { site->facts.senders = 1; add_minute(site->minutes, "senders", 1, 300); add_minute(site->minutes, "matched", 500, 300); }
static void surge_usual_elsewhen(Site *site) { set_usual(site, 5 * 24 + 14, 100.0); set_usual(site, 5 * 24 + 16, 100.0); surge(site); }
static void surge_usually_none(Site *site) { set_usual(site, 5 * 24 + 15, 0.0); surge(site); }
static void surge_stands(Site *site) { surge_not_threefold(site); set_standing(site, "surge"); }
static void surge_fades(Site *site) { set_usual(site, 5 * 24 + 15, 1.0); write_in(site, 19); set_standing(site, "surge"); }
static void surge_at_night_fades(Site *site) { write_in(site, 4); set_standing(site, "surge"); }

static void two_incidents(Site *site)
{
	Incident *other = incident_new("payments");
	AlarmCaps *caps = g_new0(AlarmCaps, 1);

	caps->id = g_strdup("20261121T140000Z-payments");
	caps->since = NOW - 86400;
	g_ptr_array_add(site->caps, caps);
	set_open(site, 1800);
	other->state.flip = other->state.word = WORD_P2;
	other->state.id = g_strdup("20261121T140000Z-payments");
	other->state.declared_at = NOW - 1800;
	g_ptr_array_add(site->snapshot->incidents, other);
}

static const struct {
	const char *name;
	void (*set)(Site *site);
	const char *stands;
} cases[] = {
	{ "nothing is on", nothing, "" },
	{ "an incident that was just declared", just_opened, "" },
	{ "a promise for now", promise_now, "" },
	{ "a promise a second ago", promise_past, "update-overdue:" ID },
	{ "a promise that was kept two minutes early", promise_kept, "" },
	{ "an update that made a promise of five minutes", promise_kept_too_early, "update-overdue:" ID },
	{ "a promise that cannot be read", promise_nonsense, "" },
	{ "a promise of what is resolved", promise_of_resolved, "" },
	{ "a cadence that is kept", cadence_kept, "" },
	{ "a cadence that is broken", cadence_broken, "update-overdue:" ID },
	{ "a cadence of another severity", cadence_of_another, "" },
	{ "a promise later than the cadence", cadence_but_later_promise, "" },
	{ "a cadence after a promise that was kept", cadence_after_kept_promise, "update-overdue:" ID },
	{ "silence, a second less", silent_just_not, "" },
	{ "silence", silent, "silence:" ID },
	{ "silence that is never one", silent_never, "" },
	{ "an update ends the silence", silent_but_updated, "" },
	{ "coming back ends the silence", silent_reopened, "" },
	{ "a forgotten incident", forgotten, "forgotten:" ID },
	{ "one not yet forgotten", forgotten_not_yet, "" },
	{ "one that mail still comes about", forgotten_but_mail, "" },
	{ "one that mail came about long ago", forgotten_old_mail, "forgotten:" ID },
	{ "a post-mortem that is due", postmortem_due, "postmortem-due:" ID },
	{ "a post-mortem a second early", postmortem_later, "" },
	{ "a post-mortem that is there", postmortem_there, "" },
	{ "a post-mortem with an empty address", postmortem_empty_url, "postmortem-due:" ID },
	{ "a post-mortem of what was resolved and then ended", postmortem_ended, "postmortem-due:" ID },
	{ "a post-mortem of a false alarm", postmortem_false_alarm, "" },
	{ "a post-mortem of what is on again", postmortem_open, "" },
	{ "customers still affected", regression, "regression:" ID },
	{ "few customers still affected", regression_less, "" },
	{ "customers who were affected", regression_old, "" },
	{ "customers affected before the fix", regression_before_the_fix, "" },
	{ "regression switched off", regression_never, "" },
	{ "regression that stands at half", regression_stands, "regression:" ID },
	{ "regression that falls below half", regression_fades, "" },
	{ "a stuck queue", queue_waits, "queue-stuck" },
	{ "a queue a second less", queue_waits_less, "" },
	{ "a queue of what fails again and again", queue_fails, "queue-stuck" },
	{ "a queue that is to wait", queue_delayed, "" },
	{ "a queue in a pause", queue_paused, "queue-stuck" },
	{ "a queue in shadow mode", queue_in_shadow, "queue-stuck" },
	{ "an empty store", empty, "store-empty" },
	{ "a node that says the store is empty", empty_by_a_node, "store-empty" },
	{ "a dead node that said so", empty_by_a_dead_node, "" },
	{ "no replier, and nothing to do", replier_gone, "" },
	{ "no replier in an outage", replier_gone_in_outage, "replier-away" },
	{ "no replier and letters", replier_gone_letters, "replier-away" },
	{ "a replier a minute ago", replier_just_heard, "" },
	{ "heartbeats that are none", replier_nonsense, "replier-away" },
	{ "a cap", capped, "caps:" ID },
	{ "a cap ten minutes ago", capped_before, "" },
	{ "the site's cap", capped_delayed, "caps:" ID },
	{ "all caps are one alarm", capped_all, "caps:" ID },
	{ "a cap of what is over", capped_and_over, "" },
	{ "bounces", bounced, "bounces" },
	{ "few bounces", bounced_less, "" },
	{ "bounces an hour ago", bounced_before, "" },
	{ "bounces switched off", bounced_never, "" },
	{ "bounces that stand at half", bounced_stands, "bounces" },
	{ "bounces that fall below half", bounced_fades, "" },
	{ "a surge where no baseline is known", surge, "surge" },
	{ "too few for a surge", surge_less, "" },
	{ "many senders of other mail", surge_of_other_mail, "" },
	{ "a surge that is declared", surge_declared, "" },
	{ "a surge after the fix", surge_just_resolved, "" },
	{ "a surge long after a fix", surge_long_resolved, "surge" },
	{ "a surge that is not counted", surge_without_stats, "" },
	{ "three times the usual", surge_threefold, "surge" },
	{ "less than three times the usual", surge_not_threefold, "" },
	{ "few who write of an outage among many who write of something else", surge_of_few_among_many, "" },
	{ "one sender of many mails", surge_of_one_sender, "" },
	{ "what is usual at another hour", surge_usual_elsewhen, "surge" },
	{ "a surge where there usually is nobody", surge_usually_none, "surge" },
	{ "a surge that stands at twice", surge_stands, "surge" },
	{ "a surge that falls below twice", surge_fades, "" },
	{ "a surge that falls below half the least", surge_at_night_fades, "" },
	{ "two incidents", two_incidents, "silence:" ID " silence:20261121T140000Z-payments" },
};

static void test_every_kind_at_its_edge(void)
{
	for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
		g_autoptr(Site) site = site_new();
		g_autofree char *stands = NULL;

		cases[i].set(site);
		stands = judge(site);
		g_test_message("%s", cases[i].name);
		g_assert_cmpstr(stands, ==, cases[i].stands);
		for (guint kind = 0; kind < ALARMS; kind++)
			g_assert_true(site->unknown[kind] == (kind == ALARM_STORE_AWAY));
	}
}

/* --- what is not known --- */

static void lose_snapshot(Site *site) { site->facts.snapshot = NULL; }
static void lose_queue(Site *site) { site->facts.queue = NULL; g_ptr_array_set_size(site->nodes, 0); }
static void lose_failures(Site *site) { site->facts.oldest_failed = -1; }
static void lose_nodes(Site *site) { site->facts.nodes = NULL; set_open(site, 60); }
static void begin(Site *site) { replier_gone_in_outage(site); site->facts.joined = NOW - 4; }
static void lose_minutes(Site *site) { surge(site); site->facts.minutes = NULL; }
static void lose_senders(Site *site) { surge(site); site->facts.senders = -1; }
static void lose_own_minutes(Site *site) { regression(site); g_hash_table_remove_all(site->incident_minutes); }
static void lose_matched(Site *site) { set_open(site, 50000); site->config->silence = 0; }
static void lose_matched_but_updated(Site *site) { lose_matched(site); site->incident->update_at = NOW - 60; }
static void lose_caps(Site *site) { set_open(site, 60); g_ptr_array_set_size(site->caps, 0); }
static void learn_caps(Site *site) { set_open(site, 60); caps_of(site)->since = NOW - 599; }
static void lose_events(Site *site) { site->facts.events = NULL; }
static void events_full(Site *site) { add_events(site, "bounced", 5, 60); add_events(site, "account", ALARM_EVENTS - 5, 3000); }
static void events_full_of_an_hour(Site *site) { add_events(site, "bounced", 5, 60); add_events(site, "account", ALARM_EVENTS - 5, 3600); }

static const struct {
	const char *name;
	void (*set)(Site *site);
	const char *unknown; /* names, in the order of the kinds */
	const char *stands;
} dark[] = {
	{ "no snapshot", lose_snapshot, "surge regression update-overdue silence postmortem-due store-empty caps forgotten", "" },
	{ "no queue, nobody heard", lose_queue, "queue-stuck replier-away", "" },
	{ "what fails", lose_failures, "queue-stuck", "" },
	{ "who is running", lose_nodes, "replier-away", "" },
	{ "just come to the store", begin, "replier-away", "" },
	{ "the minutes", lose_minutes, "surge", "" },
	{ "the senders", lose_senders, "surge", "" },
	{ "an incident's minutes", lose_own_minutes, "regression", "" },
	{ "an incident's last mail", lose_matched, "forgotten", "" },
	{ "an incident's last mail, which does not matter", lose_matched_but_updated, "", "" },
	{ "an incident's counters", lose_caps, "caps", "" },
	{ "counters that were just read for the first time", learn_caps, "caps", "" },
	{ "the events", lose_events, "bounces", "" },
	{ "more events than are read", events_full, "bounces", "" },
	{ "as many events as are read", events_full_of_an_hour, "", "" },
};

static void test_what_is_not_known_raises_and_clears_nothing(void)
{
	for (gsize i = 0; i < G_N_ELEMENTS(dark); i++) {
		g_autoptr(Site) site = site_new();
		g_autofree char *stands = NULL;
		g_autoptr(GString) unknown = g_string_new(NULL);

		dark[i].set(site);
		stands = judge(site);
		g_test_message("%s", dark[i].name);
		g_assert_cmpstr(stands, ==, dark[i].stands);
		for (guint kind = 0; kind < ALARMS; kind++)
			if (site->unknown[kind] && kind != ALARM_STORE_AWAY)
				g_string_append_printf(unknown, "%s%s", unknown->len > 0 ? " " : "", alarm_name(kind));
		g_assert_cmpstr(unknown->str, ==, dark[i].unknown);
	}
}

/* --- when to look again --- */

static void test_the_next_look_is_when_the_first_may_come(void)
{
	static const struct {
		void (*set)(Site *site);
		gint64 next; /* seconds from now; 0 = none */
	} times[] = {
		{ nothing, 0 }, { promise_now, 1 }, { silent_just_not, 1 }, { just_opened, 1740 }, { cadence_kept, 1 }, { postmortem_later, 1 },
		{ queue_waits_less, 1 }, { forgotten_but_mail, 1 }, { begin, 1 },
	};

	for (gsize i = 0; i < G_N_ELEMENTS(times); i++) {
		g_autoptr(Site) site = site_new();
		g_autofree char *stands = NULL;

		times[i].set(site);
		stands = judge(site);
		g_assert_cmpint(site->next, ==, times[i].next != 0 ? NOW + times[i].next : 0);
	}
}

static void test_a_text_names_the_incident_and_what_to_do(void)
{
	g_autoptr(Site) site = site_new();
	g_autoptr(GPtrArray) alarms = NULL;
	const Alarm *one, *other;

	two_incidents(site);
	alarms = alarm_judge(&site->facts, site->unknown, NULL);
	one = alarms->pdata[0];
	other = alarms->pdata[1];
	g_assert_nonnull(strstr(one->text, "default: "));
	g_assert_nonnull(strstr(one->text, "(outagectl update)"));
	g_assert_cmpstr(one->incident, ==, "default");
	g_assert_nonnull(strstr(other->text, "payments: "));
	g_assert_nonnull(strstr(other->text, "(outagectl update payments)"));
	g_assert_cmpstr(other->id, ==, "20261121T140000Z-payments");
}

static void test_a_key_says_kind_and_incident(void)
{
	const char *id, *incident;

	g_assert_cmpint(alarm_kind_of("silence:" ID), ==, ALARM_SILENCE);
	g_assert_cmpint(alarm_kind_of("surge"), ==, ALARM_SURGE);
	g_assert_cmpint(alarm_kind_of("surg"), ==, ALARMS);
	g_assert_cmpint(alarm_kind_of("surges"), ==, ALARMS);
	g_assert_cmpint(alarm_kind_of(""), ==, ALARMS);
	alarm_key_parts("silence:" ID, &id, &incident);
	g_assert_cmpstr(id, ==, ID);
	g_assert_cmpstr(incident, ==, "default");
	alarm_key_parts("surge", &id, &incident);
	g_assert_null(id);
	g_assert_null(incident);
	alarm_key_parts("silence:short", &id, &incident);
	g_assert_cmpstr(id, ==, "short");
	g_assert_null(incident);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/alarm-judge/every-kind-at-its-edge", test_every_kind_at_its_edge);
	g_test_add_func("/alarm-judge/what-is-not-known-raises-and-clears-nothing", test_what_is_not_known_raises_and_clears_nothing);
	g_test_add_func("/alarm-judge/the-next-look-is-when-the-first-may-come", test_the_next_look_is_when_the_first_may_come);
	g_test_add_func("/alarm-judge/a-text-names-the-incident-and-what-to-do", test_a_text_names_the_incident_and_what_to_do);
	g_test_add_func("/alarm-judge/a-key-says-kind-and-incident", test_a_key_says_kind_and_incident);
	return g_test_run();
}
