/* accounts-table: the table of big customers. Layer: inspect. Pure.
 *
 * Every message being decided holds a table, so one that was handed out is never changed. A change makes a new table that shares the
 * large part (base) with the old one and has a small part of its own (over), which outranks it; an entry without a name in there says
 * that the base's is gone. When the small part has grown, the two become one. */
#include <string.h>

#include "base/address.h"
#include "inspect/accounts-private.h"

#define OVER_MIN 4096  /* entries that the small part may always have */
#define OVER_PART 64   /* and this fraction of the base: copying the small part stays cheap against merging */

/* Sets of Account *, found by a probe that has only the key. Addresses and domains share them: an address has an "@", a domain
 * never. */
struct Accounts {
	gatomicrefcount refs;
	GHashTable *base;
	GHashTable *over;   /* or NULL */
	guint count;
};

static guint hash_key(gconstpointer account)
{
	return g_str_hash(((const Account *)account)->key);
}

static gboolean same_key(gconstpointer a, gconstpointer b)
{
	return strcmp(((const Account *)a)->key, ((const Account *)b)->key) == 0;
}

static GHashTable *set_new(void)
{
	return g_hash_table_new_full(hash_key, same_key, (GDestroyNotify)account_free, NULL);
}

static Account *set_find(GHashTable *set, const char *key)
{
	const Account probe = { .key = key };

	return set ? g_hash_table_lookup(set, &probe) : NULL;
}

Accounts *accounts_new(void)
{
	Accounts *accounts = g_new0(Accounts, 1);

	g_atomic_ref_count_init(&accounts->refs);
	accounts->base = set_new();
	return accounts;
}

Accounts *accounts_ref(Accounts *accounts)
{
	g_atomic_ref_count_inc(&accounts->refs);
	return accounts;
}

void accounts_unref(Accounts *accounts)
{
	if (!accounts || !g_atomic_ref_count_dec(&accounts->refs))
		return;
	g_hash_table_unref(accounts->base);
	g_clear_pointer(&accounts->over, g_hash_table_unref);
	g_free(accounts);
}

void accounts_add(Accounts *accounts, Account *account)
{
	g_hash_table_add(accounts->base, account);
	accounts->count = g_hash_table_size(accounts->base);
}

guint accounts_count(const Accounts *accounts)
{
	return accounts->count;
}

Account *accounts_get(const Accounts *accounts, const char *key)
{
	Account *account = set_find(accounts->over, key);

	if (account)
		return account->name ? account : NULL;
	return set_find(accounts->base, key);
}

Account *accounts_reuse(const Accounts *accounts, const char *key, const char *json)
{
	Account *account = accounts_get(accounts, key);

	return account && account->source == account_source(json) ? account_ref(account) : NULL;
}

/* --- one table after another --- */

static void put_in(Accounts *accounts, Account *account)
{
	accounts->count += accounts_get(accounts, account->key) == NULL;
	g_hash_table_add(accounts->over, account_ref(account));
}

static void take_out(Accounts *accounts, const char *key)
{
	if (!accounts_get(accounts, key))
		return;
	accounts->count--;
	g_hash_table_add(accounts->over, account_new_gone(key));
}

static void copy_set(GHashTable *to, GHashTable *from, GHashTable *except)
{
	GHashTableIter iter;
	gpointer account;

	g_hash_table_iter_init(&iter, from);
	while (g_hash_table_iter_next(&iter, &account, NULL))
		if (!except || !g_hash_table_contains(except, account))
			g_hash_table_add(to, account_ref(account));
}

static void merge(Accounts *accounts)
{
	GHashTable *whole = set_new();
	GHashTableIter iter;
	gpointer account;

	copy_set(whole, accounts->base, accounts->over);
	g_hash_table_iter_init(&iter, accounts->over);
	while (g_hash_table_iter_next(&iter, &account, NULL))
		if (((const Account *)account)->name)
			g_hash_table_add(whole, account_ref(account));
	g_hash_table_unref(accounts->base);
	g_clear_pointer(&accounts->over, g_hash_table_unref);
	accounts->base = whole;
}

Accounts *accounts_with(const Accounts *base, const GPtrArray *changed, const GPtrArray *removed)
{
	Accounts *accounts = g_new0(Accounts, 1);

	g_atomic_ref_count_init(&accounts->refs);
	accounts->base = g_hash_table_ref(base->base);
	accounts->over = set_new();
	accounts->count = base->count;
	if (base->over)
		copy_set(accounts->over, base->over, NULL);
	for (guint i = 0; removed && i < removed->len; i++)
		take_out(accounts, removed->pdata[i]);
	for (guint i = 0; changed && i < changed->len; i++)
		put_in(accounts, changed->pdata[i]);
	if (g_hash_table_size(accounts->over) > MAX(OVER_MIN, g_hash_table_size(accounts->base) / OVER_PART))
		merge(accounts);
	return accounts;
}

/* --- looking --- */

const Account *accounts_find(const Accounts *accounts, const char *address)
{
	g_autofree char *normal = address_normal_text(address);
	const Account *account;

	if (!normal)
		return NULL;
	account = accounts_get(accounts, normal);
	for (const char *rest = strrchr(normal, '@'); !account && rest; rest = strchr(rest, '.')) {
		rest++;
		account = accounts_get(accounts, rest);
	}
	return account;
}

static void list_set(GPtrArray *list, GHashTable *set, GHashTable *except)
{
	GHashTableIter iter;
	gpointer account;

	g_hash_table_iter_init(&iter, set);
	while (g_hash_table_iter_next(&iter, &account, NULL))
		if (((const Account *)account)->name && (!except || !g_hash_table_contains(except, account)))
			g_ptr_array_add(list, account);
}

static gint compare_keys(gconstpointer a, gconstpointer b)
{
	return strcmp((*(Account *const *)a)->key, (*(Account *const *)b)->key);
}

void accounts_foreach(const Accounts *accounts, void (*func)(const Account *account, gpointer data), gpointer data)
{
	g_autoptr(GPtrArray) list = g_ptr_array_sized_new(accounts->count);

	list_set(list, accounts->base, accounts->over);
	if (accounts->over)
		list_set(list, accounts->over, NULL);
	g_ptr_array_sort(list, compare_keys);
	for (guint i = 0; i < list->len; i++)
		func(list->pdata[i], data);
}
