/* quantiles: see quantiles.h. Benchmarks only. */
#include "quantiles.h"

#include <stdio.h>

int compare_times(gconstpointer a, gconstpointer b)
{
	gint64 left = *(const gint64 *)a, right = *(const gint64 *)b;
	return (left > right) - (left < right);
}

gint64 quantile(const GArray *times, double part)
{
	return times->len > 0 ? g_array_index(times, gint64, (guint)(part * (times->len - 1))) : 0;
}

void print_quantiles(const char *prefix, GArray *times)
{
	g_array_sort(times, compare_times);
	printf(", \"%sp50_us\": %" G_GINT64_FORMAT ", \"%sp99_us\": %" G_GINT64_FORMAT ", \"%smax_us\": %" G_GINT64_FORMAT, prefix,
	    quantile(times, 0.5), prefix, quantile(times, 0.99), prefix, quantile(times, 1.0));
}
