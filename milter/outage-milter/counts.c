/* counts: see counts.h. This half adds up; counts-write.c writes. Layer: program. */
#include "outage-milter/counts.h"

#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "incident/incident.h"
#include "outage-milter/counts-private.h"

#define LANGUAGE_MAX 3

static StatsAnswer *answer_new(const GPtrArray *keys, gint64 at)
{
	StatsAnswer *answer = g_new0(StatsAnswer, 1);

	answer->at = at;
	answer->keys = g_ptr_array_new_full(keys->len, g_free);
	for (guint i = 0; i < keys->len; i++)
		g_ptr_array_add(answer->keys, g_strdup(g_ptr_array_index(keys, i)));
	return answer;
}

/* --- with the lock --- */

/* Those of one minute stand together, the newest last. */
StatsMinute *counts_minute(Counts *counts, const char *id, gint64 now)
{
	gint64 minute = now - now % 60;
	StatsMinute *one;

	for (const GList *link = counts->minutes.tail; link != NULL; link = link->prev) {
		one = link->data;
		if (one->minute != minute)
			break;
		if (strcmp(one->id, id) == 0)
			return one;
	}
	one = stats_minute_new(id, minute);
	g_queue_push_tail(&counts->minutes, one);
	while ((one = g_queue_peek_head(&counts->minutes))->minute <= minute - COUNTS_MINUTES * 60) {
		stats_minute_free(g_queue_pop_head(&counts->minutes));
		counts->totals.lost++;
	}
	return g_queue_peek_tail(&counts->minutes);
}

/* A sender counts once a minute, however often what has come together is written meanwhile. */
static void add_sender(Counts *counts, StatsMinute *minute, const char *hash)
{
	GHashTable *seen;

	if (hash == NULL)
		return;
	if (counts->seen_minute != minute->minute) {
		g_hash_table_remove_all(counts->seen);
		counts->seen_minute = minute->minute;
	}
	seen = g_hash_table_lookup(counts->seen, minute->id);
	if (seen == NULL) {
		seen = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
		g_hash_table_insert(counts->seen, g_strdup(minute->id), seen);
	}
	if (g_hash_table_size(seen) >= STATS_SENDERS_MAX || !g_hash_table_add(seen, g_strdup(hash)))
		return;
	g_hash_table_add(minute->senders, g_strdup(hash));
	stats_minute_add(minute, "senders", 1);
}

static void add_named(StatsMinute *minute, const char *what, const char *name)
{
	g_autofree char *counter = g_strconcat(what, name, NULL);

	stats_minute_add(minute, counter, 1);
}

static void add_list(StatsMinute *minute, const char *what, const GPtrArray *names)
{
	for (guint i = 0; i < names->len; i++)
		add_named(minute, what, g_ptr_array_index(names, i));
}

/* The language alone, without script and region: a mail can claim any of millions of tags. */
static void add_language(StatsMinute *minute, const char *tag)
{
	char language[LANGUAGE_MAX + 1] = "und";
	gsize size = tag != NULL ? strcspn(tag, "-") : 0;

	for (gsize i = 0; i < size; i++)
		if (!g_ascii_isalpha(tag[i]))
			size = 0;
	if (size >= 2 && size <= LANGUAGE_MAX) {
		for (gsize i = 0; i < size; i++)
			language[i] = g_ascii_tolower(tag[i]);
		language[size] = '\0';
	}
	add_named(minute, "language:", language);
}

static const char *account_of(const Verdict *verdict)
{
	return verdict->account != NULL && verdict->verified != VERIFIED_NO && verdict->account->name != NULL &&
	    *verdict->account->name != '\0' ? verdict->account->name : NULL;
}

static void add_account(StatsMinute *minute, const Verdict *verdict)
{
	const char *account = account_of(verdict);

	if (account == NULL)
		return;
	stats_minute_add(minute, "account", 1);
	stats_minute_add_account(minute, account, 1);
}

