/* optout: the plus-address by which somebody stops further notices of one incident. Layer: mail. RFC 2369 section 3.2, RFC 5233.
 *
 *     optout = local "+stop-" HASH INCIDENT TAG "@" domain      local "@" domain: the support address that was written to
 *     HASH     = the first 16 hex digits of secret_address_hash() of whom the notice went to
 *     INCIDENT = the first 8 hex digits of SHA-256 of the incident's id
 *     TAG      = the first 8 hex digits of the HMAC of "stop" LF HASH LF INCIDENT under the site secret
 *
 * Whoever does not know the secret cannot stop another's notices. */
#ifndef OUTAGE_MAIL_OPTOUT_H
#define OUTAGE_MAIL_OPTOUT_H

#include <glib.h>
#include <stdbool.h>

#include "base/secret.h"

/* Returns the address for the person with that hash (32 hex digits) and incident id; NULL where the local part would get longer than 64
 * bytes (RFC 5321 section 4.5.3.1.1). support: a parsed, normalised address. Caller frees. */
char *optout_address_make(const Secret *secret, const char *support, const char *hash, const char *id);

/* Where rcpt is such an address with the right tag, returns HASH and sets *incident to INCIDENT; else NULL. Any case. Caller frees both. */
char *optout_address_read(const Secret *secret, const char *rcpt, char **incident);

/* Returns true where INCIDENT stands for that id. */
bool optout_incident_is(const char *incident, const char *id);

/* The name under which the store keeps that the person with that hash wants no more: its HASH. Caller frees. */
char *optout_tag(const char *hash);

#endif
