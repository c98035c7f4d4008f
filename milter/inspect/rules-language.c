/* rules-language: in which language a text is written, told by its small and frequent words. Layer: inspect.
 *
 * Meant for choosing rules and a template, so it rather says "und" than guess: short texts, languages it does not know and near
 * ties stay undecided. A word counts the more the fewer languages have it. The lists (rules-language-words.c) hold more languages
 * than are told: those only take texts away from their neighbours (Swedish from Dutch, Catalan from Spanish), and count less for a
 * word that one of ours has. Japanese is told by its kana. Measured beside libexttextcat on texts of two lines, this was right
 * more often and took a hundredth of the time. */
#include "inspect/rules-private.h"

#include <string.h>

#define LOOK_AT_SUBJECT 512
#define LOOK_AT_BODY 1024
#define SLOTS 4096     /* a power of two, more than twice the number of words */
#define HITS_MIN 2     /* words */
#define SCORE_MIN 6    /* two words that but one other language has, or the like */
#define LEAD_PERCENT 120 /* of the next language's score */
#define SHARE 7        /* one word in so many must be one of the language's */
#define KANA_MIN 3

typedef struct {
	guint64 word; /* its hash, 0 = free */
	guint32 languages; /* bit per language */
	guint8 weight, weight_of_others;
} Slot;

typedef struct {
	guint hits[LANGUAGE_COUNT];
	guint score[LANGUAGE_COUNT];
	guint words;
	guint kana;
} Tally;

/* FNV-1a. */
#define HASH_START G_GUINT64_CONSTANT(0xcbf29ce484222325)
static guint64 hash_add(guint64 hash, guchar byte)
{
	return (hash ^ byte) * G_GUINT64_CONSTANT(0x100000001b3);
}

static Slot *slot_of(Slot *table, guint64 word)
{
	gsize at = (gsize)(word ^ word >> 32) & (SLOTS - 1);
	while (table[at].word && table[at].word != word)
		at = (at + 1) & (SLOTS - 1);
	return &table[at];
}

static void weigh(Slot *slot)
{
	static const guint8 by_count[] = { 0, 6, 3, 2, 1 };
	guint ours = 0, others = 0;
	for (guint language = 0; language < LANGUAGE_COUNT; language++)
		*(language_words[language].tag ? &ours : &others) += slot->languages >> language & 1;
	slot->weight = by_count[MIN(ours, G_N_ELEMENTS(by_count) - 1)];
	slot->weight_of_others = ours > 0 ? MAX(1, slot->weight * 2 / 3) : others == 1 ? 6 : 4;
}

static Slot *build_table(void)
{
	Slot *table = g_new0(Slot, SLOTS);
	for (guint language = 0; language < LANGUAGE_COUNT; language++) {
		for (const char *at = language_words[language].words; *at; at += strspn(at, " ")) {
			guint64 hash = HASH_START;
			for (; *at && *at != ' '; at++)
				hash = hash_add(hash, (guchar)*at);
			Slot *slot = slot_of(table, hash);
			slot->word = hash;
			slot->languages |= 1u << language;
		}
	}
	for (gsize i = 0; i < SLOTS; i++)
		if (table[i].word)
			weigh(&table[i]);
	return table;
}

static Slot *word_table(void)
{
	static gsize table = 0;
	if (g_once_init_enter(&table))
		g_once_init_leave(&table, (gsize)build_table());
	return (Slot *)table;
}

bool language_has_word(const char *word)
{
	guint64 hash = HASH_START;
	for (; *word; word++)
		hash = hash_add(hash, (guchar)*word);
	return slot_of(word_table(), hash)->word != 0;
}

static void count_word(Slot *table, guint64 word, Tally *tally)
{
	const Slot *slot = slot_of(table, word);
	tally->words++;
	for (guint32 rest = slot->languages; rest; rest &= rest - 1) {
		guint language = (guint)__builtin_ctz(rest);
		tally->hits[language]++;
		tally->score[language] += language_words[language].tag ? slot->weight : slot->weight_of_others;
	}
}

/* A word is ASCII letters, the apostrophe and any bytes above 0x7f. */
static void tally_text(Slot *table, const char *text, gsize limit, Tally *tally)
{
	guint64 hash = HASH_START;
	bool in_word = false;
	for (gsize i = 0; i <= limit; i++) {
		guchar c = i < limit ? (guchar)text[i] : 0;
		if (c == 0xe3 && (guchar)text[i + 1] >= 0x81 && (guchar)text[i + 1] <= 0x83)
			tally->kana++;
		if (g_ascii_isalpha(c) || c == '\'' || c >= 0x80) {
			hash = hash_add(hash, (guchar)g_ascii_tolower((char)c));
			in_word = true;
			continue;
		}
		if (in_word)
			count_word(table, hash, tally);
		hash = HASH_START;
		in_word = false;
		if (!c)
			break;
	}
}

const char *language_guess(const char *subject, const char *body)
{
	Slot *table = word_table();
	Tally tally = { 0 };
	tally_text(table, subject, LOOK_AT_SUBJECT, &tally);
	tally_text(table, body, LOOK_AT_BODY, &tally);
	if (tally.kana >= KANA_MIN && tally.kana * 2 > tally.words)
		return "ja";

	guint best = 0, second = 0;
	for (guint language = 1; language < LANGUAGE_COUNT; language++) {
		if (tally.score[language] > tally.score[best]) {
			second = tally.score[best];
			best = language;
		} else {
			second = MAX(second, tally.score[language]);
		}
	}
	guint score = tally.score[best], hits = tally.hits[best];
	bool enough = hits >= HITS_MIN && score >= SCORE_MIN && hits * SHARE >= tally.words;
	bool sure = enough && score > second && score * 100 >= second * LEAD_PERCENT;
	return sure && language_words[best].tag ? language_words[best].tag : "und";
}
