/* doctor-facts: the beginning and the end of a DoctorFacts. Layer: program. */
#include "base/clock.h"
#include "outagectl/doctor.h"

static void flip_free(gpointer data)
{
	FlipFact *flip = data;

	g_free(flip->url);
	g_free(flip->word);
	g_free(flip);
}

static void unit_free(gpointer data)
{
	UnitFact *unit = data;

	g_free(unit->name);
	g_free(unit->enabled);
	g_free(unit);
}

void path_fact_free(PathFact *fact)
{
	if (fact == NULL)
		return;
	g_free(fact->path);
	g_free(fact);
}

void postfix_fact_free(PostfixFact *fact)
{
	g_free(fact->dir);
	g_clear_pointer(&fact->settings, g_hash_table_unref);
	g_clear_pointer(&fact->services, g_ptr_array_unref);
	g_array_unref(fact->groups);
	g_free(fact);
}

void doctor_facts_init(DoctorFacts *facts)
{
	*facts = (DoctorFacts){ .now = clock_now() };
	facts->mistakes = g_ptr_array_new_with_free_func(g_free);
	facts->postfix = g_ptr_array_new_with_free_func((GDestroyNotify)postfix_fact_free);
	facts->socket = g_ptr_array_new_with_free_func((GDestroyNotify)path_fact_free);
	facts->socket_names = g_ptr_array_new_with_free_func(g_free);
	facts->flips = g_ptr_array_new_with_free_func(flip_free);
	facts->units = g_ptr_array_new_with_free_func(unit_free);
	facts->leftovers = g_ptr_array_new_with_free_func(g_free);
	facts->unread = g_ptr_array_new_with_free_func(g_free);
}

void doctor_facts_clear(DoctorFacts *facts)
{
	g_free(facts->config_path);
	g_ptr_array_unref(facts->mistakes);
	g_ptr_array_unref(facts->postfix);
	g_free(facts->sendmail_path);
	g_free(facts->sendmail_text);
	g_ptr_array_unref(facts->socket);
	g_ptr_array_unref(facts->socket_names);
	path_fact_free(facts->secret);
	g_free(facts->secret_trouble);
	g_free(facts->fingerprint);
	g_ptr_array_unref(facts->flips);
	g_free(facts->client);
	g_free(facts->dkim_path);
	g_clear_pointer(&facts->dkim_domains, g_ptr_array_unref);
	g_ptr_array_unref(facts->units);
	g_ptr_array_unref(facts->leftovers);
	g_ptr_array_unref(facts->unread);
}
