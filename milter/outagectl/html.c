/* html: the frame and the parts of a self-contained page (see html.h). Layer: program.
 *
 * One style sheet serves phone, desk, dark rooms and paper. Its colours are variables, so that the charts (html-chart.c) follow them; all pairs
 * of text and ground have a contrast of 4.5 to 1 or more, bars and lines 3 to 1 (WCAG 2.1 AA). */
#include "outagectl/html.h"

#include <stdarg.h>
#include <stdbool.h>
#include <string.h>

#define LIGHT \
	"--ground:#fcfcfb;--card:#f3f4f2;--text:#1c2024;--soft:#555d66;--line:#d5d8d4;--link:#0b57a4;" \
	"--bar:#3d72ad;--expected:#b04a00;--mark:#8b1e54;--warn:#8f1d14"
#define DARK \
	"--ground:#14171b;--card:#1f242a;--text:#e7e9eb;--soft:#a8b0b9;--line:#3a4149;--link:#8cc0ff;" \
	"--bar:#6ea3dd;--expected:#f2a95c;--mark:#f59ac3;--warn:#ff9d92"

static const char style[] =
    ":root{color-scheme:light dark;" LIGHT "}"
    "@media (prefers-color-scheme:dark){:root{" DARK "}}"
    "*{box-sizing:border-box}"
    "html{-webkit-text-size-adjust:100%;text-size-adjust:100%}"
    "body{margin:0;background:var(--ground);color:var(--text);font:1rem/1.5 system-ui,-apple-system,\"Segoe UI\",Roboto,\"Noto Sans\",sans-serif}"
    "main{max-width:62rem;margin:0 auto;padding:2rem 1.25rem 4rem;overflow-wrap:anywhere}"
    "main:focus{outline:none}"
    "h1{font-size:clamp(1.5rem,1.1rem + 2vw,2.2rem);line-height:1.2;margin:0 0 .75rem;letter-spacing:-.01em;text-wrap:balance}"
    "h2{font-size:1.25rem;line-height:1.3;margin:0 0 .75rem;padding-top:1.5rem;border-top:1px solid var(--line)}"
    "h3{font-size:1rem;margin:1.5rem 0 .5rem}"
    "section{margin-top:2rem}"
    "p{margin:0 0 .75rem;max-width:44rem}"
    ".lead{font-size:1.15rem;line-height:1.55}"
    ".note,figcaption,caption{color:var(--soft);font-size:.875rem}"
    ".warn{color:var(--warn);font-weight:600}"
    ".pre{white-space:pre-line}"
    "a{color:var(--link);text-underline-offset:.15em}"
    ":focus-visible{outline:3px solid var(--link);outline-offset:2px;border-radius:2px}"
    ".skip{position:absolute;left:-999rem;top:0;padding:.5rem 1rem;background:var(--card);color:var(--link);z-index:1}"
    ".skip:focus{left:0}"
    ".figures{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(13rem,100%),1fr));gap:.75rem;margin:1.25rem 0}"
    ".figures div{background:var(--card);border-radius:.5rem;padding:.8rem 1rem}"
    ".figures dt{color:var(--soft);font-size:.875rem;line-height:1.35}"
    ".figures dd{margin:0}"
    ".figures .value{font-size:1.6rem;line-height:1.3;font-weight:600;font-variant-numeric:tabular-nums;letter-spacing:-.01em}"
    ".figures .about{color:var(--soft);font-size:.875rem;line-height:1.35}"
    ".terms{display:grid;grid-template-columns:minmax(8rem,max-content) minmax(0,1fr);gap:.4rem 1.25rem;margin:0}"
    ".terms dt{color:var(--soft)}.terms dd{margin:0}"
    ".scroll{overflow-x:auto;margin:1rem 0}"
    "table{border-collapse:collapse;width:100%;font-size:.9375rem}"
    "caption{text-align:start;padding:0 0 .4rem}"
    "caption span{display:inline-block;position:sticky;inset-inline-start:0;max-width:calc(100vw - 2rem)}"
    "th,td{text-align:start;vertical-align:top;padding:.4rem 1.5rem .4rem 0;border-bottom:1px solid var(--line)}"
    "th:last-child,td:last-child{padding-inline-end:0}"
    "th{font-weight:600}"
    "tbody th{font-weight:500}"
    "thead th{color:var(--soft);font-size:.8125rem;vertical-align:bottom;line-height:1.3}"
    ".scroll th,.scroll td{overflow-wrap:break-word}"
    ".scroll thead th{min-width:4.5rem}"
    ".n{text-align:end!important;font-variant-numeric:tabular-nums}"
    "td.of{width:45%;vertical-align:middle}"
    "td.of svg{display:block;width:100%;height:.7rem}"
    ".share{fill:var(--bar)}"
    "figure{margin:1.25rem 0}"
    "figcaption b{color:var(--text);font-size:1rem;display:block}"
    ".key{font-size:.875rem;display:flex;flex-wrap:wrap;gap:0 1.25rem;margin:.15rem 0 0;padding:0;list-style:none}"
    ".key svg{width:1.1rem;height:.7rem;margin-inline-end:.4rem}"
    ".chart{display:block;width:100%;overflow:visible;margin-top:.5rem;font:.75rem system-ui,-apple-system,\"Segoe UI\",Roboto,\"Noto Sans\",sans-serif}"
    ".chart text{fill:var(--soft);stroke:var(--ground);stroke-width:3px;paint-order:stroke;stroke-linejoin:round}"
    ".chart text.mark{fill:var(--mark);stroke-width:4px;font-weight:600}"
    ".bar{fill:var(--bar)}"
    ".expected{fill:none;stroke:var(--expected);stroke-width:2px}"
    ".chart line.mark,.key line.mark{stroke:var(--mark);stroke-width:1.5px;stroke-dasharray:4 3}"
    ".grid{stroke:var(--line);stroke-width:1px}"
    ".axis{stroke:var(--soft);stroke-width:1px}"
    "footer{margin-top:3rem;padding-top:1rem;border-top:1px solid var(--line);color:var(--soft);font-size:.875rem}"
    "@media (max-width:40rem){main{padding:1.25rem 1rem 3rem}.minor{display:none}.lead{font-size:1.05rem}"
    ".figures{grid-template-columns:repeat(2,minmax(0,1fr));gap:.5rem}.figures div{padding:.65rem .75rem}.figures .value{font-size:1.3rem}"
    ".terms{grid-template-columns:1fr;gap:0}.terms dd{margin-bottom:.6rem}"
    "th,td{padding-inline-end:.75rem}td.of{width:35%}tbody th{max-width:9rem;overflow-wrap:anywhere!important}}"
    "@media print{:root{color-scheme:light;" LIGHT ";--ground:#fff}@page{margin:16mm}body{font-size:10pt}main{max-width:none;padding:0}"
    ".skip{display:none}.scroll{overflow:visible}figure,tr,.figures div{break-inside:avoid}h2,h3,caption{break-after:avoid}"
    "section{margin-top:1.2rem}.bar,.share,.figures div{print-color-adjust:exact;-webkit-print-color-adjust:exact}a{color:inherit}}";

