/* heard: which programs are running, by their heartbeats. Layer: ops. Pure. */
#ifndef OUTAGE_OPS_HEARD_H
#define OUTAGE_OPS_HEARD_H

#include <json-glib/json-glib.h>

#include "base/secret.h"
#include "store/store.h"

/* One that has said nothing for a minute is not running. */
#define HEARD_ALIVE_SECONDS 60

/* Adds to a heartbeat in the making what nodes have to agree on: "secret", a fingerprint of the site secret (secret_fingerprint), and "clock",
 * what this node's clock says in seconds, to be held against the store's. */
void heard_add_identity(JsonBuilder *builder, const Secret *secret);
/* Whether a heartbeat's JSON may be read: the reader recurses, and anybody may have written it. */
bool heard_is_flat(const char *json);
/* Returns whether one of nodes (StoreNode *) is that program ("outage-replier") and was heard within HEARD_ALIVE_SECONDS before now. */
bool heard_program(const GPtrArray *nodes, const char *program, gint64 now);
/* Returns whether one of them, heard lately, says that it finds the store empty. */
bool heard_empty(const GPtrArray *nodes, gint64 now);

#endif
