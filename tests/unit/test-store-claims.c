/* Claims and the queue, run against SQLite and against a real Redis by one suite: at most one acknowledgement per customer, incident
 * and kind, whoever asks at the same time; none lost once queued. */
#include <gio/gio.h>
#include <glib/gstdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/error.h"
#include "store-fixture.h"

#define HASHES 40
#define THREADS 8
#define PROCESSES 4

static Secret *secret;

/* One try at a claim. */
static bool claim_full(Store *store, const IncidentState *state, bool resolved, const char *hash, const char *token,
    bool capped, ClaimAnswer *answer, GError **error)
{
	ClaimRequest request = { .incident = (char *)"default", .id = state->id, .epoch = state->epoch, .resolved = resolved,
		.word = state->word, .sender = (char *)"customer@example.com", .to = (char *)"Customer@example.com",
		.support = (char *)"support@example.org", .subject = (char *)"it is down", .written_at = 1 };
	g_autofree char *mac = NULL, *payload = job_sign(secret, &request, token, &mac);
	StoreClaim claim = { .request = &request, .hash = hash, .token = token, .payload = payload, .mac = mac,
		.domain = "example.com", .domain_capped = capped };

	return store_claim(store, &claim, answer, error);
}

static ClaimAnswer claim(Store *store, const IncidentState *state, bool resolved, const char *hash, const char *token)
{
	g_autoptr(GError) error = NULL;
	ClaimAnswer answer;

	claim_full(store, state, resolved, hash, token, false, &answer, &error);
	g_assert_no_error(error);
	return answer;
}

static void set_word(Store *store, Word word, IncidentState *state)
{
	g_autoptr(GError) error = NULL;

	store_set_word(store, "default", word, NULL, "tester", state, &error);
	g_assert_no_error(error);
}

static void check_counts(Store *store, guint64 pending, guint64 delayed, guint64 dead, guint64 sent, guint64 withdrawn)
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

static StoredJob *take(Store *store)
{
	g_autoptr(GError) error = NULL;
	StoredJob *job = store_job_take(store, 0, 3600000, &error);

	g_assert_no_error(error);
	return job;
}

static void test_one_claim_per_customer_incident_and_kind(gconstpointer kind)
{
	g_autoptr(Fixture) fixture = fixture_new(kind);
	g_autoptr(Store) a = NULL, b = NULL;
	IncidentState state = { .id = NULL };
	g_autoptr(GHashTable) counters = NULL;
	g_autoptr(GError) error = NULL;

	fixture->config->reopen_within = 0;
	a = fixture_open(fixture, "a");
	b = fixture_open(fixture, "b");
	set_word(a, WORD_P1, &state);
	g_assert_cmpint(claim(a, &state, false, "hash1", "token1"), ==, CLAIM_WON);
	g_assert_cmpint(claim(b, &state, false, "hash1", "token2"), ==, CLAIM_ALREADY);
	/* Asked again after an unknown outcome: won, and not queued twice. */
	g_assert_cmpint(claim(b, &state, false, "hash1", "token1"), ==, CLAIM_WON);
	g_assert_cmpint(claim(b, &state, false, "hash2", "token3"), ==, CLAIM_WON);
	check_counts(a, 2, 0, 0, 0, 0);
	counters = store_counters(a, state.id, &error);
	g_assert_cmpstr(g_hash_table_lookup(counters, "queued"), ==, "2");
	g_assert_cmpstr(g_hash_table_lookup(counters, "affected"), ==, "2");
	/* Another severity is the same incident; the fix is another kind; the next outage is another incident. */
	set_word(a, WORD_P3, &state);
	g_assert_cmpint(claim(a, &state, false, "hash1", "token4"), ==, CLAIM_ALREADY);
	set_word(a, WORD_RESOLVED, &state);
	g_assert_cmpint(claim(a, &state, true, "hash1", "token5"), ==, CLAIM_WON);
	g_assert_cmpint(claim(a, &state, true, "hash1", "token6"), ==, CLAIM_ALREADY);
	set_word(a, WORD_P1, &state);
	g_assert_cmpint(claim(a, &state, false, "hash1", "token7"), ==, CLAIM_WON);
	incident_state_clear(&state);
}

