/* test-answerable: the reasons that a mail's people, words and parts give, each with mail for it and the people's mail that
 * looks alike and must pass. What single header fields give is test-answerable-headers. */
#include "answerable-fixture.h"

#define ATTACHED MIME "multipart/mixed; boundary=a\n"
#define PLAIN "--a\n\nWhat is wrong here?\n--a\n"

static const Case NULL_SENDER[] = {
	{ "empty", "null-sender", .sender = "<>" },
	{ "unusable", "null-sender", .sender = "jane@" },
	{ "no-domain", "null-sender", .sender = "jane" },
	{ "source-route-or-junk", "null-sender", .sender = "@hop.example:jane@customer.example" },
	{ "comment", "null-sender", .sender = "jane(x)@customer.example" },
	{ "two-addresses", "null-sender", .sender = "jane@customer.example,joe@customer.example" },
	{ "form-without-reply-to", "null-sender", .from = "web@example.com", .via = VIA_FORM },
	{ "list-without-one-from", "null-sender", .via = VIA_LIST },
	{ "person", .expected = "" },
	{ "quoted-local-part", "", .sender = "\"jane doe\"@customer.example" },
	{ "non-ascii", "", .sender = "j\xc3\xa4ne@k\xc3\xbcnde.example" },
	{ "verp", "", .sender = "jane+x=y@customer.example" },
	{ "parameters", "", .sender = "<jane@customer.example> SIZE=1000" },
	{ "form-with-empty-envelope", "", .sender = "<>", .from = "web@example.com", .via = VIA_FORM, .writer =
	    "jane@customer.example" },
};

static const Case OWN_ADDRESS[] = {
	{ "sender", "own-address", .sender = "Support@Example.ORG" },
	{ "sender-tagged", "own-address", .sender = "support+x@example.org" },
	{ "from-alias", "own-address", .from = "Help <helpdesk@example.org>" },
	{ "whole-domain", "own-address", .from = "anybody@desk.example.org" },
	{ "one-of-several-from", "own-address", .from = "jane@customer.example, helpdesk@example.org" },
	{ "our-message-id", "own-address", .headers = "Message-ID: " OUR_ID "\n" },
	{ "our-message-id-second", "own-address", .headers = "Message-ID: <1@customer.example>\nMessage-ID: " OUR_ID "\n" },
	{ "our-message-id-by-list", "own-address", .headers = "Message-ID: " OUR_ID "\n", .via = VIA_LIST, .writer =
	    "jane@customer.example" },
	{ "form-names-us", "own-address", .from = "web@example.com", .via = VIA_FORM, .writer = "support@example.org" },
	{ "colleague", "", .sender = "jane@example.org", .from = "jane@example.org" },
	{ "subdomain-is-not-ours", "", .from = "jane@eu.desk.example.org" },
	{ "their-message-id", "", .headers = "Message-ID: <outage-ack.123@example.org>\n" },
	{ "reply-to-us", "", .reply_to = "support@example.org" },
	{ "name-like-ours", "", .from = "\"support@example.org\" <jane@customer.example>" },
	{ "form-of-our-own", "", .sender = "web@desk.example.org", .from = "web@desk.example.org", .via = VIA_FORM, .writer =
	    "jane@customer.example" },
	{ "list-of-our-own", "", .sender = "helpdesk@example.org", .via = VIA_LIST, .writer = "jane@customer.example" },
};

#define BOUNCED_PART "Content-Type: message/delivery-status\n\nReporting-MTA: dns; mx\n\nAction: failed\n"

