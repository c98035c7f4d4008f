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

/* Checks a URL (doc/contract.md 2) without opening anything; false with OUTAGE_ERROR_INVALID in plain words. */
bool store_url_check(const char *url, GError **error);

/* The same, and the files that the connection needs (passwords, certificates); false with error naming the setting. */
bool store_config_check(const Config *config, GError **error);

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
 * transition_name() with "WORD ID" as detail; "word" where the word changed nothing; "texts" (names of the fields), "promise" (the
 * next_update_at among them, so that it can be told later which one was kept), "update" (the text), "pause" (the reason), "resume",
 * "account", "account-removed" (the key), "queue-retry", "queue-bury" (the handle or "all"; by the store's own node name).
 * by "outside (seen by NODE)": a transition or a pause that no program of ours made, noted by the node that saw it first. */
/* Sets the flip word and the texts given (NULL = leave) in one step, running the transition. texts may be NULL. out (may be NULL)
 * receives the state after it. */
bool store_set_word(Store *store, const char *name, Word word, char *const texts[TEXT_FIELDS], const char *by,
    IncidentState *out, GError **error);
/* Sets the word only where the incident still is as `seen` (NULL: there was none), and no word of somebody's is on: for a program that decides
 * by itself and must overrule nobody, not even within the same instant. *done: it was set. */
bool store_set_word_unmoved(Store *store, const char *name, Word word, const IncidentState *seen, const char *by, bool *done,
    GError **error);
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
/* Appends one slice of the history from `since` (seconds; 0 = all there is) on, the oldest first (StoreEvent *). *cursor is NULL before
 * the first and moves on with each call, to NULL after the last; caller frees.
 * What is kept: what people and outside hands did, changes of accounts and alarms for a year (Redis: the newest 20,000 of each, so that
 * a flood of one kind pushes out nothing of another); events of one customer ("bounced", "unblocked", "forgot", "exported", "answered") for
 * privacy.retention, of "bounced" and "answered" Redis the newest 10,000 of all events. */
bool store_events_slice(Store *store, gint64 since, char **cursor, GPtrArray *events, GError **error);

/* Claims a letter, in most cases an acknowledgement: mark, caps, job, affected set, counters, all or nothing. Of a notice or a letter to
 * staff (request->class) neither the affected set nor the caps nor the counter `queued` know: it is counted as `queued:notice` or
 * `queued:staff`; a notice is CLAIM_ENDED where the state's id or epoch is another, whatever the word; one to staff never, and no pause
 * holds it. What holds such letters is not counted either. payload and mac: the signed job (job.h).
 * hash: secret_address_hash of request->sender. Returns false only where the store could not be asked. */
typedef struct {
	const ClaimRequest *request;
	const char *hash;
	const char *token;     /* kept in the mark: the same token again = already mine */
	const char *payload;
	const char *mac;
	const char *domain;    /* the sender's organisational domain, which the cap per domain counts by */
	bool domain_capped;    /* the domain cap applies */
	bool unreplicated;     /* store.min_replicas is not waited for: the caller keeps the claim all the same */
	gint64 until;          /* clock_mono_us: no longer is waited for an answer; 0 = config.store_timeout from now */
} StoreClaim;
/* CLAIM_FULL: config.ack_queue_limit jobs wait already; what waits is never dropped, and a token that has the mark is not refused. Where
 * config.min_replicas asks for them, a claim that is won but that too few replicas have is OUTAGE_ERROR_UNKNOWN: to be asked again.
 * What the store holds back it counts with the incident (store_counters): `held:already-acked`, `held:bounced`, `held:rate`,
 * `held:paused`, `held:queue-full`, `held:store` where a key of a wrong type stood in the way (OUTAGE_ERROR_INVALID), and `delayed` where
 * the site's cap put the letter off. An address gets at most config.ack_address_cap letters a day
 * over all incidents; above it CLAIM_RATE. */
bool store_claim(Store *store, const StoreClaim *claim, ClaimAnswer *answer, GError **error);

/* Tells the store of a letter that has left while it was away, or that it has forgotten: sets the mark as sent under the token, and
 * counts queued, sent and affected, unless a mark is there. *own: the mark is this token's now (it was put in or stood already; one that
 * was not marked as sent is). Without: another node has answered too, and nothing was changed. For acknowledgements: any other kind is
 * OUTAGE_ERROR_INVALID. */
typedef struct {
	const char *id, *kind, *hash, *token; /* kind: "active" or "resolved" */
	gint64 at;                            /* when it left, seconds */
} StoreAdoption;
bool store_adopt(Store *store, const StoreAdoption *letter, bool *own, GError **error);

/* The queue of acknowledgements. */
/* Takes the next due job, waiting up to wait_ms; moves due retries and takes over jobs that a dead replier left for longer than
 * idle_ms. Returns NULL without error where there is none. What is no job (no payload, one larger than any job's) is handed on too, cut
 * to a little more than a job can have, so that it can be buried. The other ends of a job (retry, bury, withdraw) do nothing, and say
 * true, where it is no longer in the hand of this process: somebody else has taken it over or moved it. */
StoredJob *store_job_take(Store *store, gint64 wait_ms, gint64 idle_ms, GError **error);
/* For after a taking whose answer was lost with the connection: returns the next job after the handle `after` ("0": from the first)
 * that is in the hand of this process for all the store knows, one that it works on included. Caller frees. NULL without error where
 * there is none (more), as in a store whose answers cannot be lost. */
StoredJob *store_job_missed(Store *store, const char *after, GError **error);
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
/* Looks at the marks of both kinds, for an acknowledgement that was promoted holds two (of any other letter at its own): any that carries
 * the token and is sent makes it SENT, else any that carries the token makes it STAND. */
bool store_job_standing(Store *store, const Job *job, const char *hash, JobStanding *standing, GError **error);
/* Puts it back for `delay` seconds, by the store's clock, counting a try where `failed`. */
bool store_job_retry(Store *store, const StoredJob *job, gint64 delay, bool failed, const char *why, GError **error);
bool store_job_bury(Store *store, const StoredJob *job, const char *why, GError **error);
/* Drops it because its incident was withdrawn: the mark goes too if it still carries the job's token and nothing has been sent. */
bool store_job_withdraw(Store *store, const StoredJob *job, const char *hash, GError **error);
/* Turns a job of kind active into one of kind resolved: sets the resolved mark with token. *won false = somebody else's. Any other
 * letter is OUTAGE_ERROR_INVALID. */
bool store_job_promote(Store *store, const StoredJob *job, const char *hash, bool *won, GError **error);

typedef enum { QUEUE_PENDING, QUEUE_DEAD } QueueList;
typedef struct {
	guint64 pending;       /* due: in a replier's hand, or waiting for one */
	guint64 taken;         /* of these: in a replier's hand */
	guint64 delayed;       /* not due yet */
	guint64 dead;
	guint64 sent, withdrawn; /* ever */
	gint64 oldest;         /* when the one that has waited longest was queued (seconds); 0 = nothing waits */
} QueueCounts;
bool store_queue_counts(Store *store, QueueCounts *counts, GError **error);
/* StoredJob *, oldest first, at most count. */
GPtrArray *store_queue_list(Store *store, QueueList list, guint count, GError **error);
/* handle NULL = all. *moved (may be NULL) receives how many. retry: dead -> due now; bury: pending -> dead, also what a replier has in
 * hand. That one's letter may be leaving just then: where it does, store_job_done takes the job out of the dead again and counts it as
 * sent; where it does not, the job stays dead, whatever the replier wanted done with it. */
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

/* One account as it stands in the store, unchecked. json NULL: there is none under this key, or (trouble, in plain words) it is not to
 * be read: too long, or with a NUL byte. */
typedef struct { char *key, *json, *trouble; } StoredAccount;
void stored_account_free(StoredAccount *entry);
/* Appends one slice of all accounts (StoredAccount *) to entries. *cursor is NULL before the first and moves on with each call, to NULL
 * after the last; caller frees. One may come twice, and one that is changed meanwhile as it was or as it is. */
bool store_accounts_slice(Store *store, char **cursor, GPtrArray *entries, GError **error);
/* Appends those of keys (char *). */
bool store_accounts_get(Store *store, const GPtrArray *keys, GPtrArray *entries, GError **error);
/* Appends the keys (char *, may repeat) of the accounts that were set or removed, by the events after *since, which moves on; caller
 * frees. *since NULL: only finds out where the events stand. *lost: events are missing in between, so all has to be read again. *since
 * is "0-0" where there are no events. */
bool store_account_changes(Store *store, char **since, GPtrArray *keys, bool *lost, GError **error);
/* Returns the account in entry, a reference to that in known (may be NULL) where it is still the same. NULL with OUTAGE_ERROR_INVALID. */
Account *stored_account_read(const StoredAccount *entry, const Accounts *known, GError **error);
/* Reads all of them, slice by slice. Broken entries are named in problems (may be NULL) and left out. */
Accounts *store_accounts(Store *store, GPtrArray *problems, GError **error);
bool store_account_put(Store *store, const char *key, const char *json, const char *by, GError **error);
bool store_account_remove(Store *store, const char *key, const char *by, bool *found, GError **error);

/* Returns which server this store talks to (link_server_id), the end of Snapshot.life; "" where that is not known. Owned by the store. */
const char *store_server(const Store *store);

/* Returns whether, after a call that failed, nothing more can be done with this store: it is to be closed. Where not, the server has
 * answered, and said no. */
bool store_is_lost(const Store *store);

/* Whether the server that this store talks to is still the one that all others use: with Sentinel, whether they still name it, or at
 * least a replica follows it. False with OUTAGE_ERROR_UNAVAILABLE, saying what was found, where it may have been replaced without
 * knowing: what is written there could be lost. To be asked every config.store_poll. */
bool store_confirm(Store *store, GError **error);

/* What the store says of itself; risks.h judges it. */
typedef struct {
	char *role;            /* "master", "local" (SQLite) */
	char *where;           /* host:port or path; no credentials */
	char *version;
	guint replicas;        /* that follow it */
	gint64 lag;            /* seconds since the laggard was heard; -1 where there is no replica */
	guint64 lag_bytes;     /* that the laggard is behind */
	bool persistent;       /* it writes to disk: a restart does not empty it; also where that cannot be known */
	gint64 unsaved;        /* seconds since what has changed was last written to disk, where there is no log of appends; else 0 */
	bool disk_failed;      /* it could not write to disk the last time */
	bool full;             /* its memory is used up, and it refuses to write */
	char *evicts;          /* the maxmemory-policy where that throws keys away, else NULL */
} StoreInfo;
void store_info_free(StoreInfo *info);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(StoreInfo, store_info_free)
StoreInfo *store_describe(Store *store, GError **error);

/* How many of the jobs that have been taken are in whose hands (StoreShare *). name: as its replier opened the store. */
typedef struct { char *name; guint64 jobs; } StoreShare;
void store_share_free(StoreShare *share);
GPtrArray *store_queue_shares(Store *store, GError **error);

/* Heartbeats: every node and replier says now and then that it lives, with a line of JSON about itself. */
bool store_heartbeat(Store *store, const char *json, GError **error);
typedef struct { char *node; gint64 at; char *json; } StoreNode;
void store_node_free(StoreNode *node);
/* Those heard within a day (StoreNode *), by name. */
GPtrArray *store_nodes(Store *store, GError **error);

/* Statistics of an incident: matched, queued, sent, withdrawn, affected, by reason. Adds n to counter. */
bool store_count(Store *store, const char *id, const char *counter, guint n, GError **error);
/* name -> value as text; never NULL on success. */
GHashTable *store_counters(Store *store, const char *id, GError **error);

#endif
