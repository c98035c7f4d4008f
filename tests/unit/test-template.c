/* test-template: the grammar of the letters' templates, their layout, and what is said about a file with mistakes. */
#include <glib.h>
#include <glib/gstdio.h>
#include <string.h>

#include "base/error.h"
#include "reply/clean.h"
#include "reply/template-private.h"
#include "reply/template.h"

/* Makes values from "name=text" items; in text, "|" stands for a newline. */
static GHashTable *values_from(const char *const *items)
{
	GHashTable *values = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, g_free);
	for (; *items != NULL; items++) {
		const char *equals = strchr(*items, '=');
		const char *field = template_field(*items, (gsize)(equals - *items));
		g_assert_nonnull(field);
		g_hash_table_insert(values, (gpointer)field, g_strdelimit(g_strdup(equals + 1), "|", '\n'));
	}
	return values;
}

typedef struct {
	const char *path;
	const char *text;
	const char *values[6];
	const char *subject;
	const char *body;
} Rendering;

static const Rendering renderings[] = {
	{ "/template/placeholder-is-replaced", "Subject: Re: {{#subject}}{{subject}}{{/subject}}\n\nSeverity {{severity}}.\n",
	  { "subject=No login", "severity=P1" }, "Re: No login", "Severity P1.\n" },
	{ "/template/unset-section-takes-its-paragraph-along",
	  "Subject: s\n\nOne.\n\n{{#eta}}\nFixed by {{eta}}.\n{{/eta}}\n\nTwo.\n", { NULL }, "s", "One.\n\nTwo.\n" },
	{ "/template/set-section-stands", "Subject: s\n\nOne.\n\n{{#eta}}\nFixed by {{eta}}.\n{{/eta}}\n\nTwo.\n", { "eta=noon" }, "s",
	  "One.\n\nFixed by noon.\n\nTwo.\n" },
	{ "/template/inverse-stands-only-where-unset", "Subject: {{^site}}we{{/site}}{{#site}}{{site}}{{/site}}\n\nx{{^site}} y{{/site}}\n",
	  { "site=Acme" }, "Acme", "x\n" },
	{ "/template/blank-value-counts-as-unset", "Subject: s\n\nx{{#site}} at {{site}}{{/site}}.\n", { "site= | " }, "s", "x.\n" },
	{ "/template/nested-sections-need-both", "Subject: s\n\na{{#site}}b{{#eta}}c{{/eta}}d{{/site}}e\n", { "eta=1" }, "s", "ae\n" },
	{ "/template/value-is-never-read-as-template", "Subject: {{#title}}{{title}}{{/title}}\n\n{{#title}}{{title}}{{/title}}\n",
	  { "title={{severity}}{{#eta}}", "severity=P1" }, "{{severity}}{{#eta}}", "{{severity}}{{#eta}}\n" },
	{ "/template/newline-in-value-adds-no-header", "Subject: {{#title}}{{title}}{{/title}}\n\nx\n", { "title=a|Bcc: b@example.com" },
	  "a Bcc: b@example.com", "x\n" },
	{ "/template/comment-leaves-nothing", "{{! for translators }}\nSubject: s\n\n{{! a }}\nx{{! b }}y\n", { NULL }, "s", "xy\n" },
	{ "/template/crlf-file-reads-as-lf", "Subject: s\r\n\r\n{{#eta}}\r\nno\r\n{{/eta}}\r\nx\r\n", { NULL }, "s", "x\n" },
	{ "/template/prose-is-rewrapped",
	  "Subject: s\n\nThis line is short\nand this one is long enough that together they have to be wrapped somewhere.\n", { NULL }, "s",
	  "This line is short and this one is long enough that together they have\nto be wrapped somewhere.\n" },
	{ "/template/lists-and-links-keep-their-lines", "Subject: s\n\nRead:\nhttps://example.com/a\n- one\n* two\n  three\n", { NULL }, "s",
	  "Read:\nhttps://example.com/a\n- one\n* two\n  three\n" },
	{ "/template/quoted-value-keeps-its-indent", "Subject: s\n\n{{#update}}\nWe said:\n\n    {{update}}\n{{/update}}\n",
	  { "update=First line.|Second line." }, "s", "We said:\n\n    First line.\n    Second line.\n" },
	{ "/template/long-quoted-value-wraps-under-its-indent", "Subject: s\n\n{{#update}}\n    {{update}}\n{{/update}}\n",
	  { "update=aaaaaaaaaa bbbbbbbbbb cccccccccc dddddddddd eeeeeeeeee ffffffffff gggggggggg hhhhhhhhhh" }, "s",
	  "    aaaaaaaaaa bbbbbbbbbb cccccccccc dddddddddd eeeeeeeeee ffffffffff\n    gggggggggg hhhhhhhhhh\n" },
	{ "/template/empty-lines-of-a-value-do-not-pile-up", "Subject: s\n\n{{#scope}}\n{{scope}}\n{{/scope}}\n", { "scope=a||||b" }, "s",
	  "a\n\nb\n" },
	{ "/template/japanese-wraps-without-spaces",
	  "Subject: s\n\nただいまサービスに重大な障害が発生しており、復旧は私どもの責任です。ご迷惑\nをおかけしておりますことを、心よりお詫び申し上げます。\n", { NULL }, "s",
	  "ただいまサービスに重大な障害が発生しており、復旧は私どもの責任です。ご迷\n惑をおかけしておりますことを、心よりお詫び申し上げます。\n" },
	{ "/template/no-line-begins-with-a-full-stop",
	  "Subject: s\n\nああああああああああああああああああああああああああああああああああああ。い\n", { NULL }, "s",
	  "あああああああああああああああああああああああああああああああああああ\nあ。い\n" },
	{ "/template/japanese-keeps-its-spaces-around-words", "Subject: s\n\n{{#eta}}\n復旧は {{eta}} の見込みです。\n{{/eta}}\n",
	  { "eta=2026年11月21日15時30分 JST" }, "s", "復旧は 2026年11月21日15時30分 JST の見込みです。\n" },
	{ "/template/korean-lines-join-with-a-space", "Subject: s\n\n안녕\n하세요\n", { NULL }, "s", "안녕 하세요\n" },
	{ "/template/ordered-text-keeps-its-indent", "Subject: s\n\n{{#text}}\n    {{text}}\n{{/text}}\n", { "text=One.|Two." }, "s",
	  "    One.\n    Two.\n" },
	{ "/template/direction-overrides-vanish", "Subject: {{#title}}{{title}}{{/title}}\n\nx\n",
	  { "title=a\xE2\x80\xAE" "b\xE2\x81\xA6" "c\xE2\x80\x8F\x07" "d" }, "abcd", "x\n" },
};

