/* authres: reads Authentication-Results (RFC 8601). What they are worth is authentic.h's business. Layer: inspect. Pure.
 *
 *     authres-header-field = "Authentication-Results:" authres-payload
 *     authres-payload = [CFWS] authserv-id [ CFWS authres-version ] ( no-result / 1*resinfo ) [CFWS]
 *     resinfo = [CFWS] ";" methodspec [ CFWS reasonspec ] [ CFWS 1*propspec ]
 *     methodspec = [CFWS] method [CFWS] "=" [CFWS] result          method = Keyword [ [CFWS] "/" [CFWS] method-version ]
 *     propspec = ptype [CFWS] "." [CFWS] property [CFWS] "=" pvalue                          RFC 8601 section 2.2 */
#ifndef OUTAGE_INSPECT_AUTHRES_H
#define OUTAGE_INSPECT_AUTHRES_H

#include <glib.h>
#include <stdbool.h>

typedef struct {
	char *method;        /* lower case: spf, dkim, dmarc, ... */
	char *result;        /* lower case: pass, fail, ... */
	GHashTable *props;   /* "smtp.mailfrom" (lower case) -> value as written, first one wins */
} AuthresInfo;

typedef struct {
	char *authserv_id;   /* lower case */
	GPtrArray *infos;    /* AuthresInfo * */
} Authres;

/* Parses one header value; NULL with OUTAGE_ERROR_INVALID where it does not follow the grammar above. */
Authres *authres_parse(const char *value, GError **error);
/* Returns the lower-case authserv-id of value, also where what follows it cannot be read; NULL where there is none.
 * Caller frees. */
char *authres_peek_id(const char *value);
void authres_free(Authres *authres);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Authres, authres_free)

#endif
