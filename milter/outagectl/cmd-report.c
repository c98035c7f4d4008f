/* cmd-report: `outagectl report`, the debrief of one incident (report.h). Layer: program. */
#include <stdio.h>
#include <string.h>

#include "outagectl/report.h"

static int write_html(const Cli *cli, const Report *report, const char *path)
{
	g_autoptr(GString) page = report_html(report, cli->config->site_name);

	if (strcmp(path, "-") == 0) {
		(void)fwrite(page->str, 1, page->len, stdout);
		return CLI_DONE;
	}
	if (cli_write_page(path, page) != CLI_DONE)
		return CLI_FAILED;
	printf("%s: written (%" G_GSIZE_FORMAT " bytes); it opens in any browser and loads nothing from elsewhere\n", path, page->len);
	return CLI_DONE;
}

int command_report(Cli *cli, int argc, char **argv)
{
	gboolean json = FALSE, csv = FALSE;
	g_autofree char *html = NULL;
	g_autoptr(Report) report = NULL;
	const GOptionEntry entries[] = {
		{ "html", 0, 0, G_OPTION_ARG_FILENAME, &html, "One self-contained page to FILE (- is standard output)", "FILE" },
		{ "json", 0, 0, G_OPTION_ARG_NONE, &json, "One JSON object", NULL },
		{ "csv", 0, 0, G_OPTION_ARG_NONE, &csv, "The accounts that wrote in, as CSV", NULL },
		G_OPTION_ENTRY_NULL,
	};
	int status;

	if (!cli_options(cli, entries, "[NAME|ID] - the debrief of an incident; without, of the one declared last", &argc, &argv))
		return CLI_USAGE;
	if (argc > 2)
		return cli_usage("report takes at most one NAME or ID");
	if ((json != FALSE) + (csv != FALSE) + (html != NULL) > 1)
		return cli_usage("report takes one of --html, --json and --csv");
	if (!cli_store(cli) || (report = report_gather(cli, argc == 2 ? argv[1] : NULL, &status)) == NULL)
		return cli->store == NULL ? CLI_FAILED : status;
	if (html != NULL)
		return write_html(cli, report, html);
	if (json)
		report_print_json(report);
	else if (csv && !report_accounts_known(report))
		/* A list has no place to say that it is not whole. */
		return cli_failed("not all of the accounts could be read, so that there is no list of them; outagectl report says why");
	else if (csv)
		report_print_csv(report);
	else
		report_print_text(report);
	return CLI_DONE;
}
