/* status-wrong: what is wrong, and what of it hurts customers most. Layer: program. */
#include <string.h>

#include "base/clock.h"
#include "outagectl/status.h"
#include "reply/clean.h"
#include "store/risks.h"

#define LAG_SECONDS 10
#define NAME_CHARS 60
#define REASON_CHARS 200

void wrong_free(Wrong *wrong)
{
	g_free(wrong->text);
	g_free(wrong);
}

static void add(Status *status, WrongRank rank, const char *format, ...) G_GNUC_PRINTF(3, 4);
static void add(Status *status, WrongRank rank, const char *format, ...)
{
	Wrong *wrong = g_new0(Wrong, 1);
	va_list args;

	wrong->rank = rank;
	va_start(args, format);
	wrong->text = g_strdup_vprintf(format, args);
	va_end(args);
	g_ptr_array_add(status->wrong, wrong);
}

/* Sorting is stable: what came first within a rank stays first. */
static int by_rank(gconstpointer a, gconstpointer b)
{
	return (int)(*(Wrong *const *)a)->rank - (int)(*(Wrong *const *)b)->rank;
}

static void judge_config(Status *status, const Config *config)
{
	if (config->mode != MODE_LIVE)
		add(status, RANK_SHADOW, "mode is shadow: NO CUSTOMER IS BEING ANSWERED");
	if (config->support[0] == NULL)
		add(status, RANK_NO_SUPPORT, "no support address is configured: NO MAIL IS INSPECTED");
	if (!config_authenticates(config))
		add(status, RANK_NO_AUTHENTICATION, "auth.trusted_ids is empty and spf.enabled is off: no sender counts as authenticated, so "
		                                    "NO CUSTOMER IS BEING ANSWERED");
}

static void judge_incident(Status *status, const Config *config, const Incident *incident)
{
	g_autofree char *at = NULL;
	gint64 promised;

	if (!word_is_open(incident->state.word))
		return;
	promised = incident_promise(incident, config->playbook[incident->state.word].update_every);
	if (status->now - incident_last_word(incident) > config->max_silence / 1000)
		add(status, RANK_HELD_BACK, "%s has had no update for longer than incident.max_silence: ACKNOWLEDGEMENTS ARE HELD BACK "
		                            "(outagectl update)", incident->name);
	if (promised == 0 || promised >= status->now)
		return;
	at = clock_format(promised);
	add(status, RANK_OVERDUE, "%s: the update promised for %s is overdue", incident->name, at);
}

static void judge_snapshot(Status *status, const Config *config)
{
	const Snapshot *snapshot = status->snapshot;

	if (snapshot->pause != NULL) {
		g_autofree char *reason = clean_line(snapshot->pause, REASON_CHARS);

		add(status, RANK_PAUSED, "PAUSED: %s; who writes meanwhile is not acknowledged (outagectl resume)", reason);
	}
	for (guint i = 0; i < snapshot->problems->len; i++)
		add(status, RANK_UNREAD, "%s", (const char *)g_ptr_array_index(snapshot->problems, i));
	for (guint i = 0; i < snapshot->incidents->len; i++)
		judge_incident(status, config, g_ptr_array_index(snapshot->incidents, i));
}

static bool have_live(const Status *status, const char *program)
{
	for (guint i = 0; i < status->nodes->len; i++) {
		const StatusNode *node = g_ptr_array_index(status->nodes, i);

		if (!node->silent && g_strcmp0(node->program, program) == 0)
			return true;
	}
	return false;
}

