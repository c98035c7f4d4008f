/* notes-fixture: notes and notices as the tests of them write and read them. */
#ifndef OUTAGE_TESTS_NOTES_FIXTURE_H
#define OUTAGE_TESTS_NOTES_FIXTURE_H

#include <gio/gio.h>

#include "claim-fixture.h"
#include "store/notes.h"

#define NOTES_ID "20261122T080000Z-default"
#define NOTES_OTHER_ID "20261122T080000Z-payments"
#define NOTES_NAME "update-20261122t081500z"
#define NOTES_LISTS 3

extern const NoteList notes_lists[NOTES_LISTS];
/* Whose contacts are meant in these tests; NULL for the other lists. */
const char *notes_id_of(NoteList list);

/* Adds one; returns whether it was fresh. */
bool notes_add(Store *store, NoteList list, const char *key, const char *payload, gint64 at, const char *apart);
guint64 notes_count(Store *store, NoteList list);
/* All notes of a list by key, read slice by slice, each of which has to be small. */
GHashTable *notes_read_all(Store *store, NoteList list);
/* What stands under key; NULL where nothing does. */
StoredNote *notes_find(Store *store, NoteList list, const char *key);

/* Orders a notice, by anna. */
void notes_order(Store *store, const char *id, const char *name, const char *payload);
/* All notices of incident id. */
GPtrArray *notes_ordered(Store *store, const char *id);

/* The store of another test process. */
Store *notes_open(const char *url, const char *who);
/* Starts this program again in a role, with the store's URL and what follows it (up to NULL). */
GSubprocess *notes_start(const char *role, const Fixture *fixture, const char *a, const char *b);

#endif
