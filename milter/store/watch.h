/* watch: keeps the snapshot and the accounts current, each by a thread of its own. Layer: store. */
#ifndef OUTAGE_STORE_WATCH_H
#define OUTAGE_STORE_WATCH_H

#include <glib.h>
#include <stdbool.h>

#include "store/store.h"

typedef struct Watch Watch;

/* Starts the threads. config is referenced. on_change (may be NULL) is called from the thread after each new snapshot. */
Watch *watch_start(Config *config, const char *node, void (*on_change)(const Snapshot *snapshot, gpointer data), gpointer data);
/* Stops and joins them; at most about config.store_timeout. NULL allowed. */
void watch_stop(Watch *watch);
/* Takes a new configuration over (reload). */
void watch_reconfigure(Watch *watch, Config *config);

/* The newest snapshot; never NULL (before the first contact: the one kept in the state directory, else one with no incident and
 * taken_at 0). Release with snapshot_unref. */
Snapshot *watch_snapshot(Watch *watch);
/* Waits until there is one of a later generation, or until (clock_mono_us): then NULL. */
Snapshot *watch_newer_snapshot(Watch *watch, gint64 generation, gint64 until);
/* The newest accounts; never NULL. Release with accounts_unref. */
Accounts *watch_accounts(Watch *watch);
/* Waits until the first contact with the store or timeout_ms; returns true after contact. */
bool watch_wait_ready(Watch *watch, gint64 timeout_ms);

/* Returns true from the moment the store was found to be away until it is heard again. */
bool watch_is_away(Watch *watch);

typedef struct {
	bool away;
	guint64 losses;         /* how often the store was lost since the start */
	char *last_error;       /* what was said of it last, or NULL */
	gint64 last_error_at;   /* seconds since the epoch */
	guint problems;         /* what of the snapshot cannot be read now */
	guint64 problems_seen;  /* since the start */
	gint64 age;             /* seconds since the store was heard; -1 = never */
	bool accounts_read;     /* they have been read; until then there are none */
	guint accounts;
	guint accounts_broken;  /* entries that cannot be used */
	guint risks;            /* what the store said of itself last: 1 << StoreRisk (risks.h) */
} WatchStats;
void watch_stats(Watch *watch, WatchStats *stats);
void watch_stats_clear(WatchStats *stats);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(WatchStats, watch_stats_clear)

/* What the program adds to this node's heartbeat: extra(data) is called from the thread before each and returns members of a JSON object
 * as text (`"name": value, ...`), which is freed, or NULL. It must not block for long; data is used until watch_stop. */
void watch_set_extra(Watch *watch, char *(*extra)(gpointer data), gpointer data);

#endif
