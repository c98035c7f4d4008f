/* watch: `outagectl status --watch`, a live view of what `outagectl status` says once. Layer: program.
 *
 * watch-text.c knows how wide text is, watch-layout.c makes the lines of one frame (both pure), watch-terminal.c knows the terminal,
 * watch.c goes round: gather, lay out, show, wait for a change.
 *
 * Without ncurses: one program writes whole frames of text and no more. The five ANSI sequences that takes (alternate screen, cursor home,
 * clear to the end of line and of screen, cursor off, no wrapping) are understood by every terminal in use since the VT220; a frame is
 * written at once, over the one before, so that nothing flickers; and ncurses would bring its own ideas of signals and of character widths
 * with it. */
#ifndef OUTAGECTL_WATCH_H
#define OUTAGECTL_WATCH_H

#include "outagectl/status.h"

#define WATCH_INTERVAL_MIN_MS 200
#define WATCH_INTERVAL_MAX_MS 3600000

/* --- text --- */

/* Returns text (may be NULL) as it can be shown in `cells` columns of a terminal: one line of valid characters without control, format and
 * direction characters, at most a few combining marks on each; where it is too wide it ends in an ellipsis (".." without utf8). Without
 * utf8 all is ASCII, with '?' for the rest. Caller frees. */
char *watch_fit(const char *text, guint cells, bool utf8);
/* Returns how many columns text, as watch_fit leaves it, takes. */
guint watch_cells(const char *text);
/* Returns the last `cells` of the count values as a line of blocks (ASCII without utf8), where `top` is the highest. A value above 0 is never
 * shown as nothing; one below 0 is unknown and blank. Caller frees. */
char *watch_spark(const double *values, guint count, guint cells, double top, bool utf8);

/* --- layout --- */

typedef struct {
	const Status *status;  /* what is shown */
	const Config *config;
	const char *note;      /* above all else: why this is not the newest; or NULL */
	guint width, height;   /* height 0: as many lines as there are */
	bool colour, utf8;
	bool keys;             /* keys are read: say which */
} WatchView;

/* Returns the lines of a frame (char *), none wider than width and no more than height. What does not fit is cut with a count, the most
 * important first. Only with colour they hold escape sequences. Pure. Caller unrefs. */
GPtrArray *watch_layout(const WatchView *view);

/* --- terminal --- */

typedef struct WatchTerminal WatchTerminal;
typedef enum { WATCH_NOTHING, WATCH_REDRAW, WATCH_QUIT } WatchSaid;

/* Takes the terminal over, where stdout is one that can do it; from then on signals are read here. NULL with error. */
WatchTerminal *watch_terminal_open(GError **error);
/* Gives it back as it was. */
void watch_terminal_close(WatchTerminal *terminal);
/* Whether frames stand on a screen of their own; else they are printed one after another. */
bool watch_terminal_has_screen(const WatchTerminal *terminal);
/* Readable where watch_terminal_hear has something to say. */
int watch_terminal_fd(const WatchTerminal *terminal);
/* Takes keys and signals; stops and comes back where it is told to. */
WatchSaid watch_terminal_hear(WatchTerminal *terminal);
/* Fills in width, height, utf8 and keys. */
void watch_terminal_describe(WatchTerminal *terminal, WatchView *view);
/* Shows a frame. False where nobody is there to see it. */
bool watch_terminal_show(WatchTerminal *terminal, const GPtrArray *lines);

/* --- the command --- */

/* Returns CLI_DONE when the operator has seen enough. colour: as far as the terminal and NO_COLOR have it. */
int watch_run(Cli *cli, gint64 interval_ms, bool colour);

#endif
