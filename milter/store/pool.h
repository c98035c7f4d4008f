/* pool: a bounded number of open stores; background threads connect, callbacks only borrow. Layer: store. milter-facts 18, 22a. */
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

/* Returns an open store within wait_ms, or NULL at once where the store is known to be away. */
Store *store_pool_borrow(StorePool *pool, gint64 wait_ms);
/* Gives it back; broken = it failed: it and the idle ones, which have as little to hope for, are closed, and new ones made in the
 * background. */
void store_pool_return(StorePool *pool, Store *store, bool broken);

/* Takes a new configuration over (reload; referenced): what is borrowed from now on has been opened under it. What is out is closed
 * when it comes back. */
void store_pool_reconfigure(StorePool *pool, Config *config);

#endif
