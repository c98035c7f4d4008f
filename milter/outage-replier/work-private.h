/* work-private: what work.c (the loop over the queue) and work-job.c (one job) share. Layer: program, private to work*.c. */
#ifndef OUTAGE_REPLIER_WORK_PRIVATE_H
#define OUTAGE_REPLIER_WORK_PRIVATE_H

#include "base/secret.h"
#include "base/watchdog.h"
#include "outage-replier/sent.h"
#include "outage-replier/work.h"
#include "reply/submit.h"
#include "store/spool.h"

struct Worker {
	WorkKind kind;
	Worker *shared;       /* for WORK_SPOOL: the worker over the shared store; not owned */
	GMutex lock;          /* guards config, templates, changed, stopping, away_since, staff_until, staff_look, figures */
	GCond wake;
	Config *config;
	Templates *templates;
	bool changed;         /* config was swapped: store and submitter, which keep theirs, are to be made anew */
	bool stopping;
	gint64 away_since;    /* clock_mono_us of the first failure in a row; 0 while the store works */
	gint64 staff_until;   /* clock_mono_us: until then a letter to our own people may lie in the queue */
	gint64 staff_look;    /* clock_mono_us: when the queue is gone through for it in a pause */
	Secret *secret;
	char *node;
	Store *store;         /* NULL while away */
	Snapshot *snapshot;   /* the last good one */
	Submitter *submitter; /* NULL until the next job needs it */
	Spool *spool;         /* of this node, or NULL: not opened yet, or the store is no shared one */
	bool spool_trouble;   /* said in the log */
	StoredJob *in_hand;   /* taken, and not ended because the store was lost; or NULL */
	gint64 taken_at;      /* of it or of the last one taken (clock_mono_us) */
	guint turns;          /* how often that one has been in vain */
	char *missed;         /* a taking was lost with its answer: after which handle to look for what it took; or NULL */
	gint64 heartbeat_at;  /* clock_mono_us */
	guint risks;          /* of the store, as said in the log: 1 << StoreRisk */
	gint64 next_confirm;  /* clock_mono_us */
	gint64 backoff_ms;    /* 0 while the store works */
	bool held;            /* logged that a pause holds everything */
	Watched *watched;     /* base/watchdog.h; NULL but in worker_run */
	SentLog *sent;        /* what this process has sent */
	guint64 sent_count;   /* since the start */
	char *relay_trouble;  /* why the last letter could not be handed over; NULL once one could */
	gint64 relay_trouble_at; /* seconds since the epoch */
	WorkerFigures figures; /* without away */
	char *life;           /* of the store, as last seen (snapshot.life); or NULL */
	gint64 forgot_at;     /* clock_mono_us: when it was last another one than before; 0 = never */
};

/* The store failed: it is closed, and opened again after a while that grows. */
void work_lose_store(Worker *worker, const GError *error);

/* Reads what holds now; false where the store is away. */
bool work_read_state(Worker *worker);

/* Whether the store has become another one lately: a failover, a restart, FLUSHALL. */
bool work_store_forgot(const Worker *worker);

/* Does what a job asks for, as far as it still holds. False where the store failed. */
bool work_handle(Worker *worker, const StoredJob *stored);

/* For figures (work.h). */
void work_count(Worker *worker, WorkOutcome outcome);
void work_count_sent(Worker *worker, LetterClass class);

/* A letter to our own people lies in the queue, and is due in so many seconds. */
void work_expect_staff(Worker *worker, gint64 seconds);

/* Notes on this node that the letter has left: a replier that is killed before the store knows does not send it again. */
void work_note_sent(Worker *worker, const Config *config, const Job *job, const char *hash);

/* The store knows of the letter: it need not be told by this node. */
void work_note_told(Worker *worker, const char *token);

/* What this process, or one before it on this node, knows of the letter. */
SentState work_sent_state(Worker *worker, const Config *config, const char *token);

#endif
