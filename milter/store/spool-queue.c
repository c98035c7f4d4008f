/* spool-queue: the local rows as a queue that the replier's worker takes jobs from, and the operator's hand on them. Layer: store, private
 * to spool*.c.
 *
 *     handle = "local:" TOKEN
 *
 * A job in the replier's hands may come to belong to settle, which has taken it over and asks the store for it. Nothing that the
 * replier does then reaches the row, but for a letter that has left. */
#include <string.h>

#include "base/clock.h"
#include "base/error.h"
#include "store/job-private.h"
#include "store/keep.h"
#include "store/spool-private.h"

#define HANDLE_PREFIX "local:"
#define ID_TIME 16             /* of an incident's id, the time; the name follows after "-" */
#define NEWER_SECONDS 30       /* when a row is looked at again whose incident the kept snapshot does not know yet */

/* Returns the token that a handle names; "" where it is none, which is nobody's token. */
static const char *token_of(const char *handle)
{
	return g_str_has_prefix(handle, HANDLE_PREFIX) ? handle + strlen(HANDLE_PREFIX) : "";
}

/* Columns: token, payload, mac, tries, due_us, why, takes. */
static StoredJob *read_job(sqlite3_stmt *row)
{
	gint64 wait_us = sqlite3_column_int64(row, 4) - clock_mono_us();
	StoredJob *job = g_new0(StoredJob, 1);

	job->handle = g_strconcat(HANDLE_PREFIX, sqlite_text(row, 0), NULL);
	job->payload = sqlite_copy(row, 1);
	job->mac = sqlite_copy(row, 2);
	job->tries = (guint)sqlite3_column_int64(row, 3);
	job->due = wait_us > 0 ? clock_now() + wait_us / G_USEC_PER_SEC + 1 : 0;
	job->why = sqlite_copy(row, 5);
	job->takes = (guint)sqlite3_column_int64(row, 6);
	return job;
}

/* Reads the job that is longest due and in nobody's hands, or left in them for idle_ms; *job stays NULL where there is none. */
static bool next_job(SqliteStore *file, gint64 idle_ms, StoredJob **job, GError **error)
{
	gint64 now = clock_mono_us();
	sqlite3_stmt *statement = sqlite_start(file, "SELECT token, payload, mac, tries, due_us, why, takes FROM acks INDEXED BY acks_due"
	    " WHERE state = 'local' AND due_us <= ? AND (taken_us IS NULL OR taken_us <= ?) ORDER BY due_us, n LIMIT 1",
	    SQL_VALUES(SQL_INT(now), SQL_INT(now - idle_ms * 1000)), error);
	bool row, ok;

	if (statement == NULL)
		return false;
	ok = sqlite_step(file, statement, &row, error);
	if (ok && row)
		*job = read_job(statement);
	sqlite_finish(statement);
	return ok;
}

static bool try_take(SqliteStore *file, gint64 idle_ms, StoredJob **job, GError **error)
{
	g_autoptr(StoredJob) seen = NULL, taken = NULL;
	bool ok;

	/* Looking first keeps an idle replier from taking the write lock for nothing. */
	if (!next_job(file, idle_ms, &seen, error))
		return false;
	if (seen == NULL)
		return true;
	if (!spool_begin(file, false, error))
		return false;
	ok = next_job(file, idle_ms, &taken, error) && (taken == NULL ||
	    sqlite_run(file, "UPDATE acks SET taken_us = ?2, taken_by = ?3, set_us = ?2, takes = takes + 1 WHERE token = ?1",
	        SQL_VALUES(SQL_TEXT(token_of(taken->handle)), SQL_INT(clock_mono_us()), SQL_TEXT(file->base.node)), error));
	if (!sqlite_end(file, ok, error))
		return false;
	*job = g_steal_pointer(&taken);
	return true;
}

StoredJob *spool_job_take(Store *base, gint64 wait_ms, gint64 idle_ms, GError **error)
{
	return sqlite_await_job((SqliteStore *)base, wait_ms, idle_ms, try_take, error);
}

bool spool_job_done(Store *base, const StoredJob *job, const char *hash, GError **error)
{
	SqliteStore *file = (SqliteStore *)base;
	g_autoptr(Job) read = job_read(job, error);
	SpoolLetter letter;

	if (read == NULL)
		return false;
	letter = (SpoolLetter){ read->token, read->request->id, read->request->resolved ? "resolved" : "active", hash };
	/* In whatever state the row is by now, and where it is gone: the letter has left, and the store has to hear of it. A row that is there
	 * keeps its kind, for the job may have been promoted. */
	return spool_begin(file, true, error) && sqlite_end(file, spool_put_sent(file, &letter, clock_mono_us(), error), error);
}

