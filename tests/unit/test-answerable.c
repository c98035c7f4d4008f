/* test-answerable: every reason against an answer, with a mail for it and the people's mail that looks alike and
 * must pass. */
#include "inspect/answerable.h"

#include <string.h>

static const char *const OWN[] = { "support@example.org", "helpdesk@example.org", "@desk.example.org", NULL };
static const char *const SPAM[] = { "X-Spam-Flag", "X-Spam-Status", "X-Spam", "X-Barracuda-Spam-Status",
	"X-DSPAM-Result", "X-Virus-Status", NULL };
static const char *const LISTS[] = { "support-in.example.org", "<Team.Example.ORG>", NULL };
static const AnswerableSettings SETTINGS = {
	.own_addresses = OWN,
	.addressed = OWN,
	.spam_headers = SPAM,
	.list_ids = LISTS,
	.loop_tag = "outage@example.org",
	.received_max = 5,
};

#define TOKEN "outage-ack.0123456789abcdef0123456789abcdef"
#define OUR_ID "<" TOKEN "@example.org>"
#define REPORT(type) "MIME-Version: 1.0\nContent-Type: multipart/report; report-type=" type "; boundary=b\n"

/* What is NULL is as in an ordinary customer's mail. */
typedef struct {
	const char *name;
	const char *expected;  /* reasons, "" = may be answered */
	const char *headers;   /* further ones, each with its line end */
	const char *sender, *from, *to, *subject, *reply_to; /* to: "-" = no such header */
	const char *body;
} Case;

