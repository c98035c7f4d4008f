/* watch: the thread that keeps the snapshot current (see watch.h), and wakes the one for the accounts. Layer: store.
 *
 * Deciding about a mail must cost no round trip, so one thread has a store of its own, waits for changes and publishes what it
 * read by swapping a pointer. Where the store is away, or may no longer be the one that the others use, the last snapshot stays; its
 * taken_at tells how old it is. */
#include "store/watch.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/log.h"
#include "base/watchdog.h"
#include "inspect/rules.h"
#include "store/backend.h"
#include "store/keep.h"
#include "store/risks.h"
#include "store/watch-private.h"

#define BACKOFF_FIRST_MS 100
#define BACKOFF_MAX_MS 500 /* a failover is to be followed within a second of Sentinel's finding */
#define HEARTBEAT_US (10 * G_USEC_PER_SEC)
/* Seconds for one round: some ten questions to the store, each of at most store.timeout, which is half a minute at most. */
#define ROUND_LIMIT 900
#define KEEP_US (30 * G_USEC_PER_SEC) /* who reads the kept snapshot takes its time for when the store was last heard */

struct Watch {
	char *node;
	void (*on_change)(const Snapshot *snapshot, gpointer data);
	gpointer data;
	GThread *thread;
	int wake;                /* eventfd: stop or another configuration; -1 where there is none */
	GMutex lock;             /* over all below */
	GCond contact;           /* the first snapshot is there */
	Config *config;
	guint reconfigured;      /* counts watch_reconfigure */
	bool stopping;
	bool ready;
	Snapshot *snapshot;      /* never NULL */
	bool away;
	guint64 losses;
	char *last_error;        /* or NULL */
	gint64 last_error_at;
	guint64 problems_seen;
	guint risks;             /* 1 << StoreRisk */
	char *(*extra)(gpointer data); /* or NULL */
	gpointer extra_data;
	Follower *follower;      /* has a lock of its own */
};

/* The thread's own: what it needs from one round to the next. */
typedef struct {
	Watch *watch;
	Watched *watched;        /* base/watchdog.h */
	Config *config;          /* referenced */
	guint reconfigured;      /* as of config */
	Store *store;            /* or NULL */
	gint64 delay_ms;         /* of the back-off; 0 = none */
	bool away;               /* said so in the log */
	gint64 next_heartbeat;   /* clock_mono_us */
	char *heartbeat_trouble; /* why it cannot be sent, as said in the log; or NULL */
	char *kept;              /* what the file in the state directory holds, or NULL */
	gint64 kept_at;          /* clock_mono_us */
	bool keep_trouble;       /* said in the log that it cannot be written */
	guint risks;             /* 1 << StoreRisk: said in the log */
} Round;

static void wake_up(Watch *watch)
{
	guint64 one = 1;

	/* It fails only where the counter is full, and then the thread is awake anyway. */
	if (watch->wake >= 0 && write(watch->wake, &one, sizeof one) != sizeof one)
		log_debug("watch: wake: %s", g_strerror(errno));
}

static void compile_match(Incident *incident, Snapshot *snapshot)
{
	g_autoptr(GError) error = NULL;
	const char *text = incident->texts[TEXT_MATCH];

	if (text == NULL || *text == '\0')
		return;
	incident->match = rules_pattern_new(text, &error);
	incident->match_free = (GDestroyNotify)rules_pattern_free;
	if (incident->match == NULL)
		g_ptr_array_add(snapshot->problems, g_strdup_printf("texts of %s: match: %s", incident->name, error->message));
}

static void log_incident(const Incident *incident, const Incident *before)
{
	g_autofree char *epoch = NULL;

	if (before != NULL && before->state.word == incident->state.word && before->state.epoch == incident->state.epoch &&
	    g_strcmp0(before->state.id, incident->state.id) == 0)
		return;
	/* An incident that never was on is no news. */
	if (before == NULL && incident->state.id == NULL)
		return;
	epoch = g_strdup_printf("%" G_GUINT64_FORMAT, incident->state.epoch);
	log_event("incident", "name", incident->name, "word", word_name(incident->state.word), "id", incident->state.id,
	    "before", before != NULL ? word_name(before->state.word) : NULL, "#epoch", epoch, NULL);
}

