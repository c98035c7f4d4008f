/* A Redis that lost its memory, or part of it, or went back in time: nothing ends and nothing is announced by that, and what goes on keeps
 * its name. */
#include <string.h>

#include "base/clock.h"
#include "base/error.h"
#include "store/keep.h"
#include "wrong-fixture.h"

/* Two nodes with a P1 that both have seen, and a store that lost everything. */
typedef struct {
	Fixture *fixture;
	Store *one, *other;
	Snapshot *before, *other_before;
} Pair;

static void pair_init(Pair *pair)
{
	g_autoptr(Snapshot) first = NULL;

	pair->fixture = fixture_new("redis");
	pair->fixture->config->reopen_within = 3600000;
	pair->one = fixture_open(pair->fixture, "node1");
	pair->other = fixture_open(pair->fixture, "node2");
	first = wrong_good_state(pair->one);
	pair->before = wrong_snapshot(pair->one, first);
	pair->other_before = wrong_snapshot(pair->other, NULL);
}

static void pair_see(Pair *pair)
{
	Snapshot *one = wrong_snapshot(pair->one, pair->before), *other = wrong_snapshot(pair->other, pair->other_before);

	snapshot_unref(pair->before);
	snapshot_unref(pair->other_before);
	pair->before = one;
	pair->other_before = other;
}

static void pair_clear(Pair *pair)
{
	snapshot_unref(pair->before);
	snapshot_unref(pair->other_before);
	store_close(pair->one);
	store_close(pair->other);
	fixture_free(pair->fixture);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Pair, pair_clear)

static guint count_events(Store *store, const char *what, const char *name)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(GPtrArray) events = store_events(store, 100, &error);
	guint count = 0;

	g_assert_no_error(error);
	for (guint i = 0; i < events->len; i++) {
		const StoreEvent *event = g_ptr_array_index(events, i);

		count += strcmp(event->what, what) == 0 && g_strcmp0(event->name, name) == 0;
	}
	return count;
}

/* What was on before, the word after FLUSHALL, and what has to hold then. */
static const struct { Word before, after, holds; guint64 epoch; const char *event; } continued[] = {
	{ WORD_P1, WORD_P1, WORD_P1, 0, "continued" }, { WORD_P1, WORD_P3, WORD_P3, 0, "severity" },
	{ WORD_P1, WORD_RESOLVED, WORD_RESOLVED, 0, "resolved" }, { WORD_P1, WORD_NONE, WORD_NONE, 1, "ended" },
	{ WORD_RESOLVED, WORD_RESOLVED, WORD_RESOLVED, 0, "continued" }, { WORD_RESOLVED, WORD_P2, WORD_P2, 0, "reopened" },
	{ WORD_NONE, WORD_P1, WORD_P1, 1, "reopened" }, { WORD_NONE, WORD_NONE, WORD_NONE, 1, NULL },
};

static void test_after_flushall_the_incident_goes_on(gconstpointer by)
{
	for (gsize i = 0; i < G_N_ELEMENTS(continued); i++) {
		g_auto(Pair) pair = { NULL, NULL, NULL, NULL, NULL };
		g_autofree char *id = NULL, *path = NULL, *kept = NULL, *life = NULL;
		gint64 declared_at;

		pair_init(&pair);
		if (continued[i].before != WORD_P1)
			wrong_set_word(pair.one, "default", continued[i].before);
		pair_see(&pair);
		id = g_strdup(wrong_state_of(pair.before, "default")->id);
		declared_at = wrong_state_of(pair.before, "default")->declared_at;
		life = g_strdup(pair.before->life);
		fixture_lose_all(pair.fixture);
		pair_see(&pair);
		g_assert_true(pair.before->store_empty);
		g_assert_true(pair.other_before->store_empty);
		g_assert_cmpstr(pair.before->life, !=, life);
		g_assert_cmpstr(pair.before->life, ==, pair.other_before->life);
		if (strcmp(by, "outagectl") == 0) {
			g_autoptr(Store) operator = fixture_open(pair.fixture, "operator");

			path = keep_path(pair.fixture->config);
			kept = keep_format(pair.before);
			g_assert_true(keep_save(path, kept, pair.before->taken_at, NULL));
			wrong_set_word(operator, "default", continued[i].after);
		} else {
			g_free(fixture_redis("SET", "outage:incident", word_name(continued[i].after), NULL));
		}
		pair_see(&pair);
		g_assert_false(pair.before->store_empty);
		g_assert_cmpint(wrong_state_of(pair.before, "default")->word, ==, continued[i].holds);
		g_assert_cmpint(wrong_state_of(pair.other_before, "default")->word, ==, continued[i].holds);
		g_assert_cmpstr(wrong_state_of(pair.before, "default")->id, ==, id);
		g_assert_cmpstr(wrong_state_of(pair.other_before, "default")->id, ==, id);
		g_assert_cmpint(wrong_state_of(pair.before, "default")->declared_at, ==, declared_at);
		g_assert_cmpuint(wrong_state_of(pair.before, "default")->epoch, ==, continued[i].epoch);
		/* payments was on too, and nobody has said anything of it yet. */
		g_assert_cmpint(wrong_state_of(pair.before, "payments")->word, ==, WORD_P2);
		g_assert_true(wrong_has_problem(pair.before, "payments vanished"));
		/* The first one made it so; the other only adopted it. */
		if (continued[i].event != NULL)
			g_assert_cmpuint(count_events(pair.one, continued[i].event, "default"), ==, 1);
		g_assert_cmpuint(count_events(pair.one, "continued", "default"), <=, 1);
		g_assert_cmpuint(count_events(pair.one, "opened", "default"), ==, 0);
	}
}

