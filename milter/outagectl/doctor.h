/* doctor: what `outagectl doctor` finds out about a site (doctor-gather*.c), what it makes of that (doctor-judge*.c) and how it tells it
 * (doctor-print.c). Layer: program.
 *
 * Gathering reads and changes nothing; judging is pure. */
#ifndef OUTAGECTL_DOCTOR_H
#define OUTAGECTL_DOCTOR_H

#include <sys/types.h>

#include "outagectl/postfix-conf.h"
#include "outagectl/status.h"

/* --- facts --- */

/* A file, folder or socket as it lies there. */
typedef struct {
	char *path;
	bool exists;
	guint mode;            /* its permission bits */
	gint64 uid, gid;
} PathFact;

/* One instance of Postfix. */
typedef struct {
	char *dir;             /* its configuration folder */
	GHashTable *settings;  /* char * -> char *: of main.cf, with its defaults; NULL where it could not be read */
	GPtrArray *services;   /* PostfixService *; NULL likewise */
	gint64 uid;            /* of mail_owner; -1 = there is no such user */
	GArray *groups;        /* gid_t: all of its groups */
	bool drops_results;    /* header_checks remove or refuse what comes in as Authentication-Results of an id that we trust */
} PostfixFact;

/* A Redis on this host that somebody might flip while the store is the embedded one. */
typedef struct { char *url, *word; } FlipFact; /* word: what its flip key says; NULL = it holds none */

/* A unit of ours, as systemctl has it. */
typedef struct { char *name, *enabled; } UnitFact; /* enabled: "enabled", "disabled", ...; "" = not known */

typedef struct {
	gint64 now;
	const Config *config;  /* NULL where there is none that can be used: then only mistakes, postfix and unread are known */
	char *config_path;
	gint64 config_changed; /* when, in seconds; 0 = not known */
	GPtrArray *mistakes;   /* char *: of configuration, rules and templates */
	Status *status;        /* status_gather's, the caller's; NULL without config */
	GPtrArray *postfix;    /* PostfixFact * */
	char *sendmail_path;   /* of sendmail.cf, where that is there; or NULL */
	char *sendmail_text;   /* its text, or NULL where it cannot be read */
	GPtrArray *socket;     /* PathFact *: the milter's unix socket, then the folders above it; empty where it listens on TCP */
	GPtrArray *socket_names; /* char *: its other paths, by links: as the package makes them into a queue directory, for a chrooted smtpd */
	bool socket_answers;   /* somebody accepts on it */
	bool socket_unknown;   /* it was not to be found out */
	PathFact *secret;      /* the file of the site secret; NULL without config */
	char *secret_trouble;  /* why it cannot be used; NULL = it can, or it was not to be read */
	char *fingerprint;     /* of it, or NULL */
	GPtrArray *flips;      /* FlipFact *: Redis servers that answered; looked for where the store is the embedded one only */
	bool counted;          /* what follows is known: mail of persons of the last day, and after the last change of the configuration */
	guint64 persons, unauthenticated;
	char *client;          /* by which most of the unauthenticated came, or NULL */
	guint64 client_mails;
	bool dns_silent;       /* SPF is on, and no name server answered */
	char *dkim_path;       /* of OpenDKIM's configuration where that is there and can be read, or NULL */
	bool dkim_signs;       /* its Mode */
	bool dkim_table;       /* which domains it signs for stands in its SigningTable */
	GPtrArray *dkim_domains; /* char *: domains and patterns that it signs for; NULL = not to be told */
	GPtrArray *units;      /* UnitFact *; empty where systemd does not run */
	GPtrArray *leftovers;  /* char *: what packages have left beside our files */
	GPtrArray *unread;     /* char *: "what: why" of what could not be read */
} DoctorFacts;
void doctor_facts_clear(DoctorFacts *facts);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(DoctorFacts, doctor_facts_clear)

/* Makes the lists; nothing is known. */
void doctor_facts_init(DoctorFacts *facts);
void postfix_fact_free(PostfixFact *fact);
void path_fact_free(PathFact *fact);

/* --- findings --- */

typedef enum { FOUND_WRONG, FOUND_LOOK, FOUND_FINE } FoundSeverity;

typedef struct {
	FoundSeverity severity;
	const char *check;     /* which check it is of; does not change between versions */
	char *what;            /* one sentence */
	char *means;           /* one sentence: for customers; NULL where it is fine */
	char *file;            /* what `line` goes into; NULL: nowhere, or it is a command */
	char *place;           /* where in it: a group of our configuration ("spf"), a service of master.cf ("smtp/inet"); or NULL */
	char *line;            /* to be put there, in place of the setting of that name where there is one; or a command to run; or NULL */
} Finding;
void finding_free(Finding *finding);

