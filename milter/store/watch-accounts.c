/* watch-accounts: the thread that keeps the accounts current, with a store of its own: while a million of them are read, flips are
 * seen as ever. Layer: store, private to watch*.c. doc/contract.md 5.
 *
 * Read whole, slice by slice, at first; from then on what the events name, field by field. Where the accounts changed and no event
 * tells of it somebody wrote by hand, and all has to be read again: that is put off the longer the longer it takes, so that a script
 * that writes a million fields does not keep every node reading. A small table is read again in any case, a second later. An entry
 * that cannot be used leaves the last good one in its place. */
#include <string.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/log.h"
#include "store/watch-private.h"

#define BACKOFF_FIRST_MS 100
#define BACKOFF_MAX_MS 5000
#define GATHER_US (G_USEC_PER_SEC / 10)          /* changes that come one after the other are read together */
#define IDLE_US (10 * G_USEC_PER_SEC)            /* a connection that nobody needs is closed */
#define RETIRE_US (60 * G_USEC_PER_SEC)          /* by then no message is decided by the table before: it dies here, not in a callback */
#define FLOOR_US ((gint64)3600 * G_USEC_PER_SEC) /* everything is read again this often, under changes that nobody told of */
#define PAUSE_MIN_US G_USEC_PER_SEC
#define PAUSE_MAX_US (60 * G_USEC_PER_SEC)       /* between two whole readings, unless reading takes more than a tenth of it */
#define DOUBT_US G_USEC_PER_SEC                  /* a change without an event so soon after one with: likely that one, told late */
#define PROBLEMS_SHOWN 10
#define PROBLEMS_KEPT 1000

struct Follower {
	char *node;
	GThread *thread;
	GMutex lock;             /* over all below */
	GCond wake;
	Config *config;
	guint reconfigured;      /* counts follower_reconfigure */
	bool stopping;
	bool changed;
	Accounts *accounts;      /* never NULL */
	bool has_read;
	guint broken;
};

/* Entries that cannot be used: key -> why. What goes beyond the bound is only counted. */
typedef struct {
	GHashTable *by_key;
	guint more;
} Problems;

/* The thread's own. */
typedef struct {
	Follower *follower;
	Config *config;          /* referenced */
	guint reconfigured;
	Store *store;            /* or NULL */
	gint64 used_at;          /* the store, clock_mono_us */
	gint64 not_before;       /* gathering, or back-off */
	gint64 delay_ms;         /* of the back-off; 0 = none */
	bool changed;            /* the accounts may have changed and nobody has looked yet */
	bool whole;              /* they have to be read whole, from whole_at on */
	gint64 whole_at;
	gint64 read_at;          /* when the last whole reading ended; 0 = there was none */
	gint64 took;             /* how long it took, us */
	gint64 told_at;          /* when events last named accounts */
	char *since;             /* the event up to which all is known, or NULL */
	bool lost_all;           /* the store has lost its events: that it has no accounts either says nothing */
	Problems problems;
	char *trouble;           /* what was last said in the log, or NULL */
	Accounts *retired;       /* the table before, or NULL */
	gint64 retire_at;
} Reading;

/* --- problems --- */

static void problems_init(Problems *problems)
{
	problems->by_key = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
	problems->more = 0;
}

static guint problems_count(const Problems *problems)
{
	return g_hash_table_size(problems->by_key) + problems->more;
}

/* Notes that the entry under key cannot be used. Says so where before (may be NULL) did not know; *said counts. */
static void note_problem(Problems *problems, const Problems *before, const char *key, const char *why, guint *said)
{
	const char *known = before != NULL ? g_hash_table_lookup(before->by_key, key) : g_hash_table_lookup(problems->by_key, key);

	if (g_strcmp0(known, why) != 0 && (before == NULL || before->more == 0) && (*said)++ < PROBLEMS_SHOWN)
		log_warning("accounts: %s", why);
	if (g_hash_table_size(problems->by_key) < PROBLEMS_KEPT || g_hash_table_contains(problems->by_key, key))
		g_hash_table_replace(problems->by_key, g_strdup(key), g_strdup(why));
	else
		problems->more++;
}

