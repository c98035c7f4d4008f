/* sources: the mail that `learn` and `evaluate` are given on the command line. Layer: program. */
#ifndef OUTAGECTL_SOURCES_H
#define OUTAGECTL_SOURCES_H

#include <glib.h>
#include <stdbool.h>

#include "outagectl/samples.h"

typedef struct {
	char **outage, **other, **tables; /* paths, NULL-terminated; or NULL */
	guint mistakes;       /* after sources_read: that were told */
} Sources;

/* Two commands, the same options. */
#define SOURCES_OPTIONS(sources) \
	{ "outage", 0, 0, G_OPTION_ARG_FILENAME_ARRAY, &(sources)->outage, "Outage mail: mbox, maildir, folder or file", "PATH" }, \
	{ "other", 0, 0, G_OPTION_ARG_FILENAME_ARRAY, &(sources)->other, "Other mail, the same way", "PATH" }, \
	{ "tsv", 0, 0, G_OPTION_ARG_FILENAME_ARRAY, &(sources)->tables, "A table with the columns label and body", "FILE" }

/* Calls func for every mail of the options and of rest (NULL-terminated paths that say themselves what they are). Mistakes go to
 * stderr, and are counted. Returns false where no path was given at all. */
bool sources_read(Sources *sources, char **rest, gsize body_limit, SampleFunc func, gpointer data);

void sources_clear(Sources *sources);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Sources, sources_clear)

#endif
