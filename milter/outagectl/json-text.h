/* json-text: reads JSON that a stranger wrote, before a parser does that trusts it to be sane. Layer: program. */
#ifndef OUTAGECTL_JSON_TEXT_H
#define OUTAGECTL_JSON_TEXT_H

#include <json-glib/json-glib.h>

/* Bytes that are taken: the largest status pages say all they have in a tenth of it. */
#define JSON_TEXT_MAX ((gsize)4 * 1024 * 1024)

/* Returns what file, or standard input for "-", holds: a little more than JSON_TEXT_MAX at most. NULL with error. */
GString *json_text_read(const char *file, GError **error);

/* Parses one object of size bytes: UTF-8, perhaps with a byte order mark, nested no deeper than 32 levels, nothing behind it. NULL with
 * OUTAGE_ERROR_INVALID naming the line. Caller frees. */
JsonNode *json_text_object(const char *bytes, gsize size, GError **error);

#endif
