/* spread: the thread, its store, and the claiming of a letter (see spread.h). Layer: program. */
#include "outage-replier/spread-private.h"

#include "base/clock.h"
#include "base/log.h"
#include "store/claim-make.h"

#define TOKEN_DIGITS 32
/* Seconds for one round: it ends after two, but what it asks of the store then may take a few times store.timeout. */
#define ROUND_LIMIT 1800

Spread *spread_new(Config *config, Worker *worker, GError **error)
{
	g_autofree char *path = config_secret_path(config);
	Secret *secret = secret_load(path, true, error);
	Spread *spread;

	if (secret == NULL)
		return NULL;
	spread = g_new0(Spread, 1);
	g_mutex_init(&spread->lock);
	g_cond_init(&spread->wake);
	spread->config = config_ref(config);
	spread->worker = worker;
	spread->secret = secret;
	spread->node = g_strdup_printf("%s/replier", config_node(config));
	spread->notices = spread_notices_new();
	spread->feed = spread_feed_new();
	spread->pages = spread_pages_new();
	return spread;
}

void spread_free(Spread *spread)
{
	if (spread == NULL)
		return;
	spread_pages_free(spread->pages, false);
	spread_feed_free(spread->feed);
	spread_notices_free(spread->notices);
	g_free(spread->trouble);
	store_close(spread->store);
	snapshot_unref(spread->snapshot);
	secret_free(spread->secret);
	config_unref(spread->config);
	g_mutex_clear(&spread->lock);
	g_cond_clear(&spread->wake);
	g_free(spread->node);
	g_free(spread);
}

void spread_reconfigure(Spread *spread, Config *config)
{
	g_mutex_lock(&spread->lock);
	config_unref(spread->config);
	spread->config = config_ref(config);
	spread->changed = true;
	g_mutex_unlock(&spread->lock);
}

void spread_stop(Spread *spread)
{
	g_mutex_lock(&spread->lock);
	spread->stopping = true;
	g_cond_broadcast(&spread->wake);
	g_mutex_unlock(&spread->lock);
}

bool spread_is_stopping(Spread *spread)
{
	bool stopping;

	g_mutex_lock(&spread->lock);
	stopping = spread->stopping;
	g_mutex_unlock(&spread->lock);
	return stopping;
}

bool spread_wait_until(Spread *spread, gint64 until)
{
	bool stopping;

	g_mutex_lock(&spread->lock);
	while (!spread->stopping && g_cond_wait_until(&spread->wake, &spread->lock, until))
		;
	stopping = spread->stopping;
	g_mutex_unlock(&spread->lock);
	return !stopping;
}

/* Closes the store, and forgets where in it the looking had come to: the next one may be another. */
static void leave_store(Spread *spread)
{
	g_clear_pointer(&spread->store, store_close);
	spread_pages_restart(spread->pages);
	spread_notices_restart(spread->notices);
}

/* Returns a reference to the configuration in force, and closes the store that was opened under another one. */
static Config *take_config(Spread *spread)
{
	Config *config;
	bool changed;

	g_mutex_lock(&spread->lock);
	config = config_ref(spread->config);
	changed = spread->changed;
	spread->changed = false;
	g_mutex_unlock(&spread->lock);
	if (changed)
		leave_store(spread);
	return config;
}

/* --- the store --- */

/* A store that is lost is closed, and opened again after a while that grows and is never the same twice; one that has only said no (a key
 * of a wrong type) is kept, so that one broken key does not keep the rest from being done. Takes the error over. */
static void note_trouble(Spread *spread, const char *what, GError *error)
{
	if (g_strcmp0(spread->trouble, error->message) != 0)
		log_warning("%s: %s", what, error->message);
	g_free(spread->trouble);
	spread->trouble = g_strdup(error->message);
	g_error_free(error);
	if (spread->store != NULL && !store_is_lost(spread->store))
		return;
	leave_store(spread);
	spread->backoff_ms = CLAMP(spread->backoff_ms * 2, 500, 4000);
	spread->backoff_ms += g_random_int_range(0, 100);
}

