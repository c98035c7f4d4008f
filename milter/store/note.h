/* note: the facts of one mail (inspect/facts.h) as they lie in the store: JSON, signed with the site secret as jobs are, for letters
 * will be sent by them. Layer: store. */
#ifndef OUTAGE_STORE_NOTE_H
#define OUTAGE_STORE_NOTE_H

#include "base/secret.h"
#include "inspect/facts.h"

/* One entry as it comes from the store, unverified. */
typedef struct {
	char *key;
	char *payload, *mac;
	gint64 at;            /* seconds: when its mail came */
	char *apart;          /* of NOTES_CONTACTS: kinds of this person's mails so far (facts_apart), a comma list; "" for none */
	guint pages;          /* of NOTES_WAITING: how often somebody was called */
	gint64 paged_at;      /* the last time; 0 = never */
} StoredNote;
void stored_note_free(StoredNote *note);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(StoredNote, stored_note_free)

/* Returns the payload and sets *mac; caller frees both. At most 32 KB. */
char *note_sign(const Secret *secret, const Facts *facts, char **mac);

/* Verifies the signature and parses every field again, as job_open does. NULL with OUTAGE_ERROR_REFUSED or OUTAGE_ERROR_INVALID. */
Facts *note_open(const Secret *secret, const StoredNote *note, GError **error);

/* What the operator orders to be told to those who wrote in. */
typedef struct {
	char *name;           /* "update-STAMP", "resolved-STAMP", "postmortem-STAMP"; STAMP = yyyymmddthhmmssz */
	char *incident, *id;
	guint64 epoch;
	char *text;           /* of an update: what it says; else NULL */
	char *by;
	gint64 ordered_at;
	bool legal, media, accounts; /* these are told too */
	bool contacts;        /* the accounts' own contacts are told, whoever wrote */
} Notice;
void notice_free(Notice *notice);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Notice, notice_free)

char *notice_sign(const Secret *secret, const Notice *notice, char **mac);

/* One as it comes from the store, unverified. */
typedef struct {
	char *name, *payload, *mac;
	bool done;
	guint64 told, left_out; /* so far */
} StoredNotice;
void stored_notice_free(StoredNotice *notice);
Notice *notice_open(const Secret *secret, const StoredNotice *stored, GError **error);

#endif