/* Says each problem once; returns how many are new. */
static guint log_problems(const Snapshot *snapshot, const Snapshot *last)
{
	guint fresh = 0;

	for (guint i = 0; i < snapshot->problems->len; i++) {
		const char *text = g_ptr_array_index(snapshot->problems, i);

		if (g_ptr_array_find_with_equal_func(last->problems, text, g_str_equal, NULL))
			continue;
		log_warning("store: %s", text);
		fresh++;
	}
	return fresh;
}

static void log_changes(const Snapshot *snapshot, const Snapshot *last)
{
	for (guint i = 0; i < snapshot->incidents->len; i++) {
		const Incident *incident = g_ptr_array_index(snapshot->incidents, i);

		log_incident(incident, snapshot_find(last, incident->name));
	}
	if (g_strcmp0(snapshot->pause, last->pause) != 0)
		log_event("pause", "reason", snapshot->pause, "state", snapshot->pause != NULL ? "paused" : "running", NULL);
}

/* Whether who asks for the state of this node would be told otherwise by the last one. */
static bool tells_otherwise(const Snapshot *snapshot, const Snapshot *last)
{
	if (snapshot->store_empty != last->store_empty || snapshot->problems->len != last->problems->len ||
	    snapshot->incidents->len != last->incidents->len)
		return true;
	for (guint i = 0; i < snapshot->incidents->len; i++) {
		const Incident *now = g_ptr_array_index(snapshot->incidents, i), *before = snapshot_find(last, now->name);

		if (before == NULL || before->state.word != now->state.word || g_strcmp0(before->state.id, now->state.id) != 0)
			return true;
	}
	return false;
}

static void publish_snapshot(Watch *watch, Snapshot *snapshot, guint fresh_problems)
{
	Snapshot *last;

	g_mutex_lock(&watch->lock);
	watch->problems_seen += fresh_problems;
	last = watch->snapshot;
	watch->snapshot = snapshot_ref(snapshot);
	watch->ready = true;
	g_cond_broadcast(&watch->contact);
	g_mutex_unlock(&watch->lock);
	snapshot_unref(last);
	if (watch->on_change != NULL)
		watch->on_change(snapshot, watch->data);
}

/* Writes the snapshot to the state directory where it says something new, or the file has become old. Without a directory to write to
 * everything else works. */
static void keep(Round *round, const Snapshot *snapshot)
{
	g_autofree char *text = keep_format(snapshot);
	g_autofree char *path = NULL;
	g_autoptr(GError) error = NULL;
	gint64 now = clock_mono_us();

	if (g_strcmp0(text, round->kept) == 0 && now < round->kept_at + KEEP_US)
		return;
	path = keep_path(round->config);
	if (keep_save(path, text, snapshot->taken_at, &error)) {
		g_free(round->kept);
		round->kept = g_steal_pointer(&text);
		round->kept_at = now;
		round->keep_trouble = false;
	} else if (!round->keep_trouble) {
		log_warning("the snapshot cannot be kept for a restart: %s", error->message);
		round->keep_trouble = true;
	}
}

/* What was true when this node last knew, until the store is heard. */
static Snapshot *load_kept(const Config *config)
{
	g_autofree char *path = keep_path(config);
	g_autoptr(GError) error = NULL;
	Snapshot *snapshot = keep_load(path, &error);

	if (snapshot == NULL) {
		if (!g_error_matches(error, OUTAGE_ERROR, OUTAGE_ERROR_NOT_FOUND))
			log_warning("the kept snapshot is not used: %s", error->message);
		return snapshot_new();
	}
	for (guint i = 0; i < snapshot->incidents->len; i++)
		compile_match(g_ptr_array_index(snapshot->incidents, i), snapshot);
	return snapshot;
}

