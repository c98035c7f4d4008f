/* locale: times, durations and names of languages as a person writes them (see locale.h). Layer: reply. The only file that knows ICU.
 *
 * ICU knows the words (months, units, languages, the customary names of zones) and GLib the clock: the zone's offset comes from the
 * system's own time zone data, which the administrator keeps up to date, and ICU is handed a time that is shifted already. Formatters
 * are opened for each call: they must not be shared between threads, and a letter needs a handful of them. */
#include "reply/locale.h"

#include <string.h>
#include <unicode/udat.h>
#include <unicode/uldnames.h>
#include <unicode/uloc.h>
#include <unicode/unumberformatter.h>

#include "base/log.h"

/* How a language writes a moment. Patterns are those of UTS #35 ("Date Field Symbol Table"). */
typedef struct {
	const char *language;
	const char *when;       /* date and clock; the zone's name follows behind it */
	const char *first;      /* the same on the first of a month, or NULL */
	const char *clock;
	const char *open, *close; /* around the same moment in UTC */
	bool spaceless;         /* nothing stands between a number and its unit */
} Form;

static const Form forms[] = {
	{ "de", "d. MMMM y, HH:mm 'Uhr'", NULL, "HH:mm 'Uhr'", " (", ")", false },
	/* No line ends within "15 h 30". */
	{ "fr", "d MMMM y 'à' H\u00A0'h'\u00A0mm", "d'er' MMMM y 'à' H\u00A0'h'\u00A0mm", "H\u00A0'h'\u00A0mm", " (", ")", false },
	{ "es", "d 'de' MMMM 'de' y, H:mm", NULL, "H:mm", " (", ")", false },
	{ "pt", "d 'de' MMMM 'de' y, H'h'mm", NULL, "H'h'mm", " (", ")", false },
	{ "it", "d MMMM y, 'ore' HH:mm", NULL, "HH:mm", " (", ")", false },
	{ "nl", "d MMMM y 'om' HH.mm 'uur'", NULL, "HH.mm 'uur'", " (", ")", false },
	{ "ja", "y年M月d日HH時mm分", NULL, "HH時mm分", "（", "）", true },
};

/* Any other language that ICU knows: its own usual long date and short clock. */
static const Form usual = { NULL, NULL, NULL, NULL, " (", ")", false };

/* A moment and its two readings. */
typedef struct {
	GDateTime *utc;
	GDateTime *local;
	char *label;            /* of the zone, at that moment */
} Moment;

static void moment_clear(Moment *moment)
{
	g_clear_pointer(&moment->utc, g_date_time_unref);
	g_clear_pointer(&moment->local, g_date_time_unref);
	g_clear_pointer(&moment->label, g_free);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Moment, moment_clear)

static gsize primary_length(const char *tag)
{
	return strcspn(tag, "-_");
}

bool locale_same_language(const char *a, const char *b)
{
	if (a == NULL || b == NULL)
		return a == b;
	return primary_length(a) == primary_length(b) && g_ascii_strncasecmp(a, b, primary_length(a)) == 0;
}

static char *from_utf16(const UChar *text, gsize size)
{
	return g_utf16_to_utf8((const gunichar2 *)text, (glong)size, NULL, NULL, NULL);
}

/* Returns text with plain spaces: those that ICU sets of its own change from version to version. Takes text (may be NULL) over. */
static char *with_plain_spaces(char *text)
{
	static const char *const others[] = { "\u00A0", "\u202F" };
	g_autoptr(GString) plain = g_string_new(text);
	for (gsize i = 0; i < G_N_ELEMENTS(others); i++)
		for (char *at = strstr(plain->str, others[i]); at != NULL; at = strstr(plain->str, others[i])) {
			gssize where = at - plain->str;
			g_string_erase(plain, where, (gssize)strlen(others[i]));
			g_string_insert_c(plain, where, ' ');
		}
	char *result = text != NULL ? g_strdup(plain->str) : NULL;
	g_free(text);
	return result;
}

static UChar *to_utf16(const char *text)
{
	return (UChar *)g_utf8_to_utf16(text, -1, NULL, NULL, NULL);
}

