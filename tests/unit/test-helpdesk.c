/* test-helpdesk: for every helpdesk, the headers that it obeys: set where mail is routed, in its own words; taken away where a stranger wrote
 * them; its automatic reply kept back where ours is queued, and nowhere else. */
#include <string.h>

#include "config/helpdesks.h"
#include "mail/text.h"
#include "verdict-fixture.h"

/* Returns everything of the verdict's headers besides what tells of the mail for all helpdesks alike, as "Name: value" lines. */
static char *orders(const Verdict *verdict)
{
	static const char *const common[] = {
		"X-Outage-Incident", "X-Outage-Match", "X-Outage-Account", "X-Outage-Escalate", "X-Outage-Sensitive", "X-Outage-Tier",
		"X-Outage-Queue", "X-Outage-Respond-By", "X-Outage-Language", "X-Outage-QA", "X-Outage-Ack", NULL
	};
	GString *lines = g_string_new(NULL);

	for (guint i = 0; i < verdict->headers->len; i++) {
		const VerdictHeader *header = g_ptr_array_index(verdict->headers, i);

		g_assert_true(g_str_is_ascii(header->value));
		g_assert_null(strpbrk(header->value, "\r\n"));
		if (!g_strv_contains(common, header->name))
			g_string_append_printf(lines, "%s: %s\n", header->name, header->value);
	}
	return g_string_free(lines, FALSE);
}

/* A mail of a verified account with a manager and half an hour to answer; one of the flood; one of neither. */
#define ACCOUNT "{\"account\":\"Acme\",\"manager\":\"jane@shop.example\",\"respond_within\":\"30m\"}"
#define FLOOD AUTH HEAD "Subject: down\n\n"
#define OTHER AUTH HEAD "Subject: invoice\n\nplease resend it\n"

static const struct {
	const char *name;
	Helpdesk helpdesk;
	const char *account, *flood; /* orders on such a mail */
	const char *silence;         /* what stands behind them where our acknowledgement is queued */
} desks[] = {
	{ "none", HELPDESK_NONE, "", "", "" },
	{ "zammad", HELPDESK_ZAMMAD,
	  "X-Zammad-Ticket-Group: accounts\nX-Zammad-Ticket-Priority: 3 high\nX-Zammad-Ticket-Owner: jane@shop.example\n"
	  "X-Zammad-Ticket-Tags: outage\nX-Zammad-Ticket-outage_incident: default\n"
	  "X-Zammad-Ticket-outage_respond_by: 2026-11-21T15:40:00Z\n",
	  "X-Zammad-Ticket-Group: surge\nX-Zammad-Ticket-Priority: 2 normal\nX-Zammad-Ticket-Tags: outage\n"
	  "X-Zammad-Ticket-outage_incident: default\n",
	  "X-Zammad-Send-Auto-Response: false\n" },
	{ "otrs", HELPDESK_OTRS,
	  "X-OTRS-Queue: accounts\nX-OTRS-Priority: 5 very high\nX-OTRS-Owner: jane\nX-OTRS-DynamicField-OutageIncident: default\n"
	  "X-OTRS-DynamicField-OutageRespondBy: 2026-11-21 15:40:00\n",
	  "X-OTRS-Queue: surge\nX-OTRS-Priority: 3 normal\nX-OTRS-DynamicField-OutageIncident: default\n",
	  "X-OTRS-Loop: yes\n" },
	{ "otobo", HELPDESK_OTOBO,
	  "X-OTOBO-Queue: accounts\nX-OTOBO-Priority: 5 very high\nX-OTOBO-Owner: jane\nX-OTOBO-DynamicField-OutageIncident: default\n"
	  "X-OTOBO-DynamicField-OutageRespondBy: 2026-11-21 15:40:00\n",
	  "X-OTOBO-Queue: surge\nX-OTOBO-Priority: 3 normal\nX-OTOBO-DynamicField-OutageIncident: default\n",
	  "X-OTOBO-Loop: yes\n" },
	{ "rt", HELPDESK_RT,
	  "X-RT-Command: Queue: accounts\nX-RT-Command: Priority: 100\nX-RT-Command: Owner: jane@shop.example\n"
	  "X-RT-Command: Due: 2026-11-21 15:40:00 UTC\n",
	  "X-RT-Command: Queue: surge\nX-RT-Command: Priority: 50\n",
	  "Precedence: bulk\n" },
	{ "osticket", HELPDESK_OSTICKET, "X-Priority: 1\n", "X-Priority: 3\n", "X-Autoreply: yes\n" },
	{ "freescout", HELPDESK_FREESCOUT,
	  "X-Outage-Group: accounts\nX-Outage-Priority: urgent\nX-Outage-Owner: jane@shop.example\nX-Outage-Tags: outage\n",
	  "X-Outage-Group: surge\nX-Outage-Priority: normal\nX-Outage-Tags: outage\n",
	  "X-Autoreply: yes\n" },
	{ "chatwoot", HELPDESK_CHATWOOT, "", "", "" },
	{ "generic", HELPDESK_GENERIC,
	  "X-Outage-Group: accounts\nX-Outage-Priority: urgent\nX-Outage-Owner: jane@shop.example\nX-Outage-Tags: outage\n",
	  "X-Outage-Group: surge\nX-Outage-Priority: normal\nX-Outage-Tags: outage\n",
	  "" },
};

