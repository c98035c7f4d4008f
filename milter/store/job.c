/* job: an acknowledgement to be sent, as signed JSON, and the reading of it (see job.h). Layer: store.
 *
 *     job        = object with the members of `members` below, and "v":1
 *     message-id = "<" 1*VCHAR ">"            references = message-id *( " " message-id )
 *
 * The signature says that a milter of this site wrote it. The replier still reads every field as if a stranger had: whoever
 * can write to the store may replay what was signed for other purposes, and a mail's own header values are in it. */
#include <string.h>

#include "base/address.h"
#include "base/clock.h"
#include "base/error.h"
#include "store/job-private.h"

#define PAYLOAD_MAX 65536
#define DEPTH_MAX 8            /* a job has one level, a delayed one two */
#define TIME_MAX 253402300799  /* the year 9999: what no clock can show breaks what prints it */
#define SUBJECT_MAX 4096
#define REFERENCES_MAX 16384
#define PAYLOAD_VERSION 1
#define ID_NAME 17             /* where the name begins in an incident's id */

void stored_job_free(StoredJob *job)
{
	if (job == NULL)
		return;
	g_free(job->handle);
	g_free(job->payload);
	g_free(job->mac);
	g_free(job->why);
	g_free(job);
}

void job_free(Job *job)
{
	if (job == NULL)
		return;
	g_free(job->token);
	claim_request_free(job->request);
	g_free(job);
}

/* Text that comes from a mail may hold anything: what a reader would have to refuse is replaced here already, or one tab in a
 * subject would cost the customer the acknowledgement. Bounded to max bytes. */
static char *tame(const char *text, gsize max)
{
	char *valid = g_utf8_make_valid(text, -1);

	if (strlen(valid) > max)
		*g_utf8_find_prev_char(valid, valid + max + 1) = '\0';
	for (char *p = valid; *p != '\0'; p = g_utf8_next_char(p)) {
		if (!g_unichar_iscntrl(g_utf8_get_char(p)))
			continue;
		for (char *end = g_utf8_next_char(p), *q = p; q < end; q++)
			*q = ' ';
	}
	return valid;
}

static void add_text(JsonBuilder *builder, const char *name, const char *text)
{
	g_autofree char *tamed = NULL;

	if (text == NULL || *text == '\0')
		return;
	tamed = tame(text, SUBJECT_MAX);
	json_builder_set_member_name(builder, name);
	json_builder_add_string_value(builder, tamed);
}

static void add_number(JsonBuilder *builder, const char *name, gint64 number)
{
	json_builder_set_member_name(builder, name);
	json_builder_add_int_value(builder, number);
}

/* RFC 5322 section 3.6.4 asks for the first reference and the last ones; a chain that is too long keeps the last ones. */
static const char *bounded_references(const char *references)
{
	gsize size = strlen(references);
	const char *start;

	if (size <= REFERENCES_MAX)
		return references;
	start = strchr(references + size - REFERENCES_MAX, ' ');
	return start != NULL ? start + 1 : "";
}

static bool message_id_fits(const char *id, gsize size)
{
	if (size < 3 || size > 998 || id[0] != '<' || id[size - 1] != '>')
		return false;
	for (gsize i = 1; i < size - 1; i++)
		if (!g_ascii_isgraph(id[i]) || id[i] == '<' || id[i] == '>')
			return false;
	return true;
}

/* Ids that a reader would refuse are left out: threading suffers, the acknowledgement does not. */
static void add_ids(JsonBuilder *builder, const char *name, const char *text)
{
	g_auto(GStrv) ids = NULL;
	GString *kept;

	if (text == NULL)
		return;
	ids = g_strsplit_set(bounded_references(text), " \t\r\n", -1);
	kept = g_string_new(NULL);
	for (char **id = ids; *id != NULL; id++)
		if (message_id_fits(*id, strlen(*id)))
			g_string_append_printf(kept, "%s%s", kept->len > 0 ? " " : "", *id);
	if (kept->len > 0) {
		json_builder_set_member_name(builder, name);
		json_builder_add_string_value(builder, kept->str);
	}
	g_string_free(kept, TRUE);
}

