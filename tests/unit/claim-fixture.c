/* claim-fixture: see claim-fixture.h. */
#include "claim-fixture.h"

#include <glib/gstdio.h>

#include "base/clock.h"

static Secret *secret;

const Secret *claims_secret(void)
{
	g_autofree char *dir = NULL, *path = NULL;
	g_autoptr(GError) error = NULL;

	if (secret != NULL)
		return secret;
	dir = g_dir_make_tmp("outage-secret-XXXXXX", &error);
	g_assert_no_error(error);
	path = g_build_filename(dir, "secret", NULL);
	secret = secret_load(path, true, &error);
	g_assert_no_error(error);
	g_unlink(path);
	g_rmdir(dir);
	return secret;
}

void claims_shut_down(void)
{
	g_clear_pointer(&secret, secret_free);
}

Outage *outage_new(gconstpointer kind)
{
	Outage *outage = g_new0(Outage, 1);

	outage->fixture = fixture_new(kind);
	outage->store = fixture_open(outage->fixture, "a");
	claims_set_word(outage->store, "default", WORD_P1, &outage->state);
	return outage;
}

void outage_free(Outage *outage)
{
	store_close(outage->store);
	incident_state_clear(&outage->state);
	fixture_free(outage->fixture);
	g_free(outage);
}

static ClaimRequest request_for(const char *name, const IncidentState *state, bool resolved)
{
	return (ClaimRequest){
		.incident = (char *)name, .id = state->id, .epoch = state->epoch, .resolved = resolved, .word = state->word,
		.sender = (char *)"customer@example.com", .to = (char *)"Customer@example.com",
		.support = (char *)"support@example.org", .subject = (char *)"it is down", .written_at = 1,
	};
}

StoredJob *claims_sign(const char *name, const IncidentState *state, bool resolved, const char *token)
{
	ClaimRequest request = request_for(name, state, resolved);
	StoredJob *job = g_new0(StoredJob, 1);

	job->payload = job_sign(claims_secret(), &request, token, &job->mac);
	return job;
}

bool claims_try(Store *store, const char *name, const IncidentState *state, bool resolved, const char *hash, const char *token,
    bool capped, ClaimAnswer *answer, GError **error)
{
	ClaimRequest request = request_for(name, state, resolved);
	g_autoptr(StoredJob) job = claims_sign(name, state, resolved, token);
	StoreClaim claim = { .request = &request, .hash = hash, .token = token, .payload = job->payload, .mac = job->mac,
		.domain = "example.com", .domain_capped = capped };

	return store_claim(store, &claim, answer, error);
}

bool claims_try_for(Store *store, const IncidentState *state, const char *hash, const char *token, gint64 milliseconds,
    ClaimAnswer *answer, GError **error)
{
	ClaimRequest request = request_for("default", state, false);
	g_autoptr(StoredJob) job = claims_sign("default", state, false, token);
	StoreClaim claim = { .request = &request, .hash = hash, .token = token, .payload = job->payload, .mac = job->mac,
		.domain = "example.com", .until = clock_mono_us() + milliseconds * 1000 };

	return store_claim(store, &claim, answer, error);
}

ClaimAnswer claims_ask(Store *store, const IncidentState *state, bool resolved, const char *hash, const char *token)
{
	g_autoptr(GError) error = NULL;
	ClaimAnswer answer;

	claims_try(store, "default", state, resolved, hash, token, false, &answer, &error);
	g_assert_no_error(error);
	return answer;
}

ClaimAnswer claims_ask_letter(Store *store, const IncidentState *state, LetterClass class, const char *letter, const char *hash,
    const char *token)
{
	ClaimRequest request = request_for("default", state, false);
	g_autofree char *payload = NULL, *mac = NULL;
	StoreClaim claim = { .request = &request, .hash = hash, .token = token, .domain = "example.com", .domain_capped = true };
	g_autoptr(GError) error = NULL;
	ClaimAnswer answer;

	request.class = class;
	request.letter = (char *)letter;
	claim.payload = payload = job_sign(claims_secret(), &request, token, &mac);
	claim.mac = mac;
	store_claim(store, &claim, &answer, &error);
	g_assert_no_error(error);
	return answer;
}

void claims_set_word(Store *store, const char *name, Word word, IncidentState *state)
{
	g_autoptr(GError) error = NULL;

	store_set_word(store, name, word, NULL, "tester", state, &error);
	g_assert_no_error(error);
}

void claims_check_counts(Store *store, guint64 pending, guint64 delayed, guint64 dead, guint64 sent, guint64 withdrawn)
{
	g_autoptr(GError) error = NULL;
	QueueCounts counts;

	store_queue_counts(store, &counts, &error);
	g_assert_no_error(error);
	g_assert_cmpuint(counts.pending, ==, pending);
	g_assert_cmpuint(counts.delayed, ==, delayed);
	g_assert_cmpuint(counts.dead, ==, dead);
	g_assert_cmpuint(counts.sent, ==, sent);
	g_assert_cmpuint(counts.withdrawn, ==, withdrawn);
}

guint64 claims_counter(Store *store, const char *id, const char *counter)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(GHashTable) counters = store_counters(store, id, &error);
	const char *value;

	g_assert_no_error(error);
	value = g_hash_table_lookup(counters, counter);
	return value != NULL ? g_ascii_strtoull(value, NULL, 10) : 0;
}

StoredJob *claims_take(Store *store)
{
	g_autoptr(GError) error = NULL;
	StoredJob *job = store_job_take(store, 0, 3600000, &error);

	g_assert_no_error(error);
	return job;
}
