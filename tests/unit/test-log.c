/* test-log: each form of a line: what a collector, the journal and outagectl explain get, whatever strangers put into it. */
#include "base/log.h"

#include <fcntl.h>
#include <glib/gstdio.h>
#include <json-glib/json-glib.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "outagectl/logline.h"

/* Standard error goes to a file while `say` runs; returns what came. Caller frees. journal: it claims to be the journal's. */
static char *said(bool json, bool journal, void (*say)(void))
{
	g_autofree char *path = NULL, *stream = NULL;
	int file = g_file_open_tmp("outage-log-XXXXXX", &path, NULL), before = dup(STDERR_FILENO);
	struct stat info;
	char *text = NULL;

	g_assert_cmpint(file, >=, 0);
	g_assert_cmpint(dup2(file, STDERR_FILENO), ==, STDERR_FILENO);
	g_assert_cmpint(fstat(file, &info), ==, 0);
	stream = g_strdup_printf("%ju:%ju", (uintmax_t)info.st_dev, (uintmax_t)info.st_ino);
	g_setenv("JOURNAL_STREAM", journal ? stream : "1:1", TRUE);
	log_open("outage-milter", journal ? LOG_TO_AUTO : LOG_TO_STDERR, LOG_LEVEL_DEBUG);
	log_set_json(json);
	say();
	g_assert_cmpint(dup2(before, STDERR_FILENO), ==, STDERR_FILENO);
	(void)close(before);
	(void)close(file);
	g_assert_true(g_file_get_contents(path, &text, NULL, NULL));
	(void)g_unlink(path);
	return text;
}

static void say_all(void)
{
	log_error("an error");
	log_warning("a warning");
	log_info("a word");
	log_debug("a detail");
	log_event("message", "queue_id", "4XYZ", "nothing", NULL, "empty", "", NULL);
}

static void test_text_is_as_it_was(void)
{
	g_autofree char *text = said(false, false, say_all);
	g_autofree char *tag = g_strdup_printf("outage-milter[%d]: ", (int)getpid());
	g_autofree char *expected = g_strdup_printf("%serror: an error\n%swarning: a warning\n%sa word\n%sdebug: a detail\n"
	                                            "%sevent=message queue_id=4XYZ empty=\"\"\n", tag, tag, tag, tag, tag);

	g_assert_cmpstr(text, ==, expected);
}

static void test_journal_keeps_the_level(void)
{
	for (guint json = 0; json < 2; json++) {
		g_autofree char *text = said(json != 0, true, say_all);
		g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
		static const char *const priorities[] = { "<3>", "<4>", "<6>", "<7>", "<6>" };

		for (gsize i = 0; i < G_N_ELEMENTS(priorities); i++)
			g_assert_true(g_str_has_prefix(lines[i], priorities[i]));
		g_assert_cmpuint(g_strv_length(lines), ==, G_N_ELEMENTS(priorities) + 1);
	}
}

static void test_json_is_an_object_a_line(void)
{
	static const char *const levels[] = { "error", "warning", "info", "debug", "info" };
	g_autofree char *text = said(true, false, say_all);
	g_auto(GStrv) lines = g_strsplit(text, "\n", -1);

	for (gsize i = 0; i < G_N_ELEMENTS(levels); i++) {
		g_autoptr(JsonNode) node = json_from_string(lines[i], NULL);
		JsonObject *object;

		g_assert_nonnull(node);
		object = json_node_get_object(node);
		g_assert_cmpstr(json_object_get_string_member(object, "program"), ==, "outage-milter");
		g_assert_cmpstr(json_object_get_string_member(object, "level"), ==, levels[i]);
		g_assert_true(json_object_has_member(object, "time"));
		g_assert_true(json_object_has_member(object, "pid"));
		g_assert_true(json_object_has_member(object, i < 4 ? "message" : "event"));
		g_assert_false(json_object_has_member(object, "nothing"));
	}
	g_assert_nonnull(strstr(lines[4], ",\"event\":\"message\",\"queue_id\":\"4XYZ\",\"empty\":\"\"}"));
}

static void say_library(void)
{
	g_log("Some-Library", G_LOG_LEVEL_MESSAGE, "odd\nthing");
	g_log("Some-Library", G_LOG_LEVEL_INFO, "a detail");
}

static void test_what_a_library_says_is_a_line_too(void)
{
	g_autofree char *object = said(true, false, say_library), *text = said(false, false, say_library);
	g_autofree char *expected = g_strdup_printf("outage-milter[%d]: warning: Some-Library: odd\\x0athing\n", (int)getpid());

	g_assert_cmpstr(text, ==, expected);
	g_assert_true(g_str_has_prefix(object, "{"));
	g_assert_true(g_str_has_suffix(object, ",\"level\":\"warning\",\"message\":\"Some-Library: odd\\u000athing\"}\n"));
}

