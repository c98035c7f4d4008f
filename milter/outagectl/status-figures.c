/* status-figures: what is counted, as `outagectl status` shows it: support mail of the last hour beside what is usual, what became of it by
 * incident, how soon persons answered, and which alarms stand. Layer: program.
 *
 * None of it is needed to say what is on: what cannot be read stays unknown and keeps nothing else from being shown. */
#include <string.h>

#include "outagectl/status.h"

#define THREADS_KEPT 30        /* seconds for which a live view does not read them again */
#define RATE_MINUTES 10
#define PAST_SECONDS (59 * 86400) /* of a longer incident the mail of its newest days is counted: store_stats_minutes reads no more */

/* --- gathering --- */

void status_counts_free(StatusCounts *counts)
{
	g_clear_pointer(&counts->counters, g_hash_table_unref);
	g_clear_pointer(&counts->past, g_hash_table_unref);
	g_free(counts->id);
	g_free(counts);
}

const StatusCounts *status_counts_find(const Status *status, const char *id)
{
	for (guint i = 0; id != NULL && i < status->counts->len; i++) {
		const StatusCounts *counts = g_ptr_array_index(status->counts, i);

		if (strcmp(counts->id, id) == 0)
			return counts;
	}
	return NULL;
}

static void read_responses(Store *store, StatusCounts *counts)
{
	g_autoptr(GPtrArray) threads = store_stats_threads(store, counts->id, NULL);

	counts->responses_known = threads != NULL;
	if (threads != NULL)
		counts->responses = stats_first_responses(threads);
}

/* Adds what the milters have counted of matched mail to sums (char * -> guint64 *). */
static bool sum_minutes(Store *store, const char *id, gint64 from, gint64 to, GHashTable *sums)
{
	g_autoptr(GPtrArray) minutes = store_stats_minutes(store, id, from, to, NULL);
	GHashTableIter iter;
	gpointer name, n;

	for (guint i = 0; minutes != NULL && i < minutes->len; i++) {
		g_hash_table_iter_init(&iter, ((const StatsMinute *)g_ptr_array_index(minutes, i))->counters);
		while (g_hash_table_iter_next(&iter, &name, &n)) {
			guint64 *sum = g_hash_table_lookup(sums, name);

			if (sum != NULL)
				*sum += *(guint64 *)n;
			else if (strcmp(name, MATCHED) == 0 || g_str_has_prefix(name, HELD))
				g_hash_table_insert(sums, g_strdup(name), g_memdup2(n, sizeof(guint64)));
		}
	}
	return minutes != NULL;
}

static void copy_sums(GHashTable *from, GHashTable *to)
{
	GHashTableIter iter;
	gpointer name, n;

	g_hash_table_iter_init(&iter, from);
	while (g_hash_table_iter_next(&iter, &name, &n))
		g_hash_table_insert(to, g_strdup(name), g_memdup2(n, sizeof(guint64)));
}

/* What matched, and why it was held back, is counted by the milters, by minute: it outranks what the store knows alone, which sees only mail
 * that somebody would have answered. Hours long gone are read once an hour, so that a live view of a long incident stays cheap. */
static void add_matched(Cli *cli, gint64 now, StatusCounts *counts, const StatusCounts *before)
{
	g_autoptr(GHashTable) sums = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
	gint64 begin = counts->declared_at - 7200; /* what --since found before */
	GHashTableIter iter;
	gpointer name, n;

	counts->past_to = MAX(begin, now - 3600) / 3600 * 3600;
	begin = MAX(begin / 60 * 60, now - PAST_SECONDS);
	if (before != NULL && before->past != NULL && before->past_to == counts->past_to && before->declared_at == counts->declared_at) {
		counts->past = g_hash_table_ref(before->past);
	} else {
		g_autoptr(GHashTable) past = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);

		if (!sum_minutes(cli->store, counts->id, begin, counts->past_to, past))
			return;
		counts->past = g_steal_pointer(&past);
	}
	copy_sums(counts->past, sums);
	if (!sum_minutes(cli->store, counts->id, MAX(begin, counts->past_to), now + 60, sums))
		return;
	g_hash_table_iter_init(&iter, sums);
	while (g_hash_table_iter_next(&iter, &name, &n))
		g_hash_table_insert(counts->counters, g_strdup(name), g_strdup_printf("%" G_GUINT64_FORMAT, *(guint64 *)n));
}

