/* claims: see claims.h. Layer: program.
 *
 * Three threads stand behind the callbacks: the pool's, which connects; the recorder, which alone writes this node's spool, so that a slow
 * disk holds nobody up for longer than the budget; and settle's, which brings to the store what was recorded. A callback only
 * borrows a connection, or puts a task into the recorder's queue and waits for its end, up to its deadline. */
#include "outage-milter/claims.h"

#include <string.h>

#include "base/address.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/log.h"
#include "store/claim-make.h"
#include "store/json-fields.h"
#include "store/pool.h"
#include "store/settle.h"
#include "store/spool.h"

/* Of the budget, what is kept for recording on the node when the store has used up the rest: a third, and no more than a slow disk takes
 * for those who waited together. */
#define RECORD_SHARE 3
#define RECORD_MAX_MS 100
/* A store that is back is told by every node of the letters that left meanwhile (settle.c): so long claims wait on the node. */
#define AFTER_AWAY_US (2 * G_USEC_PER_SEC)
/* Won claims that wait for being mirrored; above it they are not, and a blip of the store may answer some customers again. */
#define MIRRORS_MAX 10000
/* So long after a claim that too few replicas took, claims do not wait for them. */
#define FEW_REPLICAS_US (G_USEC_PER_SEC)
#define SAY_EVERY_US (60 * G_USEC_PER_SEC)

struct Claims {
	Config *config;        /* with the lock */
	const Secret *secret;
	char *node;
	bool shared;           /* the store is one that can be away: there is a spool, and a settle */
	StorePool *pool;
	Settle *settle;
	Watch *watch;
	GThread *recorder;
	GMutex lock;           /* over what follows */
	GCond work, done;
	GQueue records;        /* Task *: somebody waits for each */
	GQueue mirrors;        /* Task * */
	bool stopping;
	gint64 next_complaint; /* clock_mono_us: of a full queue */
	gint64 few_replicas_until; /* clock_mono_us */
	guint64 asked, won, recorded, unknown, not_taken, mirrors_dropped;
};

/* A claim to be written into the spool, with copies of all it needs. */
typedef struct {
	SpoolState as;         /* MIRROR: nobody waits for it */
	bool answered;         /* a MIRROR that another node has won */
	StoreClaim claim;
	ClaimRequest *request;
	char *hash, *token, *payload, *mac, *domain;
	enum { TASK_WAITING, TASK_RUNNING, TASK_DONE, TASK_LEFT } state; /* LEFT: nobody waits for it any more */
	ClaimAnswer answer;
	GError *error;
} Task;

static Task *task_new(const StoreClaim *claim, SpoolState as)
{
	const ClaimRequest *from = claim->request;
	ClaimRequest *request = g_new0(ClaimRequest, 1);
	Task *task = g_new0(Task, 1);

	/* The letter itself is in the payload. */
	request->incident = g_strdup(from->incident);
	request->id = g_strdup(from->id);
	request->epoch = from->epoch;
	request->resolved = from->resolved;
	request->word = from->word;
	request->sender = g_strdup(from->sender);
	request->written_at = from->written_at;
	task->as = as;
	task->request = request;
	task->claim = *claim;
	task->claim.request = request;
	task->claim.hash = task->hash = g_strdup(claim->hash);
	task->claim.token = task->token = g_strdup(claim->token);
	task->claim.payload = task->payload = g_strdup(claim->payload);
	task->claim.mac = task->mac = g_strdup(claim->mac);
	task->claim.domain = task->domain = g_strdup(claim->domain);
	return task;
}

static void task_free(Task *task)
{
	claim_request_free(task->request);
	g_free(task->hash);
	g_free(task->token);
	g_free(task->payload);
	g_free(task->mac);
	g_free(task->domain);
	g_clear_error(&task->error);
	g_free(task);
}

/* --- the recorder --- */

/* Without the lock. */
static bool have_spool(Spool **spool, const Config *config, GError **error)
{
	if (*spool == NULL)
		*spool = spool_open(config, error);
	return *spool != NULL;
}