/* Says a trouble once. */
static void say_trouble(Reading *reading, const char *text)
{
	if (g_strcmp0(reading->trouble, text) != 0)
		log_warning("accounts: %s; they stay as last read", text);
	g_free(reading->trouble);
	reading->trouble = g_strdup(text);
}

/* --- publishing --- */

static void publish(Reading *reading, Accounts *accounts)
{
	Follower *follower = reading->follower;
	Accounts *last;

	g_mutex_lock(&follower->lock);
	last = follower->accounts;
	follower->accounts = accounts;
	g_mutex_unlock(&follower->lock);
	accounts_unref(reading->retired);
	reading->retired = last;
	reading->retire_at = clock_mono_us() + RETIRE_US;
}

static void publish_problems(Reading *reading)
{
	g_mutex_lock(&reading->follower->lock);
	reading->follower->broken = problems_count(&reading->problems);
	reading->follower->has_read = true;
	g_mutex_unlock(&reading->follower->lock);
}

/* --- reading whole --- */

static bool is_stopping(Reading *reading)
{
	bool stopping;

	g_mutex_lock(&reading->follower->lock);
	stopping = reading->follower->stopping;
	g_mutex_unlock(&reading->follower->lock);
	return stopping;
}

/* One reading of everything, while it goes on. */
typedef struct {
	Accounts *known, *table;
	Problems problems;
	guint fresh;             /* entries that had to be parsed */
	guint said;
} Whole;

static void whole_clear(Whole *whole)
{
	accounts_unref(whole->known);
	accounts_unref(whole->table);
	g_hash_table_unref(whole->problems.by_key);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Whole, whole_clear)

static void take_entry(Reading *reading, Whole *whole, const StoredAccount *entry)
{
	g_autoptr(GError) broken = NULL;
	g_autofree char *key = NULL;
	Account *account = stored_account_read(entry, whole->known, &broken);

	if (account == NULL) {
		note_problem(&whole->problems, &reading->problems, entry->key, broken->message, &whole->said);
		key = account_key(entry->key);
		account = key != NULL ? accounts_get(whole->known, key) : NULL;
		if (account != NULL && accounts_get(whole->table, key) == NULL)
			accounts_add(whole->table, account_ref(account));
		return;
	}
	whole->fresh += accounts_get(whole->known, account->key) != account;
	accounts_add(whole->table, account);
}

/* Takes what was read into use. */
static void take_over(Reading *reading, Whole *whole)
{
	bool same = whole->fresh == 0 && accounts_count(whole->table) == accounts_count(whole->known);

	if (whole->said > PROBLEMS_SHOWN)
		log_warning("accounts: %u more entries cannot be used", whole->said - PROBLEMS_SHOWN);
	g_hash_table_unref(reading->problems.by_key);
	reading->problems = whole->problems;
	g_hash_table_ref(reading->problems.by_key);
	if (reading->lost_all && accounts_count(whole->table) == 0 && accounts_count(whole->known) > 0) {
		say_trouble(reading, "the store has lost its memory and has none any more");
	} else {
		reading->lost_all = false;
		g_clear_pointer(&reading->trouble, g_free);
		if (!same)
			publish(reading, g_steal_pointer(&whole->table));
	}
	publish_problems(reading);
}

/* Where the events stand; that they cannot be read is no reason not to read the accounts. */
static bool find_since(Reading *reading, GError **error)
{
	g_autoptr(GPtrArray) none = g_ptr_array_new_with_free_func(g_free);
	g_autoptr(GError) inner = NULL;
	bool lost;

	g_clear_pointer(&reading->since, g_free);
	if (store_account_changes(reading->store, &reading->since, none, &lost, &inner) ||
	    g_error_matches(inner, OUTAGE_ERROR, OUTAGE_ERROR_INVALID))
		return true;
	g_propagate_error(error, g_steal_pointer(&inner));
	return false;
}

