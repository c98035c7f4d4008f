/* verdict-claim: what goes to the store to claim a letter: made of a verdict, copied, freed. Layer: inspect. Pure. */
#include <string.h>

#include "inspect/verdict-private.h"

void claim_request_free(ClaimRequest *request)
{
	if (request == NULL)
		return;
	g_free(request->incident);
	g_free(request->id);
	g_free(request->sender);
	g_free(request->to);
	g_free(request->support);
	g_free(request->template_name);
	g_free(request->language);
	g_free(request->account);
	g_free(request->subject);
	g_free(request->message_id);
	g_free(request->references);
	g_free(request->queue_id);
	g_free(request->level);
	g_free(request->letter);
	g_free(request->text);
	g_free(request);
}

const char *claim_request_kind(const ClaimRequest *request)
{
	return request->letter != NULL ? request->letter : request->resolved ? "resolved" : "active";
}

char *verdict_bounded(const char *text, gsize max)
{
	gsize size;

	if (text == NULL)
		return NULL;
	size = strlen(text);
	if (size > max)
		for (size = max; size > 0 && ((guchar)text[size] & 0xc0) == 0x80; size--)
			;
	return g_strndup(text, size);
}

ClaimRequest *verdict_claim_new(const Verdict *verdict, const VerdictContext *context, const Signals *signals,
    const char *template_name)
{
	const IncidentState *state = &verdict->incident->state;
	ClaimRequest *request = g_new0(ClaimRequest, 1);

	request->incident = g_strdup(verdict->incident->name);
	request->id = g_strdup(state->id);
	request->epoch = state->epoch;
	request->resolved = state->word == WORD_RESOLVED;
	request->word = state->word;
	request->sender = g_strdup(verdict->correspondent.normal);
	request->to = g_strdup(verdict->correspondent.address);
	request->support = g_strdup(verdict->rcpt);
	request->template_name = g_strdup(template_name);
	request->language = g_strcmp0(verdict->language, "und") != 0 ? g_strdup(verdict->language) : NULL;
	if (verdict->account != NULL && verdict->verified != VERIFIED_NO) {
		request->account = g_strdup(verdict->account->name);
		request->level = g_strdup(verdict->account->level);
	}
	request->subject = verdict_bounded(signals->text->subject, VERDICT_SUBJECT_MAX);
	/* What of these can be used is for the job to say. */
	request->message_id = g_strdup(signals->message_id);
	request->references = g_strdup(signals->references);
	request->queue_id = g_strdup(signals->queue_id);
	request->written_at = context->now;
	return request;
}
