/* job-private: what the stores need of a job before anybody has verified it. Layer: store, private. */
#ifndef OUTAGE_STORE_JOB_PRIVATE_H
#define OUTAGE_STORE_JOB_PRIVATE_H

#include "store/job.h"

/* Reads a payload as job_open does, but without asking who signed it: for what a node wrote into a file of its own. NULL with
 * OUTAGE_ERROR_INVALID. */
Job *job_read(const StoredJob *stored, GError **error);

/* Returns the incident's id and the token that a payload names, fit for keys, and the KIND (claim_request_kind) of a letter that is no
 * acknowledgement (NULL for one that is); false, and all NULL, where it names none. Caller frees. */
bool job_names(const StoredJob *stored, char **id, char **token, char **letter);

#endif
