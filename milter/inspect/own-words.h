/* own-words: how much a mail speaks of one certain incident, by what the operator said of it. Layer: inspect. Pure.
 * doc/contract.md 4. */
#ifndef OUTAGE_INSPECT_OWN_WORDS_H
#define OUTAGE_INSPECT_OWN_WORDS_H

#include "config/config.h"
#include "incident/incident.h"

/* Returns the points that an incident's own words add to the score of a mail: match.own_words where its pattern is found, and up to
 * match.title_words by how many of the words of its title, or of a component, are. subject and body as normal_text leaves them. */
double own_words_score(const Config *config, const Incident *incident, const char *subject, const char *body);

/* Returns the most that own_words_score can give. */
double own_words_most(const Config *config);

#endif
