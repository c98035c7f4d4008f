/* model: reads the weights and scores by them (see model.h; model-private.h has the file's form). Layer: inspect. Only
 * model_open reads a file. */
#include "inspect/model-private.h"

#include <glib/gstdio.h>
#include <math.h>
#include <string.h>

#include "base/clock.h"
#include "base/error.h"

/* Of the words that moved a text, so many are named. */
#define WORDS_NAMED 6
/* Nobody learns from more texts, and no model is older or newer than clocks count. */
#define TEXTS_MAX 100000000
#define STAMP_MAX 253402300799
/* Beyond these no learner goes; they keep every sum finite. */
#define UNIT_MAX 1e3
#define BASE_MAX 1e3

/* No model is larger; a log named by mistake is not read into memory. */
#define FILE_SIZE_MAX (1024 * 1024)

struct Model {
	gatomicrefcount refs;
	GBytes *bytes;
	const guint8 *table;
	guint bits;
	guint32 used, outage, other;
	gint64 stamp;
	double unit, base;
};

/* ---- the file ---- */

static guint32 get32(const guint8 *file, guint at)
{
	guint32 value;

	memcpy(&value, file + at, sizeof value);
	return GUINT32_FROM_LE(value);
}

static guint64 get64(const guint8 *file, guint at)
{
	guint64 value;

	memcpy(&value, file + at, sizeof value);
	return GUINT64_FROM_LE(value);
}

static double get_double(const guint8 *file, guint at)
{
	guint64 bits = get64(file, at);
	double value;

	memcpy(&value, &bits, sizeof value);
	return value;
}

static bool wrong(GError **error, const char *name, const char *what)
{
	g_set_error(error, OUTAGE_ERROR, OUTAGE_ERROR_INVALID, "%s: %s", name, what);
	return false;
}

static guint count_used(const Model *model)
{
	guint used = 0;

	for (gsize i = 0; i < (gsize)1 << model->bits; i++)
		used += model->table[i * MODEL_PLACE] != 0 || model->table[i * MODEL_PLACE + 1] != 0;
	return used;
}

/* What the header says, and whether it can be so. The checksum comes before all that only a bug of the writer could get wrong. */
static bool read_file(Model *model, const guint8 *file, gsize size, const char *name, GError **error)
{
	g_autofree guint8 *digest = NULL;

	if (size < strlen(MODEL_MAGIC) || memcmp(file, MODEL_MAGIC, strlen(MODEL_MAGIC)) != 0)
		return wrong(error, name, "this is no model file");
	if (size < MODEL_AT_TABLE)
		return wrong(error, name, "the model is cut short");
	if (get32(file, MODEL_AT_VERSION) != MODEL_VERSION || get32(file, MODEL_AT_FEATURES) != FEATURES_VERSION)
		return wrong(error, name, "the model is of another version: train it anew with `outagectl learn`");
	model->bits = get32(file, MODEL_AT_BITS);
	if (model->bits < MODEL_BITS_MIN || model->bits > MODEL_BITS_MAX)
		return wrong(error, name, "the model is damaged: no table has that size");
	if (size - MODEL_AT_TABLE != (gsize)MODEL_PLACE << model->bits)
		return wrong(error, name,
		    size - MODEL_AT_TABLE < (gsize)MODEL_PLACE << model->bits ? "the model is cut short" : "the model is damaged: it is too long");
	digest = model_checksum(file, size);
	if (memcmp(digest, file + MODEL_AT_CHECKSUM, MODEL_AT_TABLE - MODEL_AT_CHECKSUM) != 0)
		return wrong(error, name, "the model is damaged: its checksum is another");
	model->table = file + MODEL_AT_TABLE;
	model->used = get32(file, MODEL_AT_USED);
	model->outage = get32(file, MODEL_AT_OUTAGE);
	model->other = get32(file, MODEL_AT_OTHER);
	model->stamp = (gint64)get64(file, MODEL_AT_STAMP);
	model->unit = get_double(file, MODEL_AT_UNIT);
	model->base = get_double(file, MODEL_AT_BASE);
	if (model->used != count_used(model) || model->outage > TEXTS_MAX || model->other > TEXTS_MAX || model->stamp < 0 ||
	    model->stamp > STAMP_MAX)
		return wrong(error, name, "the model is damaged: what it says of itself cannot be");
	if (!(model->unit > 0 && model->unit <= UNIT_MAX) || !(fabs(model->base) <= BASE_MAX))
		return wrong(error, name, "the model is damaged: its measures cannot be");
	return true;
}

Model *model_new(GBytes *bytes, const char *name, GError **error)
{
	g_autoptr(Model) model = g_new0(Model, 1);
	gsize size;
	const guint8 *file = g_bytes_get_data(bytes, &size);

	g_atomic_ref_count_init(&model->refs);
	model->bytes = g_bytes_ref(bytes);
	return read_file(model, file, size, name, error) ? g_steal_pointer(&model) : NULL;
}

Model *model_open(const char *path, GError **error)
{
	g_autoptr(GError) why = NULL;
	g_autoptr(GBytes) bytes = NULL;
	char *file;
	gsize size;
	GStatBuf info;

	/* Read, not mapped: a mapped file that somebody copies another one over would end the program at the next look at it. */
	if (g_stat(path, &info) == 0 && (info.st_size > FILE_SIZE_MAX || !S_ISREG(info.st_mode))) {
		g_set_error(error, OUTAGE_ERROR, OUTAGE_ERROR_INVALID, "%s: this is no model file: it is %s", path,
		    S_ISREG(info.st_mode) ? "too large" : "no plain file");
		return NULL;
	}
	if (!g_file_get_contents(path, &file, &size, &why)) {
		g_set_error_literal(error, OUTAGE_ERROR, OUTAGE_ERROR_SYSTEM, why->message);
		return NULL;
	}
	bytes = g_bytes_new_take(file, size);
	return model_new(bytes, path, error);
}

