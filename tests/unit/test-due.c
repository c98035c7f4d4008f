/* test-due: how long a notice holds, what the feed says, and when a person is called again. */
#include "outage-replier/due.h"

#include <string.h>

#include "audience-fixture.h"
#include "base/clock.h"

/* The site's incident is on, and its mail calls a person. */
typedef struct {
	Site site;
	Incident incident;
	StoredNote note;
} Due;

static void set_up(Due *due)
{
	memset(due, 0, sizeof *due);
	site_set_up(&due->site);
	due->incident.name = s("default");
	due->incident.state = (IncidentState){ .flip = WORD_P1, .word = WORD_P1, .id = s(ID), .declared_at = NOW - 1800, .epoch = 3 };
	due->site.facts.queue = s("accounts");
	due->site.facts.page = true;
	due->note = (StoredNote){ .key = s("0123456789abcdef0123456789abcdef"), .at = NOW - 590 };
}

static void tear_down(Due *due)
{
	site_tear_down(&due->site);
}

/* --- notices --- */

static void test_notice_ends_with_what_it_speaks_of(void)
{
	static const struct {
		const char *letter, *id;
		guint64 epoch;
		Word word;
		const char *over;
	} rows[] = {
		{ "update-x", ID, 3, WORD_P1, NULL },
		{ "update-x", ID, 3, WORD_P3, NULL },
		{ "update-x", ID, 3, WORD_RESOLVED, "the incident was resolved" },
		{ "update-x", ID, 3, WORD_NONE, "the incident was resolved" },
		{ "resolved-x", ID, 3, WORD_RESOLVED, NULL },
		{ "resolved-x", ID, 3, WORD_NONE, NULL },
		{ "resolved-x", ID, 3, WORD_P2, "the incident was reopened" },
		{ "postmortem-x", ID, 3, WORD_NONE, NULL },
		{ "postmortem-x", ID, 3, WORD_RESOLVED, NULL },
		/* Withdrawn, or another one: nothing of it is told any more. */
		{ "update-x", ID, 2, WORD_P1, "the incident was ended" },
		{ "resolved-x", ID, 4, WORD_NONE, "the incident was ended" },
		{ "update-x", "20261120T140000Z-default", 3, WORD_P1, "another incident has begun" },
	};

	for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
		const IncidentState state = { .flip = rows[i].word, .word = rows[i].word, .id = s(ID), .epoch = 3 };

		g_assert_cmpstr(due_notice_over(rows[i].letter, rows[i].id, rows[i].epoch, &state), ==, rows[i].over);
	}
	g_assert_nonnull(due_notice_over("update-x", ID, 3, NULL));
}

/* --- the feed --- */

static void test_feed_says_what_happened(void)
{
	static const struct {
		const char *what, *detail, *text;
	} rows[] = {
		{ "opened", "P1 " ID, "P1 declared" },
		{ "reopened", "P2 " ID, "P2 declared again" },
		{ "severity", "P2 " ID, "severity changed to P2" },
		{ "resolved", "resolved " ID, "resolved" },
		{ "ended", "none " ID, "ended" },
		{ "update", "We found it.\nMore soon.", "update\nWe found it.\nMore soon." },
		/* No news to anybody outside. */
		{ "continued", "P1 " ID, NULL },
		{ "word", "P1", NULL },
		{ "texts", "title scope", NULL },
		{ "notice-done", "update-x told 1 left out 0", NULL },
		{ "bounced", "no such user", NULL },
		{ "pause", "wrong text", NULL },
		/* What names no incident of this name has no place to be claimed under. */
		{ "opened", "P1", NULL },
		{ "opened", "P1 20261121T140000Z-billing", NULL },
		{ "opened", "P1 default", NULL },
		{ "opened", "P9 " ID, NULL },
		{ "opened", NULL, NULL },
	};
	Due due;

	set_up(&due);
	for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
		const StoreEvent event = { NOW - 5, s(rows[i].what), s("default"), s("jane"), s(rows[i].detail) };
		g_autoptr(ClaimRequest) request = due_feed_request(due.site.config, &event, &due.incident, "Team@partner.example", NOW);

		g_assert_cmpstr(request != NULL ? request->text : NULL, ==, rows[i].text);
		if (request == NULL)
			continue;
		g_assert_cmpint(request->class, ==, LETTER_STAFF);
		g_assert_cmpstr(request->id, ==, ID);
		g_assert_cmpstr(request->sender, ==, "team@partner.example");
		g_assert_cmpstr(request->support, ==, "support@example.com");
		g_assert_cmpint(request->written_at, ==, NOW - 5);
		g_assert_cmpint(request->word, !=, WORD_NONE);
	}
	tear_down(&due);
}

