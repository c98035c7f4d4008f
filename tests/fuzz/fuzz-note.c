/* fuzz-note: a note's payload, or a notice's, as it may lie in the store, correctly signed, so that the parser behind the signature is
 * reached. What it accepts must survive being signed and read again. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "store/note.h"

static Secret *secret;

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	secret = secret_generate();
	return 0;
}

static void try_note(char *payload, char *mac)
{
	const StoredNote stored = { .payload = payload, .mac = mac };
	g_autoptr(Facts) facts = note_open(secret, &stored, NULL), copy = NULL;
	StoredNote again = { .key = NULL };

	if (facts == NULL)
		return;
	again.payload = note_sign(secret, facts, &again.mac);
	copy = note_open(secret, &again, NULL);
	if (copy == NULL || g_strcmp0(copy->sender, facts->sender) != 0 || copy->message_reasons != facts->message_reasons)
		abort();
	g_free(again.payload);
	g_free(again.mac);
}

static void try_notice(char *payload, char *mac)
{
	const StoredNotice stored = { .payload = payload, .mac = mac };
	g_autoptr(Notice) notice = notice_open(secret, &stored, NULL), copy = NULL;
	StoredNotice again = { .name = NULL };

	if (notice == NULL)
		return;
	again.payload = notice_sign(secret, notice, &again.mac);
	copy = notice_open(secret, &again, NULL);
	if (copy == NULL || strcmp(copy->name, notice->name) != 0)
		abort();
	g_free(again.payload);
	g_free(again.mac);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	g_autofree char *payload = g_strndup((const char *)data, size), *mac = secret_hmac(secret, payload, -1);

	try_note(payload, mac);
	try_notice(payload, mac);
	return 0;
}
