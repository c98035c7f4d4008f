/* replay: takes decided mails in and counts them (see replay.h). Layer: program. Pure. */
#include "outagectl/replay.h"

#include <string.h>

#include "base/log.h"
#include "inspect/authres.h"
#include "mail/text.h"

#define SUBJECT_BYTES 200
#define DAY 86400

/* What is kept of every mail. */
typedef struct {
	gint64 at;
	guint order;           /* as it was read */
	guint sender;          /* from 1; 0: nobody */
	guint8 fate;           /* Fate */
	bool match, resolved;
	ReplayLine *line;      /* NULL where there are enough of its kind; owned by lines */
} Mail;

static const struct { const char *name, *words; } fates[FATES] = {
	[FATE_ANSWERED] = { "answered", "acknowledged" },
	[FATE_AGAIN] = { "already_acknowledged", "of people who had been acknowledged already" },
	[FATE_VOUCH] = { "if_vouched", "acknowledged if SPF, DKIM or DMARC vouch for the sender on arrival" },
	[FATE_VOUCH_AGAIN] = { "if_vouched_again", "more mail of these people" },
	[FATE_PEOPLE] = { "left_to_people", "outage mail left to people, without an acknowledgement" },
	[FATE_SILENT] = { "silent", "outage mail of persons to whom nobody would say anything" },
	[FATE_OTHER] = { "other", "no outage mail: left alone" },
	[FATE_MACHINE] = { "machine", "machine mail: never answered" },
};

const char *fate_name(Fate fate)
{
	return fates[fate].name;
}

const char *fate_words(Fate fate)
{
	return fates[fate].words;
}

static void line_free(gpointer data)
{
	ReplayLine *line = data;

	g_free(line->file);
	g_free(line->from);
	g_free(line->subject);
	g_free(line->rules);
	g_free(line->why);
	g_free(line);
}

static GHashTable *counter_new(void)
{
	return g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
}

Replay *replay_new(const Engine *engine, Word word)
{
	Replay *replay = g_new0(Replay, 1);

	replay->engine = engine;
	replay->word = word;
	replay->mails = g_array_new(FALSE, FALSE, sizeof(Mail));
	replay->senders = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	replay->kinds = counter_new();
	replay->queues = counter_new();
	replay->languages = counter_new();
	replay->rules = counter_new();
	replay->ids = counter_new();
	replay->elsewhere = counter_new();
	for (int fate = 0; fate < FATES; fate++)
		replay->lines[fate] = g_ptr_array_new_with_free_func(line_free);
	replay->lifted_lines = g_ptr_array_new_with_free_func(line_free);
	replay->just_over = g_ptr_array_new_with_free_func(line_free);
	replay->just_under = g_ptr_array_new_with_free_func(line_free);
	return replay;
}

void replay_free(Replay *replay)
{
	if (replay == NULL)
		return;
	g_array_unref(replay->mails);
	g_hash_table_unref(replay->senders);
	g_hash_table_unref(replay->kinds);
	g_hash_table_unref(replay->queues);
	g_hash_table_unref(replay->languages);
	g_hash_table_unref(replay->rules);
	g_hash_table_unref(replay->ids);
	g_hash_table_unref(replay->elsewhere);
	for (int fate = 0; fate < FATES; fate++)
		g_ptr_array_unref(replay->lines[fate]);
	g_ptr_array_unref(replay->lifted_lines);
	g_ptr_array_unref(replay->just_over);
	g_ptr_array_unref(replay->just_under);
	g_free(replay);
}

guint replay_count(const Replay *replay)
{
	return replay->mails->len;
}

/* ---- counting ---- */

/* Names come from mail: of more than so many different ones the rest is not told apart. */
static void count(GHashTable *table, const char *name)
{
	guint *n = g_hash_table_lookup(table, name);

	if (n == NULL && g_hash_table_size(table) >= REPLAY_NAMES)
		return;
	if (n == NULL) {
		n = g_new0(guint, 1);
		g_hash_table_insert(table, g_strdup(name), n);
	}
	(*n)++;
}

static int by_count(gconstpointer a, gconstpointer b)
{
	const ReplayCount *x = a, *y = b;

	return x->count != y->count ? (x->count < y->count) - (x->count > y->count) : strcmp(x->name, y->name);
}

GArray *replay_counts(GHashTable *table)
{
	GArray *counts = g_array_new(FALSE, FALSE, sizeof(ReplayCount));
	GHashTableIter iter;
	gpointer name, n;

	g_hash_table_iter_init(&iter, table);
	while (g_hash_table_iter_next(&iter, &name, &n)) {
		ReplayCount one = { name, *(guint *)n };

		g_array_append_val(counts, one);
	}
	g_array_sort(counts, by_count);
	return counts;
}

