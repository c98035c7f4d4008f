/* client: a small pool of outage-spf helpers, and the asking of them within a deadline. Layer: spf. RFC 7208.
 *
 * libspf2 may abort, hang or worse on what strangers put into DNS (doc/library-traps.md 21, 22), so it lives in processes of its
 * own. They are started with posix_spawn at the start and, by a thread of the pool's own, after a death; a message never waits
 * for a start. */
#ifndef OUTAGE_SPF_CLIENT_H
#define OUTAGE_SPF_CLIENT_H

#include <glib.h>
#include <stdbool.h>

#include "config/config.h"
#include "inspect/authentic.h"

typedef struct SpfClient SpfClient;

/* Starts config->spf_helpers helpers of config->spf_program with config->spf_nameserver. NULL with OUTAGE_ERROR_SYSTEM where the
 * program cannot be run at all. Call after privileges were given up and signals blocked: the helpers inherit both. */
SpfClient *spf_client_start(const Config *config, GError **error);

/* Ends the helpers, waits for them and for questions under way. NULL allowed. */
void spf_client_stop(SpfClient *client);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(SpfClient, spf_client_stop)

/* Asks and waits at most timeout ms in all, also for a free helper. Whatever goes wrong (no helper, a crash in mid-question, silence,
 * an answer that cannot be read) gives SPF_TEMPERROR and one log line. A helper that did not answer in time is killed: its late answer
 * must not be taken for the next question's. What was silent for one client and domain is not
 * asked about again for a while (silence.h). Any thread. */
SpfAnswer spf_client_ask(SpfClient *client, const SpfQuestion *question, gint64 timeout);

/* How it goes: helpers alive, questions asked, temperrors among them, helpers that died. */
typedef struct { guint alive; guint64 asked, temperrors, deaths; } SpfClientCounts;
SpfClientCounts spf_client_counts(SpfClient *client);

#endif
