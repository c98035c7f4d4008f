/* facts: what is kept of a mail, and the decision made on it again (see facts.h). Layer: inspect. Pure.
 *
 * Nothing is decided here: facts are turned back into the signals that verdict.c found in the mail, and verdict.c decides. */
#include "inspect/facts.h"

#include <string.h>

#include "inspect/own-words.h"
#include "inspect/verdict-private.h"

#define KEY_SIZE 32

static GPtrArray *copy_names(const GPtrArray *names)
{
	GPtrArray *copy = g_ptr_array_new_full(names->len, g_free);

	for (guint i = 0; i < names->len; i++)
		g_ptr_array_add(copy, g_strdup(g_ptr_array_index(names, i)));
	return copy;
}

/* What the words of the mail have said of it; an account's language may change until it is decided on again. */
static char *language_of(const Signals *signals)
{
	if (signals->text->language != NULL)
		return g_strdup(signals->text->language);
	return strcmp(signals->rules->language, "und") != 0 ? g_strdup(signals->rules->language) : NULL;
}

static void copy_mail(Facts *facts, const Verdict *verdict, gint64 now)
{
	const Signals *signals = verdict->signals;
	const RulesResult *rules = signals->rules;

	facts->rcpt = g_strdup(verdict->rcpt);
	facts->from = g_strdup(signals_only(signals->from));
	facts->sender = g_strdup(verdict->correspondent.normal);
	facts->to = g_strdup(verdict->correspondent.address);
	facts->verified = verdict->correspondent.verified;
	facts->from_verified = verdict->verified;
	/* Without an incident's own words: those of the next one are other words. */
	facts->score = signals->score;
	facts->rules = copy_names(rules->names);
	facts->escalate = copy_names(rules->escalate);
	facts->sensitive = copy_names(rules->sensitive);
	facts->evidence = rules->evidence;
	facts->still_affected = rules->still_affected;
	facts->recovered = rules->recovered;
	facts->language = language_of(signals);
	facts->message_reasons = signals->message_reasons;
	facts->subject = verdict_bounded(signals->text->subject, VERDICT_SUBJECT_MAX);
	facts->message_id = g_strdup(signals->message_id);
	facts->references = g_strdup(signals->references);
	facts->queue_id = g_strdup(signals->queue_id);
	facts->written_at = now;
}

Facts *facts_new(const Verdict *verdict, bool queued, gint64 now)
{
	Facts *facts;

	if (verdict->signals == NULL)
		return NULL;
	facts = g_new0(Facts, 1);
	copy_mail(facts, verdict, now);
	if (verdict->match) {
		facts->incident = g_strdup(verdict->incident->name);
		facts->id = g_strdup(verdict->incident->state.id);
	}
	if (verdict->account != NULL && verdict->verified != VERIFIED_NO) {
		facts->account = g_strdup(verdict->account->name);
		facts->level = g_strdup(verdict->account->level);
		facts->manager = g_strdup(verdict->account->manager);
		facts->account_language = g_strdup(verdict->account->language);
	}
	facts->respond_by = verdict->respond_by;
	facts->queue = g_strdup(verdict->queue);
	facts->reasons = verdict->reasons;
	facts->queued = queued;
	facts->page = verdict->page;
	return facts;
}

void facts_free(Facts *facts)
{
	if (facts == NULL)
		return;
	g_free(facts->rcpt);
	g_free(facts->from);
	g_free(facts->sender);
	g_free(facts->to);
	g_clear_pointer(&facts->rules, g_ptr_array_unref);
	g_clear_pointer(&facts->escalate, g_ptr_array_unref);
	g_clear_pointer(&facts->sensitive, g_ptr_array_unref);
	g_free(facts->language);
	g_free(facts->subject);
	g_free(facts->message_id);
	g_free(facts->references);
	g_free(facts->queue_id);
	g_free(facts->incident);
	g_free(facts->id);
	g_free(facts->account);
	g_free(facts->level);
	g_free(facts->manager);
	g_free(facts->account_language);
	g_free(facts->queue);
	g_free(facts);
}

/* The other way round: the signals that facts were taken from, as far as they were kept. */
static Signals *signals_of(const Facts *facts)
{
	Signals *signals = g_new0(Signals, 1);
	RulesResult *rules = g_new0(RulesResult, 1);
	Text *text = g_new0(Text, 1);

	text->subject = g_strdup(facts->subject);
	text->own = g_strdup("");
	text->quoted = g_strdup("");
	text->language = g_strdup(facts->language);
	text->parts = g_ptr_array_new();
	text->own_parts = g_ptr_array_new();
	rules->score = facts->score;
	signals->score = facts->score;
	signals->words = g_ptr_array_new();
	rules->names = g_ptr_array_ref(facts->rules);
	rules->escalate = g_ptr_array_ref(facts->escalate);
	rules->sensitive = g_ptr_array_ref(facts->sensitive);
	rules->evidence = facts->evidence;
	rules->still_affected = facts->still_affected;
	rules->recovered = facts->recovered;
	rules->language = g_strdup("und");
	signals->text = text;
	signals_normalise(signals);
	signals->rules = rules;
	signals->from = g_ptr_array_new_with_free_func(g_free);
	if (facts->from != NULL)
		g_ptr_array_add(signals->from, g_strdup(facts->from));
	signals->reply_to = g_ptr_array_new();
	signals->message_reasons = facts->message_reasons;
	signals->message_id = g_strdup(facts->message_id);
	signals->references = g_strdup(facts->references);
	signals->queue_id = g_strdup(facts->queue_id);
	return signals;
}

