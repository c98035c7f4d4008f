/* fuzz-bounce: any bytes as an address that mail came back to (the first line) and as that mail (the rest). No address is read that
 * was not made here; whatever a report says fits into one line of the log. */
#include "mail/bounce.h"
#include "mail/text.h"

#include <stdint.h>
#include <string.h>

#define BASE "bounces@support.example"

static Secret *secret;

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerInitialize(int *argc G_GNUC_UNUSED, char ***argv G_GNUC_UNUSED)
{
	text_init();
	secret = secret_generate();
	return 0;
}

static void check_address(const char *rcpt)
{
	g_autofree char *forged = bounce_address_read(secret, BASE, rcpt);
	g_autofree char *hash = secret_address_hash(secret, rcpt);
	g_autofree char *tagged = bounce_address_make(secret, BASE, hash);
	g_autofree char *read = bounce_address_read(secret, BASE, tagged);

	g_assert_null(forged);
	g_assert_cmpstr(read, ==, hash);
	g_assert_true(bounce_address_is(BASE, tagged));
	g_assert_true(!bounce_address_is(BASE, rcpt) || strlen(rcpt) >= strlen(tagged));
}

static void check_line(const char *text)
{
	g_assert_true(g_utf8_validate(text, -1, NULL));
	for (; *text != '\0'; text++)
		g_assert_true((guchar)*text >= 0x20 && *text != 0x7f && *text != '@');
}

static void check_statuses(const Message *message)
{
	g_autoptr(GPtrArray) statuses = text_delivery_statuses(message);

	g_assert_cmpuint(statuses->len, <=, 100);
	for (guint i = 0; i < statuses->len; i++) {
		const TextDeliveryStatus *status = g_ptr_array_index(statuses, i);

		g_assert_true(*status->action != '\0' && strlen(status->action) <= 20);
		g_assert_cmpuint(strlen(status->status), <=, 9);
		g_assert_true(g_utf8_validate(status->diagnostic, -1, NULL));
		g_assert_null(strpbrk(status->diagnostic, "\r\n"));
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const uint8_t *eol = size > 0 ? memchr(data, '\n', size) : NULL;
	gsize line = eol != NULL ? (gsize)(eol - data) : size;
	gsize rest = eol != NULL ? size - line - 1 : 0;
	g_autofree char *rcpt = g_strndup((const char *)data, line);
	g_autoptr(Message) message = message_from_bytes(rest > 0 ? (const char *)eol + 1 : "", rest, 256 * 1024);
	g_autofree char *why = NULL;

	check_address(rcpt);
	message_set_sender(message, "<>");
	g_assert_true(bounce_is_failure(message, &why) == (why != NULL));
	if (why != NULL)
		check_line(why);
	check_statuses(message);
	return 0;
}