static bool take_snapshot(Round *round, GError **error)
{
	g_autoptr(Snapshot) last = watch_snapshot(round->watch);
	g_autoptr(Snapshot) snapshot = store_snapshot(round->store, last, error);
	guint fresh_problems;

	if (snapshot == NULL)
		return false;
	for (guint i = 0; i < snapshot->incidents->len; i++)
		compile_match(g_ptr_array_index(snapshot->incidents, i), snapshot);
	fresh_problems = log_problems(snapshot, last);
	log_changes(snapshot, last);
	/* Who asks for the state of this node shall not read what was true ten seconds ago. */
	if (tells_otherwise(snapshot, last))
		round->next_heartbeat = 0;
	publish_snapshot(round->watch, snapshot, fresh_problems);
	keep(round, snapshot);
	return true;
}

/* What a server says that was replaced without knowing is not to be believed. */
static bool confirm_and_take(Round *round, GError **error)
{
	return store_confirm(round->store, error) && take_snapshot(round, error);
}

static char *ask_extra(Watch *watch)
{
	char *(*extra)(gpointer data);
	gpointer data;

	g_mutex_lock(&watch->lock);
	extra = watch->extra;
	data = watch->extra_data;
	g_mutex_unlock(&watch->lock);
	return extra != NULL ? extra(data) : NULL;
}

/* Whether the store is safe to work with is looked at as often as it is told that we live. Where it is lost the heartbeat finds that out. */
static void look_at_risks(Round *round)
{
	guint risks = store_risks_look(round->store, round->risks);

	round->risks = risks;
	g_mutex_lock(&round->watch->lock);
	round->watch->risks = risks;
	g_mutex_unlock(&round->watch->lock);
}

static bool send_heartbeat(Round *round, GError **error)
{
	g_autoptr(Snapshot) snapshot = NULL;
	g_auto(WatchStats) stats = { .away = false };
	g_autoptr(GError) inner = NULL;
	g_autofree char *json = NULL, *extra = NULL;

	if (clock_mono_us() < round->next_heartbeat)
		return true;
	round->next_heartbeat = clock_mono_us() + HEARTBEAT_US;
	look_at_risks(round);
	snapshot = watch_snapshot(round->watch);
	watch_stats(round->watch, &stats);
	extra = ask_extra(round->watch);
	json = beat_format(snapshot, &stats, round->config->resolved_for / 1000, extra);
	if (store_heartbeat(round->store, json, &inner)) {
		g_clear_pointer(&round->heartbeat_trouble, g_free);
		return true;
	}
	if (store_is_lost(round->store) && !g_error_matches(inner, OUTAGE_ERROR, OUTAGE_ERROR_INVALID)) {
		g_propagate_error(error, g_steal_pointer(&inner));
		return false;
	}
	/* A key of a wrong type, or a server that refuses writes (memory full, too few replicas), can still be read: said once. */
	if (g_strcmp0(round->heartbeat_trouble, inner->message) != 0)
		log_warning("heartbeat: %s; this node does not show in the status", inner->message);
	g_free(round->heartbeat_trouble);
	round->heartbeat_trouble = g_strdup(inner->message);
	return true;
}

/* One turn with an open store: wait, then read what changed. False: the store is lost. */
static bool follow(Round *round, gint64 *next_poll, GError **error)
{
	gint64 now = clock_mono_us();
	gint64 next = MIN(*next_poll, round->next_heartbeat);
	int changed = store_wait(round->store, round->watch->wake, next > now ? (next - now) / 1000 + 1 : 0, error);

	if (changed < 0)
		return false;
	if (round->store->accounts_changed) {
		round->store->accounts_changed = false;
		follower_wake(round->watch->follower);
	}
	/* The poll is the floor under lost notices, keeps taken_at fresh, and finds out where the store was replaced behind our back. */
	if (clock_mono_us() >= *next_poll) {
		if (!confirm_and_take(round, error))
			return false;
		*next_poll = clock_mono_us() + round->config->store_poll * 1000;
	} else if (changed > 0 && !take_snapshot(round, error)) {
		return false;
	}
	return send_heartbeat(round, error);
}