static void judge_node(Status *status, const Config *config, const StatusNode *node)
{
	gint64 waiting = node->spool_local + node->spool_held + node->spool_asked;

	if (node->silent) {
		g_autofree char *since = node->at != 0 ? status_ago(status->now, node->at) : NULL;

		add(status, RANK_NODE_SILENT, since != NULL ? "%s has been silent for %s" : "%s has not been heard%s", node->name,
		    since != NULL ? since : "");
		return;
	}
	if (node->differs != NULL)
		add(status, RANK_NODE_DIFFERS, "%s %s", node->name, node->differs);
	if (node->age > config->stale_after / 1000)
		add(status, RANK_NODE_DIFFERS, "%s knows only what was true %" G_GINT64_FORMAT " seconds before its last word", node->name,
		    node->age);
	if (node->shadow && config->mode == MODE_LIVE)
		add(status, RANK_SHADOW, "%s still works in shadow mode and has to be reloaded: NO CUSTOMER IS ANSWERED THERE", node->name);
	if (node->without_model)
		add(status, RANK_NODE_DIFFERS, "%s tells outage mail by its rules alone, without the model (its log says why; SIGUSR1 reads it again)",
		    node->name);
	if (waiting > 0)
		add(status, RANK_WAITING, "%s has %" G_GINT64_FORMAT " acknowledgement(s) that the store does not know of yet", node->name,
		    waiting);
	if (g_strcmp0(node->program, "outage-replier") == 0 && node->last_error != NULL)
		add(status, RANK_NO_REPLIER, "%s cannot hand over letters, and tries again: %s", node->name, node->last_error);
	if (node->spool_dead > 0)
		add(status, RANK_DEAD, "%s: %" G_GINT64_FORMAT " acknowledgement(s) in its own keeping could not be sent (outagectl acks dead, "
		                       "on that node)", node->name, node->spool_dead);
}

static void judge_nodes(Status *status, const Config *config)
{
	gint64 broken = 0;
	bool empty = false;

	if (status->nodes_trouble != NULL)
		add(status, RANK_NODE_SILENT, "who is running is not known: %s", status->nodes_trouble);
	else if (!have_live(status, "outage-milter"))
		add(status, RANK_NO_MILTER, "no outage-milter has been seen for a minute");
	if (status->nodes_trouble == NULL && !have_live(status, "outage-replier"))
		add(status, RANK_NO_REPLIER, "no outage-replier has been seen for a minute: acknowledgements wait");
	for (guint i = 0; i < status->nodes->len; i++) {
		const StatusNode *node = g_ptr_array_index(status->nodes, i);

		judge_node(status, config, node);
		empty = empty || (node->store_empty && !node->silent);
		broken = MAX(broken, node->silent ? 0 : node->accounts_broken);
	}
	if (empty)
		add(status, RANK_STORE_EMPTY, "STORE EMPTY: the flip key and all states vanished at once. Nodes go on tagging from memory and "
		                              "hold acknowledgements back; declare the incident again, or clear it");
	if (broken > 0)
		add(status, RANK_ENTRIES, "%" G_GINT64_FORMAT " entries of the accounts cannot be used (outagectl accounts list names them)",
		    broken);
}

static const int risk_ranks[STORE_RISKS] = {
	[STORE_RISK_FULL] = RANK_STORE_FULL,
	[STORE_RISK_DISK] = RANK_STORE_FULL,
	[STORE_RISK_EVICTS] = RANK_EVICTS,
	[STORE_RISK_VOLATILE] = RANK_NOT_SAFE,
	[STORE_RISK_UNSAVED] = RANK_NOT_SAFE,
	[STORE_RISK_OLD] = RANK_NOT_SAFE,
};

static void judge_store(Status *status, const Config *config)
{
	const StoreInfo *info = status->info;

	if (config->ack_queue_limit > 0 && status->queue.pending + status->queue.delayed >= (guint64)config->ack_queue_limit)
		add(status, RANK_FULL, "THE QUEUE IS FULL: %" G_GINT64_FORMAT " acknowledgements wait (ack.queue_limit), and no new customer is "
		                       "answered; see that the replier runs and that its relay takes mail", config->ack_queue_limit);
	if (info == NULL)
		return;
	for (StoreRisk risk = 0; risk < STORE_RISKS; risk++) {
		g_autofree char *text = store_risk_text(info, risk);

		if (text != NULL)
			add(status, risk_ranks[risk], "%s", text);
	}
	if (strstr(config->store_url, "+sentinel:") != NULL && info->role != NULL && info->replicas == 0)
		add(status, RANK_NOT_SAFE, "no replica follows the store: there is nothing to fail over to");
	if (info->lag > LAG_SECONDS)
		add(status, RANK_NOT_SAFE, "a replica of the store lags %" G_GINT64_FORMAT " seconds behind: a failover now would forget them",
		    info->lag);
}

