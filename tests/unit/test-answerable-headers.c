/* test-answerable-headers: the reasons that single header fields give, each with mail for it and the people's mail that
 * looks alike and must pass. */
#include "answerable-fixture.h"

static const Case AUTO_SUBMITTED[] = {
	{ "replied", "auto-submitted", .headers = "Auto-Submitted: auto-replied\n" },
	{ "generated", "auto-submitted", .headers = "Auto-Submitted: auto-generated\n" },
	{ "comment", "auto-submitted", .headers = "Auto-Submitted: (robot) auto-replied (vacation)\n" },
	{ "comment-says-no", "auto-submitted", .headers = "Auto-Submitted: (no) auto-replied\n" },
	{ "parameters", "auto-submitted", .headers = "Auto-Submitted: auto-notified; owner-email=\"no@customer.example\"\n" },
	{ "second-instance", "auto-submitted", .headers = "Auto-Submitted: no\nAuto-Submitted: auto-generated\n" },
	{ "unknown-keyword", "auto-submitted", .headers = "auto-submitted: nothing-new\n" },
	{ "no-as-prefix", "auto-submitted", .headers = "Auto-Submitted: no-reply\n" },
	{ "empty", "auto-submitted", .headers = "Auto-Submitted:\n" },
	{ "folded", "auto-submitted", .headers = "Auto-Submitted:\n auto-generated\n" },
	{ "no-space", "auto-submitted", .headers = "AUTO-SUBMITTED:AUTO-REPLIED\n" },
	{ "space-before-colon", "auto-submitted", .headers = "Auto-Submitted : auto-replied\n" },
	{ "form-marks-itself", "auto-submitted", .headers = "Auto-Submitted: auto-generated\n", .via = VIA_FORM, .writer =
	    "jane@customer.example" },
	{ "no", "", .headers = "Auto-Submitted: No\n" },
	{ "no-quoted", "", .headers = "Auto-Submitted: \"no\"\n" },
	{ "no-comment-parameter", "", .headers = "Auto-Submitted: (a (b)) no (typed) ; by=hand\n" },
	{ "no-comment-names-the-other", "", .headers = "Auto-Submitted: no (not auto-replied \\) auto-generated)\n" },
	{ "other-field", "", .headers = "X-Auto-Submitted-By: auto-replied\n" },
	{ "in-the-text", "", .body = "Auto-Submitted: auto-replied\n" },
};

static const Case LIST_MAIL[] = {
	{ "list-id", "list-mail", .headers = "List-Id: Users <users.lists.example>\n" },
	{ "list-id-encoded", "list-mail", .headers = "List-ID: =?utf-8?q?Gr=C3=BC=C3=9Fe?= <users.lists.example>\n" },
	{ "list-help", "list-mail", .headers = "List-Help: <mailto:x@lists.example>\n" },
	{ "list-subscribe", "list-mail", .headers = "List-Subscribe: <mailto:x@lists.example>\n" },
	{ "list-unsubscribe", "list-mail", .headers = "List-Unsubscribe: <https://news.example/u>\n" },
	{ "list-post", "list-mail", .headers = "List-Post: NO\n" },
	{ "list-owner", "list-mail", .headers = "List-Owner: <mailto:x@lists.example>\n" },
	{ "list-archive", "list-mail", .headers = "List-Archive: <https://lists.example>\n" },
	{ "mailing-list", "list-mail", .headers = "Mailing-List: contact x@lists.example\n" },
	{ "x-mailing-list", "list-mail", .headers = "X-Mailing-List: users\n" },
	{ "feedback-id", "list-mail", .headers = "Feedback-ID: 1:2:3:esp\n" },
	{ "own-alias-and-a-strange-one", "list-mail", .headers =
	    "List-Id: <support-in.example.org>\nList-Id: <users.lists.example>\n" },
	{ "own-alias-in-the-phrase", "list-mail", .headers = "List-Id: support-in.example.org <users.lists.example>\n" },
	{ "own-alias-in-a-quoted-phrase", "list-mail", .headers =
	    "List-Id: \"<support-in.example.org>\" <users.lists.example>\n" },
	{ "own-alias-in-a-comment", "list-mail", .headers = "List-Id: <users.lists.example> (<support-in.example.org>)\n" },
	{ "newsletter-through-own-alias", "list-mail", .headers =
	    "List-Id: <support-in.example.org>\nList-Unsubscribe: <https://news.example/u>\nFeedback-ID: 1:2:3:esp\n" },
	{ "form-mail-from-a-list", "list-mail", .headers = "List-Id: <users.lists.example>\n", .via = VIA_FORM, .writer =
	    "jane@customer.example" },
	{ "own-alias", "",
	    .headers = "List-Id: Support <support-in.example.org>\nList-Post: <mailto:x@example.org>\nPrecedence: list\n" },
	{ "own-alias-writer", "", .headers =
	    "List-Id: Support <support-in.example.org>\nList-Unsubscribe: <https://example.org/u>\n",
	    .sender = "support-in-bounces@example.org", .via = VIA_LIST, .writer = "jane@customer.example" },
	{ "own-alias-bare", "", .headers = "List-Id: TEAM.example.org\n" },
	{ "own-alias-folded", "", .headers = "List-Id: \"Our <team>\"\n (what) <team.example.org>\n" },
	{ "own-alias-bulk", "precedence", .headers = "List-Id: <support-in.example.org>\nPrecedence: bulk\n" },
	{ "own-alias-autoreply", "auto-submitted", .headers =
	    "List-Id: <support-in.example.org>\nAuto-Submitted: auto-replied\n" },
	{ "other-fields", "", .headers =
	    "X-List: users\nList-Price: 20\nX-Listed: yes\nPrice-List-Id: 7\nX-Feedback-ID: 1:2\n" },
	{ "about-a-list", "", .subject = "List-Id: <users.lists.example>", .body = "Our mailing list is down.\n" },
};

