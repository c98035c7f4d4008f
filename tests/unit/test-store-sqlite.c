/* What is SQLite's own: the file and its rights, files that are not ours, a lock that does not go, a disk that is full. */
#include <glib/gstdio.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/error.h"
#include "claim-fixture.h"
#include "store/sqlite-private.h"

static char *file_of(const Fixture *fixture)
{
	return g_strdup(fixture->config->store_url + strlen("sqlite:"));
}

static void test_the_group_can_share_the_file(void)
{
	g_autoptr(Fixture) fixture = fixture_new("sqlite");
	g_autofree char *path = file_of(fixture), *wal = g_strconcat(path, "-wal", NULL), *shm = g_strconcat(path, "-shm", NULL);
	const char *const files[] = { path, wal, shm };
	mode_t before = umask(0077);
	g_autoptr(Store) store = fixture_open(fixture, "a");
	g_autoptr(GError) error = NULL;
	struct stat info;

	umask(before);
	g_assert_true(store_set_word(store, "default", WORD_P1, NULL, "tester", NULL, &error));
	for (gsize i = 0; i < G_N_ELEMENTS(files); i++) {
		g_assert_cmpint(stat(files[i], &info), ==, 0);
		g_assert_cmpint(info.st_mode & 0777, ==, 0660);
	}
}

/* `sudo outagectl status` before the daemons' first start must not lock them out. (Without root the folder is our own.) */
static void test_the_file_belongs_to_whose_folder_it_is_in(void)
{
	g_autoptr(Fixture) fixture = fixture_new("sqlite");
	g_autofree char *path = file_of(fixture), *wal = g_strconcat(path, "-wal", NULL), *shm = g_strconcat(path, "-shm", NULL);
	const char *const files[] = { path, wal, shm };
	g_autoptr(Store) store = NULL;
	g_autoptr(GError) error = NULL;
	struct stat folder, info;

	if (geteuid() == 0)
		g_assert_cmpint(chown(fixture->dir, 12345, 23456), ==, 0);
	g_assert_cmpint(stat(fixture->dir, &folder), ==, 0);
	store = fixture_open(fixture, "a");
	g_assert_true(store_set_word(store, "default", WORD_P1, NULL, "tester", NULL, &error));
	for (gsize i = 0; i < G_N_ELEMENTS(files); i++) {
		g_assert_cmpint(stat(files[i], &info), ==, 0);
		g_assert_cmpint(info.st_uid, ==, folder.st_uid);
		g_assert_cmpint(info.st_gid, ==, folder.st_gid);
		g_assert_cmpint(info.st_mode & 0777, ==, 0660);
	}
}

static void expect_refusal(const Fixture *fixture, OutageError code, const char *words)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(Store) store = sqlite_store_open(fixture->config, "a", &error);

	g_assert_null(store);
	g_assert_error(error, OUTAGE_ERROR, (int)code);
	g_assert_nonnull(strstr(error->message, words));
}

static void test_files_that_are_not_ours(void)
{
	g_autoptr(Fixture) fixture = fixture_new("sqlite");
	g_autofree char *path = file_of(fixture), *missing = g_build_filename(fixture->dir, "no", "store.db", NULL);
	g_autofree char *good = g_strdup(fixture->config->store_url);
	g_autofree char *text = g_strnfill(5000, 'x');
	sqlite3 *db;

	g_free(fixture->config->store_url);
	fixture->config->store_url = g_strconcat("sqlite:", missing, NULL);
	expect_refusal(fixture, OUTAGE_ERROR_UNAVAILABLE, "folder has to exist");
	g_free(fixture->config->store_url);
	fixture->config->store_url = g_strconcat("sqlite:", fixture->dir, NULL);
	expect_refusal(fixture, OUTAGE_ERROR_UNAVAILABLE, "no plain file");
	g_free(fixture->config->store_url);
	fixture->config->store_url = g_steal_pointer(&good);
	g_assert_true(g_file_set_contents(path, text, -1, NULL));
	expect_refusal(fixture, OUTAGE_ERROR_UNAVAILABLE, "no SQLite database");
	g_unlink(path);
	g_assert_cmpint(sqlite3_open(path, &db), ==, SQLITE_OK);
	g_assert_cmpint(sqlite3_exec(db, "PRAGMA user_version = 99", NULL, NULL, NULL), ==, SQLITE_OK);
	sqlite3_close(db);
	expect_refusal(fixture, OUTAGE_ERROR_INVALID, "newer version");
	g_unlink(path);
	g_assert_cmpint(sqlite3_open(path, &db), ==, SQLITE_OK);
	g_assert_cmpint(sqlite3_exec(db, "PRAGMA user_version = 1", NULL, NULL, NULL), ==, SQLITE_OK);
	sqlite3_close(db);
	expect_refusal(fixture, OUTAGE_ERROR_INVALID, "older version");
}

