/* Notes and notices with arguments that make no key, in keys of a wrong type, beside values of any size; and what becomes of them in the
 * end: SQLite's sweep and its older files, the end of each key in Redis. */
#include <string.h>

#include "base/clock.h"
#include "base/error.h"
#include "notes-fixture.h"

static void test_what_can_be_no_part_of_a_key_is_refused(gconstpointer kind)
{
	static const char *const wrong[] = { "", "a b", "a:b", "a/b", "\xc3\xa4", "a\nb",
		"0123456789012345678901234567890123456789012345678901234567890123x" };
	g_autoptr(Outage) outage = outage_new(kind);
	Store *store = outage->store;

	for (gsize i = 0; i < G_N_ELEMENTS(wrong); i++) {
		StoredNote note = { .key = (char *)wrong[i], .payload = (char *)"{}", .mac = (char *)"m", .at = 1 };
		StoredNote good = { .key = (char *)"key", .payload = (char *)"{}", .mac = (char *)"m", .at = 1 };
		StoredNotice notice = { .name = (char *)wrong[i], .payload = (char *)"{}", .mac = (char *)"m" };
		g_autoptr(GPtrArray) keys = g_ptr_array_new();
		g_autofree char *cursor = NULL;
		bool yes;

		g_ptr_array_add(keys, (gpointer)wrong[i]);
		g_assert_false(store_note_add(store, NOTES_WAITING, NULL, &note, NULL, NULL));
		g_assert_false(store_note_add(store, NOTES_CONTACTS, wrong[i], &good, NULL, NULL));
		g_assert_false(store_notes_slice(store, NOTES_CONTACTS, wrong[i], &cursor, keys, NULL));
		g_assert_false(store_waiting_end(store, keys, NULL, NULL));
		g_assert_false(store_waiting_page(store, wrong[i], 0, 1, &yes, NULL));
		g_assert_false(store_optout_add(store, wrong[i], "tag", NULL));
		g_assert_false(store_optout_has(store, NOTES_ID, wrong[i], &yes, NULL));
		g_assert_false(store_notice_add(store, NOTES_ID, &notice, "anna", NULL));
		g_assert_null(store_notices(store, wrong[i], NULL));
		g_assert_false(store_notice_lease(store, NOTES_ID, wrong[i], 1, &yes, NULL));
		g_assert_false(store_notice_progress(store, wrong[i], NOTES_NAME, 1, 1, false, NULL));
	}
	g_assert_false(store_note_add(store, NOTES_CONTACTS, NULL, &(StoredNote){ .key = (char *)"k", .payload = (char *)"{}",
	    .mac = (char *)"m" }, NULL, NULL));
	g_assert_false(store_note_add(store, NOTES_RECENT, NULL, &(StoredNote){ .key = (char *)"k", .payload = (char *)"{}",
	    .mac = (char *)"two words" }, NULL, NULL));
	g_assert_false(store_note_add(store, NOTES_RECENT, NULL, &(StoredNote){ .key = (char *)"k", .mac = (char *)"m" }, NULL, NULL));
}

/* Every operation once; they may fail, but in words. Then each key is another one's again. */
static void use_everything(Store *store, const char *named)
{
	StoredNote note = { .key = (char *)"key1", .payload = (char *)"{}", .mac = (char *)"m", .at = clock_now() };
	StoredNotice notice = { .name = (char *)NOTES_NAME, .payload = (char *)"{}", .mac = (char *)"m" };
	g_autoptr(GPtrArray) keys = g_ptr_array_new();
	bool yes, ok, complained = false;

	g_ptr_array_add(keys, (gpointer)"key1");
	for (int step = 0; step < 12; step++) {
		g_autoptr(GPtrArray) notes = g_ptr_array_new_with_free_func((GDestroyNotify)stored_note_free), notices = NULL;
		g_autoptr(GError) error = NULL;
		g_autofree char *cursor = NULL;
		NoteList list = notes_lists[step % 3];

		switch (step) {
		case 0: case 1: case 2:
			ok = store_note_add(store, list, notes_id_of(list), &note, NULL, &error);
			break;
		case 3: case 4: case 5:
			ok = store_notes_slice(store, list, notes_id_of(list), &cursor, notes, &error);
			break;
		case 6:
			ok = store_waiting_page(store, "key1", 0, 1, &yes, &error) && store_waiting_end(store, keys, NULL, &error);
			break;
		case 7:
			ok = store_optout_add(store, NOTES_ID, "tag", &error);
			break;
		case 8:
			ok = store_optout_has(store, NOTES_ID, "tag", &yes, &error);
			break;
		case 9:
			ok = store_notice_add(store, NOTES_ID, &notice, "anna", &error);
			break;
		case 10:
			ok = (notices = store_notices(store, NOTES_ID, &error)) != NULL;
			break;
		default:
			ok = store_notice_lease(store, NOTES_ID, NOTES_NAME, 1, &yes, &error) && store_notice_progress(store, NOTES_ID, NOTES_NAME, 1, 0, true, &error);
		}
		g_assert_cmpint(ok, ==, error == NULL);
		if (error != NULL)
			g_assert_error(error, OUTAGE_ERROR, OUTAGE_ERROR_INVALID);
		complained = complained || (error != NULL && named != NULL && strstr(error->message, named) != NULL);
	}
	g_assert_cmpint(complained, ==, named != NULL);
}

