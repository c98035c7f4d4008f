/* test-import: what a status page says is read as a stranger's word: bounded, clean, errors with their place; and an update is new once.
 * Layer: tests. */
#include "outagectl/import.h"
#include "outagectl/json-text.h"

#include <string.h>

#include "reply/compose.h"

/* Reads a page; NULL with the error's text in *why (caller frees). */
static GPtrArray *read_page(const char *text, char **why)
{
	g_autoptr(GError) error = NULL;
	GPtrArray *page = import_read_statuspage(text, strlen(text), &error);

	*why = error != NULL ? g_strdup(error->message) : NULL;
	g_assert_true((page == NULL) == (error != NULL));
	return page;
}

static void test_a_page_is_read(void)
{
	g_autofree char *why = NULL;
	g_autoptr(GPtrArray) page = read_page(
	    "{\"page\":{\"url\":\"https://s.example/\"},\"incidents\":[{\"id\":\"ab1\",\"name\":\"Sign-in\\nfails\",\"status\":\"identified\",\"impact\":\"critical\","
	    "\"shortlink\":\"https://stspg.io/x\",\"components\":[{\"name\":\"API\"},{\"name\":\" Web \"}],\"incident_updates\":["
	    "{\"id\":\"u2\",\"created_at\":\"2026-11-22T08:20:00Z\",\"body\":\"<p>Found &lt;it&gt;.</p>1 < 2 &amp; 3 > 2\\r\\n\\u202eend\"},"
	    "{\"id\":\"u1\",\"created_at\":\"2026-11-22T08:00:00Z\",\"body\":\"Looking.\"},{\"id\":\"u0\",\"body\":\" <br/> \"}]},"
	    "{\"id\":\"x y\",\"name\":\"Old\",\"status\":\"postmortem\",\"impact\":\"none\",\"components\":null}]}", &why);
	const Imported *first, *second;

	g_assert_cmpstr(why, ==, NULL);
	g_assert_cmpuint(page->len, ==, 2);
	first = g_ptr_array_index(page, 0);
	second = g_ptr_array_index(page, 1);
	g_assert_cmpstr(first->key, ==, "ab1");
	g_assert_cmpstr(first->texts[TEXT_TITLE], ==, "Sign-in fails");
	g_assert_cmpstr(first->texts[TEXT_COMPONENTS], ==, "API, Web");
	g_assert_cmpstr(first->texts[TEXT_PHASE], ==, "identified");
	g_assert_cmpstr(first->links[0], ==, "https://s.example/incidents/ab1");
	g_assert_cmpstr(first->links[1], ==, "https://stspg.io/x");
	g_assert_cmpint(first->word, ==, WORD_P1);
	g_assert_false(first->resolved);
	g_assert_cmpuint(first->updates->len, ==, 2); /* what holds no text is none */
	g_assert_cmpstr(((ImportUpdate *)g_ptr_array_index(first->updates, 0))->text, ==, "Looking.");
	g_assert_cmpstr(((ImportUpdate *)g_ptr_array_index(first->updates, 1))->text, ==, "Found <it>.\n1 < 2 & 3 > 2\nend");
	g_assert_true(second->resolved);
	g_assert_cmpint(second->word, ==, WORD_NONE);
	g_assert_cmpuint(strlen(second->key), ==, 16); /* what could not stand in a name is a digest */
}

static void test_what_is_wrong_is_named_with_its_place(void)
{
	static const struct { const char *text, *why; } cases[] = {
		{ "", "JSON, line 1: an object" },
		{ "<!DOCTYPE html>", "HTML" },
		{ "{\"incidents\":[]", "line 1: the end comes before" },
		{ "{\"incidents\":\n[]}\nx", "line 3: more text behind" },
		{ "{\"incidents\":\n[] /* [ */}", "line 2: a character" },
		{ "{\"incidents\":\"\\x\"}", "line 1: a backslash" },
		{ "{\"incidents\":\"\\ud83d\"}", "line 1: a backslash" },
		{ "{\"incidents\":\"", "the end comes within a string" },
		{ "{\"incidents\":1}", "incidents: is no list" },
		{ "{}", "incidents: is missing" },
		{ "{\"incidents\":[{\"id\":\"a\",\"name\":\"b\"}]}", "incidents[0].status: is missing" },
		{ "{\"incidents\":[{\"id\":\"a\",\"name\":\"b\",\"status\":\"c\",\"incident_updates\":[{},4]}]}", "incidents[0].incident_updates[1]: is no object" },
		{ "{\"incidents\":[{\"id\":\"a\",\"name\":\"b\",\"status\":\"c\",\"components\":[{}]}]}", "incidents[0].components[0].name: is missing" },
		{ "{\"page\":{\"url\":[]},\"incidents\":[]}", "page.url: is no text" },
		{ "{\"incidents\":[],}", "JSON" },
		{ "{\"a\xff\":1}", "not UTF-8" },
	};

	for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
		g_autofree char *why = NULL;
		g_autoptr(GPtrArray) page = read_page(cases[i].text, &why);

		g_assert_null(page);
		if (strstr(why, cases[i].why) == NULL)
			g_error("%s: \"%s\" does not say \"%s\"", cases[i].text, why, cases[i].why);
	}
}

