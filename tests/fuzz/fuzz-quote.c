/* fuzz-quote: any text at all split into what the writer wrote and the rest: without a crash, within its limit, valid UTF-8, and
 * with nothing invented. The first byte tells what kind of mail it is. */
#include "mail/text-private.h"

#include <stdint.h>
#include <string.h>

#define TEXT_MAX 4096

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_part(const GString *part)
{
	g_assert_cmpuint(part->len, <=, TEXT_MAX);
	g_assert_true(g_utf8_validate(part->str, (gssize)part->len, NULL));
}

static gsize count_letters(const char *text, gsize size)
{
	gsize letters = 0;

	for (gsize i = 0; i < size; i++)
		letters += g_ascii_isalnum(text[i]) ? 1 : 0;
	return letters;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const TextKind KINDS[] = { TEXT_KIND_UNKNOWN, TEXT_KIND_NEW, TEXT_KIND_REPLY, TEXT_KIND_FORWARD };
	g_autoptr(GString) clean = g_string_new(NULL);
	g_autoptr(GString) own = g_string_new(NULL);
	g_autoptr(GString) rest = g_string_new(NULL);
	g_autofree char *valid = NULL;
	bool fits;

	if (size < 2)
		return 0;
	valid = g_utf8_make_valid((const char *)data + 1, (gssize)size - 1);
	text_append_clean(clean, valid, strlen(valid), TEXT_MAX * 4);
	fits = text_split(clean->str, clean->len, KINDS[data[0] % G_N_ELEMENTS(KINDS)], own, rest, TEXT_MAX);
	check_part(own);
	check_part(rest);
	/* Each line goes to one side or the other. */
	if (fits)
		g_assert_cmpuint(count_letters(own->str, own->len) + count_letters(rest->str, rest->len), ==,
		                 count_letters(clean->str, clean->len));
	return 0;
}
