/* work: takes jobs, decides what still holds, composes, submits. Layer: program. */
#ifndef OUTAGE_REPLIER_WORK_H
#define OUTAGE_REPLIER_WORK_H

#include <glib.h>
#include <stdbool.h>

#include "config/config.h"
#include "inspect/verdict.h"
#include "reply/template.h"

typedef struct Worker Worker;

/* Over which queue: the shared store's, or what this node recorded by itself while that was away (store/spool.h). */
typedef enum { WORK_QUEUE, WORK_SPOOL } WorkKind;

/* Returns the templates that config names, or NULL with every mistake told in mistakes; also checks the store's URL. */
Templates *worker_check(const Config *config, GPtrArray *mistakes);

/* Loads the site secret. Takes references. shared: NULL for the worker over the store's queue; that worker, which must outlive this one,
 * for the one over this node's spool, which works only while the shared store is away. NULL with error. */
Worker *worker_new(Config *config, Templates *templates, Worker *shared, GError **error);
void worker_free(Worker *worker);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Worker, worker_free)

/* To be called from another thread: take the new configuration from the next job on. */
void worker_reconfigure(Worker *worker, Config *config, Templates *templates);
/* To be called from another thread: finish the job at hand and return from worker_run. */
void worker_stop(Worker *worker);
/* Returns a reference to the configuration in force. */
Config *worker_config(Worker *worker);

/* To be called from another thread: a letter to our own people has been claimed, which leaves in a pause too (work.c says how). */
void worker_expect_staff(Worker *worker);

/* How a turn with a job ends, other than with a letter that has left. */
typedef enum { WORK_RETRIED, WORK_HELD, WORK_WITHDRAWN, WORK_BURIED, WORK_OUTCOMES } WorkOutcome;
/* What a worker has done since its start, and how its store is. */
typedef struct {
	guint64 sent[LETTER_STAFF + 1]; /* by LetterClass */
	guint64 outcomes[WORK_OUTCOMES];
	bool heard;           /* the store has answered since the start */
	gint64 away;          /* seconds since it last did; 0 = it does */
	bool relay_trouble;   /* the last letter could not be handed over */
} WorkerFigures;
/* To be called from any thread; waits for nothing. */
void worker_figures(Worker *worker, WorkerFigures *figures);

/* Works until worker_stop, or with once until the queue holds nothing that is due. Returns false with once where the store could
 * not be reached. */
bool worker_run(Worker *worker, bool once);

#endif
