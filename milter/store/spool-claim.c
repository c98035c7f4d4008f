/* spool-claim: acknowledgements recorded in the spool: those that the store could not take, those it did, and letters that left. Layer:
 * store, private to spool*.c.
 *
 * Marks and caps are counted over the rows themselves: what this node knows is all that it can hold itself to. */
#include "base/clock.h"
#include "store/spool-private.h"

#define HOUR 3600
#define DAY 86400
/* How long settle leaves it to the replier to say that it has told the store of a letter itself. */
#define SENT_GRACE_US (5 * G_USEC_PER_SEC)

static const char *kind_of(const ClaimRequest *request)
{
	return request->resolved ? "resolved" : "active";
}

/* What is no acknowledgement waits for the shared store: nothing here knows how to tell it of such a letter. */
static bool is_ack(const StoreClaim *claim, GError **error)
{
	return (claim->request->class == LETTER_ACK && claim->request->letter == NULL) || store_job_is_no_ack(error);
}

/* *stands: a row keeps this sender from being answered again. */
static bool find_mark(SqliteStore *file, const StoreClaim *claim, gint64 now, bool *stands, GError **error)
{
	const ClaimRequest *request = claim->request;
	gint64 again_after = file->base.config->ack_again_after, one = 0;
	bool ok = sqlite_number(file, "SELECT 1 FROM acks WHERE hash = ? AND id = ? AND kind = ? AND at > ? LIMIT 1",
	    SQL_VALUES(SQL_TEXT(claim->hash), SQL_TEXT(request->id), SQL_TEXT(kind_of(request)),
	    SQL_INT(again_after > 0 ? now - (again_after + 999) / 1000 : G_MININT64)), 0, &one, error);

	*stands = one != 0;
	return ok;
}

static bool judge_caps(SqliteStore *file, const StoreClaim *claim, gint64 now, ClaimAnswer *answer, GError **error)
{
	const Config *config = file->base.config;
	gint64 domain_cap = claim->domain_capped ? config->ack_domain_cap : 0, n = 0;

	*answer = CLAIM_WON;
	if (domain_cap > 0 && !sqlite_number(file, "SELECT count(*) FROM acks WHERE domain = ? AND domain_capped = 1 AND at >= ?",
	    SQL_VALUES(SQL_TEXT(claim->domain), SQL_INT(now / HOUR * HOUR)), 0, &n, error))
		return false;
	if (domain_cap > 0 && n >= domain_cap)
		*answer = CLAIM_RATE;
	if (config->ack_address_cap > 0 && !sqlite_number(file, "SELECT count(*) FROM acks WHERE hash = ? AND at >= ?",
	    SQL_VALUES(SQL_TEXT(claim->hash), SQL_INT(now / DAY * DAY)), 0, &n, error))
		return false;
	if (config->ack_address_cap > 0 && n >= config->ack_address_cap)
		*answer = CLAIM_RATE;
	return true;
}

/* Everything that this node knows against the claim. *known: it is recorded already, by an earlier call. */
static bool judge(SqliteStore *file, const StoreClaim *claim, SpoolState as, gint64 now, ClaimAnswer *answer, bool *known, GError **error)
{
	bool stands = false;
	gint64 n = 0, blocked = 0;

	*answer = CLAIM_WON;
	if (!sqlite_number(file, "SELECT 1 FROM acks WHERE token = ?", SQL_VALUES(SQL_TEXT(claim->token)), 0, &n, error))
		return false;
	*known = n != 0;
	if (*known || as == SPOOL_ASKED)
		return true;
	if (!find_mark(file, claim, now, &stands, error) ||
	    !sqlite_number(file, "SELECT 1 FROM blocked WHERE hash = ? AND ends > ?", SQL_VALUES(SQL_TEXT(claim->hash), SQL_INT(now)), 0,
	        &blocked, error))
		return false;
	if (!stands && blocked == 0)
		return judge_caps(file, claim, now, answer, error);
	*answer = stands ? CLAIM_ALREADY : CLAIM_BOUNCED;
	return true;
}

/* When the letter may leave: after ack.delay, in the first minute in which the site's cap leaves room. Minutes fill one after another, so
 * the last one with letters in it is the only one to look at. */
static bool place(SqliteStore *file, gint64 now_us, gint64 *due_us, GError **error)
{
	const Config *config = file->base.config;
	gint64 minute, last = 0, n = 0;

	*due_us = now_us + config->ack_delay * 1000;
	if (config->ack_site_cap <= 0)
		return true;
	if (!sqlite_number(file, "SELECT max(minute) FROM site", NULL, 0, &last, error))
		return false;
	minute = MAX(*due_us / SPOOL_MINUTE_US, last);
	if (!sqlite_number(file, "SELECT n FROM site WHERE minute = ?", SQL_VALUES(SQL_INT(minute)), 0, &n, error))
		return false;
	if (n >= config->ack_site_cap)
		minute++;
	*due_us = MAX(*due_us, minute * SPOOL_MINUTE_US);
	return sqlite_run(file, "INSERT INTO site(minute, n) VALUES(?, 1) ON CONFLICT(minute) DO UPDATE SET n = n + 1",
	    SQL_VALUES(SQL_INT(minute)), error);
}

