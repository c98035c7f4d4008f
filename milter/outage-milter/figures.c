/* figures: see figures.h. Layer: program. */
#include "outage-milter/figures.h"

#include <json-glib/json-glib.h>
#include <stdatomic.h>

#include "base/clock.h"
#include "base/log.h"
#include "ops/times.h"
#include "store/risks.h"

struct Figures {
	FiguresSource source;
	gint64 started_at;
	Times *messages;
	atomic_bool listening;
	atomic_bool reload_failed;
	atomic_uint_fast64_t reloads, failed_reloads;
	Metrics *server;
};

/* What the heartbeat tells too, by its name there (claims_describe, notes_describe); what is not there is 0. Those of one family stand
 * together, told apart by a label. */
static const struct {
	const char *member, *name;
	MetricType type;
	const char *label, *value;
	const char *help;     /* NULL: of the family begun above */
} told[] = {
	{ "claims", "claims_total", METRIC_COUNTER, NULL, NULL, "Acknowledgements that this node asked the store for." },
	{ "won", "claims_won_total", METRIC_COUNTER, NULL, NULL, "Of these, those that the store gave to this node." },
	{ "recorded", "claims_recorded_total", METRIC_COUNTER, NULL, NULL,
	  "Acknowledgements recorded on this node because the store could not be asked." },
	{ "unknown", "claims_unknown_total", METRIC_COUNTER, NULL, NULL, "Claims whose answer was lost; they are asked again." },
	{ "not_taken", "claims_not_taken_total", METRIC_COUNTER, NULL, NULL,
	  "Acknowledgements that nobody took: store away and this node's disk in trouble, or the queue full." },
	{ "claim_losses", "claim_connections_lost_total", METRIC_COUNTER, NULL, NULL, "Connections for claims that broke." },
	{ "spool_local", "spool_claims", METRIC_GAUGE, "state", "local", "Acknowledgements in this node's spool." },
	{ "spool_held", NULL, METRIC_GAUGE, "state", "held", NULL },
	{ "spool_asked", NULL, METRIC_GAUGE, "state", "asked", NULL },
	{ "spool_dead", NULL, METRIC_GAUGE, "state", "dead", NULL },
	{ "settled", "spool_settled_total", METRIC_COUNTER, "outcome", "claimed", "Acknowledgements of the spool brought back to the store." },
	{ "settled_lost", NULL, METRIC_COUNTER, "outcome", "lost", NULL },
	{ "settled_ended", NULL, METRIC_COUNTER, "outcome", "ended", NULL },
	{ "adopted", "letters_adopted_total", METRIC_COUNTER, NULL, NULL, "Letters sent while the store was away that it was told of." },
	{ "twice", "letters_twice_total", METRIC_COUNTER, NULL, NULL, "Customers answered by two nodes that could not see each other." },
	{ "told_again", "spool_told_again_total", METRIC_COUNTER, NULL, NULL, "Entries that a store without its memory was told of again." },
	{ "notes", "notes_written_total", METRIC_COUNTER, NULL, NULL, "Notes on mail (for notices, waiting and --since) written to the store." },
	{ "notes_waiting", "notes_waiting", METRIC_GAUGE, NULL, NULL, "Notes that wait to be written." },
	{ "notes_dropped", "notes_dropped_total", METRIC_COUNTER, NULL, NULL, "Notes given up because too many waited." },
	{ "persons_answered", "persons_answered_total", METRIC_COUNTER, NULL, NULL, "Customers whose waiting an answer of a person has ended." },
};

static void describe_told(const Figures *figures, MetricsPage *page)
{
	g_autoptr(JsonBuilder) builder = json_builder_new();
	g_autoptr(JsonNode) root = NULL;
	JsonObject *object;

	json_builder_begin_object(builder);
	claims_describe(figures->source.claims, builder);
	notes_describe(figures->source.notes, builder);
	json_builder_end_object(builder);
	root = json_builder_get_root(builder);
	object = json_node_get_object(root);
	for (gsize i = 0; i < G_N_ELEMENTS(told); i++) {
		double value = (double)json_object_get_int_member_with_default(object, told[i].member, 0);

		if (told[i].name != NULL)
			metrics_family(page, told[i].name, told[i].type, told[i].help);
		metrics_sample(page, value, told[i].label, told[i].value, NULL);
	}
}

