/* sqlite-stats: what is counted of support mail, as rows. Layer: store, private to sqlite*.c.
 *
 * The tables mirror the keys of lua/stats-write.lua. A batch is one transaction; what is lost of it with the power is only a figure, so the
 * disk is not waited for. */
#include <string.h>

#include "base/clock.h"
#include "store/sqlite-private.h"

#define SLICE 500
#define FIGURES_MAX 1000000 /* rows read at once of what a strange hand may have multiplied */

/* stats_senders: slot 0 = of the whole incident. stats_accounts: week 0 = of one incident, else of all. stats_mails: id '' = it was answered
 * (at) before it was told of. */
const char *const sqlite_stats_tables[] = {
	"CREATE TABLE IF NOT EXISTS stats_minutes(id TEXT NOT NULL, minute INTEGER NOT NULL, counter TEXT NOT NULL, n INTEGER NOT NULL,"
	" PRIMARY KEY(id, minute, counter)) WITHOUT ROWID",
	"CREATE TABLE IF NOT EXISTS stats_senders(id TEXT NOT NULL, slot INTEGER NOT NULL, hash TEXT NOT NULL, at INTEGER NOT NULL,"
	" PRIMARY KEY(id, slot, hash)) WITHOUT ROWID",
	"CREATE TABLE IF NOT EXISTS stats_accounts(id TEXT NOT NULL, week INTEGER NOT NULL, account TEXT NOT NULL, n INTEGER NOT NULL,"
	" at INTEGER NOT NULL, PRIMARY KEY(id, week, account)) WITHOUT ROWID",
	"CREATE TABLE IF NOT EXISTS stats_threads(id TEXT NOT NULL, hash TEXT NOT NULL, account TEXT NOT NULL, first_at INTEGER NOT NULL,"
	" last_at INTEGER NOT NULL, answered_at INTEGER NOT NULL, mails INTEGER NOT NULL, again INTEGER NOT NULL,"
	" PRIMARY KEY(id, hash)) WITHOUT ROWID",
	"CREATE TABLE IF NOT EXISTS stats_mails(key TEXT PRIMARY KEY, id TEXT NOT NULL, hash TEXT NOT NULL, at INTEGER NOT NULL) WITHOUT ROWID",
	"CREATE TABLE IF NOT EXISTS stats_outbound(one INTEGER PRIMARY KEY CHECK(one = 1), at INTEGER NOT NULL)",
	/* hour -1: `weeks` is the beginning of the last hour that was learned. */
	"CREATE TABLE IF NOT EXISTS baseline(hour INTEGER PRIMARY KEY, mails TEXT NOT NULL, senders TEXT NOT NULL, weeks INTEGER NOT NULL)",
};
const gsize sqlite_stats_tables_count = G_N_ELEMENTS(sqlite_stats_tables);

/* Found id by id, by the key of the table: going through hundreds of thousands of rows would keep everybody else out meanwhile. */
#define PURGE_MINUTES "WITH RECURSIVE ids(id) AS (SELECT min(id) FROM stats_minutes UNION ALL" \
	" SELECT (SELECT min(id) FROM stats_minutes WHERE id > ids.id) FROM ids WHERE id IS NOT NULL)" \
	" DELETE FROM stats_minutes WHERE id IN (SELECT id FROM ids) AND minute <= ?"

bool sqlite_stats_purge(SqliteStore *store, gint64 now, gint64 kept_since, GError **error)
{
	return sqlite_run(store, PURGE_MINUTES, SQL_VALUES(SQL_INT(kept_since)), error) &&
	    sqlite_run(store, "DELETE FROM stats_senders WHERE at <= CASE slot WHEN 0 THEN ? ELSE ? END",
	        SQL_VALUES(SQL_INT(kept_since), SQL_INT(now - STATS_RECENT)), error) &&
	    sqlite_run(store, "DELETE FROM stats_accounts WHERE at <= ?", SQL_VALUES(SQL_INT(now - store->base.config->account_totals / 1000)),
	        error) &&
	    sqlite_run(store, "DELETE FROM stats_threads WHERE last_at <= ? AND id NOT IN " IDS_THAT_ARE_ON, SQL_VALUES(SQL_INT(kept_since)),
	        error) &&
	    sqlite_run(store, "DELETE FROM stats_mails WHERE at <= CASE id WHEN '' THEN ? ELSE ? END",
	        SQL_VALUES(SQL_INT(now - STATS_EARLY), SQL_INT(kept_since)), error);
}

