/* test-message: what reaches the milter or stands in a file becomes the right headers and body. */
#include "mail/message.h"

#include <string.h>

/* "name=value|name=value", folds as '\n', for one string to compare. */
static char *headers_as_text(const Message *message)
{
	GString *text = g_string_new(NULL);

	for (guint i = 0; i < message->headers->len; i++) {
		const Header *header = g_ptr_array_index(message->headers, i);

		g_string_append_printf(text, "%s%s=%s", i > 0 ? "|" : "", header->name, header->value);
	}
	return g_string_free(text, FALSE);
}

typedef struct {
	const char *name;
	const char *bytes;
	gsize size; /* 0 = up to NUL */
	const char *headers;
	const char *body;
} FileCase;

static const FileCase FILE_CASES[] = {
	{ "lf", "A: 1\nB: 2\n\nbody\n", 0, "A=1|B=2", "body\n" },
	{ "crlf", "A: 1\r\nB: 2\r\n\r\nbody\r\n", 0, "A=1|B=2", "body\r\n" },
	{ "bare-cr-file", "A: 1\rB: 2\r\rbody\r", 0, "A=1|B=2", "body\r" },
	{ "bare-cr-in-lf-file", "A: 1\rB: 2\n\nbo\rdy\n", 0, "A=1B: 2", "bo\rdy\n" },
	{ "mbox-line", "From jane@example.com Mon Jan  5\nA: 1\n\nbody", 0, "A=1", "body" },
	{ "folded", "A: one\n two\n\tthree\nB: 2\n\n", 0, "A=one\n two\n\tthree|B=2", "" },
	{ "fold-of-white-space", "A: one\n \n two\n\nbody", 0, "A=one\n \n two", "body" },
	{ "space-before-colon", "A : 1\n\nbody", 0, "A=1", "body" },
	{ "no-space-behind-colon", "A:1\nB:\n\nbody", 0, "A=1|B=", "body" },
	{ "one-leading-space-only", "A:  1\n\n", 0, "A= 1", "" },
	{ "body-without-empty-line", "A: 1\nHello there\nB: 2\n", 0, "A=1", "Hello there\nB: 2\n" },
	{ "fold-without-field", " A: 1\n\nbody", 0, "", " A: 1\n\nbody" },
	{ "no-headers", "\nbody", 0, "", "body" },
	{ "headers-only", "A: 1", 0, "A=1", "" },
	{ "8-bit-name", "\xc3\x84: 1\n\nbody", 0, "", "\xc3\x84: 1\n\nbody" },
	{ "nul-in-value", "A: 1\0" "2\n\nbody", 12, "A=12", "body" },
	{ "from-inside", "A: 1\nFrom jane\n\nbody", 0, "A=1", "From jane\n\nbody" },
	{ "only-mbox-line", "From jane", 0, "", "" },
};

static void test_file(gconstpointer data)
{
	const FileCase *test = data;
	gsize size = test->size != 0 ? test->size : strlen(test->bytes);
	g_autoptr(Message) message = message_from_bytes(test->bytes, size, 1000);
	g_autofree char *headers = headers_as_text(message);

	g_assert_cmpstr(headers, ==, test->headers);
	g_assert_cmpmem(message->body->str, message->body->len, test->body, strlen(test->body));
	g_assert_null(message->sender);
	g_assert_cmpuint(message->rcpts->len, ==, 0);
	g_assert_false(message->body_cut);
}

static void test_empty_file(void)
{
	g_autoptr(Message) message = message_from_bytes("", 0, 10);

	g_assert_cmpuint(message->headers->len, ==, 0);
	g_assert_cmpuint(message->body->len, ==, 0);
}

static void test_body_limit(void)
{
	g_autoptr(Message) message = message_new(10);

	g_assert_false(message_add_body(message, "12345", 5));
	g_assert_false(message_add_body(message, "67890", 5)); /* exactly full: nothing is missing */
	g_assert_false(message->body_cut);
	g_assert_true(message_add_body(message, "x", 1));
	g_assert_true(message->body_cut);
	g_assert_cmpstr(message->body->str, ==, "1234567890");
	g_assert_true(message_add_body(message, "", 0));
}

