/* Which alarms stand, run against SQLite and against a real Redis by one suite: of all processes one tells of each, again after a while,
 * and one gives the all-clear; what a strange hand has written does no harm.
 *
 * The other processes are this program, started with a role: --raise URL WHO. */
#include <string.h>

#include "base/clock.h"
#include "base/error.h"
#include "notes-fixture.h"
#include "store/alarms.h"

#define ID "20261122T080000Z-default"
#define KEY "update-overdue:" ID
#define RACERS 4
#define RACES 20

static AlarmTell raise_alarm(Store *store, const char *key, const char *text, gint64 repeat)
{
	g_autoptr(GError) error = NULL;
	AlarmTell tell = ALARM_QUIET;

	store_alarm_raise(store, key, text, NULL, repeat, &tell, &error);
	g_assert_no_error(error);
	return tell;
}

static bool clear_alarm(Store *store, const char *key, gint64 *since)
{
	g_autoptr(GError) error = NULL;
	bool was = false;

	store_alarm_clear(store, key, "anna", &was, since, &error);
	g_assert_no_error(error);
	return was;
}

static GPtrArray *all_alarms(Store *store)
{
	g_autoptr(GError) error = NULL;
	GPtrArray *alarms = store_alarms(store, &error);

	g_assert_no_error(error);
	return alarms;
}

static guint count_events(Store *store, const char *what, const char *name)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(GPtrArray) events = store_events(store, 1000, &error);
	guint count = 0;

	g_assert_no_error(error);
	for (guint i = 0; i < events->len; i++) {
		const StoreEvent *event = events->pdata[i];

		count += strcmp(event->what, what) == 0 && g_strcmp0(event->name, name) == 0;
	}
	return count;
}

/* As if it had last been told of, and raised, an hour ago. */
static void age_alarms(const Fixture *fixture)
{
	fixture_run(fixture,
	    "for _, k in ipairs(redis.call('HKEYS', 'outage:alarms')) do"
	    " local s, t, r = string.match(redis.call('HGET', 'outage:alarms', k), '^(%d+)\\t(%d+)(\\t.*)$')"
	    " if s then redis.call('HSET', 'outage:alarms', k, string.format('%d\\t%d', s - 3600, t - 3600) .. r) end end",
	    "UPDATE alarms SET since = since - 3600, told_at = told_at - 3600");
}

static void test_it_is_told_of_once_and_again_after_a_while(gconstpointer kind)
{
	g_autoptr(Fixture) fixture = fixture_new(kind);
	g_autoptr(Store) one = fixture_open(fixture, "node1"), other = fixture_open(fixture, "node2");
	g_autoptr(GPtrArray) alarms = NULL;
	const StoredAlarm *alarm;

	g_assert_cmpint(raise_alarm(one, KEY, "late", 1800), ==, ALARM_RAISED);
	g_assert_cmpint(raise_alarm(one, KEY, "late", 1800), ==, ALARM_QUIET);
	g_assert_cmpint(raise_alarm(other, KEY, "later", 1800), ==, ALARM_QUIET);
	g_assert_cmpint(raise_alarm(other, "store-empty", "gone", 1800), ==, ALARM_RAISED);
	age_alarms(fixture);
	g_assert_cmpint(raise_alarm(one, KEY, "much later", 7200), ==, ALARM_QUIET);
	g_assert_cmpint(raise_alarm(one, KEY, "much later", 0), ==, ALARM_QUIET);
	g_assert_cmpint(raise_alarm(other, KEY, "much later", 3600), ==, ALARM_REPEATED);
	g_assert_cmpint(raise_alarm(one, KEY, "much later", 3600), ==, ALARM_QUIET);
	alarms = all_alarms(other);
	g_assert_cmpuint(alarms->len, ==, 2);
	alarm = alarms->pdata[strcmp(((StoredAlarm *)alarms->pdata[0])->key, KEY) == 0 ? 0 : 1];
	g_assert_cmpstr(alarm->key, ==, KEY);
	g_assert_cmpstr(alarm->text, ==, "much later");
	g_assert_cmpstr(alarm->by, ==, "node1");
	g_assert_cmpint(alarm->told_at, >=, alarm->since + 3600);
	g_assert_cmpuint(count_events(one, "alarm", KEY), ==, 1);
}

static void test_the_oldest_comes_first(gconstpointer kind)
{
	g_autoptr(Fixture) fixture = fixture_new(kind);
	g_autoptr(Store) store = fixture_open(fixture, "node1");
	g_autoptr(GPtrArray) alarms = NULL;

	raise_alarm(store, "surge", "many write", 0);
	age_alarms(fixture);
	raise_alarm(store, "bounces", "many come back", 0);
	alarms = all_alarms(store);
	g_assert_cmpuint(alarms->len, ==, 2);
	g_assert_cmpstr(((StoredAlarm *)alarms->pdata[0])->key, ==, "surge");
}

