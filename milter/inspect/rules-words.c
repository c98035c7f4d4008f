/* rules-words: finds the words of all rules in one pass over a text (Hyperscan). Layer: inspect. The only file that knows it.
 *
 * Whole rules are too large for Hyperscan: it takes minutes to compile them. The words that they cannot do without
 * (rules-needs.c) take it milliseconds. Without Hyperscan every rule is tried wherever it can begin; the results are the same. */
#include "inspect/rules-private.h"

#ifdef HAVE_HYPERSCAN
#include <hs.h>
#include <string.h>

#include "base/log.h"

struct RuleWords {
	hs_database_t *database;
	Pool *scratch; /* hs_scratch_t: one for each call under way */
};

typedef struct {
	RuleWordFound found;
	void *context;
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

static bool compile(RuleWords *words, const GPtrArray *texts)
{
	g_autofree unsigned *flags = g_new(unsigned, texts->len);
	g_autofree unsigned *ids = g_new(unsigned, texts->len);
	g_autofree size_t *lengths = g_new(size_t, texts->len);
	hs_compile_error_t *error = NULL;
	for (guint i = 0; i < texts->len; i++) {
		flags[i] = HS_FLAG_CASELESS;
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

RuleWords *rule_words_new(const GPtrArray *texts)
{
	RuleWords *words = g_new0(RuleWords, 1);
	/* The processor may lack what this build of Hyperscan wants. */
	if (texts->len > 0 && hs_valid_platform() == HS_SUCCESS && compile(words, texts)) {
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
	g_free(words);
}

static int on_word(unsigned id, unsigned long long from, unsigned long long to, unsigned flags, void *context)
{
	const Scan *scan = context;
	(void)from;
	(void)flags;
	scan->found(id, (gsize)to, scan->context);
	return 0;
}

bool rule_words_find(const RuleWords *words, const char *text, gsize length, RuleWordFound found, void *context)
{
	Scan scan = { found, context };
	hs_scratch_t *scratch = length <= G_MAXUINT32 ? pool_take(words->scratch) : NULL;
	if (!scratch)
		return false;
	hs_error_t status = hs_scan(words->database, text, (unsigned)length, 0, scratch, on_word, &scan);
	pool_give(words->scratch, scratch);
	return status == HS_SUCCESS;
}

#else

RuleWords *rule_words_new(const GPtrArray *texts G_GNUC_UNUSED)
{
	return NULL;
}

void rule_words_free(RuleWords *words G_GNUC_UNUSED)
{
}

bool rule_words_find(const RuleWords *words G_GNUC_UNUSED, const char *text G_GNUC_UNUSED, gsize length G_GNUC_UNUSED,
                     RuleWordFound found G_GNUC_UNUSED, void *context G_GNUC_UNUSED)
{
	return false;
}

#endif
