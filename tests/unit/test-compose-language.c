/* test-compose-language: in which language a customer is answered, what happens to texts of another one, and who is offered what. */
#include <glib.h>
#include <glib/gstdio.h>
#include <string.h>

#include "reply/compose.h"

#define NOW 1795271400 /* 2026-11-21T14:30:00Z */

static char *s(const char *text)
{
	return (char *)text;
}

/* Templates in en, de and fr; fr lacks ack-P2. Nobody shows `cause`. */
static Templates *templates;

/* A site that works in English, unless a test says otherwise. */
typedef struct {
	Config config;
	SupportAddress support;
	Incident incident;
	Offer *offers[8];
	Offer offer[7];
} Site;

static char *none[] = { NULL };
static char *gold[] = { (char *)"gold", NULL };

static void site_fill(Site *site)
{
	memset(site, 0, sizeof *site);
	site->config.language = s("en");
	site->config.operator_language = s("");
	site->config.timezone = s("Europe/Berlin");
	site->support.address = s("support@example.com");
	site->incident.name = s("default");
	site->incident.state.word = WORD_P1;
	site->incident.state.id = s("20261121T140000Z-default");
	site->incident.state.declared_at = NOW - 1800;
}

static void site_offers(Site *site)
{
	site->offer[0] = (Offer){ .name = s("credit"), .levels = gold, .language = s("en"), .text = s("Ten days for gold.") };
	site->offer[1] = (Offer){ .name = s("credit"), .levels = gold, .language = s("de"), .text = s("Zehn Tage für Gold.") };
	site->offer[2] = (Offer){ .name = s("line"), .levels = none, .language = NULL, .text = s("A free line.\nCall it.") };
	site->offer[3] = (Offer){ .name = s("french"), .levels = none, .language = s("fr"), .text = s("Une ligne.") };
	site->offer[4] = (Offer){ .name = s("days"), .levels = none, .language = s("de"), .text = s("Ein Tag.") };
	site->offer[5] = (Offer){ .name = s("days"), .levels = gold, .language = s("en"), .text = s("Ten days.") };
	for (gsize i = 0; i < 6; i++)
		site->offers[i] = &site->offer[i];
	site->config.offers = site->offers;
}

static GHashTable *values_of(const Site *site, const char *language, const char *level)
{
	return compose_values(&site->config, &site->incident, &site->support, language, level, NOW);
}

static void test_language_in_order(void)
{
	static const struct { const char *kind, *wanted, *support, *site, *taken; } rows[] = {
		{ "ack-P1", "de", "fr", "en", "de" }, { "ack-P1", "de-AT", "fr", "en", "de" }, { "ack-P1", "DE-ch-1996", NULL, "en", "de" },
		{ "ack-P1", "und", "fr", "en", "fr" }, { "ack-P1", NULL, "fr", "en", "fr" }, { "ack-P1", "sv", "fr", "en", "fr" },
		{ "ack-P2", "fr", "de", "en", "de" }, { "ack-P1", NULL, NULL, "en", "en" }, { "ack-P1", "sv", "da", "en", "en" },
		{ "ack-P1", "", "", "en", "en" }, { "ack-P1", NULL, NULL, "de-DE", "de" }, { "ack-P9", "de", NULL, "en", NULL },
	};
	for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
		Site site;
		site_fill(&site);
		site.config.language = s(rows[i].site);
		site.support.language = s(rows[i].support);
		g_test_message("%s, %s, %s", rows[i].wanted, rows[i].support, rows[i].site);
		g_assert_cmpstr(compose_language(&site.config, templates, rows[i].kind, rows[i].wanted, &site.support), ==, rows[i].taken);
	}
	Site site;
	site_fill(&site);
	g_assert_cmpstr(compose_language(&site.config, templates, "ack-P1", NULL, NULL), ==, "en");
}

typedef struct {
	const char *path;
	const char *operators;     /* reply.operator_language */
	const char *letter;        /* language */
	int mixed;
	TextField field;           /* the text that is set, or TEXT_FIELDS for none */
	const char *text;
	const char *settled;       /* what the letter is written in */
	const char *texts_language;
} Mixture;

