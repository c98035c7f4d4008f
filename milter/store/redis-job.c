/* redis-job: acknowledgements claimed, taken, and ended in Redis. Layer: store, private to redis*.c.
 *
 * Jobs lie in a stream that repliers read as one group; delayed ones lie in a sorted set by due time and are moved
 * into the stream when they are due, since a back-off inside the group's pending list would be stolen by XAUTOCLAIM.
 * Taking is at-least-once: who ends a job also deletes it from the stream, and only where that deletes something does
 * the end count. */
#include <string.h>

#include "base/clock.h"
#include "base/error.h"
#include "store/job-private.h"
#include "store/redis-private.h"

#define GROUP "replier"
#define SLICE_MS 1000           /* how long one blocking read lasts: what becomes due meanwhile is not late by more */
#define AUTOCLAIM_EVERY_US (G_USEC_PER_SEC)
#define TRIM_EVERY_US (600 * G_USEC_PER_SEC)

/* The key of the mark that the kind of acknowledgement leaves with an address; caller frees. */
static char *mark_key(const RedisStore *store, const char *id, const char *kind, const char *hash)
{
	g_autofree char *name = g_strdup_printf("%s:%s:%s", id, kind, hash);

	return redis_key(store, "acked:", name);
}

static char *rate_name(const char *domain)
{
	/* A digest: a domain comes from outside and may be of any length. */
	g_autofree char *digest = g_compute_checksum_for_string(G_CHECKSUM_SHA1, domain ? domain : "", -1);

	return g_strdup_printf("%s:", digest);
}

/* In the order of claim.lua's KEYS. */
static GPtrArray *claim_keys(const RedisStore *store, const StoreClaim *claim, const char *kind)
{
	const ClaimRequest *request = claim->request;
	g_autofree char *domain = rate_name(claim->domain), *address = g_strconcat(claim->hash, ":", NULL);
	GPtrArray *keys = g_ptr_array_new_with_free_func(g_free);

	g_ptr_array_add(keys, mark_key(store, request->id, kind, claim->hash));
	g_ptr_array_add(keys, redis_key(store, "acks", NULL));
	g_ptr_array_add(keys, redis_key(store, "acks:retry", NULL));
	g_ptr_array_add(keys, redis_key(store, "affected:", request->id));
	g_ptr_array_add(keys, redis_key(store, "state:", request->incident));
	g_ptr_array_add(keys, redis_key(store, "pause", NULL));
	g_ptr_array_add(keys, redis_key(store, "bounced:", claim->hash));
	g_ptr_array_add(keys, redis_key(store, "rate:domain:", domain));
	g_ptr_array_add(keys, redis_key(store, "rate:address:", address));
	g_ptr_array_add(keys, redis_key(store, "stats:", request->id));
	return keys;
}

static GPtrArray *claim_args(const RedisStore *store, const StoreClaim *claim, const char *kind)
{
	const Config *config = store->base.config;
	GPtrArray *args = command_new(config->store_prefix, claim->token, claim->payload, claim->mac, claim->request->id,
	    NULL);

	g_ptr_array_add(args, g_strdup_printf("%" G_GUINT64_FORMAT, claim->request->epoch));
	command_add(args, kind);
	command_add(args, claim->hash);
	command_add_int(args, MARK_TTL_SECONDS(config));
	command_add_int(args, config->ack_again_after / 1000);
	command_add_int(args, (config->ack_delay + 999) / 1000);
	command_add_int(args, config->ack_site_cap);
	command_add_int(args, claim->domain_capped ? config->ack_domain_cap : 0);
	command_add_int(args, config->ack_address_cap);
	command_add_int(args, MAX(config->retention / 1000, 1));
	return args;
}

