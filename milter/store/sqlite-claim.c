/* sqlite-claim: a letter claimed in one transaction: mark, caps, job, affected set, counters. Layer: store, private to
 * sqlite*.c. This is on the way of a message: a handful of prepared statements and one sync of the log. */
#include <string.h>

#include "base/clock.h"
#include "store/sqlite-private.h"

#define HOUR 3600
#define DAY 86400

/* The mark of an earlier claim; *standing: it is there and counts. *same: it is this claim's own. */
static bool read_mark(SqliteStore *store, const StoreClaim *claim, const char *kind, gint64 now, bool *standing, bool *same,
    GError **error)
{
	gint64 again_after = (claim_rules(store->base.config, claim).again_after + 999) / 1000;
	sqlite3_stmt *statement = sqlite_start(store, "SELECT token, at FROM marks WHERE id = ? AND kind = ? AND hash = ? AND "
	    MARK_COUNTS("?"), SQL_VALUES(SQL_TEXT(claim->request->id), SQL_TEXT(kind), SQL_TEXT(claim->hash), SQL_INT(now)), error);
	bool row, ok;

	if (statement == NULL)
		return false;
	ok = sqlite_step(store, statement, &row, error);
	*same = ok && row && strcmp(sqlite_text(statement, 0), claim->token) == 0;
	*standing = ok && row && (again_after <= 0 || now - sqlite3_column_int64(statement, 1) < again_after);
	sqlite_finish(statement);
	return ok;
}

/* Does the incident still stand as the claim believes? What is told to those who wrote in is about it, on or over. */
static bool check_incident(SqliteStore *store, const ClaimRequest *request, bool *fits, GError **error)
{
	IncidentState state = { .id = NULL };
	bool found, ok = sqlite_read_state(store, request->incident, &state, &found, error);

	*fits = ok && found && g_strcmp0(state.id, request->id) == 0 && state.epoch == request->epoch &&
	    (request->class == LETTER_NOTICE || (request->resolved ? state.word == WORD_RESOLVED : word_is_open(state.word)));
	incident_state_clear(&state);
	return ok;
}

static bool read_rate(SqliteStore *store, const char *kind, const char *key, gint64 window, gint64 *n, GError **error)
{
	return sqlite_number(store, "SELECT n FROM rate WHERE kind = ? AND key = ? AND window = ?",
	    SQL_VALUES(SQL_TEXT(kind), SQL_TEXT(key), SQL_INT(window)), 0, n, error);
}

static bool add_rate(SqliteStore *store, const char *kind, const char *key, gint64 window, gint64 ends, GError **error)
{
	return sqlite_run(store, "INSERT INTO rate(kind, key, window, ends, n) VALUES(?, ?, ?, ?, 1)"
	    " ON CONFLICT(kind, key, window) DO UPDATE SET n = n + 1",
	    SQL_VALUES(SQL_TEXT(kind), SQL_TEXT(key), SQL_INT(window), SQL_INT(ends)), error);
}

/* One of the caps, on what key has had in its window; 0 = no such cap. */
static bool is_full(SqliteStore *store, const char *kind, const char *key, gint64 window, gint64 cap, bool *full, GError **error)
{
	gint64 n = 0;

	if (cap > 0 && !read_rate(store, kind, key, window, &n, error))
		return false;
	*full = cap > 0 && n >= cap;
	return true;
}

static bool judge_rates(SqliteStore *store, const StoreClaim *claim, gint64 now, ClaimAnswer *answer, GError **error)
{
	ClaimRules rules = claim_rules(store->base.config, claim);
	bool domain, address;

	if (!is_full(store, "domain", claim->domain, now / HOUR, rules.domain_cap, &domain, error) ||
	    !is_full(store, "address", claim->hash, now / DAY, rules.address_cap, &address, error))
		return false;
	*answer = domain || address ? CLAIM_RATE : CLAIM_WON;
	return true;
}

