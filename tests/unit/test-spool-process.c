/* test-spool-process: the spool's file among several processes: what is recorded is there after whatever dies, and is one process's. */
#include <signal.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/error.h"
#include "spool-node-fixture.h"

/* Runs child in a process of its own; returns how it ended. */
static int run_child(Node *node, void (*child)(Node *node))
{
	pid_t pid;
	int status;

	/* No connection may cross a fork. */
	g_clear_pointer(&node->spool, spool_free);
	pid = fork();
	if (pid == 0) {
		child(node);
		_exit(0);
	}
	g_assert_cmpint(waitpid(pid, &status, 0), ==, pid);
	node->spool = spool_fixture_open(node->base);
	return status;
}

static void record_and_die(Node *node)
{
	Spool *spool = spool_fixture_open(node->base);

	g_assert_cmpint(spool_ask(spool, &node->state, "aa", "t1", SPOOL_LOCAL), ==, CLAIM_WON);
	spool_took(spool, &node->state, "bb", "t2");
	kill(getpid(), SIGKILL);
}

static void what_was_recorded_survives_kill_9(Node *node, gconstpointer data)
{
	(void)data;
	g_assert_true(WIFSIGNALED(run_child(node, record_and_die)));
	expect(node, "local=1 mirror=1");
}

/* Thirty rows: a trigger that joins them eightfold does not end. */
#define ENDLESS "CREATE TRIGGER endless AFTER INSERT ON acks BEGIN SELECT count(*) FROM acks a, acks b, acks c, acks d, acks e, acks f," \
	" acks g, acks h; END"

static void die_while_writing(Node *node)
{
	Spool *spool = spool_fixture_open(node->base);

	for (int i = 0; i < 30; i++) {
		g_autofree char *name = g_strdup_printf("x%d", i);

		spool_took(spool, &node->state, name, name);
	}
	g_free(spool_sql(node->base, ENDLESS));
	alarm(1); /* its default action kills, within the transaction: the row is written and not committed */
	spool_ask(spool, &node->state, "aa", "t1", SPOOL_LOCAL);
}

static void a_process_killed_while_it_writes_leaves_nothing_behind(Node *node, gconstpointer data)
{
	int status;

	(void)data;
	status = run_child(node, die_while_writing);
	g_assert_true(WIFSIGNALED(status));
	expect(node, "mirror=30");
	sql(node, "DROP TRIGGER endless");
	g_assert_cmpint(spool_ask(node->spool, &node->state, "aa", "t1", SPOOL_LOCAL), ==, CLAIM_WON);
	expect(node, "local=1 mirror=30");
}

static void fill_the_disk(Node *node)
{
	Spool *spool = spool_fixture_open(node->base);
	g_autofree char *wal = g_build_filename(node->base->dir, "spool.db-wal", NULL);
	g_autoptr(GError) error = NULL;
	struct rlimit limit, usual;
	struct stat info;
	ClaimAnswer answer = CLAIM_WON;

	g_assert_cmpint(spool_ask(spool, &node->state, "aa", "t1", SPOOL_LOCAL), ==, CLAIM_WON);
	signal(SIGXFSZ, SIG_IGN);
	g_assert_cmpint(stat(wal, &info), ==, 0);
	getrlimit(RLIMIT_FSIZE, &usual);
	limit = usual;
	limit.rlim_cur = (rlim_t)info.st_size + 100;
	setrlimit(RLIMIT_FSIZE, &limit);
	g_assert_false(spool_try(spool, &node->state, false, "bb", "t2", SPOOL_LOCAL, &answer, &error));
	g_assert_error(error, OUTAGE_ERROR, OUTAGE_ERROR_UNAVAILABLE);
	g_assert_cmpint(answer, ==, CLAIM_AWAY);
	setrlimit(RLIMIT_FSIZE, &usual);
	g_assert_cmpint(spool_ask(spool, &node->state, "cc", "t3", SPOOL_LOCAL), ==, CLAIM_WON);
}

static void a_full_disk_loses_nothing_that_was_recorded(Node *node, gconstpointer data)
{
	(void)data;
	g_assert_cmpint(run_child(node, fill_the_disk), ==, 0);
	expect(node, "local=2");
	g_assert_cmpint(spool_ask(node->spool, &node->state, "aa", "t9", SPOOL_LOCAL), ==, CLAIM_ALREADY);
}