static void judge_own_spool(Status *status)
{
	guint64 waiting = status->spool.local + status->spool.held + status->spool.asked;

	if (status->away == NULL || !status->spool.known)
		return;
	if (waiting > 0)
		add(status, RANK_WAITING, "this node has %" G_GUINT64_FORMAT " acknowledgement(s) that the store does not know of yet", waiting);
	if (status->spool.dead > 0)
		add(status, RANK_DEAD, "%" G_GUINT64_FORMAT " acknowledgement(s) in this node's own keeping could not be sent (outagectl acks "
		                       "dead)", status->spool.dead);
}

/* "all is well" and what is on, or what hurts most. */
static char *summarise(const Status *status, const Config *config)
{
	g_autoptr(GString) line = g_string_new(NULL);

	if (status->wrong->len > 0) {
		g_string_append_printf(line, "! %s", ((const Wrong *)g_ptr_array_index(status->wrong, 0))->text);
		if (status->wrong->len > 1)
			g_string_append_printf(line, " (and %u more)", status->wrong->len - 1);
		return g_string_free(g_steal_pointer(&line), FALSE);
	}
	for (guint i = 0; i < status->snapshot->incidents->len; i++) {
		const Incident *incident = g_ptr_array_index(status->snapshot->incidents, i);

		if (incident_is_active(incident, status->now, config->resolved_for / 1000))
			g_string_append_printf(line, "%s%s is %s", line->len > 0 ? ", " : "", incident->name, word_name(incident->state.word));
	}
	/* In an outage little is well but this. */
	if (line->len > 0)
		g_string_prepend(line, "all is well with the mail: ");
	else
		g_string_append(line, "all is well: no incident is on");
	g_string_append_printf(line, "; %" G_GUINT64_FORMAT " acknowledgement(s) waiting", status->queue.pending);
	return g_string_free(g_steal_pointer(&line), FALSE);
}

/* A person was to answer, and has not. */
static void judge_waiting(Status *status)
{
	const Waiting *first;
	guint count = status_overdue(status, &first);

	if (status->waiting_trouble != NULL)
		add(status, RANK_NODE_SILENT, "who waits for a person is not known: %s", status->waiting_trouble);
	if (count > 0) {
		g_autofree char *since = status_ago(status->now, first->since);
		g_autofree char *who = clean_line(first->account != NULL ? first->account : first->sender, NAME_CHARS);

		add(status, RANK_PERSON, "%u WAIT FOR A PERSON longer than they were to; first %s, for %s", count,
		    *who != '\0' ? who : "an unknown sender", since);
	}
}

/* Alarms of what is judged here anyway, from newer knowledge. */
static bool is_judged_here(const StoredAlarm *alarm)
{
	static const char *const kinds[] = { "update-overdue", "store-away", "store-empty", "replier-away" };

	for (gsize i = 0; i < G_N_ELEMENTS(kinds); i++)
		if (g_str_has_prefix(alarm->key, kinds[i]))
			return true;
	return false;
}

static void judge_alarms(Status *status)
{
	for (guint i = 0; status->alarms != NULL && i < status->alarms->len; i++) {
		const StoredAlarm *alarm = g_ptr_array_index(status->alarms, i);

		if (is_judged_here(alarm))
			continue;
		add(status, RANK_ALARM, "%s", alarm->text);
		((Wrong *)g_ptr_array_index(status->wrong, status->wrong->len - 1))->alarm = true;
	}
}

void status_judge(Status *status, const Config *config)
{
	if (status->away != NULL)
		add(status, RANK_STORE_AWAY, "the store cannot be reached: %s", status->away);
	judge_config(status, config);
	if (status->snapshot != NULL)
		judge_snapshot(status, config);
	if (status->away == NULL)
		judge_nodes(status, config);
	judge_store(status, config);
	judge_own_spool(status);
	judge_waiting(status);
	judge_alarms(status);
	if (status->queue.dead > 0)
		add(status, RANK_DEAD, "%" G_GUINT64_FORMAT " acknowledgement(s) could not be sent (outagectl acks dead)", status->queue.dead);
	g_ptr_array_sort(status->wrong, by_rank);
	status->summary = summarise(status, config);
}
