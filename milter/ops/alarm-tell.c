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
	CallQueue *calls;
};

Teller *teller_new(const char *node)
{
	Teller *teller = g_new0(Teller, 1);

	teller->node = g_strdup(node);
	/* One at a time: "cleared" must not overtake "raised". */
	teller->calls = call_queue_new("alarm.command", "alarm.timeout", 1);
	return teller;
}

void teller_free(Teller *teller)
{
	call_queue_free(teller->calls, false);
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

	alarm_key_parts(news->key, &id, &incident);
	log_event("alarm", "alarm", kind, "state", news->state, "incident", id, "text", news->text, NULL);
	if (config->alarm_command == NULL || config->alarm_command[0] == NULL)
		return;
	if (call_queue_waiting(teller->calls) >= CALLS_WAITING) {
		log_warning("alarm.command is not run for %s (%s): %d runs of it wait already", news->key, news->state, CALLS_WAITING);
		return;
	}
	call_queue_add(teller->calls, config->alarm_command, make_environment(teller, news, kind, id, incident), config->alarm_timeout,
	    g_strdup_printf("%s (%s)", news->key, news->state));
}
