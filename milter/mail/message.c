/* message: one mail as the milter (or a file) hands it over. Layer: mail.
 * Collects; judges nothing. What the bytes mean is mail/text's business. */
#include "mail/message.h"

#include <string.h>

#define BODY_START_SIZE 4096

static void header_free(gpointer data)
{
	Header *header = data;

	g_free(header->name);
	g_free(header->value);
	g_free(header);
}

Message *message_new(gsize body_limit)
{
	Message *message = g_new0(Message, 1);

	message->rcpts = g_ptr_array_new_with_free_func(g_free);
	message->headers = g_ptr_array_new_with_free_func(header_free);
	message->body = g_string_sized_new(MIN(body_limit, BODY_START_SIZE));
	message->body_limit = body_limit;
	return message;
}

void message_free(Message *message)
{
	if (message == NULL)
		return;
	g_free(message->client_addr);
	g_free(message->client_name);
	g_free(message->helo);
	g_free(message->auth_user);
	g_free(message->queue_id);
	g_free(message->sender);
	g_ptr_array_unref(message->rcpts);
	g_ptr_array_unref(message->headers);
	g_string_free(message->body, TRUE);
	g_free(message);
}

void message_reset(Message *message)
{
	g_clear_pointer(&message->auth_user, g_free);
	g_clear_pointer(&message->queue_id, g_free);
	g_clear_pointer(&message->sender, g_free);
	g_ptr_array_set_size(message->rcpts, 0);
	g_ptr_array_set_size(message->headers, 0);
	g_string_truncate(message->body, 0);
	message->body_cut = false;
}

/* Returns where the path ends: its closing bracket, which a quoted local part may contain without meaning it. */
static const char *path_end(const char *path)
{
	bool quoted = false;
	const char *p;

	for (p = path; *p != '\0'; p++) {
		if (*p == '\\' && quoted && p[1] != '\0')
			p++;
		else if (*p == '"')
			quoted = !quoted;
		else if (*p == '>' && !quoted)
			break;
	}
	return p;
}

/* Path = "<" Mailbox ">", RFC 5321 section 4.1.2; parameters such as SIZE= follow it after a space. */
static char *path_to_mailbox(const char *text)
{
	char *mailbox;

	while (g_ascii_isspace(*text))
		text++;
	if (*text == '<') {
		text++;
		mailbox = g_strndup(text, (gsize)(path_end(text) - text));
	} else {
		mailbox = g_strdup(text);
	}
	return g_strstrip(mailbox);
}

void message_set_sender(Message *message, const char *text)
{
	g_free(message->sender);
	message->sender = path_to_mailbox(text);
}

void message_add_rcpt(Message *message, const char *text)
{
	g_ptr_array_add(message->rcpts, path_to_mailbox(text));
}

static char *without_cr(const char *value)
{
	char *copy;
	char *out;

	if (*value == ' ' || *value == '\t')
		value++;
	copy = g_strdup(value);
	out = strchr(copy, '\r');
	if (out == NULL)
		return copy;
	for (const char *in = out; *in != '\0'; in++)
		if (*in != '\r')
			*out++ = *in;
	*out = '\0';
	return copy;
}

void message_add_header(Message *message, const char *name, const char *value)
{
	Header *header = g_new(Header, 1);

	header->name = g_strdup(name);
	header->value = without_cr(value);
	g_ptr_array_add(message->headers, header);
}

bool message_add_body(Message *message, const char *bytes, gsize size)
{
	gsize room = message->body_limit - message->body->len;

	if (size > room) {
		message->body_cut = true;
		size = room;
	}
	g_string_append_len(message->body, bytes, (gssize)size);
	/* Exactly full is not yet cut: only another byte tells whether there was more. */
	return message->body_cut;
}

const char *message_header(const Message *message, const char *name, guint nth)
{
	for (guint i = 0; i < message->headers->len; i++) {
		const Header *header = g_ptr_array_index(message->headers, i);

		if (g_ascii_strcasecmp(header->name, name) == 0 && nth-- == 0)
			return header->value;
	}
	return NULL;
}

