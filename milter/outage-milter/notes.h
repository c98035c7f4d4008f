/* notes: what is to be remembered of mails, brought to the store behind the mails' backs. Layer: program. Knows no libmilter.
 *
 * Nobody waits for it: a callback puts an entry into a queue, one thread with a store of its own empties it. While the store is away the
 * entries wait; of too many the oldest go, those of recent mail first. Nothing that a customer was promised hangs on them. */
#ifndef OUTAGE_MILTER_NOTES_H
#define OUTAGE_MILTER_NOTES_H

#include <glib.h>
#include <json-glib/json-glib.h>

#include "base/secret.h"
#include "config/config.h"
#include "inspect/facts.h"

typedef struct Notes Notes;

/* Entries that wait at most. */
#define NOTES_MAX 10000

/* Starts the thread. config is referenced, node copied; secret is used until notes_stop. */
Notes *notes_start(Config *config, const Secret *secret, const char *node);
/* Writes what still waits, for at most drain_ms and one call to the store, or until that fails; then says what was left. It is not taken
 * apart: a session that outlived the drain may still call, and is not heard. */
void notes_stop(Notes *notes, gint64 drain_ms);
/* After notes_stop, where nobody can call any more. */
void notes_free(Notes *notes);
/* Takes a new configuration over (reload; referenced). */
void notes_reconfigure(Notes *notes, Config *config);

/* Of a matched mail; uses: facts_uses, not 0. Takes facts over. */
void notes_add_mail(Notes *notes, Facts *facts, guint uses);
/* Of a mail that matched nothing, and that an incident yet to be declared may concern. Takes facts over. */
void notes_add_recent(Notes *notes, Facts *facts);
/* A person has answered the mails of these keys (outbound_keys). Takes keys over. */
void notes_add_answer(Notes *notes, GPtrArray *keys);
/* Somebody wants no more notices of incident id; tag: optout_tag. */
void notes_add_optout(Notes *notes, const char *id, const char *tag);

typedef struct {
	guint64 written;       /* entries that the store has taken */
	guint64 dropped;       /* that were too many, or that it would not take */
	guint64 answered;      /* mails whose waiting a person has ended */
	guint waiting;         /* entries in the queue */
} NotesCounts;
NotesCounts notes_counts(Notes *notes);

/* Adds members to the object that builder is in: for the heartbeat. */
void notes_describe(Notes *notes, JsonBuilder *builder);
/* Writes one line about how it has gone. */
void notes_log(Notes *notes);

#endif