/* False with error; it is not to be tried again at once, for what holds it up may hold Redis up. */
static bool read_whole(Reading *reading, GError **error)
{
	g_auto(Whole) whole = { .known = follower_accounts(reading->follower), .table = accounts_new() };
	g_autofree char *cursor = NULL;
	gint64 began = clock_mono_us();

	problems_init(&whole.problems);
	if (!find_since(reading, error))
		return false;
	do {
		g_autoptr(GPtrArray) entries = g_ptr_array_new_with_free_func((GDestroyNotify)stored_account_free);

		if (!store_accounts_slice(reading->store, &cursor, entries, error)) {
			reading->whole_at = clock_mono_us() + 10 * (clock_mono_us() - began);
			return false;
		}
		for (guint i = 0; i < entries->len; i++)
			take_entry(reading, &whole, entries->pdata[i]);
		if (is_stopping(reading))
			return true;
	} while (cursor != NULL);
	reading->read_at = clock_mono_us();
	reading->took = reading->read_at - began;
	reading->whole = false;
	log_debug("accounts: %u read in %" G_GINT64_FORMAT " ms, %u of them anew", accounts_count(whole.table), reading->took / 1000,
	    whole.fresh);
	take_over(reading, &whole);
	return true;
}

/* Lets everything be read again: the longer that takes the later. doubtful: there may be nothing new. */
static void want_whole(Reading *reading, bool doubtful)
{
	gint64 pause = CLAMP(reading->took * 1000, PAUSE_MIN_US, doubtful ? FLOOR_US : PAUSE_MAX_US), at;

	pause = MAX(pause, reading->took * 10);
	/* Not all nodes at once. */
	pause += (gint64)(g_random_double() * (double)pause / 4);
	at = reading->read_at != 0 ? reading->read_at + pause : 0;
	reading->whole_at = reading->whole ? MIN(reading->whole_at, at) : at;
	reading->whole = true;
}

/* --- reading what the events name --- */

static void take_field(Reading *reading, const Accounts *known, const StoredAccount *entry, GPtrArray *changed, GPtrArray *removed)
{
	g_autoptr(GError) broken = NULL;
	Account *account;
	guint said = 0;

	if (entry->json == NULL && entry->trouble == NULL) {
		char *key = account_key(entry->key);

		g_hash_table_remove(reading->problems.by_key, entry->key);
		if (key != NULL)
			g_ptr_array_add(removed, key);
		return;
	}
	account = stored_account_read(entry, known, &broken);
	if (account != NULL) {
		g_hash_table_remove(reading->problems.by_key, entry->key);
		g_ptr_array_add(changed, account);
	} else {
		note_problem(&reading->problems, NULL, entry->key, broken->message, &said);
	}
}

static GPtrArray *without_repeats(const GPtrArray *keys)
{
	g_autoptr(GHashTable) seen = g_hash_table_new(g_str_hash, g_str_equal);
	GPtrArray *once = g_ptr_array_new();

	for (guint i = 0; i < keys->len; i++)
		if (g_hash_table_add(seen, keys->pdata[i]))
			g_ptr_array_add(once, keys->pdata[i]);
	return once;
}

static bool read_fields(Reading *reading, const GPtrArray *named, GError **error)
{
	g_autoptr(Accounts) known = follower_accounts(reading->follower);
	g_autoptr(GPtrArray) keys = without_repeats(named);
	g_autoptr(GPtrArray) entries = g_ptr_array_new_with_free_func((GDestroyNotify)stored_account_free);
	g_autoptr(GPtrArray) changed = g_ptr_array_new_with_free_func((GDestroyNotify)account_free);
	g_autoptr(GPtrArray) removed = g_ptr_array_new_with_free_func(g_free);

	if (!store_accounts_get(reading->store, keys, entries, error))
		return false;
	for (guint i = 0; i < entries->len; i++)
		take_field(reading, known, entries->pdata[i], changed, removed);
	reading->told_at = clock_mono_us();
	publish_problems(reading);
	if (changed->len > 0 || removed->len > 0)
		publish(reading, accounts_with(known, changed, removed));
	return true;
}

