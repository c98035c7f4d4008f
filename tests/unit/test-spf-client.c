/* The pool of SPF helpers: a question gets its own answer or temperror in time, whatever a helper does. spf-puppet is the helper;
 * what it does says the sender of the question. */
#include <errno.h>
#include <glib/gstdio.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/log.h"
#include "spf/client.h"
#include "spf/helper.h"

/* A deadline that nothing healthy comes near, one that is meant to pass, and how much later than that a loaded machine may be. */
#define AMPLE_MS 20000
#define SHORT_MS 200
#define SLACK_MS 5000
#define STOP_MS 2000

static Config *puppet_config(guint helpers, const char *nameserver)
{
	Config *config = config_defaults();

	g_free(config->spf_program);
	config->spf_program = g_test_build_filename(G_TEST_BUILT, "tests", "unit", "spf-puppet", NULL);
	g_free(config->spf_nameserver);
	config->spf_nameserver = g_strdup(nameserver);
	config->spf_helpers = helpers;
	return config;
}

static SpfClient *start_puppets(guint helpers)
{
	g_autoptr(Config) config = puppet_config(helpers, "");
	g_autoptr(GError) error = NULL;
	SpfClient *client = spf_client_start(config, &error);

	g_assert_no_error(error);
	g_assert_nonnull(client);
	return client;
}

static SpfAnswer ask(SpfClient *client, const char *act, gint64 timeout)
{
	/* Each act has a domain of its own: the silence of one is remembered. */
	g_autofree char *sender = g_strconcat(act, "@", act, ".example", NULL);
	SpfQuestion question = { .client = (char *)"192.0.2.7", .helo = (char *)"mx.example", .sender = sender };

	return spf_client_ask(client, &question, timeout);
}

static void expect(SpfClient *client, const char *act, SpfResult result)
{
	SpfAnswer answer = ask(client, act, AMPLE_MS);

	g_assert_cmpstr(spf_result_name(answer.result), ==, spf_result_name(result));
}

static gint64 ms_since(gint64 began)
{
	return (clock_mono_us() - began) / 1000;
}

static guint count_fds(void)
{
	g_autoptr(GDir) dir = g_dir_open("/proc/self/fd", 0, NULL);
	guint count = 0;

	g_assert_nonnull(dir);
	while (g_dir_read_name(dir) != NULL)
		count++;
	return count;
}

static void expect_no_children(void)
{
	siginfo_t info;

	g_assert_cmpint(waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT), ==, -1);
	g_assert_cmpint(errno, ==, ECHILD);
}

static void wait_for_deaths(SpfClient *client, guint64 deaths)
{
	gint64 until = clock_mono_us() + AMPLE_MS * 1000;

	while (spf_client_counts(client).deaths < deaths) {
		g_assert_cmpint(clock_mono_us(), <, until);
		g_thread_yield();
	}
}

/* ---- what it is for ---- */

static void test_answers(void)
{
	static const struct {
		const char *act;
		SpfAnswer answer;
	} cases[] = {
		{ "pass-narrow", { SPF_PASS, false } }, { "pass-broad", { SPF_PASS, true } }, { "fail-narrow", { SPF_FAIL, false } },
		{ "none-narrow", { SPF_NONE, false } }, { "neutral-narrow", { SPF_NEUTRAL, false } },
		{ "softfail-broad", { SPF_SOFTFAIL, true } }, { "permerror-narrow", { SPF_PERMERROR, false } },
		{ "temperror-narrow", { SPF_TEMPERROR, false } },
	};
	g_autoptr(SpfClient) client = start_puppets(1);
	SpfClientCounts counts;

	for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
		SpfAnswer answer = ask(client, cases[i].act, AMPLE_MS);

		g_assert_cmpstr(spf_result_name(answer.result), ==, spf_result_name(cases[i].answer.result));
		g_assert_cmpint(answer.broad, ==, cases[i].answer.broad);
	}
	counts = spf_client_counts(client);
	g_assert_cmpuint(counts.asked, ==, G_N_ELEMENTS(cases));
	g_assert_cmpuint(counts.temperrors, ==, 1);
	g_assert_cmpuint(counts.deaths, ==, 0);
	g_assert_cmpuint(counts.alive, ==, 1);
}