static const Case CASES[] = {
	{ .name = "person", .expected = "" },
	{ "person-crossing-many-hops", "", .headers =
	    "Received: a\nReceived: b\nReceived: c\nReceived: d\nReceived: e\n" },

	{ "null-sender/empty", "null-sender", .sender = "<>" },
	{ "null-sender/unusable", "null-sender", .sender = "jane@" },
	{ "null-sender/no-domain", "null-sender", .sender = "jane" },
	{ "null-sender/source-route-or-junk", "null-sender", .sender = "@hop.example:jane@customer.example" },

	{ "own-address/sender", "own-address", .sender = "Support@Example.ORG" },
	{ "own-address/sender-tagged", "own-address", .sender = "support+x@example.org" },
	{ "own-address/from-alias", "own-address", .from = "Help <helpdesk@example.org>" },
	{ "own-address/whole-domain", "own-address", .from = "anybody@desk.example.org" },
	{ "own-address/one-of-several-from", "own-address", .from = "jane@customer.example, helpdesk@example.org" },
	{ "own-address/our-message-id", "own-address", .headers = "Message-ID: " OUR_ID "\n" },
	{ "own-address/colleague", "", .sender = "jane@example.org", .from = "jane@example.org" },
	{ "own-address/subdomain-is-not-ours", "", .from = "jane@eu.desk.example.org" },
	{ "own-address/their-message-id", "", .headers = "Message-ID: <outage-ack.123@example.org>\n" },

	{ "auto-submitted/replied", "auto-submitted", .headers = "Auto-Submitted: auto-replied\n" },
	{ "auto-submitted/comment", "auto-submitted", .headers = "Auto-Submitted: (robot) auto-replied (vacation)\n" },
	{ "auto-submitted/parameters", "auto-submitted", .headers =
	    "Auto-Submitted: auto-notified; owner-email=\"no@customer.example\"\n" },
	{ "auto-submitted/second-instance", "auto-submitted", .headers =
	    "Auto-Submitted: no\nAuto-Submitted: auto-generated\n" },
	{ "auto-submitted/unknown-keyword", "auto-submitted", .headers = "auto-submitted: nothing-new\n" },
	{ "auto-submitted/folded", "auto-submitted", .headers = "Auto-Submitted:\n auto-generated\n" },
	{ "auto-submitted/no", "", .headers = "Auto-Submitted: No\n" },
	{ "auto-submitted/no-comment-parameter", "", .headers = "Auto-Submitted: (a (b)) no (typed) ; by=hand\n" },

	{ "list-mail/list-id", "list-mail", .headers = "List-Id: Users <users.lists.example>\n" },
	{ "list-mail/list-help", "list-mail", .headers = "List-Help: <mailto:x@lists.example>\n" },
	{ "list-mail/list-subscribe", "list-mail", .headers = "List-Subscribe: <mailto:x@lists.example>\n" },
	{ "list-mail/list-unsubscribe", "list-mail", .headers = "List-Unsubscribe: <https://news.example/u>\n" },
	{ "list-mail/list-post", "list-mail", .headers = "List-Post: NO\n" },
	{ "list-mail/list-owner", "list-mail", .headers = "List-Owner: <mailto:x@lists.example>\n" },
	{ "list-mail/list-archive", "list-mail", .headers = "List-Archive: <https://lists.example>\n" },
	{ "list-mail/mailing-list", "list-mail", .headers = "Mailing-List: contact x@lists.example\n" },
	{ "list-mail/x-mailing-list", "list-mail", .headers = "X-Mailing-List: users\n" },
	{ "list-mail/feedback-id", "list-mail", .headers = "Feedback-ID: 1:2:3:esp\n" },
	{ "list-mail/own-alias", "", .headers =
	    "List-Id: Support <support-in.example.org>\nList-Post: <mailto:x@example.org>\nPrecedence: list\n" },
	{ "list-mail/own-alias-bare", "", .headers = "List-Id: TEAM.example.org\n" },
	{ "list-mail/own-alias-and-a-strange-one", "list-mail", .headers =
	    "List-Id: <support-in.example.org>\nList-Id: <users.lists.example>\n" },
	{ "list-mail/own-alias-in-the-phrase", "list-mail", .headers =
	    "List-Id: support-in.example.org <users.lists.example>\n" },
	{ "list-mail/own-alias-bulk", "precedence", .headers = "List-Id: <support-in.example.org>\nPrecedence: bulk\n" },
	{ "list-mail/own-alias-autoreply", "auto-submitted", .headers =
	    "List-Id: <support-in.example.org>\nAuto-Submitted: auto-replied\n" },

	{ "precedence/bulk", "precedence", .headers = "Precedence: bulk\n" },
	{ "precedence/junk", "precedence", .headers = "X-Precedence: Junk\n" },
	{ "precedence/list", "precedence", .headers = "Precedence: list\n" },
	{ "precedence/auto-reply", "precedence", .headers = "Preference:  AUTO_REPLY (away)\n" },
	{ "precedence/second-instance", "precedence", .headers = "Precedence: normal\nPrecedence: bulk\n" },
	{ "precedence/first-class", "", .headers = "Precedence: first-class\n" },
	{ "precedence/longer-word", "", .headers = "Precedence: bulky\n" },

	{ "suppress/all", "auto-response-suppress", .headers = "X-Auto-Response-Suppress: All\n" },
	{ "suppress/in-a-list", "auto-response-suppress", .headers = "X-Auto-Response-Suppress: DR, OOF,autoreply\n" },
	{ "suppress/minus-one", "auto-response-suppress", .headers = "X-Auto-Response-Suppress: -1\n" },
	{ "suppress/decimal", "auto-response-suppress", .headers = "X-Auto-Response-Suppress: 48\n" },
	{ "suppress/hexadecimal", "auto-response-suppress", .headers = "X-Auto-Response-Suppress: 0x20\n" },
	{ "suppress/all-bits", "auto-response-suppress", .headers = "X-Auto-Response-Suppress: 0xFFFFFFFF\n" },
	{ "suppress/oof-only", "", .headers = "X-Auto-Response-Suppress: OOF\n" },
	{ "suppress/oof-number", "", .headers = "X-Auto-Response-Suppress: 0x10\n" },
	{ "suppress/reports-only", "", .headers = "X-Auto-Response-Suppress: DR, NDR, RN, NRN, OOF\n" },
	{ "suppress/none", "", .headers = "X-Auto-Response-Suppress: None\n" },
	{ "suppress/zero", "", .headers = "X-Auto-Response-Suppress: 0\n" },
	{ "suppress/other-word", "", .headers = "X-Auto-Response-Suppress: Allow, 0x\n" },

	{ "vendor/x-autoreply", "vendor-auto", .headers = "X-Autoreply: yes\n" },
	{ "vendor/x-autorespond", "vendor-auto", .headers = "X-Autorespond: x\n" },
	{ "vendor/x-autoresponder", "vendor-auto", .headers = "X-Autoresponder: x\n" },
	{ "vendor/x-autoresponse", "vendor-auto", .headers = "X-AutoResponse: x\n" },
	{ "vendor/x-autoreply-from", "vendor-auto", .headers = "X-AutoReply-From: x\n" },
	{ "vendor/x-mail-autoreply", "vendor-auto", .headers = "X-Mail-Autoreply: x\n" },
	{ "vendor/x-facebook-notify", "vendor-auto", .headers = "X-Facebook-Notify: x\n" },
	{ "vendor/x-cron-env", "vendor-auto", .headers = "X-Cron-Env: <SHELL=/bin/sh>\n" },
	{ "vendor/x-ebay-mailtracker", "vendor-auto", .headers = "X-eBay-MailTracker: x\n" },
	{ "vendor/x-no-loop", "vendor-auto", .headers = "X-No-Loop: x\n" },
	{ "vendor/x-autogenerated", "vendor-auto", .headers = "X-Autogenerated: Reply\n" },
	{ "vendor/x-autogenerated-group", "vendor-auto", .headers = "X-Autogenerated: group\n" },
	{ "vendor/x-fc-machinegenerated", "vendor-auto", .headers = "X-FC-MachineGenerated: true\n" },
	{ "vendor/x-post-messageclass", "vendor-auto", .headers = "X-POST-MessageClass: 9; Autoresponder\n" },
	{ "vendor/autoresponder", "vendor-auto", .headers = "Autoresponder: x\n" },
	{ "vendor/delivered-to", "vendor-auto", .headers = "Delivered-To: Autoresponder\n" },
	{ "vendor/amazon", "vendor-auto", .headers = "X-AMAZON-MAIL-RELAY-TYPE: notification\n" },
	{ "vendor/apple", "vendor-auto", .headers = "X-Apple-Action: VACATION\n" },
	{ "vendor/x-ignorevacation", "vendor-auto", .headers = "X-IgnoreVacation: yes\n" },
	{ "vendor/exchange-rule", "vendor-auto", .headers = "X-MS-Exchange-Inbox-Rules-Loop: jane@customer.example\n" },
	{ "vendor/other-values", "", .headers =
	    "X-Autogenerated: no\nX-FC-MachineGenerated: false\nX-POST-MessageClass: 0\n"
	    "X-AMAZON-MAIL-RELAY-TYPE: relay\nX-Apple-Action: forward\nX-IgnoreVacation: No\nDelivered-To: "
	    "jane@customer.example\n" },

	{ "loop/x-loop-yes", "loop", .headers = "X-Loop: Yes\n" },
	{ "loop/x-loop-true", "loop", .headers = "X-Loop: true\n" },
	{ "loop/our-tag", "loop", .headers = "X-Loop: other@customer.example\nX-Loop: Outage@example.org \n" },
	{ "loop/rt", "loop", .headers = "X-RT-Loop-Prevention: example\n" },
	{ "loop/delivered-to-us", "loop", .headers = "Delivered-To: support@example.org\n" },
	{ "loop/hops", "loop", .headers =
	    "Received: a\nReceived: b\nReceived: c\nReceived: d\nReceived: e\nReceived: f\n" },
	{ "loop/machine-answers-us", "precedence,loop", .headers = "In-Reply-To: " OUR_ID "\nPrecedence: bulk\n" },
	{ "loop/machine-refers-to-us", "loop,auto-subject", .headers = "References: <1@customer.example>\n " OUR_ID
	    " <2@customer.example>\n", .subject = "Automatic reply: outage" },
	{ "loop/bounce-of-ours", "null-sender,loop", .headers = "References: " OUR_ID "\n", .sender = "" },
	{ "loop/person-answers-us", "", .headers = "In-Reply-To: " OUR_ID "\nReferences: <1@customer.example> " OUR_ID
	    "\n", .subject = "Re: outage" },
	{ "loop/suppressing-person-answers-us", "auto-response-suppress", .headers =
	    "X-Auto-Response-Suppress: All\nIn-Reply-To: " OUR_ID "\n" },
	{ "loop/other-x-loop", "", .headers = "X-Loop: no\nX-Loop: jane@customer.example\n" },

	{ "report/bounce", "report", .headers = REPORT("delivery-status"), .body = "--b\n\nfailed\n--b--\n" },
	{ "report/read-receipt", "report", .headers = REPORT("\"Disposition-Notification\""), .body =
	    "--b\n\nread\n--b--\n" },
	{ "report/abuse", "report", .headers = REPORT("feedback-report"), .body = "--b\n\nspam\n--b--\n" },
	{ "report/exim", "report", .headers = "X-Failed-Recipients: jane@customer.example\n" },
	{ "report/part", "report", .headers = "MIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=b\n", .body =
	    "--b\n\nfailed\n--b\nContent-Type: message/delivery-status\n\nReporting-MTA: dns; mx\n\nAction: failed\n"
	    "--b--\n" },
	{ "report/no-mark-but-its-words", "report", .subject = "RE: Site : non remis (delivery failed)", .body =
	    "*****\nVotre message n'a pas pu etre delivre\n\n*****\nYour message could not be delivered to\n"
	    "jane@customer.example\n" },
	{ "report/no-mark-but-other-words", "report", .subject = "Delivery Failure", .body =
	    "\nCould not deliver message to the following recipient(s):\n\nFailed Recipient: x@customer.example\n" },
	{ "report/no-mark-but-long-words", "report", .subject = "=?utf-8?B?RGVsaXZlcnkgZmFpbHVyZSBub3RpZmljYXRpb25=?=",
	    .body =
	    "Your message with Subject: Re: [x] Bike lost and found....\ncould not be delivered to the following "
	    "recipients:\n\nx\n" },
	{ "report/person-tells-of-a-failure", "", .subject = "Delivery failure since 10:00", .body =
	    "Our messages could not be delivered to anybody at gmail.com. Is your relay down?\n" },
	{ "report/person-quotes-one", "", .subject = "What does this mean", .body =
	    "Your message could not be delivered to x@customer.example\n\nI get this all day.\n" },
	{ "report/person-forwards-one", "", .headers = "MIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=a\n",
	    .body = "--a\n\nWhat is wrong here?\n--a\nContent-Type: message/rfc822\n\nSubject: failed\n"
	    REPORT("delivery-status")
	    "\n--b\n\nfailed\n--b\nContent-Type: message/delivery-status\n\nAction: failed\n--b--\n--a--\n" },
	{ "report/other-type", "", .headers = REPORT("statistics"), .body = "--b\n\nnumbers\n--b--\n" },
	{ "report/attachment", "", .headers = "MIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=b\n", .body =
	    "--b\n\nlook\n--b\nContent-Type: text/plain; name=delivery-status\n\nx\n--b--\n" },
};

