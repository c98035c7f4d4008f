/* test-optout: whoever writes to the address in a notice gets no further ones of that incident, and stops nobody else's. */
#include "mail/optout.h"

#include <string.h>

#include "base/address.h"

#define SUPPORT "support@support.example"
#define ID "20261121T140000Z-default"

static Secret *ours, *theirs;

static char *make(const Secret *secret, const char *support, const char *person, const char *id)
{
	g_autofree char *hash = secret_address_hash(secret, person);

	return optout_address_make(secret, support, hash, id);
}

static void assert_read(const char *rcpt, const char *tag)
{
	g_autofree char *incident = NULL;
	g_autofree char *read = optout_address_read(ours, rcpt, &incident);

	g_test_message("%s", rcpt);
	g_assert_cmpstr(read, ==, tag);
	g_assert_true(tag == NULL ? incident == NULL : optout_incident_is(incident, ID));
}

static void test_address_names_its_person_and_incident(void)
{
	static const char *const supports[] = {
		SUPPORT, "a@b.example", "help+eu@support.example", "help+stop-me@support.example", "hilfe@xn--bcher-kva.example",
		"abcdefghijklmnopqrstuvwxyz@support.example", "a.b@[192.0.2.1]", "j\xC3\xBC@support.example",
	};
	g_autofree char *hash = secret_address_hash(ours, "jane@customer.example");
	g_autofree char *tag = optout_tag(hash);

	g_assert_cmpuint(strlen(tag), ==, 16);
	for (gsize i = 0; i < G_N_ELEMENTS(supports); i++) {
		g_autofree char *made = make(ours, supports[i], "jane@customer.example", ID);
		g_autofree char *upper = NULL, *bracketed = NULL;
		g_autoptr(Address) parsed = NULL;

		g_assert_nonnull(made);
		upper = g_ascii_strup(made, -1);
		bracketed = g_strdup_printf(" <%s>", made);
		parsed = address_parse(made, NULL);
		assert_read(made, tag);
		assert_read(upper, tag);
		assert_read(bracketed, tag);
		g_assert_nonnull(parsed);
		g_assert_cmpuint(strlen(parsed->local), <=, 64);
	}
}

static void test_address_that_servers_refuse_is_not_made(void)
{
	static const char *const supports[] = {
		"abcdefghijklmnopqrstuvwxyza@support.example", "\"a b\"@support.example", "support", "@support.example", "",
	};

	for (gsize i = 0; i < G_N_ELEMENTS(supports); i++) {
		g_autofree char *made = make(ours, supports[i], "jane@customer.example", ID);

		g_assert_null(made);
	}
}

static void test_other_incident_is_not_stopped(void)
{
	g_autofree char *made = make(ours, SUPPORT, "jane@customer.example", ID);
	g_autofree char *incident = NULL;
	g_autofree char *read = optout_address_read(ours, made, &incident);

	g_assert_nonnull(read);
	g_assert_true(optout_incident_is(incident, ID));
	g_assert_false(optout_incident_is(incident, "20261121T140000Z-billing"));
	g_assert_false(optout_incident_is(incident, ""));
	g_assert_false(optout_incident_is(NULL, ID));
}

/* Neither the person nor the incident nor the tag can be exchanged. */
static void test_no_digit_can_be_changed(void)
{
	g_autofree char *made = make(ours, SUPPORT, "jane@customer.example", ID);
	g_autofree char *of_other_site = make(theirs, SUPPORT, "jane@customer.example", ID);
	char *digits = strstr(made, "+stop-") + strlen("+stop-");

	assert_read(of_other_site, NULL);
	for (gsize i = 0; i < 32; i++) {
		char before = digits[i];

		digits[i] = before == '0' ? '1' : '0';
		assert_read(made, NULL);
		digits[i] = before;
	}
}

static void test_other_addresses_are_none(void)
{
	static const char *const others[] = {
		NULL, "", "<>", "@", SUPPORT, "support+stop-@support.example", "+stop-0123456789abcdef0123456789abcdef@support.example",
		"support+stop-0123456789abcdef0123456789abcdef@support.example", "support+stop-0123456789abcdef0123456789abcdef",
		"support+stop-0123456789abcdef0123456789abcde@support.example", "support+stop-0123456789abcdef0123456789abcdefg@support.example",
		"support+stop-0123456789abcdef\r\n0123456789abcdef@support.example", "\"support+stop-0123456789abcdef0123456789abcdef\"@x.example",
		"support-stop-0123456789abcdef0123456789abcdef@support.example", "support+halt-0123456789abcdef0123456789abcdef@support.example",
	};

	for (gsize i = 0; i < G_N_ELEMENTS(others); i++)
		assert_read(others[i], NULL);
}

int main(int argc, char **argv)
{
	int status;

	g_test_init(&argc, &argv, NULL);
	ours = secret_generate();
	theirs = secret_generate();
	g_test_add_func("/optout/address-names-its-person-and-incident", test_address_names_its_person_and_incident);
	g_test_add_func("/optout/address-that-servers-refuse-is-not-made", test_address_that_servers_refuse_is_not_made);
	g_test_add_func("/optout/other-incident-is-not-stopped", test_other_incident_is_not_stopped);
	g_test_add_func("/optout/no-digit-can-be-changed", test_no_digit_can_be_changed);
	g_test_add_func("/optout/other-addresses-are-none", test_other_addresses_are_none);
	status = g_test_run();
	secret_free(ours);
	secret_free(theirs);
	return status;
}
