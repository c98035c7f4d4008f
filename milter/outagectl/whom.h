/* whom: to whom a notice goes, and who is left out and why, counted beforehand as the replier will do it. Layer: program. */
#ifndef OUTAGECTL_WHOM_H
#define OUTAGECTL_WHOM_H

#include "store/notes.h"

typedef struct {
	guint told;            /* letters, the accounts' own contacts included */
	guint contacts;        /* of these: to contacts of accounts who did not write */
	guint legal, media, accounts; /* left out: not named */
	guint opted_out, bounced;
	guint unusable;        /* left out: there is no address that a machine may write to, or the note is another incident's */
	guint unverified;      /* left out: the note is not signed with this site's secret */
	guint shadow;          /* left out: mode is shadow and he is no canary */
} Whom;

/* Counts who wrote in (and, with notice->contacts, the contacts of all accounts) for the incident with that id; one person once, however
 * the slices come. False with error where the store could not be asked. */
bool whom_count(Store *store, const Config *config, const Secret *secret, const Notice *notice, Whom *whom, GError **error);

/* Returns "3 legal, 1 bounced" of those left out, "" for nobody; caller frees. */
char *whom_left_out(const Whom *whom);
guint whom_left_out_count(const Whom *whom);

/* Returns how long `letters` take at `rate` a minute, for a person; caller frees. */
char *whom_duration(guint letters, gint64 rate);

#endif
