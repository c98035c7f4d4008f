/* child: see child.h. Layer: base. */
#include "base/child.h"

#include <fcntl.h>
#include <spawn.h>
#include <unistd.h>

/* Returns 0 or an errno. The order is of weight: where we ourselves run without 0, 1 or 2, our descriptors may have these numbers,
 * and in this order none is overwritten before it is copied, if the caller opened input before output before errors. */
static int fill_actions(posix_spawn_file_actions_t *actions, const Child *child)
{
	int output = child->output == child->input ? STDIN_FILENO : child->output;
	int errors = child->errors == child->output ? STDOUT_FILENO : child->errors;
	int failed = 0;

	if (child->input >= 0)
		failed = posix_spawn_file_actions_adddup2(actions, child->input, STDIN_FILENO);
	if (failed == 0)
		failed = posix_spawn_file_actions_adddup2(actions, output, STDOUT_FILENO);
	if (failed == 0)
		failed = posix_spawn_file_actions_adddup2(actions, errors, STDERR_FILENO);
	if (failed == 0 && child->input < 0)
		failed = posix_spawn_file_actions_addopen(actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
	/* libmilter and others open without close-on-exec: a child that holds an MTA's connection would keep it open for good. */
	if (failed == 0)
		failed = posix_spawn_file_actions_addclosefrom_np(actions, STDERR_FILENO + 1);
	return failed;
}

/* Returns 0 or an errno. Our own signals are blocked and SIGPIPE is ignored; another program expects neither. */
static int fill_attributes(posix_spawnattr_t *attributes, const Child *child)
{
	short flags = POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF;
	sigset_t all, none;
	int failed;

	sigfillset(&all);
	sigemptyset(&none);
	failed = posix_spawnattr_setsigdefault(attributes, &all);
	if (failed == 0)
		failed = posix_spawnattr_setsigmask(attributes, child->blocked != NULL ? child->blocked : &none);
	if (failed == 0 && child->own_group) {
		flags |= POSIX_SPAWN_SETPGROUP;
		failed = posix_spawnattr_setpgroup(attributes, 0);
	}
	if (failed == 0)
		failed = posix_spawnattr_setflags(attributes, flags);
	return failed;
}

int child_start(const Child *child, pid_t *pid)
{
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attributes;
	int failed = posix_spawn_file_actions_init(&actions);

	if (failed != 0)
		return failed;
	failed = posix_spawnattr_init(&attributes);
	if (failed == 0) {
		failed = fill_actions(&actions, child);
		if (failed == 0)
			failed = fill_attributes(&attributes, child);
		if (failed == 0)
			failed = (child->in_path ? posix_spawnp : posix_spawn)(pid, child->argv[0], &actions, &attributes, child->argv,
			    child->environment);
		(void)posix_spawnattr_destroy(&attributes);
	}
	(void)posix_spawn_file_actions_destroy(&actions);
	return failed;
}
