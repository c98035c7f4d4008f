/* test-spf-policy: which SPF policies libspf2 gets to see, and how; those it would take wrongly or could be hurt by it never
 * sees. */
#include "spf/dns.h"

#include <arpa/inet.h>
#include <spf2/spf_record.h>
#include <spf2/spf_request.h>
#include <spf2/spf_response.h>
#include <spf2/spf_server.h>
#include <string.h>

typedef struct {
	const char *name, *text;
	const char *clean;    /* NULL: not given to libspf2 */
	const char *refused;  /* part of why; NULL: it is no policy, or a good one */
} CleanCase;

#define TERM "a term of the policy"
#define NAME "a name in the policy"
#define PREFIX "prefix length"

static const CleanCase CLEAN[] = {
	{ "empty", "v=spf1", "v=spf1", NULL },
	{ "space-behind", "v=spf1   ", "v=spf1", NULL },
	{ "version-case", "V=SPF1 -ALL", "v=spf1 -all", NULL },
	{ "other-version", "v=spf10 -all", NULL, NULL },
	{ "other-text", "google-site-verification=abc", NULL, NULL },
	{ "leading-space", " v=spf1 -all", NULL, NULL },
	{ "spf2", "spf2.0/pra -all", NULL, NULL },
	{ "qualifiers", "v=spf1 +a -mx ~ptr ?all", "v=spf1 a -mx ~ptr ?all", NULL },
	{ "spaces", "v=spf1  a   mx", "v=spf1 a mx", NULL },
	{ "mechanisms", "v=spf1 include:a.example.com exists:%{i}.b.example.com a:c.example.com/24//64 mx/24 a//64 ptr:d.example.com",
	    "v=spf1 include:a.example.com exists:%{i}.b.example.com a:c.example.com/24//64 mx/24 a//64 ptr:d.example.com", NULL },
	{ "addresses", "v=spf1 ip4:192.0.2.1 ip4:192.0.2.0/24 ip6:2001:db8::/32 ip6:::1", "v=spf1 ip4:192.0.2.1 ip4:192.0.2.0/24 "
	    "ip6:2001:db8::/32 ip6:::1", NULL },
	{ "redirect-last", "v=spf1 redirect=a.example.com mx", "v=spf1 mx redirect=a.example.com", NULL },
	{ "redirect-with-all", "v=spf1 redirect=a.example.com -all", "v=spf1 -all", NULL },
	{ "behind-all", "v=spf1 -all a mx include:a.example.com", "v=spf1 -all", NULL },
	{ "behind-all-broken", "v=spf1 -all foo", NULL, TERM },
	{ "exp-taken-out", "v=spf1 exp=why.%{d} -all", "v=spf1 -all", NULL },
	{ "unknown-modifier-taken-out", "v=spf1 moo.cow-far_out=man:dog/cat a", "v=spf1 a", NULL },
	{ "macros", "v=spf1 exists:%{ir}.%{v}._spf.%{d2}.example.com exists:%{L1r+-}%%%_%-.%{o}",
	    "v=spf1 exists:%{ir}.%{v}._spf.%{d2}.example.com exists:%{L1r+-}%%%_%-.%{o}", NULL },
	{ "macro-and-prefix", "v=spf1 a:%{d}/24", "v=spf1 a:%{d}/24", NULL },
	{ "slash-in-macro", "v=spf1 a:%{l/}.example.com/24", "v=spf1 a:%{l/}.example.com/24", NULL },
	{ "dot-behind-name", "v=spf1 a:example.com.", "v=spf1 a:example.com.", NULL },
	{ "unknown-mechanism", "v=spf1 foo -all", NULL, TERM },
	{ "all-with-argument", "v=spf1 all:example.com", NULL, TERM },
	{ "include-bare", "v=spf1 include -all", NULL, TERM },
	{ "include-empty", "v=spf1 include: -all", NULL, NAME },
	{ "include-prefix", "v=spf1 include:example.com/24", NULL, NAME },
	{ "modifier-qualified", "v=spf1 -redirect=example.com", NULL, TERM },
	{ "redirect-twice", "v=spf1 redirect=a.example.com redirect=b.example.com", NULL, "twice" },
	{ "exp-twice", "v=spf1 exp=a.example.com exp=b.example.com -all", NULL, "twice" },
	{ "exp-empty", "v=spf1 exp= -all", NULL, NAME },
	{ "one-label", "v=spf1 a:localhost", NULL, NAME },
	{ "numeric-top-label", "v=spf1 a:192.0.2.1", NULL, NAME },
	{ "port", "v=spf1 a:example.com:8080", NULL, NAME },
	{ "macro-open", "v=spf1 exists:%{i", NULL, NAME },
	{ "macro-at-end", "v=spf1 exists:example.com%", NULL, NAME },
	{ "macro-letter", "v=spf1 exists:%{x}.example.com", NULL, NAME },
	{ "macro-empty", "v=spf1 exists:%{}.example.com", NULL, NAME },
	{ "macro-explanation-only", "v=spf1 exists:%{c}.example.com", NULL, NAME },
	{ "macro-no-labels", "v=spf1 exists:%{d0}.example.com", NULL, NAME },
	{ "macro-many-labels", "v=spf1 exists:%{d99999999999999999999}.example.com", NULL, NAME },
	{ "macro-twice-reversed", "v=spf1 exists:%{drr}.example.com", NULL, NAME },
	{ "macro-delimiter", "v=spf1 exists:%{d|}.example.com", NULL, NAME },
	{ "percent-escape", "v=spf1 exists:%2f.example.com", NULL, NAME },
	{ "ip4-short", "v=spf1 ip4:192.0.2", NULL, PREFIX },
	{ "ip4-prefix-large", "v=spf1 ip4:192.0.2.0/33", NULL, PREFIX },
	{ "ip4-prefix-zero-first", "v=spf1 ip4:192.0.2.0/024", NULL, PREFIX },
	{ "ip4-prefix-empty", "v=spf1 ip4:192.0.2.0/", NULL, PREFIX },
	{ "ip4-bare", "v=spf1 ip4", NULL, TERM },
	{ "ip6-in-ip4", "v=spf1 ip4:2001:db8::", NULL, PREFIX },
	{ "ip6-prefix-large", "v=spf1 ip6:2001:db8::/129", NULL, PREFIX },
	{ "a-prefix-large", "v=spf1 a/33", NULL, PREFIX },
	{ "a-prefix-huge", "v=spf1 a/99999999999999999999", NULL, PREFIX },
	{ "a-prefix-empty", "v=spf1 a/", NULL, TERM },
	{ "tab", "v=spf1 a\tmx", NULL, "printable" },
	{ "newline", "v=spf1 a\nmx", NULL, "printable" },
	{ "not-ascii", "v=spf1 a:ex\xc3\xa4mple.com", NULL, "printable" },
};