static void test_feed_is_of_the_last_hour_and_of_this_incident(void)
{
	static const struct {
		const char *what, *name, *detail;
		gint64 at;
		bool told;
	} rows[] = {
		{ "opened", "default", "P1 " ID, NOW - 3600, true },
		{ "opened", "default", "P1 " ID, NOW - 3601, false },
		/* Of a clock that is wrong. */
		{ "opened", "default", "P1 " ID, NOW + 86400, false },
		{ "update", "default", "said before it was declared", NOW - 1801, false },
		{ "update", "default", "said since", NOW - 1800, true },
		{ "opened", "no such\nname", "P1 " ID, NOW, false },
		{ "opened", "", "P1 20261121T140000Z-", NOW, false },
	};
	Due due;

	set_up(&due);
	for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
		const StoreEvent event = { rows[i].at, s(rows[i].what), s(rows[i].name), s("jane"), s(rows[i].detail) };
		g_autoptr(ClaimRequest) request = due_feed_request(due.site.config, &event, &due.incident, "team@partner.example", NOW);

		g_assert_cmpint(request != NULL, ==, rows[i].told);
	}
	tear_down(&due);
}

static char *letter_of(const Due *due, const StoreEvent *event)
{
	g_autoptr(ClaimRequest) request = due_feed_request(due->site.config, event, &due->incident, "team@partner.example", NOW);

	return g_strdup(request->letter);
}

static void test_two_events_of_one_second_are_two_letters(void)
{
	const StoreEvent first = { NOW, s("update"), s("default"), s("jane"), s("one") };
	const StoreEvent second = { NOW, s("update"), s("default"), s("jane"), s("two") };
	const StoreEvent again = { NOW, s("update"), s("default"), s("joe"), s("one") };
	Due due;
	g_autofree char *a = NULL, *b = NULL, *c = NULL;

	set_up(&due);
	a = letter_of(&due, &first);
	b = letter_of(&due, &second);
	c = letter_of(&due, &again);
	g_assert_true(g_str_has_prefix(a, "feed-1795271400-"));
	g_assert_cmpuint(strlen(a), ==, strlen("feed-1795271400-") + 8);
	g_assert_cmpstr(a, !=, b);
	g_assert_cmpstr(a, ==, c);
	tear_down(&due);
}

/* --- pages --- */

static void test_call_is_repeated_with_an_end(void)
{
	static const struct {
		guint pages;
		gint64 paged_at;
		bool due;
	} rows[] = {
		{ 0, 0, true },
		{ 1, NOW - 899, false },
		{ 1, NOW - 900, true },
		{ 3, NOW - 900, true },
		{ 4, NOW - 9000, false },
		{ 5, 0, false },
	};
	Due due;

	set_up(&due);
	due.site.config->page_repeat = 900000;
	due.site.config->page_times = 4;
	for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
		due.note.pages = rows[i].pages;
		due.note.paged_at = rows[i].paged_at;
		g_assert_cmpint(due_page(due.site.config, &due.note, NOW), ==, rows[i].due);
	}
	tear_down(&due);
}

static void test_nobody_is_called_for_what_is_over_or_only_watched(void)
{
	Due due;
	Incident *incident = &due.incident;

	set_up(&due);
	g_assert_true(due_page_holds(due.site.config, &due.site.facts, incident, NOW));
	g_assert_false(due_page_holds(due.site.config, &due.site.facts, NULL, NOW));
	due.site.facts.page = false;
	g_assert_false(due_page_holds(due.site.config, &due.site.facts, incident, NOW));
	due.site.facts.page = true;
	/* He who writes after the fix waits all the same, while the resolution is fresh. */
	incident->state.word = WORD_RESOLVED;
	incident->state.resolved_at = NOW - 60;
	g_assert_true(due_page_holds(due.site.config, &due.site.facts, incident, NOW));
	incident->state.resolved_at = NOW - due.site.config->resolved_for / 1000 - 1;
	g_assert_false(due_page_holds(due.site.config, &due.site.facts, incident, NOW));
	incident->state.word = WORD_NONE;
	g_assert_false(due_page_holds(due.site.config, &due.site.facts, incident, NOW));
	incident->state.word = WORD_P1;
	incident->state.id = s("20261121T150000Z-default");
	g_assert_false(due_page_holds(due.site.config, &due.site.facts, incident, NOW));
	incident->state.id = s(ID);
	due.site.config->mode = MODE_SHADOW;
	g_assert_false(due_page_holds(due.site.config, &due.site.facts, incident, NOW));
	tear_down(&due);
}

static void test_manager_is_called_before_the_list(void)
{
	Due due;
	g_autoptr(GPtrArray) manager = NULL, list = NULL;

	set_up(&due);
	due.site.one[0] = s("duty@example.com");
	g_strfreev(due.site.config->page_to);
	due.site.config->page_to = g_strdupv(due.site.one);
	list = due_page_recipients(due.site.config, &due.site.facts);
	g_assert_cmpuint(list->len, ==, 1);
	g_assert_cmpstr(list->pdata[0], ==, "duty@example.com");
	due.site.facts.manager = s("jo@example.com");
	manager = due_page_recipients(due.site.config, &due.site.facts);
	g_assert_cmpuint(manager->len, ==, 1);
	g_assert_cmpstr(manager->pdata[0], ==, "jo@example.com");
	tear_down(&due);
}