static void test_claim_on_what_is_over(gconstpointer kind)
{
	g_autoptr(Fixture) fixture = fixture_new(kind);
	g_autoptr(Store) store = fixture_open(fixture, "a");
	IncidentState before = { .id = NULL }, state = { .id = NULL };

	set_word(store, WORD_P1, &before);
	g_assert_cmpint(claim(store, &before, true, "hash1", "token1"), ==, CLAIM_ENDED);
	set_word(store, WORD_RESOLVED, &state);
	g_assert_cmpint(claim(store, &before, false, "hash1", "token1"), ==, CLAIM_ENDED);
	set_word(store, WORD_NONE, &state);
	g_assert_cmpint(claim(store, &state, false, "hash1", "token1"), ==, CLAIM_ENDED);
	g_assert_cmpint(claim(store, &state, true, "hash1", "token1"), ==, CLAIM_ENDED);
	/* Reopened under the same id, but what was decided before the withdrawal stays withdrawn. */
	set_word(store, WORD_P1, &state);
	g_assert_cmpstr(state.id, ==, before.id);
	g_assert_cmpint(claim(store, &before, false, "hash1", "token1"), ==, CLAIM_ENDED);
	g_assert_cmpint(claim(store, &state, false, "hash1", "token1"), ==, CLAIM_WON);
	check_counts(store, 1, 0, 0, 0, 0);
	incident_state_clear(&before);
	incident_state_clear(&state);
}

static void test_claim_while_paused_or_bounced(gconstpointer kind)
{
	g_autoptr(Fixture) fixture = fixture_new(kind);
	g_autoptr(Store) store = fixture_open(fixture, "a");
	IncidentState state = { .id = NULL };
	g_autoptr(GError) error = NULL;

	set_word(store, WORD_P1, &state);
	g_assert_true(store_set_pause(store, "legal asked", "tester", &error));
	g_assert_cmpint(claim(store, &state, false, "hash1", "token1"), ==, CLAIM_PAUSED);
	fixture_set_raw_pause(fixture, "off");
	g_assert_cmpint(claim(store, &state, false, "hash1", "token1"), ==, CLAIM_WON);
	fixture_add_bounce(fixture, "hash2");
	g_assert_cmpint(claim(store, &state, false, "hash2", "token2"), ==, CLAIM_BOUNCED);
	check_counts(store, 1, 0, 0, 0, 0);
	incident_state_clear(&state);
}

static void test_caps(gconstpointer kind)
{
	g_autoptr(Fixture) fixture = fixture_new(kind);
	g_autoptr(Store) store = NULL;
	g_autoptr(GPtrArray) jobs = NULL;
	g_autoptr(GError) error = NULL;
	IncidentState state = { .id = NULL };
	QueueCounts counts;
	guint won = 0;
	gint64 last = 0;

	fixture->config->ack_domain_cap = 2;
	fixture->config->ack_site_cap = 2;
	store = fixture_open(fixture, "a");
	set_word(store, WORD_P1, &state);
	for (int i = 0; i < 5; i++) {
		g_autofree char *name = g_strdup_printf("capped%d", i);
		ClaimAnswer answer;

		g_assert_true(claim_full(store, &state, false, name, name, true, &answer, &error));
		g_assert_true(answer == CLAIM_WON || answer == CLAIM_RATE);
		won += answer == CLAIM_WON;
	}
	/* Two an hour; up to four where the hour changes while this runs. */
	g_assert_cmpuint(won, >=, 2);
	g_assert_cmpuint(won, <=, 4);
	/* A mailbox provider's domain has no cap; the site's cap drops nothing but puts off, two to a minute. */
	for (int i = 0; i < 5; i++) {
		g_autofree char *name = g_strdup_printf("free%d", i);

		g_assert_cmpint(claim(store, &state, false, name, name), ==, CLAIM_WON);
	}
	g_assert_true(store_queue_counts(store, &counts, &error));
	g_assert_cmpuint(counts.pending + counts.delayed, ==, won + 5);
	g_assert_cmpuint(counts.delayed, >=, 3);
	jobs = store_queue_list(store, QUEUE_PENDING, 100, &error);
	g_assert_cmpuint(jobs->len, ==, won + 5);
	for (guint i = 0, same = 0; i < jobs->len; i++) {
		const StoredJob *job = g_ptr_array_index(jobs, i);

		if (job->due == 0)
			continue;
		g_assert_cmpint(job->due % 60, ==, 0);
		g_assert_cmpint(job->due, >=, last);
		same = job->due == last ? same + 1 : 1;
		g_assert_cmpuint(same, <=, 2);
		last = job->due;
	}
	incident_state_clear(&state);
}

