/* milterload-private: what milterload.c and milterload-packets.c share: the options, a connection, the run. Benchmarks only.
 *
 * A packet is   length (4 bytes, network order, of what follows) command (1 byte) data
 * Strings in data end with NUL. Macros go in a packet of their own (D) in front of the command they belong to. */
#ifndef OUTAGE_TESTS_MILTERLOAD_PRIVATE_H
#define OUTAGE_TESTS_MILTERLOAD_PRIVATE_H

#include <glib.h>
#include <stdbool.h>

typedef struct {
	char *socket, *rcpt, *authserv, *domain, *label;
	int connections, messages, warmup, size, outage_percent, senders, per_connection, timeout, pid, first, rate;
} Options;

typedef enum {
	STEP_CONNECT, STEP_HELO, STEP_MAIL, STEP_RCPT, STEP_DATA, STEP_HEADER, STEP_EOH, STEP_BODY, STEP_EOM, STEPS
} Step;

typedef struct { const char *name; char *value; } Header;

typedef struct {
	int fd;
	GByteArray *in, *out;
	gsize written;       /* of out */
	bool negotiated;
	guint32 flags;       /* steps as the milter wants them */
	Step step;           /* the next to be sent; while waiting: the one waited for */
	int number;          /* of the message */
	bool outage;
	GArray *headers;     /* Header */
	guint header;        /* next of them */
	gsize body_at;
	int on_connection;   /* messages done on this connection */
	gint64 started;      /* microseconds */
	gint64 ended;        /* when the end of the message was sent */
	bool resting;        /* until the next message is due */
	bool queued;         /* this message is to be acknowledged */
} Connection;

typedef struct {
	char *plain_body, *outage_body;
	gsize plain_size, outage_size;
	int started, done, failed;
	gint64 from;         /* the first message */
	gint64 measure_from;
	gint64 cpu_from;
	GArray *latencies;   /* gint64 */
	GArray *first_ends, *other_ends; /* gint64: how long the end of a message took, of the first ones and of the others */
	guint64 headers, body_bytes, queued;
} Run;

/* milterload.c */
extern Options options;
extern Run run;

int sender_number(const Connection *c);

static inline gint64 now_us(void)
{
	return g_get_monotonic_time();
}

/* milterload-packets.c: all of these append to c->out, and send nothing yet. */
void put_packet(Connection *c, char command, const void *data, gsize size);
void put_negotiation(Connection *c);

/* Puts steps until one is to be answered; c->step is then that step. */
void advance(Connection *c);

#endif
