/* question: the lines between outage-milter and its helper outage-spf, written and read. Pure. Layer: spf.
 *
 * Either end may be talking to something that has gone wrong or over to somebody else, so each line is read to the letter and what
 * does not fit is refused whole. */
#include "spf/question.h"

#include <string.h>

#include "base/error.h"

/* Nothing longer names anything in DNS, and no reason needs more. */
#define VALUE_MAX 1024

#define FIELDS_MAX 7

/* ---- escaping ---- */

static bool needs_escape(guchar byte)
{
	return byte <= ' ' || byte == 0x7f || byte == '%';
}

static void append_value(GString *line, const char *value)
{
	gsize size = value != NULL ? MIN(strlen(value), VALUE_MAX) : 0;

	g_string_append_c(line, '\t');
	for (gsize i = 0; i < size; i++) {
		guchar byte = (guchar)value[i];

		if (needs_escape(byte))
			g_string_append_printf(line, "%%%02X", byte);
		else
			g_string_append_c(line, (char)byte);
	}
}

/* Returns the value that field stands for, or NULL where it is not escaped as it should be. Caller frees. */
static char *read_value(const char *field)
{
	g_autoptr(GString) value = g_string_new(NULL);

	for (const char *p = field; *p != '\0'; p++) {
		int byte = (guchar)*p;

		if (byte == '%') {
			if (!g_ascii_isxdigit(p[1]) || !g_ascii_isxdigit(p[2]))
				return NULL;
			byte = g_ascii_xdigit_value(p[1]) << 4 | g_ascii_xdigit_value(p[2]);
			if (byte == 0)
				return NULL;
			p += 2;
		} else if (needs_escape((guchar)byte)) {
			return NULL;
		}
		g_string_append_c(value, (char)byte);
	}
	return value->len <= VALUE_MAX ? g_string_free(g_steal_pointer(&value), FALSE) : NULL;
}

/* ---- fields ---- */

/* Takes a line apart at its tabs; NULL where it cannot be one of kind with so many fields. Caller frees with g_strfreev. */
static char **read_fields(const char *line, gsize size, const char *kind, guint count)
{
	g_autofree char *copy = NULL;
	g_auto(GStrv) fields = NULL;

	if (size >= SPF_LINE_MAX || memchr(line, '\0', size) != NULL)
		return NULL;
	copy = g_strndup(line, size);
	fields = g_strsplit(copy, "\t", FIELDS_MAX + 1);
	return g_strv_length(fields) == count && strcmp(fields[0], kind) == 0 ? g_steal_pointer(&fields) : NULL;
}

static bool read_number(const char *field, gsize digits_max, guint64 *number)
{
	gsize size = strlen(field);

	return size >= 1 && size <= digits_max && strspn(field, "0123456789") == size &&
	    g_ascii_string_to_unsigned(field, 10, 0, G_MAXUINT64, number, NULL);
}

static bool refuse(GError **error, const char *what)
{
	g_set_error(error, OUTAGE_ERROR, OUTAGE_ERROR_INVALID, "this is no line of the SPF helper: %s", what);
	return false;
}

/* ---- questions ---- */

char *spf_question_write(const SpfQuestion *question, guint64 serial, gint64 timeout)
{
	GString *line = g_string_new("Q");

	g_string_append_printf(line, "\t%" G_GUINT64_FORMAT "\t%" G_GINT64_FORMAT "\t%s", serial, CLAMP(timeout, 0, 999999999),
	    question->policy_only ? "policy" : "check");
	append_value(line, question->client);
	append_value(line, question->helo);
	append_value(line, question->sender);
	g_string_append_c(line, '\n');
	return g_string_free(line, FALSE);
}

/* Returns true with *value NULL for an empty field. */
static bool read_optional(const char *field, char **value)
{
	*value = field[0] != '\0' ? read_value(field) : NULL;
	return field[0] == '\0' || *value != NULL;
}

bool spf_question_read(const char *line, gsize size, SpfQuestion *question, guint64 *serial, gint64 *timeout, GError **error)
{
	g_auto(GStrv) fields = read_fields(line, size, "Q", 7);
	g_autofree char *client = NULL, *helo = NULL, *sender = NULL;
	guint64 milliseconds;
	bool policy_only;

	*question = (SpfQuestion) { 0 };
	if (fields == NULL)
		return refuse(error, "a question has seven fields, the first is Q");
	if (!read_number(fields[1], 20, serial) || !read_number(fields[2], 9, &milliseconds))
		return refuse(error, "its serial or its timeout is no number");
	policy_only = strcmp(fields[3], "policy") == 0;
	if (!policy_only && strcmp(fields[3], "check") != 0)
		return refuse(error, "it asks for neither \"check\" nor \"policy\"");
	sender = read_value(fields[6]);
	if (!read_optional(fields[4], &client) || !read_optional(fields[5], &helo) || sender == NULL)
		return refuse(error, "a value is too long or not escaped as it should be");
	if (client == NULL && !policy_only)
		return refuse(error, "a check needs a client");
	*timeout = (gint64)milliseconds;
	question->client = g_steal_pointer(&client);
	question->helo = g_steal_pointer(&helo);
	question->sender = g_steal_pointer(&sender);
	question->policy_only = policy_only;
	return true;
}

/* ---- answers ---- */

char *spf_answer_write(const SpfAnswer *answer, guint64 serial, const char *reason)
{
	/* "unasked" is no answer. */
	SpfResult result = answer->result != SPF_UNASKED ? answer->result : SPF_TEMPERROR;
	GString *line = g_string_new("A");

	g_string_append_printf(line, "\t%" G_GUINT64_FORMAT "\t%s\t%s", serial, spf_result_name(result),
	    answer->broad ? "broad" : "narrow");
	append_value(line, reason);
	g_string_append_c(line, '\n');
	return g_string_free(line, FALSE);
}

bool spf_answer_read(const char *line, gsize size, SpfAnswer *answer, guint64 *serial, char **reason, GError **error)
{
	g_auto(GStrv) fields = read_fields(line, size, "A", 5);
	g_autofree char *text = NULL;

	if (reason != NULL)
		*reason = NULL;
	*answer = (SpfAnswer) { .result = SPF_UNASKED };
	if (fields == NULL)
		return refuse(error, "an answer has five fields, the first is A");
	if (!read_number(fields[1], 20, serial))
		return refuse(error, "its serial is no number");
	if (!read_optional(fields[4], &text))
		return refuse(error, "its reason is too long or not escaped as it should be");
	if (!spf_result_parse(fields[2], strlen(fields[2]), &answer->result) || answer->result == SPF_UNASKED) {
		answer->result = SPF_UNASKED;
		return refuse(error, "its result is none of RFC 7208");
	}
	answer->broad = strcmp(fields[3], "broad") == 0;
	if (!answer->broad && strcmp(fields[3], "narrow") != 0) {
		answer->result = SPF_UNASKED;
		return refuse(error, "it is neither \"broad\" nor \"narrow\"");
	}
	if (reason != NULL)
		*reason = g_steal_pointer(&text);
	return true;
}
