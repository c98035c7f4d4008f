/* decision: the one line of the log about a mail that was decided. Layer: program. Knows no libmilter. */
#ifndef OUTAGE_MILTER_DECISION_H
#define OUTAGE_MILTER_DECISION_H

#include "base/secret.h"
#include "inspect/verdict.h"

/* Writes `event=message queue_id=... message_id=... ...` (outage-milter(8) lists the keys; outagectl explain reads them). Of the mail's words
 * nothing is in it: of secrets only the class. Customers' addresses as log.addresses says. message and verdict as after verdict_fold;
 * micros: what it took. */
void decision_log(const Secret *secret, const Engine *engine, const Message *message, const Verdict *verdict, gint64 micros);

#endif
