/* test-rules-engine: that index and Hyperscan find what a plain search finds, that no pattern holds up a message and that -t names those
 * that would be given up. Layer: tests. */
#include "rules-fixture.h"

#include <glib/gstdio.h>
#include <string.h>

/* --- the index finds what a plain search finds --- */

static void assert_same(const RulesResult *a, const RulesResult *b)
{
	g_autofree char *names = rules_fixture_joined(a->names), *names_too = rules_fixture_joined(b->names);
	g_autofree char *escalate = rules_fixture_joined(a->escalate), *escalate_too = rules_fixture_joined(b->escalate);
	g_autofree char *sensitive = rules_fixture_joined(a->sensitive), *sensitive_too = rules_fixture_joined(b->sensitive);
	g_assert_cmpstr(names, ==, names_too);
	g_assert_cmpstr(escalate, ==, escalate_too);
	g_assert_cmpstr(sensitive, ==, sensitive_too);
	g_assert_cmpfloat(a->score, ==, b->score);
	g_assert_cmpint(a->evidence, ==, b->evidence);
	g_assert_cmpint(a->still_affected, ==, b->still_affected);
	g_assert_cmpint(a->recovered, ==, b->recovered);
	g_assert_cmpstr(a->language, ==, b->language);
}

static void compare_ways(Rules *rules, const char *subject, const char *body)
{
	rules_set_ways(rules, false, false);
	g_autoptr(RulesResult) plain = rules_fixture_match(rules, subject, body);
	rules_set_ways(rules, true, false);
	g_autoptr(RulesResult) indexed = rules_fixture_match(rules, subject, body);
	rules_set_ways(rules, true, true);
	g_autoptr(RulesResult) all = rules_fixture_match(rules, subject, body);
	g_test_message("%s|%s", subject, body);
	assert_same(indexed, plain);
	assert_same(all, plain);
}

/* Compares on every nth row of the file (lang, label, escalation, subject, body). */
static guint compare_on_file(Rules *rules, const char *path, guint nth)
{
	g_autofree char *content = NULL;
	g_autoptr(GError) error = NULL;
	g_file_get_contents(path, &content, NULL, &error);
	g_assert_no_error(error);
	g_auto(GStrv) lines = g_strsplit(content, "\n", -1);
	guint compared = 0;
	for (guint i = 1; i < g_strv_length(lines); i += nth) {
		g_auto(GStrv) columns = g_strsplit(lines[i], "\t", 5);
		if (g_strv_length(columns) < 5)
			continue;
		g_autofree char *subject = g_strcompress(columns[3]), *body = g_strcompress(columns[4]);
		compare_ways(rules, subject, body);
		compared++;
	}
	return compared;
}

/* About so many rows of the corpus: the plain search is slow, and slower yet with sanitizers. */
#define CORPUS_ROWS 300

static void test_same_on_texts(void)
{
	g_autoptr(Rules) rules = rules_fixture_shipped();
	g_autofree char *samples = g_test_build_filename(G_TEST_DIST, "tests", "data", "rules", "texts.tsv", NULL);
	g_autofree char *corpus = g_test_build_filename(G_TEST_DIST, "conf", "model", "corpus", NULL);
	guint compared = compare_on_file(rules, samples, 1);
	g_assert_cmpuint(compared, >, 100);
	g_autoptr(GDir) dir = g_dir_open(corpus, 0, NULL);
	g_autoptr(GPtrArray) paths = g_ptr_array_new_with_free_func(g_free);
	gsize bytes = 0;
	for (const char *name = dir ? g_dir_read_name(dir) : NULL; name; name = g_dir_read_name(dir)) {
		char *path = g_build_filename(corpus, name, NULL);
		GStatBuf status;
		if (!g_str_has_suffix(name, ".tsv") || g_stat(path, &status) != 0) {
			g_free(path);
			continue;
		}
		bytes += (gsize)status.st_size;
		g_ptr_array_add(paths, path);
	}
	/* A row has about 300 bytes. */
	guint nth = (guint)(bytes / 300 / CORPUS_ROWS) + 1;
	for (guint i = 0; i < paths->len; i++)
		compared += compare_on_file(rules, g_ptr_array_index(paths, i), nth);
	g_test_message("%u texts", compared);
}

