/* sqlite: the store as one SQLite file: one machine, no server. Layer: store.
 *
 * One connection per Store, write-ahead log, synchronous=FULL: what was answered as done survives a power cut. Every write is
 * a BEGIN IMMEDIATE transaction and so all or nothing, as the scripts are on Redis. This file opens and closes the connection,
 * waits for changes, and holds the smallest tables (pause, counters); the siblings sqlite-*.c hold the rest. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/error.h"
#include "store/sqlite-private.h"

#define FILE_MODE 0660 /* milter, replier and outagectl share it through their group */
#define WATCH_STEP_MS 25
#define FILE_CHECK_US G_USEC_PER_SEC

static void finalize(gpointer statement)
{
	sqlite3_finalize(statement);
}

void sqlite_close_file(Store *base)
{
	SqliteStore *store = (SqliteStore *)base;

	g_hash_table_unref(store->statements);
	sqlite3_close_v2(store->db);
	config_unref(store->base.config);
	g_free(store->base.node);
	g_free(store->base.consumer);
	g_free(store->path);
	g_free(store);
}

static int wait_for_lock(void *data, int times)
{
	SqliteStore *store = data;

	if (clock_mono_us() >= store->busy_until)
		return 0;
	/* Writes take well under a millisecond: ask often at first. */
	g_usleep(times < 20 ? 250 : 2000);
	return 1;
}

/* Root may be the first to come, by hand (outagectl status); the daemons, whose folder it is, must not be locked out by that.
 * SQLite gives -wal and -shm the file's owner. False with errno. */
static bool give_to_folder(const SqliteStore *store, int fd)
{
	g_autofree char *folder = g_path_get_dirname(store->path);
	struct stat info;

	return geteuid() != 0 || (stat(folder, &info) == 0 && fchown(fd, info.st_uid, info.st_gid) == 0);
}

/* Makes the file ourselves: SQLite would give it the umask's mode, and -wal and -shm follow the file's. Made under another name
 * and linked: opening and closing the file itself would drop the locks of every other connection that this process has on it. */
static bool make_file(SqliteStore *store, GError **error)
{
	g_autofree char *fresh = g_strdup_printf("%s.XXXXXX", store->path);
	int fd = g_mkstemp_full(fresh, O_RDWR | O_CLOEXEC, FILE_MODE);
	bool ok = fd >= 0 && give_to_folder(store, fd) && fchmod(fd, FILE_MODE) == 0 && (link(fresh, store->path) == 0 || errno == EEXIST);
	int saved = errno;

	if (fd >= 0) {
		close(fd);
		unlink(fresh);
	}
	if (!ok)
		g_set_error(error, OUTAGE_ERROR, OUTAGE_ERROR_UNAVAILABLE, "store %s: it cannot be made: %s%s", store->path,
		    g_strerror(saved), saved == ENOENT ? " (its folder has to exist)" : "");
	return ok;
}

/* Remembers which file it is before it is opened: what takes its place in between is then seen as a stranger. */
static bool find_file(SqliteStore *store, GError **error)
{
	struct stat info;

	if (stat(store->path, &info) != 0 && (errno != ENOENT || !make_file(store, error) || stat(store->path, &info) != 0)) {
		if (error != NULL && *error == NULL)
			g_set_error(error, OUTAGE_ERROR, OUTAGE_ERROR_UNAVAILABLE, "store %s: %s", store->path, g_strerror(errno));
		return false;
	}
	if (!S_ISREG(info.st_mode)) {
		g_set_error(error, OUTAGE_ERROR, OUTAGE_ERROR_UNAVAILABLE, "store %s: it is no plain file", store->path);
		return false;
	}
	store->device = info.st_dev;
	store->inode = info.st_ino;
	return true;
}