/* Returns ICU's name for a language tag, or NULL where it is none. Caller frees. */
static char *icu_locale(const char *language)
{
	UErrorCode status = U_ZERO_ERROR;
	int32_t parsed = 0;
	int32_t size = uloc_forLanguageTag(language, NULL, 0, &parsed, &status);
	if ((status != U_BUFFER_OVERFLOW_ERROR && U_FAILURE(status)) || size <= 0)
		return NULL;
	char *name = g_malloc0((gsize)size + 1);
	status = U_ZERO_ERROR;
	uloc_forLanguageTag(language, name, size + 1, &parsed, &status);
	if (U_SUCCESS(status) && parsed > 0)
		return name;
	g_free(name);
	return NULL;
}

/* Returns true where ICU has words of that language: any other it would write in that of the program's environment. */
static bool is_known(const char *language)
{
	for (int32_t i = udat_countAvailable() - 1; i >= 0; i--)
		if (locale_same_language(udat_getAvailable(i), language))
			return true;
	return false;
}

/* What ICU cannot do with the names that stand here is a matter of its installation; the letter goes out in plain form. */
static void icu_failed(const char *what, const char *language, UErrorCode status)
{
	g_autofree char *shown = log_escape(language, 40);
	log_warning("ICU cannot %s in '%s' (%s): English is taken", what, shown, u_errorName(status));
}

/* Returns a moment, given in milliseconds, by a formatter, or NULL. */
static char *run_format(const UDateFormat *format, double milliseconds)
{
	UErrorCode status = U_ZERO_ERROR;
	int32_t size = udat_format(format, milliseconds, NULL, 0, NULL, &status);
	if (status != U_BUFFER_OVERFLOW_ERROR && U_FAILURE(status))
		return NULL;
	g_autofree UChar *text = g_new0(UChar, size + 1);
	status = U_ZERO_ERROR;
	udat_format(format, milliseconds, text, size + 1, NULL, &status);
	return U_SUCCESS(status) ? from_utf16(text, (gsize)size) : NULL;
}

/* Returns seconds in zone (a name of the time zone database) by pattern, or by the language's own styles where that is NULL. NULL
 * where ICU fails. */
static char *format_in(const char *language, const char *zone, const char *pattern, UDateFormatStyle date, gint64 seconds)
{
	g_autofree char *name = icu_locale(language);
	g_autofree UChar *zone_id = to_utf16(zone);
	g_autofree UChar *wanted = pattern != NULL ? to_utf16(pattern) : NULL;
	if (name == NULL || zone_id == NULL)
		return NULL;
	UErrorCode status = U_ZERO_ERROR;
	UDateFormat *format = pattern != NULL ? udat_open(UDAT_PATTERN, UDAT_PATTERN, name, zone_id, -1, wanted, -1, &status) :
	    udat_open(UDAT_SHORT, date, name, zone_id, -1, NULL, 0, &status);
	if (U_FAILURE(status)) {
		icu_failed("write times", language, status);
		return NULL;
	}
	char *text = run_format(format, (double)seconds * 1000);
	udat_close(format);
	return pattern != NULL ? text : with_plain_spaces(text);
}

/* The same for a reading of the clock that is taken as it is. */
static char *format_reading(const char *language, const char *pattern, UDateFormatStyle date, GDateTime *at)
{
	return format_in(language, "UTC", pattern, date, g_date_time_to_unix(at) + g_date_time_get_utc_offset(at) / G_TIME_SPAN_SECOND);
}

/* Returns the zone's name at that moment by the time zone database: "CET", or "UTC+5:30" where it has none but its offset. */
static char *database_label(GDateTime *at)
{
	const char *name = g_date_time_get_timezone_abbreviation(at);
	if (name != NULL && g_ascii_isalpha(*name))
		return g_strdup(name);
	gint64 minutes = g_date_time_get_utc_offset(at) / G_TIME_SPAN_MINUTE;
	gint64 size = ABS(minutes);
	GString *label = g_string_new("UTC");
	g_string_append_printf(label, "%c%d", minutes < 0 ? '-' : '+', (int)(size / 60));
	if (size % 60 != 0)
		g_string_append_printf(label, ":%02d", (int)(size % 60));
	return g_string_free(label, FALSE);
}

