/* settings-value: from the text of a setting to its place in the struct, numbers here, texts in settings-text.c; defaults,
 * comparison and freeing by table. Layer: config. */
#include "config/settings.h"

#include <math.h>
#include <string.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/log.h"

static const FormInfo forms[FORMS] = {
	[FORM_BOOL] = { "boolean", "true or false", TAKES_BOOL },
	[FORM_WHEN] = { "boolean", "true or false", TAKES_BOOL },
	[FORM_INTEGER] = { "integer", "a whole number", TAKES_INTEGER },
	[FORM_SIZE] = { "size", "a size such as \"256K\"", TAKES_INTEGER | TAKES_STRING },
	[FORM_DURATION] = { "duration", "a duration in quotes such as \"30s\" or \"1h30m\"", TAKES_INTEGER | TAKES_STRING },
	[FORM_SECONDS] = { "duration", "a duration in quotes such as \"30s\" or \"1h30m\"", TAKES_INTEGER | TAKES_STRING },
	[FORM_FLOAT] = { "number", "a number such as 5.0", TAKES_INTEGER | TAKES_FLOAT },
	[FORM_CHOICE] = { "word", "a word in quotes", TAKES_STRING },
	[FORM_MODE] = { "permissions", "octal permissions in quotes such as \"0660\"", TAKES_STRING },
	[FORM_WORD] = { "word", "a word in quotes", TAKES_STRING },
	[FORM_TEXT] = { "text", "a text in quotes", TAKES_STRING },
	[FORM_LINES] = { "text", "a text in quotes", TAKES_STRING },
	[FORM_PATH] = { "path", "a path in quotes", TAKES_STRING },
	[FORM_ABSOLUTE_PATH] = { "path", "an absolute path in quotes", TAKES_STRING },
	[FORM_USER] = { "name", "a user or group name in quotes", TAKES_STRING },
	[FORM_ADDRESS] = { "address", "a mail address in quotes", TAKES_STRING },
	[FORM_KEY_ADDRESS] = { "address", "a mail address in quotes", TAKES_STRING },
	[FORM_SENDER] = { "address or @domain", "a mail address or \"@domain\" in quotes", TAKES_STRING },
	[FORM_DOMAIN] = { "domain", "a domain in quotes", TAKES_STRING },
	[FORM_HELO] = { "host", "a host name or address literal in quotes", TAKES_STRING },
	[FORM_HOST] = { "network", "an IP address or network in quotes such as \"192.0.2.0/24\"", TAKES_STRING },
	[FORM_HTTPS] = { "URL", "an https URL in quotes", TAKES_STRING },
	[FORM_RELAY] = { "URL", "an SMTP URL in quotes such as \"smtp://127.0.0.1:25\"", TAKES_STRING },
	[FORM_NAMESERVER] = { "address", "an IP address in quotes such as \"192.0.2.53\" or \"127.0.0.1:5353\"", TAKES_STRING },
	[FORM_LISTEN] = { "address", "an IP address and port in quotes such as \"127.0.0.1:9465\"", TAKES_STRING },
	[FORM_BOUNCE] = { "address", "a mail address in quotes", TAKES_STRING },
	[FORM_STORE_URL] = { "URL", "the URL of a store in quotes", TAKES_STRING },
	[FORM_STORE_PREFIX] = { "text", "a key prefix in quotes", TAKES_STRING },
	[FORM_SOCKET] = { "socket", "a socket in quotes such as \"unix:/PATH\" or \"inet:PORT@HOST\"", TAKES_STRING },
	[FORM_HEADER] = { "header name", "a header name in quotes", TAKES_STRING },
	[FORM_SET_HEADER] = { "header name", "a header name in quotes", TAKES_STRING },
	[FORM_HEADER_PREFIX] = { "header prefix", "the beginning of a header name in quotes", TAKES_STRING },
	[FORM_AUTHSERV] = { "authserv-id", "an authserv-id in quotes", TAKES_STRING },
	[FORM_LIST_ID] = { "list id", "a List-Id in quotes", TAKES_STRING },
	[FORM_LANGUAGE] = { "language", "a language tag in quotes such as \"en\"", TAKES_STRING },
	[FORM_TIMEZONE] = { "time zone", "a time zone in quotes such as \"Europe/Berlin\"", TAKES_STRING },
	[FORM_TEMPLATE] = { "template name", "a template name in quotes", TAKES_STRING },
	[FORM_TOKEN] = { "word", "a word in quotes", TAKES_STRING },
	[FORM_INCIDENT] = { "incident name", "an incident name in quotes", TAKES_STRING },
	[FORM_GROUPS] = { "list of groups", "a list ( ... )", 0 },
};

const FormInfo *form_info(Form form)
{
	return &forms[form];
}

