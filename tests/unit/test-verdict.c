/* test-verdict: one mail, one decision: what is inserted, who is answered, where it goes. */
#include <gio/gio.h>
#include <string.h>

#include "base/clock.h"
#include "base/error.h"
#include "mail/text.h"
#include "verdict-fixture.h"

static const char *header(const Verdict *verdict, const char *name)
{
	for (guint i = 0; i < verdict->headers->len; i++) {
		const VerdictHeader *h = g_ptr_array_index(verdict->headers, i);

		if (g_ascii_strcasecmp(h->name, name) == 0)
			return h->value;
	}
	return NULL;
}

static void an_outage_report_is_tagged_and_claimed(void)
{
	Fixture *f = fixture_setup(WORD_P1);
	g_autoptr(Verdict) v = fixture_decide(f, AUTH HEAD "Subject: site is down\n\nhelp\n");

	g_assert_true(v->match);
	g_assert_nonnull(v->claim);
	g_assert_cmpstr(v->claim->sender, ==, "jane@customer.example");
	g_assert_cmpstr(v->claim->message_id, ==, "<m1@customer.example>");
	verdict_fold(v, &f->context, CLAIM_WON);
	g_assert_cmpstr(header(v, "X-Outage-Incident"), ==, "default; id=20261121T150900Z-default; severity=P1; phase=investigating");
	g_assert_cmpstr(header(v, "X-Outage-Match"), ==, "yes; score=5.0; threshold=5.0; rules=\"down\"");
	g_assert_cmpstr(header(v, "X-Outage-Tier"), ==, "T1");
	g_assert_cmpstr(header(v, "X-Outage-Queue"), ==, "surge");
	g_assert_cmpstr(header(v, "X-Outage-Ack"), ==, "queued");
	g_assert_null(header(v, "X-Outage-Account"));
	g_assert_null(header(v, "X-Outage-Escalate"));
	fixture_teardown(f);
}

/* Words come from the mail. */
static void words_of_the_mail_cannot_break_the_header(void)
{
	Fixture *f = fixture_setup(WORD_P1);
	g_autoptr(Verdict) ascii = fixture_decide(f, AUTH HEAD "Subject: down\n\n");
	g_autoptr(Verdict) wide = fixture_decide(f, AUTH HEAD "Subject: down\n\n");

	g_ptr_array_add(ascii->words, g_strdup("site down"));
	g_ptr_array_add(ascii->words, g_strdup("-a\"; Ack=queued\r\nBcc: x@example.net"));
	verdict_fold(ascii, &f->context, CLAIM_WON);
	g_assert_true(g_str_has_suffix(header(ascii, "X-Outage-Match"), "; words=\"site down,-a\\\"; Ack=queued Bcc: x@example.net\""));
	/* Six pairs of the longest words: what is left out is a whole word, and no line is longer than a mail server takes. */
	for (guint i = 0; i < 6; i++)
		g_ptr_array_add(wide->words, g_strnfill(32, 'a' + (gchar)i));
	for (guint i = 0; i < 6; i++)
		g_ptr_array_add(wide->words, g_strdup("\u0441\u0435\u0440\u0432\u0435\u0440\u0441\u0435\u0440\u0432\u0435\u0440"));
	verdict_fold(wide, &f->context, CLAIM_WON);
	const char *words = strstr(header(wide, "X-Outage-Match"), "; words*=UTF-8''aaaa");
	g_assert_nonnull(words);
	g_assert_cmpuint(strlen(words), <, 900);
	g_assert_true(g_str_has_suffix(words, "%D0%B2%D0%B5%D1%80"));
	fixture_teardown(f);
}

static void other_mail_carries_four_headers_only(void)
{
	Fixture *f = fixture_setup(WORD_P1);
	g_autoptr(Verdict) v = fixture_decide(f, AUTH HEAD "Subject: invoice\n\nplease resend it\n");

	g_assert_null(v->claim);
	verdict_fold(v, &f->context, CLAIM_AWAY);
	g_assert_cmpuint(v->headers->len, ==, 4);
	g_assert_cmpstr(header(v, "X-Outage-Match"), ==, "no; score=0.0; threshold=5.0");
	g_assert_cmpstr(header(v, "X-Outage-Queue"), ==, "normal");
	g_assert_cmpstr(header(v, "X-Outage-Ack"), ==, "none; reason=\"no-match\"");
	fixture_teardown(f);
}

