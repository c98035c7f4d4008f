/* redis-snapshot: all incidents read from Redis, and their states brought after the flip key. Layer: store, private
 * to redis*.c.
 *
 * One script reads all there is to know in one round trip, bounds what it sends, and acts on a flip word that differs from
 * a state that can be trusted (store/lua/snapshot.lua). Only where it differs from one that is gone, damaged or old is
 * the transition script run, with what this node remembers, and all is read again in the same round trip. */
#include <string.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/log.h"
#include "store/redis-reading.h"

/* What snapshot.lua sends before the incidents. */
enum { HEAD_NOW, HEAD_LIFE, HEAD_FLIP, HEAD_FLIPS, HEAD_PARTIAL, HEAD_PAUSE, HEAD_KNOWN, HEADS };

#define TIME_MAX_MS 253402300799000 /* the end of the year 9999 */

/* --- asking --- */

static void add_own_names(GPtrArray *args, const Snapshot *last, bool on)
{
	for (guint i = 0; last && i < last->incidents->len; i++) {
		const Incident *incident = last->incidents->pdata[i];

		if ((incident->state.word != WORD_NONE) != on)
			continue;
		command_add(args, incident->name);
		command_add_int(args, incident->state.changed_ms);
	}
}

static GPtrArray *snapshot_keys(const RedisStore *store)
{
	static const char *const names[] = { "incident", "incidents", "pause", "known", "life", "events", "seen:pause" };
	GPtrArray *keys = g_ptr_array_new_with_free_func(g_free);

	for (guint i = 0; i < G_N_ELEMENTS(names); i++)
		g_ptr_array_add(keys, redis_key(store, names[i], NULL));
	return keys;
}

/* What is on comes first: the script looks at so many names and no more. */
static GPtrArray *snapshot_args(const Reading *reading)
{
	const Config *config = reading->store->base.config;
	g_autofree char *random = g_uuid_string_random(), *outside = store_outside(&reading->store->base);
	GPtrArray *args = command_new(config->store_prefix, random, outside, NULL);

	command_add_int(args, config->reopen_within / 1000);
	command_add_int(args, MAX(config->retention / 1000, 1));
	command_add_int(args, 1 + TEXT_FIELDS);
	command_add(args, "id");
	for (TextField field = 0; field < TEXT_FIELDS; field++)
		command_add(args, text_field_name(field));
	add_own_names(args, reading->last, true);
	add_own_names(args, reading->last, false);
	return args;
}

/* --- the flip keys and the pause --- */

static Candidate *find_candidate(const Reading *reading, const char *name)
{
	for (guint i = 0; i < reading->candidates->len; i++) {
		Candidate *candidate = &g_array_index(reading->candidates, Candidate, i);

		if (strcmp(candidate->name, name) == 0)
			return candidate;
	}
	return NULL;
}

static void take_word(Reading *reading, Candidate *candidate, const redisReply *value, const char *where)
{
	g_autofree char *shown = NULL;

	candidate->has_flip = true;
	if (value->type == REDIS_REPLY_STRING && word_parse(value->str, (gssize)value->len, &candidate->flip))
		return;
	candidate->unread = true;
	shown = value->type == REDIS_REPLY_STRING ? log_escape(value->str, 64) : g_strdup_printf("%lld bytes", value->integer);
	reading_problem(reading, "%s holds \"%s\"; it must be one of P1, P2, P3, resolved, none: the last good state stands", where,
	    shown);
}

static void read_default_flip(Reading *reading, const redisReply *value)
{
	g_autofree char *key = redis_key(reading->store, "incident", NULL);
	Candidate *candidate = find_candidate(reading, "default");

	if (!candidate || value->type == REDIS_REPLY_NIL)
		return;
	if (value->type == REDIS_REPLY_INTEGER || reading_usable(reading, value, key, "string"))
		take_word(reading, candidate, value, key);
	else
		candidate->has_flip = candidate->unread = true;
}

