/* test-facts: who wrote before the flip is answered as if he wrote now; who waits, and who may be told more. */
#include <string.h>

#include "inspect/facts.h"
#include "inspect/own-words.h"
#include "mail/text.h"
#include "verdict-fixture.h"

static const char *const mails[] = {
	AUTH HEAD "Subject: site is down\n\nhelp\n",
	AUTH HEAD "Subject: slow\n\n",
	AUTH HEAD "Subject: invoice\n\nplease resend it\n",
	HEAD "Subject: down\n\n",
	AUTH HEAD "Subject: down\nAuto-Submitted: auto-replied\n\n",
	AUTH HEAD "Subject: down\nList-Id: <l.example>\nPrecedence: list\n\n",
	AUTH HEAD "Subject: down\n\nour lawyers will write\n",
	HEAD "Subject: invoice\n\nour lawyers\n",
	AUTH HEAD "Subject: hello\n\nit is down with HTTP 503\n",
	AUTH HEAD "Subject: hello\n\nit is down, password: hunter2\n",
	AUTH HEAD "Subject: hello\n\nthanks, no longer down, it works again\n",
	AUTH HEAD "Subject: hello\n\nit is still down\n",
	AUTH HEAD "Subject: checkout is down\nReferences: <r1@x> <r2@x>\nContent-Language: de-AT\n\n",
	AUTH "From: jane@customer.example\nFrom: other@elsewhere.example\nTo: support@shop.example\nSubject: down\n\n",
	AUTH "From: jane@customer.example\nTo: undisclosed\nSubject: down\n\n",
};

static void assert_same_claim(const ClaimRequest *a, const ClaimRequest *b)
{
	g_assert_cmpint(a != NULL, ==, b != NULL);
	if (a == NULL)
		return;
	g_assert_cmpstr(a->incident, ==, b->incident);
	g_assert_cmpstr(a->id, ==, b->id);
	g_assert_cmpuint(a->epoch, ==, b->epoch);
	g_assert_cmpint(a->word, ==, b->word);
	g_assert_cmpint(a->resolved, ==, b->resolved);
	g_assert_cmpstr(a->sender, ==, b->sender);
	g_assert_cmpstr(a->to, ==, b->to);
	g_assert_cmpstr(a->support, ==, b->support);
	g_assert_cmpstr(a->template_name, ==, b->template_name);
	g_assert_cmpstr(a->language, ==, b->language);
	g_assert_cmpstr(a->account, ==, b->account);
	g_assert_cmpstr(a->level, ==, b->level);
	g_assert_cmpstr(a->subject, ==, b->subject);
	g_assert_cmpstr(a->message_id, ==, b->message_id);
	g_assert_cmpstr(a->references, ==, b->references);
	g_assert_cmpint(a->written_at, ==, b->written_at);
}

static void assert_same(const Verdict *a, const Verdict *b)
{
	g_assert_cmpint(a->inspected, ==, b->inspected);
	g_assert_true(a->incident == b->incident);
	g_assert_cmpint(a->match, ==, b->match);
	g_assert_cmpfloat(a->score, ==, b->score);
	g_assert_cmpfloat(a->threshold, ==, b->threshold);
	g_assert_true(a->account == b->account);
	g_assert_cmpint(a->verified, ==, b->verified);
	g_assert_cmpint(a->correspondent.verified, ==, b->correspondent.verified);
	g_assert_true(a->route == b->route);
	g_assert_cmpstr(a->queue, ==, b->queue);
	g_assert_cmpstr(a->tier, ==, b->tier);
	g_assert_cmpint(a->respond_by, ==, b->respond_by);
	g_assert_cmpint(a->shadow, ==, b->shadow);
	g_assert_cmpint(a->page, ==, b->page);
	g_assert_cmpint(a->ack, ==, b->ack);
	g_assert_cmphex(a->reasons, ==, b->reasons);
	g_assert_cmpuint(a->escalate->len, ==, b->escalate->len);
	assert_same_claim(a->claim, b->claim);
}

/* The facts were taken under one state of things; they are decided on under every other, beside the mail itself. */
static void compare_under(const Fixture *taken, Fixture *now, const char *rcpt, const char *mail)
{
	Fixture then = *taken;
	g_autoptr(Verdict) before = fixture_decide_to(&then, rcpt, mail), whole = fixture_decide_to(now, rcpt, mail), again = NULL;
	g_autoptr(Facts) facts = facts_new(before, false, then.context.now);

	if (facts == NULL) {
		g_assert_false(whole->inspected);
		return;
	}
	again = facts_decide(&now->context, facts);
	assert_same(whole, again);
}

