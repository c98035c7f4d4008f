/* text-attribution: the lines by which clients introduce what they quote. Layer: mail.
 *
 *     attribution  = one to three lines ending in ":" that name a writer, and "wrote", a date or both
 *     header-block = From, Sent, To, Subject lines of an earlier mail, in any order and language */
#include "mail/text-private.h"

#include <string.h>

#define BLOCK_LINES_MAX 16 /* of a header block, counted with long recipient lists */
#define ATTRIBUTION_LINES 3
#define ATTRIBUTION_BYTES_MIN 5
#define ATTRIBUTION_BYTES_MAX 500
#define WORD_BYTES_MAX 12

static const char *const VERBS[] = {
	" wrote", " writes", " write:", " said:", " schrieb", "folgendes geschrieben", " a écrit", " écrit", " escribió", " escreveu", " ha scritto", " schreef",
	"geschreven", " skrev", " kirjoitti", " napisał", " napsal", " írta", " yazdı", " написал", " пишет", "写道", "寫道", "のメール",
	"書きました", "さんからの",
};

bool text_has_wrote(const char *line, gsize size)
{
	return text_contains_any(line, size, VERBS, G_N_ELEMENTS(VERBS)) != NULL;
}

/* What of a date stands in a text. */
typedef struct {
	bool digit;
	bool date; /* a year, 05.01.26, 5/1/26 */
	bool time; /* 10:00, 10.00 Uhr, 10h00 */
} DateParts;

static DateParts find_date(const char *text, gsize size)
{
	DateParts parts = { 0 };
	guint groups = 0; /* numbers with one sign between them */

	for (gsize i = 0; i < size; i++) {
		gsize start = i;

		while (i < size && g_ascii_isdigit(text[i]))
			i++;
		if (i == start) {
			groups = 0;
			continue;
		}
		parts.digit = true;
		groups++;
		if (i - start == 4 || (groups == 3 && strchr("./-", text[start - 1]) != NULL))
			parts.date = true;
		if (i + 2 < size && (text[i] == ':' || text[i] == 'h') && g_ascii_isdigit(text[i + 1]) && g_ascii_isdigit(text[i + 2]))
			parts.time = true;
		if (i >= size || strchr("./-:", text[i]) == NULL || i + 1 >= size || !g_ascii_isdigit(text[i + 1]))
			groups = 0;
	}
	return parts;
}

bool text_has_client_detail(const char *line, gsize size)
{
	return find_date(line, size).date || memchr(line, '@', size) != NULL;
}

/* Words by which people speak of somebody and clients do not. A display name may have one in it; it is then taken for a sentence
 * where no quotation follows. */
static bool has_pronoun(const char *text, gsize size)
{
	static const char *const WORDS[] = {
		"i", "we", "you", "he", "she", "they", "your", "our", "my", "his", "her", "their", "someone", "somebody", "ich", "wir", "ihr", "ihre", "jemand",
		"unser", "unsere", "unserer", "mein", "meine", "meiner", "euer", "eure", "je", "j'ai", "nous", "vous", "votre", "notre",
		"quelqu'un", "yo", "usted", "ustedes", "nuestro", "nuestra", "nosotros", "alguien", "eu", "você", "nosso", "nossa", "meu",
		"minha", "alguém", "io", "noi", "voi", "nostro", "nostra", "vostro", "qualcuno", "ik", "wij", "jullie", "onze", "mijn", "iemand",
	};
	const char *end = text + size;

	while (text < end) {
		const char *word = text;
		gsize length;

		while (text < end && strchr(" \n,", *text) == NULL)
			text++;
		length = (gsize)(text - word);
		if (length > 0 && *word == '<')
			while (text < end && *text != '>')
				text++;
		for (guint i = 0; length > 0 && length <= WORD_BYTES_MAX && i < G_N_ELEMENTS(WORDS); i++)
			if (*WORDS[i] == text_lower(*word) && strlen(WORDS[i]) == length && text_starts_with(word, length, WORDS[i]))
				return true;
		if (text < end)
			text++;
	}
	return false;
}

TextAttribution text_attribution(const char *lines, gsize size)
{
	static const char *const STARTS[] = {
		"on ", "at ", "am ", "le ", "el ", "en ", "em ", "a ", "il ", "op ", "den ", "no dia ", "il giorno ", "på ", "dnia ", "w dniu ",
		"dne ", "ma ", "mon", "tue", "wed", "thu", "fri", "sat", "sun", "(", "в ", "В ",
	};
	g_autofree char *joined = NULL; /* a line end may stand in front of the verb */
	DateParts date;
	bool address;
	bool dated;

	text_skip(&lines, &size, " \t*_");
	if (size < ATTRIBUTION_BYTES_MIN || size > ATTRIBUTION_BYTES_MAX)
		return TEXT_ATTRIBUTION_NONE;
	address = memchr(lines, '@', size) != NULL;
	date = find_date(lines, size);
	dated = date.digit && (g_ascii_isdigit(*lines) || text_starts_with_any(lines, size, STARTS, G_N_ELEMENTS(STARTS)) != NULL);
	joined = g_strndup(lines, size);
	g_strdelimit(joined, "\n", ' ');
	if (!text_has_wrote(joined, size))
		return dated && date.date && address && g_strstr_len(lines, (gssize)size, ">:") != NULL ? TEXT_ATTRIBUTION_STRONG
		                                                                                        : TEXT_ATTRIBUTION_NONE;
	if (((dated && address) || date.date) && !has_pronoun(joined, size))
		return address || date.time ? TEXT_ATTRIBUTION_STRONG : TEXT_ATTRIBUTION_DATED;
	return dated || address ? TEXT_ATTRIBUTION_SURE : TEXT_ATTRIBUTION_BARE;
}

