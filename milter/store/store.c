/* store: chooses the backend by the URL's scheme and forwards every call to it. Layer: store.
 *
 * What both backends share stands here, so that they cannot come to differ in it: checking arguments that come from the
 * operator, numbering snapshots, and freeing what a store hands out. */
#include "store/backend.h"

#include <string.h>
#include <unistd.h>

#include "base/address.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/log.h"
#include "store/link.h"

#define HASH_MAX 64
#define BLOCK_MAX ((gint64)100 * 366 * 86400) /* seconds: a hundred years, which no clock overflows on */

Store *store_open(const Config *config, const char *node, GError **error)
{
	if (!store_url_check(config->store_url, error))
		return NULL;
	if (!config_store_is_shared(config))
		return sqlite_store_open(config, node, error);
	return redis_store_open(config, node, error);
}

bool store_config_check(const Config *config, GError **error)
{
	g_autoptr(LinkUrl) url = NULL;

	if (!store_url_check(config->store_url, error))
		return false;
	url = link_url_parse(config->store_url, error);
	return url != NULL && (url->kind == LINK_SQLITE || link_config_check(config, url, error));
}

void store_close(Store *store)
{
	if (store != NULL)
		store->backend->close(store);
}

Snapshot *store_snapshot(Store *store, const Snapshot *last, GError **error)
{
	Snapshot *snapshot = store->backend->snapshot(store, last, error);

	if (snapshot != NULL) {
		snapshot->generation = last != NULL ? last->generation + 1 : 1;
		if (snapshot->taken_at == 0) {
			snapshot->taken_at = clock_now();
			snapshot->heard_us = clock_mono_us();
		}
	}
	return snapshot;
}

int store_wait(Store *store, int wake_fd, gint64 timeout_ms, GError **error)
{
	return store->backend->wait(store, wake_fd, timeout_ms, error);
}

static bool check_name(const char *name, GError **error)
{
	g_autofree char *shown = NULL;

	if (g_strcmp0(name, "default") == 0 || incident_name_valid(name))
		return true;
	shown = log_escape(name, 64);
	g_set_error(error, OUTAGE_ERROR, OUTAGE_ERROR_INVALID,
	    "\"%s\" is no name for an incident: up to 32 of a-z, 0-9, _ and -, and none of the severity words", shown);
	return false;
}

static bool check_texts(char *const texts[TEXT_FIELDS], GError **error)
{
	for (TextField field = 0; texts != NULL && field < TEXT_FIELDS; field++)
		if (texts[field] != NULL && !text_field_check(field, texts[field], error))
			return false;
	return true;
}

bool store_set_word(Store *store, const char *name, Word word, char *const texts[TEXT_FIELDS], const char *by,
    IncidentState *out, GError **error)
{
	return check_name(name, error) && check_texts(texts, error) &&
	    store->backend->set_word(store, name, word, texts, NULL, by, out, error);
}

bool store_set_word_unmoved(Store *store, const char *name, Word word, const IncidentState *seen, const char *by, bool *done,
    GError **error)
{
	WordCondition condition = { .changed_ms = seen != NULL ? seen->changed_ms : 0 };

	*done = false;
	if (!check_name(name, error) || !store->backend->set_word(store, name, word, NULL, &condition, by, NULL, error))
		return false;
	*done = !condition.moved;
	return true;
}

bool store_set_texts(Store *store, const char *name, char *const texts[TEXT_FIELDS], const char *by, GError **error)
{
	return check_name(name, error) && check_texts(texts, error) &&
	    store->backend->set_texts(store, name, texts, by, error);
}

bool store_add_update(Store *store, const char *name, const char *text, const char *by, GError **error)
{
	/* An update is quoted in replies like a text, so it obeys the rules of one. */
	if (*text == '\0' || !text_field_check(TEXT_SCOPE, text, NULL)) {
		g_set_error_literal(error, OUTAGE_ERROR, OUTAGE_ERROR_INVALID,
		    "update: the text is empty, longer than 4 KB, not valid UTF-8, or has control characters");
		return false;
	}
	return check_name(name, error) && store->backend->add_update(store, name, text, by, error);
}

