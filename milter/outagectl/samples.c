/* samples: reads labelled mail (see samples.h). Layer: program. */
#include "outagectl/samples.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"

/* Columns of a table; a file with more is something else. */
#define COLUMNS_MAX 1000

typedef struct {
	SampleLabel given;    /* by the caller: names of files and folders are not asked */
	gsize body_limit;
	SampleFunc func;
	gpointer data;
	GPtrArray *mistakes;
} Reader;

static void mistake(const Reader *reader, const char *path, guint line, const char *what)
{
	g_autofree char *shown = log_escape(path, 0);
	g_autofree char *safe = log_escape(what, 0);

	if (line > 0)
		g_ptr_array_add(reader->mistakes, g_strdup_printf("%s:%u: %s", shown, line, safe));
	else
		g_ptr_array_add(reader->mistakes, g_strdup_printf("%s: %s", shown, safe));
}

/* ---- tables ---- */

enum { COLUMN_ID, COLUMN_LANG, COLUMN_LABEL, COLUMN_ESCALATION, COLUMN_SUBJECT, COLUMN_BODY, COLUMNS };
static const char *const column_names[COLUMNS] = { "id", "lang", "label", "escalation", "subject", "body" };

typedef struct {
	const Reader *reader;
	const char *path;
	int at[COLUMNS];      /* which field of a line, -1 none */
	guint fields;         /* of each line */
	char *source;         /* where a row has no id */
} Table;

static bool read_head(Table *table, const char *line)
{
	g_auto(GStrv) names = g_strsplit(line, "\t", COLUMNS_MAX);

	for (guint i = 0; i < COLUMNS; i++)
		table->at[i] = -1;
	for (table->fields = 0; names[table->fields] != NULL; table->fields++)
		for (guint i = 0; i < COLUMNS; i++)
			if (strcmp(names[table->fields], column_names[i]) == 0)
				table->at[i] = (int)table->fields;
	if (table->at[COLUMN_LABEL] >= 0 && table->at[COLUMN_BODY] >= 0)
		return true;
	mistake(table->reader, table->path, 1, "the first line names the columns, divided by tabs: label and body are needed");
	return false;
}

static const char *field(const Table *table, char **fields, guint column)
{
	return table->at[column] >= 0 ? fields[table->at[column]] : NULL;
}

/* Returns what \n, \t, \r and \\ stand for, 0 for others. */
static char escaped(char c)
{
	switch (c) {
	case 'n':
		return '\n';
	case 't':
		return '\t';
	case 'r':
		return '\r';
	default:
		return c == '\\' ? c : '\0';
	}
}

static char *unescaped(const char *text)
{
	GString *plain = g_string_sized_new(strlen(text));

	for (; *text != '\0'; text++) {
		char c = *text == '\\' ? escaped(text[1]) : '\0';

		g_string_append_c(plain, c != '\0' ? c : *text);
		text += c != '\0';
	}
	return g_string_free(plain, FALSE);
}

static Message *message_of(const Table *table, char **fields)
{
	Message *message = message_new(table->reader->body_limit);
	const char *given = field(table, fields, COLUMN_SUBJECT);
	g_autofree char *subject = unescaped(given != NULL ? given : "");
	g_autofree char *body = unescaped(field(table, fields, COLUMN_BODY));

	g_strdelimit(subject, "\r\n", ' ');
	message_add_header(message, "From", "customer@example.invalid");
	message_add_header(message, "Subject", subject);
	message_add_header(message, "MIME-Version", "1.0");
	message_add_header(message, "Content-Type", "text/plain; charset=utf-8");
	message_add_header(message, "Content-Transfer-Encoding", "8bit");
	(void)message_add_body(message, body, strlen(body));
	return message;
}

static const char *row_mistake(const Table *table, const char *line, char **fields)
{
	const char *label;

	if (!g_utf8_validate(line, -1, NULL))
		return "this is not UTF-8";
	if (g_strv_length(fields) != table->fields)
		return "the line has another number of fields than the first";
	label = field(table, fields, COLUMN_LABEL);
	if (strcmp(label, "0") != 0 && strcmp(label, "1") != 0)
		return "the label is neither 0 nor 1";
	return NULL;
}

