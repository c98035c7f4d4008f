/* learn: trains the weights of a model (model.h) from labelled texts. Layer: inspect. Pure; used by `outagectl learn` alone. */
#ifndef OUTAGE_INSPECT_LEARN_H
#define OUTAGE_INSPECT_LEARN_H

#include <glib.h>
#include <stdbool.h>

typedef struct {
	char *subject, *body; /* as normal_text leaves them */
	bool outage;
	double weight;        /* how often it counts, 1 for once */
} LearnText;

LearnText *learn_text_new(const char *subject, const char *body, bool outage);
void learn_text_free(LearnText *text);

typedef struct {
	guint outage, other;  /* texts that counted */
	guint alike;          /* near-duplicates left out */
	/* of texts that were held out of the training in turn (cross-validation), by the model alone */
	double f1, precision, recall; /* where it leans to outage mail: above 0 points */
	double recall_at_alarms;      /* where 1.5 % of other mail would be taken for outage mail */
} LearnReport;

/* texts: LearnText *, in any order. stamp: seconds since 1970, written into the file. The same texts and stamp give the same
 * bytes, in whatever order they come. Returns the file's bytes (caller unrefs), or NULL with OUTAGE_ERROR_INVALID where there
 * are too few texts of either kind. */
GBytes *learn_model(const GPtrArray *texts, gint64 stamp, LearnReport *report, GError **error);

#endif
