/* test-authres: whom Authentication-Results vouch for, and that no forged one does. */
#include "inspect/authres.h"

#include <string.h>

#include "base/error.h"

/* Results are compared as "id: method=result prop=value prop=value; ...", properties in alphabetical order. */
static char *dump(const Authres *results)
{
	g_autoptr(GString) out = g_string_new(results->authserv_id);

	for (guint i = 0; i < results->infos->len; i++) {
		const AuthresInfo *info = g_ptr_array_index(results->infos, i);
		g_autoptr(GList) names = g_list_sort(g_hash_table_get_keys(info->props), (GCompareFunc)strcmp);

		g_string_append_printf(out, "%s %s=%s", i == 0 ? ":" : ";", info->method, info->result);
		for (GList *name = names; name; name = name->next)
			g_string_append_printf(out, " %s=%s", (char *)name->data,
			    (char *)g_hash_table_lookup(info->props, name->data));
	}
	return g_string_free(g_steal_pointer(&out), FALSE);
}

typedef struct {
	const char *name, *value, *expected;
} ParseCase;

static const ParseCase GOOD[] = {
	{ "none", "mx.example.org; none", "mx.example.org" },
	{ "none-version", "mx.example.org 1; none", "mx.example.org" },
	{ "none-comment", "mx.example.org (ours) ; (nothing) none (at all)", "mx.example.org" },
	{ "id-case", "MX.Example.ORG; none", "mx.example.org" },
	{ "id-quoted", "\"mx \\\"1\\\"\"; none", "mx \"1\"" },
	{ "spf", "mx.example.org; spf=pass smtp.mailfrom=example.net",
	    "mx.example.org: spf=pass smtp.mailfrom=example.net" },
	{ "no-spaces", "mx.example.org;spf=pass smtp.mailfrom=a@example.net;dkim=none",
	    "mx.example.org: spf=pass smtp.mailfrom=a@example.net; dkim=none" },
	{ "several-propspecs",
	    "mx.example.org; dkim=pass reason=\"good signature\" header.d=example.com header.i=@mail.example.com "
	    "header.b=a/b+c=",
	    "mx.example.org: dkim=pass header.b=a/b+c= header.d=example.com header.i=@mail.example.com" },
	{ "folded", "mx.example.org;\n\tspf=pass\n smtp.mailfrom=a@example.net;\n dkim=fail\n\theader.d=example.net",
	    "mx.example.org: spf=pass smtp.mailfrom=a@example.net; dkim=fail header.d=example.net" },
	{ "cfws-everywhere",
	    "(a) mx.example.org (b) 1 (c) ; (d) DKIM (e) / (f) 1 (g) = (h) Pass (i) reason (j) = (k) ok (l) header (m) "
	    ". (n) D (o) = (p) "
	    "example.com (q) ; spf = none", "mx.example.org: dkim=pass header.d=example.com; spf=none" },
	{ "nested-comment", "mx.example.org; spf=fail (is (not) a \\) pass; spf=pass) smtp.mailfrom=a@example.net",
	    "mx.example.org: spf=fail smtp.mailfrom=a@example.net" },
	{ "semicolon-quoted", "mx.example.org; spf=fail reason=\"no; spf=pass\" smtp.mailfrom=a@example.net",
	    "mx.example.org: spf=fail smtp.mailfrom=a@example.net" },
	{ "quoted-local-part", "mx.example.org; spf=pass smtp.mailfrom=\"john \\\"x\\\" doe\"@example.net",
	    "mx.example.org: spf=pass smtp.mailfrom=\"john \\\"x\\\" doe\"@example.net" },
	{ "quoted-address", "mx.example.org; spf=pass smtp.mailfrom=\"a@example.net\"",
	    "mx.example.org: spf=pass smtp.mailfrom=a@example.net" },
	{ "at-domain", "mx.example.org; spf=pass smtp.mailfrom=@example.net",
	    "mx.example.org: spf=pass smtp.mailfrom=@example.net" },
	{ "verp", "mx.example.org; spf=pass smtp.mailfrom=b+u=example.com@example.net",
	    "mx.example.org: spf=pass smtp.mailfrom=b+u=example.com@example.net" },
	{ "ip-unquoted", "mx.example.org; iprev=pass policy.iprev=2001:db8::1",
	    "mx.example.org: iprev=pass policy.iprev=2001:db8::1" },
	{ "exchange-action", "mx.example.org; dmarc=pass action=none header.from=example.net;compauth=pass reason=100",
	    "mx.example.org: dmarc=pass header.from=example.net; compauth=pass" },
	{ "first-property-wins", "mx.example.org; dkim=pass header.d=a.example header.d=b.example",
	    "mx.example.org: dkim=pass header.d=a.example" },
	{ "trailing-semicolon", "mx.example.org; spf=none; ", "mx.example.org: spf=none" },
	{ "other-method-version", "mx.example.org; dkim/2=pass header.d=example.com; spf=none",
	    "mx.example.org: spf=none" },
};

