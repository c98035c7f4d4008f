/* claims: acknowledgements claimed for the callbacks, whatever the store is doing. Layer: program. Knows no libmilter.
 *
 * A shared store (Redis) is asked within store.budget. Where it is away, the claim is recorded on this node (store/spool.h); where its
 * outcome is unknown, it is recorded to be asked again. */
#ifndef OUTAGE_MILTER_CLAIMS_H
#define OUTAGE_MILTER_CLAIMS_H

#include <glib.h>
#include <json-glib/json-glib.h>

#include "base/secret.h"
#include "store/watch.h"

typedef struct Claims Claims;

/* Starts the threads. config is referenced; secret and watch are used until claims_stop. */
Claims *claims_start(Config *config, const Secret *secret, const char *node, Watch *watch);
/* Writes what is still to be written and stops recorder and settle. It is not taken apart: a session that outlived the drain may still
 * ask, and is told that the store is away. */
void claims_stop(Claims *claims);
/* Takes a new configuration over (reload; referenced). */
void claims_reconfigure(Claims *claims, Config *config);

/* Claims what request asks for, within config.store_budget. config: that of the message. */
ClaimAnswer claims_ask(Claims *claims, const Config *config, const ClaimRequest *request);

/* For a claim that was answered with CLAIM_ENDED, after the message was decided by the newest snapshot: where that still has the incident
 * on, the store has lost or does not believe its state, and the claim waits on the node until both say the same. Else CLAIM_ENDED. */
ClaimAnswer claims_hold_ended(Claims *claims, const Config *config, const ClaimRequest *request);

/* Keeps further mail from the address with that hash (store_block), within config.store_budget. False with error. */
bool claims_block(Claims *claims, const Config *config, const char *hash, const char *why, GError **error);

/* Adds members about claims, breaker and spool to the object that builder is in: for the heartbeat. */
void claims_describe(Claims *claims, JsonBuilder *builder);

/* Writes one line about how the claiming has gone. */
void claims_log(Claims *claims);

#endif
