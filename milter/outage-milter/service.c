/* service: holds the configuration in force, the store's threads and the site secret for the callbacks. Layer: program.
 *
 * A reload builds a new engine beside the old one and swaps one pointer; a session keeps the engine it began with. */
#include "outage-milter/service.h"

#include <string.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/log.h"
#include "base/secret.h"
#include "inspect/outbound.h"
#include "mail/bounce.h"
#include "mail/optout.h"
#include "ops/heard.h"
#include "outage-milter/claims.h"
#include "outage-milter/counts.h"
#include "outage-milter/decision.h"
#include "outage-milter/figures.h"
#include "outage-milter/notes.h"
#include "reply/lint.h"
#include "reply/template.h"
#include "spf/client.h"
#include "store/watch.h"

/* How long what is to be remembered, and what was counted, may hold up the end. */
#define NOTES_DRAIN_MS 2000
#define COUNTS_DRAIN_MS 2000

struct Service {
	GMutex lock;       /* guards engine and supposed */
	Engine *engine;
	Snapshot *supposed; /* facts_suppose of the configuration in force */
	Secret *secret;
	Watch *watch;
	Claims *claims;
	Notes *notes;
	Counts *counts;
	SpfClient *spf;    /* NULL where spf.enabled is off, or no helper can be started */
	char *node;
	Figures *figures;
	Alarms *alarms;
	gint64 started_us; /* clock_mono_us */
};

static void check_route_templates(const Config *config, const Templates *templates, GPtrArray *mistakes)
{
	for (Route **route = config->routes; *route != NULL; route++) {
		const char *name = (*route)->template_name;
		g_autofree char *full = name != NULL ? g_strconcat("ack-", name, NULL) : NULL;

		if (name != NULL && !templates_have(templates, name, NULL) && !templates_have(templates, full, NULL))
			g_ptr_array_add(mistakes, g_strdup_printf("%s: route %s: there is no template \"%s\" in %s", config->path,
			                              (*route)->name, name, config->template_dir));
	}
}

static void check_spf_program(const Config *config, GPtrArray *mistakes)
{
	g_autofree char *program = config_spf_program(config);
	g_autofree char *place = config_where(config, config->spf_program_line);

	if (config->spf_enabled && !g_file_test(program, G_FILE_TEST_IS_EXECUTABLE))
		g_ptr_array_add(mistakes, g_strdup_printf("%s: spf.program: %s cannot be run; spf.enabled = false does without", place,
		                              program));
}

static void check_shared_domains(const Config *config, GPtrArray *mistakes)
{
	g_autofree char *place = config_where(config, config->shared_file_line);

	if (config->shared_file_missing)
		g_ptr_array_add(mistakes, g_strdup_printf("%s: ack.shared_domains_file: %s cannot be read", place, config->ack_shared_file));
}

Engine *service_check(Config *config, const Engine *in_force, bool thorough, GPtrArray *mistakes)
{
	guint before = mistakes->len;
	g_autoptr(GError) error = NULL;
	g_autoptr(Engine) engine = NULL;
	g_autofree char *model_wrong = NULL;
	g_autoptr(Templates) templates = NULL;

	g_autofree char *url_place = config_where(config, config->store_url_line);
	g_autofree char *templates_place = config_where(config, config->template_dir_line);

	if (!store_config_check(config, &error))
		g_ptr_array_add(mistakes, g_strdup_printf("%s: store.url: %s", url_place, error->message));
	check_spf_program(config, mistakes);
	check_shared_domains(config, mistakes);
	engine = engine_load(config, mistakes, &model_wrong);
	/* Mail is answered by the rules alone rather than not at all; the admin who runs -t wants to know. */
	if (model_wrong != NULL && thorough) {
		g_ptr_array_add(mistakes, g_steal_pointer(&model_wrong));
	} else if (model_wrong != NULL && engine != NULL && in_force != NULL && in_force->model != NULL) {
		engine->model = model_ref(in_force->model);
		log_warning("%s; the model in force stays", model_wrong);
	} else if (model_wrong != NULL) {
		log_warning("%s; the rules go on alone", model_wrong);
	}
	/* The replier is who uses them; the admin who runs -t wants to know now. */
	templates = templates_load(config->template_dir, config->language, mistakes);
	if (templates == NULL) {
		g_ptr_array_add(mistakes, g_strdup_printf("%s: template.dir: %s cannot be read", templates_place, config->template_dir));
	} else {
		check_route_templates(config, templates, mistakes);
		if (thorough)
			lint_texts(config, templates, mistakes);
	}
	return mistakes->len == before ? g_steal_pointer(&engine) : NULL;
}

