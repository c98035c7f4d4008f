/* redis-reading: one incident out of what snapshot.lua sent, or the last good one where that cannot be trusted. Layer: store, private
 * to redis*.c.
 *
 * A state is not trusted where it is damaged, from the future, older than one that was seen before, or gone together with its flip word:
 * each of these would end an incident that is on, or announce one that is over. What this node last knew stands then, texts and all, and
 * the problem says what to do. A flip word that differs from the state beside it came after it, by a person's hand: it is acted on,
 * and the transition script goes on from what the node remembers (recall() in incident.lua). */
#include "store/redis-reading.h"

#include <string.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/log.h"

#define FORGET_AFTER (30 * 86400) /* seconds after its end; incident.lua prunes outage:known by the same */

typedef enum { STATE_GOOD, STATE_ABSENT, STATE_UNREAD, STATE_OLD } StateKind;

void reading_problem(Reading *reading, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	g_ptr_array_add(reading->snapshot->problems, g_strdup_vprintf(format, ap));
	va_end(ap);
}

bool reading_usable(Reading *reading, const redisReply *value, const char *key, const char *kind)
{
	g_autofree char *shown = NULL;

	if (value->type == REDIS_REPLY_ERROR && strstr(value->str, "WRONGTYPE"))
		reading_problem(reading, "%s is not a %s: what was last read from it stands", key, kind);
	else if (value->type == REDIS_REPLY_ERROR)
		reading_problem(reading, "%s cannot be read (%s): what was last read from it stands", key, (shown = log_escape(value->str, 200)));
	else if (value->type == REDIS_REPLY_INTEGER)
		reading_problem(reading, "%s is too long (%lld bytes): what was last read from it stands", key, value->integer);
	else
		return true;
	return false;
}

const Incident *reading_last(const Reading *reading, const char *name)
{
	return reading->last ? snapshot_find(reading->last, name) : NULL;
}

/* --- the state --- */

static StateKind read_state(Reading *reading, const Candidate *candidate, Incident *incident, char **after)
{
	const redisReply *reply = candidate->parts[PART_STATE];
	g_autofree char *key = redis_key(reading->store, "state:", candidate->name), *why = NULL, *went_back = NULL;
	const Incident *before = reading_last(reading, candidate->name);
	bool any = false;

	if (!reading_usable(reading, reply, key, "hash"))
		return STATE_UNREAD;
	for (guint i = 0; reply->type == REDIS_REPLY_ARRAY && i < reply->elements; i++)
		any = any || reply->element[i]->type != REDIS_REPLY_NIL;
	if (!any)
		return STATE_ABSENT;
	if (reply->elements != STATE_FIELDS ||
	    !redis_state_parse(reply->element, candidate->name, reading->now_ms / 1000, &incident->state, after, &why)) {
		reading_problem(reading, "%s cannot be read (%s): what was last read from it stands until the word is given again (outagectl"
		    " declare, resolve or clear)", key, why ? why : "it has other fields");
		return STATE_UNREAD;
	}
	went_back = incident_state_went_back(key, &incident->state, before ? &before->state : NULL, reading->now_ms);
	if (went_back)
		reading_problem(reading, "%s", went_back);
	return went_back ? STATE_OLD : STATE_GOOD;
}

/* Whether the flip word is still to be acted on. */
static bool is_pending(const Candidate *candidate, StateKind kind, const Incident *incident, const Incident *before)
{
	if (candidate->unread)
		return false;
	switch (kind) {
	case STATE_GOOD:
	case STATE_OLD:
		return candidate->flip != incident->state.flip;
	case STATE_ABSENT:
		return candidate->has_flip && (candidate->flip != WORD_NONE || (before && before->state.id));
	default:
		return before && candidate->flip != before->state.flip;
	}
}

/* --- the texts --- */

static void keep_text(Incident *incident, TextField field, const Incident *before)
{
	if (before && before->state.id && g_strcmp0(before->state.id, incident->state.id) == 0)
		incident->texts[field] = g_strdup(before->texts[field]);
}

static void read_text(Reading *reading, Incident *incident, TextField field, const redisReply *value, const char *key)
{
	const char *text = redis_text(value);
	g_autoptr(GError) bad = NULL;

	if (value->type == REDIS_REPLY_NIL || (text && *text == '\0'))
		return;
	if (text && text_field_check(field, text, &bad)) {
		incident->texts[field] = g_strdup(text);
		return;
	}
	keep_text(incident, field, reading_last(reading, incident->name));
	if (value->type == REDIS_REPLY_INTEGER)
		reading_problem(reading, "%s: %s is %lld bytes long: what was last read from it stands", key, text_field_name(field),
		    value->integer);
	else
		reading_problem(reading, "%s: %s: what was last read from it stands", key, bad ? bad->message : "a value with a NUL byte");
}

