/* test-authentic: who vouches for sender and From, that no forged word does, and when SPF still has to be asked. */
#include "inspect/authentic.h"

#include <string.h>

#define ANN "a@example.net"
#define MX "mx.example.org; "
#define CLIENT "203.0.113.7"
#define RELAY "192.0.2.1"
#define BY_OUR_RELAY "from mail.example.net (mail.example.net [203.0.113.7]) by relay.example.org; today"

/* results: the Authentication-Results as they stand in the mail, topmost first. from: NULL = a From of several
 * addresses. */
typedef struct {
	const char *name;
	const char *sender, *from;
	const char *results[4];
	const char *expected; /* who vouches for the sender/for From; "unseen": no header that counts could be read */
} JudgeCase;

static const JudgeCase JUDGED[] = {
	{ "spf-address", ANN, ANN, { MX "spf=pass smtp.mailfrom=a@example.net" }, "spf/spf" },
	{ "spf-domain", ANN, ANN, { MX "spf=pass smtp.mailfrom=example.net" }, "spf/spf" },
	{ "spf-at-domain", ANN, ANN, { MX "spf=pass smtp.mailfrom=@example.net" }, "spf/spf" },
	{ "spf-case", "Ann@Example.NET", "Ann@Example.NET", { MX "SPF=Pass SMTP.MailFrom=ann@EXAMPLE.net" }, "spf/spf" },
	{ "spf-quoted-local", "\"a b\"@example.net", "a@example.net", { MX "spf=pass smtp.mailfrom=\"a b\"@example.net" },
	    "spf/spf" },
	{ "spf-other-address", ANN, ANN, { MX "spf=pass smtp.mailfrom=b@example.net" }, "no/no" },
	{ "spf-parent-domain", "a@mail.example.net", "a@example.net", { MX "spf=pass smtp.mailfrom=example.net" },
	    "no/no" },
	{ "spf-helo-only", ANN, ANN, { MX "spf=pass smtp.helo=example.net" }, "no/no" },
	{ "spf-softfail", ANN, ANN, { MX "spf=softfail smtp.mailfrom=a@example.net" }, "no/no" },
	{ "spf-aligned-subdomain", "b@bounce.example.net", "a@example.net",
	    { MX "spf=pass smtp.mailfrom=b@bounce.example.net" }, "spf/spf" },
	{ "spf-not-aligned-with-from", "a@example.net", "ceo@bigcorp.com", { MX "spf=pass smtp.mailfrom=a@example.net" },
	    "spf/no" },
	{ "spf-null-sender", "", "a@example.net", { MX "spf=pass smtp.mailfrom=example.net" }, "no/no" },
	{ "spf-result-in-comment", ANN, ANN, { MX "spf=fail (spf=pass smtp.mailfrom=a@example.net)" }, "no/no" },
	{ "dkim-same", ANN, ANN, { MX "dkim=pass header.d=example.net" }, "dkim/dkim" },
	{ "dkim-identity", ANN, ANN, { MX "dkim=pass header.i=@mail.example.net" }, "dkim/dkim" },
	{ "dkim-d-outranks-i", ANN, ANN, { MX "dkim=pass header.d=esp.example header.i=@example.net" }, "no/no" },
	{ "dkim-parent", "a@mail.example.co.uk", "a@example.co.uk", { MX "dkim=pass header.d=example.co.uk" },
	    "no/dkim" },
	/* Whoever has a mailbox at a provider must not have another customer of it answered. */
	{ "dkim-neighbour", "victim@example.net", "a@example.net", { MX "dkim=pass header.d=example.net" }, "no/dkim" },
	{ "dmarc-neighbour", "victim@example.net", "a@example.net", { MX "dmarc=pass header.from=example.net" }, "no/dmarc" },
	{ "dkim-public-suffix", "a@example.co.uk", "a@example.co.uk", { MX "dkim=pass header.d=other.co.uk" }, "no/no" },
	{ "dkim-suffix-itself", "a@example.co.uk", "a@example.co.uk", { MX "dkim=pass header.d=co.uk" }, "no/no" },
	{ "dkim-esp", "b@esp.example", "a@example.net", { MX "dkim=pass header.d=example.net" }, "no/dkim" },
	{ "dkim-second-signature", ANN, ANN, { MX "dkim=pass header.d=esp.example; dkim=pass header.d=example.net" },
	    "dkim/dkim" },
	{ "dkim-fail", ANN, ANN, { MX "dkim=fail header.d=example.net" }, "no/no" },
	{ "dkim-suffix-of-name", ANN, ANN, { MX "dkim=pass header.d=notexample.net" }, "no/no" },
	{ "dmarc", ANN, ANN, { MX "dmarc=pass header.from=example.net" }, "dmarc/dmarc" },
	{ "dmarc-without-from", ANN, ANN, { MX "dmarc=pass" }, "no/no" },
	{ "dmarc-other-from", ANN, ANN, { MX "dmarc=pass header.from=example.com" }, "no/no" },
	{ "dmarc-sender-elsewhere", "victim@example.com", "a@example.net", { MX "dmarc=pass header.from=example.net" },
	    "no/dmarc" },
	{ "dmarc-ambiguous-from", "a@example.net", NULL, { MX "dmarc=pass header.from=example.net" }, "no/no" },
	{ "dmarc-null-sender", "", "a@example.net", { MX "dmarc=pass header.from=example.net" }, "no/dmarc" },
	{ "all-three", ANN, ANN,
	    { MX "dkim=pass header.d=example.net; dmarc=pass header.from=example.net; spf=pass "
	        "smtp.mailfrom=a@example.net" },
	    "dmarc/dmarc" },
	{ "dkim-and-dmarc", ANN, ANN, { MX "dkim=pass header.d=example.net; dmarc=pass header.from=example.net" },
	    "dmarc/dmarc" },
	{ "dkim-and-spf", ANN, ANN, { MX "dkim=pass header.d=example.net; spf=pass smtp.mailfrom=a@example.net" },
	    "dkim/dkim" },
	{ "idn", "a@b\xc3\xbc" "cher.example", "a@xn--bcher-kva.example",
	    { MX "dkim=pass header.d=xn--bcher-kva.example" }, "dkim/dkim" },
	{ "forged-below", ANN, ANN, { MX "spf=fail smtp.mailfrom=a@example.net",
	    MX "spf=pass smtp.mailfrom=a@example.net" }, "no/no" },
	{ "forged-above-of-another-id", ANN, ANN, { "evil.example; spf=pass smtp.mailfrom=a@example.net",
	    MX "spf=fail smtp.mailfrom=a@example.net" }, "no/no" },
	{ "another-id-above", ANN, ANN, { "hop.example; spf=fail smtp.mailfrom=a@example.net",
	    MX "spf=pass smtp.mailfrom=a@example.net" }, "spf/spf" },
	{ "forged-below-unreadable", ANN, ANN, { MX "spf=fail (", MX "spf=pass smtp.mailfrom=a@example.net" },
	    "unseen" },
	{ "forged-below-none", ANN, ANN, { MX "none", MX "spf=pass smtp.mailfrom=a@example.net" }, "no/no" },
	{ "two-trusted-ids", ANN, ANN, { MX "spf=none smtp.mailfrom=a@example.net",
	    "dkim.example.org; dkim=pass header.d=example.net" }, "dkim/dkim" },
	{ "id-case", ANN, ANN, { "MX.EXAMPLE.org 1; spf=pass smtp.mailfrom=a@example.net" }, "spf/spf" },
	{ "id-longer", ANN, ANN, { "mx.example.org.evil.example; spf=pass smtp.mailfrom=a@example.net" }, "unseen" },
	{ "untrusted-only", ANN, ANN, { "evil.example; dmarc=pass header.from=example.net" }, "unseen" },
	{ "policy-is-no-pass", ANN, ANN, { MX "dkim=policy header.d=example.net; spf=policy smtp.mailfrom=a@example.net" }, "no/no" },
	{ "bestguesspass-is-no-pass", ANN, ANN, { MX "dmarc=bestguesspass header.from=example.net" }, "no/no" },
	{ "other-method", ANN, ANN, { MX "iprev=pass smtp.mailfrom=a@example.net; arc=pass header.d=example.net" }, "no/no" },
	{ "dkim-domain-quoted", ANN, ANN, { MX "dkim=pass header.d=\"Example.NET\"" }, "dkim/dkim" },
	{ "spf-pass-for-helo-fail-for-sender", ANN, ANN,
	    { MX "spf=pass smtp.helo=example.net; spf=fail smtp.mailfrom=a@example.net" }, "no/no" },
	{ "dmarc-from-as-address", ANN, ANN, { MX "dmarc=pass header.from=a@example.net" }, "dmarc/dmarc" },
	{ "dmarc-of-a-parent", "a@mail.example.net", "a@mail.example.net", { MX "dmarc=pass header.from=example.net" }, "no/no" },
	{ "auth", ANN, ANN, { MX "auth=pass (plain) smtp.auth=A@Example.net" }, "auth/auth" },
	{ "auth-fail", ANN, ANN, { MX "auth=fail smtp.auth=a@example.net" }, "no/no" },
	{ "auth-of-another", ANN, ANN, { MX "auth=pass smtp.auth=b@example.net" }, "no/no" },
	{ "auth-bare-name", "a@users.example", "a@users.example", { MX "auth=pass smtp.auth=a" }, "auth/auth" },
	{ "auth-bare-name-elsewhere", ANN, ANN, { MX "auth=pass smtp.auth=a" }, "no/no" },
	{ "auth-without-a-name", ANN, ANN, { MX "auth=pass" }, "no/no" },
	{ "no-header", ANN, ANN, { NULL }, "unseen" },
};