static guint number_of(Replay *replay, const char *sender)
{
	guint number;

	if (sender == NULL)
		return 0;
	number = GPOINTER_TO_UINT(g_hash_table_lookup(replay->senders, sender));
	if (number == 0) {
		number = g_hash_table_size(replay->senders) + 1;
		g_hash_table_insert(replay->senders, g_strdup(sender), GUINT_TO_POINTER(number));
	}
	return number;
}

/* ---- one mail ---- */

#define MACHINE_REASONS (REASON_BIT(REASON_NOT_ADDRESSED) - 1)
#define PEOPLE_REASONS (REASON_BIT(REASON_VIP) | REASON_BIT(REASON_ESCALATED) | REASON_BIT(REASON_SENSITIVE) | REASON_BIT(REASON_ROUTE))

static Fate fate_of(const Verdict *verdict)
{
	if ((verdict->reasons & MACHINE_REASONS) != 0)
		return FATE_MACHINE;
	if (!verdict->match)
		return FATE_OTHER;
	if (verdict->reasons == 0)
		return FATE_ANSWERED;
	if ((verdict->reasons & PEOPLE_REASONS) != 0)
		return FATE_PEOPLE;
	return verdict->reasons == REASON_BIT(REASON_UNAUTHENTICATED) ? FATE_VOUCH : FATE_SILENT;
}

static bool names_any(char *const *list)
{
	return list != NULL && list[0] != NULL;
}

/* Its route takes out of the flood whoever this mail is, or what stands in it. */
static bool is_lifted(const Verdict *verdict)
{
	const Route *route = verdict->route;

	return (verdict->reasons & MACHINE_REASONS) == 0 &&
	    (verdict->page || (route != NULL && (route->when_account == WHEN_YES || names_any(route->when_level) ||
	    names_any(route->when_escalate) || names_any(route->when_sensitive))));
}

static void append(GString *list, const char *text)
{
	g_string_append_printf(list, "%s%s", list->len > 0 ? ", " : "", text);
}

/* Counts what it was taken out for, and says it. Caller frees. */
static char *kinds_of(Replay *replay, const Verdict *verdict)
{
	GString *list = g_string_new(NULL);
	bool account = verdict->account != NULL && verdict->verified != VERIFIED_NO;

	if (account) {
		g_autofree char *name = g_strdup_printf("account %s", verdict->account->name);

		count(replay->kinds, "account");
		append(list, name);
	}
	for (guint i = 0; i < verdict->escalate->len; i++) {
		count(replay->kinds, g_ptr_array_index(verdict->escalate, i));
		append(list, g_ptr_array_index(verdict->escalate, i));
	}
	for (guint i = 0; i < verdict->sensitive->len; i++) {
		count(replay->kinds, g_ptr_array_index(verdict->sensitive, i));
		append(list, g_ptr_array_index(verdict->sensitive, i));
	}
	if (list->len == 0)
		count(replay->kinds, "route");
	append(list, verdict->queue);
	return g_string_free(list, FALSE);
}

static char *joined(const GPtrArray *names)
{
	GString *list = g_string_new(NULL);

	for (guint i = 0; i < names->len; i++)
		append(list, g_ptr_array_index(names, i));
	return g_string_free(list, FALSE);
}

/* What is shown goes to managers and into tickets; a secret is not. */
static char *shown_subject(const Message *message, const Verdict *verdict)
{
	g_autofree char *subject = NULL;

	if (verdict->sensitive->len > 0)
		return g_strdup("(not shown: the mail holds a secret)");
	subject = text_decode_header(message_header(message, "Subject", 0));
	return log_escape(subject, SUBJECT_BYTES);
}

/* why: what it was taken out for, or NULL: the reasons against an answer. */
static ReplayLine *line_new(const Message *message, const Verdict *verdict, gint64 at, const char *file, const char *why)
{
	ReplayLine *line = g_new0(ReplayLine, 1);
	g_autoptr(GPtrArray) from = text_addresses(message_header(message, "From", 0));
	g_autofree char *reasons = reason_list(verdict->reasons), *rules = joined(verdict->rules);
	const char *sender = verdict->correspondent.address != NULL ? verdict->correspondent.address
	    : from->len > 0                                         ? g_ptr_array_index(from, 0)
	                                                            : "";

	line->at = at;
	line->file = log_escape(file, 0);
	line->from = log_escape(sender, SUBJECT_BYTES);
	line->subject = shown_subject(message, verdict);
	line->rules = log_escape(rules, 4 * SUBJECT_BYTES);
	line->why = log_escape(why != NULL ? why : reasons, SUBJECT_BYTES);
	line->score = verdict->score;
	line->threshold = verdict->threshold;
	return line;
}

