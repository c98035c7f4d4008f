/* Wrong values in a real Redis: every key with every wrong type, size and encoding, states that are half written or from the future. What
 * was last known stands, the mistake is named once, and the operator's word mends it. */
#include <string.h>

#include "base/clock.h"
#include "base/error.h"
#include "store/keep.h"
#include "wrong-fixture.h"

/* Returns what the server has sent to all its clients so far. */
static guint64 bytes_sent(void)
{
	g_autofree char *info = fixture_redis("INFO", "stats", NULL);
	const char *line = strstr(info, "total_net_output_bytes:");

	g_assert_nonnull(line);
	return g_ascii_strtoull(line + strlen("total_net_output_bytes:"), NULL, 10);
}

/* Does the damage to a good state, and checks that all of it stands and that `named` is complained of, once (NULL: nothing is). */
static void check_damage(const char *script, const char *named)
{
	g_autoptr(Fixture) fixture = fixture_new("redis");
	g_autoptr(Store) store = fixture_open(fixture, "node1"), fresh_store = fixture_open(fixture, "node2");
	g_autoptr(Snapshot) good = wrong_good_state(store), seen = NULL, again = NULL, fresh = NULL;
	guint64 sent;

	wrong_run(script);
	sent = bytes_sent();
	seen = wrong_snapshot(store, good);
	g_assert_cmpuint(bytes_sent() - sent, <, 65536);
	wrong_assert_readable(seen);
	g_assert_cmpint(seen->problems->len > 0, ==, named != NULL);
	if (named != NULL)
		g_assert_true(wrong_has_problem(seen, named));
	g_assert_false(seen->store_empty);
	wrong_assert_same_incident(seen, good, "default");
	wrong_assert_same_incident(seen, good, "payments");
	/* It is said once: the words stay the same from one reading to the next. */
	again = wrong_snapshot(store, seen);
	wrong_assert_same_problems(again, seen);
	wrong_assert_same_incident(again, good, "default");
	/* A node without a memory has nothing to go by; it says the same, and does not fall over. */
	fresh = wrong_snapshot(fresh_store, NULL);
	wrong_assert_readable(fresh);
	g_assert_cmpint(fresh->problems->len > 0, ==, named != NULL);
}

static const char *const keys[] = { "incident", "incidents", "pause", "known", "life", "state:default", "incident:default",
	"updates:default" };
static const struct { const char *type, *write; } types[] = {
	{ "string", "redis.call('SET', key, 'P1')" }, { "list", "redis.call('RPUSH', key, 'P1')" },
	{ "set", "redis.call('SADD', key, 'P1')" }, { "zset", "redis.call('ZADD', key, 1, 'P1')" },
	{ "stream", "redis.call('XADD', key, '*', 'word', 'P1')" }, { "hash", "redis.call('HSET', key, 'word', 'P1')" },
};

static bool is_right(const char *key, const char *type)
{
	static const struct { const char *key, *type; } right[] = {
		{ "incident", "string" }, { "incidents", "hash" }, { "pause", "string" }, { "known", "set" }, { "life", "string" },
		{ "state:default", "hash" }, { "incident:default", "hash" }, { "updates:default", "stream" },
	};

	for (gsize i = 0; i < G_N_ELEMENTS(right); i++)
		if (strcmp(right[i].key, key) == 0)
			return strcmp(right[i].type, type) == 0;
	return false;
}

static void test_every_key_of_every_wrong_type(void)
{
	for (gsize i = 0; i < G_N_ELEMENTS(keys); i++) {
		for (gsize j = 0; j < G_N_ELEMENTS(types); j++) {
			g_autofree char *key = g_strconcat("outage:", keys[i], NULL);
			g_autofree char *script = g_strdup_printf("local key = '%s' redis.call('DEL', key) %s return 1", key, types[j].write);

			if (!is_right(keys[i], types[j].type))
				check_damage(script, key);
		}
	}
}

/* SETRANGE makes a string of that length of zeros without sending it. */
#define HUGE_STRING(key) "redis.call('DEL', 'outage:" key "') return redis.call('SETRANGE', 'outage:" key "', 104857599, 'x')"
#define LONG_STRING(key) "return redis.call('SET', 'outage:" key "', string.rep('P1 ', 350000))"
#define HUGE_TEXT "string.rep('x', 104857600)"
#define LONG_TEXT "string.rep('x', 1048576)"