static void test_question_arrives_as_asked(void)
{
	g_autoptr(Config) config = puppet_config(1, "192.0.2.53:5300");
	g_autoptr(SpfClient) client = spf_client_start(config, NULL);
	SpfQuestion fields = { .client = (char *)"192.0.2.7", .helo = (char *)"mx one.example", .sender = (char *)"fields@a\nb%.example" };
	SpfQuestion policy = { .sender = (char *)"policy@stranger.example", .policy_only = true };
	SpfQuestion argument = { .sender = (char *)"argument@192.0.2.53:5300", .policy_only = true };

	g_assert_nonnull(client);
	g_assert_cmpint(spf_client_ask(client, &fields, AMPLE_MS).result, ==, SPF_PASS);
	g_assert_cmpint(spf_client_ask(client, &policy, AMPLE_MS).result, ==, SPF_PASS);
	g_assert_cmpint(spf_client_ask(client, &argument, AMPLE_MS).result, ==, SPF_PASS);
}

static void test_helper_has_nothing_of_ours(void)
{
	g_autoptr(SpfClient) client = NULL;
	struct sigaction ignore = { .sa_handler = SIG_IGN }, before;
	int open_ones[2];
	sigset_t set;

	/* As libmilter does: without close-on-exec. */
	g_assert_cmpint(pipe(open_ones), ==, 0);
	g_assert_cmpint(sigaction(SIGPIPE, &ignore, &before), ==, 0);
	sigemptyset(&set);
	sigaddset(&set, SIGUSR2);
	g_assert_cmpint(sigprocmask(SIG_BLOCK, &set, NULL), ==, 0);
	client = start_puppets(1);
	expect(client, "naked", SPF_PASS);
	g_assert_cmpint(sigprocmask(SIG_UNBLOCK, &set, NULL), ==, 0);
	g_assert_cmpint(sigaction(SIGPIPE, &before, NULL), ==, 0);
	(void)close(open_ones[0]);
	(void)close(open_ones[1]);
}

static gpointer start_one(gpointer unused)
{
	(void)unused;
	return start_puppets(1);
}

/* Helpers are killed when the thread dies that started them. */
static void test_pool_outlives_the_thread_that_made_it(void)
{
	g_autoptr(SpfClient) client = g_thread_join(g_thread_new("starter", start_one, NULL));

	for (int i = 0; i < 100; i++)
		expect(client, "pass-narrow", SPF_PASS);
	g_assert_cmpuint(spf_client_counts(client).deaths, ==, 0);
}

/* ---- a helper that goes wrong in mid-question ---- */

typedef struct {
	const char *name;
	const char *act;
	bool silent;          /* only the deadline ends it */
} Misbehaviour;

static const Misbehaviour misbehaviours[] = {
	{ "crash", "crash", false },
	{ "exit", "exit", false },
	{ "hang", "hang", true },
	{ "half-an-answer", "half", true },
	{ "no-answer", "silent", true },
	{ "late-answer", "late", true },
	{ "junk", "junk", false },
	{ "line-too-long", "long", false },
	{ "flood-without-end-of-line", "flood", false },
	{ "two-answers", "twice", false },
	{ "answer-to-another-question", "wrongserial", false },
	{ "result-that-is-none", "maybe-narrow", false },
	{ "result-never-asked", "unasked-narrow", false },
	{ "breadth-that-is-none", "pass-wide", false },
	{ "closed-output", "close", false },
	{ "flood-of-complaints", "loud", false },
};

