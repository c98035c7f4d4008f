/* Notes on mails (who wrote lately, who wrote in, who waits for a person), run against SQLite and against a real Redis by one suite.
 *
 * Other processes are this program, started with a role: --page URL KEY, --add URL WHO. */
#include <string.h>

#include "base/clock.h"
#include "base/error.h"
#include "notes-fixture.h"

#define MANY 5000
#define BOUND 20000
#define PROCESSES 8
#define PAGES 50

static void test_the_first_note_of_a_mail_stays(gconstpointer kind)
{
	static const NoteList lists[] = { NOTES_RECENT, NOTES_WAITING };
	g_autoptr(Outage) outage = outage_new(kind);
	gint64 now = clock_now();

	for (gsize i = 0; i < G_N_ELEMENTS(lists); i++) {
		g_autoptr(StoredNote) note = NULL;

		g_assert_true(notes_add(outage->store, lists[i], "key1", "{\"n\":1}", now - 10, ""));
		g_assert_false(notes_add(outage->store, lists[i], "key1", "{\"n\":2}", now, "legal"));
		note = notes_find(outage->store, lists[i], "key1");
		g_assert_cmpstr(note->payload, ==, "{\"n\":1}");
		g_assert_cmpstr(note->mac, ==, "0123abcd");
		g_assert_cmpstr(note->apart, ==, "");
		g_assert_cmpint(note->at, ==, now - 10);
		g_assert_cmpuint(note->pages, ==, 0);
		g_assert_cmpint(note->paged_at, ==, 0);
		g_assert_cmpuint(notes_count(outage->store, lists[i]), ==, 1);
	}
	g_assert_cmpuint(notes_count(outage->store, NOTES_CONTACTS), ==, 0);
}

static void test_a_contacts_newest_mail_counts_and_all_that_set_him_apart(gconstpointer kind)
{
	static const struct { const char *payload; gint64 ago; const char *apart, *payload_after; gint64 ago_after; const char *apart_after; } steps[] = {
		{ "first", 100, "", "first", 100, "" },
		{ "newer", 50, "account", "newer", 50, "account" },
		{ "older", 70, "legal", "newer", 50, "legal,account" },
		{ "newest", 10, "", "newest", 10, "legal,account" },
		{ "same second", 10, "media,account", "same second", 10, "legal,media,account" },
	};
	g_autoptr(Outage) outage = outage_new(kind);
	gint64 now = clock_now();

	for (gsize i = 0; i < G_N_ELEMENTS(steps); i++) {
		g_autoptr(StoredNote) note = NULL;

		g_assert_cmpint(notes_add(outage->store, NOTES_CONTACTS, "hash1", steps[i].payload, now - steps[i].ago, steps[i].apart), ==, i == 0);
		note = notes_find(outage->store, NOTES_CONTACTS, "hash1");
		g_assert_cmpstr(note->payload, ==, steps[i].payload_after);
		g_assert_cmpint(note->at, ==, now - steps[i].ago_after);
		g_assert_cmpstr(note->apart, ==, steps[i].apart_after);
	}
	g_assert_cmpuint(notes_count(outage->store, NOTES_CONTACTS), ==, 1);
}

static void test_contacts_of_two_incidents_are_apart(gconstpointer kind)
{
	g_autoptr(Outage) outage = outage_new(kind);
	StoredNote note = { .key = (char *)"hash1", .payload = (char *)"other", .mac = (char *)"m", .at = 1 };
	g_autoptr(GError) error = NULL;
	bool fresh;

	g_assert_true(notes_add(outage->store, NOTES_CONTACTS, "hash1", "one", clock_now(), ""));
	g_assert_true(store_note_add(outage->store, NOTES_CONTACTS, NOTES_OTHER_ID, &note, &fresh, &error));
	g_assert_true(fresh);
	g_assert_true(notes_add(outage->store, NOTES_CONTACTS, "hash2", "two", clock_now(), ""));
	g_assert_cmpuint(fixture_count_notes(outage->store, NOTES_CONTACTS, NOTES_OTHER_ID), ==, 1);
	g_assert_cmpuint(notes_count(outage->store, NOTES_CONTACTS), ==, 2);
}

