/* test-locale: times, durations and names of languages as customers read them, in each language that letters are shipped in. */
#include <glib.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "reply/locale.h"

typedef struct {
	const char *language, *zone, *at, *text;
} Time;

#define AFTERNOON "2026-11-21T14:30:00Z"
#define NEXT_DAY "2026-06-30T22:05:00Z" /* in Berlin it is the first of July already */

static const Time times[] = {
	{ "en", "Europe/Berlin", AFTERNOON, "15:30 CET (14:30 UTC) on 21 November 2026" },
	{ "de", "Europe/Berlin", AFTERNOON, "21. November 2026, 15:30 Uhr MEZ (14:30 Uhr UTC)" },
	{ "fr", "Europe/Berlin", AFTERNOON, "21 novembre 2026 à 15\u00A0h\u00A030 CET (14\u00A0h\u00A030 UTC)" },
	{ "es", "Europe/Berlin", AFTERNOON, "21 de noviembre de 2026, 15:30 CET (14:30 UTC)" },
	{ "pt", "Europe/Berlin", AFTERNOON, "21 de novembro de 2026, 15h30 CET (14h30 UTC)" },
	{ "it", "Europe/Berlin", AFTERNOON, "21 novembre 2026, ore 15:30 CET (14:30 UTC)" },
	{ "nl", "Europe/Berlin", AFTERNOON, "21 november 2026 om 15.30 uur CET (14.30 uur UTC)" },
	{ "ja", "Europe/Berlin", AFTERNOON, "2026年11月21日15時30分 CET（14時30分 UTC）" },
	{ "en", "Asia/Tokyo", AFTERNOON, "23:30 JST (14:30 UTC) on 21 November 2026" },
	{ "de", "Asia/Tokyo", AFTERNOON, "21. November 2026, 23:30 Uhr JST (14:30 Uhr UTC)" },
	{ "ja", "Asia/Tokyo", AFTERNOON, "2026年11月21日23時30分 JST（14時30分 UTC）" },
	{ "ja", "Asia/Tokyo", "2026-11-20T21:30:00Z", "2026年11月21日06時30分 JST（2026年11月20日21時30分 UTC）" },
	{ "de", "Asia/Kolkata", AFTERNOON, "21. November 2026, 20:00 Uhr IST (14:30 Uhr UTC)" },
	{ "fr", "Asia/Kolkata", "2026-11-21T03:00:00Z", "21 novembre 2026 à 8\u00A0h\u00A030 IST (3\u00A0h\u00A000 UTC)" },
	{ "nl", "Asia/Kathmandu", AFTERNOON, "21 november 2026 om 20.15 uur UTC+5:45 (14.30 uur UTC)" },
	{ "es", "America/New_York", "2026-11-21T03:30:00Z", "20 de noviembre de 2026, 22:30 EST (21 de noviembre de 2026, 3:30 UTC)" },
	/* One form where there is one clock. */
	{ "en", "UTC", AFTERNOON, "14:30 UTC on 21 November 2026" },
	{ "de", "UTC", AFTERNOON, "21. November 2026, 14:30 Uhr UTC" },
	{ "fr", "UTC", AFTERNOON, "21 novembre 2026 à 14\u00A0h\u00A030 UTC" },
	{ "es", NULL, AFTERNOON, "21 de noviembre de 2026, 14:30 UTC" },
	{ "pt", "UTC", AFTERNOON, "21 de novembro de 2026, 14h30 UTC" },
	{ "it", "UTC", AFTERNOON, "21 novembre 2026, ore 14:30 UTC" },
	{ "nl", "UTC", AFTERNOON, "21 november 2026 om 14.30 uur UTC" },
	{ "ja", "UTC", AFTERNOON, "2026年11月21日14時30分 UTC" },
	/* The date differs between the two. */
	{ "en", "Europe/Berlin", NEXT_DAY, "00:05 CEST on 1 July 2026 (22:05 UTC on 30 June 2026)" },
	{ "de", "Europe/Berlin", NEXT_DAY, "1. Juli 2026, 00:05 Uhr MESZ (30. Juni 2026, 22:05 Uhr UTC)" },
	{ "fr", "Europe/Berlin", NEXT_DAY, "1er juillet 2026 à 0\u00A0h\u00A005 CEST (30 juin 2026 à 22\u00A0h\u00A005 UTC)" },
	{ "es", "Europe/Berlin", NEXT_DAY, "1 de julio de 2026, 0:05 CEST (30 de junio de 2026, 22:05 UTC)" },
	{ "pt", "Europe/Berlin", NEXT_DAY, "1 de julho de 2026, 0h05 CEST (30 de junho de 2026, 22h05 UTC)" },
	{ "it", "Europe/Berlin", NEXT_DAY, "1 luglio 2026, ore 00:05 CEST (30 giugno 2026, ore 22:05 UTC)" },
	{ "nl", "Europe/Berlin", NEXT_DAY, "1 juli 2026 om 00.05 uur CEST (30 juni 2026 om 22.05 uur UTC)" },
	{ "ja", "Europe/Berlin", NEXT_DAY, "2026年7月1日00時05分 CEST（2026年6月30日22時05分 UTC）" },
	/* The hour that comes twice, and the one that does not come. */
	{ "de", "Europe/Berlin", "2026-10-25T00:30:00Z", "25. Oktober 2026, 02:30 Uhr MESZ (00:30 Uhr UTC)" },
	{ "de", "Europe/Berlin", "2026-10-25T01:30:00Z", "25. Oktober 2026, 02:30 Uhr MEZ (01:30 Uhr UTC)" },
	{ "en", "Europe/Berlin", "2026-03-29T00:59:00Z", "01:59 CET (00:59 UTC) on 29 March 2026" },
	{ "en", "Europe/Berlin", "2026-03-29T01:00:00Z", "03:00 CEST (01:00 UTC) on 29 March 2026" },
	/* Regions, case, languages without letters of ours, and what is none. */
	{ "de-AT", "Europe/Vienna", AFTERNOON, "21. November 2026, 15:30 Uhr MEZ (14:30 Uhr UTC)" },
	{ "PT-br", "America/Sao_Paulo", AFTERNOON, "21 de novembro de 2026, 11h30 BRT (14h30 UTC)" },
	{ "en-US", "UTC", AFTERNOON, "14:30 UTC on 21 November 2026" },
	{ "sv", "Europe/Stockholm", AFTERNOON, "21 november 2026 kl. 15:30 CET (14:30 UTC)" },
	{ "xx", "UTC", AFTERNOON, "14:30 UTC on 21 November 2026" },
	{ "", "UTC", AFTERNOON, "14:30 UTC on 21 November 2026" },
	{ "not a tag", "UTC", AFTERNOON, "14:30 UTC on 21 November 2026" },
	{ NULL, "UTC", AFTERNOON, "14:30 UTC on 21 November 2026" },
};

