/* watch: goes round for `outagectl status --watch` (see watch.h): gather, lay out, show, wait for a change, a key or a signal.
 * Layer: program.
 *
 * Where the store is away, what was last seen stays on the screen under a line that says so, and the store is tried again at every
 * interval. Frames that are printed one after another are printed only where they say something new. */
#include "outagectl/watch.h"

#include <string.h>

#include "base/clock.h"

#define GATHER_GAP_US 200000 /* a storm of changes is looked at so often and no more often */

typedef struct {
	Cli *cli;
	WatchTerminal *terminal;
	gint64 interval_ms;
	bool colour;
	Status *shown;         /* what is on the screen */
	char *note;            /* why it is not the newest, or NULL */
	char *last;            /* the frame printed last, without its first line */
	gint64 gathered_us;
	bool quit;
} Watch;

static void status_delete(Status *status)
{
	if (status == NULL)
		return;
	status_clear(status);
	g_free(status);
}

/* What was seen before the store went away stays. */
static void gather(Watch *watch)
{
	Status *status = g_new0(Status, 1);

	status->now = clock_now();
	status_gather(watch->cli, status, watch->shown);
	watch->gathered_us = clock_mono_us();
	if (status->away != NULL && watch->shown != NULL && watch->shown->away == NULL) {
		g_autofree char *since = status_ago(status->now, watch->shown->now);

		g_free(watch->note);
		watch->note = g_strdup_printf("THE STORE CANNOT BE REACHED; this is %s old, and it is tried again: %s", since, status->away);
		status_delete(status);
		return;
	}
	g_clear_pointer(&watch->note, g_free);
	status_delete(watch->shown);
	watch->shown = status;
}

/* The first line holds the time: a frame that differs in that alone says nothing new. */
static bool says_something_new(Watch *watch, const GPtrArray *lines)
{
	g_autoptr(GString) text = g_string_new(NULL);
	bool new;

	for (guint i = 1; i < lines->len; i++)
		g_string_append_printf(text, "%s\n", (const char *)g_ptr_array_index(lines, i));
	new = g_strcmp0(text->str, watch->last) != 0;
	g_free(watch->last);
	watch->last = g_strdup(text->str);
	return new;
}

static void show(Watch *watch)
{
	WatchView view = { .status = watch->shown, .config = watch->cli->config, .note = watch->note, .colour = watch->colour };
	g_autoptr(GPtrArray) lines = NULL;

	watch_terminal_describe(watch->terminal, &view);
	lines = watch_layout(&view);
	if (!watch_terminal_has_screen(watch->terminal) && !says_something_new(watch, lines))
		return;
	if (!watch_terminal_show(watch->terminal, lines))
		watch->quit = true;
}

/* Takes what was said, waiting for it until `until` (monotonic, us). Returns true where that time has come. */
static bool hear_until(Watch *watch, gint64 until)
{
	gint64 left = (until - clock_mono_us()) / 1000;
	GPollFD fd = { .fd = watch_terminal_fd(watch->terminal), .events = G_IO_IN };

	if (g_poll(&fd, 1, left > 0 ? (int)MIN(left + 1, G_MAXINT) : 0) > 0) {
		WatchSaid said = watch_terminal_hear(watch->terminal);

		watch->quit = watch->quit || said == WATCH_QUIT;
		if (said == WATCH_REDRAW && !watch->quit)
			show(watch);
	}
	return clock_mono_us() >= until;
}

/* Waits for a change of the store, at most until `until`. */
static void wait_for_change(Watch *watch, gint64 until)
{
	while (!watch->quit && clock_mono_us() < until) {
		g_autoptr(GError) error = NULL;
		gint64 left = (until - clock_mono_us()) / 1000 + 1;
		int changed = store_wait(watch->cli->store, watch_terminal_fd(watch->terminal), left, &error);

		if (changed < 0)
			g_clear_pointer(&watch->cli->store, store_close);
		if (changed != 0)
			return;
		(void)hear_until(watch, 0);
	}
}

static void go_round(Watch *watch)
{
	while (!watch->quit) {
		gint64 next, soonest;

		gather(watch);
		show(watch);
		next = watch->gathered_us + watch->interval_ms * 1000;
		soonest = watch->gathered_us + GATHER_GAP_US;
		if (watch->cli->store != NULL)
			wait_for_change(watch, next);
		else
			soonest = next;
		while (!watch->quit && !hear_until(watch, soonest))
			;
	}
}

int watch_run(Cli *cli, gint64 interval_ms, bool colour)
{
	const char *no_color = g_getenv("NO_COLOR");
	Watch watch = { .cli = cli, .interval_ms = interval_ms };
	GError *error = NULL;

	watch.terminal = watch_terminal_open(&error);
	if (watch.terminal == NULL)
		return cli_error(error);
	watch.colour = colour && watch_terminal_has_screen(watch.terminal) && (no_color == NULL || *no_color == '\0');
	go_round(&watch);
	watch_terminal_close(watch.terminal);
	status_delete(watch.shown);
	g_free(watch.note);
	g_free(watch.last);
	return CLI_DONE;
}
