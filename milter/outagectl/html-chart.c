/* html-chart: html_chart of html.h, bars over time as inline SVG. Layer: program.
 *
 * Widths are percentages and letters keep their size, so that one drawing fits a phone and a desk; only the bars and the line lie in an inner
 * drawing that is stretched. Colours come from the page's style sheet. */
#include <math.h>
#include <stdbool.h>

#include "outagectl/html.h"

#define LABEL_ROWS 3    /* of marks */
#define ROW_HEIGHT 17   /* pixels */
#define PLOT_HEIGHT 180
#define AXIS_HEIGHT 22
#define NARROW 330.0    /* pixels: the width on a phone, by which labels are spread */
#define LETTER 6.8      /* pixels: width of one of theirs, about */
#define LABEL_MAX 22    /* letters */
#define TICKS_MAX 9

typedef struct {
	GString *page;
	gint64 from, to;
	double top;      /* value at the upper edge */
	guint rows;      /* of labels of marks */
} Chart;

/* Returns the next of 1, 2, 3, 4, 5, 6, 8, 10, 20, ... that is no less: half of it reads well, too. */
static double round_up(double value)
{
	double power = pow(10, floor(log10(value)));

	static const double steps[] = { 1, 2, 3, 4, 5, 6, 8 };

	for (gsize i = 0; i < G_N_ELEMENTS(steps); i++)
		if (value <= power * steps[i])
			return power * steps[i];
	return power * 10;
}

static double largest(const double *values, const double *expected, guint n)
{
	double most = 0;

	for (guint i = 0; i < n; i++) {
		if (isfinite(values[i]))
			most = fmax(most, values[i]);
		if (expected != NULL && isfinite(expected[i]))
			most = fmax(most, expected[i]);
	}
	return most;
}

static double percent(const Chart *chart, gint64 at)
{
	return 100.0 * (double)(at - chart->from) / (double)(chart->to - chart->from);
}

static bool is_within(const Chart *chart, gint64 at)
{
	return at >= chart->from && at <= chart->to;
}

static double plot_y(const Chart *chart)
{
	return chart->rows * ROW_HEIGHT + 6;
}

static char *when(gint64 at, const char *format)
{
	g_autoptr(GDateTime) time = g_date_time_new_from_unix_utc(at);

	return time != NULL ? g_date_time_format(time, format) : g_strdup("");
}

/* --- axes --- */

static void draw_value_axis(const Chart *chart)
{
	for (int i = 0; i <= 2; i++) {
		double y = plot_y(chart) + PLOT_HEIGHT * (2 - i) / 2.0;

		html_raw(chart->page, "<line class=\"%s\" x1=\"0\" x2=\"100%%\" y1=\"%g\" y2=\"%g\"/>", i == 0 ? "axis" : "grid", y, y);
	}
}

/* The numbers stand upon their lines and over the bars: a margin beside the bars would cost a phone too much. */
static void draw_value_labels(const Chart *chart)
{
	for (int i = 1; i <= 2; i++)
		html_raw(chart->page, "<text x=\"0\" y=\"%g\">%g</text>", plot_y(chart) + PLOT_HEIGHT * (2 - i) / 2.0 - 4, chart->top * i / 2);
}

static gint64 tick_step(gint64 span)
{
	static const gint64 steps[] = { 60, 120, 300, 600, 900, 1800, 3600, 7200, 10800, 21600, 43200, 86400, 2 * 86400, 7 * 86400 };

	for (gsize i = 0; i < G_N_ELEMENTS(steps); i++)
		if (span / steps[i] < TICKS_MAX)
			return steps[i];
	return (span / TICKS_MAX / 86400 + 1) * 86400;
}