static void test_a_state_that_vanishes_alone_comes_back(void)
{
	g_auto(Pair) pair = { NULL, NULL, NULL, NULL, NULL };
	g_autofree char *id = NULL;

	pair_init(&pair);
	id = g_strdup(wrong_state_of(pair.before, "default")->id);
	wrong_run("return redis.call('DEL', 'outage:state:default')");
	pair_see(&pair);
	g_assert_cmpstr(wrong_state_of(pair.before, "default")->id, ==, id);
	g_assert_cmpstr(wrong_state_of(pair.other_before, "default")->id, ==, id);
	g_assert_cmpuint(pair.before->problems->len, ==, 0);
	g_assert_cmpstr(snapshot_find(pair.other_before, "default")->texts[TEXT_TITLE], ==, "Logins fail");
	g_assert_cmpstr(snapshot_find(pair.other_before, "default")->update_text, ==, "a disk is replaced");
	g_assert_cmpuint(count_events(pair.one, "continued", "default"), ==, 1);
}

/* outagectl and a replier that has just started read incidents too; they might be the first to see the word. */
static void test_whoever_has_no_memory_asks_the_milters(void)
{
	g_auto(Pair) pair = { NULL, NULL, NULL, NULL, NULL };
	g_autofree char *path = NULL, *kept = NULL;
	g_autoptr(Snapshot) seen = NULL;

	pair_init(&pair);
	path = keep_path(pair.fixture->config);
	kept = keep_format(pair.before);
	g_assert_true(keep_save(path, kept, clock_now(), NULL));
	fixture_lose_all(pair.fixture);
	g_free(fixture_redis("SET", "outage:incident", "P1", NULL));
	seen = wrong_snapshot(pair.other, NULL);
	g_assert_cmpstr(wrong_state_of(seen, "default")->id, ==, wrong_state_of(pair.before, "default")->id);
}

static void test_flip_and_state_gone_among_others_is_no_ending(void)
{
	g_auto(Pair) pair = { NULL, NULL, NULL, NULL, NULL };
	g_autofree char *id = NULL;

	pair_init(&pair);
	id = g_strdup(wrong_state_of(pair.before, "default")->id);
	wrong_run("return redis.call('DEL', 'outage:state:default', 'outage:incident')");
	pair_see(&pair);
	g_assert_cmpint(wrong_state_of(pair.before, "default")->word, ==, WORD_P1);
	g_assert_cmpstr(wrong_state_of(pair.before, "default")->id, ==, id);
	g_assert_true(wrong_has_problem(pair.before, "incident default vanished"));
	g_assert_false(pair.before->store_empty);
	/* DEL of the flip key alone is none. */
	wrong_run("return redis.call('HDEL', 'outage:incidents', 'payments')");
	pair_see(&pair);
	g_assert_cmpint(wrong_state_of(pair.before, "payments")->word, ==, WORD_NONE);
	/* And the operator's word ends the other. */
	wrong_set_word(pair.one, "default", WORD_NONE);
	pair_see(&pair);
	g_assert_cmpint(wrong_state_of(pair.before, "default")->word, ==, WORD_NONE);
	g_assert_cmpuint(pair.before->problems->len, ==, 0);
}

