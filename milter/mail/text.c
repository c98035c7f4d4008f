/* text: from a Message to what a person wrote. Layer: mail.
 *
 * A mail of one part (most of them) is decoded straight from its body; only mail with parts goes through GMime's parser,
 * over the Content-Type field and the body put together again. Both ways end in text_read_leaf. The words of all parts
 * are collected in their order and split into own and quoted once, since a quotation may begin in one part and end in
 * another. Siblings: text-parts (which parts count), text-charset (bytes to clean UTF-8), text-html, text-header (encoded words,
 * addresses), text-quote (the splitting) with text-words, text-phrases, text-attribution, text-signature, text-forward and
 * text-letter. */
#include "mail/text-private.h"

#include <libxml/parser.h>
#include <string.h>

/* What GMime is given at most: it holds each line with "--" against every open boundary, and makes objects of fields. */
#define DASH_LINES_MAX 2000
#define FIELD_LINES_MAX 4000
#define SNIFF_LINES 40   /* of the body, in search of a MIME header that is not where it belongs */

static GMimeParserOptions *parser_options;

GMimeParserOptions *text_parser_options(void)
{
	return parser_options;
}

/* GMime registers its types on first use without a lock, so threads must find them all registered, and their classes made.
 * Classes of static types are never freed, so the references need no counterpart. */
static void register_types(void)
{
	const GType types[] = {
		GMIME_TYPE_OBJECT, GMIME_TYPE_PART, GMIME_TYPE_TEXT_PART, GMIME_TYPE_MULTIPART, GMIME_TYPE_MULTIPART_SIGNED,
		GMIME_TYPE_MULTIPART_ENCRYPTED, GMIME_TYPE_MESSAGE, GMIME_TYPE_MESSAGE_PART, GMIME_TYPE_MESSAGE_PARTIAL,
		GMIME_TYPE_APPLICATION_PKCS7_MIME, GMIME_TYPE_PARSER, GMIME_TYPE_STREAM, GMIME_TYPE_STREAM_MEM,
		GMIME_TYPE_DATA_WRAPPER, GMIME_TYPE_CONTENT_TYPE, GMIME_TYPE_CONTENT_DISPOSITION, GMIME_TYPE_PARAM,
		GMIME_TYPE_PARAM_LIST, GMIME_TYPE_HEADER, GMIME_TYPE_HEADER_LIST, INTERNET_ADDRESS_TYPE,
		INTERNET_ADDRESS_TYPE_GROUP, INTERNET_ADDRESS_TYPE_MAILBOX, INTERNET_ADDRESS_LIST_TYPE,
	};

	for (guint i = 0; i < G_N_ELEMENTS(types); i++)
		g_type_class_ref(types[i]);
}

void text_init(void)
{
	const char *fallbacks[] = { "utf-8", "windows-1252", NULL };

	if (parser_options != NULL)
		return;
	g_mime_init();
	register_types();
	parser_options = g_mime_parser_options_new();
	g_mime_parser_options_set_fallback_charsets(parser_options, fallbacks);
	text_charset_init();
	xmlInitParser();
}

void text_shutdown(void)
{
	if (parser_options == NULL)
		return;
	g_clear_pointer(&parser_options, g_mime_parser_options_free);
	text_charset_shutdown();
	g_mime_shutdown();
	xmlCleanupParser();
}

void text_free(Text *text)
{
	if (text == NULL)
		return;
	g_free(text->subject);
	g_free(text->own);
	g_free(text->quoted);
	g_free(text->language);
	g_ptr_array_unref(text->own_parts);
	g_ptr_array_unref(text->parts);
	g_free(text->report_type);
	g_free(text);
}

/* Parses a Content-Type as written. RFC 2045 section 5.2: none, or one that is no type at all, is text/plain. */
static GMimeContentType *parse_type(const char *value)
{
	g_autoptr(GString) labelled = g_string_new(NULL);

	if (value == NULL || strchr(value, '/') == NULL)
		return NULL;
	text_append_known_labels(labelled, value, strlen(value));
	return g_mime_content_type_parse(parser_options, labelled->str);
}