/* Each of these as envelope sender, From or Reply-To. */
static const char *const SYSTEMS[] = {
	"mailer-daemon", "MAILER_DAEMON", "mailer", "Postmaster", "post_master", "daemon", "root", "uucp", "nobody",
	"server", "abuse", "listserv", "majordom", "majordomo", "mailman", "listmaster", "autoresponder", "www",
	"www-data", "httpd", "nagios", "ndr", "owner-users", "request-users", "bounce-1", "bounces-2", "autoreply",
	"autoreply7", "noreply", "noreply+x", "no-reply", "no_reply", "do-not-reply", "do_not_reply", "donotreply",
	"users-request", "users-owner", "users-bounce", "users-bounces", "users-admin", "mail-relay", "users-errors",
	"users-confirm", "users-outgoing", "site-autoresponder", "postmaster+tag",
};

static const char *const PEOPLE[] = {
	"adminton@customer.example", "ownership@customer.example", "admin@customer.example", "rooted@customer.example",
	"postmaster.jane@customer.example", "nobody.knows@customer.example", "requests@customer.example",
	"norepl@customer.example", "mybounce@customer.example", "serverteam@customer.example", "wwww@customer.example",
	"owner@customer.example", "jane@bouncehouse.example", "jane@my-bounces.example", "jane+root@customer.example",
	"relay@customer.example",
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
	"Re[x]: hello", "Resend: failed",
};

