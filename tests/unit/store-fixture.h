/* store-fixture: a fresh store of either kind for one test, and the means to damage it from outside. */
#ifndef OUTAGE_TESTS_STORE_FIXTURE_H
#define OUTAGE_TESTS_STORE_FIXTURE_H

#include "store/notes.h"
#include "store/store.h"

typedef struct {
	bool redis;
	char *dir;        /* of the SQLite file */
	Config *config;   /* may be changed before a store is opened */
} Fixture;

/* kind: "sqlite" or "redis". For Redis a server is started once for the whole program and emptied for each fixture; that there is
 * none on this machine is a failure. */
Fixture *fixture_new(gconstpointer kind);
void fixture_free(Fixture *fixture);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Fixture, fixture_free)

/* Stops the server. Call at the end of main. */
void fixture_shut_down(void);

/* Starts a replica of the Redis server, which fixture_stop_replica or fixture_shut_down stops. */
void fixture_start_replica(void);
void fixture_stop_replica(void);
/* Sends the Redis server, or its replica, a signal; waits until one that is to stop has. */
void fixture_signal(bool to_replica, int signal_number);

/* Opens the fixture's store; never NULL. */
Store *fixture_open(const Fixture *fixture, const char *node);

/* Another configuration for the same store. Caller frees. */
Config *fixture_other_config(const Fixture *fixture);
/* Makes its URL one at which nothing answers. */
void fixture_point_nowhere(Fixture *fixture);

/* Removes everything at once, behind the store's back. */
void fixture_lose_all(const Fixture *fixture);
/* Notes a bounce of that address hash. */
void fixture_add_bounce(const Fixture *fixture, const char *hash);
/* Puts an account in by hand, unchecked. */
void fixture_add_raw_account(const Fixture *fixture, const char *key, const char *json);
/* Makes every mark of an acknowledgement an hour older. */
void fixture_age_marks(const Fixture *fixture);
/* Makes every count of what an address got a day older. */
void fixture_age_address_rates(const Fixture *fixture);
/* Makes it impossible to count anything with the incident id. */
void fixture_break_counters(const Fixture *fixture, const char *id);
/* Puts a job into the queue by hand, as one could who may write to the store. */
void fixture_put_job(const Fixture *fixture, const StoredJob *job);
/* Puts a job into the queue whose payload is nothing but size bytes (even). */
void fixture_put_raw_payload(const Fixture *fixture, gsize size);
/* How long the payload of the longest buried job is. */
gsize fixture_longest_dead(const Fixture *fixture);
/* How many marks say that their letter was sent. */
guint fixture_count_sent_marks(const Fixture *fixture);
/* How many notes a list has, by its slices. id: the incident's for NOTES_CONTACTS, else NULL. */
guint64 fixture_count_notes(Store *store, NoteList list, const char *id);
/* Sets the pause key by hand. */
void fixture_set_raw_pause(const Fixture *fixture, const char *text);
/* Sets the flip of `default` by hand. */
void fixture_set_raw_flip(const Fixture *fixture, const char *text);

/* Does something by hand: Lua in the Redis server, or SQL statements in the file. */
void fixture_run(const Fixture *fixture, const char *lua, const char *sql);

/* Runs one Redis command (arguments, NULL) and returns what redis-cli prints, without the line's end; caller frees. */
char *fixture_redis(const char *argument, ...) G_GNUC_NULL_TERMINATED;

/* Adds tests of either kind: path is /store/KIND/NAME. */
void fixture_add_test(const char *name, void (*test)(gconstpointer kind));

#endif
