/* doctor-milters: which entry of Postfix's lists of milters is ours, and how it has to be written. Layer: program. Pure.
 *
 *     socket   = "unix:" path / "local:" path / "inet" [ "6" ] ":" port "@" host      outage-milter.conf, libmilter's notation
 *     endpoint = "unix:" path / "inet:" host ":" port                                 Postfix's: a path without "/" in front, and every
 *                                                                                     path in a chroot, counts from queue_directory
 */
#include <gio/gio.h>
#include <stdlib.h>
#include <string.h>

#include "outagectl/doctor.h"

/* Returns what stands behind the first colon. */
static const char *behind_colon(const char *text)
{
	const char *colon = strchr(text, ':');

	return colon != NULL ? colon + 1 : text;
}

static bool is_unix(const char *text)
{
	return g_str_has_prefix(text, "unix:") || g_str_has_prefix(text, "local:");
}

/* Returns path without double slashes and dots, and under /run where it is named by the old link; caller frees. */
static char *plain_path(const char *path)
{
	g_autofree char *plain = g_canonicalize_filename(path, "/");

	return g_str_has_prefix(plain, "/var/run/") ? g_strdup(plain + strlen("/var")) : g_steal_pointer(&plain);
}

/* Returns what an smtpd finds under path; caller frees. */
static char *path_for(const PostfixFact *postfix, const PostfixService *service, const char *path)
{
	const char *queue = postfix_effective(postfix->settings, NULL, "queue_directory");
	g_autofree char *full = service->chroot || *path != '/' ? g_strconcat(queue, "/", path, NULL) : g_strdup(path);

	return plain_path(full);
}

/* Returns the last two parts of path. */
static const char *tail(const char *path)
{
	const char *at = path + strlen(path);
	guint slashes = 0;

	while (at > path && (*at != '/' || ++slashes < 2))
		at--;
	return *at == '/' ? at + 1 : at;
}

static bool is_loopback(const char *host)
{
	g_autofree char *bare = g_strdup(*host == '[' ? host + 1 : host);
	g_autoptr(GInetAddress) address = NULL;

	if (*bare != '\0' && bare[strlen(bare) - 1] == ']')
		bare[strlen(bare) - 1] = '\0';
	if (*bare == '\0' || strcmp(bare, "localhost") == 0)
		return true;
	address = g_inet_address_new_from_string(bare);
	return address != NULL && (g_inet_address_get_is_loopback(address) || g_inet_address_get_is_any(address));
}

static bool is_own_path(const DoctorFacts *facts, const char *own, const char *path)
{
	return strcmp(own, path) == 0 || g_ptr_array_find_with_equal_func(facts->socket_names, path, g_str_equal, NULL);
}

static MilterKind unix_kind(const DoctorFacts *facts, const PostfixFact *postfix, const PostfixService *service, const char *path)
{
	g_autofree char *own = NULL, *seen = NULL, *raw = NULL;

	if (!is_unix(facts->config->socket))
		return MILTER_OTHER;
	own = plain_path(behind_colon(facts->config->socket));
	seen = path_for(postfix, service, path);
	raw = plain_path(path);
	if (is_own_path(facts, own, seen))
		return MILTER_OURS;
	return strcmp(own, raw) == 0 || strcmp(tail(own), tail(raw)) == 0 || strstr(raw, "/outage-milter/") != NULL ? MILTER_UNREACHED
	                                                                                                           : MILTER_OTHER;
}

/* port: as text. host: as Postfix has it. */
static MilterKind inet_kind(const DoctorFacts *facts, const char *host, const char *port)
{
	g_auto(GStrv) own = g_strsplit(behind_colon(facts->config->socket), "@", 2);

	if (is_unix(facts->config->socket) || g_strcmp0(own[0], port) != 0)
		return MILTER_OTHER;
	return g_strcmp0(own[1], host) == 0 || (is_loopback(host) && (own[1] == NULL || is_loopback(own[1]))) ? MILTER_OURS : MILTER_OTHER;
}

