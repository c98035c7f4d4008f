/* text-words: phrases and lines, which the files that tell quoted text apart are made of. Layer: mail. */
#include "mail/text-private.h"

#include <string.h>

#define RULE_CHARS_MIN 10
#define INITIALS_MAX 4
#define LABEL_UNKNOWN (-1)

/* Returns true where phrase stands at one of the places where text has the byte first. */
static bool contains_from(const char *text, gsize size, const char *phrase, char first)
{
	const char *end = text + size;

	for (const char *at = text; (at = memchr(at, first, (gsize)(end - at))) != NULL; at++)
		if (text_starts_with(at, (gsize)(end - at), phrase))
			return true;
	return false;
}

bool text_contains(const char *text, gsize size, const char *phrase)
{
	return contains_from(text, size, phrase, *phrase) ||
	       (g_ascii_isalpha(*phrase) && contains_from(text, size, phrase, (char)(*phrase ^ ('a' ^ 'A'))));
}

const char *text_starts_with_any(const char *text, gsize size, const char *const *phrases, gsize count)
{
	char first = size > 0 ? text_lower(*text) : '\0';

	for (gsize i = 0; i < count; i++)
		if (text_lower(*phrases[i]) == first && text_starts_with(text, size, phrases[i]))
			return phrases[i];
	return NULL;
}

const char *text_starts_with_sorted(const char *text, gsize size, const char *const *phrases, gsize count)
{
	guchar first = size > 0 ? (guchar)text_lower(*text) : 0;
	gsize low = 0;
	gsize high = count;

	while (low < high) {
		gsize middle = (low + high) / 2;

		if ((guchar)*phrases[middle] < first)
			low = middle + 1;
		else
			high = middle;
	}
	for (; low < count && (guchar)*phrases[low] == first; low++)
		if (text_starts_with(text, size, phrases[low]))
			return phrases[low];
	return NULL;
}

const char *text_contains_any(const char *text, gsize size, const char *const *phrases, gsize count)
{
	for (gsize i = 0; i < count; i++)
		if (text_contains(text, size, phrases[i]))
			return phrases[i];
	return NULL;
}

gsize text_skip(const char **text, gsize *size, const char *set)
{
	gsize count = 0;

	while (*size > 0 && !g_ascii_isalnum(**text) && **text != '\0' && strchr(set, **text) != NULL) {
		(*text)++;
		(*size)--;
		count++;
	}
	return count;
}

/* Fills in what each line is asked for more than once. */
static void judge(TextLine *line, const char *text)
{
	static const char FULL_WIDTH[] = "＞";
	gsize size = line->size;

	line->label = LABEL_UNKNOWN;
	while (size > 0 && (text[size - 1] == ' ' || text[size - 1] == '\t'))
		size--;
	line->blank = size == 0;
	line->last = size > 0 ? text[size - 1] : '\0';
	if (size > 1 && *text == ' ') {
		text++;
		size--;
	}
	line->quoted = size > 0 && (*text == '>' || (*text == *FULL_WIDTH && size >= strlen(FULL_WIDTH) &&
	                                             memcmp(text, FULL_WIDTH, strlen(FULL_WIDTH)) == 0));
}

GArray *text_lines_find(TextLines *lines, const char *text, gsize size)
{
	GArray *found = g_array_sized_new(FALSE, FALSE, sizeof(TextLine), (guint)MIN(size / 40 + 8, 1u << 16));
	gsize at = 0;

	while (at < size) {
		const char *eol = memchr(text + at, '\n', size - at);
		gsize end = eol != NULL ? (gsize)(eol - text) : size;
		TextLine line = { .start = (guint32)at, .size = (guint32)(end - at) };

		judge(&line, text + at);
		g_array_append_val(found, line);
		at = end + 1;
	}
	*lines = (TextLines){ .text = text, .size = size, .lines = (TextLine *)(void *)found->data, .count = found->len };
	return found;
}

bool text_line_has_initials(const TextLines *lines, guint at)
{
	const char *text = text_line(lines, at);
	gsize size = text_line_size(lines, at);
	gsize letters = 0;

	text_skip(&text, &size, " ");
	while (letters < size && letters < INITIALS_MAX && g_ascii_isupper(text[letters]))
		letters++;
	return letters > 0 && size > letters && text[letters] == '>' && (size == letters + 1 || strchr(" >", text[letters + 1]) != NULL);
}

bool text_line_is_rule(const TextLines *lines, guint at)
{
	const char *text = text_line(lines, at);
	gsize size = text_line_size(lines, at);

	for (gsize i = 0; i < size; i++)
		if (g_ascii_isalnum(text[i]) || strchr("_-=* \t\xe2\x80\x93\x94", text[i]) == NULL) /* with U+2013 and U+2014, dashes */
			return false;
	return size >= RULE_CHARS_MIN;
}

guint text_line_next(const TextLines *lines, guint at)
{
	while (at < lines->count && text_line_is_blank(lines, at))
		at++;
	return at;
}

guint text_line_paragraph_end(const TextLines *lines, guint at)
{
	while (at < lines->count && !text_line_is_blank(lines, at))
		at++;
	return at;
}
