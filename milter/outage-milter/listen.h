/* listen: what surrounds the opening of the listening socket. Layer: program. */
#ifndef OUTAGE_MILTER_LISTEN_H
#define OUTAGE_MILTER_LISTEN_H

#include <glib.h>
#include <stdbool.h>

#include "config/config.h"

/* Returns true where config names a unix socket. */
bool listen_is_local(const Config *config);

/* Before it is opened: makes its folder, removes a stale socket file; false with error where somebody listens there or it is no socket. */
bool listen_prepare(const Config *config, GError **error);

/* Once it is open (under umask 0777) and before privileges are dropped: group and mode of a unix socket; TCP_NODELAY on an inet
 * one (doc/library-traps.md 8, 9). */
bool listen_finish(const Config *config, GError **error);

/* Ends listening: wakes whoever waits for a connection (libmilter would notice a stop only every five seconds) and removes the
 * socket's file, so that the next instance can take its place while this one still drains. */
void listen_close(const Config *config);

#endif
