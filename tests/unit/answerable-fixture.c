/* answerable-fixture: a customer's mail with what a case changes in it, judged as the milter judges it. */
#include "answerable-fixture.h"

#include <string.h>

#include "base/address.h"

static const char *const OWN[] = { "support@example.org", "helpdesk@example.org", "@desk.example.org", NULL };
static const char *const SPAM[] = { "X-Spam-Flag", "X-Spam-Status", "X-Spam", "X-Barracuda-Spam-Status",
	"X-DSPAM-Result", "X-Virus-Status", NULL };
static const char *const LISTS[] = { "support-in.example.org", "<Team.Example.ORG>", NULL };
static const AnswerableSettings SETTINGS = {
	.own_addresses = OWN,
	.addressed = OWN,
	.spam_headers = SPAM,
	.list_ids = LISTS,
	.received_max = 5,
};

static const char *or_else(const char *text, const char *otherwise)
{
	return text ? text : otherwise;
}

static Message *message_of(const Case *c)
{
	g_autoptr(GString) bytes = g_string_new(NULL);
	Message *message;

	g_string_append_printf(bytes, "From: %s\n", or_else(c->from, "Jane <jane@customer.example>"));
	if (g_strcmp0(c->to, "-") != 0)
		g_string_append_printf(bytes, "To: %s\n", or_else(c->to, "Support <support@example.org>"));
	g_string_append_printf(bytes, "Subject: %s\n", or_else(c->subject, "Site is down"));
	if (c->reply_to)
		g_string_append_printf(bytes, "Reply-To: %s\n", c->reply_to);
	g_string_append_printf(bytes, "%s\n%s", or_else(c->headers, ""), or_else(c->body, "Nothing loads.\n"));
	message = message_from_bytes(bytes->str, bytes->len, 65536);
	message_set_sender(message, or_else(c->sender, "jane@customer.example"));
	message_add_rcpt(message, or_else(c->rcpt, "<support@example.org>"));
	return message;
}

/* The one address of the only field of that name, or NULL. */
static char *only_address(const Message *message, const char *name)
{
	g_autoptr(GPtrArray) addresses = text_addresses(message_header(message, name, 0));

	return addresses->len == 1 && message_header_count(message, name) == 1 ? g_strdup(g_ptr_array_index(addresses, 0)) : NULL;
}

void assert_reasons(const Case *c)
{
	g_autoptr(Message) message = message_of(c);
	g_autoptr(Text) text = text_read(message, 65536);
	g_autofree char *from = only_address(message, "From");
	g_autofree char *reply_to = only_address(message, "Reply-To");
	const char *address = c->via == VIA_SENDER ? message->sender : c->writer;
	g_auto(Correspondent) correspondent = { .via = c->via, .address = g_strdup(address),
		.normal = address_normal_text(address) };
	g_autofree char *known = reason_list(answerable_check(&SETTINGS, message, text, from, reply_to, &correspondent));
	g_autofree char *found = reason_list(answerable_check(&SETTINGS, message, text, NULL, NULL, &correspondent));

	g_assert_cmpstr(known, ==, c->expected);
	g_assert_cmpstr(found, ==, c->expected);
}

static void test_case(gconstpointer data)
{
	assert_reasons(data);
}

static bool has_code(const char *list, const char *code)
{
	g_auto(GStrv) codes = g_strsplit(list, ",", -1);

	return g_strv_contains((const char *const *)codes, code);
}

void add_table(Reason reason, const Case *cases, guint count)
{
	const char *code = reason_name(reason);
	guint with = 0;

	for (guint i = 0; i < count; i++) {
		g_autofree char *path = g_strconcat("/answerable/", code, "/", cases[i].name, NULL);

		with += has_code(cases[i].expected, code);
		g_test_add_data_func(path, &cases[i], test_case);
	}
	g_assert_cmpuint(with, >, 0);
	g_assert_cmpuint(with, <, count);
}
