/* counts-write: the thread that brings what counts.c adds up to the store, and lets it learn the usual week. Layer: program.
 *
 * What is taken out of the queues is written once: after an answer that did not come it may be in the store already, and a figure that is
 * a little too low is better than one that is too high without a bound. */
#include "base/clock.h"
#include "base/error.h"
#include "base/log.h"
#include "incident/incident.h"
#include "outage-milter/counts-private.h"

#define EVERY_US (5 * G_USEC_PER_SEC)
#define SAY_EVERY_US (600 * G_USEC_PER_SEC)
/* One write holds up everybody else in the store as long as it takes. */
#define MINUTES_AT_ONCE 8
#define MAILS_AT_ONCE 500
#define ANSWERS_AT_ONCE 100
#define LEARN_AFTER 120     /* seconds into an hour: all nodes have written the one before */

/* What the thread alone knows. */
typedef struct {
	Counts *counts;
	Store *store;          /* NULL while it is away */
	Config *opened_with;
	GPtrArray *minutes, *mails, *answers; /* being written; what the store was away for waits here */
	bool said_away;
	gint64 next_complaint; /* clock_mono_us */
	gint64 up_minute;      /* the last that this node was counted in */
	gint64 learned;        /* beginning of the last hour that was asked about */
} Writer;

static void writer_close(Writer *writer)
{
	g_clear_pointer(&writer->store, store_close);
	g_clear_pointer(&writer->opened_with, config_unref);
}

static bool writer_open(Writer *writer, Config *config, GError **error)
{
	if (writer->opened_with != config)
		writer_close(writer);
	if (writer->store != NULL)
		return true;
	writer->store = store_open(config, writer->counts->node, error);
	writer->opened_with = writer->store != NULL ? config_ref(config) : NULL;
	return writer->store != NULL;
}

static guint in_hand(const Writer *writer)
{
	return writer->minutes->len + writer->mails->len + writer->answers->len;
}

static void let_go(Writer *writer)
{
	g_ptr_array_set_size(writer->minutes, 0);
	g_ptr_array_set_size(writer->mails, 0);
	g_ptr_array_set_size(writer->answers, 0);
}

/* --- with the lock --- */

static void take(GQueue *from, GPtrArray *to, guint max)
{
	while (to->len < max && from->length > 0)
		g_ptr_array_add(to, g_queue_pop_head(from));
}

/* An answer goes with the mails before it, or after them. Returns whether anything is in hand. */
static bool take_some(Writer *writer)
{
	Counts *counts = writer->counts;

	if (in_hand(writer) > 0)
		return true;
	take(&counts->minutes, writer->minutes, MINUTES_AT_ONCE);
	take(&counts->mails, writer->mails, MAILS_AT_ONCE);
	if (counts->mails.length == 0)
		take(&counts->answers, writer->answers, ANSWERS_AT_ONCE);
	return in_hand(writer) > 0;
}

/* That this node is at work, once a minute. */
static void count_up(Writer *writer)
{
	Counts *counts = writer->counts;
	gint64 now = clock_now();
	StatsMinute *minute;
	bool on = false;

	if (!counts->config->stats_enabled || writer->up_minute == now / 60)
		return;
	if (counts->watch != NULL) {
		g_autoptr(Snapshot) snapshot = watch_snapshot(counts->watch);

		on = snapshot_is_active(snapshot, now, counts->config->resolved_for / 1000);
	}
	writer->up_minute = now / 60;
	minute = counts_minute(counts, STATS_ALL, now);
	stats_minute_add(minute, "up", 1);
	if (on)
		stats_minute_add(minute, "on", 1);
}

/* Waits for the next time to write; returns false where it is the last. */
static bool wait_for_turn(Counts *counts)
{
	gint64 until = clock_mono_us() + EVERY_US;

	while (!counts->stopping && !counts->hurry && clock_mono_us() < until)
		(void)g_cond_wait_until(&counts->work, &counts->lock, until);
	counts->hurry = false;
	return !counts->stopping;
}

/* --- without the lock --- */

static void add_lost(Counts *counts, guint n)
{
	g_mutex_lock(&counts->lock);
	counts->totals.lost += n;
	g_mutex_unlock(&counts->lock);
}

static void complain(Writer *writer, const char *what, const GError *error)
{
	gint64 now = clock_mono_us();

	if (now < writer->next_complaint)
		return;
	log_warning("figures: %s: %s", what, error->message);
	writer->next_complaint = now + SAY_EVERY_US;
}

/* When the oldest of what is in hand was counted. */
static gint64 in_hand_since(const Writer *writer)
{
	gint64 since = clock_now();

	if (writer->minutes->len > 0)
		since = MIN(since, ((const StatsMinute *)g_ptr_array_index(writer->minutes, 0))->minute);
	if (writer->mails->len > 0)
		since = MIN(since, ((const StatsMail *)g_ptr_array_index(writer->mails, 0))->at);
	if (writer->answers->len > 0)
		since = MIN(since, ((const StatsAnswer *)g_ptr_array_index(writer->answers, 0))->at);
	return since;
}

