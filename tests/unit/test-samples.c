/* test-samples: labelled mail comes in as it lies: tables, mbox files, maildirs, folders. What is wrong is named with file and
 * line, and the rest is still read. Layer: tests. */
#include "outagectl/samples.h"

#include <glib/gstdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "mail/text.h"

typedef struct {
	char *dir;
	GPtrArray *found;     /* char *: "label id source subject | body" */
	GPtrArray *mistakes;
} Fixture;

static void set_up(Fixture *fixture, gconstpointer data)
{
	(void)data;
	fixture->dir = g_dir_make_tmp("samples-XXXXXX", NULL);
	fixture->found = g_ptr_array_new_with_free_func(g_free);
	fixture->mistakes = g_ptr_array_new_with_free_func(g_free);
}

static void remove_all(const char *path)
{
	g_autoptr(GDir) dir = g_file_test(path, G_FILE_TEST_IS_SYMLINK) ? NULL : g_dir_open(path, 0, NULL);
	const char *name;

	while (dir != NULL && (name = g_dir_read_name(dir)) != NULL) {
		g_autofree char *full = g_build_filename(path, name, NULL);

		remove_all(full);
	}
	(void)g_remove(path);
}

static void tear_down(Fixture *fixture, gconstpointer data)
{
	(void)data;
	remove_all(fixture->dir);
	g_free(fixture->dir);
	g_ptr_array_unref(fixture->found);
	g_ptr_array_unref(fixture->mistakes);
}

static void put(const Fixture *fixture, const char *name, const char *text)
{
	g_autofree char *path = g_build_filename(fixture->dir, name, NULL);
	g_autofree char *dir = g_path_get_dirname(path);

	g_assert_cmpint(g_mkdir_with_parents(dir, 0700), ==, 0);
	g_assert_true(g_file_set_contents(path, text, -1, NULL));
}

static void note(const Sample *sample, gpointer data)
{
	Fixture *fixture = data;
	g_autoptr(Text) text = text_read(sample->message, 4096);
	const char *id = strstr(sample->id, fixture->dir) == sample->id ? sample->id + strlen(fixture->dir) + 1 : sample->id;

	g_strchomp(text->own);
	g_ptr_array_add(fixture->found, g_strdup_printf("%d %s %s %s | %s", sample->label, id, sample->source, text->subject, text->own));
}

static void read_one(Fixture *fixture, const char *name, SampleLabel label, gboolean table)
{
	g_autofree char *path = g_build_filename(fixture->dir, name, NULL);

	samples_read(path, label, table, 65536, note, fixture, fixture->mistakes);
}

/* Each line as often as it is there, in this order. */
static void expect(const GPtrArray *lines, const char *const *wanted)
{
	guint i = 0;

	for (; wanted[i] != NULL; i++) {
		g_assert_cmpuint(i, <, lines->len);
		if (strstr(g_ptr_array_index(lines, i), wanted[i]) == NULL)
			g_error("\"%s\" is not \"%s\"", (char *)g_ptr_array_index(lines, i), wanted[i]);
	}
	g_assert_cmpuint(lines->len, ==, i);
}
#define EXPECT(lines, ...) expect(lines, (const char *const[]){ __VA_ARGS__, NULL })
#define EXPECT_NONE(lines) g_assert_cmpuint((lines)->len, ==, 0)

static void test_table(Fixture *fixture, gconstpointer data)
{
	(void)data;
	put(fixture, "a.tsv",
	    "id\tlabel\tmore\tsubject\tbody\n"
	    "air-1\t1\tx\tDown\tIt is down.\\nAll of it\\tnow, C:\\\\new\n"
	    "\t0\ty\t\tHello\r\nb\t0\t\tcaf\xc3\xa9\tth\xc3\xa9\n");
	read_one(fixture, "a.tsv", SAMPLE_UNKNOWN, FALSE);
	EXPECT_NONE(fixture->mistakes);
	EXPECT(fixture->found, "1 air-1 air Down | It is down.\nAll of it\tnow, C:\\new", "0 a.tsv:3 a.tsv  | Hello",
	    "0 b a.tsv caf\xc3\xa9 | th\xc3\xa9");
}

static void test_table_without_header_is_refused(Fixture *fixture, gconstpointer data)
{
	(void)data;
	put(fixture, "a.tsv", "1\tdown\n0\tup\n");
	put(fixture, "empty.tsv", "");
	read_one(fixture, "a.tsv", SAMPLE_UNKNOWN, FALSE);
	read_one(fixture, "empty.tsv", SAMPLE_UNKNOWN, FALSE);
	EXPECT_NONE(fixture->found);
	EXPECT(fixture->mistakes, "a.tsv:1: the first line names the columns");
}

