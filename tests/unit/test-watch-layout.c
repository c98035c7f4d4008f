/* test-watch-layout: the live view fits every window, says the most important first, and lets nothing from outside touch the terminal. */
#include <string.h>

#include "base/clock.h"
#include "outagectl/watch.h"

#define NOW G_GINT64_CONSTANT(1795273800) /* 2026-11-21T15:10:00Z */

/* --- a status --- */

static void add_wrong(Status *status, const char *text)
{
	Wrong *wrong = g_new0(Wrong, 1);

	wrong->text = g_strdup(text);
	g_ptr_array_add(status->wrong, wrong);
}

static void wrong_delete(Wrong *wrong)
{
	g_free(wrong->text);
	g_free(wrong);
}

static void alarm_delete(StoredAlarm *alarm)
{
	g_free(alarm->key);
	g_free(alarm->text);
	g_free(alarm);
}

static void node_delete(StatusNode *node)
{
	g_free(node->name);
	g_free(node->program);
	g_free(node->version);
	g_free(node);
}

static Incident *add_incident(Status *status, const char *name, Word word, gint64 minutes, const char *title)
{
	Incident *incident = incident_new(name);

	(void)incident_transition(&incident->state, name, word, NOW - minutes * 60, 0);
	incident->texts[TEXT_TITLE] = g_strdup(title);
	g_ptr_array_add(status->snapshot->incidents, incident);
	return incident;
}

static StatusCounts *add_counts(Status *status, const Incident *incident)
{
	StatusCounts *counts = g_new0(StatusCounts, 1);

	counts->id = g_strdup(incident->state.id);
	counts->counters = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
	g_ptr_array_add(status->counts, counts);
	return counts;
}

static void set_counter(StatusCounts *counts, const char *name, const char *value)
{
	g_hash_table_insert(counts->counters, g_strdup(name), g_strdup(value));
}

static Waiting *add_waiting(Status *status, const char *account, gint64 minutes, gint64 due, const char *subject)
{
	Waiting *waiting = g_new0(Waiting, 1);

	waiting->account = g_strdup(account);
	waiting->level = g_strdup(account != NULL ? "platinum" : NULL);
	waiting->sender = g_strdup("jane@customer.example");
	waiting->subject = g_strdup(subject);
	waiting->since = NOW - minutes * 60;
	waiting->respond_by = due != 0 ? NOW - due * 60 : 0;
	waiting->verified = true;
	g_ptr_array_add(status->waiting, waiting);
	status->waiting_count++;
	return waiting;
}

static void add_alarm(Status *status, const char *key, const char *text)
{
	StoredAlarm *alarm = g_new0(StoredAlarm, 1);

	alarm->key = g_strdup(key);
	alarm->text = g_strdup(text);
	alarm->since = NOW - 300;
	g_ptr_array_add(status->alarms, alarm);
}

static void add_node(Status *status, const char *name, bool silent)
{
	StatusNode *node = g_new0(StatusNode, 1);

	node->name = g_strdup(name);
	node->program = g_strdup("outage-milter");
	node->version = g_strdup("1.0");
	node->at = NOW - (silent ? 300 : 3);
	node->silent = silent;
	g_ptr_array_add(status->nodes, node);
}

static Status *empty_status(void)
{
	Status *status = g_new0(Status, 1);

	status->now = NOW;
	status->snapshot = snapshot_new();
	status->wrong = g_ptr_array_new_with_free_func((GDestroyNotify)wrong_delete);
	status->counts = g_ptr_array_new_with_free_func((GDestroyNotify)status_counts_free);
	status->waiting = g_ptr_array_new_with_free_func((GDestroyNotify)waiting_free);
	status->nodes = g_ptr_array_new_with_free_func((GDestroyNotify)node_delete);
	status->alarms = g_ptr_array_new_with_free_func((GDestroyNotify)alarm_delete);
	return status;
}

static void status_delete(Status *status)
{
	snapshot_unref(status->snapshot);
	g_ptr_array_unref(status->wrong);
	g_ptr_array_unref(status->counts);
	g_ptr_array_unref(status->waiting);
	g_ptr_array_unref(status->nodes);
	g_ptr_array_unref(status->alarms);
	g_free(status);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Status, status_delete)