/* Syntax of every kind, on texts put together at random from the pieces that matter to it. */
static void test_index_on_syntax(void)
{
	static const char *const patterns[] = {
		"abc", "a?bc", "a*b", "(?:ab|c)d", "[a-c]x", "[^a-c]x", "\\\\bis\\\\b", "\\\\Bis", "(?<=a)b", "(?<!a)b", "(?=ab)a", "(?!ab)a.",
		"a{2}b", "a{1,2}b", "a{2,}b", "(a|b){2}c", "(?i:AB)c", "\\\\d\\\\d", "\\\\s+a", "\\\\w+b", ".b", "^ab", "ab$", "\\\\.a", "'s", "(?>a|ab)c",
		"(?P<n>a)b", "(?<n>a)b", "\\\\p{L}b", "\\\\x61b", "é", "[é]b", "s", "k+", "(a)\\\\1", "a++b", "a*?b", "(?|ab|c)", "\\\\Qa.b\\\\E", "ab\\\\Kc",
		"(?#note)ab", "a|(?:)b", "[]a]b", "[a\\\\]]b", "[\\\\d-]b", "[[:alpha:]]b", "(?s).b", "a\\\\z", "\\\\Aa", "(?:a|\\\\d)(?:b|\\\\d)(?:c|\\\\d)\\\\d",
		"\\\\Nb", "ß", "a{,2}b", "{a", "(?(?=a)ab|c)", "_a", "\\\\b_", "\\\\b's", "is\\\\s", "x{0}a", "\\\\x61\\\\x20b", "[\\\\x61-\\\\x63]s", "[\\\\x{e9}x]b",
	};
	static const char *const pieces[] = { "a", "b", "c", "A", "B", "is", " ", "\n", "1", "2", ".", "'s", "é", "É", "ſ", "K", "k", "s", "x", "_", "]",
		                              "-", "ß", "ẞ", "\xc2\xa0", "aa", "ab", "abc", "{", "😀", "“" };
	g_autoptr(GString) text = g_string_new("rules = (");
	for (guint i = 0; i < G_N_ELEMENTS(patterns); i++)
		g_string_append_printf(text, "%s { name = \"r%u\"; class = \"outage\"; weight = 1; pattern = \"%s\"; }", i ? "," : "", i, patterns[i]);
	g_string_append(text, ");");
	g_autoptr(Rules) rules = rules_fixture_of(text->str);
	for (guint i = 0; i < 4000; i++) {
		g_autoptr(GString) body = g_string_new(NULL);
		for (gint32 n = g_test_rand_int_range(0, 9); n > 0; n--)
			g_string_append(body, pieces[g_test_rand_int_range(0, G_N_ELEMENTS(pieces))]);
		compare_ways(rules, "", body->str);
	}
}

/* Rules that need several words: in any order that the syntax has for "not", "perhaps", "elsewhere" and "nearby". What is asked for only
 * perhaps, or must not be there, must not be waited for. */
