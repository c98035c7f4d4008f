/* texts: see texts.h. Layer: program. */
#include "outagectl/texts.h"

#include <string.h>

#include "base/clock.h"
#include "inspect/rules.h"
#include "reply/clean.h"
#include "reply/lint.h"

void texts_clear(Texts *texts)
{
	for (int i = 0; i < TEXT_FIELDS; i++)
		g_clear_pointer(&texts->texts[i], g_free);
}

/* "30m" from now, or an RFC 3339 time, becomes RFC 3339. False for anything else. */
static bool resolve_time(char **value)
{
	gint64 milliseconds, seconds;

	if (*value == NULL || **value == '\0' || clock_parse(*value, &seconds))
		return true;
	if (!clock_parse_duration(*value, &milliseconds))
		return false;
	g_free(*value);
	*value = clock_format(clock_now() + milliseconds / 1000);
	return true;
}

/* A pattern that does not compile would be left out by every node with a line in its log only; one that backtracks badly finds less than
 * it says. */
static int match_check(const char *pattern)
{
	g_autoptr(GError) error = NULL;
	RulesPattern *compiled = pattern != NULL && *pattern != '\0' ? rules_pattern_new(pattern, &error) : NULL;
	g_autofree char *warning = compiled != NULL ? rules_pattern_warning(compiled) : NULL;

	if (warning != NULL)
		g_printerr("outagectl: warning: match: %s\n", warning);
	rules_pattern_free(compiled);
	return error != NULL ? cli_usage("match: %s", error->message) : CLI_DONE;
}

int texts_check(Texts *texts)
{
	static const TextField times[] = { TEXT_NEXT_UPDATE_AT, TEXT_ETA, TEXT_POSTMORTEM_DUE };
	gint64 at;

	for (gsize i = 0; i < G_N_ELEMENTS(times); i++)
		if (!resolve_time(&texts->texts[times[i]]))
			return cli_usage("%s: \"%s\" is neither a duration such as 30m nor an RFC 3339 time", text_field_name(times[i]),
			    texts->texts[times[i]]);
	for (int i = 0; i < TEXT_FIELDS; i++) {
		g_autoptr(GError) error = NULL;

		if (texts->texts[i] != NULL && !text_field_check(i, texts->texts[i], &error))
			return cli_usage("%s", error->message);
	}
	for (gsize i = 0; i < G_N_ELEMENTS(times); i++)
		if (clock_parse(texts->texts[times[i]], &at) && at < clock_now())
			return cli_usage("%s: %s is gone already", text_field_name(times[i]), texts->texts[times[i]]);
	return match_check(texts->texts[TEXT_MATCH]);
}

bool texts_link_allowed(const Config *config, const char *url)
{
	return config->url_domains != NULL && config->url_domains[0] != NULL && clean_url_allowed(url, config->url_domains);
}

/* A link that replies may not carry would vanish from them without a word: said now, while somebody looks. */
static int links_check(const Config *config, const Texts *texts)
{
	static const TextField links[] = { TEXT_STATUS_URL, TEXT_POSTMORTEM_URL };

	for (gsize i = 0; i < G_N_ELEMENTS(links); i++) {
		const char *url = texts->texts[links[i]];

		if (url != NULL && *url != '\0' && !texts_link_allowed(config, url))
			return cli_failed("%s: replies carry only https links to hosts in reply.url_domains (%s); this one would be left out",
			    text_field_name(links[i]), config->path);
	}
	return CLI_DONE;
}

/* "a, b" of the offers there are, each name once. */
static char *offer_names(const Config *config)
{
	g_autoptr(GHashTable) seen = g_hash_table_new(g_str_hash, g_str_equal);
	GString *names = g_string_new(NULL);

	for (Offer **offer = config->offers; offer != NULL && *offer != NULL; offer++)
		if (g_hash_table_add(seen, (*offer)->name))
			g_string_append_printf(names, "%s%s", names->len > 0 ? ", " : "", (*offer)->name);
	return g_string_free(names, FALSE);
}

static int offer_check(const Config *config, const char *name)
{
	g_autofree char *names = offer_names(config);

	if (name == NULL || *name == '\0')
		return CLI_DONE;
	for (Offer **offer = config->offers; offer != NULL && *offer != NULL; offer++)
		if (strcmp((*offer)->name, name) == 0)
			return CLI_DONE;
	return *names != '\0' ? cli_usage("--offer: the configuration holds no offer \"%s\", only: %s", name, names)
	                      : cli_usage("--offer: the configuration holds no offer at all (offers in %s)", config->path);
}

