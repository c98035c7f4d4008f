/* test-spf-check: whole SPF checks against a name server on loopback: what a policy says, what it may cost, and that nothing DNS
 * does makes a forger pass or holds a question beyond its time. */
#include "spf/check.h"

#include <string.h>

#include "dns-fixture.h"

#define HOSTS(domain) \
	{ domain, ns_t_a, "192.0.2.1" }, { domain, ns_t_mx, "10 mx." domain }, { "mx." domain, ns_t_a, "192.0.2.2" }
#define POLICY(domain, policy) { domain, ns_t_txt, policy }

static const ZoneRecord records[] = {
	HOSTS("plain.test"), POLICY("plain.test", "v=spf1 a mx ip4:198.51.100.0/24 ip6:2001:db8:1::/48 -all"),
	POLICY("soft.test", "v=spf1 ~all"),
	POLICY("neutral.test", "v=spf1 ?all"),
	POLICY("end.test", "v=spf1"),
	POLICY("other.test", "some other text"),
	POLICY("broken.test", "v=spf1 a:%{z} +all"),
	POLICY("two.test", "v=spf1 +all"), POLICY("two.test", "v=spf1 -all"),
	POLICY("redirect.test", "v=spf1 redirect=plain.test"),
	POLICY("include.test", "v=spf1 include:plain.test -all"),
	POLICY("include-none.test", "v=spf1 include:other.test +all"),
	POLICY("include-broken.test", "v=spf1 include:broken.test +all"),
	POLICY("exp.test", "v=spf1 -all exp=why.exp.test"), POLICY("why.exp.test", "You may not"),
	POLICY("macro.test", "v=spf1 exists:%{i}.%{l}.ok.macro.test -all"), { "192.0.2.1.jane.ok.macro.test", ns_t_a, "127.0.0.2" },
	POLICY("helo.test", "v=spf1 exists:%{h}.helo.test -all"), { "mail.example.com.helo.test", ns_t_a, "127.0.0.2" },
	{ "unknown.helo.test", ns_t_a, "127.0.0.2" },
	POLICY("spaces.test", "v=spf1 exists:%{l}.spaces.test -all"),
	POLICY("counted.test", "v=spf1 include:_spf.%{d2} -all"),
	POLICY("_spf.counted.test", "v=spf1 ip4:203.0.113.1 -all"),
	POLICY("_spf.ounted.test", "v=spf1 ip4:198.51.100.9 -all"),
	POLICY("address.test", "v=spf1 exists:%{s}.s.address.test -all"), { "jane@address.test.s.address.test", ns_t_a, "127.0.0.2" },
	POLICY("ptr.test", "v=spf1 ptr -all"), { "1.2.0.192.in-addr.arpa", ns_t_ptr, "host.ptr.test" },
	{ "host.ptr.test", ns_t_a, "192.0.2.1" }, { "3.2.0.192.in-addr.arpa", 0, "servfail" },
	/* What passes everybody. */
	POLICY("all.test", "v=spf1 +all"),
	POLICY("all-include.test", "v=spf1 include:all.test -all"),
	POLICY("all-zero.test", "v=spf1 ip4:0.0.0.0/0 -all"),
	POLICY("all-halves.test", "v=spf1 ip4:0.0.0.0/1 ip4:128.0.0.0/1 -all"),
	POLICY("all-a.test", "v=spf1 a/0 -all"), HOSTS("all-a.test"),
	POLICY("all-mx.test", "v=spf1 mx/0 -all"), HOSTS("all-mx.test"),
	POLICY("all-exists.test", "v=spf1 exists:%{d} -all"), HOSTS("all-exists.test"),
	POLICY("all-six.test", "v=spf1 ip6:2000::/3 -all"),
	POLICY("all-quarters.test", "v=spf1 ip4:0.0.0.0/2 ip4:64.0.0.0/2 ip4:128.0.0.0/2 ip4:192.0.0.0/2 -all"),
	POLICY("all-eights.test", "v=spf1 ip6:2000::/8 ip6:2100::/8 ip6:2200::/8 ip6:2300::/8 ip6:2400::/8 ip6:2500::/8 ip6:2600::/8 "
	    "ip6:2700::/8 ip6:2800::/8 ip6:2900::/8 ip6:2a00::/8 ip6:2b00::/8 ip6:2c00::/8 -all"),
	POLICY("all-but-private.test", "v=spf1 -ip4:10.0.0.0/8 -ip4:172.16.0.0/12 -ip4:192.168.0.0/16 -ip4:100.64.0.0/10 -ip4:127.0.0.0/8 "
	    "-ip4:169.254.0.0/16 -ip4:198.18.0.0/15 -ip4:203.0.113.0/24 -ip6:fc00::/7 -ip6:fe80::/10 "
	    "-ip6:2001:db8:77::/48 -ip6:2002::/16 +all"),
	POLICY("all-but-foes.test", "v=spf1 -ip4:12.0.0.0/8 -ip4:134.0.0.0/8 -ip6:2400::/12 +all"),
	POLICY("all-but-listed.test", "v=spf1 -exists:%{ir}.list.test +all"), { "9.3.77.68.list.test", ns_t_a, "127.0.0.2" },
	/* What is large and yet somebody's own. */
	POLICY("half.test", "v=spf1 ip4:128.0.0.0/1 -all"),
	POLICY("low-half.test", "v=spf1 ip4:0.0.0.0/1 -all"),
	POLICY("own-eights.test", "v=spf1 ip4:12.0.0.0/8 ip4:44.0.0.0/8 ip4:68.0.0.0/8 ip4:192.0.0.0/8 ip4:10.0.0.0/8 ip4:203.0.113.0/24 "
	    "ip6:2001:db8::/32 ip6:2600::/12 -all"),
	/* What costs too much. */
	POLICY("loop.test", "v=spf1 include:loop2.test +all"), POLICY("loop2.test", "v=spf1 include:loop.test +all"),
	POLICY("bomb.test", "v=spf1 include:b1.test include:b1.test include:b1.test include:b1.test +all"),
	POLICY("b1.test", "v=spf1 include:b2.test include:b2.test include:b2.test include:b2.test ?all"),
	POLICY("b2.test", "v=spf1 include:soft.test include:soft.test include:soft.test include:soft.test ?all"),
	POLICY("ten.test", "v=spf1 a:plain.test a:plain.test a:plain.test a:plain.test a:plain.test a:plain.test a:plain.test "
	    "a:plain.test a:plain.test a:plain.test ip4:203.0.113.9 -all"),
	POLICY("eleven.test", "v=spf1 a:plain.test a:plain.test a:plain.test a:plain.test a:plain.test a:plain.test a:plain.test "
	    "a:plain.test a:plain.test a:plain.test a:plain.test +all"),
	POLICY("two-voids.test", "v=spf1 a:v1.test a:v2.test ip4:203.0.113.9 -all"),
	POLICY("three-voids.test", "v=spf1 a:v1.test a:v2.test a:v3.test +all"),
	POLICY("mx-voids.test", "v=spf1 mx a:v1.test a:v2.test ip4:203.0.113.9 ip6:2001:db8:9::9 -all"),
	{ "mx-voids.test", ns_t_mx, "1 m2.test" }, { "mx-voids.test", ns_t_mx, "1 m3.test" }, { "mx-voids.test", ns_t_mx, "1 m4.test" },
	{ "mx-voids.test", ns_t_mx, "1 m5.test" },
	POLICY("many-mx.test", "v=spf1 mx +all"),
	{ "many-mx.test", ns_t_mx, "1 plain.test" }, { "many-mx.test", ns_t_mx, "1 m2.test" }, { "many-mx.test", ns_t_mx, "1 m3.test" },
	{ "many-mx.test", ns_t_mx, "1 m4.test" }, { "many-mx.test", ns_t_mx, "1 m5.test" }, { "many-mx.test", ns_t_mx, "1 m6.test" },
	{ "many-mx.test", ns_t_mx, "1 m7.test" }, { "many-mx.test", ns_t_mx, "1 m8.test" }, { "many-mx.test", ns_t_mx, "1 m9.test" },
	{ "many-mx.test", ns_t_mx, "1 m10.test" }, { "many-mx.test", ns_t_mx, "1 m11.test" },
	{ "m2.test", ns_t_a, "192.0.2.9" }, { "m3.test", ns_t_a, "192.0.2.9" }, { "m4.test", ns_t_a, "192.0.2.9" },
	{ "m5.test", ns_t_a, "192.0.2.9" }, { "m6.test", ns_t_a, "192.0.2.9" }, { "m7.test", ns_t_a, "192.0.2.9" },
	{ "m8.test", ns_t_a, "192.0.2.9" }, { "m9.test", ns_t_a, "192.0.2.9" }, { "m10.test", ns_t_a, "192.0.2.9" },
	{ "m11.test", ns_t_a, "192.0.2.9" },
	/* What goes wrong. */
	{ "silent.test", 0, "silent" },
	{ "failing.test", 0, "servfail" },
	{ "lossy.test", 0, "lose one" }, POLICY("lossy.test", "v=spf1 ip4:192.0.2.1 -all"),
	{ "liar.test", 0, "lie first" }, POLICY("liar.test", "v=spf1 -all"),
	POLICY("include-failing.test", "v=spf1 include:failing.test +all"),
	POLICY("a-failing.test", "v=spf1 a:failing.test +all"),
	POLICY("pass-then-failing.test", "v=spf1 ip4:192.0.2.1 a:failing.test +all"),
	{ NULL, 0, NULL }
};

