/* redis-incident: the state of an incident as it lies in Redis, and the operator's writes. Layer: store, private to redis*.c.
 *
 * A state is written by nodes only, whole, by store/lua/incident.lua. What reads otherwise was damaged: it is no state at all,
 * rather than one of guesses, and the Lua judges by the same rules as redis_state_parse() here. */
#include <string.h>

#include "base/clock.h"
#include "base/error.h"
#include "store/keep.h"
#include "store/redis-private.h"

#define EPOCH_DIGITS 15 /* what Lua's numbers hold exactly */

const char *const redis_state_fields[STATE_FIELDS] = {
	"word", "flip", "id", "declared_at", "reopened_at", "resolved_at", "ended_at", "epoch", "updates_after", "changed_at",
};

/* --- reading a state --- */

/* A time stands there in the one form that nodes write. */
static bool parse_time(const char *text, gint64 now, gint64 *seconds)
{
	g_autofree char *written = NULL;

	*seconds = 0;
	if (!text)
		return true;
	if (!clock_parse(text, seconds) || *seconds > now + INCIDENT_AHEAD_MAX)
		return false;
	written = clock_format(*seconds);
	return strcmp(written, text) == 0;
}

/*     number = 1*15DIGIT */
static bool parse_number(const char *text, guint64 *number)
{
	return text && strlen(text) <= EPOCH_DIGITS && g_ascii_string_to_unsigned(text, 10, 0, G_MAXINT64, number, NULL);
}

static bool valid_id(const char *id, const char *name, gint64 now)
{
	g_autofree char *time = NULL, *written = NULL;
	gint64 seconds;

	if (!clock_parse_compact(id, &seconds) || seconds > now + INCIDENT_AHEAD_MAX)
		return false;
	time = clock_format_compact(seconds);
	written = g_strdup_printf("%s-%s", time, name);
	return strcmp(written, id) == 0;
}

/*     updates_after = 1*DIGIT "-" 1*DIGIT */
static bool valid_stream_id(const char *text)
{
	gsize ms = strspn(text, "0123456789");
	gsize n = text[ms] == '-' ? strspn(text + ms + 1, "0123456789") : 0;

	return ms > 0 && n > 0 && text[ms + 1 + n] == '\0';
}

/* Takes the texts of the fields out of the replies; false where one is none. */
static bool take_fields(redisReply *const values[STATE_FIELDS], const char *text[STATE_FIELDS], char **why)
{
	for (guint i = 0; i < STATE_FIELDS; i++) {
		text[i] = redis_text(values[i]);
		if (text[i] || values[i]->type == REDIS_REPLY_NIL)
			continue;
		if (values[i]->type == REDIS_REPLY_INTEGER)
			*why = g_strdup_printf("its field %s is %lld bytes long", redis_state_fields[i], values[i]->integer);
		else
			*why = g_strdup_printf("its field %s is no text", redis_state_fields[i]);
		return false;
	}
	return true;
}

static bool fill_times(const char *const text[STATE_FIELDS], gint64 now, IncidentState *state, char **why)
{
	const struct { guint field; gint64 *to; } times[] = {
		{ STATE_DECLARED_AT, &state->declared_at }, { STATE_REOPENED_AT, &state->reopened_at },
		{ STATE_RESOLVED_AT, &state->resolved_at }, { STATE_ENDED_AT, &state->ended_at },
	};

	for (guint i = 0; i < G_N_ELEMENTS(times); i++) {
		if (!parse_time(text[times[i].field], now, times[i].to)) {
			*why = g_strdup_printf("its field %s is no time that has been", redis_state_fields[times[i].field]);
			return false;
		}
	}
	return true;
}

/* The changed_at of a clock that was far ahead would make every later state look old: it counts as unknown. */
static bool fill_numbers(const char *const text[STATE_FIELDS], gint64 now, IncidentState *state, char **why)
{
	guint64 changed = 0;

	if (!parse_number(text[STATE_EPOCH], &state->epoch))
		*why = g_strdup("its field epoch is no number, or missing");
	else if (text[STATE_CHANGED_AT] && !parse_number(text[STATE_CHANGED_AT], &changed))
		*why = g_strdup("its field changed_at is no number");
	state->changed_ms = (gint64)changed > (now + INCIDENT_AHEAD_MAX) * 1000 ? 0 : (gint64)changed;
	return *why == NULL;
}

