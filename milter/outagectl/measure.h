/* measure: how good a detection is: verdicts beside what is known of the mails. Layer: program. */
#ifndef OUTAGECTL_MEASURE_H
#define OUTAGECTL_MEASURE_H

#include <glib.h>
#include <stdbool.h>

/* Which part of the score decides. */
typedef enum { MEASURE_BOTH, MEASURE_RULES, MEASURE_MODEL, MEASURES } MeasureBy;

/* One mail, decided. */
typedef struct {
	char *id, *source;
	char *language;        /* as known, or as found */
	bool outage;           /* as known */
	double points[MEASURES], threshold;
	char *rules, *words;   /* comma lists */
	char *text;            /* its beginning, on one line, escaped */
	char *wanted, *found;  /* escalation classes: comma lists; wanted NULL: nobody said */
} Measured;

Measured *measured_new(void);
void measured_free(Measured *measured);

typedef struct {
	guint hits, alarms, missed, passed; /* found rightly, wrongly; not found wrongly, rightly */
} Counts;

/* mails: Measured *. */
Counts measure_count(const GPtrArray *mails, MeasureBy by);

/* The mails of one source or of one language. */
typedef struct {
	const char *key;       /* owned by mails */
	Counts counts;         /* by the whole score */
} MeasurePart;

typedef const char *(*MeasureKey)(const Measured *measured);
const char *measure_source(const Measured *measured);
const char *measure_language(const Measured *measured);

/* NaN-free: 0 where there is nothing to divide by. */
double counts_precision(Counts counts);
double counts_recall(Counts counts);
double counts_f1(Counts counts);
double counts_false_alarms(Counts counts); /* of other mail, 0 to 1 */

/* Returns the recall where the threshold is such that at most that share (0 to 1) of other mail is found. */
double measure_recall_at(const GPtrArray *mails, MeasureBy by, double share);

/* Returns the F1 at the threshold that suits these mails best. Rules and model are made to reach the threshold together, so this tells what
 * either knows. */
double measure_best_f1(const GPtrArray *mails, MeasureBy by);

/* Returns the parts that the keys divide mails into, sorted by key. MeasurePart; caller unrefs. */
GArray *measure_parts(const GPtrArray *mails, MeasureKey of);

/* All escalation classes, NULL last. */
extern const char *const measure_escalations[];

/* Counts an escalation class over the mails of which it is known whether they have one ("-": none); name NULL: any class, so
 * that a mail is a hit where one is known and one, be it another, was found. */
Counts measure_escalation(const GPtrArray *mails, const char *name);

/* Returns how many of the class's alarms are on mails of which another class is known: tables often name but one of two that
 * fit. */
guint measure_escalation_elsewhere(const GPtrArray *mails, const char *name);

/* Returns at most count mails on the wrong side by the whole score, the worst first: false alarms, or else missed ones. Measured
 * *, owned by mails. */
GPtrArray *measure_worst(const GPtrArray *mails, bool alarms, guint count);

#endif
