/* test-watchdog: a program that stands still is not told of as alive, and one that waits is. */
#include "base/watchdog.h"

#include "base/log.h"

#define LIMIT 60
#define INTERVAL 20

/* The last two look: all is well; something stands still. 0 ends the list. */
typedef enum { DONE, BEGIN, BEAT, LEAVE, LOOK, STILL } Step;

static const struct {
	const char *name;
	Step steps[16];
} cases[] = {
	{ "nothing was ever begun", { LOOK, LOOK, LOOK, LOOK, LOOK, LOOK } },
	{ "it comes round in time", { BEGIN, LOOK, LOOK, LOOK, BEAT, LOOK, LOOK, LOOK, LOOK, BEAT, LOOK } },
	{ "it stands still", { BEGIN, LOOK, LOOK, LOOK, LOOK, STILL, STILL } },
	{ "it stands still and goes on", { BEGIN, LOOK, LOOK, LOOK, LOOK, STILL, BEAT, LOOK, LOOK, LOOK, LOOK, STILL } },
	{ "it waits without a limit", { BEGIN, LOOK, LOOK, LOOK, BEAT, LEAVE, LOOK, LOOK, LOOK, LOOK, LOOK, LOOK } },
	{ "of two in it one goes on", { BEGIN, BEGIN, LOOK, LOOK, LOOK, BEAT, LOOK, LOOK, LOOK, BEAT, LOOK, LOOK, LOOK } },
	{ "one has left, the other stands still", { BEGIN, BEGIN, LOOK, LEAVE, LOOK, LOOK, LOOK, LOOK, STILL } },
	{ "two stand still", { BEGIN, LOOK, BEGIN, LOOK, LOOK, LOOK, LOOK, STILL } },
};

static void test_case(gconstpointer data)
{
	const Step *steps = cases[GPOINTER_TO_SIZE(data)].steps;
	Watched *watched = watched_new("the piece of work", LIMIT);

	for (guint i = 0; i < G_N_ELEMENTS(cases[0].steps) && steps[i] != DONE; i++)
		switch (steps[i]) {
		case BEGIN:
			watched_begin(watched);
			break;
		case BEAT:
			watched_beat(watched);
			break;
		case LOOK:
			g_assert_true(watchdog_check(INTERVAL));
			break;
		case STILL:
			g_assert_false(watchdog_check(INTERVAL));
			break;
		case LEAVE:
			watched_end(watched);
			break;
		case DONE:
			break;
		}
	watched_free(watched);
	/* What is gone is asked no more. */
	g_assert_true(watchdog_check(INTERVAL));
}

static void test_nobody_is_watched(void)
{
	watched_begin(NULL);
	watched_beat(NULL);
	watched_end(NULL);
	watched_free(NULL);
	g_assert_true(watchdog_check(INTERVAL));
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	log_open("test-watchdog", LOG_TO_STDERR, LOG_LEVEL_ERROR);
	for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
		g_autofree char *path = g_strdup_printf("/watchdog/%s", cases[i].name);
		g_test_add_data_func(path, GSIZE_TO_POINTER(i), test_case);
	}
	g_test_add_func("/watchdog/nobody", test_nobody_is_watched);
	return g_test_run();
}
