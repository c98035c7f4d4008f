/* risks: what a store says of itself that puts marks and letters at risk. Layer: store.
 *
 * A Redis for this program has to keep what it was told: marks say who has been answered, jobs are letters that are owed. One that was
 * set up as a cache, throwing keys away or never writing to disk, works until the day that it matters. */
#ifndef OUTAGE_STORE_RISKS_H
#define OUTAGE_STORE_RISKS_H

#include "store/store.h"

/* The worst first. */
typedef enum {
	STORE_RISK_FULL,      /* its memory is used up, and it refuses to write */
	STORE_RISK_DISK,      /* it failed to write to disk */
	STORE_RISK_EVICTS,    /* with its memory used up it throws keys away */
	STORE_RISK_VOLATILE,  /* it does not write to disk */
	STORE_RISK_UNSAVED,   /* it has not written to disk for so long that it may never do so */
	STORE_RISK_OLD,       /* older than what this program is made for */
	STORE_RISKS
} StoreRisk;

/* Returns the name in log and metrics: "full", "disk", "evicts", "volatile", "unsaved", "old" (static). */
const char *store_risk_name(StoreRisk risk);

/* Returns what is wrong and what to do, on one line, or NULL where info (not NULL) shows no such risk. Caller frees. */
char *store_risk_text(const StoreInfo *info, StoreRisk risk);

/* Asks the store, and says in the log what has come (a warning) and what is over since `known`: a set of 1 << StoreRisk, 0 at the start.
 * Returns the set of now; `known` where the store does not say. One round trip. */
guint store_risks_look(Store *store, guint known);

#endif
