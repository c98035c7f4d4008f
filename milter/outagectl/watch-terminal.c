/* watch-terminal: the terminal that `outagectl status --watch` runs in (see watch.h). Layer: program.
 *
 * Where stdout is no terminal, or one that can do nothing (TERM unset or dumb), frames are printed one after another as plain text. On a
 * screen the terminal is left as it was found whatever ends the program but SIGKILL: by key, by signal, or stopped with Ctrl-Z.
 *
 * Signals are blocked and read from a descriptor beside the keys, so that none comes between two lines of code; one epoll descriptor stands
 * for both, by which a wait for the store is woken. */
#include "outagectl/watch.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <termios.h>
#include <unistd.h>

#include "base/error.h"

#define DEFAULT_WIDTH 80
#define DEFAULT_HEIGHT 24
#define SIZE_MAX_CELLS 1000
#define BACKGROUND_US 200000
#define WRITE_TRIES_US (5 * G_USEC_PER_SEC) /* a terminal that takes nothing for so long is gone, or held: the frame is left */

/* Alternate screen, cursor off, no wrapping of lines; and back. */
#define SCREEN_ON "\033[?1049h\033[?25l\033[?7l"
#define SCREEN_OFF "\033[0m\033[?7h\033[?25h\033[?1049l"
#define HOME "\033[H"
#define CLEAR_LINE "\033[K"
#define CLEAR_BELOW "\033[J"

struct WatchTerminal {
	bool screen, keys, utf8;
	bool on;               /* the screen is ours now */
	guint height;          /* as last described */
	int signals, both;
	sigset_t mask_before;
	struct termios modes_before;
};

/* The locale is asked by its name: over ssh it may be one that this machine does not have. */
static bool locale_is_utf8(void)
{
	static const char *const names[] = { "LC_ALL", "LC_CTYPE", "LANG" };

	for (gsize i = 0; i < G_N_ELEMENTS(names); i++) {
		const char *value = g_getenv(names[i]);
		g_autofree char *upper = NULL;

		if (value == NULL || *value == '\0')
			continue;
		upper = g_ascii_strup(value, -1);
		return strstr(upper, "UTF-8") != NULL || strstr(upper, "UTF8") != NULL;
	}
	return false;
}

static bool terminal_can(void)
{
	const char *term = g_getenv("TERM");

	return isatty(STDOUT_FILENO) && term != NULL && *term != '\0' && strcmp(term, "dumb") != 0;
}

/* Writes all of it; a terminal that is not blocking takes it in parts. */
static bool write_all(const char *text, gsize size)
{
	gint64 until = g_get_monotonic_time() + WRITE_TRIES_US;

	while (size > 0) {
		gssize wrote = write(STDOUT_FILENO, text, size);

		if (wrote < 0 && errno != EINTR && errno != EAGAIN)
			return false;
		if (wrote < 0 && g_get_monotonic_time() > until)
			return true;
		if (wrote < 0 && errno == EAGAIN)
			g_usleep(10000);
		if (wrote > 0) {
			text += wrote;
			size -= (gsize)wrote;
		}
	}
	return true;
}

/* In the background the terminal belongs to somebody else. */
static bool is_in_front(void)
{
	pid_t front = tcgetpgrp(STDOUT_FILENO);

	return front < 0 || front == getpgrp();
}

static void screen_on(WatchTerminal *terminal)
{
	struct termios modes = terminal->modes_before;

	if (!terminal->screen || terminal->on || !is_in_front())
		return;
	terminal->on = true;
	/* Ctrl-C and Ctrl-Z go on being signals. */
	modes.c_lflag &= ~(tcflag_t)(ICANON | ECHO);
	modes.c_cc[VMIN] = 1;
	modes.c_cc[VTIME] = 0;
	if (terminal->keys)
		(void)tcsetattr(STDIN_FILENO, TCSADRAIN, &modes);
	(void)write_all(SCREEN_ON, strlen(SCREEN_ON));
}

static void screen_off(WatchTerminal *terminal)
{
	if (!terminal->on)
		return;
	terminal->on = false;
	(void)write_all(SCREEN_OFF, strlen(SCREEN_OFF));
	if (terminal->keys)
		(void)tcsetattr(STDIN_FILENO, TCSADRAIN, &terminal->modes_before);
}

static bool add_fd(WatchTerminal *terminal, int fd)
{
	struct epoll_event event = { .events = EPOLLIN, .data.fd = fd };

	return epoll_ctl(terminal->both, EPOLL_CTL_ADD, fd, &event) == 0;
}

WatchTerminal *watch_terminal_open(GError **error)
{
	static const int heard[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGWINCH, SIGTSTP, SIGCONT };
	WatchTerminal *terminal = g_new0(WatchTerminal, 1);
	sigset_t mask;

	sigemptyset(&mask);
	for (gsize i = 0; i < G_N_ELEMENTS(heard); i++)
		sigaddset(&mask, heard[i]);
	sigprocmask(SIG_BLOCK, &mask, &terminal->mask_before);
	/* That a reader at the end of a pipe has gone is told by write. */
	(void)signal(SIGPIPE, SIG_IGN);
	terminal->screen = terminal_can();
	terminal->utf8 = locale_is_utf8();
	terminal->keys = terminal->screen && isatty(STDIN_FILENO) && tcgetattr(STDIN_FILENO, &terminal->modes_before) == 0;
	terminal->signals = signalfd(-1, &mask, SFD_CLOEXEC | SFD_NONBLOCK);
	terminal->both = epoll_create1(EPOLL_CLOEXEC);
	if (terminal->signals < 0 || terminal->both < 0 || !add_fd(terminal, terminal->signals) ||
	    (terminal->keys && !add_fd(terminal, STDIN_FILENO))) {
		g_set_error(error, OUTAGE_ERROR, OUTAGE_ERROR_UNAVAILABLE, "keys and signals cannot be waited for: %s", g_strerror(errno));
		watch_terminal_close(terminal);
		return NULL;
	}
	screen_on(terminal);
	return terminal;
}

