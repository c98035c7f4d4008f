/* redis-wait: hears of changes through server-assisted invalidation. Layer: store, private to redis*.c.
 *
 * One connection redirects the invalidations of its own tracking to itself and subscribes to them: tracking and
 * subscription live and die together, and no RESP3 is needed. It is asked with PING at intervals, since a peer that
 * vanished without a word (power, firewall) would look like a quiet one. Nothing is lost between a snapshot and the
 * next wait: the socket keeps what arrives, and the first wait on a new connection always says "changed". */
#include <poll.h>
#include <string.h>

#include "base/clock.h"
#include "base/error.h"
#include "store/redis-private.h"

#define CHANNEL "__redis__:invalidate"
#define PING_AFTER_US (G_USEC_PER_SEC)

/* Must not overlap: Redis refuses that. "incident" covers the flip keys and the texts. */
static const char *const prefixes[] = { "incident", "state:", "pause", "updates:", "events", "accounts" };

static Link *open_tracker(RedisStore *store, GError **error)
{
	const Config *config = store->base.config;
	g_autoptr(Link) link = link_open(config, store->base.node, error);
	g_autoptr(GPtrArray) ask_id = command_new("CLIENT", "ID", NULL), track = NULL, subscribe = NULL;
	g_autoptr(redisReply) id = NULL, tracking = NULL, subscribed = NULL;
	g_autofree char *own_id = NULL;

	if (!link || !(id = link_ask(link, ask_id, config->store_timeout, false, error)))
		return NULL;
	own_id = g_strdup_printf("%lld", id->integer);
	track = command_new("CLIENT", "TRACKING", "ON", "REDIRECT", own_id, "BCAST", NULL);
	for (guint i = 0; i < G_N_ELEMENTS(prefixes); i++) {
		g_autofree char *prefix = redis_key(store, prefixes[i], NULL);

		command_add(track, "PREFIX");
		command_add(track, prefix);
	}
	tracking = link_ask(link, track, config->store_timeout, false, error);
	if (!tracking)
		return NULL;
	subscribe = command_new("SUBSCRIBE", CHANNEL, NULL);
	subscribed = link_ask(link, subscribe, config->store_timeout, false, error);
	return subscribed ? g_steal_pointer(&link) : NULL;
}

/* Notes what kind of key an invalidation names. */
static void note_keys(RedisStore *store, const redisReply *keys)
{
	g_autofree char *accounts = redis_key(store, "accounts", NULL);

	/* FLUSHALL and FLUSHDB come without keys: everything changed. */
	if (keys->type != REDIS_REPLY_ARRAY)
		store->base.accounts_changed = true;
	for (gsize i = 0; keys->type == REDIS_REPLY_ARRAY && i < keys->elements; i++) {
		if (g_strcmp0(redis_text(keys->element[i]), accounts) == 0)
			store->base.accounts_changed = true;
	}
}

/* Takes all that has arrived. Returns 1 where an invalidation was among it, 0, or -1 with error. */
static int drain(RedisStore *store, GError **error)
{
	int changed = 0;

	for (;;) {
		g_autoptr(redisReply) reply = NULL;
		const char *kind;
		int got = link_hear(store->tracker, &reply, error);

		if (got < 0)
			return -1;
		if (got == 0)
			return changed;
		store->tracker_heard = clock_mono_us();
		store->tracker_pinged = 0;
		if (link_reply_failed(store->tracker, reply, error))
			return -1;
		kind = reply->elements > 0 ? redis_text(reply->element[0]) : NULL;
		if (reply->elements == 3 && g_strcmp0(kind, "message") == 0) {
			note_keys(store, reply->element[2]);
			changed = 1;
		}
	}
}

/* Asks whether the other side is still there, and says when to look again (monotonic, us); 0 with error where it is
 * not. */
static gint64 check_alive(RedisStore *store, GError **error)
{
	gint64 now = clock_mono_us(), patience = store->base.config->store_timeout * 1000;
	g_autoptr(GPtrArray) ping = NULL;

	if (store->tracker_pinged != 0) {
		if (now - store->tracker_pinged < patience)
			return store->tracker_pinged + patience;
		g_set_error(error, OUTAGE_ERROR, OUTAGE_ERROR_UNAVAILABLE, "Redis has not answered for %" G_GINT64_FORMAT " ms",
		    (now - store->tracker_pinged) / 1000);
		return 0;
	}
	if (now - store->tracker_heard < PING_AFTER_US)
		return store->tracker_heard + PING_AFTER_US;
	ping = command_new("PING", NULL);
	link_push(store->tracker, ping);
	if (!link_send(store->tracker, store->base.config->store_timeout, error))
		return 0;
	store->tracker_pinged = now;
	return now + patience;
}

/* Sleeps until the tracker or wake_fd has something or `until`. Returns true where wake_fd has. */
static bool sleep_until(RedisStore *store, int wake_fd, gint64 until)
{
	struct pollfd fds[2] = { { .fd = link_fd(store->tracker), .events = POLLIN }, { .fd = wake_fd, .events = POLLIN } };
	gint64 left_ms = MAX((until - clock_mono_us() + 999) / 1000, 0);
	int ready = poll(fds, wake_fd >= 0 ? 2 : 1, (int)MIN(left_ms, G_MAXINT / 2));

	/* An interrupted poll is one that found nothing: the caller's loop goes round. */
	return ready > 0 && wake_fd >= 0 && fds[1].revents != 0;
}

/* Neither link can be trusted once one of them failed: the watch opens the store anew. */
static int lost(RedisStore *store)
{
	g_clear_pointer(&store->tracker, link_free);
	return -1;
}

/* A failover between the two connections leaves the tracker with a server that nobody writes to, or the store with one that nobody
 * reads: either would stay quiet for ever. */
static bool same_server(RedisStore *store, GError **error)
{
	const char *ours = link_server_id(store->link), *tracked = link_server_id(store->tracker);

	if (*ours == '\0' || *tracked == '\0' || strcmp(ours, tracked) == 0)
		return true;
	g_set_error(error, OUTAGE_ERROR, OUTAGE_ERROR_UNAVAILABLE, "Redis at %s is another server than the one at %s that this node began with",
	    link_where(store->tracker), link_where(store->link));
	return false;
}

int redis_wait(Store *base, int wake_fd, gint64 timeout_ms, GError **error)
{
	RedisStore *store = (RedisStore *)base;
	gint64 deadline = clock_mono_us() + timeout_ms * 1000;

	if (!store->tracker) {
		store->tracker = open_tracker(store, error);
		if (!store->tracker)
			return -1;
		if (!same_server(store, error))
			return lost(store);
		store->tracker_heard = clock_mono_us();
		store->tracker_pinged = 0;
		store->base.accounts_changed = true;
		return 1;
	}
	for (;;) {
		int changed = drain(store, error);
		gint64 next;

		if (changed < 0)
			return lost(store);
		if (changed > 0)
			return 1;
		next = check_alive(store, error);
		if (next == 0)
			return lost(store);
		if (sleep_until(store, wake_fd, MIN(next, deadline)))
			return 0;
		/* Looks once more at what came in the last moment. */
		if (clock_mono_us() >= deadline) {
			changed = drain(store, error);
			return changed < 0 ? lost(store) : changed;
		}
	}
}
