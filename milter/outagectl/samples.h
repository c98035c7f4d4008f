/* samples: mail to learn from and to be measured by: mbox files, maildirs, folders of single mails, tables. Layer: program. */
#ifndef OUTAGECTL_SAMPLES_H
#define OUTAGECTL_SAMPLES_H

#include <glib.h>
#include <stdbool.h>

#include "mail/message.h"

typedef enum { SAMPLE_OTHER = 0, SAMPLE_OUTAGE = 1, SAMPLE_UNKNOWN = -1 } SampleLabel;

/* One mail. All of it is the reader's, for the length of the call. */
typedef struct {
	const char *id;       /* its id in a table, else "FILE", "FILE:LINE" (table) or "FILE:NUMBER" (mbox, from 1) */
	const char *source;   /* where it comes from: an id up to its first '-', else the name of the file or, of single mails, the folder */
	const char *language; /* as the table says, or NULL */
	const char *escalate; /* comma list of the table, "-" none, "?" or NULL: nobody said */
	SampleLabel label;
	Message *message;     /* without envelope; of a table, Subject and a body of plain text */
} Sample;

typedef void (*SampleFunc)(const Sample *sample, gpointer data);

/* Reads every mail of path, in byte order of the names in a folder:
 *   - a table (NAME.tsv; or any file where `table` is set): a first line with the names of its columns, body and label (1 or 0), and
 *     if there id, lang, escalation, subject; others pass. UTF-8; \n, \t, \r and \\ stand for line end, tab, CR and backslash;
 *     a byte order mark in front is passed over
 *   - an mbox file (begins with "From "): a line that begins so after an empty one begins a mail; ">From " in it is "From " (mboxrd)
 *   - a maildir (a folder with cur or new): what lies in these
 *   - any other folder: what lies in it, to any depth, without hidden files and links
 *   - any other file: one mail; none where it is empty
 * label: what they are; of a table, and with SAMPLE_UNKNOWN, they say it themselves: by the label column, or by a folder or file
 * whose name up to the first '.' is "outage" or "other". body_limit: bytes kept of each body. Every mistake is appended to
 * mistakes (char *, "file:line: what is wrong") and the rest is still read. */
void samples_read(const char *path, SampleLabel label, bool table, gsize body_limit, SampleFunc func, gpointer data,
    GPtrArray *mistakes);

#endif
