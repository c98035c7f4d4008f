/* fuzz-account: the first line as key, the rest as an entry of the account table. What is accepted must come back
 * the same when it is written and read again. */
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "inspect/accounts.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	g_autofree char *input = g_strndup((const char *)data, size);
	g_auto(GStrv) halves = g_strsplit(input, "\n", 2);
	g_autoptr(GError) error = NULL;
	g_autoptr(Account) account = NULL;
	g_autoptr(Account) again = NULL;
	g_autofree char *json = NULL;
	g_autofree char *json_again = NULL;

	if (!halves[0] || !halves[1])
		return 0;
	account = account_parse(halves[0], halves[1], &error);
	g_assert((account == NULL) == (error != NULL));
	if (!account)
		return 0;
	g_assert(account->name[0] != '\0' && !strpbrk(account->name, "\r\n"));
	json = account_to_json(account);
	again = account_parse(account->key, json, NULL);
	g_assert(again != NULL);
	json_again = account_to_json(again);
	g_assert(g_str_equal(json, json_again));
	return 0;
}
