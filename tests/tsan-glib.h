/* tsan-glib: tells the thread sanitiser what GLib's locks and counters order. GLib itself is not instrumented, so without this every
 * access under a GMutex would look like a race. Put in front of every file by --enable-tsan; nothing else includes it. */
#ifndef OUTAGE_TESTS_TSAN_GLIB_H
#define OUTAGE_TESTS_TSAN_GLIB_H

#include <glib.h>

void __tsan_acquire(void *address);
void __tsan_release(void *address);

static inline void tsan_mutex_lock(GMutex *mutex)
{
	g_mutex_lock(mutex);
	__tsan_acquire(mutex);
}

static inline void tsan_mutex_unlock(GMutex *mutex)
{
	__tsan_release(mutex);
	g_mutex_unlock(mutex);
}

static inline void tsan_cond_wait(GCond *cond, GMutex *mutex)
{
	__tsan_release(mutex);
	g_cond_wait(cond, mutex);
	__tsan_acquire(mutex);
}

static inline gboolean tsan_cond_wait_until(GCond *cond, GMutex *mutex, gint64 until)
{
	gboolean woken;

	__tsan_release(mutex);
	woken = g_cond_wait_until(cond, mutex, until);
	__tsan_acquire(mutex);
	return woken;
}

/* Whoever lets go of the last reference has seen what all others did before they let go of theirs. */
static inline void tsan_rc_release(gpointer box, GDestroyNotify clear)
{
	__tsan_release(box);
	__tsan_acquire(box);
	g_atomic_rc_box_release_full(box, clear);
}

static inline gboolean tsan_ref_dec(gatomicrefcount *count)
{
	gboolean last;

	__tsan_release(count);
	last = g_atomic_ref_count_dec(count);
	__tsan_acquire(count);
	return last;
}

/* Whoever finds it made has seen how it was made. */
static inline gboolean tsan_once_enter(void *place)
{
	gboolean first = (g_once_init_enter)(place);

	__tsan_acquire(place);
	return first;
}

static inline void tsan_once_leave(void *place, gsize value)
{
	__tsan_release(place);
	(g_once_init_leave)(place, value);
}

#undef g_atomic_ref_count_dec
#undef g_once_init_enter
#undef g_once_init_leave
#define g_mutex_lock tsan_mutex_lock
#define g_mutex_unlock tsan_mutex_unlock
#define g_cond_wait tsan_cond_wait
#define g_cond_wait_until tsan_cond_wait_until
#define g_atomic_rc_box_release_full tsan_rc_release
#define g_atomic_ref_count_dec tsan_ref_dec
#define g_once_init_enter tsan_once_enter
#define g_once_init_leave tsan_once_leave

#endif
