/* test-incident: the flip key's words, and what they mean over time. */
#include <string.h>

#include "base/clock.h"
#include "base/error.h"
#include "incident/incident.h"

static void words_are_read_as_people_type_them(void)
{
	static const struct {
		const char *text;
		Word word;
	} good[] = {
		{ "P1", WORD_P1 }, { "p2", WORD_P2 }, { " P3\n", WORD_P3 }, { "Resolved", WORD_RESOLVED }, { "NONE", WORD_NONE }, { "", WORD_NONE },
		{ "  ", WORD_NONE }, { NULL, WORD_NONE }, { "\tresolved\r\n", WORD_RESOLVED }, { "p1\v\f", WORD_P1 },
	};
	static const char *const bad[] = { "P0", "P4", "P11", "P 1", "on", "true", "resolve", "nonesuch", "P1;", "\"P1\"", "\xff" };

	for (gsize i = 0; i < G_N_ELEMENTS(good); i++) {
		Word word = 99;

		g_assert_true(word_parse(good[i].text, -1, &word));
		g_assert_cmpint(word, ==, good[i].word);
	}
	for (gsize i = 0; i < G_N_ELEMENTS(bad); i++) {
		Word word = WORD_P2;

		g_assert_false(word_parse(bad[i], -1, &word));
		g_assert_cmpint(word, ==, WORD_P2);
	}
	/* A value with a NUL inside is no word, whatever stands in front of it. */
	Word word;
	g_assert_false(word_parse("P1\0x", 4, &word));
}

static void names_cannot_be_mistaken_for_words(void)
{
	static const char *const good[] = { "payments", "eu-1", "a", "0", "api_v2", "p10", "defaults" };
	static const char *const bad[] = { "", "P1", "p1", "resolved", "none", "default", "Payments", "-a", "_a", "a b", "a.b", "a:b",
		"abcdefghijklmnopqrstuvwxyz0123456", "\xc3\xa9" };

	for (gsize i = 0; i < G_N_ELEMENTS(good); i++)
		g_assert_true(incident_name_valid(good[i]));
	for (gsize i = 0; i < G_N_ELEMENTS(bad); i++)
		g_assert_false(incident_name_valid(bad[i]));
	g_assert_false(incident_name_valid(NULL));
}

typedef struct {
	gint64 at;          /* seconds after the start */
	Word word;
	Transition expected;
	Word holds;
	const char *id;     /* of the incident that holds afterwards, by its second: "0" is the first */
	gint64 reopened;    /* seconds after the start; 0 = never */
} Step;

/* 2026-11-21T00:00:00Z */
#define START G_GINT64_CONSTANT(1795219200)
#define HOUR 3600

static void run_steps(const Step *steps, gsize count)
{
	IncidentState state = { .flip = WORD_NONE, .word = WORD_NONE };

	for (gsize i = 0; i < count; i++) {
		Transition got = incident_transition(&state, "x", steps[i].word, START + steps[i].at, 6 * HOUR);

		g_assert_cmpstr(transition_name(got), ==, transition_name(steps[i].expected));
		g_assert_cmpstr(word_name(state.word), ==, word_name(steps[i].holds));
		g_assert_cmpint(state.flip, ==, steps[i].word);
		if (steps[i].id != NULL) {
			g_autofree char *compact = clock_format_compact(START + g_ascii_strtoll(steps[i].id, NULL, 10));
			g_autofree char *id = g_strconcat(compact, "-x", NULL);

			g_assert_cmpstr(state.id, ==, id);
		}
		g_assert_cmpint(state.reopened_at, ==, steps[i].reopened == 0 ? 0 : START + steps[i].reopened);
	}
	incident_state_clear(&state);
}

static void an_incident_opens_changes_and_ends(void)
{
	static const Step steps[] = {
		{ 0, WORD_NONE, TRANSITION_NOTHING, WORD_NONE, NULL, 0 },
		{ 0, WORD_P2, TRANSITION_OPENED, WORD_P2, "0", 0 },
		{ 10, WORD_P2, TRANSITION_NOTHING, WORD_P2, "0", 0 },
		{ 20, WORD_P1, TRANSITION_SEVERITY, WORD_P1, "0", 0 },
		{ 30, WORD_RESOLVED, TRANSITION_RESOLVED, WORD_RESOLVED, "0", 0 },
		{ 40, WORD_RESOLVED, TRANSITION_NOTHING, WORD_RESOLVED, "0", 0 },
		{ 50, WORD_NONE, TRANSITION_ENDED, WORD_NONE, "0", 0 },
	};

	run_steps(steps, G_N_ELEMENTS(steps));
}

