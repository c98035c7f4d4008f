/* compose: from a job and the newest state of its incident to a finished message (see compose.h). Layer: reply. RFC 3834 section 3,
 * RFC 5322, RFC 2047, RFC 6532.
 *
 * What the letter says comes from compose-values.c and the templates; here it is addressed, threaded and written as MIME. The job
 * was signed by one of our own nodes, but most of its fields were copied out of a customer's mail: each is parsed again before it
 * becomes part of a header. */
#include "reply/compose.h"

#include <gmime/gmime.h>
#include <string.h>

#include "base/address.h"
#include "base/error.h"
#include "base/log.h"
#include "mail/bounce.h"
#include "mail/header.h"
#include "reply/body.h"
#include "reply/clean.h"
#include "reply/compose-private.h"

#define NAME_CHARS 120
#define MESSAGE_ID_BYTES 250
#define REFERENCES_BYTES 900
#define REFERENCES_LAST 10
#define ENCODED_WORD_BYTES 39 /* "Subject: " and such a word stay below 76 characters */

void composed_free(Composed *composed)
{
	if (composed == NULL)
		return;
	g_free(composed->kind);
	g_free(composed->language);
	g_free(composed->subject);
	g_free(composed->text);
	g_free(composed->html);
	g_free(composed->message_id);
	g_free(composed->envelope_sender);
	g_free(composed->to);
	g_free(composed->bytes);
	g_free(composed);
}

void compose_init(void)
{
	static gsize done;
	if (g_once_init_enter(&done)) {
		g_mime_init();
		g_once_init_leave(&done, 1);
	}
}

/* What the letter is made of, gathered before anything is written. */
typedef struct {
	const Config *config;
	const ClaimRequest *request;
	const SupportAddress *support;
	Address *from;
	Address *reply_to;
	Address *to;
	char *from_name;
	char *references;  /* or NULL */
	char *in_reply_to; /* or NULL */
	char *stop;        /* the address that stops further notices, or NULL */
} Letter;

static void letter_clear(Letter *letter)
{
	address_free(letter->from);
	address_free(letter->reply_to);
	address_free(letter->to);
	g_free(letter->from_name);
	g_free(letter->references);
	g_free(letter->in_reply_to);
	g_free(letter->stop);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Letter, letter_clear)

/* Returns the length of a dot-atom (RFC 5322 section 3.2.3) at the start of text; 0 where there is none. */
static gsize dot_atom_length(const char *text)
{
	gsize length = 0;
	while (g_ascii_isalnum(text[length]) || (text[length] != '\0' && strchr("!#$%&'*+-/=?^_`{|}~", text[length]) != NULL) ||
	    (text[length] == '.' && length > 0 && text[length - 1] != '.'))
		length++;
	return length > 0 && text[length - 1] == '.' ? 0 : length;
}

/*     msg-id          = "<" dot-atom "@" ( dot-atom / no-fold-literal ) ">"     RFC 5322 section 3.6.4, without the obsolete forms
 *     no-fold-literal = "[" *dtext "]"
 * Ids of other shapes occur; a header that repeated them would be malformed, so they are dropped. */
static bool message_id_valid(const char *id)
{
	if (id == NULL || *id != '<' || strlen(id) > MESSAGE_ID_BYTES)
		return false;
	gsize left = dot_atom_length(id + 1);
	const char *p = id + 1 + left;
	if (left == 0 || *p++ != '@')
		return false;
	gsize right = dot_atom_length(p);
	if (right == 0 && *p == '[') {
		right = 1;
		while (p[right] > ' ' && p[right] < 0x7F && strchr("[]\\", p[right]) == NULL)
			right++;
		right = p[right] == ']' ? right + 1 : 0;
	}
	return right > 0 && strcmp(p + right, ">") == 0;
}

/* Returns the References of an answer (RFC 5322 section 3.6.4): those of the mail, then its own id; of a long thread the first and
 * the last few, which is what clients need to sort it in. NULL where nothing usable is left. */
