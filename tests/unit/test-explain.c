/* test-explain: finding one mail in logs of every kind, and saying what was done with it in words. */
#include "outagectl/explain.h"
#include "outagectl/reason-words.h"

#include <gio/gio.h>
#include <glib/gstdio.h>
#include <string.h>

#include "outagectl/logsource.h"

#define DECISION "event=message queue_id=4XYZ message_id=<a1@customer.example> client=192.0.2.7 sender=jane@customer.example " \
	"rcpt=support@support.example incident=20261122T130000Z-default severity=P1 match=yes score=8.5 threshold=5.0 rules=site_down,http_5xx " \
	"model=1.2 language=en verified=spf route=t1 queue=surge tier=T1 ack=queued us=312"
#define SENT "event=acknowledged job=1-0 incident=20261122T130000Z-default to=jane@customer.example queue_id=4XYZ " \
	"message_id=<outage-ack.ff@support.example> why=active"

static void test_lines_of_every_kind(void)
{
	static const struct { const char *line, *program, *time, *level, *event; } cases[] = {
		{ "outage-milter[12]: " DECISION, "outage-milter", NULL, "info", "message" },
		{ "outage-replier: " SENT, "outage-replier", NULL, "info", "acknowledged" },
		{ "Nov 22 13:05:36 mx1 outage-milter[12]: " DECISION, "outage-milter", "Nov 22 13:05:36", "info", "message" },
		{ "Nov  2 13:05:36 mx1 outage-milter[12]: warning: odd", "outage-milter", "Nov  2 13:05:36", "warning", NULL },
		{ "2026-11-22T13:05:36.123456+01:00 mx1 outage-replier[1]: " SENT, "outage-replier", "2026-11-22T13:05:36.123456+01:00", "info",
		  "acknowledged" },
		{ "1763810736.123456 mx1 outage-milter[1]: outage-milter[1]: " DECISION, "outage-milter", "1763810736.123456", "info", "message" },
		{ "{\"time\":\"T\",\"program\":\"outage-milter\",\"level\":\"info\",\"event\":\"message\"}", "outage-milter", "T", "info", "message" },
		{ "Nov 22 13:05:36 mx1 outage-milter[1]: {\"level\":\"error\",\"message\":\"odd\"}", "outage-milter", "Nov 22 13:05:36", "error", NULL },
		/* Of others, whatever they quote. */
		{ "Nov 22 13:05:36 mx1 postfix/smtpd[1]: outage-milter[1]: " DECISION, NULL, NULL, NULL, NULL },
		{ "Nov 22 13:05:36 mx1 sshd[1]: event=message queue_id=4XYZ", NULL, NULL, NULL, NULL },
		{ "{\"program\":\"postfix\",\"level\":\"info\",\"event\":\"message\"}", NULL, NULL, NULL, NULL },
		{ "{\"program\":\"outage-milter\",\"level\":\"info\"}", NULL, NULL, NULL, NULL },
		{ "{\"program\":\"outage-milter\",\"level\":\"info\",\"event\":\"message\",\"more\":{}}", NULL, NULL, NULL, NULL },
		{ "outage-milterX: " DECISION, NULL, NULL, NULL, NULL },
		{ "outage-milter[x]: " DECISION, NULL, NULL, NULL, NULL },
		{ "", NULL, NULL, NULL, NULL },
	};

	for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
		g_autoptr(LogLine) line = logline_parse(cases[i].line);

		g_test_message("%s", cases[i].line);
		g_assert_true((line != NULL) == (cases[i].program != NULL));
		if (line == NULL)
			continue;
		g_assert_cmpstr(line->program, ==, cases[i].program);
		g_assert_cmpstr(line->time, ==, cases[i].time);
		g_assert_cmpstr(line->level, ==, cases[i].level);
		g_assert_cmpstr(line->event, ==, cases[i].event);
	}
}

static void test_free_text_is_no_event(void)
{
	g_autoptr(LogLine) line = logline_parse("outage-milter[1]: warning: claim: event=message queue_id=forged");

	g_assert_null(line->event);
	g_assert_null(logline_get(line, "queue_id"));
}

/* Visits lines as one log, and once more where that is asked for. */
static ExplainSearch *searched(const char *id, const char *const *lines)
{
	ExplainSearch *search = explain_search_new(id);

	do
		for (const char *const *line = lines; *line != NULL; line++)
			explain_visit(*line, search);
	while (explain_wants_more(search));
	return search;
}

