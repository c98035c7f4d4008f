/* call-queue: commands of the site's, run behind the back of who orders them (see call.h). Layer: base. */
#include "base/call.h"
#include "base/log.h"

struct CallQueue {
	const char *command, *limit; /* the settings, for the log */
	int at_once;
	GThreadPool *pool;           /* of Call; made with the first */
	GCancellable *cancel;
};

typedef struct {
	char **argv, **environment;
	gint64 timeout;
	char *what;
} Call;

static void call_free(Call *call)
{
	g_strfreev(call->argv);
	g_strfreev(call->environment);
	g_free(call->what);
	g_free(call);
}

/* In a thread of the pool. */
static void run(gpointer data, gpointer user_data)
{
	Call *call = data;
	const CallQueue *queue = user_data;
	g_autofree char *output = NULL;
	g_autoptr(GError) error = NULL;

	if (g_cancellable_is_cancelled(queue->cancel))
		log_warning("%s was not run for %s: this program ends", queue->command, call->what);
	else if (call_run(call->argv, call->environment, call->timeout, queue->limit, queue->cancel, &output, &error))
		log_debug("%s has run for %s", queue->command, call->what);
	else
		log_warning("%s %s failed for %s: %s", queue->command, call->argv[0], call->what, error->message);
	if (output != NULL && *output != '\0')
		log_debug("%s said: %s", queue->command, output);
	call_free(call);
}

CallQueue *call_queue_new(const char *command, const char *limit, guint at_once)
{
	CallQueue *queue = g_new0(CallQueue, 1);

	queue->command = command;
	queue->limit = limit;
	queue->at_once = (int)at_once;
	queue->cancel = g_cancellable_new();
	return queue;
}

void call_queue_free(CallQueue *queue, bool finish)
{
	if (queue == NULL)
		return;
	if (!finish)
		g_cancellable_cancel(queue->cancel);
	/* Those that wait are run, or find it cancelled: each is freed by its run. */
	if (queue->pool != NULL)
		g_thread_pool_free(queue->pool, FALSE, TRUE);
	g_object_unref(queue->cancel);
	g_free(queue);
}

guint call_queue_waiting(const CallQueue *queue)
{
	return queue->pool != NULL ? g_thread_pool_unprocessed(queue->pool) : 0;
}

void call_queue_add(CallQueue *queue, char *const *argv, char **environment, gint64 timeout_ms, char *what)
{
	Call *call = g_new0(Call, 1);

	if (queue->pool == NULL)
		queue->pool = g_thread_pool_new(run, queue, queue->at_once, FALSE, NULL);
	call->argv = g_strdupv((char **)argv);
	call->environment = environment;
	call->timeout = timeout_ms;
	call->what = what;
	(void)g_thread_pool_push(queue->pool, call, NULL);
}