static void test_page_says_who_waits_and_since_when(void)
{
	Due due;
	g_autoptr(ClaimRequest) request = NULL;

	set_up(&due);
	due.site.facts.account = s("Acme");
	due.site.facts.level = s("gold");
	due.site.facts.subject = s("down\r\nBcc: everybody\xE2\x80\xAE");
	due.site.facts.respond_by = NOW + 600;
	due.site.config->page_times = 4;
	g_ptr_array_add(due.site.facts.escalate, s("legal"));
	/* While it is on, everybody is. */
	due.site.facts.still_affected = true;
	request = due_page_request(due.site.config, &due.site.facts, due.note.key, &due.incident, "Jo@example.com", 2, NOW - 590);
	g_assert_cmpstr(request->letter, ==, "page-2-01234567");
	g_assert_cmpint(request->class, ==, LETTER_STAFF);
	g_assert_null(request->message_id);
	g_assert_cmpstr(request->text, ==,
	    "A customer waits for a person: account, legal\n"
	    "Customer: Jane@customer.example\n"
	    "Account: Acme (gold)\n"
	    "Subject: down Bcc: everybody\n"
	    "Waiting since: 2026-11-21T14:20:10Z\n"
	    "Answer by: 2026-11-21T14:40:00Z\n"
	    "Queue: accounts\n"
	    "Call: 2 of 4");
	g_assert_null(due_page_request(due.site.config, &due.site.facts, due.note.key, &due.incident, "nobody", 2, NOW));
	tear_down(&due);
}

static void test_command_gets_lines_and_nothing_of_our_own_environment(void)
{
	Due due;
	g_auto(GStrv) list = NULL;

	set_up(&due);
	g_setenv("OUTAGE_TEST_SECRET", "x", TRUE);
	due.site.facts.subject = s("down\nOUTAGE_PAGE=99\n$(reboot)");
	due.site.facts.still_affected = true;
	due.incident.state.word = WORD_RESOLVED;
	due.incident.state.resolved_at = NOW - 600;
	due.site.config->page_times = 4;
	list = due_page_environment(due.site.config, &due.site.facts, &due.incident, 2, NOW - 590);
	g_assert_cmpstr(g_environ_getenv(list, "OUTAGE_SUBJECT"), ==, "down OUTAGE_PAGE=99 $(reboot)");
	g_assert_cmpstr(g_environ_getenv(list, "OUTAGE_PAGE"), ==, "2");
	g_assert_cmpstr(g_environ_getenv(list, "OUTAGE_PAGES"), ==, "4");
	g_assert_cmpstr(g_environ_getenv(list, "OUTAGE_REASON"), ==, "still-affected");
	g_assert_cmpstr(g_environ_getenv(list, "OUTAGE_SENDER"), ==, "Jane@customer.example");
	g_assert_cmpstr(g_environ_getenv(list, "OUTAGE_MESSAGE_ID"), ==, "<1@customer.example>");
	g_assert_cmpstr(g_environ_getenv(list, "OUTAGE_INCIDENT"), ==, "default");
	g_assert_cmpstr(g_environ_getenv(list, "OUTAGE_INCIDENT_ID"), ==, ID);
	g_assert_cmpstr(g_environ_getenv(list, "OUTAGE_SEVERITY"), ==, "resolved");
	g_assert_cmpstr(g_environ_getenv(list, "OUTAGE_WAITING_SINCE"), ==, "2026-11-21T14:20:10Z");
	g_assert_null(g_environ_getenv(list, "OUTAGE_RESPOND_BY"));
	g_assert_null(g_environ_getenv(list, "OUTAGE_ACCOUNT"));
	g_assert_null(g_environ_getenv(list, "OUTAGE_TEST_SECRET"));
	g_assert_nonnull(g_environ_getenv(list, "PATH"));
	for (char **entry = list; *entry != NULL; entry++)
		g_assert_null(strpbrk(*entry, "\r\n"));
	tear_down(&due);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/due/notice/over", test_notice_ends_with_what_it_speaks_of);
	g_test_add_func("/due/feed/text", test_feed_says_what_happened);
	g_test_add_func("/due/feed/when", test_feed_is_of_the_last_hour_and_of_this_incident);
	g_test_add_func("/due/feed/letter", test_two_events_of_one_second_are_two_letters);
	g_test_add_func("/due/page/repeat", test_call_is_repeated_with_an_end);
	g_test_add_func("/due/page/holds", test_nobody_is_called_for_what_is_over_or_only_watched);
	g_test_add_func("/due/page/manager", test_manager_is_called_before_the_list);
	g_test_add_func("/due/page/text", test_page_says_who_waits_and_since_when);
	g_test_add_func("/due/page/environment", test_command_gets_lines_and_nothing_of_our_own_environment);
	return g_test_run();
}
