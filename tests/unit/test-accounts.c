/* test-accounts: an entry of the store becomes an account or a clear complaint, and a sender finds his own
 * company's. */
#include "inspect/accounts.h"

#include <string.h>

#include "base/error.h"

#define FULL \
	"{\"account\":\"Acme\",\"level\":\"platinum\",\"manager\":\"jane@example.com\"," \
	"\"contacts\":[\"it@acme.com\",\"ops@acme.com\"],\"respond_within\":\"30m\",\"language\":\"de\"," \
	"\"template\":\"acme\",\"ack\":\"none\"}"

static void test_every_member_is_read(void)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(Account) account = account_parse("Acme.COM", FULL, &error);

	g_assert_no_error(error);
	g_assert_cmpstr(account->key, ==, "acme.com");
	g_assert_cmpstr(account->name, ==, "Acme");
	g_assert_cmpstr(account->level, ==, "platinum");
	g_assert_cmpstr(account->manager, ==, "jane@example.com");
	g_assert_cmpuint(g_strv_length(account->contacts), ==, 2);
	g_assert_cmpstr(account->contacts[1], ==, "ops@acme.com");
	g_assert_cmpint(account->respond_within, ==, 1800);
	g_assert_cmpstr(account->language, ==, "de");
	g_assert_cmpstr(account->template_name, ==, "acme");
	g_assert_true(account->has_ack);
	g_assert_cmpint(account->ack, ==, ACK_NONE);
}

static void test_only_the_name_is_needed(void)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(Account) account = account_parse("jane@acme.com",
	    "{\"account\":\" A\\ncm\\u0007e \\u202e \",\"level\":null,\"future\":{\"x\":[1]}}", &error);

	g_assert_no_error(error);
	g_assert_cmpstr(account->key, ==, "jane@acme.com");
	g_assert_cmpstr(account->name, ==, "A cm e");
	g_assert_null(account->level);
	g_assert_null(account->manager);
	g_assert_null(account->contacts[0]);
	g_assert_cmpint(account->respond_within, ==, 0);
	g_assert_null(account->language);
	g_assert_null(account->template_name);
	g_assert_false(account->has_ack);
}

static void test_what_is_written_is_read_back(void)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(Account) account = account_parse("acme.com", FULL, &error);
	g_autofree char *json = account_to_json(account);

	g_assert_no_error(error);
	g_assert_cmpstr(json, ==, FULL);
}

typedef struct {
	const char *name, *key, *json, *expected;
} RefusedCase;

static const RefusedCase REFUSED[] = {
	{ "public-suffix", "co.uk", FULL, "account \"co.uk\": the key is a public suffix" },
	{ "top-level", "COM", FULL, "public suffix" },
	{ "key-empty", "", FULL, "neither an address nor a domain" },
	{ "key-line-break", "acme.com\nx", FULL, "account \"acme.com\\nx\"" },
	{ "key-half-address", "@acme.com", FULL, "neither" },
	{ "not-json", "acme.com", "Acme", "no JSON object" },
	{ "json-list", "acme.com", "[1]", "no JSON object" },
	{ "json-empty", "acme.com", "", "no JSON object" },
	{ "not-utf8", "acme.com", "{\"account\":\"\xff\"}", "not UTF-8" },
	{ "name-missing", "acme.com", "{\"level\":\"gold\"}", "account: is missing" },
	{ "name-blank", "acme.com", "{\"account\":\" \\n \"}", "account: is missing" },
	{ "name-number", "acme.com", "{\"account\":7}", "account: must be a string" },
	{ "name-half-surrogate", "acme.com", "{\"account\":\"\\ud8\\ude00\"}", "account: must be a string of Unicode" },
	{ "level-list", "acme.com", "{\"account\":\"A\",\"level\":[\"gold\"]}", "level: must be a string" },
	{ "manager", "acme.com", "{\"account\":\"A\",\"manager\":\"Jane\"}", "manager: is no address" },
	{ "manager-injects", "acme.com", "{\"account\":\"A\",\"manager\":\"jane@example.com, all@example.com\"}",
	    "manager: is no address" },
	{ "contacts-string", "acme.com", "{\"account\":\"A\",\"contacts\":\"it@acme.com\"}", "contacts: must be a list" },
	{ "contacts-member", "acme.com", "{\"account\":\"A\",\"contacts\":[\"it@acme.com\",null]}",
	    "contacts: has a member" },
	{ "respond-number", "acme.com", "{\"account\":\"A\",\"respond_within\":30}", "respond_within: must be a string" },
	{ "respond-unit", "acme.com", "{\"account\":\"A\",\"respond_within\":\"30\"}",
	    "respond_within: must be a duration" },
	{ "respond-negative", "acme.com", "{\"account\":\"A\",\"respond_within\":\"-30m\"}",
	    "respond_within: must be a duration" },
	{ "respond-too-long", "acme.com", "{\"account\":\"A\",\"respond_within\":\"99999w\"}",
	    "respond_within: must be a duration" },
	{ "language", "acme.com", "{\"account\":\"A\",\"language\":\"de_DE\"}", "language: is no language tag" },
	{ "template-path", "acme.com", "{\"account\":\"A\",\"template\":\"../etc/passwd\"}", "template: may have only" },
	{ "template-long", "acme.com", "{\"account\":\"A\",\"template\":\"abcdefghijklmnopqrstuvwxyz0123456\"}",
	    "template: is too long" },
	{ "ack", "acme.com", "{\"account\":\"A\",\"ack\":\"all\"}", "ack: must be none, personal or macro" },
};

