/* sqlite-queue: the acknowledgements to be sent, as rows of jobs. Layer: store, private to sqlite*.c.
 *
 * A row is waiting (due at a time), taken (by a replier, since taken_at) or dead (buried, kept with its reason until the
 * operator retries it or its retention is over). Sent and withdrawn ones are gone. A row of queue knows how many are not dead, and
 * the clock that they wait by: all processes that share the file share the machine's clocks, too. */
#include "base/clock.h"
#include "store/job-private.h"
#include "store/sqlite-private.h"

/* Whose marks a job looks at: an acknowledgement's of both kinds, for one that was promoted holds two under one token; any other letter's
 * of its own, which then stands here twice. The key of marks has the kind before the hash. */
#define ITS_KINDS "kind IN (?, ?)"
#define KINDS_OF(letter) SQL_TEXT((letter) != NULL ? (letter) : "active"), SQL_TEXT((letter) != NULL ? (letter) : "resolved")
/* The condition that a row is still in the hand of the consumer that follows; what another has taken over is for that one to end. */
#define IN_HAND "state = 'taken' AND taken_by = ?"
#define POLL_US 25000
#define LOOK_EVERY_US G_USEC_PER_SEC /* for what becomes due without a commit */
#define CLOCK_SLACK 5                 /* seconds: a clock that was set back by no more only makes wait by as much */
/* What is longer than job.c's PAYLOAD_MAX is no job, whoever put it there: this much goes to a replier, which refuses it, and its head
 * is kept to look at. */
#define BOUNDED_PAYLOAD "substr(payload, 1, 65537)"
#define BURIED_PAYLOAD "CASE WHEN length(payload) > 65536 THEN substr(payload, 1, 1024) ELSE payload END"

/* Handles are row numbers; what is none names no job. */
static gint64 row_of(const char *handle)
{
	gint64 n;

	return g_ascii_string_to_signed(handle, 10, 1, G_MAXINT64, &n, NULL) ? n : 0;
}

static gint64 mono_ms(void)
{
	return clock_mono_us() / 1000;
}

bool sqlite_keep_time(SqliteStore *store, gint64 now, GError **error)
{
	gint64 last;

	if (!sqlite_number(store, "SELECT clock FROM queue", NULL, 0, &last, error))
		return false;
	if (now == last || (now < last && now >= last - CLOCK_SLACK))
		return true;
	/* The minutes that the site's cap has filled were of the clock before; what they hold moves too. */
	if (now < last &&
	    (!sqlite_run(store, "UPDATE jobs SET due = ?1 + due - set_at, set_at = ?1 WHERE state = 'waiting' AND set_at > ?1",
	         SQL_VALUES(SQL_INT(now)), error) ||
	     !sqlite_run(store, "DELETE FROM rate WHERE kind = 'site' AND window >= ?", SQL_VALUES(SQL_INT(now / 60)), error)))
		return false;
	return sqlite_run(store, "UPDATE queue SET clock = ?", SQL_VALUES(SQL_INT(now)), error);
}

/* Columns: n, payload, mac, tries, due, why, takes. */
static StoredJob *read_job(sqlite3_stmt *row, gint64 now)
{
	StoredJob *job = g_new0(StoredJob, 1);

	job->handle = sqlite_copy(row, 0);
	job->payload = sqlite_copy(row, 1);
	job->mac = sqlite_copy(row, 2);
	job->tries = (guint)sqlite3_column_int64(row, 3);
	job->due = sqlite3_column_int64(row, 4) > now ? sqlite3_column_int64(row, 4) : 0;
	job->why = sqlite_copy(row, 5);
	job->takes = (guint)sqlite3_column_int64(row, 6);
	return job;
}

/* The job that is longest due, or else one whose replier has been silent for idle_ms or is of an earlier boot; 0 where there is none.
 * *back: the clock was set back, and what waits has to move first. */
static bool next_job(SqliteStore *store, gint64 now, gint64 idle_ms, bool *back, gint64 *n, GError **error)
{
	gint64 last;

	if (!sqlite_number(store, "SELECT clock FROM queue", NULL, 0, &last, error))
		return false;
	*back = now < last - CLOCK_SLACK;
	return sqlite_number(store, "SELECT n FROM jobs WHERE state = 'waiting' AND due <= ? ORDER BY due, n LIMIT 1",
	           SQL_VALUES(SQL_INT(now)), 0, n, error) &&
	    (*n != 0 || sqlite_number(store, "SELECT n FROM jobs WHERE state = 'taken' AND (taken_at <= ?1 - ?2 OR taken_at > ?1)"
	        " ORDER BY taken_at, n LIMIT 1", SQL_VALUES(SQL_INT(mono_ms()), SQL_INT(idle_ms)), 0, n, error));
}

