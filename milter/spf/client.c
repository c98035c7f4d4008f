/* client: the pool of outage-spf helpers (see client.h). Layer: spf.
 *
 * A callback takes a helper from a list, talks to it until its deadline and puts it back; it never starts one and never waits for
 * one to die. All of that is the keeper's, a thread that hears of a death through the end of the helper's standard error, and of
 * everything else through an eventfd. Two rules keep this simple: whoever has a busy helper is alone with its channel, and only the
 * keeper reaps and frees, so that a pid and a descriptor stay what they are as long as anybody else knows them.
 *
 * Helpers that die one after another with no answer between them are started ever more slowly: what kills them is then likely to
 * be there for all questions. One answer ends that. */
#include "spf/client.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/log.h"
#include "spf/helper.h"
#include "spf/silence.h"

#define BACKOFF_FIRST_MS 100
#define BACKOFF_MAX_MS 30000
#define TICK_MS 10                        /* between looks at those who are dying */
#define TIMEOUT_MAX_MS (60 * 60 * 1000)
#define LEAST_US 1000                     /* in less, nobody is asked */
#define REASON_MAX 200                    /* bytes of a helper's reason that are logged */
/* After the beginning of spf_client_stop. */
#define STOP_KILL_US (500 * 1000)
#define STOP_LEAVE_US (1500 * 1000)
#define STOP_ASKERS_US (2000 * 1000)

struct SpfClient {
	char *program, *nameserver;
	guint wanted;            /* helpers */
	int wake;                /* eventfd: something for the keeper to do */
	GThread *keeper;
	GMutex lock;             /* over all below */
	GCond freed;             /* a helper is free, or there is no hope, or a caller is out while we stop */
	GPtrArray *helpers;      /* SpfHelper *: all that have not been reaped; only the keeper takes one out */
	GQueue idle;             /* SpfHelper * */
	guint callers;           /* in spf_client_ask */
	guint64 serial;
	gint64 delay_ms;         /* before the start after the next death */
	gint64 next_start;       /* clock_mono_us */
	gint64 stepped;          /* when the delay grew last; deaths of helpers older than that are of the same trouble */
	bool begun;              /* the keeper has tried to start the first helper */
	GError *failure;         /* and this came of it */
	bool stopping;
	gint64 stop_began;
	SpfSilence *silence;
	SpfClientCounts counts;
};

static void wake_keeper(SpfClient *client)
{
	guint64 one = 1;
	gssize wrote = write(client->wake, &one, sizeof one);

	/* The only failure is a counter that is full, and then the keeper is awake. */
	(void)wrote;
}

/* Half of the delay is certain and half is chance. */
static gint64 jittered_us(gint64 delay_ms)
{
	return delay_ms * 500 + g_random_int_range(0, (gint32)delay_ms * 500 + 1);
}

/* With the lock. The first start is at once: one death says nothing. */
static void step_back(SpfClient *client)
{
	client->stepped = clock_mono_us();
	client->next_start = client->stepped + jittered_us(client->delay_ms);
	client->delay_ms = client->delay_ms == 0 ? BACKOFF_FIRST_MS : MIN(client->delay_ms * 2, BACKOFF_MAX_MS);
}

/* Gives a helper up that is not in the list of the idle; with the lock. why (static): what it is killed for, NULL: it seems
 * dead. */
static void retire(SpfClient *client, SpfHelper *helper, const char *why)
{
	helper->state = HELPER_DYING;
	if (helper->why == NULL)
		helper->why = why;
	client->counts.alive--;
	/* Nobody but the keeper reaps it, and only after this: the pid is still its own. */
	(void)kill(helper->pid, SIGKILL);
	if (!client->stopping) {
		client->counts.deaths++;
		if (helper->started > client->stepped) {
			helper->tell = true;
			step_back(client);
		}
	}
	if (client->counts.alive == 0)
		g_cond_broadcast(&client->freed);
	wake_keeper(client);
}

/* ---- the keeper ---- */

/* Takes a helper that was just started into the pool; with the lock. */
static void adopt(SpfClient *client, SpfHelper *helper)
{
	g_ptr_array_add(client->helpers, helper);
	if (client->stopping) {
		helper->state = HELPER_DYING;
		spf_helper_hang_up(helper);
		return;
	}
	helper->state = HELPER_IDLE;
	client->counts.alive++;
	g_queue_push_head(&client->idle, helper);
	g_cond_signal(&client->freed);
}

/* With the lock. Those that die slowly count too: a process that cannot be killed must not make room for more and more. */
static bool has_room(const SpfClient *client)
{
	return !client->stopping && client->counts.alive < client->wanted && client->helpers->len < 2 * client->wanted;
}

