/* watchdog: whether the threads of this program still get round, for the service manager's watchdog. Layer: base.
 *
 * A program is alive as long as none of its watched pieces of work goes on for longer than it ever may: each has deadlines of its own, so
 * that what lasts longer stands still in a lock, or turns in a loop. Whoever waits outside these deadlines (for work, for a resolver that no
 * deadline of ours bounds) says so first and is not judged meanwhile: a store, a DNS or a relay that is away is no reason for a restart. */
#ifndef OUTAGE_BASE_WATCHDOG_H
#define OUTAGE_BASE_WATCHDOG_H

#include <glib.h>
#include <stdbool.h>

typedef struct Watched Watched;

/* A piece of work that comes again and again. name (kept by pointer): for the log. limit: so many seconds may pass in it without a sign of
 * life. To be freed after the last thread has ended it; NULL is fine. */
Watched *watched_new(const char *name, guint limit);
void watched_free(Watched *watched);

/* The calling thread takes it up, lays it down, or has come round in it. Several threads may be in it at once: then it stands still when
 * none of them comes round. From any thread; they wait for nothing. NULL is fine. */
void watched_begin(Watched *watched);
void watched_end(Watched *watched);
void watched_beat(Watched *watched);

/* Looks at all of them, once every `interval` seconds of running: time in which this process was stopped or the machine slept counts as one
 * interval at most. Returns false where one stands still, and logs which once. From one thread. */
bool watchdog_check(guint interval);

#endif
