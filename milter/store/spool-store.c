/* spool-store: the spool as a Store, so that the replier's worker sends what lies there just as it sends what the shared store has. Layer:
 * store, private to spool*.c.
 *
 * A worker reads the state of things, takes jobs and ends them; that is here. What it says for others to read (that it lives, events,
 * counters) has no reader on a node by itself: it is accepted and dropped, and settle counts what has happened once the store is back.
 * Everything else belongs to the shared store and fails as UNAVAILABLE. */
#include "base/clock.h"
#include "base/error.h"
#include "store/keep.h"
#include "store/spool-private.h"

static bool away(const char *what, GError **error)
{
	g_set_error(error, OUTAGE_ERROR, OUTAGE_ERROR_UNAVAILABLE, "%s: only the shared store can do that, not what a node keeps while it is away",
	    what);
	return false;
}

/* The one that the milter keeps, with the age that it says. Without one nothing can be said of any incident: no snapshot is not an empty
 * one, which would end them all. */
static Snapshot *spool_snapshot(Store *base, const Snapshot *last, GError **error)
{
	g_autofree char *path = keep_path(base->config);
	g_autoptr(GError) inner = NULL;
	Snapshot *snapshot = keep_load(path, &inner);

	(void)last;
	if (snapshot == NULL)
		g_set_error(error, OUTAGE_ERROR, OUTAGE_ERROR_UNAVAILABLE, "the kept snapshot: %s", inner->message);
	else if (snapshot->taken_at == 0)
		snapshot->taken_at = 1; /* as old as can be, and not unset */
	return snapshot;
}

static int spool_wait(Store *base, int wake_fd, gint64 timeout_ms, GError **error)
{
	(void)base;
	(void)wake_fd;
	(void)timeout_ms;
	away("waiting for changes", error);
	return -1;
}

static bool spool_set_word(Store *base, const char *name, Word word, char *const texts[TEXT_FIELDS], WordCondition *condition,
    const char *by, IncidentState *out, GError **error)
{
	(void)base;
	(void)name;
	(void)word;
	(void)texts;
	(void)condition;
	(void)by;
	(void)out;
	return away("setting a word", error);
}

static bool spool_set_texts(Store *base, const char *name, char *const texts[TEXT_FIELDS], const char *by, GError **error)
{
	(void)base;
	(void)name;
	(void)texts;
	(void)by;
	return away("setting texts", error);
}

static bool spool_add_update(Store *base, const char *name, const char *text, const char *by, GError **error)
{
	(void)base;
	(void)name;
	(void)text;
	(void)by;
	return away("adding an update", error);
}

static bool spool_set_pause(Store *base, const char *reason, const char *by, GError **error)
{
	(void)base;
	(void)reason;
	(void)by;
	return away("a pause", error);
}

static bool spool_add_event(Store *base, const char *what, const char *name, const char *by, const char *detail, GError **error)
{
	(void)base;
	(void)what;
	(void)name;
	(void)by;
	(void)detail;
	(void)error;
	return true;
}

static GPtrArray *spool_events(Store *base, guint count, GError **error)
{
	(void)base;
	(void)count;
	away("events", error);
	return NULL;
}

static bool spool_events_slice(Store *base, gint64 since, char **cursor, GPtrArray *events, GError **error)
{
	(void)base;
	(void)since;
	(void)cursor;
	(void)events;
	return away("events", error);
}

static bool spool_store_claim(Store *base, const StoreClaim *claim, ClaimAnswer *answer, GError **error)
{
	(void)base;
	(void)claim;
	(void)answer;
	return away("a claim", error);
}

static bool spool_adopt(Store *base, const StoreAdoption *letter, bool *own, GError **error)
{
	(void)base;
	(void)letter;
	(void)own;
	return away("an adoption", error);
}

/* The replier has learned that an address takes no mail: kept until settle can tell the store, and heeded here from now on. */
static bool spool_block(Store *base, const char *hash, gint64 seconds, const char *why, const char *by, GError **error)
{
	return spool_write((SqliteStore *)base, true, "INSERT OR REPLACE INTO blocked(hash, ends, why, by, told) VALUES(?, ?, ?, ?, 0)",
	    SQL_VALUES(SQL_TEXT(hash), SQL_INT(clock_now() + seconds), SQL_TEXT(why), SQL_TEXT(by)), error);
}

