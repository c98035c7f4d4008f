/* link: one connection to Redis (see link.h). Layer: store.
 *
 * The descriptor is non-blocking and every wait is a poll() up to one deadline. What is asked of the other side is
 * counted (expected), so that an answer nobody waits for is noticed as what it is: a peer that closed, or a stream
 * out of step. How the connection is made stands in the siblings link-*.c. */
#include "store/link.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "store/link-private.h"

/* The largest string Redis holds is 512 MB, and somebody may have put one into a key that we read; more than that is a server that is
 * not what we think it is. */
#define MEGABYTE ((gsize)1024 * 1024)
#define REPLY_MAX (600 * MEGABYTE)
/* So much longer an answer may take for each megabyte of it that has arrived, and for all of them together. */
#define MEGABYTE_US (100 * 1000)
#define LARGE_US (30 * G_USEC_PER_SEC)
/* In all arrays of one answer. */
#define ELEMENTS_MAX (1024 * 1024)

bool link_is_broken(const Link *link)
{
	return link->broken != NULL;
}

const char *link_server_id(const Link *link)
{
	return link->server_id != NULL ? link->server_id : "";
}

const char *link_where(const Link *link)
{
	return link->where;
}

bool link_has_user(const Link *link)
{
	return link->has_user;
}

int link_fd(const Link *link)
{
	return link->fd;
}

#if HIREDIS_MAJOR >= 1
typedef size_t ArraySize;
#else
typedef int ArraySize;
#endif

static void *(*create_array)(const redisReadTask *task, ArraySize elements);

/* An array is made for as many elements as its head promises, before one of them is there: ten bytes could ask for 16 GB. */
static void *create_bounded_array(const redisReadTask *task, ArraySize elements)
{
	Link *link = task->privdata;

	if (!task->parent)
		link->elements = 0;
	link->elements += (gsize)elements;
	return link->elements <= ELEMENTS_MAX ? create_array(task, elements) : NULL;
}

static redisReplyObjectFunctions bounded_functions;

static void make_bounded_functions(const redisReader *reader)
{
	static gsize made;

	if (!g_once_init_enter(&made))
		return;
	bounded_functions = *reader->fn;
	create_array = bounded_functions.createArray;
	bounded_functions.createArray = create_bounded_array;
	g_once_init_leave(&made, 1);
}

Link *link_new(const char *what, char *where)
{
	Link *link = g_new0(Link, 1);

	link->fd = -1;
	link->reader = redisReaderCreate();
	g_assert(link->reader != NULL); /* only ever fails for want of memory, where GLib aborts too */
	make_bounded_functions(link->reader);
	link->reader->fn = &bounded_functions;
	link->reader->privdata = link;
	link->out = g_string_new(NULL);
	link->what = what;
	link->where = where;
	return link;
}

void link_free(Link *link)
{
	if (!link)
		return;
	link_tls_free(link->tls);
	if (link->fd >= 0)
		close(link->fd);
	if (link->reader)
		redisReaderFree(link->reader);
	g_string_free(link->out, TRUE);
	g_free(link->where);
	g_free(link->server_id);
	link_host_free(link->named);
	g_free(link->broken);
	g_free(link);
}

void link_break(Link *link, const char *why)
{
	if (!link->broken)
		link->broken = g_strdup(why);
}

bool link_fail(Link *link, OutageError code, GError **error, const char *why)
{
	link_break(link, why);
	g_set_error(error, OUTAGE_ERROR, code, "%s at %s: %s", link->what, link->where, why);
	return false;
}

static bool fail_if_broken(Link *link, GError **error)
{
	if (!link->broken)
		return true;
	g_set_error(error, OUTAGE_ERROR, OUTAGE_ERROR_UNAVAILABLE, "%s at %s: lost before: %s", link->what, link->where,
	    link->broken);
	return false;
}

GPtrArray *command_new(const char *first, ...)
{
	GPtrArray *command = g_ptr_array_new_with_free_func(g_free);
	const char *word;
	va_list ap;

	va_start(ap, first);
	for (word = first; word; word = va_arg(ap, const char *))
		command_add(command, word);
	va_end(ap);
	return command;
}

void command_add(GPtrArray *command, const char *word)
{
	g_ptr_array_add(command, g_strdup(word ? word : ""));
}

void command_add_int(GPtrArray *command, gint64 number)
{
	g_ptr_array_add(command, g_strdup_printf("%" G_GINT64_FORMAT, number));
}

void link_push(Link *link, const GPtrArray *command)
{
	char *wire = NULL;
	int size = redisFormatCommandArgv(&wire, (int)command->len, (const char **)command->pdata, NULL);

	g_assert(size >= 0); /* only ever fails for want of memory, where GLib aborts too */
	if (link->out->len == 0)
		link->first = (gsize)size;
	g_string_append_len(link->out, wire, size);
	redisFreeCommand(wire);
	link->expected++;
}

