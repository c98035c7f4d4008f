/* since: answers those who wrote before the flip (declare --since), from what was kept of their mail, under the rules that would hold if
 * they wrote now. Layer: program. */
#ifndef OUTAGECTL_SINCE_H
#define OUTAGECTL_SINCE_H

#include "outagectl/cli.h"
#include "outagectl/texts.h"
#include "reply/template.h"

typedef struct {
	/* as given */
	char *since;           /* a duration, or NULL: nobody is answered */
	gboolean yes;
	/* made of it */
	gint64 after;          /* who wrote then or later; seconds */
	Engine *engine;
	Accounts *accounts;
	Templates *templates;
	Secret *secret;
} Since;
void since_clear(Since *since);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Since, since_clear)

/* The options of declare that belong here; `to` is its Since. */
#define SINCE_OPTIONS(to) \
	{ "since", 0, 0, G_OPTION_ARG_STRING, &(to).since, "Answer those who wrote in this time, too; shows it first, and asks", "2h" }, \
	{ "yes", 0, 0, G_OPTION_ARG_NONE, &(to).yes, "Do not ask", NULL }

/* Checks what was given; CLI_DONE or CLI_USAGE. */
int since_check(Since *since);

/* Shows one of the letters and how many would be answered if incident `name` were declared as word with texts, says who would not and why,
 * and asks. CLI_DONE: go on; anything else: nothing is to be changed, and why has been said. */
int since_ask(Cli *cli, Since *since, const Snapshot *snapshot, const char *name, Word word, const Texts *texts);

/* Answers them, once it has been declared. Those already answered are not answered again. */
int since_answer(Cli *cli, Since *since, const char *name);

#endif
