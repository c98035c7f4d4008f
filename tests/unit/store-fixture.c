/* store-fixture: see store-fixture.h. */
#include "store-fixture.h"

#include <arpa/inet.h>
#include <gio/gio.h>
#include <glib/gstdio.h>
#include <netinet/in.h>
#include <signal.h>
#include <sqlite3.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "store/keep.h"

typedef struct {
	GSubprocess *process;
	char *dir;
	char *port;
} Server;

/* The one server of this test program, and its replica where a test has asked for one. */
static Server server, replica;

static guint free_port(void)
{
	struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr = { htonl(INADDR_LOOPBACK) } };
	socklen_t size = sizeof address;
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	g_assert_cmpint(bind(fd, (struct sockaddr *)&address, sizeof address), ==, 0);
	g_assert_cmpint(getsockname(fd, (struct sockaddr *)&address, &size), ==, 0);
	close(fd);
	return ntohs(address.sin_port);
}

/* Returns true once the server says that it listens; false where it ended instead (the port was taken meanwhile). */
static bool server_is_ready(const Server *one)
{
	g_autoptr(GDataInputStream) lines = g_data_input_stream_new(g_subprocess_get_stdout_pipe(one->process));
	char *line;

	g_filter_input_stream_set_close_base_stream(G_FILTER_INPUT_STREAM(lines), FALSE);
	while ((line = g_data_input_stream_read_line(lines, NULL, NULL, NULL)) != NULL) {
		bool ready = strstr(line, "Ready to accept connections") != NULL;

		g_free(line);
		if (ready)
			return true;
	}
	return false;
}

/* A test that aborts must not leave a server behind. */
static void die_with_us(gpointer unused)
{
	(void)unused;
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
}

static void start_server(Server *one)
{
	g_autoptr(GSubprocessLauncher) launcher = g_subprocess_launcher_new(G_SUBPROCESS_FLAGS_STDOUT_PIPE);
	g_autoptr(GError) error = NULL;

	g_subprocess_launcher_set_child_setup(launcher, die_with_us, NULL, NULL);

	one->dir = g_dir_make_tmp("outage-redis-XXXXXX", &error);
	g_assert_no_error(error);
	for (int attempt = 0; attempt < 5; attempt++) {
		g_free(one->port);
		one->port = g_strdup_printf("%u", free_port());
		one->process = g_subprocess_launcher_spawn(launcher, &error, "redis-server", "--port", one->port, "--bind",
		    "127.0.0.1", "--save", "", "--appendonly", "no", "--dir", one->dir, "--daemonize", "no", "--repl-diskless-sync-delay",
		    "0", NULL);
		g_assert_no_error(error);
		if (server_is_ready(one))
			return;
		g_clear_object(&one->process);
	}
	g_error("redis-server does not start");
}

static void stop_server(Server *one)
{
	g_autofree char *dump = NULL;

	if (one->process == NULL)
		return;
	g_subprocess_force_exit(one->process);
	g_subprocess_wait(one->process, NULL, NULL);
	g_clear_object(&one->process);
	/* What a replica has received. */
	dump = g_build_filename(one->dir, "dump.rdb", NULL);
	g_unlink(dump);
	g_assert_cmpint(g_rmdir(one->dir), ==, 0);
	g_clear_pointer(&one->dir, g_free);
	g_clear_pointer(&one->port, g_free);
}

void fixture_shut_down(void)
{
	stop_server(&replica);
	stop_server(&server);
}

void fixture_start_replica(void)
{
	g_autoptr(GSubprocess) cli = NULL;
	g_autoptr(GError) error = NULL;

	start_server(&replica);
	cli = g_subprocess_new(G_SUBPROCESS_FLAGS_STDOUT_SILENCE, &error, "redis-cli", "-p", replica.port, "REPLICAOF", "127.0.0.1",
	    server.port, NULL);
	g_assert_no_error(error);
	g_assert_true(g_subprocess_wait_check(cli, NULL, &error));
}

void fixture_stop_replica(void)
{
	stop_server(&replica);
}

/*     /proc/PID/stat = PID " (" NAME ") " STATE " " ...          T = stopped */
static bool is_stopped(const char *pid)
{
	g_autofree char *path = g_strdup_printf("/proc/%s/stat", pid), *text = NULL;
	const char *name_end;

	g_assert_true(g_file_get_contents(path, &text, NULL, NULL));
	name_end = strrchr(text, ')');
	return name_end != NULL && name_end[2] == 'T';
}