static void test_what_became_of_it_is_found(void)
{
	static const char *const log[] = {
		"outage-replier[2]: " SENT, /* its log was read first */
		"outage-milter[1]: event=message queue_id=4OTHER message_id=<b2@customer.example> match=no ack=none reason=no-match us=1",
		"outage-milter[1]: " DECISION,
		"outage-milter[1]: " DECISION, /* the same in a second file */
		"outage-replier[2]: event=deferred queue_id=4XYZ why=\"451 later\"",
		"outage-replier[2]: event=acknowledged queue_id=4OTHERS message_id=<x@support.example>",
		NULL,
	};
	static const char *const ids[] = { "4XYZ", "<a1@customer.example>", "a1@customer.example" };

	for (gsize i = 0; i < G_N_ELEMENTS(ids); i++) {
		g_autoptr(ExplainSearch) search = searched(ids[i], log);
		const GPtrArray *found = explain_found(search);

		g_assert_cmpuint(found->len, ==, 1);
		g_assert_cmpuint(((const Explained *)found->pdata[0])->after->len, ==, 2);
		g_assert_nonnull(((const Explained *)found->pdata[0])->decision);
	}
}

static void test_a_queue_id_used_twice_is_two_mails(void)
{
	static const char *const log[] = {
		"Nov 21 10:00:00 a outage-milter[1]: " DECISION, "Nov 21 10:00:01 a outage-replier[2]: " SENT,
		"Nov 22 10:00:00 a outage-milter[1]: " DECISION, NULL,
	};
	g_autoptr(ExplainSearch) search = searched("4XYZ", log);
	const GPtrArray *found = explain_found(search);

	g_assert_cmpuint(found->len, ==, 2);
	g_assert_cmpuint(((const Explained *)found->pdata[0])->after->len, ==, 1);
	g_assert_cmpuint(((const Explained *)found->pdata[1])->after->len, ==, 0);
}

/* As for mail with two recipients that came as two; the replier's file is read first. */
static void test_two_mails_of_one_message_id_keep_apart(void)
{
	static const char *const log[] = {
		"outage-replier[2]: event=acknowledged queue_id=4ONE why=active", "outage-replier[2]: event=buried queue_id=4TWO why=no",
		"outage-milter[1]: event=message queue_id=4ONE message_id=<a1@customer.example> ack=queued",
		"outage-milter[1]: event=message queue_id=4TWO message_id=<a1@customer.example> ack=queued", NULL,
	};
	static const char *const events[] = { "acknowledged", "buried" };
	g_autoptr(ExplainSearch) search = searched("a1@customer.example", log);
	const GPtrArray *found = explain_found(search);

	g_assert_cmpuint(found->len, ==, G_N_ELEMENTS(events));
	for (guint i = 0; i < found->len; i++) {
		const Explained *one = found->pdata[i];

		g_assert_cmpstr(logline_get(one->decision, "queue_id"), ==, one->queue_id);
		g_assert_cmpuint(one->after->len, ==, 1);
		g_assert_cmpstr(((const LogLine *)one->after->pdata[0])->event, ==, events[i]);
	}
}

static void test_message_ids_that_the_log_cannot_show_as_they_are(void)
{
	g_autofree char *filler = g_strnfill(300, 'x');
	g_autofree char *endless = g_strdup_printf("<%s@customer.example>", filler), *cut = g_strndup(endless, 250);
	const struct { const char *id, *logged; } cases[] = {
		{ "\"a b\\c\"@customer.example", "message_id=\"<\\\"a b\\\\c\\\"@customer.example>\"" },
		{ "<\x01@customer.example>", "message_id=\"<\\x01@customer.example>\"" },
		{ endless, cut },
	};

	for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
		bool named = g_str_has_prefix(cases[i].logged, "message_id=");
		g_autofree char *line = g_strconcat("outage-milter[1]: event=message queue_id=4XYZ ", named ? "" : "message_id=", cases[i].logged,
		    " ack=none", NULL);
		const char *const log[] = { line, NULL };
		g_autoptr(ExplainSearch) search = searched(cases[i].id, log);

		g_test_message("%s", line);
		g_assert_cmpuint(explain_found(search)->len, ==, 1);
	}
}

static void test_part_of_an_id_finds_nothing(void)
{
	static const char *const log[] = { "outage-milter[1]: " DECISION, NULL };
	g_autoptr(ExplainSearch) search = searched("4XY", log);

	g_assert_cmpuint(explain_found(search)->len, ==, 0);
}

static void test_every_reason_has_words(void)
{
	for (guint i = 0; i < REASONS; i++)
		g_assert_nonnull(reason_advice(reason_name(i)));
	g_assert_null(reason_advice("no-such-reason"));
}