/* Adds the row of a claim; one that stands under the token and is not sent becomes this. with_payload: it may have to be claimed. */
static bool put_claim(SqliteStore *file, const StoreClaim *claim, const char *state, bool with_payload, gint64 due_us, GError **error)
{
	gint64 now_us = clock_mono_us();

	return sqlite_run(file, "INSERT INTO acks(token, id, kind, hash, domain, domain_capped, state, at, payload, mac, set_us, due_us, ask_us)"
	    " VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?11) ON CONFLICT(token) DO UPDATE SET state = excluded.state, was = '',"
	    " set_us = excluded.set_us, due_us = excluded.due_us, ask_us = excluded.ask_us, taken_us = NULL, taken_by = NULL"
	    " WHERE acks.state IN ('local', 'held', 'asked')",
	    SQL_VALUES(SQL_TEXT(claim->token), SQL_TEXT(claim->request->id), SQL_TEXT(kind_of(claim->request)), SQL_TEXT(claim->hash),
	    SQL_TEXT(claim->domain != NULL ? claim->domain : ""), SQL_INT(claim->domain_capped), SQL_TEXT(state), SQL_INT(clock_now()),
	    SQL_TEXT(with_payload ? claim->payload : ""), SQL_TEXT(with_payload ? claim->mac : ""), SQL_INT(now_us), SQL_INT(due_us)), error);
}

static bool record(SqliteStore *file, const StoreClaim *claim, SpoolState as, ClaimAnswer *answer, GError **error)
{
	gint64 due_us = clock_mono_us();
	bool known = false;

	if (!judge(file, claim, as, clock_now(), answer, &known, error))
		return false;
	if (known || *answer != CLAIM_WON)
		return true;
	return (as != SPOOL_LOCAL || place(file, due_us, &due_us, error)) &&
	    put_claim(file, claim, spool_state_name(as), true, due_us, error);
}

bool spool_claim(Spool *spool, const StoreClaim *claim, SpoolState as, ClaimAnswer *answer, GError **error)
{
	SqliteStore *file = spool->file;
	gint64 usual_wait = file->wait_ms;
	ClaimAnswer found = CLAIM_AWAY;
	bool ok;

	*answer = CLAIM_AWAY;
	if (!is_ack(claim, error))
		return false;
	if (claim->until != 0)
		file->wait_ms = CLAMP((claim->until - clock_mono_us()) / 1000, 0, usual_wait);
	ok = spool_begin(file, true, error) && sqlite_end(file, record(file, claim, as, &found, error), error);
	file->wait_ms = usual_wait;
	if (ok)
		*answer = found;
	return ok;
}

bool spool_mirror(Spool *spool, const StoreClaim *claim, GError **error)
{
	return is_ack(claim, error) && spool_begin(spool->file, false, error) &&
	    sqlite_end(spool->file, put_claim(spool->file, claim, "mirror", true, 0, error), error);
}

bool spool_note_answered(Spool *spool, const StoreClaim *claim, GError **error)
{
	bool stands = false;

	/* Who is known needs no second row, and a look costs nobody the lock. */
	if (!is_ack(claim, error) || !find_mark(spool->file, claim, clock_now(), &stands, error))
		return false;
	return stands || (spool_begin(spool->file, false, error) &&
	    sqlite_end(spool->file, put_claim(spool->file, claim, SPOOL_THEIRS, false, 0, error), error));
}

bool spool_put_sent(SqliteStore *file, const SpoolLetter *letter, gint64 ask_us, GError **error)
{
	/* What it was made of is personal data that nobody needs any more. A letter that the store knows of needs not be told again. */
	return sqlite_run(file, "INSERT INTO acks(token, id, kind, hash, state, at, set_us, due_us, ask_us)"
	    " VALUES(?1, ?2, ?3, ?4, 'sent', ?5, ?6, 0, ?7) ON CONFLICT(token) DO UPDATE SET state = 'sent', was = '', at = excluded.at,"
	    " kind = CASE WHEN excluded.kind = 'resolved' THEN 'resolved' ELSE acks.kind END,"
	    " payload = '', mac = '', set_us = excluded.set_us, ask_us = excluded.ask_us, taken_us = NULL, taken_by = NULL, life = NULL,"
	    " why = NULL WHERE acks.state <> 'sent'",
	    SQL_VALUES(SQL_TEXT(letter->token), SQL_TEXT(letter->id), SQL_TEXT(letter->kind), SQL_TEXT(letter->hash), SQL_INT(clock_now()),
	    SQL_INT(clock_mono_us()), SQL_INT(ask_us)), error);
}

bool spool_note_sent(Spool *spool, const Job *job, const char *hash, GError **error)
{
	SpoolLetter letter = { job->token, job->request->id, kind_of(job->request), hash };

	if (job->request->letter != NULL)
		return true;
	return spool_begin(spool->file, false, error) &&
	    sqlite_end(spool->file, spool_put_sent(spool->file, &letter, clock_mono_us() + SENT_GRACE_US, error), error);
}

bool spool_was_sent(Spool *spool, const char *token, bool *sent, bool *told, GError **error)
{
	gint64 found = 0;

	if (!sqlite_number(spool->file, "SELECT 1 + (life IS NOT NULL) FROM acks WHERE token = ? AND state = 'sent'",
	        SQL_VALUES(SQL_TEXT(token)), 0, &found, error))
		return false;
	*sent = found > 0;
	*told = found > 1;
	return true;
}
