/* evaluate: what cmd-evaluate.c and evaluate-print.c share. Layer: program. */
#ifndef OUTAGECTL_EVALUATE_H
#define OUTAGECTL_EVALUATE_H

#include <stdbool.h>

#include "outagectl/measure.h"

/* What is printed of measured mails (Measured *); model: what the model in use says of itself, or NULL. */
void evaluate_print_text(const GPtrArray *mails, const char *model);
void evaluate_print_json(const GPtrArray *mails, const char *model);

#endif
