/* keep: the last good snapshot as a file in the node's state directory, so that a milter that starts while the store is away goes on
 * tagging. Layer: store. doc/contract.md 5. */
#ifndef OUTAGE_STORE_KEEP_H
#define OUTAGE_STORE_KEEP_H

#include <glib.h>

#include "config/config.h"
#include "incident/incident.h"

/* Returns STATE_DIR/snapshot.json; caller frees. */
char *keep_path(const Config *config);

/* Returns snapshot as one line of JSON, without what changes from poll to poll (taken_at, problems); caller frees. */
char *keep_format(const Snapshot *snapshot);

/* Writes the text of keep_format with the time it holds for (seconds). False with OUTAGE_ERROR_SYSTEM. */
bool keep_save(const char *path, const char *text, gint64 taken_at, GError **error);

/* Reads it back, with the age that the file says. What cannot be used in it is left out, and an incident that is, is named among the
 * problems: that it is missing here is no ending. NULL with OUTAGE_ERROR_NOT_FOUND where there is none, _INVALID where it is no
 * such file. */
Snapshot *keep_load(const char *path, GError **error);

#endif