/* Returns what people of that language call the zone ("MEZ"), or NULL where they have no short name of their own for it, so that ICU
 * offers the bare offset. */
static char *customary_label(const char *language, GDateTime *at)
{
	const char *zone = g_time_zone_get_identifier(g_date_time_get_timezone(at));
	gint64 seconds = g_date_time_to_unix(at);
	g_autofree char *name = format_in(language, zone, "z", UDAT_NONE, seconds);
	g_autofree char *offset = format_in(language, zone, "O", UDAT_NONE, seconds);
	g_autofree char *theirs = format_in("en", zone, "xxx", UDAT_NONE, seconds);
	g_autofree char *ours = g_date_time_format(at, "%:z");
	/* Where the two have other ideas of the zone, its name may be that of the other half of the year. */
	return g_strcmp0(name, offset) == 0 || g_strcmp0(theirs, ours) != 0 ? NULL : g_steal_pointer(&name);
}

static bool read_moment(Moment *moment, const char *language, GTimeZone *zone, gint64 seconds)
{
	moment->utc = g_date_time_new_from_unix_utc(seconds);
	if (moment->utc == NULL)
		return false;
	moment->local = zone != NULL ? g_date_time_to_timezone(moment->utc, zone) : g_date_time_ref(moment->utc);
	if (moment->local == NULL)
		return false;
	moment->label = database_label(moment->local);
	char *own = language != NULL && strcmp(moment->label, "UTC") != 0 ? customary_label(language, moment->local) : NULL;
	if (own != NULL) {
		g_free(moment->label);
		moment->label = own;
	}
	return true;
}

static bool is_utc(const Moment *moment)
{
	return strcmp(moment->label, "UTC") == 0;
}

static bool same_day(const Moment *moment)
{
	return g_date_time_get_day_of_month(moment->utc) == g_date_time_get_day_of_month(moment->local);
}

static char *english_day(GDateTime *at)
{
	static const char *const months[] = { "January", "February", "March", "April", "May", "June", "July", "August", "September",
		"October", "November", "December" };
	return g_strdup_printf("%d %s %d", g_date_time_get_day_of_month(at), months[g_date_time_get_month(at) - 1],
	    g_date_time_get_year(at));
}

/* English puts the clock first, so the date stands behind both readings. */
static char *english_time(const Moment *moment)
{
	g_autofree char *utc_clock = g_date_time_format(moment->utc, "%H:%M");
	g_autofree char *utc_day = english_day(moment->utc);
	if (is_utc(moment))
		return g_strdup_printf("%s UTC on %s", utc_clock, utc_day);
	g_autofree char *clock = g_date_time_format(moment->local, "%H:%M");
	g_autofree char *day = english_day(moment->local);
	if (same_day(moment))
		return g_strdup_printf("%s %s (%s UTC) on %s", clock, moment->label, utc_clock, day);
	return g_strdup_printf("%s %s on %s (%s UTC on %s)", clock, moment->label, day, utc_clock, utc_day);
}

static const Form *form_of(const char *language)
{
	for (gsize i = 0; i < G_N_ELEMENTS(forms); i++)
		if (locale_same_language(forms[i].language, language))
			return &forms[i];
	return &usual;
}

static char *format_when(const Form *form, const char *language, GDateTime *at)
{
	bool first = form->first != NULL && g_date_time_get_day_of_month(at) == 1;
	return format_reading(language, first ? form->first : form->when, UDAT_LONG, at);
}

/* Returns NULL where ICU fails. */
static char *other_time(const Moment *moment, const char *language)
{
	const Form *form = form_of(language);
	g_autofree char *when = format_when(form, language, moment->local);
	if (when == NULL || is_utc(moment))
		return when != NULL ? g_strconcat(when, " UTC", NULL) : NULL;
	g_autofree char *utc = same_day(moment) ? format_reading(language, form->clock, UDAT_NONE, moment->utc) :
	    format_when(form, language, moment->utc);
	return utc != NULL ? g_strconcat(when, " ", moment->label, form->open, utc, " UTC", form->close, NULL) : NULL;
}