static const Mixture mixtures[] = {
	{ "/mixed/same-language-says-nothing", "", "en", MIXED_QUOTE, TEXT_TITLE, "Sign-in fails", "en", NULL },
	{ "/mixed/region-makes-no-other-language", "en-GB", "en", MIXED_FALLBACK, TEXT_TITLE, "Sign-in fails", "en", NULL },
	{ "/mixed/quoted-as-what-it-is", "", "de", MIXED_QUOTE, TEXT_TITLE, "Sign-in fails", "de", "Englisch" },
	{ "/mixed/quoted-in-french", "de", "fr", MIXED_QUOTE, TEXT_SCOPE, "Alle", "fr", "allemand" },
	{ "/mixed/bare-flip-needs-no-word", "", "de", MIXED_QUOTE, TEXT_FIELDS, NULL, "de", NULL },
	{ "/mixed/number-is-no-language", "", "de", MIXED_QUOTE, TEXT_CONTACT, "+49 30 000000", "de", NULL },
	{ "/mixed/text-that-the-letter-does-not-show", "", "de", MIXED_QUOTE, TEXT_CAUSE, "A certificate.", "de", NULL },
	{ "/mixed/time-is-no-text", "", "de", MIXED_QUOTE, TEXT_ETA, "2026-11-21T16:00:00Z", "de", NULL },
	{ "/mixed/falls-back", "", "de", MIXED_FALLBACK, TEXT_TITLE, "Sign-in fails", "en", NULL },
	{ "/mixed/falls-back-without-region", "fr-CA", "de", MIXED_FALLBACK, TEXT_TITLE, "Panne", "fr", NULL },
	{ "/mixed/bare-flip-does-not-fall-back", "", "de", MIXED_FALLBACK, TEXT_FIELDS, NULL, "de", NULL },
	{ "/mixed/quoted-where-nobody-wrote-the-other-letter", "sv", "de", MIXED_FALLBACK, TEXT_TITLE, "Fel", "de", "Schwedisch" },
};

static void test_mixture(gconstpointer data)
{
	const Mixture *c = data;
	Site site;
	site_fill(&site);
	site.config.operator_language = s(c->operators);
	site.config.mixed = c->mixed;
	if (c->field != TEXT_FIELDS)
		site.incident.texts[c->field] = s(c->text);
	g_autoptr(GHashTable) values = values_of(&site, c->letter, NULL);
	g_assert_cmpstr(compose_mixed(&site.config, templates, "ack-P1", c->letter, values), ==, c->settled);
	g_assert_cmpstr(g_hash_table_lookup(values, "texts_language"), ==, c->texts_language);
}

static void test_playbook_and_orders_are_operators_texts(void)
{
	Site site;
	site_fill(&site);
	site.config.playbook[SEVERITY_P1].scope = s("Everybody.");
	g_autoptr(GHashTable) playbook = values_of(&site, "de", NULL);
	(void)compose_mixed(&site.config, templates, "ack-P1", "de", playbook);
	g_assert_cmpstr(g_hash_table_lookup(playbook, "texts_language"), ==, "Englisch");
	site.config.playbook[SEVERITY_P1].scope = NULL;
	g_autoptr(GHashTable) ordered = values_of(&site, "de", NULL);
	g_hash_table_insert(ordered, (gpointer)"text", g_strdup("We found it."));
	(void)compose_mixed(&site.config, templates, "ack-P1", "de", ordered);
	g_assert_cmpstr(g_hash_table_lookup(ordered, "texts_language"), ==, "Englisch");
	site.incident.update_text = s("We found it.");
	site.incident.update_at = NOW - 60;
	g_autoptr(GHashTable) update = values_of(&site, "de", NULL);
	(void)compose_mixed(&site.config, templates, "ack-P1", "de", update);
	g_assert_cmpstr(g_hash_table_lookup(update, "texts_language"), ==, "Englisch");
}

typedef struct {
	const char *path;
	const char *name;     /* what the incident's field names */
	const char *level, *language;
	const char *offer;
	const char *texts_language;
} OfferRow;

static const OfferRow offer_rows[] = {
	{ "/offer/for-the-level-in-the-language", "credit", "gold", "de", "Zehn Tage für Gold.", NULL },
	{ "/offer/for-the-level", "credit", "gold", "en", "Ten days for gold.", NULL },
	{ "/offer/in-a-language-of-a-region", "credit", "gold", "de-AT", "Zehn Tage für Gold.", NULL },
	{ "/offer/in-the-operators-language-is-said-to-be", "credit", "gold", "fr", "Ten days for gold.", "anglais" },
	{ "/offer/of-the-level-outranks-that-for-everybody", "days", "gold", "de", "Ten days.", "Englisch" },
	{ "/offer/for-everybody-where-the-level-has-none", "days", "silver", "de", "Ein Tag.", NULL },
	{ "/offer/not-for-another-level", "credit", "silver", "en", NULL, NULL },
	{ "/offer/not-without-an-account", "credit", NULL, "en", NULL, NULL },
	{ "/offer/for-everybody", "line", NULL, "en", "A free line.\nCall it.", NULL },
	{ "/offer/without-a-language-is-the-operators", "line", "gold", "de", "A free line.\nCall it.", "Englisch" },
	{ "/offer/that-is-not-configured-is-not-made", "refund", "gold", "en", NULL, NULL },
	{ "/offer/not-named-is-not-made", NULL, "gold", "en", NULL, NULL },
	{ "/offer/text-in-the-store-is-not-made", "We refund everything.", "gold", "en", NULL, NULL },
	{ "/offer/of-a-third-language-says-which", "french", NULL, "de", "(Französisch) Une ligne.", NULL },
};

static void test_offer(gconstpointer data)
{
	const OfferRow *c = data;
	Site site;
	site_fill(&site);
	site_offers(&site);
	site.incident.texts[TEXT_OFFER] = s(c->name);
	g_autoptr(GHashTable) values = values_of(&site, c->language, c->level);
	g_assert_cmpstr(g_hash_table_lookup(values, "offer"), ==, c->offer);
	(void)compose_mixed(&site.config, templates, "ack-P1", c->language, values);
	g_assert_cmpstr(g_hash_table_lookup(values, "texts_language"), ==, c->texts_language);
}

