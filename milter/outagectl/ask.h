/* ask: the question that stands before anything leaves for many people. Layer: program. */
#ifndef OUTAGECTL_ASK_H
#define OUTAGECTL_ASK_H

#include <glib.h>
#include <stdbool.h>
#include <stdio.h>

/* Reads one line of in and returns true where it is "y" or "yes" (any case, white space around it ignored). The end of the input, an
 * empty line and anything else is no. However long the line is, it is read to its end and not kept. */
bool ask_read(FILE *in);

/* Puts question to whoever sits at the terminal. yes: it is answered already (--yes). Returns CLI_DONE for yes, CLI_FAILED for no,
 * CLI_USAGE where nobody is there to answer; in both cases it has been said that nothing was changed. */
int ask(const char *question, bool yes);

#endif