bool redis_claim(Store *base, const StoreClaim *claim, ClaimAnswer *answer, GError **error)
{
	static const struct {
		const char *name;
		ClaimAnswer answer;
	} answers[] = {
		{ "won", CLAIM_WON }, { "already", CLAIM_ALREADY }, { "bounced", CLAIM_BOUNCED }, { "rate", CLAIM_RATE },
		{ "paused", CLAIM_PAUSED }, { "ended", CLAIM_ENDED },
	};
	RedisStore *store = (RedisStore *)base;
	const char *kind = claim->request->resolved ? "resolved" : "active", *name;
	g_autoptr(GPtrArray) keys = claim_keys(store, claim, kind), args = claim_args(store, claim, kind);
	g_autoptr(redisReply) reply = redis_script(store, SCRIPT_CLAIM, keys, args, true, error);

	if (!reply)
		return false;
	name = redis_text(reply);
	for (guint i = 0; i < G_N_ELEMENTS(answers); i++) {
		if (g_strcmp0(name, answers[i].name) == 0) {
			*answer = answers[i].answer;
			return true;
		}
	}
	return redis_unexpected("a claim", error);
}

/* --- taking --- */

static char *text_or_empty(const char *text)
{
	return g_strdup(text ? text : "");
}

/* Returns the job in a stream's entry, or NULL where it is none. One without payload is handed on: the replier drops
 * it loudly. */
StoredJob *redis_job_parse(const redisReply *entry)
{
	const redisReply *fields;
	const char *id, *tries, *why;
	StoredJob *job;

	if (entry->type != REDIS_REPLY_ARRAY || entry->elements != 2 || !(id = redis_text(entry->element[0])))
		return NULL;
	fields = entry->element[1];
	tries = redis_field(fields, "tries");
	why = redis_field(fields, "why");
	job = g_new0(StoredJob, 1);
	job->handle = g_strdup(id);
	job->payload = text_or_empty(redis_field(fields, "payload"));
	job->mac = text_or_empty(redis_field(fields, "mac"));
	job->tries = tries ? (guint)MIN(g_ascii_strtoull(tries, NULL, 10), G_MAXUINT) : 0;
	job->why = why && *why ? g_strdup(why) : NULL;
	return job;
}

static bool move_due(RedisStore *store, GError **error)
{
	g_autoptr(GPtrArray) keys = g_ptr_array_new_with_free_func(g_free), args = g_ptr_array_new_with_free_func(g_free);
	g_autoptr(redisReply) reply = NULL;
	bool trim = clock_mono_us() >= store->next_trim;

	g_ptr_array_add(keys, redis_key(store, "acks:retry", NULL));
	g_ptr_array_add(keys, redis_key(store, "acks", NULL));
	g_ptr_array_add(keys, redis_key(store, "acks:dead", NULL));
	if (trim)
		command_add_int(args, store->base.config->retention / 1000);
	else
		command_add(args, "");
	reply = redis_script(store, SCRIPT_JOB_DUE, keys, args, false, error);
	if (reply && trim)
		store->next_trim = clock_mono_us() + TRIM_EVERY_US;
	return reply != NULL;
}

static bool make_group(RedisStore *store, const char *acks, GError **error)
{
	/* From 0: what was queued before there was a group is owed too. */
	g_autoptr(GPtrArray) command = command_new("XGROUP", "CREATE", acks, GROUP, "0", "MKSTREAM", NULL);
	g_autoptr(GError) inner = NULL;
	g_autoptr(redisReply) reply = redis_ask(store, command, false, &inner);

	/* Another replier may have been quicker. */
	if (reply || strstr(inner->message, "BUSYGROUP"))
		return true;
	g_propagate_error(error, g_steal_pointer(&inner));
	return false;
}