/* Asks with 2 s of time unless told otherwise. */
static SpfAnswer ask(SpfDns *dns, const char *client, const char *sender, char **reason)
{
	const SpfQuestion question = { (char *)client, (char *)"mail.example.com", (char *)sender, client == NULL };

	return spf_check(dns, &question, 2000, reason);
}

static SpfDns *dns_new(const Zone *zone)
{
	g_autoptr(GError) error = NULL;
	SpfDns *dns = spf_dns_new(zone_address(zone), &error);

	g_assert_no_error(error);
	return dns;
}

/* ---- results ---- */

typedef struct {
	const char *sender, *client;
	SpfResult result;
	bool broad;
	const char *reason;   /* part of it, or NULL */
} CheckCase;

static const CheckCase CASES[] = {
	{ "jane@plain.test", "192.0.2.1", SPF_PASS, false, NULL },
	{ "jane@plain.test", "192.0.2.2", SPF_PASS, false, NULL },
	{ "jane@plain.test", "198.51.100.77", SPF_PASS, false, NULL },
	{ "jane@plain.test", "::ffff:198.51.100.77", SPF_PASS, false, NULL },
	{ "jane@plain.test", "2001:db8:1::9", SPF_PASS, false, NULL },
	{ "jane@plain.test", "192.0.2.3", SPF_FAIL, false, NULL },
	{ "jane@PLAIN.test.", "192.0.2.1", SPF_PASS, false, NULL },
	{ "@plain.test", "192.0.2.1", SPF_PASS, false, NULL },
	{ "\"a@b\"@plain.test", "192.0.2.1", SPF_PASS, false, NULL },
	{ "jane@soft.test", "192.0.2.1", SPF_SOFTFAIL, false, NULL },
	{ "jane@neutral.test", "192.0.2.1", SPF_NEUTRAL, false, NULL },
	{ "jane@end.test", "192.0.2.1", SPF_NEUTRAL, false, NULL },
	{ "jane@other.test", "192.0.2.1", SPF_NONE, false, NULL },
	{ "jane@nowhere.test", "192.0.2.1", SPF_NONE, false, NULL },
	{ "jane@broken.test", "192.0.2.1", SPF_PERMERROR, false, "a name in the policy" },
	{ "jane@two.test", "192.0.2.1", SPF_PERMERROR, false, "several policies" },
	{ "jane@redirect.test", "192.0.2.1", SPF_PASS, false, NULL },
	{ "jane@redirect.test", "192.0.2.3", SPF_FAIL, false, NULL },
	{ "jane@include.test", "192.0.2.1", SPF_PASS, false, NULL },
	{ "jane@include-none.test", "192.0.2.1", SPF_PERMERROR, false, NULL },
	{ "jane@include-broken.test", "192.0.2.1", SPF_PERMERROR, false, "a name in the policy" },
	{ "jane@macro.test", "192.0.2.1", SPF_PASS, false, NULL },
	{ "joe@macro.test", "192.0.2.1", SPF_FAIL, false, NULL },
	{ "jane@ptr.test", "192.0.2.1", SPF_PASS, false, NULL },
	{ "jane@ptr.test", "192.0.2.3", SPF_FAIL, false, NULL },
	/* Nobody to ask about. */
	{ "jane@plain.test", "127.0.0.1", SPF_NONE, false, "this machine" },
	{ "jane@plain.test", "::1", SPF_NONE, false, "this machine" },
	{ "jane@plain.test", "::ffff:127.0.0.1", SPF_NONE, false, "this machine" },
	{ "jane@plain.test", "mail.example.com", SPF_NONE, false, "no IP address" },
	{ "", "192.0.2.1", SPF_NONE, false, "no domain" },
	{ "jane", "192.0.2.1", SPF_NONE, false, "no domain" },
	{ "jane@[192.0.2.1]", "192.0.2.1", SPF_NONE, false, "no domain" },
	{ "jane@localhost", "192.0.2.1", SPF_NONE, false, "no domain" },
	{ "jane@a..test", "192.0.2.1", SPF_NONE, false, NULL },
	{ "jane@ev il.test", "192.0.2.1", SPF_NONE, false, NULL },
	/* Names that a sender's local part must not make. */
	{ "a..b@spaces.test", "192.0.2.1", SPF_FAIL, false, NULL },
	{ "a\\.b\n@spaces.test", "192.0.2.1", SPF_PERMERROR, false, NULL },
	/* With as many labels asked for as there are, nobody else's domain may decide. */
	{ "jane@counted.test", "203.0.113.1", SPF_PASS, false, NULL },
	{ "jane@counted.test", "198.51.100.9", SPF_FAIL, false, NULL },
	{ "jane@address.test", "192.0.2.1", SPF_PASS, true, NULL },
	/* What passes everybody. */
	{ "jane@all.test", "192.0.2.1", SPF_PASS, true, "every address" },
	{ "jane@all.test", "2001:db8:1::9", SPF_PASS, true, NULL },
	{ "jane@all-include.test", "192.0.2.1", SPF_PASS, true, NULL },
	{ "jane@all-zero.test", "192.0.2.1", SPF_PASS, true, NULL },
	{ "jane@all-zero.test", "2001:db8:1::9", SPF_FAIL, false, NULL },
	{ "jane@all-halves.test", "192.0.2.1", SPF_PASS, true, NULL },
	{ "jane@all-a.test", "203.0.113.9", SPF_PASS, true, NULL },
	{ "jane@all-mx.test", "203.0.113.9", SPF_PASS, true, NULL },
	{ "jane@all-exists.test", "203.0.113.9", SPF_PASS, true, NULL },
	{ "jane@all-six.test", "2600::9", SPF_PASS, true, NULL },
	{ "jane@all-quarters.test", "192.0.2.1", SPF_PASS, true, NULL },
	{ "jane@all-eights.test", "2001:db8:1::9", SPF_PASS, true, NULL },
	{ "jane@all-but-private.test", "192.0.2.1", SPF_PASS, true, NULL },
	{ "jane@all-but-private.test", "2001:db8:1::9", SPF_PASS, true, NULL },
	{ "jane@all-but-private.test", "10.1.2.3", SPF_FAIL, false, NULL },
	{ "jane@all-but-foes.test", "192.0.2.1", SPF_PASS, true, NULL },
	{ "jane@all-but-foes.test", "2001:db8:1::9", SPF_PASS, true, NULL },
	{ "jane@all-but-listed.test", "192.0.2.1", SPF_PASS, true, NULL },
	{ "jane@half.test", "192.0.2.1", SPF_PASS, false, NULL },
	{ "jane@low-half.test", "12.77.3.9", SPF_PASS, false, NULL },
	{ "jane@own-eights.test", "192.0.2.1", SPF_PASS, false, NULL },
	{ "jane@own-eights.test", "2001:db8:1::9", SPF_PASS, false, NULL },
	/* Only the policy. */
	{ "jane@all.test", NULL, SPF_PASS, true, NULL },
	{ "jane@all-halves.test", NULL, SPF_PASS, true, NULL },
	{ "jane@all-six.test", NULL, SPF_PASS, true, NULL },
	{ "jane@all-but-private.test", NULL, SPF_PASS, true, NULL },
	{ "jane@own-eights.test", NULL, SPF_FAIL, false, NULL },
	{ "jane@plain.test", NULL, SPF_FAIL, false, NULL },
	{ "jane@soft.test", NULL, SPF_SOFTFAIL, false, NULL },
	{ "jane@nowhere.test", NULL, SPF_NONE, false, NULL },
	{ "jane@failing.test", NULL, SPF_TEMPERROR, false, NULL },
	/* What costs too much. */
	{ "jane@loop.test", "192.0.2.1", SPF_PERMERROR, false, "more than 10 terms" },
	{ "jane@bomb.test", "192.0.2.1", SPF_PERMERROR, false, "more than 10 terms" },
	{ "jane@ten.test", "203.0.113.9", SPF_PASS, false, NULL },
	{ "jane@eleven.test", "203.0.113.9", SPF_PERMERROR, false, "more than 10 terms" },
	{ "jane@two-voids.test", "203.0.113.9", SPF_PASS, false, NULL },
	{ "jane@three-voids.test", "203.0.113.9", SPF_PERMERROR, false, "more than 2 lookups" },
	{ "jane@mx-voids.test", "203.0.113.9", SPF_PASS, false, NULL },
	{ "jane@mx-voids.test", "2001:db8:9::9", SPF_PASS, false, NULL },
	{ "jane@many-mx.test", "203.0.113.9", SPF_PERMERROR, false, NULL },
	/* What goes wrong. */
	{ "jane@failing.test", "192.0.2.1", SPF_TEMPERROR, false, "DNS failed" },
	{ "jane@include-failing.test", "192.0.2.1", SPF_TEMPERROR, false, "DNS failed" },
	{ "jane@a-failing.test", "192.0.2.1", SPF_TEMPERROR, false, "DNS failed" },
	{ "jane@pass-then-failing.test", "192.0.2.1", SPF_PASS, false, NULL },
	{ "jane@lossy.test", "192.0.2.1", SPF_PASS, false, NULL },
	{ "jane@liar.test", "192.0.2.1", SPF_FAIL, false, NULL },
};

