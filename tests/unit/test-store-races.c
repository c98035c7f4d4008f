/* Many at once, run against SQLite and against a real Redis by one suite: threads and processes that claim the same customers, repliers
 * that share the work, one of them killed. Exactly one wins, nothing is lost, nothing is done twice.
 *
 * The other processes are this program, started with a role: --claim URL ID WHO CAP, --reply URL WHO, --stall URL WHO. */
#include <gio/gio.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/error.h"
#include "claim-fixture.h"

#define HASHES 200
#define THREADS 8
#define PROCESSES 8
#define CAP 50
#define JOBS 500
#define REPLIERS 4
#define BEFORE_STALL 20
#define IDLE_MS 3000 /* far longer than a live replier here holds a job */

static Config *config_for(const char *url)
{
	Config *config = config_defaults();

	g_free(config->store_url);
	config->store_url = g_strdup(url);
	config->store_timeout = config->store_connect_timeout = 30000;
	return config;
}

static Store *open_store(const char *url, const char *who, gint64 cap)
{
	g_autoptr(GError) error = NULL;
	Config *config = config_for(url);
	Store *store;

	if (cap > 0)
		config->ack_domain_cap = cap;
	store = store_open(config, who, &error);
	g_assert_no_error(error);
	config_unref(config);
	return store;
}

/* Claims every hash once; returns how many were won. */
static guint claim_all(Store *store, const IncidentState *state, const char *who, bool capped)
{
	guint won = 0;

	for (int i = 0; i < HASHES; i++) {
		g_autofree char *hash = g_strdup_printf("hash%d", i), *token = g_strdup_printf("%s-%d", who, i);
		g_autoptr(GError) error = NULL;
		ClaimAnswer answer;

		claims_try(store, "default", state, false, hash, token, capped, &answer, &error);
		g_assert_no_error(error);
		g_assert_true(answer == CLAIM_WON || answer == CLAIM_ALREADY || (capped && answer == CLAIM_RATE));
		won += answer == CLAIM_WON;
	}
	return won;
}

static int claim_in_process(char **argv)
{
	gint64 cap = g_ascii_strtoll(argv[5], NULL, 10);
	g_autoptr(Store) store = open_store(argv[2], argv[4], cap);
	IncidentState state = { .word = WORD_P1, .id = argv[3] };

	g_print("%u\n", claim_all(store, &state, argv[4], cap > 0));
	return 0;
}

/* Takes and ends jobs until none is left, and prints each token that it has ended. One that stalls holds its job for ever after a
 * while, and says so: it is to be killed. */
static int reply_in_process(char **argv)
{
	bool stalls = strcmp(argv[1], "--stall") == 0;
	g_autoptr(Store) store = open_store(argv[2], argv[3], 0);
	g_autoptr(GError) error = NULL;
	QueueCounts counts;
	int ended = 0;

	do {
		g_autoptr(StoredJob) job = store_job_take(store, 100, IDLE_MS, &error);
		g_autofree char *token = NULL;

		g_assert_no_error(error);
		if (job != NULL) {
			token = job_peek(job, "token");
			if (stalls && ended++ == BEFORE_STALL) {
				g_print("holding %s\n", token);
				pause();
			}
			/* A token is its hash. */
			g_assert_true(store_job_done(store, job, token, &error));
			g_print("%s %u\n", token, job->takes);
		}
		g_assert_true(store_queue_counts(store, &counts, &error));
	} while (counts.pending + counts.delayed > 0);
	return 0;
}

/* The arguments after the role, up to NULL. */
static GSubprocess *start_other(const char *role, const Fixture *fixture, const char *a, const char *b, const char *c)
{
	g_autofree char *self = g_file_read_link("/proc/self/exe", NULL);
	g_autoptr(GError) error = NULL;
	GSubprocess *other = g_subprocess_new(G_SUBPROCESS_FLAGS_STDOUT_PIPE, &error, self, role, fixture->config->store_url, a, b, c, NULL);

	g_assert_no_error(error);
	return other;
}

/* Waits for its end, which has to be a good one. Returns what it has printed; caller frees. */
static char *finish(GSubprocess *other)
{
	g_autoptr(GError) error = NULL;
	char *output = NULL;

	g_subprocess_communicate_utf8(other, NULL, NULL, &output, NULL, &error);
	g_assert_no_error(error);
	g_assert_true(g_subprocess_get_successful(other));
	g_object_unref(other);
	return output;
}

typedef struct { const Fixture *fixture; IncidentState state; gint won; } Race;

static gpointer claim_in_thread(gpointer data)
{
	Race *race = data;
	g_autofree char *who = g_strdup_printf("thread-%p", (gpointer)g_thread_self());
	g_autoptr(Store) store = fixture_open(race->fixture, who);

	g_atomic_int_add(&race->won, (gint)claim_all(store, &race->state, who, false));
	return NULL;
}

