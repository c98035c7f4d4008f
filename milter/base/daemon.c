/* daemon: see daemon.h. Layer: base. */
#include "base/daemon.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#ifdef HAVE_SYSTEMD
#include <systemd/sd-daemon.h>
#endif

#include "base/clock.h"
#include "base/error.h"
#include "base/log.h"
#include "base/privileges.h"
#include "base/watchdog.h"

/* What is watched is looked at this often, in ms. */
#define WATCH_MS 20000
/* What a stop takes besides its drain: the last writing down, sessions that end. */
#define STOP_MARGIN_MS 60000

/* The end of the pipe on which the starting parent waits; -1 in the foreground. */
static int ready_fd = -1;

static bool system_error(GError **error, const char *what, const char *which)
{
	int saved = errno;

	g_set_error(error, OUTAGE_ERROR, OUTAGE_ERROR_SYSTEM, "%s %s: %s", what, which, g_strerror(saved));
	return false;
}

static void parent_wait(int fd)
{
	char byte;
	ssize_t got;

	do
		got = read(fd, &byte, 1);
	while (got < 0 && errno == EINTR);
	_exit(got == 1 ? 0 : 1);
}

bool daemon_start(GError **error)
{
	int fds[2];
	pid_t pid;

	if (pipe(fds) != 0)
		return system_error(error, "cannot make", "a pipe");
	pid = fork();
	if (pid < 0)
		return system_error(error, "cannot go to", "the background");
	if (pid > 0) {
		(void)close(fds[1]);
		parent_wait(fds[0]);
	}
	(void)close(fds[0]);
	ready_fd = fds[1];
	(void)fcntl(ready_fd, F_SETFD, FD_CLOEXEC);
	if (setsid() < 0 || chdir("/") != 0)
		return system_error(error, "cannot leave", "the terminal");
	return true;
}

/* Tells systemd; without it, this does nothing. */
static void notify(const char *state)
{
#ifdef HAVE_SYSTEMD
	(void)sd_notify(0, state);
#else
	(void)state;
#endif
}

void daemon_ready(void)
{
	notify("READY=1");
	if (ready_fd >= 0) {
		int null = open("/dev/null", O_RDWR | O_CLOEXEC);

		if (null >= 0) {
			(void)dup2(null, STDIN_FILENO);
			(void)dup2(null, STDOUT_FILENO);
			(void)dup2(null, STDERR_FILENO);
			(void)close(null);
		}
		if (write(ready_fd, "", 1) != 1)
			log_warning("the starting process is gone");
		(void)close(ready_fd);
		ready_fd = -1;
	}
}

/* Looks both up; "" leaves *uid or *gid alone. */
static bool find_ids(const char *user, const char *group, uid_t *uid, gid_t *gid, GError **error)
{
	if (user != NULL && *user != '\0') {
		const struct passwd *entry = getpwnam(user);

		if (entry == NULL) {
			g_set_error(error, OUTAGE_ERROR, OUTAGE_ERROR_INVALID, "user: there is no user %s", user);
			return false;
		}
		*uid = entry->pw_uid;
		*gid = entry->pw_gid;
	}
	if (group != NULL && *group != '\0') {
		const struct group *entry = getgrnam(group);

		if (entry == NULL) {
			g_set_error(error, OUTAGE_ERROR, OUTAGE_ERROR_INVALID, "group: there is no group %s", group);
			return false;
		}
		*gid = entry->gr_gid;
	}
	return true;
}

static bool become(const char *user, const char *group, GError **error)
{
	uid_t uid = (uid_t)-1;
	gid_t gid = (gid_t)-1;

	if (geteuid() != 0)
		return true;
	if (!find_ids(user, group, &uid, &gid, error))
		return false;
	if (gid != (gid_t)-1 && (uid != (uid_t)-1 ? initgroups(user, gid) : setgroups(1, &gid)) != 0)
		return system_error(error, "cannot take the groups of", user);
	if (gid != (gid_t)-1 && setgid(gid) != 0)
		return system_error(error, "cannot become group", group);
	if (uid != (uid_t)-1 && setuid(uid) != 0)
		return system_error(error, "cannot become user", user);
	if (uid != (uid_t)-1 && uid != 0 && setuid(0) == 0) {
		g_set_error(error, OUTAGE_ERROR, OUTAGE_ERROR_SYSTEM, "privileges of root came back after they were dropped");
		return false;
	}
	return true;
}

static void log_confined(const Privileges *given_up)
{
	g_autofree char *denied = g_strdup_printf("%u", given_up->denied);

	log_event("confined", "capabilities", given_up->no_capability ? "none" : "not dropped", "bounding_set",
	    given_up->no_bound ? "empty" : "kept", "new_privileges", given_up->no_new ? "no" : "yes", "dumpable",
	    given_up->no_dump ? "no" : "yes", "denied_calls", denied, NULL);
}

