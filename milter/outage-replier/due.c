/* due: see due.h. Layer: program. */
#include "outage-replier/due.h"

#include <string.h>

#include "base/call.h"
#include "base/clock.h"
#include "reply/clean.h"
#include "store/audience.h"

/* What is older is no news any more: a replier that was away for longer does not tell of it. */
#define FEED_SECONDS 3600
#define DIGEST_DIGITS 8
#define VALUE_CHARS 500 /* of one value that a page names */

/* --- notices --- */

const char *due_notice_over(const char *letter, const char *id, guint64 epoch, const IncidentState *state)
{
	if (state == NULL || g_strcmp0(state->id, id) != 0)
		return "another incident has begun";
	if (state->epoch != epoch)
		return "the incident was ended";
	if (g_str_has_prefix(letter, "update-") && !word_is_open(state->word))
		return "the incident was resolved";
	if (g_str_has_prefix(letter, "resolved-") && word_is_open(state->word))
		return "the incident was reopened";
	return NULL;
}

/* --- the feed --- */

/*     detail = WORD SP ID                  ID = time "-" name (base/clock.h)
 * Returns the id of a transition's event, or NULL. *word is set where there is one. Caller frees. */
static char *read_detail(const StoreEvent *event, Word *word)
{
	const char *space = event->detail != NULL ? strchr(event->detail, ' ') : NULL;
	g_autofree char *ending = g_strconcat("-", event->name, NULL);
	gint64 time;

	if (space == NULL || !word_parse(event->detail, space - event->detail, word) || !clock_parse_compact(space + 1, &time))
		return NULL;
	return g_str_has_suffix(space + 1, ending) ? g_strdup(space + 1) : NULL;
}

/* Returns what has happened, in a phrase, or NULL where it is nothing for the feed. Caller frees. */
static char *phrase(const StoreEvent *event, Word word)
{
	if (strcmp(event->what, transition_name(TRANSITION_OPENED)) == 0)
		return g_strdup_printf("%s declared", word_name(word));
	if (strcmp(event->what, transition_name(TRANSITION_REOPENED)) == 0)
		return g_strdup_printf("%s declared again", word_name(word));
	if (strcmp(event->what, transition_name(TRANSITION_SEVERITY)) == 0)
		return g_strdup_printf("severity changed to %s", word_name(word));
	if (strcmp(event->what, transition_name(TRANSITION_RESOLVED)) == 0)
		return g_strdup("resolved");
	if (strcmp(event->what, transition_name(TRANSITION_ENDED)) == 0)
		return g_strdup("ended");
	if (strcmp(event->what, "update") == 0)
		return g_strdup_printf("update\n%s", event->detail != NULL ? event->detail : "");
	return NULL;
}

/*     letter = "feed-" seconds "-" 8HEXDIG             the digest of what the event says: two may come within a second */
static char *feed_letter(const StoreEvent *event)
{
	g_autofree char *said = g_strdup_printf("%" G_GINT64_FORMAT "|%s|%s|%s", event->at, event->what, event->name,
	    event->detail != NULL ? event->detail : "");
	g_autofree char *digest = g_compute_checksum_for_string(G_CHECKSUM_SHA256, said, -1);

	return g_strdup_printf("feed-%" G_GINT64_FORMAT "-%.*s", event->at, DIGEST_DIGITS, digest);
}

/* Returns the id of the incident that the event is about, or NULL where it cannot be told; *word: its severity then. Caller frees. */
static char *id_of(const StoreEvent *event, const Incident *incident, Word *word)
{
	if (strcmp(event->what, "update") != 0)
		return read_detail(event, word);
	/* An update does not say whose it is: what was said before this incident began was of the one before. */
	if (incident == NULL || incident->state.id == NULL || incident_on_since(&incident->state) > event->at)
		return NULL;
	*word = incident->state.word;
	return g_strdup(incident->state.id);
}

ClaimRequest *due_feed_request(const Config *config, const StoreEvent *event, const Incident *incident, const char *recipient, gint64 now)
{
	Word word = WORD_NONE;
	g_autofree char *id = NULL, *text = NULL, *support = NULL;
	ClaimRequest *request;

	if (event->what == NULL || event->name == NULL ||
	    (strcmp(event->name, "default") != 0 && !incident_name_valid(event->name)) || event->at < now - FEED_SECONDS ||
	    event->at > now + FEED_SECONDS)
		return NULL;
	support = audience_support(config, event->name);
	id = support != NULL ? id_of(event, incident, &word) : NULL;
	text = id != NULL ? phrase(event, word) : NULL;
	request = text != NULL ? audience_letter(LETTER_STAFF, recipient, event->name, id, word) : NULL;
	if (request == NULL)
		return NULL;
	request->letter = feed_letter(event);
	request->support = g_steal_pointer(&support);
	request->language = g_strdup(config->language);
	request->text = g_steal_pointer(&text);
	request->written_at = event->at;
	return request;
}

/* --- pages --- */

bool due_page(const Config *config, const StoredNote *note, gint64 now)
{
	if (note->pages >= (guint)config->page_times)
		return false;
	return note->pages == 0 || now - note->paged_at >= config->page_repeat / 1000;
}

bool due_page_holds(const Config *config, const Facts *facts, const Incident *incident, gint64 now)
{
	return facts->page && facts->rcpt != NULL && incident != NULL && facts->id != NULL &&
	    g_strcmp0(incident->state.id, facts->id) == 0 && incident_is_active(incident, now, config->resolved_for / 1000) &&
	    !config_is_shadow(config, config_support(config, facts->rcpt), facts->sender != NULL ? facts->sender : facts->from);
}

