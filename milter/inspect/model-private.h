/* model-private: the model file's form, which model.c reads and model-make.c writes. Layer: inspect. */
#ifndef OUTAGE_INSPECT_MODEL_PRIVATE_H
#define OUTAGE_INSPECT_MODEL_PRIVATE_H

#include "inspect/features.h"
#include "inspect/model.h"

/* The file, all numbers little-endian:
 *
 *   file     = header checksum table
 *   header   = magic version features bits used outage other stamp unit base
 *   magic    = "outage-m"                 8 bytes
 *   version  = u32, MODEL_VERSION         the form of this file
 *   features = u32, FEATURES_VERSION      what a text was taken for when it was learned
 *   bits     = u32, MODEL_BITS_MIN to MODEL_BITS_MAX
 *   used     = u32                        places of the table that hold a weight
 *   outage   = u32                        texts it learned from, of outage mail
 *   other    = u32                        and of other mail
 *   stamp    = u64                        when, seconds since 1970
 *   unit     = f64 (IEEE 754), above 0    points for a weight of 1 in a text of one feature
 *   base     = f64                        points of a text that speaks neither way
 *   checksum = 32 bytes                   SHA-256 of header and table
 *   table    = 2^bits times place
 *   place    = check weight               u16, i16; check 0: empty
 *
 * A feature's place is what the upper `bits` bits of its hash say, or one of the MODEL_PROBES - 1 behind it (from the end on at
 * the top) without an empty one between; it is known by `check`, the lower 16 bits of the hash, 1 for 0. So a feature that was
 * never learned weighs nothing, as good as always (collisions: 1 in 65536 for each place looked at). */
#define MODEL_MAGIC "outage-m"
#define MODEL_VERSION 1
#define MODEL_BITS_MIN 4
#define MODEL_BITS_MAX 17
#define MODEL_PROBES 64

enum {
	MODEL_AT_VERSION = 8,
	MODEL_AT_FEATURES = 12,
	MODEL_AT_BITS = 16,
	MODEL_AT_USED = 20,
	MODEL_AT_OUTAGE = 24,
	MODEL_AT_OTHER = 28,
	MODEL_AT_STAMP = 32,
	MODEL_AT_UNIT = 40,
	MODEL_AT_BASE = 48,
	MODEL_AT_CHECKSUM = 56,
	MODEL_AT_TABLE = 88,
	MODEL_PLACE = 4       /* bytes */
};

/* Points are kept within these. */
#define MODEL_POINTS_MAX 6.0

static inline guint64 model_place(guint64 hash, guint bits)
{
	return hash >> (64 - bits);
}

static inline guint16 model_check(guint64 hash)
{
	guint16 check = (guint16)hash;

	return check != 0 ? check : 1;
}

/* Returns the SHA-256 of header and table of a whole file (32 bytes); size: at least MODEL_AT_TABLE. Caller frees. */
guint8 *model_checksum(const guint8 *file, gsize size);

/* Returns what a feature of that kind counts in a text, beside others. */
static inline double model_share(FeatureKind kind)
{
	static const double shares[] = { [FEATURE_WORD] = 1, [FEATURE_PAIR] = 1.5, [FEATURE_PIECE] = 0.5 };

	return shares[kind];
}

/* Returns the length of a text as a vector of its features, each by its share; what its sum is divided by. 0 without any. */
double model_norm(const Feature *all, guint count);

typedef struct {
	guint64 hash;
	double points;        /* what it adds to a text of which it is the only feature */
} ModelWeight;

typedef struct {
	ModelWeight *weights; /* each hash once; will be sorted */
	guint count;
	double base;
	guint32 outage, other;
	gint64 stamp;
} ModelParts;

/* Returns a model file of these parts; the weakest weights are left out where there are too many. The same parts, in any order,
 * give the same bytes. Caller unrefs. */
GBytes *model_make(const ModelParts *parts);

#endif
