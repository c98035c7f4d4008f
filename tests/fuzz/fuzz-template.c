/* fuzz-template: a template file and a value, both hostile, as text and as HTML. Input: template, NUL, value for every field. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "reply/clean.h"
#include "reply/template-private.h"
#include "reply/template.h"

static void require(bool condition)
{
	if (!condition)
		abort();
}

static void check_letter(const char *subject, const char *body)
{
	require(g_utf8_validate(subject, -1, NULL) && strpbrk(subject, "\r\n") == NULL);
	require(g_utf8_validate(body, -1, NULL) && strchr(body, '\r') == NULL && strstr(body, "\n\n\n") == NULL);
	for (const char *line = body; *line != '\0';) {
		gsize length = strcspn(line, "\n");
		require(length <= 998);
		line += line[length] == '\n' ? length + 1 : length;
	}
}

static bool starts_with_any(const char *text, const char *const *starts)
{
	for (; *starts != NULL; starts++)
		if (g_str_has_prefix(text, *starts))
			return true;
	return false;
}

/* Whatever the text was, the document has no other tags than our own, every one closed, and links go to the web. */
static void check_document(const char *html)
{
	static const char *const tags[] = { "<!DOCTYPE html>", "<html lang=\"en\">", "<head>", "<meta ", "<title>", "<body style=\"",
		"<div dir=\"auto\" style=\"", "<p style=\"", "<ul style=\"", "<li>", "<blockquote style=\"", "<br>", "<a href=\"http", NULL };
	static const char *const paired[] = { "a", "p", "li", "ul", "blockquote", "title", "head", "div", "body", "html" };
	gsize open[G_N_ELEMENTS(paired)] = { 0 };
	require(g_utf8_validate(html, -1, NULL));
	for (const char *p = strchr(html, '<'); p != NULL; p = strchr(p + 1, '<')) {
		require(p[1] == '/' || starts_with_any(p, tags) || g_ascii_strncasecmp(p, "<a href=\"http", 13) == 0);
		const char *name = p[1] == '/' ? p + 2 : p + 1;
		for (gsize i = 0; i < G_N_ELEMENTS(paired); i++) {
			if (strcspn(name, " >") != strlen(paired[i]) || strncmp(name, paired[i], strlen(paired[i])) != 0)
				continue;
			require(p[1] != '/' || open[i] > 0);
			open[i] += p[1] == '/' ? (gsize)-1 : 1;
		}
	}
	for (gsize i = 0; i < G_N_ELEMENTS(paired); i++)
		require(open[i] == 0);
}

static gsize count(const char *text, char c)
{
	gsize found = 0;
	for (; *text != '\0'; text++)
		found += *text == c;
	return found;
}

/* A value adds nothing to a page of the site's own that a browser would take for a tag or the end of an attribute: what it adds is the
 * same as of a harmless one with as many lines. */
static void check_page(const Template *page, const char *value)
{
	g_autofree char *clean = clean_text(value, 4096);
	g_autofree char *harmless = g_strdup(clean);
	for (char *p = harmless; *p != '\0'; p++)
		*p = *p == '\n' ? '\n' : 'x';
	g_autoptr(GHashTable) hostile = g_hash_table_new(g_str_hash, g_str_equal);
	g_autoptr(GHashTable) other = g_hash_table_new(g_str_hash, g_str_equal);
	for (const char *const *field = template_fields(); *field != NULL; field++) {
		g_hash_table_insert(hostile, (gpointer)*field, clean);
		g_hash_table_insert(other, (gpointer)*field, harmless);
	}
	g_autofree char *one = template_expand_html(page, page, hostile, "en");
	g_autofree char *two = template_expand_html(page, page, other, "en");
	require(g_utf8_validate(one, -1, NULL));
	for (const char *mark = "<>\"'"; *mark != '\0'; mark++)
		require(count(one, *mark) == count(two, *mark));
}

static void fuzz_page(const char *text, size_t length, const char *value)
{
	g_autoptr(GPtrArray) mistakes = g_ptr_array_new_with_free_func(g_free);
	g_autoptr(Template) page = template_parse_html(text, length, "fuzz", mistakes);
	require((page == NULL) == (mistakes->len > 0));
	if (page != NULL)
		check_page(page, value);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const uint8_t *split = size > 0 ? memchr(data, '\0', size) : NULL;
	size_t length = split != NULL ? (size_t)(split - data) : size;
	g_autofree char *text = g_strndup((const char *)data, length);
	g_autofree char *value = split != NULL ? g_strndup((const char *)split + 1, size - length - 1) : g_strdup("");
	g_autofree char *subject = clean_subject(value);
	require(g_utf8_validate(subject, -1, NULL) && g_utf8_strlen(subject, -1) <= 100);
	fuzz_page(text, length, value);

	g_autoptr(GPtrArray) mistakes = g_ptr_array_new_with_free_func(g_free);
	g_autoptr(Template) template = template_parse(text, length, "fuzz", mistakes);
	require((template == NULL) == (mistakes->len > 0));
	if (template == NULL)
		return 0;
	g_autoptr(GHashTable) values = g_hash_table_new(g_str_hash, g_str_equal);
	for (int filled = 0; filled < 2; filled++) {
		g_autofree char *head = NULL, *body = NULL;
		template_expand(template, values, &head, &body);
		check_letter(head, body);
		g_autofree char *html = template_expand_html(template, NULL, values, "en");
		check_document(html);
		for (const char *const *field = template_fields(); *field != NULL; field++)
			g_hash_table_insert(values, (gpointer)*field, value);
	}
	return 0;
}
