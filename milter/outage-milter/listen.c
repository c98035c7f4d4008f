/* listen: what surrounds the opening of the listening socket: stale files, owner and mode, Nagle. Layer: program. libmilter
 * opens it itself (callbacks.c); this file sees that nobody can connect before group and mode are right. */
#include "outage-milter/listen.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/daemon.h"
#include "base/error.h"

/* Our descriptor of the listening socket, or -1. */
static int kept_fd = -1;

/* Returns the path of "unix:/path" or "local:/path", or NULL for an inet socket. */
static const char *unix_path(const Config *config)
{
	if (g_str_has_prefix(config->socket, "unix:"))
		return config->socket + strlen("unix:");
	if (g_str_has_prefix(config->socket, "local:"))
		return config->socket + strlen("local:");
	return NULL;
}

static bool failed(GError **error, const char *what, const char *path)
{
	int saved = errno;

	g_set_error(error, OUTAGE_ERROR, OUTAGE_ERROR_SYSTEM, "%s %s: %s", what, path, g_strerror(saved));
	return false;
}

/* A socket file that nobody listens on is left over from a crash and goes; one that answers belongs to a running milter. */
static bool remove_stale(const char *path, GError **error)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	struct stat st;
	bool refused;
	int fd;

	if (lstat(path, &st) != 0)
		return errno == ENOENT ? true : failed(error, "cannot look at", path);
	if (!S_ISSOCK(st.st_mode) || strlen(path) >= sizeof address.sun_path) {
		g_set_error(error, OUTAGE_ERROR, OUTAGE_ERROR_INVALID, "%s is there and is no socket: move it away", path);
		return false;
	}
	strcpy(address.sun_path, path);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return failed(error, "cannot make a socket to try", path);
	refused = connect(fd, (const struct sockaddr *)&address, sizeof address) != 0 && errno == ECONNREFUSED;
	(void)close(fd);
	if (!refused) {
		g_set_error(error, OUTAGE_ERROR, OUTAGE_ERROR_INVALID, "another program listens on %s", path);
		return false;
	}
	return unlink(path) == 0 || errno == ENOENT ? true : failed(error, "cannot remove the stale socket", path);
}

static bool give_to_group(const Config *config, const char *path, GError **error)
{
	gid_t gid = (gid_t)-1;

	if (config->socket_group != NULL && *config->socket_group != '\0') {
		const struct group *group = getgrnam(config->socket_group);

		if (group == NULL) {
			g_set_error(error, OUTAGE_ERROR, OUTAGE_ERROR_INVALID, "socket_group: there is no group %s", config->socket_group);
			return false;
		}
		gid = group->gr_gid;
	}
	if (gid != (gid_t)-1 && chown(path, (uid_t)-1, gid) != 0) {
		if (errno != EPERM)
			return failed(error, "cannot give the group of", path);
		g_set_error(error, OUTAGE_ERROR, OUTAGE_ERROR_SYSTEM,
		    "socket_group: %s cannot be given to the group %s, for this program's user is no member of it", path, config->socket_group);
		return false;
	}
	if (chmod(path, (mode_t)config->socket_mode) != 0)
		return failed(error, "cannot set the mode of", path);
	return true;
}

/* libmilter does not show its descriptor: at this time it is the only socket of this process that listens. Returns -1 where there is none. */
static int listening_fd(void)
{
	for (int fd = 3; fd < 256; fd++) {
		int listening = 0;
		socklen_t size = sizeof listening;

		if (getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listening, &size) == 0 && listening != 0)
			return fd;
	}
	return -1;
}

/* libmilter writes added headers one by one; accepted sockets inherit the option. */
static void set_nodelay(int fd)
{
	int one = 1;

	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
}

bool listen_is_local(const Config *config)
{
	return unix_path(config) != NULL;
}

bool listen_prepare(const Config *config, GError **error)
{
	const char *path = unix_path(config);
	g_autofree char *dir = path != NULL ? g_path_get_dirname(path) : NULL;

	/* The MTA has to pass through the folder; who may connect is the socket's own business. */
	return path == NULL || (daemon_make_dir(dir, 0755, false, config->user, config->group, error) && remove_stale(path, error));
}

bool listen_finish(const Config *config, GError **error)
{
	const char *path = unix_path(config);

	int fd = listening_fd();

	/* A second descriptor of the same socket: libmilter closes its own at a stop without waking its thread. */
	kept_fd = fd >= 0 ? fcntl(fd, F_DUPFD_CLOEXEC, 3) : -1;
	if (path != NULL)
		return give_to_group(config, path, error);
	set_nodelay(fd);
	return true;
}

void listen_close(const Config *config)
{
	const char *path = unix_path(config);

	if (kept_fd >= 0)
		(void)shutdown(kept_fd, SHUT_RDWR);
	if (path != NULL)
		(void)unlink(path);
}
