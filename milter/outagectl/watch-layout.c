/* watch-layout: the lines of one frame of `outagectl status --watch` (see watch.h). Layer: program. Pure.
 *
 * A frame is a head and sections in the order in which they are read. Where not all fits, each section first gets the few lines without
 * which it says nothing, the most important section first, and what is left over goes round. A section that is cut says how much of it is
 * missing. */
#include <string.h>

#include "base/clock.h"
#include "outagectl/watch.h"

typedef enum { STYLE_PLAIN, STYLE_HEAD, STYLE_ALERT, STYLE_NOTICE, STYLE_FAINT } Style;
static const char *const styles[] = { "", "\033[1m", "\033[1;31m", "\033[33m", "\033[2m" };
#define STYLE_END "\033[0m"

typedef enum {
	LINE_HEAD,             /* names the section */
	LINE_ITEM,             /* one of its things */
	LINE_MORE              /* more about the item above; goes first */
} LineKind;
typedef struct {
	LineKind kind;
	Style style;
	char *text;
	char *rest;            /* of a text that goes on in the next line: with what stands there; else NULL */
} Line;

typedef struct {
	GPtrArray *lines;      /* Line * */
	guint beyond;          /* things that are not among the lines at all */
	guint least, given;
} Section;

/* In the order in which they are read, and are given lines. */
enum { SECTION_WRONG, SECTION_INCIDENTS, SECTION_WAITING, SECTION_VOLUME, SECTION_ALARMS, SECTION_QUEUE, SECTION_NODES, SECTIONS };
static const guint least_lines[SECTIONS] = { 2, 2, 2, 1, 1, 1, 1 };

static void line_free(Line *line)
{
	g_free(line->text);
	g_free(line->rest);
	g_free(line);
}

static void add(Section *section, LineKind kind, Style style, const char *format, ...) G_GNUC_PRINTF(4, 5);
static void add(Section *section, LineKind kind, Style style, const char *format, ...)
{
	Line *line = g_new0(Line, 1);
	va_list args;

	line->kind = kind;
	line->style = style;
	va_start(args, format);
	line->text = g_strdup_vprintf(format, args);
	va_end(args);
	g_ptr_array_add(section->lines, line);
}

/* --- the sections --- */

/* Adds text broken at spaces, for what it says last is what to do. The lines after the first are the first to go where there is no room. */
static void add_wrapped(Section *section, guint width, Style style, const char *mark, const char *text)
{
	g_autofree char *valid = g_utf8_make_valid(text, -1);
	g_auto(GStrv) words = g_strsplit_set(valid, " \n", -1);
	g_autoptr(GString) line = g_string_new(mark);
	LineKind kind = LINE_ITEM;
	bool empty = true;

	for (guint i = 0; words[i] != NULL; i++) {
		if (!empty && watch_cells(line->str) + 1 + watch_cells(words[i]) > width) {
			g_autofree char *rest = g_strjoinv(" ", words + i);

			add(section, kind, style, "%s", line->str);
			((Line *)g_ptr_array_index(section->lines, section->lines->len - 1))->rest = g_strconcat(line->str, " ", rest, NULL);
			kind = LINE_MORE;
			g_string_assign(line, "  ");
			empty = true;
		}
		g_string_append_printf(line, "%s%s", empty ? "" : " ", words[i]);
		empty = false;
	}
	add(section, kind, style, "%s", line->str);
}

/* Alarms have a section of their own. */
static void fill_wrong(Section *section, const WatchView *view)
{
	const Status *status = view->status;

	for (guint i = 0; i < status->wrong->len; i++) {
		const Wrong *wrong = g_ptr_array_index(status->wrong, i);

		if (!wrong->alarm)
			add_wrapped(section, view->width, STYLE_ALERT, "! ", wrong->text);
	}
}

static gint64 counter(const StatusCounts *counts, const char *name)
{
	const char *value = g_hash_table_lookup(counts->counters, name);

	return value != NULL ? g_ascii_strtoll(value, NULL, 10) : 0;
}