/* Returns true where a text is English: wanted so, or because nothing is known of what is wanted. */
static bool is_english(const char *language)
{
	return language == NULL || locale_same_language(language, "en") || !is_known(language);
}

char *locale_time(const char *language, GTimeZone *zone, gint64 seconds)
{
	bool english = is_english(language);
	g_auto(Moment) moment = { 0 };
	if (!read_moment(&moment, english ? NULL : language, zone, seconds))
		return NULL;
	char *text = english ? NULL : other_time(&moment, language);
	return text != NULL ? text : english_time(&moment);
}

/* Returns count with its unit as ICU's number formatter writes it, or NULL. */
static char *format_count(const char *language, const char *skeleton, gint64 count)
{
	g_autofree char *name = icu_locale(language);
	g_autofree UChar *wanted = to_utf16(skeleton);
	if (name == NULL || wanted == NULL)
		return NULL;
	UErrorCode status = U_ZERO_ERROR;
	UNumberFormatter *formatter = unumf_openForSkeletonAndLocale(wanted, -1, name, &status);
	UFormattedNumber *result = unumf_openResult(&status);
	unumf_formatInt(formatter, count, result, &status);
	int32_t size = 0;
	const UChar *text = U_SUCCESS(status) ? ufmtval_getString(unumf_resultAsValue(result, &status), &size, &status) : NULL;
	char *utf8 = text != NULL && U_SUCCESS(status) ? from_utf16(text, (gsize)size) : NULL;
	if (utf8 == NULL)
		icu_failed("write durations", language, status);
	unumf_closeResult(result);
	unumf_close(formatter);
	return with_plain_spaces(utf8);
}

char *locale_span(const char *language, gint64 seconds)
{
	static const struct { gint64 size; const char *unit, *english; } units[] = {
		{ 86400, "day", "days" }, { 3600, "hour", "hours" }, { 60, "minute", "minutes" }, { 1, "second", "seconds" },
	};
	gsize at = 0;
	while (at + 1 < G_N_ELEMENTS(units) && (seconds % units[at].size != 0 || seconds <= units[at].size))
		at++;
	gint64 count = seconds / units[at].size;
	char *text = NULL;
	if (!is_english(language)) {
		g_autofree char *skeleton = g_strdup_printf("unit/%s unit-width-full-name group-off", units[at].unit);
		text = format_count(language, skeleton, count);
		char *space = text != NULL && form_of(language)->spaceless ? strchr(text, ' ') : NULL;
		if (space != NULL)
			memmove(space, space + 1, strlen(space));
	}
	return text != NULL ? text : g_strdup_printf("%" G_GINT64_FORMAT " %s", count, units[at].english);
}

char *locale_language_name(const char *language, const char *in)
{
	g_autofree char *primary = g_strndup(language, primary_length(language));
	g_autofree char *name = icu_locale(is_english(in) ? "en" : in);
	UErrorCode status = U_ZERO_ERROR;
	if (name == NULL)
		return g_steal_pointer(&primary);
	ULocaleDisplayNames *names = uldn_open(name, ULDN_STANDARD_NAMES, &status);
	int32_t size = U_SUCCESS(status) ? uldn_languageDisplayName(names, primary, NULL, 0, &status) : 0;
	g_autofree UChar *text = g_new0(UChar, size + 1);
	if (status == U_BUFFER_OVERFLOW_ERROR)
		status = U_ZERO_ERROR;
	if (U_SUCCESS(status))
		uldn_languageDisplayName(names, primary, text, size + 1, &status);
	char *utf8 = U_SUCCESS(status) && size > 0 ? from_utf16(text, (gsize)size) : NULL;
	uldn_close(names);
	return utf8 != NULL ? utf8 : g_steal_pointer(&primary);
}