/* Runs a command that needs the group, which is made where it is missing: at the very first time and after a flush. */
static redisReply *ask_group(RedisStore *store, const char *acks, const GPtrArray *command, gint64 timeout_ms,
    GError **error)
{
	g_autoptr(GError) inner = NULL;
	redisReply *reply = link_ask(store->link, command, timeout_ms, false, &inner);

	if (reply)
		return reply;
	if (!strstr(inner->message, "NOGROUP")) {
		g_propagate_error(error, g_steal_pointer(&inner));
		return NULL;
	}
	return make_group(store, acks, error) ? link_ask(store->link, command, timeout_ms, false, error) : NULL;
}

/* Takes over a job that its replier has left for longer than idle_ms. Returns false on error; *job stays NULL where
 * there is none. */
static bool take_idle(RedisStore *store, const char *acks, gint64 idle_ms, StoredJob **job, GError **error)
{
	g_autofree char *idle = g_strdup_printf("%" G_GINT64_FORMAT, idle_ms);
	g_autoptr(GPtrArray) command = command_new("XAUTOCLAIM", acks, GROUP, store->base.node, idle, store->autoclaim_cursor,
	    "COUNT", "1", NULL);
	g_autoptr(redisReply) reply = ask_group(store, acks, command, store->base.config->store_timeout, error);
	const char *cursor;

	if (!reply)
		return false;
	if (reply->type != REDIS_REPLY_ARRAY || reply->elements < 2 || !(cursor = redis_text(reply->element[0])))
		return redis_unexpected("XAUTOCLAIM", error);
	g_free(store->autoclaim_cursor);
	store->autoclaim_cursor = g_strdup(cursor);
	if (reply->element[1]->elements > 0)
		*job = redis_job_parse(reply->element[1]->element[0]);
	/* While there is something to take over, or more of the list to look through, the next look is not delayed. */
	if (!*job && strcmp(cursor, "0-0") == 0)
		store->next_autoclaim = clock_mono_us() + AUTOCLAIM_EVERY_US;
	return true;
}

static bool take_new(RedisStore *store, const char *acks, gint64 wait_ms, StoredJob **job, GError **error)
{
	g_autoptr(GPtrArray) command = command_new("XREADGROUP", "GROUP", GROUP, store->base.node, "COUNT", "1", NULL);
	g_autoptr(redisReply) reply = NULL;
	const redisReply *stream;

	if (wait_ms > 0) { /* BLOCK 0 would be for ever */
		command_add(command, "BLOCK");
		command_add_int(command, wait_ms);
	}
	command_add(command, "STREAMS");
	command_add(command, acks);
	command_add(command, ">");
	reply = ask_group(store, acks, command, wait_ms + store->base.config->store_timeout, error);
	if (!reply)
		return false;
	stream = reply->elements > 0 ? reply->element[0] : NULL;
	if (stream && stream->elements == 2 && stream->element[1]->elements > 0)
		*job = redis_job_parse(stream->element[1]->element[0]);
	return true;
}

StoredJob *redis_job_take(Store *base, gint64 wait_ms, gint64 idle_ms, GError **error)
{
	RedisStore *store = (RedisStore *)base;
	g_autofree char *acks = redis_key(store, "acks", NULL);
	gint64 deadline = clock_mono_us() + wait_ms * 1000;
	StoredJob *job = NULL;

	for (;;) {
		gint64 left;

		if (!move_due(store, error))
			return NULL;
		if (clock_mono_us() >= store->next_autoclaim && (!take_idle(store, acks, idle_ms, &job, error) || job))
			return job;
		left = (deadline - clock_mono_us()) / 1000;
		if (!take_new(store, acks, CLAMP(left, 0, SLICE_MS), &job, error) || job || left <= 0)
			return job;
	}
}

/* --- ending --- */

