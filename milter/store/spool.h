/* spool: what a node keeps by itself of a shared store (Redis), in a SQLite file of its state directory: acknowledgements that the store
 * could not take, and what the node knows of those it did take. Layer: store. doc/contract.md 6.
 *
 * Milter and replier of one node share the file. The milter writes claims and mirrors and, through settle.h, brings them to
 * the store; the replier sends what may be answered while the store is away. Each row is one acknowledgement under its token:
 *
 *     LOCAL   recorded while the store was away and never written to it. May be answered at once; otherwise claims first.
 *     HELD    the same where store.when_down is "hold": waits for the store.
 *     ASKED   the outcome of the claim is unknown, or too few replicas have it: waits, and is asked again under its token.
 *     MIRROR  the store has it. Kept so that nobody is answered again while the store is away, and asked again where the store has lost
 *             its memory.
 *     SENT    its letter has left through this node's replier.
 *     DEAD    it could not be sent; kept with its reason.
 *
 * A row that is taken (by the replier to send it, by settle to claim it) is left alone by the others until its time for taking over. */
#ifndef OUTAGE_STORE_SPOOL_H
#define OUTAGE_STORE_SPOOL_H

#include <glib.h>
#include <stdbool.h>

#include "store/store.h"

typedef enum { SPOOL_LOCAL, SPOOL_HELD, SPOOL_ASKED, SPOOL_MIRROR, SPOOL_SENT, SPOOL_DEAD, SPOOL_STATES } SpoolState;
/* Returns "local", ... (static). */
const char *spool_state_name(SpoolState state);

typedef struct Spool Spool;

/* Opens (makes) STATE_DIR/spool.db. One thread at a time. NULL with error. */
Spool *spool_open(const Config *config, GError **error);
void spool_free(Spool *spool);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Spool, spool_free)

/* Records a claim that the store did not answer, as LOCAL, HELD or ASKED, durably (fsync). answer: CLAIM_WON, or CLAIM_ALREADY where a row
 * of the same incident, kind and sender stands here (any state, younger than config.ack_again_after where that is set), CLAIM_BOUNCED
 * where the replier here has seen that the address takes no mail, or CLAIM_RATE by the caps, counted over the rows here. What is ASKED is
 * recorded whatever stands: it may be ours. False with error (a full disk, a lock for longer than until says): nothing was recorded. The
 * spool holds acknowledgements: any other letter is OUTAGE_ERROR_INVALID, here and in the next two. */
bool spool_claim(Spool *spool, const StoreClaim *claim, SpoolState as, ClaimAnswer *answer, GError **error);

/* Records a claim that the store took as MIRROR; survives the end of the process, not a power cut. */
bool spool_mirror(Spool *spool, const StoreClaim *claim, GError **error);

/* Notes, as lightly, that another node has answered the claim's sender (CLAIM_ALREADY), so that he is not answered here either while the
 * store is away. Counts as MIRROR; the store is never told of it. */
bool spool_note_answered(Spool *spool, const StoreClaim *claim, GError **error);

/* Notes that the letter of a job of the shared queue has left: turns its row into SENT, or makes one; survives the end of the process.
 * To be called before store_job_done; after that spool_settled(token, SPOOL_SENT, life) spares settle from telling the store some seconds
 * later. The kind of letter is job->request->resolved: where the job was promoted, the caller sets that. Of letters that are no
 * acknowledgement nothing is noted. */
bool spool_note_sent(Spool *spool, const Job *job, const char *hash, GError **error);

/* *sent: the row of that token is SENT; *told: and a store has been told of it. */
bool spool_was_sent(Spool *spool, const char *token, bool *sent, bool *told, GError **error);

/* A store for the replier's worker over the LOCAL rows: only taking and ending jobs, their standing, the queue's lists and counts, and the
 * snapshot that the node's milter keeps in the state directory (keep.h). Handles begin with "local:". What else is asked of it fails as
 * UNAVAILABLE. NULL with error. */
Store *spool_store_open(const Config *config, const char *node, GError **error);

/* How many rows there are of each state, and the oldest of LOCAL, HELD and ASKED (seconds since the epoch; 0 = none). Goes
 * through all rows: for a status, not for every mail. */
typedef struct { guint64 rows[SPOOL_STATES]; gint64 oldest; } SpoolCounts;
bool spool_counts(Spool *spool, SpoolCounts *counts, GError **error);

/* One row, for settle.c. */
typedef struct {
	char *token, *id, *kind, *hash, *payload, *mac, *domain;
	bool domain_capped;
	SpoolState state;
	gint64 at;       /* recorded, or sent (seconds) */
	guint asks;      /* how often it has been taken to tell the store of it, this time included */
} SpoolRow;
void spool_row_free(SpoolRow *row);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(SpoolRow, spool_row_free)

/* Takes up to count rows that the store has to be told of: SENT that it does not know of, then ASKED, LOCAL, HELD, each oldest first
 * (SpoolRow *). Empty where there is none that is not taken. idle_ms: what somebody has taken for longer is taken over. What is LOCAL or
 * HELD is ASKED from here on, durably, until it is settled or given back: the store may have it although nobody lives to say so. */
GPtrArray *spool_take_unsettled(Spool *spool, guint count, gint64 idle_ms, GError **error);
/* The first of them; NULL without error where there is none. */
SpoolRow *spool_next_unsettled(Spool *spool, gint64 idle_ms, GError **error);
/* Lists up to count rows of the state that this life of the store (snapshot.h) has not been told of (SpoolRow *). */
GPtrArray *spool_untold(Spool *spool, SpoolState state, const char *life, guint count, GError **error);
/* What became of a row: as = its new state (MIRROR: the store has it; SENT: it knows of the letter; ASKED: it has not answered). life (may
 * be NULL = unknown): the store that knows. A letter that has left meanwhile stays SENT, and untold. */
bool spool_settled(Spool *spool, const char *token, SpoolState as, const char *life, GError **error);
/* It is given back for another time, as what it was before it was taken, unless spool_settled has made it ASKED; or kept as a mark
 * only (another node has answered); or dropped (its incident is over, a cap). */
bool spool_give_back(Spool *spool, const char *token, gint64 delay_seconds, GError **error);
bool spool_lost(Spool *spool, const char *token, GError **error);
bool spool_drop(Spool *spool, const char *token, GError **error);

/* Removes what is past its time: rows that the store knows of after a mark's life, dead ones after config.retention; of rows it has, what
 * they would be claimed with anew after an hour. Unsettled rows stay, whatever the clock says. To be called every some minutes. */
bool spool_purge(Spool *spool, GError **error);

/* Forgets what stands here of the person with that hash from before `until` (seconds): letters that wait or are dead go, marks lose what
 * names him and end by themselves. *rows: how many were changed. */
bool spool_forget(Spool *spool, const char *hash, gint64 until, guint *rows, GError **error);

/* The operator: dead rows and those in hand, as StoredJob *; back to LOCAL; to DEAD (of an ASKED one the store may send the letter all the
 * same). Handles as above; NULL = all. */
GPtrArray *spool_list(Spool *spool, QueueList list, guint count, GError **error);
bool spool_retry(Spool *spool, const char *handle, guint *moved, GError **error);
bool spool_bury(Spool *spool, const char *handle, const char *why, guint *moved, GError **error);

#endif