static void each_answer_of_the_store_has_its_reason(void)
{
	static const struct {
		ClaimAnswer answer;
		const char *ack;
	} cases[] = {
		{ CLAIM_WON, "queued" },
		{ CLAIM_ALREADY, "none; reason=\"already-acked\"" },
		{ CLAIM_BOUNCED, "none; reason=\"bounced\"" },
		{ CLAIM_RATE, "none; reason=\"rate\"" },
		{ CLAIM_PAUSED, "none; reason=\"paused\"" },
		{ CLAIM_ENDED, "none; reason=\"no-incident\"" },
		{ CLAIM_AWAY, "none; reason=\"store\"" },
	};

	for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
		Fixture *f = fixture_setup(WORD_P2);
		g_autoptr(Verdict) v = fixture_decide(f, AUTH HEAD "Subject: site is down\n\nhelp\n");

		verdict_fold(v, &f->context, cases[i].answer);
		g_assert_cmpstr(header(v, "X-Outage-Ack"), ==, cases[i].ack);
		fixture_teardown(f);
	}
}

static void nobody_is_answered_against_a_reason(void)
{
	static const struct {
		const char *mail, *ack;
	} cases[] = {
		{ HEAD "Subject: down\n\n", "none; reason=\"unauthenticated\"" },
		{ AUTH HEAD "Subject: down\nAuto-Submitted: auto-replied\n\n", "none; reason=\"auto-submitted\"" },
		{ AUTH HEAD "Subject: down\nList-Id: <l.example>\nPrecedence: list\n\n", "none; reason=\"list-mail,precedence\"" },
		{ AUTH HEAD "Subject: down\n\nour lawyers will write\n", "none; reason=\"escalated\"" },
		{ HEAD "Subject: invoice\n\nour lawyers\n", "none; reason=\"no-match,escalated,unauthenticated\"" },
	};

	for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
		Fixture *f = fixture_setup(WORD_P1);
		g_autoptr(Verdict) v = fixture_decide(f, cases[i].mail);

		g_assert_null(v->claim);
		verdict_fold(v, &f->context, CLAIM_WON);
		g_assert_cmpstr(header(v, "X-Outage-Ack"), ==, cases[i].ack);
		fixture_teardown(f);
	}
}

static void a_large_account_goes_to_people_only_if_it_is_verified(void)
{
	Fixture *f = fixture_setup(WORD_P1);

	fixture_add_account(f, "customer.example", "{\"account\":\"Acme\",\"level\":\"platinum\",\"manager\":\"m@shop.example\",\"respond_within\":\"30m\"}");
	g_autoptr(Verdict) real = fixture_decide(f, AUTH HEAD "Subject: down\n\n");
	g_autoptr(Verdict) forged = fixture_decide(f, HEAD "Subject: down\n\n");
	verdict_fold(real, &f->context, CLAIM_WON);
	verdict_fold(forged, &f->context, CLAIM_WON);
	g_assert_cmpstr(header(real, "X-Outage-Account"), ==, "\"Acme\"; level=platinum; manager=m@shop.example; verified=spf");
	g_assert_cmpstr(header(real, "X-Outage-Queue"), ==, "accounts");
	g_assert_cmpstr(header(real, "X-Outage-Respond-By"), ==, "2026-11-21T15:40:00Z");
	g_assert_cmpstr(header(real, "X-Outage-Ack"), ==, "none; reason=\"vip\"");
	g_assert_cmpstr(header(forged, "X-Outage-Queue"), ==, "surge");
	g_assert_cmpstr(header(forged, "X-Outage-Ack"), ==, "none; reason=\"unauthenticated\"");
	g_assert_true(g_str_has_suffix(header(forged, "X-Outage-Account"), "verified=no"));
	g_assert_null(header(forged, "X-Outage-Respond-By"));
	fixture_teardown(f);
}

