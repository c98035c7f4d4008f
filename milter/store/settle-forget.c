/* settle-forget: what this node keeps by itself of people whom the store was told to forget (store/erase.h). Layer: store, private to
 * settle*.c.
 *
 * The store's events say who: by a keyed hash, and when. What he has written since is not meant. */
#include "store/settle-private.h"

#include <string.h>

#include "base/clock.h"
#include "base/log.h"

#define FORGET_US (300 * G_USEC_PER_SEC)

bool settle_forget_is_due(const SettleRound *round)
{
	return clock_mono_us() >= round->next_forget;
}

/* *newest: the time of the newest event that told of somebody; *all: what went. */
static SettleOutcome forget_named(SettleRound *round, const GPtrArray *events, gint64 *newest, guint *all, GError **error)
{
	for (guint i = 0; i < events->len; i++) {
		const StoreEvent *event = events->pdata[i];
		guint rows = 0;

		if (g_strcmp0(event->what, "forgot") != 0 || event->name == NULL)
			continue;
		if (!spool_forget(round->spool, event->name, event->at, &rows, error))
			return SETTLE_SPOOL_AWAY;
		*all += rows;
		*newest = MAX(*newest, event->at);
	}
	return SETTLE_DONE;
}

SettleOutcome settle_forget(SettleRound *round, GError **error)
{
	/* What is older has ended here by itself. However long this node was away, and whatever else there was to tell of meanwhile. */
	gint64 since = MAX(round->forgotten_until, clock_now() - round->config->retention / 1000), newest = round->forgotten_until;
	g_autofree char *cursor = NULL;
	guint all = 0;

	do {
		g_autoptr(GPtrArray) events = g_ptr_array_new_with_free_func((GDestroyNotify)store_event_free);
		SettleOutcome outcome;

		if (!store_events_slice(round->store, since, &cursor, events, error))
			return SETTLE_STORE_AWAY;
		outcome = forget_named(round, events, &newest, &all, error);
		if (outcome != SETTLE_DONE)
			return outcome;
	} while (cursor != NULL && !settle_is_stopping(round));
	if (all > 0)
		log_info("settle: %u thing(s) that this node kept of people to be forgotten are gone", all);
	round->forgotten_until = newest;
	round->next_forget = clock_mono_us() + FORGET_US;
	return SETTLE_DONE;
}
