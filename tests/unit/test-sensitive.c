/* test-sensitive: keys, passwords and card numbers are seen by conf/rules/common.conf, and what only looks like them is not, by the packs
 * of no language either: all are tried on a short text. All of them are made up; makers' keys are put together from two pieces, so that no scanner takes this file for a leak. Layer: tests. */
#include "rules-fixture.h"

#include <string.h>

static Rules *common, *all;

static const struct {
	const char *found;
	const char *text, *rest; /* put together */
} samples[] = {
	/* keys of the makers */
	{ "api-key", "key: AKIA", "IOSFODNN7EXAMPLE please check" },
	{ "api-key", "AIza", "SyA1234567890abcdefghijklmnopqrstuvw" },
	{ "api-key", "token ghp", "_abcdefghijklmnopqrstuvwxyz0123456789" },
	{ "api-key", "github", "_pat_11ABCDEFG0abcdefghijkl_mnopqrstuvwxyz0123456789" },
	{ "api-key", "glp", "at-abcdefghij0123456789" },
	{ "api-key", "xox", "b-123456789012-abcdefghijkl" },
	{ "api-key", "https://hooks.slack", ".com/services/T0ABCDEFG/B0ABCDEFG/abcdefghijklmnop12345678" },
	{ "api-key", "we use sk_", "live_abcdefghij0123456789 here" },
	{ "api-key", "whs", "ec_abcdefghij0123456789abcd" },
	{ "api-key", "SG", ".abcdefghijklmnopqrstuv.abcdefghijklmnopqrstuvwxyz0123456789" },
	{ "api-key", "0123456789abcdef0123456789abcdef", "-us14" },
	{ "api-key", "sk-", "proj-abcdefghij0123456789abcdefghij" },
	{ "api-key", "hf", "_abcdefghijklmnopqrstuvwxyzABCDEFGH" },
	{ "api-key", "np", "m_abcdefghijklmnopqrstuvwxyz0123456789" },
	{ "api-key", "shp", "at_0123456789abcdef0123456789abcdef" },
	{ "api-key", "bot 123456789:", "AAabcdefghijklmnopqrstuvwxyz0123456" },
	{ "api-key", "hv", "s.abcdefghijklmnopqrstuvwxyz" },
	{ "api-key", "gls", "a_abcdefghijklmnopqrstuvwxyz012345_0123abcd" },
	{ "api-key", "Bearer eyJ", "hbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.abcdefghijklmnop" },
	/* keys by their name */
	{ "api-key", "We use api_key=9f8e7d6c5b4a3928", "1706f5e4 for this" },
	{ "api-key", "AWS_SECRET_ACCESS_KEY=wJalrXUtnFEMI/K7MDENG/", "bPxRfiCYEXAMPLEKEY" },
	{ "api-key", "{\"client_secret\": \"a1b2c3d4e5f6", "a7b8c9d0\"}" },
	{ "api-key", "Authorization: Bearer 0a1b2c3d4e5f", "" },
	{ "api-key", "unser API-Key lautet 9f8e7d6c5b4a", "39281706f5e4" },
	{ "", "Where do I find my API key? The documentation is unclear.", "" },
	{ "", "Our API key is rejected since 10:00, request id 7f3a9c21b4d85e60f1a2.", "" },
	{ "", "The secret key is https://docs.example.com/keys/rotate-2024-01", "" },
	{ "", "commit 3f2a9c21b4d85e60f1a23f2a9c21b4d85e60f1a2 breaks the build", "" },
	{ "", "Session 550e8400-e29b-41d4-a716-446655440000 timed out.", "" },
	/* private keys */
	{ "private-key", "-----BEGIN RSA ", "PRIVATE KEY-----\nMIIE\n" },
	{ "private-key", "-----BEGIN OPENSSH ", "PRIVATE KEY-----\nb3Bl\n" },
	{ "private-key", "-----BEGIN PGP ", "PRIVATE KEY BLOCK-----\n" },
	{ "", "-----BEGIN CERTIFICATE-----\nMIIE\n", "" },
	{ "", "-----BEGIN PUBLIC KEY-----\nMIIE\n", "" },
	/* passwords */
	{ "password", "user: joe password: hunter2", "" },
	{ "password", "My password is Tr0ub4dor&3", "" },
	{ "password", "password: sunshine\nregards", "" },
	{ "password", "Passwort: Sommer2024!", "" },
	{ "password", "Kennwort lautet Geheim!99", "" },
	{ "password", "Mot de passe : Soleil75", "" },
	{ "password", "mi contraseña es Gato_2024", "" },
	{ "password", "a senha é Maria#1990", "" },
	{ "password", "il mio username è mario, password: Ferrari75", "" },
	{ "password", "Wachtwoord: Welkom01", "" },
	{ "password", "ログインパスワード：sakura2024", "" },
	{ "password", "DB_PASSWORD=s3cr3t-pw", "" },
	{ "password", "{\"user\": \"joe\", \"password\": \"hunter2\"}", "" },
	{ "password", "postgres://app:hunter2@db.example.com/app", "" },
	{ "password", "curl -s -u admin:hunter2 https://api.example.com", "" },
	{ "", "I forgot my password: it is wrong every time.", "" },
	{ "", "The password reset mail does not come.", "" },
	{ "", "My password is not accepted.", "" },
	{ "", "Password: ********", "" },
	{ "", "Password: reset", "" },
	{ "", "The password is 8 characters long.", "" },
	{ "", "the new password: where do I type it?", "" },
	{ "", "Passwort vergessen: der Link kommt nicht an.", "" },
	{ "", "Mijn wachtwoord is verlopen tijdens mijn verlof. De collega's werken door.", "" },
	{ "", "Mon mot de passe est refusé depuis ce matin.", "" },
	{ "", "Mi contraseña es correcta pero no entra.", "" },
	{ "", "Reset your password: https://example.com/reset?token=1", "" },
	{ "", "パスワード：忘れました、どうすればいいですか", "" },
	{ "", "Mein Passwort ist falsch.", "" },
	{ "", "Passwort ist nach drei Versuchen gesperrt.", "" },
	{ "", "Passwort: ung\u00fcltig", "" },
	{ "", "Het wachtwoord is vergeten.", "" },
	{ "", "Wachtwoord: kwijt", "" },
	{ "", "Mot de passe : refus\u00e9", "" },
	{ "", "La contrase\u00f1a es incorrecta.", "" },
	{ "", "contrase\u00f1a: bloqueada", "" },
	{ "", "A senha \u00e9 antiga e depois troco.", "" },
	{ "", "Inserisco username e password e premo invio, niente.", "" },
	{ "", "La password \u00e8 errata", "" },
	{ "", "Password: denied", "" },
	{ "", "Password: doesn't work", "" },
	{ "", "Password: [redacted]", "" },
	{ "", "$ pwd: /home/joe", "" },
	/* a form that was not filled in */
	{ "", "Username:\nPassword:\nServer:\nRegards", "" },
	{ "", "Password: \n\nThanks,\nJoe", "" },
	{ "password", "Username: joe\nPassword:\nhunter22", "" },
	{ "password", "contrase\u00f1a: gatonegro", "" },
	{ "", "https://user@example.com:8443/path and http://example.com:8080/", "" },
	/* cards */
	{ "card-number", "My card is 4111 1111 1111 1111, please charge it.", "" },
	{ "card-number", "Card 378282246310005.", "" },
	{ "card-number", "amex 3782 822463 10005", "" },
	{ "card-number", "First 4111 1111 1111 1112 and then 5555-5555-5555-4444.", "" },
	{ "card-number", "card:4111111111111111 exp 12/29", "" },
	{ "card-number", "\uff14\uff11\uff11\uff11 \uff11\uff11\uff11\uff11 \uff11\uff11\uff11\uff11 \uff11\uff11\uff11\uff11", "" },
	{ "", "Order 4111 1111 1111 1112 has not arrived.", "" },
	{ "", "Order number 4111111111111111 has not arrived.", "" },
	{ "", "Tracking number 12345678901234567890123", "" },
	{ "", "Tracking: 4111111111111111", "" },
	{ "", "IBAN DE89 3704 0044 0532 0130 00", "" },
	{ "", "IBAN GB33BUKB20201555555555, FR14 2004 1010 0505 0001 3M02 606", "" },
	{ "", "Call me: +49 30 4111 1111 or 0049 151 23456789, (555) 010-0199", "" },
	{ "", "IMEI 490154203237518", "" },
	{ "", "https://example.com/o/4111111111111111?x=4111111111111111", "" },
	{ "", "It says #4111111111111111 and trace-4111111111111111-2", "" },
	{ "", "1700000000000 ms, 4111111111111111.25 bytes", "" },
};

