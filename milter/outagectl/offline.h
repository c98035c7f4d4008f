/* offline: deciding on mail in files, without a store and a site: for `check` and `evaluate`. Layer: program. */
#ifndef OUTAGECTL_OFFLINE_H
#define OUTAGECTL_OFFLINE_H

#include "config/config.h"
#include "incident/incident.h"

/* Makes config one that decides: live, and where it names no support address, with rcpt (may be NULL: any) as the only one. */
void offline_prepare(Config *config, const char *rcpt);

/* Returns a snapshot with the incident `default`, without texts, in the state of word since now; without any for WORD_NONE.
 * Caller unrefs. */
Snapshot *offline_snapshot(Word word, gint64 now);

#endif