/* Nobody waits for a repeat until the clock that was set back has come there again. */
static void test_one_told_of_in_the_future_is_told_of_again(gconstpointer kind)
{
	g_autoptr(Fixture) fixture = fixture_new(kind);
	g_autoptr(Store) store = fixture_open(fixture, "node1");

	raise_alarm(store, KEY, "late", 600);
	fixture_run(fixture, "local t = redis.call('TIME')[1] redis.call('HSET', 'outage:alarms', '" KEY "', t .. '\\t' .. (t + 90000) .. '\\tx\\tlate')",
	    "UPDATE alarms SET told_at = told_at + 90000");
	g_assert_cmpint(raise_alarm(store, KEY, "late", 600), ==, ALARM_REPEATED);
	g_assert_cmpint(raise_alarm(store, KEY, "late", 600), ==, ALARM_QUIET);
}

static void test_it_is_cleared_once(gconstpointer kind)
{
	g_autoptr(Fixture) fixture = fixture_new(kind);
	g_autoptr(Store) one = fixture_open(fixture, "node1"), other = fixture_open(fixture, "node2");
	g_autoptr(GPtrArray) alarms = NULL;
	gint64 before = clock_now(), since = -1;

	g_assert_false(clear_alarm(one, KEY, &since));
	g_assert_cmpint(since, ==, 0);
	raise_alarm(one, KEY, "late", 600);
	g_assert_true(clear_alarm(other, KEY, &since));
	g_assert_cmpint(since, >=, before - 1);
	g_assert_false(clear_alarm(one, KEY, NULL));
	alarms = all_alarms(one);
	g_assert_cmpuint(alarms->len, ==, 0);
	g_assert_cmpuint(count_events(one, "all-clear", KEY), ==, 1);
	/* It may come again. */
	g_assert_cmpint(raise_alarm(one, KEY, "late", 600), ==, ALARM_RAISED);
	g_assert_cmpuint(count_events(one, "alarm", KEY), ==, 2);
}

/* --- many at once --- */

/* Raises and clears as often as there are races, each alarm once; prints how many it was to tell of. */
static int raise_in_process(char **argv)
{
	g_autoptr(Store) store = notes_open(argv[2], argv[3]);
	guint told = 0, cleared = 0;

	for (int i = 0; i < RACES; i++) {
		g_autofree char *key = g_strdup_printf("silence:race%d", i);

		told += raise_alarm(store, key, "nothing is heard", 600) != ALARM_QUIET;
		cleared += clear_alarm(store, "caps", NULL);
	}
	g_print("%u %u\n", told, cleared);
	return 0;
}

static void test_of_many_processes_one_tells(gconstpointer kind)
{
	g_autoptr(Fixture) fixture = fixture_new(kind);
	g_autoptr(Store) store = fixture_open(fixture, "node1");
	g_autoptr(GPtrArray) alarms = NULL;
	GSubprocess *others[RACERS];
	guint told = 0, cleared = 0;

	raise_alarm(store, "caps", "a cap is reached", 600);
	for (int i = 0; i < RACERS; i++) {
		g_autofree char *who = g_strdup_printf("racer%d", i);

		others[i] = notes_start("--raise", fixture, who, NULL);
	}
	for (int i = 0; i < RACERS; i++) {
		g_autofree char *output = NULL;
		g_autoptr(GError) error = NULL;
		g_auto(GStrv) words = NULL;

		g_subprocess_communicate_utf8(others[i], NULL, NULL, &output, NULL, &error);
		g_assert_no_error(error);
		g_assert_true(g_subprocess_get_successful(others[i]));
		g_object_unref(others[i]);
		words = g_strsplit(output, " ", 2);
		told += (guint)g_ascii_strtoull(words[0], NULL, 10);
		cleared += (guint)g_ascii_strtoull(words[1], NULL, 10);
	}
	g_assert_cmpuint(told, ==, RACES);
	g_assert_cmpuint(cleared, ==, 1);
	alarms = all_alarms(store);
	g_assert_cmpuint(alarms->len, ==, RACES);
}

static bool has_duty(Store *store, gint64 seconds)
{
	g_autoptr(GError) error = NULL;
	bool mine = false;

	store_alarm_duty(store, seconds, &mine, &error);
	g_assert_no_error(error);
	return mine;
}

