/* verdict: (message, incident snapshot, accounts, configuration, now) -> everything that is to happen to one mail. Layer:
 * inspect. Pure; see verdict.h. verdict-route.c picks the route, verdict-claim.c words the claim, verdict-headers.c writes
 * the headers; facts.c decides by the same code on what was kept of a mail. */
#include "inspect/verdict.h"

#include <string.h>

#include "base/address.h"
#include "base/clock.h"
#include "inspect/answerable-private.h"
#include "inspect/normal.h"
#include "inspect/own-words.h"
#include "inspect/verdict-private.h"
#include "mail/header.h"
#include "mail/received.h"

static void verdict_header_free(gpointer data)
{
	VerdictHeader *header = data;

	g_free(header->name);
	g_free(header->value);
	g_free(header);
}

Verdict *verdict_new(void)
{
	Verdict *verdict = g_new0(Verdict, 1);

	verdict->rules = g_ptr_array_new_with_free_func(g_free);
	verdict->words = g_ptr_array_new_with_free_func(g_free);
	verdict->escalate = g_ptr_array_new_with_free_func(g_free);
	verdict->sensitive = g_ptr_array_new_with_free_func(g_free);
	verdict->headers = g_ptr_array_new_with_free_func(verdict_header_free);
	verdict->add_rcpts = g_ptr_array_new_with_free_func(g_free);
	return verdict;
}

void verdict_free(Verdict *verdict)
{
	if (verdict == NULL)
		return;
	g_ptr_array_unref(verdict->rules);
	g_ptr_array_unref(verdict->words);
	g_ptr_array_unref(verdict->escalate);
	g_ptr_array_unref(verdict->sensitive);
	g_ptr_array_unref(verdict->headers);
	g_ptr_array_unref(verdict->add_rcpts);
	claim_request_free(verdict->claim);
	g_free(verdict->rcpt);
	g_free(verdict->language);
	g_free(verdict->tier);
	g_free(verdict->queue);
	g_free(verdict->subject);
	correspondent_clear(&verdict->correspondent);
	signals_free(verdict->signals);
	g_free(verdict);
}

bool verdict_is_idle(const VerdictContext *context)
{
	const Config *config = context->engine->config;

	return !config->route_always && !snapshot_is_active(context->snapshot, context->now, config->resolved_for / 1000);
}

/* The addresses of all headers of that name: a second one must not hide behind the first. Two are enough to know that there is not
 * one. */
static GPtrArray *addresses_in(const Message *message, const char *name)
{
	GPtrArray *all = g_ptr_array_new_with_free_func(g_free);

	for (guint nth = 0; nth < message->headers->len && all->len < 2; nth++) {
		const Header *header = g_ptr_array_index(message->headers, nth);
		g_autoptr(GPtrArray) some = NULL;

		if (g_ascii_strcasecmp(header->name, name) != 0)
			continue;
		some = text_addresses(header->value);
		for (guint i = 0; i < some->len; i++)
			g_ptr_array_add(all, g_strdup(g_ptr_array_index(some, i)));
	}
	return all;
}

const char *signals_only(const GPtrArray *addresses)
{
	return addresses->len == 1 ? g_ptr_array_index(addresses, 0) : NULL;
}

static char *on_one_line(const char *value)
{
	return value != NULL ? g_strstrip(header_sanitise(value)) : NULL;
}

void signals_normalise(Signals *signals)
{
	gsize length;

	signals->normal_subject = normal_text(signals->text->subject, &length);
	signals->normal_own = normal_text(signals->text->own, &length);
	signals->subject = signals->normal_subject != NULL ? signals->normal_subject : signals->text->subject;
	signals->own = signals->normal_own != NULL ? signals->normal_own : signals->text->own;
}

/* What the words say, by rules and model. */
static void weigh_words(Signals *signals, const Engine *engine)
{
	signals_normalise(signals);
	signals->words = g_ptr_array_new_with_free_func(g_free);
	signals->rules = rules_match(engine->rules, signals->subject, signals->own);
	/* Where a password stands in the mail, no word of it is named: it may be made of words. */
	if (engine->model != NULL)
		signals->model_score = engine->config->model_weight *
		    model_score(engine->model, signals->subject, signals->own, signals->rules->sensitive->len == 0 ? signals->words : NULL);
	signals->score = signals->rules->score + signals->model_score;
}

static Signals *signals_read(const VerdictContext *context, const Message *message)
{
	const Config *config = context->engine->config;
	Signals *signals = g_new0(Signals, 1);

	signals->message = message;
	signals->text = text_read(message, (gsize)config->text_limit);
	signals->from = addresses_in(message, "From");
	signals->reply_to = addresses_in(message, "Reply-To");
	weigh_words(signals, context->engine);
	signals->message_id = on_one_line(message_header(message, "Message-ID", 0));
	signals->references = on_one_line(message_header(message, "References", 0));
	signals->queue_id = g_strdup(message->queue_id);
	return signals;
}