static void test_delay_and_again_after(gconstpointer kind)
{
	g_autoptr(Fixture) fixture = fixture_new(kind);
	g_autoptr(Store) store = NULL;
	g_autoptr(GPtrArray) jobs = NULL;
	g_autoptr(GError) error = NULL;
	IncidentState state = { .id = NULL };
	gint64 now = clock_now();

	fixture->config->ack_delay = 600000;
	fixture->config->ack_again_after = 1800000;
	store = fixture_open(fixture, "a");
	set_word(store, WORD_P1, &state);
	g_assert_cmpint(claim(store, &state, false, "hash1", "token1"), ==, CLAIM_WON);
	check_counts(store, 0, 1, 0, 0, 0);
	g_assert_null(take(store));
	jobs = store_queue_list(store, QUEUE_PENDING, 10, &error);
	g_assert_cmpint(((StoredJob *)g_ptr_array_index(jobs, 0))->due, >=, now + 600);
	g_assert_cmpint(claim(store, &state, false, "hash1", "token2"), ==, CLAIM_ALREADY);
	fixture_age_marks(fixture);
	g_assert_cmpint(claim(store, &state, false, "hash1", "token2"), ==, CLAIM_WON);
	g_assert_cmpint(claim(store, &state, false, "hash1", "token3"), ==, CLAIM_ALREADY);
	check_counts(store, 0, 2, 0, 0, 0);
	incident_state_clear(&state);
}

static void test_a_job_is_taken_once_and_ends(gconstpointer kind)
{
	g_autoptr(Fixture) fixture = fixture_new(kind);
	g_autoptr(Store) a = fixture_open(fixture, "a"), b = fixture_open(fixture, "b");
	g_autoptr(StoredJob) first = NULL, second = NULL, none = NULL;
	IncidentState state = { .id = NULL };
	g_autoptr(Job) job = NULL;
	g_autoptr(GError) error = NULL;

	set_word(a, WORD_P1, &state);
	g_assert_null(take(a));
	g_assert_cmpint(claim(a, &state, false, "hash1", "token1"), ==, CLAIM_WON);
	g_assert_cmpint(claim(a, &state, false, "hash2", "token2"), ==, CLAIM_WON);
	first = take(a);
	job = job_open(secret, first, &error);
	g_assert_no_error(error);
	g_assert_cmpstr(job->token, ==, "token1");
	g_assert_cmpstr(job->request->id, ==, state.id);
	g_assert_cmpuint(first->tries, ==, 0);
	g_assert_null(first->why);
	second = take(b);
	g_assert_cmpstr(second->handle, !=, first->handle);
	none = take(b);
	g_assert_null(none);
	check_counts(a, 2, 0, 0, 0, 0);
	g_assert_true(store_job_done(a, first, &error));
	/* Told twice, counted once. */
	g_assert_true(store_job_done(a, first, &error));
	check_counts(a, 1, 0, 0, 1, 0);
	g_assert_true(store_job_done(b, second, &error));
	check_counts(a, 0, 0, 0, 2, 0);
	incident_state_clear(&state);
}

