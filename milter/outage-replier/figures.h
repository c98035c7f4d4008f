/* figures: what this replier tells Prometheus and health checks (ops/metrics.h). Layer: program.
 *
 * What the workers count is in memory. What lies in the store (the queue, the nodes) is read by a thread of its own every few seconds
 * over a connection of its own, so that neither a request nor a letter waits for it; it is the same whichever replier tells it. */
#ifndef OUTAGE_REPLIER_FIGURES_H
#define OUTAGE_REPLIER_FIGURES_H

#include "ops/alarm.h"
#include "outage-replier/work.h"

typedef struct Figures Figures;

/* Where they come from; used until figures_stop. */
typedef struct {
	Worker *worker;
	Worker *spool;        /* or NULL */
	Alarms *alarms;       /* or NULL */
} FiguresSource;

/* Listens on metrics.replier and begins to read; with no such setting it does neither, and returns NULL. A port that cannot be had is a line in
 * the log, and NULL. */
Figures *figures_start(Config *config, const FiguresSource *source);
/* Within about config.store_timeout. NULL allowed, here and below. */
void figures_stop(Figures *figures);
void figures_reconfigure(Figures *figures, Config *config);
/* A reload has been done, or refused. */
void figures_note_reload(Figures *figures, bool done);

#endif
