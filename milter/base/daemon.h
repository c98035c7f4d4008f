/* daemon: going to the background, dropping privileges, telling the service manager; shared by both daemons. Layer: base. */
#ifndef OUTAGE_BASE_DAEMON_H
#define OUTAGE_BASE_DAEMON_H

#include <glib.h>
#include <stdbool.h>

/* Forks; the parent waits until the child calls daemon_ready (exit 0) or dies (exit 1). The child returns from this with its own
 * session and / as its folder. Before any thread. False with error where that cannot be done. */
bool daemon_start(GError **error);

/* Says that the service is up: to the waiting parent, to systemd (sd_notify) and to nobody else. Then standard input and output
 * are /dev/null where daemon_start was used. */
void daemon_ready(void);

/* As root: becomes user (its groups too), group overriding the primary one; either may be "" (then nothing is dropped). As anybody
 * else: stays that. harden: then gives up whatever privileges.h knows, and says in the log what that was. Before any thread. False with
 * OUTAGE_ERROR_INVALID or _SYSTEM. */
bool daemon_drop_privileges(const char *user, const char *group, bool harden, GError **error);

/* Makes dir (with its parents) with that mode where it is missing and, as root, gives it to user and group; NULL or "": kept. own_it:
 * one that is there and belongs to root is given away too. */
bool daemon_make_dir(const char *dir, guint mode, bool own_it, const char *user, const char *group, GError **error);

/* Blocks SIGUSR1, SIGTERM, SIGINT and SIGHUP in this and all threads to come, so that none of them ever ends the process in a
 * thread that does not know it; SIGPIPE is ignored. Before any other thread. */
void daemon_block_signals(void);

/* Waits for these signals in the calling thread, which must be the program's first: the kernel asks it before any other, so that
 * libmilter's own waiting thread gets none meanwhile (see callbacks.c for those that it gets). Calls on_reload for each SIGUSR1; returns at one of the others. systemd is told when a
 * reload begins and ends, and whether it took the new configuration (on_reload's return); it is pinged meanwhile, while all that is watched
 * (watchdog.h) gets round. At the end it is told that we stop, for which drain_ms and a little more may pass. */
void daemon_wait_for_stop(bool (*on_reload)(void), gint64 drain_ms);

#endif