static void test_retry_and_bury(gconstpointer kind)
{
	g_autoptr(Fixture) fixture = fixture_new(kind);
	g_autoptr(Store) store = fixture_open(fixture, "a");
	g_autoptr(StoredJob) first = NULL, again = NULL, held = NULL, later = NULL;
	g_autoptr(GPtrArray) dead = NULL;
	IncidentState state = { .id = NULL };
	g_autoptr(GError) error = NULL;
	guint moved;

	set_word(store, WORD_P1, &state);
	claim(store, &state, false, "hash1", "token1");
	first = take(store);
	/* Due already: it comes back at once, one try older. */
	g_assert_true(store_job_retry(store, first, clock_now() - 1, true, "451 later", &error));
	again = take(store);
	g_assert_nonnull(again);
	g_assert_cmpuint(again->tries, ==, 1);
	g_assert_cmpstr(again->why, ==, "451 later");
	g_assert_cmpstr(again->payload, ==, first->payload);
	g_assert_cmpstr(again->mac, ==, first->mac);
	/* Held without failing: no try is counted, and it rests until it is due. */
	g_assert_true(store_job_retry(store, again, clock_now() + 3600, false, "paused", &error));
	g_assert_null(take(store));
	check_counts(store, 0, 1, 0, 0, 0);
	/* The operator may bury what rests, and call it back with all its tries. */
	g_assert_true(store_queue_bury(store, NULL, "operator", &moved, &error));
	g_assert_cmpuint(moved, ==, 1);
	check_counts(store, 0, 0, 1, 0, 0);
	dead = store_queue_list(store, QUEUE_DEAD, 10, &error);
	g_assert_cmpuint(dead->len, ==, 1);
	g_assert_cmpstr(((StoredJob *)g_ptr_array_index(dead, 0))->why, ==, "operator");
	g_assert_true(store_queue_retry(store, "no such job", &moved, &error));
	g_assert_cmpuint(moved, ==, 0);
	g_assert_true(store_queue_retry(store, ((StoredJob *)g_ptr_array_index(dead, 0))->handle, &moved, &error));
	g_assert_cmpuint(moved, ==, 1);
	held = take(store);
	g_assert_nonnull(held);
	g_assert_cmpuint(held->tries, ==, 0);
	g_assert_true(store_job_bury(store, held, "550 no such user", &error));
	g_clear_pointer(&dead, g_ptr_array_unref);
	dead = store_queue_list(store, QUEUE_DEAD, 10, &error);
	g_assert_cmpuint(dead->len, ==, 1);
	g_assert_cmpstr(((StoredJob *)g_ptr_array_index(dead, 0))->why, ==, "550 no such user");
	g_assert_null(take(store));
	check_counts(store, 0, 0, 1, 0, 0);
	g_assert_true(store_queue_retry(store, NULL, &moved, &error));
	g_assert_cmpuint(moved, ==, 1);
	later = take(store);
	g_assert_nonnull(later);
	g_assert_true(store_job_done(store, later, &error));
	check_counts(store, 0, 0, 0, 1, 0);
	incident_state_clear(&state);
}

