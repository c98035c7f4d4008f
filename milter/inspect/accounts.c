/* accounts: the table of big customers and the reader of one entry of it (design.md 4.4). Layer: inspect. Pure.
 *
 * Entries come out of the store, where other tools and people write them, so every member is bounded and checked
 * before it is believed: what passes here ends up in headers, in pages and in what a customer reads. */
#include "inspect/accounts.h"

#include <json-glib/json-glib.h>
#include <string.h>

#include "base/address.h"
#include "base/clock.h"
#include "base/error.h"

#define JSON_MAX 16384       /* bytes of one entry */
#define BRACKETS_MAX 256     /* of "[" and "{" in it: the JSON reader recurses */
#define NAME_MAX_BYTES 200
#define LEVEL_MAX_BYTES 64
#define LANGUAGE_MAX_BYTES 35 /* RFC 5646 section 4.4.1 */
#define TEMPLATE_MAX_BYTES 32
#define CONTACTS_MAX 50
#define RESPOND_MAX_MS ((gint64)366 * 24 * 3600 * 1000)

static const char *const ACK_NAMES[] = { "none", "personal", "macro" };

void account_free(Account *account)
{
	if (!account)
		return;
	g_free(account->key);
	g_free(account->name);
	g_free(account->level);
	g_free(account->manager);
	g_strfreev(account->contacts);
	g_free(account->language);
	g_free(account->template_name);
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

static bool is_address(const char *text)
{
	g_autoptr(Address) address = address_parse(text, NULL);

	return address != NULL;
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

static bool read_respond_within(const Entry *entry, Account *account)
{
	g_autofree char *text = NULL;
	gint64 milliseconds = 0;

	if (!read_string(entry, "respond_within", 64, is_duration, "must be a duration such as 30m, at most a year", &text))
		return false;
	if (text && clock_parse_duration(text, &milliseconds))
		account->respond_within = (milliseconds + 999) / 1000; /* rounded up: half a second is not "unset" */
	return true;
}

static bool read_ack(const Entry *entry, Account *account)
{
	g_autofree char *text = NULL;

	if (!read_string(entry, "ack", 16, NULL, NULL, &text))
		return false;
	if (!text)
		return true;
	for (guint i = 0; i < G_N_ELEMENTS(ACK_NAMES); i++) {
		if (g_ascii_strcasecmp(text, ACK_NAMES[i]) == 0) {
			account->has_ack = true;
			account->ack = (AckPolicy)i;
			return true;
		}
	}
	return refuse(entry, "ack", "must be none, personal or macro");
}

static bool read_contacts(const Entry *entry, Account *account)
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
	g_ptr_array_add(contacts, NULL);
	account->contacts = (char **)g_ptr_array_free(g_steal_pointer(&contacts), FALSE);
	return true;
}

static bool read_manager(const Entry *entry, Account *account)
{
	g_autofree char *text = NULL;
	g_autoptr(Address) address = NULL;

	if (!read_string(entry, "manager", 320, is_address, "is no address", &text))
		return false;
	address = text ? address_parse(text, NULL) : NULL;
	if (address)
		account->manager = address_to_string(address);
	return true;
}

/* A key is an address or a domain. A public suffix ("co.uk") would make an account of everybody. */
static bool read_key(const Entry *entry, Account *account)
{
	if (strchr(entry->key, '@')) {
		account->key = address_normal_text(entry->key);
		return account->key || refuse(entry, NULL, "the key is neither an address nor a domain");
	}
	account->key = domain_to_ascii(entry->key);
	if (!account->key)
		return refuse(entry, NULL, "the key is neither an address nor a domain");
	if (domain_is_public_suffix(account->key))
		return refuse(entry, NULL, "the key is a public suffix, which covers unrelated companies");
	return true;
}

static bool read_members(const Entry *entry, Account *account)
{
	if (!read_string(entry, "account", NAME_MAX_BYTES, NULL, NULL, &account->name) ||
	    !read_string(entry, "level", LEVEL_MAX_BYTES, NULL, NULL, &account->level) || !read_manager(entry, account) ||
	    !read_contacts(entry, account) || !read_respond_within(entry, account) ||
	    !read_string(entry, "language", LANGUAGE_MAX_BYTES, is_language, "is no language tag such as de or pt-BR",
	        &account->language) ||
	    !read_string(entry, "template", TEMPLATE_MAX_BYTES, is_template, "may have only a-z, 0-9 and -",
	        &account->template_name) ||
	    !read_ack(entry, account))
		return false;
	return account->name || refuse(entry, "account", "is missing: the customer's name");
}

/* Refuses what the JSON reader need not see: oversize, not UTF-8, or nested so deep that it might run out of
 * stack. Brackets are counted wherever they stand, also in strings, for then nothing can hide one. */
static bool is_readable(const Entry *entry, const char *json)
{
	guint brackets = 0;

	if (strlen(json) > JSON_MAX)
		return refuse(entry, NULL, "the entry is longer than 16 KB");
	if (!g_utf8_validate(json, -1, NULL))
		return refuse(entry, NULL, "the entry is not UTF-8");
	for (const char *at = json; *at; at++)
		brackets += *at == '[' || *at == '{';
	return brackets <= BRACKETS_MAX || refuse(entry, NULL, "the entry has too many brackets");
}

Account *account_parse(const char *key, const char *json, GError **error)
{
	g_autoptr(Account) account = g_new0(Account, 1);
	g_autoptr(JsonParser) parser = NULL;
	Entry entry = { key, NULL, error };
	JsonNode *root;

	if (!read_key(&entry, account) || !is_readable(&entry, json))
		return NULL;
	parser = json_parser_new_immutable();
	root = json_parser_load_from_data(parser, json, -1, NULL) ? json_parser_get_root(parser) : NULL;
	if (!root || !JSON_NODE_HOLDS_OBJECT(root)) {
		refuse(&entry, NULL, "the entry is no JSON object");
		return NULL;
	}
	entry.object = json_node_get_object(root);
	return read_members(&entry, account) ? g_steal_pointer(&account) : NULL;
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

/* Addresses and domains share one table: an address has an "@", a domain never. */
struct Accounts {
	gatomicrefcount refs;
	GHashTable *by_key;
};

Accounts *accounts_new(void)
{
	Accounts *accounts = g_new0(Accounts, 1);

	g_atomic_ref_count_init(&accounts->refs);
	accounts->by_key = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, (GDestroyNotify)account_free);
	return accounts;
}

Accounts *accounts_ref(Accounts *accounts)
{
	g_atomic_ref_count_inc(&accounts->refs);
	return accounts;
}

void accounts_unref(Accounts *accounts)
{
	if (!accounts || !g_atomic_ref_count_dec(&accounts->refs))
		return;
	g_hash_table_unref(accounts->by_key);
	g_free(accounts);
}

void accounts_add(Accounts *accounts, Account *account)
{
	/* replace, not insert: the key lives in the account that goes with it. */
	g_hash_table_replace(accounts->by_key, account->key, account);
}

guint accounts_count(const Accounts *accounts)
{
	return g_hash_table_size(accounts->by_key);
}

const Account *accounts_find(const Accounts *accounts, const char *address)
{
	g_autofree char *normal = address_normal_text(address);
	const Account *account;

	if (!normal)
		return NULL;
	account = g_hash_table_lookup(accounts->by_key, normal);
	for (const char *rest = strrchr(normal, '@'); !account && rest; rest = strchr(rest, '.')) {
		rest++;
		account = g_hash_table_lookup(accounts->by_key, rest);
	}
	return account;
}

static gint compare_keys(gconstpointer a, gconstpointer b)
{
	return strcmp(a, b);
}

void accounts_foreach(const Accounts *accounts, void (*func)(const Account *account, gpointer data), gpointer data)
{
	g_autoptr(GList) keys = g_list_sort(g_hash_table_get_keys(accounts->by_key), compare_keys);

	for (GList *item = keys; item; item = item->next)
		func(g_hash_table_lookup(accounts->by_key, item->data), data);
}
