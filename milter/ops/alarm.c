/* alarm: the thread that looks, judges and tells (see alarm.h). Layer: ops.
 *
 * It has a store connection of its own, and a look of it takes as long as it takes: no mail and no letter waits for it. That an alarm is
 * told is noted in the store before it is done, so that of all processes one tells; one that dies just then leaves it to the next
 * repeat. */
#include "ops/alarm.h"

#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "ops/alarm-private.h"

#define LOOK_US (15 * G_USEC_PER_SEC)
#define TICK_US G_USEC_PER_SEC /* how often it is asked whether the store is heard, and whether anybody has done anything */
#define DUTY_SECONDS 45
#define NEWEST_EVENTS 10 /* that are looked at for news */
/* A failover, or a blip, is none. */
#define AWAY_SECONDS 5
/* What nobody has to act on within the hour is not told each hour. */
#define SLOW_REPEAT 86400
#define AWAY_KEY "store-away"

struct Alarms {
	GMutex lock;             /* guards what follows, up to standing */
	GCond wake;
	Config *config;
	bool changed;            /* config was swapped: the store, which keeps its own, is to be opened anew */
	bool stopping;
	bool own_stands;         /* store-away */
	GPtrArray *standing;     /* StoredAlarm *: by the last look */
	char *node;
	gint64 (*away)(gpointer data);
	gpointer data;
	GThread *thread;
	/* of the thread alone */
	Store *store;            /* NULL while away */
	Gatherer *gatherer;
	Teller *teller;
	gint64 looked_us, next_look; /* clock_mono_us */
	gint64 backoff_us;
	char *trouble;           /* what was said last of a failure, or NULL */
	char *newest;            /* newest_events before the last look */
	bool on_duty;
	bool declare_owed;       /* a surge was raised, and is not declared yet */
	gint64 own_since, own_told_us;
	char *own_owed;          /* the text of a store-away that is over, for the events; or NULL */
};

/* --- telling --- */

static gint64 repeat_of(const Config *config, AlarmKind kind)
{
	gint64 seconds = config->alarm_repeat / 1000;

	return kind == ALARM_POSTMORTEM_DUE ? MAX(seconds, SLOW_REPEAT) : seconds;
}

static void tell(Alarms *alarms, const Config *config, const char *key, const char *state, const char *text, gint64 since)
{
	AlarmNews news = { .key = key, .state = state, .text = text, .since = since };

	teller_tell(alarms->teller, config, &news);
}

static void tell_all_clear(Alarms *alarms, const Config *config, const char *key, const char *before, gint64 since)
{
	g_autofree char *lasted = clock_format_duration(MAX(clock_now() - since, 0) * 1000);
	const char *advice = strrchr(before, ';'); /* of what to do: nothing any more */
	int size = advice != NULL ? (int)(advice - before) : (int)strlen(before);
	g_autofree char *text = g_strdup_printf("over after %s: %.*s", lasted, size, before);

	tell(alarms, config, key, "cleared", text, since);
}

/* --- this process's own store --- */

static void set_own(Alarms *alarms, bool stands)
{
	g_mutex_lock(&alarms->lock);
	alarms->own_stands = stands;
	g_mutex_unlock(&alarms->lock);
}

static char *own_text(const Alarms *alarms)
{
	g_autofree char *since = clock_format(alarms->own_since);

	return g_strdup_printf("%s has not heard the store since %s; mail passes, and what is known is from before; see that the store runs and can be "
	    "reached (outagectl status)", alarms->node, since);
}