void signals_free(Signals *signals)
{
	if (signals == NULL)
		return;
	text_free(signals->text);
	g_ptr_array_unref(signals->from);
	g_ptr_array_unref(signals->reply_to);
	rules_result_free(signals->rules);
	g_clear_pointer(&signals->words, g_ptr_array_unref);
	g_free(signals->normal_subject);
	g_free(signals->normal_own);
	authentic_clear(&signals->auth);
	g_free(signals->message_id);
	g_free(signals->references);
	g_free(signals->queue_id);
	g_free(signals);
}

static bool concerns(const SupportAddress *support, const Incident *incident)
{
	return support->incidents == NULL || support->incidents[0] == NULL ||
	    g_strv_contains((const char *const *)support->incidents, incident->name);
}

typedef struct {
	const Incident *incident;
	double score, threshold;
	bool match;
} Candidate;

/* Nobody gains by pretending it: an answer that says "still down" goes to people. */
static bool answers_our_letter(const Signals *signals)
{
	const char *answered = signals->message != NULL ? message_header(signals->message, "In-Reply-To", 0) : NULL;

	return (answered != NULL && strstr(answered, "<" OUR_MESSAGE_ID_PREFIX) != NULL) ||
	    (signals->references != NULL && strstr(signals->references, "<" OUR_MESSAGE_ID_PREFIX) != NULL);
}

static Candidate judge(const VerdictContext *context, const SupportAddress *support, const Signals *signals,
    const Incident *incident)
{
	Candidate candidate = { .incident = incident, .score = signals->score };
	const RulesResult *rules = signals->rules;
	bool resolved = incident->state.word == WORD_RESOLVED;

	candidate.score += context->any_words ? own_words_most(context->engine->config)
	                                      : own_words_score(context->engine->config, incident, signals->subject, signals->own);
	/* Word's first four values are the severities' indices. */
	candidate.threshold =
	    support->threshold >= 0 ? support->threshold : context->engine->config->threshold[incident->state.word];
	candidate.match = candidate.score >= candidate.threshold;
	/* "Thanks, it works again" asks for nothing: after the fix, or under the subject of the letter that it answers. */
	if (rules->recovered && !rules->still_affected && (resolved || text_subject_is_reply(signals->text->subject)))
		candidate.match = false;
	/* After the fix "not for us" may be short; but an invoice that is still not there is no outage. */
	else if (resolved && rules->still_affected && (answers_our_letter(signals) || candidate.score >= candidate.threshold / 2))
		candidate.match = true;
	return candidate;
}

/* Best match, else highest severity, earliest declared, first name (doc/contract.md 7). */
static bool better(const Candidate *a, const Candidate *b)
{
	const IncidentState *x = &a->incident->state, *y = &b->incident->state;

	if (a->match != b->match)
		return a->match;
	if (a->match && a->score != b->score)
		return a->score > b->score;
	if (x->word != y->word)
		return x->word < y->word;
	if (x->declared_at != y->declared_at)
		return x->declared_at < y->declared_at;
	return strcmp(a->incident->name, b->incident->name) < 0;
}

static void choose_incident(Verdict *verdict, const VerdictContext *context, const Signals *signals)
{
	const Config *config = context->engine->config;
	Candidate best = { .incident = NULL };

	for (guint i = 0; i < context->snapshot->incidents->len; i++) {
		const Incident *incident = g_ptr_array_index(context->snapshot->incidents, i);
		Candidate candidate;

		if (!incident_is_active(incident, context->now, config->resolved_for / 1000) || !concerns(verdict->support, incident))
			continue;
		candidate = judge(context, verdict->support, signals, incident);
		if (best.incident == NULL || better(&candidate, &best))
			best = candidate;
	}
	verdict->incident = best.incident;
	verdict->match = best.match;
	verdict->score = best.incident != NULL ? best.score : signals->score;
	verdict->threshold = best.incident != NULL ? best.threshold
	    : verdict->support->threshold >= 0     ? verdict->support->threshold
	                                           : config->threshold[SEVERITY_P1];
}

static void add_names(GPtrArray *to, const GPtrArray *names)
{
	for (guint i = 0; i < names->len; i++)
		g_ptr_array_add(to, g_strdup(g_ptr_array_index(names, i)));
}

static bool is_stale(const Verdict *verdict, const VerdictContext *context)
{
	const Config *config = context->engine->config;
	const Incident *incident = verdict->incident;

	if (incident == NULL)
		return false;
	if (context->snapshot->store_empty || context->age > config->stale_after / 1000)
		return true;
	/* Nobody has said anything for hours: the texts may be wrong by now. After the fix the last word stands. */
	return word_is_open(incident->state.word) && context->now - incident_last_word(incident) > config->max_silence / 1000;
}