static const char *const TRUSTED[] = { "mx.example.org", "dkim.example.org", NULL };
static const char *const USERS[] = { "users.example", NULL };

static bool is_relay(const char *ip, gconstpointer data)
{
	return g_strv_contains(data, ip);
}

static const char *const RELAYS[] = { RELAY, "2001:db8::25", "10.0.0.1", NULL };
static const AuthenticSettings SETTINGS = {
	.trusted_ids = TRUSTED,
	.submission_domains = USERS,
	.is_relay = is_relay,
	.data = RELAYS,
};

static void add_from(Message *message, const char *from)
{
	message_add_header(message, "From", from ? from : "a@example.net, b@example.net");
}

static Message *message_of(const JudgeCase *c)
{
	Message *message = message_new(1024);

	message_set_sender(message, c->sender);
	for (guint i = 0; i < G_N_ELEMENTS(c->results) && c->results[i]; i++)
		message_add_header(message, "Authentication-Results", c->results[i]);
	add_from(message, c->from);
	return message;
}

static char *found(const Authentic *authentic)
{
	return g_strconcat(verified_name(authentic->sender), "/", verified_name(authentic->from), NULL);
}

static void test_judges(gconstpointer data)
{
	const JudgeCase *c = data;
	g_autoptr(Message) message = message_of(c);
	g_auto(Authentic) authentic = { 0 };
	g_autofree char *names = NULL;

	authentic_judge(&authentic, &SETTINGS, message, c->from, NULL);
	names = authentic.header_seen ? found(&authentic) : g_strdup("unseen");
	g_assert_cmpstr(names, ==, c->expected);
	g_assert_true(authentic.header_seen || (authentic.sender == VERIFIED_NO && authentic.from == VERIFIED_NO));
}

