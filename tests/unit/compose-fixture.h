/* compose-fixture: a site with nothing configured but what every site has, its incident, and a letter that one customer asked for. */
#ifndef OUTAGE_TESTS_COMPOSE_FIXTURE_H
#define OUTAGE_TESTS_COMPOSE_FIXTURE_H

#include "reply/compose.h"

#define NOW 1795271400 /* 2026-11-21T14:30:00Z */
#define ID "20261121T140000Z-default"

/* What compose_prepare makes: the templates as they are shipped, and a key. */
extern Templates *shipped;
extern Secret *secret;

typedef struct {
	Config config;
	SupportAddress support;
	SupportAddress *supports[2];
	char *domains[2];
	char *aliases[1];
	Incident incident;
	ClaimRequest request;
	Job job;
} Site;

/* For members that are not const; nobody writes into them. */
char *s(const char *text);
/* Overwrites what is in site, whose members point into it. */
void site_set_up(Site *site, Word word);

/* Before the tests, and after them. */
void compose_prepare(void);
void compose_finish(void);

#endif
