/* feed: see feed.h. Layer: store. The backends' parts are redis-feed.c and sqlite-feed.c. */
#include "store/feed.h"

#include "base/error.h"
#include "store/backend.h"

void feed_entry_free(FeedEntry *entry)
{
	if (entry == NULL)
		return;
	g_free(entry->text);
	g_free(entry->author);
	g_free(entry);
}

/* A node's spool keeps neither. */
static bool is_kept(bool there, GError **error)
{
	return store_keeps(there, "texts and updates", error);
}

GPtrArray *store_feed(Store *store, const char *name, guint count, GError **error)
{
	return is_kept(store->backend->feed != NULL, error) ? store->backend->feed(store, name, count, error) : NULL;
}

bool store_texts(Store *store, const char *name, char *texts[TEXT_FIELDS], char **id, GError **error)
{
	*id = NULL;
	for (TextField field = 0; field < TEXT_FIELDS; field++)
		texts[field] = NULL;
	if (!is_kept(store->backend->texts != NULL, error) || !store->backend->texts(store, name, texts, id, error))
		return false;
	for (TextField field = 0; field < TEXT_FIELDS; field++)
		if (texts[field] != NULL && !text_field_check(field, texts[field], NULL))
			g_clear_pointer(&texts[field], g_free);
	return true;
}
