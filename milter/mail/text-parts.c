/* text-parts: the words of each part of a mail, and which parts count. Layer: mail.
 * Reads what text.c had GMime parse; decides what is the mail itself, what is enclosed in it, and what nobody reads. */
#include "mail/text-private.h"

#include <string.h>

#define LEVELS_MAX 20
#define PARTS_MAX 200
#define STUB_SIZE_MAX 400
#define QUOTED_MAX (64 * 1024) /* bytes of quotations above the writer's own words that are read through */

/* Returns true where text starts with prefix in any case, white space in front aside. */
bool text_value_starts(const char *text, const char *prefix)
{
	if (text == NULL)
		return false;
	while (g_ascii_isspace(*text))
		text++;
	return g_ascii_strncasecmp(text, prefix, strlen(prefix)) == 0;
}

static bool contains_nocase(const char *text, gsize size, const char *word)
{
	gsize length = strlen(word);

	for (gsize i = 0; i + length <= size; i++)
		if (g_ascii_strncasecmp(text + i, word, length) == 0)
			return true;
	return false;
}

/* HTML under a wrong name: it starts like a page. */
static bool looks_like_html(const char *text, gsize size)
{
	gsize skipped = 0;

	while (skipped < size && g_ascii_isspace(text[skipped]))
		skipped++;
	text += skipped;
	size -= skipped;
	return (size > 14 && g_ascii_strncasecmp(text, "<!doctype html", 14) == 0) ||
	       (size > 6 && g_ascii_strncasecmp(text, "<html", 5) == 0);
}

/* Returns the charset a page names in its own head, for parts that come without a label; caller frees. */
static char *html_charset(const char *html, gsize size)
{
	static const char KEY[] = "charset=";
	gsize window = MIN(size, 1024);

	for (gsize i = 0; i + strlen(KEY) < window; i++)
		if (g_ascii_strncasecmp(html + i, KEY, strlen(KEY)) == 0)
			return g_strndup(html + i + strlen(KEY), MIN(window - i - strlen(KEY), 40));
	return NULL;
}

void text_read_leaf(TextReader *reader, const TextLeaf *leaf, bool enclosed)
{
	g_autoptr(GString) decoded = g_string_new(NULL);
	g_autoptr(GString) converted = g_string_new(NULL);
	g_autofree char *page_charset = NULL;
	GString *out = enclosed ? reader->enclosed : reader->plain;
	gsize max = enclosed ? reader->max : reader->max + QUOTED_MAX;
	gsize size = leaf->size;
	const char *bytes;
	const char *utf8;
	bool html;

	if (size == 0)
		return;
	bytes = text_undo_encoding(leaf->bytes, &size, leaf->encoding, decoded);
	html = leaf->html || looks_like_html(bytes, size);
	if (html && leaf->charset == NULL)
		page_charset = html_charset(bytes, size);
	utf8 = text_to_utf8(bytes, &size, leaf->charset != NULL ? leaf->charset : page_charset, converted);
	if (out->len > 0 && out->str[out->len - 1] != '\n')
		text_append_clean(out, "\n", 1, max);
	if (!(html ? text_append_html : text_append_clean)(out, utf8, size, max))
		reader->text->cut = true;
}

TextPartUse text_part_use(const char *type, const char *subtype)
{
	static const char *const REPORTS[] = { "delivery-status", "global-delivery-status", "disposition-notification",
		                                   "global-disposition-notification", "feedback-report", "global-headers", NULL };

	if (g_ascii_strcasecmp(type, "message") == 0) {
		for (guint i = 0; REPORTS[i] != NULL; i++)
			if (g_ascii_strcasecmp(subtype, REPORTS[i]) == 0)
				return TEXT_PART_REPORT;
		return TEXT_PART_OTHER;
	}
	if (g_ascii_strcasecmp(type, "text") != 0)
		return TEXT_PART_OTHER;
	if (g_ascii_strcasecmp(subtype, "plain") == 0)
		return TEXT_PART_PLAIN;
	if (g_ascii_strcasecmp(subtype, "html") == 0 || g_ascii_strcasecmp(subtype, "enriched") == 0)
		return TEXT_PART_HTML;
	return g_ascii_strcasecmp(subtype, "rfc822-headers") == 0 ? TEXT_PART_REPORT : TEXT_PART_OTHER;
}

