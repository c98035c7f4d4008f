/* normal-table: what becomes of a single character (see normal.h). Layer: inspect.
 *
 * GLib's tables say what a character decomposes to (Unicode's NFKC); what is of our own making stands here: punctuation and
 * letters that Unicode does not decompose, and the letters that look Latin. The characters below U+3400 and from U+F900 to U+FFFF
 * are worked out once, so that a text costs one look-up for each. */
#include "inspect/normal-private.h"

#include <string.h>

#define LOW_FIRST 0x80
#define LOW_END 0x3400
#define HIGH_FIRST 0xf900
#define HIGH_END 0x10000
#define PIECES G_UNICHAR_MAX_DECOMPOSITION_LENGTH
#define GROWTH_MAX 4 /* times its bytes: one Arabic ligature stands for a sentence, and a mail full of it would become eleven mails */

/* Characters that become what Unicode does not make of them; those of `from` all become `to`. */
static const struct {
	const char *from, *to;
} own_folds[] = {
	{ "\u2018\u2019\u201a\u201b\u2032\u2035\u00b4\u02b9\u02bb\u02bc\u02bd\u02c8\u055a\u2039\u203a\u275b\u275c\ua78c", "'" },
	{ "\u201c\u201d\u201e\u201f\u2033\u2036\u02ba\u00ab\u00bb\u275d\u275e\u301d\u301e\u301f", "\"" },
	{ "\u2010\u2011\u2012\u2013\u2014\u2015\u2043\u2212\u2e3a\u2e3b\ufe58", "-" },
	{ "\u2044\u2215", "/" },
	{ "\u2236\ua789", ":" },
	{ "\u2028\u2029\xc2\x85", "\n" },
	{ "\u00a8\u00af\u00b8\u02d8\u02d9\u02da\u02db\u02dc\u02dd\u2800", " " },
	{ "\u2122\u2120\u00ae\u00a9", "" }, /* behind a name they would make another word of it */
	{ "\u00df", "ss" }, { "\u1e9e", "SS" },
	{ "\u00e6", "ae" }, { "\u00c6", "AE" }, { "\u0153", "oe" }, { "\u0152", "OE" },
	{ "\u00f8", "o" },  { "\u00d8", "O" },  { "\u0142", "l" },  { "\u0141", "L" },
	{ "\u0111\u00f0", "d" }, { "\u0110\u00d0", "D" }, { "\u00fe", "th" }, { "\u00de", "TH" },
	{ "\u0127", "h" },  { "\u0126", "H" },  { "\u0167", "t" },  { "\u0166", "T" },
	{ "\u0131\u0269", "i" }, { "\u0138", "k" }, { "\u014b", "n" }, { "\u014a", "N" },
	{ "\u0251", "a" },  { "\u0261", "g" },
};

/* Letters of other scripts and the Latin letters they look like, after the confusables of UTS 39. Small capitals count as their
 * letter. */
static const struct {
	const char *from, *to;
} look_alikes[] = {
	/* Cyrillic */
	{ "\u0430\u0432\u0433\u0435\u043a\u043c\u043d\u043e\u0440\u0441\u0442\u0443\u0445\u044c", "abrekmhopctyxb" },
	{ "\u0455\u0456\u0458\u0501\u04cf\u051b\u051d\u04bb\u04af\u0475", "sijdlqwhyv" },
	{ "\u0410\u0412\u0415\u041a\u041c\u041d\u041e\u0420\u0421\u0422\u0423\u0425\u042c", "ABEKMHOPCTYXb" },
	{ "\u0405\u0406\u0408\u04c0\u050c\u051a\u051c\u04ae\u0474", "SIJIGQWYV" },
	/* Greek */
	{ "\u03b1\u03b3\u03b9\u03ba\u03bd\u03bf\u03c1\u03c3\u03c4\u03c5\u03c7\u03f2\u03f3", "ayikvopotuxcj" },
	{ "\u0391\u0392\u0395\u0396\u0397\u0399\u039a\u039c\u039d\u039f\u03a1\u03a4\u03a5\u03a7\u03f9\u037f", "ABEZHIKMNOPTYXCJ" },
	/* Armenian */
	{ "\u0561\u0563\u0566\u0570\u0575\u0578\u057d\u0581\u0584\u0585", "wqqhjnugfo" },
	{ "\u054d\u054f\u0555\u053c", "USOL" },
	/* Cherokee */
	{ "\u13aa\u13f4\u13df\u13a0\u13ac\u13c0\u13bb\u13ab\u13e6\u13de\u13b7\u13e2\u13a1\u13da\u13a2\u13d9\u13d4\u13a9\u13c3",
	  "ABCDEGHJKLMPRSTVWYZ" },
};

