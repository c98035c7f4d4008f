/* incident: words, names, texts and the transitions between them (see incident.h). Layer: incident. Pure.
 *
 * incident_transition is what the flip key means over time. The SQLite store runs it inside a transaction; for Redis the same
 * rules stand in store/lua/incident.lua, for there the comparison has to happen in the server. tests/unit/test-store.c runs
 * both through one table. */
#include "incident/incident.h"

#include <string.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/log.h"

#define PROMISE_EARLY_SECONDS 120 /* shorter than any promise made: an update must not keep the one that it makes itself */

static const char *const word_names[] = { "P1", "P2", "P3", "resolved", "none" };

/* g_ascii_isspace does not know the vertical tab; the Lua that reads the same key does. */
static bool is_space(char c)
{
	return g_ascii_isspace(c) || c == '\v';
}

/*     flip = *WSP [ word ] *WSP        word = "P1" / "P2" / "P3" / "resolved" / "none"     (any case) */
bool word_parse(const char *text, gssize size, Word *word)
{
	gsize length = text == NULL ? 0 : size < 0 ? strlen(text) : (gsize)size;

	while (length > 0 && is_space(*text)) {
		text++;
		length--;
	}
	while (length > 0 && is_space(text[length - 1]))
		length--;
	if (length == 0) {
		*word = WORD_NONE;
		return true;
	}
	for (gsize i = 0; i < G_N_ELEMENTS(word_names); i++) {
		if (strlen(word_names[i]) == length && g_ascii_strncasecmp(word_names[i], text, length) == 0) {
			*word = (Word)i;
			return true;
		}
	}
	return false;
}

const char *word_name(Word word)
{
	return word_names[word];
}

/*     NAME = ( a-z / 0-9 ) *31( a-z / 0-9 / "_" / "-" ) */
bool incident_name_valid(const char *name)
{
	Word word;
	gsize size = name != NULL ? strlen(name) : 0;

	if (size < 1 || size > 32 || name[0] == '_' || name[0] == '-')
		return false;
	for (gsize i = 0; i < size; i++)
		if (!g_ascii_islower(name[i]) && !g_ascii_isdigit(name[i]) && name[i] != '_' && name[i] != '-')
			return false;
	return !word_parse(name, -1, &word) && strcmp(name, "default") != 0;
}

bool incident_phase_valid(const char *phase)
{
	static const char *const phases[] = { "investigating", "identified", "monitoring", "resolved", NULL };

	return phase != NULL && g_strv_contains(phases, phase);
}

void incident_state_clear(IncidentState *state)
{
	g_free(state->id);
	memset(state, 0, sizeof *state);
	state->flip = state->word = WORD_NONE;
}

void incident_state_copy(IncidentState *to, const IncidentState *from)
{
	char *id = g_strdup(from->id);

	g_free(to->id);
	*to = *from;
	to->id = id;
}

const char *transition_name(Transition transition)
{
	static const char *const names[] = { "nothing", "opened", "reopened", "severity", "resolved", "ended", "resolved-nothing",
		"continued" };

	return names[transition];
}

char *incident_state_went_back(const char *where, const IncidentState *read, const IncidentState *before, gint64 now_ms)
{
	g_autofree char *read_at = NULL, *before_at = NULL;

	if (before == NULL || read->changed_ms == 0 || before->changed_ms == 0 || read->changed_ms >= before->changed_ms ||
	    before->changed_ms > now_ms + INCIDENT_AHEAD_MAX * 1000)
		return NULL;
	read_at = clock_format(read->changed_ms / 1000);
	before_at = clock_format(before->changed_ms / 1000);
	return g_strdup_printf("%s was written at %s, but this node has seen what was written at %s: the store went back in time; what was last"
	    " known stands until the word is given again (outagectl declare, resolve or clear)", where, read_at, before_at);
}

/* An id is always later than the last one, so that sorting ids sorts incidents, even where a clock was set back. */
static char *next_id(const IncidentState *state, const char *name, gint64 now)
{
	g_autofree char *time = NULL;
	gint64 last, at = now;

	if (clock_parse_compact(state->id, &last) && last >= at)
		at = last + 1;
	time = clock_format_compact(at);
	return g_strdup_printf("%s-%s", time, name);
}

static Transition open_incident(IncidentState *state, const char *name, Word word, gint64 now, gint64 reopen_within)
{
	gint64 ended = state->resolved_at != 0 ? state->resolved_at : state->ended_at;
	/* A clock that was set back makes the end lie ahead: then it was just now. */
	bool reopen = state->id != NULL && ended != 0 && MAX(0, now - ended) < reopen_within;

	state->flip = state->word = word;
	state->resolved_at = state->ended_at = 0;
	if (reopen) {
		state->reopened_at = now;
		return TRANSITION_REOPENED;
	}
	char *id = next_id(state, name, now);
	g_free(state->id);
	state->id = id;
	state->declared_at = now;
	state->reopened_at = 0;
	return TRANSITION_OPENED;
}

