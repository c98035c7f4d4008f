/* spool-fixture: a node's spool in the folder of a store-fixture, and the means to look at it and to damage it from outside. */
#ifndef OUTAGE_TESTS_SPOOL_FIXTURE_H
#define OUTAGE_TESTS_SPOOL_FIXTURE_H

#include "claim-fixture.h"
#include "store/spool.h"

/* As fixture_new, with the state directory there too. Freed by spool_fixture_free, which removes what lies in it. */
Fixture *spool_fixture_new(gconstpointer kind);
void spool_fixture_free(Fixture *fixture);

/* Opens it; never NULL. */
Spool *spool_fixture_open(const Fixture *fixture);

/* An incident `default` that is on, with this word; cleared by incident_state_clear. */
IncidentState spool_fixture_state(Word word);

/* A claim of the incident `default` to be recorded. */
bool spool_try(Spool *spool, const IncidentState *state, bool resolved, const char *hash, const char *token, SpoolState as,
    ClaimAnswer *answer, GError **error);
/* The same for kind active; it has to be answered. */
ClaimAnswer spool_ask(Spool *spool, const IncidentState *state, const char *hash, const char *token, SpoolState as);
/* The store took it. */
void spool_took(Spool *spool, const IncidentState *state, const char *hash, const char *token);

/* How many rows there are of each state, as "local=1 sent=2"; "" where there are none. Caller frees. */
char *spool_rows(Spool *spool);

/* Runs SQL on the file from outside; returns the first value it gives, or NULL. Caller frees. */
char *spool_sql(const Fixture *fixture, const char *sql);

#endif