static void test_words(void)
{
	static const struct { const char *line, *said[4]; } cases[] = {
		{ DECISION, { "taken for a report of the incident 20261122T130000Z-default (P1)", "rules: site_down,http_5xx", "queue surge by the route t1",
		              "was queued" } },
		{ "event=message queue_id=4XYZ match=no score=0.5 threshold=5.0 ack=none reason=no-match,unauthenticated us=1",
		  { "No incident was on", "no-match: The mail did not read", "unauthenticated: Nobody vouches", "auth.trusted_ids" } },
		{ "event=message queue_id=4XYZ match=yes ack=shadow incident=i sensitive=password escalate=legal",
		  { "the mode is shadow", "speaks of: legal", "holds what must not leave the house: password", "mode = \"live\"" } },
		{ "event=message queue_id=4XYZ ack=none reason=from-the-future", { "from-the-future: This version does not know", "No ack", "", "" } },
		{ "event=message queue_id=4XYZ sender=\"\\x1b[2Jevil\" ack=none", { "from \\x1b[2Jevil to", "", "", "" } },
	};

	for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
		g_autofree char *line = g_strconcat("outage-milter[1]: ", cases[i].line, NULL);
		const char *const log[] = { line, NULL };
		g_autoptr(ExplainSearch) search = searched("4XYZ", log);
		g_autofree char *words = NULL;

		g_assert_cmpuint(explain_found(search)->len, ==, 1);
		words = explain_words(explain_found(search)->pdata[0]);
		for (gsize j = 0; j < G_N_ELEMENTS(cases[i].said); j++) {
			g_test_message("%s in %s", cases[i].said[j], words);
			g_assert_nonnull(strstr(words, cases[i].said[j]));
		}
	}
}

/* --- where lines come from --- */

static void add_line(const char *line, gpointer data)
{
	g_ptr_array_add(data, g_strdup(line));
}

static void write_gz(const char *path, const char *text)
{
	g_autoptr(GFile) file = g_file_new_for_path(path);
	g_autoptr(GOutputStream) plain = G_OUTPUT_STREAM(g_file_replace(file, NULL, FALSE, G_FILE_CREATE_NONE, NULL, NULL));
	g_autoptr(GZlibCompressor) gzip = g_zlib_compressor_new(G_ZLIB_COMPRESSOR_FORMAT_GZIP, -1);
	g_autoptr(GOutputStream) packed = g_converter_output_stream_new(plain, G_CONVERTER(gzip));

	g_assert_true(g_output_stream_write_all(packed, text, strlen(text), NULL, NULL, NULL));
	g_assert_true(g_output_stream_close(packed, NULL, NULL));
}

static void remove_all(const char *folder)
{
	g_autoptr(GDir) dir = g_dir_open(folder, 0, NULL);
	const char *name;

	while ((name = g_dir_read_name(dir)) != NULL) {
		g_autofree char *path = g_build_filename(folder, name, NULL);

		(void)g_unlink(path);
	}
	(void)g_rmdir(folder);
}

static void test_rotated_copies_come_oldest_first(void)
{
	static const char *const names[] = { "mail.log.10.gz", "mail.log.2.gz", "mail.log.1", "mail.log-20261120.gz", "mail.log-20261121", "mail.log" };
	static const char *const others[] = { "mail.log.bak", "mail.log.1.xz", "mail.login", "other.log.1", "mail.log-" };
	static const char *const order[] = { "mail.log-20261120.gz", "mail.log-20261121", "mail.log.10.gz", "mail.log.2.gz", "mail.log.1", "mail.log" };
	g_autofree char *folder = g_dir_make_tmp("outage-explain-XXXXXX", NULL);
	g_autofree char *path = g_build_filename(folder, "mail.log", NULL);
	g_autoptr(GPtrArray) lines = g_ptr_array_new_with_free_func(g_free);
	g_autoptr(GPtrArray) copies = NULL;

	for (gsize i = 0; i < G_N_ELEMENTS(names) + G_N_ELEMENTS(others); i++) {
		const char *name = i < G_N_ELEMENTS(names) ? names[i] : others[i - G_N_ELEMENTS(names)];
		g_autofree char *full = g_build_filename(folder, name, NULL);
		g_autofree char *text = g_strdup_printf("%s\n", name);

		if (g_str_has_suffix(name, ".gz"))
			write_gz(full, text);
		else
			g_assert_true(g_file_set_contents(full, text, -1, NULL));
	}
	copies = logsource_copies(path);
	for (guint i = 0; i < copies->len; i++)
		g_assert_true(logsource_read(copies->pdata[i], add_line, lines, NULL));
	g_assert_cmpuint(lines->len, ==, G_N_ELEMENTS(order));
	for (guint i = 0; i < lines->len; i++)
		g_assert_cmpstr(lines->pdata[i], ==, order[i]);
	remove_all(folder);
}

