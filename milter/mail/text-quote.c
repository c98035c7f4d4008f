/* text-quote: what the writer wrote, and what was there before. Layer: mail.
 *
 * Line by line, with a look ahead where a mark spans several lines:
 *
 *     quoted-line  = [ SP ] ">" ...                 and runs of three and more lines with "|" that are no table
 *     attribution  = one to three lines ending in ":" that name a date and "wrote" ("On 5 May, Jane wrote:")
 *     separator    = "-----Original Message-----"   everything below is quoted, to the end
 *     header-block = From, Sent, To, Subject lines  everything below is quoted, to the end
 *     signature    = "-- " up to the next quotation; a disclaimer paragraph and what follows it likewise
 *
 * A line that is none of these is the writer's own, also between and below quoted lines. */
#include "mail/text-private.h"

#include <string.h>

#define BLOCK_LINES_MAX 16     /* of a header block, counted with long recipient lists */
#define PARAGRAPH_LINES_MAX 60 /* of a disclaimer */
#define ATTRIBUTION_LINES 3
#define LABEL_UNKNOWN (-1)
#define RUN_OF_BARS 3
#define SHORT_SIGNATURE 10     /* lines behind a "--" that lost its space */

typedef struct {
	guint32 start;
	guint32 size;
	gint16 label; /* TextLabel; LABEL_UNKNOWN until somebody asks */
} Line;

typedef struct {
	const char *text;
	gsize size;
	Line *lines;
	guint count;
	GString *own;
	GString *rest;
	gsize max;
	bool fits;
	bool below;     /* behind a mark after which all is quoted */
	bool tail;      /* in a signature or disclaimer */
	bool own_seen;
	bool own_last;  /* an empty line goes where the line above went */
} Splitter;

static const char *line_text(const Splitter *splitter, guint at)
{
	return splitter->text + splitter->lines[at].start;
}

static gsize line_size(const Splitter *splitter, guint at)
{
	return splitter->lines[at].size;
}

static bool is_blank(const Splitter *splitter, guint at)
{
	const char *text = line_text(splitter, at);
	gsize size = line_size(splitter, at);

	while (size > 0 && (text[size - 1] == ' ' || text[size - 1] == '\t'))
		size--;
	return size == 0;
}

static bool starts_with_char(const Splitter *splitter, guint at, char wanted)
{
	const char *text = line_text(splitter, at);
	gsize size = line_size(splitter, at);

	return (size > 0 && text[0] == wanted) || (size > 1 && text[0] == ' ' && text[1] == wanted);
}

static guint next_not_blank(const Splitter *splitter, guint at)
{
	while (at < splitter->count && is_blank(splitter, at))
		at++;
	return at;
}

/* Returns true where the line ends in a colon, ASCII or full width, spaces behind it aside. */
static bool ends_in_colon(const Splitter *splitter, guint at)
{
	const char *text = line_text(splitter, at);
	gsize size = line_size(splitter, at);

	while (size > 0 && (text[size - 1] == ' ' || text[size - 1] == '*' || text[size - 1] == '_'))
		size--;
	if (size > 0 && text[size - 1] == ':')
		return true;
	return size >= strlen("：") && memcmp(text + size - strlen("："), "：", strlen("：")) == 0;
}

