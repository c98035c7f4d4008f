/* What the milter counts of support mail comes to the store once, however that is doing, and never grows without end; and which hours the
 * usual week is learned from. */
#include <signal.h>
#include <string.h>

#include "base/clock.h"
#include "figures-fixture.h"
#include "outage-milter/counts-private.h"

#define DRAIN_MS 60000
#define WAIT_US (20 * G_USEC_PER_SEC)

/* A site that counts, with an incident on or none. */
typedef struct {
	Fixture *fixture;
	Store *store;
	Secret *secret;
	Counts *counts;
	Incident *incident;
} Site;

/* away: where the milter looks for the store there is none. store_timeout: milliseconds; 0: the default. */
static Site *site_make(gconstpointer kind, bool away, gint64 store_timeout)
{
	Site *site = g_new0(Site, 1);

	site->fixture = fixture_new(kind);
	site->store = fixture_open(site->fixture, "test");
	if (away)
		fixture_point_nowhere(site->fixture);
	if (store_timeout != 0)
		site->fixture->config->store_timeout = store_timeout;
	site->secret = secret_generate();
	site->counts = counts_start(site->fixture->config, site->secret, "node-a", NULL);
	site->incident = incident_new("default");
	site->incident->state.id = g_strdup(ID);
	site->incident->state.word = WORD_P1;
	return site;
}

static Site *site_new(gconstpointer kind)
{
	return site_make(kind, false, 0);
}

static void site_stop(Site *site)
{
	counts_stop(site->counts, DRAIN_MS);
}

static void site_free(Site *site)
{
	counts_free(site->counts);
	secret_free(site->secret);
	store_close(site->store);
	fixture_free(site->fixture);
	incident_free(site->incident);
	g_free(site);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Site, site_free)

/* A decided mail as far as it is counted. */
typedef struct {
	Verdict verdict;
	Account account;
	char *normal;
} Mail;

static Mail *mail_new(const Site *site, const char *sender, bool match, Verified verified)
{
	Mail *mail = g_new0(Mail, 1);

	mail->normal = g_strdup(sender);
	mail->verdict = (Verdict){ .inspected = true, .incident = site->incident, .match = match, .verified = verified,
		.rules = g_ptr_array_new(), .escalate = g_ptr_array_new(), .sensitive = g_ptr_array_new(), .queued = match };
	mail->verdict.correspondent = (Correspondent){ .address = mail->normal, .normal = mail->normal, .verified = verified };
	return mail;
}

static void mail_free(Mail *mail)
{
	g_ptr_array_unref(mail->verdict.rules);
	g_ptr_array_unref(mail->verdict.escalate);
	g_ptr_array_unref(mail->verdict.sensitive);
	g_free(mail->normal);
	g_free(mail);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Mail, mail_free)

static void add(const Site *site, const char *sender, bool match, const char *key)
{
	g_autoptr(Mail) mail = mail_new(site, sender, match, VERIFIED_DKIM);

	counts_add_mail(site->counts, &mail->verdict, key, 100);
}

static void answer(const Site *site, const char *key)
{
	g_autoptr(GPtrArray) keys = g_ptr_array_new();

	g_ptr_array_add(keys, (gpointer)key);
	counts_add_answer(site->counts, keys);
}

/* What id has of a counter, over the last hour. */
static guint64 sum(const Site *site, const char *id, const char *counter)
{
	g_autoptr(GPtrArray) minutes = figures_minutes_of(site->store, id, clock_now() - 3600, clock_now() + 120);
	guint64 n = 0;

	for (guint i = 0; i < minutes->len; i++)
		n += stats_minute_get(g_ptr_array_index(minutes, i), counter);
	return n;
}

static CountsTotals totals(const Site *site)
{
	CountsTotals copy;

	g_mutex_lock(&site->counts->lock);
	copy = site->counts->totals;
	g_mutex_unlock(&site->counts->lock);
	return copy;
}

static void wait_until(bool (*done)(CountsTotals before, CountsTotals now), const Site *site, CountsTotals before)
{
	gint64 until = clock_mono_us() + WAIT_US;

	while (!done(before, totals(site))) {
		g_assert_cmpint(clock_mono_us(), <, until);
		g_usleep(1000);
	}
}

static bool has_written(CountsTotals before, CountsTotals now)
{
	return now.writes > before.writes;
}