/* What the hint may not be used for. */
typedef enum { HINT_HEARD_LONG_AGO, HINT_ENDED_LONG_AGO, HINT_FROM_THE_FUTURE, HINT_OF_ANOTHER, HINT_NONE } Hint;

static void test_an_old_memory_names_no_new_incident(gconstpointer data)
{
	Hint hint = (Hint)GPOINTER_TO_INT(data);
	g_auto(Pair) pair = { NULL, NULL, NULL, NULL, NULL };
	g_autoptr(Snapshot) seen = NULL;
	g_autofree char *id = NULL;
	Incident *incident;

	pair_init(&pair);
	if (hint == HINT_ENDED_LONG_AGO)
		wrong_set_word(pair.one, "default", WORD_RESOLVED);
	pair_see(&pair);
	id = g_strdup(wrong_state_of(pair.before, "default")->id);
	incident = snapshot_find(pair.before, "default");
	switch (hint) {
	case HINT_HEARD_LONG_AGO:
		pair.before->heard_us = MAX(1, clock_mono_us() - (gint64)3700 * G_USEC_PER_SEC);
		pair.before->taken_at = clock_now() - 3700;
		if (pair.before->heard_us == 1)
			pair.before->heard_us = 0; /* a machine that started just now */
		break;
	case HINT_ENDED_LONG_AGO:
		incident->state.resolved_at -= 3700;
		break;
	case HINT_FROM_THE_FUTURE:
		incident->state.declared_at = 4102444800;
		break;
	case HINT_OF_ANOTHER:
		incident->state.id[0] = '3';
		break;
	case HINT_NONE:
		g_ptr_array_set_size(pair.before->incidents, 0);
		break;
	}
	fixture_lose_all(pair.fixture);
	/* Ids tell seconds: a new one must not be the old one by chance. */
	wrong_run("redis.call('SET', 'outage:incident', 'P1') return 1");
	while (clock_now() <= wrong_state_of(pair.other_before, "default")->declared_at)
		g_usleep(20000);
	seen = wrong_snapshot(pair.one, pair.before);
	g_assert_cmpint(wrong_state_of(seen, "default")->word, ==, WORD_P1);
	g_assert_cmpstr(wrong_state_of(seen, "default")->id, !=, id);
	/* The first node wins; the one that remembers adopts what it made. */
	pair_see(&pair);
	g_assert_cmpstr(wrong_state_of(pair.other_before, "default")->id, ==, wrong_state_of(seen, "default")->id);
}

/* An old replica becomes the primary, or an old dump is restored: kept under `old:` here, and put back. */
static void put_aside(void)
{
	wrong_run("for _, key in ipairs(redis.call('KEYS', 'outage:*')) do redis.call('COPY', key, 'old:' .. key, 'REPLACE') end return 1");
}

static void put_back(void)
{
	wrong_run("for _, key in ipairs(redis.call('KEYS', 'outage:*')) do redis.call('DEL', key) end"
	    " for _, key in ipairs(redis.call('KEYS', 'old:*')) do redis.call('COPY', key, string.sub(key, 5), 'REPLACE') end return 1");
}

/* The words before and after the copy was made. */
static const struct { Word old, now; } rollbacks[] = {
	{ WORD_NONE, WORD_P1 }, { WORD_P1, WORD_NONE }, { WORD_P1, WORD_RESOLVED }, { WORD_RESOLVED, WORD_P1 }, { WORD_P1, WORD_P3 },
	{ WORD_RESOLVED, WORD_NONE },
};

