/* alarm-judge: from what is known of the site to the alarms that stand (see alarm.h). Layer: ops. Pure.
 *
 * A text says no more than what stays the same while the alarm stands, as far as it can (a time rather than how long ago that was): it is
 * kept with the alarm, and what does not change need not be written again. */
#include "ops/alarm.h"

#include <string.h>

#include "base/clock.h"
#include "ops/heard.h"

#define ID_NAME 17             /* where the name begins in an incident's id */
#define REGRESSION_WINDOW 1800 /* seconds */
#define BOUNCES_WINDOW 3600

typedef struct {
	const AlarmFacts *facts;
	GPtrArray *alarms;
	bool *unknown;
	gint64 next;
} Judging;

static const char *const names[ALARMS] = {
	[ALARM_SURGE] = "surge",
	[ALARM_REGRESSION] = "regression",
	[ALARM_UPDATE_OVERDUE] = "update-overdue",
	[ALARM_SILENCE] = "silence",
	[ALARM_POSTMORTEM_DUE] = "postmortem-due",
	[ALARM_QUEUE_STUCK] = "queue-stuck",
	[ALARM_STORE_AWAY] = "store-away",
	[ALARM_STORE_EMPTY] = "store-empty",
	[ALARM_REPLIER_AWAY] = "replier-away",
	[ALARM_CAPS] = "caps",
	[ALARM_BOUNCES] = "bounces",
	[ALARM_FORGOTTEN] = "forgotten",
};

const char *alarm_name(AlarmKind kind)
{
	return names[kind];
}

AlarmKind alarm_kind_of(const char *key)
{
	gsize size = strcspn(key, ":");
	AlarmKind kind = 0;

	while (kind < ALARMS && (strlen(names[kind]) != size || strncmp(names[kind], key, size) != 0))
		kind++;
	return kind;
}

void alarm_free(Alarm *alarm)
{
	if (alarm == NULL)
		return;
	g_free(alarm->incident);
	g_free(alarm->id);
	g_free(alarm->text);
	g_free(alarm);
}

char *alarm_key(const Alarm *alarm)
{
	return alarm->id != NULL ? g_strdup_printf("%s:%s", alarm_name(alarm->kind), alarm->id) : g_strdup(alarm_name(alarm->kind));
}

void alarm_key_parts(const char *key, const char **id, const char **incident)
{
	const char *colon = strchr(key, ':');

	*id = colon != NULL ? colon + 1 : NULL;
	*incident = colon != NULL && strlen(colon + 1) > ID_NAME ? colon + 1 + ID_NAME : NULL;
}

void alarm_caps_free(AlarmCaps *caps)
{
	if (caps == NULL)
		return;
	g_free(caps->id);
	g_free(caps);
}

/* --- what the kinds share --- */

static void add(Judging *judging, AlarmKind kind, const Incident *incident, const char *format, ...) G_GNUC_PRINTF(4, 5);
static void add(Judging *judging, AlarmKind kind, const Incident *incident, const char *format, ...)
{
	Alarm *alarm = g_new0(Alarm, 1);
	va_list args;

	alarm->kind = kind;
	if (incident != NULL) {
		alarm->incident = g_strdup(incident->name);
		alarm->id = g_strdup(incident->state.id);
	}
	va_start(args, format);
	alarm->text = g_strdup_vprintf(format, args);
	va_end(args);
	g_ptr_array_add(judging->alarms, alarm);
}

/* Whether a time has come; where not, it is when to look again. */
static bool has_come(Judging *judging, gint64 at)
{
	if (at <= judging->facts->now)
		return true;
	if (judging->next == 0 || at < judging->next)
		judging->next = at;
	return false;
}