/* Takes over what watch_reconfigure and watch_stop left; returns false where it is time to stop. */
static bool take_orders(Round *round)
{
	Watch *watch = round->watch;
	guint64 count;
	bool go_on, anew = false;

	if (watch->wake >= 0 && read(watch->wake, &count, sizeof count) < 0 && errno != EAGAIN)
		log_bug("watch: eventfd: %s", g_strerror(errno));
	g_mutex_lock(&watch->lock);
	go_on = !watch->stopping;
	if (round->reconfigured != watch->reconfigured) {
		config_unref(round->config);
		round->config = config_ref(watch->config);
		round->reconfigured = watch->reconfigured;
		anew = true;
	}
	g_mutex_unlock(&watch->lock);
	/* Time limits belong to the connection. */
	if (anew)
		g_clear_pointer(&round->store, store_close);
	return go_on;
}

static void note_loss(Watch *watch, const GError *error)
{
	g_mutex_lock(&watch->lock);
	watch->losses += !watch->away;
	watch->away = true;
	g_free(watch->last_error);
	watch->last_error = g_strdup(error->message);
	watch->last_error_at = clock_now();
	g_mutex_unlock(&watch->lock);
}

static void lose(Round *round, const GError *error)
{
	struct pollfd wake = { .fd = round->watch->wake, .events = POLLIN };

	if (!round->away)
		log_warning("%s; going on with the last known state", error->message);
	round->away = true;
	note_loss(round->watch, error);
	g_clear_pointer(&round->store, store_close);
	round->delay_ms = round->delay_ms == 0 ? BACKOFF_FIRST_MS : MIN(round->delay_ms * 2, BACKOFF_MAX_MS);
	poll(&wake, 1, (int)(round->delay_ms / 2) + g_random_int_range(0, (gint32)round->delay_ms / 2 + 1));
}

/* Opens the store and reads the snapshot once. */
static bool join_store(Round *round, GError **error)
{
	/* A resolver may take its time. */
	watched_end(round->watched);
	round->store = store_open(round->config, round->watch->node, error);
	watched_begin(round->watched);
	if (round->store == NULL || !confirm_and_take(round, error))
		return false;
	g_mutex_lock(&round->watch->lock);
	round->watch->away = false;
	g_mutex_unlock(&round->watch->lock);
	if (round->away)
		log_info("the store is back");
	round->away = false;
	round->delay_ms = 0;
	round->next_heartbeat = 0;
	return true;
}

static gpointer keep_current(gpointer data)
{
	Round round = { .watch = data };
	gint64 next_poll = 0;

	g_mutex_lock(&round.watch->lock);
	round.config = config_ref(round.watch->config);
	g_mutex_unlock(&round.watch->lock);
	round.watched = watched_new("the following of the store", ROUND_LIMIT);
	watched_begin(round.watched);
	while (take_orders(&round)) {
		g_autoptr(GError) error = NULL;
		bool ok;

		watched_beat(round.watched);

		if (round.store == NULL) {
			ok = join_store(&round, &error);
			next_poll = clock_mono_us() + round.config->store_poll * 1000;
		} else {
			ok = follow(&round, &next_poll, &error);
		}
		if (!ok)
			lose(&round, error);
	}
	watched_end(round.watched);
	watched_free(round.watched);
	store_close(round.store);
	config_unref(round.config);
	g_free(round.heartbeat_trouble);
	g_free(round.kept);
	return NULL;
}

Watch *watch_start(Config *config, const char *node, void (*on_change)(const Snapshot *snapshot, gpointer data), gpointer data)
{
	Watch *watch = g_new0(Watch, 1);

	watch->node = g_strdup(node);
	watch->on_change = on_change;
	watch->data = data;
	watch->config = config_ref(config);
	watch->snapshot = load_kept(config);
	g_mutex_init(&watch->lock);
	g_cond_init(&watch->contact);
	watch->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	/* Without it stopping takes as long as a wait of the thread; everything else works. */
	if (watch->wake < 0)
		log_warning("watch: eventfd: %s", g_strerror(errno));
	watch->follower = follower_start(config, node);
	watch->thread = g_thread_new("watch", keep_current, watch);
	return watch;
}

