/* fuzz-authres: any bytes as Authentication-Results: read without harm, and never taken for a word of a filter
 * that is not trusted. */
#include <stddef.h>
#include <stdint.h>

#include "inspect/authentic.h"
#include "inspect/authres.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const trusted[] = { "mx.example.org", NULL };
	static const AuthenticSettings settings = { .trusted_ids = trusted };
	g_autofree char *value = g_strndup((const char *)data, size);
	g_autofree char *id = authres_peek_id(value);
	g_autoptr(Message) message = message_new(1024);
	g_autoptr(Authres) results = NULL;
	g_auto(Authentic) authentic = { 0 };

	message_set_sender(message, "jane@example.net");
	message_add_header(message, "Authentication-Results", value);
	message_add_header(message, "From", "jane@example.net");
	results = authres_parse(message_header(message, "Authentication-Results", 0), NULL);
	authentic_judge(&authentic, &settings, message, "jane@example.net", NULL);
	if (results)
		g_assert(results->authserv_id[0] != '\0' && id != NULL);
	g_assert(!authentic.header_seen || g_strcmp0(results ? results->authserv_id : NULL, trusted[0]) == 0);
	g_assert(authentic.header_seen || (authentic.sender == VERIFIED_NO && authentic.from == VERIFIED_NO));
	/* Without a client nothing is left to ask but how broad the policy of a pass is. */
	g_assert(!authentic.asks || (authentic.question.policy_only && authentic.sender == VERIFIED_SPF));
	return 0;
}
