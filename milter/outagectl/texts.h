/* texts: what is given of an incident as options: checked before anything is changed, and the incident as it will be with it. Layer:
 * program. */
#ifndef OUTAGECTL_TEXTS_H
#define OUTAGECTL_TEXTS_H

#include "outagectl/cli.h"

/* The texts given as options; NULL where not; owned. */
typedef struct {
	char *texts[TEXT_FIELDS];
} Texts;
void texts_clear(Texts *texts);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Texts, texts_clear)

/* The option for what may be offered, which several commands take; `to` is their Texts. */
#define OFFER_OPTION(to) \
	{ "offer", 0, 0, G_OPTION_ARG_STRING, &(to).texts[TEXT_OFFER], "What is offered, by its name in the configuration", "NAME" }

/* Makes relative times absolute and checks every text as far as that needs no configuration. CLI_DONE or CLI_USAGE. */
int texts_check(Texts *texts);

/* The same for the text of an update. */
int texts_check_update(const char *text);

/* What only the configuration can tell: links that replies may not carry, an offer that it does not hold, and words of promise.
 * texts and update (the text of one) may be NULL. CLI_DONE, CLI_FAILED or CLI_USAGE. */
int texts_check_config(const Config *config, const Texts *texts, const char *update);

/* Returns the word of promise in text (may be NULL) as it stands there, or NULL; caller frees. */
char *texts_promise(const Config *config, const char *text);

/* Returns true where replies may carry url: https, to a host of reply.url_domains. */
bool texts_link_allowed(const Config *config, const char *url);

/* Which incident is meant: the one named, else the only one that is open, else (resolved_too) the only one in its resolved window, else
 * default. snapshot: as the store has it. *name is owned by the caller. CLI_DONE or CLI_USAGE. */
int texts_pick_incident(const Config *config, const Snapshot *snapshot, const char *given, bool resolved_too, gint64 now, char **name);

/* Returns a copy of snapshot's incident `name` (or a new one) as it will be when word, texts and update (may be NULL) have been written
 * at `now`. reopen_within in seconds. Its `match` is not compiled. Caller frees. */
Incident *texts_apply(const Snapshot *snapshot, const char *name, Word word, const Texts *texts, const char *update, gint64 now,
    gint64 reopen_within);

#endif