static bool has_lost(CountsTotals before, CountsTotals now)
{
	return now.lost > before.lost;
}

static void write_now(const Site *site)
{
	CountsTotals before = totals(site);

	counts_hurry(site->counts);
	wait_until(has_written, site, before);
}

static void what_is_counted_comes_to_the_store_at_the_stop(gconstpointer kind)
{
	g_autoptr(Site) site = site_new(kind);
	g_autoptr(Mail) mail = mail_new(site, "jane@customer.example", true, VERIFIED_SPF);
	static const char *const counters[] = { "matched", "shadow", "language:de", "rule:site_down", "escalate:legal", "sensitive:password",
		"severity:P1", "account", "senders", "mail" };
	g_autoptr(GPtrArray) threads = NULL;

	mail->account.name = (char *)"Acme";
	mail->verdict.account = &mail->account;
	mail->verdict.queued = false;
	mail->verdict.language = (char *)"de-AT";
	g_ptr_array_add(mail->verdict.rules, (gpointer)"site_down");
	g_ptr_array_add(mail->verdict.escalate, (gpointer)"legal");
	g_ptr_array_add(mail->verdict.sensitive, (gpointer)"password");
	counts_add_mail(site->counts, &mail->verdict, "key1", 1500);
	site_stop(site);
	for (gsize i = 0; i < G_N_ELEMENTS(counters); i++) {
		g_test_message("%s", counters[i]);
		g_assert_cmpuint(sum(site, ID, counters[i]), ==, 1);
		g_assert_cmpuint(sum(site, STATS_ALL, counters[i]), ==, 1);
	}
	g_assert_cmpuint(sum(site, ID, "us"), ==, 1500);
	g_assert_cmpuint(sum(site, ID, "queued"), ==, 0);
	g_assert_cmpuint(sum(site, STATS_ALL, "up"), ==, 1);
	g_assert_cmpuint(sum(site, STATS_ALL, "on"), ==, 0);
	figures_check_distinct(site->store, ID, 0, 1, 1);
	g_assert_cmpuint(figures_account_total(site->store, ID, "Acme"), ==, 1);
	threads = figures_threads_of(site->store, ID);
	g_assert_cmpuint(threads->len, ==, 1);
	g_assert_cmpstr(((StatsThread *)threads->pdata[0])->account, ==, "Acme");
}

/* A gateway in front shows by its address; a flood from everywhere does not make a counter for each. */
static void clients_of_strangers_are_named_within_bounds(gconstpointer kind)
{
	g_autoptr(Site) site = site_new(kind);
	g_autoptr(Mail) known = mail_new(site, "jane@customer.example", true, VERIFIED_SPF);
	g_autoptr(Mail) stranger = mail_new(site, "joe@customer.example", false, VERIFIED_NO);
	g_autoptr(Mail) machine = mail_new(site, "list@customer.example", false, VERIFIED_NO);
	g_autoptr(Mail) unasked = mail_new(site, "jim@customer.example", false, VERIFIED_NO);
	guint64 named = 0;

	stranger->verdict.reasons = REASON_BIT(REASON_NO_MATCH) | REASON_BIT(REASON_UNAUTHENTICATED);
	machine->verdict.reasons = 1 | REASON_BIT(REASON_UNAUTHENTICATED);
	counts_add_client(site->counts, &known->verdict, "192.0.2.7");
	counts_add_client(site->counts, &machine->verdict, "192.0.2.7");
	/* SPF might vouch for him: that says nothing either way. */
	unasked->verdict.reasons = stranger->verdict.reasons;
	unasked->verdict.spf_unasked = true;
	counts_add_client(site->counts, &unasked->verdict, "192.0.2.7");
	counts_add_client(site->counts, &stranger->verdict, "192.0.2.7");
	counts_add_client(site->counts, &stranger->verdict, NULL);
	counts_add_client(site->counts, NULL, "192.0.2.7");
	for (guint i = 0; i < 3 * COUNTS_CLIENTS; i++) {
		g_autofree char *client = g_strdup_printf("198.51.100.%u", i);

		counts_add_client(site->counts, &stranger->verdict, client);
	}
	counts_add_client(site->counts, &stranger->verdict, "192.0.2.7");
	site_stop(site);
	for (guint i = 0; i < 3 * COUNTS_CLIENTS; i++) {
		g_autofree char *counter = g_strdup_printf(STATS_UNAUTHENTICATED ":198.51.100.%u", i);

		named += sum(site, STATS_ALL, counter);
	}
	g_assert_cmpuint(sum(site, STATS_ALL, STATS_PERSONS), ==, 4 + 3 * COUNTS_CLIENTS);
	g_assert_cmpuint(sum(site, STATS_ALL, STATS_UNAUTHENTICATED), ==, 3 + 3 * COUNTS_CLIENTS);
	g_assert_cmpuint(named, >=, COUNTS_CLIENTS - 1);
	g_assert_cmpuint(named, <, 3 * COUNTS_CLIENTS); /* a minute may end in between */
	g_assert_cmpuint(sum(site, STATS_ALL, STATS_UNAUTHENTICATED ":192.0.2.7"), >=, 1);
}

