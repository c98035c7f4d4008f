/* text-letter: our own letters in a mail, quoted without any mark, as Outlook and many helpdesks do. Layer: mail.
 *
 *     letter  = [ greeting ] opening *( paragraph / label ) mark *( paragraph / label / mark ) [ closing ] team
 *     opening = the first paragraph, which may begin with the site's name, so that it is known by what it says further on
 *     mark    = a paragraph that begins with a sentence only our letters have, or names an address that stops notices
 *
 * A mark is searched for where a paragraph may begin; from it the beginning is found upwards, the end downwards. */
#include "mail/text-private.h"

#include <string.h>

#define LINES_UP 60        /* from a mark to the greeting */
#define TEAM_CHARS 80      /* of the line with which a letter ends */
#define PARAGRAPHS_DOWN 3  /* from the last mark to the closing */
#define STOP_HASH_DIGITS 32

/* The address of optout.h, "local+stop-" and 32 hex digits at least. */
static const char STOP_TAG[] = "+stop-";

static bool has_stop_address(const char *text, gsize size)
{
	const char *end = text + size;

	for (const char *at = text; (at = memchr(at, '+', (gsize)(end - at))) != NULL; at++) {
		gsize digits = 0;

		if (!text_starts_with(at, (gsize)(end - at), STOP_TAG))
			continue;
		for (const char *p = at + strlen(STOP_TAG); p < end && g_ascii_isxdigit(*p); p++)
			digits++;
		if (digits >= STOP_HASH_DIGITS)
			return true;
	}
	return false;
}

/* Returns true where a paragraph may begin: below an empty line, or, where a client left those out, below a line that ends in a sign. */
static bool may_begin(const TextLines *lines, guint at)
{
	const TextLine *above = at > 0 ? &lines->lines[at - 1] : NULL;

	return above == NULL || above->blank || (guchar)above->last >= 0x80 || memchr(".:!?,", above->last, 5) != NULL;
}

static TextMark mark_at(const TextLines *lines, guint at, bool tagged)
{
	const TextLine *line = &lines->lines[at];

	if (line->quoted || line->blank)
		return TEXT_MARK_NONE;
	if (tagged && has_stop_address(text_line(lines, at), line->size))
		return TEXT_MARK_SURE;
	return may_begin(lines, at) ? text_letter_mark(text_line(lines, at), lines->size - line->start) : TEXT_MARK_NONE;
}

static bool is_greeting(const TextLines *lines, guint at)
{
	static const char *const GREETINGS[] = { "Hello,", "Guten Tag,", "Bonjour,", "Hola:", "Buongiorno,", "Olá,", "Geachte klant,",
		                                     "Goedendag,", "Hallo,", "お客様" };
	const char *text = text_line(lines, at);
	gsize size = text_line_size(lines, at);

	text_skip(&text, &size, " \t");
	while (size > 0 && (text[size - 1] == ' ' || text[size - 1] == '\t'))
		size--;
	for (guint i = 0; i < G_N_ELEMENTS(GREETINGS); i++)
		if (strlen(GREETINGS[i]) == size && memcmp(GREETINGS[i], text, size) == 0)
			return true;
	return false;
}

/* Returns the line above at that has something on it, or at. */
static guint line_above(const TextLines *lines, guint at)
{
	for (guint i = at; i > 0; i--)
		if (!text_line_is_blank(lines, i - 1))
			return i - 1;
	return at;
}

static guint paragraph_start(const TextLines *lines, guint at)
{
	while (at > 0 && !text_line_is_blank(lines, at - 1) && !text_line_is_quoted(lines, at - 1) && !is_greeting(lines, at - 1))
		at--;
	return at;
}

static guint with_greeting(const TextLines *lines, guint start)
{
	guint above = line_above(lines, start);

	return above < start && is_greeting(lines, above) ? above : start;
}

static bool is_opening(const TextLines *lines, guint start, guint end)
{
	gsize size = lines->lines[end].start + lines->lines[end].size - lines->lines[start].start;

	return text_letter_is_opening(text_line(lines, start), size);
}

/* Paragraph by paragraph upwards, to the opening or the greeting; a mark that has neither above it is the beginning itself. */
static guint letter_start(const TextLines *lines, guint mark)
{
	guint floor = mark > LINES_UP ? mark - LINES_UP : 0;
	guint at = mark;

	while (at > floor) {
		guint start = paragraph_start(lines, at);
		guint above;

		if (is_opening(lines, start, at))
			return with_greeting(lines, start);
		above = line_above(lines, start);
		if (above == start || text_line_is_quoted(lines, above))
			break;
		if (is_greeting(lines, above))
			return above;
		at = above;
	}
	return with_greeting(lines, mark);
}

/* Returns the closing of a letter ("Mit freundlichen Grüßen") in one of the next paragraphs, or lines->count. */
static guint find_closing(const TextLines *lines, guint at)
{
	for (guint i = 0; i < PARAGRAPHS_DOWN && at < lines->count && !text_line_is_quoted(lines, at); i++) {
		if (text_is_closing(text_line(lines, at), text_line_size(lines, at)))
			return at;
		at = text_line_next(lines, text_line_paragraph_end(lines, at));
	}
	return lines->count;
}

/* Behind the last mark come its paragraph, in some letters what the site offers and a closing, and the line that names the team; where
 * a client left out the empty lines all these are one paragraph, and what follows is the answer. */
static guint letter_end(const TextLines *lines, guint start, guint last)
{
	guint end = text_line_paragraph_end(lines, last);
	guint closing;
	guint at;

	if (start < last && text_line_paragraph_end(lines, start) == end)
		return end;
	closing = find_closing(lines, text_line_next(lines, end));
	if (closing < lines->count)
		end = closing + 1;
	at = text_line_next(lines, end);
	if (at < lines->count && !text_line_is_quoted(lines, at) && text_line_size(lines, at) <= TEAM_CHARS)
		end = at + 1;
	return end;
}

bool text_letter_find(const TextLines *lines, guint *start, guint *end)
{
	bool tagged = has_stop_address(lines->text, lines->size);
	bool found = false;
	guint last = 0;

	for (guint at = 0; at < lines->count; at++) {
		TextMark mark = mark_at(lines, at, tagged);

		if (mark == TEXT_MARK_SURE && !found) {
			*start = letter_start(lines, at);
			found = true;
		}
		if (mark != TEXT_MARK_NONE)
			last = at;
	}
	if (found)
		*end = letter_end(lines, *start, last);
	return found;
}