static void test_a_lock_is_waited_for_only_so_long(void)
{
	g_autoptr(Fixture) fixture = fixture_new("sqlite");
	g_autofree char *path = file_of(fixture);
	g_autoptr(Store) store = NULL;
	g_autoptr(Snapshot) seen = NULL;
	g_autoptr(GError) error = NULL;
	gint64 began;
	sqlite3 *db;

	fixture->config->store_timeout = 100;
	store = fixture_open(fixture, "a");
	g_assert_cmpint(sqlite3_open(path, &db), ==, SQLITE_OK);
	g_assert_cmpint(sqlite3_exec(db, "BEGIN IMMEDIATE", NULL, NULL, NULL), ==, SQLITE_OK);
	began = clock_mono_us();
	g_assert_false(store_set_word(store, "default", WORD_P1, NULL, "tester", NULL, &error));
	g_assert_error(error, OUTAGE_ERROR, OUTAGE_ERROR_UNAVAILABLE);
	g_assert_nonnull(strstr(error->message, "store.timeout"));
	g_assert_cmpint(clock_mono_us() - began, >=, 100000);
	g_assert_cmpint(clock_mono_us() - began, <, 5000000);
	g_clear_error(&error);
	/* Reading goes on meanwhile. */
	seen = store_snapshot(store, NULL, &error);
	g_assert_no_error(error);
	sqlite3_close(db);
	g_assert_true(store_set_word(store, "default", WORD_P1, NULL, "tester", NULL, &error));
}

/* A limit on the size of files stands in for a full disk: a write beyond it fails half-way. */
static void test_a_full_disk_leaves_nothing_half_done(void)
{
	g_autoptr(Fixture) fixture = fixture_new("sqlite");
	g_autoptr(Store) store = fixture_open(fixture, "a");
	g_autofree char *wal = g_strconcat(fixture->config->store_url + strlen("sqlite:"), "-wal", NULL);
	g_autofree char *title = g_strnfill(4000, 'x');
	char *texts[TEXT_FIELDS] = { [TEXT_TITLE] = title, [TEXT_SCOPE] = title, [TEXT_CAUSE] = title };
	g_autoptr(Snapshot) before = NULL, after = NULL;
	g_autoptr(GError) error = NULL;
	struct rlimit limit, tight;
	struct stat info;

	g_assert_true(store_set_word(store, "default", WORD_P3, NULL, "tester", NULL, &error));
	g_assert_cmpint(stat(wal, &info), ==, 0);
	signal(SIGXFSZ, SIG_IGN);
	g_assert_cmpint(getrlimit(RLIMIT_FSIZE, &limit), ==, 0);
	tight = limit;
	tight.rlim_cur = (rlim_t)info.st_size + 6000;
	g_assert_cmpint(setrlimit(RLIMIT_FSIZE, &tight), ==, 0);
	g_assert_false(store_set_word(store, "default", WORD_P1, texts, "tester", NULL, &error));
	g_assert_cmpint(setrlimit(RLIMIT_FSIZE, &limit), ==, 0);
	g_assert_error(error, OUTAGE_ERROR, OUTAGE_ERROR_UNAVAILABLE);
	g_clear_error(&error);
	before = store_snapshot(store, NULL, &error);
	g_assert_no_error(error);
	g_assert_cmpint(snapshot_find(before, "default")->state.word, ==, WORD_P3);
	g_assert_null(snapshot_find(before, "default")->texts[TEXT_SCOPE]);
	/* And the very same connection works again once there is room. */
	g_assert_true(store_set_word(store, "default", WORD_P1, texts, "tester", NULL, &error));
	after = store_snapshot(store, NULL, &error);
	g_assert_cmpstr(snapshot_find(after, "default")->texts[TEXT_SCOPE], ==, title);
}

