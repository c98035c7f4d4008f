/* learn: labelled texts -> model file (see learn.h). Layer: inspect. Pure. learn-corpus.c numbers the features, learn-alike.c
 * finds near-duplicates, learn-train.c finds the weights, model-make.c writes them. */
#include "inspect/learn-private.h"

#include <math.h>
#include <string.h>

#include "base/error.h"
#include "inspect/model-private.h"

/* Of either kind; fewer teach nothing that holds for the next mail. */
#define TEXTS_MIN 20
/* Each part is held out in turn. */
#define PARTS 5
/* Calibration: 0 points are where so many of the other texts held out lie beyond; SURE_POINTS, the usual threshold, where so
 * many of outage mail do. Both are shares of hundreds of texts; the few false alarms that are left at the threshold would be too
 * few to go by. */
#define ZERO_BEYOND 0.045
#define SURE_BEYOND 0.16
#define SURE_POINTS 5.0
/* Between the two, in margins, at least this. */
#define STEEPEST 0.5
/* The share of false alarms at which the report says how much is found. */
#define ALARMS 0.015

LearnText *learn_text_new(const char *subject, const char *body, bool outage)
{
	LearnText *text = g_new0(LearnText, 1);

	text->subject = g_strdup(subject);
	text->body = g_strdup(body);
	text->outage = outage;
	text->weight = 1;
	return text;
}

void learn_text_free(LearnText *text)
{
	if (text == NULL)
		return;
	g_free(text->subject);
	g_free(text->body);
	g_free(text);
}

/* ---- cross-validation ---- */

/* Returns the side of each example on a plane that did not see it. */
static double *held_out_sides(const Corpus *corpus)
{
	double *sides = g_new0(double, corpus->examples->len + 1);

	for (guint part = 0; part < PARTS; part++) {
		g_autoptr(Plane) plane = plane_new(corpus, PARTS, part);

		for (guint i = 0; i < corpus->examples->len; i++) {
			const Example *example = g_ptr_array_index(corpus->examples, i);

			if (example->key % PARTS == part)
				sides[i] = plane_side(plane, example);
		}
	}
	return sides;
}

static int ascending(gconstpointer a, gconstpointer b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

/* points = slope * side + offset */
typedef struct {
	double slope, offset;
} Scale;

/* Returns the sides of the texts of one kind, ascending. Caller frees. */
static GArray *sides_of(const Corpus *corpus, const double *sides, bool outage)
{
	GArray *some = g_array_new(FALSE, FALSE, sizeof(double));

	for (guint i = 0; i < corpus->examples->len; i++)
		if (((const Example *)g_ptr_array_index(corpus->examples, i))->outage == outage)
			g_array_append_val(some, sides[i]);
	g_array_sort(some, ascending);
	return some;
}

/* Returns what that share of values, which are ascending, lies beyond. */
static double beyond(const GArray *values, double share)
{
	return g_array_index(values, double, values->len - 1 - (guint)(share * values->len));
}

static Scale calibrate(const Corpus *corpus, const double *sides)
{
	g_autoptr(GArray) outage = sides_of(corpus, sides, true), other = sides_of(corpus, sides, false);
	double zero = beyond(other, ZERO_BEYOND);
	double sure = MAX(beyond(outage, SURE_BEYOND), zero + STEEPEST);
	Scale scale = { .slope = SURE_POINTS / (sure - zero) };

	scale.offset = -zero * scale.slope;
	return scale;
}

static void report_on(LearnReport *report, const Corpus *corpus, const double *sides, Scale scale)
{
	g_autoptr(GArray) outage = sides_of(corpus, sides, true), other = sides_of(corpus, sides, false);
	guint hits = 0, alarms = 0, found = 0;

	*report = (LearnReport){ .outage = outage->len, .other = other->len, .alike = corpus->alike };
	for (guint i = 0; i < outage->len; i++) {
		double side = g_array_index(outage, double, i);

		hits += scale.slope * side + scale.offset > 0;
		found += other->len > 0 && side > beyond(other, ALARMS);
	}
	for (guint i = 0; i < other->len; i++)
		alarms += scale.slope * g_array_index(other, double, i) + scale.offset > 0;
	report->precision = hits + alarms > 0 ? (double)hits / (hits + alarms) : 0;
	report->recall = outage->len > 0 ? (double)hits / outage->len : 0;
	report->f1 = hits > 0 ? 2.0 * hits / (hits + alarms + outage->len) : 0;
	report->recall_at_alarms = outage->len > 0 ? (double)found / outage->len : 0;
}

/* ---- the file ---- */

static GBytes *make_file(const Corpus *corpus, const Plane *plane, Scale scale, const LearnReport *report, gint64 stamp)
{
	g_autofree ModelWeight *weights = g_new(ModelWeight, corpus->features + 1);
	ModelParts parts = {
		.weights = weights,
		.count = corpus->features,
		.base = scale.slope * plane->base + scale.offset,
		.outage = report->outage,
		.other = report->other,
		.stamp = stamp,
	};

	for (guint i = 0; i < corpus->features; i++)
		weights[i] = (ModelWeight){ .hash = corpus->hashes[i], .points = scale.slope * plane->weights[i] };
	return model_make(&parts);
}

GBytes *learn_model(const GPtrArray *texts, gint64 stamp, LearnReport *report, GError **error)
{
	g_autoptr(Corpus) corpus = corpus_new(texts);
	g_autoptr(Plane) plane = NULL;
	g_autofree double *sides = g_new0(double, corpus->examples->len + 1);
	Scale scale = { .slope = 1 };

	report_on(report, corpus, sides, scale);
	if (report->outage < TEXTS_MIN || report->other < TEXTS_MIN) {
		g_set_error(error, OUTAGE_ERROR, OUTAGE_ERROR_INVALID,
		    "%u texts of outage mail and %u of other mail are too few to learn from: at least %u of each are needed "
		    "(%u were nearly the same as another and did not count)",
		    report->outage, report->other, TEXTS_MIN, report->alike);
		return NULL;
	}
	g_free(sides);
	sides = held_out_sides(corpus);
	scale = calibrate(corpus, sides);
	report_on(report, corpus, sides, scale);
	plane = plane_new(corpus, 0, 0);
	return make_file(corpus, plane, scale, report, stamp);
}
