/* doctor-print: findings for a person and for monitoring. Layer: program. */
#include <stdio.h>

#include "base/log.h"
#include "outagectl/doctor.h"

static const char *const severities[] = { [FOUND_WRONG] = "wrong", [FOUND_LOOK] = "worth a look", [FOUND_FINE] = "fine" };

/* "2 things are wrong, 1 is worth a look"; caller frees. */
static char *summarise(const GPtrArray *findings)
{
	guint wrong = doctor_count(findings, FOUND_WRONG), look = doctor_count(findings, FOUND_LOOK);
	GString *line = g_string_new(NULL);

	if (wrong > 0)
		g_string_append_printf(line, "%u %s wrong", wrong, wrong == 1 ? "thing is" : "things are");
	else
		g_string_append(line, "all is well");
	if (look > 0)
		g_string_append_printf(line, "%s %u %s worth a look", wrong > 0 ? "," : ";", look, look == 1 ? "is" : "are");
	return g_string_free(line, FALSE);
}

static void print_line(const Finding *finding)
{
	g_autofree char *file = log_escape(finding->file, 0), *place = log_escape(finding->place, 0), *line = log_escape(finding->line, 0);

	if (finding->line == NULL)
		return;
	if (finding->file == NULL)
		printf("    run:\n");
	else if (finding->place == NULL)
		printf("    in %s:\n", file);
	else if (g_str_has_suffix(finding->file, "master.cf"))
		printf("    in %s, with the service %s:\n", file, place);
	else
		printf("    in %s, in the group %s:\n", file, place);
	printf("        %s\n", line);
}

void doctor_print(const GPtrArray *findings)
{
	g_autofree char *summary = summarise(findings);

	printf("%s\n", summary);
	for (guint i = 0; i < findings->len; i++) {
		const Finding *finding = g_ptr_array_index(findings, i);
		g_autofree char *what = log_escape(finding->what, 0), *means = log_escape(finding->means, 0);

		if (finding->severity == FOUND_FINE) {
			printf("%s: %s\n", severities[finding->severity], what);
			continue;
		}
		printf("\n%s: %s\n", severities[finding->severity], what);
		printf("    %s\n", means);
		print_line(finding);
		if (i + 1 < findings->len && ((const Finding *)g_ptr_array_index(findings, i + 1))->severity == FOUND_FINE)
			printf("\n");
	}
}

void doctor_print_json(const GPtrArray *findings)
{
	g_autoptr(JsonBuilder) builder = json_builder_new();
	g_autofree char *summary = summarise(findings);

	json_builder_begin_object(builder);
	cli_json_string(builder, "summary", summary);
	cli_json_int(builder, "wrong", doctor_count(findings, FOUND_WRONG));
	cli_json_int(builder, "look", doctor_count(findings, FOUND_LOOK));
	json_builder_set_member_name(builder, "findings");
	json_builder_begin_array(builder);
	for (guint i = 0; i < findings->len; i++) {
		const Finding *finding = g_ptr_array_index(findings, i);

		json_builder_begin_object(builder);
		cli_json_string(builder, "severity", finding->severity == FOUND_LOOK ? "look" : severities[finding->severity]);
		cli_json_string(builder, "check", finding->check);
		cli_json_string(builder, "what", finding->what);
		cli_json_string(builder, "means", finding->means);
		cli_json_string(builder, "file", finding->file);
		cli_json_string(builder, "place", finding->place);
		cli_json_string(builder, "line", finding->line);
		json_builder_end_object(builder);
	}
	json_builder_end_array(builder);
	json_builder_end_object(builder);
	cli_print_json(builder, false);
}
