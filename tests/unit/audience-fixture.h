/* audience-fixture: a site that is live, and one customer who wrote in while its incident was on. */
#ifndef OUTAGE_TESTS_AUDIENCE_FIXTURE_H
#define OUTAGE_TESTS_AUDIENCE_FIXTURE_H

#include "config/config.h"
#include "inspect/facts.h"

#define NOW 1795271400 /* 2026-11-21T14:30:00Z */
#define ID "20261121T140000Z-default"

typedef struct {
	Config *config;
	SupportAddress support;
	SupportAddress *supports[2];
	Facts facts;
	char *nobody[1], *one[2];
} Site;

/* For members that are not const; nobody writes into them. */
char *s(const char *text);
/* Overwrites what is in site, whose members point into it. */
void site_set_up(Site *site);
void site_tear_down(Site *site);

#endif