char *job_sign(const Secret *secret, const ClaimRequest *request, const char *token, char **mac)
{
	g_autoptr(JsonBuilder) builder = json_builder_new_immutable();
	g_autoptr(JsonNode) root = NULL;
	char *payload;

	/* Always in this order: the same request and token give the same bytes. */
	json_builder_begin_object(builder);
	add_number(builder, "v", PAYLOAD_VERSION);
	add_text(builder, "token", token);
	add_text(builder, "incident", request->incident);
	add_text(builder, "id", request->id);
	add_number(builder, "epoch", (gint64)request->epoch);
	add_text(builder, "kind", request->resolved ? "resolved" : "active");
	add_text(builder, "word", word_name(request->word));
	add_text(builder, "sender", request->sender);
	add_text(builder, "to", request->to);
	add_text(builder, "support", request->support);
	add_text(builder, "template", request->template_name);
	add_text(builder, "language", request->language);
	add_text(builder, "account", request->account);
	add_text(builder, "subject", request->subject);
	/* One id or none: two in one field are no id. */
	if (request->message_id != NULL && message_id_fits(request->message_id, strlen(request->message_id)))
		add_ids(builder, "message_id", request->message_id);
	add_ids(builder, "references", request->references);
	add_text(builder, "queue_id", request->queue_id);
	add_number(builder, "written_at", request->written_at);
	json_builder_end_object(builder);
	root = json_builder_get_root(builder);
	payload = json_to_string(root, FALSE);
	*mac = secret_hmac(secret, payload, -1);
	return payload;
}

/* The checks of single values; each returns false for what cannot be used. */

static bool is_made_of(const char *text, gsize max, const char *others)
{
	gsize size = strlen(text);

	for (gsize i = 0; i < size; i++)
		if (!g_ascii_isalnum(text[i]) && strchr(others, text[i]) == NULL)
			return false;
	return size >= 1 && size <= max;
}

static bool is_token(const char *text)
{
	return is_made_of(text, 64, "._-");
}

static bool is_incident(const char *text)
{
	return strcmp(text, "default") == 0 || incident_name_valid(text);
}

/*     ID = YYYYMMDD "T" HHMMSS "Z-" NAME */
static bool is_incident_id(const char *text)
{
	gint64 seconds;

	return clock_parse_compact(text, &seconds) && strlen(text) > ID_NAME && text[ID_NAME - 1] == '-' && is_incident(text + ID_NAME);
}

static bool is_kind(const char *text)
{
	return strcmp(text, "active") == 0 || strcmp(text, "resolved") == 0;
}

static bool is_word(const char *text)
{
	Word word;

	return word_parse(text, -1, &word) && word != WORD_NONE;
}

static bool is_address(const char *text)
{
	g_autoptr(Address) address = address_parse(text, NULL);

	return address != NULL;
}

/* An address that a letter may go to: less than address_parse takes, and nothing around it. */
static bool is_recipient(const char *text)
{
	g_autoptr(Address) address = address_parse(text, NULL);
	gsize size = strlen(text);

	return address != NULL && *text != '<' && !g_ascii_isspace(*text) && !g_ascii_isspace(text[size - 1]) &&
	    address_may_be_answered(address);
}

static bool is_sender(const char *text)
{
	g_autofree char *normal = is_recipient(text) ? address_normal_text(text) : NULL;

	/* The mark is kept under its hash: another spelling would be another customer. */
	return g_strcmp0(normal, text) == 0;
}

static bool is_template(const char *text)
{
	for (const char *p = text; *p != '\0'; p++)
		if (g_ascii_isupper(*p))
			return false;
	return is_made_of(text, 32, "-");
}

static bool is_language(const char *text)
{
	return is_made_of(text, 35, "-");
}

static bool is_plain_text(const char *text)
{
	for (const char *p = text; *p != '\0'; p = g_utf8_next_char(p))
		if (g_unichar_iscntrl(g_utf8_get_char(p)))
			return false;
	return strlen(text) <= SUBJECT_MAX;
}

static bool is_message_id(const char *text)
{
	return message_id_fits(text, strlen(text));
}

static bool is_references(const char *text)
{
	g_auto(GStrv) ids = g_strsplit(text, " ", -1);

	for (char **id = ids; *id != NULL; id++)
		if (!is_message_id(*id))
			return false;
	return ids[0] != NULL && strlen(text) <= REFERENCES_MAX;
}

static bool is_queue_id(const char *text)
{
	return is_made_of(text, 64, "._-");
}

