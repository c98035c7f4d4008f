/* test-call: page.command runs alone, with what it is given and nothing else, and never for longer than it may. */
#include "base/call.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/error.h"

static char *environment[] = { (char *)"PATH=/usr/bin:/bin", (char *)"OUTAGE_SUBJECT=it is $(down); `x`", NULL };

static bool run(const char *script, gint64 timeout_ms, GCancellable *cancel, char **output, GError **error)
{
	char *argv[] = { (char *)"sh", (char *)"-c", (char *)script, NULL };

	return call_run(argv, environment, timeout_ms, "page.timeout", cancel, output, error);
}

static void test_command_gets_its_environment_and_no_other(void)
{
	g_autofree char *output = NULL;
	g_autoptr(GError) error = NULL;

	g_setenv("OUTAGE_TEST_SECRET", "x", TRUE);
	g_assert_true(run("printf '%s|%s|' \"$OUTAGE_SUBJECT\" \"$OUTAGE_TEST_SECRET\"; cat; echo to-stderr >&2", 20000, NULL, &output, &error));
	g_assert_no_error(error);
	g_assert_cmpstr(output, ==, "it is $(down); `x`||to-stderr\n");
}

static void test_command_holds_none_of_our_descriptors(void)
{
	g_autofree char *output = NULL;
	g_autoptr(GError) error = NULL;
	int ours = dup(STDERR_FILENO); /* not close-on-exec, as libraries open them */
	g_autofree char *script = g_strdup_printf("[ -e /proc/self/fd/%d ] && echo leaked; true", ours);

	g_assert_cmpint(ours, >, STDERR_FILENO);
	g_assert_true(run(script, 20000, NULL, &output, &error));
	(void)close(ours);
	g_assert_no_error(error);
	g_assert_cmpstr(output, ==, "");
}

static void test_failure_says_how_it_ended(void)
{
	g_autofree char *output = NULL, *more = NULL, *none = NULL;
	g_autoptr(GError) status = NULL, signal = NULL, missing = NULL;
	char *argv[] = { (char *)"/nonexistent/pager", NULL };

	g_assert_false(run("echo no credit; exit 7", 20000, NULL, &output, &status));
	g_assert_error(status, OUTAGE_ERROR, OUTAGE_ERROR_UNAVAILABLE);
	g_assert_nonnull(strstr(status->message, "status 7"));
	g_assert_cmpstr(output, ==, "no credit\n");
	g_assert_false(run("kill -TERM $$", 20000, NULL, &more, &signal));
	g_assert_nonnull(strstr(signal->message, "signal 15"));
	g_assert_false(call_run(argv, environment, 20000, "page.timeout", NULL, &none, &missing));
	g_assert_error(missing, OUTAGE_ERROR, OUTAGE_ERROR_SYSTEM);
	g_assert_nonnull(strstr(missing->message, g_strerror(ENOENT)));
}

static bool is_gone(pid_t pid)
{
	for (int i = 0; i < 500; i++) {
		g_autofree char *path = g_strdup_printf("/proc/%d/stat", (int)pid);
		g_autofree char *stat = NULL;

		/* A zombie that nobody reaps is dead enough. */
		if (!g_file_get_contents(path, &stat, NULL, NULL) || strstr(stat, ") Z ") != NULL)
			return true;
		g_usleep(10000);
	}
	return false;
}

static void test_what_takes_too_long_is_killed_with_its_children(void)
{
	g_autofree char *output = NULL;
	g_autoptr(GError) error = NULL;

	g_assert_false(run("trap '' TERM; sleep 600 & echo $!; wait", 300, NULL, &output, &error));
	g_assert_error(error, OUTAGE_ERROR, OUTAGE_ERROR_UNAVAILABLE);
	g_assert_nonnull(strstr(error->message, "page.timeout"));
	g_assert_cmpint(atoi(output), >, 1);
	g_assert_true(is_gone(atoi(output)));
}

static gpointer cancel_soon(gpointer cancel)
{
	g_usleep(100000);
	g_cancellable_cancel(cancel);
	return NULL;
}

static void test_stop_of_the_program_is_not_waited_for(void)
{
	g_autoptr(GCancellable) cancel = g_cancellable_new();
	GThread *thread = g_thread_new("cancel", cancel_soon, cancel);
	g_autofree char *output = NULL;
	g_autoptr(GError) error = NULL;

	/* Ten minutes: the test's own time limit would end it. */
	g_assert_false(run("sleep 600", 600000, cancel, &output, &error));
	g_thread_join(thread);
	g_assert_nonnull(strstr(error->message, "this program ends"));
}

