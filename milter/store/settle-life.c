/* settle-life: a store that is another one than before (snapshot.h: life) is told of what it may have forgotten. Layer: store, private to
 * settle*.c.
 *
 * First of all letters that left through this node, at once. Some seconds later, when every node has seen the change and has done so, of
 * the claims that the store had taken: one whose letter was sent by another node finds that node's mark under its own token and changes
 * nothing; one that was lost is claimed and queued anew. A row of more than an hour ago (SPOOL_PAYLOAD_SECONDS) counts as sent, for
 * that is what it nearly always is: where it has no mark any more, the mark is put back and no letter leaves. */
#include "base/clock.h"
#include "base/error.h"
#include "base/log.h"
#include "store/job-private.h"
#include "store/settle-private.h"

/* On top of a poll, after which a node that heard no notice has seen the change too. */
#define CLAIMS_AFTER_US (3 * G_USEC_PER_SEC)

void settle_note_life(SettleRound *round, const Snapshot *snapshot)
{
	if (snapshot->life == NULL || g_strcmp0(snapshot->life, round->life_new) == 0)
		return;
	if (g_strcmp0(snapshot->life, round->life_told) == 0) {
		g_clear_pointer(&round->life_new, g_free);
		return;
	}
	if (round->life_told != NULL)
		log_event("store-changed", "from", round->life_told, "to", snapshot->life, NULL);
	g_free(round->life_new);
	round->life_new = g_strdup(snapshot->life);
	round->claims_at = clock_mono_us() + round->config->store_poll * 1000 + CLAIMS_AFTER_US;
	/* What we are connected to may be the old one. */
	g_clear_pointer(&round->store, store_close);
}

bool settle_life_is_new(const SettleRound *round)
{
	return round->life_new != NULL && round->life_told != NULL;
}

/* Puts the mark of an old claim back where there is none. A mark that stands is left as it is, sent or not: its letter may wait in
 * the queue. */
static SettleOutcome put_mark_back(SettleRound *round, const SpoolRow *row, GError **error)
{
	ClaimRequest request = { .id = row->id };
	Job job = { .token = row->token, .request = &request };
	JobStanding standing;
	bool own = false;

	if (!store_job_standing(round->store, &job, row->hash, &standing, error))
		return SETTLE_STORE_AWAY;
	if (standing != JOB_UNMARKED)
		return SETTLE_DONE;
	round->counts.told_again++;
	return settle_letter(round, row, &own, error);
}

static SettleOutcome claim_again(SettleRound *round, const SpoolRow *row, const Snapshot *snapshot, GError **error)
{
	StoredJob stored = { .payload = row->payload, .mac = row->mac };
	g_autoptr(Job) job = job_read(&stored, NULL);
	ClaimAnswer answer;
	bool queued = false;

	if (job == NULL)
		return put_mark_back(round, row, error);
	if (!settle_claim(round, row, job, snapshot, &answer, &queued, error))
		return SETTLE_STORE_AWAY;
	round->counts.told_again += queued;
	/* ENDED: the store is to hear of the incident first. Whatever else: somebody else has answered, or nobody is to. */
	return answer == CLAIM_PAUSED || answer == CLAIM_FULL ||
	        (answer == CLAIM_ENDED && settle_is_on(round, snapshot, row->id, job->request))
	    ? SETTLE_LATER
	    : SETTLE_DONE;
}

static SettleOutcome tell_letter(SettleRound *round, const SpoolRow *row, const Snapshot *snapshot, GError **error)
{
	SettleOutcome outcome;
	bool own = false;

	/* Of an incident that nobody knows any more no mark is needed: its id never comes back. */
	if (settle_incident(snapshot, row->id) == NULL && snapshot->problems->len == 0 && !snapshot->store_empty)
		return SETTLE_DONE;
	outcome = settle_letter(round, row, &own, error);
	round->counts.told_again += own;
	return outcome;
}

static SettleOutcome tell_claim(SettleRound *round, const SpoolRow *row, const Snapshot *snapshot, GError **error)
{
	if (settle_incident(snapshot, row->id) == NULL && snapshot->problems->len == 0 && !snapshot->store_empty)
		return SETTLE_DONE;
	/* One that has ended may be reopened under its id, with its marks. */
	return *row->payload != '\0' && clock_now() - row->at < SPOOL_PAYLOAD_SECONDS && settle_is_on(round, snapshot, row->id, NULL)
	    ? claim_again(round, row, snapshot, error)
	    : put_mark_back(round, row, error);
}