/* One helper only: what the first question left behind would be the second one's answer. */
static void test_misbehaviour(gconstpointer data)
{
	const Misbehaviour *wrong = data;
	g_autoptr(SpfClient) client = start_puppets(1);
	gint64 began, timeout = wrong->silent ? SHORT_MS : AMPLE_MS;
	SpfClientCounts counts;
	SpfAnswer answer;

	expect(client, "neutral-narrow", SPF_NEUTRAL);
	began = clock_mono_us();
	answer = ask(client, wrong->act, timeout);
	g_assert_cmpstr(spf_result_name(answer.result), ==, "temperror");
	g_assert_false(answer.broad);
	if (wrong->silent)
		g_assert_cmpint(ms_since(began), >=, SHORT_MS);
	g_assert_cmpint(ms_since(began), <, SHORT_MS + SLACK_MS);
	for (int i = 0; i < 3; i++)
		expect(client, "fail-narrow", SPF_FAIL);
	counts = spf_client_counts(client);
	g_assert_cmpuint(counts.asked, ==, 5);
	g_assert_cmpuint(counts.temperrors, ==, 1);
	g_assert_cmpuint(counts.deaths, ==, 1);
	g_assert_cmpuint(counts.alive, ==, 1);
}

static void test_idle_death_costs_no_question(void)
{
	g_autoptr(SpfClient) client = start_puppets(1);

	for (guint i = 1; i <= 5; i++) {
		expect(client, "leave", SPF_PASS);
		wait_for_deaths(client, i);
	}
	g_assert_cmpuint(spf_client_counts(client).temperrors, ==, 0);
}

/* What is said between two questions is noticed before the next one is asked. */
static void test_unasked_words_are_noticed(void)
{
	g_autofree char *program = g_test_build_filename(G_TEST_BUILT, "tests", "unit", "spf-puppet", NULL);
	SpfQuestion question = { .sender = (char *)"chatter@stranger.example", .policy_only = true };
	gint64 until = clock_mono_us() + AMPLE_MS * 1000;
	g_autoptr(GError) error = NULL;
	SpfHelper *helper = spf_helper_start(program, NULL, &error);
	struct pollfd channel = { .events = POLLIN };
	SpfAnswer answer = { SPF_UNASKED, false };
	g_autofree char *reason = NULL;
	const char *why = NULL;

	g_assert_no_error(error);
	g_assert_true(spf_helper_ask(helper, &question, 1, until, &answer, &reason, &error));
	g_assert_no_error(error);
	g_assert_cmpint(answer.result, ==, SPF_PASS);
	g_assert_cmpstr(reason, ==, "the puppet says so");
	channel.fd = helper->channel;
	g_assert_cmpint(poll(&channel, 1, AMPLE_MS), ==, 1);
	g_assert_false(spf_helper_is_quiet(helper, &why));
	g_assert_cmpstr(why, ==, "it spoke unasked");
	spf_helper_hang_up(helper);
	g_assert_cmpint(waitpid(helper->pid, NULL, 0), ==, helper->pid);
	spf_helper_free(helper);
}

/* ---- many at once ---- */

#define ASKERS 16
#define QUESTIONS 50

static gpointer ask_many(gpointer data)
{
	static const SpfResult results[] = {
		SPF_NONE, SPF_NEUTRAL, SPF_PASS, SPF_FAIL, SPF_SOFTFAIL, SPF_PERMERROR, SPF_TEMPERROR
	};
	SpfClient *client = data;
	guint wrong = 0;

	for (guint i = 0; i < QUESTIONS; i++) {
		SpfResult result = results[g_random_int_range(0, G_N_ELEMENTS(results))];
		bool broad = g_random_boolean();
		g_autofree char *act = g_strconcat(spf_result_name(result), broad ? "-broad" : "-narrow", NULL);
		SpfAnswer answer = ask(client, act, AMPLE_MS);

		if (answer.result != result || answer.broad != broad)
			wrong++;
	}
	return GUINT_TO_POINTER(wrong);
}

