/* outage-spf: answers one SPF question after another from standard input on standard output. Layer: program.
 *
 * It reads what strangers put into DNS with a library that may abort or worse. So it gives up beforehand whatever it does not
 * need, and its parent counts on nothing but a line within a time. */
#include <errno.h>
#include <glib.h>
#if __has_include(<linux/landlock.h>)
#include <linux/landlock.h>
#endif
#include <signal.h>
#include <spf2/spf_log.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/privileges.h"
#include "spf/check.h"
#include "spf/question.h"

#define FILES_MAX 32
#define MEMORY_MAX (256 * 1024 * 1024)

typedef struct {
	char *nameserver;
	gboolean version;
} Options;

static bool read_options(int argc, char **argv, Options *options)
{
	const GOptionEntry entries[] = {
		{ "nameserver", 0, 0, G_OPTION_ARG_STRING, &options->nameserver, "Name server to ask (the system's)", "ADDR" },
		{ "version", 0, 0, G_OPTION_ARG_NONE, &options->version, "Print the version", NULL },
		G_OPTION_ENTRY_NULL,
	};
	g_autoptr(GOptionContext) context = g_option_context_new("- checks SPF for outage-milter, which starts it");
	g_autoptr(GError) error = NULL;

	g_option_context_add_main_entries(context, entries, NULL);
	if (!g_option_context_parse(context, &argc, &argv, &error)) {
		fprintf(stderr, "outage-spf: %s (--help lists the options)\n", error->message);
		return false;
	}
	if (argc > 1) {
		fprintf(stderr, "outage-spf: unexpected argument \"%s\" (--help lists the options)\n", argv[1]);
		return false;
	}
	return true;
}

/* ---- giving up ---- */

static bool limit(int what, rlim_t value)
{
	const struct rlimit both = { value, value };

	return setrlimit((__rlimit_resource_t)what, &both) == 0;
}

static void close_inherited(void)
{
	struct rlimit files = { 0 };

#ifdef SYS_close_range
	if (syscall(SYS_close_range, 3u, ~0u, 0u) == 0)
		return;
#endif
	if (getrlimit(RLIMIT_NOFILE, &files) != 0)
		return;
	for (rlim_t fd = 3; fd < MIN(files.rlim_cur, 65536); fd++)
		(void)close((int)fd);
}

/* This process has the milter's user, and so might read the site secret or the milter's memory. Where the kernel has Landlock it
 * opens no file any more and traces nobody; where not, it is as safe as its user. False with errno where it cannot be applied. */
static bool close_file_system(void)
{
#if defined(LANDLOCK_ACCESS_FS_MAKE_SYM) && defined(SYS_landlock_create_ruleset)
	/* All that the first version knows: each later one takes that, too. */
	const struct landlock_ruleset_attr all = { .handled_access_fs = (LANDLOCK_ACCESS_FS_MAKE_SYM << 1) - 1 };
	long ruleset = syscall(SYS_landlock_create_ruleset, &all, sizeof(all.handled_access_fs), 0);
	bool closed;

	if (ruleset < 0)
		return errno == ENOSYS || errno == EOPNOTSUPP || errno == EPERM;
	closed = syscall(SYS_landlock_restrict_self, (int)ruleset, 0) == 0;
	(void)close((int)ruleset);
	return closed;
#else
	return true;
#endif
}

/* Gives up what answering does not need. False with errno where that cannot be done. parent: who started this process, from before
 * anything else was done, so that a parent which died meanwhile is noticed; one that died even before leaves its end of standard
 * input closed. */