/* The same headers where the border filter removes every one that it did not write, so that all of them are ours. */
static const JudgeCase ALL_OURS[] = {
	{ "spf-and-dkim-filters", ANN, ANN, { MX "dkim=pass header.d=example.net", MX "spf=pass smtp.mailfrom=a@example.net" },
	    "dkim/dkim" },
	{ "one-passes", ANN, ANN, { MX "spf=fail smtp.mailfrom=a@example.net", MX "spf=pass smtp.mailfrom=a@example.net" },
	    "spf/spf" },
	{ "one-unreadable", ANN, ANN, { MX "spf=fail (", MX "dmarc=pass header.from=example.net" }, "dmarc/dmarc" },
	{ "none-and-more", ANN, ANN, { MX "none", MX "spf=pass smtp.mailfrom=a@example.net" }, "spf/spf" },
	{ "strangers-between", ANN, ANN, { MX "none", "evil.example; dmarc=pass header.from=example.net",
	    MX "dkim=fail header.d=example.net" }, "no/no" },
};

static void test_judges_all_instances(gconstpointer data)
{
	const JudgeCase *c = data;
	AuthenticSettings settings = SETTINGS;
	g_autoptr(Message) message = message_of(c);
	g_auto(Authentic) authentic = { 0 };
	g_autofree char *names = NULL;

	settings.all_instances = true;
	authentic_judge(&authentic, &settings, message, c->from, NULL);
	names = found(&authentic);
	g_assert_cmpstr(names, ==, c->expected);
}

