/* test-outagectl: what the operator is told and asked before many people get mail; which incident is meant; who of those waiting comes
 * first. */
#include <string.h>

#include "base/clock.h"
#include "outagectl/ask.h"
#include "outagectl/tally.h"
#include "outagectl/texts.h"
#include "outagectl/waiting.h"
#include "outagectl/whom.h"
#include "store-fixture.h"

#define NOW G_GINT64_CONSTANT(1795273800) /* 2026-11-21T15:10:00Z */

/* --- the question --- */

static void test_only_yes_is_yes(void)
{
	static const struct { const char *typed; bool yes; } cases[] = {
		{ "y\n", true }, { "Y\n", true }, { "yes\n", true }, { "YES\n", true }, { "  yes \n", true }, { "y\r\n", true },
		{ "\n", false }, { "", false }, { "n\n", false }, { "no\n", false }, { "yess\n", false }, { "yes please\n", false },
		{ "y", false }, { "ja\n", false }, { "yes                 no\n", false }, { "1\n", false },
	};

	for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
		FILE *in = tmpfile();

		g_test_message("\"%s\"", cases[i].typed);
		g_assert_nonnull(in);
		(void)fputs(cases[i].typed, in);
		rewind(in);
		g_assert_cmpint(ask_read(in), ==, cases[i].yes);
		(void)fclose(in);
	}
}

/* What follows a long line would be the answer to the next question. */
static void test_long_line_is_read_to_its_end_and_is_no(void)
{
	g_autofree char *line = g_strnfill(1000000, 'y');
	FILE *in = tmpfile();

	g_assert_nonnull(in);
	g_assert_cmpint(fprintf(in, "%s\nyes\n", line), >, 0);
	rewind(in);
	g_assert_false(ask_read(in));
	g_assert_true(ask_read(in));
	(void)fclose(in);
}

/* --- who is told --- */

static void test_everybody_left_out_is_accounted_for(void)
{
	Whom whom = { .told = 10, .legal = 1, .media = 2, .accounts = 3, .opted_out = 4, .bounced = 5, .unverified = 6, .shadow = 7,
		.unusable = 8 };
	Whom nobody = { .told = 10 };
	g_autofree char *text = whom_left_out(&whom), *empty = whom_left_out(&nobody);

	g_assert_cmpuint(whom_left_out_count(&whom), ==, 36);
	g_assert_cmpstr(text, ==, "1 legal, 2 media, 3 of accounts, 4 who want no further notices, 5 whose mail comes back, 8 whom no letter "
	                          "can be sent to, 6 whose notes this site has not signed, 7 who are no canaries (mode is shadow)");
	g_assert_cmpstr(empty, ==, "");
}

static void test_duration_is_never_told_too_short(void)
{
	static const struct { guint letters; gint64 rate; const char *text; } cases[] = {
		{ 0, 600, "less than a minute" }, { 600, 600, "less than a minute" }, { 601, 600, "2m" }, { 6000, 600, "10m" },
		{ 36001, 600, "1h1m" }, { 5, 1, "5m" },
	};

	for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
		g_autofree char *text = whom_duration(cases[i].letters, cases[i].rate);

		g_assert_cmpstr(text, ==, cases[i].text);
	}
}

/* --- which incident --- */

static Incident *incident_with(const char *name, Word word)
{
	Incident *incident = incident_new(name);

	if (word == WORD_RESOLVED)
		(void)incident_transition(&incident->state, name, WORD_P1, NOW - 7200, 0);
	(void)incident_transition(&incident->state, name, word, NOW - 3600, 0);
	return incident;
}

static void test_without_a_name_the_only_one_is_meant(void)
{
	static const struct { Word first, second; const char *given; bool resolved_too; const char *name; } cases[] = {
		{ WORD_NONE, WORD_NONE, NULL, true, "default" }, { WORD_NONE, WORD_P1, NULL, false, "mail" },
		{ WORD_P2, WORD_P1, NULL, false, NULL }, { WORD_P2, WORD_P1, "mail", false, "mail" },
		{ WORD_RESOLVED, WORD_P1, NULL, true, "mail" }, { WORD_NONE, WORD_RESOLVED, NULL, true, "mail" },
		{ WORD_NONE, WORD_RESOLVED, NULL, false, "default" }, { WORD_RESOLVED, WORD_RESOLVED, NULL, true, NULL },
		{ WORD_NONE, WORD_NONE, "P1", true, NULL }, { WORD_NONE, WORD_NONE, "Bad Name", true, NULL },
		{ WORD_NONE, WORD_NONE, "default", true, "default" },
	};
	g_autoptr(Config) config = config_defaults();

	for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
		g_autoptr(Snapshot) snapshot = snapshot_new();
		g_autofree char *name = NULL;
		int status;

		g_test_message("%s %s %s", word_name(cases[i].first), word_name(cases[i].second), cases[i].given != NULL ? cases[i].given : "");
		g_ptr_array_add(snapshot->incidents, incident_with("default", cases[i].first));
		g_ptr_array_add(snapshot->incidents, incident_with("mail", cases[i].second));
		status = texts_pick_incident(config, snapshot, cases[i].given, cases[i].resolved_too, NOW, &name);
		g_assert_cmpint(status, ==, cases[i].name != NULL ? CLI_DONE : CLI_USAGE);
		g_assert_cmpstr(name, ==, cases[i].name);
	}
}

