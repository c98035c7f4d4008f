/* work: one job after another, from the queue to the MTA. Layer: program.
 *
 * A job says only who is to be answered; what is said comes from the newest state of its incident, read anew for each. A job
 * leaves the queue after the MTA took the mail, or when its incident was withdrawn, or when it is buried with a reason.
 *
 * A signature says that one of our nodes wrote a job and not that it is due: whoever can write to the store can put an
 * old one there again. So a letter leaves only under a mark that stands for this very job, and this process never sends
 * one twice. */
#include "outage-replier/work.h"

#include <string.h>

#include "base/address.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/log.h"
#include "base/secret.h"
#include "mail/bounce.h"
#include "outage-replier/sent.h"
#include "reply/compose.h"
#include "reply/submit.h"
#include "store/store.h"

/* How long a job may lie with a replier that does not finish it before another takes it over: well above the longest
 * submission. */
#define TAKEOVER_MS(config) ((config)->reply_timeout * 2 + 10000)
#define WAIT_MS 1000
/* A job that the store cannot end is left to the next taking over after so many turns, and does not keep the others waiting. */
#define TURNS 5
/* A held job is looked at again this often (seconds). */
#define HOLD_SECONDS 30
#define HEARTBEAT_SECONDS 10
/* Tokens of sent letters that are remembered: days of the worst outage, about 10 MB. */
#define SENT_MAX 100000

struct Worker {
	GMutex lock;          /* guards config, templates, changed, stopping */
	GCond wake;
	Config *config;
	Templates *templates;
	bool changed;         /* config was swapped: store and submitter, which keep theirs, are to be made anew */
	bool stopping;
	Secret *secret;
	char *node;
	Store *store;         /* NULL while away */
	Snapshot *snapshot;   /* the last good one */
	Submitter *submitter; /* NULL until the next job needs it */
	StoredJob *in_hand;   /* taken, and not ended because the store was lost; or NULL */
	gint64 taken_at;      /* of it or of the last one taken (clock_mono_us) */
	guint turns;          /* how often that one has been in vain */
	gint64 heartbeat_at;
	gint64 backoff_ms;    /* 0 while the store works */
	bool held;            /* logged that a pause holds everything */
	SentLog *sent;        /* what this process has sent */
};

/* One job on its way. */
typedef struct {
	const StoredJob *stored;
	Job *job;
	char *hash;
	Config *config;
	Templates *templates;
} Task;

Templates *worker_check(const Config *config, GPtrArray *mistakes)
{
	g_autoptr(GError) error = NULL;

	g_autofree char *place = config_where(config, config->store_url_line);

	if (!store_url_check(config->store_url, &error))
		g_ptr_array_add(mistakes, g_strdup_printf("%s: store.url: %s", place, error->message));
	return templates_load(config->template_dir, config->language, mistakes);
}

Worker *worker_new(Config *config, Templates *templates, GError **error)
{
	g_autofree char *path = config_secret_path(config);
	Secret *secret = secret_load(path, true, error);
	Worker *worker;

	if (secret == NULL)
		return NULL;
	worker = g_new0(Worker, 1);
	g_mutex_init(&worker->lock);
	g_cond_init(&worker->wake);
	worker->config = config_ref(config);
	worker->templates = templates_ref(templates);
	worker->secret = secret;
	/* A replier and a milter on one machine are two members of the cluster. */
	worker->node = g_strdup_printf("%s/replier", g_get_host_name());
	worker->sent = sent_log_new(SENT_MAX);
	return worker;
}

void worker_free(Worker *worker)
{
	if (worker == NULL)
		return;
	sent_log_free(worker->sent);
	stored_job_free(worker->in_hand);
	submitter_free(worker->submitter);
	store_close(worker->store);
	snapshot_unref(worker->snapshot);
	secret_free(worker->secret);
	templates_unref(worker->templates);
	config_unref(worker->config);
	g_mutex_clear(&worker->lock);
	g_cond_clear(&worker->wake);
	g_free(worker->node);
	g_free(worker);
}

void worker_reconfigure(Worker *worker, Config *config, Templates *templates)
{
	g_mutex_lock(&worker->lock);
	config_unref(worker->config);
	templates_unref(worker->templates);
	worker->config = config_ref(config);
	worker->templates = templates_ref(templates);
	worker->changed = true;
	g_mutex_unlock(&worker->lock);
}

