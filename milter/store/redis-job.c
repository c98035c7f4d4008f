/* redis-job: acknowledgements claimed, taken, and ended in Redis. Layer: store, private to redis*.c.
 *
 * Jobs lie in a stream that repliers read as one group; delayed ones lie in a sorted set by due time and are moved
 * into the stream when they are due, since a back-off inside the group's pending list would be stolen by XAUTOCLAIM.
 * Taking is at-least-once: who ends a job also deletes it from the stream, and only where that deletes something does
 * the end count. Times are those of Redis: its clock is the one that all nodes share, and what it does when it jumps (marks
 * that expire, jobs that become due) is its own affair. */
#include <string.h>

#include "base/clock.h"
#include "base/error.h"
#include "store/job-private.h"
#include "store/redis-private.h"

#define GROUP "replier"
#define SLICE_MS 1000           /* how long one blocking read lasts: what becomes due meanwhile is not late by more */
#define AUTOCLAIM_EVERY_US (G_USEC_PER_SEC)
#define TIDY_EVERY_US (600 * G_USEC_PER_SEC)
#define PAYLOAD_BOUND 65537     /* as job_of in prelude.lua cuts it */
#define WAIT_LATE_MS 120        /* Redis looks ten times a second whether a WAIT is over (its setting hz) */
#define REPLICAS_SHORT_MS 20    /* asked of a WAIT after one that was in vain */

/* The key of the mark that a letter of that kind (claim_request_kind) leaves with an address; caller frees. */
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
	ClaimRules rules = claim_rules(config, claim);
	GPtrArray *args = command_new(config->store_prefix, claim->token, claim->payload, claim->mac, claim->request->id,
	    NULL);

	g_ptr_array_add(args, g_strdup_printf("%" G_GUINT64_FORMAT, claim->request->epoch));
	command_add(args, kind);
	command_add(args, claim->hash);
	command_add_int(args, MARK_TTL_SECONDS(config));
	command_add_int(args, rules.again_after / 1000);
	command_add_int(args, (rules.delay + 999) / 1000);
	command_add_int(args, rules.site_cap);
	command_add_int(args, rules.domain_cap);
	command_add_int(args, rules.address_cap);
	command_add_int(args, rules.queue_limit);
	command_add_int(args, MAX(config->retention / 1000, 1));
	command_add_int(args, config->min_replicas);
	command_add(args, claim_class_name(claim->request));
	return args;
}

/* The WAIT that goes along with a claim, or NULL where none is asked for. It has to end before the deadline, which Redis sees to only so
 * often; and where the last one was in vain, the next message waits no longer than it has to. Caller frees. */
static GPtrArray *wait_for_replicas(const RedisStore *store, const StoreClaim *claim, gint64 until)
{
	gint64 left = (until - clock_mono_us()) / 1000;
	GPtrArray *more, *command;

	if (store->base.config->min_replicas <= 0 || claim->unreplicated)
		return NULL;
	left = left > 2 * WAIT_LATE_MS ? left - WAIT_LATE_MS : left / 4;
	if (store->replicas_short)
		left = MIN(left, REPLICAS_SHORT_MS);
	command = command_new("WAIT", NULL);
	command_add_int(command, store->base.config->min_replicas);
	command_add_int(command, MAX(left, 1)); /* 0 would be for ever */
	more = g_ptr_array_new_with_free_func((GDestroyNotify)g_ptr_array_unref);
	g_ptr_array_add(more, command);
	return more;
}

/* Whether enough replicas have what was claimed; else the outcome is unknown, for a failover may forget it. */
static bool replicas_have_it(RedisStore *store, const redisReply *reply, GError **error)
{
	gint64 wanted = store->base.config->min_replicas;

	store->replicas_short = reply->type != REDIS_REPLY_INTEGER || reply->integer < wanted;
	if (!store->replicas_short)
		return true;
	if (reply->type == REDIS_REPLY_INTEGER)
		g_set_error(error, OUTAGE_ERROR, OUTAGE_ERROR_UNKNOWN, "Redis at %s: %lld of %" G_GINT64_FORMAT
		    " replicas (store.min_replicas) have the claim", link_where(store->link), reply->integer, wanted);
	else
		g_set_error(error, OUTAGE_ERROR, OUTAGE_ERROR_UNKNOWN, "Redis at %s: cannot tell whether replicas have the claim: %s",
		    link_where(store->link), reply->type == REDIS_REPLY_ERROR ? reply->str : "an answer to WAIT that makes no sense");
	return false;
}