/* A bad day: two incidents, 30 who wait, ten nodes, all of them with `text` where text from outside can stand. */
static Status *bad_day(const char *text)
{
	Status *status = empty_status();
	Incident *first = add_incident(status, "default", WORD_P2, 42, text), *second = add_incident(status, "mail", WORD_P1, 10, text);
	StatusCounts *counts = add_counts(status, first);

	first->texts[TEXT_NEXT_UPDATE_AT] = clock_format(NOW - 720);
	second->update_text = g_strdup(text);
	second->update_at = NOW - 60;
	set_counter(counts, "matched", "612");
	set_counter(counts, "queued", "540");
	set_counter(counts, "held:already-acked", "12");
	set_counter(counts, "held:no-match", "40");
	status->responses_known = status->responses_seen = counts->responses_known = true;
	counts->responses = (StatsResponses){ .customers = 80, .answered = 12, .wrote_again = 9, .median = 840 };
	status->snapshot->pause = g_strdup(text);
	add_wrong(status, "30 WAIT FOR A PERSON longer than they were to");
	add_wrong(status, text);
	add_wrong(status, "default: the update is overdue");
	for (guint i = 0; i < 30; i++)
		add_waiting(status, i < 3 ? text : NULL, 90 - i, i == 0 ? 12 : 0, text);
	add_alarm(status, "surge", text);
	status->volume.known = true;
	status->volume.rate = 12;
	status->volume.distinct_known = true;
	status->volume.senders = 31;
	status->volume.usual_rate = 2;
	for (guint i = 0; i < STATUS_MINUTES; i++) {
		status->volume.mails[i] = i;
		status->volume.usual[i] = 2;
	}
	status->queue = (QueueCounts){ .pending = 5, .sent = 7, .oldest = NOW - 240 };
	for (guint i = 0; i < 10; i++)
		add_node(status, i == 7 ? text : "node", i == 9);
	return status;
}

static GPtrArray *layout(const Status *status, guint width, guint height, bool colour, bool utf8)
{
	g_autoptr(Config) config = config_defaults();
	WatchView view = { .status = status, .config = config, .width = width, .height = height, .colour = colour, .utf8 = utf8, .keys = true };

	return watch_layout(&view);
}

static char *joined(const GPtrArray *lines)
{
	GString *text = g_string_new(NULL);

	for (guint i = 0; i < lines->len; i++)
		g_string_append_printf(text, "%s\n", (const char *)g_ptr_array_index(lines, i));
	return g_string_free(text, FALSE);
}

#define ASSERT_HAS(text, part) \
	do { \
		if (strstr(text, part) == NULL) \
			g_error("\"%s\" is not in:\n%s", part, text); \
	} while (0)

/* --- what is shown --- */

static void test_whole_frame_says_all(void)
{
	g_autoptr(Status) status = bad_day("Login fails");
	g_autoptr(GPtrArray) lines = layout(status, 200, 60, false, true);
	g_autofree char *text = joined(lines);

	ASSERT_HAS(text, "SHADOW  PAUSED  outagectl status");
	ASSERT_HAS(text, "! 30 WAIT FOR A PERSON");
	ASSERT_HAS(text, "mail  P1 investigating for 10m  Login fails");
	ASSERT_HAS(text, "last update 1m ago: Login fails");
	ASSERT_HAS(text, "THE PROMISED UPDATE IS 12m OVERDUE");
	ASSERT_HAS(text, "612 matched, 540 acknowledged");
	ASSERT_HAS(text, "held back: 40 no-match, 12 already-acked");
	ASSERT_HAS(text, "12 of 80 customers have had a person's answer, half of them within 14m; 9 wrote again before");
	ASSERT_HAS(text, "30 wait for a person, 1 LONGER THAN THEY WERE TO");
	ASSERT_HAS(text, "  1h30m  OVERDUE 12m  Login fails (platinum)  jane@customer.example  Login fails");
	ASSERT_HAS(text, "support mail: 12.0 a minute, usual 2.0 (6.0 times that); 31 senders in the last hour");
	ASSERT_HAS(text, "\u2581\u2582");
	ASSERT_HAS(text, "ALARM surge (5m): Login fails");
	ASSERT_HAS(text, "queue: 5 waiting, 0 for later, 0 dead, 7 sent; the oldest has waited for 4m");
	ASSERT_HAS(text, "node  outage-milter 1.0, SILENT for 5m");
	g_assert_nonnull(strstr(strstr(text, "mail  P1"), "default  P2"));
}

