/* text-private: what the files of mail/text share. Layer: mail. Not for other modules. */
#ifndef OUTAGE_MAIL_TEXT_PRIVATE_H
#define OUTAGE_MAIL_TEXT_PRIVATE_H

#include <gmime/gmime.h>

#include "mail/text.h"

/* The one set of parser options, made by text_init and only read afterwards. */
GMimeParserOptions *text_parser_options(void);

/* text-charset.c */

/* Loads the converters of the common charsets; lets go of them. */
void text_charset_init(void);
void text_charset_shutdown(void);

/* Undoes a Content-Transfer-Encoding (header value as written, may be NULL). Returns the decoded bytes: bytes itself
 * where nothing was to be undone, else scratch->str. size is in and out. */
const char *text_undo_encoding(const char *bytes, gsize *size, const char *encoding, GString *scratch);

/* Returns bytes as valid UTF-8 without NUL, read with the charset label (may be NULL, wrong or unknown): bytes itself
 * where nothing was to be done, else scratch->str. size is in and out. */
const char *text_to_utf8(const char *bytes, gsize *size, const char *label, GString *scratch);

/* Appends valid UTF-8 with LF line ends, without control and invisible characters, with plain spaces, until out is max
 * bytes long. Returns false where it did not all fit. */
bool text_append_clean(GString *out, const char *text, gsize size, gsize max);

/* Appends valid UTF-8 as it is, cut on a character boundary where out would pass max bytes; returns false where it was. */
bool text_append_bounded(GString *out, const char *text, gsize size, gsize max);

/* Appends bytes with each charset label of an encoded word or extended parameter that is not known here replaced by
 * utf-8. GMime remembers every label it is ever asked for, so strange ones would let senders fill our memory. */
void text_append_known_labels(GString *out, const char *bytes, gsize size);

/* text-html.c */

/* Appends the words a reader of the HTML (valid UTF-8) would see, one line per block; quotations as lines with "> ". Stops
 * at max bytes of out; returns false where something was left out. */
bool text_append_html(GString *out, const char *html, gsize size, gsize max);

/* text-words: comparing phrases; ASCII in any case, all else byte for byte. Inline: they run over every line of every mail. */

static inline char text_lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c + ('a' - 'A')) : c;
}

/* Returns true where text (size bytes) starts with phrase. */
static inline bool text_starts_with(const char *text, gsize size, const char *phrase)
{
	gsize i = 0;

	while (i < size && phrase[i] != '\0' && text_lower(text[i]) == text_lower(phrase[i]))
		i++;
	return phrase[i] == '\0';
}

/* text-words.c */

/* Returns true where text contains phrase. */
bool text_contains(const char *text, gsize size, const char *phrase);

/* Return the first of phrases that text starts with, or contains, or NULL. */
const char *text_starts_with_any(const char *text, gsize size, const char *const *phrases, gsize count);
const char *text_contains_any(const char *text, gsize size, const char *const *phrases, gsize count);

/* text_starts_with_any for a long list, sorted by the first byte of its phrases (which are in small letters). */
const char *text_starts_with_sorted(const char *text, gsize size, const char *const *phrases, gsize count);

/* Moves *text past leading characters of set and returns how many there were. */
gsize text_skip(const char **text, gsize *size, const char *set);

/* The lines of a text, without their LF. */
typedef struct {
	guint32 start;
	guint32 size;
	gint16 label; /* TextLabel, or less than 0 until somebody asks */
	bool blank;   /* nothing but spaces and tabs */
	bool quoted;  /* starts with ">", a space in front aside, or with its full-width form */
	char last;    /* byte, spaces and tabs aside */
} TextLine;

typedef struct {
	const char *text;
	gsize size;
	TextLine *lines;
	guint count;
} TextLines;

/* Sets lines to those of text (size bytes, at most 4 GB), which must outlive them. Caller frees what is returned. */
GArray *text_lines_find(TextLines *lines, const char *text, gsize size);

static inline const char *text_line(const TextLines *lines, guint at)
{
	return lines->text + lines->lines[at].start;
}

static inline gsize text_line_size(const TextLines *lines, guint at)
{
	return lines->lines[at].size;
}

