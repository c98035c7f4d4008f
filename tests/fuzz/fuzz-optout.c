/* fuzz-optout: any bytes as an address that somebody wrote to (the first line) and as the support address of a notice (the rest). No
 * address is read that was not made here; what was made is read back. */
#include "base/address.h"
#include "mail/optout.h"

#include <stdint.h>
#include <string.h>

#define ID "20261121T140000Z-default"

static Secret *secret;

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerInitialize(int *argc G_GNUC_UNUSED, char ***argv G_GNUC_UNUSED)
{
	secret = secret_generate();
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const uint8_t *eol = size > 0 ? memchr(data, '\n', size) : NULL;
	gsize line = eol != NULL ? (gsize)(eol - data) : size;
	gsize rest = eol != NULL ? size - line - 1 : 0;
	g_autofree char *rcpt = g_strndup((const char *)data, line);
	g_autofree char *written = g_strndup(rest > 0 ? (const char *)eol + 1 : "", rest);
	g_autofree char *support = address_normal_text(written);
	g_autofree char *hash = secret_address_hash(secret, "jane@customer.example");
	g_autofree char *tag = optout_tag(hash);
	g_autofree char *incident = NULL, *forged_incident = NULL;
	g_autofree char *forged = optout_address_read(secret, rcpt, &forged_incident);
	g_autofree char *made = support != NULL ? optout_address_make(secret, support, hash, ID) : NULL;
	g_autofree char *read = made != NULL ? optout_address_read(secret, made, &incident) : NULL;

	g_assert_null(forged);
	g_assert_null(forged_incident);
	if (made != NULL) {
		g_assert_cmpstr(read, ==, tag);
		g_assert_true(optout_incident_is(incident, ID));
	}
	return 0;
}
