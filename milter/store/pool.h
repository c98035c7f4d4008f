/* pool: a bounded number of open stores, and the circuit breaker before them: background threads connect, callbacks only borrow.
 * Layer: store. doc/library-traps.md 12 to 14. */
#ifndef OUTAGE_STORE_POOL_H
#define OUTAGE_STORE_POOL_H

#include <glib.h>

#include "store/store.h"

typedef struct StorePool StorePool;

/* Starts the connecting thread. config is referenced. */
StorePool *store_pool_new(Config *config, const char *node);
/* Closes all; waits for borrowed ones at most a second. NULL allowed. */
void store_pool_free(StorePool *pool);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(StorePool, store_pool_free)

/* Returns an open store by `until` (clock_mono_us), or NULL: none was free in time, or, at once, the store is known to be away. patient:
 * waits for one that is away, too. */
Store *store_pool_borrow(StorePool *pool, gint64 until, bool patient);
/* Gives it back. failure: why it is lost (store_is_lost), or NULL where it is well. It and the idle ones, which have as little to hope
 * for, are closed then, and until the store has answered again in the background nobody gets one. */
void store_pool_return(StorePool *pool, Store *store, const GError *failure);

/* Whether the store is known to be away. */
bool store_pool_is_away(StorePool *pool);
/* Returns since when it has been back (clock_mono_us); 0 where it has never been away. */
gint64 store_pool_back_since(StorePool *pool);
/* Returns how often it was lost; *last_error: why the last time, or NULL; caller frees. */
guint64 store_pool_losses(StorePool *pool, char **last_error);

/* Takes a new configuration over (reload; referenced): what is borrowed from now on has been opened under it. What is out is closed
 * when it comes back. */
void store_pool_reconfigure(StorePool *pool, Config *config);

#endif
