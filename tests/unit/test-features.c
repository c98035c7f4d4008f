/* test-features: what of a text the model looks at. Learning and scoring hang on it, on every machine alike. Layer: tests. */
#include "inspect/features.h"

#include <string.h>

/* The words as they were found, "|" between them, "/" where a sentence ends; names as <...>. */
static char *words_of(const char *subject, const char *body)
{
	g_autoptr(Features) features = features_new();
	GString *out = g_string_new(NULL);
	const FeatureWord *words;
	guint count;

	features_read(features, subject, body);
	words = features_words(features, &count);
	for (guint i = 0; i < count; i++) {
		if (i > 0)
			g_string_append_c(out, words[i].before == FEATURES_NO_WORD ? '/' : '|');
		g_string_append_len(out, words[i].start, words[i].length);
	}
	return g_string_free(out, FALSE);
}

typedef struct {
	const char *name, *subject, *body, *words;
} WordSample;

static const WordSample word_samples[] = {
	{ "plain", "", "the site is down", "the|site|is|down" },
	{ "across-a-comma", "", "down, again (badly)", "down|again|badly" },
	{ "not-across-a-sentence", "", "It is down. Please help", "It|is|down/Please|help" },
	{ "across-a-wrapped-line", "", "It is\ndown", "It|is|down" },
	{ "not-across-an-empty-line", "", "Hello\n\nit fails", "Hello/it|fails" },
	{ "subject-is-a-sentence", "Outage", "now", "Outage/now" },
	{ "version-is-no-sentence", "", "since 2.4.1 it fails", "since|2|4|1|it|fails" },
	{ "contraction", "", "can't reach", "can't|reach" },
	{ "elision", "", "l'application plante", "l|application|plante" },
	{ "web-address", "", "see https://example.com/a?b=c for it", "see|https://example.com/a?b=c|for|it" },
	{ "www", "", "www.example.com is down", "www.example.com|is|down" },
	{ "mail-address", "", "write to jane.doe@example.com please", "write|to|jane.doe@example.com|please" },
	{ "mention", "", "@Acme_Help down?", "@Acme_Help|down" },
	{ "cyrillic", "", "\xd0\xbd\xd0\xb5\xd1\x82, \xd0\xb4\xd0\xb0", "\xd0\xbd\xd0\xb5\xd1\x82|\xd0\xb4\xd0\xb0" },
	{ "empty", "", "", "" },
	{ "nothing-but-marks", "", "?!... --- ***", "" },
};

static void test_words(gconstpointer data)
{
	const WordSample *sample = data;
	g_autofree char *words = words_of(sample->subject, sample->body);

	g_assert_cmpstr(words, ==, sample->words);
}

static GHashTable *hashes_of(const char *subject, const char *body)
{
	g_autoptr(Features) features = features_new();
	GHashTable *hashes = g_hash_table_new_full(g_int64_hash, g_int64_equal, g_free, NULL);
	const Feature *all;
	guint count;

	features_read(features, subject, body);
	all = features_all(features, &count);
	for (guint i = 0; i < count; i++)
		g_assert_true(g_hash_table_add(hashes, g_memdup2(&all[i].hash, sizeof all[i].hash)));
	return hashes;
}

static bool same(const char *subject_a, const char *a, const char *subject_b, const char *b)
{
	g_autoptr(GHashTable) left = hashes_of(subject_a, a), right = hashes_of(subject_b, b);
	GHashTableIter iter;
	gpointer hash;

	if (g_hash_table_size(left) != g_hash_table_size(right))
		return false;
	g_hash_table_iter_init(&iter, left);
	while (g_hash_table_iter_next(&iter, &hash, NULL))
		if (!g_hash_table_contains(right, hash))
			return false;
	return true;
}

static void test_what_counts_as_the_same(void)
{
	g_assert_true(same("", "The Site IS Down", "", "the site is down"));
	g_assert_true(same("", "down, again", "", "down again"));
	g_assert_true(same("", "order 48213", "", "order 90117"));
	g_assert_true(same("", "see http://a.example/x", "", "see https://b.example/y?z"));
	g_assert_true(same("", "ask joe@a.example", "", "ask ann@b.example"));
	g_assert_true(same("", "@acme down", "", "@apex down"));
	g_assert_false(same("", "down again", "", "down. again"));
	g_assert_false(same("", "down again", "", "again down"));
	g_assert_false(same("", "order 48213", "", "order 482"));
	g_assert_false(same("down", "", "", "down"));
}

/* A model file is of no use where these differ: whoever changes them counts FEATURES_VERSION up and makes the shipped model
 * anew. */
static void test_hashes_are_the_same_everywhere(void)
{
	static const char *const body = "Our site (http://x.example) isn't up since 9:15, "
					"\xe3\x82\xb5\xe3\x83\xbc\xe3\x83\x90\xe3\x83\xbc\xe3\x83\x80\xe3\x82\xa6\xe3\x83\xb3";
	g_autoptr(Features) features = features_new();
	const Feature *all;
	guint64 sum = 0;
	guint count;

	features_read(features, "Gro\xc3\x9f""e St\xc3\xb6rung", body);
	all = features_all(features, &count);
	for (guint i = 0; i < count; i++)
		sum = sum * 31 + all[i].hash;
	g_assert_cmpint(FEATURES_VERSION, ==, 1);
	g_assert_cmphex(sum, ==, 0x60845813054f69b9ULL);
}

