/* lint: what is wrong with the texts that customers may be sent, found before one is sent. Layer: reply. Pure but for reading the
 * template files once more. `outage-milter -t`, outage-replier's start and `outagectl preview` run it. */
#ifndef OUTAGE_REPLY_LINT_H
#define OUTAGE_REPLY_LINT_H

#include <glib.h>

#include "config/config.h"
#include "reply/template.h"

/* Checks the templates loaded from config.template_dir, and the texts of the playbook. Appends mistakes (char *, "file:line: what" or
 * "file: what"):
 *   - a kind of the product's own that a language lacks (a site's own kinds need the default language only: templates_load);
 *   - a language that a support address, or the fallback of mixed languages, has no templates in;
 *   - a word of promise outside an offer; a phrase of the style table in a template of the product's own kinds;
 *   - every kind in every language, composed for a bare flip and with everything set to hostile text: a header that nobody asked for,
 *     a line over 998 bytes, control and direction characters, a link to a host that the configuration does not name. */
void lint_texts(const Config *config, const Templates *templates, GPtrArray *mistakes);

/* The kinds of the product's own, which every language has to have; NULL-terminated (static). */
const char *const *lint_kinds(void);

/* Returns the first word or phrase in text by which money or a favour is promised, as the table in lint-words.c has it (static; a word
 * that stands there as a stem also stands for its longer forms), or NULL. language: BCP 47, of text; English is looked for in every
 * text. NULL: every language there is. */
const char *lint_promise(const char *text, const char *language);

/* The same for phrases that stand between us and a customer ("technical difficulties", "inconvenience"). */
const char *lint_style(const char *text, const char *language);

#endif
