/* fuzz-message: any bytes at all as a mail: read, decoded and split without a crash, into valid UTF-8 within its limit. */
#include "mail/message.h"
#include "mail/text.h"

#include <stdint.h>
#include <string.h>

#define TEXT_MAX 4096

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerInitialize(int *argc G_GNUC_UNUSED, char ***argv G_GNUC_UNUSED)
{
	text_init();
	return 0;
}

static void check_text(const char *text, gsize max)
{
	g_assert_true(g_utf8_validate(text, -1, NULL));
	g_assert_cmpuint(strlen(text), <=, max);
	for (; *text != '\0'; text++)
		g_assert_true((guchar)*text >= 0x20 || *text == '\n' || *text == '\t');
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	g_autoptr(Message) message = message_from_bytes((const char *)data, size, 256 * 1024);
	g_autoptr(Text) text = text_read(message, TEXT_MAX);

	check_text(text->own, TEXT_MAX);
	check_text(text->quoted, TEXT_MAX);
	check_text(text->subject, G_MAXSIZE);
	g_assert_null(strchr(text->subject, '\n'));
	g_assert_cmpuint(text->parts->len, >=, 1);
	g_assert_cmpuint(text->parts->len, <=, 200);
	return 0;
}