static void write_task(Spool **spool, const Config *config, Task *task)
{
	bool ok = have_spool(spool, config, &task->error) &&
	    (task->answered               ? spool_note_answered(*spool, &task->claim, &task->error)
	     : task->as == SPOOL_MIRROR ? spool_mirror(*spool, &task->claim, &task->error)
	                                : spool_claim(*spool, &task->claim, task->as, &task->answer, &task->error));

	/* The file may have been removed, or its disk be full: the next task finds out anew. */
	if (!ok)
		g_clear_pointer(spool, spool_free);
}

/* With the lock. Somebody may still wait for the task; then he frees it. */
static void end_task(Claims *claims, Task *task)
{
	bool left = task->state == TASK_LEFT;

	task->state = TASK_DONE;
	g_cond_broadcast(&claims->done);
	if (!left && task->as != SPOOL_MIRROR)
		return;
	if (task->error != NULL && task->as == SPOOL_MIRROR) {
		log_warning("a claim is not mirrored on this node: %s", task->error->message);
	} else if (task->error == NULL && task->as != SPOOL_MIRROR) {
		claims->not_taken--;
		claims->recorded++;
		log_warning("an acknowledgement was recorded after its message had gone on without: token %s", task->token);
	}
	task_free(task);
}

/* Returns the next task, or NULL where it is time to stop; with the lock. Those that somebody waits for come first. */
static Task *next_task(Claims *claims)
{
	for (;;) {
		Task *task = g_queue_pop_head(&claims->records);

		if (task == NULL)
			task = g_queue_pop_head(&claims->mirrors);
		if (task != NULL || claims->stopping)
			return task;
		g_cond_wait(&claims->work, &claims->lock);
	}
}

static gpointer record(gpointer data)
{
	Claims *claims = data;
	g_autoptr(Config) opened_with = NULL;
	Spool *spool = NULL;
	Task *task;

	g_mutex_lock(&claims->lock);
	while ((task = next_task(claims)) != NULL) {
		g_autoptr(Config) config = config_ref(claims->config);
		bool waited_for = task->as != SPOOL_MIRROR;

		task->state = TASK_RUNNING;
		g_mutex_unlock(&claims->lock);
		/* Caps and delays belong to the configuration. */
		if (config != opened_with) {
			g_clear_pointer(&spool, spool_free);
			g_clear_pointer(&opened_with, config_unref);
			opened_with = config_ref(config);
		}
		write_task(&spool, config, task);
		g_mutex_lock(&claims->lock);
		end_task(claims, task);
		if (waited_for)
			settle_wake(claims->settle);
	}
	g_mutex_unlock(&claims->lock);
	spool_free(spool);
	return NULL;
}

/* Writes the claim into the spool, waiting for it until claim->until. */
static ClaimAnswer keep_here(Claims *claims, const StoreClaim *claim, SpoolState as)
{
	Task *task = task_new(claim, as);
	ClaimAnswer answer = CLAIM_AWAY;

	g_mutex_lock(&claims->lock);
	g_queue_push_tail(&claims->records, task);
	g_cond_signal(&claims->work);
	while (task->state != TASK_DONE && g_cond_wait_until(&claims->done, &claims->lock, claim->until))
		;
	if (task->state == TASK_WAITING) {
		g_queue_remove(&claims->records, task);
		g_set_error_literal(&task->error, OUTAGE_ERROR, OUTAGE_ERROR_UNAVAILABLE, "this node's disk did not answer in time");
		task->state = TASK_DONE;
	}
	if (task->state == TASK_RUNNING) {
		task->state = TASK_LEFT;
		claims->not_taken++;
		g_mutex_unlock(&claims->lock);
		log_error("THE ACKNOWLEDGEMENT IS NOT TAKEN: the store is away, and this node's disk did not answer in time");
		return CLAIM_AWAY;
	}
	if (task->error == NULL) {
		answer = task->answer;
		claims->recorded += answer == CLAIM_WON;
	} else {
		claims->not_taken++;
	}
	g_mutex_unlock(&claims->lock);
	if (task->error != NULL)
		log_error("THE ACKNOWLEDGEMENT IS NOT TAKEN: the store is away, and this node cannot record it: %s", task->error->message);
	task_free(task);
	return answer;
}

/* Remembers that this customer has been answered: by us, or, with answered, by another node. */
static void mirror(Claims *claims, const StoreClaim *claim, bool answered)
{
	g_mutex_lock(&claims->lock);
	if (claims->mirrors.length < MIRRORS_MAX) {
		Task *task = task_new(claim, SPOOL_MIRROR);

		task->answered = answered;
		g_queue_push_tail(&claims->mirrors, task);
		g_cond_signal(&claims->work);
	} else {
		claims->mirrors_dropped++;
	}
	g_mutex_unlock(&claims->lock);
}

