/* peek: a look at a flip key that this site's store does not follow. Layer: store. */
#ifndef OUTAGE_STORE_PEEK_H
#define OUTAGE_STORE_PEEK_H

#include "config/config.h"

/* Asks the Redis of url (as store.url; neither Sentinel nor SQLite) for the flip key under config->store_prefix, changing nothing. Returns
 * its text, or NULL: without error where the server answers and has none, with OUTAGE_ERROR_UNAVAILABLE where it does not answer, with
 * another error where it may not be asked. Caller frees. Waits up to store.connect_timeout and store.timeout. */
char *store_peek_word(const Config *config, const char *url, GError **error);

#endif
