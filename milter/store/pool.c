/* pool: open stores, ready to be borrowed by the milter's callbacks (see pool.h). Layer: store.
 *
 * A callback must never wait for a connection to be made: a name server that is silent holds a connect for twenty seconds. So
 * one thread does nothing but connect, confirm and close, and everybody else only takes from a list.
 *
 * It is a circuit breaker too. A store that failed opens it: from then on nobody gets a store, and so nobody waits, until the thread
 * has made a connection and had an answer over it. It tries after delays that double and are never the same twice. */
#include "store/pool.h"

#include "base/clock.h"
#include "base/log.h"
#include "store/backend.h"

#define BACKOFF_FIRST_MS 100
#define BACKOFF_MAX_MS 500 /* a failover is to be followed within a second of its end */
#define FREE_WAIT_US G_USEC_PER_SEC

struct StorePool {
	char *node;
	GThread *thread;
	GMutex lock;             /* over all below */
	GCond work;              /* for the thread: something is to be opened or closed, or we stop */
	GCond ready;             /* for borrowers: a store came in, or there is no hope */
	Config *config;
	GQueue idle;             /* Store * */
	GQueue unfit;            /* Store *, to be closed: failed, or opened under an older configuration */
	guint borrowed;
	gint64 delay_ms;         /* of the back-off; 0 = none */
	gint64 next_attempt;     /* to connect; clock_mono_us */
	gint64 next_confirm;     /* clock_mono_us */
	bool away;               /* the breaker is open: the store failed, and has not answered since */
	bool said_away;          /* in the log */
	bool stopping;
	gint64 back_at;          /* clock_mono_us: when it closed again; 0 = it never was open */
	guint64 losses;          /* how often the breaker opened */
	char *last_error;        /* why, the last time; or NULL */
};

/* With the lock. */
static bool has_room(const StorePool *pool)
{
	return pool->idle.length + pool->borrowed < (guint)MAX(pool->config->store_pool, 1);
}

/* With the lock. */
static void drop_idle(StorePool *pool)
{
	Store *store;

	while ((store = g_queue_pop_head(&pool->idle)) != NULL)
		g_queue_push_tail(&pool->unfit, store);
}

/* Half of the delay is certain and half is chance, so that nodes that lost the store together do not come back together. */
static gint64 jittered_us(gint64 delay_ms)
{
	return delay_ms * 500 + g_random_int_range(0, (gint32)delay_ms * 500 + 1);
}

/* With the lock. The store is away; why: for the log and the status. */
static void open_breaker(StorePool *pool, const char *why)
{
	drop_idle(pool);
	if (!pool->away)
		pool->losses++;
	g_free(pool->last_error);
	pool->last_error = g_strdup(why);
	if (!pool->said_away)
		log_warning("claims: %s; mail passes, and nobody waits for the store until it answers again", why);
	pool->away = pool->said_away = true;
	pool->delay_ms = CLAMP(pool->delay_ms * 2, BACKOFF_FIRST_MS, BACKOFF_MAX_MS);
	pool->next_attempt = clock_mono_us() + jittered_us(pool->delay_ms);
	g_cond_broadcast(&pool->ready);
}

/* With the lock. A store has answered. */
static void close_breaker(StorePool *pool)
{
	if (pool->said_away)
		log_info("claims: the store is back");
	if (pool->away)
		pool->back_at = clock_mono_us();
	pool->away = pool->said_away = false;
	pool->delay_ms = pool->next_attempt = 0;
}

/* Opens one store; with the lock, which is released meanwhile. A server that accepts connections may be stopped all the same, or cut off
 * from the others: only one that has answered, and is the one that all use, counts. */
static void open_one(StorePool *pool)
{
	g_autoptr(Config) config = config_ref(pool->config);
	g_autoptr(GError) error = NULL;
	Store *store;

	g_mutex_unlock(&pool->lock);
	store = store_open(config, pool->node, &error);
	if (store != NULL && !store_confirm(store, &error))
		g_clear_pointer(&store, store_close);
	g_mutex_lock(&pool->lock);
	/* What was tried under a configuration that has been replaced meanwhile says nothing: the next turn tries anew. */
	if (config != pool->config) {
		if (store != NULL)
			g_queue_push_tail(&pool->unfit, store);
		return;
	}
	if (store == NULL) {
		open_breaker(pool, error->message);
		return;
	}
	close_breaker(pool);
	g_queue_push_tail(&pool->idle, store);
	g_cond_broadcast(&pool->ready);
}

/* Asks, over a store that is idle, whether it is still the one that all use; with the lock, which is released meanwhile. */
static void confirm_one(StorePool *pool)
{
	Store *store = g_queue_pop_tail(&pool->idle);
	g_autoptr(GError) error = NULL;
	bool ok;

	pool->next_confirm = clock_mono_us() + jittered_us(pool->config->store_poll) + pool->config->store_poll * 500;
	if (store == NULL)
		return;
	pool->borrowed++;
	g_mutex_unlock(&pool->lock);
	ok = store_confirm(store, &error);
	g_mutex_lock(&pool->lock);
	pool->borrowed--;
	if (!ok)
		open_breaker(pool, error->message);
	g_queue_push_tail(ok && store->config == pool->config ? &pool->idle : &pool->unfit, store);
	g_cond_broadcast(&pool->ready);
}