static inline bool text_line_is_blank(const TextLines *lines, guint at)
{
	return lines->lines[at].blank;
}

static inline bool text_line_is_quoted(const TextLines *lines, guint at)
{
	return lines->lines[at].quoted;
}

/* Returns true for "JR> ", as The Bat! quotes: initials, ">" and a space. A prompt may look so, too. */
bool text_line_has_initials(const TextLines *lines, guint at);

/* Returns true for a line of at least ten dashes, underscores and the like. */
bool text_line_is_rule(const TextLines *lines, guint at);

/* Returns at, or the first line behind it that is not blank; lines->count where there is none. */
guint text_line_next(const TextLines *lines, guint at);

/* Returns the first line at or behind at that is blank, lines->count where there is none. */
guint text_line_paragraph_end(const TextLines *lines, guint at);

/* text-phrases.c: one line (size bytes, no LF) each */

typedef enum {
	TEXT_SEPARATOR_NONE,
	TEXT_SEPARATOR_REPLY,    /* below stands what is answered: "---- On Mon, 5 Jan Jane wrote ----", "reply above this line" */
	TEXT_SEPARATOR_ORIGINAL, /* "-----Original Message-----": answered or forwarded */
	TEXT_SEPARATOR_FORWARD   /* "---------- Forwarded message ---------" */
} TextSeparator;

/* Returns what the line says of all below it. */
TextSeparator text_separator(const char *line, gsize size);

typedef enum {
	TEXT_LABEL_NONE = 0,
	TEXT_LABEL_FROM = 1,
	TEXT_LABEL_SENT = 2,
	TEXT_LABEL_TO = 4,
	TEXT_LABEL_CC = 8,
	TEXT_LABEL_SUBJECT = 16
} TextLabel;

/* Returns which header label of the common clients the line starts with ("*Von:*", "From: x"). */
TextLabel text_header_label(const char *line, gsize size);

/* text-attribution.c */

typedef enum {
	TEXT_ATTRIBUTION_NONE,
	TEXT_ATTRIBUTION_BARE,  /* "Jane wrote:": only counts in front of a quotation */
	TEXT_ATTRIBUTION_SURE,  /* "On 5 March Jane wrote:": likewise, and may stand on several lines */
	TEXT_ATTRIBUTION_DATED, /* "On 5 March 2026, Jane wrote:": is one wherever it stands */
	TEXT_ATTRIBUTION_STRONG /* with address, or date and time: a client wrote it, and all below may be quoted */
} TextAttribution;

/* Judges one to three lines that end in a colon. */
TextAttribution text_attribution(const char *lines, gsize size);

/* Returns true where the line has a date with its year or an address, as lines have that announce a quotation. */
bool text_has_client_detail(const char *line, gsize size);

/* Returns true where the line has a verb such as "wrote" in one of our languages. */
bool text_has_wrote(const char *line, gsize size);

/* Returns how many lines from at on are an attribution, 0 for none; *strong where a client surely wrote it. */
guint text_attribution_lines(const TextLines *lines, guint at, bool *strong);

/* Returns how many lines from at on are the header block of an earlier mail (From, Sent, To, Subject), 0 for none. */
guint text_header_lines(const TextLines *lines, guint at);

/* text-signature.c */

/* Returns true for a line such as "Sent from my iPhone". */
bool text_is_device_line(const char *line, gsize size);

/* Returns true where the line is a closing such as "Kind regards,". */
bool text_is_closing(const char *line, gsize size);

/* Returns true where the line reads as a sentence, which no name, company or phone number does. */
bool text_is_sentence(const TextLines *lines, guint at);

/* Returns the line behind the signature below the closing at at; at + 1 where there is none. */
guint text_signature_end(const TextLines *lines, guint at);

/* Returns how many lines the paragraph at at has where it is the last and, without any mark, nothing but a name and how to reach it;
 * else 0. */
guint text_contact_lines(const TextLines *lines, guint at);

typedef enum {
	TEXT_NOTICE_NONE,
	TEXT_NOTICE_BANNER,    /* a gateway's warning: one paragraph, or its first line */
	TEXT_NOTICE_SHORT,     /* a disclaimer of one paragraph */
	TEXT_NOTICE_DISCLAIMER /* more of its kind may follow */
} TextNotice;