static void change_nothing(Fixture *f)
{
	(void)f;
}

static void add_account(Fixture *f)
{
	fixture_add_account(f, "customer.example", "{\"account\":\"Acme\",\"level\":\"gold\",\"respond_within\":\"30m\"}");
}

static void add_personal_account(Fixture *f)
{
	fixture_add_account(f, "jane@customer.example", "{\"account\":\"Jane\",\"ack\":\"personal\",\"language\":\"fr\"}");
}

static void add_payments(Fixture *f)
{
	Incident *payments = fixture_add_incident(f, "payments", WORD_P2);

	payments->match = rules_pattern_new("pay(ing|ments?)|checkout", NULL);
	payments->match_free = (GDestroyNotify)rules_pattern_free;
}

static void go_shadow(Fixture *f)
{
	f->engine->config->mode = MODE_SHADOW;
}

static void pause_all(Fixture *f)
{
	f->snapshot->pause = g_strdup("wait");
}

static void go_stale(Fixture *f)
{
	f->context.age = 3600;
}

static void facts_decide_as_the_mail_would(void)
{
	static void (*const changes[])(Fixture *) = { change_nothing, add_account, add_personal_account, add_payments, go_shadow,
		pause_all, go_stale };
	static const Word words[] = { WORD_P1, WORD_P2, WORD_P3, WORD_RESOLVED, WORD_NONE };
	static const char *const rcpts[] = { "support+tag@shop.example", "Billing@Shop.Example", "jobs@shop.example" };
	Fixture *taken = fixture_setup(WORD_NONE);

	for (gsize w = 0; w < G_N_ELEMENTS(words); w++)
		for (gsize c = 0; c < G_N_ELEMENTS(changes); c++) {
			Fixture *now = fixture_setup(words[w]);

			changes[c](now);
			for (gsize r = 0; r < G_N_ELEMENTS(rcpts); r++)
				for (gsize m = 0; m < G_N_ELEMENTS(mails); m++) {
					g_test_message("%s, change %zu, to %s, mail %zu", word_name(words[w]), c, rcpts[r], m);
					compare_under(taken, now, rcpts[r], mails[m]);
				}
			fixture_teardown(now);
		}
	fixture_teardown(taken);
}

/* What SPF said of a mail is said of it for good. */
static void what_spf_said_is_kept(void)
{
	Fixture *f = fixture_setup(WORD_P1);
	g_autoptr(Verdict) v = fixture_decide(f, HEAD "Subject: down\n\n");

	verdict_add_spf(v, &f->context, (SpfAnswer){ SPF_PASS, false });
	g_autoptr(Facts) facts = facts_new(v, true, NOW);
	g_autoptr(Verdict) again = facts_decide(&f->context, facts);
	g_assert_nonnull(again->claim);
	g_assert_cmpint(facts->verified, ==, VERIFIED_SPF);
	g_assert_true(facts->queued);
	g_assert_cmpstr(facts->id, ==, f->context.snapshot->incidents->len > 0 ? "20261121T150900Z-default" : NULL);
	fixture_teardown(f);
}

/* Nobody is answered now, but when it goes on these are whom to tell. */
static void spf_makes_contacts_where_nobody_is_answered(void)
{
	static const struct {
		const char *mail;
		void (*change)(Fixture *f);
	} cases[] = {
		{ HEAD "Subject: down\n\nour lawyers will write\n", change_nothing },
		{ HEAD "Subject: down\n\n", pause_all },
		{ HEAD "Subject: down\n\n", go_stale },
	};

	for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
		Fixture *f = fixture_setup(WORD_P1);

		cases[i].change(f);
		g_autoptr(Verdict) v = fixture_decide(f, cases[i].mail);
		g_test_message("case %zu", i);
		g_assert_true(v->asks_spf);
		verdict_add_spf(v, &f->context, (SpfAnswer){ SPF_PASS, false });
		g_assert_null(v->claim);
		g_assert_cmpuint(facts_uses(v) & FACTS_CONTACT, !=, 0);
		fixture_teardown(f);
	}
}

/* Notices speak the account's language, whatever this one mail was written in. */
static void the_language_of_the_account_is_kept(void)
{
	Fixture *f = fixture_setup(WORD_P1);

	add_personal_account(f);
	g_autoptr(Verdict) v = fixture_decide(f, mails[12]);
	g_autoptr(Facts) facts = facts_new(v, false, NOW);
	g_assert_cmpstr(facts->account_language, ==, "fr");
	g_assert_cmpstr(facts->language, ==, "de-at");
	fixture_teardown(f);
}

