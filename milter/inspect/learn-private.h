/* learn-private: what learn.c and its siblings share. Layer: inspect. */
#ifndef OUTAGE_INSPECT_LEARN_PRIVATE_H
#define OUTAGE_INSPECT_LEARN_PRIVATE_H

#include "inspect/learn.h"

/* One text as the learner sees it. */
typedef struct {
	guint64 key;          /* digest of the text and its label: the order of texts, and which part of a cross-validation it is in */
	bool outage;
	double weight;
	guint32 *ids;         /* of its features, in the order of the text; each counts share */
	float *shares;        /* of a vector of length 1 over all its features, those below too */
	guint count;          /* features that are not too rare to learn from */
} Example;

typedef struct {
	GPtrArray *examples;  /* Example *, by key, none nearly like another of its label */
	guint64 *hashes;      /* of the features, by id */
	guint features;
	guint alike;          /* near-duplicates left out */
} Corpus;

Corpus *corpus_new(const GPtrArray *texts);
void corpus_free(Corpus *corpus);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Corpus, corpus_free)

/* Keeps those of sets (GArray * of guint64, sorted, each once) that are not nearly the same as an earlier one that is kept.
 * labels: one for each set; only sets of the same label are alike. Returns how many go; gone (as long as sets) receives which.
 * learn-alike.c. */
guint alike_find(const GPtrArray *sets, const bool *labels, bool *gone);

typedef struct {
	double *weights;      /* by id */
	double base;
} Plane;

/* Learns a plane that divides the examples, those of part `without` left out (part of an example: key % parts; parts 0: none is
 * left out). learn-train.c. */
Plane *plane_new(const Corpus *corpus, guint parts, guint without);
void plane_free(Plane *plane);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Plane, plane_free)

/* On which side an example lies, and how far: above 0 is outage mail, 1 and -1 are the margins. */
double plane_side(const Plane *plane, const Example *example);

#endif
