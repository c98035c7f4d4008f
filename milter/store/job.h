/* job: one acknowledgement to be sent, as it lies in the store: JSON, signed with the site secret. Layer: store. */
#ifndef OUTAGE_STORE_JOB_H
#define OUTAGE_STORE_JOB_H

#include <glib.h>
#include <stdbool.h>

#include "base/secret.h"
#include "inspect/verdict.h"

/* As it comes from the queue, unverified. */
typedef struct {
	char *handle;    /* the store's name for it (stream id, row id) */
	char *payload;   /* JSON */
	char *mac;
	guint tries;     /* failed ones so far */
	guint takes;     /* how often it has been taken before without an end: its replier died, or lost the store */
	gint64 due;      /* 0 = at once */
	char *why;       /* of the last failure or burial, or NULL */
} StoredJob;

void stored_job_free(StoredJob *job);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(StoredJob, stored_job_free)

/* What it says. */
typedef struct {
	char *token;
	ClaimRequest *request;
} Job;

void job_free(Job *job);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Job, job_free)

/* Returns the payload for request and sets *mac; caller frees both. */
char *job_sign(const Secret *secret, const ClaimRequest *request, const char *token, char **mac);

/* Verifies the signature and parses every field again: addresses, template name [a-z0-9-]{1,32}, message ids, sizes. NULL with
 * OUTAGE_ERROR_REFUSED (not ours) or OUTAGE_ERROR_INVALID (ours, but unusable). */
Job *job_open(const Secret *secret, const StoredJob *stored, GError **error);

/* Returns the text of one member of a payload that nobody has verified, for showing and no more; NULL where there is none, or the
 * payload cannot be read. Caller frees. */
char *job_peek(const StoredJob *stored, const char *member);

#endif
