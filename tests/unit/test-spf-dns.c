/* test-spf-dns: what is believed of a DNS answer: records that belong to what was asked, and no policy that was tampered with,
 * doubled or torn. */
#include "spf/dns.h"

#include <arpa/inet.h>
#include <string.h>

#include "base/error.h"
#include "dns-fixture.h"

/* The answer as text: "state ttl: data, data", or "refused: why". */
static char *dump(const GByteArray *packet, gsize size, const char *name, int type)
{
	g_autofree guint8 *exact = g_memdup2(packet->data, size);
	g_autoptr(GString) out = g_string_new(NULL);
	const char *refused;
	char text[INET6_ADDRSTRLEN];
	guint ttl;
	SPF_dns_rr_t *set = spf_dns_read(exact, size, name, type, &ttl, &refused);

	if (refused != NULL)
		g_string_printf(out, "refused: %s", refused);
	else
		g_string_printf(out, "%s %u:", set->herrno == NETDB_SUCCESS ? "found" : set->herrno == NO_DATA ? "nothing" :
		    set->herrno == HOST_NOT_FOUND ? "no such name" : "try again", ttl);
	g_assert_true(refused == NULL || set->num_rr == 0);
	for (int i = 0; i < set->num_rr; i++) {
		const SPF_dns_rr_data_t *data = set->rr[i];
		const char *shown = type == ns_t_a ? inet_ntop(AF_INET, &data->a, text, sizeof(text)) :
		    type == ns_t_aaaa ? inet_ntop(AF_INET6, &data->aaaa, text, sizeof(text)) : data->txt;

		g_string_append_printf(out, "%s %s", i > 0 ? "," : "", shown);
	}
	SPF_dns_rr_free(set);
	return g_string_free(g_steal_pointer(&out), FALSE);
}

#define TRY "try again 0:"

typedef struct {
	const char *name, *asked;
	int type;
	struct { const char *owner; int type; guint32 ttl; const char *text; } records[4];
	const char *expected;
} AnswerCase;

static const AnswerCase ANSWERS[] = {
	{ "a", "example.com", ns_t_a, { { "example.com", ns_t_a, 60, "192.0.2.1" }, { "example.com", ns_t_a, 30, "192.0.2.2" } },
	    "found 30: 192.0.2.1, 192.0.2.2" },
	{ "aaaa", "example.com", ns_t_aaaa, { { "example.com", ns_t_aaaa, 60, "2001:db8::1" } }, "found 60: 2001:db8::1" },
	{ "mx", "example.com", ns_t_mx, { { "example.com", ns_t_mx, 60, "10 mx.example.com" } }, "found 60: mx.example.com" },
	{ "mx-none", "example.com", ns_t_mx, { { "example.com", ns_t_mx, 60, "0 " } }, "nothing 0:" },
	{ "ptr", "1.2.0.192.in-addr.arpa", ns_t_ptr, { { "1.2.0.192.in-addr.arpa", ns_t_ptr, 60, "h.example.com" } },
	    "found 60: h.example.com" },
	{ "txt", "example.com", ns_t_txt, { { "example.com", ns_t_txt, 60, "v=spf1 a -all" } }, "found 60: v=spf1 a -all" },
	{ "txt-other", "example.com", ns_t_txt, { { "example.com", ns_t_txt, 60, "verification=1" } }, "nothing 0:" },
	{ "txt-among-others", "example.com", ns_t_txt, { { "example.com", ns_t_txt, 60, "x" },
	    { "example.com", ns_t_txt, 60, "v=spf1 -all" }, { "example.com", ns_t_txt, 60, "" } }, "found 60: v=spf1 -all" },
	{ "several", "example.com", ns_t_txt, { { "example.com", ns_t_txt, 60, "v=spf1 a -all" },
	    { "example.com", ns_t_txt, 60, "V=SPF1 +all" } }, "refused: the domain has several policies" },
	{ "several-one-broken", "example.com", ns_t_txt, { { "example.com", ns_t_txt, 60, "v=spf1 foo" },
	    { "example.com", ns_t_txt, 60, "v=spf1 +all" } }, "refused: the domain has several policies" },
	{ "broken-policy", "example.com", ns_t_txt, { { "example.com", ns_t_txt, 60, "v=spf1 foo" } },
	    "refused: a term of the policy is not what RFC 7208 allows" },
	{ "case", "example.com", ns_t_a, { { "EXAMPLE.com", ns_t_a, 60, "192.0.2.1" } }, "found 60: 192.0.2.1" },
	{ "other-owner", "example.com", ns_t_a, { { "evil.example", ns_t_a, 60, "192.0.2.1" } }, "nothing 0:" },
	{ "other-type", "example.com", ns_t_a, { { "example.com", ns_t_txt, 60, "v=spf1 +all" } }, "nothing 0:" },
	{ "alias", "example.com", ns_t_a, { { "example.com", ns_t_cname, 20, "b.example" }, { "b.example", ns_t_a, 60, "192.0.2.1" } },
	    "found 20: 192.0.2.1" },
	{ "alias-unordered", "example.com", ns_t_a, { { "c.example", ns_t_a, 60, "192.0.2.1" },
	    { "b.example", ns_t_cname, 10, "c.example" }, { "example.com", ns_t_cname, 20, "b.example" } }, "found 10: 192.0.2.1" },
	{ "alias-elsewhere", "example.com", ns_t_a, { { "example.com", ns_t_cname, 20, "b.example" },
	    { "c.example", ns_t_a, 60, "192.0.2.1" } }, "nothing 0:" },
	{ "alias-circle", "example.com", ns_t_a, { { "example.com", ns_t_cname, 20, "b.example" },
	    { "b.example", ns_t_cname, 20, "example.com" } }, TRY },
	{ "ttl-negative", "example.com", ns_t_a, { { "example.com", ns_t_a, 0x80000001u, "192.0.2.1" } }, "found 0: 192.0.2.1" },
};

