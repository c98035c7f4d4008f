/* test-body: the parts of a letter: what a client shows as HTML, and what travels. */
#include <glib.h>
#include <string.h>

#include "reply/body.h"
#include "reply/compose.h"
#include "reply/template-private.h"

typedef struct {
	const char *path;
	const char *text;
	const char *html; /* the document's content, without styles */
} Document;

static const Document documents[] = {
	{ "/body/html/paragraphs", "One line\nand its end.\n\nTwo.\n", "<p>One line\nand its end.</p>\n<p>Two.</p>\n" },
	{ "/body/html/empty-paragraphs-leave-nothing", "\n\nOne.\n\n\n\n\nTwo.\n\n", "<p>One.</p>\n<p>Two.</p>\n" },
	{ "/body/html/list", "Facts:\n\n- when\n- the id,\n  whole\n* what\n\nThanks.\n",
	  "<p>Facts:</p>\n<ul>\n<li>when</li>\n<li>the id,\nwhole</li>\n<li>what</li>\n</ul>\n<p>Thanks.</p>\n" },
	{ "/body/html/list-behind-its-sentence", "Facts:\n- when\nThanks.\n",
	  "<p>Facts:</p>\n<ul>\n<li>when</li>\n</ul>\n<p>Thanks.</p>\n" },
	{ "/body/html/quote-keeps-its-lines", "We said:\n\n    First.\n    Second.\n\n    Third.\n\nThanks.\n",
	  "<p>We said:</p>\n<blockquote>First.<br>\nSecond.<br>\n<br>\nThird.</blockquote>\n<p>Thanks.</p>\n" },
	{ "/body/html/link-stands-on-its-line", "See here:\nhttps://example.com/a?b=1&c=2\nThanks.\n",
	  "<p>See here:<br>\n<a href=\"https://example.com/a?b=1&amp;c=2\">https://example.com/a?b=1&amp;c=2</a><br>\nThanks.</p>\n" },
	{ "/body/html/link-in-a-sentence", "See (https://example.com/a), or http://example.com/b.\n",
	  "<p>See (<a href=\"https://example.com/a\">https://example.com/a</a>), "
	  "or <a href=\"http://example.com/b\">http://example.com/b</a>.</p>\n" },
	{ "/body/html/only-web-links", "javascript:alert(1) xhttps://a.example https:// ftp://b.example\n",
	  "<p>javascript:alert(1) xhttps://a.example https:// ftp://b.example</p>\n" },
	{ "/body/html/markup-is-text", "<script>alert('x')</script> & \"more\"\n",
	  "<p>&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt; &amp; &quot;more&quot;</p>\n" },
	{ "/body/html/link-ends-before-markup", "https://example.com/\"onmouseover=x\n",
	  "<p><a href=\"https://example.com/\">https://example.com/</a>&quot;onmouseover=x</p>\n" },
	{ "/body/html/japanese-lines-join-without-a-space", "ただいま障害が\n発生しています。\nABC\nです。詳しくは https://example.com/a。\n",
	  "<p>ただいま障害が発生しています。\nABC\nです。詳しくは <a href=\"https://example.com/a\">https://example.com/a</a>。</p>\n" },
};

/* Returns html between the column's opening and its end, without style attributes. */
static char *content_of(const char *html)
{
	g_autoptr(GRegex) style = g_regex_new(" style=\"[^\"]*\"", 0, 0, NULL);
	g_autofree char *plain = g_regex_replace_literal(style, html, -1, 0, "", 0, NULL);
	const char *start = strstr(plain, "<div dir=\"auto\">\n");
	g_assert_nonnull(start);
	start += strlen("<div dir=\"auto\">\n");
	g_assert_true(g_str_has_suffix(start, "</div>\n</body>\n</html>\n"));
	return g_strndup(start, strlen(start) - strlen("</div>\n</body>\n</html>\n"));
}

static void test_document(gconstpointer data)
{
	const Document *c = data;
	g_autofree char *html = template_html(c->text, "s", "en");
	g_autofree char *content = content_of(html);
	g_assert_cmpstr(content, ==, c->html);
}

