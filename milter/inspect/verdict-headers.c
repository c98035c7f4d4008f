/* verdict-headers: the X-Outage headers, the other edits of the mail, and the fold of the claim's answer. Layer: inspect. Pure.
 * doc/contract.md 7 is the list; a header with nothing to say is absent. The helpdesk's own are helpdesk.c's. */
#include <string.h>

#include "base/clock.h"
#include "config/helpdesks.h"
#include "inspect/verdict-private.h"
#include "mail/header.h"

void verdict_add_header(Verdict *verdict, const char *name, const char *value)
{
	VerdictHeader *header = g_new(VerdictHeader, 1);

	header->name = g_strdup(name);
	header->value = header_sanitise(value);
	g_ptr_array_add(verdict->headers, header);
}

static void add_own(Verdict *verdict, const Config *config, const char *name, const char *value)
{
	g_autofree char *full = g_strconcat(config->header_prefix, name, NULL);

	verdict_add_header(verdict, full, value);
}

static char *join(const GPtrArray *names, const char *separator, guint most)
{
	GString *out = g_string_new(NULL);

	for (guint i = 0; i < MIN(names->len, most); i++)
		g_string_append_printf(out, "%s%s", i > 0 ? separator : "", (const char *)g_ptr_array_index(names, i));
	return g_string_free(out, FALSE);
}

/* Lists are always quoted, also those of one: readers' patterns then need one form only. Names are tokens. */
static void append_names(GString *out, const char *name, const char *list)
{
	if (*list != '\0')
		g_string_append_printf(out, "; %s=\"%s\"", name, list);
}

/* One decimal, with a point in every locale. */
static void append_number(GString *out, const char *name, double value)
{
	char buffer[G_ASCII_DTOSTR_BUF_SIZE];

	header_append_param(out, name, g_ascii_formatd(buffer, sizeof buffer, "%.1f", value));
}

static void add_incident(Verdict *verdict, const Config *config)
{
	const Incident *incident = verdict->incident;
	g_autoptr(GString) value = g_string_new(incident->name);

	header_append_param(value, "id", incident->state.id);
	header_append_param(value, "severity", word_name(incident->state.word));
	header_append_param(value, "phase", incident_phase(incident));
	add_own(verdict, config, "Incident", value->str);
}

/* More names than anybody reads would make a line that has to be torn. They are sorted, heaviest first. */
#define RULES_SHOWN 20

/* Words come from the mail, and a letter beyond ASCII takes three characters a byte (RFC 2231): more bytes would make such a line too. */
#define WORDS_BYTES 240

/* As many of the words, which are sorted, strongest first, as fit. */
static char *join_words(const GPtrArray *words)
{
	GString *out = g_string_new(NULL);

	for (guint i = 0; i < words->len; i++) {
		const char *word = g_ptr_array_index(words, i);

		if (out->len + 1 + strlen(word) > WORDS_BYTES)
			break;
		g_string_append_printf(out, "%s%s", i > 0 ? "," : "", word);
	}
	return g_string_free(out, FALSE);
}

static void add_match(Verdict *verdict, const Config *config)
{
	g_autoptr(GString) value = g_string_new(verdict->match ? "yes" : "no");
	g_autofree char *rules = join(verdict->rules, ",", RULES_SHOWN);
	g_autofree char *words = join_words(verdict->words);

	append_number(value, "score", verdict->score);
	append_number(value, "threshold", verdict->threshold);
	append_names(value, "rules", rules);
	if (verdict->model_score != 0)
		append_number(value, "model", verdict->model_score);
	if (*words != '\0')
		header_append_param(value, "words", words);
	add_own(verdict, config, "Match", value->str);
}

static void add_account(Verdict *verdict, const Config *config)
{
	g_autoptr(GString) value = NULL;

	if (verdict->account == NULL)
		return;
	value = g_string_new(NULL);
	header_append_item(value, "account", verdict->account->name);
	header_append_param(value, "level", verdict->account->level);
	header_append_param(value, "manager", verdict->account->manager);
	header_append_param(value, "verified", verified_name(verdict->verified));
	add_own(verdict, config, "Account", value->str);
}

static void add_list(Verdict *verdict, const Config *config, const char *name, const GPtrArray *items)
{
	g_autofree char *value = join(items, ", ", G_MAXUINT);

	if (items->len > 0)
		add_own(verdict, config, name, value);
}

