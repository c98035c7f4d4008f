/* incident: what the flip key says, how an incident opens and ends, and the snapshot that every decision reads.
 * Layer: incident. Pure: no I/O. doc/contract.md 3 and 4 are its specification. */
#ifndef OUTAGE_INCIDENT_INCIDENT_H
#define OUTAGE_INCIDENT_INCIDENT_H

#include <glib.h>
#include <stdbool.h>

/* The flip key's words. The order is that of severity: lower is worse. */
typedef enum { WORD_P1, WORD_P2, WORD_P3, WORD_RESOLVED, WORD_NONE } Word;

/* Reads a flip word: P1, P2, P3, resolved, none; any case, white space around it ignored; NULL or empty = none.
 * Returns false, leaving *word alone, for anything else. size -1 = up to NUL. */
bool word_parse(const char *text, gssize size, Word *word);

/* Returns "P1", "P2", "P3", "resolved" or "none" (static). */
const char *word_name(Word word);

/* Returns true for P1, P2, P3. */
static inline bool word_is_open(Word word) { return word <= WORD_P3; }

/* NAME: [a-z0-9][a-z0-9_-]{0,31}, not a severity word, not "default". */
bool incident_name_valid(const char *name);

/* Phases as Statuspage names them. */
bool incident_phase_valid(const char *phase);

/* outage:state:NAME. Times in seconds since the epoch, 0 = unset. */
typedef struct {
	Word flip;           /* the word last acted on */
	Word word;           /* what holds: as flip, but none where `resolved` came with nothing open */
	char *id;            /* of the newest incident, open or not; NULL if there never was one */
	gint64 declared_at;
	gint64 reopened_at;  /* when it last came back under its old id; 0 if it never did */
	gint64 resolved_at;
	gint64 ended_at;     /* when it went to none */
	gint64 changed_ms;   /* when a transition or an operator last wrote it, by the store's clock, in milliseconds; 0 = unknown. A
	                      * state that reads older than one seen before comes from a store that went back in time. */
	guint64 epoch;       /* grows with every withdrawal: jobs of an older epoch are withdrawn */
} IncidentState;

void incident_state_clear(IncidentState *state);
void incident_state_copy(IncidentState *to, const IncidentState *from);

/* What a transition did, for outage:events. */
typedef enum {
	TRANSITION_NOTHING, TRANSITION_OPENED, TRANSITION_REOPENED, TRANSITION_SEVERITY, TRANSITION_RESOLVED, TRANSITION_ENDED,
	TRANSITION_RESOLVED_NOTHING,
	TRANSITION_CONTINUED /* the store had lost its state, or had gone back in time: it goes on under its own id (store/lua/incident.lua) */
} Transition;

/* Returns the event's name, e.g. "opened" (static). */
const char *transition_name(Transition transition);

/* How far ahead of now a time may lie that the store says has been, in seconds: more is a wrong clock, or a wrong hand. */
#define INCIDENT_AHEAD_MAX 3600

/* Returns why `read` cannot be the newest state of the incident, for before (may be NULL) was seen and is newer: in words that say what to
 * do, for where: what was read. NULL where it can. now_ms: by the store's clock. A changed_ms that is unknown or lies far ahead says
 * nothing. Caller frees. */
char *incident_state_went_back(const char *where, const IncidentState *read, const IncidentState *before, gint64 now_ms);

/* Applies word at time now (seconds) to *state. The one place where the rules of doc/contract.md 4 stand in C;
 * store/lua/incident.lua holds the same, and tests/unit/test-store.c runs both. reopen_within in seconds. */
Transition incident_transition(IncidentState *state, const char *name, Word word, gint64 now, gint64 reopen_within);

