/* test-html: the pages of `report --html` and `replay --html`: hostile text stays text, the markup is closed, the charts show what they were
 * given. That a browser draws them well is tests/integration/test_report.py's. */
#include <glib.h>
#include <math.h>
#include <stdbool.h>
#include <string.h>

#include "outagectl/html.h"

/* --- reading a page back: it is written so that it is XML, too --- */

typedef struct {
	GHashTable *elements;   /* name, or name.class -> how often */
	GString *text;          /* all of it */
	GString *foreign;       /* attributes that name a resource elsewhere, or run something */
} Seen;

static void count_element(Seen *seen, char *key)
{
	g_hash_table_insert(seen->elements, key, GUINT_TO_POINTER(GPOINTER_TO_UINT(g_hash_table_lookup(seen->elements, key)) + 1));
}

static void see_element(GMarkupParseContext *context, const char *name, const char **names, const char **values, gpointer data,
    GError **error)
{
	Seen *seen = data;

	(void)context;
	(void)error;
	count_element(seen, g_strdup(name));
	for (guint i = 0; names[i] != NULL; i++) {
		if (strcmp(names[i], "class") == 0)
			count_element(seen, g_strconcat(name, ".", values[i], NULL));
		if (strcmp(names[i], "src") == 0 || strcmp(names[i], "style") == 0 || g_str_has_prefix(names[i], "on"))
			g_string_append_printf(seen->foreign, "%s ", names[i]);
	}
}

static void see_text(GMarkupParseContext *context, const char *text, gsize size, gpointer data, GError **error)
{
	(void)error;
	if (strcmp(g_markup_parse_context_get_element(context), "style") != 0)
		g_string_append_len(((Seen *)data)->text, text, (gssize)size);
}

static void seen_clear(Seen *seen)
{
	g_hash_table_unref(seen->elements);
	g_string_free(seen->text, TRUE);
	g_string_free(seen->foreign, TRUE);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Seen, seen_clear)

static void read_page(const GString *page, Seen *seen)
{
	static const GMarkupParser parser = { .start_element = see_element, .text = see_text };
	g_autoptr(GMarkupParseContext) context = g_markup_parse_context_new(&parser, 0, seen, NULL);
	g_autoptr(GError) error = NULL;

	*seen = (Seen){ g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL), g_string_new(NULL), g_string_new(NULL) };
	(void)(g_markup_parse_context_parse(context, page->str, (gssize)page->len, &error) && g_markup_parse_context_end_parse(context, &error));
	g_assert_no_error(error);
	g_assert_cmpstr(seen->foreign->str, ==, "");
}

static guint seen_count(const Seen *seen, const char *key)
{
	return GPOINTER_TO_UINT(g_hash_table_lookup(seen->elements, key));
}

/* --- text --- */

static void text_stays_text(void)
{
	static const struct { const char *text, *written; } cases[] = {
		{ NULL, "" },
		{ "plain", "plain" },
		{ "<script>alert('x')</script>", "&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt;" },
		{ "a & b \"c\"", "a &amp; b &quot;c&quot;" },
		{ "&lt;", "&amp;lt;" },
		{ "two\nlines\tand a tab", "two\nlines\tand a tab" },
		{ "\x1b[31mred\x1b[0m", "\\x1b[31mred\\x1b[0m" },
		{ "a\rb\x7f", "a\\x0db\\x7f" },
		{ "a\xc2\x85z", "a\\x85z" },
		{ "a\xe2\x80\xae" "fdp.exe", "a\\u202efdp.exe" },
		{ "\xe2\x81\xa6x\xe2\x80\x8f\xef\xbb\xbf", "\\u2066x\\u200f\\ufeff" },
		{ "caf\xe9", "caf\xef\xbf\xbd" },
		{ "caf\xc3\xa9 \xe2\x82\xac", "caf\xc3\xa9 \xe2\x82\xac" },
		{ "cut \xe2\x82", "cut \xef\xbf\xbd\xef\xbf\xbd" },
	};

	for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
		g_autoptr(GString) page = g_string_new(NULL);

		html_text(page, cases[i].text);
		g_assert_cmpstr(page->str, ==, cases[i].written);
	}
}

