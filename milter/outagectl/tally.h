/* tally: counts what would become of mail that came before the flip, and what did. Layer: program. Pure. */
#ifndef OUTAGECTL_TALLY_H
#define OUTAGECTL_TALLY_H

#include "inspect/verdict.h"

typedef struct {
	guint wanted;          /* people to be answered */
	guint answered;        /* people who have been answered for this incident: taken out of wanted by the caller */
	guint again;           /* more mail of the same people */
	guint elsewhere;       /* mail that belongs to another incident */
	guint reasons[REASONS]; /* mail left alone, by the first reason */
	guint given_up;    /* mail to an address that is no support address any more */
	guint shadow;          /* left alone because mode is shadow alone */
	guint unverified;      /* notes that this site has not signed; set by the caller */
	guint answers[CLAIM_AWAY + 1]; /* what the store said to claims; set by the caller */
	GHashTable *people;    /* senders seen: char *, owned */
} Tally;
Tally tally_new(void);
void tally_clear(Tally *tally);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Tally, tally_clear)

/* Counts one verdict; name: the incident that is declared. True where an answer is wanted, which is so once for a person. */
bool tally_add(Tally *tally, const Verdict *verdict, const char *name);

/* Returns "3 escalated, 1 unauthenticated", "" where nothing was left alone; caller frees. */
char *tally_left_alone(const Tally *tally);
/* Returns "12 queued, 1 answered already"; caller frees. */
char *tally_answers(const Tally *tally);

#endif
