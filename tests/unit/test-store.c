/* The store's promises, run against SQLite and against a real Redis by one suite: incidents over time, texts, updates, pause,
 * accounts, the operator's tables, losing everything, noticing changes. Claims and the queue are in test-store-claims.c. */
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/error.h"
#include "store-fixture.h"
#include "store/backend.h"

#define SET_TEXTS(...) ((char *const[TEXT_FIELDS]){ __VA_ARGS__ })
#define TEXT(value) ((char *)(value))

static void set_word(Store *store, const char *name, Word word, IncidentState *out)
{
	g_autoptr(GError) error = NULL;

	store_set_word(store, name, word, NULL, "tester", out, &error);
	g_assert_no_error(error);
}

static Snapshot *snapshot(Store *store, const Snapshot *last)
{
	g_autoptr(GError) error = NULL;
	Snapshot *taken = store_snapshot(store, last, &error);

	g_assert_no_error(error);
	return taken;
}

static StoreEvent *newest_event(Store *store)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(GPtrArray) events = store_events(store, 1, &error);

	g_assert_no_error(error);
	g_assert_cmpuint(events->len, ==, 1);
	return g_ptr_array_steal_index(events, 0);
}

typedef enum { ID_NONE, ID_SAME, ID_NEW } IdIs;

/* One step: the word that is set, what has to hold after it, and the event it leaves. reopen: incident.reopen_within covers now. */
static const struct {
	const char *what;
	bool reopen;
	struct { Word set, holds; IdIs id; guint64 epoch; const char *event; } steps[6];
} transition_cases[] = {
	{ "severity changes keep the id", true, {
		{ WORD_P1, WORD_P1, ID_NEW, 0, "opened" }, { WORD_P2, WORD_P2, ID_SAME, 0, "severity" },
		{ WORD_P3, WORD_P3, ID_SAME, 0, "severity" }, { WORD_P1, WORD_P1, ID_SAME, 0, "severity" },
		{ WORD_P1, WORD_P1, ID_SAME, 0, "word" } } },
	{ "resolved, then done", true, {
		{ WORD_P2, WORD_P2, ID_NEW, 0, "opened" }, { WORD_RESOLVED, WORD_RESOLVED, ID_SAME, 0, "resolved" },
		{ WORD_NONE, WORD_NONE, ID_SAME, 1, "ended" } } },
	{ "reopened soon after the fix", true, {
		{ WORD_P1, WORD_P1, ID_NEW, 0, "opened" }, { WORD_RESOLVED, WORD_RESOLVED, ID_SAME, 0, "resolved" },
		{ WORD_P2, WORD_P2, ID_SAME, 0, "reopened" } } },
	{ "reopened soon after a false alarm", true, {
		{ WORD_P1, WORD_P1, ID_NEW, 0, "opened" }, { WORD_NONE, WORD_NONE, ID_SAME, 1, "ended" },
		{ WORD_P1, WORD_P1, ID_SAME, 1, "reopened" }, { WORD_NONE, WORD_NONE, ID_SAME, 2, "ended" } } },
	{ "a new one long after the fix, within one second here", false, {
		{ WORD_P1, WORD_P1, ID_NEW, 0, "opened" }, { WORD_RESOLVED, WORD_RESOLVED, ID_SAME, 0, "resolved" },
		{ WORD_P1, WORD_P1, ID_NEW, 0, "opened" }, { WORD_NONE, WORD_NONE, ID_SAME, 1, "ended" },
		{ WORD_P3, WORD_P3, ID_NEW, 1, "opened" } } },
	{ "resolved with nothing open", true, {
		{ WORD_RESOLVED, WORD_NONE, ID_NONE, 0, "resolved-nothing" }, { WORD_NONE, WORD_NONE, ID_NONE, 0, "word" },
		{ WORD_P1, WORD_P1, ID_NEW, 0, "opened" } } },
	{ "none with nothing open", true, {
		{ WORD_NONE, WORD_NONE, ID_NONE, 0, "word" }, { WORD_P1, WORD_P1, ID_NEW, 0, "opened" } } },
};

