/* explain: what a log says of one mail, found and put into words. Layer: program. Shared by cmd-explain.c and explain-*.c. */
#ifndef OUTAGECTL_EXPLAIN_H
#define OUTAGECTL_EXPLAIN_H

#include "inspect/answerable.h"
#include "outagectl/logline.h"

/* One decision, and what became of it. */
typedef struct {
	LogLine *decision;    /* event=message of the milter; NULL where only what came of it was found */
	char *queue_id;       /* or NULL */
	GPtrArray *after;     /* LogLine *: what either program said later of the same queue id, in order */
} Explained;
void explained_free(Explained *one);

/* The search. A line may be visited in any order of files; visiting twice is needed where a Message-ID is looked for and the replier's
 * lines came before the milter's (explain_wants_more). */
typedef struct ExplainSearch ExplainSearch;
/* id: a queue id, or a Message-ID with or without its angle brackets. */
ExplainSearch *explain_search_new(const char *id);
void explain_search_free(ExplainSearch *search);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ExplainSearch, explain_search_free)
/* For LogVisit; data: an ExplainSearch. */
void explain_visit(const char *text, gpointer data);
/* Returns true where queue ids were learned by the last reading that lines before may have named; forgets what was found, so that all is to
 * be visited again. */
bool explain_wants_more(ExplainSearch *search);
/* What was found (Explained *), the newest last; owned by the search. */
const GPtrArray *explain_found(const ExplainSearch *search);

/* Returns it in plain words, several lines, each ended; whatever comes from the log is escaped. Caller frees. */
char *explain_words(const Explained *one);

#endif