static void test_sample(gconstpointer data)
{
	guint i = GPOINTER_TO_UINT(data);
	g_autofree char *text = g_strconcat(samples[i].text, samples[i].rest, NULL);
	g_autoptr(RulesResult) result = rules_fixture_match(common, "", text);
	g_autofree char *found = rules_fixture_joined(result->sensitive);
	g_autoptr(RulesResult) result_of_all = rules_fixture_match(all, "", text);
	g_autofree char *found_by_all = rules_fixture_joined(result_of_all->sensitive);
	g_test_message("%s", text);
	g_assert_cmpstr(found, ==, samples[i].found);
	g_assert_cmpstr(found_by_all, ==, samples[i].found);
}

/* The rules of all files in which there are some on what is sensitive. */
static Rules *load_all(void)
{
	g_autofree char *dir = g_test_build_filename(G_TEST_DIST, "conf", "rules", NULL);
	g_autoptr(GDir) listing = g_dir_open(dir, 0, NULL);
	g_autoptr(GPtrArray) mistakes = g_ptr_array_new_with_free_func(g_free);
	char *copy = rules_fixture_dir();
	for (const char *name = g_dir_read_name(listing); name; name = g_dir_read_name(listing)) {
		g_autofree char *path = g_build_filename(dir, name, NULL);
		g_autofree char *text = NULL;
		g_assert_true(g_file_get_contents(path, &text, NULL, NULL));
		if (strstr(text, "\"sensitive."))
			rules_fixture_put(copy, name, text);
	}
	Rules *rules = rules_load(copy, mistakes);
	g_assert_cmpuint(mistakes->len, ==, 0);
	rules_fixture_remove(copy);
	return rules;
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_autofree char *path_of_rules = g_test_build_filename(G_TEST_DIST, "conf", "rules", "common.conf", NULL);
	g_autofree char *text = NULL;
	g_assert_true(g_file_get_contents(path_of_rules, &text, NULL, NULL));
	common = rules_fixture_of(text);
	all = load_all();
	for (guint i = 0; i < G_N_ELEMENTS(samples); i++) {
		g_autofree char *path = g_strdup_printf("/sensitive/%s/%u", *samples[i].found ? samples[i].found : "nothing", i);
		g_test_add_data_func(path, GUINT_TO_POINTER(i), test_sample);
	}
	int status = g_test_run();
	rules_unref(common);
	rules_unref(all);
	return status;
}