static void check_case(SpfDns *dns, const CheckCase *want)
{
	g_autofree char *reason = NULL;
	SpfAnswer answer = ask(dns, want->client, want->sender, &reason);

	g_test_message("%s from %s: %s, %s", want->sender, want->client, spf_result_name(answer.result), reason);
	g_assert_cmpstr(spf_result_name(answer.result), ==, spf_result_name(want->result));
	g_assert_cmpint(answer.broad, ==, want->broad);
	if (want->reason != NULL)
		g_assert_nonnull(strstr(reason != NULL ? reason : "", want->reason));
}

static void test_case(gconstpointer data)
{
	g_autoptr(Zone) zone = zone_new(records);
	SpfDns *dns = dns_new(zone);

	check_case(dns, data);
	/* And again, from memory. */
	check_case(dns, data);
	spf_dns_free(dns);
}

/* ---- what is asked, and how long ---- */

static void test_cached(void)
{
	g_autoptr(Zone) zone = zone_new(records);
	SpfDns *dns = dns_new(zone);
	g_autofree char *first = NULL, *second = NULL;
	guint asked;

	(void)ask(dns, "192.0.2.2", "jane@plain.test", &first);
	asked = zone_asked(zone, NULL);
	g_assert_cmpuint(asked, >, 0);
	(void)ask(dns, "192.0.2.2", "joe@PLAIN.test", &second);
	g_assert_cmpuint(zone_asked(zone, NULL), ==, asked);
	spf_dns_free(dns);
}

