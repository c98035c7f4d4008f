/* store: the shared state behind one interface; sqlite.c and redis.c implement it. Layer: store.
 *
 * A Store may be used from one thread at a time; each thread that needs one opens its own, or borrows one from a StorePool
 * (pool.h). Every call has a deadline (config.store_timeout). Errors: OUTAGE_ERROR_UNAVAILABLE where nothing was done,
 * OUTAGE_ERROR_UNKNOWN where it may have been, OUTAGE_ERROR_INVALID where what came back cannot be used. */
#ifndef OUTAGE_STORE_STORE_H
#define OUTAGE_STORE_STORE_H

#include <glib.h>
#include <stdbool.h>

#include "config/config.h"
#include "incident/incident.h"
#include "inspect/accounts.h"
#include "inspect/verdict.h"
#include "store/job.h"

typedef struct Store Store;

/* Checks a URL of design.md 4.1 without opening anything; false with OUTAGE_ERROR_INVALID in plain words. */
bool store_url_check(const char *url, GError **error);

/* Opens the store that config names; node: name of this node, for events and heartbeats. NULL with error. */
Store *store_open(const Config *config, const char *node, GError **error);
void store_close(Store *store);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Store, store_close)

/* Reads all incidents, running the transition script where a flip word differs from the state. last: the snapshot before, or
 * NULL; what cannot be read keeps its last good state from there, with a problem named. */
Snapshot *store_snapshot(Store *store, const Snapshot *last, GError **error);

/* Blocks until something may have changed, wake_fd becomes readable or timeout_ms has passed. Returns 1 changed, 0 time is up or
 * woken, -1 connection lost (error set). Redis: invalidation over a connection of its own; SQLite: data_version. */
int store_wait(Store *store, int wake_fd, gint64 timeout_ms, GError **error);

/* The operator's writes; all of them leave an entry in outage:events. by: who. What the entries are called: a transition by
 * transition_name() with "WORD ID" as detail; "word" where the word changed nothing; "texts" (names of the fields), "update" (the
 * text), "pause" (the reason), "resume", "account", "account-removed" (the key), "queue-retry", "queue-bury" (the handle or "all"). */
/* Sets the flip word and the texts given (NULL = leave) in one step, running the transition. texts may be NULL. out (may be NULL)
 * receives the state after it. */
bool store_set_word(Store *store, const char *name, Word word, char *const texts[TEXT_FIELDS], const char *by,
    IncidentState *out, GError **error);
bool store_set_texts(Store *store, const char *name, char *const texts[TEXT_FIELDS], const char *by, GError **error);
bool store_add_update(Store *store, const char *name, const char *text, const char *by, GError **error);
/* reason NULL = resume. */
bool store_set_pause(Store *store, const char *reason, const char *by, GError **error);
bool store_add_event(Store *store, const char *what, const char *name, const char *by, const char *detail, GError **error);

/* One event as read back. */
typedef struct { gint64 at; char *what, *name, *by, *detail; } StoreEvent;
void store_event_free(StoreEvent *event);
/* The newest count events, newest first (StoreEvent *). */
GPtrArray *store_events(Store *store, guint count, GError **error);

/* Claims an acknowledgement: mark, caps, job, affected set, counters, all or nothing. payload and mac: the signed job (job.h).
 * hash: secret_address_hash of request->sender. Returns false only where the store could not be asked. */
typedef struct {
	const ClaimRequest *request;
	const char *hash;
	const char *token;     /* kept in the mark: the same token again = already mine */
	const char *payload;
	const char *mac;
	const char *domain;    /* the sender's organisational domain, which the cap per domain counts by */
	bool domain_capped;    /* the domain cap applies */
} StoreClaim;
/* What the store holds back it counts with the incident (store_counters): `held:already-acked`, `held:bounced`, `held:rate`,
 * `held:paused`, and `delayed` where the site's cap put the letter off. An address gets at most config.ack_address_cap letters a day
 * over all incidents; above it CLAIM_RATE. */
bool store_claim(Store *store, const StoreClaim *claim, ClaimAnswer *answer, GError **error);

/* The queue of acknowledgements. */
/* Takes the next due job, waiting up to wait_ms; moves due retries and takes over jobs that a dead replier left for longer than
 * idle_ms. Returns NULL without error where there is none. */
