/* test-received: the client is read from the trace of every common MTA, and never from what the client itself said. */
#include "mail/received.h"

#include <string.h>

#define END " by mx.example.org (x) with ESMTP id 1 for <support@example.org>; Sat, 21 Nov 2026 15:11:00 +0000 (UTC)"

/* expected: "client helo", "client" where no HELO name is known, NULL: nothing may be read from it. */
typedef struct {
	const char *name, *value, *expected;
} Case;

static const Case CASES[] = {
	{ "postfix", "from mail.a.example (mail.a.example [192.0.2.1])" END, "192.0.2.1 mail.a.example" },
	{ "postfix-unknown", "from mail.a.example (unknown [192.0.2.1])\n\t" END, "192.0.2.1 mail.a.example" },
	{ "postfix-ipv6", "from mail.a.example (mail.a.example [IPv6:2001:db8:0::1])" END, "2001:db8::1 mail.a.example" },
	{ "postfix-helo-literal", "from [10.0.0.5] (unknown [192.0.2.1])" END, "192.0.2.1 [10.0.0.5]" },
	{ "postfix-helo-ip", "from 10.0.0.5 (unknown [192.0.2.1])" END, "192.0.2.1 10.0.0.5" },
	{ "postfix-tls-and-login",
	    "from pc (host.a.example [192.0.2.1])\n\t(using TLSv1.3 with cipher X (256/256 bits)\n\t key-exchange X25519)\n\t"
	    "(Client CN \"pc [198.51.100.9]\", Issuer \"ca\" (not verified))\n\t(Authenticated sender: jane)" END,
	    "192.0.2.1 pc" },
	{ "sendmail", "from mail.a.example (mail.a.example [192.0.2.1]) by mx (8.18/8.18) with ESMTP id 1; x",
	    "192.0.2.1 mail.a.example" },
	{ "sendmail-no-name", "from mail.a.example ([192.0.2.1])" END, "192.0.2.1 mail.a.example" },
	{ "sendmail-may-be-forged", "from pc (a.example [192.0.2.1] (may be forged))" END, "192.0.2.1 pc" },
	{ "sendmail-ident", "from pc (IDENT:jane@a.example [192.0.2.1])" END, "192.0.2.1 pc" },
	{ "sendmail-ipv6-bare", "from pc ([2001:db8::1])" END, "2001:db8::1 pc" },
	{ "courier-mapped", "from pc (a.example [::ffff:192.0.2.1])" END, "192.0.2.1 pc" },
	{ "exim-name", "from mail.a.example ([192.0.2.1])" END, "192.0.2.1 mail.a.example" },
	{ "exim-name-helo", "from host.a.example ([192.0.2.1] helo=pc)" END, "192.0.2.1 pc" },
	{ "exim-name-port", "from host.a.example ([192.0.2.1]:25001 helo=[10.0.0.5] ident=jane)" END, "192.0.2.1 [10.0.0.5]" },
	{ "exim-no-name", "from [192.0.2.1] (helo=pc)" END, "192.0.2.1 pc" },
	{ "exim-no-name-port", "from [192.0.2.1] (port=25001 helo=[10.0.0.5] ident=[10.0.0.6])" END, "192.0.2.1 [10.0.0.5]" },
	{ "exim-no-name-port-behind", "from [192.0.2.1]:25001 (helo=pc)" END, "192.0.2.1 pc" },
	{ "exim-no-helo", "from [192.0.2.1] (ident=jane)" END, "192.0.2.1" },
	{ "exim-ipv6", "from [2001:db8::1] (port=1 helo=pc)" END, "2001:db8::1 pc" },
	{ "exim-ipv6-port", "from a.example ([2001:db8::1]:4711 helo=pc)" END, "2001:db8::1 pc" },
	{ "exchange", "from EX1.a.example (192.0.2.1) by EX2.example.org (10.0.0.2) with Microsoft SMTP Server (version=TLS1_2,"
	    " cipher=X) id 15.1; x", "192.0.2.1 EX1.a.example" },
	{ "exchange-ipv6", "from A.prod.example (2001:db8:20b:1::2)\n by B.prod.example (2001:db8::5) with SMTP; x",
	    "2001:db8:20b:1::2 A.prod.example" },
	{ "qmail", "from unknown (HELO pc) (192.0.2.1)\n  by mx.example.org with SMTP; x", "192.0.2.1 pc" },
	{ "qmail-helo-same", "from mail.a.example (192.0.2.1) by mx.example.org with SMTP; x", "192.0.2.1 mail.a.example" },
	{ "qmail-ident", "from a.example (HELO ?10.0.0.5?) (jane@192.0.2.1) by mx; x", "192.0.2.1 ?10.0.0.5?" },
	{ "ehlo-outside-too", "from 192.0.2.1 (EHLO pc) (192.0.2.1) by mx; x", "192.0.2.1 pc" },
	{ "google", "from mail.a.example (mail.a.example. [192.0.2.1])\n        by mx.google.com with ESMTPS id x\n"
	    "        for <support@example.org>\n        (version=TLS1_3 cipher=X bits=256/256); x", "192.0.2.1 mail.a.example" },
	{ "rfc-literal", "FROM [192.0.2.1] ([192.0.2.1]) BY mx.example.org; x", "192.0.2.1 [192.0.2.1]" },
	{ "rdns-looks-like-an-address", "from pc (10.0.0.5 [192.0.2.1])" END, "192.0.2.1 pc" },
	{ "no-date", "from pc (a.example [192.0.2.1]) by mx.example.org", "192.0.2.1 pc" },
	{ "nested-and-quoted-pairs", "from pc (a.example [192.0.2.1] (x \\( \\) ([198.51.100.9]) \\\\))" END, "192.0.2.1 pc" },
	{ "quoted-for", "from pc (a [192.0.2.1]) by mx for <\"by ( ;\"@example.org>; x", "192.0.2.1 pc" },
	{ "same-address-twice", "from pc ([192.0.2.1]) ([192.0.2.1])" END, "192.0.2.1 pc" },
	{ "one-address-in-two-forms", "from pc (::ffff:192.0.2.1) ([192.0.2.1])" END, "192.0.2.1 pc" },

	/* What says nothing of a client. */
	{ "empty", "", NULL },
	{ "by-only", "by 2001:db8::5 with SMTP id x; y", NULL },
	{ "pickup", "by mx.example.org (Postfix, from userid 1000) id 1; x", NULL },
	{ "local-user", "(from jane@localhost) by mx.example.org (8.18/8.18/Submit) id 1; x", NULL },
	{ "qmail-queue", "(qmail 123 invoked from network); 21 Nov 2026 15:11:00 -0000", NULL },
	{ "exim-local", "from jane by mx.example.org with local (Exim 4.96) id 1; x", NULL },
	{ "name-only", "from mail.a.example" END, NULL },
	{ "rdns-only", "from pc (mail.a.example)" END, NULL },
	{ "no-by", "from pc (a.example [192.0.2.1])", NULL },
	{ "no-name", "from (a.example [192.0.2.1])" END, NULL },
	{ "from-by", "from by mx (a.example [192.0.2.1])" END, NULL },
	{ "fromage", "fromage (a.example [192.0.2.1])" END, NULL },
	{ "not-an-address", "from pc (a.example [192.0.2.256])" END, NULL },
	{ "short-address", "from pc (a.example [192.0.2])" END, NULL },
	{ "ipv4-called-ipv6", "from pc (a.example [IPv6:192.0.2.1])" END, NULL },
	{ "zone", "from pc ([fe80::1%11])" END, NULL },
	{ "bracket-open", "from pc (a.example [192.0.2.1)" END, NULL },
	{ "port-is-no-number", "from pc (a.example [192.0.2.1]:x)" END, NULL },
	{ "quoted-bracket", "from pc (a.example \\[192.0.2.1])" END, NULL },
	{ "comment-open", "from pc (a.example [192.0.2.1]" END, NULL },
	{ "stray-close", "from pc) (a.example [192.0.2.1])" END, NULL },
	{ "by-in-comment", "from pc (a.example [192.0.2.1]) (by mx); x", NULL },

	/* What the client says of itself. */
	{ "helo-is-a-literal", "from [192.0.2.1]" END, NULL },
	{ "helo-is-a-literal-with-tls", "from [192.0.2.1] (using TLSv1.3 with cipher X)" END, NULL },
	{ "helo-is-a-literal-with-name", "from [192.0.2.1] (a.example)" END, NULL },
	{ "helo-word-and-literal", "from [192.0.2.1] (HELO pc)" END, NULL },
	{ "helo-literal-in-comment", "from [192.0.2.1] (HELO [10.0.0.5])" END, NULL },
	{ "login-and-helo-literal", "from [192.0.2.1] (account jane HELO [10.0.0.5])" END, NULL },
	{ "login-is-a-literal", "from pc (Authenticated sender: [192.0.2.1])" END, NULL },
	{ "ident-brings-a-literal", "from pc (x [10.0.0.5] a.example [192.0.2.1])" END, NULL },
	{ "ident-brings-an-address", "from pc (HELO pc) (x@10.0.0.5@192.0.2.1)" END, NULL },
	{ "rdns-is-a-literal", "from pc ([10.0.0.5] [192.0.2.1])" END, NULL },
	{ "rdns-is-helo", "from [10.0.0.5] (HELO [192.0.2.1] (may be forged))" END, NULL },
	{ "helo-brings-a-comment", "from ([10.0.0.5]) (a.example [192.0.2.1])" END, NULL },
	{ "helo-brings-a-comment-behind", "from pc ([10.0.0.5]) (a.example [192.0.2.1])" END, NULL },
	{ "helo-brings-exim", "from [10.0.0.5] (helo=pc) (a.example [192.0.2.1])" END, "192.0.2.1 pc" },
	{ "helo-brings-by", "from pc ([10.0.0.5]) by x (a.example [192.0.2.1])" END, NULL },
	{ "helo-brings-by-and-from", "from pc ([10.0.0.5]) by x from y (a.example [192.0.2.1])" END, NULL },
	{ "helo-brings-the-end", "from pc ([10.0.0.5]); (a.example [192.0.2.1])" END, NULL },
	{ "helo-opens-a-comment", "from pc( (a.example [192.0.2.1])" END, NULL },
	{ "helo-opens-a-quotation", "from \"pc (a.example [192.0.2.1])" END, NULL },
	{ "helo-quotes-the-comment", "from pc\\ (a.example [192.0.2.1])" END, NULL },
	{ "helo-is-two-words", "from pc [10.0.0.5] (a.example [192.0.2.1])" END, NULL },
	{ "helo-key-says-address", "from a.example (helo=[10.0.0.5])" END, NULL },
	{ "ident-key-says-address", "from a.example (ident=[10.0.0.5])" END, NULL },
	{ "two-clients", "from pc ([192.0.2.1]) ([192.0.2.2])" END, NULL },
	{ "two-clients-bare", "from pc (192.0.2.1) (192.0.2.2)" END, NULL },
};