static void run_transition_case(gconstpointer kind, gsize n)
{
	g_autoptr(Fixture) fixture = fixture_new(kind);
	IncidentState state = { .id = NULL };
	g_autofree char *id = NULL;
	g_autoptr(Store) store = NULL;
	gint64 was_reopened;

	g_test_message("%s", transition_cases[n].what);
	fixture->config->reopen_within = transition_cases[n].reopen ? 3600000 : 0;
	store = fixture_open(fixture, "node1");
	for (gsize i = 0; i < 6 && transition_cases[n].steps[i].event != NULL; i++) {
		g_autoptr(Snapshot) seen = NULL;
		const Incident *incident;
		StoreEvent *event;

		was_reopened = state.reopened_at;
		set_word(store, "default", transition_cases[n].steps[i].set, &state);
		if (strcmp(transition_cases[n].steps[i].event, "reopened") == 0)
			g_assert_cmpint(state.reopened_at, >=, state.declared_at);
		else
			g_assert_cmpint(state.reopened_at, ==, strcmp(transition_cases[n].steps[i].event, "opened") == 0 ? 0 : was_reopened);
		g_assert_cmpint(state.flip, ==, transition_cases[n].steps[i].set);
		g_assert_cmpint(state.word, ==, transition_cases[n].steps[i].holds);
		g_assert_cmpuint(state.epoch, ==, transition_cases[n].steps[i].epoch);
		switch (transition_cases[n].steps[i].id) {
		case ID_NONE:
			g_assert_null(state.id);
			break;
		case ID_SAME:
			g_assert_cmpstr(state.id, ==, id);
			break;
		case ID_NEW:
			/* Ids sort in the order of the incidents. */
			g_assert_cmpstr(state.id, >, id != NULL ? id : "");
			g_assert_true(g_str_has_suffix(state.id, "Z-default"));
			break;
		}
		g_free(id);
		id = g_strdup(state.id);
		event = newest_event(store);
		g_assert_cmpstr(event->what, ==, transition_cases[n].steps[i].event);
		g_assert_cmpstr(event->name, ==, "default");
		g_assert_cmpstr(event->by, ==, "tester");
		store_event_free(event);
		seen = snapshot(store, NULL);
		incident = snapshot_find(seen, "default");
		g_assert_nonnull(incident);
		g_assert_cmpint(incident->state.word, ==, state.word);
		g_assert_cmpstr(incident->state.id, ==, state.id);
		g_assert_cmpint(incident->state.declared_at, ==, state.declared_at);
		g_assert_cmpint(incident->state.reopened_at, ==, state.reopened_at);
		g_assert_cmpint(incident->state.resolved_at, ==, state.resolved_at);
		g_assert_cmpuint(incident->state.epoch, ==, state.epoch);
	}
	incident_state_clear(&state);
}

static void test_transitions(gconstpointer kind)
{
	for (gsize i = 0; i < G_N_ELEMENTS(transition_cases); i++)
		run_transition_case(kind, i);
}

static void test_raw_flip_is_acted_on(gconstpointer kind)
{
	g_autoptr(Fixture) fixture = fixture_new(kind);
	g_autoptr(Store) store = fixture_open(fixture, "node1"), other = fixture_open(fixture, "node2");
	g_autoptr(Snapshot) seen = NULL, again = NULL, wrong = NULL;
	StoreEvent *event;

	fixture_set_raw_flip(fixture, " p2\n");
	seen = snapshot(store, NULL);
	g_assert_cmpint(snapshot_find(seen, "default")->state.word, ==, WORD_P2);
	event = newest_event(store);
	g_assert_cmpstr(event->what, ==, "opened");
	store_event_free(event);
	/* The second node adopts what the first one made of it. */
	again = snapshot(other, NULL);
	g_assert_cmpstr(snapshot_find(again, "default")->state.id, ==, snapshot_find(seen, "default")->state.id);
	/* A word that is none keeps the last good state and is named. */
	fixture_set_raw_flip(fixture, "P1 please");
	wrong = snapshot(store, seen);
	g_assert_cmpint(snapshot_find(wrong, "default")->state.word, ==, WORD_P2);
	g_assert_cmpstr(snapshot_find(wrong, "default")->state.id, ==, snapshot_find(seen, "default")->state.id);
	g_assert_cmpuint(wrong->problems->len, ==, 1);
	g_assert_nonnull(strstr(g_ptr_array_index(wrong->problems, 0), "P1 please"));
	g_assert_cmpint(wrong->generation, ==, seen->generation + 1);
	g_assert_false(wrong->store_empty);
}