/* Reads the state of the row of token ("" where there is none), and whether a later one of the same sender stands. */
static bool read_state(SqliteStore *file, const Job *job, const char *hash, char **state, bool *replaced, bool *any, GError **error)
{
	sqlite3_stmt *statement = sqlite_start(file, "SELECT ifnull((SELECT state FROM acks WHERE token = ?1), ''),"
	    " EXISTS (SELECT 1 FROM acks AS own, acks AS other WHERE own.token = ?1 AND other.hash = own.hash AND other.id = own.id AND"
	    " other.kind = own.kind AND other.n > own.n AND other.state <> 'dead'),"
	    " EXISTS (SELECT 1 FROM acks WHERE hash = ?2 AND id = ?3)",
	    SQL_VALUES(SQL_TEXT(job->token), SQL_TEXT(hash), SQL_TEXT(job->request->id)), error);
	bool row, ok;

	if (statement == NULL)
		return false;
	ok = sqlite_step(file, statement, &row, error);
	if (ok && row) {
		*state = sqlite_copy(statement, 0);
		*replaced = sqlite3_column_int64(statement, 1) != 0;
		*any = sqlite3_column_int64(statement, 2) != 0;
	}
	sqlite_finish(statement);
	return ok;
}

bool spool_job_standing(Store *base, const Job *job, const char *hash, JobStanding *standing, GError **error)
{
	g_autofree char *state = NULL;
	bool replaced = false, any = false;

	if (!read_state((SqliteStore *)base, job, hash, &state, &replaced, &any, error))
		return false;
	if (g_strcmp0(state, "sent") == 0)
		*standing = JOB_SENT;
	else if (g_strcmp0(state, "local") == 0)
		*standing = replaced ? JOB_REPLACED : JOB_STANDS;
	else
		/* Settle has it in hand or has brought it to the store: it is no longer this queue's. */
		*standing = any ? JOB_REPLACED : JOB_UNMARKED;
	return true;
}

bool spool_job_retry(Store *base, const StoredJob *job, gint64 delay, bool failed, const char *why, GError **error)
{
	gint64 now = clock_mono_us();

	return spool_write((SqliteStore *)base, false, "UPDATE acks SET due_us = ?2, set_us = ?3, tries = tries + ?4, why = ifnull(?5, why),"
	    " taken_us = NULL, taken_by = NULL, takes = 0 WHERE token = ?1 AND state = 'local'",
	    SQL_VALUES(SQL_TEXT(token_of(job->handle)), SQL_INT(now + delay * G_USEC_PER_SEC), SQL_INT(now), SQL_INT(failed), SQL_TEXT(why)),
	    error);
}

bool spool_job_bury(Store *base, const StoredJob *job, const char *why, GError **error)
{
	return spool_write((SqliteStore *)base, true, "UPDATE acks SET state = 'dead', why = ?2, taken_us = NULL, taken_by = NULL"
	    " WHERE token = ?1 AND state = 'local'", SQL_VALUES(SQL_TEXT(token_of(job->handle)), SQL_TEXT(why)), error);
}

/* Whether the job's incident is newer than what the kept snapshot says of it, or missing there: then it is the file that is old (a full
 * disk kept it from being written), and no ending. Ids begin with their time. */
static bool is_news(const Config *config, const ClaimRequest *request)
{
	g_autofree char *path = keep_path(config);
	g_autoptr(Snapshot) snapshot = keep_load(path, NULL);
	const Incident *incident = snapshot != NULL ? snapshot_find(snapshot, request->incident) : NULL;
	int order;

	if (incident == NULL || incident->state.id == NULL)
		return true;
	order = strncmp(request->id, incident->state.id, ID_TIME);
	return order > 0 || (order == 0 && request->epoch > incident->state.epoch);
}

bool spool_job_withdraw(Store *base, const StoredJob *job, const char *hash, GError **error)
{
	SqliteStore *file = (SqliteStore *)base;
	g_autoptr(Job) read = job_read(job, NULL);

	(void)hash;
	if (read != NULL && is_news(file->base.config, read->request))
		return spool_job_retry(base, job, NEWER_SECONDS, false, "its incident is newer than the kept snapshot", error);
	return spool_write(file, false, "DELETE FROM acks WHERE token = ? AND state = 'local'", SQL_VALUES(SQL_TEXT(token_of(job->handle))),
	    error);
}

bool spool_job_promote(Store *base, const StoredJob *job, const char *hash, bool *won, GError **error)
{
	SqliteStore *file = (SqliteStore *)base;
	const char *token = token_of(job->handle);
	gint64 mine = 0;
	bool ok;

	if (!spool_begin(file, false, error))
		return false;
	ok = sqlite_run(file, "UPDATE acks SET kind = 'resolved' WHERE token = ?1 AND state = 'local' AND NOT EXISTS (SELECT 1 FROM acks AS other"
	         " WHERE other.hash = ?2 AND other.id = acks.id AND other.kind = 'resolved' AND other.token <> ?1)",
	         SQL_VALUES(SQL_TEXT(token), SQL_TEXT(hash)), error) &&
	    sqlite_number(file, "SELECT 1 FROM acks WHERE token = ? AND state = 'local' AND kind = 'resolved'", SQL_VALUES(SQL_TEXT(token)), 0,
	        &mine, error);
	if (!sqlite_end(file, ok, error))
		return false;
	*won = mine != 0;
	return true;
}