static const struct { const char *script, *named; } sizes[] = {
	{ HUGE_STRING("incident"), "outage:incident holds" },
	{ HUGE_STRING("incidents"), "outage:incidents is not a hash" },
	{ HUGE_STRING("pause"), "outage:pause is too long" },
	{ HUGE_STRING("known"), "outage:known is too long" },
	{ HUGE_STRING("life"), "outage:life is too long" },
	{ HUGE_STRING("state:default"), "outage:state:default is not a hash" },
	{ HUGE_STRING("incident:default"), "outage:incident:default is not a hash" },
	{ HUGE_STRING("updates:default"), "outage:updates:default is too long" },
	{ LONG_STRING("incident"), "outage:incident holds" },
	{ LONG_STRING("pause"), "outage:pause is too long" },
	{ LONG_STRING("life"), "outage:life is too long" },
	{ "return redis.call('HSET', 'outage:incidents', 'payments', " HUGE_TEXT ")", "field payments of outage:incidents" },
	{ "return redis.call('HSET', 'outage:incidents', 'payments', " LONG_TEXT ")", "field payments of outage:incidents" },
	{ "return redis.call('HSET', 'outage:incidents', " HUGE_TEXT ", 'P1')", "outage:incidents has more than" },
	{ "return redis.call('HSET', 'outage:incidents', string.rep('x', 4000), 'P1')", "is no name of an incident" },
	{ "for i = 1, 100000 do redis.call('HSET', 'outage:incidents', 'n' .. i, 'none') end return 1", "outage:incidents has more than" },
	{ "return redis.call('SADD', 'outage:known', " HUGE_TEXT ")", "outage:known is too long" },
	{ "for i = 1, 100000 do redis.call('SADD', 'outage:known', 'n' .. i) end return 1", "outage:known is too long" },
	{ "return redis.call('SADD', 'outage:known', 'P1', '', 'no name', '\\255', string.rep('y', 33))", NULL },
	{ "return redis.call('HSET', 'outage:state:default', 'word', " HUGE_TEXT ")", "its field word is 104857600 bytes long" },
	{ "return redis.call('HSET', 'outage:state:default', 'id', " LONG_TEXT ")", "its field id is 1048576 bytes long" },
	{ "return redis.call('HSET', 'outage:state:default', 'epoch', " HUGE_TEXT ")", "its field epoch is 104857600 bytes long" },
	{ "return redis.call('HSET', 'outage:state:default', 'unheard_of', " HUGE_TEXT ")", NULL },
	{ "return redis.call('HSET', 'outage:incident:default', 'title', " HUGE_TEXT ")", "title is 104857600 bytes long" },
	{ "return redis.call('HSET', 'outage:incident:default', 'scope', string.rep('x', 4097))", "scope is 4097 bytes long" },
	{ "return redis.call('HSET', 'outage:incident:default', 'unheard_of', " HUGE_TEXT ")", NULL },
	{ "return redis.call('XADD', 'outage:updates:default', '*', 'text', " HUGE_TEXT ")", "outage:updates:default is too long" },
	{ "return redis.call('XADD', 'outage:updates:default', '*', 'text', " LONG_TEXT ")", "no field \"text\"" },
	{ "return redis.call('XADD', 'outage:updates:default', '*', 'unheard_of', " HUGE_TEXT ")", "outage:updates:default is too long" },
};

static void test_every_size_costs_a_node_nothing(void)
{
	for (gsize i = 0; i < G_N_ELEMENTS(sizes); i++)
		check_damage(sizes[i].script, sizes[i].named);
}