static void test_thousands_are_read_in_slices(gconstpointer kind)
{
	g_autoptr(Outage) outage = outage_new(kind);
	gint64 now = clock_now();

	for (gsize i = 0; i < NOTES_LISTS; i++) {
		g_autoptr(GHashTable) all = NULL;

		/* Who waits is written to disk at once: fewer of them do here. */
		for (int n = 0; n < (notes_lists[i] == NOTES_WAITING ? MANY / 5 : MANY); n++) {
			g_autofree char *key = g_strdup_printf("key%d", n);

			g_assert_true(notes_add(outage->store, notes_lists[i], key, key, now - n % 100, ""));
		}
		all = notes_read_all(outage->store, notes_lists[i]);
		g_assert_cmpuint(g_hash_table_size(all), ==, notes_lists[i] == NOTES_WAITING ? MANY / 5 : MANY);
	}
}

static void test_large_notes_make_small_slices(gconstpointer kind)
{
	g_autoptr(Outage) outage = outage_new(kind);
	g_autofree char *large = g_strnfill(32768, 'x'), *larger = g_strnfill(32769, 'x');
	g_autoptr(GHashTable) all = NULL, ended = NULL;
	g_autoptr(GPtrArray) keys = g_ptr_array_new_with_free_func(g_free);
	g_autoptr(GPtrArray) out = g_ptr_array_new_with_free_func((GDestroyNotify)stored_note_free);
	StoredNote note = { .key = (char *)"key", .payload = larger, .mac = (char *)"m", .at = 1 };
	g_autoptr(GError) error = NULL;

	for (int n = 0; n < 400; n++) {
		g_autofree char *key = g_strdup_printf("key%d", n);

		g_assert_true(notes_add(outage->store, NOTES_CONTACTS, key, large, clock_now(), ""));
		if (n < 100)
			g_assert_true(notes_add(outage->store, NOTES_WAITING, key, large, clock_now(), ""));
		if (n < 100)
			g_ptr_array_add(keys, g_steal_pointer(&key));
	}
	all = notes_read_all(outage->store, NOTES_CONTACTS);
	g_assert_cmpuint(g_hash_table_size(all), ==, 400);
	g_assert_true(store_waiting_end(outage->store, keys, out, &error));
	g_assert_cmpuint(out->len, ==, 100);
	g_assert_cmpuint(notes_count(outage->store, NOTES_WAITING), ==, 0);
	g_assert_false(store_note_add(outage->store, NOTES_CONTACTS, NOTES_ID, &note, NULL, &error));
	g_assert_error(error, OUTAGE_ERROR, OUTAGE_ERROR_INVALID);
}

/* As many as there may be, one a second up to now. */
static void fill(const Fixture *fixture, const char *list)
{
	g_autofree char *lua = g_strdup_printf("local now = redis.call('TIME')[1] for i = 0, %d - 1 do"
	    " local at = string.format('%%d', now - i %% 1000) redis.call('HSET', 'outage:%s', 'fill' .. i, at .. ' 0 0  m {}')"
	    " redis.call('ZADD', 'outage:%s:at', at, 'fill' .. i) end return 1", BOUND, list, list);
	g_autofree char *sql = g_strdup_printf("WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < %d - 1)"
	    " INSERT INTO notes(list, id, key, at, apart, mac, payload)"
	    " SELECT '%s', '', 'fill' || i, CAST(strftime('%%s', 'now') AS INTEGER) - i %% 1000, '', 'm', '{}' FROM n", BOUND, list);

	fixture_run(fixture, lua, sql);
}

static void test_of_too_many_who_wrote_lately_the_oldest_go(gconstpointer kind)
{
	g_autoptr(Outage) outage = outage_new(kind);
	g_autoptr(StoredNote) newest = NULL, oldest = NULL, one = NULL;

	fill(outage->fixture, "recent");
	g_assert_cmpuint(notes_count(outage->store, NOTES_RECENT), ==, BOUND);
	oldest = notes_find(outage->store, NOTES_RECENT, "fill999");
	g_assert_nonnull(oldest);
	for (int n = 0; n < 40; n++) {
		g_autofree char *key = g_strdup_printf("key%d", n);

		g_assert_true(notes_add(outage->store, NOTES_RECENT, key, "{}", clock_now(), ""));
	}
	g_assert_cmpuint(notes_count(outage->store, NOTES_RECENT), ==, BOUND);
	newest = notes_find(outage->store, NOTES_RECENT, "key39");
	g_assert_nonnull(newest);
	one = notes_find(outage->store, NOTES_RECENT, "fill999");
	g_assert_null(one);
}

