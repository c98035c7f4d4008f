/* ask: see ask.h. Layer: program. */
#include "outagectl/ask.h"

#include <unistd.h>

#include "outagectl/cli.h"

#define ANSWER_BYTES 16 /* "yes" and some spaces; a longer line is no */

bool ask_read(FILE *in)
{
	g_autoptr(GString) line = g_string_new(NULL);
	int c;

	while ((c = getc(in)) != EOF && c != '\n')
		if (line->len <= ANSWER_BYTES)
			g_string_append_c(line, (char)c);
	/* An answer that was cut off by the end of the input was not finished. */
	if (c == EOF || line->len > ANSWER_BYTES)
		return false;
	g_strstrip(line->str);
	return g_ascii_strcasecmp(line->str, "y") == 0 || g_ascii_strcasecmp(line->str, "yes") == 0;
}

int ask(const char *question, bool yes)
{
	if (yes)
		return CLI_DONE;
	/* What was shown comes before the question, and a script must not take a pipe's content for an answer. */
	fflush(stdout);
	if (!isatty(STDIN_FILENO))
		return cli_usage("there is no terminal to ask on: nothing was changed. --yes answers the question (%s)", question);
	fprintf(stderr, "%s [y/N] ", question);
	fflush(stderr);
	return ask_read(stdin) ? CLI_DONE : cli_failed("nothing was changed");
}