static void test_threads_never_win_twice(gconstpointer kind)
{
	g_autoptr(Outage) outage = outage_new(kind);
	Race race = { .fixture = outage->fixture };
	GThread *threads[THREADS];

	incident_state_copy(&race.state, &outage->state);
	for (int i = 0; i < THREADS; i++)
		threads[i] = g_thread_new("claim", claim_in_thread, &race);
	for (int i = 0; i < THREADS; i++)
		g_thread_join(threads[i]);
	g_assert_cmpint(race.won, ==, HASHES);
	claims_check_counts(outage->store, HASHES, 0, 0, 0, 0);
	incident_state_clear(&race.state);
}

static guint64 race_of_processes(const Outage *outage, const char *cap)
{
	GSubprocess *others[PROCESSES];
	guint64 won = 0;

	for (int i = 0; i < PROCESSES; i++) {
		g_autofree char *who = g_strdup_printf("process-%d", i);

		others[i] = start_other("--claim", outage->fixture, outage->state.id, who, cap);
	}
	for (int i = 0; i < PROCESSES; i++) {
		g_autofree char *output = finish(others[i]);

		won += g_ascii_strtoull(output, NULL, 10);
	}
	return won;
}

static void test_processes_never_win_twice(gconstpointer kind)
{
	g_autoptr(Outage) outage = outage_new(kind);

	g_assert_cmpuint(race_of_processes(outage, "0"), ==, HASHES);
	claims_check_counts(outage->store, HASHES, 0, 0, 0, 0);
	g_assert_cmpuint(claims_counter(outage->store, outage->state.id, "queued"), ==, HASHES);
	g_assert_cmpuint(claims_counter(outage->store, outage->state.id, "affected"), ==, HASHES);
	g_assert_cmpuint(claims_counter(outage->store, outage->state.id, "held:already-acked"), ==, (PROCESSES - 1) * HASHES);
}

static void test_processes_never_exceed_a_cap(gconstpointer kind)
{
	gint64 hour;

	/* The cap is by the hour: once more where that ended meanwhile. */
	do {
		g_autoptr(Outage) outage = outage_new(kind);
		guint64 won;

		hour = clock_now() / 3600;
		won = race_of_processes(outage, G_STRINGIFY(CAP));
		claims_check_counts(outage->store, won, 0, 0, 0, 0);
		if (clock_now() / 3600 == hour)
			g_assert_cmpuint(won, ==, CAP);
	} while (clock_now() / 3600 != hour);
}

static void queue_jobs(const Outage *outage)
{
	for (int i = 0; i < JOBS; i++) {
		g_autofree char *name = g_strdup_printf("job%d", i);

		g_assert_cmpint(claims_ask(outage->store, &outage->state, false, name, name), ==, CLAIM_WON);
	}
}

/* Counts what one replier has ended, each line "TOKEN TAKES"; none may have been ended before. Returns how many of them had been left
 * by another. */
static guint note_ended(GHashTable *ended, const char *output)
{
	g_auto(GStrv) lines = g_strsplit(output, "\n", -1);
	guint left = 0;

	for (char **line = lines; **line != '\0'; line++) {
		char *takes = strchr(*line, ' ');

		g_assert_nonnull(takes);
		left += g_ascii_strtoull(takes, NULL, 10) > 0;
		*takes = '\0';
		g_assert_true(g_hash_table_add(ended, g_strdup(*line)));
	}
	return left;
}

static void test_repliers_share_the_work(gconstpointer kind)
{
	g_autoptr(Outage) outage = outage_new(kind);
	g_autoptr(GHashTable) ended = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	GSubprocess *others[REPLIERS];

	queue_jobs(outage);
	for (int i = 0; i < REPLIERS; i++)
		others[i] = start_other("--reply", outage->fixture, "one-host", NULL, NULL);
	for (int i = 0; i < REPLIERS; i++) {
		g_autofree char *output = finish(others[i]);

		g_assert_cmpuint(note_ended(ended, output), ==, 0);
	}
	g_assert_cmpuint(g_hash_table_size(ended), ==, JOBS);
	claims_check_counts(outage->store, 0, 0, 0, JOBS, 0);
	g_assert_cmpuint(fixture_count_sent_marks(outage->fixture), ==, JOBS);
}

/* Reads what the replier prints up to where it holds a job, and kills it there. Returns the lines before. */
static char *kill_while_it_holds(GSubprocess *other, char **held)
{
	g_autoptr(GDataInputStream) lines = g_data_input_stream_new(g_subprocess_get_stdout_pipe(other));
	GString *before = g_string_new(NULL);
	char *line;

	*held = NULL;
	while (*held == NULL && (line = g_data_input_stream_read_line(lines, NULL, NULL, NULL)) != NULL) {
		if (g_str_has_prefix(line, "holding "))
			*held = g_strdup(line + strlen("holding "));
		else
			g_string_append_printf(before, "%s\n", line);
		g_free(line);
	}
	g_assert_nonnull(*held);
	g_subprocess_send_signal(other, SIGKILL);
	g_subprocess_wait(other, NULL, NULL);
	g_object_unref(other);
	return g_string_free(before, FALSE);
}

