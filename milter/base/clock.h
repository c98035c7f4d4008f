/* clock: times as RFC 3339, durations such as 30m, the id of an incident. Layer: base.
 * All wall-clock times in this project are gint64 seconds since 1970-01-01T00:00:00Z; 0 means unset. */
#ifndef OUTAGE_BASE_CLOCK_H
#define OUTAGE_BASE_CLOCK_H

#include <glib.h>
#include <stdbool.h>

/* Returns now, in seconds since the epoch. */
gint64 clock_now(void);

/* Returns a time that never jumps, in microseconds; for deadlines. It begins anew with the machine and not with a process. */
gint64 clock_mono_us(void);

/* For tests: from now on clock_now is off by that many seconds (0 = right again), as after a jump of the wall clock. Any thread. */
void clock_set_for_test(gint64 offset_seconds);

/* Reads an RFC 3339 date-time (section 5.6; fraction allowed and dropped, 'T' and 'Z' in any case, a space for 'T').
 * Surrounding white space is ignored. Returns false, leaving *seconds alone, where text (may be NULL) is anything else. */
bool clock_parse(const char *text, gint64 *seconds);

/* Returns "2026-11-21T15:10:00Z"; caller frees. */
char *clock_format(gint64 seconds);

/* Returns "20261121T151000Z" (the time part of an incident's id); caller frees. */
char *clock_format_compact(gint64 seconds);

/* Reads the compact form at the start of text; returns false where it does not start with one. */
bool clock_parse_compact(const char *text, gint64 *seconds);

/* Reads a duration: one or more of NUMBER + ms|s|m|h|d|w, largest first by custom but in any order ("4h30m"), or "0".
 * A bare number other than 0 is refused: its unit would be a guess. Result in milliseconds. */
bool clock_parse_duration(const char *text, gint64 *milliseconds);

/* Returns the shortest such text, e.g. "90s" -> "1m30s", 0 -> "0"; caller frees. */
char *clock_format_duration(gint64 milliseconds);

#endif
