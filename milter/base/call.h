/* call: runs a command of the site's (page.command, alarm.command): without a shell, in a process group of its own, bounded in time.
 * Layer: base. */
#ifndef OUTAGE_BASE_CALL_H
#define OUTAGE_BASE_CALL_H

#include <gio/gio.h>
#include <stdbool.h>

/* Runs argv with exactly that environment, standard input /dev/null, no other descriptor of ours, and waits for its end. The program is
 * looked for along our own PATH. After timeout_ms, or when cancel (may be NULL) is cancelled, it and whatever it has started in its process
 * group are killed. *output: the beginning of what it wrote to both outputs, as it was written; caller frees. Returns true where it ended
 * with status 0; else false with error: OUTAGE_ERROR_SYSTEM where it could not be started, OUTAGE_ERROR_UNAVAILABLE where it ended in
 * another way. limit: the setting that timeout_ms comes from, for the error. */
bool call_run(char *const *argv, char *const *environment, gint64 timeout_ms, const char *limit, GCancellable *cancel, char **output,
    GError **error);

/* An environment in the making: PATH, HOME and LANG of our own. Then its variables: value may be NULL or empty (then the variable is not
 * there), and has to be one line. call_environment_end returns it; caller frees with g_strfreev. */
GPtrArray *call_environment_new(void);
void call_environment_add(GPtrArray *environment, const char *name, const char *value);
char **call_environment_end(GPtrArray *environment);

/* Runs of one command that nobody waits for: at_once of them at a time, in the order in which they were added. command, limit: names of the
 * settings, for the log; kept by pointer. One thread adds and frees. */
typedef struct CallQueue CallQueue;
CallQueue *call_queue_new(const char *command, const char *limit, guint at_once);
/* finish: waits for what was added, each run for its timeout at most; else what runs is killed and what waits is not run, and the log says
 * so. NULL is fine. */
void call_queue_free(CallQueue *queue, bool finish);
/* How many wait for their turn. */
guint call_queue_waiting(const CallQueue *queue);
/* Adds one: argv is copied; environment (call_environment_end) and what (what it is for, for the log) are taken over. */
void call_queue_add(CallQueue *queue, char *const *argv, char **environment, gint64 timeout_ms, char *what);

#endif
