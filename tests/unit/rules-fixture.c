/* rules-fixture: see rules-fixture.h. Layer: tests. */
#include "rules-fixture.h"

#include <glib/gstdio.h>

#include "inspect/normal.h"

RulesResult *rules_fixture_match(const Rules *rules, const char *subject, const char *body)
{
	gsize length;
	g_autofree char *normal_subject = normal_text(subject, &length), *normal_body = normal_text(body, &length);
	return rules_match(rules, normal_subject ? normal_subject : subject, normal_body ? normal_body : body);
}

Rules *rules_fixture_shipped(void)
{
	g_autofree char *dir = g_test_build_filename(G_TEST_DIST, "conf", "rules", NULL);
	g_autoptr(GPtrArray) mistakes = g_ptr_array_new_with_free_func(g_free);
	Rules *rules = rules_load(dir, mistakes);
	for (guint i = 0; i < mistakes->len; i++)
		g_test_message("%s", (const char *)g_ptr_array_index(mistakes, i));
	g_assert_nonnull(rules);
	g_assert_cmpuint(mistakes->len, ==, 0);
	return rules;
}

char *rules_fixture_joined(GPtrArray *names)
{
	g_autoptr(GString) out = g_string_new(NULL);
	for (guint i = 0; i < names->len; i++)
		g_string_append_printf(out, "%s%s", i ? "," : "", (const char *)g_ptr_array_index(names, i));
	return g_string_free(g_steal_pointer(&out), FALSE);
}

void rules_fixture_remove(char *dir)
{
	g_autoptr(GDir) listing = g_dir_open(dir, 0, NULL);
	for (const char *name = listing ? g_dir_read_name(listing) : NULL; name; name = g_dir_read_name(listing)) {
		g_autofree char *path = g_build_filename(dir, name, NULL);
		g_unlink(path);
	}
	g_rmdir(dir);
	g_free(dir);
}

char *rules_fixture_dir(void)
{
	g_autoptr(GError) error = NULL;
	char *dir = g_dir_make_tmp("rules-XXXXXX", &error);
	g_assert_no_error(error);
	return dir;
}

void rules_fixture_put(const char *dir, const char *name, const char *text)
{
	g_autofree char *path = g_build_filename(dir, name, NULL);
	g_assert_true(g_file_set_contents(path, text, -1, NULL));
}

Rules *rules_fixture_of(const char *text)
{
	char *dir = rules_fixture_dir();
	rules_fixture_put(dir, "a.conf", text);
	g_autoptr(GPtrArray) mistakes = g_ptr_array_new_with_free_func(g_free);
	Rules *rules = rules_load(dir, mistakes);
	for (guint i = 0; i < mistakes->len; i++)
		g_test_message("%s", (const char *)g_ptr_array_index(mistakes, i));
	g_assert_cmpuint(mistakes->len, ==, 0);
	rules_fixture_remove(dir);
	return rules;
}