guint message_header_count(const Message *message, const char *name)
{
	guint count = 0;

	for (guint i = 0; i < message->headers->len; i++) {
		const Header *header = g_ptr_array_index(message->headers, i);

		if (g_ascii_strcasecmp(header->name, name) == 0)
			count++;
	}
	return count;
}

/* Reading a file:
 *
 *     message    = [ "From " *any EOL ] *field [ EOL ] body
 *     field      = name *WSP ":" *any EOL *( WSP *any EOL )       RFC 5322 sections 2.2 and 4.5.1 (space before ':')
 *     name       = 1*( %d33-57 / %d59-126 )
 *     EOL        = LF / CRLF, or CR where the file has no LF
 */
typedef struct {
	const char *at;
	const char *end;
	char eol;
} Lines;

/* Takes the next line without its end; returns false at the end of the bytes. */
static bool next_line(Lines *lines, const char **start, gsize *size)
{
	const char *eol;

	if (lines->at == lines->end)
		return false;
	eol = memchr(lines->at, lines->eol, (gsize)(lines->end - lines->at));
	*start = lines->at;
	*size = (gsize)((eol != NULL ? eol : lines->end) - lines->at);
	lines->at = eol != NULL ? eol + 1 : lines->end;
	if (*size > 0 && (*start)[*size - 1] == '\r')
		(*size)--;
	return true;
}

/* Returns the length of the field name the line starts with, 0 where it can be no field; *value is behind the colon. */
static gsize field_name_length(const char *line, gsize size, gsize *value)
{
	gsize length = 0;
	gsize colon;

	while (length < size && line[length] > ' ' && line[length] < 0x7f && line[length] != ':')
		length++;
	colon = length;
	while (colon < size && (line[colon] == ' ' || line[colon] == '\t'))
		colon++;
	if (colon == size || line[colon] != ':')
		return 0;
	*value = colon + 1;
	return length;
}

static void append_without_nul(GString *out, const char *bytes, gsize size)
{
	for (gsize i = 0; i < size; i++)
		if (bytes[i] != '\0')
			g_string_append_c(out, bytes[i]);
}

static void flush_field(Message *message, GString *name, const GString *value)
{
	if (name->len > 0)
		message_add_header(message, name->str, value->str);
	g_string_truncate(name, 0);
}

/* Reads the fields and leaves lines at the first byte of the body. */
static void read_fields(Message *message, Lines *lines)
{
	g_autoptr(GString) name = g_string_new(NULL);
	g_autoptr(GString) value = g_string_new(NULL);
	const char *before = lines->at;
	const char *line;
	gsize size;

	for (; next_line(lines, &line, &size) && size > 0; before = lines->at) {
		gsize at = 0;

		if (name->len > 0 && (*line == ' ' || *line == '\t')) {
			g_string_append_c(value, '\n');
			append_without_nul(value, line, size);
		} else {
			gsize length = field_name_length(line, size, &at);

			flush_field(message, name, value);
			if (length == 0) {
				lines->at = before;
				return;
			}
			g_string_append_len(name, line, (gssize)length);
			g_string_truncate(value, 0);
			append_without_nul(value, line + at, size - at);
		}
	}
	flush_field(message, name, value);
}

Message *message_from_bytes(const char *bytes, gsize size, gsize body_limit)
{
	Message *message = message_new(body_limit);
	Lines lines;
	const char *line;
	gsize length;

	if (size == 0)
		return message;
	lines = (Lines){ .at = bytes, .end = bytes + size, .eol = memchr(bytes, '\n', size) != NULL ? '\n' : '\r' };
	if (size >= 5 && memcmp(bytes, "From ", 5) == 0)
		next_line(&lines, &line, &length);
	read_fields(message, &lines);
	message_add_body(message, lines.at, (gsize)(lines.end - lines.at));
	return message;
}
