/* settle: the thread of settle.h: when there is something to do, and in which order. Layer: store.
 *
 * It has a connection of its own, and only while there is something to tell; whether the store is there at all it learns from the watch,
 * so that a dead one is not knocked at from two sides. */
#include "store/settle-private.h"

#include <string.h>

#include "base/clock.h"
#include "base/log.h"

#define COUNT_MIN_US G_USEC_PER_SEC /* between two counts of the rows, which takes the longer the more there are */
#define COUNT_MAX_US (10 * G_USEC_PER_SEC)
#define COUNT_SHARE 50           /* of settle's time, at most one in so many parts goes into that */
#define LOOK_MS 1000             /* how often the file is looked at for what the replier has left there */
#define BACKOFF_FIRST_MS 100
#define BACKOFF_MAX_MS 5000
#define KEEP_OPEN_US (10 * G_USEC_PER_SEC)
#define AFTER_AWAY_US (2 * G_USEC_PER_SEC) /* longer than the back-off of any node */
#define PURGE_US (600 * G_USEC_PER_SEC)
#define CLOCK_TOLERANCE 3600     /* seconds by which the clocks may differ from one purge to the next */

struct Settle {
	char *node;
	Watch *watch;
	GThread *thread;         /* NULL once it has been halted */
	GMutex lock;             /* over all below */
	GCond wake;
	Config *config;
	guint reconfigured;      /* counts settle_reconfigure */
	bool stopping, woken;
	SettleCounts counts;
	SpoolCounts spooled;
	bool life_read;          /* what the spool knows of the store's life is known */
	bool blind;              /* the spool cannot be opened: nothing can be known */
	char *life_told;         /* as the thread's own; NULL = none */
};

bool settle_is_stopping(const SettleRound *round)
{
	bool stopping;

	g_mutex_lock(&round->settle->lock);
	stopping = round->settle->stopping;
	g_mutex_unlock(&round->settle->lock);
	return stopping;
}

/* How long to leave the store alone, jittered, so that many nodes do not come back in step. */
static void back_off(SettleRound *round)
{
	round->delay_ms = CLAMP(round->delay_ms * 2, BACKOFF_FIRST_MS, BACKOFF_MAX_MS);
	round->not_before = clock_mono_us() +
	    (round->delay_ms / 2 + g_random_int_range(0, (gint32)(round->delay_ms / 2 + 1))) * 1000;
}

static void lose_store(SettleRound *round, const GError *error)
{
	if (!round->away)
		log_warning("settle: %s", error->message);
	round->away = true;
	g_clear_pointer(&round->store, store_close);
	back_off(round);
}

static void lose_spool(SettleRound *round, const GError *error)
{
	if (!round->spool_away)
		log_error("settle: %s; what is recorded there waits", error != NULL ? error->message : "the spool failed");
	round->spool_away = true;
	g_clear_pointer(&round->spool, spool_free);
	back_off(round);
}

static bool read_spool(SettleRound *round, GError **error)
{
	char *life = NULL;

	round->spool = spool_open(round->config, error);
	if (round->spool == NULL || !spool_release(round->spool, error) || !spool_life(round->spool, &life, error))
		return false;
	g_free(round->life_told);
	round->life_told = life;
	round->spool_away = false;
	return true;
}

/* *other: it is not the server that the watch reads. What is known of the incidents and of the store's life is not of that one. */
static bool have_store(SettleRound *round, const Snapshot *snapshot, bool *other, GError **error)
{
	if (round->store == NULL)
		round->store = store_open(round->config, round->settle->node, error);
	*other = round->store != NULL && snapshot->life != NULL && !g_str_has_suffix(snapshot->life, store_server(round->store));
	if (round->store != NULL)
		round->used_us = clock_mono_us();
	return round->store != NULL;
}

