/* alarm: what is wrong enough to wake somebody. Layer: ops.
 *
 * Three parts. alarm-judge.c is pure: from what is known of the site to the alarms that stand. alarm.c is a thread of the milter and of the
 * replier that judges and tells, alarm-gather.c what it reads of the store for that: of all processes the one on duty (store_alarm_duty)
 * looks at what concerns all; each looks at its own store connection by itself. An alarm is told (alarm-tell.c) as a log line
 * (event=alarm), an entry in outage:events, a metric (outage_alarm{alarm,incident}), and to alarm.command; then it is silent while
 * unchanged, repeated every alarm.repeat, and ends with an all-clear. A pause or the mode shadow silences none. */
#ifndef OUTAGE_OPS_ALARM_H
#define OUTAGE_OPS_ALARM_H

#include "config/config.h"
#include "ops/metrics.h"
#include "store/alarms.h"
#include "store/stats.h"

typedef enum {
	ALARM_SURGE,           /* support mail far above the baseline while nothing is declared */
	ALARM_REGRESSION,      /* after the fix, customers write that it is not fixed */
	ALARM_UPDATE_OVERDUE,  /* a promised update did not come */
	ALARM_SILENCE,         /* no update for incident.silence */
	ALARM_POSTMORTEM_DUE,
	ALARM_QUEUE_STUCK,     /* acknowledgements wait for longer than alarm.queue_age */
	ALARM_STORE_AWAY,      /* of one process; not judged by alarm_judge, and never in the store */
	ALARM_STORE_EMPTY,
	ALARM_REPLIER_AWAY,    /* none is heard, and letters wait or an incident is on */
	ALARM_CAPS,            /* a cap holds acknowledgements back */
	ALARM_BOUNCES,         /* many letters come back */
	ALARM_FORGOTTEN,       /* an incident is on, and neither mail nor word of it has come for alarm.forgotten */
	ALARMS
} AlarmKind;
/* "surge", "regression", "update-overdue", ... (static). */
const char *alarm_name(AlarmKind kind);
/* Returns the kind that a key is of; ALARMS where it is none that this program knows. */
AlarmKind alarm_kind_of(const char *key);

typedef struct {
	AlarmKind kind;
	char *incident, *id;   /* or NULL: of the site */
	char *text;            /* one line, in plain words, that ends with what to do; at most 1 KB */
} Alarm;
void alarm_free(Alarm *alarm);
/* "KIND" or "KIND:ID"; caller frees. */
char *alarm_key(const Alarm *alarm);
/* The other way: the incident's id of a key, and its name (both point into it, NULL where there is none). */
void alarm_key_parts(const char *key, const char **id, const char **incident);

/* How many of the newest events are looked at: for as many bounces as alarm.bounces may be, and what else there is among them. */
#define ALARM_EVENTS 2000
/* So long a cap is said to be reached after it has held something back, in seconds. */
#define ALARM_CAPS_KEPT 600
/* After it has reached the store a process does not yet know who else has, in seconds. */
#define ALARM_GRACE 5

/* What a cap has held back in one incident: when that was last seen to grow; 0 = not since `since`, when the counting was first read. */
typedef struct {
	char *id;
	gint64 since;
	gint64 held_at;        /* an address's or a domain's cap: not acknowledged */
	gint64 full_at;        /* ack.queue_limit: not acknowledged */
	gint64 delayed_at;     /* the site's cap: acknowledged later */
} AlarmCaps;
void alarm_caps_free(AlarmCaps *caps);

/* What is known; pointers are borrowed; what is unknown is NULL or, where marked, -1: no alarm is judged by it, and none that stands is
 * cleared (unknown). */
typedef struct {
	const Config *config;
	gint64 now;
	gint64 joined;                   /* when this process last came to the store: after an outage of it others are still coming */
	const Snapshot *snapshot;
	const QueueCounts *queue;
	gint64 oldest_failed;            /* when the mail was written whose acknowledgement has failed before and is tried again; 0 = none, -1 */
	const GPtrArray *nodes;          /* StoreNode * */
	const GPtrArray *minutes;        /* StatsMinute * of STATS_ALL: those of surge.window at least */
	GHashTable *incident_minutes;    /* id -> GPtrArray of StatsMinute *: the last half hour, of those resolved; one missing = unknown */
	GHashTable *matched_at;          /* id -> gint64 *: when mail of it last came, 0 = not within alarm.forgotten; one missing = unknown */
	const BaselineHour *baseline;    /* BASELINE_HOURS of them */
	gint64 senders;                  /* distinct, of all support mail in the window of surge.window; -1 */
	const GPtrArray *caps;           /* AlarmCaps * of the incidents that are on or resolved; one missing = unknown */
	const GPtrArray *events;         /* StoreEvent *, the newest first, ALARM_EVENTS at most */
	const GPtrArray *standing;       /* StoredAlarm *: what stands by the last look, or NULL: a count has to fall to half to clear one */
} AlarmFacts;
/* Returns the alarms that stand (Alarm *). unknown (of ALARMS, set by the call): kinds that could not be judged. *next (may be NULL): when the
 * next of them comes by time alone, 0 = none does. Pure. */
GPtrArray *alarm_judge(const AlarmFacts *facts, bool unknown[ALARMS], gint64 *next);

/* Whether nothing is on, nor was lately (incident.reopen_within): a surge now is one that nobody has declared. */
bool alarm_is_quiet(const Config *config, const Snapshot *snapshot, gint64 now);

/* The thread. */
typedef struct Alarms Alarms;
/* config is referenced; node copied. away(data): returns for how long (seconds) this process has not heard the store, 0 = it hears it; it is
 * called from the thread, until alarms_stop. */
Alarms *alarms_start(Config *config, const char *node, gint64 (*away)(gpointer data), gpointer data);
/* Kills an alarm.command that runs. NULL allowed. */
void alarms_stop(Alarms *alarms);
void alarms_reconfigure(Alarms *alarms, Config *config);
/* Writes outage_alarm{...} 1 for each that stands by what this process last knew; for MetricsSource.describe. */
void alarms_metrics(Alarms *alarms, MetricsPage *page);

#endif