static void test_everybody_gets_his_own_answer(void)
{
	g_autoptr(SpfClient) client = start_puppets(3);
	GThread *threads[ASKERS];
	SpfClientCounts counts;

	for (guint i = 0; i < ASKERS; i++)
		threads[i] = g_thread_new("asker", ask_many, client);
	for (guint i = 0; i < ASKERS; i++)
		g_assert_cmpuint(GPOINTER_TO_UINT(g_thread_join(threads[i])), ==, 0);
	counts = spf_client_counts(client);
	g_assert_cmpuint(counts.asked, ==, ASKERS * QUESTIONS);
	g_assert_cmpuint(counts.deaths, ==, 0);
	g_assert_cmpuint(counts.alive, <=, 3);
}

static gpointer ask_wildly(gpointer data)
{
	static const char *const acts[] = { "crash", "pass-narrow", "junk", "fail-broad", "twice", "pass-narrow", "close", "fail-broad" };
	SpfClient *client = data;
	guint wrong = 0;

	for (guint i = 0; i < QUESTIONS; i++) {
		const char *act = acts[g_random_int_range(0, G_N_ELEMENTS(acts))];
		SpfAnswer answer = ask(client, act, SHORT_MS);
		bool good = strcmp(act, "pass-narrow") == 0 ? answer.result == SPF_PASS && !answer.broad :
		    strcmp(act, "fail-broad") == 0 ? answer.result == SPF_FAIL && answer.broad : false;

		/* Without a free helper in time it is temperror; somebody else's answer it is never. */
		if (!good && (answer.result != SPF_TEMPERROR || answer.broad))
			wrong++;
	}
	return GUINT_TO_POINTER(wrong);
}

static void test_no_answer_is_mixed_up_while_helpers_die(void)
{
	g_autoptr(SpfClient) client = start_puppets(4);
	GThread *threads[ASKERS];
	SpfResult result = SPF_UNASKED;

	for (guint i = 0; i < ASKERS; i++)
		threads[i] = g_thread_new("asker", ask_wildly, client);
	for (guint i = 0; i < ASKERS; i++)
		g_assert_cmpuint(GPOINTER_TO_UINT(g_thread_join(threads[i])), ==, 0);
	g_assert_cmpuint(spf_client_counts(client).deaths, >, 0);
	/* However long the pool has stepped back, it comes back. The first answer may be of a helper whose end nobody has noticed yet. */
	for (gint64 until = clock_mono_us() + 3 * AMPLE_MS * 1000; result != SPF_PASS && clock_mono_us() < until;)
		result = ask(client, "pass-narrow", 2 * AMPLE_MS).result;
	g_assert_cmpint(result, ==, SPF_PASS);
}

static gpointer ask_to_hang(gpointer data)
{
	return GINT_TO_POINTER(ask(data, "hang", AMPLE_MS).result);
}

static void wait_until_asked(SpfClient *client, guint64 asked)
{
	gint64 until = clock_mono_us() + AMPLE_MS * 1000;

	while (spf_client_counts(client).asked < asked) {
		g_assert_cmpint(clock_mono_us(), <, until);
		g_thread_yield();
	}
}

static void test_all_helpers_busy_is_temperror_at_the_deadline(void)
{
	g_autoptr(SpfClient) client = start_puppets(1);
	GThread *thread = g_thread_new("asker", ask_to_hang, client);
	gint64 began;

	wait_until_asked(client, 1);
	began = clock_mono_us();
	g_assert_cmpint(ask(client, "pass-narrow", SHORT_MS).result, ==, SPF_TEMPERROR);
	g_assert_cmpint(ms_since(began), <, SHORT_MS + SLACK_MS);
	/* It had no part in it, so the other question is still being asked. */
	g_assert_cmpuint(spf_client_counts(client).deaths, ==, 0);
	spf_client_stop(g_steal_pointer(&client));
	g_assert_cmpint(GPOINTER_TO_INT(g_thread_join(thread)), ==, SPF_TEMPERROR);
}

