/* accounts-private: what the entry (accounts.c) and the table (accounts-table.c) share. Layer: inspect, private to accounts*.c. */
#ifndef OUTAGE_INSPECT_ACCOUNTS_PRIVATE_H
#define OUTAGE_INSPECT_ACCOUNTS_PRIVATE_H

#include "inspect/accounts.h"

/* Returns the digest of an entry's JSON, for Account.source. It tells what somebody changed; it withstands no forger, who could as well
 * change the entry. */
guint64 account_source(const char *json);

/* Returns an account that stands for there being none under key: it has no name. */
Account *account_new_gone(const char *key);

#endif