Transition incident_transition(IncidentState *state, const char *name, Word word, gint64 now, gint64 reopen_within)
{
	Word before = state->word;

	if (word == state->flip)
		return TRANSITION_NOTHING;
	if (word_is_open(word)) {
		if (!word_is_open(before))
			return open_incident(state, name, word, now, reopen_within);
		state->flip = state->word = word;
		return before == word ? TRANSITION_NOTHING : TRANSITION_SEVERITY;
	}
	state->flip = word;
	if (word == WORD_RESOLVED) {
		if (!word_is_open(before))
			return TRANSITION_RESOLVED_NOTHING;
		state->word = WORD_RESOLVED;
		state->resolved_at = now;
		return TRANSITION_RESOLVED;
	}
	if (before == WORD_NONE)
		return TRANSITION_NOTHING;
	state->word = WORD_NONE;
	state->ended_at = now;
	state->epoch++;
	return TRANSITION_ENDED;
}

static const char *const field_names[TEXT_FIELDS] = {
	[TEXT_TITLE] = "title",
	[TEXT_SCOPE] = "scope",
	[TEXT_COMPONENTS] = "components",
	[TEXT_MATCH] = "match",
	[TEXT_WORKAROUND] = "workaround",
	[TEXT_STATUS_URL] = "status_url",
	[TEXT_NEXT_UPDATE_AT] = "next_update_at",
	[TEXT_ETA] = "eta",
	[TEXT_CAUSE] = "cause",
	[TEXT_FIX] = "fix",
	[TEXT_PREVENTION] = "prevention",
	[TEXT_POSTMORTEM_URL] = "postmortem_url",
	[TEXT_POSTMORTEM_DUE] = "postmortem_due",
	[TEXT_CONTACT] = "contact",
	[TEXT_OFFER] = "offer",
	[TEXT_PHASE] = "phase",
};

const char *text_field_name(TextField field)
{
	return field_names[field];
}

TextField text_field_find(const char *name)
{
	TextField field = 0;

	while (field < TEXT_FIELDS && strcmp(field_names[field], name) != 0)
		field++;
	return field;
}

static bool check_failed(GError **error, TextField field, const char *why)
{
	g_set_error(error, OUTAGE_ERROR, OUTAGE_ERROR_INVALID, "%s %s", field_names[field], why);
	return false;
}

bool text_field_check(TextField field, const char *value, GError **error)
{
	gint64 time;

	if (!g_utf8_validate(value, -1, NULL))
		return check_failed(error, field, "is not valid UTF-8");
	if (strlen(value) > (field == TEXT_MATCH ? 1024 : 4096))
		return check_failed(error, field, field == TEXT_MATCH ? "is longer than 1 KB" : "is longer than 4 KB");
	for (const char *p = value; *p != '\0'; p = g_utf8_next_char(p))
		if (g_unichar_iscntrl(g_utf8_get_char(p)) && *p != '\n' && *p != '\t')
			return check_failed(error, field, "has control characters");
	switch (field) {
	case TEXT_NEXT_UPDATE_AT:
	case TEXT_ETA:
	case TEXT_POSTMORTEM_DUE:
		/* An empty value means unset. */
		if (*value != '\0' && !clock_parse(value, &time))
			return check_failed(error, field, "is no RFC 3339 time such as 2026-11-21T15:10:00Z");
		return true;
	case TEXT_PHASE:
		if (*value != '\0' && !incident_phase_valid(value))
			return check_failed(error, field, "is none of investigating, identified, monitoring, resolved");
		return true;
	default:
		return true;
	}
}

Incident *incident_new(const char *name)
{
	Incident *incident = g_new0(Incident, 1);

	incident->name = g_strdup(name);
	incident->state.flip = incident->state.word = WORD_NONE;
	return incident;
}

Incident *incident_copy(const Incident *from)
{
	Incident *to = incident_new(from->name);

	incident_state_copy(&to->state, &from->state);
	for (TextField field = 0; field < TEXT_FIELDS; field++)
		to->texts[field] = g_strdup(from->texts[field]);
	to->update_text = g_strdup(from->update_text);
	to->update_at = from->update_at;
	return to;
}

void incident_free(Incident *incident)
{
	if (incident == NULL)
		return;
	if (incident->match != NULL && incident->match_free != NULL)
		incident->match_free(incident->match);
	for (int i = 0; i < TEXT_FIELDS; i++)
		g_free(incident->texts[i]);
	incident_state_clear(&incident->state);
	g_free(incident->update_text);
	g_free(incident->name);
	g_free(incident);
}

const char *incident_phase(const Incident *incident)
{
	const char *phase = incident->texts[TEXT_PHASE];

	if (incident->state.word == WORD_RESOLVED)
		return "resolved";
	if (!incident_phase_valid(phase) || strcmp(phase, "resolved") == 0)
		return "investigating";
	return phase;
}

bool incident_is_active(const Incident *incident, gint64 now, gint64 resolved_for)
{
	if (word_is_open(incident->state.word))
		return true;
	return incident->state.word == WORD_RESOLVED && now - incident->state.resolved_at < resolved_for;
}

gint64 incident_on_since(const IncidentState *state)
{
	return MAX(state->declared_at, state->reopened_at);
}

gint64 incident_last_word(const Incident *incident)
{
	return MAX(MAX(incident_on_since(&incident->state), incident->state.resolved_at), incident->update_at);
}

gint64 incident_promise(const Incident *incident, gint64 every)
{
	gint64 named;

	if (!word_is_open(incident->state.word))
		return 0;
	/* An update shortly before the time was the promised one. */
	if (clock_parse(incident->texts[TEXT_NEXT_UPDATE_AT], &named) && incident->update_at < named - PROMISE_EARLY_SECONDS)
		return named;
	return every > 0 ? incident_last_word(incident) + every : 0;
}
