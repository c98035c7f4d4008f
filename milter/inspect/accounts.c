/* accounts: one entry of the table of big customers (doc/contract.md 5), read and written. Layer: inspect. Pure.
 *
 * Entries come out of the store, where other tools and people write them, so every member is bounded and checked
 * before it is believed: what passes here ends up in headers, in pages and in what a customer reads. There may be a million of them:
 * an entry is one block of memory, and what repeats from entry to entry (level, manager, language, template) is kept once for all. */
#include "inspect/accounts-private.h"

#include <json-glib/json-glib.h>
#include <string.h>

#include "base/address.h"
#include "base/clock.h"
#include "base/error.h"

#define BRACKETS_MAX 256     /* of "[" and "{" in it: the JSON reader recurses */
#define NAME_MAX_BYTES 200
#define LEVEL_MAX_BYTES 64
#define LANGUAGE_MAX_BYTES 35 /* RFC 5646 section 4.4.1 */
#define TEMPLATE_MAX_BYTES 32
#define CONTACTS_MAX 50
#define RESPOND_MAX_MS ((gint64)366 * 24 * 3600 * 1000)

guint64 account_source(const char *json)
{
	guint64 digest = G_GUINT64_CONSTANT(14695981039346656037); /* FNV-1a */

	for (; *json; json++)
		digest = (digest ^ (guchar)*json) * G_GUINT64_CONSTANT(1099511628211);
	return digest;
}

static const char *const ACK_NAMES[] = { "none", "personal", "macro" };

/* An entry while it is read: each text on its own. */
typedef struct {
	char *key, *name, *level, *manager, *language, *template_name;
	GPtrArray *contacts;
	gint64 respond_within;
	bool has_ack;
	AckPolicy ack;
} Draft;

static void draft_clear(Draft *draft)
{
	g_free(draft->key);
	g_free(draft->name);
	g_free(draft->level);
	g_free(draft->manager);
	g_free(draft->language);
	g_free(draft->template_name);
	g_clear_pointer(&draft->contacts, g_ptr_array_unref);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Draft, draft_clear)

/* Puts text (with its NUL) to *at and moves *at behind it. */
static char *put(char **at, const char *text)
{
	char *start = *at;

	*at = g_stpcpy(start, text) + 1;
	return start;
}

static const char *shared(const char *text)
{
	return text ? g_ref_string_new_intern(text) : NULL;
}

/* block = Account contacts[n + 1] key NUL name NUL contact NUL ... */
static Account *pack(const Draft *draft)
{
	guint contacts = draft->contacts ? draft->contacts->len : 0;
	gsize size = sizeof(Account) + (contacts + 1) * sizeof(char *) + strlen(draft->key) + 1 + strlen(draft->name) + 1;
	Account *account;
	char *at;

	for (guint i = 0; i < contacts; i++)
		size += strlen(draft->contacts->pdata[i]) + 1;
	account = g_malloc0(size);
	g_atomic_ref_count_init(&account->refs);
	account->contacts = (char **)(account + 1);
	at = (char *)(account->contacts + contacts + 1);
	account->key = put(&at, draft->key);
	account->name = put(&at, draft->name);
	for (guint i = 0; i < contacts; i++)
		account->contacts[i] = put(&at, draft->contacts->pdata[i]);
	account->level = shared(draft->level);
	account->manager = shared(draft->manager);
	account->language = shared(draft->language);
	account->template_name = shared(draft->template_name);
	account->respond_within = draft->respond_within;
	account->has_ack = draft->has_ack;
	account->ack = draft->ack;
	return account;
}

Account *account_new_gone(const char *key)
{
	const Draft draft = { .key = (char *)key, .name = (char *)"" };
	Account *account = pack(&draft);

	account->name = NULL;
	return account;
}

Account *account_ref(Account *account)
{
	g_atomic_ref_count_inc(&account->refs);
	return account;
}

static void release(const char *text)
{
	if (text)
		g_ref_string_release((char *)text);
}

void account_free(Account *account)
{
	if (!account || !g_atomic_ref_count_dec(&account->refs))
		return;
	release(account->level);
	release(account->manager);
	release(account->language);
	release(account->template_name);
	g_free(account);
}

/* One entry being read: where a mistake is has to be said with both names. */
typedef struct {
	const char *key;
	JsonObject *object;
	GError **error;
} Entry;

static bool refuse(const Entry *entry, const char *member, const char *why)
{
	g_autofree char *key = g_strescape(entry->key, NULL);

	if (member)
		g_set_error(entry->error, OUTAGE_ERROR, OUTAGE_ERROR_INVALID, "account \"%s\": %s: %s", key, member, why);
	else
		g_set_error(entry->error, OUTAGE_ERROR, OUTAGE_ERROR_INVALID, "account \"%s\": %s", key, why);
	return false;
}

/* Returns text without control characters (Unicode's too, so that no line or direction is forged) and outer white
 * space. */
