/* test-spf-question: the lines to and from the SPF helper: whatever a stranger put into HELO or MAIL FROM arrives as it was or not
 * at all, and a helper gone wrong is never believed. */
#include "spf/question.h"

#include <string.h>

#include "base/error.h"

static const SpfQuestion ROUND[] = {
	{ (char *)"192.0.2.1", (char *)"mail.example.com", (char *)"jane@example.com", false },
	{ (char *)"2001:db8::1", NULL, (char *)"", false },
	{ NULL, NULL, (char *)"jane@example.com", true },
	{ (char *)"192.0.2.1", (char *)"a b\tc\nd\re%41\x7f", (char *)"\"j d\"@ex\xc3\xa4mple.com\nQ\t1", false },
};

static void test_round(gconstpointer data)
{
	const SpfQuestion *question = data;
	g_autofree char *line = spf_question_write(question, G_MAXUINT64, 1987);
	g_autoptr(GError) error = NULL;
	SpfQuestion back;
	guint64 serial;
	gint64 timeout;

	g_assert_true(g_str_has_suffix(line, "\n"));
	g_assert_true(strchr(line, '\n') == line + strlen(line) - 1);
	g_assert_true(spf_question_read(line, strlen(line) - 1, &back, &serial, &timeout, &error));
	g_assert_no_error(error);
	g_assert_cmpstr(back.client, ==, question->client);
	g_assert_cmpstr(back.helo, ==, question->helo);
	g_assert_cmpstr(back.sender, ==, question->sender);
	g_assert_cmpint(back.policy_only, ==, question->policy_only);
	g_assert_cmpuint(serial, ==, G_MAXUINT64);
	g_assert_cmpint(timeout, ==, 1987);
	spf_question_clear(&back);
}

/* The longest question there is still is a line that the other side reads. */
static void test_longest(void)
{
	g_autofree char *value = g_strnfill(3000, ' ');
	SpfQuestion question = { value, value, value, false }, back;
	g_autofree char *line = spf_question_write(&question, G_MAXUINT64, G_MAXINT64);
	guint64 serial;
	gint64 timeout;

	g_assert_cmpuint(strlen(line), <, SPF_LINE_MAX);
	g_assert_true(spf_question_read(line, strlen(line) - 1, &back, &serial, &timeout, NULL));
	g_assert_cmpuint(strlen(back.sender), ==, 1024);
	spf_question_clear(&back);
}

typedef struct {
	const char *name, *line;
} BadLine;

static const BadLine BAD_QUESTIONS[] = {
	{ "empty", "" },
	{ "answer", "A\t1\tpass\tnarrow\t" },
	{ "lower-case", "q\t1\t2000\tcheck\t192.0.2.1\th\ta@b.c" },
	{ "field-missing", "Q\t1\t2000\tcheck\t192.0.2.1\ta@b.c" },
	{ "field-more", "Q\t1\t2000\tcheck\t192.0.2.1\th\ta@b.c\tx" },
	{ "serial-empty", "Q\t\t2000\tcheck\t192.0.2.1\th\ta@b.c" },
	{ "serial-sign", "Q\t+1\t2000\tcheck\t192.0.2.1\th\ta@b.c" },
	{ "serial-space", "Q\t 1\t2000\tcheck\t192.0.2.1\th\ta@b.c" },
	{ "serial-over", "Q\t18446744073709551616\t2000\tcheck\t192.0.2.1\th\ta@b.c" },
	{ "serial-digits", "Q\t000000000000000000001\t2000\tcheck\t192.0.2.1\th\ta@b.c" },
	{ "timeout-negative", "Q\t1\t-1\tcheck\t192.0.2.1\th\ta@b.c" },
	{ "timeout-long", "Q\t1\t1000000000\tcheck\t192.0.2.1\th\ta@b.c" },
	{ "what", "Q\t1\t2000\tchecks\t192.0.2.1\th\ta@b.c" },
	{ "no-client", "Q\t1\t2000\tcheck\t\th\ta@b.c" },
	{ "raw-space", "Q\t1\t2000\tcheck\t192.0.2.1\th h\ta@b.c" },
	{ "raw-control", "Q\t1\t2000\tcheck\t192.0.2.1\th\ta\r@b.c" },
	{ "raw-delete", "Q\t1\t2000\tcheck\t192.0.2.1\th\ta\x7f@b.c" },
	{ "escape-cut", "Q\t1\t2000\tcheck\t192.0.2.1\th\ta@b.c%2" },
	{ "escape-digits", "Q\t1\t2000\tcheck\t192.0.2.1\th\ta%zz@b.c" },
	{ "escape-nul", "Q\t1\t2000\tcheck\t192.0.2.1\th\ta%00@b.c" },
};

static void test_bad_question(gconstpointer data)
{
	const BadLine *bad = data;
	g_autoptr(GError) error = NULL;
	SpfQuestion question;
	guint64 serial;
	gint64 timeout;

	g_assert_false(spf_question_read(bad->line, strlen(bad->line), &question, &serial, &timeout, &error));
	g_assert_error(error, OUTAGE_ERROR, OUTAGE_ERROR_INVALID);
	g_assert_null(question.sender);
}

