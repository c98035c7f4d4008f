/* claim-fixture: claims and jobs as the tests of the store's queue make them. */
#ifndef OUTAGE_TESTS_CLAIM_FIXTURE_H
#define OUTAGE_TESTS_CLAIM_FIXTURE_H

#include "store-fixture.h"

/* The secret that all jobs here are signed with; made at the first call, freed by claims_shut_down. */
const Secret *claims_secret(void);
void claims_shut_down(void);

/* A store with an incident on: what most of these tests begin with. */
typedef struct {
	Fixture *fixture;
	Store *store;          /* of the node "a" */
	IncidentState state;   /* of `default`, which is P1 */
} Outage;
Outage *outage_new(gconstpointer kind);
void outage_free(Outage *outage);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Outage, outage_free)

/* A job of the kind of payload that a milter writes, as one who knows the secret would put it into the queue. Caller frees. */
StoredJob *claims_sign(const char *name, const IncidentState *state, bool resolved, const char *token);

/* One try at a claim for the incident of that name. */
bool claims_try(Store *store, const char *name, const IncidentState *state, bool resolved, const char *hash, const char *token,
    bool capped, ClaimAnswer *answer, GError **error);
/* The same for `default`, that nobody waits longer for than so many milliseconds. */
bool claims_try_for(Store *store, const IncidentState *state, const char *hash, const char *token, gint64 milliseconds,
    ClaimAnswer *answer, GError **error);
/* The same for `default`, without the domain's cap; it has to be answered. */
ClaimAnswer claims_ask(Store *store, const IncidentState *state, bool resolved, const char *hash, const char *token);

/* A claim of a letter for `default` that is no acknowledgement; it has to be answered. */
ClaimAnswer claims_ask_letter(Store *store, const IncidentState *state, LetterClass class, const char *letter, const char *hash,
    const char *token);

/* The operator's word; state (may be NULL) receives what holds after it. */
void claims_set_word(Store *store, const char *name, Word word, IncidentState *state);

void claims_check_counts(Store *store, guint64 pending, guint64 delayed, guint64 dead, guint64 sent, guint64 withdrawn);
/* The counter of that name with the incident id; 0 where there is none. */
guint64 claims_counter(Store *store, const char *id, const char *counter);

/* Takes the next job that is due, or returns NULL. */
StoredJob *claims_take(Store *store);

#endif