static bool confine(pid_t parent)
{
	Privileges given_up;

	close_inherited();
	/* Without new privileges comes first: Landlock asks for it. */
	if (chdir("/") != 0 || prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) != 0 || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
		return false;
	if (getppid() != parent)
		_exit(0);
	/* A write beyond the limit shall fail and not kill: standard error may be a file. */
	(void)signal(SIGXFSZ, SIG_IGN);
	(void)signal(SIGPIPE, SIG_IGN);
	if (!limit(RLIMIT_CORE, 0) || !limit(RLIMIT_FSIZE, 0) || !limit(RLIMIT_NOFILE, FILES_MAX))
		return false;
	if (!PRIVILEGES_SANITIZED && (!limit(RLIMIT_AS, MEMORY_MAX) || !limit(RLIMIT_NPROC, 0) || !close_file_system()))
		return false;
	privileges_bound();
	given_up = privileges_give_up(PRIVILEGES_HELPER);
	/* A kernel may take no filter of system calls, and a build may lack the libraries; the rest every Linux does. */
	errno = EPERM;
	return given_up.no_new && (given_up.no_dump || PRIVILEGES_SANITIZED) && (given_up.no_capability || !PRIVILEGES_DROPS_CAPABILITIES);
}

/* ---- questions and answers ---- */

static bool write_all(const char *text)
{
	for (gsize left = strlen(text); left > 0;) {
		ssize_t done = write(STDOUT_FILENO, text, left);

		if (done < 0 && errno == EINTR)
			continue;
		if (done <= 0)
			return false;
		text += done;
		left -= (gsize)done;
	}
	return true;
}

/* Answers the question in line. False where it is none, or nobody takes the answer. */
static bool answer(SpfDns *dns, const char *line, gsize size)
{
	g_autoptr(GError) error = NULL;
	g_autofree char *reason = NULL, *reply = NULL;
	SpfQuestion question;
	guint64 serial;
	gint64 timeout;

	if (!spf_question_read(line, size, &question, &serial, &timeout, &error)) {
		fprintf(stderr, "outage-spf: %s\n", error->message);
		return false;
	}
	SpfAnswer found = spf_check(dns, &question, timeout, &reason);

	spf_question_clear(&question);
	reply = spf_answer_write(&found, serial, reason);
	return write_all(reply);
}

/* Returns the exit status. */
static int serve(SpfDns *dns)
{
	g_autoptr(GString) input = g_string_new(NULL);
	char chunk[SPF_LINE_MAX];

	for (;;) {
		const char *end;
		ssize_t got = read(STDIN_FILENO, chunk, sizeof(chunk));

		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			return got == 0 ? 0 : 1;
		g_string_append_len(input, chunk, got);
		while ((end = memchr(input->str, '\n', input->len)) != NULL) {
			gsize size = (gsize)(end - input->str);

			if (!answer(dns, input->str, size))
				return 1;
			g_string_erase(input, 0, (gssize)size + 1);
		}
		if (input->len > SPF_LINE_MAX) {
			fprintf(stderr, "outage-spf: a line is longer than %d bytes\n", SPF_LINE_MAX);
			return 1;
		}
	}
}

/* What libspf2 wants to tell about a policy is of no use to an operator, and a stranger wrote it. */
static void say_nothing(const char *file, int line, const char *text)
{
	(void)file, (void)line, (void)text;
}

int main(int argc, char **argv)
{
	pid_t parent = getppid();
	g_autoptr(GError) error = NULL;
	Options options = { 0 };
	SpfDns *dns;
	int status;

	if (!read_options(argc, argv, &options))
		return 2;
	if (options.version) {
		printf("outage-spf %s\n", PACKAGE_VERSION);
		return 0;
	}
	if (isatty(STDIN_FILENO)) {
		fprintf(stderr, "outage-spf: this is outage-milter's helper and is not started by hand\n");
		return 2;
	}
	/* Opens nothing, and what is wrong with its argument can still be told to a file. */
	dns = spf_dns_new(options.nameserver, &error);
	g_free(options.nameserver);
	if (dns == NULL) {
		fprintf(stderr, "outage-spf: %s\n", error->message);
		return 2;
	}
	if (!confine(parent)) {
		fprintf(stderr, "outage-spf: privileges cannot be given up: %s\n", g_strerror(errno));
		return 2;
	}
	SPF_warning_handler = SPF_info_handler = SPF_debug_handler = say_nothing;
	status = serve(dns);
	spf_dns_free(dns);
	return status;
}