static void test_chunk_over_limit(void)
{
	g_autoptr(Message) message = message_new(3);

	g_assert_true(message_add_body(message, "12345", 5));
	g_assert_cmpstr(message->body->str, ==, "123");
}

static void test_header_lookup(void)
{
	g_autoptr(Message) message = message_new(0);

	message_add_header(message, "Received", " one\r\n two");
	message_add_header(message, "subject", "hello");
	message_add_header(message, "RECEIVED", "\tthree");
	g_assert_cmpstr(message_header(message, "received", 0), ==, "one\n two");
	g_assert_cmpstr(message_header(message, "Received", 1), ==, "three");
	g_assert_null(message_header(message, "Received", 2));
	g_assert_cmpstr(message_header(message, "Subject", 0), ==, "hello");
	g_assert_null(message_header(message, "Sub", 0));
	g_assert_cmpuint(message_header_count(message, "received"), ==, 2);
	g_assert_cmpuint(message_header_count(message, "To"), ==, 0);
}

static void test_paths(void)
{
	static const struct {
		const char *text;
		const char *mailbox;
	} CASES[] = {
		{ "<jane@example.com>", "jane@example.com" },
		{ "jane@example.com", "jane@example.com" },
		{ " <jane@example.com> SIZE=100", "jane@example.com" },
		{ "<>", "" },
		{ "", "" },
		{ "<\"odd>name\"@example.com>", "\"odd>name\"@example.com" },
		{ "<\"odd\\\">name\"@example.com>", "\"odd\\\">name\"@example.com" },
		{ "<unclosed@example.com", "unclosed@example.com" },
	};
	g_autoptr(Message) message = message_new(0);

	for (guint i = 0; i < G_N_ELEMENTS(CASES); i++) {
		message_set_sender(message, CASES[i].text);
		g_assert_cmpstr(message->sender, ==, CASES[i].mailbox);
		message_add_rcpt(message, CASES[i].text);
		g_assert_cmpstr(g_ptr_array_index(message->rcpts, i), ==, CASES[i].mailbox);
	}
}

static void test_reset(void)
{
	g_autoptr(Message) message = message_new(4);

	message->client_addr = g_strdup("192.0.2.1");
	message->helo = g_strdup("mx.example");
	message->queue_id = g_strdup("4ABC");
	message->auth_user = g_strdup("jane");
	message_set_sender(message, "<a@example.com>");
	message_add_rcpt(message, "<b@example.com>");
	message_add_header(message, "Subject", "first");
	message_add_body(message, "too much", 8);
	message_reset(message);
	g_assert_cmpstr(message->client_addr, ==, "192.0.2.1");
	g_assert_cmpstr(message->helo, ==, "mx.example");
	g_assert_null(message->queue_id);
	g_assert_null(message->auth_user);
	g_assert_null(message->sender);
	g_assert_cmpuint(message->rcpts->len, ==, 0);
	g_assert_null(message_header(message, "Subject", 0));
	g_assert_cmpuint(message->body->len, ==, 0);
	g_assert_false(message->body_cut);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	for (guint i = 0; i < G_N_ELEMENTS(FILE_CASES); i++) {
		g_autofree char *path = g_strconcat("/message/file/", FILE_CASES[i].name, NULL);

		g_test_add_data_func(path, &FILE_CASES[i], test_file);
	}
	g_test_add_func("/message/empty-file-is-an-empty-message", test_empty_file);
	g_test_add_func("/message/body-stops-at-its-limit-and-says-so", test_body_limit);
	g_test_add_func("/message/one-chunk-larger-than-the-limit", test_chunk_over_limit);
	g_test_add_func("/message/headers-are-found-in-any-case-and-by-instance", test_header_lookup);
	g_test_add_func("/message/envelope-addresses-lose-brackets-and-parameters", test_paths);
	g_test_add_func("/message/second-mail-of-a-session-sees-nothing-of-the-first", test_reset);
	return g_test_run();
}
