/* alarms: see alarms.h; the two stores keep it by themselves, and a spool does not. Layer: store. */
#include "store/alarms.h"

#include <string.h>

#include "base/error.h"
#include "base/log.h"
#include "store/backend.h"

#define TEXT_MAX 1024 /* bytes */
#define KIND_MAX 32
#define ID_MAX 64
#define DUTY_MAX 3600 /* seconds; as alarms.lua has it */

void stored_alarm_free(StoredAlarm *alarm)
{
	if (alarm == NULL)
		return;
	g_free(alarm->key);
	g_free(alarm->text);
	g_free(alarm->by);
	g_free(alarm);
}

/*     KEY = 1*32( a-z / "-" ) [ ":" 1*64( ALPHA / DIGIT / "_" / "-" ) ] */
bool alarm_key_valid(const char *key)
{
	gsize kind = key != NULL ? strspn(key, "abcdefghijklmnopqrstuvwxyz-") : 0, id;

	if (kind == 0 || kind > KIND_MAX)
		return false;
	if (key[kind] == '\0')
		return true;
	id = strspn(key + kind + 1, G_CSET_A_2_Z G_CSET_a_2_z G_CSET_DIGITS "_-");
	return key[kind] == ':' && id > 0 && id <= ID_MAX && key[kind + 1 + id] == '\0';
}

bool alarms_are_full(GError **error)
{
	g_set_error_literal(error, OUTAGE_ERROR, OUTAGE_ERROR_INVALID, "more alarms stand than there can be: what was not written by this "
	    "program under outage:alarms is to be removed");
	return false;
}

static bool check_key(const char *key, GError **error)
{
	g_autofree char *shown = NULL;

	if (alarm_key_valid(key))
		return true;
	shown = log_escape(key != NULL ? key : "", 64);
	g_set_error(error, OUTAGE_ERROR, OUTAGE_ERROR_INVALID, "\"%s\" names no alarm", shown);
	return false;
}

static bool check_text(const char *text, GError **error)
{
	bool ok = text != NULL && strlen(text) <= TEXT_MAX && g_utf8_validate(text, -1, NULL);

	for (const char *p = text; ok && *p != '\0'; p = g_utf8_next_char(p))
		ok = !g_unichar_iscntrl(g_utf8_get_char(p));
	if (!ok)
		g_set_error_literal(error, OUTAGE_ERROR, OUTAGE_ERROR_INVALID, "the text of an alarm is no line of at most 1 KB");
	return ok;
}

/* It stands in a record beside the text. */
static char *clean_by(const Store *store, const char *by)
{
	g_autofree char *valid = g_utf8_make_valid(by != NULL ? by : store->node, -1);

	for (char *p = valid; *p != '\0'; p++)
		if (g_ascii_iscntrl(*p))
			*p = ' ';
	return g_utf8_substring(valid, 0, MIN(g_utf8_strlen(valid, -1), 128));
}

static bool is_kept(bool there, GError **error)
{
	return store_keeps(there, "which alarms stand", error);
}

bool store_alarm_raise(Store *store, const char *key, const char *text, const char *by, gint64 repeat_seconds, AlarmTell *tell, GError **error)
{
	g_autofree char *who = clean_by(store, by);

	return is_kept(store->backend->alarm_raise != NULL, error) && check_key(key, error) && check_text(text, error) &&
	    store->backend->alarm_raise(store, key, text, who, MAX(repeat_seconds, 0), tell, error);
}

bool store_alarm_clear(Store *store, const char *key, const char *by, bool *was, gint64 *since, GError **error)
{
	g_autofree char *who = clean_by(store, by);
	gint64 ignored;

	return is_kept(store->backend->alarm_clear != NULL, error) && check_key(key, error) &&
	    store->backend->alarm_clear(store, key, who, was, since != NULL ? since : &ignored, error);
}

/* Of one second, by name. */
static int by_age(gconstpointer a, gconstpointer b)
{
	const StoredAlarm *one = *(StoredAlarm *const *)a, *other = *(StoredAlarm *const *)b;

	return one->since != other->since ? (one->since < other->since ? -1 : 1) : strcmp(one->key, other->key);
}

GPtrArray *store_alarms(Store *store, GError **error)
{
	GPtrArray *alarms = is_kept(store->backend->alarms != NULL, error) ? store->backend->alarms(store, error) : NULL;

	if (alarms != NULL)
		g_ptr_array_sort(alarms, by_age);
	return alarms;
}

bool store_alarm_duty(Store *store, gint64 seconds, bool *mine, GError **error)
{
	return is_kept(store->backend->alarm_duty != NULL, error) && store->backend->alarm_duty(store, CLAMP(seconds, 0, DUTY_MAX), mine, error);
}
