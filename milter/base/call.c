/* call: see call.h. Layer: base. */
#include "base/call.h"

#include <errno.h>
#include <fcntl.h>
#include <glib-unix.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/child.h"
#include "base/clock.h"
#include "base/error.h"

#define OUTPUT_MAX 4096
/* No descriptor tells of a child's end everywhere: it is asked for this often. */
#define TICK_MS 50
/* A killed process may hang in the kernel; longer it is not waited for. */
#define KILL_WAIT_US (2 * G_USEC_PER_SEC)

/* Takes what there is to read, keeping the first OUTPUT_MAX bytes. Returns false at the end. */
static bool read_some(int fd, GString *kept)
{
	char buffer[1024];
	ssize_t got = read(fd, buffer, sizeof buffer);

	if (got > 0 && kept->len < OUTPUT_MAX)
		g_string_append_len(kept, buffer, MIN(got, (ssize_t)(OUTPUT_MAX - kept->len)));
	return got > 0 || (got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR));
}

static bool has_ended(pid_t pid, int *status)
{
	pid_t got = waitpid(pid, status, WNOHANG);

	/* Somebody else has reaped it: nothing is known of its end. */
	if (got < 0 && errno == ECHILD)
		*status = -1;
	return got == pid || (got < 0 && errno == ECHILD);
}

/* Waits for the end of the program, of the time, or of us. Returns true with *status where it was its own. */
static bool wait_for(pid_t pid, int fd, gint64 until, GCancellable *cancel, int *status, GString *kept)
{
	struct pollfd polled = { .fd = fd, .events = POLLIN };

	for (;;) {
		bool ended = has_ended(pid, status);

		if (ended) {
			/* What it wrote last; what its children go on to write is not waited for. */
			while (kept->len < OUTPUT_MAX && poll(&polled, 1, 0) > 0 && read_some(fd, kept))
				;
			return true;
		}
		if (clock_mono_us() >= until || g_cancellable_is_cancelled(cancel))
			return false;
		if (poll(&polled, 1, TICK_MS) > 0 && !read_some(fd, kept))
			polled.fd = -1;
	}
}

static void kill_group(pid_t pid, int *status)
{
	gint64 until = clock_mono_us() + KILL_WAIT_US;

	(void)kill(-pid, SIGKILL);
	while (!has_ended(pid, status) && clock_mono_us() < until)
		g_usleep(TICK_MS * 1000 / 10);
}

static bool judge(int status, GError **error)
{
	if (status >= 0 && WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return true;
	if (status >= 0 && WIFEXITED(status))
		g_set_error(error, OUTAGE_ERROR, OUTAGE_ERROR_UNAVAILABLE, "it ended with status %d", WEXITSTATUS(status));
	else if (status >= 0 && WIFSIGNALED(status))
		g_set_error(error, OUTAGE_ERROR, OUTAGE_ERROR_UNAVAILABLE, "it was ended by signal %d (%s)", WTERMSIG(status),
		    g_strsignal(WTERMSIG(status)));
	else
		g_set_error_literal(error, OUTAGE_ERROR, OUTAGE_ERROR_UNAVAILABLE, "how it ended is not known");
	return false;
}

bool call_run(char *const *argv, char *const *environment, gint64 timeout_ms, const char *limit, GCancellable *cancel, char **output,
    GError **error)
{
	gint64 until = clock_mono_us() + timeout_ms * 1000;
	g_autoptr(GString) kept = g_string_new(NULL);
	Child child = { .argv = argv, .environment = environment, .input = -1, .in_path = true, .own_group = true };
	int ends[2], failed, status = -1;
	pid_t pid = -1;
	bool own_end;

	*output = NULL;
	/* A pipe, for scripts write to /dev/stderr, and a socket cannot be opened that way. */
	if (!g_unix_open_pipe(ends, FD_CLOEXEC, error))
		return false;
	(void)g_unix_set_fd_nonblocking(ends[0], TRUE, NULL);
	child.output = child.errors = ends[1];
	failed = child_start(&child, &pid);
	(void)close(ends[1]);
	if (failed != 0) {
		(void)close(ends[0]);
		g_set_error(error, OUTAGE_ERROR, OUTAGE_ERROR_SYSTEM, "it cannot be run: %s", g_strerror(failed));
		return false;
	}
	own_end = wait_for(pid, ends[0], until, cancel, &status, kept);
	if (!own_end)
		kill_group(pid, &status);
	(void)close(ends[0]);
	*output = g_strdup(kept->str);
	if (own_end)
		return judge(status, error);
	if (g_cancellable_is_cancelled(cancel))
		g_set_error_literal(error, OUTAGE_ERROR, OUTAGE_ERROR_UNAVAILABLE, "it was killed: this program ends");
	else
		g_set_error(error, OUTAGE_ERROR, OUTAGE_ERROR_UNAVAILABLE, "it was killed: it took longer than %s", limit);
	return false;
}

static void add_inherited(GPtrArray *environment, const char *name, const char *otherwise)
{
	const char *value = g_getenv(name);

	if (value != NULL || otherwise != NULL)
		g_ptr_array_add(environment, g_strconcat(name, "=", value != NULL ? value : otherwise, NULL));
}

GPtrArray *call_environment_new(void)
{
	GPtrArray *environment = g_ptr_array_new();

	add_inherited(environment, "PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin");
	add_inherited(environment, "HOME", NULL);
	add_inherited(environment, "LANG", NULL);
	return environment;
}

void call_environment_add(GPtrArray *environment, const char *name, const char *value)
{
	if (value != NULL && *value != '\0')
		g_ptr_array_add(environment, g_strconcat(name, "=", value, NULL));
}

char **call_environment_end(GPtrArray *environment)
{
	g_ptr_array_add(environment, NULL);
	return (char **)g_ptr_array_free(environment, FALSE);
}
