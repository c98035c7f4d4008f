/* spool-node-fixture: a node with its spool, for one test, and the names that the tests of the spool use. */
#ifndef OUTAGE_TESTS_SPOOL_NODE_FIXTURE_H
#define OUTAGE_TESTS_SPOOL_NODE_FIXTURE_H

#include "spool-fixture.h"

#define IDLE_MS 60000

typedef struct {
	Fixture *base;
	Spool *spool;
	IncidentState state;
} Node;

void node_set_up(Node *node, gconstpointer data);
void node_tear_down(Node *node, gconstpointer data);

/* How many rows of each state there are, as spool_rows says it. */
void expect(Node *node, const char *rows);
/* Runs SQL on the file from outside. */
void sql(Node *node, const char *text);

/* Adds a test: its path is /spool/NAME. */
void add(const char *name, void (*test)(Node *node, gconstpointer data));

#endif