static void check_time(const Time *c)
{
	gint64 at = 0;
	g_assert_true(clock_parse(c->at, &at));
	g_autoptr(GTimeZone) zone = c->zone != NULL ? g_time_zone_new_identifier(c->zone) : NULL;
	g_assert_true(c->zone == NULL || zone != NULL);
	g_autofree char *text = locale_time(c->language, zone, at);
	g_assert_cmpstr(text, ==, c->text);
}

static void test_times(void)
{
	for (gsize i = 0; i < G_N_ELEMENTS(times); i++)
		check_time(&times[i]);
}

static void test_no_time_without_a_calendar(void)
{
	g_assert_null(locale_time("de", NULL, G_MAXINT64));
	g_assert_null(locale_time("en", NULL, G_MININT64));
}

static void test_spans(void)
{
	static const struct { const char *language; gint64 seconds; const char *text; } spans[] = {
		{ "en", 1800, "30 minutes" }, { "de", 1800, "30 Minuten" }, { "fr", 1800, "30 minutes" }, { "es", 1800, "30 minutos" },
		{ "pt", 1800, "30 minutos" }, { "it", 1800, "30 minuti" }, { "nl", 1800, "30 minuten" }, { "ja", 1800, "30分" },
		{ "en", 7200, "2 hours" }, { "de", 7200, "2 Stunden" }, { "fr", 7200, "2 heures" }, { "es", 7200, "2 horas" },
		{ "pt", 7200, "2 horas" }, { "it", 7200, "2 ore" }, { "nl", 7200, "2 uur" }, { "ja", 7200, "2時間" },
		{ "en", 3600, "60 minutes" }, { "de", 60, "60 Sekunden" }, { "de", 86400, "24 Stunden" }, { "ja", 172800, "2日" },
		{ "de", 90061, "90061 Sekunden" }, { "xx", 5400, "90 minutes" }, { NULL, 45, "45 seconds" },
	};
	for (gsize i = 0; i < G_N_ELEMENTS(spans); i++) {
		g_autofree char *text = locale_span(spans[i].language, spans[i].seconds);
		g_assert_cmpstr(text, ==, spans[i].text);
	}
}

static void test_language_names(void)
{
	static const struct { const char *language, *in, *name; } names[] = {
		{ "en", "de", "Englisch" }, { "en", "fr", "anglais" }, { "en", "es", "inglés" }, { "en", "pt", "inglês" },
		{ "en", "it", "inglese" }, { "en", "nl", "Engels" }, { "en", "ja", "英語" }, { "de", "en", "German" },
		{ "ja", "en-GB", "Japanese" }, { "pt-BR", "de-AT", "Portugiesisch" }, { "de", "xx", "German" }, { "xx", "de", "xx" },
		{ "de", NULL, "German" },
	};
	for (gsize i = 0; i < G_N_ELEMENTS(names); i++) {
		g_autofree char *name = locale_language_name(names[i].language, names[i].in);
		g_assert_cmpstr(name, ==, names[i].name);
	}
}

static void test_same_language(void)
{
	g_assert_true(locale_same_language("de", "DE-at"));
	g_assert_true(locale_same_language("pt_BR", "pt"));
	g_assert_false(locale_same_language("de", "den"));
	g_assert_false(locale_same_language("de", NULL));
	g_assert_false(locale_same_language("", "de"));
}

static gpointer write_many(gpointer data)
{
	const Time *own = data;
	for (guint round = 0; round < 40; round++)
		check_time(own);
	return NULL;
}

/* The replier's workers write letters in different languages at the same time. */
static void test_threads_do_not_disturb_each_other(void)
{
	GThread *threads[8];
	for (gsize i = 0; i < G_N_ELEMENTS(threads); i++)
		threads[i] = g_thread_new("letters", write_many, (gpointer)&times[i]);
	for (gsize i = 0; i < G_N_ELEMENTS(threads); i++)
		g_thread_join(threads[i]);
}

int main(int argc, char **argv)
{
	/* What the letters say must not depend on this. */
	g_setenv("LC_ALL", "fr_FR.UTF-8", TRUE);
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/locale/times-as-each-language-writes-them", test_times);
	g_test_add_func("/locale/no-time-without-a-calendar", test_no_time_without_a_calendar);
	g_test_add_func("/locale/durations", test_spans);
	g_test_add_func("/locale/names-of-languages", test_language_names);
	g_test_add_func("/locale/same-language-whatever-the-region", test_same_language);
	g_test_add_func("/locale/threads-do-not-disturb-each-other", test_threads_do_not_disturb_each_other);
	return g_test_run();
}