static const struct { const char *script, *named; } states[] = {
	{ "return redis.call('HDEL', 'outage:state:default', 'id')", "without id" },
	{ "return redis.call('HDEL', 'outage:state:default', 'declared_at')", "without id and declared_at" },
	{ "return redis.call('HDEL', 'outage:state:default', 'word')", "no words, or missing" },
	{ "return redis.call('HDEL', 'outage:state:default', 'flip')", "no words, or missing" },
	{ "return redis.call('HDEL', 'outage:state:default', 'epoch')", "epoch" },
	{ "redis.call('DEL', 'outage:state:default') return redis.call('HSET', 'outage:state:default', 'word', 'P1')", "epoch" },
	{ "redis.call('DEL', 'outage:state:default')"
	  " return redis.call('HSET', 'outage:state:default', 'word', 'P1', 'flip', 'P1', 'epoch', '0')", "without id" },
	{ "return redis.call('HSET', 'outage:state:default', 'word', 'P9')", "no words" },
	{ "return redis.call('HSET', 'outage:state:default', 'word', '')", "no words" },
	{ "return redis.call('HSET', 'outage:state:default', 'word', 'none')", "do not go together" },
	{ "return redis.call('HSET', 'outage:state:default', 'word', 'resolved')", "do not go together" },
	{ "redis.call('SET', 'outage:incident', 'none') redis.call('HSET', 'outage:state:default', 'word', 'none', 'flip', 'none')"
	  " return redis.call('SET', 'outage:incident', 'P1')", "without ended_at" },
	{ "return redis.call('HSET', 'outage:state:default', 'word', 'resolved', 'flip', 'resolved')", "without resolved_at" },
	{ "return redis.call('HSET', 'outage:state:default', 'epoch', '-1')", "epoch is no number" },
	{ "return redis.call('HSET', 'outage:state:default', 'epoch', '1e3')", "epoch is no number" },
	{ "return redis.call('HSET', 'outage:state:default', 'epoch', 'x')", "epoch is no number" },
	{ "return redis.call('HSET', 'outage:state:default', 'epoch', '')", "epoch is no number" },
	{ "return redis.call('HSET', 'outage:state:default', 'epoch', ' 1')", "epoch is no number" },
	{ "return redis.call('HSET', 'outage:state:default', 'epoch', '99999999999999999999')", "epoch is no number" },
	{ "return redis.call('HSET', 'outage:state:default', 'epoch', '9007199254740993')", "epoch is no number" },
	{ "return redis.call('HSET', 'outage:state:default', 'declared_at', '2100-01-01T00:00:00Z')", "declared_at is no time" },
	{ "return redis.call('HSET', 'outage:state:default', 'declared_at', 'soon')", "declared_at is no time" },
	{ "return redis.call('HSET', 'outage:state:default', 'declared_at', '')", "declared_at is no time" },
	{ "return redis.call('HSET', 'outage:state:default', 'declared_at', '2026-02-31T00:00:00Z')", "declared_at is no time" },
	{ "return redis.call('HSET', 'outage:state:default', 'declared_at', '0000-00-00T00:00:00Z')", "declared_at is no time" },
	{ "return redis.call('HSET', 'outage:state:default', 'declared_at', '2026-01-01 00:00:00Z')", "declared_at is no time" },
	{ "return redis.call('HSET', 'outage:state:default', 'declared_at', '\\255\\254')", "declared_at is no time" },
	{ "return redis.call('HSET', 'outage:state:default', 'reopened_at', '2100-01-01T00:00:00Z')", "reopened_at is no time" },
	{ "return redis.call('HSET', 'outage:state:default', 'resolved_at', '2100-01-01T00:00:00Z')", "resolved_at is no time" },
	{ "return redis.call('HSET', 'outage:state:default', 'ended_at', '2100-01-01T00:00:00Z')", "ended_at is no time" },
	{ "return redis.call('HSET', 'outage:state:default', 'id', 'x')", "no id of an incident" },
	{ "return redis.call('HSET', 'outage:state:default', 'id', '')", "no id of an incident" },
	{ "return redis.call('HSET', 'outage:state:default', 'id', '20260101T000000Z-payments')", "no id of an incident default" },
	{ "return redis.call('HSET', 'outage:state:default', 'id', '21000101T000000Z-default')", "no id of an incident" },
	{ "return redis.call('HSET', 'outage:state:default', 'id', '20260101T000000Z-default\\0')", "id is no text" },
	{ "return redis.call('HSET', 'outage:state:default', 'id', '20260101T000000Z-\\27[2J')", "no id of an incident" },
	{ "return redis.call('HSET', 'outage:state:default', 'updates_after', 'x')", "updates_after" },
	{ "return redis.call('HSET', 'outage:state:default', 'changed_at', 'x')", "changed_at is no number" },
	{ "return redis.call('HSET', 'outage:state:default', 'changed_at', '-5')", "changed_at is no number" },
	/* A clock that was far ahead: known to be of no use, and no reason to mistrust the rest. */
	{ "return redis.call('HSET', 'outage:state:default', 'changed_at', '4102444800000')", NULL },
	{ "return redis.call('HDEL', 'outage:state:default', 'changed_at')", NULL },
};

