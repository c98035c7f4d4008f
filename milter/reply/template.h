/* template: the texts to customers: files with headers, body, placeholders and sections. Layer: reply. Pure after loading.
 *
 *     template = *( header-line LF ) LF body                     a header-line is "Name: text with placeholders"
 *     placeholder = "{{" name "}}"                               each value is substituted once, never read again
 *     section = "{{#" name "}}" ... "{{/" name "}}"              vanishes where name is unset (times: or gone by)
 *     inverse = "{{^" name "}}" ... "{{/" name "}}"              stands only there
 *     comment = "{{!" ... "}}"
 * A tag stands within one line. A line that holds nothing but section tags vanishes whole. A paragraph that is left empty goes with
 * its blank line. A placeholder that may be unset (all but severity and phase) stands inside its own section.
 *
 * Prose is wrapped at 72 columns; lines of a paragraph are joined by a space, in Japanese and Chinese by nothing. Lines that start
 * with white space, "-", "*" or a link stay lines; a value behind nothing but white space is set under that indent, line by line: so a
 * quoted text can be told from our own words.
 *
 * A time begins with its date, in English with the clock, so what stands in front of it has to go with that ("am", "seit dem", "le";
 * "at", "since"), and nothing has to be bent:
 *     en 15:30 CET (14:30 UTC) on 21 November 2026         de 21. November 2026, 15:30 Uhr MEZ (14:30 Uhr UTC)
 *     fr 21 novembre 2026 à 15 h 30 CET (14 h 30 UTC)      es 21 de noviembre de 2026, 15:30 CET (14:30 UTC)
 *     it 21 novembre 2026, ore 15:30 CET (14:30 UTC)       pt 21 de novembro de 2026, 15h30 CET (14h30 UTC)
 *     nl 21 november 2026 om 15.30 uur CET (14.30 uur UTC) ja 2026年11月21日15時30分 JST（06時30分 UTC）
 * and in any other language its own long date and short clock. A duration is "30 minutes", "2 Stunden", a language's name "Englisch".
 *
 * LANGUAGE/KIND.html, where there is one, is the letter's HTML: a whole document without headers, with the same placeholders, each of
 * which stands in the text or between the quotes of an attribute. Without it the HTML is made of the text. */
#ifndef OUTAGE_REPLY_TEMPLATE_H
#define OUTAGE_REPLY_TEMPLATE_H

#include <glib.h>
#include <stdbool.h>

typedef struct Templates Templates;

/* Reads DIR/LANGUAGE/KIND.txt and KIND.html for every language and kind there is. Mistakes ("file:line: what") as in config_load: unknown
 * placeholder, unclosed section, unknown header, missing kind of the default language. NULL where dir cannot be read. */
Templates *templates_load(const char *dir, const char *default_language, GPtrArray *mistakes);
Templates *templates_ref(Templates *templates);
void templates_unref(Templates *templates);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Templates, templates_unref)

/* Returns true where kind exists in that language ("de-AT" falls back to "de"); NULL is the default language. */
bool templates_have(const Templates *templates, const char *kind, const char *language);
/* Kinds and languages there are, sorted (char *). */
GPtrArray *templates_kinds(const Templates *templates);
GPtrArray *templates_languages(const Templates *templates);

/* Names that may stand in a template, NULL-terminated (static). */
const char *const *template_fields(void);

/* Renders. values: name -> text; an unset or empty one makes its section vanish. Sets *subject (one line, sanitised, not NULL) and
 * *body (LF line ends, text lines wrapped at 72 columns where they are prose). False with OUTAGE_ERROR_NOT_FOUND where neither
 * language nor the default has kind. used_language (may be NULL) receives the language taken (owned by templates). */
bool templates_render(const Templates *templates, const char *kind, const char *language, GHashTable *values, char **subject,
    char **body, const char **used_language, GError **error);


/* Renders the same letter as HTML, a whole document in which every value is escaped for its place. As templates_render otherwise. */
bool templates_render_html(const Templates *templates, const char *kind, const char *language, GHashTable *values, char **html,
    GError **error);

/* Returns the language that templates_render would take; owned by templates. NULL where it would fail. */
const char *templates_language(const Templates *templates, const char *kind, const char *language);

/* Returns true where the letter that templates_render would take has a place for field. */
bool templates_show(const Templates *templates, const char *kind, const char *language, const char *field);

#endif
