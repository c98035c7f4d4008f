/* note: the facts of a mail, and what the operator orders to be told, as signed JSON, and the reading of both (see note.h). Layer: store.
 *
 *     note   = object with the members of note_texts, the lists, numbers and flags below, "kind":"note" and "v":1
 *     notice = object with the members of notice_texts, "epoch", "ordered_at", four flags, "kind":"notice" and "v":1
 *     list   = name *( "," name )              of rules, classes or reasons; absent where there is none
 *
 * As of a job, every member is read again as if a stranger had written it. What a mail holds that a reader would refuse is left out when the
 * note is written: a note without a reference is better than none. */
#include "store/note.h"

#include <math.h>
#include <string.h>

#include "base/address.h"
#include "base/clock.h"
#include "store/json-fields.h"

#define NOTE "note"
#define NOTICE "notice"
#define PAYLOAD_MAX 32768
#define PAYLOAD_VERSION 1
#define REFERENCES_MAX 4096
#define NAMES_MAX 40           /* of a list: rules come heaviest first */
#define SCORE_MAX 1e6
/* What a mail itself can give as reasons. */
#define MESSAGE_REASONS (REASON_BIT(REASON_NO_INCIDENT) - 1)

void stored_note_free(StoredNote *note)
{
	if (note == NULL)
		return;
	g_free(note->key);
	g_free(note->payload);
	g_free(note->mac);
	g_free(note->apart);
	g_free(note);
}

void stored_notice_free(StoredNotice *notice)
{
	if (notice == NULL)
		return;
	g_free(notice->name);
	g_free(notice->payload);
	g_free(notice->mac);
	g_free(notice);
}

void notice_free(Notice *notice)
{
	if (notice == NULL)
		return;
	g_free(notice->name);
	g_free(notice->incident);
	g_free(notice->id);
	g_free(notice->text);
	g_free(notice->by);
	g_free(notice);
}

/* --- writing --- */

static JsonBuilder *begin(const char *kind)
{
	JsonBuilder *builder = json_builder_new_immutable();

	json_builder_begin_object(builder);
	fields_add_number(builder, "v", PAYLOAD_VERSION);
	fields_add_text(builder, "kind", kind);
	return builder;
}

static void add_names(JsonBuilder *builder, const char *name, const GPtrArray *names)
{
	g_autoptr(GString) list = g_string_new(NULL);

	for (guint i = 0, kept = 0; i < names->len && kept < NAMES_MAX; i++) {
		const char *one = g_ptr_array_index(names, i);

		if (!fields_is_token(one))
			continue;
		g_string_append_printf(list, "%s%s", kept > 0 ? "," : "", one);
		kept++;
	}
	fields_add_text(builder, name, list->str);
}

static void add_reasons(JsonBuilder *builder, const char *name, ReasonSet reasons)
{
	g_autofree char *list = reason_list(reasons);

	fields_add_text(builder, name, list);
}

static void add_score(JsonBuilder *builder, double score)
{
	json_builder_set_member_name(builder, "score");
	json_builder_add_double_value(builder, isfinite(score) ? CLAMP(score, -SCORE_MAX, SCORE_MAX) : 0.0);
}

static void add_mail(JsonBuilder *builder, const Facts *facts)
{
	fields_add_checked(builder, "rcpt", facts->rcpt, fields_is_address);
	fields_add_checked(builder, "from", facts->from, fields_is_address);
	/* Both or neither. */
	if (facts->sender != NULL && facts->to != NULL && fields_is_sender(facts->sender) && fields_is_recipient(facts->to)) {
		fields_add_text(builder, "sender", facts->sender);
		fields_add_text(builder, "to", facts->to);
	}
	fields_add_text(builder, "verified", verified_name(facts->verified));
	fields_add_text(builder, "from_verified", verified_name(facts->from_verified));
	add_score(builder, facts->score);
	add_names(builder, "rules", facts->rules);
	add_names(builder, "escalate", facts->escalate);
	add_names(builder, "sensitive", facts->sensitive);
	fields_add_flag(builder, "evidence", facts->evidence);
	fields_add_flag(builder, "still_affected", facts->still_affected);
	fields_add_flag(builder, "recovered", facts->recovered);
	fields_add_checked(builder, "language", facts->language, fields_is_language);
	add_reasons(builder, "message_reasons", facts->message_reasons);
	fields_add_short(builder, "subject", facts->subject);
	fields_add_checked(builder, "message_id", facts->message_id, fields_is_message_id);
	fields_add_ids(builder, "references", facts->references, REFERENCES_MAX);
	fields_add_checked(builder, "queue_id", facts->queue_id, fields_is_queue_id);
	fields_add_number(builder, "written_at", facts->written_at);
}