/* As spreadsheets write it: with a byte order mark, without an end of the last line. */
static void test_table_of_a_spreadsheet(Fixture *fixture, gconstpointer data)
{
	(void)data;
	put(fixture, "a.tsv", "\xef\xbb\xbflabel\tbody\r\n1\tdown");
	read_one(fixture, "a.tsv", SAMPLE_UNKNOWN, FALSE);
	EXPECT_NONE(fixture->mistakes);
	EXPECT(fixture->found, "1 a.tsv:2 a.tsv  | down");
}

/* A file that is no table at all: nothing of it is taken, and it is said once. */
static void test_hostile_tables(Fixture *fixture, gconstpointer data)
{
	g_autofree char *tabs = g_strnfill(1000000, '\t');
	g_autofree char *wide = g_strconcat("label\tbody\n1", tabs, "\n0\tfine\n", NULL);
	g_autofree char *path = g_build_filename(fixture->dir, "nul.tsv", NULL);

	(void)data;
	put(fixture, "head.tsv", tabs);
	put(fixture, "wide.tsv", wide);
	g_assert_true(g_file_set_contents(path, "label\tbody\n1\tdo\0wn\n", 20, NULL));
	read_one(fixture, "head.tsv", SAMPLE_UNKNOWN, FALSE);
	read_one(fixture, "wide.tsv", SAMPLE_UNKNOWN, FALSE);
	read_one(fixture, "nul.tsv", SAMPLE_UNKNOWN, FALSE);
	EXPECT(fixture->mistakes, "head.tsv:1: the first line names the columns", "wide.tsv:2: the line has another number of fields",
	    "nul.tsv: a table has no NUL bytes");
	EXPECT(fixture->found, "0 wide.tsv:3 wide.tsv  | fine");
}

static void test_wrong_lines_are_named_and_the_rest_is_read(Fixture *fixture, gconstpointer data)
{
	(void)data;
	put(fixture, "a.txt", "label\tbody\nyes\tdown\n1\n1\tdown\textra\n1\t\xff\xfe\n\n0\tfine\n");
	read_one(fixture, "a.txt", SAMPLE_UNKNOWN, TRUE);
	EXPECT(fixture->mistakes, "a.txt:2: the label is neither 0 nor 1", "a.txt:3: the line has another number of fields",
	    "a.txt:4: the line has another number of fields", "a.txt:5: this is not UTF-8");
	EXPECT(fixture->found, "0 a.txt:7 a.txt  | fine");
}

/* No line of a table becomes a header of its mail. */
static void test_subject_stays_a_subject(Fixture *fixture, gconstpointer data)
{
	(void)data;
	put(fixture, "a.tsv", "label\tsubject\tbody\n1\tone\\nContent-Type: text/html\t<b>down</b>\n");
	read_one(fixture, "a.tsv", SAMPLE_UNKNOWN, FALSE);
	EXPECT(fixture->found, "one Content-Type: text/html | <b>down</b>");
}

static const char mbox[] =
    "From jane@example.com Fri Nov 21 10:00:00 2025\nSubject: one\n\nIt is down.\n>From here nothing works.\n>>From quoted\n"
    "From the start, too.\n\n"
    "From joe@example.com Fri Nov 21 10:01:00 2025\r\nSubject: two\r\n\r\nStill down.\r\n\r\nFrom x\nSubject: three\n\n";

static void test_mbox(Fixture *fixture, gconstpointer data)
{
	(void)data;
	put(fixture, "mail", mbox);
	read_one(fixture, "mail", SAMPLE_OUTAGE, FALSE);
	EXPECT_NONE(fixture->mistakes);
	EXPECT(fixture->found, "1 mail:1 mail one | It is down.\nFrom here nothing works.\n", "1 mail:2 mail two | Still down.",
	    "1 mail:3 mail three | ");
	g_assert_nonnull(strstr(g_ptr_array_index(fixture->found, 0), "From the start, too."));
}

/* Emptied, cut short, with bytes that no mail has. */
static void test_odd_mboxes(Fixture *fixture, gconstpointer data)
{
	static const char odd[] = "From x\nSubject: four\n\nno\0 end";
	g_autofree char *path = g_build_filename(fixture->dir, "odd", NULL);

	(void)data;
	put(fixture, "empty", "");
	put(fixture, "short", "From jane");
	g_assert_true(g_file_set_contents(path, odd, sizeof odd - 1, NULL));
	read_one(fixture, "empty", SAMPLE_OUTAGE, FALSE);
	read_one(fixture, "short", SAMPLE_OUTAGE, FALSE);
	read_one(fixture, "odd", SAMPLE_OUTAGE, FALSE);
	EXPECT_NONE(fixture->mistakes);
	EXPECT(fixture->found, "1 short:1 short  | ", "1 odd:1 odd four | no");
}