/* What is NULL is as in a mail that a@example.net sent from CLIENT. */
typedef struct {
	const char *name;
	const char *sender, *from;
	const char *client;      /* "-": unknown */
	const char *login;
	const char *received[3]; /* topmost first */
	const char *results;
	const char *question;    /* "client helo sender", "policy sender" or "" */
	SpfAnswer answer;
	const char *expected;    /* with the answer, if there was a question: who vouches for the sender/for From */
} AskCase;

#define PASS { SPF_PASS, false }
#define BROAD_PASS { SPF_PASS, true }
#define ASKED CLIENT " mail.example.net " ANN

static const AskCase ASKED_CASES[] = {
	{ "pass", .question = ASKED, .answer = PASS, .expected = "spf/spf" },
	{ "pass-of-everybody", .question = ASKED, .answer = BROAD_PASS, .expected = "no/no" },
	{ "fail", .question = ASKED, .answer = { SPF_FAIL, false }, .expected = "no/no" },
	{ "softfail", .question = ASKED, .answer = { SPF_SOFTFAIL, false }, .expected = "no/no" },
	{ "neutral", .question = ASKED, .answer = { SPF_NEUTRAL, false }, .expected = "no/no" },
	{ "none", .question = ASKED, .answer = { SPF_NONE, false }, .expected = "no/no" },
	{ "temperror", .question = ASKED, .answer = { SPF_TEMPERROR, false }, .expected = "no/no" },
	{ "permerror", .question = ASKED, .answer = { SPF_PERMERROR, false }, .expected = "no/no" },
	{ "nobody-answered", .question = ASKED, .answer = { SPF_UNASKED, false }, .expected = "no/no" },
	{ "other-from", .from = "ceo@bigcorp.com", .question = ASKED, .answer = PASS, .expected = "spf/no" },
	{ "aligned-from", .from = "b@mail.example.net", .question = ASKED, .answer = PASS, .expected = "spf/spf" },
	{ "capitals", .sender = "Ann@Example.NET", .question = CLIENT " mail.example.net ann@example.net", .answer = PASS,
	    .expected = "spf/spf" },
	{ "idn", .sender = "a@b\xc3\xbc" "cher.example", .from = "a@xn--bcher-kva.example",
	    .question = CLIENT " mail.example.net a@xn--bcher-kva.example", .answer = PASS, .expected = "spf/spf" },
	{ "ipv6-client", .client = "2001:db8::7", .question = "2001:db8::7 mail.example.net " ANN, .answer = PASS,
	    .expected = "spf/spf" },

	{ "null-sender", .sender = "", .question = "", .answer = PASS, .expected = "no/no" },
	{ "unusable-sender", .sender = "a@", .question = "", .answer = PASS, .expected = "no/no" },
	{ "unknown-client", .client = "-", .question = "", .answer = PASS, .expected = "no/no" },
	{ "client-is-no-ip", .client = "unknown", .question = "", .answer = PASS, .expected = "no/no" },
	{ "loopback", .client = "127.0.0.1", .question = "", .answer = PASS, .expected = "no/no" },
	{ "loopback-net", .client = "127.8.9.10", .question = "", .answer = PASS, .expected = "no/no" },
	{ "loopback-6", .client = "::1", .question = "", .answer = PASS, .expected = "no/no" },
	{ "loopback-mapped", .client = "::ffff:127.0.0.1", .question = "", .answer = PASS, .expected = "no/no" },

	{ "header-fail-settles", .results = MX "spf=fail smtp.mailfrom=a@example.net", .question = "", .answer = PASS,
	    .expected = "no/no" },
	{ "header-none-settles", .results = MX "spf=none smtp.mailfrom=example.net", .question = "", .answer = PASS,
	    .expected = "no/no" },
	{ "header-permerror-settles", .results = MX "spf=permerror smtp.mailfrom=a@example.net", .question = "", .answer = PASS,
	    .expected = "no/no" },
	{ "header-temperror-does-not", .results = MX "spf=temperror smtp.mailfrom=a@example.net", .question = ASKED, .answer = PASS,
	    .expected = "spf/spf" },
	{ "header-of-helo-does-not", .results = MX "spf=fail smtp.helo=mail.example.net", .question = ASKED, .answer = PASS,
	    .expected = "spf/spf" },
	{ "header-of-another-sender-does-not", .results = MX "spf=fail smtp.mailfrom=b@example.com", .question = ASKED,
	    .answer = PASS, .expected = "spf/spf" },
	{ "stranger's-header-does-not", .results = "evil.example; spf=fail smtp.mailfrom=a@example.net", .question = ASKED,
	    .answer = PASS, .expected = "spf/spf" },

	{ "header-pass-narrow", .results = MX "spf=pass smtp.mailfrom=a@example.net", .question = "policy " ANN,
	    .answer = { SPF_NONE, false }, .expected = "spf/spf" },
	{ "header-pass-of-everybody", .results = MX "spf=pass smtp.mailfrom=a@example.net", .question = "policy " ANN,
	    .answer = { SPF_NONE, true }, .expected = "no/no" },
	{ "header-pass-and-no-dns", .results = MX "spf=pass smtp.mailfrom=a@example.net", .question = "policy " ANN,
	    .answer = { SPF_TEMPERROR, false }, .expected = "spf/spf" },
	{ "header-pass-behind-a-filter", .client = "127.0.0.1", .results = MX "spf=pass smtp.mailfrom=a@example.net",
	    .question = "policy " ANN, .answer = { SPF_NONE, true }, .expected = "no/no" },
	{ "header-pass-from-dkim", .from = "b@example.net",
	    .results = MX "spf=pass smtp.mailfrom=a@example.net; dkim=pass header.d=example.net", .question = "policy " ANN,
	    .answer = { SPF_NONE, true }, .expected = "no/dkim" },
	{ "header-pass-other-from", .from = "ceo@bigcorp.com", .results = MX "spf=pass smtp.mailfrom=a@example.net",
	    .question = "policy " ANN, .answer = { SPF_NONE, true }, .expected = "no/no" },
	{ "header-pass-and-dkim", .results = MX "spf=pass smtp.mailfrom=a@example.net; dkim=pass header.d=example.net",
	    .question = "", .answer = BROAD_PASS, .expected = "dkim/dkim" },
	{ "dkim-of-the-sender", .results = MX "dkim=pass header.d=example.net", .question = "", .answer = PASS,
	    .expected = "dkim/dkim" },
	{ "dkim-of-from-only", .from = "b@example.net", .results = MX "dkim=pass header.d=example.net", .question = ASKED,
	    .answer = PASS, .expected = "spf/dkim" },

	{ "login", .login = "a@example.net", .question = "", .answer = BROAD_PASS, .expected = "auth/auth" },
	{ "login-other-from", .login = "a@example.net", .from = "b@example.net", .question = "", .answer = PASS,
	    .expected = "auth/no" },
	{ "login-of-another", .login = "b@example.net", .question = "", .answer = PASS, .expected = "no/no" },
	{ "login-bare-name", .login = "A", .sender = "a@users.example", .from = "a@users.example", .question = "", .answer = PASS,
	    .expected = "auth/auth" },
	{ "login-bare-name-elsewhere", .login = "a", .question = "", .answer = PASS, .expected = "no/no" },
	{ "login-bare-name-of-another", .login = "b", .sender = "a@users.example", .question = "", .answer = PASS,
	    .expected = "no/no" },
	{ "login-in-a-subdomain", .login = "a", .sender = "a@mail.users.example", .question = "", .answer = PASS,
	    .expected = "no/no" },
	{ "login-writes-headers-of-its-own", .login = "b@example.net",
	    .results = MX "spf=pass smtp.mailfrom=a@example.net; dmarc=pass header.from=example.net; auth=pass smtp.auth=a@example.net",
	    .question = "", .answer = PASS, .expected = "no/no" },
	{ "relay-logs-in-with-its-header", .client = RELAY, .login = "relay", .results = MX "dmarc=pass header.from=example.net",
	    .question = "", .answer = PASS, .expected = "dmarc/dmarc" },
	{ "login-empty", .login = "", .question = ASKED, .answer = PASS, .expected = "spf/spf" },
	{ "login-null-sender", .login = "a@example.net", .sender = "", .question = "", .answer = PASS, .expected = "no/no" },
	{ "login-told-by-header", .results = MX "auth=pass smtp.auth=b@example.net", .question = "", .answer = PASS,
	    .expected = "no/no" },

	{ "relay", .client = RELAY, .received = { BY_OUR_RELAY }, .question = ASKED, .answer = PASS, .expected = "spf/spf" },
	{ "relay-of-relay", .client = "2001:db8::25", .received = { "from r (r [192.0.2.1]) by x; today", BY_OUR_RELAY },
	    .question = ASKED, .answer = PASS, .expected = "spf/spf" },
	{ "relay-unreadable", .client = RELAY, .received = { "by relay.example.org; today", BY_OUR_RELAY }, .question = "",
	    .answer = PASS, .expected = "no/no" },
	{ "relay-without-trace", .client = RELAY, .question = "", .answer = PASS, .expected = "no/no" },
	{ "relay-had-it-from-itself", .client = RELAY, .received = { "from localhost (localhost [127.0.0.1]) by r; today",
	    BY_OUR_RELAY }, .question = "", .answer = PASS, .expected = "no/no" },
	{ "relay-and-its-header", .client = RELAY, .results = MX "dkim=pass header.d=example.net", .question = "",
	    .expected = "dkim/dkim" },
	{ "relay-logs-in", .client = RELAY, .login = "a@example.net", .received = { BY_OUR_RELAY }, .question = ASKED,
	    .answer = { SPF_FAIL, false }, .expected = "no/no" },
	{ "no-relay-of-ours", .received = { "from x (x [198.51.100.9]) by y; today" }, .question = ASKED, .answer = PASS,
	    .expected = "spf/spf" },
};

