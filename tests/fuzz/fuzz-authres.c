/* fuzz-authres: any bytes as Authentication-Results: read without harm, and never taken for a word of a filter
 * that is not trusted. */
#include <stddef.h>
#include <stdint.h>

#include "inspect/authres.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const trusted[] = { "mx.example.org", NULL };
	g_autofree char *value = g_strndup((const char *)data, size);
	g_autoptr(Message) message = message_new(1024);
	g_autoptr(Authres) results = NULL;
	AuthresVerdict verdict;

	message_set_sender(message, "jane@example.net");
	message_add_header(message, "Authentication-Results", value);
	message_add_header(message, "From", "jane@example.net");
	results = authres_parse(message_header(message, "Authentication-Results", 0), NULL);
	verdict = authres_judge(message, "jane@example.net", trusted);
	if (results)
		g_assert(results->authserv_id[0] != '\0');
	g_assert(!verdict.header_seen || g_strcmp0(results ? results->authserv_id : NULL, trusted[0]) == 0);
	g_assert(verdict.header_seen || (verdict.sender == VERIFIED_NO && verdict.from == VERIFIED_NO));
	return 0;
}