/* The word in the one form that nodes write. */
static bool parse_state_word(const char *text, Word *word)
{
	return text && *text != '\0' && word_parse(text, -1, word) && strcmp(text, word_name(*word)) == 0;
}

static bool fill_words(const char *const text[STATE_FIELDS], const char *name, gint64 now, IncidentState *state, char **why)
{
	const char *id = text[STATE_ID];

	if (!parse_state_word(text[STATE_WORD], &state->word) || !parse_state_word(text[STATE_FLIP], &state->flip))
		*why = g_strdup("its fields word and flip are no words, or missing");
	else if (state->word != state->flip && !(state->word == WORD_NONE && state->flip == WORD_RESOLVED))
		*why = g_strdup("its fields word and flip do not go together");
	else if (id && !valid_id(id, name, now))
		*why = g_strdup_printf("its field id is no id of an incident %s", name);
	else if (state->word != WORD_NONE && (!id || state->declared_at == 0))
		*why = g_strdup_printf("it says %s without id and declared_at", word_name(state->word));
	else if (state->word == WORD_RESOLVED && state->resolved_at == 0)
		*why = g_strdup("it says resolved without resolved_at");
	else if (state->word == WORD_NONE && id && state->ended_at == 0)
		*why = g_strdup("it says none without ended_at");
	else if (text[STATE_UPDATES_AFTER] && !valid_stream_id(text[STATE_UPDATES_AFTER]))
		*why = g_strdup("its field updates_after is no id of an entry");
	else
		state->id = g_strdup(id);
	return *why == NULL;
}

bool redis_state_parse(redisReply *const values[STATE_FIELDS], const char *name, gint64 now, IncidentState *state,
    char **updates_after, char **why)
{
	const char *text[STATE_FIELDS];

	*why = NULL;
	incident_state_clear(state);
	if (!take_fields(values, text, why) || !fill_times(text, now, state, why) || !fill_numbers(text, now, state, why) ||
	    !fill_words(text, name, now, state, why)) {
		incident_state_clear(state);
		return false;
	}
	if (updates_after)
		*updates_after = g_strdup(text[STATE_UPDATES_AFTER]);
	return true;
}

/* --- the scripts of incident.lua --- */

GPtrArray *redis_incident_keys(const RedisStore *store, const char *name)
{
	GPtrArray *keys = g_ptr_array_new_with_free_func(g_free);

	g_ptr_array_add(keys, redis_key(store, strcmp(name, "default") == 0 ? "incident" : "incidents", NULL));
	g_ptr_array_add(keys, redis_key(store, "state:", name));
	g_ptr_array_add(keys, redis_key(store, "incident:", name));
	g_ptr_array_add(keys, redis_key(store, "events", NULL));
	g_ptr_array_add(keys, redis_key(store, "known", NULL));
	g_ptr_array_add(keys, redis_key(store, "updates:", name));
	return keys;
}

static void add_time(GPtrArray *args, gint64 seconds)
{
	g_autofree char *text = seconds != 0 ? clock_format(seconds) : NULL;

	command_add(args, text);
}

/* In the order of STATE_FIELDS. What the feed held when it began is not remembered: its time alone tells then. */
static void add_hint(GPtrArray *args, const IncidentState *state)
{
	g_autofree char *epoch = g_strdup_printf("%" G_GUINT64_FORMAT, state->epoch);
	g_autofree char *changed = g_strdup_printf("%" G_GINT64_FORMAT, state->changed_ms);

	command_add(args, word_name(state->word));
	command_add(args, word_name(state->flip));
	command_add(args, state->id);
	add_time(args, state->declared_at);
	add_time(args, state->reopened_at);
	add_time(args, state->resolved_at);
	add_time(args, state->ended_at);
	command_add(args, epoch);
	command_add(args, "");
	command_add(args, changed);
}

GPtrArray *redis_incident_args(const RedisStore *store, const char *name, const char *by, const Incident *hint, gint64 age)
{
	const Config *config = store->base.config;
	GPtrArray *args = command_new(config->store_prefix, name, by ? by : "", NULL);

	command_add_int(args, config->reopen_within / 1000);
	command_add_int(args, MAX(config->retention / 1000, 1));
	if (hint && hint->state.id)
		add_hint(args, &hint->state);
	else
		for (guint i = 0; i < STATE_FIELDS; i++)
			command_add(args, "");
	command_add_int(args, age);
	return args;
}

