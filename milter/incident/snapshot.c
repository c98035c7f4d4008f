/* snapshot: all incidents at one moment, shared by reference between the watch thread and the callbacks. Layer: incident.
 *
 * A snapshot is filled by one thread, published, and never changed again: deciding needs no lock. */
#include <string.h>

#include "incident/incident.h"

Snapshot *snapshot_new(void)
{
	Snapshot *snapshot = g_atomic_rc_box_new0(Snapshot);

	snapshot->incidents = g_ptr_array_new_with_free_func((GDestroyNotify)incident_free);
	snapshot->problems = g_ptr_array_new_with_free_func(g_free);
	return snapshot;
}

Snapshot *snapshot_ref(Snapshot *snapshot)
{
	return g_atomic_rc_box_acquire(snapshot);
}

static void clear(gpointer data)
{
	Snapshot *snapshot = data;

	g_ptr_array_unref(snapshot->incidents);
	g_ptr_array_unref(snapshot->problems);
	g_free(snapshot->pause);
	g_free(snapshot->life);
}

void snapshot_unref(Snapshot *snapshot)
{
	if (snapshot != NULL)
		g_atomic_rc_box_release_full(snapshot, clear);
}

gint64 snapshot_age(const Snapshot *snapshot, gint64 now_us)
{
	return snapshot->heard_us != 0 ? MAX(0, now_us - snapshot->heard_us) / G_USEC_PER_SEC : G_MAXINT64;
}

Incident *snapshot_find(const Snapshot *snapshot, const char *name)
{
	for (guint i = 0; i < snapshot->incidents->len; i++) {
		Incident *incident = g_ptr_array_index(snapshot->incidents, i);

		if (strcmp(incident->name, name) == 0)
			return incident;
	}
	return NULL;
}

bool snapshot_is_active(const Snapshot *snapshot, gint64 now, gint64 resolved_for)
{
	for (guint i = 0; i < snapshot->incidents->len; i++)
		if (incident_is_active(g_ptr_array_index(snapshot->incidents, i), now, resolved_for))
			return true;
	return false;
}