static void test_explanation(void)
{
	g_autoptr(Zone) zone = zone_new(records);
	SpfDns *dns = dns_new(zone);
	g_autofree char *reason = NULL;

	g_assert_cmpint(ask(dns, "192.0.2.1", "jane@exp.test", &reason).result, ==, SPF_FAIL);
	g_assert_cmpuint(zone_asked(zone, "exp.test"), ==, 1);
	g_assert_cmpuint(zone_asked(zone, NULL), ==, 1);
	spf_dns_free(dns);
}

/* Neither a loop nor a tree of includes makes this machine a source of traffic. */
static void test_bomb(void)
{
	static const char *const senders[] = { "jane@loop.test", "jane@bomb.test", "jane@many-mx.test" };

	for (guint i = 0; i < G_N_ELEMENTS(senders); i++) {
		g_autoptr(Zone) zone = zone_new(records);
		SpfDns *dns = dns_new(zone);
		g_autofree char *reason = NULL;

		(void)ask(dns, "203.0.113.9", senders[i], &reason);
		g_assert_cmpuint(zone_asked(zone, NULL), <=, 12);
		spf_dns_free(dns);
	}
}

static void test_loopback_asks_nobody(void)
{
	g_autoptr(Zone) zone = zone_new(records);
	SpfDns *dns = dns_new(zone);
	g_autofree char *reason = NULL;

	(void)ask(dns, "127.0.0.1", "jane@plain.test", &reason);
	g_assert_cmpuint(zone_asked(zone, NULL), ==, 0);
	spf_dns_free(dns);
}

