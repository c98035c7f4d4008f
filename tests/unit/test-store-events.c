/* The history, run against SQLite and against a real Redis by one suite: it is read whole and in order, what machines leave pushes out
 * nothing that people did, and a change by a strange hand says so. */
#include <string.h>

#include "store-fixture.h"

#define FLOOD 12000 /* above what Redis keeps of all events */

static GPtrArray *history(Store *store, gint64 since)
{
	GPtrArray *events = g_ptr_array_new_with_free_func((GDestroyNotify)store_event_free);
	g_autofree char *cursor = NULL;
	g_autoptr(GError) error = NULL;

	do {
		g_assert_true(store_events_slice(store, since, &cursor, events, &error));
		g_assert_no_error(error);
	} while (cursor != NULL);
	return events;
}

static guint count_what(const GPtrArray *events, const char *what)
{
	guint count = 0;

	for (guint i = 0; i < events->len; i++)
		count += strcmp(((StoreEvent *)events->pdata[i])->what, what) == 0;
	return count;
}

static const StoreEvent *find(const GPtrArray *events, const char *what)
{
	for (guint i = 0; i < events->len; i++)
		if (strcmp(((StoreEvent *)events->pdata[i])->what, what) == 0)
			return events->pdata[i];
	g_assert_not_reached();
}

/* Adds FLOOD events of that kind at once. */
static void flood(const Fixture *fixture, const char *what)
{
	g_autofree char *lua = g_strdup_printf("for i = 1, %d do redis.call('XADD', 'outage:events', 'MAXLEN', '~', 10000, '*', 'what', '%s',"
	    " 'name', 'h', 'by', 'node1', 'detail', 'no such user') end return 1", FLOOD, what);
	g_autofree char *sql = g_strdup_printf("WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c WHERE n < %d)"
	    " INSERT INTO events(at, what, name, by, detail) SELECT strftime('%%s', 'now'), '%s', 'h', 'node1', 'no such user' FROM c",
	    FLOOD, what);

	fixture_run(fixture, lua, sql);
}

static void test_whole_history_is_read_in_order(gconstpointer kind)
{
	g_autoptr(Fixture) fixture = fixture_new(kind);
	g_autoptr(Store) store = fixture_open(fixture, "node1");
	g_autoptr(GPtrArray) events = NULL, none = NULL;
	g_autoptr(GError) error = NULL;

	none = history(store, 0);
	g_assert_cmpuint(none->len, ==, 0);
	for (guint i = 0; i < 620; i++) {
		/* Of several kinds, which are kept apart. */
		static const char *const kinds[] = { "update", "account", "alarm", "unblocked", "bounced", "answered" };
		g_autofree char *detail = g_strdup_printf("%u", i);

		g_assert_true(store_add_event(store, kinds[i % G_N_ELEMENTS(kinds)], "default", "me@here", detail, &error));
	}
	events = history(store, 0);
	g_assert_cmpuint(events->len, ==, 620);
	for (guint i = 0; i < events->len; i++) {
		const StoreEvent *event = g_ptr_array_index(events, i);
		g_autofree char *detail = g_strdup_printf("%u", i);

		g_assert_cmpstr(event->detail, ==, detail);
		g_assert_cmpstr(event->by, ==, "me@here");
		g_assert_cmpstr(event->name, ==, "default");
		g_assert_cmpint(event->at, >, 1700000000);
	}
	g_clear_pointer(&none, g_ptr_array_unref);
	none = history(store, g_get_real_time() / G_USEC_PER_SEC + 3600);
	g_assert_cmpuint(none->len, ==, 0);
}

