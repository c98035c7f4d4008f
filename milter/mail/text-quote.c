/* text-quote: what the writer wrote, and what was there before. Layer: mail.
 *
 * Line by line, with a look ahead where a mark spans several lines:
 *
 *     quoted-line  = [ SP ] ">" ...                 below an attribution also "JR> "; and runs of three and more lines with "|"
 *                                                   that are no table
 *     attribution  = one to three lines ending in ":" that name a date and "wrote" ("On 5 May, Jane wrote:")
 *     separator    = "-----Original Message-----"   everything below is quoted, to the end
 *     header-block = From, Sent, To, Subject lines  everything below is quoted, to the end
 *     letter       = one of our own, without any mark: quoted to its end, or to the end of all below an answer
 *     signature    = "-- " up to the next quotation; a disclaimer paragraph and what follows it likewise;
 *                    names and phone numbers below a closing, up to the next sentence
 *     forwarded    = what stands below a separator or header block where the writer wrote nothing but "FYI" above: then it
 *                    is what they have to say, and split in its turn
 *
 * A line that is none of these is the writer's own, also between and below quoted lines. */
#include "mail/text-private.h"

#include <string.h>

#define RUN_OF_BARS 3
#define SHORT_SIGNATURE 10 /* lines behind a "--" that lost its space */
#define FORWARDS_MAX 4     /* forwarded mail within forwarded mail */
#define QUOTED_HEADS_MAX 3 /* quotations that are looked at for being a forwarded mail; each look costs a copy */

typedef struct {
	TextLines lines;
	TextKind kind;
	GString *own;
	gsize own_start;
	GString *rest;
	gsize max;
	guint level; /* of forwarded mail */
	guint heads; /* quotations that were looked at for being one */
	guint above; /* the line behind the last one that was neither blank nor quoted; 0 where there is none */
	guint letter_start; /* of our own letter; lines.count where there is none */
	guint letter_end;
	guint signature_end;
	guint bars_end; /* up to here lines that start with '|' are known to be the writer's own */
	bool fits;
	bool below;     /* behind a mark after which all is quoted */
	bool tail;      /* in a signature or disclaimer */
	bool attributed; /* somebody was said to have written what follows */
	bool own_seen;
	bool own_last;  /* an empty line goes where the line above went */
} Splitter;

static bool split_lines(Splitter *splitter, const char *text, gsize size);

static bool starts_with_bar(const Splitter *splitter, guint at)
{
	const char *text = text_line(&splitter->lines, at);
	gsize size = text_line_size(&splitter->lines, at);

	return (size > 0 && text[0] == '|') || (size > 1 && text[0] == ' ' && text[1] == '|');
}

/* Returns the length of a run of lines that start with '|' and are no table (whose rows end in one, too). */
static guint bar_lines(Splitter *splitter, guint at)
{
	bool table = false;
	guint i;

	if (at < splitter->bars_end || (splitter->kind == TEXT_KIND_NEW && !splitter->attributed))
		return 0;
	for (i = at; i < splitter->lines.count && starts_with_bar(splitter, i); i++) {
		const char *text = text_line(&splitter->lines, i);
		gsize size = text_line_size(&splitter->lines, i);

		while (size > 0 && text[size - 1] == ' ')
			size--;
		table = table || (size > 2 && text[size - 1] == '|');
	}
	if (!table && i - at >= RUN_OF_BARS)
		return i - at;
	splitter->bars_end = i;
	return 0;
}

/* signature-mark = "-- ", RFC 3676 section 4.3; many clients lose the space. People draw a line like that, too: a name or a
 * company comes first in a signature, not a sentence. */
static bool is_signature(const Splitter *splitter, guint at)
{
	const char *text = text_line(&splitter->lines, at);
	gsize size = text_line_size(&splitter->lines, at);
	guint lines = 0;

	if (size == 3 && memcmp(text, "-- ", 3) == 0)
		return true;
	if (size > 20 && memcmp(text, "-----BEGIN PGP SIGNATURE", 20) == 0)
		return true;
	if (size != 2 || memcmp(text, "--", 2) != 0)
		return false;
	for (guint i = at + 1; i < splitter->lines.count && !text_line_is_quoted(&splitter->lines, i); i++)
		if (!text_line_is_blank(&splitter->lines, i) && (++lines > SHORT_SIGNATURE || (lines == 1 && text_is_sentence(&splitter->lines, i))))
			return false;
	return true;
}