static Fixture *setup(Helpdesk helpdesk)
{
	Fixture *f = fixture_setup(WORD_P1);

	f->engine->config->helpdesk = helpdesk;
	return f;
}

/* Decides and folds; returns the orders. */
static char *orders_on(Fixture *f, const char *mail, ClaimAnswer answer)
{
	g_autoptr(Verdict) verdict = fixture_decide(f, mail);

	verdict_fold(verdict, &f->context, answer);
	return orders(verdict);
}

static void each_helpdesk_is_told_in_its_own_words(void)
{
	for (gsize i = 0; i < G_N_ELEMENTS(desks); i++) {
		Fixture *f = setup(desks[i].helpdesk);
		g_autofree char *flood = orders_on(f, FLOOD, CLAIM_ALREADY);
		g_autofree char *account = NULL;

		fixture_add_account(f, "customer.example", ACCOUNT);
		account = orders_on(f, FLOOD, CLAIM_WON);
		g_test_message("%s", desks[i].name);
		g_assert_cmpstr(flood, ==, desks[i].flood);
		g_assert_cmpstr(account, ==, desks[i].account);
		fixture_teardown(f);
	}
}

static void each_helpdesk_keeps_quiet_only_where_we_speak(void)
{
	static const ClaimAnswer others[] = { CLAIM_ALREADY, CLAIM_BOUNCED, CLAIM_RATE, CLAIM_PAUSED, CLAIM_ENDED, CLAIM_FULL, CLAIM_AWAY };

	for (gsize i = 0; i < G_N_ELEMENTS(desks); i++) {
		Fixture *f = setup(desks[i].helpdesk);
		g_autofree char *wanted = g_strconcat(desks[i].flood, desks[i].silence, NULL);
		g_autofree char *queued = orders_on(f, FLOOD, CLAIM_WON);

		g_test_message("%s", desks[i].name);
		g_assert_cmpstr(queued, ==, wanted);
		for (gsize j = 0; j < G_N_ELEMENTS(others); j++) {
			g_autofree char *not_queued = orders_on(f, FLOOD, others[j]);

			g_assert_cmpstr(not_queued, ==, desks[i].flood);
		}
		fixture_teardown(f);
	}
}

static void mail_that_nobody_sorted_is_left_to_the_helpdesk(void)
{
	for (gsize i = 0; i < G_N_ELEMENTS(desks); i++) {
		Fixture *f = setup(desks[i].helpdesk);
		g_autofree char *lines = orders_on(f, OTHER, CLAIM_AWAY);

		g_test_message("%s", desks[i].name);
		g_assert_cmpstr(lines, ==, "");
		fixture_teardown(f);
	}
}

static void shadow_orders_nothing_but_for_canaries(void)
{
	for (gsize i = 0; i < G_N_ELEMENTS(desks); i++) {
		Fixture *f = setup(desks[i].helpdesk);
		g_autofree char *wanted = g_strconcat(desks[i].flood, desks[i].silence, NULL);
		g_autofree char *shadow = NULL, *canary = NULL;

		f->engine->config->mode = MODE_SHADOW;
		shadow = orders_on(f, FLOOD, CLAIM_WON);
		g_strfreev(f->engine->config->canary);
		f->engine->config->canary = g_strsplit("@customer.example", ",", -1);
		canary = orders_on(f, FLOOD, CLAIM_WON);
		g_test_message("%s", desks[i].name);
		g_assert_cmpstr(shadow, ==, "");
		g_assert_cmpstr(canary, ==, wanted);
		fixture_teardown(f);
	}
}