static void test_what_cannot_be_read_is_named(void)
{
	g_autofree char *folder = g_dir_make_tmp("outage-explain-XXXXXX", NULL);
	g_autofree char *broken = g_build_filename(folder, "mail.log.1.gz", NULL), *missing = g_build_filename(folder, "mail.log", NULL);
	g_autoptr(GPtrArray) lines = g_ptr_array_new_with_free_func(g_free);
	const char *const paths[] = { broken, missing, folder };

	g_assert_true(g_file_set_contents(broken, "this is not packed", -1, NULL));
	for (gsize i = 0; i < G_N_ELEMENTS(paths); i++) {
		g_autoptr(GError) error = NULL;

		g_assert_false(logsource_read(paths[i], add_line, lines, &error));
		g_assert_nonnull(strstr(error->message, paths[i]));
	}
	remove_all(folder);
}

static void test_a_line_without_end_is_passed_over(void)
{
	g_autofree char *folder = g_dir_make_tmp("outage-explain-XXXXXX", NULL);
	g_autofree char *path = g_build_filename(folder, "mail.log", NULL), *filler = g_strnfill(3 * LOGLINE_MAX, 'x');
	g_autofree char *text = g_strdup_printf("before\n%s\nafter", filler);
	g_autoptr(GPtrArray) lines = g_ptr_array_new_with_free_func(g_free);

	g_assert_true(g_file_set_contents(path, text, -1, NULL));
	g_assert_true(logsource_read(path, add_line, lines, NULL));
	g_assert_cmpuint(lines->len, ==, 2);
	g_assert_cmpstr(lines->pdata[0], ==, "before");
	g_assert_cmpstr(lines->pdata[1], ==, "after");
	remove_all(folder);
}

static char *write_script(const char *folder, const char *text)
{
	char *path = g_build_filename(folder, "journal", NULL);

	g_assert_true(g_file_set_contents_full(path, text, -1, G_FILE_SET_CONTENTS_CONSISTENT, 0755, NULL));
	return path;
}

static void test_the_journal_has_a_deadline(void)
{
	static const struct { const char *script; gint64 timeout_ms; bool ok; guint lines; } cases[] = {
		{ "#!/bin/sh\necho one; echo two >&2; echo $#\n", 20000, true, 2 },
		{ "#!/bin/sh\necho one\nexit 3\n", 20000, false, 1 },
		{ "#!/bin/sh\necho one\nexec sleep 100\n", 300, false, 1 },
		{ "#!/bin/sh\nexec 1>&-\nexec sleep 100\n", 300, false, 0 },
	};
	g_autofree char *folder = g_dir_make_tmp("outage-explain-XXXXXX", NULL);

	for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
		g_autofree char *path = write_script(folder, cases[i].script);
		g_autoptr(GPtrArray) lines = g_ptr_array_new_with_free_func(g_free);
		g_autoptr(GError) error = NULL;

		g_assert_true(logsource_journal(path, cases[i].timeout_ms, add_line, lines, &error) == cases[i].ok);
		g_assert_true((error == NULL) == cases[i].ok);
		/* A machine under load may not have come to say it. */
		g_assert_cmpuint(lines->len, <=, cases[i].lines);
		if (cases[i].timeout_ms > 1000)
			g_assert_cmpuint(lines->len, ==, cases[i].lines);
	}
	remove_all(folder);
	g_assert_false(logsource_journal("/nonexistent/journalctl", 1000, add_line, NULL, NULL));
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/explain/lines-of-every-kind", test_lines_of_every_kind);
	g_test_add_func("/explain/free-text-is-no-event", test_free_text_is_no_event);
	g_test_add_func("/explain/what-became-of-it-is-found", test_what_became_of_it_is_found);
	g_test_add_func("/explain/a-queue-id-used-twice-is-two-mails", test_a_queue_id_used_twice_is_two_mails);
	g_test_add_func("/explain/two-mails-of-one-message-id-keep-apart", test_two_mails_of_one_message_id_keep_apart);
	g_test_add_func("/explain/message-ids-that-the-log-cannot-show-as-they-are", test_message_ids_that_the_log_cannot_show_as_they_are);
	g_test_add_func("/explain/part-of-an-id-finds-nothing", test_part_of_an_id_finds_nothing);
	g_test_add_func("/explain/every-reason-has-words", test_every_reason_has_words);
	g_test_add_func("/explain/words", test_words);
	g_test_add_func("/explain/rotated-copies-come-oldest-first", test_rotated_copies_come_oldest_first);
	g_test_add_func("/explain/what-cannot-be-read-is-named", test_what_cannot_be_read_is_named);
	g_test_add_func("/explain/a-line-without-end-is-passed-over", test_a_line_without_end_is_passed_over);
	g_test_add_func("/explain/the-journal-has-a-deadline", test_the_journal_has_a_deadline);
	return g_test_run();
}