static bool end_job(Store *base, const StoredJob *job, const char *how, guint tries, const char *why, gint64 due,
    const char *hash, GError **error)
{
	RedisStore *store = (RedisStore *)base;
	g_autoptr(GPtrArray) keys = g_ptr_array_new_with_free_func(g_free);
	g_autoptr(GPtrArray) args = command_new(job->handle, how, job->payload, job->mac, NULL);
	g_autofree char *id = NULL, *token = NULL;
	g_autoptr(redisReply) reply = NULL;

	g_ptr_array_add(keys, redis_key(store, "acks", NULL));
	g_ptr_array_add(keys, redis_key(store, "acks:retry", NULL));
	g_ptr_array_add(keys, redis_key(store, "acks:dead", NULL));
	g_ptr_array_add(keys, redis_key(store, "stats:", "all"));
	if (hash && job_names(job, &id, &token)) {
		g_ptr_array_add(keys, mark_key(store, id, "active", hash));
		g_ptr_array_add(keys, mark_key(store, id, "resolved", hash));
	}
	command_add_int(args, tries);
	command_add(args, why ? why : job->why);
	command_add_int(args, due);
	command_add(args, token);
	reply = redis_script(store, SCRIPT_JOB_END, keys, args, true, error);
	return reply != NULL;
}

bool redis_job_done(Store *base, const StoredJob *job, const char *hash, GError **error)
{
	return end_job(base, job, "done", job->tries, NULL, 0, hash, error);
}

bool redis_job_retry(Store *base, const StoredJob *job, gint64 due, bool failed, const char *why, GError **error)
{
	return end_job(base, job, "retry", job->tries + (failed ? 1 : 0), why, due, NULL, error);
}

bool redis_job_bury(Store *base, const StoredJob *job, const char *why, GError **error)
{
	return end_job(base, job, "bury", job->tries, why, 0, NULL, error);
}

bool redis_job_withdraw(Store *base, const StoredJob *job, const char *hash, GError **error)
{
	return end_job(base, job, "withdraw", job->tries, NULL, 0, hash, error);
}

bool redis_job_promote(Store *base, const StoredJob *job, const char *hash, bool *won, GError **error)
{
	RedisStore *store = (RedisStore *)base;
	g_autoptr(GPtrArray) keys = g_ptr_array_new_with_free_func(g_free), args = NULL;
	g_autofree char *id = NULL, *token = NULL;
	g_autoptr(redisReply) reply = NULL;

	if (!job_names(job, &id, &token))
		return store_job_is_nameless(error);
	g_ptr_array_add(keys, mark_key(store, id, "resolved", hash));
	args = command_new(token, NULL);
	command_add_int(args, MARK_TTL_SECONDS(store->base.config));
	reply = redis_script(store, SCRIPT_JOB_PROMOTE, keys, args, true, error);
	if (reply)
		*won = reply->integer == 1;
	return reply != NULL;
}

/* --- standing --- */

/* A mark as lua/prelude.lua reads it. */
static void look_at_mark(const redisReply *reply, const char *token, MarksSeen *seen)
{
	const char *text = redis_text(reply);
	g_auto(GStrv) parts = text ? g_strsplit(text, " ", 3) : NULL;

	seen->any = seen->any || reply->type == REDIS_REPLY_STRING;
	if (parts && g_strcmp0(parts[0], token) == 0) {
		seen->own = true;
		seen->sent = seen->sent || (parts[1] && g_strcmp0(parts[2], "sent") == 0);
	}
}

bool redis_job_standing(Store *base, const Job *job, const char *hash, JobStanding *standing, GError **error)
{
	RedisStore *store = (RedisStore *)base;
	g_autofree char *active = mark_key(store, job->request->id, "active", hash);
	g_autofree char *resolved = mark_key(store, job->request->id, "resolved", hash);
	g_autoptr(GPtrArray) command = command_new("MGET", active, resolved, NULL);
	g_autoptr(redisReply) reply = redis_ask(store, command, false, error);
	MarksSeen seen = { .any = false };

	if (!reply)
		return false;
	for (gsize i = 0; i < reply->elements; i++)
		look_at_mark(reply->element[i], job->token, &seen);
	*standing = marks_standing(&seen);
	return true;
}