static void test_list_and_bury_one(gconstpointer kind)
{
	g_autoptr(Fixture) fixture = fixture_new(kind);
	g_autoptr(Store) store = fixture_open(fixture, "a");
	g_autoptr(GPtrArray) jobs = NULL, some = NULL;
	IncidentState state = { .id = NULL };
	g_autoptr(GError) error = NULL;
	QueueCounts counts;
	guint moved;

	set_word(store, WORD_P1, &state);
	for (int i = 0; i < 4; i++) {
		g_autofree char *name = g_strdup_printf("n%d", i);

		claim(store, &state, false, name, name);
	}
	jobs = store_queue_list(store, QUEUE_PENDING, 10, &error);
	g_assert_cmpuint(jobs->len, ==, 4);
	for (guint i = 0; i < jobs->len; i++) {
		g_autoptr(Job) job = job_open(secret, g_ptr_array_index(jobs, i), &error);
		g_autofree char *name = g_strdup_printf("n%u", i);

		g_assert_no_error(error);
		g_assert_cmpstr(job->token, ==, name);
	}
	some = store_queue_list(store, QUEUE_PENDING, 2, &error);
	g_assert_cmpuint(some->len, ==, 2);
	g_assert_true(store_queue_bury(store, ((StoredJob *)g_ptr_array_index(jobs, 1))->handle, "this one", &moved, &error));
	g_assert_cmpuint(moved, ==, 1);
	check_counts(store, 3, 0, 1, 0, 0);
	g_assert_true(store_queue_counts(store, &counts, &error));
	g_assert_cmpint(counts.oldest, >, clock_now() - 600);
	g_assert_cmpint(counts.oldest, <=, clock_now() + 1);
	incident_state_clear(&state);
}

static void test_withdrawn_customers_may_be_answered_later(gconstpointer kind)
{
	g_autoptr(Fixture) fixture = fixture_new(kind);
	g_autoptr(Store) store = fixture_open(fixture, "a");
	g_autoptr(StoredJob) job = NULL, other = NULL;
	IncidentState state = { .id = NULL };
	g_autoptr(GError) error = NULL;

	set_word(store, WORD_P1, &state);
	claim(store, &state, false, "hash1", "token1");
	job = take(store);
	/* A mark that carries somebody else's token stays. */
	claim(store, &state, false, "hash2", "token2");
	other = take(store);
	g_assert_true(store_job_withdraw(store, other, "hash1", &error));
	g_assert_cmpint(claim(store, &state, false, "hash1", "token3"), ==, CLAIM_ALREADY);
	g_assert_true(store_job_withdraw(store, job, "hash1", &error));
	check_counts(store, 0, 0, 0, 0, 2);
	g_assert_cmpint(claim(store, &state, false, "hash1", "token3"), ==, CLAIM_WON);
	incident_state_clear(&state);
}

static void test_promotion(gconstpointer kind)
{
	g_autoptr(Fixture) fixture = fixture_new(kind);
	g_autoptr(Store) store = fixture_open(fixture, "a");
	g_autoptr(StoredJob) first = NULL, second = NULL;
	IncidentState state = { .id = NULL };
	g_autoptr(GError) error = NULL;
	bool won;

	set_word(store, WORD_P1, &state);
	claim(store, &state, false, "hash1", "token1");
	claim(store, &state, false, "hash2", "token2");
	first = take(store);
	second = take(store);
	set_word(store, WORD_RESOLVED, &state);
	/* hash2 wrote again after the fix: the later mail's acknowledgement stands, the waiting one is not sent besides. */
	g_assert_cmpint(claim(store, &state, true, "hash2", "token3"), ==, CLAIM_WON);
	g_assert_true(store_job_promote(store, second, "hash2", &won, &error));
	g_assert_false(won);
	g_assert_true(store_job_promote(store, first, "hash1", &won, &error));
	g_assert_true(won);
	/* Asked again after a crash: still ours. */
	g_assert_true(store_job_promote(store, first, "hash1", &won, &error));
	g_assert_true(won);
	g_assert_cmpint(claim(store, &state, true, "hash1", "token4"), ==, CLAIM_ALREADY);
	incident_state_clear(&state);
}

