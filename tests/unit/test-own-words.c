/* test-own-words: which mail speaks of which incident. Wrong, and a customer gets the letter of somebody else's outage. */
#include "inspect/normal.h"
#include "inspect/own-words.h"
#include "inspect/rules.h"

static const struct {
	const char *title, *components, *match, *subject, *body;
	double least, most; /* points, with 3.0 for match and 1.5 for words */
} cases[] = {
	/* Nothing said of the incident: nothing added. */
	{ NULL, NULL, NULL, "checkout down", "the checkout is down", 0, 0 },
	{ "", "", NULL, "checkout down", "", 0, 0 },
	/* The title's words, in subject or body, in any case, also as the beginning of a longer word. */
	{ "Checkout fails", NULL, NULL, "CHECKOUT", "it Fails", 1.5, 1.5 },
	{ "Checkout fails", NULL, NULL, "", "our checkouts are broken", 0.7, 0.8 },
	{ "Checkout fails", NULL, NULL, "", "precheckout", 0, 0 },
	{ "Checkout fails", NULL, NULL, "", "where is my parcel", 0, 0 },
	/* Short words say nothing. */
	{ "The site is down", NULL, NULL, "", "is the cat in the bag or not", 0, 0 },
	/* A name in capitals does, as a word of its own. */
	{ NULL, "Webmail, VPN; US", NULL, "", "my vpn drops", 1.5, 1.5 },
	{ NULL, "Webmail, VPN; US", NULL, "", "all VPNs drop", 1.5, 1.5 },
	{ NULL, "Webmail, VPN; US", NULL, "", "help us, nordvpn and vpnx too", 0, 0 },
	{ "The API is down", NULL, NULL, "", "your api rejects us", 0.7, 0.8 },
	{ "THE SITE IS DOWN FOR ALL", NULL, NULL, "", "the cup is for all of us", 0, 0 },
	{ "The app is down", NULL, NULL, "", "is the cat in the app or not", 0, 0 },
	/* But abbreviations do, as words of their own. */
	{ "The API is down", NULL, NULL, "", "all APIs answer with errors", 0.7, 0.8 },
	{ "The API is down", NULL, NULL, "", "our apiary and capital", 0, 0 },
	{ NULL, "VPN, API", NULL, "api", "", 1.5, 1.5 },
	{ NULL, "VPN, API", NULL, "", "no vpn since noon", 1.5, 1.5 },
	/* Components: the best counts, each by its own words. */
	{ NULL, "Invoices, EU mail gateway; Checkout", NULL, "", "no invoice since noon", 0, 0 },
	{ NULL, "Invoices, EU mail gateway; Checkout", NULL, "", "invoices are wrong", 1.5, 1.5 },
	{ NULL, "Invoices, EU mail gateway; Checkout", NULL, "", "your mail gateway drops us", 1.5, 1.5 },
	{ NULL, "Invoices, EU mail gateway; Checkout", NULL, "", "my mail", 0.7, 0.8 },
	{ NULL, " ,;\n,, ", NULL, "", "anything", 0, 0 },
	/* Accents and case do not matter. */
	{ "Störung der Überweisungen", NULL, NULL, "", "STÖRUNG bei einer Überweisungen", 1.5, 1.5 },
	/* Scripts without spaces. */
	{ NULL, "決済", NULL, "", "昨日から決済できません", 1.5, 1.5 },
	{ NULL, "決済", NULL, "", "昨日から送信できません", 0, 0 },
	/* The pattern comes on top. */
	{ "Checkout fails", NULL, "pay(ing|ment)", "", "payment", 3, 3 },
	{ "Checkout fails", NULL, "pay(ing|ment)", "", "the checkout fails at payment", 4.5, 4.5 },
};

/* As the verdict does: of the folded text. */
static double score_of(const Config *config, const Incident *incident, const char *subject, const char *body)
{
	gsize length;
	g_autofree char *normal_subject = normal_text(subject, &length), *normal_body = normal_text(body, &length);

	return own_words_score(config, incident, normal_subject != NULL ? normal_subject : subject, normal_body != NULL ? normal_body : body);
}

static void a_mail_speaks_of_an_incident(void)
{
	g_autoptr(Config) config = config_defaults();

	for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
		g_autoptr(Incident) incident = incident_new("default");
		double score;

		incident->texts[TEXT_TITLE] = g_strdup(cases[i].title);
		incident->texts[TEXT_COMPONENTS] = g_strdup(cases[i].components);
		if (cases[i].match != NULL) {
			incident->match = rules_pattern_new(cases[i].match, NULL);
			incident->match_free = (GDestroyNotify)rules_pattern_free;
			g_assert_nonnull(incident->match);
		}
		score = score_of(config, incident, cases[i].subject, cases[i].body);
		g_test_message("case %zu: %g", i, score);
		g_assert_cmpfloat(score, >=, cases[i].least - 1e-9);
		g_assert_cmpfloat(score, <=, cases[i].most + 1e-9);
		g_assert_cmpfloat(score, <=, own_words_most(config));
	}
}

/* What a site turns off is not even looked for. */
static void weights_are_the_sites(void)
{
	g_autoptr(Config) config = config_defaults();
	g_autoptr(Incident) incident = incident_new("default");

	incident->texts[TEXT_TITLE] = g_strdup("Checkout fails");
	config->title_words = 4;
	g_assert_cmpfloat(own_words_score(config, incident, "checkout", "fails"), ==, 4);
	config->title_words = 0;
	g_assert_cmpfloat(own_words_score(config, incident, "checkout", "fails"), ==, 0);
	config->own_words = 0;
	g_assert_cmpfloat(own_words_most(config), ==, 0);
}

/* Texts are the operator's, up to 4 KB each: as many words as fit may not cost more than a blink, nor crash. */
static void texts_of_any_kind_are_taken(void)
{
	static const char *const texts[] = { "-", "\xf0\x9f\x94\xa5\xf0\x9f\x94\xa5", "a,b,c,d,,,;;;\n\n", "çççç ñññ", "ﬀﬀﬀﬀ" };
	g_autoptr(Config) config = config_defaults();
	g_autofree char *word = g_strnfill(4096, 'w');
	g_autoptr(GString) many = g_string_new(NULL);

	for (guint i = 0; i < 800; i++)
		g_string_append_printf(many, "w%03u,", i);
	for (gsize i = 0; i < G_N_ELEMENTS(texts) + 2; i++) {
		g_autoptr(Incident) incident = incident_new("default");
		double score;

		incident->texts[TEXT_TITLE] = g_strdup(i < G_N_ELEMENTS(texts) ? texts[i] : i == G_N_ELEMENTS(texts) ? word : many->str);
		incident->texts[TEXT_COMPONENTS] = g_strdup(incident->texts[TEXT_TITLE]);
		score = own_words_score(config, incident, "w799", "ww w001");
		g_assert_cmpfloat(score, >=, 0);
		g_assert_cmpfloat(score, <=, own_words_most(config));
	}
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/own-words/a-mail-speaks-of-an-incident", a_mail_speaks_of_an_incident);
	g_test_add_func("/own-words/weights-are-the-sites", weights_are_the_sites);
	g_test_add_func("/own-words/texts-of-any-kind-are-taken", texts_of_any_kind_are_taken);
	return g_test_run();
}