static bool is_device_line(const Splitter *splitter, guint at)
{
	guint next = at + 1;

	if (next < splitter->lines.count && !text_line_is_blank(&splitter->lines, next) &&
	    !text_line_is_quoted(&splitter->lines, next) && !text_line_is_rule(&splitter->lines, next))
		return false;
	return text_is_device_line(text_line(&splitter->lines, at), text_line_size(&splitter->lines, at));
}

static void give(Splitter *splitter, guint at, guint count, bool own)
{
	const TextLines *lines = &splitter->lines;

	for (guint i = at; i < at + count; i++) {
		const TextLine *line = &lines->lines[i];
		gsize size = MIN((gsize)line->size + 1, lines->size - line->start);

		if (!text_append_bounded(own ? splitter->own : splitter->rest, lines->text + line->start, size, splitter->max))
			splitter->fits = false;
	}
	splitter->own_last = own;
}

static guint give_quoted(Splitter *splitter, guint at, guint count)
{
	give(splitter, at, count, false);
	return count;
}

static guint give_own(Splitter *splitter, guint at)
{
	give(splitter, at, 1, true);
	splitter->own_seen = true;
	return 1;
}

/* Returns true where the writer may have forwarded a mail for what it says: nothing of theirs stands above it, and it is no letter of
 * ours, which people send back without a word often enough. */
static bool may_forward(const Splitter *splitter)
{
	return splitter->level < FORWARDS_MAX && splitter->letter_start == splitter->lines.count && splitter->fits &&
	       text_is_filler(splitter->own->str + splitter->own_start, splitter->own->len - splitter->own_start);
}

static TextSeparator separator_at(const TextLines *lines, guint at)
{
	return text_separator(text_line(lines, at), text_line_size(lines, at));
}

/* Header lines of whatever kind, which a separator has announced. */
static guint label_lines(const TextLines *lines, guint at)
{
	guint count = text_header_lines(lines, at);

	while (at + count < lines->count && text_header_label(text_line(lines, at + count), text_line_size(lines, at + count)) != TEXT_LABEL_NONE)
		count++;
	return count;
}

/* Returns how many lines the head of a mail that is or may be forwarded has at that line, 0 where there is none. */
static guint forward_head(const TextLines *lines, TextKind kind, guint at)
{
	TextSeparator separator = separator_at(lines, at);
	guint count;

	if (separator == TEXT_SEPARATOR_REPLY || (kind == TEXT_KIND_REPLY && separator != TEXT_SEPARATOR_FORWARD))
		return 0;
	if (separator != TEXT_SEPARATOR_NONE) {
		guint next = text_line_next(lines, at + 1);

		count = next < lines->count ? label_lines(lines, next) : 0;
		return count > 0 ? next + count - at : 1;
	}
	if (text_line_is_rule(lines, at)) {
		guint next = text_line_next(lines, at + 1);

		count = next < lines->count ? text_header_lines(lines, next) : 0;
		return count > 0 ? next + count - at : 0;
	}
	return text_header_lines(lines, at);
}

/* Returns the lines from at on without one level of quotation; caller frees. */
static GString *unquoted(const TextLines *lines, guint at)
{
	GString *text = g_string_sized_new(lines->size - lines->lines[at].start + 1);

	for (; at < lines->count; at++) {
		const char *line = text_line(lines, at);
		gsize size = text_line_size(lines, at);

		if (text_line_is_quoted(lines, at)) {
			gsize mark = *line == ' ';

			mark += line[mark] == '>' ? 1 : strlen("＞");
			mark += mark < size && line[mark] == ' ';
			line += mark;
			size -= mark;
		}
		g_string_append_len(text, line, (gssize)size);
		g_string_append_c(text, '\n');
	}
	return text;
}

