/* compose: from a job and the newest state of its incident to a finished message. Layer: reply. It and body.c are the
 * only ones of the replier that know GMime. RFC 3834 section 3, RFC 5322, RFC 2047, RFC 6532. */
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
	char *html;            /* the same as HTML, or NULL */
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

/* The values a template may use (name -> text), from the incident, the playbook for its severity, the offer for an account of that level
 * (NULL = none) and the configuration, with times and durations in language: what is unset or, for a promised time, gone by at `now`
 * is left out; URLs only https to hosts in url_domains. Keys are static strings, values are owned by the table. support may be NULL.
 * compose_mixed has the last word on texts_language. Caller unrefs. */
GHashTable *compose_values(const Config *config, const Incident *incident, const SupportAddress *support, const char *language,
    const char *level, gint64 now);

/* Returns the language that a letter of kind is written in: the first of wanted (may be NULL), the support address's (may be NULL) and
 * the site's that the templates have ("de-AT" falls back to "de"). Owned by templates; NULL where nothing has that kind. */
const char *compose_language(const Config *config, const Templates *templates, const char *kind, const char *wanted,
    const SupportAddress *support);

/* Returns the language in which incidents, updates and the playbook are written. Owned by config. */
const char *compose_operator_language(const Config *config);

/* Decides what becomes of the operators' texts in a letter of kind in language, as reply.mixed_languages has it: returns language, with
 * texts_language set in values where the letter shows such a text of another language, or the language to write the letter in instead
 * (its values have to be made anew then). Owned by templates or the caller. */
const char *compose_mixed(const Config *config, const Templates *templates, const char *kind, const char *language, GHashTable *values);

/* Returns the template kind for an acknowledgement: template_name (may be NULL) as "ack-NAME" or NAME where the
 * templates have that, else by word. After the fix it is "ack-NAME-resolved" where there is one, else ack-resolved: a
 * letter written for a running outage would be wrong then. NULL for the word none. Caller frees. */
char *compose_kind(const Templates *templates, const char *language, const char *template_name, Word word);

/* Composes the letter of job, of whatever class, for the newest state of its incident (NULL where the store knows none: only a letter
 * to our own people is written then). secret: for the Message-ID and the address that stops notices. NULL with OUTAGE_ERROR_INVALID
 * where job and incident do not belong together (a letter to our own people is then written without the incident's texts), an address
 * or the letter's name is unusable or, for an acknowledgement, the incident has ended, or with OUTAGE_ERROR_NOT_FOUND where a
 * template is missing. */
Composed *compose_letter(const Config *config, const Templates *templates, const Secret *secret, const Incident *newest,
    const Job *job, gint64 now, GError **error);

#endif
