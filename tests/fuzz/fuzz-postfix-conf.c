/* fuzz-postfix-conf: any bytes as what postconf prints. Every service has its columns, every milter an endpoint, and reading an entry's own
 * text again gives the same endpoint. */
#include "outagectl/postfix-conf.h"

#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_milters(const char *text)
{
	g_autoptr(GPtrArray) milters = postfix_read_milters(text);

	for (guint i = 0; i < milters->len; i++) {
		const PostfixMilter *milter = g_ptr_array_index(milters, i);
		g_autoptr(GPtrArray) again = postfix_read_milters(milter->text);

		g_assert_true(*milter->endpoint != '\0');
		g_assert_cmpuint(again->len, ==, 1);
		g_assert_cmpstr(((const PostfixMilter *)g_ptr_array_index(again, 0))->endpoint, ==, milter->endpoint);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	g_autofree char *text = g_strndup((const char *)data, size);
	g_autoptr(GHashTable) settings = postfix_read_settings(text);
	g_autoptr(GPtrArray) services = postfix_read_services(text, size % 2 == 0);

	check_milters(text);
	for (guint i = 0; i < services->len; i++) {
		const PostfixService *service = g_ptr_array_index(services, i);
		g_autofree char *host = NULL;

		g_assert_true(*service->name != '\0' && *service->type != '\0' && *service->command != '\0');
		g_assert_cmpuint(postfix_service_port(service, &host), <=, 65535);
		check_milters(postfix_effective(settings, service, "smtpd_milters"));
	}
	return 0;
}