static char *make_references(const char *references, const char *message_id)
{
	g_auto(GStrv) words = g_strsplit_set(references != NULL ? references : "", " \t\r\n", -1);
	g_autoptr(GPtrArray) ids = g_ptr_array_new();
	for (char **word = words; *word != NULL; word++)
		if (message_id_valid(*word) && g_strcmp0(*word, message_id) != 0)
			g_ptr_array_add(ids, *word);
	if (message_id_valid(message_id))
		g_ptr_array_add(ids, (gpointer)message_id);
	if (ids->len == 0)
		return NULL;
	while (ids->len > 1 + REFERENCES_LAST)
		g_ptr_array_remove_index(ids, 1);
	gsize total = 0;
	for (guint i = 0; i < ids->len; i++)
		total += strlen(g_ptr_array_index(ids, i)) + 1;
	while (total > REFERENCES_BYTES && ids->len > 2) {
		total -= strlen(g_ptr_array_index(ids, 1)) + 1;
		g_ptr_array_remove_index(ids, 1);
	}
	g_ptr_array_add(ids, NULL);
	return g_strjoinv(" ", (char **)ids->pdata);
}

/* Returns the address that one of our own headers shall carry, or NULL with error. */
static Address *own_address(const char *text, const char *what, GError **error)
{
	g_autoptr(GError) why = NULL;
	Address *address = address_parse(text != NULL ? text : "", &why);
	if (address == NULL) {
		g_autofree char *shown = log_escape(text, 200);
		g_set_error(error, OUTAGE_ERROR, OUTAGE_ERROR_INVALID, "%s '%s' is no address: %s", what, shown, why->message);
	}
	return address;
}

static bool is_set(const char *text)
{
	return text != NULL && *text != '\0';
}

/* Returns the display name of From: the support address's own, else the team with the site, by which a customer knows us. */
static char *from_name(const Config *config, const SupportAddress *support)
{
	if (support != NULL && is_set(support->from_name))
		return clean_line(support->from_name, NAME_CHARS);
	g_autofree char *site = clean_line(config->site_name, NAME_CHARS);
	g_autofree char *team = clean_line(config->team_name, NAME_CHARS);
	*team = g_ascii_toupper(*team);
	if (*team == '\0' || *site == '\0')
		return g_strdup(*team != '\0' ? team : site);
	g_autofree char *folded_team = g_utf8_casefold(team, -1);
	g_autofree char *folded_site = g_utf8_casefold(site, -1);
	return strstr(folded_team, folded_site) != NULL ? g_strdup(team) : g_strdup_printf("%s (%s)", team, site);
}

static bool letter_fill(Letter *letter, const Config *config, const ClaimRequest *request, GError **error)
{
	letter->config = config;
	letter->request = request;
	letter->support = config_support(config, request->support);
	const SupportAddress *support = letter->support;
	letter->to = own_address(request->to, "the recipient", error);
	if (letter->to == NULL)
		return false;
	/* The mark that allows this letter was set for the sender; it goes to nobody else. */
	g_autofree char *to = address_normal(letter->to);
	g_autofree char *sender = address_normal_text(request->sender);
	if (g_strcmp0(to, sender) != 0) {
		g_set_error(error, OUTAGE_ERROR, OUTAGE_ERROR_INVALID, "the job's recipient is not the sender that was claimed for");
		return false;
	}
	letter->from = own_address(is_set(config->reply_from) ? config->reply_from : request->support, "reply.from", error);
	letter->reply_to = letter->from == NULL ? NULL :
	    own_address(support != NULL && is_set(support->reply_to) ? support->reply_to : request->support, "reply_to", error);
	if (letter->reply_to == NULL)
		return false;
	letter->from_name = from_name(config, support);
	letter->references = make_references(request->references, request->message_id);
	letter->in_reply_to = message_id_valid(request->message_id) ? g_strdup(request->message_id) : NULL;
	return true;
}