static bool mark_taken(SqliteStore *store, gint64 n, StoredJob **job, GError **error)
{
	sqlite3_stmt *statement;
	bool row, ok;

	statement = sqlite_start(store, "SELECT n, " BOUNDED_PAYLOAD ", mac, tries, due, why, takes FROM jobs WHERE n = ?",
	    SQL_VALUES(SQL_INT(n)), error);
	if (statement == NULL)
		return false;
	ok = sqlite_step(store, statement, &row, error);
	if (ok && row)
		*job = read_job(statement, clock_now());
	sqlite_finish(statement);
	return ok && sqlite_run(store, "UPDATE jobs SET state = 'taken', taken_by = ?, taken_at = ?, takes = takes + 1 WHERE n = ?",
	    SQL_VALUES(SQL_TEXT(store->base.consumer), SQL_INT(mono_ms()), SQL_INT(n)), error);
}

static bool try_take(SqliteStore *store, gint64 idle_ms, StoredJob **job, GError **error)
{
	g_autoptr(StoredJob) taken = NULL;
	gint64 n, now = clock_now();
	bool ok, back;

	/* Looking first keeps idle repliers from taking the write lock for nothing. */
	if (!next_job(store, now, idle_ms, &back, &n, error))
		return false;
	if (n == 0 && !back)
		return true;
	if (!sqlite_begin_write(store, error))
		return false;
	ok = (!back || sqlite_keep_time(store, now, error)) && next_job(store, now, idle_ms, &back, &n, error) &&
	    (n == 0 || mark_taken(store, n, &taken, error));
	if (!sqlite_end(store, ok, error))
		return false;
	*job = g_steal_pointer(&taken);
	return true;
}

StoredJob *sqlite_await_job(SqliteStore *store, gint64 wait_ms, gint64 idle_ms,
    bool (*take)(SqliteStore *store, gint64 idle_ms, StoredJob **job, GError **error), GError **error)
{
	gint64 now = clock_mono_us(), until = now + wait_ms * 1000, next_look = now;
	StoredJob *job = NULL;
	int changed = 0;

	for (;;) {
		if (changed > 0 || now >= next_look) {
			next_look = now + LOOK_EVERY_US;
			if (!sqlite_file_is_ours(store, error) || !take(store, idle_ms, &job, error) || job != NULL)
				return job;
		}
		if (now >= until)
			return NULL;
		g_usleep((gulong)MIN(POLL_US, until - now));
		changed = sqlite_changed(store, error);
		if (changed < 0)
			return NULL;
		now = clock_mono_us();
	}
}

StoredJob *sqlite_job_take(Store *base, gint64 wait_ms, gint64 idle_ms, GError **error)
{
	return sqlite_await_job((SqliteStore *)base, wait_ms, idle_ms, try_take, error);
}

bool sqlite_job_done(Store *base, const StoredJob *job, const char *hash, GError **error)
{
	SqliteStore *store = (SqliteStore *)base;
	g_autofree char *id = NULL, *token = NULL, *letter = NULL;
	gint64 n = row_of(job->handle), there = 0;
	bool ok;

	(void)job_names(job, &id, &token, &letter); /* NULL is equal to nothing: no mark is touched */
	if (!sqlite_begin_write(store, error))
		return false;
	/* In whatever state the row is by now, and where it is gone: it was sent and must not be sent again. */
	ok = sqlite_run(store, "UPDATE marks SET sent = 1 WHERE id = ? AND " ITS_KINDS " AND hash = ? AND token = ?",
	         SQL_VALUES(SQL_TEXT(id), KINDS_OF(letter), SQL_TEXT(hash), SQL_TEXT(token)), error) &&
	    /* Counted once, however often it is told. The caller counts for the incident. */
	    sqlite_number(store, "SELECT 1 FROM jobs WHERE n = ?", SQL_VALUES(SQL_INT(n)), 0, &there, error) &&
	    (there == 0 || sqlite_add_count(store, "all", "sent", 1, error)) &&
	    sqlite_run(store, "DELETE FROM jobs WHERE n = ?", SQL_VALUES(SQL_INT(n)), error);
	return sqlite_end(store, ok, error);
}