static void test_reads(gconstpointer data)
{
	const ParseCase *c = data;
	g_autoptr(GError) error = NULL;
	g_autoptr(Authres) results = authres_parse(c->value, &error);
	g_autofree char *text = results ? dump(results) : NULL;

	g_assert_no_error(error);
	g_assert_cmpstr(text, ==, c->expected);
}

/* expected: part of the message. */
static const ParseCase BAD[] = {
	{ "empty", "", "an authserv-id at byte 1" },
	{ "id-only", "mx.example.org", "\";\" at byte 15" },
	{ "microsoft-without-id", "spf=pass smtp.mailfrom=example.net", "\";\"" },
	{ "version-2", "mx.example.org 2; none", "version 1" },
	{ "no-results", "mx.example.org;", "a method" },
	{ "none-and-more", "mx.example.org; none; spf=pass smtp.mailfrom=example.net", "\"=\"" },
	{ "none-last", "mx.example.org; spf=none; none", "\"=\"" },
	{ "open-comment", "mx.example.org; spf=pass (never closed smtp.mailfrom=example.net", "the end of a comment" },
	{ "stray-close", "mx.example.org; spf=pass ) smtp.mailfrom=example.net", "a property" },
	{ "open-quote", "mx.example.org; spf=pass smtp.mailfrom=\"a", "a value" },
	{ "no-result", "mx.example.org; spf= ; dkim=pass header.d=example.net", "a result" },
	{ "no-value", "mx.example.org; spf=pass smtp.mailfrom=; dkim=none", "a value" },
	{ "no-property", "mx.example.org; spf=pass smtp.=example.net", "a property's name" },
	{ "no-domain", "mx.example.org; spf=pass smtp.mailfrom=a@ header.d=example.net", "a domain" },
	{ "method-version-word", "mx.example.org; spf/x=pass", "a method's version" },
	{ "two-ids", "mx.example.org mx.example.net; none", "\";\"" },
};

static void test_refuses(gconstpointer data)
{
	const ParseCase *c = data;
	g_autoptr(GError) error = NULL;
	g_autoptr(Authres) results = authres_parse(c->value, &error);

	g_assert_null(results);
	g_assert_error(error, OUTAGE_ERROR, OUTAGE_ERROR_INVALID);
	g_assert_nonnull(strstr(error->message, c->expected));
}

static void test_hostile_nesting_ends(void)
{
	g_autoptr(GString) value = g_string_new("mx.example.org; spf=pass ");
	g_autoptr(GError) error = NULL;
	g_autoptr(Authres) deep = NULL;
	g_autoptr(Authres) wide = NULL;

	for (int i = 0; i < 5000; i++)
		g_string_append_c(value, '(');
	for (int i = 0; i < 5000; i++)
		g_string_append_c(value, ')');
	deep = authres_parse(value->str, &error);
	g_assert_null(deep);
	g_assert_error(error, OUTAGE_ERROR, OUTAGE_ERROR_INVALID);
	g_clear_error(&error);
	g_string_assign(value, "mx.example.org");
	for (int i = 0; i < 20000; i++)
		g_string_append(value, ";spf=pass");
	wide = authres_parse(value->str, &error);
	g_assert_null(wide);
	g_assert_error(error, OUTAGE_ERROR, OUTAGE_ERROR_INVALID);
}