static void a_relapse_reopens_with_its_marks(void)
{
	static const Step steps[] = {
		{ 0, WORD_P1, TRANSITION_OPENED, WORD_P1, "0", 0 },
		{ 1 * HOUR, WORD_RESOLVED, TRANSITION_RESOLVED, WORD_RESOLVED, "0", 0 },
		{ 2 * HOUR, WORD_P2, TRANSITION_REOPENED, WORD_P2, "0", 2 * HOUR },
		{ 2 * HOUR + 1, WORD_P1, TRANSITION_SEVERITY, WORD_P1, "0", 2 * HOUR },
		{ 3 * HOUR, WORD_NONE, TRANSITION_ENDED, WORD_NONE, "0", 2 * HOUR },
		{ 4 * HOUR, WORD_P1, TRANSITION_REOPENED, WORD_P1, "0", 4 * HOUR },
		{ 5 * HOUR, WORD_RESOLVED, TRANSITION_RESOLVED, WORD_RESOLVED, "0", 4 * HOUR },
		/* Another one has never been reopened. */
		{ 20 * HOUR, WORD_P1, TRANSITION_OPENED, WORD_P1, "72000", 0 },
	};

	run_steps(steps, G_N_ELEMENTS(steps));
}

static void tomorrows_outage_is_another_one(void)
{
	static const Step steps[] = {
		{ 0, WORD_P1, TRANSITION_OPENED, WORD_P1, "0", 0 },
		{ 1 * HOUR, WORD_RESOLVED, TRANSITION_RESOLVED, WORD_RESOLVED, "0", 0 },
		{ 6 * HOUR, WORD_NONE, TRANSITION_ENDED, WORD_NONE, "0", 0 },
		/* Seven hours after the fix, though only one after `none`. */
		{ 8 * HOUR, WORD_P1, TRANSITION_OPENED, WORD_P1, "28800", 0 },
	};

	run_steps(steps, G_N_ELEMENTS(steps));
}

static void resolved_with_nothing_open_is_none(void)
{
	static const Step steps[] = {
		{ 0, WORD_RESOLVED, TRANSITION_RESOLVED_NOTHING, WORD_NONE, NULL, 0 },
		{ 1, WORD_NONE, TRANSITION_NOTHING, WORD_NONE, NULL, 0 },
		{ 2, WORD_P1, TRANSITION_OPENED, WORD_P1, "2", 0 },
	};

	run_steps(steps, G_N_ELEMENTS(steps));
}

static void ids_only_grow_even_when_the_clock_does_not(void)
{
	static const Step steps[] = {
		{ 100 * HOUR, WORD_P1, TRANSITION_OPENED, WORD_P1, "360000", 0 },
		{ 100 * HOUR, WORD_NONE, TRANSITION_ENDED, WORD_NONE, "360000", 0 },
		{ 110 * HOUR, WORD_P1, TRANSITION_OPENED, WORD_P1, "396000", 0 },
	};
	IncidentState state = { .flip = WORD_NONE, .word = WORD_NONE };

	run_steps(steps, G_N_ELEMENTS(steps));
	g_assert_cmpint(incident_transition(&state, "x", WORD_P1, START, 0), ==, TRANSITION_OPENED);
	g_assert_cmpint(incident_transition(&state, "x", WORD_NONE, START, 0), ==, TRANSITION_ENDED);
	g_assert_cmpint(incident_transition(&state, "x", WORD_P1, START - 5, 0), ==, TRANSITION_OPENED);
	g_assert_cmpstr(state.id, ==, "20261121T000001Z-x");
	incident_state_clear(&state);
}

static void what_is_queued_dies_with_none_only(void)
{
	IncidentState state = { .flip = WORD_NONE, .word = WORD_NONE };

	incident_transition(&state, "x", WORD_P1, START, 6 * HOUR);
	incident_transition(&state, "x", WORD_RESOLVED, START + 1, 6 * HOUR);
	incident_transition(&state, "x", WORD_P1, START + 2, 6 * HOUR);
	g_assert_cmpuint(state.epoch, ==, 0);
	incident_transition(&state, "x", WORD_NONE, START + 3, 6 * HOUR);
	g_assert_cmpuint(state.epoch, ==, 1);
	incident_state_clear(&state);
}