static void test_what_is_not_known_is_not_shown_as_nothing(void)
{
	g_autoptr(Status) status = bad_day("Login fails");
	StatusCounts *counts = g_ptr_array_index(status->counts, 0);
	g_autoptr(GPtrArray) lines = NULL;
	g_autofree char *text = NULL;

	g_clear_pointer(&counts->counters, g_hash_table_unref);
	status->volume.distinct_known = false;
	status->volume.rate = -1;
	for (guint i = 0; i < STATUS_MINUTES; i++)
		status->volume.mails[i] = -1;
	lines = layout(status, 120, 0, false, true);
	text = joined(lines);
	ASSERT_HAS(text, "what was counted of it cannot be read");
	ASSERT_HAS(text, "support mail: not counted in the last ten minutes, usual 2.0");
	g_assert_null(strstr(text, "0 matched"));
	g_assert_null(strstr(text, "senders"));
}

/* What to do stands at the end of an advice. */
static void test_advice_is_wrapped_and_not_cut(void)
{
	g_autoptr(Status) status = empty_status();
	g_autoptr(GPtrArray) lines = NULL, low = NULL;
	g_autofree char *text = NULL, *cut = NULL;

	add_wrong(status, "the store throws keys away when its memory is full (maxmemory-policy allkeys-lru): marks and acknowledgements can vanish; "
	                  "set maxmemory-policy noeviction");
	lines = layout(status, 40, 0, false, true);
	text = joined(lines);
	ASSERT_HAS(text, "\n! the store throws keys away when its\n  memory is full");
	ASSERT_HAS(text, "\n  maxmemory-policy noeviction\n");
	for (guint i = 0; i < lines->len; i++)
		g_assert_cmpuint(watch_cells(g_ptr_array_index(lines, i)), <=, 40);
	/* Where there is no room, it shows that something is missing. */
	low = layout(status, 40, 3, false, true);
	cut = joined(low);
	ASSERT_HAS(cut, "\u2026");
}

/* The most important lines that each size must still hold. */
static void test_small_windows_keep_what_matters_most(void)
{
	static const struct { guint width, height; const char *has[8]; } cases[] = {
		{ 80, 24, { "PAUSED", "! 30 WAIT", "mail  P1", "default  P2", "30 wait for a person", "OVERDUE 12m", "ALARM surge", "queue: 5" } },
		{ 40, 10, { "PAUSED", "! 30 WAIT", "(and 1 more)", "mail  P1", "default  P2", "30 wait for a person, 1", "(and 29 more)", "support mail" } },
		{ 40, 4, { "PAUSED", "! 30 WAIT", "(and 1 more)", "mail  P1 investigating" } },
		{ 40, 2, { "PAUSED", "! 30 WAIT", "(and 2 more)" } },
	};
	g_autoptr(Status) status = bad_day("Login fails");

	for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
		g_autoptr(GPtrArray) lines = layout(status, cases[i].width, cases[i].height, false, true);
		g_autofree char *text = joined(lines);

		g_test_message("%ux%u\n%s", cases[i].width, cases[i].height, text);
		for (gsize k = 0; k < G_N_ELEMENTS(cases[i].has) && cases[i].has[k] != NULL; k++)
			ASSERT_HAS(text, cases[i].has[k]);
	}
}

static void test_what_is_cut_is_counted(void)
{
	g_autoptr(Status) status = empty_status();

	status->waiting_count = 0;
	for (guint i = 0; i < 40; i++)
		add_waiting(status, NULL, 100 - i, 0, "help");
	/* More wait than were read. */
	status->waiting_count = 1040;
	for (guint height = 4; height < 60; height++) {
		g_autoptr(GPtrArray) lines = layout(status, 80, height, false, true);
		g_autofree char *text = joined(lines), *more = NULL;
		guint seen = 0;

		for (guint i = 0; i < lines->len; i++)
			seen += strstr(g_ptr_array_index(lines, i), "jane@customer.example") != NULL;
		more = g_strdup_printf("and %u more", 1040 - seen);
		ASSERT_HAS(text, more);
		g_assert_cmpuint(lines->len, <=, height);
	}
}