static void test_rendering(gconstpointer data)
{
	const Rendering *c = data;
	g_autoptr(GPtrArray) mistakes = g_ptr_array_new_with_free_func(g_free);
	g_autoptr(Template) template = template_parse(c->text, strlen(c->text), "t", mistakes);
	if (mistakes->len > 0)
		g_test_message("%s", (char *)g_ptr_array_index(mistakes, 0));
	g_assert_cmpuint(mistakes->len, ==, 0);
	g_autoptr(GHashTable) values = values_from(c->values);
	g_autofree char *subject = NULL, *body = NULL;
	template_expand(template, values, &subject, &body);
	g_assert_cmpstr(subject, ==, c->subject);
	g_assert_cmpstr(body, ==, c->body);
}

typedef struct {
	const char *path;
	const char *text;
	const char *mistake; /* the first one */
} Mistake;

static const Mistake mistakes_told[] = {
	{ "/template/mistake/unknown-placeholder", "Subject: s\n\nx\n{{etta}}\n", "t:4: there is no placeholder 'etta'" },
	{ "/template/mistake/unclosed-section", "Subject: s\n\n{{#eta}}\nx\n", "t:3: the section 'eta' is never closed" },
	{ "/template/mistake/unclosed-section-in-subject", "Subject: {{#eta}}s\n\nx\n", "t:1: the section 'eta' is never closed" },
	{ "/template/mistake/crossed-sections", "Subject: s\n\n{{#eta}}\n{{#site}}\nx{{/eta}}{{/site}}\n",
	  "t:5: {{/eta}} stands where the section 'site' of line 4 has to be closed first" },
	{ "/template/mistake/close-without-open", "Subject: s\n\nx{{/eta}}\n", "t:3: {{/eta}} closes a section that is not open" },
	{ "/template/mistake/tag-not-closed", "Subject: s\n\nx {{eta\n}}\n", "t:3: '{{' without '}}' on the same line" },
	{ "/template/mistake/unknown-header", "Subject: s\nBcc: a@example.com\n\nx\n",
	  "t:2: unknown header: only 'Subject:' may stand above the first empty line" },
	{ "/template/mistake/no-subject", "\nx\n", "t:1: no Subject" },
	{ "/template/mistake/two-subjects", "Subject: s\nSubject: t\n\nx\n", "t:2: a second Subject" },
	{ "/template/mistake/no-text", "Subject: s\n\n{{! nothing }}\n", "t:3: no text below the headers" },
	{ "/template/mistake/not-utf8", "Subject: \xE4\n\nx\n", "t:1: not UTF-8" },
	{ "/template/mistake/control-character", "Subject: s\n\nx\ry\n", "t:3: a control character" },
	{ "/template/mistake/sentence-that-would-dangle", "Subject: s\n\nFixed by {{eta}}.\n",
	  "t:3: {{eta}} may be unset: put it and its sentence between {{#eta}} and {{/eta}}" },
	{ "/template/mistake/used-where-it-is-unset", "Subject: s\n\n{{^eta}}Fixed by {{eta}}.{{/eta}}\n",
	  "t:3: {{eta}} may be unset: put it and its sentence between {{#eta}} and {{/eta}}" },
};

