/* test-model: the model file and the score: what is written is found again, and nothing damaged is believed. Layer: tests. */
#include "inspect/model-private.h"

#include <glib/gstdio.h>
#include <math.h>
#include <string.h>
#include <sys/stat.h>

#include "base/error.h"

/* The hash of the only word of a text, or of the pair of its two. */
static guint64 hash_of(const char *text, FeatureKind kind)
{
	g_autoptr(Features) features = features_new();
	const Feature *all;
	guint count;

	features_read(features, "", text);
	all = features_all(features, &count);
	for (guint i = 0; i < count; i++)
		if (all[i].kind == kind)
			return all[i].hash;
	g_assert_not_reached();
}

static GBytes *make_small(void)
{
	ModelWeight weights[] = {
		{ hash_of("down", FEATURE_WORD), 10 }, { hash_of("invoice", FEATURE_WORD), -8 }, { hash_of("still down", FEATURE_PAIR), 4 },
		{ hash_of("hunter2", FEATURE_WORD), 9 }, { hash_of("thanks", FEATURE_WORD), 0.0001 },
	};
	const ModelParts parts = {
		.weights = weights,
		.count = G_N_ELEMENTS(weights),
		.base = -0.5,
		.outage = 12,
		.other = 34,
		.stamp = 1763769600,
	};

	return model_make(&parts);
}

static Model *open_small(void)
{
	g_autoptr(GBytes) bytes = make_small();
	g_autoptr(GError) error = NULL;
	Model *model = model_new(bytes, "small", &error);

	g_assert_no_error(error);
	return model;
}

static void test_scores_by_its_weights(void)
{
	g_autoptr(Model) model = open_small();
	g_autofree char *description = model_describe(model);

	g_assert_cmpfloat(model_score(model, "", "down", NULL), >, 2);
	g_assert_cmpfloat(model_score(model, "", "invoice", NULL), <, -2);
	/* Nothing to judge: no text, or no word that was learned. The weakest weights were not worth a place. */
	g_assert_cmpfloat(model_score(model, "", "", NULL), ==, 0);
	g_assert_cmpfloat(model_score(model, "", "xylophone", NULL), ==, 0);
	g_assert_cmpfloat(model_score(model, "", "thanks", NULL), ==, 0);
	/* The more else is said, the less a word says. */
	g_assert_cmpfloat(model_score(model, "", "down", NULL), >, model_score(model, "", "the winter came down upon the wanderers", NULL));
	g_assert_nonnull(strstr(description, "12 texts of outage mail and 34 of other mail, 2025-11-22"));
	g_assert_nonnull(strstr(description, "4 weights"));
}

static void test_points_are_bounded(void)
{
	ModelWeight weights[] = { { hash_of("down", FEATURE_WORD), 900 }, { hash_of("invoice", FEATURE_WORD), -900 } };
	const ModelParts parts = { .weights = weights, .count = 2 };
	g_autoptr(GBytes) bytes = model_make(&parts);
	g_autoptr(Model) model = model_new(bytes, "steep", NULL);

	g_assert_nonnull(model);
	g_assert_cmpfloat(model_score(model, "", "down", NULL), ==, MODEL_POINTS_MAX);
	g_assert_cmpfloat(model_score(model, "", "invoice", NULL), ==, -MODEL_POINTS_MAX);
}

/* All that a text is taken for, each with the same weight, but for one word, one pair and the pieces of a third. */
static Model *open_learned(const char *text)
{
	g_autoptr(Features) features = features_new();
	g_autoptr(GBytes) bytes = NULL;
	ModelWeight weights[500];
	ModelParts parts = { .weights = weights };
	const Feature *all;

	features_read(features, "", text);
	all = features_all(features, &parts.count);
	g_assert_cmpuint(parts.count, <, G_N_ELEMENTS(weights) - 3);
	for (guint i = 0; i < parts.count; i++)
		weights[i] = (ModelWeight){ .hash = all[i].hash, .points = 1 };
	weights[parts.count++] = (ModelWeight){ hash_of("hunter2", FEATURE_WORD), 9 };
	weights[parts.count++] = (ModelWeight){ hash_of("xkqwzvbnmp", FEATURE_WORD), 9 };
	weights[parts.count++] = (ModelWeight){ hash_of("still zebra", FEATURE_PAIR), 9 };
	bytes = model_make(&parts);
	return model_new(bytes, "learned", NULL);
}

static char *names_of(const Model *model, const char *text)
{
	g_autoptr(GPtrArray) words = g_ptr_array_new_with_free_func(g_free);

	(void)model_score(model, "", text, words);
	g_ptr_array_add(words, NULL);
	return g_strjoinv("|", (char **)words->pdata);
}

static void test_names_the_words_that_moved_it(void)
{
	g_autoptr(Model) model = open_learned("still down the invoices");
	g_autofree char *names = names_of(model, "Still DOWN, invoices as ever");

	g_assert_true(g_str_has_prefix(names, "invoices|still|down|"));
	g_assert_nonnull(strstr(names, "|still down"));
}

