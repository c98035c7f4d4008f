/* test-submit: what a relay's answers mean for the letter and for the address, and what is said to it where an address is not ASCII.
 * The relay is a thread of this program that answers each command from a table. */
#include <gio/gio.h>
#include <string.h>

#include "base/error.h"
#include "reply/submit.h"

/* What the relay answers, each with all its lines; NULL: 250, and 354 to DATA. */
typedef struct {
	const char *ehlo, *mail, *rcpt, *data, *dot, *quit;
} Answers;

typedef struct {
	const Answers *answers;
	GSocketListener *listener;
	GThread *thread;
	GString *heard;     /* the commands of all connections, one a line; complete once the thread has ended */
	GCancellable *stop;
	guint16 port;
} Relay;

#define EHLO_PLAIN "250-relay.example\r\n250-8BITMIME\r\n250 ENHANCEDSTATUSCODES\r\n"
#define EHLO_UTF8 "250-relay.example\r\n250-8BITMIME\r\n250 SMTPUTF8\r\n"

static void say(GOutputStream *out, const char *text, const char *standard)
{
	const char *answer = text != NULL ? text : standard;

	(void)g_output_stream_write_all(out, answer, strlen(answer), NULL, NULL, NULL);
}

static bool is_command(const char *line, const char *verb)
{
	return g_ascii_strncasecmp(line, verb, strlen(verb)) == 0;
}

static void read_message(GDataInputStream *in)
{
	for (;;) {
		g_autofree char *line = g_data_input_stream_read_line(in, NULL, NULL, NULL);

		if (line == NULL || strcmp(line, ".") == 0)
			return;
	}
}

static void talk(Relay *relay, GIOStream *stream)
{
	const Answers *answers = relay->answers;
	GOutputStream *out = g_io_stream_get_output_stream(stream);
	g_autoptr(GDataInputStream) in = g_data_input_stream_new(g_io_stream_get_input_stream(stream));

	g_data_input_stream_set_newline_type(in, G_DATA_STREAM_NEWLINE_TYPE_CR_LF);
	say(out, NULL, "220 relay.example ESMTP\r\n");
	for (;;) {
		g_autofree char *line = g_data_input_stream_read_line(in, NULL, NULL, NULL);

		if (line == NULL)
			return;
		g_string_append_printf(relay->heard, "%s\n", line);
		if (is_command(line, "EHLO")) {
			say(out, answers->ehlo, EHLO_PLAIN);
		} else if (is_command(line, "MAIL")) {
			say(out, answers->mail, "250 2.1.0 Ok\r\n");
		} else if (is_command(line, "RCPT")) {
			say(out, answers->rcpt, "250 2.1.5 Ok\r\n");
		} else if (is_command(line, "DATA")) {
			say(out, answers->data, "354 Go on\r\n");
			if (answers->data != NULL)
				continue;
			read_message(in);
			say(out, answers->dot, "250 2.0.0 Ok\r\n");
		} else if (is_command(line, "QUIT")) {
			say(out, answers->quit, "221 2.0.0 Bye\r\n");
			return;
		} else {
			say(out, NULL, "502 5.5.2 What?\r\n");
		}
	}
}

static gpointer serve(gpointer data)
{
	Relay *relay = data;

	for (;;) {
		g_autoptr(GSocketConnection) connection = g_socket_listener_accept(relay->listener, NULL, relay->stop, NULL);

		if (connection == NULL)
			return NULL;
		talk(relay, G_IO_STREAM(connection));
	}
}

static void relay_start(Relay *relay, const Answers *answers)
{
	g_autoptr(GInetAddress) loopback = g_inet_address_new_loopback(G_SOCKET_FAMILY_IPV4);
	g_autoptr(GSocketAddress) any = g_inet_socket_address_new(loopback, 0);
	g_autoptr(GSocketAddress) bound = NULL;
	g_autoptr(GError) error = NULL;

	relay->answers = answers;
	relay->heard = g_string_new(NULL);
	relay->stop = g_cancellable_new();
	relay->listener = g_socket_listener_new();
	g_socket_listener_add_address(relay->listener, any, G_SOCKET_TYPE_STREAM, G_SOCKET_PROTOCOL_TCP, NULL, &bound, &error);
	g_assert_no_error(error);
	relay->port = g_inet_socket_address_get_port(G_INET_SOCKET_ADDRESS(bound));
	relay->thread = g_thread_new("relay", serve, relay);
}

