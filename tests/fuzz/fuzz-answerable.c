/* fuzz-answerable: any bytes as a mail, read as the milter reads one and judged. Only reasons of the message may
 * come out, and a mail without a usable sender is never answerable. */
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

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const own[] = { "support@example.org", "@desk.example.org", NULL };
	static const char *const spam[] = { "X-Spam-Flag", NULL };
	static const char *const lists[] = { "support-in.example.org", NULL };
	static const AnswerableSettings settings = { own, own, spam, lists, "outage@example.org", 50 };
	g_autoptr(Message) message = message_from_bytes((const char *)data, size, 65536);
	const char *path = message_header(message, "Return-Path", 0);
	g_autoptr(Text) text = NULL;
	g_autoptr(GPtrArray) from = text_addresses(message_header(message, "From", 0));
	g_autofree char *names = NULL;
	ReasonSet set;

	if (path)
		message_set_sender(message, path);
	text = text_read(message, 65536);
	set = answerable_check(&settings, message, text, from->len == 1 ? g_ptr_array_index(from, 0) : NULL, NULL);
	g_assert(set < REASON_BIT(REASON_NOT_ADDRESSED + 1));
	g_assert(path || (set & REASON_BIT(REASON_NULL_SENDER)));
	names = reason_list(set);
	g_assert((set == 0) == (names[0] == '\0'));
	return 0;
}