static const Case IS_REPORT[] = {
	{ "bounce", "report", .headers = REPORT("delivery-status"), .body = "--b\n\nfailed\n--b--\n" },
	{ "read-receipt", "report", .headers = REPORT("\"Disposition-Notification\""), .body = "--b\n\nread\n--b--\n" },
	{ "abuse", "report", .headers = REPORT("feedback-report"), .body = "--b\n\nspam\n--b--\n" },
	{ "exim", "report", .headers = "X-Failed-Recipients: jane@customer.example\n" },
	{ "part", "report", .headers = ATTACHED, .body = "--a\n\nfailed\n--a\n" BOUNCED_PART "--a--\n" },
	{ "second-content-type", "report", .headers =
		"Content-Type: text/plain\nContent-Type: multipart/report; report-type=delivery-status; boundary=b\n", .body = "failed\n" },
	{ "part-behind-an-attached-mail", "report", .headers = ATTACHED, .body =
		"--a\n\nfailed\n--a\nContent-Type: message/rfc822\n\nSubject: hello\n\nhi\n--a\n" BOUNCED_PART "--a--\n" },
	{ "feedback-part", "report", .headers = ATTACHED, .body =
	    "--a\n\nspam\n--a\nContent-Type: message/feedback-report\n\nFeedback-Type: abuse\n--a--\n" },
	{ "part-of-a-mail-in-utf8", "report", .headers = ATTACHED, .body =
	    "--a\n\nfailed\n--a\nContent-Type: message/global-delivery-status\n\nAction: failed\n--a--\n" },
	{ "no-mark-but-its-words", "report", .subject = "RE: Site : non remis (delivery failed)", .body =
	    "*****\nVotre message n'a pas pu etre delivre\n\n*****\nYour message could not be delivered to\n"
	    "jane@customer.example\n" },
	{ "no-mark-but-other-words", "report", .subject = "Delivery Failure", .body =
	    "\nCould not deliver message to the following recipient(s):\n\nFailed Recipient: x@customer.example\n" },
	{ "no-mark-but-long-words", "report", .subject = "=?utf-8?B?RGVsaXZlcnkgZmFpbHVyZSBub3RpZmljYXRpb25=?=", .body =
	    "Your message with Subject: Re: [x] Bike lost and found....\ncould not be delivered to the following "
	    "recipients:\n\nx\n" },
	{ "person-tells-of-a-failure", "", .subject = "Delivery failure since 10:00", .body =
	    "Our messages could not be delivered to anybody at gmail.com. Is your relay down?\n" },
	{ "person-quotes-one", "", .subject = "What does this mean", .body =
	    "Your message could not be delivered to x@customer.example\n\nI get this all day.\n" },
	{ "person-forwards-one", "", .headers = ATTACHED, .subject = "Fwd: failed", .body = PLAIN
	    "Content-Type: message/rfc822\n\nSubject: failed\n" REPORT("delivery-status") "\n--b\n\nfailed\n--b\n"
	    BOUNCED_PART "--b--\n--a--\n" },
	{ "person-attaches-its-text", "", .headers = ATTACHED, .body = PLAIN
	    "Content-Type: text/plain; name=delivery-status\nContent-Disposition: attachment\n\nAction: failed\n--a--\n" },
	{ "other-type", "", .headers = REPORT("statistics"), .body = "--b\n\nnumbers\n--b--\n" },
	{ "type-of-another-kind", "", .headers = MIME "multipart/mixed; report-type=delivery-status; boundary=a\n", .body =
	    "--a\n\nhello\n--a--\n" },
};

static const Case SYSTEM_SENDER[] = {
	{ "bounce-label", "system-sender", .sender = "x1@bounce.customer.example" },
	{ "bounces-label", "system-sender", .from = "news@mail.Bounces.customer.example" },
	{ "no-domain", "system-sender", .from = "MAILER-DAEMON (Mail Delivery System)" },
	{ "no-domain-brackets", "system-sender", .from = "Mail System <MAILER-DAEMON>" },
	{ "second-from", "system-sender", .from = "jane@customer.example, noreply@customer.example" },
	{ "second-from-field", "system-sender", .headers = "From: noreply@customer.example\n" },
	{ "second-reply-to", "system-sender", .reply_to = "jane@customer.example, root@customer.example" },
	{ "form-names-a-machine", "system-sender", .from = "web@example.com", .via = VIA_FORM, .writer =
	    "noreply@customer.example" },
	{ "list-forwards-a-machine", "system-sender", .sender = "team-bounces@example.org", .via = VIA_LIST, .writer =
	    "root@customer.example" },
	{ "form-writes-from-noreply", "", .sender = "www-data@example.com", .from = "noreply@example.com", .via = VIA_FORM,
	    .writer = "jane@customer.example", .reply_to = "jane@customer.example" },
	{ "list-writes-from-bounces", "", .sender = "team-bounces@example.org", .reply_to = "team-request@example.org",
	    .via = VIA_LIST, .writer = "jane@customer.example" },
	{ "name-like-a-machine", "", .from = "\"noreply@customer.example\" <jane@customer.example>" },
	{ "copy-to-a-machine", "", .headers = "Cc: postmaster@customer.example\n" },
};

