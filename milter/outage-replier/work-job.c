/* work-job: what becomes of one job: held, withdrawn, refused, sent, tried again or buried (see work.h). Layer: program.
 *
 * A signature says that one of our nodes wrote a job and not that it is due: whoever can write to the store can put an
 * old one there again. So a letter leaves only under a mark that stands for this very job, and this process never sends
 * one twice. */
#include <string.h>

#include "base/address.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/log.h"
#include "mail/bounce.h"
#include "outage-replier/due.h"
#include "outage-replier/work-private.h"
#include "reply/compose.h"

/* A held job is looked at again this often (seconds). */
#define HOLD_SECONDS 30
/* One that only a pause holds: afterwards it is to leave soon. */
#define PAUSED_SECONDS 5
/* A job that was taken so often and never ended has taken its repliers along. */
#define TAKES_MAX 8

/* One job on its way. */
typedef struct {
	const StoredJob *stored;
	Job *job;
	char *hash;
	Config *config;
	Templates *templates;
} Task;

/* What a relay says may name an address. Caller frees. */
static char *shown_words(const Config *config, const char *why)
{
	return config->log_addresses == ADDRESSES_HASHED && why != NULL ? bounce_words(why) : g_strdup(why);
}

/* outagectl explain follows a mail by these lines, by its queue id. */
static void log_job(const Task *task, const char *event, const char *why, const char *message_id)
{
	const ClaimRequest *request = task->job->request;
	g_autofree char *shown = shown_words(task->config, why);

	log_event(event, "job", task->stored->handle, "incident", request->id, "to",
	    task->config->log_addresses == ADDRESSES_HASHED ? task->hash : request->sender, "queue_id", request->queue_id, "letter",
	    request->letter, "message_id", message_id, "why", shown, NULL);
}

/* Counts it with the incident: of acknowledgements under the bare name, of others under "NAME:notice" or "NAME:staff". */
static void count(Worker *worker, const Task *task, const char *name)
{
	const ClaimRequest *request = task->job->request;
	static const char *const suffixes[] = { [LETTER_ACK] = "", [LETTER_NOTICE] = ":notice", [LETTER_STAFF] = ":staff" };
	g_autofree char *counter = g_strconcat(name, suffixes[request->class], NULL);

	(void)store_count(worker->store, request->id, counter, 1, NULL);
}

/* The store's refusal of a step at the end of a job: the job stays where it is and is taken again. */
static bool step_failed(Worker *worker, GError *error)
{
	work_lose_store(worker, error);
	g_error_free(error);
	return false;
}

static bool bury(Worker *worker, const Task *task, const char *why)
{
	g_autofree char *shown = shown_words(task->config, why);
	GError *error = NULL;

	log_warning("job %s is buried: %s", task->stored->handle, shown);
	log_job(task, "buried", why, NULL);
	work_count(worker, WORK_BURIED);
	return store_job_bury(worker->store, task->stored, why, &error) || step_failed(worker, error);
}

static bool hold(Worker *worker, const Task *task, const char *why)
{
	GError *error = NULL;

	log_debug("job %s is held: %s", task->stored->handle, why);
	work_count(worker, WORK_HELD);
	return store_job_retry(worker->store, task->stored, worker->snapshot->pause != NULL ? PAUSED_SECONDS : HOLD_SECONDS, false,
	           why, &error) ||
	    step_failed(worker, error);
}

static bool withdraw(Worker *worker, const Task *task, const char *why)
{
	GError *error = NULL;

	log_job(task, "withdrawn", why, NULL);
	work_count(worker, WORK_WITHDRAWN);
	if (!store_job_withdraw(worker->store, task->stored, task->hash, &error))
		return step_failed(worker, error);
	count(worker, task, "withdrawn");
	return true;
}

/* Doubles from retry_first up to retry_max. */
static gint64 retry_delay(const Config *config, guint tries)
{
	gint64 delay = config->reply_retry_first;

	for (guint i = 0; i < tries && delay < config->reply_retry_max; i++)
		delay *= 2;
	return MIN(delay, config->reply_retry_max) / 1000;
}