void fixture_signal(bool to_replica, int signal_number)
{
	GSubprocess *process = to_replica ? replica.process : server.process;

	g_subprocess_send_signal(process, signal_number);
	/* Until then it may still answer. */
	while (signal_number == SIGSTOP && !is_stopped(g_subprocess_get_identifier(process)))
		g_usleep(1000);
}

char *fixture_redis(const char *argument, ...)
{
	g_autoptr(GPtrArray) command = g_ptr_array_new();
	g_autoptr(GSubprocess) cli = NULL;
	g_autoptr(GError) error = NULL;
	va_list arguments;
	char *output = NULL;

	g_ptr_array_add(command, (gpointer)"redis-cli");
	g_ptr_array_add(command, (gpointer)"-p");
	g_ptr_array_add(command, server.port);
	va_start(arguments, argument);
	for (const char *next = argument; next != NULL; next = va_arg(arguments, const char *))
		g_ptr_array_add(command, (gpointer)next);
	va_end(arguments);
	g_ptr_array_add(command, NULL);
	cli = g_subprocess_newv((const char *const *)command->pdata, G_SUBPROCESS_FLAGS_STDOUT_PIPE, &error);
	g_assert_no_error(error);
	g_subprocess_communicate_utf8(cli, NULL, NULL, &output, NULL, &error);
	g_assert_no_error(error);
	return g_strchomp(output);
}

static char *database_path(const Fixture *fixture)
{
	return g_build_filename(fixture->dir, "store.db", NULL);
}

static void database_run(const Fixture *fixture, const char *sql, const char *first, const char *second)
{
	g_autofree char *path = database_path(fixture);
	sqlite3_stmt *statement;
	sqlite3 *db;

	g_assert_cmpint(sqlite3_open(path, &db), ==, SQLITE_OK);
	sqlite3_busy_timeout(db, 5000);
	g_assert_cmpint(sqlite3_prepare_v2(db, sql, -1, &statement, NULL), ==, SQLITE_OK);
	if (first != NULL)
		sqlite3_bind_text(statement, 1, first, -1, SQLITE_STATIC);
	if (second != NULL)
		sqlite3_bind_text(statement, 2, second, -1, SQLITE_STATIC);
	g_assert_cmpint(sqlite3_step(statement), ==, SQLITE_DONE);
	sqlite3_finalize(statement);
	sqlite3_close(db);
}

/* Returns the one value that sql selects; caller frees. */
static char *database_text(const Fixture *fixture, const char *sql)
{
	g_autofree char *path = database_path(fixture);
	sqlite3_stmt *statement;
	sqlite3 *db;
	char *text;

	g_assert_cmpint(sqlite3_open(path, &db), ==, SQLITE_OK);
	sqlite3_busy_timeout(db, 5000);
	g_assert_cmpint(sqlite3_prepare_v2(db, sql, -1, &statement, NULL), ==, SQLITE_OK);
	g_assert_cmpint(sqlite3_step(statement), ==, SQLITE_ROW);
	text = g_strdup((const char *)sqlite3_column_text(statement, 0));
	sqlite3_finalize(statement);
	sqlite3_close(db);
	return text;
}

static void redis_run(const char *a, const char *b, const char *c, const char *d)
{
	g_autofree char *answer = fixture_redis(a, b, c, d, NULL);

	g_assert_false(g_str_has_prefix(answer, "ERR"));
}

Fixture *fixture_new(gconstpointer kind)
{
	Fixture *fixture = g_new0(Fixture, 1);
	g_autofree char *path = NULL;
	g_autoptr(GError) error = NULL;

	fixture->redis = strcmp(kind, "redis") == 0;
	fixture->dir = g_dir_make_tmp("outage-store-XXXXXX", &error);
	g_assert_no_error(error);
	fixture->config = config_defaults();
	/* Nothing of a milter that runs on this machine. */
	g_free(fixture->config->state_dir);
	fixture->config->state_dir = g_strdup(fixture->dir);
	g_free(fixture->config->store_url);
	/* A loaded machine may be slow; no test waits for these to run out. */
	fixture->config->store_timeout = 10000;
	fixture->config->store_connect_timeout = 10000;
	fixture->config->store_poll = 60000;
	fixture->config->ack_delay = 0;
	if (fixture->redis) {
		if (server.process == NULL)
			start_server(&server);
		fixture->config->store_url = g_strdup_printf("redis://127.0.0.1:%s/0", server.port);
		fixture_lose_all(fixture);
	} else {
		path = database_path(fixture);
		fixture->config->store_url = g_strconcat("sqlite:", path, NULL);
	}
	return fixture;
}