static const struct { const char *key, *name; } keys_of_notes[] = {
	{ "outage:recent", "outage:recent" }, { "outage:recent:at", "outage:recent:at" },
	{ "outage:waiting", "outage:waiting" }, { "outage:waiting:at", "outage:waiting:at" },
	{ "outage:contacts:" NOTES_ID, "outage:contacts:" NOTES_ID }, { "outage:contacts:" NOTES_ID ":at", "outage:contacts:" NOTES_ID ":at" },
	{ "outage:optout:" NOTES_ID, "WRONGTYPE" }, { "outage:notices:" NOTES_ID, "outage:notices:" NOTES_ID },
};

static void test_a_key_of_a_wrong_type_is_named_and_harms_nothing_else(void)
{
	static const char *const wrong[] = { "SET", "RPUSH" };

	for (gsize i = 0; i < G_N_ELEMENTS(keys_of_notes); i++) {
		for (gsize k = 0; k < G_N_ELEMENTS(wrong); k++) {
			g_autoptr(Outage) outage = outage_new("redis");

			g_free(fixture_redis(wrong[k], keys_of_notes[i].key, "strange", NULL));
			use_everything(outage->store, keys_of_notes[i].name);
			g_assert_false(store_is_lost(outage->store));
			g_assert_cmpint(claims_ask(outage->store, &outage->state, false, "hash1", "t1"), ==, CLAIM_WON);
			g_assert_cmpint(claims_ask_letter(outage->store, &outage->state, LETTER_NOTICE, NOTES_NAME, "hash1", "t2"), ==, CLAIM_WON);
			g_free(fixture_redis("DEL", keys_of_notes[i].key, NULL));
			use_everything(outage->store, NULL);
		}
	}
}

#define HUGE "string.rep('x', 33554432)"

static const struct { const char *script, *named; } sizes[] = {
	{ "redis.call('ZADD', 'outage:recent:at', redis.call('TIME')[1], 'key1') redis.call('HSET', 'outage:recent', 'key1', " HUGE ")", NULL },
	{ "redis.call('ZADD', 'outage:waiting:at', redis.call('TIME')[1], 'key1') redis.call('HSET', 'outage:waiting', 'key1', " HUGE ")", NULL },
	{ "redis.call('ZADD', 'outage:contacts:" NOTES_ID ":at', 1, 'key1') redis.call('HSET', 'outage:contacts:" NOTES_ID "', 'key1', " HUGE ")", NULL },
	{ "redis.call('ZADD', 'outage:waiting:at', redis.call('TIME')[1], 'key2') redis.call('HSET', 'outage:waiting', 'key2', 'no note')", NULL },
	{ "redis.call('ZADD', 'outage:waiting:at', redis.call('TIME')[1], 'key2')", NULL },
	{ "redis.call('ZADD', 'outage:recent:at', '+inf', 'key1', '-inf', 'key2')", NULL },
	{ "redis.call('ZADD', 'outage:recent:at', 1, " HUGE ")", NULL },
	{ "redis.call('ZADD', 'outage:contacts:" NOTES_ID ":at', 1, " HUGE ")", NULL },
	{ "redis.call('HSET', 'outage:recent', " HUGE ", 'x')", NULL },
	{ "redis.call('SADD', 'outage:optout:" NOTES_ID "', " HUGE ")", NULL },
	{ "redis.call('HSET', 'outage:notices:" NOTES_ID "', 'strange', " HUGE ", 'lease:strange', 'x', 'other', 'no notice', 'a\\0b', '0 0 0 m x')",
	  "holds more" },
	{ "redis.call('HSET', 'outage:notices:" NOTES_ID "', 'strange', string.rep('x', 1048576), 'other', 'no notice', 'a\\0b', '0 0 0 m x')", NULL },
	{ "redis.call('HSET', 'outage:notices:" NOTES_ID "', 'lease:" NOTES_NAME "', string.rep('x', 1048576))", NULL },
	{ "redis.call('HSET', 'outage:notices:" NOTES_ID "', 'lease:" NOTES_NAME "', '99999999999999999999 me')", NULL },
	{ "for i = 1, 100000 do redis.call('HSET', 'outage:notices:" NOTES_ID "', 'n' .. i, '0 0 0 m x') end", "holds more" },
};