static void log_batch(SettleRound *round)
{
	const SettleCounts *now = &round->counts, *before = &round->logged;
	const guint64 values[] = {
		now->claimed - before->claimed, now->lost - before->lost, now->ended - before->ended, now->adopted - before->adopted,
		now->twice - before->twice, now->told_again - before->told_again,
	};
	g_auto(GStrv) texts = g_new0(char *, G_N_ELEMENTS(values) + 1);
	guint64 sum = 0;

	for (gsize i = 0; i < G_N_ELEMENTS(values); i++) {
		sum += values[i];
		texts[i] = g_strdup_printf("%" G_GUINT64_FORMAT, values[i]);
	}
	round->logged = round->counts;
	if (sum > 0)
		log_event("settled", "#claimed", texts[0], "#lost", texts[1], "#ended", texts[2], "#adopted", texts[3], "#twice", texts[4],
		    "#told_again", texts[5], NULL);
}

static void publish(SettleRound *round)
{
	g_mutex_lock(&round->settle->lock);
	round->settle->counts = round->counts;
	if (g_strcmp0(round->settle->life_told, round->life_told) != 0) {
		g_free(round->settle->life_told);
		round->settle->life_told = g_strdup(round->life_told);
	}
	g_mutex_unlock(&round->settle->lock);
}

static bool open_spool(SettleRound *round, GError **error)
{
	bool opened = read_spool(round, error);

	/* At once: a store that was emptied while this node was down gets no claims while the first round of work is under way. */
	publish(round);
	g_mutex_lock(&round->settle->lock);
	round->settle->life_read |= opened;
	round->settle->blind = !opened;
	g_mutex_unlock(&round->settle->lock);
	round->next_count = 0;
	return opened;
}

/* Counts the rows for settle_spooled, now and then. */
static bool count_rows(SettleRound *round, GError **error)
{
	gint64 begin = clock_mono_us(), end;
	SpoolCounts counts;

	if (begin < round->next_count)
		return true;
	if (!spool_counts(round->spool, &counts, error))
		return false;
	end = clock_mono_us();
	round->next_count = end + CLAMP((end - begin) * COUNT_SHARE, COUNT_MIN_US, COUNT_MAX_US);
	g_mutex_lock(&round->settle->lock);
	round->settle->spooled = counts;
	g_mutex_unlock(&round->settle->lock);
	return true;
}

/* Addresses that bounced while the store was away. */
static SettleOutcome tell_blocks(SettleRound *round, GPtrArray *blocks, GError **error)
{
	for (guint i = 0; i < blocks->len; i++) {
		const SpoolBlock *block = g_ptr_array_index(blocks, i);
		gint64 left = block->ends - clock_now();

		if (left > 0 && !store_block(round->store, block->hash, left, block->why, block->by, error))
			return SETTLE_STORE_AWAY;
		if (!spool_block_told(round->spool, block->hash, error))
			return SETTLE_SPOOL_AWAY;
	}
	return SETTLE_DONE;
}

static SettleOutcome settle_slice(SettleRound *round, bool letters_only, const Snapshot *snapshot, GError **error)
{
	g_autoptr(GPtrArray) rows = spool_take_some(round->spool, letters_only, SETTLE_SLICE, config_takeover(round->config), error);
	SettleOutcome outcome = settle_kept(rows != NULL);
	guint i = 0;

	for (; outcome == SETTLE_DONE && i < rows->len && !settle_is_stopping(round); i++)
		outcome = settle_row(round, g_ptr_array_index(rows, i), snapshot, error);
	/* Those that were not come to are as before, and free for the replier. */
	for (; rows != NULL && i < rows->len && outcome != SETTLE_SPOOL_AWAY; i++) {
		const SpoolRow *row = g_ptr_array_index(rows, i);

		(void)spool_give_back(round->spool, row->token, outcome == SETTLE_LATER ? SETTLE_HOLD_SECONDS : 0, NULL);
	}
	return outcome;
}

/* Whether the watch has heard the store lately. */
static bool store_is_there(const SettleRound *round, const Snapshot *snapshot)
{
	return snapshot_age(snapshot, clock_mono_us()) <= (round->config->store_poll + 2 * round->config->store_timeout) / 1000 + 1;
}

