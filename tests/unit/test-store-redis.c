/* The flip key as operators and their tools write it, with redis-cli on a real server: any word, type, name and encoding; deletion,
 * expiry; and that each of these wakes a waiting node. */
#include <string.h>

#include "base/error.h"
#include "claim-fixture.h"

static Snapshot *snapshot(Store *store, const Snapshot *last)
{
	g_autoptr(GError) error = NULL;
	Snapshot *taken = store_snapshot(store, last, &error);

	g_assert_no_error(error);
	return taken;
}

/* redis-cli runs Lua too: that is how bytes that no argument can hold get in. */
static void run(const char *script)
{
	g_autofree char *answer = fixture_redis("EVAL", script, "0", NULL);

	g_test_message("%s: %s", script, answer);
	g_assert_null(strstr(answer, "ERR"));
}

static Word word_of(const Snapshot *seen, const char *name)
{
	const Incident *incident = snapshot_find(seen, name);

	return incident != NULL ? incident->state.word : WORD_NONE;
}

static const struct { const char *script; Word word; } good_words[] = {
	{ "return redis.call('SET', 'outage:incident', 'P1')", WORD_P1 },
	{ "return redis.call('SET', 'outage:incident', 'p2')", WORD_P2 },
	{ "return redis.call('SET', 'outage:incident', ' \\t P3 \\r\\n')", WORD_P3 },
	{ "return redis.call('SET', 'outage:incident', 'ReSoLvEd')", WORD_RESOLVED },
	{ "return redis.call('SET', 'outage:incident', 'P1')", WORD_P1 },
	{ "return redis.call('SET', 'outage:incident', 'NONE')", WORD_NONE },
	{ "return redis.call('SET', 'outage:incident', 'P1')", WORD_P1 },
	{ "return redis.call('SET', 'outage:incident', '')", WORD_NONE },
	{ "return redis.call('SET', 'outage:incident', 'P1')", WORD_P1 },
	{ "return redis.call('SET', 'outage:incident', '   ')", WORD_NONE },
	{ "return redis.call('SET', 'outage:incident', 'P1')", WORD_P1 },
	{ "return redis.call('DEL', 'outage:incident')", WORD_NONE },
	/* A DEL and a SET that arrive as one. */
	{ "redis.call('SET', 'outage:incident', 'P1') redis.call('DEL', 'outage:incident') return redis.call('SET', 'outage:incident', 'P3')",
	    WORD_P3 },
};

static void test_every_form_of_a_word(void)
{
	g_autoptr(Fixture) fixture = fixture_new("redis");
	g_autoptr(Store) store = fixture_open(fixture, "node1");
	g_autoptr(Snapshot) last = NULL;

	for (gsize i = 0; i < G_N_ELEMENTS(good_words); i++) {
		Snapshot *seen;

		run(good_words[i].script);
		seen = snapshot(store, last);
		g_assert_cmpint(word_of(seen, "default"), ==, good_words[i].word);
		g_assert_cmpuint(seen->problems->len, ==, 0);
		g_assert_false(seen->store_empty);
		g_clear_pointer(&last, snapshot_unref);
		last = seen;
	}
}

/* What cannot be read; and the part of it that the problem has to name, or NULL. */
static const struct { const char *script, *named; } bad_flips[] = {
	{ "return redis.call('SET', 'outage:incident', 'P4')", "P4" },
	{ "return redis.call('SET', 'outage:incident', 'P1 P2')", "P1 P2" },
	{ "return redis.call('SET', 'outage:incident', 'true')", "true" },
	{ "return redis.call('SET', 'outage:incident', '1')", NULL },
	{ "return redis.call('SET', 'outage:incident', 'P1\\0')", NULL },
	{ "return redis.call('SET', 'outage:incident', '\\239\\187\\191P1')", NULL },
	{ "return redis.call('SET', 'outage:incident', '\\255\\254P\\0001\\000')", NULL },
	{ "return redis.call('SET', 'outage:incident', '\\27[2J')", NULL },
	{ "return redis.call('SET', 'outage:incident', string.rep('P1', 500000))", NULL },
	{ "redis.call('DEL', 'outage:incident') return redis.call('HSET', 'outage:incident', 'default', 'P1')", NULL },
	{ "redis.call('DEL', 'outage:incident') return redis.call('RPUSH', 'outage:incident', 'P1')", NULL },
	{ "redis.call('DEL', 'outage:incident') return redis.call('SADD', 'outage:incident', 'P1')", NULL },
	{ "redis.call('DEL', 'outage:incident') return redis.call('XADD', 'outage:incident', '*', 'word', 'P1')", NULL },
};

