/* rawredis: one plain connection to a Redis on this machine, with nothing of the store's between. Benchmarks only. */
#ifndef OUTAGE_TESTS_RAWREDIS_H
#define OUTAGE_TESTS_RAWREDIS_H

#include <glib.h>
#include <stdbool.h>

/* url: redis://127.0.0.1:PORT. Returns a blocking descriptor that gives up an answer after 30 s, or -1 with error. */
int raw_redis_connect(const char *url, GError **error);

/* Appends one command, its words up to NULL, in Redis' own protocol. */
void raw_redis_append(GString *commands, ...) G_GNUC_NULL_TERMINATED;

bool raw_redis_send(int fd, const GString *commands, GError **error);

/* Takes in answers until that many lines have come: "+OK" is one line, a string is two. False where the connection ends or one of the
 * lines says that it is an error. Nothing may be asked meanwhile. */
bool raw_redis_take_lines(int fd, guint lines, GError **error);

#endif