static bool stands(const Judging *judging, AlarmKind kind, const Incident *incident)
{
	const GPtrArray *standing = judging->facts->standing;
	Alarm alarm = { .kind = kind, .id = incident != NULL ? incident->state.id : NULL };
	g_autofree char *key = alarm_key(&alarm);

	for (guint i = 0; standing != NULL && i < standing->len; i++)
		if (strcmp(((const StoredAlarm *)g_ptr_array_index(standing, i))->key, key) == 0)
			return true;
	return false;
}

/* The limit of a count: one that hovers about it is not to ring each time. */
static guint64 limit_of(const Judging *judging, AlarmKind kind, const Incident *incident, gint64 limit)
{
	return (guint64)(stands(judging, kind, incident) ? (limit + 1) / 2 : limit);
}

/* The command, with the name where that has to be said. */
static char *command_for(const char *command, const Incident *incident)
{
	bool is_default = strcmp(incident->name, "default") == 0;

	return g_strdup_printf("outagectl %s%s%s", command, is_default ? "" : " ", is_default ? "" : incident->name);
}

static guint64 sum_since(const GPtrArray *minutes, const char *counter, gint64 since)
{
	guint64 sum = 0;

	for (guint i = 0; i < minutes->len; i++) {
		const StatsMinute *minute = g_ptr_array_index(minutes, i);

		if (minute->minute >= since - since % 60)
			sum += stats_minute_get(minute, counter);
	}
	return sum;
}

/* --- one incident --- */

static void judge_promise(Judging *judging, const Incident *incident)
{
	gint64 promised = incident_promise(incident, judging->facts->config->playbook[incident->state.word].update_every);
	g_autofree char *at = NULL, *command = NULL;

	if (promised == 0 || !has_come(judging, promised + 1))
		return;
	at = clock_format(promised);
	command = command_for("update", incident);
	add(judging, ALARM_UPDATE_OVERDUE, incident, "%s: the update promised for %s has not come; write it, even if nothing is new (%s)",
	    incident->name, at, command);
}

static void judge_silence(Judging *judging, const Incident *incident)
{
	gint64 silence = judging->facts->config->silence, last = incident_last_word(incident);
	g_autofree char *since = NULL, *allowed = NULL, *command = NULL;

	if (silence == 0 || !has_come(judging, last + silence / 1000))
		return;
	since = clock_format(last);
	allowed = clock_format_duration(silence);
	command = command_for("update", incident);
	add(judging, ALARM_SILENCE, incident, "%s: no word since %s, longer than incident.silence (%s); say how it stands, even if nothing is new "
	    "(%s)", incident->name, since, allowed, command);
}

static void judge_forgotten(Judging *judging, const Incident *incident)
{
	const AlarmFacts *facts = judging->facts;
	gint64 allowed = facts->config->alarm_forgotten / 1000, last = incident_last_word(incident);
	const gint64 *matched;
	g_autofree char *since = NULL, *resolve = NULL;

	if (!has_come(judging, last + allowed))
		return;
	matched = facts->matched_at != NULL ? g_hash_table_lookup(facts->matched_at, incident->state.id) : NULL;
	if (matched == NULL) {
		judging->unknown[ALARM_FORGOTTEN] = true;
		return;
	}
	last = MAX(last, *matched);
	if (!has_come(judging, last + allowed))
		return;
	since = clock_format(last);
	resolve = command_for("resolve", incident);
	add(judging, ALARM_FORGOTTEN, incident, "%s is still %s, but neither mail nor word of it has come since %s; if it is over, end it (%s)",
	    incident->name, word_name(incident->state.word), since, resolve);
}

static void judge_postmortem(Judging *judging, const Incident *incident)
{
	const char *url = incident->texts[TEXT_POSTMORTEM_URL];
	g_autofree char *at = NULL, *resolve = NULL;
	gint64 due;

	/* One that was cleared and never resolved was a false alarm. */
	if (word_is_open(incident->state.word) || incident->state.resolved_at == 0 || (url != NULL && *url != '\0') ||
	    !clock_parse(incident->texts[TEXT_POSTMORTEM_DUE], &due) || !has_come(judging, due))
		return;
	at = clock_format(due);
	resolve = command_for("resolve", incident);
	add(judging, ALARM_POSTMORTEM_DUE, incident, "%s: the post-mortem was due at %s; set its address (%s --postmortem URL) or another time",
	    incident->name, at, resolve);
}