/* An entry of 0 means that the character stays; otherwise it is the place in texts of: size, joins, bytes. */
typedef struct {
	guint32 low[LOW_END - LOW_FIRST];
	guint32 high[HIGH_END - HIGH_FIRST];
	GByteArray *texts;
	char alike[0x600 - 0x370];
	char alike_cherokee[0x1400 - 0x13a0];
} Table;

static bool between(gunichar c, gunichar first, gunichar last)
{
	return c >= first && c <= last;
}

/* Unicode's Default_Ignorable_Code_Point below U+10000, and the object and interlinear marks. */
static bool is_invisible(gunichar c)
{
	return c == 0xad || c == 0x34f || c == 0x61c || between(c, 0x115f, 0x1160) || between(c, 0x17b4, 0x17b5) ||
	       between(c, 0x180b, 0x180f) ||
	       between(c, 0x200b, 0x200f) || between(c, 0x202a, 0x202e) || between(c, 0x2060, 0x206f) || c == 0x3164 ||
	       between(c, 0xfe00, 0xfe0f) || c == 0xfeff || c == 0xffa0 || between(c, 0xfff0, 0xfffc);
}

/* Marks that are set on letters of any script that has accents here: Latin, Greek, Cyrillic, and on digits and signs. Kana,
 * Hangul, Arabic and the scripts of India have marks of their own, which mean something. */
static bool is_accent(gunichar c)
{
	return between(c, 0x300, 0x36f) || between(c, 0x483, 0x489) || between(c, 0x1ab0, 0x1aff) || between(c, 0x1dc0, 0x1dff) ||
	       between(c, 0x20d0, 0x20ff) || between(c, 0xfe20, 0xfe2f);
}

static bool is_joining(gunichar c)
{
	return g_unichar_combining_class(c) != 0 || between(c, 0x1161, 0x1175) || between(c, 0x11a8, 0x11c2);
}

static const char *own_fold(gunichar c)
{
	for (guint i = 0; i < G_N_ELEMENTS(own_folds); i++)
		if (g_utf8_strchr(own_folds[i].from, -1, c) != NULL)
			return own_folds[i].to;
	return NULL;
}

/* Appends what becomes of c to out. */
static void fold(gunichar c, GString *out)
{
	gunichar pieces[PIECES];
	const char *own = own_fold(c);
	gsize count = own || is_invisible(c) ? 0 : g_unichar_fully_decompose(c, TRUE, pieces, PIECES), kept = 0;

	if (own)
		g_string_append(out, own);
	for (gsize i = 0; i < count; i++) {
		gunichar composed;
		if (is_accent(pieces[i]))
			continue;
		if (kept > 0 && g_unichar_compose(pieces[kept - 1], pieces[i], &composed))
			pieces[kept - 1] = composed;
		else
			pieces[kept++] = pieces[i];
	}
	for (gsize i = 0; i < kept; i++) {
		own = pieces[i] != c ? own_fold(pieces[i]) : NULL;
		if (own)
			g_string_append(out, own);
		else
			g_string_append_unichar(out, pieces[i]);
	}
}

