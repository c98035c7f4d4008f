/* test-replay: what would have become of past mail is counted as the milter and the store would have decided it. Layer: tests. */
#include "outagectl/replay.h"

#include <string.h>

#include "mail/text.h"
#include "verdict-fixture.h"

#define OUTAGE "Subject: down\n\nthe site is down\n"

typedef struct {
	Fixture *site;
	Replay *replay;
} Past;

static void set_up(Past *past, gconstpointer word)
{
	past->site = fixture_setup((Word)GPOINTER_TO_INT(word));
	past->replay = replay_new(past->site->engine, WORD_P1);
}

static void tear_down(Past *past, gconstpointer word)
{
	(void)word;
	replay_free(past->replay);
	fixture_teardown(past->site);
}

/* As the milter would decide on it, of Jane. */
static void add(Past *past, gint64 at, const char *text)
{
	g_autoptr(Verdict) verdict = fixture_decide(past->site, text);

	replay_add(past->replay, g_ptr_array_index(past->site->messages, past->site->messages->len - 1), verdict, at, "file");
}

static void test_the_earliest_mail_of_a_person_is_answered(Past *past, gconstpointer word)
{
	(void)word;
	add(past, 300, AUTH HEAD "Subject: third\n\nthe site is down\n");
	add(past, 100, HEAD "Subject: nobody vouches\n\nthe site is down\n");
	add(past, 200, AUTH HEAD "Subject: second\n\nthe site is down\n");
	replay_settle(past->replay);
	g_assert_cmpuint(past->replay->fates[FATE_ANSWERED], ==, 1);
	g_assert_cmpuint(past->replay->fates[FATE_AGAIN], ==, 1);
	g_assert_cmpuint(past->replay->fates[FATE_VOUCH], ==, 1);
	g_assert_cmpstr(((ReplayLine *)g_ptr_array_index(past->replay->lines[FATE_ANSWERED], 0))->subject, ==, "second");
	g_assert_cmpint(past->replay->from, ==, 100);
	g_assert_cmpint(past->replay->to, ==, 300);
}

static void test_lists_are_bounded_and_counts_are_not(Past *past, gconstpointer word)
{
	g_autoptr(Verdict) verdict = fixture_decide(past->site, HEAD "Subject: hello\n\nwhere is my invoice?\n");
	const Message *message = g_ptr_array_index(past->site->messages, 0);

	(void)word;
	for (guint i = 0; i < REPLAY_LINES + 50; i++)
		replay_add(past->replay, message, verdict, 1000 + i, "file");
	replay_settle(past->replay);
	g_assert_cmpuint(past->replay->fates[FATE_OTHER], ==, REPLAY_LINES + 50);
	g_assert_cmpuint(past->replay->lines[FATE_OTHER]->len, ==, REPLAY_LINES);
	g_assert_cmpuint(past->replay->just_under->len, ==, REPLAY_NEAR);
	g_assert_cmpuint(replay_count(past->replay), ==, REPLAY_LINES + 50);
}

static void test_what_is_missing_for_answers_is_advised(Past *past, gconstpointer word)
{
	g_autoptr(GPtrArray) advice = NULL;

	(void)word;
	add(past, 0, "Authentication-Results: other.example; dkim=pass\n" HEAD OUTAGE);
	replay_settle(past->replay);
	g_assert_cmpuint(past->replay->fates[FATE_VOUCH], ==, 1);
	advice = replay_advice(past->replay);
	g_assert_nonnull(strstr(g_ptr_array_index(advice, 0), "other.example (1)"));
	g_assert_nonnull(strstr(g_ptr_array_index(advice, 0), "auth.trusted_ids"));
}

static void test_no_mail_brings_markup_onto_the_page(Past *past, gconstpointer word)
{
	GString *page;

	(void)word;
	add(past, 100, AUTH HEAD "Subject: <b>&\"'</b> =?utf-8?q?=1b=e2=80=ae?=\n\nthe site is down\n");
	replay_settle(past->replay);
	page = replay_page(past->replay);
	g_assert_null(strstr(page->str, "<b>&"));
	g_assert_nonnull(strstr(page->str, "&lt;b&gt;&amp;"));
	g_assert_null(strchr(page->str, '\x1b'));
	g_assert_true(g_utf8_validate(page->str, (gssize)page->len, NULL));
	g_string_free(page, TRUE);
}

