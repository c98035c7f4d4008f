/* json-fields: single members of the JSON that this program signs and keeps in the store: how they are written, and how they are read back,
 * as if a stranger had written them. Layer: store. job.c and note.c are made of it; others write their numbers with it.
 *
 *     message-id = "<" 1*VCHAR ">"            references = message-id *( " " message-id )
 *     ID         = YYYYMMDD "T" HHMMSS "Z-" NAME
 *
 * `what`, in all of these: "job", "note" ..., for errors, which are OUTAGE_ERROR_INVALID and name the member. */
#ifndef OUTAGE_STORE_JSON_FIELDS_H
#define OUTAGE_STORE_JSON_FIELDS_H

#include <json-glib/json-glib.h>
#include <stdbool.h>

#include "base/secret.h"

#define FIELDS_TEXT_MAX 4096
#define FIELDS_SHORT_MAX 512
#define FIELDS_IDS_MAX 16384
#define FIELDS_TIME_MAX G_GINT64_CONSTANT(253402300799) /* the year 9999: what no clock can show breaks what prints it */
#define FIELDS_ID_NAME 17      /* where the name begins in an incident's id */

/* Writing: a text that is NULL or empty is left out, and what a reader would refuse (control characters, too much) is tamed. */
void fields_add_text(JsonBuilder *builder, const char *name, const char *text);
/* As fields_add_text, but at most FIELDS_SHORT_MAX bytes. */
void fields_add_short(JsonBuilder *builder, const char *name, const char *text);
/* As fields_add_text, but left out too where `fits` does not take it. */
void fields_add_checked(JsonBuilder *builder, const char *name, const char *text, bool (*fits)(const char *text));
void fields_add_flag(JsonBuilder *builder, const char *name, bool flag);
/* As fields_add_text, but its line ends stay. */
void fields_add_lines(JsonBuilder *builder, const char *name, const char *text);
void fields_add_number(JsonBuilder *builder, const char *name, gint64 number);
/* As fields_add_number, but 0 is left out. */
void fields_add_count(JsonBuilder *builder, const char *name, guint64 count);
/* The message ids of text that a reader would take, of the last max bytes. */
void fields_add_ids(JsonBuilder *builder, const char *name, const char *text, gsize max);
/* Ends the writing: returns the payload and sets *mac; caller frees both. */
char *fields_sign(const Secret *secret, JsonBuilder *builder, char **mac);

/* The checks of single values; each returns false for what cannot be used. */
bool fields_is_token(const char *text);
bool fields_is_incident(const char *text);
bool fields_is_incident_id(const char *text);
bool fields_is_address(const char *text);
/* An address that a letter may go to: less than address_parse takes, and nothing around it. */
bool fields_is_recipient(const char *text);
/* The same, normalised. */
bool fields_is_sender(const char *text);
/* Made of small letters, digits and those of `others`, at most max bytes. */
bool fields_is_small_name(const char *text, gsize max, const char *others);
bool fields_is_lines(const char *text);
bool fields_is_language(const char *text);
bool fields_is_plain_text(const char *text);
bool fields_is_message_id(const char *text);
bool fields_is_references(const char *text);
bool fields_is_queue_id(const char *text);

/* Reading. */
/* False where payload is of at most max bytes and not signed with secret: OUTAGE_ERROR_REFUSED. */
bool fields_check_mac(const Secret *secret, const char *what, const char *payload, gsize max, const char *mac, GError **error);
/* Parses JSON that lies in the store, whoever put it there; NULL where it cannot be used. Caller frees. */
JsonNode *fields_parse(const char *text);
/* The same for an object of at most max bytes. payload may be NULL. */
JsonNode *fields_parse_object(const char *what, const char *payload, gsize max, GError **error);
/* False where payload, of which root was parsed, is not as this program would have written it. */
bool fields_check_written(JsonNode *root, const char *what, const char *payload, GError **error);

/* A text member: where it goes in a struct, or nowhere (offset -1). */
typedef struct {
	const char *name;
	bool required;
	gssize offset;
	bool (*fits)(const char *text);
} FieldText;
/* Reads those of table into the struct at `into`: copies, which its owner frees. */
bool fields_read_texts(JsonObject *object, const char *what, const FieldText *table, gsize count, gpointer into, GError **error);
/* Returns the member's text in *text (owned by object; NULL where it is absent and may be). */
bool fields_read_text(JsonObject *object, const char *what, const char *name, bool required, const char **text, GError **error);
/* A whole number from 0 on. */
bool fields_read_number(JsonObject *object, const char *what, const char *name, gint64 *number, GError **error);
/* The same, for seconds since the epoch; 0 = unset. */
bool fields_read_time(JsonObject *object, const char *what, const char *name, gint64 *seconds, GError **error);
bool fields_read_flag(JsonObject *object, const char *what, const char *name, bool *flag, GError **error);
/* Sets error; returns false. */
bool fields_unusable(GError **error, const char *what, const char *member, const char *why);

#endif