/* Whatever a profile sets and is no standard name, nobody else may write. */
static void a_stranger_orders_nothing(void)
{
	static const struct {
		Helpdesk helpdesk;
		const char *forged, *kept; /* commas between them */
	} cases[] = {
		{ HELPDESK_NONE, "X-Outage-Queue", "X-Zammad-Ticket-Owner,X-OTRS-Queue,X-RT-Command" },
		{ HELPDESK_ZAMMAD, "x-zammad-ticket-owner,X-ZAMMAD-Ignore,X-Zammad-Article-Internal", "X-Zammadly,X-OTRS-Queue" },
		{ HELPDESK_OTRS, "X-OTRS-Queue,x-otrs-followup-state-keep,X-OTRS-Ignore", "X-OTOBO-Queue" },
		{ HELPDESK_OTOBO, "X-OTOBO-Queue,X-OTRS-Queue", "X-Zammad-Ignore" },
		{ HELPDESK_RT, "X-RT-Command,x-rt-command", "X-RT-Commands,X-RT-Original-Encoding" },
		{ HELPDESK_OSTICKET, "X-Outage-Priority", "X-Priority,X-MSMail-Priority" },
		{ HELPDESK_FREESCOUT, "X-Outage-Group", "X-FreeScout-Mail-Type" },
		{ HELPDESK_CHATWOOT, "X-Outage-Group", "X-Original-Sender" },
		{ HELPDESK_GENERIC, "X-Outage-Owner", "X-Priority" },
	};
	static const char *const standard[] = { "Auto-Submitted", "Precedence", "X-Autoreply", "Importance", "X-Priority", "List-Id",
		"X-Auto-Response-Suppress", "X-Loop" };

	for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
		Fixture *f = setup(cases[i].helpdesk);
		const Config *config = f->engine->config;
		g_auto(GStrv) forged = g_strsplit(cases[i].forged, ",", -1), kept = g_strsplit(cases[i].kept, ",", -1);

		for (char **name = forged; *name != NULL; name++) {
			g_test_message("%d %s", (int)cases[i].helpdesk, *name);
			g_assert_true(verdict_header_is_forged(config, *name, true));
			g_assert_cmpint(verdict_header_is_forged(config, *name, false), ==, g_str_has_prefix(*name, "X-Outage-"));
		}
		for (char **name = kept; *name != NULL; name++)
			g_assert_false(verdict_header_is_forged(config, *name, true));
		for (gsize j = 0; j < G_N_ELEMENTS(standard); j++)
			g_assert_false(verdict_header_is_forged(config, standard[j], true));
		fixture_teardown(f);
	}
}