char *compose_kind(const Templates *templates, const char *language, const char *template_name, Word word)
{
	if (word == WORD_NONE)
		return NULL;
	bool resolved = word == WORD_RESOLVED;
	g_autofree char *ack = g_strconcat("ack-", is_set(template_name) ? template_name : "", resolved ? "-resolved" : "", NULL);
	g_autofree char *bare = g_strconcat(is_set(template_name) ? template_name : "", resolved ? "-resolved" : "", NULL);
	const char *names[] = { ack, bare };
	for (gsize i = 0; is_set(template_name) && i < G_N_ELEMENTS(names); i++)
		if (templates_have(templates, names[i], language) || templates_have(templates, names[i], NULL))
			return g_strdup(names[i]);
	return g_strconcat("ack-", word_name(word), NULL);
}

/* Returns "<outage-ack.HEX@domain>". The same letter taken up twice (a crash between the server's word and our note of it) has the
 * same id, so that the recipient's side can tell, also where the severity changed in between: the kind here is that of the mark,
 * active or resolved, or the letter's own. An acknowledgement that ack.again_after allows anew has another id. */
static char *make_message_id(const Letter *letter, const Secret *secret, Word word)
{
	const ClaimRequest *request = letter->request;
	g_autofree char *sender = address_normal(letter->to);
	gint64 again = letter->config->ack_again_after / 1000;
	g_autoptr(GString) data = g_string_new(NULL);
	const char *kind = request->class != LETTER_ACK ? request->letter : word == WORD_RESOLVED ? "resolved" : "active";
	g_string_printf(data, "%s\n%s\n%s", request->id, kind, sender);
	if (again > 0 && request->class == LETTER_ACK)
		g_string_append_printf(data, "\n%" G_GINT64_FORMAT, request->written_at / again);
	g_autofree char *mac = secret_hmac(secret, data->str, (gssize)data->len);
	return g_strdup_printf("<outage-ack.%.32s@%s>", mac, letter->from->domain);
}

/* Returns true where a word of size bytes cannot stand in a header as it is: not ASCII, or taken for an encoded word. */
static bool word_needs_encoding(const char *word, gsize size)
{
	for (gsize i = 0; i < size; i++)
		if ((word[i] & 0x80) != 0)
			return true;
	return g_strstr_len(word, (gssize)size, "=?") != NULL;
}

/* Returns text as a folded header value, or NULL where nothing in it needs encoding. Words stay as they are up to the first that
 * needs it (not where `whole` is to be encoded); from there on stand
 *
 *     encoded-word = "=?UTF-8?B?" base64 "?="          RFC 2047 sections 2 and 5: at most 75 characters, lines at most 76
 *
 * one a line. GMime makes them longer, and lets "=?" in ASCII text pass, which the reader's program would then decode. */
static char *encode_header(const char *text, bool whole)
{
	if (!word_needs_encoding(text, strlen(text)))
		return NULL;
	const char *rest = text;
	for (gsize length = strcspn(rest, " "); !whole && !word_needs_encoding(rest, length); length = strcspn(rest, " "))
		rest += length + strspn(rest + length, " ");
	g_autofree char *plain = g_strchomp(g_strndup(text, (gsize)(rest - text)));
	g_autofree char *folded = header_fold(plain, strlen("Subject"));
	GString *out = g_string_new(folded);
	while (*rest != '\0') {
		gsize size = strlen(rest);
		if (size > ENCODED_WORD_BYTES)
			size = (gsize)(g_utf8_find_prev_char(rest, rest + ENCODED_WORD_BYTES + 1) - rest);
		g_autofree char *base64 = g_base64_encode((const guchar *)rest, size);
		g_string_append_printf(out, "%s=?UTF-8?B?%s?=", out->len > 0 ? "\n " : "", base64);
		rest += size;
	}
	return g_string_free(out, FALSE);
}

/* Writes value, which is encoded and folded, in place of what GMime made of the header. */
static void set_raw_header(GMimeMessage *message, const char *name, const char *value)
{
	GMimeHeader *header = g_mime_header_list_get_header(g_mime_object_get_header_list(GMIME_OBJECT(message)), name);
	g_autofree char *raw = g_strdup_printf(" %s\n", value);
	g_mime_header_set_raw_value(header, raw);
}

