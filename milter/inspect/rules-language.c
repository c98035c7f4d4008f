/* rules-language: in which language a text is written, told by its most frequent small words. Layer: inspect.
 *
 * Meant for choosing rules and a template, so it rather says "und" than guess: short texts, languages it does not know and
 * near ties stay undecided. Japanese is told by its kana. */
#include "inspect/rules-private.h"

#include <string.h>

#define LOOK_AT_SUBJECT 512
#define LOOK_AT_BODY 1024
#define WORD_MAX 8   /* bytes of the longest stop word: a word is packed into one integer */
#define SLOTS 512    /* a power of two, more than twice the number of stop words */
#define HITS_MIN 2
#define KANA_MIN 3

enum { EN, DE, FR, ES, PT, IT, NL, LANGUAGES };

static const char *const tags[LANGUAGES] = { "en", "de", "fr", "es", "pt", "it", "nl" };

static const char *const stop_words[LANGUAGES] = {
	[EN] = "the and is are was were you your our we it its not this that with have has for from be been can please to of my they "
	       "when at in on but there what why any if do does will us i'm it's don't can't isn't how all i a as do no me so or by an just "
	       "up down",
	[DE] = "der die das und ist sind war nicht wir ich sie ein eine einen mit auf für den dem zu es bei seit auch unser unsere ihre "
	       "ihr haben hat kann wird bitte noch von im am um wie aber oder wenn mir uns nach mehr kein keine warum",
	[FR] = "le la les des et est nous vous pas une un que pour dans sur avec ne je notre votre ce cette du au aux qui sont mon mes "
	       "bonjour depuis plus mais ou si il elle à été c'est n'est j'ai nos vos",
	[ES] = "el la los las y es que de no nos una un por para con su del se está están pero como nuestro nuestra mi al lo hay muy "
	       "desde hola en más cuando qué puedo favor",
	[PT] = "o os as e é que não de uma um para com seu do da dos das em está estão por mas nosso nossa meu minha no na ao desde "
	       "muito favor olá mais quando você se foi são",
	[IT] = "il lo la gli le e è che non di una un per con del della dei sono nostro nostra mio si ma come questo da al nel anche "
	       "più buongiorno ho ci vi stato grazie alla",
	[NL] = "de het een en is niet wij we ik van op voor met dat zijn onze geen er aan ook maar kan u uw in te bij sinds dit wat "
	       "naar nog wel heb mijn om als door graag",
};

typedef struct {
	guint64 word;
	guint8 languages; /* bit per language */
} Slot;

typedef struct {
	guint hits[LANGUAGES];
	guint words;
	guint kana;
} Tally;

static gsize slot_of(guint64 word)
{
	return (gsize)((word * G_GUINT64_CONSTANT(0x9e3779b97f4a7c15)) >> 55) & (SLOTS - 1);
}

static guint64 pack(const char *bytes, gsize length)
{
	guint64 word = 0;
	memcpy(&word, bytes, MIN(length, sizeof word));
	return word;
}

static Slot *build_table(void)
{
	Slot *table = g_new0(Slot, SLOTS);
	for (int language = 0; language < LANGUAGES; language++) {
		g_auto(GStrv) words = g_strsplit(stop_words[language], " ", -1);
		for (char **word = words; *word; word++) {
			guint64 packed = pack(*word, strlen(*word));
			gsize at = slot_of(packed);
			while (table[at].word && table[at].word != packed)
				at = (at + 1) & (SLOTS - 1);
			table[at].word = packed;
			table[at].languages |= (guint8)(1u << language);
		}
	}
	return table;
}

static const Slot *stop_table(void)
{
	static gsize table = 0;
	if (g_once_init_enter(&table))
		g_once_init_leave(&table, (gsize)build_table());
	return (const Slot *)table;
}

static void count_word(const Slot *table, guint64 word, Tally *tally)
{
	tally->words++;
	for (gsize at = slot_of(word); table[at].word; at = (at + 1) & (SLOTS - 1)) {
		if (table[at].word != word)
			continue;
		for (int language = 0; language < LANGUAGES; language++)
			tally->hits[language] += (table[at].languages >> language) & 1;
		return;
	}
}

/* A word is ASCII letters, the apostrophe and any bytes above 0x7f except those of general punctuation (U+2000 to U+206F).
 * Case is folded for ASCII and Latin-1, which is all that the table needs. */
static void tally_text(const Slot *table, const char *text, gsize limit, Tally *tally)
{
	char word[WORD_MAX];
	gsize length = 0;
	guchar last = 0;
	for (gsize i = 0; i <= limit; i++) {
		guchar c = i < limit ? (guchar)text[i] : 0;
		if (!c)
			limit = i;
		if (c == 0xe3 && i + 1 < limit && (guchar)text[i + 1] >= 0x81 && (guchar)text[i + 1] <= 0x83)
			tally->kana++;
		bool in_word = g_ascii_isalpha(c) || c == '\'' || c >= 0x80;
		if (c == 0xe2 && i + 1 < limit && ((guchar)text[i + 1] == 0x80 || (guchar)text[i + 1] == 0x81)) {
			in_word = false;
			i += 2;
		}
		if (in_word) {
			if (last == 0xc3 && c >= 0x80 && c <= 0x9e)
				c |= 0x20;
			if (length < WORD_MAX)
				word[length] = (char)g_ascii_tolower((char)c);
			length++;
			last = c;
			continue;
		}
		if (length > 0 && length <= WORD_MAX)
			count_word(table, pack(word, length), tally);
		else if (length > 0)
			tally->words++;
		length = 0;
		last = 0;
	}
}

const char *language_guess(const char *subject, const char *body)
{
	const Slot *table = stop_table();
	Tally tally = { 0 };
	tally_text(table, subject, LOOK_AT_SUBJECT, &tally);
	tally_text(table, body, LOOK_AT_BODY, &tally);
	if (tally.kana >= KANA_MIN && tally.kana * 2 > tally.words)
		return "ja";

	int best = 0;
	guint second = 0;
	for (int language = 1; language < LANGUAGES; language++) {
		if (tally.hits[language] > tally.hits[best]) {
			second = tally.hits[best];
			best = language;
		} else {
			second = MAX(second, tally.hits[language]);
		}
	}
	guint hits = tally.hits[best];
	/* One word in eight: a text of a language that is not in the table shares fewer than that with any that is. */
	bool sure = hits >= HITS_MIN && hits * 4 >= second * 5 && hits > second && hits * 8 >= tally.words;
	return sure ? tags[best] : "und";
}
