/* What a claim and a queue on a real Redis do when the server stops between the question and the answer, forgets its scripts or its
 * group, has too few replicas, or finds keys of a wrong type: no outcome is believed that is not known, and nothing is lost. */
#include <signal.h>
#include <string.h>

#include "base/clock.h"
#include "base/error.h"
#include "claim-fixture.h"
#include "store/redis-private.h"

/* redis-cli runs Lua too. */
static void run(const char *script)
{
	g_autofree char *answer = fixture_redis("EVAL", script, "0", NULL);

	g_test_message("%s: %s", script, answer);
	g_assert_null(strstr(answer, "ERR"));
}

static gint64 number_of(const char *script)
{
	g_autofree char *answer = fixture_redis("EVAL", script, "0", NULL);

	return g_ascii_strtoll(answer, NULL, 10);
}

static void expect_unknown(Store *store, const IncidentState *state, const char *hash, const char *token, gint64 milliseconds,
    const char *words)
{
	g_autoptr(GError) error = NULL;
	ClaimAnswer answer;

	g_assert_false(claims_try_for(store, state, hash, token, milliseconds, &answer, &error));
	g_assert_error(error, OUTAGE_ERROR, OUTAGE_ERROR_UNKNOWN);
	g_assert_cmpint(answer, ==, CLAIM_AWAY);
	g_test_message("%s", error->message);
	g_assert_nonnull(strstr(error->message, words));
}

static void expect(Store *store, const IncidentState *state, const char *hash, const char *token, ClaimAnswer expected)
{
	g_autoptr(GError) error = NULL;
	ClaimAnswer answer;

	g_assert_true(claims_try_for(store, state, hash, token, 10000, &answer, &error));
	g_assert_no_error(error);
	g_assert_cmpint(answer, ==, expected);
}

static void test_stopped_between_the_question_and_the_answer(void)
{
	g_autoptr(Outage) outage = outage_new("redis");
	g_autoptr(Store) later = NULL, other = NULL;
	gint64 began;

	expect(outage->store, &outage->state, "hash0", "token0", CLAIM_WON);
	fixture_signal(false, SIGSTOP);
	began = clock_mono_us();
	expect_unknown(outage->store, &outage->state, "hash1", "token1", 200, "no answer in time");
	g_assert_cmpint(clock_mono_us() - began, >=, 200000);
	/* Far below store.timeout: the deadline was the claim's own. */
	g_assert_cmpint(clock_mono_us() - began, <, 5000000);
	fixture_signal(false, SIGCONT);
	/* What was asked has happened after all: with the same token it is ours, with another it is not, and there is one job. */
	later = fixture_open(outage->fixture, "a");
	other = fixture_open(outage->fixture, "b");
	expect(later, &outage->state, "hash1", "token1", CLAIM_WON);
	expect(other, &outage->state, "hash1", "token2", CLAIM_ALREADY);
	claims_check_counts(later, 2, 0, 0, 0, 0);
	g_assert_cmpuint(claims_counter(later, outage->state.id, "queued"), ==, 2);
}

static void test_a_deadline_that_is_over_asks_nothing(void)
{
	g_autoptr(Outage) outage = outage_new("redis");
	g_autoptr(GError) error = NULL;
	ClaimAnswer answer;

	g_assert_false(claims_try_for(outage->store, &outage->state, "hash1", "token1", -1, &answer, &error));
	g_assert_error(error, OUTAGE_ERROR, OUTAGE_ERROR_UNAVAILABLE);
	/* And the connection is as good as before. */
	expect(outage->store, &outage->state, "hash1", "token1", CLAIM_WON);
	claims_check_counts(outage->store, 1, 0, 0, 0, 0);
}

static void test_a_server_without_our_scripts(void)
{
	g_autoptr(Outage) outage = outage_new("redis");

	for (int i = 0; i < 3; i++) {
		g_autofree char *name = g_strdup_printf("n%d", i);

		g_free(fixture_redis("SCRIPT", "FLUSH", NULL));
		expect(outage->store, &outage->state, name, name, CLAIM_WON);
	}
	claims_check_counts(outage->store, 3, 0, 0, 0, 0);
}

