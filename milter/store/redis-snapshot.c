/* redis-snapshot: all incidents read from Redis, and their states brought after the flip key. Layer: store, private
 * to redis*.c.
 *
 * One round trip as a rule: the flip keys, the pause, and state, texts and newest update of every name known from the
 * snapshot before. A second one asks for names that are new. Only where a flip word differs from the state is the
 * transition script run; it decides by what it reads itself, so a snapshot that is a moment old can do no harm. */
#include <string.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/log.h"
#include "store/redis-private.h"

#define INCIDENTS_MAX 64
#define FORGET_AFTER (30 * 86400) /* seconds after its end; incident.lua prunes outage:known by the same */
#define REPLIES_PER_NAME 3        /* state, texts, update */

typedef struct {
	char *name;
	bool has_flip;            /* something is there, readable or not */
	bool unread;              /* ... and it is not readable */
	Word flip;
	GPtrArray *replies;       /* REPLIES_PER_NAME from first on; referenced */
	guint first;
} Candidate;

typedef struct {
	RedisStore *store;
	const Snapshot *last;     /* or NULL */
	Snapshot *snapshot;
	GPtrArray *candidates;    /* Candidate * */
	bool flips_unread;        /* outage:incidents is no hash */
	bool anything;            /* a flip key or a state is there */
} Reading;

static void candidate_free(gpointer data)
{
	Candidate *candidate = data;

	g_free(candidate->name);
	g_clear_pointer(&candidate->replies, g_ptr_array_unref);
	g_free(candidate);
}

static void problem(Reading *reading, const char *format, ...) G_GNUC_PRINTF(2, 3);
static void problem(Reading *reading, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	g_ptr_array_add(reading->snapshot->problems, g_strdup_vprintf(format, ap));
	va_end(ap);
}

/* Returns true where reply can be used. A wrong type is a problem of that key alone (*usable false); any other error
 * ends the reading. */
static bool check_reply(Reading *reading, const redisReply *reply, const char *key, const char *kind, bool *usable,
    GError **error)
{
	g_autoptr(GError) inner = NULL;

	*usable = !link_reply_failed(reading->store->link, reply, &inner);
	if (*usable)
		return true;
	if (!g_error_matches(inner, OUTAGE_ERROR, OUTAGE_ERROR_INVALID)) {
		g_propagate_error(error, g_steal_pointer(&inner));
		return false;
	}
	problem(reading, "%s is not a %s: what was last read from it stands", key, kind);
	return true;
}

static Incident *last_incident(const Reading *reading, const char *name)
{
	return reading->last ? snapshot_find(reading->last, name) : NULL;
}

/* --- asking --- */

/* Returns the REPLIES_PER_NAME commands that read one incident. */
static GPtrArray *name_commands(const RedisStore *store, const char *name)
{
	g_autofree char *state = redis_key(store, "state:", name), *texts = redis_key(store, "incident:", name);
	g_autofree char *updates = redis_key(store, "updates:", name);
	GPtrArray *ask_state = command_new("HMGET", state, NULL), *ask_texts = command_new("HMGET", texts, "id", NULL);
	GPtrArray *commands = g_ptr_array_new_with_free_func((GDestroyNotify)g_ptr_array_unref);

	for (guint i = 0; i < STATE_FIELDS; i++)
		command_add(ask_state, redis_state_fields[i]);
	for (TextField field = 0; field < TEXT_FIELDS; field++)
		command_add(ask_texts, text_field_name(field));
	g_ptr_array_add(commands, ask_state);
	g_ptr_array_add(commands, ask_texts);
	g_ptr_array_add(commands, command_new("XREVRANGE", updates, "+", "-", "COUNT", "1", NULL));
	return commands;
}

static void push_name(Reading *reading, const char *name)
{
	g_autoptr(GPtrArray) commands = name_commands(reading->store, name);

	for (guint i = 0; i < commands->len; i++)
		link_push(reading->store->link, commands->pdata[i]);
}