char *note_sign(const Secret *secret, const Facts *facts, char **mac)
{
	g_autoptr(JsonBuilder) builder = begin(NOTE);

	add_mail(builder, facts);
	fields_add_text(builder, "incident", facts->incident);
	fields_add_text(builder, "id", facts->id);
	fields_add_short(builder, "account", facts->account);
	fields_add_short(builder, "level", facts->level);
	fields_add_checked(builder, "manager", facts->manager, fields_is_recipient);
	fields_add_checked(builder, "account_language", facts->account_language, fields_is_language);
	fields_add_number(builder, "respond_by", facts->respond_by);
	fields_add_short(builder, "queue", facts->queue);
	add_reasons(builder, "reasons", facts->reasons);
	fields_add_flag(builder, "queued", facts->queued);
	fields_add_flag(builder, "page", facts->page);
	json_builder_end_object(builder);
	return fields_sign(secret, builder, mac);
}

char *notice_sign(const Secret *secret, const Notice *notice, char **mac)
{
	g_autoptr(JsonBuilder) builder = begin(NOTICE);

	fields_add_text(builder, "name", notice->name);
	fields_add_text(builder, "incident", notice->incident);
	fields_add_text(builder, "id", notice->id);
	fields_add_number(builder, "epoch", (gint64)notice->epoch);
	fields_add_lines(builder, "text", notice->text);
	fields_add_text(builder, "by", notice->by);
	fields_add_number(builder, "ordered_at", notice->ordered_at);
	fields_add_flag(builder, "legal", notice->legal);
	fields_add_flag(builder, "media", notice->media);
	fields_add_flag(builder, "accounts", notice->accounts);
	fields_add_flag(builder, "contacts", notice->contacts);
	json_builder_end_object(builder);
	return fields_sign(secret, builder, mac);
}

/* --- reading --- */

static bool is_note(const char *text)
{
	return strcmp(text, NOTE) == 0;
}

static bool is_notice(const char *text)
{
	return strcmp(text, NOTICE) == 0;
}

static bool parse_verified(const char *text, Verified *verified)
{
	for (int value = VERIFIED_NO; value <= VERIFIED_AUTH; value++)
		if (strcmp(text, verified_name((Verified)value)) == 0) {
			*verified = (Verified)value;
			return true;
		}
	return false;
}

static bool is_verified(const char *text)
{
	Verified ignored;

	return parse_verified(text, &ignored);
}

static bool is_names(const char *text)
{
	g_auto(GStrv) names = g_strsplit(text, ",", -1);

	for (char **name = names; *name != NULL; name++)
		if (!fields_is_token(*name))
			return false;
	return g_strv_length(names) <= NAMES_MAX;
}

static bool parse_reasons(const char *text, ReasonSet *reasons)
{
	g_auto(GStrv) names = g_strsplit(text, ",", -1);

	*reasons = 0;
	for (char **name = names; *name != NULL; name++) {
		int reason = 0;

		while (reason < REASONS && strcmp(*name, reason_name((Reason)reason)) != 0)
			reason++;
		if (reason == REASONS)
			return false;
		*reasons |= REASON_BIT(reason);
	}
	return true;
}

static bool is_reasons(const char *text)
{
	ReasonSet ignored;

	return parse_reasons(text, &ignored);
}

static bool is_message_reasons(const char *text)
{
	ReasonSet reasons;

	return parse_reasons(text, &reasons) && (reasons & ~MESSAGE_REASONS) == 0;
}