/* A key of a wrong type under one mark is no reason to go on about it for ever. */
static SettleOutcome bear_with(const SpoolRow *row, SettleOutcome outcome, GError **error)
{
	if (outcome != SETTLE_STORE_AWAY || error == NULL || !g_error_matches(*error, OUTAGE_ERROR, OUTAGE_ERROR_INVALID))
		return outcome;
	log_warning("settle: incident %s, customer %s: %s; the store is not told of this one again", row->id, row->hash, (*error)->message);
	g_clear_error(error);
	return SETTLE_DONE;
}

/* Tells a slice of the rows of one state. *none: there were none left. */
static SettleOutcome tell_slice(SettleRound *round, SpoolState state, const Snapshot *snapshot, bool *none, GError **error)
{
	g_autoptr(GPtrArray) rows = spool_untold(round->spool, state, round->life_new, SETTLE_SLICE, error);
	SettleOutcome outcome = settle_kept(rows != NULL);
	guint told = 0;

	*none = rows != NULL && rows->len == 0;
	for (guint i = 0; outcome == SETTLE_DONE && i < rows->len && !settle_is_stopping(round); i++) {
		const SpoolRow *row = g_ptr_array_index(rows, i);

		outcome = state == SPOOL_SENT ? tell_letter(round, row, snapshot, error) : tell_claim(round, row, snapshot, error);
		outcome = bear_with(row, outcome, error);
		told += outcome == SETTLE_DONE;
	}
	/* Told twice is told once: what a crash before this line leaves unsaid changes nothing. Whatever ended the slice, its error is the one
	 * to hear of. */
	if (rows != NULL && outcome != SETTLE_SPOOL_AWAY &&
	    !spool_settled_some(round->spool, rows, told, state, round->life_new, outcome == SETTLE_STORE_AWAY ? NULL : error))
		return outcome == SETTLE_STORE_AWAY ? outcome : SETTLE_SPOOL_AWAY;
	return outcome;
}

bool settle_life_is_due(const SettleRound *round)
{
	return round->life_new != NULL;
}

/* Whether the other nodes are to have their time to tell of letters. It is theirs even where this one has no claims to tell of: it is not to
 * claim anything new there before. A node without a past is not one of a store that has forgotten. */
static bool is_too_early(SettleRound *round, bool *early, GError **error)
{
	bool empty = false;

	*early = clock_mono_us() < round->claims_at;
	if (!*early || round->life_told != NULL)
		return true;
	if (!spool_is_empty(round->spool, &empty, error))
		return false;
	*early = !empty;
	return true;
}

/* The same for claims, once it is their time. */
static SettleOutcome tell_claims(SettleRound *round, const Snapshot *snapshot, bool *none, GError **error)
{
	gint64 now = clock_mono_us();
	g_autoptr(GPtrArray) rows = NULL;
	SettleOutcome outcome;
	bool early = false;

	*none = false;
	if (!is_too_early(round, &early, error))
		return SETTLE_SPOOL_AWAY;
	if (early)
		return SETTLE_LATER;
	rows = spool_untold(round->spool, SPOOL_MIRROR, round->life_new, 1, error);
	*none = rows != NULL && rows->len == 0;
	if (rows == NULL || *none)
		return settle_kept(rows != NULL);
	if (now < round->claims_not_before)
		return SETTLE_LATER;
	outcome = tell_slice(round, SPOOL_MIRROR, snapshot, none, error);
	if (outcome == SETTLE_LATER)
		round->claims_not_before = now + SETTLE_HOLD_SECONDS * G_USEC_PER_SEC;
	return outcome;
}

SettleOutcome settle_tell_again(SettleRound *round, const Snapshot *snapshot, GError **error)
{
	bool none = false;
	SettleOutcome outcome = tell_slice(round, SPOOL_SENT, snapshot, &none, error);

	if (outcome == SETTLE_DONE && none)
		outcome = tell_claims(round, snapshot, &none, error);
	if (outcome != SETTLE_DONE || !none)
		return outcome;
	if (!spool_set_life(round->spool, round->life_new, error))
		return SETTLE_SPOOL_AWAY;
	g_free(round->life_told);
	round->life_told = g_steal_pointer(&round->life_new);
	return SETTLE_DONE;
}
