/* link: one connection to Redis (see link.h). Layer: store.
 *
 * The descriptor is non-blocking and every wait is a poll() up to one deadline. What is asked of the other side is
 * counted (expected), so that an answer nobody waits for is noticed as what it is: a peer that closed, or a stream
 * out of step. */
#include "store/link.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/error.h"
#include "store/store.h"

/* No answer we ask for comes near this; more is a server that is not what we think it is. */
#define REPLY_MAX (64u * 1024 * 1024)

struct Link {
	int fd;
	redisReader *reader;
	GString *out;        /* commands not yet sent */
	guint expected;      /* replies owed to us for commands in out or sent */
	char *where;         /* for messages: host:port or path */
	char *broken;        /* why it failed, or NULL */
};

bool link_is_broken(const Link *link)
{
	return link->broken != NULL;
}

int link_fd(const Link *link)
{
	return link->fd;
}

void link_free(Link *link)
{
	if (!link)
		return;
	if (link->fd >= 0)
		close(link->fd);
	if (link->reader)
		redisReaderFree(link->reader);
	g_string_free(link->out, TRUE);
	g_free(link->where);
	g_free(link->broken);
	g_free(link);
}

/* Breaks link; code is what the caller may conclude about what it asked for. */
static bool fail(Link *link, OutageError code, GError **error, const char *why)
{
	if (!link->broken)
		link->broken = g_strdup(why);
	g_set_error(error, OUTAGE_ERROR, code, "Redis at %s: %s", link->where, why);
	return false;
}

static bool fail_if_broken(Link *link, GError **error)
{
	if (!link->broken)
		return true;
	g_set_error(error, OUTAGE_ERROR, OUTAGE_ERROR_UNAVAILABLE, "Redis at %s: lost before: %s", link->where, link->broken);
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
	g_string_append_len(link->out, wire, size);
	redisFreeCommand(wire);
	link->expected++;
}

/* Waits for events on the link until deadline; false with errno ETIMEDOUT or poll's own. */
static bool wait_for(const Link *link, short events, gint64 deadline)
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

static bool send_all(Link *link, gint64 deadline, GError **error)
{
	gsize sent = 0;

	while (sent < link->out->len) {
		ssize_t n = send(link->fd, link->out->str + sent, link->out->len - sent, MSG_NOSIGNAL);

		if (n >= 0) {
			sent += (gsize)n;
			continue;
		}
		if (errno == EINTR)
			continue;
		if (errno == EAGAIN && wait_for(link, POLLOUT, deadline))
			continue;
		return fail(link, OUTAGE_ERROR_UNAVAILABLE, error, g_strerror(errno));
	}
	g_string_truncate(link->out, 0);
	return true;
}

