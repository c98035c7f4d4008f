/* explain-words: a decision in plain words (see explain.h). Layer: program. */
#include <stdbool.h>
#include <string.h>

#include "base/log.h"
#include "outagectl/explain.h"
#include "outagectl/reason-words.h"

/* Appends text with what the log holds escaped: it goes to a terminal. */
static void G_GNUC_PRINTF(2, 3) say(GString *out, const char *format, ...)
{
	g_autofree char *text = NULL, *safe = NULL;
	va_list args;

	va_start(args, format);
	text = g_strdup_vprintf(format, args);
	va_end(args);
	safe = log_escape(text, 0);
	g_string_append_printf(out, "%s\n", safe);
}

static const char *value(const LogLine *line, const char *key, const char *otherwise)
{
	const char *text = logline_get(line, key);

	return text != NULL ? text : otherwise;
}

static void say_who(GString *out, const LogLine *line)
{
	const char *client = logline_get(line, "client"), *to = logline_get(line, "to"), *account = logline_get(line, "account");
	const char *verified = value(line, "verified", "no"), *spf = logline_get(line, "spf");

	say(out, "    from %s to %s%s%s", value(line, "sender", "an unknown sender"), value(line, "rcpt", "an unknown address"),
	    client != NULL ? ", by the machine " : "", client != NULL ? client : "");
	if (to != NULL)
		say(out, "    an answer would go to %s", to);
	say(out, "    vouched for: %s%s%s", strcmp(verified, "no") == 0 ? "by nobody" : verified, spf != NULL ? "; our own SPF check: " : "",
	    spf != NULL ? spf : "");
	if (account != NULL)
		say(out, "    account: %s%s%s", account, logline_get(line, "account_level") != NULL ? ", " : "", value(line, "account_level", ""));
}

static void say_match(GString *out, const LogLine *line)
{
	const char *incident = logline_get(line, "incident"), *rules = logline_get(line, "rules"), *model = logline_get(line, "model");
	bool match = strcmp(value(line, "match", "no"), "yes") == 0;

	if (incident == NULL)
		say(out, "    No incident was on.");
	else if (match)
		say(out, "    It was taken for a report of the incident %s (%s).", incident, value(line, "severity", "severity unknown"));
	else
		say(out, "    It was not taken for a report of the incident %s (%s).", incident, value(line, "severity", "severity unknown"));
	say(out, "    score %s, threshold %s; rules: %s; model: %s points%s%s", value(line, "score", "?"), value(line, "threshold", "?"),
	    rules != NULL ? rules : "none", model != NULL ? model : "no", logline_get(line, "language") != NULL ? "; language: " : "",
	    value(line, "language", ""));
	if (logline_get(line, "rules_given_up") != NULL)
		say(out, "    A rule took too long and counted as not matching.");
}

static void say_route(GString *out, const LogLine *line)
{
	const char *escalate = logline_get(line, "escalate"), *sensitive = logline_get(line, "sensitive");

	if (escalate != NULL)
		say(out, "    It speaks of: %s.", escalate);
	if (sensitive != NULL)
		say(out, "    It holds what must not leave the house: %s (the words themselves are not in the log).", sensitive);
	say(out, "    It went to the queue %s by the route %s%s%s%s.", value(line, "queue", "normal"), value(line, "route", "of no name"),
	    logline_get(line, "tier") != NULL ? ", tier " : "", value(line, "tier", ""),
	    logline_get(line, "page") != NULL ? "; a person is called for it" : "");
}

static void say_ack(GString *out, const LogLine *line)
{
	const char *ack = value(line, "ack", "none");
	g_auto(GStrv) codes = g_strsplit(value(line, "reason", ""), ",", -1);

	if (strcmp(ack, "queued") == 0)
		say(out, "    An acknowledgement was queued.");
	else if (strcmp(ack, "shadow") == 0)
		say(out, "    An acknowledgement would have been queued, but the mode is shadow: nothing is sent (mode = \"live\" changes that).");
	else
		say(out, "    No acknowledgement, because:");
	for (char **code = codes; *code != NULL; code++) {
		const char *words = reason_advice(*code);

		if (**code != '\0')
			say(out, "        %s: %s", *code, words != NULL ? words : "This version does not know this reason.");
	}
}

/* Text of an event of either program; %s is its `why`. */
static const struct { const char *event, *words; } steps[] = {
	{ "acknowledged", "The acknowledgement left" },
	{ "notice-sent", "A notice left" },
	{ "staff-sent", "A letter to our own people left" },
	{ "deferred", "The relay did not take the letter; it is tried again" },
	{ "withdrawn", "The letter was withdrawn" },
	{ "buried", "The letter was given up (outagectl acks dead shows it, acks retry tries again)" },
	{ "ended", "The job was ended without another letter" },
	{ "page", "A person was called" },
	{ "bounced", "This mail is a bounce of a letter of ours; the address is left alone for a while" },
	{ "optout", "With this mail somebody asked for no more notices" },
};

static void say_step(GString *out, const LogLine *line)
{
	const char *words = NULL, *why = logline_get(line, "why"), *letter = logline_get(line, "message_id");

	for (gsize i = 0; i < G_N_ELEMENTS(steps) && words == NULL; i++)
		if (strcmp(steps[i].event, line->event) == 0)
			words = steps[i].words;
	say(out, "    %s%s%s%s%s%s%s", line->time != NULL ? line->time : "", line->time != NULL ? ": " : "", words != NULL ? words : line->event,
	    letter != NULL ? " as " : "", letter != NULL ? letter : "", why != NULL ? ": " : "", why != NULL ? why : "");
}

char *explain_words(const Explained *one)
{
	GString *out = g_string_new(NULL);
	const LogLine *line = one->decision;

	if (line != NULL) {
		say(out, "%s%squeue id %s, Message-ID %s", line->time != NULL ? line->time : "", line->time != NULL ? ": " : "",
		    value(line, "queue_id", "unknown"), value(line, "message_id", "none"));
		say_who(out, line);
		say_match(out, line);
		say_route(out, line);
		say_ack(out, line);
	} else {
		say(out, "The decision itself is not in this log; what became of it:");
	}
	for (guint i = 0; i < one->after->len; i++)
		say_step(out, one->after->pdata[i]);
	if (line != NULL && one->after->len == 0 && strcmp(value(line, "ack", ""), "queued") == 0)
		say(out, "    Nothing here says that it has left: it waits (outagectl acks pending), or the replier that sent it logs elsewhere.");
	return g_string_free(out, FALSE);
}
