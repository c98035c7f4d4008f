/* whom: see whom.h. Layer: program.
 *
 * It only counts, by the replier's own rules (store/audience.h): each letter is decided on again when its turn comes. */
#include "outagectl/whom.h"

#include <string.h>

#include "base/address.h"
#include "base/clock.h"
#include "mail/optout.h"
#include "store/audience.h"

typedef struct {
	Store *store;
	const Config *config;
	const Secret *secret;
	const Notice *notice;
	Whom *whom;
	GHashTable *seen;      /* hash (char *, owned) -> Seen */
	GError *error;
} Count;

/* What was found for somebody: one who was left out as his account's may still be among those whom the account itself named. */
typedef enum { SEEN_SETTLED = 1, SEEN_ACCOUNT } Seen;

/* Whether the person with that hash can be written to as far as the store knows. */
static bool is_reachable(Count *count, const char *hash, bool *reachable)
{
	g_autofree char *tag = optout_tag(hash), *why = NULL;
	bool opted_out = false;

	*reachable = false;
	if (!store_optout_has(count->store, count->notice->id, tag, &opted_out, &count->error) ||
	    (!opted_out && !store_blocked(count->store, hash, &why, NULL, &count->error)))
		return false;
	count->whom->opted_out += opted_out;
	count->whom->bounced += why != NULL;
	*reachable = !opted_out && why == NULL;
	return true;
}

static void see(Count *count, const char *hash, Seen what)
{
	g_hash_table_insert(count->seen, g_strdup(hash), GINT_TO_POINTER(what));
}

/* Counts one who is left out, by what audience_left_out says. */
static void count_left_out(Whom *whom, const char *why)
{
	const struct { const char *why; guint *count; } all[] = {
		{ "legal", &whom->legal }, { "media", &whom->media }, { "account", &whom->accounts }, { "shadow", &whom->shadow },
	};

	for (gsize i = 0; i < G_N_ELEMENTS(all); i++)
		if (strcmp(all[i].why, why) == 0) {
			(*all[i].count)++;
			return;
		}
	whom->unusable++;
}

static bool count_note(Count *count, const StoredNote *note)
{
	g_autoptr(Facts) facts = NULL;
	g_autoptr(ClaimRequest) request = NULL;
	const char *left_out = "nobody";
	bool reachable;

	if (g_hash_table_contains(count->seen, note->key))
		return true;
	facts = note_open(count->secret, note, NULL);
	if (facts == NULL) {
		see(count, note->key, SEEN_SETTLED);
		count->whom->unverified++;
		return true;
	}
	left_out = audience_left_out(count->config, count->notice, facts, note->apart);
	see(count, note->key, g_strcmp0(left_out, "account") == 0 ? SEEN_ACCOUNT : SEEN_SETTLED);
	/* Whose address no machine may write to gets no letter either. */
	if (left_out == NULL && (request = audience_request(count->notice, facts, WORD_P1)) == NULL)
		left_out = "nobody";
	if (left_out != NULL) {
		count_left_out(count->whom, left_out);
		return true;
	}
	if (!is_reachable(count, note->key, &reachable))
		return false;
	count->whom->told += reachable;
	return true;
}

static bool count_those_who_wrote(Count *count)
{
	g_autofree char *cursor = NULL;

	do {
		g_autoptr(GPtrArray) notes = g_ptr_array_new_with_free_func((GDestroyNotify)stored_note_free);

		if (!store_notes_slice(count->store, NOTES_CONTACTS, count->notice->id, &cursor, notes, &count->error))
			return false;
		for (guint i = 0; i < notes->len; i++)
			if (!count_note(count, g_ptr_array_index(notes, i)))
				return false;
	} while (cursor != NULL);
	return true;
}

/* Counts one of an account's own contacts, who has not been counted as one who is told. */
static void count_contact(Count *count, const Account *account, const char *contact, const char *normal, const char *hash)
{
	g_autofree char *support = audience_support(count->config, count->notice->incident);
	g_autoptr(ClaimRequest) request = support != NULL ? audience_contact_request(count->notice, account, contact, support, WORD_P1) : NULL;
	bool reachable;

	if (request == NULL)
		count->whom->unusable++;
	else if (config_is_shadow(count->config, config_support(count->config, support), normal))
		count->whom->shadow++;
	else if (is_reachable(count, hash, &reachable) && reachable) {
		count->whom->told++;
		count->whom->contacts++;
	}
}

static void count_contacts_of(const Account *account, gpointer data)
{
	Count *count = data;

	for (char **contact = account->contacts; contact != NULL && *contact != NULL && count->error == NULL; contact++) {
		g_autofree char *normal = address_normal_text(*contact);
		g_autofree char *hash = normal != NULL ? secret_address_hash(count->secret, normal) : NULL;
		int seen = hash != NULL ? GPOINTER_TO_INT(g_hash_table_lookup(count->seen, hash)) : SEEN_SETTLED;

		if (seen == SEEN_SETTLED)
			continue;
		count->whom->accounts -= seen == SEEN_ACCOUNT;
		see(count, hash, SEEN_SETTLED);
		count_contact(count, account, *contact, normal, hash);
	}
}

static bool count_contacts(Count *count)
{
	g_autoptr(Accounts) accounts = store_accounts(count->store, NULL, &count->error);

	if (accounts != NULL)
		accounts_foreach(accounts, count_contacts_of, count);
	return count->error == NULL;
}

bool whom_count(Store *store, const Config *config, const Secret *secret, const Notice *notice, Whom *whom, GError **error)
{
	g_autoptr(GHashTable) seen = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	Count count = { .store = store, .config = config, .secret = secret, .notice = notice, .whom = whom, .seen = seen };

	*whom = (Whom){ 0 };
	if (count_those_who_wrote(&count) && (!notice->contacts || count_contacts(&count)))
		return true;
	g_propagate_error(error, count.error);
	return false;
}

guint whom_left_out_count(const Whom *whom)
{
	return whom->legal + whom->media + whom->accounts + whom->opted_out + whom->bounced + whom->unusable + whom->unverified + whom->shadow;
}

char *whom_left_out(const Whom *whom)
{
	const struct { guint count; const char *why; } all[] = {
		{ whom->legal, "legal" }, { whom->media, "media" }, { whom->accounts, "of accounts" },
		{ whom->opted_out, "who want no further notices" }, { whom->bounced, "whose mail comes back" },
		{ whom->unusable, "whom no letter can be sent to" }, { whom->unverified, "whose notes this site has not signed" },
		{ whom->shadow, "who are no canaries (mode is shadow)" },
	};
	GString *text = g_string_new(NULL);

	for (gsize i = 0; i < G_N_ELEMENTS(all); i++)
		if (all[i].count > 0)
			g_string_append_printf(text, "%s%u %s", text->len > 0 ? ", " : "", all[i].count, all[i].why);
	return g_string_free(text, FALSE);
}

char *whom_duration(guint letters, gint64 rate)
{
	gint64 minutes = rate > 0 ? ((gint64)letters + rate - 1) / rate : 0;

	return minutes <= 1 ? g_strdup("less than a minute") : clock_format_duration(minutes * 60 * 1000);
}
