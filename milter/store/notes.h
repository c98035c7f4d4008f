/* notes: what the store remembers of mails and of what was ordered for those who wrote them. Layer: store. As store.h: one thread at a
 * time, every call within config.store_timeout, the same errors. Ids, keys, tags and names become parts of keys: what is not
 * [A-Za-z0-9._-]{1,64} is OUTAGE_ERROR_INVALID.
 *
 * Keys (doc/contract.md 5): outage:recent, outage:contacts:ID, outage:waiting, outage:optout:ID, outage:notices:ID. */
#ifndef OUTAGE_STORE_NOTES_H
#define OUTAGE_STORE_NOTES_H

#include "store/note.h"
#include "store/store.h"

typedef enum {
	NOTES_RECENT,         /* who wrote lately about what may be an outage; kept config.recent_keep; at most 20,000, the oldest go first */
	NOTES_CONTACTS,       /* by incident: who wrote in; key = the address's hash; kept as the affected set */
	NOTES_WAITING         /* who waits for a person; kept config.retention; at most 20,000, new ones are OUTAGE_ERROR_INVALID above it */
} NoteList;

/* Puts a note in. id: the incident's for NOTES_CONTACTS, else NULL. note->at: when the mail came; apart: joined to what stands there.
 * A key that is there already: RECENT and WAITING keep the first; CONTACTS takes the newer (by at) and joins apart. An at that is
 * later than the store's clock counts as now. *fresh (may be NULL): it was not there. Nothing is put into RECENT where
 * config.recent_keep is 0. */
bool store_note_add(Store *store, NoteList list, const char *id, const StoredNote *note, bool *fresh, GError **error);

/* Signs what is kept of a mail and puts it in, under the key that the list goes by: of CONTACTS his who wrote it (facts have a sender and an
 * incident), else the mail's own. */
bool store_note_facts(Store *store, const Secret *secret, NoteList list, const Facts *facts, GError **error);

/* Appends one slice (StoredNote *) to notes, in no order. *cursor is NULL before the first and moves on to NULL after the last; caller
 * frees. One may come twice. */
bool store_notes_slice(Store *store, NoteList list, const char *id, char **cursor, GPtrArray *notes, GError **error);

/* A person has answered: takes the keys (char *, facts_key_of) out of those waiting. Appends what was taken out (StoredNote *) to ended
 * (may be NULL). */
bool store_waiting_end(Store *store, const GPtrArray *keys, GPtrArray *ended, GError **error);
/* Notes that somebody is called for the pages-th time (counted from 0). *mine: nobody else has noted it first. */
bool store_waiting_page(Store *store, const char *key, guint pages, gint64 now, bool *mine, GError **error);

/* Who wants no further notices of incident id. tag: optout_tag of mail/optout.h. */
bool store_optout_add(Store *store, const char *id, const char *tag, GError **error);
bool store_optout_has(Store *store, const char *id, const char *tag, bool *has, GError **error);

/* Orders a notice; leaves the event "notice" with its name as detail. A name that is there already is refused (OUTAGE_ERROR_INVALID). */
bool store_notice_add(Store *store, const char *id, const StoredNotice *notice, const char *by, GError **error);
/* All of incident id (StoredNotice *), by name. */
GPtrArray *store_notices(Store *store, const char *id, GError **error);
/* Takes or keeps the right to spread it for `seconds`. *mine: this process has it. */
bool store_notice_lease(Store *store, const char *id, const char *name, gint64 seconds, bool *mine, GError **error);
/* Writes down how far it has come; done: it is over. Does nothing, and says true, where another process has taken the lease meanwhile. */
bool store_notice_progress(Store *store, const char *id, const char *name, guint64 told, guint64 left_out, bool done, GError **error);

#endif