static Message *asked_message(const AskCase *c)
{
	Message *message = message_new(1024);

	message_set_sender(message, c->sender ? c->sender : ANN);
	if (g_strcmp0(c->client, "-") != 0)
		message->client_addr = g_strdup(c->client ? c->client : CLIENT);
	message->helo = g_strdup("mail.example.net");
	message->auth_user = g_strdup(c->login);
	for (guint i = 0; i < G_N_ELEMENTS(c->received) && c->received[i]; i++)
		message_add_header(message, "Received", c->received[i]);
	if (c->results)
		message_add_header(message, "Authentication-Results", c->results);
	add_from(message, c->from ? c->from : ANN);
	return message;
}

static char *question_text(const Authentic *authentic)
{
	const SpfQuestion *question = &authentic->question;

	if (!authentic->asks)
		return g_strdup("");
	if (question->policy_only)
		return g_strconcat("policy ", question->sender, NULL);
	return g_strconcat(question->client, " ", question->helo, " ", question->sender, NULL);
}

static void test_asks(gconstpointer data)
{
	const AskCase *c = data;
	g_autoptr(Message) message = asked_message(c);
	g_auto(Authentic) authentic = { 0 };
	g_autofree char *question = NULL;
	g_autofree char *names = NULL;

	authentic_judge(&authentic, &SETTINGS, message, c->from ? c->from : ANN, NULL);
	question = question_text(&authentic);
	g_assert_cmpstr(question, ==, c->question);
	authentic_judge(&authentic, &SETTINGS, message, c->from ? c->from : ANN, &c->answer);
	names = found(&authentic);
	g_assert_cmpstr(names, ==, c->expected);
	g_assert_false(authentic.asks);
	g_assert_null(authentic.question.sender);
}