static void judge_regression(Judging *judging, const Incident *incident)
{
	const AlarmFacts *facts = judging->facts;
	gint64 limit = facts->config->alarm_still_affected, since = facts->now - REGRESSION_WINDOW;
	const GPtrArray *minutes;
	g_autofree char *declare = NULL;
	guint64 count;

	if (incident->state.word != WORD_RESOLVED || limit == 0 ||
	    !incident_is_active(incident, facts->now, facts->config->resolved_for / 1000))
		return;
	minutes = facts->incident_minutes != NULL ? g_hash_table_lookup(facts->incident_minutes, incident->state.id) : NULL;
	if (minutes == NULL) {
		judging->unknown[ALARM_REGRESSION] = true;
		return;
	}
	count = sum_since(minutes, "escalate:still-affected", MAX(since, incident->state.resolved_at));
	if (count < limit_of(judging, ALARM_REGRESSION, incident, limit))
		return;
	declare = command_for("declare", incident);
	add(judging, ALARM_REGRESSION, incident, "%s is resolved, but %" G_GUINT64_FORMAT " mail(s) within half an hour say that it is not; look "
	    "again, and if they are right, declare it anew (%s P1)", incident->name, count, declare);
}

static void say_cap(Judging *judging, const Incident *incident, gint64 at, const char *what)
{
	if (at != 0 && judging->facts->now - at < ALARM_CAPS_KEPT)
		add(judging, ALARM_CAPS, incident, "%s: %s", incident->name, what);
}

static const AlarmCaps *caps_of(const AlarmFacts *facts, const char *id)
{
	for (guint i = 0; facts->caps != NULL && i < facts->caps->len; i++) {
		const AlarmCaps *caps = g_ptr_array_index(facts->caps, i);

		if (strcmp(caps->id, id) == 0)
			return caps;
	}
	return NULL;
}

/* The worst of them is said. */
static void judge_caps(Judging *judging, const Incident *incident)
{
	const AlarmFacts *facts = judging->facts;
	const AlarmCaps *caps = caps_of(facts, incident->state.id);
	guint before = judging->alarms->len;

	if (!incident_is_active(incident, facts->now, facts->config->resolved_for / 1000))
		return;
	if (caps == NULL) {
		judging->unknown[ALARM_CAPS] = true;
		return;
	}
	say_cap(judging, incident, caps->full_at, "the queue is full (ack.queue_limit) and new customers are not answered; see that the replier "
	    "runs and that its relay takes mail");
	if (judging->alarms->len == before)
		say_cap(judging, incident, caps->held_at, "the cap of a domain or address is reached and its mail is not acknowledged; see whether "
		    "that is an attack or a customer (ack.domain_cap, ack.address_cap)");
	if (judging->alarms->len == before)
		say_cap(judging, incident, caps->delayed_at, "the site's cap is reached and acknowledgements leave later; raise ack.site_cap if the "
		    "relay can take more");
	/* Whether it has just been reached, who came on duty just now cannot tell. */
	if (judging->alarms->len == before && facts->now - caps->since < ALARM_CAPS_KEPT)
		judging->unknown[ALARM_CAPS] = true;
}

