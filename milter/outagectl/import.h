/* import: what a status page, or another program, says of an incident, read from JSON (import-read.c) and brought in (cmd-import.c). Layer:
 * program.
 *
 * All of it is a stranger's: every text is plain, valid UTF-8 without control and direction characters and of a length that the store takes,
 * before anything else looks at it. What may be said to customers is checked later, against the configuration. */
#ifndef OUTAGECTL_IMPORT_H
#define OUTAGECTL_IMPORT_H

#include <glib.h>
#include <stdbool.h>

#include "incident/incident.h"

/* Updates of one incident that are looked at, the newest. */
#define IMPORT_UPDATES_MAX 100

typedef struct {
	char *key;             /* [A-Za-z0-9_-]{1,64}: the source's id of it, or a digest of time and text */
	char *digest;          /* eight hex digits of a digest of the text: changes where it was edited */
	gint64 at;             /* 0 = unknown */
	char *text;            /* never "" */
} ImportUpdate;

/* One incident as the source tells it. */
typedef struct {
	char *key;             /* [A-Za-z0-9_-]{1,64}: the source's id of it, or a digest of its title */
	char *texts[TEXT_FIELDS]; /* NULL: nothing is said of it; "" (JSON of our own only): unset */
	char *links[3];        /* of a status page, the best first: the first that replies may carry becomes the status_url; NULL = no more */
	Word word;             /* its severity; WORD_NONE: none is given */
	bool resolved;
	GPtrArray *updates;    /* ImportUpdate *, oldest first */
} Imported;
void imported_free(Imported *imported);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Imported, imported_free)

/* Reads what Atlassian's status pages publish at /api/v2/summary.json (incidents that are not over) and /api/v2/incidents.json (the last
 * fifty). text: size bytes. Returns the incidents (Imported *) in the order of the page; other members are passed over. NULL with
 * OUTAGE_ERROR_INVALID, which names the place. Caller unrefs.
 *
 *     page.url                                       text
 *     incidents[].id, .name, .status                 text, required
 *     incidents[].impact, .shortlink                 text: none, minor, major, critical
 *     incidents[].components[].name                  text
 *     incidents[].incident_updates[].body            text, may hold HTML
 *     incidents[].incident_updates[].id, .created_at text */
GPtrArray *import_read_statuspage(const char *text, gsize size, GError **error);

/* Reads JSON of our own: one object with any of the members below and no others. As above.
 *
 *     id, title, scope, workaround, status_url, phase, next_update_at, eta, cause, fix, prevention, postmortem_url, postmortem_due, contact
 *                                  text; times as RFC 3339; "" unsets
 *     components                   text, or a list of texts
 *     severity                     P1, P2 or P3
 *     resolved                     true or false
 *     updates                      a list of { "text": ..., "id": ..., "at": RFC 3339 }, of which only text is required
 *
 * There is no `match` and no `offer`: what mail belongs to an incident, and what is promised, a site decides itself. */
Imported *import_read_json(const char *text, gsize size, GError **error);

/* Returns the updates (ImportUpdate *, owned by imported) that are to be added, oldest first: those after the newest that is known, and that
 * one again where its text was edited since. known: char *, "KEY/DIGEST" of updates that were added, in any order. Caller unrefs. */
GPtrArray *import_new_updates(const Imported *imported, const GPtrArray *known);

#endif