static void test_mistake(gconstpointer data)
{
	const Mistake *c = data;
	g_autoptr(GPtrArray) mistakes = g_ptr_array_new_with_free_func(g_free);
	g_autoptr(Template) template = template_parse(c->text, strlen(c->text), "t", mistakes);
	g_assert_null(template);
	g_assert_cmpuint(mistakes->len, >, 0);
	g_assert_cmpstr(g_ptr_array_index(mistakes, 0), ==, c->mistake);
}

typedef struct {
	const char *path;
	const char *text; /* of the KIND.html */
	const char *values[6];
	const char *html;
} Page;

static const Page pages[] = {
	{ "/template/html/text-is-escaped", "<p>{{#title}}{{title}}{{/title}}</p>\n", { "title=<b>&\"'</b>" },
	  "<p>&lt;b&gt;&amp;&quot;&#39;&lt;/b&gt;</p>\n" },
	{ "/template/html/lines-of-a-text-stay-lines", "<p>{{#text}}{{text}}{{/text}}</p>\n", { "text=a|b" }, "<p>a<br>\nb</p>\n" },
	{ "/template/html/attribute-is-escaped", "{{#title}}<p title=\"{{title}}\">x</p>{{/title}}\n", { "title=\"onclick=|x<>" },
	  "<p title=\"&quot;onclick= x&lt;&gt;\">x</p>\n" },
	{ "/template/html/single-quotes-are-no-way-out", "{{#title}}<p title='{{title}}'>x</p>{{/title}}\n", { "title='x=" },
	  "<p title='&#39;x='>x</p>\n" },
	{ "/template/html/links-lead-where-links-may", "{{#status_url}}<a href=\"{{status_url}}\">{{status_url}}</a>{{/status_url}}\n",
	  { "status_url=https://example.com/?a=1&b=2" },
	  "<a href=\"https://example.com/?a=1&amp;b=2\">https://example.com/?a=1&amp;b=2</a>\n" },
	{ "/template/html/mail-to-a-value", "{{#stop}}<a href=\"mailto:{{stop}}\">stop</a>{{/stop}}\n", { "stop=s+x@example.com" },
	  "<a href=\"mailto:s+x@example.com\">stop</a>\n" },
	{ "/template/html/unset-section-vanishes", "<p>a</p>\n{{#eta}}\n<p>{{eta}}</p>\n{{/eta}}\n<p>b</p>\n", { NULL },
	  "<p>a</p>\n<p>b</p>\n" },
	{ "/template/html/style-sheet-stays", "<style>p > a { margin: 0 }</style><p>{{severity}}</p>\n", { "severity=P1" },
	  "<style>p > a { margin: 0 }</style><p>P1</p>\n" },
	{ "/template/html/value-is-never-read-as-template", "<p>{{#title}}{{title}}{{/title}}</p>\n", { "title={{severity}}" },
	  "<p>{{severity}}</p>\n" },
};