bool link_wait(const Link *link, short events, gint64 deadline)
{
	for (;;) {
		struct pollfd poller = { .fd = link->fd, .events = events };
		gint64 left = deadline - clock_mono_us();
		int ready = poll(&poller, 1, left > 0 ? (int)MIN((left + 999) / 1000, G_MAXINT / 2) : 0);

		if (ready > 0)
			return true;
		if (ready == 0 && left <= 0) {
			errno = ETIMEDOUT;
			return false;
		}
		if (ready < 0 && errno != EINTR)
			return false;
	}
}

/* Writes once. Returns how much, 0 where *wants must be waited for, -1 with *why where the link is lost. */
static ssize_t write_some(Link *link, const char *data, gsize size, short *wants, const char **why)
{
	ssize_t n;

	if (link->tls)
		return link_tls_write(link->tls, data, size, wants, why);
	do
		n = send(link->fd, data, size, MSG_NOSIGNAL);
	while (n < 0 && errno == EINTR);
	*wants = POLLOUT;
	if (n < 0 && errno == EAGAIN)
		return 0;
	if (n < 0)
		*why = g_strerror(errno);
	return n;
}

/* Reads once, or only looks (peek). Returns as write_some. */
static ssize_t read_some(Link *link, char *buffer, gsize size, bool peek, short *wants, const char **why)
{
	ssize_t n;

	if (link->tls)
		return link_tls_read(link->tls, buffer, size, peek, wants, why);
	do
		n = recv(link->fd, buffer, size, peek ? MSG_PEEK : 0);
	while (n < 0 && errno == EINTR);
	*wants = POLLIN;
	if (n < 0 && errno == EAGAIN)
		return 0;
	if (n > 0)
		return n;
	*why = n == 0 ? "the server closed the connection" : g_strerror(errno);
	return -1;
}

/* code: what the caller may conclude where the first command had left, which the server may have carried out by now. Before that
 * nothing was done: a command that is not whole does nothing. */
static bool send_all(Link *link, gint64 deadline, OutageError code, GError **error)
{
	gsize sent = 0;

	while (sent < link->out->len) {
		const char *why = NULL;
		short wants = 0;
		ssize_t n = write_some(link, link->out->str + sent, link->out->len - sent, &wants, &why);

		if (n > 0) {
			sent += (gsize)n;
			continue;
		}
		if (n == 0 && link_wait(link, wants, deadline))
			continue;
		if (n == 0)
			why = errno == ETIMEDOUT ? "it takes nothing any more" : g_strerror(errno);
		return link_fail(link, sent >= link->first ? code : OUTAGE_ERROR_UNAVAILABLE, error, why);
	}
	g_string_truncate(link->out, 0);
	return true;
}

/* Reads once into the parser. Returns 1 where something came, 0 where *wants must be waited for, -1 with *why where the link is lost. */
static int receive(Link *link, short *wants, const char **why)
{
	char buffer[16384];
	ssize_t n = read_some(link, buffer, sizeof buffer, false, wants, why);

	if (n <= 0)
		return (int)n;
	link->received += (gsize)n;
	if (link->reader->len > REPLY_MAX)
		*why = "an answer larger than 600 MB";
	else if (redisReaderFeed(link->reader, buffer, (size_t)n) != REDIS_OK)
		*why = "an answer that is not of the Redis protocol";
	else
		return 1;
	return -1;
}

/* A server that restarted while the link lay idle has closed it. Seen before anything is written, "nothing was done"
 * is certain. */
static bool check_idle(Link *link, GError **error)
{
	const char *why = NULL;
	short wants = 0;
	char byte;
	ssize_t n = read_some(link, &byte, 1, true, &wants, &why);

	if (n == 0 && link->reader->pos >= link->reader->len)
		return true;
	return link_fail(link, OUTAGE_ERROR_UNAVAILABLE, error, n < 0 ? why : "an answer to nothing that was asked");
}

/* Returns until when the answer may take: a short one until deadline, a long one that keeps coming longer. */
static gint64 patience(const Link *link, gint64 deadline)
{
	return deadline + MIN((gint64)(link->received / MEGABYTE) * MEGABYTE_US, LARGE_US);
}