static void test_refuses(gconstpointer data)
{
	const RefusedCase *c = data;
	g_autoptr(GError) error = NULL;
	g_autoptr(Account) account = account_parse(c->key, c->json, &error);

	g_assert_null(account);
	g_assert_error(error, OUTAGE_ERROR, OUTAGE_ERROR_INVALID);
	g_assert_nonnull(strstr(error->message, c->expected));
}

static void test_hostile_sizes_are_refused(void)
{
	g_autofree char *deep = g_strnfill(10000, '[');
	g_autofree char *nested = g_strconcat("{\"account\":\"A\",\"x\":", deep, "}", NULL);
	g_autofree char *name = g_strnfill(20000, 'A');
	g_autofree char *large = g_strconcat("{\"account\":\"", name, "\"}", NULL);
	g_autoptr(GError) error = NULL;

	g_assert_null(account_parse("acme.com", nested, &error));
	g_assert_nonnull(strstr(error->message, "too many brackets"));
	g_clear_error(&error);
	g_assert_null(account_parse("acme.com", large, &error));
	g_assert_nonnull(strstr(error->message, "longer than 16 KB"));
}

static void add(Accounts *accounts, const char *key, const char *name)
{
	g_autofree char *json = g_strdup_printf("{\"account\":\"%s\"}", name);
	g_autoptr(GError) error = NULL;
	Account *account = account_parse(key, json, &error);

	g_assert_no_error(error);
	accounts_add(accounts, account);
}

static Accounts *sample_table(void)
{
	Accounts *accounts = accounts_new();

	add(accounts, "acme.com", "Acme");
	add(accounts, "eu.acme.com", "Acme Europe");
	add(accounts, "ceo@eu.acme.com", "Acme Board");
	add(accounts, "one@gmail.com", "One");
	add(accounts, "b\xc3\xbc" "cher.example", "Books");
	return accounts;
}

typedef struct {
	const char *name, *address, *expected;
} FindCase;

static const FindCase FOUND[] = {
	{ "domain", "jane@acme.com", "Acme" },
	{ "case", "JANE@ACME.COM", "Acme" },
	{ "subdomain", "jane@a.b.acme.com", "Acme" },
	{ "longest-domain", "jane@eu.acme.com", "Acme Europe" },
	{ "below-longest-domain", "jane@x.eu.acme.com", "Acme Europe" },
	{ "address-beats-domain", "CEO@eu.acme.com", "Acme Board" },
	{ "address-only", "one@gmail.com", "One" },
	{ "same-provider", "two@gmail.com", NULL },
	{ "name-ends-alike", "jane@notacme.com", NULL },
	{ "name-starts-alike", "jane@acme.com.evil.example", NULL },
	{ "idn", "a@xn--bcher-kva.example", "Books" },
	{ "at-in-local-part", "\"x@acme.com\"@evil.example", NULL },
	{ "literal", "a@[192.0.2.1]", NULL },
	{ "no-address", "acme.com", NULL },
	{ "null", NULL, NULL },
};

