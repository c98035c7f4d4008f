/* alarm-tell: an alarm as a line of the log and as a run of alarm.command (see alarm.h). Layer: ops.
 *
 *     event=alarm alarm=KIND state=raised|repeated|cleared incident=ID text=...
 *
 * The commands run one after another, for "cleared" must not overtake "raised"; each for alarm.timeout at most. */
#include "ops/alarm-private.h"

#include <string.h>

#include "base/call.h"
#include "base/clock.h"
#include "base/log.h"
#include "reply/clean.h"

#define CALLS_WAITING 64
#define VALUE_CHARS 1000

struct Teller {
	char *node;
	GThreadPool *calls; /* of Call; made with the first */
	GCancellable *cancel;
};

/* One run of alarm.command. */
typedef struct {
	char **argv, **environment;
	gint64 timeout;
	char *what;         /* for the log */
} Call;

static void call_free(Call *call)
{
	g_strfreev(call->argv);
	g_strfreev(call->environment);
	g_free(call->what);
	g_free(call);
}

/* In a thread of the pool. */
static void run_call(gpointer data, gpointer user_data)
{
	Call *call = data;
	GCancellable *cancel = user_data;
	g_autofree char *output = NULL;
	g_autoptr(GError) error = NULL;

	if (g_cancellable_is_cancelled(cancel))
		log_warning("alarm.command was not run for %s: this program ends", call->what);
	else if (call_run(call->argv, call->environment, call->timeout, "alarm.timeout", cancel, &output, &error))
		log_debug("alarm.command has run for %s", call->what);
	else
		log_warning("alarm.command %s failed for %s: %s", call->argv[0], call->what, error->message);
	if (output != NULL && *output != '\0')
		log_debug("alarm.command said: %s", output);
	call_free(call);
}

Teller *teller_new(const char *node)
{
	Teller *teller = g_new0(Teller, 1);

	teller->node = g_strdup(node);
	teller->cancel = g_cancellable_new();
	return teller;
}

void teller_free(Teller *teller)
{
	g_cancellable_cancel(teller->cancel);
	/* Those that wait are run, and find it cancelled: each is freed by its run. */
	if (teller->calls != NULL)
		g_thread_pool_free(teller->calls, FALSE, TRUE);
	g_object_unref(teller->cancel);
	g_free(teller->node);
	g_free(teller);
}

static void add_line(GPtrArray *environment, const char *name, const char *value)
{
	g_autofree char *line = clean_line(value, VALUE_CHARS);

	call_environment_add(environment, name, line);
}

static char **make_environment(const Teller *teller, const AlarmNews *news, const char *kind, const char *id, const char *incident)
{
	g_autofree char *since = clock_format(news->since);
	GPtrArray *environment = call_environment_new();

	add_line(environment, "OUTAGE_ALARM", kind);
	add_line(environment, "OUTAGE_ALARM_STATE", news->state);
	add_line(environment, "OUTAGE_TEXT", news->text);
	add_line(environment, "OUTAGE_INCIDENT", incident);
	add_line(environment, "OUTAGE_INCIDENT_ID", id);
	add_line(environment, "OUTAGE_SINCE", since);
	add_line(environment, "OUTAGE_NODE", teller->node);
	return call_environment_end(environment);
}

void teller_tell(Teller *teller, const Config *config, const AlarmNews *news)
{
	const char *id, *incident;
	g_autofree char *kind = g_strndup(news->key, strcspn(news->key, ":"));
	Call *call;

	alarm_key_parts(news->key, &id, &incident);
	log_event("alarm", "alarm", kind, "state", news->state, "incident", id, "text", news->text, NULL);
	if (config->alarm_command == NULL || config->alarm_command[0] == NULL)
		return;
	if (teller->calls == NULL)
		teller->calls = g_thread_pool_new(run_call, teller->cancel, 1, FALSE, NULL);
	if (g_thread_pool_unprocessed(teller->calls) >= CALLS_WAITING) {
		log_warning("alarm.command is not run for %s (%s): %d runs of it wait already", news->key, news->state, CALLS_WAITING);
		return;
	}
	call = g_new0(Call, 1);
	call->argv = g_strdupv(config->alarm_command);
	call->environment = make_environment(teller, news, kind, id, incident);
	call->timeout = config->alarm_timeout;
	call->what = g_strdup_printf("%s (%s)", news->key, news->state);
	(void)g_thread_pool_push(teller->calls, call, NULL);
}
