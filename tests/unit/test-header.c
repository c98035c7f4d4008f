/* test-header: what is written into a mail's header can be read by every client and starts no line of its own. */
#include "mail/header.h"

#include <string.h>

typedef struct {
	const char *value;
	const char *param; /* header_append_param(out, "k", value) on an empty string */
	const char *item;  /* header_append_item(out, "k", value) */
} ValueCase;

static const ValueCase VALUES[] = {
	{ "token", "k=token", "\"token\"" },
	{ "a+b@example.com", "k=a+b@example.com", "\"a+b@example.com\"" },
	{ "two words", "k=\"two words\"", "\"two words\"" },
	{ "say \"hi\" \\ bye", "k=\"say \\\"hi\\\" \\\\ bye\"", "\"say \\\"hi\\\" \\\\ bye\"" },
	{ "line\r\nX-Evil: yes", "k=\"line X-Evil: yes\"", "\"line X-Evil: yes\"" },
	{ "Zürich Süd", "k*=UTF-8''Z%C3%BCrich%20S%C3%BCd", "k*=UTF-8''Z%C3%BCrich%20S%C3%BCd" },
	{ "50%'*é", "k*=UTF-8''50%25%27%2A%C3%A9", "k*=UTF-8''50%25%27%2A%C3%A9" },
	{ "bad\xff" "byte", "k=\"bad?byte\"", "\"bad?byte\"" },
	{ "", "", "" },
	{ "\x01\n", "", "" },
	{ NULL, "", "" },
};

static void test_values(void)
{
	for (guint i = 0; i < G_N_ELEMENTS(VALUES); i++) {
		g_autoptr(GString) param = g_string_new(NULL);
		g_autoptr(GString) item = g_string_new(NULL);

		header_append_param(param, "k", VALUES[i].value);
		header_append_item(item, "k", VALUES[i].value);
		g_assert_cmpstr(param->str, ==, VALUES[i].param);
		g_assert_cmpstr(item->str, ==, VALUES[i].item);
	}
}

static void test_list(void)
{
	g_autoptr(GString) out = g_string_new(NULL);

	header_append_item(out, "account", "Acme");
	header_append_param(out, "level", "platinum");
	header_append_param(out, "manager", NULL);
	header_append_param(out, "note", "a b");
	g_assert_cmpstr(out->str, ==, "\"Acme\"; level=platinum; note=\"a b\"");
}

static void test_long_value(void)
{
	g_autofree char *ascii = g_strnfill(1000, 'x');
	g_autoptr(GString) long_ascii = g_string_new(NULL);
	g_autoptr(GString) umlauts = g_string_new("x");
	g_autoptr(GString) long_umlauts = g_string_new(NULL);

	header_append_param(long_ascii, "k", ascii);
	g_assert_cmpuint(long_ascii->len, ==, strlen("k=") + 400);
	for (guint i = 0; i < 500; i++)
		g_string_append(umlauts, "ü");
	header_append_param(long_umlauts, "k", umlauts->str);
	/* One byte and 199 whole characters: the 200th would be torn. */
	g_assert_cmpuint(long_umlauts->len, ==, strlen("k*=UTF-8''x") + 199 * strlen("%C3%BC"));
}

static void test_sanitise(void)
{
	static const struct {
		const char *value;
		const char *clean;
	} CASES[] = {
		{ "plain", "plain" }, { "a\r\nb\tc", "a b c" }, { "<a@b>\n\t<c@d>", "<a@b> <c@d>" }, { "a\n  b", "a b" }, { "\x7f\x1b[0m", "[0m" }, { "caf\xc3\xa9", "café" },
		{ "caf\xe9", "caf?" }, { "\xc3", "?" }, { "\xc2\x85x", "x" }, { NULL, "" },
	};

	for (guint i = 0; i < G_N_ELEMENTS(CASES); i++) {
		g_autofree char *clean = header_sanitise(CASES[i].value);

		g_assert_cmpstr(clean, ==, CASES[i].clean);
	}
}

/* Every line within its bound, folds only in front of white space, and unfolding gives the text back. */
static void check_folded(const char *value, gsize name_length, gsize most)
{
	g_autofree char *folded = header_fold(value, name_length);
	g_auto(GStrv) lines = g_strsplit(folded, "\n", -1);
	g_autoptr(GString) unfolded = g_string_new(NULL);

	g_assert_null(strchr(folded, '\r'));
	for (guint i = 0; lines[i] != NULL; i++) {
		g_assert_cmpuint(strlen(lines[i]) + (i == 0 ? name_length + 2 : 0), <=, most);
		g_assert_true(i == 0 || lines[i][0] == ' ');
		g_assert_true(*value == '\0' || strspn(lines[i], " ") < strlen(lines[i]) || i == 0);
		g_string_append(unfolded, lines[i]);
	}
	if (most < 998)
		g_assert_cmpstr(g_strchug(unfolded->str), ==, value);
}