/* The site's names: the queue's, the priority's, the owner's; what they may hold; what the route itself says. */
static const struct {
	const char *name;
	const char *settings;        /* lines of the file */
	const char *orders;          /* on a mail of the flood, by a verified account */
} sites[] = {
	{ "names-of-the-site",
	  "helpdesk = \"zammad\"; helpdesk_priority = { high = \"hoch\"; };\n"
	  "routes = ( { when = { match = true; }; queue = \"surge\"; group = \"Outage\"; priority = \"high\"; owner = \"lead@shop.example\"; } );",
	  "X-Zammad-Ticket-Group: Outage\nX-Zammad-Ticket-Priority: hoch\nX-Zammad-Ticket-Owner: lead@shop.example\n" },
	{ "by-severity", "helpdesk = \"osticket\"; routes = ( { when = { match = true; }; queue = \"surge\"; } );", "X-Priority: 2\n" },
	{ "left-alone",
	  "helpdesk = \"rt\"; helpdesk_owner = \"none\";\n"
	  "routes = ( { when = { match = true; }; queue = \"surge\"; group = \"\"; priority = \"none\"; } );",
	  "X-RT-Command: Due: 2026-11-21 15:40:00 UTC\n" },
	{ "manager-as-login",
	  "helpdesk = \"zammad\"; helpdesk_owner = \"login\"; routes = ( { queue = \"all\"; owner = \"\"; priority = \"low\"; } );",
	  "X-Zammad-Ticket-Priority: 1 low\nX-Zammad-Ticket-Owner: jane\n" },
	{ "manager-as-address",
	  "helpdesk = \"otrs\"; helpdesk_owner = \"address\"; routes = ( { queue = \"all\"; group = \"All\"; } );",
	  "X-OTRS-Queue: All\nX-OTRS-Owner: jane@shop.example\n" },
	/* RFC 2047: pieces of at most 75 characters, cut between letters. */
	{ "other-scripts",
	  "helpdesk = \"otrs\"; helpdesk_owner = \"none\";\n"
	  "routes = ( { queue = \"q\"; group = \"B\u00fcro\"; owner = \"\u041f\u043e\u0434\u0434\u0435\u0440\u0436\u043a\u0430 "
	  "\u043a\u043b\u0438\u0435\u043d\u0442\u043e\u0432 "
	  "\u0438 \u043f\u0430\u0440\u0442\u043d\u0435\u0440\u043e\u0432\"; headers = ( { name = \"X-OTRS-Type\"; value = \"St\u00f6rung\"; } ); } );",
	  "X-OTRS-Queue: =?UTF-8?B?QsO8cm8=?=\n"
	  "X-OTRS-Owner: =?UTF-8?B?0J/QvtC00LTQtdGA0LbQutCwINC60LvQuNC10L3RgtC+0LIg0Lgg0L/QsNGA?= =?UTF-8?B?0YLQvdC10YDQvtCy?=\n"
	  "X-OTRS-Type: =?UTF-8?B?U3TDtnJ1bmc=?=\n" },
	{ "taken-for-an-encoded-word",
	  "helpdesk = \"rt\"; helpdesk_owner = \"none\"; rt_header = \"X-Outage-RT-Command\";\n"
	  "routes = ( { queue = \"q\"; group = \"=?us-ascii?Q?a?=\"; } );",
	  "X-Outage-RT-Command: Queue: =?UTF-8?B?PT91cy1hc2NpaT9RP2E/PQ==?=\nX-Outage-RT-Command: Due: 2026-11-21 15:40:00 UTC\n" },
	{ "the-route-itself-goes-before",
	  "helpdesk = \"rt\"; helpdesk_owner = \"none\";\n"
	  "routes = ( { when = { match = true; }; queue = \"surge\"; headers = ( { name = \"x-rt-command\"; value = \"priority: 7\"; },\n"
	  "{ name = \"X-RT-Command\"; value = \"AddCc: lead@shop.example\"; } ); } );",
	  "X-RT-Command: Queue: surge\nX-RT-Command: Due: 2026-11-21 15:40:00 UTC\nx-rt-command: priority: 7\n"
	  "X-RT-Command: AddCc: lead@shop.example\n" },
	{ "headers-alone", "routes = ( { queue = \"q\"; headers = ( { name = \"X-Zammad-Ticket-Group\"; value = \"Outage\"; } ); } );",
	  "X-Zammad-Ticket-Group: Outage\n" },
};

static Config *read_settings(const char *text, GPtrArray *mistakes)
{
	return config_load_text("/nowhere/outage-milter.conf", text, strlen(text), mistakes);
}

/* Puts what the helpdesk is told by from in place of the fixture's. */
static void take_settings(Config *config, Config *from)
{
	g_autofree Route **routes = config->routes;
	int helpdesk = config->helpdesk, owner = config->helpdesk_owner;

	config->routes = from->routes;
	from->routes = g_steal_pointer(&routes);
	config->helpdesk = from->helpdesk;
	from->helpdesk = helpdesk;
	config->helpdesk_owner = from->helpdesk_owner;
	from->helpdesk_owner = owner;
	for (Priority priority = PRIORITY_AUTO; priority < PRIORITIES; priority++) {
		g_free(config->helpdesk_priority[priority]);
		config->helpdesk_priority[priority] = g_strdup(from->helpdesk_priority[priority]);
	}
	g_free(config->rt_header);
	config->rt_header = g_strdup(from->rt_header);
}

static void a_site_gives_its_own_names(void)
{
	g_autoptr(GRegex) others = g_regex_new("X-(Zammad|OTRS)[^\\n]*([Tt]ags|utage_?[IiRr])[^\\n]*\\n", 0, 0, NULL);

	for (gsize i = 0; i < G_N_ELEMENTS(sites); i++) {
		Fixture *f = setup(HELPDESK_NONE);
		g_autoptr(GPtrArray) mistakes = g_ptr_array_new_with_free_func(g_free);
		g_autoptr(Config) config = read_settings(sites[i].settings, mistakes);
		g_autofree char *lines = NULL, *silent = NULL;

		g_test_message("%s%s%s", sites[i].name, mistakes->len > 0 ? ": " : "", mistakes->len > 0 ? (char *)mistakes->pdata[0] : "");
		g_assert_cmpuint(mistakes->len, ==, 0);
		take_settings(f->engine->config, config);
		fixture_add_account(f, "customer.example", ACCOUNT);
		lines = orders_on(f, FLOOD, CLAIM_ALREADY);
		/* Tags, the incident and the answer time are the table above's. */
		silent = g_regex_replace_literal(others, lines, -1, 0, "", 0, NULL);
		g_assert_cmpstr(silent, ==, sites[i].orders);
		fixture_teardown(f);
	}
}

