/* spool-node-fixture: see spool-node-fixture.h. */
#include "spool-node-fixture.h"

void node_set_up(Node *node, gconstpointer data)
{
	(void)data;
	node->base = spool_fixture_new("sqlite");
	node->spool = spool_fixture_open(node->base);
	node->state = spool_fixture_state(WORD_P1);
}

void node_tear_down(Node *node, gconstpointer data)
{
	(void)data;
	spool_free(node->spool);
	incident_state_clear(&node->state);
	spool_fixture_free(node->base);
}

void expect(Node *node, const char *rows)
{
	g_autofree char *now = spool_rows(node->spool);

	g_assert_cmpstr(now, ==, rows);
}

void sql(Node *node, const char *text)
{
	g_free(spool_sql(node->base, text));
}

void add(const char *name, void (*test)(Node *node, gconstpointer data))
{
	g_autofree char *path = g_strconcat("/spool/", name, NULL);

	g_test_add(path, Node, NULL, node_set_up, test, node_tear_down);
}
