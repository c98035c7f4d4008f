/* optout: the plus-address by which somebody stops further notices (see optout.h). Layer: mail. Pure. RFC 2369 section 3.2, RFC 5233,
 * RFC 5321 section 4.5.3.1.1.
 *
 * It stands in every notice, so whoever forwards one hands it on: the worst that comes of that is one notice less for the one who
 * forwarded it. Nothing in it can be turned back into an address. */
#include "mail/optout.h"

#include <string.h>

#include "base/address.h"

#define MARK "+stop-"
#define HASH_DIGITS 16
#define INCIDENT_DIGITS 8
#define TAG_DIGITS 8
#define ALL_DIGITS (HASH_DIGITS + INCIDENT_DIGITS + TAG_DIGITS)
#define LOCAL_MAX 64

static char *make_incident(const char *id)
{
	g_autofree char *digest = g_compute_checksum_for_string(G_CHECKSUM_SHA256, id, -1);

	return g_strndup(digest, INCIDENT_DIGITS);
}

static char *make_tag(const Secret *secret, const char *hash, const char *incident)
{
	g_autofree char *data = g_strconcat("stop\n", hash, "\n", incident, NULL);
	g_autofree char *mac = secret_hmac(secret, data, -1);

	return g_strndup(mac, TAG_DIGITS);
}

char *optout_address_make(const Secret *secret, const char *support, const char *hash, const char *id)
{
	const char *at = strrchr(support, '@');
	g_autofree char *name = optout_tag(hash);
	g_autofree char *incident = make_incident(id);
	g_autofree char *tag = make_tag(secret, name, incident);

	/* A quoted local part would need its tag within the quotes, and few programs would still find the address. */
	if (at == NULL || at == support || *support == '"' || (gsize)(at - support) + strlen(MARK) + ALL_DIGITS > LOCAL_MAX)
		return NULL;
	return g_strdup_printf("%.*s" MARK "%s%s%s%s", (int)(at - support), support, name, incident, tag, at);
}

static bool are_hex(const char *text, gsize count)
{
	for (gsize i = 0; i < count; i++)
		if (!g_ascii_isdigit(text[i]) && (text[i] < 'a' || text[i] > 'f'))
			return false;
	return true;
}

/* Returns the digits of rcpt in lower case, as a server on the way may have changed them, or NULL where it has not the form; caller
 * frees. */
static char *read_form(const char *rcpt)
{
	g_autofree char *normal = address_normal_text(rcpt);
	const char *at = normal != NULL ? strrchr(normal, '@') : NULL;
	gsize tail = strlen(MARK) + ALL_DIGITS;

	if (at == NULL || (gsize)(at - normal) <= tail || *normal == '"' || memcmp(at - tail, MARK, strlen(MARK)) != 0 ||
	    !are_hex(at - ALL_DIGITS, ALL_DIGITS))
		return NULL;
	return g_strndup(at - ALL_DIGITS, ALL_DIGITS);
}

char *optout_address_read(const Secret *secret, const char *rcpt, char **incident)
{
	g_autofree char *form = read_form(rcpt);
	g_autofree char *hash = form != NULL ? g_strndup(form, HASH_DIGITS) : NULL;
	g_autofree char *found = form != NULL ? g_strndup(form + HASH_DIGITS, INCIDENT_DIGITS) : NULL;
	g_autofree char *right = form != NULL ? make_tag(secret, hash, found) : NULL;
	guchar difference = 0;

	*incident = NULL;
	if (form == NULL)
		return NULL;
	for (gsize i = 0; i < TAG_DIGITS; i++)
		difference |= (guchar)(right[i] ^ form[HASH_DIGITS + INCIDENT_DIGITS + i]);
	if (difference != 0)
		return NULL;
	*incident = g_steal_pointer(&found);
	return g_steal_pointer(&hash);
}

bool optout_incident_is(const char *incident, const char *id)
{
	g_autofree char *right = make_incident(id);

	return g_strcmp0(incident, right) == 0;
}

char *optout_tag(const char *hash)
{
	return g_strndup(hash, HASH_DIGITS);
}