static void describe_program(Figures *figures, MetricsPage *page)
{
	g_autoptr(Engine) engine = service_engine(figures->source.service);
	const Config *config = engine->config;
	bool live = config->mode == MODE_LIVE;

	metrics_family(page, "build_info", METRIC_GAUGE, "Always 1; says which program this is.");
	metrics_sample(page, 1, "program", "outage-milter", "version", PACKAGE_VERSION, NULL);
	metrics_single(page, "start_timestamp_seconds", METRIC_GAUGE, (double)figures->started_at, "When this process started.");
	metrics_single(page, "live", METRIC_GAUGE, live, "Whether the site's mode is live; 0 is shadow: no customer is answered.");
	metrics_single(page, "listening", METRIC_GAUGE, atomic_load(&figures->listening), "Whether the MTA can reach this milter.");
	metrics_single(page, "rules", METRIC_GAUGE, rules_count(engine->rules), "Rules in force.");
	metrics_single(page, "model_loaded", METRIC_GAUGE, engine->model != NULL, "Whether the model adds to the score.");
	metrics_single(page, "model_wanted", METRIC_GAUGE, config_wants_model(config), "Whether the configuration asks for a model.");
	metrics_single(page, "config_last_reload_successful", METRIC_GAUGE, !atomic_load(&figures->reload_failed),
	    "Whether the last reload took the configuration over; 0: the one before is in force.");
	metrics_family(page, "config_reloads_total", METRIC_COUNTER, "Reloads asked for.");
	metrics_sample(page, (double)atomic_load(&figures->reloads), "result", "done", NULL);
	metrics_sample(page, (double)atomic_load(&figures->failed_reloads), "result", "refused", NULL);
}

static void describe_store(const Figures *figures, MetricsPage *page)
{
	g_auto(WatchStats) stats = { .away = false };

	watch_stats(figures->source.watch, &stats);
	metrics_single(page, "store_up", METRIC_GAUGE, !stats.away && stats.age >= 0, "Whether this process hears the store.");
	metrics_family(page, "snapshot_age_seconds", METRIC_GAUGE, "Since the store was last heard; absent before the first time.");
	if (stats.age >= 0)
		metrics_sample(page, (double)stats.age, NULL);
	metrics_single(page, "store_losses_total", METRIC_COUNTER, (double)stats.losses, "How often the store was lost.");
	metrics_single(page, "store_problems", METRIC_GAUGE, stats.problems, "What in the store cannot be read now.");
	metrics_family(page, "store_risk", METRIC_GAUGE, "1 where the store is set up or doing so that marks and letters can vanish.");
	for (StoreRisk risk = 0; stats.age >= 0 && risk < STORE_RISKS; risk++)
		metrics_sample(page, (stats.risks & 1u << risk) != 0, "risk", store_risk_name(risk), NULL);
	metrics_single(page, "accounts", METRIC_GAUGE, stats.accounts, "Accounts known.");
	metrics_single(page, "accounts_broken", METRIC_GAUGE, stats.accounts_broken, "Entries among the accounts that cannot be used.");
}

