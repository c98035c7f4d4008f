/* address: one mailbox address: parse, normalise, compare; domains as A-labels. Layer: base.
 *
 *     Mailbox        = Local-part "@" ( Domain / address-literal )     RFC 5321 section 4.1.2, RFC 6531 for UTF-8
 *     Local-part     = Dot-string / Quoted-string
 *
 * Header address lists (display names, comments, groups) are mail/text's business. */
#ifndef OUTAGE_BASE_ADDRESS_H
#define OUTAGE_BASE_ADDRESS_H

#include <glib.h>
#include <stdbool.h>

typedef struct {
	char *local;  /* as written, quotes removed where they were not needed; UTF-8 */
	char *domain; /* lower case, A-labels (RFC 5890), or an address literal "[...]" */
} Address;

/* Parses text, with or without angle brackets and surrounding white space. At most 320 bytes, no control characters,
 * no source route. Returns NULL with OUTAGE_ERROR_INVALID where it is no usable address (this includes "" and "<>");
 * caller frees with address_free. */
Address *address_parse(const char *text, GError **error);
void address_free(Address *address);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Address, address_free)

/* Returns local@domain, the local part quoted where RFC 5321 wants it; caller frees. */
char *address_to_string(const Address *address);

/* Returns the form that marks and accounts are keyed on: local part lower-cased, plus-tag kept, domain as A-label;
 * caller frees. */
char *address_normal(const Address *address);

/* Returns address_normal without a "+tag" in the local part; caller frees. */
char *address_normal_untagged(const Address *address);

/* Returns address_normal of text, or NULL where text (may be NULL) is no address; caller frees. */
char *address_normal_text(const char *text);

/* Returns true where a machine may write to address: no route in the local part ("%", "!", "@", ":"), nothing that ends an
 * address early where somebody quotes badly (quotes, brackets, spaces), nothing invisible, and a domain that is no IP address. */
bool address_may_be_answered(const Address *address);

/* Returns true where the local part is not ASCII, so that sending to it needs SMTPUTF8 (RFC 6531). */
bool address_needs_smtputf8(const Address *address);

/* Returns domain in lower case with A-labels, without a trailing dot, or NULL where it is no domain; caller frees. */
char *domain_to_ascii(const char *domain);

/* Returns true where domain is parent or a subdomain of it (both normalised). */
bool domain_is_under(const char *domain, const char *parent);

/* Returns the organisational domain (public suffix plus one label, libpsl; RFC 7489 section 3.2), or NULL where domain
 * is itself a public suffix or an address literal; caller frees. */
char *domain_organisational(const char *domain);

/* Returns true where domain is a public suffix. */
bool domain_is_public_suffix(const char *domain);

#endif