/* --- asking --- */

typedef enum { ASK_ANSWERED, ASK_NEVER_WRITTEN, ASK_UNKNOWN, ASK_NOT_YET } AskOutcome;

/* Whether this may be a store that has forgotten whom it has answered: another server than the one that the watch reads, or one that nodes
 * have not told yet. Claims wait on the node until it has been told. */
static bool may_have_forgotten(Claims *claims, const Store *store)
{
	g_autoptr(Snapshot) snapshot = watch_snapshot(claims->watch);
	const char *server = store_server(store);

	gint64 back = store_pool_back_since(claims->pool);

	if (back != 0 && clock_mono_us() - back < AFTER_AWAY_US)
		return true;
	return snapshot->life != NULL && ((*server != '\0' && !g_str_has_suffix(snapshot->life, server)) ||
	    !settle_knows(claims->settle, snapshot->life));
}

/* For a while nobody waits for replicas: each would wait in vain. */
static void note_few_replicas(Claims *claims, const GError *error)
{
	gint64 now = clock_mono_us();
	bool say;

	g_mutex_lock(&claims->lock);
	say = now >= claims->few_replicas_until + SAY_EVERY_US;
	claims->few_replicas_until = now + FEW_REPLICAS_US;
	g_mutex_unlock(&claims->lock);
	if (say)
		log_warning("claims: %s; they are kept on this node too until replicas are back", error->message);
}

static bool are_replicas_few(Claims *claims)
{
	bool few;

	g_mutex_lock(&claims->lock);
	few = clock_mono_us() < claims->few_replicas_until;
	g_mutex_unlock(&claims->lock);
	return few;
}

/* Asks over one connection. *again: the embedded store was only busy, and may be asked again. */
static AskOutcome ask_once(Claims *claims, StoreClaim *claim, ClaimAnswer *answer, bool *again)
{
	Store *store = store_pool_borrow(claims->pool, claim->until, !claims->shared);
	AskOutcome outcome = ASK_NEVER_WRITTEN;
	g_autoptr(GError) error = NULL;
	bool lost;

	*again = store != NULL && !claims->shared;
	if (store == NULL)
		return ASK_NEVER_WRITTEN;
	if (claims->shared && may_have_forgotten(claims, store)) {
		store_pool_return(claims->pool, store, NULL);
		return ASK_NOT_YET;
	}
	if (store_claim(store, claim, answer, &error)) {
		store_pool_return(claims->pool, store, NULL);
		return ASK_ANSWERED;
	}
	lost = store_is_lost(store);
	store_pool_return(claims->pool, store, lost ? error : NULL);
	if (g_error_matches(error, OUTAGE_ERROR, OUTAGE_ERROR_UNKNOWN))
		outcome = ASK_UNKNOWN;
	else if (g_error_matches(error, OUTAGE_ERROR, OUTAGE_ERROR_INVALID))
		outcome = ASK_NOT_YET; /* it is there, and something is wrong in it: it is not for the nodes to answer instead */
	if (outcome == ASK_UNKNOWN && !lost)
		note_few_replicas(claims, error);
	else
		log_warning("claim for incident %s: %s", claim->request->id, error->message);
	return outcome;
}

/* A shared store is asked once, for what failed is recorded on the node; the embedded one as long as there is time. */
static AskOutcome ask_store(Claims *claims, StoreClaim *claim, gint64 until, ClaimAnswer *answer)
{
	AskOutcome outcome;
	bool again;

	claim->until = until;
	do
		outcome = ask_once(claims, claim, answer, &again);
	while (outcome == ASK_NEVER_WRITTEN && again && clock_mono_us() < until);
	return outcome;
}

static void complain_of_full_queue(Claims *claims, const Config *config)
{
	gint64 now = clock_mono_us();
	bool say;

	g_mutex_lock(&claims->lock);
	say = now >= claims->next_complaint;
	if (say)
		claims->next_complaint = now + SAY_EVERY_US;
	claims->not_taken++;
	g_mutex_unlock(&claims->lock);
	if (say)
		log_error("THE QUEUE IS FULL: ack.queue_limit = %" G_GINT64_FORMAT " acknowledgements wait, no new one is taken; is the replier "
		          "running, and does its relay take mail?", config->ack_queue_limit);
}

