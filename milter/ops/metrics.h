/* metrics: figures for Prometheus and a health check over HTTP. Layer: ops. The only file that knows libmicrohttpd is metrics.c.
 *
 *     GET /metrics   text exposition format, version 0.0.4
 *     GET /healthz   200 "ok" or 503 and a line for each thing that is wrong
 *
 * Programs describe their figures when asked; nothing is kept here. */
#ifndef OUTAGE_OPS_METRICS_H
#define OUTAGE_OPS_METRICS_H

#include <glib.h>
#include <stdbool.h>

/* One answer being written. */
typedef struct MetricsPage MetricsPage;
typedef enum { METRIC_COUNTER, METRIC_GAUGE, METRIC_HISTOGRAM } MetricType;

/* Begins a family: name without the prefix "outage_", with its unit ("_seconds", "_bytes") and "_total" for a counter. help: one sentence. */
void metrics_family(MetricsPage *page, const char *name, MetricType type, const char *help);
/* One sample of the family begun last. Pairs of label, value (const char *), then NULL; values may be anything and are escaped. */
void metrics_sample(MetricsPage *page, double value, ...) G_GNUC_NULL_TERMINATED;
/* A family of one sample without labels. */
void metrics_single(MetricsPage *page, const char *name, MetricType type, double value, const char *help);
/* The samples of the histogram begun last: bounds[i] is the upper bound of counts[i], which holds what lies above the bound before;
 * counts[n] is what lies above all. */
void metrics_buckets(MetricsPage *page, const double *bounds, const guint64 *counts, guint n, double sum);

typedef struct Metrics Metrics;
/* describe: writes all figures; wrong: appends a line (char *) for each reason not to be healthy. Both are called from a thread of the
 * server's and must not block for long. */
typedef struct {
	void (*describe)(MetricsPage *page, gpointer data);
	void (*wrong)(GPtrArray *lines, gpointer data);
	gpointer data;
} MetricsSource;

/* Listens on `where` ("IP:PORT", "[IP6]:PORT"; "" = nowhere: NULL without error). NULL with OUTAGE_ERROR_SYSTEM where the port cannot be
 * had: the caller logs it and goes on. source is copied, its data used until metrics_stop. */
Metrics *metrics_start(const char *where, const MetricsSource *source, GError **error);
/* Ends the thread; connections are cut. NULL allowed. */
void metrics_stop(Metrics *metrics);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Metrics, metrics_stop)

/* Returns the port it listens on: for tests, which ask for port 0. */
guint metrics_port(const Metrics *metrics);

/* For tests: the page as it would be served; caller frees. */
char *metrics_render(const MetricsSource *source);

#endif
