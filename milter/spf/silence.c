/* silence: remembers whose DNS was silent (see silence.h). Layer: spf. */
#include "spf/silence.h"

#include <string.h>

#include "base/address.h"

#define KEY_US (20 * G_USEC_PER_SEC)
#define KEYS_MAX 4096
#define RESOLVER_US (60 * G_USEC_PER_SEC)
#define RESOLVER_AFTER 3 /* silent ones in a row */

struct SpfSilence {
	GHashTable *keys;     /* key_of() -> until when (gint64 *) */
	guint in_a_row;
	gint64 resolver_until;
};

SpfSilence *spf_silence_new(void)
{
	SpfSilence *silence = g_new0(SpfSilence, 1);

	silence->keys = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
	return silence;
}

void spf_silence_free(SpfSilence *silence)
{
	if (silence == NULL)
		return;
	g_hash_table_unref(silence->keys);
	g_free(silence);
}

/* Subdomains cost their owner nothing, so it is the organisational domain that is remembered. NULL: nothing to remember. */
static char *key_of(const SpfQuestion *question)
{
	const char *at = strrchr(question->sender, '@');
	g_autofree char *domain = at != NULL ? domain_to_ascii(at + 1) : NULL;
	g_autofree char *organisation = domain != NULL ? domain_organisational(domain) : NULL;

	if (domain == NULL)
		return NULL;
	return g_strconcat(organisation != NULL ? organisation : domain, " ", question->client != NULL ? question->client : "-", NULL);
}

bool spf_silence_holds(SpfSilence *silence, const SpfQuestion *question, gint64 now)
{
	g_autofree char *key = key_of(question);
	const gint64 *until = key != NULL ? g_hash_table_lookup(silence->keys, key) : NULL;

	return (until != NULL && *until > now) || (question->policy_only && silence->resolver_until > now);
}

void spf_silence_note(SpfSilence *silence, const SpfQuestion *question, gint64 now, bool silent)
{
	g_autofree char *key = key_of(question);
	gint64 *until;

	if (key == NULL)
		return;
	if (!silent) {
		silence->in_a_row = 0;
		silence->resolver_until = 0;
		g_hash_table_remove(silence->keys, key);
		return;
	}
	/* Whoever fills it gains a fresh start for all and no more. */
	if (g_hash_table_size(silence->keys) >= KEYS_MAX)
		g_hash_table_remove_all(silence->keys);
	until = g_new(gint64, 1);
	*until = now + KEY_US;
	g_hash_table_replace(silence->keys, g_steal_pointer(&key), until);
	if (++silence->in_a_row >= RESOLVER_AFTER)
		silence->resolver_until = now + RESOLVER_US;
}