static void test_nobody_trusted_vouches_for_nobody(void)
{
	static const char *const nobody[] = { NULL };
	const AuthenticSettings unset = { 0 };
	const AuthenticSettings empty = { .trusted_ids = nobody, .all_instances = true };
	g_autoptr(Message) message = message_of(&JUDGED[0]);
	g_auto(Authentic) authentic = { 0 };

	authentic_judge(&authentic, &unset, message, ANN, NULL);
	g_assert_false(authentic.header_seen);
	g_assert_cmpint(authentic.sender, ==, VERIFIED_NO);
	authentic_judge(&authentic, &empty, message, ANN, NULL);
	g_assert_false(authentic.header_seen);
	g_assert_cmpint(authentic.from, ==, VERIFIED_NO);
}

static void test_two_from_headers_name_nobody(void)
{
	g_autoptr(Message) message = message_of(&JUDGED[0]);
	g_auto(Authentic) authentic = { 0 };

	message_add_header(message, "From", "ceo@bigcorp.com");
	authentic_judge(&authentic, &SETTINGS, message, ANN, NULL);
	g_assert_cmpint(authentic.sender, ==, VERIFIED_SPF);
	g_assert_cmpint(authentic.from, ==, VERIFIED_NO);
}

static void test_names_are_read_back(void)
{
	SpfResult result;

	for (guint i = SPF_UNASKED; i <= SPF_PERMERROR; i++) {
		const char *name = spf_result_name((SpfResult)i);

		g_assert_true(spf_result_parse(name, strlen(name), &result));
		g_assert_cmpint(result, ==, i);
	}
	g_assert_true(spf_result_parse("passing", 4, &result));
	g_assert_cmpint(result, ==, SPF_PASS);
	g_assert_false(spf_result_parse("pass", 3, &result));
	g_assert_false(spf_result_parse("Pass", 4, &result));
	g_assert_false(spf_result_parse("", 0, &result));
	g_assert_cmpstr(verified_name(VERIFIED_AUTH), ==, "auth");
	g_assert_cmpstr(verified_name(VERIFIED_NO), ==, "no");
}

static void add_judged(const char *kind, const JudgeCase *cases, guint count, GTestDataFunc test)
{
	for (guint i = 0; i < count; i++) {
		g_autofree char *path = g_strconcat("/authentic/", kind, "/", cases[i].name, NULL);

		g_test_add_data_func(path, &cases[i], test);
	}
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	add_judged("topmost", JUDGED, G_N_ELEMENTS(JUDGED), test_judges);
	add_judged("all", ALL_OURS, G_N_ELEMENTS(ALL_OURS), test_judges_all_instances);
	for (guint i = 0; i < G_N_ELEMENTS(ASKED_CASES); i++) {
		g_autofree char *path = g_strconcat("/authentic/asks/", ASKED_CASES[i].name, NULL);

		g_test_add_data_func(path, &ASKED_CASES[i], test_asks);
	}
	g_test_add_func("/authentic/nobody-trusted-vouches-for-nobody", test_nobody_trusted_vouches_for_nobody);
	g_test_add_func("/authentic/two-from-headers-name-nobody", test_two_from_headers_name_nobody);
	g_test_add_func("/authentic/names-are-read-back", test_names_are_read_back);
	return g_test_run();
}
