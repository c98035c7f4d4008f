/* logline: one line of a log, as outage-milter or outage-replier wrote it, read back. Layer: program. Pure. base/log.h writes them. */
#ifndef OUTAGECTL_LOGLINE_H
#define OUTAGECTL_LOGLINE_H

#include <glib.h>

/* Bytes of a line that are read at all: a longer one is none of ours. */
#define LOGLINE_MAX 65536

typedef struct {
	char *time;           /* as the line has it, or NULL */
	char *program;        /* "outage-milter" or "outage-replier" */
	char *level;          /* "error", "warning", "info" or "debug" */
	char *event;          /* or NULL: a line without pairs */
	char *message;        /* what such a line says; NULL where there is an event */
	GPtrArray *pairs;     /* char *: key, value, key, value, ... in the line's order, without event */
} LogLine;
void logline_free(LogLine *line);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(LogLine, logline_free)

/* Returns what text (one line, without its end; any bytes) says, or NULL where neither program wrote it. Caller frees. */
LogLine *logline_parse(const char *text);

/* Returns the value of key (the first of that name), or NULL. Owned by line. */
const char *logline_get(const LogLine *line, const char *key);

#endif