void watch_terminal_close(WatchTerminal *terminal)
{
	if (terminal == NULL)
		return;
	screen_off(terminal);
	if (terminal->signals >= 0)
		(void)close(terminal->signals);
	if (terminal->both >= 0)
		(void)close(terminal->both);
	sigprocmask(SIG_SETMASK, &terminal->mask_before, NULL);
	g_free(terminal);
}

bool watch_terminal_has_screen(const WatchTerminal *terminal)
{
	return terminal->screen;
}

int watch_terminal_fd(const WatchTerminal *terminal)
{
	return terminal->both;
}

/* Gives the terminal back, stops as the shell expects it, and goes on from here when it is continued. */
static void stop_for_a_while(WatchTerminal *terminal)
{
	sigset_t mask;

	screen_off(terminal);
	sigemptyset(&mask);
	sigaddset(&mask, SIGTSTP);
	(void)raise(SIGTSTP);
	sigprocmask(SIG_UNBLOCK, &mask, NULL);
	sigprocmask(SIG_BLOCK, &mask, NULL);
}

static WatchSaid hear_signal(WatchTerminal *terminal, int number)
{
	switch (number) {
	case SIGTSTP:
		stop_for_a_while(terminal);
		return WATCH_REDRAW;
	case SIGCONT:
		/* After a SIGSTOP, too: what the shell did to the screen meanwhile is not known. */
		terminal->on = false;
		screen_on(terminal);
		return WATCH_REDRAW;
	case SIGWINCH:
		return WATCH_REDRAW;
	default:
		return WATCH_QUIT;
	}
}

static WatchSaid hear_signals(WatchTerminal *terminal)
{
	struct signalfd_siginfo info;
	WatchSaid said = WATCH_NOTHING;

	while (said != WATCH_QUIT && read(terminal->signals, &info, sizeof info) == (gssize)sizeof info)
		said = MAX(said, hear_signal(terminal, (int)info.ssi_signo));
	return said;
}

/* Ctrl-L and space draw anew; q, Q and the end of input end it. */
static WatchSaid hear_keys(void)
{
	char keys[64];
	gssize size = read(STDIN_FILENO, keys, sizeof keys);
	WatchSaid said = WATCH_NOTHING;

	if (size == 0 || (size < 0 && errno != EINTR && errno != EAGAIN))
		return WATCH_QUIT;
	for (gssize i = 0; i < size; i++) {
		if (keys[i] == 'q' || keys[i] == 'Q')
			return WATCH_QUIT;
		if (keys[i] == '\f' || keys[i] == ' ')
			said = WATCH_REDRAW;
	}
	return said;
}

WatchSaid watch_terminal_hear(WatchTerminal *terminal)
{
	struct epoll_event events[2];
	int count = epoll_wait(terminal->both, events, 2, 0);
	WatchSaid said = WATCH_NOTHING;

	for (int i = 0; i < count; i++) {
		WatchSaid one = WATCH_NOTHING;

		if (events[i].data.fd == terminal->signals)
			one = hear_signals(terminal);
		else if (is_in_front())
			one = hear_keys();
		else
			/* Keys for somebody else: they stay, and would wake us again at once. */
			g_usleep(BACKGROUND_US);
		said = MAX(said, one);
	}
	return said;
}

static guint size_from(const char *name, guint fallback)
{
	const char *text = g_getenv(name);
	guint64 value = 0;

	if (text == NULL || !g_ascii_string_to_unsigned(text, 10, 1, SIZE_MAX_CELLS, &value, NULL))
		return fallback;
	return (guint)value;
}

void watch_terminal_describe(WatchTerminal *terminal, WatchView *view)
{
	struct winsize size = { 0 };
	bool known = ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 && size.ws_row > 0;

	view->width = known ? MIN(size.ws_col, SIZE_MAX_CELLS) : size_from("COLUMNS", DEFAULT_WIDTH);
	view->height = !terminal->screen ? 0 : known ? MIN(size.ws_row, SIZE_MAX_CELLS) : size_from("LINES", DEFAULT_HEIGHT);
	terminal->height = view->height;
	view->utf8 = terminal->utf8;
	view->keys = terminal->keys;
}

bool watch_terminal_show(WatchTerminal *terminal, const GPtrArray *lines)
{
	g_autoptr(GString) frame = g_string_new(terminal->screen ? HOME : "");

	screen_on(terminal);
	if (terminal->screen && !terminal->on)
		return true;
	for (guint i = 0; i < lines->len; i++) {
		const char *line = g_ptr_array_index(lines, i);

		/* A line break behind the last line would scroll; clearing behind a full line would take its last character. */
		if (terminal->screen)
			g_string_append_printf(frame, "%s" CLEAR_LINE "%s", i > 0 ? "\r\n" : "", line);
		else
			g_string_append_printf(frame, "%s\n", line);
	}
	if (terminal->screen && lines->len < terminal->height)
		g_string_append(frame, "\r\n" CLEAR_BELOW);
	else if (!terminal->screen)
		g_string_append_c(frame, '\n');
	return write_all(frame->str, frame->len);
}
