/* compose-letter: what tells notices, pages and entries of the feed from an acknowledgement (see compose-private.h). Layer: reply. Pure.
 *
 *     letter = kind "-" rest          as the job has it: "update-20261121T151000Z", "page-2-0123abcd"
 *
 * An acknowledgement says what holds now and is not written once the incident has ended. A notice was ordered for one incident, and
 * its account of what happened may come after the end. What goes to our own people is a record of what happened when it did: it is
 * written whatever has become of the incident, and of a later one of the same name it says nothing. */
#include "reply/compose-private.h"

#include <string.h>

#include "base/address.h"
#include "base/error.h"
#include "base/log.h"
#include "mail/optout.h"
#include "reply/clean.h"
#include "reply/locale.h"

#define LINE_CHARS 300
#define TEXT_CHARS 4096

static const struct {
	LetterClass class;
	const char *start, *template_kind;
} kinds[] = {
	{ LETTER_NOTICE, "update-", "notice-update" },
	{ LETTER_NOTICE, "resolved-", "notice-resolved" },
	{ LETTER_NOTICE, "postmortem-", "notice-postmortem" },
	{ LETTER_STAFF, "feed-", "feed" },
	{ LETTER_STAFF, "page-", "page" },
};

char *compose_letter_kind(const Templates *templates, const char *language, const ClaimRequest *request, Word word)
{
	if (request->class == LETTER_ACK)
		return compose_kind(templates, language, request->template_name, word);
	for (gsize i = 0; request->letter != NULL && i < G_N_ELEMENTS(kinds); i++)
		if (kinds[i].class == request->class && g_str_has_prefix(request->letter, kinds[i].start))
			return g_strdup(kinds[i].template_kind);
	return NULL;
}

/* What is known of an incident that the store has nothing newer of than another one. */
static Incident *incident_of_request(const ClaimRequest *request)
{
	Incident *incident = incident_new(request->incident);

	incident->state.id = g_strdup(request->id);
	incident->state.word = request->word;
	return incident;
}

Incident *compose_letter_incident(const Incident *newest, const ClaimRequest *request, GError **error)
{
	bool same = newest != NULL && g_strcmp0(newest->state.id, request->id) == 0;

	if (!same && request->class == LETTER_STAFF)
		return incident_of_request(request);
	if (!same) {
		g_autofree char *id = log_escape(request->id, 80);
		g_autofree char *name = log_escape(request->incident, 80);

		g_set_error(error, OUTAGE_ERROR, OUTAGE_ERROR_INVALID, "the job is for incident %s, and that is no longer the newest of '%s'",
		    id, name);
		return NULL;
	}
	if (request->class == LETTER_ACK && newest->state.word == WORD_NONE) {
		g_set_error(error, OUTAGE_ERROR, OUTAGE_ERROR_INVALID, "incident %s has ended", newest->state.id);
		return NULL;
	}
	return incident_copy(newest);
}

/* The support address that notices can be stopped at: as configured, for an alias or a tag of the mail's own may not take another
 * tag; of a domain whose every address is ours, the one that was written to. */
static char *stop_base(const SupportAddress *support, const char *written_to)
{
	g_autoptr(Address) address = support->address != NULL ? NULL : address_parse(written_to, NULL);

	if (support->address != NULL)
		return address_normal_text(support->address);
	return address != NULL ? address_normal_untagged(address) : NULL;
}

char *compose_stop_address(const Config *config, const Secret *secret, const ClaimRequest *request)
{
	const SupportAddress *support = config_support(config, request->support);
	g_autofree char *to = address_normal_text(request->to);
	g_autofree char *base = NULL;
	g_autofree char *hash = NULL;

	if (request->class != LETTER_NOTICE || support == NULL || !support->plus || to == NULL)
		return NULL;
	base = stop_base(support, request->support);
	hash = secret_address_hash(secret, to);
	return base != NULL ? optout_address_make(secret, base, hash, request->id) : NULL;
}

/*     value  = "<mailto:" addr "?subject=stop>"
 * In addr stands as it is what RFC 6068 section 2 lets stand, the "+" among it; a comma would end the URL for some who read the list
 * of RFC 2369, and the rest is percent-encoded. */
char *compose_stop_header(const char *stop)
{
	g_autofree char *addr = g_uri_escape_string(stop, "+@!$*", FALSE);

	return g_strdup_printf("<mailto:%s?subject=stop>", addr);
}

static void put(GHashTable *values, const char *field, char *text)
{
	if (*text != '\0')
		g_hash_table_insert(values, (gpointer)field, text);
	else
		g_free(text);
}

/* A page or an entry of the feed says in its first line what happened. */
static void put_what(GHashTable *values, const char *text)
{
	gsize first = strcspn(text, "\n");
	g_autofree char *line = g_strndup(text, first);

	put(values, "what", clean_line(line, LINE_CHARS));
	put(values, "text", clean_text(text + first, TEXT_CHARS));
}

static void put_what_at(GHashTable *values, const Config *config, const char *language, gint64 at)
{
	bool zoned = config->timezone != NULL && *config->timezone != '\0';
	g_autoptr(GTimeZone) zone = zoned ? g_time_zone_new_identifier(config->timezone) : NULL;
	char *text = at > 0 ? locale_time(language, zone, at) : NULL;

	if (text != NULL)
		put(values, "what_at", text);
}

void compose_letter_values(GHashTable *values, const Config *config, const ClaimRequest *request, const char *language,
    const char *stop)
{
	g_autofree char *links = clean_links(request->text, config->url_domains);
	g_autofree char *text = clean_text(links, TEXT_CHARS);

	if (request->class == LETTER_NOTICE) {
		put(values, "text", g_steal_pointer(&text));
		put(values, "stop", g_strdup(stop != NULL ? stop : ""));
	}
	if (request->class == LETTER_STAFF) {
		put_what(values, text);
		put_what_at(values, config, language, request->written_at);
		put(values, "incident", clean_line(request->incident, LINE_CHARS));
		put(values, "incident_id", clean_line(request->id, LINE_CHARS));
		g_autofree char *account = clean_links(request->account, config->url_domains);
		put(values, "account", clean_line(account, LINE_CHARS));
	}
}