static double distance(const ReplayLine *line)
{
	return line->score > line->threshold ? line->score - line->threshold : line->threshold - line->score;
}

/* The nearest first; of those as near the earlier read. */
static void keep_near(GPtrArray *near, const Message *message, const Verdict *verdict, gint64 at, const char *file)
{
	double away = verdict->score > verdict->threshold ? verdict->score - verdict->threshold : verdict->threshold - verdict->score;
	guint place = near->len;

	while (place > 0 && distance(g_ptr_array_index(near, place - 1)) > away)
		place--;
	if (place >= REPLAY_NEAR)
		return;
	g_ptr_array_insert(near, (gint)place, line_new(message, verdict, at, file, NULL));
	if (near->len > REPLAY_NEAR)
		g_ptr_array_set_size(near, REPLAY_NEAR);
}

static bool is_trusted(const Config *config, const char *id)
{
	return config->authserv_ids != NULL && g_strv_contains((const char *const *)config->authserv_ids, id);
}

/* Who might have vouched for it, had we trusted him. */
static void note_authres(Replay *replay, const Message *message)
{
	const char *value = message_header(message, "Authentication-Results", 0);
	g_autofree char *top = value != NULL ? authres_peek_id(value) : NULL;
	bool trusted = false;

	if (value == NULL)
		return;
	replay->authres++;
	for (guint nth = 0; !trusted && (value = message_header(message, "Authentication-Results", nth)) != NULL; nth++) {
		g_autofree char *id = authres_peek_id(value);

		trusted = id != NULL && is_trusted(replay->engine->config, id);
	}
	if (trusted)
		replay->trusted++;
	else if (top != NULL)
		count(replay->ids, top);
}

/* To whom it went, where that is none of ours. */
static void note_elsewhere(Replay *replay, const Message *message)
{
	g_autoptr(GPtrArray) to = text_addresses(message_header(message, "To", 0));

	if (to->len > 0) {
		g_autofree char *address = g_utf8_strdown(g_ptr_array_index(to, 0), -1);

		count(replay->elsewhere, address);
	}
}

static void note_match(Replay *replay, const Message *message, const Verdict *verdict)
{
	count(replay->languages, verdict->language != NULL ? verdict->language : "und");
	for (guint i = 0; i < verdict->rules->len; i++)
		count(replay->rules, g_ptr_array_index(verdict->rules, i));
	for (guint reason = 0; reason < REASONS; reason++)
		replay->reasons[reason] += (verdict->reasons & REASON_BIT(reason)) != 0;
	if ((verdict->reasons & REASON_BIT(REASON_NOT_ADDRESSED)) != 0)
		note_elsewhere(replay, message);
}

void replay_add(Replay *replay, const Message *message, const Verdict *verdict, gint64 at, const char *file)
{
	Mail mail = { .at = at != 0 ? at : replay->last_at, .order = replay->mails->len, .match = verdict->match };
	bool lifted = is_lifted(verdict);

	replay->undated += at == 0;
	replay->last_at = mail.at;
	mail.fate = (guint8)fate_of(verdict);
	mail.sender = number_of(replay, verdict->correspondent.normal);
	mail.resolved = verdict->incident != NULL && verdict->incident->state.word == WORD_RESOLVED;
	note_authres(replay, message);
	count(replay->queues, verdict->queue != NULL ? verdict->queue : "normal");
	if (verdict->match && mail.fate != FATE_MACHINE)
		note_match(replay, message, verdict);
	if (verdict->account != NULL && verdict->verified == VERIFIED_NO)
		replay->account_unproven++;
	if (lifted) {
		g_autofree char *kinds = kinds_of(replay, verdict);

		replay->lifted++;
		if (replay->lifted_lines->len < REPLAY_LINES)
			g_ptr_array_add(replay->lifted_lines, line_new(message, verdict, at, file, kinds));
	}
	if (mail.fate != FATE_MACHINE && verdict->incident != NULL)
		keep_near(verdict->match ? replay->just_over : replay->just_under, message, verdict, at, file);
	if (replay->lines[mail.fate]->len < REPLAY_LINES) {
		mail.line = line_new(message, verdict, at, file, NULL);
		g_ptr_array_add(replay->lines[mail.fate], mail.line);
	}
	g_array_append_val(replay->mails, mail);
}