static void draw_time_axis(const Chart *chart)
{
	gint64 step = tick_step(chart->to - chart->from);
	double y = plot_y(chart) + PLOT_HEIGHT;
	guint number = 0;

	for (gint64 at = (chart->from + step - 1) / step * step; at <= chart->to; at += step, number++) {
		double x = percent(chart, at);
		g_autofree char *label = when(at, step >= 86400 || (step >= 10800 && at % 86400 == 0) ? "%b %-d" : "%H:%M");

		html_raw(chart->page, "<line class=\"axis\" x1=\"%.3f%%\" x2=\"%.3f%%\" y1=\"%g\" y2=\"%g\"/>", x, x, y, y + 4);
		html_raw(chart->page, "<text class=\"tick%s\" x=\"%.3f%%\" y=\"%g\" text-anchor=\"%s\">%s</text>", number % 2 == 1 ? " minor" : "", x,
		    y + 18, x < 4 ? "start" : x > 96 ? "end" : "middle", label);
	}
}

/* --- bars and line --- */

static void draw_bars(const Chart *chart, gint64 step, const double *values, guint n)
{
	for (guint i = 0; i < n; i++) {
		double height = values[i] / chart->top * 100;
		g_autofree char *start = when(chart->from + (gint64)i * step, "%H:%M");

		if (isfinite(values[i]))
			html_raw(chart->page, "<rect class=\"bar\" x=\"%g\" y=\"%.2f\" width=\".84\" height=\"%.2f\"><title>%s: %.4g</title></rect>",
			    i + 0.08, 100 - height, height, start, values[i]);
	}
}

/* A step for each value, as what it is: a mean of that time. */
static void draw_expected(const Chart *chart, const double *expected, guint n)
{
	bool pen = false;

	html_raw(chart->page, "<path class=\"expected\" vector-effect=\"non-scaling-stroke\" d=\"");
	for (guint i = 0; i < n; i++) {
		if (isfinite(expected[i]))
			html_raw(chart->page, "%c%u %.2fH%u", pen ? 'L' : 'M', i, 100 - expected[i] / chart->top * 100, i + 1);
		pen = isfinite(expected[i]);
	}
	html_raw(chart->page, "\"/>");
}

/* --- marks --- */

static char *shortened(const char *label)
{
	g_autofree char *valid = g_utf8_make_valid(label, -1);

	if (g_utf8_strlen(valid, -1) <= LABEL_MAX)
		return g_steal_pointer(&valid);
	*g_utf8_offset_to_pointer(valid, LABEL_MAX - 1) = '\0';
	return g_strconcat(valid, "\xe2\x80\xa6", NULL);
}

/* Returns for each mark in which row its label has room on a narrow screen, -1 where in none; caller frees. */
static int *place_labels(Chart *chart, const HtmlMark *marks, guint count)
{
	int *rows = g_new(int, count + 1);
	double taken[LABEL_ROWS];

	for (int row = 0; row < LABEL_ROWS; row++)
		taken[row] = -1000;
	for (guint i = 0; i < count; i++) {
		g_autofree char *label = shortened(marks[i].label);
		double width = (double)g_utf8_strlen(label, -1) * LETTER + 10, x = percent(chart, marks[i].at) * NARROW / 100;
		double start = x > NARROW / 2 ? x - width : x;

		rows[i] = -1;
		for (int row = 0; row < LABEL_ROWS && rows[i] < 0 && is_within(chart, marks[i].at); row++) {
			if (start < taken[row])
				continue;
			rows[i] = row;
			taken[row] = start + width;
			chart->rows = MAX(chart->rows, (guint)row + 1);
		}
	}
	return rows;
}

static void draw_mark_line(const Chart *chart, const HtmlMark *mark, int row)
{
	double x = percent(chart, mark->at);

	html_raw(chart->page, "<line class=\"mark\" x1=\"%.3f%%\" x2=\"%.3f%%\" y1=\"%g\" y2=\"%g\"><title>", x, x,
	    row < 0 ? plot_y(chart) : row * ROW_HEIGHT + 3.0, plot_y(chart) + PLOT_HEIGHT);
	html_text(chart->page, mark->label);
	html_raw(chart->page, "</title></line>");
}