/* Marks past their time are as good as none, although the sweep has not come by yet. */
bool sqlite_job_standing(Store *base, const Job *job, const char *hash, JobStanding *standing, GError **error)
{
	SqliteStore *store = (SqliteStore *)base;
	sqlite3_stmt *statement = sqlite_start(store, "SELECT count(*), sum(token = ?1), sum(token = ?1 AND sent) FROM marks"
	    " WHERE id = ?2 AND " ITS_KINDS " AND hash = ?5 AND " MARK_COUNTS("?6"),
	    SQL_VALUES(SQL_TEXT(job->token), SQL_TEXT(job->request->id), KINDS_OF(job->request->letter), SQL_TEXT(hash),
	    SQL_INT(clock_now())), error);
	MarksSeen seen = { .any = false };
	bool row, ok;

	if (statement == NULL)
		return false;
	ok = sqlite_step(store, statement, &row, error);
	if (ok && row) {
		seen.any = sqlite3_column_int64(statement, 0) > 0;
		seen.own = sqlite3_column_int64(statement, 1) > 0;
		seen.sent = sqlite3_column_int64(statement, 2) > 0;
	}
	sqlite_finish(statement);
	*standing = marks_standing(&seen);
	return ok;
}

bool sqlite_job_retry(Store *base, const StoredJob *job, gint64 delay, bool failed, const char *why, GError **error)
{
	SqliteStore *store = (SqliteStore *)base;
	gint64 now = clock_now();

	return sqlite_begin_write(store, error) && sqlite_end(store, sqlite_keep_time(store, now, error) &&
	    sqlite_run(store, "UPDATE jobs SET state = 'waiting', due = ?, set_at = ?, tries = tries + ?, why = ifnull(?, why),"
	        " taken_by = NULL, taken_at = NULL, takes = 0 WHERE n = ? AND " IN_HAND,
	        SQL_VALUES(SQL_INT(now + delay), SQL_INT(now), SQL_INT(failed), SQL_TEXT(why), SQL_INT(row_of(job->handle)),
	        SQL_TEXT(base->consumer)), error), error);
}

bool sqlite_job_bury(Store *base, const StoredJob *job, const char *why, GError **error)
{
	SqliteStore *store = (SqliteStore *)base;

	return sqlite_begin_write(store, error) && sqlite_end(store, sqlite_run(store, "UPDATE jobs SET state = 'dead', why = ?,"
	    " taken_by = NULL, taken_at = NULL, takes = 0, payload = " BURIED_PAYLOAD " WHERE n = ? AND " IN_HAND,
	    SQL_VALUES(SQL_TEXT(why), SQL_INT(row_of(job->handle)), SQL_TEXT(base->consumer)), error), error);
}

bool sqlite_job_withdraw(Store *base, const StoredJob *job, const char *hash, GError **error)
{
	SqliteStore *store = (SqliteStore *)base;
	g_autofree char *id = NULL, *token = NULL, *letter = NULL;
	gint64 n = row_of(job->handle), ours = 0;
	bool ok;

	(void)job_names(job, &id, &token, &letter);
	if (!sqlite_begin_write(store, error))
		return false;
	ok = sqlite_number(store, "SELECT 1 FROM jobs WHERE n = ? AND " IN_HAND, SQL_VALUES(SQL_INT(n), SQL_TEXT(base->consumer)), 0,
	    &ours, error);
	/* A letter that is out keeps its mark: who puts its job here again does not get the customer a second one. */
	if (ok && ours != 0)
		ok = sqlite_run(store, "DELETE FROM marks WHERE id = ? AND " ITS_KINDS " AND hash = ? AND token = ? AND NOT sent",
		         SQL_VALUES(SQL_TEXT(id), KINDS_OF(letter), SQL_TEXT(hash), SQL_TEXT(token)), error) &&
		    sqlite_add_count(store, "all", "withdrawn", 1, error) &&
		    sqlite_run(store, "DELETE FROM jobs WHERE n = ?", SQL_VALUES(SQL_INT(n)), error);
	return sqlite_end(store, ok, error);
}

bool sqlite_job_promote(Store *base, const StoredJob *job, const char *hash, bool *won, GError **error)
{
	SqliteStore *store = (SqliteStore *)base;
	g_autofree char *id = NULL, *token = NULL, *letter = NULL;
	gint64 now = clock_now(), mine = 0;
	bool ok;

	if (!job_names(job, &id, &token, &letter))
		return store_job_is_nameless(error);
	if (letter != NULL)
		return store_job_is_no_ack(error);
	if (!sqlite_begin_write(store, error))
		return false;
	ok = sqlite_run(store, "INSERT INTO marks(id, kind, hash, token, at, expires) VALUES(?1, 'resolved', ?2, ?3, ?4, ?5)"
	         " ON CONFLICT(id, kind, hash) DO UPDATE SET token = excluded.token, at = excluded.at, expires = excluded.expires,"
	         " sent = 0 WHERE NOT " MARK_COUNTS("?4"),
	         SQL_VALUES(SQL_TEXT(id), SQL_TEXT(hash), SQL_TEXT(token), SQL_INT(now),
	         SQL_INT(now + MARK_TTL_SECONDS(store->base.config))), error) &&
	    sqlite_number(store, "SELECT 1 FROM marks WHERE id = ? AND kind = 'resolved' AND hash = ? AND token = ?",
	        SQL_VALUES(SQL_TEXT(id), SQL_TEXT(hash), SQL_TEXT(token)), 0, &mine, error);
	if (!sqlite_end(store, ok, error))
		return false;
	*won = mine != 0;
	return true;
}

