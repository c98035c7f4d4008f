/* rulesbench: microseconds that rules (and model) take for texts of 4 KB and 32 KB, with and without Hyperscan, for the rules of a folder
 * and for ten times as many. Benchmarks only.
 *
 *     rulesbench --rules DIR --texts FILE.tsv|DIR [--model FILE] [--only SET] [--kind KIND] [--language TAG] [--size BYTES] [--rounds N]
 *
 * The texts are put together from the bodies of a corpus (conf/model/corpus), those of one language in one text, in three kinds:
 * "ordinary" holds none that reports an outage, "report" begins with one such and goes on with ordinary ones, as a letter with much
 * beside the point; "reports" takes all as they come, half of them reports, so that nearly every word that rules look for stands somewhere:
 * the worst case. The rules that are added are copies of those in the folder in which the letters of each word of three or more are
 * exchanged, vowels for vowels, kana for kana: of the same shape, other words. "eight" gives the copies to the eight languages in turn, "one" leaves them in their own. Rules for any language are not copied:
 * what they look for is numbers and the words of machines, of which there are no others.
 *
 * Prints one JSON object a line: rules, packs ("own", "eight", "one"), kind, size, hyperscan, us (the least of the rounds), model_us. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "inspect/model.h"
#include "inspect/normal.h"
#include "inspect/rules-private.h"

#define TIMES 10
#define TEXTS 16 /* of each size */

static struct {
	char *rules, *texts, *model, *only, *kind, *language;
	int rounds, size;
} options = { .rounds = 40 };

static const char *const kinds[] = { "ordinary", "report", "reports" };

/* The bodies of one language. */
typedef struct {
	GString *all, *ordinary;
	GPtrArray *reports; /* char *, of REPORT_MIN to REPORT_MAX bytes */
} Bodies;
#define REPORT_MIN 250
#define REPORT_MAX 800

static const gsize sizes[] = { 4096, 32768 };

/* Exchanges a letter for another of its kind. */
static char exchange(char letter, guint by)
{
	static const char vowels[] = "aeiou", consonants[] = "bcdfghjklmnprstvw";
	const char *kind = strchr(vowels, letter) ? vowels : consonants;
	const char *at = strchr(kind, letter);

	return at != NULL ? kind[((gsize)(at - kind) + by) % strlen(kind)] : letter;
}

/* Appends a character beyond ASCII, kana and Han exchanged for others of their kind; returns its bytes. */
static gsize append_exchanged(GString *out, const char *at, guint by)
{
	gunichar c = g_utf8_get_char(at);

	if (c >= 0x3042 && c <= 0x3093)
		c = 0x3042 + (c - 0x3042 + 7 * by) % (0x3093 - 0x3042 + 1);
	else if (c >= 0x30a2 && c <= 0x30f3)
		c = 0x30a2 + (c - 0x30a2 + 7 * by) % (0x30f3 - 0x30a2 + 1);
	else if (c >= 0x4e00 && c < 0x9f00)
		c = 0x4e00 + (c - 0x4e00 + 31 * by) % (0x9f00 - 0x4e00);
	g_string_append_unichar(out, c);
	return (gsize)g_utf8_skip[(guchar)*at];
}

/* Returns pattern with its words exchanged; classes, escapes and the kinds of groups stay. */
static char *other_words(const char *pattern, guint by)
{
	GString *out = g_string_new(NULL);

	for (const char *at = pattern; *at != '\0';) {
		gsize size = 1, letters = strspn(at, "abcdefghijklmnopqrstuvwxyz");

		if (*at == '\\')
			size = at[1] == 'p' || at[1] == 'P' || at[1] == 'x' ? strcspn(at, "}") + 1 : 2;
		else if (*at == '[')
			for (size = 2; at[size] != ']' && at[size] != '\0'; size++)
				size += at[size] == '\\';
		else if (at[0] == '(' && at[1] == '?')
			size = 2 + strcspn(at + 2, ":=!>|");
		if ((guchar)*at >= 0x80) {
			at += append_exchanged(out, at, by);
			continue;
		}
		if (letters >= 3) {
			for (gsize i = 0; i < letters; i++)
				g_string_append_c(out, exchange(at[i], by));
			at += letters;
			continue;
		}
		size = letters > 0 ? letters : strnlen(at, *at == '[' ? size + 1 : size);
		g_string_append_len(out, at, (gssize)size);
		at += size;
	}
	return g_string_free(out, FALSE);
}

