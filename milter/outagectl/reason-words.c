/* reason-words: why there was no acknowledgement, in words (see reason-words.h). Layer: program. Pure. */
#include "outagectl/reason-words.h"

#include <string.h>

#include "inspect/answerable.h"

/* words goes on from "no acknowledgement, because"; advice stands by itself and says what can be done about it. */
static const struct { const char *words, *advice; } reasons[REASONS] = {
	[REASON_NULL_SENDER] = { "it has no sender to answer (bounces and other reports)",
		"The mail has no sender that could be answered: mail systems write like this when something could not be delivered." },
	[REASON_OWN_ADDRESS] = { "it came from one of our own addresses",
		"The mail comes from one of our own addresses (support, reply.from); answering it would be talking to ourselves." },
	[REASON_AUTO_SUBMITTED] = { "a machine wrote it",
		"The mail says of itself that a program sent it (Auto-Submitted); programs are not answered." },
	[REASON_LIST_MAIL] = { "it came through a mailing list",
		"The mail came through a mailing list (List-Id and the like). If it is your own group address, name it in answer.list_ids." },
	[REASON_PRECEDENCE] = { "it is bulk mail",
		"The mail is bulk or list mail by its Precedence header." },
	[REASON_AUTO_RESPONSE_SUPPRESS] = { "its sender asks for no automatic answers",
		"The sender's mail system asks for no automatic answers (X-Auto-Response-Suppress)." },
	[REASON_VENDOR_AUTO] = { "it is an automatic answer, by a header of its program",
		"A header of the sender's mail system marks the mail as an automatic one." },
	[REASON_LOOP] = { "it has gone in circles",
		"The mail has passed here before or answers an acknowledgement of ours: answering would make a loop. If it passed too many "
		  "servers, see answer.received_max." },
	[REASON_REPORT] = { "it is a delivery report",
		"The mail is a report of a mail system: a bounce, a receipt or a complaint." },
	[REASON_SYSTEM_SENDER] = { "its sender is no person (no-reply, postmaster, ...)",
		"The sender's name is that of a machine (mailer-daemon, noreply and the like)." },
	[REASON_AUTO_SUBJECT] = { "it is an automatic answer, by its subject",
		"The subject is that of an out-of-office note or another automatic answer." },
	[REASON_SPAM] = { "the spam filter marked it",
		"The site's own filter calls the mail spam (answer.spam_headers)." },
	[REASON_NOT_ADDRESSED] = { "it was not addressed to support",
		"No support address stands in To or Cc: the mail came as a blind copy or was forwarded. A group address belongs into "
		  "the aliases of the support address." },
	[REASON_NO_INCIDENT] = { "no incident was on",
		"No incident was on that concerns this support address." },
	[REASON_NO_MATCH] = { "it was not about the outage",
		"The mail did not read like a report of the outage: its score is below the threshold. outagectl check shows which words "
		  "counted; outagectl learn and rules.dir change it." },
	[REASON_VIP] = { "it is from an account: a person answers",
		"The writer belongs to an account that persons answer (outagectl accounts list; the route for accounts)." },
	[REASON_ESCALATED] = { "it was escalated: a person answers",
		"The mail speaks of something that a person has to answer, such as law, press or data loss." },
	[REASON_SENSITIVE] = { "it carries something that must not be answered by a machine",
		"The mail holds a password, a key or a card number, and the route for such mail wants no automatic answer." },
	[REASON_ROUTE] = { "its route leaves the answer to a person",
		"A route that matched has ack = \"none\" (routes in the configuration)." },
	[REASON_STALE] = { "there was no fresh word of the incident to send",
		"This node had not heard the store for longer than incident.stale_after, or the incident had no update for longer than "
		  "incident.max_silence. Look at outagectl status; outagectl update ends the silence." },
	[REASON_PAUSED] = { "acknowledgements were paused",
		"Acknowledgements were paused. outagectl resume lets them go on." },
	[REASON_UNAUTHENTICATED] = { "nobody vouches for its sender (SPF, DKIM, DMARC)",
		"Nobody vouches for the sender: neither SPF, DKIM nor DMARC passed for this address, so it may be forged. If your MTA "
		  "checks them, name it in auth.trusted_ids; or set spf.enabled." },
	[REASON_BOUNCED] = { "mail to its sender had come back",
		"An earlier letter to this address came back. outagectl bounced ADDRESS --clear lets the next one go." },
	[REASON_ALREADY_ACKED] = { "its sender had been acknowledged before",
		"This customer has had this incident's acknowledgement: each gets one (ack.again_after allows more)." },
	[REASON_RATE] = { "a cap on letters was reached",
		"A cap was reached: ack.domain_cap for the sender's domain, or ack.address_cap for the address." },
	[REASON_STORE] = { "the store could not be asked",
		"The store could not be asked in time and this node could not keep the acknowledgement itself, or the queue was full "
		  "(ack.queue_limit). Look at outagectl status." },
};

/* What only the store counts under codes of its own. */
static const struct { const char *code, *words; } others[] = {
	{ "queue-full", "the queue was full" },
	{ "ended", "the incident was over by then" },
};

static Reason reason_find(const char *code)
{
	Reason reason = 0;

	while (reason < REASONS && strcmp(reason_name(reason), code) != 0)
		reason++;
	return reason;
}

const char *reason_words(const char *code)
{
	Reason reason = reason_find(code);

	for (gsize i = 0; reason == REASONS && i < G_N_ELEMENTS(others); i++)
		if (strcmp(others[i].code, code) == 0)
			return others[i].words;
	return reason < REASONS ? reasons[reason].words : code;
}

const char *reason_advice(const char *code)
{
	Reason reason = reason_find(code);

	return reason < REASONS ? reasons[reason].advice : NULL;
}