bool sqlite_queue_counts(Store *base, QueueCounts *counts, GError **error)
{
	SqliteStore *store = (SqliteStore *)base;
	sqlite3_stmt *statement = sqlite_start(store, "SELECT"
	    " (SELECT count(*) FROM jobs WHERE state = 'taken' OR (state = 'waiting' AND due <= ?1)),"
	    " (SELECT count(*) FROM jobs WHERE state = 'waiting' AND due > ?1),"
	    " (SELECT count(*) FROM jobs WHERE state = 'dead'),"
	    " (SELECT n FROM stats WHERE id = 'all' AND counter = 'sent'),"
	    " (SELECT n FROM stats WHERE id = 'all' AND counter = 'withdrawn'),"
	    " (SELECT min(queued_at) FROM jobs WHERE state <> 'dead'),"
	    " (SELECT count(*) FROM jobs WHERE state = 'taken')", SQL_VALUES(SQL_INT(clock_now())), error);
	bool row, ok;

	if (statement == NULL)
		return false;
	ok = sqlite_step(store, statement, &row, error);
	if (ok && row) {
		counts->pending = (guint64)sqlite3_column_int64(statement, 0);
		counts->delayed = (guint64)sqlite3_column_int64(statement, 1);
		counts->dead = (guint64)sqlite3_column_int64(statement, 2);
		counts->sent = (guint64)sqlite3_column_int64(statement, 3);
		counts->withdrawn = (guint64)sqlite3_column_int64(statement, 4);
		counts->oldest = sqlite3_column_int64(statement, 5);
		counts->taken = (guint64)sqlite3_column_int64(statement, 6);
	}
	sqlite_finish(statement);
	return ok;
}

GPtrArray *sqlite_queue_list(Store *base, QueueList list, guint count, GError **error)
{
	SqliteStore *store = (SqliteStore *)base;
	g_autoptr(GPtrArray) jobs = g_ptr_array_new_with_free_func((GDestroyNotify)stored_job_free);
	sqlite3_stmt *statement = sqlite_start(store, "SELECT n, " BOUNDED_PAYLOAD ", mac, tries, due, why, takes FROM jobs"
	    " WHERE (state = 'dead') = ? ORDER BY n LIMIT ?", SQL_VALUES(SQL_INT(list == QUEUE_DEAD), SQL_INT(count)), error);
	bool row, ok;

	if (statement == NULL)
		return NULL;
	while ((ok = sqlite_step(store, statement, &row, error)) && row)
		g_ptr_array_add(jobs, read_job(statement, clock_now()));
	sqlite_finish(statement);
	return ok ? g_steal_pointer(&jobs) : NULL;
}

/* One operator's move of one job or all; sql has a last parameter that is the row, or -1 for all. */
static bool move_jobs(SqliteStore *store, const char *sql, const SqlValue *values, const char *what, const char *handle,
    guint *moved, GError **error)
{
	bool ok;

	*moved = 0;
	if (!sqlite_begin_write(store, error))
		return false;
	ok = sqlite_keep_time(store, clock_now(), error) && sqlite_run(store, sql, values, error);
	if (ok)
		*moved = (guint)sqlite3_changes(store->db);
	if (*moved > 0)
		ok = sqlite_event(store, what, NULL, NULL, handle != NULL ? handle : "all", error);
	return sqlite_end(store, ok, error);
}

bool sqlite_queue_retry(Store *base, const char *handle, guint *moved, GError **error)
{
	/* A buried job gets all its tries again. */
	return move_jobs((SqliteStore *)base, "UPDATE jobs SET state = 'waiting', due = ?1, set_at = ?1, tries = 0, takes = 0"
	    " WHERE state = 'dead' AND ?2 IN (n, -1)",
	    SQL_VALUES(SQL_INT(clock_now()), SQL_INT(handle != NULL ? row_of(handle) : -1)), "queue-retry", handle, moved, error);
}

bool sqlite_queue_bury(Store *base, const char *handle, const char *why, guint *moved, GError **error)
{
	return move_jobs((SqliteStore *)base, "UPDATE jobs SET state = 'dead', why = ?1, taken_by = NULL, taken_at = NULL, takes = 0,"
	    " payload = " BURIED_PAYLOAD " WHERE state <> 'dead' AND ?2 IN (n, -1)",
	    SQL_VALUES(SQL_TEXT(why), SQL_INT(handle != NULL ? row_of(handle) : -1)), "queue-bury", handle, moved, error);
}
