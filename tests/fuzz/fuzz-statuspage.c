/* fuzz-statuspage: JSON as a status page, or another program, may send it. What is taken of it must be what the store takes, and of the
 * updates none may be new twice. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "outagectl/import.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const Imported *imported)
{
	g_autoptr(GPtrArray) known = g_ptr_array_new_with_free_func(g_free);
	g_autoptr(GPtrArray) wanted = import_new_updates(imported, known), again = NULL;

	if (*imported->key == '\0' || strlen(imported->key) > 64 || strpbrk(imported->key, " ()/\n") != NULL)
		abort();
	for (TextField field = 0; field < TEXT_FIELDS; field++)
		if (imported->texts[field] != NULL && *imported->texts[field] != '\0' && !text_field_check(field, imported->texts[field], NULL))
			abort();
	if (wanted->len != imported->updates->len)
		abort();
	for (guint i = 0; i < wanted->len; i++) {
		const ImportUpdate *update = g_ptr_array_index(wanted, i);

		if (*update->text == '\0' || !text_field_check(TEXT_SCOPE, update->text, NULL))
			abort();
		g_ptr_array_add(known, g_strdup_printf("%s/%s", update->key, update->digest));
	}
	again = import_new_updates(imported, known);
	if (again->len != 0)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	g_autoptr(GPtrArray) page = import_read_statuspage((const char *)data, size, NULL);
	g_autoptr(Imported) own = import_read_json((const char *)data, size, NULL);

	for (guint i = 0; page != NULL && i < page->len; i++)
		check(g_ptr_array_index(page, i));
	if (own != NULL)
		check(own);
	return 0;
}
