/* compose-language: in which language a letter is written, and what becomes of texts in it that somebody wrote in another one. Layer:
 * reply. Pure. */
#include "reply/compose.h"

#include <string.h>

#include "reply/locale.h"

/* What the operators write: incident, playbook, updates, and what a notice was ordered to say. */
static const char *const operator_texts[] = { "text", "update", "title", "scope", "components", "workaround", "cause", "fix",
	"prevention", "contact" };

static bool is_set(const char *text)
{
	return text != NULL && *text != '\0';
}

const char *compose_language(const Config *config, const Templates *templates, const char *kind, const char *wanted,
    const SupportAddress *support)
{
	const char *candidates[] = { wanted, support != NULL ? support->language : NULL, config->language };
	for (gsize i = 0; i < G_N_ELEMENTS(candidates); i++)
		if (is_set(candidates[i]) && templates_have(templates, kind, candidates[i]))
			return templates_language(templates, kind, candidates[i]);
	return templates_language(templates, kind, NULL);
}

const char *compose_operator_language(const Config *config)
{
	return is_set(config->operator_language) ? config->operator_language : config->language;
}

/* Returns true where text is in a language: a telephone number is in none. */
static bool has_words(const char *text)
{
	for (const char *p = text != NULL ? text : ""; *p != '\0'; p = g_utf8_next_char(p))
		if (g_unichar_isalpha(g_utf8_get_char(p)))
			return true;
	return false;
}

/* Returns true where the letter would show a text in the operators' language. */
static bool shows_operator_text(const Templates *templates, const char *kind, const char *language, GHashTable *values)
{
	for (gsize i = 0; i < G_N_ELEMENTS(operator_texts); i++)
		if (has_words(g_hash_table_lookup(values, operator_texts[i])) && templates_show(templates, kind, language, operator_texts[i]))
			return true;
	/* Offers have a language of their own; compose_values has told whether it is the operators'. */
	return g_hash_table_contains(values, "texts_language") && templates_show(templates, kind, language, "offer");
}

const char *compose_mixed(const Config *config, const Templates *templates, const char *kind, const char *language, GHashTable *values)
{
	const char *theirs = compose_operator_language(config);
	bool mixed = !locale_same_language(theirs, language) && shows_operator_text(templates, kind, language, values);
	g_hash_table_remove(values, "texts_language");
	if (!mixed)
		return language;
	if (config->mixed == MIXED_FALLBACK && templates_have(templates, kind, theirs))
		return templates_language(templates, kind, theirs);
	g_hash_table_insert(values, (gpointer)"texts_language", locale_language_name(theirs, language));
	return language;
}
