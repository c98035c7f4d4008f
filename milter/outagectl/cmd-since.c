/* cmd-since: `declare --since` (see since.h). Layer: program.
 *
 * The milter keeps the facts of mail that reads like a report of an outage and belonged to no incident (NOTES_RECENT). Here they are
 * decided on twice by the milter's own code: before the question with the incident as it will be, and after the declaration with what the
 * store has then. What is claimed goes the way of every acknowledgement: marks, caps and the replier's checks hold. */
#include "outagectl/since.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/error.h"
#include "inspect/rules.h"
#include "outagectl/ask.h"
#include "outagectl/notify.h"
#include "outagectl/tally.h"
#include "store/claim-make.h"
#include "store/notes.h"

#define CLAIM_TRIES 3

void since_clear(Since *since)
{
	g_free(since->since);
	engine_unref(since->engine);
	accounts_unref(since->accounts);
	templates_unref(since->templates);
	secret_free(since->secret);
}

int since_check(Since *since)
{
	gint64 milliseconds;

	if (since->since == NULL)
		return since->yes ? cli_usage("--yes goes with --since") : CLI_DONE;
	if (!clock_parse_duration(since->since, &milliseconds) || milliseconds < 1000)
		return cli_usage("--since: \"%s\" is no duration such as 2h", since->since);
	since->after = clock_now() - milliseconds / 1000;
	return CLI_DONE;
}

/* --- who wrote --- */

static int by_time(gconstpointer a, gconstpointer b)
{
	const Facts *x = *(const Facts *const *)a, *y = *(const Facts *const *)b;

	return (x->written_at > y->written_at) - (x->written_at < y->written_at);
}

/* Returns the facts (Facts *) of all mail since then, oldest first. *unverified: how many notes there were that this site has not
 * signed. */
static GPtrArray *gather(Cli *cli, const Since *since, guint *unverified, GError **error)
{
	g_autoptr(GPtrArray) all = g_ptr_array_new_with_free_func((GDestroyNotify)facts_free);
	g_autoptr(GHashTable) seen = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	g_autofree char *cursor = NULL;

	*unverified = 0;
	do {
		g_autoptr(GPtrArray) notes = g_ptr_array_new_with_free_func((GDestroyNotify)stored_note_free);

		if (!store_notes_slice(cli->store, NOTES_RECENT, NULL, &cursor, notes, error))
			return NULL;
		for (guint i = 0; i < notes->len; i++) {
			const StoredNote *note = g_ptr_array_index(notes, i);
			Facts *facts;

			if (note->at < since->after || !g_hash_table_add(seen, g_strdup(note->key)))
				continue;
			facts = note_open(since->secret, note, NULL);
			if (facts != NULL)
				g_ptr_array_add(all, facts);
			else
				(*unverified)++;
		}
	} while (cursor != NULL);
	g_ptr_array_sort(all, by_time);
	return g_steal_pointer(&all);
}

/* --- what would be done --- */

static void compile_matches(Snapshot *snapshot)
{
	for (guint i = 0; i < snapshot->incidents->len; i++) {
		Incident *incident = g_ptr_array_index(snapshot->incidents, i);
		const char *pattern = incident->texts[TEXT_MATCH];

		/* One that does not compile counts for nothing, as with the milter; status names it. */
		incident->match = pattern != NULL && *pattern != '\0' ? rules_pattern_new(pattern, NULL) : NULL;
		incident->match_free = (GDestroyNotify)rules_pattern_free;
	}
}

/* The snapshot that the nodes would have after the declaration. */
static Snapshot *foresee(const Config *config, const Snapshot *now, const char *name, Word word, const Texts *texts)
{
	Snapshot *snapshot = snapshot_new();

	for (guint i = 0; i < now->incidents->len; i++) {
		const Incident *incident = g_ptr_array_index(now->incidents, i);

		if (strcmp(incident->name, name) != 0)
			g_ptr_array_add(snapshot->incidents, incident_copy(incident));
	}
	g_ptr_array_add(snapshot->incidents, texts_apply(now, name, word, texts, NULL, clock_now(), config->reopen_within / 1000));
	snapshot->pause = g_strdup(now->pause);
	compile_matches(snapshot);
	return snapshot;
}

