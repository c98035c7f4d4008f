/* verdict-fixture: a site with two support addresses, an incident or none, and mail of one customer, to be decided on. */
#ifndef OUTAGE_TESTS_VERDICT_FIXTURE_H
#define OUTAGE_TESTS_VERDICT_FIXTURE_H

#include "inspect/verdict.h"

#define NOW G_GINT64_CONSTANT(1795273800) /* 2026-11-21T15:10:00Z */
#define AUTH "Authentication-Results: mx.example; spf=pass smtp.mailfrom=jane@customer.example\n"
#define HEAD "From: Jane <jane@customer.example>\nTo: support@shop.example\nMessage-ID: <m1@customer.example>\n"

typedef struct {
	Engine *engine;
	Accounts *accounts;
	Snapshot *snapshot;
	VerdictContext context;
	GPtrArray *messages;  /* verdicts point into them */
} Fixture;

/* word: of the incident `default`; WORD_NONE: there is none. */
Fixture *fixture_setup(Word word);
void fixture_teardown(Fixture *f);
/* Declares another. Owned by the snapshot. */
Incident *fixture_add_incident(Fixture *f, const char *name, Word word);
/* json: as in outage:accounts. */
void fixture_add_account(Fixture *f, const char *key, const char *json);

/* Decides on a mail of jane@customer.example, which the fixture keeps. Caller frees. */
Verdict *fixture_decide_to(Fixture *f, const char *rcpt, const char *text);
/* The same, to support@shop.example. */
Verdict *fixture_decide(Fixture *f, const char *text);

#endif
