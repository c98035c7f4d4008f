/* measure: counts verdicts (see measure.h). Layer: program. Pure. */
#include "outagectl/measure.h"

#include <string.h>

Measured *measured_new(void)
{
	return g_new0(Measured, 1);
}

void measured_free(Measured *measured)
{
	if (measured == NULL)
		return;
	g_free(measured->id);
	g_free(measured->source);
	g_free(measured->language);
	g_free(measured->rules);
	g_free(measured->words);
	g_free(measured->text);
	g_free(measured->wanted);
	g_free(measured->found);
	g_free(measured);
}

const char *measure_source(const Measured *measured)
{
	return measured->source;
}

const char *measure_language(const Measured *measured)
{
	return measured->language;
}

static bool is_found(const Measured *mail, MeasureBy by)
{
	return mail->points[by] >= mail->threshold;
}

static void count_one(Counts *counts, bool wanted, bool found)
{
	counts->hits += wanted && found;
	counts->alarms += !wanted && found;
	counts->missed += wanted && !found;
	counts->passed += !wanted && !found;
}

Counts measure_count(const GPtrArray *mails, MeasureBy by)
{
	Counts counts = { 0 };

	for (guint i = 0; i < mails->len; i++) {
		const Measured *mail = g_ptr_array_index(mails, i);

		count_one(&counts, mail->outage, is_found(mail, by));
	}
	return counts;
}

static double share_of(double part, double whole)
{
	return whole > 0 ? part / whole : 0;
}

double counts_precision(Counts counts)
{
	return share_of(counts.hits, counts.hits + counts.alarms);
}

double counts_recall(Counts counts)
{
	return share_of(counts.hits, counts.hits + counts.missed);
}

double counts_f1(Counts counts)
{
	return share_of(2.0 * counts.hits, 2.0 * counts.hits + counts.alarms + counts.missed);
}

double counts_false_alarms(Counts counts)
{
	return share_of(counts.alarms, counts.alarms + counts.passed);
}

static int descending(gconstpointer a, gconstpointer b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x < y) - (x > y);
}

double measure_recall_at(const GPtrArray *mails, MeasureBy by, double share)
{
	g_autofree double *others = g_new(double, mails->len + 1);
	guint other = 0, outage = 0, hits = 0, allowed;

	for (guint i = 0; i < mails->len; i++) {
		const Measured *mail = g_ptr_array_index(mails, i);

		if (!mail->outage)
			others[other++] = mail->points[by] - mail->threshold;
	}
	qsort(others, other, sizeof *others, descending);
	allowed = (guint)(share * other);
	for (guint i = 0; i < mails->len; i++) {
		const Measured *mail = g_ptr_array_index(mails, i);

		outage += mail->outage;
		hits += mail->outage && (allowed >= other || mail->points[by] - mail->threshold > others[allowed]);
	}
	return share_of(hits, outage);
}

typedef struct {
	double beyond;
	bool outage;
} Place;

static int farthest_first(gconstpointer a, gconstpointer b)
{
	double x = ((const Place *)a)->beyond, y = ((const Place *)b)->beyond;

	return (x < y) - (x > y);
}

double measure_best_f1(const GPtrArray *mails, MeasureBy by)
{
	g_autofree Place *places = g_new(Place, mails->len + 1);
	Counts counts = { 0 };
	double best = 0;

	for (guint i = 0; i < mails->len; i++) {
		const Measured *mail = g_ptr_array_index(mails, i);

		places[i] = (Place){ .beyond = mail->points[by] - mail->threshold, .outage = mail->outage };
		counts.missed += mail->outage;
	}
	qsort(places, mails->len, sizeof *places, farthest_first);
	for (guint i = 0; i < mails->len; i++) {
		counts.hits += places[i].outage;
		counts.missed -= places[i].outage;
		counts.alarms += !places[i].outage;
		/* No threshold lies between equals. */
		if (i + 1 == mails->len || places[i + 1].beyond < places[i].beyond)
			best = MAX(best, counts_f1(counts));
	}
	return best;
}