static void the_routes_pick_queue_tier_and_template(void)
{
	static const struct {
		const char *body, *queue, *tier, *template_name;
	} cases[] = {
		{ "it is down", "surge", "T1", NULL },
		{ "it is down with HTTP 503", "surge", "T2", "ack-technical" },
		{ "it is down, password: hunter2", "internal", NULL, "ack-sensitive" },
	};

	for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
		Fixture *f = fixture_setup(WORD_P1);
		g_autofree char *mail = g_strconcat(AUTH HEAD "Subject: hello\n\n", cases[i].body, "\n", NULL);
		g_autoptr(Verdict) v = fixture_decide(f, mail);

		g_assert_cmpstr(v->queue, ==, cases[i].queue);
		g_assert_cmpstr(v->tier, ==, cases[i].tier);
		g_assert_nonnull(v->claim);
		g_assert_cmpstr(v->claim->template_name, ==, cases[i].template_name);
		fixture_teardown(f);
	}
}

static void after_the_fix_the_second_wave_is_told_apart(void)
{
	static const struct {
		const char *body;
		bool claimed;
		const char *escalate;
	} cases[] = {
		{ "the site is down", true, NULL },
		{ "thanks, no longer down, it works again", false, NULL },
		{ "it is still down", false, "still-affected" },
	};

	for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
		Fixture *f = fixture_setup(WORD_RESOLVED);
		g_autofree char *mail = g_strconcat(AUTH HEAD "Subject: hello\n\n", cases[i].body, "\n", NULL);
		g_autoptr(Verdict) v = fixture_decide(f, mail);

		g_assert_cmpint(v->claim != NULL, ==, cases[i].claimed);
		verdict_fold(v, &f->context, CLAIM_WON);
		g_assert_cmpstr(header(v, "X-Outage-Escalate"), ==, cases[i].escalate);
		if (v->claim != NULL)
			g_assert_true(v->claim->resolved);
		fixture_teardown(f);
	}
}

/* An answer carries the subject of what it answers, and that is not what its writer says now. */
static void an_answer_is_judged_by_what_it_says(void)
{
	static const struct {
		Word word;
		const char *subject, *body;
		bool match;
		const char *escalate;
	} cases[] = {
		{ WORD_P1, "Re: the site is down", "thanks, works again\n\nOn Fri, Example wrote:\n> the site is down\n", false, NULL },
		{ WORD_P1, "Antw: the site is down", "works again", false, NULL },
		{ WORD_P1, "Re: the site is down", "any news?", true, NULL },
		{ WORD_P1, "Re: the site is down", "it works again for others, for us it is still down", true, NULL },
		{ WORD_P1, "the site is down", "it works again for others", true, NULL },
		{ WORD_RESOLVED, "Re: all good\nIn-Reply-To: <outage-ack.0123@shop.example>", "not for us", false, NULL },
		{ WORD_RESOLVED, "Re: all good\nIn-Reply-To: <outage-ack.0123@shop.example>", "still down", true, "still-affected" },
		{ WORD_RESOLVED, "Re: all good\nReferences: <1@a.example> <outage-ack.0123@shop.example>", "still down", true, "still-affected" },
		{ WORD_RESOLVED, "Re: all good\nIn-Reply-To: <1@shop.example>", "still down", false, NULL },
		{ WORD_RESOLVED, "all good", "not for me, still down", false, NULL },
	};

	for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
		Fixture *f = fixture_setup(cases[i].word);
		g_autofree char *mail = g_strconcat(AUTH HEAD "Subject: ", cases[i].subject, "\n\n", cases[i].body, "\n", NULL);
		g_autoptr(Verdict) v = NULL;

		f->engine->config->threshold[WORD_RESOLVED] = 100;
		v = fixture_decide(f, mail);
		g_test_message("case %zu", i);
		g_assert_cmpint(v->match, ==, cases[i].match);
		verdict_fold(v, &f->context, CLAIM_WON);
		g_assert_cmpstr(header(v, "X-Outage-Escalate"), ==, cases[i].escalate);
		fixture_teardown(f);
	}
}