static bool fail_wanted(const Setting *setting, const char *text, GError **error)
{
	g_autofree char *shown = log_escape(text, 120);

	if (setting->choices != NULL) {
		g_autofree char *words = g_strjoinv(", ", (char **)setting->choices);
		g_set_error(error, OUTAGE_ERROR, OUTAGE_ERROR_INVALID, "\"%s\" is none of %s", shown, words);
	} else {
		g_set_error(error, OUTAGE_ERROR, OUTAGE_ERROR_INVALID, "\"%s\" is not %s", shown, form_info(setting->form)->wanted);
	}
	return false;
}

/* size = 1*DIGIT [ "K" / "M" / "G" ]          in units of 1024 */
static bool parse_size(const char *text, gint64 *bytes)
{
	static const char units[] = "KMG";
	char *end = NULL;
	const char *unit;
	guint64 value;
	guint shift = 0;

	if (!g_ascii_isdigit(text[0]))
		return false;
	value = g_ascii_strtoull(text, &end, 10);
	if (*end != '\0') {
		unit = strchr(units, g_ascii_toupper(*end));
		if (unit == NULL || end[1] != '\0')
			return false;
		shift = 10 * (guint)(unit - units + 1);
	}
	if (value > (guint64)G_MAXINT64 >> shift)
		return false;
	*bytes = (gint64)(value << shift);
	return true;
}

static bool parse_octal(const char *text, gint64 *mode)
{
	if (text[0] == '\0' || strlen(text) > 5 || strspn(text, "01234567") != strlen(text))
		return false;
	*mode = (gint64)g_ascii_strtoull(text, NULL, 8);
	return true;
}

/* Reads text as an integer in the struct's unit, for all forms that are kept as gint64. */
static bool parse_integer(Form form, const char *text, gint64 *value)
{
	char *end = NULL;

	switch (form) {
	case FORM_SIZE:
		return parse_size(text, value);
	case FORM_MODE:
		return parse_octal(text, value);
	case FORM_DURATION:
		return clock_parse_duration(text, value);
	case FORM_SECONDS:
		if (!clock_parse_duration(text, value) || *value % 1000 != 0)
			return false;
		*value /= 1000;
		return true;
	default:
		*value = g_ascii_strtoll(text, &end, 10);
		return end != text && *end == '\0';
	}
}

static bool in_range(const Setting *setting, double value, const char *text, GError **error)
{
	g_autofree char *range = setting_range(setting);

	if (range == NULL || (value >= setting->min && value <= setting->max))
		return true;
	g_set_error(error, OUTAGE_ERROR, OUTAGE_ERROR_INVALID, "%s is out of range (%s)", text, range);
	return false;
}

static bool set_choice(const Setting *setting, int *place, const char *text)
{
	for (int i = 0; setting->choices[i] != NULL; i++)
		if (strcmp(setting->choices[i], text) == 0) {
			*place = i;
			return true;
		}
	return false;
}

static bool set_bool(const Setting *setting, gpointer place, const char *text)
{
	bool yes = strcmp(text, "true") == 0;

	if (!yes && strcmp(text, "false") != 0)
		return false;
	if (setting->form == FORM_BOOL)
		*(bool *)place = yes;
	else
		*(When *)place = yes ? WHEN_YES : WHEN_NO;
	return true;
}

bool setting_set_number(const Setting *setting, gpointer base, const char *text, GError **error)
{
	gpointer place = (char *)base + setting->offset;
	gint64 integer = 0;
	double number;
	char *end = NULL;

	switch (setting->form) {
	case FORM_BOOL:
	case FORM_WHEN:
		return set_bool(setting, place, text) || fail_wanted(setting, text, error);
	case FORM_CHOICE:
		return set_choice(setting, place, text) || fail_wanted(setting, text, error);
	case FORM_FLOAT:
		number = g_ascii_strtod(text, &end);
		if (end == text || *end != '\0' || !isfinite(number))
			return fail_wanted(setting, text, error);
		if (!in_range(setting, number, text, error))
			return false;
		*(double *)place = number;
		return true;
	default:
		if (!parse_integer(setting->form, text, &integer))
			return fail_wanted(setting, text, error);
		if (!in_range(setting, (double)integer, text, error))
			return false;
		*(gint64 *)place = integer;
		return true;
	}
}

void setting_set_text(const Setting *setting, gpointer base, char *value)
{
	char **place = (char **)((char *)base + setting->offset);

	if (setting->standard == NULL && value != NULL && value[0] == '\0')
		g_clear_pointer(&value, g_free);
	g_free(*place);
	*place = value;
}

void setting_set_list(const Setting *setting, gpointer base, char **value)
{
	char ***place = (char ***)((char *)base + setting->offset);

	g_strfreev(*place);
	*place = value;
}

