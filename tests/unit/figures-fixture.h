/* figures-fixture: what is counted of support mail, as the tests of it write and read it. */
#ifndef OUTAGE_TESTS_FIGURES_FIXTURE_H
#define OUTAGE_TESTS_FIGURES_FIXTURE_H

#include "store-fixture.h"
#include "store/stats.h"

#define ID "20261122T080000Z-default"
#define OTHER_ID "20261122T080000Z-payments"

/* An empty list for a batch. */
GPtrArray *figures_minutes(void);
/* Writes one minute; counters as "mail=2 matched=1", senders and accounts as words; any may be NULL. */
void figures_write_minute(Store *store, const char *id, gint64 at, const char *counters, const char *senders, const char *accounts);
GPtrArray *figures_minutes_of(Store *store, const char *id, gint64 from, gint64 to);

/* Tell of one mail, and of one answer to the mails with these keys (words). replies: how many first answers that was; the second pair has to
 * succeed and returns it. */
bool figures_try_mail(Store *store, const char *id, const char *hash, const char *key, const char *account, gint64 at, guint *replies,
    GError **error);
bool figures_try_answer(Store *store, const char *keys, gint64 at, guint *replies, GError **error);
guint figures_write_mail(Store *store, const char *id, const char *hash, const char *key, const char *account, gint64 at);
guint figures_write_answer(Store *store, const char *keys, gint64 at);
GPtrArray *figures_threads_of(Store *store, const char *id);

void figures_check_distinct(Store *store, const char *id, gint64 from, guint64 senders, guint64 accounts);
guint64 figures_account_total(Store *store, const char *id, const char *account);

#endif
