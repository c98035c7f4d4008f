/* replay: what today's rules would have done with a past outage's mail: counted (replay.c), judged (replay-advice.c) and shown
 * (replay-print.c, replay-html.c). Layer: program. Pure, but for what prints.
 *
 * Of each mail only a few numbers are kept, and of the first of each kind a line for the lists, so that years of mail fit into memory. */
#ifndef OUTAGECTL_REPLAY_H
#define OUTAGECTL_REPLAY_H

#include <glib.h>
#include <stdbool.h>

#include "inspect/verdict.h"

/* What would have become of a mail: one of these. */
typedef enum {
	FATE_ANSWERED,        /* acknowledged */
	FATE_AGAIN,           /* the same person again: acknowledged already */
	FATE_VOUCH,           /* acknowledged, if somebody vouches for the sender on arrival */
	FATE_VOUCH_AGAIN,     /* the same person again, if */
	FATE_PEOPLE,          /* outage mail that is left to people: an account, an escalation, a route */
	FATE_SILENT,          /* outage mail of a person that is neither acknowledged nor left to people */
	FATE_OTHER,           /* no outage mail: as ever */
	FATE_MACHINE,         /* no person wrote it */
	FATES
} Fate;

/* Returns the fate's name in JSON, e.g. "answered", and what it says to a person (static). */
const char *fate_name(Fate fate);
const char *fate_words(Fate fate);

/* A mail in a list. Strings are escaped for a terminal already, valid UTF-8 and never NULL. */
typedef struct {
	gint64 at;             /* 0 = its date could not be read */
	char *file, *from, *subject, *rules;
	char *why;             /* reasons against an answer, or what it was taken out for */
	double score, threshold;
} ReplayLine;

/* How many lines of a kind are kept. */
#define REPLAY_LINES 1000
/* How many mails near the threshold, on either side. */
#define REPLAY_NEAR 15
/* How many different recipients, authserv-ids and languages are told apart. */
#define REPLAY_NAMES 1000

typedef struct {
	const Engine *engine;
	Word word;
	gint64 resolved_at;    /* from then on it is supposed to be over; 0 = never */
	bool accounts;         /* there were any to recognise */
	bool no_support;       /* the configuration names no support address, and --rcpt none */
	/* what was found */
	GArray *mails;         /* private to replay.c */
	GHashTable *senders;   /* char * -> its number, the same */
	gint64 last_at, from, to; /* of the mail before; the first and the last; 0 = none */
	guint outside, undated;   /* not of the time wanted (counted by the caller); without a date */
	guint fates[FATES];
	guint people[2];       /* distinct people behind FATE_ANSWERED and FATE_VOUCH */
	guint reasons[REASONS];   /* of outage mail: a mail counts under each of its own */
	guint lifted;          /* taken out of the flood */
	guint account_unproven; /* mail in the name of an account that nobody vouches for */
	guint authres, trusted;   /* carry an Authentication-Results; one whose id is trusted */
	GHashTable *kinds;     /* name -> guint *: what mail was taken out for */
	GHashTable *queues;    /* of all mail */
	GHashTable *languages; /* of outage mail */
	GHashTable *rules;     /* of outage mail */
	GHashTable *ids;       /* authserv-ids of topmost Authentication-Results that are not trusted */
	GHashTable *elsewhere; /* recipients of outage mail that is addressed to none of ours */
	GPtrArray *lines[FATES];  /* ReplayLine * */
	GPtrArray *lifted_lines;  /* ReplayLine * */
	GPtrArray *just_over, *just_under; /* ReplayLine *, the nearest to the threshold first */
} Replay;

Replay *replay_new(const Engine *engine, Word word);
void replay_free(Replay *replay);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Replay, replay_free)

/* Takes a mail in. verdict: decided, not yet folded. at: offline_time. file: where it lies. */
void replay_add(Replay *replay, const Message *message, const Verdict *verdict, gint64 at, const char *file);

/* After the last mail: puts them in the order of their dates and finds who had been answered before. Once. */
void replay_settle(Replay *replay);

guint replay_count(const Replay *replay);

/* Mails of each step of *step seconds from *from on: outage mail, and all mail. n: how many; caller frees both arrays. Few enough to be
 * drawn. n 0 where no date is known. */
void replay_series(const Replay *replay, gint64 *from, gint64 *step, double **outage, double **all, guint *n);

/* What a site would do about it (char *, sentences), the most important first. Caller unrefs. */
GPtrArray *replay_advice(const Replay *replay);
/* What cannot be known of mail in files (sentences; static, NULL-terminated). */
const char *const *replay_limits(void);

/* A name and how often; of a table the most frequent first (ReplayCount). Caller unrefs. */
typedef struct { const char *name; guint count; } ReplayCount;
GArray *replay_counts(GHashTable *table);

void replay_print_text(const Replay *replay);
void replay_print_json(const Replay *replay);
/* Returns a page that stands by itself. Caller frees. */
GString *replay_page(const Replay *replay);

#endif
