/* settle-fixture: a node with a spool that settle brings to a store, and a watch that is a puppet: it shows the snapshot that a test
 * set. */
#ifndef OUTAGE_TESTS_SETTLE_FIXTURE_H
#define OUTAGE_TESTS_SETTLE_FIXTURE_H

#include "spool-fixture.h"
#include "store/settle.h"

/* What the watch shows; changed by show and show_that, or under the lock, once settle runs. */
typedef struct {
	GMutex lock;
	IncidentState state;
	char *life, *pause;
	bool silent;      /* the store is not heard */
	bool away;        /* the watch has lost it */
	bool nothing_on;  /* the incident is over, as far as this node knows */
	guint looks;      /* how often it was looked at: once in a round of settle's */
} Shown;
extern Shown shown;

void show(char **what, const char *text);
void show_that(bool *what, bool value);

typedef struct {
	Fixture *base;
	Spool *spool;
	Store *store;      /* another node's */
	Settle *settle;
	IncidentState state;
	char *life;        /* as life_of last said */
} Node;

/* With an incident `default` that is P1, in the store as in what the watch shows. Settle does not run yet. */
Node *node_new(gconstpointer kind);
void node_free(Node *node);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Node, node_free)

/* A life of that name, of the server that is there. Owned by the node until the next one. */
const char *life_of(Node *node, const char *name);
void show_life(Node *node, const char *name);

void start(Node *node);
/* Lets settle have some whole rounds. */
void await_rounds(Node *node);
/* Stops it once it has published what it did in the rounds so far. */
SettleCounts stop(Node *node);

/* A claim in the spool. */
void record(Node *node, const char *hash, const char *token, SpoolState as);
/* A letter that left. */
void note_sent(Node *node, const char *hash, const char *token);
/* The operator has fixed it, and the watch knows. */
void resolve(Node *node);

/* Waits until SQL on the spool's file gives that text; settle does not wait for its next look. */
void await_sql(Node *node, const char *sql, const char *text);
/* Rows by state: "mirror=2 sent=1"; waited for. */
void await_rows(Node *node, const char *rows, bool wake);
void await(Node *node, const char *rows);
/* The same, now. */
void expect(Node *node, const char *rows);

JobStanding standing_of(Node *node, const char *hash, const char *token);

#endif
