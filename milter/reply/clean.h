/* clean: makes text from outside fit to stand in a letter to a customer. Layer: reply. Pure.
 *
 * Two kinds of text come here: what customers wrote (subjects) and what stands in the store (incident texts, which anybody with
 * access to Redis may have written). Neither may bring control characters, turn the reading direction around or lead the reader
 * to a host that the configuration does not name. */
#ifndef OUTAGE_REPLY_CLEAN_H
#define OUTAGE_REPLY_CLEAN_H

#include <glib.h>
#include <stdbool.h>

/* Returns text (may be NULL: "") as valid UTF-8 without control, direction and other invisible formatting characters; newlines
 * stay (every kind of them becomes LF), tabs become spaces, white space at both ends goes. Longer than max_chars characters it is
 * cut and ends in an ellipsis. Caller frees. */
char *clean_text(const char *text, gsize max_chars);

/* The same on one line: every run of white space becomes one space. Caller frees. */
char *clean_line(const char *text, gsize max_chars);

/* Returns a customer's subject as it may be repeated to them: one line, at most 100 characters, without links and without the
 * reply and forward marks in front ("Re:", "AW:", "Fwd:" ...). May be "". Caller frees. */
char *clean_subject(const char *text);

/* Returns true where url is https, plain ASCII of sane length, without user information, and its host is one of domains or under
 * one (NULL or empty list: any host). */
bool clean_url_allowed(const char *url, char *const *domains);

/* Returns text (may be NULL: "") as clean_text leaves it, with every link to a host outside domains (NULL or empty list: every link)
 * replaced by "[...]". Caller frees. */
char *clean_links(const char *text, char *const *domains);

#endif