static void test_several_incidents(gconstpointer kind)
{
	g_autoptr(Fixture) fixture = fixture_new(kind);
	g_autoptr(Store) store = fixture_open(fixture, "node1");
	g_autoptr(Snapshot) seen = NULL;
	g_autoptr(GError) error = NULL;

	set_word(store, "payments", WORD_P1, NULL);
	set_word(store, "api_eu-1", WORD_P3, NULL);
	set_word(store, "default", WORD_P2, NULL);
	set_word(store, "payments", WORD_RESOLVED, NULL);
	seen = snapshot(store, NULL);
	g_assert_cmpuint(seen->incidents->len, ==, 3);
	g_assert_cmpstr(((Incident *)g_ptr_array_index(seen->incidents, 0))->name, ==, "default");
	g_assert_cmpint(snapshot_find(seen, "default")->state.word, ==, WORD_P2);
	g_assert_cmpint(snapshot_find(seen, "payments")->state.word, ==, WORD_RESOLVED);
	g_assert_cmpint(snapshot_find(seen, "api_eu-1")->state.word, ==, WORD_P3);
	g_assert_cmpuint(seen->problems->len, ==, 0);
	g_assert_false(store_set_word(store, "P1", WORD_P1, NULL, "tester", NULL, &error));
	g_assert_error(error, OUTAGE_ERROR, OUTAGE_ERROR_INVALID);
}

static void test_texts_never_reach_a_later_incident(gconstpointer kind)
{
	g_autoptr(Fixture) fixture = fixture_new(kind);
	g_autoptr(Store) store = NULL;
	g_autoptr(GError) error = NULL;
	g_autoptr(Snapshot) first = NULL, second = NULL, third = NULL;

	fixture->config->reopen_within = 0;
	store = fixture_open(fixture, "node1");
	store_set_word(store, "default", WORD_P1, SET_TEXTS([TEXT_TITLE] = TEXT("old title"), [TEXT_CAUSE] = TEXT("old cause")),
	    "tester", NULL, &error);
	g_assert_no_error(error);
	store_add_update(store, "default", "old update", "tester", &error);
	g_assert_no_error(error);
	first = snapshot(store, NULL);
	g_assert_cmpstr(snapshot_find(first, "default")->texts[TEXT_TITLE], ==, "old title");
	g_assert_cmpstr(snapshot_find(first, "default")->update_text, ==, "old update");
	set_word(store, "default", WORD_RESOLVED, NULL);
	set_word(store, "default", WORD_P2, NULL);
	second = snapshot(store, NULL);
	for (TextField field = 0; field < TEXT_FIELDS; field++)
		g_assert_null(snapshot_find(second, "default")->texts[field]);
	g_assert_null(snapshot_find(second, "default")->update_text);
	/* Also where texts came while it was on, and it ended without a fix. */
	store_set_texts(store, "default", SET_TEXTS([TEXT_SCOPE] = TEXT("old scope")), "tester", &error);
	g_assert_no_error(error);
	set_word(store, "default", WORD_NONE, NULL);
	set_word(store, "default", WORD_P1, NULL);
	third = snapshot(store, NULL);
	for (TextField field = 0; field < TEXT_FIELDS; field++)
		g_assert_null(snapshot_find(third, "default")->texts[field]);
}

static void test_prepared_texts_stay(gconstpointer kind)
{
	g_autoptr(Fixture) fixture = fixture_new(kind);
	g_autoptr(Store) store = NULL;
	g_autoptr(GError) error = NULL;
	g_autoptr(Snapshot) first = NULL, second = NULL, third = NULL;

	fixture->config->reopen_within = 0;
	store = fixture_open(fixture, "node1");
	store_set_texts(store, "default", SET_TEXTS([TEXT_TITLE] = TEXT("prepared one")), "tester", &error);
	g_assert_no_error(error);
	set_word(store, "default", WORD_P1, NULL);
	first = snapshot(store, NULL);
	g_assert_cmpstr(snapshot_find(first, "default")->texts[TEXT_TITLE], ==, "prepared one");
	/* Prepared after the end of one for the next: nothing of the ended one is mixed in. */
	store_set_texts(store, "default", SET_TEXTS([TEXT_CAUSE] = TEXT("cause one")), "tester", &error);
	g_assert_no_error(error);
	set_word(store, "default", WORD_NONE, NULL);
	store_set_texts(store, "default", SET_TEXTS([TEXT_SCOPE] = TEXT("scope two")), "tester", &error);
	g_assert_no_error(error);
	set_word(store, "default", WORD_P2, NULL);
	second = snapshot(store, NULL);
	g_assert_cmpstr(snapshot_find(second, "default")->texts[TEXT_SCOPE], ==, "scope two");
	g_assert_null(snapshot_find(second, "default")->texts[TEXT_TITLE]);
	g_assert_null(snapshot_find(second, "default")->texts[TEXT_CAUSE]);
	/* And these are not prepared for ever. */
	set_word(store, "default", WORD_NONE, NULL);
	set_word(store, "default", WORD_P1, NULL);
	third = snapshot(store, NULL);
	g_assert_null(snapshot_find(third, "default")->texts[TEXT_SCOPE]);
}