static guint32 enter(Table *table, gunichar c, GString *scratch)
{
	char same[6];
	guint length = (guint)g_unichar_to_utf8(c, same);
	guint32 place = table->texts->len;

	g_string_truncate(scratch, 0);
	if (g_unichar_type(c) == G_UNICODE_SURROGATE)
		return 0;
	fold(c, scratch);
	bool joins = scratch->len > 0 && is_joining(g_utf8_get_char(scratch->str));
	if (!joins && scratch->len == length && memcmp(scratch->str, same, length) == 0)
		return 0;
	if (scratch->len > (gsize)GROWTH_MAX * length)
		return 0;
	guint8 head[2] = { (guint8)scratch->len, joins };
	g_byte_array_append(table->texts, head, sizeof head);
	g_byte_array_append(table->texts, (const guint8 *)scratch->str, (guint)scratch->len);
	return place;
}

static char *alike_slot(Table *table, gunichar c)
{
	if (between(c, 0x370, 0x5ff))
		return &table->alike[c - 0x370];
	return between(c, 0x13a0, 0x13ff) ? &table->alike_cherokee[c - 0x13a0] : NULL;
}

static Table *build(void)
{
	Table *table = g_new0(Table, 1);
	g_autoptr(GString) scratch = g_string_new(NULL);

	table->texts = g_byte_array_new();
	g_byte_array_append(table->texts, (const guint8 *)"", 1); /* so that no place is 0 */
	for (gunichar c = LOW_FIRST; c < LOW_END; c++)
		table->low[c - LOW_FIRST] = enter(table, c, scratch);
	for (gunichar c = HIGH_FIRST; c < HIGH_END; c++)
		table->high[c - HIGH_FIRST] = enter(table, c, scratch);
	for (guint i = 0; i < G_N_ELEMENTS(look_alikes); i++) {
		const char *to = look_alikes[i].to;
		for (const char *from = look_alikes[i].from; *from && *to; from = g_utf8_next_char(from), to++)
			*alike_slot(table, g_utf8_get_char(from)) = *to;
	}
	return table;
}

static Table *table_get(void)
{
	static gsize table = 0;
	if (g_once_init_enter(&table))
		g_once_init_leave(&table, (gsize)build());
	return (Table *)table;
}

/* Beyond the table: mathematical and enclosed letters (NFKC), Chinese forms kept for compatibility, and tags that nobody sees. All
 * others stay. */
static bool beyond(gunichar c, Folded *folded)
{
	static const char ascii[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
	gunichar pieces[PIECES];

	if (between(c, 0xe0000, 0xe0fff)) {
		*folded = (Folded){ "", 0, false };
		return true;
	}
	if (!between(c, 0x1d400, 0x1d7ff) && !between(c, 0x1f100, 0x1f1ff) && !between(c, 0x1fbf0, 0x1fbf9))
		return false;
	gsize count = g_unichar_fully_decompose(c, TRUE, pieces, PIECES);
	/* In brackets or with a comma: the letter counts. */
	for (gsize i = 0; i < count; i++) {
		const char *at = pieces[i] < 0x80 && g_ascii_isalnum((char)pieces[i]) ? strchr(ascii, (int)pieces[i]) : NULL;
		if (at) {
			*folded = (Folded){ at, 1, false };
			return true;
		}
	}
	return false;
}

bool normal_char(gunichar c, Folded *folded)
{
	const Table *table = table_get();
	guint32 place = 0;

	if (c < LOW_END)
		place = table->low[c - LOW_FIRST];
	else if (c >= HIGH_END)
		return beyond(c, folded);
	else if (c >= HIGH_FIRST)
		place = table->high[c - HIGH_FIRST];
	if (place == 0)
		return false;
	const guint8 *entry = table->texts->data + place;
	*folded = (Folded){ (const char *)entry + 2, entry[0], entry[1] };
	return true;
}

char normal_look_alike(gunichar c)
{
	Table *table = table_get();
	const char *slot = alike_slot(table, c);
	return slot ? *slot : 0;
}