static void add_respond_by(Verdict *verdict, const Config *config)
{
	g_autofree char *value = verdict->respond_by != 0 ? clock_format(verdict->respond_by) : NULL;

	if (value != NULL)
		add_own(verdict, config, "Respond-By", value);
}

/* What the helpdesk itself obeys, its recipients and the subject: only where the mail is really routed. */
static void add_edits(Verdict *verdict, const Config *config, const Signals *signals)
{
	const Route *route = verdict->route;

	if (verdict->shadow || route == NULL)
		return;
	helpdesk_order(verdict, config);
	for (char **rcpt = route->add_recipients; rcpt != NULL && *rcpt != NULL; rcpt++)
		g_ptr_array_add(verdict->add_rcpts, g_strdup(*rcpt));
	verdict->replace_rcpts = route->replace_recipients && verdict->add_rcpts->len > 0;
	if (route->subject_tag != NULL && route->subject_tag[0] != '\0') {
		const char *subject = message_header(signals->message, "Subject", 0);

		verdict->subject = g_strdup_printf("%s%s%s", route->subject_tag, subject != NULL ? " " : "",
		    subject != NULL ? subject : "");
	}
}

void verdict_build_headers(Verdict *verdict, const VerdictContext *context, const Signals *signals)
{
	const Config *config = context->engine->config;

	if (verdict->incident == NULL) {
		if (!config->route_always)
			return;
		add_account(verdict, config);
		add_list(verdict, config, "Escalate", verdict->escalate);
		add_list(verdict, config, "Sensitive", verdict->sensitive);
		add_own(verdict, config, "Queue", verdict->queue);
		add_edits(verdict, config, signals);
		return;
	}
	add_incident(verdict, config);
	add_match(verdict, config);
	if (verdict->match) {
		add_account(verdict, config);
		add_list(verdict, config, "Escalate", verdict->escalate);
		add_list(verdict, config, "Sensitive", verdict->sensitive);
		if (verdict->tier != NULL)
			add_own(verdict, config, "Tier", verdict->tier);
	}
	add_own(verdict, config, "Queue", verdict->queue);
	if (verdict->match) {
		add_respond_by(verdict, config);
		add_own(verdict, config, "Language", verdict->language);
		if (verdict->qa)
			add_own(verdict, config, "QA", "sample");
	}
	add_edits(verdict, config, signals);
}

static ReasonSet answer_reason(ClaimAnswer answer)
{
	switch (answer) {
	case CLAIM_WON:
		return 0;
	case CLAIM_ALREADY:
		return REASON_BIT(REASON_ALREADY_ACKED);
	case CLAIM_BOUNCED:
		return REASON_BIT(REASON_BOUNCED);
	case CLAIM_RATE:
		return REASON_BIT(REASON_RATE);
	case CLAIM_PAUSED:
		return REASON_BIT(REASON_PAUSED);
	case CLAIM_ENDED:
		return REASON_BIT(REASON_NO_INCIDENT);
	case CLAIM_FULL:
	case CLAIM_AWAY:
		break;
	}
	return REASON_BIT(REASON_STORE);
}

void verdict_fold(Verdict *verdict, const VerdictContext *context, ClaimAnswer answer)
{
	const Config *config = context->engine->config;
	g_autoptr(GString) value = NULL;
	g_autofree char *reasons = NULL;

	if (!verdict->inspected)
		return;
	verdict_build_headers(verdict, context, verdict->signals);
	g_clear_pointer(&verdict->signals, signals_free);
	if (verdict->claim != NULL) {
		verdict->reasons |= answer_reason(answer);
		verdict->queued = answer == CLAIM_WON;
	}
	if (verdict->incident == NULL)
		return;
	if (verdict->queued) {
		value = g_string_new("queued");
		helpdesk_silence(verdict, config);
	} else if (verdict->reasons == 0) {
		value = g_string_new("shadow");
	} else {
		value = g_string_new("none");
		reasons = reason_list(verdict->reasons);
		append_names(value, "reason", reasons);
	}
	add_own(verdict, config, "Ack", value->str);
}

bool verdict_header_is_forged(const Config *config, const char *name, bool to_support)
{
	gsize size = strlen(config->header_prefix);

	/* One comparison settles it for nearly every header there is. */
	if (g_ascii_strncasecmp(name, config->header_prefix, size) == 0)
		return true;
	return to_support && helpdesk_owns_header(config, name);
}