void watch_stop(Watch *watch)
{
	if (watch == NULL)
		return;
	g_mutex_lock(&watch->lock);
	watch->stopping = true;
	g_mutex_unlock(&watch->lock);
	wake_up(watch);
	follower_halt(watch->follower);
	g_thread_join(watch->thread);
	follower_free(watch->follower);
	if (watch->wake >= 0)
		close(watch->wake);
	snapshot_unref(watch->snapshot);
	config_unref(watch->config);
	g_free(watch->last_error);
	g_mutex_clear(&watch->lock);
	g_cond_clear(&watch->contact);
	g_free(watch->node);
	g_free(watch);
}

void watch_reconfigure(Watch *watch, Config *config)
{
	g_mutex_lock(&watch->lock);
	config_unref(watch->config);
	watch->config = config_ref(config);
	watch->reconfigured++;
	g_mutex_unlock(&watch->lock);
	wake_up(watch);
	follower_reconfigure(watch->follower, config);
}

Snapshot *watch_snapshot(Watch *watch)
{
	Snapshot *snapshot;

	g_mutex_lock(&watch->lock);
	snapshot = snapshot_ref(watch->snapshot);
	g_mutex_unlock(&watch->lock);
	return snapshot;
}

Snapshot *watch_newer_snapshot(Watch *watch, gint64 generation, gint64 until)
{
	Snapshot *snapshot = NULL;

	g_mutex_lock(&watch->lock);
	while (watch->snapshot->generation <= generation && g_cond_wait_until(&watch->contact, &watch->lock, until))
		;
	if (watch->snapshot->generation > generation)
		snapshot = snapshot_ref(watch->snapshot);
	g_mutex_unlock(&watch->lock);
	return snapshot;
}

Accounts *watch_accounts(Watch *watch)
{
	return follower_accounts(watch->follower);
}

bool watch_wait_ready(Watch *watch, gint64 timeout_ms)
{
	gint64 until = clock_mono_us() + timeout_ms * 1000;
	bool ready;

	g_mutex_lock(&watch->lock);
	while (!watch->ready && g_cond_wait_until(&watch->contact, &watch->lock, until))
		;
	ready = watch->ready;
	g_mutex_unlock(&watch->lock);
	return ready;
}

bool watch_is_away(Watch *watch)
{
	bool away;

	g_mutex_lock(&watch->lock);
	away = watch->away;
	g_mutex_unlock(&watch->lock);
	return away;
}

void watch_stats(Watch *watch, WatchStats *stats)
{
	g_autoptr(Accounts) accounts = watch_accounts(watch);

	*stats = (WatchStats){ .accounts = accounts_count(accounts) };
	stats->accounts_read = follower_has_read(watch->follower, &stats->accounts_broken);
	g_mutex_lock(&watch->lock);
	stats->away = watch->away;
	stats->losses = watch->losses;
	stats->last_error = g_strdup(watch->last_error);
	stats->last_error_at = watch->last_error_at;
	stats->problems = watch->snapshot->problems->len;
	stats->problems_seen = watch->problems_seen;
	stats->risks = watch->risks;
	stats->age = watch->snapshot->heard_us != 0 ? snapshot_age(watch->snapshot, clock_mono_us()) : -1;
	g_mutex_unlock(&watch->lock);
}

void watch_stats_clear(WatchStats *stats)
{
	g_clear_pointer(&stats->last_error, g_free);
}

void watch_set_extra(Watch *watch, char *(*extra)(gpointer data), gpointer data)
{
	g_mutex_lock(&watch->lock);
	watch->extra = extra;
	watch->extra_data = data;
	g_mutex_unlock(&watch->lock);
}
