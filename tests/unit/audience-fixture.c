/* audience-fixture: see audience-fixture.h. */
#include "audience-fixture.h"

#include <string.h>

char *s(const char *text)
{
	return (char *)text;
}

void site_set_up(Site *site)
{
	memset(site, 0, sizeof *site);
	site->config = config_defaults();
	site->config->mode = MODE_LIVE;
	g_free(site->config->language);
	site->config->language = g_strdup("en");
	site->support = (SupportAddress){ .address = s("support@example.com"), .aliases = site->nobody, .incidents = site->nobody,
		.mode = -1, .plus = true };
	site->supports[0] = &site->support;
	g_free(site->config->support); /* the empty list of the defaults */
	site->config->support = site->supports;
	site->facts = (Facts){ .rcpt = s("support@example.com"), .from = s("Jane@customer.example"), .sender = s("jane@customer.example"),
		.to = s("Jane@customer.example"), .subject = s("it is down"), .message_id = s("<1@customer.example>"),
		.queue_id = s("4ABC"), .written_at = NOW - 600, .incident = s("default"), .id = s(ID) };
	site->facts.rules = g_ptr_array_new();
	site->facts.escalate = g_ptr_array_new();
	site->facts.sensitive = g_ptr_array_new();
}

void site_tear_down(Site *site)
{
	g_ptr_array_unref(site->facts.rules);
	g_ptr_array_unref(site->facts.escalate);
	g_ptr_array_unref(site->facts.sensitive);
	site->config->support = NULL;
	config_unref(site->config);
}
