/* erase: what the store holds of one person, to be shown to him or forgotten. Layer: store. As store.h. Promise 6 of
 * doc/contract.md.
 *
 * What is kept under his hash is found by name; what is not (mails that wait, letters of the queue) is gone through. What a node keeps by
 * itself (store/spool.h) goes once it hears of the event "forgot" (spool_forget). Figures without a name stay, and so do, until
 * privacy.retention ends them, the keyed hashes by which senders are told apart and an answer finds its mail (store/stats.h). */
#ifndef OUTAGE_STORE_ERASE_H
#define OUTAGE_STORE_ERASE_H

#include "store/store.h"

/* What one place holds of the person. */
typedef struct {
	char *place;           /* "wrote in ID", "waits", "wrote lately", "letter waiting", "acknowledgement ID KIND", "affected ID", ... */
	gint64 at;             /* seconds; 0 = not known */
	char *text;            /* what stands there: JSON, or one line; "" where that it stands there is all. No signature */
	bool stays;            /* store_forget leaves it: the incident is on, and without it he would be written to again */
} ErasePart;
void erase_part_free(ErasePart *part);

/* What is kept under hash (secret_address_hash of address) or names address (normalised). ErasePart *, in no order. Goes through
 * all keys of the store: for an operator, not for every mail. */
GPtrArray *store_export(Store *store, const char *hash, const char *address, GError **error);

/* Takes it away: letters that wait for him first, then notes on his mails, then the rest. Marks and opt-outs of incidents that are on or
 * just resolved stay; they hold no more than a keyed hash, and end by themselves. Leaves the event "forgot" with hash as name. *parts: how
 * many went. Where it fails half-way (false with error), it is to be called again. */
bool store_forget(Store *store, const char *hash, const char *address, const char *by, guint *parts, GError **error);

#endif
