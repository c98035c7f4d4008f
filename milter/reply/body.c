/* body: the text of a letter as MIME parts (see body.h). Layer: reply.
 *
 * The text goes as it is where every path can carry it, that is plain ASCII in short lines, else as quoted-printable, which what lies
 * between here and the reader leaves alone. The alternative that shows more stands last: a client takes the last one that it can show. */
#include "reply/body.h"

#include <stdbool.h>
#include <string.h>

#define LINE_BYTES 990 /* RFC 5322 section 2.1.1: 998 */

static bool goes_plain(const char *text)
{
	gsize line = 0;
	for (const char *p = text; *p != '\0'; p++) {
		line = *p == '\n' ? 0 : line + 1;
		if ((*p & 0x80) != 0 || *p == '\r' || line > LINE_BYTES)
			return false;
	}
	return true;
}

static GMimeObject *make_part(const char *subtype, const char *text)
{
	GMimePart *part = g_mime_part_new_with_type("text", subtype);
	g_mime_object_set_content_type_parameter(GMIME_OBJECT(part), "charset", "utf-8");
	GMimeStream *stream = g_mime_stream_mem_new_with_buffer(text, strlen(text));
	GMimeDataWrapper *content = g_mime_data_wrapper_new_with_stream(stream, GMIME_CONTENT_ENCODING_DEFAULT);
	g_mime_part_set_content(part, content);
	g_object_unref(content);
	g_object_unref(stream);
	g_mime_part_set_content_encoding(part, goes_plain(text) ? GMIME_CONTENT_ENCODING_7BIT : GMIME_CONTENT_ENCODING_QUOTEDPRINTABLE);
	return GMIME_OBJECT(part);
}

/* Takes part over. */
static void add_part(GMimeMultipart *both, GMimeObject *part)
{
	g_mime_multipart_add(both, part);
	g_object_unref(part);
}

GMimeObject *body_make(const char *text, const char *html, const char *language)
{
	GMimeObject *body = make_part("plain", text);
	if (html != NULL) {
		GMimeMultipart *both = g_mime_multipart_new_with_subtype("alternative");
		add_part(both, body);
		add_part(both, make_part("html", html));
		body = GMIME_OBJECT(both);
	}
	if (language != NULL)
		g_mime_object_set_header(body, "Content-Language", language, "utf-8");
	return body;
}