/* Returns address as a header has it: RFC 5322 section 3.4.1 wants quotes around a local part such as "a..b", which the mail
 * world uses without them. */
static char *header_address(const Address *address)
{
	g_autofree char *plain = address_to_string(address);
	if (*plain == '"' || address_needs_smtputf8(address) || dot_atom_length(address->local) == strlen(address->local))
		return g_steal_pointer(&plain);
	return g_strdup_printf("\"%s\"@%s", address->local, address->domain);
}

static void add_address(GMimeMessage *message, GMimeAddressType type, const char *name, const Address *address)
{
	g_autofree char *addr = header_address(address);
	g_mime_message_add_mailbox(message, type, is_set(name) ? name : NULL, addr);
}

static void add_from(GMimeMessage *message, const Letter *letter)
{
	add_address(message, GMIME_ADDRESS_TYPE_FROM, letter->from_name, letter->from);
	/* Whole, as a plain word of a name might need quotes. */
	g_autofree char *encoded = encode_header(letter->from_name, true);
	if (encoded == NULL)
		return;
	g_autofree char *addr = header_address(letter->from);
	g_autofree char *value = g_strdup_printf("%s\n <%s>", encoded, addr);
	set_raw_header(message, "From", value);
}

static void set_subject(GMimeMessage *message, const char *subject)
{
	g_mime_message_set_subject(message, subject, "utf-8");
	g_autofree char *encoded = encode_header(subject, false);
	if (encoded != NULL)
		set_raw_header(message, "Subject", encoded);
}

static void set_header(GMimeObject *object, const char *name, const char *value)
{
	if (value != NULL)
		g_mime_object_set_header(object, name, value, "utf-8");
}

/* For ASCII without white space, which is to stand as it is: GMime makes encoded words of what does not fit into a line of 76
 * characters, and in an address or a URL nobody reads those (RFC 2047 section 5). */
static void set_plain_header(GMimeMessage *message, const char *name, const char *value)
{
	set_header(GMIME_OBJECT(message), name, value);
	set_raw_header(message, name, value);
}

static void write_message(const Letter *letter, Composed *composed, gint64 now)
{
	GMimeMessage *message = g_mime_message_new(FALSE);
	g_autoptr(GDateTime) date = g_date_time_new_from_unix_utc(now);
	add_from(message, letter);
	add_address(message, GMIME_ADDRESS_TYPE_TO, NULL, letter->to);
	add_address(message, GMIME_ADDRESS_TYPE_REPLY_TO, NULL, letter->reply_to);
	set_subject(message, composed->subject);
	g_mime_message_set_date(message, date);
	g_autofree char *bare_id = g_strndup(composed->message_id + 1, strlen(composed->message_id) - 2);
	g_mime_message_set_message_id(message, bare_id);
	GMimeObject *head = GMIME_OBJECT(message);
	set_header(head, "In-Reply-To", letter->in_reply_to);
	set_header(head, "References", letter->references);
	/* RFC 3834 section 5: a notice answers no mail, though it stands in the thread of one. */
	set_header(head, "Auto-Submitted", letter->request->class == LETTER_ACK ? "auto-replied" : "auto-generated");
	set_header(head, "X-Auto-Response-Suppress", "All");
	if (letter->stop != NULL) {
		g_autofree char *unsubscribe = compose_stop_header(letter->stop);
		set_plain_header(message, "List-Unsubscribe", unsubscribe);
	}
	/* A peer that drops what it does not know may keep this, the oldest of such marks; inspect/answerable-headers.c reads it. */
	g_autofree char *tag = address_normal_text(letter->request->support);
	if (tag != NULL && g_str_is_ascii(tag))
		set_plain_header(message, "X-Loop", tag);
	GMimeObject *body = body_make(composed->text, composed->html, composed->language);
	g_mime_message_set_mime_part(message, body);
	g_object_unref(body);
	GMimeFormatOptions *options = g_mime_format_options_new();
	g_mime_format_options_set_newline_format(options, GMIME_NEWLINE_FORMAT_DOS);
	composed->bytes = g_mime_object_to_string(head, options);
	composed->size = strlen(composed->bytes);
	g_mime_format_options_free(options);
	g_object_unref(message);
}

