/* stats: see stats.h. Checks what becomes part of a key, hands each question on to the backend, and reckons with what comes back; the two
 * stores keep it by themselves, and a spool does not. Layer: store. */
#include "store/stats.h"

#include <math.h>
#include <string.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/log.h"
#include "store/backend.h"

#define COUNTER_MAX 96
#define MINUTES_SPAN (60 * 86400)
#define DISTINCT_SPAN 7200
#define THREADS_ALL_MAX 1000000

/* --- what the lists hold --- */

StatsMinute *stats_minute_new(const char *id, gint64 minute)
{
	StatsMinute *one = g_new0(StatsMinute, 1);

	one->id = g_strdup(id);
	one->minute = minute - minute % 60;
	one->counters = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
	one->senders = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	one->accounts = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
	return one;
}

void stats_minute_free(StatsMinute *minute)
{
	if (minute == NULL)
		return;
	g_free(minute->id);
	g_hash_table_unref(minute->counters);
	g_hash_table_unref(minute->senders);
	g_hash_table_unref(minute->accounts);
	g_free(minute);
}

/* table: char * -> guint64 *. */
static void add_to(GHashTable *table, const char *name, guint64 n)
{
	guint64 *value = g_hash_table_lookup(table, name);

	if (value == NULL) {
		value = g_new0(guint64, 1);
		g_hash_table_insert(table, g_strdup(name), value);
	}
	*value += n;
}

bool stats_counter_valid(const char *counter)
{
	gsize size = strlen(counter);

	for (gsize i = 0; i < size; i++)
		if (!g_ascii_isgraph(counter[i]))
			return false;
	return size > 0 && size <= COUNTER_MAX;
}

void stats_minute_add(StatsMinute *minute, const char *counter, guint64 n)
{
	if (stats_counter_valid(counter))
		add_to(minute->counters, counter, n);
	else
		log_bug("counting: a counter that cannot be one");
}

/* Returns as much of it as is kept; caller frees. */
static char *account_name(const char *account)
{
	const char *end;

	if (strlen(account) <= STATS_ACCOUNT_MAX)
		return g_strdup(account);
	/* Cut where a character ends. */
	g_utf8_validate(account, STATS_ACCOUNT_MAX, &end);
	return g_strndup(account, (gsize)(end - account));
}

void stats_minute_add_account(StatsMinute *minute, const char *account, guint64 n)
{
	g_autofree char *name = account_name(account);

	add_to(minute->accounts, name, n);
}

guint64 stats_minute_get(const StatsMinute *minute, const char *counter)
{
	const guint64 *value = g_hash_table_lookup(minute->counters, counter);

	return value != NULL ? *value : 0;
}

bool stats_minute_is_counted(const StatsMinute *minute)
{
	return stats_minute_get(minute, "up") > 0 || stats_minute_get(minute, "mail") > 0;
}

StatsMinute *stats_minute_of(GPtrArray *minutes, const char *id, gint64 minute)
{
	guint low = 0, high = minutes->len;
	StatsMinute *one;

	while (low < high) {
		guint middle = low + (high - low) / 2;

		if (((StatsMinute *)minutes->pdata[middle])->minute < minute)
			low = middle + 1;
		else
			high = middle;
	}
	if (low < minutes->len && ((StatsMinute *)minutes->pdata[low])->minute == minute)
		return minutes->pdata[low];
	one = stats_minute_new(id, minute);
	g_ptr_array_insert(minutes, (int)low, one);
	return one;
}

StatsMail *stats_mail_new(const char *id, const char *hash, const char *key, const char *account, gint64 at)
{
	StatsMail *mail = g_new0(StatsMail, 1);

	mail->id = g_strdup(id);
	mail->hash = g_strdup(hash);
	mail->key = g_strdup(key);
	mail->account = account != NULL ? account_name(account) : NULL;
	mail->at = at;
	return mail;
}

void stats_mail_free(StatsMail *mail)
{
	if (mail == NULL)
		return;
	g_free(mail->id);
	g_free(mail->hash);
	g_free(mail->key);
	g_free(mail->account);
	g_free(mail);
}

void stats_answer_free(StatsAnswer *answer)
{
	if (answer == NULL)
		return;
	g_ptr_array_unref(answer->keys);
	g_free(answer);
}

void stats_thread_free(StatsThread *thread)
{
	if (thread == NULL)
		return;
	g_free(thread->hash);
	g_free(thread->account);
	g_free(thread);
}

/* --- checks --- */

static bool is_kept(bool there, GError **error)
{
	return store_keeps(there, "what is counted of support mail", error);
}

static bool check_part(const char *what, const char *text, GError **error)
{
	return store_check_part("figures", what, text, error);
}