void text_add_part(Text *text, GMimeContentType *type, bool enclosed)
{
	g_autofree char *name = type != NULL ? g_strdup_printf("%s/%s", g_mime_content_type_get_media_type(type),
	                                                       g_mime_content_type_get_media_subtype(type))
	                                     : g_strdup("text/plain");

	for (char *p = name; *p != '\0'; p++)
		*p = g_ascii_isgraph(*p) ? g_ascii_tolower(*p) : '?';
	if (!enclosed)
		g_ptr_array_add(text->own_parts, name);
	g_ptr_array_add(text->parts, g_steal_pointer(&name));
}

void text_note_report(Text *text, GMimeContentType *type)
{
	const char *report = type != NULL ? g_mime_content_type_get_parameter(type, "report-type") : NULL;
	g_autofree char *clean = NULL;

	if (report == NULL || text->report_type != NULL || !g_mime_content_type_is_type(type, "multipart", "report"))
		return;
	clean = text_decode_header(report);
	text->report_type = g_ascii_strdown(clean, -1);
}

/* Lists the parts below object; enclosed: inside a message/rfc822, whose report type is not this mail's. */
void text_list_parts(Text *text, GMimeObject *object, guint level, bool enclosed)
{
	GMimeContentType *type = g_mime_object_get_content_type(object);

	if (level > LEVELS_MAX || text->parts->len >= PARTS_MAX) {
		text->cut = true;
		return;
	}
	text_add_part(text, type, enclosed);
	if (!enclosed)
		text_note_report(text, type);
	if (GMIME_IS_MULTIPART(object)) {
		int count = g_mime_multipart_get_count(GMIME_MULTIPART(object));

		for (int i = 0; i < count && !(text->cut && text->parts->len >= PARTS_MAX); i++)
			text_list_parts(text, g_mime_multipart_get_part(GMIME_MULTIPART(object), i), level + 1, enclosed);
	} else if (GMIME_IS_MESSAGE_PART(object)) {
		GMimeMessage *message = g_mime_message_part_get_message(GMIME_MESSAGE_PART(object));
		GMimeObject *inner = message != NULL ? g_mime_message_get_mime_part(message) : NULL;

		if (inner != NULL)
			text_list_parts(text, inner, level + 1, true);
	}
}

/* They lie in the buffer that the parser read, so that nothing is copied. */
bool text_part_bytes(GMimePart *part, TextLeaf *leaf)
{
	GMimeDataWrapper *content = g_mime_part_get_content(part);
	GMimeStream *stream = content != NULL ? g_mime_data_wrapper_get_stream(content) : NULL;
	GByteArray *buffer;
	gint64 end;

	if (stream == NULL || !GMIME_IS_STREAM_MEM(stream))
		return false;
	buffer = g_mime_stream_mem_get_byte_array(GMIME_STREAM_MEM(stream));
	end = stream->bound_end >= 0 ? MIN(stream->bound_end, (gint64)buffer->len) : (gint64)buffer->len;
	if (stream->bound_start < 0 || stream->bound_start > end)
		return false;
	leaf->bytes = (const char *)buffer->data + stream->bound_start;
	leaf->size = (gsize)(end - stream->bound_start);
	return true;
}

static TextPartUse object_use(GMimeObject *object)
{
	GMimeContentType *type = g_mime_object_get_content_type(object);
	const char *written = g_mime_object_get_header(object, "Content-Type");

	if (!GMIME_IS_PART(object) || GMIME_IS_MESSAGE_PARTIAL(object) || type == NULL)
		return TEXT_PART_OTHER;
	if (written != NULL && strchr(written, '/') == NULL)
		return TEXT_PART_PLAIN;
	return text_part_use(g_mime_content_type_get_media_type(type), g_mime_content_type_get_media_subtype(type));
}

static void read_part(TextReader *reader, GMimeObject *object, bool enclosed)
{
	TextPartUse use = object_use(object);
	TextLeaf leaf = { .html = use == TEXT_PART_HTML };

	if (use == TEXT_PART_OTHER || text_value_starts(g_mime_object_get_header(object, "Content-Disposition"), "attachment"))
		return;
	/* A named text behind the first is a log or the like that the client shows inline. */
	if (g_mime_part_get_filename(GMIME_PART(object)) != NULL && reader->plain->len > 0 && use != TEXT_PART_REPORT)
		return;
	if (reader->leaves++ >= PARTS_MAX) {
		reader->text->cut = true;
		return;
	}
	leaf.encoding = g_mime_object_get_header(object, "Content-Transfer-Encoding");
	leaf.charset = g_mime_object_get_content_type_parameter(object, "charset");
	if (text_part_bytes(GMIME_PART(object), &leaf))
		text_read_leaf(reader, &leaf, enclosed || use == TEXT_PART_REPORT);
}