Snapshot *redis_kept(const RedisStore *store)
{
	g_autofree char *path = keep_path(store->base.config);

	return keep_load(path, NULL);
}

gint64 redis_memory_age(const Snapshot *memory)
{
	return memory->heard_us != 0 ? snapshot_age(memory, clock_mono_us()) : MAX(0, clock_now() - memory->taken_at);
}

/* --- the operator's writes --- */

static void add_texts(GPtrArray *args, char *const texts[TEXT_FIELDS])
{
	for (TextField field = 0; texts && field < TEXT_FIELDS; field++) {
		if (texts[field]) {
			command_add(args, text_field_name(field));
			command_add(args, texts[field]);
		}
	}
}

bool redis_set_word(Store *base, const char *name, Word word, char *const texts[TEXT_FIELDS], WordCondition *condition,
    const char *by, IncidentState *out, GError **error)
{
	RedisStore *store = (RedisStore *)base;
	g_autoptr(Snapshot) kept = redis_kept(store);
	g_autoptr(GPtrArray) keys = redis_incident_keys(store, name);
	g_autoptr(GPtrArray) args = redis_incident_args(store, name, by, kept ? snapshot_find(kept, name) : NULL,
	    kept ? redis_memory_age(kept) : 0);
	g_autoptr(redisReply) reply = NULL;
	g_autofree char *why = NULL;

	command_add(args, word_name(word));
	if (condition) {
		g_autofree char *unmoved = g_strdup_printf("?%" G_GINT64_FORMAT, condition->changed_ms);

		command_add(args, unmoved);
	}
	add_texts(args, texts);
	reply = redis_script(store, SCRIPT_SET_WORD, keys, args, true, error);
	if (!reply)
		return false;
	if (condition) {
		condition->moved = reply->type == REDIS_REPLY_ARRAY && reply->elements == 1;
		if (condition->moved)
			return true;
	}
	if (reply->type != REDIS_REPLY_ARRAY || reply->elements != 2 + STATE_FIELDS)
		return redis_unexpected("setting the word", error);
	if (out && !redis_state_parse(reply->element + 2, name, G_MAXINT64 / 1000 - INCIDENT_AHEAD_MAX, out, NULL, &why))
		return redis_unexpected("setting the word", error);
	return true;
}

bool redis_set_texts(Store *base, const char *name, char *const texts[TEXT_FIELDS], const char *by, GError **error)
{
	RedisStore *store = (RedisStore *)base;
	g_autoptr(GPtrArray) keys = redis_incident_keys(store, name);
	g_autoptr(GPtrArray) args = redis_incident_args(store, name, by, NULL, 0);
	g_autoptr(redisReply) reply = NULL;

	add_texts(args, texts);
	reply = redis_script(store, SCRIPT_SET_TEXTS, keys, args, true, error);
	return reply != NULL;
}

bool redis_add_update(Store *base, const char *name, const char *text, const char *by, GError **error)
{
	RedisStore *store = (RedisStore *)base;
	g_autoptr(GPtrArray) keys = g_ptr_array_new_with_free_func(g_free);
	g_autoptr(GPtrArray) args = command_new(name, text, by ? by : "", NULL);
	g_autoptr(redisReply) reply = NULL;

	g_ptr_array_add(keys, redis_key(store, "updates:", name));
	g_ptr_array_add(keys, redis_key(store, "events", NULL));
	g_ptr_array_add(keys, redis_key(store, "state:", name));
	reply = redis_script(store, SCRIPT_ADD_UPDATE, keys, args, true, error);
	return reply != NULL;
}

bool redis_set_pause(Store *base, const char *reason, const char *by, GError **error)
{
	RedisStore *store = (RedisStore *)base;
	g_autoptr(GPtrArray) keys = g_ptr_array_new_with_free_func(g_free);
	g_autoptr(GPtrArray) args = command_new(reason ? reason : "", by ? by : "", NULL);
	g_autoptr(redisReply) reply = NULL;

	g_ptr_array_add(keys, redis_key(store, "pause", NULL));
	g_ptr_array_add(keys, redis_key(store, "events", NULL));
	g_ptr_array_add(keys, redis_key(store, "seen:pause", NULL));
	reply = redis_script(store, SCRIPT_SET_PAUSE, keys, args, true, error);
	return reply != NULL;
}