static void test_an_unreadable_flip_keeps_the_last_state(void)
{
	g_autoptr(Fixture) fixture = fixture_new("redis");
	g_autoptr(Store) store = fixture_open(fixture, "node1");
	g_autoptr(Snapshot) good = NULL, after = NULL;

	run("return redis.call('SET', 'outage:incident', 'P2')");
	good = snapshot(store, NULL);
	for (gsize i = 0; i < G_N_ELEMENTS(bad_flips); i++) {
		g_autoptr(Snapshot) seen = NULL;
		const char *problem;

		run(bad_flips[i].script);
		seen = snapshot(store, good);
		g_assert_cmpint(word_of(seen, "default"), ==, WORD_P2);
		g_assert_cmpstr(snapshot_find(seen, "default")->state.id, ==, snapshot_find(good, "default")->state.id);
		g_assert_cmpuint(seen->problems->len, ==, 1);
		problem = g_ptr_array_index(seen->problems, 0);
		g_assert_true(g_utf8_validate(problem, -1, NULL));
		g_assert_cmpuint(strlen(problem), <, 500);
		g_assert_null(strchr(problem, '\33'));
		if (bad_flips[i].named != NULL)
			g_assert_nonnull(strstr(problem, bad_flips[i].named));
	}
	run("redis.call('DEL', 'outage:incident') return redis.call('SET', 'outage:incident', 'P1')");
	after = snapshot(store, good);
	g_assert_cmpint(word_of(after, "default"), ==, WORD_P1);
	g_assert_cmpstr(snapshot_find(after, "default")->state.id, ==, snapshot_find(good, "default")->state.id);
	g_assert_cmpuint(after->problems->len, ==, 0);
}

static void test_the_hash_of_incidents(void)
{
	g_autoptr(Fixture) fixture = fixture_new("redis");
	g_autoptr(Store) store = fixture_open(fixture, "node1");
	g_autoptr(Snapshot) good = NULL, wrong_word = NULL, names = NULL, gone = NULL, wrong_type = NULL;

	/* That default was on once must not make its name one that counts here. */
	run("return redis.call('SET', 'outage:incident', 'P1')");
	snapshot_unref(snapshot(store, NULL));
	run("return redis.call('DEL', 'outage:incident')");
	run("return redis.call('HSET', 'outage:incidents', 'payments', 'P1', 'api_eu-1', ' p3 ')");
	good = snapshot(store, NULL);
	g_assert_cmpint(word_of(good, "payments"), ==, WORD_P1);
	g_assert_cmpint(word_of(good, "api_eu-1"), ==, WORD_P3);
	g_assert_cmpuint(good->problems->len, ==, 0);
	run("return redis.call('HSET', 'outage:incidents', 'payments', 'down')");
	wrong_word = snapshot(store, good);
	g_assert_cmpint(word_of(wrong_word, "payments"), ==, WORD_P1);
	g_assert_cmpuint(wrong_word->problems->len, ==, 1);
	run("return redis.call('HSET', 'outage:incidents', 'payments', 'P2', 'default', 'P1', 'P1', 'P1', 'Resolved', 'P1', 'Big Name', 'P1',"
	    " '\\255', 'P1', '', 'P1', '-x', 'P1')");
	names = snapshot(store, good);
	g_assert_cmpint(word_of(names, "payments"), ==, WORD_P2);
	g_assert_cmpint(word_of(names, "default"), ==, WORD_NONE);
	g_assert_null(snapshot_find(names, "P1"));
	g_assert_null(snapshot_find(names, "Big Name"));
	g_assert_cmpuint(names->problems->len, ==, 7);
	for (guint i = 0; i < names->problems->len; i++)
		g_assert_true(g_utf8_validate(g_ptr_array_index(names->problems, i), -1, NULL));
	/* A SET over the hash destroys it without a word: those incidents do not end by it. */
	run("return redis.call('SET', 'outage:incidents', 'P1')");
	wrong_type = snapshot(store, names);
	g_assert_cmpint(word_of(wrong_type, "payments"), ==, WORD_P2);
	g_assert_cmpint(word_of(wrong_type, "api_eu-1"), ==, WORD_P3);
	g_assert_cmpuint(wrong_type->problems->len, >=, 1);
	run("redis.call('DEL', 'outage:incidents') return redis.call('HSET', 'outage:incidents', 'payments', 'P2')");
	gone = snapshot(store, names);
	g_assert_cmpint(word_of(gone, "payments"), ==, WORD_P2);
	g_assert_cmpint(word_of(gone, "api_eu-1"), ==, WORD_NONE);
	g_assert_cmpuint(gone->problems->len, ==, 0);
}

