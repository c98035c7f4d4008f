/* past: see past.h; a spool knows of no past incidents. Layer: store. */
#include "store/past.h"

#include "base/error.h"
#include "store/backend.h"

/* A key is made of it. */
static bool can_be_id(const char *id)
{
	for (const char *p = id; *p != '\0'; p++)
		if (!g_ascii_isalnum(*p) && *p != '_' && *p != '-')
			return false;
	return *id != '\0';
}

bool store_past_texts(Store *store, const char *id, char *texts[TEXT_FIELDS], bool *found, GError **error)
{
	*found = false;
	for (TextField field = 0; field < TEXT_FIELDS; field++)
		texts[field] = NULL;
	if (!store_keeps(store->backend->past_texts != NULL, "texts of past incidents", error))
		return false;
	return !can_be_id(id) || store->backend->past_texts(store, id, texts, found, error);
}
