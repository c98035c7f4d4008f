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

/* Tells systemd: "RELOADING=1", "STOPPING=1", ...; without systemd it does nothing. */
void daemon_notify(const char *state);

/* As root: becomes user (its groups too), group overriding the primary one; either may be "" (then nothing is dropped). As anybody
 * else: does nothing. False with OUTAGE_ERROR_INVALID or _SYSTEM. */
bool daemon_drop_privileges(const char *user, const char *group, GError **error);

/* As root: makes dir (0750) where it is missing and gives it to user; as anybody else makes it. NULL or "" user: kept. */
bool daemon_make_state_dir(const char *dir, const char *user, const char *group, GError **error);

/* Blocks SIGUSR1, SIGTERM, SIGINT and SIGHUP in this and all threads to come, so that none of them ever ends the process in a
 * thread that does not know it. Before any other thread. with_term: daemon_watch_signals is to wait for SIGTERM and SIGINT too;
 * without it somebody else does (libmilter). */
void daemon_block_signals(bool with_term);

/* Starts a thread that waits for SIGUSR1 and, with_term, the others. on_reload is called from it for SIGUSR1, on_stop (may be NULL
 * without with_term) for the others. */
void daemon_watch_signals(void (*on_reload)(gpointer data), void (*on_stop)(gpointer data), gpointer data);

#endif
