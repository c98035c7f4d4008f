/* normal: one way of writing for many, before rules and model look at a text. Layer: inspect. Pure; safe from any thread.
 *
 * Full-width and other compatibility forms become the plain ones, accents go from Latin, Greek and Cyrillic letters (so "störung" is
 * found in "storung" and "STÖRUNG"; kana keep their marks), curly quotes and dashes become ASCII, what cannot be seen goes (zero-width
 * characters, soft hyphens, marks of direction, variation selectors), and within a word that mixes scripts letters that look Latin
 * become Latin (UTS 39). Case stays: secrets are told by it, and the patterns ignore it where they want. */
#ifndef OUTAGE_INSPECT_NORMAL_H
#define OUTAGE_INSPECT_NORMAL_H

#include <glib.h>

/* text: valid UTF-8, not NULL. Returns the folded text, valid UTF-8, at most four times as long, which the caller frees; or NULL where
 * it is plain already (always so for ASCII). *length: bytes of whichever holds. */
char *normal_text(const char *text, gsize *length);

/* The same for a pattern (PCRE2, valid UTF-8): its literal characters are folded as those of a text, so that what is written with
 * accents is found. Escapes and ASCII stay as they are. Caller frees; never NULL. */
char *normal_pattern(const char *pattern);

#endif
