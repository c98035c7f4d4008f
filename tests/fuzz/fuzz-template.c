/* fuzz-template: a template file and a value, both hostile. Input: template, NUL, value for every field. */
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

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const uint8_t *split = size > 0 ? memchr(data, '\0', size) : NULL;
	size_t length = split != NULL ? (size_t)(split - data) : size;
	g_autofree char *text = g_strndup((const char *)data, length);
	g_autofree char *value = split != NULL ? g_strndup((const char *)split + 1, size - length - 1) : g_strdup("");
	g_autofree char *subject = clean_subject(value);
	require(g_utf8_validate(subject, -1, NULL) && g_utf8_strlen(subject, -1) <= 100);

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
		for (const char *const *field = template_fields(); *field != NULL; field++)
			g_hash_table_insert(values, (gpointer)*field, value);
	}
	return 0;
}