static int by_key(gconstpointer a, gconstpointer b)
{
	return strcmp(((const MeasurePart *)a)->key, ((const MeasurePart *)b)->key);
}

GArray *measure_parts(const GPtrArray *mails, MeasureKey of)
{
	g_autoptr(GHashTable) places = g_hash_table_new(g_str_hash, g_str_equal); /* key -> index + 1 in parts */
	GArray *parts = g_array_new(FALSE, FALSE, sizeof(MeasurePart));

	for (guint i = 0; i < mails->len; i++) {
		const Measured *mail = g_ptr_array_index(mails, i);
		MeasurePart fresh = { .key = of(mail) };
		guint place = GPOINTER_TO_UINT(g_hash_table_lookup(places, fresh.key));

		if (place == 0) {
			g_array_append_val(parts, fresh);
			place = parts->len;
			g_hash_table_insert(places, (gpointer)fresh.key, GUINT_TO_POINTER(place));
		}
		count_one(&g_array_index(parts, MeasurePart, place - 1).counts, mail->outage, is_found(mail, MEASURE_BOTH));
	}
	g_array_sort(parts, by_key);
	return parts;
}

const char *const measure_escalations[] = { "legal", "media", "refund", "security", "data-loss", "privacy", "churn", NULL };

/* Tables write "dataloss", rules "data-loss". name NULL: any class; what is none, as "-" and "nolegal", does not count. */
static bool lists(const char *list, const char *name)
{
	g_auto(GStrv) items = g_strsplit(list, ",", -1);

	for (char **item = items; *item != NULL; item++) {
		const char *given = strcmp(g_strstrip(*item), "dataloss") == 0 ? "data-loss" : *item;

		if (name != NULL ? strcmp(given, name) == 0 : g_strv_contains(measure_escalations, given))
			return true;
	}
	return false;
}

Counts measure_escalation(const GPtrArray *mails, const char *name)
{
	Counts counts = { 0 };

	for (guint i = 0; i < mails->len; i++) {
		const Measured *mail = g_ptr_array_index(mails, i);

		if (mail->wanted != NULL)
			count_one(&counts, lists(mail->wanted, name), lists(mail->found, name));
	}
	return counts;
}

guint measure_escalation_elsewhere(const GPtrArray *mails, const char *name)
{
	guint count = 0;

	for (guint i = 0; i < mails->len; i++) {
		const Measured *mail = g_ptr_array_index(mails, i);

		if (mail->wanted != NULL && lists(mail->found, name) && !lists(mail->wanted, name) && lists(mail->wanted, NULL))
			count++;
	}
	return count;
}

static double beyond(const Measured *mail)
{
	return mail->points[MEASURE_BOTH] - mail->threshold;
}

static int highest_first(gconstpointer a, gconstpointer b)
{
	const Measured *x = *(const Measured *const *)a, *y = *(const Measured *const *)b;
	double left = beyond(x), right = beyond(y);

	return left != right ? (left < right) - (left > right) : strcmp(x->id, y->id);
}

static int lowest_first(gconstpointer a, gconstpointer b)
{
	const Measured *x = *(const Measured *const *)a, *y = *(const Measured *const *)b;
	double left = beyond(x), right = beyond(y);

	return left != right ? (left > right) - (left < right) : strcmp(x->id, y->id);
}

GPtrArray *measure_worst(const GPtrArray *mails, bool alarms, guint count)
{
	GPtrArray *worst = g_ptr_array_new();

	for (guint i = 0; i < mails->len; i++) {
		Measured *mail = g_ptr_array_index(mails, i);

		if (mail->outage != alarms && (beyond(mail) >= 0) == alarms)
			g_ptr_array_add(worst, mail);
	}
	g_ptr_array_sort(worst, alarms ? highest_first : lowest_first);
	if (worst->len > count)
		g_ptr_array_set_size(worst, (int)count);
	return worst;
}
