/* alarms: which alarms stand, so that of all nodes and repliers one tells of each. Layer: store. As store.h. Key: outage:alarms. */
#ifndef OUTAGE_STORE_ALARMS_H
#define OUTAGE_STORE_ALARMS_H

#include "store/store.h"

typedef enum {
	ALARM_QUIET,           /* stands already, and was told of: say nothing */
	ALARM_RAISED,          /* it is new: this caller tells of it */
	ALARM_REPEATED         /* it stood, and was last told of so long ago that this caller tells again */
} AlarmTell;

/* key: [a-z-]{1,32}, followed by ":ID" of an incident ([A-Za-z0-9_-]{1,64}) where it is of one. text: one line of UTF-8, at most 1 KB; of
 * one that stands already it takes the place of the text before. by NULL = this node. repeat_seconds: 0 = it is never told of again.
 * Leaves the event "alarm" (name = key, detail = text) where it was raised, not where it was repeated. OUTAGE_ERROR_INVALID where key or
 * text can be none, or where more stand than there are alarms to raise. */
bool store_alarm_raise(Store *store, const char *key, const char *text, const char *by, gint64 repeat_seconds, AlarmTell *tell,
    GError **error);
/* *was: it stood, and this call took it away: the caller gives the all-clear; *since (may be NULL): when it was raised, in seconds since
 * the epoch, 0 where it did not stand. Leaves the event "all-clear" (name = key, detail = the text it had). */
bool store_alarm_clear(Store *store, const char *key, const char *by, bool *was, gint64 *since, GError **error);

/* text and by may be anything that is UTF-8. */
typedef struct { char *key, *text, *by; gint64 since, told_at; } StoredAlarm;
void stored_alarm_free(StoredAlarm *alarm);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(StoredAlarm, stored_alarm_free)
/* Those that stand (StoredAlarm *), oldest first. */
GPtrArray *store_alarms(Store *store, GError **error);

/* The duty of looking at what concerns all nodes: one process has it at a time, for `seconds` after each call. A process
 * is still itself after it has opened its store anew. seconds 0 = it gives it away, if it has it. */
bool store_alarm_duty(Store *store, gint64 seconds, bool *mine, GError **error);

#endif