static void test_a_dead_repliers_job_is_taken_over(gconstpointer kind)
{
	g_autoptr(Fixture) fixture = fixture_new(kind);
	g_autoptr(Store) dead = fixture_open(fixture, "dead"), patient = fixture_open(fixture, "patient");
	g_autoptr(Store) heir = fixture_open(fixture, "heir");
	g_autoptr(StoredJob) first = NULL, none = NULL, second = NULL;
	IncidentState state = { .id = NULL };
	g_autoptr(GError) error = NULL;

	set_word(dead, WORD_P1, &state);
	claim(dead, &state, false, "hash1", "token1");
	first = take(dead);
	g_assert_nonnull(first);
	none = take(patient);
	g_assert_null(none);
	second = store_job_take(heir, 5000, 0, &error);
	g_assert_no_error(error);
	g_assert_cmpstr(second->payload, ==, first->payload);
	g_assert_true(store_job_done(heir, second, &error));
	check_counts(heir, 0, 0, 0, 1, 0);
	incident_state_clear(&state);
}

typedef struct { const Fixture *fixture; IncidentState state; GMutex lock; guint taken; } Waiting;

static gpointer take_in_thread(gpointer data)
{
	Waiting *waiting = data;
	g_autoptr(Store) store = fixture_open(waiting->fixture, "replier");
	g_autoptr(GError) error = NULL;
	g_autoptr(StoredJob) job = store_job_take(store, 30000, 3600000, &error);

	g_assert_no_error(error);
	g_assert_nonnull(job);
	return NULL;
}

static void test_a_waiting_replier_gets_a_new_job(gconstpointer kind)
{
	g_autoptr(Fixture) fixture = fixture_new(kind);
	g_autoptr(Store) store = fixture_open(fixture, "a");
	Waiting waiting = { .fixture = fixture };
	GThread *thread;
	gint64 began = clock_mono_us();

	set_word(store, WORD_P1, &waiting.state);
	thread = g_thread_new("replier", take_in_thread, &waiting);
	claim(store, &waiting.state, false, "hash1", "token1");
	g_thread_join(thread);
	g_assert_cmpint(clock_mono_us() - began, <, 20 * G_USEC_PER_SEC);
	incident_state_clear(&waiting.state);
}

/* Claims every hash once; returns how many were won. */
static guint claim_all(Store *store, const IncidentState *state, const char *who)
{
	guint won = 0;

	for (int i = 0; i < HASHES; i++) {
		g_autofree char *hash = g_strdup_printf("hash%d", i), *token = g_strdup_printf("%s-%d", who, i);
		ClaimAnswer answer = claim(store, state, false, hash, token);

		g_assert_true(answer == CLAIM_WON || answer == CLAIM_ALREADY);
		won += answer == CLAIM_WON;
	}
	return won;
}

static gpointer claim_in_thread(gpointer data)
{
	Waiting *race = data;
	g_autofree char *who = g_strdup_printf("thread-%p", (gpointer)g_thread_self());
	g_autoptr(Store) store = fixture_open(race->fixture, who);
	guint won = claim_all(store, &race->state, who);

	g_mutex_lock(&race->lock);
	race->taken += won;
	g_mutex_unlock(&race->lock);
	return NULL;
}

static void test_threads_never_win_twice(gconstpointer kind)
{
	g_autoptr(Fixture) fixture = fixture_new(kind);
	g_autoptr(Store) store = fixture_open(fixture, "a");
	Waiting race = { .fixture = fixture };
	GThread *threads[THREADS];

	g_mutex_init(&race.lock);
	set_word(store, WORD_P1, &race.state);
	for (int i = 0; i < THREADS; i++)
		threads[i] = g_thread_new("claim", claim_in_thread, &race);
	for (int i = 0; i < THREADS; i++)
		g_thread_join(threads[i]);
	g_assert_cmpuint(race.taken, ==, HASHES);
	check_counts(store, HASHES, 0, 0, 0, 0);
	incident_state_clear(&race.state);
	g_mutex_clear(&race.lock);
}

