/* header: what goes into a header field: sanitise, quote, encode, fold; and the plan for removing forged ones.
 * Layer: mail. RFC 5322 section 2.2, RFC 2045 section 5.1 (tokens), RFC 2231 (parameters), RFC 2047 (encoded words). */
#ifndef OUTAGE_MAIL_HEADER_H
#define OUTAGE_MAIL_HEADER_H

#include <glib.h>
#include <stdbool.h>

/* Appends "; name=value" to out (just "name=value" where out is empty). A token (and an address) goes bare, other ASCII
 * as a quoted string, anything else as name*=UTF-8''percent-encoded. Control characters are removed, value is cut at
 * 400 bytes on a character boundary. Nothing is appended where value is NULL or empty. */
void header_append_param(GString *out, const char *name, const char *value);

/* Appends value in front of any parameters: as a quoted string (non-ASCII as "name*=UTF-8''..." under fallback_name). */
void header_append_item(GString *out, const char *fallback_name, const char *value);

/* Returns value on one line: folding and tabs are one space, other control characters are removed, bytes that are not
 * UTF-8 replaced by '?'; caller frees. NULL gives "". */
char *header_sanitise(const char *value);

/* Returns value (sanitised) for an unstructured header: as it is where it is printable ASCII that nobody could take for an encoded word,
 * else as encoded words (RFC 2047) with spaces between them; caller frees. NULL gives "". */
char *header_encode(const char *value);

/* Returns value folded with LF + space so that no line is longer than 78 bytes where it has spaces, and never over 998;
 * name_length is the length of the field name. Caller frees. Never contains CR, nor an LF without a space behind it. */
char *header_fold(const char *value, gsize name_length);

/* Returns true where name is a usable field name (printable ASCII without ':'; at most 77 bytes). */
bool header_name_valid(const char *name);

/* One removal: the instance-th (1 = topmost) field of that name, as smfi_chgheader counts. */
typedef struct {
	char *name;
	guint instance;
} HeaderRemoval;

/* Counts headers as they pass, so that a mail nobody inspects costs one comparison a header. */
typedef struct HeaderForged HeaderForged;
HeaderForged *header_forged_new(void);
void header_forged_free(HeaderForged *forged);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(HeaderForged, header_forged_free)
void header_forged_reset(HeaderForged *forged);
/* To be told of every field that is to go, topmost first. */
void header_forged_add(HeaderForged *forged, const char *name);
/* Returns HeaderRemoval * (owned by the array), highest instance of each name first: deleting renumbers (doc/library-traps.md
 * 7). */
GPtrArray *header_forged_plan(const HeaderForged *forged);

#endif
