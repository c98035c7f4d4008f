/* work: one job after another, from the queue to the MTA (see work.h). Layer: program.
 *
 * A job says only who is to be answered; what is said comes from the newest state of its incident, read anew for each. A job
 * leaves the queue after the MTA took the mail, or when its incident was withdrawn, or when it is buried with a reason. What is
 * done with one job stands in work-job.c. */
#include <json-glib/json-glib.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/log.h"
#include "ops/heard.h"
#include "outage-replier/work-private.h"
#include "store/risks.h"

#define WAIT_MS 1000
/* A job that the store cannot end is left to the next taking over after so many turns, and does not keep the others waiting. */
#define TURNS 5
#define HEARTBEAT_US (10 * G_USEC_PER_SEC)
/* Tokens of sent letters that are remembered: days of the worst outage, about 10 MB. */
#define SENT_MAX 100000
#define LOCAL_LOOK_MS 200
/* For so long after the store has become another one, jobs come back whose letters have left. */
#define FORGOT_US (600 * G_USEC_PER_SEC)
#define TELLING_US (3 * G_USEC_PER_SEC)
/* Seconds for one turn: the handing over of a letter (reply.timeout, ten minutes at most), and what is asked of the store around it. */
#define TURN_LIMIT 1800
/* In a pause the queue is gone through again so long after it held nothing more, while a letter to our own people may lie there. */
#define STAFF_LOOK_US (60 * G_USEC_PER_SEC)

Templates *worker_check(const Config *config, GPtrArray *mistakes)
{
	g_autoptr(GError) error = NULL;

	g_autofree char *place = config_where(config, config->store_url_line);

	if (!store_config_check(config, &error))
		g_ptr_array_add(mistakes, g_strdup_printf("%s: store.url: %s", place, error->message));
	return templates_load(config->template_dir, config->language, mistakes);
}

