/* counts: what is counted of support mail, brought to the store behind the mails' backs. Layer: program. Knows no libmilter.
 *
 * A callback adds to the minute at hand in memory; a thread writes what has come together every few seconds, in one round trip
 * (store/stats.h). While the store is away the minutes wait, an hour of them at most. Once an hour the thread that comes first, of all
 * nodes, lets the store learn how much mail the hour before had. */
#ifndef OUTAGE_MILTER_COUNTS_H
#define OUTAGE_MILTER_COUNTS_H

#include <glib.h>

#include "base/secret.h"
#include "inspect/verdict.h"
#include "ops/metrics.h"
#include "store/watch.h"

typedef struct Counts Counts;

/* Starts the thread. config is referenced, node copied; secret and watch (NULL: nothing is ever on) are used until counts_stop. */
Counts *counts_start(Config *config, const Secret *secret, const char *node, Watch *watch);
/* Writes what is there, for at most drain_ms and one call to the store. It is not taken apart: a session that outlived the drain may still
 * call, and is not heard. */
void counts_stop(Counts *counts, gint64 drain_ms);
/* After counts_stop, where nobody can call any more. */
void counts_free(Counts *counts);
void counts_reconfigure(Counts *counts, Config *config);

/* The four below wait for nothing. Where stats.enabled is off they count only for counts_metrics. */

/* One mail to a support address, after verdict_fold. key: what an answer finds it by (facts_key_of), or NULL, where nothing
 * is to be known of answers to it; micros: what it took. */
void counts_add_mail(Counts *counts, const Verdict *verdict, const char *key, gint64 micros);
/* One mail to a support address while nothing is on. supposed: how it was decided by facts_suppose, or NULL where it was not looked into;
 * likely: facts_is_likely. */
void counts_add_quiet(Counts *counts, const Verdict *supposed, bool likely, gint64 micros);
/* By which client (textual IP; NULL: not known) a mail of a person came in whose sender nobody vouches for; verdict as in the two above,
 * NULL: nothing. Of more than COUNTS_CLIENTS in a minute only that they were: a gateway that nearly all come by is among the first few, and
 * the addresses are kept as long as all figures. */
#define COUNTS_CLIENTS 4
void counts_add_client(Counts *counts, const Verdict *verdict, const char *client);
/* A person's answer has passed: keys (char *, outbound_keys) are copied. */
void counts_add_answer(Counts *counts, const GPtrArray *keys);

/* Writes what this node has counted since its start: outage_messages_total{...} and the like. */
void counts_metrics(Counts *counts, MetricsPage *page);

#endif
