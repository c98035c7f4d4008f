/* call: runs page.command: without a shell, in a process group of its own, bounded in time. Layer: program. */
#ifndef OUTAGE_REPLIER_CALL_H
#define OUTAGE_REPLIER_CALL_H

#include <gio/gio.h>
#include <stdbool.h>

/* Runs argv with exactly that environment, standard input /dev/null, no other descriptor of ours, and waits for its end. The program is
 * looked for along our own PATH. After timeout_ms, or when cancel (may be NULL) is cancelled, it and whatever it has started in its process
 * group are killed. *output: the beginning of what it wrote to both outputs, as it was written; caller frees. Returns true where it ended
 * with status 0; else false with error: OUTAGE_ERROR_SYSTEM where it could not be started, OUTAGE_ERROR_UNAVAILABLE where it ended in
 * another way. */
bool call_run(char *const *argv, char *const *environment, gint64 timeout_ms, GCancellable *cancel, char **output, GError **error);

#endif