static const Case AUTO_SUBJECT[] = {
	{ "out-of-office", "auto-subject", .subject = "Out of office: Jane" },
	{ "encoded-and-folded", "auto-subject", .subject =
	    "=?utf-8?q?Automatic_?=\n =?utf-8?q?reply?=\n : Site is down" },
	{ "second-word-folded", "auto-subject", .subject = "Automatic\n\treply: x" },
	{ "inside", "", .subject = "Settings > Auto: does not work" },
	{ "forwarded", "", .subject = "Fwd: Out of office: Jane" },
	{ "in-the-text", "", .body = "Automatic reply: this is what I get\n" },
	{ "no-subject", "", .subject = "" },
};

static const Case NOT_ADDRESSED[] = {
	{ "somebody-else", "not-addressed", .to = "jane@customer.example" },
	{ "undisclosed", "not-addressed", .to = "undisclosed-recipients:;" },
	{ "name-only", "not-addressed", .to = "\"support@example.org\" <x@customer.example>" },
	{ "comment-only", "not-addressed", .to = "x@customer.example (support@example.org)" },
	{ "subdomain", "not-addressed", .to = "support@eu.example.org" },
	{ "other-field", "not-addressed", .headers = "X-Original-To: support@example.org\n", .to = "jane@customer.example" },
	{ "cc", "", .headers =
	    "Cc: Boss <boss@customer.example>, Support <SUPPORT@example.org>\n", .to = "jane@customer.example" },
	{ "tagged", "", .to = "support+case7@example.org" },
	{ "alias", "", .to = "helpdesk@example.org" },
	{ "domain", "", .to = "team7@desk.example.org" },
	{ "resent", "", .headers = "Resent-To: support@example.org\n", .to = "jane@customer.example" },
	{ "resent-cc", "", .headers = "Resent-Cc: x@example.net, support@example.org\n", .to = "jane@customer.example" },
	{ "second-to", "", .headers = "To: support@example.org\n", .to = "jane@customer.example" },
	{ "group", "", .to = "Teams: jane@customer.example, support@example.org;" },
	{ "encoded-name", "", .to = "=?utf-8?q?Hilfe=2C_bitte?=\n <support@example.org>" },
	{ "no-to", "", .to = "-" },
};

/* Each of these as envelope sender, From or Reply-To. */
static const char *const SYSTEMS[] = {
	"mailer-daemon", "MAILER_DAEMON", "mailer", "Postmaster", "post_master", "daemon", "root", "uucp", "nobody",
	"server", "abuse", "listserv", "majordom", "majordomo", "mailman", "listmaster", "autoresponder", "www",
	"www-data", "httpd", "nagios", "ndr", "owner-users", "request-users", "bounce-1", "bounces-2", "autoreply",
	"autoreply7", "noreply", "noreply+x", "no-reply", "no_reply", "do-not-reply", "do_not_reply", "donotreply",
	"users-request", "users-owner", "users-bounce", "users-bounces", "users-admin", "mail-relay", "users-errors",
	"users-confirm", "users-outgoing", "site-autoresponder", "postmaster+tag", "\"mailer-daemon\"",
	"users-bounces+jane=customer.example", "bounces+7-jane=customer.example", "bounce+c0ffee",
};

static const char *const PEOPLE[] = {
	"adminton@customer.example", "ownership@customer.example", "admin@customer.example", "rooted@customer.example",
	"postmaster.jane@customer.example", "nobody.knows@customer.example", "requests@customer.example",
	"norepl@customer.example", "mybounce@customer.example", "serverteam@customer.example", "wwww@customer.example",
	"owner@customer.example", "jane@bouncehouse.example", "jane@my-bounces.example", "jane+root@customer.example",
	"relay@customer.example", "bouncer@customer.example", "bounceback.jane@customer.example",
	"badminton-administration@customer.example", "mailers@customer.example", "abuse.desk@customer.example",
	"web-server@customer.example", "norbert.no.reply@customer.example", "jane@reply.customer.example",
	"jane+noreply@customer.example", "confirm@customer.example", "ndrake@customer.example",
};