static bool spool_unblock(Store *base, const char *hash, const char *by, bool *found, GError **error)
{
	(void)base;
	(void)hash;
	(void)by;
	(void)found;
	return away("unblocking an address", error);
}

static bool spool_blocked(Store *base, const char *hash, char **why, gint64 *until, GError **error)
{
	(void)base;
	(void)hash;
	(void)why;
	(void)until;
	return away("blocked addresses", error);
}

static bool spool_accounts_slice(Store *base, char **cursor, GPtrArray *entries, GError **error)
{
	(void)base;
	(void)cursor;
	(void)entries;
	return away("accounts", error);
}

static bool spool_accounts_get(Store *base, const GPtrArray *keys, GPtrArray *entries, GError **error)
{
	(void)base;
	(void)keys;
	(void)entries;
	return away("accounts", error);
}

static bool spool_account_changes(Store *base, char **since, GPtrArray *keys, bool *lost, GError **error)
{
	(void)base;
	(void)since;
	(void)keys;
	(void)lost;
	return away("accounts", error);
}

static GPtrArray *spool_queue_shares(Store *base, GError **error)
{
	(void)base;
	away("the queue's shares", error);
	return NULL;
}

/* Whatever failed, the file is opened anew. */
static bool spool_is_lost(const Store *base)
{
	(void)base;
	return true;
}

static bool spool_account_put(Store *base, const char *key, const char *json, const char *by, GError **error)
{
	(void)base;
	(void)key;
	(void)json;
	(void)by;
	return away("accounts", error);
}

static bool spool_account_remove(Store *base, const char *key, const char *by, bool *found, GError **error)
{
	(void)base;
	(void)key;
	(void)by;
	(void)found;
	return away("accounts", error);
}

/* There is only this one. */
static bool spool_confirm(Store *base, GError **error)
{
	(void)base;
	(void)error;
	return true;
}

static StoreInfo *spool_describe(Store *base, GError **error)
{
	(void)base;
	away("its role", error);
	return NULL;
}

static bool spool_heartbeat(Store *base, const char *json, GError **error)
{
	(void)base;
	(void)json;
	(void)error;
	return true;
}

static GPtrArray *spool_nodes(Store *base, GError **error)
{
	(void)base;
	away("nodes", error);
	return NULL;
}

static bool spool_count(Store *base, const char *id, const char *counter, guint n, GError **error)
{
	(void)base;
	(void)id;
	(void)counter;
	(void)n;
	(void)error;
	return true;
}

static GHashTable *spool_counters(Store *base, const char *id, GError **error)
{
	(void)base;
	(void)id;
	away("counters", error);
	return NULL;
}

static const StoreBackend backend = {
	.name = "spool",
	.close = sqlite_close_file,
	.snapshot = spool_snapshot,
	.wait = spool_wait,
	.set_word = spool_set_word,
	.set_texts = spool_set_texts,
	.add_update = spool_add_update,
	.set_pause = spool_set_pause,
	.add_event = spool_add_event,
	.events = spool_events,
	.events_slice = spool_events_slice,
	.claim = spool_store_claim,
	.adopt = spool_adopt,
	.job_take = spool_job_take,
	.job_done = spool_job_done,
	.job_standing = spool_job_standing,
	.job_retry = spool_job_retry,
	.job_bury = spool_job_bury,
	.job_withdraw = spool_job_withdraw,
	.job_promote = spool_job_promote,
	.queue_counts = spool_queue_counts,
	.queue_list = spool_queue_list,
	.queue_retry = spool_queue_retry,
	.queue_bury = spool_queue_bury,
	.block = spool_block,
	.unblock = spool_unblock,
	.blocked = spool_blocked,
	.accounts_slice = spool_accounts_slice,
	.accounts_get = spool_accounts_get,
	.account_changes = spool_account_changes,
	.queue_shares = spool_queue_shares,
	.is_lost = spool_is_lost,
	.account_put = spool_account_put,
	.account_remove = spool_account_remove,
	.confirm = spool_confirm,
	.describe = spool_describe,
	.heartbeat = spool_heartbeat,
	.nodes = spool_nodes,
	.count = spool_count,
	.counters = spool_counters,
};

Store *spool_store_open(const Config *config, const char *node, GError **error)
{
	return spool_file_open(config, node, &backend, error);
}
