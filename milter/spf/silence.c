/* silence: remembers whose DNS was silent (see silence.h). Layer: spf. */
#include "spf/silence.h"

#include <string.h>

#include "base/address.h"

#define DOMAIN_US (30 * G_USEC_PER_SEC)
#define DOMAINS_MAX 4096
#define RESOLVER_US (60 * G_USEC_PER_SEC)
#define RESOLVER_AFTER 3 /* silent ones in a row */

struct SpfSilence {
	GHashTable *domains;  /* name -> until when (gint64 *) */
	guint in_a_row;
	gint64 resolver_until;
};

SpfSilence *spf_silence_new(void)
{
	SpfSilence *silence = g_new0(SpfSilence, 1);

	silence->domains = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
	return silence;
}

void spf_silence_free(SpfSilence *silence)
{
	if (silence == NULL)
		return;
	g_hash_table_unref(silence->domains);
	g_free(silence);
}

/* Subdomains cost their owner nothing, so the organisational domain is what is remembered. NULL: nothing to remember. */
static char *domain_of(const SpfQuestion *question)
{
	const char *at = strrchr(question->sender, '@');
	g_autofree char *domain = at != NULL ? domain_to_ascii(at + 1) : NULL;
	char *organisation = domain != NULL ? domain_organisational(domain) : NULL;

	return organisation != NULL ? organisation : g_steal_pointer(&domain);
}

bool spf_silence_holds(SpfSilence *silence, const SpfQuestion *question, gint64 now)
{
	g_autofree char *domain = domain_of(question);
	const gint64 *until = domain != NULL ? g_hash_table_lookup(silence->domains, domain) : NULL;

	return (until != NULL && *until > now) || (question->policy_only && silence->resolver_until > now);
}

void spf_silence_note(SpfSilence *silence, const SpfQuestion *question, gint64 now, bool silent)
{
	g_autofree char *domain = domain_of(question);
	gint64 *until;

	if (domain == NULL)
		return;
	if (!silent) {
		silence->in_a_row = 0;
		silence->resolver_until = 0;
		g_hash_table_remove(silence->domains, domain);
		return;
	}
	/* Whoever fills it gains a fresh start for all and no more. */
	if (g_hash_table_size(silence->domains) >= DOMAINS_MAX)
		g_hash_table_remove_all(silence->domains);
	until = g_new(gint64, 1);
	*until = now + DOMAIN_US;
	g_hash_table_replace(silence->domains, g_steal_pointer(&domain), until);
	if (++silence->in_a_row >= RESOLVER_AFTER)
		silence->resolver_until = now + RESOLVER_US;
}
