/* helper: one process of outage-spf: started, asked within a deadline, listened to (see helper.h). Layer: spf.
 *
 * The process reads strangers' DNS with a library that has bugs, so it gets nothing of ours (no environment, no descriptor but its
 * three) and is believed nothing: no call here waits past its deadline, whatever it writes or fails to write. */
#include "spf/helper.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/child.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/log.h"
#include "spf/question.h"

#define READ_SIZE 4096
#define COMPLAINT_MAX 400             /* bytes of a line that are logged */
#define LOUDNESS_MAX (16 * 1024)      /* bytes in the time below */
#define LOUDNESS_US (10 * G_USEC_PER_SEC)
#define MARGIN_MAX_MS 100

/* Returns 0 or an errno. What stops a service reaches its helpers too (systemd asks all processes of a unit, a terminal its whole
 * foreground), and they are needed while messages drain: these signals stay blocked; the end of their input ends them. */
static int spawn(pid_t *pid, const char *program, const char *nameserver, int channel, int complaints)
{
	static const int signals[] = { SIGTERM, SIGINT, SIGHUP, SIGUSR1 };
	bool has_server = nameserver != NULL && *nameserver != '\0';
	g_autofree char *option = has_server ? g_strconcat("--nameserver=", nameserver, NULL) : NULL;
	char *arguments[] = { (char *)program, option, NULL };
	char *environment[] = { NULL };
	sigset_t blocked;
	Child child = { .argv = arguments, .environment = environment, .input = channel, .output = channel, .errors = complaints,
		.blocked = &blocked };

	sigemptyset(&blocked);
	for (gsize i = 0; i < G_N_ELEMENTS(signals); i++)
		sigaddset(&blocked, signals[i]);
	return child_start(&child, pid);
}

static void close_if_open(int fd)
{
	if (fd >= 0)
		(void)close(fd);
}

SpfHelper *spf_helper_start(const char *program, const char *nameserver, GError **error)
{
	int channel[2] = { -1, -1 }, complaints[2] = { -1, -1 };
	SpfHelper *helper = NULL;
	pid_t pid = -1;
	int failed = 0;

	/* Sockets rather than pipes: they can be read and written without waiting and without SIGPIPE whatever their flags are. */
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, channel) != 0 ||
	    socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, complaints) != 0)
		failed = errno;
	else if ((failed = spawn(&pid, program, nameserver, channel[1], complaints[1])) == 0)
		helper = g_new0(SpfHelper, 1);
	close_if_open(channel[1]);
	close_if_open(complaints[1]);
	if (helper == NULL) {
		close_if_open(channel[0]);
		close_if_open(complaints[0]);
		g_set_error(error, OUTAGE_ERROR, OUTAGE_ERROR_SYSTEM,
		    "the SPF helper %s cannot be run: %s (spf.program names it, spf.enabled = false does without)",
		    program, g_strerror(failed));
		return NULL;
	}
	helper->pid = pid;
	helper->channel = channel[0];
	helper->complaints = complaints[0];
	helper->complaint = g_string_new(NULL);
	helper->started = helper->loud_since = clock_mono_us();
	return helper;
}

void spf_helper_free(SpfHelper *helper)
{
	close_if_open(helper->channel);
	close_if_open(helper->complaints);
	g_string_free(helper->complaint, TRUE);
	g_free(helper);
}

static bool is_passing(int code)
{
	return code == EAGAIN || code == EWOULDBLOCK || code == EINTR;
}

bool spf_helper_is_quiet(const SpfHelper *helper, const char **why)
{
	char byte;
	gssize got = recv(helper->channel, &byte, 1, MSG_PEEK | MSG_DONTWAIT);

	if (got > 0)
		*why = "it spoke unasked";
	return got < 0 && is_passing(errno);
}

static bool fail_dead(GError **error)
{
	g_set_error(error, OUTAGE_ERROR, OUTAGE_ERROR_SYSTEM, "the helper died in mid-question");
	return false;
}

/* Waits for events on the channel; false with error once it is later than until. */
static bool wait_for(const SpfHelper *helper, short events, gint64 until, GError **error)
{
	struct pollfd channel = { .fd = helper->channel, .events = events };
	gint64 left;

	while ((left = until - clock_mono_us()) > 0) {
		int ready = poll(&channel, 1, (int)MIN((left + 999) / 1000, G_MAXINT));

		if (ready > 0)
			return true;
		if (ready < 0 && errno != EINTR)
			return fail_dead(error);
	}
	g_set_error(error, OUTAGE_ERROR, OUTAGE_ERROR_UNAVAILABLE, "the helper did not answer in time");
	return false;
}

static bool write_line(SpfHelper *helper, const char *line, gint64 until, GError **error)
{
	gsize size = strlen(line);

	while (size > 0) {
		gssize sent = send(helper->channel, line, size, MSG_NOSIGNAL | MSG_DONTWAIT);

		if (sent > 0) {
			line += sent;
			size -= (gsize)sent;
		} else if (sent < 0 && !is_passing(errno)) {
			return fail_dead(error);
		} else if (!wait_for(helper, POLLOUT, until, error)) {
			return false;
		}
	}
	return true;
}

