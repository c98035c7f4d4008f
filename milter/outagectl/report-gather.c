/* report-gather: reads all that the store holds of one incident. Layer: program. See report.h.
 *
 * The state of the newest incident of a name stands in the store; that of an earlier one is told by its events, and its texts by
 * outage:past:ID. Nothing of the debrief hangs on a single part: what cannot be read is named, and the rest goes on. */
#include <string.h>

#include "base/clock.h"
#include "outagectl/report.h"
#include "outagectl/waiting.h"
#include "store/past.h"

#define EVENTS_MAX 100000 /* of all incidents since this one began */

static void unread(Report *report, const char *what, GError *error)
{
	g_ptr_array_add(report->unread, g_strdup_printf("%s: %s", what, error->message));
	g_error_free(error);
}

/* --- which --- */

/*     ID = compact-time "-" NAME     Returns NAME within it, or NULL. */
static const char *name_in_id(const char *id, gint64 *at)
{
	const char *dash = strchr(id, '-');

	if (!clock_parse_compact(id, at) || dash == NULL || (strcmp(dash + 1, "default") != 0 && !incident_name_valid(dash + 1)))
		return NULL;
	return dash + 1;
}

static const Incident *declared_last(const Snapshot *snapshot)
{
	const Incident *last = NULL;

	for (guint i = 0; i < snapshot->incidents->len; i++) {
		const Incident *incident = g_ptr_array_index(snapshot->incidents, i);

		if (incident->state.id != NULL && (last == NULL || incident->state.declared_at > last->state.declared_at))
			last = incident;
	}
	return last;
}

/* Fills which, state and texts; past: another incident has the name now. */
static int find(const Snapshot *snapshot, const char *which, Report *report)
{
	const Incident *incident = which != NULL ? snapshot_find(snapshot, which) : declared_last(snapshot);
	gint64 at = 0;
	const char *name = which != NULL && incident == NULL ? name_in_id(which, &at) : NULL;

	if (name != NULL) {
		incident = snapshot_find(snapshot, name);
		report->past = incident == NULL || g_strcmp0(incident->state.id, which) != 0;
	} else if (incident == NULL || incident->state.id == NULL) {
		return which != NULL ? cli_failed("there has been no incident \"%s\": outagectl log lists those that were, with their ids", which)
		                     : cli_failed("there has been no incident yet: nothing to report");
	}
	report->name = g_strdup(name != NULL ? name : incident->name);
	report->id = g_strdup(name != NULL ? which : incident->state.id);
	if (report->past) {
		report->state.declared_at = at;
		report->state.word = WORD_NONE;
		return CLI_DONE;
	}
	incident_state_copy(&report->state, &incident->state);
	report->word_known = true;
	for (TextField field = 0; field < TEXT_FIELDS; field++)
		report->texts[field] = g_strdup(incident->texts[field]);
	return CLI_DONE;
}

/* --- events --- */

static bool is(const StoreEvent *event, const char *what)
{
	return strcmp(event->what, what) == 0;
}

/* Whether an event that opens an incident opens another one than this. */
static bool opens_another(const Report *report, const StoreEvent *event)
{
	const char *id = event->detail != NULL ? strchr(event->detail, ' ') : NULL;

	return is(event, "opened") && (id == NULL || strcmp(id + 1, report->id) != 0);
}

static bool concerns(const Report *report, const StoreEvent *event)
{
	if (is(event, "pause") || is(event, "resume"))
		return true;
	/* Of each single person: counted, and not told. */
	if (is(event, "answered") || is(event, "bounced"))
		return false;
	if (is(event, "alarm") || is(event, "all-clear"))
		return event->name != NULL && g_str_has_suffix(event->name, report->id);
	return g_strcmp0(event->name, report->name) == 0;
}

/* What became of an incident whose state is no longer kept, and how severe it was last. */
static void follow_states(Report *report, IncidentState *state)
{
	report->severity = word_is_open(state->word) ? state->word : WORD_NONE;
	for (guint i = 0; i < report->events->len; i++) {
		const StoreEvent *event = g_ptr_array_index(report->events, i);
		g_autofree char *word = event->detail != NULL ? g_strndup(event->detail, strcspn(event->detail, " ")) : NULL;

		if (is(event, "reopened"))
			state->resolved_at = state->ended_at = 0;
		if (is(event, "resolved"))
			state->resolved_at = event->at;
		else if (is(event, "ended"))
			state->ended_at = event->at;
		else if ((is(event, "opened") || is(event, "reopened") || is(event, "severity")) && word != NULL)
			(void)word_parse(word, -1, &report->severity);
	}
}

/* Keeps those of this incident, from its beginning to the next of its name: pauses only as long as it was on. */
static void keep_own(Report *report, GPtrArray *oldest_first)
{
	bool over = false;

	for (guint i = 0; i < oldest_first->len; i++) {
		StoreEvent *event = g_ptr_array_index(oldest_first, i);

		if (!concerns(report, event) || (over && event->name == NULL))
			continue;
		if (opens_another(report, event))
			break;
		over = is(event, "ended") || (over && !is(event, "reopened"));
		g_ptr_array_add(report->events, event);
		oldest_first->pdata[i] = NULL;
	}
}

static void free_event(gpointer event)
{
	if (event != NULL)
		store_event_free(event);
}