static void read_named_flip(Reading *reading, const char *key, const redisReply *field, const redisReply *value)
{
	const char *name = redis_text(field);
	g_autofree char *shown = log_escape(field->str, 64), *where = g_strdup_printf("field %s of %s", shown, key);
	Candidate *candidate;

	if (!name || !incident_name_valid(name)) {
		reading_problem(reading, "%s has a field \"%s\", which is no name of an incident: up to 32 of a-z, 0-9, _ and -, and none "
		    "of the severity words", key, shown);
		return;
	}
	candidate = find_candidate(reading, name);
	if (candidate)
		take_word(reading, candidate, value, where);
	else
		reading_problem(reading, "%s has more than %d names: \"%s\" is left out", key, INCIDENTS_MAX - 1, shown);
}

static void read_named_flips(Reading *reading, const redisReply *flips, const redisReply *partial)
{
	g_autofree char *key = redis_key(reading->store, "incidents", NULL);

	if (!reading_usable(reading, flips, key, "hash")) {
		for (guint i = 0; i < reading->candidates->len; i++) {
			Candidate *candidate = &g_array_index(reading->candidates, Candidate, i);

			candidate->unread = candidate->unread || strcmp(candidate->name, "default") != 0;
		}
		reading->anything = true;
		return;
	}
	for (gsize i = 0; flips->type == REDIS_REPLY_ARRAY && i + 1 < flips->elements; i += 2)
		if (flips->element[i]->type == REDIS_REPLY_STRING)
			read_named_flip(reading, key, flips->element[i], flips->element[i + 1]);
	if (partial->type == REDIS_REPLY_INTEGER && partial->integer != 0)
		reading_problem(reading, "%s has more than %d fields, or very long ones: only incidents known already are followed; remove what"
		    " is none (HDEL)", key, INCIDENTS_MAX);
}

static void read_pause(Reading *reading, const redisReply *value)
{
	g_autofree char *key = redis_key(reading->store, "pause", NULL), *reason = NULL;

	if (!reading_usable(reading, value, key, "string")) {
		/* Whoever put it there meant to stop something: without anything to go by, it stops. */
		reading->snapshot->pause = g_strdup(reading->last && reading->last->pause ? reading->last->pause : key);
		return;
	}
	if (value->type != REDIS_REPLY_STRING)
		return;
	reason = g_strstrip(g_utf8_make_valid(value->str, (gssize)value->len));
	if (*reason != '\0' && strcmp(reason, "0") != 0 && g_ascii_strcasecmp(reason, "off") != 0)
		reading->snapshot->pause = g_steal_pointer(&reason);
}

static void read_known(Reading *reading, const redisReply *value)
{
	g_autofree char *key = redis_key(reading->store, "known", NULL);

	(void)reading_usable(reading, value, key, "set");
}

/*     life = 1*64( ALPHA / DIGIT / "-" )      joined with the run id of the server, which changes with its every start */
static void read_life(Reading *reading, const redisReply *value)
{
	g_autofree char *key = redis_key(reading->store, "life", NULL);
	const char *life = redis_text(value);

	if (value->type == REDIS_REPLY_NIL || !reading_usable(reading, value, key, "string"))
		return;
	if (!life || *life == '\0' || strlen(life) > 64 ||
	    strspn(life, "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ-") != strlen(life))
		reading_problem(reading, "%s was not written by a node: remove it (DEL)", key);
	else
		reading->snapshot->life = g_strdup_printf("%s/%s", life, link_server_id(reading->store->link));
}

/* --- the whole --- */

static int compare_incidents(gconstpointer a, gconstpointer b)
{
	const char *one = (*(Incident *const *)a)->name, *other = (*(Incident *const *)b)->name;
	bool one_is_default = strcmp(one, "default") == 0, other_is_default = strcmp(other, "default") == 0;

	if (one_is_default != other_is_default)
		return one_is_default ? -1 : 1;
	return strcmp(one, other);
}