/* Splits what was forwarded with quotation marks, from at to the end; returns how many lines that were. */
static guint take_unquoted(Splitter *splitter, guint at)
{
	g_autoptr(GString) text = unquoted(&splitter->lines, at);
	Splitter inner = { .kind = TEXT_KIND_FORWARD, .own = splitter->own, .own_start = splitter->own_start, .rest = splitter->rest,
		               .max = splitter->max, .level = splitter->level + 1, .fits = true };

	if (!split_lines(&inner, text->str, text->len))
		splitter->fits = false;
	return splitter->lines.count - at;
}

/* The quoted lines that begin at at are a forwarded mail: Apple Mail and HTML mail make them so. Returns how many lines were taken. */
static guint take_quoted_forward(Splitter *splitter, guint at)
{
	g_autoptr(GArray) array = NULL;
	g_autoptr(GString) text = NULL;
	TextLines lines;
	guint head;

	if ((at > 0 && text_line_is_quoted(&splitter->lines, at - 1)) || splitter->heads++ >= QUOTED_HEADS_MAX || !may_forward(splitter))
		return 0;
	text = unquoted(&splitter->lines, at);
	array = text_lines_find(&lines, text->str, MIN(text->len, G_MAXUINT32));
	head = text_line_next(&lines, 0);
	if (head == lines.count || forward_head(&lines, splitter->kind, head) == 0)
		return 0;
	return take_unquoted(splitter, at);
}

/* A separator or header block at at: all below is quoted, or is read on where it was forwarded. */
static guint take_earlier(Splitter *splitter, guint at)
{
	guint head = forward_head(&splitter->lines, splitter->kind, at);
	guint next;

	splitter->tail = false;
	if (head == 0 || !may_forward(splitter)) {
		splitter->below = true;
		return give_quoted(splitter, at, 1);
	}
	splitter->level++;
	splitter->kind = TEXT_KIND_FORWARD;
	next = text_line_next(&splitter->lines, at + head);
	give_quoted(splitter, at, head);
	if (next < splitter->lines.count && text_line_is_quoted(&splitter->lines, next))
		return head + take_unquoted(splitter, at + head);
	return head;
}

/* Web forms send "From, Subject, Date" lines, too, and support gets many of those: in a mail that answers and forwards nothing, fewer
 * lines than every client puts above an earlier mail are the writer's own. Returns how many, 0 where it is no form. */
static guint form_lines(const Splitter *splitter, guint at)
{
	const TextLines *lines = &splitter->lines;
	guint count = splitter->kind == TEXT_KIND_NEW ? text_header_lines(lines, at) : 0;
	guint seen = 0;

	for (guint i = at; i < at + count; i++)
		seen |= text_header_label(text_line(lines, i), text_line_size(lines, i));
	return (seen & TEXT_LABEL_TO) == 0 || (seen & TEXT_LABEL_SENT) == 0 ? count : 0;
}

/* Lotus Notes puts "Jane Roe ---05.01.2026 10:00:00---First words" above its header block. */
static bool is_notes_line(const Splitter *splitter, guint at)
{
	const char *text = text_line(&splitter->lines, at);
	gsize size = text_line_size(&splitter->lines, at);
	const char *dashes = memchr(text, '-', size);
	guint next;

	if (dashes == NULL || dashes == text || text + size - dashes < 4 || memcmp(dashes, "---", 3) != 0 || !g_ascii_isdigit(dashes[3]))
		return false;
	next = text_line_next(&splitter->lines, at + 1);
	return next < splitter->lines.count && text_header_lines(&splitter->lines, next) > 0;
}

static bool has_address(const TextLines *lines, guint at, guint count)
{
	const TextLine *last = &lines->lines[at + count - 1];

	return memchr(text_line(lines, at), '@', last->start + last->size - lines->lines[at].start) != NULL;
}

