/* compose-values: what a letter may say about an incident, field by field (see compose_values in compose.h). Layer: reply. Pure.
 *
 * The rules, in one place (doc/contract.md 4 and 12.4): the incident's own text wins over the playbook's for its severity, and
 * that over the support address's; a time that was promised and is gone by is left out and nothing is promised in its stead; after
 * the fix nothing is said about workarounds and coming updates; links lead only where the configuration says. How times are written is
 * locale.c's affair. */
#include "reply/compose.h"

#include <string.h>

#include "base/clock.h"
#include "reply/clean.h"
#include "reply/locale.h"

#define LINE_CHARS 300
#define TEXT_CHARS 4096

typedef struct {
	GHashTable *values;
	const Config *config;
	const Incident *incident;
	const SupportAddress *support;
	const Playbook *playbook;
	GTimeZone *zone;
	const char *language; /* of the letter */
	const char *level;    /* of the customer's account, or NULL */
	gint64 now;
} Filling;

/* Takes text over; an empty one counts as unset. */
static void put(Filling *filling, const char *field, char *text)
{
	if (text != NULL && *text != '\0')
		g_hash_table_insert(filling->values, (gpointer)field, text);
	else
		g_free(text);
}

static bool is_set(const char *text)
{
	return text != NULL && text[strspn(text, " \t\r\n")] != '\0';
}

static void put_time(Filling *filling, const char *field, gint64 seconds)
{
	if (seconds > 0)
		put(filling, field, locale_time(filling->language, filling->zone, seconds));
}

/* A time that is a promise: only while it lies ahead. */
static void put_promised(Filling *filling, const char *field, TextField text)
{
	gint64 at;
	if (clock_parse(filling->incident->texts[text], &at) && at > filling->now)
		put_time(filling, field, at);
}

/* A text of the incident, else of the playbook. Links in the former were written by whoever can write to the store. */
static void put_text(Filling *filling, const char *field, TextField text, const char *playbook, bool one_line)
{
	const char *own = filling->incident->texts[text];
	g_autofree char *safe = is_set(own) ? clean_links(own, filling->config->url_domains) : NULL;
	const char *chosen = is_set(own) ? safe : playbook;
	put(filling, field, one_line ? clean_line(chosen, LINE_CHARS) : clean_text(chosen, TEXT_CHARS));
}

/* Returns true where url, which stands in the configuration itself, may be used. */
static bool own_url_allowed(const Filling *filling, const char *url)
{
	return is_set(url) && clean_url_allowed(url, filling->config->url_domains);
}

/* Returns true where url, which stands in the store, may be used: only where the configuration names its host. */
static bool stored_url_allowed(const Filling *filling, const char *url)
{
	char *const *domains = filling->config->url_domains;
	return domains != NULL && *domains != NULL && clean_url_allowed(url, domains);
}

static void put_links(Filling *filling)
{
	const char *stored = filling->incident->texts[TEXT_STATUS_URL];
	const char *candidates[] = { filling->playbook != NULL ? filling->playbook->status_url : NULL,
		filling->support != NULL ? filling->support->status_url : NULL };
	if (stored_url_allowed(filling, stored)) {
		put(filling, "status_url", g_strdup(stored));
	} else {
		for (gsize i = 0; i < G_N_ELEMENTS(candidates); i++)
			if (own_url_allowed(filling, candidates[i])) {
				put(filling, "status_url", g_strdup(candidates[i]));
				break;
			}
	}
	const char *postmortem = filling->incident->texts[TEXT_POSTMORTEM_URL];
	if (stored_url_allowed(filling, postmortem))
		put(filling, "postmortem_url", g_strdup(postmortem));
}

/* The cadence is a promise too: once the last word is older than it, it has been broken and is not repeated. */
static void put_next_update(Filling *filling)
{
	put_promised(filling, "next_update_at", TEXT_NEXT_UPDATE_AT);
	gint64 every = filling->playbook != NULL ? filling->playbook->update_every : 0;
	if (every <= 0)
		return;
	gint64 due = incident_last_word(filling->incident) + every;
	if (due <= filling->now)
		return;
	put(filling, "update_every", locale_span(filling->language, every));
	if (!is_set(filling->incident->texts[TEXT_NEXT_UPDATE_AT]))
		put_time(filling, "next_update_at", due);
}