static void test_clean(gconstpointer data)
{
	const CleanCase *want = data;
	const char *refused = "unset";
	g_autofree char *exact = g_memdup2(want->text, strlen(want->text));
	g_autofree char *clean = spf_policy_clean(exact, strlen(want->text), &refused);

	g_assert_cmpstr(clean, ==, want->clean);
	if (want->refused == NULL)
		g_assert_cmpstr(refused, ==, NULL);
	else
		g_assert_nonnull(strstr(refused != NULL ? refused : "", want->refused));
}

static void test_nul(void)
{
	const char *refused;

	g_assert_null(spf_policy_clean("v=spf1 a\0 +all", 14, &refused));
	g_assert_nonnull(refused);
	g_assert_null(spf_policy_clean("v=spf1\0", 7, &refused));
	g_assert_null(refused);
}

/* A policy that is written again reads the same: what is kept in the cache is what was checked. */
static void test_stable(void)
{
	for (guint i = 0; i < G_N_ELEMENTS(CLEAN); i++) {
		const char *refused;
		g_autofree char *again = CLEAN[i].clean ? spf_policy_clean(CLEAN[i].clean, strlen(CLEAN[i].clean), &refused) : NULL;

		g_assert_cmpstr(again, ==, CLEAN[i].clean);
	}
}

static char *repeat(const char *begin, const char *term, guint times)
{
	GString *text = g_string_new(begin);

	while (times-- > 0)
		g_string_append(text, term);
	return g_string_free(text, FALSE);
}