static void test_texts_by_hand(void)
{
	g_autoptr(Fixture) fixture = fixture_new("redis");
	g_autoptr(Store) store = fixture_open(fixture, "node1");
	g_autoptr(Snapshot) good = NULL, broken = NULL, wrong_type = NULL;
	const Incident *incident;

	run("redis.call('SET', 'outage:incident', 'P1') return redis.call('HSET', 'outage:incident:default', 'title', 'Logins fail',"
	    " 'next_update_at', '2026-11-21T15:10:00Z', 'unheard_of', 'x')");
	good = snapshot(store, NULL);
	g_assert_cmpstr(snapshot_find(good, "default")->texts[TEXT_TITLE], ==, "Logins fail");
	g_assert_cmpuint(good->problems->len, ==, 0);
	run("return redis.call('HSET', 'outage:incident:default', 'title', 'bad \\255', 'next_update_at', 'soon', 'scope', 'Europe')");
	broken = snapshot(store, good);
	incident = snapshot_find(broken, "default");
	g_assert_cmpstr(incident->texts[TEXT_SCOPE], ==, "Europe");
	/* Neither the broken value nor anything but the last good one may be quoted to a customer. */
	g_assert_true(incident->texts[TEXT_TITLE] == NULL || strcmp(incident->texts[TEXT_TITLE], "Logins fail") == 0);
	g_assert_true(incident->texts[TEXT_NEXT_UPDATE_AT] == NULL ||
	    strcmp(incident->texts[TEXT_NEXT_UPDATE_AT], "2026-11-21T15:10:00Z") == 0);
	g_assert_cmpuint(broken->problems->len, ==, 2);
	run("redis.call('DEL', 'outage:incident:default') return redis.call('SET', 'outage:incident:default', 'x')");
	wrong_type = snapshot(store, good);
	g_assert_cmpint(word_of(wrong_type, "default"), ==, WORD_P1);
	g_assert_cmpuint(wrong_type->problems->len, >=, 1);
}

static void test_damaged_state_keeps_the_last(void)
{
	g_autoptr(Fixture) fixture = fixture_new("redis");
	g_autoptr(Store) store = fixture_open(fixture, "node1");
	g_autoptr(Snapshot) good = NULL, seen = NULL;

	run("return redis.call('SET', 'outage:incident', 'P1')");
	good = snapshot(store, NULL);
	run("redis.call('DEL', 'outage:state:default') return redis.call('SET', 'outage:state:default', 'x')");
	seen = snapshot(store, good);
	g_assert_cmpint(word_of(seen, "default"), ==, WORD_P1);
	g_assert_cmpstr(snapshot_find(seen, "default")->state.id, ==, snapshot_find(good, "default")->state.id);
	g_assert_cmpuint(seen->problems->len, >=, 1);
}

static const struct { const char *script; bool expires; } waking[] = {
	{ "return redis.call('SET', 'outage:incident', 'P1')", false },
	{ "return redis.call('HSET', 'outage:incidents', 'payments', 'P2')", false },
	{ "return redis.call('HSET', 'outage:incident:default', 'title', 'x')", false },
	{ "return redis.call('XADD', 'outage:updates:default', '*', 'text', 'news', 'author', 'me')", false },
	{ "return redis.call('SET', 'outage:pause', 'wait')", false },
	{ "return redis.call('DEL', 'outage:pause')", false },
	{ "return redis.call('DEL', 'outage:incident')", false },
	{ "return redis.call('SET', 'outage:incident', 'P3', 'PX', '1000')", true },
	{ "return redis.call('FLUSHALL')", false },
};