/* An address that the site has given up since is nobody's business any more. */
static void a_support_address_may_go(void)
{
	Fixture *f = fixture_setup(WORD_P1);
	g_autoptr(Verdict) v = fixture_decide(f, mails[0]);
	g_autoptr(Facts) facts = facts_new(v, true, NOW);

	g_free(facts->rcpt);
	facts->rcpt = g_strdup("jobs@shop.example");
	g_autoptr(Verdict) again = facts_decide(&f->context, facts);
	g_assert_false(again->inspected);
	g_assert_null(again->claim);
	fixture_teardown(f);
}

static void nothing_is_kept_of_mail_that_is_not_inspected(void)
{
	Fixture *f = fixture_setup(WORD_P1);
	g_autoptr(Verdict) v = fixture_decide_to(f, "jobs@shop.example", mails[0]);

	g_assert_null(facts_new(v, false, NOW));
	g_assert_cmpuint(facts_uses(v), ==, 0);
	fixture_teardown(f);
}

static void who_is_told_more_and_who_waits(void)
{
	static const struct {
		const char *mail;
		void (*change)(Fixture *f);
		Word word;
		guint uses;
	} cases[] = {
		{ AUTH HEAD "Subject: down\n\n", change_nothing, WORD_P1, FACTS_CONTACT },
		{ AUTH HEAD "Subject: invoice\n\n", change_nothing, WORD_P1, 0 },
		/* Whoever is not vouched for is told nothing, and waits all the same. */
		{ HEAD "Subject: down\n\n", change_nothing, WORD_P1, 0 },
		{ HEAD "Subject: down\n\nour lawyers will write\n", change_nothing, WORD_P1, FACTS_WAITING },
		{ AUTH HEAD "Subject: down\n\nour lawyers will write\n", change_nothing, WORD_P1, FACTS_CONTACT | FACTS_WAITING },
		{ AUTH HEAD "Subject: down\n\n", add_account, WORD_P1, FACTS_CONTACT | FACTS_WAITING },
		{ AUTH HEAD "Subject: down\n\n", add_personal_account, WORD_P1, FACTS_CONTACT | FACTS_WAITING },
		{ AUTH HEAD "Subject: hello\n\nit is still down\n", change_nothing, WORD_RESOLVED, FACTS_CONTACT | FACTS_WAITING },
		/* A machine is no person, and a trial keeps nothing. */
		{ AUTH HEAD "Subject: down\nAuto-Submitted: auto-replied\n\nour lawyers\n", change_nothing, WORD_P1, 0 },
		{ AUTH HEAD "Subject: down\n\nour lawyers\n", go_shadow, WORD_P1, 0 },
		/* What is only held back is kept. */
		{ AUTH HEAD "Subject: down\n\n", pause_all, WORD_P1, FACTS_CONTACT },
	};

	for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
		Fixture *f = fixture_setup(cases[i].word);

		cases[i].change(f);
		g_autoptr(Verdict) v = fixture_decide(f, cases[i].mail);
		g_test_message("case %zu", i);
		g_assert_cmpuint(facts_uses(v), ==, cases[i].uses);
		fixture_teardown(f);
	}
}

/* Nothing is on yet: what is kept is what could match an incident that has words of its own. */
static void mail_before_the_flip_is_kept_where_it_could_match(void)
{
	static const struct {
		const char *rcpt, *mail;
		bool kept, asks, machine;
	} cases[] = {
		{ "support@shop.example", AUTH HEAD "Subject: down\n\n", true, true, false },
		{ "support@shop.example", HEAD "Subject: down\n\n", true, true, false },
		{ "support@shop.example", AUTH HEAD "Subject: slow\n\n", true, true, false },
		{ "support@shop.example", AUTH HEAD "Subject: invoice\n\n", false, false, false },
		{ "support@shop.example", AUTH HEAD "Subject: down\nAuto-Submitted: auto-replied\n\n", false, false, true },
		{ "support@shop.example", AUTH HEAD "Subject: down\nList-Unsubscribe: <mailto:off@x>\n\n", false, false, true },
		{ "billing@shop.example", AUTH HEAD "Subject: slow\n\n", true, true, false },
		{ "jobs@shop.example", AUTH HEAD "Subject: down\n\n", false, false, false },
	};

	for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
		Fixture *f = fixture_setup(WORD_NONE);

		/* A word of its own is needed where an address concerns only some incidents. */
		g_strfreev(f->engine->config->support[0]->incidents);
		f->engine->config->support[0]->incidents = g_strsplit("payments", " ", -1);
		g_autoptr(Snapshot) supposed = facts_suppose(f->engine->config, NOW);
		f->context.snapshot = supposed;
		f->context.any_words = true;
		g_autoptr(Verdict) v = fixture_decide_to(f, cases[i].rcpt, cases[i].mail);
		g_autoptr(Facts) facts = facts_new_recent(v, NOW + 5);
		g_test_message("case %zu", i);
		g_assert_cmpint(v->asks_spf, ==, cases[i].asks);
		g_assert_cmpint(facts != NULL, ==, cases[i].kept);
		/* The body of such a mail is not even looked at. */
		g_assert_cmpint(verdict_is_machine_made(f->engine, f->messages->pdata[0]), ==, cases[i].machine);
		if (facts != NULL) {
			g_assert_null(facts->incident);
			g_assert_null(facts->id);
			g_assert_false(facts->page);
			g_assert_cmpint(facts->respond_by, ==, 0);
			g_assert_cmpint(facts->written_at, ==, NOW + 5);
			/* The words of the incident that was only supposed do not count. */
			g_assert_cmpfloat(facts->score, ==, v->score - own_words_most(f->engine->config));
			g_assert_cmpfloat(facts->score, >=, facts_least_score(f->engine->config, v->support));
		}
		fixture_teardown(f);
	}
}

