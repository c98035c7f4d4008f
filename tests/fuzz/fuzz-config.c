/* fuzz-config: any bytes as a configuration file are either a configuration or a list of mistakes, never a crash or a leak. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "config/config.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
const char *__lsan_default_suppressions(void);

/* libconfig 1.5 loses the text it has just read where a syntax error follows. */
const char *__lsan_default_suppressions(void)
{
	return "leak:libconfig";
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	g_autofree char *text = g_malloc(size + 1);
	g_autoptr(GPtrArray) mistakes = g_ptr_array_new_with_free_func(g_free);
	g_autoptr(Config) config = NULL;

	if (size > 0)
		memcpy(text, data, size);
	text[size] = '\0';
	config = config_load_text("fuzz.conf", text, size, mistakes);
	if (config == NULL && mistakes->len == 0)
		abort();
	for (guint i = 0; i < mistakes->len; i++)
		if (!g_utf8_validate(g_ptr_array_index(mistakes, i), -1, NULL))
			abort();
	if (config != NULL) {
		(void)config_support(config, "support+x@example.com");
		(void)config_trusts_host(config, "192.0.2.1");
		(void)config_list_has(config->canary, "a@example.com");
		if (config->routes[0] == NULL)
			abort();
	}
	return 0;
}