bool store_set_pause(Store *store, const char *reason, const char *by, GError **error)
{
	g_autofree char *text = g_strstrip(g_strdup(reason != NULL ? reason : ""));

	/* These two read as "not paused": taking one for a reason would tell the operator that all has stopped when it has not. */
	if (strcmp(text, "0") == 0 || g_ascii_strcasecmp(text, "off") == 0) {
		g_set_error(error, OUTAGE_ERROR, OUTAGE_ERROR_INVALID, "pause: \"%s\" is no reason, it means not paused", text);
		return false;
	}
	return store->backend->set_pause(store, *text != '\0' ? text : NULL, by, error);
}

bool store_add_event(Store *store, const char *what, const char *name, const char *by, const char *detail, GError **error)
{
	return store->backend->add_event(store, what, name, by, detail, error);
}

void store_event_free(StoreEvent *event)
{
	if (event == NULL)
		return;
	g_free(event->what);
	g_free(event->name);
	g_free(event->by);
	g_free(event->detail);
	g_free(event);
}

GPtrArray *store_events(Store *store, guint count, GError **error)
{
	return store->backend->events(store, count, error);
}

bool store_events_slice(Store *store, gint64 since, char **cursor, GPtrArray *events, GError **error)
{
	return store->backend->events_slice(store, since, cursor, events, error);
}

char *store_outside(const Store *store)
{
	return g_strdup_printf("outside (seen by %s)", store->node);
}

ClaimRules claim_rules(const Config *config, const StoreClaim *claim)
{
	if (claim->request->class == LETTER_STAFF)
		return (ClaimRules){ .queue_limit = 0 };
	if (claim->request->class == LETTER_NOTICE)
		return (ClaimRules){ .queue_limit = config->ack_queue_limit };
	return (ClaimRules){
		.again_after = config->ack_again_after, .delay = config->ack_delay, .site_cap = config->ack_site_cap,
		.domain_cap = claim->domain_capped ? config->ack_domain_cap : 0, .address_cap = config->ack_address_cap,
		.queue_limit = config->ack_queue_limit,
	};
}

const char *claim_class_name(const ClaimRequest *request)
{
	static const char *const names[] = { [LETTER_ACK] = "ack", [LETTER_NOTICE] = "notice", [LETTER_STAFF] = "staff" };

	return names[request->class];
}

bool store_claim(Store *store, const StoreClaim *claim, ClaimAnswer *answer, GError **error)
{
	*answer = CLAIM_AWAY;
	/* Its mark would be taken for an acknowledgement's, or the other way round. */
	if ((claim->request->class == LETTER_ACK) != (claim->request->letter == NULL)) {
		g_set_error_literal(error, OUTAGE_ERROR, OUTAGE_ERROR_INVALID, "claim: its letter does not go with its class");
		return false;
	}
	return store->backend->claim(store, claim, answer, error);
}

bool store_adopt(Store *store, const StoreAdoption *letter, bool *own, GError **error)
{
	*own = false;
	if (g_strcmp0(letter->kind, "active") != 0 && g_strcmp0(letter->kind, "resolved") != 0)
		return store_job_is_no_ack(error);
	return store->backend->adopt(store, letter, own, error);
}

StoredJob *store_job_take(Store *store, gint64 wait_ms, gint64 idle_ms, GError **error)
{
	return store->backend->job_take(store, wait_ms, idle_ms, error);
}

StoredJob *store_job_missed(Store *store, const char *after, GError **error)
{
	return store->backend->job_missed != NULL ? store->backend->job_missed(store, after, error) : NULL;
}

bool store_job_done(Store *store, const StoredJob *job, const char *hash, GError **error)
{
	return store->backend->job_done(store, job, hash, error);
}

JobStanding marks_standing(const MarksSeen *seen)
{
	if (seen->own)
		return seen->sent ? JOB_SENT : JOB_STANDS;
	return seen->any ? JOB_REPLACED : JOB_UNMARKED;
}

char *store_consumer(const char *node)
{
	/* The word: in containers each replier may be process 1. */
	static gsize word;

	if (g_once_init_enter(&word))
		g_once_init_leave(&word, (gsize)g_random_int() | 1);
	return g_strdup_printf("%s/%d.%08x", node, (int)getpid(), (guint)word);
}

bool store_job_is_nameless(GError **error)
{
	g_set_error_literal(error, OUTAGE_ERROR, OUTAGE_ERROR_INVALID, "job: its payload names no incident or no token");
	return false;
}

bool store_job_is_no_ack(GError **error)
{
	g_set_error_literal(error, OUTAGE_ERROR, OUTAGE_ERROR_INVALID, "job: it is no acknowledgement, and only those can be here");
	return false;
}