static bool had_incident(const Snapshot *last)
{
	for (guint i = 0; last && i < last->incidents->len; i++) {
		if (((Incident *)last->incidents->pdata[i])->state.id)
			return true;
	}
	return false;
}

/* Flip keys and states gone at once is an emptied store, not the end of an incident: the last good incidents stand. That the store was
 * heard says nothing of them: their time stays that of when they were last known to be so. */
static void keep_last(Reading *reading)
{
	Snapshot *snapshot = reading->snapshot;

	g_ptr_array_set_size(snapshot->incidents, 0);
	for (guint i = 0; i < reading->last->incidents->len; i++)
		g_ptr_array_add(snapshot->incidents, incident_copy(reading->last->incidents->pdata[i]));
	if (!snapshot->pause)
		snapshot->pause = g_strdup(reading->last->pause);
	snapshot->taken_at = reading->last->taken_at;
	snapshot->heard_us = reading->last->heard_us;
	snapshot->store_empty = true;
	reading_problem(reading, "the store lost all its incidents at once (store-empty); the last known ones stay until one is "
	    "declared or cleared");
}

static void add_candidates(Reading *reading, const redisReply *answer)
{
	for (gsize i = HEADS; i < answer->elements; i += PARTS) {
		Candidate candidate = { .name = redis_text(answer->element[i]), .parts = answer->element + i, .flip = WORD_NONE };

		/* A severity word among the known names is the work of a strange hand. */
		if (candidate.name && (strcmp(candidate.name, "default") == 0 || incident_name_valid(candidate.name)) &&
		    !find_candidate(reading, candidate.name))
			g_array_append_val(reading->candidates, candidate);
	}
}

static void say_what_vanished(Reading *reading)
{
	for (guint i = 0; i < reading->candidates->len; i++) {
		const Candidate *candidate = &g_array_index(reading->candidates, Candidate, i);

		if (candidate->vanished)
			reading_problem(reading, "state and flip word of incident %s vanished at once: what was last known stands until it is"
			    " declared or cleared", candidate->name);
	}
}

/* Fills a snapshot from what snapshot.lua sent. */
static bool read_answer(Reading *reading, const redisReply *answer, GError **error)
{
	if (answer->type != REDIS_REPLY_ARRAY || answer->elements < HEADS || (answer->elements - HEADS) % PARTS != 0 ||
	    answer->elements > HEADS + INCIDENTS_MAX * PARTS || answer->element[HEAD_NOW]->type != REDIS_REPLY_INTEGER ||
	    answer->element[HEAD_NOW]->integer <= 0 || answer->element[HEAD_NOW]->integer > TIME_MAX_MS)
		return redis_unexpected("reading the incidents", error);
	g_clear_pointer(&reading->snapshot, snapshot_unref);
	reading->snapshot = snapshot_new();
	reading->now_ms = answer->element[HEAD_NOW]->integer;
	reading->anything = false;
	g_array_set_size(reading->candidates, 0);
	add_candidates(reading, answer);
	read_life(reading, answer->element[HEAD_LIFE]);
	read_default_flip(reading, answer->element[HEAD_FLIP]);
	read_named_flips(reading, answer->element[HEAD_FLIPS], answer->element[HEAD_PARTIAL]);
	read_pause(reading, answer->element[HEAD_PAUSE]);
	read_known(reading, answer->element[HEAD_KNOWN]);
	for (guint i = 0; i < reading->candidates->len; i++)
		reading_incident(reading, &g_array_index(reading->candidates, Candidate, i));
	if (reading->anything)
		say_what_vanished(reading);
	return true;
}

/* Runs the transition of one incident; with `more` in the same round trip, whose answer is *after (NULL where there is none). A
 * server that refuses it (out of memory, too few replicas) is no lost one: that is a problem of this incident, put into refused. */
