/* learn-corpus: labelled texts as the learner sees them: ordered, without near-duplicates, features numbered (learn-private.h).
 * Layer: inspect. Pure. */
#include "inspect/learn-private.h"

#include <string.h>

#include "inspect/model-private.h"

/* A feature that occurs in fewer texts says more of a text than of what it is about. */
#define TEXTS_MIN 2

/* ---- numbers for hashes ---- */

typedef struct {
	GArray *hashes, *texts;  /* by id: guint64, guint32 (in how many texts) */
	guint32 *places;         /* id + 1, open addressing */
	gsize size;              /* a power of 2 */
} Numbers;

static void numbers_init(Numbers *numbers)
{
	numbers->hashes = g_array_new(FALSE, FALSE, sizeof(guint64));
	numbers->texts = g_array_new(FALSE, FALSE, sizeof(guint32));
	numbers->size = 1 << 16;
	numbers->places = g_new0(guint32, numbers->size);
}

static gsize find_place(const Numbers *numbers, guint64 hash)
{
	gsize at = (gsize)(hash >> 16) & (numbers->size - 1);

	while (numbers->places[at] != 0 && g_array_index(numbers->hashes, guint64, numbers->places[at] - 1) != hash)
		at = (at + 1) & (numbers->size - 1);
	return at;
}

static guint32 number_of(Numbers *numbers, guint64 hash)
{
	gsize at = find_place(numbers, hash);
	guint32 none = 0;

	if (numbers->places[at] != 0)
		return numbers->places[at] - 1;
	g_array_append_val(numbers->hashes, hash);
	g_array_append_val(numbers->texts, none);
	numbers->places[at] = numbers->hashes->len;
	if (numbers->hashes->len * 2 > numbers->size) {
		numbers->size *= 2;
		g_free(numbers->places);
		numbers->places = g_new0(guint32, numbers->size);
		for (guint32 id = 0; id < numbers->hashes->len; id++)
			numbers->places[find_place(numbers, g_array_index(numbers->hashes, guint64, id))] = id + 1;
	}
	return numbers->hashes->len - 1;
}

/* ---- texts ---- */

typedef struct {
	guint64 key;
	const LearnText *text;
} Keyed;

static int by_key(gconstpointer a, gconstpointer b)
{
	const Keyed *x = a, *y = b;

	if (x->key != y->key)
		return x->key < y->key ? -1 : 1;
	return (x->text->weight < y->text->weight) - (x->text->weight > y->text->weight);
}

static guint64 key_of(const LearnText *text)
{
	g_autoptr(GChecksum) sum = g_checksum_new(G_CHECKSUM_SHA256);
	guint8 digest[32];
	gsize length = sizeof digest;
	guint64 key = 0;

	/* With the zero bytes at their ends, so that no two pairs are one text. */
	g_checksum_update(sum, (const guchar *)text->subject, (gssize)strlen(text->subject) + 1);
	g_checksum_update(sum, (const guchar *)text->body, (gssize)strlen(text->body) + 1);
	g_checksum_update(sum, (const guchar *)(text->outage ? "1" : "0"), 1);
	g_checksum_get_digest(sum, digest, &length);
	for (guint i = 0; i < 8; i++)
		key = key << 8 | digest[i];
	return key;
}

static Keyed *keyed_texts(const GPtrArray *texts)
{
	Keyed *keyed = g_new(Keyed, texts->len + 1);

	for (guint i = 0; i < texts->len; i++) {
		keyed[i].text = g_ptr_array_index(texts, i);
		keyed[i].key = key_of(keyed[i].text);
	}
	qsort(keyed, texts->len, sizeof *keyed, by_key);
	return keyed;
}

static int by_hash(gconstpointer a, gconstpointer b)
{
	guint64 x = *(const guint64 *)a, y = *(const guint64 *)b;

	return (x > y) - (x < y);
}