/* Whoever has kept a promise late does not want to read of it for the rest of the night. */
static void test_promise_is_over_once_an_update_came(void)
{
	g_autoptr(Status) status = empty_status();
	Incident *incident = add_incident(status, "default", WORD_P1, 42, "Login fails");
	g_autoptr(GPtrArray) late = NULL, kept = NULL;
	g_autofree char *before = NULL, *after = NULL;

	incident->texts[TEXT_NEXT_UPDATE_AT] = clock_format(NOW - 720);
	late = layout(status, 80, 24, false, true);
	before = joined(late);
	incident->update_at = NOW - 60;
	kept = layout(status, 80, 24, false, true);
	after = joined(kept);
	ASSERT_HAS(before, "THE PROMISED UPDATE IS 12m OVERDUE");
	g_assert_null(strstr(after, "OVERDUE"));
}

static void test_quiet_day(void)
{
	g_autoptr(Status) status = empty_status();
	g_autoptr(GPtrArray) lines = layout(status, 80, 24, false, true);
	g_autofree char *text = joined(lines);

	ASSERT_HAS(text, "all is well with the mail");
	ASSERT_HAS(text, "no incident is on");
	g_assert_null(strstr(text, "PAUSED"));
	g_assert_null(strstr(text, "support mail"));
}

/* --- every size, every text --- */

static char *tower(void)
{
	GString *text = g_string_new("Z");

	for (guint i = 0; i < 5000; i++)
		g_string_append(text, "\u0300");
	return g_string_free(text, FALSE);
}

static void test_no_text_breaks_the_frame(void)
{
	static const struct { guint width, height; } sizes[] = {
		{ 80, 24 }, { 40, 10 }, { 200, 60 }, { 1, 1 }, { 2, 3 }, { 3, 100 }, { 13, 7 }, { 1000, 1 },
	};
	g_autofree char *zalgo = tower(), *long_text = g_strnfill(10240, 'x');
	const char *const texts[] = {
		"", "plain", zalgo, long_text, "\033[2J\033[31mred\007\r\nnext line\ttab", "\u202eright to left\u2066\u2069\u200f",
		"\u969c\u5bb3\u304c\u767a\u751f\u3057\u3066\u3044\u307e\u3059\u30ed\u30b0\u30a4\u30f3\u3067\u304d\u307e\u305b\u3093",
		"e\u0301a\u0308 o\u0302", "\xff\xfe bytes \xc3", "\xc2\x9b" "31m C1", "\u200b\u200d\ufeff", "\u2028\u2029", "\u0627\u0644\u062e\u062f\u0645\u0629",
	};

	for (gsize t = 0; t < G_N_ELEMENTS(texts); t++) {
		g_autoptr(Status) status = bad_day(texts[t]);

		for (gsize s = 0; s < G_N_ELEMENTS(sizes); s++) {
			for (guint how = 0; how < 4; how++) {
				bool colour = (how & 1) != 0, utf8 = (how & 2) != 0;
				g_autoptr(GPtrArray) lines = layout(status, sizes[s].width, sizes[s].height, colour, utf8);

				g_assert_cmpuint(lines->len, <=, sizes[s].height);
				for (guint i = 0; i < lines->len; i++) {
					const char *line = g_ptr_array_index(lines, i);
					g_autofree char *bare = NULL;

					g_assert_true(g_utf8_validate(line, -1, NULL));
					g_assert_null(strpbrk(line, "\r\n\t\007"));
					if (!colour) {
						g_assert_null(strchr(line, '\033'));
						g_assert_cmpuint(watch_cells(line), <=, sizes[s].width);
						bare = watch_fit(line, sizes[s].width, utf8);
						g_assert_cmpstr(bare, ==, line);
					}
					g_assert_true(utf8 || g_str_is_ascii(line));
				}
			}
		}
	}
}

