/* shown: how a log line may name a person (log.addresses). Layer: config. */
#ifndef OUTAGE_CONFIG_SHOWN_H
#define OUTAGE_CONFIG_SHOWN_H

#include "base/secret.h"
#include "config/config.h"

/* Returns address (may be NULL: NULL), or with log.addresses = "hashed" the hash that marks and jobs go by; caller frees. */
char *shown_address(const Secret *secret, const Config *config, const char *address);

/* The same for a name that people have given, as that of an account: only one that is an address is hashed. */
char *shown_name(const Secret *secret, const Config *config, const char *name);

#endif