/* --- text --- */

/* What would let a value rearrange, hide or break what a person reads: as log_escape tells them, and the two marks of direction. */
static bool is_control(gunichar c)
{
	return c < 0x20 || (c >= 0x7f && c < 0xa0) || c == 0x2028 || c == 0x2029 || (c >= 0x202a && c <= 0x202e) ||
	    (c >= 0x2066 && c <= 0x2069) || c == 0x200e || c == 0x200f || c == 0x061c || c == 0xfeff;
}

static void append_character(GString *page, gunichar c, bool attribute)
{
	switch (c) {
	case '&':
		g_string_append(page, "&amp;");
		break;
	case '<':
		g_string_append(page, "&lt;");
		break;
	case '>':
		g_string_append(page, "&gt;");
		break;
	case '"':
		g_string_append(page, "&quot;");
		break;
	case '\'':
		g_string_append(page, "&#39;");
		break;
	case '\n':
	case '\t':
		if (attribute)
			g_string_append_printf(page, "&#%u;", c);
		else
			g_string_append_c(page, (char)c);
		break;
	default:
		if (c < 0x100 && is_control(c))
			g_string_append_printf(page, "\\x%02x", c);
		else if (is_control(c))
			g_string_append_printf(page, "\\u%04x", c);
		else
			g_string_append_unichar(page, c);
	}
}

static void append_text(GString *page, const char *text, bool attribute)
{
	g_autofree char *valid = text != NULL ? g_utf8_make_valid(text, -1) : NULL;

	for (const char *p = valid; p != NULL && *p != '\0'; p = g_utf8_next_char(p))
		append_character(page, g_utf8_get_char(p), attribute);
}

void html_text(GString *page, const char *text)
{
	append_text(page, text, false);
}

void html_attribute(GString *page, const char *text)
{
	append_text(page, text, true);
}

void html_raw(GString *page, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	g_string_append_vprintf(page, format, args);
	va_end(args);
}

/* --- the frame --- */

/* The hash-source of CSP Level 3 section 2.3.1: base64 of the digest of what stands between <style> and </style>. */
static char *style_hash(void)
{
	g_autoptr(GChecksum) checksum = g_checksum_new(G_CHECKSUM_SHA256);
	guint8 digest[32];
	gsize size = sizeof digest;

	g_checksum_update(checksum, (const guchar *)style, (gssize)strlen(style));
	g_checksum_get_digest(checksum, digest, &size);
	return g_base64_encode(digest, size);
}

GString *html_begin(const char *title)
{
	GString *page = g_string_sized_new(1 << 16);
	g_autofree char *hash = style_hash();

	html_raw(page,
	    "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\"/>\n"
	    "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'sha256-%s'; base-uri 'none'; form-action 'none'\"/>\n"
	    "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"/>\n"
	    "<meta name=\"color-scheme\" content=\"light dark\"/>\n<meta name=\"referrer\" content=\"no-referrer\"/>\n"
	    "<meta name=\"robots\" content=\"noindex\"/>\n<title>", hash);
	html_text(page, title);
	html_raw(page, "</title>\n<style>%s</style>\n</head>\n<body>\n<a class=\"skip\" href=\"#main\">Skip to the content</a>\n"
	               "<main id=\"main\" tabindex=\"-1\">\n<h1>", style);
	html_text(page, title);
	html_raw(page, "</h1>\n");
	return page;
}

