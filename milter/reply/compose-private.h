/* compose-private: what compose.c and compose-letter.c share. Layer: reply, private. */
#ifndef OUTAGE_REPLY_COMPOSE_PRIVATE_H
#define OUTAGE_REPLY_COMPOSE_PRIVATE_H

#include "reply/compose.h"

/* Returns the template kind of request's letter, for an incident in that state; NULL for an acknowledgement of an incident that has
 * ended, and for a letter of a name that nothing here orders. Caller frees. */
char *compose_letter_kind(const Templates *templates, const char *language, const ClaimRequest *request, Word word);

/* Returns the incident that request's letter speaks of, for the newest state of its name (NULL where the store knows none), or NULL
 * with OUTAGE_ERROR_INVALID where nothing may be said any more. Caller frees. */
Incident *compose_letter_incident(const Incident *newest, const ClaimRequest *request, GError **error);

/* Returns the address that stops notices to that recipient (both normalised), NULL where there is none: another class of letter, a
 * support address without plus-addresses, or one that is too long. Caller frees. */
char *compose_stop_address(const Config *config, const Secret *secret, const ClaimRequest *request);

/* Returns stop as the value of List-Unsubscribe (RFC 2369 sections 2 and 3.2, RFC 6068); caller frees. */
char *compose_stop_header(const char *stop);

/* Puts in what such a letter says besides the incident's state: see the fields text, stop, what, what_at, account, incident and
 * incident_id. language is that of the letter; stop may be NULL. */
void compose_letter_values(GHashTable *values, const Config *config, const ClaimRequest *request, const char *language,
    const char *stop);

#endif