static void describe_spf(const Service *service, JsonBuilder *builder)
{
	SpfClientCounts counts = spf_client_counts(service->spf);

	json_builder_set_member_name(builder, "spf_asked");
	json_builder_add_int_value(builder, (gint64)counts.asked);
	json_builder_set_member_name(builder, "spf_temperrors");
	json_builder_add_int_value(builder, (gint64)counts.temperrors);
}

/* What the heartbeat tells besides what the watch knows: the members of an object, without its braces. */
static char *describe(gpointer data)
{
	Service *service = data;
	g_autoptr(Engine) engine = service_engine(service);
	g_autoptr(JsonBuilder) builder = json_builder_new();
	g_autoptr(JsonNode) root = NULL;
	g_autofree char *text = NULL;

	json_builder_begin_object(builder);
	claims_describe(service->claims, builder);
	notes_describe(service->notes, builder);
	if (service->spf != NULL)
		describe_spf(service, builder);
	heard_add_identity(builder, service->secret);
	if (engine->model == NULL && config_wants_model(engine->config)) {
		json_builder_set_member_name(builder, "without_model");
		json_builder_add_boolean_value(builder, TRUE);
	}
	/* The configuration on disk may say something else by now. */
	if (engine->config->mode == MODE_SHADOW) {
		json_builder_set_member_name(builder, "shadow");
		json_builder_add_boolean_value(builder, TRUE);
	}
	json_builder_end_object(builder);
	root = json_builder_get_root(builder);
	text = json_to_string(root, FALSE);
	return strlen(text) > 2 ? g_strndup(text + 1, strlen(text) - 2) : NULL;
}

/* For how long the store has not been heard, in seconds. */
static gint64 store_away(gpointer data)
{
	Service *service = data;
	g_auto(WatchStats) stats = { .away = false };

	watch_stats(service->watch, &stats);
	if (!stats.away)
		return 0;
	return MAX(stats.age >= 0 ? stats.age : (clock_mono_us() - service->started_us) / G_USEC_PER_SEC, 1);
}

/* Last: they ask all the others. */
static void start_figures(Service *service)
{
	const FiguresSource source = {
		.service = service,
		.watch = service->watch,
		.claims = service->claims,
		.notes = service->notes,
		.counts = service->counts,
		.spf = service->spf,
		.alarms = service->alarms,
	};

	service->figures = figures_start(service->engine->config, &source);
}

Service *service_start(Engine *engine, GError **error)
{
	g_autofree char *path = config_secret_path(engine->config);
	g_autoptr(GError) no_spf = NULL;
	Secret *secret = secret_load(path, true, error);
	Service *service;

	if (secret == NULL) {
		engine_unref(engine);
		return NULL;
	}
	service = g_new0(Service, 1);
	g_mutex_init(&service->lock);
	/* Most mail is in the site's own language: its first one need not wait. */
	rules_warm_language(engine->rules, engine->config->language);
	service->engine = engine;
	service->secret = secret;
	service->node = g_strdup(config_node(engine->config));
	service->watch = watch_start(engine->config, service->node, NULL, NULL);
	service->supposed = facts_suppose(engine->config, clock_now());
	service->claims = claims_start(engine->config, secret, service->node, service->watch);
	service->notes = notes_start(engine->config, secret, service->node);
	service->counts = counts_start(engine->config, secret, service->node, service->watch);
	if (engine->config->spf_enabled)
		service->spf = spf_client_start(engine->config, &no_spf);
	if (no_spf != NULL)
		log_error("SPF is not checked: %s", no_spf->message);
	watch_set_extra(service->watch, describe, service);
	service->started_us = clock_mono_us();
	service->alarms = alarms_start(engine->config, service->node, store_away, service);
	start_figures(service);
	return service;
}

Engine *service_engine(Service *service)
{
	Engine *engine;

	g_mutex_lock(&service->lock);
	engine = engine_ref(service->engine);
	g_mutex_unlock(&service->lock);
	return engine;
}

Snapshot *service_snapshot(Service *service)
{
	return watch_snapshot(service->watch);
}

Accounts *service_accounts(Service *service)
{
	return watch_accounts(service->watch);
}

Snapshot *service_newer_snapshot(Service *service, const Engine *engine, const Snapshot *than)
{
	return watch_newer_snapshot(service->watch, than->generation, clock_mono_us() + engine->config->store_budget * 1000 / 5);
}