/* --- writing --- */

/* So that no sum of these leaves the whole numbers. */
static gint64 bounded(const guint64 *number)
{
	return (gint64)MIN(*number, G_GUINT64_CONSTANT(1) << 53);
}

static bool write_counters(SqliteStore *store, const StatsMinute *minute, GError **error)
{
	GHashTableIter iter;
	gpointer name, value;
	bool ok = true;

	g_hash_table_iter_init(&iter, minute->counters);
	while (ok && g_hash_table_iter_next(&iter, &name, &value))
		ok = sqlite_run(store, "INSERT INTO stats_minutes(id, minute, counter, n) VALUES(?, ?, ?, ?)"
		    " ON CONFLICT(id, minute, counter) DO UPDATE SET n = n + excluded.n",
		    SQL_VALUES(SQL_TEXT(minute->id), SQL_INT(minute->minute), SQL_TEXT(name), SQL_INT(bounded(value))), error);
	return ok;
}

static bool write_sender(SqliteStore *store, const StatsMinute *minute, gint64 slot, const char *hash, GError **error)
{
	return sqlite_run(store, "INSERT INTO stats_senders(id, slot, hash, at) VALUES(?, ?, ?, ?)"
	    " ON CONFLICT(id, slot, hash) DO UPDATE SET at = max(at, excluded.at)",
	    SQL_VALUES(SQL_TEXT(minute->id), SQL_INT(slot), SQL_TEXT(hash), SQL_INT(minute->minute)), error);
}

static bool write_senders(SqliteStore *store, const StatsMinute *minute, GError **error)
{
	bool of_all = strcmp(minute->id, STATS_ALL) == 0, ok = true;
	GHashTableIter iter;
	gpointer hash;

	g_hash_table_iter_init(&iter, minute->senders);
	while (ok && g_hash_table_iter_next(&iter, &hash, NULL))
		ok = write_sender(store, minute, MAX(minute->minute / STATS_SLOT, 1), hash, error) &&
		    (of_all || write_sender(store, minute, 0, hash, error));
	return ok;
}

static bool write_accounts(SqliteStore *store, const StatsMinute *minute, GError **error)
{
	gint64 week = strcmp(minute->id, STATS_ALL) == 0 ? MAX(minute->minute / STATS_WEEK, 1) : 0;
	GHashTableIter iter;
	gpointer name, value;
	bool ok = true;

	g_hash_table_iter_init(&iter, minute->accounts);
	while (ok && g_hash_table_iter_next(&iter, &name, &value))
		ok = sqlite_run(store, "INSERT INTO stats_accounts(id, week, account, n, at) VALUES(?, ?, ?, ?, ?)"
		    " ON CONFLICT(id, week, account) DO UPDATE SET n = n + excluded.n, at = max(at, excluded.at)",
		    SQL_VALUES(SQL_TEXT(minute->id), SQL_INT(week), SQL_TEXT(name), SQL_INT(bounded(value)), SQL_INT(minute->minute)), error);
	return ok;
}

/* What is known of a mail: id "" where it was answered, at `at`, before it was told of; NULL where nothing is. */
typedef struct { char *id, *hash; gint64 at; } KnownMail;