static const Case PRECEDENCE[] = {
	{ "bulk", "precedence", .headers = "Precedence: bulk\n" },
	{ "junk", "precedence", .headers = "X-Precedence: Junk\n" },
	{ "list", "precedence", .headers = "Precedence: list\n" },
	{ "auto-reply", "precedence", .headers = "Preference:  AUTO_REPLY (away)\n" },
	{ "quoted", "precedence", .headers = "Precedence: \"bulk\"\n" },
	{ "comment-in-front", "precedence", .headers = "Precedence:\n\t(x) bulk\n" },
	{ "second-instance", "precedence", .headers = "Precedence: normal\nPrecedence: bulk\n" },
	{ "first-class", "", .headers = "Precedence: first-class\n" },
	{ "special-delivery", "", .headers = "Precedence: special-delivery\n" },
	{ "normal", "", .headers = "X-Precedence: normal\nPreference: none\nPrecedence:\n" },
	{ "longer-word", "", .headers = "Precedence: bulky\n" },
	{ "word-in-comment", "", .headers = "Precedence: normal (bulk)\n" },
	{ "other-field", "", .headers = "X-Mail-Precedence: bulk\nImportance: list\n" },
};

static const Case SUPPRESS[] = {
	{ "all", "auto-response-suppress", .headers = "X-Auto-Response-Suppress: All\n" },
	{ "autoreply", "auto-response-suppress", .headers = "X-Auto-Response-Suppress: AutoReply\n" },
	{ "in-a-list", "auto-response-suppress", .headers = "X-Auto-Response-Suppress: DR, OOF,autoreply\n" },
	{ "folded-list", "auto-response-suppress", .headers = "X-Auto-Response-Suppress: DR, RN,\n NRN, OOF,\n\tAutoReply\n" },
	{ "comment-behind", "auto-response-suppress", .headers = "X-Auto-Response-Suppress: All(and more)\n" },
	{ "second-instance", "auto-response-suppress",
	    .headers = "X-Auto-Response-Suppress: OOF\nX-Auto-Response-Suppress: AutoReply\n" },
	{ "minus-one", "auto-response-suppress", .headers = "X-Auto-Response-Suppress: -1\n" },
	{ "decimal", "auto-response-suppress", .headers = "X-Auto-Response-Suppress: 48\n" },
	{ "hexadecimal", "auto-response-suppress", .headers = "X-Auto-Response-Suppress: 0x20\n" },
	{ "all-bits", "auto-response-suppress", .headers = "X-Auto-Response-Suppress: 0xFFFFFFFF\n" },
	{ "exchange-user", "", .headers = "X-Auto-Response-Suppress: OOF\nX-MS-Has-Attach: \nThread-Topic: Site is down\n" },
	{ "oof-number", "", .headers = "X-Auto-Response-Suppress: 0x10\n" },
	{ "oof-decimal", "", .headers = "X-Auto-Response-Suppress: 16\n" },
	{ "all-but-autoreply", "", .headers = "X-Auto-Response-Suppress: 31\n" },
	{ "reports-only", "", .headers = "X-Auto-Response-Suppress: DR, NDR, RN, NRN, OOF\n" },
	{ "none", "", .headers = "X-Auto-Response-Suppress: None\n" },
	{ "zero", "", .headers = "X-Auto-Response-Suppress: 0\n" },
	{ "empty", "", .headers = "X-Auto-Response-Suppress:\n" },
	{ "all-in-a-comment", "", .headers = "X-Auto-Response-Suppress: OOF (All)\n" },
	{ "other-word", "", .headers = "X-Auto-Response-Suppress: Allow, 0x, AutoReplyer, 20h\n" },
};

