/* What a site that hashes addresses in its log reads there: nobody's address, and the same hash for the same person everywhere. */
#include <locale.h>
#include <string.h>

#include "base/secret.h"
#include "config/shown.h"

static const struct { const char *text; bool address; } cases[] = {
	{ "Jane.Doe@Customer.Example", true }, { "<jane.doe@customer.example>", true }, { "Acme GmbH", false }, { "", false },
	{ "Acme @ Berlin", false }, { "@", false },
};

static Config *configured(bool hashed)
{
	Config *config = config_defaults();

	config->log_addresses = hashed ? ADDRESSES_HASHED : ADDRESSES_PLAIN;
	return config;
}

static void test_names_and_addresses(void)
{
	g_autoptr(Secret) secret = secret_generate();
	g_autoptr(Config) plain = configured(false), hashed = configured(true);
	g_autofree char *jane = secret_address_hash(secret, "jane.doe@customer.example");

	for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
		g_autofree char *name = shown_name(secret, hashed, cases[i].text), *address = shown_address(secret, hashed, cases[i].text);
		g_autofree char *as_it_is = shown_address(secret, plain, cases[i].text), *named = shown_name(secret, plain, cases[i].text);

		g_assert_cmpstr(as_it_is, ==, cases[i].text);
		g_assert_cmpstr(named, ==, cases[i].text);
		g_assert_cmpstr(name, ==, cases[i].address ? jane : cases[i].text);
		/* What stands where an address belongs is hashed even if it is none that we can read. */
		g_assert_cmpuint(strlen(address), ==, 32);
		g_assert_true(!cases[i].address || strcmp(address, jane) == 0);
	}
	g_assert_null(shown_address(secret, hashed, NULL));
	g_assert_null(shown_name(secret, hashed, NULL));
}

int main(int argc, char **argv)
{
	setlocale(LC_ALL, "C.UTF-8");
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/shown/names and addresses", test_names_and_addresses);
	return g_test_run();
}
