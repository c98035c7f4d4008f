/* verdict-fixture: see verdict-fixture.h. */
#include "verdict-fixture.h"

#include <string.h>

Incident *fixture_add_incident(Fixture *f, const char *name, Word word)
{
	Incident *incident = incident_new(name);

	incident_transition(&incident->state, name, word == WORD_RESOLVED ? WORD_P1 : word, NOW - 60, 0);
	incident_transition(&incident->state, name, word, NOW - 30, 0);
	g_ptr_array_add(f->snapshot->incidents, incident);
	return incident;
}

static SupportAddress *new_support(const char *address)
{
	SupportAddress *support = g_new0(SupportAddress, 1);

	support->address = g_strdup(address);
	support->aliases = g_new0(char *, 1);
	support->incidents = g_new0(char *, 1);
	support->plus = true;
	support->mode = -1;
	support->threshold = -1;
	return support;
}

Fixture *fixture_setup(Word word)
{
	Fixture *f = g_new0(Fixture, 1);
	g_autoptr(GPtrArray) mistakes = g_ptr_array_new_with_free_func(g_free);
	g_autofree char *dir = g_build_filename(g_getenv("G_TEST_SRCDIR"), "tests", "data", "rules", NULL);
	g_autoptr(Rules) rules = rules_load(dir, mistakes);
	g_autoptr(Config) config = config_defaults();

	g_assert_nonnull(rules);
	g_assert_cmpuint(mistakes->len, ==, 0);
	config->mode = MODE_LIVE;
	g_free(config->support);
	config->support = g_new0(SupportAddress *, 3);
	config->support[0] = new_support("support@shop.example");
	config->support[1] = new_support("billing@shop.example");
	config->support[1]->threshold = 2.0;
	g_strfreev(config->authserv_ids);
	config->authserv_ids = g_strsplit("mx.example", " ", -1);
	f->engine = engine_new(config, rules, NULL);
	f->accounts = accounts_new();
	f->snapshot = snapshot_new();
	f->snapshot->taken_at = NOW;
	if (word != WORD_NONE)
		fixture_add_incident(f, "default", word);
	f->messages = g_ptr_array_new_with_free_func((GDestroyNotify)message_free);
	f->context = (VerdictContext) { .engine = f->engine, .accounts = f->accounts, .snapshot = f->snapshot, .now = NOW };
	return f;
}

void fixture_teardown(Fixture *f)
{
	engine_unref(f->engine);
	accounts_unref(f->accounts);
	snapshot_unref(f->snapshot);
	g_ptr_array_unref(f->messages);
	g_free(f);
}

Verdict *fixture_decide_to(Fixture *f, const char *rcpt, const char *text)
{
	Message *message = message_from_bytes(text, strlen(text), 65536);

	g_ptr_array_add(f->messages, message);
	message_set_sender(message, "<jane@customer.example>");
	message_add_rcpt(message, rcpt);
	message->client_addr = g_strdup("192.0.2.10");
	message->helo = g_strdup("mail.customer.example");
	return verdict_decide(&f->context, message);
}

Verdict *fixture_decide(Fixture *f, const char *text)
{
	return fixture_decide_to(f, "<support@shop.example>", text);
}

void fixture_add_account(Fixture *f, const char *key, const char *json)
{
	g_autoptr(GError) error = NULL;
	Account *account = account_parse(key, json, &error);

	g_assert_no_error(error);
	accounts_add(f->accounts, account);
}
