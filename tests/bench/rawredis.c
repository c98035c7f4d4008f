/* rawredis: see rawredis.h. Benchmarks only: a floor to measure the store against, and a hand that writes as redis-cli does. */
#include "rawredis.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

static void fail(GError **error, const char *what)
{
	g_set_error(error, G_FILE_ERROR, G_FILE_ERROR_FAILED, "Redis: %s", what);
}

int raw_redis_connect(const char *url, GError **error)
{
	const char *colon = strrchr(url, ':');
	struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	struct timeval patience = { .tv_sec = 30 };
	int one = 1;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	address.sin_port = htons((guint16)g_ascii_strtoull(colon != NULL ? colon + 1 : "", NULL, 10));
	if (fd >= 0 && connect(fd, (struct sockaddr *)&address, sizeof address) == 0 &&
	    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one) == 0 &&
	    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience) == 0)
		return fd;
	fail(error, g_strerror(errno));
	if (fd >= 0)
		close(fd);
	return -1;
}

/* A command is   *WORDS CRLF   and for each word   $BYTES CRLF WORD CRLF */
void raw_redis_append(GString *commands, ...)
{
	guint words = 0;
	va_list args;

	va_start(args, commands);
	while (va_arg(args, const char *) != NULL)
		words++;
	va_end(args);
	g_string_append_printf(commands, "*%u\r\n", words);
	va_start(args, commands);
	for (const char *word = va_arg(args, const char *); word != NULL; word = va_arg(args, const char *))
		g_string_append_printf(commands, "$%" G_GSIZE_FORMAT "\r\n%s\r\n", strlen(word), word);
	va_end(args);
}

bool raw_redis_send(int fd, const GString *commands, GError **error)
{
	if (send(fd, commands->str, commands->len, MSG_NOSIGNAL) == (ssize_t)commands->len)
		return true;
	fail(error, "the connection is lost");
	return false;
}

bool raw_redis_take_lines(int fd, guint lines, GError **error)
{
	bool at_start = true;

	while (lines > 0) {
		char buffer[512];
		ssize_t n = recv(fd, buffer, sizeof buffer, 0);

		if (n <= 0) {
			fail(error, "the connection is lost");
			return false;
		}
		for (ssize_t i = 0; i < n; i++) {
			if (at_start && buffer[i] == '-') {
				fail(error, "a command was refused");
				return false;
			}
			at_start = buffer[i] == '\n';
			lines -= at_start && lines > 0;
		}
	}
	return true;
}