/* "12 already-acked, 3 no-match", the most frequent first; caller frees. */
static char *held_back(const StatusCounts *counts)
{
	g_autoptr(GPtrArray) names = status_counter_names(counts->counters);
	GString *text = g_string_new(NULL);

	while (names->len > 0) {
		guint most = 0;
		const char *name;

		for (guint i = 1; i < names->len; i++)
			if (counter(counts, g_ptr_array_index(names, i)) > counter(counts, g_ptr_array_index(names, most)))
				most = i;
		name = g_ptr_array_steal_index(names, most);
		if (g_str_has_prefix(name, HELD))
			g_string_append_printf(text, "%s%" G_GINT64_FORMAT " %s", text->len > 0 ? ", " : "", counter(counts, name),
			    name + strlen(HELD));
	}
	return g_string_free(text, FALSE);
}

static void add_counts(Section *section, const Status *status, const StatusCounts *counts)
{
	g_autofree char *held = counts->counters != NULL ? held_back(counts) : NULL, *responses = status_responses_text(status, counts);

	if (counts->counters == NULL)
		add(section, LINE_MORE, STYLE_PLAIN, "    what was counted of it cannot be read");
	else
		add(section, LINE_MORE, STYLE_PLAIN, "    %" G_GINT64_FORMAT " matched, %" G_GINT64_FORMAT " acknowledged (%" G_GINT64_FORMAT
		    " sent), %" G_GINT64_FORMAT " customers", counter(counts, "matched"), counter(counts, "queued"), counter(counts, "sent"),
		    counter(counts, "affected"));
	if (held != NULL && *held != '\0')
		add(section, LINE_MORE, STYLE_PLAIN, "    held back: %s", held);
	if (responses != NULL)
		add(section, LINE_MORE, STYLE_PLAIN, "    %s", responses);
}

static void add_promise(Section *section, const Status *status, const Config *config, const Incident *incident)
{
	gint64 next;

	if (!word_is_open(incident->state.word))
		return;
	next = incident_promise(incident, config->playbook[incident->state.word].update_every);
	if (next != 0) {
		bool late = next < status->now;
		g_autofree char *span = late ? status_ago(status->now, next) : status_ago(next, status->now);

		add(section, LINE_MORE, late ? STYLE_ALERT : STYLE_PLAIN, late ? "    THE PROMISED UPDATE IS %s OVERDUE" :
		    "    next update promised in %s", span);
	}
	if (incident->update_text != NULL) {
		g_autofree char *ago = status_ago(status->now, incident->update_at);

		add(section, LINE_MORE, STYLE_PLAIN, "    last update %s ago: %s", ago, incident->update_text);
	}
}

static void add_incident(Section *section, const Status *status, const Config *config, const Incident *incident)
{
	const IncidentState *state = &incident->state;
	const StatusCounts *counts = status_counts_find(status, state->id);
	bool over = state->word == WORD_RESOLVED;
	g_autofree char *since = status_ago(status->now, over ? state->resolved_at : state->declared_at);
	const char *title = incident->texts[TEXT_TITLE];

	add(section, LINE_ITEM, over ? STYLE_NOTICE : STYLE_HEAD, "%s  %s %s for %s%s%s", incident->name, word_name(state->word),
	    over ? "" : incident_phase(incident), since, title != NULL ? "  " : "", title != NULL ? title : "");
	add_promise(section, status, config, incident);
	if (counts != NULL)
		add_counts(section, status, counts);
}

/* The highest severity first, then the one that has been on for longest. */
static int by_severity(gconstpointer a, gconstpointer b)
{
	const IncidentState *x = &(*(Incident *const *)a)->state, *y = &(*(Incident *const *)b)->state;

	if (x->word != y->word)
		return (int)x->word - (int)y->word;
	return (x->declared_at > y->declared_at) - (x->declared_at < y->declared_at);
}