/* Returns true where the line could be a header field. */
static bool is_field_line(const char *line, const char *end)
{
	const char *start = line;

	while (line < end && *line > ' ' && *line != ':')
		line++;
	return line < end && line > start && *line == ':';
}

/* Returns how much of the body GMime gets: hostile mail has boundaries or fields by the thousand. */
static gsize parsed_size(const char *body, gsize size)
{
	const char *end = body + size;
	guint dashes = 0;
	guint fields = 0;

	for (const char *at = body; at < end;) {
		const char *eol = memchr(at, '\n', (gsize)(end - at));
		const char *line_end = eol != NULL ? eol : end;

		if (line_end - at >= 2 && at[0] == '-' && at[1] == '-')
			dashes++;
		else if (is_field_line(at, line_end))
			fields++;
		if (dashes > DASH_LINES_MAX || fields > FIELD_LINES_MAX)
			return (gsize)(at - body);
		at = eol != NULL ? eol + 1 : end;
	}
	return size;
}

static void append_field(GString *entity, const char *name, const char *value)
{
	gsize start;

	if (value == NULL)
		return;
	g_string_append_printf(entity, "%s: ", name);
	start = entity->len;
	text_append_known_labels(entity, value, strlen(value));
	for (gsize i = start; i < entity->len; i++)
		if (entity->str[i] == '\n')
			entity->str[i] = ' ';
	g_string_append_c(entity, '\n');
}

/* Parses an entity (header fields, empty line, body) that this function takes over. The object keeps the bytes alive. */
static GMimeObject *parse_entity(GString *entity)
{
	gsize size = entity->len;
	GByteArray *buffer = g_byte_array_new_take((guint8 *)g_string_free(entity, FALSE), size);
	GMimeStream *stream = g_mime_stream_mem_new_with_byte_array(buffer);
	GMimeParser *parser = g_mime_parser_new_with_stream(stream);
	GMimeObject *object = g_mime_parser_construct_part(parser, parser_options);

	g_object_unref(parser);
	g_object_unref(stream);
	return object;
}

static bool line_is(const char *line, const char *end, const char *prefix)
{
	return (gsize)(end - line) >= strlen(prefix) && g_ascii_strncasecmp(line, prefix, strlen(prefix)) == 0;
}

/* Returns the boundary that a body visibly uses: a line "--X" right above a line "Content-..."; caller frees. */
static char *sniff_boundary(const char *body, gsize size, guint lines)
{
	const char *end = body + size;

	for (const char *at = body; at < end && lines > 0; lines--) {
		const char *eol = memchr(at, '\n', (gsize)(end - at));

		if (eol == NULL)
			return NULL;
		if (eol - at > 3 && at[0] == '-' && at[1] == '-' && line_is(eol + 1, end, "Content-")) {
			g_autofree char *boundary = g_strndup(at + 2, (gsize)(eol - at - 2));

			g_strchomp(boundary);
			if (*boundary != '\0' && strpbrk(boundary, "\"\\\r") == NULL)
				return g_steal_pointer(&boundary);
		}
		at = eol + 1;
	}
	return NULL;
}

/* A broken header field ends the header early: the Content-Type then stands among the first lines of the body, and the
 * parts begin behind it. */
static bool find_stray_type(const char *body, gsize size, gsize *offset)
{
	const char *end = body + size;
	guint lines = SNIFF_LINES;

	for (const char *at = body; at < end && lines > 0; lines--) {
		const char *eol = memchr(at, '\n', (gsize)(end - at));

		if (line_is(at, end, "Content-Type:") && (gsize)(end - at) > strlen("Content-Type:") &&
		    text_value_starts(at + strlen("Content-Type:"), "multipart/")) {
			*offset = (gsize)(at - body);
			return true;
		}
		if (eol == NULL)
			return false;
		at = eol + 1;
	}
	return false;
}