/* results: the Authentication-Results as they stand in the mail, topmost first. from: NULL = a From of several
 * addresses. */
typedef struct {
	const char *name;
	const char *sender, *from;
	const char *results[4];
	const char *expected; /* who vouches for the sender/for From; "unseen": no header that counts could be read */
} JudgeCase;

#define ANN "a@example.net"
#define MX "mx.example.org; "

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
	    "spf/dmarc" },
	{ "dkim-and-dmarc", ANN, ANN, { MX "dkim=pass header.d=example.net; dmarc=pass header.from=example.net" },
	    "dmarc/dmarc" },
	{ "dkim-and-spf", ANN, ANN, { MX "dkim=pass header.d=example.net; spf=pass smtp.mailfrom=a@example.net" },
	    "spf/dkim" },
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
	{ "no-header", ANN, ANN, { NULL }, "unseen" },
};

static const char *const TRUSTED[] = { "mx.example.org", "dkim.example.org", NULL };

static Message *message_of(const JudgeCase *c)
{
	Message *message = message_new(1024);

	message_set_sender(message, c->sender);
	for (guint i = 0; c->results[i]; i++)
		message_add_header(message, "Authentication-Results", c->results[i]);
	message_add_header(message, "From", c->from ? c->from : "a@example.net, b@example.net");
	return message;
}

static void test_judges(gconstpointer data)
{
	const JudgeCase *c = data;
	g_autoptr(Message) message = message_of(c);
	AuthresVerdict verdict = authres_judge(message, c->from, TRUSTED);

	g_autofree char *found = verdict.header_seen
	    ? g_strconcat(verified_name(verdict.sender), "/", verified_name(verdict.from), NULL)
	    : g_strdup("unseen");

	g_assert_true(verdict.configured);
	g_assert_cmpstr(found, ==, c->expected);
	g_assert_true(verdict.header_seen || (verdict.sender == VERIFIED_NO && verdict.from == VERIFIED_NO));
}

static void test_nobody_trusted_vouches_for_nobody(void)
{
	static const char *const nobody[] = { NULL };
	g_autoptr(Message) message = message_of(&JUDGED[0]);
	AuthresVerdict unset = authres_judge(message, "a@example.net", NULL);
	AuthresVerdict empty = authres_judge(message, "a@example.net", nobody);

	g_assert_false(unset.configured || unset.header_seen || empty.configured || empty.header_seen);
	g_assert_cmpint(unset.sender, ==, VERIFIED_NO);
	g_assert_cmpint(empty.from, ==, VERIFIED_NO);
}

static void test_two_from_headers_name_nobody(void)
{
	g_autoptr(Message) message = message_of(&JUDGED[0]);
	AuthresVerdict verdict;

	message_add_header(message, "From", "ceo@bigcorp.com");
	verdict = authres_judge(message, "a@example.net", TRUSTED);
	g_assert_cmpint(verdict.sender, ==, VERIFIED_SPF);
	g_assert_cmpint(verdict.from, ==, VERIFIED_NO);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	for (guint i = 0; i < G_N_ELEMENTS(GOOD); i++) {
		g_autofree char *path = g_strconcat("/authres/reads/", GOOD[i].name, NULL);

		g_test_add_data_func(path, &GOOD[i], test_reads);
	}
	for (guint i = 0; i < G_N_ELEMENTS(BAD); i++) {
		g_autofree char *path = g_strconcat("/authres/refuses/", BAD[i].name, NULL);

		g_test_add_data_func(path, &BAD[i], test_refuses);
	}
	for (guint i = 0; i < G_N_ELEMENTS(JUDGED); i++) {
		g_autofree char *path = g_strconcat("/authres/judges/", JUDGED[i].name, NULL);

		g_test_add_data_func(path, &JUDGED[i], test_judges);
	}
	g_test_add_func("/authres/hostile-nesting-ends", test_hostile_nesting_ends);
	g_test_add_func("/authres/nobody-trusted-vouches-for-nobody", test_nobody_trusted_vouches_for_nobody);
	g_test_add_func("/authres/two-from-headers-name-nobody", test_two_from_headers_name_nobody);
	return g_test_run();
}