Worker *worker_new(Config *config, Templates *templates, Worker *shared, GError **error)
{
	g_autofree char *path = config_secret_path(config);
	Secret *secret = secret_load(path, true, error);
	Worker *worker;

	if (secret == NULL)
		return NULL;
	worker = g_new0(Worker, 1);
	worker->kind = shared != NULL ? WORK_SPOOL : WORK_QUEUE;
	worker->shared = shared;
	g_mutex_init(&worker->lock);
	g_cond_init(&worker->wake);
	worker->config = config_ref(config);
	worker->templates = templates_ref(templates);
	worker->secret = secret;
	/* A replier and a milter on one machine are two members of the cluster. */
	worker->node = g_strdup_printf("%s/replier", config_node(config));
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
	spool_free(worker->spool);
	g_free(worker->life);
	g_free(worker->missed);
	g_free(worker->relay_trouble);
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

void worker_figures(Worker *worker, WorkerFigures *figures)
{
	g_mutex_lock(&worker->lock);
	*figures = worker->figures;
	/* Less than a second counts: it is away all the same. */
	figures->away = worker->away_since != 0 ? (clock_mono_us() - worker->away_since) / G_USEC_PER_SEC + 1 : 0;
	g_mutex_unlock(&worker->lock);
}

void work_count(Worker *worker, WorkOutcome outcome)
{
	g_mutex_lock(&worker->lock);
	worker->figures.outcomes[outcome]++;
	worker->figures.relay_trouble |= outcome == WORK_RETRIED;
	g_mutex_unlock(&worker->lock);
}

void work_count_sent(Worker *worker, LetterClass class)
{
	g_mutex_lock(&worker->lock);
	worker->figures.sent[class]++;
	worker->figures.relay_trouble = false;
	g_mutex_unlock(&worker->lock);
}

static const char *store_name(const Worker *worker)
{
	return worker->kind == WORK_SPOOL ? "this node's spool" : "the store";
}

/* It is opened again after a while that grows and is never the same twice, so that many repliers do not come back in step. */
void work_lose_store(Worker *worker, const GError *error)
{
	/* A key of a wrong type is no reason for nodes to answer by themselves: the store is there. */
	bool away = worker->store == NULL || store_is_lost(worker->store);

	if (worker->backoff_ms == 0)
		log_warning("%s is away: %s", store_name(worker), error->message);
	g_clear_pointer(&worker->store, store_close);
	g_mutex_lock(&worker->lock);
	if (worker->away_since == 0 && away)
		worker->away_since = clock_mono_us();
	g_mutex_unlock(&worker->lock);
	worker->backoff_ms = CLAMP(worker->backoff_ms * 2, 100, 1000);
	pause_for(worker, worker->backoff_ms / 2 + g_random_int_range(0, (gint32)(worker->backoff_ms / 2 + 1)));
}

static bool have_store(Worker *worker)
{
	g_autoptr(Config) config = worker_config(worker);
	g_autoptr(GError) error = NULL;

	if (worker->store != NULL)
		return true;
	/* A resolver may take its time. */
	watched_end(worker->watched);
	worker->store = worker->kind == WORK_SPOOL ? spool_store_open(config, worker->node, &error) : store_open(config, worker->node, &error);
	watched_begin(worker->watched);
	worker->next_confirm = 0;
	worker->heartbeat_at = 0;
	if (worker->store == NULL) {
		work_lose_store(worker, error);
		return false;
	}
	return true;
}

/* A server that has been replaced without knowing it must not be worked for: what is ended there would not be ended for the others. */
static bool is_confirmed(Worker *worker, const Config *config)
{
	g_autoptr(GError) error = NULL;

	if (clock_mono_us() < worker->next_confirm)
		return true;
	worker->next_confirm = clock_mono_us() + config->store_poll * 1000;
	if (store_confirm(worker->store, &error))
		return true;
	work_lose_store(worker, error);
	return false;
}

/* It has answered: what nodes may do while it is away they may do no longer. */
static void note_heard(Worker *worker)
{
	g_mutex_lock(&worker->lock);
	worker->away_since = 0;
	worker->figures.heard = true;
	g_mutex_unlock(&worker->lock);
}

/* Only a whole round says that the store works: opening it may succeed while every write fails. */
static void keep_store(Worker *worker)
{
	if (worker->backoff_ms != 0)
		log_info("%s is back", store_name(worker));
	worker->backoff_ms = 0;
	note_heard(worker);
}

static void note_life(Worker *worker, const char *life)
{
	if (life == NULL || g_strcmp0(life, worker->life) == 0)
		return;
	if (worker->life != NULL)
		worker->forgot_at = clock_mono_us();
	g_free(worker->life);
	worker->life = g_strdup(life);
}

bool work_read_state(Worker *worker)
{
	g_autoptr(GError) error = NULL;
	Snapshot *fresh = store_snapshot(worker->store, worker->snapshot, &error);

	if (fresh == NULL) {
		work_lose_store(worker, error);
		return false;
	}
	snapshot_unref(worker->snapshot);
	worker->snapshot = fresh;
	note_life(worker, fresh->life);
	return true;
}

/* A store that has just become another one holds jobs again whose letters have left; the nodes through which they left tell it so at once
 * (settle.h), and until then nothing is taken. */
static bool is_forgetful(const Worker *worker)
{
	return worker->forgot_at != 0 && clock_mono_us() - worker->forgot_at < TELLING_US;
}

bool work_store_forgot(const Worker *worker)
{
	return worker->forgot_at != 0 && clock_mono_us() - worker->forgot_at < FORGOT_US;
}

/* What the heartbeat says of this replier. Caller frees. */
static char *describe(const Worker *worker)
{
	g_autoptr(JsonBuilder) builder = json_builder_new();
	g_autoptr(JsonNode) root = NULL;

	json_builder_begin_object(builder);
	json_builder_set_member_name(builder, "program");
	json_builder_add_string_value(builder, "outage-replier");
	json_builder_set_member_name(builder, "version");
	json_builder_add_string_value(builder, PACKAGE_VERSION);
	json_builder_set_member_name(builder, "pid");
	json_builder_add_int_value(builder, getpid());
	json_builder_set_member_name(builder, "sent");
	json_builder_add_int_value(builder, (gint64)worker->sent_count);
	heard_add_identity(builder, worker->secret);
	if (worker->relay_trouble != NULL) {
		g_autofree char *safe = log_escape(worker->relay_trouble, 200);

		json_builder_set_member_name(builder, "last_error");
		json_builder_add_string_value(builder, safe);
		json_builder_set_member_name(builder, "last_error_at");
		json_builder_add_int_value(builder, worker->relay_trouble_at);
	}
	json_builder_end_object(builder);
	root = json_builder_get_root(builder);
	return json_to_string(root, FALSE);
}

static void say_alive(Worker *worker)
{
	gint64 now = clock_mono_us();
	g_autofree char *json = NULL;

	if (worker->kind == WORK_SPOOL || (worker->heartbeat_at != 0 && now - worker->heartbeat_at < HEARTBEAT_US))
		return;
	worker->heartbeat_at = now;
	worker->risks = store_risks_look(worker->store, worker->risks);
	json = describe(worker);
	(void)store_heartbeat(worker->store, json, NULL);
}

/* --- what this node remembers of letters --- */

static bool have_spool(Worker *worker, const Config *config)
{
	g_autoptr(GError) error = NULL;

	if (worker->spool != NULL || !config_store_is_shared(config))
		return worker->spool != NULL;
	worker->spool = spool_open(config, &error);
	if (worker->spool == NULL && !worker->spool_trouble)
		log_warning("this node cannot remember which letters have left: %s", error->message);
	worker->spool_trouble = worker->spool == NULL;
	return worker->spool != NULL;
}

static void lose_spool(Worker *worker, const GError *error)
{
	if (!worker->spool_trouble)
		log_warning("this node cannot remember which letters have left: %s", error->message);
	worker->spool_trouble = true;
	g_clear_pointer(&worker->spool, spool_free);
}

void work_note_sent(Worker *worker, const Config *config, const Job *job, const char *hash)
{
	g_autoptr(GError) error = NULL;

	worker->sent_count++;
	/* The spool's own worker ends its row instead. */
	if (worker->kind == WORK_QUEUE && have_spool(worker, config) && !spool_note_sent(worker->spool, job, hash, &error))
		lose_spool(worker, error);
}

void work_note_told(Worker *worker, const char *token)
{
	g_autoptr(GError) error = NULL;

	if (worker->kind == WORK_QUEUE && worker->spool != NULL &&
	    !spool_settled(worker->spool, token, SPOOL_SENT, worker->snapshot->life, &error))
		lose_spool(worker, error);
}

SentState work_sent_state(Worker *worker, const Config *config, const char *token)
{
	SentState state = sent_log_state(worker->sent, token);
	g_autoptr(GError) error = NULL;
	bool sent = false, told = false;

	if (state != SENT_NOT || worker->kind == WORK_SPOOL || !have_spool(worker, config))
		return state;
	if (!spool_was_sent(worker->spool, token, &sent, &told, &error))
		lose_spool(worker, error);
	return told ? SENT_ENDED : sent ? SENT_TAKEN : SENT_NOT;
}

/* --- the loop --- */

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

/* While everything is paused nothing is taken, so that nothing has to be put back; but letters to our own people leave in a pause too, and
 * the queue cannot be asked for them alone. So where such a letter may lie there, all that is due is taken once, and what is not for our
 * people is put off for some seconds (work-job.c). That costs one pass over the queue for such a letter, and nothing in a pause without;
 * sending them past the queue would give up what the queue is for: one sender of several repliers, tries, and what is known after a crash.
 * A pass ends: in a pause no other letter is claimed, and what is put off comes again behind those that wait. */
void work_expect_staff(Worker *worker, gint64 seconds)
{
	gint64 due = clock_mono_us() + seconds * G_USEC_PER_SEC;

	g_mutex_lock(&worker->lock);
	/* Long enough for a second pass, should the first have come too early. */
	worker->staff_until = MAX(worker->staff_until, due + STAFF_LOOK_US + G_USEC_PER_SEC);
	if (seconds == 0)
		worker->staff_look = 0;
	g_mutex_unlock(&worker->lock);
}

void worker_expect_staff(Worker *worker)
{
	work_expect_staff(worker, 0);
}

/* Whether it is time for taking what is due in a pause. Who says while the queue is looked at that there is another such letter has it
 * looked at again. */
static bool looks_for_staff(Worker *worker)
{
	gint64 now = clock_mono_us();
	bool looks;

	g_mutex_lock(&worker->lock);
	looks = now < worker->staff_until && now >= worker->staff_look;
	if (looks)
		worker->staff_look = now + STAFF_LOOK_US;
	g_mutex_unlock(&worker->lock);
	return looks;
}

/* There was a job: the next one is to be looked at, too. */
static void go_on_looking(Worker *worker)
{
	g_mutex_lock(&worker->lock);
	worker->staff_look = 0;
	g_mutex_unlock(&worker->lock);
}

/* Whether the turn of the spool has come: the shared store has been away for long enough, and the site wants its nodes to answer. */
static bool is_our_turn(Worker *worker, const Config *config)
{
	gint64 since;

	if (worker->kind != WORK_SPOOL)
		return true;
	g_mutex_lock(&worker->shared->lock);
	since = worker->shared->away_since;
	g_mutex_unlock(&worker->shared->lock);
	return config->when_down == WHEN_DOWN_LOCAL && since != 0 && clock_mono_us() - since >= config->local_after * 1000;
}

/* Returns what the store gave us with an answer that never came, or NULL with error or where there is (no more of) it. */
static StoredJob *missed_job(Worker *worker, GError **error)
{
	GError *inner = NULL;
	StoredJob *job;

	if (worker->missed == NULL)
		return NULL;
	job = store_job_missed(worker->store, worker->missed, &inner);
	if (inner != NULL) {
		g_propagate_error(error, inner);
		return NULL;
	}
	g_free(worker->missed);
	worker->missed = job != NULL ? g_strdup(job->handle) : NULL;
	return job;
}

/* Returns the next job, or NULL with error or where there is none. One that was in hand when the store was lost comes first: nobody
 * else may have it before its time for taking over has come, and by then it is left to them. */
static StoredJob *next_job(Worker *worker, const Config *config, gint64 wait_ms, GError **error)
{
	StoredJob *job;
	GError *inner = NULL;

	if (worker->in_hand != NULL && worker->turns < TURNS && clock_mono_us() - worker->taken_at < config_takeover(config) * 1000 / 2)
		return g_steal_pointer(&worker->in_hand);
	g_clear_pointer(&worker->in_hand, stored_job_free);
	worker->taken_at = clock_mono_us();
	worker->turns = 0;
	job = missed_job(worker, &inner);
	if (job == NULL && inner == NULL)
		job = store_job_take(worker->store, wait_ms, config_takeover(config), &inner);
	if (inner != NULL) {
		/* It may have taken one all the same. */
		if (worker->missed == NULL)
			worker->missed = g_strdup("0");
		g_propagate_error(error, inner);
	}
	return job;
}

/* Takes one job and works on it. Returns false where there was none. */
static bool work_once(Worker *worker, const Config *config, gint64 wait_ms)
{
	g_autoptr(StoredJob) stored = NULL;
	g_autoptr(GError) error = NULL;

	stored = next_job(worker, config, wait_ms, &error);
	if (error != NULL) {
		work_lose_store(worker, error);
		return true;
	}
	if (stored == NULL || work_handle(worker, stored)) {
		keep_store(worker);
	} else {
		worker->in_hand = g_steal_pointer(&stored);
		worker->turns++;
		return true;
	}
	return stored != NULL;
}

/* One turn in a pause. Returns false where nothing was done. */
static bool work_in_pause(Worker *worker, const Config *config)
{
	note_heard(worker);
	if (is_forgetful(worker) || !looks_for_staff(worker))
		return false;
	if (!work_once(worker, config, 0))
		return false;
	go_on_looking(worker);
	return true;
}

/* See worker_run. */
static bool run_turns(Worker *worker, bool once)
{
	while (!is_stopping(worker)) {
		g_autoptr(Config) config = worker_config(worker);

		watched_beat(worker->watched);
		renew(worker);
		if (!is_our_turn(worker, config)) {
			pause_for(worker, LOCAL_LOOK_MS);
			continue;
		}
		if (!have_store(worker) || !is_confirmed(worker, config) || !work_read_state(worker)) {
			if (once)
				return false;
			continue;
		}
		say_alive(worker);
		if (is_paused(worker)) {
			bool busy = work_in_pause(worker, config);

			if (once && !busy)
				return true;
			if (!busy)
				pause_for(worker, WAIT_MS / 2);
		} else if (is_forgetful(worker)) {
			pause_for(worker, WAIT_MS / 2);
		} else if (!work_once(worker, config, once ? 0 : worker->kind == WORK_SPOOL ? LOCAL_LOOK_MS : WAIT_MS) && once) {
			return true;
		}
	}
	return true;
}

bool worker_run(Worker *worker, bool once)
{
	bool ok;

	worker->watched = watched_new(worker->kind == WORK_SPOOL ? "the sending from the spool" : "the sending from the queue", TURN_LIMIT);
	watched_begin(worker->watched);
	ok = run_turns(worker, once);
	watched_end(worker->watched);
	g_clear_pointer(&worker->watched, watched_free);
	return ok;
}