/* The newest word of the feed; after the fix only one that was written after it. */
static void put_update(Filling *filling)
{
	const Incident *incident = filling->incident;
	gint64 since = incident->state.word == WORD_RESOLVED ? incident->state.resolved_at : incident->state.declared_at;
	if (!is_set(incident->update_text) || incident->update_at < since)
		return;
	g_autofree char *safe = clean_links(incident->update_text, filling->config->url_domains);
	put(filling, "update", clean_text(safe, TEXT_CHARS));
	put_time(filling, "update_at", incident->update_at);
}

static void put_site(Filling *filling)
{
	put(filling, "site", clean_line(filling->config->site_name, LINE_CHARS));
	char *team = clean_line(filling->config->team_name, LINE_CHARS);
	*team = g_ascii_toupper(*team); /* it signs: "the support team" would look lost there */
	put(filling, "team", team);
	if (filling->support != NULL)
		put(filling, "support", clean_line(filling->support->address, LINE_CHARS));
}

static void put_state(Filling *filling)
{
	const Incident *incident = filling->incident;
	put(filling, "severity", g_strdup(word_name(incident->state.word)));
	put(filling, "phase", clean_line(incident_phase(incident), LINE_CHARS));
	put_time(filling, "declared_at", incident->state.declared_at);
	if (incident->state.word == WORD_RESOLVED)
		put_time(filling, "resolved_at", incident->state.resolved_at);
}

/* The store names an offer; what it says, and to whom, stands in the configuration alone. One of a third language, neither the letter's
 * nor that of the texts around it, says itself which it is in. */
static void put_offer(Filling *filling)
{
	const char *name = filling->incident->texts[TEXT_OFFER];
	const Offer *offer = config_offer(filling->config, name, filling->level, filling->language);
	if (offer == NULL)
		return;
	g_autofree char *text = clean_text(offer->text, TEXT_CHARS);
	const char *theirs = compose_operator_language(filling->config);
	const char *own = is_set(offer->language) ? offer->language : theirs;
	g_autofree char *spoken = locale_same_language(own, filling->language) ? NULL : locale_language_name(own, filling->language);
	bool third = spoken != NULL && !locale_same_language(own, theirs);
	put(filling, "offer", third ? g_strdup_printf("(%s) %s", spoken, text) : g_steal_pointer(&text));
	if (spoken != NULL && !third)
		put(filling, "texts_language", g_steal_pointer(&spoken));
}

GHashTable *compose_values(const Config *config, const Incident *incident, const SupportAddress *support, const char *language,
    const char *level, gint64 now)
{
	static const Playbook empty;
	const Playbook *playbook = incident->state.word < WORD_NONE ? &config->playbook[incident->state.word] : &empty;
	g_autoptr(GTimeZone) zone = is_set(config->timezone) ? g_time_zone_new_identifier(config->timezone) : NULL;
	Filling filling = {
		.values = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, g_free),
		.config = config,
		.incident = incident,
		.support = support,
		.playbook = playbook,
		.zone = zone,
		.language = language,
		.level = level,
		.now = now,
	};
	put_site(&filling);
	put_state(&filling);
	put_text(&filling, "title", TEXT_TITLE, playbook->title, true);
	put_text(&filling, "scope", TEXT_SCOPE, playbook->scope, false);
	put_text(&filling, "components", TEXT_COMPONENTS, NULL, true);
	put_text(&filling, "contact", TEXT_CONTACT, playbook->contact, true);
	put_text(&filling, "cause", TEXT_CAUSE, NULL, false);
	put_text(&filling, "fix", TEXT_FIX, NULL, false);
	put_text(&filling, "prevention", TEXT_PREVENTION, playbook->prevention, false);
	put_links(&filling);
	put_update(&filling);
	put_offer(&filling);
	put_promised(&filling, "postmortem_due", TEXT_POSTMORTEM_DUE);
	if (word_is_open(incident->state.word)) {
		put_text(&filling, "workaround", TEXT_WORKAROUND, playbook->workaround, false);
		put_promised(&filling, "eta", TEXT_ETA);
		put_next_update(&filling);
	}
	return filling.values;
}
