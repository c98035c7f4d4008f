/* shown: see shown.h. Layer: config. */
#include "config/shown.h"

#include "base/address.h"

char *shown_address(const Secret *secret, const Config *config, const char *address)
{
	g_autofree char *normal = NULL;

	if (address == NULL || config->log_addresses == ADDRESSES_PLAIN)
		return g_strdup(address);
	normal = address_normal_text(address);
	return secret_address_hash(secret, normal != NULL ? normal : address);
}

char *shown_name(const Secret *secret, const Config *config, const char *name)
{
	g_autofree char *normal = address_normal_text(name);

	return normal != NULL ? shown_address(secret, config, name) : g_strdup(name);
}