/* Reads what changed since it was last read. prompted: the store has said that something did. */
static bool read_changes(Reading *reading, bool prompted, GError **error)
{
	g_autoptr(GPtrArray) keys = g_ptr_array_new_with_free_func(g_free);
	g_autofree char *since = g_strdup(reading->since);
	g_autoptr(GError) inner = NULL;
	bool lost = false;

	/* Nothing was read yet, or nobody could tell where the events stood. */
	if (since == NULL) {
		want_whole(reading, false);
		return true;
	}
	if (!store_account_changes(reading->store, &since, keys, &lost, &inner) &&
	    !g_error_matches(inner, OUTAGE_ERROR, OUTAGE_ERROR_INVALID)) {
		g_propagate_error(error, g_steal_pointer(&inner));
		return false;
	}
	if (keys->len > 0 && !lost && !read_fields(reading, keys, error))
		return false;
	reading->lost_all = reading->lost_all || lost;
	/* Where the events name some, a hand may have changed others in the same moment. */
	if (lost || inner != NULL)
		want_whole(reading, false);
	else if (prompted || keys->len > 0)
		want_whole(reading, clock_mono_us() - reading->told_at < DOUBT_US);
	g_free(reading->since);
	reading->since = g_steal_pointer(&since);
	return true;
}

/* --- the thread --- */

/* When there is something to be done next, clock_mono_us. */
static gint64 next_deed(const Reading *reading)
{
	gint64 next = reading->read_at != 0 ? reading->read_at + FLOOR_US : G_MAXINT64;

	if (reading->changed)
		next = 0;
	else if (reading->whole)
		next = MIN(next, reading->whole_at);
	return MAX(next, reading->not_before);
}

/* Puts away what nobody needs any more, and returns when to look again. */
static gint64 tidy(Reading *reading, gint64 now)
{
	gint64 next = G_MAXINT64;

	if (reading->store != NULL && now >= reading->used_at + IDLE_US)
		g_clear_pointer(&reading->store, store_close);
	if (reading->retired != NULL && now >= reading->retire_at)
		g_clear_pointer(&reading->retired, accounts_unref);
	if (reading->store != NULL)
		next = reading->used_at + IDLE_US;
	if (reading->retired != NULL)
		next = MIN(next, reading->retire_at);
	return next;
}

/* Takes over what the others left; with the lock. Returns true where the store has to be opened anew. */
static bool take_orders(Reading *reading)
{
	Follower *follower = reading->follower;

	reading->changed = reading->changed || follower->changed;
	follower->changed = false;
	if (reading->reconfigured == follower->reconfigured)
		return false;
	config_unref(reading->config);
	reading->config = config_ref(follower->config);
	reading->reconfigured = follower->reconfigured;
	return true;
}

/* Returns true once there is something to be done, false where it is time to stop. */
static bool wait_for_work(Reading *reading)
{
	Follower *follower = reading->follower;

	for (;;) {
		gint64 look = tidy(reading, clock_mono_us()), deed;
		bool anew, stopping, due;

		g_mutex_lock(&follower->lock);
		anew = take_orders(reading);
		deed = next_deed(reading);
		stopping = follower->stopping;
		due = clock_mono_us() >= deed;
		if (!stopping && !due && !anew) {
			if (MIN(deed, look) == G_MAXINT64)
				g_cond_wait(&follower->wake, &follower->lock);
			else
				g_cond_wait_until(&follower->wake, &follower->lock, MIN(deed, look));
		}
		g_mutex_unlock(&follower->lock);
		if (anew)
			g_clear_pointer(&reading->store, store_close);
		if (stopping || due)
			return !stopping;
	}
}