/* What of it is in the events is written when the store is there again. */
static void look_at_own(Alarms *alarms, const Config *config, gint64 seconds)
{
	g_autofree char *text = NULL;
	bool again = alarms->own_stands && clock_mono_us() - alarms->own_told_us >= config->alarm_repeat * 1000;

	if (seconds < AWAY_SECONDS && !alarms->own_stands)
		return;
	if (seconds >= AWAY_SECONDS && !alarms->own_stands)
		alarms->own_since = clock_now() - seconds;
	text = own_text(alarms);
	if (seconds >= AWAY_SECONDS && (!alarms->own_stands || again)) {
		tell(alarms, config, AWAY_KEY, alarms->own_stands ? "repeated" : "raised", text, alarms->own_since);
		alarms->own_told_us = clock_mono_us();
		set_own(alarms, true);
	} else if (seconds == 0 && alarms->own_stands) {
		tell_all_clear(alarms, config, AWAY_KEY, text, alarms->own_since);
		set_own(alarms, false);
		g_free(alarms->own_owed);
		alarms->own_owed = g_steal_pointer(&text);
		/* What has come to stand meanwhile need not wait longer. */
		alarms->next_look = 0;
	}
}

/* Returns false where the store was lost. */
static bool write_owed(Alarms *alarms, GError **error)
{
	GError *inner = NULL;

	if (alarms->own_owed == NULL)
		return true;
	if (!store_add_event(alarms->store, "all-clear", AWAY_KEY, alarms->node, alarms->own_owed, &inner) && store_is_lost(alarms->store)) {
		g_propagate_error(error, inner);
		return false;
	}
	g_clear_error(&inner);
	g_clear_pointer(&alarms->own_owed, g_free);
	return true;
}

/* --- a surge that nobody has declared --- */

/* Nobody's word is overruled: neither one that stands, nor one that has ended an incident lately. */
static bool may_declare(const Config *config, const Snapshot *snapshot, gint64 now)
{
	const Incident *incident = snapshot_find(snapshot, "default");
	gint64 ended = incident != NULL ? MAX(incident->state.resolved_at, incident->state.ended_at) : 0;

	return alarm_is_quiet(config, snapshot, now) && !snapshot->store_empty && (ended == 0 || now - ended >= config->reopen_within / 1000);
}

/* before: the incidents as the surge was judged. */
static bool declare_surge(Alarms *alarms, const Config *config, const Snapshot *before, GError **error)
{
	static const Word words[] = { [SURGE_DECLARE_P1] = WORD_P1, [SURGE_DECLARE_P2] = WORD_P2, [SURGE_DECLARE_P3] = WORD_P3 };
	g_autoptr(Snapshot) snapshot = NULL;
	g_autofree char *by = NULL;
	const Incident *seen;
	bool done;
	Word word;

	if (config->surge_declare == SURGE_ONLY_ALARM) {
		alarms->declare_owed = false;
		return true;
	}
	word = words[config->surge_declare];
	/* What was true when the surge was judged may be a second old. */
	snapshot = store_snapshot(alarms->store, before, error);
	if (snapshot == NULL)
		return false;
	alarms->declare_owed = false;
	if (!may_declare(config, snapshot, clock_now())) {
		log_info("the surge is not declared: somebody has declared or ended an incident lately");
		return true;
	}
	by = g_strdup_printf("%s (surge)", alarms->node);
	seen = snapshot_find(snapshot, "default");
	if (!store_set_word_unmoved(alarms->store, "default", word, seen != NULL ? &seen->state : NULL, by, &done, error)) {
		alarms->declare_owed = true;
		return false;
	}
	if (!done) {
		log_info("the surge is not declared: somebody has just said what is on");
		return true;
	}
	log_event("surge-declared", "incident", "default", "word", word_name(word), "by", by, NULL);
	return true;
}

/* --- a look --- */

static gint64 since_of(const GPtrArray *standing, const char *key)
{
	for (guint i = 0; i < standing->len; i++)
		if (strcmp(((const StoredAlarm *)g_ptr_array_index(standing, i))->key, key) == 0)
			return ((const StoredAlarm *)g_ptr_array_index(standing, i))->since;
	return clock_now();
}

