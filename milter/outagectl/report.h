/* report: the debrief of one incident: what happened, what was said when, how much mail came, who waited. Layer: program.
 *
 *     report_gather (store) -> Report -> report_judge (pure: promises, surge, waits) -> text, JSON, CSV or HTML
 *
 * What could not be read or was never seen is unknown, never zero: known flags, NAN and 0 times say which. An automatic acknowledgement is
 * called a receipt, and never counts as a response. Names of accounts are told; addresses of persons never are. */
#ifndef OUTAGECTL_REPORT_H
#define OUTAGECTL_REPORT_H

#include "outagectl/cli.h"
#include "store/notes.h"
#include "store/stats.h"

/* From one word to the next while it was open: whether it came when it was promised. */
typedef struct {
	gint64 from;           /* the word before */
	gint64 promised;       /* when the next was promised; 0 = nothing was */
	bool by_rule;          /* promised by the playbook's update_every alone */
	gint64 said;           /* when it came; 0 = not yet */
	gint64 overdue;        /* seconds too late so far; 0 = kept, or nothing was promised */
} ReportGap;

typedef struct {
	char *name;
	guint64 n;
} ReportCount;

typedef struct {
	char *name;
	guint64 mails;
	guint people;          /* of it who wrote */
	guint waiting;         /* of these without an answer of a person */
	guint again;           /* mails of theirs after the first and before the answer */
	gint64 first_at;       /* 0 = unknown */
	gint64 answered_at;    /* the first answer of a person to any of them; 0 = none was seen */
	gint64 waited;         /* seconds from first_at to answered_at, or to now; -1 = unknown */
} ReportAccount;

/* Mail a minute in steps; NAN where nothing was counted, or nothing is known. */
typedef struct {
	gint64 from, step;
	guint n;
	double *mail, *matched, *expected;
} ReportVolume;

typedef struct {
	/* which */
	gint64 now;
	char *name, *id;
	bool past;             /* a later incident has its name by now */
	IncidentState state;   /* of it; its word is unknown where word_known is false */
	bool word_known;
	bool events_known;     /* all of them could be read */
	Word severity;         /* the last that it had while it was open; WORD_NONE = unknown */
	char *texts[TEXT_FIELDS];
	const Playbook *playbook;    /* of its (last) severity, or NULL; owned by the configuration */
	gint64 resolved_for;   /* seconds */
	/* as read */
	GPtrArray *events;     /* StoreEvent *: its own, oldest first */
	GPtrArray *minutes;    /* StatsMinute *: of the incident, or NULL where they could not be read */
	GPtrArray *all;        /* the same of all support mail */
	GPtrArray *threads;    /* StatsThread *, or NULL */
	GHashTable *account_mails; /* char * -> guint64 *, or NULL */
	GHashTable *counters;  /* char * -> char *, or NULL */
	BaselineHour baseline[BASELINE_HOURS];
	bool baseline_known;   /* read; an hour may still be unknown */
	guint64 senders, distinct_accounts;
	bool distinct_known;
	bool observable;       /* a person's answer has been seen going out, ever */
	GPtrArray *notices;    /* StoredNotice *, or NULL */
	guint waiting;         /* mails of this incident that wait for a person now */
	bool waiting_known;
	GPtrArray *unread;     /* char *: what could not be read, and why */
	/* as judged */
	bool open;             /* it still is */
	gint64 begin, end;     /* of the time it was open, from the declaration; end 0 = it still is, or nobody knows */
	guint64 mail, matched; /* of all support mail in that time and the wave after it; of this incident */
	guint64 queued, shadow, sent, withdrawn, told;
	GArray *gaps;          /* ReportGap */
	GPtrArray *held, *languages, *rules, *escalated, *sensitive; /* ReportCount *, most first */
	StatsResponses responses;
	GPtrArray *accounts;   /* ReportAccount *, who waits first, then who has waited longest */
	ReportVolume volume;
	double peak;           /* highest mean of ten minutes of support mail, a minute; NAN = unknown */
	gint64 peak_at;        /* where those began */
	double expected, factor; /* at that hour; peak to it; NAN = no baseline yet */
	gint64 wave_from, wave_to; /* the time after the fix that is looked at; 0 = there is none */
	guint64 wave_mail, wave_matched, wave_affected;
	guint wave_people;     /* customers who wrote (again) after the fix */
} Report;

void report_free(Report *report);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Report, report_free)

/* Reads all of one incident. which: a name, an id, or NULL for the one declared last. The parts that cannot be read are named in
 * report->unread. NULL after the mistake was told; *status says what to return. Caller frees. */
Report *report_gather(Cli *cli, const char *which, int *status);

/* Makes of what was read what the report says. Pure. */
void report_judge(Report *report);
/* Its part on promises: report-promises.c. */
void report_judge_promises(Report *report);

/* report-words.c: how a person reads it. All but the last return what the caller frees. */
/* "45 s", "12 min", "3 h 20 min", "2 d 4 h". */
char *report_span(gint64 seconds);
/* "2026-11-21 15:10 UTC"; "unknown" for 0. */
char *report_time(gint64 seconds);
/* The title, else "Incident NAME". As it is: unescaped. */
char *report_title(const Report *report);
/* The three sentences that it opens with (char *, unescaped); freed with g_ptr_array_unref. */
GPtrArray *report_sentences(const Report *report);
/* What an event was ("declared P1", "update", ...), without its text. */
char *report_event(const StoreEvent *event);
/* Whether it tells a person anything: of a change of the promise alone the promise tells. */
bool report_event_is_told(const StoreEvent *event);
/* Whether its detail is text that belongs beside that. */
bool report_event_has_text(const StoreEvent *event);
/* How a promise went: "kept", "12 min late", "no time was promised", ... */
char *report_gap(const ReportGap *gap, gint64 now);
/* How long it was, or has been, open; "unknown". */
char *report_open_span(const Report *report);
/* How many of its promises had come due by now, of them *late too late. */
guint report_due(const Report *report, guint *late);
/* What is usual at the hour of the peak, and how many times that it was: with the reason where either is not known. */
char *report_expected(const Report *report);
char *report_factor(const Report *report);
/* Whether who wrote, and for which account, could be read. */
bool report_accounts_known(const Report *report);
/* A number, or "unknown" where !known. */
char *report_number(bool known, guint64 n);
/* A mean as "12.4", "unknown" for NAN. */
char *report_mean(double mean);

/* Print to stdout; the HTML to the file (or stdout for "-"): CLI_DONE or CLI_FAILED. */
void report_print_text(const Report *report);
void report_print_json(const Report *report);
void report_print_csv(const Report *report);
/* Returns the page; caller frees with g_string_free. site: the site's name. */
GString *report_html(const Report *report, const char *site);
/* Appends one cell of a CSV file (RFC 4180): in quotes where it has to be, and with a ' in front where a spreadsheet would take it for a
 * formula; control characters as log_escape tells them. */
void report_csv_cell(GString *row, const char *text);

#endif
