/* helpdesk: fills the headers that the site's helpdesk obeys from a verdict. Layer: inspect. Pure.
 * Which there are and in which words is data (config/helpdesks.h); nothing here knows one helpdesk from another. */
#include <string.h>

#include "config/helpdesks.h"
#include "inspect/verdict-private.h"
#include "mail/header.h"

static Priority by_severity(const Incident *incident)
{
	if (incident == NULL)
		return PRIORITY_NONE;
	switch (incident->state.word) {
	case WORD_P1:
		return PRIORITY_HIGH;
	case WORD_P2:
		return PRIORITY_NORMAL;
	case WORD_P3:
	case WORD_RESOLVED:
		return PRIORITY_LOW;
	case WORD_NONE:
		break;
	}
	return PRIORITY_NONE;
}

static const char *priority(const Verdict *verdict, const Config *config)
{
	Priority wanted = (Priority)verdict->route->priority;

	return helpdesk_priority(config, wanted == PRIORITY_AUTO ? by_severity(verdict->incident) : wanted);
}

/* Returns whom the ticket is given to, or NULL; caller frees. Whoever merely writes under an account's name gets nobody's attention. */
static char *owner(const Verdict *verdict, const Config *config)
{
	const char *manager = verdict->account != NULL && verdict->verified != VERIFIED_NO ? verdict->account->manager : NULL;
	bool login = config->helpdesk_owner == OWNER_LOGIN ||
	    (config->helpdesk_owner == OWNER_AUTO && helpdesk_profile(config)->owner_is_login);
	const char *at = manager != NULL ? strrchr(manager, '@') : NULL;

	if (verdict->route->owner != NULL)
		return g_strdup(verdict->route->owner);
	if (manager == NULL || config->helpdesk_owner == OWNER_NONE)
		return NULL;
	return login && at != NULL ? g_strndup(manager, (gsize)(at - manager)) : g_strdup(manager);
}

static void add_tag(GString *tags, const char *tag)
{
	g_string_append_printf(tags, "%s%s", tags->len > 0 ? "," : "", tag);
}

/* Returns "outage,outage-NAME,CLASS,...", or NULL where there is nothing to say; caller frees. All of them are tokens. */
static char *tags(const Verdict *verdict)
{
	GString *list = g_string_new(NULL);

	if (verdict->match) {
		g_autofree char *name = g_strdup_printf("outage-%s", verdict->incident->name);

		add_tag(list, "outage");
		if (strcmp(verdict->incident->name, "default") != 0)
			add_tag(list, name);
	}
	for (guint i = 0; i < verdict->escalate->len; i++)
		add_tag(list, g_ptr_array_index(verdict->escalate, i));
	for (guint i = 0; i < verdict->sensitive->len; i++)
		add_tag(list, g_ptr_array_index(verdict->sensitive, i));
	return g_string_free(list, list->len == 0);
}

static char *respond_by(const Verdict *verdict, const Config *config)
{
	g_autoptr(GDateTime) time = verdict->respond_by != 0 ? g_date_time_new_from_unix_utc(verdict->respond_by) : NULL;

	return time != NULL ? g_date_time_format(time, helpdesk_profile(config)->time) : NULL;
}

/* Returns what tell says of this mail, or NULL where that is nothing; caller frees. */
static char *value_of(const Verdict *verdict, const Config *config, Tell tell)
{
	switch (tell) {
	case TELL_GROUP:
		return g_strdup(verdict->route->group);
	case TELL_PRIORITY:
		return g_strdup(priority(verdict, config));
	case TELL_OWNER:
		return owner(verdict, config);
	case TELL_TAGS:
		return tags(verdict);
	case TELL_INCIDENT:
		return verdict->match ? g_strdup(verdict->incident->name) : NULL;
	case TELL_RESPOND_BY:
		return respond_by(verdict, config);
	}
	return NULL;
}

/* Returns true where the route's own headers give this order, or one of this beginning. */
static bool route_orders(const Route *route, const char *name, const char *beginning)
{
	for (char **header = route->headers; header != NULL && header[0] != NULL; header += 2)
		if (g_ascii_strcasecmp(header[0], name) == 0 && g_ascii_strncasecmp(header[1], beginning, strlen(beginning)) == 0)
			return true;
	return false;
}

static void add_order(Verdict *verdict, const Config *config, const HelpdeskHeader *header)
{
	g_autofree char *value = value_of(verdict, config, header->tell);
	g_autofree char *encoded = NULL, *name = NULL, *full = NULL;
	const char *beginning = header->naming == NAMED_COMMAND ? header->name : "";

	if (value == NULL || *value == '\0')
		return;
	if (header->naming == NAMED_COMMAND)
		name = g_strdup(config->rt_header);
	else
		name = g_strconcat(header->naming == NAMED_OURS ? config->header_prefix : "", header->name, NULL);
	if (route_orders(verdict->route, name, beginning))
		return;
	encoded = header_encode(value);
	full = g_strconcat(beginning, encoded, NULL);
	verdict_add_header(verdict, name, full);
}

void helpdesk_order(Verdict *verdict, const Config *config)
{
	const Route *route = verdict->route;

	for (const HelpdeskHeader *header = helpdesk_profile(config)->headers; route->sorts && header->name != NULL; header++)
		add_order(verdict, config, header);
	for (char **header = route->headers; header != NULL && header[0] != NULL; header += 2) {
		g_autofree char *encoded = header_encode(header[1]);

		verdict_add_header(verdict, header[0], encoded);
	}
}

void helpdesk_silence(Verdict *verdict, const Config *config)
{
	const HelpdeskProfile *profile = helpdesk_profile(config);

	if (profile->silence_name != NULL)
		verdict_add_header(verdict, profile->silence_name, profile->silence_value);
}