static void test_deep_and_large_pages_are_refused_without_reading_them(void)
{
	g_autoptr(GString) deep = g_string_new("{\"incidents\":"), large = NULL;
	g_autofree char *why = NULL;
	g_autoptr(GError) error = NULL;

	for (int i = 0; i < 100000; i++)
		g_string_append_c(deep, '[');
	g_assert_null(read_page(deep->str, &why));
	g_assert_nonnull(strstr(why, "nested"));
	large = g_string_new("{");
	g_string_set_size(large, JSON_TEXT_MAX + 1);
	g_assert_null(import_read_json(large->str, large->len, &error));
	g_assert_nonnull(strstr(error->message, "4 MB"));
}

static void test_texts_have_the_length_that_the_store_takes(void)
{
	g_autoptr(GString) json = g_string_new("{\"title\":\"");
	g_autoptr(Imported) imported = NULL;
	g_autoptr(GError) error = NULL;

	for (int i = 0; i < 3000; i++)
		g_string_append(json, "\xe6\x97\xa5");
	g_string_append(json, "\"}");
	imported = import_read_json(json->str, json->len, &error);
	g_assert_no_error(error);
	g_assert_true(text_field_check(TEXT_TITLE, imported->texts[TEXT_TITLE], NULL));
	g_assert_cmpuint(strlen(imported->texts[TEXT_TITLE]), >, 3000);
}

static void test_json_of_our_own(void)
{
	static const struct { const char *text, *why; } cases[] = {
		{ "{\"title\":\"t\",\"severity\":\"p2\",\"components\":[\"a\",\"b\"],\"updates\":[{\"text\":\"x\"},{\"text\":\"y\"}],\"scope\":null}", NULL },
		{ "{\"severity\":\"resolved\"}", "severity: is none of" },
		{ "{\"eta\":\"soon\"}", "eta:" },
		{ "{\"phase\":\"done\"}", "phase:" },
		{ "{\"resolved\":\"yes\"}", "resolved: is neither" },
		{ "{\"components\":[1]}", "components: is neither" },
		{ "{\"updates\":[{\"text\":\"x\",\"at\":\"8 am\"}]}", "updates[0].at: is no RFC 3339 time" },
		{ "{\"updates\":[{}]}", "updates[0].text: is missing" },
		{ "{\"offer\":\"credit\"}", "offer: cannot be imported" },
		{ "{\"Title\":\"x\"}", "Title: is no member" },
	};

	for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
		g_autoptr(GError) error = NULL;
		g_autoptr(Imported) imported = import_read_json(cases[i].text, strlen(cases[i].text), &error);

		if (cases[i].why == NULL) {
			g_assert_no_error(error);
			g_assert_cmpint(imported->word, ==, WORD_P2);
			g_assert_cmpstr(imported->texts[TEXT_COMPONENTS], ==, "a, b");
			g_assert_cmpstr(((ImportUpdate *)g_ptr_array_index(imported->updates, 1))->text, ==, "y");
		} else {
			g_assert_null(imported);
			g_assert_nonnull(strstr(error->message, cases[i].why));
		}
	}
}

/* known: "KEY/DIGEST" by the number of the update; 'e': of another text. */
static void test_an_update_is_new_once(void)
{
	static const struct { const char *known, *wanted; } cases[] = {
		{ "", "012" }, { "0", "12" }, { "01", "2" }, { "012", "" }, { "2", "" }, { "1", "2" }, { "e2", "2" }, { "e1", "2" }, { "e2 2", "" },
	};
	const char *json = "{\"updates\":[{\"id\":\"u0\",\"text\":\"a\"},{\"id\":\"u1\",\"text\":\"b\"},{\"id\":\"u2\",\"text\":\"c\"}]}";
	g_autoptr(Imported) imported = import_read_json(json, strlen(json), NULL);

	for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
		g_autoptr(GPtrArray) known = g_ptr_array_new_with_free_func(g_free), wanted = NULL;
		g_autoptr(GString) found = g_string_new(NULL);

		for (const char *p = cases[i].known; *p != '\0'; p++) {
			bool edited = *p == 'e';
			const ImportUpdate *update;

			if (*p == ' ')
				continue;
			update = g_ptr_array_index(imported->updates, (guint)(p[edited] - '0'));
			g_ptr_array_add(known, g_strdup_printf("%s/%s", update->key, edited ? "00000000" : update->digest));
			p += edited;
		}
		wanted = import_new_updates(imported, known);
		for (guint j = 0; j < wanted->len; j++)
			g_string_append_c(found, ((ImportUpdate *)g_ptr_array_index(wanted, j))->key[1]);
		g_assert_cmpstr(found->str, ==, cases[i].wanted);
	}
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	compose_init();
	g_test_add_func("/import/a_page_is_read", test_a_page_is_read);
	g_test_add_func("/import/what_is_wrong_is_named_with_its_place", test_what_is_wrong_is_named_with_its_place);
	g_test_add_func("/import/deep_and_large_pages_are_refused_without_reading_them", test_deep_and_large_pages_are_refused_without_reading_them);
	g_test_add_func("/import/texts_have_the_length_that_the_store_takes", test_texts_have_the_length_that_the_store_takes);
	g_test_add_func("/import/json_of_our_own", test_json_of_our_own);
	g_test_add_func("/import/an_update_is_new_once", test_an_update_is_new_once);
	return g_test_run();
}