/* A mark of an earlier mail: returns how many lines it has, 0 for none, and sets below where all after it is quoted. */
static guint take_mark(Splitter *splitter, guint at)
{
	const TextLines *lines = &splitter->lines;
	bool strong = false;
	bool marked;
	guint count;
	guint next;

	if (separator_at(lines, at) != TEXT_SEPARATOR_NONE || text_header_lines(lines, at) > 0)
		return take_earlier(splitter, at);
	if (is_notes_line(splitter, at))
		return give_quoted(splitter, at, 1);
	next = text_line_is_rule(lines, at) ? text_line_next(lines, at + 1) : at;
	if (next > at && next < lines->count && (text_header_lines(lines, next) > 0 || separator_at(lines, next) == TEXT_SEPARATOR_REPLY))
		return take_earlier(splitter, at);
	count = text_attribution_lines(lines, at, &strong);
	if (count == 0)
		return 0;
	/* Some clients quote without any mark; but a mail that starts so has its answer below, and we cannot see where. In a mail that
	 * answers nothing it is how people tell what somebody wrote to them. */
	next = text_line_next(lines, at + count);
	marked = next < lines->count && (text_line_is_quoted(lines, next) || text_line_has_initials(lines, next) || starts_with_bar(splitter, next));
	if (!marked && splitter->kind == TEXT_KIND_NEW && !has_address(lines, at, count))
		return 0;
	if (strong && splitter->own_seen && !marked)
		splitter->below = true;
	splitter->tail = false;
	splitter->attributed = true;
	return give_quoted(splitter, at, count);
}

/* GroupWise: ">>> Jane Roe <j@x.example> 1/5/2026 10:00 AM >>>", and what it quotes is unmarked. */
static bool is_groupwise_line(const Splitter *splitter, guint at)
{
	const char *text = text_line(&splitter->lines, at);
	gsize size = text_line_size(&splitter->lines, at);

	while (size > 0 && text[size - 1] == ' ')
		size--;
	return size > 10 && memcmp(text, ">>> ", 4) == 0 &&
	       (memcmp(text + size - 3, ">>>", 3) == 0 || (text[size - 1] == ':' && text_has_wrote(text, size)));
}

/* Returns true where a line with ">" is no quotation as far as can be told: a diff, "From" at the beginning of a line as mailbox
 * files escape it, or in a mail that answers nothing what was announced by a colon. */
static bool is_own_angle(const Splitter *splitter, guint at)
{
	const TextLines *lines = &splitter->lines;
	const char *text = text_line(lines, at);
	gsize size = text_line_size(lines, at);
	guint above = splitter->above;

	if (text_starts_with(text, size, ">From ") && (at == 0 || !text_line_is_quoted(lines, at - 1)))
		return true;
	if (above == 0)
		return false;
	text = text_line(lines, above - 1);
	size = text_line_size(lines, above - 1);
	if (size == 3 && memcmp(text, "---", 3) == 0 && above > 1 && *text_line(lines, above - 2) == '<')
		return true;
	return splitter->kind == TEXT_KIND_NEW && splitter->own_seen && !splitter->attributed && lines->lines[above - 1].last == ':' &&
	       !text_has_client_detail(text, size);
}

static guint take_quoted_line(Splitter *splitter, guint at)
{
	guint count = 0;

	splitter->tail = false;
	splitter->signature_end = 0;
	if (is_own_angle(splitter, at))
		return give_own(splitter, at);
	if (is_groupwise_line(splitter, at) && splitter->own_seen)
		splitter->below = true;
	else if (splitter->rest->len == 0 || !splitter->attributed)
		count = take_quoted_forward(splitter, at);
	return count > 0 ? count : give_quoted(splitter, at, 1);
}

/* Our own letter: below an answer it is the end; above one it ends with the line that names the team. */
static guint take_letter(Splitter *splitter, guint at)
{
	splitter->tail = false;
	if (splitter->own_seen) {
		splitter->below = true;
		return give_quoted(splitter, at, 1);
	}
	splitter->below = false;
	return give_quoted(splitter, at, splitter->letter_end - at);
}

