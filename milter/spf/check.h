/* check: one SPF check with libspf2 over our own DNS layer. Layer: spf. RFC 7208 section 4. Only the helper process uses it. */
#ifndef OUTAGE_SPF_CHECK_H
#define OUTAGE_SPF_CHECK_H

#include <glib.h>

#include "inspect/authentic.h"
#include "spf/dns.h"

/* Answers question within timeout ms (and what a lookup in memory takes). *reason becomes one line for the log, or NULL; the
 * caller's to free. A client on loopback, a sender without a domain and the null sender are `none`, without asking anybody.
 *
 * broad: of a few addresses from all over the Internet nearly all pass, too; found out only for a pass and for
 * question->policy_only. For the latter result is what one of these addresses gets, so pass means broad; without a client, both
 * families are tried. */
SpfAnswer spf_check(SpfDns *dns, const SpfQuestion *question, gint64 timeout, char **reason);

#endif