static void test_words_together(void)
{
	static const char *const patterns[] = {
		"\\\\bserver\\\\b.{0,20}\\\\bdown\\\\b", "server(?:\\\\s+very)?\\\\s+down", "(?:server|portal)s?\\\\s+(?:\\\\w+\\\\s+){0,3}?(?:down|dead)",
		"server(?!\\\\s+portal)\\\\W+\\\\w+", "(?<=server\\\\s)down", "(?<!server\\\\s)down", "(?<=server\\\\s|portal,)(?:down|dead)", "(?=server)\\\\w+\\\\s+dead",
		"server(?:down){0}\\\\s+dead", "server(?:\\\\s+down)*\\\\s+dead", "(?:server\\\\s+|portal\\\\s+)?dead", "(?:server|)down", "(server|portal)\\\\s+\\\\1",
		"server.*?dead", "(?s)server.*dead.*down", "server\\\\s++down", "(?>server|portal)\\\\s*+dead", "serv[eo]r\\\\sdead", "[sp]erver\\\\W{0,30}down",
		"server\\\\Kdown", "ser(?:ver)?\\\\b\\\\D{1,9}\\\\d\\\\d", "50[0234]\\\\s+down", "\\\\d{1,3}\\\\W+(?:dead|server)", "(?:down|\\\\d)\\\\s+server",
		"(?-i:Server)\\\\s+down", "[^\\\\W\\\\d]{3,12}\\\\s+dead", "[^\\\\S\\\\n]+down", "\\\\bde(?:ad)?\\\\b.?server", "サーバ(?:ー|が)?(?:落ち|[死止]ん?)", "(?:サーバー|回線)[^。]{0,4}?(?:止|落ち)",
		"(?<=サーバー)(?:が|は)?落ち", "server(?=[^.]{0,20}dead)", "(?=.{0,30}portal)server", "(?:(?:server|portal)\\\\s+){2}down", "\\\\bin\\\\s+server|\\\\bdown",
		"server(?:(?:\\\\s|_)(?:is|down)){1,3}\\\\W*dead", "(?<n>server)(?:\\\\s+|,)dead", "(?:server|(?!x)portal)(?<![td])\\\\s+down", "\\\\x73erver\\\\x20down",
		"server(?:\\\\s*[.,;]?\\\\s*\\\\w{1,3}){0,2}\\\\s+down", "_?server_?down", "(?:k|s)erver\\\\s+dead", "server$|^down",
	};
	static const char *const pieces[] = {
		"server", "Server", "SERVER", "portal", "down", "dead", "DOWN", "very", "is", "in", "de", "x", "a", "aaaa", "_", " ", " ", " ", "  ", "\n", ".", ",", "7", "42", "503",
		"サーバー", "回線", "が", "落ち", "止", "死ん", "。", "é", "😀", "٣", "\xc2\xa0", "\xe3\x80\x80", "abcdefghijklmnopqrstuvwxyz",
		"                                                                      ",
	};
	g_autoptr(GString) text = g_string_new("rules = (");
	for (guint i = 0; i < G_N_ELEMENTS(patterns); i++)
		g_string_append_printf(text, "%s { name = \"r%u\"; class = \"outage\"; weight = 1; pattern = \"%s\"; }", i ? "," : "", i, patterns[i]);
	g_string_append(text, ");");
	g_autoptr(Rules) rules = rules_fixture_of(text->str);
	for (guint i = 0; i < 1500; i++) {
		/* Some are longer than a text of so many blocks that each is as short as can be. */
		g_autoptr(GString) body = g_string_new(NULL);
		for (gint32 n = g_test_rand_int_range(0, i % 100 == 0 ? 6000 : 30); n > 0; n--)
			g_string_append(body, pieces[g_test_rand_int_range(0, G_N_ELEMENTS(pieces))]);
		compare_ways(rules, i % 3 ? "" : "Server down", body->str);
	}
}

/* --- limits --- */

static const char *const heavy_patterns[] = {
	"(a+)+$", "(a|aa)+$", "(.*)*x", "a*a*a*a*a*[cd]", "(?:a?){50}a{50}b", "(?>\\w+)+[cd]", "[\\w.]++@|@@b", "^(([a-z])+.)+[A-Z]([a-z])+$",
};

static void test_no_pattern_hangs(void)
{
	g_autofree char *text = g_strnfill(200 * 1024, 'a');
	text[strlen(text) - 1] = '!';
	for (guint i = 0; i < G_N_ELEMENTS(heavy_patterns); i++) {
		g_autoptr(GError) error = NULL;
		g_autoptr(GString) file = g_string_new(heavy_patterns[i]);
		g_string_replace(file, "\\", "\\\\", 0);
		g_autofree char *conf = g_strdup_printf("rules = ( { name = \"heavy\"; class = \"outage\"; weight = 1; pattern = \"%s\"; } );", file->str);
		g_autoptr(Rules) rules = rules_fixture_of(conf);
		gint64 began = g_get_monotonic_time();
		g_autoptr(RulesResult) result = rules_fixture_match(rules, "", text);
		gint64 spent = g_get_monotonic_time() - began;
		g_test_message("%s: %" G_GINT64_FORMAT " us, limited %d", heavy_patterns[i], spent, result->limited);
		g_assert_cmpint(spent, <, 20 * G_USEC_PER_SEC);
		g_assert_cmpuint(result->names->len, ==, 0);

		RulesPattern *pattern = rules_pattern_new(heavy_patterns[i], &error);
		g_assert_no_error(error);
		g_assert_false(rules_pattern_matches(pattern, "", text));
		rules_pattern_free(pattern);
	}
}

static void test_limit_is_told(void)
{
	g_autoptr(Rules) rules = rules_fixture_of("rules = (\n"
	                                  " { name = \"heavy\"; class = \"outage\"; weight = 1; pattern = \"(a+)+$\"; },\n"
	                                  " { name = \"plain\"; class = \"outage\"; weight = 2; pattern = \"a!\"; } );");
	g_autofree char *text = g_strnfill(4096, 'a');
	text[4095] = '!';
	g_autoptr(RulesResult) result = rules_fixture_match(rules, "", text);
	g_autofree char *names = rules_fixture_joined(result->names);
	g_assert_true(result->limited);
	g_assert_cmpstr(names, ==, "plain");
}