static void test_finds(gconstpointer data)
{
	const FindCase *c = data;
	g_autoptr(Accounts) accounts = sample_table();
	const Account *account = accounts_find(accounts, c->address);

	g_assert_cmpstr(account ? account->name : NULL, ==, c->expected);
}

static void note_key(const Account *account, gpointer data)
{
	g_string_append_printf(data, "%s ", account->key);
}

static void test_a_later_entry_replaces_the_earlier(void)
{
	g_autoptr(Accounts) accounts = sample_table();
	g_autoptr(Accounts) shared = accounts_ref(accounts);
	g_autoptr(GString) keys = g_string_new(NULL);

	add(accounts, "ACME.com", "Acme Renamed");
	g_assert_cmpuint(accounts_count(shared), ==, 5);
	g_assert_cmpstr(accounts_find(shared, "jane@acme.com")->name, ==, "Acme Renamed");
	accounts_foreach(shared, note_key, keys);
	g_assert_cmpstr(keys->str, ==, "acme.com ceo@eu.acme.com eu.acme.com one@gmail.com xn--bcher-kva.example ");
}

static Account *account(const char *key, const char *name)
{
	g_autofree char *json = g_strdup_printf("{\"account\":\"%s\"}", name);
	g_autoptr(GError) error = NULL;
	Account *made = account_parse(key, json, &error);

	g_assert_no_error(error);
	return made;
}

static char *all_of(const Accounts *accounts)
{
	GString *keys = g_string_new(NULL);

	accounts_foreach(accounts, note_key, keys);
	return g_string_free(keys, FALSE);
}

static const char *name_at(const Accounts *accounts, const char *address)
{
	const Account *found = accounts_find(accounts, address);

	return found ? found->name : NULL;
}

static void test_a_change_leaves_the_table_before_as_it_was(void)
{
	g_autoptr(Accounts) first = sample_table(), second = NULL, third = NULL;
	g_autoptr(GPtrArray) changed = g_ptr_array_new_with_free_func((GDestroyNotify)account_free), removed = g_ptr_array_new();
	g_autofree char *before = NULL, *after = NULL, *last = NULL;

	g_ptr_array_add(changed, account("acme.com", "Acme Two"));
	g_ptr_array_add(changed, account("new.example", "New"));
	g_ptr_array_add(removed, (gpointer)"one@gmail.com");
	g_ptr_array_add(removed, (gpointer)"nobody.example");
	second = accounts_with(first, changed, removed);
	before = all_of(first);
	after = all_of(second);
	g_assert_cmpstr(before, ==, "acme.com ceo@eu.acme.com eu.acme.com one@gmail.com xn--bcher-kva.example ");
	g_assert_cmpstr(after, ==, "acme.com ceo@eu.acme.com eu.acme.com new.example xn--bcher-kva.example ");
	g_assert_cmpuint(accounts_count(first), ==, 5);
	g_assert_cmpuint(accounts_count(second), ==, 5);
	g_assert_cmpstr(name_at(first, "x@acme.com"), ==, "Acme");
	g_assert_cmpstr(name_at(second, "x@acme.com"), ==, "Acme Two");
	g_assert_null(name_at(second, "one@gmail.com"));
	/* What is gone can come back, and what came can go. */
	g_ptr_array_set_size(changed, 0);
	g_ptr_array_set_size(removed, 0);
	g_ptr_array_add(changed, account("one@gmail.com", "One again"));
	g_ptr_array_add(removed, (gpointer)"new.example");
	third = accounts_with(second, changed, removed);
	last = all_of(third);
	g_assert_cmpstr(last, ==, "acme.com ceo@eu.acme.com eu.acme.com one@gmail.com xn--bcher-kva.example ");
	g_assert_cmpuint(accounts_count(third), ==, 5);
	g_assert_cmpstr(name_at(third, "one@gmail.com"), ==, "One again");
	g_assert_cmpstr(name_at(third, "x@acme.com"), ==, "Acme Two");
}

