/* locale: times, durations and names of languages as a person writes them in the language of a letter. Layer: reply. Pure: neither the
 * program's locale nor its environment counts. Any thread.
 *
 * The language is a tag of BCP 47 ("de", "pt-BR"); NULL, and one that nothing is known of, is English. What a time looks like stands in
 * template.h, for those who write the sentences around it. */
#ifndef OUTAGE_REPLY_LOCALE_H
#define OUTAGE_REPLY_LOCALE_H

#include <glib.h>
#include <stdbool.h>

/* Returns a time (seconds since the epoch) with its date in zone and in UTC, or in UTC alone where zone is NULL or UTC itself; NULL for
 * a time that no calendar has. Never relative: a letter is read later than it is written. Caller frees. */
char *locale_time(const char *language, GTimeZone *zone, gint64 seconds);

/* Returns "30 minutes", "2 Stunden"; never a bare "1 hour", which reads badly behind "every". Caller frees. */
char *locale_span(const char *language, gint64 seconds);

/* Returns what `language` is called in the language `in`, without its region: "Englisch" for en-GB in de. Where nobody knows it, the tag
 * itself. Caller frees. */
char *locale_language_name(const char *language, const char *in);

/* Returns true where two tags name the same language, whatever the region: "de-AT" and "DE". */
bool locale_same_language(const char *a, const char *b);

#endif