/* Claims write all the time: the watch must not read everything again for each. */
static void test_claims_wake_nobody(void)
{
	g_autoptr(Fixture) fixture = fixture_new("sqlite");
	g_autoptr(Store) watcher = fixture_open(fixture, "a"), other = fixture_open(fixture, "b");
	g_autoptr(Snapshot) seen = store_snapshot(watcher, NULL, NULL);
	g_autoptr(GError) error = NULL;

	g_assert_cmpint(store_wait(watcher, -1, 30, &error), ==, 0);
	watcher->accounts_changed = false; /* the first look cannot know */
	g_assert_true(store_count(other, "20261121T151000Z-default", "queued", 1, &error));
	g_assert_true(store_heartbeat(other, "{}", &error));
	g_assert_cmpint(store_wait(watcher, -1, 100, &error), ==, 0);
	g_assert_false(watcher->accounts_changed);
}

static void test_what_is_past_its_time_goes(void)
{
	g_autoptr(Fixture) fixture = fixture_new("sqlite");
	g_autofree char *path = file_of(fixture);
	g_autoptr(Store) store = NULL;
	g_autoptr(GError) error = NULL;
	sqlite3_stmt *statement;
	sqlite3 *db;

	fixture->config->reopen_within = 0;
	store = fixture_open(fixture, "a");
	g_assert_cmpint(sqlite3_open(path, &db), ==, SQLITE_OK);
	g_assert_cmpint(sqlite3_exec(db, "INSERT INTO past VALUES('old', 'title', 'x', 1);"
	    " INSERT INTO past VALUES('new', 'title', 'x', 9999999999); INSERT INTO marks VALUES('old', 'active', 'h', 't', 1, 2, 0);"
	    " INSERT INTO affected VALUES('old', 'h', 1); INSERT INTO bounced VALUES('h', 1, '550');"
	    " INSERT INTO rate VALUES('site', '', 1, 60, 5); INSERT INTO stats VALUES('20200101T000000Z-default', 'queued', 1),"
	    " ('20200101T000000Z-payments', 'queued', 2), ('all', 'sent', 3), ('99990101T000000Z-default', 'queued', 4);"
	    " INSERT INTO state VALUES('payments', 'P1', 'P1', '20200101T000000Z-payments', 1, 0, 0, 0, 0, 0, 0);"
	    " INSERT INTO jobs(payload, mac, id, kind, token, queued_at, due, state)"
	    " VALUES('p', 'm', 'old', 'active', 't', 1, 1, 'dead'), ('p', 'm', 'old', 'active', 't', 1, 1, 'waiting')", NULL, NULL,
	    NULL), ==, SQLITE_OK);
	g_assert_true(store_heartbeat(store, "{}", &error));
	g_assert_cmpint(sqlite3_prepare_v2(db, "SELECT (SELECT count(*) FROM past) || ' ' || (SELECT count(*) FROM marks) || ' ' ||"
	    " (SELECT count(*) FROM affected) || ' ' || (SELECT count(*) FROM bounced) || ' ' || (SELECT count(*) FROM rate) || ' ' ||"
	    " (SELECT group_concat(n, '') FROM (SELECT n FROM stats ORDER BY n)) || ' ' ||"
	    " (SELECT group_concat(state) FROM jobs)", -1, &statement, NULL), ==, SQLITE_OK);
	g_assert_cmpint(sqlite3_step(statement), ==, SQLITE_ROW);
	g_assert_cmpstr((const char *)sqlite3_column_text(statement, 0), ==, "1 0 0 0 0 234 waiting");
	sqlite3_finalize(statement);
	sqlite3_close(db);
}

static void run_sql(const char *path, const char *sql)
{
	char *message = NULL;
	sqlite3 *db;

	g_assert_cmpint(sqlite3_open(path, &db), ==, SQLITE_OK);
	sqlite3_exec(db, sql, NULL, NULL, &message);
	g_assert_cmpstr(message, ==, NULL);
	sqlite3_close(db);
}

