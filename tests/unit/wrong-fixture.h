/* wrong-fixture: a good state in Redis, and what the tests of wrong ones share. */
#ifndef OUTAGE_TESTS_WRONG_FIXTURE_H
#define OUTAGE_TESTS_WRONG_FIXTURE_H

#include "store-fixture.h"

/* Takes a snapshot; never NULL. */
Snapshot *wrong_snapshot(Store *store, const Snapshot *last);
/* Runs Lua in the server; any error of it is a failure. */
void wrong_run(const char *script);
/* The operator's word. */
void wrong_set_word(Store *store, const char *name, Word word);
/* The state of an incident that must be there. */
const IncidentState *wrong_state_of(const Snapshot *seen, const char *name);
/* Whether one of the problems contains part. */
bool wrong_has_problem(const Snapshot *seen, const char *part);
/* Every problem can be shown to a person. */
void wrong_assert_readable(const Snapshot *seen);
/* What is said once is said in the same words again. */
void wrong_assert_same_problems(const Snapshot *one, const Snapshot *other);
/* The incident of that name is in both, with the same state, texts and update. */
void wrong_assert_same_incident(const Snapshot *seen, const Snapshot *good, const char *name);
/* P1 with a title, a scope and an update, and payments with P2; returns what a node sees then. */
Snapshot *wrong_good_state(Store *store);

#endif