/* Waits until the server's answer to a command has these words in it. */
static void await_answer(const char *words, const char *command, const char *argument)
{
	gint64 until = clock_mono_us() + 60 * G_USEC_PER_SEC;
	bool seen = false;

	while (!seen) {
		g_autofree char *answer = fixture_redis(command, argument, NULL);

		seen = strstr(answer, words) != NULL;
		g_assert_cmpint(clock_mono_us(), <, until);
	}
}

/* The first questions may come before the replica has caught up. */
static void await_won(Store *store, const IncidentState *state, const char *hash, const char *token)
{
	gint64 until = clock_mono_us() + 60 * G_USEC_PER_SEC;
	ClaimAnswer answer;

	while (!claims_try_for(store, state, hash, token, 10000, &answer, NULL))
		g_assert_cmpint(clock_mono_us(), <, until);
	g_assert_cmpint(answer, ==, CLAIM_WON);
}

static void test_too_few_replicas(void)
{
	g_autoptr(Fixture) fixture = fixture_new("redis");
	IncidentState state = { .id = NULL };
	g_autoptr(Store) store = NULL;

	fixture->config->min_replicas = 1;
	store = fixture_open(fixture, "a");
	claims_set_word(store, "default", WORD_P1, &state);
	expect_unknown(store, &state, "hash1", "token1", 1000, "0 of 1 replicas");
	/* It stands all the same, and is asked again with its token; the connection is in step. */
	expect_unknown(store, &state, "hash1", "token1", 1000, "0 of 1 replicas");
	expect(store, &state, "hash1", "token2", CLAIM_ALREADY);
	claims_check_counts(store, 1, 0, 0, 0, 0);
	fixture_start_replica();
	await_answer("state=online", "INFO", "replication");
	await_won(store, &state, "hash1", "token1");
	expect(store, &state, "hash2", "token3", CLAIM_WON);
	/* One that lives and does not answer; what stood before it fell silent is not believed to be there either. */
	fixture_signal(true, SIGSTOP);
	expect_unknown(store, &state, "hash3", "token4", 1000, "0 of 1 replicas");
	expect_unknown(store, &state, "hash2", "token3", 1000, "0 of 1 replicas");
	expect(store, &state, "hash3", "token5", CLAIM_ALREADY);
	fixture_signal(true, SIGCONT);
	await_won(store, &state, "hash3", "token4");
	claims_check_counts(store, 3, 0, 0, 0, 0);
	fixture_stop_replica();
	incident_state_clear(&state);
}

static const struct { const char *spoil, *named; gint64 delay; } wrong_types[] = {
	{ "redis.call('DEL', 'outage:acks') return redis.call('SET', 'outage:acks', 'x')", "outage:acks", 0 },
	{ "redis.call('DEL', 'outage:acks:retry') return redis.call('SET', 'outage:acks:retry', 'x')", "outage:acks:retry", 3600000 },
	{ "return redis.call('LPUSH', 'outage:acked:' .. redis.call('HGET', 'outage:state:default', 'id') .. ':active:hash1', 'x')",
	    "outage:acked:", 0 },
	{ "redis.call('DEL', 'outage:state:default') return redis.call('SET', 'outage:state:default', 'x')", "outage:state:default", 0 },
};

