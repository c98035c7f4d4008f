/* settle-private: what the files settle*.c share. Layer: store, private. */
#ifndef OUTAGE_STORE_SETTLE_PRIVATE_H
#define OUTAGE_STORE_SETTLE_PRIVATE_H

#include "store/settle.h"
#include "store/spool-private.h"

#define SETTLE_SLICE 100        /* rows between two looks at what else there is to do */
#define SETTLE_HOLD_SECONDS 30  /* until a store that is paused or full is asked again */

/* The thread's own: what it needs from one round to the next. */
typedef struct {
	Settle *settle;
	Config *config;          /* referenced */
	guint reconfigured;      /* as of config */
	Spool *spool;            /* NULL until it could be opened */
	Store *store;            /* NULL where there is nothing to do, or it is away */
	gint64 used_us;          /* when it last was (clock_mono_us, as all below) */
	gint64 delay_ms;         /* of the back-off; 0 = none */
	gint64 not_before;       /* until then the store is left alone */
	bool seen_away;          /* the watch had lost the store when it was last asked */
	gint64 claims_not_before;
	bool away, spool_away;   /* said so in the log */
	char *life_told;         /* the store that knows of everything; NULL = none */
	char *life_new;          /* the one that is being told; NULL = none */
	gint64 claims_at;        /* when it is told of claims, too */
	gint64 next_count;       /* of the rows */
	gint64 next_purge, purge_us, purge_at; /* the last two: when the next one was fixed, by both clocks */
	gint64 next_forget;      /* when the store is asked next whom to forget */
	gint64 forgotten_until;  /* seconds: the newest that it has told of */
	SettleCounts counts, logged;
} SettleRound;

typedef enum {
	SETTLE_DONE,        /* with this row, whatever became of it */
	SETTLE_LATER,       /* the store takes no claims now */
	SETTLE_STORE_AWAY,  /* error says why */
	SETTLE_SPOOL_AWAY   /* the same of the node's own file */
} SettleOutcome;

/* settle-row.c: brings one row that was taken to the store and ends it. */
SettleOutcome settle_row(SettleRound *round, const SpoolRow *row, const Snapshot *snapshot, GError **error);
/* Tells the store of a letter. *own as store_adopt; where it is not, that is counted and logged, and the row ended. */
SettleOutcome settle_letter(SettleRound *round, const SpoolRow *row, bool *own, GError **error);
/* Asks for the row's claim, unless it stands in the store already, under whichever kind: that is CLAIM_WON. *queued (may be NULL): it did
 * not stand before. False with error as store_claim. job: of the row's payload. */
bool settle_claim(SettleRound *round, const SpoolRow *row, Job *job, const Snapshot *snapshot, ClaimAnswer *answer, bool *queued,
    GError **error);
/* Whether the incident, as of the snapshot, is such that the row's letter is still due. request NULL: whatever kind it is of. */
bool settle_is_on(const SettleRound *round, const Snapshot *snapshot, const char *id, const ClaimRequest *request);
/* What the spool's refusal of a step means. */
SettleOutcome settle_kept(bool ok);

/* settle-life.c: where the store is another one than before, tells it of what it may have forgotten. */
/* Looks whether it is. */
void settle_note_life(SettleRound *round, const Snapshot *snapshot);
/* Returns whether it is, and has not been told of everything. */
bool settle_life_is_new(const SettleRound *round);
/* Returns whether anything is to be told now. */
bool settle_life_is_due(const SettleRound *round);
/* Tells one slice. */
SettleOutcome settle_tell_again(SettleRound *round, const Snapshot *snapshot, GError **error);

/* settle-forget.c: takes away what the store was told to forget. At the start, and then every some minutes. */
bool settle_forget_is_due(const SettleRound *round);
SettleOutcome settle_forget(SettleRound *round, GError **error);

/* Returns the incident of that id, or NULL; owned by the snapshot. */
const Incident *settle_incident(const Snapshot *snapshot, const char *id);
/* True where it is time to stop. */
bool settle_is_stopping(const SettleRound *round);

#endif