static void test_what_is_shown_has_nothing_of_an_earlier_outage(void)
{
	g_autoptr(Snapshot) snapshot = snapshot_new();
	g_autoptr(Incident) anew = NULL, again = NULL;
	Incident *over = incident_with("default", WORD_RESOLVED);
	Texts texts = { { NULL } };

	texts.texts[TEXT_TITLE] = (char *)"Mail is slow";
	over->texts[TEXT_TITLE] = g_strdup("Sign-in fails");
	over->texts[TEXT_SCOPE] = g_strdup("Europe");
	over->update_text = g_strdup("A certificate had expired.");
	g_ptr_array_add(snapshot->incidents, over);

	anew = texts_apply(snapshot, "default", WORD_P2, &texts, NULL, NOW, 60);
	g_assert_cmpstr(anew->texts[TEXT_TITLE], ==, "Mail is slow");
	g_assert_null(anew->texts[TEXT_SCOPE]);
	g_assert_null(anew->update_text);
	g_assert_cmpstr(anew->state.id, !=, over->state.id);
	g_assert_cmpint(anew->state.word, ==, WORD_P2);

	again = texts_apply(snapshot, "default", WORD_P2, &texts, "Slow again.", NOW, 86400);
	g_assert_cmpstr(again->state.id, ==, over->state.id);
	g_assert_cmpstr(again->texts[TEXT_TITLE], ==, "Mail is slow");
	g_assert_cmpstr(again->texts[TEXT_SCOPE], ==, "Europe");
	g_assert_cmpstr(again->update_text, ==, "Slow again.");
	g_assert_cmpint(again->update_at, ==, NOW);

	g_assert_cmpint(over->state.word, ==, WORD_RESOLVED);
	g_assert_cmpstr(over->texts[TEXT_TITLE], ==, "Sign-in fails");
}

/* --- mail from before the flip --- */

static Verdict *verdict_with(const Incident *incident, bool match, ReasonSet reasons, const char *claim_to)
{
	Verdict *verdict = g_new0(Verdict, 1);

	verdict->rules = g_ptr_array_new();
	verdict->words = g_ptr_array_new();
	verdict->escalate = g_ptr_array_new();
	verdict->sensitive = g_ptr_array_new();
	verdict->headers = g_ptr_array_new();
	verdict->add_rcpts = g_ptr_array_new();
	verdict->inspected = true;
	verdict->incident = incident;
	verdict->match = match;
	verdict->reasons = reasons;
	if (claim_to != NULL) {
		verdict->claim = g_new0(ClaimRequest, 1);
		verdict->claim->sender = g_strdup(claim_to);
	}
	return verdict;
}

static void test_each_person_is_counted_once_and_each_mail_somewhere(void)
{
	g_autoptr(Incident) ours = incident_with("default", WORD_P1), other = incident_with("mail", WORD_P1);
	const struct { const Incident *incident; bool match; ReasonSet reasons; const char *claim; bool wanted; } cases[] = {
		{ ours, true, 0, "jane@customer.example", true }, { ours, true, 0, "jane@customer.example", false },
		{ ours, true, 0, "joe@customer.example", true }, { other, true, 0, "jim@customer.example", false },
		{ ours, true, REASON_BIT(REASON_ESCALATED) | REASON_BIT(REASON_UNAUTHENTICATED), NULL, false },
		{ ours, true, REASON_BIT(REASON_UNAUTHENTICATED), NULL, false }, { other, false, REASON_BIT(REASON_NO_MATCH), NULL, false },
		{ NULL, false, REASON_BIT(REASON_NO_INCIDENT), NULL, false }, { ours, true, 0, NULL, false },
	};
	g_auto(Tally) tally = tally_new();
	g_autofree char *left_alone = NULL;

	for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
		g_autoptr(Verdict) verdict = verdict_with(cases[i].incident, cases[i].match, cases[i].reasons, cases[i].claim);

		g_assert_cmpint(tally_add(&tally, verdict, "default"), ==, cases[i].wanted);
	}
	g_assert_cmpuint(tally.wanted, ==, 2);
	left_alone = tally_left_alone(&tally);
	g_assert_cmpstr(left_alone, ==, "1 no-incident, 1 no-match, 1 escalated, 1 unauthenticated, 1 no canary (mode is shadow), 1 more of the "
	                                "same people, 1 about another incident");
}

