/* test-store-past: what a debrief needs of an incident that is over: its texts once another has its name, and what was promised when. */
#include <string.h>

#include "store-fixture.h"
#include "store/past.h"

static void declare(Store *store, const char *title, const char *next_update, char **id)
{
	char *texts[TEXT_FIELDS] = { [TEXT_TITLE] = (char *)title, [TEXT_NEXT_UPDATE_AT] = (char *)next_update };
	IncidentState state = { .id = NULL };
	GError *error = NULL;

	(void)store_set_word(store, "default", WORD_P1, texts, "ann", &state, &error);
	g_assert_no_error(error);
	*id = g_strdup(state.id);
	incident_state_clear(&state);
}

static char *past_title(Store *store, const char *id, bool *found)
{
	char *texts[TEXT_FIELDS], *title;
	GError *error = NULL;

	(void)store_past_texts(store, id, texts, found, &error);
	g_assert_no_error(error);
	title = g_strdup(texts[TEXT_TITLE]);
	for (TextField field = 0; field < TEXT_FIELDS; field++)
		g_free(texts[field]);
	return title;
}

static void test_texts_of_a_past_incident_can_be_read(gconstpointer kind)
{
	g_autoptr(Fixture) fixture = fixture_new(kind);
	g_autoptr(Store) store = NULL;
	g_autofree char *first = NULL, *second = NULL, *title = NULL, *none = NULL, *strange = NULL;
	bool found;

	fixture->config->reopen_within = 0;
	store = fixture_open(fixture, "n1");
	declare(store, "The first", NULL, &first);
	none = past_title(store, first, &found);
	g_assert_false(found);
	g_assert_true(store_set_word(store, "default", WORD_NONE, NULL, "ann", NULL, NULL));
	declare(store, "The second", NULL, &second);
	g_assert_cmpstr(first, !=, second);
	title = past_title(store, first, &found);
	g_assert_true(found);
	g_assert_cmpstr(title, ==, "The first");
	strange = past_title(store, "../x*", &found);
	g_assert_false(found);
}

/* What stands there may be anybody's. */
static void test_what_cannot_be_a_text_is_left_out(gconstpointer kind)
{
	g_autoptr(Fixture) fixture = fixture_new(kind);
	g_autoptr(Store) store = fixture_open(fixture, "n1");
	char *texts[TEXT_FIELDS];
	GError *error = NULL;
	bool found;

	fixture_run(fixture, "redis.call('HSET', 'outage:past:x-default', 'title', string.rep('x', 100000), 'fix', 'Moved.', 'phase', 'odd', 'y', 'z')",
	    "INSERT INTO past VALUES('x-default', 'title', hex(zeroblob(50000)), 9), ('x-default', 'fix', 'Moved.', 9), ('x-default', 'phase', 'odd', 9),"
	    " ('x-default', 'y', 'z', 9)");
	(void)store_past_texts(store, "x-default", texts, &found, &error);
	g_assert_no_error(error);
	g_assert_true(found);
	g_assert_null(texts[TEXT_TITLE]);
	g_assert_null(texts[TEXT_PHASE]);
	g_assert_cmpstr(texts[TEXT_FIX], ==, "Moved.");
	g_free(texts[TEXT_FIX]);
}

static void test_a_promise_leaves_an_event(gconstpointer kind)
{
	static const char *const first = "2026-11-21T15:40:00Z", *const second = "2026-11-21T16:40:00Z";
	char *texts[TEXT_FIELDS] = { [TEXT_NEXT_UPDATE_AT] = (char *)second };
	g_autoptr(Fixture) fixture = fixture_new(kind);
	g_autoptr(Store) store = fixture_open(fixture, "n1");
	g_autoptr(GPtrArray) events = NULL;
	g_autoptr(GString) promises = g_string_new(NULL);
	g_autofree char *id = NULL;

	declare(store, "T", first, &id);
	g_assert_true(store_set_texts(store, "default", texts, "bob", NULL));
	texts[TEXT_NEXT_UPDATE_AT] = (char *)"";
	g_assert_true(store_set_texts(store, "default", texts, "bob", NULL));
	events = store_events(store, 100, NULL);
	for (guint i = 0; i < events->len; i++) {
		const StoreEvent *event = g_ptr_array_index(events, i);

		if (strcmp(event->what, "promise") == 0)
			g_string_append_printf(promises, "%s %s %s\n", event->name, event->by, event->detail);
	}
	g_assert_cmpstr(promises->str, ==, "default bob 2026-11-21T16:40:00Z\ndefault ann 2026-11-21T15:40:00Z\n");
}

int main(int argc, char **argv)
{
	int status;

	g_test_init(&argc, &argv, NULL);
	fixture_add_test("texts-of-a-past-incident-can-be-read", test_texts_of_a_past_incident_can_be_read);
	fixture_add_test("what-cannot-be-a-text-is-left-out", test_what_cannot_be_a_text_is_left_out);
	fixture_add_test("a-promise-leaves-an-event", test_a_promise_leaves_an_event);
	status = g_test_run();
	fixture_shut_down();
	return status;
}
