/* alarm-private: what the files alarm*.c share besides alarm.h. Layer: ops, private to alarm*.c. */
#ifndef OUTAGE_OPS_ALARM_PRIVATE_H
#define OUTAGE_OPS_ALARM_PRIVATE_H

#include "ops/alarm.h"

/* --- alarm-gather.c: reads of the store what is to be judged, and remembers what one reading does not tell --- */

typedef struct Gatherer Gatherer;
Gatherer *gatherer_new(void);
void gatherer_free(Gatherer *gatherer);
/* The store has been opened: it may be another, and others are coming to it too. */
void gatherer_join(Gatherer *gatherer);
/* Fills facts with what the store says; they are valid until the next call. standing is borrowed. What cannot be read is unknown; false with
 * error where the store was lost. */
bool gatherer_look(Gatherer *gatherer, Store *store, const Config *config, const GPtrArray *standing, AlarmFacts *facts, GError **error);

/* --- alarm-tell.c: the log, and alarm.command --- */

typedef struct Teller Teller;
/* node is copied. */
Teller *teller_new(const char *node);
/* Kills the command that runs, and drops those that wait. */
void teller_free(Teller *teller);

typedef struct {
	const char *key;   /* of store/alarms.h */
	const char *state; /* "raised", "repeated", "cleared" */
	const char *text;
	gint64 since;      /* seconds since the epoch: when it was raised */
} AlarmNews;
/* Writes the log line and has alarm.command run by a thread of its own; one after another, in the order of the news. */
void teller_tell(Teller *teller, const Config *config, const AlarmNews *news);

#endif