static void test_keys_of_a_wrong_type_refuse_a_claim(void)
{
	for (gsize i = 0; i < G_N_ELEMENTS(wrong_types); i++) {
		g_autoptr(Fixture) fixture = fixture_new("redis");
		IncidentState state = { .id = NULL };
		g_autoptr(Store) store = NULL;
		g_autoptr(GError) error = NULL;
		ClaimAnswer answer;

		fixture->config->ack_delay = wrong_types[i].delay;
		store = fixture_open(fixture, "a");
		claims_set_word(store, "default", WORD_P1, &state);
		run(wrong_types[i].spoil);
		g_assert_false(claims_try_for(store, &state, "hash1", "token1", 10000, &answer, &error));
		g_assert_error(error, OUTAGE_ERROR, OUTAGE_ERROR_INVALID);
		g_assert_nonnull(strstr(error->message, wrong_types[i].named));
		g_assert_cmpuint(claims_counter(store, state.id, "held:store"), ==, 1);
		/* Nothing of it was done. */
		g_assert_cmpuint(claims_counter(store, state.id, "queued"), ==, 0);
		g_assert_cmpint(number_of("return #redis.call('KEYS', 'outage:rate:*')"), ==, 0);
		if (strcmp(wrong_types[i].named, "outage:acked:") != 0)
			g_assert_cmpint(number_of("return #redis.call('KEYS', 'outage:acked:*')"), ==, 0);
		incident_state_clear(&state);
	}
}

static void test_keys_of_a_wrong_type_lose_no_job(void)
{
	g_autoptr(Outage) outage = outage_new("redis");
	Store *store = outage->store;
	g_autoptr(StoredJob) job = NULL, again = NULL;
	g_autoptr(GError) error = NULL;
	QueueCounts counts;

	for (int i = 0; i < 3; i++) {
		g_autofree char *name = g_strdup_printf("n%d", i);

		claims_ask(store, &outage->state, false, name, name);
	}
	run("redis.call('SET', 'outage:acks:dead', 'x') return redis.call('SET', 'outage:acks:retry', 'x')");
	/* Those that are due leave, and what cannot be put anywhere stays in hand. */
	job = claims_take(store);
	g_assert_nonnull(job);
	g_assert_false(store_job_retry(store, job, 60, true, "451", &error));
	g_assert_error(error, OUTAGE_ERROR, OUTAGE_ERROR_INVALID);
	g_assert_nonnull(strstr(error->message, "outage:acks:retry"));
	g_clear_error(&error);
	g_assert_false(store_job_bury(store, job, "550", &error));
	g_assert_error(error, OUTAGE_ERROR, OUTAGE_ERROR_INVALID);
	g_assert_nonnull(strstr(error->message, "outage:acks:dead"));
	g_clear_error(&error);
	g_assert_false(store_queue_bury(store, NULL, "x", NULL, &error));
	g_assert_error(error, OUTAGE_ERROR, OUTAGE_ERROR_INVALID);
	g_clear_error(&error);
	g_assert_false(store_queue_counts(store, &counts, &error));
	g_assert_error(error, OUTAGE_ERROR, OUTAGE_ERROR_INVALID);
	g_clear_error(&error);
	g_assert_null(store_queue_list(store, QUEUE_DEAD, 10, &error));
	g_assert_error(error, OUTAGE_ERROR, OUTAGE_ERROR_INVALID);
	g_clear_error(&error);
	g_assert_true(store_job_done(store, job, "n0", &error));
	for (int i = 1; i < 3; i++) {
		g_autofree char *name = g_strdup_printf("n%d", i);
		g_autoptr(StoredJob) next = claims_take(store);

		g_assert_true(store_job_done(store, next, name, &error));
	}
	/* Only where nothing can leave is it said. */
	g_assert_null(store_job_take(store, 0, 3600000, &error));
	g_assert_error(error, OUTAGE_ERROR, OUTAGE_ERROR_INVALID);
	g_assert_nonnull(strstr(error->message, "outage:acks:retry"));
	g_clear_error(&error);
	run("redis.call('DEL', 'outage:acks:retry') redis.call('DEL', 'outage:acks') return redis.call('SET', 'outage:acks', 'x')");
	g_assert_null(store_job_take(store, 1000, 3600000, &error));
	g_assert_error(error, OUTAGE_ERROR, OUTAGE_ERROR_INVALID);
	g_assert_nonnull(strstr(error->message, "outage:acks"));
	g_clear_error(&error);
	g_free(fixture_redis("DEL", "outage:acks", "outage:acks:dead", NULL));
	claims_ask(store, &outage->state, false, "n3", "n3");
	again = claims_take(store);
	g_assert_nonnull(again);
}

