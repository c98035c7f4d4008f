/* spool-private: what the files spool*.c and settle*.c share. Layer: store, private.
 *
 * One table, acks. Besides the states of spool.h a row may be 'theirs': a customer whom another node answered, kept so that this one does
 * not do it too; it is never told to the store.
 *
 * Waits are counted on the monotonic clock (columns *_us), which milter and replier of a machine share and which nobody sets: however
 * the wall clock jumps, nothing is late, and nothing in somebody's hands is taken from him too early. It begins anew with the machine; what
 * comes from before that is moved when the file is opened (spool-schema.c). The wall clock is kept (column at) only for how old a
 * mark is. */
#ifndef OUTAGE_STORE_SPOOL_PRIVATE_H
#define OUTAGE_STORE_SPOOL_PRIVATE_H

#include "store/spool.h"
#include "store/sqlite-private.h"

struct Spool {
	SqliteStore *file;
};

#define SPOOL_MINUTE_US (60 * G_USEC_PER_SEC)
/* How long a row that the store has keeps what is needed to claim it anew; after that its letter counts as sent. */
#define SPOOL_PAYLOAD_SECONDS 3600

/* spool.c */
/* The name of a state that says that the store has nothing to do with the row. */
#define SPOOL_THEIRS "theirs"
/* Opens the file with methods as its backend (NULL: no Store is made of it). */
Store *spool_file_open(const Config *config, const char *node, const StoreBackend *methods, GError **error);
/* Begins a write; durable: it is to survive a power cut and not only the end of this process. */
bool spool_begin(SqliteStore *file, bool durable, GError **error);
/* The same for a write of one statement. */
bool spool_write(SqliteStore *file, bool durable, const char *sql, const SqlValue *values, GError **error);

/* spool-schema.c */
bool spool_migrate(SqliteStore *file, GError **error);

/* spool-claim.c */
/* Turns a row into SENT, or makes one; the caller's transaction. ask_us: the store is told then (monotonic). */
typedef struct { const char *token, *id, *kind, *hash; } SpoolLetter;
bool spool_put_sent(SqliteStore *file, const SpoolLetter *letter, gint64 ask_us, GError **error);

/* spool-untold.c: spool_take_unsettled, all or only letters that left; and whether there is anything to take. */
GPtrArray *spool_take_some(Spool *spool, bool letters_only, guint count, gint64 idle_ms, GError **error);
bool spool_has_unsettled(Spool *spool, bool letters_only, gint64 idle_ms, bool *any, GError **error);
/* spool_settled for the first count of rows (SpoolRow *), in one transaction. */
bool spool_settled_some(Spool *spool, const GPtrArray *rows, guint count, SpoolState as, const char *life, GError **error);
/* *empty: there is no row of any state. */
bool spool_is_empty(Spool *spool, bool *empty, GError **error);
/* What the settle thread of a milter that is no more had taken is free at once; there is one such thread for a file. */
bool spool_release(Spool *spool, GError **error);

/* Addresses that bounced while the store was away. */
typedef struct { char *hash, *why, *by; gint64 ends; } SpoolBlock;
/* Those that the store does not know of (SpoolBlock *). */
GPtrArray *spool_untold_blocks(Spool *spool, GError **error);
bool spool_block_told(Spool *spool, const char *hash, GError **error);
/* A letter that left, and another node's too: from here on the mark is theirs. */
bool spool_twice(Spool *spool, const char *token, GError **error);
/* The life of the store that has been told of everything; *life NULL where none has. Caller frees. */
bool spool_life(Spool *spool, char **life, GError **error);
bool spool_set_life(Spool *spool, const char *life, GError **error);

/* spool-queue.c: the rows as a queue; each as the function of backend.h of that name. */
StoredJob *spool_job_take(Store *base, gint64 wait_ms, gint64 idle_ms, GError **error);
bool spool_job_done(Store *base, const StoredJob *job, const char *hash, GError **error);
bool spool_job_standing(Store *base, const Job *job, const char *hash, JobStanding *standing, GError **error);
bool spool_job_retry(Store *base, const StoredJob *job, gint64 delay, bool failed, const char *why, GError **error);
bool spool_job_bury(Store *base, const StoredJob *job, const char *why, GError **error);
bool spool_job_withdraw(Store *base, const StoredJob *job, const char *hash, GError **error);
bool spool_job_promote(Store *base, const StoredJob *job, const char *hash, bool *won, GError **error);
bool spool_queue_counts(Store *base, QueueCounts *counts, GError **error);
GPtrArray *spool_queue_list(Store *base, QueueList list, guint count, GError **error);
bool spool_queue_retry(Store *base, const char *handle, guint *moved, GError **error);
bool spool_queue_bury(Store *base, const char *handle, const char *why, guint *moved, GError **error);

#endif
