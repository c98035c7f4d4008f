/* service: what lives as long as the daemon: engine, store, snapshot, secret. Layer: program. Knows no libmilter. */
#ifndef OUTAGE_MILTER_SERVICE_H
#define OUTAGE_MILTER_SERVICE_H

#include <glib.h>
#include <stdbool.h>

#include "inspect/verdict.h"

typedef struct Service Service;

/* Checks everything that the configuration names (rules, templates, store URL) besides the file itself; mistakes gets a line for
 * each. config may not be NULL. in_force: the engine that is to be replaced, whose model stays where the new one cannot be used, or NULL.
 * thorough: renders every letter too (reply/lint.h), which takes half a second, and a model that cannot be used is a mistake: an outage is
 * no time for a program that does not start because of a word. Returns the engine, or NULL where there was a mistake. */
Engine *service_check(Config *config, const Engine *in_force, bool thorough, GPtrArray *mistakes);

/* Loads the site secret, starts the store's threads. Takes engine over. NULL with error. */
Service *service_start(Engine *engine, GError **error);

/* Reads the configuration again (SIGUSR1); with any mistake the old one stays (false). Sessions under way keep theirs. */
bool service_reload(Service *service);

/* The newest engine, snapshot and accounts; the caller releases them. */
Engine *service_engine(Service *service);
Snapshot *service_snapshot(Service *service);
Accounts *service_accounts(Service *service);

/* Waits for a snapshot newer than that one, for at most a fifth of config.store_budget; NULL where there is none. */
Snapshot *service_newer_snapshot(Service *service, const Engine *engine, const Snapshot *than);

/* Asks DNS, by way of a helper, what SPF says of the verdict's writer, within config.spf_timeout. */
SpfAnswer service_spf(Service *service, const Engine *engine, const Verdict *verdict);

/* The callbacks take mail, or do so no longer: for health checks. */
void service_set_listening(Service *service, bool listening);

/* Says in the log how the asking of DNS and store has gone, and writes down what is still to be written. A session that outlived the
 * drain may still use the service. */
void service_stop(Service *service);

/* Returns the hash of whom a reply went to where rcpt is the tagged address of that reply, else NULL; caller frees. */
char *service_bounce_hash(Service *service, const Engine *engine, const char *rcpt);

/* Where message is a bounce for good, keeps further mail from the address with that hash. */
void service_note_bounce(Service *service, const Engine *engine, const Message *message, const char *hash);

/* Asks the store for the acknowledgement that verdict wants, within config.store_budget. */
ClaimAnswer service_claim(Service *service, const Engine *engine, const Verdict *verdict);

/* What becomes of the acknowledgement where the store says that the incident is over and the newest snapshot does not (claims.h). */
ClaimAnswer service_hold_ended(Service *service, const Engine *engine, const Verdict *verdict);

/* Remembers of a decided mail, before verdict_fold, what notices and the list of those who wait need. answer: the claim's. Waits for
 * nothing, as service_note_answer and service_note_optout. */
void service_note_mail(Service *service, const Verdict *verdict, ClaimAnswer answer);

/* Remembers a mail that matches no incident, for one yet to be declared (`declare --since`), where recent.keep is set; it is decided anew
 * for that, and SPF asked within config.spf_timeout where it counts. verdict: how it was decided (folded or not). */
void service_note_recent(Service *service, const Engine *engine, const Accounts *accounts, const Message *message,
    const Verdict *verdict);

/* The same for a mail to support while nothing is on, and counts it. looks: it is a person's, and may be remembered. */
void service_note_quiet(Service *service, const Engine *engine, const Message *message, bool looks);

/* Counts a mail that was inspected, after verdict_fold. micros: time taken. */
void service_count_mail(Service *service, const Engine *engine, const Message *message, const Verdict *verdict, gint64 micros);

/* Where message is an answer of one of our own people, ends the waiting of whom it answers, and counts it. */
void service_note_answer(Service *service, const Engine *engine, const Message *message);

/* Returns the hash of whoever wants no more notices where rcpt is the address for that (mail/optout.h), and sets *incident; else NULL.
 * Caller frees both. */
char *service_optout(Service *service, const char *rcpt, char **incident);

/* Sends him no more notices of that incident. */
void service_note_optout(Service *service, const Message *message, const char *hash, const char *incident);

/* Writes the one line about a decided mail (decision.h), and counts its time. micros: time taken. */
void service_log_verdict(Service *service, const Engine *engine, const Message *message, const Verdict *verdict, gint64 micros);

#endif