static void settle(Store *store)
{
	g_autoptr(GError) error = NULL;

	while (store_wait(store, -1, 30, &error) == 1)
		snapshot_unref(snapshot(store, NULL));
	g_assert_no_error(error);
}

static void test_every_change_wakes_a_waiting_node(void)
{
	g_autoptr(Fixture) fixture = fixture_new("redis");
	g_autoptr(Store) store = fixture_open(fixture, "node1");
	g_autoptr(GError) error = NULL;

	for (gsize i = 0; i < G_N_ELEMENTS(waking); i++) {
		settle(store);
		run(waking[i].script);
		g_assert_cmpint(store_wait(store, -1, 30000, &error), ==, 1);
		g_assert_no_error(error);
		if (waking[i].expires) {
			g_autoptr(Snapshot) seen = snapshot(store, NULL), after = NULL;

			g_assert_cmpint(word_of(seen, "default"), ==, WORD_P3);
			while (word_of(seen, "default") == WORD_P3) {
				g_assert_cmpint(store_wait(store, -1, 30000, &error), ==, 1);
				after = snapshot(store, seen);
				g_clear_pointer(&seen, snapshot_unref);
				seen = g_steal_pointer(&after);
			}
			g_assert_cmpint(word_of(seen, "default"), ==, WORD_NONE);
		}
	}
}

/* Claims must not wake every node: a flood would read everything again for each of its mails. */
static void test_claims_wake_nobody(void)
{
	g_autoptr(Fixture) fixture = fixture_new("redis");
	g_autoptr(Store) store = fixture_open(fixture, "node1");
	g_autoptr(GError) error = NULL;

	settle(store);
	run("redis.call('SET', 'outage:acked:x:active:y', 't 1') redis.call('XADD', 'outage:acks', '*', 'payload', 'x')"
	    " return redis.call('HINCRBY', 'outage:stats:x', 'queued', 1)");
	g_assert_cmpint(store_wait(store, -1, 100, &error), ==, 0);
	g_assert_no_error(error);
}

/* A buried job carries an address. */
static void test_buried_jobs_go_when_their_time_is_over(void)
{
	g_autoptr(Fixture) fixture = fixture_new("redis");
	g_autoptr(Store) store = NULL;
	g_autoptr(GError) error = NULL;
	QueueCounts counts;

	fixture->config->retention = 3600000;
	store = fixture_open(fixture, "replier");
	run("local now = redis.call('TIME')[1] for _, age in ipairs({ 90000, 3700, 3500, 0 }) do"
	    " redis.call('XADD', 'outage:acks:dead', string.format('%d-1', (now - age) * 1000), 'payload', 'x', 'mac', 'y') end");
	g_assert_null(store_job_take(store, 0, 3600000, &error));
	g_assert_no_error(error);
	g_assert_true(store_queue_counts(store, &counts, &error));
	g_assert_cmpuint(counts.dead, ==, 2);
}

/* Whatever else holds a mark or a block, its time does not begin anew, and what is only counted has an end too. */
static void test_what_is_kept_of_a_customer_ends(void)
{
	g_autoptr(Fixture) fixture = fixture_new("redis");
	g_autoptr(Store) store = fixture_open(fixture, "node1");
	g_autoptr(StoredJob) job = NULL;
	IncidentState state = { .id = NULL };
	g_autoptr(GError) error = NULL;
	g_autofree char *stats = NULL, *mark = NULL, *stats_life = NULL, *mark_life = NULL, *after = NULL, *keys = NULL;

	claims_set_word(store, "default", WORD_P1, &state);
	stats = g_strconcat("outage:stats:", state.id, NULL);
	mark = g_strconcat("outage:acked:", state.id, ":active:hash1", NULL);
	/* Held is the first thing that is ever counted. */
	fixture_add_bounce(fixture, "hash2");
	g_assert_cmpint(claims_ask(store, &state, false, "hash2", "token2"), ==, CLAIM_BOUNCED);
	stats_life = fixture_redis("TTL", stats, NULL);
	g_assert_cmpint(g_ascii_strtoll(stats_life, NULL, 10), >, 3600);
	g_assert_cmpint(claims_ask(store, &state, false, "hash1", "token1"), ==, CLAIM_WON);
	g_free(fixture_redis("EXPIRE", mark, "777", NULL));
	job = claims_take(store);
	g_assert_true(store_job_done(store, job, "hash1", &error));
	mark_life = fixture_redis("TTL", mark, NULL);
	g_assert_cmpint(g_ascii_strtoll(mark_life, NULL, 10), >, 0);
	g_assert_cmpint(g_ascii_strtoll(mark_life, NULL, 10), <=, 777);
	after = fixture_redis("GET", mark, NULL);
	g_assert_true(g_str_has_suffix(after, " sent"));
	g_assert_true(store_block(store, "hash1", 3600, "550 no", "me", &error));
	keys = fixture_redis("EVAL", "for _, key in ipairs(redis.call('KEYS', '*')) do if redis.call('TTL', key) == -1 and"
	    " string.find(key, 'hash1') then return key end end return 'none'", "0", NULL);
	g_assert_cmpstr(keys, ==, "none");
	incident_state_clear(&state);
}