static void remove_files(const Fixture *fixture)
{
	static const char *const suffixes[] = { "", "-wal", "-shm" };
	g_autofree char *path = database_path(fixture);

	for (gsize i = 0; i < G_N_ELEMENTS(suffixes); i++) {
		g_autofree char *file = g_strconcat(path, suffixes[i], NULL);

		g_unlink(file);
	}
}

void fixture_free(Fixture *fixture)
{
	g_autofree char *kept = keep_path(fixture->config);

	remove_files(fixture);
	g_unlink(kept);
	g_assert_cmpint(g_rmdir(fixture->dir), ==, 0);
	config_unref(fixture->config);
	g_free(fixture->dir);
	g_free(fixture);
}

Store *fixture_open(const Fixture *fixture, const char *node)
{
	g_autoptr(GError) error = NULL;
	Store *store = store_open(fixture->config, node, &error);

	g_assert_no_error(error);
	return store;
}

Config *fixture_other_config(const Fixture *fixture)
{
	Config *config = config_defaults();

	g_free(config->store_url);
	config->store_url = g_strdup(fixture->config->store_url);
	config->store_timeout = fixture->config->store_timeout;
	config->store_connect_timeout = fixture->config->store_connect_timeout;
	config->store_poll = fixture->config->store_poll;
	config->ack_delay = 0;
	return config;
}

void fixture_point_nowhere(Fixture *fixture)
{
	g_free(fixture->config->store_url);
	fixture->config->store_url = fixture->redis ? g_strdup("redis://127.0.0.1:1/0") :
	    g_strconcat("sqlite:", fixture->dir, "/missing/store.db", NULL);
}

void fixture_lose_all(const Fixture *fixture)
{
	if (fixture->redis)
		g_free(fixture_redis("FLUSHALL", NULL));
	else
		remove_files(fixture);
}

void fixture_add_bounce(const Fixture *fixture, const char *hash)
{
	g_autofree char *key = g_strconcat("outage:bounced:", hash, NULL);

	if (fixture->redis)
		redis_run("SET", key, "1", NULL);
	else
		database_run(fixture, "INSERT INTO bounced(hash, expires) VALUES(?, 9999999999)", hash, NULL);
}

void fixture_add_raw_account(const Fixture *fixture, const char *key, const char *json)
{
	if (fixture->redis)
		redis_run("HSET", "outage:accounts", key, json);
	else
		database_run(fixture, "INSERT INTO accounts(key, json) VALUES(?, ?)", key, json);
}

void fixture_age_marks(const Fixture *fixture)
{
	static const char script[] = "for _, key in ipairs(redis.call('KEYS', 'outage:acked:*')) do"
	    " local mark = string.gsub(redis.call('GET', key), ' %d+', function(at) return string.format(' %d', at - 3600) end, 1)"
	    " redis.call('SET', key, mark, 'KEEPTTL') end return 1";

	if (fixture->redis)
		redis_run("EVAL", script, "0", NULL);
	else
		database_run(fixture, "UPDATE marks SET at = at - 3600", NULL, NULL);
}

void fixture_age_address_rates(const Fixture *fixture)
{
	static const char script[] = "for _, key in ipairs(redis.call('KEYS', 'outage:rate:address:*')) do"
	    " local name, day = string.match(key, '^(.*:)(%d+)$')"
	    " redis.call('RENAME', key, name .. string.format('%d', day - 1)) end return 1";

	if (fixture->redis)
		redis_run("EVAL", script, "0", NULL);
	else
		database_run(fixture, "UPDATE rate SET window = window - 1, ends = ends - 86400 WHERE kind = 'address'", NULL, NULL);
}

void fixture_break_counters(const Fixture *fixture, const char *id)
{
	g_autofree char *key = g_strconcat("outage:stats:", id, NULL);

	if (fixture->redis)
		redis_run("SET", key, "no hash", NULL);
	else
		database_run(fixture, "CREATE TRIGGER broken BEFORE INSERT ON stats BEGIN SELECT RAISE(ABORT, 'no'); END", NULL, NULL);
}

