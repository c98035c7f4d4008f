/* rules-words: which rules can match a text at all, found in one pass by Hyperscan. Layer: inspect. The only file that knows it.
 *
 * Whole rules are too large for Hyperscan: it takes minutes to compile them. The words that they cannot do without
 * (rules-needs.c) take it milliseconds, and a text in which none of a rule's words stands needs no try of that rule.
 * Without Hyperscan every rule is tried; the results are the same. */
#include "inspect/rules-private.h"

#ifdef HAVE_HYPERSCAN
#include <hs.h>
#include <string.h>

#include "base/log.h"

struct RuleWords {
	hs_database_t *database;
	Pool *scratch;     /* hs_scratch_t: one for each call under way */
	GPtrArray *users;  /* GArray * of guint: the rules of each word */
	guint8 *free;      /* for each rule: 0 where it needs a word, or all bits */
	guint rules;
};

typedef struct {
	const RuleWords *words;
	const guint8 *fields; /* for each rule */
	const bool *done;
	guint8 *open;
	guint8 bit;
} Scan;

static void *make_scratch(void *context)
{
	const RuleWords *words = context;
	hs_scratch_t *scratch = NULL;
	return hs_alloc_scratch(words->database, &scratch) == HS_SUCCESS ? scratch : NULL;
}

static void free_scratch(gpointer scratch)
{
	hs_free_scratch(scratch);
}

/* Collects the words of all rules; texts receives them, words->users who needs each. */
static void collect(RuleWords *words, const GPtrArray *rules, GPtrArray *texts)
{
	g_autoptr(GHashTable) known = g_hash_table_new(g_str_hash, g_str_equal); /* word -> its number + 1 */
	for (guint i = 0; i < rules->len; i++) {
		const Rule *rule = g_ptr_array_index(rules, i);
		g_autoptr(GPtrArray) needs = needs_of(rule->pattern);
		words->free[i] = needs ? 0 : 0xff;
		for (guint j = 0; needs && j < needs->len; j++) {
			const char *need = g_ptr_array_index(needs, j);
			guint number = GPOINTER_TO_UINT(g_hash_table_lookup(known, need));
			if (number == 0) {
				g_ptr_array_add(texts, g_strdup(need));
				g_ptr_array_add(words->users, g_array_new(FALSE, FALSE, sizeof(guint)));
				number = texts->len;
				g_hash_table_insert(known, g_ptr_array_index(texts, number - 1), GUINT_TO_POINTER(number));
			}
			g_array_append_val((GArray *)g_ptr_array_index(words->users, number - 1), i);
		}
	}
}

static bool compile(RuleWords *words, const GPtrArray *texts)
{
	g_autofree unsigned *flags = g_new(unsigned, texts->len);
	g_autofree unsigned *ids = g_new(unsigned, texts->len);
	g_autofree size_t *lengths = g_new(size_t, texts->len);
	hs_compile_error_t *error = NULL;
	for (guint i = 0; i < texts->len; i++) {
		flags[i] = HS_FLAG_CASELESS | HS_FLAG_SINGLEMATCH;
		ids[i] = i;
		lengths[i] = strlen(g_ptr_array_index(texts, i));
	}
	if (hs_compile_lit_multi((const char *const *)texts->pdata, flags, ids, lengths, texts->len, HS_MODE_BLOCK, NULL,
	        &words->database, &error) == HS_SUCCESS)
		return true;
	log_warning("Hyperscan does not take the rules' words, every rule is tried on every mail: %s",
	    error ? error->message : "unknown error");
	hs_free_compile_error(error);
	return false;
}

RuleWords *rule_words_new(const GPtrArray *rules)
{
	g_autoptr(GPtrArray) texts = g_ptr_array_new_with_free_func(g_free);
	RuleWords *words = g_new0(RuleWords, 1);
	words->users = g_ptr_array_new_with_free_func((GDestroyNotify)g_array_unref);
	words->free = g_new0(guint8, rules->len + 1);
	words->rules = rules->len;
	/* The processor may lack what this build of Hyperscan wants. */
	if (hs_valid_platform() == HS_SUCCESS)
		collect(words, rules, texts);
	if (texts->len > 0 && compile(words, texts)) {
		words->scratch = pool_new(make_scratch, words, free_scratch);
		return words;
	}
	rule_words_free(words);
	return NULL;
}

void rule_words_free(RuleWords *words)
{
	if (!words)
		return;
	pool_free(words->scratch);
	hs_free_database(words->database);
	g_ptr_array_unref(words->users);
	g_free(words->free);
	g_free(words);
}

static int on_word(unsigned id, unsigned long long from, unsigned long long to, unsigned flags, void *context)
{
	Scan *scan = context;
	const GArray *users = g_ptr_array_index(scan->words->users, id);
	(void)from;
	(void)to;
	(void)flags;
	for (guint i = 0; i < users->len; i++) {
		guint rule = g_array_index(users, guint, i);
		if (!scan->done[rule])
			scan->open[rule] |= scan->fields[rule] & scan->bit;
	}
	return 0;
}

void rule_words_begin(const RuleWords *words, const guint8 *fields, guint8 *open)
{
	for (guint i = 0; i < words->rules; i++)
		open[i] = fields[i] & words->free[i];
}

void rule_words_open(const RuleWords *words, const char *text, gsize length, const guint8 *fields, const bool *done, guint8 *open,
                     guint8 bit)
{
	Scan scan = { words, fields, done, open, bit };
	hs_scratch_t *scratch = pool_take(words->scratch);
	bool scanned = scratch && hs_scan(words->database, text, (unsigned)length, 0, scratch, on_word, &scan) == HS_SUCCESS;
	if (scratch)
		pool_give(words->scratch, scratch);
	for (guint i = 0; i < words->rules && !scanned; i++)
		if (!done[i])
			open[i] |= fields[i] & bit;
}

#else

RuleWords *rule_words_new(const GPtrArray *rules)
{
	(void)rules;
	return NULL;
}

void rule_words_free(RuleWords *words)
{
	(void)words;
}

void rule_words_begin(const RuleWords *words G_GNUC_UNUSED, const guint8 *fields G_GNUC_UNUSED, guint8 *open G_GNUC_UNUSED)
{
}

void rule_words_open(const RuleWords *words G_GNUC_UNUSED, const char *text G_GNUC_UNUSED, gsize length G_GNUC_UNUSED,
                     const guint8 *fields G_GNUC_UNUSED, const bool *done G_GNUC_UNUSED, guint8 *open G_GNUC_UNUSED,
                     guint8 bit G_GNUC_UNUSED)
{
}

#endif