/* To be called after the client has left; heard is complete then. */
static void relay_stop(Relay *relay)
{
	g_cancellable_cancel(relay->stop);
	g_thread_join(relay->thread);
	g_object_unref(relay->listener);
	g_object_unref(relay->stop);
}

static Submitter *client_new(const Relay *relay, Config *config)
{
	config->relay = g_strdup_printf("smtp://127.0.0.1:%u", relay->port);
	config->relay_helo = (char *)"milter.example";
	config->reply_timeout = 10000;
	return submitter_new(config);
}

#define BYTES "Subject: x\r\n\r\nWe know.\r\n"

static Composed letter_to(const char *to, const char *sender, bool smtputf8)
{
	return (Composed){ .envelope_sender = (char *)sender, .to = (char *)to, .smtputf8 = smtputf8, .bytes = (char *)BYTES,
		.size = strlen(BYTES) };
}

/* Sends one letter over a connection of its own; error as of submitter_send. */
static bool send_one(const Answers *answers, const Composed *letter, char **heard, GError **error)
{
	Relay relay = { .port = 0 };
	Config config = { .relay = NULL };
	Submitter *submitter;
	bool sent;

	relay_start(&relay, answers);
	submitter = client_new(&relay, &config);
	sent = submitter_send(submitter, letter, error);
	submitter_free(submitter);
	relay_stop(&relay);
	g_free(config.relay);
	*heard = g_string_free(relay.heard, FALSE);
	return sent;
}

typedef struct {
	const char *name;
	Answers answers;
	OutageError error;
} Refusal;

static const Refusal REFUSALS[] = {
	/* The address is wrong: nothing more is sent there. */
	{ "no-such-user", { .rcpt = "550 5.1.1 <jane@customer.example>: User unknown\r\n" }, OUTAGE_ERROR_RECIPIENT },
	{ "no-such-domain", { .rcpt = "550 5.1.2 Domain not found\r\n" }, OUTAGE_ERROR_RECIPIENT },
	{ "null-mx", { .rcpt = "556 5.1.10 Domain does not accept mail\r\n" }, OUTAGE_ERROR_RECIPIENT },
	{ "mailbox-disabled", { .rcpt = "550 5.2.1 Disabled\r\n" }, OUTAGE_ERROR_RECIPIENT },
	{ "mailbox-full", { .rcpt = "552 5.2.2 Full\r\n" }, OUTAGE_ERROR_RECIPIENT },
	{ "554-no-such-user", { .rcpt = "554 5.1.1 No\r\n" }, OUTAGE_ERROR_RECIPIENT },
	{ "no-code-550", { .rcpt = "550 No such user here\r\n" }, OUTAGE_ERROR_RECIPIENT },
	{ "no-code-553", { .rcpt = "553 Unknown\r\n" }, OUTAGE_ERROR_RECIPIENT },
	{ "no-words-at-all", { .rcpt = "550\r\n" }, OUTAGE_ERROR_RECIPIENT },
	{ "code-that-says-nothing", { .rcpt = "550 5.0.0 User unknown\r\n" }, OUTAGE_ERROR_RECIPIENT },
	{ "not-quite-a-code", { .rcpt = "550 5.7.1234 User unknown\r\n" }, OUTAGE_ERROR_RECIPIENT },
	{ "several-lines", { .rcpt = "550-5.1.1 The account does not exist.\r\n550 5.1.1 See https://mx.example/\r\n" },
	  OUTAGE_ERROR_RECIPIENT },
	{ "unknown-and-a-rude-goodbye", { .rcpt = "550 5.1.1 No\r\n", .quit = "500 5.5.2 What?\r\n" }, OUTAGE_ERROR_RECIPIENT },
	/* It is us whom the server does not like: the address may be as right as can be. */
	{ "relay-denied-554", { .rcpt = "554 5.7.1 <jane@customer.example>: Relay access denied\r\n" }, OUTAGE_ERROR_REFUSED },
	{ "relay-denied-550", { .rcpt = "550 5.7.1 Relaying denied\r\n" }, OUTAGE_ERROR_REFUSED },
	{ "relay-denied-without-code", { .rcpt = "550 relay not permitted\r\n" }, OUTAGE_ERROR_REFUSED },
	{ "prohibited-without-code", { .rcpt = "550 Administrative prohibition\r\n" }, OUTAGE_ERROR_REFUSED },
	{ "login-needed-530", { .rcpt = "530 5.7.0 Authentication required\r\n" }, OUTAGE_ERROR_REFUSED },
	{ "login-needed-without-code", { .rcpt = "550 Authentication is required to send\r\n" }, OUTAGE_ERROR_REFUSED },
	{ "login-failed-535", { .rcpt = "535 no\r\n" }, OUTAGE_ERROR_REFUSED },
	{ "spam-without-code", { .rcpt = "550 Looks like spam\r\n" }, OUTAGE_ERROR_REFUSED },
	{ "554-without-code", { .rcpt = "554 Transaction failed\r\n" }, OUTAGE_ERROR_REFUSED },
	{ "sender-unknown-at-rcpt", { .rcpt = "550 5.1.8 <>: Sender address rejected: Domain not found\r\n" }, OUTAGE_ERROR_REFUSED },
	{ "sender-syntax-at-rcpt", { .rcpt = "553 5.1.7 Sender\r\n" }, OUTAGE_ERROR_REFUSED },
	{ "server-ill", { .rcpt = "554 5.3.0 Local problem\r\n" }, OUTAGE_ERROR_REFUSED },
	{ "no-route", { .rcpt = "550 5.4.4 No route\r\n" }, OUTAGE_ERROR_REFUSED },
	{ "syntax", { .rcpt = "501 5.5.4 Syntax\r\n" }, OUTAGE_ERROR_REFUSED },
	{ "policy-on-the-first-line", { .rcpt = "550-5.7.1 Blocked\r\n550 See https://mx.example/\r\n" }, OUTAGE_ERROR_REFUSED },
	{ "refused-at-mail", { .mail = "550 5.1.1 No\r\n" }, OUTAGE_ERROR_REFUSED },
	{ "refused-at-data", { .data = "550 5.1.1 No\r\n" }, OUTAGE_ERROR_REFUSED },
	{ "refused-at-the-dot", { .dot = "550 5.1.1 No\r\n" }, OUTAGE_ERROR_REFUSED },
	/* It may go another time. */
	{ "greylisted", { .rcpt = "450 4.2.0 Greylisted\r\n" }, OUTAGE_ERROR_UNAVAILABLE },
	{ "full-for-today", { .rcpt = "452 4.2.2 Full\r\n" }, OUTAGE_ERROR_UNAVAILABLE },
	{ "busy-at-the-dot", { .dot = "451 4.3.0 Later\r\n" }, OUTAGE_ERROR_UNAVAILABLE },
};

