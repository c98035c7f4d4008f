/* spool-view: see spool-view.h. Layer: program. */
#include "outagectl/spool-view.h"

#include <unistd.h>

#include "base/clock.h"
#include "store/spool.h"

#define FILE_NAME "spool.db"

/* Returns NULL without error where there is no spool to be opened. */
static Spool *open_existing(const Config *config, GError **error)
{
	g_autofree char *path = g_build_filename(config->state_dir, FILE_NAME, NULL);

	return access(path, R_OK | W_OK) == 0 ? spool_open(config, error) : NULL;
}

void spool_view_read(const Config *config, SpoolView *view)
{
	g_autoptr(Spool) spool = open_existing(config, NULL);
	SpoolCounts counts;

	*view = (SpoolView){ .known = false };
	if (spool == NULL || !spool_counts(spool, &counts, NULL))
		return;
	view->known = true;
	view->local = counts.rows[SPOOL_LOCAL];
	view->held = counts.rows[SPOOL_HELD];
	view->asked = counts.rows[SPOOL_ASKED];
	view->dead = counts.rows[SPOOL_DEAD];
	view->oldest = counts.oldest;
}

bool spool_view_list(const Config *config, QueueList list, guint count, GPtrArray *jobs, GError **error)
{
	g_autoptr(GError) inner = NULL;
	g_autoptr(Spool) spool = open_existing(config, &inner);
	g_autoptr(GPtrArray) rows = spool != NULL ? spool_list(spool, list, count, &inner) : NULL;

	if (inner != NULL) {
		g_propagate_error(error, g_steal_pointer(&inner));
		return false;
	}
	if (rows != NULL)
		g_ptr_array_extend_and_steal(jobs, g_steal_pointer(&rows));
	return true;
}

bool spool_view_move(const Config *config, bool retry, const char *handle, const char *why, guint *moved, GError **error)
{
	g_autoptr(GError) inner = NULL;
	g_autoptr(Spool) spool = open_existing(config, &inner);
	guint rows = 0;

	if (spool != NULL && (retry ? spool_retry(spool, handle, &rows, &inner) : spool_bury(spool, handle, why, &rows, &inner)))
		*moved += rows;
	if (inner == NULL)
		return true;
	g_propagate_error(error, g_steal_pointer(&inner));
	return false;
}

bool spool_view_forget(const Config *config, const char *hash, guint *rows, GError **error)
{
	g_autoptr(GError) inner = NULL;
	g_autoptr(Spool) spool = open_existing(config, &inner);
	guint changed = 0;

	if (spool != NULL && spool_forget(spool, hash, clock_now(), &changed, &inner))
		*rows += changed;
	if (inner == NULL)
		return true;
	g_propagate_error(error, g_steal_pointer(&inner));
	return false;
}
