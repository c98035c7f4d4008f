/* helpdesks: see helpdesks.h. Layer: config. */
#include "config/helpdesks.h"

#include <string.h>

#define RFC3339 "%Y-%m-%dT%H:%M:%SZ"

/* OTRS's and its kin's differ in the name alone. A dynamic field that the site has not made is passed over. */
#define OTRS_HEADERS(prefix) { \
	{ TELL_GROUP, NAMED, prefix "Queue" }, \
	{ TELL_PRIORITY, NAMED, prefix "Priority" }, \
	{ TELL_OWNER, NAMED, prefix "Owner" }, \
	{ TELL_INCIDENT, NAMED, prefix "DynamicField-OutageIncident" }, \
	{ TELL_RESPOND_BY, NAMED, prefix "DynamicField-OutageRespondBy" }, \
}
#define OTRS_PRIORITIES { [PRIORITY_LOW] = "2 low", [PRIORITY_NORMAL] = "3 normal", [PRIORITY_HIGH] = "4 high", [PRIORITY_URGENT] = "5 very high" }

/* Those that obey no header of their own have rules that look at ours. */
#define OUR_HEADERS { \
	{ TELL_GROUP, NAMED_OURS, "Group" }, \
	{ TELL_PRIORITY, NAMED_OURS, "Priority" }, \
	{ TELL_OWNER, NAMED_OURS, "Owner" }, \
	{ TELL_TAGS, NAMED_OURS, "Tags" }, \
}
#define OUR_PRIORITIES { [PRIORITY_LOW] = "low", [PRIORITY_NORMAL] = "normal", [PRIORITY_HIGH] = "high", [PRIORITY_URGENT] = "urgent" }

static const HelpdeskProfile profiles[] = {
	[HELPDESK_NONE] = { .time = RFC3339 },
	/* A group, owner or attribute that does not exist there is passed over. */
	[HELPDESK_ZAMMAD] = {
		.private_names = { "X-Zammad-" },
		.priorities = { [PRIORITY_LOW] = "1 low", [PRIORITY_NORMAL] = "2 normal", [PRIORITY_HIGH] = "3 high", [PRIORITY_URGENT] = "3 high" },
		.time = RFC3339,
		.headers = {
			{ TELL_GROUP, NAMED, "X-Zammad-Ticket-Group" },
			{ TELL_PRIORITY, NAMED, "X-Zammad-Ticket-Priority" },
			{ TELL_OWNER, NAMED, "X-Zammad-Ticket-Owner" },
			{ TELL_TAGS, NAMED, "X-Zammad-Ticket-Tags" },
			{ TELL_INCIDENT, NAMED, "X-Zammad-Ticket-outage_incident" },
			{ TELL_RESPOND_BY, NAMED, "X-Zammad-Ticket-outage_respond_by" },
		},
		.silence_name = "X-Zammad-Send-Auto-Response", .silence_value = "false",
	},
	[HELPDESK_OTRS] = {
		.private_names = { "X-OTRS-" },
		.priorities = OTRS_PRIORITIES,
		.owner_is_login = true,
		.time = "%Y-%m-%d %H:%M:%S",
		.headers = OTRS_HEADERS("X-OTRS-"),
		.silence_name = "X-OTRS-Loop", .silence_value = "yes",
	},
	/* It takes the old names as well. */
	[HELPDESK_OTOBO] = {
		.private_names = { "X-OTOBO-", "X-OTRS-" },
		.priorities = OTRS_PRIORITIES,
		.owner_is_login = true,
		.time = "%Y-%m-%d %H:%M:%S",
		.headers = OTRS_HEADERS("X-OTOBO-"),
		.silence_name = "X-OTOBO-Loop", .silence_value = "yes",
	},
	/* One command a header: neither conf/helpdesk/rt/Outage.pm nor CommandByMail reads a second line. */
	[HELPDESK_RT] = {
		.priorities = { [PRIORITY_LOW] = "0", [PRIORITY_NORMAL] = "50", [PRIORITY_HIGH] = "80", [PRIORITY_URGENT] = "100" },
		.time = "%Y-%m-%d %H:%M:%S UTC",
		.headers = {
			{ TELL_GROUP, NAMED_COMMAND, "Queue: " },
			{ TELL_PRIORITY, NAMED_COMMAND, "Priority: " },
			{ TELL_OWNER, NAMED_COMMAND, "Owner: " },
			{ TELL_RESPOND_BY, NAMED_COMMAND, "Due: " },
		},
		.silence_name = "Precedence", .silence_value = "bulk",
	},
	/* The first header of the name counts, and ours stands above the writer's. 1 and 2 are high to it, 3 is normal, 4 and 5 are low. */
	[HELPDESK_OSTICKET] = {
		.priorities = { [PRIORITY_LOW] = "5", [PRIORITY_NORMAL] = "3", [PRIORITY_HIGH] = "2", [PRIORITY_URGENT] = "1" },
		.time = RFC3339,
		.headers = { { TELL_PRIORITY, NAMED, "X-Priority" } },
		.silence_name = "X-Autoreply", .silence_value = "yes",
	},
	[HELPDESK_FREESCOUT] = {
		.priorities = OUR_PRIORITIES,
		.time = RFC3339,
		.headers = OUR_HEADERS,
		.silence_name = "X-Autoreply", .silence_value = "yes",
	},
	/* It looks at recipients only, and whatever would silence it makes it throw the mail away. */
	[HELPDESK_CHATWOOT] = {
		.time = RFC3339,
		.discarded_for = "X-Autoreply",
	},
	[HELPDESK_GENERIC] = {
		.priorities = OUR_PRIORITIES,
		.time = RFC3339,
		.headers = OUR_HEADERS,
	},
};

const HelpdeskProfile *helpdesk_profile(const Config *config)
{
	return &profiles[config->helpdesk];
}

const char *helpdesk_priority(const Config *config, Priority priority)
{
	const char *own = config->helpdesk_priority[priority];

	return own != NULL ? own : helpdesk_profile(config)->priorities[priority];
}

bool helpdesk_owns_header(const Config *config, const char *name)
{
	const HelpdeskProfile *profile = helpdesk_profile(config);

	for (const char *const *own = profile->private_names; *own != NULL; own++) {
		bool family = g_str_has_suffix(*own, "-");
		if (family ? g_ascii_strncasecmp(name, *own, strlen(*own)) == 0 : g_ascii_strcasecmp(name, *own) == 0)
			return true;
	}
	for (const HelpdeskHeader *header = profile->headers; header->name != NULL; header++)
		if (header->naming == NAMED_COMMAND && g_ascii_strcasecmp(name, config->rt_header) == 0)
			return true;
	return false;
}
