/* message: one mail as the milter (or a file) hands it over: envelope, headers, bounded body. Layer: mail. */
#ifndef OUTAGE_MAIL_MESSAGE_H
#define OUTAGE_MAIL_MESSAGE_H

#include <glib.h>
#include <stdbool.h>

typedef struct {
	char *name;  /* field name as written */
	char *value; /* unparsed value: LF where it was folded, no leading space, no CR, no trailing newline */
} Header;

typedef struct {
	char *client_addr; /* textual IP of the SMTP client or NULL */
	char *client_name; /* its name as the MTA told it or NULL */
	char *helo;        /* or NULL */
	char *auth_user;   /* {auth_authen} or NULL */
	char *queue_id;    /* or NULL */
	char *sender;      /* MAIL FROM without angle brackets and parameters, "" for <>, NULL where unknown */
	GPtrArray *rcpts;  /* char *, RCPT TO without angle brackets, in order */
	GPtrArray *headers; /* Header *, in order */
	GString *body;     /* at most body_limit bytes, line ends as received */
	gsize body_limit;  /* bytes */
	bool body_cut;     /* there was more body than body_limit */
} Message;

/* Returns an empty message; body_limit in bytes. Caller frees with message_free (NULL allowed). */
Message *message_new(gsize body_limit);
void message_free(Message *message);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Message, message_free)

/* Forgets envelope (with queue_id and auth_user, which come with MAIL FROM), headers and body, keeps the connection's facts
 * (client, helo): one connection, many mails. */
void message_reset(Message *message);

/* text: as in MAIL FROM / RCPT TO, with or without angle brackets; not NULL. */
void message_set_sender(Message *message, const char *text);
void message_add_rcpt(Message *message, const char *text);

/* Copies name and value; CR is dropped, one leading space or tab too. */
void message_add_header(Message *message, const char *name, const char *value);

/* Appends body bytes up to the limit. Returns true once no more is wanted: from the first byte over the limit on. */
bool message_add_body(Message *message, const char *bytes, gsize size);

/* Returns the value of the nth (0 = topmost) header of that name (any case), or NULL. Owned by the message. */
const char *message_header(const Message *message, const char *name, guint nth);

/* Returns how many headers have that name. */
guint message_header_count(const Message *message, const char *name);

/* Reads a message from a file's bytes: an mbox "From " line on top is skipped; LF and CRLF are read, a bare CR ends a line
 * only where the file has no LF. Headers end at the first empty line or at the first line that can be no header
 * (RFC 5322 section 2.2). Sender and recipients stay unset. Never fails. */
Message *message_from_bytes(const char *bytes, gsize size, gsize body_limit);

#endif
