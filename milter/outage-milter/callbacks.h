/* callbacks: the only place that knows libmilter. Layer: program. */
#ifndef OUTAGE_MILTER_CALLBACKS_H
#define OUTAGE_MILTER_CALLBACKS_H

#include <glib.h>
#include <stdbool.h>

#include "outage-milter/service.h"

/* Opens the listening socket that config names; called with the privileges the program was started with. A unix socket is made
 * unreachable first and gets its group and mode before anybody can connect (doc/library-traps.md 8). A stale one is removed, one
 * that is listened on is not. Returns false with error. */
bool callbacks_open(const Config *config, GError **error);

/* Starts serving, in a thread of its own, with of, which must stay until callbacks_stop has returned. Where libmilter ends before that,
 * the calling thread gets a SIGINT. */
void callbacks_start(Service *of);

/* Stops accepting, then waits for messages in flight at most drain_ms. Returns false where libmilter had failed. config: as given
 * to callbacks_open. */
bool callbacks_stop(const Config *config, gint64 drain_ms);

#endif