static void a_lock_is_not_waited_for_past_the_deadline(Node *node, gconstpointer data)
{
	ClaimRequest request = { .incident = (char *)"default", .id = node->state.id };
	StoreClaim claim = { .request = &request, .hash = "aa", .token = "t1", .payload = "{}", .mac = "m", .domain = "example.com" };
	g_autofree char *path = g_build_filename(node->base->dir, "spool.db", NULL);
	g_autoptr(GError) error = NULL;
	ClaimAnswer answer;
	sqlite3 *other;

	(void)data;
	g_assert_cmpint(sqlite3_open(path, &other), ==, SQLITE_OK);
	g_assert_cmpint(sqlite3_exec(other, "BEGIN IMMEDIATE", NULL, NULL, NULL), ==, SQLITE_OK);
	claim.until = clock_mono_us() + 50000;
	g_assert_false(spool_claim(node->spool, &claim, SPOOL_LOCAL, &answer, &error));
	g_assert_error(error, OUTAGE_ERROR, OUTAGE_ERROR_UNAVAILABLE);
	/* store.timeout is ten seconds here. */
	g_assert_cmpint(clock_mono_us() - claim.until, <, 5 * G_USEC_PER_SEC);
	sqlite3_close(other);
	claim.until = 0;
	g_assert_true(spool_claim(node->spool, &claim, SPOOL_LOCAL, &answer, NULL));
	g_assert_cmpint(answer, ==, CLAIM_WON);
}

#define RACERS 4
#define RACED 60

/* Takes rows one by one and writes a line for each, until there are none. */
static void race(Node *node, int fd)
{
	Spool *spool = spool_fixture_open(node->base);

	for (;;) {
		g_autoptr(GError) error = NULL;
		g_autoptr(SpoolRow) row = spool_next_unsettled(spool, IDLE_MS, &error);
		g_autofree char *line = row != NULL ? g_strconcat(row->token, "\n", NULL) : NULL;

		g_assert_no_error(error);
		if (row == NULL)
			_exit(0);
		g_assert_cmpint(write(fd, line, strlen(line)), ==, (gssize)strlen(line));
	}
}

static void of_several_processes_one_gets_a_row(Node *node, gconstpointer data)
{
	g_autoptr(GHashTable) seen = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	int ends[2], status;
	FILE *lines;
	char *line = NULL;
	size_t room = 0;

	(void)data;
	for (int i = 0; i < RACED; i++) {
		g_autofree char *name = g_strdup_printf("t%d", i);

		g_assert_cmpint(spool_ask(node->spool, &node->state, name, name, SPOOL_HELD), ==, CLAIM_WON);
	}
	g_clear_pointer(&node->spool, spool_free);
	g_assert_cmpint(pipe(ends), ==, 0);
	for (int i = 0; i < RACERS; i++)
		if (fork() == 0)
			race(node, ends[1]);
	close(ends[1]);
	lines = fdopen(ends[0], "r");
	while (getline(&line, &room, lines) > 0)
		g_assert_true(g_hash_table_add(seen, g_strdup(line)));
	free(line);
	fclose(lines);
	for (int i = 0; i < RACERS; i++) {
		g_assert_cmpint(wait(&status), >, 0);
		g_assert_cmpint(status, ==, 0);
	}
	g_assert_cmpuint(g_hash_table_size(seen), ==, RACED);
	node->spool = spool_fixture_open(node->base);
}

static void replier_and_milter_can_share_the_file(Node *node, gconstpointer data)
{
	g_autofree char *path = g_build_filename(node->base->dir, "spool.db", NULL);
	struct stat info;

	(void)data;
	g_assert_cmpint(stat(path, &info), ==, 0);
	g_assert_cmpint(info.st_mode & 07777, ==, 0660);
}

static void a_newer_programs_file_is_left_alone(Node *node, gconstpointer data)
{
	g_autoptr(GError) error = NULL;

	(void)data;
	sql(node, "PRAGMA user_version = 99");
	g_assert_null(spool_open(node->base->config, &error));
	g_assert_error(error, OUTAGE_ERROR, OUTAGE_ERROR_INVALID);
}

int main(int argc, char **argv)
{
	int status;

	g_test_init(&argc, &argv, NULL);
	add("what-was-recorded-survives-kill-9", what_was_recorded_survives_kill_9);
	add("a-process-killed-while-it-writes-leaves-nothing-behind", a_process_killed_while_it_writes_leaves_nothing_behind);
	add("a-full-disk-loses-nothing-that-was-recorded", a_full_disk_loses_nothing_that_was_recorded);
	add("a-lock-is-not-waited-for-past-the-deadline", a_lock_is_not_waited_for_past_the_deadline);
	add("of-several-processes-one-gets-a-row", of_several_processes_one_gets_a_row);
	add("replier-and-milter-can-share-the-file", replier_and_milter_can_share_the_file);
	add("a-newer-programs-file-is-left-alone", a_newer_programs_file_is_left_alone);
	status = g_test_run();
	claims_shut_down();
	return status;
}