static bool read_answer(const redisReply *reply, ClaimAnswer *answer)
{
	static const struct {
		const char *name;
		ClaimAnswer answer;
	} answers[] = {
		{ "won", CLAIM_WON }, { "already", CLAIM_ALREADY }, { "bounced", CLAIM_BOUNCED }, { "rate", CLAIM_RATE },
		{ "paused", CLAIM_PAUSED }, { "ended", CLAIM_ENDED }, { "full", CLAIM_FULL },
	};
	const char *name = redis_text(reply);

	for (guint i = 0; i < G_N_ELEMENTS(answers); i++) {
		if (g_strcmp0(name, answers[i].name) == 0) {
			*answer = answers[i].answer;
			return true;
		}
	}
	return false;
}

bool redis_claim(Store *base, const StoreClaim *claim, ClaimAnswer *answer, GError **error)
{
	RedisStore *store = (RedisStore *)base;
	const char *kind = claim_request_kind(claim->request);
	gint64 until = claim->until != 0 ? claim->until : clock_mono_us() + base->config->store_timeout * 1000;
	g_autoptr(GPtrArray) keys = claim_keys(store, claim, kind), args = claim_args(store, claim, kind);
	g_autoptr(GPtrArray) wait = wait_for_replicas(store, claim, until), replies = NULL;
	ClaimAnswer found;

	replies = redis_script_until(store, SCRIPT_CLAIM, keys, args, wait, until, true, error);
	if (!replies)
		return false;
	if (!read_answer(replies->pdata[0], &found))
		return redis_unexpected("a claim", error);
	/* An answer that claims nothing has nothing to lose. */
	if (found == CLAIM_WON && wait && !replicas_have_it(store, replies->pdata[1], error))
		return false;
	*answer = found;
	return true;
}

/* --- taking --- */

/* Returns the text, bounded, or "" where there is none that could be read. Caller frees. */
static char *bounded(const char *text)
{
	return g_strndup(text ? text : "", PAYLOAD_BOUND);
}

StoredJob *redis_job_new(redisReply *const *words, gsize count)
{
	const char *handle = count >= 5 ? redis_text(words[0]) : NULL, *why;
	StoredJob *job;

	if (!handle)
		return NULL;
	why = redis_text(words[4]);
	job = g_new0(StoredJob, 1);
	job->handle = g_strdup(handle);
	job->payload = bounded(redis_text(words[1]));
	job->mac = bounded(redis_text(words[2]));
	job->tries = (guint)CLAMP(redis_number(words[3]), 0, G_MAXINT);
	job->why = why && *why ? g_strdup(why) : NULL;
	return job;
}

/* What one run of job-take.lua is to do besides taking what is new. */
typedef struct {
	gint64 idle_ms;    /* take over what has been left alone for so long; -1: nothing */
	const char *after; /* only what we hold already, after this handle; NULL: not that */
	bool tidy;
} Taking;