void worker_stop(Worker *worker)
{
	g_mutex_lock(&worker->lock);
	worker->stopping = true;
	g_cond_broadcast(&worker->wake);
	g_mutex_unlock(&worker->lock);
}

Config *worker_config(Worker *worker)
{
	Config *config;

	g_mutex_lock(&worker->lock);
	config = config_ref(worker->config);
	g_mutex_unlock(&worker->lock);
	return config;
}

static bool is_stopping(Worker *worker)
{
	bool stopping;

	g_mutex_lock(&worker->lock);
	stopping = worker->stopping;
	g_mutex_unlock(&worker->lock);
	return stopping;
}

/* Waits, but not past a stop. */
static void pause_for(Worker *worker, gint64 milliseconds)
{
	gint64 until = g_get_monotonic_time() + milliseconds * 1000;

	g_mutex_lock(&worker->lock);
	while (!worker->stopping && g_cond_wait_until(&worker->wake, &worker->lock, until))
		;
	g_mutex_unlock(&worker->lock);
}

/* The store failed: it is closed, and opened again after a while that grows and is never the same twice, so that many repliers do
 * not come back in step. */
static void lose_store(Worker *worker, const GError *error)
{
	if (worker->backoff_ms == 0)
		log_warning("the store is away: %s", error->message);
	g_clear_pointer(&worker->store, store_close);
	worker->backoff_ms = CLAMP(worker->backoff_ms * 2, 100, 5000);
	pause_for(worker, worker->backoff_ms / 2 + g_random_int_range(0, (gint32)(worker->backoff_ms / 2 + 1)));
}

static bool have_store(Worker *worker)
{
	g_autoptr(Config) config = worker_config(worker);
	g_autoptr(GError) error = NULL;

	if (worker->store != NULL)
		return true;
	worker->store = store_open(config, worker->node, &error);
	if (worker->store == NULL) {
		lose_store(worker, error);
		return false;
	}
	return true;
}

/* Only a whole round says that the store works: opening it may succeed while every write fails. */
static void keep_store(Worker *worker)
{
	if (worker->backoff_ms != 0)
		log_info("the store is back");
	worker->backoff_ms = 0;
}

/* Reads what holds now; false where the store is away. */
static bool read_state(Worker *worker)
{
	g_autoptr(GError) error = NULL;
	Snapshot *fresh = store_snapshot(worker->store, worker->snapshot, &error);

	if (fresh == NULL) {
		lose_store(worker, error);
		return false;
	}
	snapshot_unref(worker->snapshot);
	worker->snapshot = fresh;
	return true;
}

static void say_alive(Worker *worker)
{
	gint64 now = clock_now();

	if (now - worker->heartbeat_at < HEARTBEAT_SECONDS)
		return;
	worker->heartbeat_at = now;
	(void)store_heartbeat(worker->store, "{\"program\":\"outage-replier\",\"version\":\"" PACKAGE_VERSION "\"}", NULL);
}

static void log_job(const Task *task, const char *event, const char *why, const char *message_id)
{
	const ClaimRequest *request = task->job->request;
	bool hashed = task->config->log_addresses == ADDRESSES_HASHED;

	log_event(event, "job", task->stored->handle, "incident", request->id, "to", hashed ? task->hash : request->sender,
	    "queue_id", request->queue_id, "message_id", message_id, "why", why, NULL);
}

/* The store's refusal of a step at the end of a job: the job stays where it is and is taken again. */
static bool step_failed(Worker *worker, GError *error)
{
	lose_store(worker, error);
	g_error_free(error);
	return false;
}

static bool bury(Worker *worker, const Task *task, const char *why)
{
	GError *error = NULL;

	log_warning("job %s is buried: %s", task->stored->handle, why);
	return store_job_bury(worker->store, task->stored, why, &error) || step_failed(worker, error);
}

static bool hold(Worker *worker, const Task *task, const char *why)
{
	GError *error = NULL;

	log_debug("job %s is held: %s", task->stored->handle, why);
	/* While everything is paused nothing is taken anyway; afterwards it is to leave at once. */
	return store_job_retry(worker->store, task->stored, clock_now() + (worker->snapshot->pause != NULL ? 1 : HOLD_SECONDS), false,
	           why, &error) ||
	    step_failed(worker, error);
}