static void test_flood_of_machines_pushes_out_nothing_that_people_did(gconstpointer kind)
{
	g_autoptr(Fixture) fixture = fixture_new(kind);
	g_autoptr(Store) store = fixture_open(fixture, "node1");
	g_autoptr(GPtrArray) events = NULL;
	g_autoptr(GError) error = NULL;

	g_assert_true(store_set_word(store, "default", WORD_P1, NULL, "jane@desk", NULL, &error));
	g_assert_true(store_set_pause(store, "wrong text", "jane@desk", &error));
	g_assert_true(store_account_put(store, "acme.example", "{\"account\":\"Acme\"}", "jane@desk", &error));
	g_assert_true(store_add_event(store, "alarm", "surge", "node1", "much mail", &error));
	g_assert_true(store_add_event(store, "forgot", "0123", "jane@desk", NULL, &error));
	flood(fixture, "bounced");
	g_assert_true(store_set_pause(store, NULL, "jane@desk", &error));
	g_assert_no_error(error);
	events = history(store, 0);
	g_assert_cmpuint(count_what(events, "opened"), ==, 1);
	g_assert_cmpuint(count_what(events, "pause"), ==, 1);
	g_assert_cmpuint(count_what(events, "account"), ==, 1);
	g_assert_cmpuint(count_what(events, "alarm"), ==, 1);
	g_assert_cmpuint(count_what(events, "forgot"), ==, 1);
	g_assert_cmpuint(count_what(events, "resume"), ==, 1);
	g_assert_cmpuint(count_what(events, "bounced"), >, 5000);
	g_assert_cmpstr(find(events, "opened")->by, ==, "jane@desk");
	g_assert_cmpstr(((StoreEvent *)g_ptr_array_index(events, 0))->what, ==, "opened");
	g_assert_cmpstr(((StoreEvent *)g_ptr_array_index(events, events->len - 1))->what, ==, "resume");
}

static void test_change_by_a_strange_hand_says_so(gconstpointer kind)
{
	g_autoptr(Fixture) fixture = fixture_new(kind);
	g_autoptr(Store) one = fixture_open(fixture, "node1"), other = fixture_open(fixture, "node2");
	g_autoptr(Snapshot) first = NULL, second = NULL, third = NULL, fourth = NULL;
	g_autoptr(GPtrArray) events = NULL;
	g_autoptr(GError) error = NULL;

	fixture_set_raw_flip(fixture, "P1");
	first = store_snapshot(one, NULL, &error);
	second = store_snapshot(other, NULL, &error);
	g_assert_no_error(error);
	fixture_set_raw_flip(fixture, "resolved");
	third = store_snapshot(other, second, &error);
	fourth = store_snapshot(one, first, &error);
	g_assert_no_error(error);
	events = history(one, 0);
	g_assert_cmpuint(count_what(events, "opened"), ==, 1);
	g_assert_cmpuint(count_what(events, "resolved"), ==, 1);
	g_assert_cmpstr(find(events, "opened")->by, ==, "outside (seen by node1)");
	g_assert_cmpstr(find(events, "resolved")->by, ==, "outside (seen by node2)");
}

static void test_pause_by_a_strange_hand_is_noted_once(gconstpointer kind)
{
	g_autoptr(Fixture) fixture = fixture_new(kind);
	g_autoptr(Store) one = fixture_open(fixture, "node1"), other = fixture_open(fixture, "node2");
	g_autoptr(GError) error = NULL;
	g_autoptr(GPtrArray) events = NULL;

	static const struct { const char *what, *by, *detail; } expected[] = {
		{ "pause", "jane@desk", "wrong text" }, { "resume", "outside (seen by node1)", NULL },
		{ "pause", "outside (seen by node1)", "by hand" }, { "resume", "outside (seen by node1)", NULL },
		{ "pause", "jane@desk", "again" }, { "resume", "jane@desk", NULL },
	};
	/* The operator's own is told by himself, also where nodes see it. */
	static const struct { bool by_hand; const char *text; } steps[] = {
		{ false, "wrong text" }, { true, "off" }, { true, "by hand" }, { true, "still" }, { true, "0" }, { false, "again" }, { false, NULL },
	};

	for (gsize i = 0; i < G_N_ELEMENTS(steps); i++) {
		g_autoptr(Snapshot) seen = NULL, seen_too = NULL;

		if (steps[i].by_hand)
			fixture_set_raw_pause(fixture, steps[i].text);
		else
			g_assert_true(store_set_pause(one, steps[i].text, "jane@desk", &error));
		seen = store_snapshot(one, NULL, &error);
		seen_too = store_snapshot(other, NULL, &error);
		g_assert_no_error(error);
		g_assert_true((seen->pause != NULL) == (seen_too->pause != NULL));
	}
	events = history(one, 0);
	g_assert_cmpuint(events->len, ==, G_N_ELEMENTS(expected));
	for (gsize i = 0; i < G_N_ELEMENTS(expected); i++) {
		const StoreEvent *event = g_ptr_array_index(events, i);

		g_assert_cmpstr(event->what, ==, expected[i].what);
		g_assert_cmpstr(event->by, ==, expected[i].by);
		g_assert_cmpstr(event->detail, ==, expected[i].detail);
	}
}

