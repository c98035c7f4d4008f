/* log: formats, escapes and writes one line per event (see log.h). Layer: base.
 *
 * Escaping happens on the finished line, in one place, so that no caller can forget it: a queue id, a header or a Redis
 * value can never start a second line or send a terminal escape. */
#include "base/log.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <syslog.h>
#include <unistd.h>

#include "base/clock.h"

static struct {
	GMutex lock;
	const char *program;
	LogLevel level;
	bool to_syslog;
	bool to_journal;  /* by way of stderr */
	bool json;
} sink = { .program = "outage", .level = LOG_LEVEL_INFO };

/* JOURNAL_STREAM says which stream systemd reads (systemd.exec(5)); it is inherited, so our stderr may long be another one. */
static bool stderr_is_journal(void)
{
	const char *stream = g_getenv("JOURNAL_STREAM");
	g_autofree char *ours = NULL;
	struct stat info;

	if (stream == NULL || fstat(STDERR_FILENO, &info) != 0)
		return false;
	ours = g_strdup_printf("%ju:%ju", (uintmax_t)info.st_dev, (uintmax_t)info.st_ino);
	return strcmp(ours, stream) == 0;
}

static GLogWriterOutput on_library(GLogLevelFlags level, const GLogField *fields, gsize count, gpointer unused);

void log_open(const char *program, LogDestination destination, LogLevel level)
{
	static gsize libraries;
	bool journal = stderr_is_journal();
	bool to_syslog = destination == LOG_TO_SYSLOG || (destination == LOG_TO_AUTO && !journal && !isatty(STDERR_FILENO));

	g_mutex_lock(&sink.lock);
	if (sink.to_syslog)
		closelog();
	sink.program = program;
	sink.level = level;
	sink.to_syslog = to_syslog;
	sink.to_journal = journal && !to_syslog;
	if (to_syslog)
		openlog(program, LOG_PID | LOG_NDELAY, LOG_MAIL);
	g_mutex_unlock(&sink.lock);
	if (g_once_init_enter(&libraries)) {
		g_log_set_writer_func(on_library, NULL, NULL);
		g_once_init_leave(&libraries, 1);
	}
}

void log_set_level(LogLevel level)
{
	g_mutex_lock(&sink.lock);
	sink.level = level;
	g_mutex_unlock(&sink.lock);
}

void log_set_json(bool json)
{
	g_mutex_lock(&sink.lock);
	sink.json = json;
	g_mutex_unlock(&sink.lock);
}

