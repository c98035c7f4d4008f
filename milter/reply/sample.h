/* sample: letters that nobody gets, for looking at the texts: an incident of a given word, and the job of any kind. Layer: reply. */
#ifndef OUTAGE_REPLY_SAMPLE_H
#define OUTAGE_REPLY_SAMPLE_H

#include "config/config.h"
#include "incident/incident.h"
#include "reply/compose.h"
#include "store/job.h"

typedef enum {
	SAMPLE_BARE,    /* nothing but the word, as after a bare SET */
	SAMPLE_FULL,    /* every field set, each to its own name in brackets */
	SAMPLE_HOSTILE  /* the same with what somebody would write who wants to break the letter */
} SampleFill;

/* Returns the incident `default` with that word; caller frees. */
Incident *sample_incident(const Config *config, Word word, SampleFill fill, gint64 now);

/* Returns the word of an incident that a letter of that template kind is for. */
Word sample_word(const char *kind);

/* Returns the job of a letter of that template kind (NULL: the acknowledgement by severity) to a customer who does not exist; caller
 * frees. */
Job *sample_job(const Config *config, const Incident *incident, const char *kind, const char *language, SampleFill fill, gint64 now);

#endif
