/* risks: judges what a store says of itself (see risks.h). Layer: store. */
#include "store/risks.h"

#include <string.h>

#include "base/clock.h"
#include "base/log.h"

/* The oldest that knows XAUTOCLAIM, HRANDFIELD and rights for channels. */
#define REDIS_MAJOR 6
#define REDIS_MINOR 2
/* The longest save point of Redis as it is shipped is an hour. */
#define UNSAVED_SECONDS (2 * 3600)
#define VERSION_CHARS 40

static const char *const names[STORE_RISKS] = {
	[STORE_RISK_FULL] = "full",
	[STORE_RISK_DISK] = "disk",
	[STORE_RISK_EVICTS] = "evicts",
	[STORE_RISK_VOLATILE] = "volatile",
	[STORE_RISK_UNSAVED] = "unsaved",
	[STORE_RISK_OLD] = "old",
};

const char *store_risk_name(StoreRisk risk)
{
	return names[risk];
}

/* version = major "." minor [ "." anything ]. What is not written so is not judged. */
static bool is_old(const StoreInfo *info)
{
	guint64 major, minor;
	char *end;

	/* Of the embedded store it is SQLite's, which this program was built with. */
	if (info->version == NULL || g_strcmp0(info->role, "local") == 0 || !g_ascii_isdigit(*info->version))
		return false;
	major = g_ascii_strtoull(info->version, &end, 10);
	if (*end != '.' || !g_ascii_isdigit(end[1]))
		return false;
	minor = g_ascii_strtoull(end + 1, NULL, 10);
	return major < REDIS_MAJOR || (major == REDIS_MAJOR && minor < REDIS_MINOR);
}

static char *old_text(const StoreInfo *info)
{
	g_autofree char *version = log_escape(info->version, VERSION_CHARS);

	return g_strdup_printf("the store is version %s, older than %d.%d, which this program is made for; upgrade it", version, REDIS_MAJOR,
	    REDIS_MINOR);
}

static char *unsaved_text(const StoreInfo *info)
{
	g_autofree char *time = clock_format_duration(info->unsaved * 1000);

	return g_strdup_printf("the store has changes that were not written to disk for %s: a restart of it forgets who has been answered since; "
	    "set appendonly yes", time);
}

char *store_risk_text(const StoreInfo *info, StoreRisk risk)
{
	switch (risk) {
	case STORE_RISK_FULL:
		return !info->full ? NULL : g_strdup("THE STORE'S MEMORY IS FULL and it refuses to write: acknowledgements wait on the nodes, and "
		    "their heartbeats are missing; raise maxmemory");
	case STORE_RISK_DISK:
		return !info->disk_failed ? NULL : g_strdup("THE STORE COULD NOT WRITE TO DISK, and may refuse to take acknowledgements; see its log, "
		    "and whether its disk is full");
	case STORE_RISK_EVICTS:
		return info->evicts == NULL ? NULL : g_strdup_printf("the store throws keys away when its memory is full (maxmemory-policy %s): marks "
		    "and acknowledgements can vanish; set maxmemory-policy noeviction", info->evicts);
	case STORE_RISK_VOLATILE:
		return info->persistent ? NULL : g_strdup("the store does not write to disk: a restart of it forgets who has been answered; set "
		    "appendonly yes");
	case STORE_RISK_UNSAVED:
		return !info->persistent || info->unsaved < UNSAVED_SECONDS ? NULL : unsaved_text(info);
	case STORE_RISK_OLD:
		return !is_old(info) ? NULL : old_text(info);
	case STORE_RISKS:
		break;
	}
	log_bug("store risk %d", (int)risk);
	return NULL;
}

guint store_risks_look(Store *store, guint known)
{
	g_autoptr(StoreInfo) info = store_describe(store, NULL);
	guint now = 0;

	/* Why it does not say is said by those who need it for their work. */
	if (info == NULL)
		return known;
	for (StoreRisk risk = 0; risk < STORE_RISKS; risk++) {
		g_autofree char *text = store_risk_text(info, risk);
		guint bit = 1u << risk;

		now |= text != NULL ? bit : 0;
		if (text != NULL && (known & bit) == 0)
			log_warning("store risk %s: %s", names[risk], text);
		else if (text == NULL && (known & bit) != 0)
			log_info("store risk %s: over", names[risk]);
	}
	return now;
}