/* With the lock, which is released meanwhile. */
static void start_missing(SpfClient *client)
{
	while (has_room(client) && clock_mono_us() >= client->next_start) {
		g_autoptr(GError) error = NULL;
		SpfHelper *helper;

		g_mutex_unlock(&client->lock);
		helper = spf_helper_start(client->program, client->nameserver, &error);
		if (helper == NULL)
			log_warning("spf: %s; it is tried again, and meanwhile SPF is temperror", error->message);
		g_mutex_lock(&client->lock);
		if (helper != NULL) {
			adopt(client, helper);
		} else {
			step_back(client);
			/* Those who wait may have nothing to hope for any more. */
			g_cond_broadcast(&client->freed);
		}
	}
}

static void log_death(const SpfHelper *helper, int status)
{
	g_autofree char *fate = spf_helper_fate(status);

	if (helper->why != NULL)
		log_warning("spf: helper %d was killed: %s", (int)helper->pid, helper->why);
	else
		log_warning("spf: helper %d died: %s", (int)helper->pid, fate);
}

/* Reaps and frees those who have died; with the lock, which is released meanwhile. */
static void bury(SpfClient *client)
{
	guint i = 0;

	while (i < client->helpers->len) {
		SpfHelper *helper = g_ptr_array_index(client->helpers, i);
		int status = -1;

		if (helper->state != HELPER_DYING || !spf_helper_reap(helper, &status)) {
			i++;
			continue;
		}
		g_ptr_array_remove_index_fast(client->helpers, i);
		g_mutex_unlock(&client->lock);
		spf_helper_last_words(helper);
		if (helper->tell)
			log_death(helper, status);
		spf_helper_free(helper);
		g_mutex_lock(&client->lock);
	}
}

/* Its standard error has ended or is too much (why); with the lock. */
static void end_listening(SpfClient *client, SpfHelper *helper, const char *why)
{
	(void)close(helper->complaints);
	helper->complaints = -1;
	if (helper->state == HELPER_IDLE) {
		g_queue_remove(&client->idle, helper);
		retire(client, helper, why);
	} else if (helper->state == HELPER_BUSY) {
		/* Whoever has it hears the end of its channel and gives it up. */
		helper->why = why;
		(void)kill(helper->pid, SIGKILL);
	}
}

/* How long the keeper may sleep, in ms, -1 = until it is woken; with the lock. */
static int nap(const SpfClient *client)
{
	gint64 left;

	if (client->helpers->len > client->counts.alive || client->stopping)
		return TICK_MS;
	if (!has_room(client))
		return -1;
	left = client->next_start - clock_mono_us();
	return left > 0 ? (int)((left + 999) / 1000) : 0;
}

/* Sleeps until there is something to do, and hears what the helpers have to say; with the lock, which is released meanwhile. */
static void listen_to_all(SpfClient *client)
{
	guint count = client->helpers->len;
	g_autofree struct pollfd *polled = g_new0(struct pollfd, count + 1);
	g_autofree SpfHelper **heard = g_new0(SpfHelper *, count + 1);
	int timeout = nap(client);
	guint64 woken;

	for (guint i = 0; i < count; i++) {
		heard[i] = g_ptr_array_index(client->helpers, i);
		polled[i].fd = heard[i]->complaints;
		polled[i].events = POLLIN;
	}
	polled[count].fd = client->wake;
	polled[count].events = POLLIN;
	g_mutex_unlock(&client->lock);
	if (poll(polled, count + 1, timeout) > 0) {
		if (polled[count].revents != 0 && read(client->wake, &woken, sizeof woken) < 0 && errno != EAGAIN)
			log_bug("spf: the keeper's eventfd cannot be read: %s", g_strerror(errno));
		for (guint i = 0; i < count; i++) {
			const char *why = NULL;

			if (polled[i].revents == 0 || spf_helper_listen(heard[i], &why))
				continue;
			g_mutex_lock(&client->lock);
			end_listening(client, heard[i], why);
			g_mutex_unlock(&client->lock);
		}
	}
	g_mutex_lock(&client->lock);
}

/* Says whether the keeper may go, and kills those who did not end in time; with the lock. */
static bool is_over(SpfClient *client)
{
	gint64 since;

	if (!client->stopping)
		return false;
	since = clock_mono_us() - client->stop_began;
	for (guint i = 0; since >= STOP_KILL_US && i < client->helpers->len; i++)
		(void)kill(((SpfHelper *)g_ptr_array_index(client->helpers, i))->pid, SIGKILL);
	return client->helpers->len == 0 || since >= STOP_LEAVE_US;
}

/* The very first start, on which spf_client_start waits: only by running a program one knows that it can be run. With the lock,
 * which is released meanwhile. */