static char *text_of(const Received *received)
{
	if (!received)
		return NULL;
	return received->helo ? g_strconcat(received->client, " ", received->helo, NULL) : g_strdup(received->client);
}

static void test_case(gconstpointer data)
{
	const Case *c = data;
	g_autoptr(Received) received = received_parse(c->value);
	g_autofree char *text = text_of(received);

	g_assert_cmpstr(text, ==, c->expected);
}

static void test_hostile_nesting_ends(void)
{
	g_autoptr(GString) value = g_string_new("from pc ");

	for (int i = 0; i < 5000; i++)
		g_string_append_c(value, '(');
	g_string_append(value, "[192.0.2.1]");
	for (int i = 0; i < 5000; i++)
		g_string_append_c(value, ')');
	g_string_append(value, END);
	g_assert_null(received_parse(value->str));
}

static bool is_relay(const char *ip, gconstpointer data)
{
	return g_strv_contains(data, ip);
}

/* expected: as above; fields: topmost first. */
typedef struct {
	const char *name;
	const char *fields[4];
	const char *expected;
} PathCase;

#define FROM(name, ip) "from " name " (" name " [" ip "])" END
#define OUTSIDE FROM("mail.a.example", "192.0.2.1")
#define FORGED FROM("evil.example", "198.51.100.9")

