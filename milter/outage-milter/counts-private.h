/* counts-private: what counts*.c share: what has come together, and the thread that writes it. Layer: program, private. */
#ifndef OUTAGE_MILTER_COUNTS_PRIVATE_H
#define OUTAGE_MILTER_COUNTS_PRIVATE_H

#include "outage-milter/counts.h"
#include "store/stats.h"

/* What waits at most while the store is away. */
#define COUNTS_MINUTES 60    /* minutes, of any number of incidents */
#define COUNTS_MAILS 20000
#define COUNTS_ANSWERS 5000

/* Since the start, for counts_metrics. */
typedef struct {
	guint64 matched, other;          /* mails */
	guint64 queued, shadow, none;    /* acknowledgements of matched mail */
	guint64 held[REASONS];
	guint64 likely;                  /* outage mail while nothing is on */
	guint64 answers;                 /* of persons */
	guint64 first_answers;           /* customers who had their first by them */
	guint64 writes;                  /* that the store has taken */
	guint64 lost;                    /* figures (minutes, mails, answers) that the store never took, or may not have */
} CountsTotals;

struct Counts {
	const Secret *secret;
	Watch *watch;
	char *node;
	GThread *thread;
	GMutex lock;           /* over what follows */
	GCond work;
	Config *config;
	bool stopping;
	bool hurry;            /* what has come together is wanted now */
	gint64 until;          /* clock_mono_us: of a stop */
	GQueue minutes;        /* StatsMinute *, oldest first */
	GQueue mails;          /* StatsMail * */
	GQueue answers;        /* StatsAnswer * */
	gint64 seen_minute;    /* of which `seen` is */
	GHashTable *seen;      /* id -> set of senders that this minute has had */
	gint64 clients_minute; /* of which `clients` is */
	GHashTable *clients;   /* set of clients that this minute has named */
	CountsTotals totals;
};

/* counts.c. With the lock. The minute of id that is filled now. */
StatsMinute *counts_minute(Counts *counts, const char *id, gint64 now);

/* counts-write.c: the thread; and to have it write at once. */
gpointer counts_run(gpointer data);
void counts_hurry(Counts *counts);

/* counts-learn.c. Lets the store learn from the hour that began at `hour`, unless an incident was on in it or less than half of it is known.
 * *learned (may be NULL): it did, and had not before. False with error. */
bool counts_learn(Store *store, gint64 hour, bool *learned, GError **error);

#endif
