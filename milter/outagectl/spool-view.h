/* spool-view: what outagectl shows and moves of this node's spool (store/spool.h). Layer: program.
 *
 * Only where there is a spool already that this user may open: looking must not make one that the daemons then cannot write to. */
#ifndef OUTAGECTL_SPOOL_VIEW_H
#define OUTAGECTL_SPOOL_VIEW_H

#include <glib.h>
#include <stdbool.h>

#include "config/config.h"
#include "store/store.h"

/* What handles of rows of the spool begin with. */
#define SPOOL_HANDLE "local:"

typedef struct {
	bool known;            /* false: there is none, or it cannot be read */
	guint64 local, held, asked, dead;
	gint64 oldest;         /* of local, held and asked; seconds since the epoch, 0 = none */
} SpoolView;

void spool_view_read(const Config *config, SpoolView *view);
/* Appends up to count rows (StoredJob *) to jobs; none where there is no spool. */
bool spool_view_list(const Config *config, QueueList list, guint count, GPtrArray *jobs, GError **error);
/* retry or bury; handle NULL = all. Adds to *moved. */
bool spool_view_move(const Config *config, bool retry, const char *handle, const char *why, guint *moved, GError **error);

/* spool_forget, up to now, where there is a spool. *rows grows by what was changed. */
bool spool_view_forget(const Config *config, const char *hash, guint *rows, GError **error);

#endif