/* Reads once. Returns 1 where something came, 0 where nothing is there, -1 with *why where the link is lost. */
static int receive(Link *link, const char **why)
{
	char buffer[16384];
	ssize_t n;

	do
		n = recv(link->fd, buffer, sizeof buffer, 0);
	while (n < 0 && errno == EINTR);
	if (n < 0 && errno == EAGAIN)
		return 0;
	if (n == 0)
		*why = "the server closed the connection";
	else if (n < 0)
		*why = g_strerror(errno);
	else if (link->reader->len > REPLY_MAX)
		*why = "an answer larger than 64 MB";
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
	char byte;
	ssize_t n = recv(link->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return true;
	if (n == 0)
		return fail(link, OUTAGE_ERROR_UNAVAILABLE, error, "the server closed the connection");
	return fail(link, OUTAGE_ERROR_UNAVAILABLE, error,
	    n < 0 ? g_strerror(errno) : "an answer to nothing that was asked");
}

static redisReply *next_reply(Link *link, gint64 deadline, OutageError code, GError **error)
{
	for (;;) {
		void *reply = NULL;
		const char *why = NULL;
		int got;

		if (redisReaderGetReply(link->reader, &reply) != REDIS_OK) {
			fail(link, code, error, link->reader->errstr);
			return NULL;
		}
		if (reply)
			return reply;
		got = receive(link, &why);
		if (got == 0 && !wait_for(link, POLLIN, deadline)) {
			why = errno == ETIMEDOUT ? "no answer in time" : g_strerror(errno);
			got = -1;
		}
		if (got < 0) {
			fail(link, code, error, why);
			return NULL;
		}
	}
}

GPtrArray *link_run(Link *link, gint64 timeout_ms, bool writes, GError **error)
{
	g_autoptr(GPtrArray) replies = g_ptr_array_new_with_free_func(freeReplyObject);
	gint64 deadline = clock_mono_us() + timeout_ms * 1000;
	OutageError code = writes ? OUTAGE_ERROR_UNKNOWN : OUTAGE_ERROR_UNAVAILABLE;

	if (!fail_if_broken(link, error) || !check_idle(link, error) || !send_all(link, deadline, error))
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
	return fail_if_broken(link, error) && send_all(link, clock_mono_us() + timeout_ms * 1000, error);
}

int link_hear(Link *link, redisReply **reply, GError **error)
{
	if (!fail_if_broken(link, error))
		return -1;
	for (;;) {
		void *next = NULL;
		const char *why = NULL;
		int got;

		if (redisReaderGetReply(link->reader, &next) != REDIS_OK) {
			fail(link, OUTAGE_ERROR_UNAVAILABLE, error, link->reader->errstr);
			return -1;
		}
		if (next) {
			*reply = next;
			return 1;
		}
		got = receive(link, &why);
		if (got < 0)
			fail(link, OUTAGE_ERROR_UNAVAILABLE, error, why);
		if (got <= 0)
			return got;
	}
}

bool link_reply_failed(Link *link, const redisReply *reply, GError **error)
{
	bool wrong_type;

	if (reply->type != REDIS_REPLY_ERROR)
		return false;
	wrong_type = strstr(reply->str, "WRONGTYPE") != NULL;
	g_set_error(error, OUTAGE_ERROR, wrong_type ? OUTAGE_ERROR_INVALID : OUTAGE_ERROR_UNAVAILABLE, "Redis at %s says: %s",
	    link->where, reply->str);
	/* After a failover the old master refuses writes: the next connection asks Sentinel again. */
	if (strstr(reply->str, "READONLY") && !link->broken)
		link->broken = g_strdup("the server is no longer the master");
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

/* --- making a connection --- */

/* Connects a new socket to address by deadline. Returns true, or false with errno. */
static bool connect_to(Link *link, const struct sockaddr *address, socklen_t size, gint64 deadline)
{
	int on = 1, failure = 0;
	socklen_t failure_size = sizeof failure;

	if (link->fd >= 0)
		close(link->fd);
	link->fd = socket(address->sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (link->fd < 0)
		return false;
	if (address->sa_family != AF_UNIX) {
		/* Both are refinements: a system that refuses them still gives a connection that works. */
		(void)setsockopt(link->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
		(void)setsockopt(link->fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
	}
	if (connect(link->fd, address, size) == 0)
		return true;
	if (errno != EINPROGRESS && errno != EINTR)
		return false;
	if (!wait_for(link, POLLOUT, deadline) ||
	    getsockopt(link->fd, SOL_SOCKET, SO_ERROR, &failure, &failure_size) != 0)
		return false;
	errno = failure;
	return failure == 0;
}

static Link *link_new(char *where)
{
	Link *link = g_new0(Link, 1);

	link->fd = -1;
	link->reader = redisReaderCreate();
	link->out = g_string_new(NULL);
	link->where = where;
	return link;
}

static Link *connect_unix(const char *path, gint64 timeout_ms, GError **error)
{
	g_autoptr(Link) link = link_new(g_strdup(path));
	struct sockaddr_un address = { .sun_family = AF_UNIX };

	/* link_url_parse has checked that it fits. */
	g_strlcpy(address.sun_path, path, sizeof address.sun_path);
	if (!connect_to(link, (const struct sockaddr *)&address, sizeof address, clock_mono_us() + timeout_ms * 1000)) {
		fail(link, OUTAGE_ERROR_UNAVAILABLE, error, g_strerror(errno));
		return NULL;
	}
	return g_steal_pointer(&link);
}

static Link *connect_tcp(const LinkHost *host, gint64 timeout_ms, GError **error)
{
	bool bracket = strchr(host->host, ':') != NULL;
	g_autoptr(Link) link = link_new(g_strdup_printf(bracket ? "[%s]:%u" : "%s:%u", host->host, host->port));
	g_autofree char *port = g_strdup_printf("%u", host->port);
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM, .ai_family = AF_UNSPEC }, *list = NULL;
	bool connected = false;
	gint64 deadline;
	/* This may wait for a silent name server longer than any timeout of ours: see link_open. */
	int failure = getaddrinfo(host->host, port, &hints, &list);

	if (failure != 0) {
		fail(link, OUTAGE_ERROR_UNAVAILABLE, error, gai_strerror(failure));
		return NULL;
	}
	deadline = clock_mono_us() + timeout_ms * 1000;
	for (const struct addrinfo *one = list; one && !connected; one = one->ai_next)
		connected = connect_to(link, one->ai_addr, one->ai_addrlen, deadline);
	if (!connected)
		fail(link, OUTAGE_ERROR_UNAVAILABLE, error, g_strerror(errno));
	freeaddrinfo(list);
	return connected ? g_steal_pointer(&link) : NULL;
}

static bool is_master(const redisReply *role)
{
	return role->type == REDIS_REPLY_ARRAY && role->elements > 0 && role->element[0]->str &&
	    strcmp(role->element[0]->str, "master") == 0;
}

/* AUTH, SELECT and the name in one round trip; with Sentinel also ROLE, since what it says may be a moment old. */
static bool introduce(Link *link, const Config *config, const LinkUrl *url, const char *password, const char *name,
    GError **error)
{
	g_autofree char *db = g_strdup_printf("%u", url->db);
	g_autofree char *client = g_strdelimit(g_strdup_printf("outage-%s", name), " \t\r\n", '-');
	g_autoptr(GPtrArray) auth = command_new("AUTH", NULL), replies = NULL;
	g_autoptr(GPtrArray) pick = command_new("SELECT", db, NULL), role = command_new("ROLE", NULL);
	g_autoptr(GPtrArray) set_name = command_new("CLIENT", "SETNAME", client, NULL);

	if (password) {
		if (url->user)
			command_add(auth, url->user);
		command_add(auth, password);
		link_push(link, auth);
	}
	link_push(link, pick);
	if (url->kind == LINK_SENTINEL)
		link_push(link, role);
	link_push(link, set_name);
	replies = link_run(link, config->store_timeout, false, error);
	if (!replies)
		return false;
	/* The name is a convenience: an access list that forbids setting it is no reason to go without a store. */
	for (guint i = 0; i + 1 < replies->len; i++) {
		if (link_reply_failed(link, replies->pdata[i], error))
			return false;
	}
	if (url->kind == LINK_SENTINEL && !is_master(replies->pdata[replies->len - 2]))
		return fail(link, OUTAGE_ERROR_UNAVAILABLE, error, "Sentinel named it, but it is not the master");
	return true;
}

/* Asks one sentinel where the master is. */
static LinkHost *ask_sentinel(const Config *config, const LinkHost *sentinel, const char *master, GError **error)
{
	g_autoptr(Link) link = connect_tcp(sentinel, config->store_connect_timeout, error);
	g_autoptr(GPtrArray) command = command_new("SENTINEL", "get-master-addr-by-name", master, NULL);
	g_autoptr(redisReply) reply = NULL;
	LinkHost *host;
	guint64 port;

	if (!link)
		return NULL;
	reply = link_ask(link, command, config->store_timeout, false, error);
	if (!reply)
		return NULL;
	if (reply->type != REDIS_REPLY_ARRAY || reply->elements != 2 || !reply->element[0]->str || !reply->element[1]->str ||
	    !g_ascii_string_to_unsigned(reply->element[1]->str, 10, 1, 65535, &port, NULL)) {
		g_set_error(error, OUTAGE_ERROR, OUTAGE_ERROR_UNAVAILABLE, "Sentinel at %s knows no master \"%s\"", link->where,
		    master);
		return NULL;
	}
	host = g_new0(LinkHost, 1);
	host->host = g_strdup(reply->element[0]->str);
	host->port = (guint16)port;
	return host;
}

/* The first sentinel whose answer leads to a master that says it is one wins. */
static Link *open_by_sentinel(const Config *config, const LinkUrl *url, const char *password, const char *name,
    GError **error)
{
	g_autoptr(GError) last = NULL;

	for (guint i = 0; i < url->hosts->len; i++) {
		LinkHost *host;
		g_autoptr(Link) link = NULL;

		g_clear_error(&last);
		host = ask_sentinel(config, url->hosts->pdata[i], url->master, &last);
		if (!host)
			continue;
		link = connect_tcp(host, config->store_connect_timeout, &last);
		g_free(host->host);
		g_free(host);
		if (link && introduce(link, config, url, password, name, &last))
			return g_steal_pointer(&link);
	}
	g_propagate_error(error, g_steal_pointer(&last));
	return NULL;
}

/* Sets *password to what the file or the URL gives, or NULL where neither does. */
static bool find_password(const Config *config, const LinkUrl *url, char **password, GError **error)
{
	g_autoptr(GError) inner = NULL;

	*password = NULL;
	if (config->store_password_file && *config->store_password_file) {
		if (!g_file_get_contents(config->store_password_file, password, NULL, &inner)) {
			g_set_error(error, OUTAGE_ERROR, OUTAGE_ERROR_SYSTEM, "store.password_file: %s", inner->message);
			return false;
		}
		g_strchomp(*password);
		return true;
	}
	*password = g_strdup(url->password);
	if (url->user && !url->password) {
		g_set_error(error, OUTAGE_ERROR, OUTAGE_ERROR_INVALID,
		    "store URL: user \"%s\" has no password: add it to the URL or set store.password_file", url->user);
		return false;
	}
	return true;
}

Link *link_open(const Config *config, const char *name, GError **error)
{
	g_autoptr(LinkUrl) url = NULL;
	g_autoptr(Link) link = NULL;
	g_autofree char *password = NULL;
	bool ready;

	if (!store_url_check(config->store_url, error) || !(url = link_url_parse(config->store_url, error)))
		return NULL;
	if (!find_password(config, url, &password, error))
		return NULL;
	if (url->kind == LINK_SENTINEL) {
		link = open_by_sentinel(config, url, password, name, error);
		ready = link != NULL;
	} else {
		if (url->kind == LINK_UNIX)
			link = connect_unix(url->path, config->store_connect_timeout, error);
		else
			link = connect_tcp(url->hosts->pdata[0], config->store_connect_timeout, error);
		ready = link && introduce(link, config, url, password, name, error);
	}
	return ready ? g_steal_pointer(&link) : NULL;
}