static void test_output_is_bounded_and_never_blocks_the_command(void)
{
	g_autofree char *output = NULL;
	g_autoptr(GError) error = NULL;

	g_assert_true(run("head -c 1000000 /dev/zero | tr '\\0' x", 20000, NULL, &output, &error));
	g_assert_no_error(error);
	g_assert_cmpuint(strlen(output), ==, 4096);
}

static void test_what_it_leaves_running_is_not_waited_for(void)
{
	g_autofree char *output = NULL;
	g_autoptr(GError) error = NULL;

	g_assert_true(run("sleep 600 & echo $!", 300000, NULL, &output, &error));
	g_assert_no_error(error);
	g_assert_cmpint(kill(atoi(output), SIGKILL), ==, 0);
}

static void test_our_blocked_signals_are_not_the_commands(void)
{
	g_autofree char *output = NULL;
	g_autoptr(GError) error = NULL;
	g_auto(GStrv) sets = NULL;
	sigset_t set, before;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	g_assert_cmpint(pthread_sigmask(SIG_BLOCK, &set, &before), ==, 0);
	(void)signal(SIGPIPE, SIG_IGN);
	g_assert_true(run("sed -n 's/^SigBlk:[[:space:]]*//p; s/^SigIgn:[[:space:]]*//p' /proc/self/status", 20000, NULL, &output, &error));
	(void)signal(SIGPIPE, SIG_DFL);
	g_assert_cmpint(pthread_sigmask(SIG_SETMASK, &before, NULL), ==, 0);
	sets = g_strsplit(output, "\n", -1);
	g_assert_cmpuint(g_strv_length(sets), ==, 3);
	/* The C library keeps two above these for itself. */
	for (int i = 0; i < 2; i++)
		g_assert_cmphex(g_ascii_strtoull(sets[i], NULL, 16) & 0x7FFFFFFF, ==, 0);
}

static void add_to(CallQueue *queue, const char *script)
{
	char *argv[] = { (char *)"sh", (char *)"-c", (char *)script, NULL };

	call_queue_add(queue, argv, g_strdupv(environment), 20000, g_strdup("a test"));
}

/* What is told second must not come to its reader first, and nothing that was ordered is lost at an orderly end. */
static void test_queued_runs_keep_their_order_and_are_finished(void)
{
	g_autofree char *path = NULL, *text = NULL;
	CallQueue *queue = call_queue_new("alarm.command", "alarm.timeout", 1);
	int file = g_file_open_tmp("outage-call-XXXXXX", &path, NULL);

	(void)close(file);
	for (guint i = 0; i < 5; i++) {
		g_autofree char *script = g_strdup_printf("echo %u >>%s", i, path);

		add_to(queue, script);
	}
	call_queue_free(queue, true);
	g_assert_true(g_file_get_contents(path, &text, NULL, NULL));
	g_assert_cmpstr(text, ==, "0\n1\n2\n3\n4\n");
	(void)unlink(path);
}

/* The first run is killed, those behind it never begin. */
static void test_queued_runs_do_not_hold_up_the_end(void)
{
	g_autofree char *path = NULL, *text = NULL, *script = NULL;
	CallQueue *queue = call_queue_new("alarm.command", "alarm.timeout", 1);
	gint64 begun = clock_mono_us();
	int file = g_file_open_tmp("outage-call-XXXXXX", &path, NULL);

	(void)close(file);
	script = g_strdup_printf("echo ran >>%s", path);
	g_assert_cmpuint(call_queue_waiting(queue), ==, 0);
	add_to(queue, "exec sleep 600");
	add_to(queue, script);
	call_queue_free(queue, false);
	g_assert_cmpint(clock_mono_us() - begun, <, 15 * G_USEC_PER_SEC);
	g_assert_true(g_file_get_contents(path, &text, NULL, NULL));
	g_assert_cmpstr(text, ==, "");
	(void)unlink(path);
	call_queue_free(NULL, true);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/call/environment", test_command_gets_its_environment_and_no_other);
	g_test_add_func("/call/descriptors", test_command_holds_none_of_our_descriptors);
	g_test_add_func("/call/failure", test_failure_says_how_it_ended);
	g_test_add_func("/call/timeout", test_what_takes_too_long_is_killed_with_its_children);
	g_test_add_func("/call/stop", test_stop_of_the_program_is_not_waited_for);
	g_test_add_func("/call/output", test_output_is_bounded_and_never_blocks_the_command);
	g_test_add_func("/call/background", test_what_it_leaves_running_is_not_waited_for);
	g_test_add_func("/call/signals", test_our_blocked_signals_are_not_the_commands);
	g_test_add_func("/call/queue/order", test_queued_runs_keep_their_order_and_are_finished);
	g_test_add_func("/call/queue/end", test_queued_runs_do_not_hold_up_the_end);
	return g_test_run();
}