/* What strangers may send, and what of it is read back. */
static const struct { const char *value, *text, *json; } values[] = {
	{ "plain", "plain", "plain" },
	{ "", "", "" },
	{ "two words", "two words", "two words" },
	{ "a=b \"quoted\" back\\slash", "a=b \"quoted\" back\\slash", "a=b \"quoted\" back\\slash" },
	{ "line\nevent=message queue_id=forged", "line\nevent=message queue_id=forged", "line\nevent=message queue_id=forged" },
	{ "\x1b[2J\r\t\x7f", "\x1b[2J\r\t\x7f", "\x1b[2J\r\t\x7f" },
	{ "Gr\xc3\xbc\xc3\x9f\x65 \xe2\x82\xac", "Gr\xc3\xbc\xc3\x9f\x65 \xe2\x82\xac", "Gr\xc3\xbc\xc3\x9f\x65 \xe2\x82\xac" },
	{ "right\xe2\x80\xaeto left", "right\xe2\x80\xaeto left", "right\xe2\x80\xaeto left" },
	{ "half \xc3", "half \xc3", "half \xef\xbf\xbd" },
	{ "\",\"event\":\"forged", "\",\"event\":\"forged", "\",\"event\":\"forged" },
	{ "\\x41", "\\x41", "\\x41" },
	{ "\\", "\\", "\\" },
};

static void say_values(void)
{
	for (gsize i = 0; i < G_N_ELEMENTS(values); i++)
		log_event("message", "value", values[i].value, "after", "it", NULL);
}

static void check_values(bool json)
{
	g_autofree char *text = said(json, false, say_values);
	g_auto(GStrv) lines = g_strsplit(text, "\n", -1);

	g_assert_cmpuint(g_strv_length(lines), ==, G_N_ELEMENTS(values) + 1);
	for (gsize i = 0; i < G_N_ELEMENTS(values); i++) {
		g_autoptr(LogLine) line = logline_parse(lines[i]);

		g_test_message("%s", lines[i]);
		for (const char *p = lines[i]; *p != '\0'; p++)
			g_assert_true((guchar)*p >= 0x20 && *p != 0x7f);
		g_assert_true(g_utf8_validate(lines[i], -1, NULL));
		g_assert_nonnull(line);
		g_assert_cmpstr(line->event, ==, "message");
		g_assert_cmpstr(logline_get(line, "value"), ==, json ? values[i].json : values[i].text);
		g_assert_cmpstr(logline_get(line, "after"), ==, "it");
		g_assert_cmpuint(line->pairs->len, ==, json ? 6 : 4);
	}
}

static void test_text_can_be_read_back(void)
{
	check_values(false);
}

static void test_json_can_be_read_back(void)
{
	check_values(true);
}

/* Whoever filters or sums the objects gets numbers, and never an object that is none. */
static const struct { const char *value, *json; } numbers[] = {
	{ "0", "0" }, { "1234567", "1234567" }, { "-5", "-5" }, { "8.5", "8.5" }, { "0.0", "0.0" }, { "-0.1", "-0.1" },
	{ "007", "\"007\"" }, { "", "\"\"" }, { "-", "\"-\"" }, { "1.", "\"1.\"" }, { ".5", "\".5\"" }, { "1e9", "\"1e9\"" }, { "nan", "\"nan\"" },
	{ "1,\"event\":\"forged\"", "\"1,\\\"event\\\":\\\"forged\\\"\"" },
};

static void say_numbers(void)
{
	for (gsize i = 0; i < G_N_ELEMENTS(numbers); i++)
		log_event("message", "#n", numbers[i].value, "queue_id", "12345", NULL);
}

static void test_numbers_are_numbers(void)
{
	g_autofree char *objects = said(true, false, say_numbers), *text = said(false, false, say_numbers);
	g_auto(GStrv) lines = g_strsplit(objects, "\n", -1);

	for (gsize i = 0; i < G_N_ELEMENTS(numbers); i++) {
		g_autofree char *member = g_strdup_printf("\"n\":%s,\"queue_id\":\"12345\"", numbers[i].json);
		g_autoptr(JsonNode) node = json_from_string(lines[i], NULL);
		g_autoptr(LogLine) line = logline_parse(lines[i]);

		g_assert_nonnull(node);
		g_assert_nonnull(strstr(lines[i], member));
		g_assert_true(json_node_get_value_type(json_object_get_member(json_node_get_object(node), "pid")) == G_TYPE_INT64);
		g_assert_nonnull(line);
		g_assert_cmpstr(logline_get(line, "n"), ==, numbers[i].value);
	}
	g_assert_nonnull(strstr(text, "event=message n=8.5 queue_id=12345\n"));
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/log/text-is-as-it-was", test_text_is_as_it_was);
	g_test_add_func("/log/numbers-are-numbers", test_numbers_are_numbers);
	g_test_add_func("/log/journal-keeps-the-level", test_journal_keeps_the_level);
	g_test_add_func("/log/json-is-an-object-a-line", test_json_is_an_object_a_line);
	g_test_add_func("/log/what-a-library-says-is-a-line-too", test_what_a_library_says_is_a_line_too);
	g_test_add_func("/log/text-can-be-read-back", test_text_can_be_read_back);
	g_test_add_func("/log/json-can-be-read-back", test_json_can_be_read_back);
	return g_test_run();
}
