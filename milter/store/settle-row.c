/* settle-row: one acknowledgement that a node recorded by itself, brought to the store. Layer: store, private to settle*.c.
 *
 * Every step may be the last one before a crash or a cut: a row is ASKED before its claim is written, and asked again under its token
 * until there is an answer. */
#include <string.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/log.h"
#include "store/job-private.h"
#include "store/settle-private.h"

#define DELAY_MAX 60 /* seconds, between two questions for one row */

SettleOutcome settle_kept(bool ok)
{
	return ok ? SETTLE_DONE : SETTLE_SPOOL_AWAY;
}

/* Doubles with each time that the row was asked for in vain. */
static gint64 delay_of(const SpoolRow *row)
{
	return MIN((gint64)1 << MIN(row->asks, 10), DELAY_MAX);
}

const Incident *settle_incident(const Snapshot *snapshot, const char *id)
{
	for (guint i = 0; i < snapshot->incidents->len; i++) {
		const Incident *incident = g_ptr_array_index(snapshot->incidents, i);

		if (g_strcmp0(incident->state.id, id) == 0)
			return incident;
	}
	return NULL;
}

bool settle_is_on(const SettleRound *round, const Snapshot *snapshot, const char *id, const ClaimRequest *request)
{
	const Incident *incident = settle_incident(snapshot, id);

	/* What cannot be read is no ending. */
	if (incident == NULL)
		return snapshot->problems->len > 0 || snapshot->store_empty || snapshot->taken_at == 0;
	if (!incident_is_active(incident, clock_now(), round->config->resolved_for / 1000))
		return false;
	/* A resolution that did not leave is not true any more once it is broken again; its customer is answered with his next mail. */
	return request == NULL ||
	    (incident->state.epoch == request->epoch && !(request->resolved && word_is_open(incident->state.word)));
}

/* The store did not do it. What is wrong with one row's keys does not keep the others waiting. */
static SettleOutcome store_failed(SettleRound *round, const SpoolRow *row, GError *why, GError **error)
{
	bool wrong = g_error_matches(why, OUTAGE_ERROR, OUTAGE_ERROR_INVALID);
	bool unknown = g_error_matches(why, OUTAGE_ERROR, OUTAGE_ERROR_UNKNOWN) && row->state != SPOOL_SENT;
	bool ok;

	if (wrong && row->asks <= 1)
		log_warning("settle: incident %s, customer %s: %s; asked again now and then", row->id, row->hash, why->message);
	ok = (!unknown || spool_settled(round->spool, row->token, SPOOL_ASKED, NULL, NULL)) &&
	    spool_give_back(round->spool, row->token, wrong || unknown ? delay_of(row) : 0, NULL);
	if (wrong) {
		g_error_free(why);
		return settle_kept(ok);
	}
	/* Where the file failed too, the row stays asked and taken, and is taken over some day. */
	g_propagate_error(error, why);
	return SETTLE_STORE_AWAY;
}

SettleOutcome settle_letter(SettleRound *round, const SpoolRow *row, bool *own, GError **error)
{
	StoreAdoption letter = { .id = row->id, .kind = row->kind, .hash = row->hash, .token = row->token, .at = row->at };
	GError *why = NULL;

	if (!store_adopt(round->store, &letter, own, &why))
		return store_failed(round, row, why, error);
	if (*own)
		return SETTLE_DONE;
	round->counts.twice++;
	log_event("answered-twice", "incident", row->id, "kind", row->kind, "hash", row->hash, NULL);
	(void)store_count(round->store, row->id, "twice", 1, NULL);
	return settle_kept(spool_twice(round->spool, row->token, error));
}

static bool ask_claim(SettleRound *round, const SpoolRow *row, Job *job, bool resolved, ClaimAnswer *answer, GError **error)
{
	StoreClaim claim = { .request = job->request, .hash = row->hash, .token = row->token, .payload = row->payload, .mac = row->mac,
		.domain = row->domain, .domain_capped = row->domain_capped };

	job->request->resolved = resolved;
	return store_claim(round->store, &claim, answer, error);
}

/* The store has the claim: it is asked for only so that it reaches enough replicas. Its mark is of the kind that the row is of,
 * or, where an earlier question came after the fix, a resolution's. */
static bool ask_owned(SettleRound *round, const SpoolRow *row, Job *job, ClaimAnswer *answer, GError **error)
{
	*answer = CLAIM_WON;
	if (round->config->min_replicas <= 0 || row->state == SPOOL_MIRROR)
		return true;
	return ask_claim(round, row, job, job->request->resolved, answer, error) &&
	    (*answer == CLAIM_WON || ask_claim(round, row, job, true, answer, error));
}