static bool withdraw(Worker *worker, const Task *task, const char *why)
{
	GError *error = NULL;

	log_job(task, "withdrawn", why, NULL);
	if (!store_job_withdraw(worker->store, task->stored, task->hash, &error))
		return step_failed(worker, error);
	(void)store_count(worker->store, task->job->request->id, "withdrawn", 1, NULL);
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

	if (g_error_matches(why, OUTAGE_ERROR, OUTAGE_ERROR_RECIPIENT))
		return block_and_bury(worker, task, why->message);
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
	return store_job_retry(worker->store, task->stored, clock_now() + MAX(1, retry_delay(task->config, task->stored->tries)),
	           true, why->message, &error) ||
	    step_failed(worker, error);
}

/* The MTA has the mail. If the store cannot be told now, the job comes again and must not be sent again. */
static bool end_sent(Worker *worker, const Task *task)
{
	GError *error = NULL;

	if (!store_job_done(worker->store, task->stored, task->hash, &error))
		return step_failed(worker, error);
	sent_log_end(worker->sent, task->job->token);
	(void)store_count(worker->store, task->job->request->id, "sent", 1, NULL);
	return true;
}

static bool send_reply(Worker *worker, const Task *task, const Incident *incident)
{
	g_autoptr(GError) why = NULL;
	g_autoptr(Composed) composed =
	    compose_ack(task->config, task->templates, worker->secret, incident, task->job, clock_now(), &why);

	if (composed == NULL)
		return bury(worker, task, why->message);
	if (!submitter_send(worker->submitter, composed, &why))
		return send_failed(worker, task, why);
	log_job(task, "acknowledged", composed->kind, composed->message_id);
	sent_log_add(worker->sent, task->job->token);
	return end_sent(worker, task);
}

/* After the fix an active acknowledgement that did not leave becomes the resolution's, once. */
static bool promote(Worker *worker, const Task *task, bool *go_on)
{
	GError *error = NULL;

	if (!store_job_promote(worker->store, task->stored, task->hash, go_on, &error))
		return step_failed(worker, error);
	if (*go_on)
		return true;
	log_job(task, "withdrawn", "the customer has the resolution already", NULL);
	return store_job_withdraw(worker->store, task->stored, task->hash, &error) || step_failed(worker, error);
}

static bool incident_is_silent(const Config *config, const Incident *incident)
{
	return word_is_open(incident->state.word) &&
	    clock_now() - incident_last_word(incident) > config->max_silence / 1000;
}

/* Why the job has to wait, or NULL. */
static const char *hold_reason(const Worker *worker, const Task *task, const Incident *incident)
{
	if (worker->snapshot->store_empty)
		return "the store is empty";
	/* A state that cannot be read is no ending (design.md 4.2). */
	if ((incident == NULL || incident->state.id == NULL) && worker->snapshot->problems->len > 0)
		return "the incident's state cannot be read";
	if (worker->snapshot->pause != NULL)
		return "paused";
	if (incident != NULL && incident_is_silent(task->config, incident))
		return "nobody has said anything about the incident for too long";
	/* Shadow stops what was queued while the mode was live, too. */
	return config_is_shadow(task->config, config_support(task->config, task->job->request->support), task->job->request->sender)
	    ? "the mode is shadow"
	    : NULL;
}

/* A job that one of our nodes signed and that is not owed: somebody put it there. */
static bool refuse_replay(Worker *worker, const Task *task, const char *why)
{
	GError *error = NULL;

	log_error("job %s is refused and buried: %s", task->stored->handle, why);
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
		return refuse_replay(worker, task, "replayed: its letter has been sent");
	case JOB_REPLACED:
		return withdraw(worker, task, "a later mail of the sender has claimed anew");
	case JOB_UNMARKED:
		break;
	}
	return refuse_replay(worker, task, "never claimed: the store has no mark for it");
}

/* Does what the job asks for, as far as it still holds. False where the store failed. The standing comes before
 * whatever touches the mark (withdraw, promote): a replayed job must not get at the mark of the letter that was sent. */