/* A store that is back is told by every node of the letters that left meanwhile, before any node claims there what it has not sent: or a
 * customer whom one node has answered would be answered by the other too. */
static void note_return(SettleRound *round)
{
	bool away = watch_is_away(round->settle->watch);

	if (round->seen_away && !away)
		round->claims_not_before = MAX(round->claims_not_before, clock_mono_us() + AFTER_AWAY_US);
	round->seen_away = away;
}

/* Does the next piece of work. *more: there may be some left that need not wait. */
static SettleOutcome work(SettleRound *round, bool *more, GError **error)
{
	g_autoptr(Snapshot) snapshot = watch_snapshot(round->settle->watch);
	g_autoptr(GPtrArray) blocks = NULL;
	bool letters_only, any = false, other = false;
	SettleOutcome outcome = SETTLE_DONE;

	*more = false;
	note_return(round);
	settle_note_life(round, snapshot);
	/* What a store has forgotten comes before what it never knew. */
	letters_only = snapshot->pause != NULL || clock_mono_us() < round->claims_not_before || settle_life_is_new(round);
	blocks = spool_untold_blocks(round->spool, error);
	if (blocks == NULL || !spool_has_unsettled(round->spool, letters_only, config_takeover(round->config), &any, error))
		return SETTLE_SPOOL_AWAY;
	if ((!any && blocks->len == 0 && !settle_life_is_due(round) && !settle_forget_is_due(round)) || round->seen_away ||
	    !store_is_there(round, snapshot))
		return SETTLE_DONE;
	if (!have_store(round, snapshot, &other, error))
		return SETTLE_STORE_AWAY;
	if (other) {
		g_clear_pointer(&round->store, store_close);
		return SETTLE_DONE;
	}
	outcome = tell_blocks(round, blocks, error);
	if (outcome == SETTLE_DONE && settle_forget_is_due(round))
		outcome = settle_forget(round, error);
	if (outcome == SETTLE_DONE && any)
		outcome = settle_slice(round, letters_only, snapshot, error);
	*more = any;
	if (outcome == SETTLE_DONE && settle_life_is_due(round)) {
		outcome = settle_tell_again(round, snapshot, error);
		*more |= outcome == SETTLE_DONE && settle_life_is_due(round);
	}
	return outcome;
}

/* Removes what is past its time, unless the wall clock has jumped since this was planned: who is past his time then is not known before
 * the clock has had the time to be put right. */
static bool purge(SettleRound *round, GError **error)
{
	gint64 now_us = clock_mono_us(), now = clock_now();
	bool first = round->next_purge == 0, sound;

	if (now_us < round->next_purge)
		return true;
	sound = ABS((now - round->purge_at) - (now_us - round->purge_us) / G_USEC_PER_SEC) < CLOCK_TOLERANCE;
	round->next_purge = now_us + PURGE_US;
	round->purge_us = now_us;
	round->purge_at = now;
	if (first)
		return true;
	if (!sound)
		log_warning("settle: the clock has jumped; nothing is thrown away for %d minutes", (int)(PURGE_US / G_USEC_PER_SEC / 60));
	return !sound || spool_purge(round->spool, error);
}

/* One round; returns how long to wait for the next (ms). */
static gint64 turn(SettleRound *round)
{
	g_autoptr(GError) error = NULL;
	gint64 now = clock_mono_us();
	SettleOutcome outcome;
	bool more = false;

	if (now < round->not_before)
		return (round->not_before - now) / 1000 + 1;
	if ((round->spool == NULL && !open_spool(round, &error)) || !purge(round, &error) || !count_rows(round, &error))
		outcome = SETTLE_SPOOL_AWAY;
	else
		outcome = work(round, &more, &error);
	publish(round);
	switch (outcome) {
	case SETTLE_STORE_AWAY:
		lose_store(round, error);
		break;
	case SETTLE_SPOOL_AWAY:
		lose_spool(round, error);
		break;
	case SETTLE_DONE:
	case SETTLE_LATER:
		round->delay_ms = 0;
		if (round->store != NULL)
			round->away = false;
		break;
	}
	if (outcome == SETTLE_DONE && more)
		return 0;
	log_batch(round);
	if (round->store != NULL && clock_mono_us() - round->used_us > KEEP_OPEN_US)
		g_clear_pointer(&round->store, store_close);
	return LOOK_MS;
}

