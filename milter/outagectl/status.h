/* status: what `outagectl status` knows, shared by the files that gather (status-nodes.c), judge (status-wrong.c) and print it
 * (cmd-status.c, status-json.c). Layer: program. */
#ifndef OUTAGECTL_STATUS_H
#define OUTAGECTL_STATUS_H

#include "outagectl/cli.h"
#include "outagectl/spool-view.h"
#include "outagectl/waiting.h"

/* A node that has said nothing for a minute is not running. */
#define NODE_ALIVE_SECONDS 60

/* An incident as a node sees it. */
typedef struct { char *id, *word; } SeenState;

/* A milter or replier by its last heartbeat. What it does not say is NULL, 0 or, where marked, -1. Everything in it is the node's own
 * word and may be anything. */
typedef struct {
	char *name, *program, *version, *last_error;
	gint64 at;             /* its last word, seconds since the epoch; 0 = never heard */
	bool silent;           /* for longer than NODE_ALIVE_SECONDS */
	gint64 pid, generation, age, losses, last_error_at, problems, problems_seen, accounts, accounts_broken, sent; /* -1 = unsaid */
	bool without_model;      /* its rules tell outage mail alone */
	bool store_empty;
	bool has_state;
	GPtrArray *state;      /* SeenState * */
	char *differs;         /* where that is not what the store says, in words; or NULL */
	gint64 spool_local, spool_held, spool_asked, spool_dead;
	guint64 jobs;          /* in its hands */
} StatusNode;

typedef struct { int rank; char *text; } Wrong;

typedef struct { char *incident, *id; StoredNotice *stored; } StatusNotice;

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
	GPtrArray *wrong;      /* Wrong *, the worst first */
	char *summary;         /* one line */
} Status;

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

/* cmd-status.c */
/* What the store counts as held back stands under this and a reason code. */
#define HELD "held:"
/* Names of counters, in order; caller frees, the names stay the table's. */
GPtrArray *status_counter_names(GHashTable *counters);
/* The URL without its password; caller frees. */
char *status_shown_url(const char *url);
/* How long ago that was, for a person; caller frees. */
char *status_ago(gint64 now, gint64 then);

#endif