/* Returns false on error; *job stays NULL where there is none. */
static bool run_take(RedisStore *store, const Taking *taking, StoredJob **job, GError **error)
{
	g_autoptr(GPtrArray) keys = g_ptr_array_new_with_free_func(g_free), args = command_new(store->base.consumer, NULL);
	g_autoptr(redisReply) reply = NULL;
	const char *cursor;

	g_ptr_array_add(keys, redis_key(store, "acks", NULL));
	g_ptr_array_add(keys, redis_key(store, "acks:retry", NULL));
	g_ptr_array_add(keys, redis_key(store, "acks:dead", NULL));
	g_ptr_array_add(args, taking->idle_ms >= 0 ? g_strdup_printf("%" G_GINT64_FORMAT, taking->idle_ms) : g_strdup(""));
	command_add(args, store->autoclaim_cursor);
	g_ptr_array_add(args, taking->tidy ? g_strdup_printf("%" G_GINT64_FORMAT, store->base.config->retention / 1000) : g_strdup(""));
	command_add_int(args, store->consumer_kept);
	command_add(args, taking->after);
	/* What is taken and never hears of it is asked for after the next connecting (job_missed), or taken over. */
	reply = redis_script(store, SCRIPT_JOB_TAKE, keys, args, false, error);
	if (!reply)
		return false;
	if (reply->type != REDIS_REPLY_ARRAY || reply->elements < 1 || !(cursor = redis_text(reply->element[0])))
		return redis_unexpected("taking a job", error);
	*job = redis_job_new(reply->element + 1, reply->elements - 1);
	if (*job && reply->elements > 6)
		(*job)->takes = (guint)CLAMP(redis_number(reply->element[6]), 0, G_MAXINT);
	if (*cursor) {
		g_free(store->autoclaim_cursor);
		store->autoclaim_cursor = g_strdup(cursor);
	}
	return true;
}

/* Takes what is there at once. Returns false on error; *job stays NULL where there is none. */
static bool take_ready(RedisStore *store, gint64 idle_ms, StoredJob **job, GError **error)
{
	gint64 now = clock_mono_us();
	bool look = now >= store->next_autoclaim;
	Taking taking = { .idle_ms = look ? idle_ms : -1, .tidy = now >= store->next_tidy };

	if (!run_take(store, &taking, job, error))
		return false;
	if (taking.tidy)
		store->next_tidy = now + TIDY_EVERY_US;
	/* While there is something to take over, or more of the list to look through, the next look is not delayed. */
	if (look && !*job && strcmp(store->autoclaim_cursor, "0-0") == 0)
		store->next_autoclaim = now + AUTOCLAIM_EVERY_US;
	return true;
}

StoredJob *redis_job_missed(Store *base, const char *after, GError **error)
{
	Taking taking = { .idle_ms = -1, .after = after };
	StoredJob *job = NULL;

	return run_take((RedisStore *)base, &taking, &job, error) ? job : NULL;
}

/* The job in a stream's entry as XREADGROUP gives it; NULL where it is none. */
static StoredJob *read_entry(const redisReply *entry)
{
	static const char *const names[] = { "payload", "mac", "tries", "why" };
	redisReply nothing = { .type = REDIS_REPLY_NIL }, *words[1 + G_N_ELEMENTS(names)];

	if (entry->type != REDIS_REPLY_ARRAY || entry->elements != 2)
		return NULL;
	words[0] = entry->element[0];
	for (gsize i = 0; i < G_N_ELEMENTS(names); i++) {
		const redisReply *list = entry->element[1];

		words[i + 1] = &nothing;
		for (gsize k = 0; list->type == REDIS_REPLY_ARRAY && k + 1 < list->elements; k += 2)
			if (g_strcmp0(redis_text(list->element[k]), names[i]) == 0)
				words[i + 1] = list->element[k + 1];
	}
	return redis_job_new(words, G_N_ELEMENTS(words));
}

/* Waits for a job that nobody has had. One that is larger than the link takes breaks it here, and comes back cut to size when its time
 * for taking over has come. */