static bool raise_alarm(Alarms *alarms, const AlarmFacts *facts, const Alarm *alarm, GError **error)
{
	const Config *config = facts->config;
	g_autofree char *key = alarm_key(alarm);
	AlarmTell news = ALARM_QUIET;

	if (!store_alarm_raise(alarms->store, key, alarm->text, alarms->node, repeat_of(config, alarm->kind), &news, error))
		return false;
	if (news != ALARM_QUIET)
		tell(alarms, config, key, news == ALARM_RAISED ? "raised" : "repeated", alarm->text, since_of(facts->standing, key));
	alarms->declare_owed |= alarm->kind == ALARM_SURGE && news == ALARM_RAISED;
	return alarm->kind != ALARM_SURGE || !alarms->declare_owed || declare_surge(alarms, config, facts->snapshot, error);
}

static bool is_among(const GPtrArray *judged, const char *key)
{
	for (guint i = 0; i < judged->len; i++) {
		g_autofree char *other = alarm_key(judged->pdata[i]);

		if (strcmp(key, other) == 0)
			return true;
	}
	return false;
}

static bool clear_rest(Alarms *alarms, const Config *config, const GPtrArray *judged, const bool unknown[ALARMS], const GPtrArray *standing,
    GError **error)
{
	for (guint i = 0; i < standing->len; i++) {
		const StoredAlarm *stored = g_ptr_array_index(standing, i);
		AlarmKind kind = alarm_kind_of(stored->key);
		bool was = false;

		/* One of a kind that this program does not know is a newer program's. */
		if (kind == ALARMS || unknown[kind] || is_among(judged, stored->key))
			continue;
		if (!store_alarm_clear(alarms->store, stored->key, alarms->node, &was, NULL, error))
			return false;
		if (was)
			tell_all_clear(alarms, config, stored->key, stored->text, stored->since);
		alarms->declare_owed &= kind != ALARM_SURGE;
	}
	return true;
}

/* Sooner than LOOK_US where an alarm comes, or is to be told again, by time alone. */
static void plan_next(Alarms *alarms, const Config *config, gint64 next, const GPtrArray *standing)
{
	gint64 now = clock_now(), left;

	for (guint i = 0; i < standing->len; i++) {
		const StoredAlarm *stored = g_ptr_array_index(standing, i);
		gint64 again = stored->told_at + repeat_of(config, alarm_kind_of(stored->key));

		if (again > now && (next == 0 || again < next))
			next = again;
	}
	left = next != 0 ? MAX(next - now, 1) * G_USEC_PER_SEC : LOOK_US;
	alarms->next_look = MIN(alarms->next_look, alarms->looked_us + left);
}

static bool judge_all(Alarms *alarms, const Config *config, GPtrArray **standing, GError **error)
{
	bool unknown[ALARMS];
	g_autoptr(GPtrArray) judged = NULL;
	AlarmFacts facts;
	gint64 next;

	if (!gatherer_look(alarms->gatherer, alarms->store, config, *standing, &facts, error))
		return false;
	judged = alarm_judge(&facts, unknown, &next);
	for (guint i = 0; i < judged->len; i++)
		if (!raise_alarm(alarms, &facts, judged->pdata[i], error))
			return false;
	if (!clear_rest(alarms, config, judged, unknown, *standing, error))
		return false;
	g_ptr_array_unref(*standing);
	*standing = store_alarms(alarms->store, error);
	if (*standing == NULL)
		return false;
	plan_next(alarms, config, next, *standing);
	return true;
}

/* For alarms_metrics. Takes standing over. */
static void publish(Alarms *alarms, GPtrArray *standing)
{
	g_mutex_lock(&alarms->lock);
	g_clear_pointer(&alarms->standing, g_ptr_array_unref);
	alarms->standing = standing;
	g_mutex_unlock(&alarms->lock);
}

static bool have_store(Alarms *alarms, const Config *config, GError **error)
{
	if (alarms->store != NULL)
		return true;
	alarms->store = store_open(config, alarms->node, error);
	if (alarms->store != NULL)
		gatherer_join(alarms->gatherer);
	return alarms->store != NULL;
}

