/* fuzz-model: no bytes are a model that breaks the milter, and no text breaks the scoring. An input is a model file (its
 * checksum is put right, or nothing behind it would ever be reached), or else a text for a model of our own: subject, NUL, body. */
#include <math.h>
#include <stdint.h>
#include <string.h>

#include "inspect/model-private.h"

static Model *own_model(void)
{
	ModelWeight weights[2000];
	const ModelParts parts = { .weights = weights, .count = G_N_ELEMENTS(weights) };
	for (guint i = 0; i < G_N_ELEMENTS(weights); i++)
		weights[i] = (ModelWeight){ .hash = (i + 1) * 0x9e3779b97f4a7c15ULL, .points = (double)(i % 19) - 9 };
	g_autoptr(GBytes) file = model_make(&parts);
	return model_new(file, "own", NULL);
}

static void check_points(const Model *model, const char *subject, const char *body)
{
	g_autoptr(GPtrArray) words = g_ptr_array_new_with_free_func(g_free);
	double points = model_score(model, subject, body, words);
	if (!(fabs(points) <= MODEL_POINTS_MAX) || words->len > 6)
		g_error("%g points, %u words", points, words->len);
	if (points != model_score(model, subject, body, NULL))
		g_error("asked for words, the points are others");
	for (guint i = 0; i < words->len; i++) {
		const char *word = g_ptr_array_index(words, i);
		if (!g_utf8_validate(word, -1, NULL))
			g_error("a word is cut");
		/* The marks are those that lower case leaves; of a text as normal_text leaves it there are none. */
		for (word += *word == '-'; *word != '\0'; word = g_utf8_next_char(word)) {
			gunichar c = g_utf8_get_char(word);
			if (!g_unichar_isalpha(c) && !g_unichar_ismark(c) && c != '\'' && c != ' ')
				g_error("U+%04X is named, which is no letter", c);
		}
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static Model *own;
	if (!own)
		own = own_model();

	g_autofree guint8 *file = g_memdup2(data, size > 0 ? size : 1);
	if (size >= MODEL_AT_TABLE) {
		g_autofree guint8 *digest = model_checksum(file, size);
		memcpy(file + MODEL_AT_CHECKSUM, digest, MODEL_AT_TABLE - MODEL_AT_CHECKSUM);
	}
	g_autoptr(GBytes) bytes = g_bytes_new_static(file, size);
	g_autoptr(GError) error = NULL;
	g_autoptr(Model) model = model_new(bytes, "fuzz", &error);
	if (model) {
		g_autofree char *said = model_describe(model);
		check_points(model, "Shop down", "The web shop is down, can't \xe6\x8e\xa5\xe7\xb6\x9a it @acme https://a.example/ since 9:15");
		return 0;
	}
	if (!error)
		g_error("refused without a word");

	g_autofree char *text = g_strndup((const char *)data, size);
	gsize subject_size = strlen(text);
	g_autofree char *rest = subject_size < size ? g_strndup((const char *)data + subject_size + 1, size - subject_size - 1) : g_strdup("");
	g_autofree char *subject = g_utf8_make_valid(text, -1);
	g_autofree char *body = g_utf8_make_valid(rest, -1);
	check_points(own, subject, body);
	return 0;
}