static void the_resolved_window_closes(void)
{
	Fixture *f = fixture_setup(WORD_RESOLVED);

	g_assert_false(verdict_is_idle(&f->context));
	f->context.now = NOW + 48 * 3600;
	g_assert_true(verdict_is_idle(&f->context));
	g_autoptr(Verdict) v = fixture_decide(f, AUTH HEAD "Subject: down\n\n");
	verdict_fold(v, &f->context, CLAIM_WON);
	g_assert_cmpuint(v->headers->len, ==, 0);
	g_assert_null(v->claim);
	fixture_teardown(f);
}

static void of_several_incidents_the_best_match_is_taken(void)
{
	Fixture *f = fixture_setup(WORD_P1);
	Incident *payments = fixture_add_incident(f, "payments", WORD_P3);

	payments->match = rules_pattern_new("pay(ing|ments?)|checkout", NULL);
	payments->match_free = (GDestroyNotify)rules_pattern_free;
	g_autoptr(Verdict) named = fixture_decide(f, AUTH HEAD "Subject: checkout is down\n\n");
	g_autoptr(Verdict) other = fixture_decide(f, AUTH HEAD "Subject: mail is down\n\n");
	g_autoptr(Verdict) none = fixture_decide(f, AUTH HEAD "Subject: hello\n\n");
	g_assert_cmpstr(named->incident->name, ==, "payments");
	g_assert_cmpstr(other->incident->name, ==, "default");
	g_assert_cmpstr(none->incident->name, ==, "default");
	fixture_teardown(f);
}

/* Without a pattern, what the operator called the incident tells them apart. */
static void of_several_incidents_the_one_spoken_of_is_taken(void)
{
	Fixture *f = fixture_setup(WORD_P1);
	Incident *payments = fixture_add_incident(f, "payments", WORD_P3);
	Incident *search = fixture_add_incident(f, "search", WORD_P3);

	payments->texts[TEXT_TITLE] = g_strdup("Card payments fail");
	search->texts[TEXT_COMPONENTS] = g_strdup("product search, filters");
	g_autoptr(Verdict) named = fixture_decide(f, AUTH HEAD "Subject: payments are down\n\n");
	g_autoptr(Verdict) found = fixture_decide(f, AUTH HEAD "Subject: down\n\nThe product search finds nothing.\n");
	g_autoptr(Verdict) other = fixture_decide(f, AUTH HEAD "Subject: mail is down\n\n");
	g_assert_cmpstr(named->incident->name, ==, "payments");
	g_assert_cmpstr(found->incident->name, ==, "search");
	g_assert_cmpstr(other->incident->name, ==, "default");
	g_assert_cmpfloat(named->score, >, other->score);
	fixture_teardown(f);
}

static void each_support_address_has_its_own_settings(void)
{
	Fixture *f = fixture_setup(WORD_P1);
	g_autoptr(Verdict) support = fixture_decide_to(f, "support+tag@shop.example", AUTH HEAD "Subject: slow\n\n");
	g_autoptr(Verdict) billing = fixture_decide_to(f, "Billing@Shop.Example", AUTH HEAD "Subject: slow\n\n");
	g_autoptr(Verdict) other = fixture_decide_to(f, "jobs@shop.example", AUTH HEAD "Subject: down\n\n");

	g_assert_true(support->inspected);
	g_assert_false(support->match);
	g_assert_true(billing->match);
	g_assert_false(other->inspected);
	g_assert_cmpuint(other->headers->len, ==, 0);
	fixture_teardown(f);
}

