/* test-audience: who gets a notice and who must not, and what the letter to each carries. */
#include "store/audience.h"

#include "audience-fixture.h"

static const Notice update = { .name = (char *)"update-20261121t142900z", .incident = (char *)"default", .id = (char *)ID,
	.epoch = 3, .text = (char *)"Half of it works again.", .ordered_at = NOW };

static void test_lawyers_press_and_accounts_are_told_only_where_they_are_named(void)
{
	static const struct {
		const char *apart;
		bool legal, media, accounts;
		const char *left_out;
	} rows[] = {
		{ NULL, false, false, false, NULL },
		{ "", false, false, false, NULL },
		{ "legal", false, false, false, "legal" },
		{ "media", false, false, false, "media" },
		{ "account", false, false, false, "account" },
		{ "legal", true, false, false, NULL },
		{ "media", false, true, false, NULL },
		{ "account", false, false, true, NULL },
		/* One kind that is not named is enough, and the one that weighs most is said. */
		{ "account,legal", false, false, true, "legal" },
		{ "account,legal", true, false, false, "account" },
		{ "account,media,legal", false, false, false, "legal" },
		{ "legal,media,account", true, true, true, NULL },
		/* Of a newer version of this program. */
		{ "royalty", true, true, true, "apart" },
		{ "legal,royalty", true, true, true, "apart" },
	};

	for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
		Notice notice = update;
		Site site;

		site_set_up(&site);
		notice.legal = rows[i].legal;
		notice.media = rows[i].media;
		notice.accounts = rows[i].accounts;
		g_assert_cmpstr(audience_left_out(site.config, &notice, &site.facts, rows[i].apart), ==, rows[i].left_out);
		site_tear_down(&site);
	}
}

static void test_what_the_mail_itself_says_keeps_its_writer_apart(void)
{
	Notice notice = update;
	Site site;

	site_set_up(&site);
	g_ptr_array_add(site.facts.escalate, s("legal"));
	/* Whoever can write to the store can take the kinds away, not the facts, which are signed. */
	g_assert_cmpstr(audience_left_out(site.config, &notice, &site.facts, ""), ==, "legal");
	notice.legal = true;
	g_assert_null(audience_left_out(site.config, &notice, &site.facts, ""));
	site.facts.account = s("Acme");
	g_assert_cmpstr(audience_left_out(site.config, &notice, &site.facts, ""), ==, "account");
	site_tear_down(&site);
}

static void test_shadow_tells_canaries_only(void)
{
	Notice notice = update;
	Site site;

	site_set_up(&site);
	site.config->mode = MODE_SHADOW;
	g_assert_cmpstr(audience_left_out(site.config, &notice, &site.facts, NULL), ==, "shadow");
	site.support.mode = MODE_LIVE;
	g_assert_null(audience_left_out(site.config, &notice, &site.facts, NULL));
	site.support.mode = -1;
	site.one[0] = s("@customer.example");
	g_strfreev(site.config->canary);
	site.config->canary = g_strdupv(site.one);
	g_assert_null(audience_left_out(site.config, &notice, &site.facts, NULL));
	site_tear_down(&site);
}

static void test_contact_of_another_incident_is_not_told(void)
{
	Notice notice = update;
	Site site;

	site_set_up(&site);
	site.facts.id = s("20261121T140000Z-billing");
	g_assert_nonnull(audience_left_out(site.config, &notice, &site.facts, NULL));
	site.facts.id = s(ID);
	site.facts.sender = NULL;
	g_assert_nonnull(audience_left_out(site.config, &notice, &site.facts, NULL));
	site_tear_down(&site);
}

static void test_notice_threads_into_the_customers_own_mail(void)
{
	Notice notice = update;
	Site site;
	g_autoptr(ClaimRequest) request = NULL, other = NULL, after = NULL;

	site_set_up(&site);
	site.facts.language = s("nl");
	request = audience_request(&notice, &site.facts, WORD_P1);
	g_assert_cmpint(request->class, ==, LETTER_NOTICE);
	g_assert_cmpstr(request->letter, ==, "update-20261121t142900z");
	g_assert_cmpstr(claim_request_kind(request), ==, "update-20261121t142900z");
	g_assert_cmpstr(request->sender, ==, "jane@customer.example");
	g_assert_cmpstr(request->to, ==, "Jane@customer.example");
	g_assert_cmpstr(request->support, ==, "support@example.com");
	g_assert_cmpstr(request->message_id, ==, "<1@customer.example>");
	g_assert_cmpstr(request->subject, ==, "it is down");
	g_assert_cmpstr(request->text, ==, "Half of it works again.");
	g_assert_cmpstr(request->id, ==, ID);
	g_assert_cmpuint(request->epoch, ==, 3);
	g_assert_false(request->resolved);
	g_assert_cmpstr(request->language, ==, "nl");
	/* What is known of the account outranks what one mail was written in. */
	site.facts.account_language = s("pt");
	other = audience_request(&notice, &site.facts, WORD_P1);
	g_assert_cmpstr(other->language, ==, "pt");
	/* No letter has the word none: a post-mortem after the end goes as of a resolved one. */
	after = audience_request(&notice, &site.facts, WORD_NONE);
	g_assert_cmpint(after->word, ==, WORD_RESOLVED);
	g_assert_true(after->resolved);
	site_tear_down(&site);
}

static void test_contact_of_an_account_gets_no_reference_to_anothers_mail(void)
{
	const Account account = { .key = "acme.example", .name = "Acme", .level = "gold", .language = "de" };
	Notice notice = update;
	Site site;
	g_autoptr(ClaimRequest) request = NULL;

	site_set_up(&site);
	request = audience_contact_request(&notice, &account, "IT@acme.example", "support@example.com", WORD_P2);
	g_assert_cmpstr(request->sender, ==, "it@acme.example");
	g_assert_cmpstr(request->to, ==, "IT@acme.example");
	g_assert_cmpstr(request->language, ==, "de");
	g_assert_cmpstr(request->level, ==, "gold");
	g_assert_null(request->message_id);
	g_assert_null(request->subject);
	g_assert_null(audience_contact_request(&notice, &account, "not an address", "support@example.com", WORD_P2));
	g_assert_null(audience_contact_request(&notice, &account, "a%b@acme.example", "support@example.com", WORD_P2));
	site_tear_down(&site);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/audience/apart", test_lawyers_press_and_accounts_are_told_only_where_they_are_named);
	g_test_add_func("/audience/apart-by-facts", test_what_the_mail_itself_says_keeps_its_writer_apart);
	g_test_add_func("/audience/shadow", test_shadow_tells_canaries_only);
	g_test_add_func("/audience/other-incident", test_contact_of_another_incident_is_not_told);
	g_test_add_func("/audience/threads", test_notice_threads_into_the_customers_own_mail);
	g_test_add_func("/audience/account-contact", test_contact_of_an_account_gets_no_reference_to_anothers_mail);
	return g_test_run();
}