bool store_job_standing(Store *store, const Job *job, const char *hash, JobStanding *standing, GError **error)
{
	*standing = JOB_UNMARKED;
	return store->backend->job_standing(store, job, hash, standing, error);
}

bool store_job_retry(Store *store, const StoredJob *job, gint64 delay, bool failed, const char *why, GError **error)
{
	return store->backend->job_retry(store, job, delay, failed, why, error);
}

bool store_job_bury(Store *store, const StoredJob *job, const char *why, GError **error)
{
	return store->backend->job_bury(store, job, why, error);
}

bool store_job_withdraw(Store *store, const StoredJob *job, const char *hash, GError **error)
{
	return store->backend->job_withdraw(store, job, hash, error);
}

bool store_job_promote(Store *store, const StoredJob *job, const char *hash, bool *won, GError **error)
{
	*won = false;
	return store->backend->job_promote(store, job, hash, won, error);
}

bool store_queue_counts(Store *store, QueueCounts *counts, GError **error)
{
	memset(counts, 0, sizeof *counts);
	return store->backend->queue_counts(store, counts, error);
}

GPtrArray *store_queue_list(Store *store, QueueList list, guint count, GError **error)
{
	return store->backend->queue_list(store, list, count, error);
}

bool store_queue_retry(Store *store, const char *handle, guint *moved, GError **error)
{
	guint ignored;

	return store->backend->queue_retry(store, handle, moved != NULL ? moved : &ignored, error);
}

bool store_queue_bury(Store *store, const char *handle, const char *why, guint *moved, GError **error)
{
	guint ignored;

	return store->backend->queue_bury(store, handle, why, moved != NULL ? moved : &ignored, error);
}

/* A hash becomes part of a key. */
static bool check_hash(const char *hash, GError **error)
{
	gsize size = strlen(hash);

	for (gsize i = 0; i < size; i++)
		if (!g_ascii_isalnum(hash[i]))
			size = 0;
	if (size > 0 && size <= HASH_MAX)
		return true;
	g_set_error_literal(error, OUTAGE_ERROR, OUTAGE_ERROR_INVALID, "block: this is no hash of an address");
	return false;
}

bool store_block(Store *store, const char *hash, gint64 seconds, const char *why, const char *by, GError **error)
{
	if (seconds <= 0) {
		g_set_error_literal(error, OUTAGE_ERROR, OUTAGE_ERROR_INVALID, "block: for no time at all");
		return false;
	}
	return check_hash(hash, error) &&
	    store->backend->block(store, hash, MIN(seconds, BLOCK_MAX), why != NULL ? why : "", by, error);
}

bool store_unblock(Store *store, const char *hash, const char *by, bool *found, GError **error)
{
	bool ignored;

	found = found != NULL ? found : &ignored;
	*found = false;
	return check_hash(hash, error) && store->backend->unblock(store, hash, by, found, error);
}

bool store_blocked(Store *store, const char *hash, char **why, gint64 *until, GError **error)
{
	gint64 ignored;

	until = until != NULL ? until : &ignored;
	*why = NULL;
	*until = 0;
	return check_hash(hash, error) && store->backend->blocked(store, hash, why, until, error);
}

void stored_account_free(StoredAccount *entry)
{
	if (entry == NULL)
		return;
	g_free(entry->key);
	g_free(entry->json);
	g_free(entry->trouble);
	g_free(entry);
}

bool store_accounts_slice(Store *store, char **cursor, GPtrArray *entries, GError **error)
{
	return store->backend->accounts_slice(store, cursor, entries, error);
}

bool store_accounts_get(Store *store, const GPtrArray *keys, GPtrArray *entries, GError **error)
{
	return store->backend->accounts_get(store, keys, entries, error);
}

bool store_account_changes(Store *store, char **since, GPtrArray *keys, bool *lost, GError **error)
{
	*lost = false;
	return store->backend->account_changes(store, since, keys, lost, error);
}

Account *stored_account_read(const StoredAccount *entry, const Accounts *known, GError **error)
{
	Account *account = entry->json != NULL && known != NULL ? accounts_reuse(known, entry->key, entry->json) : NULL;
	g_autofree char *shown = NULL;

	if (account != NULL)
		return account;
	if (entry->json != NULL)
		return account_parse(entry->key, entry->json, error);
	shown = log_escape(entry->key, 64);
	g_set_error(error, OUTAGE_ERROR, OUTAGE_ERROR_INVALID, "account \"%s\": %s", shown,
	    entry->trouble != NULL ? entry->trouble : "there is none");
	return NULL;
}