/* The words and pairs of a text, by which it is compared to others. */
static GArray *set_of(const Feature *all, guint count)
{
	GArray *set = g_array_new(FALSE, FALSE, sizeof(guint64));

	for (guint i = 0; i < count; i++)
		if (all[i].kind != FEATURE_PIECE)
			g_array_append_val(set, all[i].hash);
	g_array_sort(set, by_hash);
	return set;
}

static void example_free(gpointer data)
{
	Example *example = data;

	g_free(example->ids);
	g_free(example->shares);
	g_free(example);
}

static Example *example_new(const Keyed *keyed, const Feature *all, guint count, Numbers *numbers)
{
	Example *example = g_new0(Example, 1);
	double norm = model_norm(all, count);

	example->key = keyed->key;
	example->outage = keyed->text->outage;
	example->weight = keyed->text->weight;
	example->ids = g_new(guint32, count);
	example->shares = g_new(float, count);
	for (; example->count < count; example->count++) {
		const Feature *feature = &all[example->count];

		example->ids[example->count] = number_of(numbers, feature->hash);
		example->shares[example->count] = (float)(model_share(feature->kind) / norm);
		g_array_index(numbers->texts, guint32, example->ids[example->count])++;
	}
	return example;
}

/* Takes the rare features out and numbers the others anew. */
static void drop_rare(Corpus *corpus, const Numbers *numbers)
{
	g_autofree guint32 *anew = g_new0(guint32, numbers->hashes->len + 1);

	corpus->hashes = g_new(guint64, numbers->hashes->len + 1);
	for (guint32 id = 0; id < numbers->hashes->len; id++) {
		if (g_array_index(numbers->texts, guint32, id) < TEXTS_MIN)
			continue;
		corpus->hashes[corpus->features++] = g_array_index(numbers->hashes, guint64, id);
		anew[id] = corpus->features;
	}
	for (guint i = 0; i < corpus->examples->len; i++) {
		Example *example = g_ptr_array_index(corpus->examples, i);
		guint kept = 0;

		for (guint f = 0; f < example->count; f++) {
			if (anew[example->ids[f]] == 0)
				continue;
			example->ids[kept] = anew[example->ids[f]] - 1;
			example->shares[kept++] = example->shares[f];
		}
		example->count = kept;
	}
}

Corpus *corpus_new(const GPtrArray *texts)
{
	Corpus *corpus = g_new0(Corpus, 1);
	g_autofree Keyed *keyed = keyed_texts(texts);
	g_autofree bool *gone = g_new(bool, texts->len + 1), *labels = g_new(bool, texts->len + 1);
	g_autoptr(GPtrArray) sets = g_ptr_array_new_with_free_func((GDestroyNotify)g_array_unref);
	g_autoptr(Features) features = features_new();
	const Feature *all;
	Numbers numbers;
	guint count;

	for (guint i = 0; i < texts->len; i++) {
		features_read(features, keyed[i].text->subject, keyed[i].text->body);
		all = features_all(features, &count);
		g_ptr_array_add(sets, set_of(all, count));
		labels[i] = keyed[i].text->outage;
	}
	corpus->alike = alike_find(sets, labels, gone);
	g_ptr_array_set_size(sets, 0);
	corpus->examples = g_ptr_array_new_with_free_func(example_free);
	numbers_init(&numbers);
	for (guint i = 0; i < texts->len; i++) {
		if (gone[i])
			continue;
		features_read(features, keyed[i].text->subject, keyed[i].text->body);
		all = features_all(features, &count);
		g_ptr_array_add(corpus->examples, example_new(&keyed[i], all, count, &numbers));
	}
	drop_rare(corpus, &numbers);
	g_array_unref(numbers.hashes);
	g_array_unref(numbers.texts);
	g_free(numbers.places);
	return corpus;
}

void corpus_free(Corpus *corpus)
{
	if (corpus == NULL)
		return;
	g_ptr_array_unref(corpus->examples);
	g_free(corpus->hashes);
	g_free(corpus);
}