static void read_counts(Cli *cli, Status *status, const Status *before)
{
	bool again = before == NULL || before->threads_at == 0 || status->now - before->threads_at >= THREADS_KEPT ||
	    status->now < before->threads_at;

	status->threads_at = again ? status->now : before->threads_at;
	for (guint i = 0; i < status->snapshot->incidents->len; i++) {
		const Incident *incident = g_ptr_array_index(status->snapshot->incidents, i);
		const StatusCounts *known;
		StatusCounts *counts;

		if (incident->state.id == NULL)
			continue;
		counts = g_new0(StatusCounts, 1);
		counts->id = g_strdup(incident->state.id);
		counts->declared_at = incident->state.declared_at;
		counts->counters = store_counters(cli->store, counts->id, NULL);
		known = before != NULL ? status_counts_find(before, counts->id) : NULL;
		if (counts->counters != NULL && incident->state.word != WORD_NONE)
			add_matched(cli, status->now, counts, known);
		known = again ? NULL : known;
		if (known != NULL) {
			counts->responses_known = known->responses_known;
			counts->responses = known->responses;
		} else if (incident->state.word != WORD_NONE) {
			read_responses(cli->store, counts);
		}
		g_ptr_array_add(status->counts, counts);
	}
}

static void judge_rate(StatusVolume *volume)
{
	double mails = 0, usual = 0;
	guint counted = 0;

	for (guint i = STATUS_MINUTES - 1 - RATE_MINUTES; i < STATUS_MINUTES - 1; i++) {
		if (volume->mails[i] >= 0) {
			mails += volume->mails[i];
			counted++;
		}
		usual = usual < 0 || volume->usual[i] < 0 ? -1 : usual + volume->usual[i];
	}
	volume->rate = counted > 0 ? mails / counted : -1;
	volume->usual_rate = usual < 0 ? -1 : usual / RATE_MINUTES;
}

static void read_volume(Cli *cli, Status *status)
{
	StatusVolume *volume = &status->volume;
	BaselineHour hours[BASELINE_HOURS] = { { 0 } };
	g_autoptr(GPtrArray) minutes = NULL;
	bool usual;

	volume->first = status->now - status->now % 60 - (STATUS_MINUTES - 1) * 60;
	minutes = store_stats_minutes(cli->store, STATS_ALL, volume->first, volume->first + STATUS_MINUTES * 60, NULL);
	if (minutes == NULL)
		return;
	volume->known = true;
	for (guint i = 0; i < STATUS_MINUTES; i++)
		volume->mails[i] = -1;
	for (guint i = 0; i < minutes->len; i++) {
		const StatsMinute *minute = g_ptr_array_index(minutes, i);
		gint64 at = (minute->minute - volume->first) / 60;

		if (minute->minute >= volume->first && at < STATUS_MINUTES && stats_minute_is_counted(minute))
			volume->mails[at] = (double)stats_minute_get(minute, "mail");
	}
	usual = store_baseline(cli->store, hours, NULL);
	for (guint i = 0; i < STATUS_MINUTES; i++) {
		const BaselineHour *hour = &hours[baseline_hour(volume->first + i * 60)];

		volume->usual[i] = usual && hour->weeks > 0 ? hour->mails : -1;
	}
	judge_rate(volume);
	volume->distinct_known = store_stats_distinct(cli->store, STATS_ALL, volume->first, &volume->senders, &volume->accounts, NULL);
}

void status_read_figures(Cli *cli, Status *status, const Status *before)
{
	gint64 seen = 0;

	read_counts(cli, status, before);
	read_volume(cli, status);
	status->responses_known = store_stats_outbound_seen(cli->store, &seen, NULL);
	status->responses_seen = seen != 0;
	status->alarms = store_alarms(cli->store, NULL);
}

/* --- in words --- */

char *status_responses_text(const Status *status, const StatusCounts *counts)
{
	const StatsResponses *responses = &counts->responses;
	GString *text;

	if (!status->responses_known || !counts->responses_known)
		return NULL;
	if (!status->responses_seen)
		return g_strdup("first answers of persons: not observable (no outbound mail of theirs has been seen)");
	text = g_string_new(NULL);
	g_string_append_printf(text, "%u of %u customers have had a person's answer", responses->answered, responses->customers);
	if (responses->answered > 0) {
		g_autofree char *median = status_ago(responses->median, 0);

		g_string_append_printf(text, ", half of them within %s", median);
	}
	if (responses->wrote_again > 0)
		g_string_append_printf(text, "; %u wrote again before", responses->wrote_again);
	return g_string_free(text, FALSE);
}