static void test_colour_is_the_only_difference_of_colour(void)
{
	g_autoptr(Status) status = bad_day("Login fails");
	g_autoptr(GPtrArray) plain = layout(status, 80, 24, false, true), colour = layout(status, 80, 24, true, true);
	g_autoptr(GRegex) sequence = g_regex_new("\033\\[[0-9;]*m", 0, 0, NULL);
	g_autofree char *one = joined(plain), *other = joined(colour), *stripped = NULL;

	stripped = g_regex_replace_literal(sequence, other, -1, 0, "", 0, NULL);
	g_assert_cmpstr(stripped, ==, one);
	g_assert_nonnull(strstr(other, "\033[1;31m"));
}

static void test_fit(void)
{
	static const struct { const char *text; guint cells; bool utf8; const char *shown; } cases[] = {
		{ "abc", 3, true, "abc" }, { "abcd", 3, true, "ab\u2026" }, { "abcd", 3, false, "a.." }, { "abcd", 1, false, "." },
		{ "abcd", 0, true, "" }, { NULL, 3, true, "" }, { "\u969c\u5bb3", 4, true, "\u969c\u5bb3" }, { "\u969c\u5bb3", 3, true, "\u969c\u2026" },
		{ "\u969c\u5bb3", 2, true, "\u2026" }, { "\u969c\u5bb3", 1, true, "\u2026" }, { "\u969c\u5bb3", 4, false, "??" },
		{ "e\u0301x", 2, true, "e\u0301x" }, { "e\u0301xy", 2, true, "e\u0301\u2026" }, { "e\u0301", 1, false, "e" },
		{ "e\u0301\u0301\u0301\u0301\u0301", 1, true, "e\u0301\u0301\u0301" }, { "\u0301", 1, true, "" }, { "a\033[2Jb", 9, true, "a[2Jb" },
		{ "a\u202eb", 9, true, "ab" }, { "a\nb\u00a0c", 9, true, "a b c" }, { "\xff", 9, true, "\ufffd" },
	};

	for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
		g_autofree char *shown = watch_fit(cases[i].text, cases[i].cells, cases[i].utf8);

		g_test_message("case %zu", i);
		g_assert_cmpstr(shown, ==, cases[i].shown);
		g_assert_cmpuint(watch_cells(shown), <=, cases[i].cells);
	}
}

static void test_spark(void)
{
	static const double values[] = { -1, 0, 0.01, 50, 100, 200 };
	static const struct { guint cells; double top; bool utf8; const char *line; } cases[] = {
		{ 6, 100, true, "  \u2581\u2584\u2588\u2588" }, { 6, 100, false, "  .=@@" }, { 2, 100, false, "@@" }, { 0, 100, true, "" },
		{ 9, 200, false, "  .:=@" }, { 9, 0, false, "  @@@@" },
	};

	for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
		g_autofree char *line = watch_spark(values, G_N_ELEMENTS(values), cases[i].cells, cases[i].top, cases[i].utf8);

		g_assert_cmpstr(line, ==, cases[i].line);
	}
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/watch-layout/advice-is-wrapped", test_advice_is_wrapped_and_not_cut);
	g_test_add_func("/watch-layout/whole-frame", test_whole_frame_says_all);
	g_test_add_func("/watch-layout/what-is-not-known", test_what_is_not_known_is_not_shown_as_nothing);
	g_test_add_func("/watch-layout/small-windows", test_small_windows_keep_what_matters_most);
	g_test_add_func("/watch-layout/what-is-cut-is-counted", test_what_is_cut_is_counted);
	g_test_add_func("/watch-layout/promise-is-over-once-an-update-came", test_promise_is_over_once_an_update_came);
	g_test_add_func("/watch-layout/quiet-day", test_quiet_day);
	g_test_add_func("/watch-layout/hostile-texts", test_no_text_breaks_the_frame);
	g_test_add_func("/watch-layout/colour", test_colour_is_the_only_difference_of_colour);
	g_test_add_func("/watch-layout/fit", test_fit);
	g_test_add_func("/watch-layout/spark", test_spark);
	return g_test_run();
}
