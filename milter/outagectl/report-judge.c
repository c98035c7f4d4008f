/* report-judge: makes of what the store holds of an incident what its debrief says. Layer: program. Pure. See report.h. */
#include <math.h>
#include <string.h>

#include "base/log.h"
#include "outagectl/report.h"

#define BEFORE 3600        /* seconds before the declaration that the charts show: when did it really begin? */
#define AFTER 7200         /* seconds after the end that they show at least */
#define BARS_MAX 150
#define PEAK_MINUTES 10

/* --- freeing --- */

static void free_count(ReportCount *count)
{
	g_free(count->name);
	g_free(count);
}

static void free_account(ReportAccount *account)
{
	g_free(account->name);
	g_free(account);
}

void report_free(Report *report)
{
	GPtrArray **lists[] = { &report->events, &report->minutes, &report->all, &report->threads, &report->notices, &report->unread,
		&report->held, &report->languages, &report->rules, &report->escalated, &report->sensitive, &report->accounts };

	g_free(report->name);
	g_free(report->id);
	incident_state_clear(&report->state);
	for (TextField field = 0; field < TEXT_FIELDS; field++)
		g_free(report->texts[field]);
	for (gsize i = 0; i < G_N_ELEMENTS(lists); i++)
		g_clear_pointer(lists[i], g_ptr_array_unref);
	g_clear_pointer(&report->account_mails, g_hash_table_unref);
	g_clear_pointer(&report->counters, g_hash_table_unref);
	g_clear_pointer(&report->gaps, g_array_unref);
	g_free(report->volume.mail);
	g_free(report->volume.matched);
	g_free(report->volume.expected);
	g_free(report);
}

/* --- counting --- */

static guint64 sum(const GPtrArray *minutes, const char *counter, gint64 from, gint64 to)
{
	guint64 n = 0;

	for (guint i = 0; minutes != NULL && i < minutes->len; i++) {
		const StatsMinute *minute = g_ptr_array_index(minutes, i);

		if (minute->minute >= from && minute->minute < to)
			n += stats_minute_get(minute, counter);
	}
	return n;
}

static int most_first(gconstpointer a, gconstpointer b)
{
	const ReportCount *x = *(const ReportCount *const *)a, *y = *(const ReportCount *const *)b;

	return x->n != y->n ? (x->n < y->n) - (x->n > y->n) : strcmp(x->name, y->name);
}

static void add_to(GHashTable *sums, const char *name, guint64 n)
{
	guint64 *there = g_hash_table_lookup(sums, name);

	if (there != NULL)
		*there += n;
	else
		g_hash_table_insert(sums, g_strdup(name), g_memdup2(&n, sizeof n));
}

static GPtrArray *list_of(GHashTable *sums)
{
	GPtrArray *list = g_ptr_array_new_with_free_func((GDestroyNotify)free_count);
	GHashTableIter iter;
	gpointer name, n;

	g_hash_table_iter_init(&iter, sums);
	while (g_hash_table_iter_next(&iter, &name, &n)) {
		ReportCount *count = g_new(ReportCount, 1);

		*count = (ReportCount){ g_strdup(name), *(guint64 *)n };
		g_ptr_array_add(list, count);
	}
	g_ptr_array_sort(list, most_first);
	return list;
}

/* All counters of the incident that begin with prefix, without it. What the store alone has counted (counters, may be NULL) counts where the
 * minutes say nothing of it. */
static GPtrArray *count_by(const GPtrArray *minutes, const char *prefix, GHashTable *counters)
{
	g_autoptr(GHashTable) sums = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
	GHashTableIter iter;
	gpointer name, value;

	for (guint i = 0; minutes != NULL && i < minutes->len; i++) {
		g_hash_table_iter_init(&iter, ((const StatsMinute *)g_ptr_array_index(minutes, i))->counters);
		while (g_hash_table_iter_next(&iter, &name, &value))
			if (g_str_has_prefix(name, prefix))
				add_to(sums, (const char *)name + strlen(prefix), *(guint64 *)value);
	}
	if (counters != NULL)
		g_hash_table_iter_init(&iter, counters);
	while (counters != NULL && g_hash_table_iter_next(&iter, &name, &value))
		if (g_str_has_prefix(name, prefix) && g_hash_table_lookup(sums, (const char *)name + strlen(prefix)) == NULL)
			add_to(sums, (const char *)name + strlen(prefix), g_ascii_strtoull(value, NULL, 10));
	return list_of(sums);
}

static guint64 counter(const Report *report, const char *name)
{
	const char *value = report->counters != NULL ? g_hash_table_lookup(report->counters, name) : NULL;

	return value != NULL ? g_ascii_strtoull(value, NULL, 10) : 0;
}

