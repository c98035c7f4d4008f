/* claim-make: see claim-make.h. Layer: store. */
#include "store/claim-make.h"

#include <string.h>

#include "base/address.h"

void made_claim_init(MadeClaim *made, const Config *config, const Secret *secret, const ClaimRequest *request, const char *token)
{
	const char *domain = strrchr(request->sender, '@') + 1;

	*made = (MadeClaim){
		.hash = secret_address_hash(secret, request->sender),
		.token = token != NULL ? g_strdup(token) : secret_random_hex(16),
		/* Whoever owns a domain can make up as many names below it as he likes. */
		.organisation = domain_organisational(domain),
	};
	made->payload = job_sign(secret, request, made->token, &made->mac);
	made->claim = (StoreClaim){
		.request = request,
		.hash = made->hash,
		.token = made->token,
		.payload = made->payload,
		.mac = made->mac,
		.domain = made->organisation != NULL ? made->organisation : domain,
		.domain_capped = config->ack_domain_cap > 0 && !config_domain_is_shared(config, domain),
		/* Nobody's call waits until enough replicas are there. */
		.unreplicated = request->class == LETTER_STAFF,
	};
}

void made_claim_clear(MadeClaim *made)
{
	g_free(made->hash);
	g_free(made->token);
	g_free(made->payload);
	g_free(made->mac);
	g_free(made->organisation);
}