/* What was found may be a stem: returns the word that begins with it as it stands in text, for a person; caller frees. */
static char *whole_word(const char *text, const char *found)
{
	g_autofree char *folded = g_utf8_casefold(text, -1), *stem = g_utf8_casefold(found, -1);
	const char *start = strstr(folded, stem), *end;

	if (start == NULL)
		return g_strdup(found);
	for (end = start + strlen(stem); g_unichar_isalpha(g_utf8_get_char(end)); end = g_utf8_next_char(end))
		;
	return g_strndup(start, (gsize)(end - start));
}

/* What is promised in an outage's haste is owed; so it is only promised by a text that was approved beforehand. */
char *texts_promise(const Config *config, const char *text)
{
	const char *language = *config->operator_language != '\0' ? config->operator_language : config->language;
	const char *found = text != NULL ? lint_promise(text, language) : NULL;

	return found != NULL ? whole_word(text, found) : NULL;
}

static int promise_check(const Config *config, const char *what, const char *text)
{
	g_autofree char *word = texts_promise(config, text);

	if (word == NULL)
		return CLI_DONE;
	return cli_usage("%s: \"%s\" is a word of promise. What may be promised stands under offers in %s, and --offer NAME names it", what,
	    word, config->path);
}

int texts_check_update(const char *text)
{
	/* An update is quoted in replies like a text, so it obeys the rules of one. */
	return text_field_check(TEXT_SCOPE, text, NULL)
	    ? CLI_DONE
	    : cli_usage("update: the text is longer than 4 KB, not valid UTF-8, or has control characters");
}

int texts_check_config(const Config *config, const Texts *texts, const char *update)
{
	static const TextField said[] = { TEXT_TITLE, TEXT_SCOPE, TEXT_COMPONENTS, TEXT_WORKAROUND, TEXT_CONTACT, TEXT_CAUSE, TEXT_FIX,
		TEXT_PREVENTION };
	int status;

	if (texts == NULL)
		return CLI_DONE;
	if ((status = links_check(config, texts)) == CLI_DONE)
		status = offer_check(config, texts->texts[TEXT_OFFER]);
	for (gsize i = 0; i < G_N_ELEMENTS(said) && status == CLI_DONE; i++)
		status = promise_check(config, text_field_name(said[i]), texts->texts[said[i]]);
	return status == CLI_DONE ? promise_check(config, "update", update) : status;
}

int texts_pick_incident(const Config *config, const Snapshot *snapshot, const char *given, bool resolved_too, gint64 now, char **name)
{
	const char *open = NULL, *resolved = NULL;
	guint opens = 0, resolves = 0;

	if (given != NULL) {
		if (strcmp(given, "default") != 0 && !incident_name_valid(given))
			return cli_usage("\"%s\" cannot be an incident's name: [a-z0-9][a-z0-9_-]{0,31}, no severity word", given);
		*name = g_strdup(given);
		return CLI_DONE;
	}
	for (guint i = 0; i < snapshot->incidents->len; i++) {
		const Incident *incident = g_ptr_array_index(snapshot->incidents, i);

		if (word_is_open(incident->state.word)) {
			open = incident->name;
			opens++;
		} else if (incident_is_active(incident, now, config->resolved_for / 1000)) {
			resolved = incident->name;
			resolves++;
		}
	}
	if (opens > 1 || (opens == 0 && resolved_too && resolves > 1))
		return cli_usage("%u incidents are on: say which (outagectl status lists them)", opens + (resolved_too ? resolves : 0));
	*name = g_strdup(opens == 1 ? open : resolved_too && resolves == 1 ? resolved : "default");
	return CLI_DONE;
}

Incident *texts_apply(const Snapshot *snapshot, const char *name, Word word, const Texts *texts, const char *update, gint64 now,
    gint64 reopen_within)
{
	const Incident *before = snapshot_find(snapshot, name);
	Incident *incident = before != NULL ? incident_copy(before) : incident_new(name);
	bool had_one = incident->state.id != NULL;

	/* With the texts and the update of the incident before it goes what was said of another outage. */
	if (incident_transition(&incident->state, name, word, now, reopen_within) == TRANSITION_OPENED && had_one) {
		for (int i = 0; i < TEXT_FIELDS; i++)
			g_clear_pointer(&incident->texts[i], g_free);
		g_clear_pointer(&incident->update_text, g_free);
		incident->update_at = 0;
	}
	for (int i = 0; texts != NULL && i < TEXT_FIELDS; i++) {
		if (texts->texts[i] == NULL)
			continue;
		g_free(incident->texts[i]);
		/* An empty one is unset. */
		incident->texts[i] = *texts->texts[i] != '\0' ? g_strdup(texts->texts[i]) : NULL;
	}
	if (update != NULL) {
		g_free(incident->update_text);
		incident->update_text = g_strdup(update);
		incident->update_at = now;
	}
	return incident;
}