/* Few enough steps to be drawn, and no mail is lost between them. */
static void test_the_chart_holds_every_mail(Past *past, gconstpointer word)
{
	static const gint64 spans[] = { 0, 59, 3600, 86400, 30 * 86400, 400 * (gint64)86400 };
	g_autoptr(Verdict) verdict = fixture_decide(past->site, HEAD OUTAGE);
	const Message *message = g_ptr_array_index(past->site->messages, 0);

	(void)word;
	for (gsize i = 0; i < G_N_ELEMENTS(spans); i++) {
		g_autoptr(Replay) replay = replay_new(past->site->engine, WORD_P1);
		g_autofree double *outage = NULL, *all = NULL;
		double sum = 0;
		gint64 from, step;
		guint n;

		replay_add(replay, message, verdict, NOW, "file");
		replay_add(replay, message, verdict, NOW + spans[i], "file");
		replay_settle(replay);
		replay_series(replay, &from, &step, &outage, &all, &n);
		for (guint j = 0; j < n; j++)
			sum += all[j];
		g_assert_cmpfloat(sum, ==, 2);
		g_assert_cmpuint(n, <=, 200);
	}
}

/* One mail with a clock of its own, before or among too few to tell which is wrong. */
static void test_a_mail_of_1970_does_not_flatten_the_chart(Past *past, gconstpointer word)
{
	static const struct { guint mails; gint64 strange; double shown; } cases[] = {
		{ 40, 86400, 40 }, { 40, NOW - 7200, 41 }, { 40, NOW - 20 * 86400, 41 }, { 3, 86400, 4 },
	};
	g_autoptr(Verdict) verdict = fixture_decide(past->site, HEAD OUTAGE);
	const Message *message = g_ptr_array_index(past->site->messages, 0);

	(void)word;
	for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
		g_autoptr(Replay) replay = replay_new(past->site->engine, WORD_P1);
		g_autofree double *outage = NULL, *all = NULL;
		double sum = 0;
		gint64 from, step;
		guint n;

		replay_add(replay, message, verdict, cases[i].strange, "file");
		for (guint j = 0; j < cases[i].mails; j++)
			replay_add(replay, message, verdict, NOW + j * 60, "file");
		replay_settle(replay);
		replay_series(replay, &from, &step, &outage, &all, &n);
		for (guint j = 0; j < n; j++)
			sum += all[j];
		g_assert_cmpfloat(sum, ==, cases[i].shown);
		g_assert_true(i != 0 || (step == 60 && n == 40));
	}
}

int main(int argc, char **argv)
{
	gpointer p1 = GINT_TO_POINTER(WORD_P1);
	int status;

	g_test_init(&argc, &argv, NULL);
	text_init();
	g_test_add("/replay/the_earliest_mail_of_a_person_is_answered", Past, p1, set_up, test_the_earliest_mail_of_a_person_is_answered, tear_down);
	g_test_add("/replay/a_mail_of_1970_does_not_flatten_the_chart", Past, p1, set_up, test_a_mail_of_1970_does_not_flatten_the_chart, tear_down);
	g_test_add("/replay/lists_are_bounded_and_counts_are_not", Past, p1, set_up, test_lists_are_bounded_and_counts_are_not, tear_down);
	g_test_add("/replay/what_is_missing_for_answers_is_advised", Past, p1, set_up, test_what_is_missing_for_answers_is_advised, tear_down);
	g_test_add("/replay/no_mail_brings_markup_onto_the_page", Past, p1, set_up, test_no_mail_brings_markup_onto_the_page, tear_down);
	g_test_add("/replay/the_chart_holds_every_mail", Past, p1, set_up, test_the_chart_holds_every_mail, tear_down);
	status = g_test_run();
	text_shutdown();
	return status;
}