static AnswerableSettings answerable_settings(const Engine *engine)
{
	const Config *config = engine->config;

	return (AnswerableSettings){
		.own_addresses = (const char *const *)engine->own,
		.addressed = (const char *const *)engine->addressed,
		.spam_headers = (const char *const *)config->spam_headers,
		.list_ids = (const char *const *)config->list_ids,
		.received_max = (guint)config->received_max,
	};
}

bool verdict_is_machine_made(const Engine *engine, const Message *message)
{
	AnswerableSettings settings = answerable_settings(engine);

	return answerable_headers(&settings, message) != 0;
}

/* What the mail itself gives as reasons against an answer. */
static ReasonSet message_reasons(const Verdict *verdict, const VerdictContext *context, const Signals *signals)
{
	AnswerableSettings settings = answerable_settings(context->engine);

	/* Without addresses given it looks at every one of every From and Reply-To. */
	return answerable_check(&settings, signals->message, signals->text, NULL, NULL, &verdict->correspondent);
}

static void find_reasons(Verdict *verdict, const VerdictContext *context, const Signals *signals)
{
	verdict->reasons |= signals->message_reasons;
	if (verdict->incident == NULL)
		verdict->reasons |= REASON_BIT(REASON_NO_INCIDENT);
	else if (!verdict->match)
		verdict->reasons |= REASON_BIT(REASON_NO_MATCH);
	if (is_stale(verdict, context))
		verdict->reasons |= REASON_BIT(REASON_STALE);
	if (context->snapshot->pause != NULL)
		verdict->reasons |= REASON_BIT(REASON_PAUSED);
	if (verdict->correspondent.verified == VERIFIED_NO)
		verdict->reasons |= REASON_BIT(REASON_UNAUTHENTICATED);
}

/* The language to answer in: what we know of the account, what the mail says of itself, what its words look like. */
static char *language_of(const Verdict *verdict, const Signals *signals)
{
	if (verdict->account != NULL && verdict->verified != VERIFIED_NO && verdict->account->language != NULL)
		return g_strdup(verdict->account->language);
	if (signals->text->language != NULL)
		return g_strdup(signals->text->language);
	return g_strdup(signals->rules->language);
}

/* A stable share of the matched mail, the same on every node. */
static bool is_qa_sample(const char *id, const Config *config)
{
	g_autofree char *digest = id != NULL ? g_compute_checksum_for_string(G_CHECKSUM_SHA256, id, -1) : NULL;

	if (digest == NULL)
		return false;
	digest[8] = '\0';
	return (gint64)(g_ascii_strtoull(digest, NULL, 16) % 100) < config->qa_sample;
}

static bool find_support(Verdict *verdict, const Config *config, const Message *message)
{
	for (guint i = 0; i < message->rcpts->len; i++) {
		const char *rcpt = g_ptr_array_index(message->rcpts, i);

		verdict->support = config_support(config, rcpt);
		if (verdict->support != NULL) {
			verdict->rcpt = g_strdup(rcpt);
			return true;
		}
	}
	return false;
}

static bool is_relay(const char *ip, gconstpointer config)
{
	return config_is_relay(config, ip);
}

/* A relay hands on what strangers wrote, so its own address vouches for no form; that of the machine it had the mail from may. */
static bool is_from_form_host(const Config *config, const Message *message)
{
	g_autoptr(Received) outside = NULL;

	if (!config_is_relay(config, message->client_addr))
		return config_is_form_host(config, message->client_addr);
	outside = received_outside(message, is_relay, config);
	return outside != NULL && config_is_form_host(config, outside->client);
}

/* Who wrote, as far as anybody vouches for it. spf: what the helper answered, or NULL. */
static void judge_writer(Verdict *verdict, const VerdictContext *context, const SpfAnswer *spf)
{
	const Config *config = context->engine->config;
	Signals *signals = verdict->signals;
	const AuthenticSettings authentic = {
		.trusted_ids = (const char *const *)config->authserv_ids,
		.all_instances = config->authres_all,
		.submission_domains = (const char *const *)config->submission_domains,
		.is_relay = is_relay,
		.data = config,
	};
	const CorrespondentSettings correspondent = {
		.form_senders = (const char *const *)config->form_senders,
		.from_form_host = is_from_form_host(config, signals->message),
		.list_ids = (const char *const *)config->list_ids,
	};

	authentic_clear(&signals->auth);
	authentic_judge(&signals->auth, &authentic, signals->message, signals_only(signals->from), spf);
	correspondent_clear(&verdict->correspondent);
	correspondent_find(&verdict->correspondent, &correspondent, signals->message, signals_only(signals->from), signals_only(signals->reply_to),
	    &signals->auth);
	verdict->verified = signals->auth.from;
}