static void test_a_damaged_state_keeps_the_last(void)
{
	for (gsize i = 0; i < G_N_ELEMENTS(states); i++)
		check_damage(states[i].script, states[i].named);
}

/* The operator's word makes a state of every damaged one; where the node on that machine remembers, under the old id. */
static void test_the_word_mends_a_damaged_state(void)
{
	for (gsize i = 0; i < G_N_ELEMENTS(states); i++) {
		g_autoptr(Fixture) fixture = fixture_new("redis");
		g_autoptr(Store) store = fixture_open(fixture, "node1"), operator = fixture_open(fixture, "operator");
		g_autoptr(Snapshot) good = wrong_good_state(store), seen = NULL, mended = NULL, ended = NULL;
		g_autofree char *path = keep_path(fixture->config), *text = keep_format(good);

		if (i % 2 == 0)
			g_assert_true(keep_save(path, text, clock_now(), NULL));
		wrong_run(states[i].script);
		seen = wrong_snapshot(store, good);
		wrong_set_word(operator, "default", WORD_P2);
		mended = wrong_snapshot(store, seen);
		g_assert_cmpuint(mended->problems->len, ==, 0);
		g_assert_cmpint(wrong_state_of(mended, "default")->word, ==, WORD_P2);
		if (i % 2 == 0)
			g_assert_cmpstr(wrong_state_of(mended, "default")->id, ==, wrong_state_of(good, "default")->id);
		wrong_set_word(operator, "default", WORD_NONE);
		ended = wrong_snapshot(store, mended);
		g_assert_cmpint(wrong_state_of(ended, "default")->word, ==, WORD_NONE);
		g_assert_cmpuint(ended->problems->len, ==, 0);
	}
}

/* So does a word set by hand that is another than the last one: the node that sees it goes on from what it remembers. */
static void test_a_flip_beside_a_damaged_state_is_acted_on(void)
{
	g_autoptr(Fixture) fixture = fixture_new("redis");
	g_autoptr(Store) store = fixture_open(fixture, "node1");
	g_autoptr(Snapshot) good = wrong_good_state(store), seen = NULL, flipped = NULL;

	wrong_run("return redis.call('HSET', 'outage:state:default', 'declared_at', '2100-01-01T00:00:00Z')");
	seen = wrong_snapshot(store, good);
	wrong_run("return redis.call('SET', 'outage:incident', 'resolved')");
	flipped = wrong_snapshot(store, seen);
	g_assert_cmpint(wrong_state_of(flipped, "default")->word, ==, WORD_RESOLVED);
	g_assert_cmpstr(wrong_state_of(flipped, "default")->id, ==, wrong_state_of(good, "default")->id);
	g_assert_cmpuint(flipped->problems->len, ==, 0);
}

static const struct { const char *script, *named; } encodings[] = {
	{ "return redis.call('SET', 'outage:incident', 'P1\\0')", "outage:incident holds" },
	{ "return redis.call('SET', 'outage:incident', '\\255\\254')", "outage:incident holds" },
	{ "return redis.call('SET', 'outage:incident', '\\27[2J')", "outage:incident holds" },
	{ "return redis.call('HSET', 'outage:incidents', 'payments', 'P1\\0')", "field payments" },
	{ "return redis.call('HSET', 'outage:incidents', '\\27]0;x\\7', 'P1')", "no name of an incident" },
	{ "return redis.call('HSET', 'outage:incidents', 'a\\0b', 'P1')", "no name of an incident" },
	{ "return redis.call('HSET', 'outage:incident:default', 'title', 'a\\0b')", "NUL" },
	{ "return redis.call('HSET', 'outage:incident:default', 'title', '\\192\\128')", "UTF-8" },
	{ "return redis.call('HSET', 'outage:incident:default', 'scope', 'a\\27[2Jb')", "control characters" },
	{ "return redis.call('XADD', 'outage:updates:default', '*', 'text', 'a\\0b')", "outage:updates:default" },
	{ "return redis.call('XADD', 'outage:updates:default', '*', 'text', '\\255')", "outage:updates:default" },
	{ "return redis.call('XADD', 'outage:updates:default', '*', 'author', 'me')", "outage:updates:default" },
	{ "return redis.call('XADD', 'outage:updates:default', '4102444800000-0', 'text', 'from 2100')", "from the future" },
	{ "return redis.call('SET', 'outage:life', '')", "outage:life" },
	{ "return redis.call('SET', 'outage:life', 'a/b\\27[2J')", "outage:life" },
	{ "return redis.call('SET', 'outage:life', 'a\\0b')", "outage:life" },
};

