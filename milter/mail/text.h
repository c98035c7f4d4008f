/* text: what a person wrote in a mail: MIME, charsets, HTML to words, quoted text told apart. Layer: mail.
 * With its siblings text-*.c the only one in the daemon that knows GMime and libxml2. Pure: no I/O, no state; safe from
 * any thread after text_init. */
#ifndef OUTAGE_MAIL_TEXT_H
#define OUTAGE_MAIL_TEXT_H

#include <glib.h>
#include <stdbool.h>

#include "mail/message.h"

typedef struct {
	char *subject;       /* decoded, one line, valid UTF-8; "" where there is none */
	char *own;           /* what the writer wrote, valid UTF-8, LF line ends; a forwarded text, too, where nothing but "FYI" stands
	                      * above it and it is no letter of ours */
	char *quoted;        /* quotations, forwarded parts, signatures, disclaimers, our own letters sent back; may be "" */
	char *language;      /* first tag of Content-Language, else of Accept-Language, lower case, or NULL */
	GPtrArray *parts;    /* char *: "type/subtype" of every MIME part, lower case, in order */
	GPtrArray *own_parts; /* char *, owned by parts: those that lie in no attached message */
	char *report_type;   /* report-type parameter of a multipart/report, lower case, or NULL */
	bool cut;            /* a limit ended the reading */
} Text;

/* Prepares GMime and libxml2; once, before threads. text_shutdown only for leak checkers. */
void text_init(void);
void text_shutdown(void);

/* Reads message. max_text: bytes of own and of quoted text kept each; quotations of 64 KB more are read through for what the writer put
 * between and below them. Nesting is bounded (20 levels, 200 parts).
 * Never fails: what cannot be decoded is decoded as well as possible. Caller frees with text_free. */
Text *text_read(const Message *message, gsize max_text);

/* Returns true where a subject (UTF-8, not NULL) begins as those of answers do: "Re:", "AW:", "R:" and their like. */
bool text_subject_is_reply(const char *subject);
void text_free(Text *text);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Text, text_free)

/* Returns value of an unstructured header decoded (RFC 2047) to valid UTF-8 on one line; NULL gives "". Caller frees. */
char *text_decode_header(const char *value);

/* Returns the addr-specs of a header address list (RFC 5322 section 3.4: names, comments, groups), decoded, as written, in
 * order, at most 200; char *, owned by the array, never NULL. value may be NULL. Display names are dropped. */
GPtrArray *text_addresses(const char *value);

/* Reads a date-time of a header (RFC 5322 section 3.3, and what is written in its place); for a Received, what stands behind its last ";".
 * False, leaving *seconds alone, where value (may be NULL) holds none. */
bool text_date(const char *value, gint64 *seconds);

/* What a delivery status notification (RFC 3464, RFC 6533) says of one recipient. */
typedef struct {
	char *action;     /* lower case: failed, delayed, delivered, relayed, expanded or whatever stands there; never "" */
	char *status;     /* such as "5.1.1", or "" where there is none of that form (RFC 3463) */
	char *diagnostic; /* what the other MTA said, decoded, valid UTF-8 on one line; "" where there is nothing */
} TextDeliveryStatus;

/* Returns what message itself reports (TextDeliveryStatus *, owned by the array, never NULL): its delivery-status parts within a
 * multipart/report of type delivery-status, or one that names no type. What an enclosed message reports is not this one's.
 * At most 100 recipients, 64 KB of each part. */
GPtrArray *text_delivery_statuses(const Message *message);

/* Splits plain text (valid UTF-8, LF) of a mail whose subject is not known into what the writer wrote and the rest (quoting,
 * "On ... wrote:", "-- ", header lines of the common clients, our own letters). own and rest receive it; max bytes each. */
void text_split_quoted(const char *plain, GString *own, GString *rest, gsize max);

#endif
