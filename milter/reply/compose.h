/* compose: from a job and the newest state of its incident to a finished message. Layer: reply. The only file of the replier that
 * knows GMime. RFC 3834 section 3, RFC 5322, RFC 2047, RFC 6532. */
#ifndef OUTAGE_REPLY_COMPOSE_H
#define OUTAGE_REPLY_COMPOSE_H

#include <glib.h>
#include <stdbool.h>

#include "config/config.h"
#include "incident/incident.h"
#include "reply/template.h"
#include "store/job.h"

typedef struct {
	char *kind;            /* template kind taken, e.g. "ack-P1" */
	char *language;
	char *subject;
	char *text;            /* the body as text */
	char *message_id;      /* "<...>" deterministic per (incident id, sender, kind) */
	char *envelope_sender; /* "" = <>; tagged with the recipient's hash where reply.bounce_address is set */
	char *to;              /* one addr-spec */
	bool smtputf8;         /* a local part in its envelope or header is not ASCII */
	char *bytes;           /* the whole message, CRLF line ends */
	gsize size;
} Composed;

void composed_free(Composed *composed);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Composed, composed_free)

/* Prepares GMime; once. */
void compose_init(void);

/* The values a template may use (name -> text), from the incident, the playbook for its severity and the configuration:
 * what is unset or, for a promised time, gone by at `now` is left out; URLs only https to hosts in url_domains. Keys
 * are static strings, values are owned by the table. support may be NULL. Caller unrefs. */
GHashTable *compose_values(const Config *config, const Incident *incident, const SupportAddress *support, gint64 now);

/* Returns the template kind for an acknowledgement: template_name (may be NULL) as "ack-NAME" or NAME where the
 * templates have that, else by word. After the fix it is "ack-NAME-resolved" where there is one, else ack-resolved: a
 * letter written for a running outage would be wrong then. NULL for the word none. Caller frees. */
char *compose_kind(const Templates *templates, const char *language, const char *template_name, Word word);

/* Composes the acknowledgement of job for incident's newest state. secret: for the Message-ID token. NULL with
 * OUTAGE_ERROR_INVALID where job and incident do not belong together, an address is unusable or the incident has ended, or with
 * OUTAGE_ERROR_NOT_FOUND where a template is missing. */
Composed *compose_ack(const Config *config, const Templates *templates, const Secret *secret, const Incident *incident,
    const Job *job, gint64 now, GError **error);

#endif