static void test_no_value_is_too_large_in_redis(void)
{
	for (gsize i = 0; i < G_N_ELEMENTS(sizes); i++) {
		g_autoptr(Outage) outage = outage_new("redis");

		fixture_run(outage->fixture, sizes[i].script, NULL);
		use_everything(outage->store, sizes[i].named);
		g_assert_false(store_is_lost(outage->store));
	}
}

static void test_no_value_is_too_large_in_sqlite(void)
{
	static const char *const rows[] = {
		"INSERT INTO notes(list, id, key, at, apart, mac, payload) VALUES('waiting', '', 'key1', 9999999999, '', '', hex(zeroblob(9999999)))",
		"INSERT INTO notes(list, id, key, at, apart, mac, payload) VALUES('recent', '', hex(zeroblob(9999999)), 9999999999, '', '', '')",
		"INSERT INTO notes(list, id, key, at, apart, mac, payload) VALUES('recent', '', x'00ff', 9999999999, x'ff', x'00', x'00')",
		"INSERT INTO notes(list, id, key, at, apart, mac, payload) VALUES('recent', '', 'a' || char(0) || 'b', 9999999999, 'x', 'y', 'z')",
		"INSERT INTO notes(list, id, key, at, apart, mac, payload) VALUES('strange', 'x', 'y', 'no time', 'x', 'y', 'z')",
		"INSERT INTO notices(id, name, at, mac, payload) VALUES('" NOTES_ID "', 'strange', 1, 'm', hex(zeroblob(9999999)))",
		"INSERT INTO notices(id, name, at, mac, payload, told, leased_by) VALUES('" NOTES_ID "', 'strange', 1, 'm', 'p', 'many', x'00')",
		"INSERT INTO optout(id, tag, expires) VALUES('" NOTES_ID "', hex(zeroblob(9999999)), 'never')",
	};

	for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
		g_autoptr(Outage) outage = outage_new("sqlite");

		fixture_run(outage->fixture, NULL, rows[i]);
		use_everything(outage->store, NULL);
	}
}

/* --- SQLite's own --- */

static gint64 rows_of(const Fixture *fixture, const char *list)
{
	g_autoptr(Store) store = fixture_open(fixture, "counter");
	g_autofree char *sql = g_strdup_printf("CREATE TABLE IF NOT EXISTS seen(n); DELETE FROM seen;"
	    " INSERT INTO seen SELECT count(*) FROM notes WHERE list = '%s'; DELETE FROM stats WHERE id = 'seen';"
	    " INSERT INTO stats(id, counter, n) SELECT 'seen', 'rows', n FROM seen", list);

	fixture_run(fixture, NULL, sql);
	return (gint64)claims_counter(store, "seen", "rows");
}