static void known_mail_clear(KnownMail *mail)
{
	g_free(mail->id);
	g_free(mail->hash);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(KnownMail, known_mail_clear)

static void take_mail(sqlite3_stmt *row, gpointer into)
{
	KnownMail *mail = into;

	mail->id = sqlite_copy(row, 0);
	mail->hash = sqlite_copy(row, 1);
	mail->at = sqlite3_column_int64(row, 2);
}

static bool find_mail(SqliteStore *store, const char *key, KnownMail *mail, GError **error)
{
	return sqlite_one_row(store, "SELECT id, hash, at FROM stats_mails WHERE key = ? AND length(id) <= " G_STRINGIFY(STATS_HASH_MAX)
	    " AND length(hash) <= " G_STRINGIFY(STATS_HASH_MAX), SQL_VALUES(SQL_TEXT(key)), take_mail, mail, error);
}

#define THREAD "SELECT hash, account, first_at, last_at, answered_at, mails, again FROM stats_threads WHERE id = ?1" \
	" AND typeof(hash) = 'text' AND instr(hash, char(0)) = 0 AND length(hash) <= " G_STRINGIFY(STATS_HASH_MAX) \
	" AND length(CAST(account AS BLOB)) <= " G_STRINGIFY(STATS_ACCOUNT_MAX)

static StatsThread *read_thread(sqlite3_stmt *row)
{
	StatsThread *thread = g_new0(StatsThread, 1);
	const char *account = sqlite_text(row, 1);

	thread->hash = g_strdup(sqlite_text(row, 0));
	thread->account = *account != '\0' && g_utf8_validate(account, -1, NULL) ? g_strdup(account) : NULL;
	thread->first_at = MAX(sqlite3_column_int64(row, 2), 0);
	thread->last_at = MAX(sqlite3_column_int64(row, 3), 0);
	thread->answered_at = MAX(sqlite3_column_int64(row, 4), 0);
	thread->mails = (guint)CLAMP(sqlite3_column_int64(row, 5), 0, G_MAXINT);
	thread->again = (guint)CLAMP(sqlite3_column_int64(row, 6), 0, G_MAXINT);
	return thread;
}

static void take_thread(sqlite3_stmt *row, gpointer into)
{
	StatsThread **thread = into;

	*thread = read_thread(row);
}

/* *thread is NULL where there is none; caller frees. */
static bool find_thread(SqliteStore *store, const char *id, const char *hash, StatsThread **thread, GError **error)
{
	*thread = NULL;
	return sqlite_one_row(store, THREAD " AND hash = ?2", SQL_VALUES(SQL_TEXT(id), SQL_TEXT(hash)), take_thread, thread, error);
}

static bool put_thread(SqliteStore *store, const char *id, const StatsThread *thread, GError **error)
{
	return sqlite_run(store, "INSERT OR REPLACE INTO stats_threads(id, hash, account, first_at, last_at, answered_at, mails, again)"
	    " VALUES(?, ?, ?, ?, ?, ?, ?, ?)",
	    SQL_VALUES(SQL_TEXT(id), SQL_TEXT(thread->hash), SQL_TEXT(thread->account != NULL ? thread->account : ""),
	    SQL_INT(thread->first_at), SQL_INT(thread->last_at), SQL_INT(thread->answered_at), SQL_INT(thread->mails),
	    SQL_INT(thread->again)), error);
}

static void answer_thread(StatsThread *thread, gint64 at, guint *replies)
{
	*replies += thread->answered_at == 0;
	thread->answered_at = thread->answered_at > 0 ? MIN(thread->answered_at, at) : at;
}

static void add_to_thread(StatsThread *thread, const StatsMail *mail)
{
	thread->again += thread->mails > 0 && (thread->answered_at == 0 || mail->at < thread->answered_at);
	thread->first_at = thread->mails > 0 ? MIN(thread->first_at, mail->at) : mail->at;
	thread->last_at = MAX(thread->last_at, mail->at);
	thread->mails++;
	if (mail->account != NULL) {
		g_free(thread->account);
		thread->account = g_strdup(mail->account);
	}
}

static bool write_mail(SqliteStore *store, const StatsMail *mail, guint *replies, GError **error)
{
	g_auto(KnownMail) known = { .id = NULL };
	g_autoptr(StatsThread) thread = NULL;

	if (!find_mail(store, mail->key, &known, error))
		return false;
	if (known.id != NULL && *known.id != '\0')
		return true;
	if (!sqlite_run(store, "INSERT OR REPLACE INTO stats_mails(key, id, hash, at) VALUES(?, ?, ?, ?)",
	        SQL_VALUES(SQL_TEXT(mail->key), SQL_TEXT(mail->id), SQL_TEXT(mail->hash), SQL_INT(mail->at)), error) ||
	    !find_thread(store, mail->id, mail->hash, &thread, error))
		return false;
	if (thread == NULL) {
		thread = g_new0(StatsThread, 1);
		thread->hash = g_strdup(mail->hash);
	}
	add_to_thread(thread, mail);
	if (known.id != NULL && known.at > clock_now() - STATS_EARLY)
		answer_thread(thread, known.at, replies);
	return put_thread(store, mail->id, thread, error);
}

static bool answer_mail(SqliteStore *store, const char *key, gint64 at, guint *replies, GError **error)
{
	g_auto(KnownMail) known = { .id = NULL };
	g_autoptr(StatsThread) thread = NULL;

	if (!find_mail(store, key, &known, error))
		return false;
	if (known.id == NULL || *known.id == '\0')
		return sqlite_run(store, "INSERT INTO stats_mails(key, id, hash, at) VALUES(?, '', '', ?) ON CONFLICT(key) DO NOTHING",
		    SQL_VALUES(SQL_TEXT(key), SQL_INT(at)), error);
	if (!find_thread(store, known.id, known.hash, &thread, error))
		return false;
	if (thread == NULL)
		return true;
	answer_thread(thread, at, replies);
	return put_thread(store, known.id, thread, error);
}

static bool write_answer(SqliteStore *store, const StatsAnswer *answer, guint *replies, GError **error)
{
	bool ok = sqlite_run(store, "INSERT INTO stats_outbound(one, at) VALUES(1, ?) ON CONFLICT(one) DO UPDATE SET at = max(at, excluded.at)",
	    SQL_VALUES(SQL_INT(answer->at)), error);

	for (guint i = 0; ok && i < answer->keys->len; i++)
		ok = answer_mail(store, answer->keys->pdata[i], answer->at, replies, error);
	return ok;
}

static bool write_batch(SqliteStore *store, const StatsBatch *batch, guint *replies, GError **error)
{
	bool ok = true;

	for (guint i = 0; ok && batch->minutes != NULL && i < batch->minutes->len; i++) {
		const StatsMinute *minute = batch->minutes->pdata[i];

		ok = write_counters(store, minute, error) && write_senders(store, minute, error) && write_accounts(store, minute, error);
	}
	for (guint i = 0; ok && batch->mails != NULL && i < batch->mails->len; i++)
		ok = write_mail(store, batch->mails->pdata[i], replies, error);
	for (guint i = 0; ok && batch->answers != NULL && i < batch->answers->len; i++)
		ok = write_answer(store, batch->answers->pdata[i], replies, error);
	return ok;
}

bool sqlite_stats_write(Store *base, const StatsBatch *batch, guint *replies, GError **error)
{
	SqliteStore *store = (SqliteStore *)base;
	bool ok;

	*replies = 0;
	if (!sqlite_set_durable(store, false, error))
		return false;
	ok = sqlite_begin_write(store, error) && sqlite_end(store, write_batch(store, batch, replies, error), error);
	return sqlite_set_durable(store, true, ok ? error : NULL) && ok;
}

/* --- reading --- */

GPtrArray *sqlite_stats_minutes(Store *base, const char *id, gint64 from, gint64 to, GError **error)
{
	SqliteStore *store = (SqliteStore *)base;
	g_autoptr(GPtrArray) minutes = g_ptr_array_new_with_free_func((GDestroyNotify)stats_minute_free);
	sqlite3_stmt *statement = sqlite_start(store, "SELECT minute, counter, n FROM stats_minutes WHERE id = ? AND minute >= ? AND minute < ?"
	    " AND minute % 60 = 0 AND length(counter) < 128 AND typeof(n) = 'integer' AND n >= 0"
	    " ORDER BY minute LIMIT " G_STRINGIFY(FIGURES_MAX), SQL_VALUES(SQL_TEXT(id), SQL_INT(from), SQL_INT(to)), error);
	bool row, ok;

	if (statement == NULL)
		return NULL;
	while ((ok = sqlite_step(store, statement, &row, error)) && row) {
		gint64 minute = sqlite3_column_int64(statement, 0);
		const char *counter = sqlite_text(statement, 1);

		if (stats_counter_valid(counter))
			stats_minute_add(stats_minute_of(minutes, id, minute), counter, (guint64)sqlite3_column_int64(statement, 2));
	}
	sqlite_finish(statement);
	return ok ? g_steal_pointer(&minutes) : NULL;
}

bool sqlite_stats_distinct(Store *base, const char *id, gint64 from, guint64 *senders, guint64 *accounts, GError **error)
{
	SqliteStore *store = (SqliteStore *)base;
	gint64 n_senders = 0, n_accounts = 0;
	bool ok = from == 0 ? sqlite_number(store, "SELECT count(*) FROM stats_senders WHERE id = ? AND slot = 0", SQL_VALUES(SQL_TEXT(id)), 0,
	    &n_senders, error) : sqlite_number(store, "SELECT count(DISTINCT hash) FROM stats_senders WHERE id = ? AND slot >= ?",
	    SQL_VALUES(SQL_TEXT(id), SQL_INT(from / STATS_SLOT)), 0, &n_senders, error);

	if (!ok || !sqlite_number(store, "SELECT count(DISTINCT account) FROM stats_accounts WHERE id = ? AND at >= ?",
	    SQL_VALUES(SQL_TEXT(id), SQL_INT(from)), 0, &n_accounts, error))
		return false;
	*senders = (guint64)n_senders;
	*accounts = (guint64)n_accounts;
	return true;
}

GHashTable *sqlite_stats_accounts(Store *base, const char *id, GError **error)
{
	SqliteStore *store = (SqliteStore *)base;
	g_autoptr(GHashTable) totals = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
	sqlite3_stmt *statement = sqlite_start(store, "SELECT account, CAST(min(total(n), 9e15) AS INTEGER) FROM stats_accounts WHERE id = ?"
	    " AND length(CAST(account AS BLOB)) BETWEEN 1 AND " G_STRINGIFY(STATS_ACCOUNT_MAX) " AND typeof(n) = 'integer' AND n >= 0"
	    " AND instr(account, char(0)) = 0 GROUP BY account LIMIT " G_STRINGIFY(FIGURES_MAX), SQL_VALUES(SQL_TEXT(id)), error);
	bool row, ok;

	if (statement == NULL)
		return NULL;
	while ((ok = sqlite_step(store, statement, &row, error)) && row) {
		guint64 *sum = g_new0(guint64, 1);

		*sum = (guint64)sqlite3_column_int64(statement, 1);
		g_hash_table_insert(totals, g_utf8_make_valid(sqlite_text(statement, 0), -1), sum);
	}
	sqlite_finish(statement);
	return ok ? g_steal_pointer(&totals) : NULL;
}

bool sqlite_stats_threads_slice(Store *base, const char *id, char **cursor, GPtrArray *threads, GError **error)
{
	SqliteStore *store = (SqliteStore *)base;
	/* The last hash is the cursor, so it has to be what it reads as. */
	sqlite3_stmt *statement = sqlite_start(store, THREAD " AND hash > ?2 ORDER BY hash LIMIT " G_STRINGIFY(SLICE),
	    SQL_VALUES(SQL_TEXT(id), SQL_TEXT(*cursor != NULL ? *cursor : "")), error);
	guint count = 0;
	bool row, ok;

	if (statement == NULL)
		return false;
	while ((ok = sqlite_step(store, statement, &row, error)) && row) {
		g_ptr_array_add(threads, read_thread(statement));
		count++;
	}
	sqlite_finish(statement);
	if (!ok)
		return false;
	g_free(*cursor);
	*cursor = count == SLICE ? g_strdup(((StatsThread *)threads->pdata[threads->len - 1])->hash) : NULL;
	return true;
}

bool sqlite_stats_outbound_seen(Store *base, gint64 *at, GError **error)
{
	gint64 seen;

	if (!sqlite_number((SqliteStore *)base, "SELECT at FROM stats_outbound", NULL, 0, &seen, error))
		return false;
	*at = MAX(seen, 0);
	return true;
}

/* --- the baseline --- */

#define RATE_MAX 1e12

static void read_hour(sqlite3_stmt *row, BaselineHour *hour)
{
	double mails = sqlite3_column_double(row, 1), senders = sqlite3_column_double(row, 2);
	gint64 weeks = sqlite3_column_int64(row, 3);

	if (mails >= 0 && mails < RATE_MAX && senders >= 0 && senders < RATE_MAX && weeks > 0 && weeks < G_MAXINT)
		*hour = (BaselineHour){ .mails = mails, .senders = senders, .weeks = (guint)weeks };
}

bool sqlite_baseline(Store *base, BaselineHour hours[BASELINE_HOURS], GError **error)
{
	SqliteStore *store = (SqliteStore *)base;
	sqlite3_stmt *statement = sqlite_start(store, "SELECT hour, mails, senders, weeks FROM baseline WHERE hour BETWEEN 0 AND 167", NULL, error);
	bool row, ok;

	if (statement == NULL)
		return false;
	memset(hours, 0, BASELINE_HOURS * sizeof *hours);
	while ((ok = sqlite_step(store, statement, &row, error)) && row)
		read_hour(statement, &hours[sqlite3_column_int64(statement, 0)]);
	sqlite_finish(statement);
	return ok;
}

static void take_hour(sqlite3_stmt *row, gpointer into)
{
	read_hour(row, into);
}

static bool put_hour(SqliteStore *store, gint64 hour_start, double mails, double senders, bool *learned, GError **error)
{
	gint64 hour = baseline_hour(hour_start), last = -1;
	BaselineHour old = { .weeks = 0 };
	char mails_text[G_ASCII_DTOSTR_BUF_SIZE], senders_text[G_ASCII_DTOSTR_BUF_SIZE];
	double share;

	if (!sqlite_number(store, "SELECT weeks FROM baseline WHERE hour = -1", NULL, -1, &last, error) ||
	    !sqlite_one_row(store, "SELECT hour, mails, senders, weeks FROM baseline WHERE hour = ?", SQL_VALUES(SQL_INT(hour)), take_hour, &old,
	        error))
		return false;
	/* A time to come was not learned: a clock was wrong. */
	*learned = last < hour_start || last > clock_now();
	if (!*learned)
		return true;
	share = 1.0 / (MIN(old.weeks, BASELINE_WEEKS - 1) + 1);
	g_ascii_formatd(mails_text, sizeof mails_text, "%.12g", old.mails + (mails - old.mails) * share);
	g_ascii_formatd(senders_text, sizeof senders_text, "%.12g", old.senders + (senders - old.senders) * share);
	return sqlite_run(store, "INSERT OR REPLACE INTO baseline(hour, mails, senders, weeks) VALUES(?, ?, ?, ?)",
	           SQL_VALUES(SQL_INT(hour), SQL_TEXT(mails_text), SQL_TEXT(senders_text), SQL_INT(old.weeks + 1)), error) &&
	    sqlite_run(store, "INSERT OR REPLACE INTO baseline(hour, mails, senders, weeks) VALUES(-1, '0', '0', ?)",
	        SQL_VALUES(SQL_INT(hour_start)), error);
}

bool sqlite_baseline_learn(Store *base, gint64 hour_start, double mails, double senders, bool *learned, GError **error)
{
	SqliteStore *store = (SqliteStore *)base;

	return sqlite_begin_write(store, error) && sqlite_end(store, put_hour(store, hour_start, mails, senders, learned, error), error);
}