/* A mark of the version before has no third word; one by hand may have any. */
static void test_marks_of_every_form(void)
{
	static const struct { const char *mark; JobStanding standing; } cases[] = {
		{ "token1 1795273800", JOB_STANDS }, { "token1 1795273800 sent", JOB_SENT }, { "token1", JOB_STANDS },
		{ "token1 soon", JOB_STANDS }, { "token1 1795273800 x", JOB_STANDS }, { "token2 1795273800", JOB_REPLACED },
		{ "token2 1795273800 sent", JOB_REPLACED }, { "", JOB_REPLACED }, { "token10 1795273800 sent", JOB_REPLACED },
		{ " token1 1795273800", JOB_REPLACED },
	};
	g_autoptr(Fixture) fixture = fixture_new("redis");
	g_autoptr(Store) store = fixture_open(fixture, "node1");
	IncidentState state = { .id = NULL };
	g_autoptr(StoredJob) stored = NULL;
	g_autoptr(Job) job = NULL;
	g_autoptr(GError) error = NULL;
	g_autofree char *mark = NULL;
	JobStanding standing;

	claims_set_word(store, "default", WORD_P1, &state);
	mark = g_strconcat("outage:acked:", state.id, ":active:hash1", NULL);
	stored = claims_sign("default", &state, false, "token1");
	stored->handle = g_strdup("1-1");
	job = job_open(claims_secret(), stored, &error);
	g_assert_no_error(error);
	for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
		g_autofree char *kept = NULL;
		bool own = cases[i].standing == JOB_STANDS || cases[i].standing == JOB_SENT;

		g_test_message("%s", cases[i].mark);
		g_free(fixture_redis("SET", mark, cases[i].mark, NULL));
		g_assert_true(store_job_standing(store, job, "hash1", &standing, &error));
		g_assert_cmpint(standing, ==, cases[i].standing);
		g_assert_cmpint(claims_ask(store, &state, false, "hash1", "token1"), ==, own ? CLAIM_WON : CLAIM_ALREADY);
		g_assert_true(store_job_done(store, stored, "hash1", &error));
		g_assert_true(store_job_standing(store, job, "hash1", &standing, &error));
		g_assert_cmpint(standing, ==, own ? JOB_SENT : cases[i].standing);
	}
	/* A key of another type is no mark to a replier, and does not keep a job in the queue. */
	run("for _, key in ipairs(redis.call('KEYS', 'outage:acked:*')) do redis.call('DEL', key) redis.call('LPUSH', key, 'x') end"
	    " return 1");
	g_assert_true(store_job_standing(store, job, "hash1", &standing, &error));
	g_assert_cmpint(standing, ==, JOB_UNMARKED);
	g_assert_true(store_job_done(store, stored, "hash1", &error));
	incident_state_clear(&state);
}