static char *cleaned(const char *text)
{
	g_autoptr(GString) out = g_string_new(NULL);

	for (const char *at = text; *at; at = g_utf8_next_char(at)) {
		gunichar c = g_utf8_get_char(at);

		switch (g_unichar_type(c)) {
		case G_UNICODE_CONTROL:
		case G_UNICODE_LINE_SEPARATOR:
		case G_UNICODE_PARAGRAPH_SEPARATOR:
			g_string_append_c(out, ' ');
			break;
		case G_UNICODE_FORMAT:
			break;
		default:
			g_string_append_unichar(out, c);
		}
	}
	return g_strstrip(g_string_free(g_steal_pointer(&out), FALSE));
}

/* Returns whether member is there; a null is as good as absent. */
static bool has(const Entry *entry, const char *member)
{
	return json_object_has_member(entry->object, member) && !json_object_get_null_member(entry->object, member);
}

/* Returns the string in node, or NULL where it is something else, or no UTF-8: JSON-GLib lets half a surrogate
 * pair through. */
static const char *node_string(JsonNode *node)
{
	const char *text;

	if (!JSON_NODE_HOLDS_VALUE(node) || json_node_get_value_type(node) != G_TYPE_STRING)
		return NULL;
	text = json_node_get_string(node);
	return text && g_utf8_validate(text, -1, NULL) ? text : NULL;
}

/* Reads a string member into *out, NULL where it is absent; valid (NULL = anything) judges the cleaned text. */
static bool read_string(const Entry *entry, const char *member, gsize max, bool (*valid)(const char *),
    const char *why, char **out)
{
	const char *text;
	g_autofree char *clean = NULL;

	if (!has(entry, member))
		return true;
	text = node_string(json_object_get_member(entry->object, member));
	if (!text)
		return refuse(entry, member, "must be a string of Unicode characters");
	clean = cleaned(text);
	if (!*clean)
		return true;
	if (strlen(clean) > max)
		return refuse(entry, member, "is too long");
	if (valid && !valid(clean))
		return refuse(entry, member, why);
	*out = g_steal_pointer(&clean);
	return true;
}

/* Language-Tag = subtag *("-" subtag), each of one to eight letters or digits, the first of letters (RFC 5646
 * section 2.1). */
static bool is_language(const char *text)
{
	gsize length = 0;
	bool first = true;

	for (;; text++) {
		if (*text == '-' || !*text) {
			if (length == 0 || length > 8)
				return false;
			if (!*text)
				return true;
			length = 0;
			first = false;
		} else if (!(first ? g_ascii_isalpha(*text) : g_ascii_isalnum(*text))) {
			return false;
		} else {
			length++;
		}
	}
}

static bool is_template(const char *text)
{
	return strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789-") == strlen(text);
}

static bool is_duration(const char *text)
{
	gint64 milliseconds;

	return clock_parse_duration(text, &milliseconds) && milliseconds >= 0 && milliseconds <= RESPOND_MAX_MS;
}

static bool read_respond_within(const Entry *entry, Draft *draft)
{
	g_autofree char *text = NULL;
	gint64 milliseconds = 0;

	if (!read_string(entry, "respond_within", 64, is_duration, "must be a duration such as 30m, at most a year", &text))
		return false;
	if (text && clock_parse_duration(text, &milliseconds))
		draft->respond_within = (milliseconds + 999) / 1000; /* rounded up: half a second is not "unset" */
	return true;
}

static bool read_ack(const Entry *entry, Draft *draft)
{
	g_autofree char *text = NULL;

	if (!read_string(entry, "ack", 16, NULL, NULL, &text))
		return false;
	if (!text)
		return true;
	for (guint i = 0; i < G_N_ELEMENTS(ACK_NAMES); i++) {
		if (g_ascii_strcasecmp(text, ACK_NAMES[i]) == 0) {
			draft->has_ack = true;
			draft->ack = (AckPolicy)i;
			return true;
		}
	}
	return refuse(entry, "ack", "must be none, personal or macro");
}

static bool read_contacts(const Entry *entry, Draft *draft)
{
	g_autoptr(GPtrArray) contacts = g_ptr_array_new_with_free_func(g_free);
	JsonArray *array;

	if (has(entry, "contacts")) {
		JsonNode *node = json_object_get_member(entry->object, "contacts");

		if (!JSON_NODE_HOLDS_ARRAY(node))
			return refuse(entry, "contacts", "must be a list of addresses");
		array = json_node_get_array(node);
		if (json_array_get_length(array) > CONTACTS_MAX)
			return refuse(entry, "contacts", "has too many members");
		for (guint i = 0; i < json_array_get_length(array); i++) {
			const char *text = node_string(json_array_get_element(array, i));
			g_autoptr(Address) address = text ? address_parse(text, NULL) : NULL;

			if (!address)
				return refuse(entry, "contacts", "has a member that is no address");
			g_ptr_array_add(contacts, address_to_string(address));
		}
	}
	draft->contacts = g_steal_pointer(&contacts);
	return true;
}