static const FieldText note_texts[] = {
	{ "kind", true, -1, is_note },
	{ "rcpt", true, G_STRUCT_OFFSET(Facts, rcpt), fields_is_address },
	{ "from", false, G_STRUCT_OFFSET(Facts, from), fields_is_address },
	{ "sender", false, G_STRUCT_OFFSET(Facts, sender), fields_is_sender },
	{ "to", false, G_STRUCT_OFFSET(Facts, to), fields_is_recipient },
	{ "verified", true, -1, is_verified },
	{ "from_verified", true, -1, is_verified },
	{ "rules", false, -1, is_names },
	{ "escalate", false, -1, is_names },
	{ "sensitive", false, -1, is_names },
	{ "language", false, G_STRUCT_OFFSET(Facts, language), fields_is_language },
	{ "message_reasons", false, -1, is_message_reasons },
	{ "subject", false, G_STRUCT_OFFSET(Facts, subject), fields_is_plain_text },
	{ "message_id", false, G_STRUCT_OFFSET(Facts, message_id), fields_is_message_id },
	{ "references", false, G_STRUCT_OFFSET(Facts, references), fields_is_references },
	{ "queue_id", false, G_STRUCT_OFFSET(Facts, queue_id), fields_is_queue_id },
	{ "incident", false, G_STRUCT_OFFSET(Facts, incident), fields_is_incident },
	{ "id", false, G_STRUCT_OFFSET(Facts, id), fields_is_incident_id },
	{ "account", false, G_STRUCT_OFFSET(Facts, account), fields_is_plain_text },
	{ "level", false, G_STRUCT_OFFSET(Facts, level), fields_is_plain_text },
	{ "manager", false, G_STRUCT_OFFSET(Facts, manager), fields_is_recipient },
	{ "account_language", false, G_STRUCT_OFFSET(Facts, account_language), fields_is_language },
	{ "queue", false, G_STRUCT_OFFSET(Facts, queue), fields_is_plain_text },
	{ "reasons", false, -1, is_reasons },
};

/* Of a member that was checked: its text, or NULL. */
static const char *text_of(JsonObject *object, const char *name)
{
	return json_object_has_member(object, name) ? json_object_get_string_member(object, name) : NULL;
}

static GPtrArray *names_of(JsonObject *object, const char *name)
{
	GPtrArray *names = g_ptr_array_new_with_free_func(g_free);
	const char *text = text_of(object, name);
	g_auto(GStrv) parts = text != NULL ? g_strsplit(text, ",", -1) : NULL;

	for (char **part = parts; part != NULL && *part != NULL; part++)
		g_ptr_array_add(names, g_strdup(*part));
	return names;
}

static ReasonSet reasons_of(JsonObject *object, const char *name)
{
	const char *text = text_of(object, name);
	ReasonSet reasons = 0;

	if (text != NULL)
		(void)parse_reasons(text, &reasons);
	return reasons;
}

/* json-glib writes a double without a fraction as a whole number. */
static bool read_score(JsonObject *object, double *score, GError **error)
{
	JsonNode *node = json_object_get_member(object, "score");
	GType type = node != NULL && JSON_NODE_HOLDS_VALUE(node) ? json_node_get_value_type(node) : G_TYPE_INVALID;

	if (type != G_TYPE_DOUBLE && type != G_TYPE_INT64)
		return fields_unusable(error, NOTE, "score", "is no number");
	*score = json_node_get_double(node);
	return (isfinite(*score) && fabs(*score) <= SCORE_MAX) || fields_unusable(error, NOTE, "score", "is out of range");
}

static bool check_version(JsonObject *object, const char *what, GError **error)
{
	gint64 version;

	return fields_read_number(object, what, "v", &version, error) &&
	    (version == PAYLOAD_VERSION || fields_unusable(error, what, "v", "is of another version of this program"));
}

static bool is_id_of(const char *id, const char *incident)
{
	return strcmp(id + FIELDS_ID_NAME, incident) == 0;
}

/* What single members cannot tell. */
static bool check_together(const Facts *facts, GError **error)
{
	g_autofree char *normal = address_normal_text(facts->to);

	if (g_strcmp0(normal, facts->sender) != 0)
		return fields_unusable(error, NOTE, "to", "is not the sender's address");
	if ((facts->incident == NULL) != (facts->id == NULL) || (facts->id != NULL && !is_id_of(facts->id, facts->incident)))
		return fields_unusable(error, NOTE, "id", "is another incident's");
	return true;
}

static bool read_note(JsonObject *object, Facts *facts, GError **error)
{
	if (!check_version(object, NOTE, error) ||
	    !fields_read_texts(object, NOTE, note_texts, G_N_ELEMENTS(note_texts), facts, error) ||
	    !read_score(object, &facts->score, error) ||
	    !fields_read_flag(object, NOTE, "evidence", &facts->evidence, error) ||
	    !fields_read_flag(object, NOTE, "still_affected", &facts->still_affected, error) ||
	    !fields_read_flag(object, NOTE, "recovered", &facts->recovered, error) ||
	    !fields_read_flag(object, NOTE, "queued", &facts->queued, error) ||
	    !fields_read_flag(object, NOTE, "page", &facts->page, error) ||
	    !fields_read_time(object, NOTE, "written_at", &facts->written_at, error) ||
	    !fields_read_time(object, NOTE, "respond_by", &facts->respond_by, error))
		return false;
	(void)parse_verified(text_of(object, "verified"), &facts->verified);
	(void)parse_verified(text_of(object, "from_verified"), &facts->from_verified);
	facts->rules = names_of(object, "rules");
	facts->escalate = names_of(object, "escalate");
	facts->sensitive = names_of(object, "sensitive");
	facts->message_reasons = reasons_of(object, "message_reasons");
	facts->reasons = reasons_of(object, "reasons");
	if (facts->subject == NULL)
		facts->subject = g_strdup("");
	return check_together(facts, error);
}

