/* watchdog: see watchdog.h. Layer: base. */
#include "base/watchdog.h"

#include "base/log.h"

struct Watched {
	const char *name;
	guint limit;        /* seconds */
	gint beats, inside; /* atomic: signs of life so far; how many threads are in it */
	/* The rest is watchdog_check's. */
	gint seen;          /* beats at its last look */
	guint silent;       /* for how many seconds they have been the same */
	bool told;
};

static struct {
	GMutex lock;
	GPtrArray *all;     /* of Watched, not owned; NULL before the first */
} registry;

Watched *watched_new(const char *name, guint limit)
{
	Watched *watched = g_new0(Watched, 1);

	watched->name = name;
	watched->limit = limit;
	g_mutex_lock(&registry.lock);
	if (registry.all == NULL)
		registry.all = g_ptr_array_new();
	g_ptr_array_add(registry.all, watched);
	g_mutex_unlock(&registry.lock);
	return watched;
}

void watched_free(Watched *watched)
{
	if (watched == NULL)
		return;
	g_mutex_lock(&registry.lock);
	(void)g_ptr_array_remove_fast(registry.all, watched);
	if (registry.all->len == 0)
		g_clear_pointer(&registry.all, g_ptr_array_unref);
	g_mutex_unlock(&registry.lock);
	g_free(watched);
}

void watched_beat(Watched *watched)
{
	if (watched != NULL)
		g_atomic_int_inc(&watched->beats);
}

void watched_begin(Watched *watched)
{
	if (watched == NULL)
		return;
	g_atomic_int_inc(&watched->beats);
	g_atomic_int_inc(&watched->inside);
}

void watched_end(Watched *watched)
{
	if (watched == NULL)
		return;
	g_atomic_int_inc(&watched->beats);
	(void)g_atomic_int_dec_and_test(&watched->inside);
}

static bool is_alive(Watched *watched, guint interval)
{
	gint beats = g_atomic_int_get(&watched->beats);

	if (beats != watched->seen || g_atomic_int_get(&watched->inside) == 0) {
		if (watched->told)
			log_warning("watchdog: %s goes on", watched->name);
		watched->told = false;
		watched->silent = 0;
		watched->seen = beats;
		return true;
	}
	watched->silent += interval;
	if (watched->silent <= watched->limit)
		return true;
	if (!watched->told)
		log_bug("watchdog: %s stands still for %u s: the service manager is no longer told that this program lives", watched->name,
		    watched->silent);
	watched->told = true;
	return false;
}

bool watchdog_check(guint interval)
{
	bool alive = true;

	g_mutex_lock(&registry.lock);
	for (guint i = 0; registry.all != NULL && i < registry.all->len; i++)
		alive &= is_alive(g_ptr_array_index(registry.all, i), interval);
	g_mutex_unlock(&registry.lock);
	return alive;
}