static void close_unfit(StorePool *pool)
{
	Store *store;

	while ((store = g_queue_pop_head(&pool->unfit)) != NULL) {
		g_mutex_unlock(&pool->lock);
		store_close(store);
		g_mutex_lock(&pool->lock);
	}
}

static gpointer keep_open(gpointer data)
{
	StorePool *pool = data;

	g_mutex_lock(&pool->lock);
	while (!pool->stopping) {
		close_unfit(pool);
		if (pool->stopping)
			break;
		if (clock_mono_us() >= pool->next_confirm)
			confirm_one(pool);
		else if (!has_room(pool))
			g_cond_wait_until(&pool->work, &pool->lock, pool->next_confirm);
		else if (clock_mono_us() < pool->next_attempt)
			g_cond_wait_until(&pool->work, &pool->lock, MIN(pool->next_attempt, pool->next_confirm));
		else
			open_one(pool);
	}
	close_unfit(pool);
	g_mutex_unlock(&pool->lock);
	return NULL;
}

StorePool *store_pool_new(Config *config, const char *node)
{
	StorePool *pool = g_new0(StorePool, 1);

	pool->config = config_ref(config);
	pool->node = g_strdup(node);
	g_mutex_init(&pool->lock);
	g_cond_init(&pool->work);
	g_cond_init(&pool->ready);
	g_queue_init(&pool->idle);
	g_queue_init(&pool->unfit);
	pool->thread = g_thread_new("store-pool", keep_open, pool);
	return pool;
}

void store_pool_free(StorePool *pool)
{
	gint64 until = clock_mono_us() + FREE_WAIT_US;
	guint borrowed;
	Store *store;

	if (pool == NULL)
		return;
	g_mutex_lock(&pool->lock);
	pool->stopping = true;
	g_cond_broadcast(&pool->work);
	g_cond_broadcast(&pool->ready);
	while (pool->borrowed > 0 && g_cond_wait_until(&pool->ready, &pool->lock, until))
		;
	borrowed = pool->borrowed;
	g_mutex_unlock(&pool->lock);
	/* The thread is at most within one attempt to connect, which has a deadline of its own. */
	g_thread_join(pool->thread);
	if (borrowed > 0) {
		log_bug("%u stores were not given back; the pool stays in memory", borrowed);
		return;
	}
	while ((store = g_queue_pop_head(&pool->idle)) != NULL || (store = g_queue_pop_head(&pool->unfit)) != NULL)
		store_close(store);
	g_cond_clear(&pool->work);
	g_cond_clear(&pool->ready);
	g_mutex_clear(&pool->lock);
	config_unref(pool->config);
	g_free(pool->node);
	g_free(pool->last_error);
	g_free(pool);
}

Store *store_pool_borrow(StorePool *pool, gint64 until, bool patient)
{
	Store *store = NULL;

	g_mutex_lock(&pool->lock);
	while (!pool->stopping && (store = g_queue_pop_head(&pool->idle)) == NULL) {
		if (pool->away && !patient)
			break;
		if (!g_cond_wait_until(&pool->ready, &pool->lock, until))
			break;
	}
	if (store != NULL)
		pool->borrowed++;
	g_mutex_unlock(&pool->lock);
	return store;
}

void store_pool_return(StorePool *pool, Store *store, const GError *failure)
{
	g_mutex_lock(&pool->lock);
	pool->borrowed--;
	/* What broke one connection has as a rule broken all: a server that was restarted, a network that went. Borrowing the others one
	 * by one would cost a failed claim each. */
	if (failure != NULL)
		open_breaker(pool, failure->message);
	/* The one used last goes out first: the others may rest, and it is the likeliest to be alive. */
	if (failure != NULL || store->config != pool->config)
		g_queue_push_tail(&pool->unfit, store);
	else
		g_queue_push_head(&pool->idle, store);
	g_cond_signal(&pool->work);
	g_cond_broadcast(&pool->ready);
	g_mutex_unlock(&pool->lock);
}

bool store_pool_is_away(StorePool *pool)
{
	bool away;

	g_mutex_lock(&pool->lock);
	away = pool->away;
	g_mutex_unlock(&pool->lock);
	return away;
}

gint64 store_pool_back_since(StorePool *pool)
{
	gint64 since;

	g_mutex_lock(&pool->lock);
	since = pool->back_at;
	g_mutex_unlock(&pool->lock);
	return since;
}

guint64 store_pool_losses(StorePool *pool, char **last_error)
{
	guint64 losses;

	g_mutex_lock(&pool->lock);
	losses = pool->losses;
	*last_error = g_strdup(pool->last_error);
	g_mutex_unlock(&pool->lock);
	return losses;
}

void store_pool_reconfigure(StorePool *pool, Config *config)
{
	Config *before;

	g_mutex_lock(&pool->lock);
	before = pool->config;
	pool->config = config_ref(config);
	drop_idle(pool);
	pool->away = false;
	pool->delay_ms = pool->next_attempt = 0;
	g_cond_signal(&pool->work);
	g_mutex_unlock(&pool->lock);
	config_unref(before);
}
