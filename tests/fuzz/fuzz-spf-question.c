/* fuzz-spf-question: any bytes as a line from the other end of the SPF helper's pipe: refused, or read so that it is written the
 * same way again. */
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "spf/question.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_question(const SpfQuestion *question, guint64 serial, gint64 timeout)
{
	g_autofree char *line = spf_question_write(question, serial, timeout);
	SpfQuestion back;
	guint64 serial_back;
	gint64 timeout_back;

	g_assert_cmpuint(strlen(line), <, SPF_LINE_MAX);
	g_assert_true(strchr(line, '\n') == line + strlen(line) - 1);
	g_assert_true(spf_question_read(line, strlen(line) - 1, &back, &serial_back, &timeout_back, NULL));
	g_assert_cmpstr(back.client, ==, question->client);
	g_assert_cmpstr(back.helo, ==, question->helo);
	g_assert_cmpstr(back.sender, ==, question->sender);
	g_assert_cmpuint(serial_back, ==, serial);
	g_assert_cmpint(timeout_back, ==, timeout);
	spf_question_clear(&back);
}

static void check_answer(const SpfAnswer *answer, guint64 serial, const char *reason)
{
	g_autofree char *line = spf_answer_write(answer, serial, reason);
	g_autofree char *reason_back = NULL;
	SpfAnswer back;
	guint64 serial_back;

	g_assert_true(spf_answer_read(line, strlen(line) - 1, &back, &serial_back, &reason_back, NULL));
	g_assert_cmpint(back.result, ==, answer->result);
	g_assert_cmpint(back.broad, ==, answer->broad);
	g_assert_cmpstr(reason_back, ==, reason);
	g_assert_cmpuint(serial_back, ==, serial);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	g_autofree char *reason = NULL;
	SpfQuestion question;
	SpfAnswer answer;
	guint64 serial;
	gint64 timeout;

	if (spf_question_read((const char *)data, size, &question, &serial, &timeout, NULL))
		check_question(&question, serial, timeout);
	spf_question_clear(&question);
	if (spf_answer_read((const char *)data, size, &answer, &serial, &reason, NULL))
		check_answer(&answer, serial, reason);
	return 0;
}
