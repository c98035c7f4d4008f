/* settle: the thread that brings what a node recorded by itself (spool.h) to the shared store, once that is back. Layer: store.
 *
 * Rows that were never sent claim in the store first, under their token, and are dropped where they lose; letters that left are adopted,
 * so that no other node answers again. Where the store is another one than before (snapshot.life: a failover, a restart, FLUSHALL),
 * it is told again of what it may have forgotten: first, at once, of the letters that left; some seconds later, when every node has done
 * that, of the claims it had taken. */
#ifndef OUTAGE_STORE_SETTLE_H
#define OUTAGE_STORE_SETTLE_H

#include <glib.h>

#include "store/spool.h"
#include "store/watch.h"

typedef struct Settle Settle;

/* Starts the thread. config is referenced; watch is used until settle_stop. Only for a shared store. */
Settle *settle_start(Config *config, const char *node, Watch *watch);
/* Stops and joins it: within about config.store_timeout, but where the name of a server is just being looked up, which ends when the
 * resolver gives up (getaddrinfo). After that only settle_wake, settle_knows, settle_counts, settle_spooled and settle_stop may be called, for
 * those who outlive it; what is known stays as it was. NULL allowed. */
void settle_halt(Settle *settle);
/* settle_halt, and frees it. NULL allowed. */
void settle_stop(Settle *settle);
void settle_reconfigure(Settle *settle, Config *config);

/* Has it look at once instead of within a second. From any thread, after something that may be a reason: somebody was to be recorded,
 * whatever became of that, or the store has been heard again. */
void settle_wake(Settle *settle);

/* Whether the store with that life (snapshot.h; may be NULL) has been told of all that this node knows. One that has not may have
 * forgotten whom it has answered: a claim there could answer somebody twice. False until what the spool remembers of that has been read;
 * true where the spool cannot be opened, for then there is nothing to tell. */
bool settle_knows(Settle *settle, const char *life);

/* What it did since its start. */
typedef struct {
	guint64 claimed;   /* brought to the store */
	guint64 lost;      /* dropped: somebody else had answered */
	guint64 ended;     /* dropped: the incident was over */
	guint64 adopted;   /* letters that the store was told of */
	guint64 twice;     /* letters of ours for which another node's mark stood: that customer got two */
	guint64 told_again; /* rows that a store without its memory was told of again */
} SettleCounts;
SettleCounts settle_counts(Settle *settle);

/* The rows of the spool as it last counted them, some seconds ago; all 0 before the first time. */
void settle_spooled(Settle *settle, SpoolCounts *counts);

#endif
