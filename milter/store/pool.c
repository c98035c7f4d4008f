/* pool: open stores, ready to be borrowed by the milter's callbacks (see pool.h). Layer: store.
 *
 * A callback must never wait for a connection to be made: a name server that is silent holds a connect for twenty seconds. So
 * one thread does nothing but connect and close, and everybody else only takes from a list. */
#include "store/pool.h"

#include "base/clock.h"
#include "base/log.h"

#define BACKOFF_FIRST_MS 100
#define BACKOFF_MAX_MS 5000
#define FREE_WAIT_US G_USEC_PER_SEC

struct StorePool {
	Config *config;
	char *node;
	GThread *thread;
	GMutex lock;             /* over all below */
	GCond work;              /* for the thread: something is to be opened or closed, or we stop */
	GCond ready;             /* for borrowers: a store came in, or there is no hope */
	GQueue idle;             /* Store * */
	GQueue broken;           /* Store *, to be closed */
	guint borrowed;
	bool away;               /* the last attempt to connect failed */
	bool stopping;
};

/* With the lock. */
static bool has_room(const StorePool *pool)
{
	return pool->idle.length + pool->borrowed < (guint)MAX(pool->config->store_pool, 1);
}

/* Half of the delay is certain and half is chance, so that nodes that lost the store together do not come back together. */
static gint64 jittered_us(gint64 delay_ms)
{
	return delay_ms * 500 + g_random_int_range(0, (gint32)delay_ms * 500 + 1);
}

/* Opens one store; with the lock, which is released meanwhile. Returns how long to wait before the next attempt, in ms. */
static gint64 open_one(StorePool *pool, gint64 delay_ms)
{
	g_autoptr(GError) error = NULL;
	bool was_away = pool->away;
	Store *store;

	g_mutex_unlock(&pool->lock);
	store = store_open(pool->config, pool->node, &error);
	if (store == NULL && !was_away)
		log_warning("claims: %s; acknowledgements wait, mail passes", error->message);
	else if (store != NULL && was_away)
		log_info("claims: the store is back");
	g_mutex_lock(&pool->lock);
	pool->away = store == NULL;
	if (store != NULL)
		g_queue_push_tail(&pool->idle, store);
	g_cond_broadcast(&pool->ready);
	if (store != NULL)
		return 0;
	return delay_ms == 0 ? BACKOFF_FIRST_MS : MIN(delay_ms * 2, BACKOFF_MAX_MS);
}

static void close_broken(StorePool *pool)
{
	Store *store;

	while ((store = g_queue_pop_head(&pool->broken)) != NULL) {
		g_mutex_unlock(&pool->lock);
		store_close(store);
		g_mutex_lock(&pool->lock);
	}
}

static gpointer keep_open(gpointer data)
{
	StorePool *pool = data;
	gint64 delay_ms = 0, next_attempt = 0;

	g_mutex_lock(&pool->lock);
	while (!pool->stopping) {
		close_broken(pool);
		if (pool->stopping)
			break;
		if (!has_room(pool)) {
			g_cond_wait(&pool->work, &pool->lock);
		} else if (clock_mono_us() < next_attempt) {
			g_cond_wait_until(&pool->work, &pool->lock, next_attempt);
		} else {
			delay_ms = open_one(pool, delay_ms);
			next_attempt = delay_ms > 0 ? clock_mono_us() + jittered_us(delay_ms) : 0;
		}
	}
	close_broken(pool);
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
	g_queue_init(&pool->broken);
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
	while ((store = g_queue_pop_head(&pool->idle)) != NULL || (store = g_queue_pop_head(&pool->broken)) != NULL)
		store_close(store);
	g_cond_clear(&pool->work);
	g_cond_clear(&pool->ready);
	g_mutex_clear(&pool->lock);
	config_unref(pool->config);
	g_free(pool->node);
	g_free(pool);
}

Store *store_pool_borrow(StorePool *pool, gint64 wait_ms)
{
	gint64 until = clock_mono_us() + wait_ms * 1000;
	Store *store = NULL;

	g_mutex_lock(&pool->lock);
	while (!pool->stopping && (store = g_queue_pop_head(&pool->idle)) == NULL) {
		if (pool->away && pool->borrowed == 0)
			break;
		if (!g_cond_wait_until(&pool->ready, &pool->lock, until))
			break;
	}
	if (store != NULL)
		pool->borrowed++;
	g_mutex_unlock(&pool->lock);
	return store;
}

void store_pool_return(StorePool *pool, Store *store, bool broken)
{
	g_mutex_lock(&pool->lock);
	pool->borrowed--;
	/* The one used last goes out first: the others may rest, and it is the likeliest to be alive. */
	if (broken)
		g_queue_push_tail(&pool->broken, store);
	else
		g_queue_push_head(&pool->idle, store);
	g_cond_signal(&pool->work);
	g_cond_broadcast(&pool->ready);
	g_mutex_unlock(&pool->lock);
}