static bool judge_queue(SqliteStore *store, const StoreClaim *claim, ClaimAnswer *answer, GError **error)
{
	gint64 limit = claim_rules(store->base.config, claim).queue_limit, waiting = 0;

	if (limit > 0 && !sqlite_number(store, "SELECT n FROM queue", NULL, 0, &waiting, error))
		return false;
	if (limit > 0 && waiting >= limit)
		*answer = CLAIM_FULL;
	return true;
}

static bool count_rates(SqliteStore *store, const StoreClaim *claim, gint64 now, GError **error)
{
	ClaimRules rules = claim_rules(store->base.config, claim);

	return (rules.domain_cap <= 0 || add_rate(store, "domain", claim->domain, now / HOUR, (now / HOUR + 1) * HOUR, error)) &&
	    (rules.address_cap <= 0 ||
	        add_rate(store, "address", claim->hash, now / DAY, (now / DAY + 1) * DAY, error));
}

/* Everything that speaks against the claim, in the order of the answers; CLAIM_WON: nothing. *queued: by an earlier call. */
static bool judge(SqliteStore *store, const StoreClaim *claim, const char *kind, gint64 now, ClaimAnswer *answer, bool *queued,
    GError **error)
{
	g_autofree char *pause = NULL;
	bool standing, fits;
	gint64 n = 0;

	if (!read_mark(store, claim, kind, now, &standing, queued, error))
		return false;
	if (*queued || standing) {
		*answer = *queued ? CLAIM_WON : CLAIM_ALREADY;
		return true;
	}
	/* Nothing speaks against a letter to our own people. */
	*answer = CLAIM_WON;
	if (claim->request->class == LETTER_STAFF)
		return true;
	if (!check_incident(store, claim->request, &fits, error) || !sqlite_read_pause(store, &pause, error))
		return false;
	if (!fits || pause != NULL) {
		*answer = fits ? CLAIM_PAUSED : CLAIM_ENDED;
		return true;
	}
	if (!sqlite_number(store, "SELECT 1 FROM bounced WHERE hash = ? AND expires > ?",
	    SQL_VALUES(SQL_TEXT(claim->hash), SQL_INT(now)), 0, &n, error))
		return false;
	if (n != 0) {
		*answer = CLAIM_BOUNCED;
		return true;
	}
	return judge_rates(store, claim, now, answer, error) && (*answer != CLAIM_WON || judge_queue(store, claim, answer, error));
}

/* When the job may leave: ack.delay from now, and later (*put_off) where the site's cap has filled that minute. Minutes fill one
 * after another, so the last one with jobs in it is the only one to look at. */
static bool place(SqliteStore *store, const StoreClaim *claim, gint64 now, gint64 *due, bool *put_off, GError **error)
{
	ClaimRules rules = claim_rules(store->base.config, claim);
	gint64 minute, last, n;

	*put_off = false;
	*due = now + (rules.delay + 999) / 1000;
	if (rules.site_cap <= 0)
		return true;
	minute = *due / 60;
	if (!sqlite_number(store, "SELECT max(window) FROM rate WHERE kind = 'site' AND key = ''", NULL, 0, &last, error))
		return false;
	minute = MAX(minute, last);
	if (!read_rate(store, "site", "", minute, &n, error))
		return false;
	if (n >= rules.site_cap)
		minute++;
	*put_off = minute > *due / 60;
	*due = MAX(*due, minute * 60);
	return add_rate(store, "site", "", minute, (minute + 1) * 60, error);
}

/* Counts who gets a letter, and that there is one. */
static bool count_queued(SqliteStore *store, const StoreClaim *claim, gint64 now, GError **error)
{
	const char *id = claim->request->id;

	switch (claim->request->class) {
	case LETTER_NOTICE:
		return sqlite_add_count(store, id, "queued:notice", 1, error);
	case LETTER_STAFF:
		return sqlite_add_count(store, id, "queued:staff", 1, error);
	default:
		return sqlite_run(store, "INSERT OR IGNORE INTO affected(id, hash, at) VALUES(?, ?, ?)",
		           SQL_VALUES(SQL_TEXT(id), SQL_TEXT(claim->hash), SQL_INT(now)), error) &&
		    (sqlite3_changes(store->db) == 0 || sqlite_add_count(store, id, "affected", 1, error)) &&
		    sqlite_add_count(store, id, "queued", 1, error);
	}
}