static void add_all_mail(StatsMinute *minute, gint64 micros)
{
	stats_minute_add(minute, "mail", 1);
	stats_minute_add(minute, "us", (guint64)MAX(micros, 0));
}

static bool is_shadow(const Verdict *verdict)
{
	return !verdict->queued && verdict->reasons == 0;
}

static void add_matched(StatsMinute *minute, const Verdict *verdict)
{
	stats_minute_add(minute, "matched", 1);
	if (verdict->queued)
		stats_minute_add(minute, "queued", 1);
	else if (is_shadow(verdict))
		stats_minute_add(minute, "shadow", 1);
	for (guint reason = 0; !verdict->queued && reason < REASONS; reason++)
		if ((verdict->reasons & REASON_BIT(reason)) != 0)
			add_named(minute, "held:", reason_name(reason));
	add_language(minute, verdict->language);
	add_named(minute, "severity:", word_name(verdict->incident->state.word));
	add_list(minute, "rule:", verdict->rules);
	add_list(minute, "escalate:", verdict->escalate);
	add_list(minute, "sensitive:", verdict->sensitive);
	add_account(minute, verdict);
}

static void add_totals(CountsTotals *totals, const Verdict *verdict)
{
	totals->matched += verdict->match;
	totals->other += !verdict->match;
	if (!verdict->match)
		return;
	totals->queued += verdict->queued;
	totals->shadow += is_shadow(verdict);
	totals->none += !verdict->queued && !is_shadow(verdict);
	for (guint reason = 0; !verdict->queued && reason < REASONS; reason++)
		totals->held[reason] += (verdict->reasons & REASON_BIT(reason)) != 0;
}

static void add_mail_of(Counts *counts, StatsMail *mail)
{
	g_queue_push_tail(&counts->mails, mail);
	if (counts->mails.length > COUNTS_MAILS) {
		stats_mail_free(g_queue_pop_head(&counts->mails));
		counts->totals.lost++;
	}
}

static bool is_counting(const Counts *counts)
{
	return counts->config->stats_enabled && !counts->stopping;
}

/* Asked before anything is hashed for nothing, without the lock; a reload may come between this and the counting. */
static bool will_count(Counts *counts)
{
	bool counting;

	g_mutex_lock(&counts->lock);
	counting = is_counting(counts);
	g_mutex_unlock(&counts->lock);
	return counting;
}

/* --- what callbacks call --- */

/* Who wrote, where somebody vouches for him; caller frees. */
static char *sender_hash(const Counts *counts, const Verdict *verdict)
{
	const Correspondent *writer = &verdict->correspondent;

	return writer->normal != NULL && writer->verified != VERIFIED_NO ? secret_address_hash(counts->secret, writer->normal) : NULL;
}

/* The beginning of, or more in, what a person and we have to say to each other; NULL for mail of machines. */
static StatsMail *mail_of(const Counts *counts, const Verdict *verdict, const char *key, const char *known_hash, gint64 now)
{
	const ReasonSet of_machines = REASON_BIT(REASON_NO_INCIDENT) - 1;
	const char *normal = verdict->correspondent.normal;
	g_autofree char *hash = NULL;

	if (!verdict->match || key == NULL || verdict->incident->state.id == NULL || normal == NULL || (verdict->reasons & of_machines) != 0)
		return NULL;
	hash = known_hash != NULL ? g_strdup(known_hash) : secret_address_hash(counts->secret, normal);
	return stats_mail_new(verdict->incident->state.id, hash, key, account_of(verdict), now);
}