static GByteArray *packet_of(const AnswerCase *want)
{
	GByteArray *packet = packet_new(1, PACKET_ANSWER, want->asked, want->type);

	for (guint i = 0; i < G_N_ELEMENTS(want->records) && want->records[i].owner != NULL; i++)
		packet_append_text(packet, want->records[i].owner, want->records[i].type, want->records[i].ttl, want->records[i].text);
	return packet;
}

static void test_answer(gconstpointer data)
{
	const AnswerCase *want = data;
	g_autoptr(GByteArray) packet = packet_of(want);
	g_autofree char *got = dump(packet, packet->len, want->asked, want->type);

	g_assert_cmpstr(got, ==, want->expected);
}

/* Whatever is cut off an answer, what is left is never taken for one. */
static void test_torn(void)
{
	for (guint i = 0; i < G_N_ELEMENTS(ANSWERS); i++) {
		g_autoptr(GByteArray) packet = packet_of(&ANSWERS[i]);

		for (gsize size = 0; size < packet->len; size++) {
			g_autofree char *got = dump(packet, size, ANSWERS[i].asked, ANSWERS[i].type);

			g_assert_cmpstr(got, ==, TRY);
		}
	}
}

typedef struct {
	const char *name;
	guint flags;
	const char *expected;
} FlagsCase;

static const FlagsCase FLAGS[] = {
	{ "no-such-name", PACKET_ANSWER | ns_r_nxdomain, "no such name 0:" },
	{ "servfail", PACKET_ANSWER | ns_r_servfail, TRY },
	{ "refused", PACKET_ANSWER | ns_r_refused, TRY },
	{ "query", 0x0100, TRY },
	{ "truncated", PACKET_ANSWER | 0x0200, TRY },
	{ "other-opcode", PACKET_ANSWER | 0x2000, TRY },
};

static void test_flags(gconstpointer data)
{
	const FlagsCase *want = data;
	g_autoptr(GByteArray) packet = packet_new(1, want->flags, "example.com", ns_t_txt);
	g_autofree char *got = NULL;

	packet_append_text(packet, "example.com", ns_t_txt, 60, "v=spf1 +all");
	got = dump(packet, packet->len, "example.com", ns_t_txt);
	g_assert_cmpstr(got, ==, want->expected);
}

static void test_other_question(void)
{
	g_autoptr(GByteArray) packet = packet_new(1, PACKET_ANSWER, "example.com", ns_t_txt);
	g_autofree char *name = NULL, *type = NULL;

	packet_append_text(packet, "example.com", ns_t_txt, 60, "v=spf1 +all");
	name = dump(packet, packet->len, "example.org", ns_t_txt);
	type = dump(packet, packet->len, "example.com", ns_t_a);
	g_assert_cmpstr(name, ==, TRY);
	g_assert_cmpstr(type, ==, TRY);
}

/* A record count the message does not hold is a broken message, and not read beyond it. */
static void test_counts(void)
{
	g_autoptr(GByteArray) packet = packet_new(1, PACKET_ANSWER, "example.com", ns_t_a);
	g_autofree char *got = NULL;

	packet_append_text(packet, "example.com", ns_t_a, 60, "192.0.2.1");
	packet->data[6] = packet->data[7] = 0xff;
	got = dump(packet, packet->len, "example.com", ns_t_a);
	g_assert_cmpstr(got, ==, TRY);
}

static void test_broken_data(void)
{
	static const struct { int type; const char *data; gsize size; } broken[] = {
		{ ns_t_a, "\1\2\3", 3 }, { ns_t_a, "\1\2\3\4\5", 5 }, { ns_t_aaaa, "\1\2\3\4", 4 }, { ns_t_mx, "\0", 1 },
		{ ns_t_mx, "\0\12\3abc\0\0", 8 }, { ns_t_ptr, "\3ab", 3 }, { ns_t_ptr, "\xc0\xff", 2 }, { ns_t_txt, "\5v=sp", 5 },
	};

	for (guint i = 0; i < G_N_ELEMENTS(broken); i++) {
		g_autoptr(GByteArray) packet = packet_new(1, PACKET_ANSWER, "example.com", broken[i].type);
		g_autofree char *got = NULL;

		packet_append_record(packet, 1, "example.com", broken[i].type, 60, broken[i].data, broken[i].size);
		got = dump(packet, packet->len, "example.com", broken[i].type);
		g_assert_cmpstr(got, ==, TRY);
	}
}