static void judge_incidents(Judging *judging)
{
	static const AlarmKind kinds[] = { ALARM_UPDATE_OVERDUE, ALARM_SILENCE, ALARM_POSTMORTEM_DUE, ALARM_REGRESSION, ALARM_CAPS,
		ALARM_FORGOTTEN };
	const Snapshot *snapshot = judging->facts->snapshot;

	for (gsize i = 0; snapshot == NULL && i < G_N_ELEMENTS(kinds); i++)
		judging->unknown[kinds[i]] = true;
	for (guint i = 0; snapshot != NULL && i < snapshot->incidents->len; i++) {
		const Incident *incident = g_ptr_array_index(snapshot->incidents, i);

		if (incident->state.id == NULL)
			continue;
		if (word_is_open(incident->state.word)) {
			judge_promise(judging, incident);
			judge_silence(judging, incident);
			judge_forgotten(judging, incident);
		}
		judge_postmortem(judging, incident);
		judge_regression(judging, incident);
		judge_caps(judging, incident);
	}
}

/* --- the site --- */

bool alarm_is_quiet(const Config *config, const Snapshot *snapshot, gint64 now)
{
	for (guint i = 0; i < snapshot->incidents->len; i++) {
		const IncidentState *state = &((const Incident *)g_ptr_array_index(snapshot->incidents, i))->state;

		if (word_is_open(state->word) ||
		    (state->word == WORD_RESOLVED && now - state->resolved_at < config->reopen_within / 1000))
			return false;
	}
	return true;
}

/* hour 0 = Monday 00:00 UTC; the epoch was a Thursday. */
static const BaselineHour *usual_at(const BaselineHour *baseline, gint64 now)
{
	const BaselineHour *hour = baseline != NULL ? &baseline[(now / 3600 + 3 * 24) % BASELINE_HOURS] : NULL;

	return hour != NULL && hour->weeks > 0 ? hour : NULL;
}

static void judge_surge(Judging *judging)
{
	const AlarmFacts *facts = judging->facts;
	const Config *config = facts->config;
	gint64 window = config->surge_window / 1000;
	const BaselineHour *usual = usual_at(facts->baseline, facts->now);
	guint64 least = limit_of(judging, ALARM_SURGE, NULL, config->surge_least), likely, writing;
	double factor = stands(judging, ALARM_SURGE, NULL) ? 1 + (config->surge_factor - 1) / 2 : config->surge_factor, rate;
	g_autofree char *span = NULL, *times = NULL;

	if (!config->stats_enabled || (facts->snapshot != NULL && !alarm_is_quiet(config, facts->snapshot, facts->now)))
		return;
	if (facts->snapshot == NULL || facts->minutes == NULL || facts->senders < 0) {
		judging->unknown[ALARM_SURGE] = true;
		return;
	}
	likely = sum_since(facts->minutes, "matched", facts->now - window);
	/* Senders are counted of all mail. Those of mail that reads like outage mail are no more than these, and no more than such mail. */
	writing = MIN((guint64)facts->senders, likely);
	rate = (double)MIN(sum_since(facts->minutes, "senders", facts->now - window), likely) * 60 / (double)window;
	if (writing < least || (usual != NULL && rate < factor * usual->senders))
		return;
	span = clock_format_duration(config->surge_window);
	times = usual != NULL && usual->senders > 0 ? g_strdup_printf(" (%.1f times the senders of any mail at this hour)", rate / usual->senders)
	                                            : g_strdup("");
	add(judging, ALARM_SURGE, NULL, "about %" G_GUINT64_FORMAT " senders write of an outage within %s%s, and nothing is declared; look, and if it "
	    "is one, declare it (outagectl declare P1)", writing, span, times);
}

static void judge_queue(Judging *judging)
{
	const AlarmFacts *facts = judging->facts;
	gint64 age = facts->config->alarm_queue_age / 1000 + facts->config->ack_delay / 1000, oldest;
	bool paused = facts->snapshot != NULL && facts->snapshot->pause != NULL;
	g_autofree char *since = NULL;

	if (facts->queue == NULL || facts->oldest_failed < 0) {
		judging->unknown[ALARM_QUEUE_STUCK] = true;
		return;
	}
	oldest = facts->queue->oldest;
	if (facts->oldest_failed != 0 && (oldest == 0 || facts->oldest_failed < oldest))
		oldest = facts->oldest_failed;
	if (oldest == 0 || !has_come(judging, oldest + age))
		return;
	since = clock_format(oldest);
	add(judging, ALARM_QUEUE_STUCK, NULL, paused ? "acknowledgements wait since %s, for sending is paused; let it go on if it may (outagectl "
	    "resume)" : "acknowledgements wait since %s; see that outage-replier runs and that its relay takes mail (outagectl status, outagectl acks "
	    "pending)", since);
}