static void test_refusal(gconstpointer data)
{
	const Refusal *refusal = data;
	Composed letter = letter_to("jane@customer.example", "", false);
	g_autoptr(GError) error = NULL;
	g_autofree char *heard = NULL;

	g_assert_false(send_one(&refusal->answers, &letter, &heard, &error));
	g_test_message("%s", error->message);
	g_assert_error(error, OUTAGE_ERROR, (gint)refusal->error);
	g_assert_null(strpbrk(error->message, "\r\n"));
}

/* One connection carries many letters: a refusal is of the letter that got it. */
static void test_refusal_is_forgotten_with_its_letter(void)
{
	Answers answers = { .rcpt = "550 5.1.1 User unknown\r\n" };
	Composed letter = letter_to("jane@customer.example", "", false);
	Relay relay = { .port = 0 };
	Config config = { .relay = NULL };
	g_autoptr(GError) error = NULL;
	Submitter *submitter;

	relay_start(&relay, &answers);
	submitter = client_new(&relay, &config);
	g_assert_false(submitter_send(submitter, &letter, &error));
	g_assert_error(error, OUTAGE_ERROR, OUTAGE_ERROR_RECIPIENT);
	g_clear_error(&error);
	answers = (Answers){ .dot = "550 5.1.1 Not this one\r\n" };
	g_assert_false(submitter_send(submitter, &letter, &error));
	g_assert_error(error, OUTAGE_ERROR, OUTAGE_ERROR_REFUSED);
	answers = (Answers){ .rcpt = NULL };
	g_assert_true(submitter_send(submitter, &letter, NULL));
	submitter_free(submitter);
	relay_stop(&relay);
	g_string_free(relay.heard, TRUE);
	g_free(config.relay);
}

typedef struct {
	const char *name;
	const char *ehlo;
	const char *to, *sender;
	bool needs;
	const char *says; /* a command as the relay hears it, or NULL: the letter is refused before MAIL */
} Utf8;