/* A file as version 2 left it, in the middle of an incident: one letter sent, one in the queue, one buried, one address bounced. */
static const char version_2[] =
    "CREATE TABLE flip(name TEXT PRIMARY KEY, word TEXT) WITHOUT ROWID;"
    "CREATE TABLE pause(one INTEGER PRIMARY KEY CHECK(one = 1), reason TEXT NOT NULL);"
    "CREATE TABLE state(name TEXT PRIMARY KEY, flip TEXT NOT NULL, word TEXT NOT NULL, id TEXT, declared_at INTEGER NOT NULL,"
    " reopened_at INTEGER NOT NULL, resolved_at INTEGER NOT NULL, ended_at INTEGER NOT NULL, epoch INTEGER NOT NULL,"
    " updates_after INTEGER NOT NULL) WITHOUT ROWID;"
    "CREATE TABLE texts(name TEXT NOT NULL, field TEXT NOT NULL, value TEXT NOT NULL, PRIMARY KEY(name, field)) WITHOUT ROWID;"
    "CREATE TABLE past(id TEXT NOT NULL, field TEXT NOT NULL, value TEXT NOT NULL, at INTEGER NOT NULL,"
    " PRIMARY KEY(id, field)) WITHOUT ROWID;"
    "CREATE TABLE updates(n INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL, id TEXT, at INTEGER NOT NULL,"
    " text TEXT NOT NULL, author TEXT);"
    "CREATE TABLE marks(id TEXT NOT NULL, kind TEXT NOT NULL, hash TEXT NOT NULL, token TEXT NOT NULL, at INTEGER NOT NULL,"
    " expires INTEGER NOT NULL, PRIMARY KEY(id, kind, hash)) WITHOUT ROWID;"
    "CREATE TABLE affected(id TEXT NOT NULL, hash TEXT NOT NULL, at INTEGER NOT NULL, PRIMARY KEY(id, hash)) WITHOUT ROWID;"
    "CREATE TABLE bounced(hash TEXT PRIMARY KEY, expires INTEGER NOT NULL) WITHOUT ROWID;"
    "CREATE TABLE rate(kind TEXT NOT NULL, key TEXT NOT NULL, window INTEGER NOT NULL, ends INTEGER NOT NULL,"
    " n INTEGER NOT NULL, PRIMARY KEY(kind, key, window)) WITHOUT ROWID;"
    "CREATE TABLE jobs(n INTEGER PRIMARY KEY AUTOINCREMENT, payload TEXT NOT NULL, mac TEXT NOT NULL, id TEXT NOT NULL,"
    " kind TEXT NOT NULL, token TEXT NOT NULL, tries INTEGER NOT NULL DEFAULT 0, queued_at INTEGER NOT NULL,"
    " due INTEGER NOT NULL, state TEXT NOT NULL DEFAULT 'waiting', taken_by TEXT, taken_at INTEGER, why TEXT);"
    "CREATE TABLE accounts(key TEXT PRIMARY KEY, json TEXT NOT NULL) WITHOUT ROWID;"
    "CREATE TABLE events(n INTEGER PRIMARY KEY, at INTEGER NOT NULL, what TEXT NOT NULL, name TEXT, by TEXT, detail TEXT);"
    "CREATE TABLE stats(id TEXT NOT NULL, counter TEXT NOT NULL, n INTEGER NOT NULL, PRIMARY KEY(id, counter)) WITHOUT ROWID;"
    "CREATE TABLE nodes(node TEXT PRIMARY KEY, at INTEGER NOT NULL, json TEXT NOT NULL) WITHOUT ROWID;"
    "CREATE TABLE generation(what TEXT PRIMARY KEY, n INTEGER NOT NULL) WITHOUT ROWID;"
    "INSERT INTO generation(what, n) VALUES('incidents', 1), ('accounts', 1);"
    "INSERT INTO flip VALUES('default', 'P1');"
    "INSERT INTO state VALUES('default', 'P1', 'P1', '20261121T151000Z-default', 1795273800, 0, 0, 0, 0, 0);"
    "INSERT INTO marks VALUES('20261121T151000Z-default', 'active', 'hash1', 'token1', 1795273800, 9999999999),"
    " ('20261121T151000Z-default', 'active', 'hash2', 'token2', 1795273800, 9999999999),"
    " ('20261121T151000Z-default', 'active', 'hash3', 'token3', 1795273800, 9999999999);"
    "INSERT INTO jobs(payload, mac, id, kind, token, queued_at, due, state) VALUES"
    " ('{}', 'm', '20261121T151000Z-default', 'active', 'token2', 1795273800, 1, 'waiting'),"
    " ('{}', 'm', '20261121T151000Z-default', 'active', 'token3', 1795273800, 1, 'dead');"
    "INSERT INTO bounced VALUES('hash4', 9999999999);"
    "PRAGMA user_version = 2";

static JobStanding standing_of(Store *store, const IncidentState *state, const char *token, const char *hash)
{
	g_autoptr(StoredJob) stored = claims_sign("default", state, false, token);
	g_autoptr(GError) error = NULL;
	g_autoptr(Job) job = job_open(claims_secret(), stored, &error);
	JobStanding standing;

	g_assert_no_error(error);
	g_assert_true(store_job_standing(store, job, hash, &standing, &error));
	return standing;
}