/* The answer holds the id of whom the texts are, then the fields. */
static void read_texts(Reading *reading, const Candidate *candidate, Incident *incident)
{
	const redisReply *reply = candidate->parts[PART_TEXTS];
	g_autofree char *key = redis_key(reading->store, "incident:", candidate->name);
	const Incident *before = reading_last(reading, candidate->name);
	const char *id;

	if (!reading_usable(reading, reply, key, "hash")) {
		for (TextField field = 0; field < TEXT_FIELDS; field++)
			keep_text(incident, field, before);
		return;
	}
	if (reply->type != REDIS_REPLY_ARRAY || reply->elements != 1 + TEXT_FIELDS)
		return;
	/* Texts of another incident never speak for this one. */
	id = redis_text(reply->element[0]);
	if (reply->element[0]->type != REDIS_REPLY_NIL && (!id || (*id != '\0' && g_strcmp0(id, incident->state.id) != 0)))
		return;
	for (TextField field = 0; field < TEXT_FIELDS; field++)
		read_text(reading, incident, field, reply->element[1 + field], key);
}

/* --- the newest update --- */

/*     entry id = ms "-" n
 * Returns true where stream id a is later than b (NULL = always). */
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

static bool from_the_future(const Reading *reading, const char *id)
{
	return g_ascii_strtoull(id, NULL, 10) > (guint64)(reading->now_ms + INCIDENT_AHEAD_MAX * 1000);
}

static void keep_update(Incident *incident, const Incident *before)
{
	if (!before || !before->state.id || g_strcmp0(before->state.id, incident->state.id) != 0 ||
	    before->update_at < incident_on_since(&incident->state))
		return;
	incident->update_text = g_strdup(before->update_text);
	incident->update_at = before->update_at;
}

/* after: the newest entry when the incident opened or came back; the time alone would let in what was said earlier in
 * the same second. */
static void read_update(Reading *reading, const Candidate *candidate, Incident *incident, const char *after)
{
	const redisReply *reply = candidate->parts[PART_UPDATE];
	g_autofree char *key = redis_key(reading->store, "updates:", candidate->name);
	const Incident *before = reading_last(reading, candidate->name);
	const char *id, *text;
	g_autoptr(GError) bad = NULL;
	gint64 at;

	if (!reading_usable(reading, reply, key, "stream")) {
		keep_update(incident, before);
		return;
	}
	if (reply->type != REDIS_REPLY_ARRAY || reply->elements != 2 || !(id = redis_text(reply->element[0])))
		return;
	if (from_the_future(reading, id)) {
		reading_problem(reading, "%s: the newest entry says it is from the future: what was read before stands; the next outagectl"
		    " update begins the feed anew", key);
		keep_update(incident, before);
		return;
	}
	at = (gint64)(g_ascii_strtoull(id, NULL, 10) / 1000);
	if (after && from_the_future(reading, after))
		after = NULL;
	if (incident->state.declared_at == 0 || at < incident_on_since(&incident->state) || !later(id, after))
		return;
	text = redis_text(reply->element[1]);
	if (text && text_field_check(TEXT_SCOPE, text, &bad)) {
		incident->update_text = g_strdup(text);
		incident->update_at = at;
		return;
	}
	reading_problem(reading, "%s: the newest entry has no field \"text\" of at most 4 KB of UTF-8 without control characters: what was read"
	    " before stands", key);
	keep_update(incident, before);
}

/* --- the whole incident --- */

static bool is_forgotten(const Reading *reading, const Candidate *candidate, const Incident *incident, StateKind kind)
{
	return !candidate->has_flip && (kind == STATE_ABSENT || kind == STATE_UNREAD ||
	    (incident->state.word == WORD_NONE && incident->state.ended_at + FORGET_AFTER < reading->now_ms / 1000));
}

void reading_incident(Reading *reading, Candidate *candidate)
{
	const Incident *before = reading_last(reading, candidate->name);
	g_autoptr(Incident) incident = incident_new(candidate->name);
	g_autofree char *after = NULL;
	StateKind kind = read_state(reading, candidate, incident, &after);
	bool stands_in;

	/* Nobody takes both away to end it. */
	candidate->vanished = kind == STATE_ABSENT && !candidate->has_flip && before && before->state.word != WORD_NONE;
	candidate->pending = is_pending(candidate, kind, incident, before);
	reading->anything = reading->anything || candidate->has_flip || kind != STATE_ABSENT;
	/* The state in the store is the last good one that all nodes share. Where it is gone or cannot be trusted our own stands in, and then
	 * with its texts: without the state nobody can tell whose those in the store are. */
	stands_in = kind == STATE_UNREAD || kind == STATE_OLD || candidate->vanished ||
	    (kind == STATE_ABSENT && (candidate->unread || (candidate->has_flip && candidate->flip != WORD_NONE)));
	if (stands_in && before) {
		g_ptr_array_add(reading->snapshot->incidents, incident_copy(before));
		return;
	}
	if (is_forgotten(reading, candidate, incident, kind))
		return;
	read_texts(reading, candidate, incident);
	read_update(reading, candidate, incident, after);
	g_ptr_array_add(reading->snapshot->incidents, g_steal_pointer(&incident));
}
