/* compose-fixture: see compose-fixture.h. */
#include "compose-fixture.h"

#include <string.h>

Templates *shipped;
Secret *secret;

char *s(const char *text)
{
	return (char *)text;
}

void site_set_up(Site *site, Word word)
{
	memset(site, 0, sizeof *site);
	site->support.address = s("support@example.com");
	site->support.aliases = site->aliases;
	site->support.plus = true;
	site->supports[0] = &site->support;
	site->config.support = site->supports;
	site->config.language = s("en");
	site->incident.name = s("default");
	site->incident.state.word = site->incident.state.flip = word;
	site->incident.state.id = s(ID);
	site->incident.state.declared_at = NOW - 1800;
	site->incident.state.resolved_at = word == WORD_RESOLVED ? NOW - 60 : 0;
	site->request.incident = s("default");
	site->request.id = s(ID);
	site->request.sender = s("jane.doe@customer.example");
	site->request.to = s("Jane.Doe@customer.example");
	site->request.support = s("support@example.com");
	site->request.written_at = NOW - 5;
	site->job.request = &site->request;
}

void compose_prepare(void)
{
	g_autoptr(GPtrArray) mistakes = g_ptr_array_new_with_free_func(g_free);
	g_autofree char *dir = g_test_build_filename(G_TEST_DIST, "conf", "templates", NULL);

	shipped = templates_load(dir, "en", mistakes);
	for (guint i = 0; i < mistakes->len; i++)
		g_test_message("%s", (char *)g_ptr_array_index(mistakes, i));
	g_assert_cmpuint(mistakes->len, ==, 0);
	secret = secret_generate();
	compose_init();
}

void compose_finish(void)
{
	templates_unref(shipped);
	secret_free(secret);
}
