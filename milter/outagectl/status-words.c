/* status-words: small things that both forms of `outagectl status` and the live view say alike. Layer: program. Pure. */
#include <string.h>

#include "base/clock.h"
#include "outagectl/status.h"

char *status_shown_url(const char *url)
{
	const char *start = strstr(url, "://");
	const char *at = start != NULL ? strrchr(start, '@') : NULL;
	const char *colon;

	if (at == NULL)
		return g_strdup(url);
	start += 3;
	colon = memchr(start, ':', (gsize)(at - start));
	return colon != NULL ? g_strdup_printf("%.*s:***%s", (int)(colon - url), url, at) : g_strdup(url);
}

char *status_ago(gint64 now, gint64 then)
{
	gint64 seconds = MAX(1, now - then);

	/* Whole minutes are enough for a person once there are any. */
	return clock_format_duration((seconds >= 60 ? seconds - seconds % 60 : seconds) * 1000);
}

static int by_name(gconstpointer a, gconstpointer b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

GPtrArray *status_counter_names(GHashTable *counters)
{
	GPtrArray *names = g_ptr_array_new();
	GHashTableIter iter;
	gpointer name;

	g_hash_table_iter_init(&iter, counters);
	while (g_hash_table_iter_next(&iter, &name, NULL))
		g_ptr_array_add(names, name);
	g_ptr_array_sort(names, by_name);
	return names;
}