/* Who is held back is counted by reason; who is no person has no story; who is not vouched for is no sender. */
static void each_mail_counts_as_what_it_is(gconstpointer kind)
{
	static const struct {
		bool match;
		Verified verified;
		ReasonSet reasons;
		bool queued;
		guint matched, queued_n, held_vip, held_auto, senders, threads;
	} cases[] = {
		{ true, VERIFIED_DKIM, 0, true, 1, 1, 0, 0, 1, 1 },
		{ true, VERIFIED_DKIM, REASON_BIT(REASON_VIP), false, 1, 0, 1, 0, 1, 1 },
		{ true, VERIFIED_DKIM, REASON_BIT(REASON_AUTO_SUBMITTED) | REASON_BIT(REASON_VIP), false, 1, 0, 1, 1, 1, 0 },
		{ true, VERIFIED_NO, REASON_BIT(REASON_UNAUTHENTICATED), false, 1, 0, 0, 0, 0, 1 },
		{ false, VERIFIED_DKIM, REASON_BIT(REASON_NO_MATCH) | REASON_BIT(REASON_VIP), false, 0, 0, 0, 0, 0, 0 },
	};

	for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
		g_autoptr(Site) site = site_new(kind);
		g_autoptr(Mail) mail = mail_new(site, "jane@customer.example", cases[i].match, cases[i].verified);
		g_autoptr(GPtrArray) threads = NULL;

		mail->verdict.reasons = cases[i].reasons;
		mail->verdict.queued = cases[i].queued;
		counts_add_mail(site->counts, &mail->verdict, cases[i].match ? "key1" : NULL, 1);
		site_stop(site);
		g_assert_cmpuint(sum(site, ID, "mail"), ==, 1);
		g_assert_cmpuint(sum(site, ID, "matched"), ==, cases[i].matched);
		g_assert_cmpuint(sum(site, ID, "queued"), ==, cases[i].queued_n);
		g_assert_cmpuint(sum(site, ID, "held:vip"), ==, cases[i].held_vip);
		g_assert_cmpuint(sum(site, ID, "held:auto-submitted"), ==, cases[i].held_auto);
		g_assert_cmpuint(sum(site, ID, "senders"), ==, cases[i].senders);
		threads = figures_threads_of(site->store, ID);
		g_assert_cmpuint(threads->len, ==, cases[i].threads);
	}
}

/* What is read of a language tag is not what its writer would like to fill the store with. */
static void a_language_is_its_language_alone(gconstpointer kind)
{
	static const struct { const char *tag, *counter; } tags[] = {
		{ "de", "language:de" }, { "pt-BR", "language:pt" }, { "FIL", "language:fil" }, { "x-private", "language:und" },
		{ "d\xc3\xa9", "language:und" }, { "long", "language:und" }, { "", "language:und" }, { NULL, "language:und" },
	};

	for (gsize i = 0; i < G_N_ELEMENTS(tags); i++) {
		g_autoptr(Site) site = site_new(kind);
		g_autoptr(Mail) mail = mail_new(site, "jane@customer.example", true, VERIFIED_DKIM);

		mail->verdict.language = (char *)tags[i].tag;
		counts_add_mail(site->counts, &mail->verdict, "key1", 1);
		site_stop(site);
		g_assert_cmpuint(sum(site, ID, tags[i].counter), ==, 1);
	}
}

