/* offline: a site and an incident that are only supposed (see offline.h). Layer: program. */
#include "outagectl/offline.h"

#include "base/address.h"

Snapshot *offline_snapshot(Word word, gint64 now)
{
	Snapshot *snapshot = snapshot_new();

	snapshot->taken_at = now;
	if (word != WORD_NONE) {
		Incident *incident = incident_new("default");

		(void)incident_transition(&incident->state, "default", word == WORD_RESOLVED ? WORD_P1 : word, now, 0);
		(void)incident_transition(&incident->state, "default", word, now, 0);
		g_ptr_array_add(snapshot->incidents, incident);
	}
	return snapshot;
}

/* Without a support address in the configuration the one on the command line, or any, stands in: whoever tries this out has a
 * mail in hand and no site yet. */
static void stand_in_support(Config *config, const char *rcpt)
{
	g_autofree char *normal = address_normal_text(rcpt);
	SupportAddress *support;

	if (config->support[0] != NULL)
		return;
	support = g_new0(SupportAddress, 1);
	support->address = normal != NULL ? g_steal_pointer(&normal) : g_strdup("support@support.invalid");
	support->aliases = g_new0(char *, 1);
	support->incidents = g_new0(char *, 1);
	support->plus = true;
	support->mode = -1;
	support->threshold = -1;
	g_free(config->support);
	config->support = g_new0(SupportAddress *, 2);
	config->support[0] = support;
}

void offline_prepare(Config *config, const char *rcpt)
{
	stand_in_support(config, rcpt);
	config->mode = MODE_LIVE;
	for (SupportAddress **support = config->support; *support != NULL; support++)
		(*support)->mode = MODE_LIVE;
}