static void test_page(gconstpointer data)
{
	const Page *c = data;
	g_autoptr(GPtrArray) mistakes = g_ptr_array_new_with_free_func(g_free);
	g_autoptr(Template) text = template_parse("Subject: s\n\nx\n", 14, "t", mistakes);
	g_autoptr(Template) page = template_parse_html(c->text, strlen(c->text), "t", mistakes);
	if (mistakes->len > 0)
		g_test_message("%s", (char *)g_ptr_array_index(mistakes, 0));
	g_assert_cmpuint(mistakes->len, ==, 0);
	g_autoptr(GHashTable) values = values_from(c->values);
	g_autofree char *html = template_expand_html(text, page, values, "en");
	g_assert_cmpstr(html, ==, c->html);
}

#define NO_PLACE "it may stand in the text or between the quotes of an attribute, and not in a tag, a comment or a style sheet"
#define NO_LINK "a link may begin with status_url or postmortem_url only: nothing else is known to lead where it should"

static const Mistake page_mistakes[] = {
	{ "/template/html/mistake/unknown-placeholder", "<p>\n{{etta}}</p>\n", "t:2: there is no placeholder 'etta'" },
	{ "/template/html/mistake/sentence-that-would-dangle", "<p>{{eta}}</p>\n",
	  "t:1: {{eta}} may be unset: put it and its sentence between {{#eta}} and {{/eta}}" },
	{ "/template/html/mistake/value-in-a-tag", "<p\n{{severity}}>x</p>\n", "t:2: {{severity}}: " NO_PLACE },
	{ "/template/html/mistake/value-without-quotes", "<p title={{severity}}>x</p>\n", "t:1: {{severity}}: " NO_PLACE },
	{ "/template/html/mistake/value-behind-a-stray-quote", "<p title=x\"{{severity}}\">x</p>\n", "t:1: {{severity}}: " NO_PLACE },
	{ "/template/html/mistake/value-in-a-comment", "<p>x</p><!-- {{severity}} -->\n", "t:1: {{severity}}: " NO_PLACE },
	{ "/template/html/mistake/value-in-a-style-sheet", "<STYLE>\np { color: {{severity}} }</style>\n",
	  "t:2: {{severity}}: " NO_PLACE },
	{ "/template/html/mistake/value-in-a-style", "<p style=\"color: {{severity}}\">x</p>\n",
	  "t:1: {{severity}}: a script or a style is no place for it" },
	{ "/template/html/mistake/value-in-a-handler", "<p OnClick = \"{{severity}}\">x</p>\n",
	  "t:1: {{severity}}: a script or a style is no place for it" },
	{ "/template/html/mistake/value-leads-anywhere", "<a href=\"{{severity}}\">x</a>\n", "t:1: {{severity}}: " NO_LINK },
	{ "/template/html/mistake/value-behind-a-blank-leads-anywhere", "<a href=\" {{severity}}\">x</a>\n", "t:1: {{severity}}: " NO_LINK },
	{ "/template/html/mistake/script", "<p>x</p>\n<script>x</script>\n", "t:2: <script> has no place in a letter" },
	{ "/template/html/mistake/tag-not-closed", "<p>x</p\n", "t:1: a tag, comment or style sheet is never closed" },
};

static void test_page_mistake(gconstpointer data)
{
	const Mistake *c = data;
	g_autoptr(GPtrArray) mistakes = g_ptr_array_new_with_free_func(g_free);
	g_autoptr(Template) template = template_parse_html(c->text, strlen(c->text), "t", mistakes);
	g_assert_null(template);
	g_assert_cmpuint(mistakes->len, >, 0);
	g_assert_cmpstr(g_ptr_array_index(mistakes, 0), ==, c->mistake);
}

/* RFC 5322 section 2.1.1, whatever an operator pastes into a text. */
static void test_no_line_over_the_limit(void)
{
	g_autofree char *word = g_strnfill(5000, 'x');
	g_autofree char *wide = g_strnfill(3000, 'y');
	const char *const starts[] = { "", "    ", "- ", "https://example.com/" };
	for (gsize i = 0; i < G_N_ELEMENTS(starts); i++) {
		g_autofree char *text = g_strdup_printf("%s%s \xC3\xA4%s\n", starts[i], word, wide);
		g_autofree char *laid = template_layout(text);
		g_auto(GStrv) lines = g_strsplit(laid, "\n", -1);
		gsize letters = 0;
		for (char **line = lines; *line != NULL; line++) {
			g_assert_cmpuint(strlen(*line), <=, 998);
			g_assert_true(g_utf8_validate(*line, -1, NULL));
			for (const char *p = *line; *p != '\0'; p++)
				letters += *p == 'x' || *p == 'y';
		}
		g_assert_cmpuint(letters, ==, 8000 + (i == 3 ? 1 : 0));
	}
}

