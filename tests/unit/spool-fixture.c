/* spool-fixture: see spool-fixture.h. */
#include "spool-fixture.h"

#include <glib/gstdio.h>
#include <sqlite3.h>

#include "base/clock.h"

Fixture *spool_fixture_new(gconstpointer kind)
{
	Fixture *fixture = fixture_new(kind);

	g_free(fixture->config->state_dir);
	fixture->config->state_dir = g_strdup(fixture->dir);
	return fixture;
}

void spool_fixture_free(Fixture *fixture)
{
	static const char *const names[] = { "spool.db", "spool.db-wal", "spool.db-shm", "snapshot.json" };

	clock_set_for_test(0);
	for (gsize i = 0; i < G_N_ELEMENTS(names); i++) {
		g_autofree char *path = g_build_filename(fixture->dir, names[i], NULL);

		g_unlink(path);
	}
	fixture_free(fixture);
}

Spool *spool_fixture_open(const Fixture *fixture)
{
	g_autoptr(GError) error = NULL;
	Spool *spool = spool_open(fixture->config, &error);

	g_assert_no_error(error);
	return spool;
}

IncidentState spool_fixture_state(Word word)
{
	return (IncidentState){ .flip = word, .word = word, .id = g_strdup("20261121T151000Z-default"), .declared_at = clock_now() - 60,
		.resolved_at = word == WORD_RESOLVED ? clock_now() - 1 : 0 };
}

static ClaimRequest request_of(const IncidentState *state, bool resolved)
{
	return (ClaimRequest){ .incident = (char *)"default", .id = state->id, .epoch = state->epoch, .resolved = resolved,
		.word = state->word };
}

bool spool_try(Spool *spool, const IncidentState *state, bool resolved, const char *hash, const char *token, SpoolState as,
    ClaimAnswer *answer, GError **error)
{
	ClaimRequest request = request_of(state, resolved);
	g_autoptr(StoredJob) job = claims_sign("default", state, resolved, token);
	StoreClaim claim = { .request = &request, .hash = hash, .token = token, .payload = job->payload, .mac = job->mac,
		.domain = "example.com", .domain_capped = true };

	return spool_claim(spool, &claim, as, answer, error);
}

ClaimAnswer spool_ask(Spool *spool, const IncidentState *state, const char *hash, const char *token, SpoolState as)
{
	g_autoptr(GError) error = NULL;
	ClaimAnswer answer;

	spool_try(spool, state, false, hash, token, as, &answer, &error);
	g_assert_no_error(error);
	return answer;
}

void spool_took(Spool *spool, const IncidentState *state, const char *hash, const char *token)
{
	ClaimRequest request = request_of(state, false);
	g_autoptr(StoredJob) job = claims_sign("default", state, false, token);
	StoreClaim claim = { .request = &request, .hash = hash, .token = token, .payload = job->payload, .mac = job->mac,
		.domain = "example.com" };
	g_autoptr(GError) error = NULL;

	spool_mirror(spool, &claim, &error);
	g_assert_no_error(error);
}

char *spool_rows(Spool *spool)
{
	GString *text = g_string_new(NULL);
	g_autoptr(GError) error = NULL;
	SpoolCounts counts;

	spool_counts(spool, &counts, &error);
	g_assert_no_error(error);
	for (int i = 0; i < SPOOL_STATES; i++)
		if (counts.rows[i] > 0)
			g_string_append_printf(text, "%s%s=%" G_GUINT64_FORMAT, text->len > 0 ? " " : "", spool_state_name(i), counts.rows[i]);
	return g_string_free(text, FALSE);
}

char *spool_sql(const Fixture *fixture, const char *sql)
{
	g_autofree char *path = g_build_filename(fixture->dir, "spool.db", NULL);
	sqlite3_stmt *statement;
	char *text = NULL;
	sqlite3 *db;
	int rc;

	g_assert_cmpint(sqlite3_open(path, &db), ==, SQLITE_OK);
	sqlite3_busy_timeout(db, 5000);
	g_assert_cmpint(sqlite3_prepare_v2(db, sql, -1, &statement, NULL), ==, SQLITE_OK);
	rc = sqlite3_step(statement);
	if (rc == SQLITE_ROW)
		text = g_strdup((const char *)sqlite3_column_text(statement, 0));
	else
		g_assert_cmpint(rc, ==, SQLITE_DONE);
	sqlite3_finalize(statement);
	sqlite3_close(db);
	return text;
}