/* A text member: where it goes in the request, or nowhere (offset -1: read by name below). */
static const struct {
	const char *name;
	bool required;
	gssize offset;
	bool (*fits)(const char *text);
} members[] = {
	{ "token", true, -1, is_token },
	{ "incident", true, G_STRUCT_OFFSET(ClaimRequest, incident), is_incident },
	{ "id", true, G_STRUCT_OFFSET(ClaimRequest, id), is_incident_id },
	{ "kind", true, -1, is_kind },
	{ "word", true, -1, is_word },
	{ "sender", true, G_STRUCT_OFFSET(ClaimRequest, sender), is_sender },
	{ "to", true, G_STRUCT_OFFSET(ClaimRequest, to), is_recipient },
	{ "support", true, G_STRUCT_OFFSET(ClaimRequest, support), is_address },
	{ "template", false, G_STRUCT_OFFSET(ClaimRequest, template_name), is_template },
	{ "language", false, G_STRUCT_OFFSET(ClaimRequest, language), is_language },
	{ "account", false, G_STRUCT_OFFSET(ClaimRequest, account), is_plain_text },
	{ "subject", false, G_STRUCT_OFFSET(ClaimRequest, subject), is_plain_text },
	{ "message_id", false, G_STRUCT_OFFSET(ClaimRequest, message_id), is_message_id },
	{ "references", false, G_STRUCT_OFFSET(ClaimRequest, references), is_references },
	{ "queue_id", false, G_STRUCT_OFFSET(ClaimRequest, queue_id), is_queue_id },
};

static bool unusable(GError **error, const char *member, const char *why)
{
	g_set_error(error, OUTAGE_ERROR, OUTAGE_ERROR_INVALID, "job: %s: %s", member, why);
	return false;
}

/* Returns the member's text in *text (owned by object; NULL where it is absent and may be). */
static bool read_text(JsonObject *object, const char *name, bool required, const char **text, GError **error)
{
	JsonNode *node = json_object_get_member(object, name);

	*text = NULL;
	if (node == NULL)
		return !required || unusable(error, name, "is missing");
	if (!JSON_NODE_HOLDS_VALUE(node) || json_node_get_value_type(node) != G_TYPE_STRING)
		return unusable(error, name, "is no string");
	*text = json_node_get_string(node);
	return g_utf8_validate(*text, -1, NULL) || unusable(error, name, "is not valid UTF-8");
}

static bool read_number(JsonObject *object, const char *name, gint64 *number, GError **error)
{
	JsonNode *node = json_object_get_member(object, name);

	if (node == NULL)
		return unusable(error, name, "is missing");
	if (!JSON_NODE_HOLDS_VALUE(node) || json_node_get_value_type(node) != G_TYPE_INT64)
		return unusable(error, name, "is no whole number");
	*number = json_node_get_int(node);
	return *number >= 0 || unusable(error, name, "is negative");
}

/* What single members cannot tell. */
static bool check_together(const ClaimRequest *request, GError **error)
{
	g_autofree char *normal = address_normal_text(request->to);

	/* The mark that was claimed is the sender's: a letter to anybody else has none. */
	if (g_strcmp0(normal, request->sender) != 0)
		return unusable(error, "to", "is not the sender's address");
	if (strcmp(request->id + ID_NAME, request->incident) != 0)
		return unusable(error, "id", "is another incident's");
	return request->written_at <= TIME_MAX || unusable(error, "written_at", "is no time");
}

static bool read_members(JsonObject *object, Job *job, GError **error)
{
	ClaimRequest *request = job->request;
	gint64 version, epoch;

	if (!read_number(object, "v", &version, error) || !read_number(object, "epoch", &epoch, error) ||
	    !read_number(object, "written_at", &request->written_at, error))
		return false;
	if (version != PAYLOAD_VERSION)
		return unusable(error, "v", "is of another version of this program");
	request->epoch = (guint64)epoch;
	for (gsize i = 0; i < G_N_ELEMENTS(members); i++) {
		const char *text;

		if (!read_text(object, members[i].name, members[i].required, &text, error))
			return false;
		if (text != NULL && !members[i].fits(text))
			return unusable(error, members[i].name, "cannot be used");
		if (members[i].offset >= 0)
			G_STRUCT_MEMBER(char *, request, members[i].offset) = g_strdup(text);
	}
	job->token = g_strdup(json_object_get_string_member(object, "token"));
	request->resolved = strcmp(json_object_get_string_member(object, "kind"), "resolved") == 0;
	/* is_word has seen it. */
	return word_parse(json_object_get_string_member(object, "word"), -1, &request->word) && check_together(request, error);
}

/*     escape = "\" ( DQUOTE / "\" / "/" / "b" / "f" / "n" / "r" / "t" / "u" 4HEXDIG )          RFC 8259 section 7
 * Returns how many bytes the escape at p has, or 0 where it is none. Nothing of ours escapes a surrogate. */
static gsize escape_size(const char *p)
{
	if (p[1] == '\0' || strchr("\"\\/bfnrtu", p[1]) == NULL)
		return 0;
	if (p[1] != 'u')
		return 2;
	for (int i = 2; i < 6; i++)
		if (!g_ascii_isxdigit(p[i]))
			return 0;
	return g_ascii_tolower(p[2]) == 'd' && g_ascii_xdigit_value(p[3]) >= 8 ? 0 : 6;
}