static void attributes_stay_attributes(void)
{
	g_autoptr(GString) page = g_string_new(NULL);

	html_attribute(page, "x\" onload=\"y\n\t'<");
	g_assert_cmpstr(page->str, ==, "x&quot; onload=&quot;y&#10;&#9;&#39;&lt;");
}

static void only_web_addresses_become_links(void)
{
	static const struct { const char *url; bool linked; } cases[] = {
		{ "https://status.example.com/?a=1&b=\"2\"", true },
		{ "HTTP://status.example.com/", true },
		{ "javascript:alert(1)", false },
		{ " https://x.example/", false },
		{ "data:text/html,x", false },
		{ "", false },
		{ NULL, false },
	};

	for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
		g_autoptr(GString) page = g_string_new(NULL);

		html_link(page, cases[i].url, "the <page>");
		g_assert_cmpint(strstr(page->str, "<a ") != NULL, ==, cases[i].linked);
		g_assert_nonnull(strstr(page->str, "the &lt;page&gt;"));
		g_assert_null(strstr(page->str, "b=\"2\""));
	}
}

/* --- the page --- */

#define HOSTILE "</title></table><script>alert(1)</script>\" onload=\"x\" \xff\x1b[2J"

static void a_page_is_closed_and_asks_for_nothing(void)
{
	const HtmlBar bars[] = { { HOSTILE, 3 }, { "none", 0 } };
	const HtmlMark marks[] = { { 3600, HOSTILE } };
	const double values[] = { 1, 2 };
	g_auto(Seen) seen = { 0 };
	g_autoptr(GString) page = html_begin(HOSTILE);

	html_section_begin(page, "first", HOSTILE);
	html_paragraph(page, "lead", HOSTILE);
	html_paragraph(page, NULL, HOSTILE);
	html_figures_begin(page);
	html_figure(page, HOSTILE, HOSTILE, HOSTILE);
	html_figures_end(page);
	html_table_begin(page, HOSTILE);
	html_row(page, TRUE, 2, "account", HOSTILE, NULL);
	html_row(page, FALSE, 2, HOSTILE, "3", NULL);
	html_table_end(page);
	html_bars(page, HOSTILE, HOSTILE, "mails", bars, G_N_ELEMENTS(bars));
	html_chart(page, HOSTILE, HOSTILE, 3600, 60, values, NULL, 2, marks, 1);
	html_section_end(page);
	html_end(page);
	g_assert_true(g_utf8_validate(page->str, (gssize)page->len, NULL));
	g_assert_true(g_str_has_prefix(page->str, "<!DOCTYPE html>\n<html lang=\"en\">"));
	g_assert_nonnull(strstr(page->str, "content=\"default-src 'none'; style-src 'sha256-"));
	g_assert_null(strstr(page->str, "url("));
	read_page(page, &seen);
	g_assert_cmpuint(seen_count(&seen, "script"), ==, 0);
	g_assert_cmpuint(seen_count(&seen, "main"), ==, 1);
	g_assert_cmpuint(seen_count(&seen, "h1"), ==, 1);
	g_assert_cmpuint(seen_count(&seen, "caption"), ==, 2);
	g_assert_cmpuint(seen_count(&seen, "td.n"), ==, 3);
	g_assert_cmpuint(seen_count(&seen, "a.skip"), ==, 1);
	g_assert_nonnull(strstr(seen.text->str, "\\x1b[2J"));
}

/* A browser refuses the style sheet unless its hash is the one that the policy names. */
static void the_policy_names_the_style_sheet(void)
{
	g_autoptr(GString) page = html_begin("t");
	const char *style = strstr(page->str, "<style>") + strlen("<style>"), *end = strstr(style, "</style>");
	g_autoptr(GChecksum) checksum = g_checksum_new(G_CHECKSUM_SHA256);
	g_autofree char *base64 = NULL, *source = NULL;
	guint8 digest[32];
	gsize size = sizeof digest;

	g_checksum_update(checksum, (const guchar *)style, end - style);
	g_checksum_get_digest(checksum, digest, &size);
	base64 = g_base64_encode(digest, size);
	source = g_strdup_printf("style-src 'sha256-%s';", base64);
	g_assert_nonnull(strstr(page->str, source));
}

