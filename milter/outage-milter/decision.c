/* decision: see decision.h. Layer: program. */
#include "outage-milter/decision.h"

#include "base/log.h"
#include "config/shown.h"

/* Of a Message-ID: its sender may have written any length. */
#define ID_MAX 250

/* "a,b", or NULL for none; caller frees. */
static char *joined(const GPtrArray *items)
{
	g_autoptr(GString) text = NULL;

	if (items == NULL || items->len == 0)
		return NULL;
	text = g_string_new(NULL);
	for (guint i = 0; i < items->len; i++)
		g_string_append_printf(text, "%s%s", i > 0 ? "," : "", (const char *)items->pdata[i]);
	return g_string_free(g_steal_pointer(&text), FALSE);
}

static char *points(double value)
{
	char number[G_ASCII_DTOSTR_BUF_SIZE];

	return g_strdup(g_ascii_formatd(number, sizeof number, "%.1f", value));
}

static const char *ack_name(const Verdict *verdict)
{
	return verdict->queued ? "queued" : verdict->reasons == 0 ? "shadow" : "none";
}

static const char *spf_name(const Verdict *verdict)
{
	if (verdict->spf.broad)
		return "broad";
	return verdict->spf.result != SPF_UNASKED ? spf_result_name(verdict->spf.result) : NULL;
}

void decision_log(const Secret *secret, const Engine *engine, const Message *message, const Verdict *verdict, gint64 micros)
{
	const Config *config = engine->config;
	const Incident *incident = verdict->incident;
	const char *id = message_header(message, "Message-ID", 0);
	g_autofree char *message_id = id != NULL ? g_utf8_make_valid(id, (gssize)strnlen(id, ID_MAX)) : NULL;
	g_autofree char *sender = shown_address(secret, config, message->sender);
	g_autofree char *to = shown_address(secret, config, verdict->correspondent.address);
	g_autofree char *reasons = reason_list(verdict->reasons);
	g_autofree char *score = points(verdict->score), *threshold = points(verdict->threshold), *model = points(verdict->model_score);
	g_autofree char *rules = joined(verdict->rules), *escalate = joined(verdict->escalate), *sensitive = joined(verdict->sensitive);
	g_autofree char *account = shown_name(secret, config, verdict->account != NULL ? verdict->account->name : NULL);
	g_autofree char *taken = g_strdup_printf("%" G_GINT64_FORMAT, micros);
	bool hashed = config->log_addresses == ADDRESSES_HASHED;

	log_event("message", "queue_id", message->queue_id, "message_id", message_id != NULL ? g_strstrip(message_id) : NULL, "client",
	    hashed ? NULL : message->client_addr, "sender", sender, "to", g_strcmp0(to, sender) != 0 ? to : NULL, "rcpt", verdict->rcpt,
	    "incident", incident != NULL ? incident->state.id : NULL, "severity", incident != NULL ? word_name(incident->state.word) : NULL,
	    "match", verdict->match ? "yes" : "no", "#score", score, "#threshold", threshold, "rules", rules, "#model",
	    engine->model != NULL ? model : NULL, "rules_given_up", verdict->rules_given_up ? "yes" : NULL, "language", verdict->language,
	    "account", account, "account_level",
	    verdict->account != NULL ? verdict->account->level : NULL, "verified", verified_name(verdict->verified), "spf", spf_name(verdict),
	    "escalate", escalate, "sensitive", sensitive, "route", verdict->route != NULL ? verdict->route->name : NULL, "queue",
	    verdict->queue, "tier", verdict->tier, "page", verdict->page ? "yes" : NULL, "ack", ack_name(verdict), "reason",
	    *reasons != '\0' ? reasons : NULL, "#us", taken, NULL);
}
