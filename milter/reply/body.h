/* body: the text of a letter as MIME parts. Layer: reply. Knows GMime, as compose.c does. RFC 2045, RFC 2046 section 5.1.4, RFC 3282. */
#ifndef OUTAGE_REPLY_BODY_H
#define OUTAGE_REPLY_BODY_H

#include <glib.h>
#include <gmime/gmime.h>

/* Returns text (UTF-8, LF line ends) as text/plain, or with html (may be NULL) as multipart/alternative of both. language (BCP 47, may be
 * NULL) becomes its Content-Language. No line is over 998 bytes, whatever text and html hold. compose_init comes first; caller unrefs. */
GMimeObject *body_make(const char *text, const char *html, const char *language);

#endif