static void test_of_too_many_who_wait_none_is_forgotten(gconstpointer kind)
{
	g_autoptr(Outage) outage = outage_new(kind);
	StoredNote note = { .key = (char *)"key1", .payload = (char *)"{}", .mac = (char *)"m", .at = clock_now() };
	g_autoptr(GPtrArray) keys = g_ptr_array_new();
	g_autoptr(GError) error = NULL;

	fill(outage->fixture, "waiting");
	g_assert_false(store_note_add(outage->store, NOTES_WAITING, NULL, &note, NULL, &error));
	g_assert_error(error, OUTAGE_ERROR, OUTAGE_ERROR_INVALID);
	g_clear_error(&error);
	g_assert_cmpuint(notes_count(outage->store, NOTES_WAITING), ==, BOUND);
	/* One that is there is no new one. */
	g_assert_false(notes_add(outage->store, NOTES_WAITING, "fill7", "{}", clock_now(), ""));
	g_ptr_array_add(keys, (gpointer)"fill7");
	g_assert_true(store_waiting_end(outage->store, keys, NULL, &error));
	g_assert_true(notes_add(outage->store, NOTES_WAITING, "key1", "{}", clock_now(), ""));
	g_assert_cmpuint(notes_count(outage->store, NOTES_WAITING), ==, BOUND);
}

static void test_a_note_past_its_time_is_none(gconstpointer kind)
{
	static const NoteList lists[] = { NOTES_RECENT, NOTES_WAITING };
	g_autoptr(Fixture) fixture = fixture_new(kind);
	g_autoptr(Store) store = NULL;
	g_autoptr(GPtrArray) keys = g_ptr_array_new(), ended = g_ptr_array_new_with_free_func((GDestroyNotify)stored_note_free);
	g_autoptr(GError) error = NULL;
	gint64 now = clock_now();
	bool mine;

	fixture->config->recent_keep = fixture->config->retention = 3600000;
	store = fixture_open(fixture, "a");
	for (gsize i = 0; i < G_N_ELEMENTS(lists); i++) {
		g_autoptr(GHashTable) all = NULL;

		g_assert_true(notes_add(store, lists[i], "young", "{}", now - 1800, ""));
		g_assert_true(notes_add(store, lists[i], "old", "{}", now - 3600, ""));
		/* From a clock that is ahead: as if it came now, and gone as early as all. */
		g_assert_true(notes_add(store, lists[i], "future", "{}", now + 86400, ""));
		all = notes_read_all(store, lists[i]);
		g_assert_cmpuint(g_hash_table_size(all), ==, 2);
		g_assert_false(g_hash_table_contains(all, "old"));
		g_assert_cmpint(((StoredNote *)g_hash_table_lookup(all, "future"))->at, <=, clock_now());
		g_assert_cmpuint(notes_count(store, lists[i]), ==, 2);
	}
	g_assert_true(store_waiting_page(store, "old", 0, now, &mine, &error));
	g_assert_false(mine);
	g_ptr_array_add(keys, (gpointer)"old");
	g_assert_true(store_waiting_end(store, keys, ended, &error));
	g_assert_cmpuint(ended->len, ==, 0);
	/* Its mail may come anew. */
	g_assert_true(notes_add(store, NOTES_WAITING, "old", "{}", now, ""));
}

static void test_who_wrote_lately_is_kept_as_long_as_is_set(gconstpointer kind)
{
	static const struct { gint64 keep; guint seen; } settings[] = { { 7200000, 2 }, { 900000, 1 }, { 0, 0 } };
	g_autoptr(Outage) outage = outage_new(kind);
	gint64 now = clock_now();

	g_assert_true(notes_add(outage->store, NOTES_RECENT, "key1", "{}", now - 1800, ""));
	g_assert_true(notes_add(outage->store, NOTES_RECENT, "key2", "{}", now, ""));
	for (gsize i = 0; i < G_N_ELEMENTS(settings); i++) {
		Config *config = fixture_other_config(outage->fixture);
		g_autoptr(GHashTable) all = NULL;
		g_autoptr(GError) error = NULL;
		g_autoptr(Store) store = NULL;

		config->recent_keep = settings[i].keep;
		store = store_open(config, "b", &error);
		g_assert_no_error(error);
		all = notes_read_all(store, NOTES_RECENT);
		g_assert_cmpuint(g_hash_table_size(all), ==, settings[i].seen);
		g_assert_cmpuint(notes_count(store, NOTES_RECENT), ==, settings[i].seen);
		if (settings[i].keep == 0)
			g_assert_false(notes_add(store, NOTES_RECENT, "key3", "{}", now, ""));
		config_unref(config);
	}
	g_assert_cmpuint(notes_count(outage->store, NOTES_RECENT), ==, 2);
}

