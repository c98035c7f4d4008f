/* offline: deciding on mail in files, without a store and a site: for `check`, `evaluate` and `replay`. Layer: program. */
#ifndef OUTAGECTL_OFFLINE_H
#define OUTAGECTL_OFFLINE_H

#include "config/config.h"
#include "incident/incident.h"
#include "inspect/accounts.h"
#include "inspect/answerable.h"
#include "mail/message.h"

/* Makes config one that decides: live, and where it names no support address, with rcpt (may be NULL: any) as the only one. */
void offline_prepare(Config *config, const char *rcpt);

/* Returns a snapshot with the incident `default`, without texts, in the state of word since now; without any for WORD_NONE.
 * Caller unrefs. */
Snapshot *offline_snapshot(Word word, gint64 now);

/* Gives message the envelope that a file does not tell. sender NULL: its Return-Path, else its From. rcpt NULL: the first support address
 * (config is prepared). */
void offline_envelope(const Config *config, Message *message, const char *sender, const char *rcpt);

/* Returns the first support address that the headers of message name as its recipient, or NULL; caller frees. */
char *offline_recipient(const Config *config, const Message *message);

/* Takes away the Delivered-To that the delivery into a mailbox put on top of a stored mail (Return-Path first, as RFC 5321 section 4.4 has
 * it, and above the newest Received): the milter sees a mail before that, and would take it for a loop. One further down stays. */
void offline_undeliver(Message *message);

/* Returns when message came, by its topmost Received, else its Date; 0 where neither can be read, or lies more than a day after now. */
gint64 offline_time(const Message *message, gint64 now);

/* Reads a file with one JSON object, key to account, as `accounts import` takes it; path NULL: no accounts. NULL with error. */
Accounts *offline_accounts(const char *path, GError **error);

/* Returns the names of set, in order (char *, static); caller unrefs. */
GPtrArray *offline_reasons(ReasonSet set);

#endif
