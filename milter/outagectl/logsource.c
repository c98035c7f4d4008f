/* logsource: see logsource.h. Layer: program. */
#include "outagectl/logsource.h"

#include <errno.h>
#include <fcntl.h>
#include <gio/gio.h>
#include <glib/gstdio.h>
#include <poll.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/child.h"
#include "base/clock.h"
#include "base/error.h"
#include "outagectl/logline.h"

#define CHUNK 65536

/* Makes lines of what comes in pieces. */
typedef struct {
	LogVisit visit;
	gpointer data;
	GString *line;
	bool too_long;
} Lines;

static void end_line(Lines *lines)
{
	if (!lines->too_long && lines->line->len > 0)
		lines->visit(lines->line->str, lines->data);
	g_string_truncate(lines->line, 0);
	lines->too_long = false;
}

static void feed(Lines *lines, const char *bytes, gsize size)
{
	while (size > 0) {
		const char *eol = memchr(bytes, '\n', size);
		gsize length = eol != NULL ? (gsize)(eol - bytes) : size;

		lines->too_long |= lines->line->len + length > LOGLINE_MAX;
		if (!lines->too_long)
			g_string_append_len(lines->line, bytes, (gssize)length);
		if (eol == NULL)
			return;
		end_line(lines);
		bytes += length + 1;
		size -= length + 1;
	}
}

/* --- files --- */

/* FILE.1 and FILE.2.gz are numbered from the newest, FILE-20261121 and the like by their date. Returns by how much a copy is older, at least
 * 1; 0 where name is no copy. */
static guint64 copy_age(const char *name, const char *base)
{
	gsize length = strlen(base);
	guint64 number;
	char *end;

	if (strncmp(name, base, length) != 0 || (name[length] != '.' && name[length] != '-') || !g_ascii_isdigit(name[length + 1]))
		return 0;
	number = g_ascii_strtoull(name + length + 1, &end, 10);
	if ((*end != '\0' && strcmp(end, ".gz") != 0) || number == 0 || number > 99999999999999)
		return 0;
	return name[length] == '-' ? 100000000000000 - number : number;
}

typedef struct { char *path; guint64 age; } Copy;

static int oldest_first(gconstpointer a, gconstpointer b)
{
	const Copy *one = a, *other = b;

	return one->age > other->age ? -1 : one->age < other->age;
}

GPtrArray *logsource_copies(const char *path)
{
	GPtrArray *paths = g_ptr_array_new_with_free_func(g_free);
	g_autofree char *folder = g_path_get_dirname(path), *base = g_path_get_basename(path);
	g_autoptr(GArray) copies = g_array_new(FALSE, FALSE, sizeof(Copy));
	g_autoptr(GDir) dir = g_dir_open(folder, 0, NULL);
	const char *name;

	while (dir != NULL && (name = g_dir_read_name(dir)) != NULL) {
		Copy copy = { .age = copy_age(name, base) };

		if (copy.age == 0)
			continue;
		copy.path = g_build_filename(folder, name, NULL);
		g_array_append_val(copies, copy);
	}
	g_array_sort(copies, oldest_first);
	for (guint i = 0; i < copies->len; i++)
		g_ptr_array_add(paths, g_array_index(copies, Copy, i).path);
	if (g_file_test(path, G_FILE_TEST_EXISTS))
		g_ptr_array_add(paths, g_strdup(path));
	return paths;
}

static bool read_stream(GInputStream *stream, Lines *lines, GError **error)
{
	g_autofree char *chunk = g_malloc(CHUNK);
	gssize got;

	while ((got = g_input_stream_read(stream, chunk, CHUNK, NULL, error)) > 0)
		feed(lines, chunk, (gsize)got);
	return got == 0;
}

static bool read_stdin(Lines *lines, GError **error)
{
	g_autofree char *chunk = g_malloc(CHUNK);
	gssize got;

	while ((got = read(STDIN_FILENO, chunk, CHUNK)) > 0 || (got < 0 && errno == EINTR))
		if (got > 0)
			feed(lines, chunk, (gsize)got);
	if (got < 0)
		g_set_error(error, OUTAGE_ERROR, OUTAGE_ERROR_SYSTEM, "standard input: %s", g_strerror(errno));
	return got == 0;
}