void counts_add_mail(Counts *counts, const Verdict *verdict, const char *key, gint64 micros)
{
	gint64 now = clock_now();
	bool counting = will_count(counts);
	g_autofree char *sender = counting ? sender_hash(counts, verdict) : NULL;
	const char *id = verdict->incident != NULL ? verdict->incident->state.id : NULL;
	StatsMail *mail = counting ? mail_of(counts, verdict, key, sender, now) : NULL;
	StatsMinute *minute;

	g_mutex_lock(&counts->lock);
	add_totals(&counts->totals, verdict);
	if (counting && is_counting(counts)) {
		minute = counts_minute(counts, STATS_ALL, now);
		add_all_mail(minute, micros);
		add_sender(counts, minute, sender);
		if (verdict->match)
			add_matched(minute, verdict);
		minute = id != NULL ? counts_minute(counts, id, now) : NULL;
		if (minute != NULL)
			add_all_mail(minute, micros);
		if (minute != NULL && verdict->match) {
			add_sender(counts, minute, sender);
			add_matched(minute, verdict);
		}
		if (mail != NULL)
			add_mail_of(counts, g_steal_pointer(&mail));
	}
	g_mutex_unlock(&counts->lock);
	stats_mail_free(mail);
}

void counts_add_quiet(Counts *counts, const Verdict *supposed, bool likely, gint64 micros)
{
	bool counting = will_count(counts);
	g_autofree char *sender = counting && supposed != NULL ? sender_hash(counts, supposed) : NULL;
	StatsMinute *minute;

	g_mutex_lock(&counts->lock);
	counts->totals.other++;
	counts->totals.likely += likely;
	if (counting && is_counting(counts)) {
		minute = counts_minute(counts, STATS_ALL, clock_now());
		add_all_mail(minute, micros);
		add_sender(counts, minute, sender);
		if (likely) {
			stats_minute_add(minute, "matched", 1);
			add_account(minute, supposed);
		}
	}
	g_mutex_unlock(&counts->lock);
}

/* With the lock. Whether client may be named in this minute: a flood from everywhere must not make a counter each. */
static bool names_client(Counts *counts, const char *client, gint64 minute)
{
	if (counts->clients_minute != minute) {
		g_hash_table_remove_all(counts->clients);
		counts->clients_minute = minute;
	}
	if (g_hash_table_contains(counts->clients, client))
		return true;
	if (g_hash_table_size(counts->clients) >= COUNTS_CLIENTS)
		return false;
	return g_hash_table_add(counts->clients, g_strdup(client));
}

void counts_add_client(Counts *counts, const Verdict *verdict, const char *client)
{
	const ReasonSet of_machines = REASON_BIT(REASON_NO_INCIDENT) - 1;
	StatsMinute *minute;
	bool stranger;

	if (verdict == NULL || !verdict->inspected || (verdict->reasons & of_machines) != 0)
		return;
	stranger = (verdict->reasons & REASON_BIT(REASON_UNAUTHENTICATED)) != 0;
	/* SPF is asked only where that changes what becomes of the mail: of the others nobody knows who would vouch for their senders. */
	if (stranger && verdict->spf_unasked)
		return;
	g_mutex_lock(&counts->lock);
	if (is_counting(counts)) {
		minute = counts_minute(counts, STATS_ALL, clock_now());
		stats_minute_add(minute, STATS_PERSONS, 1);
		if (stranger) {
			stats_minute_add(minute, STATS_UNAUTHENTICATED, 1);
			if (client != NULL && names_client(counts, client, minute->minute))
				add_named(minute, STATS_UNAUTHENTICATED ":", client);
		}
	}
	g_mutex_unlock(&counts->lock);
}

void counts_add_answer(Counts *counts, const GPtrArray *keys)
{
	gint64 now = clock_now();

	g_mutex_lock(&counts->lock);
	counts->totals.answers++;
	if (is_counting(counts)) {
		stats_minute_add(counts_minute(counts, STATS_ALL, now), "outbound", 1);
		g_queue_push_tail(&counts->answers, answer_new(keys, now));
		if (counts->answers.length > COUNTS_ANSWERS) {
			stats_answer_free(g_queue_pop_head(&counts->answers));
			counts->totals.lost++;
		}
	}
	g_mutex_unlock(&counts->lock);
}

/* --- start and stop --- */

