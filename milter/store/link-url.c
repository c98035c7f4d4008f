/* link-url: the store's URL taken apart (see link.h). Layer: store.
 *
 *     url       = "sqlite:" path
 *               / ( "redis://" / "rediss://" ) [ userinfo "@" ] host [ "/" [ db ] ]
 *               / "redis+unix://" [ userinfo "@" ] path [ "?db=" db ]
 *               / "redis+sentinel://" [ userinfo "@" ] host *( "," host ) "/" master [ "/" [ db ] ]
 *     userinfo  = [ user ] [ ":" password ]           percent-encoded (RFC 3986 section 2.1)
 *     host      = ( name / IPv4 / "[" IPv6 "]" ) [ ":" port ]
 *     path      = "/" ...                             percent-encoded for redis+unix, as it is for sqlite
 *     db        = 1*5DIGIT
 *
 * No message repeats what stands before the "@": it ends in logs. */
#include <arpa/inet.h>
#include <stdarg.h>
#include <string.h>
#include <sys/un.h>

#include "store/link-private.h"
#include "store/store.h"

#define REDIS_PORT 6379
#define SENTINEL_PORT 26379

static const struct {
	const char *scheme;
	LinkKind kind;
	bool tls;
} schemes[] = {
	{ "redis://", LINK_TCP, false },
	{ "rediss://", LINK_TCP, true },
	{ "redis+unix://", LINK_UNIX, false },
	{ "redis+sentinel://", LINK_SENTINEL, false },
};

void link_url_free(LinkUrl *url)
{
	if (!url)
		return;
	g_ptr_array_unref(url->hosts);
	g_free(url->path);
	g_free(url->master);
	g_free(url->user);
	g_free(url->password);
	g_free(url);
}

static bool refuse(GError **error, const char *format, ...) G_GNUC_PRINTF(2, 3);
static bool refuse(GError **error, const char *format, ...)
{
	g_autofree char *what = NULL;
	va_list ap;

	va_start(ap, format);
	what = g_strdup_vprintf(format, ap);
	va_end(ap);
	g_set_error(error, OUTAGE_ERROR, OUTAGE_ERROR_INVALID, "store URL: %s", what);
	return false;
}

/* Returns size bytes of text percent-decoded, or NULL for a broken escape, %00 or bytes that are not UTF-8. */
static char *decode(const char *text, gsize size)
{
	GString *plain = g_string_sized_new(size);

	for (gsize i = 0; i < size; i++) {
		int high = size - i > 2 ? g_ascii_xdigit_value(text[i + 1]) : -1;
		int low = size - i > 2 ? g_ascii_xdigit_value(text[i + 2]) : -1;

		if (text[i] != '%') {
			g_string_append_c(plain, text[i]);
			continue;
		}
		if (high < 0 || low < 0 || (high == 0 && low == 0)) {
			g_string_free(plain, TRUE);
			return NULL;
		}
		g_string_append_c(plain, (char)(high * 16 + low));
		i += 2;
	}
	if (!g_utf8_validate(plain->str, (gssize)plain->len, NULL)) {
		g_string_free(plain, TRUE);
		return NULL;
	}
	return g_string_free(plain, FALSE);
}

static bool parse_number(const char *text, guint64 max, guint64 *number)
{
	gsize size = strlen(text);

	if (size < 1 || size > 5 || strspn(text, "0123456789") != size)
		return false;
	*number = g_ascii_strtoull(text, NULL, 10);
	return *number <= max;
}

static bool parse_db(LinkUrl *url, const char *text, GError **error)
{
	guint64 number;

	if (!parse_number(text, 99999, &number))
		return refuse(error, "the database after the last \"/\" or \"db=\" must be a number such as 0");
	url->db = (guint)number;
	return true;
}

static bool parse_userinfo(LinkUrl *url, const char *text, gsize size, GError **error)
{
	const char *colon = memchr(text, ':', size);
	gsize user_size = colon ? (gsize)(colon - text) : size;

	if (memchr(text, '@', size))
		return refuse(error, "an \"@\" in the user or password must be written %%40");
	if (user_size > 0) {
		url->user = decode(text, user_size);
		if (!url->user)
			return refuse(error, "the user is not properly percent-encoded UTF-8");
	}
	if (colon && user_size + 1 < size) {
		url->password = decode(colon + 1, size - user_size - 1);
		if (!url->password)
			return refuse(error, "the password is not properly percent-encoded UTF-8 (write %% as %%25)");
	}
	return true;
}