static bool connect_file(SqliteStore *store, bool (*migrate)(SqliteStore *store, GError **error), GError **error)
{
	int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_PRIVATECACHE;
	g_autofree char *journal = NULL;

	if (sqlite3_open_v2(store->path, &store->db, flags, NULL) != SQLITE_OK) {
		sqlite_fail(store, "opening it", error);
		return false;
	}
	sqlite3_extended_result_codes(store->db, 1);
	/* All programs of a site start at once, and one of them makes the tables: the others wait as for a connection. */
	store->wait_ms = MAX(store->base.config->store_connect_timeout, store->base.config->store_timeout);
	sqlite3_busy_handler(store->db, wait_for_lock, store);
	if (!sqlite_one_text(store, "PRAGMA journal_mode = WAL", NULL, &journal, error))
		return false;
	if (g_strcmp0(journal, "wal") != 0) {
		g_set_error(error, OUTAGE_ERROR, OUTAGE_ERROR_UNAVAILABLE, "store %s: its file system cannot share memory (journal mode"
		    " %s where wal is needed); put it on a local disk", store->path, journal != NULL ? journal : "unknown");
		return false;
	}
	if (!sqlite_set_durable(store, true, error) || !migrate(store, error))
		return false;
	store->wait_ms = store->base.config->store_timeout;
	return true;
}

static bool read_generation(SqliteStore *store, const char *what, gint64 *n, GError **error)
{
	return sqlite_number(store, "SELECT n FROM generation WHERE what = ?", SQL_VALUES(SQL_TEXT(what)), 0, n, error);
}

/* Returns 1 where incidents or accounts changed since they were last reported, 0 where not. The first look notes that the accounts may
 * have changed: nobody knows what was before. */
static int look_for_change(SqliteStore *store, GError **error)
{
	gint64 incidents, accounts;
	int changed = 0;

	if (!read_generation(store, "incidents", &incidents, error) || !read_generation(store, "accounts", &accounts, error))
		return -1;
	if (accounts != store->seen_accounts) {
		changed = store->seen_accounts != 0;
		store->base.accounts_changed = true;
	}
	if (store->seen_incidents != 0 && incidents != store->seen_incidents)
		changed = 1;
	store->seen_accounts = accounts;
	store->seen_incidents = incidents;
	return changed;
}

/* The wal index in shared memory tells of commits without a system call: asking often is cheap. */
static int sqlite_wait(Store *base, int wake_fd, gint64 timeout_ms, GError **error)
{
	SqliteStore *store = (SqliteStore *)base;
	gint64 now = clock_mono_us(), until = now + timeout_ms * 1000, next_file_check = now;
	struct pollfd wake = { .fd = wake_fd, .events = POLLIN };
	int changed = look_for_change(store, error);

	while (changed == 0 && (now = clock_mono_us()) < until) {
		if (poll(&wake, wake_fd >= 0 ? 1 : 0, (int)MIN(WATCH_STEP_MS, (until - now) / 1000 + 1)) > 0)
			return 0;
		if (now >= next_file_check) {
			next_file_check = now + FILE_CHECK_US;
			if (!sqlite_file_is_ours(store, error))
				return -1;
		}
		changed = sqlite_changed(store, error);
		if (changed > 0)
			changed = look_for_change(store, error);
	}
	return changed;
}

static bool sqlite_set_pause(Store *base, const char *reason, const char *by, GError **error)
{
	SqliteStore *store = (SqliteStore *)base;
	bool ok;

	if (!sqlite_begin_write(store, error))
		return false;
	ok = (reason != NULL ? sqlite_run(store, "INSERT OR REPLACE INTO pause(one, reason) VALUES(1, ?)",
	          SQL_VALUES(SQL_TEXT(reason)), error) : sqlite_run(store, "DELETE FROM pause", NULL, error)) &&
	    sqlite_pause_is_noted(store, reason != NULL, error) &&
	    sqlite_event(store, reason != NULL ? "pause" : "resume", NULL, by, reason, error);
	return sqlite_end(store, ok, error);
}

static bool sqlite_count(Store *base, const char *id, const char *counter, guint n, GError **error)
{
	SqliteStore *store = (SqliteStore *)base;

	return sqlite_begin_write(store, error) && sqlite_end(store, sqlite_add_count(store, id, counter, n, error), error);
}

static GHashTable *sqlite_counters(Store *base, const char *id, GError **error)
{
	SqliteStore *store = (SqliteStore *)base;
	g_autoptr(GHashTable) counters = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
	sqlite3_stmt *statement = sqlite_start(store, "SELECT counter, n FROM stats WHERE id = ?", SQL_VALUES(SQL_TEXT(id)), error);
	bool row, ok;

	if (statement == NULL)
		return NULL;
	while ((ok = sqlite_step(store, statement, &row, error)) && row)
		g_hash_table_insert(counters, sqlite_copy(statement, 0), sqlite_copy(statement, 1));
	sqlite_finish(statement);
	return ok ? g_steal_pointer(&counters) : NULL;
}

