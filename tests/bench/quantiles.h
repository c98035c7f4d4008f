/* quantiles: of times in microseconds (a GArray of gint64), and how the benches print them. Benchmarks only. */
#ifndef OUTAGE_TESTS_QUANTILES_H
#define OUTAGE_TESTS_QUANTILES_H

#include <glib.h>

/* For g_array_sort. */
int compare_times(gconstpointer a, gconstpointer b);

/* Of sorted times; part from 0 to 1. 0 where there are none. */
gint64 quantile(const GArray *times, double part);

/* Prints the quantiles of times (which it sorts) as members PREFIXp50_us, PREFIXp99_us, PREFIXmax_us of a JSON object, with a comma in
 * front. */
void print_quantiles(const char *prefix, GArray *times);

#endif