static void test_an_answer_ends_the_waiting(gconstpointer kind)
{
	g_autoptr(Outage) outage = outage_new(kind);
	g_autoptr(GPtrArray) keys = g_ptr_array_new_with_free_func(g_free);
	g_autoptr(GPtrArray) ended = g_ptr_array_new_with_free_func((GDestroyNotify)stored_note_free);
	g_autoptr(GError) error = NULL;
	const StoredNote *note;
	bool mine;

	g_assert_true(notes_add(outage->store, NOTES_WAITING, "key1", "{\"n\":1}", clock_now() - 60, ""));
	g_assert_true(notes_add(outage->store, NOTES_WAITING, "key2", "{\"n\":2}", clock_now(), ""));
	g_assert_true(store_waiting_page(outage->store, "key1", 0, 1234, &mine, &error));
	g_assert_true(mine);
	g_assert_true(store_waiting_end(outage->store, keys, ended, &error));
	for (int i = 0; i < 100; i++)
		g_ptr_array_add(keys, g_strdup_printf("unknown%d", i));
	g_ptr_array_add(keys, g_strdup("key1"));
	g_ptr_array_add(keys, g_strdup("key1"));
	g_assert_true(store_waiting_end(outage->store, keys, ended, &error));
	g_assert_cmpuint(ended->len, ==, 1);
	note = ended->pdata[0];
	g_assert_cmpstr(note->key, ==, "key1");
	g_assert_cmpstr(note->payload, ==, "{\"n\":1}");
	g_assert_cmpuint(note->pages, ==, 1);
	g_assert_cmpint(note->paged_at, ==, 1234);
	g_assert_cmpuint(notes_count(outage->store, NOTES_WAITING), ==, 1);
	g_assert_true(store_waiting_end(outage->store, keys, ended, &error));
	g_assert_cmpuint(ended->len, ==, 1);
	/* Nobody is called for whom an answer has reached. */
	g_assert_true(store_waiting_page(outage->store, "key1", 1, 1235, &mine, &error));
	g_assert_false(mine);
}

static void test_a_page_is_one_callers(gconstpointer kind)
{
	g_autoptr(Outage) outage = outage_new(kind);
	g_autoptr(StoredNote) note = NULL;
	static const struct { guint pages; gint64 now; bool mine; } tries[] = {
		{ 1, 90, false }, { 0, 100, true }, { 0, 101, false }, { 2, 102, false }, { 1, 200, true }, { 1, 201, false }, { 2, 300, true },
	};

	g_assert_true(notes_add(outage->store, NOTES_WAITING, "key1", "{\"n\":1}", clock_now(), ""));
	for (gsize i = 0; i < G_N_ELEMENTS(tries); i++) {
		g_autoptr(GError) error = NULL;
		bool mine;

		g_assert_true(store_waiting_page(outage->store, "key1", tries[i].pages, tries[i].now, &mine, &error));
		g_assert_cmpint(mine, ==, tries[i].mine);
	}
	note = notes_find(outage->store, NOTES_WAITING, "key1");
	g_assert_cmpuint(note->pages, ==, 3);
	g_assert_cmpint(note->paged_at, ==, 300);
	g_assert_cmpstr(note->payload, ==, "{\"n\":1}");
}

/* --- races --- */

static int page_in_process(char **argv)
{
	g_autoptr(Store) store = notes_open(argv[2], "pager");
	guint won = 0;

	for (guint pages = 0; pages < PAGES; pages++) {
		g_autoptr(GError) error = NULL;
		bool mine;

		store_waiting_page(store, argv[3], pages, 1000 + pages, &mine, &error);
		g_assert_no_error(error);
		won += mine;
	}
	g_print("%u\n", won);
	return 0;
}