static void test_a_store_that_went_back_neither_ends_nor_announces(void)
{
	for (gsize i = 0; i < G_N_ELEMENTS(rollbacks); i++) {
		g_auto(Pair) pair = { NULL, NULL, NULL, NULL, NULL };
		g_autofree char *id = NULL;
		guint64 epoch;

		pair_init(&pair);
		wrong_set_word(pair.one, "default", rollbacks[i].old);
		put_aside();
		wrong_set_word(pair.one, "default", rollbacks[i].now);
		pair_see(&pair);
		id = g_strdup(wrong_state_of(pair.before, "default")->id);
		epoch = wrong_state_of(pair.before, "default")->epoch;
		put_back();
		for (int round = 0; round < 2; round++) {
			pair_see(&pair);
			g_assert_cmpint(wrong_state_of(pair.before, "default")->word, ==, rollbacks[i].now);
			g_assert_cmpint(wrong_state_of(pair.other_before, "default")->word, ==, rollbacks[i].now);
			g_assert_cmpstr(wrong_state_of(pair.before, "default")->id, ==, id);
			g_assert_cmpuint(wrong_state_of(pair.before, "default")->epoch, ==, epoch);
			g_assert_cmpstr(snapshot_find(pair.before, "default")->texts[TEXT_TITLE], ==, "Logins fail");
			g_assert_cmpuint(pair.before->problems->len, ==, 1);
			g_assert_true(wrong_has_problem(pair.before, "went back in time"));
		}
		/* Said again, also where it is the word that the old copy holds: that is how an operator decides. */
		wrong_set_word(pair.other, "default", i % 2 == 0 ? rollbacks[i].old : rollbacks[i].now);
		pair_see(&pair);
		g_assert_cmpint(wrong_state_of(pair.before, "default")->word, ==, i % 2 == 0 ? rollbacks[i].old : rollbacks[i].now);
		g_assert_cmpint(wrong_state_of(pair.other_before, "default")->word, ==, wrong_state_of(pair.before, "default")->word);
		g_assert_cmpuint(pair.before->problems->len, ==, 0);
	}
}

static void test_a_flip_after_the_store_went_back_is_acted_on(void)
{
	g_auto(Pair) pair = { NULL, NULL, NULL, NULL, NULL };
	g_autofree char *id = NULL;

	pair_init(&pair);
	wrong_set_word(pair.one, "default", WORD_NONE);
	put_aside();
	pair.fixture->config->reopen_within = 0; /* so that it is a new one */
	store_close(pair.one);
	pair.one = fixture_open(pair.fixture, "node1");
	wrong_set_word(pair.one, "default", WORD_P1);
	pair.fixture->config->reopen_within = 3600000;
	store_close(pair.one);
	pair.one = fixture_open(pair.fixture, "node1");
	pair_see(&pair);
	id = g_strdup(wrong_state_of(pair.before, "default")->id);
	put_back();
	pair_see(&pair);
	g_assert_cmpstr(wrong_state_of(pair.before, "default")->id, ==, id);
	/* The monitoring says P1 again: the incident that was on goes on, and not one of its own. */
	g_free(fixture_redis("SET", "outage:incident", "P1", NULL));
	pair_see(&pair);
	g_assert_cmpstr(wrong_state_of(pair.before, "default")->id, ==, id);
	g_assert_cmpstr(wrong_state_of(pair.other_before, "default")->id, ==, id);
	g_assert_cmpint(wrong_state_of(pair.other_before, "default")->word, ==, WORD_P1);
	g_assert_cmpuint(pair.before->problems->len, ==, 0);
}

/* A primary whose clock was a year ahead has died; its successor's clock is right. */
static void test_a_clock_that_was_ahead_freezes_nothing(void)
{
	g_auto(Pair) pair = { NULL, NULL, NULL, NULL, NULL };
	const gint64 year_ms = (gint64)365 * 86400 * 1000;

	pair_init(&pair);
	snapshot_find(pair.before, "default")->state.changed_ms += year_ms;
	wrong_set_word(pair.other, "default", WORD_P3);
	pair_see(&pair);
	g_assert_cmpint(wrong_state_of(pair.before, "default")->word, ==, WORD_P3);
	g_assert_cmpuint(pair.before->problems->len, ==, 0);
	/* The same from the store's side: what it says is adopted, and the next word puts it right. */
	wrong_run("local at = redis.call('HGET', 'outage:state:default', 'changed_at')"
	    " return redis.call('HSET', 'outage:state:default', 'changed_at', string.format('%d', at + 31536000000))");
	pair_see(&pair);
	g_assert_cmpint(wrong_state_of(pair.before, "default")->changed_ms, ==, 0);
	g_assert_cmpint(wrong_state_of(pair.before, "default")->word, ==, WORD_P3);
	wrong_set_word(pair.other, "default", WORD_P1);
	pair_see(&pair);
	g_assert_cmpint(wrong_state_of(pair.before, "default")->word, ==, WORD_P1);
	g_assert_cmpint(wrong_state_of(pair.before, "default")->changed_ms, >, 0);
	g_assert_cmpint(wrong_state_of(pair.before, "default")->changed_ms, <, g_get_real_time() / 1000 + 3600000);
}