static void read_events(Cli *cli, Report *report)
{
	IncidentState known = report->state; /* borrowed: what the state says itself outranks what happened to it */
	g_autoptr(GPtrArray) all = g_ptr_array_new_with_free_func(free_event);
	g_autofree char *cursor = NULL;
	GError *error = NULL;

	do {
		if (!store_events_slice(cli->store, report->state.declared_at, &cursor, all, &error)) {
			unread(report, "what was said and when", error);
			break;
		}
		report->events_known = cursor == NULL;
	} while (cursor != NULL && all->len < EVENTS_MAX);
	if (error == NULL && cursor != NULL)
		g_ptr_array_add(report->unread, g_strdup_printf("what was said and when: only the first %u entries of the log since it began were"
		                                                " looked through", all->len));
	keep_own(report, all);
	follow_states(report, report->past ? &report->state : &known);
}

/* An id that nobody knows is a typing error, and no empty debrief. */
static int read_past(Cli *cli, Report *report)
{
	GError *error = NULL;
	bool found = false;

	if (!report->past)
		return CLI_DONE;
	if (!store_past_texts(cli->store, report->id, report->texts, &found, &error))
		unread(report, "its texts", error);
	for (guint i = 0; i < report->events->len && !found; i++)
		found = is(g_ptr_array_index(report->events, i), "opened");
	return found || report->unread->len > 0 ? CLI_DONE
	    : cli_failed("nothing is known of an incident %s: outagectl log lists those that were, with their ids", report->id);
}

/* --- figures --- */

static void read_minutes(Cli *cli, Report *report)
{
	gint64 ended = MAX(report->state.resolved_at, report->state.ended_at);
	gint64 from = (report->state.declared_at - 7200) / 60 * 60;
	gint64 to = (report->word_known && word_is_open(report->state.word)) || ended == 0 ? report->now : MIN(report->now, ended + report->resolved_for);
	GError *error = NULL;

	/* Somebody who forgot to end an incident gets the debrief of its first weeks. */
	to = MIN(to + 60, from + 60 * 86400);
	report->minutes = store_stats_minutes(cli->store, report->id, from, to, &error);
	if (report->minutes != NULL)
		report->all = store_stats_minutes(cli->store, STATS_ALL, from, to, &error);
	if (report->all == NULL)
		unread(report, "mail by minute", error);
}

static void read_figures(Cli *cli, Report *report)
{
	GError *error = NULL;
	gint64 seen = 0;

	read_minutes(cli, report);
	if ((report->threads = store_stats_threads(cli->store, report->id, &error)) == NULL)
		unread(report, "who wrote, and who was answered", g_steal_pointer(&error));
	if (!store_stats_outbound_seen(cli->store, &seen, &error))
		unread(report, "whether persons' answers are seen", g_steal_pointer(&error));
	report->observable = seen != 0;
	if ((report->account_mails = store_stats_accounts(cli->store, report->id, &error)) == NULL)
		unread(report, "mails by account", g_steal_pointer(&error));
	report->distinct_known = store_stats_distinct(cli->store, report->id, 0, &report->senders, &report->distinct_accounts, &error);
	if (!report->distinct_known)
		unread(report, "distinct senders", g_steal_pointer(&error));
	report->baseline_known = store_baseline(cli->store, report->baseline, &error);
	if (!report->baseline_known)
		unread(report, "the baseline", g_steal_pointer(&error));
	if ((report->counters = store_counters(cli->store, report->id, &error)) == NULL)
		unread(report, "what was sent", g_steal_pointer(&error));
	if ((report->notices = store_notices(cli->store, report->id, &error)) == NULL)
		unread(report, "notices", g_steal_pointer(&error));
}

/* Only of the newest incident of a name: what waits is known by it. */
static void read_waiting(Cli *cli, Report *report, const Snapshot *snapshot)
{
	g_autofree char *path = config_secret_path(cli->config);
	g_autoptr(Secret) secret = secret_load(path, false, NULL);
	GError *error = NULL;
	guint count;
	g_autoptr(GPtrArray) waiting = report->past ? NULL : waiting_read(cli->store, secret, snapshot, &count, &error);

	report->waiting_known = waiting != NULL;
	if (error != NULL)
		unread(report, "who waits for a person", error);
	for (guint i = 0; waiting != NULL && i < waiting->len; i++)
		report->waiting += g_strcmp0(((const Waiting *)g_ptr_array_index(waiting, i))->incident, report->name) == 0;
}

Report *report_gather(Cli *cli, const char *which, int *status)
{
	g_autoptr(Report) report = g_new0(Report, 1);
	g_autoptr(GError) error = NULL;
	g_autoptr(Snapshot) snapshot = store_snapshot(cli->store, NULL, &error);

	report->now = clock_now();
	report->severity = WORD_NONE;
	report->resolved_for = cli->config->resolved_for / 1000;
	report->unread = g_ptr_array_new_with_free_func(g_free);
	report->events = g_ptr_array_new_with_free_func((GDestroyNotify)store_event_free);
	*status = snapshot == NULL ? cli_failed("%s", error->message) : find(snapshot, which, report);
	if (*status != CLI_DONE)
		return NULL;
	read_events(cli, report);
	if ((*status = read_past(cli, report)) != CLI_DONE)
		return NULL;
	read_figures(cli, report);
	read_waiting(cli, report, snapshot);
	report->playbook = word_is_open(report->severity) ? &cli->config->playbook[report->severity] : NULL;
	report_judge(report);
	return g_steal_pointer(&report);
}