static const Case VENDOR[] = {
	{ "x-autoreply", "vendor-auto", .headers = "X-Autoreply: yes\n" },
	{ "x-autorespond", "vendor-auto", .headers = "X-Autorespond: x\n" },
	{ "x-autoresponder", "vendor-auto", .headers = "X-Autoresponder: x\n" },
	{ "x-autoresponse", "vendor-auto", .headers = "X-AutoResponse: x\n" },
	{ "x-autoreply-from", "vendor-auto", .headers = "X-AutoReply-From: x\n" },
	{ "x-mail-autoreply", "vendor-auto", .headers = "X-Mail-Autoreply: x\n" },
	{ "x-facebook-notify", "vendor-auto", .headers = "X-Facebook-Notify: x\n" },
	{ "x-cron-env", "vendor-auto", .headers = "X-Cron-Env: <SHELL=/bin/sh>\n" },
	{ "x-ebay-mailtracker", "vendor-auto", .headers = "X-eBay-MailTracker: x\n" },
	{ "x-no-loop", "vendor-auto", .headers = "X-No-Loop: x\n" },
	{ "x-autogenerated", "vendor-auto", .headers = "X-Autogenerated: Reply\n" },
	{ "x-autogenerated-forward", "vendor-auto", .headers = "X-Autogenerated: FORWARD\n" },
	{ "x-autogenerated-group", "vendor-auto", .headers = "X-Autogenerated: group\n" },
	{ "x-fc-machinegenerated", "vendor-auto", .headers = "X-FC-MachineGenerated: true\n" },
	{ "x-post-messageclass", "vendor-auto", .headers = "X-POST-MessageClass: 9; Autoresponder\n" },
	{ "x-post-messageclass-alone", "vendor-auto", .headers = "X-POST-MessageClass: 9\n" },
	{ "autoresponder", "vendor-auto", .headers = "Autoresponder: x\n" },
	{ "delivered-to", "vendor-auto", .headers = "Delivered-To: Autoresponder\n" },
	{ "amazon", "vendor-auto", .headers = "X-AMAZON-MAIL-RELAY-TYPE: notification\n" },
	{ "apple", "vendor-auto", .headers = "X-Apple-Action: VACATION\n" },
	{ "x-ignorevacation", "vendor-auto", .headers = "X-IgnoreVacation: yes\n" },
	{ "exchange-rule", "vendor-auto", .headers = "X-MS-Exchange-Inbox-Rules-Loop: jane@customer.example\n" },
	{ "x-autogenerated-other", "", .headers = "X-Autogenerated: no\n" },
	{ "x-fc-machinegenerated-false", "", .headers = "X-FC-MachineGenerated: false\n" },
	{ "x-post-messageclass-other", "", .headers = "X-POST-MessageClass: 0\nX-POST-MessageClass: 99\n" },
	{ "amazon-other", "", .headers = "X-AMAZON-MAIL-RELAY-TYPE: relay\n" },
	{ "apple-other", "", .headers = "X-Apple-Action: forward\n" },
	{ "x-ignorevacation-no", "", .headers = "X-IgnoreVacation: No\n" },
	{ "delivered-to-a-person", "", .headers =
	    "Delivered-To: jane@customer.example\nDelivered-To: autoresponders@customer.example\n" },
	{ "longer-names", "", .headers =
	    "X-Autoreply-Count: 0\nX-No-Looping: x\nX-Facebook: x\nX-MS-Exchange-Inbox-Rules: x\n" },
};