static GPtrArray *run(Reading *reading, GError **error)
{
	/* Nothing but reading is in here: nothing can be left half done. */
	return link_run(reading->store->link, reading->store->base.config->store_timeout, false, error);
}

static Candidate *find_candidate(const Reading *reading, const char *name)
{
	for (guint i = 0; i < reading->candidates->len; i++) {
		Candidate *candidate = reading->candidates->pdata[i];

		if (strcmp(candidate->name, name) == 0)
			return candidate;
	}
	return NULL;
}

/* Returns the candidate of that name, made where it is new; NULL where there are too many. */
static Candidate *add_candidate(Reading *reading, const char *name)
{
	Candidate *candidate = find_candidate(reading, name);

	if (candidate || reading->candidates->len >= INCIDENTS_MAX)
		return candidate;
	candidate = g_new0(Candidate, 1);
	candidate->name = g_strdup(name);
	candidate->flip = WORD_NONE;
	g_ptr_array_add(reading->candidates, candidate);
	return candidate;
}

static void push_first_round(Reading *reading)
{
	static const struct {
		const char *command, *key;
	} base[] = { { "GET", "incident" }, { "HGETALL", "incidents" }, { "GET", "pause" }, { "SMEMBERS", "known" } };

	for (guint i = 0; i < G_N_ELEMENTS(base); i++) {
		g_autofree char *key = redis_key(reading->store, base[i].key, NULL);
		g_autoptr(GPtrArray) command = command_new(base[i].command, key, NULL);

		link_push(reading->store->link, command);
	}
	add_candidate(reading, "default");
	for (guint i = 0; reading->last && i < reading->last->incidents->len; i++)
		add_candidate(reading, ((Incident *)reading->last->incidents->pdata[i])->name);
	for (guint i = 0; i < reading->candidates->len; i++)
		push_name(reading, ((Candidate *)reading->candidates->pdata[i])->name);
}

static void take_replies(Reading *reading, guint from, GPtrArray *replies, guint first)
{
	for (guint i = from; i < reading->candidates->len; i++, first += REPLIES_PER_NAME) {
		Candidate *candidate = reading->candidates->pdata[i];

		candidate->replies = g_ptr_array_ref(replies);
		candidate->first = first;
	}
}

static bool ask_new_names(Reading *reading, guint from, GError **error)
{
	g_autoptr(GPtrArray) replies = NULL;

	if (from == reading->candidates->len)
		return true;
	for (guint i = from; i < reading->candidates->len; i++)
		push_name(reading, ((Candidate *)reading->candidates->pdata[i])->name);
	replies = run(reading, error);
	if (replies)
		take_replies(reading, from, replies, 0);
	return replies != NULL;
}

/* --- the flip keys and the pause --- */

static void take_word(Reading *reading, Candidate *candidate, const redisReply *value, const char *where)
{
	g_autofree char *shown = NULL;

	candidate->has_flip = reading->anything = true;
	if (word_parse(value->str, (gssize)value->len, &candidate->flip))
		return;
	candidate->unread = true;
	shown = log_escape(value->str, 64);
	problem(reading, "%s holds \"%s\"; it must be one of P1, P2, P3, resolved, none: the last good state stands", where,
	    shown);
}

static bool read_default_flip(Reading *reading, const redisReply *reply, GError **error)
{
	g_autofree char *key = redis_key(reading->store, "incident", NULL);
	Candidate *candidate = find_candidate(reading, "default");
	bool usable;

	if (!check_reply(reading, reply, key, "string", &usable, error))
		return false;
	if (!usable)
		candidate->has_flip = candidate->unread = reading->anything = true;
	else if (reply->type == REDIS_REPLY_STRING)
		take_word(reading, candidate, reply, key);
	return true;
}