static void test_a_block_of_another_type_blocks(void)
{
	g_autoptr(Fixture) fixture = fixture_new("redis");
	g_autoptr(Store) store = fixture_open(fixture, "node1");
	g_autoptr(GError) error = NULL;
	g_autofree char *why = NULL;
	gint64 until;

	run("return redis.call('LPUSH', 'outage:bounced:hash1', 'x')");
	g_assert_true(store_blocked(store, "hash1", &why, &until, &error));
	g_assert_cmpstr(why, ==, "");
	g_assert_cmpint(until, ==, 0);
	g_assert_true(store_block(store, "hash1", 60, "550 no", "me", &error));
	g_clear_pointer(&why, g_free);
	g_assert_true(store_blocked(store, "hash1", &why, &until, &error));
	g_assert_cmpstr(why, ==, "550 no");
}

/* Delayed jobs that nobody signed: the list is shown, the good one leaves, and the operator can clear the rest away. */
static void test_rubbish_among_delayed_jobs(void)
{
	static const char fill[] = "local key, now = 'outage:acks:retry', redis.call('TIME')[1] + 3600"
	    " for _, member in ipairs({ '17', 'x', '\"x\"', 'null', '{}', '[]', '[1,2]', '[[],{}]',"
	    " '[\"17\",\"m\"]', '[\"[1]\",\"m\",{},[]]',"
	    " '[\"a\\\\u0000b\",\"m\"]', '/*[*/', string.rep('[', 1000000), '[\"' .. string.rep('[', 1000000) .. '\",\"m\"]',"
	    " string.rep('{\"a\":', 200000) }) do redis.call('ZADD', key, now, member) end return 1";
	g_autoptr(Fixture) fixture = fixture_new("redis");
	g_autoptr(Store) store = fixture_open(fixture, "node1");
	g_autoptr(GPtrArray) jobs = NULL;
	g_autoptr(GError) error = NULL;
	guint moved;

	run(fill);
	jobs = store_queue_list(store, QUEUE_PENDING, 100, &error);
	g_assert_no_error(error);
	g_assert_cmpuint(jobs->len, >=, 2);
	for (guint i = 0; i < jobs->len; i++)
		g_assert_null(job_open(claims_secret(), g_ptr_array_index(jobs, i), NULL));
	g_assert_true(store_queue_bury(store, "r:nobody", "x", &moved, &error));
	g_assert_cmpuint(moved, ==, 0);
	g_assert_true(store_queue_bury(store, NULL, "x", &moved, &error));
	g_assert_no_error(error);
	claims_check_counts(store, 0, 0, moved, 0, 0);
	run(fill);
	run("for _, member in ipairs(redis.call('ZRANGE', 'outage:acks:retry', 0, -1)) do"
	    " redis.call('ZADD', 'outage:acks:retry', 1, member) end return 1");
	for (StoredJob *job; (job = claims_take(store)) != NULL; stored_job_free(job)) {
		g_assert_null(job_open(claims_secret(), job, NULL));
		g_assert_true(store_job_bury(store, job, "not signed", &error));
	}
	claims_check_counts(store, 0, 0, 2 * moved, 0, 0);
}

int main(int argc, char **argv)
{
	int result;

	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/store-redis/every-form-of-a-word", test_every_form_of_a_word);
	g_test_add_func("/store-redis/an-unreadable-flip-keeps-the-last-state", test_an_unreadable_flip_keeps_the_last_state);
	g_test_add_func("/store-redis/the-hash-of-incidents", test_the_hash_of_incidents);
	g_test_add_func("/store-redis/texts-by-hand", test_texts_by_hand);
	g_test_add_func("/store-redis/damaged-state-keeps-the-last", test_damaged_state_keeps_the_last);
	g_test_add_func("/store-redis/every-change-wakes-a-waiting-node", test_every_change_wakes_a_waiting_node);
	g_test_add_func("/store-redis/claims-wake-nobody", test_claims_wake_nobody);
	g_test_add_func("/store-redis/what-is-kept-of-a-customer-ends", test_what_is_kept_of_a_customer_ends);
	g_test_add_func("/store-redis/marks-of-every-form", test_marks_of_every_form);
	g_test_add_func("/store-redis/a-block-of-another-type-blocks", test_a_block_of_another_type_blocks);
	g_test_add_func("/store-redis/rubbish-among-delayed-jobs", test_rubbish_among_delayed_jobs);
	g_test_add_func("/store-redis/buried-jobs-go-when-their-time-is-over", test_buried_jobs_go_when_their_time_is_over);
	result = g_test_run();
	fixture_shut_down();
	claims_shut_down();
	return result;
}