static void test_a_fix_of_nothing_leaves_no_texts(gconstpointer kind)
{
	static const Word words[] = { WORD_RESOLVED, WORD_NONE };
	g_autoptr(Fixture) fixture = fixture_new(kind);
	g_autoptr(Store) store = NULL;
	g_autoptr(GError) error = NULL;

	fixture->config->reopen_within = 0;
	store = fixture_open(fixture, "node1");
	for (gsize i = 0; i < G_N_ELEMENTS(words); i++) {
		g_autoptr(Snapshot) seen = NULL, fixed = NULL;

		set_word(store, "default", WORD_P2, NULL);
		set_word(store, "default", WORD_NONE, NULL);
		g_assert_true(store_set_word(store, "default", words[i], SET_TEXTS([TEXT_CAUSE] = TEXT("a cable"),
		    [TEXT_FIX] = TEXT("a new cable")), "tester", NULL, &error));
		set_word(store, "default", WORD_P1, NULL);
		seen = snapshot(store, NULL);
		for (TextField field = 0; field < TEXT_FIELDS; field++)
			g_assert_null(snapshot_find(seen, "default")->texts[field]);
		/* Those of a fix that ends something are kept, also where they come after it. */
		g_assert_true(store_set_word(store, "default", WORD_RESOLVED, SET_TEXTS([TEXT_CAUSE] = TEXT("a cable")), "tester", NULL,
		    &error));
		g_assert_true(store_set_word(store, "default", WORD_RESOLVED, SET_TEXTS([TEXT_FIX] = TEXT("a new cable")), "tester", NULL,
		    &error));
		fixed = snapshot(store, NULL);
		g_assert_cmpstr(snapshot_find(fixed, "default")->texts[TEXT_CAUSE], ==, "a cable");
		g_assert_cmpstr(snapshot_find(fixed, "default")->texts[TEXT_FIX], ==, "a new cable");
		set_word(store, "default", WORD_NONE, NULL);
	}
}

static void test_reopening_keeps_texts_but_not_updates(gconstpointer kind)
{
	g_autoptr(Fixture) fixture = fixture_new(kind);
	g_autoptr(Store) store = NULL;
	g_autoptr(GError) error = NULL;
	g_autoptr(Snapshot) first = NULL, fixed = NULL, seen = NULL, again = NULL;

	fixture->config->reopen_within = 3600000;
	store = fixture_open(fixture, "node1");
	store_set_word(store, "default", WORD_P1, SET_TEXTS([TEXT_TITLE] = TEXT("Déjà vu: 日本")), "tester", NULL, &error);
	g_assert_no_error(error);
	store_add_update(store, "default", "first", "tester", &error);
	store_add_update(store, "default", "second", "tester", &error);
	g_assert_no_error(error);
	first = snapshot(store, NULL);
	g_assert_cmpstr(snapshot_find(first, "default")->update_text, ==, "second");
	g_assert_cmpint(snapshot_find(first, "default")->update_at, >=, snapshot_find(first, "default")->state.declared_at);
	set_word(store, "default", WORD_RESOLVED, NULL);
	store_add_update(store, "default", "all is fixed", "tester", &error);
	g_assert_no_error(error);
	fixed = snapshot(store, NULL);
	g_assert_cmpstr(snapshot_find(fixed, "default")->update_text, ==, "all is fixed");
	/* It was not: nobody is told so any more, even where all this happens within one second. */
	set_word(store, "default", WORD_P3, NULL);
	seen = snapshot(store, NULL);
	g_assert_cmpstr(snapshot_find(seen, "default")->texts[TEXT_TITLE], ==, "Déjà vu: 日本");
	g_assert_null(snapshot_find(seen, "default")->update_text);
	store_add_update(store, "default", "it is back", "tester", &error);
	g_assert_no_error(error);
	set_word(store, "default", WORD_P1, NULL);
	again = snapshot(store, NULL);
	g_assert_cmpstr(snapshot_find(again, "default")->update_text, ==, "it is back");
	g_assert_false(store_add_update(store, "default", "\033[2J", "tester", &error));
	g_assert_error(error, OUTAGE_ERROR, OUTAGE_ERROR_INVALID);
}