/* --- patterns that backtrack badly --- */

static const struct {
	const char *pattern;
	bool bad;
} backtracking[] = {
	{ "(a+)+$", true }, { "(a|aa)+$", true }, { "(.*)*x", true }, { "a*a*a*a*a*[cd]", true }, { "(?:a?){50}a{50}b", true },
	{ "^(([a-z])+.)+[A-Z]([a-z])+$", true }, { "(x+x+)+y", true }, { "(?:\\w+\\s*)*down", true }, { ".*.*.*x", true },
	{ "(?:[\\w.-]+\\.)+com", true }, { "curl(?:\\s+-{1,2}[\\w-]+)*\\s+http", true }, { "(?<=no\\s)(?:\\w+\\s*)*x", true },
	{ "(a|b|ab)*c", true }, { "(?:\\s*[:=]?\\s*)+x", true }, { "(?=(\\d+)+$)\\d", true }, { "(?:(?:\\d|1)+)+k", true },
	{ "server", false }, { "foo.*bar.*baz", false }, { "\\bfoo[^\\n]{0,40}bar[^\\n]{0,40}baz", false }, { "\\s+\\s*x", false },
	{ "(?:\\s+\\w+){0,3}?\\s+down", false }, { "(?:\\w+\\s+)*down", false }, { "(?>\\w+)+[cd]", false }, { "(?:\\w++\\s*+)*down", false },
	{ "\\d{1,3}(?:[.,]\\d{3})*(?:[.,]\\d\\d)?\\s*EUR", false }, { "[\\w.+-]+@[\\w-]+(?:\\.[\\w-]+)+", false }, { "(\\w+)\\s\\1", false },
	{ "[[:alpha:]]+[^[:alpha:]]+x", false }, { "(?(?=a)ab|c)+x", false }, { "\\p{L}+\\P{L}+x", false },
};

static void test_backtracking_is_named(void)
{
	for (guint i = 0; i < G_N_ELEMENTS(backtracking); i++) {
		g_autoptr(GError) error = NULL;
		RulesPattern *pattern = rules_pattern_new(backtracking[i].pattern, &error);
		g_assert_no_error(error);
		g_autofree char *warning = rules_pattern_warning(pattern);
		g_test_message("%s: %s", backtracking[i].pattern, warning ? warning : "fine");
		g_assert_cmpint(warning != NULL, ==, backtracking[i].bad);
		rules_pattern_free(pattern);
	}
}

static void test_warnings_name_the_place(void)
{
	g_autoptr(Rules) rules = rules_fixture_of("rules = (\n"
	                                          " { name = \"fine\"; class = \"evidence\"; pattern = \"x+y\"; },\n"
	                                          " { name = \"bad\"; class = \"evidence\"; pattern = \"(x+)+y\"; } );");
	g_autoptr(GPtrArray) warnings = g_ptr_array_new_with_free_func(g_free);
	rules_warnings(rules, warnings);
	g_assert_cmpuint(warnings->len, ==, 1);
	g_assert_nonnull(strstr(g_ptr_array_index(warnings, 0), "/a.conf:3: warning: rule \"bad\": the pattern backtracks badly"));
}

/* Each round of a group takes stack: this match needs more than PCRE2's JIT has of its own. */
static void test_long_text(void)
{
	g_autoptr(Rules) rules = rules_fixture_of("rules = ( { name = \"far\"; class = \"outage\"; weight = 1; pattern = \"begin(?:.|\\\\n)+?end\"; } );");
	g_autoptr(GString) text = g_string_new(NULL);
	for (guint i = 0; i < 30000; i++)
		g_string_append(text, "x ");
	g_string_append(text, "begin");
	for (guint i = 0; i < 2500; i++)
		g_string_append(text, "y\n");
	g_string_append(text, "end");
	g_autoptr(RulesResult) result = rules_fixture_match(rules, "", text->str);
	g_assert_false(result->limited);
	g_assert_cmpfloat(result->score, ==, 1.0);
}

/* --- an incident's own words --- */