/* The relay knows that there is no such mailbox: nothing more goes there for a while. */
static bool block_and_bury(Worker *worker, const Task *task, const char *why)
{
	g_autofree char *words = bounce_words(why);
	GError *error = NULL;

	if (!store_block(worker->store, task->hash, task->config->bounce_block / 1000, words, worker->node, &error))
		return step_failed(worker, error);
	return bury(worker, task, why);
}

static bool send_failed(Worker *worker, const Task *task, const GError *why)
{
	GError *error = NULL;
	bool to_staff = task->job->request->class == LETTER_STAFF;
	gint64 delay = MAX(1, retry_delay(task->config, task->stored->tries));

	/* Our own people are not left alone: the next call is to be tried again. */
	if (g_error_matches(why, OUTAGE_ERROR, OUTAGE_ERROR_RECIPIENT))
		return to_staff ? bury(worker, task, why->message) : block_and_bury(worker, task, why->message);
	/* Refused for good; or sent whole and never answered: a second try might be a second letter, so a person decides. */
	if (g_error_matches(why, OUTAGE_ERROR, OUTAGE_ERROR_REFUSED) || g_error_matches(why, OUTAGE_ERROR, OUTAGE_ERROR_UNKNOWN))
		return bury(worker, task, why->message);
	/* One more try gets the letter to a customer whose relay fell over; a relay that takes letters and breaks off each time would
	 * send him one with every further try. */
	if (submitter_broke_off(worker->submitter) && task->stored->tries > 0) {
		g_autofree char *text = g_strdup_printf("it may have been sent: %s", why->message);

		return bury(worker, task, text);
	}
	if (task->stored->tries + 1 >= (guint)task->config->reply_tries) {
		g_autofree char *text = g_strdup_printf("given up after %u tries: %s", task->stored->tries + 1, why->message);

		return bury(worker, task, text);
	}
	log_job(task, "deferred", why->message, NULL);
	work_count(worker, WORK_RETRIED);
	g_free(worker->relay_trouble);
	worker->relay_trouble = g_strdup(why->message);
	worker->relay_trouble_at = clock_now();
	if (to_staff)
		work_expect_staff(worker, delay);
	return store_job_retry(worker->store, task->stored, delay, true, why->message, &error) || step_failed(worker, error);
}

/* The MTA has the mail. If the store cannot be told now, the job comes again and must not be sent again. */
static bool end_sent(Worker *worker, const Task *task)
{
	GError *error = NULL;

	if (!store_job_done(worker->store, task->stored, task->hash, &error))
		return step_failed(worker, error);
	sent_log_end(worker->sent, task->job->token);
	work_note_told(worker, task->job->token);
	count(worker, task, "sent");
	return true;
}

/* What the log calls a letter that has left. */
static const char *sent_event(LetterClass class)
{
	return class == LETTER_NOTICE ? "notice-sent" : class == LETTER_STAFF ? "staff-sent" : "acknowledged";
}

static bool send_reply(Worker *worker, const Task *task, const Incident *incident)
{
	g_autoptr(GError) why = NULL;
	g_autoptr(Composed) composed =
	    compose_letter(task->config, task->templates, worker->secret, incident, task->job, clock_now(), &why);

	if (composed == NULL)
		return bury(worker, task, why->message);
	if (!submitter_send(worker->submitter, composed, &why))
		return send_failed(worker, task, why);
	log_job(task, sent_event(task->job->request->class), composed->kind, composed->message_id);
	work_count_sent(worker, task->job->request->class);
	g_clear_pointer(&worker->relay_trouble, g_free);
	sent_log_add(worker->sent, task->job->token);
	work_note_sent(worker, task->config, task->job, task->hash);
	return end_sent(worker, task);
}

