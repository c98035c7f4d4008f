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

#endif