static void test_long(void)
{
	g_autofree char *fits = repeat("v=spf1", " mx", (4096 - 6) / 3);
	g_autofree char *over = repeat("v=spf1", " mx", 4096 / 3);
	g_autofree char *name = repeat("v=spf1 a:", "abcdefg.", 64);
	g_autofree char *name_over = g_strconcat(name, "com", NULL);
	const char *refused;
	g_autofree char *clean = spf_policy_clean(fits, strlen(fits), &refused);

	g_assert_cmpstr(clean, ==, fits);
	g_assert_null(spf_policy_clean(over, strlen(over), &refused));
	g_assert_cmpstr(refused, ==, "the policy is longer than 4096 bytes");
	g_assert_null(spf_policy_clean(name_over, strlen(name_over), &refused));
	g_assert_nonnull(refused);
}

/* ---- for one client ---- */

typedef struct {
	const char *name, *policy, *client, *expected;
} ClientCase;

#define NIBBLES "f.1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2."

static const ClientCase CLIENTS[] = {
	{ "no-match", "v=spf1 ip4:192.0.2.0/24 ip6:2001:db8::/32 mx -all", "198.51.100.1", "v=spf1 mx -all " },
	{ "match", "v=spf1 mx ip4:192.0.2.0/24 -all", "192.0.2.200", "v=spf1 mx all " },
	{ "match-fail", "v=spf1 -ip4:192.0.2.0/24 +all", "192.0.2.200", "v=spf1 -all " },
	{ "match-exact", "v=spf1 ~ip4:192.0.2.7", "192.0.2.7", "v=spf1 ~all " },
	{ "no-match-exact", "v=spf1 ip4:192.0.2.7", "192.0.2.6", "v=spf1 " },
	{ "odd-prefix", "v=spf1 ip4:192.0.2.0/25", "192.0.2.128", "v=spf1 " },
	{ "odd-prefix-match", "v=spf1 ip4:192.0.2.0/25", "192.0.2.127", "v=spf1 all " },
	{ "all-ip4", "v=spf1 ip4:10.1.2.3/0", "192.0.2.1", "v=spf1 all " },
	{ "all-ip4-other-family", "v=spf1 ip4:0.0.0.0/0 a", "2001:db8::1", "v=spf1 a " },
	{ "ip6", "v=spf1 ip6:2001:db8::/33 ip6:2001:db8:8000::/33", "2001:db8:8000::1", "v=spf1 all " },
	{ "all-ip6", "v=spf1 ?ip6:::/0", "2001:db8::1", "v=spf1 ?all " },
	{ "a-all", "v=spf1 a:example.com/0 mx", "192.0.2.1", "v=spf1 all " },
	{ "a-all-other-family", "v=spf1 a/0 mx", "2001:db8::1", "v=spf1 a mx " },
	{ "mx-all-ip6", "v=spf1 a/24 -mx//0", "2001:db8::1", "v=spf1 a -all " },
	{ "lengths-ip4", "v=spf1 a/24//64 mx:example.com//64", "192.0.2.1", "v=spf1 a/24 mx:example.com " },
	{ "lengths-ip6", "v=spf1 a/24//64 mx:example.com/24", "2001:db8::1", "v=spf1 a//64 mx:example.com " },
	{ "redirect", "v=spf1 ip4:192.0.2.0/24 redirect=example.com", "198.51.100.1", "v=spf1 redirect=example.com " },
	/* RFC 7208 section 7: for jane.doe+web@sub.shop.example, with the policy of _spf.shop.example. */
	{ "macro-sender", "v=spf1 exists:%{s}.x.example", "192.0.2.3", "v=spf1 exists:jane.doe+web@sub.shop.example.x.example " },
	{ "macro-parts", "v=spf1 exists:%{l}.%{o}.%{d}.%{h}.%{v}.x.example", "192.0.2.3",
	    "v=spf1 exists:jane.doe+web.sub.shop.example._spf.shop.example.mail.shop.example.in-addr.x.example " },
	{ "macro-fewer-labels", "v=spf1 exists:%{d1}.%{d2}.x.example", "192.0.2.3", "v=spf1 exists:example.shop.example.x.example " },
	{ "macro-as-many-labels", "v=spf1 include:_spf.%{d3} -all", "192.0.2.3", "v=spf1 include:_spf._spf.shop.example -all " },
	{ "macro-more-labels", "v=spf1 include:_spf.%{d9} -all", "192.0.2.3", "v=spf1 include:_spf._spf.shop.example -all " },
	{ "macro-reversed", "v=spf1 exists:%{dr}.%{d2r}.x.example", "192.0.2.3",
	    "v=spf1 exists:example.shop._spf.shop._spf.x.example " },
	{ "macro-delimiters", "v=spf1 exists:%{l1r+}.%{l+}.%{l-}.%{l1}.%{lr}.x.example", "192.0.2.3",
	    "v=spf1 exists:jane.doe.jane.doe.web.jane.doe+web.doe+web.doe+web.jane.x.example " },
	{ "macro-address", "v=spf1 exists:%{i4}.%{ir}.%{i2r}.x.example", "192.0.2.3",
	    "v=spf1 exists:192.0.2.3.3.2.0.192.0.192.x.example " },
	{ "macro-address6", "v=spf1 exists:%{ir}.%{v}.x.example", "2001:db8::1f",
	    "v=spf1 exists:f.1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.x.example " },
	{ "macro-escaped", "v=spf1 exists:%{L}.x.example", "192.0.2.3", "v=spf1 exists:jane.doe%%2Bweb.x.example " },
	{ "macro-literals", "v=spf1 exists:%%%_%-.x.example", "192.0.2.3", "v=spf1 exists:%%%_%-.x.example " },
	{ "macro-redirect", "v=spf1 redirect=%{d2}", "192.0.2.3", "v=spf1 redirect=shop.example " },
	{ "macro-before-a-prefix", "v=spf1 a:%{d2}/24 -all", "192.0.2.3", "v=spf1 a:shop.example/24 -all " },
	{ "macro-left-to-libspf2", "v=spf1 exists:%{p}.x.example", "192.0.2.3", "v=spf1 exists:%{p}.x.example " },
	{ "macro-too-long", "v=spf1 exists:%{l}.%{ir}.%{ir}.%{ir}.%{ir}.x.example", "2001:db8::1f",
	    "v=spf1 exists:0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2." NIBBLES NIBBLES NIBBLES "x.example " },
};

