/* model-make: writes a model file (model-private.h has its form). Layer: inspect. Pure. */
#include "inspect/model-private.h"

#include <math.h>
#include <string.h>

#include "base/error.h"

/* A place holds 16 bits of weight. */
#define WEIGHT_MAX 32767
/* Weights below this share of the heaviest change no verdict. */
#define WEAKEST 1e-3
/* At most so much of the table is filled: a fuller one means longer looking. */
#define FILLED 0.8

static void put32(GByteArray *file, guint at, guint32 value)
{
	value = GUINT32_TO_LE(value);
	memcpy(file->data + at, &value, sizeof value);
}

static void put64(GByteArray *file, guint at, guint64 value)
{
	value = GUINT64_TO_LE(value);
	memcpy(file->data + at, &value, sizeof value);
}

static void put_double(GByteArray *file, guint at, double value)
{
	guint64 bits;

	memcpy(&bits, &value, sizeof bits);
	put64(file, at, bits);
}

/* Heaviest first, so that they get the best places and the weakest go where there are too many. */
static int by_weight(gconstpointer a, gconstpointer b)
{
	const ModelWeight *x = a, *y = b;
	double left = fabs(x->points), right = fabs(y->points);

	if (left != right)
		return left < right ? 1 : -1;
	return (x->hash > y->hash) - (x->hash < y->hash);
}

/* Returns false where there is no place near enough, or another feature of the same check holds it. */
static bool put_weight(guint8 *table, guint bits, guint64 hash, gint16 weight)
{
	guint64 at = model_place(hash, bits), mask = (1u << bits) - 1;
	guint16 check = GUINT16_TO_LE(model_check(hash)), there;

	for (guint probe = 0; probe < MODEL_PROBES; probe++, at = (at + 1) & mask) {
		guint8 *place = table + at * MODEL_PLACE;

		memcpy(&there, place, sizeof there);
		if (there == check)
			return false;
		if (there == 0) {
			weight = GINT16_TO_LE(weight);
			memcpy(place, &check, sizeof check);
			memcpy(place + sizeof check, &weight, sizeof weight);
			return true;
		}
	}
	return false;
}

static guint bits_for(guint count)
{
	guint bits = MODEL_BITS_MIN;

	while (bits < MODEL_BITS_MAX && count > FILLED * (1u << bits))
		bits++;
	return bits;
}

guint8 *model_checksum(const guint8 *file, gsize size)
{
	g_autoptr(GChecksum) sum = g_checksum_new(G_CHECKSUM_SHA256);
	gsize length = MODEL_AT_TABLE - MODEL_AT_CHECKSUM;
	guint8 *digest = g_malloc(length);

	g_checksum_update(sum, file, MODEL_AT_CHECKSUM);
	g_checksum_update(sum, file + MODEL_AT_TABLE, (gssize)(size - MODEL_AT_TABLE));
	g_checksum_get_digest(sum, digest, &length);
	return digest;
}

GBytes *model_make(const ModelParts *parts)
{
	GByteArray *file = g_byte_array_new();
	double heaviest, unit;
	guint count = 0, used = 0, bits;
	g_autofree guint8 *digest = NULL;

	qsort(parts->weights, parts->count, sizeof *parts->weights, by_weight);
	heaviest = parts->count > 0 ? fabs(parts->weights[0].points) : 0;
	unit = heaviest > 0 ? heaviest / WEIGHT_MAX : 1;
	while (count < parts->count && fabs(parts->weights[count].points) > WEAKEST * heaviest)
		count++;
	bits = bits_for(count);
	count = MIN(count, (guint)(FILLED * (1u << bits)));
	g_byte_array_set_size(file, MODEL_AT_TABLE + MODEL_PLACE * (1u << bits));
	memset(file->data, 0, file->len);
	for (guint i = 0; i < count; i++) {
		double steps = parts->weights[i].points / unit;

		used += put_weight(file->data + MODEL_AT_TABLE, bits, parts->weights[i].hash, (gint16)floor(steps + 0.5));
	}
	memcpy(file->data, MODEL_MAGIC, strlen(MODEL_MAGIC));
	put32(file, MODEL_AT_VERSION, MODEL_VERSION);
	put32(file, MODEL_AT_FEATURES, FEATURES_VERSION);
	put32(file, MODEL_AT_BITS, bits);
	put32(file, MODEL_AT_USED, used);
	put32(file, MODEL_AT_OUTAGE, parts->outage);
	put32(file, MODEL_AT_OTHER, parts->other);
	put64(file, MODEL_AT_STAMP, (guint64)parts->stamp);
	put_double(file, MODEL_AT_UNIT, unit);
	put_double(file, MODEL_AT_BASE, parts->base);
	digest = model_checksum(file->data, file->len);
	memcpy(file->data + MODEL_AT_CHECKSUM, digest, MODEL_AT_TABLE - MODEL_AT_CHECKSUM);
	return g_byte_array_free_to_bytes(file);
}