static const Utf8 UTF8S[] = {
	{ "ascii-asks-for-nothing", EHLO_UTF8, "jane@customer.example", "", false, "MAIL FROM:<>\n" },
	{ "a-label-asks-for-nothing", EHLO_UTF8, "jane@b\xC3\xBC" "cher.example", "", false, "RCPT TO:<jane@xn--bcher-kva.example>\n" },
	{ "a-label-goes-anywhere", EHLO_PLAIN, "jane@b\xC3\xBC" "cher.example", "", false, "RCPT TO:<jane@xn--bcher-kva.example>\n" },
	{ "local-part-asks", EHLO_UTF8, "j\xC3\xBC@b\xC3\xBC" "cher.example", "", true, "MAIL FROM:<> SMTPUTF8\n" },
	{ "local-part-with-a-label", EHLO_UTF8, "j\xC3\xBC@b\xC3\xBC" "cher.example", "", true,
	  "RCPT TO:<j\xC3\xBC@xn--bcher-kva.example>\n" },
	{ "tagged-sender-with-utf8-recipient", EHLO_UTF8, "j\xC3\xBC@customer.example", "b+0.1@support.example", true,
	  "MAIL FROM:<b+0.1@support.example> SMTPUTF8\n" },
	{ "local-part-is-not-sent-unasked", EHLO_PLAIN, "j\xC3\xBC@customer.example", "", true, NULL },
	{ "old-server", "250 relay.example\r\n", "j\xC3\xBC@customer.example", "", true, NULL },
	{ "extension-of-a-similar-name", "250-relay.example\r\n250 SMTPUTF8X\r\n", "j\xC3\xBC@customer.example", "", true, NULL },
	{ "header-alone-cannot-be-announced", EHLO_UTF8, "jane@customer.example", "", true, NULL },
};

static void test_utf8(gconstpointer data)
{
	const Utf8 *utf8 = data;
	const Answers answers = { .ehlo = utf8->ehlo };
	Composed letter = letter_to(utf8->to, utf8->sender, utf8->needs);
	g_autoptr(GError) error = NULL;
	g_autofree char *heard = NULL;
	bool sent = send_one(&answers, &letter, &heard, &error);

	g_test_message("%s", heard);
	g_assert_true(sent == (utf8->says != NULL));
	if (sent) {
		g_assert_nonnull(strstr(heard, utf8->says));
	} else {
		g_test_message("%s", error->message);
		g_assert_error(error, OUTAGE_ERROR, OUTAGE_ERROR_REFUSED);
		g_assert_nonnull(strstr(error->message, "6531"));
		g_assert_null(strstr(heard, "MAIL"));
	}
}

/* libcurl would pass each of these on. */
static void test_no_address_becomes_a_command(void)
{
	static const char *const addresses[] = {
		"jane@customer.example>\r\nRCPT TO:<victim@other.example", "jane@customer.example\nDATA", "\"a b\"@customer.example",
		"\"a>\"@customer.example", "@relay.example:jane@customer.example", "jane", "",
	};
	const Answers answers = { .ehlo = EHLO_UTF8 };

	for (gsize i = 0; i < G_N_ELEMENTS(addresses); i++) {
		const Composed letters[] = {
			letter_to(addresses[i], "", false), letter_to("jane@customer.example", addresses[i], false),
		};

		/* The empty sender is the null sender. */
		for (gsize side = 0; side < (*addresses[i] != '\0' ? 2 : 1); side++) {
			g_autoptr(GError) error = NULL;
			g_autofree char *heard = NULL;

			g_assert_false(send_one(&answers, &letters[side], &heard, &error));
			g_assert_error(error, OUTAGE_ERROR, OUTAGE_ERROR_REFUSED);
			g_assert_cmpstr(heard, ==, "");
		}
	}
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	for (gsize i = 0; i < G_N_ELEMENTS(REFUSALS); i++) {
		g_autofree char *path = g_strconcat("/submit/refusal/", REFUSALS[i].name, NULL);

		g_test_add_data_func(path, &REFUSALS[i], test_refusal);
	}
	for (gsize i = 0; i < G_N_ELEMENTS(UTF8S); i++) {
		g_autofree char *path = g_strconcat("/submit/utf8/", UTF8S[i].name, NULL);

		g_test_add_data_func(path, &UTF8S[i], test_utf8);
	}
	g_test_add_func("/submit/refusal-is-forgotten-with-its-letter", test_refusal_is_forgotten_with_its_letter);
	g_test_add_func("/submit/no-address-becomes-a-command", test_no_address_becomes_a_command);
	return g_test_run();
}