static void test_one_has_the_duty_until_it_is_silent(gconstpointer kind)
{
	g_autoptr(Fixture) fixture = fixture_new(kind);
	g_autoptr(Store) one = fixture_open(fixture, "node1"), again = fixture_open(fixture, "node1");
	g_autoptr(Store) other = fixture_open(fixture, "node2");
	g_autoptr(GPtrArray) alarms = NULL;

	g_assert_true(has_duty(one, 45));
	g_assert_true(has_duty(again, 45));
	g_assert_false(has_duty(other, 45));
	alarms = all_alarms(one);
	g_assert_cmpuint(alarms->len, ==, 0);
	fixture_run(fixture, "local t = redis.call('TIME')[1] local v = redis.call('HGET', 'outage:alarms', '=duty')"
	    " redis.call('HSET', 'outage:alarms', '=duty', string.format('%d000', t - 1) .. string.match(v, ' .*$'))",
	    "UPDATE alarm_duty SET at = at - 46000");
	g_assert_true(has_duty(other, 45));
	g_assert_false(has_duty(one, 45));
	/* Of a clock that was set back since, or of an earlier boot. */
	fixture_run(fixture, "local t = redis.call('TIME')[1] redis.call('HSET', 'outage:alarms', '=duty', string.format('%d000 x', t + 90000))",
	    "UPDATE alarm_duty SET at = at + 90000000");
	g_assert_true(has_duty(one, 45));
}

/* --- what should not be there --- */

static void test_what_can_be_no_alarm_is_refused(gconstpointer kind)
{
	static const char *const keys[] = { "", ":", "Surge", "sur ge", "surge:", "surge:a b", "surge:a:b", "surge:\xc3\xa4", "surge\n", "=duty",
		"abcdefghijklmnopqrstuvwxyzabcdefg", "silence:0123456789012345678901234567890123456789012345678901234567890123x" };
	static const char *const texts[] = { "two\nlines", "\x1b[31m", "\xff" };
	g_autoptr(Fixture) fixture = fixture_new(kind);
	g_autoptr(Store) store = fixture_open(fixture, "node1");
	g_autofree char *long_text = g_strnfill(1025, 'x');
	g_autoptr(GPtrArray) alarms = NULL;
	AlarmTell tell;
	bool was;

	for (gsize i = 0; i < G_N_ELEMENTS(keys); i++) {
		g_autoptr(GError) error = NULL, other = NULL;

		g_assert_false(store_alarm_raise(store, keys[i], "text", NULL, 600, &tell, &error));
		g_assert_error(error, OUTAGE_ERROR, OUTAGE_ERROR_INVALID);
		g_assert_false(store_alarm_clear(store, keys[i], NULL, &was, NULL, &other));
		g_assert_error(other, OUTAGE_ERROR, OUTAGE_ERROR_INVALID);
	}
	for (gsize i = 0; i <= G_N_ELEMENTS(texts); i++) {
		g_autoptr(GError) error = NULL;

		g_assert_false(store_alarm_raise(store, KEY, i < G_N_ELEMENTS(texts) ? texts[i] : long_text, NULL, 600, &tell, &error));
		g_assert_error(error, OUTAGE_ERROR, OUTAGE_ERROR_INVALID);
	}
	alarms = all_alarms(store);
	g_assert_cmpuint(alarms->len, ==, 0);
}

static void test_what_no_node_has_written_is_left_out(gconstpointer kind)
{
	g_autoptr(Fixture) fixture = fixture_new(kind);
	g_autoptr(Store) store = fixture_open(fixture, "node1");
	g_autoptr(GPtrArray) alarms = NULL;

	raise_alarm(store, "surge", "many write", 600);
	fixture_run(fixture,
	    "redis.call('HSET', 'outage:alarms', 'silence', 'nonsense', 'Not a key', '1\\t1\\tx\\ty', 'caps', string.rep('x', 100000),"
	    " 'bounces', string.rep('9', 400) .. '\\t1\\tx\\ty', '=duty', string.rep('x', 100000))",
	    "INSERT INTO alarms(key, since, told_at, by, text) VALUES('Not a key', 1, 1, 'x', 'y'),"
	    " ('caps', 1, 1, 'x', hex(zeroblob(50000))), ('silence', 'nonsense', 'none', x'00', x'ff')");
	alarms = all_alarms(store);
	for (guint i = 0; i < alarms->len; i++) {
		g_assert_cmpstr(((StoredAlarm *)alarms->pdata[i])->key, !=, "caps");
		g_assert_cmpstr(((StoredAlarm *)alarms->pdata[i])->key, !=, "Not a key");
		g_assert_true(g_utf8_validate(((StoredAlarm *)alarms->pdata[i])->text, -1, NULL));
	}
	/* It gives way to what is true. */
	g_assert_cmpint(raise_alarm(store, "caps", "a cap is reached", 600), ==, ALARM_RAISED);
	g_assert_cmpint(raise_alarm(store, "surge", "many write", 600), ==, ALARM_QUIET);
	g_assert_true(has_duty(store, 45));
}

