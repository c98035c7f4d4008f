/* outbound: a person of ours answers. Layer: inspect. Pure. doc/contract.md 9.
 *
 * Mail from a support address that passes on its way out, and that names the mail of somebody who waits, ends his waiting. Only its envelope
 * and a few of its headers are looked at. */
#ifndef OUTAGE_INSPECT_OUTBOUND_H
#define OUTAGE_INSPECT_OUTBOUND_H

#include <glib.h>
#include <stdbool.h>

#include "config/config.h"
#include "mail/message.h"

/* Returns true where a mail that came over this connection and session may be one of our own people's: its client is one of outbound.hosts,
 * or it was submitted with a login. */
bool outbound_may_be(const Config *config, const Message *message);

/* Returns true where outbound_keys looks at headers of that name (any case). */
bool outbound_reads_header(const char *name);

/* Returns the keys (char *, facts_key_of; at most 20, those last named) of what message answers; NULL where it is no answer of a person of
 * ours: not from a support address (envelope or From), to nobody outside, sent by a machine (Auto-Submitted), or a letter of this program's.
 * X-Auto-Response-Suppress is no sign of a machine: helpdesks write it on what their people send. Caller frees. */
GPtrArray *outbound_keys(const Config *config, const Message *message);

#endif