/* After the fix an active acknowledgement that did not leave becomes the resolution's, once. */
static bool promote(Worker *worker, const Task *task, bool *go_on)
{
	GError *error = NULL;

	if (!store_job_promote(worker->store, task->stored, task->hash, go_on, &error))
		return step_failed(worker, error);
	if (*go_on) {
		/* What leaves now is the resolution's letter. */
		task->job->request->resolved = true;
		return true;
	}
	log_job(task, "withdrawn", "the customer has the resolution already", NULL);
	work_count(worker, WORK_WITHDRAWN);
	return store_job_withdraw(worker->store, task->stored, task->hash, &error) || step_failed(worker, error);
}

static bool incident_is_silent(const Config *config, const Incident *incident)
{
	return word_is_open(incident->state.word) &&
	    clock_now() - incident_last_word(incident) > config->max_silence / 1000;
}

/* Why the job has to wait, or NULL. A letter to our own people is not asked for here: nothing holds it. */
static const char *hold_reason(const Worker *worker, const Task *task, const Incident *incident)
{
	if (worker->snapshot->store_empty)
		return "the store is empty";
	if (snapshot_age(worker->snapshot, clock_mono_us()) > task->config->stale_after / 1000)
		return "nobody has heard the store for longer than incident.stale_after";
	/* A state that cannot be read is no ending (doc/contract.md 3). */
	if ((incident == NULL || incident->state.id == NULL) && worker->snapshot->problems->len > 0)
		return "the incident's state cannot be read";
	if (worker->snapshot->pause != NULL)
		return "paused";
	/* What the operator orders to be told breaks the silence. */
	if (task->job->request->class == LETTER_ACK && incident != NULL && incident_is_silent(task->config, incident))
		return "nobody has said anything about the incident for too long";
	/* Shadow stops what was queued while the mode was live, too. */
	return config_is_shadow(task->config, config_support(task->config, task->job->request->support), task->job->request->sender)
	    ? "the mode is shadow"
	    : NULL;
}

/* A job that one of our nodes signed and that is not owed: somebody put it there. Not so in the minutes after the store has lost its
 * memory, when it holds jobs again whose end it has forgotten; nor where it is taken over from a replier that died after sending. */
static bool refuse_replay(Worker *worker, const Task *task, const char *why, bool sent)
{
	GError *error = NULL;

	if (sent && (work_store_forgot(worker) || task->stored->takes > 0)) {
		log_job(task, "ended", "its letter had left already", NULL);
		return store_job_done(worker->store, task->stored, task->hash, &error) || step_failed(worker, error);
	}
	log_error("job %s is refused and buried: %s", task->stored->handle, why);
	log_job(task, "buried", why, NULL);
	work_count(worker, WORK_BURIED);
	return store_job_bury(worker->store, task->stored, why, &error) || step_failed(worker, error);
}

/* *go_on: the job's mark says that its letter is owed and has not left. A letter that the MTA took just before a crash was not
 * marked as sent and stands: it leaves again under the same Message-ID, for otherwise one that it did not take would be lost. */
static bool check_standing(Worker *worker, const Task *task, bool *go_on)
{
	JobStanding standing;
	GError *error = NULL;

	*go_on = false;
	if (!store_job_standing(worker->store, task->job, task->hash, &standing, &error))
		return step_failed(worker, error);
	switch (standing) {
	case JOB_STANDS:
		*go_on = true;
		return true;
	case JOB_SENT:
		return refuse_replay(worker, task, "replayed: its letter has been sent", true);
	case JOB_REPLACED:
		return withdraw(worker, task, "a later mail of the sender has claimed anew");
	case JOB_UNMARKED:
		break;
	}
	return refuse_replay(worker, task, "never claimed: the store has no mark for it", false);
}

/* An acknowledgement that nothing holds, and that is owed. */
static bool work_on_ack(Worker *worker, const Task *task, const Incident *incident)
{
	const ClaimRequest *request = task->job->request;
	bool go_on = true;

	if (incident == NULL || g_strcmp0(incident->state.id, request->id) != 0 || incident->state.epoch != request->epoch ||
	    !incident_is_active(incident, clock_now(), task->config->resolved_for / 1000))
		return withdraw(worker, task, "the incident was ended");
	/* Broken again before the resolution's letter left: it would not be true, and the active one was theirs already or comes
	 * with their next mail. Withdrawn, its mark goes too, so that the real resolution reaches them. */
	if (word_is_open(incident->state.word) && request->resolved)
		return withdraw(worker, task, "the incident was reopened");
	if (incident->state.word == WORD_RESOLVED && !request->resolved && (!promote(worker, task, &go_on) || !go_on))
		return worker->store != NULL;
	return send_reply(worker, task, incident);
}