/* Returns how many lines from at on are an attribution, 0 for none; *strong where a client surely wrote it. */
static guint attribution_lines(const Splitter *splitter, guint at, bool *strong)
{
	for (guint i = at; i < splitter->count && i < at + ATTRIBUTION_LINES; i++) {
		const Line *last = &splitter->lines[i];
		TextAttribution found;
		guint next;

		if (is_blank(splitter, i) || starts_with_char(splitter, i, '>'))
			return 0;
		if (!ends_in_colon(splitter, i))
			continue;
		next = next_not_blank(splitter, i + 1);
		found = text_attribution(line_text(splitter, at), last->start + last->size - splitter->lines[at].start,
		                         i == at && next < splitter->count && starts_with_char(splitter, next, '>'));
		*strong = found == TEXT_ATTRIBUTION_STRONG;
		return found != TEXT_ATTRIBUTION_NONE ? i - at + 1 : 0;
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
static TextLabel label_at(const Splitter *splitter, guint at)
{
	Line *line;

	if (at >= splitter->count)
		return TEXT_LABEL_NONE;
	line = &splitter->lines[at];
	if (line->label == LABEL_UNKNOWN)
		line->label = (gint16)text_header_label(line_text(splitter, at), line->size);
	return (TextLabel)line->label;
}

/* Header blocks of Outlook and its like: three different labels, a sender among them, on lines that follow each other.
 * Long recipient lists go on over more lines; HTML puts an empty line between. Without a subject the sender must have an
 * address: "Date, From, To" is also how people write down when an outage began and ended. */
static bool is_header_block(const Splitter *splitter, guint at)
{
	guint end = MIN(splitter->count, at + BLOCK_LINES_MAX);
	TextLabel last = label_at(splitter, at);
	guint seen = 0;
	bool address = false;

	if (last == TEXT_LABEL_NONE)
		return false;
	for (guint i = at; i < end; i++) {
		TextLabel label = label_at(splitter, i);

		if (label != TEXT_LABEL_NONE) {
			seen |= label;
			last = label;
			if (label == TEXT_LABEL_FROM && memchr(line_text(splitter, i), '@', line_size(splitter, i)) != NULL)
				address = true;
		} else if (is_blank(splitter, i) ? label_at(splitter, i + 1) == TEXT_LABEL_NONE
		                                 : (last & (TEXT_LABEL_TO | TEXT_LABEL_CC | TEXT_LABEL_SUBJECT)) == 0) {
			break;
		}
	}
	return (seen & TEXT_LABEL_FROM) != 0 && bits(seen) >= 3 && ((seen & TEXT_LABEL_SUBJECT) != 0 || address);
}

static bool is_rule(const Splitter *splitter, guint at)
{
	const char *text = line_text(splitter, at);
	gsize size = line_size(splitter, at);

	for (gsize i = 0; i < size; i++)
		if (strchr("_-=* \t", text[i]) == NULL)
			return false;
	return size >= 10;
}

/* Returns the length of a run of lines that start with '|' and are no table (whose rows end in one, too). */
static guint bar_lines(const Splitter *splitter, guint at)
{
	guint i;

	for (i = at; i < splitter->count && starts_with_char(splitter, i, '|'); i++) {
		const char *text = line_text(splitter, i);
		gsize size = line_size(splitter, i);

		while (size > 0 && text[size - 1] == ' ')
			size--;
		if (size > 2 && text[size - 1] == '|')
			return 0;
	}
	return i - at >= RUN_OF_BARS ? i - at : 0;
}

/* signature-mark = "-- ", RFC 3676 section 4.3; many clients lose the space. */
static bool is_signature(const Splitter *splitter, guint at)
{
	const char *text = line_text(splitter, at);
	gsize size = line_size(splitter, at);
	guint lines = 0;

	if (size == 3 && memcmp(text, "-- ", 3) == 0)
		return true;
	if (size > 20 && memcmp(text, "-----BEGIN PGP SIGNATURE", 20) == 0)
		return true;
	if (size != 2 || memcmp(text, "--", 2) != 0)
		return false;
	for (guint i = at + 1; i < splitter->count && !starts_with_char(splitter, i, '>'); i++)
		if (!is_blank(splitter, i) && ++lines > SHORT_SIGNATURE)
			return false;
	return true;
}

/* Returns how many lines the paragraph at the line has where it is a disclaimer, else 0. */
static guint disclaimer_lines(const Splitter *splitter, guint at)
{
	guint end = at;
	gsize size;

	if (at > 0 && !is_blank(splitter, at - 1) && (!is_rule(splitter, at - 1) || is_rule(splitter, at)))
		return 0;
	while (end < splitter->count && end - at < PARAGRAPH_LINES_MAX && !is_blank(splitter, end))
		end++;
	size = splitter->lines[end - 1].start + splitter->lines[end - 1].size - splitter->lines[at].start;
	return text_is_disclaimer(line_text(splitter, at), size) ? end - at : 0;
}

static bool is_device_line(const Splitter *splitter, guint at)
{
	guint next = at + 1;

	if (next < splitter->count && !is_blank(splitter, next) && !starts_with_char(splitter, next, '>'))
		return false;
	return text_is_device_line(line_text(splitter, at), line_size(splitter, at));
}

static void give(Splitter *splitter, guint at, guint count, bool own)
{
	for (guint i = at; i < at + count; i++) {
		const Line *line = &splitter->lines[i];
		gsize size = MIN((gsize)line->size + 1, splitter->size - line->start);

		if (!text_append_bounded(own ? splitter->own : splitter->rest, splitter->text + line->start, size, splitter->max))
			splitter->fits = false;
	}
	splitter->own_last = own;
}

static guint give_quoted(Splitter *splitter, guint at, guint count)
{
	give(splitter, at, count, false);
	return count;
}

/* A mark of an earlier mail: returns how many lines it has, 0 for none, and sets below where all after it is quoted. */
static guint take_mark(Splitter *splitter, guint at)
{
	bool strong = false;
	guint count;
	guint next;

	if (text_is_separator(line_text(splitter, at), line_size(splitter, at)) || is_header_block(splitter, at)) {
		splitter->below = true;
		return give_quoted(splitter, at, 1);
	}
	next = is_rule(splitter, at) ? next_not_blank(splitter, at + 1) : at;
	if (next > at && is_header_block(splitter, next)) {
		splitter->below = true;
		return give_quoted(splitter, at, 1);
	}
	count = attribution_lines(splitter, at, &strong);
	if (count == 0)
		return 0;
	/* Some clients quote without any mark; but a mail that starts so has its answer below, and we cannot see where. */
	next = next_not_blank(splitter, at + count);
	if (strong && splitter->own_seen && (next == splitter->count || !starts_with_char(splitter, next, '>')))
		splitter->below = true;
	splitter->tail = false;
	return give_quoted(splitter, at, count);
}

/* Reads the line at and what belongs to it; returns how many lines that were. */
static guint take_lines(Splitter *splitter, guint at)
{
	guint count;

	if (splitter->below)
		return give_quoted(splitter, at, 1);
	if (is_blank(splitter, at)) {
		give(splitter, at, 1, splitter->own_last);
		return 1;
	}
	if (starts_with_char(splitter, at, '>')) {
		splitter->tail = false;
		return give_quoted(splitter, at, 1);
	}
	count = starts_with_char(splitter, at, '|') ? bar_lines(splitter, at) : 0;
	if (count > 0)
		return give_quoted(splitter, at, count);
	count = take_mark(splitter, at);
	if (count > 0)
		return count;
	if (splitter->tail || is_device_line(splitter, at))
		return give_quoted(splitter, at, 1);
	if (is_signature(splitter, at)) {
		splitter->tail = true;
		return give_quoted(splitter, at, 1);
	}
	count = disclaimer_lines(splitter, at);
	if (count > 0) {
		/* At the top it is a banner that somebody's gateway put there. */
		splitter->tail = splitter->own_seen;
		return give_quoted(splitter, at, count);
	}
	give(splitter, at, 1, true);
	splitter->own_seen = true;
	return 1;
}

static GArray *find_lines(const char *text, gsize size)
{
	GArray *lines = g_array_sized_new(FALSE, FALSE, sizeof(Line), (guint)MIN(size / 40 + 8, 1u << 16));
	gsize at = 0;

	while (at < size) {
		const char *eol = memchr(text + at, '\n', size - at);
		gsize end = eol != NULL ? (gsize)(eol - text) : size;
		Line line = { .start = (guint32)at, .size = (guint32)(end - at), .label = LABEL_UNKNOWN };

		g_array_append_val(lines, line);
		at = end + 1;
	}
	return lines;
}

/* Empty lines around a text say nothing. Only what was appended since start is trimmed. */
static void trim(GString *text, gsize start)
{
	gsize lead = start;

	while (text->len > start && g_ascii_isspace(text->str[text->len - 1]))
		g_string_truncate(text, text->len - 1);
	while (lead < text->len && text->str[lead] == '\n')
		lead++;
	g_string_erase(text, (gssize)start, (gssize)(lead - start));
}

bool text_split(const char *plain, gsize size, GString *own, GString *rest, gsize max)
{
	Splitter splitter = { .text = plain, .size = MIN(size, G_MAXUINT32), .own = own, .rest = rest, .max = max,
		                  .fits = size <= G_MAXUINT32, .own_last = true };
	g_autoptr(GArray) lines = find_lines(plain, splitter.size);
	gsize own_start = own->len;
	gsize rest_start = rest->len;

	splitter.lines = (Line *)(void *)lines->data;
	splitter.count = lines->len;
	for (guint at = 0; at < splitter.count;)
		at += take_lines(&splitter, at);
	trim(own, own_start);
	trim(rest, rest_start);
	return splitter.fits;
}

void text_split_quoted(const char *plain, GString *own, GString *rest, gsize max)
{
	text_split(plain, strlen(plain), own, rest, max);
}
