/* accounts: the big customers, looked up by address or domain. Layer: inspect. Pure; the table is swapped whole. */
#ifndef OUTAGE_INSPECT_ACCOUNTS_H
#define OUTAGE_INSPECT_ACCOUNTS_H

#include <glib.h>
#include <stdbool.h>

typedef enum { ACK_NONE, ACK_PERSONAL, ACK_MACRO } AckPolicy; /* strictest first */

typedef struct {
	char *key;            /* normalised address or domain */
	char *name;           /* "account", never NULL */
	char *level;          /* or NULL */
	char *manager;        /* address or NULL */
	char **contacts;      /* addresses, NULL-terminated, may be empty */
	gint64 respond_within; /* seconds, 0 = unset */
	char *language;       /* BCP 47 or NULL */
	char *template_name;  /* [a-z0-9-]{1,32} or NULL */
	bool has_ack;
	AckPolicy ack;
} Account;

void account_free(Account *account);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Account, account_free)

/* Parses one field of outage:accounts. key: domain (covering subdomains) or address; public suffixes are refused. json: the
 * object of design.md 4.4; unknown members are ignored. NULL with OUTAGE_ERROR_INVALID naming key and member. */
Account *account_parse(const char *key, const char *json, GError **error);

/* Returns the JSON of account (one line); caller frees. */
char *account_to_json(const Account *account);

/* An immutable table shared by reference. */
typedef struct Accounts Accounts;
Accounts *accounts_new(void);
Accounts *accounts_ref(Accounts *accounts);
void accounts_unref(Accounts *accounts);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Accounts, accounts_unref)
/* Takes account over; only before the table is shared. A later one of the same key replaces the earlier. */
void accounts_add(Accounts *accounts, Account *account);
guint accounts_count(const Accounts *accounts);

/* Returns the account of address (normalised inside; NULL allowed): the exact address beats the longest domain. NULL if none.
 * Owned by the table. */
const Account *accounts_find(const Accounts *accounts, const char *address);

/* Calls func(account, data) for each, ordered by key. */
void accounts_foreach(const Accounts *accounts, void (*func)(const Account *account, gpointer data), gpointer data);

#endif
