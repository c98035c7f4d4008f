/* test-outbound: only a person of ours who answers a mail ends the waiting of who wrote it. */
#include <gio/gio.h>
#include <string.h>

#include "inspect/facts.h"
#include "inspect/outbound.h"
#include "mail/text.h"

static Config *site(void)
{
	g_autoptr(GPtrArray) mistakes = g_ptr_array_new_with_free_func(g_free);
	const char *text = "support = ( { address = \"support@shop.example\"; } );\n";
	Config *config = config_load_text("outbound.conf", text, strlen(text), mistakes);

	g_assert_cmpuint(mistakes->len, ==, 0);
	return config;
}

static Message *mail(const char *sender, const char *rcpts, const char *headers)
{
	g_autofree char *text = g_strconcat(headers, "\nbody\n", NULL);
	Message *message = message_from_bytes(text, strlen(text), 65536);
	g_auto(GStrv) all = g_strsplit(rcpts, " ", -1);

	message_set_sender(message, sender);
	for (char **rcpt = all; *rcpt != NULL; rcpt++)
		message_add_rcpt(message, *rcpt);
	return message;
}

#define US "<support@shop.example>"
#define JANE "<jane@customer.example>"
#define FROM "From: Shop Support <support@shop.example>\n"
#define REPLY "In-Reply-To: <m1@customer.example>\n"

static void a_person_of_ours_answers(void)
{
	static const struct {
		const char *sender, *rcpts, *headers;
		bool answers;
	} cases[] = {
		{ US, JANE, FROM REPLY, true },
		{ US, JANE, "From: Ann <ann@shop.example>\n" REPLY, true },
		{ "<bounces@shop.example>", JANE, FROM REPLY, true },
		{ US, JANE " " US, FROM REPLY, true },
		{ US, JANE, FROM REPLY "Auto-Submitted: no\n", true },
		{ US, JANE, FROM "References: <x@y>\n <m1@customer.example>\n", true },
		/* Helpdesks write this on what their people send. */
		{ US, JANE, FROM REPLY "X-Auto-Response-Suppress: All\n", true },
		{ US, JANE, FROM, false },
		{ US, US, FROM REPLY, false },
		{ "<ann@shop.example>", JANE, "From: ann@shop.example\n" REPLY, false },
		{ JANE, "<bob@customer.example>", "From: jane@customer.example\n" REPLY, false },
		{ US, JANE, FROM REPLY "Auto-Submitted: auto-replied\n", false },
		{ US, JANE, FROM REPLY "Auto-Submitted: no\nAuto-Submitted: auto-generated\n", false },
		{ US, JANE, FROM REPLY "Message-ID: <outage-ack.0123456789abcdef0123456789abcdef@shop.example>\n", false },
		{ US, JANE, FROM "In-Reply-To: your mail of Monday\n", false },
		{ US, JANE, FROM "References: <broken\n", false },
	};
	g_autoptr(Config) config = site();
	g_autofree char *wanted = facts_key_of("<m1@customer.example>");

	for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
		g_autoptr(Message) message = mail(cases[i].sender, cases[i].rcpts, cases[i].headers);
		g_autoptr(GPtrArray) keys = outbound_keys(config, message);

		g_test_message("case %zu", i);
		g_assert_cmpint(keys != NULL, ==, cases[i].answers);
		if (keys != NULL)
			g_assert_true(g_ptr_array_find_with_equal_func(keys, wanted, g_str_equal, NULL));
	}
}

/* Of a thread without end the newest count, and what is answered stays whatever the thread. */
static void a_long_thread_is_bounded(void)
{
	g_autoptr(Config) config = site();
	g_autoptr(GString) headers = g_string_new(FROM REPLY "References:");
	g_autofree char *wanted = facts_key_of("<m1@customer.example>"), *first = facts_key_of("<t0@x>"), *last = facts_key_of("<t999@x>");
	g_autoptr(Message) message = NULL;
	g_autoptr(GPtrArray) keys = NULL;

	for (int i = 0; i < 1000; i++)
		g_string_append_printf(headers, "\n <t%d@x>", i);
	g_string_append_c(headers, '\n');
	message = mail(US, JANE, headers->str);
	keys = outbound_keys(config, message);
	g_assert_cmpuint(keys->len, ==, 20);
	g_assert_true(g_ptr_array_find_with_equal_func(keys, wanted, g_str_equal, NULL));
	g_assert_true(g_ptr_array_find_with_equal_func(keys, last, g_str_equal, NULL));
	g_assert_false(g_ptr_array_find_with_equal_func(keys, first, g_str_equal, NULL));
}

static void others_mail_is_not_looked_at(void)
{
	static const struct {
		const char *client, *user;
		bool may_be;
	} cases[] = {
		{ "127.0.0.1", NULL, true },
		{ "::1", NULL, true },
		{ "192.0.2.7", NULL, false },
		{ "192.0.2.7", "ann", true },
		{ NULL, NULL, false },
	};
	g_autoptr(Config) config = site();

	for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
		g_autoptr(Message) message = message_new(0);

		message->client_addr = g_strdup(cases[i].client);
		message->auth_user = g_strdup(cases[i].user);
		g_assert_cmpint(outbound_may_be(config, message), ==, cases[i].may_be);
	}
	g_assert_true(outbound_reads_header("in-reply-to"));
	g_assert_false(outbound_reads_header("Received"));
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	text_init();
	g_test_add_func("/outbound/a-person-of-ours-answers", a_person_of_ours_answers);
	g_test_add_func("/outbound/a-long-thread-is-bounded", a_long_thread_is_bounded);
	g_test_add_func("/outbound/others-mail-is-not-looked-at", others_mail_is_not_looked_at);
	return g_test_run();
}
