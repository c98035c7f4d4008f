/* figures: see figures.h. Layer: program. */
#include "outage-replier/figures.h"

#include "base/clock.h"
#include "base/log.h"
#include "store/stats.h"
#include "store/store.h"

#define READ_EVERY_US (5 * G_USEC_PER_SEC)
#define RETRY_US (2 * G_USEC_PER_SEC)

struct Figures {
	FiguresSource source;
	gint64 started_at;
	GThread *reader;
	Metrics *server;
	GMutex lock;          /* over what follows */
	GCond wake;
	Config *config;
	bool changed, stopping;
	bool reload_failed;
	guint64 reloads, failed_reloads;
	gint64 read_at;       /* clock_mono_us of the newest reading; 0 = none yet */
	QueueCounts queue;
	GPtrArray *nodes;     /* StoreNode *, or NULL */
	BaselineHour usual;   /* of the hour of the week at hand; weeks 0: not known */
};

/* --- reading --- */

/* Takes the newest configuration; false where it is time to stop. */
static bool take_config(Figures *figures, Config **config, bool *changed)
{
	bool go_on;

	g_mutex_lock(&figures->lock);
	*config = config_ref(figures->config);
	*changed = figures->changed;
	figures->changed = false;
	go_on = !figures->stopping;
	g_mutex_unlock(&figures->lock);
	return go_on;
}

static void rest(Figures *figures, gint64 micros)
{
	gint64 until = g_get_monotonic_time() + micros;

	g_mutex_lock(&figures->lock);
	while (!figures->stopping && !figures->changed && g_cond_wait_until(&figures->wake, &figures->lock, until))
		;
	g_mutex_unlock(&figures->lock);
}

/* The worker says in the log that the store is away; this thread need not say it again. */
static bool read_once(Figures *figures, Store *store)
{
	BaselineHour usual[BASELINE_HOURS];
	QueueCounts queue;
	GPtrArray *nodes = NULL, *before;

	if (!store_queue_counts(store, &queue, NULL) || !store_baseline(store, usual, NULL) || (nodes = store_nodes(store, NULL)) == NULL)
		return false;
	g_mutex_lock(&figures->lock);
	before = figures->nodes;
	figures->nodes = nodes;
	figures->queue = queue;
	figures->usual = usual[baseline_hour(clock_now())];
	figures->read_at = clock_mono_us();
	g_mutex_unlock(&figures->lock);
	g_clear_pointer(&before, g_ptr_array_unref);
	return true;
}

static gpointer read_on(gpointer data)
{
	Figures *figures = data;
	g_autofree char *node = NULL;
	Store *store = NULL;

	for (;;) {
		g_autoptr(Config) config = NULL;
		bool changed, ok;

		if (!take_config(figures, &config, &changed))
			break;
		if (node == NULL)
			node = g_strdup_printf("%s/figures", config_node(config));
		if (changed)
			g_clear_pointer(&store, store_close);
		if (store == NULL)
			store = store_open(config, node, NULL);
		ok = store != NULL && read_once(figures, store);
		if (!ok)
			g_clear_pointer(&store, store_close);
		rest(figures, ok ? READ_EVERY_US : RETRY_US);
	}
	store_close(store);
	return NULL;
}

/* --- telling --- */

static void describe_program(Figures *figures, MetricsPage *page)
{
	bool failed;
	guint64 done, refused;

	g_mutex_lock(&figures->lock);
	failed = figures->reload_failed;
	done = figures->reloads;
	refused = figures->failed_reloads;
	g_mutex_unlock(&figures->lock);
	metrics_family(page, "build_info", METRIC_GAUGE, "Always 1; says which program this is.");
	metrics_sample(page, 1, "program", "outage-replier", "version", PACKAGE_VERSION, NULL);
	metrics_single(page, "start_timestamp_seconds", METRIC_GAUGE, (double)figures->started_at, "When this process started.");
	metrics_single(page, "config_last_reload_successful", METRIC_GAUGE, !failed,
	    "Whether the last reload took the configuration over; 0: the one before is in force.");
	metrics_family(page, "config_reloads_total", METRIC_COUNTER, "Reloads asked for.");
	metrics_sample(page, (double)done, "result", "done", NULL);
	metrics_sample(page, (double)refused, "result", "refused", NULL);
}

static void add_counts(WorkerFigures *sum, Worker *worker)
{
	WorkerFigures one;

	worker_figures(worker, &one);
	for (guint i = 0; i < WORK_OUTCOMES; i++)
		sum->outcomes[i] += one.outcomes[i];
	for (guint i = 0; i < G_N_ELEMENTS(one.sent); i++)
		sum->sent[i] += one.sent[i];
}

static void describe_work(const Figures *figures, MetricsPage *page)
{
	static const char *const classes[] = { [LETTER_ACK] = "acknowledgement", [LETTER_NOTICE] = "notice", [LETTER_STAFF] = "staff" };
	static const char *const outcomes[WORK_OUTCOMES] = { [WORK_RETRIED] = "retried", [WORK_HELD] = "held", [WORK_WITHDRAWN] = "withdrawn",
		[WORK_BURIED] = "buried" };
	WorkerFigures sum;

	worker_figures(figures->source.worker, &sum);
	metrics_single(page, "store_up", METRIC_GAUGE, sum.heard && sum.away == 0, "Whether this process hears the store.");
	metrics_single(page, "relay_up", METRIC_GAUGE, !sum.relay_trouble, "Whether the relay took the last letter; 1 before the first.");
	if (figures->source.spool != NULL)
		add_counts(&sum, figures->source.spool);
	metrics_family(page, "letters_sent_total", METRIC_COUNTER, "Letters that the relay took from this replier.");
	for (guint i = 0; i < G_N_ELEMENTS(classes); i++)
		metrics_sample(page, (double)sum.sent[i], "class", classes[i], NULL);
	metrics_family(page, "letters_unsent_total", METRIC_COUNTER, "Turns of this replier that ended without a letter.");
	for (guint i = 0; i < WORK_OUTCOMES; i++)
		metrics_sample(page, (double)sum.outcomes[i], "outcome", outcomes[i], NULL);
}