/* Waits, and takes over what settle_reconfigure and settle_stop left; returns false where it is time to stop. */
static bool take_orders(SettleRound *round, gint64 wait_ms)
{
	Settle *settle = round->settle;
	gint64 until = clock_mono_us() + wait_ms * 1000;
	bool go_on, anew = false;

	g_mutex_lock(&settle->lock);
	while (wait_ms > 0 && !settle->stopping && !settle->woken && settle->reconfigured == round->reconfigured &&
	    g_cond_wait_until(&settle->wake, &settle->lock, until))
		;
	settle->woken = false;
	go_on = !settle->stopping;
	if (round->config == NULL || round->reconfigured != settle->reconfigured) {
		config_unref(round->config);
		round->config = config_ref(settle->config);
		round->reconfigured = settle->reconfigured;
		anew = true;
	}
	g_mutex_unlock(&settle->lock);
	/* Time limits and paths belong to what was opened with them. */
	if (anew) {
		g_clear_pointer(&round->store, store_close);
		g_clear_pointer(&round->spool, spool_free);
	}
	return go_on;
}

static gpointer settle_all(gpointer data)
{
	SettleRound round = { .settle = data };
	gint64 wait_ms = 0;

	while (take_orders(&round, wait_ms))
		wait_ms = turn(&round);
	log_batch(&round);
	store_close(round.store);
	spool_free(round.spool);
	config_unref(round.config);
	g_free(round.life_told);
	g_free(round.life_new);
	return NULL;
}

Settle *settle_start(Config *config, const char *node, Watch *watch)
{
	Settle *settle = g_new0(Settle, 1);

	settle->node = g_strdup(node);
	settle->watch = watch;
	settle->config = config_ref(config);
	g_mutex_init(&settle->lock);
	g_cond_init(&settle->wake);
	settle->thread = g_thread_new("settle", settle_all, settle);
	return settle;
}

void settle_halt(Settle *settle)
{
	if (settle == NULL || settle->thread == NULL)
		return;
	g_mutex_lock(&settle->lock);
	settle->stopping = true;
	g_cond_signal(&settle->wake);
	g_mutex_unlock(&settle->lock);
	g_thread_join(g_steal_pointer(&settle->thread));
}

void settle_stop(Settle *settle)
{
	if (settle == NULL)
		return;
	settle_halt(settle);
	config_unref(settle->config);
	g_mutex_clear(&settle->lock);
	g_cond_clear(&settle->wake);
	g_free(settle->node);
	g_free(settle->life_told);
	g_free(settle);
}

void settle_reconfigure(Settle *settle, Config *config)
{
	g_mutex_lock(&settle->lock);
	config_unref(settle->config);
	settle->config = config_ref(config);
	settle->reconfigured++;
	g_cond_signal(&settle->wake);
	g_mutex_unlock(&settle->lock);
}

void settle_wake(Settle *settle)
{
	g_mutex_lock(&settle->lock);
	settle->woken = true;
	g_cond_signal(&settle->wake);
	g_mutex_unlock(&settle->lock);
}

SettleCounts settle_counts(Settle *settle)
{
	SettleCounts counts;

	g_mutex_lock(&settle->lock);
	counts = settle->counts;
	g_mutex_unlock(&settle->lock);
	return counts;
}

void settle_spooled(Settle *settle, SpoolCounts *counts)
{
	g_mutex_lock(&settle->lock);
	*counts = settle->spooled;
	g_mutex_unlock(&settle->lock);
}

bool settle_knows(Settle *settle, const char *life)
{
	bool knows;

	g_mutex_lock(&settle->lock);
	knows = settle->blind ||
	    (settle->life_read && (life == NULL || settle->life_told == NULL || strcmp(life, settle->life_told) == 0));
	g_mutex_unlock(&settle->lock);
	return knows;
}