static void add_copy(Rules *rules, const Rule *rule, guint copy, bool eight)
{
	static const char *const tags[] = { "en", "de", "fr", "es", "pt", "it", "nl", "ja" };
	g_autofree char *pattern = other_words(rule->pattern, copy);
	Regex *regex = regex_new(pattern, NULL);
	Rule *added;

	if (regex == NULL) {
		fprintf(stderr, "rulesbench: the copy of %s does not compile: %s\n", rule->name, pattern);
		exit(1);
	}
	added = g_new0(Rule, 1);
	*added = *rule;
	added->language = g_strdup(!eight ? rule->language : tags[copy % G_N_ELEMENTS(tags)]);
	added->pattern = g_steal_pointer(&pattern);
	added->place = g_strdup(rule->place);
	added->regex = regex;
	g_ptr_array_add(rules->all, added);
}

/* The rules of the folder and, where times is above 1, copies of those of a language. */
static Rules *read_rules(guint times, bool eight)
{
	g_autoptr(GPtrArray) mistakes = g_ptr_array_new_with_free_func(g_free);
	Rules *rules = rules_load(options.rules, mistakes);
	guint own = rules != NULL ? rules->all->len : 0;

	for (guint i = 0; i < mistakes->len; i++)
		fprintf(stderr, "%s\n", (const char *)g_ptr_array_index(mistakes, i));
	if (rules == NULL || mistakes->len > 0)
		exit(1);
	rules_unseal(rules);
	for (guint copy = 1; rules->all->len < own * times; copy++) {
		for (guint i = 0, before = rules->all->len; i < own && rules->all->len < own * times; i++) {
			const Rule *rule = g_ptr_array_index(rules->all, i);

			if (strcmp(rule->language, "*") != 0)
				add_copy(rules, rule, copy, eight);
			else if (i == own - 1 && rules->all->len == before) {
				fprintf(stderr, "rulesbench: no rule in %s is of a language\n", options.rules);
				exit(1);
			}
		}
	}
	rules_seal(rules);
	rules_warm(rules, NULL);
	return rules;
}

static Bodies *bodies_of(GHashTable *by_language, const char *language)
{
	Bodies *bodies = g_hash_table_lookup(by_language, language);

	if (bodies == NULL) {
		bodies = g_new0(Bodies, 1);
		bodies->all = g_string_new(NULL);
		bodies->ordinary = g_string_new(NULL);
		bodies->reports = g_ptr_array_new_with_free_func(g_free);
		g_hash_table_insert(by_language, g_strdup(language), bodies);
	}
	return bodies;
}

static void bodies_free(gpointer data)
{
	Bodies *bodies = data;

	g_string_free(bodies->all, TRUE);
	g_string_free(bodies->ordinary, TRUE);
	g_ptr_array_unref(bodies->reports);
	g_free(bodies);
}