static void read_named_flip(Reading *reading, const char *key, const redisReply *field, const redisReply *value)
{
	const char *name = redis_text(field);
	g_autofree char *shown = log_escape(field->str, 64), *where = g_strdup_printf("field %s of %s", shown, key);
	Candidate *candidate;

	if (!name || !incident_name_valid(name)) {
		problem(reading, "%s has a field \"%s\", which is no name of an incident: up to 32 of a-z, 0-9, _ and -, and none "
		    "of the severity words", key, shown);
		return;
	}
	candidate = add_candidate(reading, name);
	if (candidate)
		take_word(reading, candidate, value, where);
	else
		problem(reading, "%s has more than %d names: \"%s\" is left out", key, INCIDENTS_MAX - 1, shown);
}

static bool read_named_flips(Reading *reading, const redisReply *reply, GError **error)
{
	g_autofree char *key = redis_key(reading->store, "incidents", NULL);
	bool usable;

	if (!check_reply(reading, reply, key, "hash", &usable, error))
		return false;
	reading->flips_unread = !usable;
	reading->anything = reading->anything || !usable;
	for (gsize i = 0; usable && i + 1 < reply->elements; i += 2)
		read_named_flip(reading, key, reply->element[i], reply->element[i + 1]);
	return true;
}

static bool read_pause(Reading *reading, const redisReply *reply, GError **error)
{
	g_autofree char *key = redis_key(reading->store, "pause", NULL), *reason = NULL;
	bool usable;

	if (!check_reply(reading, reply, key, "string", &usable, error))
		return false;
	if (!usable) {
		/* Whoever put it there meant to stop something: without anything to go by, it stops. */
		reading->snapshot->pause = g_strdup(reading->last ? reading->last->pause : key);
		return true;
	}
	if (reply->type != REDIS_REPLY_STRING)
		return true;
	reason = g_strstrip(g_utf8_make_valid(reply->str, (gssize)reply->len));
	if (*reason != '\0' && strcmp(reason, "0") != 0 && g_ascii_strcasecmp(reason, "off") != 0)
		reading->snapshot->pause = g_steal_pointer(&reason);
	return true;
}

/* Names whose flip field may be gone while their state is not. */
static bool read_known(Reading *reading, const redisReply *reply, GError **error)
{
	g_autofree char *key = redis_key(reading->store, "known", NULL);
	bool usable;

	if (!check_reply(reading, reply, key, "set", &usable, error))
		return false;
	for (gsize i = 0; usable && i < reply->elements; i++) {
		const char *name = redis_text(reply->element[i]);

		if (name && incident_name_valid(name))
			add_candidate(reading, name);
	}
	return true;
}

/* --- one incident --- */

static bool read_texts(Reading *reading, Incident *incident, const redisReply *reply, GError **error)
{
	g_autofree char *key = redis_key(reading->store, "incident:", incident->name);
	const Incident *before = last_incident(reading, incident->name);
	const char *id;
	bool usable;

	if (!check_reply(reading, reply, key, "hash", &usable, error))
		return false;
	if (!usable) {
		bool same = before && g_strcmp0(before->state.id, incident->state.id) == 0;

		for (TextField field = 0; same && field < TEXT_FIELDS; field++)
			incident->texts[field] = g_strdup(before->texts[field]);
		return true;
	}
	if (reply->type != REDIS_REPLY_ARRAY || reply->elements != 1 + TEXT_FIELDS)
		return redis_unexpected("HMGET", error);
	/* Texts of another incident never speak for this one. */
	id = redis_text(reply->element[0]);
	if (reply->element[0]->type != REDIS_REPLY_NIL && (!id || (*id != '\0' && g_strcmp0(id, incident->state.id) != 0)))
		return true;
	for (TextField field = 0; field < TEXT_FIELDS; field++) {
		const redisReply *value = reply->element[1 + field];
		const char *text = redis_text(value);
		g_autoptr(GError) bad = NULL;

		if (value->type == REDIS_REPLY_NIL || value->len == 0)
			continue;
		if (text && text_field_check(field, text, &bad))
			incident->texts[field] = g_strdup(text);
		else
			problem(reading, "%s: %s: left out", key, bad ? bad->message : "a value with a NUL byte");
	}
	return true;
}

