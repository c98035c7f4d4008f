/* job-private: what the stores need of a job before anybody has verified it. Layer: store, private. */
#ifndef OUTAGE_STORE_JOB_PRIVATE_H
#define OUTAGE_STORE_JOB_PRIVATE_H

#include <json-glib/json-glib.h>

#include "store/job.h"

/* Parses JSON that lies in the store, whoever put it there; NULL where it cannot be used. Caller frees. */
JsonNode *job_parse_json(const char *text);

/* Returns the incident's id and the token that a payload names, fit for keys; false, and both NULL, where it names none. Caller
 * frees. */
bool job_names(const StoredJob *stored, char **id, char **token);

#endif