static const Case LOOP[] = {
	{ "x-loop-yes", "loop", .headers = "X-Loop: Yes\n" },
	{ "x-loop-true", "loop", .headers = "X-Loop: true\n" },
	{ "our-address-below-another", "loop", .headers = "X-Loop: other@customer.example\nX-Loop: Support@example.org \n" },
	{ "our-address-with-a-name", "loop", .headers = "X-Loop: Support <support@example.org>\n" },
	{ "our-address-as-tag", "loop", .headers = "X-Loop: Support@Example.ORG\n" },
	{ "rt", "loop", .headers = "X-RT-Loop-Prevention: example\n" },
	{ "delivered-to-us", "loop", .headers = "Delivered-To: support@example.org\n" },
	{ "delivered-to-us-tagged", "loop", .headers =
	    "Delivered-To: <Support+a@example.org>\n", .rcpt = "support+b@example.org" },
	{ "delivered-to-our-domain", "loop", .headers =
	    "Delivered-To: team7@desk.example.org\n", .rcpt = "team7@desk.example.org" },
	{ "hops", "loop", .headers = "Received: a\nReceived: b\nReceived: c\nReceived: d\nReceived: e\nReceived: f\n" },
	{ "machine-answers-us", "precedence,loop", .headers = "In-Reply-To: " OUR_ID "\nPrecedence: bulk\n" },
	{ "machine-refers-to-us", "loop,auto-subject", .headers =
	    "References: <1@customer.example>\n " OUR_ID " <2@customer.example>\n",
	    .subject = "Automatic reply: outage" },
	{ "bounce-of-ours", "null-sender,loop", .headers = "References: " OUR_ID "\n", .sender = "" },
	{ "system-answers-us", "loop,system-sender", .headers =
	    "In-Reply-To: " OUR_ID "\n", .from = "noreply@customer.example" },
	{ "person-answers-us", "", .headers = "In-Reply-To: " OUR_ID "\nReferences: <1@customer.example> " OUR_ID "\n",
	    .subject = "Re: outage" },
	{ "exchange-person-answers-us", "", .headers = "In-Reply-To: " OUR_ID "\nX-Auto-Response-Suppress: OOF\n" },
	{ "suppressing-person-answers-us", "auto-response-suppress", .headers =
	    "X-Auto-Response-Suppress: All\nIn-Reply-To: " OUR_ID
	    "\n" },
	{ "machine-answers-others", "precedence", .headers =
	    "In-Reply-To: <outage-ack.1@customer.example>\nPrecedence: bulk\n" },
	{ "other-x-loop", "", .headers = "X-Loop: no\nX-Loop: jane@customer.example\nX-Loop: support@customer.example\n" },
	{ "alias-handed-it-on", "", .headers = "Delivered-To: helpdesk@example.org\nX-Loop: helpdesk@example.org\n" },
	{ "delivered-elsewhere-before", "", .headers = "Delivered-To: sales@example.org\n" },
	{ "hops-of-a-large-company", "", .headers = "Received: a\nReceived: b\nReceived: c\nReceived: d\nReceived: e\n" },
	{ "many-other-traces", "", .headers =
	    "X-Received: a\nX-Received: b\nX-Received: c\nX-Received: d\nX-Received: e\nX-Received: f\n" },
};

static const Case SPAM[] = {
	{ "flag", "spam", .headers = "X-Spam-Flag: YES\n" },
	{ "status", "spam", .headers = "X-Spam-Status: Yes, score=9.1 required=5.0\n" },
	{ "x-spam", "spam", .headers = "X-Spam: yes\n" },
	{ "barracuda", "spam", .headers = "X-Barracuda-Spam-Status: Yes\n" },
	{ "dspam", "spam", .headers = "X-DSPAM-Result: Spam\n" },
	{ "virus", "spam", .headers = "X-Virus-Status: Infected (Eicar)\n" },
	{ "second-instance", "spam", .headers = "X-Spam-Flag: NO\nX-Spam-Flag: YES\n" },
	{ "flag-no", "", .headers = "X-Spam-Flag: NO\n" },
	{ "status-no", "", .headers = "X-Spam-Status: No, score=1.0 tests=YES,SPAM\n" },
	{ "dspam-innocent", "", .headers = "X-DSPAM-Result: Innocent\n" },
	{ "virus-clean", "", .headers = "X-Virus-Status: Clean\nX-Virus-Scanned: yes\n" },
	{ "level", "", .headers = "X-Spam-Level: ****\nX-Spam-Score: 9.9\n" },
	{ "not-our-filter", "", .headers = "X-Other-Spam-Flag: YES\n" },
	{ "about-spam", "", .subject = "X-Spam-Flag: YES", .body = "Why is our mail marked as spam?\n" },
};

int main(int argc, char **argv)
{
	int status;

	g_test_init(&argc, &argv, NULL);
	text_init();
	add_table(REASON_AUTO_SUBMITTED, AUTO_SUBMITTED, G_N_ELEMENTS(AUTO_SUBMITTED));
	add_table(REASON_LIST_MAIL, LIST_MAIL, G_N_ELEMENTS(LIST_MAIL));
	add_table(REASON_PRECEDENCE, PRECEDENCE, G_N_ELEMENTS(PRECEDENCE));
	add_table(REASON_AUTO_RESPONSE_SUPPRESS, SUPPRESS, G_N_ELEMENTS(SUPPRESS));
	add_table(REASON_VENDOR_AUTO, VENDOR, G_N_ELEMENTS(VENDOR));
	add_table(REASON_LOOP, LOOP, G_N_ELEMENTS(LOOP));
	add_table(REASON_SPAM, SPAM, G_N_ELEMENTS(SPAM));
	status = g_test_run();
	text_shutdown();
	return status;
}