static bool body_has_boundary(const char *body, gsize size, const char *boundary)
{
	gsize length = strlen(boundary);
	const char *end = body + size;

	for (const char *at = body; at < end;) {
		const char *eol = memchr(at, '\n', (gsize)(end - at));

		if ((gsize)(end - at) >= length + 2 && at[0] == '-' && at[1] == '-' && memcmp(at + 2, boundary, length) == 0)
			return true;
		at = eol != NULL ? eol + 1 : end;
	}
	return false;
}

static char *multipart_with(const char *subtype, const char *boundary)
{
	return g_strdup_printf("multipart/%s; boundary=\"%s\"", subtype, boundary);
}

/* Returns the Content-Type to parse the body with, NULL for a body of one part; caller frees. GMime takes header and body
 * at their word, so where the two do not agree the header is mended here. */
static char *structure_type(const Message *message, const char *value, GMimeContentType *type)
{
	const char *body = message->body->str;
	gsize size = message->body->len;
	g_autofree char *sniffed = NULL;
	const char *boundary;

	if (type == NULL) {
		sniffed = sniff_boundary(body, size, SNIFF_LINES);
		return sniffed != NULL ? multipart_with("mixed", sniffed) : NULL;
	}
	if (text_value_starts(value, "message/"))
		return g_strdup(value);
	if (!g_mime_content_type_is_type(type, "multipart", "*"))
		return NULL;
	boundary = g_mime_content_type_get_parameter(type, "boundary");
	if (boundary != NULL && *boundary != '\0' && body_has_boundary(body, size, boundary))
		return g_strdup(value);
	sniffed = sniff_boundary(body, size, G_MAXUINT);
	return sniffed != NULL ? multipart_with(g_mime_content_type_get_media_subtype(type), sniffed) : NULL;
}

static void read_single(TextReader *reader, const Message *message, GMimeContentType *type)
{
	TextPartUse use = TEXT_PART_PLAIN;
	TextLeaf leaf = { .bytes = message->body->str, .size = message->body->len };

	text_add_part(reader->text, type, false);
	text_note_report(reader->text, type);
	if (type != NULL && !g_mime_content_type_is_type(type, "multipart", "*")) {
		use = text_part_use(g_mime_content_type_get_media_type(type), g_mime_content_type_get_media_subtype(type));
		leaf.charset = g_mime_content_type_get_parameter(type, "charset");
		leaf.encoding = message_header(message, "Content-Transfer-Encoding", 0);
	} else if (type == NULL) {
		leaf.encoding = message_header(message, "Content-Transfer-Encoding", 0);
	}
	leaf.html = use == TEXT_PART_HTML;
	if (use != TEXT_PART_OTHER && !text_value_starts(message_header(message, "Content-Disposition", 0), "attachment"))
		text_read_leaf(reader, &leaf, use == TEXT_PART_REPORT);
}

/* Parses the body as of that type; *cut is set where not all of it was. Caller unrefs; NULL where nothing came of it. */
static GMimeObject *parse_parts(const Message *message, const char *type, bool *cut)
{
	gsize size = parsed_size(message->body->str, message->body->len);
	GString *entity = g_string_sized_new(size + 256);

	if (size < message->body->len)
		*cut = true;
	append_field(entity, "Content-Type", type);
	append_field(entity, "Content-Transfer-Encoding", message_header(message, "Content-Transfer-Encoding", 0));
	append_field(entity, "Content-Disposition", message_header(message, "Content-Disposition", 0));
	g_string_append_c(entity, '\n');
	text_append_known_labels(entity, message->body->str, size);
	return parse_entity(entity);
}

static void read_parts(TextReader *reader, const Message *message, const char *type)
{
	GMimeObject *object = parse_parts(message, type, &reader->text->cut);

	if (object == NULL)
		return;
	text_list_parts(reader->text, object, 0, false);
	text_read_object(reader, object, 0, false);
	g_object_unref(object);
}

