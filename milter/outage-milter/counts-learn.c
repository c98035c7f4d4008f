/* counts-learn: what an hour that is over says of the usual week. Layer: program.
 *
 * All nodes look at the same hour; the store learns from it once. */
#include "outage-milter/counts-private.h"

#define LEARN_MINUTES 30 /* that have to be known of an hour */

/* What an hour had a minute; false where it says nothing of the usual: an incident was on, or too little of it is known. */
static bool usual(const GPtrArray *minutes, double *mails, double *senders)
{
	guint64 n_mails = 0, n_senders = 0;
	guint known = 0;

	for (guint i = 0; i < minutes->len; i++) {
		const StatsMinute *minute = g_ptr_array_index(minutes, i);

		if (stats_minute_get(minute, "on") > 0)
			return false;
		if (stats_minute_get(minute, "up") == 0)
			continue;
		known++;
		n_mails += stats_minute_get(minute, "mail");
		n_senders += stats_minute_get(minute, "senders");
	}
	if (known < LEARN_MINUTES)
		return false;
	*mails = (double)n_mails / known;
	*senders = (double)n_senders / known;
	return true;
}

bool counts_learn(Store *store, gint64 hour, bool *learned, GError **error)
{
	g_autoptr(GPtrArray) minutes = store_stats_minutes(store, STATS_ALL, hour, hour + 3600, error);
	double mails, senders;
	bool ignored;

	if (minutes == NULL)
		return false;
	if (learned == NULL)
		learned = &ignored;
	*learned = false;
	return !usual(minutes, &mails, &senders) || store_baseline_learn(store, hour, mails, senders, learned, error);
}