static bool work_on(Worker *worker, const Task *task)
{
	const ClaimRequest *request = task->job->request;
	const Incident *incident = snapshot_find(worker->snapshot, request->incident);
	const char *why = hold_reason(worker, task, incident);
	bool go_on = true;

	switch (sent_log_state(worker->sent, task->job->token)) {
	case SENT_TAKEN:
		return end_sent(worker, task);
	case SENT_ENDED:
		return refuse_replay(worker, task, "replayed: this replier has sent its letter");
	case SENT_NOT:
		break;
	}
	if (why != NULL)
		return hold(worker, task, why);
	if (!check_standing(worker, task, &go_on) || !go_on)
		return worker->store != NULL;
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

static bool refuse(Worker *worker, const StoredJob *stored, const GError *why)
{
	g_autofree char *text = g_strdup_printf("%s: %s",
	    g_error_matches(why, OUTAGE_ERROR, OUTAGE_ERROR_REFUSED) ? "not signed by this site" : "cannot be used", why->message);
	GError *error = NULL;

	log_error("job %s is buried: %s", stored->handle, text);
	return store_job_bury(worker->store, stored, text, &error) || step_failed(worker, error);
}

/* What is in force for one job. */
static void take_config(Worker *worker, Task *task)
{
	g_mutex_lock(&worker->lock);
	task->config = config_ref(worker->config);
	task->templates = templates_ref(worker->templates);
	g_mutex_unlock(&worker->lock);
	if (worker->submitter == NULL)
		worker->submitter = submitter_new(task->config);
}

static bool handle(Worker *worker, const StoredJob *stored)
{
	Task task = { .stored = stored };
	g_autoptr(GError) why = NULL;
	bool ok;

	take_config(worker, &task);
	task.job = job_open(worker->secret, stored, &why);
	if (task.job == NULL) {
		ok = refuse(worker, stored, why);
	} else {
		task.hash = secret_address_hash(worker->secret, task.job->request->sender);
		ok = read_state(worker) && work_on(worker, &task);
	}
	job_free(task.job);
	g_free(task.hash);
	templates_unref(task.templates);
	config_unref(task.config);
	return ok;
}

/* After a reload: store and submitter work with the configuration they were made with. */
static void renew(Worker *worker)
{
	bool changed;

	g_mutex_lock(&worker->lock);
	changed = worker->changed;
	worker->changed = false;
	g_mutex_unlock(&worker->lock);
	if (!changed)
		return;
	g_clear_pointer(&worker->store, store_close);
	g_clear_pointer(&worker->submitter, submitter_free);
}

/* While everything is paused nothing is taken, so that nothing has to be put back. */
static bool is_paused(Worker *worker)
{
	bool paused = worker->snapshot->pause != NULL;

	if (paused && !worker->held)
		log_warning("acknowledgements are paused: %s", worker->snapshot->pause);
	if (!paused && worker->held)
		log_info("acknowledgements go on");
	worker->held = paused;
	return paused;
}

/* Returns the next job, or NULL with error or where there is none. One that was in hand when the store was lost comes first: nobody
 * else may have it before its time for taking over has come, and by then it is left to them. */
static StoredJob *next_job(Worker *worker, const Config *config, gint64 wait_ms, GError **error)
{
	if (worker->in_hand != NULL && worker->turns < TURNS && clock_mono_us() - worker->taken_at < TAKEOVER_MS(config) * 1000 / 2)
		return g_steal_pointer(&worker->in_hand);
	g_clear_pointer(&worker->in_hand, stored_job_free);
	worker->taken_at = clock_mono_us();
	worker->turns = 0;
	return store_job_take(worker->store, wait_ms, TAKEOVER_MS(config), error);
}

bool worker_run(Worker *worker, bool once)
{
	while (!is_stopping(worker)) {
		g_autoptr(Config) config = worker_config(worker);
		g_autoptr(StoredJob) stored = NULL;
		g_autoptr(GError) error = NULL;

		renew(worker);
		if (!have_store(worker) || !read_state(worker)) {
			if (once)
				return false;
			continue;
		}
		say_alive(worker);
		if (is_paused(worker)) {
			if (once)
				return true;
			pause_for(worker, WAIT_MS / 2);
			continue;
		}
		stored = next_job(worker, config, once ? 0 : WAIT_MS, &error);
		if (error != NULL) {
			lose_store(worker, error);
			continue;
		}
		if (stored == NULL && once)
			return true;
		if (stored == NULL || handle(worker, stored)) {
			keep_store(worker);
		} else {
			worker->in_hand = g_steal_pointer(&stored);
			worker->turns++;
		}
	}
	return true;
}