static bool check_id(const char *id, GError **error)
{
	return check_part("the id of an incident", id, error);
}

static bool check_time(gint64 at, GError **error)
{
	if (at >= 0 && at < G_GINT64_CONSTANT(253402300800)) /* the year 10000 */
		return true;
	g_set_error(error, OUTAGE_ERROR, OUTAGE_ERROR_INVALID, "figures: %" G_GINT64_FORMAT " is no time of a mail", at);
	return false;
}

static bool check_names(GHashTable *names, bool (*fits)(const char *name), GError **error)
{
	GHashTableIter iter;
	gpointer name;

	g_hash_table_iter_init(&iter, names);
	while (g_hash_table_iter_next(&iter, &name, NULL)) {
		if (!fits(name)) {
			g_set_error_literal(error, OUTAGE_ERROR, OUTAGE_ERROR_INVALID, "figures: the name of a counter or account that cannot be one");
			return false;
		}
	}
	return true;
}

static bool is_account(const char *name)
{
	return *name != '\0' && strlen(name) <= STATS_ACCOUNT_MAX;
}

static bool check_minute(const StatsMinute *minute, GError **error)
{
	GHashTableIter iter;
	gpointer hash;
	bool ok = check_id(minute->id, error) && check_time(minute->minute, error) &&
	    check_names(minute->counters, stats_counter_valid, error) && check_names(minute->accounts, is_account, error);

	g_hash_table_iter_init(&iter, minute->senders);
	while (ok && g_hash_table_iter_next(&iter, &hash, NULL))
		ok = check_part("the hash of an address", hash, error);
	return ok;
}

static bool check_mail(const StatsMail *mail, GError **error)
{
	if (mail->account != NULL && !is_account(mail->account)) {
		g_set_error_literal(error, OUTAGE_ERROR, OUTAGE_ERROR_INVALID, "figures: the name of an account that cannot be one");
		return false;
	}
	return check_id(mail->id, error) && check_part("the hash of an address", mail->hash, error) &&
	    check_part("the key of a mail", mail->key, error) && check_time(mail->at, error);
}

static bool check_answer(const StatsAnswer *answer, GError **error)
{
	bool ok = check_time(answer->at, error);

	for (guint i = 0; ok && i < answer->keys->len; i++)
		ok = check_part("the key of a mail", answer->keys->pdata[i], error);
	return ok;
}

static bool check_batch(const StatsBatch *batch, GError **error)
{
	bool ok = true;

	for (guint i = 0; ok && batch->minutes != NULL && i < batch->minutes->len; i++)
		ok = check_minute(batch->minutes->pdata[i], error);
	for (guint i = 0; ok && batch->mails != NULL && i < batch->mails->len; i++)
		ok = check_mail(batch->mails->pdata[i], error);
	for (guint i = 0; ok && batch->answers != NULL && i < batch->answers->len; i++)
		ok = check_answer(batch->answers->pdata[i], error);
	return ok;
}

/* --- the store's --- */

bool store_stats_write(Store *store, const StatsBatch *batch, guint *replies, GError **error)
{
	guint ignored;

	return is_kept(store->backend->stats_write != NULL, error) && check_batch(batch, error) &&
	    store->backend->stats_write(store, batch, replies != NULL ? replies : &ignored, error);
}

GPtrArray *store_stats_minutes(Store *store, const char *id, gint64 from, gint64 to, GError **error)
{
	if (!is_kept(store->backend->stats_minutes != NULL, error) || !check_id(id, error) || !check_time(from, error) || !check_time(to, error))
		return NULL;
	/* A minute belongs to the span in which it begins. */
	from += (60 - from % 60) % 60;
	return store->backend->stats_minutes(store, id, MAX(from, to - MINUTES_SPAN), to, error);
}

bool store_stats_distinct(Store *store, const char *id, gint64 from, guint64 *senders, guint64 *accounts, GError **error)
{
	gint64 earliest = clock_now() - DISTINCT_SPAN;

	if (!is_kept(store->backend->stats_distinct != NULL, error) || !check_id(id, error) || !check_time(from, error))
		return false;
	if (from > 0 || strcmp(id, STATS_ALL) == 0)
		from = MAX(from, earliest);
	return store->backend->stats_distinct(store, id, from - from % STATS_SLOT, senders, accounts, error);
}

GHashTable *store_stats_accounts(Store *store, const char *id, GError **error)
{
	return is_kept(store->backend->stats_accounts != NULL, error) && check_id(id, error) ?
	    store->backend->stats_accounts(store, id, error) : NULL;
}

bool store_stats_threads_slice(Store *store, const char *id, char **cursor, GPtrArray *threads, GError **error)
{
	return is_kept(store->backend->stats_threads_slice != NULL, error) && check_id(id, error) &&
	    store->backend->stats_threads_slice(store, id, cursor, threads, error);
}