/* The other processes of the next test: this program, started with --claim URL ID WHO. Prints how many it won. */
static int claim_in_process(char **argv)
{
	g_autoptr(Config) config = config_defaults();
	IncidentState state = { .word = WORD_P1, .id = argv[3] };
	g_autoptr(Store) store = NULL;
	g_autoptr(GError) error = NULL;

	g_free(config->store_url);
	config->store_url = g_strdup(argv[2]);
	config->store_timeout = config->store_connect_timeout = 10000;
	store = store_open(config, argv[4], &error);
	g_assert_no_error(error);
	g_print("%u\n", claim_all(store, &state, argv[4]));
	return 0;
}

static void test_processes_never_win_twice(gconstpointer kind)
{
	g_autoptr(Fixture) fixture = fixture_new(kind);
	g_autoptr(Store) store = fixture_open(fixture, "a");
	GSubprocess *children[PROCESSES];
	IncidentState state = { .id = NULL };
	g_autofree char *self = g_file_read_link("/proc/self/exe", NULL);
	g_autoptr(GError) error = NULL;
	guint64 won = 0;

	set_word(store, WORD_P1, &state);
	for (int i = 0; i < PROCESSES; i++) {
		g_autofree char *who = g_strdup_printf("process-%d", i);

		children[i] = g_subprocess_new(G_SUBPROCESS_FLAGS_STDOUT_PIPE, &error, self, "--claim", fixture->config->store_url,
		    state.id, who, NULL);
		g_assert_no_error(error);
	}
	for (int i = 0; i < PROCESSES; i++) {
		g_autofree char *output = NULL;

		g_subprocess_communicate_utf8(children[i], NULL, NULL, &output, NULL, &error);
		g_assert_no_error(error);
		g_assert_true(g_subprocess_get_successful(children[i]));
		won += g_ascii_strtoull(output, NULL, 10);
		g_object_unref(children[i]);
	}
	g_assert_cmpuint(won, ==, HASHES);
	check_counts(store, HASHES, 0, 0, 0, 0);
	incident_state_clear(&state);
}

static Secret *make_secret(void)
{
	g_autofree char *dir = g_dir_make_tmp("outage-secret-XXXXXX", NULL), *path = g_build_filename(dir, "secret", NULL);
	g_autoptr(GError) error = NULL;
	Secret *made = secret_load(path, true, &error);

	g_assert_no_error(error);
	g_unlink(path);
	g_rmdir(dir);
	return made;
}

int main(int argc, char **argv)
{
	int result;

	secret = make_secret();
	if (argc == 5 && strcmp(argv[1], "--claim") == 0) {
		result = claim_in_process(argv);
		secret_free(secret);
		return result;
	}
	g_test_init(&argc, &argv, NULL);
	fixture_add_test("one-claim-per-customer-incident-and-kind", test_one_claim_per_customer_incident_and_kind);
	fixture_add_test("claim-on-what-is-over", test_claim_on_what_is_over);
	fixture_add_test("claim-while-paused-or-bounced", test_claim_while_paused_or_bounced);
	fixture_add_test("caps", test_caps);
	fixture_add_test("delay-and-again-after", test_delay_and_again_after);
	fixture_add_test("a-job-is-taken-once-and-ends", test_a_job_is_taken_once_and_ends);
	fixture_add_test("retry-and-bury", test_retry_and_bury);
	fixture_add_test("list-and-bury-one", test_list_and_bury_one);
	fixture_add_test("withdrawn-customers-may-be-answered-later", test_withdrawn_customers_may_be_answered_later);
	fixture_add_test("promotion", test_promotion);
	fixture_add_test("a-dead-repliers-job-is-taken-over", test_a_dead_repliers_job_is_taken_over);
	fixture_add_test("a-waiting-replier-gets-a-new-job", test_a_waiting_replier_gets_a_new_job);
	fixture_add_test("threads-never-win-twice", test_threads_never_win_twice);
	fixture_add_test("processes-never-win-twice", test_processes_never_win_twice);
	result = g_test_run();
	fixture_shut_down();
	secret_free(secret);
	return result;
}