/* The texts of outage:incident:NAME, each NULL where unset. */
typedef enum {
	TEXT_TITLE, TEXT_SCOPE, TEXT_COMPONENTS, TEXT_MATCH, TEXT_WORKAROUND, TEXT_STATUS_URL, TEXT_NEXT_UPDATE_AT, TEXT_ETA,
	TEXT_CAUSE, TEXT_FIX, TEXT_PREVENTION, TEXT_POSTMORTEM_URL, TEXT_POSTMORTEM_DUE, TEXT_CONTACT, TEXT_OFFER, TEXT_PHASE,
	TEXT_FIELDS
} TextField;

/* Returns the hash field's name, e.g. "status_url" (static). */
const char *text_field_name(TextField field);

/* Returns the field of that name, or TEXT_FIELDS where there is none. */
TextField text_field_find(const char *name);

/* Checks one value as it came from the store or the command line: valid UTF-8, at most 4 KB, no control characters but
 * newline and tab, times RFC 3339, phase known, match at most 1 KB. Returns false with OUTAGE_ERROR_INVALID. */
bool text_field_check(TextField field, const char *value, GError **error);

/* One incident as a node sees it. */
typedef struct {
	char *name;
	IncidentState state;
	char *texts[TEXT_FIELDS];
	char *update_text;     /* newest entry of outage:updates:NAME since it was declared or reopened, or NULL */
	gint64 update_at;
	gpointer match;        /* compiled TEXT_MATCH, or NULL; made and owned by snapshot_compile's callback */
	GDestroyNotify match_free;
} Incident;

Incident *incident_new(const char *name);
/* Returns a copy of everything but the compiled match, which belongs to the snapshot it was made for. */
Incident *incident_copy(const Incident *from);
void incident_free(Incident *incident);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Incident, incident_free)

/* Returns the phase: the word outranks the text; "investigating" where nothing is set, "resolved" after the fix. */
const char *incident_phase(const Incident *incident);

/* Returns true while answers are due at `now`: open, or resolved less than resolved_for (seconds) ago. */
bool incident_is_active(const Incident *incident, gint64 now, gint64 resolved_for);

/* Returns since when it has been on: what was said before that is not said of what is broken now. */
gint64 incident_on_since(const IncidentState *state);

/* Returns the time of the last word about it: newest of declared_at, reopened_at, resolved_at and update_at. */
gint64 incident_last_word(const Incident *incident);

/* Returns for when the next update of an open incident is promised (seconds): by the text next_update_at, until an update has kept that (one
 * that comes up to two minutes early does; who speaks earlier still owes the word, for letters go on naming the time);
 * else `every` seconds (Playbook.update_every; 0 = no cadence) after the last word. 0
 * where nothing is promised, or nothing is open. A time that has passed is a promise that was broken. */
gint64 incident_promise(const Incident *incident, gint64 every);

/* Everything a decision needs of the store; immutable once published, shared by reference. */
typedef struct {
	GPtrArray *incidents;  /* Incident *, all names known, `default` first */
	char *pause;           /* reason, or NULL where not paused ("" never) */
	gint64 taken_at;       /* when the store was last heard (seconds, own clock) */
	gint64 heard_us;       /* the same by the monotonic clock, which no jump of the other moves; 0 = never heard */
	char *life;            /* which store it was: changes where the store lost its memory or another server took its place. NULL = unknown */
	gint64 generation;     /* grows by one with each snapshot of this process */
	bool store_empty;      /* flip key and all states vanished at once: incidents are the last good ones */
	GPtrArray *problems;   /* char *: what could not be read, in plain words */
} Snapshot;

Snapshot *snapshot_new(void);
Snapshot *snapshot_ref(Snapshot *snapshot);
void snapshot_unref(Snapshot *snapshot);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Snapshot, snapshot_unref)

/* Returns how long ago the store was heard, in seconds; now_us: the monotonic clock. Far beyond any limit where it never was. */
gint64 snapshot_age(const Snapshot *snapshot, gint64 now_us);

/* Returns the incident of that name or NULL; owned by the snapshot. */
Incident *snapshot_find(const Snapshot *snapshot, const char *name);

/* Returns true where any incident is active. */
bool snapshot_is_active(const Snapshot *snapshot, gint64 now, gint64 resolved_for);

#endif