void html_end(GString *page)
{
	html_raw(page, "</main>\n</body>\n</html>\n");
}

void html_section_begin(GString *page, const char *id, const char *heading)
{
	html_raw(page, "<section aria-labelledby=\"%s\">\n<h2 id=\"%s\">", id, id);
	html_text(page, heading);
	html_raw(page, "</h2>\n");
}

void html_section_end(GString *page)
{
	html_raw(page, "</section>\n");
}

void html_paragraph(GString *page, const char *class, const char *text)
{
	if (class != NULL)
		html_raw(page, "<p class=\"%s\">", class);
	else
		html_raw(page, "<p>");
	html_text(page, text);
	html_raw(page, "</p>\n");
}

void html_link(GString *page, const char *url, const char *text)
{
	bool web = url != NULL && (g_ascii_strncasecmp(url, "https://", 8) == 0 || g_ascii_strncasecmp(url, "http://", 7) == 0);

	if (web) {
		html_raw(page, "<a rel=\"noopener noreferrer\" href=\"");
		html_attribute(page, url);
		html_raw(page, "\">");
	}
	html_text(page, text);
	if (web)
		html_raw(page, "</a>");
}

void html_figures_begin(GString *page)
{
	html_raw(page, "<dl class=\"figures\">\n");
}

void html_figure(GString *page, const char *label, const char *value, const char *note)
{
	html_raw(page, "<div><dt>");
	html_text(page, label);
	html_raw(page, "</dt><dd class=\"value\">");
	html_text(page, value);
	html_raw(page, "</dd>");
	if (note != NULL) {
		html_raw(page, "<dd class=\"about\">");
		html_text(page, note);
		html_raw(page, "</dd>");
	}
	html_raw(page, "</div>\n");
}

void html_figures_end(GString *page)
{
	html_raw(page, "</dl>\n");
}

/* --- tables --- */

void html_table_begin(GString *page, const char *caption)
{
	/* What scrolls must be reachable by the keyboard, and what is reachable needs a name. */
	html_raw(page, "<div class=\"scroll\" role=\"group\" tabindex=\"0\" aria-label=\"");
	html_attribute(page, caption);
	html_raw(page, "\">\n<table>\n<caption><span>");
	html_text(page, caption);
	html_raw(page, "</span></caption>\n");
}

void html_table_end(GString *page)
{
	html_raw(page, "</table>\n</div>\n");
}

static void append_cell(GString *page, gboolean head, gboolean numeric, guint column, const char *text)
{
	const char *tag = head || column == 0 ? "th" : "td";

	html_raw(page, "<%s", tag);
	if (head || column == 0)
		html_raw(page, " scope=\"%s\"", head ? "col" : "row");
	if (numeric)
		html_raw(page, " class=\"n\"");
	html_raw(page, ">");
	html_text(page, text);
	html_raw(page, "</%s>", tag);
}

void html_cells(GString *page, gboolean head, guint numeric, const char *const *cells, guint count)
{
	html_raw(page, head ? "<thead><tr>" : "<tr>");
	for (guint i = 0; i < count; i++)
		append_cell(page, head, i < 32 && (numeric >> i & 1) != 0, i, cells[i]);
	html_raw(page, head ? "</tr></thead>\n" : "</tr>\n");
}

void html_row(GString *page, gboolean head, guint numeric, ...)
{
	g_autoptr(GPtrArray) cells = g_ptr_array_new();
	const char *cell;
	va_list args;

	va_start(args, numeric);
	while ((cell = va_arg(args, const char *)) != NULL)
		g_ptr_array_add(cells, (gpointer)cell);
	va_end(args);
	html_cells(page, head, numeric, (const char *const *)cells->pdata, cells->len);
}

void html_bars(GString *page, const char *caption, const char *head, const char *value_head, const HtmlBar *bars, guint count)
{
	guint64 largest = 1;

	for (guint i = 0; i < count; i++)
		largest = MAX(largest, bars[i].value);
	html_table_begin(page, caption);
	html_raw(page, "<thead><tr>");
	append_cell(page, TRUE, FALSE, 0, head);
	append_cell(page, TRUE, TRUE, 1, value_head);
	html_raw(page, "<td class=\"of\"></td></tr></thead>\n");
	for (guint i = 0; i < count; i++) {
		g_autofree char *value = g_strdup_printf("%" G_GUINT64_FORMAT, bars[i].value);

		html_raw(page, "<tr>");
		append_cell(page, FALSE, FALSE, 0, bars[i].label);
		append_cell(page, FALSE, TRUE, 1, value);
		html_raw(page, "<td class=\"of\"><svg aria-hidden=\"true\"><rect class=\"share\" width=\"%.1f%%\" height=\"100%%\" rx=\"2\"/></svg></td></tr>\n",
		    100.0 * (double)bars[i].value / (double)largest);
	}
	html_table_end(page);
}