/* Appends what has come to line. */
static bool read_some(SpfHelper *helper, GString *line, GError **error)
{
	gsize had = line->len;
	gssize got;

	g_string_set_size(line, had + READ_SIZE);
	got = recv(helper->channel, line->str + had, READ_SIZE, MSG_DONTWAIT);
	g_string_truncate(line, had + (gsize)MAX(got, 0));
	if (got > 0 || (got < 0 && is_passing(errno)))
		return true;
	return fail_dead(error);
}

/* Reads one line and takes its LF off. Anything behind the LF was not asked for. */
static bool read_line(SpfHelper *helper, GString *line, gint64 until, GError **error)
{
	const char *end = NULL;

	while (end == NULL) {
		if (!wait_for(helper, POLLIN, until, error) || !read_some(helper, line, error))
			return false;
		end = memchr(line->str, '\n', line->len);
		if ((end != NULL ? (gsize)(end - line->str) : line->len) > SPF_LINE_MAX) {
			g_set_error(error, OUTAGE_ERROR, OUTAGE_ERROR_INVALID, "the helper's answer has more than %d bytes", SPF_LINE_MAX);
			return false;
		}
	}
	if (end + 1 != line->str + line->len) {
		g_set_error(error, OUTAGE_ERROR, OUTAGE_ERROR_INVALID, "the helper said more than one line");
		return false;
	}
	g_string_truncate(line, line->len - 1);
	return true;
}

bool spf_helper_ask(SpfHelper *helper, const SpfQuestion *question, guint64 serial, gint64 until, SpfAnswer *answer, char **reason,
    GError **error)
{
	g_autoptr(GString) line = g_string_new(NULL);
	gint64 left = (until - clock_mono_us()) / 1000;
	g_autofree char *asked = NULL;
	guint64 answered;

	/* Its deadline is a little earlier than ours: where DNS is silent it says so itself and lives on. */
	asked = spf_question_write(question, serial, MAX(left - CLAMP(left / 10, 1, MARGIN_MAX_MS), 1));
	if (!write_line(helper, asked, until, error) || !read_line(helper, line, until, error))
		return false;
	if (!spf_answer_read(line->str, line->len, answer, &answered, reason, error)) {
		g_prefix_error(error, "the helper's answer cannot be read: ");
		return false;
	}
	if (answered == serial)
		return true;
	g_clear_pointer(reason, g_free);
	g_set_error(error, OUTAGE_ERROR, OUTAGE_ERROR_INVALID, "the helper answered another question");
	return false;
}

void spf_helper_hang_up(SpfHelper *helper)
{
	(void)shutdown(helper->channel, SHUT_RDWR);
}

static void log_complaint(SpfHelper *helper)
{
	if (helper->complaint->len > 0)
		log_warning("spf: helper %d says: %s", (int)helper->pid, helper->complaint->str);
	g_string_truncate(helper->complaint, 0);
}

static void take_complaints(SpfHelper *helper, const char *text, gsize size)
{
	for (gsize i = 0; i < size; i++) {
		if (text[i] == '\n')
			log_complaint(helper);
		else if (helper->complaint->len < COMPLAINT_MAX)
			g_string_append_c(helper->complaint, text[i] != '\0' ? text[i] : ' ');
	}
}

bool spf_helper_listen(SpfHelper *helper, const char **why)
{
	gint64 now = clock_mono_us();
	char text[READ_SIZE];
	gssize got = recv(helper->complaints, text, sizeof text, MSG_DONTWAIT);

	if (got <= 0)
		return got < 0 && is_passing(errno);
	if (now - helper->loud_since > LOUDNESS_US) {
		helper->loudness = 0;
		helper->loud_since = now;
	}
	helper->loudness += (gsize)got;
	if (helper->loudness > LOUDNESS_MAX) {
		*why = "it flooded its standard error";
		return false;
	}
	take_complaints(helper, text, (gsize)got);
	return true;
}

void spf_helper_last_words(SpfHelper *helper)
{
	char text[READ_SIZE];
	gssize got;

	while (helper->complaints >= 0 && helper->loudness <= LOUDNESS_MAX &&
	    (got = recv(helper->complaints, text, sizeof text, MSG_DONTWAIT)) > 0) {
		helper->loudness += (gsize)got;
		take_complaints(helper, text, (gsize)got);
	}
	log_complaint(helper);
}

bool spf_helper_reap(SpfHelper *helper, int *status)
{
	pid_t got = waitpid(helper->pid, status, WNOHANG);

	if (got < 0)
		*status = -1;
	return got == helper->pid || (got < 0 && errno == ECHILD);
}

char *spf_helper_fate(int status)
{
	if (status >= 0 && WIFSIGNALED(status))
		return g_strdup_printf("signal %d (%s)", WTERMSIG(status), g_strsignal(WTERMSIG(status)));
	if (status >= 0 && WIFEXITED(status))
		return g_strdup_printf("exit status %d", WEXITSTATUS(status));
	return g_strdup("unknown status");
}