static bool have_store(Spread *spread, const Config *config, GError **error)
{
	if (spread->store != NULL)
		return true;
	/* A resolver may take its time. */
	watched_end(spread->watched);
	spread->store = store_open(config, spread->node, error);
	watched_begin(spread->watched);
	spread->next_confirm = 0;
	return spread->store != NULL;
}

/* A server that has been replaced without knowing it must not be worked for: what is claimed there could be lost. */
static bool is_confirmed(Spread *spread, const Config *config, GError **error)
{
	if (clock_mono_us() < spread->next_confirm)
		return true;
	spread->next_confirm = clock_mono_us() + config->store_poll * 1000;
	if (store_confirm(spread->store, error))
		return true;
	g_clear_pointer(&spread->store, store_close);
	return false;
}

static bool read_state(Spread *spread, GError **error)
{
	Snapshot *fresh = store_snapshot(spread->store, spread->snapshot, error);

	if (fresh == NULL)
		return false;
	snapshot_unref(spread->snapshot);
	spread->snapshot = fresh;
	return true;
}

const Incident *spread_incident(const Spread *spread, const char *name)
{
	return snapshot_find(spread->snapshot, name);
}

/* --- claiming --- */

char *spread_token(const Spread *spread, const ClaimRequest *request, const char *hash)
{
	g_autofree char *named = g_strdup_printf("letter\n%s\n%s\n%s", request->id, request->letter, hash);
	g_autofree char *mac = secret_hmac(spread->secret, named, -1);

	return g_strndup(mac, TOKEN_DIGITS);
}

bool spread_claim(Spread *spread, const Config *config, const ClaimRequest *request, ClaimAnswer *answer, GError **error)
{
	g_autofree char *hash = secret_address_hash(spread->secret, request->sender);
	g_autofree char *token = spread_token(spread, request, hash);
	g_auto(MadeClaim) made;

	made_claim_init(&made, config, spread->secret, request, token);
	return store_claim(spread->store, &made.claim, answer, error);
}

bool spread_claim_staff(Spread *spread, const Config *config, const ClaimRequest *request, GError **error)
{
	ClaimAnswer answer;

	if (!spread_claim(spread, config, request, &answer, error))
		return false;
	if (answer == CLAIM_WON)
		worker_expect_staff(spread->worker);
	else
		log_debug("letter %s to staff was not claimed: answer %d", request->letter, (int)answer);
	return true;
}

/* --- the rounds --- */

/* The parts do not depend on each other; notices, which take all the time that there is, come last. */
static void do_round(Spread *spread, const Config *config, gint64 until)
{
	GError *error = NULL;
	bool well = true;

	if (!have_store(spread, config, &error) || !is_confirmed(spread, config, &error) || !read_state(spread, &error)) {
		note_trouble(spread, "notices, pages and the feed wait for the store", error);
		return;
	}
	if (!spread_feed(spread, config, &error)) {
		note_trouble(spread, "the feed", g_steal_pointer(&error));
		well = false;
	}
	if (spread->store != NULL && !spread_pages(spread, config, &error)) {
		note_trouble(spread, "calling a person", g_steal_pointer(&error));
		well = false;
	}
	if (spread->store != NULL && !spread_notices(spread, config, until, &error)) {
		note_trouble(spread, "notices", g_steal_pointer(&error));
		well = false;
	}
	if (well) {
		spread->backoff_ms = 0;
		g_clear_pointer(&spread->trouble, g_free);
	}
}

void spread_run(Spread *spread, bool once)
{
	spread->watched = watched_new("the telling of what is new", ROUND_LIMIT);
	watched_begin(spread->watched);
	while (!spread_is_stopping(spread)) {
		g_autoptr(Config) config = take_config(spread);
		gint64 until = clock_mono_us() + SPREAD_ROUND_US;

		watched_beat(spread->watched);
		do_round(spread, config, until);
		if (once)
			break;
		(void)spread_wait_until(spread, until + spread->backoff_ms * 1000);
	}
	watched_end(spread->watched);
	g_clear_pointer(&spread->watched, watched_free);
	spread_pages_free(g_steal_pointer(&spread->pages), once);
}
