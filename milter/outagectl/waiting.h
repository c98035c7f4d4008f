/* waiting: who waits for a person, the largest accounts first. Layer: program. Pure, but for its reading. */
#ifndef OUTAGECTL_WAITING_H
#define OUTAGECTL_WAITING_H

#include "store/notes.h"

/* One mail that nobody has answered yet. Strings are NULL where there is none, and may be anything. */
typedef struct {
	char *account, *level, *kinds, *sender, *subject, *incident, *queue;
	gint64 since;          /* when it came, seconds */
	gint64 respond_by;     /* 0 = unset */
	guint calls;           /* how often somebody was called */
	gint64 called_at;      /* the last time; 0 = never */
	bool verified;         /* signed with this site's secret, or nobody could look */
} Waiting;
void waiting_free(Waiting *waiting);

/* Orders two (const Waiting *): accounts before others, by level (platinum, gold, silver, bronze, then other levels, then none), then by
 * when an answer is due, then who has waited longest. */
int waiting_compare(const Waiting *a, const Waiting *b);

bool waiting_is_overdue(const Waiting *waiting, gint64 now);

/* To open a note takes its time, and of 20,000 nobody reads the last: no more than so many are opened. */
#define WAITING_MAX 2000

/* Reads who waits (Waiting *), in that order: of accounts first, then those who have waited longest, WAITING_MAX at most. *count: how many
 * wait. secret: the site's, or NULL where it cannot be read: then nothing is verified. snapshot: the incidents that
 * they wrote about. NULL with error. Caller unrefs. */
GPtrArray *waiting_read(Store *store, const Secret *secret, const Snapshot *snapshot, guint *count, GError **error);

/* Returns one line about it for a person, escaped; caller frees. */
char *waiting_line(const Waiting *waiting, gint64 now);

#endif