/* Judges the paragraph that starts at at; *count gets how many lines of it belong to the notice. */
TextNotice text_notice_lines(const TextLines *lines, guint at, guint *count);

/* text-letter.c */

/* Finds the first of our own letters (templates in conf/templates) that was quoted without marks. Returns true where there is one:
 * *start is its first line, *end the one behind it. */
bool text_letter_find(const TextLines *lines, guint *start, guint *end);

/* text-letter-marks.c */

typedef enum { TEXT_MARK_NONE, TEXT_MARK_LABEL, TEXT_MARK_SURE } TextMark;

/* Returns whether a sentence of our letters starts at text (size bytes, more lines may follow), whatever was done to its white space:
 * one that nobody else writes, or a label that is ours only near one of those. */
TextMark text_letter_mark(const char *text, gsize size);

/* Returns true where the paragraph has in it what only the first paragraph of our letters says. */
bool text_letter_is_opening(const char *paragraph, gsize size);

/* text-forward.c */

/* What a mail is by its subject and header. */
typedef enum {
	TEXT_KIND_UNKNOWN, /* quotations are to be expected */
	TEXT_KIND_NEW,     /* answers and forwards nothing, so that "> " may be a prompt */
	TEXT_KIND_REPLY,
	TEXT_KIND_FORWARD
} TextKind;

/* subject: decoded; threaded: it has In-Reply-To or References. */
TextKind text_kind(const char *subject, bool threaded);

/* Returns true where the text says nothing of its own: empty, a greeting, "FYI", "please see below". */
bool text_is_filler(const char *text, gsize size);

/* text-quote.c: text_split_quoted with a length and a kind; returns false where something did not fit. */
bool text_split(const char *plain, gsize size, TextKind kind, GString *own, GString *rest, gsize max);

/* text-parts.c */

typedef struct {
	Text *text;
	GString *plain;    /* words of the mail itself, not yet split */
	GString *enclosed; /* words of enclosed messages and reports, quoted by nature */
	gsize max;         /* bytes for own and for quoted */
	guint leaves;
} TextReader;

/* One part that holds text, whichever way it was found. */
typedef struct {
	const char *bytes;
	gsize size;
	const char *encoding; /* Content-Transfer-Encoding or NULL */
	const char *charset;  /* label or NULL */
	bool html;
} TextLeaf;

/* What a part is for us. */
typedef enum { TEXT_PART_OTHER, TEXT_PART_PLAIN, TEXT_PART_HTML, TEXT_PART_REPORT } TextPartUse;

TextPartUse text_part_use(const char *type, const char *subtype);

/* Decodes one part and appends its words; enclosed: it belongs to a message within the mail. */
void text_read_leaf(TextReader *reader, const TextLeaf *leaf, bool enclosed);

/* Adds "type/subtype" to text->parts, and to own_parts unless it is enclosed in an attached message; NULL is text/plain. */
void text_add_part(Text *text, GMimeContentType *type, bool enclosed);

/* Keeps the report type where type (may be NULL) is the first multipart/report. */
void text_note_report(Text *text, GMimeContentType *type);

/* Lists the parts of object; enclosed: inside a message/rfc822, whose report type is not this mail's. */
void text_list_parts(Text *text, GMimeObject *object, guint level, bool enclosed);

/* Reads the words of object and all below it. */
void text_read_object(TextReader *reader, GMimeObject *object, guint level, bool enclosed);

/* Sets bytes and size of leaf to the undecoded bytes of a part, which live as long as it does; false where it has none. */
bool text_part_bytes(GMimePart *part, TextLeaf *leaf);

/* Returns true where text (may be NULL) starts with prefix in any case, white space in front aside. */
bool text_value_starts(const char *text, const char *prefix);

/* text.c */

/* Returns the parts of message, its structure mended where header and body do not agree, or NULL where the body is of one part;
 * caller unrefs. */
GMimeObject *text_parse(const Message *message);

/* text_read; with always_parse a mail of one part goes through the MIME parser too (for comparison in tests). */
Text *text_read_with(const Message *message, gsize max_text, bool always_parse);

#endif
