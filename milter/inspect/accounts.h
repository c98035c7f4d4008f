/* accounts: the big customers, looked up by address or domain. Layer: inspect. Pure; tables are never changed, but followed by others. */
#ifndef OUTAGE_INSPECT_ACCOUNTS_H
#define OUTAGE_INSPECT_ACCOUNTS_H

#include <glib.h>
#include <stdbool.h>

typedef enum { ACK_NONE, ACK_PERSONAL, ACK_MACRO } AckPolicy; /* strictest first */

/* One entry. Immutable and counted by reference, so that tables can share it; its strings belong to it. */
typedef struct {
	const char *key;      /* normalised address or domain */
	const char *name;     /* "account", never NULL */
	const char *level;    /* or NULL */
	const char *manager;  /* address or NULL */
	char **contacts;      /* addresses, NULL-terminated, may be empty */
	const char *language; /* BCP 47 or NULL */
	const char *template_name; /* [a-z0-9-]{1,32} or NULL */
	gint64 respond_within; /* seconds, 0 = unset */
	guint64 source;       /* digest of the JSON it was read from */
	gatomicrefcount refs;
	bool has_ack;
	AckPolicy ack;
} Account;

Account *account_ref(Account *account);
/* Releases it; NULL allowed. */
void account_free(Account *account);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Account, account_free)

/* Bytes of an entry's JSON that are read at all; a longer one is refused. */
#define ACCOUNT_JSON_MAX 16384

/* Returns the normalised form of a key (address or domain), or NULL where it is neither; caller frees. */
char *account_key(const char *text);

/* Parses one field of outage:accounts. key: domain (covering subdomains) or address; public suffixes are refused. json: the
 * object of doc/contract.md 5; unknown members are ignored. NULL with OUTAGE_ERROR_INVALID naming key and member. */
Account *account_parse(const char *key, const char *json, GError **error);

/* Returns the JSON of account (one line); caller frees. */
char *account_to_json(const Account *account);

/* A table shared by reference and then immutable. What changes makes a new one, cheaply: it shares the large part with the old one. */
typedef struct Accounts Accounts;
Accounts *accounts_new(void);
Accounts *accounts_ref(Accounts *accounts);
void accounts_unref(Accounts *accounts);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Accounts, accounts_unref)
/* Takes account over; only on a table of accounts_new that is not shared yet. A later one of the same key replaces the earlier. */
void accounts_add(Accounts *accounts, Account *account);
guint accounts_count(const Accounts *accounts);

/* Returns a new table: as base, but with the accounts of changed (Account *, referenced; may be NULL) put in or replaced, and those of
 * the removed keys (char *, normalised; may be NULL) gone. A key in both is put in. */
Accounts *accounts_with(const Accounts *base, const GPtrArray *changed, const GPtrArray *removed);

/* Returns the account of exactly this normalised key, or NULL. Owned by the table. */
Account *accounts_get(const Accounts *accounts, const char *key);

/* Returns a reference to what table has under key where it was read from this very json: reading it again costs next to nothing. NULL
 * where it has to be parsed. */
Account *accounts_reuse(const Accounts *accounts, const char *key, const char *json);

/* Returns the account of address (normalised inside; NULL allowed): the exact address beats the longest domain. NULL if none.
 * Owned by the table. */
const Account *accounts_find(const Accounts *accounts, const char *address);

/* Calls func(account, data) for each, ordered by key. */
void accounts_foreach(const Accounts *accounts, void (*func)(const Account *account, gpointer data), gpointer data);

#endif