static int show_letter(const Cli *cli, const Since *since, const Incident *incident, const ClaimRequest *request)
{
	Job job = { .token = (char *)"sample", .request = (ClaimRequest *)request };
	GError *error = NULL;
	g_autoptr(Composed) composed = compose_letter(cli->config, since->templates, since->secret, incident, &job, clock_now(), &error);

	if (composed == NULL)
		return cli_error(error);
	notify_print_letter(composed);
	return CLI_DONE;
}

/* *is: somebody has claimed this letter before: an incident that goes on keeps its id and its marks. */
static bool was_answered(Cli *cli, const Since *since, const ClaimRequest *request, bool *is, GError **error)
{
	g_autofree char *hash = secret_address_hash(since->secret, request->sender);
	const Job job = { .token = (char *)"", .request = (ClaimRequest *)request };
	JobStanding standing;

	*is = false;
	/* With ack.again_after only the claim itself can tell. */
	if (cli->config->ack_again_after > 0)
		return true;
	if (!store_job_standing(cli->store, &job, hash, &standing, error))
		return false;
	*is = standing != JOB_UNMARKED;
	return true;
}

/* Decides on each, counts, and shows the first letter there is. */
static int foretell(Cli *cli, const Since *since, const GPtrArray *all, const Snapshot *snapshot, const char *name, Tally *tally)
{
	VerdictContext context = { .engine = since->engine, .accounts = since->accounts, .snapshot = snapshot, .now = clock_now() };
	int status = CLI_DONE;

	for (guint i = 0; i < all->len && status == CLI_DONE; i++) {
		g_autoptr(Verdict) verdict = facts_decide(&context, g_ptr_array_index(all, i));
		GError *error = NULL;
		bool answered;

		if (!tally_add(tally, verdict, name))
			continue;
		if (!was_answered(cli, since, verdict->claim, &answered, &error))
			return cli_error(error);
		tally->wanted -= answered;
		tally->answered += answered;
		if (!answered && tally->wanted == 1)
			status = show_letter(cli, since, verdict->incident, verdict->claim);
	}
	return status;
}

static void tell_whom(const Cli *cli, const Since *since, const Snapshot *snapshot, const Tally *tally, guint mails)
{
	g_autofree char *left_alone = tally_left_alone(tally), *kept = clock_format_duration(cli->config->recent_keep);

	printf("%u mails since then read like an outage; %u %s would be answered\n", mails, tally->wanted,
	    cli_people(tally->wanted));
	if (*left_alone != '\0')
		printf("left alone: %s\n", left_alone);
	if (since->after < clock_now() - cli->config->recent_keep / 1000)
		printf("--since %s reaches back further than mail is remembered: what is older than %s (recent.keep) is gone\n", since->since, kept);
	if (snapshot->pause != NULL)
		printf("PAUSED: nobody is answered (outagectl resume comes first)\n");
	if (cli->config->mode != MODE_LIVE)
		printf("mode is SHADOW: NOBODY BUT CANARIES IS ANSWERED\n");
}

static int prepare(Cli *cli, Since *since)
{
	GError *error = NULL;
	int status = notify_read_files(cli->config, &since->templates, &since->secret);

	if (status != CLI_DONE)
		return status;
	since->engine = cli_engine(cli);
	if (since->engine == NULL)
		return CLI_FAILED;
	since->accounts = store_accounts(cli->store, NULL, &error);
	return since->accounts != NULL ? CLI_DONE : cli_error(error);
}

int since_ask(Cli *cli, Since *since, const Snapshot *snapshot, const char *name, Word word, const Texts *texts)
{
	g_autoptr(Snapshot) then = NULL;
	g_autoptr(GPtrArray) all = NULL;
	g_autofree char *question = NULL;
	g_auto(Tally) tally = tally_new();
	GError *error = NULL;
	int status = prepare(cli, since);

	if (status != CLI_DONE)
		return status;
	if ((all = gather(cli, since, &tally.unverified, &error)) == NULL)
		return cli_error(error);
	then = foresee(cli->config, snapshot, name, word, texts);
	if ((status = foretell(cli, since, all, then, name, &tally)) != CLI_DONE)
		return status;
	tell_whom(cli, since, then, &tally, all->len);
	question = g_strdup_printf("Declare %s, and send to %u %s?", word_name(word), tally.wanted, cli_people(tally.wanted));
	return ask(question, since->yes);
}

