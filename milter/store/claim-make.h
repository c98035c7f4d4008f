/* claim-make: from the letter that is wanted to the claim that asks the store for it. Layer: store. Whoever claims (the milter for a mail
 * that came, the replier for a notice, outagectl for mail that came before the flip) makes it here, so that all count and sign alike. */
#ifndef OUTAGE_STORE_CLAIM_MAKE_H
#define OUTAGE_STORE_CLAIM_MAKE_H

#include "base/secret.h"
#include "store/store.h"

/* A claim with what it points to. */
typedef struct {
	StoreClaim claim;      /* valid as long as this and the request */
	char *hash, *token, *payload, *mac, *organisation;
} MadeClaim;

/* Fills *made (uninitialised) for request, which must outlive it and has a sender, under that token, or with NULL under one of its
 * own: signs the job, and says whether the cap per domain applies and whether replicas are waited for. until is left to the caller, and
 * so is a mail's unreplicated. Clear with made_claim_clear. */
void made_claim_init(MadeClaim *made, const Config *config, const Secret *secret, const ClaimRequest *request,
    const char *token);
void made_claim_clear(MadeClaim *made);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(MadeClaim, made_claim_clear)

#endif
