/* spread: the replier's second thread: finds out what is to be told besides acknowledgements, and claims a letter for each. Layer:
 * program.
 *
 * Notices that the operator ordered go to those who wrote in; what happens to an incident, to feed.recipients; and for mail that no person
 * has answered somebody is called (page.command, and a letter). The letters are claimed like acknowledgements, under tokens that follow
 * from whom they go to and what they are, so that any replier may begin again at any point and nobody gets a letter twice. The workers
 * (work.h) send them. */
#ifndef OUTAGE_REPLIER_SPREAD_H
#define OUTAGE_REPLIER_SPREAD_H

#include <glib.h>
#include <stdbool.h>

#include "config/config.h"
#include "outage-replier/work.h"

typedef struct Spread Spread;

/* Loads the site secret. config is referenced; worker, which must outlive this, is told when letters to our own people wait. NULL with
 * error. */
Spread *spread_new(Config *config, Worker *worker, GError **error);
void spread_free(Spread *spread);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Spread, spread_free)

/* To be called from another thread: take the new configuration from the next round on. */
void spread_reconfigure(Spread *spread, Config *config);
/* To be called from another thread: return from spread_run, after the call to the store at hand; a page.command that runs is killed. */
void spread_stop(Spread *spread);

/* Works until spread_stop, or with once through one round, whose calls it waits for. */
void spread_run(Spread *spread, bool once);

#endif