static bool transition(Reading *reading, const char *name, const GPtrArray *more, GPtrArray *refused, redisReply **after,
    GError **error)
{
	RedisStore *store = reading->store;
	const Incident *before = reading_last(reading, name);
	g_autoptr(Snapshot) kept = !before || !before->state.id ? redis_kept(store) : NULL;
	const Snapshot *memory = kept ? kept : reading->last;
	g_autofree char *outside = store_outside(&store->base);
	g_autoptr(GPtrArray) keys = redis_incident_keys(store, name);
	g_autoptr(GPtrArray) args = redis_incident_args(store, name, outside, memory ? snapshot_find(memory, name) : NULL,
	    memory ? redis_memory_age(memory) : 0);
	g_autoptr(GError) inner = NULL;
	g_autoptr(GPtrArray) replies = redis_script_and(store, SCRIPT_TRANSITION, keys, args, more, false, &inner);

	if (!replies && link_is_broken(store->link)) {
		g_propagate_error(error, g_steal_pointer(&inner));
		return false;
	}
	if (!replies)
		g_ptr_array_add(refused, g_strdup_printf("the word of incident %s cannot be acted on: %s", name, inner->message));
	else if (more && replies->len == 2 && ((redisReply *)replies->pdata[1])->type == REDIS_REPLY_ARRAY)
		*after = g_ptr_array_steal_index(replies, 1);
	return true;
}

/* Acts on the flip words that differ from their states and returns what is there then; NULL with error. */
static redisReply *act_on_flips(Reading *reading, const GPtrArray *keys, const GPtrArray *args, GPtrArray *refused, GError **error)
{
	g_autoptr(GPtrArray) again = redis_script_command(reading->store, SCRIPT_SNAPSHOT, keys, args);
	g_autoptr(GPtrArray) more = g_ptr_array_new(), pending = g_ptr_array_new();
	redisReply *after = NULL;

	for (guint i = 0; i < reading->candidates->len; i++) {
		const Candidate *candidate = &g_array_index(reading->candidates, Candidate, i);

		if (candidate->pending)
			g_ptr_array_add(pending, (gpointer)candidate->name);
	}
	g_ptr_array_add(more, again);
	for (guint i = 0; i < pending->len; i++)
		if (!transition(reading, pending->pdata[i], i + 1 == pending->len ? more : NULL, refused, &after, error))
			return NULL;
	return after ? after : redis_script(reading->store, SCRIPT_SNAPSHOT, keys, args, false, error);
}

static bool has_pending(const Reading *reading)
{
	for (guint i = 0; i < reading->candidates->len; i++)
		if (g_array_index(reading->candidates, Candidate, i).pending)
			return true;
	return false;
}

/* What is flipped after we have acted is told by the next change. */
static bool read_all(Reading *reading, GError **error)
{
	g_autoptr(GPtrArray) keys = snapshot_keys(reading->store), args = snapshot_args(reading);
	g_autoptr(GPtrArray) refused = g_ptr_array_new_with_free_func(g_free);
	g_autoptr(redisReply) before = redis_script(reading->store, SCRIPT_SNAPSHOT, keys, args, false, error), after = NULL;

	if (!before || !read_answer(reading, before, error))
		return false;
	if (!has_pending(reading))
		return true;
	after = act_on_flips(reading, keys, args, refused, error);
	if (!after || !read_answer(reading, after, error))
		return false;
	for (guint i = 0; i < refused->len; i++)
		reading_problem(reading, "%s: the last good state stands", (const char *)refused->pdata[i]);
	return true;
}

Snapshot *redis_snapshot(Store *base, const Snapshot *last, GError **error)
{
	g_autoptr(GArray) candidates = g_array_new(FALSE, FALSE, sizeof(Candidate));
	Reading reading = { .store = (RedisStore *)base, .last = last, .candidates = candidates };
	bool ok = read_all(&reading, error);

	if (ok) {
		g_ptr_array_sort(reading.snapshot->incidents, compare_incidents);
		if (!reading.anything && had_incident(last))
			keep_last(&reading);
		return reading.snapshot;
	}
	g_clear_pointer(&reading.snapshot, snapshot_unref);
	return NULL;
}