/* json-glib reads nested values by recursion, so that a stranger's brackets could exhaust the stack; it takes comments, in which they
 * could hide; and of a broken string or of text behind the value it never gives back what it had read. False where text nests deeper
 * than any job, or is broken in one of these ways. */
static bool is_sound(const char *text)
{
	guint depth = 0;
	bool quoted = false, ended = false;

	for (const char *p = text; *p != '\0'; p++) {
		if (quoted && *p == '\\') {
			gsize size = escape_size(p);

			if (size == 0)
				return false;
			p += size - 1;
		} else if (*p == '"') {
			quoted = !quoted;
		} else if (!quoted) {
			if (ended ? !g_ascii_isspace(*p) : !g_ascii_isalnum(*p) && strchr("[]{} \t\r\n:,+-.", *p) == NULL)
				return false;
			depth += *p == '[' || *p == '{';
			if ((*p == ']' || *p == '}') && (depth == 0 || --depth == 0))
				ended = true;
		}
		if (depth > DEPTH_MAX || (ended && quoted))
			return false;
	}
	return !quoted && depth == 0;
}

JsonNode *job_parse_json(const char *text)
{
	g_autoptr(JsonParser) parser = json_parser_new_immutable();

	/* json-glib's messages quote what they read; callers say where to look without it. */
	return is_sound(text) && json_parser_load_from_data(parser, text, -1, NULL) ? json_parser_steal_root(parser) : NULL;
}

/* Caller frees. */
static JsonNode *parse_payload(const StoredJob *stored)
{
	return stored->payload != NULL && strlen(stored->payload) <= PAYLOAD_MAX ? job_parse_json(stored->payload) : NULL;
}

static char *copy_member(JsonNode *root, const char *name)
{
	const char *text;

	if (root == NULL || !JSON_NODE_HOLDS_OBJECT(root) || !read_text(json_node_get_object(root), name, false, &text, NULL))
		return NULL;
	return g_strdup(text);
}

char *job_peek(const StoredJob *stored, const char *member)
{
	g_autoptr(JsonNode) root = parse_payload(stored);

	return copy_member(root, member);
}

bool job_names(const StoredJob *stored, char **id, char **token)
{
	g_autoptr(JsonNode) root = parse_payload(stored);

	*id = copy_member(root, "id");
	*token = copy_member(root, "token");
	if (*id != NULL && *token != NULL && is_incident_id(*id) && is_token(*token))
		return true;
	g_clear_pointer(id, g_free);
	g_clear_pointer(token, g_free);
	return false;
}

/* json-glib is lenient: of two members of one name it keeps the last, a string it ends at an escaped NUL, "0x10" and what stands
 * behind the object it takes too. Two readers could take such a text for two jobs; what we write reads in one way only. */
static bool is_as_written(JsonNode *root, const char *payload)
{
	g_autofree char *written = json_to_string(root, FALSE);

	return strcmp(written, payload) == 0;
}

Job *job_read(const StoredJob *stored, GError **error)
{
	g_autoptr(JsonNode) root = NULL;
	g_autoptr(Job) job = NULL;

	if (stored->payload == NULL || strlen(stored->payload) > PAYLOAD_MAX) {
		unusable(error, "payload", stored->payload == NULL ? "is missing" : "is longer than 64 KB");
		return NULL;
	}
	root = job_parse_json(stored->payload);
	if (root == NULL || !JSON_NODE_HOLDS_OBJECT(root)) {
		unusable(error, "payload", root == NULL ? "is no JSON, or too deep or broken" : "is no JSON object");
		return NULL;
	}
	job = g_new0(Job, 1);
	job->request = g_new0(ClaimRequest, 1);
	if (!read_members(json_node_get_object(root), job, error))
		return NULL;
	if (!is_as_written(root, stored->payload)) {
		unusable(error, "payload", "is not written as this program writes it");
		return NULL;
	}
	return g_steal_pointer(&job);
}

Job *job_open(const Secret *secret, const StoredJob *stored, GError **error)
{
	/* What is too long is not even hashed. */
	if (stored->payload != NULL && strlen(stored->payload) <= PAYLOAD_MAX &&
	    !secret_verify(secret, stored->payload, -1, stored->mac)) {
		g_set_error_literal(error, OUTAGE_ERROR, OUTAGE_ERROR_REFUSED, "job: not signed with this site's secret");
		return NULL;
	}
	return job_read(stored, error);
}