static void the_first_support_recipient_decides(void)
{
	Fixture *f = fixture_setup(WORD_P1);
	const char *text = AUTH HEAD "Subject: slow\n\n";
	g_autoptr(Message) message = message_from_bytes(text, strlen(text), 65536);

	message_set_sender(message, "jane@customer.example");
	message_add_rcpt(message, "jobs@shop.example");
	message_add_rcpt(message, "billing@shop.example");
	message_add_rcpt(message, "support@shop.example");
	g_autoptr(Verdict) v = verdict_decide(&f->context, message);
	g_assert_cmpstr(v->rcpt, ==, "billing@shop.example");
	fixture_teardown(f);
}

static void shadow_decides_and_does_nothing(void)
{
	Fixture *f = fixture_setup(WORD_P1);

	f->engine->config->mode = MODE_SHADOW;
	f->engine->config->routes[5]->subject_tag = g_strdup("[OUTAGE]");
	g_autoptr(Verdict) v = fixture_decide(f, AUTH HEAD "Subject: down\n\n");
	g_assert_null(v->claim);
	verdict_fold(v, &f->context, CLAIM_AWAY);
	g_assert_cmpstr(header(v, "X-Outage-Ack"), ==, "shadow");
	g_assert_cmpstr(header(v, "X-Outage-Queue"), ==, "surge");
	g_assert_null(v->subject);
	g_strfreev(f->engine->config->canary);
	f->engine->config->canary = g_strsplit("@customer.example", " ", -1);
	g_autoptr(Verdict) canary = fixture_decide(f, AUTH HEAD "Subject: down\n\n");
	g_assert_nonnull(canary->claim);
	verdict_fold(canary, &f->context, CLAIM_WON);
	g_assert_cmpstr(canary->subject, ==, "[OUTAGE] down");
	fixture_teardown(f);
}

static void nothing_is_promised_from_stale_knowledge(void)
{
	Fixture *f = fixture_setup(WORD_P1);

	f->snapshot->pause = g_strdup("wait");
	f->context.age = 3600;
	g_autoptr(Verdict) v = fixture_decide(f, AUTH HEAD "Subject: down\n\n");
	verdict_fold(v, &f->context, CLAIM_WON);
	g_assert_cmpstr(header(v, "X-Outage-Ack"), ==, "none; reason=\"stale,paused\"");
	g_assert_cmpstr(header(v, "X-Outage-Queue"), ==, "surge");
	g_clear_pointer(&f->snapshot->pause, g_free);
	f->context.age = 0;
	f->context.now = NOW + 5 * 3600;
	g_autoptr(Verdict) silent = fixture_decide(f, AUTH HEAD "Subject: down\n\n");
	g_assert_cmphex(silent->reasons, ==, REASON_BIT(REASON_STALE));
	fixture_teardown(f);
}

static void the_helpdesk_keeps_quiet_only_where_we_speak(void)
{
	Fixture *f = fixture_setup(WORD_P1);

	f->engine->config->helpdesk = HELPDESK_ZAMMAD;
	g_autoptr(Verdict) queued = fixture_decide(f, AUTH HEAD "Subject: down\n\n");
	g_autoptr(Verdict) second = fixture_decide(f, AUTH HEAD "Subject: down\n\n");
	verdict_fold(queued, &f->context, CLAIM_WON);
	verdict_fold(second, &f->context, CLAIM_ALREADY);
	g_assert_cmpstr(header(queued, "X-Zammad-Send-Auto-Response"), ==, "false");
	g_assert_null(header(second, "X-Zammad-Send-Auto-Response"));
	g_assert_true(verdict_header_is_forged(f->engine->config, "x-zammad-ticket-owner", true));
	g_assert_false(verdict_header_is_forged(f->engine->config, "x-zammad-ticket-owner", false));
	g_assert_true(verdict_header_is_forged(f->engine->config, "x-outage-ack", false));
	g_assert_false(verdict_header_is_forged(f->engine->config, "Auto-Submitted", true));
	fixture_teardown(f);
}