static void test_every_encoding_keeps_the_last(void)
{
	for (gsize i = 0; i < G_N_ELEMENTS(encodings); i++)
		check_damage(encodings[i].script, encodings[i].named);
}

static void test_a_feed_from_the_future_begins_anew(void)
{
	static const char *const ids[] = { "4102444800000-0", "18446744073709551615-18446744073709551615" };

	for (gsize i = 0; i < G_N_ELEMENTS(ids); i++) {
		g_autoptr(Fixture) fixture = fixture_new("redis");
		g_autoptr(Store) store = fixture_open(fixture, "node1");
		g_autoptr(Snapshot) good = wrong_good_state(store), wrong = NULL, seen = NULL, later = NULL;
		g_autoptr(GError) error = NULL;

		g_free(fixture_redis("XADD", "outage:updates:default", ids[i], "text", "from the future", NULL));
		wrong = wrong_snapshot(store, good);
		g_assert_cmpstr(snapshot_find(wrong, "default")->update_text, ==, "a disk is replaced");
		g_assert_true(store_add_update(store, "default", "all is well", "tester", &error));
		seen = wrong_snapshot(store, wrong);
		g_assert_cmpstr(snapshot_find(seen, "default")->update_text, ==, "all is well");
		g_assert_cmpuint(seen->problems->len, ==, 0);
		g_assert_true(store_add_update(store, "default", "still", "tester", &error));
		later = wrong_snapshot(store, seen);
		g_assert_cmpstr(snapshot_find(later, "default")->update_text, ==, "still");
	}
}

/* Out of memory, too few replicas: what is there can be read all the same. */
static void test_a_server_that_refuses_to_write_is_read(void)
{
	g_autoptr(Fixture) fixture = fixture_new("redis");
	g_autoptr(Store) store = fixture_open(fixture, "node1");
	g_autoptr(Snapshot) good = wrong_good_state(store), refused = NULL, again = NULL, after = NULL;

	g_free(fixture_redis("SET", "outage:incident", "resolved", NULL));
	g_free(fixture_redis("SET", "outage:pause", "wait", NULL));
	g_free(fixture_redis("CONFIG", "SET", "maxmemory", "1", NULL));
	refused = wrong_snapshot(store, good);
	again = wrong_snapshot(store, refused);
	g_free(fixture_redis("CONFIG", "SET", "maxmemory", "0", NULL));
	wrong_assert_same_incident(refused, good, "default");
	g_assert_cmpstr(refused->pause, ==, "wait");
	g_assert_true(wrong_has_problem(refused, "cannot be acted on"));
	wrong_assert_same_problems(again, refused);
	after = wrong_snapshot(store, again);
	g_assert_cmpint(wrong_state_of(after, "default")->word, ==, WORD_RESOLVED);
	g_assert_cmpuint(after->problems->len, ==, 0);
}

int main(int argc, char **argv)
{
	int result;

	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/store-wrong/every-key-of-every-wrong-type", test_every_key_of_every_wrong_type);
	g_test_add_func("/store-wrong/every-size-costs-a-node-nothing", test_every_size_costs_a_node_nothing);
	g_test_add_func("/store-wrong/every-encoding-keeps-the-last", test_every_encoding_keeps_the_last);
	g_test_add_func("/store-wrong/a-damaged-state-keeps-the-last", test_a_damaged_state_keeps_the_last);
	g_test_add_func("/store-wrong/the-word-mends-a-damaged-state", test_the_word_mends_a_damaged_state);
	g_test_add_func("/store-wrong/a-flip-beside-a-damaged-state-is-acted-on", test_a_flip_beside_a_damaged_state_is_acted_on);
	g_test_add_func("/store-wrong/a-feed-from-the-future-begins-anew", test_a_feed_from_the_future_begins_anew);
	g_test_add_func("/store-wrong/a-server-that-refuses-to-write-is-read", test_a_server_that_refuses_to_write_is_read);
	result = g_test_run();
	fixture_shut_down();
	return result;
}
