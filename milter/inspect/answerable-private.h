/* answerable-private: what the siblings answerable*.c share. Not for anybody else. Layer: inspect. */
#ifndef OUTAGE_INSPECT_ANSWERABLE_PRIVATE_H
#define OUTAGE_INSPECT_ANSWERABLE_PRIVATE_H

#include "inspect/answerable.h"

/* Returns true where list (NULL = empty) has address: itself, without its plus-tag, or its "@domain". */
bool answerable_list_has(const char *const *list, const char *address);

/* Returns the reasons that header fields give by themselves: auto-submitted, list-mail, precedence,
 * auto-response-suppress, vendor-auto, loop (X-Loop and its like), report (X-Failed-Recipients) and spam. */
ReasonSet answerable_headers(const AnswerableSettings *settings, const Message *message);

/* Returns true where the local part or the domain of address (anything that stood for one) is a machine's. */
bool answerable_is_system_address(const char *address);

/* Returns true where subject (decoded) starts as automatic replies and bounces do. */
bool answerable_is_auto_subject(const char *subject);

/* Returns true where subject (decoded) and the beginning of body are those of a bounce that carries no mark of
 * one. */
bool answerable_is_bare_bounce(const char *subject, const char *body);

#endif
