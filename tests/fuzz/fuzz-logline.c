/* fuzz-logline: any bytes as lines of a log. A line that counts as ours has a program, a level, and says something; its pairs are whole. */
#include "outagectl/logline.h"

#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	g_autofree char *text = g_strndup((const char *)data, size);
	g_auto(GStrv) lines = g_strsplit(text, "\n", -1);

	for (char **one = lines; *one != NULL; one++) {
		g_autoptr(LogLine) line = logline_parse(*one);

		if (line == NULL)
			continue;
		g_assert_nonnull(line->program);
		g_assert_nonnull(line->level);
		g_assert_true((line->event != NULL) != (line->message != NULL));
		g_assert_cmpuint(line->pairs->len % 2, ==, 0);
		for (guint i = 0; i < line->pairs->len; i += 2)
			g_assert_nonnull(logline_get(line, line->pairs->pdata[i]));
	}
	return 0;
}
