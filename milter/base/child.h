/* child: starting a program that gets nothing of ours but what it is given: three descriptors, an environment, the signals a program
 * expects. Layer: base.
 *
 * posix_spawn rather than GSubprocess: that one needs a main loop for a time limit, and cannot put its child into a process group
 * without running code of ours between fork and exec, which a program with threads had better not. */
#ifndef OUTAGE_BASE_CHILD_H
#define OUTAGE_BASE_CHILD_H

#include <signal.h>
#include <stdbool.h>
#include <sys/types.h>

/* All of it stays the caller's. */
typedef struct {
	char *const *argv;          /* up to NULL; [0] is the program's file */
	char *const *environment;   /* up to NULL */
	int input;                  /* its descriptor 0; -1: /dev/null */
	int output, errors;         /* 1 and 2; may be one, and input's */
	const sigset_t *blocked;    /* signals that stay blocked; NULL: none */
	bool in_path;               /* argv[0] is looked for in PATH where it holds no slash */
	bool own_group;             /* it leads a process group of its own */
} Child;

/* Starts it, with every signal at its default. Returns 0 and sets *pid, which the caller has to wait for; else an errno. */
int child_start(const Child *child, pid_t *pid);

#endif