static void test_helo(void)
{
	g_autoptr(Zone) zone = zone_new(records);
	SpfDns *dns = dns_new(zone);
	SpfQuestion question = { (char *)"192.0.2.1", (char *)"mail.example.com", (char *)"jane@helo.test", false };
	g_autofree char *named = NULL, *unnamed = NULL;

	g_assert_cmpint(spf_check(dns, &question, 2000, &named).result, ==, SPF_PASS);
	question.helo = NULL;
	g_assert_cmpint(spf_check(dns, &question, 2000, &unnamed).result, ==, SPF_PASS);
	g_assert_cmpuint(zone_asked(zone, "unknown.helo.test"), ==, 1);
	spf_dns_free(dns);
}

/* A name server that says nothing costs the time that was given, no more, and is asked again meanwhile. */
static void test_silent(void)
{
	g_autoptr(Zone) zone = zone_new(records);
	SpfDns *dns = dns_new(zone);
	const SpfQuestion question = { (char *)"192.0.2.1", NULL, (char *)"jane@silent.test", false };
	gint64 begin = g_get_monotonic_time(), took;
	g_autofree char *reason = NULL;
	SpfAnswer answer = spf_check(dns, &question, 300, &reason);

	took = (g_get_monotonic_time() - begin) / 1000;
	g_assert_cmpint(answer.result, ==, SPF_TEMPERROR);
	g_assert_cmpstr(reason, ==, "DNS did not answer in time");
	g_assert_cmpint(took, >=, 290);
	g_assert_cmpint(took, <, 2000);
	g_assert_cmpuint(zone_asked(zone, "silent.test"), ==, 3);
	spf_dns_free(dns);
}

