/* fuzz-answerable: any bytes as a mail, read as the milter reads one and judged: who vouches for it, whom an answer would go to,
 * and what speaks against it. Only reasons of the message may come out, a mail without anybody to answer is never answerable, and
 * no mail vouches for itself. */
#include <stddef.h>
#include <stdint.h>

#include "inspect/answerable.h"

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	text_init();
	return 0;
}

static bool is_relay(const char *ip, gconstpointer data)
{
	(void)data;
	return g_str_has_prefix(ip, "10.");
}

static char *only_address(const Message *message, const char *name)
{
	g_autoptr(GPtrArray) addresses = text_addresses(message_header(message, name, 0));

	return addresses->len == 1 && message_header_count(message, name) == 1 ? g_strdup(g_ptr_array_index(addresses, 0)) : NULL;
}

static void judge(Authentic *authentic, const Message *message, const char *from)
{
	static const char *const trusted[] = { "mx.example.org", NULL };
	static const char *const users[] = { "example.org", NULL };
	static const AuthenticSettings settings = { trusted, true, users, is_relay, NULL };
	static const SpfAnswer broad = { SPF_PASS, true };

	authentic_judge(authentic, &settings, message, from, &broad);
	g_assert(authentic->sender != VERIFIED_SPF || authentic->header_seen);
	authentic_judge(authentic, &settings, message, from, NULL);
	if (authentic->asks)
		g_assert(authentic->question.sender != NULL &&
		    (authentic->question.policy_only || authentic->question.client != NULL));
	g_assert(authentic->header_seen || (authentic->sender == VERIFIED_NO && authentic->from == VERIFIED_NO));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const own[] = { "support@example.org", "@desk.example.org", NULL };
	static const char *const spam[] = { "X-Spam-Flag", NULL };
	static const char *const lists[] = { "support-in.example.org", NULL };
	static const char *const forms[] = { "web@example.org", NULL };
	static const AnswerableSettings settings = { own, own, spam, lists, 50 };
	static const CorrespondentSettings correspondents = { forms, false, lists };
	g_autoptr(Message) message = message_from_bytes((const char *)data, size, 65536);
	const char *path = message_header(message, "Return-Path", 0);
	g_autofree char *from = only_address(message, "From");
	g_autofree char *reply_to = only_address(message, "Reply-To");
	g_autoptr(Text) text = NULL;
	g_auto(Authentic) authentic = { 0 };
	g_auto(Correspondent) correspondent = { 0 };
	g_autofree char *names = NULL;
	ReasonSet set;

	if (path)
		message_set_sender(message, path);
	message_add_rcpt(message, "support@example.org");
	message->client_addr = g_strdup(size % 2 == 0 ? "10.0.0.1" : "192.0.2.1");
	judge(&authentic, message, from);
	correspondent_find(&correspondent, &correspondents, message, from, reply_to, &authentic);
	g_assert((correspondent.address == NULL) == (correspondent.normal == NULL));
	text = text_read(message, 65536);
	set = answerable_check(&settings, message, text, from, reply_to, &correspondent);
	g_assert(set < REASON_BIT(REASON_NOT_ADDRESSED + 1));
	g_assert(correspondent.normal || (set & REASON_BIT(REASON_NULL_SENDER)));
	names = reason_list(set);
	g_assert((set == 0) == (names[0] == '\0'));
	return 0;
}
