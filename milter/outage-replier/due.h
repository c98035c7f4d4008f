/* due: what is due to whom besides acknowledgements: notices, entries of the feed, pages. Layer: program. Pure: the spread thread
 * (spread.h) asks before it claims a letter, and the worker (work-job.c) once more before it sends one. To whom a notice goes, says
 * store/audience.h. */
#ifndef OUTAGE_REPLIER_DUE_H
#define OUTAGE_REPLIER_DUE_H

#include "config/config.h"
#include "inspect/facts.h"
#include "store/note.h"
#include "store/store.h"

/* --- notices --- */

/* Returns why nothing more of a notice with that letter ("update-...", "resolved-...", "postmortem-..."), ordered for that id and
 * epoch, is to be told while its incident's state is this (NULL: there is none), in plain words (static); NULL where it still
 * holds. */
const char *due_notice_over(const char *letter, const char *id, guint64 epoch, const IncidentState *state);

/* --- the feed --- */

/* Returns the letter to `recipient` about an event, or NULL where the event is none for the feed, is of no incident that can be named,
 * or is older than an hour. incident: as it stands now, or NULL. Caller frees. */
ClaimRequest *due_feed_request(const Config *config, const StoreEvent *event, const Incident *incident, const char *recipient,
    gint64 now);

/* --- pages --- */

/* Returns true where somebody is to be called again, by how often and when that was done; whether the mail still is a reason,
 * due_page_holds says. */
bool due_page(const Config *config, const StoredNote *note, gint64 now);
/* Returns true where the mail is one to call a person for: incident (NULL: there is none of that name) is still on, and the mode is
 * live. */
bool due_page_holds(const Config *config, const Facts *facts, const Incident *incident, gint64 now);

/* Returns who is written to (char *): the account's manager, else page.to. Points into facts and config. Caller unrefs. */
GPtrArray *due_page_recipients(const Config *config, const Facts *facts);

/* Returns the letter to `recipient` for the call of that number (1 = the first) about the mail under `key`, or NULL where the address
 * is unusable. since: when the mail came. Caller frees. */
ClaimRequest *due_page_request(const Config *config, const Facts *facts, const char *key, const Incident *incident,
    const char *recipient, guint number, gint64 since);

/* Returns the environment of page.command: PATH, HOME and LANG of our own, and what the call is about. Every value is one line. Caller
 * frees with g_strfreev. */
char **due_page_environment(const Config *config, const Facts *facts, const Incident *incident, guint number, gint64 since);

#endif
