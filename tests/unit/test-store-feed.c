/* What was said of an incident, and its texts, read back one by one; run against SQLite and against a real Redis by one suite. */
#include "store/feed.h"

#include "store-fixture.h"

static void free_texts(char *texts[TEXT_FIELDS], char *id)
{
	for (TextField field = 0; field < TEXT_FIELDS; field++)
		g_free(texts[field]);
	g_free(id);
}

static void set_title(Store *store, const char *title)
{
	char *texts[TEXT_FIELDS] = { [TEXT_TITLE] = (char *)title };
	g_autoptr(GError) error = NULL;

	g_assert_true(store_set_texts(store, "default", texts, "jane", &error));
	g_assert_no_error(error);
}

/* prepared: they are nobody's. */
static void assert_title(Store *store, const char *title, bool prepared)
{
	char *texts[TEXT_FIELDS], *id;
	g_autoptr(GError) error = NULL;

	g_assert_true(store_texts(store, "default", texts, &id, &error));
	g_assert_cmpstr(texts[TEXT_TITLE], ==, title);
	g_assert_null(texts[TEXT_SCOPE]);
	g_assert_true((id == NULL) == prepared);
	free_texts(texts, id);
}

static void test_texts_say_whose_they_are(gconstpointer kind)
{
	g_autoptr(Fixture) fixture = fixture_new(kind);
	g_autoptr(Store) store = fixture_open(fixture, "node");
	g_autoptr(GError) error = NULL;

	assert_title(store, NULL, true);
	set_title(store, "prepared");
	assert_title(store, "prepared", true);
	g_assert_true(store_set_word(store, "default", WORD_P1, NULL, "jane", NULL, &error));
	assert_title(store, "prepared", false);
}

static void test_updates_come_back_newest_first_with_their_authors(gconstpointer kind)
{
	g_autoptr(Fixture) fixture = fixture_new(kind);
	g_autoptr(Store) store = fixture_open(fixture, "node");
	g_autoptr(GPtrArray) none = NULL, two = NULL;
	g_autoptr(GError) error = NULL;
	const FeedEntry *newest;

	none = store_feed(store, "default", 10, &error);
	g_assert_no_error(error);
	g_assert_cmpuint(none->len, ==, 0);
	g_assert_true(store_set_word(store, "default", WORD_P1, NULL, "jane", NULL, &error));
	for (int i = 0; i < 3; i++) {
		g_autofree char *text = g_strdup_printf("text %d", i), *author = g_strdup_printf("jane (statuspage a/u%d/0)", i);

		g_assert_true(store_add_update(store, "default", text, author, &error));
	}
	g_assert_true(store_add_update(store, "other", "elsewhere", "joe", &error));
	two = store_feed(store, "default", 2, &error);
	g_assert_no_error(error);
	g_assert_cmpuint(two->len, ==, 2);
	newest = g_ptr_array_index(two, 0);
	g_assert_cmpstr(newest->text, ==, "text 2");
	g_assert_cmpstr(newest->author, ==, "jane (statuspage a/u2/0)");
	g_assert_cmpint(newest->at, >, 0);
}

static void test_what_lies_there_wrongly_is_no_crash(gconstpointer kind)
{
	g_autoptr(Fixture) fixture = fixture_new(kind);
	g_autoptr(Store) store = fixture_open(fixture, "node");
	g_autoptr(GPtrArray) updates = NULL;
	g_autoptr(GError) error = NULL;

	fixture_run(fixture, "redis.call('XADD', 'outage:updates:default', '*', 'x', 'y'); redis.call('HSET', 'outage:incident:default', 'title', 'a\\1b')",
	    "INSERT INTO updates(name, at, text, author) VALUES('default', 1, '', ''); INSERT INTO texts VALUES('default', 'title', 'a' || char(1) || 'b')");
	updates = store_feed(store, "default", 10, &error);
	g_assert_no_error(error);
	g_assert_cmpuint(updates->len, ==, 1);
	g_assert_cmpstr(((FeedEntry *)g_ptr_array_index(updates, 0))->text, ==, "");
	assert_title(store, NULL, true);
}

int main(int argc, char **argv)
{
	int status;

	g_test_init(&argc, &argv, NULL);
	fixture_add_test("texts_say_whose_they_are", test_texts_say_whose_they_are);
	fixture_add_test("updates_come_back_newest_first_with_their_authors", test_updates_come_back_newest_first_with_their_authors);
	fixture_add_test("what_lies_there_wrongly_is_no_crash", test_what_lies_there_wrongly_is_no_crash);
	status = g_test_run();
	fixture_shut_down();
	return status;
}
