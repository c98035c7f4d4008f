/* sample: letters that nobody gets (see sample.h). Layer: reply. Pure.
 *
 * They go through the composing code as jobs of the queue do, so what is seen here is what a customer would see. */
#include "reply/sample.h"

#include <string.h>

#include "base/clock.h"

#define HOSTILE "\r\nBcc: thief@evil.example\r\n\r\n<script>alert(1)</script> & \"quoted\" \xE2\x80\xAE" "desrever\xE2\x81\xA7 " \
	"\x07 {{eta}} https://evil.example/steal"

static char *sample_text(const char *name, SampleFill fill)
{
	return g_strdup_printf("[%s]%s", name, fill == SAMPLE_HOSTILE ? HOSTILE : "");
}

static char *sample_time(gint64 at)
{
	return clock_format(at);
}

/* Returns a link that may stand in a letter; none where the configuration names no host. */
static char *sample_url(const Config *config, const char *page)
{
	char *const *domains = config->url_domains;

	return domains != NULL && *domains != NULL ? g_strdup_printf("https://%s/%s", *domains, page) : NULL;
}

static void fill_texts(const Config *config, Incident *incident, SampleFill fill, gint64 now)
{
	for (TextField field = 0; field < TEXT_FIELDS; field++) {
		char **text = &incident->texts[field];

		switch (field) {
		case TEXT_NEXT_UPDATE_AT:
			*text = sample_time(now + 1800);
			break;
		case TEXT_ETA:
			*text = sample_time(now + 3600);
			break;
		case TEXT_POSTMORTEM_DUE:
			*text = sample_time(now + 5 * 86400);
			break;
		case TEXT_STATUS_URL:
			*text = sample_url(config, "status");
			break;
		case TEXT_POSTMORTEM_URL:
			*text = sample_url(config, "what-happened");
			break;
		case TEXT_OFFER:
			*text = config->offers != NULL && *config->offers != NULL ? g_strdup((*config->offers)->name) : NULL;
			break;
		case TEXT_MATCH:
		case TEXT_PHASE:
			break;
		default:
			*text = sample_text(text_field_name(field), fill);
		}
	}
	incident->update_text = sample_text("update", fill);
	incident->update_at = now;
}

Incident *sample_incident(const Config *config, Word word, SampleFill fill, gint64 now)
{
	Incident *incident = incident_new("default");

	(void)incident_transition(&incident->state, "default", word == WORD_RESOLVED ? WORD_P1 : word, now, 0);
	(void)incident_transition(&incident->state, "default", word, now, 0);
	if (fill != SAMPLE_BARE)
		fill_texts(config, incident, fill, now);
	return incident;
}

Word sample_word(const char *kind)
{
	if (g_str_has_suffix(kind, "-resolved") || g_str_has_suffix(kind, "-postmortem"))
		return WORD_RESOLVED;
	for (Word word = WORD_P2; word <= WORD_P3; word++)
		if (g_str_has_suffix(kind, word_name(word)))
			return word;
	return WORD_P1;
}

/* Which job asks for that template: compose-letter.c and compose_kind read it the other way around. */
static void ask_for(ClaimRequest *request, const char *kind)
{
	if (g_str_has_prefix(kind, "notice-")) {
		request->class = LETTER_NOTICE;
		request->letter = g_strconcat(kind + strlen("notice-"), "-sample", NULL);
	} else if (strcmp(kind, "feed") == 0 || strcmp(kind, "page") == 0) {
		request->class = LETTER_STAFF;
		request->letter = g_strconcat(kind, "-sample", NULL);
	} else {
		gsize length = strlen(kind) - (g_str_has_suffix(kind, "-resolved") ? strlen("-resolved") : 0);

		request->template_name = g_strndup(kind, length);
	}
}

static void fill_request(const Config *config, ClaimRequest *request, SampleFill fill)
{
	const Offer *offer = config->offers != NULL ? *config->offers : NULL;
	g_autofree char *text = sample_text("text", fill);

	request->subject = sample_text("subject", fill);
	request->account = sample_text("account", fill);
	request->text = request->class == LETTER_STAFF ? g_strconcat("[what]\n", text, NULL) : g_strdup(text);
	if (offer != NULL && offer->levels != NULL)
		request->level = g_strdup(*offer->levels);
}

Job *sample_job(const Config *config, const Incident *incident, const char *kind, const char *language, SampleFill fill, gint64 now)
{
	const SupportAddress *support = config->support != NULL ? *config->support : NULL;
	Job *job = g_new0(Job, 1);
	ClaimRequest *request = g_new0(ClaimRequest, 1);

	job->token = g_strdup("sample");
	job->request = request;
	request->incident = g_strdup(incident->name);
	request->id = g_strdup(incident->state.id);
	request->word = incident->state.word;
	request->resolved = incident->state.word == WORD_RESOLVED;
	request->sender = g_strdup("customer@example.com");
	request->to = g_strdup("customer@example.com");
	if (support != NULL && support->address != NULL)
		request->support = g_strdup(support->address);
	else
		request->support = g_strconcat("support@", support != NULL ? support->domain : "example.com", NULL);
	request->language = g_strdup(language);
	request->written_at = now;
	if (kind != NULL)
		ask_for(request, kind);
	if (request->class != LETTER_STAFF && fill == SAMPLE_BARE)
		request->subject = g_strdup("Your service does not answer");
	if (request->class == LETTER_NOTICE && fill == SAMPLE_BARE)
		request->text = g_strdup("[text]");
	if (request->class == LETTER_STAFF && fill == SAMPLE_BARE)
		request->text = g_strdup("[what]");
	if (fill != SAMPLE_BARE)
		fill_request(config, request, fill);
	/* A page and an entry of the feed stand alone. */
	if (request->class != LETTER_STAFF)
		request->message_id = g_strdup("<question@example.com>");
	return job;
}