static void test_ideographs_have_no_spaces(void)
{
	g_autoptr(Features) features = features_new();
	const FeatureWord *words;
	guint count;

	/* "cannot connect": 5 characters, 5 + 4 + 3 of one to three in a row. */
	features_read(features, "", "\xe6\x8e\xa5\xe7\xb6\x9a\xe3\x81\xa7\xe3\x81\x8d\xe3\x81\xaa");
	words = features_words(features, &count);
	g_assert_cmpuint(count, ==, 12);
	for (guint i = 0; i < count; i++) {
		g_assert_cmpuint(words[i].length % 3, ==, 0);
		g_assert_true(words[i].plain == (words[i].length > 3)); /* a single one is not worth naming */
	}
}

/* A mail of megabytes costs what its beginning costs, and one word without end is none. */
static void test_long_texts_are_bounded(void)
{
	g_autoptr(Features) features = features_new();
	g_autoptr(GString) text = g_string_new(NULL);
	guint count;

	for (guint i = 0; i < 100000; i++)
		g_string_append_printf(text, "word%c%c%c ", 'a' + i % 26, 'a' + i / 26 % 26, 'a' + i / 676 % 26);
	features_read(features, text->str, text->str);
	(void)features_words(features, &count);
	g_assert_cmpuint(count, ==, 200);
	g_string_truncate(text, 0);
	for (guint i = 0; i < 100000; i++)
		g_string_append_c(text, 'a');
	features_read(features, "", text->str);
	(void)features_words(features, &count);
	g_assert_cmpuint(count, ==, 0);
	/* And what was read before is forgotten. */
	features_read(features, "", "down");
	(void)features_words(features, &count);
	g_assert_cmpuint(count, ==, 1);
}

/* What the verdict may name: nothing that could be (a part of) a key, a password, a number, a name or an address. */
static void test_only_letters_are_plain(void)
{
	static const struct {
		const char *word;
		bool plain;
	} samples[] = {
		{ "down", true }, { "can't", true }, { "st\xc3\xb6rung", true }, { "abc123", false }, { "0815", false },
		{ "jane@example.com", false }, { "@jane", false }, { "https://example.com", false },
	};

	for (gsize i = 0; i < G_N_ELEMENTS(samples); i++) {
		g_autoptr(Features) features = features_new();
		const FeatureWord *words;
		guint count;

		features_read(features, "", samples[i].word);
		words = features_words(features, &count);
		g_assert_cmpuint(count, ==, 1);
		g_assert_true(words[0].plain == samples[i].plain);
	}
}

/* Keys, passwords and names are made of words and letters that are put together. */
static void test_only_what_stands_free_is_plain(void)
{
	static const struct {
		const char *text, *plain;
	} samples[] = {
		{ "the site is down", "the|site|is|down" }, { "Down! (really) \"down\", it's so.", "Down|really|down|it's|so" },
		{ "correct-horse-battery", "" }, { "my/secret+Ab=cd", "" }, { "sum!mer winter?", "winter" }, { "host.name down...", "down" },
		{ "my_pass word", "word" }, { "hunter@ x", "x" }, { "l'application ne", "l|application|ne" },
		{ "key:value, key: value", "key|value" }, { "pa$$word -down", "" },
	};

	for (gsize i = 0; i < G_N_ELEMENTS(samples); i++) {
		g_autoptr(Features) features = features_new();
		g_autoptr(GString) plain = g_string_new(NULL);
		const FeatureWord *words;
		guint count;

		features_read(features, "", samples[i].text);
		words = features_words(features, &count);
		for (guint word = 0; word < count; word++) {
			if (!words[word].plain)
				continue;
			g_string_append(plain, plain->len > 0 ? "|" : "");
			g_string_append_len(plain, words[word].start, words[word].length);
		}
		g_assert_cmpstr(plain->str, ==, samples[i].plain);
	}
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	for (gsize i = 0; i < G_N_ELEMENTS(word_samples); i++) {
		g_autofree char *path = g_strconcat("/features/words/", word_samples[i].name, NULL);

		g_test_add_data_func(path, &word_samples[i], test_words);
	}
	g_test_add_func("/features/what-counts-as-the-same", test_what_counts_as_the_same);
	g_test_add_func("/features/hashes-are-the-same-everywhere", test_hashes_are_the_same_everywhere);
	g_test_add_func("/features/ideographs-have-no-spaces", test_ideographs_have_no_spaces);
	g_test_add_func("/features/long-texts-are-bounded", test_long_texts_are_bounded);
	g_test_add_func("/features/only-letters-are-plain", test_only_letters_are_plain);
	g_test_add_func("/features/only-what-stands-free-is-plain", test_only_what_stands_free_is_plain);
	return g_test_run();
}
