/* normal-private: what the siblings of normal.c share. Layer: inspect.
 *
 *   normal.c          a text
 *   normal-pattern.c  the literals of a pattern
 *   normal-table.c    what becomes of a single character */
#ifndef OUTAGE_INSPECT_NORMAL_PRIVATE_H
#define OUTAGE_INSPECT_NORMAL_PRIVATE_H

#include "inspect/normal.h"

#include <stdbool.h>

/* What stands for a character: size bytes of UTF-8, none where it goes. */
typedef struct {
	const char *text;
	guint8 size;
	bool joins; /* it may have to be composed with the character before it (kana marks, Hangul) */
} Folded;

/* Returns false where c, from U+0080 on, stays as it is. What *folded points to lives as long as the program. */
bool normal_char(gunichar c, Folded *folded);

/* Returns the Latin letter that c, of another script, looks like, or 0. */
char normal_look_alike(gunichar c);

/* Appends one character that does not stay as it is to out, composed with what stands before it there, from byte `from` on, where
 * it joins. */
void normal_append(GString *out, gsize from, const Folded *folded);

/* True for bytes that are all ASCII. */
bool normal_is_ascii(const char *text, gsize length);

#endif