/* Who merely writes under an account's name does not get its manager. */
static void an_unverified_sender_gets_no_owner(void)
{
	Fixture *f = setup(HELPDESK_ZAMMAD);
	g_autofree char *lines = NULL;

	fixture_add_account(f, "customer.example", ACCOUNT);
	lines = orders_on(f, HEAD "Subject: down\n\n", CLAIM_AWAY);
	g_assert_nonnull(strstr(lines, "X-Zammad-Ticket-Group: surge\n"));
	g_assert_null(strstr(lines, "Owner"));
	fixture_teardown(f);
}

static void tags_name_incident_and_classes(void)
{
	Fixture *f = fixture_setup(WORD_NONE);
	g_autofree char *lines = NULL;

	fixture_add_incident(f, "payments", WORD_P3);
	f->engine->config->helpdesk = HELPDESK_GENERIC;
	lines = orders_on(f, AUTH HEAD "Subject: down\n\nour lawyers will write\n", CLAIM_AWAY);
	g_assert_cmpstr(lines, ==, "X-Outage-Group: escalations\nX-Outage-Priority: urgent\nX-Outage-Tags: outage,outage-payments,legal\n");
	fixture_teardown(f);
}

/* What would make the helpdesk misread or lose mail is refused where it is written. */
static void a_harmful_setting_is_refused(void)
{
	static const struct {
		const char *settings, *mistake;
	} cases[] = {
		{ "helpdesk = \"chatwoot\";\nroutes = ( { queue = \"q\"; headers = ( { name = \"x-autoreply\"; value = \"yes\"; } ); } );\n",
		  ":2: routes.headers: the helpdesk would throw mail with x-autoreply away" },
		{ "routes = ( { queue = \"q\"; headers = ( { name = \"Auto-Submitted\"; value = \"auto-generated\"; } ); } );\n",
		  ":1: routes.headers.name: \"Auto-Submitted\" is a header that mail itself stands on and cannot be used here" },
		{ "routes = ( { queue = \"q\"; headers = ( { name = \"X-Outage-RT-Command\"; value = \"Queue: q\"; } ); } );\n"
		  "rt_header = \"X-Outage-RT-Command\";\n",
		  ":1: routes.headers: X-Outage-RT-Command is one of our own headers" },
		{ "routes = ( { queue = \"q\"; group = \"a\\r\\nBcc: x@example.net\"; } );\n", ":1: routes.group: the text has control characters" },
		{ "routes = ( { queue = \"q\"; priority = \"3 high\"; } );\n",
		  ":1: routes.priority: \"3 high\" is none of auto, none, low, normal, high, urgent" },
		{ "rt_header = \"Subject\";\n", ":1: rt_header: \"Subject\" is a header that mail itself stands on and cannot be used here" },
	};

	for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
		g_autoptr(GPtrArray) mistakes = g_ptr_array_new_with_free_func(g_free);
		g_autoptr(Config) config = read_settings(cases[i].settings, mistakes);

		g_assert_cmpuint(mistakes->len, ==, 1);
		g_assert_true(g_str_has_suffix(mistakes->pdata[0], cases[i].mistake));
	}
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	text_init();
	g_test_add_func("/helpdesk/each-is-told-in-its-own-words", each_helpdesk_is_told_in_its_own_words);
	g_test_add_func("/helpdesk/each-keeps-quiet-only-where-we-speak", each_helpdesk_keeps_quiet_only_where_we_speak);
	g_test_add_func("/helpdesk/mail-that-nobody-sorted-is-left-to-it", mail_that_nobody_sorted_is_left_to_the_helpdesk);
	g_test_add_func("/helpdesk/shadow-orders-nothing-but-for-canaries", shadow_orders_nothing_but_for_canaries);
	g_test_add_func("/helpdesk/a-stranger-orders-nothing", a_stranger_orders_nothing);
	g_test_add_func("/helpdesk/a-site-gives-its-own-names", a_site_gives_its_own_names);
	g_test_add_func("/helpdesk/an-unverified-sender-gets-no-owner", an_unverified_sender_gets_no_owner);
	g_test_add_func("/helpdesk/tags-name-incident-and-classes", tags_name_incident_and_classes);
	g_test_add_func("/helpdesk/a-harmful-setting-is-refused", a_harmful_setting_is_refused);
	return g_test_run();
}