static const PathCase PATHS[] = {
	{ "first-hop-is-outside", { OUTSIDE, FORGED }, "192.0.2.1 mail.a.example" },
	{ "through-two-relays", { FROM("r1", "10.0.0.1"), FROM("r2", "2001:db8:0:0::25"), OUTSIDE, FORGED },
	    "192.0.2.1 mail.a.example" },
	{ "never-below-a-stranger", { FROM("x", "198.51.100.9"), FROM("r1", "10.0.0.1"), OUTSIDE }, "198.51.100.9 x" },
	{ "unreadable-above", { "by r1; x", OUTSIDE }, NULL },
	{ "unreadable-in-the-middle", { FROM("r1", "10.0.0.1"), "from x; y", OUTSIDE }, NULL },
	{ "relays-only", { FROM("r1", "10.0.0.1"), FROM("r1", "10.0.0.1") }, NULL },
	{ "none", { NULL }, NULL },
	{ "qmail-writes-two", { "(qmail 12 invoked from network); x", OUTSIDE }, "192.0.2.1 mail.a.example" },
	{ "qmail-from-a-user", { "(qmail 12 invoked by uid 1000); x", OUTSIDE }, NULL },
	{ "qmail-and-more", { "(qmail 12 invoked from network) by x; y", OUTSIDE }, NULL },
	{ "qmail-longer", { "(qmail 12 invoked from network again); x", OUTSIDE }, NULL },
};

static void test_path(gconstpointer data)
{
	static const char *const relays[] = { "10.0.0.1", "2001:db8::25", NULL };
	const PathCase *c = data;
	g_autoptr(Message) message = message_new(1024);
	g_autoptr(Received) received = NULL;
	g_autofree char *text = NULL;

	for (guint i = 0; i < G_N_ELEMENTS(c->fields) && c->fields[i]; i++) {
		message_add_header(message, "X-Received", FORGED);
		message_add_header(message, i % 2 ? "RECEIVED" : "Received", c->fields[i]);
	}
	received = received_outside(message, is_relay, relays);
	text = text_of(received);
	g_assert_cmpstr(text, ==, c->expected);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	for (guint i = 0; i < G_N_ELEMENTS(CASES); i++) {
		g_autofree char *path = g_strconcat("/received/reads/", CASES[i].name, NULL);

		g_test_add_data_func(path, &CASES[i], test_case);
	}
	for (guint i = 0; i < G_N_ELEMENTS(PATHS); i++) {
		g_autofree char *path = g_strconcat("/received/outside/", PATHS[i].name, NULL);

		g_test_add_data_func(path, &PATHS[i], test_path);
	}
	g_test_add_func("/received/hostile-nesting-ends", test_hostile_nesting_ends);
	return g_test_run();
}