bool daemon_drop_privileges(const char *user, const char *group, bool harden, GError **error)
{
	Privileges given_up;

	if (harden)
		privileges_bound();
	if (!become(user, group, error))
		return false;
	if (harden) {
		given_up = privileges_give_up(PRIVILEGES_DAEMON);
		log_confined(&given_up);
	} else {
		log_warning("harden is off: this program, and what it starts, may gain privileges and call whatever the kernel has");
	}
	return true;
}

bool daemon_make_dir(const char *dir, guint mode, bool own_it, const char *user, const char *group, GError **error)
{
	uid_t uid = (uid_t)-1;
	gid_t gid = (gid_t)-1;
	struct stat st;
	bool is_root = geteuid() == 0;
	bool there = stat(dir, &st) == 0 && S_ISDIR(st.st_mode);

	/* Anybody else stays who he is, and the user of the configuration need not be there. */
	if (is_root && !find_ids(user, group, &uid, &gid, error))
		return false;
	/* A folder that root has made for us, a package's or the service manager's, is given to the user who is to write there. */
	if (there && is_root && st.st_uid == 0 && own_it && chown(dir, uid, gid) != 0)
		return system_error(error, "cannot give away the folder", dir);
	if (there)
		return true;
	/* The umask of whoever started us must not lock others out of a folder that they are to reach. */
	if (g_mkdir_with_parents(dir, (int)mode) != 0 || chmod(dir, mode) != 0)
		return system_error(error, "cannot make the folder", dir);
	if (is_root && chown(dir, uid, gid) != 0)
		return system_error(error, "cannot give away the folder", dir);
	return true;
}

static void fill(sigset_t *set)
{
	sigemptyset(set);
	sigaddset(set, SIGUSR1);
	sigaddset(set, SIGTERM);
	sigaddset(set, SIGINT);
	sigaddset(set, SIGHUP);
}

void daemon_block_signals(void)
{
	sigset_t set;

	fill(&set);
	(void)pthread_sigmask(SIG_BLOCK, &set, NULL);
	(void)signal(SIGPIPE, SIG_IGN);
}

/* How often all that is watched is looked at, in ms: three times within the time that the service manager gives us, where it gives one. */
static gint64 watch_interval(void)
{
#ifdef HAVE_SYSTEMD
	guint64 limit_us = 0;

	if (sd_watchdog_enabled(0, &limit_us) > 0)
		return CLAMP((gint64)limit_us / 3000, 10, WATCH_MS);
#endif
	return WATCH_MS;
}

/* Returns the signal that came, or 0 at that time (clock_mono_us). */
static int wait_for_signal(const sigset_t *set, gint64 until)
{
	gint64 left = MAX(until - clock_mono_us(), 0);
	const struct timespec time = { .tv_sec = left / G_USEC_PER_SEC, .tv_nsec = left % G_USEC_PER_SEC * 1000 };
	int which = sigtimedwait(set, NULL, &time);

	return which > 0 ? which : 0;
}

/* In Type=notify this makes the unit's state "reloading" meanwhile; Type=notify-reload (systemd 253) asks for the time as well. */
static void reload(bool (*on_reload)(void))
{
	g_autofree char *begun = g_strdup_printf("RELOADING=1\nMONOTONIC_USEC=%" G_GINT64_FORMAT "\nSTATUS=Reads its configuration again",
	    clock_mono_us());

	notify(begun);
	notify(on_reload() ? "READY=1\nSTATUS=" : "READY=1\nSTATUS=The configuration was not reloaded (the log says why): the one before is in force");
}

void daemon_wait_for_stop(bool (*on_reload)(void), gint64 drain_ms)
{
	const gint64 interval = watch_interval();
	g_autofree char *stopping = g_strdup_printf("STOPPING=1\nSTATUS=\nEXTEND_TIMEOUT_USEC=%" G_GINT64_FORMAT,
	    (drain_ms + STOP_MARGIN_MS) * 1000);
	gint64 next = 0, uncounted_ms = 0;
	sigset_t set;
	int which;

	fill(&set);
	do {
		which = wait_for_signal(&set, next);
		if (which == SIGUSR1)
			reload(on_reload);
		if (clock_mono_us() < next)
			continue;
		/* Intervals of less than a second add up to the whole seconds that are counted. */
		uncounted_ms += interval;
		if (watchdog_check((guint)(uncounted_ms / 1000)))
			notify("WATCHDOG=1");
		uncounted_ms %= 1000;
		next = clock_mono_us() + interval * 1000;
	} while (which == 0 || which == SIGUSR1);
	notify(stopping);
}