static void what_others_wrote_stays_in_its_header(void)
{
	Fixture *f = fixture_setup(WORD_P1);

	fixture_add_account(f, "customer.example", "{\"account\":\"A\\\"c; x=1 \\u00e9\",\"level\":\"gold, really\"}");
	g_autoptr(Verdict) v = fixture_decide(f, AUTH HEAD "Subject: down\n\n");
	verdict_fold(v, &f->context, CLAIM_WON);
	g_assert_cmpstr(header(v, "X-Outage-Account"), ==,
	    "account*=UTF-8''A%22c%3B%20x%3D1%20%C3%A9; level=\"gold, really\"; verified=spf");
	for (guint i = 0; i < v->headers->len; i++) {
		const VerdictHeader *h = g_ptr_array_index(v->headers, i);

		g_assert_null(strpbrk(h->value, "\r\n"));
		g_assert_true(g_str_is_ascii(h->value));
	}
	fixture_teardown(f);
}

/* DNS costs the mail a wait; it is asked only where its answer decides. */
static void spf_is_asked_only_where_it_decides(void)
{
	static const struct {
		const char *mail;
		Word word;
		const char *account;
		bool asks;
	} cases[] = {
		{ HEAD "Subject: down\n\n", WORD_P1, NULL, true },
		{ HEAD "Subject: down\n\n", WORD_NONE, NULL, false },
		{ HEAD "Subject: invoice\n\n", WORD_P1, NULL, false },
		{ HEAD "Subject: down\nAuto-Submitted: auto-replied\n\n", WORD_P1, NULL, false },
		/* No machine answers it, but its writer may be told how it goes on. */
		{ HEAD "Subject: down\n\nour lawyers will write\n", WORD_P1, NULL, true },
		{ HEAD "Subject: invoice\n\nour lawyers will write\n", WORD_P1, NULL, false },
		{ "Authentication-Results: mx.example; dmarc=pass header.from=customer.example\n" HEAD "Subject: down\n\n",
		    WORD_P1, NULL, false },
		{ "Authentication-Results: mx.example; spf=fail smtp.mailfrom=jane@customer.example\n" HEAD "Subject: down\n\n", WORD_P1, NULL,
		  false },
		/* Whether the policy that passed means anything. */
		{ AUTH HEAD "Subject: down\n\n", WORD_P1, NULL, true },
		{ AUTH HEAD "Subject: invoice\n\n", WORD_P1, NULL, false },
		/* An account is pulled out of the flood whatever it writes about. */
		{ HEAD "Subject: invoice\n\n", WORD_P1, "customer.example", true },
		{ "From: jane@elsewhere.example\nTo: support@shop.example\nSubject: invoice\n\n", WORD_P1, "elsewhere.example", false },
	};

	for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
		Fixture *f = fixture_setup(cases[i].word);

		if (cases[i].account != NULL)
			fixture_add_account(f, cases[i].account, "{\"account\":\"Acme\"}");
		g_autoptr(Verdict) v = fixture_decide(f, cases[i].mail);
		g_test_message("case %zu", i);
		g_assert_cmpint(v->asks_spf, ==, cases[i].asks);
		f->engine->config->spf_enabled = false;
		g_autoptr(Verdict) off = fixture_decide(f, cases[i].mail);
		g_assert_false(off->asks_spf);
		fixture_teardown(f);
	}
}

static void spf_decides_who_is_answered(void)
{
	static const struct {
		SpfAnswer answer;
		const char *ack;
	} cases[] = {
		{ { SPF_PASS, false }, "queued" },
		{ { SPF_PASS, true }, "none; reason=\"unauthenticated\"" },
		{ { SPF_NONE, false }, "none; reason=\"unauthenticated\"" },
		{ { SPF_NEUTRAL, false }, "none; reason=\"unauthenticated\"" },
		{ { SPF_SOFTFAIL, false }, "none; reason=\"unauthenticated\"" },
		{ { SPF_FAIL, false }, "none; reason=\"unauthenticated\"" },
		{ { SPF_TEMPERROR, false }, "none; reason=\"unauthenticated\"" },
		{ { SPF_PERMERROR, false }, "none; reason=\"unauthenticated\"" },
	};

	for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
		Fixture *f = fixture_setup(WORD_P1);
		g_autoptr(Verdict) v = fixture_decide(f, HEAD "Subject: down\n\n");
		const SpfQuestion *question = verdict_spf_question(v);

		g_assert_cmpstr(question->client, ==, "192.0.2.10");
		g_assert_cmpstr(question->helo, ==, "mail.customer.example");
		g_assert_cmpstr(question->sender, ==, "jane@customer.example");
		g_assert_null(v->claim);
		verdict_add_spf(v, &f->context, cases[i].answer);
		g_assert_cmpint(v->claim != NULL, ==, strcmp(cases[i].ack, "queued") == 0);
		verdict_fold(v, &f->context, CLAIM_WON);
		g_assert_cmpstr(header(v, "X-Outage-Ack"), ==, cases[i].ack);
		fixture_teardown(f);
	}
}