static void test_a_killed_repliers_jobs_are_taken_over(gconstpointer kind)
{
	g_autoptr(Outage) outage = outage_new(kind);
	g_autoptr(GHashTable) ended = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	g_autofree char *held = NULL, *before = NULL;
	GSubprocess *victim, *others[REPLIERS - 1];
	guint taken_over = 0;

	queue_jobs(outage);
	victim = start_other("--stall", outage->fixture, "one-host", NULL, NULL);
	for (int i = 0; i < REPLIERS - 1; i++)
		others[i] = start_other("--reply", outage->fixture, "one-host", NULL, NULL);
	before = kill_while_it_holds(victim, &held);
	g_assert_cmpuint(note_ended(ended, before), ==, 0);
	g_assert_false(g_hash_table_contains(ended, held));
	for (int i = 0; i < REPLIERS - 1; i++) {
		g_autofree char *output = finish(others[i]);

		taken_over += note_ended(ended, output);
	}
	g_assert_true(g_hash_table_contains(ended, held));
	g_assert_cmpuint(taken_over, ==, 1);
	g_assert_cmpuint(g_hash_table_size(ended), ==, JOBS);
	claims_check_counts(outage->store, 0, 0, 0, JOBS, 0);
}

/* What somebody does between the look of a program that decides by itself and its word; NULL: nothing. */
static void do_nothing(const Fixture *fixture, Store *person)
{
	(void)fixture;
	(void)person;
}

static void say(Store *person, Word word)
{
	g_assert_true(store_set_word(person, "default", word, NULL, "jane", NULL, NULL));
}

static void declare(const Fixture *fixture, Store *person)
{
	(void)fixture;
	say(person, WORD_P1);
}

static void declare_and_clear(const Fixture *fixture, Store *person)
{
	(void)fixture;
	say(person, WORD_P1);
	say(person, WORD_NONE);
}

static void clear(const Fixture *fixture, Store *person)
{
	(void)fixture;
	say(person, WORD_NONE);
}

static void flip(const Fixture *fixture, Store *person)
{
	(void)person;
	fixture_set_raw_flip(fixture, "P2");
}

static const struct { const char *what; void (*act)(const Fixture *fixture, Store *person); bool done; const char *word; } between[] = {
	{ "nothing", do_nothing, true, "P3" }, { "declares", declare, false, "P1" }, { "declares and clears", declare_and_clear, false, "none" },
	{ "clears", clear, false, "none" }, { "flips by hand", flip, false, "P2" },
};

/* before: with an incident that ended long ago, and without any. */
static void check_unmoved(gconstpointer kind, bool before)
{
	for (gsize i = 0; i < G_N_ELEMENTS(between); i++) {
		g_autoptr(Fixture) fixture = fixture_new(kind);
		g_autoptr(Store) node = fixture_open(fixture, "node1"), person = fixture_open(fixture, "jane");
		g_autoptr(Snapshot) seen = NULL, after = NULL;
		g_autoptr(GError) error = NULL;
		const Incident *incident;
		bool done;

		g_test_message("%s, %s", between[i].what, before ? "after an incident" : "before the first");
		if (before)
			declare_and_clear(fixture, person);
		seen = store_snapshot(node, NULL, &error);
		g_assert_no_error(error);
		incident = snapshot_find(seen, "default");
		between[i].act(fixture, person);
		g_assert_true(store_set_word_unmoved(node, "default", WORD_P3, incident != NULL ? &incident->state : NULL, "node1 (surge)", &done, &error));
		g_assert_no_error(error);
		g_assert_cmpint(done, ==, between[i].done);
		after = store_snapshot(node, seen, &error);
		g_assert_no_error(error);
		incident = snapshot_find(after, "default");
		g_assert_cmpstr(incident != NULL ? word_name(incident->state.word) : "none", ==, between[i].word);
	}
}

static void test_a_program_overrules_nobody(gconstpointer kind)
{
	check_unmoved(kind, false);
	check_unmoved(kind, true);
}

int main(int argc, char **argv)
{
	int result;

	(void)claims_secret(); /* before there are threads */
	if (argc == 6 && strcmp(argv[1], "--claim") == 0) {
		result = claim_in_process(argv);
		claims_shut_down();
		return result;
	}
	if (argc == 4 && (strcmp(argv[1], "--reply") == 0 || strcmp(argv[1], "--stall") == 0)) {
		result = reply_in_process(argv);
		claims_shut_down();
		return result;
	}
	g_test_init(&argc, &argv, NULL);
	fixture_add_test("a-program-overrules-nobody", test_a_program_overrules_nobody);
	fixture_add_test("threads-never-win-twice", test_threads_never_win_twice);
	fixture_add_test("processes-never-win-twice", test_processes_never_win_twice);
	fixture_add_test("processes-never-exceed-a-cap", test_processes_never_exceed_a_cap);
	fixture_add_test("repliers-share-the-work", test_repliers_share_the_work);
	fixture_add_test("a-killed-repliers-jobs-are-taken-over", test_a_killed_repliers_jobs_are_taken_over);
	result = g_test_run();
	fixture_shut_down();
	claims_shut_down();
	return result;
}
