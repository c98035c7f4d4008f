/* helpdesks: what each helpdesk obeys in a mail that a filter hands it, as a table. Layer: config.
 *
 * One profile a helpdesk, read from that helpdesk's own source: the headers that it takes orders from, in which words, those that nobody
 * outside may write, and what keeps its own automatic reply back. inspect/helpdesk.c fills the headers from a verdict. */
#ifndef OUTAGE_CONFIG_HELPDESKS_H
#define OUTAGE_CONFIG_HELPDESKS_H

#include <stdbool.h>

#include "config/config.h"

/* What of the verdict a header tells. */
typedef enum {
	TELL_GROUP,           /* the route's group */
	TELL_PRIORITY,
	TELL_OWNER,           /* the route's owner, else the account's manager */
	TELL_TAGS,
	TELL_INCIDENT,        /* its name */
	TELL_RESPOND_BY
} Tell;

/* How its name is made. */
typedef enum {
	NAMED,                /* as it stands */
	NAMED_OURS,           /* behind header_prefix: nobody else can write it */
	NAMED_COMMAND         /* rt_header; name begins the value, such as "Queue: " */
} Naming;

typedef struct {
	Tell tell;
	Naming naming;
	const char *name;     /* NULL ends the list */
} HelpdeskHeader;

typedef struct {
	const char *private_names[3]; /* NULL-terminated; one that ends in "-" stands for all that begin so */
	const char *priorities[PRIORITIES]; /* the words for PRIORITY_LOW to PRIORITY_URGENT; the others are NULL */
	bool owner_is_login;  /* a manager is known by the local part of his address */
	const char *time;     /* as g_date_time_format has it, in UTC */
	HelpdeskHeader headers[7];
	const char *silence_name, *silence_value; /* keeps its own automatic reply back; NULL = it has no such header */
	const char *discarded_for; /* a header for which it throws the mail away, or NULL */
} HelpdeskProfile;

/* Returns the profile (static); never NULL. */
const HelpdeskProfile *helpdesk_profile(const Config *config);

/* Returns the word of that helpdesk, or of the site (helpdesk_priority), for priority; NULL where there is none. */
const char *helpdesk_priority(const Config *config, Priority priority);

/* Returns true where name is a header that only a filter of ours may write for that helpdesk. Standard headers never are. */
bool helpdesk_owns_header(const Config *config, const char *name);

#endif