static void test_stop_ends_hanging_questions(void)
{
	SpfClient *client = start_puppets(2);
	GThread *threads[4];
	gint64 began;

	for (guint i = 0; i < G_N_ELEMENTS(threads); i++)
		threads[i] = g_thread_new("asker", ask_to_hang, client);
	wait_until_asked(client, G_N_ELEMENTS(threads));
	began = clock_mono_us();
	spf_client_stop(client);
	g_assert_cmpint(ms_since(began), <, STOP_MS);
	for (guint i = 0; i < G_N_ELEMENTS(threads); i++)
		g_assert_cmpint(GPOINTER_TO_INT(g_thread_join(threads[i])), ==, SPF_TEMPERROR);
	expect_no_children();
}

/* ---- programs that cannot be a helper ---- */

static void test_program_that_is_missing_is_said_at_once(void)
{
	g_autoptr(Config) config = puppet_config(2, "");
	g_autoptr(GError) error = NULL;
	guint fds = count_fds();

	g_free(config->spf_program);
	config->spf_program = g_strdup("/nonexistent/outage-spf");
	g_assert_null(spf_client_start(config, &error));
	g_assert_error(error, OUTAGE_ERROR, OUTAGE_ERROR_SYSTEM);
	g_assert_nonnull(strstr(error->message, "/nonexistent/outage-spf"));
	g_assert_nonnull(strstr(error->message, "spf.program"));
	g_assert_cmpuint(count_fds(), ==, fds);
	expect_no_children();
}

static void test_program_that_is_not_executable_is_said_at_once(void)
{
	g_autoptr(Config) config = puppet_config(2, "");
	g_autoptr(GError) error = NULL, made = NULL;
	g_autofree char *dir = g_dir_make_tmp("test-spf-client-XXXXXX", &made);
	g_autofree char *path = g_build_filename(dir, "outage-spf", NULL);

	g_assert_no_error(made);
	g_assert_true(g_file_set_contents(path, "text\n", -1, NULL));
	g_free(config->spf_program);
	config->spf_program = g_strdup(path);
	g_assert_null(spf_client_start(config, &error));
	g_assert_error(error, OUTAGE_ERROR, OUTAGE_ERROR_SYSTEM);
	g_assert_nonnull(strstr(error->message, path));
	(void)g_unlink(path);
	(void)g_rmdir(dir);
}

/* A question that can wait has each new helper tried on it; the pauses between these grow: 0, 50 to 100 ms, 100 to 200 ms, 200
 * ms... */
static void test_program_that_ends_at_once_is_not_started_without_pause(void)
{
	g_autoptr(Config) config = puppet_config(1, "exit");
	g_autoptr(SpfClient) client = spf_client_start(config, NULL);
	gint64 began = clock_mono_us();

	g_assert_nonnull(client);
	for (int i = 0; i < 5; i++)
		g_assert_cmpint(ask(client, "pass-narrow", AMPLE_MS).result, ==, SPF_TEMPERROR);
	g_assert_cmpint(ms_since(began), >=, 350);
	/* One that cannot wait so long does not. */
	began = clock_mono_us();
	g_assert_cmpint(ask(client, "pass-narrow", 1).result, ==, SPF_TEMPERROR);
	g_assert_cmpint(ms_since(began), <, SLACK_MS);
}

/* ---- what stays behind ---- */

static void test_crashes_leave_nothing_behind(void)
{
	guint before = count_fds();
	SpfClient *client = start_puppets(2);

	for (guint i = 0; i < 50; i++) {
		expect(client, "crash", SPF_TEMPERROR);
		expect(client, "pass-narrow", SPF_PASS);
		/* Two for each helper, and again for each that is about to be buried; the eventfd; two that are the child's. */
		g_assert_cmpuint(count_fds(), <=, before + 2 * 4 + 1 + 2);
	}
	g_assert_cmpuint(spf_client_counts(client).deaths, ==, 50);
	spf_client_stop(client);
	g_assert_cmpuint(count_fds(), ==, before);
	expect_no_children();
}