/* Whatever failed, a fresh connection is the better one: the file may have been replaced. */
static bool sqlite_is_lost(const Store *base)
{
	(void)base;
	return true;
}

/* There is only this one. */
static bool sqlite_confirm(Store *base, GError **error)
{
	(void)base;
	(void)error;
	return true;
}

static const StoreBackend backend = {
	.name = "sqlite",
	.close = sqlite_close_file,
	.snapshot = sqlite_snapshot,
	.wait = sqlite_wait,
	.set_word = sqlite_set_word,
	.set_texts = sqlite_set_texts,
	.add_update = sqlite_add_update,
	.set_pause = sqlite_set_pause,
	.add_event = sqlite_add_event,
	.events = sqlite_events,
	.events_slice = sqlite_events_slice,
	.claim = sqlite_claim,
	.adopt = sqlite_adopt,
	.job_take = sqlite_job_take,
	.job_done = sqlite_job_done,
	.job_standing = sqlite_job_standing,
	.job_retry = sqlite_job_retry,
	.job_bury = sqlite_job_bury,
	.job_withdraw = sqlite_job_withdraw,
	.job_promote = sqlite_job_promote,
	.queue_counts = sqlite_queue_counts,
	.queue_list = sqlite_queue_list,
	.queue_retry = sqlite_queue_retry,
	.queue_bury = sqlite_queue_bury,
	.block = sqlite_block,
	.unblock = sqlite_unblock,
	.blocked = sqlite_blocked,
	.accounts_slice = sqlite_accounts_slice,
	.accounts_get = sqlite_accounts_get,
	.account_changes = sqlite_account_changes,
	.account_put = sqlite_account_put,
	.account_remove = sqlite_account_remove,
	.is_lost = sqlite_is_lost,
	.describe = sqlite_describe,
	.heartbeat = sqlite_heartbeat,
	.confirm = sqlite_confirm,
	.nodes = sqlite_nodes,
	.count = sqlite_count,
	.counters = sqlite_counters,
	.queue_shares = sqlite_queue_shares,
	.note_add = sqlite_note_add,
	.notes_slice = sqlite_notes_slice,
	.waiting_end = sqlite_waiting_end,
	.waiting_page = sqlite_waiting_page,
	.optout_add = sqlite_optout_add,
	.optout_has = sqlite_optout_has,
	.notice_add = sqlite_notice_add,
	.notices = sqlite_notices,
	.notice_lease = sqlite_notice_lease,
	.notice_progress = sqlite_notice_progress,
	.stats_write = sqlite_stats_write,
	.stats_minutes = sqlite_stats_minutes,
	.stats_distinct = sqlite_stats_distinct,
	.stats_accounts = sqlite_stats_accounts,
	.stats_threads_slice = sqlite_stats_threads_slice,
	.stats_outbound_seen = sqlite_stats_outbound_seen,
	.baseline = sqlite_baseline,
	.baseline_learn = sqlite_baseline_learn,
	.alarm_raise = sqlite_alarm_raise,
	.alarm_clear = sqlite_alarm_clear,
	.alarms = sqlite_alarms,
	.alarm_duty = sqlite_alarm_duty,
	.feed = sqlite_feed,
	.texts = sqlite_texts,
	.past_texts = sqlite_past_texts,
	.erase_jobs = sqlite_erase_jobs,
	.notes_drop = sqlite_notes_drop,
	.erase_keyed = sqlite_erase_keyed,
};

Store *sqlite_open_file(const Config *config, const char *node, const char *path, const StoreBackend *methods,
    bool (*migrate)(SqliteStore *store, GError **error), GError **error)
{
	SqliteStore *store = g_new0(SqliteStore, 1);

	store->base.backend = methods;
	store->base.config = config_ref((Config *)config);
	store->base.node = g_strdup(node);
	store->base.consumer = store_consumer(node);
	store->path = g_strdup(path);
	store->statements = g_hash_table_new_full(g_direct_hash, g_direct_equal, NULL, finalize);
	if (find_file(store, error) && connect_file(store, migrate, error))
		return &store->base;
	sqlite_close_file(&store->base);
	return NULL;
}

Store *sqlite_store_open(const Config *config, const char *node, GError **error)
{
	return sqlite_open_file(config, node, config->store_url + strlen("sqlite:"), &backend, sqlite_migrate, error);
}