static bool take_look(Alarms *alarms, const Config *config, GError **error)
{
	GPtrArray *standing;
	bool ok;

	if (!have_store(alarms, config, error) || !store_alarm_duty(alarms->store, DUTY_SECONDS, &alarms->on_duty, error) || !write_owed(alarms, error))
		return false;
	standing = store_alarms(alarms->store, error);
	if (standing == NULL)
		return false;
	ok = !alarms->on_duty || judge_all(alarms, config, &standing, error);
	if (standing != NULL)
		publish(alarms, standing);
	return ok;
}

/* A store that is lost is opened again after a while that grows and is never the same twice; one that has only said no (a key of a wrong
 * type) is asked again at the next look. */
static void note_trouble(Alarms *alarms, const GError *error)
{
	if (g_strcmp0(alarms->trouble, error->message) != 0)
		log_warning("alarms: %s", error->message);
	g_free(alarms->trouble);
	alarms->trouble = g_strdup(error->message);
	if (alarms->store != NULL && !store_is_lost(alarms->store))
		return;
	g_clear_pointer(&alarms->store, store_close);
	alarms->backoff_us = CLAMP(alarms->backoff_us * 2, G_USEC_PER_SEC / 2, 4 * G_USEC_PER_SEC);
	alarms->next_look = clock_mono_us() + alarms->backoff_us + g_random_int_range(0, 100000);
}

/* What tells the newest events from those before: several, for the same may be done twice within a second. NULL where they cannot be read
 * or there is none. Caller frees. */
static char *newest_events(Store *store)
{
	g_autoptr(GPtrArray) events = store_events(store, NEWEST_EVENTS, NULL);
	g_autoptr(GString) text = g_string_new(NULL);

	for (guint i = 0; events != NULL && i < events->len; i++) {
		const StoreEvent *event = events->pdata[i];

		g_string_append_printf(text, "%" G_GINT64_FORMAT "\n%s\n%s\n%s\n%s\n", event->at, event->what, event->name != NULL ? event->name : "",
		    event->by != NULL ? event->by : "", event->detail != NULL ? event->detail : "");
	}
	return text->len > 0 ? g_string_free(g_steal_pointer(&text), FALSE) : NULL;
}

static void look(Alarms *alarms, const Config *config)
{
	g_autoptr(GError) error = NULL;

	alarms->looked_us = clock_mono_us();
	alarms->next_look = alarms->looked_us + LOOK_US;
	/* Before: what comes while we look is news. What the look itself leaves is too, and costs one more. */
	g_free(alarms->newest);
	alarms->newest = alarms->store != NULL ? newest_events(alarms->store) : NULL;
	if (!take_look(alarms, config, &error)) {
		note_trouble(alarms, error);
		return;
	}
	alarms->backoff_us = 0;
	g_clear_pointer(&alarms->trouble, g_free);
}

/* --- the thread --- */

/* Returns a reference to the configuration in force, and closes the store that was opened under another one. */
static Config *take_config(Alarms *alarms)
{
	Config *config;
	bool changed;

	g_mutex_lock(&alarms->lock);
	config = config_ref(alarms->config);
	changed = alarms->changed;
	alarms->changed = false;
	g_mutex_unlock(&alarms->lock);
	if (changed) {
		g_clear_pointer(&alarms->store, store_close);
		alarms->next_look = 0;
	}
	return config;
}

/* Waits until the next look or tick is due. Returns false where it is time to stop. */
static bool wait_a_while(Alarms *alarms)
{
	gint64 until = MIN(alarms->next_look, clock_mono_us() + TICK_US);
	bool stopping;

	g_mutex_lock(&alarms->lock);
	while (!alarms->stopping && !alarms->changed && g_cond_wait_until(&alarms->wake, &alarms->lock, until))
		;
	stopping = alarms->stopping;
	g_mutex_unlock(&alarms->lock);
	return !stopping;
}

