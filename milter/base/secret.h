/* secret: the site secret (a file, never in the store), HMACs under it. Layer: base. */
#ifndef OUTAGE_BASE_SECRET_H
#define OUTAGE_BASE_SECRET_H

#include <glib.h>
#include <stdbool.h>

typedef struct Secret Secret;

/* Reads the secret from path (32 to 4096 bytes, white space at the end ignored). With create, a missing file is made with
 * 32 random bytes in hex, mode 0600, in one step that two starting programs survive. A file that others can read is
 * refused. Returns NULL with OUTAGE_ERROR_SYSTEM or _INVALID. Caller frees with secret_free, which wipes it. */
Secret *secret_load(const char *path, bool create, GError **error);
/* Returns a secret that nobody else knows, for a preview or a test; caller frees with secret_free. */
Secret *secret_generate(void);
void secret_free(Secret *secret);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Secret, secret_free)

/* Returns the 64 hex digits of HMAC-SHA256 over data (size bytes; -1 = up to NUL); caller frees. */
char *secret_hmac(const Secret *secret, const char *data, gssize size);

/* Returns true where mac is that HMAC, compared in constant time; mac may be NULL. */
bool secret_verify(const Secret *secret, const char *data, gssize size, const char *mac);

/* Returns the HASH of doc/contract.md 5: first 32 hex digits of the HMAC of address_normal(); caller frees. */
char *secret_address_hash(const Secret *secret, const char *normal_address);

/* Returns 16 hex digits by which two nodes tell whether they have the same secret: an HMAC under it, from which it cannot be found; caller
 * frees. */
char *secret_fingerprint(const Secret *secret);

/* Returns count random bytes as hex from the kernel's generator; caller frees. */
char *secret_random_hex(gsize count);

#endif