static bool reload(Service *service)
{
	g_autoptr(Engine) before = service_engine(service);
	g_autoptr(GPtrArray) mistakes = g_ptr_array_new_with_free_func(g_free);
	g_autoptr(Config) config = config_load(before->config->path, mistakes);
	g_autoptr(GPtrArray) restart = NULL;
	Snapshot *supposed;
	Engine *fresh = config != NULL && mistakes->len == 0 ? service_check(config, before, false, mistakes) : NULL;

	if (fresh == NULL) {
		for (guint i = 0; i < mistakes->len; i++)
			log_warning("%s", (const char *)g_ptr_array_index(mistakes, i));
		log_warning("the configuration was not reloaded: %u mistake(s), the one in force stays", mistakes->len);
		return false;
	}
	restart = config_keep_running(before->config, config);
	for (guint i = 0; i < restart->len; i++)
		log_warning("%s has changed and takes effect at the next restart", (const char *)g_ptr_array_index(restart, i));
	/* Here nobody waits for it; the next mail would. */
	rules_warm(fresh->rules, before->rules);
	supposed = facts_suppose(config, clock_now());
	g_mutex_lock(&service->lock);
	engine_unref(service->engine);
	service->engine = fresh;
	snapshot_unref(service->supposed);
	service->supposed = supposed;
	g_mutex_unlock(&service->lock);
	watch_reconfigure(service->watch, config);
	claims_reconfigure(service->claims, config);
	notes_reconfigure(service->notes, config);
	alarms_reconfigure(service->alarms, config);
	counts_reconfigure(service->counts, config);
	log_set_json(config->log_format == LOG_JSON);
	log_event("reloaded", "config", config->path, NULL);
	return true;
}

bool service_reload(Service *service)
{
	bool done = reload(service);

	figures_note_reload(service->figures, done);
	return done;
}

SpfAnswer service_spf(Service *service, const Engine *engine, const Verdict *verdict)
{
	if (service->spf == NULL)
		return (SpfAnswer){ .result = SPF_TEMPERROR };
	return spf_client_ask(service->spf, verdict_spf_question(verdict), engine->config->spf_timeout);
}

static void log_spf(Service *service)
{
	SpfClientCounts counts;
	g_autofree char *asked = NULL, *temperrors = NULL, *deaths = NULL;

	if (service->spf == NULL)
		return;
	counts = spf_client_counts(service->spf);
	asked = g_strdup_printf("%" G_GUINT64_FORMAT, counts.asked);
	temperrors = g_strdup_printf("%" G_GUINT64_FORMAT, counts.temperrors);
	deaths = g_strdup_printf("%" G_GUINT64_FORMAT, counts.deaths);
	log_event("spf", "#asked", asked, "#temperrors", temperrors, "#helpers_died", deaths, NULL);
}

void service_stop(Service *service)
{
	figures_stop(service->figures);
	alarms_stop(g_steal_pointer(&service->alarms));
	log_spf(service);
	claims_log(service->claims);
	claims_stop(service->claims);
	notes_stop(service->notes, NOTES_DRAIN_MS);
	notes_log(service->notes);
	counts_stop(service->counts, COUNTS_DRAIN_MS);
}

char *service_bounce_hash(Service *service, const Engine *engine, const char *rcpt)
{
	const char *base = engine->config->bounce_address;
	char *hash;

	if (!bounce_address_is(base, rcpt))
		return NULL;
	hash = bounce_address_read(service->secret, base, rcpt);
	if (hash == NULL)
		log_info("mail to the bounce address with a tag that is not ours");
	return hash;
}

void service_note_bounce(Service *service, const Engine *engine, const Message *message, const char *hash)
{
	const Config *config = engine->config;
	g_autoptr(GError) error = NULL;
	g_autofree char *why = NULL;

	if (!bounce_is_failure(message, &why))
		return;
	if (claims_block(service->claims, config, hash, why, &error))
		log_event("bounced", "queue_id", message->queue_id, "hash", hash, "why", why, NULL);
	else
		log_warning("a bounce was not noted: %s", error->message);
}

ClaimAnswer service_claim(Service *service, const Engine *engine, const Verdict *verdict)
{
	return claims_ask(service->claims, engine->config, verdict->claim);
}

ClaimAnswer service_hold_ended(Service *service, const Engine *engine, const Verdict *verdict)
{
	return claims_hold_ended(service->claims, engine->config, verdict->claim);
}

void service_note_mail(Service *service, const Verdict *verdict, ClaimAnswer answer)
{
	guint uses = facts_uses(verdict);

	if (uses != 0)
		notes_add_mail(service->notes, facts_new(verdict, verdict->claim != NULL && answer == CLAIM_WON, clock_now()), uses);
}

