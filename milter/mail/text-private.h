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

/* text-phrases.c: one line (size bytes, no LF) each */

/* Returns true for "-----Original Message-----" and its like: all below is an earlier message. */
bool text_is_separator(const char *line, gsize size);

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

/* Returns true for a line such as "Sent from my iPhone". */
bool text_is_device_line(const char *line, gsize size);

/* Returns true where the paragraph (all its lines) reads as a disclaimer. */
bool text_is_disclaimer(const char *paragraph, gsize size);

typedef enum {
	TEXT_ATTRIBUTION_NONE,
	TEXT_ATTRIBUTION_BARE,  /* "Jane wrote:": only counts in front of a quotation */
	TEXT_ATTRIBUTION_SURE,  /* "On 5 March Jane wrote:" */
	TEXT_ATTRIBUTION_STRONG /* with address or time as well: a client wrote it */
} TextAttribution;

/* Judges one to three lines that end in a colon; before_quote: a quoted line comes next. */
TextAttribution text_attribution(const char *lines, gsize size, bool before_quote);

/* text-quote.c: text_split_quoted with a length; returns false where something did not fit. */
bool text_split(const char *plain, gsize size, GString *own, GString *rest, gsize max);

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
