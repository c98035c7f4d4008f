/* watch: a thread that keeps the snapshot and the accounts current. Layer: store. */
#ifndef OUTAGE_STORE_WATCH_H
#define OUTAGE_STORE_WATCH_H

#include <glib.h>

#include "store/store.h"

typedef struct Watch Watch;

/* Starts the thread. config is referenced. on_change (may be NULL) is called from the thread after each new snapshot. */
Watch *watch_start(Config *config, const char *node, void (*on_change)(const Snapshot *snapshot, gpointer data), gpointer data);
/* Stops and joins it; at most config.store_timeout. NULL allowed. */
void watch_stop(Watch *watch);
/* Takes a new configuration over (reload). */
void watch_reconfigure(Watch *watch, Config *config);

/* The newest snapshot; never NULL (before the first contact: the one kept in the state directory, else one with no incident and
 * taken_at 0). Release with snapshot_unref. */
Snapshot *watch_snapshot(Watch *watch);
/* The newest accounts; never NULL. Release with accounts_unref. */
Accounts *watch_accounts(Watch *watch);
/* Waits until the first contact with the store or timeout_ms; returns true after contact. */
bool watch_wait_ready(Watch *watch, gint64 timeout_ms);

#endif
