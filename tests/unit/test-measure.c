/* test-measure: the numbers by which a detection is judged. Layer: tests. */
#include "outagectl/measure.h"

static void add(GPtrArray *mails, const char *source, bool outage, double rules, double model, const char *wanted, const char *found)
{
	Measured *mail = measured_new();

	mail->id = g_strdup_printf("%u", mails->len);
	mail->source = g_strdup(source);
	mail->language = g_strdup("en");
	mail->outage = outage;
	mail->points[MEASURE_BOTH] = rules + model;
	mail->points[MEASURE_RULES] = rules;
	mail->points[MEASURE_MODEL] = model;
	mail->threshold = 5;
	mail->wanted = g_strdup(wanted);
	mail->found = g_strdup(found);
	g_ptr_array_add(mails, mail);
}

static GPtrArray *make_mails(void)
{
	GPtrArray *mails = g_ptr_array_new_with_free_func((GDestroyNotify)measured_free);

	add(mails, "a", true, 5, 0, "-", "");
	add(mails, "a", true, 3, 2, "refund, dataloss", "refund");
	add(mails, "b", true, 3, -1, NULL, "refund");
	add(mails, "b", false, 6, -2, "-", "legal");
	add(mails, "b", false, 4, 2, "dataloss,nolegal", "data-loss");
	add(mails, "b", false, 0, -6, "?x", "");
	return mails;
}

static void test_counts(void)
{
	g_autoptr(GPtrArray) mails = make_mails();
	Counts both = measure_count(mails, MEASURE_BOTH), rules = measure_count(mails, MEASURE_RULES);

	g_assert_cmpuint(both.hits, ==, 2);
	g_assert_cmpuint(both.missed, ==, 1);
	g_assert_cmpuint(both.alarms, ==, 1);
	g_assert_cmpuint(both.passed, ==, 2);
	g_assert_cmpfloat_with_epsilon(counts_precision(both), 2.0 / 3, 1e-9);
	g_assert_cmpfloat_with_epsilon(counts_f1(both), 2.0 / 3, 1e-9);
	g_assert_cmpfloat_with_epsilon(counts_false_alarms(both), 1.0 / 3, 1e-9);
	g_assert_cmpuint(rules.hits, ==, 1);
	g_assert_cmpuint(rules.alarms, ==, 1);
	g_assert_cmpfloat(counts_precision((Counts){ 0 }), ==, 0);
	g_assert_cmpfloat(counts_f1((Counts){ 0 }), ==, 0);
}

static void test_recall_at_a_share_of_false_alarms(void)
{
	g_autoptr(GPtrArray) mails = g_ptr_array_new_with_free_func((GDestroyNotify)measured_free);

	/* Other mail at 0, 1, ... 99; outage mail at 97.5, 98.5, 99.5 and 50. */
	for (guint i = 0; i < 100; i++)
		add(mails, "a", false, i, 0, NULL, "");
	add(mails, "a", true, 97.5, 0, NULL, "");
	add(mails, "a", true, 98.5, 0, NULL, "");
	add(mails, "a", true, 99.5, 0, NULL, "");
	add(mails, "a", true, 50, 0, NULL, "");
	g_assert_cmpfloat(measure_recall_at(mails, MEASURE_BOTH, 0), ==, 0.25);
	g_assert_cmpfloat(measure_recall_at(mails, MEASURE_BOTH, 0.01), ==, 0.5);
	g_assert_cmpfloat(measure_recall_at(mails, MEASURE_BOTH, 0.02), ==, 0.75);
	g_assert_cmpfloat(measure_recall_at(mails, MEASURE_BOTH, 0.5), ==, 1);
	g_assert_cmpfloat(measure_recall_at(mails, MEASURE_BOTH, 1), ==, 1);
}

/* A threshold lies between two scores: mails of the same score go together. */
static void test_best_f1(void)
{
	g_autoptr(GPtrArray) mails = make_mails(), none = g_ptr_array_new();

	g_assert_cmpfloat_with_epsilon(measure_best_f1(mails, MEASURE_BOTH), 0.75, 1e-9);
	g_ptr_array_remove_index(mails, 2);
	g_assert_cmpfloat_with_epsilon(measure_best_f1(mails, MEASURE_BOTH), 0.8, 1e-9);
	g_assert_cmpfloat_with_epsilon(measure_best_f1(mails, MEASURE_MODEL), 0.8, 1e-9);
	g_assert_cmpfloat(measure_best_f1(none, MEASURE_BOTH), ==, 0);
}

