/* text-report: what a delivery status notification says of each recipient. Layer: mail. RFC 3464, RFC 6522, RFC 6533.
 *
 *     delivery-status-content = per-message-fields 1*( CRLF per-recipient-fields )
 *     per-recipient-fields    = [ original-recipient-field CRLF ] final-recipient-field CRLF action-field CRLF
 *                               status-field CRLF *( other fields, diagnostic-code-field among them )
 *     action-field            = "Action" ":" ( "failed" / "delayed" / "delivered" / "relayed" / "expanded" )
 *     status-field            = "Status" ":" status-code
 *     status-code             = ( "2" / "4" / "5" ) "." 1*3DIGIT "." 1*3DIGIT            RFC 3463 section 2
 *     diagnostic-code-field   = "Diagnostic-Code" ":" diagnostic-type ";" *text
 *
 * Fields fold, and comments may stand around values, as in any header. An empty line ends a group. Action is what only a group of a
 * recipient has, so a report without the group of the message, or without the empty line behind it, is read as well. */
#include "mail/text-private.h"

#include <string.h>

#define LEVELS_MAX 20
#define PARTS_MAX 200
#define PART_BYTES_MAX (64 * 1024)
#define RECIPIENTS_MAX 100
#define ACTION_BYTES_MAX 20
#define COMMENT_LEVELS_MAX 10

static void status_free(gpointer data)
{
	TextDeliveryStatus *status = data;

	g_free(status->action);
	g_free(status->status);
	g_free(status->diagnostic);
	g_free(status);
}

/*     CFWS    = *( WSP / comment )
 *     comment = "(" *( text / quoted-pair / comment ) ")"       RFC 5322 section 3.2.2
 * A comment that nobody closes leaves nothing. */
static const char *skip_cfws(const char *p)
{
	guint depth = 0;

	for (; *p != '\0'; p++) {
		if (*p == '(' && depth < COMMENT_LEVELS_MAX)
			depth++;
		else if (depth > 0 && *p == ')')
			depth--;
		else if (depth > 0 && *p == '\\' && p[1] != '\0')
			p++;
		else if (depth == 0 && !g_ascii_isspace(*p))
			break;
	}
	return p;
}

static char *parse_action(const char *value)
{
	gsize length = 0;

	value = skip_cfws(value);
	while (length < ACTION_BYTES_MAX && (g_ascii_isalnum(value[length]) || value[length] == '-'))
		length++;
	return g_ascii_strdown(value, (gssize)length);
}

static gsize count_digits(const char *p)
{
	gsize count = 0;

	while (g_ascii_isdigit(p[count]))
		count++;
	return count;
}

static char *parse_status(const char *value)
{
	const char *start = skip_cfws(value);
	const char *p = start;

	if ((*p != '2' && *p != '4' && *p != '5') || p[1] != '.')
		return g_strdup("");
	p++;
	for (guint i = 0; i < 2; i++) {
		gsize digits = *p == '.' ? count_digits(p + 1) : 0;

		if (digits < 1 || digits > 3)
			return g_strdup("");
		p += 1 + digits;
	}
	return g_strndup(start, (gsize)(p - start));
}

typedef struct {
	GPtrArray *statuses;
	guint parts; /* looked at so far */
} Walk;

/* The fields of one group, unfolded; of one that stands twice the first. */
typedef struct {
	GString *action, *status, *diagnostic;
	GString *open; /* the one of them that a folded line goes on with, or NULL */
} Group;

static void end_group(Group *group, GPtrArray *statuses)
{
	g_autofree char *action = parse_action(group->action->str);

	if (*action != '\0' && statuses->len < RECIPIENTS_MAX) {
		TextDeliveryStatus *status = g_new0(TextDeliveryStatus, 1);

		status->action = g_steal_pointer(&action);
		status->status = parse_status(group->status->str);
		status->diagnostic = text_decode_header(group->diagnostic->str);
		g_ptr_array_add(statuses, status);
	}
	g_string_truncate(group->action, 0);
	g_string_truncate(group->status, 0);
	g_string_truncate(group->diagnostic, 0);
	group->open = NULL;
}

