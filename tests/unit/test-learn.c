/* test-learn: training: what is learned holds for texts not seen, and the same texts give the same bytes. The sentences are made
 * up. Layer: tests. */
#include "inspect/learn-private.h"

#include <string.h>

#include "base/error.h"
#include "inspect/model-private.h"

static const char *const things[] = { "shop", "portal", "gateway", "calendar", "tracker", "archive", "console", "wallet", "mailbox",
	"planner" };
static const char *const broken[] = { "is down for all of us", "does not answer any more", "shows a blank page to everyone",
	"went offline an hour ago", "times out on every request" };
static const char *const asked[] = { "needs a new invoice address", "has a nice colour now", "should get a dark theme",
	"costs how much for ten seats", "is what my colleague recommended" };
static const char *const greetings[] = { "Hello there", "Dear team", "Good morning from Ghent", "Hi folks", "To whom it may concern" };

/* Texts of both kinds, each put together another way. */
static GPtrArray *make_texts(void)
{
	GPtrArray *texts = g_ptr_array_new_with_free_func((GDestroyNotify)learn_text_free);

	for (guint i = 0; i < 250; i++) {
		const char *thing = things[i % 10], *greeting = greetings[i / 10 % 5];
		g_autofree char *start = g_strdup_printf("%s, the %s of customer %c%c ", greeting, thing, 'a' + i % 26, 'a' + i / 26);
		g_autofree char *bad = g_strconcat(start, broken[i / 50], NULL);
		g_autofree char *good = g_strconcat(start, asked[i / 50], NULL);

		g_ptr_array_add(texts, learn_text_new("", bad, true));
		g_ptr_array_add(texts, learn_text_new("", good, false));
	}
	return texts;
}

static Model *learned(const GPtrArray *texts, LearnReport *report)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(GBytes) file = learn_model(texts, 1763769600, report, &error);

	g_assert_no_error(error);
	return model_new(file, "learned", NULL);
}

static void test_tells_apart_what_it_has_not_seen(void)
{
	g_autoptr(GPtrArray) texts = make_texts();
	LearnReport report;
	g_autoptr(Model) model = learned(texts, &report);
	g_autoptr(GPtrArray) words = g_ptr_array_new_with_free_func(g_free);

	g_assert_nonnull(model);
	g_assert_cmpfloat(model_score(model, "", "Servus, the ledger does not answer and is down", words), >, 1);
	g_assert_cmpfloat(model_score(model, "", "Servus, the ledger should get a nice colour", NULL), <, -1);
	g_assert_cmpuint(words->len, >, 0);
	g_assert_cmpfloat(report.f1, >, 0.9);
	g_assert_cmpfloat(report.recall_at_alarms, >, 0.9);
}

static void test_any_order_gives_the_same_bytes(void)
{
	g_autoptr(GPtrArray) texts = make_texts(), turned = g_ptr_array_new();
	LearnReport report;
	g_autoptr(GBytes) one = learn_model(texts, 1, &report, NULL), other = NULL, later = NULL;

	for (guint i = texts->len; i > 0; i--)
		g_ptr_array_add(turned, g_ptr_array_index(texts, i - 1));
	other = learn_model(turned, 1, &report, NULL);
	later = learn_model(texts, 2, &report, NULL);
	g_assert_true(g_bytes_equal(one, other));
	g_assert_false(g_bytes_equal(one, later));
}

static void test_too_few_texts_are_refused(void)
{
	g_autoptr(GPtrArray) all = make_texts(), some = g_ptr_array_new();
	g_autoptr(GError) error = NULL;
	LearnReport report;

	for (guint i = 0; i < all->len; i++) {
		LearnText *text = g_ptr_array_index(all, i);

		if (text->outage || i < 10)
			g_ptr_array_add(some, text);
	}
	g_assert_null(learn_model(some, 1, &report, &error));
	g_assert_error(error, OUTAGE_ERROR, OUTAGE_ERROR_INVALID);
	g_assert_nonnull(strstr(error->message, "and 5 of other mail are too few"));
	g_clear_error(&error);
	g_ptr_array_set_size(some, 0);
	g_assert_null(learn_model(some, 1, &report, &error));
	g_assert_error(error, OUTAGE_ERROR, OUTAGE_ERROR_INVALID);
}

/* A customer's monitoring writes the same mail a thousand times. */
static void test_near_duplicates_count_once(void)
{
	g_autoptr(GPtrArray) texts = make_texts();
	guint before = texts->len, alike;
	LearnReport report;
	g_autoptr(GBytes) plain = learn_model(texts, 1, &report, NULL), more = NULL, twisted = NULL;

	alike = report.alike;
	for (guint i = 0; i < 300; i++) {
		g_autofree char *body = g_strdup_printf("Alert %u: check of the billing host web%u failed at %02u:%02u, the probe saw no "
							"answer within thirty seconds. This is an automatic message of your monitoring, do not reply to it.",
		    i, i % 7, i % 24, i % 60);

		g_ptr_array_add(texts, learn_text_new("", body, true));
	}
	more = learn_model(texts, 1, &report, NULL);
	g_assert_cmpuint(report.alike, >=, alike + 295);
	g_assert_cmpuint(report.outage + report.other + report.alike, ==, before + 300);
	/* The same words with the other label are no duplicate: they say that nothing can be told by them. */
	g_ptr_array_set_size(texts, (int)before);
	g_ptr_array_add(texts, learn_text_new("", ((LearnText *)g_ptr_array_index(texts, 0))->body, false));
	twisted = learn_model(texts, 1, &report, NULL);
	g_assert_cmpuint(report.alike, ==, alike);
}