static void test_answers_of_the_store_are_told(void)
{
	g_auto(Tally) none = tally_new(), some = tally_new();
	g_autofree char *of_none = tally_answers(&none), *of_some = NULL;

	some.answers[CLAIM_WON] = 12;
	some.answers[CLAIM_ALREADY] = 3;
	some.answers[CLAIM_RATE] = 2;
	some.answers[CLAIM_FULL] = 1;
	of_some = tally_answers(&some);
	g_assert_cmpstr(of_none, ==, "0 queued");
	g_assert_cmpstr(of_some, ==, "12 queued, 3 answered already, 3 held back: 2 over a cap, 1 the queue is full");
}

/* --- who waits --- */

static void test_largest_accounts_come_first(void)
{
	/* In the order in which they have to come. */
	static const Waiting order[] = {
		{ .account = (char *)"Acme", .level = (char *)"platinum", .respond_by = NOW + 60, .since = NOW },
		{ .account = (char *)"Bolt", .level = (char *)"Platinum", .since = NOW - 9000 },
		{ .account = (char *)"Coil", .level = (char *)"gold", .respond_by = NOW - 900, .since = NOW },
		{ .account = (char *)"Dyne", .level = (char *)"gold", .respond_by = NOW - 600, .since = NOW - 9000 },
		{ .account = (char *)"Echo", .level = (char *)"bronze", .since = NOW },
		{ .account = (char *)"Flux", .level = (char *)"diamond", .since = NOW },
		{ .account = (char *)"Gear", .since = NOW - 9000 },
		{ .respond_by = NOW - 9000, .since = NOW }, { .respond_by = NOW, .since = NOW - 9000 }, { .since = NOW - 20 },
		{ .level = (char *)"platinum", .since = NOW - 10 },
	};

	for (gsize i = 0; i < G_N_ELEMENTS(order); i++)
		for (gsize k = 0; k < G_N_ELEMENTS(order); k++) {
			int compared = waiting_compare(&order[i], &order[k]);

			g_test_message("%zu %zu", i, k);
			g_assert_cmpint((compared > 0) - (compared < 0), ==, (i > k) - (i < k));
		}
}

static void test_line_says_what_is_overdue_and_escapes(void)
{
	static const struct { Waiting waiting; const char *line; } cases[] = {
		{ { .account = (char *)"Acme", .level = (char *)"gold", .kinds = (char *)"legal", .sender = (char *)"it@acme.example",
		    .subject = (char *)"Down", .queue = (char *)"legal", .since = NOW - 2700, .respond_by = NOW - 900, .calls = 2,
		    .called_at = NOW - 300, .verified = true },
		  "45m     Acme (gold) legal it@acme.example \"Down\" in legal, AN ANSWER WAS DUE 15m AGO, people were called 2 time(s), the last 5m "
		  "ago" },
		{ { .sender = (char *)"jane@customer.example", .subject = (char *)"a\x1b[31m\nb", .since = NOW - 5, .respond_by = NOW + 1800,
		    .verified = true },
		  "5s      jane@customer.example \"a\\x1b[31m\\x0ab\", an answer is due in 30m" },
		{ { .since = NOW - 60 }, "1m      a note that this site has not signed" },
	};

	for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
		g_autofree char *line = waiting_line(&cases[i].waiting, NOW);

		g_assert_cmpstr(line, ==, cases[i].line);
	}
}

static void add_waiting(Store *store, const Secret *secret, guint number, const char *account, gint64 at)
{
	g_autoptr(Facts) facts = g_new0(Facts, 1);
	g_autoptr(GError) error = NULL;
	g_autofree char *key = NULL, *mac = NULL, *payload = NULL;
	StoredNote note = { .at = at };

	facts->rcpt = g_strdup("support@shop.example");
	facts->sender = g_strdup_printf("jane%u@customer.example", number);
	facts->to = g_strdup(facts->sender);
	facts->account = g_strdup(account);
	facts->rules = g_ptr_array_new_with_free_func(g_free);
	facts->escalate = g_ptr_array_new_with_free_func(g_free);
	facts->sensitive = g_ptr_array_new_with_free_func(g_free);
	facts->subject = g_strdup("\"account\":");
	facts->message_id = g_strdup_printf("<%u@customer.example>", number);
	facts->written_at = at;
	facts->incident = g_strdup("default");
	facts->id = g_strdup("20261121T151000Z-default");
	note.key = key = facts_key(facts);
	note.payload = payload = note_sign(secret, facts, &mac);
	note.mac = mac;
	g_assert_true(store_note_add(store, NOTES_WAITING, NULL, &note, NULL, &error));
	g_assert_no_error(error);
}

