/* dns: the bottom DNS layer below libspf2, over c-ares: a configured name server and port, budgets, a deadline, a cache. Layer:
 * spf. RFC 7208 sections 4.6.4 and 11, RFC 1035. Only the helper process uses it.
 *
 * libspf2 asks for one record set at a time and believes what it gets; everything that has to be bounded is bounded here:
 *   - at most 10 terms that look something up, at most 10 hosts for each mx; more is permerror. Of a ptr's names the first 10 count
 *   - at most 2 void lookups; more is permerror
 *   - one deadline for the whole question; past it, and where a server fails or is silent, temperror
 *   - only TXT records that are an SPF policy are passed on, at most one, at most 4,096 bytes, printable ASCII, with macros that
 *     follow RFC 7208 section 7.1 to the letter (libspf2 of 2022 miscounts in others); anything else is permerror. exp= is taken
 *     out: what a stranger wants explained is never fetched.
 * The cache keeps answers for their TTL (1 s to 1 h, negative ones at most 60 s), at most 4,096 of them; budgets count what comes
 * from the cache too. */
#ifndef OUTAGE_SPF_DNS_H
#define OUTAGE_SPF_DNS_H

#include <glib.h>
#include <stdbool.h>
#include <sys/types.h>
#include <netinet/in.h>
#include <spf2/spf.h>
#include <spf2/spf_dns.h>

#include "inspect/authentic.h"

typedef struct SpfDns SpfDns;

/* nameserver: "IP", "IP:PORT" or "[IPv6]:PORT"; NULL or "": those of the system. NULL with OUTAGE_ERROR_INVALID or _SYSTEM. */
SpfDns *spf_dns_new(const char *nameserver, GError **error);
void spf_dns_free(SpfDns *dns);

/* The layer as libspf2 wants it; owned by dns. */
SPF_dns_server_t *spf_dns_layer(SpfDns *dns);

/* Begins a question: budgets anew, deadline in timeout ms. */
void spf_dns_begin(SpfDns *dns, gint64 timeout);

/* For whom a policy is read. */
typedef struct {
	int family;          /* AF_INET or AF_INET6 */
	guint8 address[16];  /* 4 or 16 bytes in network order */
	const char *sender;  /* local@domain */
	const char *helo;
	const char *domain;  /* whose policy it is */
} SpfView;

/* Says for whom the policies are read from now on; domain is filled in by the layer. The texts have to stay until the next call. */
void spf_dns_client(SpfDns *dns, const SpfView *view);

/* What the layer has to say over libspf2's own result: SPF_UNASKED = nothing, SPF_TEMPERROR, SPF_PERMERROR; *reason (static) says
 * why. */
SpfResult spf_dns_verdict(const SpfDns *dns, const char **reason);

/* Reads one DNS message (size bytes, from the network) as the answer to a question for name and type (ns_t_a, _aaaa, _mx, _ptr,
 * _txt). Pure; the fuzz target's way in. Returns a record set of its own as libspf2 keeps them (SPF_dns_rr_free), with herrno
 * NETDB_SUCCESS, HOST_NOT_FOUND, NO_DATA or TRY_AGAIN; *ttl in seconds; *refused (static text or NULL): why its TXT is
 * permerror. */
SPF_dns_rr_t *spf_dns_read(const guint8 *message, gsize size, const char *name, int type, guint *ttl, const char **refused);

/* Returns text as a policy with exp= taken out, or NULL where it is no "v=spf1" record; *refused (static text) where it is one and
 * must not be given to libspf2. Caller frees. RFC 7208 sections 4.5, 4.6, 7.1. */
char *spf_policy_clean(const char *text, gsize size, const char **refused);

/* Returns policy (one that spf_policy_clean gave) as it reads for one client: macros but %{p} are put in (spf_expand); ip4 and ip6 are
 * left out where they do not match and become "all" where they do, and so do a and mx with a prefix of no bits (a domain with such a
 * term passes everybody; whether its name has an address at all is not asked). libspf2 does not know that prefix, and keeps only the
 * first 511 bytes of what it makes of a policy, silently. NULL with *refused (static text) where even so it is too long, or a
 * macro stands for what no name can hold. Caller frees. */
char *spf_policy_for(const char *policy, const SpfView *view, const char **refused);

/* Returns text (size bytes; a macro-string that spf_policy_clean let pass) with its macros but %{p} put in, cut on the left to the 253
 * bytes of a name. NULL with *refused (static text). Caller frees. RFC 7208 section 7.3. */
char *spf_expand(const char *text, gsize size, const SpfView *view, const char **refused);

#endif
