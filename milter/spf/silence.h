/* silence: whose DNS has not answered in time of late, so that not every message waits for it anew. Layer: spf; private to the client,
 * who guards it with his lock.
 *
 * A domain whose name servers are silent holds a helper for the whole timeout; a few of its messages a second would hold all helpers,
 * and nobody else's sender could be checked. So for a while what the same client sends for it is answered temperror at once, which is
 * what asking would have come to. The client belongs to the key because he can be the cause: by his own reverse names, his HELO name,
 * a subdomain that somebody let die. Another client of the same domain is asked about. Where several in a row are silent it is our
 * own resolver; then questions that only look at a policy again, whose temperror changes nothing, are not asked for a while.
 */
#ifndef OUTAGE_SPF_SILENCE_H
#define OUTAGE_SPF_SILENCE_H

#include <glib.h>
#include <stdbool.h>

#include "inspect/authentic.h"

typedef struct SpfSilence SpfSilence;

SpfSilence *spf_silence_new(void);
void spf_silence_free(SpfSilence *silence);

/* Returns true where asking question at now (microseconds, monotonic) would be in vain. */
bool spf_silence_holds(SpfSilence *silence, const SpfQuestion *question, gint64 now);

/* Notes how asking went: silent where no answer of use came before the deadline. */
void spf_silence_note(SpfSilence *silence, const SpfQuestion *question, gint64 now, bool silent);

#endif