static bool failed(Writer *writer, const GError *error)
{
	if (in_hand_since(writer) <= clock_now() - COUNTS_MINUTES * 60) {
		add_lost(writer->counts, in_hand(writer));
		let_go(writer);
	}
	if (writer->store != NULL && store_is_lost(writer->store))
		writer_close(writer);
	if (!writer->said_away)
		log_warning("figures: %s; what is counted of support mail waits in memory, an hour of it at most", error->message);
	writer->said_away = true;
	return false;
}

/* Returns false where the store is away, and all is still in hand. */
static bool write_in_hand(Writer *writer, Config *config)
{
	const StatsBatch batch = { .minutes = writer->minutes, .mails = writer->mails, .answers = writer->answers };
	Counts *counts = writer->counts;
	g_autoptr(GError) error = NULL;
	guint replies = 0;

	if (!writer_open(writer, config, &error))
		return failed(writer, error);
	if (store_stats_write(writer->store, &batch, &replies, &error)) {
		g_mutex_lock(&counts->lock);
		counts->totals.first_answers += replies;
		counts->totals.writes++;
		g_mutex_unlock(&counts->lock);
		if (writer->said_away)
			log_info("figures: the store takes them again");
		writer->said_away = false;
	} else if (g_error_matches(error, OUTAGE_ERROR, OUTAGE_ERROR_INVALID)) {
		/* Most of it is written; how much is not is not told. */
		complain(writer, "something in the store is not what it should be", error);
		add_lost(counts, 1);
	} else if (g_error_matches(error, OUTAGE_ERROR, OUTAGE_ERROR_UNKNOWN)) {
		complain(writer, "some of what was counted may be lost", error);
		add_lost(counts, in_hand(writer));
		writer_close(writer);
	} else {
		return failed(writer, error);
	}
	let_go(writer);
	return true;
}

/* --- the usual week --- */

static void learn(Writer *writer, Config *config)
{
	gint64 now = clock_now(), hour = now - now % 3600 - 3600;
	g_autoptr(GError) error = NULL;

	if (!config->stats_enabled || hour == writer->learned || now % 3600 < LEARN_AFTER || !writer_open(writer, config, &error))
		return;
	if (!counts_learn(writer->store, hour, NULL, &error)) {
		complain(writer, "the usual amount of mail was not learned", error);
		if (store_is_lost(writer->store))
			writer_close(writer);
		/* Of a store that is there and says no, once an hour; one that is away is asked again. */
		if (!g_error_matches(error, OUTAGE_ERROR, OUTAGE_ERROR_INVALID))
			return;
	}
	writer->learned = hour;
}

/* --- the thread --- */

/* With the lock, which is released meanwhile. Writes until nothing is left, the store is away, or the time is up. */
static void write_all(Writer *writer)
{
	Counts *counts = writer->counts;
	bool ok = true;

	while (ok && take_some(writer) && !(counts->stopping && clock_mono_us() >= counts->until)) {
		g_autoptr(Config) config = config_ref(counts->config);
		bool last = counts->stopping;

		g_mutex_unlock(&counts->lock);
		ok = write_in_hand(writer, config);
		if (ok && !last)
			learn(writer, config);
		g_mutex_lock(&counts->lock);
	}
}

void counts_hurry(Counts *counts)
{
	g_mutex_lock(&counts->lock);
	counts->hurry = true;
	g_cond_broadcast(&counts->work);
	g_mutex_unlock(&counts->lock);
}

gpointer counts_run(gpointer data)
{
	Counts *counts = data;
	Writer writer = { .counts = counts, .up_minute = -1, .learned = -1 };
	bool more = true;

	writer.minutes = g_ptr_array_new_with_free_func((GDestroyNotify)stats_minute_free);
	writer.mails = g_ptr_array_new_with_free_func((GDestroyNotify)stats_mail_free);
	writer.answers = g_ptr_array_new_with_free_func((GDestroyNotify)stats_answer_free);
	g_mutex_lock(&counts->lock);
	while (more) {
		count_up(&writer);
		more = wait_for_turn(counts);
		write_all(&writer);
	}
	/* What the store was away for is told of with the rest. */
	while (writer.minutes->len > 0)
		g_queue_push_head(&counts->minutes, g_ptr_array_steal_index(writer.minutes, writer.minutes->len - 1));
	while (writer.mails->len > 0)
		g_queue_push_head(&counts->mails, g_ptr_array_steal_index(writer.mails, writer.mails->len - 1));
	while (writer.answers->len > 0)
		g_queue_push_head(&counts->answers, g_ptr_array_steal_index(writer.answers, writer.answers->len - 1));
	g_mutex_unlock(&counts->lock);
	writer_close(&writer);
	g_ptr_array_unref(writer.minutes);
	g_ptr_array_unref(writer.mails);
	g_ptr_array_unref(writer.answers);
	return NULL;
}