static void read_row(const Table *table, const char *line, guint number)
{
	/* One more than there may be, so that too many are seen and a line of tabs alone costs nothing. */
	g_auto(GStrv) fields = g_strsplit(line, "\t", (gint)table->fields + 1);
	const char *what = row_mistake(table, line, fields), *id;
	g_autofree char *place = g_strdup_printf("%s:%u", table->path, number);
	g_autofree char *source = NULL;
	g_autoptr(Message) message = NULL;
	Sample sample = { 0 };

	if (what != NULL) {
		mistake(table->reader, table->path, number, what);
		return;
	}
	id = field(table, fields, COLUMN_ID);
	if (id != NULL && strchr(id, '-') != NULL)
		source = g_strndup(id, strcspn(id, "-"));
	sample.id = id != NULL && *id != '\0' ? id : place;
	sample.source = source != NULL && *source != '\0' ? source : table->source;
	sample.language = field(table, fields, COLUMN_LANG);
	sample.escalate = field(table, fields, COLUMN_ESCALATION);
	sample.label = *field(table, fields, COLUMN_LABEL) == '1' ? SAMPLE_OUTAGE : SAMPLE_OTHER;
	sample.message = message = message_of(table, fields);
	table->reader->func(&sample, table->reader->data);
}

static void read_table(const Reader *reader, const char *path, char *bytes, gsize size)
{
	Table table = { .reader = reader, .path = path };
	guint number = 0;
	char *first = bytes, *end;

	if (memchr(bytes, '\0', size) != NULL) {
		mistake(reader, path, 0, "a table has no NUL bytes");
		return;
	}
	table.source = g_path_get_basename(path);
	/* Spreadsheets put a byte order mark in front. */
	if (g_str_has_prefix(bytes, "\xef\xbb\xbf"))
		first += 3;
	for (char *line = first; line < bytes + size; line = end + 1) {
		end = line + strcspn(line, "\n");
		if (end > line && end[-1] == '\r')
			end[-1] = '\0';
		*end = '\0';
		if (++number == 1) {
			if (!read_head(&table, line))
				break;
		} else if (*line != '\0') {
			read_row(&table, line, number);
		}
	}
	g_free(table.source);
}

/* ---- mails ---- */

/* Where the caller did not say it, the nearest name does. */
static SampleLabel label_by_name(const Reader *reader, const char *path, SampleLabel label)
{
	g_autofree char *name = g_path_get_basename(path);

	if (reader->given != SAMPLE_UNKNOWN)
		return reader->given;
	name[strcspn(name, ".")] = '\0';
	if (strcmp(name, "outage") == 0)
		return SAMPLE_OUTAGE;
	return strcmp(name, "other") == 0 ? SAMPLE_OTHER : label;
}

static void read_mail(const Reader *reader, const char *id, const char *source, SampleLabel label, const char *bytes, gsize size)
{
	g_autoptr(Message) message = message_from_bytes(bytes, size, reader->body_limit);
	Sample sample = { .id = id, .source = source, .label = label, .message = message };

	reader->func(&sample, reader->data);
}

/* Appends a line of an mbox: one '>' of those before "From " was put there when it was written. */
static void add_line(GString *mail, const char *line, gsize size)
{
	gsize marks = 0;

	while (marks < size && line[marks] == '>')
		marks++;
	if (marks > 0 && size - marks >= 5 && strncmp(line + marks, "From ", 5) == 0) {
		line++;
		size--;
	}
	g_string_append_len(mail, line, (gssize)size);
}

static bool is_from_line(const char *line, gssize length)
{
	return length >= 5 && strncmp(line, "From ", 5) == 0;
}

static void end_mail(const Reader *reader, const char *path, const char *source, SampleLabel label, GString *mail, guint number)
{
	g_autofree char *id = g_strdup_printf("%s:%u", path, number);

	if (number > 0)
		read_mail(reader, id, source, label, mail->str, mail->len);
	g_string_truncate(mail, 0);
}

/* line: the first one, of length bytes. Line by line, since years of mail may lie in one file. */
static void read_mbox(const Reader *reader, const char *path, SampleLabel label, FILE *file, char **line, gsize *room,
    gssize length)
{
	g_autofree char *source = g_path_get_basename(path);
	g_autoptr(GString) mail = g_string_new(NULL);
	bool after_empty = true;
	guint number = 0;

	for (; length >= 0; length = getline(line, room, file)) {
		if (after_empty && is_from_line(*line, length)) {
			end_mail(reader, path, source, label, mail, number++);
			after_empty = false;
			continue;
		}
		after_empty = **line == '\n' || (**line == '\r' && length == 2);
		add_line(mail, *line, (gsize)length);
	}
	end_mail(reader, path, source, label, mail, number);
}