static void a_sender_counts_once_a_minute_however_often_is_written(gconstpointer kind)
{
	g_autoptr(Site) site = site_new(kind);
	gint64 first = clock_now() / 60, last;

	for (int i = 0; i < 3; i++) {
		add(site, "jane@customer.example", true, "key1");
		add(site, "joe@customer.example", true, "key2");
		write_now(site);
	}
	last = clock_now() / 60;
	site_stop(site);
	g_assert_cmpuint(sum(site, ID, "matched"), ==, 6);
	/* The minute may have turned meanwhile. */
	g_assert_cmpuint(sum(site, ID, "senders"), >=, 2);
	g_assert_cmpuint(sum(site, ID, "senders"), <=, (guint64)(2 * (last - first + 1)));
	figures_check_distinct(site->store, ID, 0, 2, 0);
}

static void an_answer_is_told_of_with_its_mail(gconstpointer kind)
{
	g_autoptr(Site) site = site_new(kind);
	g_autoptr(GPtrArray) threads = NULL;
	const StatsThread *thread;
	gint64 seen;

	add(site, "jane@customer.example", true, "key1");
	answer(site, "key1");
	site_stop(site);
	threads = figures_threads_of(site->store, ID);
	g_assert_cmpuint(threads->len, ==, 1);
	thread = threads->pdata[0];
	g_assert_cmpint(thread->answered_at, >=, thread->first_at);
	g_assert_cmpuint(sum(site, STATS_ALL, "outbound"), ==, 1);
	g_assert_cmpuint(totals(site).first_answers, ==, 1);
	g_assert_true(store_stats_outbound_seen(site->store, &seen, NULL));
	g_assert_cmpint(seen, >, 0);
}

static void quiet_mail_counts_for_the_usual_week(gconstpointer kind)
{
	g_autoptr(Site) site = site_new(kind);
	g_autoptr(Mail) mail = mail_new(site, "jane@customer.example", true, VERIFIED_DKIM);

	counts_add_quiet(site->counts, NULL, false, 1);
	counts_add_quiet(site->counts, &mail->verdict, false, 1);
	counts_add_quiet(site->counts, &mail->verdict, true, 1);
	site_stop(site);
	g_assert_cmpuint(sum(site, STATS_ALL, "mail"), ==, 3);
	g_assert_cmpuint(sum(site, STATS_ALL, "matched"), ==, 1);
	g_assert_cmpuint(sum(site, STATS_ALL, "senders"), ==, 1);
	/* What it was supposed to be of is no incident. */
	g_assert_cmpuint(sum(site, ID, "mail"), ==, 0);
}

static void nothing_is_written_where_counting_is_off(gconstpointer kind)
{
	g_autoptr(Site) site = site_new(kind);
	g_autoptr(Config) off = fixture_other_config(site->fixture);

	write_now(site);
	off->stats_enabled = false;
	counts_reconfigure(site->counts, off);
	add(site, "jane@customer.example", true, "key1");
	answer(site, "key1");
	site_stop(site);
	add(site, "jane@customer.example", true, "key2");
	g_assert_cmpuint(sum(site, STATS_ALL, "mail"), ==, 0);
	g_assert_cmpuint(sum(site, STATS_ALL, "outbound"), ==, 0);
	/* Whoever asks this node is told all the same. */
	g_assert_cmpuint(totals(site).matched, ==, 2);
}

static void what_waits_for_the_store_has_an_end(void)
{
	g_autoptr(Site) site = site_make("sqlite", true, 0);

	for (guint i = 0; i < COUNTS_MAILS + 7; i++) {
		g_autofree char *key = g_strdup_printf("key%u", i);

		add(site, "jane@customer.example", true, key);
	}
	g_assert_cmpuint(totals(site).lost, ==, 7);
	g_mutex_lock(&site->counts->lock);
	for (int minute = 1; minute <= COUNTS_MINUTES + 5; minute++)
		counts_minute(site->counts, STATS_ALL, clock_now() + minute * 60);
	g_assert_cmpuint(site->counts->minutes.length, <=, COUNTS_MINUTES + 1);
	g_mutex_unlock(&site->counts->lock);
	counts_stop(site->counts, 100);
}