Facts *note_open(const Secret *secret, const StoredNote *note, GError **error)
{
	g_autoptr(JsonNode) root = NULL;
	g_autoptr(Facts) facts = NULL;

	if (!fields_check_mac(secret, NOTE, note->payload, PAYLOAD_MAX, note->mac, error))
		return NULL;
	root = fields_parse_object(NOTE, note->payload, PAYLOAD_MAX, error);
	if (root == NULL)
		return NULL;
	facts = g_new0(Facts, 1);
	if (!read_note(json_node_get_object(root), facts, error) || !fields_check_written(root, NOTE, note->payload, error))
		return NULL;
	return g_steal_pointer(&facts);
}

/*     name = ( "update" / "resolved" / "postmortem" ) "-" STAMP       STAMP = yyyymmdd "t" hhmmss "z" */
static bool is_notice_name(const char *text)
{
	static const char *const kinds[] = { "update-", "resolved-", "postmortem-" };
	gint64 seconds;

	if (!fields_is_small_name(text, 48, "-"))
		return false;
	for (gsize i = 0; i < G_N_ELEMENTS(kinds); i++)
		if (g_str_has_prefix(text, kinds[i])) {
			const char *stamp = text + strlen(kinds[i]);
			g_autofree char *upper = g_ascii_strup(stamp, -1);

			return strlen(stamp) == FIELDS_ID_NAME - 1 && clock_parse_compact(upper, &seconds);
		}
	return false;
}

static const FieldText notice_texts[] = {
	{ "kind", true, -1, is_notice },
	{ "name", true, G_STRUCT_OFFSET(Notice, name), is_notice_name },
	{ "incident", true, G_STRUCT_OFFSET(Notice, incident), fields_is_incident },
	{ "id", true, G_STRUCT_OFFSET(Notice, id), fields_is_incident_id },
	{ "text", false, G_STRUCT_OFFSET(Notice, text), fields_is_lines },
	{ "by", false, G_STRUCT_OFFSET(Notice, by), fields_is_plain_text },
};

static bool read_notice(JsonObject *object, Notice *notice, GError **error)
{
	gint64 epoch;

	if (!check_version(object, NOTICE, error) ||
	    !fields_read_texts(object, NOTICE, notice_texts, G_N_ELEMENTS(notice_texts), notice, error) ||
	    !fields_read_number(object, NOTICE, "epoch", &epoch, error) ||
	    !fields_read_time(object, NOTICE, "ordered_at", &notice->ordered_at, error) ||
	    !fields_read_flag(object, NOTICE, "legal", &notice->legal, error) ||
	    !fields_read_flag(object, NOTICE, "media", &notice->media, error) ||
	    !fields_read_flag(object, NOTICE, "accounts", &notice->accounts, error) ||
	    !fields_read_flag(object, NOTICE, "contacts", &notice->contacts, error))
		return false;
	notice->epoch = (guint64)epoch;
	return is_id_of(notice->id, notice->incident) || fields_unusable(error, NOTICE, "id", "is another incident's");
}

Notice *notice_open(const Secret *secret, const StoredNotice *stored, GError **error)
{
	g_autoptr(JsonNode) root = NULL;
	g_autoptr(Notice) notice = NULL;

	if (!fields_check_mac(secret, NOTICE, stored->payload, PAYLOAD_MAX, stored->mac, error))
		return NULL;
	root = fields_parse_object(NOTICE, stored->payload, PAYLOAD_MAX, error);
	if (root == NULL)
		return NULL;
	notice = g_new0(Notice, 1);
	if (!read_notice(json_node_get_object(root), notice, error) || !fields_check_written(root, NOTICE, stored->payload, error))
		return NULL;
	/* Under another name it would be told a second time. */
	if (stored->name != NULL && strcmp(stored->name, notice->name) != 0) {
		fields_unusable(error, NOTICE, "name", "is another than it lies under");
		return NULL;
	}
	return g_steal_pointer(&notice);
}
