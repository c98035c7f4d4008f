/* correspondent: whom an acknowledgement goes to. The envelope sender (RFC 3834 section 4), with two exceptions that the site
 * has to name: a contact form's Reply-To, and the From behind a group alias. Layer: inspect. Pure. */
#ifndef OUTAGE_INSPECT_CORRESPONDENT_H
#define OUTAGE_INSPECT_CORRESPONDENT_H

#include <glib.h>
#include <stdbool.h>

#include "inspect/authentic.h"
#include "mail/message.h"

typedef enum {
	VIA_SENDER,  /* the envelope sender */
	VIA_FORM,    /* From is a contact form of the site's: the only Reply-To address */
	VIA_LIST     /* through a List-Id of the site's, which wrote its own envelope sender: the only From address */
} Via;

typedef struct {
	Via via;
	char *address;     /* as written, or NULL: nobody to answer */
	char *normal;      /* address_normal of it, or NULL */
	Verified verified; /* who vouches for him; for a form: for the form */
} Correspondent;
void correspondent_clear(Correspondent *correspondent);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Correspondent, correspondent_clear)

typedef struct {
	const char *const *form_senders; /* normalised addresses of From */
	bool from_form_host;             /* the client is a machine of the site's from which forms come: that is authentication enough */
	const char *const *list_ids;     /* List-Ids of group aliases */
} CorrespondentSettings;

/* Finds him. *correspondent: zeroed, or found before. from, reply_to: addr-spec of the only one in all From / Reply-To
 * fields, or NULL where there is none or several.
 *
 * FORM: from is a form sender, whatever the envelope says. Without exactly one Reply-To nobody is answered. Vouched for
 * where the client is a form host, or From is vouched for (a forger can write From, so naming alone is not enough).
 * LIST: every List-Id of the mail is in list_ids and the envelope sender is neither empty nor from: the list's own
 * address has taken its place. Vouched for where From is, by DKIM, DMARC or a login (SPF speaks of the list then). */
void correspondent_find(Correspondent *correspondent, const CorrespondentSettings *settings, const Message *message,
    const char *from, const char *reply_to, const Authentic *authentic);

/* Returns true where the mail came through a list of the site's own and through no other: there a group alias feeds the support
 * address, and what a list adds to mail says nothing of who wrote it. list_ids may be NULL. */
bool correspondent_by_own_list(const char *const *list_ids, const Message *message);

#endif