static void test_texts_are_set_and_deleted(gconstpointer kind)
{
	g_autoptr(Fixture) fixture = fixture_new(kind);
	g_autoptr(Store) store = fixture_open(fixture, "node1");
	g_autoptr(GError) error = NULL;
	g_autoptr(Snapshot) seen = NULL;
	StoreEvent *event;

	store_set_word(store, "default", WORD_P1, SET_TEXTS([TEXT_TITLE] = TEXT("t"), [TEXT_SCOPE] = TEXT("s")), "tester", NULL,
	    &error);
	g_assert_no_error(error);
	store_set_texts(store, "default", SET_TEXTS([TEXT_TITLE] = TEXT(""), [TEXT_ETA] = TEXT("2026-11-21T15:10:00Z")), "tester",
	    &error);
	g_assert_no_error(error);
	event = newest_event(store);
	g_assert_cmpstr(event->what, ==, "texts");
	g_assert_cmpstr(event->detail, ==, "title eta");
	store_event_free(event);
	seen = snapshot(store, NULL);
	g_assert_null(snapshot_find(seen, "default")->texts[TEXT_TITLE]);
	g_assert_cmpstr(snapshot_find(seen, "default")->texts[TEXT_SCOPE], ==, "s");
	g_assert_cmpstr(snapshot_find(seen, "default")->texts[TEXT_ETA], ==, "2026-11-21T15:10:00Z");
	/* What no reply could use is refused at once, and with it the whole step. */
	g_assert_false(store_set_word(store, "default", WORD_P2, SET_TEXTS([TEXT_ETA] = TEXT("soon")), "tester", NULL, &error));
	g_assert_error(error, OUTAGE_ERROR, OUTAGE_ERROR_INVALID);
	g_clear_pointer(&seen, snapshot_unref);
	seen = snapshot(store, NULL);
	g_assert_cmpint(snapshot_find(seen, "default")->state.word, ==, WORD_P1);
}

static void test_pause(gconstpointer kind)
{
	static const struct { const char *text; bool paused; } cases[] = {
		{ "wrong text", true }, { "", false }, { "0", false }, { "off", false }, { "Off ", false }, { "1", true }, { "on", true },
	};
	g_autoptr(Fixture) fixture = fixture_new(kind);
	g_autoptr(Store) store = fixture_open(fixture, "node1");
	g_autoptr(Snapshot) none = snapshot(store, NULL), paused = NULL, resumed = NULL;
	g_autoptr(GError) error = NULL;

	g_assert_null(none->pause);
	g_assert_true(store_set_pause(store, "wrong text", "tester", &error));
	paused = snapshot(store, NULL);
	g_assert_cmpstr(paused->pause, ==, "wrong text");
	g_assert_true(store_set_pause(store, NULL, "tester", &error));
	resumed = snapshot(store, NULL);
	g_assert_null(resumed->pause);
	for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
		g_autoptr(Snapshot) seen = NULL;

		fixture_set_raw_pause(fixture, cases[i].text);
		seen = snapshot(store, NULL);
		g_assert_cmpint(seen->pause != NULL, ==, cases[i].paused);
	}
	g_assert_false(store_set_pause(store, "off", "tester", &error));
	g_assert_error(error, OUTAGE_ERROR, OUTAGE_ERROR_INVALID);
}