static void draw_mark_label(const Chart *chart, const HtmlMark *mark, int row)
{
	double x = percent(chart, mark->at);
	g_autofree char *label = shortened(mark->label);

	html_raw(chart->page, "<text class=\"mark\" x=\"%.3f%%\" dx=\"%d\" y=\"%d\" text-anchor=\"%s\">", x, x > 50 ? -4 : 4,
	    row * ROW_HEIGHT + 13, x > 50 ? "end" : "start");
	html_text(chart->page, label);
	html_raw(chart->page, "</text>");
}

/* --- all of it --- */

static void draw_key(GString *page, bool expected, bool marks)
{
	html_raw(page, "<ul class=\"key\"><li><svg aria-hidden=\"true\"><rect class=\"share\" width=\"100%%\" height=\"100%%\" rx=\"2\"/></svg>mail</li>");
	if (expected)
		html_raw(page, "<li><svg aria-hidden=\"true\"><line class=\"expected\" x2=\"100%%\" y1=\"50%%\" y2=\"50%%\"/></svg>expected at this hour</li>");
	if (marks)
		html_raw(page, "<li><svg aria-hidden=\"true\"><line class=\"mark\" x2=\"100%%\" y1=\"50%%\" y2=\"50%%\"/></svg>what was said</li>");
	html_raw(page, "</ul>");
}

/* Where two marks are closer than their labels are wide, these stand in rows above one another. */
static void draw_marks(const Chart *chart, const HtmlMark *marks, const int *rows, guint count)
{
	for (guint i = 0; i < count; i++)
		if (is_within(chart, marks[i].at))
			draw_mark_line(chart, &marks[i], rows[i]);
	for (guint i = 0; i < count; i++)
		if (rows[i] >= 0)
			draw_mark_label(chart, &marks[i], rows[i]);
}

static void begin_figure(const Chart *chart, const char *title, const char *description)
{
	guint id = (guint)chart->page->len; /* no other chart of the page begins here */

	html_raw(chart->page, "<figure>\n<figcaption><b>");
	html_text(chart->page, title);
	html_raw(chart->page, "</b></figcaption>\n<svg class=\"chart\" role=\"img\" height=\"%g\" aria-labelledby=\"t%u d%u\"><title id=\"t%u\">",
	    plot_y(chart) + PLOT_HEIGHT + AXIS_HEIGHT, id, id, id);
	html_text(chart->page, title);
	html_raw(chart->page, "</title><desc id=\"d%u\">", id);
	html_text(chart->page, description);
	html_raw(chart->page, "</desc>\n");
}

void html_chart(GString *page, const char *title, const char *description, gint64 from, gint64 step, const double *values,
    const double *expected, guint n, const HtmlMark *marks, guint mark_count)
{
	double most = largest(values, expected, n);
	Chart chart = { .page = page, .from = from, .to = from + (gint64)n * step, .top = most > 0 ? round_up(most) : 1 };
	g_autofree int *rows = place_labels(&chart, marks, mark_count);

	if (n == 0)
		return;
	begin_figure(&chart, title, description);
	draw_value_axis(&chart);
	html_raw(page, "\n<svg y=\"%g\" width=\"100%%\" height=\"%d\" viewBox=\"0 0 %u 100\" preserveAspectRatio=\"none\">\n", plot_y(&chart),
	    PLOT_HEIGHT, n);
	draw_bars(&chart, step, values, n);
	if (expected != NULL)
		draw_expected(&chart, expected, n);
	html_raw(page, "\n</svg>\n");
	draw_marks(&chart, marks, rows, mark_count);
	draw_value_labels(&chart);
	draw_time_axis(&chart);
	html_raw(page, "\n</svg>\n");
	draw_key(page, expected != NULL, mark_count > 0);
	html_raw(page, "\n</figure>\n");
}