static void test_pattern(void)
{
	g_autoptr(GError) error = NULL;
	RulesPattern *pattern = rules_pattern_new("check-?out|caf\xc3\x89|can\xe2\x80\x99t pay", &error);
	g_assert_no_error(error);
	g_assert_true(rules_pattern_matches(pattern, "CHECKOUT", ""));
	g_assert_true(rules_pattern_matches(pattern, "", "the cafe site"));
	g_assert_true(rules_pattern_matches(pattern, "", "I can't pay"));
	g_assert_false(rules_pattern_matches(pattern, "check", "out"));
	rules_pattern_free(pattern);
	rules_pattern_free(NULL);
}

static void test_pattern_refused(void)
{
	g_autofree char *longest = g_strnfill(1024, 'a'), *too_long = g_strnfill(1025, 'a');
	static const char *const wrong[] = { "", "a(b", "x*", "\xff", "\\C" };
	for (guint i = 0; i < G_N_ELEMENTS(wrong); i++) {
		g_autoptr(GError) error = NULL;
		g_assert_null(rules_pattern_new(wrong[i], &error));
		g_assert_nonnull(error);
	}
	g_autoptr(GError) error = NULL;
	g_assert_null(rules_pattern_new(too_long, &error));
	g_assert_nonnull(strstr(error->message, "1025"));
	g_clear_error(&error);
	RulesPattern *pattern = rules_pattern_new(longest, &error);
	g_assert_no_error(error);
	rules_pattern_free(pattern);
}

/* --- threads --- */

static Rules *shipped;

/* first: the body to begin with, so that the packs of several languages are made ready at once. */
static gpointer match_many(gpointer first)
{
	static const struct {
		const char *body;
		bool outage;
	} bodies[] = {
		{ "Hi, your site is down.", true },           { "We get 503 Service Unavailable on every page.", true },
		{ "The app won't load for anybody.", true },  { "Where is my parcel?", false },
		{ "I forgot my password.", false },           { "Our hosting is unreachable from all our locations.", true },
		{ "Guten Tag, seit heute Morgen ist Ihre Website nicht erreichbar, bei uns geht gar nichts mehr.", true },
		{ "Bonjour, depuis ce matin votre site est en panne, nous ne pouvons plus rien faire.", true },
	};
	guint wrong = 0;
	for (guint round = 0; round < 100; round++) {
		for (guint i = 0; i < G_N_ELEMENTS(bodies); i++) {
			guint at = (i + GPOINTER_TO_UINT(first)) % G_N_ELEMENTS(bodies);
			g_autoptr(RulesResult) result = rules_match(shipped, "", bodies[at].body);
			wrong += (result->score >= 5.0) != bodies[at].outage;
		}
	}
	return GUINT_TO_POINTER(wrong);
}

static void test_threads_do_not_mix(void)
{
	GThread *threads[4];
	shipped = rules_fixture_shipped();
	for (guint i = 0; i < G_N_ELEMENTS(threads); i++)
		threads[i] = g_thread_new("match", match_many, GUINT_TO_POINTER(2 * i + 1));
	/* A reload makes the new rules ready while mail is matched by the old ones. */
	g_autoptr(Rules) fresh = rules_fixture_of("language = \"en\"; rules = ( { name = \"r\"; class = \"evidence\"; pattern = \"down\"; } );");
	rules_warm(fresh, shipped);
	for (guint i = 0; i < G_N_ELEMENTS(threads); i++)
		g_assert_cmpuint(GPOINTER_TO_UINT(g_thread_join(threads[i])), ==, 0);
	rules_unref(shipped);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/rules/index/finds-the-same-in-texts", test_same_on_texts);
	g_test_add_func("/rules/index/finds-the-same-for-all-syntax", test_index_on_syntax);
	g_test_add_func("/rules/words/found-together", test_words_together);
	g_test_add_func("/rules/limits/no-pattern-hangs", test_no_pattern_hangs);
	g_test_add_func("/rules/limits/limit-is-told", test_limit_is_told);
	g_test_add_func("/rules/limits/long-text", test_long_text);
	g_test_add_func("/rules/backtracking/is-named", test_backtracking_is_named);
	g_test_add_func("/rules/backtracking/with-its-place", test_warnings_name_the_place);
	g_test_add_func("/rules/incident-words/match", test_pattern);
	g_test_add_func("/rules/incident-words/refused", test_pattern_refused);
	g_test_add_func("/rules/threads-do-not-mix", test_threads_do_not_mix);
	return g_test_run();
}