/* Appends the bodies of a file (language, label, ..., body; "1": reports an outage) to those of their language. */
static void read_texts(const char *path, GHashTable *by_language)
{
	g_autofree char *content = NULL;

	if (!g_file_get_contents(path, &content, NULL, NULL))
		return;
	g_auto(GStrv) lines = g_strsplit(content, "\n", -1);
	for (char **line = lines[0] != NULL ? lines + 1 : lines; *line != NULL; line++) {
		g_auto(GStrv) columns = g_strsplit(*line, "\t", -1);
		guint count = g_strv_length(columns);
		g_autofree char *plain = count > 2 ? g_strcompress(columns[count - 1]) : NULL;
		gsize length;

		if (plain == NULL || !g_utf8_validate(plain, -1, NULL) || (options.language != NULL && strcmp(options.language, columns[0]) != 0))
			continue;
		g_autofree char *normal = normal_text(plain, &length);
		const char *text = normal != NULL ? normal : plain;
		Bodies *bodies = bodies_of(by_language, columns[0]);
		bool is_report = strcmp(columns[1], "1") == 0;

		g_string_append_printf(bodies->all, "%s\n\n", text);
		if (!is_report)
			g_string_append_printf(bodies->ordinary, "%s\n\n", text);
		else if (length >= REPORT_MIN && length <= REPORT_MAX)
			g_ptr_array_add(bodies->reports, g_strdup(text));
	}
}

/* Returns up to TEXTS texts (char *) of size bytes, taken from the languages in turn. */
static GPtrArray *make_texts(GHashTable *by_language, const char *kind, gsize size)
{
	GPtrArray *texts = g_ptr_array_new_with_free_func(g_free);
	g_autoptr(GList) languages = g_list_sort(g_hash_table_get_keys(by_language), (GCompareFunc)strcmp);

	for (guint n = 0; n < TEXTS; n++) {
		const Bodies *bodies = g_hash_table_lookup(by_language, g_list_nth_data(languages, n % g_list_length(languages)));
		guint turn = n / g_list_length(languages);
		const GString *text = strcmp(kind, "reports") == 0 || bodies->ordinary->len == 0 ? bodies->all : bodies->ordinary;
		GString *out = g_string_new(NULL);
		gsize from = turn * size % text->len, end = size;

		if (strcmp(kind, "report") == 0 && bodies->reports->len > 0)
			g_string_append_printf(out, "%s\n\n", (char *)bodies->reports->pdata[turn * 17 % bodies->reports->len]);
		while (((guchar)text->str[from] & 0xc0) == 0x80)
			from++;
		g_string_append(out, text->str + from);
		while (out->len < size)
			g_string_append(out, text->str);
		while (((guchar)out->str[end] & 0xc0) == 0x80)
			end--;
		g_string_truncate(out, end);
		g_ptr_array_add(texts, g_string_free(out, FALSE));
	}
	return texts;
}

static double cpu_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
	return (double)now.tv_sec * 1e6 + (double)now.tv_nsec / 1e3;
}

/* CPU time a text: the least of the rounds, because what disturbs one only adds to it. rules may be NULL: the model alone. */
static double measure(const Rules *rules, const Model *model, const GPtrArray *texts)
{
	double least = 0;

	for (int round = 0; round < options.rounds; round++) {
		double from = cpu_us(), took;

		for (guint i = 0; i < texts->len; i++) {
			const char *text = g_ptr_array_index(texts, i);

			if (rules != NULL)
				rules_result_free(rules_match(rules, "Subject", text));
			else
				(void)model_score(model, "Subject", text, NULL);
		}
		took = (cpu_us() - from) / texts->len;
		least = round == 0 ? took : MIN(least, took);
	}
	return least;
}

static void measure_texts(Rules *rules, const char *packs, guint times, const char *kind, const GPtrArray *texts, gsize size,
                          const Model *model)
{
	for (int words = 0; words < 2; words++) {
		if (words && ((const RulePack *)g_ptr_array_index(rules->packs, 0))->places == NULL)
			continue;
		rules_set_ways(rules, true, words);
		printf("{\"rules\": %u, \"times\": %u, \"packs\": \"%s\", \"kind\": \"%s\", \"size\": %" G_GSIZE_FORMAT
		       ", \"hyperscan\": %s, \"us\": %.1f", rules_count(rules), times, packs, kind, size, words ? "true" : "false",
		    measure(rules, NULL, texts));
		if (model != NULL)
			printf(", \"model_us\": %.1f", measure(NULL, model, texts));
		printf("}\n");
		fflush(stdout);
	}
}

