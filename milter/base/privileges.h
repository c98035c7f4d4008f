/* privileges: what our programs give up for good once they are who they will be: capabilities, new privileges, core dumps, system calls that
 * no mail program needs. Layer: base.
 *
 * The same as the systemd units say (packaging/systemd), for where there is no systemd, and for outage-spf, which reads what strangers put
 * into DNS. Whatever a program starts afterwards (page.command, alarm.command) has given it up, too. */
#ifndef OUTAGE_BASE_PRIVILEGES_H
#define OUTAGE_BASE_PRIVILEGES_H

#include <glib.h>
#include <stdbool.h>

/* Sanitisers look for leaks with ptrace, reserve more memory than any limit, and read what /proc says of this process. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define PRIVILEGES_SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define PRIVILEGES_SANITIZED 1
#endif
#endif
#ifndef PRIVILEGES_SANITIZED
#define PRIVILEGES_SANITIZED 0
#endif

/* Whether this build has libcap-ng. */
#ifdef HAVE_LIBCAP_NG
#define PRIVILEGES_DROPS_CAPABILITIES 1
#else
#define PRIVILEGES_DROPS_CAPABILITIES 0
#endif

/* Who gives up. A helper starts no program, takes no connection, sends no signal and speaks IP alone. */
typedef enum { PRIVILEGES_DAEMON, PRIVILEGES_HELPER } PrivilegesOf;

typedef struct {
	bool no_new;         /* exec gives no privileges any more */
	bool no_capability;  /* none is left, nor can come back but by exec */
	bool no_bound;       /* nor by exec */
	bool no_dump;        /* neither a core dump nor another process of this user sees our memory */
	guint denied;        /* system calls that now fail with EPERM; 0: no filter */
} Privileges;

/* Empties the capability bounding set. As root, before the change to another user, who may not any more; else it does nothing. */
void privileges_bound(void);

/* Gives up all the rest. After the change of user and before any thread. Returns what has been given up: a kernel, or a build without
 * libcap-ng or libseccomp, may not know all of it. */
Privileges privileges_give_up(PrivilegesOf whom);

/* Returns why that program (as in page.command) cannot do its work without new privileges, or NULL where nothing is known against it.
 * Caller frees. */
char *privileges_missed_by(const char *program);

#endif
