/* verdict-route: the ordered list of routes. The first that matches says where the mail goes; the strictest acknowledgement of
 * all that match says whether a machine may answer. Layer: inspect. Pure. doc/contract.md 9. */
#include <string.h>

#include "inspect/verdict-private.h"

static bool any_of(const GPtrArray *found, char *const *wanted)
{
	if (wanted == NULL || wanted[0] == NULL)
		return true;
	for (; *wanted != NULL; wanted++) {
		if (strcmp(*wanted, "*") == 0 && found->len > 0)
			return true;
		for (guint i = 0; i < found->len; i++)
			if (strcmp(g_ptr_array_index(found, i), *wanted) == 0)
				return true;
	}
	return false;
}

static bool one_of(const char *value, char *const *wanted, bool prefix)
{
	if (wanted == NULL || wanted[0] == NULL)
		return true;
	for (; value != NULL && *wanted != NULL; wanted++) {
		gsize size = strlen(*wanted);

		if (g_ascii_strcasecmp(value, *wanted) == 0)
			return true;
		/* "de" covers "de-AT" (RFC 4647 section 3.3.1). */
		if (prefix && g_ascii_strncasecmp(value, *wanted, size) == 0 && value[size] == '-')
			return true;
	}
	return false;
}

static bool when(When wanted, bool is)
{
	return wanted == WHEN_ANY || (wanted == WHEN_YES) == is;
}

static bool route_matches(const Route *route, const Verdict *verdict, const Signals *signals)
{
	const Incident *incident = verdict->incident;
	bool account = verdict->account != NULL && verdict->verified != VERIFIED_NO;

	return when(route->when_match, verdict->match) && when(route->when_account, account) &&
	    when(route->when_evidence, signals->rules->evidence) &&
	    one_of(account ? verdict->account->level : NULL, route->when_level, false) &&
	    any_of(verdict->escalate, route->when_escalate) && any_of(verdict->sensitive, route->when_sensitive) &&
	    one_of(incident != NULL ? incident->name : NULL, route->when_incident, false) &&
	    one_of(incident != NULL ? word_name(incident->state.word) : NULL, route->when_severity, false) &&
	    one_of(verdict->language, route->when_language, true);
}

/* Why a route that says `none` says so, in the words of X-Outage-Ack. */
static Reason route_reason(const Route *route)
{
	if (route->when_account == WHEN_YES || (route->when_level != NULL && route->when_level[0] != NULL))
		return REASON_VIP;
	if (route->when_escalate != NULL && route->when_escalate[0] != NULL)
		return REASON_ESCALATED;
	if (route->when_sensitive != NULL && route->when_sensitive[0] != NULL)
		return REASON_SENSITIVE;
	return REASON_ROUTE;
}

static void take_route(Verdict *verdict, const VerdictContext *context, const Route *route)
{
	gint64 within = route->respond_within;

	verdict->route = route;
	verdict->queue = g_strdup(route->queue);
	verdict->tier = g_strdup(route->tier);
	if (verdict->account != NULL && verdict->verified != VERIFIED_NO && verdict->account->respond_within > 0)
		within = within > 0 ? MIN(within, verdict->account->respond_within) : verdict->account->respond_within;
	if (within > 0)
		verdict->respond_by = context->now + within;
}

void verdict_route(Verdict *verdict, const VerdictContext *context, const Signals *signals, const char **template_name)
{
	const Account *account = verdict->verified != VERIFIED_NO ? verdict->account : NULL;
	const char *wanted = account != NULL ? account->template_name : NULL;
	int strictest = ACK_MACRO;

	for (Route **route = context->engine->config->routes; *route != NULL; route++) {
		if (!route_matches(*route, verdict, signals))
			continue;
		verdict->page = verdict->page || (*route)->page;
		if (verdict->route == NULL)
			take_route(verdict, context, *route);
		if ((*route)->ack == ACK_NONE)
			verdict->reasons |= REASON_BIT(route_reason(*route));
		/* A stricter acknowledgement brings its own words, or none of another route's. */
		if ((*route)->ack < strictest) {
			strictest = (*route)->ack;
			wanted = (*route)->template_name;
		} else if ((*route)->ack == strictest && wanted == NULL) {
			wanted = (*route)->template_name;
		}
	}
	if (account != NULL && account->has_ack) {
		if (account->ack == ACK_NONE)
			verdict->reasons |= REASON_BIT(REASON_VIP);
		strictest = MIN(strictest, (int)account->ack);
	}
	verdict->ack = strictest;
	*template_name = strictest == ACK_PERSONAL && wanted == NULL ? "ack-personal" : wanted;
	if (verdict->queue == NULL)
		verdict->queue = g_strdup("normal");
}
