/* html: one self-contained page (no script, no font, no picture, nothing by URL) for `report --html` and `replay --html`. Layer: program.
 *
 * Everything that comes from mail or the store goes through html_text or html_attribute, or through one of the functions below that take
 * text: those escape it. The page carries a Content-Security-Policy that allows its own style sheet (by its hash) and nothing else, so that
 * even a mistake here would run nothing and fetch nothing: what a page needs of style must stand in html.c, never in a style="" of its own.
 *
 * A page: html_begin, then sections of paragraphs, figures, tables and charts, then html_end. */
#ifndef OUTAGECTL_HTML_H
#define OUTAGECTL_HTML_H

#include <glib.h>

/* Begins a page in English: doctype, title, style (dark and light, print, narrow screens), a link past what is above the content; opens
 * <main> with the title (text) as its <h1>. Returns the page; caller frees. */
GString *html_begin(const char *title);
/* Closes what html_begin opened. */
void html_end(GString *page);

/* Appends trusted markup as it is: only literals of ours and numbers belong into it. */
void html_raw(GString *page, const char *format, ...) G_GNUC_PRINTF(2, 3);
/* Appends text, escaped: markup as references, control characters and bidirectional controls in the notation of log_escape (newline and tab
 * stay), bytes that are not UTF-8 as U+FFFD. NULL: nothing. */
void html_text(GString *page, const char *text);
/* The same for the value of an attribute in double quotes; newline and tab as references. */
void html_attribute(GString *page, const char *text);

/* <p class="CLASS"> with text; class: a literal of ours ("lead", "note", "warn") or NULL. */
void html_paragraph(GString *page, const char *class, const char *text);
/* A link to url with text, which opens nothing by itself; where url is not http or https, the text alone. */
void html_link(GString *page, const char *url, const char *text);

/* A section with an <h2>. id: a literal of ours, its anchor. */
void html_section_begin(GString *page, const char *id, const char *heading);
void html_section_end(GString *page);

/* Large numbers side by side (<dl>). note: small below the number, or NULL. */
void html_figures_begin(GString *page);
void html_figure(GString *page, const char *label, const char *value, const char *note);
void html_figures_end(GString *page);

/* A table with a caption (text), which scrolls in itself where the screen is too narrow for it. Between them rows, those of the head
 * first. */
void html_table_begin(GString *page, const char *caption);
void html_table_end(GString *page);
/* One row of a table: cells (char *, text, not markup; NULL ends). head: <th scope="col">; else the first cell is <th scope="row">. numeric:
 * bit i set = column i is right-aligned. */
void html_row(GString *page, gboolean head, guint numeric, ...) G_GNUC_NULL_TERMINATED;
/* The same with an array of count cells; a NULL cell is empty. */
void html_cells(GString *page, gboolean head, guint numeric, const char *const *cells, guint count);

/* A table of two columns and a bar for each value, drawn to the largest: what there is how often. heads: of the two columns. */
typedef struct { const char *label; guint64 value; } HtmlBar;
void html_bars(GString *page, const char *caption, const char *head, const char *value_head, const HtmlBar *bars, guint count);

/* A chart as inline SVG with a title and a description for those who do not see it (role="img"). values: n of them, from left to right,
 * each of `step` seconds from `from` on; each is a <rect class="bar">, also where it is 0; NAN = unknown: no bar. expected: n of them or
 * NULL: drawn as a line, with a gap where NAN. marks: what is drawn as a vertical line with a label, in the order of time; where there is no
 * room for another label the line stays, and its label shows when pointed at. Times on the axis are UTC. n 0: nothing. */
typedef struct { gint64 at; const char *label; } HtmlMark;
void html_chart(GString *page, const char *title, const char *description, gint64 from, gint64 step, const double *values,
    const double *expected, guint n, const HtmlMark *marks, guint mark_count);

#endif
