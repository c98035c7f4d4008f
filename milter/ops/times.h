/* times: how long something took, counted by bucket for a histogram, by any number of threads without a lock. Layer: ops. */
#ifndef OUTAGE_OPS_TIMES_H
#define OUTAGE_OPS_TIMES_H

#include "ops/metrics.h"

typedef struct Times Times;

Times *times_new(void);
void times_free(Times *times);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Times, times_free)

/* Counts one duration, in microseconds (below 0 counts as 0). Two atomic additions. */
void times_add(Times *times, gint64 micros);
/* Writes the histogram name ("..._seconds"): from half a millisecond to ten seconds. */
void times_metrics(Times *times, MetricsPage *page, const char *name, const char *help);

#endif
