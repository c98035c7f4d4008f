/* settle-fixture: see settle-fixture.h. */
#include "settle-fixture.h"

#include <string.h>

#include "base/clock.h"

Shown shown;

/* What settle asks of the watch. */
bool watch_is_away(Watch *watch)
{
	bool away;

	(void)watch;
	g_mutex_lock(&shown.lock);
	away = shown.away;
	g_mutex_unlock(&shown.lock);
	return away;
}

Snapshot *watch_snapshot(Watch *watch)
{
	Snapshot *snapshot = snapshot_new();
	Incident *incident = incident_new("default");

	(void)watch;
	g_mutex_lock(&shown.lock);
	shown.looks++;
	if (shown.nothing_on)
		incident->state.epoch = shown.state.epoch + 1;
	else
		incident_state_copy(&incident->state, &shown.state);
	snapshot->life = g_strdup(shown.life);
	snapshot->pause = g_strdup(shown.pause);
	snapshot->taken_at = clock_now();
	snapshot->heard_us = shown.silent ? 1 : clock_mono_us();
	g_mutex_unlock(&shown.lock);
	g_ptr_array_add(snapshot->incidents, incident);
	return snapshot;
}

void show(char **what, const char *text)
{
	g_mutex_lock(&shown.lock);
	g_free(*what);
	*what = g_strdup(text);
	g_mutex_unlock(&shown.lock);
}

void show_that(bool *what, bool value)
{
	g_mutex_lock(&shown.lock);
	*what = value;
	g_mutex_unlock(&shown.lock);
}

Node *node_new(gconstpointer kind)
{
	Node *node = g_new0(Node, 1);

	node->base = spool_fixture_new(kind);
	node->base->config->store_poll = 100;
	node->base->config->ack_domain_cap = 0;
	node->store = fixture_open(node->base, "other");
	node->spool = spool_fixture_open(node->base);
	claims_set_word(node->store, "default", WORD_P1, &node->state);
	incident_state_copy(&shown.state, &node->state);
	return node;
}

const char *life_of(Node *node, const char *name)
{
	const char *server = store_server(node->store);

	g_free(node->life);
	node->life = *server != '\0' ? g_strconcat(name, "/", server, NULL) : g_strdup(name);
	return node->life;
}

void show_life(Node *node, const char *name)
{
	show(&shown.life, life_of(node, name));
}

void start(Node *node)
{
	node->settle = settle_start(node->base->config, "node", NULL);
}

static guint looks(void)
{
	guint count;

	g_mutex_lock(&shown.lock);
	count = shown.looks;
	g_mutex_unlock(&shown.lock);
	return count;
}

void await_rounds(Node *node)
{
	guint until = looks() + 4;

	while (looks() < until) {
		settle_wake(node->settle);
		g_usleep(1000);
	}
}

SettleCounts stop(Node *node)
{
	SettleCounts counts;

	await_rounds(node);
	counts = settle_counts(node->settle);
	g_clear_pointer(&node->settle, settle_stop);
	return counts;
}

void node_free(Node *node)
{
	settle_stop(node->settle);
	g_free(node->life);
	incident_state_clear(&node->state);
	incident_state_clear(&shown.state);
	g_clear_pointer(&shown.life, g_free);
	g_clear_pointer(&shown.pause, g_free);
	shown.silent = shown.away = shown.nothing_on = false;
	store_close(node->store);
	spool_free(node->spool);
	spool_fixture_free(node->base);
	g_free(node);
}

void record(Node *node, const char *hash, const char *token, SpoolState as)
{
	g_assert_cmpint(spool_ask(node->spool, &node->state, hash, token, as), ==, CLAIM_WON);
}

void note_sent(Node *node, const char *hash, const char *token)
{
	ClaimRequest request = { .id = node->state.id };
	Job job = { .token = (char *)token, .request = &request };

	g_assert_true(spool_note_sent(node->spool, &job, hash, NULL));
	g_free(spool_sql(node->base, "UPDATE acks SET ask_us = 0 WHERE state = 'sent'")); /* the replier did not say more */
}

void await_sql(Node *node, const char *sql, const char *text)
{
	gint64 until = clock_mono_us() + 15 * G_USEC_PER_SEC;
	g_autofree char *now = spool_sql(node->base, sql);

	while (g_strcmp0(now, text) != 0 && clock_mono_us() < until) {
		settle_wake(node->settle);
		g_usleep(10000);
		g_free(now);
		now = spool_sql(node->base, sql);
	}
	g_assert_cmpstr(now, ==, text);
}

void await_rows(Node *node, const char *rows, bool wake)
{
	gint64 until = clock_mono_us() + 15 * G_USEC_PER_SEC;
	g_autofree char *now = spool_rows(node->spool);

	while (strcmp(now, rows) != 0 && clock_mono_us() < until) {
		if (wake)
			settle_wake(node->settle);
		g_usleep(10000);
		g_free(now);
		now = spool_rows(node->spool);
	}
	g_assert_cmpstr(now, ==, rows);
}

void await(Node *node, const char *rows)
{
	await_rows(node, rows, true);
}

void expect(Node *node, const char *rows)
{
	g_autofree char *now = spool_rows(node->spool);

	g_assert_cmpstr(now, ==, rows);
}

JobStanding standing_of(Node *node, const char *hash, const char *token)
{
	ClaimRequest request = { .id = node->state.id };
	Job job = { .token = (char *)token, .request = &request };
	g_autoptr(GError) error = NULL;
	JobStanding standing;

	store_job_standing(node->store, &job, hash, &standing, &error);
	g_assert_no_error(error);
	return standing;
}

void resolve(Node *node)
{
	claims_set_word(node->store, "default", WORD_RESOLVED, &node->state);
	g_mutex_lock(&shown.lock);
	incident_state_copy(&shown.state, &node->state);
	g_mutex_unlock(&shown.lock);
}