static void test_values_speak_the_language(void)
{
	Site site;
	site_fill(&site);
	site.config.playbook[SEVERITY_P1].update_every = 7200;
	site.incident.texts[TEXT_ETA] = s("2026-11-21T16:00:00Z");
	g_autoptr(GHashTable) values = values_of(&site, "de", NULL);
	g_assert_cmpstr(g_hash_table_lookup(values, "eta"), ==, "21. November 2026, 17:00 Uhr MEZ (16:00 Uhr UTC)");
	g_assert_cmpstr(g_hash_table_lookup(values, "update_every"), ==, "2 Stunden");
	g_assert_cmpstr(g_hash_table_lookup(values, "declared_at"), ==, "21. November 2026, 15:00 Uhr MEZ (14:00 Uhr UTC)");
}

/* A promise that time has broken is not made again, in no language. */
static void test_gone_times_vanish_in_every_language(void)
{
	static const char *const languages[] = { "en", "de", "fr", "es", "pt", "it", "nl", "ja", "xx" };
	static const char *const promises[] = { "eta", "next_update_at", "update_every", "postmortem_due" };
	Site site;
	site_fill(&site);
	site.config.playbook[SEVERITY_P1].update_every = 600;
	site.incident.texts[TEXT_ETA] = site.incident.texts[TEXT_POSTMORTEM_DUE] = s("2026-11-21T14:30:00Z");
	site.incident.texts[TEXT_NEXT_UPDATE_AT] = s("2026-11-21T14:29:59Z");
	for (gsize i = 0; i < G_N_ELEMENTS(languages); i++) {
		g_autoptr(GHashTable) values = values_of(&site, languages[i], NULL);
		for (gsize k = 0; k < G_N_ELEMENTS(promises); k++)
			g_assert_false(g_hash_table_contains(values, promises[k]));
		g_assert_true(g_hash_table_contains(values, "declared_at"));
	}
}

static void write_template(const char *dir, const char *language, const char *kind)
{
	static const char *const shown[] = { "text", "update", "title", "scope", "contact", "offer", "eta" };
	g_autoptr(GString) text = g_string_new("Subject: s\n\nx\n");
	for (gsize i = 0; i < G_N_ELEMENTS(shown); i++)
		g_string_append_printf(text, "{{#%s}}\n{{%s}}\n{{/%s}}\n", shown[i], shown[i], shown[i]);
	g_autofree char *folder = g_build_filename(dir, language, NULL);
	g_autofree char *name = g_strconcat(kind, ".txt", NULL);
	g_autofree char *path = g_build_filename(folder, name, NULL);
	g_assert_cmpint(g_mkdir_with_parents(folder, 0700), ==, 0);
	g_assert_true(g_file_set_contents(path, text->str, -1, NULL));
}

/* Loads the templates from a folder that does not outlive it. */
static void prepare(void)
{
	static const char *const kinds[] = { "ack-P1", "ack-P2", "ack-P3", "ack-resolved" };
	static const char *const languages[] = { "en", "de", "fr" };
	g_autofree char *dir = g_dir_make_tmp("outage-language-XXXXXX", NULL);
	g_autoptr(GPtrArray) mistakes = g_ptr_array_new_with_free_func(g_free);
	for (gsize i = 0; i < G_N_ELEMENTS(languages); i++)
		for (gsize k = 0; k < G_N_ELEMENTS(kinds); k++)
			if (i < 2 || k != 1)
				write_template(dir, languages[i], kinds[k]);
	templates = templates_load(dir, "en", mistakes);
	g_assert_cmpuint(mistakes->len, ==, 0);
	for (gsize i = 0; i < G_N_ELEMENTS(languages); i++) {
		g_autofree char *folder = g_build_filename(dir, languages[i], NULL);
		for (gsize k = 0; k < G_N_ELEMENTS(kinds); k++) {
			g_autofree char *path = g_strdup_printf("%s/%s.txt", folder, kinds[k]);
			g_remove(path);
		}
		g_remove(folder);
	}
	g_remove(dir);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	prepare();
	g_test_add_func("/language/mail-then-support-address-then-site", test_language_in_order);
	g_test_add_func("/language/values-speak-it", test_values_speak_the_language);
	g_test_add_func("/language/gone-times-vanish-in-every-one", test_gone_times_vanish_in_every_language);
	g_test_add_func("/mixed/playbook-update-and-orders-are-operators-texts", test_playbook_and_orders_are_operators_texts);
	for (gsize i = 0; i < G_N_ELEMENTS(mixtures); i++)
		g_test_add_data_func(mixtures[i].path, &mixtures[i], test_mixture);
	for (gsize i = 0; i < G_N_ELEMENTS(offer_rows); i++)
		g_test_add_data_func(offer_rows[i].path, &offer_rows[i], test_offer);
	int status = g_test_run();
	templates_unref(templates);
	return status;
}
