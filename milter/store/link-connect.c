/* link-connect: sockets to a Redis server or a Sentinel (see link-private.h). Layer: store. */
#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <string.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/clock.h"
#include "store/link-private.h"

LinkHost *link_host_new(const char *host, guint16 port)
{
	LinkHost *copy = g_new0(LinkHost, 1);

	copy->host = g_strdup(host);
	copy->port = port;
	return copy;
}

LinkHost *link_host_copy(const LinkHost *host)
{
	return link_host_new(host->host, host->port);
}

void link_host_free(LinkHost *host)
{
	if (!host)
		return;
	g_free(host->host);
	g_free(host);
}

bool link_host_equal(const LinkHost *a, const LinkHost *b)
{
	return a->port == b->port && g_ascii_strcasecmp(a->host, b->host) == 0;
}

char *link_host_text(const LinkHost *host)
{
	return g_strdup_printf(strchr(host->host, ':') ? "[%s]:%u" : "%s:%u", host->host, host->port);
}

struct addrinfo *link_resolve(Link *link, const LinkHost *host, GError **error)
{
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM, .ai_family = AF_UNSPEC }, *list = NULL;
	g_autofree char *port = g_strdup_printf("%u", host->port);
	int failure = getaddrinfo(host->host, port, &hints, &list);

	if (failure == 0)
		return list;
	link_fail(link, OUTAGE_ERROR_UNAVAILABLE, error, failure == EAI_SYSTEM ? g_strerror(errno) : gai_strerror(failure));
	return NULL;
}

int link_connect_begin(Link *link, const struct sockaddr *address, socklen_t size)
{
	int on = 1;

	if (link->fd >= 0)
		close(link->fd);
	link->fd = socket(address->sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (link->fd < 0)
		return -1;
	if (address->sa_family != AF_UNIX) {
		/* Both are refinements: a system that refuses them still gives a connection that works. */
		(void)setsockopt(link->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
		(void)setsockopt(link->fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
	}
	if (connect(link->fd, address, size) == 0)
		return 1;
	return errno == EINPROGRESS || errno == EINTR ? 0 : -1;
}

bool link_connect_end(const Link *link)
{
	int failure = 0;
	socklen_t size = sizeof failure;

	if (getsockopt(link->fd, SOL_SOCKET, SO_ERROR, &failure, &size) != 0)
		return false;
	errno = failure;
	return failure == 0;
}

/* Connects to address by deadline. Returns true, or false with errno. */
static bool connect_to(Link *link, const struct sockaddr *address, socklen_t size, gint64 deadline)
{
	int begun = link_connect_begin(link, address, size);

	if (begun != 0)
		return begun > 0;
	return link_wait(link, POLLOUT, deadline) && link_connect_end(link);
}

/* Tries one address after the other; each gets its share of the time that is left, so that one which is silent leaves some to the
 * others. */
static bool connect_to_any(Link *link, const struct addrinfo *list, gint64 deadline)
{
	guint left = 0;

	for (const struct addrinfo *one = list; one; one = one->ai_next)
		left++;
	for (const struct addrinfo *one = list; one; one = one->ai_next, left--) {
		gint64 now = clock_mono_us();

		if (connect_to(link, one->ai_addr, one->ai_addrlen, now + (deadline - now) / left))
			return true;
	}
	return false;
}

static bool start_tls(Link *link, const Config *config, const char *host, gint64 deadline, GError **error)
{
	link->tls = link_tls_new(config, host, link->fd, error);
	if (!link->tls)
		return false;
	for (;;) {
		const char *why = NULL;
		short wants = 0;
		int done = link_tls_shake(link->tls, &wants, &why);

		if (done > 0)
			return true;
		if (done == 0 && link_wait(link, wants, deadline))
			continue;
		if (done == 0)
			why = errno == ETIMEDOUT ? "no TLS handshake in time" : g_strerror(errno);
		return link_fail(link, OUTAGE_ERROR_UNAVAILABLE, error, why);
	}
}

Link *link_connect(const Config *config, const LinkHost *host, bool tls, GError **error)
{
	g_autoptr(Link) link = link_new("Redis", link_host_text(host));
	/* This may wait for a silent name server longer than any timeout of ours: see link_open. */
	struct addrinfo *list = link_resolve(link, host, error);
	gint64 deadline = clock_mono_us() + config->store_connect_timeout * 1000;
	bool connected;

	if (!list)
		return NULL;
	connected = connect_to_any(link, list, deadline);
	if (!connected)
		link_fail(link, OUTAGE_ERROR_UNAVAILABLE, error, g_strerror(errno));
	freeaddrinfo(list);
	if (!connected || (tls && !start_tls(link, config, host->host, deadline, error)))
		return NULL;
	return g_steal_pointer(&link);
}

Link *link_connect_unix(const Config *config, const char *path, GError **error)
{
	g_autoptr(Link) link = link_new("Redis", g_strdup(path));
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	gint64 deadline = clock_mono_us() + config->store_connect_timeout * 1000;

	/* link_url_parse has checked that it fits. */
	g_strlcpy(address.sun_path, path, sizeof address.sun_path);
	if (connect_to(link, (const struct sockaddr *)&address, sizeof address, deadline))
		return g_steal_pointer(&link);
	link_fail(link, OUTAGE_ERROR_UNAVAILABLE, error, g_strerror(errno));
	return NULL;
}