static void test_maildir(Fixture *fixture, gconstpointer data)
{
	(void)data;
	put(fixture, "box/cur/2:2,S", "Subject: two\n\nseen\n");
	put(fixture, "box/new/1", "Subject: one\n\nnew\n");
	put(fixture, "box/tmp/3", "Subject: three\n\nhalf writ");
	put(fixture, "box/dovecot.index", "no mail");
	put(fixture, "box/.Spam/cur/4", "Subject: four\n\nspam\n");
	read_one(fixture, "box", SAMPLE_OTHER, FALSE);
	EXPECT_NONE(fixture->mistakes);
	EXPECT(fixture->found, "0 box/cur/2:2,S box two | seen", "0 box/new/1 box one | new");
}

static void test_folders_say_what_is_in_them(Fixture *fixture, gconstpointer data)
{
	(void)data;
	put(fixture, "all/outage/1.eml", "Subject: one\n\na\n");
	put(fixture, "all/other/deep/2.eml", "Subject: two\n\nb\n");
	put(fixture, "all/outage.mbox", "From x\nSubject: three\n\nc\n");
	put(fixture, "all/.hidden", "Subject: no\n\nno\n");
	put(fixture, "all/table.tsv", "label\tbody\n0\td\n");
	put(fixture, "all/what.eml", "Subject: what\n\nis this\n");
	read_one(fixture, "all", SAMPLE_UNKNOWN, FALSE);
	EXPECT(fixture->found, "0 all/other/deep/2.eml deep two | b", "1 all/outage/1.eml outage one | a",
	    "1 all/outage.mbox:1 outage.mbox three | c", "0 all/table.tsv:2 table.tsv  | d");
	EXPECT(fixture->mistakes, "what.eml: is this outage mail or not?");
}

/* Said on the command line, it is not asked what a folder is called. */
static void test_what_is_said_outweighs_names(Fixture *fixture, gconstpointer data)
{
	(void)data;
	put(fixture, "other/1.eml", "Subject: one\n\na\n");
	put(fixture, "other/other.mbox", "From x\nSubject: two\n\nb\n");
	read_one(fixture, "other", SAMPLE_OUTAGE, FALSE);
	EXPECT_NONE(fixture->mistakes);
	EXPECT(fixture->found, "1 other/1.eml other one | a", "1 other/other.mbox:1 other.mbox two | b");
}

static void test_links_in_folders_are_not_followed(Fixture *fixture, gconstpointer data)
{
	g_autofree char *link = g_build_filename(fixture->dir, "all", "loop", NULL);
	g_autofree char *pipe = g_build_filename(fixture->dir, "all", "pipe", NULL);

	(void)data;
	put(fixture, "all/1.eml", "Subject: one\n\na\n");
	g_assert_cmpint(symlink("..", link), ==, 0);
	g_assert_cmpint(mkfifo(pipe, 0600), ==, 0);
	read_one(fixture, "all", SAMPLE_OUTAGE, FALSE);
	EXPECT(fixture->found, "1 all/1.eml all one | a");
	EXPECT_NONE(fixture->mistakes);
}

static void test_what_is_not_there_is_named(Fixture *fixture, gconstpointer data)
{
	(void)data;
	read_one(fixture, "nowhere", SAMPLE_OUTAGE, FALSE);
	EXPECT(fixture->mistakes, "nowhere");
	EXPECT_NONE(fixture->found);
}

int main(int argc, char **argv)
{
	static const struct {
		const char *path;
		void (*test)(Fixture *, gconstpointer);
	} tests[] = {
		{ "/samples/table", test_table },
		{ "/samples/table-without-header-is-refused", test_table_without_header_is_refused },
		{ "/samples/wrong-lines-are-named-and-the-rest-is-read", test_wrong_lines_are_named_and_the_rest_is_read },
		{ "/samples/subject-stays-a-subject", test_subject_stays_a_subject },
		{ "/samples/table-of-a-spreadsheet", test_table_of_a_spreadsheet },
		{ "/samples/hostile-tables", test_hostile_tables },
		{ "/samples/mbox", test_mbox },
		{ "/samples/odd-mboxes", test_odd_mboxes },
		{ "/samples/maildir", test_maildir },
		{ "/samples/folders-say-what-is-in-them", test_folders_say_what_is_in_them },
		{ "/samples/what-is-said-outweighs-names", test_what_is_said_outweighs_names },
		{ "/samples/links-in-folders-are-not-followed", test_links_in_folders_are_not_followed },
		{ "/samples/what-is-not-there-is-named", test_what_is_not_there_is_named },
	};
	int status;

	g_test_init(&argc, &argv, NULL);
	text_init();
	for (gsize i = 0; i < G_N_ELEMENTS(tests); i++)
		g_test_add(tests[i].path, Fixture, NULL, set_up, tests[i].test, tear_down);
	status = g_test_run();
	text_shutdown();
	return status;
}