static void test_of_too_many_who_wait_the_accounts_and_the_oldest_are_looked_at(void)
{
	g_autoptr(Fixture) fixture = fixture_new("sqlite");
	g_autoptr(Secret) secret = secret_generate();
	Store *store = fixture_open(fixture, "a");
	g_autoptr(Snapshot) snapshot = snapshot_new();
	g_autoptr(GPtrArray) waiting = NULL;
	g_autoptr(GError) error = NULL;
	gint64 now = clock_now();
	const Waiting *first, *last;
	guint count = 0;

	for (guint i = 0; i < WAITING_MAX + 5; i++)
		add_waiting(store, secret, i, NULL, now - 2 * WAITING_MAX + i);
	add_waiting(store, secret, WAITING_MAX + 5, "Acme", now);
	waiting = waiting_read(store, secret, snapshot, &count, &error);
	g_assert_no_error(error);
	g_assert_cmpuint(count, ==, WAITING_MAX + 6);
	g_assert_cmpuint(waiting->len, ==, WAITING_MAX);
	first = g_ptr_array_index(waiting, 0);
	last = g_ptr_array_index(waiting, WAITING_MAX - 1);
	g_assert_cmpstr(first->account, ==, "Acme");
	g_assert_cmpint(last->since, ==, now - 2 * WAITING_MAX + WAITING_MAX - 2);
	store_close(store);
}

static void json_is_json_and_touches_no_terminal_whatever_stands_in_it(void)
{
	static const struct { const char *text, *json; } cases[] = {
		{ "S\xc3\xb6hne \xf0\x9f\x98\x80", "{\"x\":\"S\xc3\xb6hne \xf0\x9f\x98\x80\"}" }, { "\x1b[31m\n", "{\"x\":\"\\u001b[31m\\n\"}" },
		{ "\xc2\x9b" "2J", "{\"x\":\"\\u009b2J\"}" }, { "\xe2\x80\xae", "{\"x\":\"\\u202e\"}" }, { "a\xff", "{\"x\":\"a\xef\xbf\xbd\"}" },
		{ "\xf3\xa0\x81\x81", "{\"x\":\"\\udb40\\udc41\"}" },
	};

	for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
		g_autoptr(JsonBuilder) builder = json_builder_new();
		g_autofree char *text = NULL;

		json_builder_begin_object(builder);
		cli_json_string(builder, "x", cases[i].text);
		json_builder_end_object(builder);
		text = cli_json_text(builder, false);
		g_assert_cmpstr(text, ==, cases[i].json);
	}
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/outagectl/json-touches-no-terminal", json_is_json_and_touches_no_terminal_whatever_stands_in_it);
	g_test_add_func("/outagectl/only-yes-is-yes", test_only_yes_is_yes);
	g_test_add_func("/outagectl/long-line-is-no", test_long_line_is_read_to_its_end_and_is_no);
	g_test_add_func("/outagectl/everybody-left-out-is-accounted-for", test_everybody_left_out_is_accounted_for);
	g_test_add_func("/outagectl/duration-is-never-too-short", test_duration_is_never_told_too_short);
	g_test_add_func("/outagectl/the-only-one-is-meant", test_without_a_name_the_only_one_is_meant);
	g_test_add_func("/outagectl/nothing-of-an-earlier-outage", test_what_is_shown_has_nothing_of_an_earlier_outage);
	g_test_add_func("/outagectl/each-person-once", test_each_person_is_counted_once_and_each_mail_somewhere);
	g_test_add_func("/outagectl/answers-of-the-store", test_answers_of_the_store_are_told);
	g_test_add_func("/outagectl/largest-accounts-first", test_largest_accounts_come_first);
	g_test_add_func("/outagectl/line-says-what-is-overdue", test_line_says_what_is_overdue_and_escapes);
	g_test_add_func("/outagectl/too-many-wait", test_of_too_many_who_wait_the_accounts_and_the_oldest_are_looked_at);
	return g_test_run();
}