static bool host_is_name(const char *host)
{
	gsize size = strlen(host);

	return size > 0 && size <= 253 && host[0] != '-' && host[0] != '.' &&
	    strspn(host, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_") == size;
}

static bool parse_host(LinkUrl *url, const char *text, guint16 default_port, GError **error)
{
	LinkHost *host = g_new0(LinkHost, 1);
	const char *port = NULL;
	guint64 number = default_port;
	struct in6_addr address;

	g_ptr_array_add(url->hosts, host);
	if (text[0] == '[') {
		const char *end = strchr(text, ']');

		if (!end || (end[1] != '\0' && end[1] != ':'))
			return refuse(error, "\"%s\" is no host: an IPv6 address stands in brackets, as in [::1]:6379", text);
		host->host = g_strndup(text + 1, (gsize)(end - text - 1));
		if (inet_pton(AF_INET6, host->host, &address) != 1)
			return refuse(error, "\"%s\" is no IPv6 address", host->host);
		port = end[1] == ':' ? end + 2 : NULL;
	} else {
		const char *colon = strchr(text, ':');

		host->host = colon ? g_strndup(text, (gsize)(colon - text)) : g_strdup(text);
		if (!host_is_name(host->host))
			return refuse(error, "\"%s\" is no host name", host->host);
		port = colon ? colon + 1 : NULL;
	}
	if (port && (!parse_number(port, 65535, &number) || number == 0))
		return refuse(error, "the port of host %s must be a number from 1 to 65535", host->host);
	host->port = (guint16)number;
	return true;
}

/* rest: what follows the userinfo: host [ "/" [ db ] ]. */
static bool parse_tcp(LinkUrl *url, const char *rest, GError **error)
{
	const char *slash = strchr(rest, '/');
	g_autofree char *host = slash ? g_strndup(rest, (gsize)(slash - rest)) : g_strdup(rest);

	if (*host == '\0')
		return refuse(error, "no host is named, as in redis://localhost:6379/0");
	return parse_host(url, host, REDIS_PORT, error) && (!slash || slash[1] == '\0' || parse_db(url, slash + 1, error));
}

static bool parse_sentinel(LinkUrl *url, const char *rest, GError **error)
{
	g_auto(GStrv) parts = g_strsplit(rest, "/", 3);
	g_auto(GStrv) hosts = g_strsplit(parts[0] ? parts[0] : "", ",", -1);

	if (!hosts[0])
		return refuse(error, "no sentinel is named, as in redis+sentinel://h1:26379,h2:26379/master/0");
	for (guint i = 0; hosts[i]; i++) {
		if (!parse_host(url, hosts[i], SENTINEL_PORT, error))
			return false;
	}
	if (!parts[1] || !host_is_name(parts[1]))
		return refuse(error, "the name of the master is missing, as in redis+sentinel://h1:26379,h2:26379/master/0");
	url->master = g_strdup(parts[1]);
	return !parts[2] || parts[2][0] == '\0' || parse_db(url, parts[2], error);
}

static bool parse_unix(LinkUrl *url, const char *rest, GError **error)
{
	const char *query = strchr(rest, '?');

	if (rest[0] != '/')
		return refuse(error, "the path of the socket must be absolute, as in redis+unix:///run/redis/redis.sock");
	url->path = decode(rest, query ? (gsize)(query - rest) : strlen(rest));
	if (!url->path || strlen(url->path) < 2)
		return refuse(error, "the path of the socket is not properly percent-encoded UTF-8 or empty");
	if (strlen(url->path) >= sizeof ((struct sockaddr_un *)NULL)->sun_path)
		return refuse(error, "the path of the socket is longer than the system allows");
	if (!query)
		return true;
	if (!g_str_has_prefix(query, "?db="))
		return refuse(error, "after \"?\" only db=N is known");
	return parse_db(url, query + strlen("?db="), error);
}

static bool parse_redis(LinkUrl *url, const char *rest, GError **error)
{
	gsize authority = strcspn(rest, "/?#");
	const char *at = g_strrstr_len(rest, (gssize)authority, "@");

	if (!at && strchr(rest, '@'))
		return refuse(error, "a \"/\", \"?\" or \"#\" in the user or password must be written %%2F, %%3F or %%23");
	if (strchr(rest, '#'))
		return refuse(error, "a \"#\" has no meaning here");
	if (at) {
		if (!parse_userinfo(url, rest, (gsize)(at - rest), error))
			return false;
		rest = at + 1;
	}
	if (url->kind == LINK_UNIX)
		return parse_unix(url, rest, error);
	if (strchr(rest, '?'))
		return refuse(error, "options after \"?\" are not known for this kind of URL");
	return url->kind == LINK_SENTINEL ? parse_sentinel(url, rest, error) : parse_tcp(url, rest, error);
}

static bool has_odd_bytes(const char *text)
{
	for (const guchar *p = (const guchar *)text; *p; p++) {
		if (*p < 0x20 || *p == 0x7f)
			return true;
	}
	return !g_utf8_validate(text, -1, NULL);
}

LinkUrl *link_url_parse(const char *text, GError **error)
{
	g_autoptr(LinkUrl) url = g_new0(LinkUrl, 1);

	url->hosts = g_ptr_array_new_with_free_func((GDestroyNotify)link_host_free);
	if (!text || *text == '\0') {
		refuse(error, "it is empty");
		return NULL;
	}
	if (has_odd_bytes(text)) {
		refuse(error, "it has control characters or is not UTF-8");
		return NULL;
	}
	if (g_str_has_prefix(text, "sqlite:")) {
		url->kind = LINK_SQLITE;
		url->path = g_strdup(text + strlen("sqlite:"));
		if (*url->path != '\0' && !g_str_has_prefix(url->path, "//"))
			return g_steal_pointer(&url);
		refuse(error, "sqlite: takes the path of a file, as in sqlite:/var/lib/outage-milter/store.db");
		return NULL;
	}
	for (guint i = 0; i < G_N_ELEMENTS(schemes); i++) {
		if (!g_str_has_prefix(text, schemes[i].scheme))
			continue;
		url->kind = schemes[i].kind;
		url->tls = schemes[i].tls;
		return parse_redis(url, text + strlen(schemes[i].scheme), error) ? g_steal_pointer(&url) : NULL;
	}
	refuse(error, "it must begin with sqlite:, redis://, rediss://, redis+unix:// or redis+sentinel://");
	return NULL;
}

bool store_url_check(const char *text, GError **error)
{
	g_autoptr(LinkUrl) url = link_url_parse(text, error);

	if (!url)
		return false;
	if (url->tls && !link_tls_built())
		return refuse(error, "rediss:// needs TLS, which this build does not have: use redis:// over loopback, a private "
		    "network or a tunnel, or redis+unix://");
	return true;
}
