/* log: formats, escapes and writes one line per event (see log.h). Layer: base.
 *
 * Escaping happens on the finished line, in one place, so that no caller can forget it: a queue id, a header or a Redis
 * value can never start a second line or send a terminal escape. */
#include "base/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <syslog.h>
#include <unistd.h>

static struct {
	GMutex lock;
	const char *program;
	LogLevel level;
	bool to_syslog;
} sink = { .program = "outage", .level = LOG_LEVEL_INFO };

void log_open(const char *program, LogDestination destination, LogLevel level)
{
	bool to_syslog = destination == LOG_TO_SYSLOG;

	/* JOURNAL_STREAM says that systemd reads our stderr: a line there already is a journal entry. */
	if (destination == LOG_TO_AUTO)
		to_syslog = g_getenv("JOURNAL_STREAM") == NULL && !isatty(STDERR_FILENO);
	g_mutex_lock(&sink.lock);
	if (sink.to_syslog)
		closelog();
	sink.program = program;
	sink.level = level;
	sink.to_syslog = to_syslog;
	if (to_syslog)
		openlog(program, LOG_PID | LOG_NDELAY, LOG_MAIL);
	g_mutex_unlock(&sink.lock);
}

void log_set_level(LogLevel level)
{
	g_mutex_lock(&sink.lock);
	sink.level = level;
	g_mutex_unlock(&sink.lock);
}

/* Appends one character of text at *p, escaped where a line must not hold it; advances *p. */
static void append_escaped(GString *out, const char **p, const char *end)
{
	gunichar c = g_utf8_get_char_validated(*p, end - *p);

	if (c == (gunichar)-1 || c == (gunichar)-2 || c < 0x20 || (c >= 0x7f && c < 0xa0)) {
		g_string_append_printf(out, "\\x%02x", (guchar)**p);
		(*p)++;
		return;
	}
	/* Line and paragraph separators and bidirectional controls would let a value rearrange what a person reads. */
	if (c == 0x2028 || c == 0x2029 || (c >= 0x202a && c <= 0x202e) || (c >= 0x2066 && c <= 0x2069))
		g_string_append_printf(out, "\\u%04x", c);
	else
		g_string_append_unichar(out, c);
	*p = g_utf8_next_char(*p);
}

/* Nearly every line is printable ASCII. */
static bool is_plain(const char *text, gsize size)
{
	for (gsize i = 0; i < size; i++)
		if ((guchar)text[i] < 0x20 || (guchar)text[i] >= 0x7f)
			return false;
	return true;
}

char *log_escape(const char *text, gsize max_bytes)
{
	GString *out;
	gsize size = text != NULL ? strlen(text) : 0;
	const char *end;

	if (max_bytes > 0 && size > max_bytes) {
		size = max_bytes;
		while (size > 0 && ((guchar)text[size] & 0xc0) == 0x80)
			size--;
	}
	if (is_plain(text, size))
		return g_strndup(text != NULL ? text : "", size);
	out = g_string_sized_new(size + 16);
	end = text + size;
	for (const char *p = text; p < end;)
		append_escaped(out, &p, end);
	return g_string_free(out, FALSE);
}

static void write_line(LogLevel level, const char *line)
{
	static const int priorities[] = { LOG_ERR, LOG_WARNING, LOG_INFO, LOG_DEBUG };
	static const char *const names[] = { "error: ", "warning: ", "", "debug: " };
	g_autofree char *safe = log_escape(line, 0);

	g_mutex_lock(&sink.lock);
	if (sink.to_syslog)
		syslog(priorities[level], "%s%s", names[level], safe);
	else
		fprintf(stderr, "%s[%d]: %s%s\n", sink.program, (int)getpid(), names[level], safe);
	g_mutex_unlock(&sink.lock);
}

static bool wanted(LogLevel level)
{
	bool yes;

	g_mutex_lock(&sink.lock);
	yes = level <= sink.level;
	g_mutex_unlock(&sink.lock);
	return yes;
}

static void G_GNUC_PRINTF(2, 0) log_va(LogLevel level, const char *format, va_list args)
{
	g_autofree char *line = NULL;

	if (!wanted(level))
		return;
	line = g_strdup_vprintf(format, args);
	write_line(level, line);
}

#define DEFINE_LOG(name, level)                                                                                                \
	void name(const char *format, ...)                                                                                         \
	{                                                                                                                          \
		va_list args;                                                                                                          \
		va_start(args, format);                                                                                                \
		log_va(level, format, args);                                                                                           \
		va_end(args);                                                                                                          \
	}

DEFINE_LOG(log_error, LOG_LEVEL_ERROR)
DEFINE_LOG(log_warning, LOG_LEVEL_WARNING)
DEFINE_LOG(log_info, LOG_LEVEL_INFO)
DEFINE_LOG(log_debug, LOG_LEVEL_DEBUG)

void log_bug(const char *format, ...)
{
	g_autofree char *text = NULL;
	g_autofree char *line = NULL;
	va_list args;

	va_start(args, format);
	text = g_strdup_vprintf(format, args);
	va_end(args);
	line = g_strdup_printf("this is a bug in outage-milter, please report it: %s", text);
	write_line(LOG_LEVEL_ERROR, line);
}

/* A value needs quotes where a reader that splits at spaces would go wrong. */
static void append_value(GString *line, const char *value)
{
	bool bare = *value != '\0';

	for (const char *p = value; *p != '\0' && bare; p++)
		bare = (guchar)*p > 0x20 && *p != '"' && *p != '=' && *p != '\\' && *p != 0x7f;
	if (bare) {
		g_string_append(line, value);
		return;
	}
	g_string_append_c(line, '"');
	for (const char *p = value; *p != '\0'; p++) {
		if (*p == '"' || *p == '\\')
			g_string_append_c(line, '\\');
		g_string_append_c(line, *p);
	}
	g_string_append_c(line, '"');
}

void log_event(const char *event, ...)
{
	g_autoptr(GString) line = NULL;
	const char *key;
	va_list args;

	if (!wanted(LOG_LEVEL_INFO))
		return;
	line = g_string_new("event=");
	append_value(line, event);
	va_start(args, event);
	while ((key = va_arg(args, const char *)) != NULL) {
		const char *value = va_arg(args, const char *);

		if (value == NULL)
			continue;
		g_string_append_printf(line, " %s=", key);
		append_value(line, value);
	}
	va_end(args);
	write_line(LOG_LEVEL_INFO, line->str);
}