/* Returns true where stream id a is later than b (NULL = always). */
static bool later(const char *a, const char *b)
{
	guint64 ms[2] = { 0, 0 }, n[2] = { 0, 0 };
	const char *ids[2] = { a, b };

	for (guint i = 0; b && i < 2; i++) {
		char *end;

		ms[i] = g_ascii_strtoull(ids[i], &end, 10);
		n[i] = *end == '-' ? g_ascii_strtoull(end + 1, NULL, 10) : 0;
	}
	return !b || ms[0] > ms[1] || (ms[0] == ms[1] && n[0] > n[1]);
}

/* after: the newest entry when the incident opened or came back; the time alone would let in what was said earlier in
 * the same second. */
static bool read_update(Reading *reading, Incident *incident, const char *after, const redisReply *reply,
    GError **error)
{
	g_autofree char *key = redis_key(reading->store, "updates:", incident->name);
	const redisReply *entry;
	g_autoptr(GError) bad = NULL;
	const char *id, *text;
	gint64 at;
	bool usable;

	if (!check_reply(reading, reply, key, "stream", &usable, error))
		return false;
	entry = usable && reply->elements == 1 ? reply->element[0] : NULL;
	if (!entry || entry->elements != 2 || !(id = redis_text(entry->element[0])))
		return true;
	at = (gint64)(g_ascii_strtoull(id, NULL, 10) / 1000);
	if (incident->state.declared_at == 0 || at < incident_on_since(&incident->state) || !later(id, after))
		return true;
	text = redis_field(entry->element[1], "text");
	if (text && text_field_check(TEXT_SCOPE, text, &bad)) {
		incident->update_text = g_strdup(text);
		incident->update_at = at;
	} else {
		problem(reading, "%s: the newest entry has no field \"text\" of at most 4 KB of UTF-8 without control "
		    "characters: left out", key);
	}
	return true;
}

/* Runs the script and, in the same round trip, asks again for the texts, which it may have moved. */
static bool follow_flip(Reading *reading, Candidate *candidate, Incident *incident, char **after, GError **error)
{
	RedisStore *store = reading->store;
	g_autoptr(GPtrArray) keys = redis_incident_keys(store, candidate->name), more = name_commands(store, candidate->name);
	g_autoptr(GPtrArray) args = redis_incident_args(store, candidate->name, store->base.node);
	g_autoptr(GPtrArray) replies = redis_script_and(store, SCRIPT_TRANSITION, keys, args, more, false, error);
	const redisReply *answer;

	if (!replies)
		return false;
	answer = replies->pdata[0];
	if (answer->elements > 0 && g_strcmp0(redis_text(answer->element[0]), "unread") == 0) {
		/* Changed under our eyes; the invalidation of that change is already on its way. */
		problem(reading, "the word of incident %s cannot be read: the last good state stands", candidate->name);
		return true;
	}
	if (answer->type != REDIS_REPLY_ARRAY || answer->elements != 2 + STATE_FIELDS)
		return redis_unexpected("the transition", error);
	g_clear_pointer(after, g_free);
	redis_state_parse(answer->element + 2, &incident->state, after);
	g_ptr_array_unref(candidate->replies);
	candidate->replies = g_steal_pointer(&replies);
	candidate->first = 1;
	return true;
}

/* Everything but the compiled match, which belongs to the snapshot it was made for. */
static Incident *copy_incident(const Incident *from)
{
	Incident *to = incident_new(from->name);

	incident_state_copy(&to->state, &from->state);
	for (TextField field = 0; field < TEXT_FIELDS; field++)
		to->texts[field] = g_strdup(from->texts[field]);
	to->update_text = g_strdup(from->update_text);
	to->update_at = from->update_at;
	return to;
}

