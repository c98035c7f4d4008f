/* test-normal: texts and patterns are folded to one way of writing. Layer: tests. */
#include "inspect/normal.h"

#include <string.h>

#include "inspect/rules.h"

static const struct {
	const char *text, *folded; /* NULL: it stays */
} texts[] = {
	{ "", NULL },
	{ "Plain ASCII, \"quotes\" - 100%", NULL },
	{ "St\u00f6rung bei M\u00dcLLER", "Storung bei MULLER" },
	{ "Sto\u0308rung", "Storung" },
	{ "gro\u00dfe STRA\u1e9eE", "grosse STRASSE" },
	{ "\u00e7a n'a pas march\u00e9, c\u0153ur", "ca n'a pas marche, coeur" },
	{ "ma\u00f1ana ser\u00e1 a\u00e7\u00e3o", "manana sera acao" },
	{ "\u0141\u00f3d\u017a \u00d8rsted \u00e6ble \u0111\u00e0 N\u1eb5ng \u0131", "Lodz Orsted aeble da Nang i" },
	{ "can\u2019t \u201cload\u201d \u2018x\u2019 \u00abok\u00bb \u201ea\u201c 5\u2032 6\u2033", "can't \"load\" 'x' \"ok\" \"a\" 5' 6\"" },
	{ "a\u2013b\u2014c\u2011d\u2212e\u2026", "a-b-c-d-e..." },
	{ "out\u200bage \ufeffde\u00adad s\u2060erver \u202eabc\u202c", "outage dead server abc" },
	{ "\uff33\uff29\uff34\uff25\u3000\uff24\uff2f\uff37\uff2e\uff01\uff15\uff10\uff13", "SITE DOWN!503" },
	{ "\ufb01ne \u24b6\u2460 \u2167 \u00bd m\u00b2 \u00a0x\u2009y", "fine A1 VIII 1/2 m2  x y" },
	{ "\U0001d5e6\U0001d5f2\U0001d5ff\U0001d603\U0001d5f2\U0001d5ff \U0001f130", "Server A" },
	{ "\u017ferver \u212aey", "server Key" },
	{ "Stripe\u2122 is do\u0336w\u0336n\u0336", "Stripe is down" },
	/* Look-alikes: only in words that mix scripts. */
	{ "s\u0435rv\u0435r d\u043ewn", "server down" },
	{ "p\u0430ssw\u043erd \u0397TTP \u0391PI", "password HTTP API" },
	{ "\u0441\u0435\u0440\u0432\u0435\u0440 \u043d\u0435 \u0440\u0430\u0431\u043e\u0442\u0430\u0435\u0442", NULL },
	{ "\u0451\u043b\u043a\u0430 \u0439\u043e\u0434", "\u0435\u043b\u043a\u0430 \u0438\u043e\u0434" },
	{ "\u0394\u03b5\u03bd \u03bb\u03b5\u03b9\u03c4\u03bf\u03c5\u03c1\u03b3\u03b5\u03af", "\u0394\u03b5\u03bd \u03bb\u03b5\u03b9\u03c4\u03bf\u03c5\u03c1\u03b3\u03b5\u03b9" },
	{ "5 \u00b5s, Wi-Fi-\u0440\u043e\u0443\u0442\u0435\u0440", "5 \u03bcs, Wi-Fi-\u0440\u043e\u0443\u0442\u0435\u0440" },
	/* Kana keep their marks, Hangul its letters. */
	{ "\u30b5\u30fc\u30d0\u30fc\u304c\u843d\u3061\u3066\u3044\u307e\u3059\u3002", NULL },
	{ "\uff7b\uff70\uff8a\uff9e\uff70 \uff8a\uff9f", "\u30b5\u30fc\u30d0\u30fc \u30d1" },
	{ "\u304b\u3099 \u30cf\u309a", "\u304c \u30d1" },
	{ "\u110b\u1161\u11ab\u1102\u1167\u11bc \uc548\ub155", "\uc548\ub155 \uc548\ub155" },
	{ "\u7f51\u7ad9\u6253\u4e0d\u5f00 \U0001f62d", NULL },
	{ "\u0645\u0631\u062d\u0628\u0627 \u05e9\u05dc\u05d5\u05dd \u0e2a\u0e27\u0e31\u0e2a\u0e14\u0e35", NULL },
	{ "\U0001f469\u200d\U0001f4bb\ufe0f ok", "\U0001f469\U0001f4bb ok" },
	/* What would become a sentence stays. */
	{ "\ufdfa \u3300", "\ufdfa \u30a2\u30d1\u30fc\u30c8" },
};

static void test_texts(void)
{
	for (guint i = 0; i < G_N_ELEMENTS(texts); i++) {
		gsize length = 0;
		g_autofree char *folded = normal_text(texts[i].text, &length);
		g_test_message("%s", texts[i].text);
		g_assert_cmpstr(folded, ==, texts[i].folded);
		g_assert_cmpuint(length, ==, strlen(folded ? folded : texts[i].text));
	}
}