static const char *const AUTO_SUBJECTS[] = {
	"Auto: away", "auto:away", "Automatic reply: Site down", "AUTOMATIC REPLY", "Automatic response - hello",
	"Auto reply: hi", "Auto-Reply: hi", "Out of office", "Out-of-Office: Jane", "Out of Office AutoReply: x",
	"Out of the office until Monday", "Abwesenheitsnotiz: Ausfall", "Automatische Antwort: Ausfall",
	"Automatisch antwoord: storing", "Automatiskt svar: x", "Autosvar: x", "Automatisk svar: x",
	"=?utf-8?q?Fr=C3=A5nvaro=3A_x?=", "Réponse automatique : panne", "RE\xcc\x81PONSE AUTOMATIQUE",
	"Absence du bureau", "Risposta automatica: x", "Fuori sede: x", "=?iso-8859-1?q?Respuesta_autom=E1tica=3A_x?=",
	"Resposta automática: x", "Fora do escritório", "自動回覆：服務", "自动回复: x", "自動応答です", "不在通知メール",
	"Delivery Status Notification (Failure)", "Undelivered Mail Returned to Sender",
	"Mail delivery failed: returning message to sender", "Returned mail: see transcript for details",
	"failure notice", "Undeliverable: Site down", "Undeliverable", "Re: Automatic reply: x", "AW: Abwesenheitsnotiz",
	"Re[2]: Out of office", "RE (3): Re^2: SV: Autosvar: x", "Antw: Automatisch antwoord", "回复：自动回复：你好",
	"[EXTERNAL] Automatic reply: x", "Re: [Acme #17] Out of office", "Re: mail delivery failed?", "  Re :  Auto:  x",
	"\xe2\x80\x8b\xe2\x80\x8f" "Automatic reply: x",
};

static const char *const PEOPLES_SUBJECTS[] = {
	"Site is down", "", "Settings > Auto: does not work", "Our Auto: field is empty", "Auto renewal fails",
	"Automatic replyer broken", "Is this an automatic reply?", "No automatic reply came",
	"My out of office is not shown", "Returned mailbox is gone", "Undeliverables list is empty",
	"Failure notices missing", "Fwd: Undelivered Mail Returned to Sender", "WG: Mail delivery failed",
	"Re: our mail delivery failed", "Out of officers", "Reautomatic reply", "[never closed Automatic reply",
	"Re[x]: hello", "Resend: failed", "Autoreparatur: Termin", "Autoreparatur", "Automatic door does not open",
	"Automatische Anmeldung geht nicht", "AutoSave: broken", "Car: Auto: sold", "Absence of my order",
	"Is failure notice sent?", "Mail delivery is slow", "Delivery status of order 7",
};

static void test_all_reasons_come_in_order(void)
{
	static const Case everything = { "everything",
		"null-sender,own-address,auto-submitted,list-mail,precedence,auto-response-suppress,vendor-auto,loop,report,"
		"system-sender,auto-subject,spam,not-addressed",
		"X-Spam-Flag: yes\nX-Failed-Recipients: x\nX-Loop: yes\nX-Autoreply: yes\nX-Auto-Response-Suppress: All\n"
		"Precedence: bulk\nList-Id: x\nAuto-Submitted: auto-replied\nMessage-ID: " OUR_ID "\n",
		.sender = "", .from = "root@customer.example", .to = "x@customer.example", .subject = "failure notice" };

	assert_reasons(&everything);
}

static void test_systems_are_known_by_every_address(void)
{
	for (guint i = 0; i < G_N_ELEMENTS(SYSTEMS); i++) {
		g_autofree char *address = g_strconcat(SYSTEMS[i], "@customer.example", NULL);
		Case sender = { address, "system-sender", .sender = address };
		Case from = { address, "system-sender", .from = address };
		Case reply_to = { address, "system-sender", .reply_to = address };

		g_test_message("%s", address);
		assert_reasons(&sender);
		assert_reasons(&from);
		assert_reasons(&reply_to);
	}
}

static void test_people_with_like_names_pass(void)
{
	for (guint i = 0; i < G_N_ELEMENTS(PEOPLE); i++) {
		Case person = { PEOPLE[i], "", .sender = PEOPLE[i], .from = PEOPLE[i], .reply_to = PEOPLE[i] };

		g_test_message("%s", PEOPLE[i]);
		assert_reasons(&person);
	}
}

