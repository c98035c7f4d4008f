/* test-language: the language of a text is told, or honestly not. The sentences are made up. Layer: tests. */
#include "inspect/rules-private.h"

#include "inspect/normal.h"

static const struct {
	const char *language;
	const char *texts[12];
} samples[] = {
	{ "en", { "Hello, the site is not working for us and we do not know what to do.", "Is it down again?", "can't log in since this morning",
	          "What is going on with your service?", "Still no internet here, any update?", "I was charged twice for the same order.",
	          "Getting a 503 on every page, is there an outage?", "please cancel my subscription" } },
	{ "de", { "Guten Tag, seit heute Morgen ist der Server nicht erreichbar, wir können nicht arbeiten.", "Geht bei euch auch nichts mehr?",
	          "Seit 9 Uhr kein Internet", "Wo bleibt meine Bestellung?", "Bitte um Rückruf, es ist dringend", "Die Seite lädt nicht",
	          "ich komme nicht in mein konto", "Störung in Köln?" } },
	{ "fr", { "Bonjour, depuis ce matin le site ne répond pas et nous ne pouvons pas travailler.", "Le site est encore en panne ?",
	          "Impossible de me connecter à mon compte", "Je n'ai toujours pas reçu ma facture", "C'est quand le retour du réseau ?",
	          "Plus rien ne marche chez nous" } },
	{ "es", { "Hola, desde ayer no podemos entrar en el portal y los clientes se quejan.", "¿Está caído el sistema?",
	          "No puedo entrar a mi cuenta", "Se cayó la app otra vez", "¿Cuándo llega mi pedido?", "Seguimos sin servicio desde ayer" } },
	{ "pt", { "Olá, desde ontem o site não está no ar e os nossos clientes não conseguem comprar.", "O sistema caiu de novo?",
	          "Não consigo entrar na minha conta", "Ainda estamos sem internet", "Quando chega o meu pedido?", "alguém mais sem sinal?" } },
	{ "it", { "Buongiorno, il sito non funziona e non possiamo lavorare da questo mattino.", "Il sito è giù da stamattina",
	          "Non riesco ad accedere al mio conto", "Siamo ancora senza linea", "Quando arriva il mio ordine?" } },
	{ "nl", { "Goedemorgen, de website werkt niet en wij kunnen ook niet bij onze mail.", "Ligt de site er weer uit?", "Ik kan niet inloggen",
	          "Al sinds vanochtend geen internet", "Wanneer komt mijn bestelling?", "Het doet het nog steeds niet" } },
	{ "ja", { "サイトにアクセスできません。", "サーバー落ちてますか？", "ログインできない", "いつもお世話になっております。昨日からメールが送れません。",
	          "503エラーが出ます、API is down?" } },
	/* Ours are read by their neighbours' words easily. */
	{ "und", { "Hej, vår hemsida fungerar inte sedan i morse och vi kan inte logga in. Kan ni hjälpa oss?", "Systemet ligger nere och våra kunder klagar.",
	           "Kan ni skicka en ny faktura till vår ekonomiavdelning?" } },
	{ "und", { "Hej, vores hjemmeside virker ikke siden i morges, og vi kan ikke logge ind.", "Serveren er nede og vi kan ikke arbejde.",
	           "Jeg har ikke modtaget min faktura for marts, kan I sende den igen?" } },
	{ "und", { "Hei, nettsiden vår fungerer ikke og vi får ikke logget inn. Kan dere hjelpe oss?", "Appen krasjer hver gang jeg åpner den." } },
	{ "und", { "Witam, od rana strona nie działa i nie możemy się zalogować.", "Proszę o przesłanie faktury za marzec na adres email.",
	           "Czy jest jakaś awaria? U nas nic nie działa." } },
	{ "und", { "Bon dia, des d'aquest matí la web no funciona i no podem entrar al nostre compte.",
	           "No puc accedir al meu compte, em surt un error. Em podeu ajudar?", "Em podeu enviar la factura del mes passat?" } },
	{ "und", { "Bună ziua, site-ul nu funcționează de azi dimineață și nu ne putem conecta.", "Dobrý den, od rána nám nefunguje web a nemůžeme se přihlásit.",
	           "Hei, sivustonne ei toimi aamusta lähtien emmekä pääse kirjautumaan sisään.", "Merhaba, sabahtan beri siteniz çalışmıyor.",
	           "Halo, situs kami tidak bisa diakses sejak pagi ini.", "Здравствуйте, с утра не работает сайт.", "Καλημέρα, η σελίδα δεν λειτουργεί.",
	           "你好，网站从早上开始就打不开了，我们无法登录。", "안녕하세요, 사이트가 작동하지 않습니다.", "مرحبا، الموقع لا يعمل منذ الصباح",
	           "Lorem ipsum dolor sit amet, consectetur adipiscing elit, sed do eiusmod tempor." } },
	{ "und", { "", "OK", "503", "?!", "Server down", "ERR_CONNECTION_REFUSED", "api.example.com 10.0.0.1", "John Smith", "😭😭😭" } },
};

static void test_guess(gconstpointer data)
{
	guint i = GPOINTER_TO_UINT(data);
	for (guint j = 0; j < G_N_ELEMENTS(samples[i].texts) && samples[i].texts[j]; j++) {
		gsize length;
		g_autofree char *folded = normal_text(samples[i].texts[j], &length);
		const char *text = folded ? folded : samples[i].texts[j];
		g_test_message("%s", text);
		g_assert_cmpstr(language_guess("", text), ==, samples[i].language);
		g_assert_cmpstr(language_guess(text, ""), ==, samples[i].language);
	}
}

static void assert_sampled(const char *language)
{
	bool found = false;
	for (guint i = 0; i < G_N_ELEMENTS(samples) && !found; i++)
		found = g_strcmp0(language, samples[i].language) == 0;
	g_test_message("%s", language);
	g_assert_true(found);
}

/* What is told without words of its own: Japanese by its kana, and that nothing is known. */
static void test_told(void)
{
	assert_sampled("und");
	assert_sampled("ja");
	for (guint i = 0; i < LANGUAGE_COUNT; i++)
		if (language_words[i].tag)
			assert_sampled(language_words[i].tag);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	for (guint i = 0; i < G_N_ELEMENTS(samples); i++) {
		g_autofree char *path = g_strdup_printf("/language/%s-%u", samples[i].language, i);
		g_test_add_data_func(path, GUINT_TO_POINTER(i), test_guess);
	}
	g_test_add_func("/language/all-that-are-told", test_told);
	return g_test_run();
}