static char *read_for(const char *policy, const char *client, const char **refused)
{
	SpfView view = {
		.family = strchr(client, ':') != NULL ? AF_INET6 : AF_INET, .sender = "jane.doe+web@sub.shop.example",
		.helo = "mail.shop.example", .domain = "_spf.shop.example",
	};

	g_assert_cmpint(inet_pton(view.family, client, view.address), ==, 1);
	return spf_policy_for(policy, &view, refused);
}

static void test_client(gconstpointer data)
{
	const ClientCase *want = data;
	const char *refused;
	g_autofree char *policy = read_for(want->policy, want->client, &refused);

	g_assert_cmpstr(policy, ==, want->expected);
	g_assert_null(refused);
}

/* The sender and the HELO name are a stranger's words: they must not become part of the policy. */
static void test_strangers_words_stay_names(void)
{
	static const char *const senders[] = {
		"a/0@shop.example", "a b@shop.example", "x:y@shop.example", "\"q\"@shop.example", "a\\b@shop.example", "j\303\266@shop.example",
		"(a)@shop.example", "a,b@shop.example",
	};
	const char *refused;

	for (guint i = 0; i < G_N_ELEMENTS(senders); i++) {
		SpfView view = { AF_INET, { 192, 0, 2, 3 }, senders[i], "mail.example", "shop.example" };

		g_assert_null(spf_policy_for("v=spf1 a:%{l}.x.example -all", &view, &refused));
		g_assert_nonnull(refused);
	}
	SpfView view = { AF_INET, { 192, 0, 2, 3 }, "%{d}@shop.example", "mail.example", "shop.example" };
	g_autofree char *policy = spf_policy_for("v=spf1 exists:%{l}.x.example -all", &view, &refused);

	g_assert_cmpstr(policy, ==, "v=spf1 exists:%%{d}.x.example -all ");
	g_assert_null(spf_policy_for("v=spf1 exists:%{p2}.x.example -all", &view, &refused));
	g_assert_nonnull(refused);
}

