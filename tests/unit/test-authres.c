/* test-authres: Authentication-Results are read as their writers mean them, and nothing is read into broken ones. */
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
	/* The shapes of RFC 8601, appendix B. */
	{ "service-without-authentication", "mx.example.org 1; none", "mx.example.org" },
	{ "service-with-auth-and-spf",
	    "mx.example.org;\n auth=pass (cram-md5) smtp.auth=ann@example.net;\n spf=fail smtp.mailfrom=example.net",
	    "mx.example.org: auth=pass smtp.auth=ann@example.net; spf=fail smtp.mailfrom=example.net" },
	{ "sender-id-of-old", "mx.example.org; sender-id=fail header.from=example.com; dkim=pass (good) header.d=example.com",
	    "mx.example.org: sender-id=fail header.from=example.com; dkim=pass header.d=example.com" },
	{ "two-instances-of-a-method",
	    "mx.example.org; dkim=pass reason=\"good signature\" header.i=@list.example; dkim=fail reason=\"bad; very\" "
	    "header.i=@example.net",
	    "mx.example.org: dkim=pass header.i=@list.example; dkim=fail header.i=@example.net" },
	{ "comments-in-every-gap",
	    "gate.example (east) 1 (v);\n dkim (by milter) / 1 (one) = (so) fail\n policy (type) . (dot) expired\n (name) = "
	    "(value) 1700000000",
	    "gate.example: dkim=fail policy.expired=1700000000" },
	{ "reason-without-quotes", "mx.example.org; dkim=fail reason=expired header.d=example.com",
	    "mx.example.org: dkim=fail header.d=example.com" },
	{ "body-and-policy", "mx.example.org; dkim=policy policy.dkim-rules=\"unsigned-subject\" body.x=1 header.d=example.com",
	    "mx.example.org: dkim=policy body.x=1 header.d=example.com policy.dkim-rules=unsigned-subject" },
	{ "unknown-ptype", "mx.example.org; x-check=neutral dns.sec=yes tcp.port=25",
	    "mx.example.org: x-check=neutral dns.sec=yes tcp.port=25" },
	{ "dmarc-comment", "mx.example.org; dmarc=pass (p=reject dis=none) header.from=example.net",
	    "mx.example.org: dmarc=pass header.from=example.net" },
	{ "arc", "mx.example.org; arc=pass (i=1 spf=pass spfdomain=evil.example dkim=pass) smtp.remote-ip=2001:db8::1",
	    "mx.example.org: arc=pass smtp.remote-ip=2001:db8::1" },
	{ "method-version-spaced", "mx.example.org; spf / 1 = pass smtp.mailfrom=a@example.net",
	    "mx.example.org: spf=pass smtp.mailfrom=a@example.net" },
	{ "id-with-port-quoted", "\"mx.example.org:25\"; spf=none", "mx.example.org:25: spf=none" },
	{ "quoted-pair-in-reason", "mx.example.org; dkim=fail reason=\"a \\\"; dkim=pass\" header.d=example.net",
	    "mx.example.org: dkim=fail header.d=example.net" },
	{ "trailing-semicolon-and-comment", "mx.example.org; spf=none; (end)", "mx.example.org: spf=none" },
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
	{ "version-0", "mx.example.org 0; none", "version 1" },
	{ "version-12", "mx.example.org 12; none", "version 1" },
	{ "two-versions", "mx.example.org 1 2; none", "\";\"" },
	{ "version-word", "mx.example.org v1; none", "\";\"" },
	{ "none-with-property", "mx.example.org; none smtp.mailfrom=a@example.net", "\"=\"" },
	{ "empty-result-between", "mx.example.org; spf=none;; dkim=none", "a method" },
	{ "only-semicolons", "mx.example.org;;", "a method" },
	{ "method-version-missing", "mx.example.org; spf/=pass", "a method's version" },
	{ "result-twice", "mx.example.org; spf=fail=pass smtp.mailfrom=a@example.net", "a property" },
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

static void test_id_is_known_where_the_rest_is_not(void)
{
	static const struct {
		const char *value, *id;
	} cases[] = {
		{ "mx.example.org; spf=", "mx.example.org" },
		{ " (ours (really)) MX.Example.org 9; x", "mx.example.org" },
		{ "\"MX \\\"1\\\"\" (", "mx \"1\"" },
		{ "mx.example.org", "mx.example.org" },
		{ "", NULL },
		{ "; spf=pass", NULL },
		{ "(never closed mx.example.org; none", NULL },
		{ "\"mx.example.org; none", NULL },
		{ "\"\"; none", NULL },
	};

	for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
		g_autofree char *id = authres_peek_id(cases[i].value);

		g_assert_cmpstr(id, ==, cases[i].id);
	}
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
	g_test_add_func("/authres/hostile-nesting-ends", test_hostile_nesting_ends);
	g_test_add_func("/authres/id-is-known-where-the-rest-is-not", test_id_is_known_where_the_rest_is_not);
	return g_test_run();
}
