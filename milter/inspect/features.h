/* features: what of a text the model looks at: words, pairs of neighbouring words, and pieces of words, each as a 64-bit hash.
 * Layer: inspect. Pure. Learning (learn.c) and scoring (model.c) see a text through this alone. */
#ifndef OUTAGE_INSPECT_FEATURES_H
#define OUTAGE_INSPECT_FEATURES_H

#include <glib.h>
#include <stdbool.h>

/* Counts up with every change of what a text is taken for: a model of another number does not fit. */
#define FEATURES_VERSION 1

typedef enum {
	FEATURE_WORD,
	FEATURE_PAIR,  /* of a word and the one behind it */
	FEATURE_PIECE  /* letters in a row within a word */
} FeatureKind;

typedef struct {
	guint64 hash;
	guint32 word;         /* index of the word that it is, ends with (a pair) or lies in */
	guint8 kind;          /* FeatureKind */
} Feature;

typedef struct {
	guint64 hash;         /* of the word as a FEATURE_WORD */
	const char *start;    /* points into the text */
	guint32 length;       /* bytes */
	guint32 before;       /* index of the word in front of it, or FEATURES_NO_WORD where none is within the same sentence */
	bool plain;           /* of letters (and apostrophes) alone and standing free: no part of a key, a number, a name or an address */
} FeatureWord;

#define FEATURES_NO_WORD G_MAXUINT32

/* What was found in one text. To be reused for many: it keeps its memory. */
typedef struct Features Features;

Features *features_new(void);
void features_free(Features *features);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Features, features_free)

/* Reads subject and body (as normal_text leaves them) in place of what features held. Only the first 200 words count. */
void features_read(Features *features, const char *subject, const char *body);

/* What was read, each hash once, in the order of the text. Owned by features, until the next features_read. */
const Feature *features_all(const Features *features, guint *count);
const FeatureWord *features_words(const Features *features, guint *count);

#endif