/* Big senders list hundreds of networks; libspf2 keeps some sixty and drops the rest without a word. */
static void test_many_networks(void)
{
	g_autofree char *networks = repeat("v=spf1", " ip4:198.51.100.0/28", 190);
	g_autofree char *policy = g_strconcat(networks, " ip4:192.0.2.1 -all", NULL);
	const char *refused;
	g_autofree char *inside = read_for(policy, "192.0.2.1", &refused);
	g_autofree char *outside = read_for(policy, "192.0.2.2", &refused);

	g_assert_cmpstr(inside, ==, "v=spf1 all ");
	g_assert_cmpstr(outside, ==, "v=spf1 -all ");
}

static void test_too_many_mechanisms(void)
{
	g_autofree char *many = repeat("v=spf1", " include:a-name-of-some-length-in-dns.example.com", 20);
	g_autofree char *few = repeat("v=spf1", " include:a-name-of-some-length-in-dns.example.com", 8);
	const char *refused;
	g_autofree char *kept = read_for(few, "192.0.2.1", &refused);

	g_assert_nonnull(kept);
	g_assert_null(read_for(many, "192.0.2.1", &refused));
	g_assert_cmpstr(refused, ==, "the policy has more mechanisms than can be checked");
}

/* Returns how many terms of policy libspf2 has in memory after it has read it. */
static guint count_kept(SPF_server_t *server, const char *policy)
{
	SPF_request_t *request = SPF_request_new(server);
	SPF_response_t *response = SPF_response_new(request);
	SPF_record_t *record = NULL;
	guint count;

	g_assert_cmpint(SPF_record_compile(server, response, &record, policy), ==, SPF_E_SUCCESS);
	count = (guint)record->num_mech;
	SPF_record_free(record);
	SPF_response_free(response);
	SPF_request_free(request);
	return count;
}

/* A last term that libspf2 drops without a word turns "-all" into nothing. Of names of every length, plain and with macros, as many
 * as are let through, it has to keep all. */
static void test_last_term_is_kept(void)
{
	static const char *const terms[] = { " a:@.example.com", " exists:%{ir}.@.%{d2}.a.example", " a:%-@%_.example.com/24" };
	SPF_server_t *server = SPF_server_new(SPF_DNS_ZONE, 0);
	guint read = 0;

	for (guint i = 0; i < G_N_ELEMENTS(terms) * 30 * 40; i++) {
		g_autofree char *label = g_strnfill(1 + i % 30, 'x');
		g_auto(GStrv) parts = g_strsplit(terms[i / 30 % G_N_ELEMENTS(terms)], "@", 2);
		g_autofree char *term = g_strjoinv(label, parts);
		guint times = 1 + i / 30 / G_N_ELEMENTS(terms);
		g_autofree char *many = repeat("v=spf1", term, times);
		g_autofree char *policy = g_strconcat(many, " -all", NULL);
		const char *refused;
		g_autofree char *passed_on = read_for(policy, "192.0.2.1", &refused);

		if (passed_on == NULL)
			continue;
		read++;
		g_assert_cmpuint(count_kept(server, passed_on), ==, times + 1);
	}
	g_assert_cmpuint(read, >, 0);
	SPF_server_free(server);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	for (guint i = 0; i < G_N_ELEMENTS(CLEAN); i++) {
		g_autofree char *path = g_strconcat("/spf-policy/clean/", CLEAN[i].name, NULL);

		g_test_add_data_func(path, &CLEAN[i], test_clean);
	}
	g_test_add_func("/spf-policy/client/strangers-words-stay-names", test_strangers_words_stay_names);
	g_test_add_func("/spf-policy/clean/nul-hides-nothing", test_nul);
	g_test_add_func("/spf-policy/clean/reads-the-same-again", test_stable);
	g_test_add_func("/spf-policy/clean/too-long", test_long);
	for (guint i = 0; i < G_N_ELEMENTS(CLIENTS); i++) {
		g_autofree char *path = g_strconcat("/spf-policy/client/", CLIENTS[i].name, NULL);

		g_test_add_data_func(path, &CLIENTS[i], test_client);
	}
	g_test_add_func("/spf-policy/client/many-networks", test_many_networks);
	g_test_add_func("/spf-policy/client/more-than-libspf2-keeps", test_too_many_mechanisms);
	g_test_add_func("/spf-policy/client/last-term-is-kept", test_last_term_is_kept);
	return g_test_run();
}
