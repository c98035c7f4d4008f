/* received: reads who handed a mail to whom from Received fields. Layer: mail. Pure. RFC 5321 section 4.4.
 *
 *     From-domain     = "FROM" FWS Extended-Domain
 *     Extended-Domain = Domain / ( Domain FWS "(" TCP-info ")" ) / ( address-literal FWS "(" TCP-info ")" )
 *     TCP-info        = address-literal / ( Domain FWS address-literal )
 *
 * MTAs write TCP-info in their own ways (Postfix and Sendmail "helo (name [192.0.2.1])", Exim "[192.0.2.1] (helo=name)" and
 * "name ([192.0.2.1] helo=name)", Exchange "name (192.0.2.1)", qmail "unknown (HELO name) (192.0.2.1)"). The HELO name is the
 * client's own word, so an address counts only where it is the only one that can be meant. */
#ifndef OUTAGE_MAIL_RECEIVED_H
#define OUTAGE_MAIL_RECEIVED_H

#include <glib.h>
#include <stdbool.h>

#include "mail/message.h"

typedef struct {
	char *client;  /* textual IP, canonical form, never NULL */
	char *helo;    /* or NULL */
} Received;
void received_free(Received *received);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Received, received_free)

/* Reads one field's value; NULL where it does not say from which address, or says more than one. Caller frees. */
Received *received_parse(const char *value);

/* Follows message's Received fields from the topmost one, each written by the hop that the one above names, as long as
 * is_relay(ip, data) holds for its client, and returns the first client outside; NULL where a field cannot be read or
 * none is left. The client of the SMTP session itself has to be a relay already: that is for the caller to know. Caller
 * frees. */
Received *received_outside(const Message *message, bool (*is_relay)(const char *ip, gconstpointer data), gconstpointer data);

#endif
