/* privileges: see privileges.h. Layer: base. The only file that knows libcap-ng and libseccomp. */
#include "base/privileges.h"

#include <errno.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#ifdef HAVE_LIBCAP_NG
#include <cap-ng.h>
#endif
#ifdef HAVE_SECCOMP
#include <seccomp.h>
#endif

#include "base/log.h"

/* A list of what is denied rather than of what is allowed: libraries, resolvers and the site's own commands may come to use anything else with
 * their next version, and mail must not stop for that. What it denies with EPERM no mail program and no pager needs. */
#ifdef HAVE_SECCOMP
static const char *const denied_to_all[] = {
	/* file systems */
	"mount", "umount2", "umount", "pivot_root", "chroot", "move_mount", "open_tree", "fsopen", "fsconfig", "fsmount", "fspick",
	"mount_setattr", "swapon", "swapoff", "quotactl", "quotactl_fd", "nfsservctl", "open_by_handle_at", "fanotify_init",
	/* the kernel and the machine */
	"init_module", "finit_module", "delete_module", "create_module", "kexec_load", "kexec_file_load", "reboot", "iopl", "ioperm", "acct",
	"syslog", "vhangup", "sethostname", "setdomainname", "_sysctl", "lookup_dcookie",
	/* the clock */
	"settimeofday", "stime", "clock_settime", "clock_settime64", "clock_adjtime", "clock_adjtime64", "adjtimex",
	/* other namespaces, keys, and ways into the kernel that have been broken into before */
	"setns", "unshare", "keyctl", "add_key", "request_key", "bpf", "perf_event_open", "userfaultfd", "io_uring_setup", "io_uring_enter",
	"io_uring_register",
};
/* Other processes' memory. A sanitiser looks for leaks this way. */
static const char *const denied_but_to_sanitizers[] = { "ptrace", "process_vm_readv", "process_vm_writev", "process_madvise", "kcmp",
	"pidfd_getfd" };
static const char *const denied_to_helpers[] = { "execve", "execveat", "listen", "accept", "accept4", "kill", "tkill", "pidfd_send_signal",
	"mq_open", "shmget", "msgget", "semget" };

static guint deny(scmp_filter_ctx filter, const char *const *names, gsize count)
{
	guint denied = 0;

	for (gsize i = 0; i < count; i++) {
		int number = seccomp_syscall_resolve_name(names[i]);

		/* Negative: a name that this libseccomp, or this architecture, does not have. */
		if (number >= 0 && seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM), number, 0) == 0)
			denied++;
	}
	return denied;
}

static bool deny_family(scmp_filter_ctx filter, enum scmp_compare compare, int family)
{
	return seccomp_rule_add(filter, SCMP_ACT_ERRNO(EAFNOSUPPORT), SCMP_SYS(socket), 1, SCMP_A0_32(compare, (unsigned int)family)) == 0;
}

/* Sockets of any family but IP. libseccomp takes one condition on an argument, so those between the two are named one by one. */
static guint deny_families(scmp_filter_ctx filter)
{
	bool done = deny_family(filter, SCMP_CMP_LT, AF_INET) && deny_family(filter, SCMP_CMP_GT, AF_INET6);

	for (int family = AF_INET + 1; family < AF_INET6; family++)
		done &= deny_family(filter, SCMP_CMP_EQ, family);
	return done ? 1 : 0;
}

/* Returns how many system calls are denied from now on; 0 where the kernel takes no filter. */
static guint filter_calls(PrivilegesOf whom)
{
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);
	guint denied;

	if (filter == NULL)
		return 0;
	/* A program for another architecture would get round the list. */
	(void)seccomp_attr_set(filter, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_ERRNO(EPERM));
	denied = deny(filter, denied_to_all, G_N_ELEMENTS(denied_to_all));
	if (!PRIVILEGES_SANITIZED)
		denied += deny(filter, denied_but_to_sanitizers, G_N_ELEMENTS(denied_but_to_sanitizers));
	if (whom == PRIVILEGES_HELPER)
		denied += deny(filter, denied_to_helpers, G_N_ELEMENTS(denied_to_helpers)) + deny_families(filter);
	if (seccomp_load(filter) != 0)
		denied = 0;
	seccomp_release(filter);
	return denied;
}
#else
static guint filter_calls(PrivilegesOf whom)
{
	(void)whom;
	return 0;
}
#endif

void privileges_bound(void)
{
#ifdef HAVE_LIBCAP_NG
	if (geteuid() != 0)
		return;
	capng_clear(CAPNG_SELECT_BOUNDS);
	(void)capng_apply(CAPNG_SELECT_BOUNDS);
#endif
}

#ifdef HAVE_LIBCAP_NG
static void drop_capabilities(Privileges *left)
{
	capng_clear(CAPNG_SELECT_ALL);
	/* Not the bounds: an ordinary user may not touch them, and libcap-ng would stop there. */
	(void)capng_apply(CAPNG_SELECT_CAPS);
	(void)capng_apply(CAPNG_SELECT_AMBIENT);
	/* What counts is what is left, not what each step said of itself. */
	if (capng_get_caps_process() != 0)
		return;
	left->no_capability = capng_have_capabilities(CAPNG_SELECT_CAPS) == CAPNG_NONE;
	left->no_bound = capng_have_capabilities(CAPNG_SELECT_BOUNDS) == CAPNG_NONE;
}
#else
static void drop_capabilities(Privileges *left)
{
	(void)left;
}
#endif

Privileges privileges_give_up(PrivilegesOf whom)
{
	Privileges left = { .denied = 0 };

	drop_capabilities(&left);
	left.no_new = prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0;
	left.no_dump = !PRIVILEGES_SANITIZED && prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) == 0;
	if (left.no_new)
		left.denied = filter_calls(whom);
	return left;
}

char *privileges_missed_by(const char *program)
{
	/* They hand mail to Postfix's postdrop or Sendmail's sendmail, which is set-group-id. */
	static const char *const mailers[] = { "sendmail", "mail", "mailx", "bsd-mailx", "s-nail", "mutt", NULL };
	g_autofree char *path = g_find_program_in_path(program);
	g_autofree char *name = g_path_get_basename(program);
	struct stat st;

	if (g_strv_contains(mailers, name))
		return g_strdup_printf("%s hands mail over through a set-group-id program, and new privileges are not given; send it by SMTP", name);
	if (path != NULL && stat(path, &st) == 0 && (st.st_mode & (S_ISUID | S_ISGID)) != 0)
		return g_strdup_printf("%s is a set-user-id or set-group-id program, and new privileges are not given", path);
	return NULL;
}
