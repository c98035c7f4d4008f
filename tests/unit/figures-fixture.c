/* figures-fixture: see figures-fixture.h. */
#include "figures-fixture.h"

#include <string.h>

GPtrArray *figures_minutes(void)
{
	return g_ptr_array_new_with_free_func((GDestroyNotify)stats_minute_free);
}

/* Writes one minute; counters as "mail=2 matched=1", senders and accounts as words; any may be NULL. */
void figures_write_minute(Store *store, const char *id, gint64 at, const char *counters, const char *senders, const char *accounts)
{
	g_auto(GStrv) pairs = g_strsplit(counters ? counters : "", " ", 0), hashes = g_strsplit(senders ? senders : "", " ", 0);
	g_auto(GStrv) names = g_strsplit(accounts ? accounts : "", " ", 0);
	g_autoptr(GPtrArray) minutes = figures_minutes();
	StatsMinute *minute = stats_minute_new(id, at);
	g_autoptr(GError) error = NULL;

	for (char **pair = pairs; *pair; pair++) {
		char *value = strrchr(*pair, '=');

		*value = '\0';
		stats_minute_add(minute, *pair, g_ascii_strtoull(value + 1, NULL, 10));
	}
	for (char **hash = hashes; *hash; hash++)
		g_hash_table_add(minute->senders, g_strdup(*hash));
	for (char **name = names; *name; name++)
		stats_minute_add_account(minute, *name, 1);
	g_ptr_array_add(minutes, minute);
	store_stats_write(store, &(StatsBatch){ .minutes = minutes }, NULL, &error);
	g_assert_no_error(error);
}

bool figures_try_mail(Store *store, const char *id, const char *hash, const char *key, const char *account, gint64 at, guint *replies,
    GError **error)
{
	g_autoptr(GPtrArray) mails = g_ptr_array_new_with_free_func((GDestroyNotify)stats_mail_free);

	g_ptr_array_add(mails, stats_mail_new(id, hash, key, account, at));
	return store_stats_write(store, &(StatsBatch){ .mails = mails }, replies, error);
}

bool figures_try_answer(Store *store, const char *keys, gint64 at, guint *replies, GError **error)
{
	g_autoptr(GPtrArray) answers = g_ptr_array_new_with_free_func((GDestroyNotify)stats_answer_free);
	g_auto(GStrv) words = g_strsplit(keys, " ", 0);
	StatsAnswer *answer = g_new0(StatsAnswer, 1);

	answer->at = at;
	answer->keys = g_ptr_array_new_with_free_func(g_free);
	for (char **word = words; *word; word++)
		g_ptr_array_add(answer->keys, g_strdup(*word));
	g_ptr_array_add(answers, answer);
	return store_stats_write(store, &(StatsBatch){ .answers = answers }, replies, error);
}

guint figures_write_mail(Store *store, const char *id, const char *hash, const char *key, const char *account, gint64 at)
{
	g_autoptr(GError) error = NULL;
	guint replies = 0;

	figures_try_mail(store, id, hash, key, account, at, &replies, &error);
	g_assert_no_error(error);
	return replies;
}

guint figures_write_answer(Store *store, const char *keys, gint64 at)
{
	g_autoptr(GError) error = NULL;
	guint replies = 0;

	figures_try_answer(store, keys, at, &replies, &error);
	g_assert_no_error(error);
	return replies;
}

GPtrArray *figures_minutes_of(Store *store, const char *id, gint64 from, gint64 to)
{
	g_autoptr(GError) error = NULL;
	GPtrArray *minutes = store_stats_minutes(store, id, from, to, &error);

	g_assert_no_error(error);
	return minutes;
}

GPtrArray *figures_threads_of(Store *store, const char *id)
{
	g_autoptr(GError) error = NULL;
	GPtrArray *threads = store_stats_threads(store, id, &error);

	g_assert_no_error(error);
	return threads;
}

void figures_check_distinct(Store *store, const char *id, gint64 from, guint64 senders, guint64 accounts)
{
	g_autoptr(GError) error = NULL;
	guint64 seen_senders, seen_accounts;

	store_stats_distinct(store, id, from, &seen_senders, &seen_accounts, &error);
	g_assert_no_error(error);
	g_assert_cmpuint(seen_senders, ==, senders);
	g_assert_cmpuint(seen_accounts, ==, accounts);
}

guint64 figures_account_total(Store *store, const char *id, const char *account)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(GHashTable) totals = store_stats_accounts(store, id, &error);
	const guint64 *n;

	g_assert_no_error(error);
	n = g_hash_table_lookup(totals, account);
	return n != NULL ? *n : 0;
}