static void fill_incidents(Section *section, const Status *status, const Config *config)
{
	g_autoptr(GPtrArray) active = g_ptr_array_new();

	for (guint i = 0; status->snapshot != NULL && i < status->snapshot->incidents->len; i++) {
		Incident *incident = g_ptr_array_index(status->snapshot->incidents, i);

		if (incident_is_active(incident, status->now, config->resolved_for / 1000))
			g_ptr_array_add(active, incident);
	}
	g_ptr_array_sort(active, by_severity);
	for (guint i = 0; i < active->len; i++)
		add_incident(section, status, config, g_ptr_array_index(active, i));
	if (active->len == 0)
		add(section, LINE_ITEM, STYLE_PLAIN, status->snapshot != NULL ? "no incident is on" : "what is on is not known");
}

/* How long, for whom, about what; what is overdue says so before what may be cut. */
static void add_waiting(Section *section, const Status *status, const Waiting *waiting)
{
	g_autofree char *since = status_ago(status->now, waiting->since);
	g_autoptr(GString) text = g_string_new(NULL);
	bool late = waiting_is_overdue(waiting, status->now);

	g_string_append_printf(text, "  %-6s ", since);
	if (late) {
		g_autofree char *span = status_ago(status->now, waiting->respond_by);

		g_string_append_printf(text, "OVERDUE %s  ", span);
	}
	if (!waiting->verified) {
		g_string_append(text, "a note that this site has not signed");
	} else {
		if (waiting->account != NULL)
			g_string_append_printf(text, "%s%s%s%s  ", waiting->account, waiting->level != NULL ? " (" : "",
			    waiting->level != NULL ? waiting->level : "", waiting->level != NULL ? ")" : "");
		if (waiting->kinds != NULL && *waiting->kinds != '\0')
			g_string_append_printf(text, "%s  ", waiting->kinds);
		g_string_append_printf(text, "%s  %s", waiting->sender != NULL ? waiting->sender : "",
		    waiting->subject != NULL ? waiting->subject : "");
	}
	add(section, LINE_ITEM, late ? STYLE_ALERT : STYLE_PLAIN, "%s", text->str);
}

static void fill_waiting(Section *section, const Status *status)
{
	const Waiting *first;
	guint late = status_overdue(status, &first);

	if (status->waiting == NULL || status->waiting_count == 0)
		return;
	if (late > 0)
		add(section, LINE_HEAD, STYLE_ALERT, "%u wait for a person, %u LONGER THAN THEY WERE TO", status->waiting_count, late);
	else
		add(section, LINE_HEAD, STYLE_HEAD, "%u wait for a person", status->waiting_count);
	for (guint i = 0; i < status->waiting->len; i++)
		add_waiting(section, status, g_ptr_array_index(status->waiting, i));
	section->beyond = status->waiting_count - MIN(status->waiting_count, status->waiting->len);
}

#define SPARK_LABEL "  last hour  "
#define USUAL_LABEL "  usual      "

static void fill_volume(Section *section, const WatchView *view)
{
	const StatusVolume *volume = &view->status->volume;
	g_autofree char *text = status_volume_text(view->status), *now = NULL, *usual = NULL;
	guint cells = view->width > strlen(SPARK_LABEL) ? view->width - (guint)strlen(SPARK_LABEL) : 0;
	double top = 1;

	if (text == NULL)
		return;
	for (guint i = 0; i < STATUS_MINUTES; i++)
		top = MAX(top, MAX(volume->mails[i], volume->usual[i]));
	now = watch_spark(volume->mails, STATUS_MINUTES, cells, top, view->utf8);
	usual = watch_spark(volume->usual, STATUS_MINUTES, cells, top, view->utf8);
	add(section, LINE_HEAD, volume->usual_rate > 0 && volume->rate >= 3 * volume->usual_rate ? STYLE_ALERT : STYLE_PLAIN, "%s", text);
	add(section, LINE_HEAD, STYLE_PLAIN, SPARK_LABEL "%s", now);
	if (volume->usual_rate >= 0)
		add(section, LINE_MORE, STYLE_FAINT, USUAL_LABEL "%s", usual);
}