bool spool_queue_counts(Store *base, QueueCounts *counts, GError **error)
{
	SqliteStore *file = (SqliteStore *)base;
	sqlite3_stmt *statement = sqlite_start(file, "SELECT"
	    " (SELECT count(*) FROM acks WHERE state = 'local' AND due_us <= ?1),"
	    " (SELECT count(*) FROM acks WHERE state IN ('held', 'asked') OR (state = 'local' AND due_us > ?1)),"
	    " (SELECT count(*) FROM acks WHERE state = 'dead'),"
	    " (SELECT count(*) FROM acks WHERE state = 'sent'),"
	    " (SELECT min(at) FROM acks WHERE state IN ('local', 'held', 'asked'))", SQL_VALUES(SQL_INT(clock_mono_us())), error);
	bool row, ok;

	if (statement == NULL)
		return false;
	ok = sqlite_step(file, statement, &row, error);
	if (ok && row) {
		counts->pending = (guint64)sqlite3_column_int64(statement, 0);
		counts->delayed = (guint64)sqlite3_column_int64(statement, 1);
		counts->dead = (guint64)sqlite3_column_int64(statement, 2);
		counts->sent = (guint64)sqlite3_column_int64(statement, 3);
		counts->oldest = sqlite3_column_int64(statement, 4);
	}
	sqlite_finish(statement);
	return ok;
}

GPtrArray *spool_queue_list(Store *base, QueueList list, guint count, GError **error)
{
	static const char *const queries[] = {
		[QUEUE_PENDING] = "SELECT token, payload, mac, tries, due_us, ifnull(why, CASE state WHEN 'held' THEN 'waits for the store'"
		    " WHEN 'asked' THEN 'the store has not said whether it has it' END), takes FROM acks WHERE state IN ('local', 'held', 'asked')"
		    " ORDER BY n LIMIT ?",
		[QUEUE_DEAD] = "SELECT token, payload, mac, tries, 0, why, takes FROM acks WHERE state = 'dead' ORDER BY n LIMIT ?",
	};
	SqliteStore *file = (SqliteStore *)base;
	g_autoptr(GPtrArray) jobs = g_ptr_array_new_with_free_func((GDestroyNotify)stored_job_free);
	sqlite3_stmt *statement = sqlite_start(file, queries[list], SQL_VALUES(SQL_INT(count)), error);
	bool row, ok;

	if (statement == NULL)
		return NULL;
	while ((ok = sqlite_step(file, statement, &row, error)) && row)
		g_ptr_array_add(jobs, read_job(statement));
	sqlite_finish(statement);
	return ok ? g_steal_pointer(&jobs) : NULL;
}

bool spool_queue_retry(Store *base, const char *handle, guint *moved, GError **error)
{
	SqliteStore *file = (SqliteStore *)base;

	*moved = 0;
	/* A buried job gets all its tries and takes again. One that the store may have is asked for first, as before. */
	if (!spool_write(file, true, "UPDATE acks SET state = CASE WHEN was IN ('held', 'asked') THEN was ELSE 'local' END, was = '',"
	    " due_us = ?1, set_us = ?1, ask_us = ?1, tries = 0, takes = 0 WHERE state = 'dead' AND"
	    " (?2 IS NULL OR token = ?2)",
	    SQL_VALUES(SQL_INT(clock_mono_us()), SQL_TEXT(handle != NULL ? token_of(handle) : NULL)), error))
		return false;
	*moved = (guint)sqlite3_changes(file->db);
	return true;
}

bool spool_queue_bury(Store *base, const char *handle, const char *why, guint *moved, GError **error)
{
	SqliteStore *file = (SqliteStore *)base;

	*moved = 0;
	if (!spool_write(file, true, "UPDATE acks SET state = 'dead', was = state, why = ?1, taken_us = NULL, taken_by = NULL"
	    " WHERE state IN ('local', 'held', 'asked') AND (?2 IS NULL OR token = ?2)",
	    SQL_VALUES(SQL_TEXT(why), SQL_TEXT(handle != NULL ? token_of(handle) : NULL)), error))
		return false;
	*moved = (guint)sqlite3_changes(file->db);
	return true;
}

GPtrArray *spool_list(Spool *spool, QueueList list, guint count, GError **error)
{
	return spool_queue_list(&spool->file->base, list, count, error);
}

bool spool_retry(Spool *spool, const char *handle, guint *moved, GError **error)
{
	guint ignored;

	return spool_queue_retry(&spool->file->base, handle, moved != NULL ? moved : &ignored, error);
}

bool spool_bury(Spool *spool, const char *handle, const char *why, guint *moved, GError **error)
{
	guint ignored;

	return spool_queue_bury(&spool->file->base, handle, why, moved != NULL ? moved : &ignored, error);
}