static void test_a_file_of_the_version_before_goes_on(void)
{
	g_autoptr(Fixture) fixture = fixture_new("sqlite");
	g_autofree char *path = file_of(fixture), *why = NULL;
	IncidentState state = { .word = WORD_P1, .id = (char *)"20261121T151000Z-default" };
	g_autoptr(Store) store = NULL, other = NULL;
	g_autoptr(GError) error = NULL;
	gint64 until;

	run_sql(path, version_2);
	store = fixture_open(fixture, "a");
	/* The second finds it done. */
	other = fixture_open(fixture, "b");
	/* What was sent is not sent again; what waits or is buried may still leave. */
	g_assert_cmpint(standing_of(store, &state, "token1", "hash1"), ==, JOB_SENT);
	g_assert_cmpint(standing_of(store, &state, "token2", "hash2"), ==, JOB_STANDS);
	g_assert_cmpint(standing_of(other, &state, "token3", "hash3"), ==, JOB_STANDS);
	g_assert_cmpint(claims_ask(other, &state, false, "hash1", "token9"), ==, CLAIM_ALREADY);
	g_assert_cmpint(claims_ask(store, &state, false, "hash4", "token9"), ==, CLAIM_BOUNCED);
	g_assert_cmpint(claims_ask(store, &state, false, "hash5", "token5"), ==, CLAIM_WON);
	g_assert_true(store_blocked(store, "hash4", &why, &until, &error));
	g_assert_cmpstr(why, ==, "");
	g_assert_cmpint(until, ==, 9999999999);
	claims_check_counts(store, 2, 0, 1, 0, 0);
}

/* From version 3: what its repliers had in hand is taken over at once, for they are gone; what waits and what is dead counts as it is. */
static void test_a_file_of_version_3_goes_on(void)
{
	g_autoptr(Fixture) fixture = fixture_new("sqlite");
	g_autofree char *path = file_of(fixture);
	g_autoptr(StoredJob) waiting = NULL, taken = NULL;
	IncidentState state = { .word = WORD_P1, .id = (char *)"20261121T151000Z-default" };
	g_autoptr(Store) store = NULL;

	run_sql(path, version_2);
	run_sql(path, "ALTER TABLE marks ADD COLUMN sent INTEGER NOT NULL DEFAULT 0;"
	    "ALTER TABLE bounced ADD COLUMN why TEXT NOT NULL DEFAULT '';"
	    "INSERT INTO jobs(payload, mac, id, kind, token, queued_at, due, state, taken_by, taken_at) VALUES"
	    " ('{\"n\":2}', 'm', '20261121T151000Z-default', 'active', 'token1', 1795273800, 1, 'taken', 'old', 1795273800000);"
	    "PRAGMA user_version = 3");
	fixture->config->ack_queue_limit = 2;
	store = fixture_open(fixture, "a");
	claims_check_counts(store, 2, 0, 1, 0, 0);
	g_assert_cmpint(claims_ask(store, &state, false, "hash9", "token9"), ==, CLAIM_FULL);
	waiting = claims_take(store);
	g_assert_cmpstr(waiting->payload, ==, "{}");
	taken = claims_take(store);
	g_assert_cmpstr(taken->payload, ==, "{\"n\":2}");
}

/* Half a migration must not be left behind: the old program has to find its file as it was. */
static void test_a_migration_that_fails_changes_nothing(void)
{
	g_autoptr(Fixture) fixture = fixture_new("sqlite");
	g_autofree char *path = file_of(fixture);

	run_sql(path, version_2);
	run_sql(path, "DROP TABLE bounced");
	expect_refusal(fixture, OUTAGE_ERROR_UNAVAILABLE, "setting up its tables");
	/* The very tables of version 2, and its number: this would fail otherwise. */
	run_sql(path, "INSERT INTO marks VALUES('x', 'active', 'h', 't', 1, 2);"
	    "CREATE TABLE bounced(hash TEXT PRIMARY KEY, expires INTEGER NOT NULL) WITHOUT ROWID");
	store_close(fixture_open(fixture, "a"));
}