static int compare_threads(gconstpointer a, gconstpointer b)
{
	const StatsThread *one = *(StatsThread *const *)a, *other = *(StatsThread *const *)b;

	if (one->first_at != other->first_at)
		return one->first_at < other->first_at ? -1 : 1;
	return strcmp(one->hash, other->hash);
}

/* Empties slice into table (by hash, the later reading), as long as there is room. */
static void take_slice(GHashTable *table, GPtrArray *slice)
{
	while (slice->len > 0) {
		StatsThread *thread = g_ptr_array_steal_index_fast(slice, slice->len - 1);

		if (g_hash_table_size(table) < THREADS_ALL_MAX)
			g_hash_table_replace(table, thread->hash, thread);
		else
			stats_thread_free(thread);
	}
}

GPtrArray *store_stats_threads(Store *store, const char *id, GError **error)
{
	g_autoptr(GHashTable) table = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, (GDestroyNotify)stats_thread_free);
	g_autoptr(GPtrArray) slice = g_ptr_array_new_with_free_func((GDestroyNotify)stats_thread_free);
	g_autofree char *cursor = NULL;
	GPtrArray *threads;
	GHashTableIter iter;
	gpointer thread;

	do {
		if (!store_stats_threads_slice(store, id, &cursor, slice, error))
			return NULL;
		take_slice(table, slice);
	} while (cursor != NULL);
	threads = g_ptr_array_new_full(g_hash_table_size(table), (GDestroyNotify)stats_thread_free);
	g_hash_table_iter_init(&iter, table);
	while (g_hash_table_iter_next(&iter, NULL, &thread)) {
		g_ptr_array_add(threads, thread);
		g_hash_table_iter_steal(&iter);
	}
	g_ptr_array_sort(threads, compare_threads);
	return threads;
}

bool store_stats_outbound_seen(Store *store, gint64 *at, GError **error)
{
	return is_kept(store->backend->stats_outbound_seen != NULL, error) && store->backend->stats_outbound_seen(store, at, error);
}

/* --- first answers --- */

static int compare_times(gconstpointer a, gconstpointer b)
{
	gint64 one = *(const gint64 *)a, other = *(const gint64 *)b;

	return one < other ? -1 : one > other;
}

/* The smallest of the sorted times that at least percent of them do not exceed. */
static gint64 nearest_rank(const GArray *times, guint percent)
{
	guint64 rank = ((guint64)times->len * percent + 99) / 100;

	return times->len > 0 ? g_array_index(times, gint64, rank - 1) : -1;
}

StatsResponses stats_first_responses(const GPtrArray *threads)
{
	StatsResponses sums = { .customers = threads->len };
	g_autoptr(GArray) times = g_array_new(FALSE, FALSE, sizeof(gint64));

	for (guint i = 0; i < threads->len; i++) {
		const StatsThread *thread = threads->pdata[i];

		sums.mails += thread->mails;
		sums.again += thread->again;
		sums.wrote_again += thread->again > 0;
		if (thread->answered_at > 0) {
			/* The clocks of two nodes may differ. */
			gint64 took = MAX(thread->answered_at - thread->first_at, 0);

			g_array_append_val(times, took);
		} else {
			sums.unanswered++;
			sums.oldest_unanswered = sums.oldest_unanswered > 0 ? MIN(sums.oldest_unanswered, thread->first_at) : thread->first_at;
		}
	}
	g_array_sort(times, compare_times);
	sums.answered = times->len;
	sums.median = nearest_rank(times, 50);
	sums.p90 = nearest_rank(times, 90);
	sums.p99 = nearest_rank(times, 99);
	return sums;
}

/* --- the baseline --- */

guint baseline_hour(gint64 at)
{
	/* The epoch began on a Thursday. */
	return (guint)((MAX(at, 0) / 3600 + 3 * 24) % BASELINE_HOURS);
}

bool store_baseline(Store *store, BaselineHour hours[BASELINE_HOURS], GError **error)
{
	return is_kept(store->backend->baseline != NULL, error) && store->backend->baseline(store, hours, error);
}

bool store_baseline_learn(Store *store, gint64 hour_start, double mails, double senders, bool *learned, GError **error)
{
	if (!is_kept(store->backend->baseline_learn != NULL, error) || !check_time(hour_start, error))
		return false;
	if (!isfinite(mails) || !isfinite(senders) || mails < 0 || senders < 0 || hour_start % 3600 != 0) {
		g_set_error_literal(error, OUTAGE_ERROR, OUTAGE_ERROR_INVALID, "baseline: no hour, or no rate of mails");
		return false;
	}
	return store->backend->baseline_learn(store, hour_start, mails, senders, learned, error);
}