static void measure_rules(const char *packs, guint times, bool eight, const Model *model, GHashTable *by_language)
{
	g_autoptr(Rules) rules = NULL;

	if (options.only != NULL && strcmp(options.only, packs) != 0)
		return;
	rules = read_rules(times, eight);
	for (guint k = 0; k < G_N_ELEMENTS(kinds); k++) {
		if (options.kind != NULL && strcmp(options.kind, kinds[k]) != 0)
			continue;
		for (guint i = 0; i < G_N_ELEMENTS(sizes); i++) {
			if (options.size != 0 && (gsize)options.size != sizes[i])
				continue;
			g_autoptr(GPtrArray) texts = make_texts(by_language, kinds[k], sizes[i]);
			measure_texts(rules, packs, times, kinds[k], texts, sizes[i], model);
		}
	}
}

static bool read_options(int *argc, char ***argv, GError **error)
{
	const GOptionEntry entries[] = {
		{ "rules", 'r', 0, G_OPTION_ARG_FILENAME, &options.rules, "folder of rules", "DIR" },
		{ "texts", 't', 0, G_OPTION_ARG_FILENAME, &options.texts, "folder of a corpus, or one of its files", "DIR" },
		{ "model", 'm', 0, G_OPTION_ARG_FILENAME, &options.model, "measured too", "FILE" },
		{ "only", 'o', 0, G_OPTION_ARG_STRING, &options.only, "one set: own, eight, one", "SET" },
		{ "kind", 'k', 0, G_OPTION_ARG_STRING, &options.kind, "one kind of texts: ordinary, report, reports", "KIND" },
		{ "language", 'l', 0, G_OPTION_ARG_STRING, &options.language, "texts of this language only", "TAG" },
		{ "size", 's', 0, G_OPTION_ARG_INT, &options.size, "texts of 4096 or 32768 bytes only", "BYTES" },
		{ "rounds", 'n', 0, G_OPTION_ARG_INT, &options.rounds, "of each measurement (40)", "N" },
		G_OPTION_ENTRY_NULL
	};
	g_autoptr(GOptionContext) context = g_option_context_new(NULL);

	g_option_context_add_main_entries(context, entries, NULL);
	if (!g_option_context_parse(context, argc, argv, error))
		return false;
	if (options.rules == NULL || options.texts == NULL || options.rounds < 1 || *argc != 1) {
		g_set_error(error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE, "see --help");
		return false;
	}
	return true;
}

int main(int argc, char **argv)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(Model) model = NULL;
	g_autoptr(GHashTable) by_language = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, bodies_free);

	if (!read_options(&argc, &argv, &error) || (options.model != NULL && (model = model_open(options.model, &error)) == NULL)) {
		fprintf(stderr, "rulesbench: %s\n", error->message);
		return 2;
	}
	g_autoptr(GDir) dir = g_dir_open(options.texts, 0, NULL);
	if (dir == NULL)
		read_texts(options.texts, by_language);
	for (const char *name = dir != NULL ? g_dir_read_name(dir) : NULL; name != NULL; name = g_dir_read_name(dir)) {
		g_autofree char *path = g_build_filename(options.texts, name, NULL);

		if (g_str_has_suffix(name, ".tsv"))
			read_texts(path, by_language);
	}
	if (g_hash_table_size(by_language) == 0) {
		fprintf(stderr, "rulesbench: no texts in %s\n", options.texts);
		return 2;
	}
	measure_rules("own", 1, false, model, by_language);
	measure_rules("eight", TIMES, true, NULL, by_language);
	measure_rules("one", TIMES, false, NULL, by_language);
	return 0;
}