Accounts *store_accounts(Store *store, GPtrArray *problems, GError **error)
{
	g_autoptr(Accounts) accounts = accounts_new();
	g_autofree char *cursor = NULL;

	do {
		g_autoptr(GPtrArray) entries = g_ptr_array_new_with_free_func((GDestroyNotify)stored_account_free);

		if (!store_accounts_slice(store, &cursor, entries, error))
			return NULL;
		for (guint i = 0; i < entries->len; i++) {
			g_autoptr(GError) broken = NULL;
			Account *account = stored_account_read(entries->pdata[i], NULL, &broken);

			if (account != NULL)
				accounts_add(accounts, account);
			else if (problems != NULL)
				g_ptr_array_add(problems, g_strdup(broken->message));
		}
	} while (cursor != NULL);
	return g_steal_pointer(&accounts);
}

bool store_account_put(Store *store, const char *key, const char *json, const char *by, GError **error)
{
	g_autoptr(Account) account = account_parse(key, json, error);

	/* Kept under the normalised key, or the same customer could be in the table twice. */
	return account != NULL && store->backend->account_put(store, account->key, json, by, error);
}

bool store_account_remove(Store *store, const char *key, const char *by, bool *found, GError **error)
{
	g_autofree char *normal = account_key(key);
	bool ignored;

	found = found != NULL ? found : &ignored;
	*found = false;
	if (normal != NULL && !store->backend->account_remove(store, normal, by, found, error))
		return false;
	/* What somebody put in by hand may stand under a key that is not normal or not even valid. */
	if (*found || g_strcmp0(normal, key) == 0)
		return true;
	return store->backend->account_remove(store, key, by, found, error);
}

const char *store_server(const Store *store)
{
	return store->server != NULL ? store->server : "";
}

bool store_is_lost(const Store *store)
{
	return store->backend->is_lost(store);
}

bool store_confirm(Store *store, GError **error)
{
	return store->backend->confirm(store, error);
}

void store_info_free(StoreInfo *info)
{
	if (info == NULL)
		return;
	g_free(info->role);
	g_free(info->where);
	g_free(info->version);
	g_free(info->evicts);
	g_free(info);
}

StoreInfo *store_describe(Store *store, GError **error)
{
	return store->backend->describe(store, error);
}

void store_share_free(StoreShare *share)
{
	if (share == NULL)
		return;
	g_free(share->name);
	g_free(share);
}

GPtrArray *store_queue_shares(Store *store, GError **error)
{
	return store->backend->queue_shares(store, error);
}

bool store_heartbeat(Store *store, const char *json, GError **error)
{
	return store->backend->heartbeat(store, json, error);
}

void store_node_free(StoreNode *node)
{
	if (node == NULL)
		return;
	g_free(node->node);
	g_free(node->json);
	g_free(node);
}

GPtrArray *store_nodes(Store *store, GError **error)
{
	return store->backend->nodes(store, error);
}

bool store_count(Store *store, const char *id, const char *counter, guint n, GError **error)
{
	return store->backend->count(store, id, counter, n, error);
}

GHashTable *store_counters(Store *store, const char *id, GError **error)
{
	return store->backend->counters(store, id, error);
}

bool store_keeps(bool there, const char *what, GError **error)
{
	if (!there)
		g_set_error(error, OUTAGE_ERROR, OUTAGE_ERROR_UNAVAILABLE, "the shared store is away: %s cannot be reached", what);
	return there;
}

bool store_check_part(const char *area, const char *what, const char *text, GError **error)
{
	gsize size = text != NULL ? strlen(text) : 0;
	g_autofree char *shown = NULL;

	for (gsize i = 0; i < size; i++)
		if (!g_ascii_isalnum(text[i]) && strchr("._-", text[i]) == NULL)
			size = 0;
	if (size > 0 && size <= KEY_PART_MAX)
		return true;
	shown = log_escape(text != NULL ? text : "", KEY_PART_MAX);
	g_set_error(error, OUTAGE_ERROR, OUTAGE_ERROR_INVALID, "%s: \"%s\" cannot be %s", area, shown, what);
	return false;
}