/* Returns everything that the letter may say in that language. */
static GHashTable *letter_values(const Letter *letter, const Incident *incident, const char *language, gint64 now)
{
	GHashTable *values = compose_values(letter->config, incident, letter->support, language, letter->request->level, now);
	g_hash_table_insert(values, (gpointer)"subject", clean_subject(letter->request->subject));
	g_hash_table_insert(values, (gpointer)"support", address_to_string(letter->reply_to));
	compose_letter_values(values, letter->config, letter->request, language, letter->stop);
	return values;
}

/* Renders the text of the letter into composed. */
static bool render(const Letter *letter, const Templates *templates, const Incident *incident, gint64 now, Composed *composed,
    GError **error)
{
	const ClaimRequest *request = letter->request;
	composed->kind = compose_letter_kind(templates, request->language, request, incident->state.word);
	if (composed->kind == NULL) {
		g_autofree char *name = log_escape(request->letter, 80);
		g_set_error(error, OUTAGE_ERROR, OUTAGE_ERROR_INVALID, "there is no kind of letter '%s'", name);
		return false;
	}
	const char *language = compose_language(letter->config, templates, composed->kind, request->language, letter->support);
	g_autoptr(GHashTable) values = letter_values(letter, incident, language, now);
	const char *settled = language != NULL ? compose_mixed(letter->config, templates, composed->kind, language, values) : NULL;
	if (settled != language) {
		g_hash_table_unref(values);
		values = letter_values(letter, incident, settled, now);
	}
	const char *used = NULL;
	if (!templates_render(templates, composed->kind, settled, values, &composed->subject, &composed->text, &used, error) ||
	    (letter->config->reply_html && !templates_render_html(templates, composed->kind, settled, values, &composed->html, error)))
		return false;
	composed->language = g_strdup(used);
	return true;
}

/* Returns who the MTA is to tell of a failure, "" for nobody, NULL with error: the bounce address with the recipient's
 * own tag, else the one address for all. The tag is made for whom the mark was set, so that a bounce finds the address
 * however it was written. */
static char *make_envelope_sender(const Letter *letter, const Secret *secret, GError **error)
{
	const Config *config = letter->config;
	bool tagged = is_set(config->bounce_address);
	if (!tagged && !is_set(config->envelope_sender))
		return g_strdup("");
	g_autoptr(Address) sender = tagged ? own_address(config->bounce_address, "reply.bounce_address", error) :
	    own_address(config->envelope_sender, "reply.envelope_sender", error);
	if (sender == NULL)
		return NULL;
	if (!tagged)
		return address_to_string(sender);
	g_autofree char *base = address_normal(sender);
	g_autofree char *to = address_normal(letter->to);
	g_autofree char *hash = secret_address_hash(secret, to);
	return bounce_address_make(secret, base, hash);
}

Composed *compose_letter(const Config *config, const Templates *templates, const Secret *secret, const Incident *newest,
    const Job *job, gint64 now, GError **error)
{
	compose_init();
	g_auto(Letter) letter = { 0 };
	g_autoptr(Composed) composed = g_new0(Composed, 1);
	g_autoptr(Incident) incident = compose_letter_incident(newest, job->request, error);
	if (incident == NULL || !letter_fill(&letter, config, job->request, error))
		return NULL;
	letter.stop = compose_stop_address(config, secret, job->request);
	composed->envelope_sender = make_envelope_sender(&letter, secret, error);
	if (composed->envelope_sender == NULL || !render(&letter, templates, incident, now, composed, error))
		return NULL;
	composed->to = address_to_string(letter.to);
	composed->smtputf8 = address_needs_smtputf8(letter.to) || address_needs_smtputf8(letter.from) ||
	    address_needs_smtputf8(letter.reply_to) || !g_str_is_ascii(composed->envelope_sender);
	composed->message_id = make_message_id(&letter, secret, incident->state.word);
	write_message(&letter, composed, now);
	return g_steal_pointer(&composed);
}
