/* replay-advice: what a site would do about what a replay has shown, and what no replay can show. Layer: program. Pure. */
#include "outagectl/replay.h"

#include <string.h>

#include "base/log.h"

static void say(GPtrArray *advice, const char *format, ...) G_GNUC_PRINTF(2, 3);

static void say(GPtrArray *advice, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	g_ptr_array_add(advice, g_strdup_vprintf(format, args));
	va_end(args);
}

/* "a (12), b (3)" of the most frequent. Caller frees. */
static char *most(GHashTable *table, guint max)
{
	g_autoptr(GArray) counts = replay_counts(table);
	GString *list = g_string_new(NULL);

	for (guint i = 0; i < counts->len && i < max; i++) {
		const ReplayCount *one = &g_array_index(counts, ReplayCount, i);
		g_autofree char *shown = log_escape(one->name, 100);

		g_string_append_printf(list, "%s%s (%u)", i > 0 ? ", " : "", shown, one->count);
	}
	return g_string_free(list, FALSE);
}

/* Without anybody who vouches nobody is answered; what to do differs by what the mail carries. */
static void on_vouching(const Replay *replay, GPtrArray *advice)
{
	const Config *config = replay->engine->config;
	guint hang = replay->fates[FATE_VOUCH] + replay->fates[FATE_VOUCH_AGAIN];
	g_autofree char *ids = most(replay->ids, 3);

	if (hang == 0)
		return;
	if (*ids != '\0' && replay->trusted == 0)
		say(advice, "Most of what would be acknowledged hangs on who vouches for the sender. The mail carries Authentication-Results of %s, of"
		    " which none is trusted: if one of them is your own MTA's or filter's, name it in auth.trusted_ids, and replay again.", ids);
	else if (replay->authres == 0)
		say(advice, "None of this mail carries Authentication-Results. Let your MTA's filters (OpenDKIM, OpenDMARC, Rspamd, ...) write them and"
		    " name their id in auth.trusted_ids; %s", config->spf_enabled ? "until then SPF alone, asked on arrival, vouches for senders."
		                                                             : "or switch spf.enabled on: now nobody would be answered.");
	else
		say(advice, "%u mails would be acknowledged only if somebody vouches for their senders: %s", hang,
		    config->spf_enabled ? "SPF is asked on arrival, for those whose headers leave it open."
		                        : "spf.enabled is off, so only the trusted headers do, and of these mails none did.");
}

static void on_addresses(const Replay *replay, GPtrArray *advice)
{
	guint missed = replay->reasons[REASON_NOT_ADDRESSED];
	g_autofree char *where = most(replay->elsewhere, 3);

	if (replay->no_support)
		say(advice, "The configuration names no support address, so that no mail counts as addressed to one: name yours in support (--rcpt"
		    " ADDRESS supposes one)%s%s.", *where != '\0' ? "; outage mail went to " : "", where);
	else if (missed > 0 && *where != '\0')
		say(advice, "%u outage mails are addressed to none of the support addresses and would not be acknowledged; they went to %s. Add what is"
		    " yours to support, or to a support address's aliases.", missed, where);
}

static void on_detection(const Replay *replay, GPtrArray *advice)
{
	guint matched = 0;

	for (int fate = 0; fate < FATE_OTHER; fate++)
		matched += replay->fates[fate];
	if (matched == 0 && replay->fates[FATE_OTHER] > 0)
		say(advice, "No mail reads like an outage. Are these the hours of one? Give its words with outagectl declare --match, and teach the"
		    " detection with outagectl learn.");
	else if (replay->just_under->len > 0)
		say(advice, "Look through the mails near the threshold. What was decided wrongly teaches the detection: put it into folders outage and"
		    " other, and run outagectl learn on them.");
}

static void on_accounts(const Replay *replay, GPtrArray *advice)
{
	if (!replay->accounts)
		say(advice, "No accounts were given (--accounts FILE), so that no large customer was recognised.");
	if (replay->account_unproven > 0)
		say(advice, "%u mails come in the name of an account, but nobody vouches for it: they are treated like any other.",
		    replay->account_unproven);
}

/* Where there are no texts in a language, another's are sent. */
static void on_languages(const Replay *replay, GPtrArray *advice)
{
	const Config *config = replay->engine->config;
	g_autoptr(GArray) counts = replay_counts(replay->languages);
	g_autoptr(GString) without = g_string_new(NULL);

	for (guint i = 0; config->template_dir != NULL && i < counts->len; i++) {
		const ReplayCount *one = &g_array_index(counts, ReplayCount, i);
		g_autofree char *tag = g_strndup(one->name, strspn(one->name, "abcdefghijklmnopqrstuvwxyz"));
		g_autofree char *path = g_build_filename(config->template_dir, tag, NULL);

		if (*tag != '\0' && strcmp(tag, "und") != 0 && !g_file_test(path, G_FILE_TEST_IS_DIR))
			g_string_append_printf(without, "%s%s (%u)", without->len > 0 ? ", " : "", tag, one->count);
	}
	if (without->len > 0)
		say(advice, "There are no templates in these languages of outage mail: %s. Their writers get the letter in another.", without->str);
}

GPtrArray *replay_advice(const Replay *replay)
{
	GPtrArray *advice = g_ptr_array_new_with_free_func(g_free);

	if (replay->mails->len == 0)
		return advice;
	on_vouching(replay, advice);
	on_addresses(replay, advice);
	on_detection(replay, advice);
	on_accounts(replay, advice);
	on_languages(replay, advice);
	if (replay->undated > 0)
		say(advice, "%u mails have no date that could be read; each was taken as of the time of the one before it.", replay->undated);
	return advice;
}

const char *const *replay_limits(void)
{
	static const char *const limits[] = {
		"Who vouches for a sender: only Authentication-Results that lie in the mail and whose id is trusted count here. SPF is asked when mail"
		" arrives, and cannot be asked afterwards.",
		"The envelope: the sender is taken from Return-Path or From, the recipient from the headers.",
		"Caps, addresses that bounced, pauses, and answers held back because nobody had said anything for hours: as if none of them were.",
		"The words of that incident (declare --match) and its texts: every mail is judged as after a bare flip word.",
		NULL,
	};

	return limits;
}
