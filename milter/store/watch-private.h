/* watch-private: what the watch's own files share. Layer: store, private to watch*.c. */
#ifndef OUTAGE_STORE_WATCH_PRIVATE_H
#define OUTAGE_STORE_WATCH_PRIVATE_H

#include "store/watch.h"

/* --- watch-accounts.c: a thread of its own that keeps the accounts current --- */

typedef struct Follower Follower;

/* config is referenced. It reads nothing before the first follower_wake. */
Follower *follower_start(Config *config, const char *node);
/* Tells it to end; does not wait. */
void follower_halt(Follower *follower);
/* Waits for its end, at most about config.store_timeout after follower_halt, and frees it. */
void follower_free(Follower *follower);
void follower_reconfigure(Follower *follower, Config *config);
/* The accounts in the store may have changed. */
void follower_wake(Follower *follower);
/* The newest accounts; never NULL. Release with accounts_unref. */
Accounts *follower_accounts(Follower *follower);
/* Returns whether they have been read at all; *broken: how many entries cannot be used. */
bool follower_has_read(Follower *follower, guint *broken);

/* --- watch-beat.c: what this node says of itself --- */

/* Returns the heartbeat's JSON, at most 4 KB on one line; caller frees. resolved_for: as incident_is_active. extra: members of an object
 * as text, `"name": value, ...`, or NULL; left out where they are no JSON or too long. */
char *beat_format(const Snapshot *snapshot, const WatchStats *stats, gint64 resolved_for, const char *extra);

#endif
