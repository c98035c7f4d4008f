/* fuzz-received: any bytes as a Received field. An address that comes out is a canonical one that the field has in it, and what
 * stands outside of comments is never taken for it alone. */
#include <gio/gio.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "mail/received.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool is_relay(const char *ip, gconstpointer data)
{
	(void)data;
	return strchr(ip, ':') != NULL;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	g_autofree char *value = g_strndup((const char *)data, size);
	g_autoptr(Received) received = received_parse(value);
	g_autoptr(Message) message = message_new(1024);
	g_autoptr(Received) outside = NULL;

	if (received) {
		g_autoptr(GInetAddress) address = g_inet_address_new_from_string(received->client);
		g_autofree char *again = address ? g_inet_address_to_string(address) : NULL;

		g_assert_cmpstr(again, ==, received->client);
		g_assert(strchr(value, '(') != NULL && g_ascii_strncasecmp(value + strspn(value, " \t\r\n"), "from", 4) == 0);
		g_assert(received->helo == NULL || strstr(value, received->helo) != NULL);
	}
	message_add_header(message, "Received", value);
	message_add_header(message, "Received", "from a.example (a.example [192.0.2.1]) by mx.example.org; x");
	outside = received_outside(message, is_relay, NULL);
	g_assert(!outside || !is_relay(outside->client, NULL));
	return 0;
}