/* The same for a notice: it speaks of one incident, on or over. */
static bool work_on_notice(Worker *worker, const Task *task, const Incident *incident)
{
	const ClaimRequest *request = task->job->request;
	const char *why = due_notice_over(request->letter, request->id, request->epoch, incident != NULL ? &incident->state : NULL);

	return why != NULL ? withdraw(worker, task, why) : send_reply(worker, task, incident);
}

/* Does what the job asks for, as far as it still holds. False where the store failed. The standing comes before
 * whatever touches the mark (withdraw, promote): a replayed job must not get at the mark of the letter that was sent. */
static bool work_on(Worker *worker, const Task *task)
{
	const ClaimRequest *request = task->job->request;
	const Incident *incident = snapshot_find(worker->snapshot, request->incident);
	const char *why = request->class != LETTER_STAFF ? hold_reason(worker, task, incident) : NULL;
	bool go_on = true;

	switch (work_sent_state(worker, task->config, task->job->token)) {
	case SENT_TAKEN:
		return end_sent(worker, task);
	case SENT_ENDED:
		return refuse_replay(worker, task, "replayed: this replier has sent its letter", true);
	case SENT_NOT:
		break;
	}
	if (why != NULL)
		return hold(worker, task, why);
	if (!check_standing(worker, task, &go_on) || !go_on)
		return worker->store != NULL;
	switch (request->class) {
	case LETTER_ACK:
		return work_on_ack(worker, task, incident);
	case LETTER_NOTICE:
		return work_on_notice(worker, task, incident);
	case LETTER_STAFF:
		break;
	}
	/* A record for our own people of what happened when it did: it is written whatever has become of the incident. */
	return send_reply(worker, task, incident);
}

static bool refuse(Worker *worker, const StoredJob *stored, const GError *why)
{
	g_autofree char *text = g_strdup_printf("%s: %s",
	    g_error_matches(why, OUTAGE_ERROR, OUTAGE_ERROR_REFUSED) ? "not signed by this site" : "cannot be used", why->message);
	GError *error = NULL;

	log_error("job %s is buried: %s", stored->handle, text);
	work_count(worker, WORK_BURIED);
	return store_job_bury(worker->store, stored, text, &error) || step_failed(worker, error);
}

static bool bury_poison(Worker *worker, const Task *task)
{
	g_autofree char *why = g_strdup_printf("taken %u times and never ended: whoever works on it dies, or loses the store",
	    task->stored->takes);

	return bury(worker, task, why);
}

/* What is in force for one job. */
static void take_config(Worker *worker, Task *task)
{
	g_mutex_lock(&worker->lock);
	task->config = config_ref(worker->config);
	task->templates = templates_ref(worker->templates);
	/* Reloaded while this job was waited for. The store is made anew after it. */
	if (worker->changed)
		g_clear_pointer(&worker->submitter, submitter_free);
	g_mutex_unlock(&worker->lock);
	if (worker->submitter == NULL)
		worker->submitter = submitter_new(task->config);
}

bool work_handle(Worker *worker, const StoredJob *stored)
{
	Task task = { .stored = stored };
	g_autoptr(GError) why = NULL;
	bool ok;

	take_config(worker, &task);
	task.job = job_open(worker->secret, stored, &why);
	if (task.job == NULL) {
		ok = refuse(worker, stored, why);
	} else if (stored->takes > TAKES_MAX) {
		ok = bury_poison(worker, &task);
	} else {
		task.hash = secret_address_hash(worker->secret, task.job->request->sender);
		ok = work_read_state(worker) && work_on(worker, &task);
	}
	job_free(task.job);
	g_free(task.hash);
	templates_unref(task.templates);
	config_unref(task.config);
	return ok;
}