/* A clock that is half an hour behind: what is said there must not look older than what was. */
static void test_a_clock_that_is_behind_keeps_the_order(void)
{
	g_auto(Pair) pair = { NULL, NULL, NULL, NULL, NULL };

	pair_init(&pair);
	wrong_run("local at = redis.call('HGET', 'outage:state:default', 'changed_at')"
	    " return redis.call('HSET', 'outage:state:default', 'changed_at', string.format('%d', at + 1800000))");
	pair_see(&pair);
	wrong_set_word(pair.other, "default", WORD_NONE);
	pair_see(&pair);
	g_assert_cmpint(wrong_state_of(pair.before, "default")->word, ==, WORD_NONE);
	g_assert_cmpuint(pair.before->problems->len, ==, 0);
}

/* The life tells one store from another, and survives what is none of its business. */
static void test_the_life_of_a_store(void)
{
	g_autoptr(Fixture) fixture = fixture_new("redis");
	g_autoptr(Store) one = fixture_open(fixture, "node1"), other = fixture_open(fixture, "node2");
	g_autoptr(Snapshot) first = wrong_snapshot(one, NULL), second = wrong_snapshot(other, NULL), third = NULL, after = NULL;
	g_autofree char *path = keep_path(fixture->config), *text = NULL;
	g_autoptr(Snapshot) kept = NULL;

	g_assert_nonnull(first->life);
	g_assert_cmpstr(first->life, ==, second->life);
	g_assert_nonnull(strchr(first->life, '/'));
	wrong_set_word(one, "default", WORD_P1);
	third = wrong_snapshot(one, first);
	g_assert_cmpstr(third->life, ==, first->life);
	text = keep_format(third);
	g_assert_true(keep_save(path, text, clock_now(), NULL));
	kept = keep_load(path, NULL);
	g_assert_cmpstr(kept->life, ==, third->life);
	g_assert_cmpint(wrong_state_of(kept, "default")->changed_ms, ==, wrong_state_of(third, "default")->changed_ms);
	fixture_lose_all(fixture);
	after = wrong_snapshot(one, third);
	g_assert_nonnull(after->life);
	g_assert_cmpstr(after->life, !=, first->life);
}

int main(int argc, char **argv)
{
	static const char *const hints[] = { "heard-long-ago", "ended-long-ago", "from-the-future", "of-another", "none" };
	int result;

	g_test_init(&argc, &argv, NULL);
	g_test_add_data_func("/store-lost/after-flushall-it-goes-on/redis-cli", "redis-cli", test_after_flushall_the_incident_goes_on);
	g_test_add_data_func("/store-lost/after-flushall-it-goes-on/outagectl", "outagectl", test_after_flushall_the_incident_goes_on);
	g_test_add_func("/store-lost/a-state-that-vanishes-alone-comes-back", test_a_state_that_vanishes_alone_comes_back);
	g_test_add_func("/store-lost/whoever-has-no-memory-asks-the-milters", test_whoever_has_no_memory_asks_the_milters);
	g_test_add_func("/store-lost/flip-and-state-gone-among-others-is-no-ending",
	    test_flip_and_state_gone_among_others_is_no_ending);
	g_test_add_func("/store-lost/a-store-that-went-back-neither-ends-nor-announces",
	    test_a_store_that_went_back_neither_ends_nor_announces);
	g_test_add_func("/store-lost/a-flip-after-the-store-went-back-is-acted-on", test_a_flip_after_the_store_went_back_is_acted_on);
	g_test_add_func("/store-lost/a-clock-that-was-ahead-freezes-nothing", test_a_clock_that_was_ahead_freezes_nothing);
	g_test_add_func("/store-lost/a-clock-that-is-behind-keeps-the-order", test_a_clock_that_is_behind_keeps_the_order);
	g_test_add_func("/store-lost/the-life-of-a-store", test_the_life_of_a_store);
	for (gsize i = 0; i < G_N_ELEMENTS(hints); i++) {
		g_autofree char *path = g_strdup_printf("/store-lost/an-old-memory-names-no-new-incident/%s", hints[i]);

		g_test_add_data_func(path, GINT_TO_POINTER(i), test_an_old_memory_names_no_new_incident);
	}
	result = g_test_run();
	fixture_shut_down();
	return result;
}