GMimeObject *text_parse(const Message *message)
{
	const char *value = message_header(message, "Content-Type", 0);
	GMimeContentType *type = parse_type(value);
	g_autofree char *structure = structure_type(message, value, type);
	GMimeObject *object = NULL;
	bool cut = false;

	if (structure != NULL)
		object = parse_parts(message, structure, &cut);
	g_clear_object(&type);
	return object;
}

static void read_body(TextReader *reader, const Message *message, bool always_parse)
{
	const char *value = message_header(message, "Content-Type", 0);
	GMimeContentType *type = parse_type(value);
	gsize stray;

	if (type == NULL && find_stray_type(message->body->str, message->body->len, &stray)) {
		gsize size = message->body->len - stray;
		g_autoptr(Message) inner = message_from_bytes(message->body->str + stray, size, size);

		read_body(reader, inner, always_parse); /* has a type, so this does not come here again */
	} else {
		g_autofree char *structure = structure_type(message, value, type);

		if (structure == NULL && always_parse)
			structure = g_strdup(value != NULL ? value : "text/plain");
		if (structure == NULL) {
			read_single(reader, message, type);
		} else {
			text_note_report(reader->text, type);
			read_parts(reader, message, structure);
		}
	}
	g_clear_object(&type);
}

/* Language-Tag at the start of the field, RFC 5646; the rest of the list and weights are not looked at. */
static char *first_language(const Message *message)
{
	static const char *const FIELDS[] = { "Content-Language", "Accept-Language" };

	for (guint i = 0; i < G_N_ELEMENTS(FIELDS); i++) {
		const char *value = message_header(message, FIELDS[i], 0);
		gsize length = 0;

		if (value == NULL)
			continue;
		while (g_ascii_isspace(*value))
			value++;
		while (length < 35 && (g_ascii_isalnum(value[length]) || value[length] == '-'))
			length++;
		if (length >= 2 && g_ascii_isalpha(*value))
			return g_ascii_strdown(value, (gssize)length);
	}
	return NULL;
}

Text *text_read_with(const Message *message, gsize max_text, bool always_parse)
{
	Text *text = g_new0(Text, 1);
	g_autoptr(GString) plain = g_string_sized_new(MIN(message->body->len, max_text) + 1);
	g_autoptr(GString) enclosed = g_string_new(NULL);
	GString *own = g_string_sized_new(MIN(message->body->len, max_text) + 1);
	GString *quoted = g_string_new(NULL);
	TextReader reader = { .text = text, .plain = plain, .enclosed = enclosed, .max = max_text };
	TextKind kind;

	text->subject = text_decode_header(message_header(message, "Subject", 0));
	text->language = first_language(message);
	text->parts = g_ptr_array_new_with_free_func(g_free);
	text->own_parts = g_ptr_array_new();
	text->cut = message->body_cut;
	read_body(&reader, message, always_parse);
	kind = text_kind(text->subject, message_header(message, "In-Reply-To", 0) != NULL || message_header(message, "References", 0) != NULL);
	if (!text_split(plain->str, plain->len, kind, own, quoted, max_text))
		text->cut = true;
	/* Forwarded as an attachment, with nothing to say besides: then it is what the writer has to say. */
	if (enclosed->len > 0 && text->report_type == NULL && kind != TEXT_KIND_REPLY && text_is_filler(own->str, own->len)) {
		if (own->len > 0)
			text_append_clean(own, "\n", 1, max_text);
		if (!text_split(enclosed->str, enclosed->len, TEXT_KIND_FORWARD, own, quoted, max_text))
			text->cut = true;
	} else if (enclosed->len > 0) {
		if (quoted->len > 0)
			text_append_clean(quoted, "\n", 1, max_text);
		if (!text_append_clean(quoted, enclosed->str, enclosed->len, max_text))
			text->cut = true;
	}
	text->own = g_string_free(own, FALSE);
	text->quoted = g_string_free(quoted, FALSE);
	return text;
}

Text *text_read(const Message *message, gsize max_text)
{
	return text_read_with(message, max_text, false);
}