/* Whether somebody has declared, updated, ended or changed anything since the last look: each leaves an event. */
static bool has_news(Alarms *alarms)
{
	g_autofree char *newest = NULL;

	if (!alarms->on_duty || alarms->store == NULL || alarms->backoff_us != 0)
		return false;
	newest = newest_events(alarms->store);
	return newest != NULL && g_strcmp0(newest, alarms->newest) != 0;
}

static gpointer keep_looking(gpointer data)
{
	Alarms *alarms = data;
	bool ignored;

	do {
		g_autoptr(Config) config = take_config(alarms);

		look_at_own(alarms, config, alarms->away(alarms->data));
		if (clock_mono_us() >= alarms->next_look || has_news(alarms))
			look(alarms, config);
	} while (wait_a_while(alarms));
	/* Another process need not wait for ours to have been silent for long. */
	if (alarms->on_duty && alarms->store != NULL && !store_is_lost(alarms->store))
		(void)store_alarm_duty(alarms->store, 0, &ignored, NULL);
	return NULL;
}

Alarms *alarms_start(Config *config, const char *node, gint64 (*away)(gpointer data), gpointer data)
{
	Alarms *alarms = g_new0(Alarms, 1);

	g_mutex_init(&alarms->lock);
	g_cond_init(&alarms->wake);
	alarms->config = config_ref(config);
	alarms->node = g_strdup(node);
	alarms->away = away;
	alarms->data = data;
	alarms->gatherer = gatherer_new();
	alarms->teller = teller_new(node);
	alarms->thread = g_thread_new("alarms", keep_looking, alarms);
	return alarms;
}

void alarms_stop(Alarms *alarms)
{
	if (alarms == NULL)
		return;
	g_mutex_lock(&alarms->lock);
	alarms->stopping = true;
	g_cond_broadcast(&alarms->wake);
	g_mutex_unlock(&alarms->lock);
	(void)g_thread_join(alarms->thread);
	teller_free(alarms->teller);
	gatherer_free(alarms->gatherer);
	store_close(alarms->store);
	g_clear_pointer(&alarms->standing, g_ptr_array_unref);
	config_unref(alarms->config);
	g_mutex_clear(&alarms->lock);
	g_cond_clear(&alarms->wake);
	g_free(alarms->trouble);
	g_free(alarms->newest);
	g_free(alarms->own_owed);
	g_free(alarms->node);
	g_free(alarms);
}

void alarms_reconfigure(Alarms *alarms, Config *config)
{
	g_mutex_lock(&alarms->lock);
	config_unref(alarms->config);
	alarms->config = config_ref(config);
	alarms->changed = true;
	g_cond_broadcast(&alarms->wake);
	g_mutex_unlock(&alarms->lock);
}

void alarms_metrics(Alarms *alarms, MetricsPage *page)
{
	/* Two ids of one name (the older about to be cleared) are one figure. */
	g_autoptr(GHashTable) written = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);

	metrics_family(page, "alarm", METRIC_GAUGE, "1 for each alarm that stands, by the last look of this process.");
	g_mutex_lock(&alarms->lock);
	if (alarms->own_stands)
		metrics_sample(page, 1, "alarm", AWAY_KEY, "incident", "", NULL);
	for (guint i = 0; alarms->standing != NULL && i < alarms->standing->len; i++) {
		const char *key = ((const StoredAlarm *)g_ptr_array_index(alarms->standing, i))->key, *id, *incident;
		g_autofree char *kind = g_strndup(key, strcspn(key, ":"));

		alarm_key_parts(key, &id, &incident);
		if (g_hash_table_add(written, g_strconcat(kind, ":", incident, NULL)))
			metrics_sample(page, 1, "alarm", kind, "incident", incident != NULL ? incident : "", NULL);
	}
	g_mutex_unlock(&alarms->lock);
}