/* Nobody listens: that is known at once. */
static void test_closed(void)
{
	Zone *zone = zone_new(records);
	SpfDns *dns = dns_new(zone);
	gint64 begin = g_get_monotonic_time();
	g_autofree char *reason = NULL;

	zone_free(zone);
	g_assert_cmpint(ask(dns, "192.0.2.1", "jane@plain.test", &reason).result, ==, SPF_TEMPERROR);
	g_assert_cmpint(g_get_monotonic_time() - begin, <, 1500 * 1000);
	spf_dns_free(dns);
}

static void test_no_time(void)
{
	g_autoptr(Zone) zone = zone_new(records);
	SpfDns *dns = dns_new(zone);
	const SpfQuestion question = { (char *)"192.0.2.1", NULL, (char *)"jane@plain.test", false };
	g_autofree char *reason = NULL;

	g_assert_cmpint(spf_check(dns, &question, 0, &reason).result, ==, SPF_TEMPERROR);
	g_assert_cmpuint(zone_asked(zone, NULL), ==, 0);
	spf_dns_free(dns);
}

/* Who has forged a sender gains nothing by having used the time up: what is known already still tells how broad the policy is. */
static void test_breadth_without_time(void)
{
	g_autoptr(Zone) zone = zone_new(records);
	SpfDns *dns = dns_new(zone);
	const SpfQuestion question = { (char *)"192.0.2.1", NULL, (char *)"jane@all-include.test", false };
	g_autofree char *first = NULL, *again = NULL;
	SpfAnswer answer;

	g_assert_true(spf_check(dns, &question, 2000, &first).broad);
	answer = spf_check(dns, &question, 0, &again);
	g_assert_cmpint(answer.result, ==, SPF_PASS);
	g_assert_true(answer.broad);
	spf_dns_free(dns);
}