static void fill_alarms(Section *section, const WatchView *view)
{
	const Status *status = view->status;

	for (guint i = 0; status->alarms != NULL && i < status->alarms->len; i++) {
		const StoredAlarm *alarm = g_ptr_array_index(status->alarms, i);
		g_autofree char *since = status_ago(status->now, alarm->since);

		g_autofree char *mark = g_strdup_printf("ALARM %s (%s): ", alarm->key, since);

		add_wrapped(section, view->width, STYLE_ALERT, mark, alarm->text);
	}
}

static void fill_queue(Section *section, const Status *status)
{
	const QueueCounts *queue = &status->queue;
	guint64 own = status->spool.known ? status->spool.local + status->spool.held + status->spool.asked : 0;
	g_autoptr(GString) text = g_string_new(NULL);

	if (status->away == NULL) {
		g_string_append_printf(text, "queue: %" G_GUINT64_FORMAT " waiting, %" G_GUINT64_FORMAT " for later, %" G_GUINT64_FORMAT
		    " dead, %" G_GUINT64_FORMAT " sent", queue->pending, queue->delayed, queue->dead, queue->sent);
		if (queue->oldest != 0) {
			g_autofree char *since = status_ago(status->now, queue->oldest);

			g_string_append_printf(text, "; the oldest has waited for %s", since);
		}
	}
	if (own > 0)
		g_string_append_printf(text, "%s%" G_GUINT64_FORMAT " in this node's own keeping", text->len > 0 ? "; " : "queue: ", own);
	if (text->len > 0)
		add(section, LINE_ITEM, queue->dead > 0 ? STYLE_NOTICE : STYLE_PLAIN, "%s", text->str);
}

static void fill_nodes(Section *section, const Status *status)
{
	for (int silent = 1; silent >= 0; silent--) {
		for (guint i = 0; i < status->nodes->len; i++) {
			const StatusNode *node = g_ptr_array_index(status->nodes, i);
			g_autofree char *since = status_ago(status->now, node->at);

			if (node->silent != (silent == 1))
				continue;
			add(section, LINE_ITEM, silent ? STYLE_ALERT : STYLE_PLAIN, "%s  %s %s, %s%s%s", node->name,
			    node->program != NULL ? node->program : "", node->version != NULL ? node->version : "",
			    node->at == 0 ? "never heard" : silent ? "SILENT for " : "seen ", node->at == 0 ? "" : since,
			    node->at == 0 || silent ? "" : " ago");
		}
	}
}

static char *head_text(const WatchView *view)
{
	const Status *status = view->status;
	g_autofree char *time = clock_format(status->now);
	GString *text = g_string_new(NULL);

	if (view->config->mode != MODE_LIVE)
		g_string_append(text, "SHADOW  ");
	if (status->snapshot != NULL && status->snapshot->pause != NULL)
		g_string_append(text, "PAUSED  ");
	g_string_append_printf(text, "%s  %s", status->wrong->len == 0 ? "all is well with the mail" : "outagectl status", time);
	if (view->keys)
		g_string_append(text, "  q: quit");
	return g_string_free(text, FALSE);
}

/* --- making it fit --- */

static void share_lines(Section sections[SECTIONS], guint room)
{
	bool any = true;

	for (guint i = 0; i < SECTIONS; i++) {
		sections[i].given = MIN(MIN(sections[i].lines->len, least_lines[i]), room);
		room -= sections[i].given;
	}
	while (room > 0 && any) {
		any = false;
		for (guint i = 0; i < SECTIONS && room > 0; i++) {
			if (sections[i].given == sections[i].lines->len)
				continue;
			sections[i].given++;
			room--;
			any = true;
		}
	}
}

/* Of a section that is cut the details go first, from its end. */
static void drop_details(Section *section)
{
	for (guint i = section->lines->len; i > 0 && section->lines->len > section->given; i--)
		if (((Line *)g_ptr_array_index(section->lines, i - 1))->kind == LINE_MORE)
			g_ptr_array_remove_index(section->lines, i - 1);
}

