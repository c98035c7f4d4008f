/* report-promises: did each word come when it was promised? Layer: program. Pure. See report.h.
 *
 * What was promised stands in the events: "promise" with the time (store.h). One that was given together with an update comes right before
 * it, by the same hand, and is for the word after that update. Where no time was named, the playbook's update_every is the promise, for that
 * is what the acknowledgements say then. */
#include <string.h>

#include "base/clock.h"
#include "outagectl/report.h"

#define TOGETHER 5     /* seconds between the parts of one command, at most */
#define GRACE 60       /* a word in the minute that was promised is not late */

static bool is(const StoreEvent *event, const char *what)
{
	return strcmp(event->what, what) == 0;
}

/* Whether the promise at index belongs to the update that follows it. */
static bool is_of_next_update(const GPtrArray *events, guint index)
{
	const StoreEvent *promise = g_ptr_array_index(events, index);

	for (guint i = index + 1; i < events->len; i++) {
		const StoreEvent *next = g_ptr_array_index(events, i);

		if (next->at - promise->at > TOGETHER || g_strcmp0(next->by, promise->by) != 0)
			return false;
		if (!is(next, "texts"))
			return is(next, "update");
	}
	return false;
}

static void close_gap(Report *report, ReportGap *gap, gint64 standing, gint64 said)
{
	gint64 every = report->playbook != NULL ? report->playbook->update_every : 0, seen = said != 0 ? said : report->now;

	gap->promised = standing > gap->from ? standing : every > 0 ? gap->from + every : 0;
	gap->by_rule = standing <= gap->from && every > 0;
	gap->said = said;
	gap->overdue = gap->promised != 0 && seen - gap->promised >= GRACE ? seen - gap->promised : 0;
	g_array_append_val(report->gaps, *gap);
	gap->from = said;
}

/* The time that stands in the texts, set by a hand that leaves no event. */
static gint64 standing_text(const Report *report)
{
	gint64 at;

	return clock_parse(report->texts[TEXT_NEXT_UPDATE_AT], &at) ? at : 0;
}

static bool any_promise(const GPtrArray *events)
{
	for (guint i = 0; i < events->len; i++)
		if (is(g_ptr_array_index(events, i), "promise"))
			return true;
	return false;
}

void report_judge_promises(Report *report)
{
	ReportGap gap = { .from = report->begin };
	gint64 standing = any_promise(report->events) ? 0 : standing_text(report), coming = 0;
	bool open = true;

	for (guint i = 0; i < report->events->len; i++) {
		const StoreEvent *event = g_ptr_array_index(report->events, i);

		if (is(event, "promise")) {
			gint64 at = 0;

			if (clock_parse(event->detail, &at) && is_of_next_update(report->events, i))
				coming = at;
			else if (at != 0)
				standing = at;
		} else if (open && is(event, "update")) {
			close_gap(report, &gap, standing, event->at);
			standing = coming != 0 ? coming : standing;
			coming = 0;
		} else if (open && (is(event, "resolved") || is(event, "ended"))) {
			close_gap(report, &gap, standing, event->at);
			open = false;
		} else if (!open && is(event, "reopened")) {
			gap = (ReportGap){ .from = event->at };
			standing = 0;
			open = true;
		}
	}
	/* Where the end of the history is missing, so may be the word that came. */
	if (open && report->open && report->events_known)
		close_gap(report, &gap, standing, 0);
}
