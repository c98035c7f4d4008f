/* flipbench: how long a flip of the incident's word takes until running nodes have it in their snapshot. Benchmarks only.
 *
 *     flipbench redis://127.0.0.1:PORT|sqlite:/PATH STATE_DIR [COUNT [WATCHERS]]
 *
 * Runs the very thread the milter runs (store/watch), one for each of WATCHERS nodes (1), all connected at the same time. On Redis
 * the word is flipped by a plain SET over a socket of its own, as redis-cli does it; on SQLite through the store, as outagectl
 * does it. The time counts from just before the write to the callback with the new snapshot. Flips go between P1 and P2, so that
 * the incident stays the same one.
 *
 * Prints one JSON object on one line: flips, watchers, p50_us, p99_us, max_us (over all watchers of all flips), and last_p50_us,
 * last_p99_us, last_max_us (of each flip, the watcher that saw it last). Exit status 1 where a flip was not seen within 10 s. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <glib.h>
#include <glib/gstdio.h>

#include "base/log.h"
#include "config/config.h"
#include "incident/incident.h"
#include "quantiles.h"
#include "rawredis.h"
#include "store/store.h"
#include "store/watch.h"

#define SEEN_WITHIN (10 * G_USEC_PER_SEC)

typedef struct Seen Seen;

/* One watching node. */
typedef struct {
	Seen *seen;
	Watch *watch;
	Word word;
	gint64 at; /* when word was first seen */
} Watcher;

/* What the watching threads tell the flipping one. */
struct Seen {
	GMutex lock; /* over all below */
	GCond changed;
	Word awaited;
	guint missing; /* watchers that have not seen it */
	Watcher *watchers;
	guint count;
};

/* The hand that flips: one of the two. */
typedef struct {
	int fd;       /* to Redis, or -1 */
	Store *store; /* SQLite, or NULL */
} Hand;

static void on_change(const Snapshot *snapshot, gpointer data)
{
	Watcher *watcher = data;
	const Incident *incident = snapshot_find(snapshot, "default");
	Word word = incident != NULL ? incident->state.word : WORD_NONE;

	g_mutex_lock(&watcher->seen->lock);
	if (word != watcher->word) {
		watcher->word = word;
		watcher->at = g_get_monotonic_time();
		if (word == watcher->seen->awaited && --watcher->seen->missing == 0)
			g_cond_signal(&watcher->seen->changed);
	}
	g_mutex_unlock(&watcher->seen->lock);
}

static void expect(Seen *seen, Word word)
{
	g_mutex_lock(&seen->lock);
	seen->awaited = word;
	seen->missing = 0;
	for (guint i = 0; i < seen->count; i++)
		seen->missing += seen->watchers[i].word != word;
	g_mutex_unlock(&seen->lock);
}

static bool wait_until_seen(Seen *seen)
{
	gint64 deadline = g_get_monotonic_time() + SEEN_WITHIN;
	bool in_time = true;

	g_mutex_lock(&seen->lock);
	while (seen->missing > 0 && in_time)
		in_time = g_cond_wait_until(&seen->changed, &seen->lock, deadline);
	in_time = seen->missing == 0;
	g_mutex_unlock(&seen->lock);
	return in_time;
}

/* Does not wait for Redis' answer: that is flip_finish's part. */
static bool flip(const Hand *hand, Word word, GError **error)
{
	g_autoptr(GString) command = g_string_new(NULL);

	if (hand->store != NULL)
		return store_set_word(hand->store, "default", word, NULL, "flipbench", NULL, error);
	raw_redis_append(command, "SET", "outage:incident", word_name(word), NULL);
	return raw_redis_send(hand->fd, command, error);
}

static bool flip_finish(const Hand *hand, GError **error)
{
	return hand->fd < 0 || raw_redis_take_lines(hand->fd, 1, error);
}

