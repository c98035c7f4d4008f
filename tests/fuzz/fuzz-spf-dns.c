/* fuzz-spf-dns: any bytes as a DNS answer and as a policy: read without harm, and whatever is handed on to libspf2 is printable, of a
 * bounded size and reads the same when it is read again. The first byte chooses what was asked. */
#include <arpa/nameser.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>

#include "spf/dns.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_policy(const char *policy)
{
	static const guint8 addresses[][16] = { { 192, 0, 2, 1 }, { 0x20, 0x01, 0x0d, 0xb8, [15] = 1 } };
	const char *refused;
	g_autofree char *again = spf_policy_clean(policy, strlen(policy), &refused);

	g_assert_cmpstr(again, ==, policy);
	for (guint i = 0; i < G_N_ELEMENTS(addresses); i++) {
		SpfView view = {
			.family = i == 0 ? AF_INET : AF_INET6, .sender = "jane%{d}.doe@shop.example", .helo = "mail.shop.example",
			.domain = "_spf.shop.example"
		};
		g_autofree char *fitted = NULL;

		memcpy(view.address, addresses[i], sizeof view.address);
		fitted = spf_policy_for(policy, &view, &refused);
		g_assert_true((fitted == NULL) == (refused != NULL));
		g_assert_true(fitted == NULL || (strstr(fitted, " ip4") == NULL && strstr(fitted, " ip6") == NULL));
		for (const char *p = fitted; p != NULL && *p != '\0'; p++) {
			g_assert_true(*p >= 0x20 && *p < 0x7f);
			g_assert_true(p[0] != '%' || p[1] != '{' || g_ascii_tolower(p[2]) == 'p' || p[-1] == '%');
		}
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const int types[] = { ns_t_txt, ns_t_a, ns_t_aaaa, ns_t_mx, ns_t_ptr };
	const char *refused;
	g_autofree char *policy = NULL;
	SPF_dns_rr_t *set;
	int type;
	guint ttl;

	policy = spf_policy_clean((const char *)data, size, &refused);
	g_assert_true(policy == NULL || refused == NULL);
	if (policy != NULL)
		check_policy(policy);
	if (size == 0)
		return 0;
	type = types[data[0] % G_N_ELEMENTS(types)];
	set = spf_dns_read(data + 1, size - 1, "example.com", type, &ttl, &refused);
	g_assert_true((set->herrno == NETDB_SUCCESS) == (set->num_rr > 0));
	g_assert_true(refused == NULL || set->num_rr == 0);
	for (int i = 0; i < set->num_rr; i++) {
		if (type == ns_t_txt)
			check_policy(set->rr[i]->txt);
		else if (type == ns_t_mx || type == ns_t_ptr)
			g_assert_cmpuint(strlen(set->rr[i]->mx), >, 0);
	}
	g_assert_true(type != ns_t_txt || set->num_rr <= 1);
	SPF_dns_rr_free(set);
	return 0;
}