/* A name that points to itself must not hold the reader. */
static void test_pointer_circle(void)
{
	g_autoptr(GByteArray) packet = packet_new(1, PACKET_ANSWER, "example.com", ns_t_ptr);
	guint8 pointer[2];
	g_autofree char *got = NULL;

	pointer[0] = 0xc0;
	/* Where the data of the record to come will be: name, type, class, TTL and length are in front of it. */
	pointer[1] = (guint8)(packet->len + 13 + 10);
	packet_append_record(packet, 1, "example.com", ns_t_ptr, 60, pointer, sizeof(pointer));
	got = dump(packet, packet->len, "example.com", ns_t_ptr);
	g_assert_cmpstr(got, ==, TRY);
}

/* RFC 2308: for how long there is nothing is the smaller of the SOA's TTL and its last number. */
static void test_negative_ttl(void)
{
	static const guint8 soa[] = { 0, 0, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3, 0, 0, 0, 4, 0, 0, 0, 42 };
	g_autoptr(GByteArray) packet = packet_new(1, PACKET_ANSWER | ns_r_nxdomain, "a.example.com", ns_t_a);
	g_autofree char *got = NULL;

	packet_append_record(packet, 2, "example.com", ns_t_soa, 900, soa, sizeof(soa));
	got = dump(packet, packet->len, "a.example.com", ns_t_a);
	g_assert_cmpstr(got, ==, "no such name 42:");
}

/* A policy that a macro makes longer than a string of TXT is glued together without a gap. */
static void test_glued(void)
{
	g_autofree char *filler = g_strnfill(200, 'a');
	g_autofree char *policy = g_strdup_printf("v=spf1 x=%s y=%s mx -all", filler, filler);
	g_autoptr(GByteArray) packet = packet_new(1, PACKET_ANSWER, "example.com", ns_t_txt);
	g_autofree char *got = NULL;

	packet_append_text(packet, "example.com", ns_t_txt, 60, policy);
	got = dump(packet, packet->len, "example.com", ns_t_txt);
	g_assert_cmpstr(got, ==, "found 60: v=spf1 mx -all");
}

/* ---- the name server's address ---- */

static void test_nameservers(void)
{
	static const char *const good[] = { "", "192.0.2.1", "192.0.2.1:5353", "2001:db8::1", "[2001:db8::1]", "[::1]:5353" };
	static const char *const bad[] = {
		"localhost", "192.0.2", "192.0.2.1:", "192.0.2.1:0", "192.0.2.1:65536", "192.0.2.1:53,192.0.2.2", "[::1", "[::1]53",
		"[::1]:", "[192.0.2.1]:53", ":53", "fe80::1%lo",
	};

	for (guint i = 0; i < G_N_ELEMENTS(good); i++) {
		g_autoptr(GError) error = NULL;
		SpfDns *dns = spf_dns_new(good[i], &error);

		g_assert_no_error(error);
		spf_dns_free(dns);
	}
	for (guint i = 0; i < G_N_ELEMENTS(bad); i++) {
		g_autoptr(GError) error = NULL;

		g_assert_null(spf_dns_new(bad[i], &error));
		g_assert_error(error, OUTAGE_ERROR, OUTAGE_ERROR_INVALID);
	}
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	for (guint i = 0; i < G_N_ELEMENTS(ANSWERS); i++) {
		g_autofree char *path = g_strconcat("/spf-dns/answer/", ANSWERS[i].name, NULL);

		g_test_add_data_func(path, &ANSWERS[i], test_answer);
	}
	for (guint i = 0; i < G_N_ELEMENTS(FLAGS); i++) {
		g_autofree char *path = g_strconcat("/spf-dns/flags/", FLAGS[i].name, NULL);

		g_test_add_data_func(path, &FLAGS[i], test_flags);
	}
	g_test_add_func("/spf-dns/torn", test_torn);
	g_test_add_func("/spf-dns/answer-to-another-question", test_other_question);
	g_test_add_func("/spf-dns/more-records-than-there-are", test_counts);
	g_test_add_func("/spf-dns/broken-data", test_broken_data);
	g_test_add_func("/spf-dns/name-that-points-to-itself", test_pointer_circle);
	g_test_add_func("/spf-dns/negative-ttl", test_negative_ttl);
	g_test_add_func("/spf-dns/glued-strings", test_glued);
	g_test_add_func("/spf-dns/nameservers", test_nameservers);
	return g_test_run();
}