static void start_first(SpfClient *client)
{
	GError *error = NULL;
	SpfHelper *helper;

	g_mutex_unlock(&client->lock);
	helper = spf_helper_start(client->program, client->nameserver, &error);
	g_mutex_lock(&client->lock);
	if (helper != NULL) {
		adopt(client, helper);
	} else {
		client->failure = error;
		client->stopping = true;
	}
	client->begun = true;
	g_cond_broadcast(&client->freed);
}

/* All helpers are children of this thread and of no other: they ask the kernel to be killed when their parent dies, and that means
 * the thread that started them. */
static gpointer keep(gpointer data)
{
	SpfClient *client = data;

	g_mutex_lock(&client->lock);
	start_first(client);
	while (!is_over(client)) {
		start_missing(client);
		listen_to_all(client);
		bury(client);
	}
	g_mutex_unlock(&client->lock);
	return NULL;
}

/* ---- from outside ---- */

SpfClient *spf_client_start(const Config *config, GError **error)
{
	int wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	SpfClient *client;
	GError *failure;

	if (wake < 0) {
		g_set_error(error, OUTAGE_ERROR, OUTAGE_ERROR_SYSTEM, "the SPF helper: eventfd: %s", g_strerror(errno));
		return NULL;
	}
	client = g_new0(SpfClient, 1);
	client->silence = spf_silence_new();
	client->program = config_spf_program(config);
	client->nameserver = g_strdup(config->spf_nameserver);
	client->wanted = (guint)MAX(config->spf_helpers, 1);
	client->wake = wake;
	client->helpers = g_ptr_array_new();
	g_mutex_init(&client->lock);
	g_cond_init(&client->freed);
	g_queue_init(&client->idle);
	client->keeper = g_thread_new("spf-keeper", keep, client);
	g_mutex_lock(&client->lock);
	while (!client->begun)
		g_cond_wait(&client->freed, &client->lock);
	failure = g_steal_pointer(&client->failure);
	g_mutex_unlock(&client->lock);
	if (failure == NULL)
		return client;
	g_propagate_error(error, failure);
	spf_client_stop(client);
	return NULL;
}

/* Tells all helpers and callers that it is over; with the lock. */
static void begin_stop(SpfClient *client)
{
	SpfHelper *helper;

	client->stopping = true;
	client->stop_began = clock_mono_us();
	/* A busy one's caller hears the end of the channel and gives it up; the others are told to end in their own way. */
	for (guint i = 0; i < client->helpers->len; i++)
		spf_helper_hang_up(g_ptr_array_index(client->helpers, i));
	while ((helper = g_queue_pop_head(&client->idle)) != NULL) {
		helper->state = HELPER_DYING;
		client->counts.alive--;
	}
	g_cond_broadcast(&client->freed);
	wake_keeper(client);
}

void spf_client_stop(SpfClient *client)
{
	guint callers;

	if (client == NULL)
		return;
	g_mutex_lock(&client->lock);
	begin_stop(client);
	g_mutex_unlock(&client->lock);
	g_thread_join(client->keeper);
	g_mutex_lock(&client->lock);
	while (client->callers > 0 && g_cond_wait_until(&client->freed, &client->lock, client->stop_began + STOP_ASKERS_US))
		;
	callers = client->callers;
	g_mutex_unlock(&client->lock);
	if (callers > 0) {
		log_bug("%u questions about SPF did not end; the pool stays in memory", callers);
		return;
	}
	for (guint i = 0; i < client->helpers->len; i++) {
		log_warning("spf: helper %d cannot be ended", (int)((SpfHelper *)g_ptr_array_index(client->helpers, i))->pid);
		spf_helper_free(g_ptr_array_index(client->helpers, i));
	}
	g_ptr_array_free(client->helpers, TRUE);
	(void)close(client->wake);
	g_cond_clear(&client->freed);
	g_mutex_clear(&client->lock);
	g_free(client->program);
	g_free(client->nameserver);
	spf_silence_free(client->silence);
	g_free(client);
}

