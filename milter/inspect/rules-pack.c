/* rules-pack: the rules of one language, and what finds them in a text. Layer: inspect.
 *
 * Index, words and machine code of some sixty rules take a tenth of a second to make, those of all languages a second, and a site gets mail
 * in few of them. So each pack is made ready when the first text asks for it, or beforehand where nobody waits (rules_warm). */
#include "inspect/rules-private.h"

#include <string.h>

static void pack_free(gpointer data)
{
	RulePack *pack = data;
	rule_index_free(pack->index);
	rule_index_free(pack->rest);
	rule_places_free(pack->places);
	g_ptr_array_unref(pack->rules);
	g_free(pack->fields);
	g_free(pack);
}

static RulePack *pack_of(GPtrArray *packs, const char *language)
{
	for (guint i = 0; i < packs->len; i++) {
		RulePack *pack = g_ptr_array_index(packs, i);
		if (pack->language == language)
			return pack;
	}
	RulePack *pack = g_new0(RulePack, 1);
	pack->language = language;
	pack->rules = g_ptr_array_new();
	g_ptr_array_add(packs, pack);
	return pack;
}

GPtrArray *rule_packs_new(const GPtrArray *rules)
{
	GPtrArray *packs = g_ptr_array_new_with_free_func(pack_free);
	for (guint i = 0; i < rules->len; i++) {
		Rule *rule = g_ptr_array_index(rules, i);
		g_autofree char *primary = g_strndup(rule->language, strcspn(rule->language, "-"));
		rule->number = i;
		rule->pack = g_intern_string(primary);
		g_ptr_array_add(pack_of(packs, rule->pack)->rules, rule);
	}
	for (guint i = 0; i < packs->len; i++) {
		RulePack *pack = g_ptr_array_index(packs, i);
		pack->fields = g_new(guint8, pack->rules->len);
		for (guint n = 0; n < pack->rules->len; n++)
			pack->fields[n] = (guint8)((const Rule *)g_ptr_array_index(pack->rules, n))->fields;
	}
	return packs;
}

static void free_leads(gpointer leads)
{
	if (leads)
		g_ptr_array_unref(leads);
}

static void make_ready(RulePack *pack, bool search)
{
	g_autoptr(GPtrArray) leads = g_ptr_array_new_with_free_func(free_leads);
	pack->index = rule_index_new(pack->rules, NULL);
	pack->places = rule_places_new(pack->rules, leads);
	pack->rest = pack->places ? rule_index_new(pack->rules, leads) : NULL;
	const GArray *everywhere = rule_index_everywhere(pack->index);
	for (guint i = 0; i < pack->rules->len; i++)
		regex_prepare(((const Rule *)g_ptr_array_index(pack->rules, i))->regex, search);
	for (guint i = 0; i < everywhere->len; i++)
		regex_prepare(((const Rule *)g_ptr_array_index(pack->rules, g_array_index(everywhere, guint, i)))->regex, true);
}

void rule_pack_ready(RulePack *pack, GMutex *lock, bool search)
{
	if (g_atomic_int_get(&pack->ready))
		return;
	g_mutex_lock(lock);
	if (!g_atomic_int_get(&pack->ready)) {
		make_ready(pack, search);
		g_atomic_int_set(&pack->ready, 1);
	}
	g_mutex_unlock(lock);
}
