/* features: one pass over a text (see features.h). Layer: inspect. Pure.
 *
 *   text     = { sentence }             ended by . ! ? : ; followed by space, by an empty line, or by one of their full-width forms
 *   sentence = { word | name | gap }    gap: anything else, quotes, commas and dashes too
 *   word     = letter-or-digit { letter-or-digit | "'" letter [letter] }     lower-cased; each digit counts as 0
 *   name     = URL | mail-address | "@" word       of these only that there is one
 *
 * Of each word: itself, the pair with the word before it in the same sentence, and its pieces, 4 to 6 letters in a row, with a
 * mark at its ends. Han, kana and Hangul have no spaces between words, so there every 1 to 3 characters in a row are a word.
 * Words of the subject count once more, as such.
 *
 * A hash is a product of the code points and the kind: the same on every machine. */
#include "inspect/features.h"

#include <string.h>

/* Of a text, so many words count: what people say of an outage stands at the top, and a log pasted below it says less. */
#define WORDS_MAX 200
/* Letters of a piece. */
#define PIECE_MIN 4
#define PIECE_MAX 6
/* Of features at first: enough for most texts of so many words. A power of 2. */
#define ROOM 2048
/* Of a word, so many characters are looked at; what is longer is no word of a language. */
#define WORD_CHARS 32
/* Bytes in front of the @ of a mail address (RFC 5321 section 4.5.3.1.1). */
#define LOCAL_PART_MAX 64

struct Features {
	Feature *all;
	guint count, room; /* used and allocated of all */
	GArray *words;     /* FeatureWord */
	guint64 *seen;     /* open addressing, 0 = empty */
	guint seen_size;   /* a power of 2 */
	guint32 before;    /* the word that a pair would begin with */
	guint64 before_hash;
	guint words_left;
	bool in_subject;
};

Features *features_new(void)
{
	Features *features = g_new0(Features, 1);

	features->room = ROOM;
	features->all = g_new(Feature, features->room);
	features->words = g_array_new(FALSE, FALSE, sizeof(FeatureWord));
	features->seen_size = 4 * ROOM;
	features->seen = g_new0(guint64, features->seen_size);
	return features;
}

void features_free(Features *features)
{
	if (features == NULL)
		return;
	g_free(features->all);
	g_array_unref(features->words);
	g_free(features->seen);
	g_free(features);
}

const Feature *features_all(const Features *features, guint *count)
{
	*count = features->count;
	return features->all;
}

const FeatureWord *features_words(const Features *features, guint *count)
{
	*count = features->words->len;
	return (const FeatureWord *)(gpointer)features->words->data;
}

/* ---- hashes ---- */

#define HASH_START 0x6f757461676521ULL
#define HASH_FACTOR 0x9e3779b97f4a7c15ULL
/* Between the words of a pair, so that their order counts. */
#define PAIR_SPACE 0x20

static inline guint64 hash_add(guint64 hash, guint64 value)
{
	hash = (hash ^ value) * HASH_FACTOR;
	return hash ^ (hash >> 32);
}

/* Never 0, which is the mark of an empty place. */
static inline guint64 hash_end(guint64 hash, guint64 kind)
{
	hash = hash_add(hash, kind << 32);
	return hash != 0 ? hash : 1;
}

static bool see(guint64 *seen, guint size, guint64 hash)
{
	guint at = (guint)(hash >> 20) & (size - 1);

	while (seen[at] != 0) {
		if (seen[at] == hash)
			return false;
		at = (at + 1) & (size - 1);
	}
	seen[at] = hash;
	return true;
}

static void grow(Features *features)
{
	guint size = features->seen_size * 2;
	guint64 *seen = g_new0(guint64, size);

	for (guint i = 0; i < features->count; i++)
		(void)see(seen, size, features->all[i].hash);
	g_free(features->seen);
	features->seen = seen;
	features->seen_size = size;
	features->room *= 2;
	features->all = g_renew(Feature, features->all, features->room);
}

/* Returns false where it has been there already. */
static bool add(Features *features, guint64 hash, FeatureKind kind, guint32 word)
{
	if (!see(features->seen, features->seen_size, hash))
		return false;
	features->all[features->count++] = (Feature){ .hash = hash, .word = word, .kind = (guint8)kind };
	if (features->count == features->room)
		grow(features);
	return true;
}

/* ---- words ---- */