static void judge_counts(Report *report)
{
	report->mail = sum(report->all, "mail", report->begin / 60 * 60, G_MAXINT64);
	report->matched = sum(report->minutes, "matched", 0, G_MAXINT64);
	report->shadow = sum(report->minutes, "shadow", 0, G_MAXINT64);
	report->queued = counter(report, "queued");
	report->sent = counter(report, "sent");
	report->withdrawn = counter(report, "withdrawn");
	report->told = counter(report, "sent:notice");
	report->held = count_by(report->minutes, "held:", report->counters);
	report->languages = count_by(report->minutes, "language:", NULL);
	report->rules = count_by(report->minutes, "rule:", NULL);
	report->escalated = count_by(report->minutes, "escalate:", NULL);
	report->sensitive = count_by(report->minutes, "sensitive:", NULL);
}

static void judge_wave(Report *report)
{
	gint64 fixed = report->state.resolved_at;

	if (report->end == 0 || fixed == 0)
		return;
	report->wave_from = fixed;
	report->wave_to = MIN(report->now, fixed + report->resolved_for);
	if (report->state.ended_at > fixed)
		report->wave_to = MIN(report->wave_to, report->state.ended_at);
	/* Minutes are whole: of all mail the one in which the fix was told counts to what was before. What is of this incident says itself
	 * whether it came after that; what came after an earlier fix, before it was opened again, is of no second wave. */
	report->wave_mail = sum(report->all, "mail", fixed, G_MAXINT64);
	report->wave_matched = sum(report->minutes, "severity:resolved", fixed / 60 * 60, G_MAXINT64);
	report->wave_mail = MAX(report->wave_mail, report->wave_matched);
	report->wave_affected = sum(report->minutes, "escalate:still-affected", fixed / 60 * 60, G_MAXINT64);
	for (guint i = 0; report->threads != NULL && i < report->threads->len; i++)
		report->wave_people += ((const StatsThread *)g_ptr_array_index(report->threads, i))->last_at >= fixed;
}

/* --- volume --- */

/* NAN where nothing is known. */
static double expected_at(const Report *report, gint64 at)
{
	const BaselineHour *hour = &report->baseline[baseline_hour(at)];

	return report->baseline_known && hour->weeks > 0 ? hour->mails : (double)NAN;
}

static gint64 step_for(gint64 span)
{
	static const gint64 steps[] = { 60, 300, 600, 900, 1800, 3600, 7200, 21600, 86400 };

	for (gsize i = 0; i < G_N_ELEMENTS(steps); i++)
		if (span / steps[i] < BARS_MAX)
			return steps[i];
	return (span / BARS_MAX / 86400 + 1) * 86400;
}

/* Adds the minutes up into steps; counted: of how many minutes of each. */
static void add_up(const ReportVolume *volume, const GPtrArray *minutes, const char *name, double *values)
{
	for (guint i = 0; minutes != NULL && i < minutes->len; i++) {
		const StatsMinute *minute = g_ptr_array_index(minutes, i);
		gint64 at = minute->minute - volume->from;

		if (at >= 0 && at / volume->step < volume->n)
			values[at / volume->step] += (double)stats_minute_get(minute, name);
	}
}

/* Where nobody knows when it ended: the last minute in which it had mail. */
static gint64 last_counted(const Report *report)
{
	const GPtrArray *minutes = report->minutes;

	return minutes != NULL && minutes->len > 0
	    ? MAX(report->begin, ((const StatsMinute *)g_ptr_array_index(minutes, minutes->len - 1))->minute) : report->begin;
}

static void judge_volume(Report *report)
{
	ReportVolume *volume = &report->volume;
	gint64 end = report->end != 0 ? report->end : last_counted(report);
	gint64 until = report->open ? report->now : MIN(report->now, end + MAX(AFTER, (end - report->begin) / 2));
	gint64 span = until - report->begin + BEFORE;

	volume->step = step_for(span);
	volume->from = (report->begin - BEFORE) / volume->step * volume->step;
	volume->n = (guint)((until - volume->from) / volume->step + 1);
	volume->mail = g_new0(double, volume->n);
	volume->matched = g_new0(double, volume->n);
	volume->expected = g_new0(double, volume->n);
	g_autofree double *up = g_new0(double, volume->n);

	add_up(volume, report->all, "mail", volume->mail);
	add_up(volume, report->minutes, "matched", volume->matched);
	for (guint i = 0; report->all != NULL && i < report->all->len; i++) {
		const StatsMinute *minute = g_ptr_array_index(report->all, i);
		gint64 at = minute->minute - volume->from;

		if (at >= 0 && at / volume->step < volume->n && stats_minute_is_counted(minute))
			up[at / volume->step]++;
	}
	for (guint i = 0; i < volume->n; i++) {
		volume->mail[i] = up[i] > 0 ? volume->mail[i] / up[i] : (double)NAN;
		volume->matched[i] = up[i] > 0 ? volume->matched[i] / up[i] : (double)NAN;
		volume->expected[i] = expected_at(report, volume->from + (gint64)i * volume->step);
	}
}

