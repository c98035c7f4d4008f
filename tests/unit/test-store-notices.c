/* Notices that were ordered, who spreads them, and who wants none of them, run against SQLite and against a real Redis by one suite.
 *
 * Another process is this program, started with a role: --lease URL ID NAME. */
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/error.h"
#include "notes-fixture.h"

static int lease_in_process(char **argv)
{
	g_autoptr(Store) store = notes_open(argv[2], "spreader");
	g_autoptr(GError) error = NULL;
	bool mine;

	g_assert_true(store_notice_lease(store, argv[3], argv[4], 1, &mine, &error));
	g_print(mine ? "mine\n" : "not mine\n");
	pause();
	return 0;
}

static void test_an_opt_out_is_one_persons_and_one_incidents(gconstpointer kind)
{
	g_autoptr(Outage) outage = outage_new(kind);
	static const struct { const char *id, *tag; bool has; } asked[] = {
		{ NOTES_ID, "0123456789abcdef", true }, { NOTES_ID, "fedcba9876543210", false }, { NOTES_OTHER_ID, "0123456789abcdef", false },
	};
	g_autoptr(GError) error = NULL;

	for (int i = 0; i < 2; i++)
		g_assert_true(store_optout_add(outage->store, NOTES_ID, "0123456789abcdef", &error));
	for (gsize i = 0; i < G_N_ELEMENTS(asked); i++) {
		bool has;

		g_assert_true(store_optout_has(outage->store, asked[i].id, asked[i].tag, &has, &error));
		g_assert_cmpint(has, ==, asked[i].has);
	}
}

static void test_a_notice_is_ordered_once(gconstpointer kind)
{
	g_autoptr(Outage) outage = outage_new(kind);
	StoredNotice again = { .name = (char *)NOTES_NAME, .payload = (char *)"{}", .mac = (char *)"m" };
	g_autoptr(GPtrArray) none = notes_ordered(outage->store, NOTES_ID), notices = NULL, others = NULL, events = NULL;
	g_autoptr(GError) error = NULL;
	const StoreEvent *event;
	const StoredNotice *notice;

	g_assert_cmpuint(none->len, ==, 0);
	notes_order(outage->store, NOTES_ID, "update-20261122t090000z", "{\"n\":2}");
	notes_order(outage->store, NOTES_ID, NOTES_NAME, "{\"text\":\"a b  c\"}");
	notes_order(outage->store, NOTES_OTHER_ID, NOTES_NAME, "{}");
	g_assert_false(store_notice_add(outage->store, NOTES_ID, &again, "bob", &error));
	g_assert_error(error, OUTAGE_ERROR, OUTAGE_ERROR_INVALID);
	g_assert_nonnull(strstr(error->message, NOTES_NAME));
	g_clear_error(&error);
	notices = notes_ordered(outage->store, NOTES_ID);
	g_assert_cmpuint(notices->len, ==, 2);
	notice = notices->pdata[0];
	g_assert_cmpstr(notice->name, ==, NOTES_NAME);
	g_assert_cmpstr(notice->payload, ==, "{\"text\":\"a b  c\"}");
	g_assert_cmpstr(notice->mac, ==, "0123abcd");
	g_assert_false(notice->done);
	g_assert_cmpuint(notice->told + notice->left_out, ==, 0);
	g_assert_cmpstr(((StoredNotice *)notices->pdata[1])->name, ==, "update-20261122t090000z");
	others = notes_ordered(outage->store, NOTES_OTHER_ID);
	g_assert_cmpuint(others->len, ==, 1);
	events = store_events(outage->store, 1, &error);
	event = events->pdata[0];
	g_assert_cmpstr(event->what, ==, "notice");
	g_assert_cmpstr(event->name, ==, "payments");
	g_assert_cmpstr(event->by, ==, "anna");
	g_assert_cmpstr(event->detail, ==, NOTES_NAME);
}

static bool lease(Store *store, const char *name, gint64 seconds)
{
	g_autoptr(GError) error = NULL;
	bool mine;

	store_notice_lease(store, NOTES_ID, name, seconds, &mine, &error);
	g_assert_no_error(error);
	return mine;
}

