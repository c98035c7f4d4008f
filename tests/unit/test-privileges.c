/* test-privileges: what a daemon and its helper have given up is gone for good, for them and for whatever they start. */
#include "base/privileges.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/* A child ends with this where it found all as it has to be; else its message says on which line it did not. */
#define FINE 0
#define EXPECT(condition) \
	do { \
		if (!(condition)) { \
			g_printerr("# line %d: %s: %s\n", __LINE__, #condition, g_strerror(errno)); \
			_exit(1); \
		} \
	} while (0)

/* Runs check in a child that has given up its privileges; as root, the bounds too. */
static void in_child(PrivilegesOf whom, void (*check)(const Privileges *given_up))
{
	int status = -1;
	pid_t pid = fork();

	g_assert_cmpint(pid, >=, 0);
	if (pid == 0) {
		Privileges given_up;

		privileges_bound();
		given_up = privileges_give_up(whom);
		check(&given_up);
		_exit(FINE);
	}
	g_assert_cmpint(waitpid(pid, &status, 0), ==, pid);
	g_assert_true(WIFEXITED(status));
	g_assert_cmpint(WEXITSTATUS(status), ==, FINE);
}

#if defined(HAVE_SECCOMP) || defined(HAVE_LIBCAP_NG)
static bool denied(long result)
{
	return result == -1 && errno == EPERM;
}
#endif

/* The value of that line of /proc/self/status, or "". */
static char *status_of(const char *name)
{
	g_autofree char *text = NULL, *start = g_strdup_printf("\n%s:\t", name);
	const char *found;

	if (!g_file_get_contents("/proc/self/status", &text, NULL, NULL) || (found = strstr(text, start)) == NULL)
		return g_strdup("");
	found += strlen(start);
	return g_strndup(found, strcspn(found, "\n"));
}

static bool status_is(const char *name, const char *value)
{
	g_autofree char *is = status_of(name);

	return g_strcmp0(is, value) == 0;
}

/* What this build could do, it says that it has done, and the kernel says the same. */
static void check_status(const Privileges *given_up)
{
	EXPECT(given_up->no_new);
	EXPECT(status_is("NoNewPrivs", "1"));
	EXPECT(given_up->no_dump == !PRIVILEGES_SANITIZED);
	EXPECT(PRIVILEGES_SANITIZED || prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) == 0);
#ifdef HAVE_LIBCAP_NG
	static const char *const sets[] = { "CapInh", "CapPrm", "CapEff", "CapAmb", NULL };

	EXPECT(given_up->no_capability);
	for (gsize i = 0; sets[i] != NULL; i++)
		EXPECT(status_is(sets[i], "0000000000000000"));
	EXPECT(given_up->no_bound == status_is("CapBnd", "0000000000000000"));
	EXPECT(given_up->no_bound || geteuid() != 0);
#else
	EXPECT(!given_up->no_capability && !given_up->no_bound);
#endif
#ifdef HAVE_SECCOMP
	EXPECT(given_up->denied > 30);
	EXPECT(status_is("Seccomp", "2"));
#else
	EXPECT(given_up->denied == 0);
#endif
}

static void check_denied(const Privileges *given_up)
{
	/* A build with neither library takes nothing from root. With arguments that would do no harm, were they allowed, and that stand every
	 * check which the kernel makes before that of the privilege. */
	(void)given_up;
#if defined(HAVE_SECCOMP) || defined(HAVE_LIBCAP_NG)
	EXPECT(denied(mount("none", "/", "outage-nonexistent", 0, NULL)));
	EXPECT(denied(umount2("/proc/self", 0)));
	EXPECT(denied(syscall(SYS_reboot, 0, 0, 0, NULL)));
	EXPECT(denied(chroot("/")));
#ifdef SYS_settimeofday
	EXPECT(denied(syscall(SYS_settimeofday, NULL, NULL)));
#endif
#endif
#ifdef HAVE_SECCOMP
	EXPECT(denied(syscall(SYS_keyctl, -1, 0, 0, 0, 0)));
	EXPECT(denied(syscall(SYS_bpf, -1, NULL, 0)));
	EXPECT(denied(syscall(SYS_unshare, 0)));
	EXPECT(PRIVILEGES_SANITIZED || denied(ptrace(PTRACE_TRACEME, 0, NULL, NULL)));
#endif
}