static bool is_any_active(const AlarmFacts *facts)
{
	return facts->snapshot != NULL && snapshot_is_active(facts->snapshot, facts->now, facts->config->resolved_for / 1000);
}

static void judge_replier(Judging *judging)
{
	const AlarmFacts *facts = judging->facts;
	bool waiting = facts->queue != NULL && facts->queue->pending + facts->queue->delayed > 0;
	bool heard = facts->nodes != NULL && heard_program(facts->nodes, "outage-replier", facts->now);

	if (heard)
		return;
	if (facts->nodes == NULL || facts->snapshot == NULL || facts->queue == NULL || !has_come(judging, facts->joined + ALARM_GRACE))
		judging->unknown[ALARM_REPLIER_AWAY] = true;
	else if (waiting || is_any_active(facts))
		add(judging, ALARM_REPLIER_AWAY, NULL, "no outage-replier has been heard for a minute, and %s; start it (systemctl start "
		    "outage-replier)", waiting ? "acknowledgements wait" : "an incident is on");
}

static void judge_empty(Judging *judging)
{
	const Snapshot *snapshot = judging->facts->snapshot;

	judging->unknown[ALARM_STORE_EMPTY] = snapshot == NULL;
	/* A node that has been up for longer may know better. */
	if (snapshot != NULL && (snapshot->store_empty || (judging->facts->nodes != NULL && heard_empty(judging->facts->nodes, judging->facts->now))))
		add(judging, ALARM_STORE_EMPTY, NULL, "the store is empty: the flip key and all states vanished at once. Nodes go on tagging from memory "
		    "and hold acknowledgements back; declare the incident again, or clear it (outagectl declare, outagectl clear)");
}

static void judge_bounces(Judging *judging)
{
	const AlarmFacts *facts = judging->facts;
	gint64 limit = facts->config->alarm_bounces, since = facts->now - BOUNCES_WINDOW;
	bool whole;
	guint64 count = 0; /* of the hour */

	if (limit == 0)
		return;
	if (facts->events == NULL) {
		judging->unknown[ALARM_BOUNCES] = true;
		return;
	}
	whole = facts->events->len < ALARM_EVENTS;
	for (guint i = 0; i < facts->events->len; i++) {
		const StoreEvent *event = g_ptr_array_index(facts->events, i);

		whole |= event->at <= since;
		count += event->at > since && strcmp(event->what, "bounced") == 0;
	}
	if (count >= limit_of(judging, ALARM_BOUNCES, NULL, limit))
		add(judging, ALARM_BOUNCES, NULL, "%" G_GUINT64_FORMAT " of our letters came back within an hour; see why, before a relay or a provider "
		    "blocks us (outagectl log), and pause if it goes on (outagectl pause)", count);
	else if (!whole)
		judging->unknown[ALARM_BOUNCES] = true;
}

GPtrArray *alarm_judge(const AlarmFacts *facts, bool unknown[ALARMS], gint64 *next)
{
	Judging judging = {
		.facts = facts,
		.alarms = g_ptr_array_new_with_free_func((GDestroyNotify)alarm_free),
		.unknown = unknown,
	};

	for (guint i = 0; i < ALARMS; i++)
		unknown[i] = i == ALARM_STORE_AWAY;
	judge_incidents(&judging);
	judge_surge(&judging);
	judge_queue(&judging);
	judge_replier(&judging);
	judge_empty(&judging);
	judge_bounces(&judging);
	if (next != NULL)
		*next = judging.next;
	return judging.alarms;
}