Model *model_ref(Model *model)
{
	g_atomic_ref_count_inc(&model->refs);
	return model;
}

void model_unref(Model *model)
{
	if (model == NULL || !g_atomic_ref_count_dec(&model->refs))
		return;
	g_bytes_unref(model->bytes);
	g_free(model);
}

char *model_describe(const Model *model)
{
	g_autofree char *stamp = clock_format(model->stamp);

	return g_strdup_printf("learned from %u texts of outage mail and %u of other mail, %s; %u weights", model->outage,
	    model->other, stamp, model->used);
}

/* ---- scoring ---- */

/* Returns the weight of a feature, 0 where it was never learned. */
static gint16 find_weight(const Model *model, guint64 hash)
{
	guint64 at = model_place(hash, model->bits), mask = ((guint64)1 << model->bits) - 1;
	guint16 check = model_check(hash), there;
	gint16 weight;

	for (guint probe = 0; probe < MODEL_PROBES; probe++, at = (at + 1) & mask) {
		const guint8 *place = model->table + at * MODEL_PLACE;

		memcpy(&there, place, sizeof there);
		if (GUINT16_FROM_LE(there) == check) {
			memcpy(&weight, place + sizeof there, sizeof weight);
			return GINT16_FROM_LE(weight);
		}
		if (there == 0)
			break;
	}
	return 0;
}

double model_norm(const Feature *all, guint count)
{
	double sum = 0;

	for (guint i = 0; i < count; i++)
		sum += model_share(all[i].kind) * model_share(all[i].kind);
	return sqrt(sum);
}

/* What moved the score: a word with all its pieces, or a pair. */
typedef struct {
	double moved;
	guint32 word;
	bool pair;
} Mover;

static int by_moved(gconstpointer a, gconstpointer b)
{
	const Mover *x = a, *y = b;
	double left = fabs(x->moved), right = fabs(y->moved);

	if (left != right)
		return left < right ? 1 : -1;
	return x->word != y->word ? (x->word > y->word) - (x->word < y->word) : (int)x->pair - (int)y->pair;
}

static char *mover_name(const Mover *mover, const FeatureWord *words)
{
	const FeatureWord *word = &words[mover->word], *before = mover->pair ? &words[word->before] : NULL;
	g_autofree char *last = g_utf8_strdown(word->start, (gssize)word->length);
	g_autofree char *first = before != NULL ? g_utf8_strdown(before->start, (gssize)before->length) : NULL;

	return g_strconcat(mover->moved < 0 ? "-" : "", first != NULL ? first : "", first != NULL ? " " : "", last, NULL);
}

/* What a word moved, with its pieces, of which so many were learned. */
typedef struct {
	double moved;
	guint pieces, learned;
} Moved;

/* A word that the model never learned is not named, whatever its pieces weigh: it may be a secret. */
static bool may_be_named(const Model *model, const FeatureWord *word)
{
	return word->plain && find_weight(model, word->hash) != 0;
}

/* One unknown word of some thousands collides with a learned one; its pieces do not. */
static bool is_learned(const Moved *moved)
{
	return moved->learned * 2 >= moved->pieces;
}

static void name_movers(const Model *model, const Features *features, const gint16 *weights, GPtrArray *names)
{
	guint count, word_count;
	const Feature *all = features_all(features, &count);
	const FeatureWord *words = features_words(features, &word_count);
	g_autoptr(GArray) movers = g_array_new(FALSE, FALSE, sizeof(Mover));
	g_autofree Moved *moved = g_new0(Moved, word_count + 1);

	for (guint i = 0; i < count; i++) {
		double points = weights[i] * model_share(all[i].kind);
		const FeatureWord *word = &words[all[i].word];
		Mover pair = { .moved = points, .word = all[i].word, .pair = true };

		if (all[i].kind != FEATURE_PAIR)
			moved[all[i].word].moved += points;
		else if (points != 0 && may_be_named(model, word) && may_be_named(model, &words[word->before]))
			g_array_append_val(movers, pair);
		moved[all[i].word].pieces += all[i].kind == FEATURE_PIECE;
		moved[all[i].word].learned += all[i].kind == FEATURE_PIECE && points != 0;
	}
	for (guint32 i = 0; i < word_count; i++) {
		Mover mover = { .moved = moved[i].moved, .word = i };

		if (mover.moved != 0 && is_learned(&moved[i]) && may_be_named(model, &words[i]))
			g_array_append_val(movers, mover);
	}
	g_array_sort(movers, by_moved);
	for (guint i = 0; i < movers->len && i < WORDS_NAMED; i++)
		g_ptr_array_add(names, mover_name(&g_array_index(movers, Mover, i), words));
}

double model_score(const Model *model, const char *subject, const char *body, GPtrArray *words)
{
	g_autoptr(Features) features = features_new();
	const Feature *all;
	g_autofree gint16 *weights = NULL;
	guint count, found = 0;
	double sum = 0;

	features_read(features, subject, body);
	all = features_all(features, &count);
	weights = g_new(gint16, count + 1);
	for (guint i = 0; i < count; i++) {
		weights[i] = find_weight(model, all[i].hash);
		found += weights[i] != 0;
		sum += weights[i] * model_share(all[i].kind);
	}
	if (found == 0)
		return 0;
	if (words != NULL)
		name_movers(model, features, weights, words);
	return CLAMP(model->base + model->unit * sum / model_norm(all, count), -MODEL_POINTS_MAX, MODEL_POINTS_MAX);
}
