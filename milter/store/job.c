/* job: an acknowledgement to be sent, as signed JSON, and the reading of it (see job.h). Layer: store.
 *
 *     job        = object with the members of `members` below (json-fields.h), and "v":1
 *
 * The signature says that a milter of this site wrote it. The replier still reads every field as if a stranger had: whoever
 * can write to the store may replay what was signed for other purposes, and a mail's own header values are in it. */
#include <string.h>

#include "base/address.h"
#include "store/job-private.h"
#include "store/json-fields.h"

#define WHAT "job"
#define PAYLOAD_MAX 65536
#define PAYLOAD_VERSION 1

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

/* The name of an acknowledgement's class is not written: so it was before there were others. */
static const char *class_name(LetterClass class)
{
	return class == LETTER_NOTICE ? "notice" : class == LETTER_STAFF ? "staff" : NULL;
}

char *job_sign(const Secret *secret, const ClaimRequest *request, const char *token, char **mac)
{
	g_autoptr(JsonBuilder) builder = json_builder_new_immutable();

	/* Always in this order: the same request and token give the same bytes. */
	json_builder_begin_object(builder);
	fields_add_number(builder, "v", PAYLOAD_VERSION);
	fields_add_text(builder, "token", token);
	fields_add_text(builder, "incident", request->incident);
	fields_add_text(builder, "id", request->id);
	fields_add_number(builder, "epoch", (gint64)request->epoch);
	fields_add_text(builder, "kind", request->resolved ? "resolved" : "active");
	fields_add_text(builder, "class", class_name(request->class));
	fields_add_text(builder, "letter", request->letter);
	fields_add_text(builder, "word", word_name(request->word));
	fields_add_text(builder, "sender", request->sender);
	fields_add_text(builder, "to", request->to);
	fields_add_text(builder, "support", request->support);
	fields_add_text(builder, "template", request->template_name);
	fields_add_text(builder, "language", request->language);
	fields_add_text(builder, "account", request->account);
	fields_add_text(builder, "level", request->level);
	fields_add_lines(builder, "text", request->text);
	fields_add_text(builder, "subject", request->subject);
	/* One id or none: two in one field are no id. */
	if (request->message_id != NULL && fields_is_message_id(request->message_id))
		fields_add_ids(builder, "message_id", request->message_id, FIELDS_IDS_MAX);
	fields_add_ids(builder, "references", request->references, FIELDS_IDS_MAX);
	fields_add_text(builder, "queue_id", request->queue_id);
	fields_add_number(builder, "written_at", request->written_at);
	json_builder_end_object(builder);
	return fields_sign(secret, builder, mac);
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

static bool is_template(const char *text)
{
	return fields_is_small_name(text, 32, "-");
}

static bool is_class(const char *text)
{
	return strcmp(text, "notice") == 0 || strcmp(text, "staff") == 0;
}

static bool is_letter(const char *text)
{
	return fields_is_small_name(text, 48, ".-") && strcmp(text, "active") != 0 && strcmp(text, "resolved") != 0;
}

/* Those of offset -1 are read by name below. */
static const FieldText members[] = {
	{ "token", true, -1, fields_is_token },
	{ "incident", true, G_STRUCT_OFFSET(ClaimRequest, incident), fields_is_incident },
	{ "id", true, G_STRUCT_OFFSET(ClaimRequest, id), fields_is_incident_id },
	{ "kind", true, -1, is_kind },
	{ "word", true, -1, is_word },
	{ "sender", true, G_STRUCT_OFFSET(ClaimRequest, sender), fields_is_sender },
	{ "to", true, G_STRUCT_OFFSET(ClaimRequest, to), fields_is_recipient },
	{ "support", true, G_STRUCT_OFFSET(ClaimRequest, support), fields_is_address },
	{ "template", false, G_STRUCT_OFFSET(ClaimRequest, template_name), is_template },
	{ "language", false, G_STRUCT_OFFSET(ClaimRequest, language), fields_is_language },
	{ "class", false, -1, is_class },
	{ "letter", false, G_STRUCT_OFFSET(ClaimRequest, letter), is_letter },
	{ "account", false, G_STRUCT_OFFSET(ClaimRequest, account), fields_is_plain_text },
	{ "level", false, G_STRUCT_OFFSET(ClaimRequest, level), fields_is_plain_text },
	{ "text", false, G_STRUCT_OFFSET(ClaimRequest, text), fields_is_lines },
	{ "subject", false, G_STRUCT_OFFSET(ClaimRequest, subject), fields_is_plain_text },
	{ "message_id", false, G_STRUCT_OFFSET(ClaimRequest, message_id), fields_is_message_id },
	{ "references", false, G_STRUCT_OFFSET(ClaimRequest, references), fields_is_references },
	{ "queue_id", false, G_STRUCT_OFFSET(ClaimRequest, queue_id), fields_is_queue_id },
};

/* What single members cannot tell. */
static bool check_together(const ClaimRequest *request, GError **error)
{
	g_autofree char *normal = address_normal_text(request->to);

	/* The mark that was claimed is the sender's: a letter to anybody else has none. */
	if (g_strcmp0(normal, request->sender) != 0)
		return fields_unusable(error, WHAT, "to", "is not the sender's address");
	if (strcmp(request->id + FIELDS_ID_NAME, request->incident) != 0)
		return fields_unusable(error, WHAT, "id", "is another incident's");
	return (request->class == LETTER_ACK) == (request->letter == NULL) ||
	    fields_unusable(error, WHAT, "letter", "does not go with its class");
}

static bool read_members(JsonObject *object, Job *job, GError **error)
{
	ClaimRequest *request = job->request;
	gint64 version, epoch;

	if (!fields_read_number(object, WHAT, "v", &version, error) || !fields_read_number(object, WHAT, "epoch", &epoch, error) ||
	    !fields_read_time(object, WHAT, "written_at", &request->written_at, error))
		return false;
	if (version != PAYLOAD_VERSION)
		return fields_unusable(error, WHAT, "v", "is of another version of this program");
	request->epoch = (guint64)epoch;
	if (!fields_read_texts(object, WHAT, members, G_N_ELEMENTS(members), request, error))
		return false;
	job->token = g_strdup(json_object_get_string_member(object, "token"));
	request->resolved = strcmp(json_object_get_string_member(object, "kind"), "resolved") == 0;
	if (json_object_has_member(object, "class"))
		request->class = strcmp(json_object_get_string_member(object, "class"), "staff") == 0 ? LETTER_STAFF : LETTER_NOTICE;
	/* is_word has seen it. */
	return word_parse(json_object_get_string_member(object, "word"), -1, &request->word) && check_together(request, error);
}

/* Caller frees. */
static JsonNode *parse_payload(const StoredJob *stored)
{
	return stored->payload != NULL && strlen(stored->payload) <= PAYLOAD_MAX ? fields_parse(stored->payload) : NULL;
}

static char *copy_member(JsonNode *root, const char *name)
{
	const char *text;

	if (root == NULL || !JSON_NODE_HOLDS_OBJECT(root) || !fields_read_text(json_node_get_object(root), WHAT, name, false, &text, NULL))
		return NULL;
	return g_strdup(text);
}

char *job_peek(const StoredJob *stored, const char *member)
{
	g_autoptr(JsonNode) root = parse_payload(stored);

	return copy_member(root, member);
}

bool job_names(const StoredJob *stored, char **id, char **token, char **letter)
{
	g_autoptr(JsonNode) root = parse_payload(stored);

	*id = copy_member(root, "id");
	*token = copy_member(root, "token");
	*letter = copy_member(root, "letter");
	if (*id != NULL && *token != NULL && fields_is_incident_id(*id) && fields_is_token(*token) &&
	    (*letter == NULL || is_letter(*letter)))
		return true;
	g_clear_pointer(id, g_free);
	g_clear_pointer(token, g_free);
	g_clear_pointer(letter, g_free);
	return false;
}

Job *job_read(const StoredJob *stored, GError **error)
{
	g_autoptr(JsonNode) root = NULL;
	g_autoptr(Job) job = NULL;

	root = fields_parse_object(WHAT, stored->payload, PAYLOAD_MAX, error);
	if (root == NULL)
		return NULL;
	job = g_new0(Job, 1);
	job->request = g_new0(ClaimRequest, 1);
	if (!read_members(json_node_get_object(root), job, error) || !fields_check_written(root, WHAT, stored->payload, error))
		return NULL;
	return g_steal_pointer(&job);
}

Job *job_open(const Secret *secret, const StoredJob *stored, GError **error)
{
	if (!fields_check_mac(secret, WHAT, stored->payload, PAYLOAD_MAX, stored->mac, error))
		return NULL;
	return job_read(stored, error);
}
