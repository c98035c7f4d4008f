/* clock: reads and writes times and durations (see clock.h). Layer: base. */
#include "base/clock.h"

#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

static _Atomic gint64 test_offset; /* seconds; 0 but in tests */

gint64 clock_now(void)
{
	return g_get_real_time() / G_USEC_PER_SEC + test_offset;
}

void clock_set_for_test(gint64 offset_seconds)
{
	test_offset = offset_seconds;
}

gint64 clock_mono_us(void)
{
	return g_get_monotonic_time();
}

/* Reads exactly count digits at *p; returns -1 where there are fewer. */
static int digits(const char **p, int count)
{
	int value = 0;

	for (int i = 0; i < count; i++) {
		if (!g_ascii_isdigit((*p)[i]))
			return -1;
		value = value * 10 + ((*p)[i] - '0');
	}
	*p += count;
	return value;
}

static bool literal(const char **p, char c)
{
	if (**p != c)
		return false;
	(*p)++;
	return true;
}

/* Seconds of a civil date and time in UTC; false where the date does not exist. */
static bool civil(int year, int month, int day, int hour, int minute, int second, gint64 *seconds)
{
	g_autoptr(GDateTime) time = NULL;

	if (year < 1970 || hour > 23 || minute > 59 || second > 60)
		return false;
	/* A leap second is the same instant as the second after it, as POSIX counts. */
	time = g_date_time_new_utc(year, month, day, hour, minute, second == 60 ? 59 : second);
	if (time == NULL)
		return false;
	*seconds = g_date_time_to_unix(time) + (second == 60 ? 1 : 0);
	return true;
}

/* RFC 3339 section 5.6:
 *
 *     date-time   = full-date ("T" / "t" / " ") full-time
 *     full-time   = HH ":" MM ":" SS [ "." 1*DIGIT ] ( "Z" / "z" / ( "+" / "-" ) HH ":" MM )
 */
bool clock_parse(const char *text, gint64 *seconds)
{
	g_autofree char *copy = text != NULL ? g_strstrip(g_strdup(text)) : NULL;
	const char *p = copy;
	int year, month, day, hour, minute, second, sign = 0, offset_hour = 0, offset_minute = 0;
	gint64 result;

	if (p == NULL)
		return false;
	if ((year = digits(&p, 4)) < 0 || !literal(&p, '-') || (month = digits(&p, 2)) < 0 || !literal(&p, '-') ||
	    (day = digits(&p, 2)) < 0)
		return false;
	if (*p != 'T' && *p != 't' && *p != ' ')
		return false;
	p++;
	if ((hour = digits(&p, 2)) < 0 || !literal(&p, ':') || (minute = digits(&p, 2)) < 0 || !literal(&p, ':') ||
	    (second = digits(&p, 2)) < 0)
		return false;
	if (literal(&p, '.')) {
		if (!g_ascii_isdigit(*p))
			return false;
		while (g_ascii_isdigit(*p))
			p++;
	}
	if (*p == '+' || *p == '-') {
		sign = *p++ == '+' ? 1 : -1;
		if ((offset_hour = digits(&p, 2)) < 0 || !literal(&p, ':') || (offset_minute = digits(&p, 2)) < 0 ||
		    offset_hour > 23 || offset_minute > 59)
			return false;
	} else if (*p == 'Z' || *p == 'z') {
		p++;
	} else {
		return false;
	}
	if (*p != '\0' || !civil(year, month, day, hour, minute, second, &result))
		return false;
	*seconds = result - sign * (offset_hour * 3600 + offset_minute * 60);
	return true;
}

static char *format_utc(gint64 seconds, const char *pattern)
{
	g_autoptr(GDateTime) time = g_date_time_new_from_unix_utc(seconds);

	/* Beyond year 9999 GLib has no date; nothing here can name one. */
	if (time == NULL)
		time = g_date_time_new_from_unix_utc(0);
	return g_date_time_format(time, pattern);
}

char *clock_format(gint64 seconds)
{
	return format_utc(seconds, "%Y-%m-%dT%H:%M:%SZ");
}

char *clock_format_compact(gint64 seconds)
{
	return format_utc(seconds, "%Y%m%dT%H%M%SZ");
}

bool clock_parse_compact(const char *text, gint64 *seconds)
{
	const char *p = text;
	int year, month, day, hour, minute, second;

	if (p == NULL || (year = digits(&p, 4)) < 0 || (month = digits(&p, 2)) < 0 || (day = digits(&p, 2)) < 0 ||
	    !literal(&p, 'T') || (hour = digits(&p, 2)) < 0 || (minute = digits(&p, 2)) < 0 || (second = digits(&p, 2)) < 0 ||
	    !literal(&p, 'Z'))
		return false;
	return civil(year, month, day, hour, minute, second, seconds);
}

static const struct {
	const char *name;
	gint64 milliseconds;
} units[] = {
	{ "w", G_GINT64_CONSTANT(604800000) }, { "d", 86400000 }, { "h", 3600000 }, { "ms", 1 }, { "m", 60000 }, { "s", 1000 },
};

/*     duration = "0" / 1*( 1*DIGIT unit )      unit = "w" / "d" / "h" / "m" / "s" / "ms" */
bool clock_parse_duration(const char *text, gint64 *milliseconds)
{
	g_autofree char *copy = text != NULL ? g_strstrip(g_strdup(text)) : NULL;
	const char *p = copy;
	gint64 sum = 0;

	if (p == NULL || *p == '\0')
		return false;
	if (strcmp(p, "0") == 0) {
		*milliseconds = 0;
		return true;
	}
	while (*p != '\0') {
		char *end = NULL;
		guint64 number;
		gsize unit;

		if (!g_ascii_isdigit(*p))
			return false;
		number = g_ascii_strtoull(p, &end, 10);
		p = end;
		for (unit = 0; unit < G_N_ELEMENTS(units) && !g_str_has_prefix(p, units[unit].name); unit++)
			;
		/* 100 years is more than anybody means, and far from overflow. */
		if (unit == G_N_ELEMENTS(units) || number > G_GUINT64_CONSTANT(3155760000000) / (guint64)units[unit].milliseconds)
			return false;
		p += strlen(units[unit].name);
		sum += (gint64)number * units[unit].milliseconds;
		if (sum > G_GINT64_CONSTANT(3155760000000))
			return false;
	}
	*milliseconds = sum;
	return true;
}

char *clock_format_duration(gint64 milliseconds)
{
	static const gsize order[] = { 1, 2, 4, 5, 3 }; /* d h m s ms */
	GString *out = g_string_new(milliseconds < 0 ? "-" : NULL);
	gint64 rest = ABS(milliseconds);

	for (gsize i = 0; i < G_N_ELEMENTS(order); i++) {
		gint64 unit = units[order[i]].milliseconds;

		if (rest >= unit)
			g_string_append_printf(out, "%" G_GINT64_FORMAT "%s", rest / unit, units[order[i]].name);
		rest %= unit;
	}
	if (milliseconds == 0)
		g_string_assign(out, "0");
	return g_string_free(out, FALSE);
}