/* Returns the text as it is shown; caller frees. `tail` stands at its end whatever else has to go. */
static char *shown(const WatchView *view, Style style, const char *text, const char *tail)
{
	guint tail_cells = MIN(watch_cells(tail), view->width);
	g_autofree char *end = watch_fit(tail, tail_cells, view->utf8);
	g_autofree char *begin = watch_fit(text, view->width - tail_cells, view->utf8);
	bool styled = view->colour && style != STYLE_PLAIN;

	return g_strconcat(styled ? styles[style] : "", begin, end, styled ? STYLE_END : "", NULL);
}

/* A text whose next line went shows that it was cut. */
static const char *text_at(const Section *section, guint i, guint last)
{
	const Line *line = g_ptr_array_index(section->lines, i);
	bool goes_on = i + 1 < last && ((const Line *)g_ptr_array_index(section->lines, i + 1))->kind == LINE_MORE;

	return line->rest != NULL && !goes_on ? line->rest : line->text;
}

/* Shows the section in the lines it was given, with how many of its things are missing. */
static void show_section(const WatchView *view, Section *section, GPtrArray *out)
{
	guint missing = section->beyond, last;
	g_autofree char *tail = NULL;

	drop_details(section);
	for (guint i = section->given; i < section->lines->len; i++)
		missing += ((Line *)g_ptr_array_index(section->lines, i))->kind == LINE_ITEM;
	if (section->given == 0)
		return;
	/* A line of its own where there are some. */
	last = section->given;
	if (missing > 0 && section->given >= 3) {
		last--;
		missing += section->given < section->lines->len || section->beyond > 0 ?
		    ((Line *)g_ptr_array_index(section->lines, last))->kind == LINE_ITEM : 0;
	}
	tail = missing > 0 ? g_strdup_printf(last < section->given ? "  and %u more" : " (and %u more)", missing) : g_strdup("");
	for (guint i = 0; i < last; i++) {
		const Line *line = g_ptr_array_index(section->lines, i);

		g_ptr_array_add(out, shown(view, line->style, text_at(section, i, last), i + 1 == section->given ? tail : ""));
	}
	if (last < section->given)
		g_ptr_array_add(out, shown(view, STYLE_FAINT, tail, ""));
}

static void fill_sections(const WatchView *view, Section sections[SECTIONS])
{
	for (guint i = 0; i < SECTIONS; i++)
		sections[i].lines = g_ptr_array_new_with_free_func((GDestroyNotify)line_free);
	if (view->note != NULL)
		add(&sections[SECTION_WRONG], LINE_ITEM, STYLE_ALERT, "! %s", view->note);
	fill_wrong(&sections[SECTION_WRONG], view);
	fill_incidents(&sections[SECTION_INCIDENTS], view->status, view->config);
	fill_waiting(&sections[SECTION_WAITING], view->status);
	fill_volume(&sections[SECTION_VOLUME], view);
	fill_alarms(&sections[SECTION_ALARMS], view);
	fill_queue(&sections[SECTION_QUEUE], view->status);
	fill_nodes(&sections[SECTION_NODES], view->status);
}

GPtrArray *watch_layout(const WatchView *view)
{
	GPtrArray *out = g_ptr_array_new_with_free_func(g_free);
	Section sections[SECTIONS] = { { .beyond = 0 } };
	guint room = view->height == 0 ? G_MAXUINT : view->height - 1, total = 0, shown_sections = 0;
	g_autofree char *head = head_text(view);
	bool apart;

	fill_sections(view, sections);
	for (guint i = 0; i < SECTIONS; i++) {
		total += sections[i].lines->len;
		shown_sections += sections[i].lines->len > 0;
	}
	/* Empty lines between the sections, where they cost nothing. */
	apart = total + shown_sections <= room;
	share_lines(sections, room);
	g_ptr_array_add(out, shown(view, STYLE_HEAD, head, ""));
	for (guint i = 0; i < SECTIONS; i++) {
		if (apart && sections[i].lines->len > 0)
			g_ptr_array_add(out, g_strdup(""));
		show_section(view, &sections[i], out);
		g_ptr_array_unref(sections[i].lines);
	}
	return out;
}