static void test_document_suits_clients(void)
{
	g_autofree char *html = template_html("Hallo,\n", "A <b> & \"c\"", "de");
	g_assert_true(g_str_has_prefix(html, "<!DOCTYPE html>\n<html lang=\"de\">\n"));
	g_assert_nonnull(strstr(html, "<title>A &lt;b&gt; &amp; &quot;c&quot;</title>"));
	g_assert_nonnull(strstr(html, "<meta name=\"color-scheme\" content=\"light dark\">"));
	static const char *const absent[] = { "<style", "<link", "<img", "src=", "url(", "http:", "https:", "background", ";color:" };
	for (gsize i = 0; i < G_N_ELEMENTS(absent); i++)
		g_assert_null(strstr(html, absent[i]));
}

static char *written(const char *text, const char *html, const char *language)
{
	GMimeObject *body = body_make(text, html, language);
	GMimeFormatOptions *options = g_mime_format_options_new();
	g_mime_format_options_set_newline_format(options, GMIME_NEWLINE_FORMAT_DOS);
	char *bytes = g_mime_object_to_string(body, options);
	g_mime_format_options_free(options);
	g_object_unref(body);
	for (const char *line = bytes; *line != '\0';) {
		gsize length = strcspn(line, "\r\n");
		g_assert_cmpuint(length, <=, 998);
		g_assert_true(line[length] == '\0' || g_str_has_prefix(line + length, "\r\n"));
		line += line[length] != '\0' ? length + 2 : length;
	}
	return bytes;
}

static void test_text_alone(void)
{
	g_autofree char *plain = written("Hello,\n", NULL, "en");
	g_assert_nonnull(strstr(plain, "Content-Type: text/plain; charset=utf-8\r\n"));
	g_assert_nonnull(strstr(plain, "Content-Language: en\r\n"));
	g_assert_nonnull(strstr(plain, "Content-Transfer-Encoding: 7bit\r\n"));
	g_assert_null(strstr(plain, "multipart"));
	g_autofree char *accents = written("Gr\xC3\xBC\xC3\x9F" "e\n", NULL, NULL);
	g_assert_nonnull(strstr(accents, "Content-Transfer-Encoding: quoted-printable\r\n"));
	g_assert_null(strstr(accents, "Content-Language"));
}

static void test_html_goes_along(void)
{
	g_autofree char *both = written("Hello,\n", "<p>Hello,</p>\n", "en");
	g_assert_nonnull(strstr(both, "Content-Type: multipart/alternative; boundary="));
	const char *text = strstr(both, "Content-Type: text/plain; charset=utf-8\r\n");
	const char *html = strstr(both, "Content-Type: text/html; charset=utf-8\r\n");
	g_assert_nonnull(text);
	g_assert_nonnull(html);
	g_assert_true(text < html);
	g_assert_nonnull(strstr(html, "<p>Hello,</p>"));
}

static void test_no_line_over_the_limit(void)
{
	g_autofree char *word = g_strnfill(5000, 'x');
	g_autofree char *bytes = written(word, word, "en");
	g_assert_nonnull(strstr(bytes, "Content-Transfer-Encoding: quoted-printable\r\n"));
	g_autoptr(GString) words = g_string_new(NULL);
	for (guint i = 0; i < 1000; i++)
		g_string_append(words, "word ");
	g_autofree char *html = template_html(words->str, "s", "en");
	for (const char *line = html; *line != '\0'; line += strcspn(line, "\n") + 1)
		g_assert_cmpuint(strcspn(line, "\n"), <=, 300);
	g_autofree char *marks = written("a\rb\n", "a\rb\n", "en");
	g_assert_nonnull(strstr(marks, "a=0Db"));
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	compose_init();
	for (gsize i = 0; i < G_N_ELEMENTS(documents); i++)
		g_test_add_data_func(documents[i].path, &documents[i], test_document);
	g_test_add_func("/body/html/suits-clients", test_document_suits_clients);
	g_test_add_func("/body/text-alone", test_text_alone);
	g_test_add_func("/body/html-goes-along-behind-the-text", test_html_goes_along);
	g_test_add_func("/body/no-line-over-the-limit", test_no_line_over_the_limit);
	return g_test_run();
}
