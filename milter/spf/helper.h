/* helper: one process of outage-spf: started, asked within a deadline, listened to. Layer: spf, private to client.c, which keeps
 * the pool and decides who lives. */
#ifndef OUTAGE_SPF_HELPER_H
#define OUTAGE_SPF_HELPER_H

#include <glib.h>
#include <stdbool.h>
#include <sys/types.h>

#include "inspect/authentic.h"

typedef enum { HELPER_IDLE, HELPER_BUSY, HELPER_DYING } HelperState;

typedef struct {
	pid_t pid;
	int channel;          /* our end of its standard input and output */
	int complaints;       /* our end of its standard error; -1 = it has ended */
	GString *complaint;   /* the line of it that is not finished */
	gsize loudness;       /* bytes of it since loud_since */
	gint64 loud_since;
	/* client.c's own, under its lock */
	HelperState state;
	gint64 started;       /* clock_mono_us */
	const char *why;      /* we killed it for this (static), or NULL: it died by itself */
	bool tell;            /* its death goes into the log */
} SpfHelper;

/* Starts program, with --nameserver=NAMESERVER unless that is NULL or "". NULL with OUTAGE_ERROR_SYSTEM. */
SpfHelper *spf_helper_start(const char *program, const char *nameserver, GError **error);

/* Closes and frees what is ours; ends no process and waits for none. */
void spf_helper_free(SpfHelper *helper);

/* Returns true where it has said nothing unasked (else *why, static, is set) and its end of the channel is open. Never waits. */
bool spf_helper_is_quiet(const SpfHelper *helper, const char **why);

/* Asks and waits until then (clock_mono_us). After false it is of no more use, for its answer may still come: OUTAGE_ERROR_SYSTEM:
 * it died, _UNAVAILABLE: it was silent, _INVALID: it answered nonsense. *reason is the caller's to free. */
bool spf_helper_ask(SpfHelper *helper, const SpfQuestion *question, guint64 serial, gint64 until, SpfAnswer *answer, char **reason,
    GError **error);

/* Ends the channel: it reads the end of its input, and whoever waits for its answer stops waiting. Any thread. */
void spf_helper_hang_up(SpfHelper *helper);

/* Reads what it wrote to its standard error and logs the lines. Never waits. False where that has ended or it is too loud; then
 * *why (static) is set where it is the latter. */
bool spf_helper_listen(SpfHelper *helper, const char **why);

/* The same until nothing is left; for one that has died. */
void spf_helper_last_words(SpfHelper *helper);

/* Returns true where it is dead and is a zombie no more; *status as of waitpid, -1 where somebody else has got it. Never waits. */
bool spf_helper_reap(SpfHelper *helper, int *status);

/* Returns how a process ended: "exit status 3", "signal 6 (Aborted)"; caller frees. */
char *spf_helper_fate(int status);

#endif