typedef struct {
	gunichar chars[WORD_CHARS + 2]; /* between two marks of its ends */
	guint count;                    /* without the marks */
	const char *start, *end;
	bool plain;
} Word;

static guint64 hash_chars(const gunichar *chars, guint count)
{
	guint64 hash = HASH_START;

	for (guint i = 0; i < count; i++)
		hash = hash_add(hash, chars[i]);
	return hash;
}

static void add_pieces(Features *features, const Word *word, guint32 index)
{
	guint count = word->count + 2;

	for (guint at = 0; at + PIECE_MIN <= count; at++) {
		guint64 hash = HASH_START;

		for (guint size = 1; size <= PIECE_MAX && at + size <= count; size++) {
			hash = hash_add(hash, word->chars[at + size - 1]);
			if (size >= PIECE_MIN)
				(void)add(features, hash_end(hash, 4), FEATURE_PIECE, index);
		}
	}
}

static void add_word(Features *features, Word *word, bool pieces)
{
	guint64 hash = hash_chars(word->chars + 1, word->count);
	guint32 index = features->words->len;
	FeatureWord found = {
		.hash = hash_end(hash, 1),
		.start = word->start,
		.length = (guint32)(word->end - word->start),
		.before = features->before,
		.plain = word->plain,
	};

	if (features->words_left == 0)
		return;
	features->words_left--;
	g_array_append_val(features->words, found);
	if (add(features, found.hash, FEATURE_WORD, index) && pieces) {
		word->chars[0] = word->chars[word->count + 1] = '_';
		add_pieces(features, word, index);
	}
	if (features->in_subject)
		(void)add(features, hash_end(hash, 2), FEATURE_WORD, index);
	if (features->before != FEATURES_NO_WORD)
		(void)add(features, hash_end(hash_add(hash_add(features->before_hash, PAIR_SPACE), hash), 3), FEATURE_PAIR, index);
	features->before = index;
	features->before_hash = hash;
}

/* A sentence is over. */
static void stop(Features *features)
{
	features->before = FEATURES_NO_WORD;
}

static inline bool is_ideographic(gunichar c)
{
	/* Han, kana, Hangul with what stands among them; not their punctuation. */
	return (c >= 0x3040 && c <= 0x30ff && c != 0x30fb) || (c >= 0x3400 && c <= 0x9fff) || (c >= 0xac00 && c <= 0xd7a3) ||
	    (c >= 0xf900 && c <= 0xfaff) || (c >= 0x20000 && c <= 0x3ffff) || c == 0x3005;
}

static inline bool is_word(gunichar c)
{
	if (c < 0x80)
		return g_ascii_isalnum((char)c);
	return !is_ideographic(c) && (g_unichar_isalnum(c) || g_unichar_ismark(c));
}

static inline gunichar fold(gunichar c)
{
	if (c < 0x80)
		return g_ascii_isdigit((char)c) ? '0' : (gunichar)(guchar)g_ascii_tolower((char)c);
	return g_unichar_isdigit(c) ? '0' : g_unichar_tolower(c);
}

/* Every one to three characters in a row of a stretch without spaces. Returns its end. */
static const char *read_ideographs(Features *features, const char *at)
{
	Word last[3];
	guint have = 0;
	gunichar c;

	for (; is_ideographic(c = g_utf8_get_char(at)); at = g_utf8_next_char(at)) {
		const char *next = g_utf8_next_char(at);

		if (have == 3) {
			last[0] = last[1];
			last[1] = last[2];
			have = 2;
		}
		last[have] = (Word){ .count = 1, .start = at, .end = next, .plain = true };
		last[have].chars[1] = c;
		have++;
		for (guint size = 1; size <= have; size++) {
			/* A single character says nothing to who reads the verdict. */
			Word word = { .count = size, .start = last[have - size].start, .end = next, .plain = size > 1 };

			for (guint i = 0; i < size; i++)
				word.chars[i + 1] = last[have - size + i].chars[1];
			stop(features);
			add_word(features, &word, false);
		}
	}
	stop(features);
	return at;
}

/* A name: of it, only the kind. */
static void add_name(Features *features, const char *start, const char *end, gunichar kind)
{
	Word word = { .count = 2, .start = start, .end = end };

	word.chars[1] = '@';
	word.chars[2] = kind;
	add_word(features, &word, false);
}

