/* spread-private: what spread.c (the thread, and the claiming of a letter) shares with its three kinds of work. Layer: program, private to
 * spread*.c. */
#ifndef OUTAGE_REPLIER_SPREAD_PRIVATE_H
#define OUTAGE_REPLIER_SPREAD_PRIVATE_H

#include <gio/gio.h>

#include "base/secret.h"
#include "base/watchdog.h"
#include "outage-replier/spread.h"
#include "store/notes.h"

/* The length of a round. */
#define SPREAD_ROUND_US (2 * G_USEC_PER_SEC)

typedef struct Notices Notices; /* spread-notice.c */
typedef struct Feed Feed;       /* spread-feed.c */
typedef struct Pages Pages;     /* spread-page.c */

struct Spread {
	GMutex lock;          /* guards config, changed, stopping */
	GCond wake;
	Config *config;
	bool changed;         /* config was swapped: the store, which keeps its own, is to be opened anew */
	bool stopping;
	Worker *worker;       /* not owned */
	Secret *secret;
	char *node;
	Store *store;         /* NULL while away */
	Snapshot *snapshot;   /* the last good one */
	gint64 next_confirm;  /* clock_mono_us */
	gint64 backoff_ms;    /* 0 while the store works */
	char *trouble;        /* what was said last of a failure, or NULL: the same is not said every two seconds */
	Watched *watched;     /* base/watchdog.h; NULL but in spread_run */
	Notices *notices;
	Feed *feed;
	Pages *pages;
};

bool spread_is_stopping(Spread *spread);
/* Waits, but not past a stop. Returns false where it is time to stop. */
bool spread_wait_until(Spread *spread, gint64 until);

/* Returns the incident of that name as the round began, or NULL. */
const Incident *spread_incident(const Spread *spread, const char *name);

/* Returns the token of the letter: the same for the same incident, letter and address, so that whoever lost the answer, or died, asks for
 * the same again. Caller frees. */
char *spread_token(const Spread *spread, const ClaimRequest *request, const char *hash);

/* Claims the letter. False where the store could not be asked. */
bool spread_claim(Spread *spread, const Config *config, const ClaimRequest *request, ClaimAnswer *answer, GError **error);
/* The same for a letter to our own people; a worker is told that it waits. False where it was not claimed. */
bool spread_claim_staff(Spread *spread, const Config *config, const ClaimRequest *request, GError **error);

/* Each does its part of a round; false where the store failed. `until`: when the round ends (clock_mono_us). */
Notices *spread_notices_new(void);
void spread_notices_free(Notices *notices);
bool spread_notices(Spread *spread, const Config *config, gint64 until, GError **error);

Feed *spread_feed_new(void);
void spread_feed_free(Feed *feed);
bool spread_feed(Spread *spread, const Config *config, GError **error);

Pages *spread_pages_new(void);
/* With finish waits for the calls that run (each within page.timeout), else kills them. */
void spread_pages_free(Pages *pages, bool finish);
bool spread_pages(Spread *spread, const Config *config, GError **error);
/* The store was lost: where in it the looking had come to is forgotten. */
void spread_pages_restart(Pages *pages);
void spread_notices_restart(Notices *notices);

#endif