static void a_mail_is_found_again_by_its_id(void)
{
	static const struct {
		const char *a, *b;
		bool same;
	} cases[] = {
		{ "<a@b>", " <a@b>\t", true },
		{ "<a@b>", "<a@b> (added by postmaster@x)", true },
		{ "<a@b>", "<A@b>", false },
		{ "<a@b>", "<a@c>", false },
	};
	Facts none = { .queue_id = (char *)"Q1", .written_at = NOW }, other = { .queue_id = (char *)"Q1", .written_at = NOW + 1 };
	Facts named = { .message_id = (char *)"<a@b>", .queue_id = (char *)"Q1", .written_at = NOW };
	g_autofree char *key = facts_key(&none), *later = facts_key(&other), *by_id = facts_key(&named), *of = facts_key_of("<a@b>");

	for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
		g_autofree char *a = facts_key_of(cases[i].a), *b = facts_key_of(cases[i].b);

		g_assert_cmpuint(strlen(a), ==, 32);
		g_assert_cmpint(strcmp(a, b) == 0, ==, cases[i].same);
	}
	g_assert_cmpstr(by_id, ==, of);
	g_assert_cmpstr(key, !=, later);
	g_assert_cmpuint(strlen(key), ==, 32);
}

static void who_is_apart_is_told_so(void)
{
	static const struct {
		const char *escalate[4], *account, *apart;
	} cases[] = {
		{ { NULL }, NULL, "" },
		{ { "refund", NULL }, NULL, "" },
		{ { "media", "legal", NULL }, NULL, "legal,media" },
		{ { "media", NULL }, "Acme", "media,account" },
		{ { NULL }, "Acme", "account" },
	};

	for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
		g_autoptr(GPtrArray) escalate = g_ptr_array_new();
		const Facts facts = { .escalate = escalate, .account = (char *)cases[i].account };
		g_autofree char *apart = NULL;

		for (const char *const *name = cases[i].escalate; *name != NULL; name++)
			g_ptr_array_add(escalate, (char *)*name);
		apart = facts_apart(&facts);
		g_assert_cmpstr(apart, ==, cases[i].apart);
	}
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	text_init();
	g_test_add_func("/facts/decide-as-the-mail-would", facts_decide_as_the_mail_would);
	g_test_add_func("/facts/what-spf-said-is-kept", what_spf_said_is_kept);
	g_test_add_func("/facts/spf-makes-contacts", spf_makes_contacts_where_nobody_is_answered);
	g_test_add_func("/facts/the-language-of-the-account", the_language_of_the_account_is_kept);
	g_test_add_func("/facts/a-support-address-may-go", a_support_address_may_go);
	g_test_add_func("/facts/nothing-is-kept-of-other-mail", nothing_is_kept_of_mail_that_is_not_inspected);
	g_test_add_func("/facts/who-is-told-more-and-who-waits", who_is_told_more_and_who_waits);
	g_test_add_func("/facts/mail-before-the-flip", mail_before_the_flip_is_kept_where_it_could_match);
	g_test_add_func("/facts/a-mail-is-found-again-by-its-id", a_mail_is_found_again_by_its_id);
	g_test_add_func("/facts/who-is-apart", who_is_apart_is_told_so);
	return g_test_run();
}