/* How long a message may wait. The embedded store stands alone: what it does not take is lost, and it never is away for long. */
static gint64 patience_ms(const Claims *claims, const Config *config)
{
	return claims->shared ? config->store_budget : MAX(config->store_budget, 2 * config->store_timeout);
}

static ClaimAnswer claim_within(Claims *claims, const Config *config, StoreClaim *claim)
{
	gint64 now = clock_mono_us(), until = now + patience_ms(claims, config) * 1000;
	gint64 kept = claims->shared ? MIN(config->store_budget / RECORD_SHARE, RECORD_MAX_MS) * 1000 : 0;
	ClaimAnswer answer = CLAIM_AWAY;
	AskOutcome outcome;

	claim->unreplicated = config->min_replicas > 0 && are_replicas_few(claims);
	outcome = ask_store(claims, claim, until - kept, &answer);
	if (claim->unreplicated && outcome == ASK_ANSWERED && answer == CLAIM_WON)
		outcome = ASK_UNKNOWN;

	g_mutex_lock(&claims->lock);
	claims->asked++;
	claims->won += outcome == ASK_ANSWERED && answer == CLAIM_WON;
	claims->unknown += outcome == ASK_UNKNOWN;
	g_mutex_unlock(&claims->lock);
	if (outcome == ASK_ANSWERED) {
		if ((answer == CLAIM_WON || answer == CLAIM_ALREADY) && claims->shared)
			mirror(claims, claim, answer == CLAIM_ALREADY);
		if (answer == CLAIM_FULL)
			complain_of_full_queue(claims, config);
		return answer;
	}
	if (!claims->shared)
		return CLAIM_AWAY;
	claim->until = until;
	if (outcome == ASK_UNKNOWN)
		return keep_here(claims, claim, SPOOL_ASKED);
	return keep_here(claims, claim, outcome == ASK_NOT_YET || config->when_down == WHEN_DOWN_HOLD ? SPOOL_HELD : SPOOL_LOCAL);
}

/* Makes the claim that request asks for, under a token of its own, and does with it what act does. */
static ClaimAnswer with_claim(Claims *claims, const Config *config, const ClaimRequest *request,
    ClaimAnswer (*act)(Claims *claims, const Config *config, StoreClaim *claim))
{
	g_auto(MadeClaim) made;

	made_claim_init(&made, config, claims->secret, request, NULL);
	return act(claims, config, &made.claim);
}

ClaimAnswer claims_ask(Claims *claims, const Config *config, const ClaimRequest *request)
{
	return with_claim(claims, config, request, claim_within);
}

/* Whether the newest this node knows still is what the request was made by. */
static bool is_still_on(Claims *claims, const ClaimRequest *request)
{
	g_autoptr(Snapshot) snapshot = watch_snapshot(claims->watch);
	const Incident *incident = snapshot_find(snapshot, request->incident);

	return incident != NULL && g_strcmp0(incident->state.id, request->id) == 0 &&
	    incident->state.epoch == request->epoch && (incident->state.word == WORD_RESOLVED) == request->resolved &&
	    incident->state.word != WORD_NONE;
}

static ClaimAnswer hold_here(Claims *claims, const Config *config, StoreClaim *claim)
{
	claim->until = clock_mono_us() + MIN(config->store_budget / RECORD_SHARE, RECORD_MAX_MS) * 1000;
	return keep_here(claims, claim, SPOOL_HELD);
}

ClaimAnswer claims_hold_ended(Claims *claims, const Config *config, const ClaimRequest *request)
{
	return claims->shared && is_still_on(claims, request) ? with_claim(claims, config, request, hold_here) : CLAIM_ENDED;
}

bool claims_block(Claims *claims, const Config *config, const char *hash, const char *why, GError **error)
{
	g_autoptr(GError) failure = NULL;
	Store *store = store_pool_borrow(claims->pool, clock_mono_us() + patience_ms(claims, config) * 1000, false);
	bool ok;

	if (store == NULL) {
		g_set_error_literal(error, OUTAGE_ERROR, OUTAGE_ERROR_UNAVAILABLE, "the store is away, or no connection was free in time");
		return false;
	}
	ok = store_block(store, hash, config->bounce_block / 1000, why, claims->node, &failure);
	store_pool_return(claims->pool, store, !ok && store_is_lost(store) ? failure : NULL);
	if (!ok)
		g_propagate_error(error, g_steal_pointer(&failure));
	return ok;
}