static void test_log_tells_what_happened(void)
{
	if (g_test_subprocess()) {
		g_autoptr(SpfClient) client = NULL;

		log_open("test", LOG_TO_STDERR, LOG_LEVEL_WARNING);
		client = start_puppets(1);
		expect(client, "complain", SPF_TEMPERROR);
		expect(client, "twice", SPF_TEMPERROR);
		expect(client, "temperror-narrow", SPF_TEMPERROR);
		return;
	}
	g_test_trap_subprocess(NULL, 0, 0);
	g_test_trap_assert_passed();
	g_test_trap_assert_stderr("*: warning: spf: complain.example: temperror: the helper died in mid-question\n*");
	g_test_trap_assert_stderr("*: warning: spf: helper * says: bad \\x1b[31m name\n*");
	g_test_trap_assert_stderr("*: warning: spf: helper * says: the end\n*");
	g_test_trap_assert_stderr("*: warning: spf: helper * died: signal 6 (*\n*");
	g_test_trap_assert_stderr("*: warning: spf: helper * was killed: its answer made no sense\n*");
	g_test_trap_assert_stderr("*: warning: spf: temperror-narrow.example: temperror: the puppet says so\n*");
	/* Whole addresses are personal. */
	g_test_trap_assert_stderr_unmatched("*@*.example*");
}

static gint64 ask_from(SpfClient *client, const char *ip, const char *sender, bool policy_only, gint64 timeout, SpfResult result)
{
	SpfQuestion question = {
		.client = (char *)ip, .helo = (char *)"mx.example", .sender = (char *)sender, .policy_only = policy_only
	};
	gint64 began = clock_mono_us();
	SpfAnswer answer = spf_client_ask(client, &question, timeout);

	g_assert_cmpstr(spf_result_name(answer.result), ==, spf_result_name(result));
	return ms_since(began);
}

static gint64 ask_timed(SpfClient *client, const char *sender, bool policy_only, gint64 timeout, SpfResult result)
{
	return ask_from(client, "192.0.2.7", sender, policy_only, timeout, result);
}

/* Otherwise a few messages a second in the name of a domain with silent name servers would hold every helper all the time. */
static void test_silent_domain_is_not_waited_for_twice(void)
{
	g_autoptr(SpfClient) client = start_puppets(1);

	g_assert_cmpint(ask_timed(client, "hang@silent.example", false, SHORT_MS, SPF_TEMPERROR), >=, SHORT_MS * 3 / 4);
	wait_for_deaths(client, 1);
	for (int i = 0; i < 20; i++)
		g_assert_cmpint(ask_timed(client, "fail-narrow@sub.silent.example", false, AMPLE_MS, SPF_TEMPERROR), <, AMPLE_MS / 2);
	(void)ask_timed(client, "fail-narrow@other.example", false, AMPLE_MS, SPF_FAIL);
	/* The silence may be of the client's own making: it must not cost the domain's real senders their answer. */
	(void)ask_from(client, "192.0.2.8", "fail-narrow@silent.example", false, AMPLE_MS, SPF_FAIL);
	g_assert_cmpuint(spf_client_counts(client).deaths, ==, 1);
	/* A crash is no silence: the next message may have better luck. */
	(void)ask_timed(client, "crash@fragile.example", false, AMPLE_MS, SPF_TEMPERROR);
	wait_for_deaths(client, 2);
	(void)ask_timed(client, "fail-narrow@fragile.example", false, AMPLE_MS, SPF_FAIL);
}