static void test_link_in_prose_is_never_broken(void)
{
	g_autofree char *path = g_strnfill(300, 'p');
	g_autofree char *link = g_strdup_printf("https://status.example.com/%s?a=b-c", path);
	g_autofree char *text = g_strdup_printf("Some words in front of it, enough to fill most of a line: %s and behind\n", link);
	g_autofree char *laid = template_layout(text);
	g_assert_nonnull(strstr(laid, link));
}

/* A folder of templates as a site would write it. */
typedef struct {
	char *dir;
} Folder;

static void folder_write_file(const Folder *folder, const char *language, const char *name, const char *text)
{
	g_autofree char *dir = g_build_filename(folder->dir, language, NULL);
	g_autofree char *path = g_build_filename(dir, name, NULL);
	g_assert_cmpint(g_mkdir_with_parents(dir, 0700), ==, 0);
	g_assert_true(g_file_set_contents(path, text, -1, NULL));
}

static void folder_write(const Folder *folder, const char *language, const char *kind, const char *text)
{
	g_autofree char *name = g_strconcat(kind, ".txt", NULL);
	folder_write_file(folder, language, name, text);
}

static void folder_make(Folder *folder)
{
	const char *const kinds[] = { "ack-P1", "ack-P2", "ack-P3", "ack-resolved" };
	folder->dir = g_dir_make_tmp("outage-template-XXXXXX", NULL);
	g_assert_nonnull(folder->dir);
	for (gsize i = 0; i < G_N_ELEMENTS(kinds); i++)
		folder_write(folder, "en", kinds[i], "Subject: en\n\nenglish\n");
	folder_write(folder, "de", "ack-P1", "Subject: de\n\ndeutsch\n");
}

static void remove_tree(const char *path)
{
	g_autoptr(GDir) dir = g_dir_open(path, 0, NULL);
	for (const char *name = dir != NULL ? g_dir_read_name(dir) : NULL; name != NULL; name = g_dir_read_name(dir)) {
		g_autofree char *entry = g_build_filename(path, name, NULL);
		remove_tree(entry);
	}
	g_remove(path);
}

static void folder_remove(Folder *folder)
{
	remove_tree(folder->dir);
	g_free(folder->dir);
}

static void assert_rendered(const Templates *templates, const char *kind, const char *language, const char *body)
{
	g_autoptr(GHashTable) values = g_hash_table_new(g_str_hash, g_str_equal);
	g_autofree char *subject = NULL, *text = NULL;
	const char *used = NULL;
	g_assert_true(templates_render(templates, kind, language, values, &subject, &text, &used, NULL));
	g_assert_cmpstr(text, ==, body);
	g_assert_cmpstr(used, ==, subject);
}

static void test_language_falls_back(void)
{
	Folder folder;
	folder_make(&folder);
	g_autoptr(GPtrArray) mistakes = g_ptr_array_new_with_free_func(g_free);
	g_autoptr(Templates) templates = templates_load(folder.dir, "en", mistakes);
	g_assert_cmpuint(mistakes->len, ==, 0);
	assert_rendered(templates, "ack-P1", "de-AT", "deutsch\n");
	assert_rendered(templates, "ack-P1", "DE", "deutsch\n");
	assert_rendered(templates, "ack-P2", "de", "english\n");
	assert_rendered(templates, "ack-P1", "xx", "english\n");
	assert_rendered(templates, "ack-P1", NULL, "english\n");
	g_assert_true(templates_have(templates, "ack-P1", "de-CH-1996"));
	g_assert_false(templates_have(templates, "ack-P2", "de"));
	g_autoptr(GHashTable) values = g_hash_table_new(g_str_hash, g_str_equal);
	g_autoptr(GError) error = NULL;
	char *subject, *text;
	g_assert_false(templates_render(templates, "ack-P9", "de", values, &subject, &text, NULL, &error));
	g_assert_error(error, OUTAGE_ERROR, OUTAGE_ERROR_NOT_FOUND);
	folder_remove(&folder);
}