/* all receives the time of each watcher, last that of the slowest. */
static bool measure(const Hand *hand, Seen *seen, int count, GArray *all, GArray *last, GError **error)
{
	for (int i = 0; i < count + 1; i++) {
		Word word = i % 2 == 0 ? WORD_P1 : WORD_P2;
		expect(seen, word);
		gint64 from = g_get_monotonic_time(), slowest = 0;
		if (!flip(hand, word, error))
			return false;
		if (!wait_until_seen(seen)) {
			g_set_error(error, G_FILE_ERROR, G_FILE_ERROR_FAILED, "flip %d was not seen within 10 s by %u watchers", i, seen->missing);
			return false;
		}
		for (guint w = 0; i > 0 && w < seen->count; w++) { /* the first one opens the incident */
			gint64 took = seen->watchers[w].at - from;
			g_array_append_val(all, took);
			slowest = MAX(slowest, took);
		}
		if (i > 0)
			g_array_append_val(last, slowest);
		if (!flip_finish(hand, error))
			return false;
		g_usleep(1000 + (gulong)(i * 7919 % 4000)); /* flips are rare: let the threads go back to their wait, at any phase of a poll */
	}
	return true;
}

static bool start_watchers(Seen *seen, const char *url, const char *state_dir)
{
	bool ready = true;

	for (guint i = 0; i < seen->count; i++) {
		g_autoptr(Config) config = config_defaults();
		g_autofree char *node = g_strdup_printf("watcher%u", i);

		g_free(config->store_url);
		config->store_url = g_strdup(url);
		g_free(config->state_dir);
		config->state_dir = g_build_filename(state_dir, node, NULL);
		g_mkdir(config->state_dir, 0700);
		seen->watchers[i] = (Watcher){ .seen = seen, .word = WORD_NONE };
		seen->watchers[i].watch = watch_start(config, node, on_change, &seen->watchers[i]);
	}
	for (guint i = 0; i < seen->count; i++)
		ready = watch_wait_ready(seen->watchers[i].watch, 10000) && ready;
	return ready;
}

static Hand open_hand(const char *url, GError **error)
{
	Hand hand = { .fd = -1 };
	g_autoptr(Config) config = config_defaults();

	if (g_str_has_prefix(url, "redis:")) {
		hand.fd = raw_redis_connect(url, error);
		return hand;
	}
	g_free(config->store_url);
	config->store_url = g_strdup(url);
	hand.store = store_open(config, "flipbench-hand", error);
	return hand;
}

int main(int argc, char **argv)
{
	if (argc < 3 || argc > 5) {
		fprintf(stderr, "usage: flipbench redis://127.0.0.1:PORT|sqlite:/PATH STATE_DIR [COUNT [WATCHERS]]\n");
		return 2;
	}
	int count = argc > 3 ? (int)g_ascii_strtoll(argv[3], NULL, 10) : 1000;
	g_autoptr(GError) error = NULL;
	g_autoptr(GArray) all = g_array_new(FALSE, FALSE, sizeof(gint64)), last = g_array_new(FALSE, FALSE, sizeof(gint64));
	Seen seen = { .awaited = WORD_NONE, .count = argc > 4 ? (guint)g_ascii_strtoull(argv[4], NULL, 10) : 1 };

	log_open("flipbench", LOG_TO_STDERR, LOG_LEVEL_WARNING); /* a line per flip would be measured too */
	g_mutex_init(&seen.lock);
	g_cond_init(&seen.changed);
	seen.watchers = g_new0(Watcher, seen.count);
	bool ok = start_watchers(&seen, argv[1], argv[2]);
	Hand hand = open_hand(argv[1], &error);
	ok = ok && (hand.fd >= 0 || hand.store != NULL) && measure(&hand, &seen, count, all, last, &error);
	for (guint i = 0; i < seen.count; i++)
		watch_stop(seen.watchers[i].watch);
	if (hand.store != NULL)
		store_close(hand.store);
	if (hand.fd >= 0)
		close(hand.fd);
	g_free(seen.watchers);
	if (!ok || all->len == 0) {
		fprintf(stderr, "flipbench: %s\n", error != NULL ? error->message : "no contact with the store");
		return 1;
	}
	printf("{\"flips\": %u, \"watchers\": %u", last->len, seen.count);
	print_quantiles("", all);
	print_quantiles("last_", last);
	printf("}\n");
	return 0;
}