/* A default that its own form refuses is a mistake in the table, which the unit test would find. */
static void set_default(const Setting *setting, gpointer base, const char *dir)
{
	g_autoptr(GError) error = NULL;

	if (setting->form == FORM_GROUPS)
		return;
	if (setting->list) {
		char **texts = g_strsplit(setting->standard != NULL ? setting->standard : "", ", ", -1);
		for (char **text = texts; *text != NULL && error == NULL; text++) {
			char *normal = setting_normal_text(setting, *text, dir, &error);
			if (normal != NULL) {
				g_free(*text);
				*text = normal;
			}
		}
		setting_set_list(setting, base, texts);
	} else if (setting->standard == NULL) {
		return;
	} else if (form_is_text(setting->form)) {
		setting_set_text(setting, base, setting_normal_text(setting, setting->standard, dir, &error));
	} else {
		setting_set_number(setting, base, setting->standard, &error);
	}
	if (error != NULL)
		log_bug("default of %s: %s", setting->name, error->message);
}

void settings_set_defaults(const SettingTable *table, gpointer base, const char *dir)
{
	for (gsize i = 0; i < table->count; i++)
		set_default(&table->rows[i], base, dir);
}

void settings_clear(const SettingTable *table, gpointer base)
{
	for (gsize i = 0; i < table->count; i++) {
		const Setting *setting = &table->rows[i];
		if (!form_is_text(setting->form))
			continue;
		if (setting->list)
			setting_set_list(setting, base, NULL);
		else
			setting_set_text(setting, base, NULL);
	}
}

bool setting_equal(const Setting *setting, gconstpointer one, gconstpointer other)
{
	const char *a = (const char *)one + setting->offset, *b = (const char *)other + setting->offset;

	if (setting->list)
		return g_strv_equal(*(const char *const *const *)a, *(const char *const *const *)b);
	if (form_is_text(setting->form))
		return g_strcmp0(*(char *const *)a, *(char *const *)b) == 0;
	switch (setting->form) {
	case FORM_BOOL:
		return *(const bool *)a == *(const bool *)b;
	case FORM_WHEN:
		return *(const When *)a == *(const When *)b;
	case FORM_CHOICE:
		return *(const int *)a == *(const int *)b;
	case FORM_FLOAT:
		return memcmp(a, b, sizeof(double)) == 0;
	case FORM_GROUPS:
		return true; /* lists of groups are always taken over on reload */
	default:
		return *(const gint64 *)a == *(const gint64 *)b;
	}
}

void setting_copy(const Setting *setting, gconstpointer from, gpointer to)
{
	gconstpointer source = (const char *)from + setting->offset;
	gpointer place = (char *)to + setting->offset;

	if (setting->list) {
		setting_set_list(setting, to, g_strdupv(*(char ***)source));
		return;
	}
	if (form_is_text(setting->form)) {
		setting_set_text(setting, to, g_strdup(*(char *const *)source));
		return;
	}
	switch (setting->form) {
	case FORM_BOOL:
		*(bool *)place = *(const bool *)source;
		break;
	case FORM_WHEN:
		*(When *)place = *(const When *)source;
		break;
	case FORM_CHOICE:
		*(int *)place = *(const int *)source;
		break;
	case FORM_FLOAT:
		*(double *)place = *(const double *)source;
		break;
	case FORM_GROUPS:
		log_bug("setting %s cannot be copied", setting->name);
		break;
	default:
		*(gint64 *)place = *(const gint64 *)source;
	}
}

char *setting_format(const Setting *setting, double value)
{
	gint64 integer = (gint64)value;

	switch (setting->form) {
	case FORM_DURATION:
		return clock_format_duration(integer);
	case FORM_SECONDS:
		return clock_format_duration(integer * 1000);
	case FORM_SIZE:
		if (integer != 0 && integer % (1 << 20) == 0)
			return g_strdup_printf("%" G_GINT64_FORMAT "M", integer >> 20);
		if (integer != 0 && integer % (1 << 10) == 0)
			return g_strdup_printf("%" G_GINT64_FORMAT "K", integer >> 10);
		return g_strdup_printf("%" G_GINT64_FORMAT, integer);
	case FORM_MODE:
		return g_strdup_printf("%#" G_GINT64_MODIFIER "o", (guint64)integer);
	case FORM_FLOAT:
		return g_strdup_printf("%g", value);
	default:
		return g_strdup_printf("%" G_GINT64_FORMAT, integer);
	}
}

char *setting_range(const Setting *setting)
{
	g_autofree char *low = NULL, *high = NULL;

	if (!(setting->max > setting->min))
		return NULL;
	low = setting_format(setting, setting->min);
	high = setting_format(setting, setting->max);
	return g_strdup_printf("%s to %s", low, high);
}