static void add_line(Group *group, const char *line, gsize size)
{
	const struct {
		const char *name;
		GString *value;
	} fields[] = {
		{ "Action", group->action }, { "Status", group->status }, { "Diagnostic-Code", group->diagnostic },
	};
	const char *colon;
	gsize length;

	if (g_ascii_isspace(*line)) {
		if (group->open != NULL)
			g_string_append_len(group->open, line, (gssize)size);
		return;
	}
	group->open = NULL;
	colon = memchr(line, ':', size);
	length = colon != NULL ? (gsize)(colon - line) : 0;
	while (length > 0 && g_ascii_isspace(line[length - 1]))
		length--;
	for (guint i = 0; i < G_N_ELEMENTS(fields); i++) {
		if (strlen(fields[i].name) != length || g_ascii_strncasecmp(line, fields[i].name, length) != 0 ||
		    fields[i].value->len > 0)
			continue;
		g_string_append_len(fields[i].value, colon + 1, (gssize)(line + size - (colon + 1)));
		group->open = fields[i].value;
	}
}

static bool is_blank(const char *line, gsize size)
{
	while (size > 0 && g_ascii_isspace(line[size - 1]))
		size--;
	return size == 0;
}

/* text: clean, with LF line ends. */
static void read_groups(GPtrArray *statuses, const GString *text)
{
	Group group = { .action = g_string_new(NULL), .status = g_string_new(NULL), .diagnostic = g_string_new(NULL) };
	const char *end = text->str + text->len;

	for (const char *line = text->str; line < end && statuses->len < RECIPIENTS_MAX;) {
		const char *eol = memchr(line, '\n', (gsize)(end - line));
		gsize size = (gsize)((eol != NULL ? eol : end) - line);

		if (is_blank(line, size))
			end_group(&group, statuses);
		else
			add_line(&group, line, size);
		line += size + (eol != NULL);
	}
	end_group(&group, statuses);
	g_string_free(group.action, TRUE);
	g_string_free(group.status, TRUE);
	g_string_free(group.diagnostic, TRUE);
}

static void read_status_part(GPtrArray *statuses, GMimePart *part)
{
	g_autoptr(GString) decoded = g_string_new(NULL);
	g_autoptr(GString) converted = g_string_new(NULL);
	g_autoptr(GString) clean = g_string_new(NULL);
	TextLeaf leaf = { .bytes = NULL };
	const char *bytes;
	gsize size;

	if (!text_part_bytes(part, &leaf))
		return;
	/* Base64 makes four bytes of three; whatever else is that long is not worth the decoding. */
	size = MIN(leaf.size, PART_BYTES_MAX * 2);
	bytes = text_undo_encoding(leaf.bytes, &size, g_mime_object_get_header(GMIME_OBJECT(part), "Content-Transfer-Encoding"),
	    decoded);
	bytes = text_to_utf8(bytes, &size, g_mime_object_get_content_type_parameter(GMIME_OBJECT(part), "charset"), converted);
	text_append_clean(clean, bytes, size, PART_BYTES_MAX);
	read_groups(statuses, clean);
}

static bool is_status_part(GMimeContentType *type)
{
	return type != NULL && (g_mime_content_type_is_type(type, "message", "delivery-status") ||
	    g_mime_content_type_is_type(type, "message", "global-delivery-status"));
}

/* RFC 6522 section 3 wants the parameter; a report without it says what it is by its part. */
static bool is_status_report(GMimeContentType *type)
{
	const char *report;
	g_autofree char *clean = NULL;

	if (type == NULL || !g_mime_content_type_is_type(type, "multipart", "report"))
		return false;
	report = g_mime_content_type_get_parameter(type, "report-type");
	if (report == NULL)
		return true;
	clean = text_decode_header(report);
	return g_ascii_strcasecmp(clean, "delivery-status") == 0;
}

/* in_report: object is a direct part of such a report. */
static void walk_object(Walk *walk, GMimeObject *object, guint level, bool in_report)
{
	GMimeContentType *type = g_mime_object_get_content_type(object);

	if (level > LEVELS_MAX || walk->parts++ >= PARTS_MAX)
		return;
	if (GMIME_IS_MULTIPART(object)) {
		bool report = is_status_report(type);
		int count = g_mime_multipart_get_count(GMIME_MULTIPART(object));

		for (int i = 0; i < count && walk->parts < PARTS_MAX; i++)
			walk_object(walk, g_mime_multipart_get_part(GMIME_MULTIPART(object), i), level + 1, report);
	} else if (in_report && GMIME_IS_PART(object) && is_status_part(type)) {
		read_status_part(walk->statuses, GMIME_PART(object));
	}
}

GPtrArray *text_delivery_statuses(const Message *message)
{
	Walk walk = { .statuses = g_ptr_array_new_with_free_func(status_free) };
	GMimeObject *object = text_parse(message);

	if (object == NULL)
		return walk.statuses;
	walk_object(&walk, object, 0, false);
	g_object_unref(object);
	return walk.statuses;
}