static void test_the_sweep_takes_what_is_past_its_time(void)
{
	g_autoptr(Fixture) fixture = fixture_new("sqlite");
	g_autofree char *sql = NULL;
	g_autoptr(Store) store = fixture_open(fixture, "a");
	IncidentState state = { .id = NULL };
	g_autoptr(GPtrArray) gone = NULL, kept = NULL;
	g_autoptr(GError) error = NULL;
	bool has_old, has_kept;

	claims_set_word(store, "default", WORD_P1, &state);
	sql = g_strdup_printf("INSERT INTO notes(list, id, key, at, apart, mac, payload) VALUES('recent', '', 'a', 1, '', 'm', 'p'),"
	    " ('waiting', '', 'a', 1, '', 'm', 'p'), ('contacts', '" NOTES_ID "', 'a', 1, '', 'm', 'p'), ('contacts', '%s', 'a', 1, '', 'm', 'p');"
	    "INSERT INTO notices(id, name, at, mac, payload) VALUES('" NOTES_ID "', 'old', 1, 'm', 'p'), ('%s', 'kept', 1, 'm', 'p');"
	    "INSERT INTO optout(id, tag, expires) VALUES('" NOTES_ID "', 'tag', 1), ('%s', 'tag', 1)", state.id, state.id, state.id);
	fixture_run(fixture, NULL, sql);
	g_assert_true(store_heartbeat(store, "{}", &error));
	g_assert_cmpint(rows_of(fixture, "recent"), ==, 0);
	g_assert_cmpint(rows_of(fixture, "waiting"), ==, 0);
	/* What belongs to an incident that is on stays. */
	g_assert_cmpint(rows_of(fixture, "contacts"), ==, 1);
	gone = notes_ordered(store, NOTES_ID);
	kept = notes_ordered(store, state.id);
	g_assert_cmpuint(gone->len, ==, 0);
	g_assert_cmpuint(kept->len, ==, 1);
	g_assert_true(store_optout_has(store, NOTES_ID, "tag", &has_old, &error));
	g_assert_true(store_optout_has(store, state.id, "tag", &has_kept, &error));
	g_assert_false(has_old);
	g_assert_true(has_kept);
	incident_state_clear(&state);
}

static void test_a_file_of_version_4_goes_on(void)
{
	g_autoptr(Outage) outage = outage_new("sqlite");
	g_autoptr(Store) store = NULL, other = NULL;
	g_autoptr(GPtrArray) notices = NULL;

	g_assert_cmpint(claims_ask(outage->store, &outage->state, false, "hash1", "t1"), ==, CLAIM_WON);
	fixture_run(outage->fixture, NULL, "DROP TABLE notes; DROP TABLE note_counts; DROP TABLE notices; DROP TABLE optout;"
	    " DROP TABLE alarms; DROP TABLE alarm_duty;"
	    " PRAGMA user_version = 4");
	store = fixture_open(outage->fixture, "b");
	other = fixture_open(outage->fixture, "c");
	use_everything(store, NULL);
	notices = notes_ordered(other, NOTES_ID);
	g_assert_cmpuint(notices->len, ==, 1);
	g_assert_cmpint(claims_ask(store, &outage->state, false, "hash1", "t2"), ==, CLAIM_ALREADY);
	claims_check_counts(store, 1, 0, 0, 0, 0);
}

/* In Redis the keys end by themselves. */
static void test_every_key_ends(void)
{
	g_autoptr(Outage) outage = outage_new("redis");

	g_assert_true(notes_add(outage->store, NOTES_WAITING, "key9", "{}", clock_now(), ""));
	use_everything(outage->store, NULL);
	for (gsize i = 0; i < G_N_ELEMENTS(keys_of_notes); i++) {
		g_autofree char *left = fixture_redis("TTL", keys_of_notes[i].key, NULL);

		g_assert_cmpint(g_ascii_strtoll(left, NULL, 10), >, 0);
	}
}

int main(int argc, char **argv)
{
	int result;

	g_test_init(&argc, &argv, NULL);
	fixture_add_test("what-can-be-no-part-of-a-key-is-refused", test_what_can_be_no_part_of_a_key_is_refused);
	g_test_add_func("/store-notes/a-key-of-a-wrong-type-is-named-and-harms-nothing-else",
	    test_a_key_of_a_wrong_type_is_named_and_harms_nothing_else);
	g_test_add_func("/store-notes/no-value-is-too-large-in-redis", test_no_value_is_too_large_in_redis);
	g_test_add_func("/store-notes/no-value-is-too-large-in-sqlite", test_no_value_is_too_large_in_sqlite);
	g_test_add_func("/store-notes/the-sweep-takes-what-is-past-its-time", test_the_sweep_takes_what_is_past_its_time);
	g_test_add_func("/store-notes/a-file-of-version-4-goes-on", test_a_file_of_version_4_goes_on);
	g_test_add_func("/store-notes/every-key-ends", test_every_key_ends);
	result = g_test_run();
	fixture_shut_down();
	claims_shut_down();
	return result;
}