/* The server says nothing for a while: what it may have taken is not written again, and what comes later is. */
static void what_may_be_written_is_not_written_twice(void)
{
	g_autoptr(Site) site = site_make("redis", false, 200);
	CountsTotals before;

	write_now(site);
	before = totals(site);
	add(site, "jane@customer.example", true, "key1");
	fixture_signal(false, SIGSTOP);
	counts_hurry(site->counts);
	wait_until(has_lost, site, before);
	fixture_signal(false, SIGCONT);
	site->fixture->config->store_timeout = 10000;
	add(site, "jane@customer.example", true, "key2");
	site_stop(site);
	g_assert_cmpuint(sum(site, ID, "matched"), <=, 2);
	g_assert_cmpuint(sum(site, ID, "matched"), >=, 1);
}

/* --- which hours are learned from --- */

static void an_hour_is_learned_where_it_is_known_and_quiet(gconstpointer kind)
{
	static const struct {
		const char *name, *every;   /* what each of the first `minutes` minutes has */
		int minutes;
		const char *once;           /* and one of them besides */
		bool learned;
		double mails, senders;
	} hours[] = {
		{ "a usual hour", "up=2 mail=3 senders=1", 60, NULL, true, 3, 1 },
		{ "nobody wrote", "up=1", 60, NULL, true, 0, 0 },
		{ "one node, started late", "up=1 mail=6 senders=2", 30, NULL, true, 6, 2 },
		{ "too little is known", "up=1 mail=6", 29, NULL, false, 0, 0 },
		{ "no node was up", NULL, 60, NULL, false, 0, 0 },
		{ "an incident was on for a minute", "up=1 mail=3", 60, "on=1", false, 0, 0 },
	};

	for (gsize i = 0; i < G_N_ELEMENTS(hours); i++) {
		g_autoptr(Fixture) fixture = fixture_new(kind);
		g_autoptr(Store) store = fixture_open(fixture, "a");
		gint64 hour = clock_now() / 3600 * 3600 - 3600;
		guint of_week = baseline_hour(hour);
		BaselineHour baseline[BASELINE_HOURS];
		bool learned;

		g_test_message("%s", hours[i].name);
		for (int minute = 0; minute < hours[i].minutes && hours[i].every != NULL; minute++)
			figures_write_minute(store, STATS_ALL, hour + minute * 60, hours[i].every, NULL, NULL);
		if (hours[i].once != NULL)
			figures_write_minute(store, STATS_ALL, hour + 600, hours[i].once, NULL, NULL);
		g_assert_true(counts_learn(store, hour, &learned, NULL));
		g_assert_cmpint(learned, ==, hours[i].learned);
		/* Another node, a moment later. */
		g_assert_true(counts_learn(store, hour, &learned, NULL));
		g_assert_false(learned);
		g_assert_true(store_baseline(store, baseline, NULL));
		g_assert_cmpuint(baseline[of_week].weeks, ==, hours[i].learned);
		g_assert_cmpfloat_with_epsilon(baseline[of_week].mails, hours[i].mails, 1e-9);
		g_assert_cmpfloat_with_epsilon(baseline[of_week].senders, hours[i].senders, 1e-9);
	}
}

int main(int argc, char **argv)
{
	int result;

	g_test_init(&argc, &argv, NULL);
	fixture_add_test("what-is-counted-comes-to-the-store-at-the-stop", what_is_counted_comes_to_the_store_at_the_stop);
	fixture_add_test("clients-of-strangers-are-named-within-bounds", clients_of_strangers_are_named_within_bounds);
	fixture_add_test("each-mail-counts-as-what-it-is", each_mail_counts_as_what_it_is);
	fixture_add_test("a-language-is-its-language-alone", a_language_is_its_language_alone);
	fixture_add_test("a-sender-counts-once-a-minute-however-often-is-written", a_sender_counts_once_a_minute_however_often_is_written);
	fixture_add_test("an-answer-is-told-of-with-its-mail", an_answer_is_told_of_with_its_mail);
	fixture_add_test("quiet-mail-counts-for-the-usual-week", quiet_mail_counts_for_the_usual_week);
	fixture_add_test("nothing-is-written-where-counting-is-off", nothing_is_written_where_counting_is_off);
	g_test_add_func("/counts/what-waits-for-the-store-has-an-end", what_waits_for_the_store_has_an_end);
	g_test_add_func("/counts/what-may-be-written-is-not-written-twice", what_may_be_written_is_not_written_twice);
	fixture_add_test("an-hour-is-learned-where-it-is-known-and-quiet", an_hour_is_learned_where_it_is_known_and_quiet);
	result = g_test_run();
	fixture_shut_down();
	return result;
}