/* "This message is in HTML", "your mail client cannot show this": not what the writer wrote. */
static bool is_stub(const char *text, gsize size)
{
	return size < STUB_SIZE_MAX && contains_nocase(text, size, "html") &&
	       (contains_nocase(text, size, "message") || contains_nocase(text, size, "mail") ||
	        contains_nocase(text, size, "view") || contains_nocase(text, size, "browser"));
}

static bool is_blank(const char *text, gsize size)
{
	for (gsize i = 0; i < size; i++)
		if (!g_ascii_isspace(text[i]))
			return false;
	return true;
}

/* Takes the plain version, which says the same and is read in no time; the other ones where it is empty or says nothing. */
static void read_alternative(TextReader *reader, GMimeMultipart *multipart, guint level, bool enclosed)
{
	GString *out = enclosed ? reader->enclosed : reader->plain;
	gsize mark = out->len;
	int count = g_mime_multipart_get_count(multipart);
	int stub = -1;

	for (int pass = 0; pass < 2; pass++) {
		for (int i = 0; i < count; i++) {
			GMimeObject *child = g_mime_multipart_get_part(multipart, i);

			if ((object_use(child) == TEXT_PART_PLAIN) != (pass == 0))
				continue;
			text_read_object(reader, child, level + 1, enclosed);
			if (pass == 0 && is_stub(out->str + mark, out->len - mark))
				stub = i;
			else if (!is_blank(out->str + mark, out->len - mark))
				return;
			g_string_truncate(out, mark);
		}
	}
	if (stub >= 0)
		text_read_object(reader, g_mime_multipart_get_part(multipart, stub), level + 1, enclosed);
}

static void read_multipart(TextReader *reader, GMimeMultipart *multipart, guint level, bool enclosed)
{
	GMimeContentType *type = g_mime_object_get_content_type(GMIME_OBJECT(multipart));
	int count = g_mime_multipart_get_count(multipart);
	const char *prologue;

	if (type != NULL && g_mime_content_type_is_type(type, "multipart", "alternative")) {
		read_alternative(reader, multipart, level, enclosed);
		return;
	}
	for (int i = 0; i < count && reader->leaves < PARTS_MAX; i++)
		text_read_object(reader, g_mime_multipart_get_part(multipart, i), level + 1, enclosed);
	if (count > 0)
		return;
	/* None of its boundaries was found: what there is stands in front of the first. */
	prologue = g_mime_multipart_get_prologue(multipart);
	if (prologue != NULL)
		text_read_leaf(reader, &(TextLeaf){ .bytes = prologue, .size = strlen(prologue) }, enclosed);
}

static void read_enclosed_message(TextReader *reader, GMimeMessage *message, guint level)
{
	GMimeHeaderList *headers = g_mime_object_get_header_list(GMIME_OBJECT(message));
	GMimeHeader *header = g_mime_header_list_get_header(headers, "Subject");
	GMimeObject *inner = g_mime_message_get_mime_part(message);

	if (header != NULL) {
		g_autofree char *subject = text_decode_header(g_mime_header_get_raw_value(header));

		text_read_leaf(reader, &(TextLeaf){ .bytes = subject, .size = strlen(subject) }, true);
	}
	if (inner != NULL)
		text_read_object(reader, inner, level + 1, true);
}

void text_read_object(TextReader *reader, GMimeObject *object, guint level, bool enclosed)
{
	if (level > LEVELS_MAX) {
		reader->text->cut = true;
	} else if (GMIME_IS_MULTIPART_ENCRYPTED(object)) {
		return;
	} else if (GMIME_IS_MULTIPART(object)) {
		read_multipart(reader, GMIME_MULTIPART(object), level, enclosed);
	} else if (GMIME_IS_MESSAGE_PART(object)) {
		GMimeMessage *message = g_mime_message_part_get_message(GMIME_MESSAGE_PART(object));

		if (message != NULL)
			read_enclosed_message(reader, message, level);
	} else {
		read_part(reader, object, enclosed);
	}
}