/* Line and paragraph separators and bidirectional controls would let a value rearrange what a person reads. */
static bool rearranges(gunichar c)
{
	return c == 0x2028 || c == 0x2029 || (c >= 0x202a && c <= 0x202e) || (c >= 0x2066 && c <= 0x2069);
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
	if (rearranges(c))
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

/* Appends text as a JSON string (RFC 8259 section 7), with what append_escaped would not let through as \u00NN. What is not UTF-8 cannot stand
 * in JSON: each such byte becomes U+FFFD. */
static void append_json_string(GString *out, const char *text)
{
	const char *end = text + strlen(text);

	g_string_append_c(out, '"');
	while (text < end) {
		gunichar c = g_utf8_get_char_validated(text, end - text);

		if (c == (gunichar)-1 || c == (gunichar)-2) {
			g_string_append(out, "\\ufffd");
			text++;
			continue;
		}
		if (c == '"' || c == '\\')
			g_string_append_printf(out, "\\%c", (char)c);
		else if (c < 0x20 || (c >= 0x7f && c < 0xa0) || rearranges(c))
			g_string_append_printf(out, "\\u%04x", c);
		else
			g_string_append_unichar(out, c);
		text = g_utf8_next_char(text);
	}
	g_string_append_c(out, '"');
}

/* Behind a brace or another member. */
static void append_member(GString *out, const char *name, const char *value)
{
	g_string_append_printf(out, "%s\"%s\":", out->str[out->len - 1] == '{' ? "" : ",", name);
	append_json_string(out, value);
}

/* number = ["-"] (1*DIGIT) ["." 1*DIGIT]. What JSON allows beyond that we do not write; it has no leading zeros. */
static bool is_number(const char *text)
{
	const char *p = text + (*text == '-');

	if (!g_ascii_isdigit(*p) || (*p == '0' && g_ascii_isdigit(p[1])))
		return false;
	while (g_ascii_isdigit(*p))
		p++;
	if (*p != '.')
		return *p == '\0';
	if (!g_ascii_isdigit(*++p))
		return false;
	while (g_ascii_isdigit(*p))
		p++;
	return *p == '\0';
}

static void append_number(GString *out, const char *name, const char *value)
{
	if (is_number(value))
		g_string_append_printf(out, "%s\"%s\":%s", out->str[out->len - 1] == '{' ? "" : ",", name, value);
	else
		append_member(out, name, value);
}

/* Writes a finished line, an object or text, whatever sink.json has become meanwhile; with the lock. */
static void write_safe(LogLevel level, bool json, const char *prefix, const char *safe)
{
	static const int priorities[] = { LOG_ERR, LOG_WARNING, LOG_INFO, LOG_DEBUG };

	if (sink.to_syslog)
		syslog(priorities[level], "%s%s", prefix, safe);
	else if (sink.to_journal && json)
		fprintf(stderr, "<%d>%s\n", priorities[level], safe);
	else if (sink.to_journal)
		fprintf(stderr, "<%d>%s[%d]: %s%s\n", priorities[level], sink.program, (int)getpid(), prefix, safe);
	else if (json)
		fprintf(stderr, "%s\n", safe);
	else
		fprintf(stderr, "%s[%d]: %s%s\n", sink.program, (int)getpid(), prefix, safe);
}

static void write_text(LogLevel level, const char *line)
{
	static const char *const names[] = { "error: ", "warning: ", "", "debug: " };
	g_autofree char *safe = log_escape(line, 0);

	g_mutex_lock(&sink.lock);
	write_safe(level, false, names[level], safe);
	g_mutex_unlock(&sink.lock);
}

/* members: `,"name":"value"...` */
static void write_object(LogLevel level, const char *members)
{
	static const char *const names[] = { "error", "warning", "info", "debug" };
	g_autoptr(GString) line = g_string_new("{");

	g_mutex_lock(&sink.lock);
	if (!sink.to_syslog) {
		g_autofree char *now = clock_format(clock_now());
		g_autofree char *pid = g_strdup_printf("%d", (int)getpid());

		append_member(line, "time", now);
		append_member(line, "program", sink.program);
		append_number(line, "pid", pid);
	}
	append_member(line, "level", names[level]);
	g_string_append(line, members);
	g_string_append_c(line, '}');
	write_safe(level, true, "", line->str);
	g_mutex_unlock(&sink.lock);
}

static bool is_json(void)
{
	bool json;

	g_mutex_lock(&sink.lock);
	json = sink.json;
	g_mutex_unlock(&sink.lock);
	return json;
}

static void write_line(LogLevel level, const char *line)
{
	g_autoptr(GString) members = NULL;

	if (!is_json()) {
		write_text(level, line);
		return;
	}
	members = g_string_new(",\"message\":");
	append_json_string(members, line);
	write_object(level, members->str);
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

/* Caller frees. */
static char *field_text(const GLogField *fields, gsize count, const char *key)
{
	for (gsize i = 0; i < count; i++)
		if (strcmp(fields[i].key, key) == 0)
			return fields[i].length < 0 ? g_strdup(fields[i].value) : g_strndup(fields[i].value, (gsize)fields[i].length);
	return g_strdup("?");
}

/* What GLib and the libraries upon it complain of is in the log, and of its form, too; their details are not. */
static GLogWriterOutput on_library(GLogLevelFlags level, const GLogField *fields, gsize count, gpointer unused)
{
	g_autofree char *domain = field_text(fields, count, "GLIB_DOMAIN"), *message = field_text(fields, count, "MESSAGE");

	(void)unused;
	if ((level & (G_LOG_LEVEL_ERROR | G_LOG_LEVEL_CRITICAL)) != 0)
		log_error("%s: %s", domain, message);
	else if ((level & (G_LOG_LEVEL_WARNING | G_LOG_LEVEL_MESSAGE)) != 0)
		log_warning("%s: %s", domain, message);
	return G_LOG_WRITER_HANDLED;
}

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
	bool json = is_json();
	const char *key;
	va_list args;

	if (!wanted(LOG_LEVEL_INFO))
		return;
	line = g_string_new(json ? ",\"event\":" : "event=");
	if (json)
		append_json_string(line, event);
	else
		append_value(line, event);
	va_start(args, event);
	while ((key = va_arg(args, const char *)) != NULL) {
		const char *value = va_arg(args, const char *);
		bool number = *key == '#';

		key += number;
		if (value == NULL)
			continue;
		if (json) {
			(number ? append_number : append_member)(line, key, value);
			continue;
		}
		g_string_append_printf(line, " %s=", key);
		append_value(line, value);
	}
	va_end(args);
	if (json)
		write_object(LOG_LEVEL_INFO, line->str);
	else
		write_text(LOG_LEVEL_INFO, line->str);
}