/* What may be a secret is not named, whatever it weighs: with a digit in it; known by its hash alone, which may be another word's;
 * beside a known word; as a part of something longer. */
static void test_names_no_secret(void)
{
	static const char *const texts[] = { "hunter2", "xkqwzvbnmp", "still zebra", "still-down", "down/invoices", "Ab+down=x" };
	g_autoptr(Model) model = open_learned("still down the invoices");

	for (gsize i = 0; i < G_N_ELEMENTS(texts); i++) {
		g_autofree char *names = names_of(model, texts[i]);

		g_assert_cmpstr(names, ==, i == 2 ? "still" : "");
	}
}

static void test_same_parts_in_any_order_make_the_same_file(void)
{
	ModelWeight weights[200], turned[200];
	ModelParts parts = { .count = 200, .base = 1 };
	g_autoptr(GBytes) one = NULL, other = NULL;

	for (guint i = 0; i < 200; i++) {
		weights[i] = (ModelWeight){ .hash = (i + 1) * 0x9e3779b97f4a7c15ULL, .points = (double)(i % 10) - 4.5 };
		turned[199 - i] = weights[i];
	}
	parts.weights = weights;
	one = model_make(&parts);
	parts.weights = turned;
	other = model_make(&parts);
	g_assert_true(g_bytes_equal(one, other));
	g_assert_cmpuint(g_bytes_get_size(one), ==, MODEL_AT_TABLE + MODEL_PLACE * 256);
}

static void test_more_than_fits_keeps_the_heaviest(void)
{
	guint count = 1u << (MODEL_BITS_MAX + 1);
	g_autofree ModelWeight *weights = g_new(ModelWeight, count);
	const ModelParts parts = { .weights = weights, .count = count };
	g_autoptr(GBytes) bytes = NULL;
	g_autoptr(Model) model = NULL;

	for (guint i = 0; i < count; i++)
		weights[i] = (ModelWeight){ .hash = (i + 1) * 0x9e3779b97f4a7c15ULL, .points = 1 };
	weights[count - 1] = (ModelWeight){ .hash = hash_of("down", FEATURE_WORD), .points = 2 };
	bytes = model_make(&parts);
	g_assert_cmpuint(g_bytes_get_size(bytes), <=, 513 * 1024);
	model = model_new(bytes, "full", NULL);
	g_assert_nonnull(model);
	g_assert_cmpfloat(model_score(model, "", "down", NULL), >, 0);
}

/* ---- damaged files ---- */

typedef struct {
	const char *name;
	guint at;             /* this byte becomes another */
	guint8 value;
	bool sealed;          /* with a checksum that fits again */
	const char *wrong;
} Damage;

static const Damage damages[] = {
	{ "magic", 0, 'x', true, "no model file" },
	{ "version", MODEL_AT_VERSION, 9, true, "another version" },
	{ "features", MODEL_AT_FEATURES, 200, true, "another version" },
	{ "no-bits", MODEL_AT_BITS, 0, true, "no table has that size" },
	{ "all-bits", MODEL_AT_BITS, 255, true, "no table has that size" },
	{ "more-bits", MODEL_AT_BITS, 5, true, "cut short" },
	{ "base", MODEL_AT_BASE, 1, false, "checksum" },
	{ "checksum", MODEL_AT_CHECKSUM, 1, false, "checksum" },
	{ "weight", MODEL_AT_TABLE + 2, 77, false, "checksum" },
	{ "used", MODEL_AT_USED, 200, true, "what it says of itself" },
	{ "texts", MODEL_AT_OUTAGE + 3, 255, true, "what it says of itself" },
	{ "stamp", MODEL_AT_STAMP + 7, 255, true, "what it says of itself" },
	{ "stamp-far", MODEL_AT_STAMP + 6, 255, true, "what it says of itself" },
	{ "unit-negative", MODEL_AT_UNIT + 7, 0xbf, true, "measures" },
	{ "unit-huge", MODEL_AT_UNIT + 7, 0x7f, true, "measures" },
	{ "base-huge", MODEL_AT_BASE + 7, 0xff, true, "measures" },
};

static void refused(GBytes *bytes, const char *why)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(Model) model = model_new(bytes, "the-file", &error);

	g_assert_null(model);
	g_assert_error(error, OUTAGE_ERROR, OUTAGE_ERROR_INVALID);
	g_assert_true(g_str_has_prefix(error->message, "the-file: "));
	if (strstr(error->message, why) == NULL)
		g_error("\"%s\" does not say \"%s\"", error->message, why);
}