GPtrArray *due_page_recipients(const Config *config, const Facts *facts)
{
	GPtrArray *recipients = g_ptr_array_new();

	if (facts->manager != NULL && *facts->manager != '\0') {
		g_ptr_array_add(recipients, facts->manager);
		return recipients;
	}
	for (char **to = config->page_to; to != NULL && *to != NULL; to++)
		g_ptr_array_add(recipients, *to);
	return recipients;
}

/* Returns why a person is called, as a list. Caller frees. */
static char *reasons(const Facts *facts, const Incident *incident, gint64 since, const char *separator)
{
	g_autoptr(GPtrArray) list = g_ptr_array_new();

	if (facts->account != NULL)
		g_ptr_array_add(list, (gpointer)"account");
	for (guint i = 0; i < facts->escalate->len; i++)
		g_ptr_array_add(list, facts->escalate->pdata[i]);
	if (facts_still_affected(facts, &incident->state, since))
		g_ptr_array_add(list, (gpointer)"still-affected");
	g_ptr_array_add(list, NULL);
	return g_strjoinv(separator, (char **)list->pdata);
}

/* A line of what a page says; nothing where there is no value. value may be NULL. */
static void add_line(GString *text, const char *label, const char *value)
{
	g_autofree char *line = clean_line(value, VALUE_CHARS);

	if (*line != '\0')
		g_string_append_printf(text, "%s%s: %s", text->len > 0 ? "\n" : "", label, line);
}

static const char *customer(const Facts *facts)
{
	return facts->from != NULL ? facts->from : facts->sender;
}

static char *time_text(gint64 seconds)
{
	return seconds > 0 ? clock_format(seconds) : NULL;
}

/* Its first line says what it is about, as an entry of the feed does. */
static char *page_text(const Config *config, const Facts *facts, const Incident *incident, guint number, gint64 since)
{
	g_autofree char *account = facts->account != NULL && facts->level != NULL
	    ? g_strdup_printf("%s (%s)", facts->account, facts->level) : g_strdup(facts->account);
	g_autofree char *why = reasons(facts, incident, since, ", "), *waiting = time_text(since), *by = time_text(facts->respond_by);
	g_autofree char *call = g_strdup_printf("%u of %u", number, (guint)config->page_times);
	GString *text = g_string_new(NULL);

	add_line(text, "A customer waits for a person", *why != '\0' ? why : facts->queue);
	add_line(text, "Customer", customer(facts));
	add_line(text, "Account", account);
	add_line(text, "Subject", facts->subject);
	add_line(text, "Waiting since", waiting);
	add_line(text, "Answer by", by);
	add_line(text, "Queue", facts->queue);
	add_line(text, "Call", call);
	return g_string_free(text, FALSE);
}

ClaimRequest *due_page_request(const Config *config, const Facts *facts, const char *key, const Incident *incident, const char *recipient,
    guint number, gint64 since)
{
	ClaimRequest *request = audience_letter(LETTER_STAFF, recipient, incident->name, incident->state.id, incident->state.word);

	if (request == NULL)
		return NULL;
	request->letter = g_strdup_printf("page-%u-%.*s", number, DIGEST_DIGITS, key);
	request->epoch = incident->state.epoch;
	request->support = g_strdup(facts->rcpt);
	request->language = g_strdup(config->language);
	request->account = g_strdup(facts->account);
	request->level = g_strdup(facts->level);
	/* No Message-ID: a person's answer to the page must not look like one to the customer. */
	request->subject = g_strdup(facts->subject);
	request->queue_id = g_strdup(facts->queue_id);
	request->written_at = since;
	request->text = page_text(config, facts, incident, number, since);
	return request;
}

/* value may be NULL: then the variable is not there. */
static void add_variable(GPtrArray *list, const char *name, const char *value)
{
	g_autofree char *line = clean_line(value, VALUE_CHARS);

	call_environment_add(list, name, line);
}

static void add_number(GPtrArray *list, const char *name, guint number)
{
	g_ptr_array_add(list, g_strdup_printf("%s=%u", name, number));
}

char **due_page_environment(const Config *config, const Facts *facts, const Incident *incident, guint number, gint64 since)
{
	g_autofree char *why = reasons(facts, incident, since, ","), *waiting = time_text(since), *by = time_text(facts->respond_by);
	GPtrArray *list = call_environment_new();

	add_variable(list, "OUTAGE_REASON", why);
	add_variable(list, "OUTAGE_ACCOUNT", facts->account);
	add_variable(list, "OUTAGE_LEVEL", facts->level);
	add_variable(list, "OUTAGE_MANAGER", facts->manager);
	add_variable(list, "OUTAGE_SENDER", customer(facts));
	add_variable(list, "OUTAGE_SUBJECT", facts->subject);
	add_variable(list, "OUTAGE_MESSAGE_ID", facts->message_id);
	add_variable(list, "OUTAGE_QUEUE_ID", facts->queue_id);
	add_variable(list, "OUTAGE_QUEUE", facts->queue);
	add_variable(list, "OUTAGE_INCIDENT", incident->name);
	add_variable(list, "OUTAGE_INCIDENT_ID", incident->state.id);
	add_variable(list, "OUTAGE_SEVERITY", word_name(incident->state.word));
	add_variable(list, "OUTAGE_WAITING_SINCE", waiting);
	add_variable(list, "OUTAGE_RESPOND_BY", by);
	add_number(list, "OUTAGE_PAGE", number);
	add_number(list, "OUTAGE_PAGES", (guint)config->page_times);
	return call_environment_end(list);
}
