/* redis-reading: one reading of all incidents from Redis, shared by redis-snapshot.c (the whole) and redis-reading.c (one incident).
 * Layer: store, private to those two. */
#ifndef OUTAGE_STORE_REDIS_READING_H
#define OUTAGE_STORE_REDIS_READING_H

#include "store/redis-private.h"

#define INCIDENTS_MAX 64

/* What snapshot.lua sends for each incident. */
enum { PART_NAME, PART_STATE, PART_TEXTS, PART_UPDATE, PARTS };

typedef struct {
	const char *name;             /* of the answer */
	redisReply *const *parts;     /* PARTS of the answer */
	bool has_flip;                /* something is there, readable or not */
	bool unread;                  /* ... and it is not readable */
	Word flip;
	bool pending;                 /* the flip word has not been acted on */
	bool vanished;                /* state and flip are gone, and it was on */
} Candidate;

typedef struct {
	RedisStore *store;
	const Snapshot *last;         /* or NULL */
	Snapshot *snapshot;           /* being filled */
	GArray *candidates;           /* Candidate */
	gint64 now_ms;                /* by the clock of Redis */
	bool anything;                /* a flip key or a state is there */
} Reading;

/* Notes what could not be read. The words must be the same at every reading, for they are said once: no ages, no clock. */
void reading_problem(Reading *reading, const char *format, ...) G_GNUC_PRINTF(2, 3);

/* Returns true where the value is what was asked for, or not there. Otherwise a problem is noted: it is too long, or the key is no `kind`. */
bool reading_usable(Reading *reading, const redisReply *value, const char *key, const char *kind);

/* Returns the incident as the last snapshot has it, or NULL. */
const Incident *reading_last(const Reading *reading, const char *name);

/* Reads one incident into the snapshot. candidate->pending is set where its flip word is still to be acted on: then what was read now
 * counts only if that fails. candidate->vanished: that is to be said where the store is not empty altogether. */
void reading_incident(Reading *reading, Candidate *candidate);

#endif