static void describe_nodes(const GPtrArray *nodes, gint64 now, MetricsPage *page)
{
	metrics_family(page, "node_heartbeat_age_seconds", METRIC_GAUGE, "Since each milter (node) and replier (node/replier) was last heard.");
	for (guint i = 0; nodes != NULL && i < nodes->len; i++) {
		const StoreNode *node = g_ptr_array_index(nodes, i);

		metrics_sample(page, (double)MAX(0, now - node->at), "node", node->node, NULL);
	}
}

static void describe_queue(Figures *figures, MetricsPage *page)
{
	gint64 now = clock_now(), now_us = clock_mono_us();

	g_mutex_lock(&figures->lock);
	metrics_family(page, "queue_reading_age_seconds", METRIC_GAUGE, "How old the figures of queue and nodes are; absent before the first reading.");
	if (figures->read_at != 0)
		metrics_sample(page, (double)(now_us - figures->read_at) / G_USEC_PER_SEC, NULL);
	metrics_family(page, "queue_jobs", METRIC_GAUGE, "Letters in the store's queue, by state.");
	if (figures->read_at != 0) {
		metrics_sample(page, (double)(figures->queue.pending - MIN(figures->queue.taken, figures->queue.pending)), "state", "due", NULL);
		metrics_sample(page, (double)figures->queue.taken, "state", "in_hand", NULL);
		metrics_sample(page, (double)figures->queue.delayed, "state", "delayed", NULL);
		metrics_sample(page, (double)figures->queue.dead, "state", "dead", NULL);
	}
	metrics_family(page, "queue_oldest_seconds", METRIC_GAUGE, "How long the letter that has waited longest has waited; 0 where none does.");
	if (figures->read_at != 0)
		metrics_sample(page, figures->queue.oldest != 0 ? (double)MAX(0, now - figures->queue.oldest) : 0, NULL);
	metrics_family(page, "queue_sent_total", METRIC_COUNTER, "Letters sent by all repliers, ever.");
	if (figures->read_at != 0)
		metrics_sample(page, (double)figures->queue.sent, NULL);
	describe_nodes(figures->nodes, now, page);
	metrics_family(page, "baseline_messages_per_minute", METRIC_GAUGE,
	    "Support mail that this hour of the week usually has; absent until it has been learned.");
	if (figures->usual.weeks > 0)
		metrics_sample(page, figures->usual.mails, NULL);
	g_mutex_unlock(&figures->lock);
}

static void describe(MetricsPage *page, gpointer data)
{
	Figures *figures = data;

	describe_program(figures, page);
	describe_work(figures, page);
	describe_queue(figures, page);
	if (figures->source.alarms != NULL)
		alarms_metrics(figures->source.alarms, page);
}

static void wrong(GPtrArray *lines, gpointer data)
{
	const Figures *figures = data;
	WorkerFigures now;

	worker_figures(figures->source.worker, &now);
	if (!now.heard)
		g_ptr_array_add(lines, g_strdup("the store has not been heard since the start"));
	else if (now.away != 0)
		g_ptr_array_add(lines, g_strdup_printf("the store has been away for %" G_GINT64_FORMAT " seconds", now.away));
}

/* --- start and stop --- */

static void figures_free(Figures *figures)
{
	config_unref(figures->config);
	g_clear_pointer(&figures->nodes, g_ptr_array_unref);
	g_mutex_clear(&figures->lock);
	g_cond_clear(&figures->wake);
	g_free(figures);
}

Figures *figures_start(Config *config, const FiguresSource *source)
{
	Figures *figures = g_new0(Figures, 1);
	const MetricsSource served = { .describe = describe, .wrong = wrong, .data = figures };
	g_autoptr(GError) error = NULL;

	figures->source = *source;
	figures->started_at = clock_now();
	figures->config = config_ref(config);
	g_mutex_init(&figures->lock);
	g_cond_init(&figures->wake);
	figures->server = metrics_start(config->metrics_replier, &served, &error);
	if (error != NULL)
		log_warning("no figures are served (metrics.replier): %s", error->message);
	if (figures->server == NULL) {
		figures_free(figures);
		return NULL;
	}
	figures->reader = g_thread_new("figures", read_on, figures);
	return figures;
}

void figures_stop(Figures *figures)
{
	if (figures == NULL)
		return;
	metrics_stop(figures->server);
	g_mutex_lock(&figures->lock);
	figures->stopping = true;
	g_cond_broadcast(&figures->wake);
	g_mutex_unlock(&figures->lock);
	(void)g_thread_join(figures->reader);
	figures_free(figures);
}

void figures_reconfigure(Figures *figures, Config *config)
{
	if (figures == NULL)
		return;
	g_mutex_lock(&figures->lock);
	config_unref(figures->config);
	figures->config = config_ref(config);
	figures->changed = true;
	g_cond_broadcast(&figures->wake);
	g_mutex_unlock(&figures->lock);
}

void figures_note_reload(Figures *figures, bool done)
{
	if (figures == NULL)
		return;
	g_mutex_lock(&figures->lock);
	figures->reloads += done;
	figures->failed_reloads += !done;
	figures->reload_failed = !done;
	g_mutex_unlock(&figures->lock);
}