/* What nobody labelled is left out; a table writes dataloss for data-loss. */
static void test_escalation(void)
{
	g_autoptr(GPtrArray) mails = make_mails();
	Counts refund = measure_escalation(mails, "refund"), lost = measure_escalation(mails, "data-loss");
	Counts legal = measure_escalation(mails, "legal");

	g_assert_cmpuint(refund.hits, ==, 1);
	g_assert_cmpuint(refund.alarms, ==, 0);
	g_assert_cmpuint(lost.hits, ==, 1);
	g_assert_cmpuint(lost.missed, ==, 1);
	g_assert_cmpuint(legal.alarms, ==, 1);
	g_assert_cmpuint(legal.missed, ==, 0);
}

/* A table often names one of two classes that fit: neither a class of no alarm nor "nolegal" is one. */
static void test_another_escalation(void)
{
	g_autoptr(GPtrArray) mails = make_mails();
	Counts any;

	add(mails, "a", false, 0, 0, "privacy", "privacy,security");
	add(mails, "a", false, 0, 0, "privacy", "refund");
	add(mails, "a", false, 0, 0, "nolegal", "legal");
	any = measure_escalation(mails, NULL);
	g_assert_cmpuint(any.hits, ==, 4);
	g_assert_cmpuint(any.missed, ==, 0);
	g_assert_cmpuint(any.alarms, ==, 2);
	g_assert_cmpuint(any.passed, ==, 2);
	g_assert_cmpuint(measure_escalation_elsewhere(mails, "security"), ==, 1);
	g_assert_cmpuint(measure_escalation_elsewhere(mails, "refund"), ==, 1);
	g_assert_cmpuint(measure_escalation_elsewhere(mails, "legal"), ==, 0);
	g_assert_cmpuint(measure_escalation_elsewhere(mails, "privacy"), ==, 0);
}

static void test_the_worst_come_first(void)
{
	g_autoptr(GPtrArray) mails = make_mails();
	g_autoptr(GPtrArray) alarms = NULL, missed = NULL, one = NULL;

	add(mails, "c", false, 9, 3, NULL, "");
	add(mails, "c", true, 0, -5, NULL, "");
	alarms = measure_worst(mails, true, 10);
	missed = measure_worst(mails, false, 10);
	one = measure_worst(mails, true, 1);
	g_assert_cmpuint(alarms->len, ==, 2);
	g_assert_cmpstr(((Measured *)g_ptr_array_index(alarms, 0))->id, ==, "6");
	g_assert_cmpstr(((Measured *)g_ptr_array_index(alarms, 1))->id, ==, "4");
	g_assert_cmpuint(missed->len, ==, 2);
	g_assert_cmpstr(((Measured *)g_ptr_array_index(missed, 0))->id, ==, "7");
	g_assert_cmpuint(one->len, ==, 1);
}

static void test_parts_are_sorted_and_each_once(void)
{
	g_autoptr(GPtrArray) mails = make_mails();
	g_autoptr(GArray) sources = NULL, languages = measure_parts(mails, measure_language);
	const MeasurePart *parts;

	add(mails, "a0", false, 0, 0, NULL, "");
	sources = measure_parts(mails, measure_source);
	parts = (const MeasurePart *)(gpointer)sources->data;
	g_assert_cmpuint(sources->len, ==, 3);
	g_assert_cmpstr(parts[0].key, ==, "a");
	g_assert_cmpuint(parts[0].counts.hits, ==, 2);
	g_assert_cmpuint(parts[0].counts.alarms + parts[0].counts.passed + parts[0].counts.missed, ==, 0);
	g_assert_cmpstr(parts[1].key, ==, "a0");
	g_assert_cmpstr(parts[2].key, ==, "b");
	g_assert_cmpuint(parts[2].counts.alarms, ==, 1);
	g_assert_cmpuint(parts[2].counts.passed, ==, 2);
	g_assert_cmpuint(languages->len, ==, 1);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/measure/counts", test_counts);
	g_test_add_func("/measure/best-f1", test_best_f1);
	g_test_add_func("/measure/recall-at-a-share-of-false-alarms", test_recall_at_a_share_of_false_alarms);
	g_test_add_func("/measure/escalation", test_escalation);
	g_test_add_func("/measure/another-escalation", test_another_escalation);
	g_test_add_func("/measure/the-worst-come-first", test_the_worst_come_first);
	g_test_add_func("/measure/parts-are-sorted-and-each-once", test_parts_are_sorted_and_each_once);
	return g_test_run();
}
