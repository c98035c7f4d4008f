/* normal: one way of writing for many (see normal.h). Layer: inspect. Pure.
 *
 * Each character is looked up by itself (normal-table.c), which is what NFKC comes to but for marks that join the character before
 * them: those are composed as they come. A second pass looks for words of mixed scripts, where the text has any that could be. */
#include "inspect/normal-private.h"

#include <string.h>

bool normal_is_ascii(const char *text, gsize length)
{
	gsize i = 0;
	for (; i + sizeof(guint64) <= length; i += sizeof(guint64)) {
		guint64 eight;
		memcpy(&eight, text + i, sizeof eight);
		if (eight & G_GUINT64_CONSTANT(0x8080808080808080))
			return false;
	}
	for (; i < length; i++)
		if ((guchar)text[i] >= 0x80)
			return false;
	return true;
}

void normal_append(GString *out, gsize from, const Folded *folded)
{
	gunichar composed;

	if (folded->joins && out->len > from) {
		const char *before = g_utf8_prev_char(out->str + out->len);
		if (g_unichar_compose(g_utf8_get_char(before), g_utf8_get_char(folded->text), &composed)) {
			gsize first = (gsize)(g_utf8_next_char(folded->text) - folded->text);
			g_string_truncate(out, (gsize)(before - out->str));
			g_string_append_unichar(out, composed);
			g_string_append_len(out, folded->text + first, (gssize)(folded->size - first));
			return;
		}
	}
	g_string_append_len(out, folded->text, folded->size);
}

/* Greek, Cyrillic, Armenian, Cherokee: scripts with letters that look Latin. */
static bool has_look_alikes(gunichar c)
{
	return (c >= 0x370 && c < 0x600) || (c >= 0x13a0 && c < 0x1400) || (c >= 0x1f00 && c < 0x2000);
}

static bool in_word(gunichar c)
{
	return c < 0x80 ? g_ascii_isalnum((char)c) : g_unichar_isalpha(c);
}

/* The letters of Latin that folding leaves. */
static bool is_latin(gunichar c)
{
	return c < 0x80 ? g_ascii_isalpha((char)c) : c < 0x250;
}

/* Appends the word from start to end to out (which may be the same memory, further on), with Latin letters for those that look
 * like them. */
static void latinise(const char *start, const char *end, char **out)
{
	for (const char *at = start, *next; at < end; at = next) {
		char latin = (guchar)*at < 0x80 ? *at : normal_look_alike(g_utf8_get_char(at));
		next = g_utf8_next_char(at);
		if (latin)
			*(*out)++ = latin;
		else
			*out = (char *)memmove(*out, at, (gsize)(next - at)) + (next - at);
	}
}

/* Words only become shorter, so it is done in place. */
static void mixed_words_to_latin(GString *text)
{
	char *out = text->str;

	for (const char *at = text->str, *start; *at;) {
		bool latin = false, other = false;
		for (start = at; *at; at = g_utf8_next_char(at)) {
			gunichar c = g_utf8_get_char(at);
			if (!in_word(c))
				break;
			latin |= is_latin(c);
			other |= has_look_alikes(c);
		}
		if (latin && other) {
			latinise(start, at, &out);
			start = at;
		}
		if (*at)
			at = g_utf8_next_char(at);
		out = (char *)memmove(out, start, (gsize)(at - start)) + (at - start);
	}
	g_string_truncate(text, (gsize)(out - text->str));
}

char *normal_text(const char *text, gsize *length)
{
	gsize size = strlen(text);

	*length = size;
	if (normal_is_ascii(text, size))
		return NULL;
	g_autoptr(GString) out = g_string_sized_new(size + 1);
	bool mixed = false;
	for (const char *at = text, *end = text + size; at < end;) {
		const char *run = at;
		Folded folded;
		while (at < end && (guchar)*at < 0x80)
			at++;
		g_string_append_len(out, run, at - run);
		if (at == end)
			break;
		gunichar c = g_utf8_get_char(at);
		const char *next = g_utf8_next_char(at);
		if (normal_char(c, &folded))
			normal_append(out, 0, &folded);
		else
			g_string_append_len(out, at, next - at);
		mixed |= has_look_alikes(c);
		at = next;
	}
	if (mixed)
		mixed_words_to_latin(out);
	*length = out->len;
	if (out->len == size && memcmp(out->str, text, size) == 0)
		return NULL;
	return g_string_free(g_steal_pointer(&out), FALSE);
}