static Snapshot *supposed_snapshot(Service *service)
{
	Snapshot *snapshot;

	g_mutex_lock(&service->lock);
	snapshot = snapshot_ref(service->supposed);
	g_mutex_unlock(&service->lock);
	return snapshot;
}

/* Decides as if all that the mail may concern were on, by the snapshot given. */
static Verdict *suppose(Service *service, const Engine *engine, const Accounts *accounts, const Message *message, Snapshot *snapshot)
{
	const VerdictContext context = { .engine = engine, .accounts = accounts, .snapshot = snapshot, .now = snapshot->taken_at, .any_words = true };
	Verdict *supposed = verdict_decide(&context, message);

	/* To be counted for a surge alone a mail is not worth a question. */
	if (supposed->asks_spf && engine->config->recent_keep > 0)
		verdict_add_spf(supposed, &context, service_spf(service, engine, supposed));
	return supposed;
}

static void note_supposed(Service *service, const Engine *engine, const Verdict *supposed)
{
	Facts *facts = engine->config->recent_keep > 0 ? facts_new_recent(supposed, clock_now()) : NULL;

	if (facts != NULL)
		notes_add_recent(service->notes, facts);
}

void service_note_recent(Service *service, const Engine *engine, const Accounts *accounts, const Message *message,
    const Verdict *verdict)
{
	g_autoptr(Snapshot) snapshot = NULL;
	g_autoptr(Verdict) supposed = NULL;

	if (engine->config->recent_keep == 0 || !verdict->inspected || verdict->match ||
	    verdict->score < facts_least_score(engine->config, verdict->support))
		return;
	snapshot = supposed_snapshot(service);
	supposed = suppose(service, engine, accounts, message, snapshot);
	note_supposed(service, engine, supposed);
}

void service_note_quiet(Service *service, const Engine *engine, const Message *message, bool looks)
{
	g_autoptr(Accounts) accounts = NULL;
	g_autoptr(Snapshot) snapshot = NULL;
	g_autoptr(Verdict) supposed = NULL;
	gint64 start = clock_mono_us();

	if (looks) {
		accounts = watch_accounts(service->watch);
		snapshot = supposed_snapshot(service);
		supposed = suppose(service, engine, accounts, message, snapshot);
		note_supposed(service, engine, supposed);
	}
	counts_add_quiet(service->counts, supposed, supposed != NULL && facts_is_likely(supposed), clock_mono_us() - start);
	counts_add_client(service->counts, supposed, message->client_addr);
}

void service_count_mail(Service *service, const Engine *engine, const Message *message, const Verdict *verdict, gint64 micros)
{
	const char *message_id = message_header(message, "Message-ID", 0);
	const char *named = message_id != NULL && *message_id != '\0' ? message_id : message->queue_id;
	bool counts = verdict->match && engine->config->stats_enabled;
	g_autofree char *key = counts ? facts_key_of(named != NULL ? named : "") : NULL;

	counts_add_mail(service->counts, verdict, key, micros);
	counts_add_client(service->counts, verdict, message->client_addr);
}

void service_note_answer(Service *service, const Engine *engine, const Message *message)
{
	GPtrArray *keys = outbound_keys(engine->config, message);

	if (keys == NULL)
		return;
	counts_add_answer(service->counts, keys);
	notes_add_answer(service->notes, keys);
}

char *service_optout(Service *service, const char *rcpt, char **incident)
{
	return strchr(rcpt, '+') != NULL ? optout_address_read(service->secret, rcpt, incident) : NULL;
}

void service_note_optout(Service *service, const Message *message, const char *hash, const char *incident)
{
	g_autoptr(Snapshot) snapshot = watch_snapshot(service->watch);
	g_autofree char *tag = optout_tag(hash);
	bool found = false;

	for (guint i = 0; i < snapshot->incidents->len; i++) {
		const Incident *one = g_ptr_array_index(snapshot->incidents, i);

		if (one->state.id == NULL || !optout_incident_is(incident, one->state.id))
			continue;
		notes_add_optout(service->notes, one->state.id, tag);
		log_event("optout", "queue_id", message->queue_id, "incident", one->state.id, "hash", hash, NULL);
		found = true;
	}
	if (!found)
		log_info("somebody wants no more notices of an incident that is not known any more");
}

void service_log_verdict(Service *service, const Engine *engine, const Message *message, const Verdict *verdict, gint64 micros)
{
	decision_log(service->secret, engine, message, verdict, micros);
	figures_note_message(service->figures, micros);
}

void service_set_listening(Service *service, bool listening)
{
	figures_set_listening(service->figures, listening);
}