static void test_losing_everything_is_no_ending(gconstpointer kind)
{
	g_autoptr(Fixture) fixture = fixture_new(kind);
	g_autoptr(Store) store = fixture_open(fixture, "node1");
	g_autoptr(Snapshot) before = NULL, empty = NULL, still = NULL, after = NULL;
	g_autoptr(GError) error = NULL;

	g_assert_true(store_set_word(store, "default", WORD_P1, SET_TEXTS([TEXT_TITLE] = TEXT("kept")), "tester", NULL, &error));
	g_assert_true(store_add_update(store, "default", "kept too", "tester", &error));
	before = snapshot(store, NULL);
	fixture_lose_all(fixture);
	if (!fixture->redis) {
		/* The file was replaced: the old one must not be written to any more. */
		g_assert_false(store_set_word(store, "default", WORD_P2, NULL, "tester", NULL, &error));
		g_assert_error(error, OUTAGE_ERROR, OUTAGE_ERROR_UNAVAILABLE);
		g_clear_error(&error);
		g_clear_pointer(&store, store_close);
		store = fixture_open(fixture, "node1");
	}
	empty = snapshot(store, before);
	g_assert_true(empty->store_empty);
	g_assert_cmpuint(empty->problems->len, >=, 1);
	still = snapshot(store, empty);
	g_assert_true(still->store_empty);
	g_assert_cmpint(snapshot_find(still, "default")->state.word, ==, WORD_P1);
	g_assert_cmpstr(snapshot_find(still, "default")->state.id, ==, snapshot_find(before, "default")->state.id);
	g_assert_cmpstr(snapshot_find(still, "default")->texts[TEXT_TITLE], ==, "kept");
	g_assert_cmpstr(snapshot_find(still, "default")->update_text, ==, "kept too");
	/* The operator's word ends it, even a plain none. */
	set_word(store, "default", WORD_NONE, NULL);
	after = snapshot(store, still);
	g_assert_false(after->store_empty);
	g_assert_cmpint(snapshot_find(after, "default")->state.word, ==, WORD_NONE);
}

/* By this a node tells a store that went back in time. */
static void test_every_word_of_an_operator_is_newer(gconstpointer kind)
{
	static const Word words[] = { WORD_P1, WORD_P1, WORD_P2, WORD_RESOLVED, WORD_RESOLVED, WORD_NONE, WORD_NONE };
	g_autoptr(Fixture) fixture = fixture_new(kind);
	g_autoptr(Store) store = fixture_open(fixture, "node1");
	IncidentState state = { .id = NULL };
	gint64 before = g_get_real_time() / 1000 - 1;

	for (gsize i = 0; i < G_N_ELEMENTS(words); i++) {
		g_autoptr(Snapshot) seen = NULL;

		set_word(store, "default", words[i], &state);
		g_assert_cmpint(state.changed_ms, >, before);
		g_assert_cmpint(state.changed_ms, <, g_get_real_time() / 1000 + 1000);
		before = state.changed_ms;
		seen = snapshot(store, NULL);
		g_assert_cmpint(snapshot_find(seen, "default")->state.changed_ms, ==, before);
	}
	incident_state_clear(&state);
}

/* last: what this node saw before an old copy was put in the store's place. */
static void test_an_older_state_is_not_believed(gconstpointer kind)
{
	g_autoptr(Fixture) fixture = fixture_new(kind);
	g_autoptr(Store) store = fixture_open(fixture, "node1");
	g_autoptr(Snapshot) last = NULL, seen = NULL, again = NULL, confirmed = NULL, unknown = NULL;
	IncidentState *state;

	set_word(store, "default", WORD_P1, NULL);
	set_word(store, "payments", WORD_P2, NULL);
	last = snapshot(store, NULL);
	state = &snapshot_find(last, "default")->state;
	state->changed_ms += 500;
	state->word = state->flip = WORD_RESOLVED;
	state->resolved_at = state->declared_at;
	seen = snapshot(store, last);
	g_assert_cmpint(snapshot_find(seen, "default")->state.word, ==, WORD_RESOLVED);
	g_assert_cmpint(snapshot_find(seen, "payments")->state.word, ==, WORD_P2);
	g_assert_cmpuint(seen->problems->len, ==, 1);
	g_assert_nonnull(strstr(g_ptr_array_index(seen->problems, 0), "went back in time"));
	again = snapshot(store, seen);
	g_assert_cmpstr(g_ptr_array_index(again->problems, 0), ==, g_ptr_array_index(seen->problems, 0));
	/* The clock of the store has passed what was seen: then the operator's word is the newest. */
	while (g_get_real_time() / 1000 <= state->changed_ms)
		g_usleep(20000);
	set_word(store, "default", WORD_P1, NULL);
	confirmed = snapshot(store, again);
	g_assert_cmpint(snapshot_find(confirmed, "default")->state.word, ==, WORD_P1);
	g_assert_cmpuint(confirmed->problems->len, ==, 0);
	/* Of a state whose time is not known nothing can be said. */
	state->changed_ms = 0;
	unknown = snapshot(store, last);
	g_assert_cmpint(snapshot_find(unknown, "default")->state.word, ==, WORD_P1);
	g_assert_cmpuint(unknown->problems->len, ==, 0);
}