static bool enqueue(SqliteStore *store, const StoreClaim *claim, const char *kind, gint64 now, GError **error)
{
	const ClaimRequest *request = claim->request;
	bool put_off;
	gint64 due;

	return sqlite_keep_time(store, now, error) && count_rates(store, claim, now, error) &&
	    place(store, claim, now, &due, &put_off, error) &&
	    (!put_off || sqlite_add_count(store, request->id, "delayed", 1, error)) &&
	    sqlite_run(store, "INSERT OR REPLACE INTO marks(id, kind, hash, token, at, expires) VALUES(?, ?, ?, ?, ?, ?)",
	        SQL_VALUES(SQL_TEXT(request->id), SQL_TEXT(kind), SQL_TEXT(claim->hash), SQL_TEXT(claim->token), SQL_INT(now),
	        SQL_INT(now + MARK_TTL_SECONDS(store->base.config))), error) &&
	    sqlite_run(store, "INSERT INTO jobs(payload, mac, id, kind, token, queued_at, due, set_at)"
	        " VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?6)",
	        SQL_VALUES(SQL_TEXT(claim->payload), SQL_TEXT(claim->mac), SQL_TEXT(request->id), SQL_TEXT(kind),
	        SQL_TEXT(claim->token), SQL_INT(now), SQL_INT(due)), error) &&
	    count_queued(store, claim, now, error);
}

/* The name under which a refusal is counted, or NULL. Of letters that are no acknowledgement none is: who claims them asks for the same
 * again and again. */
static const char *held_counter(const ClaimRequest *request, ClaimAnswer answer)
{
	if (request->class != LETTER_ACK)
		return NULL;
	switch (answer) {
	case CLAIM_ALREADY:
		return "held:already-acked";
	case CLAIM_BOUNCED:
		return "held:bounced";
	case CLAIM_RATE:
		return "held:rate";
	case CLAIM_PAUSED:
		return "held:paused";
	case CLAIM_FULL:
		return "held:queue-full";
	default:
		return NULL;
	}
}

/* Counts a refusal. One that cannot be kept changes nothing, and none is worth a sync of the disk: a customer who writes a hundred
 * times costs a hundred of these. False only where later writes would no longer be kept as they have to be. */
static bool count_held(SqliteStore *store, const char *id, const char *counter, GError **error)
{
	gint64 usual_wait = store->wait_ms;

	/* What is left of the claim's own deadline. */
	store->wait_ms = MAX(0, (store->busy_until - clock_mono_us()) / 1000);
	if (sqlite_set_durable(store, false, NULL) && sqlite_begin_write(store, NULL))
		(void)sqlite_end(store, sqlite_add_count(store, id, counter, 1, NULL), NULL);
	store->wait_ms = usual_wait;
	return sqlite_set_durable(store, true, error);
}

static bool claim_by_deadline(SqliteStore *store, const StoreClaim *claim, ClaimAnswer *answer, GError **error)
{
	const char *kind = claim_request_kind(claim->request), *counter;
	ClaimAnswer found = CLAIM_AWAY;
	gint64 now = clock_now();
	bool queued, ok;

	if (!sqlite_begin_write(store, error))
		return false;
	ok = judge(store, claim, kind, now, &found, &queued, error);
	if (ok && found == CLAIM_WON && !queued)
		ok = enqueue(store, claim, kind, now, error);
	if (!sqlite_end(store, ok, error))
		return false;
	*answer = found;
	counter = held_counter(claim->request, found);
	return counter == NULL || count_held(store, claim->request->id, counter, error);
}

bool sqlite_claim(Store *base, const StoreClaim *claim, ClaimAnswer *answer, GError **error)
{
	SqliteStore *store = (SqliteStore *)base;
	gint64 usual_wait = store->wait_ms;
	bool ok;

	if (claim->until != 0)
		store->wait_ms = MAX(0, (claim->until - clock_mono_us()) / 1000);
	ok = claim_by_deadline(store, claim, answer, error);
	store->wait_ms = usual_wait;
	return ok;
}