/* Far more changes than the small part of a table may hold: it becomes one with the large part on the way, unnoticed. */
static void test_many_changes_end_in_the_same_table(void)
{
	g_autoptr(Accounts) accounts = accounts_new();

	for (guint round = 0; round < 30; round++) {
		g_autoptr(GPtrArray) changed = g_ptr_array_new_with_free_func((GDestroyNotify)account_free);
		g_autoptr(GPtrArray) removed = g_ptr_array_new_with_free_func(g_free);
		Accounts *next;

		for (guint i = 0; i < 1000; i++) {
			g_autofree char *key = g_strdup_printf("c%u.example", round * 500 + i), *name = g_strdup_printf("Round %u", round);

			g_ptr_array_add(changed, account(key, name));
		}
		for (guint i = 0; i < 100; i++)
			g_ptr_array_add(removed, g_strdup_printf("c%u.example", round * 100 + i));
		next = accounts_with(accounts, changed, removed);
		accounts_unref(accounts);
		accounts = next;
	}
	/* Those that a later round put in again stand. */
	g_assert_cmpstr(name_at(accounts, "x@c15499.example"), ==, "Round 29");
	g_assert_cmpstr(name_at(accounts, "x@c14600.example"), ==, "Round 29");
	g_assert_cmpstr(name_at(accounts, "x@c14400.example"), ==, "Round 28");
	g_assert_null(name_at(accounts, "x@c2999.example"));
	g_assert_nonnull(name_at(accounts, "x@c3000.example"));
	g_assert_cmpuint(accounts_count(accounts), ==, 15500 - 3000 + 100);
}

static void test_what_has_not_changed_is_not_read_again(void)
{
	g_autoptr(Accounts) accounts = sample_table();
	g_autoptr(Account) same = accounts_reuse(accounts, "acme.com", "{\"account\":\"Acme\"}");
	g_autoptr(Account) changed = accounts_reuse(accounts, "acme.com", "{\"account\":\"Acmo\"}");
	g_autoptr(Account) unknown = accounts_reuse(accounts, "acme.org", "{\"account\":\"Acme\"}");

	g_assert_true(same == accounts_get(accounts, "acme.com"));
	g_assert_null(changed);
	g_assert_null(unknown);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/accounts/every-member-is-read", test_every_member_is_read);
	g_test_add_func("/accounts/only-the-name-is-needed", test_only_the_name_is_needed);
	g_test_add_func("/accounts/what-is-written-is-read-back", test_what_is_written_is_read_back);
	for (guint i = 0; i < G_N_ELEMENTS(REFUSED); i++) {
		g_autofree char *path = g_strconcat("/accounts/refuses/", REFUSED[i].name, NULL);

		g_test_add_data_func(path, &REFUSED[i], test_refuses);
	}
	g_test_add_func("/accounts/a-change-leaves-the-table-before-as-it-was", test_a_change_leaves_the_table_before_as_it_was);
	g_test_add_func("/accounts/many-changes-end-in-the-same-table", test_many_changes_end_in_the_same_table);
	g_test_add_func("/accounts/what-has-not-changed-is-not-read-again", test_what_has_not_changed_is_not_read_again);
	g_test_add_func("/accounts/hostile-sizes-are-refused", test_hostile_sizes_are_refused);
	for (guint i = 0; i < G_N_ELEMENTS(FOUND); i++) {
		g_autofree char *path = g_strconcat("/accounts/finds/", FOUND[i].name, NULL);

		g_test_add_data_func(path, &FOUND[i], test_finds);
	}
	g_test_add_func("/accounts/a-later-entry-replaces-the-earlier", test_a_later_entry_replaces_the_earlier);
	return g_test_run();
}