static redisReply *next_reply(Link *link, gint64 deadline, OutageError code, GError **error)
{
	bool coming = false;

	for (;;) {
		void *reply = NULL;
		const char *why = NULL;
		short wants = 0;
		int got;

		if (redisReaderGetReply(link->reader, &reply) != REDIS_OK) {
			link_fail(link, code, error, link->reader->errstr);
			return NULL;
		}
		if (reply)
			return reply;
		/* One that never pauses is late as well. */
		if (coming && clock_mono_us() > patience(link, deadline)) {
			link_fail(link, code, error, "no whole answer in time");
			return NULL;
		}
		got = receive(link, &wants, &why);
		coming = got > 0;
		if (got == 0 && !link_wait(link, wants, patience(link, deadline))) {
			why = errno == ETIMEDOUT ? "no answer in time" : g_strerror(errno);
			got = -1;
		}
		if (got < 0) {
			link_fail(link, code, error, why);
			return NULL;
		}
	}
}

GPtrArray *link_run(Link *link, gint64 timeout_ms, bool writes, GError **error)
{
	g_autoptr(GPtrArray) replies = g_ptr_array_new_with_free_func(freeReplyObject);
	gint64 deadline = clock_mono_us() + timeout_ms * 1000;
	OutageError code = writes ? OUTAGE_ERROR_UNKNOWN : OUTAGE_ERROR_UNAVAILABLE;

	link->received = 0;
	if (!fail_if_broken(link, error) || !check_idle(link, error) || !send_all(link, deadline, code, error))
		return NULL;
	while (link->expected > 0) {
		redisReply *reply = next_reply(link, deadline, code, error);

		if (!reply)
			return NULL;
		g_ptr_array_add(replies, reply);
		link->expected--;
	}
	return g_steal_pointer(&replies);
}

bool link_send(Link *link, gint64 timeout_ms, GError **error)
{
	link->expected = 0;
	return fail_if_broken(link, error) &&
	    send_all(link, clock_mono_us() + timeout_ms * 1000, OUTAGE_ERROR_UNAVAILABLE, error);
}

int link_hear(Link *link, redisReply **reply, GError **error)
{
	if (!fail_if_broken(link, error))
		return -1;
	/* Goes on until the socket, and what TLS has taken from it, hold no more: a poll() that follows misses nothing. */
	for (;;) {
		void *next = NULL;
		const char *why = NULL;
		short wants = 0;
		int got;

		if (redisReaderGetReply(link->reader, &next) != REDIS_OK) {
			link_fail(link, OUTAGE_ERROR_UNAVAILABLE, error, link->reader->errstr);
			return -1;
		}
		if (next) {
			*reply = next;
			return 1;
		}
		got = receive(link, &wants, &why);
		if (got < 0)
			link_fail(link, OUTAGE_ERROR_UNAVAILABLE, error, why);
		if (got <= 0)
			return got;
	}
}

/* Error codes of a server that is no longer, or not yet, the one to talk to: the next connection asks Sentinel, or the Cluster, again. */
static const struct {
	const char *code;
	const char *why;
} elsewhere[] = {
	{ "READONLY ", "the server is no longer the primary" },
	{ "MASTERDOWN ", "the server is a replica that has lost its primary" },
	{ "LOADING ", "the server is still reading its data" },
	{ "MOVED ", "the keys have moved to another node of the Cluster" },
	{ "CLUSTERDOWN ", "the Cluster is down" },
};

/* Finds the code at the start, or after the "-" that Redis 6 puts before the error of a command in a script. */
static const char *why_elsewhere(const char *text)
{
	for (guint i = 0; i < G_N_ELEMENTS(elsewhere); i++) {
		const char *at = strstr(text, elsewhere[i].code);

		if (at && (at == text || at[-1] == '-'))
			return elsewhere[i].why;
	}
	return NULL;
}

bool link_reply_failed(Link *link, const redisReply *reply, GError **error)
{
	const char *why;
	bool wrong_type;

	if (reply->type != REDIS_REPLY_ERROR)
		return false;
	wrong_type = strstr(reply->str, "WRONGTYPE") != NULL;
	g_set_error(error, OUTAGE_ERROR, wrong_type ? OUTAGE_ERROR_INVALID : OUTAGE_ERROR_UNAVAILABLE, "%s at %s says: %s",
	    link->what, link->where, reply->str);
	why = why_elsewhere(reply->str);
	if (why)
		link_break(link, why);
	return true;
}

redisReply *link_ask(Link *link, const GPtrArray *command, gint64 timeout_ms, bool writes, GError **error)
{
	g_autoptr(GPtrArray) replies = NULL;

	link_push(link, command);
	replies = link_run(link, timeout_ms, writes, error);
	if (!replies || link_reply_failed(link, replies->pdata[0], error))
		return NULL;
	return g_ptr_array_steal_index(replies, 0);
}

Link *link_adopt(int fd, const char *where)
{
	Link *link = link_new("Redis", g_strdup(where));
	int flags = fcntl(fd, F_GETFL);

	link->fd = fd;
	if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0)
		link->broken = g_strdup(g_strerror(errno));
	return link;
}
