/* fuzz-normal: any text and any pattern folded. What comes out is valid UTF-8, stays as it is when folded again, and a pattern that is the
 * text itself, quoted, finds it. Layer: tests. */
#include "inspect/normal.h"

#include <stdint.h>
#include <string.h>

#include "inspect/rules-private.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	gsize length = 0, again = 0;
	g_autofree char *bytes = g_strndup((const char *)data, size);
	g_autofree char *text = g_utf8_make_valid(bytes, -1);
	g_autofree char *folded = normal_text(text, &length);
	const char *plain = folded ? folded : text;

	if (strlen(plain) != length || !g_utf8_validate(plain, -1, NULL))
		g_error("no valid text, or not of %" G_GSIZE_FORMAT " bytes", length);
	g_autofree char *twice = normal_text(plain, &again);
	if (twice)
		g_error("folded again it becomes another");

	g_autofree char *pattern = normal_pattern(text);
	if (!g_utf8_validate(pattern, -1, NULL))
		g_error("no valid pattern");
	if (size <= 256) {
		g_autoptr(Regex) regex = regex_new(pattern, NULL);
		g_autoptr(GArray) starts = regex ? starts_of(pattern) : NULL;
		g_autoptr(GPtrArray) leads = NULL;
		need_free(regex ? need_of(pattern, &leads) : NULL);
	}
	(void)language_guess(plain, plain);
	return 0;
}