static bool wait_for_new(RedisStore *store, const char *acks, gint64 wait_ms, StoredJob **job, GError **error)
{
	g_autoptr(GPtrArray) command = command_new("XREADGROUP", "GROUP", GROUP, store->base.consumer, "COUNT", "1", "BLOCK", NULL);
	g_autoptr(redisReply) reply = NULL;
	g_autoptr(GError) inner = NULL;
	const redisReply *stream;

	command_add_int(command, MAX(wait_ms, 1)); /* 0 would be for ever */
	command_add(command, "STREAMS");
	command_add(command, acks);
	command_add(command, ">");
	reply = link_ask(store->link, command, wait_ms + store->base.config->store_timeout, false, &inner);
	if (!reply) {
		/* The store was emptied meanwhile, or the server is another's replica by now: the next look finds out which, and makes the
		 * group again. */
		if (!link_is_broken(store->link) && (strstr(inner->message, "NOGROUP") || strstr(inner->message, "UNBLOCKED")))
			return true;
		g_propagate_prefixed_error(error, g_steal_pointer(&inner), "%s: ", acks);
		return false;
	}
	stream = reply->elements > 0 ? reply->element[0] : NULL;
	if (stream && stream->elements == 2 && stream->element[1]->elements > 0)
		*job = read_entry(stream->element[1]->element[0]);
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

		if (!take_ready(store, idle_ms, &job, error) || job)
			return job;
		left = (deadline - clock_mono_us()) / 1000;
		if (left <= 0)
			return NULL;
		if (!wait_for_new(store, acks, MIN(left, SLICE_MS), &job, error) || job)
			return job;
	}
}

/* --- ending --- */

/* Adds the keys of the marks that a job may hold: an acknowledgement that was promoted holds both under one token, any other letter the
 * one of its own kind. */
static void add_mark_keys(const RedisStore *store, GPtrArray *keys, const char *id, const char *letter, const char *hash)
{
	if (letter) {
		g_ptr_array_add(keys, mark_key(store, id, letter, hash));
		return;
	}
	g_ptr_array_add(keys, mark_key(store, id, "active", hash));
	g_ptr_array_add(keys, mark_key(store, id, "resolved", hash));
}

static bool end_job(Store *base, const StoredJob *job, const char *how, guint tries, const char *why, gint64 delay,
    const char *hash, GError **error)
{
	RedisStore *store = (RedisStore *)base;
	g_autoptr(GPtrArray) keys = g_ptr_array_new_with_free_func(g_free);
	g_autoptr(GPtrArray) args = command_new(job->handle, how, base->consumer, NULL);
	g_autofree char *id = NULL, *token = NULL, *letter = NULL;
	g_autoptr(redisReply) reply = NULL;

	g_ptr_array_add(keys, redis_key(store, "acks", NULL));
	g_ptr_array_add(keys, redis_key(store, "acks:retry", NULL));
	g_ptr_array_add(keys, redis_key(store, "acks:dead", NULL));
	g_ptr_array_add(keys, redis_key(store, "stats:", "all"));
	if (hash && job_names(job, &id, &token, &letter))
		add_mark_keys(store, keys, id, letter, hash);
	command_add_int(args, tries);
	command_add(args, why ? why : job->why);
	command_add_int(args, delay);
	command_add(args, token);
	command_add(args, strcmp(how, "done") == 0 ? job->payload : "");
	reply = redis_script(store, SCRIPT_JOB_END, keys, args, true, error);
	return reply != NULL;
}

bool redis_job_done(Store *base, const StoredJob *job, const char *hash, GError **error)
{
	return end_job(base, job, "done", job->tries, NULL, 0, hash, error);
}

bool redis_job_retry(Store *base, const StoredJob *job, gint64 delay, bool failed, const char *why, GError **error)
{
	return end_job(base, job, "retry", job->tries + (failed ? 1 : 0), why, delay, NULL, error);
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
	g_autofree char *id = NULL, *token = NULL, *letter = NULL;
	g_autoptr(redisReply) reply = NULL;

	if (!job_names(job, &id, &token, &letter))
		return store_job_is_nameless(error);
	if (letter)
		return store_job_is_no_ack(error);
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
	g_autoptr(GPtrArray) command = command_new("MGET", NULL);
	g_autoptr(redisReply) reply = NULL;
	MarksSeen seen = { .any = false };

	add_mark_keys(store, command, job->request->id, job->request->letter, hash);
	reply = redis_ask(store, command, false, error);
	if (!reply)
		return false;
	for (gsize i = 0; i < reply->elements; i++)
		look_at_mark(reply->element[i], job->token, &seen);
	*standing = marks_standing(&seen);
	return true;
}