static const Case MORE_CASES[] = {
	{ "system-sender/bounce-label", "system-sender", .sender = "x1@bounce.customer.example" },
	{ "system-sender/bounces-label", "system-sender", .from = "news@mail.Bounces.customer.example" },
	{ "system-sender/no-domain", "system-sender", .from = "MAILER-DAEMON (Mail Delivery System)" },
	{ "system-sender/no-domain-brackets", "system-sender", .from = "Mail System <MAILER-DAEMON>" },
	{ "system-sender/second-from", "system-sender", .from = "jane@customer.example, noreply@customer.example" },

	{ "spam/flag", "spam", .headers = "X-Spam-Flag: YES\n" },
	{ "spam/status", "spam", .headers = "X-Spam-Status: Yes, score=9.1 required=5.0\n" },
	{ "spam/x-spam", "spam", .headers = "X-Spam: yes\n" },
	{ "spam/barracuda", "spam", .headers = "X-Barracuda-Spam-Status: Yes\n" },
	{ "spam/dspam", "spam", .headers = "X-DSPAM-Result: Spam\n" },
	{ "spam/virus", "spam", .headers = "X-Virus-Status: Infected (Eicar)\n" },
	{ "spam/not", "", .headers =
	    "X-Spam-Flag: NO\nX-Spam-Status: No, score=1.0 tests=YES\nX-DSPAM-Result: Innocent\nX-Virus-Status: Clean\n" },
	{ "spam/not-our-filter", "", .headers = "X-Other-Spam-Flag: YES\n" },

	{ "not-addressed/somebody-else", "not-addressed", .to = "jane@customer.example" },
	{ "not-addressed/undisclosed", "not-addressed", .to = "undisclosed-recipients:;" },
	{ "not-addressed/name-only", "not-addressed", .to = "\"support@example.org\" <x@customer.example>" },
	{ "not-addressed/cc", "", .headers = "Cc: Boss <boss@customer.example>, Support <SUPPORT@example.org>\n", .to =
	    "jane@customer.example" },
	{ "not-addressed/tagged", "", .to = "support+case7@example.org" },
	{ "not-addressed/alias", "", .to = "helpdesk@example.org" },
	{ "not-addressed/domain", "", .to = "team7@desk.example.org" },
	{ "not-addressed/resent", "", .headers = "Resent-To: support@example.org\n", .to = "jane@customer.example" },
	{ "not-addressed/resent-cc", "", .headers = "Resent-Cc: x@example.net, support@example.org\n", .to =
	    "jane@customer.example" },
	{ "not-addressed/second-to", "", .headers = "To: support@example.org\n", .to = "jane@customer.example" },
	{ "not-addressed/group", "", .to = "Teams: jane@customer.example, support@example.org;" },
	{ "not-addressed/blind-copy", "", .to = "-" },

	{ "all-in-order",
	    "null-sender,own-address,auto-submitted,list-mail,precedence,auto-response-suppress,vendor-auto,loop,"
	    "report,system-sender,"
	    "auto-subject,spam,not-addressed",
	    "X-Spam-Flag: yes\nX-Failed-Recipients: x\nX-Loop: yes\nX-Autoreply: yes\nX-Auto-Response-Suppress: All\n"
	    "Precedence: bulk\n"
	    "List-Id: x\nAuto-Submitted: auto-replied\nMessage-ID: " OUR_ID "\n", .sender = "", .from =
	    "root@customer.example", .to = "x@customer.example", .subject = "failure notice" },
};

