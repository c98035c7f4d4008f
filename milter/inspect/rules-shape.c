/* rules-shape: what rules-places.c wants to know of a text as a whole, in one look at each byte. Layer: inspect. */
#include "inspect/rules-private.h"

#define SHIFT_MIN 6

enum { PLAIN, WHITE, DIGIT, HIGH };

/* Bytes of the white space beyond ASCII that starts at text, and of a little more that starts alike; 0 where there is none. */
static gsize white_beyond_ascii(const guchar *text)
{
	if (text[0] == 0xc2)
		return 2;
	bool white = (text[0] == 0xe2 && (text[1] == 0x80 || text[1] == 0x81)) || (text[0] == 0xe3 && text[1] == 0x80) ||
	             (text[0] == 0xe1 && (text[1] == 0x9a || text[1] == 0xa0));
	return white ? 3 : 0;
}

/* Digits of other scripts may begin with most bytes, but not with those of U+3000 to U+9FFF. */
static bool may_be_digit(guchar c)
{
	return c >= 0xc2 && (c < 0xe3 || c > 0xe9);
}

static int kind_of(guchar c)
{
	if (c == ' ' || (c >= '\t' && c <= '\r'))
		return WHITE;
	if (c >= '0' && c <= '9')
		return DIGIT;
	return c >= 0xc2 ? HIGH : PLAIN;
}

static const guint8 *kinds(void)
{
	static guint8 table[256];
	static gsize made = 0;
	if (g_once_init_enter(&made)) {
		for (guint c = 0; c < 256; c++)
			table[c] = (guint8)kind_of((guchar)c);
		g_once_init_leave(&made, 1);
	}
	return table;
}

static void note_digit(TextShape *shape, gsize at)
{
	gsize block = at >> shape->shift;
	shape->digits[block / 64] |= G_GUINT64_CONSTANT(1) << block % 64;
}

void text_shape(TextShape *shape, const char *text, gsize length)
{
	const guint8 *table = kinds();
	const guchar *bytes = (const guchar *)text;
	gsize white_from = 0, solid_from = 0; /* where the run that we are in began */
	guchar highest = 0;
	*shape = (TextShape) { .shift = SHIFT_MIN };
	const gsize last = length - (length > 0);
	while (last >> shape->shift >= 64 * SHAPE_WORDS)
		shape->shift++;
	shape->words = (last >> shape->shift) / 64 + 1;
	for (gsize i = 0; i < length;) {
		const guchar c = bytes[i];
		const guint8 kind = table[c];
		gsize size = 1;
		highest = MAX(highest, c);
		if (kind == WHITE) {
			shape->solids = MAX(shape->solids, i - solid_from);
			solid_from = i + 1;
		} else {
			gsize white = kind == HIGH ? white_beyond_ascii(bytes + i) : 0;
			if (kind == DIGIT || (kind == HIGH && may_be_digit(c)))
				note_digit(shape, i);
			if (!white) {
				shape->whites = MAX(shape->whites, i - white_from);
				white_from = i + 1;
			} else {
				size = white;
			}
		}
		i += size;
	}
	shape->solids = MAX(shape->solids, length - MIN(solid_from, length));
	shape->whites = MAX(shape->whites, length - MIN(white_from, length));
	shape->character = highest < 0x80 ? 1 : highest < 0xe0 ? 2 : highest < 0xf0 ? 3 : 4;
}