typedef struct { const Fixture *fixture; StoredJob *job; } Waiting;

static gpointer take_in_thread(gpointer data)
{
	Waiting *waiting = data;
	g_autoptr(Store) store = fixture_open(waiting->fixture, "waiting");
	g_autoptr(GError) error = NULL;

	waiting->job = store_job_take(store, 30000, 3600000, &error);
	g_assert_no_error(error);
	return NULL;
}

/* A server that is flushed has lost the group, also under the feet of who is waiting at it. */
static void test_the_group_is_made_again(void)
{
	g_autoptr(Outage) outage = outage_new("redis");
	Waiting waiting = { .fixture = outage->fixture };
	IncidentState state = { .id = NULL };
	g_autoptr(StoredJob) first = NULL;
	GThread *thread;

	/* What was queued before there was a group is owed too. */
	claims_ask(outage->store, &outage->state, false, "hash1", "token1");
	first = claims_take(outage->store);
	g_assert_nonnull(first);
	g_free(fixture_redis("FLUSHALL", NULL));
	g_assert_null(claims_take(outage->store));
	thread = g_thread_new("replier", take_in_thread, &waiting);
	await_answer("cmd=xreadgroup", "CLIENT", "LIST");
	g_free(fixture_redis("FLUSHALL", NULL));
	claims_set_word(outage->store, "default", WORD_P1, &state);
	claims_ask(outage->store, &state, false, "hash2", "token2");
	g_thread_join(thread);
	g_assert_nonnull(waiting.job);
	g_assert_cmpuint(waiting.job->takes, ==, 0);
	stored_job_free(waiting.job);
	incident_state_clear(&state);
}

/* One that arrives while a replier waits is read whole: more than an answer may have costs the connection, and not the queue. */
static void test_a_monster_under_a_waiting_replier(void)
{
	g_autoptr(Outage) outage = outage_new("redis");
	g_autoptr(StoredJob) monster = NULL, good = NULL;
	g_autoptr(GError) error = NULL;
	g_autoptr(Store) heir = NULL;

	/* The group is there, and the monster is pending with a replier that never got it. */
	g_assert_null(claims_take(outage->store));
	fixture_put_raw_payload(outage->fixture, 80000000);
	run("return #redis.call('XREADGROUP', 'GROUP', 'replier', 'lost', 'STREAMS', 'outage:acks', '>')");
	claims_ask(outage->store, &outage->state, false, "hash1", "token1");
	heir = fixture_open(outage->fixture, "heir");
	monster = store_job_take(heir, 10000, 0, &error);
	g_assert_no_error(error);
	g_assert_cmpuint(strlen(monster->payload), ==, 65537);
	g_assert_cmpuint(monster->takes, ==, 1);
	g_assert_true(store_job_bury(heir, monster, "no job", &error));
	good = claims_take(heir);
	g_assert_true(store_job_done(heir, good, "hash1", &error));
	claims_check_counts(heir, 0, 0, 1, 1, 0);
}

static void test_entries_that_are_no_jobs(void)
{
	static const char *const entries[] = {
		"return redis.call('XADD', 'outage:acks', '*', 'x', 'y')",
		"return redis.call('XADD', 'outage:acks', '*', 'payload', '')",
		"return redis.call('XADD', 'outage:acks', '*', 'payload', 'a\\0b', 'mac', '\\255')",
		"return redis.call('XADD', 'outage:acks', '*', 'mac', 'm', 'tries', '-1', 'why', string.rep('w', 100000))",
		"return redis.call('XADD', 'outage:acks', '*', 'payload', '{}', 'mac', 'm', 'tries', '99999999999999999999')",
	};
	g_autoptr(Outage) outage = outage_new("redis");
	g_autoptr(GPtrArray) pending = NULL;
	g_autoptr(GError) error = NULL;

	for (gsize i = 0; i < G_N_ELEMENTS(entries); i++)
		run(entries[i]);
	pending = store_queue_list(outage->store, QUEUE_PENDING, 100, &error);
	g_assert_cmpuint(pending->len, ==, G_N_ELEMENTS(entries));
	for (gsize i = 0; i < G_N_ELEMENTS(entries); i++) {
		g_autoptr(StoredJob) job = claims_take(outage->store);

		g_assert_nonnull(job);
		g_assert_cmpuint(job->tries, <=, G_MAXINT);
		g_assert_true(job->why == NULL || strlen(job->why) <= 1024);
		g_assert_null(job_open(claims_secret(), job, NULL));
		g_assert_true(store_job_bury(outage->store, job, "no job", &error));
	}
	claims_check_counts(outage->store, 0, 0, G_N_ELEMENTS(entries), 0, 0);
}