/* Takes an idle helper, or NULL with error; with the lock. */
static SpfHelper *take(SpfClient *client, gint64 until, GError **error)
{
	const char *trouble = NULL;

	while (trouble == NULL) {
		SpfHelper *helper = NULL;
		const char *why = NULL;

		if (client->stopping)
			trouble = "SPF is being stopped";
		else if (clock_mono_us() + LEAST_US > until)
			trouble = "no helper was free in time";
		else if ((helper = g_queue_pop_head(&client->idle)) == NULL && client->counts.alive == 0 && client->next_start >= until)
			trouble = "no helper runs";
		else if (helper == NULL)
			(void)g_cond_wait_until(&client->freed, &client->lock, until);
		else if (spf_helper_is_quiet(helper, &why)) {
			helper->state = HELPER_BUSY;
			return helper;
		} else {
			/* Dead and not yet missed, or talking to itself: neither is this question's doing, so it gets another one. */
			retire(client, helper, why);
		}
	}
	/* A signal that came at the very end of our time woke nobody else. */
	if (!g_queue_is_empty(&client->idle))
		g_cond_signal(&client->freed);
	g_set_error(error, OUTAGE_ERROR, OUTAGE_ERROR_UNAVAILABLE, "%s", trouble);
	return NULL;
}

/* Puts a helper back that has answered, or gives it up where failure says why it has not; with the lock. */
static void give_back(SpfClient *client, SpfHelper *helper, const GError *failure)
{
	if (failure != NULL) {
		bool silent = failure->code == OUTAGE_ERROR_UNAVAILABLE, mad = failure->code == OUTAGE_ERROR_INVALID;

		retire(client, helper, silent ? "it did not answer in time" : mad ? "its answer made no sense" : NULL);
		return;
	}
	client->delay_ms = client->stepped = 0;
	/* Its standard error ended while it was ours: it died after its answer. */
	if (helper->complaints < 0) {
		retire(client, helper, NULL);
		return;
	}
	if (client->stopping) {
		helper->state = HELPER_DYING;
		client->counts.alive--;
		return;
	}
	/* The one used last goes out first: its cache is the warmest. */
	helper->state = HELPER_IDLE;
	g_queue_push_head(&client->idle, helper);
	g_cond_signal(&client->freed);
}

/* One line for a question that came to nothing: which domain, and why. Only the domain: an address is personal. */
static void log_temperror(const SpfQuestion *question, const char *reason)
{
	const char *at = strrchr(question->sender, '@');
	g_autofree char *domain = log_escape(at != NULL ? at + 1 : question->helo, REASON_MAX);
	g_autofree char *text = log_escape(reason, REASON_MAX);

	log_warning("spf: %s: temperror: %s", *domain != '\0' ? domain : "no domain", *text != '\0' ? text : "no reason given");
}

/* Asks a helper, until the deadline at most, and says why where that came to nothing. */
static SpfAnswer ask_helper(SpfClient *client, const SpfQuestion *question, gint64 until)
{
	gint64 began = clock_mono_us(), asked;
	SpfAnswer answer = { SPF_TEMPERROR, false };
	g_autoptr(GError) error = NULL;
	g_autofree char *reason = NULL;
	SpfHelper *helper;
	guint64 serial;

	g_mutex_lock(&client->lock);
	serial = ++client->serial;
	helper = take(client, until, &error);
	g_mutex_unlock(&client->lock);
	asked = clock_mono_us();
	if (helper != NULL && !spf_helper_ask(helper, question, serial, until, &answer, &reason, &error))
		answer = (SpfAnswer){ SPF_TEMPERROR, false };
	if (answer.result == SPF_TEMPERROR)
		log_temperror(question, error != NULL ? error->message : reason);
	if (helper == NULL)
		return answer;
	g_mutex_lock(&client->lock);
	/* A helper gives up a little before we do; one that crashed was not silent. */
	spf_silence_note(client->silence, question, clock_mono_us(),
	    answer.result == SPF_TEMPERROR && clock_mono_us() - asked >= (until - began) * 3 / 4);
	give_back(client, helper, error);
	g_mutex_unlock(&client->lock);
	return answer;
}

SpfAnswer spf_client_ask(SpfClient *client, const SpfQuestion *question, gint64 timeout)
{
	gint64 until = clock_mono_us() + CLAMP(timeout, 0, TIMEOUT_MAX_MS) * 1000;
	SpfAnswer answer = { SPF_TEMPERROR, false };
	bool in_vain;

	g_mutex_lock(&client->lock);
	client->callers++;
	client->counts.asked++;
	in_vain = spf_silence_holds(client->silence, question, clock_mono_us());
	g_mutex_unlock(&client->lock);
	if (!in_vain)
		answer = ask_helper(client, question, until);
	g_mutex_lock(&client->lock);
	if (answer.result == SPF_TEMPERROR)
		client->counts.temperrors++;
	client->callers--;
	if (client->stopping && client->callers == 0)
		g_cond_broadcast(&client->freed);
	g_mutex_unlock(&client->lock);
	return answer;
}

SpfClientCounts spf_client_counts(SpfClient *client)
{
	SpfClientCounts counts;

	g_mutex_lock(&client->lock);
	counts = client->counts;
	g_mutex_unlock(&client->lock);
	return counts;
}