char *status_volume_text(const Status *status)
{
	const StatusVolume *volume = &status->volume;
	GString *text;

	if (!volume->known)
		return NULL;
	text = g_string_new(NULL);
	if (volume->rate < 0)
		g_string_append(text, "support mail: not counted in the last ten minutes");
	else
		g_string_append_printf(text, "support mail: %.1f a minute", volume->rate);
	if (volume->usual_rate < 0)
		g_string_append(text, ", what is usual is not known yet");
	else
		g_string_append_printf(text, ", usual %.1f", volume->usual_rate);
	if (volume->usual_rate > 0 && volume->rate >= 1.5 * volume->usual_rate)
		g_string_append_printf(text, " (%.1f times that)", volume->rate / volume->usual_rate);
	if (volume->distinct_known)
		g_string_append_printf(text, "; %" G_GUINT64_FORMAT " sender%s in the last hour", volume->senders, volume->senders == 1 ? "" : "s");
	return g_string_free(text, FALSE);
}

/* --- JSON --- */

void status_json_responses(JsonBuilder *builder, const Status *status, const StatusCounts *counts)
{
	json_builder_set_member_name(builder, "first_responses");
	if (counts == NULL || !status->responses_known || !status->responses_seen || !counts->responses_known) {
		json_builder_add_null_value(builder);
		return;
	}
	json_builder_begin_object(builder);
	cli_json_int(builder, "customers", counts->responses.customers);
	cli_json_int(builder, "answered", counts->responses.answered);
	cli_json_int(builder, "wrote_again", counts->responses.wrote_again);
	cli_json_known(builder, "median_seconds", counts->responses.median >= 0, counts->responses.median);
	cli_json_known(builder, "p90_seconds", counts->responses.p90 >= 0, counts->responses.p90);
	cli_json_known(builder, "p99_seconds", counts->responses.p99 >= 0, counts->responses.p99);
	json_builder_end_object(builder);
}

static void add_known(JsonBuilder *builder, double value)
{
	if (value >= 0)
		json_builder_add_double_value(builder, value);
	else
		json_builder_add_null_value(builder);
}

static void json_volume(JsonBuilder *builder, const StatusVolume *volume)
{
	json_builder_set_member_name(builder, "volume");
	if (!volume->known) {
		json_builder_add_null_value(builder);
		return;
	}
	json_builder_begin_object(builder);
	cli_json_time(builder, "from", volume->first);
	json_builder_set_member_name(builder, "minutes");
	json_builder_begin_array(builder);
	for (guint i = 0; i < STATUS_MINUTES; i++) {
		if (volume->mails[i] >= 0)
			json_builder_add_int_value(builder, (gint64)volume->mails[i]);
		else
			json_builder_add_null_value(builder);
	}
	json_builder_end_array(builder);
	json_builder_set_member_name(builder, "per_minute");
	add_known(builder, volume->rate);
	json_builder_set_member_name(builder, "usual_per_minute");
	add_known(builder, volume->usual_rate);
	cli_json_known(builder, "senders", volume->distinct_known, (gint64)volume->senders);
	cli_json_known(builder, "accounts", volume->distinct_known, (gint64)volume->accounts);
	json_builder_end_object(builder);
}

void status_json_figures(JsonBuilder *builder, const Status *status)
{
	json_volume(builder, &status->volume);
	json_builder_set_member_name(builder, "alarms");
	if (status->alarms == NULL) {
		json_builder_add_null_value(builder);
		return;
	}
	json_builder_begin_array(builder);
	for (guint i = 0; i < status->alarms->len; i++) {
		const StoredAlarm *alarm = g_ptr_array_index(status->alarms, i);

		json_builder_begin_object(builder);
		cli_json_string(builder, "alarm", alarm->key);
		cli_json_string(builder, "text", alarm->text);
		cli_json_string(builder, "by", alarm->by);
		cli_json_time(builder, "since", alarm->since);
		json_builder_end_object(builder);
	}
	json_builder_end_array(builder);
}
