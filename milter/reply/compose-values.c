/* compose-values: what a letter may say about an incident, field by field (see compose_values in compose.h). Layer: reply. Pure.
 *
 * The rules, in one place (design.md 4.3 and promise 4): the incident's own text wins over the playbook's for its severity, and
 * that over the support address's; a time that was promised and is gone by is left out and nothing is promised in its stead; after
 * the fix nothing is said about workarounds and coming updates; links lead only where the configuration says. Times are written in
 * the site's zone and in UTC, never relative: a letter is read later than it is written. */
#include "reply/compose.h"

#include <string.h>

#include "base/clock.h"
#include "reply/clean.h"

#define LINE_CHARS 300
#define TEXT_CHARS 4096

typedef struct {
	GHashTable *values;
	const Config *config;
	const Incident *incident;
	const SupportAddress *support;
	const Playbook *playbook;
	GTimeZone *zone;
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

/* Month names are English here whatever the program's locale is: the language of a letter is that of its template. */
static char *format_day(GDateTime *at)
{
	static const char *const months[] = { "January", "February", "March", "April", "May", "June", "July", "August", "September",
		"October", "November", "December" };
	return g_strdup_printf("%d %s %d", g_date_time_get_day_of_month(at), months[g_date_time_get_month(at) - 1],
	    g_date_time_get_year(at));
}

/* Returns the zone's name at that moment: "CET", or "UTC+5:30" where the zone has none but its offset. */
static char *zone_label(GDateTime *at)
{
	const char *name = g_date_time_get_timezone_abbreviation(at);
	if (name != NULL && g_ascii_isalpha(*name))
		return g_strdup(name);
	gint64 minutes = g_date_time_get_utc_offset(at) / G_TIME_SPAN_MINUTE;
	gint64 size = ABS(minutes);
	GString *label = g_string_new("UTC");
	g_string_append_printf(label, "%c%d", minutes < 0 ? '-' : '+', (int)(size / 60));
	if (size % 60 != 0)
		g_string_append_printf(label, ":%02d", (int)(size % 60));
	return g_string_free(label, FALSE);
}

/* Returns "15:30 CET (14:30 UTC) on 21 November 2026", or "14:30 UTC on 21 November 2026" where the zone is UTC or NULL; NULL for
 * a time that no calendar has. */
static char *format_time(GTimeZone *zone, gint64 seconds)
{
	g_autoptr(GDateTime) utc = g_date_time_new_from_unix_utc(seconds);
	if (utc == NULL)
		return NULL;
	g_autoptr(GDateTime) local = zone != NULL ? g_date_time_to_timezone(utc, zone) : g_date_time_ref(utc);
	if (local == NULL)
		return NULL;
	g_autofree char *utc_clock = g_date_time_format(utc, "%H:%M");
	g_autofree char *utc_day = format_day(utc);
	g_autofree char *label = zone_label(local);
	if (strcmp(label, "UTC") == 0)
		return g_strdup_printf("%s UTC on %s", utc_clock, utc_day);
	g_autofree char *clock = g_date_time_format(local, "%H:%M");
	g_autofree char *day = format_day(local);
	if (strcmp(day, utc_day) == 0)
		return g_strdup_printf("%s %s (%s UTC) on %s", clock, label, utc_clock, day);
	return g_strdup_printf("%s %s on %s (%s UTC on %s)", clock, label, day, utc_clock, utc_day);
}

/* Returns "30 minutes", "2 hours"; never a bare "1 hour", which reads badly behind "every". */
static char *format_span(gint64 seconds)
{
	if (seconds % 86400 == 0 && seconds > 86400)
		return g_strdup_printf("%" G_GINT64_FORMAT " days", seconds / 86400);
	if (seconds % 3600 == 0 && seconds > 3600)
		return g_strdup_printf("%" G_GINT64_FORMAT " hours", seconds / 3600);
	if (seconds % 60 == 0 && seconds > 60)
		return g_strdup_printf("%" G_GINT64_FORMAT " minutes", seconds / 60);
	return g_strdup_printf("%" G_GINT64_FORMAT " seconds", seconds);
}

static void put_time(Filling *filling, const char *field, gint64 seconds)
{
	if (seconds > 0)
		put(filling, field, format_time(filling->zone, seconds));
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
	put(filling, "update_every", format_span(every));
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

GHashTable *compose_values(const Config *config, const Incident *incident, const SupportAddress *support, gint64 now)
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
	put_promised(&filling, "postmortem_due", TEXT_POSTMORTEM_DUE);
	if (word_is_open(incident->state.word)) {
		put_text(&filling, "workaround", TEXT_WORKAROUND, playbook->workaround, false);
		put_promised(&filling, "eta", TEXT_ETA);
		put_next_update(&filling);
	}
	return filling.values;
}