static bool work(Reading *reading, GError **error)
{
	if (reading->store == NULL && (reading->store = store_open(reading->config, reading->follower->node, error)) == NULL)
		return false;
	reading->used_at = clock_mono_us();
	if (reading->changed) {
		if (!read_changes(reading, true, error))
			return false;
		reading->changed = false;
	}
	if (reading->read_at != 0 && clock_mono_us() >= reading->read_at + FLOOR_US)
		want_whole(reading, false);
	if (!reading->whole || clock_mono_us() < reading->whole_at)
		return true;
	/* What was changed while we read may have been read as it was before. */
	return read_whole(reading, error) && (reading->since == NULL || read_changes(reading, false, error));
}

/* A key of a wrong type is a mistake that lasts until somebody changes the key; everything else is tried again. */
static void fail(Reading *reading, const GError *error)
{
	say_trouble(reading, error->message);
	if (g_error_matches(error, OUTAGE_ERROR, OUTAGE_ERROR_INVALID)) {
		reading->changed = reading->whole = false;
		g_clear_pointer(&reading->since, g_free);
		reading->read_at = reading->read_at != 0 ? clock_mono_us() : 0;
		return;
	}
	g_clear_pointer(&reading->store, store_close);
	reading->delay_ms = reading->delay_ms == 0 ? BACKOFF_FIRST_MS : MIN(reading->delay_ms * 2, BACKOFF_MAX_MS);
	reading->not_before = clock_mono_us() + reading->delay_ms * 500 + (gint64)(g_random_double() * (double)reading->delay_ms * 500);
}

static gpointer follow(gpointer data)
{
	Reading reading = { .follower = data };

	problems_init(&reading.problems);
	g_mutex_lock(&reading.follower->lock);
	reading.config = config_ref(reading.follower->config);
	g_mutex_unlock(&reading.follower->lock);
	while (wait_for_work(&reading)) {
		g_autoptr(GError) error = NULL;

		if (work(&reading, &error)) {
			reading.delay_ms = 0;
			reading.not_before = clock_mono_us() + GATHER_US;
		} else {
			fail(&reading, error);
		}
		reading.used_at = clock_mono_us();
	}
	store_close(reading.store);
	config_unref(reading.config);
	accounts_unref(reading.retired);
	g_hash_table_unref(reading.problems.by_key);
	g_free(reading.since);
	g_free(reading.trouble);
	return NULL;
}

Follower *follower_start(Config *config, const char *node)
{
	Follower *follower = g_new0(Follower, 1);

	follower->node = g_strdup(node);
	follower->config = config_ref(config);
	follower->accounts = accounts_new();
	g_mutex_init(&follower->lock);
	g_cond_init(&follower->wake);
	follower->thread = g_thread_new("accounts", follow, follower);
	return follower;
}

void follower_halt(Follower *follower)
{
	g_mutex_lock(&follower->lock);
	follower->stopping = true;
	g_cond_signal(&follower->wake);
	g_mutex_unlock(&follower->lock);
}

void follower_free(Follower *follower)
{
	g_thread_join(follower->thread);
	accounts_unref(follower->accounts);
	config_unref(follower->config);
	g_mutex_clear(&follower->lock);
	g_cond_clear(&follower->wake);
	g_free(follower->node);
	g_free(follower);
}

void follower_reconfigure(Follower *follower, Config *config)
{
	g_mutex_lock(&follower->lock);
	config_unref(follower->config);
	follower->config = config_ref(config);
	follower->reconfigured++;
	g_cond_signal(&follower->wake);
	g_mutex_unlock(&follower->lock);
}

void follower_wake(Follower *follower)
{
	g_mutex_lock(&follower->lock);
	follower->changed = true;
	g_cond_signal(&follower->wake);
	g_mutex_unlock(&follower->lock);
}

Accounts *follower_accounts(Follower *follower)
{
	Accounts *accounts;

	g_mutex_lock(&follower->lock);
	accounts = accounts_ref(follower->accounts);
	g_mutex_unlock(&follower->lock);
	return accounts;
}

bool follower_has_read(Follower *follower, guint *broken)
{
	bool has_read;

	g_mutex_lock(&follower->lock);
	*broken = follower->broken;
	has_read = follower->has_read;
	g_mutex_unlock(&follower->lock);
	return has_read;
}
