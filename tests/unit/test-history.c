/* test-history: which entries of the history belong to an incident, and how they read. */
#include <string.h>

#include "outagectl/log.h"

#define ONE "20261121T151000Z-default"
#define TWO "20261123T080000Z-default"
#define MAIL_ID "20261121T160000Z-mail"

/* The history of three incidents; in the order in which it happened. */
static const struct { const char *what, *name, *by, *detail; } history[] = {
	/* 0 */ { "account", NULL, "root@mx1", "acme.example" },
	/* 1 */ { "texts", "default", "jane@desk", "title" },
	/* 2 */ { "opened", "default", "outside (seen by node1)", "P1 " ONE },
	/* 3 */ { "update", "default", "jane@desk", "We look into it" },
	/* 4 */ { "opened", "mail", "joe@desk", "P2 " MAIL_ID },
	/* 5 */ { "pause", NULL, "jane@desk", "wrong text" },
	/* 6 */ { "bounced", "0123456789abcdef0123456789abcdef", "node1", "550 no such user" },
	/* 7 */ { "answered", "default", "node1", "90" },
	/* 8 */ { "alarm", "silence:" ONE, "node1", "no update for 30m" },
	/* 9 */ { "alarm", "surge", "node1", "much mail" },
	/* 10 */ { "resolved", "default", "jane@desk", "resolved " ONE },
	/* 11 */ { "notice", "default", "jane@desk", "resolved-1" },
	/* 12 */ { "ended", "default", "jane@desk", "none " ONE },
	/* 13 */ { "resume", NULL, "jane@desk", NULL },
	/* 14 */ { "texts", "default", "jane@desk", "scope" },
	/* 15 */ { "opened", "default", "jane@desk", "P3 " TWO },
	/* 16 */ { "queue-retry", NULL, "root@mx1", "all" },
};

/* A comma list of the numbers of those that are wanted. Event i happened at second i + 1. */
static char *wanted(const LogFilter *filter)
{
	g_autoptr(LogReader) reader = log_reader_new();
	GString *list = g_string_new(NULL);

	for (gsize i = 0; i < G_N_ELEMENTS(history); i++) {
		StoreEvent event = { (gint64)i + 1, (char *)history[i].what, (char *)history[i].name, (char *)history[i].by, (char *)history[i].detail };
		g_autofree char *name = NULL, *id = NULL;

		if (log_reader_take(reader, filter, &event, &name, &id))
			g_string_append_printf(list, "%s%zu", list->len > 0 ? "," : "", i);
	}
	return g_string_free(list, FALSE);
}

static void test_filters_find_what_is_asked_for(void)
{
	static char *pauses[] = { (char *)"pause", (char *)"resume", NULL }, *bounces[] = { (char *)"bounced", NULL };
	static const struct { LogFilter filter; const char *events; } cases[] = {
		{ { .name = NULL }, "0,1,2,3,4,5,8,9,10,11,12,13,14,15,16" },
		{ { .all = true }, "0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16" },
		/* With the pause that stopped its letters; the one that went after its end is none of its own. */
		{ { .name = "default" }, "1,2,3,5,8,10,11,12,14,15" },
		{ { .name = "default", .id = ONE }, "2,3,5,8,10,11,12" },
		{ { .name = "default", .id = ONE, .all = true }, "2,3,5,7,8,10,11,12" },
		{ { .name = "default", .id = TWO }, "15" },
		{ { .name = "mail" }, "4,5,13" },
		{ { .name = "other" }, "" },
		{ { .by = "jane" }, "1,3,5,10,11,12,13,14,15" },
		{ { .by = "jane@desk" }, "1,3,5,10,11,12,13,14,15" },
		{ { .by = "jan" }, "" },
		{ { .by = "outside" }, "2" },
		{ { .what = pauses }, "5,13" },
		{ { .what = bounces }, "6" },
		{ { .since = 16 }, "15,16" },
		{ { .until = 2 }, "0,1" },
		/* What came before says to which it belongs. */
		{ { .name = "default", .id = ONE, .since = 11 }, "10,11,12" },
	};

	for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
		g_autofree char *events = wanted(&cases[i].filter);

		g_test_message("case %zu", i);
		g_assert_cmpstr(events, ==, cases[i].events);
	}
}

static void test_names_and_ids_are_told_apart(void)
{
	static const struct { const char *text, *name; bool id; } cases[] = {
		{ "default", "default", false }, { "mail", "mail", false }, { ONE, "default", true }, { MAIL_ID, "mail", true },
		{ "P1", NULL, false }, { "", NULL, false }, { "Mail", NULL, false }, { "20261121T151000Z", NULL, false },
		{ "20261121T151000Z-", NULL, false }, { "20261121T151000Z-P1", NULL, false }, { "20261121T151000Zxmail", NULL, false },
		{ "20269921T151000Z-mail", NULL, false }, { "20261121T151000Z-m\x1b[2J", NULL, false },
	};

	for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
		g_autofree char *name = NULL;
		const char *id = log_read_incident(cases[i].text, &name);

		g_test_message("%s", cases[i].text);
		g_assert_cmpstr(name, ==, cases[i].name);
		g_assert_true((id != NULL) == cases[i].id);
	}
}

static void test_entries_read_in_plain_words(void)
{
	static const struct { const char *what, *name, *detail, *phrase; } cases[] = {
		{ "opened", "default", "P1 " ONE, "declared P1 as " ONE },
		{ "opened", "default", "P1", "declared P1" },
		{ "opened", "default", NULL, "declared " },
		{ "severity", "default", "P2 " ONE, "changed the severity to P2" },
		{ "texts", "default", "title scope", "set title, scope" },
		{ "pause", NULL, "wrong text", "PAUSED: wrong text" },
		{ "resume", NULL, NULL, "resumed" },
		{ "bounced", "0123456789abcdef0123", "550 no", "mail to the address 0123456789ab came back: 550 no" },
		{ "bounced", "0123456789abcdef0123", NULL, "mail to the address 0123456789ab" },
		{ "unblocked", "0123456789abcdef0123", NULL, "let the address 0123456789ab be written to again" },
		{ "alarm", "surge", "much mail", "ALARM surge: much mail" },
		{ "all-clear", "silence:20261121T151000Z-mail", "over", "all clear of silence: over" },
		{ "update", "default", "a\x1b[31m\nb", "update: a\\x1b[31m\\x0ab" },
		{ "new-kind", "n\x07", "d", "new-kind n\\x07: d" },
		{ "", NULL, NULL, "" },
	};

	for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
		StoreEvent event = { 1, (char *)cases[i].what, (char *)cases[i].name, NULL, (char *)cases[i].detail };
		g_autofree char *phrase = log_phrase(&event);

		g_test_message("%s", cases[i].phrase);
		g_assert_cmpstr(phrase, ==, cases[i].phrase);
	}
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/history/filters", test_filters_find_what_is_asked_for);
	g_test_add_func("/history/names-and-ids", test_names_and_ids_are_told_apart);
	g_test_add_func("/history/plain-words", test_entries_read_in_plain_words);
	return g_test_run();
}