/* Returns the name of the folder that a mail lies in; of a maildir, its own. Caller frees. */
static char *folder_name(const char *path)
{
	g_autofree char *folder = g_path_get_dirname(path);
	g_autofree char *name = g_path_get_basename(folder);
	g_autofree char *above = NULL;

	if (strcmp(name, "cur") != 0 && strcmp(name, "new") != 0)
		return g_steal_pointer(&name);
	above = g_path_get_dirname(folder);
	return g_path_get_basename(above);
}

/* Puts the rest of file behind what is in bytes. */
static void read_rest(FILE *file, GString *bytes)
{
	char piece[65536];
	gsize length;

	while ((length = fread(piece, 1, sizeof piece, file)) > 0)
		g_string_append_len(bytes, piece, (gssize)length);
}

/* label: by the path's name. line: the first one, of length bytes. */
static void read_whole(const Reader *reader, const char *path, SampleLabel label, bool table, FILE *file, const char *line,
    gssize length)
{
	g_autoptr(GString) bytes = g_string_new_len(line, length);
	g_autofree char *source = folder_name(path);

	read_rest(file, bytes);
	if (ferror(file))
		return;
	if (table)
		read_table(reader, path, bytes->str, bytes->len);
	else
		read_mail(reader, path, source, label, bytes->str, bytes->len);
}

static void read_file(const Reader *reader, const char *path, SampleLabel folder_label, bool table)
{
	FILE *file = fopen(path, "re");
	SampleLabel label = label_by_name(reader, path, folder_label);
	char *line = NULL; /* getline's: free, not g_free */
	gsize room = 0;
	gssize length;

	if (file == NULL) {
		mistake(reader, path, 0, g_strerror(errno));
		return;
	}
	table = table || g_str_has_suffix(path, ".tsv");
	length = getline(&line, &room, file);
	/* An empty file is a mailbox that was emptied. */
	if (length > 0 && !table && label == SAMPLE_UNKNOWN)
		mistake(reader, path, 0, "is this outage mail or not? Say --outage or --other, or put it into a folder of that name");
	else if (length > 0 && !table && is_from_line(line, length))
		read_mbox(reader, path, label, file, &line, &room, length);
	else if (length > 0)
		read_whole(reader, path, label, table, file, line, length);
	if (ferror(file))
		mistake(reader, path, 0, "it cannot be read to its end");
	free(line);
	(void)fclose(file);
}

/* ---- folders ---- */

static int by_bytes(gconstpointer a, gconstpointer b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static bool is_folder(const char *path, const char *name)
{
	g_autofree char *full = g_build_filename(path, name, NULL);

	return g_file_test(full, G_FILE_TEST_IS_DIR);
}

static void read_path(const Reader *reader, const char *path, SampleLabel label, bool table, bool named);

static void read_folder(const Reader *reader, const char *path, SampleLabel label, bool table)
{
	bool maildir = is_folder(path, "cur") || is_folder(path, "new");
	g_autoptr(GPtrArray) names = g_ptr_array_new_with_free_func(g_free);
	g_autoptr(GError) error = NULL;
	g_autoptr(GDir) dir = g_dir_open(path, 0, &error);
	const char *name;

	if (dir == NULL) {
		g_ptr_array_add(reader->mistakes, g_strdup(error->message));
		return;
	}
	while ((name = g_dir_read_name(dir)) != NULL)
		if (*name != '.' && (!maildir || strcmp(name, "cur") == 0 || strcmp(name, "new") == 0))
			g_ptr_array_add(names, g_build_filename(path, name, NULL));
	g_ptr_array_sort(names, by_bytes);
	for (guint i = 0; i < names->len; i++)
		read_path(reader, g_ptr_array_index(names, i), label_by_name(reader, path, label), table, false);
}

/* named: given on the command line; links and special files found in a folder are passed over, named ones are followed. */
static void read_path(const Reader *reader, const char *path, SampleLabel label, bool table, bool named)
{
	if (!named && g_file_test(path, G_FILE_TEST_IS_SYMLINK))
		return;
	if (g_file_test(path, G_FILE_TEST_IS_DIR))
		read_folder(reader, path, label, table);
	else if (named || g_file_test(path, G_FILE_TEST_IS_REGULAR))
		read_file(reader, path, label, table);
}

void samples_read(const char *path, SampleLabel label, bool table, gsize body_limit, SampleFunc func, gpointer data,
    GPtrArray *mistakes)
{
	const Reader reader = { .given = label, .body_limit = body_limit, .func = func, .data = data, .mistakes = mistakes };

	read_path(&reader, path, label, table, true);
}