/* --- charts --- */

static void chart(const double *values, const double *expected, guint n, const HtmlMark *marks, guint mark_count, Seen *seen)
{
	g_autoptr(GString) page = html_begin("t");

	html_chart(page, "mail", "all of it", 1700000100, 300, values, expected, n, marks, mark_count);
	html_end(page);
	g_assert_null(strstr(page->str, "nan"));
	g_assert_null(strstr(page->str, "inf"));
	read_page(page, seen);
}

static void a_chart_has_a_bar_for_each_value(void)
{
	static const double values[] = { 0, 3, 12.5, NAN, 1 }, expected[] = { 1, 1, NAN, 2, 2 };
	g_auto(Seen) seen = { 0 }, plain = { 0 };

	chart(values, expected, G_N_ELEMENTS(values), NULL, 0, &seen);
	g_assert_cmpuint(seen_count(&seen, "rect.bar"), ==, 4);
	g_assert_cmpuint(seen_count(&seen, "path.expected"), ==, 1);
	chart(values, NULL, G_N_ELEMENTS(values), NULL, 0, &plain);
	g_assert_cmpuint(seen_count(&plain, "path.expected"), ==, 0);
}

static void a_chart_of_nothing_is_drawn_without_harm(void)
{
	static const double zeros[] = { 0, 0 }, unknown[] = { NAN, NAN };
	g_auto(Seen) none = { 0 }, flat = { 0 }, blank = { 0 };

	chart(zeros, NULL, 0, NULL, 0, &none);
	g_assert_cmpuint(seen_count(&none, "figure"), ==, 0);
	chart(zeros, zeros, 2, NULL, 0, &flat);
	g_assert_cmpuint(seen_count(&flat, "rect.bar"), ==, 2);
	chart(unknown, unknown, 2, NULL, 0, &blank);
	g_assert_cmpuint(seen_count(&blank, "rect.bar"), ==, 0);
}

static void marks_that_would_overlap_keep_their_line(void)
{
	static const double values[12] = { 1 };
	const gint64 from = 1700000100;
	const HtmlMark marks[] = {
		{ from - 1, "before the chart" }, { from, "declared P1" }, { from + 1, "update one" }, { from + 2, "update two" },
		{ from + 3, "update three" }, { from + 3600, "resolved" }, { from + 3601, "after the chart" },
	};
	g_auto(Seen) seen = { 0 };

	chart(values, NULL, 12, marks, G_N_ELEMENTS(marks), &seen);
	g_assert_cmpuint(seen_count(&seen, "text.mark"), ==, 4);
	g_assert_cmpuint(seen_count(&seen, "line.mark"), ==, 5 + 1 /* of the key */);
	g_assert_nonnull(strstr(seen.text->str, "update three"));
	g_assert_null(strstr(seen.text->str, "before the chart"));
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/html/text-stays-text", text_stays_text);
	g_test_add_func("/html/attributes-stay-attributes", attributes_stay_attributes);
	g_test_add_func("/html/only-web-addresses-become-links", only_web_addresses_become_links);
	g_test_add_func("/html/a-page-is-closed-and-asks-for-nothing", a_page_is_closed_and_asks_for_nothing);
	g_test_add_func("/html/the-policy-names-the-style-sheet", the_policy_names_the_style_sheet);
	g_test_add_func("/html/a-chart-has-a-bar-for-each-value", a_chart_has_a_bar_for_each_value);
	g_test_add_func("/html/a-chart-of-nothing", a_chart_of_nothing_is_drawn_without_harm);
	g_test_add_func("/html/marks-that-would-overlap", marks_that_would_overlap_keep_their_line);
	return g_test_run();
}