/* acks retry and bury have no name of their own to give. */
static void test_moves_of_the_queue_are_put_down_to_who_opened_the_store(gconstpointer kind)
{
	g_autoptr(Fixture) fixture = fixture_new(kind);
	g_autoptr(Store) store = fixture_open(fixture, "jane@desk");
	g_autoptr(GPtrArray) events = NULL;
	g_autoptr(GError) error = NULL;
	StoredJob job = { .payload = (char *)"{\"id\":\"x\"}", .mac = (char *)"m" };

	fixture_put_job(fixture, &job);
	g_assert_true(store_queue_bury(store, NULL, "operator", NULL, &error));
	g_assert_true(store_queue_retry(store, NULL, NULL, &error));
	g_assert_no_error(error);
	events = history(store, 0);
	g_assert_cmpstr(find(events, "queue-bury")->by, ==, "jane@desk");
	g_assert_cmpstr(find(events, "queue-retry")->by, ==, "jane@desk");
}

/* What carries the hash of an address goes when its time is over; what people did to incidents stays. */
static void test_events_of_persons_are_kept_for_the_retention(gconstpointer kind)
{
	g_autoptr(Fixture) fixture = fixture_new(kind);
	g_autoptr(Store) store = fixture_open(fixture, "node1");
	g_autoptr(GPtrArray) events = NULL;
	g_autoptr(GError) error = NULL;

	/* 40 days ago. */
	fixture_run(fixture, "local at = (tonumber(redis.call('TIME')[1]) - 40 * 86400) .. '000-'"
	    " for i, s in ipairs({ { '', 'bounced' }, { ':persons', 'forgot' }, { ':audit', 'opened' } }) do"
	    " redis.call('XADD', 'outage:events' .. s[1], at .. i, 'what', s[2], 'name', 'x', 'by', 'b', 'detail', 'd') end return 1",
	    "INSERT INTO events(at, what, name) VALUES(strftime('%s', 'now') - 40 * 86400, 'bounced', 'x'),"
	    " (strftime('%s', 'now') - 40 * 86400, 'forgot', 'x'), (strftime('%s', 'now') - 40 * 86400, 'opened', 'x')");
	events = history(store, 0);
	g_assert_cmpuint(events->len, ==, 3);
	g_clear_pointer(&events, g_ptr_array_unref);
	g_assert_true(store_heartbeat(store, "{}", &error));
	g_assert_no_error(error);
	events = history(store, 0);
	g_assert_cmpuint(events->len, ==, 1);
	g_assert_cmpstr(((StoreEvent *)g_ptr_array_index(events, 0))->what, ==, "opened");
}

int main(int argc, char **argv)
{
	int status;

	g_test_init(&argc, &argv, NULL);
	fixture_add_test("events/whole-history", test_whole_history_is_read_in_order);
	fixture_add_test("events/flood", test_flood_of_machines_pushes_out_nothing_that_people_did);
	fixture_add_test("events/strange-hand", test_change_by_a_strange_hand_says_so);
	fixture_add_test("events/strange-pause", test_pause_by_a_strange_hand_is_noted_once);
	fixture_add_test("events/queue", test_moves_of_the_queue_are_put_down_to_who_opened_the_store);
	fixture_add_test("events/retention", test_events_of_persons_are_kept_for_the_retention);
	status = g_test_run();
	fixture_shut_down();
	return status;
}