/* What ends a mail: signatures, disclaimers, and notices put in by gateways. Returns how many lines, 0 for none. */
static guint take_tail(Splitter *splitter, guint at)
{
	const TextLines *lines = &splitter->lines;
	bool first = at == 0 || text_line_is_blank(lines, at - 1) || text_line_is_rule(lines, at - 1);
	TextNotice notice;
	guint count;

	if (splitter->tail || at < splitter->signature_end || is_device_line(splitter, at))
		return give_quoted(splitter, at, 1);
	if (is_signature(splitter, at)) {
		splitter->tail = true;
		return give_quoted(splitter, at, 1);
	}
	if (!first)
		return 0;
	notice = text_notice_lines(lines, at, &count);
	if (notice != TEXT_NOTICE_NONE) {
		/* At the top it is a banner that somebody's gateway put there. */
		splitter->tail = splitter->own_seen && notice == TEXT_NOTICE_DISCLAIMER;
		return give_quoted(splitter, at, count);
	}
	count = splitter->own_seen ? text_contact_lines(lines, at) : 0;
	return give_quoted(splitter, at, count);
}

/* Reads a line that is neither blank nor quoted, and what belongs to it; returns how many lines that were. */
static guint take_text(Splitter *splitter, guint at)
{
	const TextLines *lines = &splitter->lines;
	guint count;

	if (splitter->attributed && text_line_has_initials(lines, at))
		return give_quoted(splitter, at, 1);
	count = starts_with_bar(splitter, at) ? bar_lines(splitter, at) : 0;
	if (count > 0)
		return give_quoted(splitter, at, count);
	count = form_lines(splitter, at);
	if (count > 0) {
		give(splitter, at, count, true);
		splitter->own_seen = true;
		return count;
	}
	count = take_mark(splitter, at);
	if (count == 0)
		count = take_tail(splitter, at);
	if (count > 0)
		return count;
	if (text_is_closing(text_line(lines, at), text_line_size(lines, at)))
		splitter->signature_end = text_signature_end(lines, at);
	return give_own(splitter, at);
}

/* Reads the line at and what belongs to it; returns how many lines that were. */
static guint take_lines(Splitter *splitter, guint at)
{
	guint count;

	if (at == splitter->letter_start)
		return take_letter(splitter, at);
	if (splitter->below)
		return give_quoted(splitter, at, 1);
	if (text_line_is_blank(&splitter->lines, at)) {
		give(splitter, at, 1, splitter->own_last);
		return 1;
	}
	if (text_line_is_quoted(&splitter->lines, at))
		return take_quoted_line(splitter, at);
	count = take_text(splitter, at);
	splitter->above = at + count;
	return count;
}

static bool split_lines(Splitter *splitter, const char *text, gsize size)
{
	g_autoptr(GArray) array = text_lines_find(&splitter->lines, text, MIN(size, G_MAXUINT32));

	if (size > G_MAXUINT32)
		splitter->fits = false;
	splitter->letter_start = splitter->lines.count;
	if (text_letter_find(&splitter->lines, &splitter->letter_start, &splitter->letter_end))
		splitter->letter_end = MAX(splitter->letter_end, splitter->letter_start + 1);
	for (guint at = 0; at < splitter->lines.count;) {
		/* Where the rest belongs does not matter once there is no room for more of the writer's own. */
		if (splitter->own->len >= splitter->max) {
			splitter->fits = false;
			break;
		}
		at += take_lines(splitter, at);
	}
	return splitter->fits;
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

bool text_split(const char *plain, gsize size, TextKind kind, GString *own, GString *rest, gsize max)
{
	Splitter splitter = { .kind = kind, .own = own, .own_start = own->len, .rest = rest, .max = max, .fits = true, .own_last = true };
	gsize rest_start = rest->len;
	bool fits = split_lines(&splitter, plain, size);

	trim(own, splitter.own_start);
	trim(rest, rest_start);
	return fits;
}

void text_split_quoted(const char *plain, GString *own, GString *rest, gsize max)
{
	text_split(plain, strlen(plain), TEXT_KIND_UNKNOWN, own, rest, max);
}