/* After thousands of domains the helper still answers, and the memory is bounded: the first ones are asked for anew. */
static void test_cache_full(void)
{
	g_autoptr(Zone) zone = zone_new(records);
	SpfDns *dns = dns_new(zone);
	g_autofree char *again = NULL;

	for (guint i = 0; i < 4200; i++) {
		g_autofree char *sender = g_strdup_printf("jane@n%u.nowhere.test", i);
		g_autofree char *reason = NULL;

		g_assert_cmpint(ask(dns, "192.0.2.1", sender, &reason).result, ==, SPF_NONE);
	}
	(void)ask(dns, "192.0.2.1", "jane@n0.nowhere.test", &again);
	g_assert_cmpuint(zone_asked(zone, "n0.nowhere.test"), ==, 2);
	spf_dns_free(dns);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	for (guint i = 0; i < G_N_ELEMENTS(CASES); i++) {
		g_autofree char *path = g_strdup_printf("/spf-check/%s-%u", spf_result_name(CASES[i].result), i);

		g_test_add_data_func(path, &CASES[i], test_case);
	}
	g_test_add_func("/spf-check/second-question-sends-no-packet", test_cached);
	g_test_add_func("/spf-check/explanation-is-never-fetched", test_explanation);
	g_test_add_func("/spf-check/bomb-sends-few-packets", test_bomb);
	g_test_add_func("/spf-check/loopback-asks-nobody", test_loopback_asks_nobody);
	g_test_add_func("/spf-check/helo", test_helo);
	g_test_add_func("/spf-check/silent-server", test_silent);
	g_test_add_func("/spf-check/closed-port", test_closed);
	g_test_add_func("/spf-check/no-time-left", test_no_time);
	g_test_add_func("/spf-check/breadth-is-known-without-time", test_breadth_without_time);
	g_test_add_func("/spf-check/cache-is-bounded", test_cache_full);
	return g_test_run();
}