/* Without a resolver, mail that a filter has vouched for must not wait for what cannot be learnt. */
static void test_dead_resolver_holds_up_no_vouched_mail(void)
{
	g_autoptr(SpfClient) client = start_puppets(4);
	gint64 until = clock_mono_us() + AMPLE_MS * 1000;

	/* Waiting for a helper is no silence of DNS. */
	while (spf_client_counts(client).alive < 4) {
		g_assert_cmpint(clock_mono_us(), <, until);
		g_thread_yield();
	}
	for (guint i = 0; i < 3; i++) {
		g_autofree char *sender = g_strdup_printf("hang@silent%u.example", i);

		(void)ask_timed(client, sender, true, SHORT_MS, SPF_TEMPERROR);
	}
	for (int i = 0; i < 20; i++)
		g_assert_cmpint(ask_timed(client, "hang@fine.example", true, AMPLE_MS, SPF_TEMPERROR), <, AMPLE_MS / 2);
	/* Where the answer decides, it is still asked; and an answer ends the silence. */
	(void)ask_timed(client, "fail-narrow@fine.example", false, AMPLE_MS, SPF_FAIL);
	(void)ask_timed(client, "fail-narrow@fine.example", true, AMPLE_MS, SPF_FAIL);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	/* Whoever comes first fills the cache of G_DEFINE_QUARK; the thread sanitiser is to look at the pool. */
	(void)outage_error_quark();
	/* Each temperror below is meant. */
	log_open("test-spf-client", LOG_TO_STDERR, LOG_LEVEL_ERROR);
	g_test_add_func("/spf-client/answers", test_answers);
	g_test_add_func("/spf-client/question-arrives-as-asked", test_question_arrives_as_asked);
	g_test_add_func("/spf-client/pool-outlives-the-thread-that-made-it", test_pool_outlives_the_thread_that_made_it);
	g_test_add_func("/spf-client/helper-has-nothing-of-ours", test_helper_has_nothing_of_ours);
	for (gsize i = 0; i < G_N_ELEMENTS(misbehaviours); i++) {
		g_autofree char *path = g_strconcat("/spf-client/temperror-in-time-and-no-trace-after/", misbehaviours[i].name, NULL);

		g_test_add_data_func(path, &misbehaviours[i], test_misbehaviour);
	}
	g_test_add_func("/spf-client/idle-death-costs-no-question", test_idle_death_costs_no_question);
	g_test_add_func("/spf-client/unasked-words-are-noticed", test_unasked_words_are_noticed);
	g_test_add_func("/spf-client/everybody-gets-his-own-answer", test_everybody_gets_his_own_answer);
	g_test_add_func("/spf-client/no-answer-is-mixed-up-while-helpers-die", test_no_answer_is_mixed_up_while_helpers_die);
	g_test_add_func("/spf-client/all-helpers-busy-is-temperror-at-the-deadline", test_all_helpers_busy_is_temperror_at_the_deadline);
	g_test_add_func("/spf-client/stop-ends-hanging-questions", test_stop_ends_hanging_questions);
	g_test_add_func("/spf-client/program-that-is-missing-is-said-at-once", test_program_that_is_missing_is_said_at_once);
	g_test_add_func("/spf-client/program-that-is-not-executable-is-said-at-once",
	    test_program_that_is_not_executable_is_said_at_once);
	g_test_add_func("/spf-client/program-that-ends-at-once-is-not-started-without-pause",
	    test_program_that_ends_at_once_is_not_started_without_pause);
	g_test_add_func("/spf-client/crashes-leave-nothing-behind", test_crashes_leave_nothing_behind);
	g_test_add_func("/spf-client/silent-domain-is-not-waited-for-twice", test_silent_domain_is_not_waited_for_twice);
	g_test_add_func("/spf-client/dead-resolver-holds-up-no-vouched-mail", test_dead_resolver_holds_up_no_vouched_mail);
	g_test_add_func("/spf-client/log-tells-what-happened", test_log_tells_what_happened);
	return g_test_run();
}