void fixture_put_job(const Fixture *fixture, const StoredJob *job)
{
	if (fixture->redis)
		g_free(fixture_redis("XADD", "outage:acks", "*", "payload", job->payload, "mac", job->mac, NULL));
	else
		database_run(fixture, "INSERT INTO jobs(payload, mac, id, kind, token, queued_at, due) VALUES(?, ?, 'x', 'active', 'x', 1, 1)",
		    job->payload, job->mac);
}

guint fixture_count_sent_marks(const Fixture *fixture)
{
	static const char script[] = "local n = 0 for _, key in ipairs(redis.call('KEYS', 'outage:acked:*')) do"
	    " if string.match(redis.call('GET', key), '^%S+ %d+ sent$') then n = n + 1 end end return n";
	g_autofree char *answer = fixture->redis ? fixture_redis("EVAL", script, "0", NULL) :
	    database_text(fixture, "SELECT count(*) FROM marks WHERE sent = 1");

	return (guint)g_ascii_strtoull(answer, NULL, 10);
}

void fixture_put_raw_payload(const Fixture *fixture, gsize size)
{
	g_autofree char *text = g_strdup_printf("%" G_GSIZE_FORMAT, size);

	if (fixture->redis)
		redis_run("EVAL", "return redis.call('XADD', 'outage:acks', '*', 'payload', string.rep('x', tonumber(ARGV[1])))", "0", text);
	else
		database_run(fixture, "INSERT INTO jobs(payload, mac, id, kind, token, queued_at, due)"
		    " VALUES(hex(zeroblob(? / 2)), '', 'x', 'active', 'x', 1, 1)", text, NULL);
}

gsize fixture_longest_dead(const Fixture *fixture)
{
	static const char script[] = "local n = 0 for _, entry in ipairs(redis.call('XRANGE', 'outage:acks:dead', '-', '+')) do"
	    " n = math.max(n, #entry[2][2]) end return n";
	g_autofree char *answer = fixture->redis ? fixture_redis("EVAL", script, "0", NULL) :
	    database_text(fixture, "SELECT max(length(payload)) FROM jobs WHERE state = 'dead'");

	return (gsize)g_ascii_strtoull(answer, NULL, 10);
}

void fixture_set_raw_pause(const Fixture *fixture, const char *text)
{
	if (fixture->redis)
		redis_run("SET", "outage:pause", text, NULL);
	else
		database_run(fixture, "INSERT OR REPLACE INTO pause(one, reason) VALUES(1, ?)", text, NULL);
}

void fixture_set_raw_flip(const Fixture *fixture, const char *text)
{
	if (fixture->redis)
		redis_run("SET", "outage:incident", text, NULL);
	else
		database_run(fixture, "INSERT OR REPLACE INTO flip(name, word) VALUES('default', ?)", text, NULL);
}

void fixture_run(const Fixture *fixture, const char *lua, const char *sql)
{
	g_autofree char *path = database_path(fixture);
	sqlite3 *db;

	if (fixture->redis) {
		redis_run("EVAL", lua, "0", NULL);
		return;
	}
	g_assert_cmpint(sqlite3_open(path, &db), ==, SQLITE_OK);
	sqlite3_busy_timeout(db, 5000);
	g_assert_cmpint(sqlite3_exec(db, sql, NULL, NULL, NULL), ==, SQLITE_OK);
	sqlite3_close(db);
}

guint64 fixture_count_notes(Store *store, NoteList list, const char *id)
{
	g_autoptr(GPtrArray) notes = g_ptr_array_new_with_free_func((GDestroyNotify)stored_note_free);
	g_autoptr(GHashTable) keys = g_hash_table_new(g_str_hash, g_str_equal);
	g_autofree char *cursor = NULL;
	g_autoptr(GError) error = NULL;

	do {
		store_notes_slice(store, list, id, &cursor, notes, &error);
		g_assert_no_error(error);
	} while (cursor != NULL);
	/* One may come twice. */
	for (guint i = 0; i < notes->len; i++)
		g_hash_table_add(keys, ((StoredNote *)notes->pdata[i])->key);
	return g_hash_table_size(keys);
}

void fixture_add_test(const char *name, void (*test)(gconstpointer kind))
{
	static const char *const kinds[] = { "sqlite", "redis" };

	for (gsize i = 0; i < G_N_ELEMENTS(kinds); i++) {
		g_autofree char *path = g_strdup_printf("/store/%s/%s", kinds[i], name);

		g_test_add_data_func(path, kinds[i], test);
	}
}