/* Our own filter said pass; a policy that passes everybody makes that worthless, and not knowing leaves the filter's word. */
static void a_policy_for_everybody_vouches_for_nobody(void)
{
	static const struct {
		SpfAnswer answer;
		const char *ack;
	} cases[] = {
		{ { SPF_PASS, true }, "none; reason=\"unauthenticated\"" },
		{ { SPF_PASS, false }, "queued" },
		{ { SPF_TEMPERROR, false }, "queued" },
	};

	for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
		Fixture *f = fixture_setup(WORD_P1);
		g_autoptr(Verdict) v = fixture_decide(f, AUTH HEAD "Subject: down\n\n");

		g_assert_true(v->asks_spf);
		g_assert_true(verdict_spf_question(v)->policy_only);
		verdict_add_spf(v, &f->context, cases[i].answer);
		verdict_fold(v, &f->context, CLAIM_WON);
		g_assert_cmpstr(header(v, "X-Outage-Ack"), ==, cases[i].ack);
		fixture_teardown(f);
	}
}

#define BY_RELAY(ip) "Received: from x (x [" ip "]) by relay.shop.example; today\n"

/* Both machines of a network may be named: strangers' mail comes through the one that is a relay as well. */
static void a_relay_vouches_for_no_form(void)
{
	static const struct {
		const char *client, *received;
		const char *ack;
	} cases[] = {
		{ "192.0.2.40", "", "queued" },
		{ "192.0.2.40", BY_RELAY("203.0.113.7"), "queued" },
		{ "192.0.2.41", "", "none; reason=\"unauthenticated\"" },
		{ "192.0.2.25", "", "none; reason=\"unauthenticated\"" },
		{ "192.0.2.25", BY_RELAY("203.0.113.7"), "none; reason=\"unauthenticated\"" },
		{ "192.0.2.25", BY_RELAY("203.0.113.7") BY_RELAY("192.0.2.40"), "none; reason=\"unauthenticated\"" },
		{ "192.0.2.25", BY_RELAY("192.0.2.40"), "queued" },
	};

	for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
		Fixture *f = fixture_setup(WORD_P1);
		Config *config = f->engine->config;
		g_autofree char *text = g_strconcat(cases[i].received, "From: web@shop.example\nReply-To: jane@customer.example\n"
		    "To: support@shop.example\nSubject: site is down\n\n", NULL);
		Message *message = message_from_bytes(text, strlen(text), 65536);
		g_autoptr(Verdict) v = NULL;

		g_test_message("%s %s", cases[i].client, cases[i].received);
		g_ptr_array_add(f->messages, message);
		g_ptr_array_add(config->relay_masks, g_inet_address_mask_new_from_string("192.0.2.25", NULL));
		g_ptr_array_add(config->form_masks, g_inet_address_mask_new_from_string("192.0.2.25", NULL));
		g_ptr_array_add(config->form_masks, g_inet_address_mask_new_from_string("192.0.2.40", NULL));
		g_strfreev(config->form_senders);
		config->form_senders = g_strsplit("web@shop.example", " ", -1);
		message_set_sender(message, "<www@shop.example>");
		message_add_rcpt(message, "<support@shop.example>");
		message->client_addr = g_strdup(cases[i].client);
		v = verdict_decide(&f->context, message);
		verdict_fold(v, &f->context, CLAIM_WON);
		g_assert_cmpstr(header(v, "X-Outage-Ack"), ==, cases[i].ack);
		fixture_teardown(f);
	}
}

