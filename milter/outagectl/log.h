/* log: entries of the history in words, and which of them belong to an incident. Layer: program. Pure. */
#ifndef OUTAGECTL_LOG_H
#define OUTAGECTL_LOG_H

#include "store/store.h"

/* Which entries are wanted; what is NULL or 0 asks nothing. */
typedef struct {
	const char *name;      /* of an incident: its own, and when all was paused and resumed while it was on */
	const char *id;        /* the same of this one alone; name is set, too */
	gint64 since, until;   /* seconds, both included */
	const char *by;        /* "jane" is jane@ any host; "outside" any outside hand */
	char *const *what;     /* kinds, or NULL */
	bool all;              /* also what machines do all day long (log_is_routine) */
} LogFilter;

/* What of the history has been read so far says of incidents: who is on under which id. */
typedef struct LogReader LogReader;
LogReader *log_reader_new(void);
void log_reader_free(LogReader *reader);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(LogReader, log_reader_free)

/* Takes the next event, in the order in which they happened; returns whether it is wanted. *name, *id (caller frees; NULL where there is
 * none): of the incident that it belongs to. */
bool log_reader_take(LogReader *reader, const LogFilter *filter, const StoreEvent *event, char **name, char **id);

/* Reads NAME, or ID, as it is given on a command line into name (caller frees); returns the id (a part of text) or NULL where it is none.
 * name is NULL where text is neither. */
const char *log_read_incident(const char *text, char **name);

/* Whether it is one of many that machines leave: a letter that came back, a customer who was answered. */
bool log_is_routine(const StoreEvent *event);
/* Whether no program of ours made it. */
bool log_is_outside(const StoreEvent *event);
/* What was done, in words, escaped; caller frees. */
char *log_phrase(const StoreEvent *event);

#endif