/* ---- all of them ---- */

static int by_time(gconstpointer a, gconstpointer b)
{
	const Mail *x = a, *y = b;

	return x->at != y->at ? (x->at > y->at) - (x->at < y->at) : (x->order > y->order) - (x->order < y->order);
}

static int lines_by_time(gconstpointer a, gconstpointer b)
{
	const ReplayLine *x = *(ReplayLine *const *)a, *y = *(ReplayLine *const *)b;

	return (x->at > y->at) - (x->at < y->at);
}

static void move_line(Replay *replay, Mail *mail, Fate from, Fate to)
{
	guint index;

	if (mail->line == NULL || !g_ptr_array_find(replay->lines[from], mail->line, &index))
		return;
	(void)g_ptr_array_steal_index(replay->lines[from], index);
	g_ptr_array_add(replay->lines[to], mail->line);
}

/* Of one kind (while it was on, after the fix) each person gets one acknowledgement. */
static void settle_one(Replay *replay, Mail *mail, GHashTable *answered, GHashTable *vouched)
{
	gpointer key = GUINT_TO_POINTER(mail->sender * 2 + mail->resolved);
	Fate fate = mail->fate;

	if (fate == FATE_ANSWERED && !g_hash_table_add(answered, key))
		mail->fate = FATE_AGAIN;
	else if (fate == FATE_VOUCH && (g_hash_table_contains(answered, key) || !g_hash_table_add(vouched, key)))
		mail->fate = FATE_VOUCH_AGAIN;
	if (mail->fate != fate)
		move_line(replay, mail, fate, mail->fate);
}

void replay_settle(Replay *replay)
{
	g_autoptr(GHashTable) answered = g_hash_table_new(NULL, NULL);
	g_autoptr(GHashTable) vouched = g_hash_table_new(NULL, NULL);

	g_array_sort(replay->mails, by_time);
	for (guint i = 0; i < replay->mails->len; i++) {
		Mail *mail = &g_array_index(replay->mails, Mail, i);

		settle_one(replay, mail, answered, vouched);
		replay->fates[mail->fate]++;
		if (replay->from == 0)
			replay->from = mail->at;
		replay->to = mail->at;
	}
	replay->people[0] = g_hash_table_size(answered);
	replay->people[1] = g_hash_table_size(vouched);
	for (int fate = 0; fate < FATES; fate++)
		g_ptr_array_sort(replay->lines[fate], lines_by_time);
	g_ptr_array_sort(replay->lifted_lines, lines_by_time);
}

/* When the first of the mails came that the chart shows. A mail or a few whose clock was wrong by years (dated 1970, or as a spammer liked)
 * would flatten all the rest to one column: where no more than a twentieth of the mails lies before a gap that is longer than a month and
 * than all that comes after it, the chart begins behind the gap. */
static gint64 series_begin(const Replay *replay)
{
	guint few = replay->mails->len / 20;
	gint64 begin = replay->from;

	for (guint i = 1; i <= few && i < replay->mails->len; i++) {
		gint64 gap = g_array_index(replay->mails, Mail, i).at - g_array_index(replay->mails, Mail, i - 1).at;

		if (gap > MAX(replay->to - g_array_index(replay->mails, Mail, i).at, 30 * DAY))
			begin = g_array_index(replay->mails, Mail, i).at;
	}
	return begin;
}

void replay_series(const Replay *replay, gint64 *from, gint64 *step, double **outage, double **all, guint *n)
{
	gint64 begin;
	static const gint64 steps[] = { 60, 300, 900, 3600, 3 * 3600, 6 * 3600, DAY, 7 * DAY, 30 * DAY };
	guint i = 0;

	*n = 0;
	*outage = *all = NULL;
	if (replay->from == 0)
		return;
	begin = series_begin(replay);
	while (i + 1 < G_N_ELEMENTS(steps) && (replay->to - begin) / steps[i] >= 150)
		i++;
	*step = steps[i];
	*from = begin - begin % *step;
	*n = (guint)MIN((replay->to - *from) / *step + 1, 1000);
	*outage = g_new0(double, *n);
	*all = g_new0(double, *n);
	for (guint j = 0; j < replay->mails->len; j++) {
		const Mail *mail = &g_array_index(replay->mails, Mail, j);
		gint64 place = (mail->at - *from) / *step;

		if (mail->at < *from || place >= *n)
			continue;
		(*all)[place]++;
		(*outage)[place] += mail->match && mail->fate != FATE_MACHINE;
	}
}