static int add_in_process(char **argv)
{
	g_autoptr(Store) store = notes_open(argv[2], argv[3]);
	guint fresh = 0;

	for (int i = 0; i < 100; i++) {
		g_autofree char *key = g_strdup_printf("key%d", i);

		for (gsize k = 0; k < NOTES_LISTS; k++)
			fresh += notes_add(store, notes_lists[k], key, argv[3], clock_now(), "");
	}
	g_print("%u\n", fresh);
	return 0;
}

/* Takes the lease and keeps it until it is killed. */
static guint64 race(const char *role, const Fixture *fixture, const char *a)
{
	GSubprocess *others[PROCESSES];
	guint64 sum = 0;

	for (int i = 0; i < PROCESSES; i++)
		others[i] = notes_start(role, fixture, a, NULL);
	for (int i = 0; i < PROCESSES; i++) {
		g_autoptr(GError) error = NULL;
		g_autofree char *output = NULL;

		g_subprocess_communicate_utf8(others[i], NULL, NULL, &output, NULL, &error);
		g_assert_no_error(error);
		g_assert_true(g_subprocess_get_successful(others[i]));
		g_object_unref(others[i]);
		sum += g_ascii_strtoull(output, NULL, 10);
	}
	return sum;
}

static void test_of_many_pagers_each_page_is_ones(gconstpointer kind)
{
	g_autoptr(Outage) outage = outage_new(kind);
	g_autoptr(StoredNote) note = NULL;

	g_assert_true(notes_add(outage->store, NOTES_WAITING, "key1", "{}", clock_now(), ""));
	g_assert_cmpuint(race("--page", outage->fixture, "key1"), ==, PAGES);
	note = notes_find(outage->store, NOTES_WAITING, "key1");
	g_assert_cmpuint(note->pages, ==, PAGES);
}

static void test_of_many_writers_one_was_first(gconstpointer kind)
{
	g_autoptr(Outage) outage = outage_new(kind);

	g_assert_cmpuint(race("--add", outage->fixture, "writer"), ==, 100 * NOTES_LISTS);
	for (gsize i = 0; i < NOTES_LISTS; i++)
		g_assert_cmpuint(notes_count(outage->store, notes_lists[i]), ==, 100);
}

int main(int argc, char **argv)
{
	int result;

	if (argc == 4 && strcmp(argv[1], "--page") == 0)
		return page_in_process(argv);
	if (argc == 4 && strcmp(argv[1], "--add") == 0)
		return add_in_process(argv);
	g_test_init(&argc, &argv, NULL);
	fixture_add_test("the-first-note-of-a-mail-stays", test_the_first_note_of_a_mail_stays);
	fixture_add_test("a-contacts-newest-mail-counts-and-all-that-set-him-apart",
	    test_a_contacts_newest_mail_counts_and_all_that_set_him_apart);
	fixture_add_test("contacts-of-two-incidents-are-apart", test_contacts_of_two_incidents_are_apart);
	fixture_add_test("thousands-are-read-in-slices", test_thousands_are_read_in_slices);
	fixture_add_test("large-notes-make-small-slices", test_large_notes_make_small_slices);
	fixture_add_test("of-too-many-who-wrote-lately-the-oldest-go", test_of_too_many_who_wrote_lately_the_oldest_go);
	fixture_add_test("of-too-many-who-wait-none-is-forgotten", test_of_too_many_who_wait_none_is_forgotten);
	fixture_add_test("a-note-past-its-time-is-none", test_a_note_past_its_time_is_none);
	fixture_add_test("who-wrote-lately-is-kept-as-long-as-is-set", test_who_wrote_lately_is_kept_as_long_as_is_set);
	fixture_add_test("an-answer-ends-the-waiting", test_an_answer_ends_the_waiting);
	fixture_add_test("a-page-is-one-callers", test_a_page_is_one_callers);
	fixture_add_test("of-many-pagers-each-page-is-ones", test_of_many_pagers_each_page_is_ones);
	fixture_add_test("of-many-writers-one-was-first", test_of_many_writers_one_was_first);
	result = g_test_run();
	fixture_shut_down();
	claims_shut_down();
	return result;
}