/* --- doing it --- */

/* Asks again with the same token where it is not known whether the store has done it. */
static bool claim(Cli *cli, const Since *since, const ClaimRequest *request, ClaimAnswer *answer, GError **error)
{
	g_auto(MadeClaim) made;

	made_claim_init(&made, cli->config, since->secret, request, NULL);
	for (int tries = 1;; tries++) {
		g_autoptr(GError) failure = NULL;

		if (store_claim(cli->store, &made.claim, answer, &failure))
			return true;
		if (tries == CLAIM_TRIES || store_is_lost(cli->store)) {
			g_propagate_error(error, g_steal_pointer(&failure));
			return false;
		}
	}
}

static bool note(Cli *cli, const Since *since, NoteList list, const Facts *facts, GError **error)
{
	g_autoptr(GError) failure = NULL;

	if (store_note_facts(cli->store, since->secret, list, facts, &failure))
		return true;
	/* The list is full: that somebody is not noted keeps nobody else from his answer. */
	if (g_error_matches(failure, OUTAGE_ERROR, OUTAGE_ERROR_INVALID)) {
		(void)cli_failed("%s", failure->message);
		return true;
	}
	g_propagate_error(error, g_steal_pointer(&failure));
	return false;
}

/* As the milter notes mail of a running incident. */
static bool note_all(Cli *cli, const Since *since, const Verdict *verdict, bool queued, gint64 written_at, GError **error)
{
	guint uses = facts_uses(verdict);
	g_autoptr(Facts) facts = uses != 0 ? facts_new(verdict, queued, written_at) : NULL;

	return ((uses & FACTS_CONTACT) == 0 || note(cli, since, NOTES_CONTACTS, facts, error)) &&
	    ((uses & FACTS_WAITING) == 0 || note(cli, since, NOTES_WAITING, facts, error));
}

static bool answer_one(Cli *cli, const Since *since, const VerdictContext *context, const char *name, const Facts *facts,
    Tally *tally, GError **error)
{
	g_autoptr(Verdict) verdict = facts_decide(context, facts);
	ClaimAnswer answer = CLAIM_ENDED;

	if (tally_add(tally, verdict, name)) {
		if (!claim(cli, since, verdict->claim, &answer, error))
			return false;
		tally->answers[answer]++;
	}
	/* What belongs to another incident was noted by the milter, or is none of this one's. */
	return verdict->incident == NULL || strcmp(verdict->incident->name, name) != 0 ||
	    note_all(cli, since, verdict, answer == CLAIM_WON, facts->written_at, error);
}

static void note_it(Cli *cli, const char *name, const char *told)
{
	g_autoptr(GError) error = NULL;

	if (!store_add_event(cli->store, "since", name, cli->by, told, &error))
		(void)cli_failed("done, but the log does not say so: %s", error->message);
}

int since_answer(Cli *cli, Since *since, const char *name)
{
	g_autoptr(Snapshot) snapshot = NULL;
	g_autoptr(GPtrArray) all = NULL;
	g_auto(Tally) tally = tally_new();
	g_autofree char *told = NULL;
	VerdictContext context = { .engine = since->engine, .accounts = since->accounts, .now = clock_now() };
	GError *error = NULL;

	if ((context.snapshot = snapshot = store_snapshot(cli->store, NULL, &error)) == NULL ||
	    (all = gather(cli, since, &tally.unverified, &error)) == NULL)
		return cli_error(error);
	compile_matches(snapshot);
	for (guint i = 0; i < all->len && answer_one(cli, since, &context, name, g_ptr_array_index(all, i), &tally, &error); i++)
		;
	told = tally_answers(&tally);
	printf("%s: %s\n", name, told);
	note_it(cli, name, told);
	if (error == NULL)
		return CLI_DONE;
	(void)cli_failed("not all could be answered: %s. The same command again answers the rest, and nobody twice", error->message);
	g_error_free(error);
	return CLI_FAILED;
}