/* What a mail program lives on goes on: files, sockets, threads, programs. */
static gpointer in_thread(gpointer data)
{
	return data;
}

static void check_allowed(const Privileges *given_up)
{
	g_autofree char *path = g_build_filename(g_get_tmp_dir(), "outage-privileges-XXXXXX", NULL);
	g_autofree char *output = NULL;
	int file = g_mkstemp(path), listening = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), status = -1;

	(void)given_up;
	EXPECT(file >= 0 && fchmod(file, 0660) == 0 && fchown(file, geteuid(), getegid()) == 0 && unlink(path) == 0);
	EXPECT(listening >= 0 && listen(listening, 1) == -1 && errno == EINVAL);
	EXPECT(g_thread_join(g_thread_new("thread", in_thread, GINT_TO_POINTER(1))) != NULL);
	EXPECT(g_spawn_command_line_sync("sh -c 'grep NoNewPrivs /proc/self/status; kill -0 $$'", &output, NULL, &status, NULL) && status == 0);
	EXPECT(g_str_has_suffix(output, "\t1\n"));
}

static void check_helper(const Privileges *given_up)
{
	char *argv[] = { (char *)"true", NULL };

	(void)given_up;
	EXPECT(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0) >= 0);
	EXPECT(socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0) >= 0 || errno == EAFNOSUPPORT);
#ifdef HAVE_SECCOMP
	EXPECT(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0) == -1 && errno == EAFNOSUPPORT);
	EXPECT(socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, 0) == -1 && errno == EAFNOSUPPORT);
	EXPECT(socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0) == -1 && errno == EAFNOSUPPORT);
	EXPECT(denied(execvp(argv[0], argv)));
	EXPECT(denied(kill(getppid(), 0)));
#endif
	/* A library that gives up has to be able to. */
	EXPECT(signal(SIGABRT, SIG_IGN) != SIG_ERR && raise(SIGABRT) == 0);
#ifndef HAVE_SECCOMP
	(void)argv;
#endif
}

static void test_status(void)
{
	in_child(PRIVILEGES_DAEMON, check_status);
	in_child(PRIVILEGES_HELPER, check_status);
}

static void test_denied(void)
{
	in_child(PRIVILEGES_DAEMON, check_denied);
	in_child(PRIVILEGES_HELPER, check_denied);
}

static void test_allowed(void)
{
	in_child(PRIVILEGES_DAEMON, check_allowed);
}

static void test_helper(void)
{
	in_child(PRIVILEGES_HELPER, check_helper);
}

/* An admin hears beforehand that a pager would do nothing. */
static void test_missed(void)
{
	static const struct {
		const char *program;
		const char *says; /* NULL: nothing */
	} cases[] = {
		{ "/usr/sbin/sendmail", "set-group-id" },
		{ "mail", "SMTP" },
		{ "/usr/local/bin/page-somebody", NULL },
		{ "sh", NULL },
	};
	g_autofree char *dir = g_dir_make_tmp("outage-privileges-XXXXXX", NULL);
	g_autofree char *become = g_build_filename(dir, "become", NULL);
	g_autofree char *found = NULL;

	for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
		g_autofree char *missed = privileges_missed_by(cases[i].program);

		if (cases[i].says != NULL)
			g_assert_nonnull(strstr(missed, cases[i].says));
		else
			g_assert_null(missed);
	}
	g_assert_true(g_file_set_contents(become, "#!/bin/sh\n", -1, NULL));
	g_assert_cmpint(chmod(become, 04755), ==, 0);
	found = privileges_missed_by(become);
	g_assert_nonnull(strstr(found, "set-user-id"));
	(void)unlink(become);
	(void)rmdir(dir);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/privileges/status", test_status);
	g_test_add_func("/privileges/denied", test_denied);
	g_test_add_func("/privileges/allowed", test_allowed);
	g_test_add_func("/privileges/helper", test_helper);
	g_test_add_func("/privileges/missed", test_missed);
	return g_test_run();
}