/* Repliers on one host are different consumers, and what they leave behind does not stay for ever. */
static void test_consumers_come_and_go(void)
{
	g_autoptr(Outage) outage = outage_new("redis");
	g_autoptr(Store) replier = fixture_open(outage->fixture, "host/replier"), early = NULL, late = NULL;
	g_autoptr(StoredJob) job = NULL;
	g_autofree char *left = NULL;

	claims_ask(outage->store, &outage->state, false, "hash1", "token1");
	job = claims_take(replier);
	g_assert_cmpint(number_of("local name = redis.call('XINFO', 'CONSUMERS', 'outage:acks', 'replier')[1][2]"
	    " return string.match(name, '^host/replier/%d+%.%x+$') and 1 or 0"), ==, 1);
	run("for _, name in ipairs({ 'gone', 'gone too' }) do redis.call('XGROUP', 'CREATECONSUMER', 'outage:acks', 'replier', name) end"
	    " return 1");
	/* All of them were heard today. */
	early = fixture_open(outage->fixture, "early");
	g_assert_null(claims_take(early));
	g_assert_cmpint(number_of("return #redis.call('XINFO', 'CONSUMERS', 'outage:acks', 'replier')"), >=, 3);
	/* And here that is long ago: the one that holds a job stays. */
	late = fixture_open(outage->fixture, "late");
	((RedisStore *)late)->consumer_kept = -1;
	g_assert_null(claims_take(late));
	left = fixture_redis("EVAL", "local names = {} for _, one in ipairs(redis.call('XINFO', 'CONSUMERS', 'outage:acks', 'replier')) do"
	    " if not string.find(one[2], '^late/') then names[#names + 1] = string.match(one[2], '^[%a/ ]+') end end"
	    " return table.concat(names, ',')", "0", NULL);
	g_assert_cmpstr(left, ==, "host/replier/");
	claims_check_counts(outage->store, 1, 0, 0, 0, 0);
}

int main(int argc, char **argv)
{
	int result;

	(void)claims_secret(); /* before there are threads */
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/store-outcome/stopped-between-the-question-and-the-answer", test_stopped_between_the_question_and_the_answer);
	g_test_add_func("/store-outcome/a-deadline-that-is-over-asks-nothing", test_a_deadline_that_is_over_asks_nothing);
	g_test_add_func("/store-outcome/a-server-without-our-scripts", test_a_server_without_our_scripts);
	g_test_add_func("/store-outcome/too-few-replicas", test_too_few_replicas);
	g_test_add_func("/store-outcome/keys-of-a-wrong-type-refuse-a-claim", test_keys_of_a_wrong_type_refuse_a_claim);
	g_test_add_func("/store-outcome/keys-of-a-wrong-type-lose-no-job", test_keys_of_a_wrong_type_lose_no_job);
	g_test_add_func("/store-outcome/the-group-is-made-again", test_the_group_is_made_again);
	g_test_add_func("/store-outcome/a-monster-under-a-waiting-replier", test_a_monster_under_a_waiting_replier);
	g_test_add_func("/store-outcome/entries-that-are-no-jobs", test_entries_that_are_no_jobs);
	g_test_add_func("/store-outcome/consumers-come-and-go", test_consumers_come_and_go);
	result = g_test_run();
	fixture_shut_down();
	claims_shut_down();
	return result;
}