Verdict *facts_decide(const VerdictContext *context, const Facts *facts)
{
	Verdict *verdict = verdict_new();

	verdict->support = config_support(context->engine->config, facts->rcpt);
	/* The site may have given the address up meanwhile. */
	if (verdict->support == NULL)
		return verdict;
	verdict->inspected = true;
	verdict->rcpt = g_strdup(facts->rcpt);
	verdict->signals = signals_of(facts);
	verdict->correspondent.address = g_strdup(facts->to);
	verdict->correspondent.normal = g_strdup(facts->sender);
	verdict->correspondent.verified = facts->verified;
	verdict->verified = facts->from_verified;
	verdict_weigh(verdict, context);
	verdict_conclude(verdict, context);
	return verdict;
}

guint facts_uses(const Verdict *verdict)
{
	guint uses = 0;

	if (!verdict->match || verdict->shadow || verdict->signals == NULL || verdict->signals->message_reasons != 0)
		return 0;
	if (verdict_makes_contact(verdict))
		uses |= FACTS_CONTACT;
	if (verdict->page || verdict->ack != ACK_MACRO)
		uses |= FACTS_WAITING;
	return uses;
}

/* The severity whose threshold is the lowest. */
static Word easiest(const Config *config)
{
	Word word = WORD_P1;

	for (Word other = WORD_P2; word_is_open(other); other++)
		if (config->threshold[other] < config->threshold[word])
			word = other;
	return word;
}

static void suppose_one(Snapshot *snapshot, const Config *config, const char *name, gint64 now)
{
	Incident *incident;

	if (snapshot_find(snapshot, name) != NULL)
		return;
	incident = incident_new(name);
	(void)incident_transition(&incident->state, name, easiest(config), now, 0);
	g_ptr_array_add(snapshot->incidents, incident);
}

Snapshot *facts_suppose(const Config *config, gint64 now)
{
	Snapshot *snapshot = snapshot_new();

	suppose_one(snapshot, config, "default", now);
	for (SupportAddress **support = config->support; *support != NULL; support++)
		for (char **name = (*support)->incidents; name != NULL && *name != NULL; name++)
			suppose_one(snapshot, config, *name, now);
	snapshot->taken_at = now;
	return snapshot;
}

double facts_least_score(const Config *config, const SupportAddress *support)
{
	double threshold = support->threshold >= 0 ? support->threshold : config->threshold[easiest(config)];

	return threshold - own_words_most(config);
}

Facts *facts_new_recent(const Verdict *verdict, gint64 now)
{
	Facts *facts;

	if (!verdict->match || verdict->signals->message_reasons != 0)
		return NULL;
	facts = facts_new(verdict, false, now);
	/* What was only supposed has had no consequences. */
	g_clear_pointer(&facts->incident, g_free);
	g_clear_pointer(&facts->id, g_free);
	g_clear_pointer(&facts->queue, g_free);
	facts->respond_by = 0;
	facts->reasons = facts->message_reasons;
	facts->page = false;
	return facts;
}

bool facts_is_likely(const Verdict *verdict)
{
	return verdict->match && verdict->signals->message_reasons == 0 && verdict->signals->score >= verdict->threshold;
}

char *facts_key_of(const char *message_id)
{
	const char *open = strchr(message_id, '<'), *close = open != NULL ? strchr(open, '>') : NULL;
	/* Some MTAs leave a comment behind the id. */
	g_autofree char *bare = g_strstrip(close != NULL ? g_strndup(open, (gsize)(close - open) + 1) : g_strdup(message_id));
	char *key = g_compute_checksum_for_string(G_CHECKSUM_SHA256, bare, -1);

	key[KEY_SIZE] = '\0';
	return key;
}

char *facts_key(const Facts *facts)
{
	g_autofree char *other = NULL;

	if (facts->message_id != NULL && *facts->message_id != '\0')
		return facts_key_of(facts->message_id);
	other = g_strdup_printf("%s\n%" G_GINT64_FORMAT, facts->queue_id != NULL ? facts->queue_id : "", facts->written_at);
	return facts_key_of(other);
}

char *facts_apart(const Facts *facts)
{
	static const char *const kinds[] = { "legal", "media" };
	g_autoptr(GString) apart = g_string_new(NULL);

	for (gsize i = 0; i < G_N_ELEMENTS(kinds); i++)
		if (g_ptr_array_find_with_equal_func(facts->escalate, kinds[i], g_str_equal, NULL))
			g_string_append_printf(apart, "%s%s", apart->len > 0 ? "," : "", kinds[i]);
	if (facts->account != NULL)
		g_string_append_printf(apart, "%saccount", apart->len > 0 ? "," : "");
	return g_string_free(g_steal_pointer(&apart), FALSE);
}

bool facts_still_affected(const Facts *facts, const IncidentState *state, gint64 since)
{
	return facts->still_affected && state != NULL && facts->id != NULL && g_strcmp0(state->id, facts->id) == 0 &&
	    state->resolved_at != 0 && since >= state->resolved_at;
}