Counts *counts_start(Config *config, const Secret *secret, const char *node, Watch *watch)
{
	Counts *counts = g_new0(Counts, 1);

	counts->config = config_ref(config);
	counts->secret = secret;
	counts->watch = watch;
	counts->node = g_strdup(node);
	g_mutex_init(&counts->lock);
	g_cond_init(&counts->work);
	g_queue_init(&counts->minutes);
	g_queue_init(&counts->mails);
	g_queue_init(&counts->answers);
	counts->seen = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, (GDestroyNotify)g_hash_table_unref);
	counts->clients = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	counts->thread = g_thread_new("counts", counts_run, counts);
	return counts;
}

void counts_stop(Counts *counts, gint64 drain_ms)
{
	guint left;

	g_mutex_lock(&counts->lock);
	counts->stopping = true;
	counts->until = clock_mono_us() + drain_ms * 1000;
	g_cond_broadcast(&counts->work);
	g_mutex_unlock(&counts->lock);
	g_thread_join(counts->thread);
	g_mutex_lock(&counts->lock);
	left = counts->minutes.length + counts->mails.length + counts->answers.length;
	g_mutex_unlock(&counts->lock);
	if (left > 0)
		log_warning("figures: %u were not written before the stop", left);
}

void counts_free(Counts *counts)
{
	g_queue_clear_full(&counts->minutes, (GDestroyNotify)stats_minute_free);
	g_queue_clear_full(&counts->mails, (GDestroyNotify)stats_mail_free);
	g_queue_clear_full(&counts->answers, (GDestroyNotify)stats_answer_free);
	g_hash_table_unref(counts->seen);
	g_hash_table_unref(counts->clients);
	config_unref(counts->config);
	g_mutex_clear(&counts->lock);
	g_cond_clear(&counts->work);
	g_free(counts->node);
	g_free(counts);
}

void counts_reconfigure(Counts *counts, Config *config)
{
	Config *before;

	g_mutex_lock(&counts->lock);
	before = counts->config;
	counts->config = config_ref(config);
	g_mutex_unlock(&counts->lock);
	config_unref(before);
}

/* --- metrics --- */

void counts_metrics(Counts *counts, MetricsPage *page)
{
	CountsTotals totals;

	g_mutex_lock(&counts->lock);
	totals = counts->totals;
	g_mutex_unlock(&counts->lock);
	metrics_family(page, "messages_total", METRIC_COUNTER, "Mail to support addresses, by whether it matched an incident.");
	metrics_sample(page, (double)totals.matched, "match", "yes", NULL);
	metrics_sample(page, (double)totals.other, "match", "no", NULL);
	metrics_family(page, "likely_messages_total", METRIC_COUNTER,
	    "Mail to support addresses that may be of an outage, while nothing was declared.");
	metrics_sample(page, (double)totals.likely, NULL);
	metrics_family(page, "acknowledgements_total", METRIC_COUNTER, "Matched mail, by what became of its acknowledgement.");
	metrics_sample(page, (double)totals.queued, "result", "queued", NULL);
	metrics_sample(page, (double)totals.shadow, "result", "shadow", NULL);
	metrics_sample(page, (double)totals.none, "result", "none", NULL);
	metrics_family(page, "held_back_total", METRIC_COUNTER,
	    "Acknowledgements of matched mail that were held back, once for each reason.");
	for (guint reason = 0; reason < REASONS; reason++)
		if (reason != REASON_NO_INCIDENT && reason != REASON_NO_MATCH)
			metrics_sample(page, (double)totals.held[reason], "reason", reason_name(reason), NULL);
	metrics_family(page, "person_answers_total", METRIC_COUNTER, "Answers of persons to mail that passed on their way out.");
	metrics_sample(page, (double)totals.answers, NULL);
	metrics_family(page, "first_answers_total", METRIC_COUNTER,
	    "Customers who had the first answer of a person, as this node told the store.");
	metrics_sample(page, (double)totals.first_answers, NULL);
	metrics_family(page, "figures_lost_total", METRIC_COUNTER,
	    "Minutes, mails and answers that were counted and that the store did not take.");
	metrics_sample(page, (double)totals.lost, NULL);
}