StoredJob *store_job_take(Store *store, gint64 wait_ms, gint64 idle_ms, GError **error);
/* Ends a job that the MTA took: it leaves the queue, and its mark says so from then on, even where the job has left the queue by other
 * hands. hash: of the job's sender. */
bool store_job_done(Store *store, const StoredJob *job, const char *hash, GError **error);

/* What the mark of a job says of it. A letter leaves only where it STANDS, so that a signed job that somebody put into the queue again
 * (a replay) goes nowhere. */
typedef enum {
	JOB_STANDS,           /* the mark carries the job's token, and nothing has been sent under it */
	JOB_SENT,             /* it has been sent */
	JOB_REPLACED,         /* the mark carries another token: ack.again_after let a later mail claim anew */
	JOB_UNMARKED          /* there is no mark: it was never claimed, or its mark was taken away */
} JobStanding;
/* Looks at the marks of both kinds, for a job that was promoted holds two: any that carries the token and is sent makes it SENT, else
 * any that carries the token makes it STAND. */
bool store_job_standing(Store *store, const Job *job, const char *hash, JobStanding *standing, GError **error);
/* Puts it back for `due` (seconds since the epoch), counting a try where `failed`. */
bool store_job_retry(Store *store, const StoredJob *job, gint64 due, bool failed, const char *why, GError **error);
bool store_job_bury(Store *store, const StoredJob *job, const char *why, GError **error);
/* Drops it because its incident was withdrawn: the mark goes too if it still carries the job's token and nothing has been sent. */
bool store_job_withdraw(Store *store, const StoredJob *job, const char *hash, GError **error);
/* Turns a job of kind active into one of kind resolved: sets the resolved mark with token. *won false = somebody else's. */
bool store_job_promote(Store *store, const StoredJob *job, const char *hash, bool *won, GError **error);

typedef enum { QUEUE_PENDING, QUEUE_DEAD } QueueList;
typedef struct { guint64 pending, delayed, dead, sent, withdrawn; gint64 oldest; } QueueCounts;
bool store_queue_counts(Store *store, QueueCounts *counts, GError **error);
/* StoredJob *, oldest first, at most count. */
GPtrArray *store_queue_list(Store *store, QueueList list, guint count, GError **error);
/* handle NULL = all. *moved (may be NULL) receives how many. retry: dead -> due now; bury: pending -> dead. */
bool store_queue_retry(Store *store, const char *handle, guint *moved, GError **error);
bool store_queue_bury(Store *store, const char *handle, const char *why, guint *moved, GError **error);

/* Addresses whose mail came back: nothing is sent to them until the time is over. hash: secret_address_hash of the address. why: one
 * line, from the other side's words (bounded, sanitised by the caller). Counted in the statistics of all as `bounced`; leaves the
 * event "bounced" with hash as name and why as detail. */
bool store_block(Store *store, const char *hash, gint64 seconds, const char *why, const char *by, GError **error);
/* *found: it was blocked. Leaves the event "unblocked". */
bool store_unblock(Store *store, const char *hash, const char *by, bool *found, GError **error);
/* *why is NULL where it is not blocked, else what was said ("" where nothing was); caller frees. *until (may be NULL): when that ends,
 * in seconds since the epoch; 0 = never, or not blocked. */
bool store_blocked(Store *store, const char *hash, char **why, gint64 *until, GError **error);

/* Accounts: read in slices; json as stored. Broken entries are named in problems (may be NULL) and left out. */
Accounts *store_accounts(Store *store, GPtrArray *problems, GError **error);
bool store_account_put(Store *store, const char *key, const char *json, const char *by, GError **error);
bool store_account_remove(Store *store, const char *key, const char *by, bool *found, GError **error);

/* Heartbeats: every node and replier says now and then that it lives, with a line of JSON about itself. */
bool store_heartbeat(Store *store, const char *json, GError **error);
typedef struct { char *node; gint64 at; char *json; } StoreNode;
void store_node_free(StoreNode *node);
GPtrArray *store_nodes(Store *store, GError **error);

/* Statistics of an incident: matched, queued, sent, withdrawn, affected, by reason. Adds n to counter. */
bool store_count(Store *store, const char *id, const char *counter, guint n, GError **error);
/* name -> value as text; never NULL on success. */
GHashTable *store_counters(Store *store, const char *id, GError **error);

#endif