void verdict_conclude(Verdict *verdict, const VerdictContext *context)
{
	const Config *config = context->engine->config;
	const char *template_name = NULL;

	verdict->reasons = 0;
	verdict->route = NULL;
	verdict->respond_by = 0;
	verdict->page = false;
	g_clear_pointer(&verdict->queue, g_free);
	g_clear_pointer(&verdict->tier, g_free);
	g_clear_pointer(&verdict->language, g_free);
	g_clear_pointer(&verdict->claim, claim_request_free);
	verdict->shadow = config_is_shadow(config, verdict->support, verdict->correspondent.address);
	verdict->language = language_of(verdict, verdict->signals);
	verdict_route(verdict, context, verdict->signals, &template_name);
	find_reasons(verdict, context, verdict->signals);
	if (verdict->reasons == 0 && !verdict->shadow)
		verdict->claim = verdict_claim_new(verdict, context, verdict->signals, template_name);
}

bool verdict_makes_contact(const Verdict *verdict)
{
	return verdict->match && !verdict->shadow && verdict->signals->message_reasons == 0 &&
	    verdict->correspondent.verified != VERIFIED_NO && verdict->correspondent.normal != NULL;
}

/* Asking costs the mail a wait and the site DNS traffic, so first it is tried what the answer that matters most would
 * change: whether an acknowledgement would go out, whether an account would be believed, and whether the writer would be
 * among those who can be sent notices. */
static bool spf_would_matter(Verdict *verdict, const VerdictContext *context)
{
	bool policy_only = verdict->signals->auth.question.policy_only;
	bool answered = verdict->reasons == 0, believed = verdict->verified != VERIFIED_NO, contact = verdict_makes_contact(verdict);
	SpfAnswer supposed = { .result = SPF_PASS, .broad = policy_only };
	bool matters;

	judge_writer(verdict, context, &supposed);
	verdict_conclude(verdict, context);
	matters = (verdict->reasons == 0) != answered || verdict_makes_contact(verdict) != contact ||
	    (verdict->account != NULL && (verdict->verified != VERIFIED_NO) != believed);
	judge_writer(verdict, context, NULL);
	verdict_conclude(verdict, context);
	return matters;
}

void verdict_weigh(Verdict *verdict, const VerdictContext *context)
{
	const Config *config = context->engine->config;
	const Signals *signals = verdict->signals;
	const RulesResult *rules = signals->rules;

	choose_incident(verdict, context, signals);
	verdict->rules_score = rules->score;
	verdict->rules_given_up = rules->limited;
	verdict->model_score = verdict->signals->model_score;
	add_names(verdict->rules, rules->names);
	add_names(verdict->words, verdict->signals->words);
	add_names(verdict->escalate, rules->escalate);
	add_names(verdict->sensitive, rules->sensitive);
	if (verdict->match && verdict->incident->state.word == WORD_RESOLVED && rules->still_affected)
		g_ptr_array_add(verdict->escalate, g_strdup("still-affected"));
	verdict->account = accounts_find(context->accounts, signals_only(signals->from));
	verdict->qa = verdict->match && is_qa_sample(signals->message_id, config);
}

Verdict *verdict_decide(const VerdictContext *context, const Message *message)
{
	Verdict *verdict = verdict_new();
	const Config *config = context->engine->config;

	/* An earlier hop of our own has decided already; its headers are kept. */
	if (config_trusts_host(config, message->client_addr) || !find_support(verdict, config, message))
		return verdict;
	verdict->inspected = true;
	verdict->signals = signals_read(context, message);
	verdict_weigh(verdict, context);
	judge_writer(verdict, context, NULL);
	verdict->signals->message_reasons = message_reasons(verdict, context, verdict->signals);
	verdict_conclude(verdict, context);
	verdict->spf_unasked = config->spf_enabled && verdict->signals->auth.asks;
	verdict->asks_spf = verdict->spf_unasked && spf_would_matter(verdict, context);
	return verdict;
}

const SpfQuestion *verdict_spf_question(const Verdict *verdict)
{
	return &verdict->signals->auth.question;
}

void verdict_add_spf(Verdict *verdict, const VerdictContext *context, SpfAnswer answer)
{
	verdict->asks_spf = verdict->spf_unasked = false;
	verdict->spf = answer;
	/* Of a question about the policy alone, the result is no word about this mail. */
	if (verdict->signals->auth.question.policy_only)
		verdict->spf.result = SPF_UNASKED;
	judge_writer(verdict, context, &answer);
	verdict_conclude(verdict, context);
}
