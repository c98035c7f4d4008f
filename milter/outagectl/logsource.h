/* logsource: the lines of log files, of their rotated copies, and of the journal. Layer: program. */
#ifndef OUTAGECTL_LOGSOURCE_H
#define OUTAGECTL_LOGSOURCE_H

#include <glib.h>
#include <stdbool.h>

/* Is given each line, without its end; one longer than LOGLINE_MAX is passed over. */
typedef void (*LogVisit)(const char *line, gpointer data);

/* Returns the file and its rotated copies that are there (char *), the oldest first: FILE.9.gz ... FILE.1, FILE-20261121.gz ..., FILE. */
GPtrArray *logsource_copies(const char *path);

/* Reads a file, unpacking it where its name ends in .gz; "-" is standard input. False with error where it cannot be read; what was read
 * before has been visited. */
bool logsource_read(const char *path, LogVisit visit, gpointer data, GError **error);

/* Reads what both programs have left in the journal, by journalctl, which may take timeout_ms. program: NULL, or what to run instead (for
 * tests). False with error where that is not there, says that it failed, or takes longer. */
bool logsource_journal(const char *program, gint64 timeout_ms, LogVisit visit, gpointer data, GError **error);

#endif