static void test_fold(void)
{
	g_autofree char *unbroken = g_strnfill(3000, 'x');
	g_autofree char *words = NULL;
	g_autoptr(GString) text = g_string_new("word");
	g_autoptr(GString) umlauts = g_string_new(NULL);

	for (guint i = 0; i < 100; i++) {
		g_string_append(text, " word");
		g_string_append(umlauts, "üüüüüüüüüü");
	}
	check_folded("short", 10, 78);
	check_folded(text->str, 10, 78);
	check_folded("", 10, 78);
	check_folded(unbroken, 10, 998);
	check_folded(umlauts->str, 15, 998);
	words = header_fold("a\r\nX-Evil: yes\r\n\r\nbody", 4);
	g_assert_cmpstr(words, ==, "a X-Evil: yes body");
}

static void test_fold_keeps_characters_whole(void)
{
	g_autoptr(GString) umlauts = g_string_new(NULL);
	g_autofree char *folded = NULL;

	for (guint i = 0; i < 1500; i++)
		g_string_append(umlauts, "ü");
	folded = header_fold(umlauts->str, 14);
	g_assert_nonnull(strchr(folded, '\n'));
	g_assert_true(g_utf8_validate(folded, -1, NULL));
}

static void test_fold_long_name(void)
{
	g_autofree char *folded = header_fold("value other", 77);

	g_assert_cmpstr(folded, ==, "value\n other");
}

static void test_names(void)
{
	g_autofree char *longest = g_strnfill(77, 'n');
	g_autofree char *longer = g_strnfill(78, 'n');

	g_assert_true(header_name_valid("X-Outage-Match"));
	g_assert_true(header_name_valid(longest));
	g_assert_false(header_name_valid(longer));
	g_assert_false(header_name_valid(""));
	g_assert_false(header_name_valid("X Outage"));
	g_assert_false(header_name_valid("X-Outage:"));
	g_assert_false(header_name_valid("X-\xc3\x84"));
	g_assert_false(header_name_valid("X\n"));
}

static void test_forged(void)
{
	static const char *const EXPECTED[] = { "X-Outage-Ack 3", "X-Outage-Ack 2", "X-Outage-Ack 1", "X-Outage-Match 1" };
	g_autoptr(HeaderForged) forged = header_forged_new();
	g_autoptr(GPtrArray) empty = header_forged_plan(forged);
	g_autoptr(GPtrArray) plan = NULL;
	g_autoptr(GPtrArray) after = NULL;

	g_assert_cmpuint(empty->len, ==, 0);
	header_forged_add(forged, "X-Outage-Ack");
	header_forged_add(forged, "X-Outage-Match");
	header_forged_add(forged, "x-outage-ACK");
	header_forged_add(forged, "X-Outage-Ack");
	plan = header_forged_plan(forged);
	g_assert_cmpuint(plan->len, ==, G_N_ELEMENTS(EXPECTED));
	for (guint i = 0; i < plan->len; i++) {
		const HeaderRemoval *removal = g_ptr_array_index(plan, i);
		g_autofree char *text = g_strdup_printf("%s %u", removal->name, removal->instance);

		g_assert_cmpstr(text, ==, EXPECTED[i]);
	}
	header_forged_reset(forged);
	after = header_forged_plan(forged);
	g_assert_cmpuint(after->len, ==, 0);
}

/* A value that is encoded reads the same once decoded, in words that every reader takes. */
static void test_encode(void)
{
	static const struct {
		const char *value, *encoded;
	} cases[] = {
		{ NULL, "" },
		{ "3 high", "3 high" },
		{ "Users::VIP, \"gold\"", "Users::VIP, \"gold\"" },
		{ "B\u00fcro", "=?UTF-8?B?QsO8cm8=?=" },
		{ "=?utf-8?q?a?=", "=?UTF-8?B?PT91dGYtOD9xP2E/PQ==?=" },
		{ "a\r\nBcc: x@example.net", "a Bcc: x@example.net" },
		{ "\xff", "?" },
		/* 44 letters of one byte and one of two: the second word begins with it. */
		{ "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\u00fc",
		  "=?UTF-8?B?YWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWE=?= =?UTF-8?B?w7w=?=" },
	};

	for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
		g_autofree char *encoded = header_encode(cases[i].value);

		g_assert_cmpstr(encoded, ==, cases[i].encoded);
	}
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/header/values-are-token-quoted-or-encoded", test_values);
	g_test_add_func("/header/parameters-are-joined-and-empty-ones-left-out", test_list);
	g_test_add_func("/header/long-values-are-cut-between-characters", test_long_value);
	g_test_add_func("/header/control-characters-and-broken-utf8-never-get-in", test_sanitise);
	g_test_add_func("/header/other-scripts-are-encoded", test_encode);
	g_test_add_func("/header/folded-lines-fit-and-unfold-to-the-same", test_fold);
	g_test_add_func("/header/folding-tears-no-character", test_fold_keeps_characters_whole);
	g_test_add_func("/header/folding-behind-the-longest-name", test_fold_long_name);
	g_test_add_func("/header/field-names", test_names);
	g_test_add_func("/header/forged-ones-go-from-the-highest-instance-down", test_forged);
	return g_test_run();
}
