/* own-words: how much a mail speaks of one certain incident (see own-words.h). Layer: inspect. Pure.
 *
 *     title       = one phrase
 *     components  = phrase *( ("," / ";" / LF) phrase )
 *     phrase      = its words: runs of letters and digits, at least WORD_MIN characters; shorter ones ("the", "is", "of") say nothing,
 *                   but for names in capitals ("API", "VPN"), which must stand alone, in a phrase that is not all capitals. Words of
 *                   scripts that write without spaces are looked for as they stand
 *
 * A phrase counts by the share of its words that the mail has; the best phrase counts. */
#include "inspect/own-words.h"

#include <string.h>

#include "inspect/normal.h"
#include "inspect/rules.h"

#define WORD_MIN 4   /* characters */
#define DENSE_MIN 2  /* where the script has no spaces */
#define NAME_MIN 3   /* of a name in capitals: "IT" and "US" are words of any mail */
#define WORDS_MAX 24 /* of one phrase */

typedef enum { WORD_SAYS_NOTHING, WORD_DENSE, WORD_LONG, WORD_ACRONYM } WordShape;

/* The mail in lower case. */
typedef struct {
	char *subject, *body;
} Lowered;

static bool is_word(gunichar c)
{
	return g_unichar_isalnum(c);
}

/* Han, kana: no spaces between words. */
static bool is_dense(gunichar c)
{
	GUnicodeScript script = g_unichar_get_script(c);

	return script == G_UNICODE_SCRIPT_HAN || script == G_UNICODE_SCRIPT_HIRAGANA || script == G_UNICODE_SCRIPT_KATAKANA;
}

/* Returns true where word stands in text, in scripts with spaces as a word of its own or as the beginning of one ("invoice", "invoices"); a name
 * in capitals only as a word of its own, or with an "s" behind it. */
static bool stands_in(const char *text, const char *word, WordShape shape)
{
	for (const char *at = strstr(text, word); at != NULL; at = strstr(at + 1, word)) {
		const char *behind = at + strlen(word);

		if (shape == WORD_DENSE)
			return true;
		if (at != text && is_word(g_utf8_get_char(g_utf8_prev_char(at))))
			continue;
		behind += shape == WORD_ACRONYM && *behind == 's';
		if (shape == WORD_LONG || !is_word(g_utf8_get_char(behind)))
			return true;
	}
	return false;
}

/* Returns what the word from start to end is, in a phrase that is not all capitals or is that word alone. */
static WordShape shape_of(const char *start, const char *end, bool names)
{
	glong characters = 0;
	bool dense = false, capitals = names, letter = false;

	for (const char *at = start; at < end; at = g_utf8_next_char(at), characters++) {
		gunichar c = g_utf8_get_char(at);

		dense |= is_dense(c);
		letter |= g_unichar_isupper(c);
		capitals &= g_unichar_isupper(c) || g_unichar_isdigit(c);
	}
	if (dense)
		return characters >= DENSE_MIN ? WORD_DENSE : WORD_SAYS_NOTHING;
	if (characters >= WORD_MIN)
		return WORD_LONG;
	return capitals && letter && characters >= NAME_MIN ? WORD_ACRONYM : WORD_SAYS_NOTHING;
}

/* Returns true where capitals stand out in the phrase: it has other letters too, or is but one word. */
static bool capitals_tell(const char *phrase, const char *end)
{
	bool lower = false, seen = false, several = false;

	for (const char *at = phrase; at < end; at = g_utf8_next_char(at)) {
		lower |= g_unichar_islower(g_utf8_get_char(at));
		several |= seen && is_word(g_utf8_get_char(at)) && !is_word(g_utf8_get_char(g_utf8_prev_char(at)));
		seen |= is_word(g_utf8_get_char(at));
	}
	return lower || !several;
}

/* Returns the share of the words of phrase (size bytes, folded) that the mail has, 0 where it has no words. */
static double share_of(const char *phrase, gsize size, const Lowered *mail)
{
	guint words = 0, found = 0;
	const char *end = phrase + size;
	bool names = capitals_tell(phrase, end);

	for (const char *at = phrase; at < end && words < WORDS_MAX;) {
		const char *start = at;
		WordShape shape;

		while (at < end && is_word(g_utf8_get_char(at)))
			at = g_utf8_next_char(at);
		shape = shape_of(start, at, names);
		if (shape != WORD_SAYS_NOTHING) {
			g_autofree char *word = g_utf8_strdown(start, at - start);

			words++;
			found += stands_in(mail->subject, word, shape) || stands_in(mail->body, word, shape);
		}
		if (at < end && at == start)
			at = g_utf8_next_char(at);
	}
	return words > 0 ? (double)found / words : 0;
}

/* Returns text folded; NULL for NULL. */
static char *folded(const char *text)
{
	gsize length;
	char *normal = text != NULL ? normal_text(text, &length) : NULL;

	return normal != NULL ? normal : g_strdup(text);
}

static double best_share(const Incident *incident, const char *subject, const char *body)
{
	g_autofree char *title = folded(incident->texts[TEXT_TITLE]);
	g_autofree char *components = folded(incident->texts[TEXT_COMPONENTS]);
	g_autofree char *low_subject = NULL, *low_body = NULL;
	Lowered mail;
	double best;

	if (title == NULL && components == NULL)
		return 0;
	mail.subject = low_subject = g_utf8_strdown(subject, -1);
	mail.body = low_body = g_utf8_strdown(body, -1);
	best = title != NULL ? share_of(title, strlen(title), &mail) : 0;
	for (const char *phrase = components; phrase != NULL && *phrase != '\0'; phrase += strspn(phrase, ",;\n")) {
		gsize size = strcspn(phrase, ",;\n");

		best = MAX(best, share_of(phrase, size, &mail));
		phrase += size;
	}
	return best;
}

double own_words_score(const Config *config, const Incident *incident, const char *subject, const char *body)
{
	double score = config->title_words > 0 ? config->title_words * best_share(incident, subject, body) : 0;

	if (incident->match != NULL && rules_pattern_matches(incident->match, subject, body))
		score += config->own_words;
	return score;
}

double own_words_most(const Config *config)
{
	return config->own_words + config->title_words;
}