static void test_accounts(gconstpointer kind)
{
	g_autoptr(Fixture) fixture = fixture_new(kind);
	g_autoptr(Store) store = fixture_open(fixture, "node1");
	g_autoptr(GPtrArray) problems = g_ptr_array_new_with_free_func(g_free);
	g_autoptr(Accounts) accounts = NULL, after = NULL;
	g_autoptr(GError) error = NULL;
	StoreEvent *event;
	bool found;

	g_assert_true(store_account_put(store, "ACME.example", "{\"account\":\"Acme\",\"level\":\"gold\"}", "tester", &error));
	event = newest_event(store);
	g_assert_cmpstr(event->what, ==, "account");
	g_assert_cmpstr(event->detail, ==, "acme.example");
	store_event_free(event);
	g_assert_false(store_account_put(store, "b.example", "{\"level\":3}", "tester", &error));
	g_assert_error(error, OUTAGE_ERROR, OUTAGE_ERROR_INVALID);
	g_clear_error(&error);
	fixture_add_raw_account(fixture, "broken.example", "{not json");
	accounts = store_accounts(store, problems, &error);
	g_assert_no_error(error);
	g_assert_cmpuint(accounts_count(accounts), ==, 1);
	g_assert_cmpuint(problems->len, ==, 1);
	g_assert_nonnull(strstr(g_ptr_array_index(problems, 0), "broken.example"));
	g_assert_cmpstr(accounts_find(accounts, "x@sub.acme.example")->name, ==, "Acme");
	g_assert_true(store_account_remove(store, "Acme.example", "tester", &found, &error));
	g_assert_true(found);
	g_assert_true(store_account_remove(store, "acme.example", "tester", &found, &error));
	g_assert_false(found);
	g_assert_true(store_account_remove(store, "broken.example", "tester", &found, &error));
	g_assert_true(found);
	after = store_accounts(store, NULL, &error);
	g_assert_cmpuint(accounts_count(after), ==, 0);
}

static void test_many_accounts(gconstpointer kind)
{
	g_autoptr(Fixture) fixture = fixture_new(kind);
	g_autoptr(Store) store = fixture_open(fixture, "node1");
	g_autoptr(Accounts) accounts = NULL;
	g_autoptr(GError) error = NULL;

	for (int i = 0; i < 1500; i++) {
		g_autofree char *key = g_strdup_printf("customer%d.example", i);

		g_assert_true(store_account_put(store, key, "{\"account\":\"One\"}", "tester", &error));
	}
	accounts = store_accounts(store, NULL, &error);
	g_assert_no_error(error);
	g_assert_cmpuint(accounts_count(accounts), ==, 1500);
}

static void test_events_come_newest_first(gconstpointer kind)
{
	g_autoptr(Fixture) fixture = fixture_new(kind);
	g_autoptr(Store) store = fixture_open(fixture, "node1");
	g_autoptr(GPtrArray) events = NULL;
	g_autoptr(GError) error = NULL;
	const StoreEvent *event;

	g_assert_true(store_add_event(store, "one", "default", "me", "detail=1 \"quoted\"", &error));
	g_assert_true(store_add_event(store, "two", NULL, "me", NULL, &error));
	g_assert_true(store_add_event(store, "three", NULL, "me", NULL, &error));
	events = store_events(store, 2, &error);
	g_assert_cmpuint(events->len, ==, 2);
	event = g_ptr_array_index(events, 0);
	g_assert_cmpstr(event->what, ==, "three");
	g_assert_null(event->name);
	g_assert_null(event->detail);
	g_clear_pointer(&events, g_ptr_array_unref);
	events = store_events(store, 100, &error);
	g_assert_cmpuint(events->len, ==, 3);
	event = g_ptr_array_index(events, 2);
	g_assert_cmpstr(event->what, ==, "one");
	g_assert_cmpstr(event->detail, ==, "detail=1 \"quoted\"");
	g_assert_cmpint(event->at, >, 1700000000);
}

