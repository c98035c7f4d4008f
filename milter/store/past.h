/* past: the texts of an incident whose name belongs to a later one by now (outage:past:ID), for the debrief. Layer: store. As store.h. */
#ifndef OUTAGE_STORE_PAST_H
#define OUTAGE_STORE_PAST_H

#include "store/store.h"

/* Reads the texts that were put away when incident id made room: kept for privacy.retention, NULL where unset or not usable; *found: there
 * is any. An id with anything but [A-Za-z0-9_-] was never one: not found. Caller frees each of texts. */
bool store_past_texts(Store *store, const char *id, char *texts[TEXT_FIELDS], bool *found, GError **error);

#endif