static bool read_path(const char *path, Lines *lines, GError **error)
{
	g_autoptr(GFile) file = NULL;
	g_autoptr(GInputStream) plain = NULL, unpacked = NULL;

	if (strcmp(path, "-") == 0)
		return read_stdin(lines, error);
	file = g_file_new_for_path(path);
	plain = G_INPUT_STREAM(g_file_read(file, NULL, error));
	if (plain == NULL)
		return false;
	if (g_str_has_suffix(path, ".gz")) {
		g_autoptr(GZlibDecompressor) gunzip = g_zlib_decompressor_new(G_ZLIB_COMPRESSOR_FORMAT_GZIP);

		unpacked = g_converter_input_stream_new(plain, G_CONVERTER(gunzip));
	}
	return read_stream(unpacked != NULL ? unpacked : plain, lines, error);
}

bool logsource_read(const char *path, LogVisit visit, gpointer data, GError **error)
{
	g_autoptr(GString) line = g_string_new(NULL);
	Lines lines = { .visit = visit, .data = data, .line = line };
	bool ok = read_path(path, &lines, error);

	end_line(&lines);
	if (!ok)
		g_prefix_error(error, "%s: ", path);
	return ok;
}

/* --- the journal --- */

/* Reads what the program writes until it ends, or the time is up: then false. */
static bool drain(int from, gint64 until, Lines *lines)
{
	g_autofree char *chunk = g_malloc(CHUNK);

	for (;;) {
		struct pollfd ready = { .fd = from, .events = POLLIN };
		gint64 left = (until - clock_mono_us()) / 1000;
		int count = left > 0 ? poll(&ready, 1, (int)MIN(left, G_MAXINT)) : 0;
		gssize got;

		if (count == 0)
			return false;
		got = count > 0 ? read(from, chunk, CHUNK) : -1;
		if (got > 0)
			feed(lines, chunk, (gsize)got);
		else if (got == 0 || errno != EINTR)
			return true;
	}
}

static bool start(char *const *argv, int *from, pid_t *pid, GError **error)
{
	int ends[2], nowhere = open("/dev/null", O_WRONLY | O_CLOEXEC), failure;

	if (nowhere < 0 || pipe2(ends, O_CLOEXEC) != 0) {
		g_set_error(error, OUTAGE_ERROR, OUTAGE_ERROR_SYSTEM, "%s: %s", argv[0], g_strerror(errno));
		if (nowhere >= 0)
			(void)close(nowhere);
		return false;
	}
	failure = child_start(&(Child){ .argv = argv, .environment = environ, .input = -1, .output = ends[1], .errors = nowhere,
	                          .in_path = true, .own_group = true }, pid);
	(void)close(ends[1]);
	(void)close(nowhere);
	*from = ends[0];
	if (failure == 0)
		return true;
	(void)close(ends[0]);
	g_set_error(error, OUTAGE_ERROR, OUTAGE_ERROR_SYSTEM, "%s: %s", argv[0], g_strerror(failure));
	return false;
}

/* Waits for its end until then; whoever has not ended is killed, with all it has started. Returns its status (waitpid(2)). */
static int end_child(pid_t pid, gint64 until)
{
	int status = 0;

	while (waitpid(pid, &status, WNOHANG) == 0) {
		if (clock_mono_us() < until) {
			g_usleep(2000);
			continue;
		}
		(void)kill(-pid, SIGKILL);
		while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
			;
		break;
	}
	return status;
}

bool logsource_journal(const char *program, gint64 timeout_ms, LogVisit visit, gpointer data, GError **error)
{
	const char *argv[] = { program != NULL ? program : "journalctl", "--quiet", "--no-pager", "--output=short-unix", "_COMM=outage-milter",
		"_COMM=outage-replier", NULL };
	gint64 until = clock_mono_us() + timeout_ms * 1000;
	g_autoptr(GString) line = g_string_new(NULL);
	Lines lines = { .visit = visit, .data = data, .line = line };
	int from, status;
	bool in_time;
	pid_t pid;

	if (!start((char *const *)argv, &from, &pid, error))
		return false;
	in_time = drain(from, until, &lines);
	(void)close(from);
	status = end_child(pid, in_time ? until : 0);
	end_line(&lines);
	if (in_time && WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return true;
	if (!in_time || WIFSIGNALED(status))
		g_set_error(error, OUTAGE_ERROR, OUTAGE_ERROR_UNAVAILABLE, "%s took longer than %" G_GINT64_FORMAT " seconds, or was killed",
		    argv[0], timeout_ms / 1000);
	else
		g_set_error(error, OUTAGE_ERROR, OUTAGE_ERROR_UNAVAILABLE, "%s ended with status %d", argv[0], WEXITSTATUS(status));
	return false;
}
