/* flipbench: how long a flip of the incident's word takes until a running node has it in its snapshot. Benchmarks only.
 *
 *     flipbench redis://127.0.0.1:PORT|sqlite:/PATH STATE_DIR [COUNT]
 *
 * Runs the very thread the milter runs (store/watch). On Redis the word is flipped by a plain SET over a socket of its own,
 * as redis-cli does it; on SQLite through the store, as outagectl does it. The time counts from just before the write to
 * the callback with the new snapshot. Flips go between P1 and P2, so that the incident stays the same one.
 *
 * Prints one JSON object on one line: flips, p50_us, p99_us, max_us. Exit status 1 where a flip was not seen within 10 s. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <glib.h>

#include "base/log.h"
#include "config/config.h"
#include "incident/incident.h"
#include "store/store.h"
#include "store/watch.h"

#define SEEN_WITHIN (10 * G_USEC_PER_SEC)

/* What the watching thread tells the flipping one. */
typedef struct {
	GMutex lock;
	GCond changed;
	Word word;
	gint64 at; /* when word was first seen */
} Seen;

/* The hand that flips: one of the two. */
typedef struct {
	int fd;       /* to Redis, or -1 */
	Store *store; /* SQLite, or NULL */
} Hand;

static void on_change(const Snapshot *snapshot, gpointer data)
{
	Seen *seen = data;
	const Incident *incident = snapshot_find(snapshot, "default");
	Word word = incident != NULL ? incident->state.word : WORD_NONE;

	g_mutex_lock(&seen->lock);
	if (word != seen->word) {
		seen->word = word;
		seen->at = g_get_monotonic_time();
		g_cond_broadcast(&seen->changed);
	}
	g_mutex_unlock(&seen->lock);
}

/* Returns when word was seen, or -1. */
static gint64 wait_for_word(Seen *seen, Word word)
{
	gint64 deadline = g_get_monotonic_time() + SEEN_WITHIN;
	bool in_time = true;

	g_mutex_lock(&seen->lock);
	while (seen->word != word && in_time)
		in_time = g_cond_wait_until(&seen->changed, &seen->lock, deadline);
	gint64 at = seen->word == word ? seen->at : -1;
	g_mutex_unlock(&seen->lock);
	return at;
}

static int redis_connect(const char *url)
{
	const char *colon = strrchr(url, ':');
	struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int one = 1;

	address.sin_port = htons((guint16)g_ascii_strtoull(colon + 1, NULL, 10));
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof address) < 0 ||
	    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one) < 0) {
		fprintf(stderr, "flipbench: %s: cannot connect\n", url);
		return -1;
	}
	return fd;
}

/* SET outage:incident WORD in RESP. Does not wait for the answer: that is flip_finish's part. */
static bool flip(const Hand *hand, Word word, GError **error)
{
	if (hand->store != NULL)
		return store_set_word(hand->store, "default", word, NULL, "flipbench", NULL, error);
	g_autofree char *command = g_strdup_printf("*3\r\n$3\r\nSET\r\n$15\r\noutage:incident\r\n$%" G_GSIZE_FORMAT "\r\n%s\r\n",
	    strlen(word_name(word)), word_name(word));
	if (send(hand->fd, command, strlen(command), MSG_NOSIGNAL) == (ssize_t)strlen(command))
		return true;
	g_set_error(error, G_FILE_ERROR, G_FILE_ERROR_FAILED, "the connection to Redis is lost");
	return false;
}

static bool flip_finish(const Hand *hand, GError **error)
{
	char answer[5];
	if (hand->fd < 0 || (recv(hand->fd, answer, sizeof answer, MSG_WAITALL) == sizeof answer && memcmp(answer, "+OK\r\n", 5) == 0))
		return true;
	g_set_error(error, G_FILE_ERROR, G_FILE_ERROR_FAILED, "Redis did not take the SET");
	return false;
}

static int compare_times(gconstpointer a, gconstpointer b)
{
	gint64 left = *(const gint64 *)a, right = *(const gint64 *)b;
	return (left > right) - (left < right);
}

static bool measure(const Hand *hand, Seen *seen, int count, GArray *times, GError **error)
{
	for (int i = 0; i < count + 1; i++) {
		Word word = i % 2 == 0 ? WORD_P1 : WORD_P2;
		gint64 from = g_get_monotonic_time();
		if (!flip(hand, word, error))
			return false;
		gint64 at = wait_for_word(seen, word);
		if (at < 0) {
			g_set_error(error, G_FILE_ERROR, G_FILE_ERROR_FAILED, "flip %d was not seen within 10 s", i);
			return false;
		}
		gint64 took = at - from;
		if (i > 0) /* the first one opens the incident */
			g_array_append_val(times, took);
		if (!flip_finish(hand, error))
			return false;
		g_usleep(1000 + (gulong)(i * 7919 % 4000)); /* flips are rare: let the thread go back to its wait, at any phase of its poll */
	}
	return true;
}

int main(int argc, char **argv)
{
	if (argc < 3 || argc > 4) {
		fprintf(stderr, "usage: flipbench redis://127.0.0.1:PORT|sqlite:/PATH STATE_DIR [COUNT]\n");
		return 2;
	}
	int count = argc == 4 ? (int)g_ascii_strtoll(argv[3], NULL, 10) : 1000;
	g_autoptr(GError) error = NULL;
	g_autoptr(GArray) times = g_array_new(FALSE, FALSE, sizeof(gint64));
	g_autoptr(Config) config = config_defaults();
	Seen seen = { .word = WORD_NONE };
	Hand hand = { .fd = -1 };
	bool ok = false;

	log_open("flipbench", LOG_TO_STDERR, LOG_LEVEL_WARNING); /* a line per flip would be measured too */
	g_mutex_init(&seen.lock);
	g_cond_init(&seen.changed);
	g_free(config->store_url);
	config->store_url = g_strdup(argv[1]);
	g_free(config->state_dir);
	config->state_dir = g_strdup(argv[2]);
	Watch *watch = watch_start(config, "flipbench", on_change, &seen);
	if (g_str_has_prefix(argv[1], "redis:"))
		hand.fd = redis_connect(argv[1]);
	else
		hand.store = store_open(config, "flipbench-hand", &error);
	if (hand.fd >= 0 || hand.store != NULL)
		ok = watch_wait_ready(watch, 10000) && measure(&hand, &seen, count, times, &error);
	watch_stop(watch);
	if (hand.store != NULL)
		store_close(hand.store);
	if (hand.fd >= 0)
		close(hand.fd);
	if (!ok || times->len == 0) {
		fprintf(stderr, "flipbench: %s\n", error != NULL ? error->message : "no contact with the store");
		return 1;
	}
	g_array_sort(times, compare_times);
	printf("{\"flips\": %u, \"p50_us\": %" G_GINT64_FORMAT ", \"p99_us\": %" G_GINT64_FORMAT ", \"max_us\": %" G_GINT64_FORMAT "}\n",
	    times->len, g_array_index(times, gint64, times->len / 2), g_array_index(times, gint64, times->len * 99 / 100),
	    g_array_index(times, gint64, times->len - 1));
	return 0;
}