static void test_nul(void)
{
	static const char line[] = "A\t1\tpass\tnarrow\t\0x";
	SpfAnswer answer;
	guint64 serial;

	g_assert_true(spf_answer_read(line, strlen(line), &answer, &serial, NULL, NULL));
	g_assert_false(spf_answer_read(line, sizeof(line) - 1, &answer, &serial, NULL, NULL));
}

static void test_too_long(void)
{
	g_autofree char *filler = g_strnfill(SPF_LINE_MAX, 'x');
	g_autofree char *line = g_strconcat("A\t1\tpass\tnarrow\t", filler, NULL);
	SpfAnswer answer;
	guint64 serial;

	g_assert_false(spf_answer_read(line, strlen(line), &answer, &serial, NULL, NULL));
	line[strlen("A\t1\tpass\tnarrow\t") + 1025] = '\0';
	g_assert_false(spf_answer_read(line, strlen(line), &answer, &serial, NULL, NULL));
	line[strlen("A\t1\tpass\tnarrow\t") + 1024] = '\0';
	g_assert_true(spf_answer_read(line, strlen(line), &answer, &serial, NULL, NULL));
}

static void test_answers(void)
{
	for (int result = SPF_NONE; result <= SPF_PERMERROR; result++) {
		const SpfAnswer answer = { (SpfResult)result, result == SPF_PASS };
		const char *reason = result == SPF_PASS ? NULL : "two words\nand a line";
		g_autofree char *line = spf_answer_write(&answer, 7, reason);
		g_autofree char *reason_back = NULL;
		g_autoptr(GError) error = NULL;
		SpfAnswer back;
		guint64 serial;

		g_assert_true(spf_answer_read(line, strlen(line) - 1, &back, &serial, &reason_back, &error));
		g_assert_no_error(error);
		g_assert_cmpint(back.result, ==, answer.result);
		g_assert_cmpint(back.broad, ==, answer.broad);
		g_assert_cmpuint(serial, ==, 7);
		g_assert_cmpstr(reason_back, ==, reason);
	}
}

/* A helper without a result says so, and never that nobody asked. */
static void test_no_result(void)
{
	const SpfAnswer unasked = { SPF_UNASKED, false };
	g_autofree char *line = spf_answer_write(&unasked, 1, NULL);

	g_assert_cmpstr(line, ==, "A\t1\ttemperror\tnarrow\t\n");
}

static const BadLine BAD_ANSWERS[] = {
	{ "empty", "" },
	{ "question", "Q\t1\t2000\tcheck\t192.0.2.1\th\ta@b.c" },
	{ "field-missing", "A\t1\tpass\tnarrow" },
	{ "field-more", "A\t1\tpass\tnarrow\tx\ty" },
	{ "serial", "A\tx\tpass\tnarrow\t" },
	{ "result", "A\t1\tgood\tnarrow\t" },
	{ "result-case", "A\t1\tPass\tnarrow\t" },
	{ "result-empty", "A\t1\t\tnarrow\t" },
	{ "result-unasked", "A\t1\tunasked\tnarrow\t" },
	{ "breadth", "A\t1\tpass\twide\t" },
	{ "reason", "A\t1\tpass\tnarrow\ttwo words" },
};

static void test_bad_answer(gconstpointer data)
{
	const BadLine *bad = data;
	g_autoptr(GError) error = NULL;
	g_autofree char *reason = NULL;
	SpfAnswer answer;
	guint64 serial;

	g_assert_false(spf_answer_read(bad->line, strlen(bad->line), &answer, &serial, &reason, &error));
	g_assert_error(error, OUTAGE_ERROR, OUTAGE_ERROR_INVALID);
	g_assert_cmpint(answer.result, ==, SPF_UNASKED);
	g_assert_null(reason);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	for (guint i = 0; i < G_N_ELEMENTS(ROUND); i++) {
		g_autofree char *path = g_strdup_printf("/spf-question/arrives-as-it-was/%u", i);

		g_test_add_data_func(path, &ROUND[i], test_round);
	}
	g_test_add_func("/spf-question/longest", test_longest);
	for (guint i = 0; i < G_N_ELEMENTS(BAD_QUESTIONS); i++) {
		g_autofree char *path = g_strconcat("/spf-question/refused/", BAD_QUESTIONS[i].name, NULL);

		g_test_add_data_func(path, &BAD_QUESTIONS[i], test_bad_question);
	}
	g_test_add_func("/spf-answer/every-result", test_answers);
	g_test_add_func("/spf-answer/no-result", test_no_result);
	g_test_add_func("/spf-answer/nul", test_nul);
	g_test_add_func("/spf-answer/too-long", test_too_long);
	for (guint i = 0; i < G_N_ELEMENTS(BAD_ANSWERS); i++) {
		g_autofree char *path = g_strconcat("/spf-answer/refused/", BAD_ANSWERS[i].name, NULL);

		g_test_add_data_func(path, &BAD_ANSWERS[i], test_bad_answer);
	}
	return g_test_run();
}
