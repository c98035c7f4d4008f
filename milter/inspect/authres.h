/* authres: reads Authentication-Results (RFC 8601) and says who vouches for the sender. Layer: inspect. Pure.
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

#include "mail/message.h"

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
void authres_free(Authres *authres);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Authres, authres_free)

typedef enum { VERIFIED_NO, VERIFIED_SPF, VERIFIED_DKIM, VERIFIED_DMARC } Verified;
/* Returns "no", "spf", "dkim", "dmarc" (static). */
const char *verified_name(Verified verified);

typedef struct {
	bool configured;     /* at least one trusted authserv-id */
	bool header_seen;    /* a trusted header was there and could be read */
	Verified sender;     /* who vouches for the envelope sender: an acknowledgement may go to it */
	Verified from;       /* who vouches for the From address: its account may be believed */
} AuthresVerdict;

/* Judges message: per trusted authserv-id (lower case, NULL-terminated) only the topmost header counts, for those below
 * may be forged. from: addr-spec of From, or NULL where it has none or several. spf=pass counts where smtp.mailfrom is the envelope
 * sender (or its domain), dkim=pass where header.d is aligned (shares the organisational domain), dmarc=pass where header.from is
 * From's domain. For `sender` DKIM and DMARC count only where From is the envelope sender itself; for `from` SPF only where the
 * envelope sender's domain is aligned with From's. */
AuthresVerdict authres_judge(const Message *message, const char *from, const char *const *trusted_ids);

#endif