static void test_automatic_subjects_are_known(void)
{
	for (guint i = 0; i < G_N_ELEMENTS(AUTO_SUBJECTS); i++) {
		Case machine = { AUTO_SUBJECTS[i], "auto-subject", .subject = AUTO_SUBJECTS[i] };

		g_test_message("%s", AUTO_SUBJECTS[i]);
		assert_reasons(&machine);
	}
}

static void test_peoples_subjects_pass(void)
{
	for (guint i = 0; i < G_N_ELEMENTS(PEOPLES_SUBJECTS); i++) {
		Case person = { PEOPLES_SUBJECTS[i], "", .subject = PEOPLES_SUBJECTS[i] };

		g_test_message("%s", PEOPLES_SUBJECTS[i]);
		assert_reasons(&person);
	}
}

static void test_only_our_message_ids_are_ours(void)
{
	static const char *const ours[] = { OUR_ID, TOKEN "@example.org", " " OUR_ID "\n" };
	static const char *const theirs[] = { NULL, "", "<>", TOKEN, "<" TOKEN "@>", "<" TOKEN "@example.org",
		"<x" TOKEN "@example.org>", "<" TOKEN "0@example.org>",
		"<outage-ack.0123456789ABCDEF0123456789ABCDEF@example.org>", OUR_ID "x", OUR_ID " " OUR_ID };

	for (guint i = 0; i < G_N_ELEMENTS(ours); i++)
		g_assert_true(answerable_is_our_message_id(ours[i]));
	for (guint i = 0; i < G_N_ELEMENTS(theirs); i++)
		g_assert_false(answerable_is_our_message_id(theirs[i]));
}

static void test_every_reason_has_its_name(void)
{
	g_autofree char *all = reason_list(REASON_BIT(REASONS) - 1);
	g_autofree char *none = reason_list(0);

	g_assert_cmpstr(all, ==,
	    "null-sender,own-address,auto-submitted,list-mail,precedence,auto-response-suppress,vendor-auto,loop,"
	    "report,system-sender,"
	    "auto-subject,spam,not-addressed,no-incident,no-match,vip,escalated,sensitive,route,stale,paused,"
	    "unauthenticated,bounced,"
	    "already-acked,rate,store");
	g_assert_cmpstr(none, ==, "");
	g_assert_cmpstr(reason_name(REASON_ALREADY_ACKED), ==, "already-acked");
}

int main(int argc, char **argv)
{
	int status;

	g_test_init(&argc, &argv, NULL);
	text_init();
	add_table(REASON_NULL_SENDER, NULL_SENDER, G_N_ELEMENTS(NULL_SENDER));
	add_table(REASON_OWN_ADDRESS, OWN_ADDRESS, G_N_ELEMENTS(OWN_ADDRESS));
	add_table(REASON_REPORT, IS_REPORT, G_N_ELEMENTS(IS_REPORT));
	add_table(REASON_SYSTEM_SENDER, SYSTEM_SENDER, G_N_ELEMENTS(SYSTEM_SENDER));
	add_table(REASON_AUTO_SUBJECT, AUTO_SUBJECT, G_N_ELEMENTS(AUTO_SUBJECT));
	add_table(REASON_NOT_ADDRESSED, NOT_ADDRESSED, G_N_ELEMENTS(NOT_ADDRESSED));
	g_test_add_func("/answerable/all-reasons-come-in-order", test_all_reasons_come_in_order);
	g_test_add_func("/answerable/systems-are-known-by-every-address", test_systems_are_known_by_every_address);
	g_test_add_func("/answerable/people-with-like-names-pass", test_people_with_like_names_pass);
	g_test_add_func("/answerable/automatic-subjects-are-known", test_automatic_subjects_are_known);
	g_test_add_func("/answerable/peoples-subjects-pass", test_peoples_subjects_pass);
	g_test_add_func("/answerable/only-our-message-ids-are-ours", test_only_our_message_ids_are_ours);
	g_test_add_func("/answerable/every-reason-has-its-name", test_every_reason_has_its_name);
	status = g_test_run();
	text_shutdown();
	return status;
}