static bool read_manager(const Entry *entry, Draft *draft)
{
	g_autofree char *text = NULL;
	g_autoptr(Address) address = NULL;

	if (!read_string(entry, "manager", 320, NULL, NULL, &text))
		return false;
	if (!text)
		return true;
	address = address_parse(text, NULL);
	if (!address)
		return refuse(entry, "manager", "is no address");
	draft->manager = address_to_string(address);
	return true;
}

char *account_key(const char *text)
{
	return strchr(text, '@') ? address_normal_text(text) : domain_to_ascii(text);
}

/* A key is an address or a domain. A public suffix ("co.uk") would make an account of everybody. */
static bool read_key(const Entry *entry, Draft *draft)
{
	draft->key = account_key(entry->key);
	if (!draft->key)
		return refuse(entry, NULL, "the key is neither an address nor a domain");
	if (!strchr(draft->key, '@') && domain_is_public_suffix(draft->key))
		return refuse(entry, NULL, "the key is a public suffix, which covers unrelated companies");
	return true;
}

static bool read_members(const Entry *entry, Draft *draft)
{
	if (!read_string(entry, "account", NAME_MAX_BYTES, NULL, NULL, &draft->name) ||
	    !read_string(entry, "level", LEVEL_MAX_BYTES, NULL, NULL, &draft->level) || !read_manager(entry, draft) ||
	    !read_contacts(entry, draft) || !read_respond_within(entry, draft) ||
	    !read_string(entry, "language", LANGUAGE_MAX_BYTES, is_language, "is no language tag such as de or pt-BR",
	        &draft->language) ||
	    !read_string(entry, "template", TEMPLATE_MAX_BYTES, is_template, "may have only a-z, 0-9 and -",
	        &draft->template_name) ||
	    !read_ack(entry, draft))
		return false;
	return draft->name || refuse(entry, "account", "is missing: the customer's name");
}

/* Refuses what the JSON reader need not see: oversize, not UTF-8, or nested so deep that it might run out of
 * stack. Brackets are counted wherever they stand, also in strings, for then nothing can hide one. */
static bool is_readable(const Entry *entry, const char *json)
{
	guint brackets = 0;

	if (strlen(json) > ACCOUNT_JSON_MAX)
		return refuse(entry, NULL, "the entry is longer than 16 KB");
	if (!g_utf8_validate(json, -1, NULL))
		return refuse(entry, NULL, "the entry is not UTF-8");
	for (const char *at = json; *at; at++)
		brackets += *at == '[' || *at == '{';
	return brackets <= BRACKETS_MAX || refuse(entry, NULL, "the entry has too many brackets");
}

Account *account_parse(const char *key, const char *json, GError **error)
{
	g_auto(Draft) draft = { .key = NULL };
	g_autoptr(JsonParser) parser = NULL;
	Entry entry = { key, NULL, error };
	JsonNode *root;
	Account *account;

	if (!read_key(&entry, &draft) || !is_readable(&entry, json))
		return NULL;
	parser = json_parser_new_immutable();
	root = json_parser_load_from_data(parser, json, -1, NULL) ? json_parser_get_root(parser) : NULL;
	if (!root || !JSON_NODE_HOLDS_OBJECT(root)) {
		refuse(&entry, NULL, "the entry is no JSON object");
		return NULL;
	}
	entry.object = json_node_get_object(root);
	if (!read_members(&entry, &draft))
		return NULL;
	account = pack(&draft);
	account->source = account_source(json);
	return account;
}

static void add_string(JsonBuilder *builder, const char *member, const char *text)
{
	if (!text)
		return;
	json_builder_set_member_name(builder, member);
	json_builder_add_string_value(builder, text);
}

char *account_to_json(const Account *account)
{
	g_autoptr(JsonBuilder) builder = json_builder_new();
	g_autoptr(JsonNode) root = NULL;

	json_builder_begin_object(builder);
	add_string(builder, "account", account->name);
	add_string(builder, "level", account->level);
	add_string(builder, "manager", account->manager);
	if (account->contacts && account->contacts[0]) {
		json_builder_set_member_name(builder, "contacts");
		json_builder_begin_array(builder);
		for (char **contact = account->contacts; *contact; contact++)
			json_builder_add_string_value(builder, *contact);
		json_builder_end_array(builder);
	}
	if (account->respond_within > 0) {
		g_autofree char *duration = clock_format_duration(account->respond_within * 1000);

		add_string(builder, "respond_within", duration);
	}
	add_string(builder, "language", account->language);
	add_string(builder, "template", account->template_name);
	if (account->has_ack)
		add_string(builder, "ack", ACK_NAMES[account->ack]);
	json_builder_end_object(builder);
	root = json_builder_get_root(builder);
	return json_to_string(root, FALSE);
}