static void texts_are_checked_before_they_are_believed(void)
{
	static const struct {
		TextField field;
		const char *value;
		bool ok;
	} cases[] = {
		{ TEXT_TITLE, "Checkout fails", true },
		{ TEXT_TITLE, "two\nlines", true },
		{ TEXT_TITLE, "bell\x07", false },
		{ TEXT_TITLE, "\xff", false },
		{ TEXT_NEXT_UPDATE_AT, "2026-11-21T15:10:00Z", true },
		{ TEXT_NEXT_UPDATE_AT, "", true },
		{ TEXT_NEXT_UPDATE_AT, "soon", false },
		{ TEXT_PHASE, "identified", true },
		{ TEXT_PHASE, "fixed", false },
	};
	g_autofree char *long_text = g_strnfill(1100, 'x');
	g_autoptr(GError) error = NULL;

	for (gsize i = 0; i < G_N_ELEMENTS(cases); i++)
		g_assert_cmpint(text_field_check(cases[i].field, cases[i].value, NULL), ==, cases[i].ok);
	g_assert_true(text_field_check(TEXT_TITLE, long_text, NULL));
	g_assert_false(text_field_check(TEXT_MATCH, long_text, &error));
	g_assert_error(error, OUTAGE_ERROR, OUTAGE_ERROR_INVALID);
	for (int i = 0; i < TEXT_FIELDS; i++)
		g_assert_cmpint(text_field_find(text_field_name(i)), ==, i);
	g_assert_cmpint(text_field_find("nonsense"), ==, TEXT_FIELDS);
}

static void the_word_outranks_the_phase(void)
{
	g_autoptr(Incident) incident = incident_new("default");

	incident->state.word = WORD_P1;
	g_assert_cmpstr(incident_phase(incident), ==, "investigating");
	incident->texts[TEXT_PHASE] = g_strdup("monitoring");
	g_assert_cmpstr(incident_phase(incident), ==, "monitoring");
	incident->state.word = WORD_RESOLVED;
	g_assert_cmpstr(incident_phase(incident), ==, "resolved");
	incident->state.resolved_at = START;
	g_assert_true(incident_is_active(incident, START + 10, 20));
	g_assert_false(incident_is_active(incident, START + 20, 20));
}

static void a_relapse_is_news_and_not_stale(void)
{
	g_autoptr(Incident) incident = incident_new("x");

	incident_transition(&incident->state, "x", WORD_P1, START, 6 * HOUR);
	g_assert_cmpint(incident_last_word(incident), ==, START);
	incident->update_at = START + 10;
	g_assert_cmpint(incident_last_word(incident), ==, START + 10);
	incident_transition(&incident->state, "x", WORD_RESOLVED, START + HOUR, 6 * HOUR);
	g_assert_cmpint(incident_last_word(incident), ==, START + HOUR);
	incident_transition(&incident->state, "x", WORD_P1, START + 5 * HOUR, 6 * HOUR);
	g_assert_cmpint(incident_last_word(incident), ==, START + 5 * HOUR);
	g_assert_cmpint(incident_on_since(&incident->state), ==, START + 5 * HOUR);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/word/read-as-people-type-them", words_are_read_as_people_type_them);
	g_test_add_func("/name/cannot-be-mistaken-for-words", names_cannot_be_mistaken_for_words);
	g_test_add_func("/transition/opens-changes-and-ends", an_incident_opens_changes_and_ends);
	g_test_add_func("/transition/a-relapse-reopens", a_relapse_reopens_with_its_marks);
	g_test_add_func("/incident/a-relapse-is-news", a_relapse_is_news_and_not_stale);
	g_test_add_func("/transition/tomorrows-is-another-one", tomorrows_outage_is_another_one);
	g_test_add_func("/transition/resolved-with-nothing-open", resolved_with_nothing_open_is_none);
	g_test_add_func("/transition/ids-only-grow", ids_only_grow_even_when_the_clock_does_not);
	g_test_add_func("/transition/queued-dies-with-none-only", what_is_queued_dies_with_none_only);
	g_test_add_func("/texts/checked-before-believed", texts_are_checked_before_they_are_believed);
	g_test_add_func("/incident/the-word-outranks-the-phase", the_word_outranks_the_phase);
	return g_test_run();
}
