/* cmd-doctor: what is missing or wrong at this site, and the line that cures it. Layer: program. Changes nothing. */
#include "outagectl/doctor.h"

int command_doctor(Cli *cli, int argc, char **argv)
{
	g_auto(GStrv) postfix = NULL, redis = NULL;
	g_autofree char *sendmail = NULL, *opendkim = NULL;
	g_autoptr(GPtrArray) findings = NULL;
	g_auto(Status) status = { 0 };
	g_auto(DoctorFacts) facts = { 0 };
	gboolean json = FALSE;
	const GOptionEntry entries[] = {
		{ "json", 0, 0, G_OPTION_ARG_NONE, &json, "One JSON object, for monitoring", NULL },
		{ "postfix", 0, 0, G_OPTION_ARG_FILENAME_ARRAY, &postfix,
			"A configuration folder of Postfix, instead of those that postmulti -l lists", "DIR" },
		{ "sendmail", 0, 0, G_OPTION_ARG_FILENAME, &sendmail, "Sendmail's configuration (/etc/mail/sendmail.cf)", "FILE" },
		{ "opendkim", 0, 0, G_OPTION_ARG_FILENAME, &opendkim, "OpenDKIM's configuration (/etc/opendkim.conf)", "FILE" },
		{ "redis", 0, 0, G_OPTION_ARG_STRING_ARRAY, &redis,
			"Look for a flip key at this Redis, too, while the store is the embedded one", "URL" },
		G_OPTION_ENTRY_NULL,
	};

	doctor_facts_init(&facts);
	if (!cli_options(cli, entries, "- what is missing or wrong, and the line that cures it", &argc, &argv))
		return CLI_USAGE;
	if (argc > 1)
		return cli_usage("doctor takes no argument");
	for (char **url = redis; url != NULL && *url != NULL; url++)
		if (!g_str_has_prefix(*url, "redis://") && !g_str_has_prefix(*url, "rediss://") && !g_str_has_prefix(*url, "redis+unix://"))
			return cli_usage("--redis takes redis://HOST:PORT or redis+unix:///PATH");
	doctor_gather(cli, &(DoctorOptions){ .postfix = postfix, .redis = redis, .sendmail = sendmail, .opendkim = opendkim },
	    &status, &facts);
	findings = doctor_judge(&facts);
	if (json)
		doctor_print_json(findings);
	else
		doctor_print(findings);
	return doctor_count(findings, FOUND_WRONG) == 0 ? CLI_DONE : CLI_FAILED;
}