/* A refusal is counted without a sync of the disk; that must not outlast it. */
static void test_a_refusal_leaves_later_writes_durable(void)
{
	g_autoptr(Fixture) fixture = fixture_new("sqlite");
	g_autoptr(Store) store = fixture_open(fixture, "a");
	SqliteStore *sqlite = (SqliteStore *)store;
	IncidentState state = { .id = NULL };
	g_autoptr(GError) error = NULL;

	claims_set_word(store, "default", WORD_P1, &state);
	g_assert_cmpint(claims_ask(store, &state, false, "hash1", "token1"), ==, CLAIM_WON);
	for (int broken = 0; broken < 2; broken++) {
		sqlite3_stmt *statement;

		if (broken)
			fixture_break_counters(fixture, state.id);
		g_assert_cmpint(claims_ask(store, &state, false, "hash1", "token2"), ==, CLAIM_ALREADY);
		g_assert_cmpint(sqlite3_prepare_v2(sqlite->db, "PRAGMA synchronous", -1, &statement, NULL), ==, SQLITE_OK);
		g_assert_cmpint(sqlite3_step(statement), ==, SQLITE_ROW);
		g_assert_cmpint(sqlite3_column_int(statement, 0), ==, 2);
		sqlite3_finalize(statement);
		g_assert_true(sqlite3_get_autocommit(sqlite->db));
	}
	incident_state_clear(&state);
}

static void test_marks_and_blocks_past_their_time_are_none(void)
{
	g_autoptr(Fixture) fixture = fixture_new("sqlite");
	g_autofree char *path = file_of(fixture), *why = NULL;
	g_autoptr(Store) store = fixture_open(fixture, "a");
	g_autoptr(StoredJob) job = NULL;
	IncidentState state = { .id = NULL };
	g_autoptr(GError) error = NULL;
	bool won, found;

	claims_set_word(store, "default", WORD_P1, &state);
	g_assert_cmpint(claims_ask(store, &state, false, "hash1", "token1"), ==, CLAIM_WON);
	job = claims_take(store);
	g_assert_true(store_job_promote(store, job, "hash1", &won, &error));
	g_assert_true(store_job_done(store, job, "hash1", &error));
	g_assert_true(store_block(store, "hash1", 60, "550 no", "me", &error));
	run_sql(path, "UPDATE marks SET expires = 1; UPDATE bounced SET expires = 1");
	/* While the incident is on, its marks stand whatever the clock says. */
	g_assert_cmpint(standing_of(store, &state, "token1", "hash1"), ==, JOB_SENT);
	g_assert_cmpint(claims_ask(store, &state, false, "hash1", "token2"), ==, CLAIM_ALREADY);
	claims_set_word(store, "default", WORD_NONE, NULL);
	g_assert_cmpint(standing_of(store, &state, "token1", "hash1"), ==, JOB_UNMARKED);
	g_assert_true(store_blocked(store, "hash1", &why, NULL, &error));
	g_assert_null(why);
	g_assert_true(store_unblock(store, "hash1", "me", &found, &error));
	g_assert_false(found);
	/* And what takes their place begins unsent. */
	g_assert_true(store_job_promote(store, job, "hash1", &won, &error));
	g_assert_true(won);
	g_assert_cmpint(standing_of(store, &state, "token1", "hash1"), ==, JOB_STANDS);
	incident_state_clear(&state);
}

int main(int argc, char **argv)
{
	int result;

	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/store-sqlite/the-group-can-share-the-file", test_the_group_can_share_the_file);
	g_test_add_func("/store-sqlite/the-file-belongs-to-whose-folder-it-is-in", test_the_file_belongs_to_whose_folder_it_is_in);
	g_test_add_func("/store-sqlite/files-that-are-not-ours", test_files_that_are_not_ours);
	g_test_add_func("/store-sqlite/a-lock-is-waited-for-only-so-long", test_a_lock_is_waited_for_only_so_long);
	g_test_add_func("/store-sqlite/a-full-disk-leaves-nothing-half-done", test_a_full_disk_leaves_nothing_half_done);
	g_test_add_func("/store-sqlite/claims-wake-nobody", test_claims_wake_nobody);
	g_test_add_func("/store-sqlite/what-is-past-its-time-goes", test_what_is_past_its_time_goes);
	g_test_add_func("/store-sqlite/a-file-of-the-version-before-goes-on", test_a_file_of_the_version_before_goes_on);
	g_test_add_func("/store-sqlite/a-file-of-version-3-goes-on", test_a_file_of_version_3_goes_on);
	g_test_add_func("/store-sqlite/a-migration-that-fails-changes-nothing", test_a_migration_that_fails_changes_nothing);
	g_test_add_func("/store-sqlite/a-refusal-leaves-later-writes-durable", test_a_refusal_leaves_later_writes_durable);
	g_test_add_func("/store-sqlite/marks-and-blocks-past-their-time-are-none", test_marks_and_blocks_past_their_time_are_none);
	result = g_test_run();
	claims_shut_down();
	return result;
}
