/* report-csv: the affected accounts for a spreadsheet. Layer: program. See report.h.
 *
 *     file = *( record CRLF )     record = cell *( "," cell )     cell = bare / quoted      (RFC 4180) */
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "outagectl/report.h"

void report_csv_cell(GString *row, const char *text)
{
	g_autofree char *safe = log_escape(text, 0);
	bool formula = *safe != '\0' && strchr("=+-@", *safe) != NULL;

	if (row->len > 0)
		g_string_append_c(row, ',');
	if (!formula && strpbrk(safe, ",\"'; ") == NULL) {
		g_string_append(row, safe);
		return;
	}
	g_string_append_c(row, '"');
	if (formula)
		g_string_append_c(row, '\'');
	for (const char *p = safe; *p != '\0'; p++) {
		if (*p == '"')
			g_string_append_c(row, '"');
		g_string_append_c(row, *p);
	}
	g_string_append_c(row, '"');
}

static void add_number(GString *row, bool known, gint64 n)
{
	g_autofree char *text = known ? g_strdup_printf("%" G_GINT64_FORMAT, n) : g_strdup("");

	/* Of a first cell there is none, so the comma is always due. */
	g_string_append_printf(row, ",%s", text);
}

static void add_time(GString *row, gint64 at)
{
	g_autofree char *text = at != 0 ? clock_format(at) : g_strdup("");

	g_string_append_printf(row, ",%s", text);
}

void report_print_csv(const Report *report)
{
	printf("account,mails,first_mail,first_answer_of_a_person,minutes_waited,still_waiting,people\r\n");
	for (guint i = 0; i < report->accounts->len; i++) {
		const ReportAccount *account = g_ptr_array_index(report->accounts, i);
		bool known = report->observable && account->first_at != 0;
		g_autoptr(GString) row = g_string_new(NULL);

		report_csv_cell(row, account->name);
		add_number(row, true, (gint64)account->mails);
		add_time(row, account->first_at);
		add_time(row, account->answered_at);
		add_number(row, account->waited >= 0, account->waited / 60);
		add_number(row, known, account->waiting);
		add_number(row, account->first_at != 0, account->people);
		printf("%s\r\n", row->str);
	}
}
