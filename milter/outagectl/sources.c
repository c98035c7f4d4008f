/* sources: reads what the command line names (see sources.h). Layer: program. */
#include "outagectl/sources.h"

#include "outagectl/cli.h"

/* Of a file that is not what it was taken for, every line is wrong. */
#define MISTAKES_TOLD 20

typedef struct {
	gsize body_limit;
	SampleFunc func;
	gpointer data;
	GPtrArray *mistakes;
	guint paths;
} Reading;

static void read_all(Reading *reading, char **paths, SampleLabel label, bool table)
{
	for (; paths != NULL && *paths != NULL; paths++, reading->paths++)
		samples_read(*paths, label, table, reading->body_limit, reading->func, reading->data, reading->mistakes);
}

bool sources_read(Sources *sources, char **rest, gsize body_limit, SampleFunc func, gpointer data)
{
	g_autoptr(GPtrArray) mistakes = g_ptr_array_new_with_free_func(g_free);
	Reading reading = { .body_limit = body_limit, .func = func, .data = data, .mistakes = mistakes };

	read_all(&reading, sources->outage, SAMPLE_OUTAGE, false);
	read_all(&reading, sources->other, SAMPLE_OTHER, false);
	read_all(&reading, sources->tables, SAMPLE_UNKNOWN, true);
	read_all(&reading, rest, SAMPLE_UNKNOWN, false);
	sources->mistakes += mistakes->len;
	for (guint i = 0; i < mistakes->len && i < MISTAKES_TOLD; i++)
		(void)cli_failed("%s", (const char *)g_ptr_array_index(mistakes, i));
	if (mistakes->len > MISTAKES_TOLD)
		(void)cli_failed("... and %u more", mistakes->len - MISTAKES_TOLD);
	return reading.paths > 0;
}

void sources_clear(Sources *sources)
{
	g_clear_pointer(&sources->outage, g_strfreev);
	g_clear_pointer(&sources->other, g_strfreev);
	g_clear_pointer(&sources->tables, g_strfreev);
}