/* Returns the end of an address of the web or of mail that begins at `at`, or NULL. end: of the word at `at`. */
static const char *address_end(const char *at, const char *end)
{
	gsize length = (gsize)(end - at);
	bool web = (strncmp(end, "://", 3) == 0 && length <= 5) || (length == 3 && *end == '.' && g_ascii_strncasecmp(at, "www", 3) == 0);
	const char *mail = end;

	if (!web) {
		while (mail < at + LOCAL_PART_MAX && (g_ascii_isalnum(*mail) || (*mail != '\0' && strchr("._%+-", *mail) != NULL)))
			mail++;
		if (*mail != '@' || !g_ascii_isalnum(mail[1]))
			return NULL;
		end = mail;
	}
	while ((guchar)*end > ' ' && strchr("<>\"')]", *end) == NULL)
		end++;
	return end;
}

/* "can't" is one word, "l'application" two: what an apostrophe cuts off at the end is short. */
static bool is_contraction(const char *at)
{
	guint letters = 0;

	while (letters < 3 && g_ascii_isalpha(at[letters]))
		letters++;
	return letters > 0 && letters < 3 && !is_word(g_utf8_get_char(at + letters));
}

static bool is_one_of(gunichar c, const char *marks)
{
	return c != '\0' && c < 0x80 && strchr(marks, (int)c) != NULL;
}

/* Whether a word stands free between the character before it and its end: "horse" in "horse-battery", "host.name", "pass!word" and
 * "Ab+cd/ef=" does not, since keys, passwords and names are made so. */
static bool stands_free(gunichar before, const char *end)
{
	if (is_one_of(before, ".,;:!?-_/\\+=@#$%&^~*|"))
		return false;
	while (is_one_of((guchar)*end, ".,;:!?"))
		end++;
	return (guchar)*end <= ' ' || (guchar)*end >= 0x80 || is_one_of((guchar)*end, "\"')]}<>");
}

/* The word or name at `at`, which is_word; before: the character in front of it. Returns its end. */
static const char *read_word(Features *features, gunichar before, const char *at)
{
	Word word = { .start = at, .plain = true };
	const char *address;
	gunichar c;

	for (;;) {
		c = g_utf8_get_char(at);
		if (c == '\'' && word.count > 0 && is_contraction(at + 1)) {
			at++;
			continue;
		}
		if (!is_word(c))
			break;
		word.plain = word.plain && g_unichar_isalpha(c);
		if (word.count < WORD_CHARS)
			word.chars[++word.count] = fold(c);
		at = g_utf8_next_char(at);
	}
	word.end = at;
	if (word.count < WORD_CHARS && (address = address_end(word.start, at)) != NULL) {
		add_name(features, word.start, address, *at == '@' || strncmp(at, "://", 3) != 0 ? 'm' : 'u');
		return address;
	}
	word.plain = word.plain && stands_free(before, at);
	if (word.count < WORD_CHARS)
		add_word(features, &word, true);
	return at;
}

static bool ends_sentence(const char *at, gunichar c)
{
	switch (c) {
	case '.':
	case '!':
	case '?':
	case ':':
	case ';':
		return ((guchar)at[1] <= ' ' || (guchar)at[1] == c);
	case '\n':
		return at[1] == '\n';
	default:
		return c == 0x3002 || c == 0x2026;
	}
}

static void read_text(Features *features, const char *text)
{
	const char *at = text;

	stop(features);
	while (*at != '\0' && features->words_left > 0) {
		gunichar c = g_utf8_get_char(at);

		if (is_ideographic(c)) {
			at = read_ideographs(features, at);
		} else if (is_word(c)) {
			at = read_word(features, at > text ? g_utf8_get_char(g_utf8_prev_char(at)) : ' ', at);
		} else if (c == '@' && is_word(g_utf8_get_char(at + 1))) {
			const char *start = at++;

			while (is_word(g_utf8_get_char(at)) || *at == '_')
				at = g_utf8_next_char(at);
			add_name(features, start, at, '@');
		} else {
			if (ends_sentence(at, c))
				stop(features);
			at = g_utf8_next_char(at);
		}
	}
}

void features_read(Features *features, const char *subject, const char *body)
{
	g_array_set_size(features->words, 0);
	if (features->count > 0)
		memset(features->seen, 0, features->seen_size * sizeof *features->seen);
	features->count = 0;
	features->words_left = WORDS_MAX;
	features->in_subject = true;
	read_text(features, subject);
	features->in_subject = false;
	read_text(features, body);
}