/* What came in the ten minutes from the i-th on; the list has only the minutes that have anything. */
static double mean_from(const GPtrArray *minutes, guint i)
{
	gint64 from = ((const StatsMinute *)g_ptr_array_index(minutes, i))->minute;
	double mails = 0;

	for (; i < minutes->len; i++) {
		const StatsMinute *minute = g_ptr_array_index(minutes, i);

		if (minute->minute >= from + PEAK_MINUTES * 60)
			break;
		mails += (double)stats_minute_get(minute, "mail");
	}
	return mails / PEAK_MINUTES;
}

static void judge_peak(Report *report)
{
	report->peak = report->expected = report->factor = (double)NAN;
	for (guint i = 0; report->all != NULL && i < report->all->len; i++) {
		double mean = mean_from(report->all, i);

		if (isnan(report->peak) || mean > report->peak) {
			report->peak = mean;
			report->peak_at = ((const StatsMinute *)g_ptr_array_index(report->all, i))->minute;
		}
	}
	if (isnan(report->peak))
		return;
	report->expected = expected_at(report, report->peak_at);
	if (report->expected > 0)
		report->factor = report->peak / report->expected;
}

/* --- accounts --- */

/* Who still waits comes first, then who has waited longest. */
static int by_wait(gconstpointer a, gconstpointer b)
{
	const ReportAccount *x = *(const ReportAccount *const *)a, *y = *(const ReportAccount *const *)b;

	if ((x->waiting > 0) != (y->waiting > 0))
		return x->waiting > 0 ? -1 : 1;
	if (x->waited != y->waited)
		return x->waited > y->waited ? -1 : 1;
	return strcmp(x->name, y->name);
}

static ReportAccount *account_of(Report *report, GHashTable *by_name, const char *name)
{
	ReportAccount *account = g_hash_table_lookup(by_name, name);

	if (account == NULL) {
		account = g_new0(ReportAccount, 1);
		account->name = g_strdup(name);
		account->waited = -1;
		g_hash_table_insert(by_name, account->name, account);
		g_ptr_array_add(report->accounts, account);
	}
	return account;
}

static void add_thread(ReportAccount *account, const StatsThread *thread)
{
	account->mails += thread->mails;
	account->people++;
	account->again += thread->again;
	if (account->first_at == 0 || thread->first_at < account->first_at)
		account->first_at = thread->first_at;
	if (thread->answered_at == 0)
		account->waiting++;
	else if (account->answered_at == 0 || thread->answered_at < account->answered_at)
		account->answered_at = thread->answered_at;
}

static void judge_accounts(Report *report)
{
	g_autoptr(GHashTable) by_name = g_hash_table_new(g_str_hash, g_str_equal);
	GHashTableIter iter;
	gpointer name, n;

	report->accounts = g_ptr_array_new_with_free_func((GDestroyNotify)free_account);
	for (guint i = 0; report->threads != NULL && i < report->threads->len; i++) {
		const StatsThread *thread = g_ptr_array_index(report->threads, i);

		if (thread->account != NULL)
			add_thread(account_of(report, by_name, thread->account), thread);
	}
	if (report->account_mails != NULL)
		g_hash_table_iter_init(&iter, report->account_mails);
	while (report->account_mails != NULL && g_hash_table_iter_next(&iter, &name, &n)) {
		ReportAccount *account = account_of(report, by_name, name);

		account->mails = MAX(account->mails, *(guint64 *)n);
	}
	for (guint i = 0; i < report->accounts->len; i++) {
		ReportAccount *account = g_ptr_array_index(report->accounts, i);

		if (!report->observable)
			account->waiting = 0;
		else if (account->first_at != 0)
			account->waited = MAX(0, (account->answered_at != 0 ? account->answered_at : report->now) - account->first_at);
	}
	g_ptr_array_sort(report->accounts, by_wait);
}

void report_judge(Report *report)
{
	static const StatsResponses none = { .median = -1, .p90 = -1, .p99 = -1 };

	report->begin = report->state.declared_at;
	report->open = report->word_known && word_is_open(report->state.word);
	report->end = report->open ? 0 : report->state.resolved_at != 0 ? report->state.resolved_at : report->state.ended_at;
	report->gaps = g_array_new(FALSE, FALSE, sizeof(ReportGap));
	report_judge_promises(report);
	judge_counts(report);
	judge_wave(report);
	judge_volume(report);
	judge_peak(report);
	judge_accounts(report);
	report->responses = report->threads != NULL ? stats_first_responses(report->threads) : none;
}
