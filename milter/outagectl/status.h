/* status: what `outagectl status` knows, shared by the files that gather (status-nodes.c), judge (status-wrong.c) and print it
 * (cmd-status.c, status-json.c). Layer: program. */
#ifndef OUTAGECTL_STATUS_H
#define OUTAGECTL_STATUS_H

#include "ops/heard.h"
#include "outagectl/cli.h"
#include "outagectl/spool-view.h"
#include "outagectl/waiting.h"
#include "store/alarms.h"
#include "store/stats.h"

/* An incident as a node sees it. */
typedef struct { char *id, *word; } SeenState;

/* A milter or replier by its last heartbeat. What it does not say is NULL, 0 or, where marked, -1. Everything in it is the node's own
 * word and may be anything. */
typedef struct {
	char *name, *program, *version, *last_error, *secret;
	gint64 at;             /* its last word, seconds since the epoch; 0 = never heard */
	bool silent;           /* for longer than HEARD_ALIVE_SECONDS */
	gint64 pid, generation, age, losses, last_error_at, problems, problems_seen, accounts, accounts_broken, sent, clock; /* -1 = unsaid */
	bool without_model;      /* its rules tell outage mail alone */
	bool shadow;             /* the mode that it works in, whatever the configuration says by now */
	bool store_empty;
	bool has_state;
	GPtrArray *state;      /* SeenState * */
	char *differs;         /* where that is not what the store says, in words; or NULL */
	gint64 spool_local, spool_held, spool_asked, spool_dead;
	guint64 jobs;          /* in its hands */
} StatusNode;

/* The order in which it hurts: mail that is not looked at, customers who are not answered, those who are answered wrongly or late,
 * and what may come to that. */
typedef enum {
	RANK_STORE_AWAY, RANK_STORE_FULL, RANK_NO_MILTER, RANK_SHADOW, RANK_NO_SUPPORT, RANK_NO_AUTHENTICATION, RANK_STORE_EMPTY, RANK_UNREAD,
	RANK_PAUSED, RANK_FULL, RANK_HELD_BACK, RANK_NO_REPLIER, RANK_PERSON,
	RANK_ALARM, RANK_NODE_DIFFERS, RANK_NODE_SILENT, RANK_DEAD, RANK_WAITING, RANK_EVICTS, RANK_NOT_SAFE, RANK_OVERDUE, RANK_ENTRIES,
	WRONG_RANKS
} WrongRank;

typedef struct { WrongRank rank; bool alarm; char *text; } Wrong; /* alarm: one of Status.alarms */

typedef struct { char *incident, *id; StoredNotice *stored; } StatusNotice;

/* What is counted of one incident. */
typedef struct {
	char *id;
	gint64 declared_at;
	GHashTable *counters;  /* as store_counters gives them, with what the milters have counted (MATCHED, HELD); NULL = not known */
	GHashTable *past;      /* char * -> guint64 *: what the milters had counted before past_to; NULL = not known */
	gint64 past_to;
	bool responses_known;
	StatsResponses responses;
} StatusCounts;

#define STATUS_MINUTES 60

/* Support mail of the last hour. */
typedef struct {
	bool known;
	gint64 first;          /* when the first of the minutes began */
	double mails[STATUS_MINUTES]; /* -1 = no node counted then; the last one is not over yet */
	double usual[STATUS_MINUTES]; /* what such a minute usually has; -1 = not known */
	double rate, usual_rate;      /* mails a minute of the last ten that are over; -1 = not known */
	bool distinct_known;
	guint64 senders, accounts;    /* distinct, of that hour */
} StatusVolume;

typedef struct {
	gint64 now;
	char *away;            /* why the store cannot be reached, or NULL */
	Snapshot *snapshot;    /* of the store; where that is away what this node kept; NULL where it kept nothing */
	QueueCounts queue;
	StoreInfo *info;       /* or NULL */
	GPtrArray *nodes;      /* StatusNode *, never NULL */
	char *nodes_trouble;   /* why the nodes cannot be read, or NULL */
	SpoolView spool;       /* this node's */
	GPtrArray *waiting;    /* Waiting *: who waits for a person, the largest accounts first, WAITING_MAX at most; NULL = not known */
	guint waiting_count;   /* how many there are */
	GPtrArray *notices;    /* StatusNotice *: of the incidents that are on or resolved; NULL = not known */
	char *waiting_trouble; /* why these two cannot be read, or NULL */
	GPtrArray *counts;     /* StatusCounts *: of the incidents that are on or resolved, never NULL */
	gint64 threads_at;     /* when their threads were read; 0 = never */
	bool responses_known, responses_seen; /* whether a person's answer has ever been seen going out: known, and so */
	StatusVolume volume;
	GPtrArray *alarms;     /* StoredAlarm *: those that stand, the oldest first; NULL = not known */
	GPtrArray *wrong;      /* Wrong *, the worst first */
	char *summary;         /* one line */
} Status;

/* cmd-status.c: gathers all that, over cli->store, which is opened where it is NULL and closed where it is lost. before: what was gathered
 * last, or NULL: threads that were read from it not long ago are taken from there, for there may be thousands. */
void status_gather(Cli *cli, Status *status, const Status *before);
void status_clear(Status *status);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Status, status_clear)

/* status-figures.c: fills counts, volume, responses and alarms; what cannot be read stays unknown. snapshot has to be there. */
void status_read_figures(Cli *cli, Status *status, const Status *before);
void status_counts_free(StatusCounts *counts);
/* Those of the incident id (may be NULL), or NULL. */
const StatusCounts *status_counts_find(const Status *status, const char *id);
/* One line each in plain words; NULL where there is nothing to say. Caller frees. */
char *status_responses_text(const Status *status, const StatusCounts *counts);
char *status_volume_text(const Status *status);
void status_json_responses(JsonBuilder *builder, const Status *status, const StatusCounts *counts);
void status_json_figures(JsonBuilder *builder, const Status *status);

/* status-nodes.c: fills nodes from the heartbeats (StoreNode *) and the shares of the queue (StoreShare *; may be NULL). snapshot has
 * to be there. */
void status_read_nodes(Status *status, const GPtrArray *heartbeats, const GPtrArray *shares);
void status_node_free(StatusNode *node);

/* status-waiting.c: fills waiting and notices; prints them. snapshot has to be there. */
void status_read_waiting(Cli *cli, Status *status);
void status_print_waiting(const Status *status);
void status_json_waiting(JsonBuilder *builder, const Status *status);
/* How many of these wait for longer than they were to; *first (NULL where none does): the one of the largest account. */
guint status_overdue(const Status *status, const Waiting **first);
void status_notice_free(StatusNotice *notice);

/* status-wrong.c: fills wrong and summary from all the rest. */
void status_judge(Status *status, const Config *config);
void wrong_free(Wrong *wrong);

/* status-json.c: prints it as one object. */
void status_print_json(Cli *cli, const Status *status);

/* status-words.c */
#define MATCHED "matched"
/* What was held back stands under this and a reason code. */
#define HELD "held:"
/* Names of counters, in order; caller frees, the names stay the table's. */
GPtrArray *status_counter_names(GHashTable *counters);
/* The URL without its password; caller frees. */
char *status_shown_url(const char *url);
/* How long ago that was, for a person; caller frees. */
char *status_ago(gint64 now, gint64 then);

#endif