static void spf_pulls_an_account_out_of_the_flood(void)
{
	Fixture *f = fixture_setup(WORD_P1);

	fixture_add_account(f, "customer.example", "{\"account\":\"Acme\"}");
	g_autoptr(Verdict) v = fixture_decide(f, HEAD "Subject: down\n\n");
	g_assert_cmpstr(v->queue, ==, "surge");
	verdict_add_spf(v, &f->context, (SpfAnswer){ SPF_PASS, false });
	verdict_fold(v, &f->context, CLAIM_WON);
	g_assert_cmpstr(header(v, "X-Outage-Account"), ==, "\"Acme\"; verified=spf");
	g_assert_cmpstr(header(v, "X-Outage-Queue"), ==, "accounts");
	g_assert_cmpstr(header(v, "X-Outage-Ack"), ==, "none; reason=\"vip\"");
	fixture_teardown(f);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	text_init();
	g_test_add_func("/verdict/an-outage-report-is-tagged-and-claimed", an_outage_report_is_tagged_and_claimed);
	g_test_add_func("/verdict/words-of-the-mail-cannot-break-the-header", words_of_the_mail_cannot_break_the_header);
	g_test_add_func("/verdict/other-mail-carries-four-headers-only", other_mail_carries_four_headers_only);
	g_test_add_func("/verdict/each-answer-of-the-store-has-its-reason", each_answer_of_the_store_has_its_reason);
	g_test_add_func("/verdict/nobody-is-answered-against-a-reason", nobody_is_answered_against_a_reason);
	g_test_add_func("/verdict/a-large-account-only-if-verified", a_large_account_goes_to_people_only_if_it_is_verified);
	g_test_add_func("/verdict/routes-pick-queue-tier-and-template", the_routes_pick_queue_tier_and_template);
	g_test_add_func("/verdict/the-second-wave-is-told-apart", after_the_fix_the_second_wave_is_told_apart);
	g_test_add_func("/verdict/an-answer-is-judged-by-what-it-says", an_answer_is_judged_by_what_it_says);
	g_test_add_func("/verdict/the-resolved-window-closes", the_resolved_window_closes);
	g_test_add_func("/verdict/of-several-incidents-the-best-match", of_several_incidents_the_best_match_is_taken);
	g_test_add_func("/verdict/of-several-incidents-the-one-spoken-of-is-taken", of_several_incidents_the_one_spoken_of_is_taken);
	g_test_add_func("/verdict/each-support-address-has-its-own-settings", each_support_address_has_its_own_settings);
	g_test_add_func("/verdict/the-first-support-recipient-decides", the_first_support_recipient_decides);
	g_test_add_func("/verdict/shadow-decides-and-does-nothing", shadow_decides_and_does_nothing);
	g_test_add_func("/verdict/nothing-from-stale-knowledge", nothing_is_promised_from_stale_knowledge);
	g_test_add_func("/verdict/the-helpdesk-keeps-quiet-only-where-we-speak", the_helpdesk_keeps_quiet_only_where_we_speak);
	g_test_add_func("/verdict/what-others-wrote-stays-in-its-header", what_others_wrote_stays_in_its_header);
	g_test_add_func("/verdict/spf-is-asked-only-where-it-decides", spf_is_asked_only_where_it_decides);
	g_test_add_func("/verdict/spf-decides-who-is-answered", spf_decides_who_is_answered);
	g_test_add_func("/verdict/a-policy-for-everybody-vouches-for-nobody", a_policy_for_everybody_vouches_for_nobody);
	g_test_add_func("/verdict/a-relay-vouches-for-no-form", a_relay_vouches_for_no_form);
	g_test_add_func("/verdict/spf-pulls-an-account-out-of-the-flood", spf_pulls_an_account_out_of_the_flood);
	return g_test_run();
}
