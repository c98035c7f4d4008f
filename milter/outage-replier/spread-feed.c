/* spread-feed: tells feed.recipients what happens to the incidents (see spread.h). Layer: program. */
#include "base/clock.h"
#include "outage-replier/due.h"
#include "outage-replier/spread-private.h"

/* Of the newest so many events a round takes what concerns it: most are of other kinds (bounces, accounts). */
#define EVENTS 200
/* Letters are remembered for so long (seconds): above the hour for which an event is news, by any clock. */
#define REMEMBER (3 * 3600)
#define REMEMBERED_MAX 10000

struct Feed {
	GHashTable *claimed; /* "LETTER RECIPIENT" -> when its event was (gint64 *): spares asking the store every two seconds */
};

Feed *spread_feed_new(void)
{
	Feed *feed = g_new0(Feed, 1);

	feed->claimed = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
	return feed;
}

void spread_feed_free(Feed *feed)
{
	if (feed == NULL)
		return;
	g_hash_table_unref(feed->claimed);
	g_free(feed);
}

static gboolean is_old(gpointer key, gpointer value, gpointer data)
{
	(void)key;
	return *(gint64 *)value < *(gint64 *)data;
}

static void remember(Feed *feed, char *name, gint64 at)
{
	gint64 oldest = clock_now() - REMEMBER;

	if (g_hash_table_size(feed->claimed) >= REMEMBERED_MAX)
		(void)g_hash_table_foreach_remove(feed->claimed, is_old, &oldest);
	g_hash_table_insert(feed->claimed, name, g_memdup2(&at, sizeof at));
}

static bool tell(Spread *spread, const Config *config, const StoreEvent *event, const char *recipient, GError **error)
{
	const Incident *incident = event->name != NULL ? spread_incident(spread, event->name) : NULL;
	g_autoptr(ClaimRequest) request = due_feed_request(config, event, incident, recipient, clock_now());
	g_autofree char *name = NULL;

	if (request == NULL)
		return true;
	name = g_strconcat(request->letter, " ", request->sender, NULL);
	if (g_hash_table_contains(spread->feed->claimed, name))
		return true;
	if (!spread_claim_staff(spread, config, request, error))
		return false;
	remember(spread->feed, g_steal_pointer(&name), event->at);
	return true;
}

bool spread_feed(Spread *spread, const Config *config, GError **error)
{
	g_autoptr(GPtrArray) events = NULL;

	if (config->feed_recipients == NULL || config->feed_recipients[0] == NULL)
		return true;
	events = store_events(spread->store, EVENTS, error);
	/* In the order in which it happened. */
	for (guint i = events != NULL ? events->len : 0; i > 0; i--)
		for (char **recipient = config->feed_recipients; *recipient != NULL; recipient++)
			if (!tell(spread, config, events->pdata[i - 1], *recipient, error))
				return false;
	return events != NULL;
}