static void test_html_of_the_site_or_of_the_text(void)
{
	Folder folder;
	folder_make(&folder);
	folder_write_file(&folder, "de", "ack-P1.html", "<p>eigenes</p>\n");
	g_autoptr(GPtrArray) mistakes = g_ptr_array_new_with_free_func(g_free);
	g_autoptr(Templates) templates = templates_load(folder.dir, "en", mistakes);
	g_assert_cmpuint(mistakes->len, ==, 0);
	g_autoptr(GHashTable) values = g_hash_table_new(g_str_hash, g_str_equal);
	g_autofree char *own = NULL, *made = NULL, *none = NULL;
	g_autoptr(GError) error = NULL;
	g_assert_true(templates_render_html(templates, "ack-P1", "de-AT", values, &own, NULL));
	g_assert_cmpstr(own, ==, "<p>eigenes</p>\n");
	g_assert_true(templates_render_html(templates, "ack-P2", "de", values, &made, NULL));
	g_assert_nonnull(strstr(made, "<html lang=\"en\">"));
	g_assert_nonnull(strstr(made, ">english</p>"));
	g_assert_false(templates_render_html(templates, "ack-P9", "de", values, &none, &error));
	g_assert_error(error, OUTAGE_ERROR, OUTAGE_ERROR_NOT_FOUND);
	folder_remove(&folder);
}

static void test_mistakes_of_html_files_are_told(void)
{
	Folder folder;
	folder_make(&folder);
	folder_write_file(&folder, "de", "ack-P2.html", "<p>x</p>\n");
	folder_write_file(&folder, "en", "ack-P1.html", "<p>{{etta}}</p>\n");
	g_autoptr(GPtrArray) mistakes = g_ptr_array_new_with_free_func(g_free);
	g_autoptr(Templates) templates = templates_load(folder.dir, "en", mistakes);
	g_autofree char *lonely = g_strdup_printf("%s/de/ack-P2.html:1: there is no ack-P2.txt beside it", folder.dir);
	g_autofree char *unknown = g_strdup_printf("%s/en/ack-P1.html:1: there is no placeholder 'etta'", folder.dir);
	g_assert_cmpuint(mistakes->len, ==, 2);
	g_assert_cmpstr(g_ptr_array_index(mistakes, 0), ==, lonely);
	g_assert_cmpstr(g_ptr_array_index(mistakes, 1), ==, unknown);
	folder_remove(&folder);
}

static void test_missing_default_is_told(void)
{
	Folder folder;
	folder_make(&folder);
	folder_write(&folder, "de", "ack-extra", "Subject: de\n\ndeutsch\n");
	g_autoptr(GPtrArray) mistakes = g_ptr_array_new_with_free_func(g_free);
	g_autoptr(Templates) templates = templates_load(folder.dir, "en", mistakes);
	g_autofree char *expected = g_strdup_printf("%s/en/ack-extra.txt:1: missing, and 'en' is the default language", folder.dir);
	g_assert_cmpuint(mistakes->len, ==, 1);
	g_assert_cmpstr(g_ptr_array_index(mistakes, 0), ==, expected);
	g_ptr_array_set_size(mistakes, 0);
	g_autoptr(Templates) none = templates_load(folder.dir, "fr", mistakes);
	g_assert_cmpuint(mistakes->len, ==, 1);
	g_assert_nonnull(strstr(g_ptr_array_index(mistakes, 0), "no templates in the default language 'fr'"));
	folder_remove(&folder);
}

static void test_missing_folder_is_told(void)
{
	g_autoptr(GPtrArray) mistakes = g_ptr_array_new_with_free_func(g_free);
	g_assert_null(templates_load("/nonexistent/templates", "en", mistakes));
	g_assert_cmpuint(mistakes->len, ==, 1);
}

typedef struct {
	const char *raw;
	const char *clean;
} Pair;