static void test_there_is_an_end_to_how_many_stand(gconstpointer kind)
{
	g_autoptr(Fixture) fixture = fixture_new(kind);
	g_autoptr(Store) store = fixture_open(fixture, "node1");
	g_autoptr(GError) error = NULL;
	AlarmTell tell;

	fixture_run(fixture, "for i = 1, 513 do redis.call('HSET', 'outage:alarms', 'x:' .. i, '1\\t1\\tx\\ty') end",
	    "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 513)"
	    " INSERT INTO alarms(key, since, told_at, by, text) SELECT 'x:' || i, 1, 1, 'x', 'y' FROM n");
	g_assert_false(store_alarm_raise(store, "surge", "many write", NULL, 600, &tell, &error));
	g_assert_error(error, OUTAGE_ERROR, OUTAGE_ERROR_INVALID);
	g_assert_true(clear_alarm(store, "x:1", NULL));
}

static void test_a_key_of_a_wrong_type_is_named_and_stays(void)
{
	g_autoptr(Fixture) fixture = fixture_new("redis");
	g_autoptr(Store) store = fixture_open(fixture, "node1");
	g_autofree char *type = NULL;
	AlarmTell tell;
	bool yes;

	fixture_run(fixture, "redis.call('SET', 'outage:alarms', 'mine')", NULL);
	for (int step = 0; step < 4; step++) {
		g_autoptr(GError) error = NULL;
		g_autoptr(GPtrArray) alarms = NULL;
		bool ok = step == 0 ? store_alarm_raise(store, "surge", "many write", NULL, 600, &tell, &error)
		    : step == 1     ? store_alarm_clear(store, "surge", NULL, &yes, NULL, &error)
		    : step == 2     ? store_alarm_duty(store, 45, &yes, &error)
		                    : (alarms = store_alarms(store, &error)) != NULL;

		g_assert_false(ok);
		g_assert_nonnull(strstr(error->message, "outage:alarms"));
		g_assert_false(store_is_lost(store));
	}
	type = fixture_redis("GET", "outage:alarms", NULL);
	g_assert_cmpstr(type, ==, "mine");
}

static void test_a_file_of_version_5_goes_on(void)
{
	g_autoptr(Fixture) fixture = fixture_new("sqlite");
	g_autoptr(Store) store = fixture_open(fixture, "node1"), later = NULL;

	fixture_run(fixture, NULL, "DROP TABLE alarms; DROP TABLE alarm_duty; PRAGMA user_version = 5");
	later = fixture_open(fixture, "node2");
	g_assert_cmpint(raise_alarm(later, KEY, "late", 600), ==, ALARM_RAISED);
	g_assert_true(has_duty(later, 45));
}

int main(int argc, char **argv)
{
	int result;

	if (argc == 4 && strcmp(argv[1], "--raise") == 0)
		return raise_in_process(argv);
	g_test_init(&argc, &argv, NULL);
	fixture_add_test("it-is-told-of-once-and-again-after-a-while", test_it_is_told_of_once_and_again_after_a_while);
	fixture_add_test("the-oldest-comes-first", test_the_oldest_comes_first);
	fixture_add_test("one-told-of-in-the-future-is-told-of-again", test_one_told_of_in_the_future_is_told_of_again);
	fixture_add_test("it-is-cleared-once", test_it_is_cleared_once);
	fixture_add_test("of-many-processes-one-tells", test_of_many_processes_one_tells);
	fixture_add_test("one-has-the-duty-until-it-is-silent", test_one_has_the_duty_until_it_is_silent);
	fixture_add_test("what-can-be-no-alarm-is-refused", test_what_can_be_no_alarm_is_refused);
	fixture_add_test("what-no-node-has-written-is-left-out", test_what_no_node_has_written_is_left_out);
	fixture_add_test("there-is-an-end-to-how-many-stand", test_there_is_an_end_to_how_many_stand);
	g_test_add_func("/store-alarms/a-key-of-a-wrong-type-is-named-and-stays", test_a_key_of_a_wrong_type_is_named_and_stays);
	g_test_add_func("/store-alarms/a-file-of-version-5-goes-on", test_a_file_of_version_5_goes_on);
	result = g_test_run();
	fixture_shut_down();
	return result;
}