/* Reads one incident; *found: there is a state, or what stands in for it. NULL with error. */
static Incident *read_incident(Reading *reading, Candidate *candidate, bool *found, GError **error)
{
	const redisReply *reply = candidate->replies->pdata[candidate->first];
	g_autofree char *key = redis_key(reading->store, "state:", candidate->name), *after = NULL;
	g_autoptr(Incident) incident = incident_new(candidate->name);
	const Incident *before = last_incident(reading, candidate->name);
	bool usable;

	if (!check_reply(reading, reply, key, "hash", &usable, error))
		return NULL;
	if (usable && (reply->type != REDIS_REPLY_ARRAY || reply->elements != STATE_FIELDS)) {
		redis_unexpected("HMGET", error);
		return NULL;
	}
	*found = usable ? redis_state_parse(reply->element, &incident->state, &after) : before != NULL;
	/* The state in the store is the last good one that all nodes share. Only where it is gone or unreadable does our own
	 * stand in, and then with its texts: without the state nobody can tell whose those in the store are. */
	if (before && (!usable || (candidate->unread && !*found))) {
		*found = true;
		return copy_incident(before);
	}
	if (usable && !candidate->unread && candidate->flip != incident->state.flip) {
		*found = true;
		if (!follow_flip(reading, candidate, incident, &after, error))
			return NULL;
	}
	if (!read_texts(reading, incident, candidate->replies->pdata[candidate->first + 1], error) ||
	    !read_update(reading, incident, after, candidate->replies->pdata[candidate->first + 2], error))
		return NULL;
	return g_steal_pointer(&incident);
}

static bool read_candidate(Reading *reading, Candidate *candidate, GError **error)
{
	g_autoptr(Incident) incident = NULL;
	bool found = false;

	if (reading->flips_unread && strcmp(candidate->name, "default") != 0)
		candidate->unread = true;
	incident = read_incident(reading, candidate, &found, error);
	if (!incident)
		return false;
	reading->anything = reading->anything || found;
	if (!candidate->has_flip && (!found || (incident->state.word == WORD_NONE &&
	    incident->state.ended_at + FORGET_AFTER < clock_now())))
		return true;
	g_ptr_array_add(reading->snapshot->incidents, g_steal_pointer(&incident));
	return true;
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

/* Flip keys and states gone at once is an emptied store, not the end of an incident: the last good incidents stand. */
static void keep_last(Reading *reading)
{
	Snapshot *snapshot = reading->snapshot;

	g_ptr_array_set_size(snapshot->incidents, 0);
	for (guint i = 0; i < reading->last->incidents->len; i++)
		g_ptr_array_add(snapshot->incidents, copy_incident(reading->last->incidents->pdata[i]));
	if (!snapshot->pause)
		snapshot->pause = g_strdup(reading->last->pause);
	snapshot->store_empty = true;
	problem(reading, "the store lost all its incidents at once (store-empty); the last known ones stay until one is "
	    "declared or cleared");
}

static bool read_all(Reading *reading, GError **error)
{
	g_autoptr(GPtrArray) replies = NULL;
	guint asked;

	push_first_round(reading);
	asked = reading->candidates->len;
	replies = run(reading, error);
	if (!replies)
		return false;
	take_replies(reading, 0, replies, replies->len - asked * REPLIES_PER_NAME);
	if (!read_default_flip(reading, replies->pdata[0], error) || !read_named_flips(reading, replies->pdata[1], error) ||
	    !read_pause(reading, replies->pdata[2], error) || !read_known(reading, replies->pdata[3], error) ||
	    !ask_new_names(reading, asked, error))
		return false;
	for (guint i = 0; i < reading->candidates->len; i++) {
		if (!read_candidate(reading, reading->candidates->pdata[i], error))
			return false;
	}
	return true;
}

Snapshot *redis_snapshot(Store *base, const Snapshot *last, GError **error)
{
	g_autoptr(Snapshot) snapshot = snapshot_new();
	g_autoptr(GPtrArray) candidates = g_ptr_array_new_with_free_func(candidate_free);
	Reading reading = { .store = (RedisStore *)base, .last = last, .snapshot = snapshot, .candidates = candidates };

	if (!read_all(&reading, error))
		return NULL;
	g_ptr_array_sort(snapshot->incidents, compare_incidents);
	if (!reading.anything && had_incident(last))
		keep_last(&reading);
	return g_steal_pointer(&snapshot);
}
