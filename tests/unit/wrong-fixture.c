/* wrong-fixture: see wrong-fixture.h. */
#include "wrong-fixture.h"

#include <string.h>

#include "base/error.h"

Snapshot *wrong_snapshot(Store *store, const Snapshot *last)
{
	g_autoptr(GError) error = NULL;
	Snapshot *taken = store_snapshot(store, last, &error);

	g_assert_no_error(error);
	return taken;
}

/* redis-cli runs Lua too: that is how bytes that no argument can hold get in. */
void wrong_run(const char *script)
{
	g_autofree char *answer = fixture_redis("EVAL", script, "0", NULL);

	g_test_message("%s: %s", script, answer);
	g_assert_null(strstr(answer, "ERR"));
}

void wrong_set_word(Store *store, const char *name, Word word)
{
	g_autoptr(GError) error = NULL;

	store_set_word(store, name, word, NULL, "tester", NULL, &error);
	g_assert_no_error(error);
}

const IncidentState *wrong_state_of(const Snapshot *seen, const char *name)
{
	const Incident *incident = snapshot_find(seen, name);

	g_assert_nonnull(incident);
	return &incident->state;
}

bool wrong_has_problem(const Snapshot *seen, const char *part)
{
	for (guint i = 0; i < seen->problems->len; i++)
		if (strstr(g_ptr_array_index(seen->problems, i), part) != NULL)
			return true;
	return false;
}

/* What a person reads, and what a log carries. */
void wrong_assert_readable(const Snapshot *seen)
{
	for (guint i = 0; i < seen->problems->len; i++) {
		const char *problem = g_ptr_array_index(seen->problems, i);

		g_test_message("problem: %s", problem);
		g_assert_true(g_utf8_validate(problem, -1, NULL));
		g_assert_cmpuint(strlen(problem), <, 500);
		g_assert_null(strchr(problem, '\33'));
	}
}

void wrong_assert_same_problems(const Snapshot *one, const Snapshot *other)
{
	g_assert_cmpuint(one->problems->len, ==, other->problems->len);
	for (guint i = 0; i < one->problems->len; i++)
		g_assert_cmpstr(g_ptr_array_index(one->problems, i), ==, g_ptr_array_index(other->problems, i));
}

void wrong_assert_same_incident(const Snapshot *seen, const Snapshot *good, const char *name)
{
	const Incident *now = snapshot_find(seen, name), *before = snapshot_find(good, name);

	g_assert_nonnull(now);
	g_assert_cmpint(now->state.word, ==, before->state.word);
	g_assert_cmpstr(now->state.id, ==, before->state.id);
	g_assert_cmpuint(now->state.epoch, ==, before->state.epoch);
	g_assert_cmpint(now->state.declared_at, ==, before->state.declared_at);
	for (TextField field = 0; field < TEXT_FIELDS; field++)
		g_assert_cmpstr(now->texts[field], ==, before->texts[field]);
	g_assert_cmpstr(now->update_text, ==, before->update_text);
}

Snapshot *wrong_good_state(Store *store)
{
	char *texts[TEXT_FIELDS] = { [TEXT_TITLE] = (char *)"Logins fail", [TEXT_SCOPE] = (char *)"Europe" };
	g_autoptr(GError) error = NULL;
	Snapshot *good;

	g_assert_true(store_set_word(store, "default", WORD_P1, texts, "tester", NULL, &error));
	g_assert_true(store_add_update(store, "default", "a disk is replaced", "tester", &error));
	wrong_set_word(store, "payments", WORD_P2);
	good = wrong_snapshot(store, NULL);
	g_assert_cmpuint(good->problems->len, ==, 0);
	g_assert_cmpstr(snapshot_find(good, "default")->update_text, ==, "a disk is replaced");
	return good;
}