static void describe_incidents(const Figures *figures, MetricsPage *page)
{
	g_autoptr(Engine) engine = service_engine(figures->source.service);
	g_autoptr(Snapshot) snapshot = watch_snapshot(figures->source.watch);
	gint64 now = clock_now(), resolved_for = engine->config->resolved_for / 1000;

	metrics_family(page, "incident", METRIC_GAUGE, "1 for each incident that is on, or resolved and still answered.");
	for (guint i = 0; i < snapshot->incidents->len; i++) {
		const Incident *one = g_ptr_array_index(snapshot->incidents, i);

		if (incident_is_active(one, now, resolved_for))
			metrics_sample(page, 1, "incident", one->name, "severity", word_name(one->state.word), "phase", incident_phase(one), NULL);
	}
	metrics_family(page, "incident_declared_timestamp_seconds", METRIC_GAUGE, "When it was declared, or came back.");
	for (guint i = 0; i < snapshot->incidents->len; i++) {
		const Incident *one = g_ptr_array_index(snapshot->incidents, i);

		if (incident_is_active(one, now, resolved_for))
			metrics_sample(page, (double)incident_on_since(&one->state), "incident", one->name, NULL);
	}
	metrics_family(page, "incident_last_word_timestamp_seconds", METRIC_GAUGE, "When something was last said of it.");
	for (guint i = 0; i < snapshot->incidents->len; i++) {
		const Incident *one = g_ptr_array_index(snapshot->incidents, i);

		if (incident_is_active(one, now, resolved_for))
			metrics_sample(page, (double)incident_last_word(one), "incident", one->name, NULL);
	}
	metrics_single(page, "paused", METRIC_GAUGE, snapshot->pause != NULL, "Whether acknowledgements are paused.");
	metrics_single(page, "store_empty", METRIC_GAUGE, snapshot->store_empty, "Whether flip key and states vanished all at once.");
}

/* spf: NULL where it is switched off: nothing is asked then. */
static void describe_spf(SpfClient *spf, MetricsPage *page)
{
	SpfClientCounts counts = { 0 };

	if (spf != NULL)
		counts = spf_client_counts(spf);
	metrics_single(page, "spf_queries_total", METRIC_COUNTER, (double)counts.asked, "SPF checks asked for.");
	metrics_single(page, "spf_temperrors_total", METRIC_COUNTER, (double)counts.temperrors, "Of these, those without an answer in time.");
	metrics_single(page, "spf_helper_deaths_total", METRIC_COUNTER, (double)counts.deaths, "Helpers that died and were replaced.");
	metrics_single(page, "spf_helpers", METRIC_GAUGE, counts.alive, "Helpers that run.");
}

static void describe(MetricsPage *page, gpointer data)
{
	Figures *figures = data;

	describe_program(figures, page);
	describe_store(figures, page);
	describe_incidents(figures, page);
	times_metrics(figures->messages, page, "message_seconds", "What deciding on a mail to a support address took.");
	describe_told(figures, page);
	describe_spf(figures->source.spf, page);
	if (figures->source.counts != NULL)
		counts_metrics(figures->source.counts, page);
	if (figures->source.alarms != NULL)
		alarms_metrics(figures->source.alarms, page);
}

static void wrong(GPtrArray *lines, gpointer data)
{
	Figures *figures = data;
	g_autoptr(Engine) engine = service_engine(figures->source.service);
	g_auto(WatchStats) stats = { .away = false };
	gint64 limit = engine->config->stale_after / 1000;

	watch_stats(figures->source.watch, &stats);
	if (!atomic_load(&figures->listening))
		g_ptr_array_add(lines, g_strdup("the milter's socket does not take mail"));
	if (stats.age < 0)
		g_ptr_array_add(lines, g_strdup("the store has not been heard since the start"));
	else if (stats.age > limit)
		g_ptr_array_add(lines, g_strdup_printf("the store was last heard %" G_GINT64_FORMAT " seconds ago, longer than incident.stale_after",
		                           stats.age));
}

Figures *figures_start(const Config *config, const FiguresSource *source)
{
	Figures *figures = g_new0(Figures, 1);
	const MetricsSource served = { .describe = describe, .wrong = wrong, .data = figures };
	g_autoptr(GError) error = NULL;

	figures->source = *source;
	figures->started_at = clock_now();
	figures->messages = times_new();
	figures->server = metrics_start(config->metrics_milter, &served, &error);
	if (error != NULL)
		log_warning("no figures are served (metrics.milter): %s", error->message);
	return figures;
}

void figures_stop(Figures *figures)
{
	g_clear_pointer(&figures->server, metrics_stop);
}

void figures_set_listening(Figures *figures, bool listening)
{
	atomic_store(&figures->listening, listening);
}

void figures_note_reload(Figures *figures, bool done)
{
	atomic_fetch_add(done ? &figures->reloads : &figures->failed_reloads, 1);
	atomic_store(&figures->reload_failed, !done);
}

void figures_note_message(Figures *figures, gint64 micros)
{
	times_add(figures->messages, micros);
}