static void test_damaged(gconstpointer data)
{
	const Damage *damage = data;
	g_autoptr(GBytes) whole = make_small();
	gsize size;
	guint8 *file = g_memdup2(g_bytes_get_data(whole, &size), g_bytes_get_size(whole));
	g_autoptr(GBytes) bytes = NULL;

	g_assert_cmpuint(file[damage->at], !=, damage->value);
	file[damage->at] = damage->value;
	if (damage->sealed) {
		g_autofree guint8 *digest = model_checksum(file, size);

		memcpy(file + MODEL_AT_CHECKSUM, digest, MODEL_AT_TABLE - MODEL_AT_CHECKSUM);
	}
	bytes = g_bytes_new_take(file, size);
	refused(bytes, damage->wrong);
}

static void test_cut_or_long_is_refused(void)
{
	g_autoptr(GBytes) whole = make_small();
	gsize size;
	const guint8 *file = g_bytes_get_data(whole, &size);
	g_autofree guint8 *longer = g_malloc0(size + 1);
	g_autoptr(GBytes) more = NULL;

	for (gsize length = 0; length < size; length++) {
		g_autoptr(GBytes) cut = g_bytes_new(file, length);

		refused(cut, length < strlen(MODEL_MAGIC) ? "no model file" : "cut short");
	}
	memcpy(longer, file, size);
	more = g_bytes_new(longer, size + 1);
	refused(more, "too long");
}

/* A table without an empty place, as no learner writes it: looking for what is not there ends. */
static void test_full_table_ends_the_looking(void)
{
	g_autoptr(GBytes) whole = make_small();
	gsize size;
	guint8 *file = g_memdup2(g_bytes_get_data(whole, &size), g_bytes_get_size(whole));
	g_autofree guint8 *digest = NULL;
	g_autoptr(GBytes) bytes = NULL;
	g_autoptr(Model) model = NULL;

	memset(file + MODEL_AT_TABLE, 0x01, size - MODEL_AT_TABLE);
	file[MODEL_AT_USED] = 16;
	digest = model_checksum(file, size);
	memcpy(file + MODEL_AT_CHECKSUM, digest, MODEL_AT_TABLE - MODEL_AT_CHECKSUM);
	bytes = g_bytes_new_take(file, size);
	model = model_new(bytes, "full", NULL);
	g_assert_nonnull(model);
	g_assert_true(isfinite(model_score(model, "down", "the site is down", NULL)));
}

static void test_open_says_which_file(void)
{
	g_autoptr(GError) error = NULL;
	g_autofree char *dir = g_dir_make_tmp("model-XXXXXX", NULL);
	g_autofree char *path = g_build_filename(dir, "a.model", NULL);
	g_autoptr(GBytes) bytes = make_small();
	g_autoptr(Model) model = model_open(path, &error);

	g_assert_null(model);
	g_assert_error(error, OUTAGE_ERROR, OUTAGE_ERROR_SYSTEM);
	g_assert_nonnull(strstr(error->message, path));
	g_clear_error(&error);
	/* Nobody waits for the other end of a pipe. */
	g_assert_cmpint(mkfifo(path, 0600), ==, 0);
	g_assert_null(model_open(path, &error));
	g_assert_error(error, OUTAGE_ERROR, OUTAGE_ERROR_INVALID);
	g_assert_nonnull(strstr(error->message, "no plain file"));
	g_clear_error(&error);
	(void)g_unlink(path);
	g_assert_true(g_file_set_contents(path, "", 0, NULL));
	g_assert_null(model_open(path, &error));
	g_assert_error(error, OUTAGE_ERROR, OUTAGE_ERROR_INVALID);
	g_assert_nonnull(strstr(error->message, path));
	g_clear_error(&error);
	g_assert_true(g_file_set_contents(path, g_bytes_get_data(bytes, NULL), (gssize)g_bytes_get_size(bytes), NULL));
	model = model_open(path, NULL);
	g_assert_nonnull(model);
	g_assert_cmpfloat(model_score(model, "", "down", NULL), >, 2);
	(void)g_unlink(path);
	(void)g_rmdir(dir);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/model/scores-by-its-weights", test_scores_by_its_weights);
	g_test_add_func("/model/points-are-bounded", test_points_are_bounded);
	g_test_add_func("/model/names-the-words-that-moved-it", test_names_the_words_that_moved_it);
	g_test_add_func("/model/names-no-secret", test_names_no_secret);
	g_test_add_func("/model/same-parts-in-any-order-make-the-same-file", test_same_parts_in_any_order_make_the_same_file);
	g_test_add_func("/model/more-than-fits-keeps-the-heaviest", test_more_than_fits_keeps_the_heaviest);
	for (gsize i = 0; i < G_N_ELEMENTS(damages); i++) {
		g_autofree char *path = g_strconcat("/model/damaged/", damages[i].name, NULL);

		g_test_add_data_func(path, &damages[i], test_damaged);
	}
	g_test_add_func("/model/cut-or-long-is-refused", test_cut_or_long_is_refused);
	g_test_add_func("/model/full-table-ends-the-looking", test_full_table_ends_the_looking);
	g_test_add_func("/model/open-says-which-file", test_open_says_which_file);
	return g_test_run();
}