static const char *or_else(const char *text, const char *otherwise)
{
	return text ? text : otherwise;
}

static Message *message_of(const Case *c)
{
	g_autoptr(GString) bytes = g_string_new(NULL);
	Message *message;

	g_string_append_printf(bytes, "From: %s\n", or_else(c->from, "Jane <jane@customer.example>"));
	if (g_strcmp0(c->to, "-") != 0)
		g_string_append_printf(bytes, "To: %s\n", or_else(c->to, "Support <support@example.org>"));
	g_string_append_printf(bytes, "Subject: %s\n", or_else(c->subject, "Site is down"));
	if (c->reply_to)
		g_string_append_printf(bytes, "Reply-To: %s\n", c->reply_to);
	g_string_append_printf(bytes, "%s\n%s", or_else(c->headers, ""), or_else(c->body, "Nothing loads.\n"));
	message = message_from_bytes(bytes->str, bytes->len, 65536);
	message_set_sender(message, or_else(c->sender, "jane@customer.example"));
	return message;
}

/* As the verdict does it: the one address of the header, or NULL. */
static char *only_address(const Message *message, const char *name)
{
	g_autoptr(GPtrArray) addresses = text_addresses(message_header(message, name, 0));

	return addresses->len == 1 ? g_strdup(g_ptr_array_index(addresses, 0)) : NULL;
}

static void assert_reasons(const Case *c)
{
	g_autoptr(Message) message = message_of(c);
	g_autoptr(Text) text = text_read(message, 65536);
	g_autofree char *from = only_address(message, "From");
	g_autofree char *reply_to = only_address(message, "Reply-To");
	g_autofree char *names = reason_list(answerable_check(&SETTINGS, message, text, from, reply_to));

	g_assert_cmpstr(names, ==, c->expected);
}

static void test_case(gconstpointer data)
{
	assert_reasons(data);
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

static void add_cases(const Case *cases, guint count)
{
	for (guint i = 0; i < count; i++) {
		g_autofree char *path = g_strconcat("/answerable/", cases[i].name, NULL);

		g_test_add_data_func(path, &cases[i], test_case);
	}
}

int main(int argc, char **argv)
{
	int status;

	g_test_init(&argc, &argv, NULL);
	text_init();
	add_cases(CASES, G_N_ELEMENTS(CASES));
	add_cases(MORE_CASES, G_N_ELEMENTS(MORE_CASES));
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
