/* feed: what has been said of an incident so far, and the texts that stand for it now, read back one by one: for programs that add to them
 * and must not say a thing twice (outagectl import). Layer: store. As store.h. */
#ifndef OUTAGE_STORE_FEED_H
#define OUTAGE_STORE_FEED_H

#include "store/store.h"

/* One update, as store_add_update took it. Strings may be anything, but are never NULL. */
typedef struct { gint64 at; char *text, *author; } FeedEntry;
void feed_entry_free(FeedEntry *entry);

/* Returns the newest count updates (FeedEntry *) that were given under that name, newest first: of incidents before the present one too, as
 * far as they are kept. NULL with error; caller unrefs. */
GPtrArray *store_feed(Store *store, const char *name, guint count, GError **error);

/* Reads the texts under that name as they lie there: of the incident *id, or, where *id is NULL, prepared for the next. What is unset, or
 * nothing that could be used, is NULL. Caller frees each of texts, and *id. */
bool store_texts(Store *store, const char *name, char *texts[TEXT_FIELDS], char **id, GError **error);

#endif
