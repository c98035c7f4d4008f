/* times: see times.h. Layer: ops. */
#include "ops/times.h"

#include <stdatomic.h>

static const gint64 bounds_us[] = { 500, 1000, 2500, 5000, 10000, 25000, 50000, 100000, 250000, 500000, 1000000, 2500000, 10000000 };
#define BOUNDS G_N_ELEMENTS(bounds_us)

struct Times {
	atomic_uint_fast64_t counts[BOUNDS + 1];
	atomic_uint_fast64_t sum_us;
};

Times *times_new(void)
{
	return g_new0(Times, 1);
}

void times_free(Times *times)
{
	g_free(times);
}

void times_add(Times *times, gint64 micros)
{
	gsize i = 0;

	while (i < BOUNDS && micros > bounds_us[i])
		i++;
	atomic_fetch_add_explicit(&times->counts[i], 1, memory_order_relaxed);
	atomic_fetch_add_explicit(&times->sum_us, (guint64)MAX(micros, 0), memory_order_relaxed);
}

void times_metrics(Times *times, MetricsPage *page, const char *name, const char *help)
{
	guint64 counts[BOUNDS + 1];
	double bounds[BOUNDS];

	for (gsize i = 0; i <= BOUNDS; i++)
		counts[i] = atomic_load_explicit(&times->counts[i], memory_order_relaxed);
	for (gsize i = 0; i < BOUNDS; i++)
		bounds[i] = (double)bounds_us[i] / G_USEC_PER_SEC;
	metrics_family(page, name, METRIC_HISTOGRAM, help);
	metrics_buckets(page, bounds, counts, BOUNDS,
	    (double)atomic_load_explicit(&times->sum_us, memory_order_relaxed) / G_USEC_PER_SEC);
}
