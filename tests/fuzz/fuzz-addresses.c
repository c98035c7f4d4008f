/* fuzz-addresses: any bytes as an address header: at most 200 addresses, each one line of valid UTF-8. */
#include "mail/text.h"

#include <stdint.h>
#include <string.h>

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerInitialize(int *argc G_GNUC_UNUSED, char ***argv G_GNUC_UNUSED)
{
	text_init();
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	g_autofree char *value = g_strndup((const char *)data, size);
	g_autoptr(GPtrArray) addresses = text_addresses(value);
	g_autofree char *decoded = text_decode_header(value);

	g_assert_true(g_utf8_validate(decoded, -1, NULL));
	g_assert_null(strpbrk(decoded, "\r\n"));
	g_assert_cmpuint(addresses->len, <=, 200);
	for (guint i = 0; i < addresses->len; i++) {
		const char *address = g_ptr_array_index(addresses, i);

		g_assert_true(g_utf8_validate(address, -1, NULL));
		g_assert_null(strpbrk(address, "\r\n"));
		g_assert_true(*address != '\0');
	}
	return 0;
}