/* Appends a finding; means NULL: it is fine. Returns it, for the line to be added. */
Finding *doctor_add(GPtrArray *findings, FoundSeverity severity, const char *check, const char *means, const char *format, ...)
	G_GNUC_PRINTF(5, 6);
/* A line of our own configuration: setting is a dotted name, value as it is written there. */
void doctor_fix_setting(Finding *finding, const DoctorFacts *facts, const char *setting, const char *format, ...) G_GNUC_PRINTF(4, 5);
/* A setting of Postfix: of service, where that is not NULL, in its master.cf, else of main.cf. */
void doctor_fix_postfix(Finding *finding, const PostfixFact *postfix, const PostfixService *service, const char *name,
    const char *format, ...)
	G_GNUC_PRINTF(5, 6);
/* A command, as root. */
void doctor_fix_run(Finding *finding, const char *format, ...) G_GNUC_PRINTF(2, 3);

/* Judges all of it: the worst first (Finding *). Caller unrefs. */
GPtrArray *doctor_judge(const DoctorFacts *facts);
/* How many of findings are of that severity. */
guint doctor_count(const GPtrArray *findings, FoundSeverity severity);
/* The parts of doctor_judge: doctor-judge-postfix.c, doctor-judge-replies.c. */
void doctor_judge_postfix(GPtrArray *findings, const DoctorFacts *facts);
void doctor_judge_replies(GPtrArray *findings, const DoctorFacts *facts, const PostfixFact *postfix);
void doctor_judge_sendmail(GPtrArray *findings, const DoctorFacts *facts);

/* --- what both halves of the Postfix part know, doctor-milters.c; pure --- */

/* How an entry of a list of milters stands to our milter. */
typedef enum {
	MILTER_OTHER,
	MILTER_OURS,           /* it is reached by it */
	MILTER_UNREACHED,      /* it is meant, and its socket is not where smtpd looks */
	MILTER_MISWRITTEN      /* it is meant, in libmilter's notation inet:PORT@HOST, or without "inet:" or "unix:" */
} MilterKind;
MilterKind doctor_milter_kind(const DoctorFacts *facts, const PostfixFact *postfix, const PostfixService *service,
    const PostfixMilter *milter);
/* Returns the index of the first of milters (PostfixMilter *) that is meant to be ours, with *kind (may be NULL), or -1. */
int doctor_find_ours(const DoctorFacts *facts, const PostfixFact *postfix, const PostfixService *service, const GPtrArray *milters,
    MilterKind *kind);
/* Returns the endpoint by which service reaches our milter as it is configured, or NULL where it cannot; caller frees. */
char *doctor_own_endpoint(const DoctorFacts *facts, const PostfixFact *postfix, const PostfixService *service);
/* Returns a list of milters: those of milters that are not ours, and behind them, where own is not NULL, that entry. Caller frees. */
char *doctor_milter_list(const DoctorFacts *facts, const PostfixFact *postfix, const PostfixService *service, const GPtrArray *milters,
    const char *own);
/* Whether a milter besides ours looks at what customers send (doctor-judge-postfix.c). */
bool doctor_has_filter(const DoctorFacts *facts, const PostfixFact *postfix);
/* Whether service is an smtpd that takes mail. */
bool doctor_is_smtpd(const PostfixService *service);
/* Whether service is the one that reply.relay hands replies to. */
bool doctor_takes_replies(const DoctorFacts *facts, const PostfixService *service);

/* --- gathering --- */

typedef struct {
	char **postfix;        /* configuration folders; NULL: all that postmulti(1) knows */
	char **redis;          /* URLs to look for a flip key at, besides the usual ones */
	char *sendmail;        /* path of sendmail.cf */
	char *opendkim;        /* path of opendkim.conf */
} DoctorOptions;
/* Gathers all of it within about ten seconds, whatever is away. cli->config may be NULL; it is opened and read through cli. status:
 * zeroed, and kept as long as facts. */
void doctor_gather(Cli *cli, const DoctorOptions *options, Status *status, DoctorFacts *facts);
/* Its parts: doctor-gather-postfix.c, doctor-gather-files.c. */
void doctor_gather_postfix(const DoctorOptions *options, DoctorFacts *facts);
void doctor_gather_files(const DoctorOptions *options, DoctorFacts *facts);
/* Runs argv within five seconds. Returns what it wrote to its standard output, at most 1 MB, or NULL with error. Caller frees. */
char *doctor_run(char *const *argv, GError **error);

/* --- telling --- */

void doctor_print(const GPtrArray *findings);
void doctor_print_json(const GPtrArray *findings);

#endif