static void test_subject_is_made_safe(void)
{
	static const Pair pairs[] = {
		{ "Re: RE: AW: Fwd: Login fails", "Login fails" },
		{ "Re[2]: re (3) : WG:Login", "Login" },
		{ "回复：登录失败", "登录失败" },
		{ "Report: nothing works", "Report: nothing works" },
		{ "a\r\nBcc: x@example.com", "a Bcc: x@example.com" },
		{ "pay here https://evil.example/x now", "pay here now" },
		{ "see www.evil.example and evil.example/path!", "see and" },
		{ "either/or and 1.5/2 stay", "either/or and 1.5/2 stay" },
		{ "\xE2\x80\xAEgnp.exe\xE2\x80\xAC \xE2\x81\xA6x\xE2\x81\xA9", "gnp.exe x" },
		{ "Re: https://evil.example", "" },
		{ "https://evil.example Re: x", "x" },
		{ NULL, "" },
	};
	for (gsize i = 0; i < G_N_ELEMENTS(pairs); i++) {
		g_autofree char *clean = clean_subject(pairs[i].raw);
		g_assert_cmpstr(clean, ==, pairs[i].clean);
	}
	g_autoptr(GString) accents = g_string_new(NULL);
	for (guint i = 0; i < 300; i++)
		g_string_append(accents, "e\xCC\x81");
	g_autofree char *cut = clean_subject(accents->str);
	g_assert_true(g_utf8_validate(cut, -1, NULL));
	g_assert_cmpint(g_utf8_strlen(cut, -1), <=, 100);
	g_assert_true(g_str_has_suffix(cut, "e\xCC\x81\xE2\x80\xA6"));
}

static void test_links_lead_only_where_configured(void)
{
	static char *domains[] = { (char *)"example.com", NULL };
	static const struct { const char *url; bool allowed; } urls[] = {
		{ "https://example.com", true }, { "https://status.example.com/a?b=c#d", true }, { "HTTPS://Status.Example.COM:8443/", true },
		{ "http://example.com/", false }, { "https://example.com.evil.example/", false }, { "https://evilexample.com/", false },
		{ "https://example.com@evil.example/", false }, { "https://u:p@example.com/", false },
		{ "https://evil.example\\@example.com/", false }, { "https://exa mple.com/", false }, { "https://", false },
		{ "javascript:alert(1)", false }, { "https://example.com/\n", false }, { "https://example.com/\xC3\xA4", false }, { NULL, false },
	};
	for (gsize i = 0; i < G_N_ELEMENTS(urls); i++) {
		g_test_message("%s", urls[i].url);
		g_assert_true(clean_url_allowed(urls[i].url, domains) == urls[i].allowed);
	}
	static const Pair texts[] = {
		{ "use https://eu.example.com/x, it works", "use https://eu.example.com/x, it works" },
		{ "use (https://evil.example/x).", "use ([...])." },
		{ "go to\nwww.evil.example\nor www.example.com", "go to\n[...]\nor www.example.com" },
		{ "https://example.com,https://evil.example/", "[...]" },
		{ "x=https://evil.example", "[...]" },
		{ "50/50, and/or", "50/50, and/or" },
	};
	for (gsize i = 0; i < G_N_ELEMENTS(texts); i++) {
		g_autofree char *clean = clean_links(texts[i].raw, domains);
		g_assert_cmpstr(clean, ==, texts[i].clean);
	}
	g_autofree char *nowhere = clean_links("see https://example.com/", NULL);
	g_assert_cmpstr(nowhere, ==, "see [...]");
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	for (gsize i = 0; i < G_N_ELEMENTS(renderings); i++)
		g_test_add_data_func(renderings[i].path, &renderings[i], test_rendering);
	for (gsize i = 0; i < G_N_ELEMENTS(pages); i++)
		g_test_add_data_func(pages[i].path, &pages[i], test_page);
	for (gsize i = 0; i < G_N_ELEMENTS(page_mistakes); i++)
		g_test_add_data_func(page_mistakes[i].path, &page_mistakes[i], test_page_mistake);
	for (gsize i = 0; i < G_N_ELEMENTS(mistakes_told); i++)
		g_test_add_data_func(mistakes_told[i].path, &mistakes_told[i], test_mistake);
	g_test_add_func("/template/html/of-the-site-or-of-the-text", test_html_of_the_site_or_of_the_text);
	g_test_add_func("/template/html/mistakes-of-files-are-told", test_mistakes_of_html_files_are_told);
	g_test_add_func("/template/no-line-over-the-limit", test_no_line_over_the_limit);
	g_test_add_func("/template/link-in-prose-is-never-broken", test_link_in_prose_is_never_broken);
	g_test_add_func("/template/language-falls-back", test_language_falls_back);
	g_test_add_func("/template/missing-default-is-told", test_missing_default_is_told);
	g_test_add_func("/template/missing-folder-is-told", test_missing_folder_is_told);
	g_test_add_func("/template/subject-is-made-safe", test_subject_is_made_safe);
	g_test_add_func("/template/links-lead-only-where-configured", test_links_lead_only_where_configured);
	return g_test_run();
}