bool settle_claim(SettleRound *round, const SpoolRow *row, Job *job, const Snapshot *snapshot, ClaimAnswer *answer, bool *queued,
    GError **error)
{
	const Incident *incident = settle_incident(snapshot, row->id);
	bool is_resolved = incident != NULL && incident->state.word == WORD_RESOLVED, was_resolved = job->request->resolved;
	JobStanding standing;

	/* Its token may stand under either kind, whichever was on when it was claimed: a claim of the other would queue a second job. */
	if (!store_job_standing(round->store, job, row->hash, &standing, error))
		return false;
	*answer = CLAIM_WON;
	if (standing == JOB_SENT)
		return true;
	if (standing == JOB_STANDS)
		return ask_owned(round, row, job, answer, error);
	/* Somebody else has answered this customer while it was broken, and makes the resolution of that. A resolution of its own is judged by
	 * the marks of resolutions alone: most who are owed one have been answered before. */
	if (standing == JOB_REPLACED && !was_resolved && (is_resolved || row->state == SPOOL_MIRROR)) {
		*answer = CLAIM_ALREADY;
		return true;
	}
	/* After the fix it is the resolution that this customer is owed: the replier makes it of the job, as it does of those in the queue. */
	if (!ask_claim(round, row, job, was_resolved || is_resolved, answer, error))
		return false;
	if (queued != NULL)
		*queued = *answer == CLAIM_WON;
	return true;
}

static SettleOutcome hold_claims(SettleRound *round, const SpoolRow *row, GError **error)
{
	round->claims_not_before = clock_mono_us() + SETTLE_HOLD_SECONDS * G_USEC_PER_SEC;
	return spool_give_back(round->spool, row->token, SETTLE_HOLD_SECONDS, error) ? SETTLE_LATER : SETTLE_SPOOL_AWAY;
}

/* The store knows the incident as over. Where this node knows it as on, it is the store that has lost something, or this node will hear
 * of it: nothing is dropped before both say the same. */
static SettleOutcome end_claim(SettleRound *round, const SpoolRow *row, const Job *job, const Snapshot *snapshot, GError **error)
{
	if (settle_is_on(round, snapshot, row->id, job->request))
		return settle_kept(spool_give_back(round->spool, row->token, SETTLE_HOLD_SECONDS, error));
	round->counts.ended++;
	return settle_kept(spool_drop(round->spool, row->token, error));
}

static SettleOutcome bring_claim(SettleRound *round, const SpoolRow *row, const Snapshot *snapshot, GError **error)
{
	StoredJob stored = { .payload = row->payload, .mac = row->mac };
	GError *why = NULL;
	g_autoptr(Job) job = job_read(&stored, &why);
	ClaimAnswer answer;

	if (job == NULL) {
		g_autofree char *handle = g_strconcat("local:", row->token, NULL);

		log_error("settle: incident %s, customer %s: %s; it is buried", row->id, row->hash, why->message);
		bool ok = spool_bury(round->spool, handle, why->message, NULL, error);
		g_error_free(why);
		return settle_kept(ok);
	}
	if (!settle_claim(round, row, job, snapshot, &answer, NULL, &why))
		return store_failed(round, row, why, error);
	switch (answer) {
	case CLAIM_WON:
		round->counts.claimed++;
		return settle_kept(spool_settled(round->spool, row->token, SPOOL_MIRROR, snapshot->life, error));
	case CLAIM_ALREADY:
		round->counts.lost++;
		return settle_kept(spool_lost(round->spool, row->token, error));
	case CLAIM_BOUNCED:
	case CLAIM_RATE:
		round->counts.lost++;
		return settle_kept(spool_drop(round->spool, row->token, error));
	case CLAIM_PAUSED:
	case CLAIM_FULL:
		return hold_claims(round, row, error);
	case CLAIM_ENDED:
		return end_claim(round, row, job, snapshot, error);
	case CLAIM_AWAY:
		break;
	}
	log_bug("settle: a store answered a claim with %d", (int)answer);
	return hold_claims(round, row, error);
}

SettleOutcome settle_row(SettleRound *round, const SpoolRow *row, const Snapshot *snapshot, GError **error)
{
	SettleOutcome outcome;
	bool own;

	if (row->state != SPOOL_SENT)
		return bring_claim(round, row, snapshot, error);
	own = false;
	outcome = settle_letter(round, row, &own, error);
	if (!own)
		return outcome;
	round->counts.adopted++;
	return settle_kept(spool_settled(round->spool, row->token, SPOOL_SENT, snapshot->life, error));
}