/* What is folded stays as it is: rules, words of an incident and the model may get it twice. */
static void test_twice(void)
{
	g_autoptr(GString) all = g_string_new(NULL);
	gsize length;
	for (gunichar c = 0x20; c < 0x32000; c++) {
		if (!g_unichar_validate(c) || c == '\\')
			continue;
		char bytes[7] = { 0 };
		g_unichar_to_utf8(c, bytes);
		g_autofree char *once = normal_text(bytes, &length);
		if (!once)
			continue;
		g_assert_true(g_utf8_validate(once, -1, NULL));
		g_assert_cmpuint(strlen(once), <=, 4 * strlen(bytes));
		g_autofree char *twice = normal_text(once, &length);
		if (twice)
			g_test_message("U+%04X", c);
		g_assert_null(twice);
	}
}

static const struct {
	const char *pattern, *folded;
} patterns[] = {
	{ "plain|[a-z]+", "plain|[a-z]+" },
	{ "st\u00f6rung\\b", "storung\\b" },
	{ "gro\u00dfe", "grosse" },
	{ "gro\u00df+e", "gro(?:ss)+e" },
	{ "ni[n\u00f1]o", "ni[n]o" },
	{ "[\u00e4\u00f6]x", "[ao]x" },
	{ "gro[s\u00df]e", "gro(?:ss|[s])e" },
	{ "gro[s\u00df]{1,2}e", "gro[s]{1,2}e" },
	/* What a range takes must not be there a second time: (?:ss|[a-z])+ backtracks without end. */
	{ "[a-z\u00e4\u00df]+!", "[a-z]+!" },
	{ "[A-Z\u00df]*!", "[A-Z]*!" },
	{ "[\\w\u00e6]+!", "[\\w]+!" },
	{ "[\\s\u00df]+!", "(?:ss|[\\s])+!" },
	{ "[\\s\u015b]", "[\\ss]" },
	{ "[[:punct:]\\x{e9}\u00e9]", "[[:punct:]\\x{e9}e]" },
	{ "[\u00df]", "(?:ss)" },
	{ "[^\u00df]x", "(?s:.)x" },
	{ "[^\u00df\u00e9]x", "[^e]x" },
	{ "[a-z\u00e0-\u00e5]+", "[a-z]+" },
	{ "[0-9\uff10-\uff19]", "[0-9]" },
	{ "[\u0430-\u044f\u0451]", "[\u0430-\u044f]" },
	{ "[\u30a1-\u30f6]", "[\u30a1-\u30f6]" },
	{ "\\p{L}\\x{e9}\\d\u00e9", "\\p{L}\\x{e9}\\de" },
	{ "\\\u00e9(?:x)", "e(?:x)" },
	{ "\uff08x\uff09\uff0b", "\\(x\\)\\+" },
	{ "can\u2019t", "can't" },
	{ "e\u0301te\u0301?", "ete?" },
	{ "\u304b\u3099+", "\u304c+" },
	{ "\\Q\uff08\u00e9\\E\u00e9", "\\Q(e\\Ee" },
	{ "(?#\uff09\u00e9)\u00e9", "(?#\uff09\u00e9)e" },
	{ "[[:alpha:]\u00e9]", "[[:alpha:]e]" },
	{ "[]\u00e9]", "[]e]" },
	{ "[\u00e9", "[e" },
	{ "\u00e9\\", "e\\" },
};

static void test_patterns(void)
{
	for (guint i = 0; i < G_N_ELEMENTS(patterns); i++) {
		g_autofree char *folded = normal_pattern(patterns[i].pattern);
		g_assert_cmpstr(folded, ==, patterns[i].folded);
	}
}

/* A pattern finds what it finds without any folding, once both are folded. */
static void test_pattern_finds_text(void)
{
	static const struct {
		const char *pattern, *text;
		bool found;
	} cases[] = {
		{ "gro[s\u00df]e\\b", "GRO\u00dfE", true },
		{ "gro[s\u00df]e\\b", "grose", true },
		{ "ausf[\u00e4a]lle", "Ausf\u00e4lle", true },
		{ "stra\u00dfe", "Strasse", true },
		{ "strasse", "Stra\u00dfe", true },
		{ "d\u00e9connect\u00e9e?s?", "D\u00c9CONNECT\u00c9ES", true },
		{ "\u30b5\u30fc\u30d0\u30fc", "\uff7b\uff70\uff8a\uff9e\uff70", true },
		{ "\u30cf", "\u30d0", false },
		{ "server", "\uff53\uff45rv\u0435r", true },
		{ "sitio ca\u00eddo", "Sitio CAIDO", true },
	};
	for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
		g_autoptr(GError) error = NULL;
		gsize length;
		RulesPattern *pattern = rules_pattern_new(cases[i].pattern, &error);
		g_assert_no_error(error);
		g_autofree char *text = normal_text(cases[i].text, &length);
		g_test_message("%s in %s", cases[i].pattern, cases[i].text);
		g_assert_cmpint(rules_pattern_matches(pattern, "", text ? text : cases[i].text), ==, cases[i].found);
		rules_pattern_free(pattern);
	}
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/normal/texts", test_texts);
	g_test_add_func("/normal/twice-is-once", test_twice);
	g_test_add_func("/normal/patterns", test_patterns);
	g_test_add_func("/normal/pattern-finds-text", test_pattern_finds_text);
	return g_test_run();
}