static void progress(Store *store, guint64 told, guint64 left_out, bool done)
{
	g_autoptr(GError) error = NULL;

	store_notice_progress(store, NOTES_ID, NOTES_NAME, told, left_out, done, &error);
	g_assert_no_error(error);
}

static void check_progress(Store *store, guint64 told, guint64 left_out, bool done)
{
	g_autoptr(GPtrArray) notices = notes_ordered(store, NOTES_ID);
	const StoredNotice *notice = notices->pdata[0];

	g_assert_cmpuint(notice->told, ==, told);
	g_assert_cmpuint(notice->left_out, ==, left_out);
	g_assert_cmpint(notice->done, ==, done);
	g_assert_cmpstr(notice->payload, ==, "{}");
}

static void test_one_spreads_a_notice_at_a_time(gconstpointer kind)
{
	g_autoptr(Outage) outage = outage_new(kind);
	g_autoptr(Store) other = fixture_open(outage->fixture, "b");

	g_assert_false(lease(outage->store, NOTES_NAME, 60));
	notes_order(outage->store, NOTES_ID, NOTES_NAME, "{}");
	progress(outage->store, 9, 9, true);
	check_progress(outage->store, 0, 0, false);
	g_assert_true(lease(outage->store, NOTES_NAME, 3600));
	g_assert_false(lease(other, NOTES_NAME, 60));
	g_assert_true(lease(outage->store, NOTES_NAME, 3600));
	progress(outage->store, 5, 2, false);
	progress(other, 9, 9, true);
	check_progress(other, 5, 2, false);
	/* Let go: the other goes on, and the first has nothing more to say. */
	g_assert_true(lease(outage->store, NOTES_NAME, 0));
	g_assert_true(lease(other, NOTES_NAME, 3600));
	g_assert_false(lease(outage->store, NOTES_NAME, 60));
	progress(outage->store, 1, 1, false);
	check_progress(other, 5, 2, false);
	progress(other, G_GUINT64_CONSTANT(9007199254740993), 3, true);
	check_progress(outage->store, G_GUINT64_CONSTANT(9007199254740993), 3, true);
	/* What is over is nobody's. */
	g_assert_false(lease(other, NOTES_NAME, 60));
	g_assert_false(lease(outage->store, NOTES_NAME, 60));
	progress(other, 1, 1, false);
	check_progress(outage->store, G_GUINT64_CONSTANT(9007199254740993), 3, true);
}

static void test_a_dead_spreaders_lease_ends(gconstpointer kind)
{
	g_autoptr(Outage) outage = outage_new(kind);
	g_autoptr(GDataInputStream) lines = NULL;
	g_autofree char *line = NULL;
	g_autoptr(GSubprocess) holder = NULL;
	gint64 began = clock_mono_us();

	notes_order(outage->store, NOTES_ID, NOTES_NAME, "{}");
	holder = notes_start("--lease", outage->fixture, NOTES_ID, NOTES_NAME);
	lines = g_data_input_stream_new(g_subprocess_get_stdout_pipe(holder));
	line = g_data_input_stream_read_line(lines, NULL, NULL, NULL);
	g_assert_cmpstr(line, ==, "mine");
	g_subprocess_force_exit(holder);
	g_subprocess_wait(holder, NULL, NULL);
	while (!lease(outage->store, NOTES_NAME, 60)) {
		g_assert_cmpint(clock_mono_us() - began, <, 60 * G_USEC_PER_SEC);
		g_usleep(10000);
	}
	progress(outage->store, 1, 0, true);
	check_progress(outage->store, 1, 0, true);
}

int main(int argc, char **argv)
{
	int result;

	if (argc == 5 && strcmp(argv[1], "--lease") == 0)
		return lease_in_process(argv);
	g_test_init(&argc, &argv, NULL);
	fixture_add_test("an-opt-out-is-one-persons-and-one-incidents", test_an_opt_out_is_one_persons_and_one_incidents);
	fixture_add_test("a-notice-is-ordered-once", test_a_notice_is_ordered_once);
	fixture_add_test("one-spreads-a-notice-at-a-time", test_one_spreads_a_notice_at_a_time);
	fixture_add_test("a-dead-spreaders-lease-ends", test_a_dead_spreaders_lease_ends);
	result = g_test_run();
	fixture_shut_down();
	return result;
}