static GArray *set_of(guint from, guint count)
{
	GArray *set = g_array_new(FALSE, FALSE, sizeof(guint64));

	for (guint64 i = from; i < from + count; i++)
		g_array_append_val(set, i);
	return set;
}

static void test_alike_is_by_shared_words(void)
{
	static const struct {
		guint from, count;
		bool label, gone;
	} sets[] = {
		{ 0, 100, true, false }, { 0, 100, true, true }, { 5, 100, true, true }, { 0, 100, false, false },
		{ 60, 100, true, false }, { 1000, 3, true, false }, { 1000, 3, true, true }, { 1001, 3, true, false },
		{ 0, 40, true, false },
	};
	g_autoptr(GPtrArray) all = g_ptr_array_new_with_free_func((GDestroyNotify)g_array_unref);
	bool labels[G_N_ELEMENTS(sets)], gone[G_N_ELEMENTS(sets)];

	for (gsize i = 0; i < G_N_ELEMENTS(sets); i++) {
		g_ptr_array_add(all, set_of(sets[i].from, sets[i].count));
		labels[i] = sets[i].label;
	}
	g_assert_cmpuint(alike_find(all, labels, gone), ==, 3);
	for (gsize i = 0; i < G_N_ELEMENTS(sets); i++)
		if (gone[i] != sets[i].gone)
			g_error("set %" G_GSIZE_FORMAT ": %d", i, gone[i]);
}

/* Thousands of mails have a form letter in common, of which only some are compared. What is nearly the same is found all the same. */
static void test_form_letters_do_not_hide_duplicates(void)
{
	enum { LETTERS = 1000 };
	g_autoptr(GPtrArray) all = g_ptr_array_new_with_free_func((GDestroyNotify)g_array_unref);
	bool labels[LETTERS + 1] = { false }, gone[LETTERS + 1];

	for (guint i = 0; i <= LETTERS; i++) {
		g_autoptr(GArray) own = set_of(1000 + i % LETTERS * 1000, 90);
		GArray *letter = set_of(0, 100);

		g_array_append_vals(letter, own->data, own->len);
		g_ptr_array_add(all, letter);
	}
	g_assert_cmpuint(alike_find(all, labels, gone), ==, 1);
	g_assert_true(gone[LETTERS]);
}

/* One in twenty is labelled wrongly, and nothing turns over. */
static void test_wrong_labels_are_borne(void)
{
	g_autoptr(GPtrArray) texts = make_texts();
	LearnReport report;
	g_autoptr(Model) model = NULL;

	for (guint i = 0; i < texts->len; i += 20)
		((LearnText *)g_ptr_array_index(texts, i))->outage ^= 1;
	model = learned(texts, &report);
	g_assert_cmpfloat(model_score(model, "", "the ledger does not answer and is down", NULL), >, 0);
	g_assert_cmpfloat(model_score(model, "", "the ledger should get a nice colour", NULL), <, 0);
}

/* The extremes do not divide by zero: texts without words, of one word, all with the same. */
static void test_texts_without_words(void)
{
	g_autoptr(GPtrArray) texts = g_ptr_array_new_with_free_func((GDestroyNotify)learn_text_free);
	g_autoptr(GError) error = NULL;
	LearnReport report;

	for (guint i = 0; i < 100; i++)
		g_ptr_array_add(texts, learn_text_new("", i % 2 == 0 ? "" : "...", i % 4 < 2));
	g_assert_null(learn_model(texts, 1, &report, &error));
	g_assert_error(error, OUTAGE_ERROR, OUTAGE_ERROR_INVALID);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/learn/tells-apart-what-it-has-not-seen", test_tells_apart_what_it_has_not_seen);
	g_test_add_func("/learn/any-order-gives-the-same-bytes", test_any_order_gives_the_same_bytes);
	g_test_add_func("/learn/too-few-texts-are-refused", test_too_few_texts_are_refused);
	g_test_add_func("/learn/near-duplicates-count-once", test_near_duplicates_count_once);
	g_test_add_func("/learn/alike-is-by-shared-words", test_alike_is_by_shared_words);
	g_test_add_func("/learn/form-letters-do-not-hide-duplicates", test_form_letters_do_not_hide_duplicates);
	g_test_add_func("/learn/wrong-labels-are-borne", test_wrong_labels_are_borne);
	g_test_add_func("/learn/texts-without-words", test_texts_without_words);
	return g_test_run();
}
