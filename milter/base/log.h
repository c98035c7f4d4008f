/* log: one line per event, to stderr, syslog or the journal. Layer: base.
 *
 * Three kinds of trouble are told apart (doc/architecture.md): trouble outside is log_warning and we go on; what stops
 * us is log_error and an exit by the caller; a bug of our own is log_bug, which never stops the daemon. Every line is
 * escaped as a whole here, so callers may pass what came from mail, DNS or Redis. */
#ifndef OUTAGE_BASE_LOG_H
#define OUTAGE_BASE_LOG_H

#include <glib.h>
#include <stdbool.h>

typedef enum { LOG_TO_AUTO, LOG_TO_STDERR, LOG_TO_SYSLOG } LogDestination;
typedef enum { LOG_LEVEL_ERROR, LOG_LEVEL_WARNING, LOG_LEVEL_INFO, LOG_LEVEL_DEBUG } LogLevel;

/* Opens the log. program: name for each line, not NULL, kept by pointer. AUTO is syslog unless stderr is the journal's
 * or a terminal. A line to the journal by way of stderr begins with its priority (sd-daemon(3)), so that levels survive. What GLib
 * and the libraries upon it complain of is a line of this log from then on. */
void log_open(const char *program, LogDestination destination, LogLevel level);

/* Changes the level alone (reload). */
void log_set_level(LogLevel level);

/* Whether each line is an object (log.format = "json") rather than text; any time. An event's pairs are its members, strings and numbers,
 * in the order given, behind "level" and "event"; any other line has "level" and "message". To stderr "time" (RFC 3339), "program"
 * and "pid" come first. */
void log_set_json(bool json);

/* The line is formatted, escaped (control characters and bytes that are not UTF-8 become \xNN) and written whole. */
void log_error(const char *format, ...) G_GNUC_PRINTF(1, 2);
void log_warning(const char *format, ...) G_GNUC_PRINTF(1, 2);
void log_info(const char *format, ...) G_GNUC_PRINTF(1, 2);
void log_debug(const char *format, ...) G_GNUC_PRINTF(1, 2);
void log_bug(const char *format, ...) G_GNUC_PRINTF(1, 2);

/* Writes `event=EVENT key=value ...` at info level. Arguments: pairs of key, value (const char *, a NULL value leaves the
 * pair out), then NULL. Values with a space, quote, '=' or control character are quoted and escaped. A key that begins with '#' (which is
 * not written) is that of a number: in JSON it is one, where the value reads as such. */
void log_event(const char *event, ...) G_GNUC_NULL_TERMINATED;

/* Returns text (may be NULL: "") with everything unprintable as \xNN; caller frees. At most max_bytes of text are used
 * (0 = all), cut on a character boundary. */
char *log_escape(const char *text, gsize max_bytes);

#endif