/* Returns true where the line ends in a colon, ASCII or full width, spaces behind it and signs of emphasis aside. */
static bool ends_in_colon(const TextLines *lines, guint at)
{
	static const char FULL_WIDTH[] = "：";
	const char *text = text_line(lines, at);
	gsize size = text_line_size(lines, at);

	char last = lines->lines[at].last;

	if (last == ':')
		return true;
	if (last != '*' && last != '_' && (guchar)last < 0x80)
		return false;
	while (size > 0 && (text[size - 1] == ' ' || text[size - 1] == '*' || text[size - 1] == '_'))
		size--;
	if (size > 0 && text[size - 1] == ':')
		return true;
	return size >= strlen(FULL_WIDTH) && memcmp(text + size - strlen(FULL_WIDTH), FULL_WIDTH, strlen(FULL_WIDTH)) == 0;
}

/* Returns true where the lines from at to last say as much without the first of them, which is then the end of what the writer wrote:
 * HTML and many a client leave no empty line there. */
static bool begins_later(const TextLines *lines, guint at, guint last, TextAttribution found)
{
	gsize end = lines->lines[last].start + lines->lines[last].size;

	for (guint i = at + 1; i <= last; i++)
		if (text_attribution(text_line(lines, i), end - lines->lines[i].start) >= found)
			return true;
	return false;
}

guint text_attribution_lines(const TextLines *lines, guint at, bool *strong)
{
	*strong = false;
	for (guint i = at; i < lines->count && i < at + ATTRIBUTION_LINES; i++) {
		const TextLine *last = &lines->lines[i];
		TextAttribution found;
		bool before_quote;
		guint next;

		if (text_line_is_quoted(lines, i) || text_line_is_blank(lines, i))
			return 0;
		if (!ends_in_colon(lines, i))
			continue;
		next = text_line_next(lines, i + 1);
		before_quote = next < lines->count && (text_line_is_quoted(lines, next) || text_line_has_initials(lines, next) ||
		                                       *text_line(lines, next) == '|');
		found = text_attribution(text_line(lines, at), last->start + last->size - lines->lines[at].start);
		if (begins_later(lines, at, i, found))
			return 0;
		*strong = found == TEXT_ATTRIBUTION_STRONG;
		if (found >= TEXT_ATTRIBUTION_DATED || (before_quote && (found == TEXT_ATTRIBUTION_SURE || (found == TEXT_ATTRIBUTION_BARE && i == at))))
			return i - at + 1;
		return 0;
	}
	return 0;
}

static guint bits(guint value)
{
	guint count = 0;

	for (; value != 0; value &= value - 1)
		count++;
	return count;
}

/* Each line is asked for by every line above it that may begin a block, so the answer is kept. */
static TextLabel label_at(const TextLines *lines, guint at)
{
	TextLine *line;

	if (at >= lines->count)
		return TEXT_LABEL_NONE;
	line = &lines->lines[at];
	if (line->label < 0)
		line->label = (gint16)text_header_label(text_line(lines, at), line->size);
	return (TextLabel)line->label;
}

/* Three different labels, a sender among them, on lines that follow each other. Long recipient lists go on over more lines; HTML puts
 * an empty line between. Without a subject the sender must have an address: "Date, From, To" is also how people write down when an
 * outage began and ended. */
guint text_header_lines(const TextLines *lines, guint at)
{
	guint end = MIN(lines->count, at + BLOCK_LINES_MAX);
	TextLabel last = label_at(lines, at);
	guint last_line = at;
	guint seen = 0;
	bool address = false;

	if (last == TEXT_LABEL_NONE)
		return 0;
	for (guint i = at; i < end; i++) {
		TextLabel label = label_at(lines, i);

		if (label != TEXT_LABEL_NONE) {
			seen |= label;
			last = label;
			last_line = i;
			if (label == TEXT_LABEL_FROM && memchr(text_line(lines, i), '@', text_line_size(lines, i)) != NULL)
				address = true;
		} else if (text_line_is_blank(lines, i) ? label_at(lines, i + 1) == TEXT_LABEL_NONE
		                                        : (last & (TEXT_LABEL_TO | TEXT_LABEL_CC | TEXT_LABEL_SUBJECT)) == 0) {
			break;
		}
	}
	return (seen & TEXT_LABEL_FROM) != 0 && bits(seen) >= 3 && ((seen & TEXT_LABEL_SUBJECT) != 0 || address) ? last_line - at + 1 : 0;
}