MilterKind doctor_milter_kind(const DoctorFacts *facts, const PostfixFact *postfix, const PostfixService *service,
    const PostfixMilter *milter)
{
	const char *endpoint = milter->endpoint, *rest = behind_colon(endpoint);
	const char *own = facts->config->socket, *colon;
	g_autofree char *host = NULL;

	/* Word for word what stands in our own configuration, and Postfix reads it otherwise, or not at all. */
	if (strcmp(endpoint, own) == 0 && !g_str_has_prefix(endpoint, "unix:"))
		return MILTER_MISWRITTEN;
	if (is_unix(own) && *endpoint == '/' && unix_kind(facts, postfix, service, endpoint) != MILTER_OTHER)
		return MILTER_MISWRITTEN;
	if (g_str_has_prefix(endpoint, "unix:"))
		return unix_kind(facts, postfix, service, rest);
	colon = strrchr(rest, ':');
	if (!g_str_has_prefix(endpoint, "inet:")) {
		const char *last = strrchr(endpoint, ':');

		/* HOST:PORT without "inet:" */
		host = last != NULL ? g_strndup(endpoint, (gsize)(last - endpoint)) : NULL;
		return host != NULL && inet_kind(facts, host, last + 1) == MILTER_OURS ? MILTER_MISWRITTEN : MILTER_OTHER;
	}
	if (strchr(rest, '@') != NULL) {
		g_auto(GStrv) parts = g_strsplit(rest, "@", 2);

		return inet_kind(facts, parts[1], parts[0]) == MILTER_OURS ? MILTER_MISWRITTEN : MILTER_OTHER;
	}
	host = colon != NULL ? g_strndup(rest, (gsize)(colon - rest)) : NULL;
	return host != NULL ? inet_kind(facts, host, colon + 1) : MILTER_OTHER;
}

int doctor_find_ours(const DoctorFacts *facts, const PostfixFact *postfix, const PostfixService *service, const GPtrArray *milters,
    MilterKind *kind)
{
	for (guint i = 0; i < milters->len; i++) {
		MilterKind found = doctor_milter_kind(facts, postfix, service, g_ptr_array_index(milters, i));

		if (found == MILTER_OTHER)
			continue;
		if (kind != NULL)
			*kind = found;
		return (int)i;
	}
	return -1;
}

char *doctor_own_endpoint(const DoctorFacts *facts, const PostfixFact *postfix, const PostfixService *service)
{
	g_autofree char *queue = plain_path(postfix_effective(postfix->settings, NULL, "queue_directory")), *own = NULL, *inside = NULL;

	if (!is_unix(facts->config->socket)) {
		g_auto(GStrv) parts = g_strsplit(behind_colon(facts->config->socket), "@", 2);
		bool any = parts[1] == NULL || is_loopback(parts[1]);

		if (any && g_str_has_prefix(facts->config->socket, "inet6:"))
			return g_strdup_printf("inet:[::1]:%s", parts[0]);
		return g_strdup_printf("inet:%s:%s", any ? "127.0.0.1" : parts[1], parts[0]);
	}
	own = plain_path(behind_colon(facts->config->socket));
	inside = g_strconcat(queue, own, NULL);
	if (!service->chroot || is_own_path(facts, own, inside))
		return g_strconcat("unix:", own, NULL);
	if (g_str_has_prefix(own, queue) && own[strlen(queue)] == '/')
		return g_strconcat("unix:", own + strlen(queue) + 1, NULL);
	return NULL;
}

char *doctor_milter_list(const DoctorFacts *facts, const PostfixFact *postfix, const PostfixService *service, const GPtrArray *milters,
    const char *own)
{
	g_autoptr(GString) list = g_string_new(NULL);

	for (guint i = 0; i < milters->len; i++) {
		const PostfixMilter *milter = g_ptr_array_index(milters, i);

		if (doctor_milter_kind(facts, postfix, service, milter) == MILTER_OTHER)
			g_string_append_printf(list, "%s%s", list->len > 0 ? ", " : "", milter->text);
	}
	if (own != NULL)
		g_string_append_printf(list, "%s%s", list->len > 0 ? ", " : "", own);
	return g_string_free(g_steal_pointer(&list), FALSE);
}

bool doctor_is_smtpd(const PostfixService *service)
{
	return strcmp(service->command, "smtpd") == 0 && (strcmp(service->type, "inet") == 0 || strcmp(service->type, "pass") == 0);
}

bool doctor_takes_replies(const DoctorFacts *facts, const PostfixService *service)
{
	g_autoptr(GUri) uri = g_uri_parse(facts->config->relay, G_URI_FLAGS_NONE, NULL);
	g_autofree char *address = NULL;
	guint port = postfix_service_port(service, &address);
	const char *host = uri != NULL ? g_uri_get_host(uri) : NULL;

	if (host == NULL || port == 0 || !doctor_is_smtpd(service))
		return false;
	if (port != (guint)(g_uri_get_port(uri) > 0 ? g_uri_get_port(uri) : strcmp(g_uri_get_scheme(uri), "smtps") == 0 ? 465 : 25))
		return false;
	/* On another host the same port is another Postfix's. */
	return is_loopback(host) ? *address == '\0' || is_loopback(address) : strcmp(host, address) == 0;
}