static void test_nodes_and_counters(gconstpointer kind)
{
	g_autoptr(Fixture) fixture = fixture_new(kind);
	g_autoptr(Store) a = fixture_open(fixture, "a"), b = fixture_open(fixture, "b");
	g_autoptr(GPtrArray) nodes = NULL;
	g_autoptr(GHashTable) counters = NULL, none = NULL;
	g_autoptr(GError) error = NULL;

	g_assert_true(store_heartbeat(b, "{\"n\":1}", &error));
	g_assert_true(store_heartbeat(a, "{\"n\":2}", &error));
	g_assert_true(store_heartbeat(b, "{\"n\":3}", &error));
	nodes = store_nodes(a, &error);
	g_assert_cmpuint(nodes->len, ==, 2);
	g_assert_cmpstr(((StoreNode *)g_ptr_array_index(nodes, 0))->node, ==, "a");
	g_assert_cmpstr(((StoreNode *)g_ptr_array_index(nodes, 1))->json, ==, "{\"n\":3}");
	g_assert_true(store_count(a, "20261121T151000Z-default", "matched", 2, &error));
	g_assert_true(store_count(b, "20261121T151000Z-default", "matched", 3, &error));
	counters = store_counters(a, "20261121T151000Z-default", &error);
	g_assert_cmpstr(g_hash_table_lookup(counters, "matched"), ==, "5");
	none = store_counters(a, "20261121T151001Z-default", &error);
	g_assert_cmpuint(g_hash_table_size(none), ==, 0);
}

static void test_wait_sees_what_others_change(gconstpointer kind)
{
	g_autoptr(Fixture) fixture = fixture_new(kind);
	g_autoptr(Store) watcher = fixture_open(fixture, "a"), other = fixture_open(fixture, "b");
	g_autoptr(Snapshot) first = snapshot(watcher, NULL), second = NULL;
	g_autoptr(Accounts) accounts = NULL;
	g_autoptr(GError) error = NULL;
	guint64 one = 1;
	int wake = eventfd(0, EFD_CLOEXEC), tries = 0;

	/* A connection that has just been made may say "something may have changed" once. */
	while (store_wait(watcher, -1, 50, &error) == 1 && tries++ < 3)
		continue;
	g_assert_no_error(error);
	accounts = store_accounts(watcher, NULL, &error);
	g_assert_cmpint(store_wait(watcher, -1, 50, &error), ==, 0);
	watcher->accounts_changed = false;
	set_word(other, "default", WORD_P1, NULL);
	g_assert_cmpint(store_wait(watcher, wake, 30000, &error), ==, 1);
	second = snapshot(watcher, first);
	g_assert_cmpint(snapshot_find(second, "default")->state.word, ==, WORD_P1);
	while (store_wait(watcher, -1, 50, &error) == 1) {
		g_clear_pointer(&second, snapshot_unref);
		second = snapshot(watcher, first);
	}
	g_assert_true(store_account_put(other, "acme.example", "{\"account\":\"Acme\"}", "tester", &error));
	g_assert_cmpint(store_wait(watcher, wake, 30000, &error), ==, 1);
	g_assert_true(watcher->accounts_changed);
	while (store_wait(watcher, -1, 50, &error) == 1)
		continue;
	/* The wake-up descriptor ends a wait at once. */
	g_assert_cmpint(write(wake, &one, sizeof one), ==, sizeof one);
	g_assert_cmpint(store_wait(watcher, wake, 30000, &error), ==, 0);
	g_assert_no_error(error);
	close(wake);
}

int main(int argc, char **argv)
{
	int result;

	g_test_init(&argc, &argv, NULL);
	fixture_add_test("transitions", test_transitions);
	fixture_add_test("raw-flip-is-acted-on", test_raw_flip_is_acted_on);
	fixture_add_test("several-incidents", test_several_incidents);
	fixture_add_test("texts-never-reach-a-later-incident", test_texts_never_reach_a_later_incident);
	fixture_add_test("prepared-texts-stay", test_prepared_texts_stay);
	fixture_add_test("a-fix-of-nothing-leaves-no-texts", test_a_fix_of_nothing_leaves_no_texts);
	fixture_add_test("reopening-keeps-texts-but-not-updates", test_reopening_keeps_texts_but_not_updates);
	fixture_add_test("texts-are-set-and-deleted", test_texts_are_set_and_deleted);
	fixture_add_test("pause", test_pause);
	fixture_add_test("losing-everything-is-no-ending", test_losing_everything_is_no_ending);
	fixture_add_test("every-word-of-an-operator-is-newer", test_every_word_of_an_operator_is_newer);
	fixture_add_test("an-older-state-is-not-believed", test_an_older_state_is_not_believed);
	fixture_add_test("accounts", test_accounts);
	fixture_add_test("many-accounts", test_many_accounts);
	fixture_add_test("events-come-newest-first", test_events_come_newest_first);
	fixture_add_test("nodes-and-counters", test_nodes_and_counters);
	fixture_add_test("wait-sees-what-others-change", test_wait_sees_what_others_change);
	result = g_test_run();
	fixture_shut_down();
	return result;
}
