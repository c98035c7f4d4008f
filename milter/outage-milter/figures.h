/* figures: what this milter tells Prometheus and health checks (ops/metrics.h). Layer: program. Knows no libmilter.
 *
 * All of it is in memory already: a request asks neither store nor DNS, and takes each lock for a copy only. */
#ifndef OUTAGE_MILTER_FIGURES_H
#define OUTAGE_MILTER_FIGURES_H

#include "ops/alarm.h"
#include "outage-milter/claims.h"
#include "outage-milter/counts.h"
#include "outage-milter/notes.h"
#include "outage-milter/service.h"
#include "spf/client.h"
#include "store/watch.h"

typedef struct Figures Figures;

/* Where they come from; all of it is used until figures_stop. */
typedef struct {
	Service *service;
	Watch *watch;
	Claims *claims;
	Notes *notes;
	SpfClient *spf;       /* or NULL */
	Counts *counts;       /* or NULL */
	Alarms *alarms;       /* or NULL */
} FiguresSource;

/* Begins to count, and listens on metrics.milter. A port that cannot be had is a line in the log. */
Figures *figures_start(const Config *config, const FiguresSource *source);
/* Stops listening. The counting may go on: a session that outlived the drain may still use it. */
void figures_stop(Figures *figures);

/* The milter takes mail, or does so no longer. */
void figures_set_listening(Figures *figures, bool listening);
/* A reload has been done, or refused. */
void figures_note_reload(Figures *figures, bool done);
/* A mail has been decided; micros: what it took. What was decided, counts.h counts. */
void figures_note_message(Figures *figures, gint64 micros);

#endif
