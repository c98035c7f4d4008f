/* test-sent: a letter that this replier sent is never sent again by it, and its memory has an end. */
#include "outage-replier/sent.h"

static void test_letter_is_known_from_the_relays_word_on(void)
{
	g_autoptr(SentLog) log = sent_log_new(10);

	g_assert_cmpint(sent_log_state(log, "a"), ==, SENT_NOT);
	sent_log_add(log, "a");
	/* The store does not know yet: its job is to be ended, and is no replay. */
	g_assert_cmpint(sent_log_state(log, "a"), ==, SENT_TAKEN);
	sent_log_end(log, "a");
	g_assert_cmpint(sent_log_state(log, "a"), ==, SENT_ENDED);
	sent_log_end(log, "a");
	sent_log_add(log, "a");
	g_assert_cmpint(sent_log_state(log, "a"), ==, SENT_ENDED);
	sent_log_end(log, "b");
	g_assert_cmpint(sent_log_state(log, "b"), ==, SENT_NOT);
}

static void test_oldest_are_forgotten(void)
{
	g_autoptr(SentLog) log = sent_log_new(100);

	for (int i = 0; i < 1000; i++) {
		g_autofree char *token = g_strdup_printf("%d", i);

		sent_log_add(log, token);
		if (i % 2 == 0)
			sent_log_end(log, token);
	}
	for (int i = 0; i < 1000; i++) {
		g_autofree char *token = g_strdup_printf("%d", i);

		g_assert_cmpint(sent_log_state(log, token), ==, i < 900 ? SENT_NOT : i % 2 == 0 ? SENT_ENDED : SENT_TAKEN);
	}
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/sent/letter-is-known-from-the-relays-word-on", test_letter_is_known_from_the_relays_word_on);
	g_test_add_func("/sent/oldest-are-forgotten", test_oldest_are_forgotten);
	return g_test_run();
}