/* --- what is told of it --- */

void claims_describe(Claims *claims, JsonBuilder *builder)
{
	g_autofree char *error = NULL;
	guint64 losses = store_pool_losses(claims->pool, &error);

	fields_add_count(builder, "claim_losses", losses);
	if (error != NULL) {
		g_autofree char *safe = log_escape(error, 200);

		json_builder_set_member_name(builder, "claim_error");
		json_builder_add_string_value(builder, safe);
	}
	g_mutex_lock(&claims->lock);
	fields_add_count(builder, "claims", claims->asked);
	fields_add_count(builder, "won", claims->won);
	fields_add_count(builder, "recorded", claims->recorded);
	fields_add_count(builder, "unknown", claims->unknown);
	fields_add_count(builder, "not_taken", claims->not_taken);
	g_mutex_unlock(&claims->lock);
	if (claims->settle != NULL) {
		SettleCounts counts = settle_counts(claims->settle);
		SpoolCounts spooled;

		settle_spooled(claims->settle, &spooled);
		fields_add_count(builder, "spool_local", spooled.rows[SPOOL_LOCAL]);
		fields_add_count(builder, "spool_held", spooled.rows[SPOOL_HELD]);
		fields_add_count(builder, "spool_asked", spooled.rows[SPOOL_ASKED]);
		fields_add_count(builder, "spool_dead", spooled.rows[SPOOL_DEAD]);
		fields_add_count(builder, "settled", counts.claimed);
		fields_add_count(builder, "settled_lost", counts.lost);
		fields_add_count(builder, "settled_ended", counts.ended);
		fields_add_count(builder, "adopted", counts.adopted);
		fields_add_count(builder, "twice", counts.twice);
		fields_add_count(builder, "told_again", counts.told_again);
	}
}

static char *number(guint64 value)
{
	return g_strdup_printf("%" G_GUINT64_FORMAT, value);
}

void claims_log(Claims *claims)
{
	g_autofree char *asked = NULL, *won = NULL, *recorded = NULL, *unknown = NULL, *not_taken = NULL;

	g_mutex_lock(&claims->lock);
	asked = number(claims->asked);
	won = number(claims->won);
	recorded = number(claims->recorded);
	unknown = number(claims->unknown);
	not_taken = number(claims->not_taken);
	g_mutex_unlock(&claims->lock);
	log_event("claims", "#asked", asked, "#won", won, "#recorded_here", recorded, "#unknown", unknown, "#not_taken", not_taken, NULL);
}

/* --- start and stop --- */

Claims *claims_start(Config *config, const Secret *secret, const char *node, Watch *watch)
{
	Claims *claims = g_new0(Claims, 1);

	claims->config = config_ref(config);
	claims->secret = secret;
	claims->node = g_strdup(node);
	claims->shared = config_store_is_shared(config);
	g_mutex_init(&claims->lock);
	g_cond_init(&claims->work);
	g_cond_init(&claims->done);
	g_queue_init(&claims->records);
	g_queue_init(&claims->mirrors);
	claims->watch = watch;
	claims->pool = store_pool_new(config, node);
	if (claims->shared) {
		claims->settle = settle_start(config, node, watch);
		claims->recorder = g_thread_new("recorder", record, claims);
	}
	return claims;
}

void claims_stop(Claims *claims)
{
	g_mutex_lock(&claims->lock);
	claims->stopping = true;
	g_cond_broadcast(&claims->work);
	g_mutex_unlock(&claims->lock);
	if (claims->recorder != NULL)
		g_thread_join(claims->recorder);
	if (claims->settle != NULL)
		settle_halt(claims->settle);
}

void claims_reconfigure(Claims *claims, Config *config)
{
	Config *before;

	g_mutex_lock(&claims->lock);
	before = claims->config;
	claims->config = config_ref(config);
	g_mutex_unlock(&claims->lock);
	config_unref(before);
	store_pool_reconfigure(claims->pool, config);
	if (claims->settle != NULL)
		settle_reconfigure(claims->settle, config);
}
